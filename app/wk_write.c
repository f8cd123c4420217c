/* SPDX-License-Identifier: Apache-2.0
 *
 * wk write, wk call - sets an attribute, calls a method. Neither is ever repeated by itself. */
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_named.h"
#include "app/wk_value.h"

#define VALUE 4096

static struct wk_meter meter;

static const char k_help_write[] =
    "usage: wk write HOST[:PORT] [OPTIONS] OBIS[:ATTRIBUTE] VALUE\n"
    "Sets an attribute (2 if absent).\n" WK_NAMED_VALUES WK_METER_OPTIONS;

static const char k_help_call[] = "usage: wk call HOST[:PORT] [OPTIONS] OBIS[:METHOD] [VALUE]\n"
                                  "Calls a method (1 if absent); without VALUE with integer:0. "
                                  "Prints what it returns.\n" WK_NAMED_VALUES WK_METER_OPTIONS;

/* What a method returned, if anything. */
static void print_done(const uint8_t *value, size_t size)
{
    if (size == 0) {
        printf("%s", meter.json ? "{\"done\":true}\n" : "");
        return;
    }
    printf("%s", meter.json ? "{\"done\":true,\"returned\":" : "");
    wk_value_print(wk_bytes_in_of(value, size));
    printf("%s", meter.json ? "}\n" : "\n");
}

static int act(bool writes, const char *name, const char *text)
{
    static uint8_t value[VALUE];
    static uint8_t returned[VALUE];
    size_t size = 0;
    struct wk_bytes_out out = wk_bytes_out_of(value, sizeof value);
    struct wk_apdu_target target;
    if (!wk_named_value(text, &out)) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    if (!wk_named_find(&meter, name, writes ? 2 : 1, &target)) {
        wk_dlms_client_close(&meter.client);
        return WK_EXIT_FAILED;
    }
    const wk_err err =
        writes ? wk_dlms_client_set(&meter.client, &target, value, out.size)
               : wk_dlms_client_call(&meter.client, &target, wk_bytes_in_of(value, out.size),
                                     returned, sizeof returned, &size);
    if (err != WK_OK) {
        wk_named_complain(&meter, name, err);
    } else {
        print_done(returned, size);
    }
    wk_dlms_client_close(&meter.client);
    return err == WK_OK ? WK_EXIT_OK : WK_EXIT_FAILED;
}

int wk_write_run(int argc, char **argv)
{
    static const struct option k_options[] = {WK_METER_LONG_OPTIONS, {0}};
    const bool writes = strcmp(argv[0], "write") == 0;
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_MANAGEMENT);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!wk_meter_option(&meter, option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        fputs(writes ? k_help_write : k_help_call, stdout);
        return WK_EXIT_OK;
    }
    const int given = argc - optind;
    if (given != 3 && (writes || given != 2)) {
        fprintf(stderr, "wk: wk %s HOST[:PORT] OBIS:%s; \"wk help %s\" tells more\n", argv[0],
                writes ? "ATTRIBUTE VALUE" : "METHOD [VALUE]", argv[0]);
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&meter, argv[optind])) {
        return WK_EXIT_USAGE;
    }
    return act(writes, argv[optind + 1], given == 3 ? argv[optind + 2] : "integer:0");
}
