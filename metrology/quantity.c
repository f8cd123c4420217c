/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quantity.h"

#include "base/wide.h"
#include "metrology/sequence.h"

#define ROOT_TWO  INT64_C(1414213562373095049) /* * 10^-18 */
#define ONE_Q30   (INT64_C(1) << 30)
#define PPM       1000000
#define HALF_TURN (UINT32_C(1) << 31)
#define TURN_UDEG INT64_C(360000000)

void wk_quantity_init(struct wk_quantity *quantity, const struct wk_sample_map *map,
                      int64_t rate_uhz, wk_quantity_dc dc)
{
    *quantity = (struct wk_quantity){.dc = dc, .rate_uhz = rate_uhz, .map = map};
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        if (map->slot[s].present) {
            const struct wk_hal_gain gain = map->slot[s].gain;
            const struct wk_scale unit = wk_scale_of(gain.mantissa, gain.exponent);
            quantity->micro[s] = wk_scale_mul(unit, wk_scale_of(1, 6));
            quantity->fundamental[s] =
                wk_scale_mul(quantity->micro[s], wk_scale_of(ROOT_TWO, -18));
            quantity->fundamental[s].shift = (int16_t)(quantity->fundamental[s].shift + 16);
        }
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_scale pico = wk_scale_mul(quantity->micro[WK_SAMPLE_U + phase],
                                                  quantity->micro[WK_SAMPLE_I + phase]);
        quantity->power[phase] = wk_scale_mul(pico, wk_scale_of(1, -9));
    }
}

/* Sum of squares about the mean, or about zero. */
static uint64_t squares(const struct wk_quantity *quantity, const struct wk_window_sums *sums,
                        int slot)
{
    const int64_t xx = sums->xx[slot];
    if (quantity->dc == WK_QUANTITY_DC_KEEP) {
        return (uint64_t)xx;
    }
    const int64_t x = sums->x[slot];
    const int64_t dc = wk_i128_ratio(x, x, 16, sums->frames_q16);
    return xx > dc ? (uint64_t)(xx - dc) : 0;
}

static int64_t raw_p(const struct wk_quantity *quantity, const struct wk_window_sums *sums,
                     int phase)
{
    if (quantity->dc == WK_QUANTITY_DC_KEEP) {
        return sums->ui[phase];
    }
    return sums->ui[phase] - wk_i128_ratio(sums->x[WK_SAMPLE_U + phase],
                                           sums->x[WK_SAMPLE_I + phase], 16, sums->frames_q16);
}

struct power {
    int64_t p1;
    int64_t q1;
};

/* `product` (Q32, count^2 * samples^2) / n, for the whole window if the phasors cover a part. */
static int64_t per_window(struct wk_i128 product, const struct wk_window_sums *sums,
                          const struct wk_window_phasors *phasors)
{
    int64_t rest;
    const struct wk_i128 per_sample =
        wk_i128_div(wk_i128_shift_left(product, 17), phasors->frames_q16, &rest);
    const int64_t part = (int64_t)wk_i128_shift_right(per_sample, 32).low;
    if (phasors->frames_q16 == sums->frames_q16) {
        return part;
    }
    return wk_i128_ratio(part, sums->frames_q16, 0, phasors->frames_q16);
}

/* 2 U conj(I) / n. */
static struct power fundamental_power(const struct wk_window_sums *sums,
                                      const struct wk_window_phasors *phasors, int phase)
{
    const struct wk_angle_vector u = phasors->phasor[WK_SAMPLE_U + phase];
    const struct wk_angle_vector i = phasors->phasor[WK_SAMPLE_I + phase];
    const struct wk_i128 re = wk_i128_add(wk_i128_mul(u.re, i.re), wk_i128_mul(u.im, i.im));
    const struct wk_i128 im = wk_i128_sub(wk_i128_mul(u.im, i.re), wk_i128_mul(u.re, i.im));
    return (struct power){
        .p1 = per_window(re, sums, phasors),
        .q1 = per_window(im, sums, phasors),
    };
}

