/* SPDX-License-Identifier: Apache-2.0
 *
 * link/sender - the meter's end of the link: its streams over its paths, and nothing lost.
 *
 * What is sent first is decided when a packet leaves, never before: alarm, command, billing,
 * profile, bulk. Nothing is handed to a carrier that would wait there; so an alarm waits for one
 * packet at most (link/pace). Alarms go on every path that is up, at once; all else on one. If that
 * is suspect, what was on its way goes over another in the same step. Back it goes only when the
 * other has been better by WK_LINK_BETTER for a while, which doubles as long as paths flap.
 *
 * The owner gives time and packets, and sends what `transmit` gets:
 *
 *   wk_link_sender_carry(...)     a socket connected, a modem registered
 *   wk_link_sender_receive(...)   a packet came
 *   wk_link_sender_step(...)      at wk_link_sender_due_us, and whenever records were made
 *
 * Memory: 5 kB and 5 kB a path. Context: one thread. */
#ifndef WK_LINK_SENDER_H
#define WK_LINK_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link/packet.h"
#include "link/path.h"
#include "link/seal.h"
#include "link/stream.h"

#define WK_LINK_PATHS        4
#define WK_LINK_AGAIN        16 /* lost pieces that are remembered; more: the record anew */
#define WK_LINK_BETTER       15 /* points */
#define WK_LINK_HOLD_US      INT64_C(30000000)
#define WK_LINK_HOLD_MOST_US INT64_C(600000000)
#define WK_LINK_STEP_PACKETS 32 /* in one step and on one path, most */
#define WK_LINK_NO_PATH      0xff
#define WK_LINK_BUSY_US      10000
#define WK_LINK_ANNOUNCE_US  2000
#define WK_LINK_SAID         4 /* datagrams of conversations that wait for a packet, most */
/* A step that comes later than this, or soon after such a one, judges no path: what came meanwhile
 * lies unread. But for no longer than the second. */
#define WK_LINK_LATE_US      20000
#define WK_LINK_LATE_MOST_US INT64_C(1000000)

struct wk_link_config {
    const struct wk_link_source *sources;
    uint8_t source_count;
    const struct wk_link_path_rules *paths;
    uint8_t path_count;
    uint8_t title[WK_LINK_TITLE];
    uint64_t epoch;                     /* of the store: another after its records were lost */
    const struct wk_hal_crypto *crypto; /* NULL: every carrier protects by itself */
    const struct wk_hal_key *key;       /* shared with the head-end */
    bool seal[WK_LINK_PATHS];           /* paths whose carrier does not protect */
    void *self;                         /* of the functions below */
    /** Sends a packet; is_urgent: an alarm, or what asks whether the path works. WK_E_BUSY: the carrier
     *  takes none now, it is tried again after WK_LINK_BUSY_US or when something comes that way; every other
     *  error: the path is to be taken as not carried. */
    wk_err (*transmit)(void *self, uint8_t path, const uint8_t *packet, size_t length,
                       bool is_urgent);
    /** Unpredictable octets. */
    wk_err (*random)(void *self, void *to, size_t size);
    /** A datagram of a conversation came; it is borrowed. Not from within: answer with
     *  wk_link_sender_say when wk_link_sender_receive has returned. NULL: nobody talks. */
    void (*talk)(void *self, uint8_t conversation, struct wk_bytes_in datagram);
    /** What wk_link_sender_echo sent is back; its first octet. NULL: nobody tries paths. */
    void (*echoed)(void *self, uint8_t path, uint8_t number);
    /** Shows a packet that goes or came, as it is in clear. NULL: nobody watches. */
    void (*watch)(void *self, uint8_t path, bool to_headend, const uint8_t *packet,
                  size_t length);
};

/* A datagram that waits. */
struct wk_link_said {
    uint8_t conversation;
    uint8_t size;
    uint8_t octets[WK_LINK_TALK];
};

