/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include "daemon/config_association.h"
#include "daemon/config_credit.h"
#include "daemon/config_dlms.h"
#include "daemon/config_firmware.h"
#include "daemon/config_gateway.h"
#include "daemon/config_link.h"
#include "daemon/config_mqtt.h"
#include "daemon/config_profile.h"
#include "daemon/config_submeter.h"
#include "daemon/config_tariff.h"
#include "daemon/config_transformer.h"
#include "daemon/config_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S INT64_C(1000000)

struct reading {
    struct wk_config *config;
    char folder[WK_CONFIG_PATH]; /* of the file, with the slash; empty = the present one */
    char *reason;
    size_t room;
};

static wk_err refuse(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static wk_err refuse(const struct reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->reason, reading->room, format, arguments);
    va_end(arguments);
    return WK_E_FORMAT;
}

/* ---- values ------------------------------------------------------------------------------ */

static wk_err take_text(const struct reading *reading, const char *value, char *to, size_t room)
{
    return wk_ini_text(value, to, room) == WK_OK
               ? WK_OK
               : refuse(reading, "must be 1 to %zu characters", room - 1);
}

static wk_err take_path(const struct reading *reading, const char *value, char *to)
{
    const char *folder = value[0] == '/' ? "" : reading->folder;
    const int size = snprintf(to, WK_CONFIG_PATH, "%s%s", folder, value);
    return value[0] != '\0' && size < WK_CONFIG_PATH
               ? WK_OK
               : refuse(reading, "must be a path of at most %d characters", WK_CONFIG_PATH - 1);
}

static wk_err take_integer(const struct reading *reading, const char *value, int64_t min,
                           int64_t max, int64_t *out)
{
    return wk_ini_integer(value, min, max, out) == WK_OK
               ? WK_OK
               : refuse(reading, "must be a whole number from %lld to %lld", (long long)min,
                        (long long)max);
}

static wk_err take_decimal(const struct reading *reading, const char *value, unsigned digits,
                           int64_t max, int64_t *out)
{
    int64_t scaled;
    if (wk_ini_decimal(value, digits, &scaled) != WK_OK || scaled < 0 || scaled > max) {
        return refuse(reading, "must be a number with at most %u decimals", digits);
    }
    *out = scaled;
    return WK_OK;
}

static wk_err take_zone(const struct reading *reading, const char *value, struct wk_zone *zone)
{
    if (strcmp(value, "utc") == 0) {
        *zone = wk_zone_utc;
    } else if (strcmp(value, "central-europe") == 0) {
        *zone = wk_zone_central_europe;
    } else {
        return refuse(reading, "must be utc or central-europe");
    }
    return WK_OK;
}

/* "2026-02-01T23:00:00Z" */
static wk_err take_time(const struct reading *reading, const char *value, int64_t *us)
{
    unsigned year, month, day, hour, minute, second;
    int end = 0;
    struct wk_utc utc;
    if (sscanf(value, "%4u-%2u-%2uT%2u:%2u:%2uZ%n", &year, &month, &day, &hour, &minute,
               &second, &end) != 6 ||
        value[end] != '\0' || end != 20) {
        return refuse(reading, "must be a time such as 2026-02-01T23:00:00Z");
    }
    const struct wk_civil civil = {.year = (uint16_t)year,
                                   .month = (uint8_t)month,
                                   .day = (uint8_t)day,
                                   .hour = (uint8_t)hour,
                                   .minute = (uint8_t)minute,
                                   .second = (uint8_t)second};
    if (wk_civil_to_utc(&wk_zone_utc, &civil, &utc) != WK_OK) {
        return refuse(reading, "is no date between 1970 and 2105");
    }
    *us = utc.s * US_PER_S;
    return WK_OK;
}

/* One of a list of words; *out becomes 1 for the first. */
static wk_err take_word(const struct reading *reading, const char *value, const char *words,
                        int *out)
{
    const char *word = words;
    for (int index = 1; *word != '\0'; index++) {
        const size_t size = strcspn(word, "|");
        if (strlen(value) == size && strncmp(value, word, size) == 0) {
            *out = index;
            return WK_OK;
        }
        word += size + (word[size] == '|');
    }
    return refuse(reading, "must be one of %s", words);
}

