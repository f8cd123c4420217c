/* SPDX-License-Identifier: Apache-2.0
 *
 * management/quantities - what an industrial meter keeps beside the registers of management/registers
 * and the demand of active import: demand of every other energy, the last average of each tariff
 * (IEC 62056-6-2, 4.3.4), apparent energy of tariffs, reactive and apparent energy of phases
 * (IEC 62056-6-1, 1.0.9.8.e, 1.0.23.8.0 and those beside them).
 *
 * Demands are those of management/demand: same rules, sub-periods and rounding; mW stands for
 * mvar and mVA, uWh for uvarh and uVAh. A billing period that has ended resets them before the
 * next window counts. Energies are exact sums of what windows bring; a store that was made
 * without this room begins them at 0.
 *
 * An optional part: the module reaches it by the functions that it brings along, and a meter
 * without it links none of it. 5 kB of RAM. */
#ifndef WK_MANAGEMENT_QUANTITIES_H
#define WK_MANAGEMENT_QUANTITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/demand.h"
#include "management/rooms.h"
#include "management/tariff.h"
#include "metrology/record.h"

#define WK_QUANTITIES_FIRST   2 /* value group C of the first demand: active export */
#define WK_QUANTITIES_DEMANDS 9 /* ... to 10: apparent export */
#define WK_QUANTITIES_WAYS    2 /* import, export */

/* Values of the store. */
enum {
    WK_QUANTITIES_MAXIMA = 0, /* .. 2: maxima of three demands each */
    WK_QUANTITIES_MOVING = 3, /* energies, sub-periods under way: with each window */
    WK_QUANTITIES_PARTS = 4,
};

struct wk_quantities;

/* All with rooms->quantities. */
struct wk_quantities_functions {
    /** A window that ends at the clock's `now_us`; of demand, a sub-period that ends belongs to
     *  tariff 1..8. `ended`: one of active import just did. */
    void (*demand)(struct wk_rooms *rooms, const struct wk_record *record, int64_t now_us,
                   uint8_t tariff, bool ended);
    /** The same window's energies, in the tariff in force. */
    void (*add)(struct wk_quantities *quantities, const struct wk_record_window *window,
                uint8_t tariff);
    /** The demand with value group C, 1..10; NULL: there is none. */
    const struct wk_demand *(*demand_of)(const struct wk_rooms *rooms, uint32_t c);
    /** Average of a tariff 1..8: under way (0 while another tariff is in force), or the last one. */
    int64_t (*average_mw)(const struct wk_rooms *rooms, uint32_t c, uint8_t tariff, bool last);
    /** A selector of class 3. WK_E_NOT_FOUND: not one of these. */
    wk_err (*value)(const struct wk_quantities *quantities, uint32_t quantity, uint32_t index,
                    int64_t *value);
    void (*pack)(const struct wk_quantities *quantities, uint8_t part,
                 struct wk_bytes_out *out);
    wk_err (*unpack)(struct wk_quantities *quantities, uint8_t part, struct wk_bytes_in *in);
};

/* All members are private; initialised by wk_quantities_init. */
struct wk_quantities {
    const struct wk_quantities_functions *functions;
    struct wk_demand demand[WK_QUANTITIES_DEMANDS];
    int64_t last_mw[1 + WK_QUANTITIES_DEMANDS][WK_TARIFF_COUNT]; /* by C - 1 */
    int64_t tariff_uvah[WK_QUANTITIES_WAYS][WK_TARIFF_COUNT];
    int64_t phase_uvarh[WK_QUANTITIES_WAYS][WK_RECORD_PHASES];
    int64_t phase_uvah[WK_QUANTITIES_WAYS][WK_RECORD_PHASES];
    uint32_t period;      /* the billing period that maxima are of */
    uint32_t own_spoiled; /* sub-periods of active import, as they were ... */
    bool known;           /* ... with the newest window, if there was one since the start */
    uint8_t changed;      /* bit n: part n; set here, cleared by the module's commit */
};

/** WK_E_RANGE: a rule is outside its range; those of active import are to be given. */
WK_MUST_USE wk_err wk_quantities_init(struct wk_quantities *quantities,
                                      const struct wk_demand_rules *rules);

/* Octets of a part, most. */
#define WK_QUANTITIES_PACKED                                                                   \
    (1 + 3 * (WK_DEMAND_PACKED + 8 * WK_TARIFF_COUNT) + 8 * WK_TARIFF_COUNT)

#endif
