/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_tariff - the section [billing] of the configuration: periods, demand, blocks,
 * prices. */
#ifndef WK_DAEMON_CONFIG_TARIFF_H
#define WK_DAEMON_CONFIG_TARIFF_H

#include "daemon/config.h"
#include "port/linux/ini.h"

/** Takes one line of [billing]. WK_E_FORMAT: `reason` says what it must be. */
WK_MUST_USE wk_err wk_config_tariff_take(struct wk_config *config,
                                         const struct wk_ini_entry *entry, char *reason,
                                         size_t room);

/** What only the whole file shows; NULL if all is well. */
const char *wk_config_tariff_check(const struct wk_config *config);

#endif
