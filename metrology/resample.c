/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/resample.h"

#include <string.h>

#include "base/wide.h"
#include "metrology/cycle.h"
#include "metrology/lanes.h"
#include "metrology/spectrum_table.h"

#define HALF_TAPS   8.0F /* reach of a kernel that is not stretched */
#define FULL        32766.0F
#define HEADROOM    1.1F     /* a signal may grow so much before the scale is halved */
#define LIMIT_COUNT 20971520 /* 1.25 * 2^24: no count less offset is larger */
#define LEAST_PEAK  0.25F    /* square of half a count: silence is scaled no further */
#define ORDER_MOST  50.5F    /* upper edge of what must not be disturbed, in orders */
#define STOP        0.61F    /* from here on the kernel lets nothing pass, per sample width */
#define NYQUIST     0.49F    /* what little lies above it in the input is left as it is */
#define SPARE       8        /* frames of history beyond the reach */
#define ROOM        88 /* frames that come between two moves of the history, if it is so long */

/* ---- the kernel -------------------------------------------------------------------------- */

/* How far the kernel must be stretched so that frequencies that would fold into the orders are
 * attenuated; `spacing` of the points in samples. */
static float stretch_of(float spacing, uint8_t cycles)
{
    const float per_order = (float)cycles / (float)WK_RESAMPLE_POINTS;
    const float folds = (1.0F - ORDER_MOST * per_order) / spacing; /* of the sample rate */
    if (folds >= NYQUIST) {
        return 1.0F;
    }
    const float stretch = STOP / folds;
    const float most = (float)WK_RESAMPLE_REACH / HALF_TAPS;
    return stretch < 1.0F ? 1.0F : stretch > most ? most : stretch;
}

static uint16_t reach_of(float stretch)
{
    const float reach = stretch * HALF_TAPS;
    const uint16_t whole = (uint16_t)reach;
    return (uint16_t)(whole + ((float)whole < reach ? 1 : 0));
}

/* The largest reach at a sample rate: that of the lowest frequency with the most cycles. */
static uint16_t reach_most(int64_t rate_uhz)
{
    const float period = (float)rate_uhz / (float)WK_CYCLE_LEAST_UHZ;
    const float spacing = 12.0F * period / (float)WK_RESAMPLE_POINTS;
    return reach_of(stretch_of(spacing, 12));
}

/* The weight at `t` sample widths from the middle of the kernel. */
static float weight_at(float t)
{
    const float from_edge = t + (float)WK_SPECTRUM_TABLE_PIECES;
    if (from_edge < 0 || from_edge >= (float)WK_RESAMPLE_TAPS) {
        return 0;
    }
    const size_t m = (size_t)from_edge;
    const bool mirrored = m >= WK_SPECTRUM_TABLE_PIECES;
    const size_t piece = mirrored ? WK_RESAMPLE_TAPS - 1 - m : m;
    const float u = (0.5F - (from_edge - (float)m)) * (mirrored ? -1.0F : 1.0F);
    float weight = 0;
    for (int power = WK_SPECTRUM_TABLE_TERMS - 1; power >= 0; power--) {
        weight = weight * u + wk_spectrum_table_kernel[power][piece];
    }
    return weight;
}

void wk_resample_weigh(const struct wk_resample *resample, float u,
                       float low[WK_RESAMPLE_REACH], float high[WK_RESAMPLE_REACH])
{
    const float per = 1.0F / resample->stretch;
    const int reach = resample->reach;
    for (int m = 0; m < reach; m++) {
        low[m] = per * weight_at(((float)(m + 1 - reach) - 0.5F - u) * per);
        high[m] = per * weight_at(((float)(reach - m) - 0.5F - u) * per);
    }
}

/* ---- begin and end ----------------------------------------------------------------------- */

size_t wk_resample_frames(int64_t rate_uhz)
{
    return 2 * (size_t)reach_most(rate_uhz) + 3 * SPARE;
}

