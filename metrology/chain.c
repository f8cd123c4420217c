/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/chain.h"

#include "base/wide.h"
#include "metrology/immunity.h"

#define FLOOR_COUNTS   8          /* least amplitude of a voltage that can be tracked */
#define FLOOR_V_PER_MV 70.711e-6F /* 5 % of nominal rms, as an amplitude */
#define ODD_PART       200        /* 1/200 cycle: so near to whole cycles is whole */
#define TICK_US        INT64_C(600000000)

struct wk_chain_config wk_chain_usual(void)
{
    return (struct wk_chain_config){
        .summation = WK_ENERGY_VECTORIAL,
        .dc = WK_QUANTITY_DC_BLOCK,
        .quality = wk_quality_usual(0),
    };
}

/* ---- time -------------------------------------------------------------------------------- */

/* UTC of a sample position: Q16 samples * 10^12 / (65536 * rate in uHz) us. */
int64_t wk_chain_time_us(const struct wk_chain *chain, uint64_t at_q16)
{
    struct wk_i128 us_q16 = wk_i128_mul((int64_t)at_q16, INT64_C(1000000000000));
    (void)wk_i128_divide(&us_q16, chain->rate_uhz);
    wk_i128_shrink(&us_q16, 16);
    return chain->start_us + (int64_t)us_q16.low;
}

uint64_t wk_chain_position_q16(const struct wk_chain *chain, int64_t t_us)
{
    return 0 - (uint64_t)wk_i128_ratio(chain->start_us - t_us, chain->rate_uhz, 16,
                                       INT64_C(1000000000000));
}

/* ---- records ----------------------------------------------------------------------------- */

wk_err wk_chain_emit(struct wk_chain *chain, struct wk_record *record)
{
    record->seq = ++chain->seq;
    record->epoch = chain->epoch;
    if (record->kind == WK_RECORD_EVENT) {
        record->t_us = record->t_us > chain->last_us ? record->t_us : chain->last_us;
        chain->last_us = record->t_us;
    }
    chain->fault = chain->sink.emit(chain->sink.self, record);
    return chain->fault;
}

/* ---- who listens in ---------------------------------------------------------------------- */

static struct wk_chain_place next_place(const struct wk_chain *chain)
{
    return (struct wk_chain_place){
        .at_q16 = chain->at_q16 - (uint64_t)chain->window.block_q16,
        .step = chain->cycle.step,
        .cycles = wk_track_cycles(&chain->track, chain->cycle.step),
        .rate_uhz = chain->rate_uhz,
    };
}

static wk_err show_window(struct wk_chain *chain, const struct wk_record *record)
{
    if (chain->observer.self == NULL) {
        return WK_OK;
    }
    const struct wk_chain_place next = next_place(chain);
    return chain->observer.window(chain->observer.self, record, &next);
}

static wk_err show_restart(struct wk_chain *chain)
{
    if (chain->observer.self == NULL) {
        return WK_OK;
    }
    const struct wk_chain_place next = next_place(chain);
    return chain->observer.restart(chain->observer.self, &next);
}

/* Of a record its event is filled in. */
static wk_err emit_event(struct wk_chain *chain, uint64_t at_q16, struct wk_record *record)
{
    record->kind = WK_RECORD_EVENT;
    record->t_us = wk_chain_time_us(chain, at_q16);
    WK_TRY(wk_chain_emit(chain, record));
    return chain->observer.self == NULL ? WK_OK
                                        : chain->observer.event(chain->observer.self, record);
}

/* Begin and end of an event that is filled in otherwise. */
static void fill_span(const struct wk_chain *chain, uint64_t begin_q16, uint64_t end_q16,
                      struct wk_record_event *event)
{
    event->begin_us = wk_chain_time_us(chain, begin_q16);
    event->duration_us = wk_chain_time_us(chain, end_q16) - event->begin_us;
    event->nominal_mv = chain->quality.config.nominal_mv;
}

