/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_profile.h"

#include "management/module_events.h"
#include "management/module_pack.h"
#include "management/objects_capture.h"

#define QUARTER_S   900
#define FIVE_MIN_S  300
#define CLASS_DATA  1
#define CLASS_CLOCK 8

/* ---- what is captured unless set otherwise ------------------------------------------------ */

#define CAPTURE_TIME 0x80 /* attribute 5 instead of 2 */

/* A is 0 of classes 1 and 8, else 1; B is 0 and F 255 in all of them. */
struct usual_column {
    uint8_t class_id;
    uint8_t c;
    uint8_t d;
    uint8_t e;
};

/* Clock and status, registers, voltage and current of the phases there are. */
static const struct usual_column k_load[] = {
    {8, 1, 0, 0},   {1, 96, 10, 1}, {3, 1, 8, 0},   {3, 2, 8, 0},
    {3, 1, 8, 1},   {3, 1, 8, 2},   {3, 1, 8, 3},   {3, 1, 8, 4},
    {3, 3, 8, 0},   {3, 4, 8, 0},   {3, 32, 27, 0}, {3, 31, 27, 0},
    {3, 52, 27, 0}, {3, 51, 27, 0}, {3, 72, 27, 0}, {3, 71, 27, 0},
};

/* The day: registers, the maximum of the billing period so far. */
static const struct usual_column k_day[] = {
    {8, 1, 0, 0},   {1, 96, 10, 1}, {1, 96, 10, 2}, {3, 1, 8, 0}, {3, 2, 8, 0},
    {3, 1, 8, 1},   {3, 1, 8, 2},   {3, 1, 8, 3},   {3, 1, 8, 4}, {3, 5, 8, 0},
    {3, 6, 8, 0},   {3, 7, 8, 0},   {3, 8, 8, 0},   {4, 1, 6, 0}, {4 | CAPTURE_TIME, 1, 6, 0},
    {3, 130, 8, 0}, {1, 96, 7, 21},
};

/* Power quality: frequency, distortion, flicker, unbalance. */
static const struct usual_column k_quality[] = {
    {8, 1, 0, 0},    {1, 96, 10, 1},  {1, 96, 10, 2},  {3, 14, 7, 0},   {3, 32, 7, 124},
    {3, 52, 7, 124}, {3, 72, 7, 124}, {3, 31, 7, 124}, {3, 51, 7, 124}, {3, 71, 7, 124},
    {3, 132, 7, 0},  {3, 152, 7, 0},  {3, 172, 7, 0},  {3, 133, 7, 0},  {3, 91, 7, 0},
};

/* The moment: voltage, current, power of the phases, power factor, frequency. */
static const struct usual_column k_moment[] = {
    {8, 1, 0, 0},  {1, 96, 10, 1}, {3, 32, 7, 0}, {3, 52, 7, 0}, {3, 72, 7, 0},
    {3, 31, 7, 0}, {3, 51, 7, 0},  {3, 71, 7, 0}, {3, 36, 7, 0}, {3, 56, 7, 0},
    {3, 76, 7, 0}, {3, 13, 7, 0},  {3, 14, 7, 0},
};

#define LIST(columns) (columns), sizeof(columns) / sizeof(columns)[0]

#define FIRST_OF_MORE (WK_MODULE_KEY_MORE_PROFILES - WK_ROOMS_OWN_PROFILES)

static const struct usual {
    const struct usual_column *column;
    uint8_t count;
    uint8_t log;
    uint8_t rules_key; /* of the store */
    uint8_t rows_key;
    uint32_t period_s;
} k_usual[WK_ROOMS_PROFILES] = {
    [WK_ROOMS_PROFILE_1] = {LIST(k_load), WK_ROOMS_LOG_PROFILE, WK_MODULE_KEY_PROFILE,
                            WK_MODULE_KEY_ROWS, QUARTER_S},
    [WK_ROOMS_PROFILE_2] = {LIST(k_day), WK_ROOMS_LOG_PROFILE_2, WK_MODULE_KEY_PROFILE + 1,
                            WK_MODULE_KEY_ROWS + 1, WK_PROFILE_DAY_S},
    [WK_ROOMS_PROFILE_3] = {LIST(k_quality), WK_ROOMS_LOG_PROFILE_3, WK_MODULE_KEY_PROFILE + 2,
                            WK_MODULE_KEY_ROWS + 2, QUARTER_S},
    [WK_ROOMS_PROFILE_4] = {LIST(k_load), WK_ROOMS_LOG_PROFILE_4, WK_MODULE_KEY_MORE_PROFILES,
                            WK_MODULE_KEY_MORE_ROWS, FIVE_MIN_S},
    [WK_ROOMS_PROFILE_5] = {LIST(k_moment), WK_ROOMS_LOG_PROFILE_5,
                            WK_MODULE_KEY_MORE_PROFILES + 1, WK_MODULE_KEY_MORE_ROWS + 1,
                            QUARTER_S},
};

uint8_t wk_module_profile_rows_key(uint8_t number)
{
    return k_usual[number].rows_key;
}