wk_err wk_resample_init(struct wk_resample *resample, const struct wk_sample_map *map,
                        int64_t rate_uhz, void *points, float (*history)[WK_HAL_CHANNELS],
                        size_t capacity)
{
    const size_t least = wk_resample_frames(rate_uhz);
    if (capacity < least) {
        return WK_E_FULL;
    }
    *resample = (struct wk_resample){
        .channels = map->channels,
        .reach_most = reach_most(rate_uhz),
        .rate_uhz = rate_uhz,
        .points = points,
        .history = history,
        .capacity = capacity,
        .usual = capacity < least + ROOM ? capacity : least + ROOM,
        .hold = UINT64_MAX,
    };
    memcpy(resample->offset, map->offset, sizeof resample->offset);
    memset(history, 0, capacity * sizeof history[0]);
    return WK_OK;
}

void wk_resample_clear(struct wk_resample *resample, uint64_t at)
{
    resample->running = false;
    resample->fill = 0;
    resample->first = at;
    resample->hold = UINT64_MAX;
}

void wk_resample_hold(struct wk_resample *resample, uint64_t at)
{
    const uint64_t reach = (uint64_t)resample->reach_most + SPARE;
    resample->hold = at > reach ? at - reach : 0;
}

void wk_resample_mark(struct wk_resample *resample)
{
    for (size_t c = 0; c < WK_HAL_CHANNELS; c++) {
        resample->last_square[c] = resample->peak_square[c];
        resample->peak_square[c] = 0;
        resample->square[c] = 0;
    }
    resample->frames = 0;
}

/* The largest sample of late, whose points must fit. */
static float peak_of(const struct wk_resample *resample, size_t c)
{
    const float now = resample->peak_square[c];
    const float last = resample->last_square[c];
    const float square = now > last ? now : last;
    return __builtin_sqrtf(square > LEAST_PEAK ? square : LEAST_PEAK);
}

bool wk_resample_begin(struct wk_resample *resample, uint64_t at_q16, uint64_t step,
                       uint8_t cycles)
{
    /* an oscillator is slower than half a turn per sample, so its step fits an int64 */
    const uint64_t frames_q32 = (uint64_t)wk_i128_ratio(cycles, 1, 96, (int64_t)step);
    resample->spacing_q32 = frames_q32 / WK_RESAMPLE_POINTS;
    resample->stretch = stretch_of((float)resample->spacing_q32 * 0x1p-32F, cycles);
    resample->reach = reach_of(resample->stretch);
    resample->count = 0;
    resample->hold = UINT64_MAX;
    const uint64_t needed = (resample->first + resample->reach - 1) << 16;
    resample->running = at_q16 >= needed;
    if (!resample->running) {
        return false;
    }
    resample->next_q32 = (at_q16 - (resample->first << 16)) << 16;
    for (size_t c = 0; c < resample->channels; c++) {
        resample->scale[c] = FULL / (WK_RESAMPLE_GAIN * HEADROOM * peak_of(resample, c));
    }
    return true;
}

/* ---- frames ------------------------------------------------------------------------------ */

/* Drops what no point will need any more: the next window may begin at the newest frame, and
 * with a somewhat larger reach than the present one. */
static void slide(struct wk_resample *resample)
{
    const size_t keep = (size_t)resample->reach_most + SPARE;
    size_t from = resample->fill > keep ? resample->fill - keep : 0;
    if (resample->running) {
        const size_t last = (size_t)resample->reach + SPARE;
        const size_t next = (size_t)(resample->next_q32 >> 32);
        const size_t needed = next > last ? next - last : 0;
        from = needed < from ? needed : from;
    }
    if (resample->hold < resample->first + from) {
        const bool is_inside = resample->hold > resample->first;
        const size_t held = is_inside ? (size_t)(resample->hold - resample->first) : 0;
        const bool is_full = held == 0 && resample->fill == resample->capacity;
        resample->hold = is_full ? UINT64_MAX : resample->hold; /* too much to keep */
        from = is_full ? from : held;
    }
    if (resample->running) {
        resample->next_q32 -= (uint64_t)from << 32;
    }
    resample->fill -= from;
    resample->first += from;
    const float *source = resample->history[from];
    float *target = resample->history[0];
    const size_t count = resample->fill * WK_HAL_CHANNELS;
    for (size_t i = 0; from != 0 && i < count; i++) {
        target[i] = source[i];
    }
}

