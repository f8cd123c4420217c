/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/cycle.h"

#include <string.h>

#include "base/wide.h"
#include "metrology/inner.h"

#define HALF_TURN  (UINT64_C(1) << 63)
#define ONE_Q16    65536
#define ONE_Q30    (INT64_C(1) << 30)
#define HISTORY(n) ((uint8_t)((size_t)(n) % WK_CYCLE_HISTORY))

uint64_t wk_cycle_step_of(int64_t frequency_uhz, int64_t rate_uhz)
{
    return (uint64_t)wk_i128_ratio(frequency_uhz, 1, 64, rate_uhz);
}

int32_t wk_cycle_frequency_uhz(uint64_t step, int64_t rate_uhz)
{
    const struct wk_i128 turns = wk_i128_mul((int64_t)step, rate_uhz);
    return (int32_t)(turns.high + (turns.low >= HALF_TURN ? 1 : 0));
}

/* ---- the marks --------------------------------------------------------------------------- */

static int64_t product(int32_t a, int32_t b)
{
    return (int64_t)a * b;
}

static struct wk_cycle_wave stepped(struct wk_cycle_wave w, struct wk_cycle_wave by_q30)
{
    const int64_t half = ONE_Q30 / 2;
    return (struct wk_cycle_wave){
        .cos =
            (int32_t)((product(w.cos, by_q30.cos) - product(w.sin, by_q30.sin) + half) >> 30),
        .sin =
            (int32_t)((product(w.sin, by_q30.cos) + product(w.cos, by_q30.sin) + half) >> 30),
    };
}

static struct wk_cycle_wave wave_of(uint64_t turn)
{
    struct wk_cycle_wave wave;
    wk_angle_unit_q30((uint32_t)((turn + (UINT64_C(1) << 31)) >> 32), &wave.cos, &wave.sin);
    return wave;
}

/* From `since` and `step`: where the next mark is, and the oscillator at the next sample. */
static void plan(struct wk_cycle *cycle)
{
    const uint64_t ahead = HALF_TURN - cycle->since;
    const uint64_t early = ahead % cycle->step;
    cycle->run = (size_t)(ahead / cycle->step);
    const uint64_t share = early / (cycle->step >> 16);
    cycle->early_q16 = share < ONE_Q16 ? (uint32_t)share : ONE_Q16 - 1;
    const uint64_t phase = (cycle->odd ? HALF_TURN : 0) + cycle->since;
    const struct wk_cycle_wave wave_q30 = wave_of(phase);
    cycle->now_q29 = (struct wk_cycle_wave){wave_q30.cos >> 1, wave_q30.sin >> 1};
    cycle->next_q29 = stepped(cycle->now_q29, cycle->step_q30);
}

