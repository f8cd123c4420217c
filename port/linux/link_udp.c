/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_udp.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct wk_link_udp {
    struct wk_link_udp_config config;
    uv_timer_t timer; /* first: freed when it is closed */
    uv_udp_t socket;
    uv_getaddrinfo_t lookup;
    bool has_socket;
    bool looking;
    bool carries;
    bool stopping;
    bool timer_closed;
    char why[WK_LINK_UDP_ERROR];
    uint8_t packet[WK_LINK_UDP_PACKET];
};

static void release(struct wk_link_udp *udp)
{
    if (udp->stopping && udp->timer_closed && !udp->has_socket && !udp->looking) {
        free(udp);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct wk_link_udp *udp = handle->data;
    udp->timer_closed = true;
    release(udp);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct wk_link_udp *udp = handle->data;
    udp->has_socket = false;
    release(udp);
}

static void look_up(uv_timer_t *timer);

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
    if (!udp->stopping) {
        uv_timer_start(&udp->timer, look_up, WK_LINK_UDP_AGAIN_MS, 0);
    }
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

static bool tie(struct wk_link_udp *udp)
{
    uv_os_fd_t fd;
    const char *interface = udp->config.interface;
    if (interface == NULL || interface[0] == '\0') {
        return true;
    }
    if (uv_fileno((uv_handle_t *)&udp->socket, &fd) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
                   (socklen_t)strnlen(interface, IFNAMSIZ)) != 0) {
        give_up(udp, interface, strerror(errno));
        return false;
    }
    return true;
}

static void open_socket(struct wk_link_udp *udp, const struct sockaddr *to)
{
    int code = uv_udp_init_ex(udp->config.loop, &udp->socket, (unsigned)to->sa_family);
    if (code != 0) {
        give_up(udp, "socket", uv_strerror(code));
        return;
    }
    udp->has_socket = true;
    udp->socket.data = udp;
    if (!tie(udp)) {
        return;
    }
    code = uv_udp_connect(&udp->socket, to);
    if (code == 0) {
        code = uv_udp_recv_start(&udp->socket, on_room, on_packet);
    }
    if (code != 0) {
        give_up(udp, udp->config.host, uv_strerror(code));
        return;
    }
    udp->why[0] = '\0';
    set_carries(udp, true);
}

static void on_address(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct wk_link_udp *udp = lookup->data;
    udp->looking = false;
    if (udp->stopping) {
        release(udp);
    } else if (status != 0) {
        give_up(udp, udp->config.host, uv_strerror(status));
    } else {
        open_socket(udp, found->ai_addr);
    }
    uv_freeaddrinfo(found);
}

static void look_up(uv_timer_t *timer)
{
    struct wk_link_udp *udp = timer->data;
    char port[8];
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    if (udp->has_socket) { /* the one before is still being closed */
        uv_timer_start(timer, look_up, 1, 0);
        return;
    }
    snprintf(port, sizeof port, "%u", udp->config.port);
    udp->looking = true;
    udp->lookup.data = udp;
    const int code = uv_getaddrinfo(udp->config.loop, &udp->lookup, on_address,
                                    udp->config.host, port, &hints);
    if (code != 0) {
        udp->looking = false;
        give_up(udp, udp->config.host, uv_strerror(code));
    }
}

wk_err wk_link_udp_start(struct wk_link_udp **udp, const struct wk_link_udp_config *config)
{
    struct wk_link_udp *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return WK_E_IO;
    }
    fresh->config = *config;
    if (uv_timer_init(config->loop, &fresh->timer) != 0) {
        free(fresh);
        return WK_E_IO;
    }
    fresh->timer.data = fresh;
    uv_timer_start(&fresh->timer, look_up, 0, 0);
    *udp = fresh;
    return WK_OK;
}

wk_err wk_link_udp_send(struct wk_link_udp *udp, const uint8_t *packet, size_t length)
{
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
        give_up(udp, udp->config.host, uv_strerror(code));
        return WK_E_CLOSED;
    }
    return WK_OK;
}

const char *wk_link_udp_why(const struct wk_link_udp *udp)
{
    return udp->why;
}

void wk_link_udp_stop(struct wk_link_udp *udp)
{
    if (udp == NULL) {
        return;
    }
    udp->stopping = true;
    udp->carries = false;
    if (udp->looking) {
        uv_cancel((uv_req_t *)&udp->lookup);
    }
    close_socket(udp);
    if (!uv_is_closing((uv_handle_t *)&udp->timer)) {
        uv_close((uv_handle_t *)&udp->timer, on_timer_closed);
    }
}
