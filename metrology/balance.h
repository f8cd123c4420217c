/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/balance - how evenly the phases are loaded, which single-phase loads there are, and
 * which of them to move.
 *
 * Imbalance is the largest departure of a phase from the mean of the three, over the mean (NEMA
 * MG 1, IEC 60034-26 in the same form for voltages). Over a history it is the sum of the
 * departures over the sum of the means, so that hours with little load count little.
 *
 * A step is a change of one phase's power that comes to rest: the power before is a mean over
 * steady windows, the power after is the mean of WK_BALANCE_SETTLE windows that agree. Steps of
 * the same size on several phases at once are those of a three-phase load and belong to nobody.
 * Steps on and off of the same size are one load; the table keeps the loads with most energy.
 * Loads that change faster than a second or glide (heat pumps with inverters) are not found; they
 * stay in the phase powers.
 *
 * All memory is the struct's: 9.8 kB with the limits below; 3.2 kB of flash. Powers in mW, energies in mWh. */
#ifndef WK_METROLOGY_BALANCE_H
#define WK_METROLOGY_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"

#define WK_BALANCE_PHASES    3
#define WK_BALANCE_SLOTS     288 /* history: a day of five minutes */
#define WK_BALANCE_SLOT_US   INT64_C(300000000)
#define WK_BALANCE_LOADS     16
#define WK_BALANCE_STEPS     16    /* newest steps kept */
#define WK_BALANCE_SETTLE    4     /* windows that must agree */
#define WK_BALANCE_WAIT      6     /* windows in which other phases may show the same step */
#define WK_BALANCE_LEAST_MW  60000 /* least step */
#define WK_BALANCE_WORTH_PPM 20000 /* a move must better the mean imbalance by 2 % */
#define WK_BALANCE_NONE      255

struct wk_balance_step {
    int64_t t_us; /* UTC of the end of the first window that showed it */
    int64_t p_mw; /* > 0: on */
    int64_t q_mvar;
    uint8_t phase;
};

/* A load that was seen to switch. */
struct wk_balance_load {
    uint8_t phase;
    bool used;
    bool on;
    uint32_t times; /* it switched on */
    int64_t p_mw;   /* mean of its steps */
    int64_t q_mvar;
    int64_t on_us;      /* time it was on */
    int64_t energy_mwh; /* p * time */
    int64_t seen_us;    /* UTC of its last step */
};

struct wk_balance_move {
    bool worth; /* else nothing is worth moving */
    uint8_t load;
    uint8_t from; /* phases, 0..2 */
    uint8_t to;
    int32_t before_ppm; /* mean imbalance of the history */
    int32_t after_ppm;
};

/* Departure from the mean of the three phases, over the mean; 0 without load. */
struct wk_balance_index {
    int32_t power_ppm;
    int32_t current_ppm;
};

/* A level that the power of a phase has come to. */
struct wk_balance_level {
    int64_t p_mw;
    int64_t q_mvar;
    uint16_t windows;
};

struct wk_balance_watch {
    struct wk_balance_level steady;
    struct wk_balance_level next; /* windows != 0: a change is under way */
    int64_t begin_us;             /* of the change */
    struct wk_balance_step pending;
    uint8_t age; /* windows since the pending step; 0: none */
};

struct wk_balance {
    struct wk_balance_watch watch[WK_BALANCE_PHASES];
    struct wk_balance_load load[WK_BALANCE_LOADS];
    struct wk_balance_step step[WK_BALANCE_STEPS];
    uint32_t steps;                /* found in all; the newest is step[(steps - 1) % STEPS] */
    uint32_t three_phase;          /* steps of three-phase loads */
    struct wk_balance_index index; /* of the last window */
    int64_t slot_us;               /* time gathered in the slot under way */
    int64_t slot_mwus[WK_BALANCE_PHASES]; /* power * time / 1000 */
    int64_t slot_on_us[WK_BALANCE_LOADS];
    uint32_t slots; /* complete ones so far; the ring holds the newest */
    int32_t mean_w[WK_BALANCE_SLOTS][WK_BALANCE_PHASES];
    uint8_t share[WK_BALANCE_SLOTS][WK_BALANCE_LOADS]; /* of the slot a load was on, of 255 */
};

void wk_balance_init(struct wk_balance *balance);

/** Takes a window of three phases; false if it is of no use: another record, or one that is
 *  short, clipped, or has no voltage to follow. */
bool wk_balance_add(struct wk_balance *balance, const struct wk_record *record);

struct wk_balance_index wk_balance_index_of(const struct wk_record_window *window);

/** Mean imbalance of the power over the history, ppm; 0 without history. */
int32_t wk_balance_mean_ppm(const struct wk_balance *balance);

/** Tries every load on every other phase over the history. */
void wk_balance_recommend(const struct wk_balance *balance, struct wk_balance_move *move);

#endif
