/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/wk_store.h"
#include "daemon/layout.h"

#define BUDGET_SECTORS 8U
#define BUDGET_COMMITS 20000U

/* ---- reading ----------------------------------------------------------------------------- */

static bool read_file(struct wk_image *image, const char *path)
{
    const size_t size = (size_t)image->sector * image->sectors;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        snprintf(image->why, sizeof image->why, "%s: %s", path, strerror(errno));
        return false;
    }
    image->octets = malloc(size + 1);
    image->copy = malloc(size);
    const bool room = image->octets != NULL && image->copy != NULL;
    const size_t got = room ? fread(image->octets, 1, size + 1, file) : 0;
    fclose(file);
    if (got != size) {
        snprintf(image->why, sizeof image->why,
                 "%s: is not %u sectors of %u octets: give --sector and --layout", path,
                 image->sectors, image->sector);
        return false;
    }
    memcpy(image->copy, image->octets, size);
    return true;
}

bool wk_image_open(struct wk_image *image, const char *path)
{
    image->sectors = wk_layout_sectors(&image->layout);
    if (!read_file(image, path)) {
        return false;
    }
    wk_flash_attach(&image->as_read, image->octets, image->sector, image->sectors, image->unit);
    wk_flash_attach(&image->flash, image->copy, image->sector, image->sectors, image->unit);
    image->mounted =
        wk_store_mount(&image->store, &image->flash.port, &image->layout, &image->report);
    if (image->mounted == WK_E_ARGUMENT) {
        snprintf(image->why, sizeof image->why,
                 "rings need 3 sectors or more, of at least %d octets and whole units",
                 WK_STORE_SECTOR_MIN);
        return false;
    }
    image->store.flash = &image->as_read.port; /* what follows looks at the file as it is */
    return true;
}

void wk_image_close(struct wk_image *image)
{
    free(image->octets);
    free(image->copy);
}

const struct wk_store_ring *wk_image_ring(const struct wk_image *image, uint32_t ring)
{
    if (ring == 0) {
        return &image->store.kv;
    }
    return image->store.log[ring - 1].sectors > 0 ? &image->store.log[ring - 1] : NULL;
}

/* ---- checking ---------------------------------------------------------------------------- */

/* A check under way. */
struct check {
    const struct wk_image *image;
    FILE *to;
    bool cuts;
    uint32_t wrong;
};

__attribute__((format(printf, 3, 4))) static void say(struct check *check, bool wrong,
                                                      const char *format, ...)
{
    check->wrong += wrong ? 1 : 0;
    if (wrong || check->cuts) {
        va_list arguments;
        va_start(arguments, format);
        fputs(wrong ? "wrong: " : "cut:   ", check->to);
        vfprintf(check->to, format, arguments);
        fputc('\n', check->to);
        va_end(arguments);
    }
}

/* What a sector's records told so far. */
struct order {
    bool any;
    bool open; /* key/values: puts that no commit has completed yet */
    uint64_t number;
};

static void check_number(struct check *check, const struct wk_store_walk *walk,
                         const struct wk_store_record_head *head, const struct order *order,
                         uint64_t first)
{
    const bool resumes = (head->flags & WK_STORE_RESUMES) != 0;
    if (walk->ring > 0) {
        const uint64_t wanted = order->any ? order->number + 1 : first;
        if (resumes ? head->number > wanted : head->number != wanted) {
            say(check, true, "offset 0x%08x: entry %" PRIu64 " where %" PRIu64 " is to be",
                walk->found, head->number, wanted);
        }
        return;
    }
    const bool follows =
        order->open ? head->number == order->number : head->number == order->number + 1;
    if (order->any && !follows && !(resumes && head->number > order->number)) {
        say(check, true, "offset 0x%08x: transaction %" PRIu64 " after %" PRIu64 "",
            walk->found, head->number, order->number);
    }
}

static void check_records(struct check *check, const struct wk_store_ring *ring,
                          uint32_t sector, const struct wk_store_sector_head *sector_head)
{
    const struct wk_store *store = &check->image->store;
    struct wk_store_walk walk = wk_store_walk_of(store, ring, sector);
    struct wk_store_record_head head;
    struct order order = {.any = false};
    walk.sequence = sector_head->sequence;
    uint32_t before = walk.at;
    while (wk_store_walk_next(store, &walk, &head) == WK_OK) {
        if (walk.torn) {
            const bool resumes = (head.flags & WK_STORE_RESUMES) != 0;
            say(check, !resumes, "offset 0x%08x: %s", before,
                resumes ? "what a cut left" : "a damaged record");
        }
        check_number(check, &walk, &head, &order, sector_head->first);
        order = (struct order){
            .any = true, .open = (head.flags & WK_STORE_COMMITS) == 0, .number = head.number};
        before = walk.at;
    }
    if (walk.torn) {
        say(check, false, "offset 0x%08x: what a cut left, or a damaged last record", before);
    }
    bool blank = true;
    if (wk_store_is_blank(store, walk.at, walk.end - walk.at, &blank) == WK_OK && !blank) {
        say(check, true, "offset 0x%08x: octets where nothing is written yet", walk.at);
    }
}

