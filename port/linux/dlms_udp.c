/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_udp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/wrapper.h"

#define SWEEP_MS   500
#define REPLY_ROOM (WK_WRAPPER_SIZE + WK_SESSION_REPLY)
#define FRAME_MOST (WK_WRAPPER_SIZE + WK_SESSION_PDU)
#define GET_NEXT   2 /* choice of GET-Request */

struct peer {
    struct sockaddr_storage address;
    uint16_t client_sap;
    uint64_t served_ms; /* last request */
    struct wk_session session;
    size_t request_size; /* of the last one; 0: it must not be answered from here */
    size_t reply_size;
    uint8_t request[FRAME_MOST];
    uint8_t reply[REPLY_ROOM];
};

struct wk_dlms_udp {
    struct wk_dlms_udp_config config;
    struct wk_dlms_udp_counts counts;
    uv_udp_t socket;
    uv_timer_t sweep;
    uint16_t port;
    uint32_t handles; /* not yet closed */
    struct peer *peers[WK_DLMS_UDP_PEERS];
    uint8_t in[FRAME_MOST + 1]; /* one octet more shows what is too long */
};

/* ---- peers ------------------------------------------------------------------------------- */

static bool is_same(const struct sockaddr *a, const struct sockaddr_storage *b)
{
    if (a->sa_family != b->ss_family) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const struct sockaddr_in *)a;
        const struct sockaddr_in *y = (const struct sockaddr_in *)b;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in6 *y = (const struct sockaddr_in6 *)b;
    return x->sin6_port == y->sin6_port && x->sin6_scope_id == y->sin6_scope_id &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

static struct peer **find_peer(struct wk_dlms_udp *udp, const struct sockaddr *from,
                               uint16_t client_sap)
{
    for (size_t i = 0; i < WK_DLMS_UDP_PEERS; i++) {
        const struct peer *peer = udp->peers[i];
        if (peer != NULL && peer->client_sap == client_sap && is_same(from, &peer->address)) {
            return &udp->peers[i];
        }
    }
    return NULL;
}

static void forget(struct peer **place)
{
    wk_session_close(&(*place)->session);
    free(*place);
    *place = NULL;
}

/* A public client has proven nothing, not even where it is. */
static bool is_proven(const struct peer *peer)
{
    const wk_role role = wk_session_role(&peer->session);
    return role != WK_ROLE_COUNT && role != WK_ROLE_PUBLIC;
}

/* A free place, or that of the one who has proven nothing for the longest time. */
static struct peer **make_place(struct wk_dlms_udp *udp)
{
    struct peer **oldest = NULL;
    for (size_t i = 0; i < WK_DLMS_UDP_PEERS; i++) {
        struct peer **place = &udp->peers[i];
        if (*place == NULL) {
            return place;
        }
        if (!is_proven(*place) &&
            (oldest == NULL || (*place)->served_ms < (*oldest)->served_ms)) {
            oldest = place;
        }
    }
    if (oldest != NULL) {
        forget(oldest);
    }
    return oldest;
}

static struct peer **add_peer(struct wk_dlms_udp *udp, const struct sockaddr *from,
                              uint16_t client_sap)
{
    struct peer **place = make_place(udp);
    struct peer *peer = place != NULL ? calloc(1, sizeof *peer) : NULL;
    if (peer == NULL || wk_session_init(&peer->session, &udp->config.session) != WK_OK) {
        udp->counts.refused++;
        free(peer);
        return NULL;
    }
    memcpy(&peer->address, from,
           from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                      : sizeof(struct sockaddr_in6));
    peer->client_sap = client_sap;
    *place = peer;
    return place;
}

/* ---- requests ---------------------------------------------------------------------------- */

/* A datagram that cannot be sent is lost like any other: the client asks again. */
static void send_datagram(struct wk_dlms_udp *udp, const struct peer *peer,
                          const uint8_t *octets, size_t size)
{
    if (udp->config.address == NULL) {
        udp->config.send(udp->config.self, (const struct sockaddr *)&peer->address, octets,
                         size);
        return;
    }
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)octets, (unsigned)size);
    (void)uv_udp_try_send(&udp->socket, &buffer, 1, (const struct sockaddr *)&peer->address);
}

/* Whether a request may be kept to recognise its repetition: see the header. */
static bool is_kept(const uint8_t *apdu, size_t size)
{
    return apdu[0] != WK_APDU_GET_REQUEST || (size > 1 && apdu[1] == GET_NEXT);
}

