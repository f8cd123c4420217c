/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include "link/packet.h"

/* Octets of docs/on-wire.md, made by hand. */
static void frames_are_the_octets_of_the_description(void)
{
    static const uint8_t wanted[] = {
        0x10, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x2a,      /* head */
        0x12, 0xac, 0x02, 0x03, 'a',  'b',  'c',             /* RECORD */
        0x23, 0x05, 0x02, 0x14, 0x04, 'w',  'x',  'y',  'z', /* PIECE: at 16 of 20 */
        0x31, 0x07, 0x80, 0x01, 0x01,                        /* GAP of 128 */
        0x90,                                                /* PROBE */
        0xf1, 0x08, 0x02, 'h',  'i',                         /* ANNOUNCE */
    };
    uint8_t octets[sizeof wanted + 8];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    const struct wk_link_head head = {.session = 0x01020304, .number = 42};
    const struct wk_link_frame record = {.kind = WK_LINK_FRAME_RECORD,
                                         .stream = 2,
                                         .sequence = 300,
                                         .octets = wk_bytes_in_of("abc", 3)};
    const struct wk_link_frame piece = {.kind = WK_LINK_FRAME_PIECE,
                                        .stream = 3,
                                        .sequence = 5,
                                        .at = 16,
                                        .total = 20,
                                        .octets = wk_bytes_in_of("wxyz", 4)};
    const struct wk_link_frame gap = {.kind = WK_LINK_FRAME_GAP,
                                      .stream = 1,
                                      .sequence = 7,
                                      .count = 128,
                                      .reason = WK_LINK_OVERWRITTEN};
    const struct wk_link_frame probe = {.kind = WK_LINK_FRAME_PROBE};
    const struct wk_link_frame announce = {.kind = WK_LINK_FRAME_ANNOUNCE,
                                           .stream = 1,
                                           .sequence = 8,
                                           .octets = wk_bytes_in_of("hi", 2)};
    wk_link_write_head(&out, &head);
    wk_link_write(&out, &record);
    wk_link_write(&out, &piece);
    wk_link_write(&out, &gap);
    wk_link_write(&out, &probe);
    wk_link_write(&out, &announce);
    EXPECT_OK(out.fault);
    EXPECT_I64(sizeof wanted, out.size);
    EXPECT_BYTES(wanted, octets, sizeof wanted);
    struct wk_link_head got;
    struct wk_link_frame frame;
    struct wk_bytes_in in = wk_bytes_in_of(octets, out.size);
    wk_link_read_head(&in, &got);
    EXPECT_I64(42, got.number);
    wk_link_read(&in, &frame);
    EXPECT_I64(300, frame.sequence);
    wk_link_read(&in, &frame);
    EXPECT_I64(16, frame.at);
    wk_link_read(&in, &frame);
    EXPECT_I64(128, frame.count);
    wk_link_read(&in, &frame);
    wk_link_read(&in, &frame);
    EXPECT_I64(8, frame.sequence);
    EXPECT_I64(2, frame.octets.size);
    EXPECT_OK(in.fault);
    EXPECT_I64(0, wk_bytes_in_left(&in));
}

static wk_err read_one(const uint8_t *octets, size_t size)
{
    struct wk_link_frame frame;
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    wk_link_read(&in, &frame);
    return in.fault;
}

static void what_no_end_sends_is_refused(void)
{
    static const struct {
        wk_err err;
        uint8_t size;
        uint8_t octets[24];
    } bad[] = {
        {WK_E_FORMAT, 1, {0x00}},
        {WK_E_RANGE, 3, {0xf0, 0x01, 0x00}}, /* an announcement of nothing */
        {WK_E_SHORT, 4, {0xf0, 0x01, 0x02, 'a'}},
        {WK_E_RANGE, 2, {0xe0, 0x00}}, /* an echo of nothing */
        {WK_E_RANGE, 2, {0xd5, 0x00}}, /* a datagram of nothing */
        {WK_E_SHORT, 3, {0xd5, 0x02, 'a'}},
        {WK_E_SHORT, 1, {0x10}},
        {WK_E_SHORT, 4, {0x10, 0x01, 0x05, 'a'}},
        {WK_E_FORMAT,
         12,
         {0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}},
        {WK_E_RANGE, 5, {0x10, 0x01, 0x81, 0x10, 'a'}},       /* a record of 2,049 */
        {WK_E_RANGE, 5, {0x20, 0x01, 0x00, 0x08, 0x00}},      /* a piece of nothing */
        {WK_E_RANGE, 6, {0x20, 0x01, 0x01, 0x08, 0x01, 'a'}}, /* outside its whole */
        {WK_E_RANGE, 6, {0x20, 0x01, 0x00, 0x08, 0x01, 'a'}}, /* half a granule */
        {WK_E_RANGE, 4, {0x30, 0x01, 0x00, 0x01}},            /* a gap of nothing */
        {WK_E_RANGE,
         13,
         {0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x01, 0x01}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_ERR(bad[i].err, read_one(bad[i].octets, bad[i].size));
    }
    struct wk_link_head head;
    struct wk_bytes_in in = wk_bytes_in_of("\x20\0\0\0\0\0\0\0", 8);
    wk_link_read_head(&in, &head);
    EXPECT_ERR(WK_E_UNSUPPORTED, in.fault);
}

static void numbers_are_found_again_from_their_last_24_bits(void)
{
    EXPECT_I64(5, wk_link_number(5, 0));
    EXPECT_I64(0x01000003, wk_link_number(3, 0x00fffffe));
    EXPECT_I64(0x00fffffe, wk_link_number(0xfffffe, 0x01000003));
    EXPECT_I64(0x12345678, wk_link_number(0x345678, 0x12345600));
}

WK_TEST_MAIN(T(frames_are_the_octets_of_the_description), T(what_no_end_sends_is_refused),
             T(numbers_are_found_again_from_their_last_24_bits))
