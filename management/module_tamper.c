/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_tamper.h"

#include "base/crc.h"
#include "management/module_counts.h"
#include "management/module_pack.h"
#include "management/module_supply.h"

#define US_PER_S   INT64_C(1000000)
#define NOMINAL_MV 230000
#define MAXIMUM_UA INT64_C(100000000)
#define SHIFT_S    60 /* a smaller shift of the clock is discipline */

void wk_module_tamper_start(struct wk_module *module, const struct wk_module_config *config)
{
    wk_tamper_init(&module->rooms.tamper,
                   config->nominal_mv > 0 ? config->nominal_mv : NOMINAL_MV,
                   config->maximum_ua > 0 ? config->maximum_ua : MAXIMUM_UA);
}

/* ---- notices ----------------------------------------------------------------------------- */

void wk_module_tamper_note(struct wk_module *module, const struct wk_event *event)
{
    static const struct {
        uint16_t code;
        uint8_t kind;
    } k_notes[] = {
        {WK_EVENT_LOGIN_FAILED, WK_TAMPER_AUTHENTICATION},
        {WK_EVENT_DECIPHER_FAILED, WK_TAMPER_AUTHENTICATION},
        {WK_EVENT_REPLAY, WK_TAMPER_AUTHENTICATION},
        {WK_EVENT_CLOCK_AFTER, WK_TAMPER_CLOCK},
        {WK_EVENT_PARAMETER_CHANGED, WK_TAMPER_CONFIGURATION},
    };
    const bool small = event->code == WK_EVENT_CLOCK_AFTER && event->value > -SHIFT_S &&
                       event->value < SHIFT_S;
    for (size_t i = 0; i < sizeof k_notes / sizeof k_notes[0] && !small; i++) {
        if (k_notes[i].code == event->code) {
            wk_tamper_count(&module->rooms.tamper, (wk_tamper_kind)k_notes[i].kind,
                            module->rooms.t_us);
        }
    }
}

/* ---- events ------------------------------------------------------------------------------ */

static const struct {
    uint16_t begin;
    uint16_t end;
} k_events[WK_TAMPER_KINDS] = {
    [WK_TAMPER_BYPASS] = {WK_EVENT_BYPASS, WK_EVENT_BYPASS_END},
    [WK_TAMPER_WIRE_MISSING] = {WK_EVENT_WIRE_MISSING, WK_EVENT_WIRE_MISSING_END},
    [WK_TAMPER_REVERSED] = {WK_EVENT_CURRENT_REVERSED, WK_EVENT_CURRENT_REVERSED_END},
    [WK_TAMPER_VOLTAGE_MISSING] = {WK_EVENT_VOLTAGE_MISSING, WK_EVENT_VOLTAGE_MISSING_END},
    [WK_TAMPER_CT] = {WK_EVENT_CT_MISSING, WK_EVENT_CT_MISSING_END},
    [WK_TAMPER_SEQUENCE] = {WK_EVENT_PHASE_SEQUENCE, WK_EVENT_PHASE_SEQUENCE_END},
    [WK_TAMPER_UNBALANCE] = {WK_EVENT_UNBALANCE, WK_EVENT_UNBALANCE_END},
    [WK_TAMPER_MAGNET] = {WK_EVENT_MAGNET, WK_EVENT_MAGNET_END},
    [WK_TAMPER_TERMINAL_COVER] = {WK_EVENT_TERMINAL_COVER, WK_EVENT_TERMINAL_COVER_END},
    [WK_TAMPER_MAIN_COVER] = {WK_EVENT_MAIN_COVER, WK_EVENT_MAIN_COVER_END},
    [WK_TAMPER_MODULE] = {WK_EVENT_MODULE_OUT, WK_EVENT_MODULE_OUT_END},
    [WK_TAMPER_AUTHENTICATION] = {WK_EVENT_REFUSED_OFTEN, WK_EVENT_REFUSED_OFTEN_END},
    [WK_TAMPER_CLOCK] = {WK_EVENT_CLOCK_OFTEN, WK_EVENT_CLOCK_OFTEN_END},
    [WK_TAMPER_CONFIGURATION] = {WK_EVENT_CHANGED_OFTEN, WK_EVENT_CHANGED_OFTEN_END},
    [WK_TAMPER_NO_CONSUMPTION] = {WK_EVENT_NO_CONSUMPTION, WK_EVENT_NO_CONSUMPTION_END},
    [WK_TAMPER_LOAD_WHILE_OPEN] = {WK_EVENT_LOAD_WHILE_OPEN, WK_EVENT_LOAD_WHILE_OPEN_END},
};

static int32_t clamp32(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : (int32_t)(value < INT32_MIN ? INT32_MIN : value);
}

