/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "app/lab_script.h"

static struct wk_lab_script script;
static char why[WK_LAB_WHY];

static wk_err add(const char *line)
{
    return wk_lab_script_line(&script, (struct wk_text_span){line, strlen(line)}, 5, why);
}

static void begin(void)
{
    script.count = 0;
    why[0] = '\0';
}

static void every_rule_is_understood_with_its_units(void)
{
    static const struct {
        const char *line;
        const char *said; /* by wk_lab_script_print */
        int64_t at_us;
        struct wk_virtual_line_rules rules;
    } k_rows[] = {
        {"rate 64k", "rate 64000", 5, {.rate_bps = 64000}},
        {"rate 1.5M", "rate 1500000", 5, {.rate_bps = 1500000}},
        {"  at 20s\trate 40k  # less", "rate 40000", 20000000, {.rate_bps = 40000}},
        {"delay 25ms", "delay 25000us", 5, {.delay_us = 25000}},
        {"at 2min delay 0.5s", "delay 500000us", 120000000, {.delay_us = 500000}},
        {"jitter 800us", "jitter 800us", 5, {.jitter_us = 800}},
        {"to-left queue 16k", "to-left queue 16384", 5, {.queue_octets = 16384}},
        {"at 1s to-right overhead 28", "to-right overhead 28", 1000000, {.overhead = 28}},
        {"loss 0.5%",
         "loss 0.5% burst 1",
         5,
         {.loss_good_ppm = 5000, .loss_bad_ppm = 5000, .to_good_ppm = 1000000}},
        /* bad for a tenth of the time, and leaves it at every fifth packet: 0.2 * 0.1 / 0.9 */
        {"loss 10% burst 5",
         "loss 10% burst 5",
         5,
         {.loss_bad_ppm = 1000000, .to_good_ppm = 200000, .to_bad_ppm = 22222}},
        {"black-hole on", "black-hole on", 5, {.black_hole = true}},
        {"black-hole off", "black-hole off", 5, {.black_hole = false}},
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct wk_lab_change change = {0};
        struct wk_virtual_line_rules rules = {0};
        char said[WK_LAB_WHY];
        begin();
        EXPECT_OK(add(k_rows[i].line));
        EXPECT_I64(k_rows[i].at_us, wk_lab_script_next_us(&script));
        EXPECT(!wk_lab_script_take(&script, k_rows[i].at_us - 1, &change));
        EXPECT(wk_lab_script_take(&script, k_rows[i].at_us, &change));
        wk_lab_script_print(&change, said, sizeof said);
        EXPECT(strcmp(said, k_rows[i].said) == 0);
        wk_lab_script_apply(&change, &rules);
        EXPECT_BYTES(&k_rows[i].rules, &rules, sizeof rules);
        EXPECT_I64(WK_LAB_NEVER, wk_lab_script_next_us(&script));
    }
}

static void changes_come_by_their_time_then_as_written(void)
{
    static const char k_text[] = "at 20s rate 2\r\n\n# at 1s rate 9\nat 10s rate 1\n"
                                 "black-hole 8s-20s\nat 20s rate 3";
    static const struct {
        int64_t at_us;
        wk_lab_rule rule;
        int64_t value;
    } k_wanted[] = {{8000000, WK_LAB_BLACK_HOLE, 1},
                    {10000000, WK_LAB_RATE, 1},
                    {20000000, WK_LAB_RATE, 2},
                    {20000000, WK_LAB_BLACK_HOLE, 0},
                    {20000000, WK_LAB_RATE, 3}};
    struct wk_lab_change change;
    begin();
    EXPECT_OK(wk_lab_script_text(&script, k_text, sizeof k_text - 1, why));
    EXPECT_I64(sizeof k_wanted / sizeof k_wanted[0], script.count);
    for (size_t i = 0; i < sizeof k_wanted / sizeof k_wanted[0]; i++) {
        EXPECT(wk_lab_script_take(&script, 30000000, &change));
        EXPECT_I64(k_wanted[i].at_us, change.at_us);
        EXPECT_I64(k_wanted[i].rule, change.rule);
        EXPECT_I64(k_wanted[i].value, change.value);
    }
    EXPECT(!wk_lab_script_take(&script, INT64_MAX - 1, &change));
}

