/* SPDX-License-Identifier: Apache-2.0
 *
 * Every block of tests/vectors/dlms.txt is read and used: what a block says is compared with
 * what this code makes of its inputs. The blocks tell where they come from. */
#include <stdlib.h>

#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "cosem/envelope.h"
#include "cosem/hls.h"
#include "cosem/initiate.h"
#include "cosem/kdf.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define BLOCKS 40
#define FIELDS 10
#define TEXT   400
#define EK     "000102030405060708090A0B0C0D0E0F"
#define AK     "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"

struct block {
    int number;
    int fields;
    char name[FIELDS][16];
    char value[FIELDS][TEXT];
};

static struct block blocks[BLOCKS];
static int block_count;
static struct wk_bearssl bearssl;
static uint64_t chance = 20261121;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static void load(void)
{
    char line[1000];
    FILE *file = fopen(WK_SOURCE_DIR "/tests/vectors/dlms.txt", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        struct block *block = &blocks[block_count > 0 ? block_count - 1 : 0];
        if (line[0] == '[' && block_count < BLOCKS) {
            blocks[block_count++].number = atoi(line + 1);
        } else if (line[0] != '#' && block_count > 0 && block->fields < FIELDS &&
                   sscanf(line, "%15s = %399s", block->name[block->fields],
                          block->value[block->fields]) == 2) {
            block->fields++;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    wk_bearssl_init(&bearssl, &chance, draw);
    wk_bearssl_add_wrap(&bearssl);
    wk_bearssl_add_p256(&bearssl);
    wk_bearssl_add_p384(&bearssl);
}

/* The octets of a field; none if the block does not have it. */
static struct wk_test_octets octets_of(const struct block *block, const char *name)
{
    for (int i = 0; i < block->fields; i++) {
        if (strcmp(block->name[i], name) == 0) {
            return wk_test_hex(block->value[i]);
        }
    }
    return (struct wk_test_octets){.size = 0};
}

static struct wk_hal_key key_of(const struct wk_test_octets *octets, const char *other)
{
    const struct wk_test_octets usual = wk_test_hex(other);
    const struct wk_test_octets *used = octets->size > 0 ? octets : &usual;
    struct wk_hal_key key = {.size = (uint8_t)used->size};
    memcpy(key.octets, used->data, used->size);
    return key;
}

static struct wk_hal_private private_of(const struct wk_test_octets *octets)
{
    struct wk_hal_private key = {.size = (uint8_t)octets->size};
    memcpy(key.octets, octets->data, octets->size);
    return key;
}

static bool same(const struct wk_test_octets *want, const void *got, size_t size)
{
    return want->size > 0 && want->size == size && memcmp(want->data, got, size) == 0;
}

static uint32_t number_of(const struct wk_test_octets *octets)
{
    struct wk_bytes_in in = wk_test_in(octets);
    return wk_bytes_in_u32be(&in);
}

/* ---- ciphering --------------------------------------------------------------------------- */

static size_t seal(const struct block *block, uint8_t tag, uint8_t control, uint8_t *room,
                   size_t limit)
{
    const struct block *base = block->number == 2 || block->number == 3 ? &blocks[0] : block;
    const struct wk_test_octets title = octets_of(base, "sys_title");
    const struct wk_test_octets counter = octets_of(base, "ic");
    const struct wk_test_octets text = octets_of(base, "plain");
    const struct wk_test_octets none = {.size = 0};
    const struct wk_cipher_keys keys = {.ek = key_of(&none, EK), .ak = key_of(&none, AK)};
    struct wk_cipher_head head = {
        .tag = tag, .control = control, .counter = number_of(&counter)};
    struct wk_bytes_out out = wk_bytes_out_of(room, limit);
    struct wk_cipher_seal sealing;
    memcpy(head.title, title.data, WK_CIPHER_TITLE);
    wk_cipher_begin(&sealing, &out, limit);
    wk_bytes_out_put(&sealing.plain, text.data, text.size);
    return wk_cipher_finish(&sealing, &bearssl.hal, &keys, &head) == WK_OK ? out.size : 0;
}

static bool glo_get(const struct block *block)
{
    uint8_t room[300];
    const struct wk_test_octets control = octets_of(block, "sc");
    const struct wk_test_octets apdu = octets_of(block, "apdu");
    const struct wk_test_octets tag = octets_of(block, "tag");
    const size_t size =
        seal(block, WK_APDU_GLO_GET_REQUEST, control.data[0], room, sizeof room);
    return block->number == 3 ? same(&tag, room + size - 12, 12) : same(&apdu, room, size);
}

static bool glo_initiate(const struct block *block)
{
    uint8_t room[300];
    struct wk_initiate_request initiate;
    const struct wk_test_octets plain = octets_of(block, "plain");
    const struct wk_test_octets key = octets_of(block, "dedicated_key");
    const struct wk_test_octets apdu = octets_of(block, "apdu");
    struct wk_bytes_in in = wk_test_in(&plain);
    const size_t size = seal(block, WK_APDU_GLO_INITIATE_REQUEST, 0x30, room, sizeof room);
    return wk_initiate_read_request(&in, &initiate) == WK_OK &&
           same(&key, initiate.dedicated_key, initiate.dedicated_key_size) &&
           same(&apdu, room, size);
}

static bool hls_gmac(const struct block *block)
{
    const struct wk_test_octets title = octets_of(block, "sys_title");
    const struct wk_test_octets counter = octets_of(block, "ic");
    const struct wk_test_octets reply = octets_of(block, "reply");
    const struct wk_test_octets challenge =
        octets_of(block, block->number == 5 ? "StoC" : "CtoS");
    const struct wk_test_octets none = {.size = 0};
    const struct wk_cipher_keys keys = {.ek = key_of(&none, EK), .ak = key_of(&none, AK)};
    uint8_t room[WK_HLS_ANSWER];
    struct wk_bytes_out answer = wk_bytes_out_of(room, sizeof room);
    const struct wk_hls hls = {
        .hashed = &wk_hls_by_hash,
        .crypto = &bearssl.hal,
        .mechanism = WK_ASSOCIATION_HLS_GMAC,
        .keys = &keys,
        .counter = number_of(&counter),
        .prover = title.data,
        .challenge = wk_bytes_in_of(challenge.data, challenge.size),
    };
    return wk_hls_answer(&hls, &answer) == WK_OK && same(&reply, room, answer.size);
}

static bool general_glo(const struct block *block)
{
    const struct wk_test_octets key = octets_of(block, "EK");
    const struct wk_test_octets apdu = octets_of(block, "apdu");
    const struct wk_test_octets plain = octets_of(block, "plain");
    const struct wk_cipher_keys keys = {.ek = key_of(&key, EK), .ak = key_of(&key, EK)};
    struct wk_bytes_in in = wk_test_in(&apdu);
    struct wk_cipher_head head;
    struct wk_bytes_in text;
    uint8_t room[300];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    return wk_cipher_read_head(&in, &head, &text) == WK_OK &&
           wk_cipher_open(&bearssl.hal, &keys, &head, &text, &out) == WK_OK &&
           same(&plain, room, out.size);
}

static bool suite_2(const struct block *block)
{
    const struct wk_test_octets iv = octets_of(block, "title_ic");
    const struct wk_test_octets ek = octets_of(block, "EK");
    const struct wk_test_octets ak = octets_of(block, "AK");
    const struct wk_test_octets plain = octets_of(block, "plain");
    const struct wk_test_octets want = octets_of(block, "ct_tag");
    const struct wk_cipher_keys keys = {.ek = key_of(&ek, EK), .ak = key_of(&ak, AK)};
    struct wk_cipher_head head = {
        .tag = WK_APDU_GLO_GET_REQUEST, .control = 0x32, .counter = 0x01234567};
    uint8_t room[300];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_cipher_seal sealing;
    memcpy(head.title, iv.data, WK_CIPHER_TITLE);
    wk_cipher_begin(&sealing, &out, sizeof room);
    wk_bytes_out_put(&sealing.plain, plain.data, plain.size);
    return wk_cipher_finish(&sealing, &bearssl.hal, &keys, &head) == WK_OK &&
           same(&want, room + out.size - want.size, want.size);
}

/* ---- keys -------------------------------------------------------------------------------- */

static bool key_wrap(const struct block *block)
{
    const struct wk_test_octets kek = octets_of(block, "kek");
    const struct wk_test_octets key = octets_of(block, "key");
    const struct wk_test_octets wrapped = octets_of(block, "wrapped");
    const struct wk_hal_key with = key_of(&kek, EK);
    const struct wk_hal_key what = key_of(&key, EK);
    uint8_t out[WK_HAL_WRAPPED];
    return bearssl.hal.wrap(&bearssl, &with, &what, out) == WK_OK &&
           same(&wrapped, out, (size_t)what.size + 8);
}

static bool signature(const struct block *block)
{
    const struct wk_test_octets d = octets_of(block, "d");
    const struct wk_test_octets q = octets_of(block, "Q");
    const struct wk_test_octets want = octets_of(block, "r_s");
    const struct wk_hal_private key = private_of(&d);
    uint8_t hash[WK_HAL_HASH];
    uint8_t got[WK_HAL_POINT];
    return wk_kdf_hash(&bearssl.hal, key.size, "sample", 6, hash) == WK_OK &&
           bearssl.hal.sign(&bearssl, &key, hash, got) == WK_OK &&
           same(&want, got, 2 * (size_t)key.size) &&
           bearssl.hal.verify(&bearssl, key.size, q.data, hash, want.data) == WK_OK;
}

/* The block has both private keys: each side's public key is computed from its own. */
static bool agreement(const struct block *block)
{
    static const char *const k_points[2] = {
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB",
        "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D0D1AC43A0336DEF9"
        "6FDA41D0774A3571DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF"
        "F83FA40142209DFF5EAAD96DB9E6386C",
    };
    const struct wk_test_octets d = octets_of(block, "d_i");
    const struct wk_test_octets z = octets_of(block, "Z");
    const struct wk_test_octets point = wk_test_hex(k_points[block->number - 11]);
    const struct wk_hal_private key = private_of(&d);
    uint8_t secret[WK_HAL_EC];
    return bearssl.hal.agree(&bearssl, &key, point.data, secret) == WK_OK &&
           same(&z, secret, key.size);
}

static bool derivation(const struct block *block)
{
    const uint8_t suite = (uint8_t)(block->number - 12);
    const struct wk_test_octets z = octets_of(&blocks[block->number - 3], "Z");
    const struct wk_test_octets info = octets_of(block, "otherinfo");
    const struct wk_test_octets want = octets_of(block, "key");
    const struct wk_kdf_info parties = {
        .party_u = wk_bytes_in_of(info.data + 7, 8),
        .party_v = wk_bytes_in_of(info.data + 15, 8),
    };
    struct wk_hal_key key;
    return wk_kdf_derive(&bearssl.hal, suite, z.data, &parties, &key) == WK_OK &&
           same(&want, key.octets, key.size);
}

/* ---- HDLC -------------------------------------------------------------------------------- */

/* CRC-16/X-25, bit by bit. */
static uint16_t crc_of(const uint8_t *octets, size_t size)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= octets[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? crc >> 1 ^ 0x8408 : crc >> 1);
        }
    }
    return (uint16_t)~crc;
}

