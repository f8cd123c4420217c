/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/web - the meter's local page and its JSON interface (docs/api-meter.md), read-only.
 *
 * One thread of libmicrohttpd; each answer is made while the gate holds the meter's loop. What
 * goes out by itself: daemon/web_stream. */
#ifndef WK_DAEMON_WEB_H
#define WK_DAEMON_WEB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/enrol.h"
#include "daemon/gate.h"
#include "daemon/link.h"
#include "daemon/shelly.h"
#include "daemon/submeters.h"
#include "daemon/view.h"
#include "port/linux/asset.h"
#include "port/linux/instant_ring.h"

#define WK_WEB_CONNECTIONS 16
#define WK_WEB_STREAMS     4
#define WK_WEB_WHY         256

struct wk_web {
    struct wk_view view;
    struct wk_gate *gate; /* to view.module */
    struct wk_submeters *submeters;
    struct wk_meter_link *link;
    const struct wk_meter_enrol *enrol;
    struct wk_meter_shelly *shelly; /* its .is_there: /shelly and /rpc are answered */
    const struct wk_asset *assets;
    size_t asset_count;
    void *server;                   /* struct MHD_Daemon */
    struct wk_instant_ring *cycles; /* NULL or not open: none are shown */
    _Atomic uint64_t fresh;         /* counts what wk_web_tell told of */
    atomic_int streams;             /* open event streams */
    atomic_bool stops;
    char why[WK_WEB_WHY];
};

/** WK_E_BUSY: the port is in use, see web->why. */
WK_MUST_USE wk_err wk_web_start(struct wk_web *web, const char *host, uint16_t port);
/** Records were taken: streams look for what is new. From any thread. */
void wk_web_tell(struct wk_web *web);
void wk_web_stop(struct wk_web *web);

#endif
