/* SPDX-License-Identifier: Apache-2.0
 *
 * Pushes of the shapes that meters in the field send: one frame was recorded (Kaifa, Norway),
 * one sealed APDU is a public vector; the others are put together here as their countries'
 * descriptions have them, in the same octets as their meters. */
#include "cosem/push_decoder.h"

#include "cosem/cosem_test.h"
#include "cosem/hdlc.h"
#include "cosem/wrapper.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define ROOM   1024
#define VALUES 32

static const char k_kaifa[] =
    "7EA09B01000110561BE6E7000F40000000090C07E7090401103400FF800000021209074B464D5F303031091037"
    "33343031353730313132353335343409084D41333034483444060000044F0600000000060000000006000000C0"
    "060000088F06000005AA060000057C06000008DA06000008F906000008E6090C07E7090401103400FF80000006"
    "08C141C9060000000006001AE03806013151959D787E";
/* General-glo-ciphering under AK = EK = "MYDUMMYGLOBALKEY". */
static const char k_sealed[] =
    "DB082F192291991641033B30000001E5025CE9D2271FD78BE8C204211A916A9D7F587E0A7A814CADEA89E9593F"
    "01F92EA8C087B5BDFDEFEAB6BECF282DFE49C08F5BE6DC8400";
/* As the HAN port of Sweden has it: {name, value, {scaler, unit}}. */
static const char k_named[] = "0F00000000 0C 07EA0B15060C0000FF800000 01 02 02 03 0906 "
                              "0100010700FF 06 00000513 0202 0F00 "
                              "161B 02 03 0906 0100200700FF 12 08FC 0202 0FFF 1623";
/* As some Austrian meters have it: name, value, {scaler, unit} without a structure around. */
static const char k_flat[] =
    "0F80000001 0C 07EA0B15060C0000FF800000 02 06 0906 0100010800FF 06 00ABCDEF 0202 0F00 161E "
    "0906 0000600100FF 0904 31323334 0906 0100480700FF";
/* An alarm register, as a destination of alarms is told of it. */
static const char k_event[] = "C2010C07EA0915010E0D140000000000010000616201FF020600000018";
/* A push setup's list of captured objects, then their values. */
static const char k_listed[] =
    "0F00000002 00 02 03 01 03 0204 120028 0906 0000190900FF 0F02 120000 0204 120003 "
    "0906 0100010800FF 0F02 120000 0204 120003 0906 0100020800FF 0F02 120000 06 0000007B 15 "
    "00000000000001C8";

static struct {
    struct wk_push_decoder_value value[VALUES];
    uint8_t obis[VALUES][6];
    size_t count;
    struct wk_push_decoder_head head;
    wk_err end;
    unsigned ends;
    size_t text;
} got;
static struct wk_push_decoder decoder;
static struct wk_bearssl bearssl;
static uint8_t frame[ROOM];
static uint8_t apdu[ROOM];
static uint8_t plain[ROOM + WK_CIPHER_RESERVE];

static void take_head(void *self, const struct wk_push_decoder_head *head)
{
    (void)self;
    got.head = *head;
    got.count = 0;
}

static void take_value(void *self, const struct wk_push_decoder_value *value)
{
    (void)self;
    if (got.count < VALUES) {
        got.value[got.count] = *value;
        if (value->obis != NULL) {
            memcpy(got.obis[got.count], value->obis, 6);
        }
        got.count++;
    }
}

static void take_end(void *self, wk_err err)
{
    (void)self;
    got.end = err;
    got.ends++;
}

static void take_text(void *self, const struct wk_push_decoder_head *head, const uint8_t *text,
                      size_t size)
{
    (void)self;
    (void)text;
    got.head = *head;
    got.text = size;
}

static wk_err no_random(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 0, size);
    return WK_OK;
}

