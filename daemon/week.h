/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/week - the weeks of EN 50160 in a file, each record counted once.
 *
 * The file holds the week under way, the one before, and the number of the last record counted.
 * It is written in turn to two places, before the ring may overwrite what it has counted; what
 * comes again after a crash is known by its number. Statistics, not billing: a cut of power may
 * cost what was counted in the last seconds. */
#ifndef WK_DAEMON_WEEK_H
#define WK_DAEMON_WEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/en50160.h"

#define WK_WEEK_PATH 512
#define WK_WEEK_WHY  640

struct wk_week {
    char path[WK_WEEK_PATH];
    bool changed;   /* since it was saved */
    uint64_t saved; /* images written so far */
    uint64_t epoch;
    uint64_t seq;
    struct wk_en50160 now;
    struct wk_en50160 last; /* begin_us 0: there was none */
    char why[WK_WEEK_WHY];
};

/** Takes up the file, or begins anew if there is none. WK_E_CORRUPT: it is not whole or of another
 *  kind of meter; it is then kept beside as PATH.bad and statistics begin anew (week->why). */
WK_MUST_USE wk_err wk_week_open(struct wk_week *week, const char *path, int32_t nominal_mv,
                                int32_t nominal_uhz, uint8_t phases);

void wk_week_take(struct wk_week *week, const struct wk_record *record);

/** Writes the file, if something was counted. WK_E_IO: week->why. */
WK_MUST_USE wk_err wk_week_save(struct wk_week *week);

#endif
