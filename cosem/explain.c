/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/explain.h"

#include <string.h>

#include "base/crc.h"
#include "cosem/axdr.h"
#include "cosem/explain_part.h"
#include "cosem/hdlc.h"
#include "cosem/wrapper.h"

#define LLC 3

/* LLC header of a request and of a response. */
static const uint8_t k_llc[2][LLC] = {{0xE6, 0xE6, 0x00}, {0xE6, 0xE7, 0x00}};

void wk_explain_init(struct wk_explain *explain, const struct wk_hal_crypto *crypto,
                     const struct wk_explain_sink *sink)
{
    memset(explain, 0, sizeof *explain);
    explain->crypto = crypto;
    explain->sink = *sink;
}

/* ---- APDUs ------------------------------------------------------------------------------- */

static void explain_layer(struct wk_explain *explain, struct wk_bytes_in apdu, int layer)
{
    struct wk_bytes_in in = apdu;
    const uint8_t tag = wk_bytes_in_u8(&in);
    if (!wk_explain_service(explain, &in, tag) && !wk_explain_notice(explain, &in, tag) &&
        !wk_explain_acse(explain, &in, tag) &&
        !wk_explain_protected(explain, &in, tag, layer)) {
        wk_explain_fault(explain, 0, "no APDU with this tag is known", apdu);
        return;
    }
    wk_explain_finish(explain, &in);
}

void wk_explain_apdu(struct wk_explain *explain, const uint8_t *octets, size_t size)
{
    int layers = 0;
    explain->next = wk_bytes_in_of(octets, size);
    while (explain->next.size > 0 && layers < WK_EXPLAIN_LAYERS) {
        const struct wk_bytes_in apdu = explain->next;
        const char *name = wk_explain_apdu_name(apdu.data[0]);
        explain->next = wk_bytes_in_of(NULL, 0);
        wk_explain_open(explain, &apdu, name == NULL ? "apdu" : name, -1);
        explain_layer(explain, apdu, layers);
        layers++;
    }
    if (explain->next.size > 0) {
        wk_explain_fault(explain, 0, "nested too deep", explain->next);
    }
    for (; layers > 0; layers--) {
        wk_explain_close(explain);
    }
}

void wk_explain_value(struct wk_explain *explain, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    wk_explain_data(explain, &in, "data");
    wk_explain_finish(explain, &in);
}

/* ---- wrapper ----------------------------------------------------------------------------- */

void wk_explain_wrapper(struct wk_explain *explain, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    while (wk_bytes_in_left(&in) > 0 && in.fault == WK_OK) {
        wk_explain_open(explain, &in, "wrapper", -1);
        if (wk_explain_u16(explain, &in, "version", NULL) != WK_WRAPPER_VERSION) {
            wk_bytes_in_fail(&in, WK_E_FORMAT);
        }
        (void)wk_explain_u16(explain, &in, "source", wk_explain_sap_name);
        (void)wk_explain_u16(explain, &in, "destination", wk_explain_sap_name);
        const size_t length = wk_explain_u16(explain, &in, "length", NULL);
        const size_t left = wk_bytes_in_left(&in);
        const size_t there = length < left ? length : left;
        if (in.fault == WK_OK) {
            wk_explain_apdu(explain, wk_bytes_in_take(&in, there), there);
        }
        if (in.fault == WK_OK && there < length) {
            wk_bytes_in_fail(&in, WK_E_SHORT);
        }
        if (in.fault != WK_OK) {
            wk_explain_finish(explain, &in);
        }
        wk_explain_close(explain);
    }
}

/* ---- HDLC -------------------------------------------------------------------------------- */

/* One, two or four octets; the last one is odd. */
static void put_address(struct wk_explain *explain, struct wk_bytes_in *in, const char *name)
{
    uint32_t parts[4] = {0};
    uint8_t octet = 0;
    const size_t at = in->at;
    size_t count = 0;
    while (count < 4 && (octet & 1) == 0 && in->fault == WK_OK) {
        octet = wk_bytes_in_u8(in);
        parts[count++] = octet >> 1;
    }
    if ((octet & 1) == 0 || count == 3) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (in->fault != WK_OK) {
        return;
    }
    struct wk_explain_item item = {
        .kind = WK_EXPLAIN_NUMBER, .name = "upper", .number = parts[0], .offset = at};
    if (count == 4) {
        item.number = parts[0] << 7 | parts[1];
    }
    wk_explain_open(explain, &(struct wk_bytes_in){.at = at}, name, -1);
    wk_explain_put(explain, &item);
    if (count > 1) {
        item.name = "lower";
        item.number = count == 2 ? parts[1] : parts[2] << 7 | parts[3];
        wk_explain_put(explain, &item);
    }
    wk_explain_close(explain);
}

