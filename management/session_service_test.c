/* SPDX-License-Identifier: Apache-2.0
 *
 * The services of the server octet by octet: requests as the abstract syntax of IEC 62056-5-3
 * encodes them, and the replies they must get. */
#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "cosem/initiate.h"
#include "management/session.h"
#include "port/bearssl/bearssl.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define NOW_US INT64_C(1790000000000000)
#define VALUE  (64 * 1024)
#define ROWS   32

static struct wk_dlms_meter meter;
static struct wk_object rows[ROWS];
static struct wk_object_table table;
static struct wk_session_security security;
static struct wk_session session;
static struct wk_bearssl bearssl;
static uint64_t entropy;

static uint8_t reply_room[WK_SESSION_REPLY];
static size_t reply_size;
static uint8_t value[VALUE];
static size_t value_size;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static wk_err take_value(const uint8_t *octets, size_t size)
{
    if (size > sizeof value - value_size) {
        return WK_E_FULL;
    }
    memcpy(value + value_size, octets, size);
    value_size += size;
    return WK_OK;
}

static wk_err send_octets(const uint8_t *octets, size_t size)
{
    const struct wk_session_link link = {2, WK_SESSION_SERVER_SAP};
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    const wk_err err =
        wk_session_receive(&session, NOW_US, link, wk_bytes_in_of(octets, size), &reply);
    reply_size = reply.size;
    return err;
}

static wk_err send_hex(const char *text)
{
    const struct wk_test_octets octets = wk_test_hex(text);
    return send_octets(octets.data, octets.size);
}

/* The reader's association, of which the reader may do what management may: `conformance` and
 * `max_pdu` as six and four hex digits. */
static void open_session(const char *conformance, const char *max_pdu)
{
    char aarq[160];
    const struct wk_session_config config = {
        .table = &table,
        .security = &security,
        .crypto = &bearssl.hal,
        .zone = &wk_zone_central_europe,
        .max_pdu = 1024,
    };
    entropy = 20261121;
    wk_bearssl_init(&bearssl, &entropy, draw);
    wk_dlms_meter_secure(&security);
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    for (size_t i = 0; i < table.count && i < ROWS; i++) {
        rows[i] = table.rows[i];
        rows[i].rights[WK_ROLE_READER] = rows[i].rights[WK_ROLE_MANAGEMENT];
    }
    table.rows = rows;
    (void)snprintf(aarq, sizeof aarq,
                   "6038 A109060760857405080101 8A020780 8B0760857405080201 AC0C800A"
                   "576174746B6565706572 BE10040E01000000065F1F0400%s%s",
                   conformance, max_pdu);
    EXPECT(table.count <= ROWS);
    EXPECT_OK(wk_session_init(&session, &config));
    EXPECT_OK(send_hex(aarq));
    EXPECT_I64(WK_ROLE_READER, wk_session_role(&session));
}

#define ALL "FFFFFF"

/* Request octets and the reply they must get. */
struct exchange {
    const char *request;
    const char *reply;
};

static void expect_exchanges(const struct exchange *exchanges, size_t count)
{
    for (size_t i = 0; i < count && !wk_test_failed_; i++) {
        const struct wk_test_octets want = wk_test_hex(exchanges[i].reply);
        EXPECT_OK(send_hex(exchanges[i].request));
        if (reply_size != want.size || memcmp(want.data, reply_room, want.size) != 0) {
            printf("# %s got", exchanges[i].request);
            for (size_t at = 0; at < reply_size; at++) {
                printf(" %02X", reply_room[at]);
            }
            printf("\n");
            wk_test_failed_ = true;
        }
    }
}

#define NOTE   "00010000600109FF02"
#define TOTAL  "00030100010800FF02"
#define CLOCK  "00080000010000FF02"
#define RELAY  "0046000060030AFF"
#define ARRAYS "007B0000120000FF"

static void a_list_is_written_by_blocks_too(void)
{
    static const struct exchange k_exchanges[] = {
        /* note and a register in blocks; the values come as one sequence */
        {"C105C102" NOTE "00" TOTAL "00 00 00000001 05 0209034142", "C502C100000001"},
        {"C103C1 00 00000002 01 43", "C502C100000002"},
        {"C103C1 01 00000003 02 1105", "C504C102 0003 00000003"},
        {"C103C1 01 00000004 02 1105", "C503C112 00000004"},
        /* all in the first block */
        {"C105C101" NOTE "00 01 00000001 06 010903585859", "C504C101 00 00000001"},
        /* a block left out ends it for all */
        {"C105C102" NOTE "00" TOTAL "00 00 00000001 05 0209034142", "C502C100000001"},
        {"C103C1 00 00000003 01 43", "C504C102 1313 00000003"},
        {"C103C1 00 00000002 01 43", "C503C112 00000002"},
        /* another count than targets, octets left over, too few */
        {"C105C102" NOTE "00" TOTAL "00 01 00000001 05 0109034142", "C504C102 0C0C 00000001"},
        {"C105C101" NOTE "00 01 00000001 05 0109014100", "C504C101 0C 00000001"},
        {"C105C101" NOTE "00 01 00000001 03 010903", "C504C101 0C 00000001"},
        {"C105C100 01 00000001 01 00", "D80101"},
    };
    open_session(ALL, "0400");
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
    EXPECT_I64(3, meter.note_size);
    EXPECT_BYTES("XXY", meter.note, 3);
    EXPECT_I64(2, meter.changes);
}

