/* SPDX-License-Identifier: Apache-2.0
 *
 * management/registers - the energy registers: totals, tariffs, quadrants, phases.
 *
 *   invariant 1   import_uwh == sum of import_tariff_uwh, export likewise: exact, always
 *   invariant 2   no register ever falls
 * int64 uWh reach 9.2e12 Wh; they do not wrap in the life of a meter. */
#ifndef WK_MANAGEMENT_REGISTERS_H
#define WK_MANAGEMENT_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/tariff.h"
#include "metrology/record.h"

struct wk_registers {
    int64_t import_uwh;                         /* 1.0.1.8.0 */
    int64_t export_uwh;                         /* 1.0.2.8.0 */
    int64_t q_uvarh[4];                         /* 1.0.5.8.0 .. 1.0.8.8.0: quadrants I..IV */
    int64_t import_tariff_uwh[WK_TARIFF_COUNT]; /* 1.0.1.8.1 .. */
    int64_t export_tariff_uwh[WK_TARIFF_COUNT]; /* 1.0.2.8.1 .. */
    int64_t import_phase_uwh[WK_RECORD_PHASES]; /* 1.0.21.8.0, 41, 61 */
    int64_t export_phase_uwh[WK_RECORD_PHASES]; /* 1.0.22.8.0, 42, 62 */
    int64_t import1_uwh;         /* 1.0.128.8.0: of the fundamental, without harmonics */
    int64_t export1_uwh;         /* 1.0.129.8.0 */
    int64_t import_uvah;         /* 1.0.9.8.0: apparent */
    int64_t export_uvah;         /* 1.0.10.8.0 */
    int64_t withheld_import_uwh; /* 1.0.130.8.0: seen, but kept out by a guard of metrology */
    int64_t withheld_export_uwh; /* 1.0.131.8.0 */
};

/** Adds the energy of one window to the totals and to tariff 1..4. WK_E_RANGE: an energy is
 *  negative, a register would overflow, or there is no such tariff; nothing is added then. */
WK_MUST_USE wk_err wk_registers_add(struct wk_registers *registers,
                                    const struct wk_record_window *window, uint8_t tariff);

/** Reactive energy by sign: import = quadrants I + II (1.0.3.8.0), export = III + IV
 *  (1.0.4.8.0). */
int64_t wk_registers_reactive_import_uvarh(const struct wk_registers *registers);
int64_t wk_registers_reactive_export_uvarh(const struct wk_registers *registers);

void wk_registers_pack(const struct wk_registers *registers, struct wk_bytes_out *out);
/** `is_old`: packed before there were registers of the fundamental, apparent and withheld
 *  energy, which then begin at 0. */
void wk_registers_unpack(struct wk_registers *registers, struct wk_bytes_in *in, bool is_old);

#endif
