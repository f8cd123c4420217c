/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/sample.h"

#define EXPONENT_LEAST (-24)
#define EXPONENT_MOST  6
#define PHASE_NEUTRAL  3
#define CURVE_UA       INT64_C(1000000000000)
#define CURVE_PPM      100000
#define CURVE_UDEG     10000000

/* From -most to most. */
static bool is_within(int32_t value, int32_t most)
{
    return value <= most && value >= -most;
}

static wk_refusal check_curve(const struct wk_hal_channel *channel)
{
    int64_t last_ua = -1;
    if (channel->curve_points > WK_HAL_CURVE) {
        return WK_REFUSAL_CURVE_POINTS;
    }
    for (int p = 0; p < channel->curve_points; p++) {
        const struct wk_hal_curve_point *point = &channel->curve[p];
        if (point->i_ua <= last_ua || point->i_ua > CURVE_UA) {
            return WK_REFUSAL_CURVE_CURRENTS;
        }
        if (!is_within(point->gain_ppm, CURVE_PPM)) {
            return WK_REFUSAL_CURVE_GAIN;
        }
        if (!is_within(point->phase_udeg, CURVE_UDEG)) {
            return WK_REFUSAL_CURVE_PHASE;
        }
        last_ua = point->i_ua;
    }
    return WK_REFUSAL_NONE;
}

static wk_refusal check_channel(const struct wk_hal_channel *channel)
{
    if (channel->phase > PHASE_NEUTRAL) {
        return WK_REFUSAL_PHASE;
    }
    if (channel->gain.mantissa == 0) {
        return WK_REFUSAL_GAIN;
    }
    if (channel->gain.exponent < EXPONENT_LEAST || channel->gain.exponent > EXPONENT_MOST) {
        return WK_REFUSAL_EXPONENT;
    }
    if (!is_within(channel->offset, WK_SAMPLE_OFFSET)) {
        return WK_REFUSAL_OFFSET;
    }
    if (!is_within(channel->delay_ns, WK_SAMPLE_DELAY_NS)) {
        return WK_REFUSAL_DELAY;
    }
    if (channel->range < 0 || channel->range > WK_SAMPLE_COUNTS) {
        return WK_REFUSAL_RANGE;
    }
    return check_curve(channel);
}

static wk_refusal check_frontend(const struct wk_hal_frontend_info *info)
{
    if (info->channels < 1 || info->channels > WK_HAL_CHANNELS) {
        return WK_REFUSAL_CHANNELS;
    }
    if (info->rate_uhz < WK_SAMPLE_RATE_LEAST_UHZ || info->rate_uhz > WK_SAMPLE_RATE_MOST_UHZ) {
        return WK_REFUSAL_RATE;
    }
    if (info->nominal_uhz != 0 && info->nominal_uhz != 50000000 &&
        info->nominal_uhz != 60000000) {
        return WK_REFUSAL_FREQUENCY;
    }
    return info->nominal_mv < 0 ? WK_REFUSAL_VOLTAGE : WK_REFUSAL_NONE;
}

static wk_refusal place(struct wk_sample_map *map, const struct wk_hal_channel *channel,
                        uint8_t at)
{
    const int first = channel->quantity == WK_HAL_VOLTAGE ? WK_SAMPLE_U : WK_SAMPLE_I;
    struct wk_sample_slot *slot = &map->slot[first + channel->phase];
    if (slot->present) {
        return WK_REFUSAL_SAME_TWICE;
    }
    *slot = (struct wk_sample_slot){
        .present = true,
        .index = at,
        .offset = channel->offset,
        .range = channel->range != 0 ? channel->range : WK_SAMPLE_COUNTS - 1,
        .delay_ns = channel->delay_ns,
        .gain = channel->gain,
    };
    map->offset[at] = channel->offset;
    if ((uint32_t)slot->range < map->quiet) {
        map->quiet = (uint32_t)slot->range;
    }
    return WK_REFUSAL_NONE;
}

