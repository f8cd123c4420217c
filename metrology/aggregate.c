/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/aggregate.h"

#include <stddef.h>
#include <string.h>

#include "metrology/flicker.h"

/* ---- the values that are aggregated by their squares ------------------------------------- */

struct field {
    uint16_t offset;
    uint8_t count;
    bool needs_lines; /* there is none in a block without harmonics */
};

#define FIELD(name, count, lines)                                                              \
    {                                                                                          \
        offsetof(struct wk_record_quality, name), count, lines                                 \
    }

static const struct field k_fields[] = {
    FIELD(under, WK_RECORD_PHASES, false),
    FIELD(over, WK_RECORD_PHASES, false),
    FIELD(u2, 1, false),
    FIELD(u0, 1, false),
    FIELD(i2, 1, false),
    FIELD(i0, 1, false),
    FIELD(u_thd, WK_RECORD_PHASES, true),
    FIELD(i_thd, WK_RECORD_PHASES + 1, true),
    FIELD(u_crest, WK_RECORD_PHASES, true),
    FIELD(i_crest, WK_RECORD_PHASES + 1, true),
    FIELD(k_factor, WK_RECORD_PHASES + 1, true),
    FIELD(signal_v, WK_RECORD_PHASES, true),
};
#define FIELDS (sizeof k_fields / sizeof k_fields[0])

/* A block with all its values. */
struct block {
    int64_t begin_us;
    int64_t end_us;
    bool flagged;
    struct wk_record_quality values;
    const struct wk_spectrum_result *lines;
};

static float *values_of(struct wk_record_quality *quality, const struct field *field)
{
    return (float *)(void *)((uint8_t *)quality + field->offset);
}

static const float *const_values_of(const struct wk_record_quality *quality,
                                    const struct field *field)
{
    return (const float *)(const void *)((const uint8_t *)quality + field->offset);
}

static void add(struct wk_aggregate_sum *sum, float value)
{
    const float part = value - sum->lost;
    const float whole = sum->sum + part;
    sum->lost = (whole - sum->sum) - part;
    sum->sum = whole;
}

static float mean_root(const struct wk_aggregate_sum *sum, uint32_t count)
{
    return wk_spectrum_root(sum->sum / (float)count);
}

static void add_row(float sums[WK_AGGREGATE_LINES], const float from[WK_AGGREGATE_LINES])
{
    for (int h = 0; h < WK_AGGREGATE_LINES; h++) {
        sums[h] += from[h];
    }
}

static void add_lines(struct wk_aggregate_lines *sums, const struct wk_spectrum_result *lines)
{
    for (int slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        add_row(sums->subgroup[slot], lines->slot[slot].subgroup);
        add_row(sums->inter[slot], lines->slot[slot].inter);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        add_row(sums->power_w[phase], lines->power_w[phase]);
    }
}

/* The means of an interval enter a longer one as a block does. */
static void add_means(struct wk_aggregate_lines *sums, const struct wk_aggregate_lines *means)
{
    for (int slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        add_row(sums->subgroup[slot], means->subgroup[slot]);
        add_row(sums->inter[slot], means->inter[slot]);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        add_row(sums->power_w[phase], means->power_w[phase]);
    }
}

/* ---- an interval ------------------------------------------------------------------------- */

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

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static void note_extremes(struct wk_aggregate_interval *interval,
                          const struct wk_record_quality *values)
{
    struct wk_record_quality *sums = &interval->sums;
    const bool first = interval->blocks == 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const bool less = first || values->u_min_v[phase] < sums->u_min_v[phase];
        sums->u_min_v[phase] = less ? values->u_min_v[phase] : sums->u_min_v[phase];
        sums->u_max_v[phase] = larger(sums->u_max_v[phase], values->u_max_v[phase]);
        sums->pinst_max[phase] = larger(sums->pinst_max[phase], values->pinst_max[phase]);
    }
}

static void note_orders(struct wk_aggregate_interval *interval, uint8_t orders)
{
    interval->orders = orders < interval->orders ? orders : interval->orders;
}

