/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "link/world_test.h"

#define SEED UINT64_C(20261121)

/* ---- latency of alarms ------------------------------------------------------------------- */

struct latency {
    double p50_ms;
    double p99_ms;
    double bulk_bps; /* octets of records that were committed */
};

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void take_parts(int64_t *late, uint64_t count, double *p50_ms, double *p99_ms)
{
    qsort(late, count, sizeof late[0], by_value);
    *p50_ms = (double)late[count / 2] / 1e3;
    *p99_ms = (double)late[count - 1 - count / 100] / 1e3;
}

/* Alarms at random times while bulk never ends; `change` alters the line, NULL: it stays. As meters do it,
 * each is announced before it is stored: then the head-end knows it, and its record follows. */
static struct latency saturate(struct world *world, int64_t length_us, int64_t alarm_us,
                               void (*change)(struct world *, int64_t at_us))
{
    static int64_t late[100000];
    static int64_t record[100000];
    const int64_t begin = world->now_us;
    const uint64_t bulk = world->source[WORLD_BULK].committed;
    uint64_t first = world->source[WORLD_ALARM].made;
    int64_t alarm = begin + alarm_us;
    int64_t changes = begin;
    world->announces = true;
    while (world->now_us < begin + length_us) {
        struct world_source *source = &world->source[WORLD_BULK];
        while (source->made < source->committed + 200 && source->made < WORLD_RECORDS) {
            world_make(world, WORLD_BULK);
        }
        if (world->now_us >= alarm) {
            world_make(world, WORLD_ALARM);
            alarm = world->now_us + alarm_us / 2 + world_draw(world, (uint32_t)alarm_us);
        }
        if (change != NULL && world->now_us >= changes) {
            change(world, world->now_us - begin);
            changes += 100 * MS;
        }
        world_run(world, world_sooner(alarm, world->now_us + 50 * MS));
    }
    struct latency latency = {.bulk_bps = (double)(world->source[WORLD_BULK].committed - bulk) *
                                          world->source[WORLD_BULK].size * 8 * 1e6 /
                                          (double)(world->now_us - begin)};
    world_run(world, world->now_us + 5 * SECOND);
    uint64_t count = 0;
    const struct world_source *alarms = &world->source[WORLD_ALARM];
    for (; first < alarms->made && count < 100000; first++) {
        const int64_t committed_us = alarms->committed_us[first];
        const int64_t announced_us = alarms->announced_us[first];
        record[count] = committed_us == 0
                            ? INT64_MAX
                            : committed_us - world->commit_us - alarms->made_us[first];
        late[count] = announced_us == 0 ? record[count] : announced_us - alarms->made_us[first];
        count++;
    }
    double p50_ms;
    double p99_ms;
    take_parts(record, count, &p50_ms, &p99_ms);
    printf("# records of alarms: p50 %.1f ms, p99 %.1f ms\n", p50_ms, p99_ms);
    take_parts(late, count, &latency.p50_ms, &latency.p99_ms);
    return latency;
}

static struct wk_virtual_line_rules line_of(uint32_t rate_bps, int64_t delay_us, uint32_t queue)
{
    return (struct wk_virtual_line_rules){
        .rate_bps = rate_bps, .delay_us = delay_us, .queue_octets = queue, .overhead = 28};
}

/* A line that carries bulk all the time, at a rate that nobody told. */
static struct latency measure(const struct wk_virtual_line_rules *line, int64_t length_us,
                              void (*change)(struct world *, int64_t at_us))
{
    struct world *world = world_new(SEED, 1, line, NULL, NULL);
    world_run(world, world->now_us + SECOND);
    saturate(world, 10 * SECOND, SECOND, NULL);
    const struct latency latency = saturate(world, length_us, 400 * MS, change);
    world_free(world);
    return latency;
}

