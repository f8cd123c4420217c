/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/reading_registers.h"

#include <string.h>

#include "base/civil.h"
#include "headend/reading.h"

/* What this module adds to the meter's own flags. */
#define DERIVED_FLAGS                                                                          \
    (WK_SLOT_MISSING | WK_SLOT_SPANS | WK_SLOT_BEFORE | WK_SLOT_RESET | WK_SLOT_ESTIMATED |    \
     WK_SLOT_SUSPECT)

int32_t wk_reading_registers_slot(const struct wk_dayblock *block, int64_t end_s)
{
    return (int32_t)((end_s - (int64_t)block->day * WK_DAY_S) / block->period_s) - 1;
}

void wk_reading_registers_of(struct wk_reading_registers *view, const struct wk_dayblock *block)
{
    int64_t run = block->reg_start;
    for (int32_t i = 0; i < block->n; i++) {
        run += block->value[i];
        view->present[i] = (block->flags[i] & (WK_SLOT_MISSING | WK_SLOT_BEFORE)) == 0;
        view->reg[i] = run;
        view->flags[i] = (uint16_t)(block->flags[i] & ~DERIVED_FLAGS);
    }
}

void wk_reading_registers_build(const struct wk_reading_registers *view, int64_t reg_start,
                                bool gap_in, struct wk_dayblock *block)
{
    int64_t run = reg_start;
    bool gap = gap_in;
    block->reg_start = reg_start;
    for (int32_t i = 0; i < block->n; i++) {
        block->value[i] = 0;
        if ((block->flags[i] & WK_SLOT_BEFORE) != 0) {
            continue;
        }
        if (!view->present[i]) {
            block->flags[i] = WK_SLOT_MISSING;
            gap = true;
            continue;
        }
        block->value[i] = view->reg[i] - run;
        block->flags[i] = (uint16_t)(view->flags[i] | (gap ? WK_SLOT_SPANS : 0) |
                                     (view->reg[i] < run ? WK_SLOT_RESET : 0));
        run = view->reg[i];
        gap = false;
    }
    block->reg_end = run;
}

struct fold {
    struct wk_reading_open *open;
    struct wk_dayblock *block;
    struct wk_reading_registers *view;
    int64_t day_start_s;
    bool known; /* a register from before the day */
    int64_t reg;
    int64_t last_s; /* end of the last interval known before the day */
};

static wk_err fold_reading(void *context, const struct wk_archive_reading *row)
{
    struct fold *fold = context;
    if (row->channel != fold->open->channel) {
        return WK_OK;
    }
    if (row->end_s <= fold->day_start_s) {
        fold->known = true;
        fold->reg = row->reg;
        fold->last_s = row->end_s;
        return WK_OK;
    }
    const int32_t slot = wk_reading_registers_slot(fold->block, row->end_s);
    if (row->rev > fold->open->rev_highest) {
        fold->open->rev_highest = row->rev;
    }
    if (row->rev <= fold->open->rev_limit) {
        fold->view->present[slot] = true;
        fold->view->reg[slot] = row->reg;
        fold->view->flags[slot] = row->flags;
    }
    return WK_OK;
}

static wk_err start_from_closed(struct wk_archive *archive, struct fold *fold, int64_t meter,
                                int32_t open_day)
{
    struct wk_dayblock before;
    const wk_err err = archive->block_get(archive->self, meter, fold->open->channel,
                                          open_day - 1, WK_ARCHIVE_RAW, &before);
    if (err == WK_E_NOT_FOUND) {
        return WK_OK;
    }
    WK_TRY(err);
    fold->known = true;
    fold->reg = before.reg_end;
    const bool whole = (before.flags[before.n - 1] & WK_SLOT_MISSING) == 0;
    fold->last_s = (int64_t)open_day * WK_DAY_S - (whole ? 0 : before.period_s);
    return WK_OK;
}

/* Nothing is known before the first reading of all: it is the baseline. */
static wk_err mark_before(struct fold *fold)
{
    int32_t first = 0;
    while (first < fold->block->n && !fold->view->present[first]) {
        fold->block->flags[first++] = WK_SLOT_BEFORE;
    }
    if (first == fold->block->n) {
        return WK_E_NOT_FOUND;
    }
    fold->block->flags[first] = WK_SLOT_BEFORE;
    fold->reg = fold->view->reg[first];
    fold->last_s = fold->day_start_s;
    return WK_OK;
}

