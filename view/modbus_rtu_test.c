/* SPDX-License-Identifier: Apache-2.0
 *
 * A Modbus line with all its bad manners. Time is that of the octets on it: 9600 baud, 8E1. */
#include "view/modbus_rtu.h"

#include "tests/view_meter.h"
#include "tests/wk_test.h"
#include "view/modbus_crc.h"

#define SEED      UINT64_C(20261121)
#define OCTET_US  1146 /* 11 bits at 9600 baud */
#define SILENCE   4011 /* 3.5 of them, rounded up */
#define NOISY     100000
#define UNIT      5
#define OTHER     9
#define LINE_MOST 700

static struct wk_view_meter g_meter;
static struct wk_modbus_server g_server;
static struct wk_modbus_rtu g_rtu;
static int64_t g_now_us;
static uint64_t g_draw;
static size_t g_answers;
static size_t g_served;                        /* broadcasts included */
static uint8_t g_request[WK_MODBUS_RTU_FRAME]; /* newest, without unit and check sum */
static size_t g_request_size;
static uint8_t g_answer[WK_MODBUS_RTU_FRAME];
static size_t g_answer_size;
static int64_t g_answered_us;

static uint32_t draw(uint32_t below)
{
    g_draw ^= g_draw << 13;
    g_draw ^= g_draw >> 7;
    g_draw ^= g_draw << 17;
    return (uint32_t)(g_draw >> 33) % below;
}

static wk_err boot_at(uint32_t baud, uint8_t bits)
{
    const struct wk_modbus_rtu_config line = {.unit = UNIT, .baud = baud, .bits = bits};
    const struct wk_modbus_server_config server = {.table = &g_meter.module.table,
                                                   .phases = 3,
                                                   .unit = UNIT,
                                                   .writer = WK_ROLE_MANAGEMENT};
    g_now_us = 1000000;
    g_draw = SEED;
    g_answers = 0;
    g_served = 0;
    g_answer_size = 0;
    WK_TRY(wk_view_meter_init(&g_meter, 3));
    WK_TRY(wk_view_meter_step(&g_meter));
    WK_TRY(wk_modbus_server_init(&g_server, &server));
    return wk_modbus_rtu_init(&g_rtu, &line);
}

static wk_err boot(void)
{
    return boot_at(9600, 11);
}

static void serve(void)
{
    struct wk_modbus_call call = {.counts = &g_rtu.counts};
    uint8_t octets[WK_MODBUS_PDU];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    const struct wk_bytes_in request = wk_modbus_rtu_request(&g_rtu, &call.is_broadcast);
    g_request_size = request.size;
    memcpy(g_request, request.data, request.size);
    (void)wk_modbus_server_serve(&g_server, &call, request, &out);
    size_t size = 0;
    const uint8_t *answer = wk_modbus_rtu_answer(&g_rtu, &out, &size);
    g_served++;
    if (size > 0) {
        memcpy(g_answer, answer, size);
        g_answer_size = size;
        g_answered_us = g_now_us;
        g_answers++;
    }
}

static void look(void)
{
    while (wk_modbus_rtu_tick(&g_rtu, g_now_us)) {
        serve();
    }
}

/* Octets one after another on the line, each looked at when it has come. */
static void put(const uint8_t *octets, size_t size)
{
    for (size_t n = 0; n < size; n++) {
        g_now_us += OCTET_US;
        wk_modbus_rtu_receive(&g_rtu, g_now_us, octets + n, 1);
        look();
    }
}

static void be_silent(int64_t us)
{
    g_now_us += us;
    look();
}

static size_t close_frame(uint8_t *frame, size_t size)
{
    const uint16_t crc = wk_modbus_crc(WK_MODBUS_CRC_BEGIN, frame, size);
    frame[size] = (uint8_t)(crc & 0xFF);
    frame[size + 1] = (uint8_t)(crc >> 8);
    return size + 2;
}

static size_t make_read(uint8_t *frame, uint8_t unit, uint16_t address, uint8_t count)
{
    const uint8_t head[] = {unit, 4, (uint8_t)(address >> 8), (uint8_t)address, 0, count};
    memcpy(frame, head, sizeof head);
    return close_frame(frame, sizeof head);
}

