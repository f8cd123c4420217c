/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/transient.h"

#include <string.h>

#define PPM          1000000
#define PEAK_BITS    12 /* the nominal peak is kept as 2^11 .. 2^12, if counts are as fine */
#define ROOT2_PPM    1414214
#define KEPT_MOST    INT16_MAX
#define HUSH_CYCLES  2
#define QUIET_PARTS  8  /* an end must last for this part of a cycle */
#define CHUNK        64 /* frames looked at together: less than any cycle's */
#define LOOK_PERCENT 75 /* of the threshold: no closer look below it */
#define PART_BITS    15
#define RETUNED      50 /* a change of the cycle by 1/50 needs a new one in memory */

struct wk_transient_config wk_transient_usual(int32_t nominal_mv)
{
    return (struct wk_transient_config){.nominal_mv = nominal_mv, .threshold_ppm = 250000};
}

static void init_lane(struct wk_transient_lane *lane, const struct wk_sample_slot *slot,
                      const struct wk_transient_config *config)
{
    const struct wk_scale milli =
        wk_scale_abs(wk_scale_of(slot->gain.mantissa, slot->gain.exponent + 3));
    const struct wk_scale peak_mv =
        wk_scale_mul(wk_scale_of(config->nominal_mv, 0), wk_scale_of(ROOT2_PPM, -6));
    const struct wk_scale peak = wk_scale_div(peak_mv, milli);
    const int64_t counts = wk_scale_apply(peak, 1);
    uint8_t shift = 0;
    while ((counts >> shift) >= 1 << PEAK_BITS) {
        shift++;
    }
    const struct wk_scale least = wk_scale_mul(peak, wk_scale_of(config->threshold_ppm, -6));
    const int64_t threshold = wk_scale_apply(least, 1) >> shift;
    *lane = (struct wk_transient_lane){
        .present = true,
        .index = slot->index,
        .shift = shift,
        .offset = slot->offset,
        .threshold = threshold < KEPT_MOST ? (int32_t)threshold : KEPT_MOST,
        .milli = wk_scale_mul(wk_scale_of(slot->gain.mantissa, slot->gain.exponent + 3),
                              wk_scale_of(INT64_C(1) << shift, 0)),
    };
}

static int16_t *lane_memory(const struct wk_transient *transient, int lane)
{
    return transient->memory + (size_t)lane * transient->entries;
}

wk_err wk_transient_init(struct wk_transient *transient, const struct wk_sample_map *map,
                         int64_t rate_uhz, const struct wk_transient_config *config,
                         int16_t *memory, size_t entries)
{
    const bool valid = config->nominal_mv >= 0 && config->threshold_ppm >= 50000 &&
                       config->threshold_ppm <= 2 * PPM && rate_uhz > 0 &&
                       rate_uhz <= WK_SAMPLE_RATE_MOST_UHZ;
    WK_TRY(valid ? WK_OK : WK_E_RANGE);
    const int64_t least = WK_TRANSIENT_ENTRIES(rate_uhz / 1000000);
    WK_TRY(entries >= (size_t)least ? WK_OK : WK_E_FULL);
    *transient = (struct wk_transient){
        .channels = map->channels,
        .entries = (uint32_t)(least / WK_RECORD_PHASES),
        .memory = memory,
    };
    for (int phase = 0; config->nominal_mv != 0 && phase < WK_RECORD_PHASES; phase++) {
        const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_U + phase];
        if (slot->present) {
            init_lane(&transient->lane[phase], slot, config);
        }
    }
    return WK_OK;
}

/* ---- time -------------------------------------------------------------------------------- */

void wk_transient_hush(struct wk_transient *transient)
{
    transient->open = false;
    transient->blind = HUSH_CYCLES * (transient->whole + 2);
}

