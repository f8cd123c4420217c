/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/authority - a small certification authority for who has none: one folder with a root
 * key, what it has signed, and its revocation list (RFC 5280). `wk authority` and the head-end use it.
 *
 *   root.pem root.key    the root; the key is for nobody else's eyes
 *   index                one line a certificate: serial, from, until (UTC seconds), revoked (0: no), name
 *   SERIAL.pem           the certificates
 *   crl.pem              the revocation list
 *
 * Certificates are for server and client of TLS, keys ECDSA on P-256 or P-384. Processes and threads
 * may use a folder at the same time. */
#ifndef WK_PORT_LINUX_AUTHORITY_H
#define WK_PORT_LINUX_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_AUTHORITY_ERROR   256
#define WK_AUTHORITY_PATH    512
#define WK_AUTHORITY_DER     2048 /* octets of a certificate, most */
#define WK_AUTHORITY_SERIAL  33   /* 32 hexadecimal digits */
#define WK_AUTHORITY_SUBJECT 65
#define WK_AUTHORITY_MOST    8192 /* certificates of a folder */
#define WK_AUTHORITY_LIFE_S  (INT64_C(365) * 86400)
#define WK_AUTHORITY_ROOT_S  (INT64_C(7305) * 86400)
#define WK_AUTHORITY_LIST_S  (INT64_C(30) * 86400)

struct wk_authority_row {
    char serial[WK_AUTHORITY_SERIAL];
    char subject[WK_AUTHORITY_SUBJECT]; /* common name */
    int64_t from_s;
    int64_t until_s;
    int64_t revoked_s; /* 0: it is not */
};

/* Who may have a certificate of a request. */
struct wk_authority_order {
    const char *subject; /* the common name it must have; NULL: any system title in 16 digits */
    const char *name; /* a subjectAltName it may have beside its common name; NULL: no other */
    int64_t life_s;   /* 1 .. that of the root */
    int64_t now_s;
};

struct wk_authority {
    char folder[WK_AUTHORITY_PATH];
    void *root; /* X509 */
    void *key;  /* EVP_PKEY */
};

typedef wk_err (*wk_authority_visit)(void *self, const struct wk_authority_row *row);

/** Makes the folder and a root of that name for `life_s`, with an empty revocation list. WK_E_STATE: a
 *  root is there, it is never replaced; WK_E_ARGUMENT; WK_E_IO; told in `error`, as below. */
WK_MUST_USE wk_err wk_authority_make(const char *folder, const char *name, bool p384,
                                     int64_t now_s, int64_t life_s,
                                     char error[WK_AUTHORITY_ERROR]);
/** WK_E_NOT_FOUND, WK_E_FORMAT: no root with its key is there. On error nothing is left open. */
WK_MUST_USE wk_err wk_authority_open(struct wk_authority *authority, const char *folder,
                                     char error[WK_AUTHORITY_ERROR]);
void wk_authority_close(struct wk_authority *authority);

/** Signs a request (DER or PEM) after checking its own signature, its key, its common name and its
 *  names. It begins a tenth of its life, at most five minutes, before now: clocks differ. WK_E_FORMAT: no request;
 *  WK_E_AUTH: its signature is wrong; WK_E_UNSUPPORTED: another kind of key; WK_E_DENIED: not what was
 *  ordered; WK_E_FULL: WK_AUTHORITY_MOST; WK_E_ARGUMENT; WK_E_IO. */
WK_MUST_USE wk_err wk_authority_sign(const struct wk_authority *authority,
                                     struct wk_bytes_in request,
                                     const struct wk_authority_order *order,
                                     uint8_t der[WK_AUTHORITY_DER], size_t *size,
                                     char error[WK_AUTHORITY_ERROR]);
/** Revokes the certificate of a serial number, or those of a common name that are valid; *count says
 *  how many, and the list is written anew. WK_E_NOT_FOUND: none; WK_E_IO. */
WK_MUST_USE wk_err wk_authority_revoke(const struct wk_authority *authority, const char *which,
                                       int64_t now_s, int *count,
                                       char error[WK_AUTHORITY_ERROR]);
/** Writes the revocation list anew, valid for `life_s`. */
WK_MUST_USE wk_err wk_authority_list(const struct wk_authority *authority, int64_t now_s,
                                     int64_t life_s, char error[WK_AUTHORITY_ERROR]);
/** Whether half of WK_AUTHORITY_LIST_S is over since the list was written, or there is none. */
bool wk_authority_list_is_old(const char *folder, int64_t now_s);
/** Gives every certificate, oldest first; ends with the first error of `visit`. */
WK_MUST_USE wk_err wk_authority_each(const struct wk_authority *authority,
                                     wk_authority_visit visit, void *self,
                                     char error[WK_AUTHORITY_ERROR]);

#endif
