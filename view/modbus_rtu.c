/* SPDX-License-Identifier: Apache-2.0 */
#include "view/modbus_rtu.h"

#include <string.h>

#include "view/modbus_crc.h"

#define US_PER_S   INT64_C(1000000)
#define UNIT_MOST  247
#define BAUD_LEAST 300
#define BAUD_MOST  1000000
#define HEAD       2 /* unit, function */
#define CRC_SIZE   2
#define EXCEPTION  0x80
#define LEAST      4 /* octets of the shortest frame */
#define DIAGNOSTIC 8 /* octets of a usual frame of function 8 */

/* What the begin of a frame says of its length. */
typedef enum fit {
    FITS_NOT = 0,
    FITS_PERHAPS, /* not all of it is here */
    FITS,
} fit;

wk_err wk_modbus_rtu_init(struct wk_modbus_rtu *rtu, const struct wk_modbus_rtu_config *config)
{
    if (config->unit < 1 || config->unit > UNIT_MOST || config->baud < BAUD_LEAST ||
        config->baud > BAUD_MOST || (config->bits != 10 && config->bits != 11)) {
        return WK_E_ARGUMENT;
    }
    *rtu = (struct wk_modbus_rtu){.config = *config};
    return WK_OK;
}

/* ---- silences ---------------------------------------------------------------------------- */

/* Of `halves` half characters, rounded up. */
static int64_t halves_us(const struct wk_modbus_rtu *rtu, int64_t halves)
{
    const int64_t twice_baud = 2 * (int64_t)rtu->config.baud;
    return (halves * rtu->config.bits * US_PER_S + twice_baud - 1) / twice_baud;
}

int64_t wk_modbus_rtu_silence_us(const struct wk_modbus_rtu *rtu)
{
    return rtu->config.baud > WK_MODBUS_RTU_FAST ? WK_MODBUS_RTU_FAST_US : halves_us(rtu, 7);
}

/* Longest pause within a frame: 1.5 characters, or 750 us on fast lines. */
static int64_t pause_us(const struct wk_modbus_rtu *rtu)
{
    return rtu->config.baud > WK_MODBUS_RTU_FAST ? 750 : halves_us(rtu, 3);
}

int64_t wk_modbus_rtu_due_us(const struct wk_modbus_rtu *rtu)
{
    return rtu->is_fresh ? rtu->octet_us + wk_modbus_rtu_silence_us(rtu) : INT64_MAX;
}

/* ---- octets in --------------------------------------------------------------------------- */

static void drop(struct wk_modbus_rtu *rtu, size_t size)
{
    rtu->size -= size;
    memmove(rtu->octets, rtu->octets + size, rtu->size);
}

static void keep(struct wk_modbus_rtu *rtu, const uint8_t *octets, size_t size)
{
    if (size > sizeof rtu->octets) {
        rtu->counts.overruns = (uint16_t)(rtu->counts.overruns + size - sizeof rtu->octets);
        octets += size - sizeof rtu->octets;
        size = sizeof rtu->octets;
    }
    if (size > sizeof rtu->octets - rtu->size) {
        const size_t old = size - (sizeof rtu->octets - rtu->size);
        rtu->counts.overruns = (uint16_t)(rtu->counts.overruns + old);
        drop(rtu, old);
    }
    memcpy(rtu->octets + rtu->size, octets, size);
    rtu->size += size;
}

/* Passes over what comes back of the answer. Octets that differ were none of it: those taken for
 * such before are kept, too. */
