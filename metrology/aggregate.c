/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/aggregate.h"

#include <stddef.h>
#include <string.h>

#include "metrology/flicker.h"

/* ---- the values of a record as a row of numbers ------------------------------------------ */

typedef enum how {
    MEAN,
    SQUARE, /* root of the mean of the squares */
    LINES,  /* likewise, of the blocks that have harmonics */
    LEAST,
    MOST,
} how;

/* From f_hz on, in the order of struct wk_record_quality. */
static const struct {
    uint8_t count;
    uint8_t how;
} k_runs[] = {
    {1, MEAN},    /* f */
    {3, SQUARE},  /* u */
    {3, LEAST},   /* u_min */
    {3, MOST},    /* u_max */
    {14, SQUARE}, /* under, over, i, u2, u0, i2, i0 */
    {21, LINES},  /* thd, crest, k_factor, signal */
    {3, MOST},    /* pinst_max */
};
#define RUNS (sizeof k_runs / sizeof k_runs[0])
#define ROW  48 /* all of them */

#define PLACE(name)                                                                            \
    ((offsetof(struct wk_record_quality, name) - offsetof(struct wk_record_quality, f_hz)) /   \
     sizeof(float))
_Static_assert(PLACE(u_min_v) == 4 && PLACE(u_max_v) == 7 && PLACE(under) == 10 &&
                   PLACE(i_a) == 16 && PLACE(u_thd) == 24 && PLACE(pinst_max) == 45 &&
                   PLACE(pst) == ROW,
               "k_runs lists struct wk_record_quality");
_Static_assert(PLACE(i_a) + WK_RECORD_PHASES + 1 == WK_AGGREGATE_EXACT,
               "what is summed exactly ends with the currents");

static float *row_of(struct wk_record_quality *quality)
{
    return (float *)(void *)((uint8_t *)quality + offsetof(struct wk_record_quality, f_hz));
}

static const float *const_row_of(const struct wk_record_quality *quality)
{
    return (const float *)(const void *)((const uint8_t *)quality +
                                         offsetof(struct wk_record_quality, f_hz));
}

/* Adds what is not lost; the lost part is made good with the next value. */
static void add_exactly(float *sum, float *lost, float value)
{
    const float part = value - *lost;
    const float whole = *sum + part;
    *lost = (whole - *sum) - part;
    *sum = whole;
}

static void add_value(struct wk_aggregate_interval *interval, size_t k, how kind, float value)
{
    float *sum = row_of(&interval->sums) + k;
    float none = 0;
    float *lost = k < WK_AGGREGATE_EXACT ? &interval->lost[k] : &none;
    switch (kind) {
    case LEAST:
        *sum = interval->blocks == 0 || value < *sum ? value : *sum;
        break;
    case MOST:
        *sum = value > *sum ? value : *sum;
        break;
    case MEAN:
        add_exactly(sum, lost, value);
        break;
    case SQUARE:
    case LINES:
    default:
        add_exactly(sum, lost, value * value);
        break;
    }
}

