/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_profile.h"

#include "management/module_events.h"
#include "management/module_pack.h"
#include "management/objects_capture.h"

#define QUARTER_S 900

/* ---- what is captured unless set otherwise ------------------------------------------------ */

/* Clock and status, registers, voltage and current of the phases there are. */
static const struct wk_profile_column k_load[] = {
    {8, {0, 0, 1, 0, 0, 255}, 2},   {1, {0, 0, 96, 10, 1, 255}, 2},
    {3, {1, 0, 1, 8, 0, 255}, 2},   {3, {1, 0, 2, 8, 0, 255}, 2},
    {3, {1, 0, 1, 8, 1, 255}, 2},   {3, {1, 0, 1, 8, 2, 255}, 2},
    {3, {1, 0, 1, 8, 3, 255}, 2},   {3, {1, 0, 1, 8, 4, 255}, 2},
    {3, {1, 0, 3, 8, 0, 255}, 2},   {3, {1, 0, 4, 8, 0, 255}, 2},
    {3, {1, 0, 32, 27, 0, 255}, 2}, {3, {1, 0, 31, 27, 0, 255}, 2},
    {3, {1, 0, 52, 27, 0, 255}, 2}, {3, {1, 0, 51, 27, 0, 255}, 2},
    {3, {1, 0, 72, 27, 0, 255}, 2}, {3, {1, 0, 71, 27, 0, 255}, 2},
};

/* The day: registers, the maximum of the billing period so far. */
static const struct wk_profile_column k_day[] = {
    {8, {0, 0, 1, 0, 0, 255}, 2},   {1, {0, 0, 96, 10, 1, 255}, 2},
    {1, {0, 0, 96, 10, 2, 255}, 2}, {3, {1, 0, 1, 8, 0, 255}, 2},
    {3, {1, 0, 2, 8, 0, 255}, 2},   {3, {1, 0, 1, 8, 1, 255}, 2},
    {3, {1, 0, 1, 8, 2, 255}, 2},   {3, {1, 0, 1, 8, 3, 255}, 2},
    {3, {1, 0, 1, 8, 4, 255}, 2},   {3, {1, 0, 5, 8, 0, 255}, 2},
    {3, {1, 0, 6, 8, 0, 255}, 2},   {3, {1, 0, 7, 8, 0, 255}, 2},
    {3, {1, 0, 8, 8, 0, 255}, 2},   {4, {1, 0, 1, 6, 0, 255}, 2},
    {4, {1, 0, 1, 6, 0, 255}, 5},   {3, {1, 0, 130, 8, 0, 255}, 2},
    {1, {0, 0, 96, 7, 21, 255}, 2},
};

/* Power quality: frequency, distortion, flicker, unbalance. */
static const struct wk_profile_column k_quality[] = {
    {8, {0, 0, 1, 0, 0, 255}, 2},    {1, {0, 0, 96, 10, 1, 255}, 2},
    {1, {0, 0, 96, 10, 2, 255}, 2},  {3, {1, 0, 14, 7, 0, 255}, 2},
    {3, {1, 0, 32, 7, 124, 255}, 2}, {3, {1, 0, 52, 7, 124, 255}, 2},
    {3, {1, 0, 72, 7, 124, 255}, 2}, {3, {1, 0, 31, 7, 124, 255}, 2},
    {3, {1, 0, 51, 7, 124, 255}, 2}, {3, {1, 0, 71, 7, 124, 255}, 2},
    {3, {1, 0, 132, 7, 0, 255}, 2},  {3, {1, 0, 152, 7, 0, 255}, 2},
    {3, {1, 0, 172, 7, 0, 255}, 2},  {3, {1, 0, 133, 7, 0, 255}, 2},
    {3, {1, 0, 91, 7, 0, 255}, 2},
};

#define LIST(columns) (columns), sizeof(columns) / sizeof(columns)[0]

static const struct usual {
    const struct wk_profile_column *column;
    uint8_t count;
    uint8_t log;
    uint32_t period_s;
} k_usual[WK_ROOMS_PROFILES] = {
    [WK_ROOMS_PROFILE_1] = {LIST(k_load), WK_ROOMS_LOG_PROFILE, QUARTER_S},
    [WK_ROOMS_PROFILE_2] = {LIST(k_day), WK_ROOMS_LOG_PROFILE_2, WK_PROFILE_DAY_S},
    [WK_ROOMS_PROFILE_3] = {LIST(k_quality), WK_ROOMS_LOG_PROFILE_3, QUARTER_S},
};

/* Those of the usual columns that this meter has. */
static void take_usual(const struct wk_rooms *rooms, const struct usual *usual,
                       struct wk_profile_rules *rules)
{
    struct wk_objects_capture capture;
    for (uint8_t i = 0; i < usual->count && rules->count < WK_PROFILE_COLUMNS; i++) {
        if (wk_objects_capture_find(rooms->identity.phases, &usual->column[i], &capture) ==
            WK_OK) {
            rules->column[rules->count++] = usual->column[i];
        }
    }
}

