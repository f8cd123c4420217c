/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_association - the sections [association NAME] of the configuration: who may come,
 * with which mechanism, suite, protection and keys. With one of them the usual three clients are
 * gone. */
#ifndef WK_DAEMON_CONFIG_ASSOCIATION_H
#define WK_DAEMON_CONFIG_ASSOCIATION_H

#include "daemon/config.h"
#include "daemon/config_dlms.h"
#include "port/linux/ini.h"

/** Takes one entry of such a section, also its beginning. WK_E_FORMAT: place->reason. */
WK_MUST_USE wk_err wk_config_association_take(struct wk_config *config,
                                              const struct wk_ini_entry *entry,
                                              const struct wk_config_place *place);

/** Whether all that was read fits together; else the line of the section, and why. */
WK_MUST_USE wk_err wk_config_association_check(const struct wk_config *config, unsigned *line,
                                               char *reason, size_t room);

#endif