/* ---- sections ---------------------------------------------------------------------------- */

static wk_err take_meter(const struct reading *reading, const struct wk_ini_entry *entry)
{
    struct wk_config *config = reading->config;
    int64_t number = 0;
    if (strcmp(entry->key, "serial") == 0) {
        return take_text(reading, entry->value, config->serial, 17);
    }
    if (strcmp(entry->key, "state") == 0) {
        return take_path(reading, entry->value, config->state);
    }
    if (strcmp(entry->key, "zone") == 0) {
        return take_zone(reading, entry->value, &config->zone);
    }
    if (strcmp(entry->key, "phases") == 0) {
        WK_TRY(take_integer(reading, entry->value, 1, 3, &number));
        config->phases = (uint8_t)number;
        return number != 2 ? WK_OK : refuse(reading, "must be 1 or 3");
    }
    if (strcmp(entry->key, "period_s") == 0) {
        WK_TRY(take_integer(reading, entry->value, 60, 3600, &number));
        config->period_s = (uint16_t)number;
        return 3600 % number == 0 ? WK_OK : refuse(reading, "must divide an hour");
    }
    if (strcmp(entry->key, "control_mode") == 0) {
        WK_TRY(take_integer(reading, entry->value, 0, 6, &number));
        config->control_mode = (uint8_t)number;
        return WK_OK;
    }
    if (strcmp(entry->key, "commit_wh") == 0) {
        WK_TRY(take_integer(reading, entry->value, 1, 1000, &number));
        config->commit_uwh = number * 1000000;
        return WK_OK;
    }
    return refuse(reading, "is not a key of [meter]");
}

/* A number of the file, 0 or within its range. */
struct number {
    const char *key;
    uint8_t digits; /* decimals; the value is stored as many powers of ten larger */
    int64_t least;
    int64_t most;
    int32_t *to;
};

static wk_err take_number(const struct reading *reading, const char *value,
                          const struct number *number)
{
    int64_t scaled = 0;
    int64_t unit = 1;
    for (uint8_t i = 0; i < number->digits; i++) {
        unit *= 10;
    }
    if (wk_ini_decimal(value, number->digits, &scaled) != WK_OK ||
        (scaled != 0 && (scaled < number->least || scaled > number->most))) {
        return refuse(reading, "must be 0 or a number from %g to %g",
                      (double)number->least / (double)unit,
                      (double)number->most / (double)unit);
    }
    *number->to = (int32_t)scaled;
    return WK_OK;
}

/* Keys of a live converter. */
static wk_err take_converter(const struct reading *reading, const struct wk_ini_entry *entry,
                             bool *mine)
{
    struct wk_config *config = reading->config;
    *mine = true;
    if (strcmp(entry->key, "uri") == 0) {
        return take_text(reading, entry->value, config->file, WK_CONFIG_PATH);
    }
    if (strcmp(entry->key, "device") == 0) {
        return take_text(reading, entry->value, config->device, WK_CONFIG_TEXT);
    }
    if (strcmp(entry->key, "rate_hz") == 0) {
        return take_decimal(reading, entry->value, 6, INT64_C(50000000000), &config->rate_uhz);
    }
    if (strcmp(entry->key, "range") == 0) {
        return take_integer(reading, entry->value, 1, INT64_MAX / 2, &config->range);
    }
    *mine = false;
    return WK_OK;
}

