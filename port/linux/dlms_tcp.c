/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosem/apdu.h"

#define SWEEP_MS     500 /* how often overdue connections are looked for */
#define BACKLOG      128
#define REPLY_ROOM   (WK_WRAPPER_SIZE + WK_SESSION_REPLY)
#define FRAME_MOST   (WK_WRAPPER_SIZE + WK_SESSION_PDU)
#define TLS_AT_ONCE  16384
#define WRITE_QUEUED ((size_t)64 * 1024) /* unread replies a connection may pile up */

struct connection {
    uv_tcp_t handle;
    struct wk_dlms_tcp *tcp;
    bool is_open;
    bool is_closing;
    uint64_t since_ms;  /* connected */
    uint64_t served_ms; /* last whole request */
    uint64_t frame_ms;  /* the frame under way began; 0 = none is */
    struct wk_tls *tls; /* NULL: without */
    bool is_proven;     /* by TLS */
    struct wk_session session;
    struct wk_wrapper_split split;
    uint8_t in[2 * FRAME_MOST];
    uint8_t out[REPLY_ROOM];
};

struct wk_dlms_tcp {
    struct wk_dlms_tcp_config config;
    struct wk_dlms_tcp_counts counts;
    uv_tcp_t listener;
    uv_timer_t sweep;
    uint16_t port;
    bool is_stopping;
    uint32_t handles; /* not yet closed */
    struct connection *connections[WK_DLMS_TCP_CONNECTIONS];
    uint8_t sealed[TLS_AT_ONCE]; /* what came last, until TLS has taken it */
};

/* A reply that could not be written at once. */
struct late_reply {
    uv_write_t request;
    uint8_t octets[];
};

/* ---- closing ----------------------------------------------------------------------------- */

static void free_when_last(struct wk_dlms_tcp *tcp)
{
    tcp->handles--;
    if (tcp->is_stopping && tcp->handles == 0) {
        free(tcp);
    }
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct wk_dlms_tcp *tcp = connection->tcp;
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        if (tcp->connections[i] == connection) {
            tcp->connections[i] = NULL;
        }
    }
    wk_tls_free(connection->tls);
    free(connection);
    free_when_last(tcp);
}

/* The peer is told, if it takes that at once. */
static void end_tls(struct connection *connection)
{
    const uint8_t *octets;
    if (!connection->is_proven) {
        connection->tcp->counts.tls_refused++;
    }
    wk_tls_end(connection->tls);
    const size_t size = wk_tls_output(connection->tls, &octets);
    const uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)octets, (unsigned)size);
    if (size > 0) {
        (void)uv_try_write((uv_stream_t *)&connection->handle, &buffer, 1);
    }
}

static void hang_up(struct connection *connection)
{
    if (connection->is_closing) {
        return;
    }
    connection->is_closing = true;
    if (connection->tls != NULL) {
        end_tls(connection);
    }
    if (connection->is_open) {
        wk_session_close(&connection->session);
    }
    uv_close((uv_handle_t *)&connection->handle, on_connection_closed);
}

/* ---- replies ----------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
    struct late_reply *late = request->data;
    struct connection *connection = request->handle->data;
    free(late);
    if (status < 0) {
        hang_up(connection);
    }
}

/* What the socket does not take at once is kept until it does. */
static void write_late(struct connection *connection, const uint8_t *octets, size_t size)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->handle;
    if (uv_stream_get_write_queue_size(stream) + size > WRITE_QUEUED) {
        hang_up(connection);
        return;
    }
    struct late_reply *late = malloc(sizeof *late + size);
    if (late == NULL) {
        hang_up(connection);
        return;
    }
    memcpy(late->octets, octets, size);
    late->request.data = late;
    const uv_buf_t buffer = uv_buf_init((char *)late->octets, (unsigned)size);
    if (uv_write(&late->request, stream, &buffer, 1, on_written) != 0) {
        free(late);
        hang_up(connection);
    }
}

static void send_octets(struct connection *connection, const uint8_t *octets, size_t size)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->handle;
    const uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)octets, (unsigned)size);
    int sent = uv_try_write(stream, &buffer, 1);
    if (sent == UV_EAGAIN) {
        sent = 0;
    }
    if (sent < 0) {
        hang_up(connection);
    } else if ((size_t)sent < size) {
        write_late(connection, octets + sent, size - (size_t)sent);
    }
}

