/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told is written down as one line, "name=value" for every item, groups in brackets, and
 * compared with what the standard's syntax says of the same octets. */
#include "cosem/explain.h"

#include <stdio.h>
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/cosem_test.h"
#include "cosem/hdlc.h"
#include "cosem/samples_test.h"
#include "cosem/shield.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define LINE 16384

static struct wk_explain explain;
static struct wk_bearssl bearssl;
static char told[LINE];
static size_t at;

static void put(const char *text)
{
    const size_t size = strlen(text);
    if (at + size < LINE) {
        memcpy(told + at, text, size + 1);
        at += size;
    }
}

static void take_item(void *self, const struct wk_explain_item *item)
{
    char part[128];
    (void)self;
    put(item->name != NULL ? item->name : item->type != NULL ? item->type : "-");
    if (item->kind == WK_EXPLAIN_GROUP) {
        put("[");
        return;
    }
    if (item->kind == WK_EXPLAIN_NUMBER) {
        (void)snprintf(part, sizeof part, "=%lld", (long long)item->number);
        put(part);
    }
    if (item->kind == WK_EXPLAIN_FAULT) {
        (void)snprintf(part, sizeof part, "@%zu+%zu", item->offset, item->size);
        put(part);
    }
    if (item->meaning != NULL) {
        put(":");
        put(item->meaning);
    }
    put(" ");
}

static void take_end(void *self)
{
    (void)self;
    put("]");
}

static wk_err no_random(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 0, size);
    return WK_OK;
}

static void begin(void)
{
    static const struct wk_explain_sink k_sink = {.item = take_item, .end = take_end};
    wk_bearssl_init(&bearssl, NULL, no_random);
    wk_explain_init(&explain, &bearssl.hal, &k_sink);
    at = 0;
    told[0] = '\0';
}

static void tell(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    at = 0;
    told[0] = '\0';
    wk_explain_any(&explain, octets.data, octets.size);
}

static bool has(const char *what)
{
    return strstr(told, what) != NULL;
}

static void a_get_and_its_answer_are_told_field_by_field(void)
{
    begin();
    tell("C001C100080000010000FF0200");
    EXPECT(strncmp(told, "get-request[service:get-request-normal ", 39) == 0);
    EXPECT(has("class-id=8:clock instance-id attribute-id=2 access-selection=0 ]"));
    tell("C401C1010B");
    EXPECT(has("choice=1:data-access-result data-access-result=11:object-unavailable "));
    tell("C401C100020206000004D202020FFF161E");
    EXPECT(has("data[double-long-unsigned=1234 structure[integer=-1 enum=30:Wh ]]"));
    EXPECT(explain.faults == 0);
}

static void an_exception_tells_the_counter_it_expects(void)
{
    begin();
    tell("D8010600001234");
    EXPECT(has("service-error=6:invocation-counter-error expected-invocation-counter=4660 "));
}

static void what_is_cut_off_or_left_over_is_told_with_its_offset(void)
{
    begin();
    tell("C001C1000800000100");
    EXPECT(has("class-id=8:clock malformed@5+4:it ends too early ]"));
    tell("C001C100080000010000FF0200AABB");
    EXPECT(has("access-selection=0 malformed@13+2:octets are left over ]"));
}

static void a_frame_with_a_wrong_check_sum_is_told_all_the_same(void)
{
    begin();
    tell("7EA0190321326FD8E6E600C001C100080000010000FF0200601B7E");
    EXPECT(has("malformed@24+2:the frame check sum does not fit"));
    EXPECT(has("get-request-normal"));
}

static void noise_between_frames_is_told(void)
{
    begin();
    tell("7EA0070321930F017E AABB 7EA0070321930F017E");
    EXPECT(has("malformed@9+2"));
    EXPECT(strstr(strstr(told, "hdlc[") + 1, "hdlc[") != NULL);
}

static const char k_glo[] = "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B";

static void give_key(struct wk_hal_key *key, const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    memcpy(key->octets, octets.data, octets.size);
    key->size = (uint8_t)octets.size;
}

