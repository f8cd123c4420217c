/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/line_modem - two modems with a medium between them (port/virtual/medium), as their hosts
 * have them on their serial ports (link/line_modem): frames of data out of one into the other, questions
 * about the modem answered by itself.
 *
 *   host 0 (a meter) ── modem 0 ~~~ medium ~~~ modem 1 ── host 1 (the head-end)
 *
 * A modem listens before it talks, waits by chance while somebody is heard, and gives up after
 * WK_VIRTUAL_LINE_MODEM_TRIES. On radio it keeps to its share of an hour on air, over any hour. Each packet tells the
 * far end how its own packets are heard. Modem 0 leads: what its host sets of channel and mode it asks the
 * other to follow, and both go there; where it does not hear the other there it calls in both places in turn and goes
 * back, as the other does that hears nothing of it. After a minute of silence both go to channel 0 and mode 0, and after
 * another one, or at once if that is where they were, modem 0 calls on one channel after the other while the other stays long on each.
 *
 * Memory: the caller's struct, 27 kB. Context: one thread; `now_us` never falls. */
#ifndef WK_PORT_VIRTUAL_LINE_MODEM_H
#define WK_PORT_VIRTUAL_LINE_MODEM_H

#include "link/line.h"
#include "link/line_modem.h"
#include "port/virtual/medium.h"

#define WK_VIRTUAL_LINE_MODEM_ENDS  2
#define WK_VIRTUAL_LINE_MODEM_QUEUE 3 /* frames of a host that wait, most */
#define WK_VIRTUAL_LINE_MODEM_OUT   4096
#define WK_VIRTUAL_LINE_MODEM_TRIES 8
#define WK_VIRTUAL_LINE_MODEM_MINUTES                                                          \
    61 /* of which the time on air is summed: an hour, and the one begun */
#define WK_VIRTUAL_LINE_MODEM_NEVER INT64_MAX

/* What goes on the medium beside frames of hosts. */
typedef enum wk_virtual_air_kind {
    WK_VIRTUAL_AIR_NONE = 0,
    WK_VIRTUAL_AIR_DATA,
    WK_VIRTUAL_AIR_MOVE, /* to channel and mode */
    WK_VIRTUAL_AIR_FOLLOWS,
    WK_VIRTUAL_AIR_CALL,
    WK_VIRTUAL_AIR_HERE,
} wk_virtual_air_kind;

struct wk_virtual_air {
    wk_virtual_air_kind kind;
    uint8_t channel; /* MOVE */
    uint8_t mode;
    uint8_t frame_kind; /* DATA, as link/line has it */
    uint8_t number;
    uint32_t meter;
    uint16_t size;
    uint8_t octets[WK_LINK_LINE_PAYLOAD];
};

struct wk_virtual_line_modem_counts {
    uint32_t sent;
    uint32_t heard;
    uint32_t lost;    /* on their way to this end */
    uint32_t blocked; /* given up: others were on the channel */
    uint32_t refused; /* the time on air was spent */
    uint32_t moves;
    uint32_t returns; /* the far end was not heard there */
    int64_t air_us;
};

struct wk_virtual_line_modem {
    struct wk_link_line_reader reader;
    struct wk_virtual_air queue[WK_VIRTUAL_LINE_MODEM_QUEUE];
    size_t queued;
    struct wk_virtual_air control; /* goes before the queue; kind NONE: there is none */
    struct wk_virtual_air on_air;
    int64_t air_from_us;
    int64_t air_to_us; /* NEVER: it does not send */
    int64_t try_us;    /* when it may talk */
    uint8_t tries;
    struct wk_line_modem_setting setting;
    struct wk_line_modem_setting before; /* where it goes back to */
    struct wk_line_modem_setting goal;
    uint8_t step;     /* of a move, as line_modem.c has them */
    uint8_t attempts; /* in this step, at this place */
    uint8_t places;   /* where it has called */
    int64_t step_us;  /* when the step is over */
    bool refused;     /* the last move came to nothing */
    bool has_heard;
    int64_t heard_us; /* the far end */
    int64_t home_us;  /* when it went home */
    bool is_seeking;
    int64_t seek_us; /* the next channel */
    struct wk_virtual_heard near;
    struct wk_virtual_heard far; /* as the far end told */
    bool has_near;
    bool has_far;
    uint32_t air_us[WK_VIRTUAL_LINE_MODEM_MINUTES];
    int64_t minute;
    struct wk_virtual_line_modem_counts counts;
    uint8_t out[WK_VIRTUAL_LINE_MODEM_OUT]; /* to the host */
    size_t out_size;
};

struct wk_virtual_line_modems {
    struct wk_virtual_medium medium;
    struct wk_virtual_line_modem end[WK_VIRTUAL_LINE_MODEM_ENDS];
    uint32_t air_permille; /* of an hour; 0: as much as wanted */
    bool follows;          /* modem 1 may */
    uint64_t seed;
    int64_t now_us;
};

/** `air_permille`: of time on air an end may use, 10 is the usual 1 %; 0: no limit. */
void wk_virtual_line_modems_init(struct wk_virtual_line_modems *modems,
                                 wk_virtual_medium_kind kind,
                                 const struct wk_virtual_medium_rules *rules,
                                 uint32_t air_permille, uint64_t seed);
/** Octets of the host of an end. */
void wk_virtual_line_modems_take(struct wk_virtual_line_modems *modems, unsigned end,
                                 const uint8_t *octets, size_t size, int64_t now_us);
/** Does what is due; octets for the hosts are in end[].out, which the caller empties by out_size = 0. */
void wk_virtual_line_modems_step(struct wk_virtual_line_modems *modems, int64_t now_us);
/** When that is. */
int64_t wk_virtual_line_modems_next_us(const struct wk_virtual_line_modems *modems);
/** Time on air of an end in the hour that ends now, and up to a minute more. */
int64_t wk_virtual_line_modems_air_us(const struct wk_virtual_line_modems *modems, unsigned end,
                                      int64_t now_us);

#endif
