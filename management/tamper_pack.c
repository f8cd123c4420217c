/* SPDX-License-Identifier: Apache-2.0 */
#include "management/tamper.h"

#define VERSION 1

/* ---- what is set and what was kept ------------------------------------------------------- */

static void pack_snapshot(const struct wk_tamper_snapshot *snapshot, struct wk_bytes_out *out)
{
    wk_bytes_out_u64le(out, (uint64_t)snapshot->utc_s);
    wk_bytes_out_u64le(out, (uint64_t)snapshot->import_uwh);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        wk_bytes_out_u32le(out, (uint32_t)snapshot->u_mv[phase]);
        wk_bytes_out_u32le(out, (uint32_t)snapshot->p_w[phase]);
    }
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        wk_bytes_out_u32le(out, (uint32_t)snapshot->i_ma[phase]);
    }
    wk_bytes_out_u8(out, snapshot->latch);
}

static void unpack_snapshot(struct wk_tamper_snapshot *snapshot, struct wk_bytes_in *in)
{
    snapshot->utc_s = (int64_t)wk_bytes_in_u64le(in);
    snapshot->import_uwh = (int64_t)wk_bytes_in_u64le(in);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        snapshot->u_mv[phase] = (int32_t)wk_bytes_in_u32le(in);
        snapshot->p_w[phase] = (int32_t)wk_bytes_in_u32le(in);
    }
    for (int phase = 0; phase <= WK_RECORD_PHASES; phase++) {
        snapshot->i_ma[phase] = (int32_t)wk_bytes_in_u32le(in);
    }
    snapshot->latch = wk_bytes_in_u8(in);
    if (snapshot->latch >= WK_TAMPER_LATCHES) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static bool is_usual(const struct wk_tamper *tamper, int kind)
{
    const struct wk_tamper_rule usual =
        wk_tamper_usual((wk_tamper_kind)kind, tamper->site.maximum_ua);
    bool same = true;
    for (uint8_t row = 0; row < wk_tamper_rule_table.count; row++) {
        same = same && wk_setting_get(&wk_tamper_rule_table, &usual, row) ==
                           wk_setting_get(&wk_tamper_rule_table, &tamper->rule[kind], row);
    }
    return same;
}

static void pack_rules(const struct wk_tamper *tamper, struct wk_bytes_out *out)
{
    uint32_t set = 0;
    for (int kind = 0; kind < WK_TAMPER_KINDS; kind++) {
        set |= is_usual(tamper, kind) ? 0U : 1U << kind;
    }
    wk_bytes_out_u16le(out, (uint16_t)set);
    for (int kind = 0; kind < WK_TAMPER_KINDS; kind++) {
        if ((set >> kind & 1U) != 0) {
            wk_setting_pack(&wk_tamper_rule_table, &tamper->rule[kind], out);
        }
    }
}

static void unpack_rules(struct wk_tamper *tamper, struct wk_bytes_in *in)
{
    const uint32_t set = wk_bytes_in_u16le(in);
    for (int kind = 0; kind < WK_TAMPER_KINDS; kind++) {
        tamper->rule[kind] = wk_tamper_usual((wk_tamper_kind)kind, tamper->site.maximum_ua);
        if ((set >> kind & 1U) != 0) {
            wk_setting_unpack(&wk_tamper_rule_table, &tamper->rule[kind], in);
        }
    }
}

void wk_tamper_pack(const struct wk_tamper *tamper, struct wk_bytes_out *out)
{
    uint8_t kept = 0;
    while (kept < WK_TAMPER_SNAPSHOTS && tamper->snapshot[kept].utc_s != 0) {
        kept++; /* they fill from the first on */
    }
    wk_bytes_out_u8(out, VERSION);
    wk_setting_pack(&wk_tamper_site_table, &tamper->site, out);
    pack_rules(tamper, out);
    wk_bytes_out_u8(out, tamper->newest);
    wk_bytes_out_u64le(out, (uint64_t)tamper->service_end_s);
    wk_bytes_out_u8(out, tamper->service_seen);
    wk_bytes_out_u8(out, kept);
    for (uint8_t i = 0; i < kept; i++) {
        pack_snapshot(&tamper->snapshot[i], out);
    }
}

