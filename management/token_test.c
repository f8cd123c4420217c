/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: what is authentic counts once, everything else never. Made and checked by BearSSL here;
 * tests/interop makes them with another library. */
#include "management/token.h"

#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define US     INT64_C(1000000)
#define SEED   20261121U
#define DRAWS  200000
#define WINDOW 64

static struct wk_bearssl g_bearssl;
static struct wk_token_transfer g_transfer;
static struct wk_token_gateway g_gateway;
static uint64_t g_random = SEED;

static uint64_t draw(void)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return g_random;
}

static wk_err entropy(void *self, void *to, size_t size)
{
    uint8_t *octets = to;
    (void)self;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(draw() >> 32);
    }
    return WK_OK;
}

static void begin(void)
{
    wk_bearssl_init(&g_bearssl, NULL, entropy);
    wk_bearssl_add_p256(&g_bearssl);
    g_transfer = (struct wk_token_transfer){.crypto = &g_bearssl.hal,
                                            .key = {.octets = {1, 2, 3}, .size = 16},
                                            .title = {'W', 'K', 'P', 0, 0, 0, 0, 1},
                                            .name = "WKP0000000000001"};
    g_gateway = (struct wk_token_gateway){.failures = 0};
}

static wk_err make(uint32_t id, int64_t amount_e6, const struct wk_hal_private *signer,
                   struct wk_bytes_out *out)
{
    const struct wk_token token = {id, amount_e6};
    return wk_token_make(&g_transfer, &token, signer, out);
}

static bool enter(const struct wk_bytes_out *token, wk_token_delivery delivery, int64_t t_us)
{
    const struct wk_token_port port = wk_token_transfer_port(&g_transfer);
    const bool good =
        wk_token_enter(&g_gateway, &port, token->data, token->size, delivery, t_us);
    if (good) {
        wk_token_done(&g_gateway, 0);
    }
    return good;
}

static void a_token_counts_once_and_says_what_it_is(void)
{
    uint8_t raw[WK_TOKEN_MOST];
    begin();
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    EXPECT_OK(make(7, 20000000, NULL, &out));
    EXPECT_I64(30, out.size);
    EXPECT(enter(&out, WK_TOKEN_REMOTE, 0));
    EXPECT_I64(WK_TOKEN_EXECUTION_OK, g_gateway.status);
    EXPECT_I64(7, g_gateway.token.id);
    EXPECT_I64(20000000, g_gateway.token.amount_e6);
    EXPECT(!enter(&out, WK_TOKEN_REMOTE, 1));
    EXPECT_I64(WK_TOKEN_VALIDATION_FAILURE, g_gateway.status);
    EXPECT_I64(WK_TOKEN_USED, g_gateway.why);
    out.size = 0;
    EXPECT_ERR(WK_E_ARGUMENT, make(0, 1, NULL, &out));
    EXPECT_ERR(WK_E_ARGUMENT, make(1, 0, NULL, &out));
}