static void what_is_protected_is_opened_as_far_as_keys_are_given(void)
{
    const struct wk_test_octets title = wk_test_hex("4D4D4D0000BC614E");
    begin();
    tell(k_glo);
    EXPECT(has("invocation-counter=19088743") && has("not opened:its key was not given"));
    give_key(&explain.keys.global.ek, "000102030405060708090A0B0C0D0E0F");
    tell(k_glo);
    EXPECT(has("not opened:the sender's system title was not given"));
    memcpy(explain.keys.title, title.data, title.size);
    explain.keys.has_title = true;
    tell(k_glo);
    EXPECT(has("opened:not checked") && has("get-request-normal"));
    give_key(&explain.keys.global.ak, "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
    tell(k_glo);
    EXPECT(has("opened:authentic get-request[service:get-request-normal"));
    explain.keys.global.ak.octets[0] ^= 1;
    tell(k_glo);
    EXPECT(has("malformed@0+0:the tag does not fit") && !has("get-request-normal"));
}

static void pieces_are_told_one_by_one_and_the_whole_with_the_last(void)
{
    begin();
    tell("E0400001000006C001C1000800");
    EXPECT(has("block-number=1") && !has("get-request"));
    tell("E08000020000070000010000FF0200");
    EXPECT(has("malformed"));
    begin();
    tell("E0400001000006C001C1000800");
    tell("E080000200000700010000FF0200");
    EXPECT(has("get-request[") && has("attribute-id=2"));
    tell("C402C100000000010002 0600");
    EXPECT(!has("together"));
    tell("C402C101000000020003 0004D2");
    EXPECT(has("blocks together[data=1234 ]"));
}

static void a_compact_array_is_told_element_by_element(void)
{
    begin();
    tell("C401C100 13 02 02 12 11 06 000101 000202");
    EXPECT(has("data[structure[long-unsigned=1 unsigned=1 ]structure[long-unsigned=2 "
               "unsigned=2 ]]"));
}

static void logical_names_are_called_what_the_standard_calls_them(void)
{
    static const struct {
        uint8_t obis[6];
        const char *name;
    } k_names[] = {
        {{1, 0, 1, 8, 0, 255}, "active energy import, total"},
        {{1, 0, 2, 8, 3, 255}, "active energy export, total, tariff 3"},
        {{1, 0, 52, 7, 0, 255}, "voltage L2, instantaneous"},
        {{1, 0, 71, 7, 5, 255}, "current L3, instantaneous, harmonic 5"},
        {{1, 0, 1, 6, 1, 2}, "active power import, maximum, tariff 1, billing period 2"},
        {{0, 0, 1, 0, 0, 255}, "clock"},
        {{1, 0, 99, 1, 0, 255}, "load profile"},
        {{7, 0, 3, 0, 0, 255}, ""},
    };
    char text[WK_EXPLAIN_NAME];
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        wk_explain_obis_name(k_names[i].obis, text);
        EXPECT(strcmp(text, k_names[i].name) == 0);
    }
}

/* ---- an APDU of every kind --------------------------------------------------------------- */

static void an_apdu_of_every_kind_is_told_without_a_fault(void)
{
    begin();
    for (size_t i = 0; i < SAMPLES; i++) {
        tell(k_samples[i].hex);
        if (!has(k_samples[i].told) || has("malformed")) {
            printf("# %s\n# wanted %s in: %s\n", k_samples[i].hex, k_samples[i].told, told);
            EXPECT(false);
        }
    }
    EXPECT_I64(0, explain.faults);
}

/* Up to the fault, a beginning is told as the whole is. */
static void of_a_beginning_all_that_is_there_is_told(void)
{
    static char whole[LINE];
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_samples[i].hex);
        begin();
        tell(k_samples[i].hex);
        memcpy(whole, told, sizeof whole);
        for (size_t size = 1; size < octets.size; size++) {
            begin();
            wk_explain_apdu(&explain, octets.data, size);
            const char *fault = strstr(told, "malformed");
            size_t same = fault != NULL ? (size_t)(fault - told) : 0;
            while (same > 0 && told[same - 1] == ']') { /* groups that the fault ended */
                same--;
            }
            if (fault == NULL || explain.faults == 0 ||
                (octets.data[0] < WK_APDU_AARQ && strncmp(told, whole, same) != 0)) {
                printf("# %zu octets of %s: %s\n", size, k_samples[i].hex, told);
                EXPECT(false);
            }
        }
    }
}

