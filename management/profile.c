/* SPDX-License-Identifier: Apache-2.0 */
#include "management/profile.h"

#include <string.h>

#include "base/crc.h"

#define US_PER_S INT64_C(1000000)
/* The whole period but one window of the slowest grid, in microseconds. */
#define SLACK_US       INT64_C(300000)
#define CLASS_REGISTER 3
#define GROUP_D_MEAN   27 /* D of OBIS: mean of the period */

/* ---- rules ------------------------------------------------------------------------------- */

wk_err wk_profile_check(const struct wk_profile_rules *rules)
{
    const uint32_t period_s = rules->period_s;
    const bool hours = period_s >= WK_PROFILE_PERIOD_MIN_S &&
                       period_s <= WK_PROFILE_PERIOD_MAX_S &&
                       WK_PROFILE_PERIOD_MAX_S % period_s == 0;
    const bool civil = period_s == WK_PROFILE_DAY_S || period_s == WK_PROFILE_MONTH_S;
    return (hours || civil) && rules->count > 0 && rules->count <= WK_PROFILE_COLUMNS
               ? WK_OK
               : WK_E_RANGE;
}

static bool is_mean(const struct wk_profile_column *column)
{
    return column->class_id == CLASS_REGISTER && column->obis[3] == GROUP_D_MEAN;
}

static void put_rules(const struct wk_profile_rules *rules, struct wk_bytes_out *out)
{
    wk_bytes_out_u32le(out, rules->period_s);
    wk_bytes_out_u8(out, rules->count);
    for (uint8_t i = 0; i < rules->count; i++) {
        wk_bytes_out_u16le(out, rules->column[i].class_id);
        wk_bytes_out_put(out, rules->column[i].obis, sizeof rules->column[i].obis);
        wk_bytes_out_u8(out, rules->column[i].attribute);
    }
}

static uint32_t checksum_of(const struct wk_profile_rules *rules)
{
    uint8_t octets[WK_PROFILE_RULES_PACKED];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    put_rules(rules, &out);
    return wk_crc_32(0, octets, out.size);
}

static void apply(struct wk_profile *profile, const struct wk_profile_rules *rules)
{
    profile->rules = *rules;
    profile->means = false;
    for (uint8_t i = 0; i < rules->count; i++) {
        profile->means = profile->means || is_mean(&rules->column[i]);
    }
}

wk_err wk_profile_init(struct wk_profile *profile, const struct wk_profile_rules *rules,
                       uint8_t log)
{
    const struct wk_profile_batch_head head = {.columns = rules->count};
    WK_TRY(wk_profile_check(rules));
    memset(profile, 0, sizeof *profile);
    apply(profile, rules);
    profile->log = log;
    profile->configured = checksum_of(rules);
    wk_profile_batch_begin(&profile->batch, &head);
    return WK_OK;
}

static struct wk_profile_batch_head head_of(const struct wk_profile *profile)
{
    struct wk_profile_batch_head head = {0};
    /* The open batch was begun or checked by this room: it has a head. */
    return wk_profile_batch_head(&profile->batch, &head) == WK_OK
               ? head
               : (struct wk_profile_batch_head){0};
}

void wk_profile_clear(struct wk_profile *profile)
{
    struct wk_profile_batch_head head = head_of(profile);
    head.number += head.rows;
    head.columns = profile->rules.count;
    profile->first = head.number;
    profile->newest.s = 0;
    wk_profile_batch_begin(&profile->batch, &head);
}

wk_err wk_profile_configure(struct wk_profile *profile, const struct wk_profile_rules *rules)
{
    WK_TRY(wk_profile_check(rules));
    apply(profile, rules);
    wk_profile_clear(profile);
    wk_profile_restart(profile, 0);
    return WK_OK;
}

/* ---- intervals --------------------------------------------------------------------------- */

