/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_submeter.h"

#include <stdio.h>
#include <string.h>

#include "port/linux/modbus_master.h"

#define PERIOD_S      10
#define PERIOD_MOST_S 86400
#define UNIT_MOST     255

static wk_err begin(struct wk_config *config, const struct wk_ini_entry *entry, char *reason,
                    size_t room)
{
    const char *why = NULL;
    if (config->submeter_count == WK_CONFIG_SUBMETERS) {
        why = "there are too many sections [submeter]";
    }
    for (uint8_t n = 0; n < config->submeter_count; n++) {
        why = strcmp(config->submeter[n].name, entry->name) == 0
                  ? "there is a [submeter] of this name already"
                  : why;
    }
    struct wk_config_submeter next = {.unit = 1, .period_s = PERIOD_S};
    if (why == NULL && wk_ini_text(entry->name, next.name, sizeof next.name) != WK_OK) {
        why = "[submeter NAME] needs a name of at most 31 characters";
    }
    if (why != NULL) {
        snprintf(reason, room, "%s", why);
        return WK_E_FORMAT;
    }
    config->submeter[config->submeter_count++] = next;
    return WK_OK;
}

wk_err wk_config_submeter_take(struct wk_config *config, const struct wk_ini_entry *entry,
                               char *reason, size_t room)
{
    if (entry->key == NULL) {
        return begin(config, entry, reason, room);
    }
    struct wk_config_submeter *submeter = &config->submeter[config->submeter_count - 1];
    char why[WK_MODBUS_WHY];
    const char *must = NULL;
    int64_t number = 0;
    if (strcmp(entry->key, "uri") == 0) {
        must = wk_ini_text(entry->value, submeter->uri, sizeof submeter->uri) != WK_OK
                   ? "must be 1 to 127 characters"
               : wk_modbus_check_uri(submeter->uri, why) != WK_OK ? why
                                                                  : NULL;
    } else if (strcmp(entry->key, "map") == 0) {
        must = wk_submeter_map_of(entry->value, &submeter->map) != WK_OK
                   ? "must be sunspec, sdm630 or sdm120"
                   : NULL;
    } else if (strcmp(entry->key, "unit") == 0) {
        must = wk_ini_integer(entry->value, 0, UNIT_MOST, &number) != WK_OK
                   ? "must be a whole number from 0 to 255"
                   : NULL;
        submeter->unit = (uint8_t)number;
    } else if (strcmp(entry->key, "period_s") == 0) {
        must = wk_ini_integer(entry->value, 1, PERIOD_MOST_S, &number) != WK_OK
                   ? "must be a whole number from 1 to 86400"
                   : NULL;
        submeter->period_s = (uint32_t)number;
    } else {
        must = "is not a key of [submeter]";
    }
    if (must != NULL) {
        snprintf(reason, room, "'%s' %s", entry->key, must);
    }
    return must == NULL ? WK_OK : WK_E_FORMAT;
}
