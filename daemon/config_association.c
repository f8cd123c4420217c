/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_association.h"

#include <stdio.h>
#include <string.h>

#include "cosem/association.h"
#include "cosem/kdf.h"

#define SAP_MOST     127 /* of a client with an HDLC address of one octet */
#define HEX_MOST     (2 * WK_HAL_KEY_SIZE)
#define IN_FILE      "file:"

#define MECHANISM(n) ((uint8_t)(1U << (n)))
#define SECRETS                                                                                \
    (MECHANISM(WK_ASSOCIATION_LLS) | MECHANISM(WK_ASSOCIATION_HLS_MD5) |                       \
     MECHANISM(WK_ASSOCIATION_HLS_SHA1) | MECHANISM(WK_ASSOCIATION_HLS_SHA256))

struct word {
    const char *word;
    uint8_t value;
};

static const struct word k_roles[] = {
    {"public", WK_ROLE_PUBLIC}, {"reader", WK_ROLE_READER}, {"management", WK_ROLE_MANAGEMENT}};

static const struct word k_mechanisms[] = {
    {"none", MECHANISM(WK_ASSOCIATION_NONE)},
    {"lls", MECHANISM(WK_ASSOCIATION_LLS)},
    {"hls3", MECHANISM(WK_ASSOCIATION_HLS_MD5)},
    {"hls4", MECHANISM(WK_ASSOCIATION_HLS_SHA1)},
    {"hls5", MECHANISM(WK_ASSOCIATION_HLS_GMAC)},
    {"hls6", MECHANISM(WK_ASSOCIATION_HLS_SHA256)},
    {"hls7", MECHANISM(WK_ASSOCIATION_HLS_ECDSA)},
};

/* Of requests and of responses alike. */
static const struct word k_policies[] = {
    {"none", 0},
    {"authenticated", WK_SESSION_REQUEST_AUTHENTICATED | WK_SESSION_RESPONSE_AUTHENTICATED},
    {"encrypted", WK_SESSION_REQUEST_ENCRYPTED | WK_SESSION_RESPONSE_ENCRYPTED},
    {"sealed", WK_SESSION_SEALED},
    {"signed", WK_SESSION_REQUEST_SIGNED | WK_SESSION_RESPONSE_SIGNED},
};

static wk_err refuse(const struct wk_config_place *place, const char *key, const char *must)
{
    (void)snprintf(place->reason, place->room, "'%s' %s", key, must);
    return WK_E_FORMAT;
}

/* ---- single keys ------------------------------------------------------------------------- */

/* One or more words separated by commas; false: one of them is not in the table. */
static bool read_words(const char *text, const struct word *words, size_t count, uint8_t *sum)
{
    *sum = 0;
    while (*text != '\0') {
        const size_t size = strcspn(text, ", ");
        const struct word *found = NULL;
        for (size_t i = 0; i < count; i++) {
            const bool same =
                strlen(words[i].word) == size && strncmp(words[i].word, text, size) == 0;
            found = same ? &words[i] : found;
        }
        if (found == NULL) {
            return false;
        }
        *sum |= found->value;
        text += size;
        text += strspn(text, ", ");
    }
    return true;
}

/* Digits, or a file whose first line they are. */
static wk_err take_key(const struct wk_config_place *place, const struct wk_ini_entry *entry,
                       struct wk_hal_key *key)
{
    char digits[HEX_MOST + 2] = "";
    size_t size = 0;
    const char *value = entry->value;
    const uint8_t slot = key->slot;
    if (strncmp(value, IN_FILE, strlen(IN_FILE)) == 0) {
        char path[WK_CONFIG_PATH];
        value += strlen(IN_FILE);
        (void)snprintf(path, sizeof path, "%s%s", value[0] == '/' ? "" : place->folder, value);
        FILE *file = fopen(path, "re");
        const bool read = file != NULL && fgets(digits, (int)sizeof digits, file) != NULL;
        if (file != NULL) {
            (void)fclose(file);
        }
        if (!read) {
            return refuse(place, entry->key, "names a file that cannot be read");
        }
        digits[strcspn(digits, "\r\n")] = '\0';
        value = digits;
    }
    const wk_err err = wk_ini_hex(value, key->octets, sizeof key->octets, &size);
    memset(digits, 0, sizeof digits);
    if (err != WK_OK || (size != 16 && size != 32)) {
        return refuse(place, entry->key,
                      "must be 32 or 64 hexadecimal digits, or file:PATH with them");
    }
    key->size = (uint8_t)size;
    key->slot = slot;
    return WK_OK;
}

