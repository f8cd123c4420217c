/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quality.h"

#include "metrology/quality_edge.h"
#include "metrology/quality_sums.h"

#define PPM       1000000
#define PPM_MOST  2000000
#define HALF_TURN (UINT64_C(1) << 63)
#define QUARTER   (UINT64_C(1) << 62)
#define THIRD     UINT64_C(6148914691236517205)
#define MOST_V    2147000.0F /* more has no place in mV */
#define ONE_Q16   65536
#define SLEW      ((int64_t)(HALF_TURN >> 8)) /* per half cycle: Urms errs by 0.2 % */
#define LAST      (WK_QUALITY_HALVES - 1)
#define RETUNED   500 /* 0.2 %: what was measured before had no whole cycles */

/* What begins, ends and drives each kind. */
struct kind {
    bool above;     /* beyond the threshold means above it */
    bool all_begin; /* all voltages must be beyond it to begin; one suffices to end */
    wk_record_event_kind begin;
    wk_record_event_kind end;
};

static const struct kind k_kinds[WK_QUALITY_KINDS] = {
    [WK_QUALITY_DIP] = {false, false, WK_RECORD_DIP_BEGIN, WK_RECORD_DIP_END},
    [WK_QUALITY_SWELL] = {true, false, WK_RECORD_SWELL_BEGIN, WK_RECORD_SWELL_END},
    [WK_QUALITY_INTERRUPTION] = {false, true, WK_RECORD_INTERRUPTION_BEGIN,
                                 WK_RECORD_INTERRUPTION_END},
};

struct wk_quality_config wk_quality_usual(int32_t nominal_mv)
{
    return (struct wk_quality_config){
        .nominal_mv = nominal_mv,
        .dip_ppm = 900000,
        .swell_ppm = 1100000,
        .interruption_ppm = 50000,
        .hysteresis_ppm = 20000,
    };
}

static wk_err check(const struct wk_quality_config *config)
{
    const bool ordered = config->interruption_ppm > 0 &&
                         config->interruption_ppm < config->dip_ppm && config->dip_ppm < PPM &&
                         config->swell_ppm > PPM && config->swell_ppm <= PPM_MOST;
    const bool narrow = config->hysteresis_ppm >= 0 && config->hysteresis_ppm <= PPM / 10;
    return config->nominal_mv >= 0 && ordered && narrow ? WK_OK : WK_E_RANGE;
}

static float square_of(const struct wk_quality_config *config, int32_t ppm)
{
    const float v = (float)config->nominal_mv * 1e-3F * ((float)ppm * 1e-6F);
    return v * v;
}

wk_err wk_quality_init(struct wk_quality *quality, const struct wk_sample_map *map,
                       const struct wk_quality_config *config, bool dc_blocked)
{
    WK_TRY(check(config));
    *quality = (struct wk_quality){
        .config = *config,
        .dc_blocked = dc_blocked,
        .channels = map->channels,
    };
    const int32_t enter[WK_QUALITY_KINDS] = {config->dip_ppm, config->swell_ppm,
                                             config->interruption_ppm};
    for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
        const int32_t back =
            k_kinds[kind].above ? -config->hysteresis_ppm : config->hysteresis_ppm;
        quality->enter_v2[kind] = square_of(config, enter[kind]);
        quality->leave_v2[kind] = square_of(config, enter[kind] + back);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_U + phase];
        if (config->nominal_mv != 0 && slot->present) {
            /* Until a window has ended, the voltages are taken to be 120 degrees apart. */
            const uint64_t since = QUARTER - (uint64_t)phase * THIRD;
            quality->voltage[phase].ahead = HALF_TURN - (since & (HALF_TURN - 1));
            quality->present |= (uint8_t)(1U << phase);
            quality->index[phase] = slot->index;
            quality->offset[phase] = slot->offset;
            quality->voltage[phase].v = __builtin_fabsf(wk_sample_unit(slot));
        }
    }
    return WK_OK;
}

/* ---- crossings --------------------------------------------------------------------------- */

static void plan(struct wk_quality *quality, uint64_t step)
{
    quality->step = step;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        quality->voltage[phase].run = (size_t)(quality->voltage[phase].ahead / step);
    }
}

/* After a crossing that lies `late` turns before the next sample: where the next one is. A
 * correction is made in small parts, so that no half cycle is much too long or too short. */