static void add_values(struct wk_aggregate_interval *interval,
                       const struct wk_record_quality *values)
{
    const float *row = const_row_of(values);
    size_t k = 0;
    for (size_t run = 0; run < RUNS; run++) {
        for (uint8_t left = k_runs[run].count; left > 0; left--, k++) {
            /* All of it was cleared. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
            add_value(interval, k, (how)k_runs[run].how, row[k]);
        }
    }
}

/* From sums to values. */
static void finish(const struct wk_aggregate_interval *interval, struct wk_record_quality *out)
{
    const float *sum = const_row_of(&interval->sums);
    float *value = row_of(out);
    out->windows = interval->blocks;
    out->flagged = interval->flagged;
    for (size_t run = 0; run < RUNS; run++) {
        const how kind = (how)k_runs[run].how;
        const uint32_t count = kind == LINES ? interval->with_lines : interval->blocks;
        for (uint8_t left = k_runs[run].count; left > 0; left--, value++, sum++) {
            const float mean = count > 0 ? *sum / (float)count : 0;
            *value = kind >= LEAST ? *sum : kind == MEAN ? mean : wk_spectrum_root(mean);
        }
    }
}

/* ---- harmonics --------------------------------------------------------------------------- */

/* Squares by channel, and powers by phase, wherever they lie. */
struct view {
    const float *first; /* subgroups of the first slot, followed by its centred ones */
    size_t stride;      /* from slot to slot */
    const float *power_w;
    uint8_t orders;
};

static struct view view_of_block(const struct wk_spectrum_result *result)
{
    return (struct view){
        .first = result->slot[0].subgroup,
        .stride = sizeof result->slot[0] / sizeof(float),
        .power_w = result->power_w[0],
        .orders = result->orders,
    };
}

/* `first` is NULL if the interval keeps none. */
static struct view view_of_means(const struct wk_aggregate_interval *interval)
{
    const struct wk_aggregate_lines *lines = interval->lines;
    return (struct view){
        .first = lines != NULL ? lines->slot[0].subgroup : NULL,
        .stride = sizeof lines->slot[0] / sizeof(float),
        .power_w = lines != NULL ? lines->power_w[0] : NULL,
        .orders = interval->orders,
    };
}

static void add_row(float *sums, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sums[i] += from[i];
    }
}

static void add_lines(struct wk_aggregate_interval *interval, const struct view *view)
{
    struct wk_aggregate_lines *lines = interval->lines;
    interval->with_lines++;
    interval->orders = view->orders < interval->orders ? view->orders : interval->orders;
    if (lines == NULL || view->first == NULL) {
        return;
    }
    for (size_t slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        add_row(lines->slot[slot].subgroup, view->first + slot * view->stride,
                sizeof lines->slot[0] / sizeof(float));
    }
    add_row(lines->power_w[0], view->power_w, sizeof lines->power_w / sizeof(float));
}

static void finish_lines(const struct wk_aggregate_interval *interval)
{
    float *line = interval->lines->slot[0].subgroup;
    const float share = 1.0F / (float)interval->with_lines;
    for (size_t i = 0; i < sizeof *interval->lines / sizeof(float); i++) {
        line[i] *= share;
    }
}

/* ---- an interval ------------------------------------------------------------------------- */

/* A block with all its values. */
struct block {
    int64_t begin_us;
    int64_t end_us;
    bool flagged;
    const struct wk_record_quality *values;
    const struct view *lines; /* NULL: it has none */
};

static void begin_interval(struct wk_aggregate_interval *interval,
                           struct wk_aggregate_lines *lines, int64_t begin_us)
{
    *interval = (struct wk_aggregate_interval){
        .open = true,
        .orders = WK_RECORD_ORDERS,
        .begin_us = begin_us,
        .lines = lines,
    };
    if (lines != NULL) {
        *lines = (struct wk_aggregate_lines){0};
    }
}

static void add_block(struct wk_aggregate_interval *interval, const struct block *block)
{
    add_values(interval, block->values);
    if (block->lines != NULL) {
        add_lines(interval, block->lines);
    }
    interval->blocks++;
    interval->flagged += block->flagged ? 1 : 0;
}

/* ---- records ----------------------------------------------------------------------------- */

/* What the records of an interval have in common. */
struct head {
    wk_record_level level;
    bool flagged;
    int64_t begin_us;
    int64_t end_us;
};

static void begin_record(struct wk_record *record, wk_record_kind kind, const struct head *head)
{
    *record = (struct wk_record){
        .kind = kind,
        .flags = head->flagged ? WK_RECORD_FLAGGED : 0,
        .t_us = head->end_us,
        .span_us = head->end_us - head->begin_us,
    };
}

static wk_err emit(struct wk_aggregate *aggregate, struct wk_record *record)
{
    return aggregate->sink.emit(aggregate->sink.self, record);
}

/* SPECTRUM of each channel there is. */
static wk_err emit_lines(struct wk_aggregate *aggregate, const struct head *head,
                         const struct view *view, struct wk_record *record)
{
    struct wk_record_spectrum *spectrum = &record->spectrum;
    begin_record(record, WK_RECORD_SPECTRUM, head);
    spectrum->level = (uint8_t)head->level;
    spectrum->orders = view->orders;
    for (uint8_t slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        const float *from = view->first + slot * view->stride;
        const size_t phase = (size_t)slot - WK_SAMPLE_I;
        if ((aggregate->config.slots & (1U << slot)) == 0) {
            continue;
        }
        spectrum->slot = slot;
        for (size_t h = 0; h < WK_AGGREGATE_LINES; h++) {
            spectrum->subgroup[h] = wk_spectrum_root(from[h]);
            spectrum->inter[h] = wk_spectrum_root(from[WK_AGGREGATE_LINES + h]);
            spectrum->power_w[h] =
                phase < WK_RECORD_PHASES ? view->power_w[phase * WK_AGGREGATE_LINES + h] : 0;
        }
        WK_TRY(emit(aggregate, record));
    }
    return WK_OK;
}

/* QUALITY, still to be emitted. */
static void begin_quality(const struct wk_aggregate *aggregate, const struct head *head,
                          struct wk_record *record)
{
    begin_record(record, WK_RECORD_QUALITY, head);
    record->quality.level = (uint8_t)head->level;
    record->quality.phases = aggregate->config.phases;
}

/* Ends an interval and emits its lines; `record` becomes its QUALITY, still to be emitted. */
static wk_err close_interval(struct wk_aggregate *aggregate,
                             struct wk_aggregate_interval *interval, wk_record_level level,
                             int64_t end_us, struct wk_record *record)
{
    const struct head head = {
        .level = level,
        .flagged = interval->flagged > 0,
        .begin_us = interval->begin_us,
        .end_us = end_us,
    };
    interval->open = false;
    if (interval->lines != NULL && interval->with_lines > 0) {
        const struct view view = view_of_means(interval);
        finish_lines(interval);
        WK_TRY(emit_lines(aggregate, &head, &view, record));
    }
    begin_quality(aggregate, &head, record);
    finish(interval, &record->quality);
    return WK_OK;
}

/* ---- the levels -------------------------------------------------------------------------- */

static wk_err add_to_three_s(struct wk_aggregate *aggregate,
                             struct wk_aggregate_interval *interval, const struct block *block)
{
    struct wk_record record;
    add_block(interval, block);
    if (interval->blocks < WK_AGGREGATE_BLOCKS) {
        return WK_OK;
    }
    WK_TRY(close_interval(aggregate, interval, WK_RECORD_LEVEL_3_S, block->end_us, &record));
    return emit(aggregate, &record);
}

/* At a tick the interval under way moves to the second place and goes on there. */
static void resynchronise(struct wk_aggregate *aggregate)
{
    struct wk_aggregate_interval *now = &aggregate->three_s[0];
    struct wk_aggregate_lines *other = aggregate->three_s[1].lines;
    aggregate->three_s[1] = *now;
    now->open = false;
    now->lines = other;
}

static wk_err take_three_s(struct wk_aggregate *aggregate, const struct block *block)
{
    struct wk_aggregate_interval *now = &aggregate->three_s[0];
    if (aggregate->three_s[1].open) {
        WK_TRY(add_to_three_s(aggregate, &aggregate->three_s[1], block));
    }
    if (!now->open) {
        begin_interval(now, now->lines, block->begin_us);
    }
    return add_to_three_s(aggregate, now, block);
}

static wk_err close_two_h(struct wk_aggregate *aggregate)
{
    struct wk_aggregate_interval *interval = &aggregate->two_h;
    struct wk_record record;
    const int64_t end_us = interval->begin_us + WK_AGGREGATE_2_H_US;
    WK_TRY(close_interval(aggregate, interval, WK_RECORD_LEVEL_2_H, end_us, &record));
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        record.quality.plt[phase] =
            wk_flicker_cubic_mean(aggregate->pst_cubes[phase], aggregate->psts);
        aggregate->pst_cubes[phase] = 0;
    }
    aggregate->psts = 0;
    return emit(aggregate, &record);
}

/* Pst of ten minutes enter their record, and the Plt of their two hours. */
static void take_pst(struct wk_aggregate *aggregate, struct wk_record_quality *values)
{
    bool any = false;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const float pst = aggregate->pst[phase];
        values->pst[phase] = pst;
        aggregate->pst[phase] = 0;
        aggregate->pst_cubes[phase] += pst * pst * pst;
        any = any || pst > 0;
    }
    aggregate->psts += any ? 1 : 0;
}

