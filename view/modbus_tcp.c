/* SPDX-License-Identifier: Apache-2.0 */
#include "view/modbus_tcp.h"

#include <string.h>

#define BEFORE_LENGTH 6 /* octets of the header up to and with the length */
#define LENGTH_LEAST  2 /* unit, function */
#define LENGTH_MOST   (1 + WK_MODBUS_PDU)

uint8_t *wk_modbus_tcp_space(struct wk_modbus_tcp *tcp, size_t *room)
{
    if (tcp->first > 0) {
        memmove(tcp->octets, tcp->octets + tcp->first, tcp->last - tcp->first);
        tcp->last -= tcp->first;
        tcp->first = 0;
    }
    *room = sizeof tcp->octets - tcp->last;
    return tcp->octets + tcp->last;
}

void wk_modbus_tcp_received(struct wk_modbus_tcp *tcp, size_t size)
{
    const size_t room = sizeof tcp->octets - tcp->last;
    tcp->last += size < room ? size : room;
}

wk_err wk_modbus_tcp_next(struct wk_modbus_tcp *tcp, struct wk_modbus_tcp_request *request)
{
    struct wk_bytes_in in = wk_bytes_in_of(tcp->octets + tcp->first, tcp->last - tcp->first);
    if (wk_bytes_in_left(&in) < BEFORE_LENGTH) {
        return WK_E_SHORT;
    }
    request->transaction = wk_bytes_in_u16be(&in);
    const uint16_t protocol = wk_bytes_in_u16be(&in);
    const uint16_t length = wk_bytes_in_u16be(&in);
    if (protocol != 0 || length < LENGTH_LEAST || length > LENGTH_MOST) {
        return WK_E_FORMAT;
    }
    if (wk_bytes_in_left(&in) < length) {
        return WK_E_SHORT;
    }
    request->unit = wk_bytes_in_u8(&in);
    request->pdu = wk_bytes_in_of(in.data + in.at, (size_t)length - 1);
    tcp->first += BEFORE_LENGTH + (size_t)length;
    return WK_OK;
}

void wk_modbus_tcp_put(struct wk_bytes_out *out, uint16_t transaction, uint8_t unit,
                       const uint8_t *pdu, size_t size)
{
    wk_bytes_out_u16be(out, transaction);
    wk_bytes_out_u16be(out, 0);
    wk_bytes_out_u16be(out, (uint16_t)(1 + size));
    wk_bytes_out_u8(out, unit);
    wk_bytes_out_put(out, pdu, size);
}
