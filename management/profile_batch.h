/* SPDX-License-Identifier: Apache-2.0
 *
 * management/profile_batch - rows of a profile, packed without loss.
 *
 * A batch is a head and a stream of bits, and is read by itself. Its columns are the end of the
 * interval, the status, which values are absent, then the values. A value is written as what is
 * left of one of three predictions (the value before; as much more as the row before gained; as
 * much more as the first value gained in this row), whichever would have cost less lately: both
 * sides keep the same books. What is left is folded to a number without sign of n bits; n is
 * written as its change against the row before (exponential Golomb), then the n - 1 bits below
 * the leading one. A value that goes on as predicted takes one bit; no value takes more than
 * 15 + 63. Values are int64 and may take any step: differences wrap.
 *
 * docs/on-flash.md lists the bits. */
#ifndef WK_MANAGEMENT_PROFILE_BATCH_H
#define WK_MANAGEMENT_PROFILE_BATCH_H

#include <stdint.h>

#include "base/civil.h"
#include "base/err.h"

/* Values of a row, at most 32. The build says how many (CMakeLists.txt): each takes 10 octets of RAM
 * for each profile, and 40 of stack. What is stored does not depend on it, but who has room for fewer
 * reads no rules and no rows with more. */
#ifndef WK_PROFILE_COLUMNS
#define WK_PROFILE_COLUMNS 20
#endif
#define WK_PROFILE_BATCH      512 /* octets; a row takes 9.9 for each value, and 30, at most */
#define WK_PROFILE_BATCH_HEAD 12
#define WK_PROFILE_BATCH_ROWS 255

struct wk_profile_row {
    struct wk_utc end; /* of the interval */
    uint16_t status;
    uint32_t absent; /* a bit per value: there is none */
    int64_t value[WK_PROFILE_COLUMNS];
};

struct wk_profile_batch {
    uint16_t size; /* octets in use */
    uint8_t octets[WK_PROFILE_BATCH];
};

struct wk_profile_batch_head {
    uint8_t columns;
    uint8_t rows;
    uint32_t turn;   /* how often the clock had gone back; one batch knows one turn */
    uint64_t number; /* of the first row; below 2^40 */
};

/* Where one stands between the rows of a batch; about 0.6 kB with 20 columns. Fields: this room only. */
#define WK_PROFILE_WALK_TRACES (3 + WK_PROFILE_COLUMNS)
struct wk_profile_walk {
    struct {
        uint64_t value; /* of the row before */
        uint64_t gain;  /* of the row before */
        uint16_t cost[3];
        uint8_t bits;
    } trace[WK_PROFILE_WALK_TRACES];
    uint32_t bit; /* next one of the batch */
    uint8_t row;  /* next one */
};

/** Makes an empty batch. `head`: rows is not looked at. */
void wk_profile_batch_begin(struct wk_profile_batch *batch,
                            const struct wk_profile_batch_head *head);

/** WK_E_FORMAT: this is no batch. Looks at the head only. */
WK_MUST_USE wk_err wk_profile_batch_head(const struct wk_profile_batch *batch,
                                         struct wk_profile_batch_head *head);

/** Stands before the first row. */
void wk_profile_batch_walk(struct wk_profile_walk *walk);

/** Reads the next row. Values beyond the columns of the batch and absent ones are 0. WK_E_NOT_FOUND:
 *  there are no more; WK_E_FORMAT: these are not rows, or something follows them. */
WK_MUST_USE wk_err wk_profile_batch_read(const struct wk_profile_batch *batch,
                                         struct wk_profile_walk *walk,
                                         struct wk_profile_row *row);

/** Adds a row; the walk stands behind the last one (before and after). WK_E_FULL: it does not fit;
 *  the batch is unchanged, the walk is void. */
WK_MUST_USE wk_err wk_profile_batch_push(struct wk_profile_batch *batch,
                                         struct wk_profile_walk *walk,
                                         const struct wk_profile_row *row);

/** The same without a walk: passes over the rows that are there. WK_E_FORMAT as above. */
WK_MUST_USE wk_err wk_profile_batch_append(struct wk_profile_batch *batch,
                                           const struct wk_profile_row *row);

#endif
