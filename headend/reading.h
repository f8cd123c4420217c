/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/reading - from registers read off meters to intervals, exactly once.
 *
 * A reading is what a meter's load profile captured at the end of one interval: its cumulative
 * registers. The first reading ever accepted is the baseline of its meter; intervals begin
 * after it. Readings of recent days lie in the archive one by one ("open"); a day that is
 * complete, or too old to wait for, is closed into day blocks. Accepting is idempotent: the
 * same value again changes nothing, a different value for the same key becomes a new revision
 * and an exception, and what comes after its day was closed becomes a new raw revision.
 *
 * The reading at exactly 00:00 ends the last interval of the day before. */
#ifndef WK_HEADEND_READING_H
#define WK_HEADEND_READING_H

#include "headend/archive.h"

struct wk_reading {
    int64_t end_s;    /* UTC, end of the interval */
    uint16_t flags;   /* WK_SLOT_* that the meter's status says */
    uint32_t present; /* bit per channel that was captured */
    int64_t reg[WK_CHANNELS];
};

struct wk_reading_result {
    int32_t fresh;          /* readings stored */
    int32_t same;           /* known already */
    int32_t changed;        /* differ from what was known: new revision and exception */
    int32_t late;           /* came after their day was closed */
    int32_t off_grid;       /* do not end at a multiple of the period: exception */
    int32_t before;         /* older than the baseline: not used */
    int32_t late_first_day; /* days that got a new raw revision; valid if late > 0 */
    int32_t late_last_day;
};

/* One channel over any span of time. Arrays belong to the caller. */
struct wk_reading_series {
    int64_t from_s; /* excluded */
    int64_t to_s;   /* included: the last interval ends here */
    int32_t period_s;
    int32_t n;
    int64_t reg_start; /* exact registers at both ends; their difference is the sum of value */
    int64_t reg_end;
    uint64_t digest; /* of all values and flags: changes when a revision changes one */
    bool open;       /* touches a day that is not closed */
    bool broken;     /* days do not join: a late reading waits for VEE */
    int32_t room;    /* of the arrays */
    int64_t *value;
    uint16_t *flags;
};

/** The UTC day in which an interval ends, and its slot. */
int32_t wk_reading_day_of(int64_t end_s);

struct wk_reading_rows {
    const struct wk_reading *row; /* borrowed */
    size_t count;
};

/** Accepts a batch in one transaction; nothing of it is stored on error. period_s must stay
 *  what it was for this meter, else WK_E_STATE. WK_E_RANGE: too many versions of one value. */
WK_MUST_USE wk_err wk_reading_accept(struct wk_archive *archive, int64_t meter,
                                     int32_t period_s, struct wk_reading_rows rows,
                                     int64_t now_s, struct wk_reading_result *result);

/** One channel of one day: the block `rev` if the day is closed, else a view of the open
 *  readings (rev 0, slots not yet read are WK_SLOT_MISSING). WK_E_NOT_FOUND: nothing known. */
WK_MUST_USE wk_err wk_reading_day(struct wk_archive *archive, int64_t meter, int32_t channel,
                                  int32_t day, int32_t rev, struct wk_dayblock *block);

/** Closes the day after the last closed one (the first: the day of the baseline) into blocks,
 *  in one transaction. WK_E_STATE: it is another day's turn. */
WK_MUST_USE wk_err wk_reading_close(struct wk_archive *archive, int64_t meter, int32_t day,
                                    int64_t now_s);

/** The day whose turn it is. WK_E_NOT_FOUND: the meter has no reading yet. */
WK_MUST_USE wk_err wk_reading_next_day(struct wk_archive *archive, int64_t meter, int32_t *day);

/** Fills the series between from_s and to_s with the revision asked for (WK_ARCHIVE_LATEST or
 *  WK_ARCHIVE_RAW). Both must be multiples of the period. WK_E_FULL: the arrays are too small;
 *  WK_E_NOT_FOUND: a day is not known; WK_E_ARGUMENT. */
WK_MUST_USE wk_err wk_reading_load(struct wk_archive *archive, int64_t meter, int32_t channel,
                                   int32_t rev, struct wk_reading_series *series);

#endif
