/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_part - what the parts of headend/uplink have in common; nobody else includes it.
 *
 *   uplink_port_*  carriers: packets in, packets out          \
 *   uplink_find    whose they are                             |
 *   uplink_listen  and what is due                            | one thread, never waits for the archive
 *   uplink_take    what a receiver asks; batches fill         |
 *   uplink_talk    what clients say to meters, and hear       |
 *   uplink_check   how a meter is heard; the test of a path   /
 *   uplink_write   batches are committed, then made use of      another */
#ifndef WK_HEADEND_UPLINK_PART_H
#define WK_HEADEND_UPLINK_PART_H

#include <pthread.h>

#include "cosem/obis.h"
#include "headend/due.h"
#include "headend/uplink.h"
#include "headend/uplink_announced.h"
#include "headend/uplink_port.h"
#include "link/receiver.h"
#include "port/linux/crypto.h"

/* Where sessions are: a table of open addressing that is a quarter full at most. */
struct wk_uplink_session {
    uint32_t id;
    uint32_t peer; /* counted from 1; 0: free */
};

#define WK_UPLINK_TALKS                                                                        \
    16 /* clients of a meter at a time; the one that was silent longest gives way */

struct wk_uplink_client {
    uint16_t port; /* on 127.0.0.1, in the order of the network; 0: free */
    int64_t heard_us;
};

struct wk_uplink_peer {
    struct wk_uplink *uplink;
    struct wk_registry_meter *meter;
    int talk; /* socket of its clients; -1: they reach it otherwise */
    struct wk_uplink_client clients[WK_UPLINK_TALKS];
    struct wk_hal_key key;
    struct wk_uplink_address from[WK_LINK_SESSIONS];
    struct wk_link_receiver receiver;
    uint32_t listed[WK_LINK_SESSIONS]; /* sessions that are in the table; 0: none */
    /* of the thread that writes */
    struct wk_archive_link *links[WK_LINK_STREAMS]; /* owned; NULL: not yet looked at */
    struct wk_uplink_announced *announced;          /* owned; NULL: nothing ever was */
    bool touched; /* something may be to apply: it is in the list of the uplink */
    bool failing; /* ... and could not be, last time */
};

typedef enum wk_uplink_pending_kind {
    WK_UPLINK_PENDING_RECORD,
    WK_UPLINK_PENDING_GAP,
    WK_UPLINK_PENDING_DESCRIPTION,
    WK_UPLINK_PENDING_LOOK, /* a meter came: what was kept before a restart may be to apply */
    WK_UPLINK_PENDING_ANNOUNCED,
} wk_uplink_pending_kind;

struct wk_uplink_pending {
    wk_uplink_pending_kind kind;
    struct wk_uplink_peer *peer;
    uint64_t epoch;
    uint8_t stream;
    uint8_t reason;
    uint8_t obis[WK_OBIS_SIZE];
    uint32_t check; /* of a description */
    uint64_t sequence;
    uint64_t count; /* of a gap */
    size_t at;      /* in octets */
    size_t size;
};

struct wk_uplink_batch {
    size_t waiting;
    size_t used;
    struct wk_uplink_pending pending[WK_UPLINK_PENDING];
    uint8_t octets[WK_UPLINK_OCTETS];
};

/* One thread has the ports and the receivers, and never waits for the archive: how late a report
 * is, meters take for the delay of the path. The other writes. A batch belongs to the first while it
 * fills, and to the second from `job` to `done`. */
struct wk_uplink {
    struct wk_uplink_config config;
    struct wk_crypto crypto;
    pthread_t listener;
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool job;      /* under the lock: `writing` is to be committed */
    bool ending;   /* under the lock */
    wk_err result; /* of the last commit; before `done` is signalled */
    bool busy;     /* of the listener: a batch is with the writer */
    uint8_t port_count;
    struct wk_uplink_port ports[WK_UPLINK_PORTS];
    int stop;
    int done;
    int talk; /* an epoll of the sockets of clients */
    int poke; /* a test was begun */
    pthread_mutex_t
        turn; /* the listener has it but while it waits: who has it may look at receivers */
    struct wk_link_check
        check; /* under `turn`, likewise: the last test, or that under way ... */
    struct wk_uplink_peer *checked; /* ... of this meter; NULL: none yet */
    size_t peers;
    struct wk_uplink_peer *peer;
    uint32_t *titles; /* peers in the order of their titles */
    struct wk_uplink_session *sessions;
    size_t session_room; /* a power of two */
    struct wk_due due;   /* when receivers are to be stepped, in us */
    /* of the thread that writes */
    struct wk_uplink_peer **touched;
    size_t touched_count;
    int64_t pause_ms; /* before what could not be applied is tried again */
    struct wk_uplink_batch *filling;
    struct wk_uplink_batch *writing;
    struct wk_uplink_batch batches[2];
};

/** The steady clock. */
int64_t wk_uplink_now_us(void);
/** What a receiver asks its owner, who is `peer`. */
void wk_uplink_peer_init(struct wk_uplink_peer *peer, uint64_t instance);
/** A packet of a port came; `self` is the uplink. */
void wk_uplink_packet(void *self, const struct wk_uplink_address *from, uint8_t *packet,
                      size_t length);
/** Makes the socket of a peer whose meter is reached by its link. WK_E_IO: the system refuses. */
WK_MUST_USE wk_err wk_uplink_talk_open(struct wk_uplink_peer *peer);
void wk_uplink_talk_close(struct wk_uplink_peer *peer);
/** Of the thread that listens: carries what clients sent. */
void wk_uplink_talk_serve(struct wk_uplink *uplink);
/** A meter answered: as `talk` of wk_link_receiver_config; `self` is the peer. */
void wk_uplink_talk_answer(void *self, const struct wk_link_receiver *from,
                           uint8_t conversation, struct wk_bytes_in datagram);
/** Makes what finds peers, once all of them are there. WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_uplink_find_init(struct wk_uplink *uplink);
void wk_uplink_find_free(struct wk_uplink *uplink);
/** NULL: there is no such meter. */
struct wk_uplink_peer *wk_uplink_by_title(const struct wk_uplink *uplink, const uint8_t *title);
/** ... no such session, or not more than `skip` of them. */
struct wk_uplink_peer *wk_uplink_by_session(const struct wk_uplink *uplink, uint32_t id,
                                            size_t skip);
/** After anything happened to a receiver: lists its sessions, and when it is due. */
void wk_uplink_renew(struct wk_uplink_peer *peer);
/** Steps the receivers that are due; how many milliseconds until the next is, a second at most. */
int wk_uplink_step(struct wk_uplink *uplink);
/** An echo is back: as `echoed` of wk_link_receiver_config; `self` is the peer. */
void wk_uplink_check_back(void *self, const struct wk_link_receiver *from, uint8_t session,
                          uint8_t number);
/** Of the thread that listens: sends what a test has to send. When it is to be called again. */
int64_t wk_uplink_check_tend(struct wk_uplink *uplink, int64_t now_us);
/** The thread that has ports and receivers; `self` is the uplink. */
void *wk_uplink_listen(void *self);
/** The thread that writes; likewise. */
void *wk_uplink_write(void *self);
/** Of the thread that listens: gives what came to the writer, if he is free. */
void wk_uplink_hand_over(struct wk_uplink *uplink);
/** ... The writer is done: what it committed is acknowledged, or everything taken is forgotten, and comes
 *  again. */
void wk_uplink_take_back(struct wk_uplink *uplink);

#endif