static wk_err take_number(const struct wk_config_place *place, const struct wk_ini_entry *entry,
                          int64_t least, int64_t most, int64_t *number)
{
    if (wk_ini_integer(entry->value, least, most, number) == WK_OK) {
        return WK_OK;
    }
    char must[64];
    (void)snprintf(must, sizeof must, "must be a whole number from %lld to %lld",
                   (long long)least, (long long)most);
    return refuse(place, entry->key, must);
}

static wk_err take_words(struct wk_config_association *to, const struct wk_ini_entry *entry,
                         const struct wk_config_place *place)
{
    if (strcmp(entry->key, "role") == 0) {
        to->has_role = true;
        const bool one = strpbrk(entry->value, ", ") == NULL;
        return one && read_words(entry->value, k_roles, 3, &to->role)
                   ? WK_OK
                   : refuse(place, entry->key, "must be public, reader or management");
    }
    if (strcmp(entry->key, "mechanism") == 0) {
        return read_words(entry->value, k_mechanisms, 7, &to->mechanisms)
                   ? WK_OK
                   : refuse(place, entry->key, "must be some of none, lls, hls3 ... hls7");
    }
    to->has_policy = true;
    return read_words(entry->value, k_policies, 5, &to->policy)
               ? WK_OK
               : refuse(place, entry->key,
                        "must be none, or some of authenticated, encrypted, sealed, signed");
}

static wk_err take_numbers(struct wk_config_association *to, const struct wk_ini_entry *entry,
                           const struct wk_config_place *place)
{
    int64_t number = 0;
    if (strcmp(entry->key, "client") == 0) {
        WK_TRY(take_number(place, entry, 1, SAP_MOST, &number));
        to->client_sap = (uint16_t)number;
    } else if (strcmp(entry->key, "suite") == 0) {
        WK_TRY(take_number(place, entry, 0, 2, &number));
        to->suite = (uint8_t)number;
        to->has_suite = true;
    } else {
        WK_TRY(take_number(place, entry, 1, 255, &number));
        to->encryption_key.slot = (uint8_t)number;
    }
    return WK_OK;
}

static wk_err take_secret(struct wk_config_association *to, const struct wk_ini_entry *entry,
                          const struct wk_config_place *place)
{
    if (strcmp(entry->key, "password") == 0) {
        return wk_ini_text(entry->value, to->password, sizeof to->password) == WK_OK
                   ? WK_OK
                   : refuse(place, entry->key, "must be 1 to 32 characters");
    }
    return take_key(place, entry,
                    strcmp(entry->key, "encryption_key") == 0       ? &to->encryption_key
                    : strcmp(entry->key, "authentication_key") == 0 ? &to->authentication_key
                                                                    : &to->master_key);
}

static wk_err begin(struct wk_config *config, const struct wk_ini_entry *entry,
                    const struct wk_config_place *place)
{
    const char *why = config->association_count == WK_CONFIG_ASSOCIATIONS
                          ? "there are too many sections [association]"
                          : NULL;
    struct wk_config_association next = {.line = entry->line};
    if (wk_ini_text(entry->name, next.name, sizeof next.name) != WK_OK) {
        why = "[association NAME] needs a name of at most 31 characters";
    }
    if (why != NULL) {
        (void)snprintf(place->reason, place->room, "%s", why);
        return WK_E_FORMAT;
    }
    config->association[config->association_count++] = next;
    return WK_OK;
}

