/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/meter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc.h"
#include "daemon/assets.h"
#include "daemon/layout.h"
#include "metrology/quality.h"

#define PUMP_MOST 64 /* records in one turn of the loop */
#define PUMP_MS   20 /* between looks at what no record tells of */
#define NS_PER_US 1000

#define METROLOGY "wk-metrology 0.1.0" /* the legally relevant part has a version of its own */

/* ---- the simulated contactor ------------------------------------------------------------- */

static wk_err contactor_set(void *self, bool closed)
{
    struct wk_meter *meter = self;
    atomic_store(&meter->ring.shared->contact_open, closed ? 0U : 1U);
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    const struct wk_meter *meter = self;
    *closed = atomic_load(&meter->ring.shared->contact_open) == 0;
    return WK_OK;
}

/* ---- start ------------------------------------------------------------------------------- */

static wk_err fail(struct wk_meter *meter, wk_err err, const char *what, const char *reason)
{
    snprintf(meter->why, sizeof meter->why, "%s%s%s", what, what[0] != '\0' ? ": " : "",
             reason);
    return err;
}

/* Three letters of the maker, then the end of the serial number, filled with zeros. */
static void name_device(char name[17], const char *serial)
{
    const size_t size = strlen(serial);
    memcpy(name, "WKP0000000000000", 17);
    const size_t shown = size < 13 ? size : 13;
    memcpy(name + 16 - shown, serial + size - shown, shown);
}

static void describe(struct wk_meter *meter, struct wk_module_config *module)
{
    const struct wk_config *config = &meter->config;
    *module = (struct wk_module_config){
        .zone = config->zone,
        .period_s = config->period_s,
        .control_mode = config->control_mode,
        .calendar = config->calendar,
        .special = config->special,
        .special_count = config->special_count,
        .commit_uwh = config->commit_uwh,
        .billing = config->billing,
        .demand = config->demand,
        .blocks = config->blocks,
        .price = config->price,
        .power_factor = config->power_factor,
        .transformers = config->transformers,
        .layout = wk_layout_meter(),
        .setup = &meter->setup,
        .counts = &meter->counts,
        .quantities = &meter->quantities,
        .more_profiles = meter->more_profiles,
        .harmonics = &meter->harmonics,
        .parameter_monitor = &meter->parameter_monitor,
        .world = &meter->setups.world,
    };
    const struct wk_quality_config quality = wk_quality_usual(config->nominal_mv);
    wk_counts_init(&meter->counts,
                   &(struct wk_counts_thresholds){
                       .nominal_mv = quality.nominal_mv,
                       .ppm = {quality.dip_ppm, quality.swell_ppm, quality.interruption_ppm}});
    memcpy(module->profile, config->profile, sizeof module->profile);
    struct wk_rooms_identity *identity = &module->identity;
    snprintf(identity->serial, sizeof identity->serial, "%s", config->serial);
    name_device(identity->logical_name, config->serial);
    snprintf(identity->firmware, sizeof identity->firmware, "wk-meterd %s", meter->version);
    snprintf(identity->metrology, sizeof identity->metrology, METROLOGY);
    identity->phases = config->phases;
    module->nominal_mv = config->nominal_mv;
    module->maximum_ua = config->i_max_ua;
    module->seed = wk_crc_32(0, config->serial, strlen(config->serial));
    memcpy(module->system_title, config->system_title, sizeof module->system_title);
}

