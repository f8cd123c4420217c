/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_schedule.h"

#include "management/module_pack.h"

#define US            1000000
#define SECONDS_A_DAY 86400

static struct wk_object_call call_of(struct wk_module *module, size_t row, int64_t now_us)
{
    return (struct wk_object_call){
        .meter = &module->rooms,
        .object = &module->table.rows[row],
        .now_us = now_us,
        .role = WK_ROLE_MANAGEMENT,
    };
}

/* Whether anything was done. */
static bool run_all(struct wk_module *module, struct wk_utc from, int64_t now_us)
{
    bool ran = false;
    for (size_t i = 0; i < module->table.count; i++) {
        const struct wk_object_call call = call_of(module, i, now_us);
        if (call.object->functions == &wk_objects_schedule) {
            ran = wk_objects_schedule_run(&call, from) || ran;
        }
    }
    return ran;
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
    if (!run_all(module, from, now_us)) {
        return WK_OK;
    }
    return keep(module);
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
        if (call.object->functions == &wk_objects_monitor) {
            changed = wk_objects_monitor_run(&call, number++) || changed;
        }
    }
    return changed ? keep(module) : WK_OK;
}
