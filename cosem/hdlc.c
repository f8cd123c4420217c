/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/hdlc.h"

#include <string.h>

#include "base/crc.h"

#define FORMAT_TYPE  0xA0 /* type 3 in the high four bits */
#define FORMAT_MASK  0xF0
#define SEGMENTED    0x08
#define LENGTH_HIGH  0x07
#define POLL         0x10
#define CHECK        2                       /* octets of HCS and FCS */
#define LEAST_LENGTH (2 + 1 + 1 + 1 + CHECK) /* no information, addresses of one octet */
#define ADDRESS_MOST 4
#define MOST_7_BITS  0x7F
#define MOST_14_BITS 0x3FFF
#define HEAD_OCTETS  3 /* flag and format: what tells the length */

/* ---- control ----------------------------------------------------------------------------- */

void wk_hdlc_read_control(struct wk_hdlc_frame *frame, uint8_t control)
{
    static const uint8_t k_unnumbered[] = {WK_HDLC_SNRM, WK_HDLC_DISC, WK_HDLC_UA,
                                           WK_HDLC_DM,   WK_HDLC_FRMR, WK_HDLC_UI};
    const uint8_t bare = (uint8_t)(control & ~POLL);
    frame->control = control;
    frame->poll = (control & POLL) != 0;
    frame->nr = (uint8_t)(control >> 5);
    frame->ns = (uint8_t)(control >> 1 & 7);
    frame->type = WK_HDLC_OTHER;
    if ((control & 1) == 0) {
        frame->type = WK_HDLC_I;
    } else if ((control & 0x0F) == WK_HDLC_RR || (control & 0x0F) == WK_HDLC_RNR) {
        frame->type = (wk_hdlc_control)(control & 0x0F);
    }
    for (size_t i = 0; i < sizeof k_unnumbered; i++) {
        if (bare == k_unnumbered[i]) {
            frame->type = (wk_hdlc_control)k_unnumbered[i];
        }
    }
}

uint8_t wk_hdlc_control_of(const struct wk_hdlc_frame *frame)
{
    const unsigned poll = frame->poll ? POLL : 0;
    if (frame->type == WK_HDLC_I) {
        return (uint8_t)((unsigned)frame->nr << 5 | poll | (unsigned)frame->ns << 1);
    }
    if (frame->type == WK_HDLC_RR || frame->type == WK_HDLC_RNR) {
        return (uint8_t)((unsigned)frame->nr << 5 | poll | (unsigned)frame->type);
    }
    return (uint8_t)((unsigned)frame->type | poll);
}

/* ---- addresses --------------------------------------------------------------------------- */

/* Seven bits an octet, the lowest bit is set in the last one. */
static void put_address(struct wk_bytes_out *out, const struct wk_hdlc_address *address)
{
    const uint16_t most = address->octets == 4 ? MOST_14_BITS : MOST_7_BITS;
    const bool known = address->octets == 1 || address->octets == 2 || address->octets == 4;
    if (!known || address->upper > most || (address->octets > 1 && address->lower > most)) {
        out->fault = out->fault == WK_OK ? WK_E_ARGUMENT : out->fault;
        return;
    }
    if (address->octets == 4) {
        wk_bytes_out_u8(out, (uint8_t)(address->upper >> 7 << 1));
    }
    wk_bytes_out_u8(out, (uint8_t)(address->upper << 1 | (address->octets == 1 ? 1 : 0)));
    if (address->octets == 4) {
        wk_bytes_out_u8(out, (uint8_t)(address->lower >> 7 << 1));
    }
    if (address->octets > 1) {
        wk_bytes_out_u8(out, (uint8_t)(address->lower << 1 | 1));
    }
}

