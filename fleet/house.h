/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet/house - what a three-phase house draws and feeds through a year, as windows.
 *
 * The shape of a day is one of the measured days of a real household, moved by up to half an hour,
 * scaled by season and by chance; the phases share it, with their power factors, as those of a
 * measured building supply (data/keating). From a day of the year on there is photovoltaics on L2.
 * Energies are integers; what does not fill a uWh is carried into the next window, per phase and
 * direction. Everything follows from the seed. */
#ifndef WK_FLEET_HOUSE_H
#define WK_FLEET_HOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"
#include "port/virtual/grid.h"

#define WK_HOUSE_MAXIMUM_UA INT64_C(100000000) /* Imax of its meter */
#define WK_HOUSE_NOMINAL_MV 230000

/* What somebody did to the installation; at most one at a time. */
typedef enum wk_house_trick {
    WK_HOUSE_HONEST = 0,
    WK_HOUSE_REVERSED,   /* L1 runs backwards */
    WK_HOUSE_BYPASS,     /* part of the current returns past the meter */
    WK_HOUSE_NO_VOLTAGE, /* the voltage of L3 is taken off */
    WK_HOUSE_SEQUENCE,   /* two phases are exchanged */
    WK_HOUSE_CT,         /* the transformer of L3 is shorted */
    WK_HOUSE_OVERLOAD,   /* 18 kW more than usual */
} wk_house_trick;

struct wk_house {
    const struct wk_grid_minutes *minutes; /* borrowed; at least one whole day */
    uint64_t seed;
    int64_t sun_from_s; /* photovoltaics from this instant on */
    /* the civil day at hand */
    int64_t day;
    int64_t row;       /* first row of its shape */
    double scale;      /* of the load */
    double sun_w;      /* peak of photovoltaics */
    double half_sun_s; /* half the time the sun shines */
    /* carried, mW us that do not fill a unit: import, export per phase, then totals */
    int64_t rest[WK_RECORD_PHASES + 1][2];
    int64_t rest_q[WK_RECORD_PHASES + 1][4];
    int64_t rest_s[2];
};

void wk_house_init(struct wk_house *house, const struct wk_grid_minutes *minutes, uint64_t seed,
                   int64_t sun_from_s);

/** Fills the window of a record whose span is set: the load at the true instant, nothing if the
 *  contactor is open. */
void wk_house_window(struct wk_house *house, int64_t true_s, bool closed, wk_house_trick trick,
                     struct wk_record *record);

#endif
