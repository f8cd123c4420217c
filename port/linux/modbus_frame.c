/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_frame.h"

#include <string.h>

#define EXCEPTION      0x80 /* added to the function */
#define CRC_SIZE       2
#define RTU_LEAST      4 /* unit, function, check sum */
#define RTU_OVERHEAD   5 /* unit, function, count, check sum */
#define TCP_HEADER     7
#define TCP_LEAST      2 /* unit, function */
#define TCP_PDU_MOST   254
#define EXCEPTION_SIZE 5
#define NOISE_BEHIND                                                                           \
    3 /* octets behind a frame of unknown size; each more makes a wrong one right once in 65536 */
#define REGISTERS_PDU   5 /* function, address, number */
#define MASK_PDU        7
#define BITS_MOST       2000
#define READ_COILS      1 /* functions */
#define READ_INPUTS     2
#define WRITE_COIL      5
#define WRITE_REGISTER  6
#define WRITE_COILS     15
#define WRITE_REGISTERS 16
#define MASK_REGISTER   22
#define READ_WRITE      23

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

void wk_modbus_message_of(struct wk_modbus_message *message,
                          const struct wk_modbus_request *request)
{
    *message = (struct wk_modbus_message){.unit = request->unit, .size = REGISTERS_PDU};
    message->pdu[0] = request->function;
    put_u16(message->pdu + 1, request->address);
    put_u16(message->pdu + 3, request->count);
}

size_t wk_modbus_frame_rtu(const struct wk_modbus_message *message,
                           uint8_t to[WK_MODBUS_RTU_MOST])
{
    const size_t size = 1 + (size_t)message->size;
    to[0] = message->unit;
    memcpy(to + 1, message->pdu, message->size);
    const uint16_t crc = wk_modbus_frame_crc(to, size);
    to[size] = (uint8_t)(crc & 0xFF);
    to[size + 1] = (uint8_t)(crc >> 8);
    return size + CRC_SIZE;
}

size_t wk_modbus_frame_tcp(const struct wk_modbus_message *message, uint16_t transaction,
                           uint8_t to[WK_MODBUS_TCP_MOST])
{
    put_u16(to, transaction);
    put_u16(to + 2, 0);
    put_u16(to + 4, (uint16_t)(1 + message->size));
    to[6] = message->unit;
    memcpy(to + TCP_HEADER, message->pdu, message->size);
    return TCP_HEADER + (size_t)message->size;
}

void wk_modbus_hunt_rtu(struct wk_modbus_hunt *hunt, const struct wk_modbus_message *request,
                        wk_modbus_echo echo)
{
    *hunt = (struct wk_modbus_hunt){.request = *request, .echo = echo};
}

void wk_modbus_hunt_tcp(struct wk_modbus_hunt *hunt, const struct wk_modbus_message *request,
                        uint16_t transaction)
{
    *hunt =
        (struct wk_modbus_hunt){.request = *request, .tcp = true, .transaction = transaction};
}

/* ---- what an answer is like -------------------------------------------------------------- */

/* Octets of data that the request asks for, behind the count of the answer; 0: it is not of a
 * function that reads, or not well made. */
static size_t asked_octets(const struct wk_modbus_message *request)
{
    const bool is_read = request->size >= REGISTERS_PDU;
    const size_t count = is_read ? get_u16(request->pdu + 3) : 0;
    switch (request->pdu[0]) {
    case READ_COILS:
    case READ_INPUTS:
        return count <= BITS_MOST ? (count + 7) / 8 : 0;
    case WK_MODBUS_HOLDING:
    case WK_MODBUS_INPUT:
    case READ_WRITE:
        return count <= WK_MODBUS_REGISTERS ? 2 * count : 0;
    default:
        return 0;
    }
}