/* What the registers take and what they do not. */
static wk_err take_limit(const struct reading *reading, const struct wk_ini_entry *entry)
{
    struct wk_config *config = reading->config;
    int64_t number = 0;
    if (strcmp(entry->key, "start_a") == 0) {
        return take_decimal(reading, entry->value, 6, INT32_MAX, &config->start_ua);
    }
    if (strcmp(entry->key, "i_max_a") == 0) {
        return take_decimal(reading, entry->value, 6, INT64_C(100000000000), &config->i_max_ua);
    }
    if (strcmp(entry->key, "u_max_v") == 0) {
        WK_TRY(take_decimal(reading, entry->value, 3, INT32_MAX, &number));
        config->u_max_mv = (int32_t)number;
        return WK_OK;
    }
    if (strcmp(entry->key, "pulses_per_kwh") == 0) {
        WK_TRY(take_integer(reading, entry->value, 0, 10000000, &number));
        config->pulses_per_kwh = (int32_t)number;
        return WK_OK;
    }
    if (strcmp(entry->key, "pulse_led") == 0) {
        return take_path(reading, entry->value, config->pulse_led);
    }
    bool mine = false;
    WK_TRY(take_converter(reading, entry, &mine));
    return mine ? WK_OK : refuse(reading, "is not a key of [frontend]");
}

static wk_err take_frontend(const struct reading *reading, const struct wk_ini_entry *entry)
{
    struct wk_config *config = reading->config;
    const char *value = entry->value;
    int word = 0;
    int64_t number = 0;
    if (strcmp(entry->key, "kind") == 0) {
        WK_TRY(take_word(reading, value, "recording|replay|household|iio", &word));
        config->frontend = (wk_config_frontend)word;
        return WK_OK;
    }
    if (strcmp(entry->key, "file") == 0) {
        return take_path(reading, value, config->file);
    }
    if (strcmp(entry->key, "u") == 0) {
        return take_text(reading, value, config->u_channels, WK_CONFIG_LIST);
    }
    if (strcmp(entry->key, "i") == 0) {
        return take_text(reading, value, config->i_channels, WK_CONFIG_LIST);
    }
    if (strcmp(entry->key, "calibration") == 0) {
        return take_path(reading, value, config->calibration);
    }
    if (strcmp(entry->key, "nominal_v") == 0) {
        WK_TRY(take_decimal(reading, value, 3, INT32_MAX, &number));
        config->nominal_mv = (int32_t)number;
        return WK_OK;
    }
    if (strcmp(entry->key, "nominal_hz") == 0) {
        WK_TRY(take_decimal(reading, value, 6, 70000000, &number));
        config->nominal_uhz = (int32_t)number;
        return WK_OK;
    }
    if (strcmp(entry->key, "start") == 0) {
        return take_time(reading, value, &config->start_us);
    }
    if (strcmp(entry->key, "stop") == 0) {
        return take_time(reading, value, &config->stop_us);
    }
    if (strcmp(entry->key, "pace") == 0) {
        WK_TRY(take_word(reading, value, "realtime|catchup|full-speed", &word));
        config->pace = (wk_config_pace)word;
        return WK_OK;
    }
    if (strcmp(entry->key, "dc") == 0) {
        WK_TRY(take_word(reading, value, "block|keep", &word));
        config->dc_keep = word == 2;
        return WK_OK;
    }
    if (strcmp(entry->key, "summation") == 0) {
        WK_TRY(take_word(reading, value, "vectorial|arithmetic", &word));
        config->arithmetic = word == 2;
        return WK_OK;
    }
    return take_limit(reading, entry);
}

static wk_err take_quality(const struct reading *reading, const struct wk_ini_entry *entry)
{
    struct wk_config_quality *quality = &reading->config->quality;
    const struct number k_numbers[] = {
        {"signal_hz", 3, 100000, 3000000, &quality->signal_mhz},
        {"rapid_change_percent", 4, 10000, 60000, &quality->change_ppm},
        {"transient_percent", 4, 50000, 2000000, &quality->transient_ppm},
        {"capture_before_cycles", 0, 1, 60, &quality->before_cycles},
        {"capture_after_cycles", 0, 1, 300, &quality->after_cycles},
        {"captures", 0, 1, 10000, &quality->captures},
    };
    int word = 0;
    if (strcmp(entry->key, "analyse") == 0) {
        WK_TRY(take_word(reading, entry->value, "yes|no|live", &word));
        quality->analyse = word != 2;
        quality->only_live = word == 3;
        return WK_OK;
    }
    if (strcmp(entry->key, "lamp_v") == 0) {
        WK_TRY(take_word(reading, entry->value, "230|120", &word));
        quality->lamp = (uint8_t)word;
        return WK_OK;
    }
    for (size_t i = 0; i < sizeof k_numbers / sizeof k_numbers[0]; i++) {
        if (strcmp(entry->key, k_numbers[i].key) == 0) {
            return take_number(reading, entry->value, &k_numbers[i]);
        }
    }
    return refuse(reading, "is not a key of [quality]");
}

