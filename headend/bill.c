/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/bill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "headend/reading.h"

static wk_err load(struct wk_archive *archive, const struct wk_bill *bill, int channel, int rev,
                   struct wk_reading_series *series)
{
    series->from_s = bill->from_s;
    series->to_s = bill->to_s;
    return wk_reading_load(archive, bill->meter, channel, rev, series);
}

static int64_t sum_of(const struct wk_reading_series *series)
{
    int64_t sum = 0; /* below the register's own range */
    for (int32_t i = 0; i < series->n; i++) {
        sum += series->value[i];
    }
    return sum;
}

static void count(struct wk_bill *bill, const struct wk_reading_series *series)
{
    for (int32_t i = 0; i < series->n; i++) {
        const uint16_t flags = series->flags[i];
        const bool unknown = (flags & (WK_SLOT_MISSING | WK_SLOT_SPANS | WK_SLOT_RESET)) != 0;
        bill->expected++;
        bill->estimated += (flags & WK_SLOT_ESTIMATED) != 0 ? 1 : 0;
        bill->provisional = bill->provisional || unknown || (flags & WK_SLOT_BEFORE) != 0;
    }
}

static void count_received(struct wk_bill *bill, const struct wk_reading_series *raw)
{
    for (int32_t i = 0; i < raw->n; i++) {
        bill->received += (raw->flags[i] & (WK_SLOT_MISSING | WK_SLOT_BEFORE)) == 0 ? 1 : 0;
    }
}

static wk_err rate(struct wk_bill *bill, const struct wk_plan *plan,
                   const struct wk_reading_series *series)
{
    for (int32_t i = 0; i < series->n; i++) {
        int tariff;
        const int64_t begin_s = series->from_s + (int64_t)i * series->period_s;
        WK_TRY(wk_plan_rate_at(plan, begin_s, &tariff));
        bill->tariff[tariff].billed_uwh += series->value[i];
    }
    return WK_OK;
}

static wk_err rate_import(struct wk_archive *archive, const struct wk_plan *plan,
                          struct wk_reading_series *series, struct wk_bill *bill)
{
    WK_TRY(load(archive, bill, WK_CHANNEL_IMPORT, WK_ARCHIVE_LATEST, series));
    bill->provisional = series->broken;
    bill->digest = series->digest;
    bill->import.present = true;
    bill->import.intervals_uwh = sum_of(series);
    count(bill, series);
    WK_TRY(rate(bill, plan, series));
    WK_TRY(load(archive, bill, WK_CHANNEL_IMPORT, WK_ARCHIVE_RAW, series));
    bill->import.register_uwh = series->reg_end - series->reg_start;
    count_received(bill, series);
    return WK_OK;
}

static wk_err check_tariff(struct wk_archive *archive, int tariff,
                           struct wk_reading_series *series, struct wk_bill *bill)
{
    struct wk_bill_check *check = &bill->tariff[tariff];
    const int channel = WK_CHANNEL_T1 + tariff;
    const wk_err err = load(archive, bill, channel, WK_ARCHIVE_LATEST, series);
    if (err == WK_E_NOT_FOUND) {
        check->agree = true; /* nothing to compare with */
        return WK_OK;
    }
    WK_TRY(err);
    bill->digest = bill->digest * UINT64_C(0x100000001B3) ^ series->digest;
    check->present = true;
    check->intervals_uwh = sum_of(series);
    WK_TRY(load(archive, bill, channel, WK_ARCHIVE_RAW, series));
    check->register_uwh = series->reg_end - series->reg_start;
    check->agree = check->register_uwh == check->intervals_uwh &&
                   check->intervals_uwh == check->billed_uwh;
    return WK_OK;
}

static wk_err gather(struct wk_archive *archive, const struct wk_plan *plan,
                     struct wk_reading_series *series, struct wk_bill *bill)
{
    WK_TRY(rate_import(archive, plan, series, bill));
    bill->agree = true;
    for (int tariff = 0; tariff < WK_TARIFFS; tariff++) {
        WK_TRY(check_tariff(archive, tariff, series, bill));
        bill->agree = bill->agree && bill->tariff[tariff].agree;
        bill->import.billed_uwh += bill->tariff[tariff].billed_uwh;
    }
    bill->import.agree = bill->import.register_uwh == bill->import.intervals_uwh &&
                         bill->import.intervals_uwh == bill->import.billed_uwh;
    bill->agree = bill->agree && bill->import.agree;
    return WK_OK;
}

static struct wk_bill_line *add_line(struct wk_bill *bill, const char *name, wk_bill_unit unit,
                                     int64_t quantity, int64_t price_e6)
{
    struct wk_bill_line *line = &bill->line[bill->lines++];
    snprintf(line->name, sizeof line->name, "%s", name);
    line->unit = unit;
    line->quantity = quantity;
    line->price_e6 = price_e6;
    return line;
}

