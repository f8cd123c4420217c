/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/meter_part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc.h"
#include "daemon/layout.h"
#include "metrology/quality.h"

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

wk_err wk_meter_fail(struct wk_meter *meter, wk_err err, const char *what, const char *reason)
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

wk_err wk_meter_open_state(struct wk_meter *meter)
{
    char path[WK_CONFIG_PATH + 16];
    const char *state = meter->config.state;
    if (mkdir(state, 0700) != 0 && errno != EEXIST) {
        return wk_meter_fail(meter, WK_E_IO, state, strerror(errno));
    }
    snprintf(path, sizeof path, "%s/ring", state);
    wk_err err = wk_ring_open(&meter->ring, path);
    if (err != WK_OK) {
        return wk_meter_fail(meter, err, "", meter->ring.why);
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
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "", meter->flash.why);
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
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "", error);
}

struct wk_hsm *wk_meter_token(struct wk_meter *meter)
{
    return meter->config.token_module[0] != '\0' ? &meter->hsm : NULL;
}

static wk_err start_security(struct wk_meter *meter, struct wk_module_config *config)
{
    char error[WK_METER_SECURITY_ERROR];
    const wk_err err = wk_meter_security_make(&meter->security, &meter->config,
                                              wk_meter_token(meter), config, error);
    meter->security.identity.tls = meter->enrol.is_on ? &meter->enrol.port : NULL;
    return err == WK_OK ? WK_OK : wk_meter_fail(meter, err, "", error);
}

/* The newest record's time, and what has passed since. */
int64_t wk_meter_now_us(void *self)
{
    const struct wk_meter *meter = self;
    const uint64_t since_ns = uv_hrtime() - meter->record_ns;
    return wk_module_now_us(&meter->module) + (int64_t)(since_ns / NS_PER_US);
}

/* What a session for one more client is made of. */
struct wk_session_config wk_meter_session(struct wk_meter *meter)
{
    struct wk_session_config session = wk_module_session(&meter->module, meter->keys);
    if (meter->security.association_count > 0) {
        session.associations = meter->security.association;
        session.association_count = meter->security.association_count;
    }
    return session;
}

struct wk_meter_push_config wk_meter_push_config_of(struct wk_meter *meter)
{
    return (struct wk_meter_push_config){
        .loop = &meter->loop,
        .config = &meter->config,
        .module = &meter->module,
        .crypto = meter->keys,
        .self = meter,
        .now_us = wk_meter_now_us,
    };
}

/* The rules are those of the meter's own demand, which were checked with the configuration. */
static wk_err start_quantities(struct wk_meter *meter)
{
    static const struct wk_demand_rules k_usual = {WK_DEMAND_USUAL_S, 1};
    const struct wk_demand_rules *rules = &meter->config.demand;
    return wk_quantities_init(&meter->quantities, rules->part_s != 0 ? rules : &k_usual);
}

wk_err wk_meter_start_module(struct wk_meter *meter)
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
    if (wk_meter_enrol_open(&meter->enrol, &meter->config, wk_meter_token(meter)) != WK_OK) {
        return wk_meter_fail(meter, WK_E_IO, "certificate of TLS", meter->enrol.error);
    }
    wk_parameter_monitor_init(&meter->parameter_monitor, meter->keys);
    WK_TRY(start_security(meter, &config));
    ports.crypto = meter->keys;
    if (start_payment(meter, &config) != WK_OK) {
        return wk_meter_fail(meter, WK_E_RANGE, "[credit]", "a value is out of range");
    }
    const struct wk_meter_push_config push = wk_meter_push_config_of(meter);
    WK_TRY(wk_meter_push_init(&meter->push, &push));
    config.push = &meter->push.room;
    const wk_err err = wk_module_init(&meter->module, &config, &ports);
    if (err != WK_OK) {
        return wk_meter_fail(
            meter, err, "the store cannot be used",
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
        return wk_meter_fail(meter, WK_E_IO, "", meter->firmware.port.why);
    }
    wk_pump_init(&meter->pump, &meter->ring, &meter->module);
    open_week(meter);
    meter->pump.tap =
        (struct wk_pump_tap){.self = meter, .take = take_record, .save = on_commit};
    meter->record_ns = uv_hrtime();
    return WK_OK;
}
