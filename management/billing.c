/* SPDX-License-Identifier: Apache-2.0 */
#include "management/billing.h"

#define MINUTES_PER_DAY 1440
#define DAYS_AHEAD      62 /* a schedule ends a period at least every other month */
#define ENTRY_VERSION   1
#define ENTRY_ROOM                                                                             \
    (1 + 4 + 4 + 4 + 1 + 2 + WK_REGISTERS_PACKED +                                             \
     WK_TARIFF_COUNT * (WK_REGISTERS_RATE_PACKED + 12) + 12 + 8)

wk_err wk_billing_init(struct wk_billing *billing, const struct wk_billing_rules *rules)
{
    static const uint8_t k_last_day[WK_BILLING_SCHEDULES] = {
        [WK_BILLING_WEEKLY] = 7, [WK_BILLING_MONTHLY] = 31};
    const bool known = (unsigned)rules->schedule < WK_BILLING_SCHEDULES;
    const uint8_t last_day = known ? k_last_day[rules->schedule] : 0;
    if (!known || (last_day != 0 && (rules->day < 1 || rules->day > last_day)) ||
        rules->minute >= MINUTES_PER_DAY || rules->lockout_s > WK_BILLING_LOCKOUT_MAX) {
        return WK_E_RANGE;
    }
    *billing = (struct wk_billing){.rules = *rules};
    return WK_OK;
}

/* ---- when -------------------------------------------------------------------------------- */

static bool is_end_day(const struct wk_billing_rules *rules, const struct wk_civil *civil)
{
    const uint8_t last = wk_civil_days_in_month(civil->year, civil->month);
    switch (rules->schedule) {
    case WK_BILLING_DAILY:
        return true;
    case WK_BILLING_WEEKLY:
        return civil->weekday == rules->day;
    case WK_BILLING_MONTHLY:
        return civil->day == (rules->day < last ? rules->day : last);
    case WK_BILLING_NEVER:
    case WK_BILLING_SCHEDULES:
        break;
    }
    return false;
}

/* The instant of the schedule's time of day on the civil day `days` after that of `now`. */
static wk_err instant_on(const struct wk_billing_rules *rules, const struct wk_zone *zone,
                         struct wk_utc noon, struct wk_civil *civil, struct wk_utc *at)
{
    WK_TRY(wk_civil_from_utc(zone, noon, civil));
    civil->hour = (uint8_t)(rules->minute / 60);
    civil->minute = (uint8_t)(rules->minute % 60);
    civil->second = 0;
    return wk_civil_to_utc(zone, civil, at);
}

struct wk_utc wk_billing_next(const struct wk_billing_rules *rules, const struct wk_zone *zone,
                              struct wk_utc now)
{
    struct wk_utc start;
    struct wk_civil civil;
    struct wk_utc at;
    if (rules->schedule == WK_BILLING_NEVER || wk_civil_day_start(zone, now, &start) != WK_OK) {
        return (struct wk_utc){0};
    }
    for (int day = 0; day < DAYS_AHEAD; day++) {
        const struct wk_utc noon = {start.s + day * (int64_t)WK_DAY_S + WK_DAY_S / 2};
        if (instant_on(rules, zone, noon, &civil, &at) == WK_OK && at.s > now.s &&
            is_end_day(rules, &civil)) {
            return at;
        }
    }
    return (struct wk_utc){0};
}

bool wk_billing_is_due(struct wk_billing *billing, const struct wk_zone *zone,
                       struct wk_utc now)
{
    if (billing->next.s == 0) {
        billing->next = wk_billing_next(&billing->rules, zone, now);
    }
    return billing->next.s != 0 && now.s >= billing->next.s;
}

bool wk_billing_may_end(const struct wk_billing *billing, struct wk_utc now)
{
    return billing->begin.s == 0 || now.s < billing->begin.s ||
           now.s - billing->begin.s >= billing->rules.lockout_s;
}

void wk_billing_replan(struct wk_billing *billing, struct wk_utc now)
{
    if (now.s < billing->next.s) {
        billing->next.s = 0;
    }
}

/* ---- entries ----------------------------------------------------------------------------- */

static void pack_maximum(const struct wk_demand_maximum *maximum, struct wk_bytes_out *out)
{
    wk_bytes_out_u64le(out, (uint64_t)maximum->power_mw);
    wk_bytes_out_u32le(out, (uint32_t)maximum->at.s);
}

static void unpack_maximum(struct wk_demand_maximum *maximum, struct wk_bytes_in *in)
{
    maximum->power_mw = (int64_t)wk_bytes_in_u64le(in);
    maximum->at.s = wk_bytes_in_u32le(in);
}