static wk_err emit_voltage_event(struct wk_chain *chain, const struct wk_quality_event *found)
{
    struct wk_record record = {
        .event = {.kind = found->kind,
                  .phases = found->phases,
                  .extreme_mv = found->extreme_mv},
    };
    const bool ends = found->kind == WK_RECORD_DIP_END || found->kind == WK_RECORD_SWELL_END ||
                      found->kind == WK_RECORD_INTERRUPTION_END;
    fill_span(chain, found->begin_q16, found->now_q16, &record.event);
    record.event.curves = ends ? wk_immunity_curves(&record.event) : 0;
    /* A mark of the oscillator in the same sample is never before its begin. */
    return emit_event(chain, found->mark_q16 & ~UINT64_C(0xFFFF), &record);
}

static wk_err emit_guard_event(struct wk_chain *chain, const struct wk_guard_event *found)
{
    const uint8_t phases = (uint8_t)(found->channels | found->channels >> WK_SAMPLE_I);
    struct wk_record record = {
        .event = {.kind = found->kind,
                  .phases = phases & 7U,
                  .channels = found->channels,
                  .value = (int32_t)(found->samples < INT32_MAX ? found->samples : INT32_MAX)},
    };
    fill_span(chain, found->begin_q16, found->end_q16, &record.event);
    return emit_event(chain, chain->at_q16, &record);
}

static wk_err emit_window(struct wk_chain *chain, struct wk_record *record)
{
    record->kind = WK_RECORD_WINDOW;
    record->t_us = wk_chain_time_us(chain, chain->at_q16);
    record->span_us = record->t_us - chain->window_begin_us;
    record->flags = chain->flags;
    chain->last_us = record->t_us;
    return wk_chain_emit(chain, record);
}

/* ---- a window ends ----------------------------------------------------------------------- */

/* The half cycles since a clock tick belong to the next block, too. */
static void begin_window(struct wk_chain *chain)
{
    const uint8_t halves = chain->window.halves;
    const bool ticked = chain->tick_mark != 0 && (chain->flags & WK_RECORD_SHORT) == 0;
    wk_window_next(&chain->window, ticked ? (uint8_t)(halves - chain->tick_mark) : 0);
    chain->tick_mark = 0;
    chain->window_begin_us = wk_chain_time_us(chain, chain->at_q16);
    chain->flags = wk_quality_is_open(&chain->quality) ? WK_RECORD_FLAGGED : 0;
    chain->withheld_samples = 0;
}

/* The next tick after a time. */
static void plan_tick(struct wk_chain *chain, int64_t now_us)
{
    chain->tick_us = (now_us / TICK_US + 1) * TICK_US;
    chain->tick_q16 = wk_chain_position_q16(chain, chain->tick_us);
}

static void watch_clock(struct wk_chain *chain)
{
    const bool ticked = chain->tick_us != 0 && chain->window.halves % 2 == 0 &&
                        chain->at_q16 >= chain->tick_q16;
    if (ticked) {
        plan_tick(chain, wk_chain_time_us(chain, chain->at_q16));
        chain->tick_mark = chain->window.halves;
        wk_window_mark(&chain->window);
    }
}

/* Which half cycles the phasors of a window cut short are made of, and at what frequency: all,
 * as of a signal that repeats itself, if they are whole cycles but for a trifle; else the whole
 * cycles among them. */
static struct wk_window_part part_of_short(const struct wk_chain *chain, uint64_t *step,
                                           uint32_t *cycles)
{
    const struct wk_window *window = &chain->window;
    struct wk_window_part part = {.first = window->first, .end = window->halves};
    const uint64_t turns_q16 = ((*step >> 32) * (uint64_t)window->own.frames_q16) >> 32;
    const uint64_t nearest = (turns_q16 + 32768) >> 16;
    const int64_t off = (int64_t)turns_q16 - (int64_t)(nearest << 16);
    if (nearest > 0 && off < 65536 / ODD_PART && off > -65536 / ODD_PART) {
        *step = (uint64_t)wk_i128_ratio((int64_t)nearest, 1, 80, window->own.frames_q16);
        *cycles = (uint32_t)nearest;
        return part;
    }
    *cycles = (uint32_t)(turns_q16 >> 16);
    const uint8_t whole = (uint8_t)((window->halves - window->first - 1) & ~1);
    part.end = whole != 0 ? (uint8_t)(window->first + whole) : part.end;
    return part;
}