/* What TLS has for the peer. */
static void send_sealed(struct connection *connection)
{
    const uint8_t *octets;
    const size_t size = wk_tls_output(connection->tls, &octets);
    if (size > 0 && !connection->is_closing) {
        send_octets(connection, octets, size);
        wk_tls_sent(connection->tls, size);
    }
}

static void send_reply(struct connection *connection, const struct wk_bytes_out *out)
{
    if (connection->tls == NULL) {
        send_octets(connection, out->data, out->size);
    } else if (wk_tls_write(connection->tls, out->data, out->size) == WK_OK) {
        send_sealed(connection);
    } else {
        hang_up(connection);
    }
}

static void send_frame(struct connection *connection, struct wk_bytes_out *out)
{
    wk_bytes_out_patch_u16be(out, WK_WRAPPER_SIZE - 2, (uint16_t)(out->size - WK_WRAPPER_SIZE));
    send_reply(connection, out);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void serve(struct connection *connection, const struct wk_wrapper *head,
                  struct wk_bytes_in apdu)
{
    struct wk_dlms_tcp *tcp = connection->tcp;
    const struct wk_session_link link = {
        .client_sap = head->source,
        .server_sap = head->destination,
    };
    struct wk_wrapper reply_head = {.source = head->destination, .destination = head->source};
    struct wk_bytes_out out = wk_bytes_out_of(connection->out, sizeof connection->out);
    wk_wrapper_put(&out, &reply_head);
    const int64_t now_us = tcp->config.now_us(tcp->config.self);
    const wk_err err = wk_session_receive(&connection->session, now_us, link, apdu, &out);
    tcp->counts.requests++;
    if (tcp->config.served != NULL) {
        tcp->config.served(tcp->config.self);
    }
    if (err != WK_OK || out.size == WK_WRAPPER_SIZE) {
        return;
    }
    send_frame(connection, &out);
    /* The rest of a window of blocks. */
    while (!connection->is_closing && wk_session_continues(&connection->session)) {
        out = wk_bytes_out_of(connection->out, sizeof connection->out);
        wk_wrapper_put(&out, &reply_head);
        if (wk_session_continue(&connection->session, &out) != WK_OK) {
            return;
        }
        send_frame(connection, &out);
    }
}

static void serve_frames(struct connection *connection)
{
    struct wk_wrapper_split *split = &connection->split;
    const uint64_t now_ms = uv_now(connection->tcp->config.loop);
    struct wk_wrapper head;
    struct wk_bytes_in apdu;
    wk_err err = WK_OK;
    while (!connection->is_closing && err != WK_E_SHORT) {
        err = wk_wrapper_split_next(split, &head, &apdu);
        if (err == WK_OK) {
            connection->served_ms = now_ms;
            connection->frame_ms = 0;
            serve(connection, &head, apdu);
        }
    }
    if (split->dropped > WK_DLMS_TCP_JUNK) {
        connection->tcp->counts.junk_closed++;
        hang_up(connection);
    }
    const bool has_begun = split->last > split->first;
    if (has_begun && connection->frame_ms == 0) {
        connection->frame_ms = now_ms;
    }
}

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;
    size_t size;
    (void)suggested;
    if (connection->tls != NULL) {
        struct wk_dlms_tcp *tcp = connection->tcp;
        *buffer = uv_buf_init((char *)tcp->sealed, sizeof tcp->sealed);
        return;
    }
    uint8_t *space = wk_wrapper_split_space(&connection->split, &size);
    *buffer = uv_buf_init((char *)space, (unsigned)size);
}

static void note_handshake(struct connection *connection)
{
    struct wk_dlms_tcp_counts *counts = &connection->tcp->counts;
    if (!connection->is_proven && wk_tls_is_open(connection->tls)) {
        connection->is_proven = true;
        connection->served_ms = uv_now(connection->tcp->config.loop);
        counts->tls_opened++;
        counts->tls_resumed += wk_tls_is_resumed(connection->tls) ? 1 : 0;
    }
}

