/* SPDX-License-Identifier: Apache-2.0
 *
 * The services of the server octet by octet: requests as the abstract syntax of IEC 62056-5-3
 * encodes them, and the replies they must get. */
#include "cosem/access.h"
#include "cosem/axdr.h"
#include "cosem/client.h"
#include "cosem/cosem_test.h"
#include "cosem/gbt.h"
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
static struct wk_object_access access[ROWS];
static struct wk_object_rights rights[ROWS][WK_ROLE_COUNT];
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
    wk_bearssl_add_sha256(&bearssl);
    wk_dlms_meter_secure(&security);
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    for (size_t i = 0; i < table.count && i < ROWS; i++) {
        rows[i] = table.rows[i];
        memcpy(rights[i], rows[i].access->rights, sizeof rights[i]);
        access[i] = (struct wk_object_access){rights[i], rows[i].access->functions};
        rights[i][WK_ROLE_READER] = rights[i][WK_ROLE_MANAGEMENT];
        rows[i].access = &access[i];
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
    session.conformance &= ~(WK_CONFORMANCE_BLOCK_ACTION | WK_CONFORMANCE_GENERAL_BLOCKS);
    static const struct exchange k_no_blocks[] = {
        {"C301C1" ARRAYS "02 01 1203E8", "C701C1 0001010E"},
        {"C302C100000001", "D80102"},
    };
    expect_exchanges(k_no_blocks, 2);
}

/* ---- general block transfer -------------------------------------------------------------- */

static void what_comes_by_general_blocks_is_answered_so(void)
{
    static const struct exchange k_exchanges[] = {
        /* one block; the answer's window is the server's, its ack the client's block */
        {"E081 0001 0000 0D C001C1" NOTE "00", "E088 0001 0001 09 C401C100 0903414243"},
        /* two blocks, streamed: answered when all is there */
        {"E041 0001 0000 06 C001C1 000100", ""},
        {"E081 0002 0000 07 00600109FF0200", "E088 0001 0002 09 C401C100 0903414243"},
        /* two blocks, not streamed: the first is acknowledged */
        {"E001 0001 0000 06 C001C1 000100", "E008 0001 0001 00"},
        {"E081 0002 0001 07 00600109FF0200", "E088 0002 0002 09 C401C100 0903414243"},
        /* a block is missing: the one before it is acknowledged, and it is sent again */
        {"E042 0001 0000 03 C001C1", ""},
        {"E002 0003 0000 04 0109FF02", "E008 0001 0001 00"},
        {"E042 0002 0001 06 000100006001", ""},
        {"E082 0003 0001 04 09FF0200", "E088 0002 0003 09 C401C100 0903414243"},
        /* the same block again changes nothing */
        {"E001 0001 0000 06 C001C1 000100", "E008 0001 0001 00"},
        {"E001 0001 0000 06 C001C1 000100", "E008 0001 0001 00"},
        {"E001 0002 0001 02 0060", "E008 0002 0002 00"},
        {"E001 0002 0002 02 0060", "E008 0003 0002 00"},
        {"E081 0003 0003 05 0109FF0200", "E088 0004 0003 09 C401C100 0903414243"},
        /* a write, unconfirmed: no answer */
        {"E081 0001 0000 12 C10181" NOTE "00 0903444546", ""},
        {"C001C1" NOTE "00", "C401C100 0903444546"},
        /* what a service refuses comes by blocks, what is no service does not */
        {"E081 0001 0000 0D C001C1" RELAY "0900", "E088 0001 0001 05 C401C10103"},
        {"E081 0001 0000 01 C0", "D80203"},
        {"E081 0001 0000 05 E081000100", "D80202"},
        {"E081 0001 0000 00", "D80101"},
        {"E081 0002 0000 01 C0", "D80101"},
        {"E081 0001 0000 02 C0", "D80203"},
        {"E081 0001", "D80203"},
    };
    open_session(ALL, "0400");
    memcpy(meter.note, "ABC", 3);
    meter.note_size = 3;
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
}

/* Takes the blocks of one turn of the server; `lose`: this many octets of a bit mask say which
 * of them are lost. *number: the last one taken in order. */
