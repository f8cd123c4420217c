/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_supply.h"

#include "management/draw.h"
#include "management/module_payment.h"

#define US_PER_S   INT64_C(1000000)
#define NOMINAL_MV 230000
#define MAXIMUM_UA INT64_C(100000000)
#define UA_PER_MA  1000

enum { SALT_DELAY = 1, SALT_RELAY = 2 }; /* the second and those after it: one per relay */

void wk_module_supply_start(struct wk_module *module, const struct wk_module_config *config,
                            const struct wk_module_ports *ports)
{
    struct wk_rooms *rooms = &module->rooms;
    struct wk_rooms_control *control = &rooms->control;
    const int32_t nominal_mv = config->nominal_mv > 0 ? config->nominal_mv : NOMINAL_MV;
    const int64_t maximum_ua = config->maximum_ua > 0 ? config->maximum_ua : MAXIMUM_UA;
    rooms->fittings = ports->fittings;
    wk_supply_init(&rooms->supply, config->control_mode);
    wk_contact_init(&control->contact, maximum_ua, nominal_mv);
    wk_protection_init(&control->protection, nominal_mv);
    wk_reclose_init(&control->reclose);
    wk_response_init(&control->response);
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        wk_limiter_init(&control->limiter[i]);
    }
    for (int i = 0; i < WK_RELAY_COUNT; i++) {
        const struct wk_hal_relay *port = rooms->fittings.relay[i];
        wk_relay_init(&control->relay[i]);
        /* It may have stayed on while this program was away; off is where the steps begin. */
        (void)(port == NULL || port->set(port->self, false) == WK_OK);
    }
    control->limiter[WK_ROOMS_LIMITER_RESPONSE].settings.over = WK_LIMITER_RELAY_1;
    control->limiter[WK_ROOMS_LIMITER_RESPONSE].settings.under = WK_LIMITER_RELAY_1;
    control->seed = config->seed;
}

/* ---- what a window shows ----------------------------------------------------------------- */

static int64_t most_ua(const struct wk_record_window *window)
{
    int64_t most = 0;
    for (int phase = 0; phase < window->phases; phase++) {
        most = window->i_ua[phase] > most ? window->i_ua[phase] : most;
    }
    return most;
}

static int32_t most_mv(const struct wk_record_window *window)
{
    int32_t most = 0;
    for (int phase = 0; phase < window->phases; phase++) {
        most = window->u_mv[phase] > most ? window->u_mv[phase] : most;
    }
    return most;
}

static int64_t monitored(const struct wk_record_window *window, uint8_t monitor)
{
    const int64_t p_mw = window->p_mw[0] + window->p_mw[1] + window->p_mw[2];
    switch ((wk_limiter_monitor)monitor) {
    case WK_LIMITER_I_MOST:
        return most_ua(window) / UA_PER_MA;
    case WK_LIMITER_P_NET:
        return p_mw < 0 ? -p_mw : p_mw;
    case WK_LIMITER_P_IMPORT:
    case WK_LIMITER_MONITORS:
    default:
        return p_mw > 0 ? p_mw : 0;
    }
}

static int32_t clamp32(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : (int32_t)(value < INT32_MIN ? INT32_MIN : value);
}

static wk_err log_code(struct wk_module *module, uint16_t code, uint8_t detail, int64_t value)
{
    return wk_module_log(
        module, (struct wk_event){.code = code, .detail = detail, .value = clamp32(value)});
}

/* ---- limits ------------------------------------------------------------------------------ */

static wk_reclose_trip trip_of(const struct wk_limiter *limiter)
{
    if (limiter->settings.over != WK_LIMITER_SUPPLY) {
        return WK_RECLOSE_NO_TRIP;
    }
    return limiter->settings.under == WK_LIMITER_SUPPLY ? WK_RECLOSE_TRIP
                                                        : WK_RECLOSE_LAST_TRIP;
}

