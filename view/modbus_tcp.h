/* SPDX-License-Identifier: Apache-2.0
 *
 * view/modbus_tcp - frames of Modbus/TCP in a stream of octets (Modbus messaging on TCP/IP V1.0b).
 *
 * Requests may come in pieces of any size and several at once. A header that cannot be leaves no way
 * to find the next one: the connection is to be closed. */
#ifndef WK_VIEW_MODBUS_TCP_H
#define WK_VIEW_MODBUS_TCP_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "view/modbus.h"

#define WK_MODBUS_TCP_HEAD  7                                    /* octets */
#define WK_MODBUS_TCP_FRAME (WK_MODBUS_TCP_HEAD + WK_MODBUS_PDU) /* octets, most */
#define WK_MODBUS_TCP_ROOM  1024

struct wk_modbus_tcp {
    size_t first; /* octets octets[first..last) wait */
    size_t last;
    uint8_t octets[WK_MODBUS_TCP_ROOM];
};

struct wk_modbus_tcp_request {
    uint16_t transaction;
    uint8_t unit;
    struct wk_bytes_in pdu; /* borrowed, until octets are added */
};

/** All zero at the begin. Where *room octets can be read to, one at least, once no request waits. */
uint8_t *wk_modbus_tcp_space(struct wk_modbus_tcp *tcp, size_t *room);
/** So many octets were read there. */
void wk_modbus_tcp_received(struct wk_modbus_tcp *tcp, size_t size);
/** The next request. WK_E_SHORT: it is not all there; WK_E_FORMAT: this is no Modbus/TCP. */
WK_MUST_USE wk_err wk_modbus_tcp_next(struct wk_modbus_tcp *tcp,
                                      struct wk_modbus_tcp_request *request);
/** Writes an answer with its header, the octets `pdu` from the function on. */
void wk_modbus_tcp_put(struct wk_bytes_out *out, uint16_t transaction, uint8_t unit,
                       const uint8_t *pdu, size_t size);

#endif
