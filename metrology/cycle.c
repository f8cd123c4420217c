/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/cycle.h"

#include "base/wide.h"

#define CHUNK      96 /* frames whose oscillator values are kept at a time */
#define HALF_TURN  (UINT64_C(1) << 63)
#define ONE_Q16    65536
#define ONE_Q30    (INT64_C(1) << 30)
#define HISTORY(n) ((uint8_t)((size_t)(n) % WK_CYCLE_HISTORY))

uint64_t wk_cycle_step_of(int64_t frequency_uhz, int64_t rate_uhz)
{
    int64_t rest;
    const struct wk_i128 turns = wk_i128_shift_left(wk_i128_of(frequency_uhz), 64);
    return wk_i128_div(turns, rate_uhz, &rest).low;
}

int32_t wk_cycle_frequency_uhz(uint64_t step, int64_t rate_uhz)
{
    const struct wk_i128 turns = wk_i128_mul((int64_t)step, rate_uhz);
    const struct wk_i128 half = {.low = HALF_TURN};
    return (int32_t)wk_i128_add(turns, half).high;
}

/* ---- the marks --------------------------------------------------------------------------- */

/* From `since` and `step`: where the next mark is, and the oscillator at the next sample. */
static void plan(struct wk_cycle *cycle)
{
    const uint64_t ahead = HALF_TURN - cycle->since;
    const uint64_t early = ahead % cycle->step;
    cycle->run = (size_t)(ahead / cycle->step);
    const uint64_t share = early / (cycle->step >> 16);
    cycle->early_q16 = share < ONE_Q16 ? (uint32_t)share : ONE_Q16 - 1;
    const uint64_t phase = (cycle->odd ? HALF_TURN : 0) + cycle->since;
    int32_t c;
    int32_t s;
    wk_angle_unit_q30((uint32_t)(phase >> 32), &c, &s);
    cycle->cos_q29 = c >> 1;
    cycle->sin_q29 = s >> 1;
}

static void tune(struct wk_cycle *cycle, uint64_t step)
{
    cycle->step = step;
    const uint32_t turn = (uint32_t)((step + (UINT64_C(1) << 31)) >> 32);
    wk_angle_unit_q30(turn, &cycle->step_cos_q30, &cycle->step_sin_q30);
}

void wk_cycle_retune(struct wk_cycle *cycle, uint64_t step)
{
    const uint64_t early_q16 = (cycle->step - cycle->since) / (cycle->step >> 16);
    tune(cycle, step);
    cycle->since = step - (step >> 16) * early_q16;
    plan(cycle);
}

/* ---- delay between u and i --------------------------------------------------------------- */

/* Weights of the third-order Lagrange interpolation at distance `d` behind the second of four
 * points, 0 <= d < 1. */
static void lagrange(int64_t d_q30, int32_t weight_q30[WK_CYCLE_LAGS])
{
    const int64_t plus = d_q30 + ONE_Q30;
    const int64_t less = d_q30 - ONE_Q30;
    const int64_t less2 = d_q30 - 2 * ONE_Q30;
    const int64_t d_less = (d_q30 * less) >> 30;
    const int64_t plus_less2 = (plus * less2) >> 30;
    weight_q30[0] = (int32_t)(((d_less * less2) >> 30) / -6);
    weight_q30[1] = (int32_t)(((plus_less2 * less) >> 30) / 2);
    weight_q30[2] = (int32_t)(((plus_less2 * d_q30) >> 30) / -2);
    weight_q30[3] = (int32_t)(ONE_Q30 - weight_q30[0] - weight_q30[1] - weight_q30[2]);
}

static void lag_init(struct wk_cycle_lag *lag, int64_t delay_ns, int64_t rate_uhz)
{
    *lag = (struct wk_cycle_lag){.used = delay_ns != 0};
    if (!lag->used) {
        return;
    }
    /* ns * uHz = 10^-15 samples */
    int64_t rest;
    const struct wk_i128 femto = wk_i128_shift_left(wk_i128_mul(delay_ns, rate_uhz), 30);
    const int64_t samples_q30 =
        (int64_t)wk_i128_div(femto, INT64_C(1000000000000000), &rest).low;
    const int64_t first = (samples_q30 >> 30) - 1;
    lag->u_back = (uint8_t)(first < 0 ? -first : 0);
    lag->i_back = (uint8_t)(first > 0 ? first : 0);
    lagrange(samples_q30 & (ONE_Q30 - 1), lag->weight_q30);
}

