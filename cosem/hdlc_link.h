/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/hdlc_link - one connection of the HDLC data link layer of COSEM (IEC 62056-46, 6.4.4 and
 * 6.4.5): unbalanced, two-way alternate; the meter is the secondary, the client the primary.
 *
 * Frames go in, frames come out, one at a time; what carries them is not its concern. APDUs are
 * segmented to the negotiated length, sent in windows, acknowledged and sent again; the LLC
 * sublayer's three octets are put and checked here. There is no REJ in COSEM: what is missing is
 * told by the N(R) of the next acknowledgement.
 *
 * A meter has one link per client and logical device on its line; the owner finds the link
 * of a frame by its addresses. Buffers are the owner's: what it holds is all the memory there is.
 * Time is in microseconds, any steady clock. */
#ifndef WK_COSEM_HDLC_LINK_H
#define WK_COSEM_HDLC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/hdlc.h"

#define WK_HDLC_LLC              3 /* octets before every APDU */
#define WK_HDLC_LINK_INACTIVE_US INT64_C(120000000)
#define WK_HDLC_LINK_ANSWER_US   INT64_C(2000000) /* primary: wait for an answer */
#define WK_HDLC_LINK_POLL_US     INT64_C(100000)  /* primary: asks again who is not ready */
#define WK_HDLC_LINK_TRIES       3                /* primary: of one question */

typedef enum wk_hdlc_state {
    WK_HDLC_DISCONNECTED = 0, /* normal disconnected mode */
    WK_HDLC_CONNECTING,       /* primary: SNRM sent */
    WK_HDLC_CONNECTED,        /* normal response mode */
    WK_HDLC_REJECTING,        /* secondary: FRMR sent; only SNRM and DISC help */
    WK_HDLC_DISCONNECTING,    /* primary: DISC sent */
    WK_HDLC_STATES,
} wk_hdlc_state;

/* What a frame, or the time, brought. */
typedef enum wk_hdlc_event {
    WK_HDLC_NOTHING = 0,
    WK_HDLC_OPENED, /* a new connection; what was under way on an old one has ended */
    WK_HDLC_APDU,   /* wk_hdlc_link_apdu gives it */
    WK_HDLC_NOTE,   /* an APDU came in a UI frame: unconfirmed, nothing is answered */
    WK_HDLC_CLOSED, /* by the other side, by inactivity, or as was asked for */
    WK_HDLC_FAILED, /* primary: refused, rejected, or no answer after all tries */
} wk_hdlc_event;

struct wk_hdlc_link_config {
    bool primary;
    struct wk_hdlc_address local;
    struct wk_hdlc_address
        remote;                   /* secondary: the client's, of the frame that made the link */
    struct wk_hdlc_limits limits; /* offered */
    uint8_t *in;                  /* an APDU that comes, and its LLC octets */
    size_t in_room;               /* WK_HDLC_LLC + the longest APDU */
    uint8_t *out;                 /* an APDU that goes, likewise */
    size_t out_room;
    int64_t inactive_us; /* 0 = WK_HDLC_LINK_INACTIVE_US */
    int64_t answer_us;   /* 0 = WK_HDLC_LINK_ANSWER_US */
    uint8_t tries;       /* primary; 0 = WK_HDLC_LINK_TRIES */
};

struct wk_hdlc_link_counts {
    uint32_t frames_in;
    uint32_t frames_out;
    uint32_t repeated; /* I frames sent again */
    uint32_t rejected; /* FRMR sent or received */
    uint32_t timeouts;
};

struct wk_hdlc_link {
    struct wk_hdlc_link_config config;
    struct wk_hdlc_limits agreed;
    wk_hdlc_state state;
    bool turn;      /* we may send */
    bool answering; /* an unnumbered answer is to be sent: `answer` */
    wk_hdlc_control answer;
    uint8_t reject[3]; /* information of FRMR */
    uint8_t vs;        /* N(S) of the next frame */
    uint8_t va;        /* oldest of ours that is not acknowledged */
    uint8_t vr;        /* N(S) that is expected */
    uint8_t high;      /* furthest vs: frames below it were sent before */
    bool busy;         /* the other side takes no information now (RNR) */
    size_t in_size;
    bool in_ready; /* an APDU is complete in `in` */
    size_t out_size;
    size_t out_acked; /* octets the other side has for sure */
    int64_t heard_us; /* the last good frame */
    int64_t due_us;   /* primary: when the answer is overdue; 0 = nothing is awaited */
    uint8_t tries;
    bool expecting; /* primary: an APDU is awaited */
    const uint8_t *note;
    size_t note_size;
    struct wk_hdlc_link_counts counts;
};

/** WK_E_ARGUMENT: a buffer is missing or too small for the LLC octets, or a limit out of range. */
WK_MUST_USE wk_err wk_hdlc_link_init(struct wk_hdlc_link *link,
                                     const struct wk_hdlc_link_config *config);

/** Whether a frame is for a station with this address: its own, or one of those that stand for
 *  all. */
bool wk_hdlc_is_for(const struct wk_hdlc_address *own,
                    const struct wk_hdlc_address *destination);

/** A good frame for this link. Send what wk_hdlc_link_output gives afterwards. */
wk_hdlc_event wk_hdlc_link_receive(struct wk_hdlc_link *link, int64_t now_us,
                                   const struct wk_hdlc_frame *frame);

/** After WK_HDLC_APDU or WK_HDLC_NOTE, until the next call: the APDU without LLC octets. */
struct wk_bytes_in wk_hdlc_link_apdu(const struct wk_hdlc_link *link);

/** Where the next APDU to send is to be written; its LLC octets are there already. */
struct wk_bytes_out wk_hdlc_link_begin(struct wk_hdlc_link *link);
/** Sends what was written. An empty APDU: nothing is sent but the acknowledgement. WK_E_STATE: no
 *  connection, or one is under way; WK_E_FULL: it did not fit. */
WK_MUST_USE wk_err wk_hdlc_link_send(struct wk_hdlc_link *link, int64_t now_us,
                                     const struct wk_bytes_out *apdu);

/** Appends the next frame that is to be sent now; false if there is none. */
bool wk_hdlc_link_output(struct wk_hdlc_link *link, int64_t now_us, struct wk_bytes_out *out);

/** Lets time pass: inactivity, and for the primary answers that are overdue. */
wk_hdlc_event wk_hdlc_link_tick(struct wk_hdlc_link *link, int64_t now_us);

/* ---- the primary ------------------------------------------------------------------------- */

/** WK_E_STATE: it is connected or under way. */
WK_MUST_USE wk_err wk_hdlc_link_connect(struct wk_hdlc_link *link, int64_t now_us);
/** Ends the connection; right in every state. */
void wk_hdlc_link_disconnect(struct wk_hdlc_link *link, int64_t now_us);

#endif
