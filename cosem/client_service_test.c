/* SPDX-License-Identifier: Apache-2.0
 *
 * Every service of the client against a server that answers as the standard has it, too early,
 * too late, cut off, and about something else. */
#include "cosem/access.h"
#include "cosem/axdr.h"
#include "cosem/client.h"
#include "cosem/cosem_test.h"
#include "cosem/gbt.h"
#include "tests/wk_test.h"

#define SECOND INT64_C(1000000)
#define ANSWER "6129A109060760857405080101A203020100A305A103020100"
#define GRANTS "BE10040E0800065F1F0400"

static struct wk_client client;
static uint8_t taken[512];
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
static const struct wk_apdu_target k_clock = {
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

static uint16_t g_most_pdu;

/* An association without protection; `grants`: conformance, longest APDU and vaa-name. */
static wk_err open_with(const char *grants, uint8_t window)
{
    const struct wk_client_config config = {.mechanism = WK_ASSOCIATION_NONE,
                                            .max_pdu = 256,
                                            .most_pdu = g_most_pdu,
                                            .timeout_us = 5 * SECOND,
                                            .window = window};
    char hex[200];
    taken_size = 0;
    WK_TRY(wk_client_init(&client, &config));
    WK_TRY(wk_client_open(&client));
    WK_TRY(send_next());
    (void)snprintf(hex, sizeof hex, "%s%s%s", ANSWER, GRANTS, grants);
    WK_TRY(answer(hex));
    return client.outcome;
}

/* ---- one question of every kind ---------------------------------------------------------- */

static const uint8_t k_value[] = {0x11, 5};
static const uint8_t k_values[] = {2, 0x11, 5, 0x11, 6};
static const uint8_t k_attributes[] = {0, 8, 0, 0, 1, 0, 0, 255, 2, 0,
                                       0, 3, 1, 0, 1, 8, 0, 255, 2, 0};
static const uint8_t k_methods[] = {0, 70, 0, 0, 96, 3, 10, 255, 1,
                                    0, 70, 0, 0, 96, 3, 10, 255, 2};
static const uint8_t k_accessed[] = {1, 0, 8, 0, 0, 1, 0, 0, 255, 2};
static const uint8_t k_null[] = {0};
static struct wk_access_request access_request;

static wk_err ask_get(void)
{
    return wk_client_get(&client, &k_clock, sink);
}

static wk_err ask_set(void)
{
    return wk_client_set(&client, &k_clock, wk_bytes_in_of(k_value, sizeof k_value));
}

static wk_err ask_action(void)
{
    return wk_client_action(&client, &k_clock, wk_bytes_in_of(k_value, sizeof k_value), sink);
}

static wk_err ask_get_list(void)
{
    return wk_client_get_list(&client, 2, wk_bytes_in_of(k_attributes, sizeof k_attributes),
                              sink);
}

static wk_err ask_set_list(void)
{
    return wk_client_set_list(&client, 2, wk_bytes_in_of(k_attributes, sizeof k_attributes),
                              wk_bytes_in_of(k_values, sizeof k_values));
}

static wk_err ask_action_list(void)
{
    return wk_client_action_list(&client, 2, wk_bytes_in_of(k_methods, sizeof k_methods),
                                 wk_bytes_in_of(k_values, sizeof k_values), sink);
}

static wk_err ask_access(void)
{
    access_request = (struct wk_access_request){
        .invoke = WK_ACCESS_CONFIRM | 1,
        .count = 1,
        .list = wk_bytes_in_of(k_accessed, sizeof k_accessed),
        .values = wk_bytes_in_of(k_null, sizeof k_null),
    };
    return wk_client_access(&client, &access_request, sink);
}

#define WRONGS 12
static const struct service {
    wk_err (*ask)(void);
    const char *answer;
    size_t taken; /* octets that the sink gets */
    const char *refusal;
    const char *wrong[WRONGS];
} k_services[] = {
    {ask_get,
     "C401C1 00 1105",
     2,
     "C401C1 01 04",
     {"C401C1 02 1105", "C501C1 00", "C701C1 00 00", "C403C1 01 00 1105", "C401C2 00 1105",
      "C404C1 00", "DA 40000001 00 00 01 1105 01 01 00"}},
    {ask_set,
     "C501C1 00",
     0,
     "C501C1 03",
     {"C401C1 00 1105", "C505C1 01 00", "C502C1 00000001", "C503C1 00 00000001", "C501C2 00",
      "C504C1 01 00 00000001"}},
    {ask_action,
     "C701C1 00 01 00 1105",
     2,
     "C701C1 04 00",
     {"C401C1 00 1105", "C703C1 01 00 00", "C704C1 00000001", "C701C2 00 00",
      "C702C1 01 00000002 01 00"}},
    {ask_action, "C701C1 00 00", 0, "C701C1 00 01 01 04", {"C701C1 00 01 02 04"}},
    {ask_get_list,
     "C403C1 02 00 1105 01 04",
     6,
     "C402C1 01 00000001 01 02",
     {"C403C1 01 00 1105", "C401C1 00 1105", "C403C1 03 00 1105 01 04 01 04", "C505C1 02 00 00",
      "C703C1 02 00 00 00 00"}},
    {ask_set_list,
     "C505C1 02 00 03",
     0,
     NULL,
     {"C505C1 01 00", "C505C1 03 00 00 00", "C501C1 00", "C403C1 02 00 1105 01 04",
      "C502C1 00000001"}},
    {ask_action_list,
     "C703C1 02 00 00 03 01 00 1105",
     8,
     "C701C1 04 00",
     {"C703C1 01 00 00", "C703C1 03 00 00 00 00 00 00", "C701C1 00 00", "C505C1 02 00 03"}},
    {ask_access,
     "DA 40000001 00 00 01 1105 01 01 00",
     13,
     NULL,
     {"DA 40000002 00 00 01 1105 01 01 00", "DA 40000001 00 00 02 1105 1105 02 01 00 01 00",
      "DA 40000001 00 00 00 00", "C401C1 00 1105", "C701C1 00 00"}},
};
#define SERVICES (sizeof k_services / sizeof k_services[0])

static wk_err ask(const struct service *service)
{
    WK_TRY(open_with("00 7F1F 0400 0007", 0));
    WK_TRY(service->ask());
    return send_next();
}

static void every_question_takes_its_answer(void)
{
    for (size_t i = 0; i < SERVICES; i++) {
        EXPECT_OK(ask(&k_services[i]));
        EXPECT(wk_client_busy(&client));
        EXPECT_ERR(WK_E_STATE, k_services[i].ask());
        EXPECT_OK(answer(k_services[i].answer));
        EXPECT_OK(client.outcome);
        EXPECT(!wk_client_busy(&client) && !client.broken);
        EXPECT_I64(k_services[i].taken, taken_size);
    }
}

static void every_refusal_leaves_the_association_open(void)
{
    for (size_t i = 0; i < SERVICES; i++) {
        EXPECT_OK(ask(&k_services[i]));
        EXPECT_OK(answer(k_services[i].refusal != NULL ? k_services[i].refusal : "D80102"));
        EXPECT_ERR(WK_E_REFUSED, client.outcome);
        EXPECT(!client.broken);
        EXPECT_OK(k_services[i].ask());
    }
}

static void no_question_takes_the_answer_to_another(void)
{
    for (size_t i = 0; i < SERVICES; i++) {
        for (size_t j = 0; j < WRONGS && k_services[i].wrong[j] != NULL; j++) {
            EXPECT_OK(ask(&k_services[i]));
            EXPECT_OK(answer(k_services[i].wrong[j]));
            if (client.outcome == WK_OK || !client.broken || taken_size > 0) {
                printf("# service %zu took %s\n", i, k_services[i].wrong[j]);
                EXPECT(false);
            }
        }
    }
}

static void no_question_takes_the_beginning_of_an_answer(void)
{
    for (size_t i = 0; i < SERVICES; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_services[i].answer);
        for (size_t size = 0; size <= octets.size + 1; size++) {
            if (size == octets.size) {
                continue;
            }
            EXPECT_OK(ask(&k_services[i]));
            EXPECT_OK(wk_client_receive(&client, 0, wk_bytes_in_of(octets.data, size)));
            EXPECT(client.outcome != WK_OK && client.broken);
            EXPECT_I64(0, taken_size);
        }
    }
}

