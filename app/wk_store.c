/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_store.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/wk.h"
#include "base/civil.h"
#include "daemon/layout.h"
#include "management/event.h"
#include "management/rooms.h"
#include "port/linux/flash_file.h"

#define YEARS       20.0
#define YEAR_H      8766.0
#define TIME_ROOM   32
#define LAYOUT_ROOM 256

static const char k_help[] =
    "usage: wk store check IMAGE [--cuts]\n"
    "       wk store dump IMAGE [--log N [--from N] [--to N]] [--json]\n"
    "       wk store budget [--octets N] [--cold N] [--json]\n\n"
    "check   verifies every sector head and record, their order, the heads of the logs and "
    "what\n"
    "        is erased ahead; exit status 1 if something is wrong. --cuts: tell what cuts "
    "left\n"
    "dump    the rings with their sectors, the keys, the logs; with --log its entries\n"
    "budget  the sectors that 20 years of commits need: a value of --octets (56) changes, "
    "--cold\n"
    "        octets (0) do not; commits per erase are measured on a simulated device\n\n"
    "  --sector N   octets of a sector (image of a meter: 16384; budget: 4096)\n"
    "  --unit N     octets of a program unit (16)\n"
    "  --layout K,N,N...  sectors of the key/value ring and of the logs (those of a meter)\n\n"
    "IMAGE is the file \"store\" in a meter's state directory, or the content of its flash; it "
    "is\n"
    "not changed. docs/on-flash.md describes every bit.\n";

struct options {
    struct wk_image image;
    const char *path;
    bool json;
    bool cuts;
    bool has_log;
    uint32_t log;
    uint32_t from;
    uint32_t to;
    uint32_t octets;
    uint32_t cold;
};

/* ---- dump -------------------------------------------------------------------------------- */

