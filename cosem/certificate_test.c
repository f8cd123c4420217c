/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates made by another implementation (tests/certificates.h), whole, cut off, and with
 * every octet changed. */
#include "cosem/certificate.h"

#include "cosem/cosem_test.h"
#include "cosem/failing_test.h"
#include "port/bearssl/bearssl.h"
#include "tests/certificates.h"
#include "tests/wk_test.h"

#define NOW_S 1790000000

static struct wk_bearssl bearssl;
static struct wk_failing failing;
static uint64_t chance = 20261121;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static void begin(void)
{
    wk_bearssl_init(&bearssl, &chance, draw);
    wk_bearssl_add_p256(&bearssl);
    wk_bearssl_add_p384(&bearssl);
    wk_failing_init(&failing, &bearssl.hal);
}

static void what_another_made_is_read_and_checked(void)
{
    static const uint8_t k_title[] = {0x43, 0x4C, 0x54, 0, 0, 0, 0, 9};
    begin();
    for (int curve = 0; curve < 2; curve++) {
        const struct wk_test_octets root_der = wk_test_hex(k_certificates[curve].root);
        struct wk_certificate root;
        EXPECT_OK(wk_certificate_read(wk_test_in(&root_der), &root));
        EXPECT(root.is_issuer && !root.has_title);
        EXPECT_I64(curve == 0 ? 32 : 48, root.size);
        EXPECT_OK(wk_certificate_verify(&bearssl.hal, &root, &root));
        for (int i = 0; i < 2; i++) {
            const struct wk_test_octets der = wk_test_hex(k_certificates[curve].client[i]);
            struct wk_certificate client;
            EXPECT_OK(wk_certificate_read(wk_test_in(&der), &client));
            EXPECT(client.has_title && !client.is_issuer);
            EXPECT_BYTES(k_title, client.title, sizeof k_title);
            EXPECT_I64(i == 0 ? WK_CERTIFICATE_SIGNS : WK_CERTIFICATE_AGREES, client.usage);
            EXPECT_OK(wk_certificate_verify(&bearssl.hal, &client, &root));
            EXPECT_ERR(WK_E_AUTH, wk_certificate_verify(&bearssl.hal, &client, &client));
            EXPECT(wk_certificate_is_valid_at(&client, (struct wk_utc){NOW_S}));
            EXPECT(
                !wk_certificate_is_valid_at(&client, (struct wk_utc){client.not_before.s - 1}));
            client.not_after.s = NOW_S - 1;
            EXPECT(!wk_certificate_is_valid_at(&client, (struct wk_utc){NOW_S}));
        }
    }
}

static void a_root_of_another_curve_vouches_for_nobody(void)
{
    const struct wk_test_octets root_der = wk_test_hex(k_certificates[1].root);
    const struct wk_test_octets der = wk_test_hex(k_certificates[0].client[0]);
    struct wk_certificate root;
    struct wk_certificate client;
    begin();
    EXPECT_OK(wk_certificate_read(wk_test_in(&root_der), &root));
    EXPECT_OK(wk_certificate_read(wk_test_in(&der), &client));
    EXPECT_ERR(WK_E_AUTH, wk_certificate_verify(&bearssl.hal, &client, &root));
}

static void who_may_not_issue_vouches_for_nobody(void)
{
    const struct wk_test_octets root_der = wk_test_hex(k_certificates[0].root);
    const struct wk_test_octets der = wk_test_hex(k_certificates[0].client[0]);
    struct wk_certificate root;
    struct wk_certificate client;
    begin();
    EXPECT_OK(wk_certificate_read(wk_test_in(&root_der), &root));
    EXPECT_OK(wk_certificate_read(wk_test_in(&der), &client));
    root.is_issuer = false;
    EXPECT_ERR(WK_E_AUTH, wk_certificate_verify(&bearssl.hal, &client, &root));
    root.is_issuer = true;
    root.usage = WK_CERTIFICATE_SIGNS;
    EXPECT_ERR(WK_E_AUTH, wk_certificate_verify(&bearssl.hal, &client, &root));
    root.usage = WK_CERTIFICATE_ISSUES;
    EXPECT_OK(wk_certificate_verify(&bearssl.hal, &client, &root));
    wk_failing_at(&failing, 1);
    EXPECT_ERR(WK_E_IO, wk_certificate_verify(&failing.hal, &client, &root));
    wk_failing_at(&failing, 2);
    EXPECT_ERR(WK_E_IO, wk_certificate_verify(&failing.hal, &client, &root));
    wk_failing_strip(&failing);
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_certificate_verify(&failing.hal, &client, &root));
}

