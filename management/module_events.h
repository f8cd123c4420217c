/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_events - how an event gets into its log: snapshot, storm control, alarms, the
 * chain of the security log. Part of the assembler, private to it. */
#ifndef WK_MANAGEMENT_MODULE_EVENTS_H
#define WK_MANAGEMENT_MODULE_EVENTS_H

#include "management/module.h"

/** As wk_module_log, at another time of the meter's clock. */
WK_MUST_USE wk_err wk_module_log_at(struct wk_module *module, int64_t now_us,
                                    struct wk_event event);

/** After every record: logs the counts of storms that are over. */
WK_MUST_USE wk_err wk_module_end_storms(struct wk_module *module);

#endif
