/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/authority_part - what the files of room authority say to each other. */
#ifndef WK_PORT_LINUX_AUTHORITY_PART_H
#define WK_PORT_LINUX_AUTHORITY_PART_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "port/linux/authority.h"

#define WK_AUTHORITY_FILE (WK_AUTHORITY_PATH + WK_AUTHORITY_SERIAL + 8)

wk_err wk_authority_fail(char error[WK_AUTHORITY_ERROR], wk_err err, const char *what,
                         const char *why);
/** A file of the folder. */
void wk_authority_path(const char *folder, const char *file, char path[WK_AUTHORITY_FILE]);
/** Takes the folder for oneself; -1: it cannot be. Close it. */
int wk_authority_lock(const char *folder);
/** An extension in the words of OpenSSL's configuration. */
bool wk_authority_extend(X509 *certificate, X509 *issuer, int kind, const char *value);
/** A new serial number, on the certificate and as text. */
bool wk_authority_number(X509 *certificate, char serial[WK_AUTHORITY_SERIAL]);
/** From and until, UTC seconds. */
bool wk_authority_date(X509 *certificate, int64_t from_s, int64_t until_s);
/** Writes the certificate into its file. */
WK_MUST_USE wk_err wk_authority_keep(const char *path, X509 *certificate);
/** Appends a row; with the folder locked. */
WK_MUST_USE wk_err wk_authority_note(const struct wk_authority *authority,
                                     const struct wk_authority_row *row,
                                     char error[WK_AUTHORITY_ERROR]);
const EVP_MD *wk_authority_hash(const EVP_PKEY *key);
/** UTC seconds of a time of a certificate. */
bool wk_authority_seconds(const ASN1_TIME *time, int64_t *utc_s);

#endif