static void list_slots(struct wk_sample_map *map)
{
    map->phases = 1;
    for (uint8_t s = 0; s < WK_SAMPLE_SLOTS; s++) {
        if (!map->slot[s].present) {
            continue;
        }
        map->slot_of[map->active++] = s;
        const int phase = s % WK_SAMPLE_I;
        if (phase != 0 && phase != WK_SAMPLE_N) {
            map->phases = WK_RECORD_PHASES;
        }
    }
}

/* Fills an empty map; the reason and, if it is of a channel, its number. */
static wk_refusal make(struct wk_sample_map *map, const struct wk_hal_frontend_info *info,
                       int *channel)
{
    wk_refusal reason = check_frontend(info);
    if (reason != WK_REFUSAL_NONE) {
        return reason;
    }
    map->quiet = WK_SAMPLE_COUNTS - 1;
    map->channels = info->channels;
    for (uint8_t at = 0; at < info->channels; at++) {
        if (info->channel[at].quantity == WK_HAL_UNUSED) {
            continue;
        }
        reason = check_channel(&info->channel[at]);
        reason = reason == WK_REFUSAL_NONE ? place(map, &info->channel[at], at) : reason;
        if (reason != WK_REFUSAL_NONE) {
            *channel = at;
            return reason;
        }
    }
    list_slots(map);
    return map->active == 0 ? WK_REFUSAL_NO_CHANNEL : WK_REFUSAL_NONE;
}

wk_err wk_sample_map_init(struct wk_sample_map *map, const struct wk_hal_frontend_info *info,
                          struct wk_sample_fault *fault)
{
    struct wk_sample_map made = {0};
    *fault = (struct wk_sample_fault){.channel = -1};
    fault->reason = make(&made, info, &fault->channel);
    if (fault->reason != WK_REFUSAL_NONE) {
        /* from there on channels contradict each other */
        return fault->reason >= WK_REFUSAL_CURVE_CURRENTS ? WK_E_ARGUMENT : WK_E_RANGE;
    }
    *map = made;
    return WK_OK;
}

float wk_sample_unit(const struct wk_sample_slot *slot)
{
    float unit = (float)slot->gain.mantissa;
    for (int i = 0; i < slot->gain.exponent; i++) {
        unit *= 10.0F;
    }
    for (int i = 0; i > slot->gain.exponent; i--) {
        unit /= 10.0F;
    }
    return unit;
}

bool wk_sample_is_pair(const struct wk_sample_map *map, int phase)
{
    return map->slot[WK_SAMPLE_U + phase].present && map->slot[WK_SAMPLE_I + phase].present;
}

bool wk_sample_is_quiet(const struct wk_sample_map *map, const int32_t *counts, size_t frames)
{
    const size_t total = frames * map->channels;
    const int32_t limit = (int32_t)map->quiet;
    for (size_t i = 0; i < total; i++) {
        if (counts[i] >= limit || counts[i] <= -limit) {
            return false;
        }
    }
    return true;
}

int32_t wk_sample_limited(int32_t count, int32_t offset)
{
    const int32_t limited = count > WK_SAMPLE_COUNTS    ? WK_SAMPLE_COUNTS
                            : count < -WK_SAMPLE_COUNTS ? -WK_SAMPLE_COUNTS
                                                        : count;
    return count == WK_HAL_NO_COUNT ? 0 : limited - offset;
}

struct wk_sample_doubt wk_sample_limit(const struct wk_sample_map *map, const int32_t *frame,
                                       int32_t limited[WK_HAL_CHANNELS])
{
    struct wk_sample_doubt doubt = {0};
    for (int at = 0; at < map->channels; at++) {
        limited[at] = wk_sample_limited(frame[at], map->offset[at]) + map->offset[at];
    }
    for (int i = 0; i < map->active; i++) {
        const uint8_t s = map->slot_of[i];
        const struct wk_sample_slot *slot = &map->slot[s];
        const int32_t count = limited[slot->index];
        const bool none = frame[slot->index] == WK_HAL_NO_COUNT;
        const bool end = count >= slot->range || count <= -slot->range;
        doubt.no_value |= (uint8_t)(none ? 1U << s : 0);
        doubt.saturated |= (uint8_t)(end && !none ? 1U << s : 0);
    }
    return doubt;
}
