/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_transformer - the section [transformers] of the configuration: the ratios of
 * those before the terminals, and whether objects apply them. */
#ifndef WK_DAEMON_CONFIG_TRANSFORMER_H
#define WK_DAEMON_CONFIG_TRANSFORMER_H

#include <stddef.h>

#include "daemon/config.h"
#include "port/linux/ini.h"

/** Takes a section's begin (entry->key NULL) or one of its keys; on error `reason`. */
WK_MUST_USE wk_err wk_config_transformer_take(struct wk_config *config,
                                              const struct wk_ini_entry *entry, char *reason,
                                              size_t room);

/** What is wrong with the whole; NULL: nothing. */
const char *wk_config_transformer_check(const struct wk_config *config);

#endif
