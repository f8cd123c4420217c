/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/guard.h"

#include "base/wide.h"

#define MARGIN_PART 5  /* 1/5 above the largest is implausible */
#define STUCK_PART  64 /* 1/64 of the range from zero: no idle channel with a little offset */
#define STUCK_SLACK 8  /* counts by which the divided samples at the ends may round */

struct kind {
    wk_record_event_kind begin;
    wk_record_event_kind end;
    bool withholds;
};

static const struct kind k_kinds[WK_GUARD_KINDS] = {
    [WK_GUARD_SATURATION] = {WK_RECORD_SATURATION_BEGIN, WK_RECORD_SATURATION_END, true},
    [WK_GUARD_NO_VALUE] = {WK_RECORD_NO_VALUE_BEGIN, WK_RECORD_NO_VALUE_END, true},
    [WK_GUARD_IMPLAUSIBLE] = {WK_RECORD_IMPLAUSIBLE_BEGIN, WK_RECORD_IMPLAUSIBLE_END, true},
    [WK_GUARD_STUCK] = {WK_RECORD_STUCK_BEGIN, WK_RECORD_STUCK_END, false},
};

wk_err wk_guard_init(struct wk_guard *guard, const struct wk_guard_config *config)
{
    if (config->u_max_mv < 0 || config->i_max_ua < 0) {
        return WK_E_RANGE;
    }
    *guard = (struct wk_guard){.config = *config};
    return WK_OK;
}

static struct wk_guard_event event_of(const struct wk_guard_watch *watch,
                                      wk_record_event_kind kind)
{
    return (struct wk_guard_event){
        .kind = kind,
        .channels = watch->channels,
        .samples = watch->samples,
        .begin_q16 = watch->begin_q16,
        .end_q16 = watch->last_q16,
    };
}

bool wk_guard_see(struct wk_guard *guard, wk_guard_kind kind, const struct wk_cycle_bad *bad,
                  uint64_t from_q16, uint64_t to_q16, struct wk_guard_event *event)
{
    struct wk_guard_watch *watch = &guard->watch[kind];
    if (bad->channels == 0) {
        return false;
    }
    const bool begins = !watch->open;
    if (begins) {
        *watch = (struct wk_guard_watch){.open = true, .begin_q16 = from_q16};
    }
    watch->seen = true;
    watch->channels |= bad->channels;
    watch->samples += bad->samples;
    watch->last_q16 = to_q16;
    *event = event_of(watch, k_kinds[kind].begin);
    return begins;
}

uint8_t wk_guard_implausible(const struct wk_guard *guard,
                             const struct wk_record_window *window)
{
    const int64_t u_most =
        guard->config.u_max_mv + (int64_t)guard->config.u_max_mv / MARGIN_PART;
    const int64_t i_most = guard->config.i_max_ua + guard->config.i_max_ua / MARGIN_PART;
    uint8_t channels = 0;
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        const bool u_beyond = u_most != 0 && window->u_mv[phase] > u_most;
        const bool i_beyond = i_most != 0 && window->i_ua[phase] > i_most;
        channels |= (uint8_t)(u_beyond ? 1U << (WK_SAMPLE_U + phase) : 0);
        channels |= (uint8_t)(i_beyond ? 1U << (WK_SAMPLE_I + phase) : 0);
    }
    return channels;
}

/* All counts of a window are one and the same if n * sum of squares = (sum)^2. */
uint8_t wk_guard_stuck(const struct wk_window_sums *sums, const struct wk_sample_map *map)
{
    uint8_t channels = 0;
    const int64_t frames = sums->frames_q16 >> 16;
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const int64_t x = sums->x[s];
        const int64_t least = frames * (map->slot[s].range / STUCK_PART);
        if (!map->slot[s].present || frames == 0 || (x < least && x > -least)) {
            continue;
        }
        /* |x| * (|x| + slack) * 2^16 */
        const int64_t size = x < 0 ? -x : x;
        struct wk_i128 square = wk_i128_mul(size, size + STUCK_SLACK);
        struct wk_i128 spread = wk_i128_mul(sums->xx[s], sums->frames_q16);
        wk_i128_grow(&square, 16);
        wk_i128_decrease(&spread, &square);
        channels |= (uint8_t)(spread.high < 0 ? 1U << s : 0);
    }
    return channels;
}

bool wk_guard_withholds(const struct wk_guard *guard)
{
    bool withheld = false;
    for (int kind = 0; kind < WK_GUARD_KINDS; kind++) {
        withheld = withheld || (guard->watch[kind].seen && k_kinds[kind].withholds);
    }
    return withheld;
}

uint8_t wk_guard_close(struct wk_guard *guard, struct wk_guard_event events[WK_GUARD_KINDS])
{
    uint8_t count = 0;
    for (int kind = 0; kind < WK_GUARD_KINDS; kind++) {
        struct wk_guard_watch *watch = &guard->watch[kind];
        if (watch->open && !watch->seen) {
            events[count++] = event_of(watch, k_kinds[kind].end);
            watch->open = false;
        }
        watch->seen = false;
    }
    return count;
}
