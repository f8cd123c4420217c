/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quantity.h"

#include "base/wide.h"

void wk_quantity_init(struct wk_quantity *quantity, const struct wk_sample_map *map,
                      int64_t rate_uhz, wk_quantity_dc dc)
{
    *quantity = (struct wk_quantity){.dc = dc, .rate_uhz = rate_uhz, .map = *map};
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        if (map->slot[s].present) {
            const struct wk_hal_gain gain = map->slot[s].gain;
            const struct wk_scale unit = wk_scale_of(gain.mantissa, gain.exponent);
            quantity->micro[s] = wk_scale_mul(unit, wk_scale_of(1, 6));
        }
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_scale pico = wk_scale_mul(quantity->micro[WK_SAMPLE_U + phase],
                                                  quantity->micro[WK_SAMPLE_I + phase]);
        quantity->power[phase] = wk_scale_mul(pico, wk_scale_of(1, -9));
    }
}

/* Sum of squares about the mean, or about zero. */
static uint64_t squares(const struct wk_quantity *quantity, const struct wk_window *window,
                        int slot)
{
    int64_t rest;
    const int64_t xx = window->xx[slot];
    if (quantity->dc == WK_QUANTITY_DC_KEEP) {
        return (uint64_t)xx;
    }
    const int64_t x = window->x[slot];
    const struct wk_i128 product = wk_i128_shift_left(wk_i128_mul(x, x), 16);
    const int64_t dc = (int64_t)wk_i128_div(product, window->frames_q16, &rest).low;
    return xx > dc ? (uint64_t)(xx - dc) : 0;
}

static int64_t raw_p(const struct wk_quantity *quantity, const struct wk_window *window,
                     int phase)
{
    if (quantity->dc == WK_QUANTITY_DC_KEEP) {
        return window->ui[phase];
    }
    int64_t rest;
    const struct wk_i128 product =
        wk_i128_mul(window->x[WK_SAMPLE_U + phase], window->x[WK_SAMPLE_I + phase]);
    const struct wk_i128 dc =
        wk_i128_div(wk_i128_shift_left(product, 16), window->frames_q16, &rest);
    return window->ui[phase] - (int64_t)dc.low;
}

/* 2 Im(U conj I) / n, for the whole window if the phasors cover a part of it. */
static int64_t raw_q1(const struct wk_window *window, const struct wk_window_phasors *phasors,
                      int phase)
{
    const struct wk_angle_vector u = phasors->phasor[WK_SAMPLE_U + phase];
    const struct wk_angle_vector i = phasors->phasor[WK_SAMPLE_I + phase];
    int64_t rest;
    const struct wk_i128 im =
        wk_i128_sub(wk_i128_mul(u.im, i.re), wk_i128_mul(u.re, i.im)); /* Q32 */
    const struct wk_i128 per_sample =
        wk_i128_div(wk_i128_shift_left(im, 17), phasors->frames_q16, &rest);
    const int64_t part = (int64_t)wk_i128_shift_right(per_sample, 32).low;
    if (phasors->frames_q16 == window->frames_q16) {
        return part;
    }
    const struct wk_i128 whole = wk_i128_mul(part, window->frames_q16);
    return (int64_t)wk_i128_div(whole, phasors->frames_q16, &rest).low;
}

/* Turns each phasor back by the angle that the delay of its channel added. */
static void undelay(const struct wk_quantity *quantity, uint64_t step,
                    struct wk_window_phasors *phasors)
{
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const int64_t delay_ns = quantity->map.slot[s].delay_ns;
        if (delay_ns == 0) {
            continue;
        }
        int64_t rest;
        const int64_t f_uhz = wk_cycle_frequency_uhz(step, quantity->rate_uhz);
        const struct wk_i128 turns = wk_i128_shift_left(wk_i128_mul(f_uhz, delay_ns), 32);
        const struct wk_i128 turn = wk_i128_div(turns, INT64_C(1000000000000000), &rest);
        phasors->phasor[s] = wk_angle_turn(phasors->phasor[s], (uint32_t)-turn.low);
    }
}

static void fill_angles(const struct wk_quantity *quantity,
                        const struct wk_window_phasors *phasors, struct wk_record_window *out)
{
    const int32_t reference = wk_angle_of(phasors->phasor[WK_SAMPLE_U + out->reference]);
    out->reference_mdeg = wk_angle_mdeg(reference);
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        const int u = WK_SAMPLE_U + phase;
        const int i = WK_SAMPLE_I + phase;
        if (phase < WK_RECORD_PHASES && quantity->map.slot[u].present) {
            const uint32_t turn = (uint32_t)wk_angle_of(phasors->phasor[u]);
            out->u_mdeg[phase] = wk_angle_mdeg((int32_t)(turn - (uint32_t)reference));
        }
        if (quantity->map.slot[i].present) {
            const uint32_t turn = (uint32_t)wk_angle_of(phasors->phasor[i]);
            out->i_mdeg[phase] = wk_angle_mdeg((int32_t)(turn - (uint32_t)reference));
        }
    }
}

static int64_t divided(struct wk_i128 value, int64_t divisor)
{
    int64_t rest;
    const struct wk_i128 half = wk_i128_of(divisor / 2);
    return (int64_t)wk_i128_div(wk_i128_add(value, half), divisor, &rest).low;
}

/* s = u * i, and the power factor that belongs to the p and s shown. */
static void fill_apparent(struct wk_record_window *out, int phase, int64_t u_uv, int64_t i_ua)
{
    const int64_t s_mva = divided(wk_i128_mul(u_uv, i_ua), 1000000000);
    out->s_mva[phase] = s_mva;
    if (s_mva == 0) {
        return;
    }
    const int64_t pf = divided(wk_i128_mul(out->p_mw[phase], 1000000), s_mva);
    out->pf_e6[phase] = (int32_t)(pf > 1000000 ? 1000000 : pf < -1000000 ? -1000000 : pf);
}

void wk_quantity_fill(const struct wk_quantity *quantity, const struct wk_window *window,
                      struct wk_window_phasors *phasors, uint64_t step,
                      struct wk_record_window *out, struct wk_quantity_raw *raw)
{
    int64_t rms[WK_SAMPLE_SLOTS] = {0};
    const int64_t n_q16 = window->frames_q16;
    *raw = (struct wk_quantity_raw){0};
    out->samples = (uint32_t)((n_q16 + 32768) >> 16);
    out->frequency_uhz = wk_cycle_frequency_uhz(step, quantity->rate_uhz);
    out->phases = quantity->map.phases;
    undelay(quantity, step, phasors);
    fill_angles(quantity, phasors, out);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        rms[s] = wk_scale_root_mean(quantity->micro[s], squares(quantity, window, s), n_q16);
    }
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        const int64_t u_mv = (rms[WK_SAMPLE_U + phase] + 500) / 1000;
        out->u_mv[phase] = (int32_t)(u_mv < INT32_MAX ? u_mv : INT32_MAX);
        out->i_ua[phase] = rms[WK_SAMPLE_I + phase];
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (!wk_sample_is_pair(&quantity->map, phase)) {
            continue;
        }
        raw->p[phase] = raw_p(quantity, window, phase);
        raw->q1[phase] = raw_q1(window, phasors, phase);
        out->p_mw[phase] = wk_scale_apply_per(quantity->power[phase], raw->p[phase], n_q16);
        out->q1_mvar[phase] = wk_scale_apply_per(quantity->power[phase], raw->q1[phase], n_q16);
        fill_apparent(out, phase, rms[WK_SAMPLE_U + phase], rms[WK_SAMPLE_I + phase]);
    }
}
