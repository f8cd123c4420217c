/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/push_coap.h"

#include <stdio.h>
#include <stdlib.h>

#include "cosem/wrapper.h"
#include "port/linux/coap_port.h"

#define SERVER_SAP 1
#define SUCCESS    2 /* class of a code */

/* `ended` may free it: nothing of it is touched after that. */

struct wk_push_coap {
    struct wk_push_coap_config config;
    struct wk_push_port_source source;
    struct wk_link_carrier_url to;
    struct wk_coap_port *port;
    bool has_ended;
};

static int64_t now_us(const struct wk_push_coap *delivery)
{
    return delivery->config.now_us(delivery->config.self);
}

static void end_it(struct wk_push_coap *delivery)
{
    if (!delivery->has_ended) {
        delivery->has_ended = true;
        delivery->config.ended(delivery->config.self);
    }
}

static void fail_it(struct wk_push_coap *delivery)
{
    if (!delivery->has_ended) {
        delivery->source.failed(delivery->source.room, now_us(delivery));
    }
    end_it(delivery);
}

static bool send_one(struct wk_push_coap *delivery)
{
    uint8_t octets[WK_COAP_PAYLOAD];
    const struct wk_wrapper head = {.source = SERVER_SAP,
                                    .destination = delivery->config.client_sap};
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_wrapper_put(&out, &head);
    if (delivery->source.output(delivery->source.room, now_us(delivery), &out) != WK_OK) {
        return false;
    }
    wk_bytes_out_patch_u16be(&out, WK_WRAPPER_SIZE - 2, (uint16_t)(out.size - WK_WRAPPER_SIZE));
    return wk_coap_port_post(delivery->port, WK_COAP_BULK, octets, out.size) == WK_OK;
}

/* One after the other; when all went and an answer is awaited, it is asked for. */
static void go_on(struct wk_push_coap *delivery)
{
    bool good = true;
    if (!delivery->source.is_busy(delivery->source.room)) {
        end_it(delivery);
    } else if (delivery->source.sends(delivery->source.room)) {
        good = send_one(delivery);
    } else if (!wk_coap_port_is_open(delivery->port, WK_COAP_POLL)) {
        good = wk_coap_port_post(delivery->port, WK_COAP_POLL, NULL, 0) == WK_OK;
    }
    if (!good) {
        fail_it(delivery);
    }
}

static void take_apdu(struct wk_push_coap *delivery, struct wk_bytes_in payload)
{
    struct wk_wrapper head;
    wk_wrapper_read(&payload, &head);
    const size_t left = wk_bytes_in_left(&payload);
    if (payload.fault == WK_OK && left == head.length) {
        delivery->source.receive(delivery->source.room, now_us(delivery),
                                 wk_bytes_in_of(wk_bytes_in_take(&payload, left), left));
    }
}

static void on_answered(void *self, wk_coap_lane lane, uint8_t code, struct wk_bytes_in payload)
{
    struct wk_push_coap *delivery = self;
    if (delivery->has_ended) {
        return;
    }
    if (code >> 5 != SUCCESS) {
        fail_it(delivery);
        return;
    }
    if (lane == WK_COAP_BULK && !delivery->source.sends(delivery->source.room)) {
        delivery->source.sent(delivery->source.room, now_us(delivery));
    }
    if (payload.size > 0) {
        take_apdu(delivery, payload);
    }
    go_on(delivery);
}

static void on_failed(void *self, wk_coap_lane lane)
{
    (void)lane;
    fail_it(self);
}

static void on_carries(void *self, bool carries)
{
    struct wk_push_coap *delivery = self;
    if (delivery->has_ended) {
        return;
    }
    if (carries) {
        go_on(delivery);
    } else {
        fail_it(delivery);
    }
}

wk_err wk_push_coap_begin(struct wk_push_coap **delivery,
                          const struct wk_push_coap_config *config)
{
    char error[WK_LINK_CARRIER_ERROR];
    struct wk_push_coap *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return WK_E_IO;
    }
    fresh->config = *config;
    fresh->source = *config->source;
    fresh->to.port = config->port;
    snprintf(fresh->to.host, sizeof fresh->to.host, "%s", config->host);
    const struct wk_coap_port_config port = {
        .loop = config->loop,
        .to = &fresh->to,
        .path = {wk_bytes_in_of("wk", 2), wk_bytes_in_of("push", 4)},
        .self = fresh,
        .carries = on_carries,
        .answered = on_answered,
        .failed = on_failed};
    if (wk_coap_port_start(&fresh->port, &port, error) != WK_OK) {
        free(fresh);
        return WK_E_IO;
    }
    *delivery = fresh;
    return WK_OK;
}

void wk_push_coap_stop(struct wk_push_coap *delivery)
{
    wk_coap_port_stop(delivery->port);
    free(delivery);
}
