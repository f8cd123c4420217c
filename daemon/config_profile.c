/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosem/obis.h"
#include "management/objects_capture.h"

#define ATTRIBUTE_MOST 15
#define ANY_PHASES     3 /* the larger table: what this meter has is looked at in the end */

static const char *const k_names[WK_ROOMS_PROFILES] = {
    [WK_ROOMS_PROFILE_1] = "1",
    [WK_ROOMS_PROFILE_2] = "2",
    [WK_ROOMS_PROFILE_3] = "quality",
    [WK_ROOMS_PROFILE_4] = "1.1",
    [WK_ROOMS_PROFILE_5] = "instantaneous",
};

static const struct wk_profile_column k_clock = {8, {0, 0, 1, 0, 0, 255}, 2};

static struct wk_profile_rules *rules_of(struct wk_config *config, const char *name)
{
    for (int i = 0; i < WK_ROOMS_PROFILES; i++) {
        if (strcmp(name, k_names[i]) == 0) {
            return &config->profile[i];
        }
    }
    return NULL;
}

/* "900", "day", "month" */
static const char *take_period(struct wk_profile_rules *rules, const char *value)
{
    int64_t period_s = 0;
    if (strcmp(value, "day") == 0) {
        period_s = WK_PROFILE_DAY_S;
    } else if (strcmp(value, "month") == 0) {
        period_s = WK_PROFILE_MONTH_S;
    } else if (wk_ini_integer(value, WK_PROFILE_PERIOD_MIN_S, WK_PROFILE_PERIOD_MAX_S,
                              &period_s) != WK_OK ||
               WK_PROFILE_PERIOD_MAX_S % period_s != 0) {
        return "must be a divisor of 3600 from 60 to 3600, day or month";
    }
    rules->period_s = (uint32_t)period_s;
    return NULL;
}

/* The class of an object comes from the table of the meter; "1.0.1.6.0.255:5" names an attribute
 * that is not the value. */
static const char *read_column(const char *text, struct wk_profile_column *column)
{
    char obis[WK_OBIS_TEXT + 4];
    struct wk_objects_capture capture;
    const char *colon = strrchr(text, ':');
    const char *dash = strchr(text, '-');
    const bool has = colon != NULL && dash == NULL;
    const size_t size = has ? (size_t)(colon - text) : strlen(text);
    int64_t attribute = 2;
    if (size == 0 || size >= sizeof obis ||
        (has && wk_ini_integer(colon + 1, 1, ATTRIBUTE_MOST, &attribute) != WK_OK)) {
        return "must be names such as 1.0.1.8.0.255 or 1.0.1.6.0.255:5";
    }
    memcpy(obis, text, size);
    obis[size] = '\0';
    if (wk_obis_parse(obis, column->obis) != WK_OK) {
        return "must be names such as 1.0.1.8.0.255 or 1.0.1.6.0.255:5";
    }
    const struct wk_object *object = wk_objects_find(ANY_PHASES, 0, column->obis);
    column->class_id = object != NULL ? object->class_id : 0;
    column->attribute = (uint8_t)attribute;
    return wk_objects_capture_find(ANY_PHASES, column, &capture) == WK_OK
               ? NULL
               : "is nothing that a profile of this meter captures";
}

/* Names separated by commas. The clock comes first by itself. */
static wk_err take_capture(struct wk_profile_rules *rules, const char *value, char *reason,
                           size_t room)
{
    char text[64];
    rules->column[0] = k_clock;
    rules->count = 1;
    while (*value != '\0') {
        const size_t size = strcspn(value, ", ");
        struct wk_profile_column column = {0};
        snprintf(text, sizeof text, "%.*s", (int)(size < sizeof text ? size : sizeof text - 1),
                 value);
        const char *must = read_column(text, &column);
        if (must == NULL && rules->count == WK_PROFILE_COLUMNS) {
            must = "is one column too many";
        }
        if (must != NULL) {
            snprintf(reason, room, "'capture' \"%s\" %s", text, must);
            return WK_E_FORMAT;
        }
        if (!wk_obis_equal(column.obis, k_clock.obis)) {
            rules->column[rules->count++] = column;
        }
        value += size;
        value += strspn(value, ", ");
    }
    return WK_OK;
}

wk_err wk_config_profile_take(struct wk_config *config, const struct wk_ini_entry *entry,
                              char *reason, size_t room)
{
    struct wk_profile_rules *rules = rules_of(config, entry->name);
    if (rules == NULL) {
        snprintf(reason, room,
                 "there is [profile 1], [profile 2], [profile quality], [profile 1.1] and "
                 "[profile instantaneous]");
        return WK_E_FORMAT;
    }
    if (entry->key == NULL) {
        return WK_OK;
    }
    if (strcmp(entry->key, "capture") == 0) {
        return take_capture(rules, entry->value, reason, room);
    }
    const char *must = strcmp(entry->key, "period_s") == 0 ? take_period(rules, entry->value)
                                                           : "is not a key of [profile]";
    if (must != NULL) {
        snprintf(reason, room, "'%s' %s", entry->key, must);
    }
    return must == NULL ? WK_OK : WK_E_FORMAT;
}

wk_err wk_config_profile_check(const struct wk_config *config, char *reason, size_t room)
{
    for (int i = 0; i < WK_ROOMS_PROFILES; i++) {
        struct wk_profile_rules rules = config->profile[i];
        char name[WK_OBIS_TEXT];
        uint8_t at;
        rules.period_s = WK_PROFILE_PERIOD_MAX_S;
        const wk_err err =
            rules.count > 0 ? wk_objects_capture_check(config->phases, &rules, &at) : WK_OK;
        if (err != WK_OK && at < WK_PROFILE_COLUMNS) {
            wk_obis_print(rules.column[at].obis, name);
            snprintf(reason, room, "[profile %s] 'capture' \"%s\" %s", k_names[i], name,
                     err == WK_E_RANGE ? "comes twice" : "is not in a meter of one phase");
        }
        WK_TRY(err);
    }
    return WK_OK;
}
