/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "link/coap.h"
#include "port/virtual/draw.h"

#define SEED     UINT64_C(7252)
#define SECOND   INT64_C(1000000)
#define MOST     8 /* datagrams looked at in one go */
#define POSTS    400
#define LOSS_PPM 200000

static uint64_t chance;

static wk_err draw(void *self, void *to, size_t size)
{
    uint8_t *octets = to;
    (void)self;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)wk_virtual_draw(&chance, 256);
    }
    return WK_OK;
}

static struct wk_coap coap;

static wk_err begin(int64_t now_us)
{
    const struct wk_coap_config config = {
        .path = {wk_bytes_in_of("wk", 2), wk_bytes_in_of("574B500010000002", 16)},
        .random = draw};
    chance = SEED;
    return wk_coap_init(&coap, &config, now_us);
}

/* ---- messages ---------------------------------------------------------------------------- */

/* RFC 7252, appendix A, figures 16 and 17. */
static const uint8_t k_get[] = {0x40, 0x01, 0x7d, 0x34, 0xbb, 't', 'e', 'm',
                                'p',  'e',  'r',  'a',  't',  'u', 'r', 'e'};
static const uint8_t k_content[] = {0x60, 0x45, 0x7d, 0x34, 0xff, '2', '2', '.', '3', ' ', 'C'};
static const uint8_t k_get_token[] = {0x41, 0x01, 0x7d, 0x35, 0x20, 0xbb, 't', 'e', 'm',
                                      'p',  'e',  'r',  'a',  't',  'u',  'r', 'e'};

static void messages_are_the_octets_of_the_standard(void)
{
    struct wk_coap_message message;
    struct wk_bytes_in value;
    uint32_t number = 0;
    uint8_t octets[32];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    EXPECT_OK(wk_coap_read(wk_bytes_in_of(k_get_token, sizeof k_get_token), &message));
    EXPECT(message.type == WK_COAP_CON && message.code == WK_COAP_GET && message.id == 0x7d35);
    EXPECT(message.token_size == 1 && message.token[0] == 0x20 && message.payload.size == 0);
    EXPECT(wk_coap_next_option(&message.options, &number, &value));
    EXPECT(number == WK_COAP_URI_PATH && value.size == 11 &&
           memcmp(value.data, "temperature", 11) == 0);
    EXPECT(!wk_coap_next_option(&message.options, &number, &value));
    EXPECT_OK(wk_coap_read(wk_bytes_in_of(k_content, sizeof k_content), &message));
    EXPECT(message.type == WK_COAP_ACK && message.code == WK_COAP_CONTENT &&
           message.id == 0x7d34);
    EXPECT(message.payload.size == 6 && memcmp(message.payload.data, "22.3 C", 6) == 0);
    const struct wk_coap_message get = {.type = WK_COAP_CON, .code = WK_COAP_GET, .id = 0x7d34};
    number = 0;
    wk_coap_write_head(&out, &get);
    wk_coap_write_option(&out, &number, WK_COAP_URI_PATH, "temperature", 11);
    EXPECT(out.fault == WK_OK && out.size == sizeof k_get &&
           memcmp(octets, k_get, out.size) == 0);
}

/* 3.1: lengths and deltas of 13 and of 269 have an octet or two more. */
static void long_options_have_longer_heads(void)
{
    static const struct {
        uint32_t number;
        size_t size;
        uint8_t head[4];
        size_t head_size;
    } k_cases[] = {
        {12, 12, {0xcc}, 1},
        {13, 12, {0xdc, 0x00}, 2},
        {268, 13, {0xdd, 0xff, 0x00}, 3},
        {269, 1, {0xe1, 0x00, 0x00}, 3},
        {2000, 268, {0xed, 0x06, 0xc3, 0xff}, 4},
    };
    static const uint8_t k_value[268] = {7};
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint8_t octets[300];
        struct wk_bytes_in value;
        uint32_t number = 0;
        struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
        wk_coap_write_option(&out, &number, k_cases[i].number, k_value, k_cases[i].size);
        EXPECT_OK(out.fault);
        EXPECT(memcmp(octets, k_cases[i].head, k_cases[i].head_size) == 0);
        EXPECT_I64(k_cases[i].head_size + k_cases[i].size, out.size);
        struct wk_bytes_in in = wk_bytes_in_of(octets, out.size);
        number = 0;
        EXPECT(wk_coap_next_option(&in, &number, &value));
        EXPECT(number == k_cases[i].number && value.size == k_cases[i].size);
    }
    uint8_t octets[300];
    uint32_t number = 12;
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_coap_write_option(&out, &number, 11, k_value, 1);
    EXPECT_ERR(WK_E_ARGUMENT, out.fault);
}

