/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view.h"

#define MW_PER_W   1e3
#define UWH_PER_WH 1e6

/* ---- supply ------------------------------------------------------------------------------ */

static json_t *names_of(uint32_t bits, const char *const *names, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        if ((bits >> i & 1U) != 0) {
            json_array_append_new(array, json_string(names[i]));
        }
    }
    return array;
}

static json_t *contact(const struct wk_rooms *rooms)
{
    bool closed = false;
    const bool known = rooms->contactor->is_closed(rooms->contactor->self, &closed) == WK_OK;
    return known ? json_string(closed ? "closed" : "open") : json_null();
}

static json_t *limit(const struct wk_limiter *limiter)
{
    static const char *const k_monitors[] = {"import", "current", "net"};
    const bool amperes = limiter->settings.monitor == WK_LIMITER_I_MOST;
    return json_pack("{s:s, s:o, s:s, s:b, s:b}", "monitor",
                     k_monitors[limiter->settings.monitor], "threshold",
                     limiter->active > 0 ? json_real((double)limiter->active / MW_PER_W)
                                         : json_null(),
                     "unit", amperes ? "A" : "W", "over", limiter->latch.on, "emergency",
                     limiter->emergency);
}

static json_t *relays(const struct wk_rooms *rooms)
{
    static const char *const k_orders[] = {"auto", "on", "off"};
    static const char *const k_reasons[] = {"limiter", "response", "response limiter"};
    json_t *array = json_array();
    for (int i = 0; i < WK_RELAY_COUNT; i++) {
        const struct wk_relay *relay = &rooms->control.relay[i];
        json_array_append_new(array, json_pack("{s:b, s:s, s:o}", "on", relay->on, "order",
                                               k_orders[relay->settings.order], "off_by",
                                               names_of(relay->off, k_reasons, 3)));
    }
    return array;
}

json_t *wk_view_supply(const struct wk_rooms *rooms)
{
    static const char *const k_states[] = {"disconnected", "connected",
                                           "ready_for_reconnection"};
    static const char *const k_reasons[] = {
        "load",     "locked out", "over-voltage", "over-temperature", "delay after outage",
        "no credit"};
    static const char *const k_phases[] = {"resting", "held", "moving", "failed"};
    static const char *const k_levels[] = {"normal", "reduce", "critical", "lowest"};
    const struct wk_rooms_control *control = &rooms->control;
    json_t *limits = json_array();
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        json_array_append_new(limits, limit(&control->limiter[i]));
    }
    return json_pack("{s:s, s:i, s:o, s:s, s:o, s:i, s:s, s:o, s:o}", "state",
                     k_states[rooms->supply.state], "mode", rooms->supply.mode, "contact",
                     contact(rooms), "contactor", k_phases[control->contact.phase], "reasons",
                     names_of(control->reasons, k_reasons, 6), "attempts",
                     control->reclose.attempts, "response", k_levels[control->response.level],
                     "limits", limits, "relays", relays(rooms));
}

/* ---- tamper ------------------------------------------------------------------------------ */

static json_t *active(const struct wk_tamper *tamper)
{
    json_t *array = json_array();
    for (uint8_t latch = 0; latch < WK_TAMPER_LATCHES; latch++) {
        uint8_t phase;
        const wk_tamper_kind kind = wk_tamper_kind_of(latch, &phase);
        const bool per_phase = kind == WK_TAMPER_REVERSED ||
                               kind == WK_TAMPER_VOLTAGE_MISSING || kind == WK_TAMPER_CT;
        if (tamper->latch[latch].on) {
            json_array_append_new(array,
                                  json_pack("{s:s, s:o}", "what", wk_tamper_text(kind), "phase",
                                            per_phase ? json_integer(phase + 1) : json_null()));
        }
    }
    return array;
}

static json_t *snapshots(const struct wk_tamper *tamper)
{
    json_t *array = json_array();
    for (int i = 0; i < WK_TAMPER_SNAPSHOTS; i++) {
        const struct wk_tamper_snapshot *snapshot =
            &tamper->snapshot[(tamper->newest + WK_TAMPER_SNAPSHOTS - i) % WK_TAMPER_SNAPSHOTS];
        uint8_t phase;
        if (snapshot->utc_s == 0) {
            continue;
        }
        const wk_tamper_kind kind = wk_tamper_kind_of(snapshot->latch, &phase);
        json_array_append_new(
            array, json_pack("{s:I, s:s, s:[f, f, f], s:[f, f, f, f], s:[i, i, i], s:I}",
                             "at_s", (json_int_t)snapshot->utc_s, "what", wk_tamper_text(kind),
                             "u_v", snapshot->u_mv[0] / 1e3, snapshot->u_mv[1] / 1e3,
                             snapshot->u_mv[2] / 1e3, "i_a", snapshot->i_ma[0] / 1e3,
                             snapshot->i_ma[1] / 1e3, snapshot->i_ma[2] / 1e3,
                             snapshot->i_ma[3] / 1e3, "p_w", snapshot->p_w[0], snapshot->p_w[1],
                             snapshot->p_w[2], "import_uwh", (json_int_t)snapshot->import_uwh));
    }
    return array;
}

json_t *wk_view_tamper(const struct wk_rooms *rooms)
{
    const struct wk_tamper *tamper = &rooms->tamper;
    const struct wk_tamper_energy *energy = &tamper->energy;
    return json_pack(
        "{s:o, s:o, s:{s:f, s:f, s:f}, s:o}", "active", active(tamper), "snapshots",
        snapshots(tamper), "estimated_wh", "bypass", (double)energy->bypass_uwh / UWH_PER_WH,
        "voltage", (double)energy->voltage_uwh / UWH_PER_WH, "magnet",
        (double)energy->magnet_uwh / UWH_PER_WH, "service_until_s",
        tamper->service_end_s != 0 ? json_integer((json_int_t)tamper->service_end_s)
                                   : json_null());
}
