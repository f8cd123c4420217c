/* SPDX-License-Identifier: Apache-2.0 */
#include "management/token.h"

#include <string.h>

#define KIND_CREDIT    1
#define BY_GMAC        1
#define BY_ECDSA       2
#define GMAC_SIZE      12
#define SIGNATURE_SIZE 64
#define P256           32
#define HASH_SIZE      32
#define US_PER_S       INT64_C(1000000)
#define VERSION        1
#define AMOUNT_MOST_E6 INT64_C(1000000000000000)

static const uint8_t k_magic[4] = {'W', 'K', 'T', '1'};

/* ---- transferred credit ---------------------------------------------------------------------- */

/* What is authenticated: the head and the name of the meter. */
static void put_signed(const struct wk_token_transfer *transfer, const uint8_t *head,
                       uint8_t to[WK_TOKEN_HEAD + WK_TOKEN_NAME])
{
    memcpy(to, head, WK_TOKEN_HEAD);
    memcpy(to + WK_TOKEN_HEAD, transfer->name, WK_TOKEN_NAME);
}

static void put_iv(const struct wk_token_transfer *transfer, uint32_t id, uint8_t iv[12])
{
    struct wk_bytes_out out = wk_bytes_out_of(iv, 12);
    wk_bytes_out_put(&out, transfer->title, WK_TOKEN_TITLE);
    wk_bytes_out_u32be(&out, id);
}

static wk_err check_gmac(const struct wk_token_transfer *transfer, const uint8_t *octets,
                         uint32_t id)
{
    uint8_t text[WK_TOKEN_HEAD + WK_TOKEN_NAME];
    uint8_t iv[12];
    const struct wk_hal_crypto *crypto = transfer->crypto;
    if (transfer->key.size == 0) {
        return WK_E_AUTH;
    }
    put_signed(transfer, octets, text);
    put_iv(transfer, id, iv);
    return crypto->gcm_open(crypto->self, &transfer->key, iv, text, sizeof text, NULL, NULL, 0,
                            octets + WK_TOKEN_HEAD, GMAC_SIZE);
}

static wk_err check_signature(const struct wk_token_transfer *transfer, const uint8_t *octets)
{
    uint8_t text[WK_TOKEN_HEAD + WK_TOKEN_NAME];
    uint8_t hash[HASH_SIZE];
    const struct wk_hal_crypto *crypto = transfer->crypto;
    if (!transfer->has_point || crypto->verify == NULL || crypto->sha256 == NULL) {
        return WK_E_AUTH;
    }
    put_signed(transfer, octets, text);
    WK_TRY(crypto->sha256(crypto->self, text, sizeof text, hash));
    return crypto->verify(crypto->self, P256, transfer->point, hash, octets + WK_TOKEN_HEAD);
}

static wk_err read_head(const uint8_t *octets, size_t size, uint8_t *by, struct wk_token *token)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    uint8_t magic[sizeof k_magic];
    wk_bytes_in_copy(&in, magic, sizeof magic);
    const uint8_t kind = wk_bytes_in_u8(&in);
    *by = wk_bytes_in_u8(&in);
    token->id = wk_bytes_in_u32be(&in);
    token->amount_e6 = (int64_t)wk_bytes_in_u64be(&in);
    const size_t wanted = *by == BY_GMAC ? GMAC_SIZE : SIGNATURE_SIZE;
    const bool good = in.fault == WK_OK && memcmp(magic, k_magic, sizeof magic) == 0 &&
                      kind == KIND_CREDIT && (*by == BY_GMAC || *by == BY_ECDSA) &&
                      wk_bytes_in_left(&in) == wanted && token->id != 0 &&
                      token->amount_e6 > 0 && token->amount_e6 <= AMOUNT_MOST_E6;
    return good ? WK_OK : WK_E_FORMAT;
}

static wk_err transfer_verify(void *self, const uint8_t *octets, size_t size,
                              struct wk_token *token)
{
    const struct wk_token_transfer *transfer = self;
    struct wk_token read = {0};
    uint8_t by = 0;
    WK_TRY(read_head(octets, size, &by, &read));
    const wk_err err = by == BY_GMAC ? check_gmac(transfer, octets, read.id)
                                     : check_signature(transfer, octets);
    if (err != WK_OK) {
        return WK_E_AUTH;
    }
    *token = read;
    return WK_OK;
}

struct wk_token_port wk_token_transfer_port(struct wk_token_transfer *transfer)
{
    return (struct wk_token_port){.self = transfer, .verify = transfer_verify};
}