static void add_block(struct wk_aggregate_interval *interval, const struct block *block)
{
    const struct wk_record_quality *values = &block->values;
    note_extremes(interval, values);
    add(&interval->f_hz, values->f_hz);
    for (int k = 0; k <= WK_RECORD_PHASES; k++) {
        if (k < WK_RECORD_PHASES) {
            add(&interval->u[k], values->u_v[k] * values->u_v[k]);
        }
        add(&interval->i[k], values->i_a[k] * values->i_a[k]);
    }
    for (size_t f = 0; f < FIELDS; f++) {
        float *sums = values_of(&interval->sums, &k_fields[f]);
        const float *from = const_values_of(values, &k_fields[f]);
        for (uint8_t k = 0; k < k_fields[f].count; k++) {
            sums[k] += from[k] * from[k];
        }
    }
    if (block->lines != NULL) {
        interval->with_lines++;
        note_orders(interval, block->lines->orders);
        if (interval->lines != NULL) {
            add_lines(interval->lines, block->lines);
        }
    }
    interval->blocks++;
    interval->flagged += block->flagged ? 1 : 0;
}

/* From sums to values. */
static void finish(const struct wk_aggregate_interval *interval, struct wk_record_quality *out)
{
    *out = interval->sums;
    out->windows = interval->blocks;
    out->flagged = interval->flagged;
    out->f_hz = interval->f_hz.sum / (float)interval->blocks;
    for (int k = 0; k <= WK_RECORD_PHASES; k++) {
        if (k < WK_RECORD_PHASES) {
            out->u_v[k] = mean_root(&interval->u[k], interval->blocks);
        }
        out->i_a[k] = mean_root(&interval->i[k], interval->blocks);
    }
    for (size_t f = 0; f < FIELDS; f++) {
        const uint32_t count =
            k_fields[f].needs_lines ? interval->with_lines : interval->blocks;
        float *values = values_of(out, &k_fields[f]);
        for (uint8_t k = 0; k < k_fields[f].count; k++) {
            values[k] = count > 0 ? wk_spectrum_root(values[k] / (float)count) : 0;
        }
    }
}

static void scale_row(float row[WK_AGGREGATE_LINES], float share)
{
    for (int h = 0; h < WK_AGGREGATE_LINES; h++) {
        row[h] *= share;
    }
}

static void finish_lines(const struct wk_aggregate_interval *interval)
{
    struct wk_aggregate_lines *lines = interval->lines;
    const float share = 1.0F / (float)interval->with_lines;
    for (int slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        scale_row(lines->subgroup[slot], share);
        scale_row(lines->inter[slot], share);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        scale_row(lines->power_w[phase], share);
    }
}

/* ---- records ----------------------------------------------------------------------------- */

/* What the records of an interval have in common. */
struct head {
    wk_record_level level;
    uint32_t flags;
    int64_t begin_us;
    int64_t end_us;
};

static struct wk_record record_of(const struct head *head, wk_record_kind kind)
{
    return (struct wk_record){
        .kind = kind,
        .flags = head->flags,
        .t_us = head->end_us,
        .span_us = head->end_us - head->begin_us,
    };
}

/* Squares of one channel; the powers are those of a phase, and shown if this is its current. */
struct channel {
    uint8_t slot;
    uint8_t orders;
    const float *subgroup;
    const float *inter;
    const float *power_w;
};

static bool is_phase_current(int slot)
{
    return slot >= WK_SAMPLE_I && slot < WK_SAMPLE_I + WK_RECORD_PHASES;
}

static wk_err emit_channel(struct wk_aggregate *aggregate, const struct head *head,
                           const struct channel *channel)
{
    if ((aggregate->config.slots & (1U << channel->slot)) == 0) {
        return WK_OK;
    }
    struct wk_record record = record_of(head, WK_RECORD_SPECTRUM);
    struct wk_record_spectrum *spectrum = &record.spectrum;
    const bool has_power = is_phase_current(channel->slot);
    spectrum->level = (uint8_t)head->level;
    spectrum->slot = channel->slot;
    spectrum->orders = channel->orders;
    for (int h = 0; h < WK_AGGREGATE_LINES; h++) {
        spectrum->subgroup[h] = wk_spectrum_root(channel->subgroup[h]);
        spectrum->inter[h] = wk_spectrum_root(channel->inter[h]);
        spectrum->power_w[h] = has_power ? channel->power_w[h] : 0;
    }
    return aggregate->sink.emit(aggregate->sink.self, &record);
}

