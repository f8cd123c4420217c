/* SPDX-License-Identifier: Apache-2.0 */
#include "management/demand.h"

#define US_PER_S     INT64_C(1000000)
#define J_PER_WH     INT64_C(3600)
#define SLACK_PPM    1000 /* a clock that is corrected stretches periods by up to 0.07 % */
#define TOLERANCE_US 1000 /* sample clocks are not round */
#define MOST_UWH     (INT64_MAX / J_PER_WH)

wk_err wk_demand_init(struct wk_demand *demand, const struct wk_demand_rules *rules)
{
    if (rules->part_s < 60 || rules->part_s > WK_DEMAND_PART_MAX || 3600 % rules->part_s != 0 ||
        rules->parts < 1 || rules->parts > WK_DEMAND_PARTS) {
        return WK_E_RANGE;
    }
    *demand = (struct wk_demand){.rules = *rules};
    return WK_OK;
}

/* uWh over s is 3.6 mW: (uWh * 3600 / 1000) / s. */
static int64_t power_mw(int64_t energy_uwh, int64_t span_s)
{
    const int64_t limited_uwh = energy_uwh < MOST_UWH ? energy_uwh : MOST_UWH;
    return limited_uwh * J_PER_WH / 1000 / span_s;
}

static int64_t ring_sum_uwh(const struct wk_demand *demand)
{
    int64_t sum_uwh = 0;
    for (uint8_t i = 0; i < demand->ring_count; i++) {
        sum_uwh += demand->ring_uwh[i];
    }
    return sum_uwh;
}

static void keep_largest(struct wk_demand_maximum *maximum, int64_t power_mw, struct wk_utc at)
{
    if (maximum->at.s == 0 || power_mw > maximum->power_mw) {
        *maximum = (struct wk_demand_maximum){power_mw, at};
    }
}

/* The sub-period joins the ring; a full ring is a whole period. */
static void close_part(struct wk_demand *demand, uint8_t tariff)
{
    const struct wk_demand_rules *rules = &demand->rules;
    const int64_t off_us = demand->part_span_us - rules->part_s * US_PER_S;
    const int64_t slack_us = rules->part_s * SLACK_PPM; /* s times 10^-6 are us */
    if (demand->part_spoiled || off_us > slack_us || off_us < -slack_us) {
        demand->spoiled++;
        demand->ring_count = 0;
        demand->ring_next = 0;
        return;
    }
    demand->ring_uwh[demand->ring_next] = demand->part_uwh;
    demand->ring_next = (uint8_t)((demand->ring_next + 1) % rules->parts);
    demand->ring_count =
        (uint8_t)(demand->ring_count < rules->parts ? demand->ring_count + 1 : rules->parts);
    if (demand->ring_count == rules->parts) {
        demand->last_mw = power_mw(ring_sum_uwh(demand), (int64_t)rules->part_s * rules->parts);
        keep_largest(&demand->maximum[tariff - 1], demand->last_mw, demand->part_end);
        keep_largest(&demand->highest, demand->last_mw, demand->part_end);
    }
}

/* An instant on a boundary, or a trifle behind it, ends a sub-period. */
static struct wk_utc end_of_part(const struct wk_demand *demand, int64_t now_us)
{
    const int64_t part_us = demand->rules.part_s * US_PER_S;
    const int64_t parts = (now_us - TOLERANCE_US + part_us - 1) / part_us;
    return (struct wk_utc){parts * demand->rules.part_s};
}

static void open_part(struct wk_demand *demand, struct wk_utc end)
{
    demand->part_end = end;
    demand->part_uwh = 0;
    demand->part_span_us = 0;
    demand->part_spoiled = false;
}

/* The share of a window's energy that lies in its last `late_us`. */
static int64_t late_part_uwh(int64_t energy_uwh, int64_t span_us, int64_t late_us)
{
    if (late_us >= span_us) {
        return energy_uwh;
    }
    return energy_uwh / span_us * late_us + energy_uwh % span_us * late_us / span_us;
}

bool wk_demand_add(struct wk_demand *demand, int64_t energy_uwh, int64_t span_us,
                   int64_t now_us, uint8_t tariff)
{
    const int64_t end_us = demand->part_end.s * US_PER_S;
    const bool ends = demand->part_end.s != 0 && now_us >= end_us - TOLERANCE_US;
    if (ends) { /* a window across the boundary is divided there, by time */
        const int64_t late_us = now_us - end_us > TOLERANCE_US ? now_us - end_us : 0;
        const int64_t late_uwh = late_part_uwh(energy_uwh, span_us, late_us);
        demand->part_uwh += energy_uwh - late_uwh;
        demand->part_span_us += late_us < span_us ? span_us - late_us : 0;
        close_part(demand, tariff);
        open_part(demand, (struct wk_utc){demand->part_end.s + demand->rules.part_s});
        energy_uwh = late_uwh;
        span_us = late_us < span_us ? late_us : span_us;
    }
    const struct wk_utc end = end_of_part(demand, now_us);
    if (span_us > 0 && end.s != demand->part_end.s) { /* the first one, or time has jumped */
        demand->ring_count = 0;
        demand->ring_next = 0;
        open_part(demand, end);
    }
    demand->part_uwh += energy_uwh;
    demand->part_span_us += span_us;
    return ends;
}

void wk_demand_spoil(struct wk_demand *demand)
{
    demand->part_spoiled = true;
}

