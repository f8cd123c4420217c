/* SPDX-License-Identifier: Apache-2.0
 *
 * management/profile - the load profile (1.0.99.1.0.255), one entry per capture period.
 *
 * An entry holds the registers as they stood at the end of its interval, so the energy of an
 * interval is an exact difference, and a missing entry costs resolution, not energy. Windows
 * belong to the interval in which they end. Entries are stamped with the end of the interval,
 * a multiple of the period in UTC. */
#ifndef WK_MANAGEMENT_PROFILE_H
#define WK_MANAGEMENT_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "management/registers.h"
#include "management/store.h"
#include "metrology/record.h"

#define WK_PROFILE_TARIFFS      4 /* that an entry holds */
#define WK_PROFILE_PERIOD_MIN_S 60
#define WK_PROFILE_PERIOD_MAX_S 3600
#define WK_PROFILE_TOLERANCE_US                                                                \
    1000 /* a window that ends this close before the end of an                                 \
            interval ends it: sample clocks are not round */

/* Status of an interval (0.0.96.10.1.255; the bits of the common companion profiles). */
#define WK_PROFILE_CRITICAL       0x01 /* records are missing or a register refused energy */
#define WK_PROFILE_CLOCK_INVALID  0x02
#define WK_PROFILE_NOT_VALID      0x04 /* shorter than its period: first one, or after a cut */
#define WK_PROFILE_DST            0x08 /* daylight saving is active */
#define WK_PROFILE_FLAGGED        0x10 /* touched by a dip, swell or interruption */
#define WK_PROFILE_CLOCK_ADJUSTED 0x20
#define WK_PROFILE_POWER_DOWN     0x80 /* power was away for part of it */

struct wk_profile_entry {
    struct wk_utc end;
    uint8_t status;
    int64_t import_uwh; /* the registers at `end` */
    int64_t export_uwh;
    int64_t import_tariff_uwh[WK_PROFILE_TARIFFS];
    int64_t reactive_import_uvarh;
    int64_t reactive_export_uvarh;
    uint32_t u_mean_mv[WK_RECORD_PHASES]; /* mean of the window values, by time */
    uint32_t i_mean_ma[WK_RECORD_PHASES];
};

/* The interval under way. Packed with the registers in every commit. */
struct wk_profile_open {
    struct wk_utc end; /* 0 = no interval yet */
    uint8_t status;
    int64_t span_us; /* metered so far */
    int64_t u_mv_us[WK_RECORD_PHASES];
    int64_t i_ma_us[WK_RECORD_PHASES];
};

struct wk_profile {
    uint16_t period_s; /* divides 3600 */
    struct wk_profile_open open;
};

/** WK_E_RANGE: the period is outside 60..3600 or does not divide an hour. */
WK_MUST_USE wk_err wk_profile_init(struct wk_profile *profile, uint16_t period_s);

/** True if an interval ended before `now_us` (a window that ends at now_us then belongs to the
 *  next interval). */
bool wk_profile_is_due(const struct wk_profile *profile, int64_t now_us);

/** Closes the interval with the registers as they are and appends its entry; the interval that
 *  contains `now_us` is open afterwards. Intervals passed over entirely leave no entry. */
WK_MUST_USE wk_err wk_profile_capture(struct wk_profile *profile,
                                      const struct wk_registers *registers,
                                      struct wk_store *store, uint8_t log, int64_t now_us);

/** Adds a window that ends at `now_us` to the interval under way. */
void wk_profile_add(struct wk_profile *profile, const struct wk_record *record, int64_t now_us);

/** Marks the interval under way. */
void wk_profile_mark(struct wk_profile *profile, uint8_t status);

/** Drops the interval under way without an entry: the clock was set to another one. The next
 *  window opens the interval it belongs to. */
void wk_profile_restart(struct wk_profile *profile, uint8_t status);

/** Reads where the reader stands; WK_E_NOT_FOUND at the end. */
WK_MUST_USE wk_err wk_profile_read(const struct wk_store *store, uint8_t log,
                                   struct wk_store_reader *reader,
                                   struct wk_profile_entry *entry);

/** Numbers [first, next) of the entries whose end lies in from..to, both included, by
 *  bisection; first == next if there are none. */
WK_MUST_USE wk_err wk_profile_find(const struct wk_store *store, uint8_t log,
                                   struct wk_utc from, struct wk_utc to, uint64_t *first,
                                   uint64_t *next);

void wk_profile_pack(const struct wk_profile *profile, struct wk_bytes_out *out);
void wk_profile_unpack(struct wk_profile *profile, struct wk_bytes_in *in);

#endif
