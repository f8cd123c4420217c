/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/meter_part.h"

#include <signal.h>
#include <stdio.h>

#include "daemon/assets.h"

#define PUMP_MOST 64 /* records in one turn of the loop */
#define PUMP_MS   20 /* between looks at what no record tells of */

/* ---- the loop ---------------------------------------------------------------------------- */

static void end(struct wk_meter *meter, wk_err err, const char *what)
{
    if (meter->fault == WK_OK && err != WK_OK) {
        meter->fault = wk_meter_fail(meter, err, what, wk_err_text(err));
    }
    uv_stop(&meter->loop);
}

static void served(void *self)
{
    struct wk_meter *meter = self;
    const wk_err err = wk_module_settle(&meter->module);
    if (err != WK_OK) {
        end(meter, err, "the store failed");
        return;
    }
    wk_meter_link_look(&meter->link); /* what a client did may be an alarm */
}

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

/* A timer of 0 that is started from its own callback runs again before the loop looks at anything else (libuv up to
 * 1.44): with a backlog on a slow disk nobody would be answered. */
static void go_on(struct wk_meter *meter, bool at_once)
{
    if (at_once) {
        uv_idle_start(&meter->idle, on_idle);
        uv_timer_stop(&meter->timer);
    } else {
        uv_idle_stop(&meter->idle);
        uv_timer_start(&meter->timer, on_timer, PUMP_MS, 0);
    }
}

static void pump(struct wk_meter *meter)
{
    size_t taken = 0;
    const wk_err err = wk_pump_run(&meter->pump, PUMP_MOST, &taken);
    if (err != WK_OK) {
        end(meter, err, "the store failed");
        return;
    }
    if (taken > 0) {
        meter->record_ns = uv_hrtime();
    }
    if (taken > 0 && !meter->seen) {
        meter->seen = true;
        printf("first record counted\n");
        fflush(stdout);
    }
    if (meter->seen && wk_meter_push_look(&meter->push, wk_meter_now_us(meter))) {
        served(meter);
    }
    if (taken > 0) {
        wk_meter_link_look(&meter->link);
        wk_web_tell(&meter->web);
    }
    const bool more = wk_meter_firmware_look(&meter->firmware);
    if (wk_meter_firmware_wants_restart(&meter->firmware)) {
        end(meter, WK_OK, "");
    }
    go_on(meter, taken == PUMP_MOST || more);
}

static void on_timer(uv_timer_t *timer)
{
    pump(timer->data);
}

static void on_idle(uv_idle_t *idle)
{
    pump(idle->data);
}

static void on_records(uv_async_t *wake)
{
    pump(wake->data);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    end(handle->data, WK_OK, "");
}

static wk_err start_loop(struct wk_meter *meter)
{
    static const int k_signals[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&meter->loop) != 0 || uv_timer_init(&meter->loop, &meter->timer) != 0 ||
        uv_idle_init(&meter->loop, &meter->idle) != 0 ||
        wk_gate_init(&meter->gate, &meter->loop) != WK_OK) {
        return wk_meter_fail(meter, WK_E_IO, "", "no event loop");
    }
    meter->timer.data = meter;
    meter->idle.data = meter;
    uv_timer_start(&meter->timer, on_timer, 0, 0);
    if (wk_ring_watch_start(&meter->watch, &meter->loop, &meter->ring, on_records, meter) !=
        WK_OK) {
        return wk_meter_fail(meter, WK_E_IO, "", "no thread to watch the ring");
    }
    for (int i = 0; i < 2; i++) {
        meter->signals[i].data = meter;
        uv_signal_init(&meter->loop, &meter->signals[i]);
        uv_signal_start(&meter->signals[i], on_signal, k_signals[i]);
    }
    return WK_OK;
}

static struct wk_meter_ports_config ports_config(struct wk_meter *meter)
{
    return (struct wk_meter_ports_config){
        .loop = &meter->loop,
        .config = &meter->config,
        .setups = &meter->setups,
        .session = wk_meter_session(meter),
        .hsm = wk_meter_token(meter),
        .tls_is_ready = wk_meter_enrol_is_ready(&meter->enrol),
        .self = meter,
        .now_us = wk_meter_now_us,
        .served = served,
    };
}

/* A certificate is there: TLS is served, if it is to be and is not yet. */
static wk_err serve_tls(void *self, char error[WK_ENROL_ERROR])
{
    struct wk_meter *meter = self;
    const struct wk_meter_ports_config config = ports_config(meter);
    _Static_assert(WK_ENROL_ERROR >= WK_METER_PORTS_ERROR, "one text serves both");
    return meter->config.tls_port == 0 || meter->ports.tls != NULL
               ? WK_OK
               : wk_meter_ports_start_tls(&meter->ports, &config, error);
}

static wk_err start_enrol(struct wk_meter *meter)
{
    const struct wk_meter_enrol_config config = {.loop = &meter->loop,
                                                 .module = &meter->module,
                                                 .self = meter,
                                                 .ready = serve_tls,
                                                 .served = served};
    const wk_err err = wk_meter_enrol_start(&meter->enrol, &config);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "certificate of TLS", "no timer");
}

static wk_err start_dlms(struct wk_meter *meter)
{
    char error[WK_METER_PORTS_ERROR];
    const struct wk_meter_ports_config config = ports_config(meter);
    const wk_err err = wk_meter_ports_start(&meter->ports, &config, error);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "DLMS", error);
}