/* The instant at which the civil month containing `at` begins. */
static struct wk_utc month_start(const struct wk_zone *zone, struct wk_utc at)
{
    struct wk_civil civil;
    struct wk_utc start;
    if (wk_civil_from_utc(zone, at, &civil) != WK_OK) {
        return at;
    }
    civil.day = 1;
    civil.hour = 12;
    return wk_civil_to_utc(zone, &civil, &start) == WK_OK &&
                   wk_civil_day_start(zone, start, &start) == WK_OK
               ? start
               : at;
}

/* Begin and end of the interval that contains the instant; an instant on a boundary ends one. Clocks
 * outside of 1970..2105 are none, and have intervals of 30 days. */
static void interval_of(const struct wk_profile *profile, const struct wk_zone *zone,
                        int64_t now_us, struct wk_utc *begin, struct wk_utc *end)
{
    const int64_t period_s = profile->rules.period_s;
    const struct wk_utc within = {(now_us + US_PER_S - 1) / US_PER_S - 1};
    end->s = (within.s / period_s + 1) * period_s;
    begin->s = end->s - period_s;
    if (period_s == WK_PROFILE_MONTH_S) {
        *begin = month_start(zone, within);
        *end = month_start(zone, (struct wk_utc){begin->s + 32 * (int64_t)WK_DAY_S});
    } else if (period_s == WK_PROFILE_DAY_S &&
               wk_civil_day_start(zone, within, begin) == WK_OK) {
        const struct wk_utc next = {begin->s + WK_DAY_S + WK_DAY_S / 2};
        if (wk_civil_day_start(zone, next, end) != WK_OK) {
            end->s = begin->s + WK_DAY_S;
        }
    }
}

bool wk_profile_is_due(const struct wk_profile *profile, int64_t now_us)
{
    return profile->open.end.s != 0 && now_us > profile->open.end.s * US_PER_S;
}

bool wk_profile_is_ahead(const struct wk_profile *profile, const struct wk_zone *zone,
                         int64_t now_us)
{
    struct wk_utc begin;
    struct wk_utc end;
    interval_of(profile, zone, profile->open.end.s * US_PER_S, &begin, &end);
    return profile->open.end.s != 0 && now_us <= begin.s * US_PER_S;
}

static void open_interval(struct wk_profile *profile, const struct wk_zone *zone,
                          int64_t now_us)
{
    struct wk_utc begin;
    interval_of(profile, zone, now_us, &begin, &profile->open.end);
}

void wk_profile_add(struct wk_profile *profile, const struct wk_zone *zone,
                    const struct wk_record *record, int64_t now_us)
{
    static const struct {
        uint32_t flag;
        uint16_t status;
    } k_flags[] = {
        {WK_RECORD_FLAGGED, WK_PROFILE_FLAGGED},
        {WK_RECORD_FEED_GAP, WK_PROFILE_CRITICAL},
        {WK_RECORD_WITHHELD, WK_PROFILE_DISTURBED},
        {WK_RECORD_CLIPPED, WK_PROFILE_CLIPPED},
    };
    struct wk_profile_open *open = &profile->open;
    if (open->end.s == 0) {
        open_interval(profile, zone, now_us);
    }
    open->span_us += record->span_us;
    for (int phase = 0; phase < WK_RECORD_PHASES && profile->means; phase++) {
        open->u_mv_us[phase] += record->window.u_mv[phase] * record->span_us;
        open->i_ma_us[phase] += record->window.i_ua[phase] / 1000 * record->span_us;
    }
    for (size_t i = 0; i < sizeof k_flags / sizeof k_flags[0]; i++) {
        open->status |= (record->flags & k_flags[i].flag) != 0 ? k_flags[i].status : 0;
    }
}

void wk_profile_mark(struct wk_profile *profile, uint16_t status)
{
    profile->open.status |= status;
}

void wk_profile_restart(struct wk_profile *profile, uint16_t status)
{
    memset(&profile->open, 0, sizeof profile->open);
    profile->open.status = status;
}

