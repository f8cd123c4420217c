/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "port/virtual/draw.h"
#include "port/virtual/line_modem.h"

#define SEED      UINT64_C(20261122)
#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define METER     0x10000002

static struct wk_virtual_line_modems modems;
static struct wk_link_line_reader reader[2];
static struct wk_line_modem_status status; /* the newest that was told */
static bool is_readable;
static uint32_t arrived[2];
static uint64_t chance = SEED;

static void begin(wk_virtual_medium_kind kind, const struct wk_virtual_medium_rules *rules,
                  uint32_t air_permille)
{
    memset(reader, 0, sizeof reader);
    memset(arrived, 0, sizeof arrived);
    wk_virtual_line_modems_init(&modems, kind, rules, air_permille, SEED);
}

/* What the hosts get. */
static void read_hosts(void)
{
    for (unsigned end = 0; end < 2; end++) {
        struct wk_virtual_line_modem *modem = &modems.end[end];
        for (size_t i = 0; i < modem->out_size; i++) {
            struct wk_link_line_frame frame;
            if (!wk_link_line_read(&reader[end], modem->out[i], &frame)) {
                continue;
            }
            if (frame.kind == WK_LINK_LINE_MODEM_TELL) {
                is_readable = wk_line_modem_status_read(frame.octets, &status) == WK_OK;
            } else {
                arrived[end]++;
            }
        }
        modem->out_size = 0;
    }
}

static void send_frame(unsigned end, uint8_t kind, const uint8_t *octets, size_t size,
                       int64_t now_us)
{
    uint8_t coded[600];
    struct wk_bytes_out out = wk_bytes_out_of(coded, sizeof coded);
    const struct wk_link_line_frame frame = {
        .kind = kind, .number = 1, .meter = METER, .octets = wk_bytes_in_of(octets, size)};
    wk_link_line_write(&out, &frame);
    wk_virtual_line_modems_take(&modems, end, coded, out.size, now_us);
    read_hosts();
}

static void send_data(unsigned end, size_t size, int64_t now_us)
{
    uint8_t octets[500];
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)wk_virtual_draw(&chance, 256);
    }
    send_frame(end, end == 0 ? WK_LINK_LINE_ASK : WK_LINK_LINE_ANSWER, octets, size, now_us);
}

static void run_until(int64_t now_us)
{
    int64_t next_us = wk_virtual_line_modems_next_us(&modems);
    while (next_us <= now_us) {
        wk_virtual_line_modems_step(&modems, next_us);
        read_hosts();
        next_us = wk_virtual_line_modems_next_us(&modems);
    }
}

static void set(uint8_t channel, uint8_t mode, uint8_t level_db, int64_t now_us)
{
    uint8_t octets[WK_LINE_MODEM_SET];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    const struct wk_line_modem_setting setting = {channel, mode, level_db};
    wk_line_modem_setting_write(&out, &setting);
    send_frame(0, WK_LINK_LINE_MODEM_ASK, octets, out.size, now_us);
}

static void ask(int64_t now_us)
{
    send_frame(0, WK_LINK_LINE_MODEM_ASK, NULL, 0, now_us);
}

static void frames_arrive_as_they_were_after_their_time_on_air(void)
{
    const struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_POWER_LINE);
    begin(WK_VIRTUAL_POWER_LINE, &rules, 0);
    run_until(SECOND_US);
    send_data(0, 200, SECOND_US);
    /* 200 and 16 octets of ROBO at 2158 bit/s, behind 20 ms of preamble and frame control */
    run_until(SECOND_US + 820000);
    EXPECT_I64(0, arrived[1]);
    run_until(SECOND_US + 830000);
    EXPECT_I64(1, arrived[1]);
    send_data(1, 10, 2 * SECOND_US);
    run_until(3 * SECOND_US);
    EXPECT_I64(1, arrived[0]);
}

