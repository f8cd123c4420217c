/* SPDX-License-Identifier: Apache-2.0
 *
 * management/registers - the energy registers: totals, tariffs, blocks, quadrants, phases.
 *
 * A block tariff prices the first so many kWh of a billing period in another way than the next
 * ones. The energy that crosses a threshold is divided there, to the uWh, whatever window it
 * came in.
 *
 *   invariant 1   import_uwh == sum of import_uwh of the rates, export and quadrants likewise
 *   invariant 2   import_uwh of a rate == sum of its blocks
 *   invariant 3   no register ever falls
 * all exact, always. int64 uWh reach 9.2e12 Wh; they do not wrap in the life of a meter. */
#ifndef WK_MANAGEMENT_REGISTERS_H
#define WK_MANAGEMENT_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/tariff.h"
#include "metrology/record.h"

#define WK_REGISTERS_BLOCKS 4

/* What one tariff gained. */
struct wk_registers_rate {
    int64_t import_uwh;                     /* 1.0.1.8.1 .. 8 */
    int64_t export_uwh;                     /* 1.0.2.8.1 .. 8 */
    int64_t q_uvarh[4];                     /* 1.0.5.8.1 .. 1.0.8.8.8 */
    int64_t block_uwh[WK_REGISTERS_BLOCKS]; /* 1.0.1.8.(128 + 4 * (rate - 1) + block - 1) */
};

struct wk_registers {
    int64_t import_uwh; /* 1.0.1.8.0 */
    int64_t export_uwh; /* 1.0.2.8.0 */
    int64_t q_uvarh[4]; /* 1.0.5.8.0 .. 1.0.8.8.0: quadrants I..IV */
    struct wk_registers_rate rate[WK_TARIFF_COUNT];
    int64_t import_phase_uwh[WK_RECORD_PHASES]; /* 1.0.21.8.0, 41, 61 */
    int64_t export_phase_uwh[WK_RECORD_PHASES]; /* 1.0.22.8.0, 42, 62 */
    int64_t import1_uwh;         /* 1.0.128.8.0: of the fundamental, without harmonics */
    int64_t export1_uwh;         /* 1.0.129.8.0 */
    int64_t import_uvah;         /* 1.0.9.8.0: apparent */
    int64_t export_uvah;         /* 1.0.10.8.0 */
    int64_t withheld_import_uwh; /* 1.0.130.8.0: seen, but kept out by a guard of metrology */
    int64_t withheld_export_uwh; /* 1.0.131.8.0 */
};

/* Where blocks end, by the import of the billing period over all tariffs. */
struct wk_registers_blocks {
    int64_t threshold_uwh[WK_REGISTERS_BLOCKS - 1]; /* rising; 0: there are no more blocks */
    int64_t begin_uwh; /* import_uwh at the begin of the billing period */
};

/** WK_E_RANGE: thresholds are negative or do not rise. */
WK_MUST_USE wk_err wk_registers_check_blocks(const struct wk_registers_blocks *blocks);

/** Which block is in force, 0..WK_REGISTERS_BLOCKS - 1. */
uint8_t wk_registers_block(const struct wk_registers *registers,
                           const struct wk_registers_blocks *blocks);

/** Adds the energy of one window to the totals, to tariff 1..8 and to its blocks. WK_E_RANGE: an
 *  energy is negative, a register would overflow, or there is no such tariff; nothing is added
 *  then. */
WK_MUST_USE wk_err wk_registers_add(struct wk_registers *registers,
                                    const struct wk_record_window *window, uint8_t tariff,
                                    const struct wk_registers_blocks *blocks);

/** Reactive energy by sign: import = quadrants I + II (1.0.3.8.0), export = III + IV
 *  (1.0.4.8.0). */
int64_t wk_registers_reactive_import_uvarh(const struct wk_registers *registers);
int64_t wk_registers_reactive_export_uvarh(const struct wk_registers *registers);

/* Octets for the store: the totals, and each rate by itself, so that a commit writes only what
 * moved. */
#define WK_REGISTERS_PACKED      144
#define WK_REGISTERS_RATE_PACKED 80
void wk_registers_pack(const struct wk_registers *registers, struct wk_bytes_out *out);
void wk_registers_unpack(struct wk_registers *registers, struct wk_bytes_in *in);
void wk_registers_rate_pack(const struct wk_registers_rate *rate, struct wk_bytes_out *out);
void wk_registers_rate_unpack(struct wk_registers_rate *rate, struct wk_bytes_in *in);
/** Whether the invariants hold; of what was unpacked. */
bool wk_registers_agree(const struct wk_registers *registers);

#endif
