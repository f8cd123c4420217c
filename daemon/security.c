/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/security.h"

#include <stdio.h>
#include <string.h>

#include "cosem/association.h"
#include "cosem/kdf.h"
#include "port/linux/pem.h"
#include "port/linux/tls.h"

static wk_err fail(char error[WK_METER_SECURITY_ERROR], wk_err err, const char *what,
                   const char *why)
{
    (void)snprintf(error, WK_METER_SECURITY_ERROR, "%.100s: %.150s", what, why);
    return err;
}

/* ---- the token --------------------------------------------------------------------------- */

static wk_err read_pin(const char *path, char *pin, size_t room,
                       char error[WK_METER_SECURITY_ERROR])
{
    FILE *file = fopen(path, "re");
    const bool good = file != NULL && fgets(pin, (int)room, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!good) {
        return fail(error, WK_E_NOT_FOUND, path, "the PIN of the token cannot be read");
    }
    pin[strcspn(pin, "\r\n")] = '\0';
    return WK_OK;
}

wk_err wk_meter_keys_open(const struct wk_config *config, struct wk_crypto *crypto,
                          struct wk_hsm *hsm, char error[WK_METER_SECURITY_ERROR])
{
    char pin[WK_CONFIG_SECRET];
    wk_err err = wk_crypto_init(crypto);
    if (err != WK_OK) {
        return fail(error, err, "cryptography", wk_err_text(err));
    }
    if (config->token_module[0] == '\0') {
        return WK_OK;
    }
    WK_TRY(read_pin(config->token_pin_file, pin, sizeof pin, error));
    const struct wk_hsm_config token = {
        .module = config->token_module,
        .label = config->token_label[0] != '\0' ? config->token_label : NULL,
        .pin = pin,
    };
    err = wk_hsm_open(hsm, &token);
    memset(pin, 0, sizeof pin);
    return err == WK_OK ? WK_OK : fail(error, err, "token", wk_hsm_error(hsm));
}

/* ---- keys in the token ------------------------------------------------------------------- */

/* An empty slot takes the key of the file once, which may go from the file then. */
static wk_err commission(struct wk_hsm *hsm, struct wk_hal_key *key,
                         char error[WK_METER_SECURITY_ERROR])
{
    const struct wk_hal_key there = {.size = key->size, .slot = key->slot};
    uint8_t iv[12] = {0};
    uint8_t tag[12];
    bool given = false;
    for (size_t i = 0; i < key->size; i++) {
        given = given || key->octets[i] != 0;
    }
    wk_err err = hsm->hal.gcm_seal(hsm, &there, iv, NULL, 0, NULL, NULL, 0, tag);
    if (err == WK_E_NOT_FOUND && given) {
        err = wk_hsm_import(hsm, key->slot, key->octets, key->size);
    }
    *key = there;
    return err == WK_OK ? WK_OK : fail(error, err, "token", wk_hsm_error(hsm));
}

/* ---- the usual three --------------------------------------------------------------------- */

static wk_err use_usual(struct wk_meter_security *security, const struct wk_config *config,
                        struct wk_hsm *hsm, struct wk_module_config *module,
                        char error[WK_METER_SECURITY_ERROR])
{
    struct wk_cipher_keys *keys = &module->keys;
    keys->ek.size = sizeof config->encryption_key;
    keys->ek.slot = (uint8_t)config->encryption_key_slot;
    memcpy(keys->ek.octets, config->encryption_key, sizeof config->encryption_key);
    keys->ak.size = sizeof config->authentication_key;
    memcpy(keys->ak.octets, config->authentication_key, sizeof config->authentication_key);
    struct wk_session_secret *secret = &module->password[WK_ROLE_READER];
    secret->size = (uint8_t)strlen(config->reader_password);
    memcpy(secret->octets, config->reader_password, secret->size);
    module->pairs = config->tls_enrol ? &security->identity : NULL; /* for that of TLS alone */
    return keys->ek.slot != 0 ? commission(hsm, &keys->ek, error) : WK_OK;
}

/* ---- Security setups --------------------------------------------------------------------- */

static bool is_same(const struct wk_hal_key *a, const struct wk_hal_key *b)
{
    return a->size == b->size && a->slot == b->slot &&
           (a->slot != 0 || memcmp(a->octets, b->octets, a->size) == 0);
}

/* Clients with the same suite and keys share a setup, and its counters. */
static wk_err find_setup(struct wk_meter_security *security,
                         const struct wk_session_setup *wanted, uint8_t *number)
{
    for (uint8_t i = 0; i < security->setup_count; i++) {
        const struct wk_session_setup *there = &security->setup[i];
        if (there->suite == wanted->suite && is_same(&there->keys.ek, &wanted->keys.ek) &&
            is_same(&there->keys.ak, &wanted->keys.ak)) {
            *number = i;
            return WK_OK;
        }
    }
    if (security->setup_count == WK_SESSION_SETUPS) {
        return WK_E_FULL;
    }
    *number = security->setup_count++;
    security->setup[*number] = *wanted;
    return WK_OK;
}

static wk_err make_setup(struct wk_meter_security *security,
                         const struct wk_config_association *from, struct wk_hsm *hsm,
                         uint8_t *number, char error[WK_METER_SECURITY_ERROR])
{
    struct wk_session_setup wanted = {
        .suite = from->suite,
        .keys = {.ek = from->encryption_key, .ak = from->authentication_key},
        .kek = from->master_key,
    };
    wanted.keys.ek.size = wk_kdf_key_size(from->suite);
    if (wanted.keys.ek.slot != 0) {
        WK_TRY(commission(hsm, &wanted.keys.ek, error));
    }
    return find_setup(security, &wanted, number) == WK_OK
               ? WK_OK
               : fail(error, WK_E_FULL, from->name,
                      "there are more associations with keys of their own than a meter takes");
}

