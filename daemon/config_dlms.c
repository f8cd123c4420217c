/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_dlms.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef enum kind { TEXT, PATH, NUMBER16, OCTETS, BAUD, SIGN_ON, SWITCH } kind;

#define SIGN_ON_BAUD_MOST 19200
#define TOKEN             "pkcs11:" /* as port/linux/tls names keys of a token */

struct key {
    const char *name;
    kind kind;
    size_t at;
    size_t size; /* of the text with its end, or octets */
    int64_t least;
    int64_t most;
};

#define PLACE(member)                                                                          \
    offsetof(struct wk_config, member), sizeof(((struct wk_config *)0)->member)

static const struct key k_keys[] = {
    {"host", TEXT, PLACE(dlms_host), 0, 0},
    {"port", NUMBER16, PLACE(dlms_port), 1, 65535},
    {"udp_port", NUMBER16, PLACE(udp_port), 1, 65535},
    {"tls_port", NUMBER16, PLACE(tls_port), 1, 65535},
    {"tls_certificate", PATH, PLACE(tls_certificate), 0, 0},
    {"tls_key", PATH, PLACE(tls_key), 0, 0},
    {"tls_ca", PATH, PLACE(tls_ca), 0, 0},
    {"tls_crl", PATH, PLACE(tls_crl), 0, 0},
    {"tls_client", TEXT, PLACE(tls_client), 0, 0},
    {"tls_enrol", SWITCH, PLACE(tls_enrol), 0, 0},
    {"tls_enrol_name", TEXT, PLACE(tls_enrol_name), 0, 0},
    {"tls_curve", TEXT, PLACE(tls_curve), 0, 0},
    {"tls_renew_percent", NUMBER16, PLACE(tls_renew_percent), 1, 99},
    {"hdlc_port", NUMBER16, PLACE(hdlc_port), 1, 65535},
    {"hdlc_address", NUMBER16, PLACE(hdlc_address), 1,
     125}, /* 126, 127: calling, all stations */
    {"serial", TEXT, PLACE(serial_device), 0, 0},
    {"serial_baud", BAUD, PLACE(serial_baud), 0, 0},
    {"serial_sign_on", SIGN_ON, PLACE(serial_mode_e), 0, 0},
    {"signing_key", PATH, PLACE(signing_key), 0, 0},
    {"agreement_key", PATH, PLACE(agreement_key), 0, 0},
    {"certificates", PATH, PLACE(certificates), 0, 0},
    {"system_title", OCTETS, PLACE(system_title), 0, 0},
    {"reader_password", TEXT, PLACE(reader_password), 0, 0},
    {"encryption_key", OCTETS, PLACE(encryption_key), 0, 0},
    {"authentication_key", OCTETS, PLACE(authentication_key), 0, 0},
    {"encryption_key_slot", NUMBER16, PLACE(encryption_key_slot), 1, 255},
    {"token_module", TEXT, PLACE(token_module), 0, 0},
    {"token_label", TEXT, PLACE(token_label), 0, 0},
    {"token_pin_file", TEXT, PLACE(token_pin_file), 0, 0},
};

static wk_err refuse(char *reason, size_t room, const char *must)
{
    (void)snprintf(reason, room, "%s", must);
    return WK_E_FORMAT;
}

static wk_err take_number(const struct key *key, const char *value, void *to, char *reason,
                          size_t room)
{
    static const int64_t k_bauds[] = {300,  600,   1200,  2400,  4800,
                                      9600, 19200, 38400, 57600, 115200};
    int64_t number = 0;
    if (key->kind == BAUD) {
        bool known = wk_ini_integer(value, 300, 115200, &number) == WK_OK;
        size_t i = 0;
        while (i < sizeof k_bauds / sizeof k_bauds[0] && k_bauds[i] != number) {
            i++;
        }
        known = known && i < sizeof k_bauds / sizeof k_bauds[0];
        *(uint32_t *)to = (uint32_t)number;
        return known ? WK_OK : refuse(reason, room, "must be 300, 600, 1200 ... 115200");
    }
    if (wk_ini_integer(value, key->least, key->most, &number) != WK_OK) {
        (void)snprintf(reason, room, "must be a whole number from %lld to %lld",
                       (long long)key->least, (long long)key->most);
        return WK_E_FORMAT;
    }
    *(uint16_t *)to = (uint16_t)number;
    return WK_OK;
}

static bool is_in_token(const char *key)
{
    return strncmp(key, TOKEN, strlen(TOKEN)) == 0;
}

wk_err wk_config_path(const struct wk_config_place *place, const char *value, char *to,
                      size_t size)
{
    const bool whole = value[0] == '/' || is_in_token(value);
    const int written = snprintf(to, size, "%s%s", whole ? "" : place->folder, value);
    if (value[0] == '\0' || written < 0 || (size_t)written >= size) {
        (void)snprintf(place->reason, place->room, "must be a path of at most %zu characters",
                       size - 1);
        return WK_E_FORMAT;
    }
    return WK_OK;
}

