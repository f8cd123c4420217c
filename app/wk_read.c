/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_meter.h"
#include "app/wk_value.h"
#include "cosem/axdr.h"
#include "port/linux/ini.h"

#define OBJECTS              512 /* most objects of a meter that are looked through */
#define VALUE                65536
#define CLASS_OF_ASSOCIATION 15
#define CLASS_REGISTER       3

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

struct object {
    uint16_t class_id;
    uint8_t obis[WK_OBIS_SIZE];
};

static struct wk_meter meter;
static struct object objects[OBJECTS];
static size_t object_count;
static size_t printed;

static const char k_help[] =
    "usage: wk read HOST[:PORT] [OPTIONS] [OBIS[:ATTRIBUTE]]...\n"
    "Reads values of a meter. Without OBIS: clock, names, energies and instantaneous values.\n"
    "ATTRIBUTE is a number, 2 (the value) if absent.\n" WK_METER_OPTIONS;

/* ---- printing ---------------------------------------------------------------------------- */

static void print_head(const struct wk_apdu_target *target, const char *name)
{
    char text[WK_OBIS_TEXT];
    wk_obis_print(target->obis, text);
    if (meter.json) {
        printf("%s{\"obis\":\"%s\",\"attribute\":%u,\"value\":", printed > 0 ? "," : "", text,
               target->id);
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

/* Class and name of one element of the meter's object list. */
static wk_err take_object(void *self, uint32_t index, struct wk_bytes_in element)
{
    struct object object;
    (void)self;
    (void)index;
    (void)wk_axdr_read_count(&element, WK_AXDR_STRUCTURE);
    object.class_id = (uint16_t)wk_axdr_read_integer(&element, WK_AXDR_LONG_UNSIGNED);
    (void)wk_axdr_read_integer(&element, WK_AXDR_UNSIGNED);
    wk_axdr_read_exact(&element, object.obis, sizeof object.obis);
    WK_TRY(element.fault);
    if (object_count < OBJECTS) {
        objects[object_count++] = object;
    }
    return WK_OK;
}

static bool read_object_list(void)
{
    struct wk_apdu_target target = {
        .class_id = CLASS_OF_ASSOCIATION,
        .obis = {0, 0, 40, 0, 0, 255},
        .id = 2,
    };
    if (wk_dlms_client_get_rows(&meter.client, &target, NULL, take_object) != WK_OK) {
        fprintf(stderr, "wk: object list: %s\n", wk_dlms_client_error(&meter.client));
        return false;
    }
    return true;
}

/* "OBIS" or "OBIS:ATTRIBUTE"; the last colon counts, as "1-0:1.8.0" has one, too. */
static bool parse_name(const char *text, struct wk_apdu_target *target)
{
    char obis[WK_OBIS_TEXT + 8];
    int64_t attribute = 2;
    const size_t size = strlen(text);
    const char *colon = strrchr(text, ':');
    target->id = 2;
    if (size < sizeof obis && wk_obis_parse(text, target->obis) == WK_OK) {
        return true;
    }
    if (colon == NULL || (size_t)(colon - text) >= sizeof obis ||
        wk_ini_integer(colon + 1, 1, 127, &attribute) != WK_OK) {
        return false;
    }
    memcpy(obis, text, (size_t)(colon - text));
    obis[colon - text] = '\0';
    target->id = (uint8_t)attribute;
    return wk_obis_parse(obis, target->obis) == WK_OK;
}

static int read_named(const char *text)
{
    struct wk_apdu_target target = {0};
    if (!parse_name(text, &target)) {
        fprintf(stderr, "wk: \"%s\" is no OBIS name such as 1.0.1.8.0.255 or 1-0:1.8.0:2\n",
                text);
        return WK_EXIT_USAGE;
    }
    for (size_t i = 0; i < object_count; i++) {
        if (wk_obis_equal(objects[i].obis, target.obis)) {
            target.class_id = objects[i].class_id;
        }
    }
    if (target.class_id == 0) {
        fprintf(stderr, "wk: the meter shows no object %s to this role\n", text);
        return WK_EXIT_FAILED;
    }
    if (read_one(&target, "") != WK_OK) {
        fprintf(stderr, "wk: %s: %s\n", text, wk_dlms_client_error(&meter.client));
        return WK_EXIT_FAILED;
    }
    return WK_EXIT_OK;
}

static int read_all(int count, char **names)
{
    int status = WK_EXIT_OK;
    printf("%s", meter.json ? "{\"values\":[" : "");
    if (count == 0) {
        status = read_usual() ? WK_EXIT_OK : WK_EXIT_FAILED;
    } else if (!read_object_list()) {
        status = WK_EXIT_FAILED;
    } else {
        for (int i = 0; i < count; i++) {
            const int one = read_named(names[i]);
            status = one != WK_EXIT_OK ? one : status;
        }
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
    if (!wk_meter_address(&meter, argv[optind])) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    const int status = read_all(argc - optind - 1, argv + optind + 1);
    wk_dlms_client_close(&meter.client);
    return status;
}