static wk_err begin(const char *ek, const char *ak)
{
    struct wk_push_decoder_config config = {
        .crypto = &bearssl.hal,
        .sink = {.head = take_head, .value = take_value, .end = take_end, .text = take_text},
        .frame = frame,
        .frame_room = sizeof frame,
        .apdu = apdu,
        .apdu_room = sizeof apdu,
        .plain = plain,
        .plain_room = sizeof plain,
    };
    wk_bearssl_init(&bearssl, NULL, no_random);
    config.keys.ek.size = ek == NULL ? 0 : 16;
    config.keys.ak.size = ak == NULL ? 0 : 16;
    memcpy(config.keys.ek.octets, ek == NULL ? "                " : ek, 16);
    memcpy(config.keys.ak.octets, ak == NULL ? "                " : ak, 16);
    memset(&got, 0, sizeof got);
    return wk_push_decoder_init(&decoder, &config);
}

static void feed(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    wk_push_decoder_take(&decoder, octets.data, octets.size);
}

static bool is(size_t i, const char *obis, int64_t value, int scaler, unsigned unit)
{
    const struct wk_test_octets name = wk_test_hex(obis);
    return i < got.count && got.value[i].obis != NULL &&
           memcmp(got.obis[i], name.data, 6) == 0 && got.value[i].value.integer == value &&
           got.value[i].scaler == scaler && got.value[i].unit == unit;
}

static void a_recorded_push_is_read_octet_by_octet(void)
{
    const struct wk_test_octets octets = wk_test_hex(k_kaifa);
    EXPECT_OK(begin(NULL, NULL));
    for (size_t i = 0; i < octets.size; i++) {
        wk_push_decoder_take(&decoder, octets.data + i, 1);
    }
    EXPECT_I64(1, got.ends);
    EXPECT_OK(got.end);
    EXPECT_I64(18, got.count);
    EXPECT(got.head.time != NULL && !got.head.sealed);
    EXPECT(got.value[3].obis == NULL && got.value[3].place == 3);
    EXPECT_I64(1103, got.value[3].value.integer);        /* W */
    EXPECT_I64(2278, got.value[12].value.integer);       /* 0.1 V */
    EXPECT_I64(0x01315195, got.value[17].value.integer); /* varh */
    EXPECT_I64(12, got.value[13].value.size);
    EXPECT_I64(0, decoder.counts.dropped + decoder.counts.broken + decoder.counts.others);
}

static void values_get_their_names_scalers_and_units(void)
{
    EXPECT_OK(begin(NULL, NULL));
    feed(k_named);
    EXPECT_OK(got.end);
    EXPECT_I64(2, got.count);
    EXPECT(is(0, "0100010700FF", 1299, 0, 27) && is(1, "0100200700FF", 2300, -1, 35));
    feed(k_flat);
    EXPECT_OK(got.end);
    EXPECT_I64(2, got.count);
    EXPECT(is(0, "0100010800FF", 0xABCDEF, 0, 30));
    EXPECT(got.value[1].value.size == 4 && got.value[1].unit == WK_PUSH_DECODER_NO_UNIT);
    feed(k_listed);
    EXPECT_OK(got.end);
    EXPECT_I64(2, got.count);
    EXPECT(is(0, "0100010800FF", 123, 0, 255) && is(1, "0100020800FF", 456, 0, 255));
    EXPECT(got.value[1].class_id == 3 && got.value[1].attribute == 2);
    EXPECT(got.head.time == NULL && got.head.invoke == 2);
    EXPECT_I64(3, decoder.counts.pushes);
}

static void a_sealed_push_is_opened_once(void)
{
    EXPECT_OK(begin("MYDUMMYGLOBALKEY", "MYDUMMYGLOBALKEY"));
    feed("0001000100010046");
    feed(k_sealed);
    EXPECT_I64(1, got.ends);
    EXPECT(got.head.sealed && got.head.authentic && got.head.counter == 0x1E5);
    EXPECT_I64(1, got.count);
    EXPECT_I64(0x22, got.value[0].value.size);
    feed(k_sealed); /* bare, and again */
    EXPECT_I64(1, got.ends);
    EXPECT_I64(1, decoder.counts.repeated);
    EXPECT_OK(begin("MYDUMMYGLOBALKEY", NULL));
    feed(k_sealed);
    feed(k_sealed);
    EXPECT_I64(2, got.ends);
    EXPECT(got.head.sealed && !got.head.authentic);
    EXPECT_OK(begin("MYDUMMYGLOBALKEZ", "MYDUMMYGLOBALKEY"));
    feed(k_sealed);
    EXPECT_I64(0, got.ends);
    EXPECT_I64(1, decoder.counts.sealed);
}