/* The registers count what is the window's own, the quantities are those of the block. */
static void fill_window(const struct wk_chain *chain, uint64_t step,
                        struct wk_record_window *out, struct wk_quantity_raw *raw)
{
    struct wk_window_phasors phasors;
    const struct wk_window *window = &chain->window;
    struct wk_window_part part = {.first = window->first, .end = window->halves};
    uint64_t shown_step = step;
    out->cycles = (uint32_t)(window->halves - window->first) / 2U;
    if ((chain->flags & WK_RECORD_SHORT) != 0) {
        part = part_of_short(chain, &shown_step, &out->cycles);
    }
    wk_window_phasors(window, part, shown_step, &phasors);
    wk_quantity_fill(&chain->quantity, &window->own, &phasors, step, out, raw);
    if (window->first == 0 || (chain->flags & WK_RECORD_SHORT) != 0) {
        return;
    }
    struct wk_window_sums block;
    struct wk_quantity_raw unused;
    const uint32_t samples = out->samples;
    part.first = 0;
    wk_window_block(window, &block);
    wk_window_phasors(window, part, step, &phasors);
    wk_quantity_fill(&chain->quantity, &block, &phasors, step, out, &unused);
    out->samples = samples;
}

static wk_err see(struct wk_chain *chain, wk_guard_kind kind, uint8_t channels)
{
    struct wk_guard_event event;
    const struct wk_cycle_bad bad = {.channels = channels};
    const uint64_t from_q16 = chain->at_q16 - (uint64_t)chain->window.own.frames_q16;
    return wk_guard_see(&chain->guard, kind, &bad, from_q16, chain->at_q16, &event)
               ? emit_guard_event(chain, &event)
               : WK_OK;
}

static wk_err watch_window(struct wk_chain *chain, const struct wk_record_window *window)
{
    const uint8_t implausible = wk_guard_implausible(&chain->guard, window);
    const uint8_t stuck = wk_guard_stuck(&chain->window.own, &chain->cycle.map);
    WK_TRY(see(chain, WK_GUARD_IMPLAUSIBLE, implausible));
    return see(chain, WK_GUARD_STUCK, stuck);
}

static void add_energy(struct wk_chain *chain, const struct wk_quantity_raw *raw,
                       struct wk_record_window *out)
{
    struct wk_energy_fate fate = {.withheld = wk_guard_withholds(&chain->guard)};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        fate.running[phase] = wk_creep_step(&chain->creep, phase, out->i1_ua[phase]);
    }
    wk_energy_add(&chain->energy, raw, &fate, out);
    out->pulses = wk_pulse_add(&chain->pulse, out->total.import_uwh + out->total.export_uwh);
    out->withheld_samples = chain->withheld_samples;
    chain->flags |= fate.withheld ? WK_RECORD_WITHHELD : 0;
}

static wk_err close_guards(struct wk_chain *chain)
{
    struct wk_guard_event events[WK_GUARD_KINDS];
    const uint8_t count = wk_guard_close(&chain->guard, events);
    for (uint8_t i = 0; i < count; i++) {
        WK_TRY(emit_guard_event(chain, &events[i]));
    }
    return WK_OK;
}