static wk_err open_state(struct wk_meter *meter)
{
    char path[WK_CONFIG_PATH + 16];
    const char *state = meter->config.state;
    if (mkdir(state, 0700) != 0 && errno != EEXIST) {
        return fail(meter, WK_E_IO, state, strerror(errno));
    }
    snprintf(path, sizeof path, "%s/ring", state);
    wk_err err = wk_ring_open(&meter->ring, path);
    if (err != WK_OK) {
        return fail(meter, err, "", meter->ring.why);
    }
    snprintf(path, sizeof path, "%s/cycles", state);
    if (wk_instant_ring_open(&meter->cycles, path) != WK_OK) {
        fprintf(stderr, "wk-meterd: %s\n", meter->cycles.why); /* metering goes on */
    }
    const struct wk_store_layout layout = wk_layout_meter();
    const struct wk_store_layout first = wk_layout_first();
    snprintf(path, sizeof path, "%s/store", state);
    err = wk_flash_file_open(&meter->flash, path, wk_layout_sectors(&layout),
                             wk_layout_sectors(&first));
    return err == WK_OK ? WK_OK : fail(meter, err, "", meter->flash.why);
}

/* ---- payment ----------------------------------------------------------------------------- */

static wk_err start_payment(struct wk_meter *meter, struct wk_module_config *module)
{
    const struct wk_config_credit *credit = &meter->config.credit;
    struct wk_token_transfer *transfer = &meter->transfer;
    if (!meter->config.has_credit) {
        return WK_OK;
    }
    transfer->crypto = meter->keys;
    transfer->key.size = credit->has_key ? sizeof credit->key : 0;
    memcpy(transfer->key.octets, credit->key, sizeof credit->key);
    transfer->has_point = credit->has_point;
    memcpy(transfer->point, credit->point, sizeof credit->point);
    memcpy(transfer->title, meter->config.system_title, sizeof transfer->title);
    memcpy(transfer->name, module->identity.logical_name, sizeof transfer->name);
    meter->payment = credit->payment;
    meter->payment.tokens = wk_token_transfer_port(transfer);
    module->payment = &meter->payment;
    WK_TRY(wk_payment_init(&meter->payment));
    return wk_account_adjust(&meter->payment.account, 0, credit->opening_e6);
}

/* ---- power quality ----------------------------------------------------------------------- */

/* Statistics that cannot be read or written are told and begin anew; metering goes on. */
static void open_week(struct wk_meter *meter)
{
    const struct wk_config *config = &meter->config;
    char path[WK_CONFIG_PATH + 16];
    snprintf(path, sizeof path, "%s/week", config->state);
    if (wk_week_open(&meter->week, path, config->nominal_mv, config->nominal_uhz,
                     config->phases) != WK_OK) {
        fprintf(stderr, "wk-meterd: %s\n", meter->week.why);
    }
}

/* All that was taken is committed. */
static void on_commit(void *self)
{
    struct wk_meter *meter = self;
    wk_meter_views_committed(&meter->views);
    if (wk_week_save(&meter->week) != WK_OK) {
        fprintf(stderr, "wk-meterd: %s\n", meter->week.why);
    }
}

static void take_record(void *self, const struct wk_record *record)
{
    struct wk_meter *meter = self;
    wk_week_take(&meter->week, record);
    if (record->kind == WK_RECORD_SPECTRUM && record->spectrum.level == WK_RECORD_LEVEL_3_S &&
        record->spectrum.slot < WK_VIEW_SLOTS) {
        meter->spectrum[record->spectrum.slot] = *record;
    }
    if (record->kind == WK_RECORD_QUALITY && record->quality.level == WK_RECORD_LEVEL_10_MIN) {
        meter->ten_min = *record;
    }
    if (record->kind == WK_RECORD_QUALITY && record->quality.level == WK_RECORD_LEVEL_2_H) {
        meter->two_h = *record;
    }
    if (record->kind == WK_RECORD_FREQUENCY) {
        meter->frequency = *record;
    }
}

static wk_err start_keys(struct wk_meter *meter)
{
    char error[WK_METER_SECURITY_ERROR];
    const wk_err err = wk_meter_keys_open(&meter->config, &meter->crypto, &meter->hsm, error);
    meter->keys = meter->config.token_module[0] != '\0' ? &meter->hsm.hal : &meter->crypto.hal;
    return err == WK_OK ? WK_OK : fail(meter, err, "", error);
}