static void put_limits(struct wk_explain *explain, const struct wk_bytes_in *info)
{
    struct wk_hdlc_limits limits;
    if (wk_hdlc_read_limits(info->data, info->size, &limits) != WK_OK) {
        (void)wk_explain_octets(explain,
                                &(struct wk_bytes_in){.data = info->data, .size = info->size},
                                "information", info->size);
        return;
    }
    const struct {
        const char *name;
        int64_t number;
    } parts[] = {
        {"max-info-transmit", limits.info_send},
        {"max-info-receive", limits.info_receive},
        {"window-transmit", limits.window_send},
        {"window-receive", limits.window_receive},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_NUMBER,
                                                          .name = parts[i].name,
                                                          .number = parts[i].number});
    }
}

/* LLC octets, if they are there, and the APDU behind them. */
static void put_llc(struct wk_explain *explain, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    if (size >= LLC &&
        (memcmp(octets, k_llc[0], LLC) == 0 || memcmp(octets, k_llc[1], LLC) == 0)) {
        (void)wk_explain_octets(explain, &in, "llc", LLC);
    } else {
        wk_explain_fault(explain, 0, "an LLC header must stand here", in);
    }
    if (wk_bytes_in_left(&in) > 0) {
        const size_t left = wk_bytes_in_left(&in);
        wk_explain_apdu(explain, wk_bytes_in_take(&in, left), left);
    }
}

/* A segment; with the last one the APDU is whole. */
static void join(struct wk_explain *explain, const struct wk_bytes_in *info, bool more)
{
    struct wk_explain_flow *flow = &explain->flows[explain->direction];
    if (info->size > sizeof flow->frames - flow->frame_size) {
        flow->frame_size = 0;
        wk_explain_fault(explain, 0, "more segments than can be held", *info);
        return;
    }
    if (!more && flow->frame_size == 0) {
        put_llc(explain, info->data, info->size);
        return;
    }
    memcpy(flow->frames + flow->frame_size, info->data, info->size);
    flow->frame_size += info->size;
    if (more) {
        wk_explain_note(explain, "segment", "more follow");
        return;
    }
    wk_explain_note(explain, "segment", "the last one");
    put_llc(explain, flow->frames, flow->frame_size);
    flow->frame_size = 0;
}

static void put_info(struct wk_explain *explain, const struct wk_hdlc_frame *frame,
                     struct wk_bytes_in info)
{
    switch (frame->type) {
    case WK_HDLC_I:
    case WK_HDLC_UI:
        join(explain, &info, frame->segmented);
        return;
    case WK_HDLC_SNRM:
    case WK_HDLC_UA:
        put_limits(explain, &info);
        return;
    case WK_HDLC_RR:
    case WK_HDLC_RNR:
    case WK_HDLC_DISC:
    case WK_HDLC_DM:
    case WK_HDLC_FRMR:
    case WK_HDLC_OTHER:
        (void)wk_explain_octets(explain, &info, "information", info.size);
        return;
    }
}

static void put_control(struct wk_explain *explain, struct wk_bytes_in *in,
                        struct wk_hdlc_frame *frame)
{
    wk_hdlc_read_control(frame, wk_bytes_in_peek(in));
    if (frame->type == WK_HDLC_SNRM || frame->type == WK_HDLC_DISC) {
        explain->flows[explain->direction].frame_size = 0;
    }
    wk_explain_open(explain, in, "control", -1);
    (void)wk_explain_u8(explain, in, "octet", NULL);
    wk_explain_note(explain, "type", wk_explain_frame_name(frame->type));
    wk_explain_note(explain, "poll-final", frame->poll ? "yes" : "no");
    if (frame->type == WK_HDLC_I) {
        wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_NUMBER,
                                                          .name = "send-sequence",
                                                          .number = frame->ns});
    }
    if (frame->type == WK_HDLC_I || frame->type == WK_HDLC_RR || frame->type == WK_HDLC_RNR) {
        wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_NUMBER,
                                                          .name = "receive-sequence",
                                                          .number = frame->nr});
    }
    wk_explain_close(explain);
}

