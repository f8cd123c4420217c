/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_tamper - the assembler's part that watches for fraud: it reads the case,
 * hands window and readings to management/tamper, logs what begins and ends, and hands pressed
 * buttons to the supply. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_TAMPER_H
#define WK_MANAGEMENT_MODULE_TAMPER_H

#include "management/module.h"

#define WK_MODULE_TAMPER_ROOM WK_TAMPER_PACKED /* octets of one of its two values, most */

void wk_module_tamper_start(struct wk_module *module, const struct wk_module_config *config);

/** After a window, before the supply. */
WK_MUST_USE wk_err wk_module_tamper_step(struct wk_module *module,
                                         const struct wk_record *record);

/** An event was logged: refused logins, set clocks and changed parameters are counted. */
void wk_module_tamper_note(struct wk_module *module, const struct wk_event *event);

/** The two parts of the store (module_pack): WK_MODULE_KEY_TAMPER, what is set and was kept;
 *  the key after it, what moves. */
void wk_module_tamper_pack(const struct wk_module *module, uint8_t key,
                           struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_module_tamper_unpack(struct wk_module *module, uint8_t key,
                                           struct wk_bytes_in *in);
/** Marks the parts that differ from the last commit. */
void wk_module_tamper_mark(struct wk_module *module);

#endif