/* The APDU in M-Bus frames of at most `most` octets of it, as EN 13757-3 cuts it. */
static size_t as_mbus(const struct wk_test_octets *apdu_octets, size_t most, uint8_t *out)
{
    size_t size = 0;
    uint8_t number = 0;
    for (size_t at = 0; at < apdu_octets->size; number++) {
        const size_t left = apdu_octets->size - at;
        const size_t part = left < most ? left : most;
        const uint8_t length = (uint8_t)(part + 5);
        const uint8_t head[9] = {0x68,
                                 length,
                                 length,
                                 0x68,
                                 0x53,
                                 0xFF,
                                 (uint8_t)(number | (part == left ? 0x10 : 0)),
                                 0x01,
                                 0x67};
        uint8_t sum = 0;
        memcpy(out + size, head, sizeof head);
        memcpy(out + size + sizeof head, apdu_octets->data + at, part);
        for (size_t i = 0; i < length; i++) {
            sum = (uint8_t)(sum + out[size + 4 + i]);
        }
        size += 4U + length;
        out[size++] = sum;
        out[size++] = 0x16;
        at += part;
    }
    return size;
}

static void segments_of_mbus_are_joined(void)
{
    static uint8_t stream[512];
    const struct wk_test_octets sealed = wk_test_hex(k_sealed);
    const size_t size = as_mbus(&sealed, 30, stream);
    EXPECT_OK(begin("MYDUMMYGLOBALKEY", "MYDUMMYGLOBALKEY"));
    wk_push_decoder_take(&decoder, stream, size);
    EXPECT_I64(1, got.ends);
    EXPECT_I64(0, decoder.counts.dropped + decoder.counts.broken);
    /* without the second of three: nothing is told, and the next push is */
    EXPECT_OK(begin("MYDUMMYGLOBALKEY", "MYDUMMYGLOBALKEY"));
    wk_push_decoder_take(&decoder, stream, 41);
    wk_push_decoder_take(&decoder, stream + 82, size - 82);
    EXPECT_I64(0, got.ends);
    EXPECT(decoder.counts.broken > 0);
    wk_push_decoder_take(&decoder, stream, size);
    EXPECT_I64(1, got.ends);
}

static void segments_of_hdlc_are_joined(void)
{
    static uint8_t stream[512];
    uint8_t whole[256] = {0xE6, 0xE7, 0x00};
    const struct wk_test_octets octets = wk_test_hex(k_named);
    struct wk_bytes_out out = wk_bytes_out_of(stream, sizeof stream);
    const size_t size = octets.size + 3;
    memcpy(whole + 3, octets.data, octets.size);
    for (size_t at = 0; at < size; at += 32) {
        const struct wk_hdlc_frame one = {
            .destination = {103, 0, 1},
            .source = {1, 16, 2},
            .type = WK_HDLC_UI,
            .segmented = at + 32 < size,
            .info = whole + at,
            .info_size = size - at < 32 ? size - at : 32,
        };
        wk_hdlc_put(&out, &one);
    }
    EXPECT_OK(out.fault);
    EXPECT_OK(begin(NULL, NULL));
    wk_push_decoder_take(&decoder, stream, out.size);
    EXPECT_I64(1, got.ends);
    EXPECT(is(1, "0100200700FF", 2300, -1, 35));
}

static void a_text_is_handed_over(void)
{
    static const char k_text[] = "/ABC5\\123\r\n\r\n1-0:1.8.0(000001*kWh)\r\n!1234\r\n";
    uint8_t room[256];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_cipher_seal seal;
    struct wk_cipher_keys keys = {.ek = {.octets = "MYDUMMYGLOBALKEY", .size = 16},
                                  .ak = {.octets = "MYDUMMYGLOBALKEY", .size = 16}};
    const struct wk_cipher_head head = {
        .tag = 0xDB, .control = WK_CIPHER_BOTH, .counter = 7, .title = "SAG12345"};
    EXPECT_OK(begin("MYDUMMYGLOBALKEY", "MYDUMMYGLOBALKEY"));
    wk_cipher_begin(&seal, &out, sizeof room);
    wk_bytes_out_put(&seal.plain, k_text, sizeof k_text - 1);
    EXPECT_OK(wk_cipher_finish(&seal, &bearssl.hal, &keys, &head));
    wk_push_decoder_take(&decoder, room, out.size);
    EXPECT_I64(sizeof k_text - 1, got.text);
    EXPECT(got.head.authentic && got.head.counter == 7);
}