/* "MM-DD week" */
static wk_err take_season(const struct reading *reading, const char *value)
{
    struct wk_tariff_calendar *calendar = &reading->config->calendar;
    unsigned month, day, week;
    int end = 0;
    if (calendar->season_count == WK_TARIFF_SEASONS) {
        return refuse(reading, "comes more than %d times", WK_TARIFF_SEASONS);
    }
    if (sscanf(value, "%2u-%2u %1u%n", &month, &day, &week, &end) != 3 || value[end] != '\0') {
        return refuse(reading, "must be MM-DD and the number of a week, such as 01-01 0");
    }
    calendar->season[calendar->season_count++] = (struct wk_tariff_season){
        .month = (uint8_t)month, .day = (uint8_t)day, .week = (uint8_t)week};
    return WK_OK;
}

/* seven numbers of days, Monday first */
static wk_err take_week(const struct reading *reading, const char *value)
{
    struct wk_tariff_calendar *calendar = &reading->config->calendar;
    unsigned d[7];
    int end = 0;
    if (calendar->week_count == WK_TARIFF_WEEKS) {
        return refuse(reading, "comes more than %d times", WK_TARIFF_WEEKS);
    }
    if (sscanf(value, "%1u %1u %1u %1u %1u %1u %1u%n", &d[0], &d[1], &d[2], &d[3], &d[4], &d[5],
               &d[6], &end) != 7 ||
        value[end] != '\0') {
        return refuse(reading, "must be seven numbers of days, Monday first");
    }
    for (int i = 0; i < 7; i++) {
        calendar->week_day[calendar->week_count][i] = (uint8_t)d[i];
    }
    calendar->week_count++;
    return WK_OK;
}

/* "+12": outputs 1 and 2. Returns how many characters it is. */
static int take_loads(const char *text, uint8_t *load)
{
    int at = text[0] == '+' ? 1 : 0;
    while (at > 0 && text[at] >= '1' && text[at] <= '4') {
        *load |= (uint8_t)(1U << (text[at] - '1'));
        at++;
    }
    return at;
}

/* "00:00 T2, 06:00 T1, 22:00 T2+1": behind + the load management outputs that are on, as digits */
static wk_err take_day(const struct reading *reading, const char *value)
{
    struct wk_tariff_calendar *calendar = &reading->config->calendar;
    if (calendar->day_count == WK_TARIFF_DAYS) {
        return refuse(reading, "comes more than %d times", WK_TARIFF_DAYS);
    }
    struct wk_tariff_day day = {0};
    const char *at = value;
    while (*at != '\0') {
        unsigned hour, minute, tariff;
        uint8_t load = 0;
        int end = 0;
        const bool read = day.action_count < WK_TARIFF_ACTIONS &&
                          sscanf(at, " %2u:%2u T%1u%n", &hour, &minute, &tariff, &end) == 3 &&
                          hour <= 23 && minute <= 59;
        end += read ? take_loads(at + end, &load) : 0;
        end += (int)strspn(at + end, " ");
        if (!read || (at[end] != ',' && at[end] != '\0')) {
            return refuse(reading,
                          "must be up to %d entries such as 00:00 T2, 06:00 T1, 22:00 T2+1",
                          WK_TARIFF_ACTIONS);
        }
        day.action[day.action_count++] = (struct wk_tariff_action){
            .minute = (uint16_t)(hour * 60 + minute), .tariff = (uint8_t)tariff, .load = load};
        at += end + (at[end] == ',');
    }
    calendar->day[calendar->day_count++] = day;
    return WK_OK;
}