static struct wk_profile_column column_of(const struct usual_column *of)
{
    const uint8_t class_id = of->class_id & (CAPTURE_TIME - 1);
    const uint8_t a = class_id == CLASS_DATA || class_id == CLASS_CLOCK ? 0 : 1;
    return (struct wk_profile_column){
        class_id, {a, 0, of->c, of->d, of->e, 255}, of->class_id >= CAPTURE_TIME ? 5 : 2};
}

/* Those of the usual columns that this meter has. */
static void take_usual(const struct wk_rooms *rooms, const struct usual *usual,
                       struct wk_profile_rules *rules)
{
    struct wk_objects_capture capture;
    for (uint8_t i = 0; i < usual->count && rules->count < WK_PROFILE_COLUMNS; i++) {
        const struct wk_profile_column column = column_of(&usual->column[i]);
        if (wk_objects_capture_find(rooms->identity.phases, &column, &capture) == WK_OK) {
            rules->column[rules->count++] = column;
        }
    }
}

wk_err wk_module_profile_start(struct wk_module *module, const struct wk_module_config *config)
{
    struct wk_rooms *rooms = &module->rooms;
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        struct wk_profile *profile = wk_rooms_profile(rooms, number);
        struct wk_profile_rules rules = config->profile[number];
        if (profile == NULL) {
            break;
        }
        if (rules.period_s == 0) {
            rules.period_s =
                number == WK_ROOMS_PROFILE_1 ? config->period_s : k_usual[number].period_s;
        }
        if (rules.count == 0) {
            take_usual(rooms, &k_usual[number], &rules);
        }
        WK_TRY(wk_objects_capture_check(rooms->identity.phases, &rules, NULL));
        WK_TRY(wk_profile_init(profile, &rules, k_usual[number].log));
    }
    return WK_OK;
}

/* ---- intervals --------------------------------------------------------------------------- */

void wk_module_profile_mark(struct wk_module *module, uint16_t status)
{
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        struct wk_profile *profile = wk_rooms_profile(&module->rooms, number);
        if (profile != NULL) {
            wk_profile_mark(profile, status);
        }
    }
}

static wk_err capture_one(struct wk_module *module, uint8_t number, int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    struct wk_profile *profile = wk_rooms_profile(rooms, number);
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
    wk_objects_capture_row(rooms, profile, &row);
    WK_TRY(wk_profile_capture(profile, zone, &rooms->store, now_us, &row));
    wk_module_changed(module, k_usual[number].rows_key);
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
    wk_module_changed(module, WK_MODULE_KEY_MORE_OPEN);
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        if (wk_rooms_has_profile(rooms, number)) {
            wk_profile_add(wk_rooms_profile(rooms, number), &rooms->clock.zone, record, now_us);
        }
    }
}

/* ---- changes ----------------------------------------------------------------------------- */

static wk_err log_cleared(struct wk_module *module, uint8_t number, uint8_t role)
{
    wk_module_changed(module, k_usual[number].rules_key);
    wk_module_changed(module, k_usual[number].rows_key);
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

static const struct wk_profile *profile_of(const struct wk_rooms *rooms, uint8_t key)
{
    return key >= WK_MODULE_KEY_PROFILE
               ? &rooms->profile[key - WK_MODULE_KEY_PROFILE]
               : &rooms->more_profiles[key - WK_MODULE_KEY_MORE_PROFILES];
}

void wk_module_profile_pack(const struct wk_module *module, uint8_t key,
                            struct wk_bytes_out *out)
{
    wk_profile_rules_pack(profile_of(&module->rooms, key), out);
}

wk_err wk_module_profile_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    const uint8_t number =
        (uint8_t)(key - (key >= WK_MODULE_KEY_PROFILE ? WK_MODULE_KEY_PROFILE : FIRST_OF_MORE));
    return wk_profile_rules_unpack(wk_rooms_profile(&module->rooms, number), in);
}

void wk_module_profile_open_pack(const struct wk_module *module, uint8_t key,
                                 struct wk_bytes_out *out)
{
    const struct wk_profile *more = module->rooms.more_profiles;
    (void)key;
    for (int i = 0; i < WK_ROOMS_MORE_PROFILES; i++) {
        wk_profile_open_pack(&more[i], &module->rooms.profile[0], out);
    }
}

wk_err wk_module_profile_open_unpack(struct wk_module *module, uint8_t key,
                                     struct wk_bytes_in *in)
{
    struct wk_profile *more = module->rooms.more_profiles;
    (void)key;
    for (int i = 0; i < WK_ROOMS_MORE_PROFILES; i++) {
        wk_profile_open_unpack(&more[i], &module->rooms.profile[0], in);
    }
    return in->fault;
}

wk_err wk_module_profile_restore(struct wk_module *module, uint8_t number,
                                 struct wk_bytes_in *in)
{
    bool cleared = false;
    WK_TRY(wk_profile_rows_unpack(wk_rooms_profile(&module->rooms, number), in, &cleared));
    if (cleared) {
        module->profiles_cleared = (uint8_t)(module->profiles_cleared | (1U << number));
    }
    return WK_OK;
}
