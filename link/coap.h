/* SPDX-License-Identifier: Apache-2.0
 *
 * link/coap - messages of CoAP (RFC 7252) and the client of a meter: confirmable requests, one at a
 * time in each of three lanes, sent again until they are acknowledged.
 *
 *   post -> [CON, again after 2..3 s, twice that, ... 5 times in all] -> ACK with the response
 *                                                                     -> ACK, later the response (CON, NON)
 *                                                                     -> RST, or nothing: failed
 *
 * One interaction that is not acknowledged is what the standard allows to one peer (NSTART, 4.7):
 * that is the lane of what can wait. Two lanes of their own have what may not wait behind it, an alarm,
 * and the request whose response is awaited for long. A response to a request ends those before it,
 * too: the way works, and what they carried is the sender's to judge (link/path).
 *
 * No observing, no blocks: requests and responses fit a datagram. Options that must be understood
 * are not, so such a response is rejected (5.4.1). Requests to a meter are rejected with RST.
 *
 *   wk_coap_post, wk_coap_receive, and at wk_coap_due_us: wk_coap_output until it is false, and
 *   wk_coap_failed
 *
 * Memory: 2 kB. Context: one thread. Time: microseconds of a clock that is never set. */
#ifndef WK_LINK_COAP_H
#define WK_LINK_COAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_COAP_PORT    5683
#define WK_COAP_TOKEN   8    /* octets of a token, most */
#define WK_COAP_SEGMENT 16   /* characters of a segment of the path, most */
#define WK_COAP_PAYLOAD 1400 /* octets of a request, most */
#define WK_COAP_AROUND  64   /* octets around its payload, most of them */
#define WK_COAP_SHORT   256  /* payload in the lanes of what may not wait, most */
#define WK_COAP_ANSWERS 4    /* acknowledgements that wait to go out */
#define WK_COAP_HEARD   8    /* messages of the far end that are known again */

/* 4.8 */
#define WK_COAP_ACK_TIMEOUT_US  INT64_C(2000000)
#define WK_COAP_MAX_RETRANSMIT  4
#define WK_COAP_EXCHANGE_US     INT64_C(247000000) /* EXCHANGE_LIFETIME */
#define WK_COAP_NEVER_US        INT64_MAX
#define WK_COAP_NUMBER_US       3773 /* so no number of a message comes again in that time ... */
#define WK_COAP_NUMBERS_AT_ONCE 64   /* ... though so many may go at once */

typedef enum wk_coap_type {
    WK_COAP_CON = 0,
    WK_COAP_NON = 1,
    WK_COAP_ACK = 2,
    WK_COAP_RST = 3,
} wk_coap_type;

/* 12.1: class in the high three bits, detail in the low five */
typedef enum wk_coap_code {
    WK_COAP_EMPTY = 0x00,
    WK_COAP_GET = 0x01,
    WK_COAP_POST = 0x02,
    WK_COAP_CHANGED = 0x44,
    WK_COAP_CONTENT = 0x45,
} wk_coap_code;

/* 12.2 */
typedef enum wk_coap_option {
    WK_COAP_URI_PATH = 11,
    WK_COAP_CONTENT_FORMAT = 12,
} wk_coap_option;

#define WK_COAP_OCTETS 42 /* Content-Format application/octet-stream */

struct wk_coap_message {
    wk_coap_type type;
    uint8_t code; /* wk_coap_code, or another */
    uint16_t id;
    uint8_t token_size;
    uint8_t token[WK_COAP_TOKEN];
    struct wk_bytes_in
        options; /* borrowed, as the payload; wk_coap_read has looked at all of them */
    struct wk_bytes_in payload; /* empty: none */
};

/** Reads a datagram (3). WK_E_SHORT; WK_E_UNSUPPORTED: another version; WK_E_FORMAT: a length that is
 *  reserved, an empty message that has something, a marker without a payload. `message` has its type
 *  and id whenever the first four octets are there and of this version: to reject it with RST. */
WK_MUST_USE wk_err wk_coap_read(struct wk_bytes_in datagram, struct wk_coap_message *message);
/** The next option; *number is that of the one before, 0 at first. False: there is none. */
bool wk_coap_next_option(struct wk_bytes_in *options, uint32_t *number,
                         struct wk_bytes_in *value);
/** Writes what is before the options. Faults of `out`; WK_E_ARGUMENT: a token that is too long. */
void wk_coap_write_head(struct wk_bytes_out *out, const struct wk_coap_message *head);
/** Appends an option; *before is the number of the one before, 0 at first. WK_E_ARGUMENT: it falls, or
 *  the value has more than 268 octets. */
