/* SPDX-License-Identifier: Apache-2.0
 *
 * link/packet - what goes over a path between a meter and its head-end: packets of frames.
 *
 * One packet is one datagram; over a stream of octets its length goes before it (16 bits). Its
 * head names the session of the path and numbers the packet; frames follow up to its end. Numbers
 * are variable: seven bits an octet, least significant first (LEB128). docs/on-wire.md has every
 * octet.
 *
 *   from the meter        HELLO STREAM...  ANNOUNCE  RECORD  PIECE  GAP  DESCRIPTION  PROBE  TALK
 *   from the head-end     WELCOME ACK... WANT...  REPORT  ACK  RESET  TALK
 *
 * A record is one entry of the buffer of a Profile generic (class 7), as A-XDR; its sequence is the
 * number of that entry over the life of the profile. REPORT says which packets arrived, and when:
 * rate, delay and loss of a path are judged by it alone. ACK says which records the database has
 * committed: only that lets the meter forget. ANNOUNCE says what is about to become a record, before the meter's
 * own store has it: it is never acknowledged, and the record follows. TALK carries the datagrams of somebody else's
 * conversation, commands and their answers: it may be lost, and who talks asks again. ECHO comes back as it
 * is: who looks for a fault tries a path by it, from either end. */
#ifndef WK_LINK_PACKET_H
#define WK_LINK_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_LINK_VERSION   1
#define WK_LINK_HEAD      8    /* octets of a packet before its frames */
#define WK_LINK_PACKET    1400 /* octets of a packet, most */
#define WK_LINK_RECORD    2048 /* octets of a record, most */
#define WK_LINK_GRANULE   8    /* pieces of a record begin at multiples of this */
#define WK_LINK_STREAMS   16   /* of a meter, most */
#define WK_LINK_WINDOW    64   /* records of a stream that may wait for their ACK */
#define WK_LINK_SEEN      32   /* packets before the newest that a report tells of */
#define WK_LINK_TITLE     8
#define WK_LINK_NONCE     16
#define WK_LINK_TALK      208 /* octets of a datagram of a conversation, most: fits any packet */
#define WK_LINK_ANNOUNCED 160 /* octets of an announced record, most: fits any packet */
#define WK_LINK_AROUND    16 /* octets around a record, piece or gap in a packet, most of them */

/* High four bits of the first octet of a frame; the low four are the stream, of TALK the
 * conversation, of ECHO 0 or, on its way back, 1. */
typedef enum wk_link_kind {
    WK_LINK_FRAME_RECORD = 1,       /* a whole record */
    WK_LINK_FRAME_PIECE = 2,        /* part of a record */
    WK_LINK_FRAME_GAP = 3,          /* records that never will come, and why */
    WK_LINK_FRAME_ACK = 4,          /* committed: all before `next`, and those of the bitmap */
    WK_LINK_FRAME_STREAM = 5,       /* what a stream is */
    WK_LINK_FRAME_HELLO = 6,        /* who speaks: opens a session */
    WK_LINK_FRAME_WELCOME = 7,      /* answers HELLO */
    WK_LINK_FRAME_REPORT = 8,       /* which packets arrived */
    WK_LINK_FRAME_PROBE = 9,        /* asks for REPORT and ACK */
    WK_LINK_FRAME_RESET = 10,       /* this session is not known: say HELLO */
    WK_LINK_FRAME_DESCRIPTION = 11, /* capture objects of a stream, or part of them */
    WK_LINK_FRAME_WANT = 12,        /* the description is wanted */
    WK_LINK_FRAME_TALK = 13,        /* a datagram of a conversation */
    WK_LINK_FRAME_ECHO = 14,        /* comes back; the stream is 1 of what came back */
    WK_LINK_FRAME_ANNOUNCE = 15,    /* a record that is about to be stored */
} wk_link_kind;

/* Why records are missing. */
typedef enum wk_link_reason {
    WK_LINK_OVERWRITTEN = 1, /* no longer held: overwritten, or the profile was cleared */
    WK_LINK_CORRUPT = 2,     /* the store could not read them */
    WK_LINK_TOO_LONG = 3,    /* longer than WK_LINK_RECORD */
} wk_link_reason;

/* What a stream is worth: who goes first. */
typedef enum wk_link_class {
    WK_LINK_ALARM = 0, /* at once, on every path */
    WK_LINK_COMMAND,   /* answers to commands, live values */
    WK_LINK_BILLING,
    WK_LINK_PROFILE,
    WK_LINK_BULK, /* only what nobody else uses */
    WK_LINK_CLASSES,
} wk_link_class;

struct wk_link_head {
    bool sealed;
    bool opens; /* HELLO and WELCOME: sealed with the key of the meter, not of the session */
    uint32_t session;
    uint32_t number; /* 24 bits of it */
};

/* Members that a kind does not use are 0. */
struct wk_link_frame {
    wk_link_kind kind;
    uint8_t stream;
    uint64_t sequence;   /* RECORD, PIECE, GAP: of the (first) record; STREAM: the oldest held;
                          ANNOUNCE: that it will have */
    uint64_t next;       /* ACK: first that is not committed; STREAM: first not yet made */
    uint64_t bitmap;     /* ACK: bit n = next + 1 + n is committed */
    uint64_t count;      /* GAP: records */
    uint64_t epoch;      /* HELLO, WELCOME: of the meter's store */
    uint32_t at;         /* PIECE, DESCRIPTION: octets before this part */
    uint32_t total;      /* ... octets of the whole */
    uint32_t check;      /* STREAM: CRC-32C of its description */
    uint32_t highest;    /* REPORT: newest packet that arrived, 24 bits */
    uint32_t seen;       /* REPORT: bit n = highest - 1 - n arrived */
    uint32_t arrival_us; /* REPORT: when `highest` did, by the clock of the receiver */
    uint32_t held_us;    /* REPORT: how long ago that was */
    uint8_t worth;       /* STREAM: wk_link_class */
    uint8_t reason;      /* GAP: wk_link_reason */
    uint8_t obis[6];     /* STREAM: of the Profile generic */
    uint8_t title[WK_LINK_TITLE]; /* HELLO: system title */
    uint8_t nonce[WK_LINK_NONCE]; /* HELLO, WELCOME */
    struct wk_bytes_in octets; /* RECORD, PIECE, DESCRIPTION, TALK, ECHO, ANNOUNCE: borrowed */
};

void wk_link_write_head(struct wk_bytes_out *out, const struct wk_link_head *head);
/** Faults: WK_E_SHORT; WK_E_UNSUPPORTED for another version. */
void wk_link_read_head(struct wk_bytes_in *in, struct wk_link_head *head);

/** Appends a frame; a fault of `out` if there is no room. */
void wk_link_write(struct wk_bytes_out *out, const struct wk_link_frame *frame);
/** Reads the next frame. Faults: WK_E_SHORT; WK_E_FORMAT for a kind that is not known or a number that is
 *  too long; WK_E_RANGE for a member out of its range: a length over WK_LINK_RECORD, a part
 *  outside its whole or not at a granule, a gap of nothing or beyond the last number. */
void wk_link_read(struct wk_bytes_in *in, struct wk_link_frame *frame);

/** Octets around a record or piece of this sequence: kind, sequence, place, total, length. */
size_t wk_link_around(uint64_t sequence);

/** The whole number whose last 24 bits are `low` and that is nearest to `near_to`. */
uint32_t wk_link_number(uint32_t low, uint32_t near_to);

#endif
