/* SPDX-License-Identifier: Apache-2.0
 *
 * link/receiver - the head-end's end of the link, for one meter.
 *
 * It puts records together, refuses what came before, reports what arrived and acknowledges what
 * the database has committed - and only that. What it holds can be lost at any time: the database
 * knows, of each meter, epoch and stream, what it has (unique by meter, epoch, stream, sequence),
 * and tells when the meter says HELLO.
 *
 *   record  ->  taken  ->  the owner commits  ->  wk_link_receiver_committed  ->  ACK
 *                      \-> the commit failed  ->  wk_link_receiver_failed: the meter sends again
 *
 * Another epoch is believed only from a session that has proven itself: who sends a recorded HELLO has no
 * key for what follows. The meter hears RESET then, and says HELLO once more.
 *
 * Packets find their receiver by the number of their session, or, of HELLO, by the system title:
 * that is the owner's to look up.
 *
 * Memory: 12 kB. Context: one thread. */
#ifndef WK_LINK_RECEIVER_H
#define WK_LINK_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link/packet.h"
#include "link/seal.h"

#define WK_LINK_SESSIONS       4 /* paths of a meter, most; the one not heard longest gives way */
#define WK_LINK_ASSEMBLIES     4     /* records in pieces at a time, most */
#define WK_LINK_REPORT_US      20000 /* a report waits no longer for company */
#define WK_LINK_ACK_WAIT_US    20000 /* likewise an ACK that is not of an alarm or command */
#define WK_LINK_REPORT_PACKETS 2     /* ... and goes at once behind that many packets */

struct wk_link_receiver;

/* Where a stream stands, as the database has it. */
struct wk_link_stand {
    uint64_t next;   /* first that is not committed */
    uint64_t bitmap; /* bit n: next + 1 + n is */
    uint32_t check;  /* of the description it has; another, or 0: it is wanted */
};

/* What the receiver asks of its owner; `self` is that of the config. */
struct wk_link_receiver_config {
    void *self;
    uint64_t
        instance; /* another after each start: tells meters that what was not committed is gone */
    const struct wk_hal_crypto *crypto; /* NULL: carriers protect */
    const struct wk_hal_key *key;
    /** Where a stream of HELLO stands. */
    wk_err (*resume)(void *self, const struct wk_link_receiver *of,
                     const struct wk_link_frame *stream, struct wk_link_stand *stand);
    /** Takes a record to commit it. Every error: not taken, it is to come again. */
    wk_err (*record)(void *self, const struct wk_link_receiver *of, uint8_t stream,
                     uint64_t sequence, struct wk_bytes_in octets);
    /** Likewise for records that will never come. */
    wk_err (*gap)(void *self, const struct wk_link_receiver *of, uint8_t stream, uint64_t first,
                  uint64_t count, uint8_t reason);
    /** What is in records of a stream. */
    wk_err (*describe)(void *self, const struct wk_link_receiver *of, uint8_t stream,
                       struct wk_bytes_in octets);
    /** A record is announced: the meter is about to store it as `sequence`. It is borrowed. NULL: nobody asks. */
    void (*announced)(void *self, const struct wk_link_receiver *of, uint8_t stream,
                      uint64_t sequence, struct wk_bytes_in octets);
    /** Sends a packet the way the session's came; errors are as good as a loss. */
    wk_err (*transmit)(void *self, const struct wk_link_receiver *to, uint8_t session,
                       const uint8_t *packet, size_t length);
    wk_err (*random)(void *self, void *to, size_t size);
    /** A datagram of a conversation came; it is borrowed. NULL: nobody talks. */
    void (*talk)(void *self, const struct wk_link_receiver *from, uint8_t conversation,
                 struct wk_bytes_in datagram);
    /** What wk_link_receiver_echo sent is back; its first octet. NULL: nobody tries paths. */
    void (*echoed)(void *self, const struct wk_link_receiver *from, uint8_t session,
                   uint8_t number);
};

struct wk_link_inflow {
    bool known;
    uint8_t worth;
    uint8_t obis[6];
    uint64_t next;
    uint64_t done;   /* bit n: next + n is committed */
    uint64_t taken;  /* bit n: next + n is taken, its commit awaited */
    uint64_t oldest; /* as the meter told */
    uint64_t made;
    uint64_t announced; /* behind the newest that was, since the last HELLO */
    uint32_t check;
    bool wanted;
    bool dirty; /* an ACK is due */
    uint64_t records;
    uint64_t repeated;
    uint64_t missing;
};