static wk_err seal(const struct wk_token_transfer *transfer, const uint8_t *head, uint32_t id,
                   struct wk_bytes_out *out)
{
    uint8_t text[WK_TOKEN_HEAD + WK_TOKEN_NAME];
    uint8_t iv[12];
    uint8_t tag[GMAC_SIZE];
    const struct wk_hal_crypto *crypto = transfer->crypto;
    put_signed(transfer, head, text);
    put_iv(transfer, id, iv);
    WK_TRY(crypto->gcm_seal(crypto->self, &transfer->key, iv, text, sizeof text, NULL, NULL, 0,
                            tag));
    wk_bytes_out_put(out, tag, sizeof tag);
    return out->fault;
}

static wk_err sign(const struct wk_token_transfer *transfer, const uint8_t *head,
                   const struct wk_hal_private *signer, struct wk_bytes_out *out)
{
    uint8_t text[WK_TOKEN_HEAD + WK_TOKEN_NAME];
    uint8_t hash[HASH_SIZE];
    uint8_t signature[WK_HAL_POINT];
    const struct wk_hal_crypto *crypto = transfer->crypto;
    if (crypto->sign == NULL || crypto->sha256 == NULL || signer->size != P256) {
        return WK_E_UNSUPPORTED;
    }
    put_signed(transfer, head, text);
    WK_TRY(crypto->sha256(crypto->self, text, sizeof text, hash));
    WK_TRY(crypto->sign(crypto->self, signer, hash, signature));
    wk_bytes_out_put(out, signature, SIGNATURE_SIZE);
    return out->fault;
}

wk_err wk_token_make(const struct wk_token_transfer *transfer, const struct wk_token *token,
                     const struct wk_hal_private *signer, struct wk_bytes_out *out)
{
    uint8_t head[WK_TOKEN_HEAD];
    struct wk_bytes_out first = wk_bytes_out_of(head, sizeof head);
    if (token->id == 0 || token->amount_e6 <= 0 || token->amount_e6 > AMOUNT_MOST_E6) {
        return WK_E_ARGUMENT;
    }
    wk_bytes_out_put(&first, k_magic, sizeof k_magic);
    wk_bytes_out_u8(&first, KIND_CREDIT);
    wk_bytes_out_u8(&first, signer == NULL ? BY_GMAC : BY_ECDSA);
    wk_bytes_out_u32be(&first, token->id);
    wk_bytes_out_u64be(&first, (uint64_t)token->amount_e6);
    wk_bytes_out_put(out, head, sizeof head);
    return signer == NULL ? seal(transfer, head, token->id, out)
                          : sign(transfer, head, signer, out);
}

/* ---- identifiers --------------------------------------------------------------------------- */

wk_err wk_token_window_check(const struct wk_token_window *window, uint32_t id)
{
    if (id > window->highest) {
        return WK_OK;
    }
    const uint32_t back = window->highest - id;
    if (id == 0 || back >= WK_TOKEN_WINDOW) {
        return WK_E_RANGE;
    }
    return (window->used >> back & 1U) != 0 ? WK_E_REPLAY : WK_OK;
}

void wk_token_window_take(struct wk_token_window *window, uint32_t id)
{
    if (id > window->highest) {
        const uint32_t step = id - window->highest;
        window->used = step < WK_TOKEN_WINDOW ? window->used << step : 0;
        window->highest = id;
    }
    window->used |= UINT64_C(1) << (window->highest - id);
}

/* ---- the gateway --------------------------------------------------------------------------- */

bool wk_token_is_locked(const struct wk_token_gateway *gateway, int64_t t_us)
{
    return gateway->locked_us != 0 && t_us < gateway->locked_us;
}

static void refuse(struct wk_token_gateway *gateway, wk_token_status status, uint8_t why)
{
    gateway->status = (uint8_t)status;
    gateway->why = why;
}

static void count_failure(struct wk_token_gateway *gateway, int64_t t_us)
{
    gateway->failures = (uint8_t)(gateway->failures + (gateway->failures < UINT8_MAX ? 1 : 0));
    if (gateway->failures < WK_TOKEN_TRIES) {
        return;
    }
    const uint8_t more = (uint8_t)(gateway->failures - WK_TOKEN_TRIES);
    const uint8_t doubled = more < WK_TOKEN_LOCKS_MOST ? more : WK_TOKEN_LOCKS_MOST;
    gateway->locked_us = t_us + ((int64_t)WK_TOKEN_LOCK_S << doubled) * US_PER_S;
}

