/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/chain.h"

#include "base/wide.h"

#define FLOOR_COUNTS 8     /* least amplitude of a voltage that can be tracked */
#define FLOOR_PPM    70711 /* 5 % of nominal rms, as an amplitude */
#define ODD_PART     200   /* 1/200 cycle: so near to whole cycles is whole */

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
    int64_t rest;
    const struct wk_i128 product = wk_i128_mul((int64_t)at_q16, INT64_C(1000000000000));
    const struct wk_i128 us_q16 = wk_i128_div(product, chain->rate_uhz, &rest);
    return chain->start_us + (int64_t)wk_i128_shift_right(us_q16, 16).low;
}

/* ---- records ----------------------------------------------------------------------------- */

static wk_err emit(struct wk_chain *chain)
{
    chain->record.seq++;
    chain->fault = chain->sink.emit(chain->sink.self, &chain->record);
    return chain->fault;
}

wk_err wk_chain_emit(struct wk_chain *chain, struct wk_record *record)
{
    record->seq = ++chain->record.seq;
    record->epoch = chain->record.epoch;
    chain->fault = chain->sink.emit(chain->sink.self, record);
    return chain->fault;
}

/* ---- who listens in ---------------------------------------------------------------------- */

static struct wk_chain_place next_place(const struct wk_chain *chain)
{
    return (struct wk_chain_place){
        .at_q16 = chain->at_q16,
        .step = chain->cycle.step,
        .cycles = wk_track_cycles(&chain->track, chain->cycle.step),
    };
}

static wk_err show_window(struct wk_chain *chain)
{
    if (chain->observer.self == NULL) {
        return WK_OK;
    }
    const struct wk_chain_place next = next_place(chain);
    return chain->observer.window(chain->observer.self, &chain->record, &next);
}

static wk_err show_restart(struct wk_chain *chain)
{
    if (chain->observer.self == NULL) {
        return WK_OK;
    }
    const struct wk_chain_place next = next_place(chain);
    return chain->observer.restart(chain->observer.self, &next);
}

static wk_err emit_event(struct wk_chain *chain, const struct wk_quality_event *event)
{
    const int64_t begin_us = wk_chain_time_us(chain, event->begin_q16);
    chain->record.kind = WK_RECORD_EVENT;
    chain->record.t_us = wk_chain_time_us(chain, chain->at_q16);
    chain->record.span_us = 0;
    chain->record.flags = 0;
    chain->record.event = (struct wk_record_event){
        .kind = event->kind,
        .phases = event->phases,
        .begin_us = begin_us,
        .duration_us = wk_chain_time_us(chain, event->now_q16) - begin_us,
        .extreme_mv = event->extreme_mv,
        .nominal_mv = chain->quality.config.nominal_mv,
    };
    WK_TRY(emit(chain));
    return chain->observer.self == NULL
               ? WK_OK
               : chain->observer.event(chain->observer.self, &chain->record);
}

static wk_err emit_window(struct wk_chain *chain)
{
    chain->record.kind = WK_RECORD_WINDOW;
    chain->record.t_us = wk_chain_time_us(chain, chain->at_q16);
    chain->record.span_us = chain->record.t_us - chain->window_begin_us;
    chain->record.flags = chain->flags;
    return emit(chain);
}

/* ---- a window ends ----------------------------------------------------------------------- */

static void begin_window(struct wk_chain *chain)
{
    wk_window_init(&chain->window);
    chain->window_begin_us = wk_chain_time_us(chain, chain->at_q16);
    chain->flags = wk_quality_is_open(&chain->quality) ? WK_RECORD_FLAGGED : 0;
}

/* Which half cycles the phasors of a window cut short are made of, and at what frequency: all,
 * as of a signal that repeats itself, if they are whole cycles but for a trifle; else the whole
 * cycles among them. */
static uint8_t part_of_short(const struct wk_chain *chain, uint64_t *step, uint32_t *cycles)
{
    const struct wk_window *window = &chain->window;
    const uint64_t turns_q16 = ((*step >> 32) * (uint64_t)window->frames_q16) >> 32;
    const uint64_t nearest = (turns_q16 + 32768) >> 16;
    const int64_t off = (int64_t)turns_q16 - (int64_t)(nearest << 16);
    if (nearest > 0 && off < 65536 / ODD_PART && off > -65536 / ODD_PART) {
        int64_t rest;
        const struct wk_i128 whole = {.high = (int64_t)nearest << 16};
        *step = wk_i128_div(whole, window->frames_q16, &rest).low;
        *cycles = (uint32_t)nearest;
        return window->halves;
    }
    *cycles = (uint32_t)(turns_q16 >> 16);
    const uint8_t whole = (uint8_t)((window->halves - 1) & ~1);
    return whole != 0 ? whole : window->halves;
}

static wk_err close_window(struct wk_chain *chain, uint64_t *next_step)
{
    struct wk_record_window *out = &chain->record.window;
    struct wk_track_result result;
    struct wk_quantity_raw raw;
    const struct wk_window *window = &chain->window;
    wk_track_close(&chain->track, window, chain->cycle.step, &result);
    *out = (struct wk_record_window){
        .cycles = window->halves / 2U,
        .reference = chain->track.reference,
    };
    uint8_t halves = window->halves;
    uint64_t step = result.step;
    if ((chain->flags & WK_RECORD_SHORT) != 0) {
        halves = part_of_short(chain, &step, &out->cycles);
    }
    wk_window_phasors(window, halves, step, &chain->phasors);
    wk_quantity_fill(&chain->quantity, window, &chain->phasors, result.step, out, &raw);
    wk_energy_add(&chain->energy, &raw, out);
    wk_track_choose(&chain->track, out->u_mv);
    chain->flags |= result.free_run ? WK_RECORD_FREE_RUN : 0;
    chain->flags |= result.acquiring && !result.free_run ? WK_RECORD_ACQUIRING : 0;
    *next_step = result.next_step;
    return emit_window(chain);
}