static bool take_turn(uint32_t lose, uint16_t *number, uint32_t *blocks)
{
    struct wk_gbt_block block = {.streaming = true};
    bool last = false;
    for (uint32_t i = 0; block.streaming && !wk_test_failed_; i++) {
        struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
        if (wk_gbt_read(&in, &block) != WK_OK || reply_size > session.client_max_pdu) {
            wk_test_failed_ = true;
            break;
        }
        (*blocks)++;
        if ((lose >> i & 1) == 0 && wk_gbt_take(number, &block)) {
            wk_test_failed_ = take_value(block.data.data, block.data.size) != WK_OK;
            last = block.last;
        }
        if (block.streaming != wk_session_continues(&session)) {
            wk_test_failed_ = true;
        }
        if (block.streaming) {
            struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
            wk_test_failed_ = wk_session_continue(&session, &reply) != WK_OK;
            reply_size = reply.size;
        }
    }
    return last;
}

/* Collects a reply by general blocks while some of them are lost. */
static void collect_general(uint8_t window, uint64_t *chance, uint16_t number, uint32_t *blocks)
{
    uint16_t own = 1;
    value_size = 0;
    *blocks = 0;
    for (int turns = 0; turns < 20000 && !wk_test_failed_; turns++) {
        const uint32_t lose =
            chance == NULL ? 0 : (uint32_t)(wk_test_random(chance) & wk_test_random(chance));
        if (take_turn(lose, &number, blocks)) {
            return;
        }
        struct wk_gbt_block ack = {
            .last = true, .window = window, .number = ++own, .ack = number};
        uint8_t room[16];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        wk_gbt_put(&out, &ack);
        EXPECT_OK(send_octets(room, out.size));
    }
    EXPECT(false);
}

#define PROFILE "00070100630100FF02"
#define ROW     (2 + 14 + 2 + 9 + 9) /* octets of an entry */

