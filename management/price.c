/* SPDX-License-Identifier: Apache-2.0 */
#include "management/price.h"

#include "base/wide.h"

#define UWH_PER_KWH  INT64_C(1000000000)
#define VERSION      1
#define HIGH_MOST    2  /* times the standard step */
#define LOW_PERCENT  10 /* of the standard step, least and most */
#define LOW_MOST     40
#define HIGH_MINUTES 120

static bool is_price(int32_t price_e6)
{
    return price_e6 >= -WK_PRICE_MOST_E6 && price_e6 <= WK_PRICE_MOST_E6;
}

wk_err wk_price_check(const struct wk_price_plan *plan)
{
    bool good = plan->cap_e6 >= 0 && plan->standing_e6 >= 0 &&
                plan->standing_e6 <= INT64_C(1000) * WK_PRICE_MOST_E6;
    for (int tariff = 0; tariff < WK_TARIFF_COUNT; tariff++) {
        for (int block = 0; block < WK_REGISTERS_BLOCKS; block++) {
            good = good && is_price(plan->price_e6[tariff][block]);
        }
    }
    for (int i = 0; i < WK_PRICE_RIDERS; i++) {
        good = good && is_price(plan->rider_e6[i]);
    }
    return good ? WK_OK : WK_E_RANGE;
}

/* ---- half-hourly prices ------------------------------------------------------------------ */

static int64_t end_of(const struct wk_price_day *day)
{
    return day->begin.s + day->count * (int64_t)WK_PRICE_HALF_HOUR_S;
}

static wk_err check_day(const struct wk_price_day *day)
{
    bool good = day->count >= 1 && day->count <= WK_PRICE_SLOTS && day->begin.s > 0 &&
                day->begin.s <= UINT32_MAX && day->begin.s % WK_PRICE_HALF_HOUR_S == 0;
    for (uint8_t i = 0; good && i < day->count; i++) {
        good = is_price(day->price_e6[i]);
    }
    return good ? WK_OK : WK_E_RANGE;
}

static bool overlap(const struct wk_price_day *a, const struct wk_price_day *b)
{
    return a->begin.s != 0 && b->begin.s != 0 && a->begin.s < end_of(b) &&
           b->begin.s < end_of(a);
}

wk_err wk_price_take(struct wk_price *price, const struct wk_price_day *day)
{
    WK_TRY(check_day(day));
    struct wk_price_day *older = &price->day[0];
    struct wk_price_day *newer = &price->day[1];
    if (newer->begin.s == day->begin.s) {
        *newer = *day;
        return WK_OK;
    }
    if (older->begin.s == day->begin.s) {
        *older = *day;
        return WK_OK;
    }
    if (overlap(newer, day)) {
        return WK_E_STATE;
    }
    if (day->begin.s > newer->begin.s) {
        *older = *newer;
        *newer = *day;
    } else {
        *older = *day;
    }
    return WK_OK;
}

static const struct wk_price_day *day_at(const struct wk_price *price, struct wk_utc at)
{
    for (int i = WK_PRICE_DAYS - 1; i >= 0; i--) {
        const struct wk_price_day *day = &price->day[i];
        if (day->begin.s != 0 && at.s >= day->begin.s && at.s < end_of(day)) {
            return day;
        }
    }
    return NULL;
}

int32_t wk_price_at(const struct wk_price *price, struct wk_utc at, uint8_t tariff,
                    uint8_t block, bool *dynamic)
{
    const struct wk_price_plan *plan = &price->plan;
    const struct wk_price_day *day = day_at(price, at);
    int64_t sum_e6 = 0;
    *dynamic = day != NULL;
    if (day != NULL) {
        sum_e6 = day->price_e6[(at.s - day->begin.s) / WK_PRICE_HALF_HOUR_S];
    } else {
        sum_e6 = plan->price_e6[(tariff - 1) % WK_TARIFF_COUNT][block % WK_REGISTERS_BLOCKS];
        for (int i = 0; i < WK_PRICE_RIDERS; i++) {
            sum_e6 += plan->rider_e6[i];
        }
    }
    sum_e6 = plan->cap_e6 != 0 && sum_e6 > plan->cap_e6 ? plan->cap_e6 : sum_e6;
    return (int32_t)(sum_e6 > INT32_MAX ? INT32_MAX : sum_e6 < INT32_MIN ? INT32_MIN : sum_e6);
}

/* ---- spending ---------------------------------------------------------------------------- */

