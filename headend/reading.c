/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/reading.h"

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "headend/reading_registers.h"

int32_t wk_reading_day_of(int64_t end_s)
{
    return (int32_t)((end_s - 1) / WK_DAY_S);
}

wk_err wk_reading_next_day(struct wk_archive *archive, int64_t meter, int32_t *day)
{
    int64_t mark;
    const wk_err err = archive->mark_get(archive->self, meter, WK_MARK_CLOSED, &mark);
    if (err == WK_OK) {
        *day = (int32_t)mark + 1;
        return WK_OK;
    }
    if (err != WK_E_NOT_FOUND) {
        return err;
    }
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_BASELINE, &mark));
    *day = wk_reading_day_of(mark);
    return WK_OK;
}

/* ---- accepting -------------------------------------------------------------------------- */

struct accept {
    struct wk_archive *archive;
    int64_t meter;
    int32_t period_s;
    int64_t now_s;
    int64_t baseline_s; /* -1: none yet */
    int64_t collected_s;
    int32_t open_day; /* first day that is not closed */
    bool *touched;    /* set when a revision of a closed day was written */
    struct wk_reading_result *result;
};

static wk_err note(const struct accept *a, const char *kind, int64_t at_s, int32_t channel,
                   const char *text)
{
    struct wk_archive_exception row = {
        .meter = a->meter, .at_s = at_s, .channel = channel, .recv_s = a->now_s};
    snprintf(row.kind, sizeof row.kind, "%s", kind);
    snprintf(row.text, sizeof row.text, "%s", text);
    const wk_err err = a->archive->exception_put(a->archive->self, &row);
    return err == WK_E_STATE ? WK_OK : err;
}

static wk_err note_change(const struct accept *a, int64_t end_s, int32_t channel, int64_t was,
                          int64_t is)
{
    char text[WK_ARCHIVE_TEXT];
    snprintf(text, sizeof text, "register %s was %lld, came again as %lld (10^-6 %s)",
             wk_channel_info(channel)->name, (long long)was, (long long)is,
             wk_channel_info(channel)->unit);
    return note(a, "changed", end_s, channel, text);
}

struct known {
    int32_t channel;
    bool found;
    struct wk_archive_reading last;
};

static wk_err find_last(void *context, const struct wk_archive_reading *row)
{
    struct known *known = context;
    if (row->channel == known->channel) {
        known->found = true;
        known->last = *row;
    }
    return WK_OK;
}

typedef enum outcome { FRESH, SAME, CHANGED } outcome;

static wk_err accept_channel(const struct accept *a, const struct wk_reading *reading,
                             int32_t channel, outcome *out)
{
    struct wk_archive *archive = a->archive;
    struct wk_archive_reading row = {
        .meter = a->meter,
        .channel = channel,
        .end_s = reading->end_s,
        .reg = reading->reg[channel],
        .flags = reading->flags,
        .recv_s = a->now_s,
    };
    wk_err err = archive->reading_put(archive->self, &row);
    *out = FRESH;
    if (err != WK_E_STATE) {
        return err;
    }
    struct known known = {.channel = channel};
    WK_TRY(archive->reading_each(archive->self, a->meter, row.end_s - 1, row.end_s, find_last,
                                 &known));
    if (!known.found) {
        return WK_E_CORRUPT;
    }
    *out = SAME;
    if (known.last.reg == row.reg && known.last.flags == row.flags) {
        return WK_OK;
    }
    row.rev = known.last.rev + 1;
    if (row.rev > WK_ARCHIVE_REV_MAX) {
        return WK_E_RANGE;
    }
    *out = CHANGED;
    WK_TRY(note_change(a, row.end_s, channel, known.last.reg, row.reg));
    return archive->reading_put(archive->self, &row);
}

static wk_err accept_open(const struct accept *a, const struct wk_reading *reading)
{
    outcome worst = SAME;
    for (int32_t channel = 0; channel < WK_CHANNELS; channel++) {
        outcome one = SAME;
        if ((reading->present >> channel & 1U) != 0) {
            WK_TRY(accept_channel(a, reading, channel, &one));
        }
        worst = one == CHANGED || (one == FRESH && worst == SAME) ? one : worst;
    }
    a->result->fresh += worst == FRESH ? 1 : 0;
    a->result->same += worst == SAME ? 1 : 0;
    a->result->changed += worst == CHANGED ? 1 : 0;
    return WK_OK;
}

/* ---- readings that come after their day was closed -------------------------------------- */

static wk_err put_revision(const struct accept *a, struct wk_dayblock *block,
                           wk_dayblock_reason reason)
{
    struct wk_dayblock latest;
    struct wk_archive *archive = a->archive;
    WK_TRY(archive->block_get(archive->self, a->meter, block->channel, block->day,
                              WK_ARCHIVE_LATEST, &latest));
    if (latest.rev >= WK_ARCHIVE_REV_MAX) {
        return WK_E_RANGE;
    }
    block->rev = latest.rev + 1;
    block->reason = reason;
    block->recv_s = a->now_s;
    struct wk_reading_result *result = a->result;
    *a->touched = true;
    result->late_first_day =
        block->day < result->late_first_day ? block->day : result->late_first_day;
    result->late_last_day =
        block->day > result->late_last_day ? block->day : result->late_last_day;
    return archive->block_put(archive->self, block);
}

