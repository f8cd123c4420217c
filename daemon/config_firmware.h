/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_firmware - the section [firmware] of the configuration: who makes images for this
 * meter, and how long a new one is tried. */
#ifndef WK_DAEMON_CONFIG_FIRMWARE_H
#define WK_DAEMON_CONFIG_FIRMWARE_H

#include <stddef.h>

#include "daemon/config.h"
#include "port/linux/ini.h"

#define WK_CONFIG_TRIAL_S 10

/** What holds where the file says nothing: no maker, "linux-" and the processor. */
void wk_config_firmware_usual(struct wk_config *config);

/** Takes a section's begin (entry->key NULL) or one of its keys; on error `reason`. */
WK_MUST_USE wk_err wk_config_firmware_take(struct wk_config *config,
                                           const struct wk_ini_entry *entry, char *reason,
                                           size_t room);

#endif