static wk_err add_association(struct wk_meter_security *security,
                              const struct wk_config_association *from, struct wk_hsm *hsm,
                              struct wk_module_config *module,
                              char error[WK_METER_SECURITY_ERROR])
{
    struct wk_session_association *to = &security->association[security->association_count++];
    const bool seals = from->mechanisms != 1U << WK_ASSOCIATION_LLS && !from->has_policy;
    *to = (struct wk_session_association){
        .client_sap = from->client_sap,
        .role = from->role,
        .mechanisms = from->mechanisms,
        .contexts =
            (uint8_t)(1U << (from->has_suite ? WK_ASSOCIATION_LN_CIPHERED : WK_ASSOCIATION_LN)),
        .policy = from->has_suite && seals ? WK_SESSION_SEALED : from->policy,
    };
    const size_t size = strlen(from->password);
    if (size > 0) {
        struct wk_session_secret *secret = &module->password[from->role];
        secret->size = (uint8_t)size;
        memcpy(secret->octets, from->password, size);
    }
    return from->has_suite ? make_setup(security, from, hsm, &to->setup, error) : WK_OK;
}

/* ---- key pairs and certificates ---------------------------------------------------------- */

static wk_err read_pair(struct wk_session_pair *pair, const char *key, struct wk_hsm *hsm,
                        char error[WK_METER_SECURITY_ERROR])
{
    char why[WK_PEM_ERROR];
    if (strncmp(key, WK_TLS_TOKEN, strlen(WK_TLS_TOKEN)) != 0) {
        const wk_err err = wk_pem_private(key, &pair->key, pair->point, why);
        return err == WK_OK ? WK_OK : fail(error, err, "[dlms]", why);
    }
    uint8_t slot = 0;
    wk_err err = WK_E_NOT_FOUND;
    if (hsm != NULL) {
        err = wk_hsm_slot_of(hsm, key + strlen(WK_TLS_TOKEN), &slot);
        err = err == WK_OK ? wk_hsm_point(hsm, slot, pair->point, &pair->key.size) : err;
    }
    pair->key.slot = slot;
    return err == WK_OK ? WK_OK : fail(error, err, key, "is not in the token");
}

struct trusting {
    struct wk_session_identity *identity;
    const uint8_t *title;
};

static wk_err trust(void *self, struct wk_bytes_in der)
{
    const struct trusting *trusting = self;
    return wk_session_trust(trusting->identity, trusting->title, der);
}

/* Every suite in use must be that of the key pairs. */
static wk_err check_curve(const struct wk_meter_security *security,
                          char error[WK_METER_SECURITY_ERROR])
{
    for (uint8_t i = 0; i < security->setup_count; i++) {
        const uint8_t suite = security->setup[i].suite;
        for (int pair = 0; pair < WK_SESSION_PAIRS; pair++) {
            const uint8_t size = security->identity.own[pair].key.size;
            if (suite != 0 && size != 0 && size != wk_kdf_curve_size(suite)) {
                return fail(error, WK_E_FORMAT, "[dlms] signing_key or agreement_key",
                            suite == 1 ? "suite 1 needs keys on P-256"
                                       : "suite 2 needs keys on P-384");
            }
        }
    }
    return WK_OK;
}

static wk_err make_identity(struct wk_meter_security *security, const struct wk_config *config,
                            struct wk_hsm *hsm, char error[WK_METER_SECURITY_ERROR])
{
    char why[WK_PEM_ERROR];
    struct wk_session_pair *own = security->identity.own;
    struct trusting trusting = {&security->identity, config->system_title};
    if (config->signing_key[0] != '\0') {
        WK_TRY(read_pair(&own[WK_SESSION_SIGNING], config->signing_key, hsm, error));
    }
    if (config->agreement_key[0] != '\0') {
        WK_TRY(read_pair(&own[WK_SESSION_AGREEMENT], config->agreement_key, hsm, error));
    }
    if (config->certificates[0] != '\0') {
        const wk_err err = wk_pem_certificates(config->certificates, &trusting, trust, why);
        if (err != WK_OK) {
            return fail(error, err, "[dlms] certificates", why);
        }
    }
    security->identity.changed = 0; /* the file has them */
    return check_curve(security, error);
}

wk_err wk_meter_security_make(struct wk_meter_security *security,
                              const struct wk_config *config, struct wk_hsm *hsm,
                              struct wk_module_config *module,
                              char error[WK_METER_SECURITY_ERROR])
{
    *security = (struct wk_meter_security){0};
    if (config->association_count == 0) {
        return use_usual(security, config, hsm, module, error);
    }
    for (uint8_t i = 0; i < config->association_count; i++) {
        WK_TRY(add_association(security, &config->association[i], hsm, module, error));
    }
    WK_TRY(make_identity(security, config, hsm, error));
    module->keys = security->setup[0].keys;
    module->kek = security->setup[0].kek;
    module->suite = security->setup[0].suite;
    module->setups = &security->setup[1];
    module->setup_count = (uint8_t)(security->setup_count > 1 ? security->setup_count - 1 : 0);
    module->pairs = &security->identity;
    return WK_OK;
}
