/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/intake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "headend/collector.h"
#include "headend/gaps.h"
#include "headend/summary.h"
#include "headend/test_source.h"
#include "tests/wk_test.h"

static struct test_archive t;
static struct wk_registry registry;
static struct wk_registry_meter meter_row;
static struct wk_plan plan;
static struct wk_stream stream;
static struct wk_source_layout layout;
static struct wk_intake_state state;
static struct test_meter meter;
static struct wk_source source;

static void begin(int64_t clock_s, int64_t max_bytes)
{
    test_archive_open(&t, max_bytes);
    plan = test_plan();
    meter_row = (struct wk_registry_meter){.id = t.meter, .serial = "WK-1", .phases = 1};
    meter_row.installed_s = -1;
    registry = (struct wk_registry){.poll_s = 60,
                                    .retry_s = 5,
                                    .retry_max_s = 900,
                                    .open_days = 2,
                                    .gap_tries = 3,
                                    .history_days = 40,
                                    .seed = 7,
                                    .plans = 1,
                                    .plan = &plan,
                                    .meters = 1,
                                    .meter = &meter_row};
    layout = (struct wk_source_layout){0};
    state = (struct wk_intake_state){0};
    meter = test_meter_at(clock_s);
    source = test_source_of(&meter);
    if (wk_stream_init(&stream) != WK_OK) {
        abort();
    }
}

static void end(void)
{
    wk_stream_free(&stream);
    test_archive_close(&t);
}

static wk_err visit(int64_t host_s)
{
    const struct wk_intake intake = {&registry, &t.archive, &source, &stream};
    return wk_intake_visit(&intake, &meter_row, &layout, &state, host_s);
}

static bool all_agrees(int64_t until_s, int estimated)
{
    json_t *json = wk_summary_make(&t.archive, &registry, until_s);
    char *text = json_dumps(json, JSON_COMPACT);
    const json_t *row = json_array_get(json_object_get(json, "meters"), 0);
    const json_t *intervals = json_object_get(row, "intervals");
    const bool good = json_is_true(json_object_get(json, "agree")) &&
                      json_integer_value(json_object_get(intervals, "estimated")) == estimated;
    if (!good) {
        printf("# %s\n", text);
    }
    free(text);
    json_decref(json);
    return good;
}

static void a_day_is_collected_closed_and_billed(void)
{
    begin(TEST_DAY_S + WK_DAY_S + 1000, 0);
    EXPECT_OK(visit(5000));
    EXPECT_I64(WK_INTAKE_OK, state.status);
    EXPECT_I64(TEST_DAY_S + WK_DAY_S + 900, state.collected_s);
    EXPECT_I64(98, state.readings);
    EXPECT(state.supply_known && state.supply_closed);
    EXPECT(all_agrees(TEST_DAY_S + WK_DAY_S, 0));
    struct wk_archive_counts counts;
    EXPECT_OK(t.archive.counts(t.archive.self, t.meter, &counts));
    EXPECT_I64(4, counts.events);
    EXPECT_I64(0, counts.gaps + counts.exceptions);
    end();
}

static void the_next_visit_reads_only_what_is_new(void)
{
    begin(TEST_DAY_S + 40000, 0);
    EXPECT_OK(visit(5000));
    const int64_t rows = meter.profile_rows;
    meter.clock_s += 3 * TEST_PERIOD;
    EXPECT_OK(visit(5060));
    EXPECT_I64(rows + 3, meter.profile_rows);
    EXPECT_OK(visit(5120));
    EXPECT_I64(rows + 3, meter.profile_rows);
    end();
}

static void registers_of_a_hurrying_meter_are_dated_or_not_kept(void)
{
    int checked;
    bool agree;
    const int64_t to_s = TEST_DAY_S + WK_DAY_S;
    for (int64_t hurry_s = TEST_PERIOD; hurry_s <= 3 * TEST_PERIOD; hurry_s += TEST_PERIOD) {
        begin(TEST_DAY_S + 40000, 0);
        meter.hurry_s = hurry_s;
        EXPECT_OK(visit(5000));
        meter.hurry_s = 0;
        meter.clock_s = to_s + 1000;
        EXPECT_OK(visit(5060));
        EXPECT_OK(
            wk_summary_bracketed(&t.archive, t.meter, TEST_DAY_S, to_s, &checked, &agree));
        EXPECT(agree);
        EXPECT(hurry_s <= TEST_PERIOD ? checked > 0 : checked == 0);
        end();
    }
}

