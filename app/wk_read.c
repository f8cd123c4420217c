/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_named.h"
#include "app/wk_value.h"
#include "cosem/axdr.h"
#include "port/linux/dlms_plan.h"
#include "port/linux/object_name.h"

#define NAMED          256 /* values at once, most */
#define VALUE          1048576
#define CLASS_REGISTER 3
#define NAME           64 /* octets of a name, most */
#define RECONNECTS     3  /* while values are read */

/* What is read when nothing is named; what the meter does not have is passed over. */
static const struct {
    uint16_t class_id;
    const char *obis;
    const char *name;
} k_usual[] = {
    {8, "0.0.1.0.0.255", "clock"},
    {1, "0.0.42.0.0.255", "logical device name"},
    {1, "0.0.96.1.0.255", "serial number"},
    {3, "1.0.1.8.0.255", "active import"},
    {3, "1.0.1.8.1.255", "active import T1"},
    {3, "1.0.1.8.2.255", "active import T2"},
    {3, "1.0.1.8.3.255", "active import T3"},
    {3, "1.0.1.8.4.255", "active import T4"},
    {3, "1.0.2.8.0.255", "active export"},
    {3, "1.0.3.8.0.255", "reactive import"},
    {3, "1.0.4.8.0.255", "reactive export"},
    {3, "1.0.1.7.0.255", "active power import"},
    {3, "1.0.2.7.0.255", "active power export"},
    {3, "1.0.14.7.0.255", "frequency"},
    {3, "1.0.32.7.0.255", "voltage L1"},
    {3, "1.0.52.7.0.255", "voltage L2"},
    {3, "1.0.72.7.0.255", "voltage L3"},
    {3, "1.0.31.7.0.255", "current L1"},
    {3, "1.0.51.7.0.255", "current L2"},
    {3, "1.0.71.7.0.255", "current L3"},
};

static struct wk_meter meter;
static struct wk_dlms_plan_item named[2 * NAMED];
static size_t scaler_of[NAMED]; /* its item; 0: none */
static size_t named_count;
static size_t printed;

static const char k_help[] =
    "usage: wk read HOST[:PORT] [OPTIONS] [OBIS[:ATTRIBUTE]]...\n"
    "Reads values of a meter. Without OBIS: clock, names, energies and instantaneous values.\n"
    "ATTRIBUTE is a number, 2 (the value) if absent. A value is told with the name of its "
    "object, an\n"
    "attribute behind 2 with its own.\n" WK_METER_OPTIONS;

/* ---- printing ---------------------------------------------------------------------------- */

static void print_head(const struct wk_apdu_target *target, const char *name)
{
    char text[WK_OBIS_TEXT];
    wk_obis_print(target->obis, text);
    if (meter.json) {
        printf("%s{\"obis\":\"%s\",\"attribute\":%u,\"name\":\"%s\",\"value\":",
               printed > 0 ? "," : "", text, target->id, name);
    } else {
        printf("%-22s %-16s ", name, text);
    }
    printed++;
}

static void print_register(const struct wk_apdu_target *target, const char *name,
                           const struct wk_dlms_register *value)
{
    char text[WK_VALUE_TEXT];
    const char *unit = wk_value_unit(value->unit);
    wk_value_scaled(value->value, value->scaler, text);
    print_head(target, name);
    printf(meter.json ? "%s,\"unit\":\"%s\"}" : "%s %s\n", text, unit);
}

static void print_value(const struct wk_apdu_target *target, const char *name,
                        struct wk_bytes_in value)
{
    print_head(target, name);
    wk_value_print(value);
    printf(meter.json ? "}" : "\n");
}

/* ---- reading ----------------------------------------------------------------------------- */

static wk_err read_one(const struct wk_apdu_target *target, const char *name)
{
    static uint8_t value[VALUE];
    struct wk_dlms_register result;
    size_t size;
    if (target->class_id == CLASS_REGISTER && target->id == 2) {
        const wk_err err = wk_dlms_client_get_register(&meter.client, target->obis, &result);
        if (err == WK_OK) {
            print_register(target, name, &result);
        }
        if (err != WK_E_FORMAT) { /* else its value is no number: shown as it is */
            return err;
        }
    }
    WK_TRY(wk_dlms_client_get(&meter.client, target, value, sizeof value, &size));
    print_value(target, name, wk_bytes_in_of(value, size));
    return WK_OK;
}

static bool read_usual(void)
{
    for (size_t i = 0; i < sizeof k_usual / sizeof k_usual[0]; i++) {
        struct wk_apdu_target target = {.class_id = k_usual[i].class_id, .id = 2};
        wk_err err = wk_obis_parse(k_usual[i].obis, target.obis);
        if (err == WK_OK) {
            err = read_one(&target, k_usual[i].name);
        }
        if (err != WK_OK && err != WK_E_REFUSED) {
            fprintf(stderr, "wk: %s\n", wk_dlms_client_error(&meter.client));
            return false;
        }
    }
    return true;
}

/* ---- what is named ------------------------------------------------------------------------- */