static void expect_profile(size_t begin)
{
    struct wk_bytes_in in = wk_bytes_in_of(value + begin, value_size - begin);
    EXPECT_I64(WK_DLMS_METER_ENTRIES, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    for (uint32_t i = 0; i < WK_DLMS_METER_ENTRIES; i++) {
        EXPECT_I64(4, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
        wk_axdr_skip(&in);
        wk_axdr_skip(&in);
        EXPECT_I64(wk_dlms_meter_import_uwh(i), wk_axdr_read_integer(&in, WK_AXDR_LONG64));
        EXPECT_I64(wk_dlms_meter_t1_uwh(i), wk_axdr_read_integer(&in, WK_AXDR_LONG64));
    }
    EXPECT_OK(in.fault);
}

static void a_long_reply_is_streamed_whatever_is_lost(void)
{
    static const uint8_t k_windows[] = {1, 3, 8, 63};
    uint64_t chance = 20261121;
    uint32_t blocks;
    uint32_t lossless;
    printf("# seed %d\n", 20261121);
    for (size_t i = 0; i < 4; i++) {
        open_session(ALL, "0080");
        char request[80];
        (void)snprintf(request, sizeof request, "E0%02X 0001 0000 0D C001C1" PROFILE "00",
                       0x80 | k_windows[i]);
        EXPECT_OK(send_hex(request));
        collect_general(k_windows[i], NULL, 0, &lossless);
        EXPECT_I64(4 + 4 + WK_DLMS_METER_ENTRIES * ROW, value_size);
        expect_profile(4);
        EXPECT_OK(send_hex(request));
        collect_general(k_windows[i], &chance, 0, &blocks);
        EXPECT_I64(4 + 4 + WK_DLMS_METER_ENTRIES * ROW, value_size);
        expect_profile(4);
        EXPECT(blocks > lossless);
    }
}

static void without_blocks_of_get_general_blocks_carry_it(void)
{
    static const struct exchange k_none[] = {
        {"C001C1" PROFILE "00", "C401C1010E"},
        {"E081 0001 0000 0D C001C1" NOTE "00", "D80102"},
    };
    uint32_t blocks;
    open_session("2FFFFF" /* neither block-transfer-with-get .. */, "0080");
    session.conformance &= ~WK_CONFORMANCE_BLOCK_GET;
    EXPECT_OK(send_hex("C001C1" PROFILE "00"));
    EXPECT_I64(WK_APDU_GENERAL_BLOCK, reply_room[0]);
    collect_general(5, NULL, 0, &blocks);
    expect_profile(4);
    EXPECT_OK(send_hex("C003C102" CLOCK "00" PROFILE "00"));
    collect_general(5, NULL, 0, &blocks);
    EXPECT_I64(0xC4, value[0]);
    EXPECT_I64(3, value[1]);
    EXPECT_I64(2, value[3]);
    expect_profile(4 + 15 + 1);
    session.conformance &= ~WK_CONFORMANCE_GENERAL_BLOCKS;
    expect_exchanges(k_none, 2);
}

static void an_acknowledgement_of_what_was_not_sent_aborts(void)
{
    static const struct exchange k_exchanges[] = {
        {"E081 0002 0005 00", "D80101"},
        {"E081 0002 0001 00", "D80101"},
    };
    open_session(ALL, "0080");
    EXPECT_OK(send_hex("E081 0001 0000 0D C001C1" PROFILE "00"));
    EXPECT_I64(WK_APDU_GENERAL_BLOCK, reply_room[0]);
    expect_exchanges(k_exchanges, 2);
    EXPECT_OK(send_hex("E081 0001 0000 0D C001C1" PROFILE "00"));
    EXPECT_OK(send_hex("C001C1" NOTE "00")); /* another request ends it, too */
    EXPECT_I64(0xC4, reply_room[0]);
    expect_exchanges(k_exchanges, 1);
}

/* ---- ACCESS ------------------------------------------------------------------------------ */

static void access_does_what_its_list_says(void)
{
    static const struct exchange k_exchanges[] = {
        /* get, set, action, get again */
        {"D9 40000001 00 04 01" NOTE "02" NOTE "03" ARRAYS "01 01" NOTE
         "04 00 0903585960 00 00",
         "DA 40000001 00 00 04 0903414243 00 120003 0903585960 04 0100 0200 0300 0100"},
        /* with a date-time; refusals; the rest is carried out */
        {"D9 40ABCDEF 0C 07EA0B15FF0A0B0CFF800000 03 01" RELAY "09 02" TOTAL "01" NOTE
         "03 00 1105 00",
         "DA 40ABCDEF 00 00 03 00 00 0903585960 03 0103 0203 0100"},
        /* ... unless it shall break */
        {"D9 60ABCDEF 00 03 01" RELAY "09 02" NOTE "01" NOTE "03 00 0901AA 00",
         "DA 60ABCDEF 00 00 03 00 00 00 03 0103 02FA 01FA"},
        /* self-descriptive */
        {"D9 50000002 00 02 01" NOTE "03" RELAY "02 02 00 0F00",
         "DA 50000002 00 01 02 01" NOTE "03" RELAY "02 02 0903585960 00 02 0100 0300"},
        /* selection: two entries by number, first and second column; a write has none */
        {"D9 40000003 00 02 04" PROFILE "02 02040600000001060000000112000212 0002 05" NOTE
         "01 00 02 00 0901AA",
         "DA 40000003 00 00 02 0101 0201 1180 00 02 0100 020B"},
        /* unconfirmed: done, not answered */
        {"D9 00000004 00 01 02" NOTE "01 0901CC", ""},
        {"D9 40000005 00 01 01" NOTE "01 00", "DA 40000005 00 00 01 0901CC 01 0100"},
        /* malformed: no item, another count of values, an unknown kind, a wrong time */
        {"D9 40000005 00 00 00", "D80101"},
        {"D9 40000005 00 01 01" NOTE "02 00 00", "D80203"},
        {"D9 40000005 00 01 06" NOTE "01 00", "D80203"},
        {"D9 40000005 01 00 01 01" NOTE "01 00", "D80203"},
        {"D9 40000005 00 01 01" NOTE "01 00 00", "D80203"},
    };
    open_session(ALL, "0400");
    memcpy(meter.note, "ABC", 3);
    meter.note_size = 3;
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
    EXPECT(meter.closed);
    static const struct exchange k_not_agreed[] = {
        {"D9 40000005 00 01 01" NOTE "01 00", "D80102"}};
    session.conformance &= ~WK_CONFORMANCE_ACCESS;
    expect_exchanges(k_not_agreed, 1);
}

static void a_long_access_goes_by_general_blocks(void)
{
    uint64_t chance = 20261122;
    uint32_t blocks;
    open_session(ALL, "0080");
    EXPECT_OK(send_hex("D9 40000001 00 04 01" PROFILE "02" NOTE "03" ARRAYS "02 01" NOTE
                       "04 00 0901EE 120400 00"));
    collect_general(8, &chance, 0, &blocks);
    struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
    struct wk_access_response response;
    EXPECT_OK(wk_access_read_response(&in, &response));
    EXPECT_I64(4, response.count);
    const struct wk_test_octets results = wk_test_hex("0100 0200 0300 0100");
    EXPECT_BYTES(results.data, response.results.data, results.size);
    EXPECT_I64(WK_DLMS_METER_ENTRIES * ROW + 4 + 1 + 1028 + 3, response.values.size);
    expect_profile(8);
    EXPECT_I64(1, meter.changes);
    /* what is behind the long value is done even if nothing is sent */
    EXPECT_OK(send_hex("D9 00000001 00 02 01" PROFILE "02" NOTE "02 00 0901ED"));
    EXPECT_I64(0, reply_size);
    EXPECT_I64(2, meter.changes);
    EXPECT(!wk_session_continues(&session));
    /* without general blocks what does not fit is left out */
    static const struct exchange k_whole[] = {
        {"D9 40000001 00 03 01" PROFILE "02" NOTE "01" NOTE "03 00 0901EF 00",
         "DA 40000001 00 00 03 00 00 0901EF 03 010E 0200 0100"},
    };
    session.conformance &= ~WK_CONFORMANCE_GENERAL_BLOCKS;
    expect_exchanges(k_whole, 1);
}

/* ---- selective access -------------------------------------------------------------------- */

#define LIST "000F0000280000FF02"

static void parts_of_the_object_list_can_be_read(void)
{
    static const struct exchange k_exchanges[] = {
        /* one object by class and name, with its rights */
        {"C001C1" LIST "01 04 0202 12007B 09060000120000FF",
         "C401C100 0101 0204 12007B 1100 09060000120000FF 0202"
         "0103 02030F01160100 02030F02160000 02030F03160000"
         "0105 02020F011601 02020F021601 02020F031601 02020F041600 02020F051600"},
        /* without rights, two objects by name, one of which is not there */
        {"C001C1" LIST "01 03 0102 0202 120046 0906000060030AFF 0202 120046 0906000060030BFF",
         "C401C100 0101 0204 120046 1100 0906000060030AFF 0202"
         "0104 02030F01160100 02030F02160100 02030F03160100 02030F04160100"
         "0102 02020F011601 02020F021601"},
        {"C001C1" LIST "01 02 0101 1203E7", "C401C100 0100"},
        {"C001C1" LIST "01 04 0202 1203E7 09060000120000FF", "C401C100 0100"},
        /* refusals: unknown selector, wrong types, too many, what has no selection */
        {"C001C1" LIST "01 05 00", "C401C1010B"},
        {"C001C1" LIST "01 01 1101", "C401C1010C"},
        {"C001C1" LIST "01 02 00", "C401C1010C"},
        {"C001C1" LIST "01 02 0101 1101", "C401C1010C"},
        {"C001C1" LIST "01 04 0201 120046", "C401C1010C"},
        {"C001C1" LIST
         "01 02 0109 120001 120001 120001 120001 120001 120001 120001 120001 120001",
         "C401C101FA"},
        {"C001C1" NOTE "01 01 00", "C401C1010B"},
        {"C001C1" PROFILE "01 03 00", "C401C1010B"},
        {"C001C1" PROFILE "01 01 00", "C401C1010C"},
        {"C001C1" PROFILE "01 02 0204 0600000000 0600000001 120001 120000", "C401C101FA"},
        {"C001C1" PROFILE "01 02 0204 0600000002 0600000001 120001 120000", "C401C101FA"},
        {"C001C1" PROFILE "01 02 0204 0600000001 0600000001 120001 120005", "C401C101FA"},
        {"C001C1" PROFILE "01 02 0204 0600000001 0600000001 120003 120002", "C401C101FA"},
    };
    open_session(ALL, "0400");
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
    EXPECT_OK(send_hex("C001C1" LIST "01 01 00"));
    struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
    struct wk_apdu_response response;
    EXPECT_OK(wk_apdu_read_response(&in, &response));
    const uint32_t all = wk_axdr_read_count(&response.data, WK_AXDR_ARRAY);
    EXPECT_I64(table.count, all);
    EXPECT_I64(2 + all * (2 + 3 + 2 + 8 + 2 + 4), response.data.size);
    EXPECT_OK(send_hex("C001C1" LIST "01 02 0102 120003 120008"));
    in = wk_bytes_in_of(reply_room, reply_size);
    EXPECT_OK(wk_apdu_read_response(&in, &response));
    EXPECT_I64(4, wk_axdr_read_count(&response.data, WK_AXDR_ARRAY));
}

static void a_range_may_leave_out_what_it_is_about(void)
{
    /* 2026-09-21 14:15 UTC is the end of the first interval */
#define FROM         "090C07EA0915FF0E0F0000000000"
#define TO           "1907EA0915FF0E1E0000000000"
#define CLOCK_COLUMN "0204 120008 09060000010000FF 0F02 120000"
#define TOTAL_COLUMN "0204 120003 09060100010800FF 0F02 120000"
    static const struct exchange k_exchanges[] = {
        {"C001C1" PROFILE "01 01 0204 00" FROM TO "0101" TOTAL_COLUMN,
         "C401C100 0102 0201 140000001CBE991A14 0201 140000001CCD7FCC95"},
        {"C001C1" PROFILE "01 01 0204" TOTAL_COLUMN FROM TO "0100", "C401C1010B"},
        {"C001C1" PROFILE "01 01 0204" CLOCK_COLUMN TO FROM "0100", "C401C101FA"},
        {"C001C1" PROFILE "01 01 0204" CLOCK_COLUMN "1101 1102 0100", "C401C1010C"},
        {"C001C1" PROFILE "01 01 0204" CLOCK_COLUMN FROM TO "0101" CLOCK_COLUMN "00", "D80203"},
    };
    open_session(ALL, "0400");
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
    EXPECT_OK(send_hex("C001C1" PROFILE "01 01 0204" CLOCK_COLUMN FROM TO "00"));
    struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
    struct wk_apdu_response response;
    EXPECT_OK(wk_apdu_read_response(&in, &response));
    EXPECT_I64(2 + 2 * ROW, response.data.size);
}

/* ---- what each wrong input gets ---------------------------------------------------------- */

static void wrong_input_gets_the_exception_it_deserves(void)
{
    static const struct exchange k_associated[] = {
        {"00", "D80202"},                            /* no APDU of DLMS */
        {"05 01 02 0000", "D80202"},                 /* read: short names */
        {"C6 01 C1", "D80202"},                      /* no such tag */
        {"C4 01 C1 00 00", "D80202"},                /* a response */
        {"C2 00 0001 0000616200FF 02 00", "D80202"}, /* a server's APDU */
        {"C0 04 C1 00", "D80202"},                   /* no such choice */
        {"C1 06 C1", "D80202"},                      /* ... */
        {"C3 07 C1", "D80202"},                      /* ... */
        {"C0", "D80203"},                            /* cut */
        {"C0 01", "D80203"},                         /* ... */
        {"C001C1 0008 0000010000FF", "D80203"},      /* ... in the target */
        {"C001C1" CLOCK "00 00", "D80203"},          /* octets left over */
        {"C101C1" NOTE "00", "D80203"},              /* no value */
        {"C101C1" NOTE "00 0902AA", "D80203"},       /* half a value */
        {"C101C1" NOTE "00 FE", "D80203"},           /* no such type */
        {"C301C1" RELAY "01 01", "D80203"},          /* the parameter is missing */
        {"C003C1 84FFFFFFFF", "D80203"},             /* a list longer than the APDU */
        {"C003C1 00", "D80101"},                     /* ... empty */
        {"C801 C1", "D80101"},                       /* sealed where nothing is agreed */
        {"DB 08 0000000000000000 00", "D80101"},
        {"62 03 80 01", "D80203"}, /* a malformed release */
    };
    static const struct exchange k_few[] = {
        {"C101C1" NOTE "00 00", "D80102"},
        {"C301C1" RELAY "01 00", "D80102"},
        {"C002C100000001", "D80102"},
        {"C003C101" CLOCK "00", "D80102"},
        {"C102C1" NOTE "00 01 00000001 01 00", "D80102"},
        {"D9 40000000 00 01 01" CLOCK "01 00", "D80102"},
        {"E081 0001 0000 01 00", "D80102"},
        {"C001C1" NOTE "00", "C401C1000900"},
    };
    static const struct exchange k_closed[] = {
        {"C001C1" CLOCK "00", "D80101"}, {"D9", "D80101"}, {"E0", "D80101"},
        {"6203800100", "D80101"},        {"00", "D80101"},
    };
    open_session(ALL, "0400");
    expect_exchanges(k_associated, sizeof k_associated / sizeof k_associated[0]);
    static uint8_t longest[1025] = {0xC1};
    EXPECT_OK(send_octets(longest, sizeof longest));
    const struct wk_test_octets too_long = wk_test_hex("D80104");
    EXPECT_I64(3, reply_size);
    EXPECT_BYTES(too_long.data, reply_room, 3);
    open_session("000010" /* get, and nothing else */, "0400");
    expect_exchanges(k_few, sizeof k_few / sizeof k_few[0]);
    wk_session_close(&session);
    expect_exchanges(k_closed, sizeof k_closed / sizeof k_closed[0]);
    EXPECT_I64(0, meter.changes);
}

static void an_initiate_that_cannot_be_is_answered_with_its_error(void)
{
    /* AARE rejected, with a confirmedServiceError: initiateError, and which */
#define AARQ_OF(initiate)                                                                      \
    "6038 A109060760857405080101 8A020780 8B0760857405080201 AC0C800A 576174746B6565706572"    \
    "BE10 040E" initiate
#define AARE_OF(error)                                                                         \
    "611F A109060760857405080101 A203020101 A305A103020101 BE06 0404 0E0106" error
    static const struct exchange k_exchanges[] = {
        {AARQ_OF("01000000055F1F0400FFFFFF0400"), AARE_OF("01")}, /* DLMS version 5 */
        {AARQ_OF("01000000065F1F04000000000400"), AARE_OF("02")}, /* no service */
        {AARQ_OF("01000000065F1F0400FFFFFF0010"), AARE_OF("03")}, /* APDUs of 16 octets */
        {AARQ_OF("01000000065F1F0500FFFFFF0400"), AARE_OF("00")}, /* a malformed request */
    };
    open_session(ALL, "0400");
    expect_exchanges(k_exchanges, sizeof k_exchanges / sizeof k_exchanges[0]);
}

/* ---- the client of cosem/client ---------------------------------------------------------- */

static struct wk_client client;
static int64_t now_us;
static uint16_t client_sap;

static wk_err take_piece(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    return take_value(octets, size);
}

static const struct wk_client_sink sink = {NULL, take_piece};

static bool is_lost(uint64_t *chance)
{
    return chance != NULL && (wk_test_random(chance) & 7) == 0;
}

static wk_err deliver(uint64_t *chance)
{
    if (reply_size == 0 || !wk_client_busy(&client) || is_lost(chance)) {
        return WK_OK;
    }
    return wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size));
}

