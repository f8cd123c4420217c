/* SPDX-License-Identifier: Apache-2.0
 *
 * A slave of DL/T 645-2007. Frames of the published examples (address 000000000161) are sent as they were
 * printed; answers are checked against BCD made by hand of what tests/view_meter.c measures. */
#include "view/dlt645.h"

#include "tests/view_meter.h"
#include "tests/wk_test.h"

#define SEED UINT64_C(20261121)
#define NOW_US                                                                                 \
    INT64_C(1769986800000000) /* 2026-02-01 23:00:00 UTC, 00:00 there: near midnight */
#define ROUNDS 20000

static struct wk_view_meter g_meter;
static struct wk_dlt645 g_slave;
static int64_t g_now_us;
static int64_t g_utc_us;
static int64_t g_begin_us; /* of the meter's clock */
static uint8_t g_answer[WK_DLT645_LEAD_IN + WK_DLT645_FRAME];
static size_t g_size;
static uint64_t g_draw;
static uint8_t g_data[256];
static size_t g_taken;

static const uint8_t k_address[] = {0x61, 0x01, 0, 0, 0, 0};

static uint32_t draw(uint32_t below)
{
    g_draw ^= g_draw << 13;
    g_draw ^= g_draw >> 7;
    g_draw ^= g_draw << 17;
    return (uint32_t)(g_draw >> 33) % below;
}

static wk_err boot_with(uint8_t phases, uint32_t baud, wk_role clock_role)
{
    struct wk_dlt645_config config = {
        .table = &g_meter.module.table, .baud = baud, .clock_role = clock_role};
    memcpy(config.address, k_address, sizeof config.address);
    g_now_us = 1000000;
    g_utc_us = NOW_US;
    g_draw = SEED;
    WK_TRY(wk_view_meter_init(&g_meter, phases));
    WK_TRY(wk_view_meter_step(&g_meter));
    g_begin_us = wk_module_now_us(&g_meter.module);
    return wk_dlt645_init(&g_slave, &config);
}

/* What the meter's clock shows: as the test has it, until it is set. */
static int64_t utc_us(void)
{
    const int64_t now_us = wk_module_now_us(&g_meter.module);
    return now_us != g_begin_us ? now_us : g_utc_us;
}

static wk_err boot(void)
{
    return boot_with(3, 2400, WK_ROLE_COUNT);
}

/* What is answered to these octets, without the lead-in; 0 octets: nothing. */
static void say(const uint8_t *octets, size_t size)
{
    size_t sent = 0;
    g_now_us += 1000;
    wk_dlt645_receive(&g_slave, g_now_us, octets, size);
    g_now_us += WK_DLT645_REPLY_US - 1;
    (void)wk_dlt645_tick(&g_slave, g_now_us, utc_us(), &sent);
    EXPECT_I64(0, sent); /* not before its time */
    g_now_us++;
    const uint8_t *answer = wk_dlt645_tick(&g_slave, g_now_us, utc_us(), &sent);
    g_size = 0;
    if (sent > 0) {
        static const uint8_t k_lead_in[] = {0xFE, 0xFE, 0xFE, 0xFE};
        EXPECT_BYTES(k_lead_in, answer, sizeof k_lead_in);
        g_size = sent - sizeof k_lead_in;
        memcpy(g_answer, answer + sizeof k_lead_in, g_size);
    }
}

/* A frame to `address` with 33H added; its size. */
static size_t frame(uint8_t *to, const uint8_t *address, uint8_t control, const uint8_t *data,
                    uint8_t size)
{
    uint8_t sum = 0;
    to[0] = to[7] = 0x68;
    memcpy(to + 1, address, 6);
    to[8] = control;
    to[9] = size;
    for (uint8_t n = 0; n < size; n++) {
        to[10 + n] = (uint8_t)(data[n] + 0x33);
    }
    for (size_t n = 0; n < 10U + size; n++) {
        sum = (uint8_t)(sum + to[n]);
    }
    to[10 + size] = sum;
    to[11 + size] = 0x16;
    return 12U + size;
}

