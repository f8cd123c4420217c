/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/wk.h"
#include "app/wk_meter.h"
#include "app/wk_value.h"
#include "cosem/axdr.h"
#include "cosem/select.h"
#include "port/linux/dlms_plan.h"
#include "port/linux/ini.h"

#define COLUMNS         64
#define CLASS_PROFILE   7
#define CLASS_REGISTER  3
#define CLASS_CLOCK     8
#define RECONNECTS      3    /* while rows are read */
#define PROGRESS        1000 /* rows between two words about it, on a terminal */
#define CAPTURE_OBJECTS 3
#define PERIOD          4
#define ENTRIES_IN_USE  7
#define ENTRIES_MOST    8
#define LAST_ENTRIES    96 /* read when nothing else is asked for: a day of quarter hours */

struct column {
    struct wk_select_column source;
    int8_t scaler;
    uint8_t unit;
    bool scaled;
};

static const struct {
    const char *name;
    uint8_t obis[WK_OBIS_SIZE];
} k_profiles[] = {
    {"load", {1, 0, 99, 1, 0, 255}},     {"day", {1, 0, 99, 2, 0, 255}},
    {"quality", {1, 0, 99, 14, 0, 255}}, {"billing", {0, 0, 98, 1, 0, 255}},
    {"events", {0, 0, 99, 98, 0, 255}},
};

static struct wk_meter meter;
static struct column columns[COLUMNS];
static uint32_t column_count;
static uint8_t profile[WK_OBIS_SIZE] = {1, 0, 99, 1, 0, 255};
static struct wk_utc range[2] = {{0}, {INT64_C(4291747199)}}; /* up to the end of 2105 */
static bool has_range;
static bool lists;
static int64_t last_entries = LAST_ENTRIES;

static const char k_help[] =
    "usage: wk profile HOST[:PORT] [OPTIONS]\n"
    "Reads a profile of a meter, as CSV or JSON; values with scaler and unit applied.\n"
    "  --from TIME, --to TIME  both included; \"2026-11-21\" or \"2026-11-21T05:15:00Z\" "
    "(UTC)\n"
    "  --last N           the newest N entries (default 96)\n"
    "  --profile NAME     load, day, quality, billing, events, or OBIS (load: 1.0.99.1.0.255)\n"
    "  --list             which profiles there are: period, entries, entries there is room "
    "for\n"
    "  --csv              comma-separated values (the default)\n" WK_METER_OPTIONS;

/* ---- options ----------------------------------------------------------------------------- */

static bool take_time(const char *name, const char *text, struct wk_utc *utc)
{
    has_range = true;
    if (wk_meter_time(text, utc)) {
        return true;
    }
    fprintf(stderr, "wk: %s \"%s\": must be like 2026-11-21 or 2026-11-21T05:15:00Z\n", name,
            text);
    return false;
}

static bool take_profile(const char *text)
{
    for (size_t i = 0; i < sizeof k_profiles / sizeof k_profiles[0]; i++) {
        if (strcmp(text, k_profiles[i].name) == 0) {
            memcpy(profile, k_profiles[i].obis, WK_OBIS_SIZE);
            return true;
        }
    }
    if (wk_obis_parse(text, profile) == WK_OK) {
        return true;
    }
    fprintf(stderr,
            "wk: --profile \"%s\": must be load, day, quality, billing, events or like "
            "1.0.99.1.0.255\n",
            text);
    return false;
}

static bool take_option(int option, const char *value)
{
    switch (option) {
    case 'f':
        return take_time("--from", value, &range[0]);
    case 't':
        return take_time("--to", value, &range[1]);
    case 'l':
        if (wk_ini_integer(value, 1, INT32_MAX, &last_entries) != WK_OK) {
            fprintf(stderr, "wk: --last \"%s\": must be a number from 1\n", value);
            return false;
        }
        return true;
    case 'p':
        return take_profile(value);
    case 'L':
        lists = true;
        return true;
    case 'c':
        return true;
    default:
        return wk_meter_option(&meter, option, value);
    }
}

/* ---- columns ----------------------------------------------------------------------------- */