static wk_err step_limiter(struct wk_module *module, const struct wk_record *record,
                           uint8_t index, wk_reclose_trip *trip)
{
    struct wk_rooms_control *control = &module->rooms.control;
    struct wk_limiter *limiter = &control->limiter[index];
    const bool by_response = index == WK_ROOMS_LIMITER_RESPONSE;
    const struct wk_limiter_input input = {
        .value = monitored(&record->window, limiter->settings.monitor),
        .cap = by_response ? wk_response_cap_mw(&control->response) : 0,
        .utc_s = wk_clock_utc(wk_module_now_us(module)).s,
        .span_us = record->span_us,
    };
    switch (wk_limiter_step(limiter, &input)) {
    case WK_LATCH_BEGINS:
        *trip = trip_of(limiter) > *trip ? trip_of(limiter) : *trip;
        return log_code(module, WK_EVENT_LIMITER_OVER, index, input.value);
    case WK_LATCH_ENDS:
        return log_code(module, WK_EVENT_LIMITER_NORMAL, index, input.value);
    case WK_LATCH_STAYS:
    default:
        return WK_OK;
    }
}

static wk_err step_reclose(struct wk_module *module, wk_reclose_trip trip)
{
    struct wk_rooms_control *control = &module->rooms.control;
    bool over = false;
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        const struct wk_limiter *limiter = &control->limiter[i];
        over = over || (limiter->latch.on && limiter->settings.over == WK_LIMITER_SUPPLY);
    }
    switch (wk_reclose_step(&control->reclose, module->rooms.t_us, trip, over)) {
    case WK_RECLOSE_TRIPPED:
        return log_code(module, WK_EVENT_LOAD_TRIPPED, 0, control->reclose.attempts);
    case WK_RECLOSE_ATTEMPTS:
        return log_code(module, WK_EVENT_LOAD_ATTEMPT, 0, control->reclose.attempts);
    case WK_RECLOSE_LOCKS_OUT:
        return log_code(module, WK_EVENT_LOAD_LOCKED_OUT, 0, control->reclose.attempts);
    case WK_RECLOSE_NOTHING:
    default:
        return WK_OK;
    }
}

static wk_err step_limits(struct wk_module *module, const struct wk_record *record)
{
    struct wk_rooms_control *control = &module->rooms.control;
    wk_reclose_trip trip = WK_RECLOSE_NO_TRIP;
    if (wk_response_step(&control->response, wk_clock_utc(wk_module_now_us(module)).s)) {
        WK_TRY(log_code(module, WK_EVENT_RESPONSE_LEVEL, control->response.level,
                        wk_response_cap_mw(&control->response) / 1000));
    }
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        WK_TRY(step_limiter(module, record, (uint8_t)i, &trip));
    }
    const struct wk_limiter *contract = &control->limiter[WK_ROOMS_LIMITER];
    if (contract->emergency != control->emergency) {
        control->emergency = contract->emergency;
        WK_TRY(log_code(module,
                        contract->emergency ? WK_EVENT_EMERGENCY_LIMIT
                                            : WK_EVENT_EMERGENCY_LIMIT_OVER,
                        0, contract->active));
    }
    return step_reclose(module, trip);
}

/* ---- protection -------------------------------------------------------------------------- */

static void read_heat(struct wk_rooms *rooms)
{
    const struct wk_hal_thermometer *port = rooms->fittings.thermometer;
    struct wk_rooms_control *control = &rooms->control;
    control->heat_known = port != NULL && port->read(port->self, &control->heat_mdegc) == WK_OK;
}