static void no_part_of_a_certificate_and_nothing_behind_it_is_one(void)
{
    struct wk_test_octets der = wk_test_hex(k_certificates[0].client[0]);
    struct wk_certificate certificate;
    begin();
    der.data[der.size] = 0;
    for (size_t size = 0; size <= der.size + 1; size++) {
        const wk_err err = wk_certificate_read(wk_bytes_in_of(der.data, size), &certificate);
        EXPECT((err == WK_OK) == (size == der.size));
    }
    EXPECT_ERR(WK_E_FULL, wk_certificate_read(wk_bytes_in_of(der.data, WK_CERTIFICATE_DER + 1),
                                              &certificate));
}

/* What is still a certificate then is not one of the root's. */
static void no_octet_may_be_another(void)
{
    static const uint8_t k_octets[] = {0x00, 0x01, 0x05, 0x30, 0x31, 0x39, 0x3A, 0x41, 0x47,
                                       0x61, 0x67, 0x7F, 0x80, 0x81, 0x82, 0x83, 0xFE, 0xFF};
    const struct wk_test_octets root_der = wk_test_hex(k_certificates[0].root);
    struct wk_certificate root;
    int read = 0;
    begin();
    EXPECT_OK(wk_certificate_read(wk_test_in(&root_der), &root));
    for (int which = 0; which < 2; which++) {
        struct wk_test_octets der =
            wk_test_hex(which == 0 ? k_certificates[0].client[0] : k_certificates[0].root);
        for (size_t at = 0; at < der.size; at++) {
            const uint8_t right = der.data[at];
            for (size_t j = 0; j < sizeof k_octets; j++) {
                struct wk_certificate changed;
                der.data[at] = k_octets[j];
                if (k_octets[j] == right ||
                    wk_certificate_read(wk_test_in(&der), &changed) != WK_OK) {
                    continue;
                }
                read++;
                if (wk_certificate_verify(&bearssl.hal, &changed, &root) == WK_OK) {
                    printf("# octet %zu as %02X\n", at, k_octets[j]);
                    EXPECT(false);
                }
            }
            der.data[at] = right;
        }
    }
    EXPECT(read > 100);
}

/* DER has one way to write a length: the shortest. */
static void lengths_that_are_too_long_are_refused(void)
{
    struct wk_test_octets der = wk_test_hex(k_certificates[0].client[0]);
    struct wk_certificate certificate;
    begin();
    EXPECT_I64(0x82, der.data[1]);
    memmove(der.data + 5, der.data + 4, der.size - 4);
    der.data[1] = 0x83; /* three octets */
    der.data[4] = der.data[3];
    der.data[3] = der.data[2];
    der.data[2] = 0;
    EXPECT_ERR(WK_E_FORMAT,
               wk_certificate_read(wk_bytes_in_of(der.data, der.size + 1), &certificate));
}

static void a_request_is_signed_or_not_made(void)
{
    static const uint8_t k_title[] = {0x57, 0x4B, 0x50, 0, 0, 0, 0, 1};
    for (uint8_t size = 32; size <= 48; size += 16) {
        struct wk_hal_private key = {.size = size};
        uint8_t point[WK_HAL_POINT];
        uint8_t room[WK_CERTIFICATE_REQUEST];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        begin();
        EXPECT_OK(bearssl.hal.generate(bearssl.hal.self, &key, point));
        EXPECT_OK(wk_certificate_put_request(&failing.hal, &key, point, k_title, &out));
        EXPECT_I64(0x30, room[0]);
        const size_t whole = out.size;
        for (size_t limit = 0; limit < whole; limit += 7) {
            out = wk_bytes_out_of(room, limit);
            const wk_err err =
                wk_certificate_put_request(&failing.hal, &key, point, k_title, &out);
            EXPECT(err != WK_OK || out.fault != WK_OK);
        }
        for (int call = 1; call <= 2; call++) {
            out = wk_bytes_out_of(room, sizeof room);
            wk_failing_at(&failing, call);
            EXPECT_ERR(WK_E_IO,
                       wk_certificate_put_request(&failing.hal, &key, point, k_title, &out));
        }
        wk_failing_strip(&failing);
        EXPECT_ERR(WK_E_UNSUPPORTED,
                   wk_certificate_put_request(&failing.hal, &key, point, k_title, &out));
    }
}

WK_TEST_MAIN(T(what_another_made_is_read_and_checked),
             T(a_root_of_another_curve_vouches_for_nobody),
             T(who_may_not_issue_vouches_for_nobody),
             T(no_part_of_a_certificate_and_nothing_behind_it_is_one),
             T(no_octet_may_be_another), T(lengths_that_are_too_long_are_refused),
             T(a_request_is_signed_or_not_made))
