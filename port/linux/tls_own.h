/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/tls_own - the own certificate of an end of TLS and its private key, which lies in a file or in a
 * token. Of several keys that which belongs to the certificate is used: so a new pair comes into use
 * when its certificate is put in the place of the one before. */
#ifndef WK_PORT_LINUX_TLS_OWN_H
#define WK_PORT_LINUX_TLS_OWN_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/err.h"
#include "port/linux/hsm.h"

#define WK_TLS_OWN_ERROR 192
#define WK_TLS_OWN_CHAIN 4 /* certificates between it and its authority, most */
#define WK_TLS_OWN_AWAITED                                                                     \
    "waits for the certificate of the meter, which the head-end signs or you (wk security "    \
    "--csr)"
#define WK_TLS_OWN_TOKEN "pkcs11:" /* begins the name of a key in a token */

struct wk_tls_own {
    const char *certificate; /* PEM file: it, then those between it and the authority */
    const char *key;    /* PEM file, or "pkcs11:LABEL" or "pkcs11:SLOT"; or several: "A, B" */
    struct wk_hsm *hsm; /* where keys "pkcs11:" are; NULL: nowhere. Must stay */
    bool later;         /* a meter gets it later: until then nobody is connected to */
};

/** Gives both to a context, or neither. Errors, told in `error`: WK_E_NOT_FOUND a key is not there,
 *  WK_E_FORMAT a file is not what it should be, or certificate and key do not belong together. */
WK_MUST_USE wk_err wk_tls_own_load(SSL_CTX *context, const struct wk_tls_own *own,
                                   char error[WK_TLS_OWN_ERROR]);
/** Whether it is still to come: `later`, and there is no such file. */
bool wk_tls_own_is_awaited(const struct wk_tls_own *own);

#endif
