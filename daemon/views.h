/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/views - the views of a meter that its configuration names: Modbus on TCP and on a serial
 * line, DL/T 645, the consumer's port P1, the optical port, MQTT, the RPC of Shelly. */
#ifndef WK_DAEMON_VIEWS_H
#define WK_DAEMON_VIEWS_H

#include <stdint.h>

#include <uv.h>

#include "daemon/config.h"
#include "daemon/mqtt.h"
#include "daemon/shelly.h"
#include "daemon/submeters.h"
#include "management/module.h"
#include "port/linux/dlt645_port.h"
#include "port/linux/modbus_ports.h"
#include "port/linux/optical_port.h"
#include "port/linux/p1_port.h"
#include "view/committed.h"

#define WK_METER_VIEWS_ERROR 320

struct wk_meter_views_config {
    uv_loop_t *loop;
    const struct wk_config *config;
    struct wk_module *module;
    struct wk_submeters *submeters;      /* channels of P1 */
    const struct wk_modbus_lines *lines; /* behind gateways */
    struct wk_hsm *hsm;                  /* where keys in a token are; NULL: nowhere */
    void *self;                          /* of the functions */
    int64_t (*now_us)(void *self);
    void (*served)(void *self);
};

/* NULL: it is not configured. */
struct wk_meter_views {
    struct wk_committed committed;
    struct wk_modbus_tcp_port *modbus_tcp;
    struct wk_modbus_line *modbus_line;
    struct wk_dlt645_port *dlt645;
    struct wk_p1_port *p1;
    struct wk_optical_port *optical;
    struct wk_meter_mqtt *mqtt;
    struct wk_meter_shelly shelly;
    struct wk_meter_views_config config;
};

/** Opens them all. On error *error says which and why; wk_meter_views_stop closes the others. */
WK_MUST_USE wk_err wk_meter_views_start(struct wk_meter_views *views,
                                        const struct wk_meter_views_config *config,
                                        char error[WK_METER_VIEWS_ERROR]);
/** Call it after each commit, while everything is committed. */
void wk_meter_views_committed(struct wk_meter_views *views);
/** Closes them; the loop frees what it has of them. */
void wk_meter_views_stop(struct wk_meter_views *views);
/** After the loop has ended. */
void wk_meter_views_free(struct wk_meter_views *views);

#endif
