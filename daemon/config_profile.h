/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_profile - the sections [profile 1], [profile 2] and [profile quality] of the
 * configuration: what they capture and how often. */
#ifndef WK_DAEMON_CONFIG_PROFILE_H
#define WK_DAEMON_CONFIG_PROFILE_H

#include <stddef.h>

#include "daemon/config.h"
#include "port/linux/ini.h"

/** Takes a section's begin (entry->key NULL) or one of its keys; on error `reason`. */
WK_MUST_USE wk_err wk_config_profile_take(struct wk_config *config,
                                          const struct wk_ini_entry *entry, char *reason,
                                          size_t room);

/** What only the whole file shows: columns that this meter does not have. */
WK_MUST_USE wk_err wk_config_profile_check(const struct wk_config *config, char *reason,
                                           size_t room);

#endif
