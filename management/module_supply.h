/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_supply - the assembler's part that moves the supply: it hands the newest
 * window to limiter, protection and relays, carries what they find to the reasons, the reasons
 * to the disconnect control, and the disconnect control's state to the contactor. docs/supply.md
 * tells the whole. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_SUPPLY_H
#define WK_MANAGEMENT_MODULE_SUPPLY_H

#include "management/module.h"

#define WK_MODULE_SUPPLY_ROOM 448 /* octets of its value in the store, most */

void wk_module_supply_start(struct wk_module *module, const struct wk_module_config *config,
                            const struct wk_module_ports *ports);

/** After a window: everything. */
WK_MUST_USE wk_err wk_module_supply_step(struct wk_module *module,
                                         const struct wk_record *record);

/** After commands: reasons and contactor, with the newest window. */
WK_MUST_USE wk_err wk_module_supply_settle(struct wk_module *module);

/** Buttons were pressed: WK_HAL_BUTTON_*. */
WK_MUST_USE wk_err wk_module_supply_press(struct wk_module *module, uint8_t pressed);

/** Power is back at `t_us` after `away_us`. */
WK_MUST_USE wk_err wk_module_supply_outage(struct wk_module *module, int64_t t_us,
                                           int64_t away_us);

/** The part of the supply in the store (module_pack). `key` is not looked at. WK_E_FORMAT: no
 *  form this version knows. */
void wk_module_supply_pack(const struct wk_module *module, uint8_t key,
                           struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_module_supply_unpack(struct wk_module *module, uint8_t key,
                                           struct wk_bytes_in *in);
/** Of what pack gives: another one says that it must be committed. */
uint32_t wk_module_supply_crc(const struct wk_module *module);

#endif
