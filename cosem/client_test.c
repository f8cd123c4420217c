/* SPDX-License-Identifier: Apache-2.0
 *
 * The client against answers that no honest server gives. (What it does with honest ones is
 * tested in management/session_test.) */
#include "cosem/client.h"

#include "cosem/cosem_test.h"
#include "tests/wk_test.h"

#define SECOND INT64_C(1000000)

static struct wk_client client;
static uint8_t taken[256];
static size_t taken_size;
static uint8_t sent[WK_CLIENT_PDU + 64];
static size_t sent_size;

static wk_err take(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    if (size > sizeof taken - taken_size) {
        return WK_E_FULL;
    }
    memcpy(taken + taken_size, octets, size);
    taken_size += size;
    return WK_OK;
}

static const struct wk_client_sink sink = {NULL, take};
static const struct wk_apdu_target clock_time = {
    .class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};

static wk_err answer(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    return wk_client_receive(&client, 0, wk_test_in(&octets));
}

static wk_err send_next(void)
{
    struct wk_bytes_out out = wk_bytes_out_of(sent, sizeof sent);
    const wk_err err = wk_client_output(&client, 0, &out);
    sent_size = out.size;
    return err;
}

/* An association without protection, open, up to the point where a GET has been sent. */
static wk_err begin_get(void)
{
    const struct wk_client_config config = {
        .mechanism = WK_ASSOCIATION_NONE,
        .max_pdu = 256,
        .timeout_us = 5 * SECOND,
    };
    taken_size = 0;
    WK_TRY(wk_client_init(&client, &config));
    WK_TRY(wk_client_open(&client));
    WK_TRY(send_next());
    WK_TRY(answer("6129A109060760857405080101A203020100A305A103020100"
                  "BE10040E0800065F1F040000501D04000007"));
    WK_TRY(client.outcome);
    WK_TRY(wk_client_get(&client, &clock_time, sink));
    return send_next();
}

static void an_honest_answer_is_taken(void)
{
    EXPECT_OK(begin_get());
    const struct wk_test_octets want = wk_test_hex("C001C100080000010000FF0200");
    EXPECT_I64(want.size, sent_size);
    EXPECT_BYTES(want.data, sent, want.size);
    EXPECT_OK(answer("C401C1000902AABB"));
    EXPECT(!wk_client_busy(&client));
    EXPECT_OK(client.outcome);
    EXPECT_I64(4, taken_size);
}

static void answers_that_do_not_fit_the_question_end_the_association(void)
{
    const char *k_wrong[] = {
        "",
        "C4",
        "C401C200 0902AABB",                  /* another invoke-id */
        "C401C100 0902AABBCC",                /* octets too many */
        "C401C100 0902AA",                    /* and too few */
        "C501C100",                           /* the answer to a SET */
        "C701C10000",                         /* to an ACTION */
        "C403C101 00 1105",                   /* to a list */
        "C402C1000000000200 024142",          /* the second block first */
        "C402C10000000001 02 024142",         /* neither data nor result */
        "C401C10100",                         /* refused with success */
        "CC0E300000000100000000000000000000", /* ciphered, where nothing is */
        "6303800100",                         /* a release nobody asked for */
        "C001C100080000010000FF0200",         /* our own question */
        "0F0000000000",                       /* a push */
    };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        EXPECT_OK(begin_get());
        EXPECT_OK(answer(k_wrong[i]));
        EXPECT(!wk_client_busy(&client));
        EXPECT(client.outcome != WK_OK && client.outcome != WK_E_REFUSED);
        EXPECT(client.broken);
        EXPECT_I64(0, taken_size);
        EXPECT_ERR(WK_E_STATE, wk_client_get(&client, &clock_time, sink));
        EXPECT_ERR(WK_E_STATE, wk_client_open(&client));
        EXPECT_ERR(WK_E_STATE, wk_client_release(&client));
    }
}

static void blocks_must_follow_each_other(void)
{
    EXPECT_OK(begin_get());
    EXPECT_OK(answer("C402C1000000000100 020902"));
    EXPECT(wk_client_busy(&client));
    EXPECT_OK(send_next());
    const struct wk_test_octets want = wk_test_hex("C002C100000001");
    EXPECT_I64(want.size, sent_size);
    EXPECT_BYTES(want.data, sent, want.size);
    EXPECT_OK(answer("C402C1010000000200 02AABB"));
    EXPECT_OK(client.outcome);
    EXPECT_I64(4, taken_size);
    const char *k_wrong[] = {"C402C1010000000100 02AABB", "C402C1010000000300 02AABB",
                             "C401C100 0902AABB"};
    for (size_t i = 0; i < 3; i++) {
        EXPECT_OK(begin_get());
        EXPECT_OK(answer("C402C1000000000100 020902"));
        EXPECT_OK(send_next());
        EXPECT_OK(answer(k_wrong[i]));
        EXPECT_ERR(WK_E_FORMAT, client.outcome);
        EXPECT(client.broken);
    }
    EXPECT_OK(begin_get());
    EXPECT_OK(answer("C402C1000000000100 020902"));
    EXPECT_OK(send_next());
    EXPECT_OK(answer("C402C1010000000201 0F")); /* given up by the server: a plain refusal */
    EXPECT_ERR(WK_E_REFUSED, client.outcome);
    EXPECT_I64(WK_APDU_LONG_GET_ABORTED, client.result);
    EXPECT(!client.broken);
}