static void malformed_messages_are_refused(void)
{
    static const struct {
        uint8_t octets[8];
        size_t size;
        wk_err wanted;
    } k_cases[] = {
        {{0x40, 0x01, 0x00}, 3, WK_E_SHORT},
        {{0x80, 0x01, 0x00, 0x01}, 4, WK_E_UNSUPPORTED},
        {{0x49, 0x01, 0x00, 0x01}, 4, WK_E_FORMAT},       /* a token of nine */
        {{0x42, 0x01, 0x00, 0x01, 0xaa}, 5, WK_E_SHORT},  /* ... that is not all there */
        {{0x40, 0x00, 0x00, 0x01, 0xff}, 5, WK_E_FORMAT}, /* empty, and more */
        {{0x40, 0x01, 0x00, 0x01, 0xff}, 5, WK_E_FORMAT}, /* a marker and nothing */
        {{0x40, 0x01, 0x00, 0x01, 0xf0}, 5, WK_E_FORMAT}, /* delta 15 */
        {{0x40, 0x01, 0x00, 0x01, 0x0f}, 5, WK_E_FORMAT}, /* length 15 */
        {{0x40, 0x01, 0x00, 0x01, 0xb4, 'a', 'b'}, 7, WK_E_SHORT},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct wk_coap_message message;
        EXPECT_ERR(k_cases[i].wanted,
                   wk_coap_read(wk_bytes_in_of(k_cases[i].octets, k_cases[i].size), &message));
    }
}

/* ---- the client -------------------------------------------------------------------------- */

/* What the client sends next, read. */
static bool next_sent(int64_t now_us, struct wk_coap_message *message)
{
    size_t size;
    const uint8_t *octets = wk_coap_output(&coap, now_us, &size);
    return octets != NULL && wk_coap_read(wk_bytes_in_of(octets, size), message) == WK_OK;
}

/* The far end says something to the client. */
static wk_err say(wk_coap_type type, uint8_t code, uint16_t id,
                  const struct wk_coap_message *to, const char *payload, int64_t now_us,
                  struct wk_coap_answer *answer)
{
    static uint8_t octets[64];
    struct wk_coap_message head = {.type = type, .code = code, .id = id};
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    if (to != NULL) {
        head.token_size = to->token_size;
        memcpy(head.token, to->token, to->token_size);
    }
    wk_coap_write_head(&out, &head);
    wk_coap_write_payload(&out, payload, strlen(payload));
    return wk_coap_receive(&coap, wk_bytes_in_of(octets, out.size), now_us, answer);
}

static void a_post_says_where_and_what(void)
{
    static const uint8_t k_behind[] = {0xb2, 'w', 'k', 0x0d, 0x03, '5',  '7', '4', 'B',
                                       '5',  '0', '0', '0',  '1',  '0',  '0', '0', '0',
                                       '0',  '0', '2', 0x11, 42,   0xff, 'a'};
    size_t size;
    EXPECT_OK(begin(0));
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, "a", 1, 0));
    const uint8_t *octets = wk_coap_output(&coap, 0, &size);
    EXPECT(octets != NULL && octets[0] == 0x44 && octets[1] == 0x02);
    EXPECT_I64(8 + sizeof k_behind, size);
    EXPECT(memcmp(octets + 8, k_behind, sizeof k_behind) == 0);
}

/* 4.2 and 4.8: 2 s to 3 s, then twice as long each time; given up after the fifth. */
static void what_nobody_answers_is_sent_five_times(void)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        int64_t sent_us[6] = {0};
        size_t size;
        wk_coap_lane lane = WK_COAP_POLL;
        int count = 0;
        EXPECT_OK(begin(0));
        chance = seed;
        EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, "a", 1, 0));
        while (!wk_coap_failed(&coap, &lane) && count < 6) {
            const int64_t due_us = wk_coap_due_us(&coap);
            EXPECT(due_us != WK_COAP_NEVER_US);
            sent_us[count] = due_us;
            count += wk_coap_output(&coap, due_us, &size) != NULL ? 1 : 0;
        }
        EXPECT_I64(5, count);
        EXPECT_I64(WK_COAP_BULK, lane);
        const int64_t wait_us = sent_us[1];
        EXPECT(wait_us >= 2 * SECOND && wait_us < 3 * SECOND);
        for (int i = 0; i < 5; i++) {
            EXPECT_I64(wait_us * ((1 << i) - 1), sent_us[i]);
        }
        EXPECT_I64(wait_us * 31, sent_us[5]); /* at most MAX_TRANSMIT_WAIT, 93 s */
        EXPECT_I64(WK_COAP_NEVER_US, wk_coap_due_us(&coap));
    }
}

