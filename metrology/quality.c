/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quality.h"

#include "base/wide.h"

#define PPM      1000000
#define PPM_MOST 2000000

enum { DIP = 0, SWELL, INTERRUPTION };

/* What begins, ends and drives each kind. */
struct kind {
    bool above;     /* beyond the threshold means above it */
    bool all_begin; /* all voltages must be beyond it to begin; one suffices to end */
    wk_record_event_kind begin;
    wk_record_event_kind end;
};

static const struct kind k_kinds[WK_QUALITY_KINDS] = {
    [DIP] = {false, false, WK_RECORD_DIP_BEGIN, WK_RECORD_DIP_END},
    [SWELL] = {true, false, WK_RECORD_SWELL_BEGIN, WK_RECORD_SWELL_END},
    [INTERRUPTION] = {false, true, WK_RECORD_INTERRUPTION_BEGIN, WK_RECORD_INTERRUPTION_END},
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

/* (nominal * ppm / gain)^2 in count^2, Q4; the largest number if it is beyond all counts. */
static uint64_t threshold(const struct wk_quality *quality, int phase, int32_t ppm)
{
    const struct wk_scale micro_v =
        wk_scale_mul(wk_scale_of(quality->config.nominal_mv, -3), wk_scale_of(ppm, 0));
    const struct wk_scale counts = wk_scale_div(micro_v, quality->micro[phase]);
    const struct wk_scale square = wk_scale_mul(counts, counts);
    return (uint64_t)wk_scale_apply(square, 16);
}

wk_err wk_quality_init(struct wk_quality *quality, const struct wk_sample_map *map,
                       const struct wk_quality_config *config, bool dc_blocked)
{
    WK_TRY(check(config));
    *quality = (struct wk_quality){.config = *config, .dc_blocked = dc_blocked};
    const int32_t back = config->hysteresis_ppm;
    const int32_t enter[WK_QUALITY_KINDS] = {config->dip_ppm, config->swell_ppm,
                                             config->interruption_ppm};
    const int32_t leave[WK_QUALITY_KINDS] = {config->dip_ppm + back, config->swell_ppm - back,
                                             config->interruption_ppm + back};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_U + phase];
        if (config->nominal_mv == 0 || !slot->present) {
            continue;
        }
        quality->present |= (uint8_t)(1U << phase);
        quality->micro[phase] =
            wk_scale_abs(wk_scale_of(slot->gain.mantissa, slot->gain.exponent + 6));
        for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
            quality->enter[kind][phase] = threshold(quality, phase, enter[kind]);
            quality->leave[kind][phase] = threshold(quality, phase, leave[kind]);
        }
    }
    return WK_OK;
}

/* Mean square of the last cycle in count^2, Q4. */
static uint64_t mean_square(const struct wk_quality *quality, const struct wk_cycle_sums *half,
                            int phase)
{
    const int slot = WK_SAMPLE_U + phase;
    const uint64_t n_q16 = (uint64_t)(quality->frames_q16 + half->frames_q16);
    const uint64_t xx = (uint64_t)(quality->xx[phase] + half->xx[slot]);
    const uint64_t square = (xx / n_q16) * 1048576 + ((xx % n_q16) << 20) / n_q16;
    if (!quality->dc_blocked) {
        return square;
    }
    const int64_t x = quality->x[phase] + half->x[slot];
    const int64_t mean_q8 = x * (INT64_C(1) << 24) / (int64_t)n_q16;
    const int64_t mean = mean_q8 >> 6; /* Q2: its square is Q4 */
    const uint64_t dc = (uint64_t)(mean * mean);
    return square > dc ? square - dc : 0;
}

static uint8_t beyond(const struct wk_quality *quality, int kind, bool leaving,
                      const uint64_t square[WK_RECORD_PHASES])
{
    uint8_t phases = 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const uint64_t limit =
            leaving ? quality->leave[kind][phase] : quality->enter[kind][phase];
        const bool is_beyond =
            k_kinds[kind].above ? square[phase] > limit : square[phase] < limit;
        phases |= (uint8_t)(is_beyond ? 1U << phase : 0);
    }
    return phases & quality->present;
}

/* Keeps the extreme over the phases concerned. Squares of phases with different gains are
 * compared as voltages. */
static void note_extreme(struct wk_quality *quality, int kind, uint8_t phases,
                         const uint64_t square[WK_RECORD_PHASES])
{
    struct wk_quality_watch *watch = &quality->watch[kind];
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if ((phases & (1U << phase)) == 0) {
            continue;
        }
        const int64_t rms_uv =
            wk_scale_root_mean(quality->micro[phase], square[phase], 16 * 65536);
        const int32_t rms_mv = (int32_t)((rms_uv + 500) / 1000);
        const bool first = watch->phases == 0;
        const bool further =
            k_kinds[kind].above ? rms_mv > watch->extreme_mv : rms_mv < watch->extreme_mv;
        watch->extreme_mv = first || further ? rms_mv : watch->extreme_mv;
        watch->phases |= (uint8_t)(1U << phase);
    }
}

static struct wk_quality_event event_of(const struct wk_quality_watch *watch,
                                        wk_record_event_kind kind, uint64_t now_q16)
{
    return (struct wk_quality_event){
        .kind = kind,
        .phases = watch->phases,
        .begin_q16 = watch->begin_q16,
        .now_q16 = now_q16,
        .extreme_mv = watch->extreme_mv,
    };
}

/* One kind: begins, goes on or ends. Returns whether `event` was filled. */
static bool watch_kind(struct wk_quality *quality, int kind,
                       const uint64_t square[WK_RECORD_PHASES], uint64_t middle_q16,
                       struct wk_quality_event *event)
{
    struct wk_quality_watch *watch = &quality->watch[kind];
    const bool all = k_kinds[kind].all_begin;
    const uint8_t phases = beyond(quality, kind, watch->open, square);
    const bool goes_on = all ? phases == quality->present : phases != 0;
    if (!watch->open && !goes_on) {
        return false;
    }
    if (watch->open && !goes_on) {
        watch->open = false;
        *event = event_of(watch, k_kinds[kind].end, middle_q16);
        return true;
    }
    if (watch->open) {
        note_extreme(quality, kind, beyond(quality, kind, false, square), square);
        return false;
    }
    *watch = (struct wk_quality_watch){.open = true, .begin_q16 = middle_q16};
    note_extreme(quality, kind, phases, square);
    *event = event_of(watch, k_kinds[kind].begin, middle_q16);
    return true;
}

uint8_t wk_quality_step(struct wk_quality *quality, const struct wk_cycle_sums *half,
                        uint64_t middle_q16, struct wk_quality_event events[WK_QUALITY_KINDS])
{
    uint8_t count = 0;
    if (quality->present == 0) {
        return 0;
    }
    if (quality->primed) {
        uint64_t square[WK_RECORD_PHASES] = {0};
        for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
            square[phase] = mean_square(quality, half, phase);
        }
        for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
            count =
                (uint8_t)(count + (watch_kind(quality, kind, square, middle_q16, &events[count])
                                       ? 1
                                       : 0));
        }
    }
    quality->primed = true;
    quality->frames_q16 = half->frames_q16;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        quality->x[phase] = half->x[WK_SAMPLE_U + phase];
        quality->xx[phase] = half->xx[WK_SAMPLE_U + phase];
    }
    return count;
}

void wk_quality_gap(struct wk_quality *quality)
{
    quality->primed = false;
}

bool wk_quality_is_open(const struct wk_quality *quality)
{
    bool open = false;
    for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
        open = open || quality->watch[kind].open;
    }
    return open;
}