static void take_sealed(struct connection *connection, const uint8_t *octets, size_t size)
{
    wk_err err = wk_tls_take(connection->tls, octets, size);
    while (err == WK_OK && !connection->is_closing) {
        size_t room;
        size_t got = 0;
        uint8_t *space = wk_wrapper_split_space(&connection->split, &room);
        err = wk_tls_read(connection->tls, space, room, &got);
        note_handshake(connection);
        if (err == WK_OK && wk_wrapper_split_received(&connection->split, got) == WK_OK) {
            serve_frames(connection);
        }
    }
    send_sealed(connection);
    if (err != WK_E_SHORT) {
        hang_up(connection);
    }
}

static void on_octets(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (size < 0) {
        hang_up(connection);
        return;
    }
    if (connection->tls != NULL) {
        take_sealed(connection, (const uint8_t *)buffer->base, (size_t)size);
        return;
    }
    if (wk_wrapper_split_received(&connection->split, (size_t)size) == WK_OK) {
        serve_frames(connection);
    }
}

/* ---- connections ------------------------------------------------------------------------- */

static struct connection **free_place(struct wk_dlms_tcp *tcp)
{
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        if (tcp->connections[i] == NULL) {
            return &tcp->connections[i];
        }
    }
    return NULL;
}

/* One handshake more than may be: the oldest one under way has to go. */
static void make_room_for_handshake(struct wk_dlms_tcp *tcp)
{
    uint32_t count = 0;
    struct connection *oldest = NULL;
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        struct connection *connection = tcp->connections[i];
        if (connection == NULL || connection->is_closing || connection->is_proven) {
            continue;
        }
        count++;
        if (oldest == NULL || connection->since_ms < oldest->since_ms) {
            oldest = connection;
        }
    }
    if (count >= WK_DLMS_TCP_HANDSHAKES) {
        hang_up(oldest);
    }
}

static wk_err begin_connection(struct wk_dlms_tcp *tcp, struct connection *connection)
{
    WK_TRY(wk_session_init(&connection->session, &tcp->config.session));
    connection->is_open = true;
    if (tcp->config.tls != NULL) {
        WK_TRY(wk_tls_begin(&connection->tls, tcp->config.tls, NULL, NULL));
    }
    connection->since_ms = uv_now(tcp->config.loop);
    connection->served_ms = connection->since_ms;
    wk_wrapper_split_init(&connection->split, connection->in, sizeof connection->in);
    (void)uv_tcp_nodelay(&connection->handle, 1);
    const int failure = uv_read_start((uv_stream_t *)&connection->handle, on_space, on_octets);
    return failure == 0 ? WK_OK : WK_E_IO;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct wk_dlms_tcp *tcp = listener->data;
    if (status < 0) {
        return;
    }
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL || uv_tcp_init(tcp->config.loop, &connection->handle) != 0) {
        free(connection);
        return;
    }
    connection->tcp = tcp;
    connection->handle.data = connection;
    tcp->handles++;
    struct connection **place = free_place(tcp);
    if (uv_accept(listener, (uv_stream_t *)&connection->handle) != 0) {
        hang_up(connection);
        return;
    }
    if (place == NULL) {
        tcp->counts.refused++;
        hang_up(connection);
        return;
    }
    if (tcp->config.tls != NULL) {
        make_room_for_handshake(tcp);
    }
    *place = connection;
    tcp->counts.accepted++;
    if (begin_connection(tcp, connection) != WK_OK) {
        hang_up(connection);
    }
}

static bool is_overdue(const struct connection *connection, uint64_t now_ms)
{
    const struct wk_dlms_tcp_config *config = &connection->tcp->config;
    const bool proven = wk_session_role(&connection->session) != WK_ROLE_COUNT;
    if (connection->tls != NULL && !connection->is_proven) {
        return now_ms - connection->since_ms > WK_DLMS_TCP_HANDSHAKE_MS;
    }
    if (connection->frame_ms != 0 && now_ms - connection->frame_ms > WK_DLMS_TCP_FRAME_MS) {
        return true;
    }
    if (!proven && now_ms - connection->served_ms > WK_DLMS_TCP_PROVE_MS) {
        return true;
    }
    return now_ms - connection->served_ms > config->idle_ms;
}

static void on_sweep(uv_timer_t *timer)
{
    struct wk_dlms_tcp *tcp = timer->data;
    const uint64_t now_ms = uv_now(tcp->config.loop);
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        struct connection *connection = tcp->connections[i];
        if (connection != NULL && !connection->is_closing && is_overdue(connection, now_ms)) {
            tcp->counts.timed_out++;
            hang_up(connection);
        }
    }
}

