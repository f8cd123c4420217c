/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/trials - the trials of the report, one file per field of the standards. */
#ifndef WK_ACCURACY_TRIALS_H
#define WK_ACCURACY_TRIALS_H

#include "accuracy/trial.h"

/** Active energy on the ideal converter: the classes' tables, starting, no load. */
void wk_trials_add_energy(struct wk_trial_list *list);
/** ... and under influence quantities: voltage, frequency, sequence, waveforms. */
void wk_trials_add_influence(struct wk_trial_list *list);
/** Active energy through converters with noise and current transformers, calibrated. */
void wk_trials_add_frontend(struct wk_trial_list *list);
/** Reactive energy of the fundamental. */
void wk_trials_add_reactive(struct wk_trial_list *list);
/** U, I, frequency, unbalance in the influence states of class A. */
void wk_trials_add_quantity(struct wk_trial_list *list);
/** Harmonics, interharmonics, distortion, mains signalling. */
void wk_trials_add_spectrum(struct wk_trial_list *list);
void wk_trials_add_flicker(struct wk_trial_list *list);
/** Dips, swells, interruptions. */
void wk_trials_add_event(struct wk_trial_list *list);
/** What interference does to energy and to displayed values. */
void wk_trials_add_noise(struct wk_trial_list *list);

/** Energy of a signal against its integral over the same time; for several of the above. */
wk_err wk_trials_run_energy(struct wk_trial *trial, struct wk_player *player);
/** Loads the phases of the setup evenly. */
void wk_trials_make_load(const struct wk_trial *trial, struct wk_wave *wave);

#endif