static void a_sink_that_is_full_ends_every_transfer(void)
{
    for (size_t i = 0; i < SERVICES; i++) {
        for (size_t left = 0; left < k_services[i].taken; left++) {
            EXPECT_OK(ask(&k_services[i]));
            taken_size = sizeof taken - left;
            EXPECT_OK(answer(k_services[i].answer));
            EXPECT_ERR(WK_E_FULL, client.outcome);
            EXPECT(client.broken);
        }
    }
}

/* The server takes 1024 octets, or does not say. */
static void a_carrier_that_takes_less_than_the_server_is_given_less(void)
{
    static const char *const k_grants[] = {"FFFFFF04000007", "FFFFFF00000007"};
    uint8_t value[200] = {0x09, 0x81, 197};
    for (size_t i = 0; i < 2; i++) {
        g_most_pdu = 100;
        EXPECT_OK(open_with(k_grants[i], 0));
        EXPECT_OK(
            wk_client_action(&client, &k_clock, wk_bytes_in_of(value, sizeof value), sink));
        EXPECT_OK(send_next());
        EXPECT(sent_size > 60 && sent_size <= 100);
        EXPECT_I64(0xC3, sent[0]);
        EXPECT_I64(4, sent[1]); /* ACTION with the first block */
        g_most_pdu = 0;
        EXPECT_OK(open_with(k_grants[i], 0));
        EXPECT_OK(
            wk_client_action(&client, &k_clock, wk_bytes_in_of(value, sizeof value), sink));
        EXPECT_OK(send_next());
        EXPECT(sent_size > sizeof value);
    }
}