/* Octets of the answer's frame that repeat those of the request; 0: it is of another kind. */
static size_t repeated_octets(const struct wk_modbus_message *request)
{
    switch (request->pdu[0]) {
    case WRITE_COIL:
    case WRITE_REGISTER:
    case WRITE_COILS:
    case WRITE_REGISTERS:
        return request->size >= REGISTERS_PDU ? 1 + REGISTERS_PDU : 0;
    case MASK_REGISTER:
        return request->size == MASK_PDU ? 1 + MASK_PDU : 0;
    default:
        return 0;
    }
}

/* What of the begin of a frame the request fixes: unit, function, and a count or an address. */
static bool begins(const struct wk_modbus_message *request, const uint8_t *frame)
{
    const size_t octets = asked_octets(request);
    if (frame[1] != request->pdu[0]) {
        return false;
    }
    if (octets != 0) {
        return frame[2] == octets;
    }
    return repeated_octets(request) == 0 ||
           (frame[2] == request->pdu[1] && frame[3] == request->pdu[2]);
}

/* Octets of a frame that answers without an exception; 0: it is as long as it is. */
static size_t answer_size(const struct wk_modbus_message *request)
{
    const size_t octets = asked_octets(request);
    const size_t repeated = repeated_octets(request);
    return octets != 0 ? octets + RTU_OVERHEAD : repeated != 0 ? repeated + CRC_SIZE : 0;
}

bool wk_modbus_hunt_is_sized(const struct wk_modbus_hunt *hunt)
{
    return answer_size(&hunt->request) != 0;
}

/* ---- RTU --------------------------------------------------------------------------------- */

static bool is_right(const uint8_t *frame, size_t size)
{
    const uint16_t crc = wk_modbus_frame_crc(frame, size - CRC_SIZE);
    return frame[size - 2] == (crc & 0xFF) && frame[size - 1] == crc >> 8;
}

/* The size of the answer that may begin at `at`; 0 if none does, or it is not all there. */
static size_t frame_at(const struct wk_modbus_hunt *hunt, size_t at)
{
    const uint8_t *data = hunt->data + at;
    const size_t left = hunt->size - at;
    if (left < EXCEPTION_SIZE || data[0] != hunt->request.unit) {
        return 0;
    }
    if (data[1] == (hunt->request.pdu[0] | EXCEPTION)) {
        return EXCEPTION_SIZE;
    }
    const size_t size = answer_size(&hunt->request);
    return begins(&hunt->request, data) && left >= size ? size : 0;
}

/* Whether the request itself stands at `at`. */
static bool is_request(const struct wk_modbus_hunt *hunt, size_t at)
{
    uint8_t frame[WK_MODBUS_RTU_MOST];
    const size_t size = wk_modbus_frame_rtu(&hunt->request, frame);
    return hunt->size - at >= size && memcmp(hunt->data + at, frame, size) == 0;
}

static size_t request_before(const struct wk_modbus_hunt *hunt, size_t end)
{
    const size_t size = 1 + (size_t)hunt->request.size + CRC_SIZE;
    size_t at = 0;
    while (at + size <= end && !is_request(hunt, at)) {
        at++;
    }
    return at + size <= end ? at : end;
}

static wk_modbus_found take_frame(struct wk_modbus_hunt *hunt, size_t at, size_t size)
{
    const uint8_t *frame = hunt->data + at;
    if (!is_request(hunt, at)) {
        hunt->echo = request_before(hunt, at) < at ? WK_MODBUS_ECHO_YES : WK_MODBUS_ECHO_NO;
    }
    hunt->junk += hunt->size - size;
    hunt->answer.unit = frame[0];
    hunt->answer.size = (uint16_t)(size - 1 - CRC_SIZE);
    memcpy(hunt->answer.pdu, frame + 1, hunt->answer.size);
    return frame[1] == hunt->request.pdu[0] ? WK_MODBUS_ANSWER : WK_MODBUS_EXCEPTION;
}

/* Whether a frame that equals the request is its echo: the first, unless the line has none. */
static bool is_echo(const struct wk_modbus_hunt *hunt, size_t at)
{
    return hunt->echo != WK_MODBUS_ECHO_NO && is_request(hunt, at) &&
           request_before(hunt, at) == at;
}

