/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "link/line.h"
#include "link/line_modem.h"
#include "port/virtual/draw.h"
#include "port/virtual/line_modem.h"

#define SEED      UINT64_C(20261123)
#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define METER     0x10000002
#define ROOM      600
#define SEEDS     100

/* A meter that asks every few seconds, both modems, and a head-end that answers. */
static struct wk_virtual_line_modems modems;
static struct wk_line_modem modem;
static struct wk_link_line_reader reader[2];
static int64_t now_us;
static int64_t asked_us;
static int64_t every_us; /* a question */
static bool awaits;
static bool head_end_runs;
static uint32_t asked;
static uint32_t answered;
static uint8_t channels_seen; /* bits */

static void give(unsigned end, uint8_t kind, size_t size)
{
    static const uint8_t k_octets[200];
    uint8_t coded[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(coded, sizeof coded);
    const struct wk_link_line_frame frame = {
        .kind = kind, .meter = METER, .octets = wk_bytes_in_of(k_octets, size)};
    wk_link_line_write(&out, &frame);
    wk_virtual_line_modems_take(&modems, end, coded, out.size, now_us);
}

static void take(unsigned end)
{
    uint8_t octets[WK_VIRTUAL_LINE_MODEM_OUT];
    const size_t size = modems.end[end].out_size;
    memcpy(octets, modems.end[end].out, size);
    modems.end[end].out_size = 0;
    for (size_t i = 0; i < size; i++) {
        struct wk_link_line_frame frame;
        if (!wk_link_line_read(&reader[end], octets[i], &frame)) {
            continue;
        }
        if (frame.kind == WK_LINK_LINE_MODEM_TELL) {
            (void)wk_line_modem_take(&modem, frame.octets, now_us);
        } else if (frame.kind == WK_LINK_LINE_ASK && head_end_runs) {
            give(1, WK_LINK_LINE_ANSWER, 40);
        } else if (frame.kind == WK_LINK_LINE_ANSWER && awaits) {
            awaits = false;
            answered++;
            wk_line_modem_count(&modem, true);
        }
    }
}

static void begin(wk_virtual_medium_kind kind, const struct wk_virtual_medium_rules *rules,
                  bool adapts)
{
    now_us = SECOND_US;
    asked_us = 0;
    every_us = 10 * SECOND_US;
    awaits = false;
    head_end_runs = true;
    channels_seen = 0;
    memset(reader, 0, sizeof reader);
    wk_virtual_line_modems_init(&modems, kind, rules, kind == WK_VIRTUAL_RADIO ? 10 : 0, SEED);
    wk_line_modem_init(&modem, &(struct wk_line_modem_rules){.adapts = adapts}, now_us);
}

/* A hundred steps from a question to the next. */
static void run_for(int64_t span_us)
{
    const int64_t until_us = now_us + span_us;
    asked = 0;
    answered = 0;
    while (now_us < until_us) {
        now_us += every_us / 100;
        wk_virtual_line_modems_step(&modems, now_us);
        if (wk_line_modem_due_us(&modem) <= now_us) {
            uint8_t octets[64];
            struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
            wk_line_modem_ask(&modem, now_us, &out);
            wk_virtual_line_modems_take(&modems, 0, octets, out.size, now_us);
        }
        if (now_us - asked_us >= every_us) {
            if (awaits) {
                wk_line_modem_count(&modem, false);
            }
            awaits = true;
            asked++;
            asked_us = now_us;
            give(0, WK_LINK_LINE_ASK, 150);
        }
        take(1);
        take(0);
        channels_seen |= (uint8_t)(1U << modems.end[0].setting.channel);
    }
}

static void a_status_and_a_setting_come_back(void)
{
    uint8_t octets[WK_LINE_MODEM_TOLD];
    uint8_t written[WK_LINE_MODEM_TOLD];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    struct wk_line_modem_status got;
    struct wk_line_modem_setting setting = {2, 1, 12};
    struct wk_line_modem_status status = {
        .medium = WK_LINE_MODEM_RADIO,
        .channels = 16,
        .modes = 3,
        .lowest_db = 30,
        .flags = WK_LINE_MODEM_FLAG_HEARD,
        .air_percent = 7,
        .setting = setting,
        .near = {-951, -1140, 123},
        .far = {WK_LINE_MODEM_UNKNOWN, WK_LINE_MODEM_UNKNOWN, WK_LINE_MODEM_UNKNOWN},
        .rate_bps = 25000,
        .heard = 5,
        .unsent = 6,
        .noise_db = {-114, -60, WK_LINE_MODEM_NOISE_UNKNOWN}};
    wk_line_modem_status_write(&out, &status);
    EXPECT_OK(out.fault);
    EXPECT_I64(WK_LINE_MODEM_TOLD, out.size);
    EXPECT_OK(wk_line_modem_status_read(wk_bytes_in_of(octets, out.size), &got));
    struct wk_bytes_out again = wk_bytes_out_of(written, sizeof written);
    wk_line_modem_status_write(&again, &got);
    EXPECT_BYTES(octets, written, sizeof written);
    EXPECT(got.near.signal_ddb == -951 && got.far.margin_ddb == WK_LINE_MODEM_UNKNOWN &&
           got.noise_db[1] == -60 && got.setting.level_db == 12);
    for (size_t size = 0; size < 34; size++) { /* the noise may be missing */
        EXPECT_ERR(WK_E_SHORT, wk_line_modem_status_read(wk_bytes_in_of(octets, size), &got));
    }
    octets[2] = 16; /* there is no such channel */
    EXPECT_ERR(WK_E_FORMAT, wk_line_modem_status_read(wk_bytes_in_of(octets, out.size), &got));
    octets[0] = 2;
    EXPECT_ERR(WK_E_FORMAT, wk_line_modem_status_read(wk_bytes_in_of(octets, out.size), &got));
    out.size = 0;
    wk_line_modem_setting_write(&out, &setting);
    memset(&setting, 0, sizeof setting);
    EXPECT_OK(wk_line_modem_setting_read(wk_bytes_in_of(octets, WK_LINE_MODEM_SET), &setting));
    EXPECT(setting.channel == 2 && setting.mode == 1 && setting.level_db == 12);
    EXPECT_ERR(WK_E_SHORT, wk_line_modem_setting_read(wk_bytes_in_of(octets, 3), &setting));
}

static void a_disturbed_channel_is_left(void)
{
    for (int kind = WK_VIRTUAL_POWER_LINE; kind <= WK_VIRTUAL_RADIO; kind++) {
        const bool is_radio = kind == WK_VIRTUAL_RADIO;
        struct wk_virtual_medium_rules rules =
            wk_virtual_medium_usual((wk_virtual_medium_kind)kind);
        begin((wk_virtual_medium_kind)kind, &rules, true);
        run_for(5 * MINUTE_US);
        EXPECT_I64(0, modem.status.setting.channel);
        EXPECT(asked - answered <= 2);
        modems.medium.rules.disturber[0] =
            (struct wk_virtual_disturber){is_radio ? -75 : 55, is_radio ? 200000 : 1000000};
        const int64_t begin_us = now_us;
        while (modem.status.setting.channel == 0 && now_us - begin_us < HOUR_US) {
            run_for(10 * SECOND_US);
        }
        const int64_t took_us = now_us - begin_us;
        run_for(20 * MINUTE_US);
        printf("# medium %d: left after %" PRId64 " s, %u of %u answered since\n", kind,
               took_us / SECOND_US, (unsigned)answered, (unsigned)asked);
        EXPECT(took_us <= 5 * MINUTE_US);
        EXPECT(modem.status.setting.channel != 0);
        EXPECT(answered * 10 >= asked * 9);
        EXPECT(modem.kept >= 1);
        EXPECT_I64(WK_LINE_MODEM_ADVICE_NONE, wk_line_modem_advise(&modem));
    }
}

/* A meter that asks all the time and tries for 2 s: whatever gets lost while they agree where to go, and whatever else
 * was being tried. */
static void a_busy_meter_leaves_a_disturbed_channel_in_seconds(void)
{
    for (int kind = WK_VIRTUAL_POWER_LINE; kind <= WK_VIRTUAL_RADIO; kind++) {
        const bool is_radio = kind == WK_VIRTUAL_RADIO;
        struct wk_virtual_medium_rules rules =
            wk_virtual_medium_usual((wk_virtual_medium_kind)kind);
        int64_t worst_us = 0;
        int64_t unanswered = 0;
        rules.attenuation_db = 48; /* of the power line */
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            begin((wk_virtual_medium_kind)kind, &rules, true);
            wk_virtual_line_modems_init(&modems, (wk_virtual_medium_kind)kind, &rules, 0,
                                        SEED + seed);
            modem.rules.trial_us = 2 * SECOND_US;
            modems.end[0].setting.mode = is_radio ? 0 : 1;
            modems.end[1].setting.mode = is_radio ? 0 : 1;
            every_us = SECOND_US / 2;
            run_for(8 * SECOND_US + (int64_t)seed * SECOND_US / 10);
            const uint8_t before = modems.end[0].setting.channel;
            modems.medium.rules.disturber[before] =
                (struct wk_virtual_disturber){is_radio ? -75 : 60, is_radio ? 250000 : 1000000};
            const int64_t begin_us = now_us;
            do {
                run_for(every_us);
            } while ((answered == 0 || modems.end[0].setting.channel == before) &&
                     now_us - begin_us < HOUR_US);
            worst_us = now_us - begin_us > worst_us ? now_us - begin_us : worst_us;
            run_for(30 * SECOND_US);
            const int64_t lost = (int64_t)asked - answered;
            unanswered = lost > unanswered ? lost : unanswered;
        }
        printf("# medium %d, worst of %d: left after %" PRId64 " s, then %u of %u unanswered\n",
               kind, SEEDS, worst_us / SECOND_US, (unsigned)unanswered, (unsigned)asked);
        EXPECT(worst_us <= 30 * SECOND_US);
        EXPECT(unanswered <= 4);
    }
}

