/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_payment - the assembler's part that carries energy to the account of a meter
 * with payment, what the account decided to the supply and to the logs, and both to the store.
 * Does nothing in a meter without one. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_PAYMENT_H
#define WK_MANAGEMENT_MODULE_PAYMENT_H

#include "management/module.h"

#define WK_MODULE_PAYMENT_ROOM 1024 /* octets of a value in the store, most */

/** A block gained energy at management/price's price. */
void wk_module_payment_use(struct wk_module *module, int64_t energy_uwh, int32_t price_e6,
                           struct wk_utc at);
/** After a window or a command: the account goes on, and what it tells is logged. */
WK_MUST_USE wk_err wk_module_payment_step(struct wk_module *module);
/** Whether the account keeps the supply open. */
bool wk_module_payment_cuts(const struct wk_rooms *rooms);
/** Whether the supply waits for a hand after it. */
bool wk_module_payment_arms(const struct wk_rooms *rooms);
/** The button was pressed while it does: true if that gave credit. */
WK_MUST_USE wk_err wk_module_payment_press(struct wk_module *module);

/** Marks the values that are other ones than in the last commit. */
void wk_module_payment_mark(struct wk_module *module);
void wk_module_payment_pack(const struct wk_module *module, uint8_t key,
                            struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_module_payment_unpack(struct wk_module *module, uint8_t key,
                                            struct wk_bytes_in *in);

#endif
