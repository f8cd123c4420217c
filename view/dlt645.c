/* SPDX-License-Identifier: Apache-2.0 */
#include "view/dlt645.h"

#include <string.h>

#include "base/civil.h"

#define BEGIN      0x68
#define END        0x16
#define LEAD_IN    0xFE
#define OFFSET     0x33 /* added to data on the line */
#define BEGIN2_AT  7
#define CONTROL_AT 8
#define LENGTH_AT  9
#define TAIL       2 /* check sum, end */
#define WILDCARD   0xAA
#define BROADCAST  0x99
#define FROM_SLAVE 0x80 /* of control codes */
#define IS_ERROR   0x40
#define HAS_MORE   0x20
#define FUNCTION   0x1F
#define DI_SIZE    4
#define US_PER_S   INT64_C(1000000)
#define CENTURY    2000

enum {
    BROADCAST_TIME = 0x08,
    READ = 0x11,
    READ_MORE = 0x12,
    READ_ADDRESS = 0x13,
    WRITE = 0x14,
    WRITE_ADDRESS = 0x15,
    FREEZE = 0x16,
    CHANGE_RATE = 0x17,
    CHANGE_PASSWORD = 0x18,
    CLEAR_DEMAND = 0x19,
    CLEAR_METER = 0x1A,
    CLEAR_EVENTS = 0x1B,
};

/* Error words. */
enum { ERROR_OTHER = 0x01, ERROR_NO_DATA = 0x02, ERROR_NO_AUTHORITY = 0x04, ERROR_RATE = 0x08 };

static bool is_bcd(uint8_t octet)
{
    return octet >> 4 <= 9 && (octet & 0x0F) <= 9;
}

wk_err wk_dlt645_init(struct wk_dlt645 *dlt645, const struct wk_dlt645_config *config)
{
    bool is_broadcast = true;
    for (size_t n = 0; n < WK_DLT645_ADDRESS; n++) {
        if (!is_bcd(config->address[n])) {
            return WK_E_ARGUMENT;
        }
        is_broadcast = is_broadcast && config->address[n] == BROADCAST;
    }
    if (is_broadcast || (config->baud != 0 && (config->baud < WK_DLT645_BAUD_LEAST ||
                                               config->baud > WK_DLT645_BAUD_MOST))) {
        return WK_E_ARGUMENT;
    }
    *dlt645 = (struct wk_dlt645){
        .config = *config, .baud = config->baud, .due_us = INT64_MAX, .time_day = -1};
    memcpy(dlt645->map.address, config->address, sizeof dlt645->map.address);
    wk_points_init(&dlt645->map.points, config->table, WK_ROLE_READER);
    return WK_OK;
}

/* ---- frames in --------------------------------------------------------------------------- */

static void drop(struct wk_dlt645 *dlt645, size_t size)
{
    dlt645->size -= size;
    memmove(dlt645->octets, dlt645->octets + size, dlt645->size);
}

static uint8_t sum_of(const uint8_t *octets, size_t size)
{
    uint8_t sum = 0;
    for (size_t n = 0; n < size; n++) {
        sum = (uint8_t)(sum + octets[n]);
    }
    return sum;
}

typedef enum fit { FITS_NOT = 0, FITS_PERHAPS, FITS, IS_BROKEN } fit;

/* Whether a frame stands at `at`; *size octets. */
static fit frame_at(const struct wk_dlt645 *dlt645, size_t at, size_t *size)
{
    const uint8_t *frame = dlt645->octets + at;
    const size_t left = dlt645->size - at;
    if (frame[0] != BEGIN || (left > BEGIN2_AT && frame[BEGIN2_AT] != BEGIN)) {
        return FITS_NOT;
    }
    if (left <= LENGTH_AT) {
        return FITS_PERHAPS;
    }
    *size = WK_DLT645_HEAD + (size_t)frame[LENGTH_AT] + TAIL;
    if (left < *size) {
        return FITS_PERHAPS;
    }
    if (frame[*size - 1] != END) {
        return FITS_NOT;
    }
    return sum_of(frame, *size - TAIL) == frame[*size - TAIL] ? FITS : IS_BROKEN;
}

/* Wildcards stand for digits from above: behind the first of them there are others only. */
static bool is_ours(const struct wk_dlt645 *dlt645, const uint8_t *address)
{
    bool is_wild = false;
    for (size_t n = 0; n < WK_DLT645_ADDRESS; n++) {
        is_wild = is_wild || address[n] == WILDCARD;
        if (is_wild ? address[n] != WILDCARD : address[n] != dlt645->config.address[n]) {
            return false;
        }
    }
    return true;
}

