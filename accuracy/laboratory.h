/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/laboratory - runs trials on all cores. */
#ifndef WK_ACCURACY_LABORATORY_H
#define WK_ACCURACY_LABORATORY_H

#include "accuracy/trial.h"

/* Told after every trial, from one thread at a time. */
typedef void (*wk_laboratory_tell)(void *self, const struct wk_trial *trial, size_t done,
                                   size_t of);

/** Runs those with chosen[i]; results are in the trials. False: no memory or no thread. */
bool wk_laboratory_run(struct wk_trial_list *list, const bool *chosen, wk_laboratory_tell tell,
                       void *self);

#endif