static wk_err close_window(struct wk_chain *chain, struct wk_record *record,
                           uint64_t *next_step)
{
    struct wk_track_result result;
    struct wk_quantity_raw raw;
    wk_track_close(&chain->track, &chain->window, chain->cycle.step, &result);
    *record = (struct wk_record){.window = {.reference = chain->track.reference}};
    fill_window(chain, result.step, &record->window, &raw);
    WK_TRY(watch_window(chain, &record->window));
    add_energy(chain, &raw, &record->window);
    wk_track_choose(&chain->track, record->window.u_mv);
    chain->flags |= result.free_run ? WK_RECORD_FREE_RUN : 0;
    chain->flags |= result.acquiring && !result.free_run ? WK_RECORD_ACQUIRING : 0;
    chain->flags |= chain->tick_mark != 0 && chain->tick_mark < chain->window.halves
                        ? WK_RECORD_OVERLAP
                        : 0;
    *next_step = result.next_step;
    WK_TRY(emit_window(chain, record));
    return (chain->flags & WK_RECORD_SHORT) != 0 ? WK_OK : close_guards(chain);
}

/* ---- a half cycle ends ------------------------------------------------------------------- */

/* Frames that the oscillator has taken, before its mark is passed. */
static wk_err watch_quality(struct wk_chain *chain, const int32_t *counts, size_t frames)
{
    const struct wk_chain_observer *observer = &chain->observer;
    struct wk_quality_marks marks;
    while (frames > 0) {
        const size_t taken =
            wk_quality_feed(&chain->quality, counts, frames, chain->cycle.step, &marks);
        counts += taken * chain->cycle.map.channels;
        frames -= taken;
        if (marks.phases != 0 && observer->self != NULL && observer->half != NULL) {
            WK_TRY(observer->half(observer->self, &marks));
        }
        for (uint8_t i = 0; i < marks.events; i++) {
            WK_TRY(emit_voltage_event(chain, &marks.event[i]));
        }
        if (marks.events != 0 || wk_quality_is_open(&chain->quality)) {
            chain->flags |= WK_RECORD_FLAGGED;
        }
    }
    return WK_OK;
}

static wk_err watch_samples(struct wk_chain *chain, wk_guard_kind kind,
                            struct wk_cycle_bad *bad)
{
    struct wk_guard_event event;
    chain->withheld_samples += bad->samples;
    const bool begins =
        wk_guard_see(&chain->guard, kind, bad, chain->half_begin_q16, chain->at_q16, &event);
    *bad = (struct wk_cycle_bad){0};
    return begins ? emit_guard_event(chain, &event) : WK_OK;
}

static wk_err add_half(struct wk_chain *chain, bool complete)
{
    struct wk_cycle *cycle = &chain->cycle;
    wk_window_add(&chain->window, cycle, complete);
    chain->half_begin_q16 = chain->at_q16;
    chain->at_q16 += (uint64_t)cycle->half.frames_q16;
    chain->flags |= cycle->saturated.channels != 0 ? WK_RECORD_CLIPPED : 0;
    WK_TRY(watch_samples(chain, WK_GUARD_SATURATION, &cycle->saturated));
    return watch_samples(chain, WK_GUARD_NO_VALUE, &cycle->no_value);
}

/* Closes the window, whole or SHORT, and begins the next at the frequency that it showed. */
static wk_err end_window(struct wk_chain *chain)
{
    struct wk_record record;
    uint64_t step;
    WK_TRY(close_window(chain, &record, &step));
    if (step != chain->cycle.step) {
        wk_cycle_retune(&chain->cycle, step);
    }
    if ((chain->flags & WK_RECORD_SHORT) == 0) {
        wk_quality_align(&chain->quality, &chain->window, chain->at_q16);
    }
    begin_window(chain);
    return show_window(chain, &record);
}

static wk_err pass_mark(struct wk_chain *chain)
{
    WK_TRY(add_half(chain, true));
    watch_clock(chain);
    const uint64_t step = chain->cycle.step;
    const uint64_t next_step =
        wk_track_mark(&chain->track, &chain->cycle.map, &chain->window, step);
    chain->flags |= next_step != step ? WK_RECORD_ACQUIRING : 0;
    const uint8_t halves = chain->window.halves;
    if (halves % 2 == 0 && halves >= 2 * wk_track_cycles(&chain->track, next_step)) {
        return end_window(chain);
    }
    if (next_step == step) {
        return WK_OK;
    }
    wk_cycle_retune(&chain->cycle, next_step);
    return show_restart(chain);
}