static void lag_sums(struct wk_cycle *cycle, struct wk_cycle_sums *sums, int phase,
                     const int32_t *counts, size_t frames)
{
    const struct wk_sample_slot *u = &cycle->map.slot[WK_SAMPLE_U + phase];
    const struct wk_sample_slot *i = &cycle->map.slot[WK_SAMPLE_I + phase];
    struct wk_cycle_lag *lag = &cycle->lag[phase];
    uint8_t now = cycle->newest;
    for (size_t n = 0; n < frames; n++, counts += cycle->map.channels) {
        now = HISTORY(now + 1);
        lag->u[now] = counts[u->index] - u->offset;
        lag->i[now] = counts[i->index] - i->offset;
        const int64_t voltage = lag->u[HISTORY(now - lag->u_back)];
        for (int j = 0; j < WK_CYCLE_LAGS; j++) {
            sums->ui[phase][j] += voltage * lag->i[HISTORY(now - lag->i_back - j)];
        }
    }
}

int64_t wk_cycle_product(const struct wk_cycle *cycle, const struct wk_cycle_sums *sums,
                         int phase)
{
    const struct wk_cycle_lag *lag = &cycle->lag[phase];
    if (!lag->used) {
        return sums->ui[phase][0];
    }
    struct wk_i128 sum = {0};
    for (int j = 0; j < WK_CYCLE_LAGS; j++) {
        sum = wk_i128_add(sum, wk_i128_mul(sums->ui[phase][j], lag->weight_q30[j]));
    }
    return (int64_t)wk_i128_shift_right(sum, 30).low;
}

/* ---- the sums ---------------------------------------------------------------------------- */

struct oscillation {
    int32_t cos_q29;
    int32_t sin_q29;
};

/* The rounding of each step adds below 10^-9; the next mark starts afresh. */
static void oscillate(struct wk_cycle *cycle, struct wk_cycle_sums *sums,
                      struct oscillation *wave, size_t frames)
{
    int64_t c = cycle->cos_q29;
    int64_t s = cycle->sin_q29;
    const int64_t step_c = cycle->step_cos_q30;
    const int64_t step_s = cycle->step_sin_q30;
    int64_t sum_c = 0;
    int64_t sum_s = 0;
    for (size_t n = 0; n < frames; n++) {
        wave[n] = (struct oscillation){.cos_q29 = (int32_t)c, .sin_q29 = (int32_t)s};
        sum_c += c;
        sum_s += s;
        const int64_t next = (c * step_c - s * step_s + ONE_Q30 / 2) >> 30;
        s = (s * step_c + c * step_s + ONE_Q30 / 2) >> 30;
        c = next;
    }
    cycle->cos_q29 = (int32_t)c;
    cycle->sin_q29 = (int32_t)s;
    sums->cos += sum_c;
    sums->sin += sum_s;
}

static void channel_sums(struct wk_cycle_sums *sums, const struct wk_sample_map *map, int slot,
                         const int32_t *counts, const struct oscillation *wave, size_t frames)
{
    const int32_t *count = counts + map->slot[slot].index;
    const int32_t offset = map->slot[slot].offset;
    const size_t stride = map->channels;
    int64_t x = 0;
    int64_t xx = 0;
    int64_t re = 0;
    int64_t im = 0;
    for (size_t n = 0; n < frames; n++, count += stride) {
        const int32_t value = *count - offset;
        x += value;
        xx += (int64_t)value * value;
        re += (int64_t)value * wave[n].cos_q29;
        im -= (int64_t)value * wave[n].sin_q29;
    }
    sums->x[slot] += x;
    sums->xx[slot] += xx;
    sums->re[slot] += re;
    sums->im[slot] += im;
}

static int64_t pair_sum(const struct wk_sample_map *map, int phase, const int32_t *counts,
                        size_t frames)
{
    const struct wk_sample_slot *u = &map->slot[WK_SAMPLE_U + phase];
    const struct wk_sample_slot *i = &map->slot[WK_SAMPLE_I + phase];
    const int32_t *voltage = counts + u->index;
    const int32_t *current = counts + i->index;
    const size_t stride = map->channels;
    int64_t ui = 0;
    for (size_t n = 0; n < frames; n++, voltage += stride, current += stride) {
        ui += (int64_t)(*voltage - u->offset) * (*current - i->offset);
    }
    return ui;
}