#define FIGURE_LATENCY(name, latency, p50_most, p99_most, rate)                                \
    do {                                                                                       \
        WK_TEST_FIGURE("alarm on a saturated " name ", p50", (latency).p50_ms, "ms",           \
                       "<= " #p50_most, (latency).p50_ms <= (p50_most), SEED);                 \
        WK_TEST_FIGURE("alarm on a saturated " name ", p99", (latency).p99_ms, "ms",           \
                       "<= " #p99_most, (latency).p99_ms <= (p99_most), SEED);                 \
        WK_TEST_FIGURE("bulk beside alarms, " name, (latency).bulk_bps * 100 / (rate),         \
                       "% of line", ">= 75", (latency).bulk_bps * 100 / (rate) >= 75, SEED);   \
    } while (0)

static const uint32_t changing[] = {64000, 40000, 96000, 64000, 128000, 48000};

static void alter(struct world *world, int64_t at_us)
{
    world->up[0].rules.rate_bps = changing[at_us / (20 * SECOND) % 6];
}

static void an_alarm_waits_for_one_packet_on_a_saturated_line_of_64_kbit(void)
{
    const struct wk_virtual_line_rules line = line_of(64000, 25 * MS, 16384);
    const struct latency steady = measure(&line, 600 * SECOND, NULL);
    FIGURE_LATENCY("64 kbit/s", steady, 80, 150, 64000);
    const struct latency moving = measure(&line, 600 * SECOND, alter);
    FIGURE_LATENCY("line of 40 to 128 kbit/s", moving, 80, 150, 73333);
}

static void an_alarm_waits_for_one_packet_on_a_saturated_line_of_1_mbit(void)
{
    const struct wk_virtual_line_rules line = line_of(1000000, 25 * MS, 65536);
    const struct latency steady = measure(&line, 200 * SECOND, NULL);
    FIGURE_LATENCY("1 Mbit/s", steady, 30, 50, 1000000);
}

static void an_alarm_is_quick_on_a_local_network(void)
{
    const struct wk_virtual_line_rules line = line_of(10000000, 5 * MS, 262144);
    const struct latency steady = measure(&line, 100 * SECOND, NULL);
    WK_TEST_FIGURE("alarm on a saturated LAN of 10 Mbit/s, p99", steady.p99_ms, "ms", "<= 20",
                   steady.p99_ms <= 20, SEED);
}

/* ---- commands ---------------------------------------------------------------------------- */

static void keep_bulk_going(struct world *world)
{
    struct world_source *source = &world->source[WORLD_BULK];
    while (source->made < source->committed + 200 && source->made < WORLD_RECORDS) {
        world_make(world, WORLD_BULK);
    }
}

/* One question and its answer, both as long as they may be; microseconds. */
static int64_t converse(struct world *world)
{
    static const uint8_t k_answer[WK_LINK_TALK] = {[WK_LINK_TALK - 1] = 'z'};
    const int64_t begin_us = world->now_us;
    world->asked = false;
    world->answered_us = 0;
    if (wk_link_receiver_say(&world->receiver, 5, wk_bytes_in_of("ask", 3)) != WK_OK) {
        return INT64_MAX;
    }
    while (world->answered_us == 0 && world->now_us < begin_us + 5 * SECOND) {
        keep_bulk_going(world);
        world_run(world, world->now_us + MS);
        if (world->asked &&
            wk_link_sender_say(&world->sender, 5, wk_bytes_in_of(k_answer, sizeof k_answer)) !=
                WK_OK) {
            return INT64_MAX;
        }
        world->asked = false;
    }
    return world->answered_us == 0 ? INT64_MAX : world->answered_us - begin_us;
}

static void a_command_and_its_answer_pass_the_bulk(void)
{
    static int64_t took[400];
    const struct wk_virtual_line_rules line = line_of(64000, 25 * MS, 16384);
    struct world *world = world_new(SEED, 1, &line, NULL, NULL);
    EXPECT_ERR(WK_E_CLOSED,
               wk_link_receiver_say(&world->receiver, 5, wk_bytes_in_of("ask", 3)));
    world_run(world, world->now_us + SECOND);
    saturate(world, 10 * SECOND, SECOND, NULL);
    for (size_t n = 0; n < 400; n++) {
        took[n] = converse(world);
        keep_bulk_going(world);
        world_run(world, world->now_us + 100 * MS + world_draw(world, 100 * MS));
    }
    EXPECT(!world->wrong);
    qsort(took, 400, sizeof took[0], by_value);
    const double p99_ms = (double)took[395] / 1e3;
    /* there and back 50, two packets of the line's 31 each: the one that goes and its own */
    WK_TEST_FIGURE("command and its answer on a saturated 64 kbit/s, p99", p99_ms, "ms",
                   "<= 150", p99_ms <= 150, SEED);
    const uint8_t octets[WK_LINK_TALK + 1] = {0};
    EXPECT_ERR(WK_E_FULL,
               wk_link_sender_say(&world->sender, 5, wk_bytes_in_of(octets, sizeof octets)));
    EXPECT_ERR(WK_E_FULL, wk_link_receiver_say(&world->receiver, 5,
                                               wk_bytes_in_of(octets, sizeof octets)));
    for (int n = 0; n < WK_LINK_SAID; n++) {
        EXPECT_OK(wk_link_sender_say(&world->sender, 5, wk_bytes_in_of(octets, 10)));
    }
    EXPECT_ERR(WK_E_BUSY, wk_link_sender_say(&world->sender, 5, wk_bytes_in_of(octets, 10)));
    world_free(world);
}

static void either_end_tries_a_path_by_an_echo(void)
{
    const struct wk_virtual_line_rules line = line_of(64000, 25 * MS, 16384);
    struct world *world = world_new(SEED, 1, &line, NULL, NULL);
    EXPECT_ERR(WK_E_CLOSED, wk_link_sender_echo(&world->sender, 0, 7, 10, world->now_us));
    EXPECT_ERR(WK_E_CLOSED, wk_link_receiver_echo(&world->receiver, 0, 7, 10));
    world_run(world, world->now_us + 3 * SECOND);
    EXPECT_ERR(WK_E_FULL, wk_link_sender_echo(&world->sender, 0, 7, 0, world->now_us));
    EXPECT_ERR(WK_E_FULL, wk_link_receiver_echo(&world->receiver, 0, 7, WK_LINK_TALK + 1));
    /* 100 octets and 8 of head, 2 around, 28 of the line: 17.25 ms each way, and 25 of delay */
    int64_t begin_us = world->now_us;
    EXPECT_OK(wk_link_sender_echo(&world->sender, 0, 7, 100, begin_us));
    world_run(world, begin_us + SECOND);
    EXPECT_I64(7, world->echoed);
    EXPECT(world->answered_us - begin_us >= 84500 && world->answered_us - begin_us < 86000);
    begin_us = world->now_us;
    EXPECT_OK(wk_link_receiver_echo(&world->receiver, world->receiver.newest, 9, 100));
    world_run(world, begin_us + SECOND);
    EXPECT_I64(9, world->far_echoed);
    EXPECT(world->answered_us - begin_us >= 84500 && world->answered_us - begin_us < 86000);
    EXPECT(!world->asked);
    world_free(world);
}

/* One path takes packets of 96 octets only, the other is wide: an alarm goes by both. */
static void alarms_fit_the_narrowest_path(void)
{
    const struct wk_virtual_line_rules lines[] = {line_of(64000, 20 * MS, 16384),
                                                  line_of(64000, 20 * MS, 16384)};
    struct world *world = world_new(SEED, 2, lines, NULL, NULL);
    world->rules[1].most = 96;
    EXPECT_OK(world_restart_meter(world));
    world_run(world, world->now_us + 3 * SECOND);
    const uint64_t octets = world->sender.paths[1].counts.octets;
    const uint64_t packets = world->sender.paths[1].counts.packets;
    for (int i = 0; i < 5; i++) {
        world_make(world, WORLD_ALARM);
    }
    world_run(world, world->now_us + SECOND);
    EXPECT_I64(5, world->source[WORLD_ALARM].committed);
    const uint64_t more = world->sender.paths[1].counts.packets - packets;
    EXPECT(more >= 3 && world->sender.paths[1].counts.octets - octets <= more * (96 + 28));
    EXPECT_ERR(WK_E_FULL, wk_link_sender_echo(&world->sender, 1, 1, 90, world->now_us));
    world_free(world);
}

/* By every path, told once; before the record, which comes by itself; and nothing depends on it. */
/* A path whose time on air, or whose month, is nearly used: what is left is for what counts most. */
static void what_is_scarce_is_kept_for_alarms(void)
{
    const struct wk_virtual_line_rules line = line_of(25000, 40 * MS, 4096);
    struct world *world = world_new(SEED, 1, &line, NULL, NULL);
    world_run(world, world->now_us + SECOND);
    world->sender.paths[0].is_scarce = true;
    for (int i = 0; i < 50; i++) {
        world_make(world, WORLD_BULK);
    }
    world_run(world, world->now_us + 10 * SECOND);
    EXPECT_I64(0, world->source[WORLD_BULK].committed);
    world_make(world, WORLD_ALARM);
    world_run(world, world->now_us + SECOND);
    EXPECT_I64(1, world->source[WORLD_ALARM].committed);
    EXPECT_I64(0, world->source[WORLD_BULK].committed);
    world->sender.paths[0].is_scarce = false; /* an hour later */
    world_run(world, world->now_us + 30 * SECOND);
    EXPECT_I64(50, world->source[WORLD_BULK].committed);
    world->sender.paths[0].rules.budget = 1; /* an octet a month */
    world_make(world, WORLD_BULK);
    world_make(world, WORLD_ALARM);
    world_run(world, world->now_us + 10 * SECOND);
    EXPECT_I64(2, world->source[WORLD_ALARM].committed);
    EXPECT_I64(50, world->source[WORLD_BULK].committed);
    EXPECT(!world->wrong);
    world_free(world);
}

static void an_alarm_is_announced_before_it_is_stored(void)
{
    const struct wk_virtual_line_rules lines[] = {line_of(64000, 20 * MS, 16384),
                                                  line_of(1000000, 60 * MS, 16384)};
    uint8_t octets[WK_LINK_ANNOUNCED + 1] = {0};
    struct world *world = world_new(SEED, 2, lines, NULL, NULL);
    const struct world_source *alarms = &world->source[WORLD_ALARM];
    EXPECT_ERR(WK_E_CLOSED, wk_link_sender_announce(&world->sender, WORLD_ALARM, 0,
                                                    wk_bytes_in_of(octets, 1), world->now_us));
    world_run(world, world->now_us + 3 * SECOND);
    EXPECT_ERR(WK_E_FULL, wk_link_sender_announce(&world->sender, WORLD_ALARM, 0,
                                                  wk_bytes_in_of(octets, 0), world->now_us));
    EXPECT_ERR(WK_E_FULL,
               wk_link_sender_announce(&world->sender, WORLD_ALARM, 0,
                                       wk_bytes_in_of(octets, sizeof octets), world->now_us));
    world_announce(world, WORLD_ALARM, 0); /* the meter loses its supply before it stored it */
    int64_t begin_us = world->now_us;
    world_run(world, begin_us + SECOND);
    /* 40 octets, 8 of head, 3 around, 28 of the line: 9.875 ms, and 20 of delay */
    EXPECT(alarms->announced_us[0] - begin_us >= 29800 &&
           alarms->announced_us[0] - begin_us < 30000);
    EXPECT_I64(0, alarms->announced_twice);
    EXPECT_I64(0, alarms->committed);
    world_announce(world, WORLD_ALARM, 0); /* a copy somebody kept */
    world_run(world, world->now_us + SECOND);
    EXPECT_I64(0, alarms->announced_twice);
    EXPECT_OK(
        world_restart_meter(world)); /* it is back, and gives the number to another event */
    world_run(world, world->now_us + 3 * SECOND);
    world->announces = true;
    begin_us = world->now_us;
    world_make(world, WORLD_ALARM);
    world_run(world, begin_us + 5 * SECOND);
    EXPECT(alarms->announced_us[0] >= begin_us);
    EXPECT_I64(1, alarms->committed);
    world_announce(world, WORLD_ALARM, 0); /* of what is there already */
    world_run(world, world->now_us + SECOND);
    EXPECT_I64(1, alarms->announced_twice); /* that of the number given again */
    EXPECT(!world->wrong && world->refused == 0);
    world_free(world);
}

/* ---- what comes over --------------------------------------------------------------------- */

static int64_t worst_us(const struct world_source *source, uint64_t from, uint64_t to)
{
    int64_t worst = 0;
    for (; from < to; from++) {
        const int64_t late = source->committed_us[from] == 0
                                 ? INT64_MAX
                                 : source->committed_us[from] - source->made_us[from];
        worst = late > worst ? late : worst;
    }
    return worst;
}

/* Every record is committed once, or known as a gap. */
static bool is_whole(const struct world *world)
{
    bool whole = !world->wrong;
    for (int i = 0; i < WORLD_SOURCES; i++) {
        const struct world_source *source = &world->source[i];
        whole =
            whole && source->doubled == 0 && source->committed + source->gaps == source->made;
    }
    return whole;
}

static void a_black_hole_is_left_within_half_a_second(void)
{
    int64_t worst = 0;
    int64_t alarms = 0;
    for (uint64_t run = 0; run < 20; run++) {
        const struct wk_virtual_line_rules lines[] = {line_of(1000000, 25 * MS, 65536),
                                                      line_of(1000000, 60 * MS, 65536)};
        struct world *world = world_new(SEED + run, 2, lines, NULL, NULL);
        world_run(world, world->now_us + 3 * SECOND);
        const uint64_t first = world->source[WORLD_BILLING].made;
        for (int i = 0; i < 400; i++) {
            world_make(world, WORLD_BILLING);
            if (i % 20 == 0) {
                world_make(world, WORLD_ALARM);
            }
            if (i == 160) {
                world_run(world, world->now_us + (int64_t)world_draw(world, 50000));
                world->up[0].rules.black_hole = true;
                world->down[0].rules.black_hole = true;
            }
            world_run(world, world->now_us + 50 * MS);
        }
        world_run(world, world->now_us + 5 * SECOND);
        EXPECT(is_whole(world));
        EXPECT_I64(1, world->sender.active);
        EXPECT_I64(1, world->sender.switches);
        const int64_t late =
            worst_us(&world->source[WORLD_BILLING], first, world->source[WORLD_BILLING].made);
        const int64_t alarm =
            worst_us(&world->source[WORLD_ALARM], 0, world->source[WORLD_ALARM].made);
        worst = late > worst ? late : worst;
        alarms = alarm > alarms ? alarm : alarms;
        world_free(world);
    }
    WK_TEST_FIGURE("primary path black-holed, worst of 20", (double)worst / 1e6, "s", "<= 0.5",
                   worst <= SECOND / 2, SEED);
    WK_TEST_FIGURE("alarm while the primary path is lost, worst", (double)alarms / 1e3, "ms",
                   "<= 100", alarms <= 100 * MS, SEED);
}

static void a_path_that_flaps_is_not_followed(void)
{
    const struct wk_virtual_line_rules lines[] = {line_of(1000000, 10 * MS, 65536),
                                                  line_of(64000, 60 * MS, 16384)};
    struct world *world = world_new(SEED, 2, lines, NULL, NULL);
    uint32_t before = 0;
    uint32_t most = 0;
    world_run(world, world->now_us + 3 * SECOND);
    for (int minute = 0; minute < 180; minute++) {
        for (int i = 0; i < 60; i++) {
            const bool gone = i / 7 % 2 == 1;
            world->up[0].rules.black_hole = gone;
            world->down[0].rules.black_hole = gone;
            world_make(world, WORLD_PROFILE);
            world_run(world, world->now_us + SECOND);
        }
        const uint32_t switches = world->sender.switches - before;
        most = switches > most ? switches : most;
        before = world->sender.switches;
    }
    world_run(world, world->now_us + 10 * SECOND);
    EXPECT(is_whole(world));
    const struct world_source *source = &world->source[WORLD_PROFILE];
    const int64_t worst = worst_us(source, 0, source->made);
    WK_TEST_FIGURE("switches a minute beside a path that flaps, most", (double)most, "", "<= 1",
                   most <= 1, SEED);
    WK_TEST_FIGURE("profile beside a path that flaps, worst", (double)worst / 1e6, "s", "<= 1",
                   worst <= SECOND, SEED);
    world_free(world);
}

static void a_path_that_is_better_again_is_taken_back(void)
{
    const struct wk_virtual_line_rules lines[] = {line_of(1000000, 10 * MS, 65536),
                                                  line_of(64000, 160 * MS, 16384)};
    struct world *world = world_new(SEED, 2, lines, NULL, NULL);
    world->config.paths = world->rules;
    world->rules[1].cost = 20;
    EXPECT_OK(world_restart_meter(world));
    world_run(world, world->now_us + 3 * SECOND);
    EXPECT_I64(0, world->sender.active);
    world->up[0].rules.black_hole = true;
    world_make(world, WORLD_PROFILE);
    world_run(world, world->now_us + 20 * SECOND);
    EXPECT_I64(1, world->sender.active);
    world->up[0].rules.black_hole = false;
    world_run(world, world->now_us + 20 * SECOND);
    EXPECT_I64(1, world->sender.active);
    world_run(world, world->now_us + 120 * SECOND);
    EXPECT_I64(0, world->sender.active);
    EXPECT(is_whole(world));
    world_free(world);
}

static void a_week_without_a_path_is_made_up_for(void)
{
    const struct wk_virtual_line_rules line = line_of(64000, 50 * MS, 16384);
    struct world *world = world_new(SEED, 1, &line, NULL, NULL);
    world_run(world, world->now_us + 3 * SECOND);
    world->up[0].rules.black_hole = true;
    for (int quarter = 0; quarter < 672; quarter++) {
        world_make(world, WORLD_PROFILE);
        if (quarter % 96 == 0) {
            world_make(world, WORLD_BILLING);
            world_make(world, WORLD_ALARM);
        }
        world_run(world, world->now_us + 900 * SECOND);
    }
    EXPECT_I64(0, world->source[WORLD_PROFILE].committed);
    world->up[0].rules.black_hole = false;
    const int64_t back = world->now_us;
    while (!is_whole(world) && world->now_us < back + 600 * SECOND) {
        world_run(world, world->now_us + SECOND);
    }
    EXPECT(is_whole(world));
    WK_TEST_FIGURE("a week of quarter hours made up for at 64 kbit/s",
                   (double)(world->now_us - back) / 1e6, "s", "<= 120",
                   world->now_us - back <= 120 * SECOND, SEED);
    world_free(world);
}

/* Everything at once: bursts of loss both ways, a head-end that dies with what it had not
 * committed, a meter that starts anew. */
static wk_err somebody_dies(struct world *world)
{
    const uint32_t who = world_draw(world, 3);
    if (who == 0) {
        world_restart_far(world);
    } else if (who == 1) {
        return world_restart_meter(world);
    } else {
        world->waiting = 0; /* the database died: its transaction is undone */
        wk_link_receiver_failed(&world->receiver);
    }
    return WK_OK;
}

static void nothing_is_lost_or_doubled_whoever_dies(void)
{
    struct wk_virtual_line_rules line = line_of(256000, 30 * MS, 16384);
    line.to_bad_ppm = 20000;
    line.to_good_ppm = 200000;
    line.loss_bad_ppm = 600000;
    line.loss_good_ppm = 10000;
    const struct wk_virtual_line_rules lines[] = {line, line};
    struct world *world = world_new(SEED, 2, lines, NULL, NULL);
    world->commit_us = 40 * MS;
    world->announces = true;
    uint32_t deaths = 0;
    printf("# seed %llu\n", (unsigned long long)SEED);
    for (int i = 0; i < 30000; i++) {
        world_make(world, (uint8_t)world_draw(world, 3));
        if (i % 20 == 0) {
            world_make(world, WORLD_BULK);
        }
        if (world_draw(world, 80) == 0) {
            deaths++;
            EXPECT_OK(somebody_dies(world));
        }
        world_run(world, world->now_us + 20 * MS);
    }
    world_run(world, world->now_us + 300 * SECOND);
    EXPECT(!world->wrong);
    EXPECT(is_whole(world));
    WK_TEST_FIGURE("deaths of meter, head-end and database, nothing lost or doubled",
                   (double)deaths, "", ">= 300", deaths >= 300, SEED);
    world_free(world);
}

static void what_was_overwritten_or_cannot_be_read_is_a_gap(void)
{
    const struct wk_virtual_line_rules line = line_of(64000, 20 * MS, 16384);
    struct world *world = world_new(SEED, 1, &line, NULL, NULL);
    struct world_source *source = &world->source[WORLD_PROFILE];
    for (int i = 0; i < 1000; i++) {
        world_make(world, WORLD_PROFILE);
    }
    source->oldest = 700;
    source->corrupt = 800;
    world_run(world, world->now_us + 60 * SECOND);
    EXPECT(is_whole(world));
    EXPECT_I64(701, source->gaps);
    EXPECT_I64(299, source->committed);
    source->size = WK_LINK_RECORD + 1;
    world_make(world, WORLD_PROFILE);
    world_run(world, world->now_us + 60 * SECOND);
    EXPECT_I64(702, source->gaps);
    EXPECT_I64(299, source->committed);
    world_free(world);
}

/* Its modem sleeps: what is made waits, an alarm asks for it to be woken, and then all of it goes on. */
static void a_path_that_rests_goes_on_without_a_new_session(void)
{
    const struct wk_virtual_line_rules line = line_of(64000, 100 * MS, 16384);
    struct world *world = world_new(SEED, 1, &line, NULL, NULL);
    const struct wk_link_path *path = &world->sender.paths[0];
    world_make(world, WORLD_PROFILE);
    world_run(world, world->now_us + 10 * SECOND);
    EXPECT(is_whole(world));
    const uint32_t hellos = path->counts.hellos;
    const uint64_t packets = path->counts.packets;
    wk_link_sender_rest(&world->sender, 0, true, world->now_us);
    world_make(world, WORLD_PROFILE);
    world_run(world, world->now_us + 3600 * SECOND);
    EXPECT_I64(WK_LINK_RESTING, path->state);
    EXPECT_I64(packets, path->counts.packets);
    EXPECT(!wk_link_sender_is_urgent(&world->sender));
    world_make(world, WORLD_ALARM);
    world_run(world, world->now_us + SECOND);
    EXPECT(wk_link_sender_is_urgent(&world->sender));
    wk_link_sender_rest(&world->sender, 0, false, world->now_us);
    world_run(world, world->now_us + 5 * SECOND);
    EXPECT(is_whole(world));
    EXPECT(!wk_link_sender_is_urgent(&world->sender));
    EXPECT_I64(hellos, path->counts.hellos);
    EXPECT_I64(0, path->counts.suspected);
    wk_link_sender_rest(&world->sender, 0, true, world->now_us);
    wk_link_sender_carry(&world->sender, 0, false, world->now_us);
    wk_link_sender_rest(&world->sender, 0, false, world->now_us);
    EXPECT_I64(WK_LINK_DOWN, path->state); /* waking does not make a path work */
    world_free(world);
}

/* Service is that the record of every minute is there within two: fades of up to 100 s take both paths
 * away for 0.7 % of the time, and that alone would be too much. */
static void two_paths_of_97_percent_serve_999_of_1000_minutes(void)
{
    const struct wk_virtual_line_rules lines[] = {line_of(256000, 30 * MS, 16384),
                                                  line_of(64000, 100 * MS, 16384)};
    struct world *world = world_new(SEED, 2, lines, NULL, NULL);
    int64_t until[3] = {0, 0, 0}; /* fades of each path, and of both */
    int64_t down[2] = {0, 0};
    int64_t both = 0;
    const int64_t month = 30 * 24 * 3600;
    world_run(world, world->now_us + 3 * SECOND);
    for (int64_t second = 0; second < month; second++) {
        for (int i = 0; i < 3; i++) {
            /* a fade lasts a minute on average; a fifth of the time down is down together */
            const uint32_t per_million = i < 2 ? 412 : 103;
            if (until[i] <= second && world_draw(world, 1000000) < per_million) {
                until[i] = second + 20 + world_draw(world, 81);
            }
        }
        const bool gone[2] = {until[0] > second || until[2] > second,
                              until[1] > second || until[2] > second};
        for (int i = 0; i < 2; i++) {
            world->up[i].rules.black_hole = gone[i];
            world->down[i].rules.black_hole = gone[i];
            down[i] += gone[i];
        }
        both += gone[0] && gone[1];
        if (second % 60 == 0) {
            world_make(world, WORLD_PROFILE);
        }
        world_run(world, world->now_us + SECOND);
    }
    world_run(world, world->now_us + 300 * SECOND);
    EXPECT(is_whole(world));
    const struct world_source *source = &world->source[WORLD_PROFILE];
    uint64_t served = 0;
    for (uint64_t n = 0; n < source->made; n++) {
        served += source->committed_us[n] - source->made_us[n] <= 120 * SECOND;
    }
    const double share = (double)served * 100 / (double)source->made;
    printf("# paths %.2f %% and %.2f %%, both down %.3f %% of a month\n",
           100 - (double)down[0] * 100 / (double)month,
           100 - (double)down[1] * 100 / (double)month, (double)both * 100 / (double)month);
    WK_TEST_FIGURE(
        "records of a minute there within two, paths of 97 %, correlated fades, a month", share,
        "%", ">= 99.9", share >= 99.9, SEED);
    world_free(world);
}

WK_TEST_MAIN(T(an_alarm_waits_for_one_packet_on_a_saturated_line_of_64_kbit),
             T(an_alarm_waits_for_one_packet_on_a_saturated_line_of_1_mbit),
             T(an_alarm_is_quick_on_a_local_network), T(a_command_and_its_answer_pass_the_bulk),
             T(either_end_tries_a_path_by_an_echo), T(alarms_fit_the_narrowest_path),
             T(what_is_scarce_is_kept_for_alarms), T(an_alarm_is_announced_before_it_is_stored),
             T(a_black_hole_is_left_within_half_a_second), T(a_path_that_flaps_is_not_followed),
             T(a_path_that_is_better_again_is_taken_back),
             T(a_week_without_a_path_is_made_up_for),
             T(nothing_is_lost_or_doubled_whoever_dies),
             T(what_was_overwritten_or_cannot_be_read_is_a_gap),
             T(a_path_that_rests_goes_on_without_a_new_session),
             T(two_paths_of_97_percent_serve_999_of_1000_minutes))
