/* SPDX-License-Identifier: Apache-2.0
 *
 * management/profile - a load profile: what its columns held at the end of each interval.
 *
 * Which columns, and how long an interval, is a rule that clients and the configuration set.
 * Registers are kept as they stood, so the energy of an interval is an exact difference, and a
 * missing row costs resolution, not energy. Windows belong to the interval in which they end.
 * Rows are stamped with the end of the interval: a multiple of the period in UTC, or the end of the
 * civil day or month (23 and 25 hours included).
 *
 * Rows are numbered 0, 1, 2 ... over the life of the profile and packed in batches
 * (management/profile_batch). The newest rows are in the open batch, which the owner commits with
 * every row as a value of the store; when the next row does not fit, the batch goes to the log in
 * the same transaction. So a row is on the device as soon as its interval ended, and costs there
 *
 *   in the log    (16 record + 12 head + first row in full + 8 padding) / rows + its own bits: with
 *                 8 channels 18 octets for a household, 33 for a building, 44 for noise of 34 bits
 *                 in each; 13 months of quarter hours are 37,920 rows, so 39.5 would be 1.5 MB
 *   in the key/value ring, where it wears but does not fill: half a batch and 24, about 280
 *
 * Intervals passed over entirely leave no row: an outage of any length is the gap between two
 * stamps, and both rows at its sides say so. A clock set back lets the same stamps come again: rows
 * stay in the order they were captured, and a turn counts how often that happened. Within a turn
 * stamps rise, so ranges are found by bisection of batches, turn by turn.
 *
 * Memory: 0.85 kB each with 20 columns, caller's. Context: one thread. */
#ifndef WK_MANAGEMENT_PROFILE_H
#define WK_MANAGEMENT_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "management/profile_batch.h"
#include "management/store.h"
#include "metrology/record.h"

#define WK_PROFILE_PERIOD_MIN_S 60
#define WK_PROFILE_PERIOD_MAX_S 3600
#define WK_PROFILE_DAY_S        86400 /* period of the civil day */
#define WK_PROFILE_MONTH_S      2592000 /* ... and of the civil month: class 7 has no word for it */
#define WK_PROFILE_TOLERANCE_US                                                                \
    1000 /* a window that ends this close before the end of an                                 \
            interval ends it: sample clocks are not round */

/* Status of an interval. The low octet is 0.0.96.10.1.255, with the bits of the common companion
 * profiles; the high one 0.0.96.10.2.255. */
#define WK_PROFILE_CRITICAL       0x0001 /* records are missing or a register refused energy */
#define WK_PROFILE_CLOCK_INVALID  0x0002
#define WK_PROFILE_NOT_VALID      0x0004 /* shorter than its period: first one, or after a cut */
#define WK_PROFILE_DST            0x0008 /* daylight saving is active at its end */
#define WK_PROFILE_FLAGGED        0x0010 /* touched by a dip, swell or interruption */
#define WK_PROFILE_CLOCK_ADJUSTED 0x0020
#define WK_PROFILE_POWER_DOWN     0x0080 /* power was away for part of it */
#define WK_PROFILE_TARIFF_CHANGED 0x0100 /* another tariff came into force */
#define WK_PROFILE_DISTURBED      0x0200 /* a guard withheld energy: saturated, implausible ... */
#define WK_PROFILE_CLIPPED        0x0400 /* a channel reached the end of its range */

struct wk_profile_column {
    uint16_t class_id;
    uint8_t obis[6];
    uint8_t attribute;
};

struct wk_profile_rules {
    uint32_t period_s; /* 60..3600 and a divisor of 3600, or of a day, or of a month */
    uint8_t count;     /* of columns, 1..WK_PROFILE_COLUMNS */
    struct wk_profile_column column[WK_PROFILE_COLUMNS];
};

/* The interval under way. Packed with the registers in every commit. */
struct wk_profile_open {
    struct wk_utc end; /* 0 = no interval yet */
    uint16_t status;
    int64_t span_us; /* metered so far */
    int64_t u_mv_us[WK_RECORD_PHASES];
    int64_t i_ma_us[WK_RECORD_PHASES];
};

struct wk_profile {
    struct wk_profile_rules rules;
    uint8_t log;          /* of the store */
    bool means;           /* some column is a mean of the interval: sums are kept */
    bool stale;           /* the store has other rules: what it holds is to be cleared */
    uint32_t configured;  /* checksum of the rules it was started with */
    uint64_t first;       /* rows before this one were cleared */
    struct wk_utc newest; /* end of the newest row of the open batch; 0 = there is none */
    struct wk_profile_open open;
    struct wk_profile_batch batch; /* the newest rows */
};

/* ---- rules ------------------------------------------------------------------------------- */

/** WK_E_RANGE: a period that is not one of those above, or no or too many columns. What the columns
 *  may be is the owner's to check. */
WK_MUST_USE wk_err wk_profile_check(const struct wk_profile_rules *rules);

/** Starts a profile without rows. Errors of wk_profile_check. */
WK_MUST_USE wk_err wk_profile_init(struct wk_profile *profile,
                                   const struct wk_profile_rules *rules, uint8_t log);

