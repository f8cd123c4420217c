/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/vee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "headend/reading.h"

/* A slot that is no good as an end point or as a reference. */
#define UNFIT                                                                                  \
    (WK_SLOT_MISSING | WK_SLOT_SPANS | WK_SLOT_ESTIMATED | WK_SLOT_BEFORE | WK_SLOT_RESET |    \
     WK_SLOT_POWER_FAIL | WK_SLOT_INVALID)

/* The raw series of all channels over the days looked at; estimates are written into it. */
struct window {
    struct wk_archive *archive;
    int64_t meter;
    const struct wk_plan *plan;
    int64_t now_s;
    int32_t first_day;
    int32_t last_day;
    struct wk_reading_series channel[WK_CHANNELS]; /* n = 0: the meter has no such channel */
    int64_t *weights;
    struct wk_vee_result *result;
};

static wk_err note(struct window *w, const char *kind, int64_t at_s, int channel,
                   const char *text)
{
    struct wk_archive_exception row = {
        .meter = w->meter, .at_s = at_s, .channel = channel, .recv_s = w->now_s};
    snprintf(row.kind, sizeof row.kind, "%s", kind);
    snprintf(row.text, sizeof row.text, "%s", text);
    const wk_err err = w->archive->exception_put(w->archive->self, &row);
    w->result->exceptions += err == WK_OK ? 1 : 0;
    return err == WK_E_STATE ? WK_OK : err;
}

static int64_t slot_end(const struct window *w, int32_t slot)
{
    const struct wk_reading_series *series = &w->channel[WK_CHANNEL_IMPORT];
    return series->from_s + (int64_t)(slot + 1) * series->period_s;
}

/* ---- weights of a gap ------------------------------------------------------------------- */

static void weigh_linear(const struct wk_reading_series *series, int32_t first, int32_t count,
                         int64_t *weights)
{
    const int32_t after = first + count;
    const bool has_a = first > 0 && (series->flags[first - 1] & UNFIT) == 0;
    const bool has_b = after < series->n && (series->flags[after] & UNFIT) == 0;
    const int64_t a = has_a ? series->value[first - 1] : 0;
    const int64_t b = has_b ? series->value[after] : 0;
    wk_vee_linear(has_a ? a : b, has_b ? b : a, count, weights);
}

struct reference {
    int64_t sum[WK_DAYBLOCK_SLOTS];
    int32_t days[WK_DAYBLOCK_SLOTS];
};

static wk_err add_reference_day(struct window *w, int channel, int32_t day,
                                struct reference *reference)
{
    struct wk_dayblock block;
    const wk_err err = w->archive->block_get(w->archive->self, w->meter, channel, day,
                                             WK_ARCHIVE_LATEST, &block);
    if (err != WK_OK) {
        return err == WK_E_NOT_FOUND ? WK_OK : err;
    }
    for (int32_t i = 0; i < block.n; i++) {
        if ((block.flags[i] & UNFIT) == 0 && block.value[i] >= 0 &&
            reference->days[i] < WK_VEE_REFERENCE_DAYS) {
            reference->sum[i] += block.value[i] / WK_VEE_REFERENCE_DAYS;
            reference->days[i]++;
        }
    }
    return WK_OK;
}

/* The same weekday of the three weeks before; slots that none of them has: the days before. */
static wk_err find_reference(struct window *w, int channel, int32_t day,
                             struct reference *reference)
{
    struct reference nearest = {0};
    memset(reference, 0, sizeof *reference);
    for (int32_t k = 1; k <= WK_VEE_REFERENCE_DAYS; k++) {
        WK_TRY(add_reference_day(w, channel, day - 7 * k, reference));
        WK_TRY(add_reference_day(w, channel, day - k, &nearest));
    }
    for (int32_t i = 0; i < WK_DAYBLOCK_SLOTS; i++) {
        if (reference->days[i] == 0) {
            reference->days[i] = nearest.days[i];
            reference->sum[i] = nearest.sum[i];
        }
    }
    return WK_OK;
}

