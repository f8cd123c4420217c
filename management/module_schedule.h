/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_schedule - single action schedules in their time, and register monitors. What
 * came due in an outage is made up once; what a schedule does and that it was done are in the
 * same commit. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_SCHEDULE_H
#define WK_MANAGEMENT_MODULE_SCHEDULE_H

#include "management/module.h"

/** Executes what came due since the last call. */
WK_MUST_USE wk_err wk_module_schedule(struct wk_module *module);

/** Executes what registers crossed since the last call, by the newest window. */
WK_MUST_USE wk_err wk_module_monitor(struct wk_module *module);

#endif
