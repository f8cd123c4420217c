/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/wk.h"
#include "port/linux/ini.h"
#include "port/linux/optical_reader.h"

#define BAUD_MOST 19200

static const char k_help[] =
    "usage: wk optical DEVICE [OPTIONS]\n"
    "Reads a meter through an optical head by IEC 62056-21, mode C, and prints its readout.\n"
    "  DEVICE          such as /dev/ttyUSB0\n"
    "  --address TEXT  of the meter, if there are several\n"
    "  --baud RATE     the highest one to be taken, 300 to 19200 (19200)\n"
    "  --json          one JSON object instead of a table\n";

struct options {
    struct wk_optical_reader_config reader;
    bool json;
};

/* One set NAME(value*unit) of the readout, taken apart in place. */
struct set {
    const char *name;
    const char *value;
    const char *unit;
};

static bool next_set(char **at, struct set *set)
{
    char *open = strchr(*at, '(');
    char *close = open != NULL ? strchr(open, ')') : NULL;
    if (close == NULL) {
        return false;
    }
    *set = (struct set){.name = *at + strspn(*at, "\r\n"), .value = open + 1, .unit = ""};
    *open = '\0';
    *close = '\0';
    char *star = strchr(open + 1, '*');
    if (star != NULL) {
        *star = '\0';
        set->unit = star + 1;
    }
    *at = close + 1;
    return true;
}

/* As a string of JSON; a readout has printable characters only. */
static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            putchar('\\');
        }
        putchar(*text >= ' ' ? *text : ' ');
    }
    putchar('"');
}

static void print_json(struct wk_optical_readout *readout)
{
    char *at = readout->data;
    struct set set;
    printf("{\"identity\":");
    print_text(readout->identity);
    printf(",\"baud\":%u,\"repeated\":%u,\"values\":[", readout->baud, readout->repeated);
    for (int n = 0; next_set(&at, &set); n++) {
        printf("%s{\"name\":", n > 0 ? "," : "");
        print_text(set.name);
        printf(",\"value\":");
        print_text(set.value);
        printf(",\"unit\":");
        print_text(set.unit);
        putchar('}');
    }
    printf("]}\n");
}

static void print_table(struct wk_optical_readout *readout)
{
    char *at = readout->data;
    struct set set;
    printf("%s, %u baud\n", readout->identity, readout->baud);
    while (next_set(&at, &set)) {
        printf("%-16s %s%s%s\n", set.name, set.value, set.unit[0] != '\0' ? " " : "", set.unit);
    }
}

/* 0, or the status to end with. */
static int take_options(int argc, char **argv, struct options *options)
{
    static const struct option k_long[] = {{"address", required_argument, NULL, 'a'},
                                           {"baud", required_argument, NULL, 'b'},
                                           {"json", no_argument, NULL, 'j'},
                                           {"help", no_argument, NULL, 'h'},
                                           {0}};
    int64_t baud = BAUD_MOST;
    for (int option; (option = getopt_long(argc, argv, "", k_long, NULL)) != -1;) {
        if (option == 'a') {
            options->reader.address = optarg;
        } else if (option == 'b') {
            if (wk_ini_integer(optarg, 300, BAUD_MOST, &baud) != WK_OK) {
                fputs("wk optical: --baud must be a whole number from 300 to 19200\n", stderr);
                return 2;
            }
        } else if (option == 'j') {
            options->json = true;
        } else {
            fputs(k_help, option == 'h' ? stdout : stderr);
            return option == 'h' ? -1 : 2;
        }
    }
    options->reader.baud = (uint32_t)baud;
    if (optind + 1 != argc) {
        fputs("wk optical: give one serial device\n", stderr);
        return 2;
    }
    options->reader.device = argv[optind];
    return 0;
}

int wk_optical_run(int argc, char **argv)
{
    static struct wk_optical_readout readout;
    char error[WK_SERIAL_ERROR] = "";
    struct options options = {.reader = {.address = ""}};
    const int status = take_options(argc, argv, &options);
    if (status != 0) {
        return status < 0 ? 0 : status;
    }
    if (wk_optical_reader_run(&options.reader, &readout, error) != WK_OK) {
        fprintf(stderr, "wk optical: %s\n", error);
        return 1;
    }
    if (options.json) {
        print_json(&readout);
    } else {
        print_table(&readout);
    }
    return 0;
}