/* What the client sends, and all that the server answers at once. */
static wk_err exchange(uint64_t *chance)
{
    static uint8_t room[WK_CLIENT_PDU + 128];
    const struct wk_session_link link = {client_sap, WK_SESSION_SERVER_SAP};
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    WK_TRY(wk_client_output(&client, now_us, &out));
    if (is_lost(chance)) {
        return WK_OK;
    }
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    WK_TRY(wk_session_receive(&session, NOW_US + now_us, link, wk_bytes_in_of(room, out.size),
                              &reply));
    reply_size = reply.size;
    WK_TRY(deliver(chance));
    while (wk_session_continues(&session)) {
        reply = wk_bytes_out_of(reply_room, sizeof reply_room);
        WK_TRY(wk_session_continue(&session, &reply));
        reply_size = reply.size;
        WK_TRY(deliver(chance));
    }
    return WK_OK;
}

/* Runs what the client was told to do; with `chance` blocks of replies are lost. */
static wk_err run_losing(uint64_t *chance)
{
    while (wk_client_busy(&client)) {
        if (wk_client_sends(&client)) {
            WK_TRY(exchange(chance));
        } else {
            now_us += 6000000;
            wk_client_tick(&client, now_us);
        }
    }
    return client.outcome;
}

static wk_err run(void)
{
    return run_losing(NULL);
}

