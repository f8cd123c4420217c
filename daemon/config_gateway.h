/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_gateway - the sections [gateway NAME] of the configuration. */
#ifndef WK_DAEMON_CONFIG_GATEWAY_H
#define WK_DAEMON_CONFIG_GATEWAY_H

#include <stddef.h>

#include "daemon/config.h"
#include "port/linux/ini.h"

/** Takes a section's begin (entry->key NULL) or one of its keys; on error `reason`. */
WK_MUST_USE wk_err wk_config_gateway_take(struct wk_config *config,
                                          const struct wk_ini_entry *entry, char *reason,
                                          size_t room);
/** NULL, or what of them cannot be together. */
const char *wk_config_gateway_check(const struct wk_config *config);

#endif
