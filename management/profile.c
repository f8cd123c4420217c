/* SPDX-License-Identifier: Apache-2.0 */
#include "management/profile.h"

#include <string.h>

#define US_PER_S    INT64_C(1000000)
#define PACKED_SIZE (8 + 1 + (4 + WK_PROFILE_TARIFFS) * 8 + 2 * WK_RECORD_PHASES * 4)
/* The whole period but one window of the slowest grid, in microseconds. */
#define SLACK_US INT64_C(300000)

wk_err wk_profile_init(struct wk_profile *profile, uint16_t period_s)
{
    if (period_s < WK_PROFILE_PERIOD_MIN_S || period_s > WK_PROFILE_PERIOD_MAX_S ||
        3600 % period_s != 0) {
        return WK_E_RANGE;
    }
    memset(profile, 0, sizeof *profile);
    profile->period_s = period_s;
    return WK_OK;
}

bool wk_profile_is_due(const struct wk_profile *profile, int64_t now_us)
{
    return profile->open.end.s != 0 && now_us > profile->open.end.s * US_PER_S;
}

/* The end of the interval that contains the instant; an instant on a boundary ends one. */
static struct wk_utc end_of_interval(const struct wk_profile *profile, int64_t now_us)
{
    const int64_t period_us = profile->period_s * US_PER_S;
    return (struct wk_utc){(now_us + period_us - 1) / period_us * profile->period_s};
}

static wk_err append(struct wk_store *store, uint8_t log, const struct wk_profile_entry *entry)
{
    uint8_t raw[PACKED_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_bytes_out_u64le(&out, (uint64_t)entry->end.s);
    wk_bytes_out_u8(&out, entry->status);
    wk_bytes_out_u64le(&out, (uint64_t)entry->import_uwh);
    wk_bytes_out_u64le(&out, (uint64_t)entry->export_uwh);
    for (int i = 0; i < WK_PROFILE_TARIFFS; i++) {
        wk_bytes_out_u64le(&out, (uint64_t)entry->import_tariff_uwh[i]);
    }
    wk_bytes_out_u64le(&out, (uint64_t)entry->reactive_import_uvarh);
    wk_bytes_out_u64le(&out, (uint64_t)entry->reactive_export_uvarh);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        wk_bytes_out_u32le(&out, entry->u_mean_mv[phase]);
        wk_bytes_out_u32le(&out, entry->i_mean_ma[phase]);
    }
    return wk_store_append(store, log, raw, (uint16_t)out.size);
}

wk_err wk_profile_capture(struct wk_profile *profile, const struct wk_registers *registers,
                          struct wk_store *store, uint8_t log, int64_t now_us)
{
    const struct wk_profile_open *open = &profile->open;
    struct wk_profile_entry entry = {
        .end = open->end,
        .status = open->status,
        .import_uwh = registers->import_uwh,
        .export_uwh = registers->export_uwh,
        .reactive_import_uvarh = wk_registers_reactive_import_uvarh(registers),
        .reactive_export_uvarh = wk_registers_reactive_export_uvarh(registers),
    };
    for (int i = 0; i < WK_PROFILE_TARIFFS; i++) {
        entry.import_tariff_uwh[i] = registers->rate[i].import_uwh;
    }
    for (int phase = 0; phase < WK_RECORD_PHASES && open->span_us > 0; phase++) {
        entry.u_mean_mv[phase] = (uint32_t)(open->u_mv_us[phase] / open->span_us);
        entry.i_mean_ma[phase] = (uint32_t)(open->i_ma_us[phase] / open->span_us);
    }
    if (open->span_us + SLACK_US < profile->period_s * US_PER_S) {
        entry.status |= WK_PROFILE_NOT_VALID;
    }
    WK_TRY(append(store, log, &entry));
    memset(&profile->open, 0, sizeof profile->open);
    profile->open.end = end_of_interval(profile, now_us);
    return WK_OK;
}

