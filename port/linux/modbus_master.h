/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_master - asks Modbus servers over RS-485 or TCP, for registers or anything.
 *
 *   rtu:/dev/ttyUSB0[,BAUD[,8N1|8E1|8O1|8N2]][,rs485]   a serial line (9600,8N1)
 *   rtutcp:HOST:PORT                                    RTU frames over TCP, as converters do
 *   tcp:HOST[:PORT]                                     Modbus/TCP (502)
 *
 * "rs485" asks the driver to turn the direction; where it cannot, the adapter must do it.
 * Blocks for at most twice the timeout x (retries + 1), plus the time on the wire. Before every RTU request
 * the line must have been silent for 3.5 characters; after one that was not answered, for a whole
 * timeout: an answer that comes too late must not be taken for the next one. A connection that
 * was lost is made anew by the next read. */
#ifndef WK_PORT_LINUX_MODBUS_MASTER_H
#define WK_PORT_LINUX_MODBUS_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "port/linux/modbus_frame.h"

#define WK_MODBUS_URI 128
#define WK_MODBUS_WHY 256

struct wk_modbus_config {
    const char *uri;
    uint32_t timeout_ms; /* 0 = 1000 */
    uint32_t retries;    /* after the first attempt */
};

struct wk_modbus {
    int file; /* -1 = not connected */
    bool rtu;
    bool serial;
    bool rs485;
    char path[WK_MODBUS_URI]; /* or host */
    char port[8];
    uint32_t baud;
    char framing[4];
    uint32_t timeout_ms;
    uint32_t retries;
    uint16_t transaction;
    wk_modbus_echo echo; /* what is known of the line */
    bool is_settled;     /* the line was silent, and nothing has been sent since */
    int64_t silent_us;   /* what silence there must be before the next RTU request */
    uint8_t exception;   /* of the last WK_E_REFUSED */
    uint64_t asked;      /* requests sent, with repetitions */
    uint64_t repeated;
    uint64_t junk; /* octets passed over */
    char why[WK_MODBUS_WHY];
};

/** Takes the URI apart and connects. WK_E_ARGUMENT: the URI; WK_E_IO: not connected. In both cases
 *  modbus->why; after WK_E_IO reading may be tried all the same. */
WK_MUST_USE wk_err wk_modbus_open(struct wk_modbus *modbus,
                                  const struct wk_modbus_config *config);
/** WK_E_ARGUMENT: it is no such URI; `why` says it in words. */
WK_MUST_USE wk_err wk_modbus_check_uri(const char *uri, char why[WK_MODBUS_WHY]);
void wk_modbus_close(struct wk_modbus *modbus);

/** Sends a request of any function and waits for its answer. A request to unit 0 of an RTU line goes
 *  to all: it has no answer (answer->size 0), and time to be worked on. Errors as wk_modbus_read;
 *  after WK_E_REFUSED the answer is the exception. */
WK_MUST_USE wk_err wk_modbus_exchange(struct wk_modbus *modbus,
                                      const struct wk_modbus_message *request,
                                      struct wk_modbus_message *answer);
/** Waits until the next request may be sent, which then goes out at once. Errors as
 *  wk_modbus_exchange; asking may be tried all the same. */
WK_MUST_USE wk_err wk_modbus_settle(struct wk_modbus *modbus);

/** Reads request->count registers. WK_E_REFUSED: modbus->exception; WK_E_TIMEOUT, WK_E_CORRUPT:
 *  no answer, or none whose check sum is right; WK_E_IO: no connection; WK_E_FORMAT: the other
 *  end does not speak Modbus. modbus->why says it in words. */
WK_MUST_USE wk_err wk_modbus_read(struct wk_modbus *modbus,
                                  const struct wk_modbus_request *request, uint16_t *to);

#endif