/* A check sum over what stands before it, the flag excluded. */
static void put_check(struct wk_explain *explain, struct wk_bytes_in *in, const char *name,
                      const char *why)
{
    const size_t at = in->at;
    const uint16_t right = wk_crc_x25(in->data + 1, at > 0 ? at - 1 : 0);
    const uint16_t found = wk_bytes_in_u16le(in);
    if (in->fault != WK_OK) {
        return;
    }
    wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_OCTETS,
                                                      .name = name,
                                                      .octets = in->data + at,
                                                      .size = 2,
                                                      .offset = at});
    if (found != right) {
        wk_explain_fault(explain, at, why, wk_bytes_in_of(in->data + at, 2));
    }
}

/* A frame from its flag on; `in` ends with its FCS. */
static void put_frame(struct wk_explain *explain, struct wk_bytes_in *in)
{
    struct wk_hdlc_frame frame = {0};
    (void)wk_bytes_in_u8(in);
    frame.segmented = (wk_bytes_in_peek(in) & 0x08) != 0;
    (void)wk_explain_u16(explain, in, "format", NULL);
    put_address(explain, in, "destination");
    put_address(explain, in, "source");
    if (in->fault == WK_OK) {
        put_control(explain, in, &frame);
    }
    if (wk_bytes_in_left(in) > 2) {
        put_check(explain, in, "hcs", "the header check sum does not fit");
    }
    const size_t left = wk_bytes_in_left(in);
    if (left >= 2 && in->fault == WK_OK) {
        const size_t size = left - 2;
        const struct wk_bytes_in info = wk_bytes_in_of(wk_bytes_in_take(in, size), size);
        put_check(explain, in, "fcs", "the frame check sum does not fit");
        if (size > 0) {
            put_info(explain, &frame, info);
        }
    }
    wk_explain_finish(explain, in);
}

/* Octets of the frame that begins at the flag octets[0], both flags included; 0: none does. */
static size_t frame_size(const uint8_t *octets, size_t size)
{
    if (size < 3 || octets[0] != WK_HDLC_FLAG || (octets[1] & 0xF0) != 0xA0) {
        return 0;
    }
    const size_t length = (size_t)(octets[1] & 7) << 8 | octets[2];
    return length + 2 <= size && octets[length + 1] == WK_HDLC_FLAG ? length + 2 : 0;
}

static const uint8_t *find_flag(const uint8_t *octets, size_t size)
{
    const uint8_t *flag = size > 0 ? memchr(octets, WK_HDLC_FLAG, size) : NULL;
    return flag;
}

void wk_explain_hdlc(struct wk_explain *explain, const uint8_t *octets, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const size_t whole = frame_size(octets + at, size - at);
        if (whole > 0) {
            struct wk_bytes_in in = wk_bytes_in_of(octets + at, whole - 1);
            wk_explain_open(explain, &(struct wk_bytes_in){.at = at}, "hdlc", -1);
            put_frame(explain, &in);
            wk_explain_close(explain);
            at += whole - 1; /* the flag may begin the next one */
        }
        const uint8_t *flag =
            whole > 0 ? octets + at : find_flag(octets + at + 1, size - at - 1);
        const size_t next = flag == NULL ? size : (size_t)(flag - octets);
        const bool only_flag = octets[at] == WK_HDLC_FLAG && next == at + 1;
        if (whole == 0 && !only_flag) {
            wk_explain_fault(explain, at, "this is no frame: flag, format or length is wrong",
                             wk_bytes_in_of(octets + at, next - at));
        }
        if (whole > 0 && frame_size(octets + at, size - at) == 0) {
            at++; /* it ended the last one only */
            continue;
        }
        at = next;
    }
}

/* ---- anything ------------------------------------------------------------------------------ */

void wk_explain_any(struct wk_explain *explain, const uint8_t *octets, size_t size)
{
    if (size == 0) {
        return;
    }
    const bool framed = size > WK_WRAPPER_SIZE && octets[0] == 0 && octets[1] == 1;
    const bool llc = size > LLC &&
                     (memcmp(octets, k_llc[0], LLC) == 0 || memcmp(octets, k_llc[1], LLC) == 0);
    if (octets[0] == WK_HDLC_FLAG) {
        wk_explain_hdlc(explain, octets, size);
    } else if (framed) {
        wk_explain_wrapper(explain, octets, size);
    } else if (llc) {
        put_llc(explain, octets, size);
    } else {
        wk_explain_apdu(explain, octets, size);
    }
}
