/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_mqtt - the section [mqtt] of the configuration: the broker, whom to trust, who one
 * is. */
#ifndef WK_DAEMON_CONFIG_MQTT_H
#define WK_DAEMON_CONFIG_MQTT_H

#include "daemon/config.h"
#include "daemon/config_dlms.h"
#include "port/linux/ini.h"

/** Takes the section's begin (entry->key NULL) or one of its keys. WK_E_FORMAT: place->reason. */
WK_MUST_USE wk_err wk_config_mqtt_take(struct wk_config *config,
                                       const struct wk_ini_entry *entry,
                                       const struct wk_config_place *place);
/** The port, as it is or as is usual. */
uint16_t wk_config_mqtt_port(const struct wk_config *config);
/** NULL, or what is missing or contradicts itself. */
const char *wk_config_mqtt_check(const struct wk_config *config);

#endif