static void begin_half(struct wk_quality_voltage *voltage, uint64_t late, uint64_t step)
{
    const int64_t part = voltage->off > SLEW    ? SLEW
                         : voltage->off < -SLEW ? -SLEW
                                                : voltage->off;
    voltage->off -= part;
    voltage->ahead = HALF_TURN - late - (uint64_t)part;
    voltage->run = (size_t)(voltage->ahead / step);
}

/* ---- half cycles ------------------------------------------------------------------------- */

/* A count less its offset, limited; 0 and false if there is none. */
static bool value_of(const struct wk_quality *quality, int phase, const int32_t *frame,
                     int32_t *value)
{
    const int32_t count = frame[quality->index[phase]];
    *value = wk_sample_limited(count, quality->offset[phase]);
    return count != WK_HAL_NO_COUNT;
}

static uint64_t square(int32_t value)
{
    return (uint64_t)((int64_t)value * value);
}

/* Any frames; a voltage without a value is marked so. */
static void sum_limited(struct wk_quality *quality, const int32_t *frame, size_t frames,
                        int64_t x[WK_RECORD_PHASES], uint64_t xx[WK_RECORD_PHASES])
{
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const int32_t *at = frame;
        x[phase] = 0;
        xx[phase] = 0;
        for (size_t n = 0; n < frames; n++, at += quality->channels) {
            int32_t value;
            if (!value_of(quality, phase, at, &value)) {
                quality->voltage[phase].valid = false;
                quality->disturbed = true;
            }
            x[phase] += value;
            xx[phase] += square(value);
        }
    }
}

static void add_frames(struct wk_quality *quality, const int32_t *counts, size_t frames)
{
    int64_t x[WK_RECORD_PHASES];
    uint64_t xx[WK_RECORD_PHASES];
    const uint64_t turns = quality->step * frames;
    if (!wk_quality_sums(quality, counts, frames, x, xx)) {
        sum_limited(quality, counts, frames, x, xx);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        struct wk_quality_voltage *voltage = &quality->voltage[phase];
        voltage->x += x[phase];
        voltage->xx += xx[phase];
        voltage->run -= frames;
        voltage->ahead -= turns;
    }
    quality->at += frames;
}

/* Sum of (x - dc)^2 over a half cycle. */
static float squares_of(const struct wk_quality_half *half, float dc_v)
{
    return half->x_v2 - dc_v * (2 * half->x_v - dc_v * half->frames);
}

/* The half cycle that ended at end_q16 becomes the newest. */
static void keep_half(struct wk_quality_voltage *voltage, uint64_t end_q16)
{
    for (int i = 1; i < WK_QUALITY_HALVES; i++) {
        voltage->half[i - 1] = voltage->half[i];
    }
    struct wk_quality_half *half = &voltage->half[LAST];
    const uint64_t begin_q16 = half->end_q16;
    half->valid = voltage->valid;
    half->end_q16 = end_q16;
    half->frames = (float)(end_q16 - begin_q16) * (1.0F / ONE_Q16);
    half->x_v = (float)voltage->x * voltage->v;
    half->x_v2 = (float)voltage->xx * (voltage->v * voltage->v);
    half->mean_v2 = 0;
}

/* Urms(1/2) from the last two half cycles; false if they are no whole cycle. */
static bool measure(const struct wk_quality *quality, struct wk_quality_voltage *voltage)
{
    const struct wk_quality_half *a = &voltage->half[LAST - 1];
    struct wk_quality_half *b = &voltage->half[LAST];
    if (!b->valid) {
        return false;
    }
    const float square_b = squares_of(b, voltage->dc_v);
    b->mean_v2 = square_b / b->frames;
    if (!a->valid || (quality->dc_blocked && !voltage->dc_known)) {
        return false;
    }
    const float square = squares_of(a, voltage->dc_v) + square_b;
    voltage->square_v2 = square > 0 ? square / (a->frames + b->frames) : 0;
    return true;
}

static int32_t millivolts(float square_v2)
{
    const float rms_v = __builtin_sqrtf(square_v2);
    return rms_v < MOST_V ? (int32_t)(rms_v * 1000 + 0.5F) : INT32_MAX;
}

/* value * early_q16 / 2^16, without overflow: a square has 52 bits. */
static uint64_t part_of(uint64_t value, uint32_t early_q16)
{
    return (value >> 16) * early_q16 + (((uint32_t)value & 0xFFFFU) * early_q16 >> 16);
}

