/* SPDX-License-Identifier: Apache-2.0
 *
 * view/dlt645 - a slave of DL/T 645-2007 over the items of view/dlt645_map.
 *
 *   FE FE FE FE  68 A0..A5 68 C L DATA CS 16     data go out with 33H added
 *
 *   08  broadcast time      if the owner allows it: within five minutes of our clock, once a day, and
 *                           not within five minutes of midnight (7.9)
 *   11  read                one item or a block
 *   12  read what follows   of a block that is longer than one frame
 *   13  read the address    asked with an address of wildcards
 *   16  freeze              refused: error word 01H, another error; load profiles are read over DLMS
 *   17  change the rate     600 to 19200 bit/s, if the owner can; else error word 08H
 *   14, 18 to 1B            writing, passwords, clearing: refused, error word 04H, no authority
 *   15  write the address   not answered, as without its key
 *
 * What is not there has error word 02H. An address may have wildcards AAH from above; broadcasts are not
 * answered. Frames are looked for at every octet: noise, echoes and the answers of others on the line cost
 * nothing but themselves. A frame that pauses for more than 500 ms is given up. An answer goes out 20 ms
 * after its request (5.2.4). A rate that was changed is left again if nothing right comes with it for
 * a minute. No input and output here, and nothing waits.
 *
 *   receive -> tick -> send; then the line has the rate dlt645->baud */
#ifndef WK_VIEW_DLT645_H
#define WK_VIEW_DLT645_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/dlt645_map.h"

#define WK_DLT645_HEAD       10  /* octets up to and with the length */
#define WK_DLT645_DATA       200 /* octets of data we send, most */
#define WK_DLT645_FRAME      (WK_DLT645_HEAD + 255 + 2)
#define WK_DLT645_LEAD_IN    4
#define WK_DLT645_ROOM       512 /* octets that are kept */
#define WK_DLT645_BLOCK      384 /* of what is read in several frames, most */
#define WK_DLT645_REPLY_US   INT64_C(20000)
#define WK_DLT645_PAUSE_US   INT64_C(500000)
#define WK_DLT645_RATE_US    INT64_C(60000000)
#define WK_DLT645_TIME_S     300 /* how far a broadcast time may be from ours, and from midnight */
#define WK_DLT645_BAUD_LEAST 600U
#define WK_DLT645_BAUD_MOST  19200U

struct wk_dlt645_config {
    const struct wk_object_table *table; /* borrowed */
    uint8_t address[WK_DLT645_ADDRESS];  /* BCD, the lowest digits first */
    uint32_t baud;                       /* of the line; 0: it cannot be changed */
    wk_role clock_role; /* whose rights a broadcast time has; WK_ROLE_COUNT: none is taken */
};

struct wk_dlt645 {
    struct wk_dlt645_config config;
    struct wk_dlt645_map map;
    uint32_t baud;       /* that the line shall have once all of ours has gone out */
    uint32_t frames;     /* to us */
    uint32_t errors;     /* with a wrong check sum */
    uint32_t time_taken; /* broadcasts that set our clock */
    int64_t octet_us;    /* of the newest octet */
    int64_t right_us;    /* of the newest right frame */
    int64_t due_us;      /* of the answer; INT64_MAX: none */
    int32_t time_day;    /* on which a broadcast set the clock, local; -1: on none */
    bool wrote;          /* since wk_dlt645_take_written */
    size_t size;
    uint8_t octets[WK_DLT645_ROOM];
    size_t request_size;
    uint8_t request[WK_DLT645_FRAME]; /* with 33H taken off */
    size_t answer_size;
    uint8_t answer[WK_DLT645_LEAD_IN + WK_DLT645_FRAME];
    uint32_t block_di; /* of what is read in several frames */
    uint8_t block_sequence;
    size_t block_sent; /* octets of it before the newest frame */
    size_t block_part; /* in the newest frame */
    size_t block_size; /* 0: there is none */
    uint8_t block[WK_DLT645_BLOCK];
};

/** WK_E_ARGUMENT: the address has an octet that is no BCD, or is 999999999999, or the rate is none.
 *  `table` must outlive it. */
WK_MUST_USE wk_err wk_dlt645_init(struct wk_dlt645 *dlt645,
                                  const struct wk_dlt645_config *config);
/** Octets that came, the last of them at `now_us`, of a clock that is never set. */
void wk_dlt645_receive(struct wk_dlt645 *dlt645, int64_t now_us, const uint8_t *octets,
                       size_t size);
/** When wk_dlt645_tick is to be called; INT64_MAX: not before something comes. */
int64_t wk_dlt645_due_us(const struct wk_dlt645 *dlt645);
/** What is to be sent now, *size octets; 0: nothing, and the rate may be the first again. `utc_us`:
 *  the meter's time. */
const uint8_t *wk_dlt645_tick(struct wk_dlt645 *dlt645, int64_t now_us, int64_t utc_us,
                              size_t *size);
/** Whether the clock was set since the last call. */
bool wk_dlt645_take_written(struct wk_dlt645 *dlt645);

#endif