static void begin_reply(struct peer *peer, struct wk_bytes_out *out)
{
    const struct wk_wrapper head = {.source = WK_SESSION_SERVER_SAP,
                                    .destination = peer->client_sap};
    *out = wk_bytes_out_of(peer->reply, sizeof peer->reply);
    wk_wrapper_put(out, &head);
}

static void end_reply(struct wk_dlms_udp *udp, struct peer *peer, struct wk_bytes_out *out)
{
    wk_bytes_out_patch_u16be(out, WK_WRAPPER_SIZE - 2, (uint16_t)(out->size - WK_WRAPPER_SIZE));
    peer->reply_size = out->size;
    send_datagram(udp, peer, out->data, out->size);
}

/* The rest of a window of blocks. The client asks for those that get lost: nothing is kept. */
static void send_window(struct wk_dlms_udp *udp, struct peer *peer)
{
    struct wk_bytes_out out;
    while (wk_session_continues(&peer->session) && is_proven(peer)) {
        peer->request_size = 0;
        begin_reply(peer, &out);
        if (wk_session_continue(&peer->session, &out) != WK_OK) {
            return;
        }
        end_reply(udp, peer, &out);
    }
}

static void serve(struct wk_dlms_udp *udp, struct peer *peer, const uint8_t *frame, size_t size)
{
    const struct wk_session_link link = {.client_sap = peer->client_sap,
                                         .server_sap = WK_SESSION_SERVER_SAP};
    const uint8_t *apdu = frame + WK_WRAPPER_SIZE;
    struct wk_bytes_out out;
    begin_reply(peer, &out);
    const wk_err err =
        wk_session_receive(&peer->session, udp->config.now_us(udp->config.self), link,
                           wk_bytes_in_of(apdu, size - WK_WRAPPER_SIZE), &out);
    udp->counts.requests++;
    if (udp->config.served != NULL) {
        udp->config.served(udp->config.self);
    }
    if (!is_proven(peer)) {
        wk_session_limit(&peer->session, WK_ASSOCIATION_MAX);
    }
    memcpy(peer->request, frame, size);
    peer->request_size = is_kept(apdu, size - WK_WRAPPER_SIZE) ? size : 0;
    peer->reply_size = 0;
    if (err == WK_OK && out.size > WK_WRAPPER_SIZE) {
        end_reply(udp, peer, &out);
        send_window(udp, peer);
    }
}

static bool is_repeated(const struct peer *peer, const uint8_t *frame, size_t size)
{
    return peer->request_size == size && memcmp(peer->request, frame, size) == 0;
}

static void take_frame(struct wk_dlms_udp *udp, const struct sockaddr *from,
                       const uint8_t *frame, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(frame, size);
    struct wk_wrapper head;
    wk_wrapper_read(&in, &head);
    const bool is_frame = in.fault == WK_OK && wk_bytes_in_left(&in) == head.length &&
                          head.destination == WK_SESSION_SERVER_SAP;
    struct peer **place = is_frame ? find_peer(udp, from, head.source) : NULL;
    if (is_frame && place == NULL && wk_bytes_in_peek(&in) == WK_APDU_AARQ &&
        head.length <= WK_ASSOCIATION_MAX) {
        place = add_peer(udp, from, head.source);
    }
    if (place == NULL) {
        udp->counts.dropped++;
        return;
    }
    struct peer *peer = *place;
    peer->served_ms = uv_now(udp->config.loop);
    if (is_repeated(peer, frame, size)) {
        udp->counts.repeated++;
        if (peer->reply_size > 0) {
            send_datagram(udp, peer, peer->reply, peer->reply_size);
        }
        return;
    }
    serve(udp, peer, frame, size);
}

void wk_dlms_udp_take(struct wk_dlms_udp *udp, const struct sockaddr *from,
                      const uint8_t *octets, size_t size)
{
    if (size <= WK_WRAPPER_SIZE || size > FRAME_MOST) {
        udp->counts.dropped++;
        return;
    }
    take_frame(udp, from, octets, size);
}

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct wk_dlms_udp *udp = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)udp->in, sizeof udp->in);
}

static void on_datagram(uv_udp_t *socket, ssize_t size, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags)
{
    struct wk_dlms_udp *udp = socket->data;
    if (from == NULL) {
        return; /* nothing was there */
    }
    if (size < 0 || (flags & UV_UDP_PARTIAL) != 0) {
        udp->counts.dropped++;
        return;
    }
    wk_dlms_udp_take(udp, from, (const uint8_t *)buffer->base, (size_t)size);
}