static void a_request_is_answered_after_its_silence_and_not_before(void)
{
    uint8_t frame[16];
    EXPECT_OK(boot());
    put(frame, make_read(frame, UNIT, 0, 2));
    EXPECT_I64(g_now_us + SILENCE, wk_modbus_rtu_due_us(&g_rtu));
    be_silent(SILENCE - 1);
    EXPECT_I64(0, g_answers);
    be_silent(1);
    EXPECT_I64(1, g_answers);
    EXPECT_I64(9, g_answer_size);
    EXPECT_I64(UNIT, g_answer[0]);
    EXPECT_I64(4, g_answer[2]);
    EXPECT_I64(0, wk_modbus_crc(WK_MODBUS_CRC_BEGIN, g_answer, g_answer_size));
    EXPECT_I64(INT64_MAX, wk_modbus_rtu_due_us(&g_rtu));
}

static void silences_are_those_of_the_standard(void)
{
    EXPECT_OK(boot_at(9600, 11));
    EXPECT_I64(4011, wk_modbus_rtu_silence_us(&g_rtu));
    EXPECT_OK(boot_at(19200, 10));
    EXPECT_I64(1823, wk_modbus_rtu_silence_us(&g_rtu));
    EXPECT_OK(boot_at(38400, 11));
    EXPECT_I64(1750, wk_modbus_rtu_silence_us(&g_rtu));
    EXPECT_OK(boot_at(2400, 10));
    EXPECT_I64(14584, wk_modbus_rtu_silence_us(&g_rtu));
    EXPECT_ERR(WK_E_ARGUMENT, boot_at(9600, 12));
    EXPECT_ERR(WK_E_ARGUMENT, boot_at(100, 10));
}

static void what_others_say_is_not_answered(void)
{
    uint8_t frame[64];
    EXPECT_OK(boot());
    put(frame, make_read(frame, OTHER, 0, 2));
    be_silent(SILENCE);
    frame[0] = OTHER;
    frame[1] = 4;
    frame[2] = 8;
    (void)make_read(frame + 3, UNIT, 0, 2); /* the values look like a request to us */
    put(frame, close_frame(frame, 11));
    be_silent(SILENCE);
    frame[0] = OTHER;
    frame[1] = 0x84;
    frame[2] = 2;
    put(frame, close_frame(frame, 3));
    be_silent(SILENCE);
    EXPECT_I64(0, g_served);
    EXPECT_I64(3, g_rtu.counts.bus_messages);
    EXPECT_I64(0, g_rtu.counts.bus_errors);
}

static void octets_of_zero_before_a_request_lose_nothing(void)
{
    uint8_t line[16] = {0};
    EXPECT_OK(boot());
    for (size_t zeros = 1; zeros <= 5; zeros++) {
        memset(line, 0, sizeof line);
        put(line, zeros + make_read(line + zeros, UNIT, 0, 2));
        be_silent(SILENCE);
        EXPECT_I64(zeros, g_answers);
    }
}

static void noise_before_and_behind_a_request_loses_nothing(void)
{
    uint8_t line[64];
    EXPECT_OK(boot());
    for (size_t n = 0; n < 500; n++) {
        const size_t before = draw(20);
        for (size_t i = 0; i < sizeof line; i++) {
            line[i] = (uint8_t)draw(256);
        }
        const size_t size = before + make_read(line + before, UNIT, 0x48, 4);
        put(line, size + draw(4));
        be_silent(SILENCE);
        EXPECT_I64(n + 1, g_answers);
    }
}

static void the_echo_of_an_answer_is_passed_over(void)
{
    uint8_t frame[16] = {UNIT, 6, 0x23, 0x01, 0, 1};
    const size_t size = close_frame(frame, 6);
    for (int echoes = 0; echoes <= 1; echoes++) {
        EXPECT_OK(boot());
        for (size_t n = 1; n <= 20; n++) {
            put(frame, size);
            be_silent(SILENCE);
            EXPECT_I64(n, g_answers);
            if (echoes != 0) {
                put(g_answer, g_answer_size); /* the request again: not to be done again */
            } else {
                g_now_us += (int64_t)g_answer_size * OCTET_US;
            }
            be_silent(3 * SILENCE);
            EXPECT_I64(n, g_answers);
        }
    }
}

static void an_adapter_that_echoes_late_is_known_by_its_first_echo(void)
{
    uint8_t read[16];
    uint8_t write[16] = {UNIT, 6, 0x23, 0x01, 0, 1};
    const size_t write_size = close_frame(write, 6);
    EXPECT_OK(boot());
    put(read, make_read(read, UNIT, 0, 2));
    be_silent(SILENCE);
    g_now_us += 50000;
    put(g_answer, g_answer_size);
    be_silent(SILENCE);
    for (size_t n = 2; n < 5; n++) {
        put(write, write_size);
        be_silent(SILENCE);
        EXPECT_I64(n, g_answers);
        g_now_us += 50000;
        put(g_answer, g_answer_size);
        be_silent(SILENCE);
        EXPECT_I64(n, g_answers);
    }
}