static struct wk_hsm *token_of(struct wk_meter *meter)
{
    return meter->config.token_module[0] != '\0' ? &meter->hsm : NULL;
}

static wk_err start_security(struct wk_meter *meter, struct wk_module_config *config)
{
    char error[WK_METER_SECURITY_ERROR];
    const wk_err err = wk_meter_security_make(&meter->security, &meter->config, token_of(meter),
                                              config, error);
    meter->security.identity.tls = meter->enrol.is_on ? &meter->enrol.port : NULL;
    return err == WK_OK ? WK_OK : fail(meter, err, "", error);
}

/* What a session for one more client is made of. */
static struct wk_session_config session_of(struct wk_meter *meter)
{
    struct wk_session_config session = wk_module_session(&meter->module, meter->keys);
    if (meter->security.association_count > 0) {
        session.associations = meter->security.association;
        session.association_count = meter->security.association_count;
    }
    return session;
}

static int64_t now_us(void *self);

static struct wk_meter_push_config push_config(struct wk_meter *meter)
{
    return (struct wk_meter_push_config){
        .loop = &meter->loop,
        .config = &meter->config,
        .module = &meter->module,
        .crypto = meter->keys,
        .self = meter,
        .now_us = now_us,
    };
}

/* The rules are those of the meter's own demand, which were checked with the configuration. */
static wk_err start_quantities(struct wk_meter *meter)
{
    static const struct wk_demand_rules k_usual = {WK_DEMAND_USUAL_S, 1};
    const struct wk_demand_rules *rules = &meter->config.demand;
    return wk_quantities_init(&meter->quantities, rules->part_s != 0 ? rules : &k_usual);
}

static wk_err start_module(struct wk_meter *meter)
{
    struct wk_module_config config;
    meter->contactor = (struct wk_hal_contactor){
        .self = meter, .set = contactor_set, .is_closed = contactor_is_closed};
    wk_panel_init(&meter->panel);
    struct wk_module_ports ports = {.flash = &meter->flash.port,
                                    .contactor = &meter->contactor,
                                    .fittings = {.enclosure = &meter->panel.enclosure,
                                                 .magnet = &meter->panel.magnet,
                                                 .thermometer = &meter->panel.thermometer}};
    for (int i = 0; i < WK_RELAY_COUNT; i++) {
        ports.fittings.relay[i] = &meter->panel.relay[i].port;
    }
    wk_meter_setups_init(&meter->setups, &meter->config, &meter->link);
    describe(meter, &config);
    WK_TRY(start_quantities(meter));
    WK_TRY(start_keys(meter));
    if (wk_meter_enrol_open(&meter->enrol, &meter->config, token_of(meter)) != WK_OK) {
        return fail(meter, WK_E_IO, "certificate of TLS", meter->enrol.error);
    }
    wk_parameter_monitor_init(&meter->parameter_monitor, meter->keys);
    WK_TRY(start_security(meter, &config));
    ports.crypto = meter->keys;
    if (start_payment(meter, &config) != WK_OK) {
        return fail(meter, WK_E_RANGE, "[credit]", "a value is out of range");
    }
    const struct wk_meter_push_config push = push_config(meter);
    WK_TRY(wk_meter_push_init(&meter->push, &push));
    config.push = &meter->push.room;
    const wk_err err = wk_module_init(&meter->module, &config, &ports);
    if (err != WK_OK) {
        return fail(meter, err, "the store cannot be used",
                    err == WK_E_UNSUPPORTED
                        ? "it was written by another version, in a format this one does not "
                          "know; it is left as it is"
                        : wk_err_text(err));
    }
    wk_data_protection_init(&meter->data_protection, meter->keys);
    meter->module.rooms.data_protection = &meter->data_protection;
    wk_meter_setups_take(&meter->setups, &meter->module.rooms, &meter->config);
    if (wk_meter_firmware_start(&meter->firmware, &meter->config, &meter->module, meter->keys,
                                meter->version, meter->trial) != WK_OK) {
        return fail(meter, WK_E_IO, "", meter->firmware.port.why);
    }
    wk_pump_init(&meter->pump, &meter->ring, &meter->module);
    open_week(meter);
    meter->pump.tap =
        (struct wk_pump_tap){.self = meter, .take = take_record, .save = on_commit};
    meter->record_ns = uv_hrtime();
    return WK_OK;
}

