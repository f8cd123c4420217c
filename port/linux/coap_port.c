/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/coap_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <uv.h>

#include "port/linux/link_udp.h"

#define NS_PER_US 1000
#define US_PER_MS 1000

struct wk_coap_port {
    uv_timer_t timer; /* first: freed when it is closed */
    struct wk_coap_port_config config;
    struct wk_link_carrier udp;
    struct wk_coap coap;
    bool carries;
};

static int64_t steady_us(void)
{
    return (int64_t)(uv_hrtime() / NS_PER_US);
}

static wk_err draw(void *self, void *to, size_t size)
{
    (void)self;
    return getrandom(to, size, 0) == (ssize_t)size ? WK_OK : WK_E_IO;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct wk_coap_port *port)
{
    const int64_t due_us = wk_coap_due_us(&port->coap);
    const int64_t now_us = steady_us();
    if (due_us == WK_COAP_NEVER_US) {
        uv_timer_stop(&port->timer);
        return;
    }
    const int64_t wait_us = due_us > now_us ? due_us - now_us : 0;
    uv_update_time(port->config.loop);
    uv_timer_start(&port->timer, on_timer, (uint64_t)(wait_us + US_PER_MS - 1) / US_PER_MS, 0);
}

/* What cannot leave now is as good as lost: it goes again. */
static void flush(struct wk_coap_port *port)
{
    const uint8_t *datagram;
    size_t size;
    while ((datagram = wk_coap_output(&port->coap, steady_us(), &size)) != NULL) {
        if (port->carries) {
            (void)!port->udp.send(port->udp.self, datagram, size);
        }
    }
    arm(port);
}

static void on_timer(uv_timer_t *timer)
{
    struct wk_coap_port *port = timer->data;
    wk_coap_lane lane;
    flush(port);
    while (wk_coap_failed(&port->coap, &lane)) {
        if (port->config.failed != NULL) {
            port->config.failed(port->config.self, lane);
        }
    }
    arm(port);
}

static void on_carries(void *self, bool carries)
{
    struct wk_coap_port *port = self;
    port->carries = carries;
    if (port->config.carries != NULL) {
        port->config.carries(port->config.self, carries);
    }
}

static void on_datagram(void *self, uint8_t *datagram, size_t size)
{
    struct wk_coap_port *port = self;
    struct wk_coap_answer answer;
    const wk_err err =
        wk_coap_receive(&port->coap, wk_bytes_in_of(datagram, size), steady_us(), &answer);
    flush(port);
    if (err == WK_OK && port->config.answered != NULL) {
        port->config.answered(port->config.self, answer.lane, answer.code, answer.payload);
    }
    if (port->config.ready != NULL) {
        port->config.ready(port->config.self);
    }
}

wk_err wk_coap_port_start(struct wk_coap_port **port, const struct wk_coap_port_config *config,
                          char error[WK_LINK_CARRIER_ERROR])
{
    struct wk_coap_port *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL || uv_timer_init(config->loop, &fresh->timer) != 0) {
        free(fresh);
        snprintf(error, WK_LINK_CARRIER_ERROR, "no memory, or no timer");
        return WK_E_IO;
    }
    fresh->timer.data = fresh;
    fresh->config = *config;
    const struct wk_coap_config coap = {.path = {config->path[0], config->path[1]},
                                        .random = draw};
    const struct wk_link_carrier_config udp = {.loop = config->loop,
                                               .to = config->to,
                                               .interface = config->interface,
                                               .self = fresh,
                                               .carries = on_carries,
                                               .take = on_datagram};
    wk_err err = wk_coap_init(&fresh->coap, &coap, steady_us());
    if (err != WK_OK) {
        snprintf(error, WK_LINK_CARRIER_ERROR, "coap: %s", wk_err_text(err));
    } else {
        err = wk_link_udp_start(&fresh->udp, &udp, error);
    }
    if (err != WK_OK) {
        wk_coap_port_stop(fresh);
        return err;
    }
    *port = fresh;
    return WK_OK;
}

wk_err wk_coap_port_post(struct wk_coap_port *port, wk_coap_lane lane, const void *payload,
                         size_t size)
{
    if (!port->carries) {
        return WK_E_CLOSED;
    }
    WK_TRY(wk_coap_post(&port->coap, lane, payload, size, steady_us()));
    flush(port);
    return WK_OK;
}

bool wk_coap_port_is_open(const struct wk_coap_port *port, wk_coap_lane lane)
{
    return wk_coap_is_open(&port->coap, lane);
}

void wk_coap_port_cancel(struct wk_coap_port *port, wk_coap_lane lane)
{
    wk_coap_cancel(&port->coap, lane);
}

const char *wk_coap_port_why(const struct wk_coap_port *port)
{
    return port->udp.why(port->udp.self);
}

const struct wk_coap_counts *wk_coap_port_counts(const struct wk_coap_port *port)
{
    return &port->coap.counts;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void wk_coap_port_stop(struct wk_coap_port *port)
{
    port->carries = false;
    port->config.carries = NULL; /* nobody is called any more */
    port->config.ready = NULL;
    port->config.answered = NULL;
    port->config.failed = NULL;
    if (port->udp.self != NULL) {
        port->udp.stop(port->udp.self);
    }
    uv_close((uv_handle_t *)&port->timer, on_timer_closed);
}
