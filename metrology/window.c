/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/window.h"

#include "base/wide.h"

#define Q29_TO_Q16 13
#define QUARTER    (UINT32_C(1) << 30)

void wk_window_init(struct wk_window *window)
{
    *window = (struct wk_window){0};
}

uint32_t wk_window_turn(uint64_t step, int64_t samples_q16)
{
    return (uint32_t)(((step >> 16) * (uint64_t)samples_q16) >> 32);
}

static void add_sums(struct wk_window_sums *to, const struct wk_window_sums *sums)
{
    to->frames_q16 += sums->frames_q16;
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        to->x[s] += sums->x[s];
        to->xx[s] += sums->xx[s];
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        to->ui[phase] += sums->ui[phase];
    }
}

void wk_window_add(struct wk_window *window, const struct wk_cycle *cycle, bool complete)
{
    const struct wk_cycle_sums *sums = &cycle->half;
    struct wk_window_half *half = &window->half[window->halves];
    struct wk_window_sums added = {.frames_q16 = sums->frames_q16};
    half->frames_q16 = sums->frames_q16;
    half->begin_q16 = window->block_q16;
    half->middle = QUARTER * 2 * window->halves +
                   (complete ? QUARTER : wk_window_turn(cycle->step, sums->frames_q16) / 2);
    half->wave = (struct wk_angle_vector){
        .re = sums->cos >> Q29_TO_Q16,
        .im = -(sums->sin >> Q29_TO_Q16),
    };
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        half->phasor[s] = (struct wk_angle_vector){
            .re = sums->re[s] >> Q29_TO_Q16,
            .im = sums->im[s] >> Q29_TO_Q16,
        };
        half->x[s] = sums->x[s];
        added.x[s] = sums->x[s];
        added.xx[s] = sums->xx[s];
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        half->xx[phase] = sums->xx[WK_SAMPLE_U + phase];
        added.ui[phase] = wk_cycle_product(cycle, sums, phase);
    }
    add_sums(&window->own, &added);
    if (window->marked) {
        add_sums(&window->late, &added);
    }
    window->block_q16 += sums->frames_q16;
    window->halves++;
}

void wk_window_mark(struct wk_window *window)
{
    window->marked = true;
    window->late = (struct wk_window_sums){0};
}

void wk_window_next(struct wk_window *window, uint8_t keep)
{
    const uint8_t from = (uint8_t)(window->halves - keep);
    const int64_t begin_q16 = keep > 0 ? window->half[from].begin_q16 : window->block_q16;
    for (uint8_t k = 0; k < keep; k++) {
        window->half[k] = window->half[from + k];
        window->half[k].begin_q16 -= begin_q16;
        window->half[k].middle -= QUARTER * 2 * from;
    }
    window->block_q16 -= begin_q16;
    window->before = keep > 0 ? window->late : (struct wk_window_sums){0};
    window->own = (struct wk_window_sums){0};
    window->marked = false;
    window->halves = keep;
    window->first = keep;
}

void wk_window_block(const struct wk_window *window, struct wk_window_sums *block)
{
    *block = window->before;
    add_sums(block, &window->own);
}

/* How far the phasors of a half cycle are turned. */
struct turn {
    bool none;
    int32_t cos_q30;
    int32_t sin_q30;
};

static struct turn turn_of(uint32_t angle)
{
    struct turn turn = {.none = angle == 0};
    wk_angle_unit_q30(angle, &turn.cos_q30, &turn.sin_q30);
    return turn;
}

static void add_turned(struct wk_angle_vector *sum, struct wk_angle_vector v,
                       const struct turn *turn)
{
    const struct wk_angle_vector turned =
        turn->none ? v : wk_angle_turn_by(v, turn->cos_q30, turn->sin_q30);
    sum->re += turned.re;
    sum->im += turned.im;
}

/* mean * wave, where mean = x * 65536 / frames_q16. */
static int64_t dc_part(int64_t x, int64_t wave_q16, int64_t frames_q16)
{
    int64_t rest;
    const struct wk_i128 product = wk_i128_shift_left(wk_i128_mul(x, wave_q16), 16);
    return (int64_t)wk_i128_div(product, frames_q16, &rest).low;
}

void wk_window_phasors(const struct wk_window *window, struct wk_window_part part,
                       uint64_t step, struct wk_window_phasors *phasors)
{
    int64_t x[WK_SAMPLE_SLOTS] = {0};
    struct wk_angle_vector wave = {0};
    *phasors = (struct wk_window_phasors){0};
    for (uint8_t k = part.first; k < part.end; k++) {
        const struct wk_window_half *half = &window->half[k];
        const int64_t begin_q16 = half->begin_q16 - window->half[part.first].begin_q16;
        const int64_t middle_q16 = begin_q16 + half->frames_q16 / 2;
        const struct turn turn = turn_of(half->middle - wk_window_turn(step, middle_q16));
        add_turned(&wave, half->wave, &turn);
        for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
            add_turned(&phasors->phasor[s], half->phasor[s], &turn);
            x[s] += half->x[s];
        }
        phasors->frames_q16 += half->frames_q16;
    }
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        if (x[s] != 0) {
            phasors->phasor[s].re -= dc_part(x[s], wave.re, phasors->frames_q16);
            phasors->phasor[s].im -= dc_part(x[s], wave.im, phasors->frames_q16);
        }
    }
}
