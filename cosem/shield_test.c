/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ends that protect every kind of APDU in every way for each other; then keys, names,
 * counters and modules that are wrong or missing, and every single octet changed. What is
 * protected was checked against published vectors and other implementations elsewhere
 * (vectors_test, envelope_test, tests/interop): here it is about who is refused. */
#include "cosem/shield.h"

#include "cosem/apdu.h"
#include "cosem/cosem_test.h"
#include "cosem/failing_test.h"
#include "cosem/kdf.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define ROOM 1024
#define SEED 20261121

static const uint8_t k_get[] = {0xC0, 1, 0xC1, 0, 8, 0, 0, 1, 0, 0, 255, 2, 0};

static struct wk_bearssl bearssl;
static struct wk_failing failing;
static uint64_t chance;

/* One end; the other is its mirror. */
struct end {
    struct wk_shield shield;
    struct wk_cipher_keys keys;
    struct wk_hal_key broadcast;
    struct wk_hal_key kek;
    struct wk_hal_key dedicated;
    struct wk_hal_private signing;
    struct wk_hal_private agreement;
    uint8_t signing_point[WK_HAL_POINT];
    uint8_t agreement_point[WK_HAL_POINT];
    uint32_t counters[WK_SHIELD_KEYS];
    uint64_t transaction;
};

static struct end client;
static struct end server;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static struct wk_hal_key a_key(uint8_t suite)
{
    struct wk_hal_key key = {.size = wk_kdf_key_size(suite)};
    (void)draw(&chance, key.octets, key.size);
    return key;
}

static void point_to(struct end *from, struct end *to)
{
    from->shield.pairs = &wk_shield_by_pairs;
    from->shield.names = &wk_shield_by_names;
    from->shield.keys = &from->keys;
    from->shield.broadcast = &from->broadcast;
    from->shield.kek = &from->kek;
    from->shield.dedicated = &from->dedicated;
    from->shield.signing = &from->signing;
    from->shield.agreement = &from->agreement;
    from->shield.peer_signing = to->signing_point;
    from->shield.peer_agreement = to->agreement_point;
    for (int i = 0; i < WK_SHIELD_KEYS; i++) {
        from->shield.counter[i] = &from->counters[i];
    }
    from->shield.transaction = &from->transaction;
}

static wk_err make_pairs(struct end *end, uint8_t suite)
{
    end->signing.size = wk_kdf_curve_size(suite);
    end->agreement.size = wk_kdf_curve_size(suite);
    if (suite == 0) {
        return WK_OK;
    }
    WK_TRY(bearssl.hal.generate(bearssl.hal.self, &end->signing, end->signing_point));
    return bearssl.hal.generate(bearssl.hal.self, &end->agreement, end->agreement_point);
}

static void begin(uint8_t suite)
{
    static const uint8_t k_client[] = "WKC00001";
    static const uint8_t k_server[] = "WKM00001";
    chance = SEED + suite;
    wk_bearssl_init(&bearssl, &chance, draw);
    wk_bearssl_add_wrap(&bearssl);
    wk_bearssl_add_p256(&bearssl);
    wk_bearssl_add_p384(&bearssl);
    wk_failing_init(&failing, &bearssl.hal);
    memset(&client, 0, sizeof client);
    client.keys = (struct wk_cipher_keys){.ek = a_key(suite), .ak = a_key(suite)};
    client.broadcast = a_key(suite);
    client.kek = a_key(suite);
    client.dedicated = a_key(suite);
    server = client;
    client.shield = (struct wk_shield){.crypto = &failing.hal, .suite = suite};
    server.shield = client.shield;
    memcpy(client.shield.own, k_client, WK_CIPHER_TITLE);
    memcpy(client.shield.peer, k_server, WK_CIPHER_TITLE);
    memcpy(server.shield.own, k_server, WK_CIPHER_TITLE);
    memcpy(server.shield.peer, k_client, WK_CIPHER_TITLE);
    EXPECT_OK(make_pairs(&client, suite));
    EXPECT_OK(make_pairs(&server, suite));
    point_to(&client, &server);
    point_to(&server, &client);
}