static void a_jammed_channel_is_left_by_both(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    begin(WK_VIRTUAL_RADIO, &rules, true);
    run_for(5 * MINUTE_US);
    modems.medium.rules.disturber[0] = (struct wk_virtual_disturber){-40, 1000000};
    run_for(5 * MINUTE_US);
    run_for(20 * MINUTE_US);
    printf("# %u of %u answered on channel %u\n", (unsigned)answered, (unsigned)asked,
           (unsigned)modem.status.setting.channel);
    EXPECT(modem.status.setting.channel != 0);
    EXPECT(answered * 10 >= asked * 9);
}

static void a_modem_that_may_not_change_says_what_would_help(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    rules.disturber[0] = (struct wk_virtual_disturber){-75, 80000};
    begin(WK_VIRTUAL_RADIO, &rules, false);
    run_for(5 * MINUTE_US);
    EXPECT_I64(WK_LINE_MODEM_ADVICE_DISTURBED, wk_line_modem_advise(&modem));
    EXPECT(strstr(wk_line_modem_advice_text(&modem), "disturbed") != NULL);
    EXPECT(wk_line_modem_malus(&modem) >= 5);
    EXPECT_I64(0, modem.trials);
    EXPECT_I64(1, channels_seen);
    rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    rules.distance_m = 1250;
    rules.rice_db = 100;
    begin(WK_VIRTUAL_RADIO, &rules, false);
    run_for(5 * MINUTE_US);
    EXPECT_I64(WK_LINE_MODEM_ADVICE_WEAK, wk_line_modem_advise(&modem));
    modems.end[0].setting.level_db = 2;
    run_for(5 * MINUTE_US);
    EXPECT_I64(WK_LINE_MODEM_ADVICE_LEVEL, wk_line_modem_advise(&modem));
    rules = wk_virtual_medium_usual(WK_VIRTUAL_POWER_LINE);
    rules.noise_db = 53;
    begin(WK_VIRTUAL_POWER_LINE, &rules, false);
    run_for(5 * MINUTE_US);
    EXPECT_I64(WK_LINE_MODEM_ADVICE_NOISY, wk_line_modem_advise(&modem));
}

