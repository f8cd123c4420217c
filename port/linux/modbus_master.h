/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_master - reads registers over RS-485 or TCP.
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
    int64_t silent_us; /* what silence there must be before the next RTU request */
    uint8_t exception; /* of the last WK_E_REFUSED */
    uint64_t asked;    /* requests sent, with repetitions */
    uint64_t repeated;
    uint64_t junk; /* octets passed over */
    char why[WK_MODBUS_WHY];
};

/** Takes the URI apart and connects. WK_E_ARGUMENT: the URI; WK_E_IO: not connected. In both cases
 *  modbus->why; after WK_E_IO reading may be tried all the same. */
WK_MUST_USE wk_err wk_modbus_open(struct wk_modbus *modbus,
                                  const struct wk_modbus_config *config);
void wk_modbus_close(struct wk_modbus *modbus);

/** Reads request->count registers. WK_E_REFUSED: modbus->exception; WK_E_TIMEOUT, WK_E_CORRUPT:
 *  no answer, or none whose check sum is right; WK_E_IO: no connection; WK_E_FORMAT: the other
 *  end does not speak Modbus. modbus->why says it in words. */
WK_MUST_USE wk_err wk_modbus_read(struct wk_modbus *modbus,
                                  const struct wk_modbus_request *request, uint16_t *to);

#endif