/* ---- a half cycle ends ------------------------------------------------------------------- */

static wk_err watch_quality(struct wk_chain *chain)
{
    struct wk_quality_event events[WK_QUALITY_KINDS];
    const uint8_t count =
        wk_quality_step(&chain->quality, &chain->cycle.half, chain->half_begin_q16, events);
    for (uint8_t i = 0; i < count; i++) {
        WK_TRY(emit_event(chain, &events[i]));
    }
    if (count != 0 || wk_quality_is_open(&chain->quality)) {
        chain->flags |= WK_RECORD_FLAGGED;
    }
    return WK_OK;
}

static void add_half(struct wk_chain *chain, bool complete)
{
    wk_window_add(&chain->window, &chain->cycle, complete);
    chain->half_begin_q16 = chain->at_q16;
    chain->at_q16 += (uint64_t)chain->cycle.half.frames_q16;
    chain->flags |= chain->cycle.clipped ? WK_RECORD_CLIPPED : 0;
    chain->cycle.clipped = false;
}

static wk_err pass_mark(struct wk_chain *chain)
{
    add_half(chain, true);
    WK_TRY(watch_quality(chain));
    const uint64_t step = chain->cycle.step;
    uint64_t next_step = wk_track_mark(&chain->track, &chain->cycle.map, &chain->window, step);
    chain->flags |= next_step != step ? WK_RECORD_ACQUIRING : 0;
    const uint8_t halves = chain->window.halves;
    const bool ends =
        halves % 2 == 0 && halves >= 2 * wk_track_cycles(&chain->track, next_step);
    if (ends) {
        WK_TRY(close_window(chain, &next_step));
    }
    const bool retuned = next_step != step;
    if (retuned) {
        wk_cycle_retune(&chain->cycle, next_step);
    }
    if (ends) {
        WK_TRY(show_window(chain));
        begin_window(chain);
        return WK_OK;
    }
    return retuned ? show_restart(chain) : WK_OK;
}

/* ---- the whole --------------------------------------------------------------------------- */

static wk_err init_rooms(struct wk_chain *chain, const struct wk_hal_frontend_info *info,
                         const struct wk_chain_config *config, struct wk_sample_fault *fault)
{
    struct wk_sample_map map;
    WK_TRY(wk_sample_map_init(&map, info, fault));
    *fault = (struct wk_sample_fault){
        .reason = "gains: power per count is too large or differs too much between phases",
        .channel = -1,
    };
    WK_TRY(wk_energy_init(&chain->energy, &map, info->rate_uhz, config->summation));
    struct wk_quality_config quality = config->quality;
    quality.nominal_mv = quality.nominal_mv != 0 ? quality.nominal_mv : info->nominal_mv;
    fault->reason = "thresholds: must be interruption < dip < 100 % < swell <= 200 %, "
                    "hysteresis 0 to 10 %";
    WK_TRY(
        wk_quality_init(&chain->quality, &map, &quality, config->dc == WK_QUANTITY_DC_BLOCK));
    fault->reason = NULL;
    wk_quantity_init(&chain->quantity, &map, info->rate_uhz, config->dc);
    int64_t floor[WK_RECORD_PHASES];
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_scale micro = wk_scale_abs(chain->quantity.micro[WK_SAMPLE_U + phase]);
        const struct wk_scale least =
            wk_scale_mul(wk_scale_of(quality.nominal_mv, -3), wk_scale_of(FLOOR_PPM, 0));
        const int64_t counts =
            micro.mantissa != 0 ? wk_scale_apply(wk_scale_div(least, micro), 1) : 0;
        floor[phase] = counts > FLOOR_COUNTS ? counts : FLOOR_COUNTS;
        floor[phase] = floor[phase] < WK_SAMPLE_COUNTS ? floor[phase] : WK_SAMPLE_COUNTS;
    }
    wk_track_init(&chain->track, info->rate_uhz, info->nominal_uhz, floor);
    wk_cycle_init(&chain->cycle, &map, info->rate_uhz,
                  wk_track_first_step(&chain->track, info->nominal_uhz));
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
        .record.epoch = config->epoch,
    };
    WK_TRY(init_rooms(chain, info, config, fault));
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
    uint64_t next_step = chain->cycle.step;
    const uint64_t step = next_step;
    wk_cycle_cut(&chain->cycle);
    if (chain->cycle.half.frames_q16 > 0) {
        add_half(chain, false);
    }
    if (chain->window.halves > 0) {
        chain->flags |= WK_RECORD_SHORT;
        WK_TRY(close_window(chain, &next_step));
    }
    wk_quality_gap(&chain->quality);
    if (next_step != step) {
        wk_cycle_retune(&chain->cycle, next_step);
    }
    if (chain->window.halves > 0) {
        WK_TRY(show_window(chain));
    }
    begin_window(chain);
    return WK_OK;
}

wk_err wk_chain_gap(struct wk_chain *chain, uint64_t frames)
{
    WK_TRY(wk_chain_flush(chain));
    chain->at_q16 += frames << 16;
    chain->at += frames;
    begin_window(chain);
    chain->flags |= WK_RECORD_FEED_GAP;
    return show_restart(chain);
}
