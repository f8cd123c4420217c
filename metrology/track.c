/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/track.h"

#include "base/wide.h"

#define SETTLED_CYCLES 2
#define SETTLED_TURN   8589935  /* 0.002 turns per cycle: 0.2 % of the frequency */
#define RESTLESS_TURN  25769804 /* ... 0.006: what 2 % of an interharmonic moves */
#define RESTLESS       25       /* cycles without settling: something moves the phase */
#define UNEVEN_TURN    (INT64_C(1) << 27) /* 1/32 turn off the regression line */
#define JUMP_FRACTION  200                /* 0.5 % of the frequency */
#define RAMP_FRACTION  25000              /* 2 mHz of 50 Hz from one window to the next */
#define AVERAGE        4                  /* windows */
#define POINTS_LEAST   2
#define ONE_Q16        65536.0F
#define FIND_OUT_UHZ   55000000 /* between 50 and 60 Hz, both within a quarter turn a cycle */
#define SPLIT_UHZ      55000000

void wk_track_init(struct wk_track *track, int64_t rate_uhz, int32_t nominal_uhz,
                   const int64_t floor[WK_RECORD_PHASES])
{
    *track = (struct wk_track){
        .rate_uhz = rate_uhz,
        .cycles = nominal_uhz == 50000000   ? 10
                  : nominal_uhz == 60000000 ? 12
                                            : 0,
        .floor = {floor[0], floor[1], floor[2]},
    };
}

uint64_t wk_track_first_step(const struct wk_track *track, int32_t nominal_uhz)
{
    return wk_cycle_step_of(nominal_uhz != 0 ? nominal_uhz : FIND_OUT_UHZ, track->rate_uhz);
}

uint8_t wk_track_cycles(const struct wk_track *track, uint64_t step)
{
    if (track->cycles != 0) {
        return track->cycles;
    }
    return wk_cycle_frequency_uhz(step, track->rate_uhz) <= SPLIT_UHZ ? 10 : 12;
}

static uint64_t limited(const struct wk_track *track, uint64_t step)
{
    const uint64_t least = wk_cycle_step_of(WK_CYCLE_LEAST_UHZ, track->rate_uhz);
    const uint64_t most = wk_cycle_step_of(WK_CYCLE_MOST_UHZ, track->rate_uhz);
    return step < least ? least : step > most ? most : step;
}

/* ---- one cycle --------------------------------------------------------------------------- */

/* Is the fundamental large enough, and at least half of what the AC voltage consists of?
 * Squares of amplitudes in counts. */
static bool is_usable(const struct wk_window_cycle *cycle, int64_t floor)
{
    const float per_frame = ONE_Q16 / (float)cycle->frames_q16;
    const float mean = (float)cycle->x * per_frame;
    const float square = 4 * wk_window_square(cycle);
    return square >= (float)floor * (float)floor &&
           square >= (float)cycle->xx * per_frame - mean * mean;
}

/* The phase of the cycle made of the last two half cycles, in its middle. */
static struct wk_track_point measure(const struct wk_track *track,
                                     const struct wk_sample_map *map,
                                     const struct wk_window *window, uint8_t phase)
{
    struct wk_window_cycle cycle;
    if (!map->slot[WK_SAMPLE_U + phase].present) {
        return (struct wk_track_point){.valid = false};
    }
    wk_window_last_cycle(window, WK_SAMPLE_U + phase, &cycle);
    /* The mark between the two is a whole number of half turns of the oscillator. */
    const uint32_t mark = (uint32_t)(window->halves - 1) << 31;
    return (struct wk_track_point){
        .valid = is_usable(&cycle, track->floor[phase]),
        .reference = phase,
        .turn = (uint32_t)wk_angle_of(cycle.phasor) + mark,
        .at_q16 = (uint32_t)window->last[1].begin_q16,
    };
}

/* Turns of 2^-32 by which the phase ran ahead of `step` between two points. */
static int32_t advance(const struct wk_track_point *from, const struct wk_track_point *to,
                       uint64_t step)
{
    const uint32_t expected = wk_window_turn(step, (int64_t)to->at_q16 - from->at_q16);
    return (int32_t)(to->turn - from->turn - expected);
}

/* `turns` of 2^-32 over `time_q16` samples as a change of step. */
static int64_t slope_of(int64_t turns, int64_t time_q16)
{
    return wk_i128_ratio(turns, 1, 48, time_q16);
}

uint64_t wk_track_mark(struct wk_track *track, const struct wk_sample_map *map,
                       const struct wk_window *window, uint64_t step)
{
    const uint8_t k = window->halves;
    if (k < window->first + 2) {
        track->first = (uint8_t)(window->first + 1);
        return step;
    }
    struct wk_track_point point = measure(track, map, window, track->reference);
    for (uint8_t phase = 0; !point.valid && phase < WK_RECORD_PHASES; phase++) {
        point = measure(track, map, window, phase);
    }
    track->point[k - 1] = point;
    if (point.valid) {
        track->reference = point.reference;
    }
    const uint8_t before = (uint8_t)(k - 3);
    if (track->locked || k % 2 != 0 || k < window->first + 4 || before < track->first ||
        !point.valid || !track->point[before].valid ||
        track->point[before].reference != point.reference) {
        return step;
    }
    const int32_t ahead = advance(&track->point[before], &point, step);
    const int32_t limit = track->restless < RESTLESS ? SETTLED_TURN : RESTLESS_TURN;
    if (ahead < limit && ahead > -limit) {
        track->settled++;
        track->locked = track->settled >= SETTLED_CYCLES;
        track->restless = track->locked ? 0 : track->restless;
        return step;
    }
    track->settled = 0;
    track->restless = (uint8_t)(track->restless < RESTLESS ? track->restless + 1 : RESTLESS);
    track->first = (uint8_t)(k + 1);
    const int64_t change = slope_of(ahead, (int64_t)point.at_q16 - track->point[before].at_q16);
    return limited(track, step + (uint64_t)change);
}