/* One voltage takes the frame that holds its crossing, which is divided. */
static void cross(struct wk_quality *quality, int phase, const int32_t *frame,
                  struct wk_quality_marks *marks)
{
    struct wk_quality_voltage *voltage = &quality->voltage[phase];
    const uint64_t share = voltage->ahead / (quality->step >> 16);
    const uint32_t early_q16 = share < ONE_Q16 ? (uint32_t)share : ONE_Q16 - 1;
    const uint64_t begin_q16 = voltage->half[LAST - 1].end_q16;
    const uint64_t end_q16 = (quality->at << 16) + early_q16;
    int32_t x;
    const bool is_one = value_of(quality, phase, frame, &x);
    const int64_t early_x = ((int64_t)x * (int32_t)early_q16) >> 16;
    const uint64_t early_xx = part_of(square(x), early_q16);
    voltage->valid = voltage->valid && is_one;
    voltage->x += early_x;
    voltage->xx += early_xx;
    keep_half(voltage, end_q16);
    voltage->valid = is_one;
    voltage->x = x - early_x;
    voltage->xx = square(x) - early_xx;
    begin_half(voltage, quality->step - voltage->ahead, quality->step);
    if (measure(quality, voltage)) {
        quality->known |= (uint8_t)(1U << phase);
        marks->phases |= (uint8_t)(1U << phase);
        marks->urms_mv[phase] = millivolts(voltage->square_v2);
        marks->begin_q16[phase] = begin_q16;
        marks->end_q16[phase] = end_q16;
    }
}

/* The frame that holds the crossing of at least one voltage. */
static void cross_frame(struct wk_quality *quality, const int32_t *frame,
                        struct wk_quality_marks *marks)
{
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        struct wk_quality_voltage *voltage = &quality->voltage[phase];
        if ((quality->present & (1U << phase)) == 0) {
            continue;
        }
        if (voltage->run == 0) {
            cross(quality, phase, frame, marks);
            continue;
        }
        int32_t x;
        voltage->valid &= value_of(quality, phase, frame, &x);
        voltage->x += x;
        voltage->xx += square(x);
        voltage->ahead -= quality->step;
        voltage->run--;
    }
    quality->at++;
}

/* ---- events ------------------------------------------------------------------------------ */

static uint8_t beyond(const struct wk_quality *quality, int kind, bool leaving)
{
    const float limit = leaving ? quality->leave_v2[kind] : quality->enter_v2[kind];
    uint8_t phases = 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const float square = quality->voltage[phase].square_v2;
        const bool is_beyond = k_kinds[kind].above ? square > limit : square < limit;
        phases |= (uint8_t)(is_beyond ? 1U << phase : 0);
    }
    return phases & quality->known;
}

/* Keeps the extreme over the phases concerned. */
static void note_extreme(struct wk_quality *quality, int kind, uint8_t phases)
{
    struct wk_quality_watch *watch = &quality->watch[kind];
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if ((phases & (1U << phase)) == 0) {
            continue;
        }
        const int32_t rms_mv = millivolts(quality->voltage[phase].square_v2);
        const bool first = watch->phases == 0;
        const bool further =
            k_kinds[kind].above ? rms_mv > watch->extreme_mv : rms_mv < watch->extreme_mv;
        watch->extreme_mv = first || further ? rms_mv : watch->extreme_mv;
        watch->phases |= (uint8_t)(1U << phase);
    }
}

static struct wk_quality_event event_of(const struct wk_quality_watch *watch,
                                        wk_record_event_kind kind, uint64_t now_q16,
                                        uint64_t mark_q16)
{
    return (struct wk_quality_event){
        .kind = kind,
        .phases = watch->phases,
        .begin_q16 = watch->begin_q16,
        .now_q16 = now_q16 > watch->begin_q16 ? now_q16 : watch->begin_q16,
        .mark_q16 = mark_q16,
        .extreme_mv = watch->extreme_mv,
    };
}

/* One kind begins: `phase` is the voltage that did it. */
static struct wk_quality_event open_kind(struct wk_quality *quality, int kind, int phase,
                                         uint8_t phases, uint64_t mark_q16)
{
    struct wk_quality_watch *watch = &quality->watch[kind];
    *watch = (struct wk_quality_watch){
        .open = true,
        .begin_q16 = wk_quality_edge_begin_q16(&quality->voltage[phase]),
    };
    for (int i = 0; i < WK_RECORD_PHASES; i++) {
        watch->before_v2[i] = quality->voltage[i].half[0].mean_v2;
    }
    note_extreme(quality, kind, phases);
    quality->disturbed = true;
    return event_of(watch, k_kinds[kind].begin, watch->begin_q16, mark_q16);
}

