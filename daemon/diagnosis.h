/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/diagnosis - the installation check and the balance of the phases as JSON, the same for
 * the local page and for `wk`. docs/installation.md describes the members.
 *
 * The caller owns what is returned (json_decref); NULL: out of memory. */
#ifndef WK_DAEMON_DIAGNOSIS_H
#define WK_DAEMON_DIAGNOSIS_H

#include <stdbool.h>

#include <jansson.h>

#include "metrology/balance.h"
#include "metrology/wiring.h"

/** Names that wk_diagnosis_declare takes; the last is NULL. */
extern const char *const wk_diagnosis_names[];

/** Takes one thing that is declared of the installation:
 *  rated, nominal, most, least: A, V; load: any, inductive, capacitive; flow: import, export,
 *  either, one for all or "import,export,import"; unloaded: phases such as "2,3"; transformers:
 *  yes, no. NULL: taken; else what the value must be. */
const char *wk_diagnosis_declare(struct wk_wiring_declared *declared, const char *name,
                                 const char *value);

/** The verdict with phasors, proposed correction and the powers before and after. */
json_t *wk_diagnosis_wiring(const struct wk_wiring *wiring,
                            const struct wk_wiring_declared *declared);

/** Imbalance now and over the history, loads, newest steps, the recommended move. */
json_t *wk_diagnosis_balance(const struct wk_balance *balance);

/** "Move the ~2.1 kW load from L1 to L3: mean imbalance 41 % -> 17 %", or why nothing is
 *  recommended. */
void wk_diagnosis_say_move(const struct wk_balance *balance, const struct wk_balance_move *move,
                           char *text, size_t room);

#endif