int64_t wk_demand_current_mw(const struct wk_demand *demand)
{
    const struct wk_demand_rules *rules = &demand->rules;
    int64_t sum_uwh = demand->part_uwh;
    /* of a full ring, the oldest sub-period makes room for the one under way */
    for (uint8_t i = 0; i < demand->ring_count; i++) {
        const bool oldest = demand->ring_count == rules->parts && i == demand->ring_next;
        sum_uwh += oldest ? 0 : demand->ring_uwh[i];
    }
    return power_mw(sum_uwh, (int64_t)rules->part_s * rules->parts);
}

static void add_limited(int64_t *sum, int64_t value)
{
    *sum = *sum > INT64_MAX - value ? INT64_MAX : *sum + value;
}

void wk_demand_reset(struct wk_demand *demand)
{
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        add_limited(&demand->cumulative_mw[i], demand->maximum[i].power_mw);
        demand->maximum[i] = (struct wk_demand_maximum){0};
    }
    add_limited(&demand->cumulative_all_mw, demand->highest.power_mw);
    demand->highest = (struct wk_demand_maximum){0};
    demand->resets++;
}

/* ---- octets for the store ---------------------------------------------------------------- */

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

void wk_demand_pack(const struct wk_demand *demand, struct wk_bytes_out *out)
{
    wk_bytes_out_u16le(out, demand->rules.part_s);
    wk_bytes_out_u8(out, demand->rules.parts);
    wk_bytes_out_u8(out, demand->ring_next);
    wk_bytes_out_u8(out, demand->ring_count);
    for (int i = 0; i < WK_DEMAND_PARTS; i++) {
        wk_bytes_out_u64le(out, (uint64_t)demand->ring_uwh[i]);
    }
    wk_bytes_out_u64le(out, (uint64_t)demand->last_mw);
    pack_maximum(&demand->highest, out);
    wk_bytes_out_u64le(out, (uint64_t)demand->cumulative_all_mw);
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        pack_maximum(&demand->maximum[i], out);
        wk_bytes_out_u64le(out, (uint64_t)demand->cumulative_mw[i]);
    }
    wk_bytes_out_u32le(out, demand->spoiled);
    wk_bytes_out_u16le(out, demand->resets);
}

static bool is_sound(const struct wk_demand *demand)
{
    bool sound = demand->last_mw >= 0 && demand->highest.power_mw >= 0 &&
                 demand->cumulative_all_mw >= 0 && demand->rules.parts >= 1 &&
                 demand->rules.parts <= WK_DEMAND_PARTS &&
                 demand->ring_next < demand->rules.parts &&
                 demand->ring_count <= demand->rules.parts;
    for (int i = 0; i < WK_DEMAND_PARTS; i++) {
        sound = sound && demand->ring_uwh[i] >= 0;
    }
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        sound = sound && demand->maximum[i].power_mw >= 0 && demand->cumulative_mw[i] >= 0;
    }
    return sound;
}

wk_err wk_demand_unpack(struct wk_demand *demand, struct wk_bytes_in *in)
{
    struct wk_demand read = {0};
    const struct wk_demand_rules rules = demand->rules;
    read.rules.part_s = wk_bytes_in_u16le(in);
    read.rules.parts = wk_bytes_in_u8(in);
    read.ring_next = wk_bytes_in_u8(in);
    read.ring_count = wk_bytes_in_u8(in);
    for (int i = 0; i < WK_DEMAND_PARTS; i++) {
        read.ring_uwh[i] = (int64_t)wk_bytes_in_u64le(in);
    }
    read.last_mw = (int64_t)wk_bytes_in_u64le(in);
    unpack_maximum(&read.highest, in);
    read.cumulative_all_mw = (int64_t)wk_bytes_in_u64le(in);
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        unpack_maximum(&read.maximum[i], in);
        read.cumulative_mw[i] = (int64_t)wk_bytes_in_u64le(in);
    }
    read.spoiled = wk_bytes_in_u32le(in);
    read.resets = wk_bytes_in_u16le(in);
    WK_TRY(in->fault);
    if (!is_sound(&read)) {
        return WK_E_FORMAT;
    }
    if (read.rules.part_s != rules.part_s || read.rules.parts != rules.parts) {
        read.rules = rules;
        read.ring_next = 0;
        read.ring_count = 0;
    }
    *demand = read;
    return WK_OK;
}

void wk_demand_part_pack(const struct wk_demand *demand, struct wk_bytes_out *out)
{
    wk_bytes_out_u32le(out, (uint32_t)demand->part_end.s);
    wk_bytes_out_u64le(out, (uint64_t)demand->part_uwh);
    wk_bytes_out_u64le(out, (uint64_t)demand->part_span_us);
    wk_bytes_out_u8(out, demand->part_spoiled ? 1 : 0);
}

wk_err wk_demand_part_unpack(struct wk_demand *demand, struct wk_bytes_in *in)
{
    const struct wk_utc end = {wk_bytes_in_u32le(in)};
    const int64_t uwh = (int64_t)wk_bytes_in_u64le(in);
    const int64_t span_us = (int64_t)wk_bytes_in_u64le(in);
    const bool spoiled = wk_bytes_in_u8(in) != 0;
    WK_TRY(in->fault);
    if (uwh < 0 || span_us < 0) {
        return WK_E_FORMAT;
    }
    /* Under other rules it will not have its length, and is spoiled then. */
    open_part(demand, end);
    demand->part_uwh = uwh;
    demand->part_span_us = span_us;
    demand->part_spoiled = spoiled;
    return WK_OK;
}
