/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/analyser.h"

#define TICK_US          INT64_C(600000000)
#define CHANGE_HALF      500000 /* hysteresis of rapid changes: half of the threshold */
#define SPLIT_UHZ        55000000
#define VALUES_50        100
#define STORM_MOST       10
#define STORM_EVENT_US   INT64_C(60000000)
#define STORM_CAPTURE_US INT64_C(600000000)
#define VALUES_60        120

struct wk_analyser_config wk_analyser_usual(void)
{
    return (struct wk_analyser_config){
        .lamp = WK_FLICKER_LAMP_230_V,
        .change_ppm = 30000,
        .transient_ppm = 250000,
    };
}

/* ---- events of this room's own ----------------------------------------------------------- */

static int64_t time_us(const struct wk_analyser *analyser, uint64_t at_q16)
{
    return wk_chain_time_us(analyser->chain, at_q16);
}

static void trigger(struct wk_analyser *analyser, uint64_t at_q16, uint32_t reason)
{
    const bool wanted = analyser->has_captures &&
                        (reason == 0 || analyser->capture.open ||
                         wk_storm_pass(&analyser->storm_captures, time_us(analyser, at_q16)));
    if (wanted) {
        wk_capture_trigger(&analyser->capture, at_q16 >> 16, reason);
    }
}

/* A rapid change, or what is told of a transient in the same way. */
static wk_err emit_event(struct wk_analyser *analyser, wk_record_event_kind kind,
                         const struct wk_change_event *found)
{
    const int64_t begin_us = time_us(analyser, found->begin_q16);
    if (!wk_storm_pass(&analyser->storm_events, begin_us)) {
        return WK_OK;
    }
    struct wk_record record = {
        .kind = WK_RECORD_EVENT,
        .t_us = time_us(analyser, (analyser->at - 1) << 16), /* no later than a mark to come */
        .event = {.kind = kind,
                  .phases = found->phases,
                  .begin_us = begin_us,
                  .duration_us = time_us(analyser, found->end_q16) - begin_us,
                  .extreme_mv = found->max_mv,
                  .steady_mv = found->steady_mv,
                  .nominal_mv = analyser->config.nominal_mv,
                  .value = (int32_t)wk_storm_take_left_out(&analyser->storm_events)},
    };
    trigger(analyser, found->begin_q16, kind);
    return wk_chain_emit(analyser->chain, &record);
}

