/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/energy.h"

#include "metrology/scale.h"
#include "metrology/sequence.h"

#define SHIFT_LEAST    62  /* below 1 uWh per count^2 * sample: a window fits 64 bits */
#define SHIFT_MOST     120 /* a carry and three increments fit 128 bits */
#define MANTISSA_LEAST (INT64_C(1) << 30)

enum { IMPORT = 0, EXPORT, IMPORT1, EXPORT1, QUADRANTS, IMPORT_S = QUADRANTS + 4, EXPORT_S };

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

static struct wk_i128 rescaled(struct wk_i128 carry, int from, int to)
{
    return to >= from ? wk_i128_shift_left(carry, (uint8_t)(to - from))
                      : wk_i128_shift_right(carry, (uint8_t)(from - to));
}

static void rescale(struct wk_energy_account *account, int from, int to)
{
    for (int at = 0; at < WK_ENERGY_REGISTERS; at++) {
        account->carry[at] = rescaled(account->carry[at], from, to);
    }
}

wk_err wk_energy_set_rate(struct wk_energy *energy, const struct wk_sample_map *map,
                          int64_t rate_uhz)
{
    struct wk_energy made;
    WK_TRY(wk_energy_init(&made, map, rate_uhz, energy->summation));
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        rescale(&energy->phase[phase], energy->shift, made.shift);
        energy->mantissa[phase] = made.mantissa[phase];
    }
    rescale(&energy->total, energy->shift, made.shift);
    rescale(&energy->withheld, energy->shift, made.shift);
    energy->shift = made.shift;
    return WK_OK;
}

/* ---- booking ----------------------------------------------------------------------------- */

/* Energies of a phase or of all, 2^-shift uWh. */
struct amounts {
    struct wk_i128 p;
    struct wk_i128 p1;
    struct wk_i128 q;
    struct wk_i128 s; /* >= 0 */
};

static struct wk_i128 absolute(struct wk_i128 value)
{
    return wk_i128_is_negative(value) ? wk_i128_neg(value) : value;
}

/* Adds |value| to a register of an account. */
static void book(struct wk_energy_account *account, int at, struct wk_i128 value)
{
    account->carry[at] = wk_i128_add(account->carry[at], absolute(value));
}

static void book_amounts(struct wk_energy_account *account, const struct amounts *amounts)
{
    const bool exported = wk_i128_is_negative(amounts->p);
    const bool exported1 = wk_i128_is_negative(amounts->p1);
    const bool capacitive = wk_i128_is_negative(amounts->q);
    /* I = +P +Q, II = -P +Q, III = -P -Q, IV = +P -Q; of the fundamental, as the reactive is */
    const int quadrant = capacitive ? (exported1 ? 2 : 3) : (exported1 ? 1 : 0);
    book(account, exported ? EXPORT : IMPORT, amounts->p);
    book(account, exported1 ? EXPORT1 : IMPORT1, amounts->p1);
    book(account, QUADRANTS + quadrant, amounts->q);
    book(account, exported ? EXPORT_S : IMPORT_S, amounts->s);
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
        .import1_uwh = take(account, IMPORT1, shift),
        .export1_uwh = take(account, EXPORT1, shift),
        .import_uvah = take(account, IMPORT_S, shift),
        .export_uvah = take(account, EXPORT_S, shift),
    };
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        gained.q_uvarh[quadrant] = take(account, QUADRANTS + quadrant, shift);
    }
    return gained;
}

static struct amounts amounts_of(const struct wk_energy *energy,
                                 const struct wk_quantity_raw *raw, int phase)
{
    const int64_t mantissa = energy->mantissa[phase];
    return (struct amounts){
        .p = wk_i128_mul(raw->p[phase], mantissa),
        .p1 = wk_i128_mul(raw->p1[phase], mantissa),
        .q = wk_i128_mul(raw->q1[phase], mantissa),
        .s = absolute(wk_i128_mul(raw->s[phase], mantissa)),
    };
}

/* sqrt(s^2 - p^2) = sqrt(s - p) * sqrt(s + p), with the sign of q. Reduced to 62 bits. */
static struct wk_i128 non_active(const struct amounts *amounts)
{
    const struct wk_i128 p = absolute(amounts->p);
    const struct wk_i128 less = wk_i128_sub(amounts->s, p);
    if (wk_i128_is_negative(less)) {
        return (struct wk_i128){0};
    }
    const struct wk_i128 more = wk_i128_add(amounts->s, p);
    uint8_t shift = 0;
    while (((uint64_t)more.high >> shift) != 0) {
        shift++;
    }
    shift = (uint8_t)(shift + (more.high != 0 || more.low >> 63 != 0 ? 1 : 0));
    const int64_t size = wk_sequence_geometric_mean(wk_i128_shift_right(less, shift).low,
                                                    wk_i128_shift_right(more, shift).low);
    const struct wk_i128 value = wk_i128_shift_left(wk_i128_of(size), shift);
    return wk_i128_is_negative(amounts->q) ? wk_i128_neg(value) : value;
}

static void book_total(const struct wk_energy *energy, struct wk_energy_account *account,
                       const struct amounts phase[WK_RECORD_PHASES])
{
    struct amounts sum = {.p = {0}};
    for (int k = 0; k < WK_RECORD_PHASES; k++) {
        if (energy->summation == WK_ENERGY_ARITHMETIC) {
            book_amounts(account, &phase[k]);
            continue;
        }
        sum.p = wk_i128_add(sum.p, phase[k].p);
        sum.p1 = wk_i128_add(sum.p1, phase[k].p1);
        sum.q = wk_i128_add(sum.q, phase[k].q);
        sum.s = wk_i128_add(sum.s, non_active(&phase[k]));
    }
    if (energy->summation == WK_ENERGY_VECTORIAL) {
        sum.s = wk_sequence_length_wide(sum.p, sum.s);
        book_amounts(account, &sum);
    }
}

void wk_energy_add(struct wk_energy *energy, const struct wk_quantity_raw *raw,
                   const struct wk_energy_fate *fate, struct wk_record_window *out)
{
    struct amounts phase[WK_RECORD_PHASES] = {{.p = {0}}};
    for (int k = 0; k < WK_RECORD_PHASES; k++) {
        if (fate->running[k]) {
            phase[k] = amounts_of(energy, raw, k);
        } else {
            energy->phase[k] = (struct wk_energy_account){0};
        }
        if (!fate->withheld) {
            book_amounts(&energy->phase[k], &phase[k]);
        }
        out->energy[k] = take_all(&energy->phase[k], energy->shift);
    }
    book_total(energy, fate->withheld ? &energy->withheld : &energy->total, phase);
    out->total = take_all(&energy->total, energy->shift);
    out->withheld = take_all(&energy->withheld, energy->shift);
    out->summation = (uint8_t)energy->summation;
}