/* ---- the loop ---------------------------------------------------------------------------- */

static void end(struct wk_meter *meter, wk_err err, const char *what)
{
    if (meter->fault == WK_OK && err != WK_OK) {
        meter->fault = fail(meter, err, what, wk_err_text(err));
    }
    uv_stop(&meter->loop);
}

/* The newest record's time, and what has passed since. */
static int64_t now_us(void *self)
{
    const struct wk_meter *meter = self;
    const uint64_t since_ns = uv_hrtime() - meter->record_ns;
    return wk_module_now_us(&meter->module) + (int64_t)(since_ns / NS_PER_US);
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
    if (meter->seen && wk_meter_push_look(&meter->push, now_us(meter))) {
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
        return fail(meter, WK_E_IO, "", "no event loop");
    }
    meter->timer.data = meter;
    meter->idle.data = meter;
    uv_timer_start(&meter->timer, on_timer, 0, 0);
    if (wk_ring_watch_start(&meter->watch, &meter->loop, &meter->ring, on_records, meter) !=
        WK_OK) {
        return fail(meter, WK_E_IO, "", "no thread to watch the ring");
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
        .session = session_of(meter),
        .hsm = token_of(meter),
        .tls_is_ready = wk_meter_enrol_is_ready(&meter->enrol),
        .self = meter,
        .now_us = now_us,
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
    return err == WK_OK ? WK_OK : fail(meter, err, "certificate of TLS", "no timer");
}

static wk_err start_dlms(struct wk_meter *meter)
{
    char error[WK_METER_PORTS_ERROR];
    const struct wk_meter_ports_config config = ports_config(meter);
    const wk_err err = wk_meter_ports_start(&meter->ports, &config, error);
    return err == WK_OK ? WK_OK : fail(meter, err, "DLMS", error);
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
        .hsm = token_of(meter),
        .self = meter,
        .now_us = now_us,
        .served = served,
    };
    const wk_err err = wk_meter_views_start(&meter->views, &config, error);
    return err == WK_OK ? WK_OK : fail(meter, err, "", error);
}

static wk_err start_lines(struct wk_meter *meter)
{
    char why[WK_MODBUS_WHY];
    const wk_err err = wk_modbus_lines_start(&meter->lines, &meter->config, why);
    return err == WK_OK ? WK_OK : fail(meter, err, "Modbus", why);
}

static wk_err start_push(struct wk_meter *meter)
{
    const struct wk_meter_push_config config = push_config(meter);
    const wk_err err = wk_meter_push_start(&meter->push, &config);
    return err == WK_OK ? WK_OK : fail(meter, err, "push", wk_err_text(err));
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
        .session = session_of(meter),
        .self = meter,
        .now_us = now_us,
        .served = served,
        .send = say,
    };
    const wk_err err = wk_meter_link_serve(&meter->link, &config, error);
    return err == WK_OK ? WK_OK : fail(meter, err, "link", error);
}

static wk_err start_link(struct wk_meter *meter)
{
    const wk_err err = wk_meter_link_start(&meter->link, &meter->loop, &meter->config,
                                           &meter->module, &meter->crypto.hal, token_of(meter));
    const char *why = meter->link.error[0] != '\0' ? meter->link.error : wk_err_text(err);
    return err == WK_OK ? start_talk(meter) : fail(meter, err, "link", why);
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
    return err == WK_OK ? WK_OK : fail(meter, err, "", meter->web.why);
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
    wk_err err = open_state(meter);
    if (err == WK_OK) {
        err = start_module(meter);
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
