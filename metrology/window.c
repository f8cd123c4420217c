/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/window.h"

#include <string.h>

#include "base/wide.h"

#define Q29_TO_Q16 13
#define QUARTER    (UINT32_C(1) << 30)
#define KEPT_SHIFT 2 /* phasors are kept in Q14: a part of them in 10^9 */

void wk_window_init(struct wk_window *window)
{
    *window = (struct wk_window){0};
}

uint32_t wk_window_turn(uint64_t step, int64_t samples_q16)
{
    return (uint32_t)(((step >> 16) * (uint64_t)samples_q16) >> 32);
}

/* cycle->half enters sums. */
static void add_half(struct wk_window_sums *to, const struct wk_cycle *cycle)
{
    const struct wk_cycle_sums *sums = &cycle->half;
    to->frames_q16 += sums->frames_q16;
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        to->x[s] += sums->slot[s].x;
        to->xx[s] += sums->slot[s].xx;
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        to->ui[phase] += wk_cycle_product(cycle, sums, phase);
    }
}

static struct wk_angle_vector q16_of(int64_t re_q29, int64_t im_q29)
{
    return (struct wk_angle_vector){.re = re_q29 >> Q29_TO_Q16, .im = im_q29 >> Q29_TO_Q16};
}

/* ---- half cycles that are kept ----------------------------------------------------------- */

static void keep_part(struct wk_window_kept *kept, int slot, int part, int64_t value)
{
    kept->low[slot][part] = (uint32_t)(value >> KEPT_SHIFT);
    kept->high[slot][part] = (int16_t)(value >> (32 + KEPT_SHIFT));
}

static int64_t kept_part(const struct wk_window_kept *kept, int slot, int part)
{
    const uint64_t high = (uint64_t)(int64_t)kept->high[slot][part];
    return (int64_t)((high << 32 | kept->low[slot][part]) << KEPT_SHIFT);
}

static void keep(struct wk_window_kept *kept, const struct wk_window_half *half)
{
    kept->frames_q16 = (uint32_t)half->frames_q16;
    kept->wave[0] = (int32_t)half->wave.re;
    kept->wave[1] = (int32_t)half->wave.im;
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        keep_part(kept, s, 0, half->slot[s].phasor.re);
        keep_part(kept, s, 1, half->slot[s].phasor.im);
    }
}

void wk_window_add(struct wk_window *window, const struct wk_cycle *cycle, bool complete)
{
    const struct wk_cycle_sums *sums = &cycle->half;
    struct wk_window_half *half = &window->last[1];
    window->last[0] = *half;
    half->frames_q16 = sums->frames_q16;
    half->begin_q16 = window->block_q16;
    half->middle = QUARTER * 2 * window->halves +
                   (complete ? QUARTER : wk_window_turn(cycle->step, sums->frames_q16) / 2);
    half->wave = q16_of(sums->cos, sums->sin);
    half->wave.im = -half->wave.im;
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const struct wk_cycle_slot *slot = &sums->slot[s];
        half->slot[s] = (struct wk_window_slot){
            .phasor = q16_of(slot->re, slot->im),
            .x = slot->x,
            .xx = slot->xx,
        };
    }
    keep(&window->half[window->halves], half);
    add_half(&window->own, cycle);
    if (window->marked) {
        add_half(&window->late, cycle);
    }
    window->block_q16 += sums->frames_q16;
    window->halves++;
}

void wk_window_last_cycle(const struct wk_window *window, int slot,
                          struct wk_window_cycle *cycle)
{
    struct wk_angle_vector wave = {0};
    *cycle = (struct wk_window_cycle){0};
    for (int k = 0; k < 2; k++) {
        const struct wk_window_half *half = &window->last[k];
        cycle->frames_q16 += half->frames_q16;
        cycle->x += half->slot[slot].x;
        cycle->xx += half->slot[slot].xx;
        cycle->phasor.re += half->slot[slot].phasor.re;
        cycle->phasor.im += half->slot[slot].phasor.im;
        wave.re += half->wave.re;
        wave.im += half->wave.im;
    }
    const int64_t mean_q8 = cycle->x * (INT64_C(1) << 24) / cycle->frames_q16;
    cycle->phasor.re -= (mean_q8 * wave.re) >> 8;
    cycle->phasor.im -= (mean_q8 * wave.im) >> 8;
}

