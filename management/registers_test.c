/* SPDX-License-Identifier: Apache-2.0 */
#include "management/registers.h"

#include <stdio.h>
#include <string.h>

#include "tests/wk_test.h"

#define KWH  INT64_C(1000000000)
#define SEED 20261121U

static struct wk_registers registers;
static const struct wk_registers_blocks k_none;

static struct wk_record_window window_of(int64_t import_uwh, int64_t export_uwh)
{
    struct wk_record_window window = {.phases = 1};
    window.total.import_uwh = import_uwh;
    window.total.export_uwh = export_uwh;
    window.energy[0] = window.total;
    return window;
}

static void begin(void)
{
    registers = (struct wk_registers){0};
}

static void a_threshold_divides_the_window_that_crosses_it(void)
{
    const struct wk_registers_blocks blocks = {{100 * KWH, 300 * KWH, 0}, 0};
    begin();
    struct wk_record_window window = window_of(100 * KWH - 7, 0);
    EXPECT_OK(wk_registers_add(&registers, &window, 2, &blocks));
    EXPECT_I64(0, wk_registers_block(&registers, &blocks));
    window = window_of(10, 0);
    EXPECT_OK(wk_registers_add(&registers, &window, 3, &blocks));
    EXPECT_I64(1, wk_registers_block(&registers, &blocks));
    EXPECT_I64(100 * KWH - 7, registers.rate[1].block_uwh[0]);
    EXPECT_I64(7, registers.rate[2].block_uwh[0]);
    EXPECT_I64(3, registers.rate[2].block_uwh[1]);
    window = window_of(500 * KWH, 0); /* over two thresholds at once */
    EXPECT_OK(wk_registers_add(&registers, &window, 8, &blocks));
    EXPECT_I64(200 * KWH - 3, registers.rate[7].block_uwh[1]);
    EXPECT_I64(300 * KWH + 3, registers.rate[7].block_uwh[2]);
    EXPECT_I64(2, wk_registers_block(&registers, &blocks));
    EXPECT(wk_registers_agree(&registers));
}

static void a_billing_period_begins_with_the_first_block(void)
{
    struct wk_registers_blocks blocks = {{100 * KWH, 0, 0}, 0};
    begin();
    struct wk_record_window window = window_of(150 * KWH, 0);
    EXPECT_OK(wk_registers_add(&registers, &window, 1, &blocks));
    EXPECT_I64(1, wk_registers_block(&registers, &blocks));
    blocks.begin_uwh = registers.import_uwh;
    EXPECT_I64(0, wk_registers_block(&registers, &blocks));
    EXPECT_OK(wk_registers_add(&registers, &window, 1, &blocks));
    EXPECT_I64(200 * KWH, registers.rate[0].block_uwh[0]);
    EXPECT_I64(100 * KWH, registers.rate[0].block_uwh[1]);
}

static void without_thresholds_all_is_the_first_block(void)
{
    begin();
    struct wk_record_window window = window_of(150 * KWH, 3 * KWH);
    EXPECT_OK(wk_registers_add(&registers, &window, 5, &k_none));
    EXPECT_I64(150 * KWH, registers.rate[4].block_uwh[0]);
    EXPECT_I64(3 * KWH, registers.rate[4].export_uwh);
    EXPECT(wk_registers_agree(&registers));
}

static void thresholds_that_do_not_rise_are_refused(void)
{
    static const struct wk_registers_blocks k_good[] = {
        {{0, 0, 0}, 0}, {{1, 0, 0}, 0}, {{1, 2, 3}, 0}, {{1, 2, INT64_MAX}, 0}};
    static const struct wk_registers_blocks k_bad[] = {
        {{-1, 0, 0}, 0}, {{2, 2, 0}, 0}, {{2, 1, 0}, 0}, {{0, 1, 0}, 0}, {{1, 0, 2}, 0}};
    for (size_t i = 0; i < sizeof k_good / sizeof k_good[0]; i++) {
        EXPECT_OK(wk_registers_check_blocks(&k_good[i]));
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_RANGE, wk_registers_check_blocks(&k_bad[i]));
    }
}

