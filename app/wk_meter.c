/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_meter.h"

#include <stdio.h>
#include <string.h>

#include "port/linux/ini.h"

#define ATTEMPTS 3 /* to connect: a meter may be serving as many as it can just now */

/* ---- options ----------------------------------------------------------------------------- */

void wk_meter_init(struct wk_meter *meter, uint16_t client_sap)
{
    static const uint8_t k_title[WK_CIPHER_TITLE] = {'W', 'K', 'C', 'L', 'I', 0, 0, 1};
    *meter = (struct wk_meter){
        .config =
            {
                .client_sap = client_sap,
                .connect_timeout_ms = 5000,
                .answer_timeout_ms = 5000,
            },
    };
    memcpy(meter->config.title, k_title, sizeof k_title);
}

static bool complain(const char *option, const char *value, const char *reason)
{
    fprintf(stderr, "wk: %s \"%s\": %s\n", option, value, reason);
    return false;
}

static bool read_role(struct wk_meter *meter, const char *value)
{
    static const struct {
        const char *name;
        uint16_t sap;
    } k_roles[] = {
        {"public", WK_DLMS_CLIENT_PUBLIC},
        {"reader", WK_DLMS_CLIENT_READER},
        {"management", WK_DLMS_CLIENT_MANAGEMENT},
    };
    for (size_t i = 0; i < sizeof k_roles / sizeof k_roles[0]; i++) {
        if (strcmp(k_roles[i].name, value) == 0) {
            meter->config.client_sap = k_roles[i].sap;
            return true;
        }
    }
    return complain("--role", value, "must be public, reader or management");
}

static const char *set_password(struct wk_meter *meter, const char *value)
{
    if (wk_ini_text(value, meter->password, sizeof meter->password) != WK_OK) {
        return "must have 1 to 63 octets";
    }
    meter->config.password = meter->password;
    return NULL;
}

static const char *set_key(struct wk_hal_key *key, const char *value)
{
    size_t size;
    if (wk_ini_hex(value, key->octets, sizeof key->octets, &size) != WK_OK ||
        (size != 16 && size != 32)) {
        return "must be 32 or 64 hexadecimal digits";
    }
    key->size = (uint8_t)size;
    return NULL;
}

static const char *set_title(struct wk_meter *meter, const char *value)
{
    size_t size;
    if (wk_ini_hex(value, meter->config.title, WK_CIPHER_TITLE, &size) != WK_OK ||
        size != WK_CIPHER_TITLE) {
        return "must be 16 hexadecimal digits";
    }
    return NULL;
}

/* "tls-ca = FILE" and the like; options on the command line go before them. */
static bool take_trust(struct wk_meter *meter, const struct wk_ini_entry *entry)
{
    static const struct option k_trust[] = {WK_TRUST_LONG_OPTIONS};
    for (size_t i = 0; i < sizeof k_trust / sizeof k_trust[0]; i++) {
        if (strcmp(entry->key, k_trust[i].name) == 0) {
            return wk_trust_text(&meter->trust, k_trust[i].val) != NULL ||
                   wk_trust_option(&meter->trust, k_trust[i].val, entry->value);
        }
    }
    return false;
}

/* One line of a file of keys. */
static wk_err take_key(void *context, const struct wk_ini_entry *entry, char *reason,
                       size_t size)
{
    struct wk_meter *meter = context;
    const char *wrong = NULL;
    if (entry->key == NULL) {
        wrong = "sections are not used here";
    } else if (strcmp(entry->key, "password") == 0) {
        wrong = set_password(meter, entry->value);
    } else if (strcmp(entry->key, "ek") == 0) {
        wrong = set_key(&meter->config.keys.ek, entry->value);
    } else if (strcmp(entry->key, "ak") == 0) {
        wrong = set_key(&meter->config.keys.ak, entry->value);
    } else if (strcmp(entry->key, "title") == 0) {
        wrong = set_title(meter, entry->value);
    } else if (take_trust(meter, entry)) {
        return WK_OK;
    } else {
        (void)snprintf(reason, size,
                       "\"%s\" is not known: use password, ek, ak, title, tls-ca ...",
                       entry->key);
        return WK_E_FORMAT;
    }
    if (wrong != NULL) {
        (void)snprintf(reason, size, "%s %s", entry->key == NULL ? "" : entry->key, wrong);
    }
    return wrong == NULL ? WK_OK : WK_E_FORMAT;
}

static bool read_keys(struct wk_meter *meter, const char *path)
{
    char why[WK_INI_WHY];
    if (wk_ini_read(path, take_key, meter, why) != WK_OK) {
        fprintf(stderr, "wk: %s\n", why);
        return false;
    }
    return true;
}

static bool read_timeout(struct wk_meter *meter, const char *value)
{
    int64_t seconds;
    if (wk_ini_integer(value, 1, 600, &seconds) != WK_OK) {
        return complain("--timeout", value, "must be 1 to 600 seconds");
    }
    meter->config.connect_timeout_ms = (uint32_t)seconds * 1000;
    meter->config.answer_timeout_ms = (uint32_t)seconds * 1000;
    return true;
}

static bool take_secret(const char *option, const char *value, const char *wrong)
{
    (void)value; /* not shown: it is a secret */
    if (wrong != NULL) {
        fprintf(stderr, "wk: %s %s\n", option, wrong);
    }
    return wrong == NULL;
}

