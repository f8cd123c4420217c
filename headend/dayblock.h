/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/dayblock - one channel of one meter over one UTC day, as it is stored.
 *
 * What is read from a meter are registers at the ends of intervals; a block holds their
 * differences and the exact registers at both ends of the day, so that
 *     reg_start + sum(value[0..n-1]) == reg_end           (the sum check, always exact)
 * holds without looking at the values one by one. A slot whose reading is missing has value 0
 * and WK_SLOT_MISSING; the next slot that was read holds the energy of the whole gap and is
 * marked WK_SLOT_SPANS: it is no interval value, but nothing is lost. If the gap goes on past
 * the day, reg_end is the last register that is known. A register that runs backwards gives a
 * negative value marked WK_SLOT_RESET. A day is always UTC (86,400 s): a local day of 23 or 25
 * hours is a view. Slot k ends at day * 86400 + (k + 1) * period_s.
 *
 * Stored form: `values` = codec octet 1, then per slot a zigzag varint (LEB128); `flags` = runs
 * of (varint count, uint16 little endian), empty if all flags are 0; `crc` = CRC-32 over the
 * key, n, period, registers, values and flags. */
#ifndef WK_HEADEND_DAYBLOCK_H
#define WK_HEADEND_DAYBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_DAYBLOCK_SLOTS  1440 /* intervals of at least 60 s */
#define WK_DAYBLOCK_VALUES (1 + 10 * WK_DAYBLOCK_SLOTS)
#define WK_DAYBLOCK_FLAGS  (4 * WK_DAYBLOCK_SLOTS)

/* flags of a slot, OR-ed; the texts appear in the API */
#define WK_SLOT_LIST(X)                                                                        \
    X(WK_SLOT_MISSING, 0x0001, "missing")               /* no reading for this slot */         \
    X(WK_SLOT_SPANS, 0x0002, "spans")                   /* holds the energy of a gap too */    \
    X(WK_SLOT_ESTIMATED, 0x0004, "estimated")           /* by VEE; sums equal the registers */ \
    X(WK_SLOT_BEFORE, 0x0008, "before")                 /* before the meter was installed */   \
    X(WK_SLOT_POWER_FAIL, 0x0010, "power_fail")         /* the meter says it had no supply */  \
    X(WK_SLOT_CLOCK_INVALID, 0x0020, "clock_invalid")   /* the meter doubts its time */        \
    X(WK_SLOT_CLOCK_ADJUSTED, 0x0040, "clock_adjusted") /* the clock was set in this slot */   \
    X(WK_SLOT_DST, 0x0080, "dst")                       /* daylight saving was active */       \
    X(WK_SLOT_INVALID, 0x0100, "invalid")               /* the meter doubts this value */      \
    X(WK_SLOT_CRITICAL, 0x0200, "critical")             /* the meter reports a fault */        \
    X(WK_SLOT_RESET, 0x0400, "reset")                   /* the register ran backwards */       \
    X(WK_SLOT_SUSPECT, 0x0800, "suspect")               /* failed a plausibility check */

#define WK_SLOT_ENUM(name, value, text) name = (value),
enum { WK_SLOT_LIST(WK_SLOT_ENUM) };
#undef WK_SLOT_ENUM

/* What made a revision. Raw revisions are what the meter said; they are never overwritten. */
typedef enum wk_dayblock_reason {
    WK_DAYBLOCK_RAW = 0,       /* first closing of the day */
    WK_DAYBLOCK_LATE = 1,      /* raw, with readings that came after the day was closed */
    WK_DAYBLOCK_CHANGED = 2,   /* raw, with a reading that differs from the one before */
    WK_DAYBLOCK_ESTIMATED = 3, /* VEE filled gaps */
} wk_dayblock_reason;

struct wk_dayblock {
    int64_t meter;
    int32_t channel;
    int32_t day; /* UTC day number since 1970-01-01 */
    int32_t rev; /* 0, 1, 2 ...: the highest is in force */
    wk_dayblock_reason reason;
    int32_t period_s; /* divides 86,400; >= 60 */
    int32_t n;        /* 86400 / period_s */
    int64_t reg_start;
    int64_t reg_end;
    int64_t recv_s; /* when this revision was written, UTC */
    int64_t value[WK_DAYBLOCK_SLOTS];
    uint16_t flags[WK_DAYBLOCK_SLOTS];
};

/** Whether the reason makes it a revision of raw readings. */
bool wk_dayblock_is_raw(const struct wk_dayblock *block);
/** reg_start + sum of all values == reg_end, without overflow. */
bool wk_dayblock_sums(const struct wk_dayblock *block);

/** WK_E_FULL: no room in an output. WK_E_ARGUMENT: n or period_s do not fit a day. */
WK_MUST_USE wk_err wk_dayblock_pack(const struct wk_dayblock *block,
                                    struct wk_bytes_out *values, struct wk_bytes_out *flags);
/** Fills value and flags from the stored form; key, n, period_s and registers are set by the
 *  caller before. WK_E_CORRUPT: damaged, or not n slots; WK_E_UNSUPPORTED: unknown codec. On
 *  error the content of value and flags is undefined. */
WK_MUST_USE wk_err wk_dayblock_unpack(struct wk_dayblock *block, struct wk_bytes_in values,
                                      struct wk_bytes_in flags);
/** The check sum stored with the packed form. */
uint32_t wk_dayblock_crc(const struct wk_dayblock *block, struct wk_bytes_in values,
                         struct wk_bytes_in flags);

#endif
