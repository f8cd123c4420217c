/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/en50160 - a week of supply voltage against EN 50160 (low voltage).
 *
 * Consumes the records of power quality: 10-minute values and their spectra of the voltages, the
 * 2-hour value for Plt, 10-s frequencies, events. Flagged values are kept out of the statistics
 * and counted apart. Of each characteristic it keeps how many values there were, how many lay
 * within the limit of 95 % of the time and within that of all the time, the largest, and classes
 * that give the 95 % value to a 1/48 of the limit. No memory but the struct's. */
#ifndef WK_METROLOGY_EN50160_H
#define WK_METROLOGY_EN50160_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"

#define WK_EN50160_WEEK_US  INT64_C(604800000000)
#define WK_EN50160_ORDERS   25 /* harmonics that have a limit */
#define WK_EN50160_CLASSES  64 /* 48 up to the limit, 16 beyond it */
#define WK_EN50160_TO_LIMIT 48

/* Characteristics. All are deviations or levels that shall be small: U is |U - Un| / Un; the
 * frequency |f - fn| / fn; the rest ratios as in wk_record_quality. */
typedef enum wk_en50160_kind {
    WK_EN50160_FREQUENCY = 0, /* 10 s: 1 % for 99.5 %; 4 % (up) / 6 % (down) always */
    WK_EN50160_U,             /* 10 min: 10 % for 95 %; +10 % / -15 % always; per phase */
    WK_EN50160_PLT,           /* 2 h: 1 for 95 %; per phase */
    WK_EN50160_UNBALANCE,     /* 10 min: 2 % for 95 % */
    WK_EN50160_THD,           /* 10 min: 8 % for 95 % (order 40; here: 50); per phase */
    WK_EN50160_HARMONIC,      /* 10 min: by order 2..25 for 95 %; per phase */
    WK_EN50160_KINDS
} wk_en50160_kind;

struct wk_en50160_limit {
    float usual;   /* for `percent` of the time */
    float percent; /* 95 or 99.5 */
    float always;  /* 0: none */
};

struct wk_en50160_track {
    uint32_t values;
    uint32_t within;  /* the usual limit */
    uint32_t outside; /* the limit of all the time */
    float largest;
    uint16_t count[WK_EN50160_CLASSES]; /* the last holds all beyond */
};

#define WK_EN50160_TRACKS                                                                      \
    (1 + 3 * WK_RECORD_PHASES + 1 + WK_RECORD_PHASES * (WK_EN50160_ORDERS - 1))

/* Dips by residual voltage (90..80, 80..70, 70..40, 40..5, < 5 % of Un) and duration (10..200 ms,
 * 0.2..0.5, 0.5..1, 1..5, 5..60 s, longer); swells (>= 120, 120..110 %) and duration (10..500 ms,
 * 0.5..5, 5..60 s, longer); interruptions up to and above 3 min. */
#define WK_EN50160_DIP_ROWS      5
#define WK_EN50160_DIP_COLUMNS   6
#define WK_EN50160_SWELL_ROWS    2
#define WK_EN50160_SWELL_COLUMNS 4

struct wk_en50160 {
    int32_t nominal_mv;
    int32_t nominal_uhz;
    uint8_t phases;
    int64_t begin_us; /* of the week: Monday 0:00 UTC; 0 = nothing was taken yet */
    uint32_t flagged; /* 10-minute values kept out */
    uint32_t rvcs;
    uint32_t transients;
    struct wk_en50160_track track[WK_EN50160_TRACKS];
    uint16_t dips[WK_EN50160_DIP_ROWS][WK_EN50160_DIP_COLUMNS];
    uint16_t swells[WK_EN50160_SWELL_ROWS][WK_EN50160_SWELL_COLUMNS];
    uint16_t interruptions[2]; /* short, long */
};

/** Begins a week that starts with the first record taken. */
void wk_en50160_init(struct wk_en50160 *week, int32_t nominal_mv, int32_t nominal_uhz,
                     uint8_t phases);

/** Whether a record belongs to a later week than the one kept: then report, and init anew. */
bool wk_en50160_is_over(const struct wk_en50160 *week, const struct wk_record *record);

/** Takes any record; those of no concern change nothing. */
void wk_en50160_take(struct wk_en50160 *week, const struct wk_record *record);

/** The limits of a characteristic; order: of a harmonic, 2..25, else not looked at. `usual` 0:
 *  there is none. */
struct wk_en50160_limit wk_en50160_limit_of(wk_en50160_kind kind, int order);

/** What is kept of a characteristic; phase 0..2 where it has phases, order 2..25. */
const struct wk_en50160_track *wk_en50160_track_of(const struct wk_en50160 *week,
                                                   wk_en50160_kind kind, int phase, int order);

/** Whether a characteristic met its limits; true of one without values. */
bool wk_en50160_is_met(const struct wk_en50160_track *track,
                       const struct wk_en50160_limit *limit);

/** The value not exceeded by `percent` of the values; 0 without any. */
float wk_en50160_percentile(const struct wk_en50160_track *track,
                            const struct wk_en50160_limit *limit, float percent);

#endif