static void ask(uint8_t control, const uint8_t *data, uint8_t size)
{
    uint8_t octets[WK_DLT645_FRAME];
    say(octets, frame(octets, k_address, control, data, size));
}

/* The data of the answer, if it has this control code and size, in g_data; else zeros, and a size of 0. */
static void take(uint8_t control, size_t size)
{
    const bool is_right = g_size == 12 + size && g_answer[8] == control &&
                          g_answer[9] == size && memcmp(g_answer + 1, k_address, 6) == 0;
    memset(g_data, 0, sizeof g_data);
    g_taken = is_right ? size : SIZE_MAX;
    for (size_t n = 0; n < size && is_right; n++) {
        g_data[n] = (uint8_t)(g_answer[10 + n] - 0x33);
    }
}

static void took(uint8_t control, size_t size)
{
    take(control, size);
    EXPECT_I64(size, g_taken);
}

/* Reads an item: its octets, behind the identifier, in g_data. */
static void item(uint32_t di, size_t size)
{
    const uint8_t octets[] = {(uint8_t)di, (uint8_t)(di >> 8), (uint8_t)(di >> 16),
                              (uint8_t)(di >> 24)};
    ask(0x11, octets, 4);
    took(0x91, 4 + size);
    EXPECT_BYTES(octets, g_data, 4);
    memmove(g_data, g_data + 4, size);
}

static void refused(uint8_t control, uint8_t word)
{
    took(control, 1);
    EXPECT_I64(word, g_data[0]);
}

/* ---- what is read ------------------------------------------------------------------------ */

static void published_frames_are_understood(void)
{
    static const uint8_t k_energy[] = {0xFE, 0xFE, 0xFE, 0xFE, 0x68, 0x61, 0x01,
                                       0x00, 0x00, 0x00, 0x00, 0x68, 0x11, 0x04,
                                       0x33, 0x33, 0x34, 0x33, 0x14, 0x16};
    static const uint8_t k_voltage[] = {0x68, 0x61, 0x01, 0x00, 0x00, 0x00, 0x00, 0x68,
                                        0x11, 0x04, 0x33, 0x34, 0x34, 0x35, 0x17, 0x16};
    /* 230.1 V */
    static const uint8_t k_answer[] = {0x68, 0x61, 0x01, 0x00, 0x00, 0x00, 0x00, 0x68, 0x91,
                                       0x06, 0x33, 0x34, 0x34, 0x35, 0x34, 0x56, 0x23, 0x16};
    /* 1234.567890123 kWh */
    static const uint8_t k_kwh[] = {0x56, 0x34, 0x12, 0x00};
    EXPECT_OK(boot());
    say(k_energy, sizeof k_energy);
    took(0x91, 8);
    EXPECT_BYTES(k_kwh, g_data + 4, 4);
    say(k_voltage, sizeof k_voltage);
    EXPECT_I64(sizeof k_answer, g_size);
    EXPECT_BYTES(k_answer, g_answer, sizeof k_answer);
}