/* "2026-12-25 1" or "*-12-25 1" */
static wk_err take_special(const struct reading *reading, const char *value)
{
    struct wk_config *config = reading->config;
    unsigned year = 0, month, day, table;
    int end = 0;
    const bool every = value[0] == '*';
    if (config->special_count == WK_TARIFF_SPECIAL_DAYS) {
        return refuse(reading, "comes more than %d times", WK_TARIFF_SPECIAL_DAYS);
    }
    const int fields =
        every ? sscanf(value, "*-%2u-%2u %1u%n", &month, &day, &table, &end) + 1
              : sscanf(value, "%4u-%2u-%2u %1u%n", &year, &month, &day, &table, &end);
    if (fields != 4 || value[end] != '\0') {
        return refuse(reading, "must be a date and the number of a day, such as 2026-12-25 1");
    }
    config->special[config->special_count++] =
        (struct wk_tariff_special_day){.year = (uint16_t)year,
                                       .month = (uint8_t)month,
                                       .day_of_month = (uint8_t)day,
                                       .day = (uint8_t)table};
    return WK_OK;
}

static wk_err take_calendar(const struct reading *reading, const struct wk_ini_entry *entry)
{
    if (strcmp(entry->key, "name") == 0) {
        return take_text(reading, entry->value, reading->config->calendar.name,
                         WK_TARIFF_NAME + 1);
    }
    if (strcmp(entry->key, "season") == 0) {
        return take_season(reading, entry->value);
    }
    if (strcmp(entry->key, "week") == 0) {
        return take_week(reading, entry->value);
    }
    if (strcmp(entry->key, "day") == 0) {
        return take_day(reading, entry->value);
    }
    if (strcmp(entry->key, "special") == 0) {
        return take_special(reading, entry->value);
    }
    return refuse(reading, "is not a key of [calendar]");
}

static wk_err take_port(const struct reading *reading, const char *value, uint16_t *port)
{
    int64_t number = 0;
    WK_TRY(take_integer(reading, value, 1, 65535, &number));
    *port = (uint16_t)number;
    return WK_OK;
}

static wk_err take_choice(const struct reading *reading, const char *value, const char *words,
                          bool *second)
{
    int chosen = 0;
    WK_TRY(take_word(reading, value, words, &chosen));
    *second = chosen == 2;
    return WK_OK;
}

static wk_err take_push(const struct reading *reading, const struct wk_ini_entry *entry)
{
    struct wk_config *config = reading->config;
    int64_t number = 0;
    if (strcmp(entry->key, "destination") == 0) {
        return take_text(reading, entry->value, config->push_destination,
                         sizeof config->push_destination);
    }
    if (strcmp(entry->key, "every_s") == 0) {
        WK_TRY(take_integer(reading, entry->value, 0, 86400, &number));
        config->push_every_s = (uint32_t)number;
        return WK_OK;
    }
    if (strcmp(entry->key, "carrier") == 0) {
        static const wk_push_service k_services[] = {WK_PUSH_TCP, WK_PUSH_UDP, WK_PUSH_COAP};
        int chosen = 0;
        WK_TRY(take_word(reading, entry->value, "tcp|udp|coap", &chosen));
        config->push_service = k_services[chosen - 1];
        return WK_OK;
    }
    if (strcmp(entry->key, "protect") == 0) {
        return take_choice(reading, entry->value, "no|yes", &config->push_protect);
    }
    if (strcmp(entry->key, "confirm") == 0) {
        return take_choice(reading, entry->value, "no|yes", &config->push_confirm);
    }
    if (strcmp(entry->key, "compact") == 0) {
        return take_choice(reading, entry->value, "no|yes", &config->push_compact);
    }
    return refuse(reading, "is not a key of [push]");
}

static wk_err take_web(const struct reading *reading, const struct wk_ini_entry *entry)
{
    if (strcmp(entry->key, "host") == 0) {
        return take_text(reading, entry->value, reading->config->web_host, WK_CONFIG_TEXT);
    }
    if (strcmp(entry->key, "port") == 0) {
        return take_port(reading, entry->value, &reading->config->web_port);
    }
    return refuse(reading, "is not a key of [web]");
}