static wk_err append(const struct wk_billing_books *books, const struct wk_billing_entry *entry)
{
    uint8_t raw[ENTRY_ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_bytes_out_u8(&out, ENTRY_VERSION);
    wk_bytes_out_u32le(&out, entry->number);
    wk_bytes_out_u32le(&out, (uint32_t)entry->begin.s);
    wk_bytes_out_u32le(&out, (uint32_t)entry->end.s);
    wk_bytes_out_u8(&out, (uint8_t)entry->reason);
    wk_bytes_out_u16le(&out, entry->missed);
    wk_registers_pack(&entry->registers, &out);
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        wk_registers_rate_pack(&entry->registers.rate[i], &out);
        pack_maximum(&entry->maximum[i], &out);
    }
    pack_maximum(&entry->highest, &out);
    wk_bytes_out_u64le(&out, (uint64_t)entry->cumulative_mw);
    WK_TRY(out.fault);
    return wk_store_append(books->store, books->log, raw, (uint16_t)out.size);
}

wk_err wk_billing_read(const struct wk_store *store, uint8_t log,
                       struct wk_store_reader *reader, struct wk_billing_entry *entry)
{
    uint8_t raw[ENTRY_ROOM];
    size_t size;
    WK_TRY(wk_store_read(store, log, reader, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    if (wk_bytes_in_u8(&in) != ENTRY_VERSION) {
        return WK_E_FORMAT;
    }
    entry->number = wk_bytes_in_u32le(&in);
    entry->begin.s = wk_bytes_in_u32le(&in);
    entry->end.s = wk_bytes_in_u32le(&in);
    const uint8_t reason = wk_bytes_in_u8(&in);
    entry->missed = wk_bytes_in_u16le(&in);
    wk_registers_unpack(&entry->registers, &in);
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        wk_registers_rate_unpack(&entry->registers.rate[i], &in);
        unpack_maximum(&entry->maximum[i], &in);
    }
    unpack_maximum(&entry->highest, &in);
    entry->cumulative_mw = (int64_t)wk_bytes_in_u64le(&in);
    WK_TRY(wk_bytes_in_end(&in));
    if (reason < WK_BILLING_SCHEDULED || reason >= WK_BILLING_REASONS) {
        return WK_E_FORMAT;
    }
    entry->reason = (wk_billing_reason)reason;
    return WK_OK;
}

/* ---- the end of a period ----------------------------------------------------------------- */

/* Ends by the schedule in (planned, now]. */
static uint16_t count_missed(const struct wk_billing *billing, const struct wk_zone *zone,
                             struct wk_utc now)
{
    uint16_t missed = 0;
    struct wk_utc at = wk_billing_next(&billing->rules, zone, billing->next);
    while (at.s != 0 && at.s <= now.s && missed < WK_BILLING_KEPT) {
        missed++;
        at = wk_billing_next(&billing->rules, zone, at);
    }
    return missed;
}

wk_err wk_billing_end(struct wk_billing *billing, const struct wk_zone *zone, struct wk_utc now,
                      wk_billing_reason reason, const struct wk_billing_books *books)
{
    const bool scheduled = reason == WK_BILLING_SCHEDULED && billing->next.s != 0;
    const struct wk_demand *demand = books->demand;
    struct wk_billing_entry entry = {
        .number = billing->number + 1,
        .begin = billing->begin,
        .end = scheduled ? billing->next : now,
        .reason = reason,
        .missed = scheduled ? count_missed(billing, zone, now) : 0,
        .registers = *books->registers,
        .highest = demand->highest,
        .cumulative_mw = demand->cumulative_all_mw + demand->highest.power_mw,
    };
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        entry.maximum[i] = demand->maximum[i];
    }
    WK_TRY(append(books, &entry));
    billing->number = entry.number;
    billing->begin = entry.end;
    billing->next = wk_billing_next(&billing->rules, zone, now);
    books->blocks->begin_uwh = books->registers->import_uwh;
    wk_demand_reset(books->demand);
    return WK_OK;
}

/* ---- octets for the store ---------------------------------------------------------------- */

void wk_billing_pack(const struct wk_billing *billing, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, (uint8_t)billing->rules.schedule);
    wk_bytes_out_u8(out, billing->rules.day);
    wk_bytes_out_u16le(out, billing->rules.minute);
    wk_bytes_out_u32le(out, (uint32_t)billing->next.s);
    wk_bytes_out_u32le(out, (uint32_t)billing->begin.s);
    wk_bytes_out_u32le(out, billing->number);
}

void wk_billing_unpack(struct wk_billing *billing, struct wk_bytes_in *in)
{
    const struct wk_billing_rules *rules = &billing->rules;
    const bool same_schedule = wk_bytes_in_u8(in) == (uint8_t)rules->schedule;
    const bool same_day = wk_bytes_in_u8(in) == rules->day;
    const bool same_minute = wk_bytes_in_u16le(in) == rules->minute;
    const uint32_t next_s = wk_bytes_in_u32le(in);
    billing->next.s = same_schedule && same_day && same_minute ? next_s : 0;
    billing->begin.s = wk_bytes_in_u32le(in);
    billing->number = wk_bytes_in_u32le(in);
}