/* One kind: begins, goes on or ends. Returns whether `event` was filled. */
static bool watch_kind(struct wk_quality *quality, int kind, int phase, uint64_t mark_q16,
                       struct wk_quality_event *event)
{
    struct wk_quality_watch *watch = &quality->watch[kind];
    const uint8_t phases = beyond(quality, kind, watch->open);
    const bool goes_on = k_kinds[kind].all_begin ? phases == quality->present : phases != 0;
    if (!watch->open && !goes_on) {
        return false;
    }
    if (!watch->open) {
        *event = open_kind(quality, kind, phase, phases, mark_q16);
        return true;
    }
    if (goes_on) {
        note_extreme(quality, kind, beyond(quality, kind, false));
        return false;
    }
    watch->open = false;
    const uint64_t end_q16 = wk_quality_edge_end_q16(
        &quality->voltage[phase], watch->before_v2[phase], k_kinds[kind].above);
    *event = event_of(watch, k_kinds[kind].end, end_q16, mark_q16);
    return true;
}

/* Nothing is in progress, and nothing begins: what nearly every crossing finds. */
static bool is_calm(const struct wk_quality *quality, uint8_t phases)
{
    bool calm = !wk_quality_is_open(quality);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const float square_v2 = quality->voltage[phase].square_v2;
        const bool within = square_v2 >= quality->enter_v2[WK_QUALITY_DIP] &&
                            square_v2 <= quality->enter_v2[WK_QUALITY_SWELL];
        calm = calm && (within || (phases & (1U << phase)) == 0);
    }
    return calm;
}

/* The crossings of one frame are looked at together; the last of them counts as the one that
 * began or ended an event. */
static void watch_marks(struct wk_quality *quality, struct wk_quality_marks *marks)
{
    int last = -1;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const bool later = (marks->phases & (1U << phase)) != 0 &&
                           (last < 0 || marks->end_q16[phase] >= marks->end_q16[last]);
        last = later ? phase : last;
    }
    for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
        const bool filled =
            watch_kind(quality, kind, last, marks->end_q16[last], &marks->event[marks->events]);
        marks->events = (uint8_t)(marks->events + (filled ? 1 : 0));
    }
}

/* ---- the whole --------------------------------------------------------------------------- */

size_t wk_quality_feed(struct wk_quality *quality, const int32_t *counts, size_t frames,
                       uint64_t step, struct wk_quality_marks *marks)
{
    size_t run = frames;
    marks->phases = 0;
    marks->events = 0;
    if (quality->present == 0) {
        quality->at += frames;
        return frames;
    }
    if (step != quality->step) {
        const uint64_t change =
            step > quality->step ? step - quality->step : quality->step - step;
        quality->disturbed = quality->disturbed || change > step / RETUNED;
        plan(quality, step);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const bool sooner =
            (quality->present & (1U << phase)) != 0 && quality->voltage[phase].run < run;
        run = sooner ? quality->voltage[phase].run : run;
    }
    add_frames(quality, counts, run);
    if (run == frames) {
        return frames;
    }
    cross_frame(quality, counts + run * quality->channels, marks);
    if (marks->phases != 0 && !is_calm(quality, marks->phases)) {
        watch_marks(quality, marks);
    }
    return run + 1;
}

void wk_quality_gap(struct wk_quality *quality, uint64_t frames)
{
    quality->at += frames;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        struct wk_quality_voltage *voltage = &quality->voltage[phase];
        const uint64_t since = HALF_TURN - voltage->ahead + quality->step * frames;
        voltage->ahead = HALF_TURN - (since & (HALF_TURN - 1));
        voltage->valid = false;
        voltage->x = 0;
        voltage->xx = 0;
    }
    if (quality->step != 0) {
        plan(quality, quality->step);
    }
}

void wk_quality_restart(struct wk_quality *quality)
{
    wk_quality_gap(quality, 0);
    quality->at = 0;
    for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
        quality->watch[kind].begin_q16 = 0;
    }
}

bool wk_quality_is_open(const struct wk_quality *quality)
{
    return quality->watch[WK_QUALITY_DIP].open || quality->watch[WK_QUALITY_SWELL].open ||
           quality->watch[WK_QUALITY_INTERRUPTION].open;
}
