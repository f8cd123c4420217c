/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/envelope - general-ciphering and general-signing (IEC 62056-5-3, 5.3.6 and 7.3.13): APDUs
 * with names of sender and recipient around them, protected from end to end.
 *
 *   both            tag, transaction-id, originator, recipient, date-time, other information
 *   -ciphering      then which key, and what cosem/cipher makes of the text
 *   -signing        then the content and the signature, r || s
 *
 * The names are octet-strings; as they stand, with their lengths, they are authenticated with
 * the text or signed with the content. Readers accept fields up to the limits below. */
#ifndef WK_COSEM_ENVELOPE_H
#define WK_COSEM_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/cipher.h"
#include "port/hal.h"

#define WK_ENVELOPE_TRANSACTION 8  /* octets of a transaction-id, most; written: always */
#define WK_ENVELOPE_DATE_TIME   12 /* or 0 */
#define WK_ENVELOPE_OTHER       16 /* octets of other information, most */
#define WK_ENVELOPE_KEY_DATA    (2 * WK_HAL_POINT) /* ephemeral key and its signature, most */
/* Most octets that general-ciphering adds to what cosem/cipher counts, and general-signing to
 * its content. */
#define WK_ENVELOPE_CIPHERING (WK_CIPHER_EXTRA + 8 + WK_ENVELOPE_KEY_DATA)
#define WK_ENVELOPE_SIGNING   (1 + WK_CIPHER_EXTRA + 3 + 1 + WK_HAL_POINT)

struct wk_envelope {
    uint8_t transaction[WK_ENVELOPE_TRANSACTION];
    uint8_t transaction_size;
    uint8_t originator[WK_CIPHER_TITLE];
    uint8_t recipient[WK_CIPHER_TITLE];
    bool for_anybody;          /* no recipient is named */
    struct wk_bytes_in fields; /* read: all five, as they stand */
};

/* Which key protects. */
typedef enum wk_envelope_key_kind {
    WK_ENVELOPE_KEY_KNOWN = 0, /* none is named */
    WK_ENVELOPE_KEY_UNICAST,   /* identified: global unicast encryption key */
    WK_ENVELOPE_KEY_BROADCAST, /* identified: global broadcast encryption key */
    WK_ENVELOPE_KEY_WRAPPED,   /* in the envelope, wrapped with the master key */
    WK_ENVELOPE_KEY_ONE_PASS,  /* agreed, C(1e, 1s): the ephemeral key is there, signed */
    WK_ENVELOPE_KEY_STATIC,    /* agreed, C(0e, 2s) */
} wk_envelope_key_kind;

struct wk_envelope_key {
    wk_envelope_key_kind kind;
    struct wk_bytes_in data; /* the wrapped key; ephemeral public key and signature */
};

/* What general-ciphering puts in front: give `prefix` and `extra` to wk_cipher_head. */
struct wk_envelope_front {
    uint8_t octets[WK_ENVELOPE_CIPHERING];
    struct wk_bytes_in prefix;
    struct wk_bytes_in extra;
};

/** Writes tag, names and key of a general-ciphering APDU. The front must not move while it is
 *  used. */
void wk_envelope_put_ciphering(struct wk_envelope_front *front,
                               const struct wk_envelope *envelope,
                               const struct wk_envelope_key *key);
/** Reads a general-ciphering APDU up to the text; `head` gets title (the originator) and
 *  extra. WK_E_FORMAT, WK_E_SHORT: malformed; WK_E_UNSUPPORTED: a key that is none of the
 *  above, fields too long, and as wk_cipher_read_head. */
WK_MUST_USE wk_err wk_envelope_read_ciphering(struct wk_bytes_in *in,
                                              struct wk_envelope *envelope,
                                              struct wk_envelope_key *key,
                                              struct wk_cipher_head *head,
                                              struct wk_bytes_in *text);

/** Makes a general-signing APDU of the content that stands in data[0..*size), in place. The
 *  room behind it must suffice for WK_ENVELOPE_SIGNING octets. */
WK_MUST_USE wk_err wk_envelope_sign(const struct wk_hal_crypto *crypto,
                                    const struct wk_hal_private *key,
                                    const struct wk_envelope *envelope, uint8_t *data,
                                    size_t *size);
/** Reads a general-signing APDU; `covered` is what the signature covers. Errors as above. */
WK_MUST_USE wk_err wk_envelope_read_signing(struct wk_bytes_in *in,
                                            struct wk_envelope *envelope,
                                            struct wk_bytes_in *covered,
                                            struct wk_bytes_in *content,
                                            struct wk_bytes_in *signature);
/** WK_E_AUTH unless `signature` over `covered` is of the owner of `point`, whose coordinates
 *  have `point_size` octets. */
WK_MUST_USE wk_err wk_envelope_verify(const struct wk_hal_crypto *crypto, const uint8_t *point,
                                      uint8_t point_size, const struct wk_bytes_in *covered,
                                      const struct wk_bytes_in *signature);

/** The key of C(1e, 1s) or C(0e, 2s) from the agreed secret (5.3.4.6): the transaction is part
 *  of the latter. */
WK_MUST_USE wk_err wk_envelope_derive(const struct wk_hal_crypto *crypto, uint8_t suite,
                                      const struct wk_envelope *envelope,
                                      wk_envelope_key_kind kind, const uint8_t *secret,
                                      struct wk_hal_key *key);

#endif