static void a_modem_tells_how_it_hears_and_is_heard(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    rules.rice_db = 100;
    rules.disturber[5] = (struct wk_virtual_disturber){-60, 1000000};
    begin(WK_VIRTUAL_RADIO, &rules, 10);
    run_until(5 * SECOND_US);
    send_data(0, 20, 5 * SECOND_US);
    send_data(1, 20, 6 * SECOND_US);
    run_until(7 * SECOND_US);
    set(0, 0, 12, 7 * SECOND_US);
    send_data(0, 20, 8 * SECOND_US);
    run_until(9 * SECOND_US);
    send_data(1, 20, 9 * SECOND_US);
    run_until(10 * SECOND_US);
    ask(10 * SECOND_US);
    EXPECT(is_readable);
    EXPECT_I64(WK_LINE_MODEM_RADIO, status.medium);
    EXPECT_I64(WK_VIRTUAL_RF_CHANNELS, status.channels);
    EXPECT((status.flags & WK_LINE_MODEM_FLAG_HEARD) != 0);
    EXPECT_NEAR(10 * (14 - 31.19 - 74.3), status.near.signal_ddb, 2);
    EXPECT_I64(status.near.signal_ddb - 120, status.far.signal_ddb);
    EXPECT_I64(status.near.margin_ddb - 120, status.far.margin_ddb);
    EXPECT(status.noise_db[5] > status.noise_db[4] + 40);
    EXPECT_I64(12, status.setting.level_db);
    EXPECT_I64(25000, status.rate_bps);
}

static void both_go_to_another_channel_and_mode(void)
{
    const struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    begin(WK_VIRTUAL_RADIO, &rules, 10);
    run_until(SECOND_US);
    set(3, 1, 0, SECOND_US);
    EXPECT((status.flags & WK_LINE_MODEM_FLAG_MOVES) != 0);
    run_until(3 * SECOND_US);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_I64(3, modems.end[i].setting.channel);
        EXPECT_I64(1, modems.end[i].setting.mode);
    }
    ask(3 * SECOND_US);
    EXPECT_I64(0, status.flags & (WK_LINE_MODEM_FLAG_MOVES | WK_LINE_MODEM_FLAG_REFUSED));
    send_data(0, 50, 4 * SECOND_US);
    run_until(5 * SECOND_US);
    EXPECT_I64(1, arrived[1]);
}

static void who_is_not_heard_there_comes_back(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    rules.disturber[2] = (struct wk_virtual_disturber){-30, 1000000};
    begin(WK_VIRTUAL_RADIO, &rules, 10);
    run_until(SECOND_US);
    set(2, 0, 0, SECOND_US); /* nothing gets through there */
    run_until(20 * SECOND_US);
    ask(20 * SECOND_US);
    EXPECT((status.flags & WK_LINE_MODEM_FLAG_REFUSED) != 0);
    EXPECT_I64(0, modems.end[0].setting.channel);
    EXPECT_I64(0, modems.end[1].setting.channel);
    modems.follows = false; /* and one that must not follow stays */
    set(4, 0, 0, 21 * SECOND_US);
    run_until(40 * SECOND_US);
    ask(40 * SECOND_US);
    EXPECT((status.flags & WK_LINE_MODEM_FLAG_REFUSED) != 0);
    EXPECT_I64(0, modems.end[0].setting.channel);
    EXPECT_I64(0, modems.end[1].setting.channel);
}