static wk_err weigh_reference(struct window *w, int channel, int32_t first, int32_t count,
                              int64_t *weights)
{
    const int32_t period_s = w->channel[channel].period_s;
    struct reference reference;
    int32_t day = INT32_MIN;
    for (int32_t i = 0; i < count; i++) {
        const int64_t end_s = slot_end(w, first + i);
        if (wk_reading_day_of(end_s) != day) {
            day = wk_reading_day_of(end_s);
            WK_TRY(find_reference(w, channel, day, &reference));
        }
        const int32_t slot = (int32_t)((end_s - (int64_t)day * WK_DAY_S) / period_s) - 1;
        weights[i] = reference.days[slot] == 0
                         ? 0
                         : reference.sum[slot] / reference.days[slot] * WK_VEE_REFERENCE_DAYS;
    }
    return WK_OK;
}

static wk_err weigh(struct window *w, int channel, int32_t first, int32_t count,
                    int64_t *weights)
{
    const struct wk_reading_series *series = &w->channel[channel];
    if ((int64_t)count * series->period_s <= WK_VEE_LINEAR_MAX_S) {
        weigh_linear(series, first, count, weights);
        return WK_OK;
    }
    return weigh_reference(w, channel, first, count, weights);
}

static wk_err in_force(const struct window *w, int tariff, int32_t slot, bool *yes)
{
    int rate = tariff;
    if (w->plan != NULL) {
        const int32_t period_s = w->channel[WK_CHANNEL_IMPORT].period_s;
        WK_TRY(wk_plan_rate_at(w->plan, slot_end(w, slot) - period_s, &rate));
    }
    *yes = rate == tariff;
    return WK_OK;
}

/* Leaves the weights of the slots in which the tariff is in force, equal ones if they are all
 * 0. If it is in force in none, all weights stay, because the register says that it was. */
static wk_err mask_rate(const struct window *w, int tariff, int32_t first, int32_t count,
                        int64_t *masked)
{
    bool yes;
    bool any = false;
    bool weighty = false;
    for (int32_t i = 0; i < count; i++) {
        WK_TRY(in_force(w, tariff, first + i, &yes));
        masked[i] = yes ? w->weights[i] : 0;
        any = any || yes;
        weighty = weighty || masked[i] > 0;
    }
    for (int32_t i = 0; i < count && !weighty; i++) {
        WK_TRY(in_force(w, tariff, first + i, &yes));
        masked[i] = any ? (yes ? 1 : 0) : w->weights[i];
    }
    return WK_OK;
}

/* ---- estimating ------------------------------------------------------------------------- */

static bool has_gap(const struct wk_reading_series *series, int32_t first, int32_t count)
{
    return series->n > 0 && (series->flags[first] & WK_SLOT_MISSING) != 0 &&
           (series->flags[first + count - 1] & (WK_SLOT_SPANS | WK_SLOT_RESET)) ==
               WK_SLOT_SPANS;
}

static void mark_estimated(struct wk_reading_series *series, int32_t first, int32_t count)
{
    for (int32_t i = first; i < first + count; i++) {
        series->flags[i] = (uint16_t)((series->flags[i] & ~(WK_SLOT_MISSING | WK_SLOT_SPANS)) |
                                      WK_SLOT_ESTIMATED);
    }
}

static wk_err estimate_one(struct window *w, int channel, int32_t first, int32_t count,
                           const int64_t *weights)
{
    struct wk_reading_series *series = &w->channel[channel];
    WK_TRY(
        wk_vee_scale(weights, count, series->value[first + count - 1], &series->value[first]));
    mark_estimated(series, first, count);
    return WK_OK;
}

