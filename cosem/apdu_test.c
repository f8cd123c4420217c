/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames marked [n] stand in tests/vectors/dlms.txt with their sources; the HDLC frames there
 * carry the APDUs used here. */
#include "cosem/apdu.h"

#include "cosem/association.h"
#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "cosem/initiate.h"
#include "cosem/wrapper.h"
#include "tests/wk_test.h"

/* ---- services ---------------------------------------------------------------------------- */

static void a_captured_get_request_is_read_and_written(void)
{
    const struct wk_test_octets octets = wk_test_hex("C001C100080000010000FF0200"); /* [22] */
    const uint8_t clock[WK_OBIS_SIZE] = {0, 0, 1, 0, 0, 255};
    struct wk_bytes_in in = wk_test_in(&octets);
    struct wk_apdu_request request;
    uint8_t room[64];
    EXPECT_OK(wk_apdu_read_request(&in, &request));
    EXPECT_I64(WK_APDU_GET, request.service);
    EXPECT_I64(0xC1, request.invoke);
    EXPECT_I64(8, request.target.class_id);
    EXPECT_BYTES(clock, request.target.obis, WK_OBIS_SIZE);
    EXPECT_I64(2, request.target.id);
    EXPECT(!request.target.selective);
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_apdu_put_request(&out, &request);
    EXPECT_I64(octets.size, out.size);
    EXPECT_BYTES(octets.data, room, octets.size);
}

static void octets_after_a_value_are_refused(void)
{
    const struct wk_test_octets octets = wk_test_hex(
        "C401C100090C07EA0B150603110100000000090F090C07EA0B150603110100000000090F"); /* [22] */
    struct wk_bytes_in in = wk_test_in(&octets);
    struct wk_apdu_response response;
    EXPECT_ERR(WK_E_FORMAT, wk_apdu_read_response(&in, &response));
    in = wk_bytes_in_of(octets.data, 18);
    EXPECT_OK(wk_apdu_read_response(&in, &response));
    EXPECT_I64(14, response.data.size);
}

static const char *const k_requests[] = {
    "C001C100080000010000FF0200",
    "C001C100070100630100FF02 01 02 0204 0600000001 0600000010 120001 120000",
    "C002C100000001",
    "C003C102 00080000010000FF0200 00010000600100FF0200",
    "C003C100",
    "C101C100010000600109FF02000903414243",
    "C102C100010000600109FF0200 00 00000001 04 09034142",
    "C103C1 01 00000002 01 43",
    "C104C102 00010000600109FF0200 00030100010800FF0200 02 0901AA 1105",
    "C301C10046000060030AFF01010F00",
    "C301C10046000060030AFF0100",
    "C105C102 00010000600109FF0200 00030100010800FF0200 00 00000001 03 020901",
    "C302C100000002",
    "C303C102 0046000060030AFF01 007B0000120000FF02 02 0F00 120010",
    "C304C1 007B0000120000FF03 00 00000001 02 0903",
    "C305C102 0046000060030AFF01 007B0000120000FF03 00 00000001 02 020F",
    "C306C1 01 00000002 03 414243",
};

static const char *const k_responses[] = {
    "C401C10009024142",
    "C401C10103",
    "C402C1010000000100024142",
    "C402C10100000001010E",
    "C403C10200 1105 010B",
    "C501C100",
    "C502C100000001",
    "C503C10000000001",
    "C505C1020003",
    "C701C10000",
    "C701C100 01 00 0901AA",
    "C701C100 01 01 03",
    "C701C10300",
    "C504C102 0003 00000002",
    "C702C1 00 00000001 03 000982",
    "C702C1 01 00000002 00",
    "C703C103 0000 0300 0001000901AA",
    "C703C101 0001010E",
    "C704C100000001",
};