void wk_coap_write_option(struct wk_bytes_out *out, uint32_t *before, uint32_t number,
                          const void *value, size_t size);
/** Appends the payload with its marker; nothing if it is empty. */
void wk_coap_write_payload(struct wk_bytes_out *out, const void *payload, size_t size);

/* ---- the client -------------------------------------------------------------------------- */

typedef enum wk_coap_lane {
    WK_COAP_URGENT = 0, /* up to WK_COAP_SHORT octets */
    WK_COAP_POLL,       /* likewise; its response is not ended by others */
    WK_COAP_BULK,       /* up to WK_COAP_PAYLOAD */
    WK_COAP_LANES,
} wk_coap_lane;

struct wk_coap_config {
    struct wk_bytes_in path[2]; /* segments, borrowed; empty: there is none */
    int64_t
        ack_timeout_us; /* 0: that of the standard; less only where the round trip is known (4.8.1) */
    void *self;         /* of the function */
    wk_err (*random)(void *self, void *to, size_t size);
};

struct wk_coap_exchange {
    bool waits;        /* for a response */
    bool acknowledged; /* ... which will come by itself */
    bool has_failed;
    uint8_t tries;
    uint16_t id;
    uint8_t token[4];
    uint32_t order; /* of its begin */
    int64_t due_us; /* sent again, or given up */
    int64_t wait_us;
    size_t size;
};

struct wk_coap_heard {
    bool known;
    bool is_taken; /* else it was rejected */
    uint16_t id;
    int64_t at_us;
};

struct wk_coap_counts {
    uint32_t requests;
    uint32_t again; /* messages that went once more */
    uint32_t responses;
    uint32_t failed;
    uint32_t rejected; /* what came and was for nobody */
};

struct wk_coap {
    struct wk_coap_config config;
    struct wk_coap_counts counts;
    struct wk_coap_exchange lane[WK_COAP_LANES];
    uint16_t next_id;
    uint32_t order;
    int64_t numbers_us; /* up to when numbers are given out */
    struct wk_coap_heard heard[WK_COAP_HEARD];
    uint8_t heard_next;
    uint8_t answer_count;
    uint8_t answer[WK_COAP_ANSWERS][4];
    uint8_t bulk[WK_COAP_PAYLOAD + WK_COAP_AROUND];
    uint8_t brief[WK_COAP_LANES - 1][WK_COAP_SHORT + WK_COAP_AROUND];
};

/* A response. */
struct wk_coap_answer {
    wk_coap_lane lane;
    uint8_t code;
    struct wk_bytes_in payload; /* in the datagram */
};

/** WK_E_ARGUMENT: a segment that is too long, no `random`, or a timeout below 0; its errors. */
WK_MUST_USE wk_err wk_coap_init(struct wk_coap *coap, const struct wk_coap_config *config,
                                int64_t now_us);

/** POST. WK_E_BUSY: the lane's last one is not acknowledged, or no number is left now; WK_E_RANGE: too
 *  long for the lane. A lane whose response is still awaited gives that up. */
WK_MUST_USE wk_err wk_coap_post(struct wk_coap *coap, wk_coap_lane lane, const void *payload,
                                size_t size, int64_t now_us);
/** True while the lane takes nothing, or awaits its response. */
bool wk_coap_is_open(const struct wk_coap *coap, wk_coap_lane lane);
/** Nothing of a lane is sent again, nor is its response awaited (4.2). */
void wk_coap_cancel(struct wk_coap *coap, wk_coap_lane lane);

/** A datagram of the far end. WK_OK: `answer` has a response. WK_E_NOT_FOUND: it had none; what it asks
 *  for (ACK, RST) waits in wk_coap_output. Errors of wk_coap_read. */
WK_MUST_USE wk_err wk_coap_receive(struct wk_coap *coap, struct wk_bytes_in datagram,
                                   int64_t now_us, struct wk_coap_answer *answer);
/** The next datagram to be sent now, *size octets that stay until the next call. NULL: there is none. */
const uint8_t *wk_coap_output(struct wk_coap *coap, int64_t now_us, size_t *size);
/** A lane whose request came to nothing; each is told once. False: none. */
bool wk_coap_failed(struct wk_coap *coap, wk_coap_lane *lane);
/** When wk_coap_output or wk_coap_failed may have something; WK_COAP_NEVER_US. */
int64_t wk_coap_due_us(const struct wk_coap *coap);

#endif