/* With much in reserve the fastest mode comes first, then less is sent, until the reserve is used; nothing flaps. */
static void what_is_in_reserve_is_not_sent(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    rules.distance_m = 30;
    begin(WK_VIRTUAL_RADIO, &rules, true);
    run_for(6 * HOUR_US);
    EXPECT_I64(2, modem.status.setting.mode);
    EXPECT(modem.status.setting.level_db >= 12);
    EXPECT_I64(1, channels_seen);
    const struct wk_line_modem_setting settled = modem.status.setting;
    const uint32_t trials = modem.trials;
    run_for(48 * HOUR_US);
    printf("# level -%u dB, %u trials in 6 h and %u in the 48 h after, %u of %u answered\n",
           (unsigned)settled.level_db, (unsigned)trials, (unsigned)(modem.trials - trials),
           (unsigned)answered, (unsigned)asked);
    EXPECT(modem.trials - trials <= 10);
    EXPECT(answered * 100 >= asked * 98);
    /* and it is given back when it is needed */
    modems.medium.rules.distance_m = 600;
    run_for(HOUR_US);
    EXPECT(modem.status.setting.level_db < settled.level_db);
    run_for(HOUR_US);
    EXPECT(answered * 10 >= asked * 9);
}

/* Neither a head-end that is away nor one whose modem must not follow makes the meter wander. */
static void time_on_air_that_is_nearly_used_is_told(void)
{
    const struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    begin(WK_VIRTUAL_RADIO, &rules, false); /* 36 s of an hour */
    run_for(MINUTE_US);
    EXPECT(!wk_line_modem_is_scarce(&modem));
    every_us = SECOND_US / 5; /* a question of 150 octets takes 65 ms */
    while (modem.status.air_percent < 79) {
        run_for(SECOND_US);
        EXPECT(!wk_line_modem_is_scarce(&modem) || modem.status.air_percent >= 80);
    }
    run_for(30 * SECOND_US);
    EXPECT(wk_line_modem_is_scarce(&modem));
    every_us = 10 * SECOND_US;
    run_for(2 * HOUR_US);
    EXPECT(!wk_line_modem_is_scarce(&modem));
    begin(WK_VIRTUAL_POWER_LINE, &rules, false); /* there is no such rule */
    run_for(10 * MINUTE_US);
    EXPECT(!wk_line_modem_is_scarce(&modem));
}