static void read_address(struct wk_bytes_in *in, struct wk_hdlc_address *address)
{
    uint8_t seven[ADDRESS_MOST] = {0};
    uint8_t octet = 0;
    *address = (struct wk_hdlc_address){.octets = 0};
    while ((octet & 1) == 0 && address->octets < ADDRESS_MOST && in->fault == WK_OK) {
        octet = wk_bytes_in_u8(in);
        seven[address->octets++] = octet >> 1;
    }
    if ((octet & 1) == 0 || address->octets == 3) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const bool wide = address->octets == 4;
    address->upper = (uint16_t)(wide ? seven[0] << 7 | seven[1] : seven[0]);
    address->lower = (uint16_t)(wide ? seven[2] << 7 | seven[3] : seven[1]);
}

bool wk_hdlc_address_equal(const struct wk_hdlc_address *a, const struct wk_hdlc_address *b)
{
    return a->octets == b->octets && a->upper == b->upper && a->lower == b->lower;
}

/* ---- frames ------------------------------------------------------------------------------ */

static void put_check(struct wk_bytes_out *out, size_t begin)
{
    if (out->fault == WK_OK) {
        wk_bytes_out_u16le(out, wk_crc_x25(out->data + begin, out->size - begin));
    }
}

void wk_hdlc_put(struct wk_bytes_out *out, const struct wk_hdlc_frame *frame)
{
    if (frame->info_size > WK_HDLC_INFO_MOST) {
        out->fault = out->fault == WK_OK ? WK_E_ARGUMENT : out->fault;
        return;
    }
    const bool has_info = frame->info_size > 0;
    const size_t length = 2U + frame->destination.octets + frame->source.octets + 1U + CHECK +
                          frame->info_size + (has_info ? CHECK : 0U);
    wk_bytes_out_u8(out, WK_HDLC_FLAG);
    const size_t begin = out->size;
    wk_bytes_out_u8(out, (uint8_t)(FORMAT_TYPE | (frame->segmented ? SEGMENTED : 0) |
                                   (length >> 8 & LENGTH_HIGH)));
    wk_bytes_out_u8(out, (uint8_t)length);
    put_address(out, &frame->destination);
    put_address(out, &frame->source);
    wk_bytes_out_u8(out, wk_hdlc_control_of(frame));
    if (has_info) {
        put_check(out, begin);
        wk_bytes_out_put(out, frame->info, frame->info_size);
    }
    put_check(out, begin);
    wk_bytes_out_u8(out, WK_HDLC_FLAG);
}

/* The length of the frame whose flag stands at `octets`, flags included; 0: it is none. */
static size_t size_announced(const uint8_t *octets)
{
    const size_t length = (size_t)(octets[1] & LENGTH_HIGH) << 8 | octets[2];
    const bool good = (octets[1] & FORMAT_MASK) == FORMAT_TYPE && length >= LEAST_LENGTH;
    return good ? length + 2U : 0;
}

