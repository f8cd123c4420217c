/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/flicker.h"

#include <string.h>

#define RATE_LEAST    400 /* values a second, or the sample rate if it is lower */
#define CLASS_RATE    109 /* most classified values a second: 65,535 in 10 minutes */
#define BLOCK         64  /* values averaged before they adapt the mean square */
#define ADAPT_S       27.3F
#define SETTLE_S      30.0F
#define SMOOTH_S      0.3F
#define HIGH_PASS_HZ  0.05F
#define TURN          6.28318530718F
#define CLASSES_LOG2  4  /* per octave */
#define CLASS_LEAST   -6 /* log2 of the first class's lower end */
#define MANTISSA_LOG2 23
#define EXPONENT_BIAS 127
/* The square of a voltage modulated by 0.25 % peak to peak, which is just perceived at 8.8 Hz with
 * the lamp of 230 V, swings by +-0.25 %; the mean of that squared is to be 1. The rest brings the
 * rows of the table Pst = 1 nearest to 1 on the whole; Pinst of 8.8 Hz then shows 1.00 to 1.02. */
#define GAIN        (2 / (0.0025F * 0.0025F) / 1.0335F)
#define WARP        0.6F
#define PERCENTILES 15

/* A section (b2 s^2 + b1 s + b0) / (s^2 + a1 s + a0) at an angular frequency of 1. */
struct shape {
    float b1;
    float b0;
    float a1;
    float a0;
};

/* Butterworth's low pass of the sixth order. */
static const struct shape k_low_pass[3] = {
    {0, 1, 1.93185165F, 1},
    {0, 1, 1.41421356F, 1},
    {0, 1, 0.51763809F, 1},
};

/* Weighting of a lamp and the eye (Ed. 2, table 1), frequencies in Hz:
 * k w1 s / (s^2 + 2 lambda s + w1^2), and (1 + s / w2) / ((1 + s / w3) (1 + s / w4)). */
#define WEIGHTING(k, lambda, w1, w2, w3, w4)                                                   \
    {                                                                                          \
        {(k) * (w1), 0, 2 * (lambda), (w1) * (w1)},                                            \
            {(w3) * (w4) / (w2), (w3) * (w4), (w3) + (w4), (w3) * (w4)},                       \
    }

static const struct shape k_weighting[][2] = {
    [WK_FLICKER_LAMP_230_V] =
        WEIGHTING(1.74802F, 4.05981F, 9.15494F, 2.27979F, 1.22535F, 21.9F),
    [WK_FLICKER_LAMP_120_V] =
        WEIGHTING(1.6357F, 4.167375F, 9.077169F, 2.939902F, 1.394468F, 17.31512F),
};

/* How much the levels exceeded for a share of the time count in Pst^2: P0.1, P1s, P3s, P10s and
 * P50s with the levels they are the means of (Ed. 2, 5.7.2). */
static const struct {
    uint16_t per_mille;
    uint16_t weight_ppm;
} k_levels[PERCENTILES] = {
    {1, 31400},   {7, 17500},   {10, 17500},  {15, 17500},  {22, 21900},
    {30, 21900},  {40, 21900},  {60, 56000},  {80, 56000},  {100, 56000},
    {130, 56000}, {170, 56000}, {300, 26667}, {500, 26667}, {800, 26667},
};

/* ---- design of the filters --------------------------------------------------------------- */

/* Bilinear transformation of sections at `w`, s = (z - 1) / (z + 1): angular frequencies are in
 * units of twice the rate. The first lifts by `droop` times w^2. */
