/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/calibrate.h"

#include <string.h>

#include "base/wide.h"
#include "metrology/angle.h"

#define PPM            1000000
#define PPB            INT64_C(1000000000)
#define UDEG_PER_TURN  INT64_C(360000000)
#define DELAY_NS       50000
#define OFFSET         4194304 /* counts */
#define MANTISSA_MOST  2147483647
#define MANTISSA_LEAST 214748364
#define LARGE          INT64_MAX
#define ANGLE_BITS     20 /* so that wk_angle_of sees large numbers */
#define FLAGS_OF_NO_USE                                                                        \
    (WK_RECORD_SHORT | WK_RECORD_FREE_RUN | WK_RECORD_ACQUIRING | WK_RECORD_CLIPPED |          \
     WK_RECORD_FEED_GAP | WK_RECORD_FEED_START | WK_RECORD_FLAGGED | WK_RECORD_WITHHELD)

static const struct wk_calibrate_step k_steps[WK_CALIBRATE_STEPS] = {
    {WK_CALIBRATE_GAIN, 1000,
     "Set the source to the nominal voltage, the base current and PF 1 on all phases. Wait for "
     "steady readings. This point gives the gains."},
    {WK_CALIBRATE_PHASE, 1000,
     "Leave voltage and current; set PF 0.5 inductive. This point gives the phase."},
    {WK_CALIBRATE_CURVE, 10,
     "PF 0.5 inductive, 1 % of the base current: a point of the curve."},
    {WK_CALIBRATE_CURVE, 50,
     "PF 0.5 inductive, 5 % of the base current: a point of the curve."},
    {WK_CALIBRATE_CURVE, 200,
     "PF 0.5 inductive, 20 % of the base current: a point of the curve."},
    {WK_CALIBRATE_CURVE, 1000, "PF 0.5 inductive, the base current: a point of the curve."},
    {WK_CALIBRATE_CURVE, 10000,
     "PF 0.5 inductive, ten times the base current, or the largest current: a point of the "
     "curve."},
};

static wk_err refuse(struct wk_calibrate_fault *fault, wk_err err, const char *reason)
{
    fault->reason = reason;
    return err;
}

static int64_t limited(struct wk_i128 value)
{
    if (wk_i128_fits_i64(value)) {
        return (int64_t)value.low;
    }
    return wk_i128_is_negative(value) ? INT64_MIN : INT64_MAX;
}

