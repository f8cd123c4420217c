/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/pem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATES_MOST 16

static wk_err refuse(const char *path, wk_err err, const char *why, char error[WK_PEM_ERROR])
{
    (void)snprintf(error, WK_PEM_ERROR, "%.110s %s", path, why);
    ERR_clear_error();
    return err;
}

static wk_err open_file(const char *path, FILE **file, char error[WK_PEM_ERROR])
{
    *file = fopen(path, "re");
    return *file != NULL ? WK_OK : refuse(path, WK_E_NOT_FOUND, "cannot be read", error);
}

/* Octets of a coordinate; 0: another kind of key. */
static uint8_t curve_of(const EVP_PKEY *key)
{
    char group[32];
    size_t size;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) {
        return 0;
    }
    return strcmp(group, "prime256v1") == 0 ? 32 : strcmp(group, "secp384r1") == 0 ? 48 : 0;
}

static bool point_of(const EVP_PKEY *key, uint8_t point[WK_HAL_POINT], uint8_t size)
{
    uint8_t whole[1 + WK_HAL_POINT];
    size_t got = 0;
    if (size == 0 ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, whole, sizeof whole,
                                        &got) != 1 ||
        got != 1U + 2U * size || whole[0] != 0x04) {
        return false;
    }
    memcpy(point, whole + 1, 2U * size);
    return true;
}

wk_err wk_pem_private(const char *path, struct wk_hal_private *key, uint8_t point[WK_HAL_POINT],
                      char error[WK_PEM_ERROR])
{
    FILE *file;
    BIGNUM *scalar = NULL;
    WK_TRY(open_file(path, &file, error));
    EVP_PKEY *pair = PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "");
    (void)fclose(file);
    const uint8_t size = pair != NULL ? curve_of(pair) : 0;
    *key = (struct wk_hal_private){.size = size};
    const bool good = point_of(pair, point, size) &&
                      EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
                      BN_bn2binpad(scalar, key->octets, size) == size;
    BN_clear_free(scalar);
    EVP_PKEY_free(pair);
    return good ? WK_OK
                : refuse(path, WK_E_FORMAT,
                         "holds no private key on P-256 or P-384 without password", error);
}

wk_err wk_pem_point(const char *path, uint8_t point[WK_HAL_POINT], uint8_t *size,
                    char error[WK_PEM_ERROR])
{
    FILE *file;
    WK_TRY(open_file(path, &file, error));
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    const EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    *size = key != NULL ? curve_of(key) : 0;
    const bool good = point_of(key, point, *size);
    X509_free(certificate);
    return good ? WK_OK
                : refuse(path, WK_E_FORMAT, "holds no certificate of a key on P-256 or P-384",
                         error);
}

static wk_err give(X509 *certificate, void *self,
                   wk_err (*take)(void *self, struct wk_bytes_in der))
{
    unsigned char *der = NULL;
    const int size = i2d_X509(certificate, &der);
    const wk_err err = size > 0 ? take(self, wk_bytes_in_of(der, (size_t)size)) : WK_E_FORMAT;
    OPENSSL_free(der);
    return err;
}

wk_err wk_pem_certificates(const char *path, void *self,
                           wk_err (*take)(void *self, struct wk_bytes_in der),
                           char error[WK_PEM_ERROR])
{
    FILE *file;
    wk_err err = WK_OK;
    int count = 0;
    WK_TRY(open_file(path, &file, error));
    while (err == WK_OK && count < CERTIFICATES_MOST) {
        X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
        if (certificate == NULL) {
            break;
        }
        err = give(certificate, self, take);
        X509_free(certificate);
        count++;
    }
    (void)fclose(file);
    ERR_clear_error(); /* the end of the file is one */
    if (err != WK_OK) {
        return refuse(path, err,
                      err == WK_E_FULL ? "holds more certificates than there is room for"
                                       : "holds a certificate that meters do not understand",
                      error);
    }
    return count > 0 ? WK_OK : refuse(path, WK_E_FORMAT, "holds no certificate in PEM", error);
}
