/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet/caller - who talks to the meter: head-end, reader and attacker, over real associations in
 * memory (cosem/client against management/session). */
#ifndef WK_FLEET_CALLER_H
#define WK_FLEET_CALLER_H

#include "cosem/client.h"
#include "management/module.h"

#define WK_CALLER_RECORDED 512

struct wk_caller {
    struct wk_client client;
    struct wk_session session;
    const struct wk_hal_crypto *crypto; /* borrowed */
    struct wk_cipher_keys keys;
    uint32_t counter;                     /* next invocation counter of the management client */
    int64_t server_last;                  /* largest that came from the meter; -1: none yet */
    uint64_t server_seen;                 /* sealed answers */
    uint32_t server_again;                /* counters that had come before: must stay 0 */
    uint8_t recorded[WK_CALLER_RECORDED]; /* the newest sealed AARQ, for an attacker */
    size_t recorded_size;
    uint8_t value[64]; /* of the last GET */
    size_t value_size;
};

void wk_caller_init(struct wk_caller *caller, const struct wk_hal_crypto *crypto,
                    const struct wk_cipher_keys *keys);

/** Opens an association with that password (the reader's role) or with the keys (password NULL).
 *  Errors: the client's outcome; WK_E_IO: power failed meanwhile. */
WK_MUST_USE wk_err wk_caller_open(struct wk_caller *caller, struct wk_module *module,
                                  const char *password);
/** Reads an attribute into `value`. */
WK_MUST_USE wk_err wk_caller_get(struct wk_caller *caller, struct wk_module *module,
                                 const struct wk_apdu_target *target);
/** Sets an attribute to an A-XDR value. */
WK_MUST_USE wk_err wk_caller_set(struct wk_caller *caller, struct wk_module *module,
                                 const struct wk_apdu_target *target, struct wk_bytes_in value);
/** Calls a method with an A-XDR parameter. */
WK_MUST_USE wk_err wk_caller_action(struct wk_caller *caller, struct wk_module *module,
                                    const struct wk_apdu_target *target,
                                    struct wk_bytes_in parameter);
/** The connection ends. */
void wk_caller_close(struct wk_caller *caller);

/** Sends the recorded AARQ again, as somebody who listened would. */
WK_MUST_USE wk_err wk_caller_replay(struct wk_caller *caller, struct wk_module *module);

#endif
