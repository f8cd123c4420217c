/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/socket_port.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MS     500
#define BACKLOG      32
#define READ_AT_ONCE 4096

struct wk_socket {
    uv_tcp_t handle;
    struct wk_socket_port *port;
    bool is_closing;
    uint64_t heard_ms;
    max_align_t memory[];
};

struct wk_socket_port {
    struct wk_socket_config config;
    struct wk_socket_counts counts;
    uv_tcp_t listener;
    uv_timer_t sweep;
    uint16_t number;
    bool is_stopping;
    uint32_t handles; /* not yet closed */
    struct wk_socket *streams[WK_SOCKET_CONNECTIONS];
    char octets[READ_AT_ONCE];
};

/* What could not be written at once. */
struct late {
    uv_write_t request;
    uint8_t octets[];
};

/* ---- closing ----------------------------------------------------------------------------- */

static void free_when_last(struct wk_socket_port *port)
{
    port->handles--;
    if (port->is_stopping && port->handles == 0) {
        free(port);
    }
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct wk_socket *stream = handle->data;
    struct wk_socket_port *port = stream->port;
    for (size_t n = 0; n < WK_SOCKET_CONNECTIONS; n++) {
        port->streams[n] = port->streams[n] == stream ? NULL : port->streams[n];
    }
    free(stream);
    free_when_last(port);
}

void wk_socket_close(struct wk_socket *stream)
{
    const struct wk_socket_config *config = &stream->port->config;
    if (stream->is_closing) {
        return;
    }
    stream->is_closing = true;
    if (config->closed != NULL) {
        config->closed(config->self, stream);
    }
    uv_close((uv_handle_t *)&stream->handle, on_stream_closed);
}

bool wk_socket_is_closing(const struct wk_socket *stream)
{
    return stream->is_closing;
}

void *wk_socket_memory(struct wk_socket *stream)
{
    return stream->memory;
}

/* ---- octets out -------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
    struct late *late = request->data;
    struct wk_socket *stream = request->handle->data;
    free(late);
    if (status < 0) {
        wk_socket_close(stream);
    }
}

static void send_late(struct wk_socket *stream, const uint8_t *octets, size_t size)
{
    uv_stream_t *handle = (uv_stream_t *)&stream->handle;
    const bool fits = uv_stream_get_write_queue_size(handle) + size <= WK_SOCKET_QUEUE;
    struct late *late = fits ? malloc(sizeof *late + size) : NULL;
    if (late == NULL) {
        wk_socket_close(stream);
        return;
    }
    memcpy(late->octets, octets, size);
    late->request.data = late;
    const uv_buf_t buffer = uv_buf_init((char *)late->octets, (unsigned)size);
    if (uv_write(&late->request, handle, &buffer, 1, on_written) != 0) {
        free(late);
        wk_socket_close(stream);
    }
}

void wk_socket_send(struct wk_socket *stream, const uint8_t *octets, size_t size)
{
    const uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)octets, (unsigned)size);
    if (stream->is_closing) {
        return;
    }
    int sent = uv_try_write((uv_stream_t *)&stream->handle, &buffer, 1);
    sent = sent == UV_EAGAIN ? 0 : sent;
    if (sent < 0) {
        wk_socket_close(stream);
    } else if ((size_t)sent < size) {
        send_late(stream, octets + sent, size - (size_t)sent);
    }
}

/* ---- octets in --------------------------------------------------------------------------- */

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct wk_socket *stream = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(stream->port->octets, READ_AT_ONCE);
}

static void on_octets(uv_stream_t *handle, ssize_t size, const uv_buf_t *buffer)
{
    struct wk_socket *stream = handle->data;
    const struct wk_socket_config *config = &stream->port->config;
    if (size < 0) {
        wk_socket_close(stream);
    } else if (size > 0) {
        stream->heard_ms = uv_now(config->loop);
        config->octets(config->self, stream, (const uint8_t *)buffer->base, (size_t)size);
    }
}

static struct wk_socket **free_place(struct wk_socket_port *port)
{
    for (size_t n = 0; n < port->config.connections; n++) {
        if (port->streams[n] == NULL) {
            return &port->streams[n];
        }
    }
    return NULL;
}

