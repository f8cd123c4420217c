/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlt645_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_US 20000 /* between looks whether all has gone out */

struct wk_dlt645_port {
    struct wk_dlt645_port_config config;
    struct wk_dlt645 dlt645;
    struct wk_serial_line *line;
    uint32_t baud;    /* of the line */
    int64_t drain_us; /* of the next look at the line; INT64_MAX: none */
};

/* The rate of the next request, once the answer has gone out with the old one. */
static void follow_rate(struct wk_dlt645_port *port, int64_t now_us)
{
    port->drain_us = INT64_MAX;
    if (port->baud == port->dlt645.baud) {
        return;
    }
    if (!wk_serial_line_is_drained(port->line)) {
        port->drain_us = now_us + DRAIN_US;
        return;
    }
    port->baud = port->dlt645.baud;
    wk_serial_line_change(port->line, port->baud, port->config.framing);
}

static void on_octets(void *self, int64_t now_us, const uint8_t *octets, size_t size)
{
    struct wk_dlt645_port *port = self;
    wk_dlt645_receive(&port->dlt645, now_us, octets, size);
}

static int64_t due_us(void *self)
{
    const struct wk_dlt645_port *port = self;
    const int64_t answer_us = wk_dlt645_due_us(&port->dlt645);
    return answer_us < port->drain_us ? answer_us : port->drain_us;
}

static void on_tick(void *self, int64_t now_us)
{
    struct wk_dlt645_port *port = self;
    const struct wk_dlt645_port_config *config = &port->config;
    size_t size = 0;
    const uint8_t *octets =
        wk_dlt645_tick(&port->dlt645, now_us, config->now_us(config->self), &size);
    if (wk_dlt645_take_written(&port->dlt645)) {
        config->served(config->self);
    }
    wk_serial_line_send(port->line, octets, size);
    follow_rate(port, now_us);
}

wk_err wk_dlt645_port_start(struct wk_dlt645_port **port,
                            const struct wk_dlt645_port_config *config,
                            char error[WK_SERIAL_ERROR])
{
    struct wk_dlt645_port *made = calloc(1, sizeof *made);
    if (made == NULL || wk_dlt645_init(&made->dlt645, &config->dlt645) != WK_OK) {
        (void)snprintf(
            error, WK_SERIAL_ERROR,
            "its rate must be 600 to 19200, and the address 12 digits but not all 9");
        free(made);
        return WK_E_ARGUMENT;
    }
    made->config = *config;
    made->baud = config->dlt645.baud;
    made->drain_us = INT64_MAX;
    struct wk_serial_line_config line = {
        .loop = config->loop,
        .device = config->device,
        .baud = config->dlt645.baud,
        .rs485 = config->rs485,
        .self = made,
        .octets = on_octets,
        .due_us = due_us,
        .tick = on_tick,
    };
    memcpy(line.framing, config->framing, sizeof line.framing);
    const wk_err err = wk_serial_line_start(&made->line, &line, error);
    if (err != WK_OK) {
        free(made);
        return err;
    }
    *port = made;
    return WK_OK;
}

void wk_dlt645_port_stop(struct wk_dlt645_port *port)
{
    wk_serial_line_stop(port->line);
}

void wk_dlt645_port_free(struct wk_dlt645_port *port)
{
    free(port);
}