wk_err wk_module_profile_start(struct wk_module *module, const struct wk_module_config *config)
{
    struct wk_rooms *rooms = &module->rooms;
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        struct wk_profile_rules rules = config->profile[number];
        if (rules.period_s == 0) {
            rules.period_s =
                number == WK_ROOMS_PROFILE_1 ? config->period_s : k_usual[number].period_s;
        }
        if (rules.count == 0) {
            take_usual(rooms, &k_usual[number], &rules);
        }
        WK_TRY(wk_objects_capture_check(rooms->identity.phases, &rules, NULL));
        WK_TRY(wk_profile_init(&rooms->profile[number], &rules, k_usual[number].log));
    }
    return WK_OK;
}

/* ---- intervals --------------------------------------------------------------------------- */

void wk_module_profile_mark(struct wk_module *module, uint16_t status)
{
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        wk_profile_mark(&module->rooms.profile[number], status);
    }
}

static wk_err capture_one(struct wk_module *module, uint8_t number, int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    struct wk_profile *profile = &rooms->profile[number];
    const struct wk_zone *zone = &rooms->clock.zone;
    struct wk_profile_row row;
    if (wk_profile_is_ahead(profile, zone, now_us)) {
        wk_profile_restart(profile, WK_PROFILE_CLOCK_ADJUSTED);
    }
    if (!wk_profile_is_due(profile, now_us)) {
        return WK_OK;
    }
    if ((wk_clock_status(&rooms->clock, rooms->t_us) & WK_CLOCK_INVALID) != 0) {
        wk_profile_mark(profile, WK_PROFILE_CLOCK_INVALID);
    }
    wk_objects_capture_row(rooms, number, &row);
    WK_TRY(wk_profile_capture(profile, zone, &rooms->store, now_us, &row));
    wk_module_changed(module, (uint8_t)(WK_MODULE_KEY_ROWS + number));
    module->due = true;
    return WK_OK;
}

wk_err wk_module_profile_capture(struct wk_module *module, int64_t now_us)
{
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        if (wk_rooms_has_profile(&module->rooms, number)) {
            WK_TRY(capture_one(module, number, now_us));
        }
    }
    return WK_OK;
}

void wk_module_profile_add(struct wk_module *module, const struct wk_record *record,
                           int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        if (wk_rooms_has_profile(rooms, number)) {
            wk_profile_add(&rooms->profile[number], &rooms->clock.zone, record, now_us);
        }
    }
}

/* ---- changes ----------------------------------------------------------------------------- */

static wk_err log_cleared(struct wk_module *module, uint8_t number, uint8_t role)
{
    wk_module_changed(module, (uint8_t)(WK_MODULE_KEY_PROFILE + number));
    wk_module_changed(module, (uint8_t)(WK_MODULE_KEY_ROWS + number));
    return wk_module_log(module, (struct wk_event){.code = WK_EVENT_PROFILE_CLEARED,
                                                   .detail = role,
                                                   .value = number + 1});
}

wk_err wk_module_profile_changed(struct wk_module *module, const struct wk_notice *notice)
{
    if (notice->code == WK_ROOMS_PROFILE_SET) {
        WK_TRY(wk_module_log(module, (struct wk_event){.code = WK_EVENT_PARAMETER_CHANGED,
                                                       .detail = notice->detail,
                                                       .value = notice->value}));
    }
    return log_cleared(module, (uint8_t)notice->value, notice->detail);
}

wk_err wk_module_profile_tell(struct wk_module *module)
{
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        if ((module->profiles_cleared >> number & 1) != 0) {
            WK_TRY(log_cleared(module, number, 0));
        }
    }
    module->profiles_cleared = 0;
    return WK_OK;
}

/* ---- octets for the store ---------------------------------------------------------------- */

void wk_module_profile_pack(const struct wk_module *module, uint8_t key,
                            struct wk_bytes_out *out)
{
    wk_profile_rules_pack(&module->rooms.profile[key - WK_MODULE_KEY_PROFILE], out);
}

wk_err wk_module_profile_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    return wk_profile_rules_unpack(&module->rooms.profile[key - WK_MODULE_KEY_PROFILE], in);
}

wk_err wk_module_profile_restore(struct wk_module *module, uint8_t number,
                                 struct wk_bytes_in *in)
{
    bool cleared = false;
    WK_TRY(wk_profile_rows_unpack(&module->rooms.profile[number], in, &cleared));
    if (cleared) {
        module->profiles_cleared = (uint8_t)(module->profiles_cleared | (1U << number));
    }
    return WK_OK;
}
