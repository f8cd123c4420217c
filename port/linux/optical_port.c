/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/optical_port.h"

#include <stdio.h>
#include <stdlib.h>

#define DRAIN_US 20000 /* between looks whether all has gone out */

struct wk_optical_port {
    struct wk_optical_port_config config;
    struct wk_optical optical;
    struct wk_serial_line *line;
    uint32_t baud;  /* of the line */
    int64_t due_us; /* of the next look at the line; INT64_MAX: none */
};

static void set_baud(struct wk_optical_port *port, uint32_t baud)
{
    if (port->baud != baud) {
        port->baud = baud;
        wk_serial_line_change(port->line, baud, "7E1");
    }
}

/* The rate for what the reader says next, once all of ours has gone out. */
static void follow(struct wk_optical_port *port, int64_t now_us)
{
    const bool is_late = port->optical.due_us == 0 && port->baud != port->optical.baud;
    port->due_us = INT64_MAX;
    if (is_late && wk_serial_line_is_drained(port->line)) {
        set_baud(port, port->optical.baud);
    } else if (is_late) {
        port->due_us = now_us + DRAIN_US;
    }
}

static void on_octets(void *self, int64_t now_us, const uint8_t *octets, size_t size)
{
    struct wk_optical_port *port = self;
    const struct wk_optical_port_config *config = &port->config;
    wk_optical_receive(&port->optical, now_us, config->now_us(config->self), octets, size);
    if (wk_optical_take_written(&port->optical) && config->served != NULL) {
        config->served(config->self);
    }
    follow(port, now_us);
}

static int64_t due_us(void *self)
{
    const struct wk_optical_port *port = self;
    const int64_t optical_us = wk_optical_due_us(&port->optical);
    return optical_us < port->due_us ? optical_us : port->due_us;
}

static void on_tick(void *self, int64_t now_us)
{
    struct wk_optical_port *port = self;
    const struct wk_optical_port_config *config = &port->config;
    size_t size = 0;
    uint32_t baud = 0;
    const uint8_t *octets =
        wk_optical_tick(&port->optical, now_us, config->now_us(config->self), &size, &baud);
    if (octets != NULL) {
        set_baud(port, baud);
        wk_serial_line_send(port->line, octets, size);
    }
    follow(port, now_us);
}

wk_err wk_optical_port_start(struct wk_optical_port **port,
                             const struct wk_optical_port_config *config,
                             char error[WK_SERIAL_ERROR])
{
    struct wk_optical_port *made = calloc(1, sizeof *made);
    if (made == NULL || wk_optical_init(&made->optical, &config->optical) != WK_OK) {
        (void)snprintf(error, WK_SERIAL_ERROR,
                       "its rate must be 300 to 19200, and the password have no parentheses");
        free(made);
        return WK_E_ARGUMENT;
    }
    made->config = *config;
    made->baud = WK_OPTICAL_BAUD;
    made->due_us = INT64_MAX;
    const struct wk_serial_line_config line = {
        .loop = config->loop,
        .device = config->device,
        .baud = WK_OPTICAL_BAUD,
        .framing = "7E1",
        .self = made,
        .octets = on_octets,
        .due_us = due_us,
        .tick = on_tick,
    };
    const wk_err err = wk_serial_line_start(&made->line, &line, error);
    if (err != WK_OK) {
        free(made);
        return err;
    }
    *port = made;
    return WK_OK;
}

void wk_optical_port_stop(struct wk_optical_port *port)
{
    wk_serial_line_stop(port->line);
}

void wk_optical_port_free(struct wk_optical_port *port)
{
    free(port);
}
