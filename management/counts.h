/* SPDX-License-Identifier: Apache-2.0
 *
 * management/counts - how often and how long: sags and swells of each phase, outages, tampers and
 * changes of parameters, since the meter was made (IEC 62056-6-1, 0.0.96.7.e, 0.0.96.20.e,
 * 1.0.32.32.0 and those beside it).
 *
 * It is told what other rooms find and never judges by itself, except that what is shorter than
 * the least duration of its kind is not counted. An optional part: the module reaches it by the
 * functions that it brings along, and a meter without it links none of it. 0.5 kB of RAM. */
#ifndef WK_MANAGEMENT_COUNTS_H
#define WK_MANAGEMENT_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/object.h"
#include "management/tamper.h"
#include "metrology/record.h"

/* From which voltages on metrology finds an event, in 10^-6 of the declared voltage. It is metrology that
 * uses them; the assembler tells what they are. */
typedef enum wk_counts_threshold {
    WK_COUNTS_SAG = 0,
    WK_COUNTS_SWELL,
    WK_COUNTS_INTERRUPTION,
    WK_COUNTS_THRESHOLDS,
} wk_counts_threshold;

struct wk_counts_thresholds {
    int32_t nominal_mv; /* 0: not known before the first event tells */
    int32_t ppm[WK_COUNTS_THRESHOLDS];
};

/* Least durations. */
typedef enum wk_counts_least {
    WK_COUNTS_LEAST_SAG = 0, /* ms, from which on one is counted */
    WK_COUNTS_LEAST_SWELL,
    WK_COUNTS_LEAST_LONG, /* ms, from which on an outage is a long one */
    WK_COUNTS_LEASTS,
} wk_counts_least;
#define WK_COUNTS_LEAST_MOST_MS 86400000U /* of what a client sets */

/* Sags or swells of one phase. What several phases had together counts in each of them. */
struct wk_counts_voltage {
    uint32_t number;
    uint32_t last_ms;         /* duration of the last one */
    uint32_t last_extreme_mv; /* its residual or maximum voltage, of all its phases */
};

/* Outages: of all phases, of each, of any. */
typedef enum wk_counts_where {
    WK_COUNTS_ALL = 0,
    WK_COUNTS_L1,
    WK_COUNTS_L2,
    WK_COUNTS_L3,
    WK_COUNTS_ANY,
    WK_COUNTS_PLACES,
} wk_counts_where;

struct wk_counts_outage {
    uint32_t number; /* those while metrology ran; struct wk_rooms counts the others */
    uint32_t longs;
    uint32_t last_s;      /* UTC of the begin of the last one; 0: none */
    uint32_t last_long_s; /* duration of the last long one */
};

struct wk_counts_tamper {
    uint32_t number;
    uint32_t span_s; /* of those that ended, together */
    uint32_t last_s; /* UTC of the begin of the last one; 0: none */
    uint32_t active; /* 1: it lasts */
};

struct wk_counts;

/* Those below, and the class of its objects. */
struct wk_counts_functions {
    bool (*record)(struct wk_counts *counts, const struct wk_record_event *event,
                   int64_t utc_s);
    void (*away)(struct wk_counts *counts, int64_t utc_s, int64_t duration_us);
    void (*tamper)(struct wk_counts *counts, wk_tamper_kind kind, bool begins, bool active,
                   int64_t utc_s);
    void (*pack)(const struct wk_counts *counts, struct wk_bytes_out *out);
    wk_err (*unpack)(struct wk_counts *counts, struct wk_bytes_in *in);
    const struct wk_object_class *objects;
};

/* What the store keeps: words only, in this order. Seconds of UTC as words end in 2106. */
struct wk_counts {
    uint32_t least_ms[WK_COUNTS_LEASTS];
    struct wk_counts_voltage sag[WK_RECORD_PHASES];
    struct wk_counts_voltage swell[WK_RECORD_PHASES];
    struct wk_counts_outage outage[WK_COUNTS_PLACES];
    struct wk_counts_tamper tamper[WK_TAMPER_KINDS];
    uint32_t changes;  /* of parameters */
    uint32_t change_s; /* UTC of the last one; 0: none */
    uint32_t away_s;   /* outages in which metrology did not run, together */
    uint32_t begin_s;  /* metrology's time when counting began; 0: not yet */
    uint32_t faults; /* of samples, now: bit n = wk_record_event_kind SATURATION_BEGIN + 2 n */
    struct wk_counts_thresholds thresholds; /* from here on not stored */
    const struct wk_counts_functions *functions;
};

/** Nothing was counted; least durations 0, a long outage from 3 minutes. */
void wk_counts_init(struct wk_counts *counts, const struct wk_counts_thresholds *thresholds);

/** Classes 1 and 3 (counts_object.c). */
extern const struct wk_object_class wk_counts_object;

/** An event of metrology, at `utc_s` by the meter's clock. Whether that changed a count. An
 *  interruption is one of all phases; a sag below the threshold of interruptions in one phase alone is one of
 *  that phase: of several phases the record does not tell which was how deep. */
bool wk_counts_record(struct wk_counts *counts, const struct wk_record_event *event,
                      int64_t utc_s);

/** Metrology was away: an outage of all phases that began at `utc_s`. */
void wk_counts_away(struct wk_counts *counts, int64_t utc_s, int64_t duration_us);

/** A tamper of that kind began or ended in one of its phases; `active`: it still is in any. */
void wk_counts_tamper(struct wk_counts *counts, wk_tamper_kind kind, bool begins, bool active,
                      int64_t utc_s);

/** 0: not known yet. */
int32_t wk_counts_threshold_mv(const struct wk_counts *counts, wk_counts_threshold which);

/** How long the tamper that is active lasts; 0 if it is not. */
uint32_t wk_counts_tamper_now_s(const struct wk_counts *counts, wk_tamper_kind kind,
                                int64_t utc_s);

/* Octets for the store. */
#define WK_COUNTS_PACKED (1 + offsetof(struct wk_counts, thresholds))
void wk_counts_pack(const struct wk_counts *counts, struct wk_bytes_out *out);
/** WK_E_FORMAT: no such state; nothing changed then. */
WK_MUST_USE wk_err wk_counts_unpack(struct wk_counts *counts, struct wk_bytes_in *in);

#endif
