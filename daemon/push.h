/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/push - the pushes of a meter: what triggers them, how they are protected, who carries
 * them.
 *
 * Setup 0 (0.0.25.9.0.255) is made from [push] of the configuration and triggered by its
 * interval: logical device name, alarm registers, and of the load profile what was not yet
 * delivered. Setup 1 is triggered when an alarm is raised. All of them can be read, written and
 * triggered over DLMS; what was written there counts instead of the configuration from then on. It
 * is kept, with how far profiles were delivered, in the meter's store.
 *
 * Destinations of alarms get EventNotifications, protected like the pushes of the configuration. */
#ifndef WK_DAEMON_PUSH_H
#define WK_DAEMON_PUSH_H

#include "daemon/config.h"
#include "management/module.h"
#include "management/notify.h"
#include "management/push.h"
#include "port/linux/push.h"

struct wk_meter_push {
    struct wk_push room;
    struct wk_notify notify; /* destinations of alarms */
    struct wk_push_port *port;
    struct wk_push_port *notify_port;
    struct wk_module *module;
    const struct wk_hal_crypto *crypto;
    uint32_t every_s;
    int64_t interval; /* number of the last interval that was pushed */
    uint32_t raised[WK_ALARM_REGISTERS];
};

struct wk_meter_push_config {
    uv_loop_t *loop;
    const struct wk_config *config;
    struct wk_module *module;
    const struct wk_hal_crypto *crypto;
    void *self; /* of the function */
    int64_t (*now_us)(void *self);
};

/** Fills in the setups of the configuration: before the module, which restores what was set over
 *  DLMS and what was delivered (wk_module_config.push). The loop is not used yet. */
WK_MUST_USE wk_err wk_meter_push_init(struct wk_meter_push *push,
                                      const struct wk_meter_push_config *config);
/** Begins; `push` must outlive the loop. WK_E_IO: no memory. */
WK_MUST_USE wk_err wk_meter_push_start(struct wk_meter_push *push,
                                       const struct wk_meter_push_config *config);
/** Triggers what is due: call now and then. True: a destination of alarms has heard, which the
 *  module is to settle. */
bool wk_meter_push_look(struct wk_meter_push *push, int64_t now_us);
void wk_meter_push_stop(struct wk_meter_push *push);

#endif