static wk_err step_protection(struct wk_module *module, const struct wk_record *record)
{
    struct wk_rooms_control *control = &module->rooms.control;
    const struct wk_record_window *window = &record->window;
    read_heat(&module->rooms);
    const struct wk_protection_input input = {
        .span_us = record->span_us,
        .u_mv = {window->u_mv[0], window->u_mv[1], window->u_mv[2]},
        .phases = window->phases,
        .thermometer = control->heat_known,
        .mdegc = control->heat_mdegc,
    };
    const struct wk_protection_edges edges = wk_protection_step(&control->protection, &input);
    const uint8_t phases = WK_PROTECTION_HEAT - 1;
    if ((edges.begins & phases) != 0) {
        WK_TRY(log_code(module, WK_EVENT_OVER_VOLTAGE, edges.begins & phases, most_mv(window)));
    }
    if ((edges.ends & phases) != 0) {
        WK_TRY(
            log_code(module, WK_EVENT_OVER_VOLTAGE_GONE, edges.ends & phases, most_mv(window)));
    }
    if ((edges.begins & WK_PROTECTION_HEAT) != 0) {
        WK_TRY(log_code(module, WK_EVENT_OVER_HEAT, 0, control->heat_mdegc));
    }
    return (edges.ends & WK_PROTECTION_HEAT) != 0
               ? log_code(module, WK_EVENT_OVER_HEAT_GONE, 0, control->heat_mdegc)
               : WK_OK;
}

/* ---- relays ------------------------------------------------------------------------------ */

static uint8_t reasons_of_relay(const struct wk_rooms_control *control, uint8_t index)
{
    const struct wk_limiter *contract = &control->limiter[WK_ROOMS_LIMITER];
    const struct wk_limiter *response = &control->limiter[WK_ROOMS_LIMITER_RESPONSE];
    const uint8_t action = (uint8_t)(WK_LIMITER_RELAY_1 + index);
    const uint32_t relays = wk_response_relays_off(&control->response);
    const bool by_contract = contract->latch.on && contract->settings.over == action;
    const bool by_response = response->latch.on && response->settings.over == action;
    uint8_t off = by_contract ? WK_RELAY_LIMITER : 0;
    off |= by_response ? WK_RELAY_RESPONSE_LIMITER : 0;
    off |= (relays >> index & 1U) != 0 ? WK_RELAY_RESPONSE : 0;
    return off;
}

static wk_err step_relay(struct wk_module *module, uint8_t index, uint16_t minute)
{
    struct wk_rooms *rooms = &module->rooms;
    struct wk_relay *relay = &rooms->control.relay[index];
    const struct wk_hal_relay *port = rooms->fittings.relay[index];
    const struct wk_relay_input input = {
        .t_us = rooms->t_us,
        .minute = minute,
        .calendar = ((unsigned)rooms->tariff.load >> index & 1U) != 0,
        .off = reasons_of_relay(&rooms->control, index),
        .random =
            wk_draw(rooms->control.seed, rooms->t_us / US_PER_S, (uint32_t)SALT_RELAY + index),
    };
    if (!wk_relay_step(relay, &input) || port == NULL) {
        return WK_OK;
    }
    if (port->set(port->self, relay->on) != WK_OK) {
        relay->on = !relay->on; /* the next window tries again */
        return WK_OK;
    }
    return log_code(module, relay->on ? WK_EVENT_RELAY_ON : WK_EVENT_RELAY_OFF,
                    (uint8_t)(index + 1), input.off);
}

static wk_err step_relays(struct wk_module *module)
{
    const struct wk_rooms *rooms = &module->rooms;
    struct wk_civil civil;
    if (wk_civil_from_utc(&rooms->clock.zone, wk_clock_utc(wk_module_now_us(module)), &civil) !=
        WK_OK) {
        return WK_OK; /* no schedule without a time of day */
    }
    const uint16_t minute = (uint16_t)(civil.hour * 60 + civil.minute);
    for (uint8_t i = 0; i < WK_RELAY_COUNT; i++) {
        WK_TRY(step_relay(module, i, minute));
    }
    return WK_OK;
}

/* ---- the supply -------------------------------------------------------------------------- */