static wk_err price(const struct wk_plan *plan, struct wk_bill *bill)
{
    int64_t net = 0;
    char name[WK_BILL_NAME];
    for (int i = 0; i < WK_TARIFFS; i++) {
        if (!plan->rate[i].used) {
            continue;
        }
        struct wk_bill_line *line =
            add_line(bill, plan->rate[i].name, WK_BILL_KWH, bill->tariff[i].billed_uwh,
                     plan->rate[i].price_e6_per_kwh);
        WK_TRY(wk_money_of_energy(line->quantity, line->price_e6, &line->amount_minor));
        net += line->amount_minor;
    }
    struct wk_bill_line *standing =
        add_line(bill, "Standing charge", WK_BILL_DAY, bill->days, plan->standing_e6_per_day);
    WK_TRY(wk_money_of_pieces(bill->days, standing->price_e6, &standing->amount_minor));
    net += standing->amount_minor;
    snprintf(name, sizeof name, "VAT %" PRId64 ".%04" PRId64, plan->vat_e6 / 10000,
             plan->vat_e6 % 10000);
    while (name[strlen(name) - 1] == '0') {
        name[strlen(name) - 1] = '\0';
    }
    const size_t size = strlen(name) - (name[strlen(name) - 1] == '.' ? 1 : 0);
    snprintf(name + size, sizeof name - size, " %%");
    struct wk_bill_line *vat = add_line(bill, name, WK_BILL_NET, net, plan->vat_e6);
    WK_TRY(wk_money_share(net, plan->vat_e6, &vat->amount_minor));
    bill->total_minor = net + vat->amount_minor;
    return WK_OK;
}

static wk_err count_days(const struct wk_plan *plan, struct wk_bill *bill)
{
    struct wk_civil first;
    struct wk_civil last;
    WK_TRY(wk_civil_from_utc(&plan->zone, (struct wk_utc){bill->from_s}, &first));
    WK_TRY(wk_civil_from_utc(&plan->zone, (struct wk_utc){bill->to_s - 1}, &last));
    bill->days = wk_civil_days(last.year, last.month, last.day) -
                 wk_civil_days(first.year, first.month, first.day) + 1;
    return WK_OK;
}

wk_err wk_bill_compute(struct wk_archive *archive, int64_t meter, const struct wk_plan *plan,
                       int64_t from_s, int64_t to_s, struct wk_bill *bill)
{
    struct wk_bill fresh = {.meter = meter, .from_s = from_s, .to_s = to_s};
    struct wk_reading_series series = {0};
    int64_t period_s;
    if (from_s < 0 || to_s <= from_s || to_s - from_s > (int64_t)WK_BILL_DAYS_MAX * WK_DAY_S) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(archive->mark_get(archive->self, meter, WK_MARK_PERIOD, &period_s));
    WK_TRY(count_days(plan, &fresh));
    memcpy(fresh.currency, plan->currency, sizeof fresh.currency);
    series.room = (int32_t)((to_s - from_s) / period_s);
    series.value = malloc(sizeof *series.value * (size_t)(series.room + 1));
    series.flags = malloc(sizeof *series.flags * (size_t)(series.room + 1));
    wk_err err = series.value == NULL || series.flags == NULL ? WK_E_FULL : WK_OK;
    if (err == WK_OK) {
        err = gather(archive, plan, &series, &fresh);
    }
    free(series.value);
    free(series.flags);
    WK_TRY(err);
    WK_TRY(price(plan, &fresh));
    *bill = fresh;
    return WK_OK;
}

static wk_err issue(struct wk_archive *archive, const struct wk_bill *bill,
                    const char *document, int64_t now_s, int32_t *rev)
{
    struct wk_archive_bill last;
    struct wk_archive_bill row = {
        .meter = bill->meter, .from_s = bill->from_s, .to_s = bill->to_s, .issued_s = now_s};
    snprintf(row.digest, sizeof row.digest, "%016" PRIx64, bill->digest);
    const wk_err err = archive->bill_get(archive->self, row.meter, row.from_s, row.to_s, &last);
    if (err == WK_OK && strcmp(last.digest, row.digest) == 0) {
        *rev = last.rev;
        return WK_OK;
    }
    if (err != WK_OK && err != WK_E_NOT_FOUND) {
        return err;
    }
    row.rev = err == WK_OK ? last.rev + 1 : 0;
    WK_TRY(archive->bill_put(archive->self, &row, document));
    WK_TRY(archive->commit(archive->self));
    *rev = row.rev;
    return WK_OK;
}

wk_err wk_bill_issue(struct wk_archive *archive, const struct wk_bill *bill,
                     const char *document, int64_t now_s, int32_t *rev)
{
    if (bill->provisional || !bill->agree) {
        return WK_E_STATE;
    }
    WK_TRY(archive->begin(archive->self));
    const wk_err err = issue(archive, bill, document, now_s, rev);
    archive->rollback(archive->self); /* nothing to do after a commit */
    return err;
}