static void keep(struct wk_token_gateway *gateway, const uint8_t *octets, size_t size,
                 wk_token_delivery delivery)
{
    const size_t kept = size < WK_TOKEN_MOST ? size : WK_TOKEN_MOST;
    memset(gateway->octets, 0, sizeof gateway->octets);
    memcpy(gateway->octets, octets, kept);
    gateway->size = (uint8_t)kept;
    gateway->delivery = (uint8_t)delivery;
    gateway->token = (struct wk_token){0};
    refuse(gateway, WK_TOKEN_RECEIVED, 0);
}

bool wk_token_enter(struct wk_token_gateway *gateway, const struct wk_token_port *port,
                    const uint8_t *octets, size_t size, wk_token_delivery delivery,
                    int64_t t_us)
{
    struct wk_token token;
    if (delivery != WK_TOKEN_REMOTE && wk_token_is_locked(gateway, t_us)) {
        refuse(gateway, WK_TOKEN_VALIDATION_FAILURE, WK_TOKEN_LOCKED);
        return false;
    }
    keep(gateway, octets, size, delivery);
    const wk_err err = size > WK_TOKEN_MOST || port->verify == NULL
                           ? WK_E_FORMAT
                           : port->verify(port->self, octets, size, &token);
    if (err != WK_OK) {
        const bool form = err == WK_E_FORMAT;
        refuse(gateway, form ? WK_TOKEN_FORMAT_FAILURE : WK_TOKEN_AUTHENTICATION_FAILURE,
               form ? WK_TOKEN_NO_FORM : WK_TOKEN_NOT_AUTHENTIC);
        count_failure(gateway, t_us);
        return false;
    }
    gateway->token = token;
    gateway->failures = 0;
    gateway->locked_us = 0;
    const wk_err fresh = wk_token_window_check(&gateway->window, token.id);
    if (fresh != WK_OK) {
        refuse(gateway, WK_TOKEN_VALIDATION_FAILURE,
               fresh == WK_E_REPLAY ? WK_TOKEN_USED : WK_TOKEN_OLD);
        return false;
    }
    refuse(gateway, WK_TOKEN_VALIDATION_OK, 0);
    return true;
}

void wk_token_done(struct wk_token_gateway *gateway, uint8_t why)
{
    if (why != 0) {
        refuse(gateway, WK_TOKEN_EXECUTION_FAILURE, why);
        return;
    }
    wk_token_window_take(&gateway->window, gateway->token.id);
    refuse(gateway, WK_TOKEN_EXECUTION_OK, 0);
}

/* ---- octets for the store -------------------------------------------------------------------- */

void wk_token_pack(const struct wk_token_gateway *gateway, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u32le(out, gateway->window.highest);
    wk_bytes_out_u64le(out, gateway->window.used);
    wk_bytes_out_u8(out, gateway->failures);
    wk_bytes_out_u64le(out, (uint64_t)gateway->locked_us);
    wk_bytes_out_u8(out, gateway->size);
    wk_bytes_out_put(out, gateway->octets, gateway->size);
    wk_bytes_out_u64le(out, (uint64_t)gateway->time_s);
    wk_bytes_out_u8(out, gateway->delivery);
    wk_bytes_out_u8(out, gateway->status);
    wk_bytes_out_u8(out, gateway->why);
    wk_bytes_out_u32le(out, gateway->token.id);
    wk_bytes_out_u64le(out, (uint64_t)gateway->token.amount_e6);
}

wk_err wk_token_unpack(struct wk_token_gateway *gateway, struct wk_bytes_in *in)
{
    struct wk_token_gateway read = {0};
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    read.window.highest = wk_bytes_in_u32le(in);
    read.window.used = wk_bytes_in_u64le(in);
    read.failures = wk_bytes_in_u8(in);
    read.locked_us = (int64_t)wk_bytes_in_u64le(in);
    read.size = wk_bytes_in_u8(in);
    if (read.size > WK_TOKEN_MOST) {
        return WK_E_FORMAT;
    }
    wk_bytes_in_copy(in, read.octets, read.size);
    read.time_s = (int64_t)wk_bytes_in_u64le(in);
    read.delivery = wk_bytes_in_u8(in);
    read.status = wk_bytes_in_u8(in);
    read.why = wk_bytes_in_u8(in);
    read.token.id = wk_bytes_in_u32le(in);
    read.token.amount_e6 = (int64_t)wk_bytes_in_u64le(in);
    WK_TRY(in->fault);
    if (read.delivery >= WK_TOKEN_DELIVERIES || read.status >= WK_TOKEN_STATUSES) {
        return WK_E_FORMAT;
    }
    *gateway = read;
    return WK_OK;
}