static void open_client(bool sealed, uint16_t max_pdu, uint8_t window)
{
    const struct wk_client_config config = {
        .mechanism = sealed ? WK_ASSOCIATION_HLS_GMAC : WK_ASSOCIATION_LLS,
        .password = {(const uint8_t *)"Wattkeeper", 10},
        .crypto = &bearssl.hal,
        .keys = security.setup[0].keys,
        .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
        .counter = 1,
        .max_pdu = max_pdu,
        .timeout_us = 5000000,
        .window = window,
    };
    now_us = 0;
    client_sap = sealed ? 1 : 2;
    EXPECT_OK(wk_client_init(&client, &config));
    EXPECT_OK(wk_client_open(&client));
    EXPECT_OK(run());
}

static struct wk_apdu_target target_of(uint16_t class_id, const char *obis, uint8_t id)
{
    struct wk_apdu_target target = {.class_id = class_id, .id = id};
    if (wk_obis_parse(obis, target.obis) != WK_OK) {
        wk_test_failed_ = true;
    }
    return target;
}

/* Every service by the client, in clear and sealed, by its own blocks and by general ones. */
static uint8_t written[1400];
static uint8_t encoded[1500];

/* A SET with a list, longer than an APDU, and a GET of the same list. */
static void use_attributes(void)
{
    uint8_t list_room[128];
    const struct wk_apdu_target note = target_of(1, "0.0.96.1.9.255", 2);
    const struct wk_apdu_target total = target_of(3, "1.0.1.8.0.255", 2);
    struct wk_bytes_out list = wk_bytes_out_of(list_room, sizeof list_room);
    struct wk_bytes_out out = wk_bytes_out_of(encoded, sizeof encoded);
    wk_apdu_put_target(&list, true, &note);
    wk_apdu_put_target(&list, true, &total);
    wk_axdr_put_length(&out, 2);
    wk_axdr_put_octet_string(&out, written, sizeof written);
    wk_axdr_put_unsigned(&out, 1);
    EXPECT_OK(wk_client_set_list(&client, 2, wk_bytes_in_of(list_room, list.size),
                                 wk_bytes_in_of(encoded, out.size)));
    EXPECT_OK(run());
    EXPECT_I64(2, client.result_count);
    EXPECT_I64(WK_APDU_SUCCESS, client.results[0]);
    EXPECT_I64(WK_APDU_READ_WRITE_DENIED, client.results[1]);
    EXPECT_I64(sizeof written, meter.note_size);
    EXPECT_BYTES(written, meter.note, sizeof written);
    value_size = 0;
    EXPECT_OK(wk_client_get_list(&client, 2, wk_bytes_in_of(list_room, list.size), sink));
    EXPECT_OK(run());
    EXPECT_I64(1 + 1 + 4 + sizeof written + 1 + 9, value_size);
    EXPECT_BYTES(written, value + 6, sizeof written);
}

