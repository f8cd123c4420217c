/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlms_tcp - the meter's DLMS port on TCP, with or without TLS, in the libuv loop of
 * its owner.
 *
 * Every connection is a session of management/session; all run in the loop's thread, so a
 * session sees the meter between two steps of its owner. A connection is closed when it is
 * idle too long, sends too slowly, sends too much that is no frame, or does not read its
 * replies; one too many is closed at once. Memory per connection is fixed.
 *
 * With TLS nothing reaches a session before both sides are proven. Of handshakes under way there
 * are few, and each has little time; one more takes the place of the oldest. */
#ifndef WK_PORT_LINUX_DLMS_TCP_H
#define WK_PORT_LINUX_DLMS_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "cosem/wrapper.h"
#include "management/session.h"
#include "port/linux/tls.h"

#define WK_DLMS_TCP_CONNECTIONS  64
#define WK_DLMS_TCP_IDLE_MS      120000 /* without a whole request */
#define WK_DLMS_TCP_FRAME_MS     5000   /* for a frame that has begun */
#define WK_DLMS_TCP_PROVE_MS     10000  /* from connecting to an open association */
#define WK_DLMS_TCP_HANDSHAKES   16     /* of TLS at the same time */
#define WK_DLMS_TCP_HANDSHAKE_MS 5000
#define WK_DLMS_TCP_JUNK         4096 /* octets that begin no frame, per connection */
#define WK_DLMS_TCP_ERROR        192

struct wk_dlms_tcp_config {
    uv_loop_t *loop;
    const char *address; /* numeric, "127.0.0.1" or "::" */
    uint16_t port;       /* 0 = any free one, see wk_dlms_tcp_port */
    struct wk_session_config session;
    void *self; /* for the functions below */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after every request that was served, before its reply is sent: the place to
     *  commit what it changed. NULL: nothing to do. */
    void (*served)(void *self);
    uint32_t idle_ms;           /* 0 = WK_DLMS_TCP_IDLE_MS */
    struct wk_tls_context *tls; /* of a server; NULL: without TLS. Borrowed */
};

struct wk_dlms_tcp_counts {
    uint64_t requests;
    uint32_t accepted;
    uint32_t refused; /* connections beyond the limit */
    uint32_t timed_out;
    uint32_t junk_closed;
    uint32_t tls_opened; /* handshakes that came to a good end ... */
    uint32_t tls_resumed;
    uint32_t tls_refused; /* ... and to a bad one, or to none */
};

struct wk_dlms_tcp;

/** Listens. On error *error holds a text that says what to do, and nothing is left open:
 *  WK_E_BUSY the port is in use, WK_E_DENIED it needs privileges, WK_E_ARGUMENT the address
 *  is none, WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_dlms_tcp_start(struct wk_dlms_tcp **tcp,
                                     const struct wk_dlms_tcp_config *config,
                                     char error[WK_DLMS_TCP_ERROR]);
/** The port it listens on. */
uint16_t wk_dlms_tcp_port(const struct wk_dlms_tcp *tcp);
struct wk_dlms_tcp_counts wk_dlms_tcp_counts(const struct wk_dlms_tcp *tcp);
uint32_t wk_dlms_tcp_connections(const struct wk_dlms_tcp *tcp);
/** Closes everything. The memory is freed by the loop, which must run until its handles are
 *  closed; `tcp` may not be used any more. */
void wk_dlms_tcp_stop(struct wk_dlms_tcp *tcp);

#endif