wk_err wk_tamper_unpack(struct wk_tamper *tamper, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    wk_setting_unpack(&wk_tamper_site_table, &tamper->site, in);
    unpack_rules(tamper, in);
    const uint8_t newest = wk_bytes_in_u8(in);
    tamper->service_end_s = (int64_t)wk_bytes_in_u64le(in);
    tamper->service_seen = wk_bytes_in_u8(in);
    const uint8_t kept = wk_bytes_in_u8(in);
    if (newest >= WK_TAMPER_SNAPSHOTS || kept > WK_TAMPER_SNAPSHOTS) {
        return WK_E_FORMAT;
    }
    tamper->newest = newest;
    for (uint8_t i = 0; i < kept; i++) {
        unpack_snapshot(&tamper->snapshot[i], in);
    }
    return in->fault;
}

/* ---- what moves -------------------------------------------------------------------------- */

void wk_tamper_pack_state(const struct wk_tamper *tamper, struct wk_bytes_out *out)
{
    const struct wk_tamper_habit *habit = &tamper->habit;
    const struct wk_tamper_energy *energy = &tamper->energy;
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u32le(out, wk_tamper_active(tamper));
    for (int i = 0; i < WK_TAMPER_COUNTERS; i++) {
        wk_bytes_out_u64le(out, (uint64_t)tamper->counter[i].first_us);
        wk_bytes_out_u64le(out, (uint64_t)tamper->counter[i].last_us);
        wk_bytes_out_u16le(out, tamper->counter[i].count);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        wk_bytes_out_u64le(out, (uint64_t)habit->least_ua[phase]);
        wk_bytes_out_u64le(out, (uint64_t)habit->floor_ua[phase]);
    }
    wk_bytes_out_u8(out, habit->blocks);
    wk_bytes_out_u8(out, (uint8_t)((habit->known ? 1 : 0) | (tamper->neutral_seen ? 2 : 0)));
    wk_bytes_out_u64le(out, (uint64_t)energy->bypass_uwh);
    wk_bytes_out_u64le(out, (uint64_t)energy->voltage_uwh);
    wk_bytes_out_u64le(out, (uint64_t)energy->magnet_uwh);
    for (int i = 0; i < 3; i++) {
        wk_bytes_out_u32le(out, (uint32_t)energy->rest[i]); /* below 3,600,000 */
    }
}

wk_err wk_tamper_unpack_state(struct wk_tamper *tamper, struct wk_bytes_in *in)
{
    struct wk_tamper_habit *habit = &tamper->habit;
    struct wk_tamper_energy *energy = &tamper->energy;
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    const uint32_t active = wk_bytes_in_u32le(in);
    for (int i = 0; i < WK_TAMPER_LATCHES; i++) {
        tamper->latch[i] = (struct wk_latch){.on = (active >> i & 1U) != 0};
    }
    for (int i = 0; i < WK_TAMPER_COUNTERS; i++) {
        tamper->counter[i].first_us = (int64_t)wk_bytes_in_u64le(in);
        tamper->counter[i].last_us = (int64_t)wk_bytes_in_u64le(in);
        tamper->counter[i].count = wk_bytes_in_u16le(in);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        habit->least_ua[phase] = (int64_t)wk_bytes_in_u64le(in);
        habit->floor_ua[phase] = (int64_t)wk_bytes_in_u64le(in);
    }
    habit->blocks = wk_bytes_in_u8(in);
    const uint8_t bits = wk_bytes_in_u8(in);
    habit->known = (bits & 1) != 0;
    tamper->neutral_seen = (bits & 2) != 0;
    energy->bypass_uwh = (int64_t)wk_bytes_in_u64le(in);
    energy->voltage_uwh = (int64_t)wk_bytes_in_u64le(in);
    energy->magnet_uwh = (int64_t)wk_bytes_in_u64le(in);
    for (int i = 0; i < 3; i++) {
        energy->rest[i] = wk_bytes_in_u32le(in);
    }
    return energy->bypass_uwh < 0 || energy->voltage_uwh < 0 || energy->magnet_uwh < 0
               ? WK_E_FORMAT
               : in->fault;
}
