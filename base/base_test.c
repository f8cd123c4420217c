/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/civil.h"
#include "base/crc.h"
#include "base/money.h"
#include "base/notice.h"
#include "base/wide.h"
#include "tests/wk_test.h"

static void every_error_has_a_name_and_a_text(void)
{
    for (int code = 0; code >= -18; code--) {
        EXPECT(strcmp(wk_err_name((wk_err)code), "WK_E_?") != 0);
        EXPECT(strcmp(wk_err_text((wk_err)code), "unknown error") != 0);
    }
    EXPECT(strcmp(wk_err_name((wk_err)-99), "WK_E_?") == 0);
}

static void check_sums_give_their_catalogue_values(void)
{
    EXPECT_I64(0xCBF43926, wk_crc_32(0, "123456789", 9));
    EXPECT_I64(0xCBF43926, wk_crc_32(wk_crc_32(0, "1234", 4), "56789", 5));
    EXPECT_I64(0x906E, wk_crc_x25("123456789", 9));
}

static void a_cursor_stays_faulty_and_remembers_where(void)
{
    const uint8_t data[5] = {1, 2, 3, 4, 5};
    struct wk_bytes_in in = wk_bytes_in_of(data, sizeof data);
    EXPECT_I64(0x0102, wk_bytes_in_u16be(&in));
    EXPECT_I64(0x0403, wk_bytes_in_u16le(&in));
    EXPECT_I64(0, wk_bytes_in_u32be(&in));
    EXPECT_I64(4, in.fault_at);
    EXPECT_I64(0, wk_bytes_in_u8(&in));
    EXPECT_I64(4, in.fault_at);
    EXPECT_ERR(WK_E_SHORT, wk_bytes_in_end(&in));
}

static void nothing_can_be_taken_from_nothing(void)
{
    struct wk_bytes_in in = wk_bytes_in_of(NULL, 0);
    EXPECT(wk_bytes_in_take(&in, 0) != NULL);
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT(wk_bytes_in_take(&in, 1) == NULL);
    EXPECT_ERR(WK_E_SHORT, in.fault);
}

static void left_over_octets_are_an_error(void)
{
    struct wk_bytes_in in = wk_bytes_in_of("ab", 2);
    (void)wk_bytes_in_u8(&in);
    EXPECT_ERR(WK_E_FORMAT, wk_bytes_in_end(&in));
    (void)wk_bytes_in_u8(&in);
    EXPECT_OK(wk_bytes_in_end(&in));
}

static void a_full_output_takes_nothing_more(void)
{
    uint8_t room[3];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_bytes_out_u16be(&out, 0xABCD);
    wk_bytes_out_u16be(&out, 0x1234);
    EXPECT_I64(2, out.size);
    EXPECT_I64(WK_E_FULL, out.fault);
    wk_bytes_out_u8(&out, 1);
    EXPECT_I64(2, out.size);
}

static void civil_time_follows_the_calendar(void)
{
    struct wk_civil civil;
    EXPECT_OK(wk_civil_from_utc(&wk_zone_utc, (struct wk_utc){951782400}, &civil));
    EXPECT(civil.year == 2000 && civil.month == 2 && civil.day == 29 && civil.weekday == 2);
    EXPECT_OK(wk_civil_from_utc(&wk_zone_utc, (struct wk_utc){4102444799}, &civil));
    EXPECT(civil.year == 2099 && civil.month == 12 && civil.day == 31 && civil.hour == 23);
    EXPECT_ERR(WK_E_RANGE, wk_civil_from_utc(&wk_zone_utc, (struct wk_utc){-1}, &civil));
}

static void every_day_of_a_century_returns_from_its_date(void)
{
    struct wk_civil civil;
    struct wk_utc back;
    for (int32_t day = 0; day < 49000; day++) {
        const struct wk_utc utc = {(int64_t)day * WK_DAY_S + 45296};
        EXPECT_OK(wk_civil_from_utc(&wk_zone_central_europe, utc, &civil));
        EXPECT_OK(wk_civil_to_utc(&wk_zone_central_europe, &civil, &back));
        EXPECT_I64(utc.s, back.s);
    }
}