static wk_err protect(const struct wk_shield_cover *cover, uint8_t *room, size_t limit,
                      size_t *size)
{
    struct wk_bytes_out out = wk_bytes_out_of(room, limit);
    struct wk_cipher_seal seal;
    wk_shield_begin(&seal, &out, limit, cover);
    wk_bytes_out_put(&seal.plain, k_get, sizeof k_get);
    const wk_err err = wk_shield_finish(&client.shield, &seal, cover);
    *size = out.size;
    return err;
}

static wk_err unprotect(const uint8_t *octets, size_t size, struct wk_shield_cover *cover)
{
    uint8_t room[ROOM];
    struct wk_bytes_out plain = wk_bytes_out_of(room, sizeof room);
    struct wk_bytes_in inside;
    WK_TRY(
        wk_shield_open(&server.shield, wk_bytes_in_of(octets, size), &plain, cover, &inside));
    return inside.size == sizeof k_get && memcmp(inside.data, k_get, sizeof k_get) == 0
               ? WK_OK
               : WK_E_CORRUPT;
}

#define BOTH WK_CIPHER_BOTH
static const struct way {
    uint8_t least_suite;
    struct wk_shield_cover cover;
} k_ways[] = {
    {0, {.tag = WK_APDU_GLO_GET_REQUEST, .control = BOTH}},
    {0, {.tag = WK_APDU_GLO_GET_REQUEST, .control = WK_CIPHER_AUTHENTICATED}},
    {0, {.tag = WK_APDU_GLO_GET_REQUEST, .control = BOTH | WK_CIPHER_BROADCAST}},
    {0, {.tag = WK_APDU_DED_GET_REQUEST, .control = BOTH}},
    {0, {.tag = WK_APDU_GENERAL_GLO, .control = BOTH}},
    {0, {.tag = WK_APDU_GENERAL_GLO, .control = BOTH | WK_CIPHER_BROADCAST}},
    {0, {.tag = WK_APDU_GENERAL_DED, .control = BOTH}},
    {0, {.tag = WK_APDU_GENERAL_CIPHERING, .control = BOTH}},
    {0, {.tag = WK_APDU_GENERAL_CIPHERING, .control = BOTH, .key = WK_ENVELOPE_KEY_UNICAST}},
    {0,
     {.tag = WK_APDU_GENERAL_CIPHERING,
      .control = BOTH | WK_CIPHER_BROADCAST,
      .key = WK_ENVELOPE_KEY_BROADCAST}},
    {0, {.tag = WK_APDU_GENERAL_CIPHERING, .control = BOTH, .key = WK_ENVELOPE_KEY_WRAPPED}},
    {1, {.tag = WK_APDU_GENERAL_CIPHERING, .control = BOTH, .key = WK_ENVELOPE_KEY_ONE_PASS}},
    {1, {.tag = WK_APDU_GENERAL_CIPHERING, .control = BOTH, .key = WK_ENVELOPE_KEY_STATIC}},
    {1, {.is_signed = true}},
    {1, {.tag = WK_APDU_GENERAL_GLO, .control = BOTH, .is_signed = true}},
};
#define WAYS (sizeof k_ways / sizeof k_ways[0])

/* The way as it is used the n-th time: counters and transactions rise. */
static struct wk_shield_cover cover_of(const struct way *way, uint32_t n)
{
    struct wk_shield_cover cover = way->cover;
    cover.counter = n;
    cover.transaction[WK_ENVELOPE_TRANSACTION - 1] = (uint8_t)n;
    return cover;
}

static void what_one_end_protects_the_other_opens_once(void)
{
    for (uint8_t suite = 0; suite <= 2; suite++) {
        for (size_t i = 0; i < WAYS; i++) {
            if (suite < k_ways[i].least_suite) {
                continue;
            }
            uint8_t octets[ROOM];
            size_t size = 0;
            struct wk_shield_cover seen;
            begin(suite);
            const struct wk_shield_cover cover = cover_of(&k_ways[i], 7);
            EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
            EXPECT(size <= sizeof k_get + wk_shield_overhead(&cover));
            EXPECT_OK(unprotect(octets, size, &seen));
            EXPECT_I64(cover.tag, seen.tag);
            EXPECT_I64(cover.control, seen.control);
            EXPECT_I64(cover.is_signed, seen.is_signed);
            EXPECT_ERR(WK_E_REPLAY, unprotect(octets, size, &seen));
            if (cover.tag != 0) {
                EXPECT_I64(8, seen.counter);
                EXPECT_I64(7, server.counters[wk_shield_key_of(&cover)]);
            }
        }
    }
}