void wk_transient_tune(struct wk_transient *transient, uint64_t step)
{
    const uint32_t before = transient->whole;
    const uint64_t whole = UINT64_MAX / step;
    const uint64_t most = transient->entries - 2;
    transient->whole = (uint32_t)(whole < most ? whole : most);
    transient->part_q15 = (int32_t)((UINT64_MAX - whole * step) / ((step >> PART_BITS) + 1));
    transient->longest = transient->whole / 2;
    transient->quiet = transient->whole / QUIET_PARTS + 1;
    const uint32_t off =
        before > transient->whole ? before - transient->whole : transient->whole - before;
    if (off > transient->whole / RETUNED) {
        wk_transient_hush(transient);
    }
}

void wk_transient_gap(struct wk_transient *transient, uint64_t frames)
{
    transient->at += frames;
    wk_transient_hush(transient);
}

/* ---- samples ----------------------------------------------------------------------------- */

static int16_t kept(const struct wk_transient_lane *lane, int32_t count)
{
    /* A count below the range stays below it: offsets have 22 bits. */
    const int32_t limited = count < -2 * WK_SAMPLE_COUNTS  ? -2 * WK_SAMPLE_COUNTS
                            : count > 2 * WK_SAMPLE_COUNTS ? 2 * WK_SAMPLE_COUNTS
                                                           : count;
    const int32_t value = (limited - lane->offset) >> lane->shift;
    return (int16_t)(value > KEPT_MOST ? KEPT_MOST : value < -KEPT_MOST ? -KEPT_MOST : value);
}

/* Slot of the sample `back` frames before the next one. */
static uint32_t slot_of(const struct wk_transient *transient, uint32_t back)
{
    return back <= transient->next ? transient->next - back
                                   : transient->next + transient->entries - back;
}

/* Largest distance between two rows. */
static int32_t farthest(const int16_t *restrict a, const int16_t *restrict b, size_t count)
{
    int32_t most = 0;
    for (size_t n = 0; n < count; n++) {
        const int32_t off = a[n] - b[n];
        const int32_t size = off < 0 ? -off : off;
        most = size > most ? size : most;
    }
    return most;
}

/* False if a value does not fit. */
static bool keep_row(const struct wk_transient_lane *lane, const int32_t *counts,
                     size_t channels, size_t frames, int16_t row[CHUNK])
{
    const uint32_t offset = (uint32_t)lane->offset;
    const uint8_t shift = lane->shift;
    const int32_t *count = counts + lane->index;
    uint32_t loud = 0;
    for (size_t n = 0; n < frames; n++, count += channels) {
        const int32_t value = (int32_t)((uint32_t)*count - offset) >> shift;
        row[n] = (int16_t)value;
        loud |= (uint32_t)value + KEPT_MOST;
    }
    return loud <= UINT16_MAX;
}

/* Frames of which memory has the cycle before and room for them, without a turn of the ring. */
static size_t straight(const struct wk_transient *transient, size_t frames)
{
    const uint32_t from = slot_of(transient, transient->whole);
    size_t now = frames < CHUNK ? frames : CHUNK;
    now = now < transient->whole ? now : transient->whole;
    now =
        now < transient->entries - transient->next ? now : transient->entries - transient->next;
    return now < transient->entries - from ? now : transient->entries - from;
}

static void pass(struct wk_transient *transient, size_t frames)
{
    transient->at += frames;
    transient->next += (uint32_t)frames;
    transient->next = transient->next == transient->entries ? 0 : transient->next;
}

/* Takes frames that are all near those of the cycle before, as whole samples; false, and nothing
 * is taken, if some need a closer look. */
static bool take_calm(struct wk_transient *transient, const int32_t *counts, size_t frames)
{
    const uint32_t from = slot_of(transient, transient->whole);
    int16_t row[WK_RECORD_PHASES][CHUNK];
    bool calm = true;
    for (int i = 0; calm && i < WK_RECORD_PHASES; i++) {
        const struct wk_transient_lane *lane = &transient->lane[i];
        if (lane->present) {
            const bool fits = keep_row(lane, counts, transient->channels, frames, row[i]);
            calm = transient->blind > 0 ||
                   (fits && farthest(row[i], lane_memory(transient, i) + from, frames) * 100 <
                                lane->threshold * LOOK_PERCENT);
        }
    }
    for (int i = 0; calm && i < WK_RECORD_PHASES; i++) {
        if (transient->lane[i].present) {
            memcpy(lane_memory(transient, i) + transient->next, row[i], frames * sizeof **row);
        }
    }
    return calm;
}