static uint8_t gather_reasons(struct wk_rooms *rooms)
{
    static const uint8_t k_of_reclose[WK_RECLOSE_STATES] = {
        [WK_RECLOSE_WAITING] = WK_SUPPLY_LOAD, [WK_RECLOSE_LOCKED] = WK_SUPPLY_LOCKED_OUT};
    const struct wk_rooms_control *control = &rooms->control;
    uint8_t reasons = k_of_reclose[control->reclose.state];
    reasons |= wk_protection_over_voltage(&control->protection) ? WK_SUPPLY_OVER_VOLTAGE : 0;
    reasons |= wk_protection_over_heat(&control->protection) ? WK_SUPPLY_OVER_HEAT : 0;
    reasons |= wk_module_payment_cuts(rooms) ? WK_SUPPLY_CREDIT : 0;
    return reasons | wk_supply_delay(&rooms->supply, rooms->t_us);
}

static wk_err command(struct wk_module *module, wk_supply_command order, uint16_t code)
{
    struct wk_supply *supply = &module->rooms.supply;
    const wk_supply_state before = supply->state;
    if (wk_supply_command_do(supply, order, module->rooms.t_us) != WK_OK ||
        supply->state == before) {
        return WK_OK; /* the diagram has no such arrow */
    }
    return log_code(module, code, (uint8_t)before, module->rooms.control.reasons);
}

static wk_err carry_reasons(struct wk_module *module)
{
    struct wk_rooms *rooms = &module->rooms;
    const uint8_t before = rooms->control.reasons;
    rooms->control.reasons = gather_reasons(rooms);
    if ((before & ~rooms->control.reasons & WK_SUPPLY_CREDIT) != 0 &&
        wk_module_payment_arms(rooms)) {
        wk_supply_wait_for_hand(&rooms->supply);
    }
    if (wk_supply_arm_expired(&rooms->supply, rooms->t_us)) {
        WK_TRY(command(module, WK_SUPPLY_REMOTE_DISCONNECT, WK_EVENT_ARM_EXPIRED));
    }
    return rooms->control.reasons != 0
               ? command(module, WK_SUPPLY_LOCAL_DISCONNECT,
                         WK_EVENT_SUPPLY_DISCONNECTED_LOCALLY)
               : command(module, WK_SUPPLY_LOCAL_RECONNECT, WK_EVENT_SUPPLY_CONNECTED_LOCALLY);
}

static wk_err log_contact(struct wk_module *module, uint8_t events,
                          const struct wk_contact_input *input)
{
    static const struct {
        uint8_t found;
        uint16_t code;
    } k_codes[] = {
        {WK_CONTACT_OPENING_HELD, WK_EVENT_OPENING_HELD},
        {WK_CONTACT_CLOSING_HELD, WK_EVENT_CLOSING_HELD},
        {WK_CONTACT_WELDED, WK_EVENT_CONTACTOR_DISAGREES},
        {WK_CONTACT_NOT_CLOSING, WK_EVENT_CONTACTOR_DISAGREES},
        {WK_CONTACT_FOLLOWS, WK_EVENT_CONTACTOR_FOLLOWS},
        {WK_CONTACT_LEAK_BEGIN, WK_EVENT_CURRENT_WHILE_OPEN},
        {WK_CONTACT_LEAK_END, WK_EVENT_NO_CURRENT_WHILE_OPEN},
    };
    for (size_t i = 0; i < sizeof k_codes / sizeof k_codes[0]; i++) {
        if ((events & k_codes[i].found) != 0) {
            const bool of_voltage = k_codes[i].found == WK_CONTACT_CLOSING_HELD;
            WK_TRY(log_code(module, k_codes[i].code, input->wanted ? 1 : 0,
                            of_voltage ? input->u_mv : input->i_ua / UA_PER_MA));
        }
    }
    return WK_OK;
}