static void mutilated_apdus_are_told_somehow_and_end(void)
{
    static const uint8_t k_octets[] = {0x00, 0x01, 0x03, 0x0C, 0x7E, 0x80,
                                       0x82, 0x84, 0xA3, 0xBE, 0xFF};
    begin();
    for (size_t i = 0; i < SAMPLES; i++) {
        struct wk_test_octets octets = wk_test_hex(k_samples[i].hex);
        for (size_t place = 0; place < octets.size; place++) {
            const uint8_t right = octets.data[place];
            for (size_t j = 0; j < sizeof k_octets; j++) {
                octets.data[place] = k_octets[j];
                at = 0;
                wk_explain_any(&explain, octets.data, octets.size);
                EXPECT(at > 0);
            }
            octets.data[place] = right;
        }
    }
}

/* ---- what carries them ------------------------------------------------------------------- */

static void frames_of_the_wrapper_are_told_one_after_another(void)
{
    begin();
    tell("0001 0010 0001 0003 D80102 0001 0001 0010 000D C001C100080000010000FF0200");
    EXPECT(has("wrapper[version=1 source=16") && has("exception-response[state-error=1"));
    EXPECT(has("length=13 get-request["));
    EXPECT_I64(0, explain.faults);
    tell("0001 0010 0001 0004 D80102");
    EXPECT(has("malformed"));
    tell("0002 0010 0001 0003 D80102");
    EXPECT(has("malformed"));
    tell("E6E600 D80102");
    EXPECT(has("exception-response[state-error=1"));
    EXPECT(!has("malformed"));
    at = 0;
    const struct wk_test_octets value = wk_test_hex("0203 1105 0A024142 FF");
    wk_explain_value(&explain, value.data, value.size);
    EXPECT(has("unsigned=5 ") && has("visible-string"));
    wk_explain_any(&explain, value.data, 0);
}

static void frames_of_hdlc_are_told_with_addresses_limits_and_segments(void)
{
    begin();
    tell("7EA01E210373C37A818012050180060180070400000001080400000001533B7E"); /* [18] */
    EXPECT(has("max-info-transmit=128 max-info-receive=128 window-transmit=1"));
    tell("7EA00802232193BD647E"); /* [19]: logical 1, physical 17 */
    EXPECT(has("upper=1") && has("lower=17"));
    tell(
        "7EA023030002002373C0488180140502008006020080070400000001080400000001CE6A7E"); /* [20] */
    EXPECT(has("lower=") && !has("malformed"));
    for (size_t size = 1; size < 37; size++) {
        const struct wk_test_octets octets = wk_test_hex(
            "7EA023030002002373C0488180140502008006020080070400000001080400000001CE6A7E");
        at = 0;
        wk_explain_hdlc(&explain, octets.data, size);
        EXPECT(has("malformed") || size == 1);
    }
}

/* ---- protected ones ---------------------------------------------------------------------- */

static const uint8_t k_client[] = {0x4D, 0x4D, 0x4D, 0, 0, 0xBC, 0x61, 0x4E};
static const uint8_t k_server[] = {0x4D, 0x4D, 0x4D, 0, 0, 0, 0, 1};