wk_err wk_reading_open_view(struct wk_archive *archive, int64_t meter,
                            struct wk_reading_open *open, struct wk_dayblock *block)
{
    struct wk_reading_registers view = {0};
    struct fold fold = {.open = open, .block = block, .view = &view};
    int64_t period_s;
    int32_t open_day;
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_PERIOD, &period_s));
    WK_TRY(wk_reading_next_day(archive, meter, &open_day));
    block->period_s = (int32_t)period_s;
    block->n = (int32_t)(WK_DAY_S / period_s);
    memset(block->flags, 0, sizeof block->flags);
    fold.day_start_s = (int64_t)open->day * WK_DAY_S;
    WK_TRY(start_from_closed(archive, &fold, meter, open_day));
    WK_TRY(archive->reading_each(archive->self, meter, (int64_t)open_day * WK_DAY_S,
                                 fold.day_start_s + WK_DAY_S, fold_reading, &fold));
    if (!fold.known) {
        WK_TRY(mark_before(&fold));
    }
    wk_reading_registers_build(&view, fold.reg, fold.last_s < fold.day_start_s, block);
    return WK_OK;
}

wk_err wk_reading_day(struct wk_archive *archive, int64_t meter, int32_t channel, int32_t day,
                      int32_t rev, struct wk_dayblock *block)
{
    int32_t open_day;
    WK_TRY(wk_reading_next_day(archive, meter, &open_day));
    if (day < open_day) {
        return archive->block_get(archive->self, meter, channel, day, rev, block);
    }
    struct wk_reading_open open = {
        .channel = channel, .day = day, .rev_limit = WK_ARCHIVE_REV_MAX};
    *block = (struct wk_dayblock){.meter = meter, .channel = channel, .day = day};
    return wk_reading_open_view(archive, meter, &open, block);
}

static void mix(uint64_t *digest, int64_t value)
{
    for (int i = 0; i < 8; i++) { /* FNV-1a */
        *digest = (*digest ^ ((uint64_t)value >> (8 * i) & 0xFFU)) * UINT64_C(0x100000001B3);
    }
}

/* Adds the slots of the block that end in (from_s, to_s]. */
static void append(struct wk_reading_series *series, const struct wk_dayblock *block)
{
    int64_t end_s = (int64_t)block->day * WK_DAY_S;
    int64_t run = block->reg_start;
    for (int32_t i = 0; i < block->n; i++) {
        end_s += block->period_s;
        run += block->value[i];
        if (end_s <= series->from_s) {
            series->reg_start = run;
            series->reg_end = run;
        } else if (end_s <= series->to_s) {
            series->value[series->n] = block->value[i];
            series->flags[series->n] = block->flags[i];
            series->n++;
            mix(&series->digest, block->value[i]);
            mix(&series->digest, block->flags[i]);
            series->reg_end = run;
        }
    }
}

wk_err wk_reading_load(struct wk_archive *archive, int64_t meter, int32_t channel, int32_t rev,
                       struct wk_reading_series *series)
{
    int64_t period_s;
    int32_t open_day;
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_PERIOD, &period_s));
    WK_TRY(wk_reading_next_day(archive, meter, &open_day));
    if (series->from_s >= series->to_s || series->from_s < 0 ||
        series->from_s % period_s != 0 || series->to_s % period_s != 0) {
        return WK_E_ARGUMENT;
    }
    if ((series->to_s - series->from_s) / period_s > series->room) {
        return WK_E_FULL;
    }
    series->period_s = (int32_t)period_s;
    series->n = 0;
    series->digest = UINT64_C(0xCBF29CE484222325);
    series->broken = false;
    const int32_t last_day = wk_reading_day_of(series->to_s);
    series->open = last_day >= open_day;
    const int32_t first_day = (int32_t)(series->from_s / WK_DAY_S);
    for (int32_t day = first_day; day <= last_day; day++) {
        struct wk_dayblock block;
        WK_TRY(wk_reading_day(archive, meter, channel, day, rev, &block));
        if (day == first_day) {
            series->reg_start = block.reg_start;
        } else if (block.reg_start != series->reg_end) {
            series->broken = true;
        }
        series->reg_end = block.reg_start;
        append(series, &block);
    }
    return WK_OK;
}