struct wk_link_sender {
    struct wk_link_config config;
    struct wk_link_stream streams[WK_LINK_STREAMS];
    struct wk_link_path paths[WK_LINK_PATHS];
    struct wk_link_keys keys[WK_LINK_PATHS];
    uint8_t nonce[WK_LINK_PATHS][WK_LINK_NONCE];
    uint32_t heard[WK_LINK_PATHS]; /* number of the newest packet that came */
    uint8_t active;                /* WK_LINK_NO_PATH */
    uint64_t instance;             /* of the head-end */
    bool met;                      /* ... it has one */
    uint8_t better;                /* a path that would be better */
    int64_t better_since_us;
    int64_t hold_us;
    int64_t chosen_us; /* when `active` was chosen because it was better */
    uint32_t switches;
    int64_t due_us;   /* when the next step was to be */
    int64_t late_us;  /* since when steps come too late; 0: they do not */
    int64_t judge_us; /* paths are judged from then on */
    uint8_t again_count;
    struct wk_link_item again[WK_LINK_AGAIN];
    bool echoes; /* of the packet that is being taken an echo was sent back */
    uint8_t said_count;
    struct wk_link_said said[WK_LINK_SAID];
    uint8_t record_stream; /* what is in `record` */
    uint64_t record_sequence;
    bool record_is_read;
    size_t record_size;
    uint8_t record[WK_LINK_RECORD];
    uint8_t packet[WK_LINK_PACKET + WK_LINK_SEAL];
};

/** WK_E_ARGUMENT: no source or path, too many, two sources of one id, or nothing that seals where
 *  a path needs it. */
WK_MUST_USE wk_err wk_link_sender_init(struct wk_link_sender *sender,
                                       const struct wk_link_config *config, int64_t now_us);

/** A carrier takes packets from now on, or does no more. */
void wk_link_sender_carry(struct wk_link_sender *sender, uint8_t path, bool carried,
                          int64_t now_us);
/** The modem of a path sleeps from now on, or is awake: see wk_link_path_rest. */
void wk_link_sender_rest(struct wk_link_sender *sender, uint8_t path, bool rests,
                         int64_t now_us);
/** An alarm waits, for which a path that rests is to be woken. */
bool wk_link_sender_is_urgent(const struct wk_link_sender *sender);
/** A packet came; `packet` is opened in place. WK_E_FORMAT, WK_E_AUTH ...: it is none for us, and
 *  nothing changed but what frames before the fault said. */
WK_MUST_USE wk_err wk_link_sender_receive(struct wk_link_sender *sender, uint8_t path,
                                          uint8_t *packet, size_t length, int64_t now_us);
/** Sends a datagram of a conversation with the next packet, as a command (wk_link_class). It may be lost.
 *  WK_E_FULL: longer than WK_LINK_TALK; WK_E_BUSY: WK_LINK_SAID wait already. */
WK_MUST_USE wk_err wk_link_sender_say(struct wk_link_sender *sender, uint8_t conversation,
                                      struct wk_bytes_in datagram);
/** Sends an echo by a path, whose first octet is `number`, in a packet of its own, to see whether and how soon it is
 *  back. WK_E_FULL: `size` is not 1..WK_LINK_TALK, or more than a packet of the path takes; WK_E_CLOSED: the path is down; WK_E_BUSY: too much is on its
 *  way. */
WK_MUST_USE wk_err wk_link_sender_echo(struct wk_link_sender *sender, uint8_t path,
                                       uint8_t number, size_t size, int64_t now_us);
/** Tells at once of a record of stream `stream` that is about to be stored: what it will be, and the number that
 *  it will have; by every path that is up, but not by one that is busy and would take longer for it than
 *  WK_LINK_ANNOUNCE_US: there the record comes no later. It follows when it is there; what is announced may
 *  be lost, and nothing waits for it. WK_E_FULL: not 1..WK_LINK_ANNOUNCED octets; WK_E_CLOSED: no path
 *  took it. */
WK_MUST_USE wk_err wk_link_sender_announce(struct wk_link_sender *sender, uint8_t stream,
                                           uint64_t sequence, struct wk_bytes_in record,
                                           int64_t now_us);
/** Sends all that may be sent now. */
void wk_link_sender_step(struct wk_link_sender *sender, int64_t now_us);
/** When the next step may have something to do, if no record is made before. */
int64_t wk_link_sender_due_us(const struct wk_link_sender *sender);

/** A path whose carrier was busy may take a packet again. */
void wk_link_sender_ready(struct wk_link_sender *sender, uint8_t path);
/** True while records went whose ACK is to come: a carrier that only brings what it asks for asks. */
bool wk_link_sender_awaits(const struct wk_link_sender *sender);
/** Records that the head-end has not committed. */
uint64_t wk_link_sender_behind(const struct wk_link_sender *sender);

#endif