static void one_may_be_unacknowledged_and_what_is_urgent_passes(void)
{
    struct wk_coap_message bulk;
    struct wk_coap_message urgent;
    struct wk_coap_answer answer;
    EXPECT_OK(begin(0));
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, "a", 1, 0));
    EXPECT(next_sent(0, &bulk));
    EXPECT_ERR(WK_E_BUSY, wk_coap_post(&coap, WK_COAP_BULK, "b", 1, 0));
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_URGENT, "c", 1, 0));
    EXPECT(next_sent(0, &urgent) && urgent.id != bulk.id);
    EXPECT(!next_sent(0, &urgent) || urgent.id != bulk.id);
    EXPECT_OK(say(WK_COAP_ACK, WK_COAP_CHANGED, urgent.id, &urgent, "yes", SECOND, &answer));
    EXPECT(answer.lane == WK_COAP_URGENT && answer.payload.size == 3);
    /* the later one came back: the earlier need not go again */
    EXPECT(!wk_coap_is_open(&coap, WK_COAP_BULK));
    EXPECT_I64(WK_COAP_NEVER_US, wk_coap_due_us(&coap));
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, "d", 1, 2 * SECOND));
}

/* 5.2.2, figure 18 of the appendix: an empty acknowledgement, and the response when there is one. */
static void a_response_may_come_by_itself_and_counts_once(void)
{
    struct wk_coap_message sent;
    struct wk_coap_message reply;
    struct wk_coap_answer answer;
    EXPECT_OK(begin(0));
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_POLL, NULL, 0, 0));
    EXPECT(next_sent(0, &sent) && sent.payload.size == 0);
    EXPECT_ERR(WK_E_NOT_FOUND,
               say(WK_COAP_ACK, WK_COAP_EMPTY, sent.id, NULL, "", SECOND, &answer));
    EXPECT(wk_coap_is_open(&coap, WK_COAP_POLL));
    EXPECT_I64(SECOND + WK_COAP_EXCHANGE_US, wk_coap_due_us(&coap));
    EXPECT_OK(say(WK_COAP_CON, WK_COAP_CHANGED, 0xbeef, &sent, "late", 90 * SECOND, &answer));
    EXPECT(answer.lane == WK_COAP_POLL && answer.payload.size == 4);
    EXPECT(next_sent(90 * SECOND, &reply));
    EXPECT(reply.type == WK_COAP_ACK && reply.code == WK_COAP_EMPTY && reply.id == 0xbeef);
    EXPECT_ERR(WK_E_NOT_FOUND,
               say(WK_COAP_CON, WK_COAP_CHANGED, 0xbeef, &sent, "late", 93 * SECOND, &answer));
    EXPECT(next_sent(93 * SECOND, &reply));
    EXPECT(reply.type == WK_COAP_ACK && reply.id == 0xbeef);
    EXPECT(!wk_coap_is_open(&coap, WK_COAP_POLL));
}

static void a_response_stands_for_a_lost_acknowledgement(void)
{
    struct wk_coap_message sent;
    struct wk_coap_answer answer;
    EXPECT_OK(begin(0));
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, "a", 1, 0));
    EXPECT(next_sent(0, &sent));
    EXPECT_OK(say(WK_COAP_NON, WK_COAP_CHANGED, 1, &sent, "", SECOND, &answer));
    EXPECT(answer.lane == WK_COAP_BULK);
    EXPECT(!next_sent(100 * SECOND, &sent));
}