wk_err wk_config_dlms_take(struct wk_config *config, const struct wk_ini_entry *entry,
                           const struct wk_config_place *place)
{
    char *reason = place->reason;
    const size_t room = place->room;
    const struct key *key = NULL;
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        key = strcmp(entry->key, k_keys[i].name) == 0 ? &k_keys[i] : key;
    }
    if (key == NULL) {
        return refuse(reason, room, "is not a key of [dlms]");
    }
    uint8_t *to = (uint8_t *)config + key->at;
    if (key->kind == TEXT && wk_ini_text(entry->value, (char *)to, key->size) != WK_OK) {
        (void)snprintf(reason, room, "must be 1 to %zu characters", key->size - 1);
        return WK_E_FORMAT;
    }
    if (key->kind == PATH) {
        return wk_config_path(place, entry->value, (char *)to, key->size);
    }
    if (key->kind == SIGN_ON) {
        *(bool *)to = strcmp(entry->value, "mode-e") == 0;
        return *(bool *)to || strcmp(entry->value, "none") == 0
                   ? WK_OK
                   : refuse(reason, room, "must be none or mode-e");
    }
    if (key->kind == SWITCH) {
        *(bool *)to = strcmp(entry->value, "yes") == 0;
        return *(bool *)to || strcmp(entry->value, "no") == 0
                   ? WK_OK
                   : refuse(reason, room, "must be yes or no");
    }
    size_t octets = 0;
    if (key->kind == OCTETS &&
        (wk_ini_hex(entry->value, to, key->size, &octets) != WK_OK || octets != key->size)) {
        (void)snprintf(reason, room, "must be %zu hexadecimal digits", 2 * key->size);
        return WK_E_FORMAT;
    }
    return key->kind == TEXT || key->kind == OCTETS
               ? WK_OK
               : take_number(key, entry->value, to, reason, room);
}

static bool is_set(const uint8_t *octets, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= octets[i];
    }
    return any != 0;
}

/* ---- enrolment --------------------------------------------------------------------------- */

bool wk_config_dlms_slots(const struct wk_config *config, uint8_t slot[2])
{
    char text[WK_CONFIG_PATH];
    char *rest = text;
    int64_t number[2] = {0, 0};
    (void)snprintf(text, sizeof text, "%s", config->tls_key);
    for (int i = 0; i < 2 && rest != NULL; i++) {
        const char *name = strsep(&rest, ",");
        name += strspn(name, " ");
        if (!is_in_token(name) ||
            wk_ini_integer(name + strlen(TOKEN), 1, UINT8_MAX, &number[i]) != WK_OK) {
            number[i] = 0;
        }
    }
    const bool good =
        rest == NULL && number[0] != 0 && number[1] != 0 && number[0] != number[1];
    slot[0] = good ? (uint8_t)number[0] : 0;
    slot[1] = good ? (uint8_t)number[1] : 0;
    return good;
}

static const char *check_enrol(const struct wk_config *config)
{
    uint8_t slot[2];
    const bool unnamed =
        strcmp(config->dlms_host, "0.0.0.0") == 0 || strcmp(config->dlms_host, "::") == 0;
    if (!config->tls_enrol) {
        return NULL;
    }
    if (config->tls_ca[0] == '\0' ||
        (config->tls_port == 0 && !config->link_tls.is_meter && !config->mqtt.is_meter)) {
        return "[dlms] tls_enrol needs tls_ca, and tls_port or identity = meter in [link] or "
               "[mqtt]";
    }
    if (config->tls_certificate[0] != '\0') {
        return "[dlms] tls_enrol keeps the certificate itself: it takes no tls_certificate";
    }
    if (config->tls_key[0] != '\0' && !wk_config_dlms_slots(config, slot)) {
        return "[dlms] tls_enrol takes no tls_key, or two slots of the token: pkcs11:9, "
               "pkcs11:10";
    }
    if (unnamed && config->tls_port != 0 && config->tls_enrol_name[0] == '\0') {
        return "[dlms] tls_enrol needs tls_enrol_name: what clients call the meter";
    }
    return strcmp(config->tls_curve, "P-256") == 0 || strcmp(config->tls_curve, "P-384") == 0
               ? NULL
               : "[dlms] tls_curve must be P-256 or P-384";
}

const char *wk_config_dlms_check(const struct wk_config *config)
{
    const bool in_token = config->encryption_key_slot != 0;
    const bool has_key =
        in_token || is_set(config->encryption_key, sizeof config->encryption_key);
    const bool titled = is_set(config->system_title, sizeof config->system_title);
    const bool usual = config->association_count == 0;
    if (!usual && (config->dlms_port == 0 || !titled)) {
        return "[dlms] needs port and system_title";
    }
    if (usual &&
        (config->dlms_port == 0 || config->reader_password[0] == '\0' || !has_key || !titled ||
         !is_set(config->authentication_key, sizeof config->authentication_key))) {
        return "[dlms] needs port, system_title, reader_password, encryption_key (or "
               "encryption_key_slot) and authentication_key, or sections [association]";
    }
    if (!usual && (config->reader_password[0] != '\0' || has_key)) {
        return "[dlms] takes no passwords and keys of clients beside [association]";
    }
    if (in_token && (config->token_module[0] == '\0' || config->token_pin_file[0] == '\0')) {
        return "[dlms] encryption_key_slot needs token_module and token_pin_file";
    }
    if (config->serial_mode_e && config->serial_baud > SIGN_ON_BAUD_MOST) {
        return "[dlms] serial_sign_on agrees on 19200 baud at most";
    }
    if (config->tls_port != 0 && !config->tls_enrol &&
        (config->tls_certificate[0] == '\0' || config->tls_key[0] == '\0' ||
         config->tls_ca[0] == '\0')) {
        return "[dlms] tls_port needs tls_certificate, tls_key and tls_ca";
    }
    const bool keys_in_token =
        is_in_token(config->tls_key) || is_in_token(config->signing_key) ||
        is_in_token(config->agreement_key) || is_in_token(config->link_tls.key) ||
        is_in_token(config->mqtt.key);
    if (keys_in_token &&
        (config->token_module[0] == '\0' || config->token_pin_file[0] == '\0')) {
        return "a key in a token needs token_module and token_pin_file in [dlms]";
    }
    return check_enrol(config);
}