static void a_clock_beyond_its_limit_is_corrected_by_the_management_client(void)
{
    const int64_t now_s = TEST_DAY_S + 40000;
    static const struct {
        int64_t limit_s;
        wk_registry_role role;
        int64_t off_s;
        int64_t left_s;
    } k_cases[] = {
        {0, WK_REGISTRY_MANAGEMENT, 300, 300}, /* nobody asked for it */
        {10, WK_REGISTRY_READER, 300, 300},    /* a reader may not */
        {10, WK_REGISTRY_MANAGEMENT, 10, 10},  /* within the limit */
        {10, WK_REGISTRY_MANAGEMENT, 11, 0},      {10, WK_REGISTRY_MANAGEMENT, -11, 0},
        {10, WK_REGISTRY_MANAGEMENT, 900, 0},     {10, WK_REGISTRY_MANAGEMENT, -900, 0},
        {10, WK_REGISTRY_MANAGEMENT, 901, 901}, /* more than a meter takes */
        {10, WK_REGISTRY_MANAGEMENT, -901, -901},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        begin(now_s + k_cases[i].off_s, 0);
        registry.clock_limit_s = k_cases[i].limit_s;
        meter_row.role = k_cases[i].role;
        EXPECT_OK(visit(now_s));
        EXPECT_I64(now_s + k_cases[i].left_s, meter.clock_s);
        EXPECT_I64(k_cases[i].left_s == 0 ? 1 : 0, meter.shifts);
        end();
    }
}

static void a_line_that_breaks_anywhere_loses_nothing(void)
{
    begin(TEST_DAY_S + 2 * WK_DAY_S + 1000, 0);
    int tries = 0;
    wk_err err = WK_E_CLOSED;
    for (; err != WK_OK && tries < 100; tries++) {
        meter.fail_in = tries; /* further every time */
        err = visit(5000 + tries);
        EXPECT(err == WK_OK || err == WK_E_CLOSED);
        EXPECT(err == WK_OK || (state.status == WK_INTAKE_FAILING &&
                                strstr(state.why, "the test broke the line") != NULL));
    }
    EXPECT(err == WK_OK && tries > 8);
    EXPECT_I64(0, state.failures);
    EXPECT(all_agrees(TEST_DAY_S + 2 * WK_DAY_S, 0));
    end();
}

static void a_gap_is_asked_for_exactly_and_filled_later(void)
{
    begin(TEST_DAY_S + 50 * TEST_PERIOD, 0);
    meter.hidden_from = 20;
    meter.hidden_to = 24;
    EXPECT_OK(visit(5000));
    struct wk_gaps gaps;
    EXPECT_OK(wk_gaps_load(&t.archive, t.meter, &gaps));
    EXPECT_I64(1, gaps.count);
    EXPECT_I64(TEST_DAY_S + 21 * TEST_PERIOD, gaps.gap[0].from_s);
    EXPECT_I64(TEST_DAY_S + 25 * TEST_PERIOD, gaps.gap[0].to_s);
    EXPECT_I64(1, gaps.gap[0].tries);
    meter.hidden_to = -1;
    const int calls = meter.profile_calls;
    const int64_t rows = meter.profile_rows;
    EXPECT_OK(visit(5001)); /* too early to ask again */
    EXPECT_I64(rows, meter.profile_rows);
    EXPECT_OK(visit(gaps.gap[0].next_try_s));
    EXPECT_I64(rows + 5, meter.profile_rows);
    EXPECT(meter.profile_calls > calls);
    EXPECT_OK(wk_gaps_load(&t.archive, t.meter, &gaps));
    EXPECT_I64(0, gaps.count);
    end();
}

