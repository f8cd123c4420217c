/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_tls_flow.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD         2
#define OCTETS       4096 /* of the network, in one read */
#define KEEP_IDLE_S  600  /* a peer that is gone without a word is found out */
#define KEEP_AGAIN_S 20

void wk_link_tls_flow_prepare(const struct wk_link_tls_flow *flow)
{
    const struct {
        int level;
        int option;
        int value;
    } options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                   {IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)flow->slack + 1},
                   {IPPROTO_TCP, TCP_USER_TIMEOUT, WK_LINK_TLS_STALLED_MS},
                   {SOL_SOCKET, SO_KEEPALIVE, 1},
                   {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
                   {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_AGAIN_S}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        (void)!setsockopt(flow->fd, options[i].level, options[i].option, &options[i].value,
                          sizeof options[i].value);
    }
}

/* ---- in ---------------------------------------------------------------------------------- */

/* Gives the packets that are whole; what is left of the next stays. */
static wk_err give(struct wk_link_tls_flow *flow)
{
    size_t at = 0;
    while (flow->used - at >= HEAD) {
        const size_t length = (size_t)flow->in[at] << 8 | flow->in[at + 1];
        if (length == 0 || length > WK_LINK_TLS_PACKET) {
            return WK_E_FORMAT;
        }
        if (flow->used - at < HEAD + length) {
            break;
        }
        flow->take(flow->self, flow->in + at + HEAD, length);
        at += HEAD + length;
    }
    memmove(flow->in, flow->in + at, flow->used - at);
    flow->used -= at;
    return WK_OK;
}

static wk_err open_octets(struct wk_link_tls_flow *flow)
{
    wk_err err = WK_OK;
    while (err == WK_OK) {
        size_t got = 0;
        err = wk_tls_read(flow->tls, flow->in + flow->used, sizeof flow->in - flow->used, &got);
        if (err == WK_OK) {
            flow->used += got;
            err = give(flow);
        }
    }
    return err == WK_E_SHORT ? WK_OK : err;
}

wk_err wk_link_tls_flow_read(struct wk_link_tls_flow *flow, int most)
{
    uint8_t octets[OCTETS];
    for (int i = 0; i < most; i++) {
        const ssize_t got = recv(flow->fd, octets, sizeof octets, MSG_DONTWAIT);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR ? WK_OK : WK_E_IO;
        }
        if (got == 0) {
            wk_tls_take_end(flow->tls);
        } else {
            WK_TRY(wk_tls_take(flow->tls, octets, (size_t)got));
        }
        WK_TRY(open_octets(flow));
    }
    return WK_OK;
}

/* ---- out --------------------------------------------------------------------------------- */

wk_err wk_link_tls_flow_write(struct wk_link_tls_flow *flow)
{
    const uint8_t *octets;
    size_t size;
    while ((size = wk_tls_output(flow->tls, &octets)) > 0) {
        const ssize_t sent = send(flow->fd, octets, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? WK_E_BUSY : WK_E_IO;
        }
        wk_tls_sent(flow->tls, (size_t)sent);
    }
    return WK_OK;
}

bool wk_link_tls_flow_is_busy(struct wk_link_tls_flow *flow)
{
    const uint8_t *octets;
    int unsent = 0;
    return wk_tls_output(flow->tls, &octets) > 0 ||
           (ioctl(flow->fd, SIOCOUTQNSD, &unsent) == 0 && unsent > (int)flow->slack);
}

wk_err wk_link_tls_flow_send(struct wk_link_tls_flow *flow, const uint8_t *packet,
                             size_t length)
{
    uint8_t framed[HEAD + WK_LINK_TLS_PACKET];
    if (length == 0 || length > WK_LINK_TLS_PACKET) {
        return WK_E_RANGE;
    }
    if (wk_link_tls_flow_is_busy(flow)) {
        return WK_E_BUSY;
    }
    framed[0] = (uint8_t)(length >> 8);
    framed[1] = (uint8_t)length;
    memcpy(framed + HEAD, packet, length);
    WK_TRY(wk_tls_write(flow->tls, framed, HEAD + length));
    const wk_err err = wk_link_tls_flow_write(flow);
    return err == WK_E_BUSY ? WK_OK : err; /* it is the one that may wait */
}

/* ---- end --------------------------------------------------------------------------------- */

const char *wk_link_tls_flow_why(const struct wk_link_tls_flow *flow, wk_err err)
{
    if (err == WK_E_FORMAT) {
        return "what came is no packet";
    }
    return err == WK_E_IO || err == WK_E_FULL ? strerror(errno) : wk_tls_error(flow->tls);
}

void wk_link_tls_flow_end(struct wk_link_tls_flow *flow)
{
    wk_tls_end(flow->tls);
    (void)!wk_link_tls_flow_write(flow);
    wk_tls_free(flow->tls);
    flow->tls = NULL;
    flow->used = 0;
    (void)close(flow->fd);
    flow->fd = -1;
}