/* a * b / divisor, rounded; divisor > 0. */
static int64_t scaled(int64_t a, int64_t b, int64_t divisor)
{
    int64_t rest;
    const struct wk_i128 product = wk_i128_add(wk_i128_mul(a, b), wk_i128_of(divisor / 2));
    return limited(wk_i128_div(product, divisor, &rest));
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* ---- means ------------------------------------------------------------------------------- */

/* By which the current lags, as a fraction of 2^32. */
static int32_t lag_turn(int64_t p, int64_t q)
{
    struct wk_angle_vector v = {.re = p, .im = q};
    while (v.re < INT64_C(1) << (62 - ANGLE_BITS) &&
           v.re > -(INT64_C(1) << (62 - ANGLE_BITS)) &&
           v.im < INT64_C(1) << (62 - ANGLE_BITS) &&
           v.im > -(INT64_C(1) << (62 - ANGLE_BITS)) && (v.re != 0 || v.im != 0)) {
        v.re *= 2;
        v.im *= 2;
    }
    return wk_angle_of(v);
}

static int64_t udeg_of(int32_t turn)
{
    return turn * UDEG_PER_TURN / INT64_C(4294967296);
}

void wk_calibrate_mean_init(struct wk_calibrate_mean *mean)
{
    memset(mean, 0, sizeof *mean);
}

static void widen(int64_t *least, int64_t *most, int64_t value, bool first)
{
    *least = first || value < *least ? value : *least;
    *most = first || value > *most ? value : *most;
}

/* How much larger the rms is than the fundamental. */
static int64_t distortion_ppm(int64_t rms, int64_t fundamental)
{
    return fundamental > 0 ? scaled(magnitude(rms - fundamental), PPM, fundamental) : 0;
}

static void add_phase(struct wk_calibrate_mean *mean, const struct wk_record_window *window,
                      int k)
{
    struct wk_calibrate_reading *sum = &mean->sum[k];
    struct wk_calibrate_reading *least = &mean->least[k];
    struct wk_calibrate_reading *most = &mean->most[k];
    const bool first = mean->windows == 0;
    sum->u_uv += window->u1_mv[k];
    sum->i_ua += window->i1_ua[k];
    sum->p_uw += window->p1_mw[k];
    sum->q_uvar += window->q1_mvar[k];
    widen(&least->u_uv, &most->u_uv, window->u1_mv[k], first);
    widen(&least->i_ua, &most->i_ua, window->i1_ua[k], first);
    const int64_t s_mva = scaled(window->u1_mv[k], window->i1_ua[k], PPM);
    widen(&least->p_uw, &most->p_uw, s_mva, first);
    widen(&least->q_uvar, &most->q_uvar,
          udeg_of(lag_turn(window->p1_mw[k], window->q1_mvar[k])), first);
    const int64_t u_ppm = distortion_ppm(window->u_mv[k], window->u1_mv[k]);
    mean->distorted_ppm[k] = u_ppm > mean->distorted_ppm[k] ? u_ppm : mean->distorted_ppm[k];
}

bool wk_calibrate_mean_add(struct wk_calibrate_mean *mean, const struct wk_record *record)
{
    if (record->kind != WK_RECORD_WINDOW || (record->flags & FLAGS_OF_NO_USE) != 0) {
        return false;
    }
    mean->phases = record->window.phases;
    mean->f_uhz += record->window.frequency_uhz;
    for (int k = 0; k < mean->phases && k < WK_CALIBRATE_PHASES; k++) {
        add_phase(mean, &record->window, k);
    }
    mean->windows++;
    return true;
}

static bool steady(int64_t least, int64_t most)
{
    return scaled(most - least, PPM, most > 0 ? most : 1) <= WK_CALIBRATE_UNSTEADY;
}

static wk_err check_phase(const struct wk_calibrate_mean *mean, int k,
                          struct wk_calibrate_fault *fault)
{
    const struct wk_calibrate_reading *least = &mean->least[k];
    const struct wk_calibrate_reading *most = &mean->most[k];
    fault->phase = k;
    if (least->u_uv <= 0 || least->i_ua <= 0) {
        return refuse(fault, WK_E_STATE, "there is no voltage or no current");
    }
    if (!steady(least->u_uv, most->u_uv)) {
        return refuse(fault, WK_E_STATE, "the voltage varies by more than 0.05 %");
    }
    if (!steady(least->i_ua, most->i_ua) || !steady(least->p_uw, most->p_uw)) {
        return refuse(fault, WK_E_STATE, "the current varies by more than 0.05 %");
    }
    if (most->q_uvar - least->q_uvar > WK_CALIBRATE_TURNS_UDEG) {
        return refuse(fault, WK_E_STATE, "the angle varies by more than 0.02 deg");
    }
    if (mean->distorted_ppm[k] > WK_CALIBRATE_DISTORT_PPM) {
        return refuse(fault, WK_E_STATE, "the voltage is not sinusoidal");
    }
    return WK_OK;
}

wk_err wk_calibrate_mean_take(const struct wk_calibrate_mean *mean,
                              struct wk_calibrate_reading reading[],
                              struct wk_calibrate_fault *fault)
{
    fault->phase = -1;
    if (mean->windows < WK_CALIBRATE_WINDOWS) {
        return refuse(fault, WK_E_STATE, "fewer than five complete windows");
    }
    for (int k = 0; k < mean->phases; k++) {
        WK_TRY(check_phase(mean, k, fault));
    }
    const int64_t n = mean->windows;
    for (int k = 0; k < mean->phases; k++) {
        const struct wk_calibrate_reading *sum = &mean->sum[k];
        reading[k] = (struct wk_calibrate_reading){
            .u_uv = sum->u_uv * 1000 / n,
            .i_ua = sum->i_ua / n,
            .p_uw = sum->p_uw * 1000 / n,
            .q_uvar = sum->q_uvar * 1000 / n,
        };
    }
    return WK_OK;
}

/* ---- errors ------------------------------------------------------------------------------ */

static int32_t error_ppm(int64_t meter, int64_t standard, int64_t of)
{
    const int64_t ppm = of != 0 ? scaled(meter - standard, PPM, magnitude(of)) : 0;
    return (int32_t)(ppm > INT32_MAX ? INT32_MAX : ppm < INT32_MIN ? INT32_MIN : ppm);
}

/* meter less standard, as a fraction of 2^32 */
static int32_t turn_off(const struct wk_calibrate_reading *meter,
                        const struct wk_calibrate_reading *standard)
{
    return (int32_t)((uint32_t)lag_turn(meter->p_uw, meter->q_uvar) -
                     (uint32_t)lag_turn(standard->p_uw, standard->q_uvar));
}

struct wk_calibrate_error wk_calibrate_error_of(const struct wk_calibrate_reading *meter,
                                                const struct wk_calibrate_reading *standard)
{
    const int64_t s_uva = scaled(standard->u_uv, standard->i_ua, PPM);
    const bool low = magnitude(standard->p_uw) < s_uva / 10;
    return (struct wk_calibrate_error){
        .u_ppm = error_ppm(meter->u_uv, standard->u_uv, standard->u_uv),
        .i_ppm = error_ppm(meter->i_ua, standard->i_ua, standard->i_ua),
        .p_ppm = error_ppm(meter->p_uw, standard->p_uw, low ? s_uva : standard->p_uw),
        .angle_udeg = (int32_t)udeg_of(turn_off(meter, standard)),
    };
}

/* ---- corrections ------------------------------------------------------------------------- */

/* (1 + gain) * standard / meter - 1 */
static wk_err gain_of(int64_t meter, int64_t standard, int32_t *gain_ppb)
{
    const int64_t factor = scaled(PPB + *gain_ppb, standard, meter);
    if (factor > PPB + WK_CALIBRATE_GAIN_PPB || factor < PPB - WK_CALIBRATE_GAIN_PPB) {
        return WK_E_RANGE;
    }
    *gain_ppb = (int32_t)(factor - PPB);
    return WK_OK;
}

static wk_err check_pair(const struct wk_calibrate_reading *meter,
                         const struct wk_calibrate_reading *standard,
                         struct wk_calibrate_fault *fault)
{
    if (standard->u_uv <= 0 || standard->i_ua <= 0) {
        return refuse(fault, WK_E_RANGE, "the standard reads no voltage or no current");
    }
    if (meter->u_uv <= 0 || meter->i_ua <= 0) {
        return refuse(fault, WK_E_RANGE, "the meter reads no voltage or no current");
    }
    const int64_t udeg = udeg_of(turn_off(meter, standard));
    if (magnitude(udeg) > WK_CALIBRATE_ANGLE_UDEG) {
        return refuse(fault, WK_E_RANGE,
                      "the angles of meter and standard differ by more than 5 deg: check the "
                      "wiring");
    }
    return WK_OK;
}

wk_err wk_calibrate_gain(const struct wk_calibrate_reading *meter,
                         const struct wk_calibrate_reading *standard,
                         struct wk_calibrate_channel *u, struct wk_calibrate_channel *i,
                         struct wk_calibrate_fault *fault)
{
    int32_t u_ppb = u->gain_ppb;
    int32_t i_ppb = i->gain_ppb;
    WK_TRY(check_pair(meter, standard, fault));
    if (standard->p_uw <= 0 || magnitude(standard->q_uvar) > standard->p_uw / 4) {
        return refuse(fault, WK_E_RANGE, "the standard is not near PF 1");
    }
    if (gain_of(meter->u_uv, standard->u_uv, &u_ppb) != WK_OK) {
        return refuse(fault, WK_E_RANGE, "the voltages differ by more than 10 %");
    }
    if (gain_of(meter->i_ua, standard->i_ua, &i_ppb) != WK_OK) {
        return refuse(fault, WK_E_RANGE, "the currents differ by more than 10 %");
    }
    u->gain_ppb = u_ppb;
    i->gain_ppb = i_ppb;
    return WK_OK;
}

wk_err wk_calibrate_phase(const struct wk_calibrate_reading *meter,
                          const struct wk_calibrate_reading *standard, int64_t f_uhz,
                          struct wk_calibrate_channel *i, struct wk_calibrate_fault *fault)
{
    WK_TRY(check_pair(meter, standard, fault));
    const int64_t angle = udeg_of(lag_turn(standard->p_uw, standard->q_uvar));
    if (magnitude(angle) < WK_CALIBRATE_PHASE_UDEG || f_uhz <= 0) {
        return refuse(fault, WK_E_RANGE, "the standard's angle is below 45 deg: set PF 0.5");
    }
    /* A channel that is sampled late leads. turn / 2^32 / f is a time. */
    int64_t rest;
    const struct wk_i128 ns_f =
        wk_i128_mul(-(int64_t)turn_off(meter, standard), INT64_C(1000000000000000));
    const struct wk_i128 in_turns =
        wk_i128_shift_right(wk_i128_add(ns_f, wk_i128_of(INT64_C(1) << 31)), 32);
    const int64_t delay_ns =
        limited(wk_i128_div(wk_i128_add(in_turns, wk_i128_of(f_uhz / 2)), f_uhz, &rest)) +
        i->delay_ns;
    if (magnitude(delay_ns) > DELAY_NS) {
        return refuse(fault, WK_E_RANGE, "the delay would exceed 50 us");
    }
    i->delay_ns = (int32_t)delay_ns;
    return WK_OK;
}

wk_err wk_calibrate_curve(const struct wk_calibrate_reading *meter,
                          const struct wk_calibrate_reading *standard,
                          struct wk_calibrate_channel *i, struct wk_calibrate_fault *fault)
{
    WK_TRY(check_pair(meter, standard, fault));
    const struct wk_calibrate_error error = wk_calibrate_error_of(meter, standard);
    if (magnitude(error.i_ppm) > WK_CALIBRATE_GAIN_PPB / 1000) {
        return refuse(fault, WK_E_RANGE, "the currents differ by more than 10 %");
    }
    if (i->curve_points == WK_HAL_CURVE) {
        return refuse(fault, WK_E_FULL, "the curve has six points already");
    }
    int at = 0;
    while (at < i->curve_points && i->curve[at].i_ua < meter->i_ua) {
        at++;
    }
    if (at < i->curve_points && i->curve[at].i_ua == meter->i_ua) {
        return refuse(fault, WK_E_RANGE, "the curve has a point at this current already");
    }
    memmove(&i->curve[at + 1], &i->curve[at],
            (size_t)(i->curve_points - at) * sizeof i->curve[0]);
    i->curve[at] = (struct wk_hal_curve_point){
        .i_ua = meter->i_ua, .gain_ppm = error.i_ppm, .phase_udeg = error.angle_udeg};
    i->curve_points++;
    return WK_OK;
}

/* ---- front ends -------------------------------------------------------------------------- */

/* value * 10^exponent, rounded; 0 once it vanishes */
static int64_t shifted(struct wk_i128 value, int exponent)
{
    int64_t rest;
    for (; exponent < 0; exponent++) {
        value = wk_i128_div(wk_i128_add(value, wk_i128_of(exponent == -1 ? 5 : 0)), 10, &rest);
    }
    int64_t small = limited(value);
    for (; exponent > 0 && magnitude(small) < LARGE / 10; exponent--) {
        small *= 10;
    }
    return small;
}

wk_err wk_calibrate_offset(const struct wk_hal_channel *channel, int64_t sum, uint64_t frames,
                           struct wk_calibrate_channel *to, struct wk_calibrate_fault *fault)
{
    if (frames == 0 || frames > INT64_MAX) {
        return refuse(fault, WK_E_RANGE, "there are no samples");
    }
    int64_t rest;
    const struct wk_i128 mean_q16 =
        wk_i128_div(wk_i128_shift_left(wk_i128_of(sum), 16), (int64_t)frames, &rest);
    const struct wk_i128 product = wk_i128_mul(limited(mean_q16), channel->gain.mantissa);
    to->offset_micro = shifted(wk_i128_shift_right(product, 16), channel->gain.exponent + 6);
    return WK_OK;
}

static int64_t offset_counts(const struct wk_hal_gain *gain, int64_t micro)
{
    int64_t value = micro;
    int exponent = -6 - gain->exponent;
    while (exponent > 0 && magnitude(value) < LARGE / 10) {
        value *= 10;
        exponent--;
    }
    struct wk_i128 quotient = wk_i128_of(value);
    int64_t rest;
    quotient = wk_i128_div(wk_i128_add(quotient, wk_i128_of(magnitude(gain->mantissa) / 2)),
                           magnitude(gain->mantissa), &rest);
    int64_t counts = limited(quotient);
    for (; exponent > 0 && magnitude(counts) < LARGE / 10; exponent--) {
        counts *= 10;
    }
    for (; exponent < 0; exponent++) {
        counts /= 10;
    }
    return gain->mantissa < 0 ? -counts : counts;
}

wk_err wk_calibrate_apply(struct wk_hal_channel *channel,
                          const struct wk_calibrate_channel *correction)
{
    struct wk_hal_gain gain = channel->gain;
    int64_t mantissa = scaled(gain.mantissa, PPB + correction->gain_ppb, PPB);
    while (magnitude(mantissa) > MANTISSA_MOST) {
        mantissa = scaled(gain.mantissa, PPB + correction->gain_ppb, PPB * 10);
        gain.exponent++;
    }
    while (magnitude(mantissa) < MANTISSA_LEAST && mantissa != 0) {
        mantissa *= 10;
        gain.exponent--;
    }
    const int64_t counts = offset_counts(&channel->gain, correction->offset_micro);
    const int64_t offset = channel->offset + counts;
    const int64_t delay_ns = (int64_t)channel->delay_ns + correction->delay_ns;
    if (mantissa == 0 || gain.exponent > 6 || gain.exponent < -24 ||
        magnitude(offset) > OFFSET || magnitude(delay_ns) > DELAY_NS ||
        correction->curve_points > WK_HAL_CURVE) {
        return WK_E_RANGE;
    }
    gain.mantissa = (int32_t)mantissa;
    channel->gain = gain;
    channel->offset = (int32_t)offset;
    channel->delay_ns = (int32_t)delay_ns;
    channel->curve_points = correction->curve_points;
    memcpy(channel->curve, correction->curve, sizeof channel->curve);
    return WK_OK;
}

const struct wk_calibrate_step *wk_calibrate_step_of(int number)
{
    return number >= 0 && number < WK_CALIBRATE_STEPS ? &k_steps[number] : NULL;
}