void wk_profile_add(struct wk_profile *profile, const struct wk_record *record, int64_t now_us)
{
    struct wk_profile_open *open = &profile->open;
    if (open->end.s == 0) {
        open->end = end_of_interval(profile, now_us);
    }
    open->span_us += record->span_us;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        open->u_mv_us[phase] += record->window.u_mv[phase] * record->span_us;
        open->i_ma_us[phase] += record->window.i_ua[phase] / 1000 * record->span_us;
    }
    if ((record->flags & WK_RECORD_FLAGGED) != 0) {
        open->status |= WK_PROFILE_FLAGGED;
    }
    if ((record->flags & WK_RECORD_FEED_GAP) != 0) {
        open->status |= WK_PROFILE_CRITICAL;
    }
}

void wk_profile_mark(struct wk_profile *profile, uint8_t status)
{
    profile->open.status |= status;
}

void wk_profile_restart(struct wk_profile *profile, uint8_t status)
{
    memset(&profile->open, 0, sizeof profile->open);
    profile->open.status = status;
}

wk_err wk_profile_read(const struct wk_store *store, uint8_t log,
                       struct wk_store_reader *reader, struct wk_profile_entry *entry)
{
    uint8_t raw[PACKED_SIZE];
    size_t size;
    WK_TRY(wk_store_read(store, log, reader, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    entry->end.s = (int64_t)wk_bytes_in_u64le(&in);
    entry->status = wk_bytes_in_u8(&in);
    entry->import_uwh = (int64_t)wk_bytes_in_u64le(&in);
    entry->export_uwh = (int64_t)wk_bytes_in_u64le(&in);
    for (int i = 0; i < WK_PROFILE_TARIFFS; i++) {
        entry->import_tariff_uwh[i] = (int64_t)wk_bytes_in_u64le(&in);
    }
    entry->reactive_import_uvarh = (int64_t)wk_bytes_in_u64le(&in);
    entry->reactive_export_uvarh = (int64_t)wk_bytes_in_u64le(&in);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        entry->u_mean_mv[phase] = wk_bytes_in_u32le(&in);
        entry->i_mean_ma[phase] = wk_bytes_in_u32le(&in);
    }
    return wk_bytes_in_end(&in);
}

/* The number of the first entry whose end is at or after `from`. Entries whose clock went back
 * stay in the order they were captured; the bisection then finds one of the places. */
static wk_err bisect(const struct wk_store *store, uint8_t log, int64_t from_s,
                     uint64_t *number)
{
    uint64_t low;
    uint64_t high;
    WK_TRY(wk_store_log_span(store, log, &low, &high));
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        struct wk_store_reader reader = {.number = middle};
        struct wk_profile_entry entry;
        WK_TRY(wk_profile_read(store, log, &reader, &entry));
        if (entry.end.s < from_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *number = low;
    return WK_OK;
}

wk_err wk_profile_find(const struct wk_store *store, uint8_t log, struct wk_utc from,
                       struct wk_utc to, uint64_t *first, uint64_t *next)
{
    WK_TRY(bisect(store, log, from.s, first));
    if (to.s < from.s) {
        *next = *first;
        return WK_OK;
    }
    return bisect(store, log, to.s + 1, next);
}

void wk_profile_pack(const struct wk_profile *profile, struct wk_bytes_out *out)
{
    const struct wk_profile_open *open = &profile->open;
    wk_bytes_out_u16le(out, profile->period_s);
    wk_bytes_out_u64le(out, (uint64_t)open->end.s);
    wk_bytes_out_u8(out, open->status);
    wk_bytes_out_u64le(out, (uint64_t)open->span_us);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        wk_bytes_out_u64le(out, (uint64_t)open->u_mv_us[phase]);
        wk_bytes_out_u64le(out, (uint64_t)open->i_ma_us[phase]);
    }
}

void wk_profile_unpack(struct wk_profile *profile, struct wk_bytes_in *in)
{
    struct wk_profile_open *open = &profile->open;
    profile->period_s = wk_bytes_in_u16le(in);
    open->end.s = (int64_t)wk_bytes_in_u64le(in);
    open->status = wk_bytes_in_u8(in);
    open->span_us = (int64_t)wk_bytes_in_u64le(in);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        open->u_mv_us[phase] = (int64_t)wk_bytes_in_u64le(in);
        open->i_ma_us[phase] = (int64_t)wk_bytes_in_u64le(in);
    }
}