static wk_err start_views(struct wk_meter *meter)
{
    char error[WK_METER_VIEWS_ERROR];
    const struct wk_meter_views_config config = {
        .loop = &meter->loop,
        .config = &meter->config,
        .module = &meter->module,
        .submeters = &meter->submeters,
        .lines = &meter->lines,
        .hsm = wk_meter_token(meter),
        .self = meter,
        .now_us = wk_meter_now_us,
        .served = served,
    };
    const wk_err err = wk_meter_views_start(&meter->views, &config, error);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "", error);
}

static wk_err start_lines(struct wk_meter *meter)
{
    char why[WK_MODBUS_WHY];
    const wk_err err = wk_modbus_lines_start(&meter->lines, &meter->config, why);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "Modbus", why);
}

static wk_err start_push(struct wk_meter *meter)
{
    const struct wk_meter_push_config config = wk_meter_push_config_of(meter);
    const wk_err err = wk_meter_push_start(&meter->push, &config);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "push", wk_err_text(err));
}

static void say(void *self, const struct sockaddr *to, const uint8_t *octets, size_t size)
{
    struct wk_meter *meter = self;
    wk_meter_link_say(&meter->link, to, octets, size);
}

/* Clients behind the head-end. */
static wk_err start_talk(struct wk_meter *meter)
{
    char error[WK_DLMS_UDP_ERROR];
    const struct wk_dlms_udp_config config = {
        .loop = &meter->loop,
        .session = wk_meter_session(meter),
        .self = meter,
        .now_us = wk_meter_now_us,
        .served = served,
        .send = say,
    };
    const wk_err err = wk_meter_link_serve(&meter->link, &config, error);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "link", error);
}

static wk_err start_link(struct wk_meter *meter)
{
    const wk_err err =
        wk_meter_link_start(&meter->link, &meter->loop, &meter->config, &meter->module,
                            &meter->crypto.hal, wk_meter_token(meter));
    const char *why = meter->link.error[0] != '\0' ? meter->link.error : wk_err_text(err);
    return err == WK_OK ? start_talk(meter) : wk_meter_fail(meter, err, "link", why);
}

static wk_err start_web(struct wk_meter *meter)
{
    if (meter->config.web_port == 0) {
        return WK_OK;
    }
    meter->web.view = (struct wk_view){
        .quality = {.week = &meter->week,
                    .spectrum = meter->spectrum,
                    .ten_min = &meter->ten_min,
                    .two_h = &meter->two_h,
                    .frequency = &meter->frequency},
        .config = &meter->config,
        .module = &meter->module,
        .ring = &meter->ring,
        .balance = &meter->pump.balance,
    };
    meter->web.gate = &meter->gate;
    meter->web.shelly = &meter->views.shelly;
    meter->web.submeters = &meter->submeters;
    meter->web.link = &meter->link;
    meter->web.enrol = &meter->enrol;
    meter->web.cycles = &meter->cycles;
    meter->web.assets = wk_meter_assets;
    meter->web.asset_count = wk_meter_asset_count;
    const wk_err err =
        wk_web_start(&meter->web, meter->config.web_host, meter->config.web_port);
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "", meter->web.why);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void close_all(struct wk_meter *meter)
{
    if (meter->loop.data != NULL) {
        wk_ring_watch_stop(&meter->watch);
        wk_meter_ports_stop(&meter->ports);
        wk_meter_views_stop(&meter->views);
        wk_meter_push_stop(&meter->push);
        wk_meter_link_stop(&meter->link);
        wk_gate_close(&meter->gate);
        wk_web_stop(&meter->web);
        wk_submeters_stop(&meter->submeters);
        uv_walk(&meter->loop, close_handle, NULL);
        uv_run(&meter->loop, UV_RUN_DEFAULT);
        uv_loop_close(&meter->loop);
    }
    wk_modbus_lines_stop(&meter->lines);
    wk_meter_ports_free(&meter->ports);
    wk_meter_views_free(&meter->views);
    wk_meter_link_free(&meter->link);
    wk_meter_firmware_stop(&meter->firmware);
    wk_hsm_close(&meter->hsm);
    wk_crypto_close(&meter->crypto);
    wk_flash_file_close(&meter->flash);
    wk_instant_ring_close(&meter->cycles);
    wk_ring_close(&meter->ring);
}

wk_err wk_meter_start(struct wk_meter *meter)
{
    meter->flash.file = -1;
    meter->firmware.file.file = -1;
    meter->ring.file = -1;
    wk_err err = wk_meter_open_state(meter);
    if (err == WK_OK) {
        err = wk_meter_start_module(meter);
    }
    if (err == WK_OK) {
        err = start_loop(meter);
        meter->loop.data = meter;
    }
    if (err == WK_OK) {
        err = start_dlms(meter);
    }
    if (err == WK_OK) {
        err = start_enrol(meter);
    }
    if (err == WK_OK) {
        err = start_lines(meter);
    }
    if (err == WK_OK) {
        err = start_views(meter);
    }
    if (err == WK_OK) {
        err = start_push(meter);
    }
    if (err == WK_OK) {
        err = start_link(meter);
    }
    if (err == WK_OK) {
        err = wk_submeters_start(&meter->submeters, &meter->config, &meter->lines);
    }
    if (err == WK_OK) {
        err = start_web(meter);
    }
    if (err != WK_OK) {
        close_all(meter);
    }
    return err;
}

wk_err wk_meter_run(struct wk_meter *meter, bool *restart)
{
    uv_run(&meter->loop, UV_RUN_DEFAULT);
    *restart = meter->fault == WK_OK && wk_meter_firmware_wants_restart(&meter->firmware);
    if (meter->fault == WK_OK) {
        const wk_err err = wk_module_commit(&meter->module);
        if (err != WK_OK) {
            end(meter, err, "the last commit failed");
        }
    }
    close_all(meter);
    return meter->fault;
}