/* Returns in *complete whether the tariffs together gained what the import register did. */
static wk_err estimate_tariffs(struct window *w, int32_t first, int32_t count, bool *complete)
{
    int64_t gained = 0;
    bool all = true;
    wk_err err = WK_OK;
    int64_t *masked = malloc(sizeof *masked * (size_t)count);
    if (masked == NULL) {
        return WK_E_FULL;
    }
    for (int tariff = 0; tariff < WK_TARIFFS && err == WK_OK; tariff++) {
        struct wk_reading_series *series = &w->channel[WK_CHANNEL_T1 + tariff];
        if (series->n == 0) {
            continue;
        }
        if (!has_gap(series, first, count)) {
            all = false;
            continue;
        }
        gained += series->value[first + count - 1];
        err = mask_rate(w, tariff, first, count, masked);
        if (err == WK_OK) {
            err = estimate_one(w, WK_CHANNEL_T1 + tariff, first, count, masked);
        }
    }
    free(masked);
    *complete = all && gained == w->channel[WK_CHANNEL_IMPORT].value[first + count - 1];
    return err;
}

static wk_err estimate_import(struct window *w, int32_t first, int32_t count)
{
    struct wk_reading_series *import = &w->channel[WK_CHANNEL_IMPORT];
    bool complete;
    WK_TRY(weigh(w, WK_CHANNEL_IMPORT, first, count, w->weights));
    WK_TRY(estimate_tariffs(w, first, count, &complete));
    w->result->estimated += count;
    if (!complete) {
        return estimate_one(w, WK_CHANNEL_IMPORT, first, count, w->weights);
    }
    for (int32_t i = first; i < first + count; i++) {
        import->value[i] = 0;
        for (int tariff = 0; tariff < WK_TARIFFS; tariff++) {
            const struct wk_reading_series *series = &w->channel[WK_CHANNEL_T1 + tariff];
            import->value[i] += series->n > 0 ? series->value[i] : 0;
        }
    }
    mark_estimated(import, first, count);
    return WK_OK;
}

static wk_err estimate_gap(struct window *w, int32_t first, int32_t count)
{
    WK_TRY(estimate_import(w, first, count));
    for (int channel = WK_CHANNEL_EXPORT; channel <= WK_CHANNEL_Q_EXPORT; channel++) {
        if (has_gap(&w->channel[channel], first, count)) {
            WK_TRY(weigh(w, channel, first, count, w->weights));
            WK_TRY(estimate_one(w, channel, first, count, w->weights));
        }
    }
    return WK_OK;
}

/* A gap: slots that are missing, and the slot that spans them. */
static wk_err estimate_all(struct window *w)
{
    const struct wk_reading_series *import = &w->channel[WK_CHANNEL_IMPORT];
    int32_t first = -1;
    for (int32_t i = 0; i < import->n; i++) {
        const uint16_t flags = import->flags[i];
        if ((flags & WK_SLOT_MISSING) != 0) {
            first = first < 0 ? i : first;
            continue;
        }
        if (first >= 0 && (flags & WK_SLOT_RESET) == 0) {
            WK_TRY(estimate_gap(w, first, i - first + 1));
        }
        first = -1;
    }
    return WK_OK;
}

/* ---- checks ----------------------------------------------------------------------------- */

static wk_err check_peaks(struct window *w, const int64_t *values, const uint16_t *flags,
                          int32_t n, int64_t day_s)
{
    char text[WK_ARCHIVE_TEXT];
    int64_t sum = 0;
    bool whole = true;
    bool outage = false;
    for (int32_t i = 0; i < n; i++) {
        whole = whole && (flags[i] & (UNFIT & ~WK_SLOT_POWER_FAIL)) == 0;
        outage = outage || (flags[i] & WK_SLOT_POWER_FAIL) != 0;
        sum += values[i];
    }
    if (!whole) {
        return WK_OK;
    }
    if (sum == 0) {
        return outage ? WK_OK
                      : note(w, "zero_day", day_s, WK_CHANNEL_IMPORT,
                             "a connected meter took nothing all day");
    }
    const int64_t spike_e3 = wk_vee_spike_e3(values, n);
    if (spike_e3 <= WK_VEE_SPIKE_LIMIT_E3) {
        return WK_OK;
    }
    snprintf(text, sizeof text,
             "(p1 - p3) / p3 of the day's peaks is %lld.%03lld, more than 1.8",
             (long long)(spike_e3 / 1000), (long long)(spike_e3 % 1000));
    return note(w, "spike", day_s, WK_CHANNEL_IMPORT, text);
}

