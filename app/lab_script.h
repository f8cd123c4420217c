/* SPDX-License-Identifier: Apache-2.0
 *
 * app/lab_script - the rules of the two lines of `wk lab net` as people write them, and when they
 * change. A line of the script:
 *
 *   [at TIME] [to-left|to-right] RULE          without `at`: at once; without a direction: both
 *
 *   rate BITS          per second, 64k, 1M; 0: as fast as it comes
 *   delay TIME         behind the transmitter: 25ms, 1.5s, 800us
 *   jitter TIME        added to the delay, 0 up to this
 *   queue OCTETS       in front of the transmitter: 16k (16,384); 0: as many as there is memory for
 *   overhead OCTETS    a packet takes beside its own
 *   loss SHARE [burst PACKETS]   1%; in bursts of so many packets on the mean (Gilbert-Elliott)
 *   black-hole on|off|FROM-TO    takes everything and delivers nothing; 8s-20s: in that time
 *
 * A line may be empty, and # begins a comment. Times of `at` and FROM-TO count from the start.
 *
 * Memory: the caller's. Context: one thread. */
#ifndef WK_APP_LAB_SCRIPT_H
#define WK_APP_LAB_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/linux/text.h"
#include "port/virtual/line.h"

#define WK_LAB_CHANGES   256
#define WK_LAB_WHY       160 /* room for an error text */
#define WK_LAB_NEVER     INT64_MAX

#define WK_LAB_TO_RIGHT  0x1 /* the line from the left device to the right one */
#define WK_LAB_TO_LEFT   0x2
#define WK_LAB_TO_BOTH   (WK_LAB_TO_RIGHT | WK_LAB_TO_LEFT)
#define WK_LAB_BURST_ONE 1000 /* thousandths: each packet is lost by itself */

typedef enum {
    WK_LAB_RATE,
    WK_LAB_DELAY,
    WK_LAB_JITTER,
    WK_LAB_QUEUE,
    WK_LAB_OVERHEAD,
    WK_LAB_LOSS,
    WK_LAB_BLACK_HOLE,
    WK_LAB_RULES
} wk_lab_rule;

struct wk_lab_change {
    int64_t at_us;        /* from the start */
    int64_t value;        /* bit/s, us, octets, ppm, or 1 for on */
    uint32_t burst_milli; /* of WK_LAB_LOSS: packets in a burst on the mean, thousandths */
    wk_lab_rule rule;
    uint8_t directions; /* WK_LAB_TO_ */
};

/* Changes to come, soonest first; those of one time in the order in which they were written. */
struct wk_lab_script {
    struct wk_lab_change change[WK_LAB_CHANGES];
    size_t count;
};

/** Adds what a line says; `now_us` is what "at once" means. On error nothing was added and `why` says
 *  what is wrong: WK_E_FORMAT; WK_E_RANGE, a value out of its bounds; WK_E_FULL, more than
 *  WK_LAB_CHANGES changes. */
WK_MUST_USE wk_err wk_lab_script_line(struct wk_lab_script *script, struct wk_text_span line,
                                      int64_t now_us, char why[WK_LAB_WHY]);

/** Adds the lines of a text; `why` begins with the number of the line. Lines before it were added. */
WK_MUST_USE wk_err wk_lab_script_text(struct wk_lab_script *script, const char *text,
                                      size_t size, char why[WK_LAB_WHY]);

/** "25ms", "1.5s", "800us", "2min": 0 up to a day. */
WK_MUST_USE wk_err wk_lab_script_time(struct wk_text_span text, int64_t *time_us);

/** "1%", "0.01%": 0 up to all, in parts per million. */
WK_MUST_USE wk_err wk_lab_script_share(struct wk_text_span text, uint32_t *ppm);

/** When the next change is due; WK_LAB_NEVER. */
int64_t wk_lab_script_next_us(const struct wk_lab_script *script);

/** Takes the next change that is due; false: none is. */
bool wk_lab_script_take(struct wk_lab_script *script, int64_t now_us,
                        struct wk_lab_change *change);

/** Changes the rules of one line; its direction is not looked at. */
void wk_lab_script_apply(const struct wk_lab_change *change,
                         struct wk_virtual_line_rules *rules);

/** What a change says, as it could be written: "to-left rate 64000", "black-hole on". Times in us. */
void wk_lab_script_print(const struct wk_lab_change *change, char *to, size_t room);

#endif
