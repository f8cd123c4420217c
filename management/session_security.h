/* SPDX-License-Identifier: Apache-2.0
 *
 * management/session_security - what a meter knows about its clients: associations, policies,
 * keys, counters, key pairs and certificates (IEC 62056-6-2, classes 15 and 64). Sessions work
 * on it; the owner keeps it. */
#ifndef WK_MANAGEMENT_SESSION_SECURITY_H
#define WK_MANAGEMENT_SESSION_SECURITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/certificate.h"
#include "cosem/cipher.h"
#include "cosem/shield.h"
#include "management/object.h"
#include "port/hal.h"

#define WK_SESSION_PASSWORD 32
#define WK_SESSION_SETUPS   3 /* Security setups, most */

/* Protection: bits of security_policy (class 64, version 1) and of access modes (class 15,
 * version 3). */
#define WK_SESSION_REQUEST_AUTHENTICATED  0x04
#define WK_SESSION_REQUEST_ENCRYPTED      0x08
#define WK_SESSION_REQUEST_SIGNED         0x10
#define WK_SESSION_REQUEST_ANY            0x1C
#define WK_SESSION_RESPONSE_AUTHENTICATED 0x20
#define WK_SESSION_RESPONSE_ENCRYPTED     0x40
#define WK_SESSION_RESPONSE_SIGNED        0x80
#define WK_SESSION_RESPONSE_ANY           0xE0
#define WK_SESSION_SEALED                 0x6C /* all authenticated and encrypted */

/* One client that is known. */
struct wk_session_association {
    uint16_t client_sap;
    uint8_t role;       /* wk_role; the secret of LLS and HLS 3, 4 and 6 is that of the role */
    uint8_t mechanisms; /* bit n: mechanism n is accepted. 3 and 4 rest on broken hashes. */
    uint8_t contexts;   /* bit n: application context n, WK_ASSOCIATION_LN or _LN_CIPHERED */
    uint8_t setup;      /* which Security setup: 0..WK_SESSION_SETUPS-1 */
    uint8_t policy;     /* demanded beside what its Security setup demands */
};

/* Who comes to a meter that was not told otherwise. */
extern const struct wk_session_association wk_session_usual[WK_ROLE_COUNT];

struct wk_session_secret {
    uint8_t octets[WK_SESSION_PASSWORD];
    uint8_t size; /* 0 = nobody gets in */
};

struct wk_session_lock {
    uint8_t failures; /* since the last success; saturates */
    int64_t until_us; /* locked out before this instant, once failures reach the limit */
};

/* The keys and the policy of a Security setup. */
struct wk_session_setup {
    uint8_t policy; /* WK_SESSION_REQUEST_..., WK_SESSION_RESPONSE_...; only ever stricter */
    uint8_t suite;  /* 0, 1, 2 */
    uint8_t client_title[WK_CIPHER_TITLE]; /* of the client that was admitted last */
    struct wk_cipher_keys keys;            /* global unicast encryption, authentication */
    struct wk_hal_key broadcast;           /* global broadcast encryption; size 0: none */
    struct wk_hal_key kek;                 /* master key, wraps the others; size 0: none */
    uint32_t counter[WK_SHIELD_DEDICATED]; /* last accepted, by wk_shield_key */
};

#define WK_SESSION_CERTIFICATES 6

struct wk_session_certificate {
    uint8_t der[WK_CERTIFICATE_DER];
    uint16_t size; /* 0: free */
};

enum { WK_SESSION_SIGNING = 0, WK_SESSION_AGREEMENT = 1, WK_SESSION_PAIRS };

/* What suites 1 and 2 need beside keys: the meter's own key pairs and the certificates. A
 * meter without them has none. All of it is persistent. */
struct wk_session_pair {
    struct wk_hal_private key; /* size 0: there is none */
    uint8_t point[WK_HAL_POINT];
};

/* The key pair of TLS, which is the carrier's: certificate type 2 of class 64. It is of no suite. */
struct wk_session_tls {
    void *self;
    /** A new pair beside that in use, which goes on serving. */
    wk_err (*generate)(void *self);
    /** The request (PKCS #10, DER) for the pair that waits; borrowed. WK_E_STATE: none waits. */
    wk_err (*request)(void *self, struct wk_bytes_in *der);
    /** A certificate in DER. WK_E_NOT_FOUND: it is not about the pair that waits; other errors: it
     *  is, and is not right. */
    wk_err (*import)(void *self, struct wk_bytes_in der);
};

struct wk_session_identity {
    const struct wk_session_tls *tls; /* NULL: none. Not persistent */
    struct wk_session_pair own[WK_SESSION_PAIRS];
    struct wk_session_pair fresh[WK_SESSION_PAIRS]; /* generated, in use once its certificate
                                                       is here */
    struct wk_session_certificate certificate[WK_SESSION_CERTIFICATES];
    uint32_t generation; /* counts changes of the certificates */
    uint8_t changed;     /* bit n: certificate n, bit 7: pairs; cleared by the owner */
};
#define WK_SESSION_PAIRS_CHANGED 0x80

/* One per meter. All fields but `more`, `identity`, `open`, `dirty` and `keys_dirty` are persistent.
 * - `setup[].counter`: an APDU is accepted only with a greater counter. After a cut a value
 *   older than the truth is safe as long as associations are opened with fresh challenges,
 *   which sessions see to; the owner commits whenever `dirty`, in its own time.
 * - Keys, passwords, policies and suites changed when `keys_dirty`: the owner commits them
 *   with the counters, at once and in one piece.
 * - `server_next` < `server_reserved`: counters the meter may use, whatever the key. The owner
 *   raises `server_reserved`, and commits it, well before the last is used; at start it sets
 *   server_next = server_reserved as last committed. So no counter serves twice with one key.
 */
struct wk_session_security {
    uint8_t title[WK_CIPHER_TITLE];
    struct wk_session_setup setup[1]; /* the first one ... */
    struct wk_session_setup *more;    /* ... and others, NULL: none */
    uint8_t more_count;
    struct wk_session_identity *identity; /* NULL: suite 0 only */
    struct wk_session_secret password[WK_ROLE_COUNT];
    uint32_t server_next;
    uint32_t server_reserved;
    struct wk_session_lock lock[WK_ROLE_COUNT];
    uint32_t failed_logins[WK_ROLE_COUNT]; /* ever */
    uint32_t replays;                      /* ever */
    uint32_t not_deciphered;               /* ever */
    uint16_t open[WK_ROLE_COUNT];          /* associations that are open now */
    bool dirty;                            /* set here, cleared by the owner's commit */
    bool keys_dirty;                       /* likewise */
};

/** The Security setup of that number, NULL if there is none. */
struct wk_session_setup *wk_session_setup_of(struct wk_session_security *security,
                                             uint32_t number);

/** The key pairs as the owner keeps them; a fault of `in`: no form this version knows. */
void wk_session_pairs_pack(const struct wk_session_identity *identity,
                           struct wk_bytes_out *out);
void wk_session_pairs_unpack(struct wk_session_identity *identity, struct wk_bytes_in *in);

/** Puts in a certificate that the owner vouches for: the root of all others, or any other
 *  before the meter is installed. Errors of wk_certificate_read; WK_E_FULL: no place left. */
WK_MUST_USE wk_err wk_session_trust(struct wk_session_identity *identity,
                                    const uint8_t title[WK_CIPHER_TITLE],
                                    struct wk_bytes_in der);

#endif
