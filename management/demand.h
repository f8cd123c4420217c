/* SPDX-License-Identifier: Apache-2.0
 *
 * management/demand - maximum demand, per tariff (IEC 62056-6-2, 4.3.4: class 5; 4.3.3: class 4).
 *
 * Demand is the energy of a period by its length. A block demand has periods that abut (one
 * sub-period); a sliding one is renewed after each sub-period over the last `parts` of them, at
 * most WK_DEMAND_PARTS. Sub-periods are multiples of the clock in UTC. A window across a
 * boundary is divided there by time. A demand belongs to the tariff in which it ends.
 *
 * At the end of a billing period the maxima are added to the cumulative demand and begin anew.
 * A period that the clock or a power failure cut short or stretched by more than 0.1 % sets no
 * maximum: it is counted as `spoiled`, and its energy is in the registers all the same.
 *
 * Powers are integers of mW, rounded down: uWh * 3.6 / s. */
#ifndef WK_MANAGEMENT_DEMAND_H
#define WK_MANAGEMENT_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "management/tariff.h"

#define WK_DEMAND_PARTS    15
#define WK_DEMAND_PART_MAX 3600 /* s */
#define WK_DEMAND_USUAL_S  900  /* blocks of a meter that was not told otherwise */

struct wk_demand_rules {
    uint16_t part_s; /* 60..3600, divides an hour */
    uint8_t parts;   /* 1 = block demand, 2..WK_DEMAND_PARTS sliding */
};

struct wk_demand_maximum {
    int64_t power_mw;
    struct wk_utc at; /* end of the period; 0 = none yet */
};

struct wk_demand {
    struct wk_demand_rules rules;
    /* the sub-period under way */
    struct wk_utc part_end; /* 0 = none yet */
    int64_t part_uwh;
    int64_t part_span_us;
    bool part_spoiled;
    /* those before it, a ring */
    int64_t ring_uwh[WK_DEMAND_PARTS];
    uint8_t ring_next;
    uint8_t ring_count;
    /* answers */
    int64_t last_mw; /* of the newest whole period */
    struct wk_demand_maximum maximum[WK_TARIFF_COUNT];
    struct wk_demand_maximum highest; /* of all tariffs */
    int64_t cumulative_mw[WK_TARIFF_COUNT];
    int64_t cumulative_all_mw;
    uint32_t spoiled; /* sub-periods that set no maximum */
    uint16_t resets;
};

/** WK_E_RANGE: a rule is outside its range. */
WK_MUST_USE wk_err wk_demand_init(struct wk_demand *demand,
                                  const struct wk_demand_rules *rules);

/** Takes a window's energy (>= 0) that ends at the clock's `now_us` and lasted `span_us`, in
 *  tariff 1..8. Returns whether a sub-period ended: its values may have changed then. */
bool wk_demand_add(struct wk_demand *demand, int64_t energy_uwh, int64_t span_us,
                   int64_t now_us, uint8_t tariff);

/** The sub-period under way is spoiled (the clock was set, samples are missing), and the ring
 *  with it. */
void wk_demand_spoil(struct wk_demand *demand);

/** Demand of the period under way so far, as if the rest had none (class 5, attribute 2). */
int64_t wk_demand_current_mw(const struct wk_demand *demand);

/** The end of a billing period. The sub-period under way goes on. */
void wk_demand_reset(struct wk_demand *demand);

/** Octets for the store; rules are configuration: unpacking a state of other rules drops the
 *  sub-period under way and its ring, and keeps maxima. WK_E_FORMAT: no such state. */
#define WK_DEMAND_PACKED 319
void wk_demand_pack(const struct wk_demand *demand, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_demand_unpack(struct wk_demand *demand, struct wk_bytes_in *in);
/* The sub-period under way by itself, which moves with every window; unpacked after the rest. */
#define WK_DEMAND_PART_PACKED 21
void wk_demand_part_pack(const struct wk_demand *demand, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_demand_part_unpack(struct wk_demand *demand, struct wk_bytes_in *in);

#endif
