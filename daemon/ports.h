/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/ports - the DLMS ports of a meter, as its configuration names them: the wrapper over TCP,
 * TLS and UDP, HDLC over TCP and on a serial line. */
#ifndef WK_DAEMON_PORTS_H
#define WK_DAEMON_PORTS_H

#include <stdint.h>

#include <uv.h>

#include "daemon/config.h"
#include "daemon/setups.h"
#include "management/session.h"
#include "port/linux/dlms_line.h"
#include "port/linux/dlms_tcp.h"
#include "port/linux/dlms_udp.h"
#include "port/linux/hsm.h"
#include "port/linux/tls.h"

#define WK_METER_PORTS_ERROR 256

/* NULL: it is not configured. */
struct wk_meter_ports {
    struct wk_dlms_tcp *tcp;
    struct wk_dlms_tcp *tls;
    struct wk_tls_context *trust;
    struct wk_dlms_udp *udp;
    struct wk_dlms_line *hdlc; /* over TCP */
    struct wk_dlms_line *serial;
};

struct wk_meter_ports_config {
    uv_loop_t *loop;
    const struct wk_config *config;
    const struct wk_meter_setups *setups;
    struct wk_session_config session;
    struct wk_hsm *hsm; /* NULL: there is no token */
    bool tls_is_ready;  /* there is a certificate; else wk_meter_ports_start_tls later */
    void *self;         /* of the functions */
    int64_t (*now_us)(void *self);
    void (*served)(void *self);
};

/** Opens them all. On error *error says which and why; wk_meter_ports_stop closes the others. */
WK_MUST_USE wk_err wk_meter_ports_start(struct wk_meter_ports *ports,
                                        const struct wk_meter_ports_config *config,
                                        char error[WK_METER_PORTS_ERROR]);
/** Opens that of TLS, once it has a certificate. Errors as above. */
WK_MUST_USE wk_err wk_meter_ports_start_tls(struct wk_meter_ports *ports,
                                            const struct wk_meter_ports_config *config,
                                            char error[WK_METER_PORTS_ERROR]);
/** Closes them; the loop frees them. */
void wk_meter_ports_stop(struct wk_meter_ports *ports);
/** After the loop has ended. */
void wk_meter_ports_free(struct wk_meter_ports *ports);

#endif
