/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/p1_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_S 1000
#define FIRST_MS 100

struct wk_p1_port {
    struct wk_p1_port_config config;
    struct wk_p1 p1;
    struct wk_serial_line *line; /* NULL: none */
    struct wk_socket_port *socket;
    uv_timer_t timer;
    size_t size;
    uint8_t telegram[WK_P1_TELEGRAM];
};

static void put(void *self, const uint8_t *octets, size_t size)
{
    struct wk_p1_port *port = self;
    if (size <= sizeof port->telegram - port->size) {
        memcpy(port->telegram + port->size, octets, size);
        port->size += size;
    }
}

static void send_to(void *context, struct wk_socket *socket)
{
    const struct wk_p1_port *port = context;
    wk_socket_send(socket, port->telegram, port->size);
}

static bool is_requested(const struct wk_p1_port *port)
{
    return port->line != NULL && wk_serial_line_is_drained(port->line) &&
           (!port->config.wants_request || wk_serial_line_is_clear(port->line));
}

static void on_timer(uv_timer_t *timer)
{
    struct wk_p1_port *port = timer->data;
    const struct wk_p1_port_config *config = &port->config;
    struct wk_p1_channel channels[WK_P1_CHANNELS];
    const size_t count =
        config->channels != NULL ? config->channels(config->self, channels) : 0;
    const struct wk_p1_sink sink = {.self = port, .put = put};
    port->size = 0;
    wk_p1_write(&port->p1, config->now_us(config->self), channels, count, &sink);
    if (is_requested(port)) {
        wk_serial_line_send(port->line, port->telegram, port->size);
    }
    if (port->socket != NULL) {
        wk_socket_port_each(port->socket, send_to, port);
    }
}

/* Nobody has anything to say to a P1 port. */
static void on_socket_octets(void *self, struct wk_socket *socket, const uint8_t *octets,
                             size_t size)
{
    (void)self;
    (void)socket;
    (void)octets;
    (void)size;
}

static void on_line_octets(void *self, int64_t now_us, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)now_us;
    (void)octets;
    (void)size;
}

static int64_t never(void *self)
{
    (void)self;
    return INT64_MAX;
}

static void on_line_tick(void *self, int64_t now_us)
{
    (void)self;
    (void)now_us;
}

static wk_err open_carriers(struct wk_p1_port *port, char *error)
{
    const struct wk_p1_port_config *config = &port->config;
    const struct wk_serial_line_config line = {
        .loop = config->loop,
        .device = config->device,
        .baud = config->baud,
        .framing = "8N1",
        .self = port,
        .octets = on_line_octets,
        .due_us = never,
        .tick = on_line_tick,
    };
    const struct wk_socket_config socket = {
        .loop = config->loop,
        .address = config->address,
        .port = config->port,
        .connections = WK_P1_CONNECTIONS,
        .self = port,
        .octets = on_socket_octets,
    };
    if (config->device != NULL) {
        WK_TRY(wk_serial_line_start(&port->line, &line, error));
    }
    return config->port != 0 ? wk_socket_port_start(&port->socket, &socket, error) : WK_OK;
}

wk_err wk_p1_port_start(struct wk_p1_port **port, const struct wk_p1_port_config *config,
                        char error[WK_SOCKET_ERROR])
{
    struct wk_p1_port *made = calloc(1, sizeof *made);
    if (made == NULL || wk_p1_init(&made->p1, &config->p1) != WK_OK ||
        uv_timer_init(config->loop, &made->timer) != 0) {
        (void)snprintf(error, WK_SOCKET_ERROR, "its version must be 4 or 5");
        free(made);
        return WK_E_ARGUMENT;
    }
    made->config = *config;
    made->timer.data = made;
    *port = made; /* what is open is the owner's to stop */
    WK_TRY(open_carriers(made, error));
    const uint64_t period_ms = (uint64_t)wk_p1_period_s(&made->p1) * MS_PER_S;
    return uv_timer_start(&made->timer, on_timer, FIRST_MS, period_ms) == 0 ? WK_OK : WK_E_IO;
}

void wk_p1_port_stop(struct wk_p1_port *port)
{
    uv_close((uv_handle_t *)&port->timer, NULL);
    if (port->line != NULL) {
        wk_serial_line_stop(port->line);
    }
    if (port->socket != NULL) {
        wk_socket_port_stop(port->socket);
    }
}

void wk_p1_port_free(struct wk_p1_port *port)
{
    free(port);
}
