/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/shield - one end of a protected association: opens whatever the other end protected,
 * and protects alike. Server and client use the same.
 *
 * An APDU may be signed and then ciphered, or ciphered and then signed, each once; anything
 * nested deeper is refused. Which key ciphers is told by the APDU's tag and, in
 * general-ciphering, by its key-info. Per key, counters must rise; a signature without
 * ciphering must carry a transaction-id that rises within the association. */
#ifndef WK_COSEM_SHIELD_H
#define WK_COSEM_SHIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/cipher.h"
#include "cosem/envelope.h"
#include "port/hal.h"

/* Keys that have an invocation counter of their own. */
typedef enum wk_shield_key {
    WK_SHIELD_UNICAST = 0, /* global unicast encryption key */
    WK_SHIELD_BROADCAST,   /* global broadcast encryption key */
    WK_SHIELD_AGREED,      /* keys that came or were agreed upon with the APDU itself */
    WK_SHIELD_DEDICATED,   /* of this association */
    WK_SHIELD_KEYS,
} wk_shield_key;

struct wk_shield;
struct wk_shield_cover;

/* What key pairs do (suites 1 and 2): general-signing, and keys that are agreed upon. Private to
 * cosem/shield; who does not name wk_shield_by_pairs does not link it. */
struct wk_shield_pairs {
    /* Takes the signature off. */
    wk_err (*verify)(const struct wk_shield *shield, struct wk_bytes_in *apdu,
                     struct wk_envelope *envelope);
    wk_err (*sign)(const struct wk_shield *shield, const struct wk_envelope *envelope,
                   struct wk_bytes_out *plain);
    /* The key that came with an APDU, or a new one and what tells the peer about it. */
    wk_err (*accept)(const struct wk_shield *shield, const struct wk_envelope *envelope,
                     const struct wk_envelope_key *info, struct wk_hal_key *agreed);
    wk_err (*offer)(const struct wk_shield *shield, const struct wk_envelope *envelope,
                    wk_envelope_key_kind kind, struct wk_bytes_out *data,
                    struct wk_hal_key *agreed);
};
extern const struct wk_shield_pairs wk_shield_by_pairs;

/* What general-ciphering needs, likewise: wk_shield_by_names. */
struct wk_shield_names {
    wk_err (*read)(struct wk_bytes_in *apdu, struct wk_envelope *envelope,
                   struct wk_envelope_key *info, struct wk_cipher_head *head,
                   struct wk_bytes_in *text);
    /* The key that came wrapped or was agreed upon. */
    wk_err (*accept)(const struct wk_shield *shield, const struct wk_envelope *envelope,
                     const struct wk_envelope_key *info, struct wk_hal_key *ek);
    wk_err (*seal)(const struct wk_shield *shield, struct wk_cipher_seal *seal,
                   const struct wk_shield_cover *cover, struct wk_cipher_keys *keys,
                   struct wk_cipher_head *head);
};
extern const struct wk_shield_names wk_shield_by_names;

struct wk_shield {
    const struct wk_hal_crypto *crypto;
    const struct wk_shield_pairs *pairs; /* &wk_shield_by_pairs; NULL: suite 0 only */
    const struct wk_shield_names *names; /* &wk_shield_by_names; NULL: no general-ciphering */
    uint8_t suite;                       /* 0, 1 or 2 */
    uint8_t own[WK_CIPHER_TITLE];
    uint8_t peer[WK_CIPHER_TITLE];
    const struct wk_cipher_keys *keys;      /* global unicast, and the authentication key */
    const struct wk_hal_key *broadcast;     /* these: NULL or size 0 if there is none */
    const struct wk_hal_key *kek;           /* the master key */
    const struct wk_hal_key *dedicated;     /* ... */
    const struct wk_hal_private *signing;   /* ... */
    const struct wk_hal_private *agreement; /* ... */
    const uint8_t *peer_signing;            /* public keys of the suite's curve, or NULL */
    const uint8_t *peer_agreement;          /* ... */
    uint32_t *counter[WK_SHIELD_KEYS];      /* last accepted from the peer; NULL: any is */
    uint64_t *transaction;                  /* likewise, of signatures alone */
};

/* How an APDU is protected, or shall be. */
struct wk_shield_cover {
    uint8_t tag;              /* of the ciphered APDU; 0 = not ciphered */
    uint8_t control;          /* WK_CIPHER_AUTHENTICATED, _ENCRYPTED, _BROADCAST */
    bool is_signed;           /* general-signing */
    wk_envelope_key_kind key; /* general-ciphering only */
    uint32_t counter;         /* of the ciphered APDU; after WK_E_REPLAY: the least accepted */
    uint8_t transaction[WK_ENVELOPE_TRANSACTION];
};

/** Which key, of those with a counter of their own, an APDU has. */
wk_shield_key wk_shield_key_of(const struct wk_shield_cover *cover);

/** The names of an envelope to the peer. */
struct wk_envelope wk_shield_envelope(const struct wk_shield *shield,
                                      const struct wk_shield_cover *cover);

/** Whether the tag is one of ciphered or signed APDUs. */
bool wk_shield_is_protected(uint8_t tag);

/** Takes all protection off `apdu`; *plain is what was inside, in `room` or in the input. What
 *  was opened has used up its counter. WK_E_REPLAY: a counter that was used, or is the last
 *  one; WK_E_AUTH: tag, signature, suite, names or key; WK_E_UNSUPPORTED: nested too deep, a
 *  key that is not there; WK_E_FORMAT, WK_E_SHORT, WK_E_FULL. */
WK_MUST_USE wk_err wk_shield_open(const struct wk_shield *shield, struct wk_bytes_in apdu,
                                  struct wk_bytes_out *room, struct wk_shield_cover *cover,
                                  struct wk_bytes_in *plain);

/** Octets that a cover adds to an APDU, most. */
size_t wk_shield_overhead(const struct wk_shield_cover *cover);

/** Prepares `seal->plain` behind what `out` holds, for at most `limit` octets under `cover`. */
void wk_shield_begin(struct wk_cipher_seal *seal, struct wk_bytes_out *out, size_t limit,
                     const struct wk_shield_cover *cover);
/** Protects what was written to `seal->plain` and appends it to the output. `cover->tag`: a
 *  general tag, or one of glo-* or ded-*, which then must be that of the APDU; `counter`: ours.
 *  On error the output is as before. */
WK_MUST_USE wk_err wk_shield_finish(const struct wk_shield *shield, struct wk_cipher_seal *seal,
                                    const struct wk_shield_cover *cover);

/** The tag of a reply whose first octet is `plain`, protected like a request of `tag`. */
uint8_t wk_shield_reply_tag(uint8_t tag, uint8_t plain, bool is_signed);

#endif