/* Turns each phasor back by the angle that the delay of its channel added. */
static void undelay(const struct wk_quantity *quantity, uint64_t step,
                    struct wk_window_phasors *phasors)
{
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const int64_t delay_ns = quantity->map->slot[s].delay_ns;
        if (delay_ns == 0) {
            continue;
        }
        const int64_t f_uhz = wk_cycle_frequency_uhz(step, quantity->rate_uhz);
        const int64_t turn = wk_i128_ratio(f_uhz, delay_ns, 32, INT64_C(1000000000000000));
        phasors->phasor[s] = wk_angle_turn(phasors->phasor[s], (uint32_t)-turn);
    }
}

/* ---- the curve of a current sensor ------------------------------------------------------- */

void wk_quantity_set_curve(struct wk_quantity *quantity, int phase,
                           const struct wk_hal_channel *channel)
{
    quantity->curve[phase] = (struct wk_quantity_curve){.points = channel->curve_points};
    for (int p = 0; p < channel->curve_points; p++) {
        quantity->curve[phase].point[p] = channel->curve[p];
    }
}

static int32_t between(int32_t from, int32_t to, int64_t part, int64_t whole)
{
    return from + (int32_t)((int64_t)(to - from) * part / whole);
}

static struct wk_hal_curve_point error_at(const struct wk_quantity_curve *curve, int64_t i_ua)
{
    int p = 0;
    while (p < curve->points && curve->point[p].i_ua <= i_ua) {
        p++;
    }
    if (p == 0 || p == curve->points) {
        return curve->point[p == 0 ? 0 : p - 1];
    }
    const struct wk_hal_curve_point *a = &curve->point[p - 1];
    const struct wk_hal_curve_point *b = &curve->point[p];
    const int64_t part = i_ua - a->i_ua;
    const int64_t whole = b->i_ua - a->i_ua;
    return (struct wk_hal_curve_point){
        .i_ua = i_ua,
        .gain_ppm = between(a->gain_ppm, b->gain_ppm, part, whole),
        .phase_udeg = between(a->phase_udeg, b->phase_udeg, part, whole),
    };
}

static int64_t scaled_q30(int64_t value, int64_t factor_q30)
{
    const struct wk_i128 half = wk_i128_of(ONE_Q30 / 2);
    const struct wk_i128 product = wk_i128_add(wk_i128_mul(value, factor_q30), half);
    return (int64_t)wk_i128_shift_right(product, 30).low;
}

/* Turns and scales the phasor of the current; returns the factor by which the sensor read too
 * little, Q30. */
static int64_t straighten(const struct wk_quantity *quantity, int phase,
                          struct wk_window_phasors *phasors)
{
    const struct wk_quantity_curve *curve = &quantity->curve[phase];
    if (curve->points == 0) {
        return ONE_Q30;
    }
    struct wk_angle_vector *i = &phasors->phasor[WK_SAMPLE_I + phase];
    const int64_t i_ua = wk_scale_apply_per(quantity->fundamental[WK_SAMPLE_I + phase],
                                            wk_sequence_length(*i), phasors->frames_q16);
    const struct wk_hal_curve_point error = error_at(curve, i_ua < 0 ? -i_ua : i_ua);
    const int64_t factor_q30 = ONE_Q30 * PPM / (PPM + error.gain_ppm);
    const int64_t turn = error.phase_udeg * (INT64_C(1) << 32) / TURN_UDEG;
    *i = wk_angle_turn(*i, (uint32_t)turn);
    i->re = scaled_q30(i->re, factor_q30);
    i->im = scaled_q30(i->im, factor_q30);
    return factor_q30;
}

/* ---- filling in -------------------------------------------------------------------------- */

/* A negative gain turns the polarity. */
static int32_t angle_of(const struct wk_quantity *quantity,
                        const struct wk_window_phasors *phasors, int slot)
{
    const uint32_t turn = (uint32_t)wk_angle_of(phasors->phasor[slot]);
    return (int32_t)(turn + (quantity->micro[slot].mantissa < 0 ? HALF_TURN : 0));
}

