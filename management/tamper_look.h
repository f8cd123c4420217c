/* SPDX-License-Identifier: Apache-2.0
 *
 * management/tamper_look - the conditions of the detectors, and the power that passes by. No
 * state of its own. Private to management/tamper. */
#ifndef WK_MANAGEMENT_TAMPER_LOOK_H
#define WK_MANAGEMENT_TAMPER_LOOK_H

#include "management/tamper.h"

#define WK_TAMPER_NEUTRAL_UA 50000 /* a neutral current above it is measured, not noise */

/* What a window says of one detector; neither: the hysteresis. */
struct wk_tamper_sight {
    bool set;
    bool clear;
};

struct wk_tamper_sight wk_tamper_look(const struct wk_tamper *tamper,
                                      const struct wk_tamper_input *input, wk_tamper_kind kind,
                                      uint8_t phase);

/** Current of a phase within what a meter can see (0..10 kA), length of the window (0..10 s):
 *  products of them do not overflow. */
int64_t wk_tamper_i_ua(const struct wk_record_window *window, int phase);
int64_t wk_tamper_span_us(const struct wk_record *record);

/** By the larger of line and neutral current; of a phase whose voltage is missing, at the
 *  nominal one; at Imax. Each less what is measured. */
int64_t wk_tamper_bypass_mw(const struct wk_tamper *tamper,
                            const struct wk_record_window *window);
int64_t wk_tamper_missing_mw(const struct wk_tamper *tamper,
                             const struct wk_record_window *window, int phase);
int64_t wk_tamper_magnet_mw(const struct wk_tamper *tamper,
                            const struct wk_record_window *window);

#endif