static wk_err emit_transient(struct wk_analyser *analyser,
                             const struct wk_transient_event *transient)
{
    const struct wk_change_event found = {
        .phases = transient->phases,
        .begin_q16 = transient->begin_q16,
        .end_q16 = transient->end_q16,
        .max_mv = transient->peak_mv,
        .steady_mv = 0,
    };
    return emit_event(analyser, WK_RECORD_TRANSIENT, &found);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static wk_err emit_aggregate(void *self, struct wk_record *record)
{
    struct wk_analyser *analyser = self;
    return wk_chain_emit(analyser->chain, record);
}

static float ratio(int32_t ppm)
{
    return (float)ppm / 1e6F;
}

static struct wk_aggregate_values values_of(const struct wk_record_window *window)
{
    struct wk_aggregate_values values = {
        .f_hz = (float)window->frequency_uhz / 1e6F,
        .u2 = ratio(window->u2_ppm),
        .u0 = ratio(window->u0_ppm),
        .i2 = ratio(window->i2_ppm),
        .i0 = ratio(window->i0_ppm),
    };
    for (int k = 0; k <= WK_RECORD_PHASES; k++) {
        values.i_a[k] = (float)window->i_ua[k] / 1e6F;
        if (k < WK_RECORD_PHASES) {
            values.u_v[k] = (float)window->u_mv[k] / 1e3F;
        }
    }
    return values;
}

/* Adds the block that waits, with its spectrum or without. */
static wk_err add_pending(struct wk_analyser *analyser, const struct wk_spectrum_result *lines)
{
    struct wk_analyser_block *pending = &analyser->pending;
    if (!pending->waits) {
        return WK_OK;
    }
    pending->waits = false;
    pending->block.lines = lines;
    return wk_aggregate_add(&analyser->aggregate, &pending->block);
}

static wk_err take_window(void *self, const struct wk_record *record,
                          const struct wk_chain_place *next)
{
    struct wk_analyser *analyser = self;
    const int64_t begin_us = time_us(analyser, analyser->begin_q16);
    const uint64_t begin_q16 = analyser->begin_q16;
    struct wk_record frequency;
    const bool is_whole = !analyser->waits;
    analyser->begin_q16 = next->at_q16;
    analyser->waits = false;
    WK_TRY(add_pending(analyser, NULL));
    if (is_whole && analyser->has_utc &&
        wk_frequency_take(&analyser->frequency, record, begin_us, &frequency)) {
        WK_TRY(wk_chain_emit(analyser->chain, &frequency));
    }
    if (analyser->has_transients) {
        wk_transient_tune(&analyser->transient, next->step);
    }
    wk_spectrum_place(&analyser->spectrum, next);
    if (!is_whole || (record->flags & WK_RECORD_SHORT) != 0) {
        wk_aggregate_gap(&analyser->aggregate);
        return WK_OK;
    }
    analyser->pending = (struct wk_analyser_block){
        .waits = true,
        .begin_q16 = begin_q16,
        .block = {.begin_us = begin_us,
                  .end_us = record->t_us,
                  .flagged = (record->flags & WK_RECORD_FLAGGED) != 0,
                  .values = values_of(&record->window)},
    };
    wk_flicker_take_pinst(&analyser->flicker, analyser->pending.block.values.pinst_max);
    return WK_OK;
}

/* ---- frames ------------------------------------------------------------------------------ */

static wk_err feed_spectrum(struct wk_analyser *analyser, const int32_t *counts, size_t frames,
                            uint64_t at)
{
    while (frames > 0) {
        bool ready = false;
        const size_t taken = wk_spectrum_feed(&analyser->spectrum, counts, frames, at, &ready);
        const struct wk_spectrum_result *result = analyser->spectrum.result;
        if (ready && result->begin_q16 == analyser->pending.begin_q16) {
            WK_TRY(add_pending(analyser, result));
        }
        counts += taken * analyser->map.channels;
        frames -= taken;
        at += taken;
    }
    return WK_OK;
}

static wk_err feed_transient(struct wk_analyser *analyser, const int32_t *counts, size_t frames)
{
    while (analyser->has_transients && frames > 0) {
        struct wk_transient_event event;
        bool found = false;
        const size_t taken =
            wk_transient_feed(&analyser->transient, counts, frames, &event, &found);
        if (found) {
            WK_TRY(emit_transient(analyser, &event));
        }
        counts += taken * analyser->map.channels;
        frames -= taken;
    }
    return WK_OK;
}

/* Number of the first frame at or after a UTC time. */
static uint64_t frame_at(const struct wk_analyser *analyser, int64_t t_us)
{
    return (wk_chain_position_q16(analyser->chain, t_us) + 0xFFFFU) >> 16;
}

static void plan_tick(struct wk_analyser *analyser)
{
    const int64_t now_us = time_us(analyser, analyser->at << 16);
    const int64_t tick_us = (now_us / TICK_US + 1) * TICK_US;
    analyser->tick = analyser->has_utc ? frame_at(analyser, tick_us) : UINT64_MAX;
}

/* Pst of ten minutes ends with the last frame before the tick. */
static void feed_flicker(struct wk_analyser *analyser, const int32_t *counts, size_t frames,
                         uint64_t at)
{
    while (frames > 0) {
        if (at >= analyser->tick) {
            float pst[WK_RECORD_PHASES];
            (void)wk_flicker_take_pst(&analyser->flicker, pst);
            wk_aggregate_set_pst(&analyser->aggregate, pst);
            wk_spectrum_hold(&analyser->spectrum, at);
            plan_tick(analyser);
        }
        const uint64_t left = analyser->tick - at;
        const size_t taken = left > 0 && left < frames ? (size_t)left : frames;
        wk_flicker_feed(&analyser->flicker, counts, taken);
        counts += taken * analyser->map.channels;
        frames -= taken;
        at += taken;
        analyser->at = at;
    }
}

static wk_err take_frames(void *self, const int32_t *counts, size_t frames, uint64_t at)
{
    struct wk_analyser *analyser = self;
    feed_flicker(analyser, counts, frames, at);
    if (analyser->has_captures) {
        WK_TRY(wk_capture_feed(&analyser->capture, counts, frames));
    }
    WK_TRY(feed_transient(analyser, counts, frames));
    return feed_spectrum(analyser, counts, frames, at);
}

/* ---- half cycles, events, gaps ------------------------------------------------------------ */

static wk_err take_half(void *self, const struct wk_quality_marks *marks)
{
    struct wk_analyser *analyser = self;
    for (uint8_t phase = 0; analyser->has_changes && phase < WK_RECORD_PHASES; phase++) {
        struct wk_change_event event;
        if ((marks->phases & (1U << phase)) != 0 &&
            wk_change_take(&analyser->change, phase, marks->urms_mv[phase],
                           marks->begin_q16[phase], marks->end_q16[phase], &event)) {
            WK_TRY(emit_event(analyser, WK_RECORD_RVC, &event));
        }
    }
    return WK_OK;
}

static wk_err take_event(void *self, const struct wk_record *record)
{
    struct wk_analyser *analyser = self;
    if (record->event.kind <= WK_RECORD_INTERRUPTION_END) {
        wk_change_spoil(&analyser->change);
        wk_transient_hush(&analyser->transient);
    }
    if (record->event.kind > WK_RECORD_SATURATION_BEGIN) {
        return WK_OK;
    }
    const int64_t begin_us = record->event.begin_us > analyser->chain->start_us
                                 ? record->event.begin_us
                                 : analyser->chain->start_us;
    trigger(analyser, frame_at(analyser, begin_us) << 16, record->event.kind);
    return WK_OK;
}

static wk_err init_rate(struct wk_analyser *analyser, int64_t rate_uhz,
                        struct wk_sample_fault *fault);

static wk_err take_restart(void *self, const struct wk_chain_place *next)
{
    struct wk_analyser *analyser = self;
    WK_TRY(add_pending(analyser, NULL));
    if (next->rate_uhz != analyser->rate_uhz) {
        struct wk_sample_fault fault;
        WK_TRY(wk_analyser_flush(analyser));
        WK_TRY(init_rate(analyser, next->rate_uhz, &fault));
        analyser->at = 0;
        plan_tick(analyser);
    }
    const uint64_t at = next->at_q16 >> 16;
    if (at > analyser->at) {
        const uint64_t missing = at - analyser->at;
        wk_flicker_gap(&analyser->flicker);
        wk_change_gap(&analyser->change);
        wk_transient_gap(&analyser->transient, missing);
        wk_frequency_gap(&analyser->frequency);
        if (analyser->has_captures) {
            WK_TRY(wk_capture_gap(&analyser->capture, missing));
        }
        analyser->at = at;
    }
    wk_aggregate_gap(&analyser->aggregate);
    analyser->begin_q16 = next->at_q16;
    wk_spectrum_place(&analyser->spectrum, next);
    return WK_OK;
}

/* ---- the whole --------------------------------------------------------------------------- */

struct wk_chain_observer wk_analyser_observer(struct wk_analyser *analyser)
{
    return (struct wk_chain_observer){
        .self = analyser,
        .frames = take_frames,
        .window = take_window,
        .half = take_half,
        .event = take_event,
        .restart = take_restart,
    };
}

/* The rooms that count samples. */
static wk_err init_rate(struct wk_analyser *analyser, int64_t rate_uhz,
                        struct wk_sample_fault *fault)
{
    const struct wk_analyser_config *config = &analyser->config;
    const struct wk_analyser_memory *memory = &analyser->memory;
    const struct wk_spectrum_config spectrum = {.signal_mhz = config->signal_mhz};
    const struct wk_transient_config transient = {
        .nominal_mv = config->nominal_mv,
        .threshold_ppm = config->transient_ppm,
    };
    analyser->rate_uhz = rate_uhz;
    fault->reason = WK_REFUSAL_SPECTRUM;
    WK_TRY(wk_spectrum_init(&analyser->spectrum, &analyser->map, rate_uhz, &memory->spectrum,
                            &spectrum));
    fault->reason = WK_REFUSAL_FLICKER;
    WK_TRY(wk_flicker_init(&analyser->flicker, &analyser->map, rate_uhz, config->lamp,
                           analyser->nominal_uhz));
    fault->reason = WK_REFUSAL_TRANSIENT;
    analyser->has_transients =
        memory->transient != NULL && config->transient_ppm != 0 && config->nominal_mv != 0;
    if (analyser->has_transients) {
        WK_TRY(wk_transient_init(&analyser->transient, &analyser->map, rate_uhz, &transient,
                                 memory->transient, memory->transients));
    }
    wk_frequency_init(&analyser->frequency);
    fault->reason = WK_REFUSAL_NONE;
    return WK_OK;
}

static wk_err init_changes(struct wk_analyser *analyser, struct wk_sample_fault *fault)
{
    const struct wk_change_config config = {
        .nominal_mv = analyser->config.nominal_mv,
        .threshold_ppm = analyser->config.change_ppm,
        .hysteresis_ppm = CHANGE_HALF,
        .values = analyser->nominal_uhz > SPLIT_UHZ ? VALUES_60 : VALUES_50,
    };
    uint8_t present = 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        present |= (uint8_t)(analyser->map.slot[WK_SAMPLE_U + phase].present ? 1U << phase : 0);
    }
    analyser->has_changes = config.threshold_ppm != 0 && config.nominal_mv != 0;
    if (!analyser->has_changes) {
        return WK_OK;
    }
    fault->reason = WK_REFUSAL_CHANGE;
    return wk_change_init(&analyser->change, present, &config);
}