static json_t *dump_sectors(const struct wk_image *image, const struct wk_store_ring *ring)
{
    json_t *list = json_array();
    for (uint32_t sector = 0; sector < ring->sectors; sector++) {
        struct wk_store_sector_head head;
        const uint32_t at = wk_store_sector_at(&image->store, ring, sector);
        bool blank = false;
        const wk_err err = wk_store_read_sector_head(&image->store, ring, sector, &head);
        if (err != WK_OK &&
            wk_store_is_blank(&image->store, at, image->sector, &blank) != WK_OK) {
            blank = false;
        }
        json_t *row = json_pack("{s:I,s:s}", "offset", (json_int_t)at, "state",
                                err == WK_OK ? (sector == ring->newest ? "newest" : "in use")
                                             : (blank ? "erased" : "not erased"));
        if (err == WK_OK) {
            json_object_set_new(row, "sequence", json_integer(head.sequence));
        }
        if (err == WK_OK && ring->id > 0) {
            json_object_set_new(row, "first", json_integer((json_int_t)head.first));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *dump_rings(const struct wk_image *image)
{
    json_t *list = json_array();
    for (uint32_t n = 0; n <= WK_STORE_LOGS; n++) {
        const struct wk_store_ring *ring = wk_image_ring(image, n);
        if (ring == NULL) {
            continue;
        }
        const bool kv = n == 0;
        json_t *row = json_pack("{s:s,s:i,s:i,s:I,s:o}", "name",
                                kv ? "key/values" : wk_layout_log_name((uint8_t)(n - 1)), "log",
                                (int)n - 1, "in_use", (int)ring->filled, "free",
                                (json_int_t)wk_store_room_left(&image->store, ring), "sectors",
                                dump_sectors(image, ring));
        uint64_t oldest;
        uint64_t next;
        if (!kv &&
            wk_store_log_span(&image->store, (uint8_t)(n - 1), &oldest, &next) == WK_OK) {
            json_object_set_new(row, "oldest", json_integer((json_int_t)oldest));
            json_object_set_new(row, "next", json_integer((json_int_t)next));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *dump_keys(const struct wk_image *image)
{
    json_t *list = json_array();
    for (uint8_t key = 0; key < WK_STORE_KEYS; key++) {
        if ((image->store.live >> key & 1U) != 0) {
            json_array_append_new(list, json_pack("{s:i,s:s,s:i,s:I}", "key", (int)key, "name",
                                                  wk_layout_key_name(key), "size",
                                                  (int)image->store.keys[key].size, "offset",
                                                  (json_int_t)image->store.keys[key].at));
        }
    }
    return list;
}

static void describe_event(json_t *row, const struct wk_event *event)
{
    char at[TIME_ROOM] = "";
    struct wk_civil civil;
    if (wk_civil_from_utc(&wk_zone_utc, event->at, &civil) == WK_OK) {
        snprintf(at, sizeof at, "%04u-%02u-%02uT%02u:%02u:%02uZ", civil.year, civil.month,
                 civil.day, civil.hour, civil.minute, civil.second);
    }
    json_object_set_new(row, "at", json_string(at));
    json_object_set_new(row, "code", json_integer(event->code));
    json_object_set_new(row, "text", json_string(wk_event_text(event->code)));
    json_object_set_new(row, "detail", json_integer(event->detail));
    json_object_set_new(row, "value", json_integer(event->value));
    json_object_set_new(row, "more", json_integer(event->more));
}

static json_t *dump_entry(const struct wk_image *image, uint8_t log,
                          struct wk_store_reader *reader)
{
    static uint8_t entry[WK_STORE_SIZE_MAX];
    static char hex[2 * WK_STORE_SIZE_MAX + 1];
    struct wk_store_reader before = *reader;
    struct wk_event event;
    size_t size = 0;
    json_t *row = json_pack("{s:I}", "number", (json_int_t)reader->number);
    const wk_err err = wk_store_read(&image->store, log, reader, entry, sizeof entry, &size);
    if (err != WK_OK) {
        json_object_set_new(row, "error", json_string(wk_err_text(err)));
        *reader = (struct wk_store_reader){.number = before.number + 1};
        return row;
    }
    for (size_t i = 0; i < size; i++) {
        snprintf(hex + 2 * i, 3, "%02x", entry[i]);
    }
    hex[2 * size] = '\0';
    json_object_set_new(row, "octets", json_string(hex));
    if (wk_layout_is_event(log) &&
        wk_event_read(&image->store, log, &before, &event) == WK_OK) {
        describe_event(row, &event);
    }
    return row;
}

static json_t *dump_entries(const struct options *options)
{
    const struct wk_image *image = &options->image;
    const uint8_t log = (uint8_t)options->log;
    json_t *list = json_array();
    uint64_t oldest;
    uint64_t next;
    if (wk_store_log_span(&image->store, log, &oldest, &next) != WK_OK) {
        return list;
    }
    struct wk_store_reader reader = {.number = oldest > options->from ? oldest : options->from};
    while (reader.number < next && reader.number <= options->to) {
        json_array_append_new(list, dump_entry(image, log, &reader));
    }
    return list;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void print_rings(const json_t *rings)
{
    size_t i;
    json_t *ring;
    json_array_foreach(rings, i, ring)
    {
        size_t n;
        json_t *sector;
        const json_t *sectors = json_object_get(ring, "sectors");
        printf("%s: %zu sectors, %" JSON_INTEGER_FORMAT " in use, %" JSON_INTEGER_FORMAT
               " octets free in the newest",
               text_of(ring, "name"), json_array_size(sectors), number_of(ring, "in_use"),
               number_of(ring, "free"));
        if (number_of(ring, "log") >= 0) {
            printf(", log %" JSON_INTEGER_FORMAT ", entries %" JSON_INTEGER_FORMAT
                   " to before %" JSON_INTEGER_FORMAT,
                   number_of(ring, "log"), number_of(ring, "oldest"), number_of(ring, "next"));
        }
        putchar('\n');
        json_array_foreach(sectors, n, sector)
        {
            printf("  0x%08llx  %-10s", (unsigned long long)number_of(sector, "offset"),
                   text_of(sector, "state"));
            if (json_object_get(sector, "sequence") != NULL) {
                printf("  sequence %" JSON_INTEGER_FORMAT, number_of(sector, "sequence"));
            }
            putchar('\n');
        }
    }
}

static void print_keys(const json_t *keys)
{
    size_t i;
    json_t *key;
    puts("keys:");
    json_array_foreach(keys, i, key)
    {
        printf("  %2" JSON_INTEGER_FORMAT "  %5" JSON_INTEGER_FORMAT " octets  %s\n",
               number_of(key, "key"), number_of(key, "size"), text_of(key, "name"));
    }
}

static void print_entries(const json_t *entries)
{
    size_t i;
    json_t *row;
    json_array_foreach(entries, i, row)
    {
        printf("%8" JSON_INTEGER_FORMAT "  ", number_of(row, "number"));
        if (json_object_get(row, "text") != NULL) {
            printf("%s  %s (%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
                   ", %" JSON_INTEGER_FORMAT ")\n",
                   text_of(row, "at"), text_of(row, "text"), number_of(row, "detail"),
                   number_of(row, "value"), number_of(row, "more"));
        } else {
            printf("%s%s\n", text_of(row, "octets"), text_of(row, "error"));
        }
    }
}

static int dump(const struct options *options)
{
    const struct wk_image *image = &options->image;
    if (image->mounted != WK_OK) {
        fprintf(stderr, "wk store: a meter refuses it: %s; \"wk store check\" tells where\n",
                wk_err_text(image->mounted));
        return WK_EXIT_FAILED;
    }
    json_t *all = options->has_log ? json_pack("{s:o}", "entries", dump_entries(options))
                                   : json_pack("{s:o,s:o}", "rings", dump_rings(image), "keys",
                                               dump_keys(image));
    if (options->json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (options->has_log) {
        print_entries(json_object_get(all, "entries"));
    } else {
        print_rings(json_object_get(all, "rings"));
        print_keys(json_object_get(all, "keys"));
    }
    json_decref(all);
    return WK_EXIT_OK;
}

static int check(const struct options *options)
{
    const uint32_t wrong = wk_image_check(&options->image, stdout, options->cuts);
    if (wrong == 0) {
        puts("nothing is wrong");
    }
    return wrong == 0 ? WK_EXIT_OK : WK_EXIT_FAILED;
}

/* ---- budget ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    double per_hour; /* commits */
} k_policies[] = {
    {"every second", 3600},
    {"10 Wh or 60 s, a home of 3.5 MWh a year", 60 + 3.5e6 / YEAR_H / 10},
    {"10 Wh or 60 s, 69 kW all the time", 69000 / 10.0},
};

static int budget(const struct options *options)
{
    const double per =
        wk_image_commits_per_erase(options->image.sector, options->image.unit,
                                   (uint16_t)options->octets, (uint16_t)options->cold);
    if (per <= 0) {
        fputs("wk store: values of this size do not fit into a sector\n", stderr);
        return WK_EXIT_FAILED;
    }
    json_t *rows = json_array();
    if (!options->json) {
        printf("%.1f commits per erase measured (value of %u octets, %u cold, sectors of %u, "
               "units of %u)\n\n",
               per, options->octets, options->cold, options->image.sector, options->image.unit);
        puts("| commits | in 20 years | erases | sectors of 10,000 cycles | of 100,000 |\n"
             "|---|---|---|---|---|");
    }
    for (size_t i = 0; i < sizeof k_policies / sizeof k_policies[0]; i++) {
        const double commits = k_policies[i].per_hour * YEAR_H * YEARS;
        const double erases = commits / per;
        const double fewest = fmax(WK_STORE_RING_MIN, ceil(erases / 1e4));
        const double fewest_100k = fmax(WK_STORE_RING_MIN, ceil(erases / 1e5));
        if (!options->json) {
            printf("| %s | %.3g | %.3g | %.0f (%.3g MiB) | %.0f (%.3g MiB) |\n",
                   k_policies[i].name, commits, erases, fewest,
                   fewest * options->image.sector / 1048576, fewest_100k,
                   fewest_100k * options->image.sector / 1048576);
        }
        json_array_append_new(rows,
                              json_pack("{s:s,s:f,s:f,s:f,s:f}", "policy", k_policies[i].name,
                                        "commits", commits, "erases", erases, "sectors_10k",
                                        fewest, "sectors_100k", fewest_100k));
    }
    if (options->json) {
        json_t *all = json_pack("{s:f,s:O}", "commits_per_erase", per, "policies", rows);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    }
    json_decref(rows);
    return WK_EXIT_OK;
}

/* ---- arguments --------------------------------------------------------------------------- */

static bool take_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 0);
    if (end == text || *end != '\0' || text[0] == '-' || value < least || value > most) {
        fprintf(stderr, "wk store: \"%s\" is not a number from %u to %u\n", text, least, most);
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

static bool take_layout(const char *text, struct wk_store_layout *layout)
{
    char copy[LAYOUT_ROOM];
    char *rest = copy;
    uint32_t count = 0;
    uint32_t total = 0;
    snprintf(copy, sizeof copy, "%s", text);
    *layout = (struct wk_store_layout){0};
    for (char *part = strtok_r(copy, ",", &rest); part != NULL;
         part = strtok_r(NULL, ",", &rest)) {
        uint32_t sectors;
        if (count > WK_STORE_LOGS || !take_number(part, 0, UINT16_MAX - total, &sectors)) {
            fprintf(stderr, "wk store: --layout has %d numbers at most, 65535 together\n",
                    WK_STORE_LOGS + 1);
            return false;
        }
        total += sectors;
        *(count == 0 ? &layout->kv_sectors : &layout->log_sectors[count - 1]) =
            (uint16_t)sectors;
        count++;
    }
    return count > 0;
}

enum {
    OPTION_LOG = 256,
    OPTION_FROM,
    OPTION_TO,
    OPTION_SECTOR,
    OPTION_UNIT,
    OPTION_LAYOUT,
    OPTION_OCTETS,
    OPTION_COLD,
    OPTION_JSON,
    OPTION_CUTS
};

static bool take_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_LOG:
        options->has_log = true;
        return take_number(value, 0, WK_STORE_LOGS - 1, &options->log);
    case OPTION_FROM:
        return take_number(value, 0, UINT32_MAX, &options->from);
    case OPTION_TO:
        return take_number(value, 0, UINT32_MAX, &options->to);
    case OPTION_SECTOR:
        return take_number(value, WK_STORE_SECTOR_MIN, 1U << 20, &options->image.sector);
    case OPTION_UNIT:
        return take_number(value, 1, WK_STORE_UNIT_MAX, &options->image.unit);
    case OPTION_LAYOUT:
        return take_layout(value, &options->image.layout);
    case OPTION_OCTETS:
        return take_number(value, 0, WK_STORE_SIZE_MAX, &options->octets);
    case OPTION_COLD:
        return take_number(value, 0, WK_STORE_SIZE_MAX, &options->cold);
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_CUTS:
        options->cuts = true;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct options *options)
{
    static const struct option k_options[] = {
        {"log", required_argument, NULL, OPTION_LOG},
        {"from", required_argument, NULL, OPTION_FROM},
        {"to", required_argument, NULL, OPTION_TO},
        {"sector", required_argument, NULL, OPTION_SECTOR},
        {"unit", required_argument, NULL, OPTION_UNIT},
        {"layout", required_argument, NULL, OPTION_LAYOUT},
        {"octets", required_argument, NULL, OPTION_OCTETS},
        {"cold", required_argument, NULL, OPTION_COLD},
        {"json", no_argument, NULL, OPTION_JSON},
        {"cuts", no_argument, NULL, OPTION_CUTS},
        {NULL, 0, NULL, 0},
    };
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!take_option(options, option, optarg)) {
            return false;
        }
    }
    options->path = optind < argc ? argv[optind] : NULL;
    return optind + 1 >= argc;
}

static int run_image(struct options *options, bool dumps)
{
    int status = WK_EXIT_FAILED;
    if (wk_image_open(&options->image, options->path)) {
        status = dumps ? dump(options) : check(options);
    } else {
        fprintf(stderr, "wk store: %s\n", options->image.why);
    }
    wk_image_close(&options->image);
    return status;
}

int wk_store_run(int argc, char **argv)
{
    static struct options options;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    const bool dumps = argc >= 2 && strcmp(argv[1], "dump") == 0;
    const bool budgets = argc >= 2 && strcmp(argv[1], "budget") == 0;
    const bool checks = argc >= 2 && strcmp(argv[1], "check") == 0;
    options = (struct options){.to = UINT32_MAX, .octets = 56};
    options.image.layout = wk_layout_meter();
    options.image.sector = budgets ? 4096 : WK_FLASH_FILE_SECTOR;
    options.image.unit = WK_FLASH_FILE_UNIT;
    if ((!dumps && !budgets && !checks) || !parse(argc - 1, argv + 1, &options) ||
        budgets == (options.path != NULL)) {
        fputs(k_help, stderr);
        return WK_EXIT_USAGE;
    }
    if (options.image.sector % options.image.unit != 0) {
        fputs("wk store: --sector is not a multiple of --unit\n", stderr);
        return WK_EXIT_USAGE;
    }
    return budgets ? budget(&options) : run_image(&options, dumps);
}