/* An ACTION with a long parameter, and one that returns much. */
static void use_methods(void)
{
    const struct wk_apdu_target insert = target_of(123, "0.0.18.0.0.255", 3);
    const struct wk_apdu_target retrieve = target_of(123, "0.0.18.0.0.255", 2);
    struct wk_bytes_out out = wk_bytes_out_of(encoded, sizeof encoded);
    wk_axdr_put_octet_string(&out, written, 1000);
    EXPECT_OK(wk_client_action(&client, &insert, wk_bytes_in_of(encoded, out.size), sink));
    EXPECT_OK(run());
    EXPECT_I64(1000, meter.note_size);
    value_size = 0;
    out = wk_bytes_out_of(encoded, sizeof encoded);
    wk_axdr_put_long_unsigned(&out, 1200);
    EXPECT_OK(wk_client_action(&client, &retrieve, wk_bytes_in_of(encoded, out.size), sink));
    EXPECT_OK(run());
    EXPECT_I64(4 + 1200, value_size);
    EXPECT_I64(WK_AXDR_OCTET_STRING, value[0]);
}

/* Both in a list. */
static void use_methods_in_a_list(void)
{
    uint8_t list_room[64];
    const struct wk_apdu_target insert = target_of(123, "0.0.18.0.0.255", 3);
    const struct wk_apdu_target retrieve = target_of(123, "0.0.18.0.0.255", 2);
    struct wk_bytes_out list = wk_bytes_out_of(list_room, sizeof list_room);
    struct wk_bytes_out out = wk_bytes_out_of(encoded, sizeof encoded);
    wk_apdu_put_target(&list, false, &insert);
    wk_apdu_put_target(&list, false, &retrieve);
    wk_axdr_put_length(&out, 2);
    wk_axdr_put_octet_string(&out, written, 700);
    wk_axdr_put_long_unsigned(&out, 600);
    value_size = 0;
    EXPECT_OK(wk_client_action_list(&client, 2, wk_bytes_in_of(list_room, list.size),
                                    wk_bytes_in_of(encoded, out.size), sink));
    EXPECT_OK(run());
    EXPECT_I64(700, meter.note_size);
    EXPECT_I64(1 + 2 + 3 + 4 + 600, value_size);
}