static void fill_angles(const struct wk_quantity *quantity,
                        const struct wk_window_phasors *phasors, struct wk_record_window *out)
{
    const int32_t reference = angle_of(quantity, phasors, WK_SAMPLE_U + out->reference);
    out->reference_mdeg = wk_angle_mdeg(reference);
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        const int u = WK_SAMPLE_U + phase;
        const int i = WK_SAMPLE_I + phase;
        if (phase < WK_RECORD_PHASES && quantity->map->slot[u].present) {
            const uint32_t turn = (uint32_t)angle_of(quantity, phasors, u);
            out->u_mdeg[phase] = wk_angle_mdeg((int32_t)(turn - (uint32_t)reference));
        }
        if (quantity->map->slot[i].present) {
            const uint32_t turn = (uint32_t)angle_of(quantity, phasors, i);
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

/* part / whole in 10^-6, within +-1. */
static int32_t ratio_e6(int64_t part, int64_t whole)
{
    if (whole == 0) {
        return 0;
    }
    const int64_t ratio = divided(wk_i128_mul(part, PPM), whole);
    return (int32_t)(ratio > PPM ? PPM : ratio < -PPM ? -PPM : ratio);
}

/* s = u * i, and the power factor that belongs to the p and s shown. */
static void fill_apparent(struct wk_record_window *out, int phase, int64_t u_uv, int64_t i_ua)
{
    out->s_mva[phase] = divided(wk_i128_mul(u_uv, i_ua), 1000000000);
    out->pf_e6[phase] = ratio_e6(out->p_mw[phase], out->s_mva[phase]);
}

static int32_t milli(int64_t micro)
{
    const int64_t value = (micro + 500) / 1000;
    return (int32_t)(value < INT32_MAX ? value : INT32_MAX);
}

/* The phasor of a slot in uV or uA rms. */
static struct wk_angle_vector in_micro(const struct wk_quantity *quantity,
                                       const struct wk_window_phasors *phasors, int slot)
{
    const struct wk_scale scale = quantity->fundamental[slot];
    const struct wk_angle_vector raw = phasors->phasor[slot];
    return (struct wk_angle_vector){
        .re = wk_scale_apply_per(scale, raw.re, phasors->frames_q16),
        .im = wk_scale_apply_per(scale, raw.im, phasors->frames_q16),
    };
}

/* Fundamentals, symmetrical components, and the neutral current that follows from them. */
static void fill_components(const struct wk_quantity *quantity,
                            const struct wk_window_phasors *phasors,
                            struct wk_record_window *out)
{
    struct wk_angle_vector u[WK_RECORD_PHASES];
    struct wk_angle_vector i[WK_RECORD_PHASES];
    struct wk_angle_vector neutral = {0};
    int64_t u_sequence[WK_SEQUENCES];
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        u[phase] = in_micro(quantity, phasors, WK_SAMPLE_U + phase);
        i[phase] = in_micro(quantity, phasors, WK_SAMPLE_I + phase);
        neutral.re += i[phase].re;
        neutral.im += i[phase].im;
        out->u1_mv[phase] = milli(wk_sequence_length(u[phase]));
        out->i1_ua[phase] = wk_sequence_length(i[phase]);
    }
    out->i1_ua[WK_SAMPLE_N] =
        wk_sequence_length(in_micro(quantity, phasors, WK_SAMPLE_I + WK_SAMPLE_N));
    out->in_ua = wk_sequence_length(neutral);
    if (quantity->map->phases != WK_RECORD_PHASES) {
        return;
    }
    wk_sequence_split(u, u_sequence);
    wk_sequence_split(i, out->i_sequence_ua);
    for (int k = 0; k < WK_SEQUENCES; k++) {
        out->u_sequence_mv[k] = milli(u_sequence[k]);
    }
    out->u2_ppm =
        wk_sequence_ppm(u_sequence[WK_SEQUENCE_NEGATIVE], u_sequence[WK_SEQUENCE_POSITIVE]);
    out->u0_ppm =
        wk_sequence_ppm(u_sequence[WK_SEQUENCE_ZERO], u_sequence[WK_SEQUENCE_POSITIVE]);
    out->i2_ppm = wk_sequence_ppm(out->i_sequence_ua[WK_SEQUENCE_NEGATIVE],
                                  out->i_sequence_ua[WK_SEQUENCE_POSITIVE]);
    out->i0_ppm = wk_sequence_ppm(out->i_sequence_ua[WK_SEQUENCE_ZERO],
                                  out->i_sequence_ua[WK_SEQUENCE_POSITIVE]);
}

/* Powers of a phase. The curve of the current's sensor corrects the fundamental in size and
 * angle, all that is beyond it in size; returns that factor, Q30. */
static int64_t fill_powers(const struct wk_quantity *quantity,
                           const struct wk_window_sums *sums, struct wk_window_phasors *phasors,
                           int phase, struct wk_quantity_raw *raw)
{
    const struct power read = fundamental_power(sums, phasors, phase);
    const int64_t total = raw_p(quantity, sums, phase);
    const int64_t factor_q30 = straighten(quantity, phase, phasors);
    const struct power power = factor_q30 == ONE_Q30 && quantity->curve[phase].points == 0
                                   ? read
                                   : fundamental_power(sums, phasors, phase);
    const int64_t s = wk_sequence_geometric_mean(squares(quantity, sums, WK_SAMPLE_U + phase),
                                                 squares(quantity, sums, WK_SAMPLE_I + phase));
    raw->of[WK_QUANTITY_P1][phase] = power.p1;
    raw->of[WK_QUANTITY_Q1][phase] = power.q1;
    raw->of[WK_QUANTITY_P][phase] = scaled_q30(total - read.p1, factor_q30) + power.p1;
    raw->of[WK_QUANTITY_S][phase] = scaled_q30(s, factor_q30);
    return factor_q30;
}

void wk_quantity_fill(const struct wk_quantity *quantity, const struct wk_window_sums *sums,
                      struct wk_window_phasors *phasors, uint64_t step,
                      struct wk_record_window *out, struct wk_quantity_raw *raw)
{
    int64_t rms[WK_SAMPLE_SLOTS] = {0};
    const int64_t n_q16 = sums->frames_q16;
    *raw = (struct wk_quantity_raw){0};
    out->samples = (uint32_t)((n_q16 + 32768) >> 16);
    out->frequency_uhz = wk_cycle_frequency_uhz(step, quantity->rate_uhz);
    out->phases = quantity->map->phases;
    undelay(quantity, step, phasors);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        rms[s] = wk_scale_root_mean(quantity->micro[s], squares(quantity, sums, s), n_q16);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (!wk_sample_is_pair(quantity->map, phase)) {
            continue;
        }
        const int64_t factor_q30 = fill_powers(quantity, sums, phasors, phase, raw);
        const struct wk_scale power = quantity->power[phase];
        rms[WK_SAMPLE_I + phase] = scaled_q30(rms[WK_SAMPLE_I + phase], factor_q30);
        out->p_mw[phase] = wk_scale_apply_per(power, raw->of[WK_QUANTITY_P][phase], n_q16);
        out->p1_mw[phase] = wk_scale_apply_per(power, raw->of[WK_QUANTITY_P1][phase], n_q16);
        out->q1_mvar[phase] = wk_scale_apply_per(power, raw->of[WK_QUANTITY_Q1][phase], n_q16);
        fill_apparent(out, phase, rms[WK_SAMPLE_U + phase], rms[WK_SAMPLE_I + phase]);
    }
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        out->u_mv[phase] = milli(rms[WK_SAMPLE_U + phase]);
        out->i_ua[phase] = rms[WK_SAMPLE_I + phase];
    }
    fill_angles(quantity, phasors, out);
    fill_components(quantity, phasors, out);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_i128 square =
            wk_i128_mul((int64_t)out->u1_mv[phase], out->i1_ua[phase]);
        out->dpf_e6[phase] = ratio_e6(out->p1_mw[phase], divided(square, PPM));
    }
}
