/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/certificate - the X.509 certificates of DLMS (IEC 62056-5-3, 5.3.4.8; RFC 5280): read,
 * check, and ask for one (PKCS #10, RFC 2986).
 *
 * The profile: version 3, ECDSA with SHA-256 over P-256 or with SHA-384 over P-384, a public
 * key on the same curve, key usage. The common name of a device is its system title in 16 hex
 * digits. The reader is bounded, takes DER only, and what it finds borrows from its input. A
 * critical extension that it does not know makes a certificate unusable. */
#ifndef WK_COSEM_CERTIFICATE_H
#define WK_COSEM_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "cosem/cipher.h"
#include "port/hal.h"

#define WK_CERTIFICATE_DER     768 /* octets of a certificate, most */
#define WK_CERTIFICATE_REQUEST 320 /* octets of a request, most */
#define WK_CERTIFICATE_SERIAL  20  /* octets of a serial number, most */

/* Key usage (RFC 5280, 4.2.1.3) */
#define WK_CERTIFICATE_SIGNS  0x80 /* digitalSignature */
#define WK_CERTIFICATE_AGREES 0x08 /* keyAgreement */
#define WK_CERTIFICATE_ISSUES 0x04 /* keyCertSign */

struct wk_certificate {
    struct wk_bytes_in serial;      /* contents of the INTEGER */
    struct wk_bytes_in issuer;      /* Name, whole */
    struct wk_bytes_in subject;     /* Name, whole */
    struct wk_bytes_in alternative; /* subjectAltName, the extension's value; size 0: none */
    struct wk_utc not_before;
    struct wk_utc not_after;
    uint8_t title[WK_CIPHER_TITLE]; /* from the common name */
    bool has_title;
    bool is_issuer; /* basicConstraints: cA */
    uint8_t usage;  /* WK_CERTIFICATE_SIGNS ... */
    uint8_t size;   /* of a coordinate: 32, 48 */
    const uint8_t *point;
    struct wk_bytes_in signed_part;
    uint8_t signed_with; /* size of a coordinate of the issuer's key */
    uint8_t signature[WK_HAL_POINT];
};

/** WK_E_FORMAT, WK_E_SHORT: no certificate, or octets left over; WK_E_UNSUPPORTED: not of the
 *  profile; WK_E_FULL: longer than WK_CERTIFICATE_DER. */
WK_MUST_USE wk_err wk_certificate_read(struct wk_bytes_in in,
                                       struct wk_certificate *certificate);
/** WK_E_AUTH unless `issuer` issued it and may: name, right, key. */
WK_MUST_USE wk_err wk_certificate_verify(const struct wk_hal_crypto *crypto,
                                         const struct wk_certificate *certificate,
                                         const struct wk_certificate *issuer);
bool wk_certificate_is_valid_at(const struct wk_certificate *certificate, struct wk_utc now);

/** Writes a request for a certificate of `title`, signed with the key it is about. At most
 *  WK_CERTIFICATE_REQUEST octets. */
WK_MUST_USE wk_err wk_certificate_put_request(const struct wk_hal_crypto *crypto,
                                              const struct wk_hal_private *key,
                                              const uint8_t *point,
                                              const uint8_t title[WK_CIPHER_TITLE],
                                              struct wk_bytes_out *out);

#endif
