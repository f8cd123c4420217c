/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/csr - requests for certificates (PKCS #10, RFC 2986): made, read, checked. */
#ifndef WK_PORT_LINUX_CSR_H
#define WK_PORT_LINUX_CSR_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_CSR_DER  1024 /* octets of a request, most */
#define WK_CSR_TEXT 2048 /* characters of it in PEM, most */
#define WK_CSR_NAME 128

struct wk_csr_subject {
    const char *common_name; /* of a meter: its system title in 16 hexadecimal digits */
    const char *name;        /* subjectAltName: a DNS name or an address */
};

/** A request for digital signatures as server and client of TLS, signed with the key it is about
 *  (P-256 with SHA-256, P-384 with SHA-384). WK_E_ARGUMENT: a name is too long or empty, or it is
 *  another kind of key; WK_E_IO: it cannot be signed. The caller frees it. */
WK_MUST_USE wk_err wk_csr_make(EVP_PKEY *key, const struct wk_csr_subject *subject,
                               X509_REQ **request);
/** The first request of a text in PEM, or a request in DER. NULL: it is none. The caller frees it. */
X509_REQ *wk_csr_read(struct wk_bytes_in octets);
/** WK_E_FULL: longer than WK_CSR_DER. */
WK_MUST_USE wk_err wk_csr_der(X509_REQ *request, uint8_t der[WK_CSR_DER], size_t *size);
/** The text in PEM. WK_E_FULL: longer than WK_CSR_TEXT. */
WK_MUST_USE wk_err wk_csr_pem(X509_REQ *request, char text[WK_CSR_TEXT]);

#endif