static void a_refusal_leaves_the_association_open(void)
{
    EXPECT_OK(begin_get());
    EXPECT_OK(answer("C401C10103"));
    EXPECT_ERR(WK_E_REFUSED, client.outcome);
    EXPECT_I64(WK_APDU_READ_WRITE_DENIED, client.result);
    EXPECT_OK(wk_client_get(&client, &clock_time, sink));
    EXPECT_OK(send_next());
    EXPECT_OK(answer("D80102"));
    EXPECT_ERR(WK_E_REFUSED, client.outcome);
    EXPECT_I64(WK_APDU_SERVICE_NOT_SUPPORTED, client.exception.service_error);
    EXPECT_OK(wk_client_get(&client, &clock_time, sink));
    EXPECT_OK(send_next());
    EXPECT_OK(answer("C401C1000902AABB"));
    EXPECT_OK(client.outcome);
    EXPECT_OK(wk_client_release(&client));
    EXPECT_OK(send_next());
    EXPECT_OK(answer("6303800100"));
    EXPECT_OK(client.outcome);
    EXPECT_I64(WK_CLIENT_CLOSED, client.step);
}

static void an_answer_that_does_not_come_is_not_waited_for(void)
{
    EXPECT_OK(begin_get());
    wk_client_tick(&client, 5 * SECOND - 1);
    EXPECT(wk_client_busy(&client));
    wk_client_tick(&client, 5 * SECOND);
    EXPECT(!wk_client_busy(&client));
    EXPECT_ERR(WK_E_TIMEOUT, client.outcome);
    EXPECT_ERR(WK_E_STATE, answer("C401C1000902AABB")); /* too late */
}

static void a_sink_that_is_full_ends_the_transfer(void)
{
    EXPECT_OK(begin_get());
    taken_size = sizeof taken - 3;
    EXPECT_OK(answer("C401C1000902AABB"));
    EXPECT_ERR(WK_E_FULL, client.outcome);
    EXPECT(client.broken);
}

static void an_association_that_is_refused_says_why(void)
{
    const struct {
        const char *hex;
        wk_err outcome;
    } k_cases[] = {
        {"6117A109060760857405080101A203020101A305A10302010D", WK_E_AUTH},
        {"6117A109060760857405080101A203020101A305A103020102", WK_E_REFUSED},
        {"6117A109060760857405080101A203020102A305A103020101", WK_E_REFUSED},
        {"D8010600000007", WK_E_REPLAY},
        {"D80105", WK_E_AUTH},
        {"D80101", WK_E_REFUSED},
        {"6117A109060760857405080101A203020100A305A103020100", WK_E_SHORT}, /* no initiate */
        {"611FA109060760857405080101A203020101A305A103020101BE0604040E010603", WK_E_REFUSED},
        {"6129A109060760857405080101A203020100A305A103020100"
         "BE10040E0800065F1F040000501D00100007",
         WK_E_RANGE}, /* APDUs of sixteen octets */
        {"6129A109060760857405080101A203020100", WK_E_SHORT},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        const struct wk_client_config config = {.max_pdu = 256, .timeout_us = SECOND};
        EXPECT_OK(wk_client_init(&client, &config));
        EXPECT_OK(wk_client_open(&client));
        EXPECT_ERR(WK_E_STATE, wk_client_open(&client));
        EXPECT_OK(send_next());
        EXPECT_OK(answer(k_cases[i].hex));
        EXPECT_ERR(k_cases[i].outcome, client.outcome);
        EXPECT(client.broken);
    }
    EXPECT_I64(0, client.exception.service_error);
}

static void settings_out_of_range_are_refused(void)
{
    struct wk_client_config config = {.max_pdu = 63};
    EXPECT_ERR(WK_E_ARGUMENT, wk_client_init(&client, &config));
    config.max_pdu = WK_CLIENT_PDU + 1;
    EXPECT_ERR(WK_E_ARGUMENT, wk_client_init(&client, &config));
    config.max_pdu = 256;
    config.most_pdu = 63;
    EXPECT_ERR(WK_E_ARGUMENT, wk_client_init(&client, &config));
    config.most_pdu = 0;
    config.mechanism = WK_ASSOCIATION_HLS_GMAC; /* without cryptography */
    EXPECT_ERR(WK_E_ARGUMENT, wk_client_init(&client, &config));
}

static void chance_in_the_answers_breaks_nothing(void)
{
    uint64_t chance = 7;
    printf("# seed 7\n");
    static const uint8_t k_tags[] = {0xC4, 0xC5, 0xC7, 0xD8, 0x61, 0x63, 0xCC};
    for (int round = 0; round < 5000; round++) {
        uint8_t octets[48];
        const size_t size = (size_t)(wk_test_random(&chance) >> 32) % sizeof octets;
        for (size_t i = 0; i < sizeof octets; i++) {
            octets[i] = (uint8_t)(wk_test_random(&chance) >> 40);
        }
        octets[0] = k_tags[(wk_test_random(&chance) >> 33) % sizeof k_tags];
        octets[1] = (uint8_t)(1 + octets[1] % 3);
        octets[2] = round % 2 == 0 ? 0xC1 : octets[2];
        EXPECT_OK(begin_get());
        EXPECT_OK(wk_client_receive(&client, 0, wk_bytes_in_of(octets, size)));
    }
}

WK_TEST_MAIN(T(an_honest_answer_is_taken),
             T(answers_that_do_not_fit_the_question_end_the_association),
             T(blocks_must_follow_each_other), T(a_refusal_leaves_the_association_open),
             T(an_answer_that_does_not_come_is_not_waited_for),
             T(a_sink_that_is_full_ends_the_transfer),
             T(an_association_that_is_refused_says_why), T(settings_out_of_range_are_refused),
             T(chance_in_the_answers_breaks_nothing))