static void design(struct wk_flicker_section *section, const struct shape *shape, size_t count,
                   float w, float droop)
{
    const float ww = w * w;
    float b2 = -droop * ww;
    for (size_t i = 0; i < count; i++, shape++, section++) {
        const float b1 = shape->b1 * w;
        const float b0 = shape->b0 * ww;
        const float a1 = shape->a1 * w;
        const float a0 = shape->a0 * ww;
        const float per = 1 / (1 + a1 + a0);
        section->b[0] = (b2 + b1 + b0) * per;
        section->b[1] = 2 * (b0 - b2) * per;
        section->b[2] = (b2 - b1 + b0) * per;
        section->a[0] = 2 * (a0 - 1) * per;
        section->a[1] = (1 - a1 + a0) * per;
        b2 = 0;
    }
}

/* tan(w), w below 0.25: where the transformation takes it from. */
static float warped(float w)
{
    const float xx = w * w;
    return w * (1 + xx * (1.0F / 3 + xx * (2.0F / 15 + xx * (17.0F / 315))));
}

wk_err wk_flicker_init(struct wk_flicker *flicker, const struct wk_sample_map *map,
                       int64_t rate_uhz, wk_flicker_lamp lamp, int32_t nominal_uhz)
{
    WK_TRY(rate_uhz >= WK_SAMPLE_RATE_LEAST_UHZ && rate_uhz <= WK_SAMPLE_RATE_MOST_UHZ
               ? WK_OK
               : WK_E_RANGE);
    memset(flicker, 0, sizeof *flicker);
    flicker->channels = map->channels;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_U + phase];
        if (slot->present) {
            flicker->present |= (uint8_t)(1U << phase);
            flicker->index[phase] = slot->index;
            flicker->offset[phase] = slot->offset;
        }
    }
    const int64_t factor = rate_uhz / (RATE_LEAST * INT64_C(1000000));
    flicker->factor = (uint16_t)factor;
    flicker->per_value = 1 / (float)(factor * factor);
    const float rate_hz = (float)rate_uhz * 1e-6F / (float)factor;
    const float per_hz = TURN / 2 / rate_hz;
    /* The averages droop by (1 - 1 / factor^2) / 3, the transformed weighting by WARP. */
    const float droop = (1 - flicker->per_value) / 3 + WARP;
    const float cut_hz = nominal_uhz == 60000000 ? 42 : 35;
    design(&flicker->section[0], k_low_pass, 3, warped(cut_hz * per_hz), droop);
    design(&flicker->section[3], k_weighting[lamp], 2, per_hz, 0);
    flicker->gain = GAIN;
    flicker->high = TURN * HIGH_PASS_HZ / rate_hz;
    flicker->smooth = 1 / (SMOOTH_S * rate_hz);
    flicker->adapt = BLOCK / (ADAPT_S * rate_hz);
    flicker->pace = (uint16_t)(1 + (int)(rate_hz / CLASS_RATE));
    flicker->until = flicker->pace;
    flicker->settle = (uint32_t)(SETTLE_S * rate_hz);
    flicker->settling = flicker->settle;
    return WK_OK;
}

/* ---- one value --------------------------------------------------------------------------- */

/* The mean square follows with 27.3 s; at the start it is the mean of what there was. */
static void adapt(struct wk_flicker *flicker)
{
    flicker->block = 0;
    const float first = 1 / (float)(flicker->blocks + 1);
    const bool starting = first > flicker->adapt;
    const float share = starting ? first : flicker->adapt;
    flicker->blocks = (uint16_t)(flicker->blocks + (starting ? 1 : 0));
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        const float now = flicker->block_sum[lane] * (flicker->per_value / BLOCK);
        flicker->mean[lane] += share * (now - flicker->mean[lane]);
        flicker->block_sum[lane] = 0;
        flicker->scale[lane] =
            flicker->mean[lane] > 1 ? flicker->per_value / flicker->mean[lane] : 0;
    }
}

static void run_section(const struct wk_flicker_section *section,
                        struct wk_flicker_state *restrict state,
                        float x[restrict WK_FLICKER_LANES])
{
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        const float in = x[lane];
        const float out = section->b[0] * in + state->first[lane];
        state->first[lane] = section->b[1] * in - section->a[0] * out + state->second[lane];
        state->second[lane] = section->b[2] * in - section->a[1] * out;
        x[lane] = out;
    }
}

