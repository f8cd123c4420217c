/* SPDX-License-Identifier: Apache-2.0
 *
 * link/pace - how much a path may be given, so that its queue stays empty.
 *
 * A modem or a router in front of a slow link queues what it cannot send, and an alarm waits
 * behind it. So the meter keeps the queue itself: it sends a little less than the link carries.
 * What that is nobody tells, and it changes. It is estimated from reports of the far end:
 *
 *   rate    octets that arrived / time in which they arrived, the largest of some round trips: the
 *           bottleneck's rate whenever its queue was not empty (as BBR does, by the far end's clock,
 *           so nothing of the way back is in it)
 *   queue   one-way delay of a packet, less its time on the wire, less the smallest of that in ten
 *           seconds (as LEDBAT does). The clocks of both ends need not agree
 *
 * The estimate is refreshed by short probes: for one round trip a little more is sent, then a
 * little less. If the queue stays, the rate has fallen and what arrives now is the new one.
 *
 * Memory: 0.5 kB. Context: one thread. */
#ifndef WK_LINK_PACE_H
#define WK_LINK_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define WK_LINK_PACE_BUCKETS 16
#define WK_LINK_PACE_BUCKET_US                                                                 \
    INT64_C(640000)                 /* each; together the memory of the least delay */
#define WK_LINK_PACKET_LEAST   240  /* octets of a full packet: 30 ms at 64 kbit/s */
#define WK_LINK_SEGMENT_US     6000 /* a longer one takes no longer than this on the wire */
#define WK_LINK_RATE_FIRST_BPS 32000
#define WK_LINK_RATE_LEAST_BPS 2000
#define WK_LINK_RATE_MOST_BPS  1000000000

typedef enum wk_link_phase {
    WK_LINK_STARTING = 0, /* twice as much each round trip, until a queue builds */
    WK_LINK_DRAINING,     /* less, until it is gone */
    WK_LINK_CRUISING,
    WK_LINK_RAISING, /* a probe: a little more */
} wk_link_phase;

struct wk_link_delay {
    int64_t
        us; /* one-way, by both clocks: only differences mean something. Less the time on the
                   wire, once the rate is known */
    uint32_t octets;
    bool known;
};

struct wk_link_pace {
    uint32_t rate_bps;       /* of the bottleneck */
    uint32_t largest_bps[2]; /* of the samples of this and of the last interval */
    int64_t interval_until_us;
    struct wk_link_delay least[WK_LINK_PACE_BUCKETS];
    uint8_t bucket;
    int64_t bucket_until_us;
    int64_t queue_us;   /* by the newest report */
    int64_t crowded_us; /* since when the queue is too long; 0: it is not */
    int64_t rtt_us;     /* smoothed */
    int64_t rtt_var_us;
    int64_t empty_rtt_us; /* ... less the queue */
    int64_t next_us;      /* the next packet may go */
    wk_link_phase phase;
    uint32_t phase_bps; /* rate at its begin */
    int64_t phase_until_us;
    uint8_t rounds; /* of this phase; while starting, those without growth */
};

/* What one report tells of the newest packet that arrived. */
struct wk_link_sample {
    int64_t rtt_us; /* without the time the report was held */
    int64_t one_way_us;
    uint32_t octets;   /* of that packet on the wire */
    uint32_t arrived;  /* octets that arrived since its predecessor in the sample did */
    int64_t within_us; /* the time in which they did; 0: unknown */
    bool limited;      /* less was sent than the pace allowed: says no more than "at least" */
    bool by_path;      /* they arrived no faster than they were sent: the path set the pace */
};

void wk_link_pace_init(struct wk_link_pace *pace, int64_t now_us);
void wk_link_pace_report(struct wk_link_pace *pace, const struct wk_link_sample *sample,
                         int64_t now_us);
/** A packet of `octets` on the wire goes now. */
void wk_link_pace_sent(struct wk_link_pace *pace, uint32_t octets, int64_t now_us);
/** Octets that may be on their way without building a queue. */
uint32_t wk_link_pace_room(const struct wk_link_pace *pace);
/** Octets of a full packet, at most `most`. */
uint32_t wk_link_pace_packet(const struct wk_link_pace *pace, uint32_t most);
/** Others use the path, too, and what is worth least should wait. */
bool wk_link_pace_is_crowded(const struct wk_link_pace *pace);
/** How long a packet that goes now may stay without a report before the path is suspect. */
int64_t wk_link_pace_patience_us(const struct wk_link_pace *pace);

#endif