static struct wk_apdu_target target_of(uint8_t attribute)
{
    struct wk_apdu_target target = {.class_id = CLASS_PROFILE, .id = attribute};
    memcpy(target.obis, profile, WK_OBIS_SIZE);
    return target;
}

static wk_err take_column(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    if (index >= COLUMNS) {
        return WK_E_FULL;
    }
    columns[index] = (struct column){0};
    wk_select_read_column(&element, &columns[index].source);
    WK_TRY(wk_bytes_in_end(&element));
    column_count = index + 1;
    return WK_OK;
}

/* Which columns there are, and of registers the scaler and unit. */
static wk_err read_columns(void)
{
    const struct wk_apdu_target target = target_of(CAPTURE_OBJECTS);
    WK_TRY(wk_dlms_client_get_rows(&meter.client, &target, NULL, take_column));
    for (uint32_t i = 0; i < column_count; i++) {
        struct column *column = &columns[i];
        struct wk_dlms_register now;
        if (column->source.class_id != CLASS_REGISTER || column->source.attribute != 2) {
            continue;
        }
        const wk_err err =
            wk_dlms_client_get_register(&meter.client, column->source.obis, &now);
        if (err != WK_OK && err != WK_E_REFUSED) {
            return err;
        }
        column->scaled = err == WK_OK;
        column->scaler = now.scaler;
        column->unit = now.unit;
    }
    return WK_OK;
}

static void print_columns(void)
{
    printf("%s", meter.json ? "{\"columns\":[" : "");
    for (uint32_t i = 0; i < column_count; i++) {
        const struct column *column = &columns[i];
        const char *unit = column->scaled ? wk_value_unit(column->unit) : "";
        char name[WK_OBIS_TEXT];
        wk_obis_print(column->source.obis, name);
        printf("%s", i > 0 ? "," : "");
        if (meter.json) {
            printf("{\"obis\":\"%s\",\"attribute\":%d,\"unit\":\"%s\"}", name,
                   column->source.attribute, unit);
        } else {
            printf("%s%s%s", name, unit[0] != '\0' ? " " : "", unit);
        }
    }
    printf("%s", meter.json ? "],\"rows\":[" : "\n");
}

/* ---- rows -------------------------------------------------------------------------------- */

static wk_err print_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    const uint32_t count = wk_axdr_read_count(&element, WK_AXDR_STRUCTURE);
    if (count != column_count) {
        return WK_E_FORMAT;
    }
    printf("%s", meter.json ? (index > 0 ? ",[" : "[") : "");
    for (uint32_t i = 0; i < count && element.fault == WK_OK; i++) {
        struct wk_bytes_in value = wk_axdr_take(&element);
        struct wk_bytes_in copy = value;
        struct wk_axdr_value read;
        char text[WK_VALUE_TEXT];
        wk_axdr_read(&copy, &read);
        printf("%s", i > 0 ? "," : "");
        if (columns[i].scaled && wk_axdr_is_integer(read.tag)) {
            wk_value_scaled(read.integer, columns[i].scaler, text);
            printf("%s", text);
        } else {
            wk_value_print(value);
        }
    }
    printf("%s", meter.json ? "]" : "\n");
    return wk_bytes_in_end(&element);
}