static void every_request_survives_a_round_trip_and_no_part_of_it_passes(void)
{
    for (size_t i = 0; i < sizeof k_requests / sizeof k_requests[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_requests[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_apdu_request request;
        uint8_t room[128];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(wk_apdu_read_request(&in, &request));
        wk_apdu_put_request(&out, &request);
        EXPECT_OK(out.fault);
        EXPECT_I64(octets.size, out.size);
        EXPECT_BYTES(octets.data, room, octets.size);
        for (size_t cut = 0; cut < octets.size; cut++) {
            in = wk_bytes_in_of(octets.data, cut);
            EXPECT(wk_apdu_read_request(&in, &request) != WK_OK);
            out = wk_bytes_out_of(room, cut);
            in = wk_test_in(&octets);
            EXPECT_OK(wk_apdu_read_request(&in, &request));
            wk_apdu_put_request(&out, &request);
            EXPECT_ERR(WK_E_FULL, out.fault);
        }
    }
}

static void every_response_survives_a_round_trip_and_no_part_of_it_passes(void)
{
    for (size_t i = 0; i < sizeof k_responses / sizeof k_responses[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_responses[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_apdu_response response;
        uint8_t room[128];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(wk_apdu_read_response(&in, &response));
        wk_apdu_put_response(&out, &response);
        EXPECT_OK(out.fault);
        EXPECT_I64(octets.size, out.size);
        EXPECT_BYTES(octets.data, room, octets.size);
        for (size_t cut = 0; cut < octets.size; cut++) {
            in = wk_bytes_in_of(octets.data, cut);
            EXPECT(wk_apdu_read_response(&in, &response) != WK_OK);
        }
    }
}

static void services_that_are_not_there_are_named_so(void)
{
    const char *k_unknown[] = {"C004C1", "C000C1", "C106C1", "C307C1", "C300C1",
                               "C705C1", "C401C1", "0F00C1", "D901C1"};
    for (size_t i = 0; i < sizeof k_unknown / sizeof k_unknown[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_unknown[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_apdu_request request;
        EXPECT_ERR(WK_E_UNSUPPORTED, wk_apdu_read_request(&in, &request));
        EXPECT_I64(0xC1, request.invoke);
    }
}

static void lists_must_be_as_long_as_they_say(void)
{
    const char *k_wrong[] = {"C003C103 00080000010000FF0200 00010000600100FF0200",
                             "C003C101 00080000010000FF0200 00010000600100FF0200",
                             "C003C184FFFFFFFF 00080000010000FF0200",
                             "C104C102 00010000600109FF0200 00030100010800FF0200 01 0901AA",
                             "C102C100010000600109FF0200 00 00000001 05 09034142",
                             "C102C100010000600109FF0200 00 00000001 84FFFFFFFF 09",
                             "C303C102 0046000060030AFF01 007B0000120000FF02 01 0F00",
                             "C305C102 0046000060030AFF01 00 00000001 01 02"};
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_wrong[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_apdu_request request;
        const wk_err err = wk_apdu_read_request(&in, &request);
        EXPECT(err == WK_E_FORMAT || err == WK_E_SHORT);
    }
}

static void an_exception_carries_the_expected_counter(void)
{
    const struct wk_test_octets octets = wk_test_hex("D8010600000401");
    struct wk_bytes_in in = wk_test_in(&octets);
    struct wk_apdu_exception exception;
    uint8_t room[8];
    EXPECT_OK(wk_apdu_read_exception(&in, &exception));
    EXPECT_I64(1025, exception.expected_counter);
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_apdu_put_exception(&out, &exception);
    EXPECT_I64(7, out.size);
    EXPECT_BYTES(octets.data, room, 7);
    in = wk_bytes_in_of(octets.data, 6);
    EXPECT_ERR(WK_E_SHORT, wk_apdu_read_exception(&in, &exception));
    const struct wk_test_octets plain = wk_test_hex("D80102");
    in = wk_test_in(&plain);
    EXPECT_OK(wk_apdu_read_exception(&in, &exception));
    EXPECT_I64(WK_APDU_SERVICE_NOT_SUPPORTED, exception.service_error);
}

/* ---- association ------------------------------------------------------------------------- */

static void a_captured_aarq_is_read_and_written(void)
{
    const struct wk_test_octets octets = wk_test_hex(
        "601DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF"); /* [21] */
    struct wk_bytes_in in = wk_test_in(&octets);
    struct wk_association_request request;
    struct wk_initiate_request initiate;
    uint8_t room[128];
    EXPECT_OK(wk_association_read_request(&in, &request));
    EXPECT_I64(WK_ASSOCIATION_LN, request.context);
    EXPECT_I64(WK_ASSOCIATION_NONE, request.mechanism);
    EXPECT(request.title.data == NULL);
    struct wk_bytes_in info = wk_bytes_in_of(request.user_info.data, request.user_info.size);
    EXPECT_OK(wk_initiate_read_request(&info, &initiate));
    EXPECT_I64(6, initiate.dlms_version);
    EXPECT_I64(0x007E1F, initiate.conformance);
    EXPECT_I64(0xFFFF, initiate.max_pdu);
    EXPECT(initiate.response_allowed);
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_association_put_request(&out, &request);
    EXPECT_I64(octets.size, out.size);
    EXPECT_BYTES(octets.data, room, octets.size);
}

static void an_aarq_with_every_field_survives_a_round_trip(void)
{
    static const uint8_t k_octets[WK_ASSOCIATION_USER_INFO] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t size = 8; size <= WK_ASSOCIATION_SECRET; size++) {
        const struct wk_association_request request = {
            .context = WK_ASSOCIATION_LN_CIPHERED,
            .mechanism = WK_ASSOCIATION_HLS_GMAC,
            .title = {k_octets, 8},
            .secret = {k_octets, size},
            .user_info = {k_octets, size * 2},
        };
        uint8_t room[WK_ASSOCIATION_MAX];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        wk_association_put_request(&out, &request);
        EXPECT_OK(out.fault);
        struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
        struct wk_association_request read;
        EXPECT_OK(wk_association_read_request(&in, &read));
        EXPECT_I64(request.context, read.context);
        EXPECT_I64(request.mechanism, read.mechanism);
        EXPECT_I64(8, read.title.size);
        EXPECT_I64(size, read.secret.size);
        EXPECT_I64(size * 2, read.user_info.size);
        for (size_t cut = 0; cut < out.size; cut++) {
            in = wk_bytes_in_of(room, cut);
            EXPECT(wk_association_read_request(&in, &read) != WK_OK);
        }
    }
}

static void a_malformed_aarq_is_refused(void)
{
    const char *k_wrong[] = {
        "6000",
        "611DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF",     /* other tag */
        "601EA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF",     /* too short */
        "601DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF00",   /* too long */
        "6080A109060760857405080101BE10040E01000000065F1F0400007E1FFFFF0000", /* indefinite */
        "601DA109060760857405090101BE10040E01000000065F1F0400007E1FFFFF",     /* other OID */
        "601DA109060760857405080201BE10040E01000000065F1F0400007E1FFFFF",     /* a mechanism */
        "6012BE10040E01000000065F1F0400007E1FFFFF",                           /* no context */
        "600BA109060760857405080101",                                         /* no user info */
        "602FA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF"
        "BE10040E01000000065F1F0400007E1FFFFF", /* twice */
        "6026A109060760857405080101 A607040541424344 45"
        "BE10040E01000000065F1F0400007E1FFFFF",                           /* title of five */
        "601DA109060760857405080101BE10050E01000000065F1F0400007E1FFFFF", /* no octet-string */
        "601DA109060760857405080101BE0F040E01000000065F1F0400007E1FFFFF",
        "601F0100A109060760857405080101BE10040E01000000065F1F0400007E1FFFFF",
    };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_wrong[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_association_request request;
        const wk_err err = wk_association_read_request(&in, &request);
        EXPECT(err == WK_E_FORMAT || err == WK_E_SHORT);
    }
}

static void fields_that_dlms_does_not_use_are_passed_over(void)
{
    const struct wk_test_octets octets =
        wk_test_hex("6029 80020780 A109060760857405080101 A903020105 A803020101"
                    "BE0F040D 010000065F1F0400007E1FFFFF");
    struct wk_test_octets fixed = octets;
    fixed.data[1] = (uint8_t)(fixed.size - 2);
    struct wk_bytes_in in = wk_test_in(&fixed);
    struct wk_association_request request;
    EXPECT_OK(wk_association_read_request(&in, &request));
    EXPECT_I64(13, request.user_info.size);
}

static void an_aare_survives_a_round_trip(void)
{
    static const uint8_t k_octets[64] = {9, 8, 7};
    const struct wk_association_response response = {
        .context = WK_ASSOCIATION_LN_CIPHERED,
        .result = WK_ASSOCIATION_ACCEPTED,
        .diagnostic = WK_ASSOCIATION_AUTHENTICATION_REQUIRED,
        .mechanism = WK_ASSOCIATION_HLS_GMAC,
        .title = {k_octets, 8},
        .secret = {k_octets, 16},
        .user_info = {k_octets, 44},
    };
    uint8_t room[WK_ASSOCIATION_MAX];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_association_put_response(&out, &response);
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    struct wk_association_response read;
    EXPECT_OK(wk_association_read_response(&in, &read));
    EXPECT_I64(WK_ASSOCIATION_AUTHENTICATION_REQUIRED, read.diagnostic);
    EXPECT_I64(WK_ASSOCIATION_HLS_GMAC, read.mechanism);
    EXPECT_I64(16, read.secret.size);
    EXPECT_I64(44, read.user_info.size);
    for (size_t cut = 0; cut < out.size; cut++) {
        in = wk_bytes_in_of(room, cut);
        EXPECT(wk_association_read_response(&in, &read) != WK_OK);
    }
}

static void a_release_is_what_others_send(void)
{
    const char *k_releases[] = {"6203800100", "6200",
                                ("6215800100BE10040E01000000065F1F04"
                                 "00007E1FFFFF")};
    for (size_t i = 0; i < sizeof k_releases / sizeof k_releases[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_releases[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_association_octets info;
        EXPECT_OK(wk_association_read_release(&in, WK_APDU_RLRQ, &info));
        EXPECT_I64(i == 2 ? 14 : 0, info.size);
    }
    uint8_t room[16];
    const struct wk_test_octets want = wk_test_hex("6303800100");
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_association_put_release(&out, WK_APDU_RLRE, (struct wk_association_octets){NULL, 0});
    EXPECT_I64(want.size, out.size);
    EXPECT_BYTES(want.data, room, want.size);
}

static void initiate_responses_and_errors_are_told_apart(void)
{
    const struct wk_test_octets good = wk_test_hex("0800065F1F040000501D04000007");
    struct wk_bytes_in in = wk_test_in(&good);
    struct wk_initiate_response response;
    uint8_t error;
    EXPECT_OK(wk_initiate_read_response(&in, &response, &error));
    EXPECT_I64(0x00501D, response.conformance);
    EXPECT_I64(1024, response.max_pdu);
    EXPECT_I64(WK_INITIATE_LN_VAA, response.vaa_name);
    uint8_t room[16];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_initiate_put_response(&out, &response);
    EXPECT_I64(good.size, out.size);
    EXPECT_BYTES(good.data, room, good.size);
    const struct wk_test_octets bad = wk_test_hex("0E010603");
    in = wk_test_in(&bad);
    EXPECT_ERR(WK_E_REFUSED, wk_initiate_read_response(&in, &response, &error));
    EXPECT_I64(WK_INITIATE_PDU_TOO_SHORT, error);
}

/* ---- wrapper ----------------------------------------------------------------------------- */

static uint8_t split_room[64];
static struct wk_wrapper_split split;

/* Feeds octets and counts the frames that come out; *faults counts WK_E_FORMAT. */
static int feed(const struct wk_test_octets *octets, size_t piece, int *faults)
{
    int frames = 0;
    size_t at = 0;
    while (at < octets->size) {
        size_t room;
        uint8_t *space = wk_wrapper_split_space(&split, &room);
        size_t size = octets->size - at < piece ? octets->size - at : piece;
        size = size < room ? size : room;
        memcpy(space, octets->data + at, size);
        at += size;
        wk_err err = wk_wrapper_split_received(&split, size);
        while (err != WK_E_SHORT) {
            struct wk_wrapper head;
            struct wk_bytes_in apdu;
            err = wk_wrapper_split_next(&split, &head, &apdu);
            frames += err == WK_OK ? 1 : 0;
            *faults += err == WK_E_FORMAT ? 1 : 0;
            if (err == WK_OK && (apdu.size != head.length || apdu.data[0] != 0xC0)) {
                return -1;
            }
        }
    }
    return frames;
}

static void a_stream_is_cut_into_its_frames_however_it_arrives(void)
{
    const struct wk_test_octets stream = wk_test_hex("0001001000010003C00102"
                                                     "0001000200010001C0"
                                                     "0001000200010002C0FF");
    for (size_t piece = 1; piece <= stream.size; piece++) {
        int faults = 0;
        wk_wrapper_split_init(&split, split_room, sizeof split_room);
        EXPECT_I64(3, feed(&stream, piece, &faults));
        EXPECT_I64(0, faults);
        EXPECT_I64(0, split.dropped);
    }
}

static void after_junk_the_next_frame_is_found(void)
{
    const struct wk_test_octets stream =
        wk_test_hex("DEADBEEF 00 02 0001001000100000 000100100010FFFF"
                    "0001001000010003C00102 7E 0001001000010001C0");
    for (size_t piece = 1; piece <= stream.size; piece++) {
        int faults = 0;
        wk_wrapper_split_init(&split, split_room, sizeof split_room);
        EXPECT_I64(2, feed(&stream, piece, &faults));
        EXPECT(faults > 0);
        EXPECT_I64(4 + 2 + 8 + 8 + 1, split.dropped);
    }
}

static void the_longest_frame_fits_and_a_longer_one_does_not(void)
{
    struct wk_test_octets stream = wk_test_hex("0001001000010038C0");
    int faults = 0;
    stream.size = 8 + 56;
    wk_wrapper_split_init(&split, split_room, sizeof split_room);
    EXPECT_I64(1, feed(&stream, 7, &faults));
    EXPECT_I64(0, faults);
    stream.data[7]++;
    stream.size++;
    wk_wrapper_split_init(&split, split_room, sizeof split_room);
    EXPECT_I64(0, feed(&stream, 7, &faults));
    EXPECT(faults > 0);
    EXPECT_ERR(WK_E_ARGUMENT, wk_wrapper_split_received(&split, 65));
}

WK_TEST_MAIN(T(a_captured_get_request_is_read_and_written), T(octets_after_a_value_are_refused),
             T(every_request_survives_a_round_trip_and_no_part_of_it_passes),
             T(every_response_survives_a_round_trip_and_no_part_of_it_passes),
             T(services_that_are_not_there_are_named_so), T(lists_must_be_as_long_as_they_say),
             T(an_exception_carries_the_expected_counter),
             T(a_captured_aarq_is_read_and_written),
             T(an_aarq_with_every_field_survives_a_round_trip), T(a_malformed_aarq_is_refused),
             T(fields_that_dlms_does_not_use_are_passed_over), T(an_aare_survives_a_round_trip),
             T(a_release_is_what_others_send), T(initiate_responses_and_errors_are_told_apart),
             T(a_stream_is_cut_into_its_frames_however_it_arrives),
             T(after_junk_the_next_frame_is_found),
             T(the_longest_frame_fits_and_a_longer_one_does_not))