/* ---- the whole --------------------------------------------------------------------------- */

/* Amplitudes below which a voltage is absent. */
static void find_floor(const struct wk_chain *chain, const struct wk_sample_map *map,
                       int64_t floor[WK_RECORD_PHASES])
{
    const float least_v = (float)chain->quality.config.nominal_mv * FLOOR_V_PER_MV;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_U + phase];
        const float unit = __builtin_fabsf(wk_sample_unit(slot));
        const float counts = slot->present ? least_v / unit : 0;
        floor[phase] = counts >= WK_SAMPLE_COUNTS ? WK_SAMPLE_COUNTS
                       : counts > FLOOR_COUNTS    ? (int32_t)counts
                                                  : FLOOR_COUNTS;
    }
}

/* The rooms that depend on the sample rate. */
static void init_rate(struct wk_chain *chain, const struct wk_hal_frontend_info *info,
                      const struct wk_sample_map *map)
{
    int64_t floor[WK_RECORD_PHASES];
    const wk_quantity_dc dc = chain->quantity.dc;
    chain->rate_uhz = info->rate_uhz;
    find_floor(chain, map, floor);
    wk_track_init(&chain->track, info->rate_uhz, info->nominal_uhz, floor);
    wk_cycle_init(&chain->cycle, map, info->rate_uhz,
                  wk_track_first_step(&chain->track, info->nominal_uhz));
    /* the cycle's map is the one that all look at */
    wk_quantity_init(&chain->quantity, &chain->cycle.map, info->rate_uhz, dc);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_sample_slot *slot = &map->slot[WK_SAMPLE_I + phase];
        if (slot->present) {
            wk_quantity_set_curve(&chain->quantity, phase, &info->channel[slot->index]);
        }
    }
}

static wk_err init_rooms(struct wk_chain *chain, const struct wk_hal_frontend_info *info,
                         const struct wk_chain_config *config, struct wk_sample_fault *fault)
{
    struct wk_sample_map map;
    WK_TRY(wk_sample_map_init(&map, info, fault));
    *fault = (struct wk_sample_fault){
        .reason = WK_REFUSAL_POWER,
        .channel = -1,
    };
    WK_TRY(wk_energy_init(&chain->energy, &map, info->rate_uhz, config->summation));
    fault->reason = WK_REFUSAL_GUARDS;
    WK_TRY(wk_guard_init(&chain->guard, &config->guard));
    fault->reason = WK_REFUSAL_PULSES;
    WK_TRY(config->pulse_constant <= WK_PULSE_CONSTANT_MOST ? WK_OK : WK_E_RANGE);
    fault->reason = WK_REFUSAL_START;
    WK_TRY(config->start_ua >= 0 ? WK_OK : WK_E_RANGE);
    wk_creep_init(&chain->creep, config->start_ua);
    wk_pulse_init(&chain->pulse, config->pulse_constant);
    struct wk_quality_config quality = config->quality;
    quality.nominal_mv = quality.nominal_mv != 0 ? quality.nominal_mv : info->nominal_mv;
    fault->reason = WK_REFUSAL_THRESHOLDS;
    WK_TRY(
        wk_quality_init(&chain->quality, &map, &quality, config->dc == WK_QUANTITY_DC_BLOCK));
    fault->reason = WK_REFUSAL_NONE;
    chain->quantity.dc = config->dc;
    init_rate(chain, info, &map);
    return WK_OK;
}

wk_err wk_chain_init(struct wk_chain *chain, const struct wk_hal_frontend_info *info,
                     const struct wk_chain_config *config, struct wk_sample_fault *fault)
{
    *chain = (struct wk_chain){
        .fault = WK_E_STATE,
        .sink = config->sink,
        .observer = config->observer,
        .rate_uhz = info->rate_uhz,
        .start_us = info->start_us,
        .last_us = info->start_us,
        .epoch = config->epoch,
    };
    WK_TRY(init_rooms(chain, info, config, fault));
    if (info->start_us > 0) {
        plan_tick(chain, info->start_us);
    }
    begin_window(chain);
    chain->flags = WK_RECORD_FEED_START;
    chain->fault = WK_OK;
    return WK_OK;
}

