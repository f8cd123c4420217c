/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/energy.h"

#include <string.h>

#include "metrology/scale.h"
#include "metrology/sequence.h"

#define SHIFT_LEAST    62  /* below 1 uWh per count^2 * sample: a window fits 64 bits */
#define SHIFT_MOST     120 /* a carry and three increments fit 128 bits */
#define MANTISSA_LEAST (INT64_C(1) << 30)

/* In the order of struct wk_record_energy. */
enum { IMPORT = 0, EXPORT, IMPORT1, EXPORT1, QUADRANTS, IMPORT_S = QUADRANTS + 4, EXPORT_S };

_Static_assert(sizeof(struct wk_record_energy) == WK_ENERGY_REGISTERS * sizeof(int64_t),
               "registers are the fields of wk_record_energy");

/* uWh per count^2 * sample: gain_u * gain_i * 10^6 / (3600 s/h * rate). */
static struct wk_scale micro_per_raw(const struct wk_sample_map *map, int phase,
                                     int64_t rate_uhz)
{
    const struct wk_hal_gain u = map->slot[WK_SAMPLE_U + phase].gain;
    const struct wk_hal_gain i = map->slot[WK_SAMPLE_I + phase].gain;
    struct wk_scale micro = wk_scale_of(u.mantissa, u.exponent);
    struct wk_scale factor = wk_scale_of(i.mantissa, i.exponent);
    wk_scale_times(&micro, &factor);
    factor = wk_scale_of(10000, 0);
    wk_scale_times(&micro, &factor);
    struct wk_scale rate = wk_scale_of(rate_uhz, -6);
    factor = wk_scale_of(36, 0);
    wk_scale_times(&rate, &factor);
    wk_scale_over(&micro, &rate);
    return micro;
}

/* The shift that all phases have in common, and their mantissas for it. */
static wk_err find_domain(const struct wk_sample_map *map, int64_t rate_uhz, int16_t *shift,
                          int64_t mantissa[WK_RECORD_PHASES])
{
    struct wk_scale scale[WK_RECORD_PHASES] = {{0}};
    *shift = SHIFT_MOST;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (wk_sample_is_pair(map, phase)) {
            scale[phase] = micro_per_raw(map, phase, rate_uhz);
            *shift = scale[phase].shift < *shift ? scale[phase].shift : *shift;
        }
    }
    if (*shift < SHIFT_LEAST) {
        return WK_E_RANGE;
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const int down = scale[phase].shift - *shift; /* >= 0 of a pair */
        const int64_t whole = scale[phase].mantissa;
        const uint64_t size = (uint64_t)(whole < 0 ? -whole : whole);
        const int64_t cut = (int64_t)(down >= 0 && down < 62 ? size >> down : 0);
        if (whole != 0 && cut < MANTISSA_LEAST) {
            return WK_E_RANGE;
        }
        mantissa[phase] = whole < 0 ? -cut : cut;
    }
    return WK_OK;
}

wk_err wk_energy_init(struct wk_energy *energy, const struct wk_sample_map *map,
                      int64_t rate_uhz, wk_energy_summation summation)
{
    int64_t mantissa[WK_RECORD_PHASES];
    int16_t shift;
    WK_TRY(find_domain(map, rate_uhz, &shift, mantissa));
    *energy = (struct wk_energy){.summation = summation, .shift = (uint8_t)shift};
    memcpy(energy->mantissa, mantissa, sizeof mantissa);
    return WK_OK;
}

wk_err wk_energy_set_rate(struct wk_energy *energy, const struct wk_sample_map *map,
                          int64_t rate_uhz)
{
    int64_t mantissa[WK_RECORD_PHASES];
    int16_t shift;
    WK_TRY(find_domain(map, rate_uhz, &shift, mantissa));
    const int up = shift - energy->shift;
    for (int at = 0; at < WK_ENERGY_CARRIES; at++) {
        if (up >= 0) {
            wk_i128_grow(&energy->carry[at], (uint8_t)up);
        } else {
            wk_i128_shrink(&energy->carry[at], (uint8_t)-up);
        }
    }
    energy->shift = (uint8_t)shift;
    memcpy(energy->mantissa, mantissa, sizeof mantissa);
    return WK_OK;
}

/* ---- booking ----------------------------------------------------------------------------- */

/* What is booked of a phase or of all, 2^-shift uWh: as in wk_quantity_raw. */
struct amounts {
    struct wk_i128 of[WK_QUANTITY_RAWS]; /* S: >= 0 */
};

