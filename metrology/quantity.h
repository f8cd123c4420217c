/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/quantity - the values of one window, from its sums.
 *
 * rms and P are over all samples of the window, harmonics included. Q1 and the angles are of
 * the fundamental. All of it in integers, each value rounded once. */
#ifndef WK_METROLOGY_QUANTITY_H
#define WK_METROLOGY_QUANTITY_H

#include <stdint.h>

#include "metrology/record.h"
#include "metrology/scale.h"
#include "metrology/window.h"

/* What happens to the mean value of a channel over a window. */
typedef enum wk_quantity_dc {
    WK_QUANTITY_DC_BLOCK = 0, /* it is removed from rms and P: an offset of the front end */
    WK_QUANTITY_DC_KEEP,      /* it is metered: half-wave loads on DC-coupled channels */
} wk_quantity_dc;

/* Errors of a current sensor against its current (port/hal.h). */
struct wk_quantity_curve {
    uint8_t points;
    struct wk_hal_curve_point point[WK_HAL_CURVE];
};

struct wk_quantity {
    wk_quantity_dc dc;
    int64_t rate_uhz;
    const struct wk_sample_map *map;              /* the owner's */
    struct wk_scale micro[WK_SAMPLE_SLOTS];       /* uV or uA per count */
    struct wk_scale fundamental[WK_SAMPLE_SLOTS]; /* uV or uA rms of a phasor's mean, Q16 */
    struct wk_scale power[WK_RECORD_PHASES];      /* mW per count^2 */
    struct wk_quantity_curve curve[WK_RECORD_PHASES];
};

/* Active, active and reactive of the fundamental, apparent. */
enum { WK_QUANTITY_P = 0, WK_QUANTITY_P1, WK_QUANTITY_Q1, WK_QUANTITY_S, WK_QUANTITY_RAWS };

/* Energies of a window before their scale: count^2 * samples; apparent ones are >= 0. */
struct wk_quantity_raw {
    int64_t of[WK_QUANTITY_RAWS][WK_RECORD_PHASES];
};

/** `map` is borrowed for as long as the struct is used. */
void wk_quantity_init(struct wk_quantity *quantity, const struct wk_sample_map *map,
                      int64_t rate_uhz, wk_quantity_dc dc);

/** Gives the current of a phase the curve of its channel; it was checked by
 *  wk_sample_map_init. */
void wk_quantity_set_curve(struct wk_quantity *quantity, int phase,
                           const struct wk_hal_channel *channel);

/** Fills samples, frequency, angles, rms, powers and symmetrical components of `out`, and `raw`
 *  for the energy registers. `step` is the frequency of the window; phasors are turned here for
 *  the channels' delays and curves. `sums` and `phasors` may cover the window's own samples, for
 *  `raw`, or the whole block, for `out`. */
void wk_quantity_fill(const struct wk_quantity *quantity, const struct wk_window_sums *sums,
                      struct wk_window_phasors *phasors, uint64_t step,
                      struct wk_record_window *out, struct wk_quantity_raw *raw);

#endif
