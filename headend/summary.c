/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/summary.h"

#include <stdlib.h>

#include "base/money.h"
#include "headend/bill.h"
#include "headend/json.h"
#include "headend/reading.h"

/* ---- registers read directly ------------------------------------------------------------ */

#define REGISTERS_ROOM 512

struct registers {
    size_t count;
    struct wk_archive_register row[REGISTERS_ROOM]; /* the first of the span */
};

static wk_err gather(void *context, const struct wk_archive_register *row)
{
    struct registers *registers = context;
    if (registers->count < REGISTERS_ROOM) {
        registers->row[registers->count++] = *row;
    }
    return WK_OK;
}

/* The register at the end of the interval that ends at end_s; *known = false: not read. */
static wk_err register_at(struct wk_archive *archive, int64_t meter, int channel, int64_t end_s,
                          int64_t *reg, bool *known)
{
    struct wk_dayblock block;
    const int32_t day = wk_reading_day_of(end_s);
    const wk_err err = wk_reading_day(archive, meter, channel, day, WK_ARCHIVE_RAW, &block);
    *known = false;
    if (err != WK_OK) {
        return err == WK_E_NOT_FOUND ? WK_OK : err;
    }
    const int32_t slot = (int32_t)((end_s - (int64_t)day * WK_DAY_S) / block.period_s) - 1;
    *reg = block.reg_start;
    for (int32_t i = 0; i <= slot; i++) {
        *reg += block.value[i];
    }
    *known = (block.flags[slot] & WK_SLOT_MISSING) == 0;
    return WK_OK;
}

/* The register was read a little after the clock, so the upper bound is one interval later. */
static wk_err bracket(struct wk_archive *archive, const struct wk_archive_register *row,
                      int64_t period_s, int *checked, bool *agree)
{
    const int64_t before_s = row->at_s - row->at_s % period_s;
    int64_t low;
    int64_t high;
    bool has_low;
    bool has_high;
    WK_TRY(register_at(archive, row->meter, row->channel, before_s, &low, &has_low));
    WK_TRY(register_at(archive, row->meter, row->channel, before_s + 2 * period_s, &high,
                       &has_high));
    *checked += has_low || has_high ? 1 : 0;
    *agree = *agree && (!has_low || row->reg >= low) && (!has_high || row->reg <= high);
    return WK_OK;
}

wk_err wk_summary_bracketed(struct wk_archive *archive, int64_t meter, int64_t from_s,
                            int64_t to_s, int *checked, bool *agree)
{
    struct registers registers = {0};
    int64_t period_s;
    *checked = 0;
    *agree = true;
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_PERIOD, &period_s));
    WK_TRY(archive->register_each(archive->self, meter, from_s + period_s, to_s - 2 * period_s,
                                  gather, &registers));
    for (size_t i = 0; i < registers.count; i++) {
        WK_TRY(bracket(archive, &registers.row[i], period_s, checked, agree));
    }
    return WK_OK;
}

/* ---- completeness ----------------------------------------------------------------------- */

wk_err wk_summary_first_day_end(struct wk_archive *archive, int64_t meter, int64_t *until_s)
{
    int64_t baseline_s;
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_BASELINE, &baseline_s));
    *until_s = ((baseline_s + WK_DAY_S - 1) / WK_DAY_S + 1) * WK_DAY_S;
    return WK_OK;
}

static wk_err meter_complete(struct wk_archive *archive, const struct wk_registry *registry,
                             const struct wk_registry_meter *meter, int64_t until_s,
                             bool *complete)
{
    int64_t collected_s = 0;
    int64_t baseline_s = 0;
    int32_t next_day = 0;
    struct wk_bill bill;
    WK_TRY(archive->mark_get(archive->self, meter->id, WK_MARK_COLLECTED, &collected_s));
    WK_TRY(archive->mark_get(archive->self, meter->id, WK_MARK_BASELINE, &baseline_s));
    WK_TRY(wk_reading_next_day(archive, meter->id, &next_day));
    if (until_s == 0) {
        WK_TRY(wk_summary_first_day_end(archive, meter->id, &until_s));
    }
    *complete = false;
    if (collected_s < until_s) {
        return WK_OK;
    }
    /* A day that is still open will do if nothing is missing up to the end. */
    *complete = next_day > wk_reading_day_of(until_s);
    if (!*complete && wk_bill_compute(archive, meter->id, &registry->plan[meter->plan],
                                      baseline_s, until_s, &bill) == WK_OK) {
        *complete = !bill.provisional;
    }
    return WK_OK;
}

wk_err wk_summary_complete(struct wk_archive *archive, const struct wk_registry *registry,
                           int64_t until_s, bool *complete)
{
    *complete = true;
    for (size_t i = 0; i < registry->meters && *complete; i++) {
        *complete = false;
        const wk_err err =
            meter_complete(archive, registry, &registry->meter[i], until_s, complete);
        if (err != WK_OK) { /* without any reading yet it is not complete */
            return err == WK_E_NOT_FOUND ? WK_OK : err;
        }
    }
    return WK_OK;
}