static void nothing_is_asked_without_an_association(void)
{
    const struct wk_client_config config = {.max_pdu = 256, .timeout_us = SECOND};
    for (size_t i = 0; i < SERVICES; i++) {
        EXPECT_OK(wk_client_init(&client, &config));
        EXPECT_ERR(WK_E_STATE, k_services[i].ask());
        EXPECT_OK(send_next());
        EXPECT_I64(0, sent_size);
    }
}

static void lists_that_contradict_themselves_are_refused(void)
{
    EXPECT_OK(open_with("00 7F1F 0400 0007", 0));
    const struct wk_bytes_in list = wk_bytes_in_of(k_methods, sizeof k_methods);
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_client_action_list(&client, 2, list, wk_bytes_in_of(k_value, 2), sink));
    EXPECT_ERR(WK_E_ARGUMENT, wk_client_set_list(&client, 2, list, wk_bytes_in_of(NULL, 0)));
    EXPECT_ERR(WK_E_FULL, wk_client_set_list(&client, WK_CLIENT_LIST + 1, list, list));
    access_request = (struct wk_access_request){.invoke = 1};
    EXPECT_ERR(WK_E_ARGUMENT, wk_client_access(&client, &access_request, sink));
    EXPECT_OK(ask_get());
}

/* ---- by blocks --------------------------------------------------------------------------- */

/* A server that takes 64 octets at once. */
#define SMALL "00 7F1F 0040 0007"

static uint8_t long_value[200] = {WK_AXDR_OCTET_STRING, 0x81, 197};
static uint8_t long_values[203] = {2, 0x11, 5, WK_AXDR_OCTET_STRING, 0x81, 197};

