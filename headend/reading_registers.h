/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/reading_registers - a day seen as registers at the ends of its slots, and back.
 * Shared by the files of `reading`; not for others. */
#ifndef WK_HEADEND_READING_REGISTERS_H
#define WK_HEADEND_READING_REGISTERS_H

#include "headend/archive.h"

struct wk_reading_registers {
    bool present[WK_DAYBLOCK_SLOTS];
    int64_t reg[WK_DAYBLOCK_SLOTS];
    uint16_t flags[WK_DAYBLOCK_SLOTS]; /* as the meter gave them */
};

/* A day that is not closed yet, for one channel. */
struct wk_reading_open {
    int32_t channel;
    int32_t day;
    int32_t rev_limit;   /* use readings up to this revision */
    int32_t rev_highest; /* set: the highest there is */
};

int32_t wk_reading_registers_slot(const struct wk_dayblock *block, int64_t end_s);
/** Takes a raw block apart. */
void wk_reading_registers_of(struct wk_reading_registers *view,
                             const struct wk_dayblock *block);
/** Writes values, flags and registers of `block` (n, period and WK_SLOT_BEFORE are kept).
 *  `gap_in`: energy of a gap from the day before lands in the first slot that is present. */
void wk_reading_registers_build(const struct wk_reading_registers *view, int64_t reg_start,
                                bool gap_in, struct wk_dayblock *block);
/** The view of an open day as a block of revision 0. */
WK_MUST_USE wk_err wk_reading_open_view(struct wk_archive *archive, int64_t meter,
                                        struct wk_reading_open *open,
                                        struct wk_dayblock *block);

#endif
