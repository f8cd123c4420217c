/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/hdlc - the frames of COSEM on HDLC (IEC 62056-46, 6.4; ISO/IEC 13239, format type 3).
 *
 *   7E  A|S|length  destination  source  control  HCS  information  FCS  7E
 *
 * The length counts everything between the flags; there is no stuffing, so a 7E inside a frame
 * is data. Without information there is no HCS. One flag may end a frame and begin the next.
 *
 * The splitter cuts a stream into frames within a buffer of its owner. Octets that cannot belong
 * to a frame (noise, a broken header or check sum, a frame that stops in the middle) are dropped
 * and counted, and it goes on at the next flag: within what it holds nothing after a broken
 * frame is lost. */
#ifndef WK_COSEM_HDLC_H
#define WK_COSEM_HDLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_HDLC_FLAG      0x7E
#define WK_HDLC_INFO      128  /* longest information field until another is negotiated */
#define WK_HDLC_INFO_MOST 2030 /* ... that can be negotiated: 11 bits of length less the rest */
/* flags, format, two addresses of four octets at most, control, HCS, FCS */
#define WK_HDLC_OVERHEAD   (2 + 2 + 8 + 1 + 2 + 2)
#define WK_HDLC_FRAME_MOST (WK_HDLC_INFO_MOST + WK_HDLC_OVERHEAD)

/* An address: one, two (7 bits each) or four octets (14 bits each). A client has one octet. */
struct wk_hdlc_address {
    uint16_t upper; /* logical device, or the client's SAP */
    uint16_t lower; /* physical device; not there with one octet */
    uint8_t octets; /* 1, 2, 4 */
};

/* Reserved addresses (IEC 62056-46, 6.4.2.3); 14-bit forms of those of 7 bits. */
#define WK_HDLC_ALL_STATION_1 0x7F
#define WK_HDLC_ALL_STATION_2 0x3FFF
#define WK_HDLC_CALLING_1     0x7E /* the physical device that answers the phone */
#define WK_HDLC_CALLING_2     0x3FFE

/* Control field, without the poll/final bit and sequence numbers. */
typedef enum wk_hdlc_control {
    WK_HDLC_I = 0x00,
    WK_HDLC_RR = 0x01,
    WK_HDLC_RNR = 0x05,
    WK_HDLC_SNRM = 0x83,
    WK_HDLC_DISC = 0x43,
    WK_HDLC_UA = 0x63,
    WK_HDLC_DM = 0x0F,
    WK_HDLC_FRMR = 0x87,
    WK_HDLC_UI = 0x03,
    WK_HDLC_OTHER = 0xFF, /* no frame that COSEM uses, REJ included */
} wk_hdlc_control;

struct wk_hdlc_frame {
    struct wk_hdlc_address destination;
    struct wk_hdlc_address source;
    wk_hdlc_control type;
    uint8_t control; /* as it came, or as it is to be sent */
    bool poll;       /* poll or final */
    uint8_t ns;      /* I: 0..7 */
    uint8_t nr;      /* I, RR, RNR: 0..7 */
    bool segmented;  /* more segments of this APDU follow */
    const uint8_t *info;
    size_t info_size; /* 0..WK_HDLC_INFO_MOST */
};

/** Fills type, poll, ns and nr from a control octet. */
void wk_hdlc_read_control(struct wk_hdlc_frame *frame, uint8_t control);
/** The control octet of type, poll, ns and nr. */
uint8_t wk_hdlc_control_of(const struct wk_hdlc_frame *frame);

/** Appends a frame with its flags; `control` is made from type, poll, ns, nr. Fault
 *  WK_E_ARGUMENT: an address that does not fit its octets, or too much information. */
void wk_hdlc_put(struct wk_bytes_out *out, const struct wk_hdlc_frame *frame);
/** Reads one frame with its flags and nothing behind it; `info` borrows.
 *  WK_E_SHORT: cut off. WK_E_FORMAT: flag, format, length, an address or a check sum is wrong. */
WK_MUST_USE wk_err wk_hdlc_read(const uint8_t *octets, size_t size,
                                struct wk_hdlc_frame *frame);

bool wk_hdlc_address_equal(const struct wk_hdlc_address *a, const struct wk_hdlc_address *b);

/* ---- parameters that SNRM and UA negotiate (IEC 62056-46, 6.4.4.4.3.2) ------------------------ */

struct wk_hdlc_limits {
    uint16_t info_send; /* longest information field it sends, 1..WK_HDLC_INFO_MOST */
    uint16_t info_receive;
    uint8_t window_send; /* frames it sends without an acknowledgement, 1..7 */
    uint8_t window_receive;
};

/* 128 octets, window 1: what holds without negotiation. */
struct wk_hdlc_limits wk_hdlc_limits_default(void);
void wk_hdlc_put_limits(struct wk_bytes_out *out, const struct wk_hdlc_limits *limits);
/** An empty field is the default. WK_E_FORMAT: not such a field; WK_E_RANGE: a value out of
 *  range; nothing is changed then. */
WK_MUST_USE wk_err wk_hdlc_read_limits(const uint8_t *info, size_t size,
                                       struct wk_hdlc_limits *limits);
/** What holds for us when the other side offers `theirs` to our `own`. */
struct wk_hdlc_limits wk_hdlc_limits_agree(const struct wk_hdlc_limits *own,
                                           const struct wk_hdlc_limits *theirs);

/* ---- a stream into frames ---------------------------------------------------------------- */

struct wk_hdlc_split {
    uint8_t *data; /* borrowed */
    size_t room;
    size_t first;     /* octets before it are used up */
    size_t last;      /* octets from first to last are waiting */
    size_t dropping;  /* of the frame given out last: freed with the next call */
    uint32_t dropped; /* octets that belonged to no frame, since init */
    uint32_t broken;  /* frames with a wrong check sum or length, since init */
};

/** `room` is the longest frame that passes, flags included: WK_HDLC_OVERHEAD + information. */
void wk_hdlc_split_init(struct wk_hdlc_split *split, uint8_t *data, size_t room);
/** Where the next octets of the stream go; *size > 0 after wk_hdlc_split_next gave WK_E_SHORT.
 *  Invalidates the frame given out last. */
uint8_t *wk_hdlc_split_space(struct wk_hdlc_split *split, size_t *size);
/** `size` octets were written there. WK_E_ARGUMENT: more than there was room for. */
WK_MUST_USE wk_err wk_hdlc_split_received(struct wk_hdlc_split *split, size_t size);
/** The next good frame; its information borrows from the buffer. WK_E_SHORT: needs more
 *  octets. */
WK_MUST_USE wk_err wk_hdlc_split_next(struct wk_hdlc_split *split, struct wk_hdlc_frame *frame);
/** No octet came for longer than the inter-octet timeout: the frame that has begun will not
 *  be completed. What follows its first flag is looked through again. */
void wk_hdlc_split_pause(struct wk_hdlc_split *split);
/** A frame has begun and is not complete. */
bool wk_hdlc_split_waits(const struct wk_hdlc_split *split);

#endif
