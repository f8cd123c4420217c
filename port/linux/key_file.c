/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define UNCOMPRESSED 4
#define POINT_ROOM   (1 + WK_HAL_POINT)

static wk_err refuse(char *why, wk_err err, const char *path, const char *reason)
{
    snprintf(why, WK_KEY_FILE_WHY, "%s: %s", path, reason);
    return err;
}

static EVP_PKEY *read_pem(FILE *file)
{
    EVP_PKEY *pair = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    if (pair == NULL) {
        rewind(file);
        pair = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    }
    return pair;
}

/* Octets of a coordinate; 0: no point of a curve that is used here. */
static size_t take_point(const EVP_PKEY *pair, uint8_t *point)
{
    char group[32] = "";
    uint8_t octets[POINT_ROOM];
    size_t length = 0;
    if (EVP_PKEY_get_utf8_string_param(pair, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       &length) != 1) {
        return 0;
    }
    const size_t size = strcmp(group, "prime256v1") == 0  ? 32
                        : strcmp(group, "secp384r1") == 0 ? 48
                                                          : 0;
    if (size == 0 ||
        EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets,
                                        &length) != 1 ||
        length != 1 + 2 * size || octets[0] != UNCOMPRESSED) {
        return 0;
    }
    memcpy(point, octets + 1, 2 * size);
    return size;
}

static void take_private(const EVP_PKEY *pair, size_t size, struct wk_hal_private *key)
{
    BIGNUM *number = NULL;
    *key = (struct wk_hal_private){0};
    if (EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
        BN_bn2binpad(number, key->octets, (int)size) == (int)size) {
        key->size = (uint8_t)size;
    }
    BN_clear_free(number);
}

wk_err wk_key_file_read(const char *path, struct wk_hal_private *key,
                        uint8_t point[WK_HAL_POINT], size_t *size, char why[WK_KEY_FILE_WHY])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return refuse(why, WK_E_NOT_FOUND, path, strerror(errno));
    }
    EVP_PKEY *pair = read_pem(file);
    (void)fclose(file);
    if (pair == NULL) {
        return refuse(why, WK_E_FORMAT, path, "is no key in PEM");
    }
    *size = take_point(pair, point);
    take_private(pair, *size, key);
    EVP_PKEY_free(pair);
    return *size != 0 ? WK_OK
                      : refuse(why, WK_E_FORMAT, path,
                               "must be a key of P-256 or P-384: \"openssl genpkey -algorithm "
                               "EC -pkeyopt ec_paramgen_curve:P-256\" makes one");
}