struct wk_link_session {
    uint32_t id; /* 0: free */
    bool sealed;
    bool welcome; /* HELLO is to be answered */
    bool
        unproven; /* its HELLO names another epoch, and may be an old one that somebody recorded */
    uint64_t epoch;               /* ... that one */
    uint8_t nonce[WK_LINK_NONCE]; /* ... of the meter */
    bool any;
    uint32_t highest;
    uint32_t seen;
    int64_t arrival_us;
    int64_t heard_us;
    uint8_t unreported;
    bool asked;  /* report at once */
    bool echoes; /* of the packet that is being taken an echo was sent back */
    int64_t report_us;
    uint32_t sent; /* number of the last packet to the meter */
    struct wk_link_keys keys;
    uint64_t packets;
    uint64_t octets;
};

struct wk_link_assembly {
    bool used;
    bool describes;
    uint8_t stream;
    uint64_t sequence;
    uint32_t total;
    uint32_t left;                                      /* granules that did not come */
    uint8_t have[WK_LINK_RECORD / WK_LINK_GRANULE / 8]; /* a bit each */
    int64_t touched_us;
    uint8_t octets[WK_LINK_RECORD];
};

struct wk_link_receiver {
    struct wk_link_receiver_config config;
    uint8_t title[WK_LINK_TITLE];
    uint64_t epoch;
    uint64_t
        proven; /* an epoch that a session has proven to be the meter's: HELLO may name it */
    bool met;   /* HELLO came */
    uint8_t newest; /* session that was heard last */
    int64_t ack_us; /* when ACKs are due */
    struct wk_link_inflow streams[WK_LINK_STREAMS];
    struct wk_link_session sessions[WK_LINK_SESSIONS];
    struct wk_link_assembly assemblies[WK_LINK_ASSEMBLIES];
    uint8_t packet[WK_LINK_PACKET + WK_LINK_SEAL];
};

void wk_link_receiver_init(struct wk_link_receiver *receiver,
                           const struct wk_link_receiver_config *config,
                           const uint8_t title[WK_LINK_TITLE]);

/** The session with this number, or WK_LINK_SESSIONS. */
uint8_t wk_link_receiver_session(const struct wk_link_receiver *receiver, uint32_t id);

/** A packet of this meter; it is opened in place. is_protected: the carrier proved by itself that it
 *  is from this meter (TLS with its certificate): only then may it come unsealed. On success *session is that which it came by, so
 *  that the owner knows where to answer, before anything is sent. WK_E_NOT_FOUND: the session is not
 *  known, or was only to prove an epoch: answer with wk_link_receiver_reset. Other errors: it is to be dropped. */
WK_MUST_USE wk_err wk_link_receiver_take(struct wk_link_receiver *receiver, uint8_t *packet,
                                         size_t length, bool is_protected, int64_t now_us,
                                         uint8_t *session);

/** The commit of what was taken is done; sequence.. sequence + count - 1. */
void wk_link_receiver_committed(struct wk_link_receiver *receiver, uint8_t stream,
                                uint64_t sequence, uint64_t count, int64_t now_us);
/** ... or failed: nothing that was taken counts. */
void wk_link_receiver_failed(struct wk_link_receiver *receiver);

/** What is to be said to a session is said in the next step: where it can go only now. */
void wk_link_receiver_hurry(struct wk_link_receiver *receiver, uint8_t session);
/** Sends a datagram of a conversation, at once and by the path that was heard last. It may be lost.
 *  WK_E_FULL: longer than WK_LINK_TALK; WK_E_CLOSED: the meter was never heard. */
WK_MUST_USE wk_err wk_link_receiver_say(struct wk_link_receiver *receiver, uint8_t conversation,
                                        struct wk_bytes_in datagram);

/** Sends an echo by a session, as wk_link_sender_echo. WK_E_CLOSED: there is no such session. */
WK_MUST_USE wk_err wk_link_receiver_echo(struct wk_link_receiver *receiver, uint8_t session,
                                         uint8_t number, size_t size);
/** Sends reports and ACKs that are due. */
void wk_link_receiver_step(struct wk_link_receiver *receiver, int64_t now_us);
int64_t wk_link_receiver_due_us(const struct wk_link_receiver *receiver);

/** The answer to a packet of a session that nobody knows; 0: none is due. `room` of at least 16. */
size_t wk_link_receiver_reset(const uint8_t *packet, size_t length, uint8_t *answer);

#endif