static void book(struct wk_energy_account *account, const struct amounts *amounts)
{
    const bool exported = wk_i128_is_negative(amounts->of[WK_QUANTITY_P]);
    const bool exported1 = wk_i128_is_negative(amounts->of[WK_QUANTITY_P1]);
    const bool capacitive = wk_i128_is_negative(amounts->of[WK_QUANTITY_Q1]);
    /* I = +P +Q, II = -P +Q, III = -P -Q, IV = +P -Q; of the fundamental, as the reactive is */
    const uint8_t quadrant = capacitive ? (exported1 ? 2 : 3) : (exported1 ? 1 : 0);
    const uint8_t at[WK_QUANTITY_RAWS] = {
        [WK_QUANTITY_P] = exported ? EXPORT : IMPORT,
        [WK_QUANTITY_P1] = exported1 ? EXPORT1 : IMPORT1,
        [WK_QUANTITY_Q1] = (uint8_t)(QUADRANTS + quadrant),
        [WK_QUANTITY_S] = exported ? EXPORT_S : IMPORT_S,
    };
    for (int k = 0; k < WK_QUANTITY_RAWS; k++) {
        const struct wk_i128 size = wk_i128_abs(amounts->of[k]);
        wk_i128_increase(&account->carry[at[k]], &size);
    }
}

/* The whole units of an account, register by register, leave it. */
static void take_whole(struct wk_energy_account *account, uint8_t shift,
                       struct wk_record_energy *gained)
{
    int64_t whole_uwh[WK_ENERGY_REGISTERS];
    for (int at = 0; at < WK_ENERGY_REGISTERS; at++) {
        struct wk_i128 whole = account->carry[at];
        wk_i128_shrink(&whole, shift);
        whole_uwh[at] = (int64_t)whole.low;
        wk_i128_grow(&whole, shift);
        wk_i128_decrease(&account->carry[at], &whole);
    }
    memcpy(gained, whole_uwh, sizeof *gained);
}

static void amounts_of(const struct wk_energy *energy, const struct wk_quantity_raw *raw,
                       int phase, struct amounts *amounts)
{
    for (int k = 0; k < WK_QUANTITY_RAWS; k++) {
        amounts->of[k] = wk_i128_mul(raw->of[k][phase], energy->mantissa[phase]);
    }
    amounts->of[WK_QUANTITY_S] = wk_i128_abs(amounts->of[WK_QUANTITY_S]);
}

/* sqrt(s^2 - p^2) = sqrt(s - p) * sqrt(s + p), with the sign of q. Reduced to 62 bits. */
static struct wk_i128 non_active(const struct amounts *amounts)
{
    const struct wk_i128 p = wk_i128_abs(amounts->of[WK_QUANTITY_P]);
    struct wk_i128 less = amounts->of[WK_QUANTITY_S];
    struct wk_i128 more = less;
    wk_i128_decrease(&less, &p);
    wk_i128_increase(&more, &p);
    if (less.high < 0) {
        return wk_i128_of(0);
    }
    const bool is_narrow = more.high == 0 && more.low >> 63 == 0;
    const uint8_t shift = is_narrow ? 0 : (uint8_t)(wk_u64_bits((uint64_t)more.high) + 1);
    wk_i128_shrink(&less, shift);
    wk_i128_shrink(&more, shift);
    const int64_t size = wk_sequence_geometric_mean(less.low, more.low);
    struct wk_i128 value = wk_i128_of(size);
    wk_i128_grow(&value, shift);
    if (amounts->of[WK_QUANTITY_Q1].high < 0) {
        wk_i128_negate(&value);
    }
    return value;
}

/* The apparent part of `amounts` is used up. */
static void add_vectors(struct amounts *sum, struct amounts *amounts)
{
    amounts->of[WK_QUANTITY_S] = non_active(amounts);
    for (int k = 0; k < WK_QUANTITY_RAWS; k++) {
        wk_i128_increase(&sum->of[k], &amounts->of[k]);
    }
}

void wk_energy_add(struct wk_energy *energy, const struct wk_quantity_raw *raw,
                   const struct wk_energy_fate *fate, struct wk_record_window *out)
{
    struct wk_energy_account *all = fate->withheld ? &energy->withheld : &energy->total;
    struct amounts sum = {0};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        struct wk_energy_account *account = &energy->phase[phase];
        if (fate->running[phase]) {
            struct amounts amounts;
            amounts_of(energy, raw, phase, &amounts);
            if (!fate->withheld) {
                book(account, &amounts);
            }
            if (energy->summation == WK_ENERGY_ARITHMETIC) {
                book(all, &amounts);
            } else {
                add_vectors(&sum, &amounts);
            }
        } else {
            *account = (struct wk_energy_account){0};
        }
        take_whole(account, energy->shift, &out->energy[phase]);
    }
    if (energy->summation == WK_ENERGY_VECTORIAL) {
        wk_sequence_length_wide(&sum.of[WK_QUANTITY_S], &sum.of[WK_QUANTITY_P]);
        book(all, &sum);
    }
    take_whole(&energy->total, energy->shift, &out->total);
    take_whole(&energy->withheld, energy->shift, &out->withheld);
    out->summation = (uint8_t)energy->summation;
}
