/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/wk.h"
#include "port/linux/ini.h"
#include "port/linux/modbus_master.h"
#include "port/linux/submeter.h"

static const char k_help[] =
    "usage: wk submeter URI --map MAP [OPTIONS]\n"
    "Reads another meter over Modbus and prints its values.\n"
    "  URI            rtu:/dev/ttyUSB0[,9600[,8N1]][,rs485], rtutcp:HOST:PORT, tcp:HOST[:502]\n"
    "  --map MAP      sunspec (models 201..204, 211..214), sdm630 or sdm120\n"
    "  --unit N       address of the meter, 0..255 (1)\n"
    "  --timeout MS   how long an answer may take, 10..60000 (1000)\n"
    "  --retries N    how often a request is repeated, 0..10 (2)\n"
    "  --watch S      again every S seconds, until interrupted\n"
    "  --json         one JSON object per reading, in the units its keys name\n";

struct options {
    const char *uri;
    const char *map;
    int64_t unit;
    int64_t timeout_ms;
    int64_t retries;
    int64_t watch_s;
    bool json;
};

static bool take_number(const char *name, const char *text, int64_t most, int64_t *to)
{
    const int64_t least = strcmp(name, "timeout") == 0 ? 10
                          : strcmp(name, "watch") == 0 ? 1
                                                       : 0;
    if (wk_ini_integer(text, least, most, to) == WK_OK) {
        return true;
    }
    fprintf(stderr,
            "wk submeter: --%s must be a whole number from %" PRId64 " to %" PRId64 "\n", name,
            least, most);
    return false;
}

/* An integer with so many of its digits behind the point. */
static void print_decimal(int64_t value, unsigned decimals)
{
    const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;
    for (unsigned n = 0; n < decimals; n++) {
        unit *= 10;
    }
    printf("%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", size / unit, (int)decimals,
           size % unit);
}

static void print_json(const struct wk_submeter *submeter, const struct wk_modbus *modbus)
{
    printf("{\"maker\":\"%s\",\"type\":\"%s\",\"serial\":\"%s\",\"model\":%u,\"unit\":%u",
           submeter->maker, submeter->type, submeter->serial, submeter->model, submeter->unit);
    for (int q = 0; q < WK_SUBMETER_QUANTITIES; q++) {
        if ((submeter->have >> q & 1) != 0) {
            printf(",\"%s\":%" PRId64, wk_submeter_names[q].key, submeter->value[q]);
        }
    }
    printf(",\"requests\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"junk\":%" PRIu64 "}\n",
           modbus->asked, modbus->repeated, modbus->junk);
}

static void print_text(const struct wk_submeter *submeter)
{
    if (submeter->maker[0] != '\0') {
        printf("%s %s, serial number %s, SunSpec model %u\n", submeter->maker, submeter->type,
               submeter->serial, submeter->model);
    }
    for (int q = 0; q < WK_SUBMETER_QUANTITIES; q++) {
        const struct wk_submeter_name *name = &wk_submeter_names[q];
        if ((submeter->have >> q & 1) != 0) {
            printf("  %-14.*s ", (int)(strrchr(name->key, '_') - name->key), name->key);
            print_decimal(submeter->value[q], name->decimals);
            printf("%s%s\n", name->unit[0] != '\0' ? " " : "", name->unit);
        }
    }
}

static wk_err bus_read(void *self, const struct wk_modbus_request *request, uint16_t *to)
{
    return wk_modbus_read(self, request, to);
}

static uint8_t bus_exception(void *self)
{
    const struct wk_modbus *modbus = self;
    return modbus->exception;
}

/* Reads once; the status of the command. */
static int read_once(struct wk_submeter *submeter, struct wk_modbus *modbus, bool json)
{
    const struct wk_submeter_bus bus = {
        .self = modbus, .read = bus_read, .exception = bus_exception};
    if (wk_submeter_read(submeter, &bus) != WK_OK) {
        fprintf(stderr, "wk: %s\n", submeter->why[0] != '\0' ? submeter->why : modbus->why);
        return WK_EXIT_FAILED;
    }
    if (json) {
        print_json(submeter, modbus);
    } else {
        print_text(submeter);
    }
    fflush(stdout);
    return WK_EXIT_OK;
}

static int run(const struct options *options)
{
    struct wk_modbus modbus;
    struct wk_submeter submeter;
    wk_submeter_map map;
    const struct wk_modbus_config config = {.uri = options->uri,
                                            .timeout_ms = (uint32_t)options->timeout_ms,
                                            .retries = (uint32_t)options->retries};
    if (wk_submeter_map_of(options->map, &map) != WK_OK) {
        fputs("wk submeter: --map must be sunspec, sdm630 or sdm120\n", stderr);
        return WK_EXIT_USAGE;
    }
    const wk_err err = wk_modbus_open(&modbus, &config);
    if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n", modbus.why);
        return err == WK_E_ARGUMENT ? WK_EXIT_USAGE : WK_EXIT_FAILED;
    }
    wk_submeter_init(&submeter, map, (uint8_t)options->unit);
    int status = read_once(&submeter, &modbus, options->json);
    const struct timespec pause = {.tv_sec = options->watch_s};
    while (options->watch_s > 0 && nanosleep(&pause, NULL) == 0 && !ferror(stdout)) {
        status = read_once(&submeter, &modbus, options->json);
    }
    wk_modbus_close(&modbus);
    return status;
}

int wk_submeter_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"map", required_argument, NULL, 'm'},     {"unit", required_argument, NULL, 'u'},
        {"timeout", required_argument, NULL, 't'}, {"retries", required_argument, NULL, 'r'},
        {"watch", required_argument, NULL, 'w'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    struct options options = {.unit = 1, .timeout_ms = 1000, .retries = 2};
    int option;
    bool good = true;
    optind = 0;
    while (good && (option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        case 'm':
            options.map = optarg;
            break;
        case 'u':
            good = take_number("unit", optarg, 255, &options.unit);
            break;
        case 't':
            good = take_number("timeout", optarg, 60000, &options.timeout_ms);
            break;
        case 'r':
            good = take_number("retries", optarg, 10, &options.retries);
            break;
        case 'w':
            good = take_number("watch", optarg, 86400, &options.watch_s);
            break;
        case 'j':
            options.json = true;
            break;
        default:
            good = false;
            break;
        }
    }
    if (!good) {
        return WK_EXIT_USAGE;
    }
    if (optind != argc - 1 || options.map == NULL) {
        fputs("wk submeter: give a URI and --map; `wk help submeter` explains\n", stderr);
        return WK_EXIT_USAGE;
    }
    options.uri = argv[optind];
    return run(&options);
}
