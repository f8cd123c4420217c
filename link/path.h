/* SPDX-License-Identifier: Apache-2.0
 *
 * link/path - one way to the head-end: what is on it, whether it works, how well.
 *
 *   state    | welcomed | report   | overdue            | probe overdue      | carrier lost
 *   DOWN     | UP       |          |                    |                    | DOWN
 *   UP       | UP       | UP       | SUSPECT, all lost  |                    | DOWN, all lost
 *   SUSPECT  | UP       | UP       |                    | SUSPECT; 3rd: DOWN | DOWN
 *   RESTING  |          |          |                    |                    | DOWN
 *
 * A path whose modem sleeps rests: nothing goes there, nothing is judged, and its session stays, so
 * that it goes on where it was as soon as the modem is awake.
 *
 * Overdue is a packet that no report told of in the smoothed round trip, four of its deviations
 * and 200 ms. Traffic itself is the probe; an idle path is asked every `probe_us`. What is lost is
 * handed back to the owner, which sends it again, on this path or another.
 *
 * Memory: 5 kB. Context: one thread. */
#ifndef WK_LINK_PATH_H
#define WK_LINK_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link/pace.h"
#include "link/packet.h"

#define WK_LINK_FLIGHT  64 /* packets of a path without report, most */
#define WK_LINK_ITEMS   6  /* records or pieces in a packet, most */
#define WK_LINK_REORDER 3  /* a packet this much older than the newest that arrived is lost */
#define WK_LINK_PROBES  3  /* without report: the path is down */
#define WK_LINK_HELLO_FIRST_US                                                                 \
    INT64_C(1000000) /* doubles, up to twice what an idle path waits */
#define WK_LINK_PROBE_FIRST_US INT64_C(500000) /* of a path that is suspect; doubles */
#define WK_LINK_NEVER_US       INT64_MAX

typedef enum wk_link_path_state {
    WK_LINK_DOWN = 0,
    WK_LINK_UP,
    WK_LINK_SUSPECT,
    WK_LINK_RESTING,
} wk_link_path_state;

/* What a packet carried of a stream. */
struct wk_link_item {
    uint8_t kind; /* RECORD, PIECE or GAP */
    uint8_t stream;
    uint8_t granule;   /* PIECE: the first */
    uint8_t count;     /* PIECE: granules; GAP: records in the window */
    uint16_t sequence; /* its low 16 bits */
};

struct wk_link_flown {
    uint32_t number;
    uint32_t octets; /* on the wire; 0: reported, or lost */
    int64_t sent_us;
    int64_t newest_sent_us;    /* of the newest packet that had arrived when this one went */
    int64_t newest_arrival_us; /* ... when that arrived, by the far end's clock; 0: none had */
    uint32_t arrived;          /* octets that had arrived */
    bool limited;
    uint8_t items;
    struct wk_link_item item[WK_LINK_ITEMS];
};

struct wk_link_path_rules {
    uint32_t
        overhead;   /* octets a packet takes on the wire beside its own: 28 of IPv4 and UDP */
    uint32_t most;  /* octets of a packet, up to WK_LINK_PACKET */
    uint32_t least; /* ... of a full one, where each costs a round trip; 0: by the rate alone */
    uint8_t cost;   /* 0..100, taken off the score: metered paths are dear */
    int64_t probe_us; /* an idle path is asked this often */
    uint64_t budget;  /* octets a month; 0: as many as there are */
    bool alarms_only; /* beside alarms nothing goes here unless no other path is up */
};

/* What a path did, since its start. */
struct wk_link_path_counts {
    uint64_t packets;
    uint64_t octets; /* on the wire */
    uint64_t reported;
    uint64_t lost;
    uint32_t suspected;
    uint32_t went_down;
    uint32_t hellos;
};

struct wk_link_path {
    struct wk_link_path_rules rules;
    struct wk_link_path_counts counts;
    struct wk_link_pace pace;
    wk_link_path_state state;
    bool carried; /* the carrier takes packets */
    uint32_t session;
    uint32_t next;      /* number of the next packet */
    uint32_t first;     /* oldest without report */
    uint32_t in_flight; /* octets on the wire */
    struct wk_link_flown flown[WK_LINK_FLIGHT];
    uint32_t arrived; /* octets, in all */
    uint32_t newest;  /* number of the newest packet that arrived */
    bool any_arrived;
    int64_t newest_sent_us;
    int64_t newest_arrival_us; /* by the far end's clock, unwrapped */
    uint32_t arrival_low;
    int64_t busy_until_us; /* the carrier took none */
    int64_t heard_us;      /* last report */
    int64_t asked_us;      /* last packet that demands a report */
    int64_t hello_us;      /* when HELLO is due, of a path that is down */
    int64_t hello_wait_us;
    int64_t probe_us; /* when a suspect path is asked again */
    int64_t probe_wait_us;
    uint8_t probes;
    uint8_t malus;  /* points that the owner takes off the score: a weak signal */
    bool is_scarce; /* the owner: what is left of the time on air is for alarms and commands */
    uint16_t delivery; /* 1/65536 of packets that arrive, smoothed over 16 */
    uint64_t spent;    /* octets of the month */
};

/* Takes back what a lost packet carried. */
typedef void (*wk_link_lost)(void *owner, const struct wk_link_item *item);

void wk_link_path_init(struct wk_link_path *path, const struct wk_link_path_rules *rules,
                       int64_t now_us);

/** The carrier takes packets, or does no more: then all is lost that was on its way. */
void wk_link_path_carry(struct wk_link_path *path, bool carried, wk_link_lost lost, void *owner,
                        int64_t now_us);

/** It rests from now on, or does no more. Only a path that works can: what was on its way is lost. */
void wk_link_path_rest(struct wk_link_path *path, bool rests, wk_link_lost lost, void *owner,
                       int64_t now_us);

/** A new session: numbers begin anew, HELLO is on its way. */
void wk_link_path_open(struct wk_link_path *path, uint32_t session, int64_t now_us);
/** The head-end answered HELLO. */
void wk_link_path_welcomed(struct wk_link_path *path, int64_t now_us);
/** The head-end does not know the session: HELLO is due at once. */
void wk_link_path_forgotten(struct wk_link_path *path, wk_link_lost lost, void *owner,
                            int64_t now_us);

/** Whether one more packet fits among those on their way. */
bool wk_link_path_has_room(const struct wk_link_path *path);
/** Octets of a full packet. */
uint32_t wk_link_path_packet(const struct wk_link_path *path);
/** When the next may go. */
int64_t wk_link_path_free_us(const struct wk_link_path *path);
/** Enters the packet that is about to go; octets without the overhead. The caller fills in its items. */
struct wk_link_flown *wk_link_path_depart(struct wk_link_path *path, uint32_t octets,
                                          bool limited, int64_t now_us);

/** A report of the far end. What it does not tell of and was sent well before is lost. */
void wk_link_path_report(struct wk_link_path *path, const struct wk_link_frame *report,
                         wk_link_lost lost, void *owner, int64_t now_us);

/** Looks at what is overdue. True: a PROBE is to be sent. */
bool wk_link_path_tick(struct wk_link_path *path, wk_link_lost lost, void *owner,
                       int64_t now_us);
/** When wk_link_path_tick may have something to do. */
int64_t wk_link_path_due_us(const struct wk_link_path *path);

/** How good the path is, 0..100: deliveries, round trip, cost, malus. 0: it is not up. */
uint32_t wk_link_path_score(const struct wk_link_path *path);
/** Octets are left for what is no alarm, command or bill. */
bool wk_link_path_has_budget(const struct wk_link_path *path);

#endif
