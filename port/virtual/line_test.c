/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "port/virtual/line.h"

#define SEED   UINT64_C(20261121)
#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

static uint8_t memory[128 * 1024];
static uint8_t packet[WK_VIRTUAL_LINE_PACKET];

static int64_t arrival_of(struct wk_virtual_line *line, size_t length)
{
    size_t taken = 0;
    const int64_t at_us = wk_virtual_line_next_us(line);
    return wk_virtual_line_receive(line, packet, sizeof packet, &taken, at_us) == WK_OK &&
                   taken == length
               ? at_us
               : -1;
}

static void a_packet_takes_its_octets_by_the_rate_and_the_delay(void)
{
    static const struct {
        uint32_t rate_bps;
        uint32_t overhead;
        int64_t delay_us;
        size_t length;
        int64_t wanted_us; /* (length + overhead) * 8 / rate, rounded up, and the delay */
    } k_rows[] = {
        {64000, 0, 25 * MS, 168, 46000},
        {64000, 28, 0, 1000, 128500},
        {1000000, 0, 60 * MS, 1500, 72000},
        {2400, 0, 0, 1, 3334},
        {0, 28, 25 * MS, 2048, 25000},
        {1000000000, 0, 0, 1, 1},
        {300, 0, 0, WK_VIRTUAL_LINE_PACKET, 54613334},
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct wk_virtual_line line;
        const struct wk_virtual_line_rules rules = {.rate_bps = k_rows[i].rate_bps,
                                                    .overhead = k_rows[i].overhead,
                                                    .delay_us = k_rows[i].delay_us};
        size_t length;
        EXPECT_OK(wk_virtual_line_init(&line, &rules, memory, sizeof memory, SEED));
        EXPECT_OK(wk_virtual_line_send(&line, packet, k_rows[i].length, 7));
        EXPECT_ERR(WK_E_NOT_FOUND, wk_virtual_line_receive(&line, packet, sizeof packet,
                                                           &length, 6 + k_rows[i].wanted_us));
        EXPECT_I64(7 + k_rows[i].wanted_us, arrival_of(&line, k_rows[i].length));
        EXPECT_I64(WK_VIRTUAL_LINE_NEVER, wk_virtual_line_next_us(&line));
    }
}

static void packets_wait_for_each_other_and_keep_their_order(void)
{
    struct wk_virtual_line line;
    const struct wk_virtual_line_rules rules = {
        .rate_bps = 80000, .delay_us = 10 * MS, .jitter_us = 30 * MS};
    int64_t before = 0;
    EXPECT_OK(wk_virtual_line_init(&line, &rules, memory, sizeof memory, SEED));
    for (int i = 0; i < 100; i++) {
        packet[0] = (uint8_t)i;
        EXPECT_OK(wk_virtual_line_send(&line, packet, 100, 0));
    }
    for (int i = 0; i < 100; i++) {
        const int64_t at_us = arrival_of(&line, 100);
        const int64_t least_us = (i + 1) * 10 * MS + 10 * MS; /* 100 octets take 10 ms */
        EXPECT_I64(i, packet[0]);
        EXPECT(at_us >= least_us && at_us >= before);
        EXPECT(at_us <= least_us + 30 * MS || at_us == before);
        before = at_us;
    }
}

static void the_queue_drops_what_is_beyond_its_octets(void)
{
    struct wk_virtual_line line;
    const struct wk_virtual_line_rules rules = {.rate_bps = 8000, .queue_octets = 1000};
    EXPECT_OK(wk_virtual_line_init(&line, &rules, memory, sizeof memory, SEED));
    for (int i = 0; i < 20; i++) {
        EXPECT_OK(wk_virtual_line_send(&line, packet, 100, 0));
    }
    /* one is being sent, ten wait */
    EXPECT_I64(9, line.counts.overflowed);
    EXPECT_I64(1000, wk_virtual_line_waiting(&line, 0));
    /* 100 octets take 100 ms: at 350 ms three have gone, one is being sent */
    EXPECT_I64(700, wk_virtual_line_waiting(&line, 350 * MS));
    EXPECT_OK(wk_virtual_line_send(&line, packet, 301, 350 * MS));
    EXPECT_I64(10, line.counts.overflowed);
    EXPECT_OK(wk_virtual_line_send(&line, packet, 300, 350 * MS));
    EXPECT_I64(10, line.counts.overflowed);
    EXPECT_I64(1000, wk_virtual_line_waiting(&line, 350 * MS));
}

/* Sends packets one by one; counts losses and how many runs of them there are. */
static void lose(const struct wk_virtual_line_rules *rules, uint64_t seed, int count, int *lost,
                 int *runs, uint64_t *print)
{
    struct wk_virtual_line line;
    bool was_lost = false;
    *lost = 0;
    *runs = 0;
    *print = 0;
    if (wk_virtual_line_init(&line, rules, memory, sizeof memory, seed) != WK_OK) {
        return;
    }
    for (int i = 0; i < count; i++) {
        size_t length;
        const bool sent = wk_virtual_line_send(&line, packet, 10, i) == WK_OK;
        const bool is_lost =
            !sent || wk_virtual_line_receive(&line, packet, sizeof packet, &length, i) != WK_OK;
        *lost += is_lost ? 1 : 0;
        *runs += is_lost && !was_lost ? 1 : 0;
        *print = *print * UINT64_C(6364136223846793005) + (is_lost ? 3 : 1);
        was_lost = is_lost;
    }
}

