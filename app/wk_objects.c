/* SPDX-License-Identifier: Apache-2.0
 *
 * wk objects - the objects that an association shows, and what may be done with them. */
#include <stdio.h>

#include "app/wk.h"
#include "app/wk_named.h"
#include "cosem/axdr.h"
#include "port/linux/object_name.h"

#define ACCESS_READ  0x01
#define ACCESS_WRITE 0x02

static struct wk_meter meter;
static bool with_rights;
static bool with_names;
static unsigned count;

static const char k_help[] =
    "usage: wk objects HOST[:PORT] [OPTIONS]\n"
    "Lists the objects that the meter shows to this role: class, version, name.\n"
    "  --rights           with what the role may do: attributes as r, w or rw, methods as x; "
    "a\n"
    "                     number behind it is the protection that is needed, as the standard\n"
    "                     writes it: 4 authenticated, 8 encrypted, 16 signed request; 32, 64,\n"
    "                     128 the same of the response\n"
    "  --names            the same, one a line, with the names of attributes and "
    "methods\n" WK_METER_OPTIONS;

static void print_right(uint16_t class_id, bool method, int64_t id, int64_t mode,
                        const char *before)
{
    const char *name = "";
    const int size = (int)(method ? wk_object_name_method(class_id, (uint8_t)id, &name)
                                  : wk_object_name_attribute(class_id, (uint8_t)id, &name));
    const char *what = method                       ? (mode & 1) != 0 ? "x" : "-"
                       : (mode & 3) == 3            ? "rw"
                       : (mode & ACCESS_READ) != 0  ? "r"
                       : (mode & ACCESS_WRITE) != 0 ? "w"
                                                    : "-";
    const int64_t protection = mode & ~(int64_t)(ACCESS_READ | ACCESS_WRITE);
    if (meter.json) {
        printf("%s{\"id\":%d,\"name\":\"%.*s\",\"access\":\"%s\",\"protection\":%d}", before,
               (int)id, size, name, what, (int)protection);
    } else if (with_names && protection != 0) {
        printf("    %s %d %.*s: %s+%d\n", method ? "method" : "attribute", (int)id, size, name,
               what, (int)protection);
    } else if (with_names) {
        printf("    %s %d %.*s: %s\n", method ? "method" : "attribute", (int)id, size, name,
               what);
    } else if (protection != 0) {
        printf(" %d:%s+%d", (int)id, what, (int)protection);
    } else {
        printf(" %d:%s", (int)id, what);
    }
}

/* attribute_access or method_access: the array of {id, mode, selectors}. */
static wk_err print_access(uint16_t class_id, struct wk_bytes_in *in, bool method)
{
    const uint32_t items = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    if (meter.json) {
        printf(",\"%s\":[", method ? "methods" : "attributes");
    } else if (items > 0 && !with_names) {
        printf("    %-10s", method ? "methods" : "attributes");
    }
    for (uint32_t i = 0; i < items && in->fault == WK_OK; i++) {
        struct wk_axdr_value mode;
        const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
        const int64_t id = wk_axdr_read_integer(in, WK_AXDR_INTEGER);
        wk_axdr_read(in, &mode);
        for (uint32_t member = 2; member < members; member++) {
            wk_axdr_skip(in);
        }
        if (in->fault == WK_OK) {
            print_right(class_id, method, id, mode.integer, i > 0 ? "," : "");
        }
    }
    printf("%s", meter.json ? "]" : items == 0 || with_names ? "" : "\n");
    return in->fault;
}

static wk_err take_object(void *self, const struct wk_named *object)
{
    char obis[WK_OBIS_TEXT];
    const char *name = wk_object_name(object->obis);
    const char *kind = wk_object_name_class(object->class_id);
    struct wk_bytes_in rights = object->rights;
    wk_err err = WK_OK;
    (void)self;
    wk_obis_print(object->obis, obis);
    printf(meter.json ? "%s{\"obis\":\"%s\",\"class\":%u,\"version\":%u,\"class_name\":\"%s\","
                        "\"name\":\"%s\""
                      : "%s%-18s %3u v%u  %-22s %s\n",
           meter.json && count > 0 ? "," : "", obis, object->class_id, object->version,
           kind == NULL ? "" : kind, name == NULL ? "" : name);
    count++;
    if (with_rights) {
        (void)wk_axdr_read_count(&rights, WK_AXDR_STRUCTURE);
        err = print_access(object->class_id, &rights, false);
        err = err == WK_OK ? print_access(object->class_id, &rights, true) : err;
    }
    printf("%s", meter.json ? "}" : "");
    return err;
}

int wk_objects_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"rights", no_argument, NULL, 'r'},
                                              {"names", no_argument, NULL, 'n'},
                                              WK_METER_LONG_OPTIONS,
                                              {0}};
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_READER);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'r' || option == 'n') {
            with_rights = true;
            with_names = with_names || option == 'n';
        } else if (!wk_meter_option(&meter, option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (optind != argc - 1) {
        fputs("wk: which meter? wk objects HOST[:PORT]\n", stderr);
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&meter, argv[optind])) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    printf("%s", meter.json ? "{\"objects\":[" : "");
    const bool good = wk_named_list(&meter, NULL, take_object);
    printf("%s", meter.json ? "]}\n" : "");
    wk_dlms_client_close(&meter.client);
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}
