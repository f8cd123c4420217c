/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/transient.h"

#include <string.h>

#define PPM 1000000
#define PEAK_KEPT                                                                              \
    4096 /* the nominal peak is kept as half of it to this, if counts are as fine */
#define PEAK_V_PER_MV 1.414214e-3F
#define SHIFT_MOST    24
#define MOST_MV       2147483520.0F
#define HUSH_CYCLES   2
#define QUIET_PARTS   8  /* an end must last for this part of a cycle */
#define LOOK_PERCENT  75 /* of the threshold: no closer look below it */
#define PART_BITS     15
#define RETUNED       50 /* a change of the cycle by 1/50 needs a new one in memory */

struct wk_transient_config wk_transient_usual(int32_t nominal_mv)
{
    return (struct wk_transient_config){.nominal_mv = nominal_mv, .threshold_ppm = 250000};
}

/* The nominal peak in counts of a voltage. */
static float peak_of(const struct wk_sample_slot *slot,
                     const struct wk_transient_config *config)
{
    const float peak_v = (float)config->nominal_mv * PEAK_V_PER_MV;
    return peak_v / __builtin_fabsf(wk_sample_unit(slot));
}

static uint8_t shift_of(const struct wk_sample_slot *slot,
                        const struct wk_transient_config *config)
{
    float counts = peak_of(slot, config);
    uint8_t shift = 0;
    while (counts >= PEAK_KEPT && shift < SHIFT_MOST) {
        counts /= 2;
        shift++;
    }
    return shift;
}

static void init_lane(struct wk_transient_lane *lane, const struct wk_sample_slot *slot,
                      const struct wk_transient_config *config, uint8_t shift)
{
    const float size = (float)(1U << shift);
    const float threshold =
        peak_of(slot, config) * ((float)config->threshold_ppm * 1e-6F) / size;
    *lane = (struct wk_transient_lane){
        .present = true,
        .index = slot->index,
        .offset = slot->offset,
        .threshold =
            threshold < WK_TRANSIENT_KEPT_MOST ? (int32_t)threshold : WK_TRANSIENT_KEPT_MOST,
        .mv = wk_sample_unit(slot) * 1000 * size,
    };
}

/* One shift for all, so that a vector can be shifted: that of the finest counts. */
static void init_lanes(struct wk_transient *transient, const struct wk_sample_map *map,
                       const struct wk_transient_config *config)
{
    const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_U];
    const struct wk_transient_lane *lane = transient->lane;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const uint8_t shift = slot[phase].present ? shift_of(&slot[phase], config) : 0;
        transient->shift = shift > transient->shift ? shift : transient->shift;
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (slot[phase].present) {
            init_lane(&transient->lane[phase], &slot[phase], config, transient->shift);
        }
    }
    transient->abreast = lane[0].present && lane[1].present && lane[2].present &&
                         lane[1].index == lane[0].index + 1 &&
                         lane[2].index == lane[0].index + 2 &&
                         lane[0].index + WK_TRANSIENT_LANES <= map->channels;
}

static int16_t *memory_at(const struct wk_transient *transient, uint32_t slot)
{
    return transient->memory + (size_t)slot * WK_TRANSIENT_LANES;
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
        .entries = (uint32_t)(least / WK_TRANSIENT_LANES),
        .memory = memory,
    };
    if (config->nominal_mv != 0) {
        init_lanes(transient, map, config);
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

static int16_t kept(const struct wk_transient *transient, int phase, int32_t count)
{
    const int32_t value =
        wk_sample_limited(count, transient->lane[phase].offset) >> transient->shift;
    return (int16_t)(value > WK_TRANSIENT_KEPT_MOST    ? WK_TRANSIENT_KEPT_MOST
                     : value < -WK_TRANSIENT_KEPT_MOST ? -WK_TRANSIENT_KEPT_MOST
                                                       : value);
}

/* Slot of the sample `back` frames before the next one. */
static uint32_t slot_of(const struct wk_transient *transient, uint32_t back)
{
    return back <= transient->next ? transient->next - back
                                   : transient->next + transient->entries - back;
}

/* Counts of any size: while there is nothing to compare them with. */
static void keep_limited(const struct wk_transient *transient, const int32_t *counts,
                         size_t frames, struct wk_transient_rows *rows)
{
    for (size_t n = 0; n < frames; n++, counts += transient->channels) {
        for (int phase = 0; phase < WK_TRANSIENT_LANES; phase++) {
            const int at = phase < WK_RECORD_PHASES ? phase : 0;
            const struct wk_transient_lane *lane = &transient->lane[at];
            rows->row[n][phase] =
                lane->present ? kept(transient, at, counts[lane->index]) : (int16_t)0;
        }
    }
}

/* Frames of which memory has the cycle before and room for them, without a turn of the ring. */
static size_t straight(const struct wk_transient *transient, size_t frames)
{
    const uint32_t from = slot_of(transient, transient->whole);
    size_t now = frames < WK_TRANSIENT_CHUNK ? frames : WK_TRANSIENT_CHUNK;
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
    struct wk_transient_rows rows;
    int16_t most[WK_TRANSIENT_LANES];
    bool calm = wk_transient_rows_keep(transient, counts, frames, &rows);
    if (!calm && transient->blind > 0) {
        keep_limited(transient, counts, frames, &rows);
        calm = true;
    } else if (calm && transient->blind == 0) {
        wk_transient_rows_farthest(&rows, memory_at(transient, from), frames, most);
        for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
            const struct wk_transient_lane *lane = &transient->lane[phase];
            calm =
                calm && (!lane->present || most[phase] * 100 < lane->threshold * LOOK_PERCENT);
        }
    }
    if (calm) {
        memcpy(memory_at(transient, transient->next), rows.row, frames * sizeof rows.row[0]);
    }
    return calm;
}

/* ---- one transient ----------------------------------------------------------------------- */

static void note(struct wk_transient *transient, int phase, int32_t departure)
{
    const float exact_mv = (float)departure * transient->lane[phase].mv;
    const int32_t mv = exact_mv >= MOST_MV    ? INT32_MAX
                       : exact_mv <= -MOST_MV ? -INT32_MAX
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
    const int32_t late = memory_at(transient, slot_of(transient, transient->whole))[phase];
    const int32_t early = memory_at(transient, slot_of(transient, transient->whole + 1))[phase];
    const int32_t expected = late + (((early - late) * transient->part_q15) >> PART_BITS);
    const int32_t count = frame[lane->index];
    const int32_t value = count != WK_HAL_NO_COUNT ? kept(transient, phase, count) : expected;
    const int32_t off = value - expected;
    const int32_t limit = transient->open ? lane->threshold / 2 : lane->threshold;
    const bool is_far = off > limit || off < -limit;
    memory_at(transient, transient->next)[phase] = (int16_t)(is_far ? expected : value);
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