static void a_gap_that_stays_is_given_up_and_estimated_to_the_registers(void)
{
    begin(TEST_DAY_S + WK_DAY_S + 1000, 0);
    meter.hidden_from = 30;
    meter.hidden_to = 32;
    int64_t host_s = 5000;
    bool complete = false;
    for (int i = 0; i < 20 && !complete; i++) {
        EXPECT_OK(visit(host_s));
        host_s += 60;
        EXPECT_OK(wk_summary_complete(&t.archive, &registry, TEST_DAY_S + WK_DAY_S, &complete));
    }
    EXPECT(complete);
    EXPECT(all_agrees(TEST_DAY_S + WK_DAY_S, 4));
    meter.hidden_to = -1; /* much later the meter finds them: a raw revision */
    struct wk_reading rows[3] = {test_reading(30), test_reading(31), test_reading(32)};
    struct wk_reading_result result;
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){rows, 3}, host_s, &result));
    EXPECT_I64(3, result.late);
    EXPECT(all_agrees(TEST_DAY_S + WK_DAY_S, 0));
    end();
}

static void another_meter_at_the_address_is_refused(void)
{
    begin(TEST_DAY_S + 9000, 0);
    meter.serial = "WK-2";
    EXPECT_ERR(WK_E_STATE, visit(5000));
    EXPECT(strstr(state.why, "calls itself 'WK-2'") != NULL);
    EXPECT_I64(0, meter.profile_rows);
    end();
}

static void an_installed_meter_begins_at_zero(void)
{
    struct wk_dayblock block;
    begin(TEST_DAY_S + 9000, 0);
    meter.hidden_from = -1; /* no reading at the begin itself */
    meter.hidden_to = -1;
    meter_row.installed_s = TEST_DAY_S;
    EXPECT_OK(visit(5000));
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY, 0, &block));
    EXPECT_I64(0, block.reg_start);
    EXPECT_I64(test_reading(0).reg[WK_CHANNEL_IMPORT], block.value[0]);
    end();
}

static void a_full_disk_stops_the_intake_and_it_goes_on_when_there_is_room(void)
{
    begin(TEST_DAY_S + 12 * WK_DAY_S, 130 * 1024);
    EXPECT_ERR(WK_E_FULL, visit(5000));
    EXPECT(strncmp(state.why, "archive: ", 9) == 0);
    t.archive.close(t.archive.self);
    test_archive_reopen(&t, 0);
    EXPECT_OK(visit(5100));
    EXPECT(all_agrees(TEST_DAY_S + 11 * WK_DAY_S, 0));
    end();
}

static void pauses_double_with_jitter_and_have_a_limit(void)
{
    begin(TEST_DAY_S, 0);
    EXPECT_I64(60000, wk_intake_pause_ms(&registry, 1, 0));
    int64_t wanted_ms = 5000;
    bool differ = false;
    for (int failures = 1; failures < 20; failures++) {
        const int64_t pause_ms = wk_intake_pause_ms(&registry, 1, failures);
        EXPECT(pause_ms >= wanted_ms * 3 / 4 && pause_ms <= wanted_ms * 5 / 4);
        EXPECT_I64(pause_ms, wk_intake_pause_ms(&registry, 1, failures)); /* same seed */
        differ = differ || pause_ms != wk_intake_pause_ms(&registry, 2, failures);
        wanted_ms = wanted_ms * 2 < 900000 ? wanted_ms * 2 : 900000;
    }
    EXPECT(differ);
    end();
}

static void a_slow_listener_is_told_what_it_lost(void)
{
    struct wk_stream_message message;
    begin(TEST_DAY_S, 0);
    EXPECT_ERR(WK_E_TIMEOUT, wk_stream_wait(&stream, 0, 1, &message));
    for (int i = 0; i < WK_STREAM_ROOM + 10; i++) {
        wk_stream_publish(&stream, "test", "{\"i\":%d}", i);
    }
    EXPECT_ERR(WK_E_OVERRUN, wk_stream_wait(&stream, 0, 1, &message));
    EXPECT_I64(11, message.id);
    EXPECT_OK(wk_stream_wait(&stream, message.id, 1, &message));
    EXPECT(message.id == 12 && strcmp(message.data, "{\"i\":11}") == 0);
    wk_stream_close(&stream);
    EXPECT_ERR(WK_E_CLOSED, wk_stream_wait(&stream, message.id, 1, &message));
    end();
}

/* ---- many meters ------------------------------------------------------------------------ */

#define FLEET 60

