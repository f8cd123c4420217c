/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "metrology/angle.h"
#include "metrology/lanes.h"
#include "metrology/spectrum_table.h"

#define ROUND       12582912.0F /* 1.5 * 2^23: the low bits of a sum with it are the rounded number */

#define EXACT       16 /* twiddle factors in a row of which the first is computed exactly */
#define SIN_45      0.707106781F
#define HALF_ROOT_3 0.866025404F
#define PARTS       8   /* of the transform */
#define BINS        192 /* of a part */
#define LINES       WK_LANES_LINES

/* ---- frames to points -------------------------------------------------------------------- */

/* Weights of a kernel that is not stretched; see wk_resample_weigh. */
static void weigh(float u, float *low, float *high)
{
    const float uu = u * u;
    for (size_t m = 0; m < WK_SPECTRUM_TABLE_PIECES; m++) {
        float even = wk_spectrum_table_kernel[6][m];
        float odd = wk_spectrum_table_kernel[7][m];
        even = even * uu + wk_spectrum_table_kernel[4][m];
        odd = odd * uu + wk_spectrum_table_kernel[5][m];
        even = even * uu + wk_spectrum_table_kernel[2][m];
        odd = odd * uu + wk_spectrum_table_kernel[3][m];
        even = even * uu + wk_spectrum_table_kernel[0][m];
        odd = (odd * uu + wk_spectrum_table_kernel[1][m]) * u;
        low[m] = even + odd;
        high[m] = even - odd;
    }
}

/* The weights of the samples on either side of a point. */
struct weights {
    size_t reach;
    float low[WK_RESAMPLE_REACH];  /* from the earliest sample on */
    float high[WK_RESAMPLE_REACH]; /* from the latest on */
};

/* A point of all channels; `frame` is the earliest of its samples. */
static void make_point(const float *frame, const struct weights *weights, const float *scale,
                       float noise, int16_t *point)
{
    const float *weight = weights->low;
    ptrdiff_t step = WK_HAL_CHANNELS;
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    for (int side = 0; side < 2; side++) {
        for (const float *end = weight + weights->reach; weight < end; weight++) {
            a += frame[0] * *weight;
            b += frame[1] * *weight;
            c += frame[2] * *weight;
            d += frame[3] * *weight;
            e += frame[4] * *weight;
            f += frame[5] * *weight;
            g += frame[6] * *weight;
            h += frame[7] * *weight;
            frame += step;
        }
        weight = weights->high;
        frame += (weights->reach - 1) * WK_HAL_CHANNELS;
        step = -step;
    }
    const float sums[WK_HAL_CHANNELS] = {a, b, c, d, e, f, g, h};
    for (size_t channel = 0; channel < WK_HAL_CHANNELS; channel++) {
        const union {
            float number;
            uint32_t bits;
        } sum = {.number = sums[channel] * scale[channel] + noise + ROUND};
        point[channel * WK_RESAMPLE_POINTS] = (int16_t)sum.bits;
    }
}

static void points1(struct wk_resample *resample)
{
    const size_t reach = resample->reach;
    const uint64_t end_q32 =
        resample->fill > reach ? (uint64_t)(resample->fill - reach) << 32 : 0;
    int16_t *points = resample->points;
    struct weights weights;
    weights.reach = reach;
    while (resample->count < WK_RESAMPLE_POINTS && resample->next_q32 < end_q32) {
        const uint64_t at_q32 = resample->next_q32;
        const int32_t u_q32 = (int32_t)((uint32_t)at_q32 ^ UINT32_C(0x80000000));
        const size_t first = (size_t)(at_q32 >> 32) + 1 - reach;
        resample->noise = resample->noise * UINT32_C(1664525) + UINT32_C(1013904223);
        const float u = (float)u_q32 * 0x1p-32F;
        if (reach == WK_RESAMPLE_TAPS / 2) {
            weigh(u, weights.low, weights.high);
        } else {
            wk_resample_weigh(resample, u, weights.low, weights.high);
        }
        make_point(resample->history[first], &weights, resample->scale,
                   (float)(int32_t)resample->noise * 0x1p-32F, points + resample->count);
        resample->next_q32 += resample->spacing_q32;
        resample->count++;
    }
}

