/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/view_meter.h"

#define START_US INT64_C(1769986800000000) /* 2026-02-01 23:00:00 UTC */
#define SPAN_US  200000

static wk_err set(void *self, bool closed)
{
    struct wk_view_meter *meter = self;
    meter->open = !closed;
    return WK_OK;
}

static wk_err is_closed(void *self, bool *closed)
{
    const struct wk_view_meter *meter = self;
    *closed = !meter->open;
    return WK_OK;
}

wk_err wk_view_meter_init(struct wk_view_meter *meter, uint8_t phases)
{
    const struct wk_module_config config = {
        .identity = {.serial = WK_VIEW_METER_SERIAL,
                     .logical_name = "WKT0000010000001",
                     .firmware = "wk-meterd 0.1.0",
                     .phases = phases},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = 4,
        .layout = {.kv_sectors = 3, .log_sectors = {6, 4, 4}},
    };
    meter->contactor =
        (struct wk_hal_contactor){.self = meter, .set = set, .is_closed = is_closed};
    meter->open = false;
    meter->seq = 0;
    wk_panel_init(&meter->panel);
    wk_flash_init(&meter->flash, meter->octets, WK_VIEW_METER_SECTOR, WK_VIEW_METER_SECTORS,
                  16);
    wk_flash_power_on(&meter->flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    struct wk_module_ports ports = {.flash = &meter->flash.port,
                                    .contactor = &meter->contactor};
    for (int n = 0; n < WK_RELAY_COUNT; n++) {
        ports.fittings.relay[n] = &meter->panel.relay[n].port;
    }
    return wk_module_init(&meter->module, &config, &ports);
}

struct wk_record_window wk_view_meter_window(uint8_t phases)
{
    struct wk_record_window window = {
        .samples = 1600, .cycles = 10, .frequency_uhz = 50012345, .phases = phases};
    window.total = (struct wk_record_energy){.import_uwh = 1234567890123,
                                             .export_uwh = 987654321,
                                             .q_uvarh = {1500000, 2500000, 3500000, 4500000},
                                             .import_uvah = 2000000000,
                                             .export_uvah = 1000000000};
    for (uint8_t phase = 0; phase < phases; phase++) {
        window.u_mv[phase] = 230100 + 100 * phase;
        window.i_ua[phase] = 5000000 + 1000000 * phase;
        window.p_mw[phase] = phase == 2 ? -500250 : 1100125;
        window.q1_mvar[phase] = phase == 1 ? -200500 : 100250;
        window.s_mva[phase] = 1200000;
        window.pf_e6[phase] = phase == 2 ? -416000 : 916000;
        window.u_mdeg[phase] = -120000 * phase;
        window.i_mdeg[phase] = -120000 * phase - 10500;
        window.energy[phase].import_uwh = INT64_C(1000000000) * (phase + 1);
        window.energy[phase].export_uwh = 2000000 * (phase + 1);
    }
    return window;
}

wk_err wk_view_meter_step(struct wk_view_meter *meter)
{
    meter->seq++;
    struct wk_record record = {.seq = meter->seq,
                               .epoch = 7,
                               .t_us = START_US + (int64_t)meter->seq * SPAN_US,
                               .span_us = SPAN_US,
                               .kind = WK_RECORD_WINDOW};
    record.window = wk_view_meter_window(meter->module.rooms.identity.phases);
    return wk_module_consume(&meter->module, &record);
}
