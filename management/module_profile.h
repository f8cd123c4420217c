/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_profile - the profiles in the module: what they capture unless told otherwise,
 * when their intervals end, what marks them. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_PROFILE_H
#define WK_MANAGEMENT_MODULE_PROFILE_H

#include "management/module.h"

/** Makes the profiles as configured. WK_E_RANGE, WK_E_NOT_FOUND, WK_E_UNSUPPORTED: of
 *  wk_objects_capture_check. */
WK_MUST_USE wk_err wk_module_profile_start(struct wk_module *module,
                                           const struct wk_module_config *config);

/** Marks the intervals under way of all profiles. */
void wk_module_profile_mark(struct wk_module *module, uint16_t status);

/** Rows of intervals that ended before `now_us`; intervals of another time are dropped first. */
WK_MUST_USE wk_err wk_module_profile_capture(struct wk_module *module, int64_t now_us);

/** Adds a window that ends at `now_us`. */
void wk_module_profile_add(struct wk_module *module, const struct wk_record *record,
                           int64_t now_us);

/** Profile `number` has other rules, or was cleared: logs it, and keeps it with the next commit. */
WK_MUST_USE wk_err wk_module_profile_changed(struct wk_module *module,
                                             const struct wk_notice *notice);

/** Logs what a changed configuration cleared at the start. */
WK_MUST_USE wk_err wk_module_profile_tell(struct wk_module *module);

/** The key of the store that has the newest rows of a profile. */
uint8_t wk_module_profile_rows_key(uint8_t number);

/** Parts of the store (module_pack): the rules; the intervals under way of those that not every
 *  meter has; then, once the rules were read, the rows. */
void wk_module_profile_pack(const struct wk_module *module, uint8_t key,
                            struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_module_profile_unpack(struct wk_module *module, uint8_t key,
                                            struct wk_bytes_in *in);
void wk_module_profile_open_pack(const struct wk_module *module, uint8_t key,
                                 struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_module_profile_open_unpack(struct wk_module *module, uint8_t key,
                                                 struct wk_bytes_in *in);
WK_MUST_USE wk_err wk_module_profile_restore(struct wk_module *module, uint8_t number,
                                             struct wk_bytes_in *in);

#endif
