/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes what reads protected APDUs and certificates. The first octet chooses: a certificate as
 * it is; an APDU as it is, to an end of an association that knows its keys; octets that are
 * sealed for that end with the right key, in any envelope, so that what is inside counts. An
 * APDU that was not sealed must never be opened. */
#include <stdlib.h>
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/certificate.h"
#include "cosem/shield.h"
#include "port/linux/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 4096

static struct wk_crypto crypto;
static bool is_ready;
static const struct wk_cipher_keys k_keys = {.ek = {.octets = {1, 2, 3}, .size = 16},
                                             .ak = {.octets = {4, 5, 6}, .size = 16}};
static const struct wk_hal_key k_kek = {.octets = {7, 8, 9}, .size = 16};
static const struct wk_hal_key k_dedicated = {.octets = {10, 11}, .size = 16};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct wk_shield shield_of(const char *own, const char *peer, uint32_t *counter)
{
    struct wk_shield shield = {
        .crypto = &crypto.hal,
        .pairs = &wk_shield_by_pairs,
        .names = &wk_shield_by_names,
        .keys = &k_keys,
        .kek = &k_kek,
        .dedicated = &k_dedicated,
    };
    memcpy(shield.own, own, WK_CIPHER_TITLE);
    memcpy(shield.peer, peer, WK_CIPHER_TITLE);
    for (int key = 0; key < WK_SHIELD_KEYS; key++) {
        shield.counter[key] = counter;
    }
    return shield;
}

static void fuzz_certificate(struct wk_bytes_in in)
{
    struct wk_certificate certificate;
    if (wk_certificate_read(in, &certificate) != WK_OK) {
        return;
    }
    const struct wk_bytes_in parts[] = {certificate.serial, certificate.issuer,
                                        certificate.subject, certificate.alternative,
                                        certificate.signed_part};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        require(parts[i].size == 0 || (parts[i].data >= in.data &&
                                       parts[i].data + parts[i].size <= in.data + in.size));
    }
    require(certificate.size == 32 || certificate.size == 48);
    require(certificate.point + 2 * (size_t)certificate.size <= in.data + in.size);
}

static void fuzz_apdu(struct wk_bytes_in in)
{
    static uint8_t room[ROOM];
    uint32_t counter = 5;
    const struct wk_shield server = shield_of("SERVER01", "CLIENT01", &counter);
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_shield_cover cover;
    struct wk_bytes_in plain;
    const wk_err err = wk_shield_open(&server, in, &out, &cover, &plain);
    const bool tagged = (cover.control & WK_CIPHER_AUTHENTICATED) != 0;
    require(err != WK_OK || !(tagged || cover.is_signed)); /* nobody sealed it */
    require(counter == 5);
}

static void fuzz_sealed(struct wk_bytes_in in)
{
    static uint8_t sealed[ROOM];
    static uint8_t room[ROOM];
    static const uint8_t k_tags[] = {WK_APDU_GENERAL_GLO, WK_APDU_GENERAL_DED,
                                     WK_APDU_GENERAL_CIPHERING};
    uint32_t counter = 5;
    const struct wk_shield client = shield_of("CLIENT01", "SERVER01", NULL);
    const struct wk_shield server = shield_of("SERVER01", "CLIENT01", &counter);
    const uint8_t how = wk_bytes_in_u8(&in);
    const struct wk_shield_cover cover = {
        .tag = k_tags[how % 3],
        .control = WK_CIPHER_AUTHENTICATED | ((how & 0x80) != 0 ? WK_CIPHER_ENCRYPTED : 0),
        .key = (how & 0x40) != 0 ? WK_ENVELOPE_KEY_WRAPPED : WK_ENVELOPE_KEY_KNOWN,
        .counter = 6,
    };
    struct wk_bytes_out out = wk_bytes_out_of(sealed, sizeof sealed);
    struct wk_cipher_seal seal;
    wk_shield_begin(&seal, &out, sizeof sealed, &cover);
    wk_bytes_out_put(&seal.plain, in.data + in.at, wk_bytes_in_left(&in));
    if (in.fault != WK_OK || wk_shield_finish(&client, &seal, &cover) != WK_OK) {
        return;
    }
    struct wk_shield_cover read;
    struct wk_bytes_in plain;
    struct wk_bytes_out opened = wk_bytes_out_of(room, sizeof room);
    const wk_err err =
        wk_shield_open(&server, wk_bytes_in_of(sealed, out.size), &opened, &read, &plain);
    const uint8_t inner = wk_bytes_in_peek(&in);
    /* Only what is protected once more, or nothing at all, may be refused. */
    require(err == WK_OK || wk_shield_is_protected(inner) || wk_bytes_in_left(&in) == 0);
    require(err != WK_OK || wk_shield_is_protected(inner) ||
            (plain.size == wk_bytes_in_left(&in) &&
             memcmp(plain.data, in.data + in.at, plain.size) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!is_ready) {
        require(wk_crypto_init(&crypto) == WK_OK);
        is_ready = true;
    }
    if (size < 1 || size > ROOM / 2) {
        return 0;
    }
    const struct wk_bytes_in in = wk_bytes_in_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        fuzz_certificate(in);
        break;
    case 1:
        fuzz_apdu(in);
        break;
    default:
        fuzz_sealed(in);
        break;
    }
    return 0;
}
