/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/line - one direction of a slow, lossy line: a queue in front of a transmitter of a
 * given rate, then a delay. The same seed and the same packets at the same times give the same
 * losses. Time is an argument, so a month of a line passes in seconds; `wk lab` drives the same
 * line with the clock of the machine.
 *
 *   send -> [queue, drop-tail] -> transmitter (rate) -> delay, jitter -> receive
 *
 * Losses come in bursts (Gilbert-Elliott): the line is good or bad, changes with a probability
 * per packet, and loses a share of the packets in each of both. Packets keep their order.
 *
 * Memory: the caller's, for the packets on the line. Context: one thread. */
#ifndef WK_PORT_VIRTUAL_LINE_H
#define WK_PORT_VIRTUAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_VIRTUAL_LINE_PACKET 2048      /* octets of a packet, most */
#define WK_VIRTUAL_LINE_NEVER  INT64_MAX /* nothing is on the line */

/* Shares are parts per million. */
struct wk_virtual_line_rules {
    uint32_t rate_bps; /* 0: as fast as it comes */
    uint32_t overhead; /* octets a packet takes beside its own (its IP and UDP headers, say) */
    int64_t delay_us;  /* behind the transmitter */
    int64_t jitter_us; /* added to the delay, 0 up to this */
    uint32_t queue_octets; /* waiting in front of the transmitter, most; 0: as many as there is
                              memory for */
    uint32_t loss_good_ppm;
    uint32_t loss_bad_ppm;
    uint32_t to_bad_ppm;  /* at each packet, from good to bad */
    uint32_t to_good_ppm; /* ... and back */
    bool black_hole;      /* takes everything and delivers nothing */
};

struct wk_virtual_line_counts {
    uint64_t sent; /* packets given to the line */
    uint64_t delivered;
    uint64_t delivered_octets;
    uint64_t overflowed; /* did not fit into the queue */
    uint64_t lost;
};

struct wk_virtual_line {
    struct wk_virtual_line_rules rules;
    struct wk_virtual_line_counts counts;
    uint8_t *memory; /* a ring of packets, oldest first */
    size_t size;
    size_t first;
    size_t used;
    int64_t free_us;    /* when the transmitter is free again */
    int64_t arrived_us; /* of the newest packet: the next arrives no earlier */
    uint64_t seed;
    bool bad;
};

/** WK_E_ARGUMENT: less memory than one packet of WK_VIRTUAL_LINE_PACKET needs. */
WK_MUST_USE wk_err wk_virtual_line_init(struct wk_virtual_line *line,
                                        const struct wk_virtual_line_rules *rules, void *memory,
                                        size_t size, uint64_t seed);

/** Other rules, for packets that are sent from now on. */
void wk_virtual_line_set(struct wk_virtual_line *line,
                         const struct wk_virtual_line_rules *rules);

/** Gives a packet to the line. It may be lost there: only the counts tell. WK_E_ARGUMENT: longer
 *  than WK_VIRTUAL_LINE_PACKET, or empty. `now_us` never falls. */
WK_MUST_USE wk_err wk_virtual_line_send(struct wk_virtual_line *line, const void *packet,
                                        size_t length, int64_t now_us);

/** When the next packet arrives; WK_VIRTUAL_LINE_NEVER. */
int64_t wk_virtual_line_next_us(const struct wk_virtual_line *line);

/** Takes the packet that has arrived by `now_us`. WK_E_NOT_FOUND: none has; WK_E_FULL: `room` is too
 *  small for it, and it stays. */
WK_MUST_USE wk_err wk_virtual_line_receive(struct wk_virtual_line *line, void *packet,
                                           size_t room, size_t *length, int64_t now_us);

/** Octets that wait in front of the transmitter. */
uint32_t wk_virtual_line_waiting(const struct wk_virtual_line *line, int64_t now_us);

#endif
