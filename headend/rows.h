/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/rows - what the rows of a meter's profiles and logs say, whichever way they came.
 *
 * A row is one entry of a Profile generic, as A-XDR; its form follows from the capture objects.
 * Every function that fails says why in `*why`, a text that stays. */
#ifndef WK_HEADEND_ROWS_H
#define WK_HEADEND_ROWS_H

#include "base/bytes.h"
#include "cosem/select.h"
#include "headend/source.h"

/* Where an event log has what counts. */
struct wk_rows_log {
    int32_t columns; /* 0: not known */
    int32_t clock;
    int32_t code;
};

/** Adds the next column of a load profile. Of a register *channel says whose factor is to be
 *  set; -1: of none. */
void wk_rows_add_column(struct wk_source_layout *layout, const struct wk_select_column *capture,
                        int32_t *channel);
/** The factor of a register: exact in 10^-6 Wh or varh. WK_E_UNSUPPORTED. */
WK_MUST_USE wk_err wk_rows_factor(int32_t channel, int8_t scaler, uint8_t unit,
                                  int64_t *factor);
/** WK_E_FORMAT: the clock does not come first, or import is not there. */
WK_MUST_USE wk_err wk_rows_check(const struct wk_source_layout *layout, const char **why);

/** The capture objects of an event log. WK_E_FORMAT. */
WK_MUST_USE wk_err wk_rows_log_read(struct wk_bytes_in captures, struct wk_rows_log *log,
                                    const char **why);

/** A row of a load profile. WK_E_FORMAT. */
WK_MUST_USE wk_err wk_rows_reading(const struct wk_source_layout *layout,
                                   struct wk_bytes_in row, struct wk_reading *reading,
                                   const char **why);
/** A row of an event log. WK_E_FORMAT. */
WK_MUST_USE wk_err wk_rows_event(const struct wk_rows_log *log, struct wk_bytes_in row,
                                 struct wk_source_event *event, const char **why);

#endif