int64_t wk_profile_mean_mv(const struct wk_profile_open *open, uint32_t phase)
{
    return open->span_us > 0 ? open->u_mv_us[phase % WK_RECORD_PHASES] / open->span_us : 0;
}

int64_t wk_profile_mean_ma(const struct wk_profile_open *open, uint32_t phase)
{
    return open->span_us > 0 ? open->i_ma_us[phase % WK_RECORD_PHASES] / open->span_us : 0;
}

/* ---- capture ----------------------------------------------------------------------------- */

static uint16_t status_of(const struct wk_profile *profile, const struct wk_zone *zone)
{
    const struct wk_profile_open *open = &profile->open;
    struct wk_utc begin;
    struct wk_utc end;
    struct wk_civil civil;
    uint16_t status = open->status;
    interval_of(profile, zone, open->end.s * US_PER_S, &begin, &end);
    if (open->span_us + SLACK_US < (end.s - begin.s) * US_PER_S) {
        status |= WK_PROFILE_NOT_VALID;
    }
    if (wk_civil_from_utc(zone, open->end, &civil) == WK_OK && civil.dst) {
        status |= WK_PROFILE_DST;
    }
    return status;
}

/* The open batch goes to the log; the next one begins, a turn on if the clock went back. */
static wk_err begin_batch(struct wk_profile *profile, struct wk_store *store,
                          struct wk_profile_batch_head head, bool went_back)
{
    if (head.rows > 0) {
        WK_TRY(
            wk_store_append(store, profile->log, profile->batch.octets, profile->batch.size));
    }
    head.number += head.rows;
    head.turn += went_back ? 1U : 0U;
    head.columns = profile->rules.count;
    wk_profile_batch_begin(&profile->batch, &head);
    return WK_OK;
}

wk_err wk_profile_capture(struct wk_profile *profile, const struct wk_zone *zone,
                          struct wk_store *store, int64_t now_us, struct wk_profile_row *row)
{
    const struct wk_profile_batch_head head = head_of(profile);
    const bool went_back = profile->newest.s != 0 && profile->open.end.s <= profile->newest.s;
    row->end = profile->open.end;
    row->status = status_of(profile, zone);
    wk_err err = went_back ? WK_E_FULL : wk_profile_batch_append(&profile->batch, row);
    if (err == WK_E_FULL) {
        WK_TRY(begin_batch(profile, store, head, went_back));
        err = wk_profile_batch_append(&profile->batch, row);
    }
    WK_TRY(err);
    profile->newest = row->end;
    memset(&profile->open, 0, sizeof profile->open);
    open_interval(profile, zone, now_us);
    return WK_OK;
}

/* ---- octets for the store ---------------------------------------------------------------- */

#define PACKED_MEANS 0x01 /* sums follow */
#define PACKED_ALIKE 0x02 /* nothing follows: all is as in the other interval */

static bool is_alike(const struct wk_profile *profile, const struct wk_profile *other)
{
    const struct wk_profile_open *a = &profile->open;
    const struct wk_profile_open *b = &other->open;
    return profile != other && a->end.s == b->end.s && a->status == b->status &&
           a->span_us == b->span_us && !profile->means;
}

void wk_profile_open_pack(const struct wk_profile *profile, const struct wk_profile *other,
                          struct wk_bytes_out *out)
{
    const struct wk_profile_open *open = &profile->open;
    if (is_alike(profile, other)) {
        wk_bytes_out_u8(out, PACKED_ALIKE);
        return;
    }
    wk_bytes_out_u8(out, profile->means ? PACKED_MEANS : 0);
    wk_bytes_out_u32le(out, (uint32_t)open->end.s);
    wk_bytes_out_u8(out, (uint8_t)(open->end.s >> 32));
    wk_bytes_out_u16le(out, open->status);
    wk_bytes_out_u64le(out, (uint64_t)open->span_us);
    for (int phase = 0; phase < WK_RECORD_PHASES && profile->means; phase++) {
        wk_bytes_out_u64le(out, (uint64_t)open->u_mv_us[phase]);
        wk_bytes_out_u64le(out, (uint64_t)open->i_ma_us[phase]);
    }
}

