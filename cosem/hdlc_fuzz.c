/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the HDLC layer of COSEM. The first octet chooses: a stream through the splitter, or a
 * meter or a client that gets frames with good check sums, in any order, with time passing
 * between them. Whatever comes: what a station holds stays within its buffers, what it sends are
 * good frames within the agreed length, and never more of them than its window. */
#include <stdlib.h>
#include <string.h>

#include "cosem/hdlc_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM  600
#define TURNS 16 /* frames one turn may have: the window, and an unnumbered answer */

static uint8_t g_in[ROOM];
static uint8_t g_out[ROOM];
static uint8_t g_raw[WK_HDLC_FRAME_MOST];
static uint8_t g_stream[512];

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void fuzz_stream(struct wk_bytes_in *in)
{
    struct wk_hdlc_split split;
    struct wk_hdlc_frame frame;
    wk_hdlc_split_init(&split, g_stream, sizeof g_stream);
    while (wk_bytes_in_left(in) > 0) {
        size_t room;
        uint8_t *space = wk_hdlc_split_space(&split, &room);
        const size_t wanted = 1U + wk_bytes_in_u8(in) % 64U;
        const size_t left = wk_bytes_in_left(in);
        size_t taken = wanted < left ? wanted : left;
        require(room > 0);
        taken = taken < room ? taken : room;
        wk_bytes_in_copy(in, space, taken);
        require(wk_hdlc_split_received(&split, taken) == WK_OK);
        while (wk_hdlc_split_next(&split, &frame) == WK_OK) {
            struct wk_bytes_out again = wk_bytes_out_of(g_raw, sizeof g_raw);
            require(frame.info_size <= sizeof g_stream);
            wk_hdlc_put(&again, &frame);
            require(frame.type == WK_HDLC_OTHER || again.fault == WK_OK);
        }
        if (wk_hdlc_split_waits(&split) && taken % 7 == 0) {
            wk_hdlc_split_pause(&split);
        }
    }
}

/* A frame as the other side may make it: type and numbers from one octet, information of any. */
static struct wk_hdlc_frame frame_from(struct wk_bytes_in *in, bool primary)
{
    static const uint8_t k_llc[2][WK_HDLC_LLC] = {{0xE6, 0xE6, 0x00}, {0xE6, 0xE7, 0x00}};
    static uint8_t info[256];
    struct wk_hdlc_frame frame = {.destination = {1, 17, 2}, .source = {16, 0, 1}};
    const uint8_t how = wk_bytes_in_u8(in);
    wk_hdlc_read_control(&frame, wk_bytes_in_u8(in));
    const size_t left = wk_bytes_in_left(in);
    size_t size = how & 0x1FU;
    size = size < left ? size : left;
    size_t at = 0;
    if ((how & 0x40) != 0) {
        memcpy(info, k_llc[primary ? 1 : 0], WK_HDLC_LLC);
        at = WK_HDLC_LLC;
    }
    wk_bytes_in_copy(in, info + at, size);
    frame.segmented = (how & 0x80) != 0;
    frame.info = info;
    frame.info_size = at + size;
    if ((how & 0x20) != 0) { /* a long one */
        frame.info_size = 160;
    }
    return frame;
}

static void hear(struct wk_hdlc_link *link, int64_t now_us)
{
    struct wk_hdlc_frame frame;
    unsigned frames = 0;
    unsigned numbered = 0;
    struct wk_bytes_out out = wk_bytes_out_of(g_raw, sizeof g_raw);
    while (wk_hdlc_link_output(link, now_us, &out)) {
        require(out.fault == WK_OK && ++frames <= TURNS);
        require(wk_hdlc_read(g_raw, out.size, &frame) == WK_OK);
        numbered += frame.type == WK_HDLC_I ? 1 : 0;
        require(frame.type != WK_HDLC_I || frame.info_size <= link->agreed.info_send);
        out = wk_bytes_out_of(g_raw, sizeof g_raw);
    }
    require(numbered <= link->config.limits.window_send);
    require(link->in_size <= ROOM && link->out_acked <= link->out_size &&
            link->out_size <= ROOM);
}

static void fuzz_link(struct wk_bytes_in *in, bool primary)
{
    struct wk_hdlc_link link;
    const struct wk_hdlc_link_config config = {.primary = primary,
                                               .local = {1, 17, 2},
                                               .remote = {16, 0, 1},
                                               .limits = {64, 128, 3, 5},
                                               .in = g_in,
                                               .in_room = ROOM,
                                               .out = g_out,
                                               .out_room = ROOM};
    int64_t now_us = 0;
    require(wk_hdlc_link_init(&link, &config) == WK_OK);
    while (wk_bytes_in_left(in) > 1) {
        const uint8_t what = wk_bytes_in_peek(in);
        now_us += 1000;
        if (what == 0xFF) {
            (void)wk_bytes_in_u8(in);
            now_us += (int64_t)wk_bytes_in_u8(in) * 1000000;
            (void)wk_hdlc_link_tick(&link, now_us);
        } else if (what == 0xFE) {
            (void)wk_bytes_in_u8(in);
            if (primary && wk_hdlc_link_connect(&link, now_us) != WK_OK) {
                wk_hdlc_link_disconnect(&link, now_us);
            }
        } else {
            const struct wk_hdlc_frame frame = frame_from(in, primary);
            const wk_hdlc_event event = wk_hdlc_link_receive(&link, now_us, &frame);
            const struct wk_bytes_in apdu = wk_hdlc_link_apdu(&link);
            require(event != WK_HDLC_APDU || (apdu.size > 0 && apdu.size <= ROOM));
            if (event == WK_HDLC_APDU || (primary && what % 5 == 0)) {
                struct wk_bytes_out out = wk_hdlc_link_begin(&link);
                wk_bytes_out_put(&out, g_in, (size_t)what * 2U);
                (void)(wk_hdlc_link_send(&link, now_us, &out) == WK_OK);
            }
        }
        hear(&link, now_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096) {
        return 0;
    }
    struct wk_bytes_in in = wk_bytes_in_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        fuzz_stream(&in);
        break;
    case 1:
        fuzz_link(&in, false);
        break;
    default:
        fuzz_link(&in, true);
        break;
    }
    return 0;
}
