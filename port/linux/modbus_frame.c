/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_frame.h"

#include <string.h>

#define EXCEPTION      0x80 /* added to the function */
#define RTU_OVERHEAD   5    /* unit, function, count, check sum */
#define TCP_HEADER     7
#define TCP_PDU_MOST   254
#define EXCEPTION_SIZE 5

uint16_t wk_modbus_frame_crc(const uint8_t *octets, size_t size)
{
    uint16_t crc = 0xFFFF;
    for (size_t n = 0; n < size; n++) {
        crc ^= octets[n];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? crc >> 1 ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

static void put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)(value & 0xFF);
}

static uint16_t get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static void put_request(const struct wk_modbus_request *request, uint8_t to[6])
{
    to[0] = request->unit;
    to[1] = request->function;
    put_u16(to + 2, request->address);
    put_u16(to + 4, request->count);
}

size_t wk_modbus_frame_rtu(const struct wk_modbus_request *request,
                           uint8_t to[WK_MODBUS_RTU_REQUEST])
{
    put_request(request, to);
    const uint16_t crc = wk_modbus_frame_crc(to, 6);
    to[6] = (uint8_t)(crc & 0xFF);
    to[7] = (uint8_t)(crc >> 8);
    return WK_MODBUS_RTU_REQUEST;
}

size_t wk_modbus_frame_tcp(const struct wk_modbus_request *request, uint16_t transaction,
                           uint8_t to[WK_MODBUS_TCP_REQUEST])
{
    put_u16(to, transaction);
    put_u16(to + 2, 0);
    put_u16(to + 4, 6);
    put_request(request, to + 6);
    return WK_MODBUS_TCP_REQUEST;
}

void wk_modbus_hunt_rtu(struct wk_modbus_hunt *hunt, const struct wk_modbus_request *request)
{
    *hunt = (struct wk_modbus_hunt){.request = *request};
}

void wk_modbus_hunt_tcp(struct wk_modbus_hunt *hunt, const struct wk_modbus_request *request,
                        uint16_t transaction)
{
    *hunt =
        (struct wk_modbus_hunt){.request = *request, .tcp = true, .transaction = transaction};
}

static void take_values(struct wk_modbus_hunt *hunt, const uint8_t *from)
{
    for (uint16_t n = 0; n < hunt->request.count; n++) {
        hunt->value[n] = get_u16(from + 2 * (size_t)n);
    }
}

/* ---- RTU --------------------------------------------------------------------------------- */

/* The size of the answer that may begin at `at`; 0 if none does, or it is not all there. */
static size_t frame_at(const struct wk_modbus_hunt *hunt, size_t at)
{
    const uint8_t *data = hunt->data + at;
    const size_t left = hunt->size - at;
    const size_t octets = 2 * (size_t)hunt->request.count;
    if (left < EXCEPTION_SIZE || data[0] != hunt->request.unit) {
        return 0;
    }
    if (data[1] == (hunt->request.function | EXCEPTION)) {
        return EXCEPTION_SIZE;
    }
    const bool begins = data[1] == hunt->request.function && data[2] == octets;
    return begins && left >= octets + RTU_OVERHEAD ? octets + RTU_OVERHEAD : 0;
}

static bool is_right(const uint8_t *frame, size_t size)
{
    const uint16_t crc = wk_modbus_frame_crc(frame, size - 2);
    return frame[size - 2] == (crc & 0xFF) && frame[size - 1] == crc >> 8;
}

static wk_modbus_found hunt_rtu(struct wk_modbus_hunt *hunt)
{
    for (size_t at = 0; at < hunt->size; at++) {
        const uint8_t *frame = hunt->data + at;
        const size_t size = frame_at(hunt, at);
        if (size == 0 || !is_right(frame, size)) {
            continue;
        }
        hunt->junk += hunt->size - size;
        if (frame[1] != hunt->request.function) {
            hunt->exception = frame[2];
            return WK_MODBUS_EXCEPTION;
        }
        take_values(hunt, frame + 3);
        return WK_MODBUS_VALUES;
    }
    return WK_MODBUS_NOTHING;
}

bool wk_modbus_hunt_spoilt(const struct wk_modbus_hunt *hunt)
{
    for (size_t at = 0; at < hunt->size; at++) {
        if (frame_at(hunt, at) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- TCP --------------------------------------------------------------------------------- */

static void drop(struct wk_modbus_hunt *hunt, size_t size)
{
    hunt->size -= size;
    hunt->junk += size;
    memmove(hunt->data, hunt->data + size, hunt->size);
}

static wk_modbus_found take_pdu(struct wk_modbus_hunt *hunt, size_t length)
{
    const uint8_t *pdu = hunt->data + TCP_HEADER;
    const size_t octets = 2 * (size_t)hunt->request.count;
    if (pdu[0] == (hunt->request.function | EXCEPTION)) {
        hunt->exception = pdu[1];
        return WK_MODBUS_EXCEPTION;
    }
    if (pdu[0] != hunt->request.function || pdu[1] != octets || length < octets + 3) {
        return WK_MODBUS_BROKEN;
    }
    take_values(hunt, pdu + 2);
    return WK_MODBUS_VALUES;
}

static wk_modbus_found hunt_tcp(struct wk_modbus_hunt *hunt)
{
    while (hunt->size >= TCP_HEADER) {
        const size_t length = get_u16(hunt->data + 4);
        if (get_u16(hunt->data + 2) != 0 || length < 3 || length > TCP_PDU_MOST) {
            return WK_MODBUS_BROKEN;
        }
        if (hunt->size < TCP_HEADER - 1 + length) {
            return WK_MODBUS_NOTHING;
        }
        if (get_u16(hunt->data) == hunt->transaction && hunt->data[6] == hunt->request.unit) {
            return take_pdu(hunt, length);
        }
        drop(hunt, TCP_HEADER - 1 + length);
    }
    return WK_MODBUS_NOTHING;
}

wk_modbus_found wk_modbus_hunt_take(struct wk_modbus_hunt *hunt, const uint8_t *octets,
                                    size_t size)
{
    wk_modbus_found found = WK_MODBUS_NOTHING;
    while (size > 0 && found == WK_MODBUS_NOTHING) {
        if (hunt->size == sizeof hunt->data) {
            drop(hunt, sizeof hunt->data / 2);
        }
        const size_t room = sizeof hunt->data - hunt->size;
        const size_t part = size < room ? size : room;
        memcpy(hunt->data + hunt->size, octets, part);
        hunt->size += part;
        octets += part;
        size -= part;
        found = hunt->tcp ? hunt_tcp(hunt) : hunt_rtu(hunt);
    }
    return found;
}

const char *wk_modbus_frame_exception(uint8_t code)
{
    static const char *const k_texts[] = {
        [1] = "illegal function",
        [2] = "illegal data address",
        [3] = "illegal data value",
        [4] = "server device failure",
        [5] = "acknowledge",
        [6] = "server device busy",
        [8] = "memory parity error",
        [10] = "gateway path unavailable",
        [11] = "gateway target device failed to respond",
    };
    const bool known = code < sizeof k_texts / sizeof k_texts[0] && k_texts[code] != NULL;
    return known ? k_texts[code] : "an exception that Modbus does not know";
}