/* The interval of the clock that a time lies in is open, and the one before it closed. */
static wk_err turn_two_h(struct wk_aggregate *aggregate, int64_t now_us)
{
    struct wk_aggregate_interval *interval = &aggregate->two_h;
    const int64_t begin_us = now_us - now_us % WK_AGGREGATE_2_H_US;
    if (interval->open && interval->begin_us != begin_us) {
        WK_TRY(close_two_h(aggregate));
    }
    if (!interval->open) {
        begin_interval(interval, aggregate->config.two_h, begin_us);
    }
    return WK_OK;
}

/* A 10-minute value enters its two hours as a block does its interval. */
static wk_err close_ten_min(struct wk_aggregate *aggregate)
{
    struct wk_aggregate_interval *interval = &aggregate->ten_min;
    struct wk_record record;
    const int64_t end_us = interval->begin_us + WK_AGGREGATE_10_MIN_US;
    const bool has_lines = interval->with_lines > 0;
    const struct view means = view_of_means(interval);
    WK_TRY(turn_two_h(aggregate, interval->begin_us));
    WK_TRY(close_interval(aggregate, interval, WK_RECORD_LEVEL_10_MIN, end_us, &record));
    take_pst(aggregate, &record.quality);
    WK_TRY(emit(aggregate, &record));
    const struct block block = {
        .flagged = record.quality.flagged > 0,
        .values = &record.quality,
        .lines = has_lines ? &means : NULL,
    };
    add_block(&aggregate->two_h, &block);
    return end_us % WK_AGGREGATE_2_H_US == 0 ? close_two_h(aggregate) : WK_OK;
}