static void bursts_have_the_share_and_the_length_of_the_closed_form(void)
{
    static const struct {
        double to_bad;
        double to_good;
    } k_rows[] = {{0.01, 0.2}, {0.002, 0.5}, {0.05, 0.05}, {0.3, 0.7}};
    const int count = 1000000;
    printf("# seed %llu\n", (unsigned long long)SEED);
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        const double p = k_rows[i].to_bad;
        const double r = k_rows[i].to_good;
        const struct wk_virtual_line_rules rules = {.loss_bad_ppm = 1000000,
                                                    .to_bad_ppm = (uint32_t)(p * 1e6 + 0.5),
                                                    .to_good_ppm = (uint32_t)(r * 1e6 + 0.5)};
        int lost;
        int runs;
        uint64_t print;
        lose(&rules, SEED + i, count, &lost, &runs, &print);
        /* Gilbert 1960: bad for p / (p + r), 1 / r packets at a time. 2,000 runs or more are
         * counted: the deviation of the share is 3 % at most. */
        EXPECT_NEAR(p / (p + r), (double)lost / count, 0.08 * p / (p + r));
        EXPECT_NEAR(1 / r, (double)lost / runs, 0.08 / r);
    }
}

static void losses_of_a_good_and_a_bad_line_mix_by_their_shares(void)
{
    const struct wk_virtual_line_rules rules = {.loss_good_ppm = 10000,
                                                .loss_bad_ppm = 400000,
                                                .to_bad_ppm = 50000,
                                                .to_good_ppm = 150000};
    int lost;
    int runs;
    uint64_t print;
    lose(&rules, SEED, 1000000, &lost, &runs, &print);
    EXPECT_NEAR(0.75 * 0.01 + 0.25 * 0.4, lost / 1e6, 0.003);
}

static void the_same_seed_gives_the_same_losses(void)
{
    const struct wk_virtual_line_rules rules = {
        .loss_bad_ppm = 1000000, .to_bad_ppm = 10000, .to_good_ppm = 200000};
    int lost[3];
    int runs[3];
    uint64_t print[3];
    lose(&rules, SEED, 10000, &lost[0], &runs[0], &print[0]);
    lose(&rules, SEED, 10000, &lost[1], &runs[1], &print[1]);
    lose(&rules, SEED + 1, 10000, &lost[2], &runs[2], &print[2]);
    EXPECT(lost[0] > 0 && print[0] == print[1]);
    EXPECT(print[0] != print[2]);
}

static void a_black_hole_takes_what_is_on_the_line_too(void)
{
    struct wk_virtual_line line;
    struct wk_virtual_line_rules rules = {.rate_bps = 8000};
    size_t length;
    EXPECT_OK(wk_virtual_line_init(&line, &rules, memory, sizeof memory, SEED));
    EXPECT_OK(wk_virtual_line_send(&line, packet, 100, 0));
    rules.black_hole = true;
    wk_virtual_line_set(&line, &rules);
    EXPECT_OK(wk_virtual_line_send(&line, packet, 100, 10));
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_virtual_line_receive(&line, packet, sizeof packet, &length, 10 * SECOND));
    EXPECT_I64(2, line.counts.lost);
    rules.black_hole = false;
    wk_virtual_line_set(&line, &rules);
    EXPECT_OK(wk_virtual_line_send(&line, packet, 100, 10 * SECOND));
    EXPECT_I64(10 * SECOND + 100 * MS, arrival_of(&line, 100));
}

static void arguments_that_cannot_be_are_refused(void)
{
    struct wk_virtual_line line;
    const struct wk_virtual_line_rules rules = {0};
    size_t length;
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_virtual_line_init(&line, &rules, memory, WK_VIRTUAL_LINE_PACKET, SEED));
    EXPECT_OK(wk_virtual_line_init(&line, &rules, memory, sizeof memory, SEED));
    EXPECT_ERR(WK_E_ARGUMENT, wk_virtual_line_send(&line, packet, 0, 0));
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_virtual_line_send(&line, packet, WK_VIRTUAL_LINE_PACKET + 1, 0));
    EXPECT_OK(wk_virtual_line_send(&line, packet, 11, 0));
    EXPECT_ERR(WK_E_FULL, wk_virtual_line_receive(&line, packet, 10, &length, 0));
    EXPECT_OK(wk_virtual_line_receive(&line, packet, 11, &length, 0));
}

WK_TEST_MAIN(T(a_packet_takes_its_octets_by_the_rate_and_the_delay),
             T(packets_wait_for_each_other_and_keep_their_order),
             T(the_queue_drops_what_is_beyond_its_octets),
             T(bursts_have_the_share_and_the_length_of_the_closed_form),
             T(losses_of_a_good_and_a_bad_line_mix_by_their_shares),
             T(the_same_seed_gives_the_same_losses),
             T(a_black_hole_takes_what_is_on_the_line_too),
             T(arguments_that_cannot_be_are_refused))