static bool is_broadcast(const uint8_t *address)
{
    for (size_t n = 0; n < WK_DLT645_ADDRESS; n++) {
        if (address[n] != BROADCAST) {
            return false;
        }
    }
    return true;
}

/* A request takes the place of one that was not answered yet: its master has gone on. */
static void take_request(struct wk_dlt645 *dlt645, const uint8_t *frame, size_t size,
                         int64_t now_us)
{
    const uint8_t *address = frame + 1;
    dlt645->right_us = now_us;
    if ((frame[CONTROL_AT] & FROM_SLAVE) != 0 ||
        (!is_ours(dlt645, address) && !is_broadcast(address))) {
        return;
    }
    dlt645->frames++;
    memcpy(dlt645->request, frame, size);
    dlt645->request_size = size;
    for (size_t n = WK_DLT645_HEAD; n < size - TAIL; n++) {
        dlt645->request[n] = (uint8_t)(frame[n] - OFFSET);
    }
    dlt645->due_us = now_us + WK_DLT645_REPLY_US;
}

static void look(struct wk_dlt645 *dlt645, int64_t now_us)
{
    size_t at = 0;
    size_t rest = SIZE_MAX; /* where a frame may have begun */
    while (at < dlt645->size) {
        size_t size = 1;
        const fit fits = frame_at(dlt645, at, &size);
        if (fits == FITS) {
            take_request(dlt645, dlt645->octets + at, size, now_us);
            rest = SIZE_MAX;
        } else {
            dlt645->errors += fits == IS_BROKEN ? 1 : 0;
            rest = fits == FITS_PERHAPS && rest == SIZE_MAX ? at : rest;
            size = 1;
        }
        at += size;
    }
    drop(dlt645, rest < dlt645->size ? rest : dlt645->size);
}

void wk_dlt645_receive(struct wk_dlt645 *dlt645, int64_t now_us, const uint8_t *octets,
                       size_t size)
{
    if (now_us - dlt645->octet_us > WK_DLT645_PAUSE_US) {
        dlt645->size = 0;
    }
    dlt645->octet_us = now_us;
    while (size > 0) {
        if (dlt645->size == sizeof dlt645->octets) {
            drop(dlt645, dlt645->size / 2);
        }
        const size_t room = sizeof dlt645->octets - dlt645->size;
        const size_t part = size < room ? size : room;
        memcpy(dlt645->octets + dlt645->size, octets, part);
        dlt645->size += part;
        octets += part;
        size -= part;
        look(dlt645, now_us);
    }
}

/* ---- answers ----------------------------------------------------------------------------- */

static void answer(struct wk_dlt645 *dlt645, uint8_t control, const struct wk_bytes_out *data)
{
    struct wk_bytes_out out = wk_bytes_out_of(dlt645->answer, sizeof dlt645->answer);
    for (int n = 0; n < WK_DLT645_LEAD_IN; n++) {
        wk_bytes_out_u8(&out, LEAD_IN);
    }
    wk_bytes_out_u8(&out, BEGIN);
    wk_bytes_out_put(&out, dlt645->config.address, WK_DLT645_ADDRESS);
    wk_bytes_out_u8(&out, BEGIN);
    wk_bytes_out_u8(&out, control | FROM_SLAVE);
    wk_bytes_out_u8(&out, (uint8_t)data->size);
    for (size_t n = 0; n < data->size; n++) {
        wk_bytes_out_u8(&out, (uint8_t)(data->data[n] + OFFSET));
    }
    wk_bytes_out_u8(&out,
                    sum_of(dlt645->answer + WK_DLT645_LEAD_IN, out.size - WK_DLT645_LEAD_IN));
    wk_bytes_out_u8(&out, END);
    dlt645->answer_size = out.size;
}

static void refuse(struct wk_dlt645 *dlt645, uint8_t word)
{
    uint8_t octet[1];
    struct wk_bytes_out data = wk_bytes_out_of(octet, sizeof octet);
    wk_bytes_out_u8(&data, word);
    answer(dlt645, (dlt645->request[CONTROL_AT] & FUNCTION) | IS_ERROR, &data);
}

static uint8_t length_of(const struct wk_dlt645 *dlt645)
{
    return dlt645->request[LENGTH_AT];
}

static const uint8_t *data_of(const struct wk_dlt645 *dlt645)
{
    return dlt645->request + WK_DLT645_HEAD;
}