/* The end register of a day changed: the days after it begin there now. */
static wk_err carry_on(const struct accept *a, const struct wk_dayblock *changed)
{
    struct wk_archive *archive = a->archive;
    int64_t reg = changed->reg_end;
    bool gap = (changed->flags[changed->n - 1] & WK_SLOT_MISSING) != 0;
    for (int32_t day = changed->day + 1; day < a->open_day; day++) {
        struct wk_dayblock block;
        struct wk_reading_registers view;
        WK_TRY(archive->block_get(archive->self, a->meter, changed->channel, day,
                                  WK_ARCHIVE_RAW, &block));
        wk_reading_registers_of(&view, &block);
        const struct wk_dayblock before = block;
        wk_reading_registers_build(&view, reg, gap, &block);
        if (memcmp(before.value, block.value, sizeof block.value[0] * (size_t)block.n) == 0 &&
            memcmp(before.flags, block.flags, sizeof block.flags[0] * (size_t)block.n) == 0 &&
            before.reg_start == block.reg_start) {
            return WK_OK;
        }
        WK_TRY(put_revision(a, &block, WK_DAYBLOCK_LATE));
        reg = block.reg_end;
        gap = (block.flags[block.n - 1] & WK_SLOT_MISSING) != 0;
    }
    return WK_OK;
}