static int64_t limited_sum(int64_t a, int64_t b)
{
    if (b > 0 && a > INT64_MAX - b) {
        return INT64_MAX;
    }
    return b < 0 && a < INT64_MIN - b ? INT64_MIN : a + b;
}

void wk_price_spend(struct wk_price_spent *spent, int64_t energy_uwh, int32_t price_e6)
{
    const struct wk_i128 cost =
        wk_i128_add(wk_i128_mul(energy_uwh, price_e6), wk_i128_of(spent->rest));
    const struct wk_i128 whole = wk_i128_div(cost, UWH_PER_KWH, &spent->rest);
    const int64_t most = wk_i128_is_negative(whole) ? INT64_MIN : INT64_MAX;
    spent->amount_e6 =
        limited_sum(spent->amount_e6, wk_i128_fits_i64(whole) ? (int64_t)whole.low : most);
}

void wk_price_charge(struct wk_price_spent *spent, int64_t amount_e6)
{
    spent->amount_e6 = limited_sum(spent->amount_e6, amount_e6);
}

/* ---- rules of a country ------------------------------------------------------------------ */

wk_price_steps_fault wk_price_check_steps(const struct wk_price_steps *steps)
{
    const int64_t standard_e6 = steps->standard_e6;
    if (steps->high_e6 > HIGH_MOST * standard_e6 || steps->high_e6 < standard_e6) {
        return WK_PRICE_STEPS_HIGH;
    }
    if (steps->high_minutes < HIGH_MINUTES) {
        return WK_PRICE_STEPS_HIGH_TIME;
    }
    const int64_t low = (int64_t)steps->low_e6 * 100;
    return low < standard_e6 * LOW_PERCENT || low > standard_e6 * LOW_MOST
               ? WK_PRICE_STEPS_LOW
               : WK_PRICE_STEPS_GOOD;
}

/* ---- octets for the store ---------------------------------------------------------------- */

static void pack_row(struct wk_bytes_out *out, const int32_t *values, int count)
{
    for (int i = 0; i < count; i++) {
        wk_bytes_out_u32le(out, (uint32_t)values[i]);
    }
}

static void unpack_row(struct wk_bytes_in *in, int32_t *values, int count)
{
    for (int i = 0; i < count; i++) {
        values[i] = (int32_t)wk_bytes_in_u32le(in);
    }
}

void wk_price_pack(const struct wk_price *price, struct wk_bytes_out *out)
{
    const struct wk_price_plan *plan = &price->plan;
    wk_bytes_out_u8(out, VERSION);
    pack_row(out, &plan->price_e6[0][0], WK_TARIFF_COUNT * WK_REGISTERS_BLOCKS);
    pack_row(out, plan->rider_e6, WK_PRICE_RIDERS);
    pack_row(out, &plan->cap_e6, 1);
    wk_bytes_out_u64le(out, (uint64_t)plan->standing_e6);
    for (int i = 0; i < WK_PRICE_DAYS; i++) {
        const struct wk_price_day *day = &price->day[i];
        wk_bytes_out_u32le(out, (uint32_t)day->begin.s);
        wk_bytes_out_u8(out, day->count);
        pack_row(out, day->price_e6, day->begin.s != 0 ? day->count : 0);
    }
}

wk_err wk_price_unpack(struct wk_price *price, struct wk_bytes_in *in)
{
    struct wk_price read = {0};
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    unpack_row(in, &read.plan.price_e6[0][0], WK_TARIFF_COUNT * WK_REGISTERS_BLOCKS);
    unpack_row(in, read.plan.rider_e6, WK_PRICE_RIDERS);
    unpack_row(in, &read.plan.cap_e6, 1);
    read.plan.standing_e6 = (int64_t)wk_bytes_in_u64le(in);
    for (int i = 0; i < WK_PRICE_DAYS; i++) {
        struct wk_price_day *day = &read.day[i];
        day->begin.s = wk_bytes_in_u32le(in);
        day->count = wk_bytes_in_u8(in);
        if (day->count > WK_PRICE_SLOTS) {
            return WK_E_FORMAT;
        }
        unpack_row(in, day->price_e6, day->begin.s != 0 ? day->count : 0);
        WK_TRY(in->fault);
        WK_TRY(day->begin.s != 0 ? check_day(day) : WK_OK);
    }
    WK_TRY(in->fault);
    WK_TRY(wk_price_check(&read.plan));
    *price = read;
    return WK_OK;
}