float wk_window_square(const struct wk_window_cycle *cycle)
{
    const float per = 1 / (float)cycle->frames_q16; /* both are in Q16 */
    const float re = (float)cycle->phasor.re * per;
    const float im = (float)cycle->phasor.im * per;
    return re * re + im * im;
}

void wk_window_mark(struct wk_window *window)
{
    window->marked = true;
    window->late = (struct wk_window_sums){0};
}

void wk_window_next(struct wk_window *window, uint8_t keep)
{
    const uint8_t from = (uint8_t)(window->halves - keep);
    int64_t begin_q16 = window->block_q16;
    for (uint8_t k = from; k < window->halves; k++) {
        begin_q16 -= (int64_t)window->half[k].frames_q16;
    }
    for (uint8_t k = 0; k < keep; k++) {
        window->half[k] = window->half[from + k];
    }
    for (int k = 0; k < 2; k++) {
        window->last[k].begin_q16 -= begin_q16;
        window->last[k].middle -= QUARTER * 2 * from;
    }
    window->block_q16 -= begin_q16;
    if (keep == 0) {
        memset(&window->late, 0, sizeof window->late);
    }
    window->before = window->late;
    memset(&window->own, 0, sizeof window->own);
    window->marked = false;
    window->halves = keep;
    window->first = keep;
}

void wk_window_block(const struct wk_window *window, struct wk_window_sums *block)
{
    *block = window->before;
    for (int i = 0; i < WK_WINDOW_SUMS; i++) {
        block->each[i] += window->own.each[i];
    }
}

/* How far the phasors of a half cycle are turned. */
struct turn {
    int32_t cos_q30;
    int32_t sin_q30;
};

static struct turn turn_of(uint32_t angle)
{
    struct turn turn;
    wk_angle_unit_q30(angle, &turn.cos_q30, &turn.sin_q30);
    return turn;
}

static void add_turned(struct wk_angle_vector *sum, struct wk_angle_vector v,
                       const struct turn *turn)
{
    const struct wk_angle_vector turned = wk_angle_turn_by(v, turn->cos_q30, turn->sin_q30);
    sum->re += turned.re;
    sum->im += turned.im;
}

/* mean * wave, where mean = x * 65536 / frames_q16. */
static int64_t dc_part(int64_t x, int64_t wave_q16, int64_t frames_q16)
{
    return wk_i128_ratio(x, wave_q16, 16, frames_q16);
}

/* The sums of the samples of a part: those of the window less what comes after the part. */
static void sum_part(const struct wk_window *window, struct wk_window_part part,
                     int64_t x[WK_SAMPLE_SLOTS])
{
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        x[s] = window->own.x[s] + (part.first < window->first ? window->before.x[s] : 0);
        for (int k = part.end + 2 - window->halves; k < 2; k++) {
            x[s] -= window->last[k].slot[s].x;
        }
    }
}

/* Phase of the oscillator in the middle of a half cycle: only the last one may be cut short. */
static uint32_t middle_of(const struct wk_window *window, uint8_t k)
{
    return k + 1 == window->halves ? window->last[1].middle
                                   : QUARTER * 2 * (uint32_t)k + QUARTER;
}

void wk_window_phasors(const struct wk_window *window, struct wk_window_part part,
                       uint64_t step, struct wk_window_phasors *phasors)
{
    int64_t x[WK_SAMPLE_SLOTS];
    struct wk_angle_vector wave = {0};
    *phasors = (struct wk_window_phasors){0};
    for (uint8_t k = part.first; k < part.end; k++) {
        const struct wk_window_kept *half = &window->half[k];
        const int64_t middle_q16 = phasors->frames_q16 + half->frames_q16 / 2;
        const struct turn turn =
            turn_of(middle_of(window, k) - wk_window_turn(step, middle_q16));
        add_turned(&wave, (struct wk_angle_vector){half->wave[0], half->wave[1]}, &turn);
        for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
            const struct wk_angle_vector phasor = {kept_part(half, s, 0),
                                                   kept_part(half, s, 1)};
            add_turned(&phasors->phasor[s], phasor, &turn);
        }
        phasors->frames_q16 += half->frames_q16;
    }
    sum_part(window, part, x);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        if (x[s] != 0) {
            phasors->phasor[s].re -= dc_part(x[s], wave.re, phasors->frames_q16);
            phasors->phasor[s].im -= dc_part(x[s], wave.im, phasors->frames_q16);
        }
    }
}