static size_t pass_echo(struct wk_modbus_rtu *rtu, const uint8_t *octets, size_t size)
{
    size_t at = 0;
    if (rtu->sent > 0 && rtu->echoed == 0 && !rtu->echoes && rtu->sent_us != 0 &&
        rtu->octet_us > rtu->sent_us) {
        rtu->sent = 0;
    }
    while (rtu->sent > 0 && at < size) {
        if (octets[at] != rtu->answer[rtu->echoed]) {
            keep(rtu, rtu->answer, rtu->echoed);
            rtu->echoes = false;
            rtu->sent = 0;
            break;
        }
        at++;
        rtu->echoed++;
        if (rtu->echoed == rtu->sent) {
            rtu->echoes = rtu->echoes || rtu->sent_us == 0;
            rtu->sent = 0;
        }
    }
    return at;
}

void wk_modbus_rtu_receive(struct wk_modbus_rtu *rtu, int64_t now_us, const uint8_t *octets,
                           size_t size)
{
    const int64_t line_us = halves_us(rtu, 2 * (int64_t)size);
    const int64_t gap_us = now_us - rtu->octet_us - line_us;
    if (rtu->size > 0 && gap_us > WK_MODBUS_RTU_WAIT_US) {
        rtu->junk += (uint32_t)rtu->size;
        rtu->size = 0;
    }
    const bool is_first = rtu->size == 0 && (rtu->sent == 0 || rtu->echoed == 0);
    rtu->gap_us = is_first ? 0 : gap_us > rtu->gap_us ? gap_us : rtu->gap_us;
    rtu->octet_us = now_us;
    const size_t passed = pass_echo(rtu, octets, size);
    keep(rtu, octets + passed, size - passed);
    rtu->is_fresh = true;
}

/* ---- frames ------------------------------------------------------------------------------ */

static uint16_t crc_of(const uint8_t *octets, size_t size)
{
    return wk_modbus_crc(WK_MODBUS_CRC_BEGIN, octets, size);
}

static bool is_right(const uint8_t *frame, size_t size)
{
    const uint16_t crc = crc_of(frame, size - CRC_SIZE);
    return frame[size - 2] == (crc & 0xFF) && frame[size - 1] == crc >> 8;
}