/* Without a window nothing is known of current and voltage: the contactor waits. */
static wk_err drive(struct wk_module *module, int64_t span_us)
{
    struct wk_rooms *rooms = &module->rooms;
    const struct wk_hal_contactor *port = rooms->contactor;
    const struct wk_record_window *window = &rooms->live.window;
    if (rooms->live.kind != WK_RECORD_WINDOW) {
        return WK_OK;
    }
    struct wk_contact_input input = {
        .t_us = rooms->t_us,
        .span_us = span_us,
        .i_ua = most_ua(window),
        .u_mv = most_mv(window),
        .beyond = (rooms->live.flags & WK_RECORD_CLIPPED) != 0,
        .wanted = rooms->supply.state == WK_SUPPLY_CONNECTED,
    };
    input.known = port->is_closed(port->self, &input.reported) == WK_OK;
    const struct wk_contact_order order = wk_contact_step(&rooms->control.contact, &input);
    if (order.action != WK_CONTACT_NOTHING) {
        /* A refusal shows in the auxiliary contact, and the order is given again. */
        (void)(port->set(port->self, order.action == WK_CONTACT_CLOSE) == WK_OK);
    }
    return log_contact(module, order.events, &input);
}

wk_err wk_module_supply_settle(struct wk_module *module)
{
    WK_TRY(carry_reasons(module));
    return drive(module, 0);
}

/* ---- buttons ----------------------------------------------------------------------------- */

static wk_err press_reconnect(struct wk_module *module)
{
    struct wk_rooms *rooms = &module->rooms;
    if (rooms->supply.state == WK_SUPPLY_READY && wk_reclose_release(&rooms->control.reclose)) {
        WK_TRY(log_code(module, WK_EVENT_LOAD_RELEASED, 1, 0));
    }
    WK_TRY(wk_module_payment_press(module));
    rooms->control.reasons = gather_reasons(rooms);
    if (rooms->supply.state == WK_SUPPLY_CONNECTED) {
        return WK_OK;
    }
    if (rooms->control.reasons != 0 || rooms->supply.state != WK_SUPPLY_READY) {
        return log_code(module, WK_EVENT_RECONNECTION_REFUSED, (uint8_t)rooms->supply.state,
                        rooms->control.reasons);
    }
    return command(module, WK_SUPPLY_MANUAL_RECONNECT, WK_EVENT_SUPPLY_CONNECTED_MANUALLY);
}

wk_err wk_module_supply_press(struct wk_module *module, uint8_t pressed)
{
    if ((pressed & WK_HAL_BUTTON_DISCONNECT) != 0) {
        WK_TRY(command(module, WK_SUPPLY_MANUAL_DISCONNECT,
                       WK_EVENT_SUPPLY_DISCONNECTED_MANUALLY));
    }
    return (pressed & WK_HAL_BUTTON_RECONNECT) != 0 ? press_reconnect(module) : WK_OK;
}

/* ---- the step ---------------------------------------------------------------------------- */

static void pause_after_gap(struct wk_rooms_control *control, const struct wk_record *record)
{
    if ((record->flags & (WK_RECORD_FEED_GAP | WK_RECORD_FEED_START)) == 0) {
        return;
    }
    for (int i = 0; i < WK_PROTECTION_PHASES; i++) {
        wk_latch_pause(&control->protection.voltage[i]);
    }
    wk_latch_pause(&control->protection.heat);
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        wk_latch_pause(&control->limiter[i].latch);
    }
    wk_latch_pause(&control->contact.leak);
}

wk_err wk_module_supply_step(struct wk_module *module, const struct wk_record *record)
{
    pause_after_gap(&module->rooms.control, record);
    WK_TRY(step_limits(module, record));
    WK_TRY(step_protection(module, record));
    WK_TRY(step_relays(module));
    WK_TRY(carry_reasons(module));
    return drive(module, record->span_us);
}

wk_err wk_module_supply_outage(struct wk_module *module, int64_t t_us, int64_t away_us)
{
    struct wk_rooms *rooms = &module->rooms;
    const uint32_t random = wk_draw(rooms->control.seed, t_us / US_PER_S, SALT_DELAY);
    wk_supply_outage(&rooms->supply, t_us, away_us, random);
    if (rooms->supply.delay_until_us <= t_us) {
        return WK_OK;
    }
    return log_code(module, WK_EVENT_RECONNECTION_DELAYED, 0,
                    (rooms->supply.delay_until_us - t_us) / US_PER_S);
}