static void what_is_not_the_line_changes_nothing(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_POWER_LINE);
    rules.attenuation_db = 60;
    begin(WK_VIRTUAL_POWER_LINE, &rules, true);
    run_for(5 * MINUTE_US);
    const struct wk_line_modem_setting before = modem.status.setting;
    head_end_runs = false;
    run_for(HOUR_US);
    EXPECT_I64(before.channel, modem.status.setting.channel);
    EXPECT_I64(1, channels_seen);
    head_end_runs = true;
    modems.follows = false;
    modems.medium.rules.disturber[0] = (struct wk_virtual_disturber){50, 1000000};
    run_for(HOUR_US);
    EXPECT_I64(0, modem.status.setting.channel);
    EXPECT_I64(0, modem.kept);
    EXPECT(modem.trials <= 8);
}

static void a_modem_that_does_not_tell_is_left_alone(void)
{
    uint8_t octets[64];
    int64_t later_us = 0;
    wk_line_modem_init(&modem, &(struct wk_line_modem_rules){.adapts = true}, 0);
    for (int i = 0; i < 20; i++) {
        struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
        later_us = wk_line_modem_due_us(&modem);
        wk_line_modem_ask(&modem, later_us, &out);
        wk_line_modem_count(&modem, false);
    }
    EXPECT(later_us > 15 * MINUTE_US);
    EXPECT(wk_line_modem_advice_text(&modem) == NULL);
    EXPECT_I64(0, wk_line_modem_malus(&modem));
    EXPECT_I64(-1, wk_line_modem_quality(&modem));
}

WK_TEST_MAIN(T(a_status_and_a_setting_come_back), T(a_disturbed_channel_is_left),
             T(a_busy_meter_leaves_a_disturbed_channel_in_seconds),
             T(a_jammed_channel_is_left_by_both),
             T(a_modem_that_may_not_change_says_what_would_help),
             T(what_is_in_reserve_is_not_sent), T(time_on_air_that_is_nearly_used_is_told),
             T(what_is_not_the_line_changes_nothing),
             T(a_modem_that_does_not_tell_is_left_alone))
