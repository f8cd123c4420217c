/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/wiring_fit - the search of the installation check: which wiring explains phasors.
 *
 * For metrology/wiring only. Voltages are in units of the nominal one, currents of the rated
 * one. About 0.2 kB of stack per level; at most 421 voltage sides and 91 current sides. */
#ifndef WK_METROLOGY_WIRING_FIT_H
#define WK_METROLOGY_WIRING_FIT_H

#include "metrology/wiring.h"
#include "metrology/wiring_complex.h"

/* The averages. */
struct wk_wiring_seen {
    const struct wk_wiring_declared *declared;
    int phases;
    struct wk_wiring_complex u[WK_WIRING_PHASES];
    struct wk_wiring_complex i[WK_WIRING_PHASES];
    uint8_t without; /* bits: inputs below the least current */
};

/* A voltage side that explains what is seen: the phasor of L1 of the supply. */
struct wk_wiring_fit {
    struct wk_wiring_complex first;
    int8_t rotation;
};

struct wk_wiring_result {
    bool found;
    bool ambiguous; /* `rival` explains as well as `layout` */
    bool exports;   /* explained by an export that was left open */
    bool has_rival;
    struct wk_wiring_fit fit;
    struct wk_wiring_layout layout;
    struct wk_wiring_layout rival;
};

/** Tries every wiring of up to WK_WIRING_FAULTS faults. Without `currents` the voltages alone
 *  are explained. */
void wk_wiring_fit_search(const struct wk_wiring_seen *seen, bool currents,
                          struct wk_wiring_result *result);

/** The voltage input that measures a phase against the neutral, or NONE. */
uint8_t wk_wiring_fit_voltage_input(const struct wk_wiring_layout *layout, int phases,
                                    int phase);
/** The voltage of a phase: measured, else reconstructed. */
struct wk_wiring_complex wk_wiring_fit_voltage(const struct wk_wiring_seen *seen,
                                               const struct wk_wiring_layout *layout,
                                               const struct wk_wiring_fit *fit, int phase);
/** The input whose CT is on a phase. */
int wk_wiring_fit_current_input(const struct wk_wiring_layout *layout, int phase);
/** The current of a phase, its CT turned the right way. */
struct wk_wiring_complex wk_wiring_fit_current(const struct wk_wiring_seen *seen,
                                               const struct wk_wiring_layout *layout,
                                               int phase);
/** u * conj(i) */
struct wk_wiring_complex wk_wiring_fit_power(struct wk_wiring_complex u,
                                             struct wk_wiring_complex i);
/** -180..180 */
float wk_wiring_fit_angle_deg(struct wk_wiring_complex a);

#endif
