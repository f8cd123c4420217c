/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/serial - a serial line between two ends in virtual time: each character takes its bits
 * by the rate, bits flip, pauses come between characters, and on a shared pair (RS-485, an optical
 * head) both ends are heard and disturb each other. The same seed and the same octets at the same
 * times give the same errors.
 *
 * Parity and stop bits take time but carry no errors of their own: what flips are data bits.
 *
 * Memory: the caller's struct. Context: one thread. */
#ifndef WK_PORT_VIRTUAL_SERIAL_H
#define WK_PORT_VIRTUAL_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_VIRTUAL_SERIAL_ENDS   2
#define WK_VIRTUAL_SERIAL_OCTETS 512 /* on the line and waiting, of both ends */
#define WK_VIRTUAL_SERIAL_NEVER  INT64_MAX

/* Shares are parts per million. */
struct wk_virtual_serial_rules {
    uint8_t bits;       /* of a character, with start, parity and stop: 10 for 8N1 and 7E1 */
    uint32_t noise_ppm; /* of the data bits flip */
    uint32_t gap_ppm;   /* of the characters come after a pause */
    int64_t gap_us;     /* of this length */
    bool echo;          /* each end hears itself, too */
    bool shared;        /* what both send at a time arrives as something else */
};

struct wk_virtual_serial_counts {
    uint64_t sent;    /* octets */
    uint64_t flipped; /* bits */
    uint64_t paused;
    uint64_t collided;   /* octets, of both ends */
    uint64_t mismatched; /* octets: the ends have different rates */
};

struct wk_virtual_serial_octet {
    int64_t start_ns;
    int64_t arrival_ns;
    uint8_t octet;
    uint8_t from;
    uint8_t to; /* bit n: end n has yet to take it */
    bool garbled;
};

struct wk_virtual_serial {
    struct wk_virtual_serial_rules rules;
    struct wk_virtual_serial_counts counts;
    uint32_t baud[WK_VIRTUAL_SERIAL_ENDS];
    int64_t free_ns[WK_VIRTUAL_SERIAL_ENDS]; /* when the transmitter is free again */
    struct wk_virtual_serial_octet octet[WK_VIRTUAL_SERIAL_OCTETS]; /* by their arrival */
    size_t count;
    uint64_t seed;
};

/** Both ends have the rate `baud`, bit/s, 1 or more. */
void wk_virtual_serial_init(struct wk_virtual_serial *serial,
                            const struct wk_virtual_serial_rules *rules, uint32_t baud,
                            uint64_t seed);

/** Another rate of one end, 1 or more, for octets that are sent from now on. If the other end has not
 *  the same, what is sent arrives as something else. */
void wk_virtual_serial_set_baud(struct wk_virtual_serial *serial, unsigned end, uint32_t baud);

/** How many octets can be sent. */
size_t wk_virtual_serial_room(const struct wk_virtual_serial *serial);

/** End 0 or 1 sends an octet behind what it has sent before. WK_E_FULL: there is no room.
 *  `now_us` never falls. */
WK_MUST_USE wk_err wk_virtual_serial_send(struct wk_virtual_serial *serial, unsigned end,
                                          uint8_t octet, int64_t now_us);

/** When the next octet arrives at any end; WK_VIRTUAL_SERIAL_NEVER. */
int64_t wk_virtual_serial_next_us(const struct wk_virtual_serial *serial);

/** Takes the octet that has arrived at `end`. WK_E_NOT_FOUND: none has. Each end takes all that has
 *  arrived before time goes on. */
WK_MUST_USE wk_err wk_virtual_serial_receive(struct wk_virtual_serial *serial, unsigned end,
                                             uint8_t *octet, int64_t now_us);

#endif