/* ---- one window -------------------------------------------------------------------------- */

struct stretch {
    uint8_t first;
    uint8_t count;
};

/* The longest row of usable points of one reference. */
static struct stretch longest(const struct wk_track *track, uint8_t end)
{
    struct stretch best = {0};
    struct stretch now = {0};
    for (uint8_t p = track->first; p < end; p++) {
        const struct wk_track_point *point = &track->point[p];
        if (!point->valid) {
            now.count = 0;
            continue;
        }
        if (now.count == 0 || track->point[p - 1].reference != point->reference) {
            now = (struct stretch){.first = p};
        }
        now.count++;
        best = now.count > best.count ? now : best;
    }
    return best;
}

struct line {
    int64_t slope;   /* change of step */
    int64_t off_max; /* largest distance of a point, 2^-32 turns */
};

/* Least squares through the phases of a stretch, relative to `step`. */
static struct line regression(const struct wk_track_point *point, uint8_t count, uint64_t step)
{
    int64_t turn[WK_WINDOW_HALVES]; /* filled as far as there are points */
    int64_t turn_mean = 0;
    int64_t at_mean = 0;
    for (uint8_t p = 0; p < count; p++) {
        turn[p] = p == 0 ? 0 : turn[p - 1] + advance(&point[p - 1], &point[p], step);
        turn_mean += turn[p];
        at_mean += point[p].at_q16;
    }
    turn_mean /= count;
    at_mean /= count;
    int64_t product = 0;
    int64_t square = 0;
    for (uint8_t p = 0; p < count; p++) {
        const int64_t at_q6 = ((int64_t)point[p].at_q16 - at_mean) >> 10;
        turn[p] -= turn_mean;
        product += at_q6 * turn[p];
        square += at_q6 * at_q6;
    }
    struct line line = {.slope = wk_i128_ratio(product, 1, 38, square)};
    for (uint8_t p = 0; p < count; p++) {
        const int64_t at_q16 = (int64_t)point[p].at_q16 - at_mean;
        const int64_t off = turn[p] - (((line.slope >> 16) * at_q16) >> 32);
        const int64_t size = off < 0 ? -off : off;
        line.off_max = size > line.off_max ? size : line.off_max;
    }
    return line;
}

static bool is_jump(uint64_t from, uint64_t to)
{
    const uint64_t size = from > to ? from - to : to - from;
    return size > from / JUMP_FRACTION;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The step of the next window. A steady ramp is met in its middle; what is as small as the
 * traces of harmonics in the measurement is averaged: a spectrum of many large harmonics wants
 * the frequency to 0.1 mHz, and extrapolation would triple the error. */
static uint64_t predicted(uint64_t step, uint64_t last, uint64_t now)
{
    if (distance(now, last) > now / RAMP_FRACTION) {
        return now + (now - last);
    }
    if (distance(now, step) > now / RAMP_FRACTION) {
        return now;
    }
    return now > step ? step + (now - step) / AVERAGE : step - (step - now) / AVERAGE;
}

void wk_track_close(struct wk_track *track, const struct wk_window *window, uint64_t step,
                    struct wk_track_result *result)
{
    const struct stretch row = longest(track, window->halves);
    *result = (struct wk_track_result){.step = step, .next_step = step};
    if (row.count < POINTS_LEAST) {
        result->free_run = row.count == 0;
        result->acquiring = !track->locked;
        track->measured = 0;
        return;
    }
    const struct line line = regression(&track->point[row.first], row.count, step);
    const uint64_t last = track->measured;
    result->step = limited(track, step + (uint64_t)line.slope);
    track->measured = result->step;
    if (line.off_max > UNEVEN_TURN) {
        /* A phase jump or a step of frequency: wait one window for what follows it. */
        track->locked = track->locked && !track->held;
        track->settled = track->locked ? track->settled : 0;
        track->held = true;
        track->measured = 0;
        result->acquiring = true;
        return;
    }
    track->held = false;
    result->acquiring = !track->locked || is_jump(step, result->step);
    result->next_step = result->step;
    if (last != 0 && !is_jump(last, result->step)) {
        result->next_step = limited(track, predicted(step, last, result->step));
    }
}

void wk_track_choose(struct wk_track *track, const int32_t u_mv[WK_RECORD_PHASES])
{
    uint8_t largest = track->reference;
    for (uint8_t phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (u_mv[phase] > u_mv[largest]) {
            largest = phase;
        }
    }
    if (u_mv[largest] / 2 > u_mv[track->reference]) {
        track->reference = largest;
    }
}
