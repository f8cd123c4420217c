/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/gaps - which readings are expected and not there.
 *
 * A gap never leaves its UTC day and ends at the newest reading at the latest: what the meter
 * has not captured yet is not missing. */
#ifndef WK_HEADEND_GAPS_H
#define WK_HEADEND_GAPS_H

#include <stddef.h>

#include "headend/archive.h"

#define WK_GAPS_MAX 512 /* of one meter; older ones wait until these are settled */

struct wk_gaps {
    size_t count;
    struct wk_archive_gap gap[WK_GAPS_MAX];
};

/** The gaps of a meter as the archive knows them, oldest first. */
WK_MUST_USE wk_err wk_gaps_load(struct wk_archive *archive, int64_t meter,
                                struct wk_gaps *gaps);

/** Finds the gaps of the open days and looks again at the days of known gaps; gaps that are
 *  filled vanish, those that remain keep their tries. One transaction. */
WK_MUST_USE wk_err wk_gaps_scan(struct wk_archive *archive, int64_t meter,
                                struct wk_gaps *gaps);

/** Notes that a gap was asked for; after `tries_max` times it is given up. */
WK_MUST_USE wk_err wk_gaps_tried(struct wk_archive *archive, struct wk_archive_gap *gap,
                                 int64_t tries_max, int64_t next_try_s);

#endif
