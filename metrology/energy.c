/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/energy.h"

#include "metrology/scale.h"

#define SHIFT_LEAST    62  /* below 1 uWh per count^2 * sample: a window fits 64 bits */
#define SHIFT_MOST     120 /* a carry and three increments fit 128 bits */
#define MANTISSA_LEAST (INT64_C(1) << 30)

enum { IMPORT = 0, EXPORT, QUADRANTS };

/* uWh per count^2 * sample: gain_u * gain_i * 10^6 / (3600 s/h * rate). */
static struct wk_scale micro_per_raw(const struct wk_sample_map *map, int phase,
                                     int64_t rate_uhz)
{
    const struct wk_hal_gain u = map->slot[WK_SAMPLE_U + phase].gain;
    const struct wk_hal_gain i = map->slot[WK_SAMPLE_I + phase].gain;
    const struct wk_scale gain =
        wk_scale_mul(wk_scale_of(u.mantissa, u.exponent), wk_scale_of(i.mantissa, i.exponent));
    const struct wk_scale rate = wk_scale_of(rate_uhz, -6);
    return wk_scale_div(wk_scale_mul(gain, wk_scale_of(10000, 0)),
                        wk_scale_mul(rate, wk_scale_of(36, 0)));
}

wk_err wk_energy_init(struct wk_energy *energy, const struct wk_sample_map *map,
                      int64_t rate_uhz, wk_energy_summation summation)
{
    struct wk_scale scale[WK_RECORD_PHASES] = {{0}};
    int16_t shift = SHIFT_MOST;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (wk_sample_is_pair(map, phase)) {
            scale[phase] = micro_per_raw(map, phase, rate_uhz);
            shift = scale[phase].shift < shift ? scale[phase].shift : shift;
        }
    }
    if (shift < SHIFT_LEAST) {
        return WK_E_RANGE;
    }
    struct wk_energy made = {.summation = summation, .shift = (uint8_t)shift};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (!wk_sample_is_pair(map, phase)) {
            continue;
        }
        const int down = scale[phase].shift - shift; /* >= 0: shift is the least of all */
        const int64_t divisor = down >= 0 && down < 62 ? INT64_C(1) << down : INT64_MAX;
        made.mantissa[phase] = scale[phase].mantissa / divisor;
        const int64_t m = made.mantissa[phase];
        if (m < MANTISSA_LEAST && m > -MANTISSA_LEAST) {
            return WK_E_RANGE;
        }
    }
    *energy = made;
    return WK_OK;
}

/* Adds |value| to a register of an account. */
static void book(struct wk_energy_account *account, int at, struct wk_i128 value)
{
    const struct wk_i128 size = wk_i128_is_negative(value) ? wk_i128_neg(value) : value;
    account->carry[at] = wk_i128_add(account->carry[at], size);
}

static void book_power(struct wk_energy_account *account, struct wk_i128 p, struct wk_i128 q)
{
    const bool exported = wk_i128_is_negative(p);
    const bool capacitive = wk_i128_is_negative(q);
    /* I = +P +Q, II = -P +Q, III = -P -Q, IV = +P -Q */
    const int quadrant = capacitive ? (exported ? 2 : 3) : (exported ? 1 : 0);
    book(account, exported ? EXPORT : IMPORT, p);
    book(account, QUADRANTS + quadrant, q);
}

static int64_t take(struct wk_energy_account *account, int at, uint8_t shift)
{
    const struct wk_i128 whole = wk_i128_shift_right(account->carry[at], shift);
    account->carry[at] = wk_i128_sub(account->carry[at], wk_i128_shift_left(whole, shift));
    return (int64_t)whole.low;
}

static struct wk_record_energy take_all(struct wk_energy_account *account, uint8_t shift)
{
    struct wk_record_energy gained = {
        .import_uwh = take(account, IMPORT, shift),
        .export_uwh = take(account, EXPORT, shift),
    };
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        gained.q_uvarh[quadrant] = take(account, QUADRANTS + quadrant, shift);
    }
    return gained;
}

void wk_energy_add(struct wk_energy *energy, const struct wk_quantity_raw *raw,
                   struct wk_record_window *out)
{
    struct wk_i128 p_sum = {0};
    struct wk_i128 q_sum = {0};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_i128 p = wk_i128_mul(raw->p[phase], energy->mantissa[phase]);
        const struct wk_i128 q = wk_i128_mul(raw->q1[phase], energy->mantissa[phase]);
        book_power(&energy->phase[phase], p, q);
        out->energy[phase] = take_all(&energy->phase[phase], energy->shift);
        if (energy->summation == WK_ENERGY_ARITHMETIC) {
            book_power(&energy->total, p, q);
        }
        p_sum = wk_i128_add(p_sum, p);
        q_sum = wk_i128_add(q_sum, q);
    }
    if (energy->summation == WK_ENERGY_VECTORIAL) {
        book_power(&energy->total, p_sum, q_sum);
    }
    out->total = take_all(&energy->total, energy->shift);
    out->summation = (uint8_t)energy->summation;
}