static void take1(struct wk_resample *resample, const int32_t *counts, size_t frames,
                  float peak_square[WK_HAL_CHANNELS], float square[WK_HAL_CHANNELS])
{
    const size_t channels = resample->channels;
    for (size_t c = 0; c < channels; c++) {
        float *to = &resample->history[resample->fill][c];
        const int32_t *from = counts + c;
        float sum = 0;
        float peak = 0;
        for (size_t n = 0; n < frames; n++, from += channels, to += WK_HAL_CHANNELS) {
            const float x = (float)(int32_t)((uint32_t)*from - (uint32_t)resample->offset[c]);
            *to = x;
            sum += x * x;
            peak = x * x > peak ? x * x : peak;
        }
        square[c] = sum;
        peak_square[c] = peak;
    }
    resample->fill += frames;
}

static void halve1(struct wk_resample *resample, uint8_t channel)
{
    int16_t *point = (int16_t *)resample->points + (size_t)channel * WK_RESAMPLE_POINTS;
    for (size_t n = 0; n < resample->count; n++) {
        point[n] = (int16_t)((point[n] + 1) >> 1);
    }
}

/* ---- one part of the transform ----------------------------------------------------------- */

/* Bins r, r + 8, r + 16 ... of 1536 points x are the transform of the 192 numbers
 * w^(r n) (x[n] + w8^r x[n + 192] + w8^2r x[n + 384] ...), where w = exp(-j 2 pi / 1536) and w8 =
 * w^192. The points are real, so that r = 1..3 give those of 5..7, too, and r = 0 and 4 together
 * are the transform of 384 real numbers. All are twice as large. */
struct bin {
    float re;
    float im;
};

struct scratch {
    struct bin line[LINES];
    struct bin signal[WK_LANES_SIGNAL];
    struct bin group[LINES]; /* real: harmonic, imaginary: interharmonic subgroups */
    struct bin z[BINS];
};

_Static_assert(BINS *PARTS == WK_RESAMPLE_POINTS, "the parts are all");
_Static_assert(sizeof(struct scratch) == WK_LANES_SCRATCH(1) * sizeof(float),
               "WK_LANES_SCRATCH(1)");

/* cos + j sin of k / 1536 turns. */
static struct bin turn_of(uint32_t k)
{
    int32_t cos_q30;
    int32_t sin_q30;
    wk_angle_unit_q30((k / 3 << 23) + k % 3 * UINT32_C(2796203), &cos_q30, &sin_q30);
    return (struct bin){(float)cos_q30 * 0x1p-30F, (float)sin_q30 * 0x1p-30F};
}

static inline struct bin stepped(struct bin turn, struct bin step)
{
    return (struct bin){turn.re * step.re - turn.im * step.im,
                        turn.re * step.im + turn.im * step.re};
}

/* x * (c - j s) */
static inline struct bin twisted(struct bin x, struct bin turn)
{
    return (struct bin){x.re * turn.re + x.im * turn.im, x.im * turn.re - x.re * turn.im};
}

/* The sum of eight points, each turned by r eighths more than the one before. */
static inline struct bin folded(const int16_t *x, uint32_t r)
{
    if (r == 2) {
        const int32_t re = x[0] + x[4 * BINS] - x[2 * BINS] - x[6 * BINS];
        const int32_t im = x[3 * BINS] + x[7 * BINS] - x[BINS] - x[5 * BINS];
        return (struct bin){(float)re, (float)im};
    }
    const int32_t f = x[BINS] - x[5 * BINS];
    const int32_t h = x[3 * BINS] - x[7 * BINS];
    const float even = (float)(x[0] - x[4 * BINS]);
    const float odd = (float)(x[2 * BINS] - x[6 * BINS]);
    const float less = (float)(f - h) * SIN_45;
    const float more = (float)(f + h) * SIN_45;
    return r == 1 ? (struct bin){even + less, -odd - more}
                  : (struct bin){even - less, odd - more};
}

