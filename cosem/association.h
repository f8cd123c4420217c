/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/association - opening and closing an application association: AARQ, AARE, RLRQ, RLRE
 * (ACSE in BER, IEC 62056-5-3, 7.2).
 *
 * Decoded fields borrow from the input. Lengths are definite, of one to three octets; a field
 * that comes twice, an OID that is not of DLMS UA, or an oversize field is WK_E_FORMAT. Fields
 * that DLMS does not use (called titles, invocation identifiers) are passed over. */
#ifndef WK_COSEM_ASSOCIATION_H
#define WK_COSEM_ASSOCIATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_ASSOCIATION_TITLE     8   /* octets of a system title */
#define WK_ASSOCIATION_SECRET    64  /* most octets of a password or challenge */
#define WK_ASSOCIATION_CHALLENGE 8   /* least octets of a challenge */
#define WK_ASSOCIATION_USER_INFO 128 /* most octets of user-information */
#define WK_ASSOCIATION_MAX       320 /* no AARQ or AARE of ours is longer */

/* 2.16.756.5.8.1.x */
typedef enum wk_association_context {
    WK_ASSOCIATION_LN = 1,
    WK_ASSOCIATION_SN = 2,
    WK_ASSOCIATION_LN_CIPHERED = 3,
    WK_ASSOCIATION_SN_CIPHERED = 4,
} wk_association_context;

/* 2.16.756.5.8.2.x */
typedef enum wk_association_mechanism {
    WK_ASSOCIATION_NONE = 0, /* lowest: no authentication */
    WK_ASSOCIATION_LLS = 1,  /* password */
    /* 2: secret of a manufacturer; nobody could check it */
    WK_ASSOCIATION_HLS_MD5 = 3,    /* challenges answered with MD5 of a secret */
    WK_ASSOCIATION_HLS_SHA1 = 4,   /* ... SHA-1 */
    WK_ASSOCIATION_HLS_GMAC = 5,   /* ... GMAC */
    WK_ASSOCIATION_HLS_SHA256 = 6, /* ... SHA-256 of a secret */
    WK_ASSOCIATION_HLS_ECDSA = 7,  /* ... a signature */
} wk_association_mechanism;

typedef enum wk_association_result {
    WK_ASSOCIATION_ACCEPTED = 0,
    WK_ASSOCIATION_REJECTED = 1, /* permanently */
    WK_ASSOCIATION_REJECTED_FOR_NOW = 2,
} wk_association_result;

/* result-source-diagnostic, acse-service-user */
typedef enum wk_association_diagnostic {
    WK_ASSOCIATION_NO_DIAGNOSTIC = 0,
    WK_ASSOCIATION_NO_REASON = 1,
    WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED = 2,
    WK_ASSOCIATION_TITLE_NOT_RECOGNIZED = 3,
    WK_ASSOCIATION_MECHANISM_NOT_RECOGNISED = 11,
    WK_ASSOCIATION_MECHANISM_REQUIRED = 12,
    WK_ASSOCIATION_AUTHENTICATION_FAILURE = 13,
    WK_ASSOCIATION_AUTHENTICATION_REQUIRED = 14, /* accepted so far: HLS goes on */
} wk_association_diagnostic;

struct wk_association_octets {
    const uint8_t *data; /* NULL: the field is absent */
    size_t size;
};

struct wk_association_request {
    uint8_t context;                        /* wk_association_context */
    uint8_t mechanism;                      /* 0 if absent */
    struct wk_association_octets title;     /* calling-AP-title: 8 octets */
    struct wk_association_octets secret;    /* calling-authentication-value */
    struct wk_association_octets user_info; /* an initiate-request, maybe ciphered */
};

struct wk_association_response {
    uint8_t context;
    uint8_t result;     /* wk_association_result */
    uint8_t diagnostic; /* wk_association_diagnostic */
    uint8_t mechanism;
    struct wk_association_octets title;     /* responding-AP-title */
    struct wk_association_octets secret;    /* the server's challenge */
    struct wk_association_octets user_info; /* initiate-response or confirmed-service-error */
};

void wk_association_put_request(struct wk_bytes_out *out,
                                const struct wk_association_request *request);
WK_MUST_USE wk_err wk_association_read_request(struct wk_bytes_in *in,
                                               struct wk_association_request *request);
void wk_association_put_response(struct wk_bytes_out *out,
                                 const struct wk_association_response *response);
WK_MUST_USE wk_err wk_association_read_response(struct wk_bytes_in *in,
                                                struct wk_association_response *response);

/** The release pair. `user_info` may be absent. */
void wk_association_put_release(struct wk_bytes_out *out, uint8_t tag,
                                struct wk_association_octets user_info);
WK_MUST_USE wk_err wk_association_read_release(struct wk_bytes_in *in, uint8_t tag,
                                               struct wk_association_octets *user_info);

/** For people. */
const char *wk_association_diagnostic_text(uint8_t diagnostic);

#endif