/* 2026-03-29 01:00 UTC: 02:00 becomes 03:00; 2026-10-25 01:00 UTC: 03:00 becomes 02:00. */
static void daylight_saving_begins_and_ends_by_rule(void)
{
    struct wk_civil civil;
    struct wk_utc utc = {1774745999};
    EXPECT_OK(wk_civil_from_utc(&wk_zone_central_europe, utc, &civil));
    EXPECT(civil.hour == 1 && civil.minute == 59 && !civil.dst);
    utc.s++;
    EXPECT_OK(wk_civil_from_utc(&wk_zone_central_europe, utc, &civil));
    EXPECT(civil.hour == 3 && civil.dst && civil.utc_offset_min == 120);
    struct wk_utc start;
    struct wk_utc next;
    EXPECT_OK(wk_civil_day_start(&wk_zone_central_europe, utc, &start));
    EXPECT_OK(
        wk_civil_day_start(&wk_zone_central_europe, (struct wk_utc){start.s + 90000}, &next));
    EXPECT_I64(23 * 3600, next.s - start.s);
    EXPECT_OK(wk_civil_day_start(&wk_zone_central_europe, (struct wk_utc){1792890000}, &start));
    EXPECT_OK(
        wk_civil_day_start(&wk_zone_central_europe, (struct wk_utc){start.s + 100000}, &next));
    EXPECT_I64(25 * 3600, next.s - start.s);
}

static void the_repeated_hour_is_told_apart_by_its_flag(void)
{
    const struct wk_civil first = {
        .year = 2026, .month = 10, .day = 25, .hour = 2, .dst = true};
    struct wk_civil second = first;
    second.dst = false;
    struct wk_utc a;
    struct wk_utc b;
    EXPECT_OK(wk_civil_to_utc(&wk_zone_central_europe, &first, &a));
    EXPECT_OK(wk_civil_to_utc(&wk_zone_central_europe, &second, &b));
    EXPECT_I64(3600, b.s - a.s);
}

static void wide_products_and_quotients_are_exact(void)
{
    const struct wk_i128 most = wk_i128_mul(INT64_MIN, INT64_MAX);
    EXPECT_I64(INT64_MIN, most.low);
    EXPECT_I64(-4611686018427387904, most.high);
    int64_t rest;
    const struct wk_i128 back = wk_i128_div(most, INT64_MAX, &rest);
    EXPECT(wk_i128_fits_i64(back) && (int64_t)back.low == INT64_MIN && rest == 0);
    const struct wk_i128 down = wk_i128_div(wk_i128_of(-7), 2, &rest);
    EXPECT_I64(-4, (int64_t)down.low);
    EXPECT_I64(1, rest);
    const struct wk_i128 shifted = wk_i128_shift_right(wk_i128_mul(-3, INT64_MAX), 62);
    EXPECT_I64(-6, (int64_t)shifted.low);
    EXPECT_I64(1, wk_i128_shift_right(wk_i128_shift_left(wk_i128_of(1), 100), 100).low);
}

static void quotients_by_short_and_long_divisors_multiply_back(void)
{
    const int64_t divisors[] = {1, 3, 65536, UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX};
    const int64_t factors[] = {1, -1, 1234567890123, -987654321098765, INT64_MAX, INT64_MIN};
    for (size_t d = 0; d < sizeof divisors / sizeof divisors[0]; d++) {
        for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
            const struct wk_i128 product = wk_i128_mul(factors[f], divisors[d]);
            const int64_t extra = divisors[d] - 1;
            int64_t rest = -1;
            const struct wk_i128 back =
                wk_i128_div(wk_i128_add(product, wk_i128_of(extra)), divisors[d], &rest);
            EXPECT(wk_i128_fits_i64(back));
            EXPECT_I64(factors[f], (int64_t)back.low);
            EXPECT_I64(extra, rest);
        }
    }
}

