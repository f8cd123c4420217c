/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "link/line.h"
#include "port/virtual/draw.h"
#include "port/virtual/serial.h"

#define SEED   UINT64_C(485)
#define METER  0x10000002
#define BAUD   9600
#define SECOND INT64_C(1000000)
#define TRIES  20000

static uint64_t chance = SEED;

static wk_err draw(void *self, void *to, size_t size)
{
    uint8_t *octets = to;
    (void)self;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)wk_virtual_draw(&chance, 256);
    }
    return WK_OK;
}

static bool read_all(struct wk_link_line_reader *reader, const uint8_t *octets, size_t size,
                     struct wk_link_line_frame *frame)
{
    bool any = false;
    for (size_t i = 0; i < size; i++) {
        any = wk_link_line_read(reader, octets[i], frame) || any;
    }
    return any;
}

/* Made by hand; the check sum by Python's binascii.crc32 of 01 07 10 00 00 02 61 00 62. */
static void a_frame_is_the_octets_of_the_description(void)
{
    static const uint8_t k_wanted[] = {0x00, 0x04, 0x01, 0x07, 0x10, 0x01, 0x03, 0x02,
                                       'a',  0x06, 'b',  0xdc, 0xc9, 0xfc, 0xd2, 0x00};
    uint8_t octets[32];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    const struct wk_link_line_frame frame = {.kind = WK_LINK_LINE_ASK,
                                             .number = 7,
                                             .meter = METER,
                                             .octets = wk_bytes_in_of("a\0b", 3)};
    wk_link_line_write(&out, &frame);
    EXPECT_OK(out.fault);
    EXPECT_I64(sizeof k_wanted, out.size);
    EXPECT(memcmp(octets, k_wanted, sizeof k_wanted) == 0);
}

static void frames_of_every_length_come_back(void)
{
    static struct wk_link_line_reader reader;
    static uint8_t payload[WK_LINK_LINE_PAYLOAD];
    static uint8_t octets[WK_LINK_LINE_CODED];
    for (int zeros = 0; zeros < 3; zeros++) { /* none, some, all */
        for (size_t size = 0; size <= sizeof payload; size += size < 600 ? 1 : 52) {
            struct wk_link_line_frame got = {0};
            struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
            for (size_t i = 0; i < size; i++) {
                payload[i] =
                    zeros == 2 ? 0 : (uint8_t)(i % 300 + (zeros == 0 && i % 300 == 256));
            }
            const struct wk_link_line_frame frame = {.kind = WK_LINK_LINE_ANSWER,
                                                     .number = (uint8_t)size,
                                                     .meter = METER,
                                                     .octets = wk_bytes_in_of(payload, size)};
            wk_link_line_write(&out, &frame);
            EXPECT_OK(out.fault);
            EXPECT(octets[0] == 0 && octets[out.size - 1] == 0 &&
                   memchr(octets + 1, 0, out.size - 2) == NULL);
            EXPECT(read_all(&reader, octets, out.size, &got));
            EXPECT(got.kind == frame.kind && got.number == frame.number && got.meter == METER &&
                   got.octets.size == size);
            EXPECT(size == 0 || memcmp(got.octets.data, payload, size) == 0);
        }
    }
    EXPECT_I64(0, reader.bad);
}

/* Of frames with noise in them, and noise between them, none is taken for another. */
static void noise_costs_a_frame_and_no_more(void)
{
    static struct wk_link_line_reader reader;
    int good = 0;
    int hurt = 0;
    for (int i = 0; i < TRIES; i++) {
        uint8_t octets[64];
        uint8_t payload[20];
        struct wk_link_line_frame got = {0};
        struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
        (void)draw(NULL, payload, sizeof payload);
        const struct wk_link_line_frame frame = {.kind = WK_LINK_LINE_ASK,
                                                 .number = (uint8_t)i,
                                                 .meter = METER,
                                                 .octets =
                                                     wk_bytes_in_of(payload, sizeof payload)};
        wk_link_line_write(&out, &frame);
        const bool hurts = (i & 1) != 0;
        if (hurts) { /* one octet inside becomes another, or junk comes before the frame */
            octets[1 + wk_virtual_draw(&chance, (uint32_t)out.size - 2)] ^=
                (uint8_t)(1 + wk_virtual_draw(&chance, 255));
            hurt++;
        } else {
            uint8_t junk[8];
            (void)draw(NULL, junk, sizeof junk);
            EXPECT(!read_all(&reader, junk, sizeof junk, &got));
        }
        const bool comes = read_all(&reader, octets, out.size, &got);
        EXPECT(comes != hurts);
        EXPECT(!comes || memcmp(got.octets.data, payload, sizeof payload) == 0);
        good += comes ? 1 : 0;
    }
    EXPECT_I64(TRIES, good + hurt);
}

/* ---- a line with both ends --------------------------------------------------------------- */

struct office {
    struct wk_link_line_reader reader;
    uint8_t answer[64];
    size_t size;
    int64_t answer_us; /* when the line has turned */
    int asked;
};

static struct wk_virtual_serial serial;
static struct wk_link_line meter;
static struct office office;

