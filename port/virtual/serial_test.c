/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "port/virtual/serial.h"

#define SEED UINT64_C(20261121)

static struct wk_virtual_serial serial;

/* Sends `count` octets from end 0 as soon as there is room; calls each arrival at end 1 wrong that is
 * not what was sent. The time of the last arrival. */
static int64_t carry(const struct wk_virtual_serial_rules *rules, uint32_t baud, uint64_t seed,
                     int count, int *wrong)
{
    int64_t now_us = 0;
    int sent = 0;
    int taken = 0;
    *wrong = 0;
    wk_virtual_serial_init(&serial, rules, baud, seed);
    while (taken < count) {
        uint8_t octet;
        while (sent < count && wk_virtual_serial_send(&serial, 0, (uint8_t)sent, 0) == WK_OK) {
            sent++;
        }
        now_us = wk_virtual_serial_next_us(&serial);
        while (wk_virtual_serial_receive(&serial, 1, &octet, now_us) == WK_OK) {
            *wrong += octet != (uint8_t)taken ? 1 : 0;
            taken++;
        }
    }
    return now_us;
}

static void characters_take_their_bits_by_the_rate(void)
{
    static const struct {
        uint32_t baud;
        uint8_t bits;
        int count;
        int64_t wanted_us; /* count * bits / baud */
    } k_rows[] = {{300, 10, 3, 100000},
                  {2400, 10, 173, 720833},
                  {9600, 11, 96, 110000},
                  {19200, 10, 10000, 5208333},
                  {115200, 10, 100000, 8680556}};
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        const struct wk_virtual_serial_rules rules = {.bits = k_rows[i].bits};
        int wrong;
        const int64_t took_us = carry(&rules, k_rows[i].baud, SEED, k_rows[i].count, &wrong);
        EXPECT_NEAR(k_rows[i].wanted_us, took_us, 1 + 1e-5 * (double)k_rows[i].wanted_us);
        EXPECT_I64(0, wrong);
    }
}

static void bits_flip_by_their_share(void)
{
    const struct wk_virtual_serial_rules rules = {.bits = 10, .noise_ppm = 10000};
    const int count = 200000;
    int wrong;
    printf("# seed %llu\n", (unsigned long long)SEED);
    (void)carry(&rules, 9600, SEED, count, &wrong);
    /* 1 - 0.99^8; the deviation is 0.0006 */
    EXPECT_NEAR(0.0772553, (double)wrong / count, 0.0024);
    EXPECT_NEAR(0.01, (double)serial.counts.flipped / (8.0 * count), 0.0003);
}

static void pauses_come_by_their_share_and_have_their_length(void)
{
    const struct wk_virtual_serial_rules rules = {.bits = 10, .gap_ppm = 50000, .gap_us = 5000};
    const int count = 100000;
    int wrong;
    const int64_t took_us = carry(&rules, 10000, SEED, count, &wrong);
    EXPECT_NEAR(0.05, (double)serial.counts.paused / count, 0.003);
    EXPECT_I64(count * INT64_C(1000) + (int64_t)serial.counts.paused * 5000, took_us);
    EXPECT_I64(0, wrong);
}

static void an_end_hears_itself_where_there_is_echo(void)
{
    const struct wk_virtual_serial_rules rules = {.bits = 10, .echo = true};
    uint8_t octet = 0;
    wk_virtual_serial_init(&serial, &rules, 10000, SEED);
    EXPECT_OK(wk_virtual_serial_send(&serial, 1, 0x55, 7));
    EXPECT_I64(1007, wk_virtual_serial_next_us(&serial));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_virtual_serial_receive(&serial, 1, &octet, 1006));
    for (unsigned end = 0; end < 2; end++) {
        EXPECT_OK(wk_virtual_serial_receive(&serial, end, &octet, 1007));
        EXPECT_I64(0x55, octet);
        EXPECT_ERR(WK_E_NOT_FOUND, wk_virtual_serial_receive(&serial, end, &octet, 9999));
    }
    EXPECT_I64(WK_VIRTUAL_SERIAL_NEVER, wk_virtual_serial_next_us(&serial));
}

