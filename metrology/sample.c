/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/sample.h"

#define EXPONENT_LEAST (-24)
#define EXPONENT_MOST  6
#define PHASE_NEUTRAL  3
#define CURVE_UA       INT64_C(1000000000000)
#define CURVE_PPM      100000
#define CURVE_UDEG     10000000

static wk_err refuse(struct wk_sample_fault *fault, int channel, const char *reason, wk_err err)
{
    *fault = (struct wk_sample_fault){.reason = reason, .channel = channel};
    return err;
}

static wk_err check_curve(const struct wk_hal_channel *channel, int at,
                          struct wk_sample_fault *fault)
{
    if (channel->curve_points > WK_HAL_CURVE) {
        return refuse(fault, at, "curve: has more than 6 points", WK_E_RANGE);
    }
    int64_t last_ua = -1;
    for (int p = 0; p < channel->curve_points; p++) {
        const struct wk_hal_curve_point *point = &channel->curve[p];
        if (point->i_ua <= last_ua || point->i_ua > CURVE_UA) {
            return refuse(fault, at, "curve: currents must rise, up to 1,000,000 A",
                          WK_E_ARGUMENT);
        }
        if (point->gain_ppm > CURVE_PPM || point->gain_ppm < -CURVE_PPM) {
            return refuse(fault, at, "curve: gain must be within +-100,000 ppm", WK_E_RANGE);
        }
        if (point->phase_udeg > CURVE_UDEG || point->phase_udeg < -CURVE_UDEG) {
            return refuse(fault, at, "curve: phase must be within +-10 degrees", WK_E_RANGE);
        }
        last_ua = point->i_ua;
    }
    return WK_OK;
}

static wk_err check_channel(const struct wk_hal_channel *channel, int at,
                            struct wk_sample_fault *fault)
{
    if (channel->phase > PHASE_NEUTRAL) {
        return refuse(fault, at, "phase: must be 0 to 3", WK_E_RANGE);
    }
    if (channel->gain.mantissa == 0) {
        return refuse(fault, at, "gain: must not be 0", WK_E_RANGE);
    }
    if (channel->gain.exponent < EXPONENT_LEAST || channel->gain.exponent > EXPONENT_MOST) {
        return refuse(fault, at, "gain: exponent must be -24 to 6", WK_E_RANGE);
    }
    if (channel->offset > WK_SAMPLE_OFFSET || channel->offset < -WK_SAMPLE_OFFSET) {
        return refuse(fault, at, "offset: must be within +-4,194,304 counts", WK_E_RANGE);
    }
    if (channel->delay_ns > WK_SAMPLE_DELAY_NS || channel->delay_ns < -WK_SAMPLE_DELAY_NS) {
        return refuse(fault, at, "delay: must be within +-50,000 ns", WK_E_RANGE);
    }
    if (channel->range < 0 || channel->range > WK_SAMPLE_COUNTS) {
        return refuse(fault, at, "range: must be 0 to 16,777,216 counts", WK_E_RANGE);
    }
    return check_curve(channel, at, fault);
}

static wk_err place(struct wk_sample_map *map, const struct wk_hal_channel *channel, int at,
                    struct wk_sample_fault *fault)
{
    const int first = channel->quantity == WK_HAL_VOLTAGE ? WK_SAMPLE_U : WK_SAMPLE_I;
    struct wk_sample_slot *slot = &map->slot[first + channel->phase];
    if (slot->present) {
        return refuse(fault, at, "quantity and phase: another channel has them already",
                      WK_E_ARGUMENT);
    }
    *slot = (struct wk_sample_slot){
        .present = true,
        .index = (uint8_t)at,
        .offset = channel->offset,
        .range = channel->range != 0 ? channel->range : WK_SAMPLE_COUNTS - 1,
        .delay_ns = channel->delay_ns,
        .gain = channel->gain,
    };
    map->offset[at] = channel->offset;
    if ((uint32_t)slot->range < map->quiet) {
        map->quiet = (uint32_t)slot->range;
    }
    return WK_OK;
}

static wk_err check_frontend(const struct wk_hal_frontend_info *info,
                             struct wk_sample_fault *fault)
{
    if (info->channels < 1 || info->channels > WK_HAL_CHANNELS) {
        return refuse(fault, -1, "channels: must be 1 to 8", WK_E_RANGE);
    }
    if (info->rate_uhz < WK_SAMPLE_RATE_LEAST_UHZ || info->rate_uhz > WK_SAMPLE_RATE_MOST_UHZ) {
        return refuse(fault, -1, "sample rate: must be 1 kHz to 50 kHz", WK_E_RANGE);
    }
    if (info->nominal_uhz != 0 && info->nominal_uhz != 50000000 &&
        info->nominal_uhz != 60000000) {
        return refuse(fault, -1, "nominal frequency: must be 50 Hz, 60 Hz or unknown",
                      WK_E_RANGE);
    }
    if (info->nominal_mv < 0) {
        return refuse(fault, -1, "nominal voltage: must not be negative", WK_E_RANGE);
    }
    return WK_OK;
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

wk_err wk_sample_map_init(struct wk_sample_map *map, const struct wk_hal_frontend_info *info,
                          struct wk_sample_fault *fault)
{
    struct wk_sample_map made = {.quiet = WK_SAMPLE_COUNTS - 1};
    WK_TRY(check_frontend(info, fault));
    made.channels = info->channels;
    for (int at = 0; at < info->channels; at++) {
        const struct wk_hal_channel *channel = &info->channel[at];
        if (channel->quantity == WK_HAL_UNUSED) {
            continue;
        }
        WK_TRY(check_channel(channel, at, fault));
        WK_TRY(place(&made, channel, at, fault));
    }
    list_slots(&made);
    if (made.active == 0) {
        return refuse(fault, -1, "channels: none is a voltage or a current", WK_E_ARGUMENT);
    }
    *map = made;
    return WK_OK;
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

struct wk_sample_doubt wk_sample_limit(const struct wk_sample_map *map, const int32_t *frame,
                                       int32_t limited[WK_HAL_CHANNELS])
{
    struct wk_sample_doubt doubt = {0};
    for (int at = 0; at < map->channels; at++) {
        const int32_t count = frame[at];
        limited[at] = count == WK_HAL_NO_COUNT    ? map->offset[at]
                      : count > WK_SAMPLE_COUNTS  ? WK_SAMPLE_COUNTS
                      : count < -WK_SAMPLE_COUNTS ? -WK_SAMPLE_COUNTS
                                                  : count;
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
