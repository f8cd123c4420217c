/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/shelly - requests to view/shelly: over HTTP at the local page's server (daemon/web), over
 * UDP in the libuv loop. Whoever reaches the ports reads what a reader reads over DLMS. */
#ifndef WK_DAEMON_SHELLY_H
#define WK_DAEMON_SHELLY_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "view/shelly.h"

#define WK_METER_SHELLY_REQUEST 1024 /* octets, most */
#define WK_METER_SHELLY_ANSWER  (WK_SHELLY_RESULT + 512)
#define WK_METER_SHELLY_ERROR   192

struct wk_meter_shelly {
    bool is_there; /* it is configured */
    struct wk_shelly view;
    uv_udp_t socket;
    void *self; /* of the function */
    int64_t (*now_us)(void *self);
    char packet[WK_METER_SHELLY_REQUEST];
};

/** Answers a frame {"id":1,"method":"EM.GetStatus","params":{"id":0}} with a frame, or what is no
 *  frame with an error; how long the answer is. The caller has the meter to itself. */
size_t wk_meter_shelly_frame(struct wk_meter_shelly *shelly, const char *request, size_t size,
                             char answer[WK_METER_SHELLY_ANSWER]);
/** Writes the bare result of a method, or an error; the status of HTTP. Likewise. */
unsigned wk_meter_shelly_result(struct wk_meter_shelly *shelly, const char *method,
                                char answer[WK_METER_SHELLY_ANSWER]);
/** Listens on UDP. The loop owns the socket. WK_E_BUSY, WK_E_ARGUMENT: see error. */
WK_MUST_USE wk_err wk_meter_shelly_listen(struct wk_meter_shelly *shelly, uv_loop_t *loop,
                                          const char *address, uint16_t port,
                                          char error[WK_METER_SHELLY_ERROR]);

#endif