static void items_have_the_digits_and_signs_of_the_standard(void)
{
    static const struct {
        uint32_t di;
        uint8_t size;
        uint8_t octets[4];
    } k_items[] = {
        {0x00000000, 4, {0x55, 0x35, 0x12, 0x00}}, /* 1235.555544444 kWh */
        {0x00010100, 4, {0x56, 0x34, 0x12, 0x00}}, /* all of it in tariff 1 */
        {0x00010300, 4, {0x00, 0x00, 0x00, 0x00}},
        {0x00020000, 4, {0x98, 0x00, 0x00, 0x00}}, /* 0.987654321 kWh */
        {0x00290000, 4, {0x00, 0x02, 0x00, 0x00}}, /* 2.000 kWh of L2 */
        {0x02010300, 2, {0x03, 0x23}},             /* 230.3 V */
        {0x02020200, 3, {0x00, 0x60, 0x00}},       /* 6.000 A */
        {0x02030100, 3, {0x01, 0x10, 0x01}},       /* 1.1001 kW */
        {0x02030300, 3, {0x02, 0x50, 0x80}},       /* -0.5002 kW */
        {0x02040200, 3, {0x05, 0x20, 0x80}},       /* -0.2005 kvar */
        {0x02050100, 3, {0x00, 0x20, 0x01}},       /* 1.2000 kVA */
        {0x04000204, 1, {4}},
        {0x04000601, 1, {0x05}},
        {0x04000501, 2, {0x02, 0x00}}, /* demand by intervals, all forward */
        {0x04000502, 2, {0x24, 0x00}}, /* P of L3 and Q of L2 are reverse */
        {0x04000503, 2, {0x00, 0x00}}, /* the supply is closed */
    };
    EXPECT_OK(boot());
    for (size_t n = 0; n < sizeof k_items / sizeof k_items[0]; n++) {
        item(k_items[n].di, k_items[n].size);
        EXPECT_BYTES(k_items[n].octets, g_data, k_items[n].size);
    }
    item(0x04000401, 6);
    EXPECT_BYTES(k_address, g_data, 6);
    item(0x04000403, 32);
    for (size_t n = 0; n < 32; n++) {
        EXPECT_I64(n < 10 ? WK_VIEW_METER_SERIAL[n] : 0, g_data[31 - n]);
    }
}

