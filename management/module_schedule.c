/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_schedule.h"

#include "management/module_pack.h"

#define US            1000000
#define SECONDS_A_DAY 86400
#define RETRY_S       60 /* between tries of a script that could not be executed */

static struct wk_object_call call_of(struct wk_module *module, size_t row, int64_t now_us)
{
    return (struct wk_object_call){
        .meter = &module->rooms,
        .object = &module->table.rows[row],
        .now_us = now_us,
        .role = WK_ROLE_MANAGEMENT,
    };
}

/* The first time that a script cannot be executed is told, and that it is given up. */
static wk_err run_one(struct wk_module *module, const struct wk_object_call *call, bool due)
{
    struct wk_setup *setup = module->rooms.setup;
    const uint8_t number = call->object->obis[4] % WK_SETUP_SCHEDULES;
    uint8_t *tries = &setup->tries[number];
    if (wk_objects_schedule_execute(call) == WK_OK) {
        *tries = 0;
        return WK_OK;
    }
    *tries = due ? WK_SETUP_TRIES : (uint8_t)(*tries - 1);
    if (!due && *tries > 0) {
        return WK_OK;
    }
    return wk_module_log(
        module,
        (struct wk_event){.code = WK_EVENT_SCRIPT_FAILED, .detail = number, .value = *tries});
}

/* *ran: whether anything was done, or tried. */
static wk_err run_all(struct wk_module *module, struct wk_utc from, int64_t now_us, bool *ran)
{
    struct wk_setup *setup = module->rooms.setup;
    const bool again = now_us / US >= setup->retry_s;
    for (size_t i = 0; i < module->table.count; i++) {
        const struct wk_object_call call = call_of(module, i, now_us);
        if (call.object->access->functions != &wk_objects_schedule) {
            continue;
        }
        const bool due = wk_objects_schedule_is_due(&call, from);
        const uint8_t tries = setup->tries[call.object->obis[4] % WK_SETUP_SCHEDULES];
        if (due || (again && tries > 0)) {
            *ran = true;
            WK_TRY(run_one(module, &call, due));
        }
    }
    setup->retry_s = again || *ran ? now_us / US + RETRY_S : setup->retry_s;
    return WK_OK;
}

static wk_err keep(struct wk_module *module)
{
    wk_module_changed(module, WK_MODULE_KEY_SETUP);
    module->due = true;
    return wk_module_settle(module);
}

wk_err wk_module_schedule(struct wk_module *module)
{
    const struct wk_rooms *rooms = &module->rooms;
    struct wk_setup *setup = rooms->setup;
    const int64_t now_us = wk_module_now_us(module);
    const int64_t now_s = now_us / US;
    bool ran = false;
    if (setup == NULL || setup->size == 0 || now_s == setup->until_s ||
        (wk_clock_status(&rooms->clock, rooms->t_us) & WK_CLOCK_INVALID) != 0) {
        return WK_OK;
    }
    const struct wk_utc from = {setup->until_s};
    if (from.s == 0 || now_s < from.s - SECONDS_A_DAY) {
        setup->until_s = now_s; /* the first time, or the clock was wrong */
        return WK_OK;
    }
    if (now_s < from.s) {
        return WK_OK; /* set back a little: nothing is done twice */
    }
    setup->until_s = now_s;
    WK_TRY(run_all(module, from, now_us, &ran));
    return ran ? keep(module) : WK_OK;
}

wk_err wk_module_monitor(struct wk_module *module)
{
    const struct wk_setup *setup = module->rooms.setup;
    const int64_t now_us = wk_module_now_us(module);
    uint8_t number = 0;
    bool changed = false;
    if (setup == NULL || setup->size == 0) {
        return WK_OK;
    }
    for (size_t i = 0; i < module->table.count; i++) {
        const struct wk_object_call call = call_of(module, i, now_us);
        if (call.object->access->functions == &wk_objects_monitor) {
            changed = wk_objects_monitor_run(&call, number++) || changed;
        }
    }
    return changed ? keep(module) : WK_OK;
}
