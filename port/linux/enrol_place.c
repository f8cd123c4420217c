/* SPDX-License-Identifier: Apache-2.0
 *
 * The two places of key pairs: slots of a token, or files. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "port/linux/enrol_part.h"
#include "port/linux/tls.h"
#include "port/linux/tls_key.h"

#define SLOT_TEXT 4

bool wk_enrol_in_token(const struct wk_enrol_config *config)
{
    return config->hsm != NULL && config->slot[0] != 0;
}

void wk_enrol_key_name(const struct wk_enrol_config *config, int place,
                       char name[WK_WHOLE_FILE_PATH])
{
    static const char *const k_files[WK_ENROL_PLACES] = {"a.key", "b.key"};
    if (wk_enrol_in_token(config)) {
        (void)snprintf(name, WK_WHOLE_FILE_PATH, "%s%u", WK_TLS_TOKEN, config->slot[place]);
    } else {
        wk_enrol_path(config, k_files[place], name);
    }
}

/* A token that was cut off while it made a pair may hold half of it. */
static EVP_PKEY *key_of_token(struct wk_hsm *hsm, uint8_t slot)
{
    char number[SLOT_TEXT];
    uint8_t found = 0;
    (void)snprintf(number, sizeof number, "%u", slot);
    return wk_hsm_slot_of(hsm, number, &found) == WK_OK ? wk_tls_key_of(hsm, slot) : NULL;
}

EVP_PKEY *wk_enrol_key(const struct wk_enrol_config *config, int place)
{
    char name[WK_WHOLE_FILE_PATH];
    if (wk_enrol_in_token(config)) {
        return key_of_token(config->hsm, config->slot[place]);
    }
    wk_enrol_key_name(config, place, name);
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        return NULL;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "");
    (void)fclose(file);
    return key;
}

static wk_err make_in_token(const struct wk_enrol_config *config, uint8_t slot,
                            char error[WK_ENROL_ERROR])
{
    uint8_t point[WK_HAL_POINT];
    struct wk_hsm *hsm = config->hsm;
    struct wk_hal_private key = {.size = config->p384 ? 48 : 32, .slot = slot};
    const wk_err err = hsm->hal.generate(hsm, &key, point);
    return err == WK_OK ? WK_OK : wk_enrol_fail(error, err, "token", wk_hsm_error(hsm));
}

static wk_err make_in_file(const struct wk_enrol_config *config, const char *path,
                           char error[WK_ENROL_ERROR])
{
    char *data = NULL;
    EVP_PKEY *key = EVP_EC_gen(config->p384 ? "P-384" : "P-256");
    BIO *text = BIO_new(BIO_s_secmem());
    const long size =
        key != NULL && text != NULL &&
                PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1
            ? BIO_get_mem_data(text, &data)
            : 0;
    const wk_err err = size > 0 ? wk_whole_file_put(path, data, (size_t)size) : WK_E_IO;
    BIO_free(text);
    EVP_PKEY_free(key);
    return err == WK_OK ? WK_OK : wk_enrol_fail(error, err, path, strerror(errno));
}

wk_err wk_enrol_make_key(const struct wk_enrol_config *config, int place,
                         char error[WK_ENROL_ERROR])
{
    char path[WK_WHOLE_FILE_PATH];
    if (wk_enrol_in_token(config)) {
        return make_in_token(config, config->slot[place], error);
    }
    wk_enrol_key_name(config, place, path);
    return make_in_file(config, path, error);
}

wk_err wk_enrol_destroy_key(const struct wk_enrol_config *config, int place,
                            char error[WK_ENROL_ERROR])
{
    char path[WK_WHOLE_FILE_PATH];
    if (wk_enrol_in_token(config)) {
        const wk_err err = wk_hsm_erase(config->hsm, config->slot[place]);
        return err == WK_OK ? WK_OK
                            : wk_enrol_fail(error, err, "token", wk_hsm_error(config->hsm));
    }
    wk_enrol_key_name(config, place, path);
    const wk_err err = wk_whole_file_remove(path);
    return err == WK_OK ? WK_OK : wk_enrol_fail(error, err, path, strerror(errno));
}
