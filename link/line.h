/* SPDX-License-Identifier: Apache-2.0
 *
 * link/line - packets over lines of octets that one end at a time may use: RS-485, and modems for power
 * lines or radio that look like one.
 *
 *   0x00 | COBS of: kind, number, meter (4), octets, CRC-32 (4) | 0x00
 *
 * No octet of a frame is 0x00 (COBS, Cheshire and Baker 1999), so after noise the next frame is found at
 * its beginning. Who speaks is never in doubt: a meter asks, and only who was asked answers - with all the
 * head-end has to say to it - once the line has turned. Frames have a kind for each direction: a line that gives
 * back what is sent disturbs nobody. A meter asks when the line has been silent for as long as any
 * answer takes to begin, and on a line with several meters for up to WK_LINK_LINE_SLOTS more times that, by
 * chance; doubled after each question that nobody answered.
 *
 * A modem between a meter and its line may have frames of its own with the meter (link/line_modem).
 *
 * Nothing here is sent again: link/path does that. No input and output: the owner brings octets with the
 * time they came at, sends what there is to be sent, and looks again at wk_link_line_due_us.
 *
 * Memory: 1.6 kB a reader. Context: one thread. Time: microseconds of a clock that is never set. */
#ifndef WK_LINK_LINE_H
#define WK_LINK_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_LINK_LINE_PAYLOAD  1432 /* octets in a frame, most */
#define WK_LINK_LINE_HEAD     6
#define WK_LINK_LINE_CHECK    4
#define WK_LINK_LINE_FRAME    (WK_LINK_LINE_HEAD + WK_LINK_LINE_PAYLOAD + WK_LINK_LINE_CHECK)
#define WK_LINK_LINE_RUN      254 /* octets without a 0x00 that one of COBS covers */
#define WK_LINK_LINE_CODED    (WK_LINK_LINE_FRAME + WK_LINK_LINE_FRAME / WK_LINK_LINE_RUN + 3)
#define WK_LINK_LINE_BITS     10    /* of a character, 8N1 */
#define WK_LINK_LINE_TURN_US  4000  /* from the end of a question to its answer, least */
#define WK_LINK_LINE_BEGIN_US 60000 /* ... to the begin of it, as a rule */
#define WK_LINK_LINE_PATIENCE 4     /* times that, until an answer is taken for lost */
#define WK_LINK_LINE_SLOTS    8
#define WK_LINK_LINE_DOUBLED  4 /* times, most */
#define WK_LINK_LINE_NEVER_US INT64_MAX

typedef enum wk_link_line_kind {
    WK_LINK_LINE_ASK = 1,
    WK_LINK_LINE_ANSWER = 2,
    WK_LINK_LINE_MODEM_ASK = 3,  /* to our own modem, not on the line: link/line_modem */
    WK_LINK_LINE_MODEM_TELL = 4, /* of our own modem */
} wk_link_line_kind;

struct wk_link_line_frame {
    uint8_t kind;   /* wk_link_line_kind, or another that is not for us */
    uint8_t number; /* of the question */
    uint32_t meter; /* who asks: the last four octets of its system title */
    struct wk_bytes_in octets;
};

/** Appends a frame, zeros included. Faults of `out`; WK_E_RANGE: it is too long. */
void wk_link_line_write(struct wk_bytes_out *out, const struct wk_link_line_frame *frame);

struct wk_link_line_reader {
    size_t size;
    bool is_long; /* more than a frame: it is passed over */
    uint32_t good;
    uint32_t bad; /* what was between two 0x00 and is no frame */
    uint8_t octets[WK_LINK_LINE_CODED];
};

/** Takes an octet of the line. True: it ends a frame, whose octets stay until the next call. */
bool wk_link_line_read(struct wk_link_line_reader *reader, uint8_t octet,
                       struct wk_link_line_frame *frame);

/* ---- the meter's end --------------------------------------------------------------------- */

struct wk_link_line_config {
    uint32_t baud;
    uint32_t meter;
    bool is_shared;   /* with other meters */
    int64_t begin_us; /* an answer begins so soon; 0: WK_LINK_LINE_BEGIN_US */
    void *self;       /* of the functions */
    wk_err (*random)(void *self, void *to, size_t size);
    /** A frame of our own modem; its octets stay until it returns. NULL: there is none that tells. */
    void (*told)(void *self, struct wk_bytes_in octets, int64_t now_us);
};

struct wk_link_line {
    struct wk_link_line_config config;
    struct wk_link_line_reader reader;
    uint8_t number;
    bool asked;         /* the answer is awaited */
    uint8_t unanswered; /* in a row */
    int64_t spoken_us;  /* when the question will have gone out */
    int64_t heard_us;   /* the last octet of anybody */
    int64_t wait_us;    /* of silence before the next question */
    uint32_t questions;
    uint32_t answers;
};

/** WK_E_ARGUMENT: no rate, or no `random`. */
WK_MUST_USE wk_err wk_link_line_init(struct wk_link_line *line,
                                     const struct wk_link_line_config *config, int64_t now_us);
/** Writes a question into `out`, which is to be sent at once. WK_E_BUSY: it is not our time; WK_E_RANGE. */
WK_MUST_USE wk_err wk_link_line_ask(struct wk_link_line *line, const void *octets, size_t size,
                                    int64_t now_us, struct wk_bytes_out *out);
/** Octets that came, the last of them at `now_us`. Returns how many it took, and in *is_answer whether they
 *  ended the answer, whose octets are in `answer` until the next call: call it again for the rest. */
size_t wk_link_line_take(struct wk_link_line *line, const uint8_t *octets, size_t size,
                         int64_t now_us, bool *is_answer, struct wk_bytes_in *answer);
/** True once when an answer did not come. */
bool wk_link_line_tick(struct wk_link_line *line, int64_t now_us);
/** The modem tells how it is: from now on answers begin within so long, and it is the modem that waits for
 *  others on the line. */
void wk_link_line_keep_pace(struct wk_link_line *line, int64_t begin_us);
/** When a question may be asked again, or is overdue; in the past: now. */
int64_t wk_link_line_due_us(const struct wk_link_line *line);

#endif