void wk_profile_open_unpack(struct wk_profile *profile, const struct wk_profile *other,
                            struct wk_bytes_in *in)
{
    struct wk_profile_open *open = &profile->open;
    const uint8_t form = wk_bytes_in_u8(in);
    memset(open, 0, sizeof *open);
    if (form > PACKED_ALIKE) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    } else if (form == PACKED_ALIKE) {
        open->end = other->open.end;
        open->status = other->open.status;
        open->span_us = other->open.span_us;
        return;
    }
    const uint32_t low = wk_bytes_in_u32le(in);
    open->end.s = (int64_t)wk_bytes_in_u8(in) << 32 | low;
    open->status = wk_bytes_in_u16le(in);
    open->span_us = (int64_t)wk_bytes_in_u64le(in);
    for (int phase = 0; phase < WK_RECORD_PHASES && form == PACKED_MEANS; phase++) {
        open->u_mv_us[phase] = (int64_t)wk_bytes_in_u64le(in);
        open->i_ma_us[phase] = (int64_t)wk_bytes_in_u64le(in);
    }
}

void wk_profile_rules_pack(const struct wk_profile *profile, struct wk_bytes_out *out)
{
    wk_bytes_out_u32le(out, profile->configured);
    wk_bytes_out_u64le(out, profile->first);
    put_rules(&profile->rules, out);
}

wk_err wk_profile_rules_unpack(struct wk_profile *profile, struct wk_bytes_in *in)
{
    struct wk_profile_rules rules = {0};
    const uint32_t configured = wk_bytes_in_u32le(in);
    const uint64_t first = wk_bytes_in_u64le(in);
    rules.period_s = wk_bytes_in_u32le(in);
    rules.count = wk_bytes_in_u8(in);
    for (uint8_t i = 0; i < rules.count && i < WK_PROFILE_COLUMNS; i++) {
        rules.column[i].class_id = wk_bytes_in_u16le(in);
        wk_bytes_in_copy(in, rules.column[i].obis, sizeof rules.column[i].obis);
        rules.column[i].attribute = wk_bytes_in_u8(in);
    }
    WK_TRY(in->fault);
    if (wk_profile_check(&rules) != WK_OK) {
        return WK_E_FORMAT;
    }
    profile->first = first;
    profile->stale = configured != profile->configured;
    if (!profile->stale) {
        apply(profile, &rules);
    }
    return WK_OK;
}

wk_err wk_profile_rows_unpack(struct wk_profile *profile, struct wk_bytes_in *in, bool *cleared)
{
    struct wk_profile_batch batch = {.size = 0};
    struct wk_profile_batch_head head;
    struct wk_profile_walk walk;
    struct wk_profile_row row = {.end = {0}};
    wk_err err = wk_bytes_in_left(in) <= sizeof batch.octets ? WK_OK : WK_E_FORMAT;
    WK_TRY(err);
    batch.size = (uint16_t)wk_bytes_in_left(in);
    wk_bytes_in_copy(in, batch.octets, batch.size);
    WK_TRY(wk_profile_batch_head(&batch, &head));
    wk_profile_batch_walk(&walk);
    while (err == WK_OK) {
        err = wk_profile_batch_read(&batch, &walk, &row);
    }
    if (err != WK_E_NOT_FOUND || (!profile->stale && head.columns != profile->rules.count)) {
        return WK_E_FORMAT;
    }
    profile->batch = batch;
    profile->newest = row.end;
    *cleared = profile->stale;
    if (profile->stale) {
        wk_profile_clear(profile);
        wk_profile_restart(profile, WK_PROFILE_NOT_VALID);
        profile->stale = false;
    }
    return WK_OK;
}
