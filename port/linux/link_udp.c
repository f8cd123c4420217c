/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/linux/link_reach.h"

struct wk_link_udp {
    struct wk_link_carrier_config config;
    struct wk_link_reach reach;
    uv_udp_t socket;
    bool has_socket;
    bool carries;
    bool reach_ended;
    char why[WK_LINK_CARRIER_ERROR];
    uint8_t packet[WK_LINK_UDP_PACKET];
};

static void release(struct wk_link_udp *udp)
{
    if (udp->reach_ended && !udp->has_socket) {
        free(udp);
    }
}

static void on_reach_ended(void *self)
{
    struct wk_link_udp *udp = self;
    udp->reach_ended = true;
    release(udp);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct wk_link_udp *udp = handle->data;
    udp->has_socket = false;
    release(udp);
}

static void set_carries(struct wk_link_udp *udp, bool carries)
{
    if (udp->carries != carries) {
        udp->carries = carries;
        udp->config.carries(udp->config.self, carries);
    }
}

static void close_socket(struct wk_link_udp *udp)
{
    if (udp->has_socket && !uv_is_closing((uv_handle_t *)&udp->socket)) {
        uv_close((uv_handle_t *)&udp->socket, on_socket_closed);
    }
}

/* The path is gone; it is looked for again later. */
static void give_up(struct wk_link_udp *udp, const char *what, const char *why)
{
    snprintf(udp->why, sizeof udp->why, "%s: %s", what, why);
    close_socket(udp);
    set_carries(udp, false);
    wk_link_reach_again(&udp->reach, WK_LINK_UDP_AGAIN_MS);
}

static void on_failed(void *self, const char *why)
{
    struct wk_link_udp *udp = self;
    give_up(udp, udp->config.to->host, why);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct wk_link_udp *udp = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)udp->packet, sizeof udp->packet);
}

/* A refused datagram (ICMP) is no reason to give up: the head-end may start anew. */
static void on_packet(uv_udp_t *socket, ssize_t count, const uv_buf_t *buffer,
                      const struct sockaddr *from, unsigned flags)
{
    struct wk_link_udp *udp = socket->data;
    (void)buffer;
    if (count > 0 && from != NULL && (flags & UV_UDP_PARTIAL) == 0) {
        udp->config.take(udp->config.self, udp->packet, (size_t)count);
    }
}

static void on_address(void *self, const struct sockaddr *to)
{
    struct wk_link_udp *udp = self;
    uv_os_fd_t fd;
    if (udp->has_socket) { /* the one before is still being closed */
        wk_link_reach_again(&udp->reach, 1);
        return;
    }
    int code = uv_udp_init_ex(udp->config.loop, &udp->socket, (unsigned)to->sa_family);
    if (code != 0) {
        give_up(udp, "socket", uv_strerror(code));
        return;
    }
    udp->has_socket = true;
    udp->socket.data = udp;
    if (uv_fileno((uv_handle_t *)&udp->socket, &fd) != 0 ||
        !wk_link_reach_tie(&udp->reach, fd)) {
        give_up(udp, udp->config.interface, strerror(errno));
        return;
    }
    code = uv_udp_connect(&udp->socket, to);
    if (code == 0) {
        code = uv_udp_recv_start(&udp->socket, on_room, on_packet);
    }
    if (code != 0) {
        give_up(udp, udp->config.to->host, uv_strerror(code));
        return;
    }
    udp->why[0] = '\0';
    set_carries(udp, true);
}

/* ---- the carrier ------------------------------------------------------------------------- */

static wk_err send_datagram(void *self, const uint8_t *packet, size_t length)
{
    struct wk_link_udp *udp = self;
    const uv_buf_t buffer = {.base = (char *)(uintptr_t)packet, .len = length};
    if (!udp->carries) {
        return WK_E_CLOSED;
    }
    const int code = uv_udp_try_send(&udp->socket, &buffer, 1, NULL);
    if (code == UV_EAGAIN || code == UV_ENOBUFS) {
        return WK_E_BUSY;
    }
    if (code == UV_ECONNREFUSED) {
        return WK_OK; /* of a datagram before: as good as lost */
    }
    if (code < 0) {
        give_up(udp, udp->config.to->host, uv_strerror(code));
        return WK_E_CLOSED;
    }
    return WK_OK;
}

static const char *why(const void *self)
{
    const struct wk_link_udp *udp = self;
    return udp->why;
}

static void stop(void *self)
{
    struct wk_link_udp *udp = self;
    udp->carries = false;
    close_socket(udp);
    wk_link_reach_stop(&udp->reach);
}

wk_err wk_link_udp_start(struct wk_link_carrier *carrier,
                         const struct wk_link_carrier_config *config,
                         char error[WK_LINK_CARRIER_ERROR])
{
    struct wk_link_udp *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        snprintf(error, WK_LINK_CARRIER_ERROR, "no memory");
        return WK_E_IO;
    }
    fresh->config = *config;
    fresh->reach = (struct wk_link_reach){.config = &fresh->config,
                                          .kind = SOCK_DGRAM,
                                          .self = fresh,
                                          .found = on_address,
                                          .failed = on_failed,
                                          .ended = on_reach_ended};
    if (wk_link_reach_start(&fresh->reach) != WK_OK) {
        free(fresh);
        snprintf(error, WK_LINK_CARRIER_ERROR, "the loop refuses a timer");
        return WK_E_IO;
    }
    *carrier = (struct wk_link_carrier){
        .self = fresh, .send = send_datagram, .why = why, .stop = stop};
    return WK_OK;
}