/* Where the first stage looks for the n-th number. */
static inline uint32_t place_of(uint32_t n)
{
    return 3 * ((n & 3U) << 4 | (n & 12U) | (n >> 4 & 3U)) + (n >> 6);
}

static void fold(const int16_t *x, uint32_t r, struct bin *z)
{
    const struct bin step = turn_of(r);
    for (uint32_t row = 0; row < BINS; row += EXACT) {
        struct bin turn = turn_of(row * r);
        turn = (struct bin){2 * turn.re, 2 * turn.im};
        for (uint32_t n = row; n < row + EXACT; n++) {
            z[place_of(n)] = twisted(folded(&x[n], r), turn);
            turn = stepped(turn, step);
        }
    }
}

/* Pairs of the 384 real numbers that give every fourth bin. */
static void fold_real(const int16_t *x, struct bin *z)
{
    for (uint32_t n = 0; n < BINS; n++, x += 2) {
        const int32_t first = x[0] + x[2 * BINS] + x[4 * BINS] + x[6 * BINS];
        const int32_t second = x[1] + x[2 * BINS + 1] + x[4 * BINS + 1] + x[6 * BINS + 1];
        z[place_of(n)] = (struct bin){(float)first, (float)second};
    }
}

static void thirds(struct bin *z)
{
    for (struct bin *at = z; at < z + BINS; at += 3) {
        const struct bin a = at[0];
        const struct bin sum = {at[1].re + at[2].re, at[1].im + at[2].im};
        const struct bin turned = {(at[1].im - at[2].im) * HALF_ROOT_3,
                                   (at[2].re - at[1].re) * HALF_ROOT_3};
        const struct bin rest = {a.re - sum.re * 0.5F, a.im - sum.im * 0.5F};
        at[0] = (struct bin){a.re + sum.re, a.im + sum.im};
        at[1] = (struct bin){rest.re + turned.re, rest.im + turned.im};
        at[2] = (struct bin){rest.re - turned.re, rest.im - turned.im};
    }
}

/* Joins four transforms of `size` points each to one of 4 * size, all over z. */
static void fourths(struct bin *z, uint32_t size)
{
    const uint32_t k = WK_RESAMPLE_POINTS / 4 / size;
    const struct bin step = turn_of(k);
    struct bin turn = {1, 0};
    for (uint32_t j = 0; j < size; j++) {
        turn = j % EXACT == 0 ? turn_of(j * k) : stepped(turn, step);
        const struct bin turn2 = {turn.re * turn.re - turn.im * turn.im, 2 * turn.re * turn.im};
        const struct bin turn3 = {turn.re * turn2.re - turn.im * turn2.im,
                                  turn.re * turn2.im + turn.im * turn2.re};
        for (struct bin *at = z + j; at < z + BINS; at += (size_t)4 * size) {
            const struct bin a = at[0];
            const struct bin b = twisted(at[size], turn);
            const struct bin c = twisted(at[(size_t)2 * size], turn2);
            const struct bin d = twisted(at[(size_t)3 * size], turn3);
            const struct bin even = {a.re + c.re, a.im + c.im};
            const struct bin odd = {a.re - c.re, a.im - c.im};
            const struct bin sum = {b.re + d.re, b.im + d.im};
            const struct bin turned = {b.im - d.im, d.re - b.re};
            at[0] = (struct bin){even.re + sum.re, even.im + sum.im};
            at[size] = (struct bin){odd.re + turned.re, odd.im + turned.im};
            at[(size_t)2 * size] = (struct bin){even.re - sum.re, even.im - sum.im};
            at[(size_t)3 * size] = (struct bin){odd.re - turned.re, odd.im - turned.im};
        }
    }
}

static void transform(struct bin *z)
{
    thirds(z);
    for (uint32_t size = 3; size < BINS; size *= 4) {
        fourths(z, size);
    }
}