static void classify(struct wk_flicker *flicker)
{
    const uint32_t least = (uint32_t)(EXPONENT_BIAS + CLASS_LEAST) << CLASSES_LOG2;
    const bool first = flicker->classified == 0;
    flicker->until = flicker->pace;
    flicker->classified++;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const float pinst = flicker->pinst[phase];
        uint32_t bits;
        memcpy(&bits, &pinst, sizeof bits);
        bits >>= MANTISSA_LOG2 - CLASSES_LOG2;
        const uint32_t at = bits > least ? bits - least : 0;
        uint16_t *count =
            &flicker->count[phase][at < WK_FLICKER_CLASSES ? at : WK_FLICKER_CLASSES - 1];
        *count = (uint16_t)(*count < UINT16_MAX ? *count + 1 : UINT16_MAX);
        if (first || pinst < flicker->least[phase]) {
            flicker->least[phase] = pinst;
        }
        if (first || pinst > flicker->most[phase]) {
            flicker->most[phase] = pinst;
        }
    }
}

/* Sensation from the squared voltage of all lanes. */
static void sense(struct wk_flicker *flicker, float x[WK_FLICKER_LANES])
{
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        flicker->block_sum[lane] += x[lane];
        const float relative =
            flicker->scale[lane] > 0 ? x[lane] * flicker->scale[lane] - 1 : 0;
        flicker->level[lane] += flicker->high * (relative - flicker->level[lane]);
        x[lane] = relative - flicker->level[lane];
    }
    for (int i = 0; i < WK_FLICKER_SECTIONS; i++) {
        run_section(&flicker->section[i], &flicker->state[i], x);
    }
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        const float square = x[lane] * x[lane] * flicker->gain;
        flicker->pinst[lane] += flicker->smooth * (square - flicker->pinst[lane]);
    }
    if (++flicker->block == BLOCK) {
        adapt(flicker);
    }
    if (flicker->settling > 0) {
        flicker->settling--;
        return;
    }
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        const float pinst = flicker->pinst[lane];
        flicker->pinst_max[lane] =
            pinst > flicker->pinst_max[lane] ? pinst : flicker->pinst_max[lane];
    }
    if (--flicker->until == 0) {
        classify(flicker);
    }
}

/* A block of samples has ended: its weights fall, those of the block before have risen. */
static void end_block(struct wk_flicker *flicker)
{
    float x[WK_FLICKER_LANES] = {0};
    const float weights = (float)(flicker->factor + 1);
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        const float once = flicker->once[lane];
        const float twice = flicker->twice[lane];
        x[lane] = flicker->late[lane] + twice - once;
        flicker->late[lane] = weights * once - twice;
        flicker->once[lane] = 0;
        flicker->twice[lane] = 0;
    }
    flicker->taken = 0;
    sense(flicker, x);
}

/* ---- samples ----------------------------------------------------------------------------- */

static void add_limited(struct wk_flicker *flicker, const int32_t *frame, size_t frames)
{
    float weight = (float)(flicker->factor - flicker->taken);
    for (size_t n = 0; n < frames; n++, frame += flicker->channels) {
        for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
            const float value =
                (float)wk_sample_limited(frame[flicker->index[phase]], flicker->offset[phase]);
            flicker->once[phase] += value * value;
            flicker->twice[phase] += weight * value * value;
        }
        weight -= 1;
    }
}

void wk_flicker_feed(struct wk_flicker *flicker, const int32_t *counts, size_t frames)
{
    while (frames > 0) {
        const size_t left = (size_t)(flicker->factor - flicker->taken);
        const size_t now = frames < left ? frames : left;
        if (!wk_flicker_sums_add(flicker, counts, now)) {
            add_limited(flicker, counts, now);
        }
        counts += now * flicker->channels;
        frames -= now;
        flicker->taken = (uint16_t)(flicker->taken + now);
        if (flicker->taken == flicker->factor) {
            end_block(flicker);
        }
    }
}

