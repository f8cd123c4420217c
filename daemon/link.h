/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/link - the link of a meter: its profiles and logs as streams, its paths over UDP.
 *
 * | stream | buffer                                     | class   |
 * |--------|--------------------------------------------|---------|
 * | 0      | 0.0.99.98.1.255 fraud                      | alarm   |
 * | 1      | 0.0.99.98.2.255 disconnect control         | alarm   |
 * | 2      | 1.0.98.1.0.255 billing periods             | billing |
 * | 3      | 1.0.99.1.0.255 load profile                | profile |
 * | 4      | 1.0.99.2.0.255 load profile 2              | profile |
 * | 5..9   | event logs: standard, quality, communication, firmware, security | profile |
 * | 10     | 1.0.99.14.0.255 power quality              | bulk    |
 *
 * What this meter does not have is no stream. The epoch lies in the store: a store that begins
 * anew has another. Time is that of the steady clock; nothing here depends on the meter's. */
#ifndef WK_DAEMON_LINK_H
#define WK_DAEMON_LINK_H

#include <uv.h>

#include "daemon/config.h"
#include "link/sender.h"
#include "management/module.h"
#include "port/linux/link_udp.h"

struct wk_meter_link;

struct wk_meter_link_stream {
    struct wk_meter_link *link;
    const struct wk_object *object;
    uint8_t log;
    uint8_t profile; /* WK_ROOMS_PROFILES: it is a log */
    uint64_t oldest;
    uint64_t next;
};

struct wk_meter_link_path {
    struct wk_meter_link *link;
    struct wk_link_udp *udp;
    uint8_t number;
};

struct wk_meter_link {
    bool runs;
    const struct wk_config *config;
    struct wk_module *module;
    const struct wk_hal_crypto *crypto;
    struct wk_link_sender sender;
    struct wk_link_source sources[WK_LINK_STREAMS];
    struct wk_meter_link_stream streams[WK_LINK_STREAMS];
    struct wk_link_path_rules rules[WK_LINK_PATHS];
    struct wk_meter_link_path paths[WK_LINK_PATHS];
    uint8_t stream_count;
    uint8_t path_count;
    uv_timer_t timer;
    int month; /* of the budget */
};

/** Begins, if there is a [path]. `config` and `module` must stay. WK_E_IO: no memory; errors of
 *  the store. */
WK_MUST_USE wk_err wk_meter_link_start(struct wk_meter_link *link, uv_loop_t *loop,
                                       const struct wk_config *config, struct wk_module *module,
                                       const struct wk_hal_crypto *crypto);
/** Records may have been committed: sends what there is. */
void wk_meter_link_look(struct wk_meter_link *link);
void wk_meter_link_stop(struct wk_meter_link *link);

#endif