static void chunk_sums(struct wk_cycle *cycle, struct wk_cycle_sums *sums,
                       const int32_t *counts, size_t frames)
{
    const struct wk_sample_map *map = &cycle->map;
    struct oscillation wave[CHUNK];
    oscillate(cycle, sums, wave, frames);
    for (int a = 0; a < map->active; a++) {
        channel_sums(sums, map, map->slot_of[a], counts, wave, frames);
    }
    for (int phase = 0; phase < map->phases; phase++) {
        if (cycle->lag[phase].used) {
            lag_sums(cycle, sums, phase, counts, frames);
        } else if (wk_sample_is_pair(map, phase)) {
            sums->ui[phase][0] += pair_sum(map, phase, counts, frames);
        }
    }
    cycle->newest = HISTORY(cycle->newest + frames);
    sums->frames_q16 += (int64_t)frames * ONE_Q16;
}

static void add_frames(struct wk_cycle *cycle, struct wk_cycle_sums *sums,
                       const int32_t *counts, size_t frames)
{
    while (frames > 0) {
        const size_t part = frames < CHUNK ? frames : CHUNK;
        if (wk_sample_is_quiet(&cycle->map, counts, part)) {
            chunk_sums(cycle, sums, counts, part);
        } else {
            for (size_t n = 0; n < part; n++) {
                int32_t limited[WK_HAL_CHANNELS];
                const int32_t *frame = counts + n * cycle->map.channels;
                cycle->clipped |= wk_sample_limit(&cycle->map, frame, limited);
                chunk_sums(cycle, sums, limited, 1);
            }
        }
        counts += part * cycle->map.channels;
        frames -= part;
    }
}

/* ---- division of the sample that holds the mark ------------------------------------------ */

/* value * early_q16 / 2^16 goes into `early`, the exact rest into `late`. */
static void divide(const int64_t *whole, int64_t *early, int64_t *late, size_t count,
                   int64_t early_q16)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t high = (whole[i] >> 16) * early_q16;
        const int64_t low = ((whole[i] & (ONE_Q16 - 1)) * early_q16) >> 16;
        early[i] += high + low;
        late[i] = whole[i] - high - low;
    }
}

/* Takes the frame that holds the mark and begins the next half cycle. */
static void pass_mark(struct wk_cycle *cycle, const int32_t *frame)
{
    const int64_t w = cycle->early_q16;
    struct wk_cycle_sums whole = {0};
    struct wk_cycle_sums *early = &cycle->half;
    struct wk_cycle_sums *late = &cycle->sums;
    add_frames(cycle, &whole, frame, 1);
    *early = cycle->sums;
    divide(&whole.frames_q16, &early->frames_q16, &late->frames_q16, 1, w);
    divide(&whole.cos, &early->cos, &late->cos, 1, w);
    divide(&whole.sin, &early->sin, &late->sin, 1, w);
    divide(whole.x, early->x, late->x, WK_SAMPLE_SLOTS, w);
    divide(whole.xx, early->xx, late->xx, WK_SAMPLE_SLOTS, w);
    divide(whole.re, early->re, late->re, WK_SAMPLE_SLOTS, w);
    divide(whole.im, early->im, late->im, WK_SAMPLE_SLOTS, w);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        divide(whole.ui[phase], early->ui[phase], late->ui[phase], WK_CYCLE_LAGS, w);
    }
    const uint64_t early_turns = (HALF_TURN - cycle->since) % cycle->step;
    cycle->since = cycle->step - early_turns;
    cycle->odd = !cycle->odd;
    plan(cycle);
}

void wk_cycle_init(struct wk_cycle *cycle, const struct wk_sample_map *map, int64_t rate_uhz,
                   uint64_t step)
{
    *cycle = (struct wk_cycle){.map = *map};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const int64_t delay_ns = wk_sample_is_pair(map, phase)
                                     ? (int64_t)map->slot[WK_SAMPLE_I + phase].delay_ns -
                                           map->slot[WK_SAMPLE_U + phase].delay_ns
                                     : 0;
        lag_init(&cycle->lag[phase], delay_ns, rate_uhz);
    }
    tune(cycle, step);
    plan(cycle);
}

size_t wk_cycle_feed(struct wk_cycle *cycle, const int32_t *counts, size_t frames, bool *marked)
{
    const size_t whole = frames < cycle->run ? frames : cycle->run;
    add_frames(cycle, &cycle->sums, counts, whole);
    cycle->since += cycle->step * whole;
    cycle->run -= whole;
    *marked = whole < frames;
    if (!*marked) {
        return whole;
    }
    pass_mark(cycle, counts + whole * cycle->map.channels);
    return whole + 1;
}

void wk_cycle_cut(struct wk_cycle *cycle)
{
    cycle->half = cycle->sums;
    cycle->sums = (struct wk_cycle_sums){0};
    cycle->since = 0;
    cycle->odd = false;
    plan(cycle);
}