static void refuse(struct wk_socket *stream)
{
    stream->is_closing = true;
    uv_close((uv_handle_t *)&stream->handle, on_stream_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct wk_socket_port *port = listener->data;
    struct wk_socket *stream =
        status == 0 ? calloc(1, sizeof *stream + port->config.memory) : NULL;
    if (stream == NULL || uv_tcp_init(port->config.loop, &stream->handle) != 0) {
        free(stream);
        return;
    }
    stream->port = port;
    stream->handle.data = stream;
    stream->heard_ms = uv_now(port->config.loop);
    port->handles++;
    struct wk_socket **place = free_place(port);
    const bool accepted = uv_accept(listener, (uv_stream_t *)&stream->handle) == 0;
    if (!accepted || place == NULL) {
        port->counts.refused += accepted ? 1 : 0;
        refuse(stream);
        return;
    }
    *place = stream;
    port->counts.accepted++;
    (void)uv_tcp_nodelay(&stream->handle, 1);
    if (uv_read_start((uv_stream_t *)&stream->handle, on_space, on_octets) != 0) {
        wk_socket_close(stream);
    }
}

void wk_socket_port_each(struct wk_socket_port *port,
                         void (*visit)(void *context, struct wk_socket *stream), void *context)
{
    for (size_t n = 0; n < WK_SOCKET_CONNECTIONS; n++) {
        if (port->streams[n] != NULL && !port->streams[n]->is_closing) {
            visit(context, port->streams[n]);
        }
    }
}

static void close_overdue(void *context, struct wk_socket *stream)
{
    struct wk_socket_port *port = context;
    if (uv_now(port->config.loop) - stream->heard_ms > port->config.idle_ms) {
        port->counts.timed_out++;
        wk_socket_close(stream);
    }
}

static void on_sweep(uv_timer_t *timer)
{
    wk_socket_port_each(timer->data, close_overdue, timer->data);
}

/* ---- starting and stopping --------------------------------------------------------------- */

static void on_own_handle_closed(uv_handle_t *handle)
{
    free_when_last(handle->data);
}

static void close_one(void *context, struct wk_socket *stream)
{
    (void)context;
    wk_socket_close(stream);
}

void wk_socket_port_stop(struct wk_socket_port *port)
{
    port->is_stopping = true;
    wk_socket_port_each(port, close_one, NULL);
    uv_close((uv_handle_t *)&port->listener, on_own_handle_closed);
    uv_close((uv_handle_t *)&port->sweep, on_own_handle_closed);
}

static int listen_on(struct wk_socket_port *port)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    const struct wk_socket_config *config = &port->config;
    int failure = uv_ip4_addr(config->address, config->port, (struct sockaddr_in *)&address);
    if (failure != 0) {
        failure = uv_ip6_addr(config->address, config->port, (struct sockaddr_in6 *)&address);
    }
    if (failure == 0) {
        failure = uv_tcp_bind(&port->listener, (const struct sockaddr *)&address, 0);
    }
    if (failure == 0) {
        failure = uv_listen((uv_stream_t *)&port->listener, BACKLOG, on_connection);
    }
    if (failure == 0) {
        failure = uv_tcp_getsockname(&port->listener, (struct sockaddr *)&address, &size);
        /* The port stands at the same place in both kinds of address. */
        port->number = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    }
    return failure;
}

static wk_err explain(const struct wk_socket_config *config, int failure,
                      char error[WK_SOCKET_ERROR])
{
    static const struct {
        int failure;
        wk_err err;
        const char *what;
    } k_reasons[] = {
        {UV_EADDRINUSE, WK_E_BUSY,
         "it is in use: stop the program that has it, or choose another"},
        {UV_EACCES, WK_E_DENIED, "it needs privileges: choose a port above 1023"},
        {UV_EINVAL, WK_E_ARGUMENT, "this is no numeric IPv4 or IPv6 address to listen on"},
    };
    for (size_t n = 0; n < sizeof k_reasons / sizeof k_reasons[0]; n++) {
        if (k_reasons[n].failure == failure) {
            (void)snprintf(error, WK_SOCKET_ERROR, "port %u on %.64s: %s", config->port,
                           config->address, k_reasons[n].what);
            return k_reasons[n].err;
        }
    }
    (void)snprintf(error, WK_SOCKET_ERROR, "port %u on %.64s: %s", config->port,
                   config->address, uv_strerror(failure));
    return WK_E_IO;
}

wk_err wk_socket_port_start(struct wk_socket_port **port, const struct wk_socket_config *config,
                            char error[WK_SOCKET_ERROR])
{
    if (config->connections < 1 || config->connections > WK_SOCKET_CONNECTIONS) {
        return explain(config, UV_EINVAL, error);
    }
    struct wk_socket_port *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return explain(config, UV_ENOMEM, error);
    }
    made->config = *config;
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
    if (failure == 0 && config->idle_ms != 0) {
        failure = uv_timer_start(&made->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    }
    if (failure != 0) {
        wk_socket_port_stop(made);
        return explain(config, failure, error);
    }
    *port = made;
    return WK_OK;
}

uint16_t wk_socket_port_number(const struct wk_socket_port *port)
{
    return port->number;
}

struct wk_socket_counts wk_socket_port_counts(const struct wk_socket_port *port)
{
    return port->counts;
}
