/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_link.h"

#include <stdio.h>
#include <string.h>

#define PROBE_S      15
#define PROBE_MOST_S 3600
#define COST_MOST    100
#define BUDGET_MOST  1000000 /* megabytes */
#define SCHEME       "udp://"

static wk_err begin(struct wk_config *config, const struct wk_ini_entry *entry, char *reason,
                    size_t room)
{
    struct wk_config_path next = {.probe_s = PROBE_S};
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

/* udp://host:port, a host with colons in brackets. */
static const char *take_to(struct wk_config_path *path, const char *value)
{
    static const char k_must[] = "must be udp://HOST:PORT";
    int64_t port = 0;
    if (strncmp(value, SCHEME, strlen(SCHEME)) != 0) {
        return k_must;
    }
    const char *host = value + strlen(SCHEME);
    const char *colon = strrchr(host, ':');
    const bool bracketed = host[0] == '[' && colon != NULL && colon[-1] == ']';
    if (colon == NULL || colon == host || wk_ini_integer(colon + 1, 1, 65535, &port) != WK_OK) {
        return k_must;
    }
    const size_t size = (size_t)(colon - host) - (bracketed ? 2 : 0);
    if (size == 0 || size >= sizeof path->host) {
        return k_must;
    }
    memcpy(path->host, host + (bracketed ? 1 : 0), size);
    path->host[size] = '\0';
    path->port = (uint16_t)port;
    return NULL;
}

static const char *take_path(struct wk_config_path *path, const struct wk_ini_entry *entry)
{
    int64_t number = 0;
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

wk_err wk_config_link_take(struct wk_config *config, const struct wk_ini_entry *entry,
                           char *reason, size_t room)
{
    const char *must;
    const bool is_path = strcmp(entry->kind, "path") == 0;
    if (entry->key == NULL) {
        return is_path ? begin(config, entry, reason, room) : WK_OK;
    }
    if (is_path) {
        must = take_path(&config->path[config->path_count - 1], entry);
    } else if (strcmp(entry->key, "key") == 0) {
        size_t size = 0;
        const wk_err err = wk_ini_hex(entry->value, config->link_key.octets,
                                      sizeof config->link_key.octets, &size);
        config->link_key.size = (uint8_t)size;
        must = err == WK_OK && (size == 16 || size == 32)
                   ? NULL
                   : "must be 32 or 64 hexadecimal digits";
    } else {
        must = "is no key of [link]";
    }
    if (must == NULL) {
        return WK_OK;
    }
    snprintf(reason, room, "'%s' %s", entry->key, must);
    return WK_E_FORMAT;
}

const char *wk_config_link_check(const struct wk_config *config)
{
    static const uint8_t k_none[sizeof config->system_title];
    for (uint8_t n = 0; n < config->path_count; n++) {
        if (config->path[n].host[0] == '\0') {
            return "[path] needs to";
        }
    }
    if (config->path_count > 0 && (config->link_key.size == 0 ||
                                   memcmp(config->system_title, k_none, sizeof k_none) == 0)) {
        return "[path] needs key in [link], and system_title in [dlms]";
    }
    return NULL;
}