static void a_pause_within_a_request_does_no_harm(void)
{
    uint8_t frame[16];
    const size_t size = make_read(frame, UNIT, 0, 2);
    EXPECT_OK(boot());
    for (size_t cut = 1; cut < size; cut++) {
        put(frame, cut);
        be_silent(16000); /* an adapter's */
        EXPECT_I64(cut - 1, g_answers);
        put(frame + cut, size - cut);
        be_silent(SILENCE);
        EXPECT_I64(cut, g_answers);
    }
    EXPECT_I64(size - 1, g_rtu.broken);
}

static void half_a_request_is_forgotten(void)
{
    uint8_t frame[16];
    const size_t size = make_read(frame, UNIT, 0, 2);
    EXPECT_OK(boot());
    put(frame, size / 2);
    be_silent(WK_MODBUS_RTU_WAIT_US + 10000);
    put(frame + size / 2, size - size / 2);
    be_silent(SILENCE);
    EXPECT_I64(0, g_answers);
    put(frame, size / 2); /* ... and one that is broken off costs itself only */
    be_silent(SILENCE);
    put(frame, size);
    be_silent(SILENCE);
    EXPECT_I64(1, g_answers);
}

static void a_request_that_is_overtaken_is_not_answered(void)
{
    uint8_t line[32];
    EXPECT_OK(boot());
    size_t size = make_read(line, UNIT, 0, 2);
    size += make_read(line + size, UNIT, 2, 4);
    put(line, size);
    be_silent(SILENCE);
    EXPECT_I64(1, g_answers);
    EXPECT_I64(8, g_answer[2]);
    EXPECT_I64(1, g_rtu.overtaken);
}

static void broadcasts_are_done_by_all_and_answered_by_none(void)
{
    uint8_t line[32] = {0, 6, 0x23, 0x01, 0, 1};
    EXPECT_OK(boot());
    size_t size = close_frame(line, 6);
    size +=
        make_read(line + size, UNIT, 8960, 2); /* right behind it, as a slow reader sees it */
    line[9] = 3;
    (void)close_frame(line + 8, 6);
    put(line, size);
    be_silent(SILENCE);
    EXPECT_I64(2, g_served);
    EXPECT_I64(1, g_answers);
    EXPECT_I64(3, g_answer[1]);
    EXPECT_OK(wk_view_meter_step(&g_meter));
    EXPECT(g_meter.module.rooms.control.relay[0].on);
    const uint8_t k_read[] = {0, 4, 0, 0, 0, 2};
    memcpy(line, k_read, sizeof k_read);
    put(line, close_frame(line, sizeof k_read)); /* reading all makes no sense */
    be_silent(SILENCE);
    EXPECT_I64(2, g_served);
}

static void functions_that_are_not_there_are_refused(void)
{
    uint8_t frame[16] = {UNIT, 1, 0, 0, 0, 8};
    EXPECT_OK(boot());
    put(frame, close_frame(frame, 6));
    be_silent(SILENCE);
    EXPECT_I64(1, g_answers);
    EXPECT_I64(0x81, g_answer[1]);
    EXPECT_I64(1, g_answer[2]);
    frame[1] = 8; /* diagnostics of any length */
    frame[2] = 0;
    frame[3] = 0;
    put(frame, close_frame(frame, 8));
    be_silent(SILENCE);
    EXPECT_I64(2, g_answers);
    EXPECT_I64(10, g_answer_size);
}

static void more_octets_than_there_is_room_for_are_counted(void)
{
    static uint8_t line[LINE_MOST];
    uint8_t frame[16];
    EXPECT_OK(boot());
    for (size_t n = 0; n < sizeof line; n++) {
        line[n] = 0x55;
    }
    wk_modbus_rtu_receive(&g_rtu, g_now_us, line, sizeof line);
    EXPECT_I64(LINE_MOST - WK_MODBUS_RTU_HUNT, g_rtu.counts.overruns);
    put(frame, make_read(frame, UNIT, 0, 2));
    be_silent(SILENCE);
    EXPECT_I64(1, g_answers);
}

static bool flip(uint8_t *octets, size_t size)
{
    bool flipped = false;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        if (draw(1000) == 0) {
            octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
            flipped = true;
        }
    }
    return flipped;
}

