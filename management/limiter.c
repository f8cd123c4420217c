/* SPDX-License-Identifier: Apache-2.0 */
#include "management/limiter.h"

#define US_PER_S  INT64_C(1000000)
#define LONGEST_S 604800
#define LAST_S    INT64_C(253402300799) /* end of the year 9999 */

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_limiter_settings, field, kind, least, most)
#define GROUP(n) SETTING(group[n], WK_SETTING_U16, 0, UINT16_MAX)
static const struct wk_setting k_settings[] = {
    SETTING(monitor, WK_SETTING_U8, 0, WK_LIMITER_MONITORS - 1),
    SETTING(over, WK_SETTING_U8, 0, WK_LIMITER_ACTIONS - 1),
    SETTING(under, WK_SETTING_U8, 0, WK_LIMITER_ACTIONS - 1),
    SETTING(normal, WK_SETTING_I64, 0, WK_LIMITER_MOST),
    SETTING(emergency, WK_SETTING_I64, 0, WK_LIMITER_MOST),
    SETTING(min_over_s, WK_SETTING_U32, 0, LONGEST_S),
    SETTING(min_under_s, WK_SETTING_U32, 0, LONGEST_S),
    SETTING(profile_id, WK_SETTING_U16, 0, UINT16_MAX),
    SETTING(profile_s, WK_SETTING_U32, 0, UINT32_MAX),
    SETTING(profile_begin_s, WK_SETTING_I64, 0, LAST_S),
    SETTING(groups, WK_SETTING_U8, 0, WK_LIMITER_GROUPS),
    GROUP(0),
    GROUP(1),
    GROUP(2),
    GROUP(3),
    GROUP(4),
    GROUP(5),
    GROUP(6),
    GROUP(7),
};
const struct wk_setting_table wk_limiter_table = {k_settings,
                                                  sizeof k_settings / sizeof k_settings[0]};

void wk_limiter_init(struct wk_limiter *limiter)
{
    *limiter = (struct wk_limiter){
        .settings = {.over = WK_LIMITER_SUPPLY,
                     .under = WK_LIMITER_SUPPLY,
                     .min_over_s = 30,
                     .min_under_s = 5},
    };
}

wk_err wk_limiter_set(struct wk_limiter *limiter, const struct wk_limiter_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_limiter_table, settings));
    if (settings->under != WK_LIMITER_NOTHING && settings->under != settings->over) {
        return WK_E_RANGE;
    }
    limiter->settings = *settings;
    return WK_OK;
}

static bool emergency_runs(const struct wk_limiter_settings *settings, int64_t utc_s)
{
    const int64_t since_s = utc_s - settings->profile_begin_s;
    bool member = false;
    for (uint8_t i = 0; i < settings->groups; i++) {
        member = member || settings->group[i] == settings->profile_id;
    }
    return member && since_s >= 0 && since_s < (int64_t)settings->profile_s;
}

static int64_t lower_of(int64_t threshold, int64_t cap)
{
    const bool caps = cap > 0 && (threshold == 0 || cap < threshold);
    return caps ? cap : threshold;
}

wk_latch_edge wk_limiter_step(struct wk_limiter *limiter, const struct wk_limiter_input *input)
{
    const struct wk_limiter_settings *settings = &limiter->settings;
    const struct wk_latch_time time = {settings->min_over_s * US_PER_S,
                                       settings->min_under_s * US_PER_S};
    limiter->emergency = emergency_runs(settings, input->utc_s);
    limiter->active =
        lower_of(limiter->emergency ? settings->emergency : settings->normal, input->cap);
    const bool over = limiter->active > 0 && input->value > limiter->active;
    return wk_latch_step(&limiter->latch, over, !over, &time, input->span_us);
}