/* Enters the sums of new frames, and makes room for points of their size. */
static void note(struct wk_resample *resample, const struct wk_lanes *lanes,
                 const float peak_square[WK_HAL_CHANNELS], const float square[WK_HAL_CHANNELS])
{
    for (size_t c = 0; c < resample->channels; c++) {
        resample->square[c] += square[c];
        if (peak_square[c] <= resample->peak_square[c]) {
            continue;
        }
        resample->peak_square[c] = peak_square[c];
        const float largest = WK_RESAMPLE_GAIN * __builtin_sqrtf(peak_square[c]);
        while (resample->running && largest * resample->scale[c] > FULL) {
            resample->scale[c] /= 2;
            lanes->halve(resample, (uint8_t)c);
        }
    }
}

static bool is_sound(const struct wk_resample *resample,
                     const float peak_square[WK_HAL_CHANNELS])
{
    const float most = (float)LIMIT_COUNT * (float)LIMIT_COUNT;
    for (size_t c = 0; c < resample->channels; c++) {
        if (peak_square[c] > most) {
            return false;
        }
    }
    return true;
}

/* A frame some of whose counts may be none, or larger than any may be. */
static void take_limited(struct wk_resample *resample, const struct wk_lanes *lanes,
                         const int32_t *frame)
{
    int32_t limited[WK_HAL_CHANNELS];
    float peak_square[WK_HAL_CHANNELS];
    float square[WK_HAL_CHANNELS];
    for (size_t c = 0; c < resample->channels; c++) {
        limited[c] = wk_sample_limited(frame[c], resample->offset[c]) + resample->offset[c];
    }
    lanes->take(resample, limited, 1, peak_square, square);
    note(resample, lanes, peak_square, square);
}

/* Short as long as it can be, so that it stays in the cache. */
static size_t room_of(const struct wk_resample *resample)
{
    const bool is_usual = resample->hold == UINT64_MAX && resample->fill <= resample->usual;
    return (is_usual ? resample->usual : resample->capacity) - resample->fill;
}

static void take(struct wk_resample *resample, const struct wk_lanes *lanes,
                 const int32_t *counts, size_t frames)
{
    float peak_square[WK_HAL_CHANNELS];
    float square[WK_HAL_CHANNELS];
    lanes->take(resample, counts, frames, peak_square, square);
    if (is_sound(resample, peak_square)) {
        note(resample, lanes, peak_square, square);
    } else {
        resample->fill -= frames;
        for (size_t n = 0; n < frames; n++) {
            take_limited(resample, lanes, counts + n * resample->channels);
        }
    }
    resample->frames += (uint32_t)frames;
}

void wk_resample_run(struct wk_resample *resample, const struct wk_lanes *lanes)
{
    if (resample->running) {
        lanes->points(resample);
    }
}

size_t wk_resample_feed(struct wk_resample *resample, const struct wk_lanes *lanes,
                        const int32_t *counts, size_t frames)
{
    size_t taken = 0;
    wk_resample_run(resample, lanes);
    while (taken < frames && !(resample->running && resample->count == WK_RESAMPLE_POINTS)) {
        if (room_of(resample) < frames - taken) {
            slide(resample);
        }
        const size_t room = room_of(resample);
        const size_t now = frames - taken < room ? frames - taken : room;
        if (now == 0) {
            break;
        }
        take(resample, lanes, counts + taken * resample->channels, now);
        wk_resample_run(resample, lanes);
        taken += now;
    }
    return taken;
}