static void noise_and_broken_frames_cost_no_other_push(void)
{
    uint64_t chance = 20261121;
    EXPECT_OK(begin(NULL, NULL));
    printf("# seed 20261121\n");
    for (unsigned round = 0; round < 200; round++) {
        uint8_t noise[40];
        const size_t size = wk_test_random(&chance) >> 32 & 31;
        const unsigned before = got.ends;
        for (size_t i = 0; i < size; i++) {
            noise[i] = (uint8_t)(wk_test_random(&chance) >> 40);
        }
        wk_push_decoder_take(&decoder, noise, size);
        wk_push_decoder_pause(&decoder);
        feed(k_kaifa);
        wk_push_decoder_pause(&decoder);
        EXPECT(got.ends == before + 1 && got.count == 18);
    }
}

static void a_push_that_is_cut_off_tells_what_came_and_why_it_ends(void)
{
    const struct wk_test_octets named = wk_test_hex(k_named);
    uint8_t room[256];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    for (size_t cut = 1; cut < named.size; cut++) {
        const struct wk_wrapper head = {1, 1, (uint16_t)(named.size - cut)};
        EXPECT_OK(begin(NULL, NULL));
        out.size = 0;
        wk_wrapper_put(&out, &head);
        wk_bytes_out_put(&out, named.data, named.size - cut);
        wk_push_decoder_take(&decoder, room, out.size);
        EXPECT_I64(1, decoder.counts.pushes + decoder.counts.others);
        EXPECT(got.ends == 0 || got.end == WK_E_SHORT);
    }
}

/* ---- what is broken ---------------------------------------------------------------------- */

/* After a mutilated push and a pause, the next one comes through, unless it was opened before. */
static void no_changed_octet_costs_the_next_push(void)
{
    static const uint8_t k_octets[] = {0x00, 0x01, 0x0F, 0x10, 0x16,
                                       0x2F, 0x68, 0x7E, 0xDB, 0xFF};
    static uint8_t streams[4][512];
    size_t sizes[4];
    const struct wk_test_octets sealed = wk_test_hex(k_sealed);
    const struct wk_test_octets kaifa = wk_test_hex(k_kaifa);
    const struct wk_test_octets named = wk_test_hex(k_named);
    const struct wk_test_octets wrapper = wk_test_hex("0001000100010046");
    sizes[0] = as_mbus(&sealed, 30, streams[0]);
    sizes[1] = kaifa.size;
    memcpy(streams[1], kaifa.data, kaifa.size);
    sizes[2] = named.size;
    memcpy(streams[2], named.data, named.size);
    sizes[3] = wrapper.size + sealed.size;
    memcpy(streams[3], wrapper.data, wrapper.size);
    memcpy(streams[3] + wrapper.size, sealed.data, sealed.size);
    for (size_t which = 0; which < 4; which++) {
        for (size_t at = 0; at < sizes[which]; at++) {
            for (size_t j = 0; j < sizeof k_octets; j++) {
                const uint8_t right = streams[which][at];
                EXPECT_OK(begin("MYDUMMYGLOBALKEY", "MYDUMMYGLOBALKEY"));
                streams[which][at] = k_octets[j];
                wk_push_decoder_take(&decoder, streams[which], sizes[which]);
                wk_push_decoder_pause(&decoder);
                streams[which][at] = right;
                const unsigned ends = got.ends;
                const bool was_opened = decoder.has_counter;
                wk_push_decoder_take(&decoder, streams[which], sizes[which]);
                EXPECT(got.ends == ends + 1 || was_opened);
                if (which == 1 && k_octets[j] != right) {
                    EXPECT_I64(0, ends); /* a check sum is over all of it */
                }
            }
        }
    }
}