static void long_values_go_by_blocks_that_are_acknowledged_in_turn(void)
{
    static const struct {
        wk_apdu_service first;
        const char *next; /* printf of the number */
        const char *last;
        const char *wrong[4];
    } k_kinds[] = {
        {WK_APDU_SET_FIRST_BLOCK,
         "C502C1%08X",
         "C503C1 00 %08X",
         {"C502C1 00000009", "C503C1 00 00000001", "C504C1 02 00 00 00000001", "C501C1 00"}},
        {WK_APDU_SET_LIST_FIRST_BLOCK,
         "C502C1%08X",
         "C504C1 02 00 03 %08X",
         {"C502C1 00000009", "C503C1 00 00000001", "C504C1 01 00 00000001", "C505C1 02 00 00"}},
        {WK_APDU_ACTION_FIRST_BLOCK,
         "C704C1%08X",
         "C701C1 00 00",
         {"C704C1 00000009", "C703C1 02 00 00 00 00", "C502C1 00000001", "C401C1 00 1105"}},
        {WK_APDU_ACTION_LIST_FIRST_BLOCK,
         "C704C1%08X",
         "C703C1 02 00 00 00 00",
         {"C704C1 00000009", "C703C1 01 00 00", "C701C1 00 00", "C502C1 00000001"}},
    };
    const struct wk_bytes_in value = wk_bytes_in_of(long_value, sizeof long_value);
    const struct wk_bytes_in values = wk_bytes_in_of(long_values, sizeof long_values);
    for (size_t i = 0; i < sizeof k_kinds / sizeof k_kinds[0]; i++) {
        for (int wrong = -1; wrong < 4; wrong++) {
            EXPECT_OK(open_with(SMALL, 0));
            const wk_err begun =
                i == 0   ? wk_client_set(&client, &k_clock, value)
                : i == 1 ? wk_client_set_list(&client, 2,
                                              wk_bytes_in_of(k_attributes, sizeof k_attributes),
                                              values)
                : i == 2 ? wk_client_action(&client, &k_clock, value, sink)
                         : wk_client_action_list(&client, 2,
                                                 wk_bytes_in_of(k_methods, sizeof k_methods),
                                                 values, sink);
            EXPECT_OK(begun);
            uint32_t block = 1;
            bool last = false;
            for (; block < 20 && !last; block++) {
                char hex[60];
                EXPECT_OK(send_next());
                EXPECT(sent_size <= 64);
                const uint16_t service = (uint16_t)(sent[0] << 8 | sent[1]);
                EXPECT(service == k_kinds[i].first || block > 1);
                struct wk_apdu_request request;
                struct wk_bytes_in in = wk_bytes_in_of(sent, sent_size);
                EXPECT_OK(wk_apdu_read_request(&in, &request));
                EXPECT_I64(block, request.block);
                last = request.last_block;
                if (wrong >= 0) {
                    EXPECT_OK(answer(k_kinds[i].wrong[wrong]));
                    break;
                }
                (void)snprintf(hex, sizeof hex, last ? k_kinds[i].last : k_kinds[i].next,
                               block);
                EXPECT_OK(answer(hex));
            }
            if (wrong >= 0) {
                EXPECT(client.outcome != WK_OK && client.broken);
            } else {
                EXPECT(last && block > 4);
                EXPECT_OK(client.outcome);
            }
        }
    }
}

static void a_block_may_be_refused(void)
{
    static const char *const k_refusals[] = {"C503C1 03 00000001", "C501C1 03", "D80102"};
    for (size_t i = 1; i < 3; i++) {
        EXPECT_OK(open_with(SMALL, 0));
        EXPECT_OK(
            wk_client_set(&client, &k_clock, wk_bytes_in_of(long_value, sizeof long_value)));
        EXPECT_OK(send_next());
        EXPECT_OK(answer(k_refusals[i]));
        EXPECT_ERR(WK_E_REFUSED, client.outcome);
        EXPECT(!client.broken);
    }
}

static void data_that_an_action_returns_come_by_blocks(void)
{
    EXPECT_OK(open_with("00 7F1F 0400 0007", 0));
    EXPECT_OK(ask_action());
    EXPECT_OK(send_next());
    EXPECT_OK(answer("C702C1 00 00000001 04 00 01 00 09"));
    EXPECT_OK(send_next());
    const struct wk_test_octets next = wk_test_hex("C302C100000001");
    EXPECT_I64(next.size, sent_size);
    EXPECT_BYTES(next.data, sent, next.size);
    EXPECT_OK(answer("C702C1 01 00000002 03 02AABB"));
    EXPECT_OK(client.outcome);
    EXPECT(taken_size >= 4);
    EXPECT_OK(ask_action());
    EXPECT_OK(send_next());
    EXPECT_OK(answer("C702C1 00 00000001 04 00 01 00 09"));
    EXPECT_OK(send_next());
    EXPECT_OK(answer("C702C1 01 00000003 03 02AABB"));
    EXPECT_ERR(WK_E_FORMAT, client.outcome);
}

/* ---- general blocks ---------------------------------------------------------------------- */

#define GENERAL "60 7F1F 0040 0007" /* conformance with general-protection and general blocks */