static void name_of(const struct wk_apdu_target *target, char name[NAME])
{
    const char *text = target->id == 2 ? wk_object_name(target->obis) : NULL;
    size_t size = text != NULL ? strlen(text) : 0;
    if (target->id != 2) {
        size = wk_object_name_attribute(target->class_id, target->id, &text);
    }
    (void)snprintf(name, NAME, "%.*s", (int)size, size > 0 ? text : "");
}

static wk_err take_class(void *self, const struct wk_named *object)
{
    (void)self;
    for (size_t i = 0; i < named_count; i++) {
        if (wk_obis_equal(object->obis, named[i].target.obis)) {
            named[i].target.class_id = object->class_id;
        }
    }
    return WK_OK;
}

static bool parse_names(int count, char **names)
{
    if (count > NAMED) {
        fprintf(stderr, "wk: at most %d values at once\n", NAMED);
        return false;
    }
    named_count = (size_t)count;
    for (size_t i = 0; i < named_count; i++) {
        if (!wk_named_parse(names[i], 2, &named[i].target)) {
            fprintf(stderr, "wk: \"%s\" is no OBIS name such as 1.0.1.8.0.255 or 1-0:1.8.0:2\n",
                    names[i]);
            return false;
        }
    }
    return true;
}

/* Registers get a second item, scaler and unit, behind all values. */
static size_t add_scalers(void)
{
    size_t count = named_count;
    for (size_t i = 0; i < named_count; i++) {
        scaler_of[i] = 0;
        if (named[i].target.class_id == CLASS_REGISTER && named[i].target.id == 2) {
            scaler_of[i] = count;
            named[count] = named[i];
            named[count].target.id = 3;
            count++;
        }
    }
    return count;
}

static bool print_as_register(const struct wk_dlms_plan_item *item,
                              const struct wk_dlms_plan_item *scaler)
{
    struct wk_bytes_in in = scaler->value;
    struct wk_bytes_in number = item->value;
    struct wk_axdr_value value;
    struct wk_dlms_register result;
    wk_axdr_read(&number, &value);
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    result.value = value.integer;
    result.scaler = (int8_t)wk_axdr_read_integer(&in, WK_AXDR_INTEGER);
    result.unit = (uint8_t)wk_axdr_read_integer(&in, WK_AXDR_ENUM);
    if (number.fault != WK_OK || in.fault != WK_OK || !wk_axdr_is_integer(value.tag) ||
        (value.tag == WK_AXDR_LONG64_UNSIGNED && value.integer < 0)) {
        return false;
    }
    char name[NAME];
    name_of(&item->target, name);
    print_register(&item->target, name, &result);
    return true;
}

static int print_named(size_t i, const char *text)
{
    const struct wk_dlms_plan_item *item = &named[i];
    if (item->target.class_id == 0) {
        fprintf(stderr,
                "wk: the meter shows no object %s to this role; \"wk objects\" lists them\n",
                text);
        return WK_EXIT_FAILED;
    }
    if (item->result != WK_APDU_SUCCESS) {
        fprintf(stderr, "wk: %s: the meter refused: %s\n", text,
                wk_apdu_access_text(item->result));
        return WK_EXIT_FAILED;
    }
    if (scaler_of[i] == 0 || !print_as_register(item, &named[scaler_of[i]])) {
        char name[NAME];
        name_of(&item->target, name);
        print_value(&item->target, name, item->value);
    }
    return WK_EXIT_OK;
}

static int read_named(int count, char **names)
{
    static uint8_t room[VALUE];
    int status = WK_EXIT_OK;
    if (!wk_named_list(&meter, NULL, take_class)) {
        return WK_EXIT_FAILED;
    }
    struct wk_dlms_plan plan = {
        .items = named,
        .count = add_scalers(),
        .room = room,
        .size = sizeof room,
        .reconnects = RECONNECTS,
    };
    const wk_err err = wk_dlms_plan_read(&plan, &meter.client);
    if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n",
                err == WK_E_FULL ? "the values are longer than can be held: read fewer at once"
                                 : wk_dlms_client_error(&meter.client));
        return WK_EXIT_FAILED;
    }
    for (int i = 0; i < count; i++) {
        const int one = print_named((size_t)i, names[i]);
        status = one != WK_EXIT_OK ? one : status;
    }
    return status;
}

static int read_all(int count, char **names)
{
    int status;
    printf("%s", meter.json ? "{\"values\":[" : "");
    if (count == 0) {
        status = read_usual() ? WK_EXIT_OK : WK_EXIT_FAILED;
    } else {
        status = read_named(count, names);
    }
    printf("%s", meter.json ? "]}\n" : "");
    return status;
}

int wk_read_run(int argc, char **argv)
{
    static const struct option k_options[] = {WK_METER_LONG_OPTIONS, {0}};
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_READER);
    while ((option = getopt_long(argc, argv, "h", k_options, NULL)) != -1) {
        if (!wk_meter_option(&meter, option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        printf("%s", k_help);
        return WK_EXIT_OK;
    }
    if (optind >= argc) {
        fprintf(stderr, "wk: which meter? wk read HOST[:PORT]\n");
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&meter, argv[optind]) ||
        !parse_names(argc - optind - 1, argv + optind + 1)) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    const int status = read_all(argc - optind - 1, argv + optind + 1);
    wk_dlms_client_close(&meter.client);
    return status;
}
