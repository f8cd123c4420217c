/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/client - the reader's side of one association, without any input or output.
 *
 * Start an operation (open, get, set, action, release). Then, while wk_client_busy: send what
 * wk_client_output gives, hand what comes back to wk_client_receive, call wk_client_tick now
 * and then. When it is no longer busy, `outcome` is the result:
 *   WK_OK         done
 *   WK_E_REFUSED  the server refused; `result` (data-access- or action-result) says why, or
 *                 `diagnostic` when opening, or `exception` when its service_error is not 0
 *   WK_E_AUTH     wrong password or key, or an answer that is not the server's
 *   WK_E_REPLAY   our invocation counter was too low; exception.expected_counter is usable
 *   WK_E_TIMEOUT  no answer within config.timeout_us
 *   other         the answer was malformed, or what the sink returned
 * After any error but WK_E_REFUSED of a get, set or action the association is `broken`: close
 * the connection. APDUs are framed by who carries them (cosem/wrapper). Long values go out and
 * come in by blocks; a sink gets data piece by piece, so that nothing is ever held whole. */
#ifndef WK_COSEM_CLIENT_H
#define WK_COSEM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/cipher.h"
#include "port/hal.h"

#define WK_CLIENT_PDU       4096 /* longest APDU it takes or sends */
#define WK_CLIENT_CHALLENGE 16   /* octets of its challenge */

struct wk_client_config {
    wk_association_mechanism mechanism;
    struct wk_association_octets password; /* LLS; borrowed while opening */
    const struct wk_hal_crypto *crypto;    /* HLS */
    struct wk_cipher_keys keys;            /* HLS */
    uint8_t title[WK_CIPHER_TITLE];        /* HLS: the client's system title */
    uint32_t counter;                      /* HLS: the first invocation counter to use */
    bool general_glo;                      /* HLS: general-glo-ciphering instead of glo-* */
    uint16_t max_pdu;                      /* offered to the server; 64..WK_CLIENT_PDU */
    int64_t timeout_us;                    /* for each answer */
};

/* Where data of GET and ACTION go: consecutive pieces of one A-XDR value. */
struct wk_client_sink {
    void *self;
    wk_err (*take)(void *self, const uint8_t *octets, size_t size);
};

typedef enum wk_client_step {
    WK_CLIENT_CLOSED = 0,
    WK_CLIENT_SEND_AARQ,
    WK_CLIENT_WAIT_AARE,
    WK_CLIENT_SEND_PROOF, /* HLS pass 3 */
    WK_CLIENT_WAIT_PROOF, /* HLS pass 4 */
    WK_CLIENT_READY,
    WK_CLIENT_SEND_REQUEST,
    WK_CLIENT_WAIT_REPLY,
    WK_CLIENT_SEND_RLRQ,
    WK_CLIENT_WAIT_RLRE,
    WK_CLIENT_STEP_COUNT,
} wk_client_step;

struct wk_client {
    struct wk_client_config config;
    wk_client_step step;
    wk_err outcome;
    bool broken;
    uint8_t result;
    uint8_t diagnostic;
    struct wk_apdu_exception exception;
    uint32_t conformance;    /* negotiated */
    uint16_t server_max_pdu; /* 0 = no limit */
    uint32_t counter;        /* next invocation counter to send: persist it when done */
    uint32_t server_counter; /* last one accepted from the server */
    bool server_counter_seen;
    uint8_t server_title[WK_CIPHER_TITLE];
    uint8_t challenge[WK_CLIENT_CHALLENGE];
    uint8_t server_challenge[WK_ASSOCIATION_SECRET];
    uint8_t server_challenge_size;
    struct wk_apdu_request request; /* under way */
    struct wk_bytes_in value;       /* of a SET, at what is not sent yet */
    struct wk_client_sink sink;
    int64_t deadline_us;
    uint8_t plain[WK_CLIENT_PDU + WK_CIPHER_RESERVE];
};

/** WK_E_ARGUMENT: max_pdu out of range; HLS without crypto. */
WK_MUST_USE wk_err wk_client_init(struct wk_client *client,
                                  const struct wk_client_config *config);
/** WK_E_STATE: not closed. */
WK_MUST_USE wk_err wk_client_open(struct wk_client *client);
/** WK_E_STATE for these: no open association, or busy. What `target->parameter` and `value`
 *  point at must stay until the operation is done. An absent ACTION parameter has size 0. */
WK_MUST_USE wk_err wk_client_get(struct wk_client *client, const struct wk_apdu_target *target,
                                 struct wk_client_sink sink);
WK_MUST_USE wk_err wk_client_set(struct wk_client *client, const struct wk_apdu_target *target,
                                 struct wk_bytes_in value);
WK_MUST_USE wk_err wk_client_action(struct wk_client *client,
                                    const struct wk_apdu_target *target,
                                    struct wk_bytes_in parameter, struct wk_client_sink sink);
WK_MUST_USE wk_err wk_client_release(struct wk_client *client);

bool wk_client_busy(const struct wk_client *client);
/** Appends the next APDU to send, if there is one. An error is also the outcome. */
WK_MUST_USE wk_err wk_client_output(struct wk_client *client, int64_t now_us,
                                    struct wk_bytes_out *out);
/** Takes one APDU. Not waiting for any: WK_E_STATE, and nothing changes. Otherwise WK_OK:
 *  look at wk_client_busy and `outcome`. */
WK_MUST_USE wk_err wk_client_receive(struct wk_client *client, int64_t now_us,
                                     struct wk_bytes_in apdu);
/** Ends the operation with WK_E_TIMEOUT when its answer is overdue. */
void wk_client_tick(struct wk_client *client, int64_t now_us);

#endif
