/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_pack - the module's state as values of the store. docs/on-flash.md lists
 * the fields. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_PACK_H
#define WK_MANAGEMENT_MODULE_PACK_H

#include "management/module.h"

/* Keys of the store. */
enum {
    WK_MODULE_KEY_CORE = 1,     /* cursor, registers, open interval, clock, supply */
    WK_MODULE_KEY_TARIFF = 2,   /* calendars and special days */
    WK_MODULE_KEY_SECURITY = 3, /* invocation counters, lock-outs */
};

/** Commits the core, and the other keys if they changed, together with appended log entries. */
WK_MUST_USE wk_err wk_module_store(struct wk_module *module);

/** Few invocation counters are left: commit soon to have more. */
bool wk_module_counters_run_low(const struct wk_module *module);

/** Reads all keys; those that are not there leave the rooms as they were started. */
WK_MUST_USE wk_err wk_module_restore(struct wk_module *module);

#endif
