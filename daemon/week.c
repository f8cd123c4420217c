/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/week.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc.h"

#define MAGIC   UINT32_C(0x574B5751) /* "WKWQ" */
#define VERSION 2

/* The file. All of one machine: it is a working file, not an exchange format. */
struct image {
    uint32_t magic;
    uint32_t version;
    uint32_t size;
    uint32_t crc;   /* of what follows */
    uint64_t saved; /* how often it was saved: the image with more is the newer */
    uint64_t epoch;
    uint64_t seq;
    struct wk_en50160 now;
    struct wk_en50160 last;
};

static uint32_t crc_of(const struct image *image)
{
    const uint8_t *begin = (const uint8_t *)&image->saved;
    const uint8_t *end = (const uint8_t *)(image + 1);
    return wk_crc_32(0, begin, (size_t)(end - begin));
}

static wk_err fail(struct wk_week *week, wk_err err, const char *what)
{
    snprintf(week->why, sizeof week->why, "%s: %s", week->path, what);
    return err;
}

static bool is_good(const struct image *image)
{
    return image->magic == MAGIC && image->version == VERSION && image->size == sizeof *image &&
           image->crc == crc_of(image);
}

/* The newer of the two images; false if none is whole. */
static bool read_image(const char *path, struct image *image, bool *exists)
{
    static struct image other;
    FILE *file = fopen(path, "rb");
    *exists = file != NULL;
    if (file == NULL) {
        return false;
    }
    const bool first = fread(image, sizeof *image, 1, file) == 1 && is_good(image);
    const bool second = fseek(file, sizeof *image, SEEK_SET) == 0 &&
                        fread(&other, sizeof other, 1, file) == 1 && is_good(&other);
    fclose(file);
    if (second && (!first || other.saved > image->saved)) {
        *image = other;
    }
    return first || second;
}

static wk_err set_aside(struct wk_week *week)
{
    char bad[WK_WEEK_PATH + 8];
    snprintf(bad, sizeof bad, "%s.bad", week->path);
    return rename(week->path, bad) == 0 ? WK_OK : WK_E_IO;
}

wk_err wk_week_open(struct wk_week *week, const char *path, int32_t nominal_mv,
                    int32_t nominal_uhz, uint8_t phases)
{
    static struct image image;
    bool exists;
    *week = (struct wk_week){0};
    snprintf(week->path, sizeof week->path, "%s", path);
    wk_en50160_init(&week->now, nominal_mv, nominal_uhz, phases);
    const bool is_fit = read_image(path, &image, &exists) &&
                        image.now.nominal_mv == nominal_mv &&
                        image.now.nominal_uhz == nominal_uhz && image.now.phases == phases;
    if (is_fit) {
        week->saved = image.saved;
        week->epoch = image.epoch;
        week->seq = image.seq;
        week->now = image.now;
        week->last = image.last;
        return WK_OK;
    }
    if (!exists) {
        return WK_OK;
    }
    return set_aside(week) == WK_OK
               ? fail(week, WK_E_CORRUPT, "not whole, or of another meter: kept as .bad")
               : fail(week, WK_E_IO, strerror(errno));
}

void wk_week_take(struct wk_week *week, const struct wk_record *record)
{
    const bool repeated = record->epoch < week->epoch ||
                          (record->epoch == week->epoch && record->seq <= week->seq);
    if (repeated) {
        return;
    }
    week->epoch = record->epoch;
    week->seq = record->seq;
    if (record->kind == WK_RECORD_WINDOW) {
        return;
    }
    if (wk_en50160_is_over(&week->now, record)) {
        week->last = week->now;
        wk_en50160_init(&week->now, week->now.nominal_mv, week->now.nominal_uhz,
                        week->now.phases);
    }
    wk_en50160_take(&week->now, record);
    week->changed = true;
}

/* In turn into the one half of the file and the other: a torn write leaves the older image. No
 * rename, because some file systems then wait for the disk. */
static wk_err write_image(struct wk_week *week, const struct image *image)
{
    const int file = open(week->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail(week, WK_E_IO, strerror(errno));
    }
    const off_t at = image->saved % 2 != 0 ? (off_t)sizeof *image : 0;
    const bool good = pwrite(file, image, sizeof *image, at) == (ssize_t)sizeof *image;
    const int reason = errno;
    close(file);
    return good ? WK_OK : fail(week, WK_E_IO, strerror(reason));
}

wk_err wk_week_save(struct wk_week *week)
{
    static struct image image;
    if (!week->changed) {
        return WK_OK;
    }
    image = (struct image){
        .magic = MAGIC,
        .version = VERSION,
        .size = sizeof image,
        .saved = week->saved + 1,
        .epoch = week->epoch,
        .seq = week->seq,
        .now = week->now,
        .last = week->last,
    };
    image.crc = crc_of(&image);
    WK_TRY(write_image(week, &image));
    week->saved++;
    week->changed = false;
    return WK_OK;
}