wk_err wk_config_association_take(struct wk_config *config, const struct wk_ini_entry *entry,
                                  const struct wk_config_place *place)
{
    static const struct {
        const char *key;
        wk_err (*take)(struct wk_config_association *to, const struct wk_ini_entry *entry,
                       const struct wk_config_place *place);
    } k_keys[] = {
        {"client", take_numbers},    {"suite", take_numbers},
        {"role", take_words},        {"mechanism", take_words},
        {"policy", take_words},      {"encryption_key_slot", take_numbers},
        {"password", take_secret},   {"encryption_key", take_secret},
        {"master_key", take_secret}, {"authentication_key", take_secret},
    };
    if (entry->key == NULL) {
        return begin(config, entry, place);
    }
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        if (strcmp(k_keys[i].key, entry->key) == 0) {
            return k_keys[i].take(&config->association[config->association_count - 1], entry,
                                  place);
        }
    }
    return refuse(place, entry->key, "is not a key of [association]");
}

/* ---- the whole --------------------------------------------------------------------------- */

static const char *check_suite(const struct wk_config *config,
                               const struct wk_config_association *of)
{
    const uint8_t size = wk_kdf_key_size(of->suite);
    const bool in_token = of->encryption_key.slot != 0;
    const bool signs = (of->mechanisms & MECHANISM(WK_ASSOCIATION_HLS_ECDSA)) != 0 ||
                       (of->policy & WK_SESSION_REQUEST_SIGNED) != 0;
    if (of->authentication_key.size != size ||
        (of->encryption_key.size != size && !(in_token && of->encryption_key.size == 0))) {
        return of->suite == 2 ? "suite 2 needs encryption_key (or encryption_key_slot) and "
                                "authentication_key of 64 digits"
                              : "its suite needs encryption_key (or encryption_key_slot) and "
                                "authentication_key of 32 digits";
    }
    if (of->master_key.size != 0 && of->master_key.size != size) {
        return "master_key has another size than the suite's";
    }
    if (in_token && (config->token_module[0] == '\0' || config->token_pin_file[0] == '\0')) {
        return "encryption_key_slot needs token_module and token_pin_file in [dlms]";
    }
    if (signs && of->suite == 0) {
        return "hls7 and signed need suite 1 or 2";
    }
    return signs && (config->signing_key[0] == '\0' || config->certificates[0] == '\0')
               ? "hls7 and signed need signing_key and certificates in [dlms]"
               : NULL;
}

static const char *check_one(const struct wk_config *config,
                             const struct wk_config_association *of)
{
    const bool open = (of->mechanisms & MECHANISM(WK_ASSOCIATION_NONE)) != 0;
    if (of->client_sap == 0 || !of->has_role || of->mechanisms == 0) {
        return "needs client, role and mechanism";
    }
    if (open != (of->role == WK_ROLE_PUBLIC)) {
        return "the role public goes with mechanism none, and no other does";
    }
    if ((of->mechanisms & SECRETS) != 0 && of->password[0] == '\0') {
        return "this mechanism needs a password";
    }
    if (of->has_suite) {
        return check_suite(config, of);
    }
    if ((of->mechanisms &
         (MECHANISM(WK_ASSOCIATION_HLS_GMAC) | MECHANISM(WK_ASSOCIATION_HLS_ECDSA))) != 0) {
        return "hls5 and hls7 need a suite";
    }
    return of->policy != 0 || of->encryption_key.size != 0 || of->encryption_key.slot != 0 ||
                   of->authentication_key.size != 0 || of->master_key.size != 0
               ? "keys and a policy need a suite"
               : NULL;
}

static const char *check_two(const struct wk_config_association *a,
                             const struct wk_config_association *b)
{
    if (a->client_sap == b->client_sap) {
        return "another section has the same client";
    }
    if (strcmp(a->name, b->name) == 0) {
        return "another section has the same name";
    }
    if (a->role == b->role && a->password[0] != '\0' && b->password[0] != '\0' &&
        strcmp(a->password, b->password) != 0) {
        return "the password is that of the role, and another section has another one";
    }
    return NULL;
}

wk_err wk_config_association_check(const struct wk_config *config, unsigned *line, char *reason,
                                   size_t room)
{
    for (uint8_t i = 0; i < config->association_count; i++) {
        const struct wk_config_association *of = &config->association[i];
        const char *why = check_one(config, of);
        for (uint8_t before = 0; before < i && why == NULL; before++) {
            why = check_two(of, &config->association[before]);
        }
        if (why != NULL) {
            *line = of->line;
            (void)snprintf(reason, room, "[association %s] %s", of->name, why);
            return WK_E_FORMAT;
        }
    }
    return WK_OK;
}
