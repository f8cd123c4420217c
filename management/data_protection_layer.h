/* SPDX-License-Identifier: Apache-2.0
 *
 * management/data_protection_layer - the layers around values of class 30. Private to
 * management/data_protection, which says what they look like. */
#ifndef WK_MANAGEMENT_DATA_PROTECTION_LAYER_H
#define WK_MANAGEMENT_DATA_PROTECTION_LAYER_H

#include "management/data_protection.h"
#include "management/session_security.h"

#define WK_DATA_PROTECTION_LAYERS 2

/* protection_type */
typedef enum wk_data_protection_kind {
    WK_DATA_PROTECTION_AUTHENTICATED = 0,
    WK_DATA_PROTECTION_ENCRYPTED = 1,
    WK_DATA_PROTECTION_BOTH = 2,
    WK_DATA_PROTECTION_SIGNED = 3,
} wk_data_protection_kind;

/* An element of protection_parameters. */
struct wk_data_protection_layer {
    uint8_t kind; /* wk_data_protection_kind */
    struct wk_envelope envelope;
    struct wk_bytes_in other;   /* other_information */
    struct wk_envelope_key key; /* kind KNOWN: of a signature */
    uint8_t key_data[WK_ENVELOPE_KEY_DATA];
};

struct wk_data_protection_layers {
    uint8_t count;
    struct wk_data_protection_layer layer[WK_DATA_PROTECTION_LAYERS];
};

/* Who opens and seals, and when. */
struct wk_data_protection_desk {
    struct wk_data_protection *protection;
    struct wk_session_security *security;
    struct wk_utc now;
    uint32_t counter;    /* last accepted; after opening, of what was opened */
    int64_t transaction; /* likewise */
};

/** Reads protection_parameters; what they point at is in the input. WK_E_FORMAT, WK_E_SHORT; WK_E_RANGE: too
 *  many, two of one sort, a field too long, no such key. */
WK_MUST_USE wk_err wk_data_protection_read_layers(struct wk_bytes_in *in,
                                                  struct wk_data_protection_layers *layers);
void wk_data_protection_put_layers(struct wk_bytes_out *out,
                                   const struct wk_data_protection_layers *layers);

/** What they give, as bits of requests: WK_SESSION_REQUEST_... */
uint8_t wk_data_protection_given(const struct wk_data_protection_layers *layers);

/** Whether they say all that whoever reads a value has to know: protection_parameters_get. */
bool wk_data_protection_is_whole(const struct wk_data_protection_layers *layers,
                                 const struct wk_session_security *security);

/** Takes the layers off `octets`, the last one first. `plain` is in them, or in the room *at.
 *  WK_E_AUTH: tag, signature, suite, names or key; WK_E_REPLAY; WK_E_UNSUPPORTED: a key that is not
 *  there; WK_E_FORMAT, WK_E_SHORT, WK_E_FULL. */
WK_MUST_USE wk_err wk_data_protection_open(struct wk_data_protection_desk *desk,
                                           const struct wk_data_protection_layers *layers,
                                           struct wk_bytes_in octets, uint8_t *at,
                                           struct wk_bytes_in *plain);

/** Puts the layers around `octets`, which stand in the room `at`; writes into the layers what the meter
 *  has chosen. WK_E_STATE: no counter is reserved; WK_E_AUTH: not from or to this meter; WK_E_UNSUPPORTED:
 *  no such key; WK_E_FULL. */
WK_MUST_USE wk_err wk_data_protection_seal(struct wk_data_protection_desk *desk,
                                           struct wk_data_protection_layers *layers, uint8_t at,
                                           struct wk_bytes_in *octets);

#endif
