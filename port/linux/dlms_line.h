/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlms_line - the meter's DLMS ports that speak HDLC, in the libuv loop of their owner:
 * a serial line (optical head, RS-485), and TCP connections that carry the same octets.
 *
 * Each TCP connection is a line of its own (management/line); a serial device is one line for
 * all its clients. A TCP connection is closed when it is idle too long; a serial device that
 * vanishes (an adapter pulled out) is opened again every few seconds. Memory is fixed per line.
 *
 * A device may begin with the sign-on of IEC 62056-21, mode E (cosem/mode_e). It waits for the
 * next one when its last client has gone, or when none came soon after the hand-over. */
#ifndef WK_PORT_LINUX_DLMS_LINE_H
#define WK_PORT_LINUX_DLMS_LINE_H

#include <stdint.h>

#include <uv.h>

#include "cosem/mode_e.h"
#include "management/line.h"

#define WK_DLMS_LINE_CONNECTIONS 16               /* of one TCP port */
#define WK_DLMS_LINE_STATIONS    2                /* clients of one line at the same time */
#define WK_DLMS_LINE_IDLE_MS     120000           /* a TCP connection without an octet */
#define WK_DLMS_LINE_NETWORK_US  INT64_C(2000000) /* pause within a frame over a network */
#define WK_DLMS_LINE_REOPEN_MS   5000
#define WK_DLMS_LINE_BACK_MS     5000 /* after a hand-over without a client ... */
#define WK_DLMS_LINE_GONE_MS     1000 /* ... and after the last one has gone */
#define WK_DLMS_LINE_ERROR       192

struct wk_dlms_line_config {
    uv_loop_t *loop;
    const char *device; /* "/dev/ttyUSB0"; NULL: TCP */
    uint32_t baud;      /* 300, 600, ... 115200; 0 = 9600; 8 data bits, no parity */
    const struct wk_mode_e_config *sign_on; /* of a device: it begins with mode E, and the rate
                                               is what clients select. NULL: with HDLC */
    const char *address;                    /* TCP: numeric, "127.0.0.1" or "::" */
    uint16_t port;                          /* TCP; 0 = any free one */
    struct wk_hdlc_address
        station;                  /* upper 0 = the management logical device; lower: physical */
    struct wk_hdlc_limits limits; /* all 0: 2030 octets, window 7 */
    int64_t octet_us;             /* pause within a frame on a device; 0 = WK_LINE_OCTET_US */
    int64_t inactive_us;          /* 0 = WK_HDLC_LINK_INACTIVE_US */
    struct wk_session_config session;
    void *self; /* for the functions below */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after every request that was served. NULL: nothing to do. */
    void (*served)(void *self);
};

struct wk_dlms_line;

/** Opens the device or listens. On error *error holds a text that says what to do: WK_E_BUSY the
 *  port is in use, WK_E_DENIED privileges are missing, WK_E_NOT_FOUND no such device,
 *  WK_E_ARGUMENT a bad address or baud rate, WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_dlms_line_start(struct wk_dlms_line **line,
                                      const struct wk_dlms_line_config *config,
                                      char error[WK_DLMS_LINE_ERROR]);
/** The TCP port it listens on; 0 for a device. */
uint16_t wk_dlms_line_port(const struct wk_dlms_line *line);
/** Requests served, on all connections since the start. */
uint64_t wk_dlms_line_requests(const struct wk_dlms_line *line);
/** Closes everything. The memory is freed by the loop, which must run until its handles are
 *  closed. */
void wk_dlms_line_stop(struct wk_dlms_line *line);

#endif
