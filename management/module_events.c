/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_events.h"

#include "management/module_counts.h"
#include "management/module_pack.h"
#include "management/module_tamper.h"

#define UA_PER_MA 1000
#define PF_E3     1000 /* of 10^-6 */

static struct wk_event_snapshot snapshot_of(const struct wk_rooms *rooms)
{
    const struct wk_record_window *window = &rooms->live.window;
    struct wk_event_snapshot snapshot = {.import_uwh = rooms->registers.import_uwh,
                                         .tariff = rooms->tariff.current};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const int64_t i_ma = window->i_ua[phase] / UA_PER_MA;
        snapshot.u_mv[phase] = window->u_mv[phase];
        snapshot.i_ma[phase] = (int32_t)(i_ma < INT32_MAX ? i_ma : INT32_MAX);
        snapshot.pf_e3[phase] = (int16_t)(window->pf_e6[phase] / PF_E3);
    }
    return snapshot;
}

static wk_err append(struct wk_module *module, const struct wk_event *event)
{
    struct wk_rooms *rooms = &module->rooms;
    const wk_event_log kind = wk_event_log_of(event->code);
    const uint8_t log = wk_rooms_log_of(rooms, kind);
    const bool chained = kind == WK_EVENT_LOG_SECURITY && log != WK_ROOMS_LOG_EVENT &&
                         module->crypto != NULL && module->crypto->sha256 != NULL;
    module->due = true;
    if (!chained) {
        WK_TRY(wk_event_append(&rooms->store, log, event));
    } else {
        wk_module_changed(module, WK_MODULE_KEY_CHAIN);
        WK_TRY(
            wk_event_append_chained(&rooms->store, log, event, module->crypto, rooms->chain));
    }
    if (module->watch != NULL) {
        module->watch->logged(module->watch->self, log, event);
    }
    return WK_OK;
}

wk_err wk_module_log_at(struct wk_module *module, int64_t now_us, struct wk_event event)
{
    struct wk_rooms *rooms = &module->rooms;
    wk_module_tamper_note(module, &event);
    wk_module_counts_note(module, now_us, event.code);
    if (!wk_event_storm_admit(&rooms->storm, event.code, event.detail, rooms->t_us)) {
        return WK_OK;
    }
    if (wk_alarm_raise(&rooms->alarm, event.code)) {
        wk_module_changed(module, WK_MODULE_KEY_ALARM);
    }
    event.at = wk_clock_utc(now_us);
    event.snapshot = snapshot_of(rooms);
    return append(module, &event);
}

wk_err wk_module_log(struct wk_module *module, struct wk_event event)
{
    return wk_module_log_at(module, wk_module_now_us(module), event);
}

wk_err wk_module_end_storms(struct wk_module *module)
{
    struct wk_event_storm_count count;
    struct wk_rooms *rooms = &module->rooms;
    while (wk_event_storm_end(&rooms->storm, rooms->t_us, &count)) {
        const struct wk_event event = {
            .at = wk_clock_utc(wk_module_now_us(module)),
            .code = WK_EVENT_REPEATED,
            .detail = count.detail,
            .value = count.code,
            .more = (int32_t)(count.dropped < INT32_MAX ? count.dropped : INT32_MAX),
            .snapshot = snapshot_of(rooms),
        };
        WK_TRY(append(module, &event));
    }
    return WK_OK;
}
