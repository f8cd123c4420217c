/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/energy - from sums of u * i to whole micro-watt-hours, losing nothing.
 *
 * All phases share one fixed-point domain: an increment is raw * mantissa units of 2^-shift
 * uWh. What does not fill a whole uWh stays in the account and is carried, for ever. Totals are
 * kept in the same domain, so a total is exact even where its phases were rounded down. */
#ifndef WK_METROLOGY_ENERGY_H
#define WK_METROLOGY_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"
#include "metrology/quantity.h"
#include "metrology/record.h"

/* import, export, both of the fundamental, reactive in quadrants I..IV, apparent of both */
#define WK_ENERGY_REGISTERS 10
#define WK_ENERGY_CARRIES   ((WK_RECORD_PHASES + 2) * WK_ENERGY_REGISTERS)

/* How phases add up to the total; utilities differ, so it is configured and recorded. */
typedef enum wk_energy_summation {
    WK_ENERGY_VECTORIAL =
        0,                /* the powers of a window are added, then the sign decides; apparent
                                is sqrt(P^2 + N^2), N the sum of the phases' non-active powers
                                sqrt(S^2 - P^2) with the sign of Q1 */
    WK_ENERGY_ARITHMETIC, /* each phase's import, export and apparent count by themselves */
} wk_energy_summation;

struct wk_energy_account {
    struct wk_i128 carry[WK_ENERGY_REGISTERS]; /* 0 <= carry < 2^shift */
};

/* What becomes of a window. */
struct wk_energy_fate {
    bool withheld;                  /* by a guard: all of it goes to out->withheld */
    bool running[WK_RECORD_PHASES]; /* the current is above the starting current */
};

struct wk_energy {
    wk_energy_summation summation;
    uint8_t shift;
    int64_t mantissa[WK_RECORD_PHASES]; /* 2^-shift uWh per count^2 * sample */
    union {
        struct {
            struct wk_energy_account phase[WK_RECORD_PHASES];
            struct wk_energy_account total;
            struct wk_energy_account withheld;
        };
        struct wk_i128 carry[WK_ENERGY_CARRIES]; /* of all accounts */
    };
};

/** WK_E_RANGE: the gains of a phase are so large, or so different between phases, that its
 *  energy has no exact place in the common domain. */
WK_MUST_USE wk_err wk_energy_init(struct wk_energy *energy, const struct wk_sample_map *map,
                                  int64_t rate_uhz, wk_energy_summation summation);

/** The sample rate is another from now on; what is carried stays, to 2^-SHIFT uWh. Errors as
 *  wk_energy_init. */
WK_MUST_USE wk_err wk_energy_set_rate(struct wk_energy *energy, const struct wk_sample_map *map,
                                      int64_t rate_uhz);

/** Adds a window and takes out the whole uWh, uvarh and uVAh it gained. A phase that is not
 *  running adds nothing, and the rest it carried is dropped: no creep from rests. */
void wk_energy_add(struct wk_energy *energy, const struct wk_quantity_raw *raw,
                   const struct wk_energy_fate *fate, struct wk_record_window *out);

#endif