static wk_err take_dlms(const struct reading *reading, const struct wk_ini_entry *entry)
{
    const struct wk_config_place place = {reading->folder, reading->reason, reading->room};
    return wk_config_dlms_take(reading->config, entry, &place);
}

/* Sections whose keys are taken here, or with the folder of the file; why not is told without the
 * name of the key. */
static wk_err take_key(struct reading *reading, const struct wk_ini_entry *entry, bool *known)
{
    static const struct {
        const char *kind;
        wk_err (*take)(const struct reading *reading, const struct wk_ini_entry *entry);
    } k_sections[] = {
        {"meter", take_meter},       {"frontend", take_frontend}, {"quality", take_quality},
        {"calendar", take_calendar}, {"web", take_web},           {"push", take_push},
        {"dlms", take_dlms},
    };
    for (size_t i = 0; i < sizeof k_sections / sizeof k_sections[0]; i++) {
        if (strcmp(k_sections[i].kind, entry->kind) == 0) {
            *known = true;
            return entry->key == NULL ? WK_OK : k_sections[i].take(reading, entry);
        }
    }
    *known = false;
    return WK_OK;
}

/* Sections with files of their own. */
static wk_err take_section(struct reading *reading, const struct wk_ini_entry *entry,
                           char *reason, size_t size)
{
    static const struct {
        const char *kind;
        wk_err (*take)(struct wk_config *config, const struct wk_ini_entry *entry, char *reason,
                       size_t room);
    } k_sections[] = {
        {"firmware", wk_config_firmware_take}, {"transformers", wk_config_transformer_take},
        {"billing", wk_config_tariff_take},    {"credit", wk_config_credit_take},
        {"profile", wk_config_profile_take},   {"submeter", wk_config_submeter_take},
        {"gateway", wk_config_gateway_take},
    };
    const struct wk_config_place place = {reading->folder, reason, size};
    for (size_t i = 0; i < sizeof k_sections / sizeof k_sections[0]; i++) {
        if (strcmp(k_sections[i].kind, entry->kind) == 0) {
            return k_sections[i].take(reading->config, entry, reason, size);
        }
    }
    if (strcmp(entry->kind, "association") == 0) {
        return wk_config_association_take(reading->config, entry, &place);
    }
    if (strcmp(entry->kind, "link") == 0 || strcmp(entry->kind, "path") == 0) {
        return wk_config_link_take(reading->config, entry, &place);
    }
    if (strcmp(entry->kind, "mqtt") == 0) {
        return wk_config_mqtt_take(reading->config, entry, &place);
    }
    if (wk_config_view_has(entry)) {
        return wk_config_view_take(reading->config, entry, &place);
    }
    snprintf(reason, size, "there is no section [%s%s%s]", entry->kind,
             entry->name[0] != '\0' ? " " : "", entry->name);
    return WK_E_FORMAT;
}

static wk_err take(void *context, const struct wk_ini_entry *entry, char *reason, size_t size)
{
    struct reading *reading = context;
    char detail[WK_INI_WHY] = "";
    bool known;
    reading->reason = detail;
    reading->room = sizeof detail;
    const wk_err err = take_key(reading, entry, &known);
    if (!known) {
        return take_section(reading, entry, reason, size);
    }
    if (err != WK_OK) {
        snprintf(reason, size, "'%s' %s", entry->key, detail);
    }
    return err;
}

/* ---- the whole --------------------------------------------------------------------------- */