static void a_block_has_its_items_in_turn_and_nothing_for_what_is_absent(void)
{
    static const uint8_t k_volts[] = {0x01, 0x23, 0x02, 0x23, 0x03, 0x23};
    static const uint8_t k_one[] = {0x01, 0x23, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t k_varh[] = {0xFF, 0xFF, 0xFF, 0xFF}; /* of tariff 1 */
    EXPECT_OK(boot());
    item(0x0201FF00, 6);
    EXPECT_BYTES(k_volts, g_data, 6);
    item(0x0003FF00, 20);
    EXPECT_BYTES(k_varh, g_data + 4, 4);
    item(0x040005FF, 14);
    item(0x0203FF00, 12);
    EXPECT_OK(boot_with(1, 2400, WK_ROLE_COUNT));
    item(0x0201FF00, 6);
    EXPECT_BYTES(k_one, g_data, 6);
}

/* Eleven energies by total and four tariffs, and six of phases, are 244 octets: 196, and 48 in a frame that
 * follows. */
static void what_is_longer_than_a_frame_follows(void)
{
    static const uint8_t k_all[] = {0x00, 0xFF, 0xFF, 0x00};
    static const uint8_t k_next[] = {0x00, 0xFF, 0xFF, 0x00, 1};
    static const uint8_t k_wrong[] = {0x00, 0xFF, 0xFF, 0x00, 3};
    static const uint8_t k_other[] = {0x00, 0xFF, 0x01, 0x00, 1};
    uint8_t whole[244];
    EXPECT_OK(boot());
    ask(0x12, k_next, 5);
    refused(0xD2, 0x02);
    for (int times = 0; times < 2; times++) {
        ask(0x11, k_all, 4);
        took(0xB1, 200);
        memcpy(whole, g_data + 4, 196);
        ask(0x12, k_wrong, 5);
        refused(0xD2, 0x02);
        ask(0x12, k_other, 5);
        refused(0xD2, 0x02);
        for (int again = 0; again < 2; again++) {
            ask(0x12, k_next, 5);
            took(0x92, 4 + 48 + 1);
            memcpy(whole + 196, g_data + 4, 48);
            EXPECT_I64(1, g_data[52]);
        }
    }
    for (uint32_t kind = 0; kind < 11; kind++) {
        item(kind << 16, 4);
        EXPECT_BYTES(g_data, whole + (size_t)20 * kind, 4);
    }
}

static void what_is_not_there_has_no_data(void)
{
    static const uint32_t k_none[] = {0x00010001, 0x0001FFFF, 0x00010900,
                                      0x00030100, 0x02800007, 0x04000504,
                                      0x05000001, 0xFFFFFFFF, 0x03300001};
    EXPECT_OK(boot());
    for (size_t n = 0; n < sizeof k_none / sizeof k_none[0]; n++) {
        const uint32_t di = k_none[n];
        const uint8_t octets[] = {(uint8_t)di, (uint8_t)(di >> 8), (uint8_t)(di >> 16),
                                  (uint8_t)(di >> 24)};
        ask(0x11, octets, 4);
        refused(0xD1, 0x02);
    }
    EXPECT_OK(wk_view_meter_init(&g_meter, 3)); /* nothing was measured yet */
    ask(0x11, (const uint8_t[]){0, 1, 1, 2}, 4);
    refused(0xD1, 0x02);
}

/* ---- other functions --------------------------------------------------------------------- */

static void wildcards_and_broadcasts_find_whom_they_are_for(void)
{
    static const uint8_t k_any[] = {0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA};
    static const uint8_t k_short[] = {0x61, 0x01, 0xAA, 0xAA, 0xAA, 0xAA};
    static const uint8_t k_other[] = {0x62, 0x01, 0xAA, 0xAA, 0xAA, 0xAA};
    static const uint8_t k_middle[] = {0xAA, 0x01, 0, 0, 0, 0};
    static const uint8_t k_all[] = {0x99, 0x99, 0x99, 0x99, 0x99, 0x99};
    static const uint8_t k_di[] = {0, 1, 1, 2};
    uint8_t octets[WK_DLT645_FRAME];
    EXPECT_OK(boot());
    say(octets, frame(octets, k_any, 0x13, NULL, 0));
    took(0x93, 6);
    EXPECT_BYTES(k_address, g_data, 6);
    say(octets, frame(octets, k_short, 0x11, k_di, 4));
    took(0x91, 6);
    say(octets, frame(octets, k_other, 0x11, k_di, 4));
    EXPECT_I64(0, g_size);
    say(octets, frame(octets, k_middle, 0x11, k_di, 4));
    EXPECT_I64(0, g_size);
    say(octets, frame(octets, k_all, 0x11, k_di, 4));
    EXPECT_I64(0, g_size);
    say(octets, frame(octets, k_all, 0x16, (const uint8_t[]){0x99, 0x99, 0x99, 0x99}, 4));
    EXPECT_I64(0, g_size);
}

static void whatever_would_change_the_meter_is_refused(void)
{
    static const uint8_t k_data[12] = {0};
    EXPECT_OK(boot());
    for (uint8_t control = 0x18; control <= 0x1B; control++) {
        ask(control, k_data, 8);
        refused(control | 0xC0, 0x04);
    }
    ask(0x14, k_data, 12);
    refused(0xD4, 0x04);
    ask(0x16, k_data, 4);
    refused(0xD6, 0x01);
    ask(0x15, k_data, 6);
    EXPECT_I64(0, g_size);
    ask(0x1C, k_data, 8);
    refused(0xDC, 0x01);
    ask(0x11, k_data, 3);
    refused(0xD1, 0x01);
}

static void a_rate_is_changed_and_left_again_when_nothing_comes_with_it(void)
{
    static const uint8_t k_words[] = {0x02, 0x04, 0x08, 0x10, 0x20, 0x40};
    size_t size = 0;
    EXPECT_OK(boot());
    for (uint32_t n = 0; n < sizeof k_words; n++) {
        ask(0x17, &k_words[n], 1);
        took(0x97, 1);
        EXPECT_I64(k_words[n], g_data[0]);
        EXPECT_I64(600U << n, g_slave.baud);
    }
    EXPECT_I64(g_slave.right_us + WK_DLT645_RATE_US, wk_dlt645_due_us(&g_slave));
    g_now_us = wk_dlt645_due_us(&g_slave);
    (void)wk_dlt645_tick(&g_slave, g_now_us, utc_us(), &size);
    EXPECT_I64(2400, g_slave.baud);
    EXPECT_I64(INT64_MAX, wk_dlt645_due_us(&g_slave));
    for (uint32_t word = 0; word < 256; word++) {
        const uint8_t octet = (uint8_t)word;
        const bool is_rate = memchr(k_words, (int)word, sizeof k_words) != NULL;
        ask(0x17, &octet, 1);
        EXPECT_I64(is_rate ? 0x97 : 0xD7, g_answer[8]);
    }
    EXPECT_OK(boot_with(3, 0, WK_ROLE_COUNT));
    ask(0x17, k_words, 1);
    refused(0xD7, 0x08);
}

/* ---- broadcast time ---------------------------------------------------------------------- */

static int64_t clock_s(void)
{
    struct wk_datetime now;
    struct wk_utc utc = {0};
    g_slave.map.points.now_us = utc_us();
    const bool is_known =
        wk_point_read_time(&g_slave.map.points, WK_POINT_CLOCK, &now) == WK_OK &&
        wk_datetime_to_utc(&now, &wk_zone_utc, &utc) == WK_OK;
    return is_known ? utc.s : -1;
}

static uint8_t bcd(unsigned value)
{
    return (uint8_t)(value % 10 | value / 10 << 4);
}

/* Tells all meters the time on their walls, `ahead_s` before ours. */
static void broadcast(int64_t ahead_s)
{
    static const uint8_t k_all[] = {0x99, 0x99, 0x99, 0x99, 0x99, 0x99};
    uint8_t octets[WK_DLT645_FRAME];
    struct wk_datetime now;
    struct wk_civil civil;
    struct wk_utc wall;
    g_slave.map.points.now_us = utc_us();
    EXPECT_OK(wk_point_read_time(&g_slave.map.points, WK_POINT_CLOCK, &now));
    now.deviation_min = 0;
    EXPECT_OK(wk_datetime_to_utc(&now, &wk_zone_utc, &wall));
    wall.s += ahead_s;
    EXPECT_OK(wk_civil_from_utc(&wk_zone_utc, wall, &civil));
    const uint8_t data[] = {bcd(civil.second), bcd(civil.minute), bcd(civil.hour),
                            bcd(civil.day),    bcd(civil.month),  bcd(civil.year % 100U)};
    say(octets, frame(octets, k_all, 0x08, data, sizeof data));
    EXPECT_I64(0, g_size);
}

static void a_broadcast_time_sets_the_clock_within_the_limits_of_the_standard(void)
{
    EXPECT_OK(boot_with(3, 2400, WK_ROLE_MANAGEMENT));
    g_utc_us += INT64_C(12) * 3600 * 1000000; /* noon */
    const int64_t before_s = clock_s();
    broadcast(301);
    broadcast(-301);
    EXPECT_I64(before_s, clock_s());
    EXPECT(!wk_dlt645_take_written(&g_slave));
    broadcast(120);
    EXPECT_I64(before_s + 120, clock_s());
    EXPECT(wk_dlt645_take_written(&g_slave));
    broadcast(60); /* once a day */
    EXPECT_I64(before_s + 120, clock_s());
    EXPECT_I64(1, g_slave.time_taken);
}

static void a_broadcast_time_is_not_taken_near_midnight_or_without_leave(void)
{
    for (int64_t minute = 0; minute < 1440; minute += 4) {
        EXPECT_OK(boot_with(3, 2400, WK_ROLE_MANAGEMENT));
        g_utc_us += minute * 60 * 1000000;
        const int64_t before_s = clock_s();
        broadcast(60);
        struct wk_datetime now;
        EXPECT_OK(wk_point_read_time(&g_slave.map.points, WK_POINT_CLOCK, &now));
        const int64_t of_day = now.hour * 3600 + now.minute * 60 + now.second;
        const bool is_taken = clock_s() != before_s;
        const bool is_near = of_day < 300 || of_day > 86400 - 300 - 60;
        EXPECT(is_taken != is_near);
    }
    EXPECT_OK(boot_with(3, 2400, WK_ROLE_READER)); /* who may not */
    g_utc_us += INT64_C(12) * 3600 * 1000000;
    const int64_t before_s = clock_s();
    broadcast(60);
    EXPECT_I64(before_s, clock_s());
}

/* ---- the line ---------------------------------------------------------------------------- */

/* Noise before it, sometimes half a frame, an answer of another meter; in pieces. */
static void a_request_is_found_in_whatever_a_line_brings(void)
{
    static const uint8_t k_di[] = {0, 1, 1, 2};
    static const uint8_t k_theirs[] = {0x61, 0x02, 0, 0, 0, 0};
    unsigned answered = 0;
    EXPECT_OK(boot());
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t line[256];
        size_t size = 0;
        for (uint32_t noise = draw(40); noise > 0; noise--) {
            const uint8_t octet = (uint8_t)draw(256);
            line[size++] = octet == 0x68 && draw(2) == 0 ? 0xFE : octet;
        }
        if (draw(3) == 0) {
            size += frame(line + size, k_theirs, 0x91, k_di, 4);
        }
        size += frame(line + size, k_address, 0x11, k_di, 4);
        g_now_us += 600000; /* a pause: what was before is forgotten */
        for (size_t at = 0; at < size;) {
            const size_t left = size - at;
            const size_t drawn = 1 + draw(8);
            const size_t piece = drawn < left ? drawn : left;
            g_now_us += 1000;
            wk_dlt645_receive(&g_slave, g_now_us, line + at, piece);
            at += piece;
        }
        g_now_us += WK_DLT645_REPLY_US;
        size_t sent = 0;
        (void)wk_dlt645_tick(&g_slave, g_now_us, utc_us(), &sent);
        answered += sent > 0 ? 1 : 0;
    }
    WK_TEST_FIGURE("DL/T 645: requests found behind noise and other meters' answers", answered,
                   "of 20000", "= 20000", answered == ROUNDS, SEED);
    EXPECT_I64(ROUNDS, answered);
}