static void methods_are_invoked_as_lists_say(void)
{
    static const struct exchange k_exchanges[] = {
        {"C303C104" RELAY "01" ARRAYS "01" ARRAYS "02" TOTAL
         "04 0F00 00 120002 00" /* null-data: no parameter */,
         "C703C104 0000 000100120000 000100 09020003 0300"},
        {"C303C102" ARRAYS "03" ARRAYS "01 02 0903414243 00", "C703C102 0000 000100120003"},
        {"C303C100 00", "D80101"},
        {"C303C102" ARRAYS "03" ARRAYS "01 01 00", "D80203"},
        {"C303C101" RELAY "01 01 0F01", "C703C101 FA00"},
        {"C303C101" RELAY "05 01 0F01", "C703C101 0300"},
    };
    open_session(ALL, "0400");
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
    EXPECT(!meter.closed);
    EXPECT_I64(2, meter.changes); /* the relay, the note */
}

static void parameters_of_methods_come_by_blocks(void)
{
    static const struct exchange k_exchanges[] = {
        {"C304C1" ARRAYS "03 00 00000001 03 090341", "C704C100000001"},
        {"C306C1 00 00000002 01 42", "C704C100000002"},
        {"C306C1 01 00000003 01 43", "C701C10000"},
        {"C306C1 01 00000004 01 43", "C701C11000"},
        {"C301C1" ARRAYS "0100", "C701C1 000100120003"},
        /* out of turn: aborted, then there is none */
        {"C304C1" ARRAYS "03 00 00000001 03 090341", "C704C100000001"},
        {"C306C1 01 00000003 01 43", "C701C10F00"},
        {"C306C1 01 00000002 01 43", "C701C11000"},
        {"C304C1" ARRAYS "03 00 00000001 03 090341", "C704C100000001"},
        {"C306C2 01 00000002 01 43", "C701C21000"},
        {"C304C1" ARRAYS "03 00 00000001 03 090341", "C704C100000001"},
        {"C103C1 01 00000002 01 43", "C503C112 00000002"},
        {"C304C1" ARRAYS "04 00 00000001 03 090341", "C701C10300"},
        {"C304C1" ARRAYS "03 01 00000001 03 090341", "C701C10C00"},
        /* a list: the parameters come as one sequence */
        {"C305C102" ARRAYS "03" ARRAYS "01 00 00000001 05 0209045758", "C704C100000001"},
        {"C306C1 01 00000002 03 595A00", "C703C102 0000 000100120004"},
        {"C305C102" ARRAYS "03" ARRAYS "01 01 00000001 03 0209025758", "D80203"},
        {"C305C102" ARRAYS "03" ARRAYS "01 01 00000001 05 0109025758", "C701C10C00"},
        {"C305C111", "D80203"},
    };
    open_session(ALL, "0400");
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
    EXPECT_I64(4, meter.note_size);
    EXPECT_BYTES("WXYZ", meter.note, 4);
}

/* Asks for every block of what an ACTION returns. */
static wk_err collect_blocks(const char *request)
{
    WK_TRY(send_hex(request));
    value_size = 0;
    for (uint32_t block = 1;; block++) {
        struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
        struct wk_apdu_response response;
        WK_TRY(wk_apdu_read_response(&in, &response));
        if (response.service != WK_APDU_ACTION_REPLY_BLOCK || response.block != block) {
            return WK_E_FORMAT;
        }
        WK_TRY(take_value(response.data.data, response.data.size));
        if (response.last_block) {
            return WK_OK;
        }
        const uint8_t next[] = {0xC3, 2, 0xC1, 0, 0, 0, (uint8_t)block};
        WK_TRY(send_octets(next, sizeof next));
    }
}

static void what_a_method_returns_comes_by_blocks(void)
{
    static const struct exchange k_stray[] = {
        {"C302C100000001", "C701C11000"},
        {"C301C1" ARRAYS "02 01 120001", "C701C1 000100 090100"},
        {"C302C100000001", "C701C11000"},
    };
    open_session(ALL, "0040");
    EXPECT_OK(collect_blocks("C301C1" ARRAYS "02 01 1203E8"));
    /* return parameters from their choice on: [0] data, octet-string of 1000 */
    const struct wk_test_octets head = wk_test_hex("00 098203E8 000306");
    EXPECT_I64(1005, value_size);
    EXPECT_BYTES(head.data, value, head.size);
    EXPECT_I64((uint8_t)(999 * 3), value[1004]);
    expect_exchanges(k_stray, 3);
    EXPECT_OK(collect_blocks("C303C102" ARRAYS "02" ARRAYS "02 02 120064 1200C8"));
    const struct wk_test_octets list = wk_test_hex("02 000100 0964 00");
    EXPECT_BYTES(list.data, value, list.size);
    EXPECT_I64(1 + 3 + 102 + 3 + 203, value_size);
    /* longer than any buffer: carried out, but not returned */
    static const struct exchange k_long[] = {
        {"C301C1" ARRAYS "02 01 120FA0", "C701C1 0001010E"},
        {"C303C102" ARRAYS "02" ARRAYS "01 02 120FA0 00", "C703C102 0001010E 000100120000"},
    };
    expect_exchanges(k_long, 2);
    session.conformance &= ~WK_CONFORMANCE_BLOCK_ACTION;
    static const struct exchange k_no_blocks[] = {
        {"C301C1" ARRAYS "02 01 1203E8", "C701C1 0001010E"},
        {"C302C100000001", "D80102"},
    };
    expect_exchanges(k_no_blocks, 2);
}

WK_TEST_MAIN(T(a_list_is_written_by_blocks_too), T(methods_are_invoked_as_lists_say),
             T(parameters_of_methods_come_by_blocks), T(what_a_method_returns_comes_by_blocks))