bool wk_meter_option(struct wk_meter *meter, int option, const char *value)
{
    if (wk_trust_is_option(option)) {
        return wk_trust_option(&meter->trust, option, value);
    }
    if (wk_suite_is_option(option)) {
        return wk_suite_option(&meter->suite, option, value);
    }
    switch (option) {
    case WK_METER_ROLE:
        return read_role(meter, value);
    case WK_METER_PASSWORD:
        return take_secret("--password", value, set_password(meter, value));
    case WK_METER_EK:
        return take_secret("--ek", value, set_key(&meter->config.keys.ek, value));
    case WK_METER_AK:
        return take_secret("--ak", value, set_key(&meter->config.keys.ak, value));
    case WK_METER_TITLE:
        return take_secret("--title", value, set_title(meter, value));
    case WK_METER_KEYS:
        return read_keys(meter, value);
    case WK_METER_TIMEOUT:
        return read_timeout(meter, value);
    case WK_METER_JSON:
        meter->json = true;
        return true;
    case WK_METER_HELP:
        meter->wants_help = true;
        return true;
    default:
        return false; /* getopt has told */
    }
}

bool wk_meter_address(struct wk_meter *meter, const char *text)
{
    /* an address with its carrier is for port/linux/dlms_carrier to take apart */
    const bool carried = strstr(text, "://") != NULL || strncmp(text, "hdlc:", 5) == 0 ||
                         strncmp(text, "modee:", 6) == 0;
    if (carried && strlen(text) < sizeof meter->host) {
        memcpy(meter->host, text, strlen(text) + 1);
        meter->config.host = meter->host;
        return true;
    }
    const bool bracket = text[0] == '[';
    const char *host = bracket ? text + 1 : text;
    const char *end = bracket ? strchr(host, ']') : strchr(host, ':');
    const char *port = bracket && end != NULL ? end + 1 : end;
    /* More than one colon without brackets: an IPv6 address alone. */
    if (!bracket && end != NULL && strchr(end + 1, ':') != NULL) {
        end = NULL;
        port = NULL;
    }
    const size_t size = end != NULL ? (size_t)(end - host) : strlen(host);
    if (size == 0 || size >= sizeof meter->host || (bracket && end == NULL)) {
        return complain("meter", text, "must be HOST, HOST:PORT or [IPV6]:PORT");
    }
    memcpy(meter->host, host, size);
    meter->host[size] = '\0';
    meter->config.host = meter->host;
    if (port == NULL || *port == '\0') {
        return true;
    }
    int64_t number;
    if (*port != ':' || wk_ini_integer(port + 1, 1, UINT16_MAX, &number) != WK_OK) {
        return complain("meter", text, "the port must be 1 to 65535");
    }
    meter->config.port = (uint16_t)number;
    return true;
}

/* What was said about suites goes before what the role says. */
static bool take_suite(struct wk_meter *meter)
{
    struct wk_suite *suite = &meter->suite;
    struct wk_dlms_client_config *config = &meter->config;
    if (!wk_suite_end(suite)) {
        return false;
    }
    if (suite->client_sap != 0) {
        config->client_sap = suite->client_sap;
    }
    if (suite->is_used) {
        config->protection = &suite->protection;
    }
    return true;
}

static bool has_secrets(const struct wk_meter *meter)
{
    const struct wk_dlms_client_config *config = &meter->config;
    const struct wk_client_config *chosen = config->protection;
    const bool ciphers =
        chosen != NULL ? chosen->ciphered : config->client_sap == WK_DLMS_CLIENT_MANAGEMENT;
    const bool secret = chosen != NULL ? chosen->mechanism == WK_ASSOCIATION_LLS ||
                                             chosen->mechanism == WK_ASSOCIATION_HLS_SHA256
                                       : config->client_sap == WK_DLMS_CLIENT_READER;
    const uint8_t size = chosen != NULL && chosen->suite == 2 ? 32 : 16;
    if (ciphers && (config->keys.ek.size != size || config->keys.ak.size != size)) {
        fprintf(stderr,
                "wk: this association needs --ek and --ak of %u octets, or --keys FILE\n",
                size);
        return false;
    }
    if (secret && config->password == NULL) {
        fprintf(stderr, "wk: this association needs --password, or --keys FILE\n");
        return false;
    }
    return true;
}

bool wk_meter_open(struct wk_meter *meter)
{
    struct wk_dlms_client_config *config = &meter->config;
    config->attempts = ATTEMPTS;
    if (!take_suite(meter) || !has_secrets(meter)) {
        return false;
    }
    if (strncmp(config->host, "tls://", 6) == 0) {
        if (!wk_trust_open(&meter->trust)) {
            return false;
        }
        config->tls = meter->trust.context;
        config->tls_name = wk_trust_text(&meter->trust, WK_TRUST_NAME);
    }
    if (wk_dlms_client_open(&meter->client, config) != WK_OK) {
        fprintf(stderr, "wk: %s\n", wk_dlms_client_error(&meter->client));
        return false;
    }
    return true;
}

bool wk_meter_time(const char *text, struct wk_utc *utc)
{
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    int size = 0;
    const bool date = sscanf(text, "%4u-%2u-%2u%n", &year, &month, &day, &size) == 3;
    if (date && text[size] == 'T') {
        const int before = size;
        if (sscanf(text + before, "T%2u:%2u:%2uZ%n", &hour, &minute, &second, &size) != 3) {
            return false;
        }
        size += before;
    }
    if (!date || text[size] != '\0') {
        return false;
    }
    const struct wk_civil civil = {
        .year = (uint16_t)year,
        .month = (uint8_t)month,
        .day = (uint8_t)day,
        .hour = (uint8_t)hour,
        .minute = (uint8_t)minute,
        .second = (uint8_t)second,
    };
    return wk_civil_to_utc(&wk_zone_utc, &civil, utc) == WK_OK;
}