/* The sectors from the oldest to the newest, then the one ahead. */
static void check_ring(struct check *check, const struct wk_store_ring *ring)
{
    const struct wk_store *store = &check->image->store;
    struct wk_store_sector_head head;
    for (uint32_t sector = 0; sector < ring->sectors; sector++) {
        const uint32_t at = wk_store_sector_at(store, ring, sector);
        const uint32_t age = (ring->newest + ring->sectors - sector) % ring->sectors;
        const bool used = age < ring->filled;
        bool blank = false;
        const wk_err err = wk_store_read_sector_head(store, ring, sector, &head);
        if (used && (err != WK_OK || head.sequence != ring->sequence - age)) {
            say(check, true, "offset 0x%08x: the head of a sector in use is damaged", at);
        } else if (used) {
            check_records(check, ring, sector, &head);
        } else if (wk_store_is_blank(store, at, check->image->sector, &blank) != WK_OK ||
                   !blank) {
            const bool ahead = age + 1 == ring->sectors || ring->filled == 0;
            say(check, !ahead, "offset 0x%08x: a sector %s is not erased", at,
                ahead ? "ahead" : "out of use");
        }
    }
}

/* Every committed entry, as a reader of the meter sees it. */
static void check_log(struct check *check, uint8_t log)
{
    const struct wk_store *store = &check->image->store;
    static uint8_t entry[WK_STORE_SIZE_MAX];
    uint64_t oldest = 0;
    uint64_t next = 0;
    if (wk_store_log_span(store, log, &oldest, &next) != WK_OK) {
        say(check, true, "log %u: its oldest sector cannot be read", log);
        return;
    }
    struct wk_store_reader reader = {.number = oldest};
    while (reader.number < next) {
        size_t size = 0;
        const wk_err err = wk_store_read(store, log, &reader, entry, sizeof entry, &size);
        if (err != WK_OK) {
            say(check, true, "log %u: entry %" PRIu64 ": %s", log, reader.number,
                wk_err_text(err));
            reader = (struct wk_store_reader){.number = reader.number + 1};
        }
    }
}

static void check_mount(struct check *check)
{
    const struct wk_store_mount_report *report = &check->image->report;
    if (check->image->mounted != WK_OK) {
        say(check, true, "a meter refuses it: %s%s", wk_err_text(check->image->mounted),
            report->would_go_back ? "; newer values are there, but their sector is damaged"
                                  : "");
    }
    if (report->missing_entries > 0) {
        say(check, true, "%" PRIu64 " entries are missing that were committed",
            report->missing_entries);
    }
    if (report->dropped_entries > 0) {
        say(check, false, "%u entries were never committed", report->dropped_entries);
    }
    for (uint8_t key = 0; key < WK_STORE_KEYS; key++) {
        if ((check->image->store.lost >> key & 1U) != 0) {
            say(check, true, "key %u (%s): its newest value is damaged", key,
                wk_layout_key_name(key));
        }
    }
}

uint32_t wk_image_check(const struct wk_image *image, FILE *to, bool cuts)
{
    struct check check = {.image = image, .to = to, .cuts = cuts};
    check_mount(&check);
    const bool is_new = image->report.formatted;
    if (!is_new) {
        check_ring(&check, &image->store.kv);
    }
    for (uint8_t log = 0; log < WK_STORE_LOGS && !is_new; log++) {
        if (image->store.log[log].sectors > 0) {
            check_ring(&check, &image->store.log[log]);
        }
        if (image->store.log[log].sectors > 0 && image->mounted == WK_OK) {
            check_log(&check, log);
        }
    }
    return check.wrong;
}

/* ---- the budget -------------------------------------------------------------------------- */

double wk_image_commits_per_erase(uint32_t sector, uint32_t unit, uint16_t octets,
                                  uint16_t cold)
{
    static uint8_t value[WK_STORE_SIZE_MAX];
    const struct wk_store_layout layout = {.kv_sectors = BUDGET_SECTORS};
    uint8_t *room = malloc((size_t)sector * BUDGET_SECTORS);
    struct wk_flash flash;
    struct wk_store store;
    struct wk_store_mount_report report;
    double per = 0;
    if (room == NULL || octets > sizeof value || cold > sizeof value) {
        free(room);
        return 0;
    }
    wk_flash_init(&flash, room, sector, BUDGET_SECTORS, unit);
    const struct wk_store_put cold_put = {0, value, cold};
    const struct wk_store_put hot_put = {1, value, octets};
    wk_err err = wk_store_mount(&store, &flash.port, &layout, &report);
    if (err == WK_OK && cold > 0) {
        err = wk_store_commit(&store, &cold_put, 1);
    }
    for (uint32_t i = 0; i < BUDGET_COMMITS && err == WK_OK; i++) {
        err = wk_store_commit(&store, &hot_put, 1);
    }
    if (err == WK_OK && store.kv.sequence > 1) {
        per = (double)BUDGET_COMMITS / (store.kv.sequence - 1);
    }
    free(room);
    return per;
}
