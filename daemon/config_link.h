/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_link - the sections [link] and [path NAME] of the configuration: over which paths
 * streams go to the head-end. */
#ifndef WK_DAEMON_CONFIG_LINK_H
#define WK_DAEMON_CONFIG_LINK_H

#include "daemon/config_dlms.h"
#include "port/linux/ini.h"

/** Takes one entry of [link] or [path NAME], also its beginning. WK_E_FORMAT: place->reason. */
WK_MUST_USE wk_err wk_config_link_take(struct wk_config *config,
                                       const struct wk_ini_entry *entry,
                                       const struct wk_config_place *place);
/** NULL, or what is missing. */
const char *wk_config_link_check(const struct wk_config *config);

#endif
