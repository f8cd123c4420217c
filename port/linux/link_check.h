/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_check - the connection test of a path, from either end: echoes to the other, short and
 * long in turn; how many come back, how soon, and what that means.
 *
 * What else the path carries goes on meanwhile, so a busy path shows itself as slow. */
#ifndef WK_PORT_LINUX_LINK_CHECK_H
#define WK_PORT_LINUX_LINK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_LINK_CHECK_ECHOES  20
#define WK_LINK_CHECK_US      100000           /* between two */
#define WK_LINK_CHECK_WAIT_US INT64_C(3000000) /* for the last one */
#define WK_LINK_CHECK_SHORT   8                /* octets */
#define WK_LINK_CHECK_LONG    200
#define WK_LINK_CHECK_WORDS   200

struct wk_link_check {
    bool runs;
    uint8_t path;
    uint8_t tried; /* echoes, also those that could not go */
    uint8_t sent;
    uint8_t back;
    int64_t next_us;                       /* when the next goes, or the wait is over */
    int64_t sent_us[WK_LINK_CHECK_ECHOES]; /* 0: did not go */
    int64_t took_us[WK_LINK_CHECK_ECHOES]; /* 0: is not back */
};

/* Of the echoes that came back, in microseconds; 0: none did. */
struct wk_link_check_times {
    int64_t least_us;
    int64_t mean_us;
    int64_t most_us;
};

/** Begins. WK_E_BUSY: one runs. */
WK_MUST_USE wk_err wk_link_check_begin(struct wk_link_check *check, uint8_t path,
                                       int64_t now_us);
/** Whether an echo is to be sent now; its number and octets. Ends the test when its time is over. */
bool wk_link_check_next(struct wk_link_check *check, int64_t now_us, uint8_t *number,
                        uint8_t *size);
/** It was sent. */
void wk_link_check_sent(struct wk_link_check *check, uint8_t number, int64_t now_us);
/** It is back. */
void wk_link_check_back(struct wk_link_check *check, uint8_t number, int64_t now_us);
/** The times of echoes of one length. */
struct wk_link_check_times wk_link_check_times(const struct wk_link_check *check, bool longs);
/** What it means, for people. */
void wk_link_check_words(const struct wk_link_check *check, char words[WK_LINK_CHECK_WORDS]);

#endif