wk_err wk_chain_feed(struct wk_chain *chain, const int32_t *counts, size_t frames)
{
    WK_TRY(chain->fault);
    while (frames > 0) {
        bool marked;
        const size_t taken = wk_cycle_feed(&chain->cycle, counts, frames, &marked);
        if (chain->observer.self != NULL) {
            WK_TRY(chain->observer.frames(chain->observer.self, counts, taken, chain->at));
        }
        WK_TRY(watch_quality(chain, counts, taken));
        chain->at += taken;
        counts += taken * chain->cycle.map.channels;
        frames -= taken;
        if (marked) {
            WK_TRY(pass_mark(chain));
        }
    }
    return WK_OK;
}

wk_err wk_chain_flush(struct wk_chain *chain)
{
    WK_TRY(chain->fault);
    wk_cycle_cut(&chain->cycle);
    if (chain->cycle.half.frames_q16 > 0) {
        WK_TRY(add_half(chain, false));
    }
    chain->flags |= WK_RECORD_SHORT;
    if (chain->window.halves > chain->window.first) {
        return end_window(chain);
    }
    begin_window(chain);
    return WK_OK;
}

wk_err wk_chain_gap(struct wk_chain *chain, uint64_t frames)
{
    WK_TRY(wk_chain_flush(chain));
    chain->at_q16 += frames << 16;
    chain->at += frames;
    wk_quality_gap(&chain->quality, frames);
    begin_window(chain);
    chain->flags |= WK_RECORD_FEED_GAP;
    return show_restart(chain);
}

/* Positions count from the start at one rate: the start moves to where the rate changes. */
static wk_err change_rate(struct wk_chain *chain, const struct wk_hal_frontend_info *info)
{
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    WK_TRY(wk_sample_map_init(&map, info, &fault));
    WK_TRY(wk_energy_set_rate(&chain->energy, &map, info->rate_uhz));
    WK_TRY(wk_chain_flush(chain));
    chain->start_us = wk_chain_time_us(chain, chain->at_q16);
    chain->at_q16 = 0;
    chain->half_begin_q16 = 0;
    chain->at = 0;
    wk_quality_restart(&chain->quality);
    init_rate(chain, info, &map);
    if (chain->tick_us != 0) {
        plan_tick(chain, chain->start_us);
    }
    begin_window(chain);
    return WK_OK;
}

wk_err wk_chain_trouble(struct wk_chain *chain, const struct wk_hal_trouble *trouble,
                        const struct wk_hal_frontend_info *info)
{
    WK_TRY(chain->fault);
    const int64_t frames = trouble->frames < INT32_MAX ? (int64_t)trouble->frames : INT32_MAX;
    struct wk_record record = {
        .event = {.kind = trouble->kind == WK_HAL_FEED_LOST ? WK_RECORD_FEED_LOST
                                                            : WK_RECORD_FEED_RESET,
                  .value = (int32_t)frames},
    };
    if (trouble->kind == WK_HAL_FEED_RATE) {
        struct wk_hal_frontend_info changed = *info;
        changed.rate_uhz = trouble->rate_uhz;
        WK_TRY(change_rate(chain, &changed));
        record.event.kind = WK_RECORD_FEED_RATE;
        record.event.value = (int32_t)(trouble->rate_uhz / 1000);
    }
    const int64_t begin_us = wk_chain_time_us(chain, chain->at_q16);
    WK_TRY(wk_chain_gap(chain, trouble->frames));
    record.event.begin_us = begin_us;
    record.event.duration_us = wk_chain_time_us(chain, chain->at_q16) - begin_us;
    return emit_event(chain, chain->at_q16, &record);
}