static void use_everything(bool sealed, uint16_t pdu, uint8_t window)
{
    for (size_t i = 0; i < sizeof written; i++) {
        written[i] = (uint8_t)(i * 5);
    }
    open_session(ALL, "0400");
    session.config.max_pdu = pdu;
    open_client(sealed, pdu, window);
    use_attributes();
    use_methods();
    use_methods_in_a_list();
}

static void the_client_uses_every_service(void)
{
    static const uint16_t k_pdus[] = {96, 128, 512, 2048};
    for (size_t i = 0; i < sizeof k_pdus / sizeof k_pdus[0] && !wk_test_failed_; i++) {
        for (uint8_t window = 0; window <= 8; window = window == 0 ? 1 : 8 * window) {
            printf("# pdu %u window %u\n", k_pdus[i], window);
            use_everything(false, k_pdus[i], window);
            use_everything(true, k_pdus[i], window);
        }
    }
}

static void the_client_reads_a_long_access_while_blocks_are_lost(void)
{
    const struct wk_apdu_target profile = target_of(7, "1.0.99.1.0.255", 2);
    const struct wk_apdu_target note = target_of(1, "0.0.96.1.9.255", 2);
    const uint8_t values[] = {0, 9, 2, 'O', 'K'};
    uint8_t room[64];
    uint64_t chance = 20261123;
    struct wk_bytes_out list = wk_bytes_out_of(room, sizeof room);
    printf("# seed 20261123\n");
    wk_access_put_target(&list, WK_ACCESS_GET, &profile);
    wk_access_put_target(&list, WK_ACCESS_SET, &note);
    const struct wk_access_request request = {
        .invoke = WK_ACCESS_CONFIRM | 77,
        .count = 2,
        .list = wk_bytes_in_of(room, list.size),
        .values = wk_bytes_in_of(values, sizeof values),
    };
    open_session(ALL, "0400");
    open_client(false, 128, 4);
    value_size = 0;
    EXPECT_OK(wk_client_access(&client, &request, sink));
    EXPECT_OK(exchange(NULL)); /* the request arrives */
    EXPECT_OK(run_losing(&chance));
    struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
    struct wk_access_response response;
    EXPECT_OK(wk_access_read_response(&in, &response));
    EXPECT_I64(2, response.count);
    expect_profile(8);
    EXPECT_I64(1, meter.changes);
    /* sealed, what does not fit in one APDU is left out */
    open_client(true, 512, 4);
    value_size = 0;
    EXPECT_OK(wk_client_access(&client, &request, sink));
    EXPECT_OK(run());
    in = wk_bytes_in_of(value, value_size);
    EXPECT_OK(wk_access_read_response(&in, &response));
    EXPECT_I64(WK_APDU_BLOCK_UNAVAILABLE, response.results.data[1]);
    EXPECT_I64(WK_APDU_SUCCESS, response.results.data[3]);
    EXPECT_I64(2, meter.changes);
}

