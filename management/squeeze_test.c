/* SPDX-License-Identifier: Apache-2.0 */
#include "management/squeeze.h"

#include "tests/wk_test.h"

#define MOST 600U
#define SEED 20261121U

static uint32_t g_random = SEED;

static uint8_t next_random(void)
{
    g_random = g_random * 1664525U + 1013904223U;
    return (uint8_t)(g_random >> 16);
}

static void a_small_register_takes_its_octets_and_a_mask(void)
{
    static const uint8_t k_register[8] = {0x39, 0x30};
    static const uint8_t k_squeezed[5] = {8, 0, 0x03, 0x39, 0x30};
    uint8_t to[16];
    EXPECT_I64(5, wk_squeeze_pack(k_register, 8, to));
    EXPECT_BYTES(k_squeezed, to, 5);
}

static void what_is_squeezed_comes_back(void)
{
    static uint8_t from[MOST];
    static uint8_t squeezed[WK_SQUEEZE_MOST(MOST)];
    static uint8_t back[MOST];
    for (size_t size = 0; size <= MOST; size += 7) {
        const uint8_t density = (uint8_t)(size % 5);
        for (size_t i = 0; i < size; i++) {
            from[i] = next_random() % 4 < density ? next_random() : 0;
        }
        const size_t used = wk_squeeze_pack(from, size, squeezed);
        size_t unpacked = 0;
        EXPECT(used <= WK_SQUEEZE_MOST(size));
        EXPECT_OK(wk_squeeze_unpack(squeezed, used, back, sizeof back, &unpacked));
        EXPECT_I64(size, unpacked);
        EXPECT_BYTES(from, back, size);
    }
}

static void it_squeezes_in_place(void)
{
    static uint8_t octets[WK_SQUEEZE_MOST(MOST)];
    static uint8_t back[MOST];
    for (size_t i = 0; i < MOST; i++) {
        octets[WK_SQUEEZE_AHEAD(MOST) + i] = (uint8_t)(i % 255 + 1);
    }
    size_t unpacked = 0;
    const size_t used = wk_squeeze_pack(octets + WK_SQUEEZE_AHEAD(MOST), MOST, octets);
    EXPECT_OK(wk_squeeze_unpack(octets, used, back, sizeof back, &unpacked));
    for (size_t i = 0; i < MOST; i++) {
        EXPECT_I64(i % 255 + 1, back[i]);
    }
}

static void what_is_no_squeezed_value_is_refused(void)
{
    static const uint8_t k_short[] = {8, 0, 0x03, 0x39};
    static const uint8_t k_long[] = {8, 0, 0x01, 0x39, 0x30};
    static const uint8_t k_zero[] = {8, 0, 0x01, 0x00};
    static const uint8_t k_large[] = {9, 0, 0x00, 0x00};
    uint8_t back[8];
    size_t unpacked = 77;
    EXPECT_ERR(WK_E_FORMAT, wk_squeeze_unpack(k_short, 4, back, 8, &unpacked));
    EXPECT_ERR(WK_E_FORMAT, wk_squeeze_unpack(k_long, 5, back, 8, &unpacked));
    EXPECT_ERR(WK_E_FORMAT, wk_squeeze_unpack(k_zero, 4, back, 8, &unpacked));
    EXPECT_ERR(WK_E_FULL, wk_squeeze_unpack(k_large, 4, back, 8, &unpacked));
    EXPECT_ERR(WK_E_FORMAT, wk_squeeze_unpack(k_large, 1, back, 8, &unpacked));
    EXPECT_I64(77, unpacked);
}

WK_TEST_MAIN(T(a_small_register_takes_its_octets_and_a_mask), T(what_is_squeezed_comes_back),
             T(it_squeezes_in_place), T(what_is_no_squeezed_value_is_refused))