static bool frame_is_whole(const struct wk_test_octets *frame)
{
    const size_t size = frame->size;
    const uint16_t crc = crc_of(frame->data + 1, size - 4);
    const size_t length = (size_t)(frame->data[1] & 7) << 8 | frame->data[2];
    return size > 6 && frame->data[0] == 0x7E && frame->data[size - 1] == 0x7E &&
           length == size - 2 && frame->data[size - 3] == (uint8_t)crc &&
           frame->data[size - 2] == (uint8_t)(crc >> 8);
}

/* What follows LLC. `head`: octets before it. */
static struct wk_bytes_in content(const struct wk_test_octets *frame, size_t head)
{
    return wk_bytes_in_of(frame->data + head + 3, frame->size - head - 6);
}

static bool check_value(const struct block *block)
{
    const struct wk_test_octets in = octets_of(block, "in");
    const struct wk_test_octets fcs = octets_of(block, "fcs_le");
    const uint16_t crc = crc_of(in.data, in.size);
    const uint8_t octets[] = {(uint8_t)crc, (uint8_t)(crc >> 8)};
    return same(&fcs, octets, 2);
}

static bool frame(const struct block *block)
{
    const struct wk_test_octets octets = octets_of(block, "frame");
    return frame_is_whole(&octets);
}

