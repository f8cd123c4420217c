/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quantity.h"

#include <string.h>

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
    const struct wk_scale root_two = wk_scale_of(ROOT_TWO, -18);
    const struct wk_scale mega = wk_scale_of(1, 6);
    const struct wk_scale nano = wk_scale_of(1, -9);
    *quantity = (struct wk_quantity){.dc = dc, .rate_uhz = rate_uhz, .map = map};
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const struct wk_hal_gain *gain = &map->slot[s].gain;
        struct wk_scale *micro = &quantity->micro[s];
        *micro = wk_scale_of(gain->mantissa, gain->exponent); /* 0 of a slot that is empty */
        wk_scale_times(micro, &mega);
        quantity->fundamental[s] = *micro;
        wk_scale_times(&quantity->fundamental[s], &root_two);
        quantity->fundamental[s].shift = (int16_t)(quantity->fundamental[s].shift + 16);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        struct wk_scale *power = &quantity->power[phase];
        *power = quantity->micro[WK_SAMPLE_U + phase];
        wk_scale_times(power, &quantity->micro[WK_SAMPLE_I + phase]);
        wk_scale_times(power, &nano);
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

/* 2 Re(a conj(b)) / n, for the whole window if the phasors cover a part of it. */
static int64_t product(struct wk_angle_vector a, const struct wk_angle_vector *b,
                       const struct wk_window_sums *sums,
                       const struct wk_window_phasors *phasors)
{
    struct wk_i128 sum = wk_i128_mul(a.re, b->re);
    const struct wk_i128 im = wk_i128_mul(a.im, b->im);
    wk_i128_increase(&sum, &im); /* Q32, count^2 * samples^2 */
    wk_i128_grow(&sum, 17);
    (void)wk_i128_divide(&sum, phasors->frames_q16);
    wk_i128_shrink(&sum, 32);
    const int64_t part = (int64_t)sum.low;
    return phasors->frames_q16 == sums->frames_q16
               ? part
               : wk_i128_ratio(part, sums->frames_q16, 0, phasors->frames_q16);
}

/* P and Q of the fundamental: Q is the P of a voltage turned by a quarter. */
static void fill_fundamental(const struct wk_window_sums *sums,
                             const struct wk_window_phasors *phasors, int phase,
                             struct wk_quantity_raw *raw)
{
    const struct wk_angle_vector u = phasors->phasor[WK_SAMPLE_U + phase];
    const struct wk_angle_vector turned = {.re = u.im, .im = -u.re};
    const struct wk_angle_vector *i = &phasors->phasor[WK_SAMPLE_I + phase];
    raw->of[WK_QUANTITY_P1][phase] = product(u, i, sums, phasors);
    raw->of[WK_QUANTITY_Q1][phase] = product(turned, i, sums, phasors);
}

/* Turns each phasor back by the angle that the delay of its channel added. */
static void undelay(const struct wk_quantity *quantity, int64_t f_uhz,
                    struct wk_window_phasors *phasors)
{
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const int64_t delay_ns = quantity->map->slot[s].delay_ns;
        if (delay_ns == 0) {
            continue;
        }
        const int64_t turn = wk_i128_ratio(f_uhz, delay_ns, 32, INT64_C(1000000000000000));
        phasors->phasor[s] = wk_angle_turn(phasors->phasor[s], (uint32_t)-turn);
    }
}

/* ---- the curve of a current sensor ------------------------------------------------------- */

void wk_quantity_set_curve(struct wk_quantity *quantity, int phase,
                           const struct wk_hal_channel *channel)
{
    quantity->curve[phase].points = channel->curve_points;
    memcpy(quantity->curve[phase].point, channel->curve, sizeof channel->curve);
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
    return factor_q30 == ONE_Q30 ? value : wk_i128_rounded(value, factor_q30, ONE_Q30);
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
    const int64_t i_ua = wk_scale_apply_per(&quantity->fundamental[WK_SAMPLE_I + phase],
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
static uint32_t angle_of(const struct wk_quantity *quantity,
                         const struct wk_window_phasors *phasors, int slot)
{
    const uint32_t turn = (uint32_t)wk_angle_of(phasors->phasor[slot]);
    return turn + (quantity->micro[slot].mantissa < 0 ? HALF_TURN : 0);
}

static void fill_angles(const struct wk_quantity *quantity,
                        const struct wk_window_phasors *phasors, struct wk_record_window *out)
{
    const uint32_t reference = angle_of(quantity, phasors, WK_SAMPLE_U + out->reference);
    out->reference_mdeg = wk_angle_mdeg((int32_t)reference);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const uint32_t turn = angle_of(quantity, phasors, s) - reference;
        const int32_t mdeg = quantity->map->slot[s].present ? wk_angle_mdeg((int32_t)turn) : 0;
        if (s >= WK_SAMPLE_I) {
            out->i_mdeg[s - WK_SAMPLE_I] = mdeg;
        } else if (s != WK_SAMPLE_N) {
            out->u_mdeg[s] = mdeg;
        }
    }
}

static int32_t milli(int64_t micro)
{
    const int64_t value = (micro + 500) / 1000;
    return (int32_t)(value < INT32_MAX ? value : INT32_MAX);
}

/* Lengths of the symmetrical components, in uV or uA; negative and zero in parts of positive. */
static void fill_sequence(const struct wk_angle_vector phasor[WK_RECORD_PHASES],
                          int64_t length[WK_SEQUENCES], int32_t *negative_ppm,
                          int32_t *zero_ppm)
{
    const int64_t *positive = &length[WK_SEQUENCE_POSITIVE];
    wk_sequence_split(phasor, length);
    *negative_ppm = wk_sequence_ppm(length[WK_SEQUENCE_NEGATIVE], *positive, INT32_MAX);
    *zero_ppm = wk_sequence_ppm(length[WK_SEQUENCE_ZERO], *positive, INT32_MAX);
}

/* Fundamentals, symmetrical components, and the neutral current that follows from them. */
static void fill_components(const struct wk_quantity *quantity,
                            const struct wk_window_phasors *phasors,
                            struct wk_record_window *out)
{
    struct wk_angle_vector micro[WK_SAMPLE_SLOTS]; /* uV or uA rms */
    struct wk_angle_vector neutral = {0};
    int64_t u_sequence[WK_SEQUENCES];
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const struct wk_angle_vector *raw = &phasors->phasor[s];
        const struct wk_scale *scale = &quantity->fundamental[s];
        micro[s].re = wk_scale_apply_per(scale, raw->re, phasors->frames_q16);
        micro[s].im = wk_scale_apply_per(scale, raw->im, phasors->frames_q16);
        const int64_t length = wk_sequence_length(micro[s]);
        if (s >= WK_SAMPLE_I) {
            out->i1_ua[s - WK_SAMPLE_I] = length;
        } else if (s != WK_SAMPLE_N) {
            out->u1_mv[s] = milli(length);
        }
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        neutral.re += micro[WK_SAMPLE_I + phase].re;
        neutral.im += micro[WK_SAMPLE_I + phase].im;
    }
    out->in_ua = wk_sequence_length(neutral);
    if (quantity->map->phases != WK_RECORD_PHASES) {
        return;
    }
    fill_sequence(micro + WK_SAMPLE_U, u_sequence, &out->u2_ppm, &out->u0_ppm);
    fill_sequence(micro + WK_SAMPLE_I, out->i_sequence_ua, &out->i2_ppm, &out->i0_ppm);
    for (int k = 0; k < WK_SEQUENCES; k++) {
        out->u_sequence_mv[k] = milli(u_sequence[k]);
    }
}