static wk_err check_tariffs(struct window *w, int32_t first, int32_t n, int64_t day_s)
{
    const struct wk_reading_series *import = &w->channel[WK_CHANNEL_IMPORT];
    for (int32_t i = first; i < first + n; i++) {
        int64_t sum = 0;
        bool any = false;
        for (int t = WK_CHANNEL_T1; t <= WK_CHANNEL_T4; t++) {
            sum += w->channel[t].n > 0 ? w->channel[t].value[i] : 0;
            any = any || w->channel[t].n > 0;
        }
        if (any && sum != import->value[i]) {
            return note(w, "tariff_sum", day_s, -1,
                        "the tariff registers together did not gain what import gained");
        }
    }
    return WK_OK;
}

static wk_err check_negative(struct window *w, int32_t first, int32_t n)
{
    for (int channel = 0; channel < WK_CHANNELS; channel++) {
        const struct wk_reading_series *series = &w->channel[channel];
        for (int32_t i = first; i < first + n && series->n > 0; i++) {
            if (series->value[i] < 0) {
                WK_TRY(note(w, "negative", slot_end(w, i), channel,
                            "the register ran backwards: reset, exchange or fault"));
            }
        }
    }
    return WK_OK;
}

static wk_err check_day(struct window *w, int32_t day)
{
    const struct wk_reading_series *import = &w->channel[WK_CHANNEL_IMPORT];
    const int32_t n = WK_DAY_S / import->period_s;
    const int32_t first = (day - w->first_day) * n;
    const int64_t day_s = (int64_t)day * WK_DAY_S;
    WK_TRY(check_negative(w, first, n));
    WK_TRY(check_tariffs(w, first, n, day_s));
    return check_peaks(w, &import->value[first], &import->flags[first], n, day_s);
}

/* ---- writing ---------------------------------------------------------------------------- */

static bool same_content(const struct wk_dayblock *a, const struct wk_dayblock *b)
{
    return a->reg_start == b->reg_start && a->reg_end == b->reg_end &&
           memcmp(a->value, b->value, sizeof a->value[0] * (size_t)a->n) == 0 &&
           memcmp(a->flags, b->flags, sizeof a->flags[0] * (size_t)a->n) == 0;
}

static wk_err write_channel(struct window *w, int channel)
{
    const struct wk_reading_series *series = &w->channel[channel];
    int64_t run = series->reg_start;
    for (int32_t day = w->first_day, at = 0; day <= w->last_day; day++) {
        struct wk_dayblock latest;
        struct wk_dayblock block;
        WK_TRY(w->archive->block_get(w->archive->self, w->meter, channel, day,
                                     WK_ARCHIVE_LATEST, &latest));
        block = latest;
        block.reg_start = run;
        for (int32_t i = 0; i < block.n; i++, at++) {
            block.value[i] = series->value[at];
            block.flags[i] = series->flags[at];
            run += series->value[at];
        }
        block.reg_end = run;
        if (same_content(&block, &latest)) {
            continue;
        }
        block.rev = latest.rev + 1;
        block.reason = WK_DAYBLOCK_ESTIMATED;
        block.recv_s = w->now_s;
        w->result->revisions++;
        WK_TRY(w->archive->block_put(w->archive->self, &block));
    }
    return WK_OK;
}

/* ---- the window ------------------------------------------------------------------------- */

/* A gap that reaches into the first day began earlier; one that leaves the last day ends later.
 */
