/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/mqtt - the meter at the broker that its configuration names, described for Home Assistant
 * (view/homeassistant, docs/mqtt.md). A broker that cannot be reached is told on stderr and tried
 * again; the meter goes on. */
#ifndef WK_DAEMON_MQTT_H
#define WK_DAEMON_MQTT_H

#include <stdint.h>

#include <uv.h>

#include "daemon/config.h"
#include "port/linux/hsm.h"
#include "port/linux/mqtt.h"
#include "view/committed.h"
#include "view/homeassistant.h"

struct wk_meter_mqtt;

struct wk_meter_mqtt_config {
    uv_loop_t *loop;
    const struct wk_config *config; /* borrowed, as the next two */
    const struct wk_object_table *table;
    const struct wk_committed *committed;
    struct wk_hsm *hsm; /* where keys in a token are; NULL: nowhere */
    void *self;         /* of the function */
    int64_t (*now_us)(void *self);
};

/** Begins to connect. Errors as wk_mqtt_start and wk_homeassistant_init. */
WK_MUST_USE wk_err wk_meter_mqtt_start(struct wk_meter_mqtt **mqtt,
                                       const struct wk_meter_mqtt_config *config,
                                       char error[WK_MQTT_ERROR]);
/** Says that the meter is offline; the loop frees what it has of it. */
void wk_meter_mqtt_stop(struct wk_meter_mqtt *mqtt);
/** After the loop has ended. NULL is allowed. */
void wk_meter_mqtt_free(struct wk_meter_mqtt *mqtt);

#endif