/* Requests through bit errors: what was sent is known, so every wrong acceptance is seen. */
static void a_noisy_line_costs_the_frames_that_it_hits(void)
{
    uint8_t sent[16];
    uint8_t line[16];
    size_t hit = 0;
    size_t wrong = 0;
    size_t lost = 0;
    EXPECT_OK(boot());
    printf("# seed %llu\n", (unsigned long long)SEED);
    for (size_t n = 0; n < NOISY; n++) {
        const size_t size = make_read(sent, UNIT, (uint16_t)(2 * draw(40)), 2);
        const size_t before = g_served;
        memcpy(line, sent, sizeof line);
        const bool is_hit = flip(line, size);
        put(line, size);
        be_silent(SILENCE);
        const bool served = g_served > before;
        const bool same = served && memcmp(g_request, sent + 1, g_request_size) == 0;
        hit += is_hit ? 1 : 0;
        wrong += served && !same ? 1 : 0;
        lost += !is_hit && !served ? 1 : 0;
        be_silent(20000);
    }
    const double share = (double)hit / 65536;
    WK_TEST_FIGURE("Modbus RTU at a bit error rate of 1e-3: frames hit", hit, "of 100000",
                   "> 5000", hit > 5000, SEED);
    WK_TEST_FIGURE("Modbus RTU at a bit error rate of 1e-3: wrong frames accepted", wrong,
                   "frames", "<= 1 + hit / 65536", (double)wrong <= 1 + share, SEED);
    WK_TEST_FIGURE(
        "Modbus RTU at a bit error rate of 1e-3: right frames lost behind wrong ones", lost,
        "frames", "= 0", lost == 0, SEED);
    EXPECT(hit > 5000);
    EXPECT((double)wrong <= 1 + share);
    EXPECT_I64(0, lost);
}

/* Unit 9 lives elsewhere: its request is done with, and its answer comes when it comes. */
static void another_units_answer_comes_late_or_not_at_all(void)
{
    static const uint8_t k_others[WK_MODBUS_RTU_UNITS] = {[OTHER / 8] = 1U << OTHER % 8};
    static const uint8_t k_pdu[] = {3, 2, 0x12, 0x34};
    uint8_t frame[8] = {OTHER, 3, 0, 0, 0, 1};
    uint8_t wanted[8] = {OTHER, 3, 2, 0x12, 0x34};
    const size_t size = close_frame(frame, 6);
    const size_t wanted_size = close_frame(wanted, 5);
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        uint8_t none[1];
        const struct wk_bytes_out later = wk_bytes_out_of(none, sizeof none);
        size_t sent = 0;
        EXPECT_OK(boot());
        g_rtu.config.others = k_others;
        for (size_t n = 0; n < size; n++) {
            g_now_us += OCTET_US;
            wk_modbus_rtu_receive(&g_rtu, g_now_us, frame + n, 1);
        }
        g_now_us += SILENCE;
        EXPECT(wk_modbus_rtu_tick(&g_rtu, g_now_us));
        EXPECT_I64(OTHER, wk_modbus_rtu_unit(&g_rtu));
        (void)wk_modbus_rtu_answer(&g_rtu, &later, &sent);
        EXPECT_I64(0, sent);
        const int64_t asked_us = g_rtu.octet_us;
        g_now_us += 200000;
        if (goes_on != 0) {
            wk_modbus_rtu_receive(&g_rtu, g_now_us, frame, 1);
        }
        const struct wk_modbus_rtu_late late = {.asked_us = asked_us,
                                                .now_us = g_now_us,
                                                .unit = OTHER,
                                                .pdu = wk_bytes_in_of(k_pdu, sizeof k_pdu)};
        const uint8_t *answer = wk_modbus_rtu_answer_late(&g_rtu, &late, &sent);
        EXPECT_I64(goes_on != 0 ? 0 : wanted_size, sent);
        if (sent == wanted_size) {
            EXPECT_BYTES(wanted, answer, sent);
        }
    }
}

WK_TEST_MAIN(T(a_request_is_answered_after_its_silence_and_not_before),
             T(silences_are_those_of_the_standard), T(what_others_say_is_not_answered),
             T(octets_of_zero_before_a_request_lose_nothing),
             T(noise_before_and_behind_a_request_loses_nothing),
             T(the_echo_of_an_answer_is_passed_over),
             T(an_adapter_that_echoes_late_is_known_by_its_first_echo),
             T(a_pause_within_a_request_does_no_harm), T(half_a_request_is_forgotten),
             T(a_request_that_is_overtaken_is_not_answered),
             T(broadcasts_are_done_by_all_and_answered_by_none),
             T(functions_that_are_not_there_are_refused),
             T(more_octets_than_there_is_room_for_are_counted),
             T(another_units_answer_comes_late_or_not_at_all),
             T(a_noisy_line_costs_the_frames_that_it_hits))