static void what_cannot_be_is_refused_and_changes_nothing(void)
{
    begin();
    struct wk_record_window window = window_of(KWH, KWH);
    EXPECT_OK(wk_registers_add(&registers, &window, 1, &k_none));
    const struct wk_registers before = registers;
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&registers, &window, 0, &k_none));
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&registers, &window, 9, &k_none));
    window.total.q_uvarh[3] = -1;
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&registers, &window, 1, &k_none));
    window = window_of(INT64_MAX, 0);
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&registers, &window, 1, &k_none));
    window = window_of(INT64_MIN, 0);
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&registers, &window, 1, &k_none));
    EXPECT(memcmp(&before, &registers, sizeof before) == 0);
}

/* The registers are those of a plain sum, however windows, tariffs and periods come. */
static void sums_are_those_of_any_split(void)
{
    uint32_t random = SEED;
    int64_t import_uwh = 0;
    int64_t period_uwh = 0;
    int64_t block_uwh[WK_REGISTERS_BLOCKS] = {0};
    struct wk_registers_blocks blocks = {{3 * KWH, 5 * KWH, 9 * KWH}, 0};
    begin();
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525U + 1013904223U;
        struct wk_record_window window = window_of(random >> 11, (random >> 20) & 255U);
        window.total.q_uvarh[random >> 30] = random >> 24;
        EXPECT_OK(
            wk_registers_add(&registers, &window, (uint8_t)(1 + (random >> 8) % 8), &blocks));
        import_uwh += window.total.import_uwh;
        period_uwh += window.total.import_uwh;
        if ((random >> 4) % 997 == 0) { /* a period ends: its blocks by the plain definition */
            const int64_t edge[] = {0, 3 * KWH, 5 * KWH, 9 * KWH, INT64_MAX};
            for (int b = 0; b < WK_REGISTERS_BLOCKS; b++) {
                const int64_t top_uwh = period_uwh < edge[b + 1] ? period_uwh : edge[b + 1];
                block_uwh[b] += top_uwh > edge[b] ? top_uwh - edge[b] : 0;
            }
            period_uwh = 0;
            blocks.begin_uwh = registers.import_uwh;
            for (int b = 0; b < WK_REGISTERS_BLOCKS; b++) {
                int64_t sum_uwh = 0;
                for (int rate = 0; rate < WK_TARIFF_COUNT; rate++) {
                    sum_uwh += registers.rate[rate].block_uwh[b];
                }
                EXPECT_I64(block_uwh[b], sum_uwh);
            }
        }
    }
    EXPECT_I64(import_uwh, registers.import_uwh);
    EXPECT(wk_registers_agree(&registers));
    printf("# seed %u\n", SEED);
}

static void registers_return_from_the_store_and_disagreement_is_seen(void)
{
    uint8_t raw[WK_REGISTERS_PACKED];
    uint8_t rate[WK_REGISTERS_RATE_PACKED];
    begin();
    struct wk_record_window window = window_of(7 * KWH, 2 * KWH);
    window.total.q_uvarh[2] = 5;
    EXPECT_OK(wk_registers_add(&registers, &window, 4, &k_none));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_registers_pack(&registers, &out);
    EXPECT(out.fault == WK_OK && out.size == sizeof raw);
    struct wk_bytes_out rate_out = wk_bytes_out_of(rate, sizeof rate);
    wk_registers_rate_pack(&registers.rate[3], &rate_out);
    EXPECT(rate_out.fault == WK_OK && rate_out.size == sizeof rate);
    struct wk_registers back = {0};
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    wk_registers_unpack(&back, &in);
    EXPECT(!wk_registers_agree(&back)); /* the rate is missing */
    struct wk_bytes_in rate_in = wk_bytes_in_of(rate, sizeof rate);
    wk_registers_rate_unpack(&back.rate[3], &rate_in);
    EXPECT(memcmp(&back, &registers, sizeof back) == 0);
    back.rate[3].block_uwh[0]--;
    EXPECT(!wk_registers_agree(&back));
}

WK_TEST_MAIN(T(a_threshold_divides_the_window_that_crosses_it),
             T(a_billing_period_begins_with_the_first_block),
             T(without_thresholds_all_is_the_first_block),
             T(thresholds_that_do_not_rise_are_refused),
             T(what_cannot_be_is_refused_and_changes_nothing), T(sums_are_those_of_any_split),
             T(registers_return_from_the_store_and_disagreement_is_seen))