static void expect_check(struct wk_bytes_in *in)
{
    const size_t covered = in->at - 1;
    const uint16_t came = wk_bytes_in_u16le(in);
    if (in->fault == WK_OK && came != wk_crc_x25(in->data + 1, covered)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

wk_err wk_hdlc_read(const uint8_t *octets, size_t size, struct wk_hdlc_frame *frame)
{
    *frame = (struct wk_hdlc_frame){.type = WK_HDLC_OTHER};
    if (size < HEAD_OCTETS) {
        return WK_E_SHORT;
    }
    const size_t announced = size_announced(octets);
    if (octets[0] != WK_HDLC_FLAG || announced == 0 || size > announced) {
        return WK_E_FORMAT;
    }
    if (size < announced) {
        return WK_E_SHORT;
    }
    struct wk_bytes_in in = wk_bytes_in_of(octets, size - 1U);
    (void)wk_bytes_in_take(&in, HEAD_OCTETS);
    frame->segmented = (octets[1] & SEGMENTED) != 0;
    read_address(&in, &frame->destination);
    read_address(&in, &frame->source);
    wk_hdlc_read_control(frame, wk_bytes_in_u8(&in));
    if (in.fault == WK_OK && wk_bytes_in_left(&in) > CHECK) {
        expect_check(&in); /* HCS */
        const size_t left = wk_bytes_in_left(&in);
        frame->info_size = left > CHECK ? left - CHECK : 0;
        frame->info = wk_bytes_in_take(&in, frame->info_size);
    }
    expect_check(&in); /* FCS */
    const bool good = wk_bytes_in_end(&in) == WK_OK && octets[size - 1U] == WK_HDLC_FLAG;
    return good ? WK_OK : WK_E_FORMAT;
}

/* ---- parameters -------------------------------------------------------------------------- */

#define LIMITS_FORMAT   0x81
#define LIMITS_GROUP    0x80
#define LIMIT_INFO_SEND 5 /* the four parameters in order */
#define LIMITS          4

struct wk_hdlc_limits wk_hdlc_limits_default(void)
{
    return (struct wk_hdlc_limits){WK_HDLC_INFO, WK_HDLC_INFO, 1, 1};
}

void wk_hdlc_put_limits(struct wk_bytes_out *out, const struct wk_hdlc_limits *limits)
{
    const bool wide_send = limits->info_send > UINT8_MAX;
    const bool wide_receive = limits->info_receive > UINT8_MAX;
    wk_bytes_out_u8(out, LIMITS_FORMAT);
    wk_bytes_out_u8(out, LIMITS_GROUP);
    wk_bytes_out_u8(out, (uint8_t)(18 + (wide_send ? 1 : 0) + (wide_receive ? 1 : 0)));
    const uint16_t info[2] = {limits->info_send, limits->info_receive};
    for (uint8_t i = 0; i < 2; i++) {
        wk_bytes_out_u8(out, (uint8_t)(LIMIT_INFO_SEND + i));
        wk_bytes_out_u8(out, info[i] > UINT8_MAX ? 2 : 1);
        if (info[i] > UINT8_MAX) {
            wk_bytes_out_u8(out, (uint8_t)(info[i] >> 8));
        }
        wk_bytes_out_u8(out, (uint8_t)info[i]);
    }
    const uint8_t window[2] = {limits->window_send, limits->window_receive};
    for (uint8_t i = 0; i < 2; i++) {
        wk_bytes_out_u8(out, (uint8_t)(LIMIT_INFO_SEND + 2 + i));
        wk_bytes_out_u8(out, 4);
        wk_bytes_out_u32be(out, window[i]);
    }
}

static uint32_t read_limit(struct wk_bytes_in *in)
{
    const uint8_t octets = wk_bytes_in_u8(in);
    uint32_t value = 0;
    if (octets < 1 || octets > 4) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    for (uint8_t i = 0; i < octets && in->fault == WK_OK; i++) {
        value = value << 8 | wk_bytes_in_u8(in);
    }
    return value;
}

wk_err wk_hdlc_read_limits(const uint8_t *info, size_t size, struct wk_hdlc_limits *limits)
{
    uint32_t value[LIMITS] = {WK_HDLC_INFO, WK_HDLC_INFO, 1, 1};
    struct wk_bytes_in in = wk_bytes_in_of(info, size);
    if (size > 0) {
        const bool known = wk_bytes_in_u8(&in) == LIMITS_FORMAT;
        const bool group = wk_bytes_in_u8(&in) == LIMITS_GROUP;
        if (!known || !group || wk_bytes_in_u8(&in) != wk_bytes_in_left(&in)) {
            return WK_E_FORMAT;
        }
    }
    while (in.fault == WK_OK && wk_bytes_in_left(&in) > 0) {
        const uint8_t which = (uint8_t)(wk_bytes_in_u8(&in) - LIMIT_INFO_SEND);
        const uint32_t came = read_limit(&in);
        if (which < LIMITS) { /* others are for systems that know them */
            value[which] = came;
        }
    }
    if (in.fault != WK_OK) {
        return WK_E_FORMAT;
    }
    for (int i = 0; i < LIMITS; i++) {
        if (value[i] < 1 || value[i] > (i < 2 ? (uint32_t)WK_HDLC_INFO_MOST : 7U)) {
            return WK_E_RANGE;
        }
    }
    *limits = (struct wk_hdlc_limits){(uint16_t)value[0], (uint16_t)value[1], (uint8_t)value[2],
                                      (uint8_t)value[3]};
    return WK_OK;
}

static uint16_t lesser(uint16_t a, uint16_t b)
{
    return a < b ? a : b;
}

struct wk_hdlc_limits wk_hdlc_limits_agree(const struct wk_hdlc_limits *own,
                                           const struct wk_hdlc_limits *theirs)
{
    return (struct wk_hdlc_limits){
        .info_send = lesser(own->info_send, theirs->info_receive),
        .info_receive = lesser(own->info_receive, theirs->info_send),
        .window_send = (uint8_t)lesser(own->window_send, theirs->window_receive),
        .window_receive = (uint8_t)lesser(own->window_receive, theirs->window_send),
    };
}

/* ---- the splitter ------------------------------------------------------------------------ */

void wk_hdlc_split_init(struct wk_hdlc_split *split, uint8_t *data, size_t room)
{
    *split = (struct wk_hdlc_split){.data = data, .room = room};
}

/* Frees the frame given out last. Its closing flag may be the next one's opening flag. */
static void release(struct wk_hdlc_split *split)
{
    split->first += split->dropping;
    split->dropping = 0;
}

uint8_t *wk_hdlc_split_space(struct wk_hdlc_split *split, size_t *size)
{
    release(split);
    if (split->first > 0) {
        memmove(split->data, split->data + split->first, split->last - split->first);
        split->last -= split->first;
        split->first = 0;
    }
    *size = split->room - split->last;
    return split->data + split->last;
}

wk_err wk_hdlc_split_received(struct wk_hdlc_split *split, size_t size)
{
    if (size > split->room - split->last) {
        return WK_E_ARGUMENT;
    }
    split->last += size;
    return WK_OK;
}

static void drop(struct wk_hdlc_split *split, size_t octets)
{
    split->first += octets;
    split->dropped += (uint32_t)octets;
}

/* To the next flag; flags that follow each other are fill between frames. */
static void seek_flag(struct wk_hdlc_split *split)
{
    while (split->first < split->last && split->data[split->first] != WK_HDLC_FLAG) {
        drop(split, 1);
    }
    while (split->last - split->first >= 2 && split->data[split->first + 1] == WK_HDLC_FLAG) {
        split->first++;
    }
}

wk_err wk_hdlc_split_next(struct wk_hdlc_split *split, struct wk_hdlc_frame *frame)
{
    release(split);
    for (;;) {
        seek_flag(split);
        const size_t waiting = split->last - split->first;
        const uint8_t *octets = split->data + split->first;
        if (waiting < HEAD_OCTETS) {
            if (waiting == 2 && (octets[1] & FORMAT_MASK) != FORMAT_TYPE) {
                drop(split, 1);
                continue;
            }
            return WK_E_SHORT;
        }
        const size_t size = size_announced(octets);
        if (size == 0 || size > split->room) {
            split->broken += size > split->room ? 1 : 0;
            drop(split, 1);
            continue;
        }
        if (waiting < size) {
            return WK_E_SHORT;
        }
        if (wk_hdlc_read(octets, size, frame) == WK_OK) {
            split->dropping = size - 1U;
            return WK_OK;
        }
        split->broken++;
        drop(split, 1);
    }
}

void wk_hdlc_split_pause(struct wk_hdlc_split *split)
{
    release(split);
    if (split->last - split->first > 1) {
        split->broken++;
        drop(split, 1);
    }
}

bool wk_hdlc_split_waits(const struct wk_hdlc_split *split)
{
    return split->last - split->first - split->dropping > 1;
}