/* Suite 1 and suite 0; suite 2 differs in sizes only, and its curve takes long. */
static void no_octet_may_be_changed_missing_or_too_many(void)
{
    for (size_t i = 0; i < WAYS; i++) {
        uint8_t octets[ROOM];
        size_t size = 0;
        struct wk_shield_cover seen;
        begin(k_ways[i].least_suite);
        const struct wk_shield_cover cover = cover_of(&k_ways[i], 7);
        EXPECT_OK(protect(&cover, octets, sizeof octets - 1, &size));
        octets[size] = 0;
        for (size_t at = 0; at < size; at++) {
            octets[at] ^= (uint8_t)(1U << at % 8);
            EXPECT(unprotect(octets, size, &seen) != WK_OK);
            octets[at] ^= (uint8_t)(1U << at % 8);
            EXPECT(unprotect(octets, at, &seen) != WK_OK);
        }
        EXPECT(unprotect(octets, size + 1, &seen) != WK_OK);
        EXPECT_OK(unprotect(octets, size, &seen));
    }
}

static void a_module_that_fails_lets_nothing_out_and_nothing_in(void)
{
    for (size_t i = 0; i < WAYS; i++) {
        const uint8_t suite = k_ways[i].least_suite;
        const struct wk_shield_cover cover = cover_of(&k_ways[i], 7);
        uint8_t octets[ROOM];
        size_t size = 0;
        struct wk_shield_cover seen;
        begin(suite);
        EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
        const int sealing = failing.calls;
        wk_failing_at(&failing, 0);
        EXPECT_OK(unprotect(octets, size, &seen));
        const int opening = failing.calls;
        EXPECT(sealing > 0 && opening > 0);
        for (int call = 1; call <= opening; call++) {
            begin(suite);
            EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
            wk_failing_at(&failing, call);
            EXPECT(unprotect(octets, size, &seen) != WK_OK);
            /* What was opened has used up its counter, whatever is wrong with the inside. */
            const bool used = server.counters[wk_shield_key_of(&cover)] == 7;
            EXPECT(!used || (cover.is_signed && cover.tag != 0));
            EXPECT_ERR(used ? WK_E_REPLAY : WK_OK, unprotect(octets, size, &seen));
        }
        for (int call = 1; call <= sealing; call++) {
            begin(suite);
            wk_failing_at(&failing, call);
            EXPECT_ERR(WK_E_IO, protect(&cover, octets, sizeof octets, &size));
            EXPECT_I64(0, size);
        }
        begin(suite);
        EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
        wk_failing_strip(&failing);
        const bool plain_keys = cover.key < WK_ENVELOPE_KEY_WRAPPED && !cover.is_signed;
        EXPECT_ERR(plain_keys ? WK_OK : WK_E_UNSUPPORTED, unprotect(octets, size, &seen));
        EXPECT_ERR(plain_keys ? WK_OK : WK_E_UNSUPPORTED,
                   protect(&cover, octets, sizeof octets, &size));
    }
}

static void keys_that_are_not_there_protect_and_open_nothing(void)
{
    for (size_t i = 0; i < WAYS; i++) {
        const struct wk_shield_cover cover = cover_of(&k_ways[i], 7);
        uint8_t octets[ROOM];
        size_t size = 0;
        struct wk_shield_cover seen;
        for (int with = 0; with < 2; with++) { /* no pointer; a key of size 0 */
            begin(k_ways[i].least_suite);
            EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
            for (int side = 0; side < 2; side++) {
                struct end *end = side == 0 ? &server : &client;
                end->shield.broadcast = with != 0 ? &end->broadcast : NULL;
                end->shield.kek = with != 0 ? &end->kek : NULL;
                end->shield.dedicated = with != 0 ? &end->dedicated : NULL;
                end->shield.signing = with != 0 ? &end->signing : NULL;
                end->shield.agreement = with != 0 ? &end->agreement : NULL;
                end->shield.peer_agreement = NULL;
                end->shield.peer_signing = NULL;
                end->broadcast.size = 0;
                end->kek.size = 0;
                end->dedicated.size = 0;
                end->signing.size = 0;
                end->agreement.size = 0;
            }
            const bool global =
                wk_shield_key_of(&cover) == WK_SHIELD_UNICAST && !cover.is_signed;
            EXPECT((unprotect(octets, size, &seen) == WK_OK) == global);
            EXPECT_ERR(global ? WK_OK : WK_E_UNSUPPORTED,
                       protect(&cover, octets, sizeof octets, &size));
        }
    }
}