/* From the transform of even numbers + j * odd ones to that of all, twice as large. */
static void split(struct bin *z)
{
    const struct bin mean = z[0];
    const struct bin step = turn_of(WK_RESAMPLE_POINTS / BINS / 2);
    struct bin turn = step;
    z[0] = (struct bin){(mean.re + mean.im) * 2.0F, (mean.re - mean.im) * 2.0F};
    z[BINS / 2] = (struct bin){z[BINS / 2].re * 2.0F, z[BINS / 2].im * -2.0F};
    for (uint32_t k = 1; k < BINS / 2; k++) {
        const struct bin a = z[k];
        const struct bin b = z[BINS - k];
        const struct bin sum = {a.re + b.re, a.im - b.im};
        const struct bin gap = {a.re - b.re, a.im + b.im};
        const struct bin twist = {gap.re * turn.im - gap.im * turn.re,
                                  gap.im * turn.im + gap.re * turn.re};
        z[k] = (struct bin){sum.re - twist.re, sum.im - twist.im};
        z[BINS - k] = (struct bin){sum.re + twist.re, -sum.im - twist.im};
        turn = (k + 1) % EXACT == 0 ? turn_of((k + 1) * (WK_RESAMPLE_POINTS / BINS / 2))
                                    : stepped(turn, step);
    }
}

/* ---- what is wanted of the bins ---------------------------------------------------------- */

/* Enters bin k, the `rest`-th after that of order h. */
static inline void note(struct scratch *scratch, const struct wk_lanes_grouping *grouping,
                        uint32_t k, uint32_t h, uint32_t rest, struct bin x)
{
    const float at = (float)k * grouping->droop_per;
    const float flat = x.re * x.re + x.im * x.im;
    const float square = flat * wk_spectrum_table_droop_at(at);
    if (k - grouping->signal < WK_LANES_SIGNAL) {
        scratch->signal[k - grouping->signal] = x;
    }
    if (rest == 0) {
        scratch->line[h] = x;
    }
    if (rest > 1 && rest + 1 < grouping->cycles) {
        scratch->group[h].im += square;
        return;
    }
    const uint32_t order = rest > 1 ? h + 1 : h;
    if (order > 0) {
        scratch->group[order].re += square;
    } else if (rest == 0) {
        scratch->group[0].re = x.re * x.re * 0.5F;
    }
}

/* Every `apart`-th bin from `first` on: those of z, or, of bins above the middle, the conjugates
 * of those from the last on. */
static void gather(struct scratch *scratch, const struct wk_lanes_grouping *grouping,
                   uint32_t first, uint32_t apart)
{
    const uint32_t end = (grouping->orders + 1U) * grouping->cycles - 1;
    const bool mirrored = first > PARTS / 2;
    const struct bin *z = mirrored ? &scratch->z[BINS - 1] : scratch->z;
    uint32_t h = 0;
    uint32_t rest = first;
    for (uint32_t k = first; k < end; k += apart) {
        note(scratch, grouping, k, h, rest, (struct bin){z->re, mirrored ? -z->im : z->im});
        z += mirrored ? -1 : 1;
        rest += apart;
        if (rest >= grouping->cycles) {
            rest -= grouping->cycles;
            h++;
        }
    }
}

static void transform1(const void *points, uint8_t first,
                       const struct wk_lanes_grouping *grouping, float *work)
{
    const int16_t *x = (const int16_t *)points + (size_t)first * WK_RESAMPLE_POINTS;
    struct scratch *scratch = (struct scratch *)(void *)work;
    memset(scratch->group, 0, sizeof scratch->group);
    fold_real(x, scratch->z);
    transform(scratch->z);
    split(scratch->z);
    gather(scratch, grouping, 0, PARTS / 2);
    for (uint32_t r = 1; r < PARTS / 2; r++) {
        fold(x, r, scratch->z);
        transform(scratch->z);
        gather(scratch, grouping, r, PARTS);
        gather(scratch, grouping, PARTS - r, PARTS);
    }
}

static void group1(float *work, const struct wk_lanes_grouping *grouping)
{
    struct scratch *scratch = (struct scratch *)(void *)work;
    (void)grouping;
    memcpy(scratch->line, scratch->group, sizeof scratch->line);
}

const struct wk_lanes wk_lanes_one = {
    .lanes = 1,
    .packed = true,
    .take = take1,
    .points = points1,
    .halve = halve1,
    .transform = transform1,
    .group = group1,
};
