/* SPDX-License-Identifier: Apache-2.0
 *
 * view/modbus_rtu - the server's side of a Modbus serial line (Modbus over serial line V1.02, 2.5).
 *
 * A request ends with a silence of 3.5 characters, and not before such a silence is it answered.
 * Where it begins is not taken from silences alone: in what came before one, every place is tried
 * for a frame whose length fits its function and whose check sum is right. So an octet 0x00 from the
 * turn of the bus, noise before or after a request, and what a broken frame left behind cost
 * nothing but themselves. Frames of others are recognised likewise and passed over whole, so that
 * what is in them is not taken for requests. A pause within a frame, as adapters make them, does no
 * harm: what may be the begin of a request is kept for a while.
 *
 * If the line gives back what is sent, that is passed over. The answer to a write is the request
 * again: where it is not known that the line echoes, it is taken for an echo only in time. No input and output here, and nothing
 * waits: the owner brings octets with the time they came at, asks when the next look is due, and
 * sends what there is to be sent.
 *
 *   receive -> tick says SERVE -> wk_modbus_rtu_request, serve, wk_modbus_rtu_answer -> send
 *
 * Requests to units that live elsewhere may be served, too. Their answer takes time: they are done
 * with by an empty answer, and answered late, if nothing has come since. */
#ifndef WK_VIEW_MODBUS_RTU_H
#define WK_VIEW_MODBUS_RTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "view/modbus.h"

#define WK_MODBUS_RTU_UNITS                                                                    \
    32 /* octets of a set of units: bit u % 8 of octet u / 8 is unit u */
#define WK_MODBUS_RTU_FRAME   256   /* octets of a frame, most */
#define WK_MODBUS_RTU_HUNT    512   /* octets kept; older ones go */
#define WK_MODBUS_RTU_FAST    19200 /* above it, silences are of fixed length */
#define WK_MODBUS_RTU_FAST_US 1750
#define WK_MODBUS_RTU_WAIT_US INT64_C(100000) /* the begin of a request is kept so long */

struct wk_modbus_rtu_config {
    uint8_t unit;  /* 1..247 */
    uint32_t baud; /* 300..1000000 */
    uint8_t bits;  /* of a character, with start, parity and stop: 10 or 11 */
    const uint8_t
        *others; /* units beside ours whose requests are to be served, borrowed; NULL: none */
};

struct wk_modbus_rtu {
    struct wk_modbus_rtu_config config;
    struct wk_modbus_counts counts;
    uint32_t junk;      /* octets that belong to no frame, since the begin */
    uint32_t overtaken; /* requests that another one followed before their silence was over */
    uint32_t broken;    /* pauses of more than 1.5 characters within a frame that was right */
    int64_t octet_us;   /* when the newest octet came */
    int64_t gap_us;     /* the longest pause among the octets kept */
    bool is_fresh;      /* octets came since the last look */
    size_t size;        /* octets kept */
    uint8_t octets[WK_MODBUS_RTU_HUNT];
    size_t frame_at;   /* of the request that is to be served */
    size_t frame_size; /* 0: there is none */
    bool echoes;       /* the line gives back what is sent: it did so last */
    int64_t sent_us;   /* when an answer that equals its request has gone out; 0: it does not */
    size_t sent;       /* octets of `answer` that may come back; 0: none */
    size_t echoed;
    uint8_t answer[WK_MODBUS_RTU_FRAME];
};

/** WK_E_ARGUMENT: the configuration. */
WK_MUST_USE wk_err wk_modbus_rtu_init(struct wk_modbus_rtu *rtu,
                                      const struct wk_modbus_rtu_config *config);
/** Silence that ends a frame, in microseconds: 3.5 characters, or 1.75 ms on fast lines. */
int64_t wk_modbus_rtu_silence_us(const struct wk_modbus_rtu *rtu);
/** Octets that came, the last of them at `now_us`, of a clock that is never set. */
void wk_modbus_rtu_receive(struct wk_modbus_rtu *rtu, int64_t now_us, const uint8_t *octets,
                           size_t size);
/** When wk_modbus_rtu_tick is to be called; INT64_MAX: not before something comes. */
int64_t wk_modbus_rtu_due_us(const struct wk_modbus_rtu *rtu);
/** True if there is a request to be served. Ask again until it is false. */
bool wk_modbus_rtu_tick(struct wk_modbus_rtu *rtu, int64_t now_us);
/** The request, from its function on, and whether it goes to all. */
struct wk_bytes_in wk_modbus_rtu_request(const struct wk_modbus_rtu *rtu, bool *is_broadcast);
/** The unit that the request goes to; 0: to all. */
uint8_t wk_modbus_rtu_unit(const struct wk_modbus_rtu *rtu);
/** Frames the answer to the request, which is done with then: *size octets that are to be sent
 *  and stay where they are until the next one; 0 if `answer` is empty. `answer` has at most
 *  WK_MODBUS_PDU octets. */
const uint8_t *wk_modbus_rtu_answer(struct wk_modbus_rtu *rtu,
                                    const struct wk_bytes_out *answer, size_t *size);
/* An answer that took its time. */
struct wk_modbus_rtu_late {
    int64_t asked_us; /* octet_us when the request was done with */
    int64_t now_us;
    uint8_t unit;
    struct wk_bytes_in pdu; /* from the function on */
};
/** Frames it. *size is 0 if octets came since the request: its master does not wait any more. */
const uint8_t *wk_modbus_rtu_answer_late(struct wk_modbus_rtu *rtu,
                                         const struct wk_modbus_rtu_late *late, size_t *size);

#endif