static void who_is_not_the_peer_or_does_not_mean_us_is_refused(void)
{
    for (size_t i = 0; i < WAYS; i++) {
        const struct wk_shield_cover cover = cover_of(&k_ways[i], 7);
        const bool named = cover.tag == WK_APDU_GENERAL_CIPHERING || cover.is_signed;
        uint8_t octets[ROOM];
        size_t size = 0;
        struct wk_shield_cover seen;
        begin(k_ways[i].least_suite);
        server.shield.peer[0] ^= 1;
        EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
        EXPECT_ERR(WK_E_AUTH, unprotect(octets, size, &seen));
        server.shield.peer[0] ^= 1;
        server.shield.own[0] ^= 1;
        EXPECT_ERR(named ? WK_E_AUTH : WK_OK, unprotect(octets, size, &seen));
    }
}

static void another_suite_is_refused(void)
{
    const struct wk_shield_cover cover = cover_of(&k_ways[0], 7);
    uint8_t octets[ROOM];
    size_t size = 0;
    struct wk_shield_cover seen;
    begin(0);
    EXPECT_OK(protect(&cover, octets, sizeof octets, &size));
    server.shield.suite = 1;
    EXPECT_ERR(WK_E_AUTH, unprotect(octets, size, &seen));
}

static void the_last_counter_of_all_is_never_accepted(void)
{
    const struct wk_shield_cover last = cover_of(&k_ways[0], UINT32_MAX);
    uint8_t octets[ROOM];
    size_t size = 0;
    struct wk_shield_cover seen;
    begin(0);
    EXPECT_OK(protect(&last, octets, sizeof octets, &size));
    EXPECT_ERR(WK_E_REPLAY, unprotect(octets, size, &seen));
    server.shield.counter[WK_SHIELD_UNICAST] = NULL;
    EXPECT_ERR(WK_E_REPLAY, unprotect(octets, size, &seen));
    const struct wk_shield_cover any = cover_of(&k_ways[0], 1);
    EXPECT_OK(protect(&any, octets, sizeof octets, &size));
    EXPECT_OK(unprotect(octets, size, &seen));
    EXPECT_OK(unprotect(octets, size, &seen)); /* nobody counts */
    server.shield.counter[WK_SHIELD_UNICAST] = &server.counters[WK_SHIELD_UNICAST];
    server.counters[WK_SHIELD_UNICAST] = UINT32_MAX;
    EXPECT_ERR(WK_E_REPLAY, unprotect(octets, size, &seen));
    EXPECT_I64(UINT32_MAX, seen.counter);
}

static void nothing_is_nested_twice(void)
{
    const struct wk_shield_cover cover = cover_of(&k_ways[0], 7);
    uint8_t inner[ROOM];
    uint8_t octets[ROOM];
    size_t size = 0;
    struct wk_shield_cover seen;
    struct wk_cipher_seal seal;
    begin(1);
    EXPECT_OK(protect(&cover, inner, sizeof inner, &size));
    const struct wk_shield_cover outer = cover_of(&k_ways[4], 8);
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_shield_begin(&seal, &out, sizeof octets, &outer);
    wk_bytes_out_put(&seal.plain, inner, size);
    EXPECT_OK(wk_shield_finish(&client.shield, &seal, &outer));
    EXPECT_ERR(WK_E_UNSUPPORTED, unprotect(octets, out.size, &seen));
    const struct wk_shield_cover signing = cover_of(&k_ways[13], 8);
    EXPECT_OK(protect(&signing, inner, sizeof inner, &size));
    out = wk_bytes_out_of(octets, sizeof octets);
    wk_shield_begin(&seal, &out, sizeof octets, &signing);
    wk_bytes_out_put(&seal.plain, inner, size);
    EXPECT_OK(wk_shield_finish(&client.shield, &seal, &signing));
    EXPECT_ERR(WK_E_UNSUPPORTED, unprotect(octets, out.size, &seen));
}