static wk_err read_count(uint8_t attribute, int64_t *count)
{
    struct wk_apdu_target target = target_of(attribute);
    uint8_t raw[WK_SELECT_SIZE];
    size_t size;
    WK_TRY(wk_dlms_client_get(&meter.client, &target, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    *count = wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    return wk_bytes_in_end(&in);
}

static wk_err read_last(void)
{
    uint8_t raw[WK_SELECT_SIZE];
    int64_t entries = 0;
    WK_TRY(read_count(ENTRIES_IN_USE, &entries));
    const struct wk_select_entry entry = {
        .first = (uint32_t)(entries > last_entries ? entries - last_entries + 1 : 1),
        .column_first = 1,
    };
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_select_put_entry(&out, &entry);
    struct wk_apdu_target target = target_of(2);
    target.selective = true;
    target.selector = WK_SELECT_ENTRY;
    target.parameter = wk_bytes_in_of(raw, out.size);
    return wk_dlms_client_get_rows(&meter.client, &target, NULL, print_row);
}

/* One line for each profile the meter has; it refuses the others. */
static wk_err list_one(size_t index, bool *printed)
{
    static const uint8_t k_attributes[] = {PERIOD, ENTRIES_IN_USE, ENTRIES_MOST};
    int64_t count[sizeof k_attributes];
    char name[WK_OBIS_TEXT];
    memcpy(profile, k_profiles[index].obis, WK_OBIS_SIZE);
    for (size_t i = 0; i < sizeof k_attributes; i++) {
        const wk_err err = read_count(k_attributes[i], &count[i]);
        if (err == WK_E_REFUSED) {
            return WK_OK;
        }
        WK_TRY(err);
    }
    wk_obis_print(profile, name);
    printf(meter.json ? "%s{\"name\":\"%s\",\"obis\":\"%s\",\"period_s\":%" PRId64
                        ",\"entries\":%" PRId64 ",\"capacity\":%" PRId64 "}"
                      : "%s%-8s %-16s %8" PRId64 " %8" PRId64 " %8" PRId64 "\n",
           meter.json && *printed ? "," : "", k_profiles[index].name, name, count[0], count[1],
           count[2]);
    *printed = true;
    return WK_OK;
}

static wk_err list_profiles(void)
{
    bool printed = false;
    if (meter.json) {
        printf("[");
    } else {
        printf("%-8s %-16s %8s %8s %8s\n", "name", "OBIS", "period s", "entries", "capacity");
    }
    for (size_t i = 0; i < sizeof k_profiles / sizeof k_profiles[0]; i++) {
        WK_TRY(list_one(i, &printed));
    }
    printf("%s", meter.json ? "]\n" : "");
    return WK_OK;
}

static wk_err print_next(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    if (index > 0 && index % PROGRESS == 0 && isatty(STDERR_FILENO) != 0) {
        fprintf(stderr, "\rwk: %" PRIu32 " rows", index);
    }
    return print_row(NULL, index, element);
}

static wk_err read_range(void)
{
    struct wk_dlms_range asked = {
        .from = range[0],
        .to = range[1],
        .clock = UINT32_MAX,
        .reconnects = RECONNECTS,
        .row = print_next,
    };
    memcpy(asked.obis, profile, WK_OBIS_SIZE);
    for (uint32_t i = column_count; i > 0; i--) {
        const struct wk_select_column *source = &columns[i - 1].source;
        asked.clock =
            source->class_id == CLASS_CLOCK && source->attribute == 2 ? i - 1 : asked.clock;
    }
    const wk_err err = wk_dlms_range_read(&asked, &meter.client);
    if (asked.rows >= PROGRESS && isatty(STDERR_FILENO) != 0) {
        fprintf(stderr, "\rwk: %" PRIu32 " rows\n", asked.rows);
    }
    if (asked.lost > 0) {
        fprintf(stderr,
                "wk: the connection was lost %" PRIu32 " times; it went on behind the last "
                "row\n",
                asked.lost);
    }
    return err;
}

static wk_err read_profile(void)
{
    WK_TRY(read_columns());
    print_columns();
    WK_TRY(has_range ? read_range() : read_last());
    printf("%s", meter.json ? "]}\n" : "");
    return WK_OK;
}

int wk_profile_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"from", required_argument, NULL, 'f'},
                                              {"to", required_argument, NULL, 't'},
                                              {"last", required_argument, NULL, 'l'},
                                              {"profile", required_argument, NULL, 'p'},
                                              {"list", no_argument, NULL, 'L'},
                                              {"csv", no_argument, NULL, 'c'},
                                              WK_METER_LONG_OPTIONS,
                                              {0}};
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_READER);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!take_option(option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        printf("%s", k_help);
        return WK_EXIT_OK;
    }
    if (optind != argc - 1) {
        fprintf(stderr, "wk: which meter? wk profile HOST[:PORT]\n");
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&meter, argv[optind])) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    const wk_err err = lists ? list_profiles() : read_profile();
    if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n", wk_dlms_client_error(&meter.client));
    }
    wk_dlms_client_close(&meter.client);
    return err == WK_OK ? WK_EXIT_OK : WK_EXIT_FAILED;
}
