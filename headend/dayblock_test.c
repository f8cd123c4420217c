/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "headend/dayblock.h"
#include "tests/wk_test.h"

static struct wk_dayblock block;
static uint8_t values[WK_DAYBLOCK_VALUES];
static uint8_t flags[WK_DAYBLOCK_FLAGS];

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    return z ^ (z >> 27);
}

static void make_day(int32_t period_s)
{
    block = (struct wk_dayblock){.meter = 7, .channel = 4, .day = 13545, .period_s = period_s};
    block.n = 86400 / period_s;
}

static void a_known_day_has_the_documented_octets(void)
{
    make_day(43200); /* two slots */
    block.value[0] = 150;
    block.value[1] = -1;
    block.flags[0] = WK_SLOT_MISSING;
    block.flags[1] = 0x0802;
    struct wk_bytes_out v = wk_bytes_out_of(values, sizeof values);
    struct wk_bytes_out f = wk_bytes_out_of(flags, sizeof flags);
    EXPECT_OK(wk_dayblock_pack(&block, &v, &f));
    /* zigzag(150) = 300 = AC 02, zigzag(-1) = 1 */
    static const uint8_t k_values[] = {0x01, 0xAC, 0x02, 0x01};
    static const uint8_t k_flags[] = {0x01, 0x01, 0x00, 0x01, 0x02, 0x08};
    EXPECT_I64(sizeof k_values, v.size);
    EXPECT_BYTES(k_values, values, sizeof k_values);
    EXPECT_I64(sizeof k_flags, f.size);
    EXPECT_BYTES(k_flags, flags, sizeof k_flags);
}

static void every_day_comes_back_as_it_went_in(void)
{
    uint64_t seed = 20070201;
    static const int32_t k_periods[] = {60, 300, 900, 1800, 3600, 86400};
    printf("# seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 300; round++) {
        make_day(k_periods[round % 6]);
        const unsigned bits = (unsigned)(next_random(&seed) % 64);
        for (int32_t i = 0; i < block.n; i++) {
            block.value[i] = (int64_t)(next_random(&seed) >> bits) * (round % 2 == 0 ? 1 : -1);
            block.flags[i] = next_random(&seed) % 4 == 0 ? (uint16_t)next_random(&seed) : 0;
        }
        block.value[0] = round == 0 ? INT64_MIN : round == 1 ? INT64_MAX : block.value[0];
        struct wk_bytes_out v = wk_bytes_out_of(values, sizeof values);
        struct wk_bytes_out f = wk_bytes_out_of(flags, sizeof flags);
        EXPECT_OK(wk_dayblock_pack(&block, &v, &f));
        static struct wk_dayblock back;
        make_day(k_periods[round % 6]);
        back = block;
        memset(back.value, 0x55, sizeof back.value);
        memset(back.flags, 0x55, sizeof back.flags);
        EXPECT_OK(wk_dayblock_unpack(&back, wk_bytes_in_of(values, v.size),
                                     wk_bytes_in_of(flags, f.size)));
        struct wk_bytes_out v2 = wk_bytes_out_of(malloc(v.size), v.size);
        struct wk_bytes_out f2 = wk_bytes_out_of(malloc(f.size + 1), f.size + 1);
        EXPECT_OK(wk_dayblock_pack(&back, &v2, &f2));
        const bool same = v2.size == v.size && f2.size == f.size &&
                          memcmp(v2.data, values, v.size) == 0 &&
                          memcmp(f2.data, flags, f.size) == 0;
        free(v2.data);
        free(f2.data);
        EXPECT(same);
    }
}

static void damage_is_refused_or_seen_by_the_check_sum(void)
{
    make_day(900);
    for (int32_t i = 0; i < block.n; i++) {
        block.value[i] = i * 123457;
        block.flags[i] = i % 10 == 3 ? WK_SLOT_DST : 0;
    }
    struct wk_bytes_out v = wk_bytes_out_of(values, sizeof values);
    struct wk_bytes_out f = wk_bytes_out_of(flags, sizeof flags);
    EXPECT_OK(wk_dayblock_pack(&block, &v, &f));
    const uint32_t crc =
        wk_dayblock_crc(&block, wk_bytes_in_of(values, v.size), wk_bytes_in_of(flags, f.size));
    for (size_t size = 0; size < v.size; size++) {
        EXPECT_ERR(WK_E_CORRUPT, wk_dayblock_unpack(&block, wk_bytes_in_of(values, size),
                                                    wk_bytes_in_of(flags, f.size)));
    }
    for (size_t size = 1; size < f.size; size++) {
        EXPECT_ERR(WK_E_CORRUPT, wk_dayblock_unpack(&block, wk_bytes_in_of(values, v.size),
                                                    wk_bytes_in_of(flags, size)));
    }
    for (size_t bit = 0; bit < v.size * 8; bit++) {
        values[bit / 8] ^= (uint8_t)(1U << bit % 8);
        EXPECT(crc != wk_dayblock_crc(&block, wk_bytes_in_of(values, v.size),
                                      wk_bytes_in_of(flags, f.size)));
        const wk_err err = wk_dayblock_unpack(&block, wk_bytes_in_of(values, v.size),
                                              wk_bytes_in_of(flags, f.size));
        EXPECT(err == WK_OK || err == WK_E_CORRUPT || err == WK_E_UNSUPPORTED);
        values[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void a_varint_of_more_than_64_bits_is_refused(void)
{
    static const uint8_t k_long[] = {1,    0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0xFF, 0x7F};
    make_day(86400);
    EXPECT_ERR(WK_E_CORRUPT, wk_dayblock_unpack(&block, wk_bytes_in_of(k_long, sizeof k_long),
                                                wk_bytes_in_of(NULL, 0)));
}

static void the_sum_check_sees_one_unit(void)
{
    make_day(900);
    block.reg_start = INT64_C(9000000000000000000);
    block.value[5] = 10;
    block.reg_end = block.reg_start + 10;
    EXPECT(wk_dayblock_sums(&block));
    block.value[95] = 1;
    EXPECT(!wk_dayblock_sums(&block));
    block.value[5] = INT64_MAX; /* overflows */
    EXPECT(!wk_dayblock_sums(&block));
}

WK_TEST_MAIN(T(a_known_day_has_the_documented_octets), T(every_day_comes_back_as_it_went_in),
             T(damage_is_refused_or_seen_by_the_check_sum),
             T(a_varint_of_more_than_64_bits_is_refused), T(the_sum_check_sees_one_unit))
