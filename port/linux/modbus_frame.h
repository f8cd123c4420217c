/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_frame - Modbus requests of any function, and the hunt for their answers.
 *
 * On RTU (Modbus over serial line V1.02, 2.5) the answer is looked for at every octet of what came:
 * its unit and function are known, mostly its size, and its check sum must be right. So octets of
 * noise before or after it, one's own echo, a frame of somebody else and gaps inside the frame, as
 * USB adapters make them, do no harm; silence of 1.5 characters is not asked for. Where the size is
 * not known, as with functions of a maker, the frame ends where the line becomes silent. On TCP the
 * header of the answer names the transaction; answers to earlier ones are passed over. No I/O here.
 *
 * An answer may equal its request (functions 5, 6, 8, 22): on a line that gives back what is sent,
 * the first such frame is the echo. Whether the line does so is known from answers that differ. */
#ifndef WK_PORT_LINUX_MODBUS_FRAME_H
#define WK_PORT_LINUX_MODBUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_MODBUS_ADU_PDU   253 /* octets from the function on, most */
#define WK_MODBUS_REGISTERS 125 /* of one request at most */
#define WK_MODBUS_RTU_MOST  256 /* octets of a frame */
#define WK_MODBUS_TCP_MOST  260
#define WK_MODBUS_HUNT      1024 /* octets kept; older ones go */

#define WK_MODBUS_HOLDING   3 /* functions */
#define WK_MODBUS_INPUT     4

/* Exception codes a master acts on. */
#define WK_MODBUS_ILLEGAL_ADDRESS 2
#define WK_MODBUS_ILLEGAL_VALUE   3

struct wk_modbus_request {
    uint8_t unit;
    uint8_t function; /* WK_MODBUS_HOLDING or WK_MODBUS_INPUT */
    uint16_t address;
    uint16_t count; /* 1..WK_MODBUS_REGISTERS */
};

/* A request or an answer of any function. */
struct wk_modbus_message {
    uint8_t unit;
    uint16_t size;                  /* 1..WK_MODBUS_ADU_PDU; an answer: 0 = there is none */
    uint8_t pdu[WK_MODBUS_ADU_PDU]; /* from the function on */
};

/** The message that asks for registers. */
void wk_modbus_message_of(struct wk_modbus_message *message,
                          const struct wk_modbus_request *request);
size_t wk_modbus_frame_rtu(const struct wk_modbus_message *message,
                           uint8_t to[WK_MODBUS_RTU_MOST]);
size_t wk_modbus_frame_tcp(const struct wk_modbus_message *message, uint16_t transaction,
                           uint8_t to[WK_MODBUS_TCP_MOST]);

typedef enum wk_modbus_found {
    WK_MODBUS_NOTHING = 0, /* not yet */
    WK_MODBUS_ANSWER,
    WK_MODBUS_EXCEPTION,
    WK_MODBUS_BROKEN, /* TCP: this is no Modbus; the connection is of no use any more */
} wk_modbus_found;

/* Whether a line gives back what is sent. */
typedef enum wk_modbus_echo {
    WK_MODBUS_ECHO_UNKNOWN = 0,
    WK_MODBUS_ECHO_NO,
    WK_MODBUS_ECHO_YES,
} wk_modbus_echo;

struct wk_modbus_hunt {
    struct wk_modbus_message request;
    bool tcp;
    uint16_t transaction;
    wk_modbus_echo echo; /* what is known of the line, before and after */
    uint8_t data[WK_MODBUS_HUNT];
    size_t size;
    size_t junk;                     /* octets that were not of the answer */
    struct wk_modbus_message answer; /* of WK_MODBUS_ANSWER and WK_MODBUS_EXCEPTION */
};

void wk_modbus_hunt_rtu(struct wk_modbus_hunt *hunt, const struct wk_modbus_message *request,
                        wk_modbus_echo echo);
void wk_modbus_hunt_tcp(struct wk_modbus_hunt *hunt, const struct wk_modbus_message *request,
                        uint16_t transaction);
/** Takes octets as they come, in pieces of any size. */
wk_modbus_found wk_modbus_hunt_take(struct wk_modbus_hunt *hunt, const uint8_t *octets,
                                    size_t size);
/** RTU: the size of the answer is known beforehand, so that silence does not end it. */
bool wk_modbus_hunt_is_sized(const struct wk_modbus_hunt *hunt);
/** RTU: the line has become silent: what came may be an answer of unknown size. */
wk_modbus_found wk_modbus_hunt_silence(struct wk_modbus_hunt *hunt);
/** RTU: nothing more is waited for: what equals the request was the answer, if it came but once
 *  and the line is not known to echo. */
wk_modbus_found wk_modbus_hunt_end(struct wk_modbus_hunt *hunt);
/** RTU: whether what came holds an answer whose check sum is wrong. */
bool wk_modbus_hunt_spoilt(const struct wk_modbus_hunt *hunt);
/** Registers of an answer to a request for `count` of them. False: it does not hold so many. */
bool wk_modbus_registers_of(const struct wk_modbus_message *answer, uint16_t count,
                            uint16_t *to);

/** The check sum of RTU frames. */
uint16_t wk_modbus_frame_crc(const uint8_t *octets, size_t size);
/** What an exception code means. */
const char *wk_modbus_frame_exception(uint8_t code);

#endif