static void a_changed_octet_is_never_answered(void)
{
    static const uint8_t k_di[] = {0, 1, 1, 2};
    uint8_t right[64];
    EXPECT_OK(boot());
    const size_t size = frame(right, k_address, 0x11, k_di, 4);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        uint8_t wrong[64];
        memcpy(wrong, right, size);
        wrong[bit / 8] ^= (uint8_t)(1U << bit % 8);
        g_now_us += 600000;
        say(wrong, size);
        EXPECT_I64(0, g_size);
    }
    /* half of one, a pause, and a whole one */
    wk_dlt645_receive(&g_slave, g_now_us, right, 12);
    g_now_us += 600000;
    say(right, size);
    took(0x91, 6);
}

static void configurations_that_cannot_be_are_refused(void)
{
    struct wk_dlt645 slave;
    struct wk_dlt645_config config = {.table = &g_meter.module.table, .baud = 2400};
    EXPECT_OK(wk_dlt645_init(&slave, &config));
    config.baud = 115200;
    EXPECT_ERR(WK_E_ARGUMENT, wk_dlt645_init(&slave, &config));
    config.baud = 9600;
    config.address[5] = 0x0A;
    EXPECT_ERR(WK_E_ARGUMENT, wk_dlt645_init(&slave, &config));
    memset(config.address, 0x99, sizeof config.address);
    EXPECT_ERR(WK_E_ARGUMENT, wk_dlt645_init(&slave, &config));
}

WK_TEST_MAIN(T(published_frames_are_understood),
             T(items_have_the_digits_and_signs_of_the_standard),
             T(a_block_has_its_items_in_turn_and_nothing_for_what_is_absent),
             T(what_is_longer_than_a_frame_follows), T(what_is_not_there_has_no_data),
             T(wildcards_and_broadcasts_find_whom_they_are_for),
             T(whatever_would_change_the_meter_is_refused),
             T(a_rate_is_changed_and_left_again_when_nothing_comes_with_it),
             T(a_broadcast_time_sets_the_clock_within_the_limits_of_the_standard),
             T(a_broadcast_time_is_not_taken_near_midnight_or_without_leave),
             T(a_request_is_found_in_whatever_a_line_brings),
             T(a_changed_octet_is_never_answered), T(configurations_that_cannot_be_are_refused))
