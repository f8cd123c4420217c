/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/client - the reader's side of one association, without any input or output.
 *
 * Start an operation (open, get, set, action, access, release). Then, while wk_client_busy: send
 * what wk_client_output gives while wk_client_sends, hand what comes back to wk_client_receive,
 * call wk_client_tick now and then. When it is no longer busy, `outcome` is the result:
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
#include "cosem/access.h"
#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/cipher.h"
#include "cosem/gbt.h"
#include "cosem/notification.h"
#include "cosem/shield.h"
#include "port/hal.h"

#define WK_CLIENT_PDU       4096 /* longest APDU it takes or sends */
#define WK_CLIENT_CHALLENGE 32   /* octets of its challenge; 16 before HLS 7 */
#define WK_CLIENT_LIST      32   /* most attributes of a SET with a list */
#define WK_CLIENT_ASKS      3    /* how often lost blocks are asked for in a row */

/* Where EventNotifications of the server go, which may come at any time between opening and
 * releasing, also before a reply. One that is not protected as the association is, is passed over. */
struct wk_client_events {
    void *self;
    /** `event` holds during the call. NULL: they are not wanted. */
    void (*take)(void *self, const struct wk_notification_event *event);
};

struct wk_client_config {
    wk_association_mechanism mechanism;
    struct wk_association_octets password; /* LLS, HLS 3, 4, 6: the secret; must stay */
    const struct wk_hal_crypto *crypto;    /* HLS and ciphering */
    struct wk_cipher_keys keys;            /* ciphering, and HLS 5 */
    uint8_t title[WK_CIPHER_TITLE];        /* the client's system title */
    uint32_t counter;                      /* the first invocation counter to use */
    bool ciphered;    /* application context with ciphering; with HLS 5 always */
    uint8_t suite;    /* 0, 1, 2 */
    uint8_t control;  /* how requests are ciphered: 0 = WK_CIPHER_BOTH */
    bool is_signed;   /* ... and signed, too */
    bool dedicated;   /* offer a dedicated key when opening, then use it */
    bool general_glo; /* general-glo- and general-ded-ciphering instead of glo-* and ded-* */
    bool general;     /* general-ciphering, with a key of the next kind */
    wk_envelope_key_kind key;
    const struct wk_hal_key *kek;           /* for wrapped keys; this and the next: borrowed */
    const struct wk_hal_private *signing;   /* HLS 7, signing, one-pass agreement */
    const struct wk_hal_private *agreement; /* agreed keys */
    const uint8_t *server_signing;          /* public keys of the server, likewise */
    const uint8_t *server_agreement;
    uint16_t max_pdu; /* offered to the server; 64..WK_CLIENT_PDU */
    uint16_t
        most_pdu; /* sent at most, where the carrier takes less than the server; 0: as it says */
    int64_t timeout_us; /* for each answer */
    struct wk_client_events events;
    uint8_t window; /* general block transfer: blocks it takes at once, 1..63; 0 = not used */
    bool numbered;  /* every request has an invoke-id of its own, and late answers to others are
                       passed over: for carriers that may lose and repeat. Else it is always 1 */
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
    WK_CLIENT_SEND_BLOCK, /* of general block transfer */
    WK_CLIENT_SEND_RLRQ,
    WK_CLIENT_WAIT_RLRE,
    WK_CLIENT_STEP_COUNT,
} wk_client_step;

/* General block transfer of one request and its reply: private. */
struct wk_client_blocks {
    bool sending;   /* the request is not yet all acknowledged */
    bool receiving; /* the reply comes by blocks */
    bool streams;   /* ... and goes to the sink as it comes */
    uint8_t asked;  /* times in a row that lost blocks were asked for */
    uint16_t own;
    uint16_t peer;
    size_t size;     /* of the request */
    size_t at;       /* what windows before took of it */
    size_t gathered; /* of the reply */
    struct wk_gbt_sender sender;
};

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
    uint32_t server_counter[WK_SHIELD_KEYS]; /* last one accepted from the server */
    uint8_t server_counter_seen;             /* bit n: there was one with key n */
    struct wk_hal_key dedicated_key;
    uint64_t transaction; /* last id of general-ciphering or -signing */
    uint8_t server_title[WK_CIPHER_TITLE];
    uint8_t challenge[WK_CLIENT_CHALLENGE];
    uint8_t challenge_size;
    uint8_t server_challenge[WK_ASSOCIATION_SECRET];
    uint8_t server_challenge_size;
    uint8_t invoke;                         /* invoke-id of the last request */
    struct wk_apdu_request request;         /* under way */
    struct wk_bytes_in value;               /* of a SET or ACTION, at what is not sent yet */
    const struct wk_access_request *access; /* under way; NULL: another service is */
    uint8_t results[WK_CLIENT_LIST];        /* of a SET with a list */
    uint32_t result_count;
    struct wk_client_blocks blocks;
    struct wk_client_sink sink;
    int64_t deadline_us;
    uint8_t plain[WK_CLIENT_PDU + WK_CIPHER_RESERVE];
    uint8_t whole[WK_CLIENT_PDU + WK_CIPHER_RESERVE]; /* what goes or comes by blocks */
};

/** WK_E_ARGUMENT: max_pdu or most_pdu out of range; HLS without crypto. */
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
/** With a list: `list` as wk_apdu_put_target writes them one after another, `values` with
 *  their count before them (wk_axdr_put_length), null-data where an ACTION has no parameter.
 *  The sinks get what the results are encoded as, with their count before them. A SET ends with
 *  WK_OK and one of `results` for each. WK_E_FULL: a SET of more than
 *  WK_CLIENT_LIST; WK_E_ARGUMENT: another count before the values. */
WK_MUST_USE wk_err wk_client_get_list(struct wk_client *client, uint32_t count,
                                      struct wk_bytes_in list, struct wk_client_sink sink);
WK_MUST_USE wk_err wk_client_set_list(struct wk_client *client, uint32_t count,
                                      struct wk_bytes_in list, struct wk_bytes_in values);
WK_MUST_USE wk_err wk_client_action_list(struct wk_client *client, uint32_t count,
                                         struct wk_bytes_in list, struct wk_bytes_in values,
                                         struct wk_client_sink sink);
/** ACCESS: the sink gets the whole response, for wk_access_read_response. The service class
 *  must be confirmed; `request` must stay. */
WK_MUST_USE wk_err wk_client_access(struct wk_client *client,
                                    const struct wk_access_request *request,
                                    struct wk_client_sink sink);
WK_MUST_USE wk_err wk_client_release(struct wk_client *client);

bool wk_client_busy(const struct wk_client *client);
/** Appends the next APDU to send, if there is one. An error is also the outcome. */
WK_MUST_USE wk_err wk_client_output(struct wk_client *client, int64_t now_us,
                                    struct wk_bytes_out *out);
/** Takes one APDU. Not waiting for any, and no EventNotification: WK_E_STATE, and nothing changes
 *  but counters of what was opened. Otherwise WK_OK:
 *  look at wk_client_busy and `outcome`. */
WK_MUST_USE wk_err wk_client_receive(struct wk_client *client, int64_t now_us,
                                     struct wk_bytes_in apdu);
/** True if it is the client's turn: call wk_client_output before an answer is waited for. */
bool wk_client_sends(const struct wk_client *client);
/** Asks for lost blocks, or ends the operation with WK_E_TIMEOUT when its answer is overdue. */
void wk_client_tick(struct wk_client *client, int64_t now_us);

#endif
