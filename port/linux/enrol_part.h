/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/enrol_part - what the files of room enrol say to each other. */
#ifndef WK_PORT_LINUX_ENROL_PART_H
#define WK_PORT_LINUX_ENROL_PART_H

#include <openssl/evp.h>

#include "port/linux/enrol.h"

wk_err wk_enrol_fail(char error[WK_ENROL_ERROR], wk_err err, const char *what, const char *why);
/** A file of the folder. */
void wk_enrol_path(const struct wk_enrol_config *config, const char *file,
                   char path[WK_WHOLE_FILE_PATH]);

/* ---- enrol_place.c ----------------------------------------------------------------------- */

/** Whether keys lie in the token. */
bool wk_enrol_in_token(const struct wk_enrol_config *config);
/** How port/linux/tls names a place. */
void wk_enrol_key_name(const struct wk_enrol_config *config, int place,
                       char name[WK_WHOLE_FILE_PATH]);
/** The pair in a place, for the caller to free; NULL: there is none, or half of one. */
EVP_PKEY *wk_enrol_key(const struct wk_enrol_config *config, int place);
/** Makes a pair, in place of what is there. */
WK_MUST_USE wk_err wk_enrol_make_key(const struct wk_enrol_config *config, int place,
                                     char error[WK_ENROL_ERROR]);
/** Destroys what is in a place; also right if nothing is. */
WK_MUST_USE wk_err wk_enrol_destroy_key(const struct wk_enrol_config *config, int place,
                                        char error[WK_ENROL_ERROR]);

/* ---- enrol_prove.c ----------------------------------------------------------------------- */

/** A handshake of TLS with ourselves, both ends with the certificate of a file and the key of a
 *  place. WK_E_AUTH, WK_E_FORMAT and what wk_tls_context_make returns; told in `error`. */
WK_MUST_USE wk_err wk_enrol_prove(const struct wk_enrol_config *config, const char *certificate,
                                  int place, char error[WK_ENROL_ERROR]);

#endif
