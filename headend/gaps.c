/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/gaps.h"

#include "base/civil.h"
#include "headend/reading.h"

static wk_err gather(void *context, const struct wk_archive_gap *row)
{
    struct wk_gaps *gaps = context;
    if (gaps->count < WK_GAPS_MAX) {
        gaps->gap[gaps->count++] = *row;
    }
    return WK_OK;
}

wk_err wk_gaps_load(struct wk_archive *archive, int64_t meter, struct wk_gaps *gaps)
{
    gaps->count = 0;
    return archive->gap_each(archive->self, meter, gather, gaps);
}

/* A gap found in a day inherits what is known of the gaps it overlaps. */
static void inherit(const struct wk_gaps *known, struct wk_archive_gap *gap)
{
    for (size_t i = 0; i < known->count; i++) {
        const struct wk_archive_gap *old = &known->gap[i];
        if (old->from_s <= gap->to_s && old->to_s >= gap->from_s) {
            gap->tries = old->tries > gap->tries ? old->tries : gap->tries;
            gap->next_try_s =
                old->next_try_s > gap->next_try_s ? old->next_try_s : gap->next_try_s;
            gap->given_up = gap->given_up || old->given_up;
        }
    }
}

struct scan {
    struct wk_archive *archive;
    int64_t meter;
    int64_t collected_s;
    const struct wk_gaps *known;
    struct wk_gaps *found;
};

static wk_err scan_day(struct scan *scan, int32_t day)
{
    struct wk_dayblock block;
    const wk_err err = wk_reading_day(scan->archive, scan->meter, WK_CHANNEL_IMPORT, day,
                                      WK_ARCHIVE_RAW, &block);
    if (err != WK_OK) {
        return err == WK_E_NOT_FOUND ? WK_OK : err;
    }
    struct wk_archive_gap *gap = NULL;
    for (int32_t i = 0; i < block.n; i++) {
        const int64_t end_s = (int64_t)day * WK_DAY_S + (int64_t)(i + 1) * block.period_s;
        if ((block.flags[i] & WK_SLOT_MISSING) == 0 || end_s > scan->collected_s) {
            gap = NULL;
            continue;
        }
        if (gap == NULL) {
            if (scan->found->count == WK_GAPS_MAX) {
                return WK_OK;
            }
            gap = &scan->found->gap[scan->found->count++];
            *gap = (struct wk_archive_gap){.meter = scan->meter, .from_s = end_s};
        }
        gap->to_s = end_s;
        inherit(scan->known, gap);
    }
    return WK_OK;
}

static wk_err scan_days(struct scan *scan, int32_t open_day)
{
    int32_t day = INT32_MIN;
    for (size_t i = 0; i < scan->known->count; i++) {
        const int32_t of_gap = wk_reading_day_of(scan->known->gap[i].from_s);
        if (of_gap != day && of_gap < open_day) {
            day = of_gap;
            WK_TRY(scan_day(scan, day));
        }
    }
    for (day = open_day; day <= wk_reading_day_of(scan->collected_s); day++) {
        WK_TRY(scan_day(scan, day));
    }
    return WK_OK;
}

static bool same(const struct wk_gaps *a, const struct wk_gaps *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; i < a->count && equal; i++) {
        equal = a->gap[i].from_s == b->gap[i].from_s && a->gap[i].to_s == b->gap[i].to_s;
    }
    return equal;
}

static wk_err replace(struct wk_archive *archive, const struct wk_gaps *old,
                      const struct wk_gaps *fresh)
{
    for (size_t i = 0; i < old->count; i++) {
        WK_TRY(archive->gap_drop(archive->self, old->gap[i].meter, old->gap[i].from_s));
    }
    for (size_t i = 0; i < fresh->count; i++) {
        WK_TRY(archive->gap_put(archive->self, &fresh->gap[i]));
    }
    return archive->commit(archive->self);
}

wk_err wk_gaps_scan(struct wk_archive *archive, int64_t meter, struct wk_gaps *gaps)
{
    static const struct wk_gaps k_none = {0};
    struct wk_gaps known = k_none;
    int32_t open_day;
    struct scan scan = {.archive = archive, .meter = meter, .known = &known, .found = gaps};
    gaps->count = 0;
    WK_TRY(wk_gaps_load(archive, meter, &known));
    WK_TRY(wk_reading_next_day(archive, meter, &open_day));
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_COLLECTED, &scan.collected_s));
    WK_TRY(scan_days(&scan, open_day));
    if (same(&known, gaps)) {
        return WK_OK;
    }
    WK_TRY(archive->begin(archive->self));
    const wk_err err = replace(archive, &known, gaps);
    archive->rollback(archive->self); /* nothing to do after a commit */
    return err;
}

wk_err wk_gaps_tried(struct wk_archive *archive, struct wk_archive_gap *gap, int64_t tries_max,
                     int64_t next_try_s)
{
    gap->tries++;
    gap->next_try_s = next_try_s;
    gap->given_up = gap->tries >= tries_max;
    return archive->gap_put(archive->self, gap);
}