static wk_modbus_found hunt_rtu(struct wk_modbus_hunt *hunt)
{
    for (size_t at = 0; at < hunt->size; at++) {
        const size_t size = frame_at(hunt, at);
        if (size != 0 && is_right(hunt->data + at, size) && !is_echo(hunt, at)) {
            return take_frame(hunt, at, size);
        }
    }
    return WK_MODBUS_NOTHING;
}

wk_modbus_found wk_modbus_hunt_silence(struct wk_modbus_hunt *hunt)
{
    if (hunt->tcp || wk_modbus_hunt_is_sized(hunt)) {
        return WK_MODBUS_NOTHING;
    }
    for (size_t at = 0; at + RTU_LEAST <= hunt->size; at++) {
        const uint8_t *frame = hunt->data + at;
        const size_t left = hunt->size - at;
        if (frame[0] != hunt->request.unit || frame[1] != hunt->request.pdu[0] ||
            is_echo(hunt, at)) {
            continue;
        }
        for (size_t noise = 0; noise <= NOISE_BEHIND && left - noise >= RTU_LEAST; noise++) {
            const size_t size = left - noise;
            const bool is_whole = size <= WK_MODBUS_RTU_MOST && is_right(frame, size);
            if (is_whole) {
                return take_frame(hunt, at, size);
            }
            if (size == RTU_LEAST) {
                break;
            }
        }
    }
    return WK_MODBUS_NOTHING;
}

wk_modbus_found wk_modbus_hunt_end(struct wk_modbus_hunt *hunt)
{
    const size_t size = 1 + (size_t)hunt->request.size + CRC_SIZE;
    const size_t at = request_before(hunt, hunt->size);
    const size_t usual = answer_size(&hunt->request);
    const bool may = hunt->echo == WK_MODBUS_ECHO_UNKNOWN && (usual == 0 || usual == size) &&
                     asked_octets(&hunt->request) == 0;
    return !hunt->tcp && may && at < hunt->size ? take_frame(hunt, at, size)
                                                : WK_MODBUS_NOTHING;
}

bool wk_modbus_hunt_spoilt(const struct wk_modbus_hunt *hunt)
{
    for (size_t at = 0; at < hunt->size; at++) {
        if (frame_at(hunt, at) != 0 && !is_request(hunt, at)) {
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

/* `length` counts the unit and what follows. */
static wk_modbus_found take_pdu(struct wk_modbus_hunt *hunt, size_t length)
{
    const uint8_t *frame = hunt->data + TCP_HEADER - 1;
    const size_t sized = answer_size(&hunt->request);
    const bool is_exception = frame[1] == (hunt->request.pdu[0] | EXCEPTION);
    const bool is_answer = is_exception ? length > TCP_LEAST
                                        : begins(&hunt->request, frame) &&
                                              (sized == 0 || length + CRC_SIZE >= sized);
    if (!is_answer) {
        return WK_MODBUS_BROKEN;
    }
    hunt->answer.unit = frame[0];
    hunt->answer.size = (uint16_t)(length - 1);
    memcpy(hunt->answer.pdu, frame + 1, hunt->answer.size);
    return is_exception ? WK_MODBUS_EXCEPTION : WK_MODBUS_ANSWER;
}

static wk_modbus_found hunt_tcp(struct wk_modbus_hunt *hunt)
{
    while (hunt->size >= TCP_HEADER) {
        const size_t length = get_u16(hunt->data + 4);
        if (get_u16(hunt->data + 2) != 0 || length < TCP_LEAST || length > TCP_PDU_MOST) {
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

bool wk_modbus_registers_of(const struct wk_modbus_message *answer, uint16_t count,
                            uint16_t *to)
{
    if (answer->size < 2 + 2 * (size_t)count || answer->pdu[1] != 2 * count) {
        return false;
    }
    for (uint16_t n = 0; n < count; n++) {
        to[n] = get_u16(answer->pdu + 2 + 2 * (size_t)n);
    }
    return true;
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