/* ---- starting and stopping --------------------------------------------------------------- */

static void on_own_handle_closed(uv_handle_t *handle)
{
    free_when_last(handle->data);
}

void wk_dlms_tcp_stop(struct wk_dlms_tcp *tcp)
{
    tcp->is_stopping = true;
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        if (tcp->connections[i] != NULL) {
            hang_up(tcp->connections[i]);
        }
    }
    uv_close((uv_handle_t *)&tcp->listener, on_own_handle_closed);
    uv_close((uv_handle_t *)&tcp->sweep, on_own_handle_closed);
}

static int parse_address(const struct wk_dlms_tcp_config *config,
                         struct sockaddr_storage *address)
{
    const int failure =
        uv_ip4_addr(config->address, config->port, (struct sockaddr_in *)address);
    return failure == 0
               ? 0
               : uv_ip6_addr(config->address, config->port, (struct sockaddr_in6 *)address);
}

static int listen_on(struct wk_dlms_tcp *tcp)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    int failure = parse_address(&tcp->config, &address);
    if (failure == 0) {
        failure = uv_tcp_bind(&tcp->listener, (const struct sockaddr *)&address, 0);
    }
    if (failure == 0) {
        failure = uv_listen((uv_stream_t *)&tcp->listener, BACKLOG, on_connection);
    }
    if (failure == 0) {
        failure = uv_tcp_getsockname(&tcp->listener, (struct sockaddr *)&address, &size);
    }
    if (failure == 0) {
        /* The port stands at the same place in both kinds of address. */
        tcp->port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    }
    return failure;
}

static wk_err explain(const struct wk_dlms_tcp_config *config, int failure,
                      char error[WK_DLMS_TCP_ERROR])
{
    switch (failure) {
    case UV_EADDRINUSE:
        (void)snprintf(error, WK_DLMS_TCP_ERROR,
                       "port %u on %s is in use: stop the program that has it, or choose "
                       "another port",
                       config->port, config->address);
        return WK_E_BUSY;
    case UV_EACCES:
        (void)snprintf(error, WK_DLMS_TCP_ERROR,
                       "port %u on %s needs privileges: choose a port above 1023", config->port,
                       config->address);
        return WK_E_DENIED;
    case UV_EINVAL:
        (void)snprintf(error, WK_DLMS_TCP_ERROR,
                       "\"%s\" is no address to listen on: give a numeric IPv4 or IPv6 address",
                       config->address);
        return WK_E_ARGUMENT;
    default:
        (void)snprintf(error, WK_DLMS_TCP_ERROR, "cannot listen on %s port %u: %s",
                       config->address, config->port, uv_strerror(failure));
        return WK_E_IO;
    }
}

wk_err wk_dlms_tcp_start(struct wk_dlms_tcp **tcp, const struct wk_dlms_tcp_config *config,
                         char error[WK_DLMS_TCP_ERROR])
{
    struct wk_dlms_tcp *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return explain(config, UV_ENOMEM, error);
    }
    made->config = *config;
    made->config.idle_ms = config->idle_ms != 0 ? config->idle_ms : WK_DLMS_TCP_IDLE_MS;
    int failure = uv_tcp_init(config->loop, &made->listener);
    if (failure != 0) {
        free(made);
        return explain(config, failure, error);
    }
    (void)uv_timer_init(config->loop, &made->sweep); /* cannot fail */
    made->listener.data = made;
    made->sweep.data = made;
    made->handles = 2;
    failure = listen_on(made);
    if (failure == 0) {
        failure = uv_timer_start(&made->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    }
    if (failure != 0) {
        wk_dlms_tcp_stop(made);
        return explain(config, failure, error);
    }
    *tcp = made;
    return WK_OK;
}

uint16_t wk_dlms_tcp_port(const struct wk_dlms_tcp *tcp)
{
    return tcp->port;
}

struct wk_dlms_tcp_counts wk_dlms_tcp_counts(const struct wk_dlms_tcp *tcp)
{
    return tcp->counts;
}

uint32_t wk_dlms_tcp_connections(const struct wk_dlms_tcp *tcp)
{
    uint32_t count = 0;
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        const struct connection *connection = tcp->connections[i];
        count += connection != NULL && !connection->is_closing ? 1 : 0;
    }
    return count;
}