/* A GET of the clock as the client protects it. */
static struct wk_test_octets protect(const struct wk_shield_cover *cover)
{
    static const uint8_t k_get[] = {0xC0, 1, 0xC1, 0, 8, 0, 0, 1, 0, 0, 255, 2, 0};
    static struct wk_cipher_keys keys;
    static struct wk_hal_key kek;
    static struct wk_hal_key dedicated;
    static struct wk_hal_private signing = {.size = 32};
    struct wk_test_octets octets = {.size = 0};
    struct wk_bytes_out out = wk_bytes_out_of(octets.data, sizeof octets.data);
    struct wk_cipher_seal seal;
    struct wk_shield shield = {.crypto = &bearssl.hal,
                               .pairs = &wk_shield_by_pairs,
                               .names = &wk_shield_by_names,
                               .suite = cover->is_signed ? 1 : 0,
                               .keys = &keys,
                               .kek = &kek,
                               .dedicated = &dedicated,
                               .signing = &signing};
    memcpy(shield.own, k_client, sizeof k_client);
    memcpy(shield.peer, k_server, sizeof k_server);
    give_key(&keys.ek, "000102030405060708090A0B0C0D0E0F");
    give_key(&keys.ak, "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
    give_key(&kek, "0F0E0D0C0B0A09080706050403020100");
    give_key(&dedicated, "00112233445566778899AABBCCDDEEFF");
    memset(signing.octets, 7, sizeof signing.octets);
    wk_shield_begin(&seal, &out, sizeof octets.data, cover);
    wk_bytes_out_put(&seal.plain, k_get, sizeof k_get);
    octets.size = wk_shield_finish(&shield, &seal, cover) == WK_OK ? out.size : 0;
    return octets;
}

static void every_kind_of_protection_is_told_and_opened(void)
{
    static const struct {
        struct wk_shield_cover cover;
        const char *told;
    } k_covers[] = {
        {{.tag = WK_APDU_GLO_GET_REQUEST, .control = 0x30}, "glo-get-request"},
        {{.tag = WK_APDU_DED_GET_REQUEST, .control = 0x30}, "ded-get-request"},
        {{.tag = WK_APDU_GENERAL_GLO, .control = 0x20}, "general-glo-ciphering"},
        {{.tag = WK_APDU_GENERAL_GLO, .control = 0x10}, "general-glo-ciphering"},
        {{.tag = WK_APDU_GENERAL_DED, .control = 0x30}, "general-ded-ciphering"},
        {{.tag = WK_APDU_GENERAL_CIPHERING, .control = 0x30, .key = WK_ENVELOPE_KEY_UNICAST},
         "general-ciphering"},
        {{.tag = WK_APDU_GENERAL_CIPHERING, .control = 0x30, .key = WK_ENVELOPE_KEY_WRAPPED},
         "general-ciphering"},
        {{.is_signed = true}, "general-signing"},
        {{.tag = WK_APDU_GENERAL_GLO, .control = 0x31, .is_signed = true},
         "general-glo-ciphering"},
    };
    for (size_t i = 0; i < sizeof k_covers / sizeof k_covers[0]; i++) {
        begin();
        wk_bearssl_add_wrap(&bearssl);
        wk_bearssl_add_p256(&bearssl);
        struct wk_shield_cover cover = k_covers[i].cover;
        cover.counter = 5;
        const struct wk_test_octets octets = protect(&cover);
        EXPECT(octets.size > 0);
        wk_explain_apdu(&explain, octets.data, octets.size);
        if (!has(k_covers[i].told)) {
            printf("# %s\n", told);
            EXPECT(false);
        }
        EXPECT(has("not opened") || cover.tag == 0);
        begin();
        wk_bearssl_add_wrap(&bearssl);
        give_key(&explain.keys.global.ek, "000102030405060708090A0B0C0D0E0F");
        give_key(&explain.keys.global.ak, "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
        give_key(&explain.keys.kek, "0F0E0D0C0B0A09080706050403020100");
        give_key(&explain.keys.dedicated, "00112233445566778899AABBCCDDEEFF");
        memcpy(explain.keys.title, k_client, sizeof k_client);
        explain.keys.has_title = true;
        wk_explain_apdu(&explain, octets.data, octets.size);
        if (!has("class-id=8:clock") || explain.faults != 0) {
            printf("# cover %zu: %s\n", i, told);
            EXPECT(false);
        }
        for (size_t size = 1; size < octets.size; size++) {
            wk_explain_apdu(&explain, octets.data, size);
        }
        EXPECT(explain.faults >= octets.size - 1);
    }
}

static void nesting_ends_somewhere(void)
{
    struct wk_test_octets octets = {.size = 1};
    begin();
    octets.data[0] = 0xD8;
    for (int i = 0; i < 8; i++) { /* general-signing around what was there, without names */
        uint8_t inner[WK_TEST_HEX];
        const size_t size = octets.size;
        memcpy(inner, octets.data, size);
        const uint8_t head[] = {0xDF, 0, 0, 0, 0, 0, (uint8_t)size};
        memcpy(octets.data, head, sizeof head);
        memcpy(octets.data + sizeof head, inner, size);
        octets.data[sizeof head + size] = 0; /* no signature */
        octets.size = sizeof head + size + 1;
    }
    wk_explain_apdu(&explain, octets.data, octets.size);
    EXPECT(has("nested too deep"));
    tell("A5 00");
    EXPECT(has("no APDU with this tag is known"));
}

/* ---- values and frames of every kind ----------------------------------------------------- */

static void values_of_every_type_are_told(void)
{
    static const struct {
        const char *hex;
        const char *told;
    } k_values[] = {
        {"00", "null-data"},
        {"0301", "boolean"},
        {"0405A8", "bit-string"},
        {"05FFFFFFFF", "double-long=-1 "},
        {"0906 0100010800FF", "octet-string"},
        {"0904 01020304", "octet-string"},
        {"0A03 414243", "visible-string"},
        {"0C02 C3A4", "utf8-string"},
        {"0D12", "bcd"},
        {"0FFF", "integer=-1 "},
        {"10FFFE", "long=-2 "},
        {"14FFFFFFFFFFFFFFFD", "long64=-3 "},
        {"15FFFFFFFFFFFFFFFD", "long64-unsigned"},
        {"161E", "enum=30 "},
        {"173F800000", "float32"},
        {"183FF0000000000000", "float64"},
        {"19 07EA0B150603110100000000", "date-time"},
        {"1A 07EA0B1506", "date"},
        {"1B 03110100", "time"},
        {"0202 0FFD 161E", "structure[integer=-3 enum=30:Wh ]"},
        {"0102 1101 1102", "array[unsigned=1 unsigned=2 ]"},
        {"13 11 02 0506", "compact-array["},
    };
    begin();
    for (size_t i = 0; i < sizeof k_values / sizeof k_values[0]; i++) {
        char put_behind[100];
        (void)snprintf(put_behind, sizeof put_behind, "C401C1 00 02 01 %s", k_values[i].hex);
        tell(put_behind);
        if (!has(k_values[i].told) || has("malformed")) {
            printf("# %s: %s\n", k_values[i].hex, told);
            EXPECT(false);
        }
    }
    EXPECT_I64(0, explain.faults);
    tell("C401C1 00 DD"); /* no such type */
    EXPECT(has("malformed"));
    tell("C401C1 00 13 02 02 12 11 05 000101 0002"); /* contents that do not fit the type */
    EXPECT(has("malformed"));
    tell("C401C1 00 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 "
         "0101 0101 0101 0101 0101 00");
    EXPECT(has("malformed"));
    tell("C401C1 00 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 "
         "0101 0101 0101 13 02 01 11 01 05");
    EXPECT(has("malformed"));
}

/* A frame from the client with this control and information. */
static struct wk_test_octets framed(wk_hdlc_control type, bool more, const char *info)
{
    const struct wk_test_octets inside = wk_test_hex(info);
    struct wk_test_octets octets = {.size = 0};
    struct wk_bytes_out out = wk_bytes_out_of(octets.data, sizeof octets.data);
    const struct wk_hdlc_frame frame = {
        .destination = {.upper = 1, .lower = 17, .octets = 2},
        .source = {.upper = 16, .octets = 1},
        .type = type,
        .segmented = more,
        .info = inside.data,
        .info_size = inside.size,
    };
    wk_hdlc_put(&out, &frame);
    octets.size = out.size;
    return octets;
}

static void tell_frame(wk_hdlc_control type, bool more, const char *info)
{
    const struct wk_test_octets octets = framed(type, more, info);
    at = 0;
    told[0] = '\0';
    wk_explain_hdlc(&explain, octets.data, octets.size);
}

static void frames_of_every_type_are_told(void)
{
    begin();
    tell_frame(WK_HDLC_I, true, "E6E600 C001C1");
    EXPECT(has("segment:more follow") && !has("get-request"));
    tell_frame(WK_HDLC_RR, false, "");
    EXPECT(!has("malformed"));
    tell_frame(WK_HDLC_I, false, CLOCK "00");
    EXPECT(has("segment:the last one") && has("class-id=8:clock"));
    EXPECT_I64(0, explain.faults);
    tell_frame(WK_HDLC_I, false, "C001C1" CLOCK "00");
    EXPECT(has("an LLC header must stand here") && has("class-id=8:clock"));
    tell_frame(WK_HDLC_I, false, "E6E600");
    EXPECT(has("hdlc["));
    tell_frame(WK_HDLC_SNRM, false, "FFFFFF");
    EXPECT(has("information"));
    tell_frame(WK_HDLC_SNRM, false, "818014 05020080 06020080 070400000001 080400000001");
    EXPECT(has("max-info-transmit=128"));
    tell_frame(WK_HDLC_FRMR, false, "010203");
    EXPECT(has("information"));
    tell_frame(WK_HDLC_UI, false, "E6E600 D80102");
    EXPECT(has("exception-response["));
    tell_frame(WK_HDLC_RNR, false, "");
    tell_frame(WK_HDLC_DM, false, "");
    EXPECT(has("hdlc["));
}

static void segments_beyond_all_room_are_told_as_such(void)
{
    begin();
    struct wk_test_octets octets = framed(WK_HDLC_I, true, "");
    static char info[2 * 900 + 1];
    memset(info, '0', sizeof info - 1);
    octets = framed(WK_HDLC_I, true, info);
    for (int i = 0; i < WK_EXPLAIN_WHOLE / 900 + 2; i++) {
        at = 0;
        told[0] = '\0';
        wk_explain_hdlc(&explain, octets.data, octets.size);
        if (has("more segments than can be held")) {
            EXPECT(i >= WK_EXPLAIN_WHOLE / 900);
            return;
        }
    }
    EXPECT(false);
}

static void the_titles_of_an_association_open_what_comes_behind_it(void)
{
    struct wk_shield_cover cover = {
        .tag = WK_APDU_GLO_GET_REQUEST, .control = 0x30, .counter = 3};
    begin();
    give_key(&explain.keys.global.ek, "000102030405060708090A0B0C0D0E0F");
    give_key(&explain.keys.global.ak, "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
    tell("604A A109 0607" OID "103 A60A 0408 4D4D4D0000BC614E 8A02 0780 8B07" OID
         "205 AC12 8010 "
         "000102030405060708090A0B0C0D0E0F BE10 040E 01 00 00" ASKS);
    const struct wk_test_octets octets = protect(&cover);
    explain.direction = 0;
    at = 0;
    wk_explain_apdu(&explain, octets.data, octets.size);
    EXPECT(has("opened:authentic") && has("class-id=8:clock"));
    give_key(&explain.keys.global.ek, "000102030405060708090A0B0C0D0E0F"
                                      "000102030405060708090A0B0C0D0E0F");
    at = 0;
    wk_explain_apdu(&explain, octets.data, octets.size);
    EXPECT(!has("class-id=8:clock"));
    const struct wk_explain_sink same = explain.sink;
    wk_explain_init(&explain, NULL, &same);
    give_key(&explain.keys.global.ek, "000102030405060708090A0B0C0D0E0F");
    at = 0;
    wk_explain_apdu(&explain, octets.data, octets.size);
    EXPECT(has("not opened"));
}

static void every_logical_name_has_a_text_that_ends(void)
{
    static const uint8_t k_d[] = {0, 2, 6, 7, 8, 9, 29, 31, 99};
    char text[WK_EXPLAIN_NAME];
    int named = 0;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t d = 0; d < sizeof k_d; d++) {
            for (unsigned e = 0; e < 256; e += 51) {
                const uint8_t one[6] = {1,      0,          (uint8_t)c,
                                        k_d[d], (uint8_t)e, (uint8_t)(e == 51 ? 101 : 255)};
                const uint8_t other[6] = {0, 0, (uint8_t)c, k_d[d], (uint8_t)e, 255};
                wk_explain_obis_name(one, text);
                EXPECT(memchr(text, '\0', sizeof text) != NULL);
                named += text[0] != '\0';
                wk_explain_obis_name(other, text);
                EXPECT(memchr(text, '\0', sizeof text) != NULL);
            }
        }
    }
    EXPECT(named > 82 * 7);
    const uint8_t neutral[6] = {1, 0, 91, 7, 0, 255};
    wk_explain_obis_name(neutral, text);
    EXPECT(strcmp(text, "current N, instantaneous") == 0);
}

WK_TEST_MAIN(T(a_get_and_its_answer_are_told_field_by_field),
             T(an_exception_tells_the_counter_it_expects),
             T(what_is_cut_off_or_left_over_is_told_with_its_offset),
             T(a_frame_with_a_wrong_check_sum_is_told_all_the_same),
             T(noise_between_frames_is_told),
             T(what_is_protected_is_opened_as_far_as_keys_are_given),
             T(pieces_are_told_one_by_one_and_the_whole_with_the_last),
             T(a_compact_array_is_told_element_by_element),
             T(logical_names_are_called_what_the_standard_calls_them),
             T(an_apdu_of_every_kind_is_told_without_a_fault),
             T(of_a_beginning_all_that_is_there_is_told),
             T(mutilated_apdus_are_told_somehow_and_end),
             T(frames_of_the_wrapper_are_told_one_after_another),
             T(frames_of_hdlc_are_told_with_addresses_limits_and_segments),
             T(every_kind_of_protection_is_told_and_opened), T(nesting_ends_somewhere),
             T(values_of_every_type_are_told), T(frames_of_every_type_are_told),
             T(segments_beyond_all_room_are_told_as_such),
             T(the_titles_of_an_association_open_what_comes_behind_it),
             T(every_logical_name_has_a_text_that_ends))