/* Octets of a request that begins so; 0: there is no such function, or it cannot be told yet. */
static size_t request_size(const uint8_t *frame, size_t size)
{
    switch (frame[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case DIAGNOSTIC:
        return 8;
    case 15:
    case 16:
        return size > 6 ? HEAD + 5 + (size_t)frame[6] + CRC_SIZE : HEAD + 5 + CRC_SIZE;
    case 17:
        return LEAST;
    case 43:
        return 7;
    default:
        return 0;
    }
}

/* Octets of another station's answer that begins so; 0 likewise. */
static size_t answer_size(const uint8_t *frame)
{
    if ((frame[1] & EXCEPTION) != 0) {
        return HEAD + 1 + CRC_SIZE;
    }
    switch (frame[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 17:
    case 23:
        return HEAD + 1 + (size_t)frame[2] + CRC_SIZE;
    case 5:
    case 6:
    case DIAGNOSTIC:
    case 15:
    case 16:
        return 8;
    default:
        return 0;
    }
}

static fit judge(const uint8_t *frame, size_t left, size_t size)
{
    if (size < LEAST || size > WK_MODBUS_RTU_FRAME) {
        return FITS_NOT;
    }
    if (size > left) {
        return FITS_PERHAPS;
    }
    return is_right(frame, size) ? FITS : FITS_NOT;
}

static bool is_write(uint8_t function)
{
    return function == 6 || function == 16;
}

/* A function that we do not have is answered if the whole of what came is such a frame: then it
 * does not matter that its length is not known. */
static bool is_strange(const struct wk_modbus_rtu *rtu, size_t at)
{
    const uint8_t *frame = rtu->octets + at;
    const size_t left = rtu->size - at;
    const bool known = request_size(frame, left) != 0 && frame[1] != DIAGNOSTIC;
    return at == 0 && !known && (frame[1] & EXCEPTION) == 0 && left <= WK_MODBUS_RTU_FRAME &&
           is_right(frame, left);
}

static bool is_served(const struct wk_modbus_rtu *rtu, uint8_t unit)
{
    const uint8_t *others = rtu->config.others;
    return unit == rtu->config.unit || unit == 0 ||
           (others != NULL && (others[unit / 8] >> unit % 8 & 1) != 0);
}

/* Whether a request to us stands at `at`; *size octets. */
static fit request_at(const struct wk_modbus_rtu *rtu, size_t at, size_t *size)
{
    const uint8_t *frame = rtu->octets + at;
    const size_t left = rtu->size - at;
    if (!is_served(rtu, frame[0])) {
        return FITS_NOT;
    }
    if (left < LEAST) {
        return FITS_PERHAPS;
    }
    if (frame[0] == 0 && !is_write(frame[1])) {
        return FITS_NOT;
    }
    *size = request_size(frame, left);
    const fit fits = judge(frame, left, *size);
    if (fits != FITS && frame[0] != 0 && is_strange(rtu, at)) {
        *size = left;
        return FITS;
    }
    return fits;
}

/* Octets of a frame between others that stands at `at`; 0: none. */
static size_t other_at(const struct wk_modbus_rtu *rtu, size_t at)
{
    const uint8_t *frame = rtu->octets + at;
    const size_t left = rtu->size - at;
    if (left < LEAST || frame[0] == 0 || frame[0] > UNIT_MOST) {
        return 0;
    }
    const size_t request = request_size(frame, left);
    const bool is_ours = is_served(rtu, frame[0]);
    if (!is_ours && judge(frame, left, request) == FITS) {
        return request;
    }
    const size_t answer = answer_size(frame);
    return !is_ours && judge(frame, left, answer) == FITS ? answer : 0;
}

static void count_junk(struct wk_modbus_rtu *rtu, size_t octets)
{
    rtu->junk += (uint32_t)octets;
    rtu->counts.bus_errors = (uint16_t)(rtu->counts.bus_errors + (octets >= LEAST ? 1 : 0));
}

/* Looks for the first request from `at` on; true: *at and *size. Else *rest is where octets begin
 * that may become one. */
static bool hunt(struct wk_modbus_rtu *rtu, size_t *at, size_t *size, size_t *rest)
{
    *rest = rtu->size;
    size_t junk = 0;
    size_t sure = 0; /* of them, before *rest */
    while (*at < rtu->size) {
        const fit fits = request_at(rtu, *at, size);
        if (fits == FITS) {
            count_junk(rtu, junk);
            return true;
        }
        const size_t other = fits == FITS_NOT ? other_at(rtu, *at) : 0;
        rtu->counts.bus_messages = (uint16_t)(rtu->counts.bus_messages + (other > 0 ? 1 : 0));
        if (other > 0) {
            *rest = rtu->size;
        } else if (fits == FITS_PERHAPS && *at < *rest) {
            *rest = *at;
            sure = junk;
        }
        junk += other > 0 ? 0 : 1;
        *at += other > 0 ? other : 1;
    }
    count_junk(rtu, *rest < rtu->size ? sure : junk);
    return false;
}

/* ---- requests ---------------------------------------------------------------------------- */

/* Whether another request to us alone stands behind the one that was found: its master has given
 * up on this one. */
static bool is_overtaken(struct wk_modbus_rtu *rtu, size_t at, size_t size)
{
    size_t next = at + size;
    size_t next_size = 0;
    size_t rest = 0;
    struct wk_modbus_counts counts = rtu->counts;
    const uint32_t junk = rtu->junk;
    const bool found = rtu->octets[at] != 0 && hunt(rtu, &next, &next_size, &rest);
    rtu->counts = counts;
    rtu->junk = junk;
    return found;
}

static void note_frame(struct wk_modbus_rtu *rtu)
{
    rtu->counts.bus_messages++;
    rtu->broken += rtu->gap_us > pause_us(rtu) ? 1 : 0;
}

bool wk_modbus_rtu_tick(struct wk_modbus_rtu *rtu, int64_t now_us)
{
    size_t at = 0;
    size_t rest = 0;
    if (rtu->frame_size > 0) {
        return true;
    }
    if (!rtu->is_fresh || now_us < wk_modbus_rtu_due_us(rtu)) {
        return false;
    }
    while (hunt(rtu, &at, &rtu->frame_size, &rest)) {
        note_frame(rtu);
        if (!is_overtaken(rtu, at, rtu->frame_size)) {
            rtu->frame_at = at;
            return true;
        }
        rtu->overtaken++;
        at += rtu->frame_size;
    }
    rtu->frame_size = 0;
    rtu->is_fresh = false;
    drop(rtu, rest);
    return false;
}

struct wk_bytes_in wk_modbus_rtu_request(const struct wk_modbus_rtu *rtu, bool *is_broadcast)
{
    const uint8_t *frame = rtu->octets + rtu->frame_at;
    *is_broadcast = frame[0] == 0;
    return wk_bytes_in_of(frame + 1, rtu->frame_size - 1 - CRC_SIZE);
}

uint8_t wk_modbus_rtu_unit(const struct wk_modbus_rtu *rtu)
{
    return rtu->octets[rtu->frame_at];
}

/* Octets of rtu->answer; 0: there is none, or no room. */
static size_t put_frame(struct wk_modbus_rtu *rtu, uint8_t unit, const uint8_t *pdu,
                        size_t pdu_size)
{
    if (pdu_size == 0 || pdu_size > WK_MODBUS_PDU) {
        return 0;
    }
    const size_t size = 1 + pdu_size;
    rtu->answer[0] = unit;
    memcpy(rtu->answer + 1, pdu, pdu_size);
    const uint16_t crc = crc_of(rtu->answer, size);
    rtu->answer[size] = (uint8_t)(crc & 0xFF);
    rtu->answer[size + 1] = (uint8_t)(crc >> 8);
    return size + CRC_SIZE;
}

/* Functions whose answer may equal the request. */
static bool may_repeat(uint8_t function)
{
    return function == 5 || function == 6 || function == DIAGNOSTIC || function == 22;
}

/* What was sent may come back. An answer that equals its request is taken for an echo only so long. */
static void expect_echo(struct wk_modbus_rtu *rtu, size_t size, bool is_same, int64_t from_us)
{
    rtu->sent_us = is_same ? from_us + 2 * wk_modbus_rtu_silence_us(rtu) +
                                 halves_us(rtu, 2 * (int64_t)size)
                           : 0;
    rtu->sent = size;
    rtu->echoed = 0;
}

const uint8_t *wk_modbus_rtu_answer(struct wk_modbus_rtu *rtu,
                                    const struct wk_bytes_out *answer, size_t *size)
{
    const bool is_last = answer->size > 0;
    *size = put_frame(rtu, wk_modbus_rtu_unit(rtu), answer->data, answer->size);
    const bool is_same = *size == rtu->frame_size &&
                         memcmp(rtu->answer, rtu->octets + rtu->frame_at, *size) == 0;
    expect_echo(rtu, *size, is_same, rtu->octet_us);
    /* What came behind a request that is answered is noise: its master waits. */
    drop(rtu, is_last ? rtu->size : rtu->frame_at + rtu->frame_size);
    rtu->frame_size = 0;
    rtu->is_fresh = rtu->size > 0;
    return rtu->answer;
}

const uint8_t *wk_modbus_rtu_answer_late(struct wk_modbus_rtu *rtu,
                                         const struct wk_modbus_rtu_late *late, size_t *size)
{
    const bool waits = rtu->octet_us == late->asked_us && rtu->frame_size == 0;
    *size = waits ? put_frame(rtu, late->unit, late->pdu.data, late->pdu.size) : 0;
    if (*size > 0) {
        expect_echo(rtu, *size, may_repeat(late->pdu.data[0]), late->now_us);
    }
    return rtu->answer;
}