/** Sets other rules: all rows are cleared, as class 7 has it, and the interval under way begins
 *  anew. Errors of wk_profile_check: nothing is changed then. */
WK_MUST_USE wk_err wk_profile_configure(struct wk_profile *profile,
                                        const struct wk_profile_rules *rules);

/** Clears all rows. Numbers go on. */
void wk_profile_clear(struct wk_profile *profile);

/* ---- capture ----------------------------------------------------------------------------- */

/** True if an interval ended before `now_us` (a window that ends at now_us then belongs to the
 *  next interval). */
bool wk_profile_is_due(const struct wk_profile *profile, int64_t now_us);

/** True if the clock was set back to before the interval under way. */
bool wk_profile_is_ahead(const struct wk_profile *profile, const struct wk_zone *zone,
                         int64_t now_us);

/** Closes the interval: `row` holds the values as they are, its end and status are filled in. The
 *  interval that contains `now_us` is open afterwards. The row counts with the next commit, which
 *  must hold the octets of `batch`. Errors of wk_store_append; WK_E_FORMAT: the open
 *  batch is none. */
WK_MUST_USE wk_err wk_profile_capture(struct wk_profile *profile, const struct wk_zone *zone,
                                      struct wk_store *store, int64_t now_us,
                                      struct wk_profile_row *row);

/** Adds a window that ends at `now_us` to the interval under way. */
void wk_profile_add(struct wk_profile *profile, const struct wk_zone *zone,
                    const struct wk_record *record, int64_t now_us);

/** Marks the interval under way. */
void wk_profile_mark(struct wk_profile *profile, uint16_t status);

/** Drops the interval under way without a row: the clock was set to another one. The next
 *  window opens the interval it belongs to. */
void wk_profile_restart(struct wk_profile *profile, uint16_t status);

/** Means of the interval under way, by time; 0 if nothing was metered yet. */
int64_t wk_profile_mean_mv(const struct wk_profile_open *open, uint32_t phase);
int64_t wk_profile_mean_ma(const struct wk_profile_open *open, uint32_t phase);

/* ---- reading ----------------------------------------------------------------------------- */

/* Where a reader stands; 1.2 kB with 20 columns. Set `number` and zero the rest. */
struct wk_profile_reader {
    uint64_t number; /* of the next row */
    bool placed;
    struct wk_store_reader log;
    struct wk_profile_batch batch;
    struct wk_profile_walk walk;
};

/** Numbers of the oldest row still held and of the next one to come. */
WK_MUST_USE wk_err wk_profile_span(const struct wk_profile *profile,
                                   const struct wk_store *store, uint64_t *oldest,
                                   uint64_t *next);

/** Reads the row the reader stands on and moves on. WK_E_NOT_FOUND: not held (any more, or yet);
 *  WK_E_FORMAT: an entry of the log is no batch. */
WK_MUST_USE wk_err wk_profile_read(const struct wk_profile *profile,
                                   const struct wk_store *store,
                                   struct wk_profile_reader *reader,
                                   struct wk_profile_row *row);

/* A range of time, both included. */
struct wk_profile_range {
    struct wk_utc from;
    struct wk_utc to;
};

/* Rows whose end lies in a range: `count` of those in [first, next); all of them unless the clock
 * had gone back. */
struct wk_profile_found {
    uint64_t first;
    uint64_t next;
    uint64_t count;
};

/** Finds the rows of a range. */
WK_MUST_USE wk_err wk_profile_find(const struct wk_profile *profile,
                                   const struct wk_store *store,
                                   const struct wk_profile_range *range,
                                   struct wk_profile_found *found);

/** The first row at or after *number whose end lies in the range; the number of the next row to come
 *  if there is none. */
WK_MUST_USE wk_err wk_profile_skip(const struct wk_profile *profile,
                                   const struct wk_store *store,
                                   const struct wk_profile_range *range, uint64_t *number);

/* ---- octets for the store ---------------------------------------------------------------- */

/* The interval under way (in every commit; shorter if it is as that of `other`, which is read before), the rules and what was cleared, the octets of
 * `batch` as they are: read in this order. The rules that were set last win, be it over an association or in the configuration;
 * if the configuration changed since, the profile is cleared and wk_profile_rows_unpack says so.
 * Reading faults WK_E_FORMAT. */
#define WK_PROFILE_OPEN_PACKED  68
#define WK_PROFILE_RULES_PACKED (4 + 4 + 1 + 9 * WK_PROFILE_COLUMNS + 8)
void wk_profile_open_pack(const struct wk_profile *profile, const struct wk_profile *other,
                          struct wk_bytes_out *out);
void wk_profile_open_unpack(struct wk_profile *profile, const struct wk_profile *other,
                            struct wk_bytes_in *in);
void wk_profile_rules_pack(const struct wk_profile *profile, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_profile_rules_unpack(struct wk_profile *profile, struct wk_bytes_in *in);
WK_MUST_USE wk_err wk_profile_rows_unpack(struct wk_profile *profile, struct wk_bytes_in *in,
                                          bool *cleared);

#endif
