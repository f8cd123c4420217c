/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet/almanac - which tariff the simulated contract means at every minute of the year, and when
 * its months end: plain tables, made without the meter's civil time and without its tariff room.
 *
 * Two contracts: the first from the begin, the second once it is activated. The contract is
 * stated here twice: as calendars for the meter, and as rules for people, from which the tables are
 * made. Civil time is that of central Europe. */
#ifndef WK_FLEET_ALMANAC_H
#define WK_FLEET_ALMANAC_H

#include <stdint.h>

#include "base/err.h"
#include "management/tariff.h"

#define WK_ALMANAC_CONTRACTS 2
#define WK_ALMANAC_SPECIAL   3
#define WK_ALMANAC_MONTHS    64

struct wk_almanac {
    int64_t begin_s; /* UTC, on a full minute */
    int64_t minutes;
    uint8_t *tariff[WK_ALMANAC_CONTRACTS]; /* of each minute */
    int64_t month_s[WK_ALMANAC_MONTHS];    /* instants at which a civil month begins */
    uint32_t months;
};

/** `days` from `begin_s` on, and a month more at either end. WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_almanac_make(struct wk_almanac *almanac, int64_t begin_s, int64_t days);
void wk_almanac_free(struct wk_almanac *almanac);

/** The tariff at an instant, 1..8; 0: outside of the tables. */
uint8_t wk_almanac_tariff(const struct wk_almanac *almanac, int contract, int64_t utc_s);
/** The first begin of a month after an instant. */
int64_t wk_almanac_month_after(const struct wk_almanac *almanac, int64_t utc_s);
/** Civil less UTC, in seconds: 3600, or 7200 in summer. */
int64_t wk_almanac_offset_s(int64_t utc_s);

/** The contracts as the meter gets them. */
struct wk_tariff_calendar wk_almanac_calendar(int contract);
extern const struct wk_tariff_special_day wk_almanac_special[WK_ALMANAC_SPECIAL];

#endif