static void rooms_that_are_too_small_cost_only_what_does_not_fit(void)
{
    static const struct {
        size_t frame;
        size_t apdu;
        size_t plain;
    } k_rooms[] = {{60, 1024, 1024}, {1024, 60, 1024}, {1024, 1024, 60}};
    for (size_t i = 0; i < sizeof k_rooms / sizeof k_rooms[0]; i++) {
        EXPECT_OK(begin("MYDUMMYGLOBALKEY", "MYDUMMYGLOBALKEY"));
        struct wk_push_decoder_config config = decoder.config;
        config.frame_room = k_rooms[i].frame;
        config.apdu_room = k_rooms[i].apdu;
        config.plain_room = k_rooms[i].plain;
        EXPECT_OK(wk_push_decoder_init(&decoder, &config));
        feed(k_kaifa);
        feed(k_sealed);
        feed("0001000100010046");
        feed(k_sealed);
        wk_push_decoder_pause(&decoder);
        EXPECT(got.ends <= 1);
        const unsigned ends = got.ends;
        feed("0F00000000 00 1105");
        EXPECT_I64(ends + 1, got.ends);
    }
}

static void who_has_no_ear_for_something_is_not_told_it(void)
{
    EXPECT_OK(begin(NULL, NULL));
    struct wk_push_decoder_config config = decoder.config;
    config.sink = (struct wk_push_decoder_sink){.value = take_value};
    config.crypto = NULL;
    EXPECT_OK(wk_push_decoder_init(&decoder, &config));
    feed(k_kaifa);
    wk_push_decoder_pause(&decoder);
    feed(k_sealed);
    EXPECT(got.count > 0);
    EXPECT_I64(0, got.ends);
    EXPECT_I64(1, decoder.counts.sealed);
    config.frame = NULL;
    EXPECT_ERR(WK_E_ARGUMENT, wk_push_decoder_init(&decoder, &config));
    config.frame = frame;
    config.frame_room = 3;
    EXPECT_ERR(WK_E_ARGUMENT, wk_push_decoder_init(&decoder, &config));
    config.frame_room = sizeof frame;
    config.apdu = NULL;
    EXPECT_ERR(WK_E_ARGUMENT, wk_push_decoder_init(&decoder, &config));
    config.apdu = apdu;
    config.plain = NULL;
    EXPECT_ERR(WK_E_ARGUMENT, wk_push_decoder_init(&decoder, &config));
}

static void an_event_has_its_name_and_its_value(void)
{
    EXPECT_OK(begin(NULL, NULL));
    feed("0001000100660020");
    feed(k_event);
    EXPECT_I64(0, got.ends); /* three octets are missing */
    wk_push_decoder_pause(&decoder);
    EXPECT_OK(begin(NULL, NULL));
    feed("000100010066001D");
    feed(k_event);
    EXPECT_I64(1, got.ends);
    EXPECT_OK(got.end);
    EXPECT(got.head.is_event && got.head.time != NULL && !got.head.sealed);
    EXPECT_I64(1, got.count);
    EXPECT(is(0, "0000616201FF", 24, 0, WK_PUSH_DECODER_NO_UNIT));
    EXPECT_I64(1, got.value[0].class_id);
    EXPECT_I64(2, got.value[0].attribute);
    feed("0001000100660010 C200 0001 0000616201FF 02 0600000018"); /* without a time */
    EXPECT_I64(2, got.ends);
    EXPECT(got.head.is_event && got.head.time == NULL);
    EXPECT(is(0, "0000616201FF", 24, 0, WK_PUSH_DECODER_NO_UNIT));
    feed("0001000100660009 C201 0B 07EA0915010E");
    EXPECT_I64(1, decoder.counts.others);
    EXPECT_I64(2, decoder.counts.pushes);
}

WK_TEST_MAIN(T(a_recorded_push_is_read_octet_by_octet),
             T(values_get_their_names_scalers_and_units), T(a_sealed_push_is_opened_once),
             T(segments_of_mbus_are_joined), T(segments_of_hdlc_are_joined),
             T(a_text_is_handed_over), T(noise_and_broken_frames_cost_no_other_push),
             T(a_push_that_is_cut_off_tells_what_came_and_why_it_ends),
             T(no_changed_octet_costs_the_next_push),
             T(rooms_that_are_too_small_cost_only_what_does_not_fit),
             T(who_has_no_ear_for_something_is_not_told_it),
             T(an_event_has_its_name_and_its_value))
