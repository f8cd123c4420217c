/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_mqtt.h"

#include <stdio.h>
#include <string.h>

#define PORT_TLS   8883
#define PORT_PLAIN 1883

typedef enum kind { TEXT, PATH, PORT, PLAIN, IDENTITY } kind;

struct key {
    const char *name;
    kind kind;
    size_t at;
    size_t size;
};

#define PLACE(member)                                                                          \
    offsetof(struct wk_config_mqtt, member), sizeof(((struct wk_config_mqtt *)0)->member)

static const struct key k_keys[] = {
    {"host", TEXT, PLACE(host)},
    {"port", PORT, PLACE(port)},
    {"tls", PLAIN, PLACE(plain)},
    {"name", TEXT, PLACE(name)},
    {"ca", PATH, PLACE(ca)},
    {"certificate", PATH, PLACE(certificate)},
    {"key", PATH, PLACE(key)},
    {"identity", IDENTITY, PLACE(is_meter)},
    {"user", TEXT, PLACE(user)},
    {"password", TEXT, PLACE(password)},
    {"discovery", TEXT, PLACE(discovery)},
};

static wk_err take_value(const struct key *key, const char *value, char *to,
                         const struct wk_config_place *place)
{
    int64_t number = 0;
    switch (key->kind) {
    case PATH:
        return wk_config_path(place, value, to, key->size);
    case PORT:
        if (wk_ini_integer(value, 1, UINT16_MAX, &number) != WK_OK) {
            (void)snprintf(place->reason, place->room,
                           "must be a whole number from 1 to 65535");
            return WK_E_FORMAT;
        }
        *(uint16_t *)(void *)to = (uint16_t)number;
        return WK_OK;
    case PLAIN:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
            (void)snprintf(place->reason, place->room, "must be yes or no");
            return WK_E_FORMAT;
        }
        *(bool *)(void *)to = value[0] == 'n';
        return WK_OK;
    case IDENTITY:
        *(bool *)(void *)to = strcmp(value, "meter") == 0;
        (void)snprintf(place->reason, place->room, "must be meter");
        return *(bool *)(void *)to ? WK_OK : WK_E_FORMAT;
    case TEXT:
    default:
        if (wk_ini_text(value, to, key->size) != WK_OK) {
            (void)snprintf(place->reason, place->room, "must be 1 to %zu characters",
                           key->size - 1);
            return WK_E_FORMAT;
        }
        return WK_OK;
    }
}

wk_err wk_config_mqtt_take(struct wk_config *config, const struct wk_ini_entry *entry,
                           const struct wk_config_place *place)
{
    char must[WK_INI_WHY / 2] = "is not a key of [mqtt]";
    const struct wk_config_place detail = {place->folder, must, sizeof must};
    if (entry->key == NULL) {
        config->mqtt = (struct wk_config_mqtt){.is_there = true, .discovery = "homeassistant"};
        return WK_OK;
    }
    for (size_t n = 0; n < sizeof k_keys / sizeof k_keys[0]; n++) {
        if (strcmp(k_keys[n].name, entry->key) == 0 &&
            take_value(&k_keys[n], entry->value, (char *)&config->mqtt + k_keys[n].at,
                       &detail) == WK_OK) {
            return WK_OK;
        }
    }
    (void)snprintf(place->reason, place->room, "'%s' %s", entry->key, must);
    return WK_E_FORMAT;
}

uint16_t wk_config_mqtt_port(const struct wk_config *config)
{
    const uint16_t usual = config->mqtt.plain ? PORT_PLAIN : PORT_TLS;
    return config->mqtt.port != 0 ? config->mqtt.port : usual;
}

const char *wk_config_mqtt_check(const struct wk_config *config)
{
    const struct wk_config_mqtt *mqtt = &config->mqtt;
    if (!mqtt->is_there) {
        return NULL;
    }
    if (mqtt->host[0] == '\0') {
        return "[mqtt] needs host";
    }
    if ((mqtt->certificate[0] == '\0') != (mqtt->key[0] == '\0')) {
        return "[mqtt] certificate and key belong together";
    }
    if (mqtt->is_meter && mqtt->certificate[0] != '\0') {
        return "[mqtt] identity = meter takes no certificate and key";
    }
    if (mqtt->is_meter && !config->tls_enrol) {
        return "[mqtt] identity = meter needs tls_enrol = yes in [dlms]";
    }
    if (mqtt->plain && (mqtt->is_meter || mqtt->ca[0] != '\0' || mqtt->certificate[0] != '\0' ||
                        mqtt->name[0] != '\0')) {
        return "[mqtt] without TLS takes no ca, certificate, identity and name";
    }
    if (mqtt->password[0] != '\0' && mqtt->user[0] == '\0') {
        return "[mqtt] password needs user";
    }
    if (strpbrk(mqtt->discovery, "+#\"\\ ") != NULL) {
        return "[mqtt] discovery must be a topic without wildcards";
    }
    return NULL;
}
