/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_frame - Modbus requests for registers, and the hunt for their answers.
 *
 * On RTU (Modbus over serial line V1.02, 2.5) the answer is looked for at every octet of what came:
 * its unit, function and size are known, and its check sum must be right. So octets of noise before
 * or after it, one's own echo, a frame of somebody else and gaps inside the frame, as USB adapters
 * make them, do no harm; silence of 1.5 characters is not asked for. On TCP the header of the
 * answer names the transaction; answers to earlier ones are passed over. No I/O here. */
#ifndef WK_PORT_LINUX_MODBUS_FRAME_H
#define WK_PORT_LINUX_MODBUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_MODBUS_REGISTERS   125 /* of one request at most */
#define WK_MODBUS_RTU_REQUEST 8   /* octets */
#define WK_MODBUS_TCP_REQUEST 12
#define WK_MODBUS_HUNT        1024 /* octets kept; older ones go */

#define WK_MODBUS_HOLDING     3 /* functions */
#define WK_MODBUS_INPUT       4

/* Exception codes a master acts on. */
#define WK_MODBUS_ILLEGAL_ADDRESS 2
#define WK_MODBUS_ILLEGAL_VALUE   3

struct wk_modbus_request {
    uint8_t unit;
    uint8_t function; /* WK_MODBUS_HOLDING or WK_MODBUS_INPUT */
    uint16_t address;
    uint16_t count; /* 1..WK_MODBUS_REGISTERS */
};

size_t wk_modbus_frame_rtu(const struct wk_modbus_request *request,
                           uint8_t to[WK_MODBUS_RTU_REQUEST]);
size_t wk_modbus_frame_tcp(const struct wk_modbus_request *request, uint16_t transaction,
                           uint8_t to[WK_MODBUS_TCP_REQUEST]);

typedef enum wk_modbus_found {
    WK_MODBUS_NOTHING = 0, /* not yet */
    WK_MODBUS_VALUES,
    WK_MODBUS_EXCEPTION,
    WK_MODBUS_BROKEN, /* TCP: this is no Modbus; the connection is of no use any more */
} wk_modbus_found;

struct wk_modbus_hunt {
    struct wk_modbus_request request;
    bool tcp;
    uint16_t transaction;
    uint8_t data[WK_MODBUS_HUNT];
    size_t size;
    uint8_t exception; /* of WK_MODBUS_EXCEPTION */
    size_t junk;       /* octets that were not of the answer */
    uint16_t value[WK_MODBUS_REGISTERS];
};

void wk_modbus_hunt_rtu(struct wk_modbus_hunt *hunt, const struct wk_modbus_request *request);
void wk_modbus_hunt_tcp(struct wk_modbus_hunt *hunt, const struct wk_modbus_request *request,
                        uint16_t transaction);
/** Takes octets as they come, in pieces of any size. */
wk_modbus_found wk_modbus_hunt_take(struct wk_modbus_hunt *hunt, const uint8_t *octets,
                                    size_t size);
/** RTU: whether what came holds an answer whose check sum is wrong. */
bool wk_modbus_hunt_spoilt(const struct wk_modbus_hunt *hunt);

/** The check sum of RTU frames. */
uint16_t wk_modbus_frame_crc(const uint8_t *octets, size_t size);
/** What an exception code means. */
const char *wk_modbus_frame_exception(uint8_t code);

#endif
