/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/cipher - protection of APDUs with AES-GCM (IEC 62056-5-3, 5.3.7 and 7.2): glo-*, ded-*,
 * general-glo- and general-ded-ciphering, and the answers to challenges of HLS mechanism 5.
 *
 * A protected APDU is: tag; for general-glo and -ded the sender's system title; length;
 * security control; invocation counter; the text; 12 octets of tag. The initialization vector
 * is the sender's system title and the counter, so a counter must never serve twice with one
 * key: the caller sees to that. Key sizes of 16 (suites 0, 1) and 32 octets (suite 2) work.
 * cosem/envelope has what general-ciphering and general-signing add. */
#ifndef WK_COSEM_CIPHER_H
#define WK_COSEM_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "port/hal.h"

#define WK_CIPHER_TITLE 8  /* octets of a system title */
#define WK_CIPHER_TAG   12 /* octets of an authentication tag */
#define WK_CIPHER_TOKEN 17 /* control, counter and tag: the answer to a challenge */
/* Most octets a protected APDU is longer than what it protects: tag, title with its length,
 * length of three octets, control, counter, tag. */
#define WK_CIPHER_OVERHEAD (1 + 1 + WK_CIPHER_TITLE + 3 + 5 + WK_CIPHER_TAG)
/* What wk_cipher_begin keeps free before the plain text (more than the head needs: it also
 * takes control and authentication key while the tag of a text in clear is computed). */
#define WK_CIPHER_RESERVE (1 + WK_HAL_KEY_SIZE + WK_CIPHER_EXTRA)
#define WK_CIPHER_EXTRA   64 /* most octets of `extra`, see below */

/* security control: low four bits are the suite */
#define WK_CIPHER_AUTHENTICATED 0x10
#define WK_CIPHER_ENCRYPTED     0x20
#define WK_CIPHER_BOTH          0x30
#define WK_CIPHER_BROADCAST     0x40 /* key set: the broadcast key */
#define WK_CIPHER_COMPRESSED    0x80 /* refused */
#define WK_CIPHER_SUITE         0x0F

/* The keys of one direction or both. `ak.octets` is always used, `ek` may be a slot. */
struct wk_cipher_keys {
    struct wk_hal_key ek; /* encryption key: global unicast or broadcast, dedicated, agreed */
    struct wk_hal_key ak; /* authentication key */
};

/* What makes one protected APDU unique, and how it is protected. */
struct wk_cipher_head {
    uint8_t tag;                    /* wk_apdu_tag of the protected APDU */
    uint8_t control;                /* security control */
    uint32_t counter;               /* invocation counter */
    uint8_t title[WK_CIPHER_TITLE]; /* of the sender: read from general-glo, else filled by the
                                       caller */
    struct wk_bytes_in prefix;      /* general-ciphering: what stands before the length instead
                                       of tag and title; size 0 else */
    struct wk_bytes_in extra;       /* general-ciphering: octets authenticated after the key, at
                                       most WK_CIPHER_EXTRA; size 0 else */
};

/* One APDU under construction in the output it will be sent from. */
struct wk_cipher_seal {
    struct wk_bytes_out *out;
    struct wk_bytes_out plain; /* write the plain APDU here */
};

/** Prepares `seal->plain` behind what `out` holds, `limit` octets of protected APDU at most. */
void wk_cipher_begin(struct wk_cipher_seal *seal, struct wk_bytes_out *out, size_t limit);
/** Protects what was written to `seal->plain`, in place, and appends it to the output with its
 *  head. WK_E_FULL: it did not fit. On error the output is as before wk_cipher_begin. */
WK_MUST_USE wk_err wk_cipher_finish(struct wk_cipher_seal *seal,
                                    const struct wk_hal_crypto *crypto,
                                    const struct wk_cipher_keys *keys,
                                    const struct wk_cipher_head *head);

/** Reads tag, title (general-glo and -ded only), length, control and counter; leaves `text` as
 *  what follows: the text and its tag. WK_E_FORMAT or WK_E_SHORT: malformed, or octets left
 *  over; WK_E_UNSUPPORTED: compression, or neither protection. Whether the suite and the key
 *  set are those agreed upon is the caller's to check. */
WK_MUST_USE wk_err wk_cipher_read_head(struct wk_bytes_in *in, struct wk_cipher_head *head,
                                       struct wk_bytes_in *text);
/** The part of it from the length on. */
WK_MUST_USE wk_err wk_cipher_read_text(struct wk_bytes_in *in, struct wk_cipher_head *head,
                                       struct wk_bytes_in *text);
/** Opens `text` into `plain`. WK_E_AUTH: wrong tag, nothing is revealed; WK_E_FULL: too long.
 *  Needs WK_CIPHER_RESERVE octets of room more than the plain text; `text` may not overlap
 *  it. */
WK_MUST_USE wk_err wk_cipher_open(const struct wk_hal_crypto *crypto,
                                  const struct wk_cipher_keys *keys,
                                  const struct wk_cipher_head *head,
                                  const struct wk_bytes_in *text, struct wk_bytes_out *plain);

/** Answers a challenge (HLS mechanism 5): control 0x10 and the suite of `head`, counter, GMAC
 * over control, AK and challenge, under the title and counter of `head`.
 * `challenge_size` 8..64. */
WK_MUST_USE wk_err wk_cipher_answer(const struct wk_hal_crypto *crypto,
                                    const struct wk_cipher_keys *keys,
                                    const struct wk_cipher_head *head, const uint8_t *challenge,
                                    size_t challenge_size, uint8_t token[WK_CIPHER_TOKEN]);
/** WK_E_AUTH unless `token` answers the challenge under `title`; *counter is its counter. */
WK_MUST_USE wk_err wk_cipher_check_answer(const struct wk_hal_crypto *crypto,
                                          const struct wk_cipher_keys *keys,
                                          const uint8_t title[WK_CIPHER_TITLE],
                                          const struct wk_bytes_in *challenge,
                                          const struct wk_bytes_in *token, uint32_t *counter);

#endif