static wk_err init_captures(struct wk_analyser *analyser, struct wk_sample_fault *fault)
{
    const struct wk_analyser_config *config = &analyser->config;
    analyser->has_captures = analyser->memory.capture != NULL && config->captures.self != NULL;
    if (!analyser->has_captures) {
        return WK_OK;
    }
    fault->reason = WK_REFUSAL_CAPTURE;
    WK_TRY(wk_capture_init(&analyser->capture, analyser->map.channels, analyser->memory.capture,
                           analyser->memory.captures, config->capture_before,
                           config->capture_after));
    wk_capture_deliver_to(&analyser->capture, &config->captures);
    return WK_OK;
}

static void init_aggregate(struct wk_analyser *analyser)
{
    const struct wk_aggregate_sink sink = {.self = analyser, .emit = emit_aggregate};
    struct wk_aggregate_config config = {
        .nominal_mv = analyser->config.nominal_mv,
        .phases = analyser->map.phases,
        .has_utc = analyser->has_utc,
        .emit_blocks = analyser->config.emit_blocks,
        .three_s = {analyser->memory.three_s[0], analyser->memory.three_s[1]},
        .ten_min = analyser->memory.ten_min,
        .two_h = analyser->memory.two_h,
    };
    for (int slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        config.slots |= (uint8_t)(analyser->map.slot[slot].present ? 1U << slot : 0);
    }
    wk_aggregate_init(&analyser->aggregate, &config, &sink);
}