static wk_err emit_lines(struct wk_aggregate *aggregate, const struct head *head,
                         const struct wk_aggregate_interval *interval)
{
    const struct wk_aggregate_lines *lines = interval->lines;
    for (uint8_t slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        const struct channel channel = {
            .slot = slot,
            .orders = interval->orders,
            .subgroup = lines->subgroup[slot],
            .inter = lines->inter[slot],
            .power_w = lines->power_w[slot % WK_SAMPLE_I % WK_RECORD_PHASES],
        };
        WK_TRY(emit_channel(aggregate, head, &channel));
    }
    return WK_OK;
}

static wk_err emit_block_lines(struct wk_aggregate *aggregate, const struct head *head,
                               const struct wk_spectrum_result *lines)
{
    for (uint8_t slot = 0; slot < WK_SAMPLE_SLOTS; slot++) {
        const struct channel channel = {
            .slot = slot,
            .orders = lines->orders,
            .subgroup = lines->slot[slot].subgroup,
            .inter = lines->slot[slot].inter,
            .power_w = lines->power_w[slot % WK_SAMPLE_I % WK_RECORD_PHASES],
        };
        WK_TRY(emit_channel(aggregate, head, &channel));
    }
    return WK_OK;
}

static wk_err emit_quality(struct wk_aggregate *aggregate, const struct head *head,
                           const struct wk_record_quality *values)
{
    struct wk_record record = record_of(head, WK_RECORD_QUALITY);
    record.quality = *values;
    record.quality.level = (uint8_t)head->level;
    record.quality.phases = aggregate->config.phases;
    return aggregate->sink.emit(aggregate->sink.self, &record);
}

static struct head head_of(const struct wk_aggregate_interval *interval, wk_record_level level,
                           int64_t end_us)
{
    return (struct head){
        .level = level,
        .flags = interval->flagged > 0 ? WK_RECORD_FLAGGED : 0,
        .begin_us = interval->begin_us,
        .end_us = end_us,
    };
}

/* Emits an interval and ends it; its values stay in `out`. */
static wk_err close_interval(struct wk_aggregate *aggregate,
                             struct wk_aggregate_interval *interval, const struct head *head,
                             struct wk_record_quality *out)
{
    finish(interval, out);
    interval->open = false;
    if (interval->lines != NULL && interval->with_lines > 0) {
        finish_lines(interval);
        WK_TRY(emit_lines(aggregate, head, interval));
    }
    return WK_OK;
}

/* ---- the levels -------------------------------------------------------------------------- */

static wk_err add_to_three_s(struct wk_aggregate *aggregate,
                             struct wk_aggregate_interval *interval, const struct block *block)
{
    add_block(interval, block);
    if (interval->blocks < WK_AGGREGATE_BLOCKS) {
        return WK_OK;
    }
    struct wk_record_quality values;
    const struct head head = head_of(interval, WK_RECORD_LEVEL_3_S, block->end_us);
    WK_TRY(close_interval(aggregate, interval, &head, &values));
    return emit_quality(aggregate, &head, &values);
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

static wk_err close_two_h(struct wk_aggregate *aggregate, int64_t end_us)
{
    struct wk_aggregate_interval *interval = &aggregate->two_h;
    if (!interval->open || interval->blocks == 0) {
        return WK_OK;
    }
    struct wk_record_quality values;
    const struct head head = head_of(interval, WK_RECORD_LEVEL_2_H, end_us);
    WK_TRY(close_interval(aggregate, interval, &head, &values));
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        values.plt[phase] = wk_flicker_cubic_mean(aggregate->pst_cubes[phase], aggregate->psts);
        aggregate->pst_cubes[phase] = 0;
    }
    aggregate->psts = 0;
    return emit_quality(aggregate, &head, &values);
}