static void a_long_request_goes_by_general_blocks_until_all_are_acknowledged(void)
{
    EXPECT_OK(open_with(GENERAL, 3));
    EXPECT_OK(wk_client_set(&client, &k_clock, wk_bytes_in_of(long_value, sizeof long_value)));
    size_t gathered = 0;
    bool last = false;
    for (int i = 0; i < 12 && !last; i++) {
        struct wk_gbt_block block;
        EXPECT_OK(send_next());
        struct wk_bytes_in in = wk_bytes_in_of(sent, sent_size);
        EXPECT_OK(wk_gbt_read(&in, &block));
        EXPECT_I64(i + 1, block.number);
        gathered += block.data.size;
        last = block.last;
        if (!wk_client_sends(&client) && !last) {
            char hex[40];
            (void)snprintf(hex, sizeof hex, "E0 03 %04X %04X 00", 0U, (unsigned)block.number);
            EXPECT_OK(answer(hex));
        }
    }
    EXPECT(last);
    EXPECT_I64(13 + sizeof long_value, gathered);
    EXPECT_OK(answer("C501C1 00"));
    EXPECT_OK(client.outcome);
}

static void general_blocks_nobody_agreed_on_end_the_association(void)
{
    EXPECT_OK(open_with("00 7F1F 0400 0007", 0));
    EXPECT_OK(ask_get());
    EXPECT_OK(send_next());
    EXPECT_OK(answer("E0 80 0001 0000 06 C401C1001105"));
    EXPECT(client.outcome != WK_OK && client.broken);
    EXPECT_OK(open_with(GENERAL, 3));
    EXPECT_OK(ask_get());
    EXPECT_OK(send_next());
    EXPECT_OK(answer("E0 80 0001 0000 06 C401C1001105"));
    EXPECT_OK(client.outcome);
    EXPECT_I64(2, taken_size);
    for (int size = 0; size < 9; size++) {
        const struct wk_test_octets octets = wk_test_hex("E0 80 0001 0000 06 C401C1001105");
        EXPECT_OK(open_with(GENERAL, 3));
        EXPECT_OK(ask_get());
        EXPECT_OK(send_next());
        EXPECT_OK(wk_client_receive(&client, 0, wk_bytes_in_of(octets.data, (size_t)size)));
        EXPECT(client.outcome != WK_OK || wk_client_busy(&client));
        EXPECT_I64(0, taken_size);
    }
}

static void a_lost_general_block_is_asked_for_and_in_the_end_given_up(void)
{
    EXPECT_OK(open_with(GENERAL, 3));
    EXPECT_OK(ask_get());
    EXPECT_OK(send_next());
    EXPECT_OK(answer("E0 43 0001 0000 03 C401C1")); /* one of a stream; the next is lost */
    int asked = 0;
    for (int64_t now_us = 0; now_us < 200 * SECOND && wk_client_busy(&client);
         now_us += SECOND) {
        struct wk_bytes_out out = wk_bytes_out_of(sent, sizeof sent);
        wk_client_tick(&client, now_us);
        EXPECT_OK(wk_client_output(&client, now_us, &out));
        asked += out.size > 0;
    }
    EXPECT(asked >= 1 && asked <= 20);
    EXPECT_ERR(WK_E_TIMEOUT, client.outcome);
    EXPECT_I64(0, taken_size);
}

WK_TEST_MAIN(T(every_question_takes_its_answer), T(every_refusal_leaves_the_association_open),
             T(no_question_takes_the_answer_to_another),
             T(no_question_takes_the_beginning_of_an_answer),
             T(a_sink_that_is_full_ends_every_transfer),
             T(a_carrier_that_takes_less_than_the_server_is_given_less),
             T(nothing_is_asked_without_an_association),
             T(lists_that_contradict_themselves_are_refused),
             T(long_values_go_by_blocks_that_are_acknowledged_in_turn),
             T(a_block_may_be_refused), T(data_that_an_action_returns_come_by_blocks),
             T(a_long_request_goes_by_general_blocks_until_all_are_acknowledged),
             T(general_blocks_nobody_agreed_on_end_the_association),
             T(a_lost_general_block_is_asked_for_and_in_the_end_given_up))