/* Whether the day before ends in a gap. */
static wk_err gap_before(const struct accept *a, const struct wk_dayblock *block, bool *gap)
{
    struct wk_dayblock before;
    const wk_err err = a->archive->block_get(a->archive->self, a->meter, block->channel,
                                             block->day - 1, WK_ARCHIVE_RAW, &before);
    *gap = err == WK_OK && (before.flags[before.n - 1] & WK_SLOT_MISSING) != 0;
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err late_channel(const struct accept *a, const struct wk_reading *rows, size_t count,
                           int32_t channel)
{
    struct wk_archive *archive = a->archive;
    struct wk_dayblock block;
    struct wk_reading_registers view;
    bool fresh = false;
    bool changed = false;
    const wk_err err =
        archive->block_get(archive->self, a->meter, channel, wk_reading_day_of(rows[0].end_s),
                           WK_ARCHIVE_RAW, &block);
    if (err != WK_OK) {
        return err == WK_E_NOT_FOUND ? WK_OK : err; /* a channel that came later */
    }
    wk_reading_registers_of(&view, &block);
    bool gap_in;
    WK_TRY(gap_before(a, &block, &gap_in));
    for (size_t i = 0; i < count; i++) {
        const int32_t slot = wk_reading_registers_slot(&block, rows[i].end_s);
        if ((rows[i].present >> channel & 1U) == 0 ||
            (block.flags[slot] & WK_SLOT_BEFORE) != 0) {
            continue;
        }
        if (view.present[slot] &&
            (view.reg[slot] != rows[i].reg[channel] || view.flags[slot] != rows[i].flags)) {
            changed = true;
            WK_TRY(
                note_change(a, rows[i].end_s, channel, view.reg[slot], rows[i].reg[channel]));
        }
        fresh = fresh || !view.present[slot];
        view.present[slot] = true;
        view.reg[slot] = rows[i].reg[channel];
        view.flags[slot] = rows[i].flags;
    }
    if (!fresh && !changed) {
        return WK_OK;
    }
    wk_reading_registers_build(&view, block.reg_start, gap_in, &block);
    WK_TRY(put_revision(a, &block, changed ? WK_DAYBLOCK_CHANGED : WK_DAYBLOCK_LATE));
    a->result->changed += changed && channel == WK_CHANNEL_IMPORT ? 1 : 0;
    return carry_on(a, &block);
}

/* rows[0..count-1] end in the same closed day. */
static wk_err accept_late(const struct accept *a, const struct wk_reading *rows, size_t count)
{
    *a->touched = false;
    for (int32_t channel = 0; channel < WK_CHANNELS; channel++) {
        WK_TRY(late_channel(a, rows, count, channel));
    }
    a->result->late += *a->touched ? (int32_t)count : 0;
    a->result->same += *a->touched ? 0 : (int32_t)count;
    return WK_OK;
}

static size_t run_of_day(const struct wk_reading *rows, size_t count, int32_t period_s)
{
    size_t run = 1;
    while (run < count && rows[run].end_s % period_s == 0 &&
           wk_reading_day_of(rows[run].end_s) == wk_reading_day_of(rows[0].end_s)) {
        run++;
    }
    return run;
}

static wk_err accept_rows(struct accept *a, const struct wk_reading *rows, size_t count)
{
    struct wk_archive *archive = a->archive;
    for (size_t i = 0; i < count;) {
        const struct wk_reading *row = &rows[i];
        size_t taken = 1;
        if (row->end_s % a->period_s != 0 || row->end_s <= 0) {
            a->result->off_grid++;
            WK_TRY(note(a, "off_grid", row->end_s, -1,
                        "a reading does not end at a multiple of the interval"));
        } else if (a->baseline_s >= 0 && row->end_s < a->baseline_s) {
            a->result->before++;
        } else if (a->baseline_s >= 0 && wk_reading_day_of(row->end_s) < a->open_day) {
            taken = run_of_day(row, count - i, a->period_s);
            WK_TRY(accept_late(a, row, taken));
        } else {
            if (a->baseline_s < 0) {
                a->baseline_s = row->end_s;
                a->open_day = wk_reading_day_of(row->end_s);
                WK_TRY(
                    archive->mark_put(archive->self, a->meter, WK_MARK_BASELINE, row->end_s));
            }
            WK_TRY(accept_open(a, row));
            a->collected_s = row->end_s > a->collected_s ? row->end_s : a->collected_s;
        }
        i += taken;
    }
    return WK_OK;
}

static wk_err mark_or(struct wk_archive *archive, int64_t meter, wk_archive_mark mark,
                      int64_t otherwise, int64_t *value)
{
    const wk_err err = archive->mark_get(archive->self, meter, mark, value);
    if (err == WK_E_NOT_FOUND) {
        *value = otherwise;
        return WK_OK;
    }
    return err;
}

static wk_err accept_begin(struct accept *a)
{
    struct wk_archive *archive = a->archive;
    int64_t known_period;
    WK_TRY(mark_or(archive, a->meter, WK_MARK_PERIOD, a->period_s, &known_period));
    if (known_period != a->period_s) {
        return WK_E_STATE;
    }
    WK_TRY(archive->mark_put(archive->self, a->meter, WK_MARK_PERIOD, a->period_s));
    WK_TRY(mark_or(archive, a->meter, WK_MARK_BASELINE, -1, &a->baseline_s));
    WK_TRY(mark_or(archive, a->meter, WK_MARK_COLLECTED, 0, &a->collected_s));
    const wk_err err = wk_reading_next_day(archive, a->meter, &a->open_day);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

wk_err wk_reading_accept(struct wk_archive *archive, int64_t meter, int32_t period_s,
                         struct wk_reading_rows rows, int64_t now_s,
                         struct wk_reading_result *result)
{
    if (period_s < 60 || WK_DAY_S % period_s != 0) {
        return WK_E_ARGUMENT;
    }
    bool touched;
    *result =
        (struct wk_reading_result){.late_first_day = INT32_MAX, .late_last_day = INT32_MIN};
    struct accept a = {.archive = archive,
                       .meter = meter,
                       .period_s = period_s,
                       .now_s = now_s,
                       .touched = &touched,
                       .result = result};
    WK_TRY(archive->begin(archive->self));
    wk_err err = accept_begin(&a);
    if (err == WK_OK) {
        err = accept_rows(&a, rows.row, rows.count);
    }
    if (err == WK_OK && a.collected_s > 0) {
        err = archive->mark_put(archive->self, meter, WK_MARK_COLLECTED, a.collected_s);
    }
    if (err == WK_OK) {
        err = archive->commit(archive->self);
    }
    if (err != WK_OK) {
        archive->rollback(archive->self);
    }
    return err;
}

/* ---- closing ---------------------------------------------------------------------------- */

static wk_err close_channel(struct wk_archive *archive, int64_t meter, int32_t channel,
                            int32_t day, int64_t now_s)
{
    struct wk_reading_open open = {.channel = channel, .day = day, .rev_limit = 0};
    do {
        struct wk_dayblock block = {.meter = meter, .channel = channel, .day = day};
        const wk_err err = wk_reading_open_view(archive, meter, &open, &block);
        if (err != WK_OK) {
            return err == WK_E_NOT_FOUND ? WK_OK : err; /* the meter has no such channel */
        }
        block.rev = open.rev_limit;
        block.reason = block.rev == 0 ? WK_DAYBLOCK_RAW : WK_DAYBLOCK_CHANGED;
        block.recv_s = now_s;
        WK_TRY(archive->block_put(archive->self, &block));
    } while (open.rev_limit++ < open.rev_highest);
    return WK_OK;
}

static wk_err close_all(struct wk_archive *archive, int64_t meter, int32_t day, int64_t now_s)
{
    int32_t next;
    WK_TRY(wk_reading_next_day(archive, meter, &next));
    if (next != day) {
        return WK_E_STATE;
    }
    for (int32_t channel = 0; channel < WK_CHANNELS; channel++) {
        WK_TRY(close_channel(archive, meter, channel, day, now_s));
    }
    WK_TRY(archive->reading_drop(archive->self, meter, (int64_t)day * WK_DAY_S,
                                 (int64_t)(day + 1) * WK_DAY_S));
    WK_TRY(archive->mark_put(archive->self, meter, WK_MARK_CLOSED, day));
    return archive->commit(archive->self);
}

wk_err wk_reading_close(struct wk_archive *archive, int64_t meter, int32_t day, int64_t now_s)
{
    WK_TRY(archive->begin(archive->self));
    const wk_err err = close_all(archive, meter, day, now_s);
    if (err != WK_OK) {
        archive->rollback(archive->self);
    }
    return err;
}
