/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_link.h"

#include <stdio.h>
#include <string.h>

#define PROBE_S      15
#define PROBE_MOST_S 3600
#define TRIAL_MOST_S 86400
#define COST_MOST    100
#define BUDGET_MOST  1000000 /* megabytes */

static wk_err begin(struct wk_config *config, const struct wk_ini_entry *entry, char *reason,
                    size_t room)
{
    struct wk_config_path next = {.probe_s = PROBE_S, .line_modem = {.adapts = true}};
    const char *why = NULL;
    if (config->path_count == WK_LINK_PATHS) {
        why = "there are too many sections [path]";
    }
    for (uint8_t n = 0; n < config->path_count; n++) {
        why = strcmp(config->path[n].name, entry->name) == 0
                  ? "there is a [path] of this name already"
                  : why;
    }
    if (why == NULL && wk_ini_text(entry->name, next.name, sizeof next.name) != WK_OK) {
        why = "[path NAME] needs a name of at most 31 characters";
    }
    if (why != NULL) {
        snprintf(reason, room, "%s", why);
        return WK_E_FORMAT;
    }
    config->path[config->path_count++] = next;
    return WK_OK;
}

static const char *take_to(struct wk_config_path *path, const char *value)
{
    if (wk_ini_text(value, path->to_text, sizeof path->to_text) != WK_OK) {
        return "must have at most 159 characters";
    }
    return wk_link_carrier_parse(value, &path->to);
}

/* True: it is one. */
static bool take_text(struct wk_config_path *path, const struct wk_ini_entry *entry,
                      const char **must)
{
    const struct {
        const char *key;
        char *to;
    } texts[] = {
        {"tls_name", path->tls_name}, {"user", path->user}, {"password", path->password}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(entry->key, texts[i].key) == 0) {
            const wk_err err = wk_ini_text(entry->value, texts[i].to, WK_CONFIG_TEXT);
            *must = err == WK_OK ? NULL : "must be 1 to 63 characters";
            return true;
        }
    }
    return false;
}

/* What a modem for power lines or radio may do. True: it is one of these keys. */
static bool take_line_modem(struct wk_config_path *path, const struct wk_ini_entry *entry,
                            const char **must)
{
    int64_t number = 0;
    if (strcmp(entry->key, "adapt") == 0) {
        path->line_modem.adapts = strcmp(entry->value, "yes") == 0;
        *must = path->line_modem.adapts || strcmp(entry->value, "no") == 0
                    ? NULL
                    : "must be yes or no";
        return true;
    }
    if (strcmp(entry->key, "trial_s") == 0) {
        const wk_err err = wk_ini_integer(entry->value, 1, TRIAL_MOST_S, &number);
        path->line_modem.trial_us = number * 1000000;
        *must = err == WK_OK ? NULL : "must be a whole number from 1 to 86400";
        return true;
    }
    return false;
}

static const char *take_path(struct wk_config_path *path, const struct wk_ini_entry *entry)
{
    int64_t number = 0;
    const char *must = NULL;
    if (wk_config_modem_take(&path->modem, entry, &must) || take_text(path, entry, &must) ||
        take_line_modem(path, entry, &must)) {
        return must;
    }
    if (strcmp(entry->key, "to") == 0) {
        return take_to(path, entry->value);
    }
    if (strcmp(entry->key, "interface") == 0) {
        return wk_ini_text(entry->value, path->interface, sizeof path->interface) == WK_OK
                   ? NULL
                   : "must be the name of a network interface, at most 15 characters";
    }
    if (strcmp(entry->key, "cost") == 0) {
        if (wk_ini_integer(entry->value, 0, COST_MOST, &number) != WK_OK) {
            return "must be a whole number from 0 to 100";
        }
        path->cost = (uint8_t)number;
        return NULL;
    }
    if (strcmp(entry->key, "probe_s") == 0) {
        if (wk_ini_integer(entry->value, 1, PROBE_MOST_S, &number) != WK_OK) {
            return "must be a whole number from 1 to 3600";
        }
        path->probe_s = (uint32_t)number;
        return NULL;
    }
    if (strcmp(entry->key, "budget_mb") == 0) {
        if (wk_ini_integer(entry->value, 0, BUDGET_MOST, &number) != WK_OK) {
            return "must be a whole number from 0 (without limit) to 1000000";
        }
        path->budget = (uint64_t)number * 1000000;
        return NULL;
    }
    if (strcmp(entry->key, "alarms_only") == 0) {
        path->alarms_only = strcmp(entry->value, "yes") == 0;
        return path->alarms_only || strcmp(entry->value, "no") == 0 ? NULL
                                                                    : "must be yes or no";
    }
    return "is no key of [path]";
}