static void on_sweep(uv_timer_t *timer)
{
    struct wk_dlms_udp *udp = timer->data;
    const uint64_t now_ms = uv_now(udp->config.loop);
    for (size_t i = 0; i < WK_DLMS_UDP_PEERS; i++) {
        const struct peer *peer = udp->peers[i];
        if (peer == NULL) {
            continue;
        }
        const uint64_t most = is_proven(peer) ? udp->config.idle_ms : WK_DLMS_UDP_PROVE_MS;
        if (now_ms - peer->served_ms > most) {
            udp->counts.timed_out++;
            forget(&udp->peers[i]);
        }
    }
}

/* ---- starting and stopping --------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct wk_dlms_udp *udp = handle->data;
    udp->handles--;
    if (udp->handles == 0) {
        free(udp);
    }
}

void wk_dlms_udp_stop(struct wk_dlms_udp *udp)
{
    for (size_t i = 0; i < WK_DLMS_UDP_PEERS; i++) {
        if (udp->peers[i] != NULL) {
            forget(&udp->peers[i]);
        }
    }
    uv_close((uv_handle_t *)&udp->socket, on_handle_closed);
    uv_close((uv_handle_t *)&udp->sweep, on_handle_closed);
}

static int listen_on(struct wk_dlms_udp *udp)
{
    const struct wk_dlms_udp_config *config = &udp->config;
    struct sockaddr_storage address;
    int size = sizeof address;
    int failure = uv_ip4_addr(config->address, config->port, (struct sockaddr_in *)&address);
    if (failure != 0) {
        failure = uv_ip6_addr(config->address, config->port, (struct sockaddr_in6 *)&address);
    }
    if (failure == 0) {
        failure = uv_udp_bind(&udp->socket, (const struct sockaddr *)&address, 0);
    }
    if (failure == 0) {
        failure = uv_udp_recv_start(&udp->socket, on_space, on_datagram);
    }
    if (failure == 0) {
        failure = uv_udp_getsockname(&udp->socket, (struct sockaddr *)&address, &size);
        /* The port stands at the same place in both kinds of address. */
        udp->port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    }
    return failure;
}

static wk_err explain(const struct wk_dlms_udp_config *config, int failure,
                      char error[WK_DLMS_UDP_ERROR])
{
    (void)snprintf(error, WK_DLMS_UDP_ERROR, "cannot receive on %.60s UDP port %u: %s",
                   config->address, config->port, uv_strerror(failure));
    return failure == UV_EADDRINUSE ? WK_E_BUSY
           : failure == UV_EACCES   ? WK_E_DENIED
           : failure == UV_EINVAL   ? WK_E_ARGUMENT
                                    : WK_E_IO;
}

wk_err wk_dlms_udp_start(struct wk_dlms_udp **udp, const struct wk_dlms_udp_config *config,
                         char error[WK_DLMS_UDP_ERROR])
{
    struct wk_dlms_udp *made = calloc(1, sizeof *made);
    if (made == NULL || uv_udp_init(config->loop, &made->socket) != 0) {
        free(made);
        (void)snprintf(error, WK_DLMS_UDP_ERROR, "UDP: no memory");
        return WK_E_FULL;
    }
    made->config = *config;
    if (made->config.idle_ms == 0) {
        made->config.idle_ms = WK_DLMS_UDP_IDLE_MS;
    }
    (void)uv_timer_init(config->loop, &made->sweep); /* cannot fail */
    made->socket.data = made;
    made->sweep.data = made;
    made->handles = 2;
    int failure = config->address != NULL ? listen_on(made) : 0;
    if (failure == 0) {
        failure = uv_timer_start(&made->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    }
    if (failure != 0) {
        wk_dlms_udp_stop(made);
        return explain(config, failure, error);
    }
    *udp = made;
    return WK_OK;
}

uint16_t wk_dlms_udp_port(const struct wk_dlms_udp *udp)
{
    return udp->port;
}

struct wk_dlms_udp_counts wk_dlms_udp_counts(const struct wk_dlms_udp *udp)
{
    return udp->counts;
}

uint32_t wk_dlms_udp_peers(const struct wk_dlms_udp *udp)
{
    uint32_t count = 0;
    for (size_t i = 0; i < WK_DLMS_UDP_PEERS; i++) {
        count += udp->peers[i] != NULL ? 1 : 0;
    }
    return count;
}
