/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/tls_own.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "port/linux/tls_key.h"

#define KEYS_ROOM 512 /* of the names of all keys */

static wk_err refuse(char error[WK_TLS_OWN_ERROR], wk_err err, const char *what,
                     const char *why)
{
    (void)snprintf(error, WK_TLS_OWN_ERROR, "%.110s: %.70s", what, why);
    ERR_clear_error();
    return err;
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "no reason is known";
}

/* ---- the key ----------------------------------------------------------------------------- */

static wk_err token_key(struct wk_hsm *hsm, const char *text, EVP_PKEY **key,
                        char error[WK_TLS_OWN_ERROR])
{
    const char *name = text + strlen(WK_TLS_OWN_TOKEN);
    uint8_t slot = 0;
    if (hsm == NULL) {
        return refuse(error, WK_E_NOT_FOUND, text, "no token is given for it");
    }
    wk_hsm_look_again(hsm); /* another process may have made it anew */
    if (wk_hsm_slot_of(hsm, name, &slot) != WK_OK) {
        return refuse(error, WK_E_NOT_FOUND, text, wk_hsm_error(hsm));
    }
    *key = wk_tls_key_of(hsm, slot);
    return *key != NULL
               ? WK_OK
               : refuse(error, WK_E_NOT_FOUND, text, "the token has no public key beside it");
}

static wk_err file_key(const char *path, EVP_PKEY **key, char error[WK_TLS_OWN_ERROR])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return refuse(error, WK_E_NOT_FOUND, path, "the key cannot be read");
    }
    *key = PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "");
    (void)fclose(file);
    return *key != NULL
               ? WK_OK
               : refuse(error, WK_E_FORMAT, path, "holds no private key without password");
}

/* The key of `text`, if it belongs to the certificate. */
static wk_err key_for(const struct wk_tls_own *own, const X509 *certificate, const char *text,
                      EVP_PKEY **key, char error[WK_TLS_OWN_ERROR])
{
    const bool in_token = strncmp(text, WK_TLS_OWN_TOKEN, strlen(WK_TLS_OWN_TOKEN)) == 0;
    *key = NULL;
    WK_TRY(in_token ? token_key(own->hsm, text, key, error) : file_key(text, key, error));
    if (X509_check_private_key(certificate, *key) == 1) {
        return WK_OK;
    }
    EVP_PKEY_free(*key);
    *key = NULL;
    return refuse(error, WK_E_FORMAT, text,
                  "does not belong to the certificate, or is no key for TLS");
}

/* The one of the keys that belongs to the certificate. */
static wk_err find_key(const struct wk_tls_own *own, const X509 *certificate, EVP_PKEY **key,
                       char error[WK_TLS_OWN_ERROR])
{
    char names[KEYS_ROOM];
    char *rest = names;
    wk_err err = WK_E_NOT_FOUND;
    (void)snprintf(names, sizeof names, "%s", own->key);
    while (rest != NULL && err != WK_OK) {
        const char *name = strsep(&rest, ",");
        name += strspn(name, " ");
        err = key_for(own, certificate, name, key, error);
    }
    return err;
}

/* ---- the certificate --------------------------------------------------------------------- */

/* The certificates of a file; NULL: there is none. */
static STACK_OF(X509) * read_chain(const char *path)
{
    FILE *file = fopen(path, "re");
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *next = NULL;
    while (file != NULL && chain != NULL && sk_X509_num(chain) <= WK_TLS_OWN_CHAIN &&
           (next = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(chain, next) <= 0) {
            X509_free(next);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return chain;
}

wk_err wk_tls_own_load(SSL_CTX *context, const struct wk_tls_own *own,
                       char error[WK_TLS_OWN_ERROR])
{
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = read_chain(own->certificate);
    X509 *first = chain != NULL ? sk_X509_shift(chain) : NULL;
    wk_err err = first != NULL ? find_key(own, first, &key, error)
                               : refuse(error, WK_E_FORMAT, own->certificate,
                                        "holds no certificate, or cannot be read");
    if (err == WK_OK && SSL_CTX_use_cert_and_key(context, first, key, chain, 1) != 1) {
        err = refuse(error, WK_E_FORMAT, own->certificate, reason());
    }
    EVP_PKEY_free(key);
    X509_free(first);
    sk_X509_pop_free(chain, X509_free);
    return err;
}

bool wk_tls_own_is_awaited(const struct wk_tls_own *own)
{
    return own->later && access(own->certificate, F_OK) != 0;
}