bool wk_flicker_is_settled(const struct wk_flicker *flicker)
{
    return flicker->settling == 0;
}

void wk_flicker_gap(struct wk_flicker *flicker)
{
    memset(flicker->passing, 0, sizeof flicker->passing);
    flicker->taken = 0;
    flicker->settling = flicker->settle;
}

/* ---- statistics -------------------------------------------------------------------------- */

void wk_flicker_take_pinst(struct wk_flicker *flicker, float pinst_max[WK_RECORD_PHASES])
{
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const bool present = (flicker->present & (1U << phase)) != 0;
        pinst_max[phase] = present ? flicker->pinst_max[phase] : 0;
        flicker->pinst_max[phase] = 0;
    }
}

/* The lower end of a class. */
static float level_of(uint32_t class)
{
    const uint32_t least = (uint32_t)(EXPONENT_BIAS + CLASS_LEAST) << CLASSES_LOG2;
    const uint32_t bits = (least + class) << (MANTISSA_LOG2 - CLASSES_LOG2);
    float level;
    memcpy(&level, &bits, sizeof level);
    return level;
}

/* Pst from the classes of a voltage: the levels are found on the way down from the top. */
static float pst_of(const struct wk_flicker *flicker, int phase)
{
    const uint16_t *count = flicker->count[phase];
    float sum = 0;
    uint32_t above = 0;
    uint32_t class = WK_FLICKER_CLASSES;
    for (int i = 0; i < PERCENTILES; i++) {
        const float due = (float)k_levels[i].per_mille * 1e-3F * (float)flicker->classified;
        while (class > 0 && (float)(above + count[class - 1]) < due) {
            class --;
            above += count[class];
        }
        if (class == 0) {
            break;
        }
        const float top = level_of(class);
        const float bottom = class > 1 ? level_of(class - 1) : 0;
        const float high = top < flicker->most[phase] ? top : flicker->most[phase];
        const float low = bottom > flicker->least[phase] ? bottom : flicker->least[phase];
        const float share = (due - (float)above) / (float)count[class - 1];
        sum += (float)k_levels[i].weight_ppm * 1e-6F * (high - share * (high - low));
    }
    return __builtin_sqrtf(sum);
}

bool wk_flicker_take_pst(struct wk_flicker *flicker, float pst[WK_RECORD_PHASES])
{
    const bool any = flicker->classified > 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const bool shown = any && (flicker->present & (1U << phase)) != 0;
        pst[phase] = shown ? pst_of(flicker, phase) : 0;
        flicker->cubes[phase] += pst[phase] * pst[phase] * pst[phase];
    }
    memset(flicker->count, 0, sizeof flicker->count);
    flicker->classified = 0;
    flicker->psts = (uint16_t)(flicker->psts + (any ? 1 : 0));
    return any;
}

/* Newton's method from an estimate by the exponent; 3 steps reach the precision of a float. */
static float cube_root(float cube)
{
    if (!(cube > 0)) {
        return 0;
    }
    uint32_t bits;
    float root;
    memcpy(&bits, &cube, sizeof bits);
    bits = bits / 3 + UINT32_C(709921077);
    memcpy(&root, &bits, sizeof root);
    for (int i = 0; i < 3; i++) {
        root = (2 * root + cube / (root * root)) / 3;
    }
    return root;
}

float wk_flicker_cubic_mean(float cubes, uint32_t count)
{
    return count > 0 ? cube_root(cubes / (float)count) : 0;
}

bool wk_flicker_take_plt(struct wk_flicker *flicker, float plt[WK_RECORD_PHASES])
{
    const bool any = flicker->psts > 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        plt[phase] = any ? wk_flicker_cubic_mean(flicker->cubes[phase], flicker->psts) : 0;
        flicker->cubes[phase] = 0;
    }
    flicker->psts = 0;
    return any;
}