/* ---- one transient ----------------------------------------------------------------------- */

static void note(struct wk_transient *transient, int phase, int32_t departure)
{
    const int64_t exact_mv = wk_scale_apply(transient->lane[phase].milli, departure);
    const int32_t mv = exact_mv > INT32_MAX    ? INT32_MAX
                       : exact_mv < -INT32_MAX ? -INT32_MAX
                                               : (int32_t)exact_mv;
    const int32_t size = mv < 0 ? -mv : mv;
    const int32_t peak = transient->peak_mv < 0 ? -transient->peak_mv : transient->peak_mv;
    transient->phases |= (uint8_t)(1U << phase);
    transient->peak_mv = size > peak ? mv : transient->peak_mv;
}

/* Compares a sample with the cycle before, keeps it or, if it departs, what was expected. */
static bool departs(struct wk_transient *transient, int phase, const int32_t *frame)
{
    const struct wk_transient_lane *lane = &transient->lane[phase];
    int16_t *memory = lane_memory(transient, phase);
    const int32_t late = memory[slot_of(transient, transient->whole)];
    const int32_t early = memory[slot_of(transient, transient->whole + 1)];
    const int32_t expected = late + (((early - late) * transient->part_q15) >> PART_BITS);
    const int32_t count = frame[lane->index];
    const int32_t value = count != WK_HAL_NO_COUNT ? kept(lane, count) : expected;
    const int32_t off = value - expected;
    const int32_t limit = transient->open ? lane->threshold / 2 : lane->threshold;
    const bool is_far = off > limit || off < -limit;
    memory[transient->next] = (int16_t)(is_far ? expected : value);
    if (is_far) {
        note(transient, phase, off);
    }
    return is_far;
}

/* One frame; true if a transient is over. */
static bool take_frame(struct wk_transient *transient, const int32_t *frame,
                       struct wk_transient_event *event)
{
    bool any = false;
    if (!transient->open) {
        transient->phases = 0;
        transient->peak_mv = 0;
    }
    for (int i = 0; i < WK_RECORD_PHASES; i++) {
        any = (transient->lane[i].present && departs(transient, i, frame)) || any;
    }
    const uint64_t at = transient->at;
    pass(transient, 1);
    if (any) {
        transient->begin = transient->open ? transient->begin : at;
        transient->open = true;
        transient->last = at;
    }
    if (!transient->open) {
        return false;
    }
    if (transient->last - transient->begin >= transient->longest) {
        wk_transient_hush(transient);
        return false;
    }
    if (at - transient->last < transient->quiet) {
        return false;
    }
    const uint64_t since = transient->begin - transient->before;
    transient->open = false;
    transient->before = transient->begin;
    if (since + transient->quiet > transient->whole &&
        since < transient->whole + transient->quiet) {
        wk_transient_hush(transient);
        return false;
    }
    *event = (struct wk_transient_event){
        .phases = transient->phases,
        .begin_q16 = transient->begin << 16,
        .end_q16 = (transient->last + 1) << 16,
        .peak_mv = transient->peak_mv,
    };
    return true;
}

size_t wk_transient_feed(struct wk_transient *transient, const int32_t *counts, size_t frames,
                         struct wk_transient_event *event, bool *found)
{
    size_t done = 0;
    *found = false;
    if (transient->whole == 0) {
        transient->at += frames;
        return frames;
    }
    while (done < frames && !*found) {
        const int32_t *here = counts + done * transient->channels;
        size_t now = straight(transient, frames - done);
        if (transient->blind > 0 && transient->blind < now) {
            now = transient->blind;
        }
        if (!transient->open && take_calm(transient, here, now)) {
            transient->blind -= transient->blind > 0 ? (uint32_t)now : 0;
            pass(transient, now);
            done += now;
            continue;
        }
        for (size_t n = 0; n < now && !*found && transient->blind == 0; n++, done++) {
            *found = take_frame(transient, here + n * transient->channels, event);
        }
    }
    return done;
}
