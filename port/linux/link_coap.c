/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_coap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "link/packet.h"
#include "port/linux/coap_port.h"

#define SEGMENT "wk"

struct link_coap {
    uv_timer_t timer; /* first: freed when it is closed */
    struct wk_link_carrier_config config;
    struct wk_coap_port *port;
    char title[2 * WK_LINK_CARRIER_TITLE + 1];
    bool owes; /* something went since it was asked whether there is more */
    char how[WK_LINK_CARRIER_ERROR];
};

/* ---- asking for more --------------------------------------------------------------------- */

static void on_quiet(uv_timer_t *timer)
{
    struct link_coap *coap = timer->data;
    const bool is_idle = !wk_coap_port_is_open(coap->port, WK_COAP_URGENT) &&
                         !wk_coap_port_is_open(coap->port, WK_COAP_BULK) &&
                         !wk_coap_port_is_open(coap->port, WK_COAP_POLL);
    if (is_idle && coap->owes && coap->config.awaits(coap->config.self) &&
        wk_coap_port_post(coap->port, WK_COAP_POLL, NULL, 0) == WK_OK) {
        coap->owes = false;
    }
}

static void ask_later(struct link_coap *coap)
{
    uv_update_time(coap->config.loop);
    uv_timer_start(&coap->timer, on_quiet, WK_LINK_COAP_POLL_MS, 0);
}

/* ---- packets ----------------------------------------------------------------------------- */

static void tell(struct link_coap *coap)
{
    const struct wk_coap_counts *counts = wk_coap_port_counts(coap->port);
    snprintf(coap->how, sizeof coap->how, "%u requests, %u responses, %u sent again",
             (unsigned)counts->requests, (unsigned)counts->responses, (unsigned)counts->again);
}

static void on_answer(void *self, wk_coap_lane lane, uint8_t code, struct wk_bytes_in payload)
{
    struct link_coap *coap = self;
    coap->owes = coap->owes || (lane == WK_COAP_POLL && payload.size > 0);
    while (code == WK_COAP_CHANGED && wk_bytes_in_left(&payload) > 0) {
        uint8_t packet[WK_COAP_PAYLOAD + WK_COAP_AROUND];
        const size_t size = wk_bytes_in_u16be(&payload);
        const uint8_t *octets = wk_bytes_in_take(&payload, size);
        if (octets == NULL || size > sizeof packet) {
            break;
        }
        memcpy(packet, octets, size);
        coap->config.take(coap->config.self, packet, size);
    }
    tell(coap);
    ask_later(coap);
}

static void on_ready(void *self)
{
    struct link_coap *coap = self;
    coap->config.ready(coap->config.self);
}

static void on_carries(void *self, bool carries)
{
    struct link_coap *coap = self;
    coap->config.carries(coap->config.self, carries);
}

static wk_err post(struct link_coap *coap, wk_coap_lane lane, const uint8_t *packet,
                   size_t length)
{
    struct wk_link_head head;
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_read_head(&in, &head);
    if (in.fault == WK_OK && head.opens) {
        for (int i = 0; i < WK_COAP_LANES; i++) {
            wk_coap_port_cancel(coap->port, (wk_coap_lane)i);
        }
    }
    WK_TRY(wk_coap_port_post(coap->port, lane, packet, length));
    coap->owes = true;
    return WK_OK;
}

static wk_err send_bulk(void *self, const uint8_t *packet, size_t length)
{
    return post(self, WK_COAP_BULK, packet, length);
}

/* HELLO may be long, and nothing else is on its way then. */
static wk_err send_urgent(void *self, const uint8_t *packet, size_t length)
{
    return post(self, length > WK_COAP_SHORT ? WK_COAP_BULK : WK_COAP_URGENT, packet, length);
}

/* ---- begin and end ----------------------------------------------------------------------- */

static const char *why(const void *self)
{
    const struct link_coap *coap = self;
    return wk_coap_port_why(coap->port);
}

static const char *how(const void *self)
{
    const struct link_coap *coap = self;
    return coap->how;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void stop(void *self)
{
    struct link_coap *coap = self;
    if (coap->port != NULL) {
        wk_coap_port_stop(coap->port);
    }
    uv_close((uv_handle_t *)&coap->timer, on_timer_closed);
}

wk_err wk_link_coap_start(struct wk_link_carrier *carrier,
                          const struct wk_link_carrier_config *config,
                          char error[WK_LINK_CARRIER_ERROR])
{
    struct link_coap *coap = calloc(1, sizeof *coap);
    if (coap == NULL || uv_timer_init(config->loop, &coap->timer) != 0) {
        free(coap);
        snprintf(error, WK_LINK_CARRIER_ERROR, "no memory, or no timer");
        return WK_E_IO;
    }
    coap->timer.data = coap;
    coap->config = *config;
    for (size_t i = 0; i < WK_LINK_CARRIER_TITLE; i++) {
        snprintf(coap->title + 2 * i, 3, "%02X", config->title[i]);
    }
    const struct wk_coap_port_config port = {
        .loop = config->loop,
        .to = config->to,
        .interface = config->interface,
        .path = {wk_bytes_in_of(SEGMENT, strlen(SEGMENT)),
                 wk_bytes_in_of(coap->title, strlen(coap->title))},
        .self = coap,
        .carries = on_carries,
        .ready = on_ready,
        .answered = on_answer};
    const wk_err err = wk_coap_port_start(&coap->port, &port, error);
    if (err != WK_OK) {
        stop(coap);
        return err;
    }
    *carrier = (struct wk_link_carrier){.self = coap,
                                        .send = send_bulk,
                                        .send_urgent = send_urgent,
                                        .why = why,
                                        .how = how,
                                        .stop = stop};
    return WK_OK;
}
