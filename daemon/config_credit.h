/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_credit - the section [credit] of the configuration: the account of a new store,
 * and what its tokens are verified with. */
#ifndef WK_DAEMON_CONFIG_CREDIT_H
#define WK_DAEMON_CONFIG_CREDIT_H

#include "daemon/config.h"
#include "port/linux/ini.h"

/** An account as it is without any key. */
void wk_config_credit_init(struct wk_config_credit *credit);

/** Takes one line of [credit]; the section itself gives the meter an account. WK_E_FORMAT: `reason`
 *  says what it must be. */
WK_MUST_USE wk_err wk_config_credit_take(struct wk_config *config,
                                         const struct wk_ini_entry *entry, char *reason,
                                         size_t room);

/** What only the whole file shows; NULL if all is well. */
const char *wk_config_credit_check(const struct wk_config *config);

#endif
