/* SPDX-License-Identifier: Apache-2.0
 *
 * management/clock - the meter's time: metrology's time plus what synchronisation added to it.
 *
 * Metrology stamps records with its own steady time base, which nothing ever sets. The clock is a
 * function of that time: an offset, the rate at which the time base was found to be wrong, and a
 * correction under way. So records stay gapless whatever the clock is told.
 *
 *   clock(t) = t + shift + rate * (t - anchor) + slew(t - anchor)
 *
 * A client that sets the time moves it at once. A reference (head-end, NTP) disciplines it: a
 * deviation below `step_us` is slewed, at most `slew_ppm` fast, so that no second is missing or
 * comes twice and intervals keep their length within 0.05 %; a larger one is a step. From
 * readings days apart the rate of the time base is measured (at most WK_CLOCK_RATE_MOST_PPB).
 *
 * Times and deviations are in microseconds; t is metrology's time and does not go back. */
#ifndef WK_MANAGEMENT_CLOCK_H
#define WK_MANAGEMENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"

#define WK_CLOCK_RATE_MOST_PPB 200000 /* 200 ppm: a worse time base is broken */
#define WK_CLOCK_SLEW_MOST_PPM 10000
#define WK_CLOCK_TRUST_PPB     20000 /* a rate is used once it is known so well */
#define WK_CLOCK_BASE_US       INT64_C(1296000000000) /* 15 days: rates are taken over 15 to 30 */

/* Status octet of a date-time (IEC 62056-6-2, 4.1.6.1); daylight saving is bit 7. */
#define WK_CLOCK_INVALID  0x01 /* never set, or lost */
#define WK_CLOCK_DOUBTFUL 0x02 /* the estimated error is above `doubtful_us` */

typedef enum wk_clock_source {
    WK_CLOCK_FROM_NOTHING = 0,
    WK_CLOCK_FROM_BASE,   /* metrology's own time base, as it started */
    WK_CLOCK_FROM_CLIENT, /* set over an association */
    WK_CLOCK_FROM_HEADEND,
    WK_CLOCK_FROM_NTP,
    WK_CLOCK_SOURCES,
} wk_clock_source;

struct wk_clock_rules {
    int64_t step_us;     /* a deviation of so much or more is a step; up to an hour */
    int32_t slew_ppm;    /* 1..WK_CLOCK_SLEW_MOST_PPM */
    int32_t free_ppb;    /* how wrong the base may run once its rate is known; >= 0 */
    int64_t doubtful_us; /* estimated error from which the clock is doubtful; > 0 */
    int64_t ignore_us;   /* smaller deviations are left alone; >= 0, < step_us */
};

/* 10 s, 500 ppm, 6 ppm (0.5 s a day), 10 s, 5 ms. */
struct wk_clock_rules wk_clock_usual(void);

/* A reading from which the rate is measured. */
struct wk_clock_mark {
    int64_t t_us;
    int64_t ahead_us; /* UTC less t */
    int64_t error_us;
};

struct wk_clock {
    struct wk_zone zone;
    struct wk_clock_rules rules;
    int64_t anchor_us; /* t since when the terms below hold */
    int64_t shift_us;
    int32_t rate_ppb;
    int64_t slew_us;     /* correction still to be made at the anchor, signed */
    int64_t synced_us;   /* t of the last time it was set or disciplined */
    int64_t error_us;    /* estimated then */
    int64_t adjusted_us; /* the last adjustment: new minus old */
    wk_clock_source source;
    bool marked;
    struct wk_clock_mark mark[2]; /* the rate is measured from [0]; [1] takes its place */
};

/* What a reference did. */
typedef enum wk_clock_result {
    WK_CLOCK_KEPT =
        0, /* the deviation is within `ignore_us` or within what the reference knows */
    WK_CLOCK_SLEWING, /* adjusted_us will have been added by the time it is worked off */
    WK_CLOCK_STEPPED, /* adjusted_us was added at once */
} wk_clock_result;

/** WK_E_RANGE: a rule is outside its range. */
WK_MUST_USE wk_err wk_clock_init(struct wk_clock *clock, const struct wk_zone *zone,
                                 const struct wk_clock_rules *rules);

/** The meter's UTC at metrology's time `t_us`. */
int64_t wk_clock_now_us(const struct wk_clock *clock, int64_t t_us);
struct wk_utc wk_clock_utc(int64_t us);

/** Makes the clock show `new_us` at once; a correction under way ends. WK_E_RANGE: before 1970 or
 *  after 2105. */
WK_MUST_USE wk_err wk_clock_set(struct wk_clock *clock, int64_t t_us, int64_t new_us,
                                wk_clock_source source);

/* A reference's reading. */
struct wk_clock_reading {
    int64_t utc_us;
    int64_t error_us; /* how wrong it may be, half the round trip at least; >= 0 */
    wk_clock_source source;
};

/** Disciplines the clock at metrology's time `t_us`. WK_E_RANGE: the reading is before 1970 or
 *  after 2105, or its error is negative or not below `step_us`: nothing is changed. */
WK_MUST_USE wk_err wk_clock_discipline(struct wk_clock *clock, int64_t t_us,
                                       const struct wk_clock_reading *reading,
                                       wk_clock_result *result);

/** The time base began anew from an unknown time: the clock is invalid until it is set. */
void wk_clock_lose(struct wk_clock *clock);

/** Estimated error now: what the reference had, plus what the base may have lost since. */
int64_t wk_clock_error_us(const struct wk_clock *clock, int64_t t_us);
/** Status octet without the bit of daylight saving. */
uint8_t wk_clock_status(const struct wk_clock *clock, int64_t t_us);
/** Correction that is still to be made. */
int64_t wk_clock_slew_left_us(const struct wk_clock *clock, int64_t t_us);

/** What must outlive a power cut (zone and rules are configuration). WK_E_FORMAT on reading: not
 *  such a state; nothing is changed then. */
#define WK_CLOCK_PACKED 94
void wk_clock_pack(const struct wk_clock *clock, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_clock_unpack(struct wk_clock *clock, struct wk_bytes_in *in);

#endif