struct shared {
    struct test_meter model;
    atomic_int visiting;
    atomic_int most;
};

struct many {
    struct test_meter meter; /* first: the functions of test_source.h see it */
    struct shared *shared;
    char serial[32];
};

static struct shared shared;

static wk_err many_open(void *self, const struct wk_registry_meter *row, uint32_t counter,
                        struct wk_source_layout *form)
{
    struct many *many = self;
    const int now = atomic_fetch_add(&many->shared->visiting, 1) + 1;
    int most = atomic_load(&many->shared->most);
    while (now > most && !atomic_compare_exchange_weak(&many->shared->most, &most, now)) {
    }
    snprintf(many->serial, sizeof many->serial, "%s", row->serial);
    many->meter.serial = many->serial;
    usleep(2000);
    return test_meter_open(self, row, counter, form);
}

static void many_close(void *self)
{
    atomic_fetch_sub(&((struct many *)self)->shared->visiting, 1);
}

static wk_err make_many(void *self, struct wk_source *out)
{
    struct many *many = calloc(1, sizeof *many);
    (void)self;
    many->meter = shared.model;
    many->shared = &shared;
    *out = test_source_of(&many->meter);
    out->open = many_open;
    out->close = many_close;
    out->destroy = free;
    return WK_OK;
}

static wk_err make_archive(void *self, struct wk_archive *archive, char why[WK_INI_WHY])
{
    (void)self;
    return test_archive_handle(&t, archive, why);
}

static void many_meters_are_visited_a_bounded_number_at_a_time(void)
{
    static struct wk_registry_meter meters[FLEET];
    const struct wk_collector_maker maker = {NULL, make_many, make_archive};
    struct wk_collector *collector = NULL;
    char why[WK_INI_WHY];
    begin(TEST_DAY_S + WK_DAY_S + 1000, 0);
    for (int i = 0; i < FLEET; i++) {
        meters[i] = (struct wk_registry_meter){.phases = 1, .installed_s = -1};
        snprintf(meters[i].serial, sizeof meters[i].serial, "WK-%d", i + 100);
        snprintf(meters[i].tenant, sizeof meters[i].tenant, "test");
    }
    registry.meter = meters;
    registry.meters = FLEET;
    registry.workers = 4;
    shared.model = meter;
    EXPECT_OK(wk_collector_start(&registry, &stream, &maker, &collector, why));
    bool complete = false;
    for (int i = 0; i < 600 && !complete; i++) {
        usleep(50000);
        EXPECT_OK(wk_summary_complete(&t.archive, &registry, TEST_DAY_S + WK_DAY_S, &complete));
    }
    EXPECT(complete);
    struct wk_intake_state seen;
    wk_collector_kick(collector, 7);
    wk_collector_state(collector, 7, &seen);
    EXPECT(seen.readings == 98 || seen.status == WK_INTAKE_NEW);
    wk_collector_stop(collector);
    EXPECT(atomic_load(&shared.most) <= 4 && atomic_load(&shared.most) >= 2);
    EXPECT_I64(0, atomic_load(&shared.visiting));
    json_t *json = wk_summary_make(&t.archive, &registry, TEST_DAY_S + WK_DAY_S);
    const bool agree = json_is_true(json_object_get(json, "agree"));
    json_decref(json);
    EXPECT(agree);
    end();
}

WK_TEST_MAIN(T(a_day_is_collected_closed_and_billed), T(the_next_visit_reads_only_what_is_new),
             T(registers_of_a_hurrying_meter_are_dated_or_not_kept),
             T(a_clock_beyond_its_limit_is_corrected_by_the_management_client),
             T(a_line_that_breaks_anywhere_loses_nothing),
             T(a_gap_is_asked_for_exactly_and_filled_later),
             T(a_gap_that_stays_is_given_up_and_estimated_to_the_registers),
             T(another_meter_at_the_address_is_refused), T(an_installed_meter_begins_at_zero),
             T(a_full_disk_stops_the_intake_and_it_goes_on_when_there_is_room),
             T(pauses_double_with_jitter_and_have_a_limit),
             T(a_slow_listener_is_told_what_it_lost),
             T(many_meters_are_visited_a_bounded_number_at_a_time))