static void what_does_not_fit_is_not_protected(void)
{
    for (size_t i = 0; i < WAYS; i++) {
        const struct wk_shield_cover cover = cover_of(&k_ways[i], 7);
        uint8_t octets[ROOM];
        size_t size = 0;
        size_t whole = 0;
        begin(k_ways[i].least_suite);
        EXPECT_OK(protect(&cover, octets, sizeof octets, &whole));
        for (size_t limit = 0; limit < whole; limit += 5) {
            EXPECT_ERR(WK_E_FULL, protect(&cover, octets, limit, &size));
            EXPECT_I64(0, size);
        }
    }
}

static void replies_are_protected_as_requests_were(void)
{
    static const struct {
        uint8_t request;
        uint8_t plain;
        bool is_signed;
        uint8_t reply;
    } k_cases[] = {
        {WK_APDU_GLO_GET_REQUEST, WK_APDU_GET_RESPONSE, false, WK_APDU_GLO_GET_RESPONSE},
        {WK_APDU_GLO_SET_REQUEST, WK_APDU_SET_RESPONSE, false, WK_APDU_GLO_SET_RESPONSE},
        {WK_APDU_GLO_INITIATE_REQUEST, WK_APDU_INITIATE_RESPONSE, false,
         WK_APDU_GLO_INITIATE_RESPONSE},
        {WK_APDU_GLO_INITIATE_REQUEST, WK_APDU_CONFIRMED_SERVICE_ERROR, false,
         WK_APDU_GLO_CONFIRMED_SERVICE_ERROR},
        {WK_APDU_DED_GET_REQUEST, WK_APDU_GET_RESPONSE, false, WK_APDU_DED_GET_RESPONSE},
        {WK_APDU_DED_SET_REQUEST, WK_APDU_SET_RESPONSE, false, WK_APDU_DED_SET_RESPONSE},
        {WK_APDU_DED_ACTION_REQUEST, WK_APDU_ACTION_RESPONSE, false,
         WK_APDU_DED_ACTION_RESPONSE},
        {WK_APDU_GLO_GET_REQUEST, WK_APDU_GET_RESPONSE, true, WK_APDU_GENERAL_GLO},
        {WK_APDU_DED_GET_REQUEST, WK_APDU_GET_RESPONSE, true, WK_APDU_GENERAL_DED},
        {WK_APDU_GLO_GET_REQUEST, WK_APDU_ACCESS_RESPONSE, false, WK_APDU_GENERAL_GLO},
        {WK_APDU_DED_GET_REQUEST, WK_APDU_ACCESS_RESPONSE, false, WK_APDU_GENERAL_DED},
        {WK_APDU_GENERAL_GLO, WK_APDU_GET_RESPONSE, false, WK_APDU_GENERAL_GLO},
        {WK_APDU_GENERAL_CIPHERING, WK_APDU_GET_RESPONSE, false, WK_APDU_GENERAL_CIPHERING},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        EXPECT_I64(k_cases[i].reply, wk_shield_reply_tag(k_cases[i].request, k_cases[i].plain,
                                                         k_cases[i].is_signed));
    }
    for (int tag = 0; tag < 256; tag++) {
        const bool wanted = tag == 0x21 || tag == 0x28 || tag == 0x2E ||
                            (tag >= 0xC8 && tag <= 0xCF && tag != 0xCE) ||
                            (tag >= 0xD0 && tag <= 0xD7 && tag != 0xD6) ||
                            (tag >= 0xDB && tag <= 0xDD) || tag == 0xDF;
        EXPECT_I64(wanted, wk_shield_is_protected((uint8_t)tag));
    }
}

WK_TEST_MAIN(T(what_one_end_protects_the_other_opens_once),
             T(no_octet_may_be_changed_missing_or_too_many),
             T(a_module_that_fails_lets_nothing_out_and_nothing_in),
             T(keys_that_are_not_there_protect_and_open_nothing),
             T(who_is_not_the_peer_or_does_not_mean_us_is_refused), T(another_suite_is_refused),
             T(the_last_counter_of_all_is_never_accepted), T(nothing_is_nested_twice),
             T(what_does_not_fit_is_not_protected), T(replies_are_protected_as_requests_were))