static void what_is_for_nobody_is_rejected(void)
{
    struct wk_coap_message sent;
    struct wk_coap_message reply;
    struct wk_coap_message other;
    struct wk_coap_answer answer;
    static const uint8_t k_block[] = {0x60, 0x44, 0,   0,
                                      0xd1, 0x0e, 0x08}; /* Block1: critical */
    uint8_t blocks[sizeof k_block + 4];
    wk_coap_lane lane;
    EXPECT_OK(begin(0));
    EXPECT_ERR(WK_E_NOT_FOUND, say(WK_COAP_CON, WK_COAP_EMPTY, 7, NULL, "", 0, &answer));
    EXPECT(next_sent(0, &reply) && reply.type == WK_COAP_RST && reply.id == 7); /* a ping */
    EXPECT_ERR(WK_E_NOT_FOUND, say(WK_COAP_CON, WK_COAP_GET, 8, NULL, "", 0, &answer));
    EXPECT(next_sent(0, &reply) && reply.type == WK_COAP_RST && reply.id == 8);
    EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, "a", 1, 0));
    EXPECT(next_sent(0, &sent));
    other = sent;
    other.token[0] ^= 1;
    EXPECT_ERR(WK_E_NOT_FOUND, say(WK_COAP_CON, WK_COAP_CHANGED, 9, &other, "", 0, &answer));
    EXPECT(next_sent(0, &reply) && reply.type == WK_COAP_RST && reply.id == 9);
    EXPECT_ERR(WK_E_NOT_FOUND,
               say(WK_COAP_ACK, WK_COAP_CHANGED, sent.id, &other, "", 0, &answer));
    memcpy(blocks, k_block, 4);
    blocks[0] |= 4;
    blocks[2] = (uint8_t)(sent.id >> 8);
    blocks[3] = (uint8_t)sent.id;
    memcpy(blocks + 4, sent.token, 4);
    memcpy(blocks + 8, k_block + 4, 3);
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_coap_receive(&coap, wk_bytes_in_of(blocks, sizeof blocks), 0, &answer));
    EXPECT(wk_coap_is_open(&coap, WK_COAP_BULK));
    EXPECT_ERR(WK_E_NOT_FOUND,
               say(WK_COAP_RST, WK_COAP_EMPTY, sent.id, NULL, "", SECOND, &answer));
    EXPECT(wk_coap_failed(&coap, &lane) && lane == WK_COAP_BULK);
    EXPECT(!wk_coap_failed(&coap, &lane));
}

/* 4.4: a number comes again only after EXCHANGE_LIFETIME, however fast the way is. */
static void numbers_of_messages_are_not_used_again_too_soon(void)
{
    static int64_t last_us[UINT16_MAX + 1];
    struct wk_coap_message sent;
    struct wk_coap_answer answer;
    int64_t now_us = 1000 * SECOND;
    EXPECT_OK(begin(now_us));
    memset(last_us, 0, sizeof last_us);
    for (int i = 0; i < 3 * UINT16_MAX; i++) {
        wk_err err;
        while ((err = wk_coap_post(&coap, WK_COAP_BULK, "a", 1, now_us)) == WK_E_BUSY) {
            now_us += 500;
        }
        EXPECT_OK(err);
        EXPECT(next_sent(now_us, &sent));
        EXPECT(now_us - last_us[sent.id] > WK_COAP_EXCHANGE_US);
        last_us[sent.id] = now_us;
        EXPECT_OK(say(WK_COAP_ACK, WK_COAP_CHANGED, sent.id, &sent, "", now_us, &answer));
    }
}

/* A server of its own, that takes each request once, on a way that loses a fifth each way. */
static void over_a_way_that_loses_all_comes_through(void)
{
    struct wk_coap_message sent;
    struct wk_coap_answer answer;
    int64_t now_us = 0;
    int done = 0;
    int failed = 0;
    EXPECT_OK(begin(0));
    for (int i = 0; i < POSTS; i++) {
        const uint8_t number = (uint8_t)i;
        bool is_answered = false;
        wk_coap_lane lane;
        EXPECT_OK(wk_coap_post(&coap, WK_COAP_BULK, &number, 1, now_us));
        while (!is_answered && !wk_coap_failed(&coap, &lane)) {
            const int64_t due_us = wk_coap_due_us(&coap);
            now_us = due_us > now_us ? due_us : now_us;
            const bool goes = next_sent(now_us, &sent);
            if (!goes || wk_virtual_draw(&chance, 1000000) < LOSS_PPM) {
                continue;
            }
            EXPECT(sent.payload.size == 1 && sent.payload.data[0] == number);
            const bool comes = wk_virtual_draw(&chance, 1000000) >= LOSS_PPM;
            is_answered = comes && say(WK_COAP_ACK, WK_COAP_CHANGED, sent.id, &sent, "x",
                                       now_us, &answer) == WK_OK;
        }
        done += is_answered ? 1 : 0;
        failed += is_answered ? 0 : 1;
    }
    /* each try fails with 1 - 0.8 ^ 2 = 0.36, five of them with 0.6 % */
    EXPECT(done + failed == POSTS && failed <= POSTS / 50);
    EXPECT_I64(coap.counts.responses, done);
}

WK_TEST_MAIN(T(messages_are_the_octets_of_the_standard), T(long_options_have_longer_heads),
             T(malformed_messages_are_refused), T(a_post_says_where_and_what),
             T(what_nobody_answers_is_sent_five_times),
             T(one_may_be_unacknowledged_and_what_is_urgent_passes),
             T(a_response_may_come_by_itself_and_counts_once),
             T(a_response_stands_for_a_lost_acknowledgement), T(what_is_for_nobody_is_rejected),
             T(numbers_of_messages_are_not_used_again_too_soon),
             T(over_a_way_that_loses_all_comes_through))