/* ---- one meter -------------------------------------------------------------------------- */

/* Computed again from what the bill shows. */
static bool amounts_follow(const struct wk_bill *bill)
{
    int64_t total = 0;
    for (int32_t i = 0; i < bill->lines; i++) {
        const struct wk_bill_line *line = &bill->line[i];
        int64_t amount = 0;
        wk_err err;
        if (line->unit == WK_BILL_KWH) {
            err = wk_money_of_energy(line->quantity, line->price_e6, &amount);
        } else if (line->unit == WK_BILL_DAY) {
            err = wk_money_of_pieces(line->quantity, line->price_e6, &amount);
        } else {
            err = wk_money_share(line->quantity, line->price_e6, &amount);
        }
        if (err != WK_OK || amount != line->amount_minor) {
            return false;
        }
        total += amount;
    }
    return total == bill->total_minor;
}

static json_t *tariffs(const struct wk_bill *bill, bool registers)
{
    static const char *const k_names[WK_TARIFFS] = {"T1", "T2", "T3", "T4"};
    json_t *object = json_object();
    for (int i = 0; i < WK_TARIFFS; i++) {
        const struct wk_bill_check *check = &bill->tariff[i];
        if (check->present) {
            json_object_set_new(
                object, k_names[i],
                json_integer(registers ? check->register_uwh : check->intervals_uwh));
        }
    }
    return object;
}

static json_t *failure(const struct wk_registry_meter *meter, const char *what, wk_err err)
{
    return json_pack("{s:s,s:i,s:s+,s:b}", "serial", meter->serial, "phases",
                     (int)meter->phases, "error", what, wk_err_text(err), "agree", 0);
}

static wk_err count_event(void *context, const struct wk_archive_event *row)
{
    (void)row;
    *(int *)context += 1;
    return WK_OK;
}

static json_t *meter_json(struct wk_archive *archive, const struct wk_registry *registry,
                          const struct wk_registry_meter *meter, int64_t until_s, bool *agree)
{
    struct wk_bill bill;
    int64_t baseline_s = 0;
    bool bracketed = true;
    int checked = 0;
    int events = 0;
    const struct wk_plan *plan = &registry->plan[meter->plan];
    *agree = false;
    wk_err err = archive->mark_get(archive->self, meter->id, WK_MARK_BASELINE, &baseline_s);
    if (err == WK_OK) {
        err = wk_bill_compute(archive, meter->id, plan, baseline_s, until_s, &bill);
    }
    if (err == WK_OK) {
        err =
            wk_summary_bracketed(archive, meter->id, baseline_s, until_s, &checked, &bracketed);
    }
    if (err == WK_OK) {
        err = archive->event_each(archive->self, meter->id, 0, until_s, count_event, &events);
    }
    if (err != WK_OK) {
        return failure(meter, "no bill: ", err);
    }
    *agree = bill.agree && bracketed && amounts_follow(&bill) && !bill.provisional &&
             bill.tariff[0].present;
    return json_pack(
        "{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:{s:i,s:i,s:i},s:i,s:i,s:b}", "serial", meter->serial,
        "phases", (int)meter->phases, "from", wk_json_instant(baseline_s), "to",
        wk_json_instant(until_s), "register_uwh", tariffs(&bill, true), "intervals_uwh",
        tariffs(&bill, false), "bill", wk_json_bill(&bill, meter->serial, plan->name),
        "intervals", "expected", (int)bill.expected, "received", (int)bill.received,
        "estimated", (int)bill.estimated, "events", events, "registers_checked", checked,
        "agree", (int)*agree);
}

json_t *wk_summary_make(struct wk_archive *archive, const struct wk_registry *registry,
                        int64_t until_s)
{
    json_t *meters = json_array();
    bool all = registry->meters > 0;
    for (size_t i = 0; i < registry->meters; i++) {
        bool agree;
        int64_t end_s = until_s;
        const struct wk_registry_meter *meter = &registry->meter[i];
        const wk_err err =
            until_s > 0 ? WK_OK : wk_summary_first_day_end(archive, meter->id, &end_s);
        json_t *row = err == WK_OK ? meter_json(archive, registry, meter, end_s, &agree)
                                   : failure(meter, "no reading: ", err);
        all = all && err == WK_OK && agree;
        json_array_append_new(meters, row);
    }
    return json_pack("{s:o,s:b}", "meters", meters, "agree", (int)all);
}

bool wk_summary_print(struct wk_archive *archive, const struct wk_registry *registry,
                      int64_t until_s, FILE *file)
{
    json_t *summary = wk_summary_make(archive, registry, until_s);
    char *text = json_dumps(summary, WK_JSON_DUMP);
    const bool agree = json_is_true(json_object_get(summary, "agree"));
    fprintf(file, "%s\n", text != NULL ? text : "{\"meters\":[],\"agree\":false}");
    fflush(file);
    free(text);
    json_decref(summary);
    return agree;
}