static void a_client_gives_up_when_nothing_comes_any_more(void)
{
    const struct wk_apdu_target profile = target_of(7, "1.0.99.1.0.255", 2);
    open_session(ALL, "0400");
    open_client(false, 128, 4);
    EXPECT_OK(wk_client_get(&client, &profile, sink));
    EXPECT_OK(exchange(NULL));
    int turns = 0;
    while (wk_client_busy(&client) && turns < 100) {
        uint8_t room[256];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(wk_client_output(&client, now_us, &out));
        now_us += 6000000;
        wk_client_tick(&client, now_us);
        turns++;
    }
    EXPECT_ERR(WK_E_TIMEOUT, client.outcome);
    EXPECT(client.broken && turns >= WK_CLIENT_ASKS && turns < 10);
}

WK_TEST_MAIN(T(parts_of_the_object_list_can_be_read), T(a_range_may_leave_out_what_it_is_about),
             T(wrong_input_gets_the_exception_it_deserves),
             T(an_initiate_that_cannot_be_is_answered_with_its_error),
             T(what_comes_by_general_blocks_is_answered_so),
             T(a_long_reply_is_streamed_whatever_is_lost),
             T(without_blocks_of_get_general_blocks_carry_it),
             T(an_acknowledgement_of_what_was_not_sent_aborts),
             T(access_does_what_its_list_says), T(a_long_access_goes_by_general_blocks),
             T(the_client_uses_every_service),
             T(the_client_reads_a_long_access_while_blocks_are_lost),
             T(a_client_gives_up_when_nothing_comes_any_more),
             T(a_list_is_written_by_blocks_too), T(methods_are_invoked_as_lists_say),
             T(parameters_of_methods_come_by_blocks), T(what_a_method_returns_comes_by_blocks))
