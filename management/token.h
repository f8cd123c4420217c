/* SPDX-License-Identifier: Apache-2.0
 *
 * management/token - what a token gateway (class 115) takes: who verifies it, which were used
 * before, how often somebody guesses.
 *
 * Who verifies is a port: wk_token_port. One is here, for credit that a head-end transfers, most
 * significant octet first:
 *
 *   4  "WKT1"                   8  amount, 10^-6 currency units, above 0
 *   1  kind: 1 = credit        12  GMAC, or 64: ECDSA over P-256, r || s
 *   1  by: 1 = GMAC, 2 = ECDSA
 *   4  identifier, rising, above 0
 *
 * What is authenticated is the 18 octets before, and the 16 of the meter's logical device name: a
 * token counts in one meter. The IV of the GMAC is the meter's system title and the identifier: an
 * identifier is issued once for each key. ECDSA leaves no secret in the meter.
 *
 * Identifiers: the highest that counted and which of the WK_TOKEN_WINDOW before it did. So tokens
 * may come in another order, none counts twice, and nothing grows. Wrong tokens lock the gateway
 * for a time that doubles, for those who are not the management client. */
#ifndef WK_MANAGEMENT_TOKEN_H
#define WK_MANAGEMENT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "port/hal.h"

#define WK_TOKEN_MOST       96 /* octets of a token */
#define WK_TOKEN_HEAD       18
#define WK_TOKEN_NAME       16
#define WK_TOKEN_TITLE      8
#define WK_TOKEN_WINDOW     64
#define WK_TOKEN_TRIES      5 /* wrong ones before the first lock-out */
#define WK_TOKEN_LOCK_S     60
#define WK_TOKEN_LOCKS_MOST 5 /* doublings: 32 minutes */

struct wk_token {
    uint32_t id;
    int64_t amount_e6;
};

/* WK_E_FORMAT: it is no token; WK_E_AUTH: not of whom the meter trusts. */
struct wk_token_port {
    void *self;
    wk_err (*verify)(void *self, const uint8_t *octets, size_t size, struct wk_token *token);
};

/* The verifier above. Fields are the owner's to fill. */
struct wk_token_transfer {
    const struct wk_hal_crypto *crypto;
    struct wk_hal_key key; /* of the GMAC; size 0: refused */
    bool has_point;        /* of ECDSA; false: refused */
    uint8_t point[WK_HAL_POINT];
    uint8_t title[WK_TOKEN_TITLE];
    char name[WK_TOKEN_NAME + 1];
};

struct wk_token_port wk_token_transfer_port(struct wk_token_transfer *transfer);

/** Makes a token, by the key, or by ECDSA if `signer` is not NULL. WK_E_ARGUMENT: an identifier or
 *  amount is 0 or below; or what the cryptography returns. */
WK_MUST_USE wk_err wk_token_make(const struct wk_token_transfer *transfer,
                                 const struct wk_token *token,
                                 const struct wk_hal_private *signer, struct wk_bytes_out *out);

/* ---- identifiers --------------------------------------------------------------------------- */

struct wk_token_window {
    uint32_t highest;
    uint64_t used; /* bit n: highest - n */
};

/** WK_E_REPLAY: it was used; WK_E_RANGE: it is too old to know. */
WK_MUST_USE wk_err wk_token_window_check(const struct wk_token_window *window, uint32_t id);
/** For one that was checked. */
void wk_token_window_take(struct wk_token_window *window, uint32_t id);

/* ---- the gateway --------------------------------------------------------------------------- */

typedef enum wk_token_delivery {
    WK_TOKEN_REMOTE = 0,
    WK_TOKEN_LOCAL,
    WK_TOKEN_MANUAL,
    WK_TOKEN_DELIVERIES,
} wk_token_delivery;

/* token_status.status_code */
typedef enum wk_token_status {
    WK_TOKEN_FORMAT_OK = 0,
    WK_TOKEN_AUTHENTICATION_OK,
    WK_TOKEN_VALIDATION_OK,
    WK_TOKEN_EXECUTION_OK,
    WK_TOKEN_FORMAT_FAILURE,
    WK_TOKEN_AUTHENTICATION_FAILURE,
    WK_TOKEN_VALIDATION_FAILURE,
    WK_TOKEN_EXECUTION_FAILURE,
    WK_TOKEN_RECEIVED,
    WK_TOKEN_STATUSES,
} wk_token_status;

/* token_status.data_value: why; the first bit of the bit-string is the lowest here. */
enum {
    WK_TOKEN_NO_FORM = 0x01,
    WK_TOKEN_NOT_AUTHENTIC = 0x02,
    WK_TOKEN_OLD = 0x04,
    WK_TOKEN_USED = 0x08,
    WK_TOKEN_CLOSED = 0x10, /* the account is */
    WK_TOKEN_TOO_MUCH = 0x20,
    WK_TOKEN_LOCKED = 0x40,
};

struct wk_token_gateway {
    struct wk_token_window window;
    uint8_t failures;  /* in a row */
    int64_t locked_us; /* metrology's time; 0: is not */
    /* the last token */
    uint8_t size; /* 0: there was none */
    uint8_t octets[WK_TOKEN_MOST];
    int64_t time_s; /* UTC */
    uint8_t delivery;
    uint8_t status;
    uint8_t why;
    struct wk_token token; /* if it was authentic */
};

/** Looks at a token, `from` whom, at metrology's time; the gateway keeps it with what was found.
 *  True: it is authentic and was never used; the caller executes it and tells. */
bool wk_token_enter(struct wk_token_gateway *gateway, const struct wk_token_port *port,
                    const uint8_t *octets, size_t size, wk_token_delivery delivery,
                    int64_t t_us);
/** It was executed, or `why` it could not: only what was executed counts as used. */
void wk_token_done(struct wk_token_gateway *gateway, uint8_t why);
/** Whether a guesser is locked out. */
bool wk_token_is_locked(const struct wk_token_gateway *gateway, int64_t t_us);

/** Octets for the store. WK_E_FORMAT: no such state. */
#define WK_TOKEN_PACKED (1 + 12 + 9 + 1 + WK_TOKEN_MOST + 8 + 3 + 12)
void wk_token_pack(const struct wk_token_gateway *gateway, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_token_unpack(struct wk_token_gateway *gateway, struct wk_bytes_in *in);

#endif
