/* SPDX-License-Identifier: Apache-2.0 */
#include "management/protection.h"

#define US_PER_S  INT64_C(1000000)
#define LONGEST_S 86400
#define HOTTEST   200000
#define MOST_MV   1000000

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_protection_settings, field, kind, least, most)
static const struct wk_setting k_settings[] = {
    SETTING(over_mv, WK_SETTING_I32, 0, MOST_MV),
    SETTING(restore_mv, WK_SETTING_I32, 0, MOST_MV),
    SETTING(over_s, WK_SETTING_U32, 0, LONGEST_S),
    SETTING(restore_s, WK_SETTING_U32, 1, LONGEST_S),
    SETTING(hot_mdegc, WK_SETTING_I32, 0, HOTTEST),
    SETTING(cool_mdegc, WK_SETTING_I32, 0, HOTTEST),
    SETTING(hot_s, WK_SETTING_U32, 0, LONGEST_S),
    SETTING(cool_s, WK_SETTING_U32, 1, LONGEST_S),
};
const struct wk_setting_table wk_protection_table = {k_settings,
                                                     sizeof k_settings / sizeof k_settings[0]};

void wk_protection_init(struct wk_protection *protection, int32_t nominal_mv)
{
    *protection = (struct wk_protection){
        .settings = {.over_mv = nominal_mv / 10 * 12,
                     .restore_mv = nominal_mv / 10 * 11,
                     .over_s = 3,
                     .restore_s = 60,
                     .hot_mdegc = 105000,
                     .cool_mdegc = 85000,
                     .hot_s = 10,
                     .cool_s = 300},
    };
}

wk_err wk_protection_set(struct wk_protection *protection,
                         const struct wk_protection_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_protection_table, settings));
    if ((settings->over_mv > 0 && settings->restore_mv >= settings->over_mv) ||
        (settings->hot_mdegc > 0 && settings->cool_mdegc >= settings->hot_mdegc)) {
        return WK_E_RANGE;
    }
    protection->settings = *settings;
    return WK_OK;
}

static void note(struct wk_protection_edges *edges, wk_latch_edge edge, uint8_t bit)
{
    edges->begins |= edge == WK_LATCH_BEGINS ? bit : 0;
    edges->ends |= edge == WK_LATCH_ENDS ? bit : 0;
}

struct wk_protection_edges wk_protection_step(struct wk_protection *protection,
                                              const struct wk_protection_input *input)
{
    const struct wk_protection_settings *settings = &protection->settings;
    const struct wk_latch_time u_time = {settings->over_s * US_PER_S,
                                         settings->restore_s * US_PER_S};
    const struct wk_latch_time t_time = {settings->hot_s * US_PER_S,
                                         settings->cool_s * US_PER_S};
    struct wk_protection_edges edges = {0, 0};
    const bool u_off = settings->over_mv == 0;
    for (uint8_t phase = 0; phase < WK_PROTECTION_PHASES; phase++) {
        const int32_t u_mv = phase < input->phases ? input->u_mv[phase] : 0;
        note(&edges,
             wk_latch_step(&protection->voltage[phase], !u_off && u_mv > settings->over_mv,
                           u_off || u_mv < settings->restore_mv, &u_time, input->span_us),
             (uint8_t)(1U << phase));
    }
    /* A thermometer that is lost neither trips nor restores. */
    const bool t_off = settings->hot_mdegc == 0;
    const bool hot = input->thermometer && !t_off && input->mdegc > settings->hot_mdegc;
    const bool cool = t_off || (input->thermometer && input->mdegc < settings->cool_mdegc);
    note(&edges, wk_latch_step(&protection->heat, hot, cool, &t_time, input->span_us),
         WK_PROTECTION_HEAT);
    return edges;
}

bool wk_protection_over_voltage(const struct wk_protection *protection)
{
    return protection->voltage[0].on || protection->voltage[1].on || protection->voltage[2].on;
}

bool wk_protection_over_heat(const struct wk_protection *protection)
{
    return protection->heat.on;
}