static wk_err widen(struct window *w)
{
    struct wk_dayblock block;
    int32_t next;
    WK_TRY(wk_reading_next_day(w->archive, w->meter, &next));
    w->last_day = w->last_day < next ? w->last_day : next - 1;
    while (w->last_day - w->first_day < WK_VEE_WINDOW_DAYS) {
        const wk_err err = wk_reading_day(w->archive, w->meter, WK_CHANNEL_IMPORT,
                                          w->first_day - 1, WK_ARCHIVE_RAW, &block);
        if (err == WK_E_NOT_FOUND ||
            (err == WK_OK && (block.flags[block.n - 1] & WK_SLOT_MISSING) == 0)) {
            break;
        }
        WK_TRY(err);
        w->first_day--;
    }
    while (w->last_day + 1 < next && w->last_day - w->first_day < WK_VEE_WINDOW_DAYS) {
        WK_TRY(wk_reading_day(w->archive, w->meter, WK_CHANNEL_IMPORT, w->last_day,
                              WK_ARCHIVE_RAW, &block));
        if ((block.flags[block.n - 1] & WK_SLOT_MISSING) == 0) {
            break;
        }
        w->last_day++;
    }
    return WK_OK;
}

static wk_err load_channel(struct window *w, int channel)
{
    struct wk_reading_series *series = &w->channel[channel];
    const int32_t room = (w->last_day - w->first_day + 1) * WK_DAYBLOCK_SLOTS;
    series->from_s = (int64_t)w->first_day * WK_DAY_S;
    series->to_s = (int64_t)(w->last_day + 1) * WK_DAY_S;
    series->room = room;
    series->value = malloc(sizeof *series->value * (size_t)room);
    series->flags = malloc(sizeof *series->flags * (size_t)room);
    if (series->value == NULL || series->flags == NULL) {
        return WK_E_FULL;
    }
    const wk_err err = wk_reading_load(w->archive, w->meter, channel, WK_ARCHIVE_RAW, series);
    if (err == WK_E_NOT_FOUND) {
        series->n = 0;
        return WK_OK;
    }
    return err;
}

static wk_err run_window(struct window *w)
{
    const int32_t first_day = w->first_day;
    const int32_t last_day = w->last_day;
    WK_TRY(widen(w));
    for (int channel = 0; channel < WK_CHANNELS; channel++) {
        WK_TRY(load_channel(w, channel));
    }
    if (w->channel[WK_CHANNEL_IMPORT].n == 0) {
        return WK_OK;
    }
    w->weights = malloc(sizeof *w->weights * (size_t)w->channel[WK_CHANNEL_IMPORT].n);
    if (w->weights == NULL) {
        return WK_E_FULL;
    }
    for (int32_t day = first_day; day <= last_day && day <= w->last_day; day++) {
        WK_TRY(check_day(w, day));
    }
    WK_TRY(estimate_all(w));
    for (int channel = 0; channel < WK_CHANNELS; channel++) {
        if (w->channel[channel].n > 0) {
            WK_TRY(write_channel(w, channel));
        }
    }
    return w->archive->commit(w->archive->self);
}

wk_err wk_vee_run(struct wk_archive *archive, int64_t meter, const struct wk_plan *plan,
                  struct wk_vee_days days, int64_t now_s, struct wk_vee_result *result)
{
    *result = (struct wk_vee_result){0};
    struct window w = {.archive = archive,
                       .meter = meter,
                       .plan = plan,
                       .now_s = now_s,
                       .first_day = days.first,
                       .last_day = days.last,
                       .result = result};
    WK_TRY(archive->begin(archive->self));
    const wk_err err = run_window(&w);
    archive->rollback(archive->self); /* nothing to do after a commit */
    for (int channel = 0; channel < WK_CHANNELS; channel++) {
        free(w.channel[channel].value);
        free(w.channel[channel].flags);
    }
    free(w.weights);
    return err;
}
