/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/link - the link of a meter: its profiles and logs as streams, its paths over their carriers.
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
#include "daemon/link_monitor.h"
#include "daemon/modem.h"
#include "daemon/wifi.h"
#include "link/sender.h"
#include "management/module.h"
#include "port/linux/dlms_udp.h"
#include "port/linux/hsm.h"
#include "port/linux/link_carrier.h"
#include "port/linux/link_check.h"
#include "port/linux/tls.h"

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
    struct wk_link_carrier carrier;
    uint8_t number;
    /* daemon/link_modem */
    struct wk_meter_modem *modem; /* NULL: it needs none */
    bool takes;                   /* the carrier takes packets */
    uint32_t suspected;           /* count of the path that the modem was asked for */
    int64_t dead_us;            /* since when nothing comes though it is carried; 0: it does */
    struct wk_meter_wifi *wifi; /* NULL: it goes over a device, or a cellular modem */
};

#define WK_METER_LINK_ANNOUNCED 8 /* events between two commits that are announced, most */

/* An event that the next commit stores. */
struct wk_meter_link_announced {
    uint8_t stream;
    uint64_t sequence;
    uint8_t size;
    uint8_t octets[WK_LINK_ANNOUNCED];
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
    struct wk_tls_config files;   /* what `trust` is made of */
    struct wk_tls_context *trust; /* of carriers with TLS; NULL: none is configured */
    uv_timer_t timer;
    struct wk_link_check check; /* the test of a path, the last one or that under way */
    struct wk_link_monitor monitor;
    struct wk_dlms_udp *server; /* of clients behind the head-end; NULL: they are not served */
    struct wk_module_watch watch;
    uint8_t announced_count;
    struct wk_meter_link_announced announced[WK_METER_LINK_ANNOUNCED];
    uint8_t heard_count;
    struct wk_link_said heard[WK_LINK_SAID]; /* what they asked, until the packet is taken */
    int month;                               /* of the budget */
    char error[WK_LINK_CARRIER_ERROR];       /* of wk_meter_link_start */
};

/** Begins, if there is a [path]. `config` and `module` must stay. WK_E_IO: no memory; WK_E_FORMAT: a carrier
 *  cannot be with what is configured; errors of the store. `hsm`: where keys in a token are; NULL: nowhere. Where link->error is not "", it says why. */
WK_MUST_USE wk_err wk_meter_link_start(struct wk_meter_link *link, uv_loop_t *loop,
                                       const struct wk_config *config, struct wk_module *module,
                                       const struct wk_hal_crypto *crypto, struct wk_hsm *hsm);
/** Serves clients behind the head-end, who talk by the link as they would over UDP: each conversation is
 *  a peer of a server without a socket, whose config->send calls wk_meter_link_say. Nothing to do if there
 *  is no [path], or if [link] says talk = no. Errors of wk_dlms_udp_start. */
WK_MUST_USE wk_err wk_meter_link_serve(struct wk_meter_link *link,
                                       const struct wk_dlms_udp_config *config,
                                       char error[WK_DLMS_UDP_ERROR]);
/** The modem for power lines or radio of a path, as long as it tells of itself; NULL: there is none. */
const struct wk_line_modem *wk_meter_link_line_modem(const struct wk_meter_link_path *path);
/** The wireless LAN that a path goes over; NULL: it goes over none. */
const struct wk_wifi_status *wk_meter_link_wifi(const struct wk_meter_link_path *path);
/** Begins the connection test of a path; link->check has its results when it does not run any more. WK_E_NOT_FOUND: there
 *  is no such path; WK_E_BUSY: one runs. */
WK_MUST_USE wk_err wk_meter_link_check(struct wk_meter_link *link, uint8_t path);
/** An answer of that server. */
void wk_meter_link_say(struct wk_meter_link *link, const struct sockaddr *to,
                       const uint8_t *octets, size_t size);
/** Records may have been committed: sends what there is. */
void wk_meter_link_look(struct wk_meter_link *link);
void wk_meter_link_stop(struct wk_meter_link *link);
/** When the loop has ended. */
void wk_meter_link_free(struct wk_meter_link *link);

#endif