static void bits_are_counted_and_shifted_either_way(void)
{
    EXPECT_I64(0, wk_u64_bits(0));
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t value = UINT64_C(1) << bit;
        EXPECT_I64(bit + 1, wk_u64_bits(value));
        EXPECT_I64(bit, wk_u64_bits(value - 1));
        EXPECT(wk_u64_shift(value, bit) == 1 && wk_u64_shift(1, -bit) == value);
    }
}

static void ratios_are_rounded_and_limited(void)
{
    EXPECT_I64(3, wk_i128_rounded(5, 1, 2)); /* 2.5 */
    EXPECT_I64(-2, wk_i128_rounded(-5, 1, 2));
    EXPECT_I64(-3, wk_i128_rounded(-11, 1, 4));
    EXPECT_I64(INT64_MAX, wk_i128_rounded(INT64_MAX, INT64_MAX, INT64_MAX));
    EXPECT_I64(INT64_MAX, wk_i128_rounded(INT64_MAX, 3, 2));
    EXPECT_I64(INT64_MIN, wk_i128_rounded(INT64_MIN, 3, 2));
}

static void money_is_rounded_once_half_to_even(void)
{
    int64_t minor;
    EXPECT_OK(wk_money_of_energy(INT64_C(1000000000), 285000, &minor)); /* 1 kWh at 0.285 */
    EXPECT_I64(28, minor);                                              /* 28.5 -> 28 */
    EXPECT_OK(wk_money_of_energy(INT64_C(3000000000), 285000, &minor)); /* 85.5 -> 86 */
    EXPECT_I64(86, minor);
    EXPECT_OK(wk_money_of_energy(INT64_C(-1000000000), 285001, &minor));
    EXPECT_I64(-29, minor);
    EXPECT_OK(wk_money_of_pieces(30, 123456, &minor));
    EXPECT_I64(370, minor);
    EXPECT_ERR(WK_E_RANGE, wk_money_of_energy(INT64_MAX, INT64_MAX, &minor));
    EXPECT_OK(wk_money_share(1050, 190000, &minor)); /* 199.5 -> 200 */
    EXPECT_I64(200, minor);
    EXPECT_OK(wk_money_share(1150, 190000, &minor)); /* 218.5 -> 218 */
    EXPECT_I64(218, minor);
}

static void a_full_notice_ring_keeps_the_first_and_counts_the_rest(void)
{
    struct wk_notice_ring ring = {0};
    for (uint16_t i = 0; i < WK_NOTICE_ROOM; i++) {
        EXPECT(wk_notice_drop(&ring, (struct wk_notice){.code = i}));
    }
    EXPECT(!wk_notice_drop(&ring, (struct wk_notice){.code = 99}));
    EXPECT_I64(1, ring.refused);
    struct wk_notice notice;
    for (uint16_t i = 0; i < WK_NOTICE_ROOM; i++) {
        EXPECT(wk_notice_take(&ring, &notice));
        EXPECT_I64(i, notice.code);
    }
    EXPECT(!wk_notice_take(&ring, &notice));
}

WK_TEST_MAIN(T(every_error_has_a_name_and_a_text), T(check_sums_give_their_catalogue_values),
             T(a_cursor_stays_faulty_and_remembers_where), T(nothing_can_be_taken_from_nothing),
             T(left_over_octets_are_an_error), T(a_full_output_takes_nothing_more),
             T(civil_time_follows_the_calendar),
             T(every_day_of_a_century_returns_from_its_date),
             T(daylight_saving_begins_and_ends_by_rule),
             T(the_repeated_hour_is_told_apart_by_its_flag),
             T(wide_products_and_quotients_are_exact),
             T(bits_are_counted_and_shifted_either_way), T(ratios_are_rounded_and_limited),
             T(quotients_by_short_and_long_divisors_multiply_back),
             T(money_is_rounded_once_half_to_even),
             T(a_full_notice_ring_keeps_the_first_and_counts_the_rest))