/* Characters of 1 ms: end 0 has sent three of them at 0, end 1 one at `at_us`. */
static int collided(bool shared, int64_t at_us)
{
    const struct wk_virtual_serial_rules rules = {.bits = 10, .shared = shared};
    int wrong = 0;
    uint8_t octet;
    wk_virtual_serial_init(&serial, &rules, 10000, SEED);
    for (int i = 0; i < 3; i++) {
        wrong += wk_virtual_serial_send(&serial, 0, 0x11, 0) != WK_OK;
    }
    wrong += wk_virtual_serial_send(&serial, 1, 0x22, at_us) != WK_OK;
    while (wk_virtual_serial_receive(&serial, 1, &octet, 9999) == WK_OK) {
        wrong += octet != 0x11;
    }
    while (wk_virtual_serial_receive(&serial, 0, &octet, 9999) == WK_OK) {
        wrong += octet != 0x22;
    }
    return wrong;
}

static void what_both_send_at_a_time_is_lost_for_both(void)
{
    EXPECT_I64(3,
               collided(true, 500)); /* in the middle of the first, up to that of the second */
    EXPECT_I64(2, collided(true, 1000)); /* exactly the second */
    EXPECT_I64(2, collided(true, 2999));
    EXPECT_I64(2, serial.counts.collided);
    EXPECT_I64(0, collided(true, 3000));
    EXPECT_I64(0, collided(false, 500));
}

static void ends_of_different_rates_do_not_understand_each_other(void)
{
    const struct wk_virtual_serial_rules rules = {.bits = 10};
    uint8_t octet = 0;
    wk_virtual_serial_init(&serial, &rules, 300, SEED);
    wk_virtual_serial_set_baud(&serial, 0, 9600);
    EXPECT_OK(wk_virtual_serial_send(&serial, 0, 0x55, 0));
    EXPECT_I64(1042, wk_virtual_serial_next_us(&serial));
    EXPECT_OK(wk_virtual_serial_receive(&serial, 1, &octet, 1042));
    EXPECT(octet != 0x55);
    wk_virtual_serial_set_baud(&serial, 1, 9600);
    EXPECT_OK(wk_virtual_serial_send(&serial, 0, 0x55, 2000));
    EXPECT_OK(wk_virtual_serial_receive(&serial, 1, &octet, 4000));
    EXPECT_I64(0x55, octet);
    EXPECT_I64(1, serial.counts.mismatched);
}

static void a_full_line_takes_no_more_and_loses_nothing(void)
{
    const struct wk_virtual_serial_rules rules = {.bits = 10};
    uint8_t octet = 0;
    wk_virtual_serial_init(&serial, &rules, 9600, SEED);
    for (int i = 0; i < WK_VIRTUAL_SERIAL_OCTETS; i++) {
        EXPECT_I64(WK_VIRTUAL_SERIAL_OCTETS - i, wk_virtual_serial_room(&serial));
        EXPECT_OK(wk_virtual_serial_send(&serial, (unsigned)i % 2, (uint8_t)i, 0));
    }
    EXPECT_ERR(WK_E_FULL, wk_virtual_serial_send(&serial, 0, 1, 0));
    for (int i = 0; i < WK_VIRTUAL_SERIAL_OCTETS; i++) {
        EXPECT_OK(wk_virtual_serial_receive(&serial, (unsigned)(i + 1) % 2, &octet, 1000000));
        EXPECT_I64((uint8_t)i, octet);
    }
}

static void the_same_seed_gives_the_same_errors(void)
{
    const struct wk_virtual_serial_rules rules = {
        .bits = 10, .noise_ppm = 1000, .gap_ppm = 1000};
    int wrong[3];
    (void)carry(&rules, 9600, SEED, 100000, &wrong[0]);
    const struct wk_virtual_serial_counts first = serial.counts;
    (void)carry(&rules, 9600, SEED, 100000, &wrong[1]);
    EXPECT_I64(wrong[0], wrong[1]);
    EXPECT_BYTES(&first, &serial.counts, sizeof first);
    (void)carry(&rules, 9600, SEED + 1, 100000, &wrong[2]);
    EXPECT(memcmp(&first, &serial.counts, sizeof first) != 0);
}

WK_TEST_MAIN(T(characters_take_their_bits_by_the_rate), T(bits_flip_by_their_share),
             T(pauses_come_by_their_share_and_have_their_length),
             T(an_end_hears_itself_where_there_is_echo),
             T(what_both_send_at_a_time_is_lost_for_both),
             T(ends_of_different_rates_do_not_understand_each_other),
             T(a_full_line_takes_no_more_and_loses_nothing),
             T(the_same_seed_gives_the_same_errors))