static wk_err take_clock(struct wk_aggregate *aggregate, const struct block *block)
{
    struct wk_aggregate_interval *interval = &aggregate->ten_min;
    const int64_t begin_us = block->begin_us - block->begin_us % WK_AGGREGATE_10_MIN_US;
    if (interval->open && interval->begin_us != begin_us) {
        WK_TRY(close_ten_min(aggregate));
        resynchronise(aggregate);
    }
    if (!interval->open) {
        begin_interval(interval, aggregate->config.ten_min, begin_us);
    }
    add_block(interval, block);
    return WK_OK;
}

/* ---- the whole --------------------------------------------------------------------------- */

void wk_aggregate_init(struct wk_aggregate *aggregate, const struct wk_aggregate_config *config,
                       const struct wk_aggregate_sink *sink)
{
    *aggregate = (struct wk_aggregate){.config = *config, .sink = *sink};
    aggregate->three_s[0].lines = config->three_s[0];
    aggregate->three_s[1].lines = config->three_s[1];
}

static void fill_lines(struct wk_record_quality *values, const struct wk_spectrum_result *lines)
{
    for (int k = 0; k <= WK_RECORD_PHASES; k++) {
        const struct wk_spectrum_channel *current = &lines->slot[WK_SAMPLE_I + k];
        values->i_thd[k] = current->thd;
        values->i_crest[k] = current->crest;
        values->k_factor[k] = current->k_factor;
    }
    for (int k = 0; k < WK_RECORD_PHASES; k++) {
        values->u_thd[k] = lines->slot[WK_SAMPLE_U + k].thd;
        values->u_crest[k] = lines->slot[WK_SAMPLE_U + k].crest;
        values->signal_v[k] = wk_spectrum_root(lines->signal[k]);
    }
}

/* Under- and overdeviation of one voltage (5.12), as squares are summed: of each block. */
static void fill_deviation(const struct wk_aggregate *aggregate,
                           struct wk_record_quality *values)
{
    const float nominal_v = (float)aggregate->config.nominal_mv / 1e3F;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const float u_v = values->u_v[phase];
        values->u_min_v[phase] = u_v;
        values->u_max_v[phase] = u_v;
        if (nominal_v > 0 && phase < aggregate->config.phases) {
            const float above = (u_v - nominal_v) / nominal_v;
            values->under[phase] = above < 0 ? -above : 0;
            values->over[phase] = above > 0 ? above : 0;
        }
    }
}

static void fill_values(struct wk_record_quality *values,
                        const struct wk_aggregate_values *from)
{
    values->f_hz = from->f_hz;
    memcpy(values->u_v, from->u_v, sizeof values->u_v);
    memcpy(values->i_a, from->i_a, sizeof values->i_a);
    values->u2 = from->u2;
    values->u0 = from->u0;
    values->i2 = from->i2;
    values->i0 = from->i0;
    memcpy(values->pinst_max, from->pinst_max, sizeof values->pinst_max);
}

static wk_err emit_block(struct wk_aggregate *aggregate, const struct block *block)
{
    struct wk_record record;
    const struct head head = {
        .level = WK_RECORD_LEVEL_WINDOW,
        .flagged = block->flagged,
        .begin_us = block->begin_us,
        .end_us = block->end_us,
    };
    if (block->lines != NULL) {
        WK_TRY(emit_lines(aggregate, &head, block->lines, &record));
    }
    begin_quality(aggregate, &head, &record);
    memcpy(row_of(&record.quality), const_row_of(block->values), ROW * sizeof(float));
    record.quality.windows = 1;
    record.quality.flagged = block->flagged ? 1 : 0;
    return emit(aggregate, &record);
}

wk_err wk_aggregate_add(struct wk_aggregate *aggregate, const struct wk_aggregate_block *added)
{
    struct view view;
    struct wk_record_quality values = {0};
    struct block block = {
        .begin_us = added->begin_us,
        .end_us = added->end_us,
        .flagged = added->flagged,
        .values = &values,
        .lines = NULL,
    };
    fill_values(&values, &added->values);
    fill_deviation(aggregate, &values);
    if (added->lines != NULL) {
        view = view_of_block(added->lines);
        block.lines = &view;
        fill_lines(&values, added->lines);
    }
    if (aggregate->config.has_utc) {
        WK_TRY(take_clock(aggregate, &block));
    }
    if (aggregate->config.emit_blocks) {
        WK_TRY(emit_block(aggregate, &block));
    }
    return take_three_s(aggregate, &block);
}

void wk_aggregate_set_pst(struct wk_aggregate *aggregate, const float pst[WK_RECORD_PHASES])
{
    memcpy(aggregate->pst, pst, sizeof aggregate->pst);
}

void wk_aggregate_gap(struct wk_aggregate *aggregate)
{
    aggregate->three_s[0].open = false;
    aggregate->three_s[1].open = false;
}