static void office_hears(uint8_t octet, int64_t now_us)
{
    struct wk_link_line_frame frame;
    if (!wk_link_line_read(&office.reader, octet, &frame) || frame.kind != WK_LINK_LINE_ASK) {
        return;
    }
    struct wk_bytes_out out = wk_bytes_out_of(office.answer, sizeof office.answer);
    frame.kind = WK_LINK_LINE_ANSWER;
    frame.octets = wk_bytes_in_of(frame.octets.data, 1); /* what was asked, in short */
    wk_link_line_write(&out, &frame);
    office.size = out.size;
    office.answer_us = now_us + WK_LINK_LINE_TURN_US;
    office.asked++;
}

static void send(unsigned end, const uint8_t *octets, size_t size, int64_t now_us)
{
    for (size_t i = 0; i < size; i++) {
        (void)!wk_virtual_serial_send(&serial, end, octets[i], now_us);
    }
}

/* Time goes on by half a millisecond; returns whether the answer came, which starts with `wanted`. */
static bool step(int64_t now_us, uint8_t wanted)
{
    uint8_t octet;
    bool answered = false;
    while (wk_virtual_serial_receive(&serial, 1, &octet, now_us) == WK_OK) {
        office_hears(octet, now_us);
    }
    while (wk_virtual_serial_receive(&serial, 0, &octet, now_us) == WK_OK) {
        struct wk_bytes_in answer;
        bool is_answer;
        (void)wk_link_line_take(&meter, &octet, 1, now_us, &is_answer, &answer);
        answered = answered || (is_answer && answer.size == 1 && answer.data[0] == wanted);
    }
    if (office.size > 0 && now_us >= office.answer_us) {
        send(1, office.answer, office.size, now_us);
        office.size = 0;
    }
    return answered;
}

static void questions_are_answered_over_a_line_that_echoes_and_flips(void)
{
    const struct wk_virtual_serial_rules rules = {
        .bits = 10, .echo = true, .shared = true, .noise_ppm = 200};
    const struct wk_link_line_config config = {.baud = BAUD, .meter = METER, .random = draw};
    int64_t now_us = 0;
    int answered = 0;
    int unanswered = 0;
    int wrong = 0;
    wk_virtual_serial_init(&serial, &rules, BAUD, SEED);
    EXPECT_OK(wk_link_line_init(&meter, &config, now_us));
    for (int i = 0; i < 1000; i++) {
        uint8_t question[100] = {(uint8_t)i};
        uint8_t coded[160];
        struct wk_bytes_out out = wk_bytes_out_of(coded, sizeof coded);
        wk_err err;
        while ((err = wk_link_line_ask(&meter, question, sizeof question, now_us, &out)) ==
               WK_E_BUSY) {
            now_us += 500;
            wrong += step(now_us, question[0]) ? 1 : 0;
        }
        EXPECT_OK(err);
        send(0, coded, out.size, now_us);
        bool is_answered = false;
        bool is_over = false;
        while (!is_answered && !is_over) {
            now_us += 500;
            is_answered = step(now_us, question[0]);
            is_over = wk_link_line_tick(&meter, now_us);
        }
        answered += is_answered ? 1 : 0;
        unanswered += is_over ? 1 : 0;
    }
    EXPECT_I64(0, serial.counts.collided);
    EXPECT_I64(0, wrong);
    EXPECT_I64(1000, answered + unanswered);
    /* 1,060 bits of a question and 170 of its answer: 1 - 0.9998 ^ 1004 of the data bits = 18 % */
    EXPECT(unanswered > 120 && unanswered < 250);
    printf("# %d of 1000 unanswered, %d s\n", unanswered, (int)(now_us / SECOND));
}

static void nobody_speaks_before_the_line_was_silent(void)
{
    struct wk_link_line_config config = {
        .baud = BAUD, .meter = METER, .is_shared = true, .random = draw};
    uint8_t coded[64];
    struct wk_bytes_in answer;
    bool is_answer;
    struct wk_bytes_out out = wk_bytes_out_of(coded, sizeof coded);
    EXPECT_OK(wk_link_line_init(&meter, &config, 0));
    EXPECT_ERR(WK_E_BUSY, wk_link_line_ask(&meter, "a", 1, WK_LINK_LINE_BEGIN_US - 1, &out));
    (void)wk_link_line_take(&meter, (const uint8_t *)"x", 1, SECOND, &is_answer, &answer);
    EXPECT_ERR(WK_E_BUSY, wk_link_line_ask(&meter, "a", 1, SECOND + 1000, &out));
    EXPECT(wk_link_line_due_us(&meter) >= SECOND + WK_LINK_LINE_BEGIN_US);
    EXPECT_OK(wk_link_line_ask(&meter, "a", 1, wk_link_line_due_us(&meter), &out));
    EXPECT_ERR(WK_E_BUSY, wk_link_line_ask(&meter, "a", 1, 2 * SECOND, &out));
    EXPECT(wk_link_line_tick(&meter, 2 * SECOND));
    EXPECT(!wk_link_line_tick(&meter, 2 * SECOND));
    config.baud = 0;
    EXPECT_ERR(WK_E_ARGUMENT, wk_link_line_init(&meter, &config, 0));
}

WK_TEST_MAIN(T(a_frame_is_the_octets_of_the_description), T(frames_of_every_length_come_back),
             T(noise_costs_a_frame_and_no_more),
             T(questions_are_answered_over_a_line_that_echoes_and_flips),
             T(nobody_speaks_before_the_line_was_silent))