static const char *take_link(struct wk_config *config, const struct wk_ini_entry *entry,
                             const struct wk_config_place *detail)
{
    struct wk_config_trust *trust = &config->link_tls;
    const struct {
        const char *key;
        char *to;
    } files[] = {{"tls_ca", trust->ca},
                 {"tls_certificate", trust->certificate},
                 {"tls_key", trust->key},
                 {"tls_crl", trust->crl}};
    if (strcmp(entry->key, "key") == 0) {
        size_t size = 0;
        const wk_err err = wk_ini_hex(entry->value, config->link_key.octets,
                                      sizeof config->link_key.octets, &size);
        config->link_key.size = (uint8_t)size;
        return err == WK_OK && (size == 16 || size == 32)
                   ? NULL
                   : "must be 32 or 64 hexadecimal digits";
    }
    if (strcmp(entry->key, "talk") == 0) {
        config->link_talk = strcmp(entry->value, "yes") == 0;
        return config->link_talk || strcmp(entry->value, "no") == 0 ? NULL
                                                                    : "must be yes or no";
    }
    if (strcmp(entry->key, "identity") == 0) {
        trust->is_meter = strcmp(entry->value, "meter") == 0;
        return trust->is_meter ? NULL : "must be meter";
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(entry->key, files[i].key) == 0) {
            return wk_config_path(detail, entry->value, files[i].to, WK_CONFIG_PATH) == WK_OK
                       ? NULL
                       : detail->reason;
        }
    }
    return "is no key of [link]";
}

wk_err wk_config_link_take(struct wk_config *config, const struct wk_ini_entry *entry,
                           const struct wk_config_place *place)
{
    char text[WK_INI_WHY / 2];
    const struct wk_config_place detail = {place->folder, text, sizeof text};
    const bool is_path = strcmp(entry->kind, "path") == 0;
    if (entry->key == NULL) {
        return is_path ? begin(config, entry, place->reason, place->room) : WK_OK;
    }
    const char *must = is_path ? take_path(&config->path[config->path_count - 1], entry)
                               : take_link(config, entry, &detail);
    if (must == NULL) {
        return WK_OK;
    }
    snprintf(place->reason, place->room, "'%s' %s", entry->key, must);
    return WK_E_FORMAT;
}

/* What goes over TLS needs to know whom to believe. */
static const char *check_trust(const struct wk_config *config)
{
    const struct wk_config_trust *trust = &config->link_tls;
    const bool names_pair = trust->certificate[0] != '\0' || trust->key[0] != '\0';
    const bool has_pair = trust->is_meter || names_pair;
    if ((trust->certificate[0] != '\0') != (trust->key[0] != '\0')) {
        return "[link] tls_certificate and tls_key belong together";
    }
    if (trust->is_meter && names_pair) {
        return "[link] identity = meter takes no tls_certificate and tls_key";
    }
    if (trust->is_meter && !config->tls_enrol) {
        return "[link] identity = meter needs tls_enrol = yes in [dlms]";
    }
    for (uint8_t n = 0; n < config->path_count; n++) {
        const bool is_tls = strcmp(config->path[n].to.kind->scheme, "tls") == 0;
        if (is_tls && (!has_pair || trust->ca[0] == '\0')) {
            return "[path] to tls:// needs in [link] tls_ca, and identity = meter or "
                   "tls_certificate "
                   "and tls_key";
        }
        if (config->path[n].password[0] != '\0' && config->path[n].user[0] == '\0') {
            return "[path] password needs user";
        }
    }
    return NULL;
}

const char *wk_config_link_check(const struct wk_config *config)
{
    static const uint8_t k_none[sizeof config->system_title];
    for (uint8_t n = 0; n < config->path_count; n++) {
        if (config->path[n].to_text[0] == '\0') {
            return "[path] needs to";
        }
        const char *why =
            wk_config_modem_check(&config->path[n].modem, config->path[n].interface);
        if (why != NULL) {
            return why;
        }
    }
    if (config->path_count > 0 && (config->link_key.size == 0 ||
                                   memcmp(config->system_title, k_none, sizeof k_none) == 0)) {
        return "[path] needs key in [link], and system_title in [dlms]";
    }
    return check_trust(config);
}