/* Each bit of a token, of the name and of the title, and each length. */
static int count_accepted(struct wk_bytes_out *out)
{
    int accepted = 0;
    for (size_t bit = 0; bit < 8 * out->size; bit++) {
        out->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        accepted += enter(out, WK_TOKEN_REMOTE, 0) ? 1 : 0;
        out->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    const size_t size = out->size;
    for (out->size = 0; out->size < size; out->size++) {
        accepted += enter(out, WK_TOKEN_REMOTE, 0) ? 1 : 0;
    }
    g_transfer.name[15] ^= 1;
    accepted += enter(out, WK_TOKEN_REMOTE, 0) ? 1 : 0;
    g_transfer.name[15] ^= 1;
    return accepted;
}

static void a_changed_token_is_refused(void)
{
    uint8_t raw[WK_TOKEN_MOST];
    begin();
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    EXPECT_OK(make(1, 5, NULL, &out));
    EXPECT_I64(0, count_accepted(&out));
    g_transfer.key.octets[0] ^= 1;
    EXPECT(!enter(&out, WK_TOKEN_REMOTE, 0));
    g_transfer.key.size = 0; /* this meter has no such key */
    EXPECT(!enter(&out, WK_TOKEN_REMOTE, 0));
    g_transfer.key.size = 16;
    g_transfer.key.octets[0] ^= 1;
    EXPECT(enter(&out, WK_TOKEN_REMOTE, 0));
}

static void a_signed_token_needs_no_secret_in_the_meter(void)
{
    uint8_t raw[WK_TOKEN_MOST];
    struct wk_hal_private signer = {.size = 32};
    begin();
    EXPECT_OK(g_bearssl.hal.generate(g_bearssl.hal.self, &signer, g_transfer.point));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    EXPECT_OK(make(1, 5, &signer, &out));
    EXPECT_I64(82, out.size);
    EXPECT(!enter(&out, WK_TOKEN_REMOTE, 0));
    EXPECT_I64(WK_TOKEN_NOT_AUTHENTIC, g_gateway.why);
    g_transfer.has_point = true;
    out.data[30] ^= 1;
    EXPECT(!enter(&out, WK_TOKEN_REMOTE, 0));
    out.data[30] ^= 1;
    EXPECT(enter(&out, WK_TOKEN_REMOTE, 0));
}

/* The window against a list of everything that ever counted. */
static void identifiers_count_once_in_any_order(void)
{
    static uint8_t used[DRAWS + 2 * WINDOW];
    struct wk_token_window window = {0};
    uint32_t highest = 0;
    int taken = 0;
    memset(used, 0, sizeof used);
    for (int n = 0; n < DRAWS; n++) {
        const uint32_t top = highest + 3 > WINDOW + 20 ? highest + 3 - WINDOW - 20 : 0;
        const uint32_t id = top + (uint32_t)(draw() % (highest + 4 - top));
        const bool old = id == 0 || (id <= highest && highest - id >= WINDOW);
        const wk_err wanted = old ? WK_E_RANGE : used[id] != 0 ? WK_E_REPLAY : WK_OK;
        EXPECT_ERR(wanted, wk_token_window_check(&window, id));
        if (wanted == WK_OK) {
            wk_token_window_take(&window, id);
            used[id] = 1;
            highest = id > highest ? id : highest;
            taken++;
        }
        if (highest > DRAWS) {
            break;
        }
    }
    EXPECT(taken > 1000);
    wk_token_window_take(&window, highest + 1000); /* far ahead: everything before is old */
    EXPECT_ERR(WK_E_RANGE, wk_token_window_check(&window, highest));
    EXPECT_ERR(WK_OK, wk_token_window_check(&window, highest + 999));
    EXPECT_ERR(WK_E_REPLAY, wk_token_window_check(&window, highest + 1000));
    EXPECT_ERR(WK_OK, wk_token_window_check(&window, UINT32_MAX));
}

/* Five wrong ones lock for a minute, the next for two ...; the head-end is not locked out. */
static void guessing_locks_the_gateway_for_a_doubling_time(void)
{
    uint8_t raw[WK_TOKEN_MOST];
    uint8_t good[WK_TOKEN_MOST];
    begin();
    struct wk_bytes_out bad = wk_bytes_out_of(raw, sizeof raw);
    struct wk_bytes_out right = wk_bytes_out_of(good, sizeof good);
    EXPECT_OK(make(1, 5, NULL, &right));
    EXPECT_OK(make(1, 5, NULL, &bad));
    bad.data[20] ^= 1;
    for (int i = 0; i < WK_TOKEN_TRIES; i++) {
        EXPECT(!wk_token_is_locked(&g_gateway, US));
        EXPECT(!enter(&bad, WK_TOKEN_LOCAL, US));
    }
    EXPECT(wk_token_is_locked(&g_gateway, US));
    EXPECT(!enter(&right, WK_TOKEN_LOCAL, 60 * US));
    EXPECT_I64(WK_TOKEN_LOCKED, g_gateway.why);
    EXPECT(!wk_token_is_locked(&g_gateway, 61 * US));
    EXPECT(!enter(&bad, WK_TOKEN_MANUAL, 61 * US));
    EXPECT(wk_token_is_locked(&g_gateway, 180 * US));
    EXPECT(!wk_token_is_locked(&g_gateway, 181 * US));
    EXPECT(enter(&right, WK_TOKEN_REMOTE, 100 * US));
    EXPECT(!wk_token_is_locked(&g_gateway, 101 * US));
}

static void packed_gateways_come_back(void)
{
    uint8_t raw[WK_TOKEN_MOST];
    uint8_t packed[WK_TOKEN_PACKED];
    begin();
    struct wk_bytes_out token = wk_bytes_out_of(raw, sizeof raw);
    EXPECT_OK(make(9, 5, NULL, &token));
    EXPECT(enter(&token, WK_TOKEN_LOCAL, 0));
    struct wk_bytes_out out = wk_bytes_out_of(packed, sizeof packed);
    wk_token_pack(&g_gateway, &out);
    EXPECT_OK(out.fault);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(packed, size);
        struct wk_token_gateway read;
        EXPECT(wk_token_unpack(&read, &in) != WK_OK);
    }
    g_gateway = (struct wk_token_gateway){.failures = 0};
    struct wk_bytes_in in = wk_bytes_in_of(packed, out.size);
    EXPECT_OK(wk_token_unpack(&g_gateway, &in));
    EXPECT(!enter(&token, WK_TOKEN_LOCAL, 0));
    EXPECT_I64(WK_TOKEN_USED, g_gateway.why);
}

WK_TEST_MAIN(T(a_token_counts_once_and_says_what_it_is), T(a_changed_token_is_refused),
             T(a_signed_token_needs_no_secret_in_the_meter),
             T(identifiers_count_once_in_any_order),
             T(guessing_locks_the_gateway_for_a_doubling_time), T(packed_gateways_come_back))
