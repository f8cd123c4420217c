/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_transformer.h"

#include <stdio.h>
#include <string.h>

/* "200/5" */
static wk_err take_ratio(const struct wk_ini_entry *entry, uint16_t *primary,
                         uint16_t *secondary, char *reason, size_t room)
{
    char text[WK_CONFIG_TEXT];
    int64_t up = 0;
    int64_t down = 0;
    const int size = snprintf(text, sizeof text, "%s", entry->value);
    char *slash = strchr(text, '/');
    if (size > 0 && (size_t)size < sizeof text && slash != NULL) {
        *slash = '\0';
        if (wk_ini_integer(text, 1, UINT16_MAX, &up) == WK_OK &&
            wk_ini_integer(slash + 1, 1, UINT16_MAX, &down) == WK_OK) {
            *primary = (uint16_t)up;
            *secondary = (uint16_t)down;
            return WK_OK;
        }
    }
    (void)snprintf(reason, room, "'%s' must be a ratio of whole numbers, such as 200/5",
                   entry->key);
    return WK_E_FORMAT;
}

wk_err wk_config_transformer_take(struct wk_config *config, const struct wk_ini_entry *entry,
                                  char *reason, size_t room)
{
    struct wk_rooms_transformers *of = &config->transformers;
    if (entry->key == NULL) {
        return WK_OK;
    }
    if (strcmp(entry->key, "ct") == 0) {
        return take_ratio(entry, &of->ct_primary, &of->ct_secondary, reason, room);
    }
    if (strcmp(entry->key, "vt") == 0) {
        return take_ratio(entry, &of->vt_primary, &of->vt_secondary, reason, room);
    }
    if (strcmp(entry->key, "values") != 0) {
        (void)snprintf(reason, room, "'%s' is not a key of [transformers]", entry->key);
        return WK_E_FORMAT;
    }
    of->applied = strcmp(entry->value, "network") == 0;
    if (!of->applied && strcmp(entry->value, "terminals") != 0) {
        (void)snprintf(reason, room, "'values' must be terminals or network");
        return WK_E_FORMAT;
    }
    return WK_OK;
}

const char *wk_config_transformer_check(const struct wk_config *config)
{
    const struct wk_rooms_transformers *of = &config->transformers;
    if (!of->applied) {
        return NULL;
    }
    if (of->ct_primary == 0 && of->vt_primary == 0) {
        return "[transformers] has values = network, but neither ct nor vt";
    }
    return config->has_credit
               ? "[credit] counts what the terminals see: [transformers] must have values = "
                 "terminals"
               : NULL;
}
