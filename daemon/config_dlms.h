/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_dlms - the section [dlms] of the configuration: ports, keys, and where keys lie. */
#ifndef WK_DAEMON_CONFIG_DLMS_H
#define WK_DAEMON_CONFIG_DLMS_H

#include <stddef.h>

#include "daemon/config.h"
#include "port/linux/ini.h"

/** Takes one key of the section; on error `reason`. */
WK_MUST_USE wk_err wk_config_dlms_take(struct wk_config *config,
                                       const struct wk_ini_entry *entry, char *reason,
                                       size_t room);

/** NULL, or what is missing or contradicts itself. */
const char *wk_config_dlms_check(const struct wk_config *config);

#endif
