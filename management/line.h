/* SPDX-License-Identifier: Apache-2.0
 *
 * management/line - the meter's side of an HDLC line: octets in, octets out, DLMS sessions in
 * between (IEC 62056-46).
 *
 * A line is whatever carries octets: an optical head, RS-485, a TCP connection. Several clients may
 * have connections on it at the same time, each with a station of its own: data link and session.
 * A client that finds no free station is answered DM. Frames for other devices on the line, and
 * noise, are passed over in silence. Nothing is sent but in answer to a frame that asks for it.
 * Memory is the owner's: stations, and a buffer for one frame in each direction (`frame_in`,
 * `frame_out`). Buffers of a station are `in`, `out` and those of its session. */
#ifndef WK_MANAGEMENT_LINE_H
#define WK_MANAGEMENT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "cosem/hdlc_link.h"
#include "management/session.h"

#define WK_LINE_OCTET_US INT64_C(25000) /* longest pause within a frame (IEC 62056-46, 6.4.4) */

/* One client's connection. */
struct wk_line_station {
    struct wk_hdlc_link link;
    struct wk_session session;
    uint8_t in[WK_HDLC_LLC + WK_SESSION_PDU];
    uint8_t out[WK_HDLC_LLC + WK_SESSION_REPLY];
};

struct wk_line_config {
    struct wk_hdlc_address address; /* upper: the logical device; lower: the physical one */
    struct wk_hdlc_limits limits;   /* offered to clients */
    int64_t octet_us;               /* 0 = WK_LINE_OCTET_US; longer over a network */
    int64_t inactive_us;            /* 0 = WK_HDLC_LINK_INACTIVE_US */
    struct wk_session_config session;
    struct wk_line_station *stations; /* borrowed */
    size_t station_count;
    uint8_t
        *frame_in; /* borrowed: the longest frame it takes, WK_HDLC_OVERHEAD + information */
    size_t frame_in_room;
    void *self; /* for the functions below */
    /** Sends octets; they are used up when it returns. */
    void (*send)(void *self, const uint8_t *octets, size_t size);
    /** Called after every request that was served, before its reply is sent: the place to commit
     *  what it changed. NULL: nothing to do. */
    void (*served)(void *self);
};

struct wk_line {
    struct wk_line_config config;
    struct wk_hdlc_split split;
    int64_t octet_at_us; /* the last octet came */
    uint32_t requests;
    uint32_t turned_away; /* clients without a station */
    uint8_t frame_out[WK_HDLC_FRAME_MOST];
};

/* Two clocks: the steady one for silences, UTC for what sessions do. */
struct wk_line_time {
    int64_t steady_us;
    int64_t utc_us;
};

/** WK_E_ARGUMENT: a member is missing, a limit out of range, or frame_in too small for the
 *  information offered. */
WK_MUST_USE wk_err wk_line_init(struct wk_line *line, const struct wk_line_config *config);

/** Octets that came. All frames that they complete are served before it returns. */
void wk_line_receive(struct wk_line *line, struct wk_line_time now, const uint8_t *octets,
                     size_t size);

/** Lets time pass: frames that stopped, connections that fell silent. Call it every few
 *  milliseconds while octets come, and at least every second. */
void wk_line_tick(struct wk_line *line, struct wk_line_time now);

/** The line is gone: every connection ends. */
void wk_line_close(struct wk_line *line);

/** How many clients are connected. */
size_t wk_line_connections(const struct wk_line *line);
/** One of them has an association open. */
bool wk_line_is_associated(const struct wk_line *line);

#endif