/* Whatever was answered or lost in between, and from whichever channels. */
static void modems_that_lost_each_other_meet_again(void)
{
    int64_t worst_us = 0;
    for (uint8_t trial = 0; trial < 40; trial++) {
        const wk_virtual_medium_kind kind =
            trial % 2 == 0 ? WK_VIRTUAL_RADIO : WK_VIRTUAL_POWER_LINE;
        const uint8_t channels = wk_virtual_medium_channels(kind);
        struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(kind);
        rules.disturber[0] =
            (struct wk_virtual_disturber){kind == WK_VIRTUAL_RADIO ? -30 : 110, 1000000};
        begin(kind, &rules, 10);
        modems.end[0].setting.channel = (uint8_t)wk_virtual_draw(&chance, channels);
        modems.end[1].setting.channel = (uint8_t)wk_virtual_draw(&chance, channels);
        modems.end[1].setting.mode = 2;
        const int64_t begin_us = wk_virtual_draw(&chance, 1000000);
        int64_t now_us = begin_us;
        while (!(modems.end[0].has_heard && modems.end[1].has_heard &&
                 modems.end[0].setting.channel == modems.end[1].setting.channel) &&
               now_us < HOUR_US) {
            now_us += SECOND_US;
            run_until(now_us);
        }
        worst_us = now_us - begin_us > worst_us ? now_us - begin_us : worst_us;
    }
    printf("# worst of 40: %" PRId64 " s\n", worst_us / SECOND_US);
    EXPECT(worst_us < 5 * MINUTE_US);
}

/* Time on air, summed here by itself over every hour that there is. */
static void no_hour_has_more_time_on_air_than_is_allowed(void)
{
    static struct {
        int64_t at_us;
        int64_t lasted_us;
    } sent[60000];
    size_t count = 0;
    size_t first = 0;
    int64_t sum_us = 0;
    int64_t most_us = 0;
    int64_t before_us = 0;
    const struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    begin(WK_VIRTUAL_RADIO, &rules, 10);
    for (int64_t now_us = 0; now_us < 5 * HOUR_US && count < 60000; now_us += 500000) {
        if (now_us / MINUTE_US % 20 < 15) {
            send_data(0, 100 + wk_virtual_draw(&chance, 100), now_us);
        }
        run_until(now_us + 400000);
        const int64_t air_us = modems.end[0].counts.air_us;
        if (air_us > before_us) {
            sent[count].at_us = now_us;
            sent[count++].lasted_us = air_us - before_us;
            sum_us += air_us - before_us;
            before_us = air_us;
        }
        while (first < count && sent[first].at_us <= now_us - HOUR_US) {
            sum_us -= sent[first++].lasted_us;
        }
        most_us = sum_us > most_us ? sum_us : most_us;
    }
    ask(5 * HOUR_US);
    printf("# most in an hour %.2f s\n", (double)most_us / 1e6);
    EXPECT(modems.end[0].counts.refused > 0);
    EXPECT(most_us <= 36 * SECOND_US);
    EXPECT(most_us > 30 * SECOND_US); /* and it can be used */
    EXPECT(status.unsent > 0);
}

static void it_listens_before_it_talks(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    rules.disturber[0] = (struct wk_virtual_disturber){-70, 1000000};
    begin(WK_VIRTUAL_RADIO, &rules, 10);
    for (int i = 1; i <= 10; i++) {
        send_data(0, 50, i * SECOND_US);
    }
    run_until(20 * SECOND_US);
    EXPECT_I64(0, modems.end[0].counts.sent);
    EXPECT(modems.end[0].counts.blocked >= 10);
    /* both begin at once: one lets the other go first, and both arrive */
    rules.disturber[0].share_ppm = 0;
    begin(WK_VIRTUAL_RADIO, &rules, 10);
    run_until(SECOND_US);
    for (int i = 2; i < 50; i++) {
        send_data(0, 50, i * SECOND_US);
        send_data(1, 50, i * SECOND_US + 1000);
        run_until(i * SECOND_US + 500000);
    }
    EXPECT_I64(48, arrived[0]);
    EXPECT_I64(48, arrived[1]);
}

WK_TEST_MAIN(T(frames_arrive_as_they_were_after_their_time_on_air),
             T(a_modem_tells_how_it_hears_and_is_heard), T(both_go_to_another_channel_and_mode),
             T(who_is_not_heard_there_comes_back), T(modems_that_lost_each_other_meet_again),
             T(no_hour_has_more_time_on_air_than_is_allowed), T(it_listens_before_it_talks))