/* Voltage and current of the phase; of a cover the seconds since it was opened first. */
static struct wk_event event_of(const struct wk_tamper_input *input, uint8_t latch, bool begins)
{
    uint8_t phase;
    const wk_tamper_kind kind = wk_tamper_kind_of(latch, &phase);
    const struct wk_record_window *window = &input->record->window;
    const bool per_phase =
        kind == WK_TAMPER_REVERSED || kind == WK_TAMPER_VOLTAGE_MISSING || kind == WK_TAMPER_CT;
    const bool cover = kind >= WK_TAMPER_TERMINAL_COVER && kind <= WK_TAMPER_MODULE;
    struct wk_event event = {
        .code = begins ? k_events[kind].begin : k_events[kind].end,
        .detail = (uint8_t)(per_phase ? 1U << phase : 0U),
        .value = window->u_mv[phase],
        .more = clamp32(window->i_ua[phase] / 1000),
    };
    if (cover) {
        event.value =
            input->first_opened_s != 0 ? clamp32(input->utc_s - input->first_opened_s) : 0;
        event.more = 0;
    } else if (kind == WK_TAMPER_MAGNET) {
        event.value = input->field_ut;
    }
    return event;
}

static wk_err log_edges(struct wk_module *module, const struct wk_tamper_input *input,
                        struct wk_tamper_edges edges)
{
    for (uint8_t latch = 0; latch < WK_TAMPER_LATCHES; latch++) {
        wk_module_counts_tamper(module, latch, edges, input->utc_s);
        if ((edges.begins >> latch & 1U) != 0) {
            WK_TRY(wk_module_log(module, event_of(input, latch, true)));
        }
        if ((edges.ends >> latch & 1U) != 0) {
            WK_TRY(wk_module_log(module, event_of(input, latch, false)));
        }
    }
    return WK_OK;
}

static wk_err log_service(struct wk_module *module, uint8_t seen_before, bool served_before)
{
    const struct wk_tamper *tamper = &module->rooms.tamper;
    const uint8_t opened = (uint8_t)(tamper->service_seen & ~(unsigned)seen_before);
    if (opened != 0) {
        WK_TRY(wk_module_log(
            module, (struct wk_event){.code = WK_EVENT_SERVICE_OPENED, .detail = opened}));
    }
    return served_before && tamper->service_end_s == 0
               ? wk_module_log(module, (struct wk_event){.code = WK_EVENT_SERVICE_END,
                                                         .detail = tamper->service_seen})
               : WK_OK;
}

/* ---- the step ---------------------------------------------------------------------------- */

static int32_t read_field(const struct wk_rooms *rooms)
{
    const struct wk_hal_magnet *port = rooms->fittings.magnet;
    int32_t field_ut = 0;
    return port != NULL && port->read(port->self, &field_ut) == WK_OK ? field_ut : 0;
}

static bool rests_open(const struct wk_rooms *rooms)
{
    return rooms->supply.state != WK_SUPPLY_CONNECTED &&
           rooms->control.contact.phase == WK_CONTACT_RESTING &&
           rooms->control.contact.operations > 0;
}

wk_err wk_module_tamper_step(struct wk_module *module, const struct wk_record *record)
{
    struct wk_rooms *rooms = &module->rooms;
    struct wk_tamper *tamper = &rooms->tamper;
    const struct wk_hal_case *port = rooms->fittings.enclosure;
    struct wk_hal_case_state state = {0};
    if (port != NULL && port->read(port->self, &state) != WK_OK) {
        state = (struct wk_hal_case_state){0};
    }
    const struct wk_tamper_input input = {
        .record = record,
        .utc_s = wk_clock_utc(wk_module_now_us(module)).s,
        .import_uwh = rooms->registers.import_uwh,
        .open = rests_open(rooms),
        .covers = (state.open | state.opened) & WK_HAL_COVERS,
        .first_opened_s = state.first_opened_s,
        .field_ut = read_field(rooms),
    };
    const uint8_t seen_before = tamper->service_seen;
    const bool served_before = tamper->service_end_s != 0;
    const struct wk_tamper_edges edges = wk_tamper_step(tamper, &input);
    WK_TRY(log_edges(module, &input, edges));
    WK_TRY(log_service(module, seen_before, served_before));
    wk_display_step(&rooms->display, rooms->t_us, (state.pressed & WK_HAL_BUTTON_DISPLAY) != 0);
    return wk_module_supply_press(module, state.pressed);
}

/* ---- the parts of the store -------------------------------------------------------------- */

void wk_module_tamper_pack(const struct wk_module *module, uint8_t key,
                           struct wk_bytes_out *out)
{
    if (key == WK_MODULE_KEY_TAMPER) {
        wk_tamper_pack(&module->rooms.tamper, out);
        return;
    }
    wk_tamper_pack_state(&module->rooms.tamper, out);
}

wk_err wk_module_tamper_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    return key == WK_MODULE_KEY_TAMPER ? wk_tamper_unpack(&module->rooms.tamper, in)
                                       : wk_tamper_unpack_state(&module->rooms.tamper, in);
}

void wk_module_tamper_mark(struct wk_module *module)
{
    uint8_t raw[WK_TAMPER_PACKED];
    for (uint8_t i = 0; i < WK_MODULE_TAMPER_PARTS; i++) {
        const uint8_t key = (uint8_t)(WK_MODULE_KEY_TAMPER + i);
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        wk_module_tamper_pack(module, key, &out);
        const uint32_t crc = wk_crc_32(0, raw, out.size);
        if (crc != module->tamper_crc[i]) {
            module->tamper_crc[i] = crc;
            wk_module_changed(module, key);
        }
    }
}