static uint32_t identifier_of(const uint8_t *data)
{
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

/* A part of the block, behind its identifier; frames after the first one end with their number. */
static void answer_part(struct wk_dlt645 *dlt645)
{
    uint8_t octets[WK_DLT645_DATA];
    struct wk_bytes_out data = wk_bytes_out_of(octets, sizeof octets);
    const size_t left = dlt645->block_size - dlt645->block_sent;
    const size_t extra = DI_SIZE + (dlt645->block_sequence > 0 ? 1 : 0);
    const size_t room = WK_DLT645_DATA - extra;
    dlt645->block_part = left < room ? left : room;
    wk_bytes_out_put(&data, data_of(dlt645), DI_SIZE);
    wk_bytes_out_put(&data, dlt645->block + dlt645->block_sent, dlt645->block_part);
    if (dlt645->block_sequence > 0) {
        wk_bytes_out_u8(&data, dlt645->block_sequence);
    }
    const uint8_t more = left > dlt645->block_part ? HAS_MORE : 0;
    answer(dlt645, (uint8_t)((dlt645->request[CONTROL_AT] & FUNCTION) | more), &data);
}

static void read_data(struct wk_dlt645 *dlt645, int64_t utc_us)
{
    struct wk_bytes_out block = wk_bytes_out_of(dlt645->block, sizeof dlt645->block);
    dlt645->block_size = 0;
    if (length_of(dlt645) != DI_SIZE) {
        refuse(dlt645, length_of(dlt645) > DI_SIZE ? ERROR_NO_DATA : ERROR_OTHER);
        return;
    }
    dlt645->block_di = identifier_of(data_of(dlt645));
    dlt645->map.points.now_us = utc_us;
    if (wk_dlt645_map_read(&dlt645->map, dlt645->block_di, &block) != WK_OK) {
        refuse(dlt645, ERROR_NO_DATA);
        return;
    }
    dlt645->block_size = block.size;
    dlt645->block_sent = 0;
    dlt645->block_sequence = 0;
    answer_part(dlt645);
}

/* The next part, or the newest again. */
static void read_more(struct wk_dlt645 *dlt645)
{
    const uint8_t *data = data_of(dlt645);
    const bool is_of_block = length_of(dlt645) == DI_SIZE + 1 && dlt645->block_size > 0 &&
                             identifier_of(data) == dlt645->block_di;
    if (!is_of_block) {
        refuse(dlt645, ERROR_NO_DATA);
        return;
    }
    const bool is_again = dlt645->block_sequence > 0 && data[DI_SIZE] == dlt645->block_sequence;
    const size_t next = dlt645->block_sent + dlt645->block_part;
    const bool is_next =
        data[DI_SIZE] == dlt645->block_sequence + 1 && next < dlt645->block_size;
    if (!is_again && !is_next) {
        refuse(dlt645, ERROR_NO_DATA);
        return;
    }
    if (is_next) {
        dlt645->block_sent = next;
        dlt645->block_sequence++;
    }
    answer_part(dlt645);
}

static void read_address(struct wk_dlt645 *dlt645)
{
    uint8_t octets[WK_DLT645_ADDRESS];
    struct wk_bytes_out data = wk_bytes_out_of(octets, sizeof octets);
    wk_bytes_out_put(&data, dlt645->config.address, WK_DLT645_ADDRESS);
    answer(dlt645, READ_ADDRESS, &data);
}

static void change_rate(struct wk_dlt645 *dlt645)
{
    uint8_t octet[1];
    struct wk_bytes_out data = wk_bytes_out_of(octet, sizeof octet);
    const uint8_t word = length_of(dlt645) == 1 ? data_of(dlt645)[0] : 0;
    uint32_t baud = 0;
    for (uint32_t bit = 1; bit <= 6; bit++) {
        baud = word == 1U << bit ? WK_DLT645_BAUD_LEAST << (bit - 1) : baud;
    }
    if (baud == 0 || baud > WK_DLT645_BAUD_MOST || dlt645->config.baud == 0) {
        refuse(dlt645, ERROR_RATE);
        return;
    }
    wk_bytes_out_u8(&data, word);
    answer(dlt645, CHANGE_RATE, &data);
    dlt645->baud = baud;
}

/* ---- broadcast time ---------------------------------------------------------------------- */

static uint8_t of_bcd(uint8_t octet)
{
    return (uint8_t)((octet >> 4) * 10 + (octet & 0x0F));
}

/* What a clock on the wall shows, in seconds since 1970 as if it were UTC. */
static wk_err wall_seconds(const struct wk_civil *civil, int64_t *seconds)
{
    struct wk_utc utc;
    WK_TRY(wk_civil_to_utc(&wk_zone_utc, civil, &utc));
    *seconds = utc.s;
    return WK_OK;
}

static wk_err told_time(const uint8_t *data, int64_t *seconds)
{
    for (size_t n = 0; n < 6; n++) {
        if (!is_bcd(data[n])) {
            return WK_E_FORMAT;
        }
    }
    const struct wk_civil civil = {.year = (uint16_t)(CENTURY + of_bcd(data[5])),
                                   .month = of_bcd(data[4]),
                                   .day = of_bcd(data[3]),
                                   .hour = of_bcd(data[2]),
                                   .minute = of_bcd(data[1]),
                                   .second = of_bcd(data[0])};
    return wall_seconds(&civil, seconds);
}

static wk_err our_time(struct wk_dlt645 *dlt645, int64_t *seconds)
{
    struct wk_datetime now;
    WK_TRY(wk_point_read_time(&dlt645->map.points, WK_POINT_CLOCK, &now));
    const struct wk_civil civil = {.year = now.year,
                                   .month = now.month,
                                   .day = now.day,
                                   .hour = now.hour,
                                   .minute = now.minute,
                                   .second = now.second};
    return wall_seconds(&civil, seconds);
}

static bool is_near_midnight(int64_t seconds)
{
    const int64_t of_day = seconds % WK_DAY_S;
    return of_day < WK_DLT645_TIME_S || of_day > WK_DAY_S - WK_DLT645_TIME_S;
}

static void take_time(struct wk_dlt645 *dlt645, int64_t utc_us)
{
    int64_t told_s = 0;
    int64_t ours_s = 0;
    dlt645->map.points.now_us = utc_us;
    if (length_of(dlt645) != 6 || told_time(data_of(dlt645), &told_s) != WK_OK ||
        our_time(dlt645, &ours_s) != WK_OK) {
        return;
    }
    const int64_t shift_s = told_s - ours_s;
    const int32_t day = (int32_t)(ours_s / WK_DAY_S);
    if (shift_s > WK_DLT645_TIME_S || shift_s < -WK_DLT645_TIME_S || is_near_midnight(ours_s) ||
        is_near_midnight(told_s) || day == dlt645->time_day) {
        return;
    }
    if (wk_point_shift_time(&dlt645->map.points, WK_POINT_CLOCK, dlt645->config.clock_role,
                            (int16_t)shift_s) == WK_OK) {
        dlt645->time_day = day;
        dlt645->time_taken++;
        dlt645->wrote = true;
    }
}

/* ---- requests ---------------------------------------------------------------------------- */

static void serve(struct wk_dlt645 *dlt645, int64_t utc_us)
{
    switch (dlt645->request[CONTROL_AT]) {
    case READ:
        read_data(dlt645, utc_us);
        break;
    case READ_MORE:
        read_more(dlt645);
        break;
    case READ_ADDRESS:
        read_address(dlt645);
        break;
    case WRITE_ADDRESS:
        break;
    case WRITE:
    case CHANGE_PASSWORD:
    case CLEAR_DEMAND:
    case CLEAR_METER:
    case CLEAR_EVENTS:
        refuse(dlt645, ERROR_NO_AUTHORITY);
        break;
    case CHANGE_RATE:
        change_rate(dlt645);
        break;
    case FREEZE:
    default:
        refuse(dlt645, ERROR_OTHER);
        break;
    }
}

int64_t wk_dlt645_due_us(const struct wk_dlt645 *dlt645)
{
    const bool is_changed = dlt645->baud != dlt645->config.baud;
    const int64_t back_us = is_changed ? dlt645->right_us + WK_DLT645_RATE_US : INT64_MAX;
    return dlt645->due_us < back_us ? dlt645->due_us : back_us;
}

const uint8_t *wk_dlt645_tick(struct wk_dlt645 *dlt645, int64_t now_us, int64_t utc_us,
                              size_t *size)
{
    *size = 0;
    if (dlt645->baud != dlt645->config.baud && now_us >= dlt645->right_us + WK_DLT645_RATE_US) {
        dlt645->baud = dlt645->config.baud;
    }
    if (now_us < dlt645->due_us) {
        return dlt645->answer;
    }
    dlt645->due_us = INT64_MAX;
    dlt645->answer_size = 0;
    if (dlt645->request[CONTROL_AT] == BROADCAST_TIME) {
        take_time(dlt645, utc_us);
    } else if (!is_broadcast(dlt645->request + 1)) {
        serve(dlt645, utc_us);
    }
    *size = dlt645->answer_size;
    return dlt645->answer;
}

bool wk_dlt645_take_written(struct wk_dlt645 *dlt645)
{
    const bool wrote = dlt645->wrote;
    dlt645->wrote = false;
    return wrote;
}