static void what_is_wrong_is_named_and_adds_nothing(void)
{
    static const struct {
        const char *line;
        wk_err err;
        const char *names;
    } k_rows[] = {
        {"speed 64k", WK_E_FORMAT, "rule \"speed\""},
        {"at 20s", WK_E_FORMAT, "rule \"\""},
        {"at rate 5", WK_E_FORMAT, "at \"rate\""},
        {"rate", WK_E_FORMAT, "rate \"\" must be bits per second"},
        {"rate 64kbit", WK_E_FORMAT, "rate \"64kbit\""},
        {"rate -1", WK_E_FORMAT, "rate \"-1\""},
        {"rate 1.2.3", WK_E_FORMAT, "rate \"1.2.3\""},
        {"rate 5000M", WK_E_RANGE, "rate \"5000M\" is too much"},
        {"delay 25", WK_E_FORMAT, "delay \"25\" must be a time"},
        {"delay 11min", WK_E_RANGE, "delay \"11min\" is too much"},
        {"queue 16K", WK_E_FORMAT, "queue \"16K\""},
        {"loss 1", WK_E_FORMAT, "loss \"1\" must be a share"},
        {"loss 101%", WK_E_RANGE, "loss \"101%\""},
        {"loss 1% often", WK_E_FORMAT, "burst PACKETS"},
        {"loss 1% burst 0.5", WK_E_FORMAT, "burst \"0.5\""},
        {"loss 90% burst 2", WK_E_RANGE, "too short"},
        {"loss 100% burst 2", WK_E_RANGE, "too short"},
        {"loss 0.0001% burst 900", WK_E_RANGE, "too long"},
        {"black-hole", WK_E_FORMAT, "black-hole \"\""},
        {"black-hole 20s-8s", WK_E_FORMAT, "black-hole \"20s-8s\""},
        {"black-hole 8s", WK_E_FORMAT, "black-hole \"8s\""},
        {"black-hole 1s-2s-3s", WK_E_FORMAT, "black-hole"},
        {"rate 64k now", WK_E_FORMAT, "\"now\" must be left out"},
        {"to-middle rate 64k", WK_E_FORMAT, "rule \"to-middle\""},
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        begin();
        EXPECT_ERR(k_rows[i].err, add(k_rows[i].line));
        if (strstr(why, k_rows[i].names) == NULL) {
            WK_TEST_FAIL_("%s: %s", k_rows[i].line, why);
        }
        EXPECT_I64(0, script.count);
    }
    EXPECT_ERR(WK_E_FORMAT, wk_lab_script_text(&script, "rate 1\nrate x\n", 14, why));
    EXPECT(strncmp(why, "line 2: rate \"x\"", 16) == 0);
}

static void a_full_script_takes_no_more_and_keeps_what_it_has(void)
{
    begin();
    for (int i = 0; i < WK_LAB_CHANGES - 1; i++) {
        EXPECT_OK(add("rate 1"));
    }
    EXPECT_ERR(WK_E_FULL, add("black-hole 1s-2s"));
    EXPECT_I64(WK_LAB_CHANGES - 1, script.count);
    EXPECT_OK(add("rate 1"));
    EXPECT_ERR(WK_E_FULL, add("rate 1"));
}

static void any_octets_give_a_value_or_an_error(void)
{
    static const char k_signs[] = "atrekdly-% .0189smuqbo#\"\xff";
    uint32_t chance = 20261121;
    printf("# seed %u\n", chance);
    for (int n = 0; n < 200000; n++) {
        char line[24];
        const size_t size = (chance >> 8) % sizeof line;
        for (size_t i = 0; i < size; i++) {
            chance = chance * UINT32_C(1664525) + UINT32_C(1013904223);
            line[i] = k_signs[(chance >> 16) % (sizeof k_signs - 1)];
        }
        begin();
        const size_t before = script.count;
        const wk_err err =
            wk_lab_script_line(&script, (struct wk_text_span){line, size}, 0, why);
        EXPECT(err == WK_OK || script.count == before);
        chance = chance * UINT32_C(1664525) + UINT32_C(1013904223);
    }
}

WK_TEST_MAIN(T(every_rule_is_understood_with_its_units),
             T(changes_come_by_their_time_then_as_written),
             T(what_is_wrong_is_named_and_adds_nothing),
             T(a_full_script_takes_no_more_and_keeps_what_it_has),
             T(any_octets_give_a_value_or_an_error))