static bool frame_aarq(const struct block *block)
{
    const struct wk_test_octets octets = octets_of(block, "frame");
    struct wk_association_request request;
    struct wk_bytes_in in = content(&octets, 8);
    return frame_is_whole(&octets) && wk_association_read_request(&in, &request) == WK_OK &&
           request.context == WK_ASSOCIATION_LN;
}

/* The response has octets behind its value: it must not be taken. */
static bool frame_get(const struct block *block)
{
    const struct wk_test_octets asked = octets_of(block, "request");
    const struct wk_test_octets answered = octets_of(block, "response");
    struct wk_bytes_in in = content(&asked, 8);
    struct wk_bytes_in back = content(&answered, 8);
    struct wk_apdu_request request;
    struct wk_apdu_response response;
    return frame_is_whole(&asked) && frame_is_whole(&answered) &&
           wk_apdu_read_request(&in, &request) == WK_OK && request.target.class_id == 8 &&
           request.target.id == 2 && wk_apdu_read_response(&back, &response) != WK_OK;
}

static bool frame_push(const struct block *block)
{
    const struct wk_test_octets octets = octets_of(block, "frame");
    struct wk_bytes_in in = content(&octets, 9);
    const uint8_t tag = wk_bytes_in_u8(&in);
    (void)wk_bytes_in_u32be(&in);
    (void)wk_axdr_take(&in); /* this meter puts a type before its date-time, too */
    const struct wk_bytes_in value = wk_axdr_take(&in);
    return frame_is_whole(&octets) && tag == WK_APDU_DATA_NOTIFICATION && value.size > 100 &&
           wk_bytes_in_end(&in) == WK_OK;
}