/* What only the whole file shows. Returns the reason, NULL if all is well. */
static const char *missing(const struct wk_config *config)
{
    static const char *(*const k_checks[])(const struct wk_config *) = {
        wk_config_dlms_check, wk_config_transformer_check, wk_config_view_check,
        wk_config_link_check, wk_config_credit_check,      wk_config_tariff_check,
        wk_config_mqtt_check, wk_config_gateway_check,
    };
    if (config->serial[0] == '\0' || config->state[0] == '\0' || config->phases == 0) {
        return "[meter] needs serial, state and phases";
    }
    if (config->frontend == 0 || config->file[0] == '\0') {
        return "[frontend] needs kind and file, or uri if the kind is iio";
    }
    if (config->frontend == WK_CONFIG_IIO &&
        (config->pace != WK_CONFIG_REALTIME || config->start_us != 0)) {
        return "[frontend] of kind iio is live: it takes neither pace nor start";
    }
    for (uint8_t n = 0; n < config->submeter_count; n++) {
        if (config->submeter[n].uri[0] == '\0' || config->submeter[n].map == 0) {
            return "[submeter] needs uri and map";
        }
    }
    for (size_t i = 0; i < sizeof k_checks / sizeof k_checks[0]; i++) {
        const char *why = k_checks[i](config);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static wk_err check_calendar(const struct wk_config *config, const char *path,
                             char why[WK_INI_WHY])
{
    struct wk_tariff_fault fault = {.part = NULL};
    struct wk_tariff tariff = {.active = config->calendar,
                               .special_count = config->special_count};
    memcpy(tariff.special, config->special, sizeof tariff.special);
    if (config->calendar.season_count == 0 ||
        (wk_tariff_check(&config->calendar, &fault) == WK_OK &&
         wk_tariff_check_special(&tariff, &fault) == WK_OK)) {
        return WK_OK;
    }
    const int at =
        snprintf(why, WK_INI_WHY, "%s: [calendar] %s %u", path, fault.part, fault.number);
    const int room = WK_INI_WHY - at;
    if (room > 0 && fault.detail > 0) {
        snprintf(why + at, (size_t)room, ", entry %u: %s", fault.detail, fault.reason);
    } else if (room > 0) {
        snprintf(why + at, (size_t)room, ": %s", fault.reason);
    }
    return WK_E_FORMAT;
}

wk_err wk_config_read(struct wk_config *config, const char *path, char why[WK_INI_WHY])
{
    struct reading reading = {.config = config};
    memset(config, 0, sizeof *config);
    config->link_talk = true;
    wk_config_credit_init(&config->credit);
    config->zone = wk_zone_utc;
    config->period_s = 900;
    config->control_mode = 4;
    config->pace = WK_CONFIG_REALTIME;
    config->quality = (struct wk_config_quality){
        .analyse = true,
        .lamp = 1,
        .change_ppm = 30000,
        .transient_ppm = 250000,
        .before_cycles = 10,
        .after_cycles = 50,
        .captures = 200,
    };
    strcpy(config->dlms_host, "127.0.0.1");
    config->hdlc_address = 1;
    strcpy(config->tls_curve, "P-256");
    config->tls_renew_percent = 80;
    config->push_protect = true;
    wk_config_firmware_usual(config);
    strcpy(config->web_host, "127.0.0.1");
    strcpy(config->calendar.name, "TOU");
    const char *slash = strrchr(path, '/');
    const size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    if (folder >= sizeof reading.folder) {
        snprintf(why, WK_INI_WHY, "the path of the configuration file is too long");
        return WK_E_FORMAT;
    }
    memcpy(reading.folder, path, folder);
    WK_TRY(wk_ini_read(path, take, &reading, why));
    const char *reason = missing(config);
    if (reason != NULL) {
        snprintf(why, WK_INI_WHY, "%s: %s", path, reason);
        return WK_E_FORMAT;
    }
    char detail[WK_INI_WHY / 2];
    if (wk_config_profile_check(config, detail, sizeof detail) != WK_OK) {
        snprintf(why, WK_INI_WHY, "%s: %s", path, detail);
        return WK_E_FORMAT;
    }
    unsigned line = 0;
    if (wk_config_association_check(config, &line, detail, sizeof detail) != WK_OK) {
        snprintf(why, WK_INI_WHY, "%s:%u: %s", path, line, detail);
        return WK_E_FORMAT;
    }
    return check_calendar(config, path, why);
}