/* A 10-minute value enters its two hours as a block does its interval. */
static wk_err take_ten_min(struct wk_aggregate *aggregate, const struct head *head,
                           const struct wk_record_quality *values, bool has_lines)
{
    struct wk_aggregate_interval *interval = &aggregate->two_h;
    const int64_t begin_us = head->begin_us - head->begin_us % WK_AGGREGATE_2_H_US;
    if (interval->open && interval->begin_us != begin_us) {
        WK_TRY(close_two_h(aggregate, interval->begin_us + WK_AGGREGATE_2_H_US));
    }
    if (!interval->open) {
        begin_interval(interval, aggregate->config.two_h, begin_us);
    }
    const struct block block = {
        .begin_us = head->begin_us,
        .end_us = head->end_us,
        .flagged = values->flagged > 0,
        .values = *values,
    };
    add_block(interval, &block);
    if (has_lines) {
        interval->with_lines++;
        note_orders(interval, aggregate->ten_min.orders);
        if (interval->lines != NULL && aggregate->ten_min.lines != NULL) {
            add_means(interval->lines, aggregate->ten_min.lines);
        }
    }
    bool has_pst = false;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const float pst = values->pst[phase];
        aggregate->pst_cubes[phase] += pst * pst * pst;
        has_pst = has_pst || pst > 0;
    }
    aggregate->psts += has_pst ? 1 : 0;
    return head->end_us % WK_AGGREGATE_2_H_US == 0 ? close_two_h(aggregate, head->end_us)
                                                   : WK_OK;
}

static wk_err close_ten_min(struct wk_aggregate *aggregate)
{
    struct wk_aggregate_interval *interval = &aggregate->ten_min;
    struct wk_record_quality values;
    const int64_t end_us = interval->begin_us + WK_AGGREGATE_10_MIN_US;
    const struct head head = head_of(interval, WK_RECORD_LEVEL_10_MIN, end_us);
    const bool has_lines = interval->with_lines > 0;
    WK_TRY(close_interval(aggregate, interval, &head, &values));
    memcpy(values.pst, aggregate->pst, sizeof values.pst);
    memset(aggregate->pst, 0, sizeof aggregate->pst);
    WK_TRY(emit_quality(aggregate, &head, &values));
    return take_ten_min(aggregate, &head, &values, has_lines);
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
        if (k < WK_RECORD_PHASES) {
            values->u_thd[k] = lines->slot[WK_SAMPLE_U + k].thd;
            values->u_crest[k] = lines->slot[WK_SAMPLE_U + k].crest;
            values->signal_v[k] = wk_spectrum_root(lines->signal[k]);
        }
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
            values->under[phase] = u_v < nominal_v ? (nominal_v - u_v) / nominal_v : 0;
            values->over[phase] = u_v > nominal_v ? (u_v - nominal_v) / nominal_v : 0;
        }
    }
}

static void fill_values(struct wk_record_quality *values,
                        const struct wk_aggregate_values *from)
{
    values->f_hz = from->f_hz;
    values->u2 = from->u2;
    values->u0 = from->u0;
    values->i2 = from->i2;
    values->i0 = from->i0;
    memcpy(values->u_v, from->u_v, sizeof values->u_v);
    memcpy(values->i_a, from->i_a, sizeof values->i_a);
    memcpy(values->pinst_max, from->pinst_max, sizeof values->pinst_max);
}

wk_err wk_aggregate_add(struct wk_aggregate *aggregate, const struct wk_aggregate_block *added)
{
    struct block block = {
        .begin_us = added->begin_us,
        .end_us = added->end_us,
        .flagged = added->flagged,
        .lines = added->lines,
    };
    fill_values(&block.values, &added->values);
    fill_deviation(aggregate, &block.values);
    if (block.lines != NULL) {
        fill_lines(&block.values, block.lines);
    }
    if (aggregate->config.has_utc) {
        WK_TRY(take_clock(aggregate, &block));
    }
    if (aggregate->config.emit_blocks) {
        const struct head head = {
            .level = WK_RECORD_LEVEL_WINDOW,
            .flags = block.flagged ? WK_RECORD_FLAGGED : 0,
            .begin_us = block.begin_us,
            .end_us = block.end_us,
        };
        if (block.lines != NULL) {
            WK_TRY(emit_block_lines(aggregate, &head, block.lines));
        }
        block.values.windows = 1;
        block.values.flagged = block.flagged ? 1 : 0;
        WK_TRY(emit_quality(aggregate, &head, &block.values));
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