/* ---- all of them ------------------------------------------------------------------------- */

static bool (*const k_use[])(const struct block *) = {
    NULL,      glo_get,     glo_get,    glo_get,    glo_initiate, hls_gmac,
    hls_gmac,  general_glo, key_wrap,   key_wrap,   signature,    agreement,
    agreement, derivation,  derivation, suite_2,    check_value,  frame,
    frame,     frame,       frame,      frame_aarq, frame_get,    frame_push,
};

static void every_vector_is_used_and_holds(void)
{
    int used = 0;
    load();
    EXPECT(block_count > 0);
    for (int i = 0; i < block_count; i++) {
        const int number = blocks[i].number;
        const bool known = number > 0 && number < (int)(sizeof k_use / sizeof k_use[0]);
        const bool holds = known && k_use[number](&blocks[i]);
        if (!holds) {
            printf("# block %d does not hold\n", number);
        }
        used += holds ? 1 : 0;
    }
    WK_TEST_FIGURE("dlms.vectors.used", 100.0 * used / block_count, "%", ">= 100",
                   used == block_count, 0);
    printf("# %d of %d blocks\n", used, block_count);
    EXPECT_I64(block_count, used);
    EXPECT_I64(23, block_count);
}

WK_TEST_MAIN(T(every_vector_is_used_and_holds))