static void tune(struct wk_cycle *cycle, uint64_t step)
{
    cycle->step = step;
    cycle->step_q30 = wave_of(step);
    cycle->two_steps_q30 = wave_of(2 * step);
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
 * points, 0 <= d < 1: the product of the distances to the three other points, over a number. */
static void lagrange(int64_t d_q30, int32_t weight_q30[WK_CYCLE_LAGS])
{
    static const int8_t k_away[WK_CYCLE_LAGS - 1][3] = {{0, 1, 2}, {-1, 2, 1}, {-1, 2, 0}};
    static const int8_t k_over[WK_CYCLE_LAGS - 1] = {-6, 2, -2};
    int64_t rest = ONE_Q30;
    for (int j = 0; j < WK_CYCLE_LAGS - 1; j++) {
        int64_t product_q30 = ONE_Q30;
        for (int k = 0; k < 3; k++) {
            product_q30 = (product_q30 * (d_q30 - k_away[j][k] * ONE_Q30)) >> 30;
        }
        weight_q30[j] = (int32_t)(product_q30 / k_over[j]);
        rest -= weight_q30[j];
    }
    weight_q30[WK_CYCLE_LAGS - 1] = (int32_t)rest;
}

/* Sets up a lag that was cleared. */
static void lag_init(struct wk_cycle_lag *lag, int64_t delay_ns, int64_t rate_uhz)
{
    lag->used = delay_ns != 0;
    if (!lag->used) {
        return;
    }
    /* ns * uHz = 10^-15 samples */
    const int64_t samples_q30 =
        wk_i128_ratio(delay_ns, rate_uhz, 30, INT64_C(1000000000000000));
    const int64_t first = (samples_q30 >> 30) - 1;
    lag->u_back = (uint8_t)(first < 0 ? -first : 0);
    lag->i_back = (uint8_t)(first > 0 ? first : 0);
    lagrange(samples_q30 & (ONE_Q30 - 1), lag->weight_q30);
}

static void add_lagged(struct wk_cycle *cycle, int phase, const int32_t *counts, size_t frames)
{
    const struct wk_sample_slot *u = &cycle->map.slot[WK_SAMPLE_U + phase];
    const struct wk_sample_slot *i = &cycle->map.slot[WK_SAMPLE_I + phase];
    struct wk_cycle_lag *lag = &cycle->lag[phase];
    int64_t *ui = cycle->sums.ui[phase];
    uint8_t now = cycle->newest;
    for (size_t n = 0; n < frames; n++, counts += cycle->map.channels) {
        now = HISTORY(now + 1);
        lag->u[now] = counts[u->index] - u->offset;
        lag->i[now] = counts[i->index] - i->offset;
        const int64_t voltage = lag->u[HISTORY(now - lag->u_back)];
        for (int j = 0; j < WK_CYCLE_LAGS; j++) {
            ui[j] += voltage * lag->i[HISTORY(now - lag->i_back - j)];
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
        const struct wk_i128 part = wk_i128_mul(sums->ui[phase][j], lag->weight_q30[j]);
        wk_i128_increase(&sum, &part);
    }
    wk_i128_shrink(&sum, 30);
    return (int64_t)sum.low;
}

/* ---- the sums ---------------------------------------------------------------------------- */

#define RAISE_X (UINT64_C(1) << 25) /* more than any count after offset correction */
#define RAISE_W (UINT32_C(1) << 30) /* more than the oscillator */

/* Some frames as the inner loops want them. */
struct chunk {
    size_t frames;
    size_t steps; /* of the inner loops */
    uint64_t cos; /* sums of the oscillator, not raised, modulo 2^64 */
    uint64_t sin;
    uint32_t wave_cos[WK_INNER_FRAMES];
    uint32_t wave_sin[WK_INNER_FRAMES];
    uint32_t row[WK_HAL_CHANNELS][WK_INNER_FRAMES];
    uint64_t sum[WK_HAL_CHANNELS]; /* of the rows, not raised */
};

/* Every second value follows from the one before the last, so that two multiplications are
 * under way at a time. The rounding of each step adds below 10^-9; the next mark starts
 * afresh. */
static void oscillate(struct wk_cycle *cycle, struct chunk *chunk)
{
    const struct wk_cycle_wave two_steps = cycle->two_steps_q30;
    struct wk_cycle_wave now = cycle->now_q29;
    struct wk_cycle_wave next = cycle->next_q29;
    int64_t sum_cos = 0;
    int64_t sum_sin = 0;
    /* cppcheck-suppress ctuuninitvar */
    for (size_t n = 0; n < chunk->frames; n++) {
        chunk->wave_cos[n] = (uint32_t)now.cos + RAISE_W;
        chunk->wave_sin[n] = (uint32_t)now.sin + RAISE_W;
        sum_cos += now.cos;
        sum_sin += now.sin;
        const struct wk_cycle_wave after = stepped(now, two_steps);
        now = next;
        next = after;
    }
    cycle->now_q29 = now;
    cycle->next_q29 = next;
    for (size_t n = chunk->frames; n % WK_INNER_STEP != 0; n++) {
        chunk->wave_cos[n] = 0;
        chunk->wave_sin[n] = 0;
    }
    chunk->cos = (uint64_t)sum_cos;
    chunk->sin = (uint64_t)sum_sin;
}

static uint32_t part_channels(const struct wk_sample_map *map, const int32_t *counts,
                              struct chunk *chunk)
{
    uint32_t raise[WK_HAL_CHANNELS];
    for (int c = 0; c < WK_HAL_CHANNELS; c++) {
        raise[c] = (uint32_t)RAISE_X - (uint32_t)map->offset[c];
    }
    /* cppcheck-suppress ctuuninitvar */
    return wk_inner_part(counts, raise, map->channels, chunk->frames, chunk->row);
}

static void add_channel(struct wk_cycle_slot *sums, int at, struct chunk *chunk)
{
    struct wk_inner_sums raised;
    wk_inner_channel(chunk->row[at], chunk->wave_cos, chunk->wave_sin, chunk->steps, &raised);
    const uint64_t level = RAISE_X * chunk->frames;
    const uint64_t x = raised.x - level;
    const uint64_t xx = raised.xx - 2 * RAISE_X * x - RAISE_X * level;
    const uint64_t x_cos = raised.x_cos - RAISE_X * chunk->cos - (uint64_t)RAISE_W * raised.x;
    const uint64_t x_sin = raised.x_sin - RAISE_X * chunk->sin - (uint64_t)RAISE_W * raised.x;
    chunk->sum[at] = x;
    sums->x += (int64_t)x;
    sums->xx += (int64_t)xx;
    sums->re += (int64_t)x_cos;
    sums->im -= (int64_t)x_sin;
}

static void add_pair(struct wk_cycle_sums *sums, const struct wk_sample_map *map, int phase,
                     const struct chunk *chunk)
{
    const int u = map->slot[WK_SAMPLE_U + phase].index;
    const int i = map->slot[WK_SAMPLE_I + phase].index;
    const uint64_t raised = wk_inner_pair(chunk->row[u], chunk->row[i], chunk->steps);
    const uint64_t level = RAISE_X * chunk->frames;
    sums->ui[phase][0] += (int64_t)(raised - RAISE_X * (chunk->sum[u] + chunk->sum[i] + level));
}

/* What a chunk adds beside the sums of its slots. */
static void pass_chunk(struct wk_cycle *cycle, uint64_t cosine, uint64_t sine, size_t frames)
{
    struct wk_cycle_sums *sums = &cycle->sums;
    sums->cos += (int64_t)cosine;
    sums->sin += (int64_t)sine;
    sums->frames_q16 += (int64_t)frames * ONE_Q16;
    cycle->newest = HISTORY(cycle->newest + frames);
}

/* False, and nothing added, if a count is out of range. */
static bool add_chunk(struct wk_cycle *cycle, const int32_t *counts, size_t frames)
{
    const struct wk_sample_map *map = &cycle->map;
    struct wk_cycle_sums *sums = &cycle->sums;
    struct chunk chunk; /* not cleared: rows and waves are filled as far as they are used */
    chunk.frames = frames;
    chunk.steps = (frames + WK_INNER_STEP - 1) / WK_INNER_STEP;
    /* The OR of magnitudes may be up to twice the largest, which leads to the exact look. */
    if (part_channels(map, counts, &chunk) >= map->quiet &&
        !wk_sample_is_quiet(map, counts, frames)) {
        return false;
    }
    oscillate(cycle, &chunk);
    for (int a = 0; a < map->active; a++) {
        const int slot = map->slot_of[a];
        add_channel(&sums->slot[slot], map->slot[slot].index, &chunk);
    }
    for (int phase = 0; phase < map->phases; phase++) {
        if (cycle->lag[phase].used) {
            add_lagged(cycle, phase, counts, frames);
        } else if (wk_sample_is_pair(map, phase)) {
            add_pair(sums, map, phase, &chunk);
        }
    }
    pass_chunk(cycle, chunk.cos, chunk.sin, frames);
    return true;
}

/* Whether all eight channels are there, and i of a phase lies four behind its u. */
static bool is_eight(const struct wk_sample_map *map)
{
    bool is = map->channels == WK_HAL_CHANNELS;
    for (int phase = 0; phase < map->phases; phase++) {
        is = is && (!wk_sample_is_pair(map, phase) ||
                    map->slot[WK_SAMPLE_I + phase].index ==
                        map->slot[WK_SAMPLE_U + phase].index + WK_HAL_CHANNELS / 2);
    }
    return is;
}

static void add_sums(struct wk_cycle *cycle, const int32_t *counts, size_t frames,
                     const struct wk_inner_eight *eight)
{
    const struct wk_sample_map *map = &cycle->map;
    struct wk_cycle_sums *sums = &cycle->sums;
    for (int a = 0; a < map->active; a++) {
        struct wk_cycle_slot *slot = &sums->slot[map->slot_of[a]];
        const unsigned channel = map->slot[map->slot_of[a]].index;
        const unsigned place = WK_INNER_PLACE(channel);
        slot->x += eight->x[channel];
        slot->xx += eight->xx[place];
        slot->re += eight->x_cos[place];
        slot->im -= eight->x_sin[place];
    }
    for (int phase = 0; phase < map->phases; phase++) {
        if (cycle->lag[phase].used) {
            add_lagged(cycle, phase, counts, frames);
        } else if (wk_sample_is_pair(map, phase)) {
            sums->ui[phase][0] +=
                eight->ui[WK_INNER_PAIR(map->slot[WK_SAMPLE_U + phase].index)];
        }
    }
    cycle->now_q29 = eight->now_q29;
    cycle->next_q29 = eight->next_q29;
    pass_chunk(cycle, (uint64_t)eight->cos, (uint64_t)eight->sin, frames);
}

/* As add_chunk, in one pass over the frames. */
static bool add_eight(struct wk_cycle *cycle, const int32_t *counts, size_t frames)
{
    const struct wk_sample_map *map = &cycle->map;
    struct wk_inner_eight eight;
    eight.now_q29 = cycle->now_q29;
    eight.next_q29 = cycle->next_q29;
    wk_inner_eight(counts, map->offset, frames, &cycle->two_steps_q30, &eight);
    if (eight.bits >= map->quiet && !wk_sample_is_quiet(map, counts, frames)) {
        return false;
    }
    add_sums(cycle, counts, frames, &eight);
    return true;
}

static void note_bad(struct wk_cycle_bad *bad, uint8_t channels)
{
    bad->channels |= channels;
    bad->samples += channels != 0 ? 1 : 0;
}

/* A single frame whose counts may be out of range: the same sums, one product at a time. */
static void add_frame(struct wk_cycle *cycle, const int32_t *frame)
{
    const struct wk_sample_map *map = &cycle->map;
    const struct wk_cycle_wave wave = cycle->now_q29;
    struct wk_cycle_sums *sums = &cycle->sums;
    int32_t limited[WK_HAL_CHANNELS];
    int32_t value[WK_SAMPLE_SLOTS] = {0};
    const struct wk_sample_doubt doubt = wk_sample_limit(map, frame, limited);
    note_bad(&cycle->saturated, doubt.saturated);
    note_bad(&cycle->no_value, doubt.no_value);
    for (int a = 0; a < map->active; a++) {
        const int s = map->slot_of[a];
        const int32_t x = limited[map->slot[s].index] - map->slot[s].offset;
        struct wk_cycle_slot *slot = &sums->slot[s];
        value[s] = x;
        slot->x += x;
        slot->xx += product(x, x);
        slot->re += product(x, wave.cos);
        slot->im -= product(x, wave.sin);
    }
    for (int phase = 0; phase < map->phases; phase++) {
        if (cycle->lag[phase].used) {
            add_lagged(cycle, phase, limited, 1);
        } else {
            sums->ui[phase][0] +=
                product(value[WK_SAMPLE_U + phase], value[WK_SAMPLE_I + phase]);
        }
    }
    sums->cos += wave.cos;
    sums->sin += wave.sin;
    sums->frames_q16 += ONE_Q16;
    cycle->newest = HISTORY(cycle->newest + 1);
    cycle->now_q29 = cycle->next_q29;
    cycle->next_q29 = stepped(wave, cycle->two_steps_q30);
}

static void add_frames(struct wk_cycle *cycle, const int32_t *counts, size_t frames)
{
    while (frames > 0) {
        const size_t taken = frames < WK_INNER_FRAMES ? frames : WK_INNER_FRAMES;
        const bool quiet = WK_INNER_EIGHT && cycle->eight ? add_eight(cycle, counts, taken)
                                                          : add_chunk(cycle, counts, taken);
        for (size_t n = 0; !quiet && n < taken; n++) {
            add_frame(cycle, counts + n * cycle->map.channels);
        }
        counts += taken * cycle->map.channels;
        frames -= taken;
    }
}

/* ---- division of the sample that holds the mark ------------------------------------------ */

/* What `late` has more than `early` is divided: value * early_q16 / 2^16 of it goes into `early`,
 * the exact rest is all that stays in `late`. */
static void divide(struct wk_cycle_sums *late, struct wk_cycle_sums *early, uint32_t early_q16)
{
    for (size_t i = 0; i < WK_CYCLE_SUMS; i++) {
        const int64_t whole = late->each[i] - early->each[i];
        const int64_t high = (whole >> 16) * early_q16;
        const int64_t low = ((whole & (ONE_Q16 - 1)) * early_q16) >> 16;
        early->each[i] += high + low;
        late->each[i] = whole - high - low;
    }
}

/* Takes the frame that holds the mark and begins the next half cycle. */
static void pass_mark(struct wk_cycle *cycle, const int32_t *frame)
{
    cycle->half = cycle->sums;
    add_frame(cycle, frame);
    divide(&cycle->sums, &cycle->half, cycle->early_q16);
    cycle->since -= HALF_TURN - cycle->step; /* by less than a step */
    cycle->odd = !cycle->odd;
    plan(cycle);
}

void wk_cycle_init(struct wk_cycle *cycle, const struct wk_sample_map *map, int64_t rate_uhz,
                   uint64_t step)
{
    memset(cycle, 0, sizeof *cycle);
    cycle->map = *map;
    if (WK_INNER_EIGHT) {
        cycle->eight = is_eight(map) && wk_inner_has_eight();
    }
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
    add_frames(cycle, counts, whole);
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