wk_err wk_analyser_init(struct wk_analyser *analyser, struct wk_chain *chain,
                        const struct wk_hal_frontend_info *info,
                        const struct wk_analyser_config *config,
                        const struct wk_analyser_memory *memory, struct wk_sample_fault *fault)
{
    *analyser = (struct wk_analyser){
        .chain = chain,
        .config = *config,
        .memory = *memory,
        .nominal_uhz = info->nominal_uhz,
        .has_utc = info->start_us > 0,
        .tick = info->start_us > 0 ? 0 : UINT64_MAX,
    };
    analyser->config.nominal_mv =
        config->nominal_mv != 0 ? config->nominal_mv : info->nominal_mv;
    WK_TRY(wk_sample_map_init(&analyser->map, info, fault));
    *fault = (struct wk_sample_fault){.channel = -1};
    WK_TRY(init_rate(analyser, info->rate_uhz, fault));
    WK_TRY(init_changes(analyser, fault));
    WK_TRY(init_captures(analyser, fault));
    init_aggregate(analyser);
    wk_storm_init(&analyser->storm_events, STORM_MOST, STORM_EVENT_US);
    wk_storm_init(&analyser->storm_captures, STORM_MOST, STORM_CAPTURE_US);
    fault->reason = WK_REFUSAL_NONE;
    return WK_OK;
}

wk_err wk_analyser_join(struct wk_analyser *analyser)
{
    const uint64_t missing = analyser->chain->at - analyser->at;
    wk_transient_gap(&analyser->transient, missing);
    if (analyser->has_captures) {
        WK_TRY(wk_capture_gap(&analyser->capture, missing));
    }
    analyser->at += missing;
    analyser->waits = true;
    plan_tick(analyser);
    analyser->chain->observer = wk_analyser_observer(analyser);
    return WK_OK;
}

void wk_analyser_trigger(struct wk_analyser *analyser)
{
    trigger(analyser, analyser->at << 16, 0);
}

wk_err wk_analyser_flush(struct wk_analyser *analyser)
{
    WK_TRY(add_pending(analyser, NULL));
    return analyser->has_captures ? wk_capture_flush(&analyser->capture) : WK_OK;
}
