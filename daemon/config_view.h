/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_view - the sections of views: [modbus tcp], [modbus rtu], [dlt645], [p1], [optical], [shelly]. */
#ifndef WK_DAEMON_CONFIG_VIEW_H
#define WK_DAEMON_CONFIG_VIEW_H

#include <stddef.h>

#include "daemon/config.h"
#include "daemon/config_dlms.h"
#include "port/linux/ini.h"

/** Whether a section is one of a view. */
bool wk_config_view_has(const struct wk_ini_entry *entry);
/** Takes a section's begin (entry->key NULL) or one of its keys. WK_E_FORMAT: place->reason. */
WK_MUST_USE wk_err wk_config_view_take(struct wk_config *config,
                                       const struct wk_ini_entry *entry,
                                       const struct wk_config_place *place);
/** NULL, or what is missing. */
const char *wk_config_view_check(const struct wk_config *config);

#endif
