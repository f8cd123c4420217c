/* SPDX-License-Identifier: Apache-2.0 */
#include "management/reclose.h"

#define US_PER_S INT64_C(1000000)

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_reclose_settings, field, kind, least, most)
static const struct wk_setting k_settings[] = {
    SETTING(attempts, WK_SETTING_U8, 0, 20),
    SETTING(delay_s, WK_SETTING_U32, 5, 86400),
    SETTING(quiet_s, WK_SETTING_U32, 60, 604800),
};
const struct wk_setting_table wk_reclose_table = {k_settings,
                                                  sizeof k_settings / sizeof k_settings[0]};

typedef enum input {
    NONE = 0,
    TRIP,      /* attempts are left */
    LAST_TRIP, /* none is left */
    DUE,       /* the delay is over and the load is below the limit */
    QUIET,
    INPUTS,
} input;

struct arrow {
    wk_reclose_state next;
    wk_reclose_edge edge;
};

static const struct arrow k_arrows[WK_RECLOSE_STATES][INPUTS] = {
    [WK_RECLOSE_IDLE] = {{WK_RECLOSE_IDLE, WK_RECLOSE_NOTHING},
                         {WK_RECLOSE_WAITING, WK_RECLOSE_TRIPPED},
                         {WK_RECLOSE_LOCKED, WK_RECLOSE_LOCKS_OUT},
                         {WK_RECLOSE_IDLE, WK_RECLOSE_NOTHING},
                         {WK_RECLOSE_IDLE, WK_RECLOSE_NOTHING}},
    [WK_RECLOSE_WAITING] = {{WK_RECLOSE_WAITING, WK_RECLOSE_NOTHING},
                            {WK_RECLOSE_WAITING, WK_RECLOSE_NOTHING},
                            {WK_RECLOSE_LOCKED, WK_RECLOSE_LOCKS_OUT},
                            {WK_RECLOSE_IDLE, WK_RECLOSE_ATTEMPTS},
                            {WK_RECLOSE_WAITING, WK_RECLOSE_NOTHING}},
    [WK_RECLOSE_LOCKED] = {{WK_RECLOSE_LOCKED, WK_RECLOSE_NOTHING},
                           {WK_RECLOSE_LOCKED, WK_RECLOSE_NOTHING},
                           {WK_RECLOSE_LOCKED, WK_RECLOSE_NOTHING},
                           {WK_RECLOSE_LOCKED, WK_RECLOSE_NOTHING},
                           {WK_RECLOSE_LOCKED, WK_RECLOSE_NOTHING}},
};

void wk_reclose_init(struct wk_reclose *reclose)
{
    *reclose = (struct wk_reclose){
        .settings = {.attempts = 3, .delay_s = 60, .quiet_s = 1800},
    };
}

wk_err wk_reclose_set(struct wk_reclose *reclose, const struct wk_reclose_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_reclose_table, settings));
    reclose->settings = *settings;
    return WK_OK;
}

static input look(const struct wk_reclose *reclose, int64_t t_us, wk_reclose_trip trip,
                  bool over)
{
    const int64_t since_us = t_us - reclose->tripped_us;
    if (trip != WK_RECLOSE_NO_TRIP) {
        return trip == WK_RECLOSE_TRIP && reclose->attempts < reclose->settings.attempts
                   ? TRIP
                   : LAST_TRIP;
    }
    if (reclose->state == WK_RECLOSE_WAITING) {
        return !over && since_us >= reclose->settings.delay_s * US_PER_S ? DUE : NONE;
    }
    return since_us >= reclose->settings.quiet_s * US_PER_S ? QUIET : NONE;
}

wk_reclose_edge wk_reclose_step(struct wk_reclose *reclose, int64_t t_us, wk_reclose_trip trip,
                                bool over)
{
    const input seen = look(reclose, t_us, trip, over);
    const struct arrow *arrow = &k_arrows[reclose->state][seen];
    if (seen == TRIP || seen == LAST_TRIP) {
        reclose->tripped_us = t_us;
    }
    if (arrow->edge == WK_RECLOSE_ATTEMPTS) {
        reclose->attempts++;
    }
    if (seen == QUIET && reclose->state == WK_RECLOSE_IDLE) {
        reclose->attempts = 0;
    }
    reclose->state = arrow->next;
    return arrow->edge;
}

bool wk_reclose_release(struct wk_reclose *reclose)
{
    const bool held = reclose->state != WK_RECLOSE_IDLE;
    reclose->state = WK_RECLOSE_IDLE;
    reclose->attempts = 0;
    return held;
}