/* Powers of a phase. The curve of the current's sensor corrects the fundamental in size and
 * angle, all that is beyond it in size; returns that factor, Q30. */
static int64_t fill_raw(const struct wk_quantity *quantity, const struct wk_window_sums *sums,
                        struct wk_window_phasors *phasors, int phase,
                        struct wk_quantity_raw *raw)
{
    fill_fundamental(sums, phasors, phase, raw);
    const int64_t beyond = raw_p(quantity, sums, phase) - raw->of[WK_QUANTITY_P1][phase];
    const int64_t factor_q30 = straighten(quantity, phase, phasors);
    if (quantity->curve[phase].points != 0) {
        fill_fundamental(sums, phasors, phase, raw);
    }
    const int64_t s = wk_sequence_geometric_mean(squares(quantity, sums, WK_SAMPLE_U + phase),
                                                 squares(quantity, sums, WK_SAMPLE_I + phase));
    raw->of[WK_QUANTITY_P][phase] =
        scaled_q30(beyond, factor_q30) + raw->of[WK_QUANTITY_P1][phase];
    raw->of[WK_QUANTITY_S][phase] = scaled_q30(s, factor_q30);
    return factor_q30;
}

/* What is shown of the powers of a phase; s = u * i, and the power factor belongs to the p and s
 * shown. */
static void fill_powers(const struct wk_quantity *quantity, const struct wk_quantity_raw *raw,
                        int phase, int64_t n_q16, struct wk_record_window *out)
{
    int64_t shown[WK_QUANTITY_S];
    for (int k = 0; k < WK_QUANTITY_S; k++) {
        shown[k] = wk_scale_apply_per(&quantity->power[phase], raw->of[k][phase], n_q16);
    }
    out->p_mw[phase] = shown[WK_QUANTITY_P];
    out->p1_mw[phase] = shown[WK_QUANTITY_P1];
    out->q1_mvar[phase] = shown[WK_QUANTITY_Q1];
    out->pf_e6[phase] = wk_sequence_ppm(shown[WK_QUANTITY_P], out->s_mva[phase], PPM);
    out->dpf_e6[phase] = wk_sequence_ppm(
        shown[WK_QUANTITY_P1], wk_i128_rounded(out->u1_mv[phase], out->i1_ua[phase], PPM), PPM);
}

void wk_quantity_fill(const struct wk_quantity *quantity, const struct wk_window_sums *sums,
                      struct wk_window_phasors *phasors, uint64_t step,
                      struct wk_record_window *out, struct wk_quantity_raw *raw)
{
    int64_t rms[WK_SAMPLE_SLOTS];
    const int64_t n_q16 = sums->frames_q16;
    *raw = (struct wk_quantity_raw){0};
    out->samples = (uint32_t)((n_q16 + 32768) >> 16);
    out->frequency_uhz = wk_cycle_frequency_uhz(step, quantity->rate_uhz);
    out->phases = quantity->map->phases;
    undelay(quantity, out->frequency_uhz, phasors);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        rms[s] = wk_scale_root_mean(&quantity->micro[s], squares(quantity, sums, s), n_q16);
    }
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        int64_t *i_ua = &rms[WK_SAMPLE_I + phase];
        const int64_t u_uv = rms[WK_SAMPLE_U + phase];
        if (phase < WK_RECORD_PHASES && wk_sample_is_pair(quantity->map, phase)) {
            *i_ua = scaled_q30(*i_ua, fill_raw(quantity, sums, phasors, phase, raw));
            out->s_mva[phase] = wk_i128_rounded(u_uv, *i_ua, 1000000000);
        }
        out->u_mv[phase] = milli(u_uv);
        out->i_ua[phase] = *i_ua;
    }
    fill_angles(quantity, phasors, out);
    fill_components(quantity, phasors, out);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        fill_powers(quantity, raw, phase, n_q16, out);
    }
}
