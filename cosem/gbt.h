/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/gbt - general block transfer: an APDU of any kind, protected or not, cut into numbered
 * blocks (IEC 62056-5-3, 7.3.14 and 9.4.6.13 of its annex on services).
 *
 * Both ends number what they send from 1, blocks without data included, and say in each block
 * the last one they have. Who sends data may send as many blocks as the other's window allows;
 * all but the last of them are marked as streamed, then it is the other's turn to answer. A
 * block that is missed stops the receiver, which says so by acknowledging the one before it;
 * the sender goes on from there.
 *
 * Nothing here holds data. What a sender must be able to send again is the window under way:
 * its octets stay with the caller until they are acknowledged, everything before may be
 * forgotten, everything behind need not exist yet. So an APDU may be far longer than any
 * buffer: WK_GBT_BLOCKS blocks. */
#ifndef WK_COSEM_GBT_H
#define WK_COSEM_GBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_GBT_HEAD        9 /* most octets before the data of a block */
#define WK_GBT_WINDOW_MOST 63
#define WK_GBT_BLOCKS      65535 /* most blocks of one transfer, each way */

struct wk_gbt_block {
    bool last;       /* no data follow */
    bool streaming;  /* more blocks follow before an answer is wanted */
    uint8_t window;  /* blocks that the one who sends this can take at once; 0 counts as 1 */
    uint16_t number; /* of this block */
    uint16_t ack;    /* the last block of the other that was taken; 0 = none */
    struct wk_bytes_in data;
};

void wk_gbt_put(struct wk_bytes_out *out, const struct wk_gbt_block *block);
/** WK_E_FORMAT, WK_E_SHORT: malformed, or octets left over. */
WK_MUST_USE wk_err wk_gbt_read(struct wk_bytes_in *in, struct wk_gbt_block *block);

/* ---- sending ----------------------------------------------------------------------------- */

/* All fields are private but `at`, `size` and `done`. */
struct wk_gbt_sender {
    size_t block;   /* octets of a block */
    size_t at;      /* window: octets that are acknowledged */
    size_t size;    /* window: octets, the acknowledged ones included */
    bool last;      /* the window ends the APDU */
    bool done;      /* all of the APDU is acknowledged */
    uint8_t window; /* of the other */
    uint16_t base;  /* blocks acknowledged */
    uint16_t sent;  /* blocks behind base that this turn has sent */
    uint16_t most;  /* ... that were ever sent */
    uint16_t turn;  /* ... that this turn may send */
};

/** `number`: blocks this end has sent before, without data. `block`: octets of data in a block,
 *  1..65535. */
void wk_gbt_send(struct wk_gbt_sender *sender, uint16_t number, size_t block, uint8_t window);
/** The window is acknowledged, the next one is made of the first of `size` octets that are
 *  there; `ends`: they are the last ones. sender->size tells how many it takes: they must stay
 *  unchanged until wk_gbt_wants. WK_E_FULL: too many blocks. */
WK_MUST_USE wk_err wk_gbt_load(struct wk_gbt_sender *sender, size_t size, bool ends);
/** True if all of the window is acknowledged and there is more: call wk_gbt_load. */
bool wk_gbt_wants(const struct wk_gbt_sender *sender);
/** True if it is this end's turn and blocks of the window are to be sent. */
bool wk_gbt_may_send(const struct wk_gbt_sender *sender);
/** The next block; `octets`: those of the window. `ack`, `window`: of this end as receiver.
 *  Only after wk_gbt_may_send. */
void wk_gbt_next(struct wk_gbt_sender *sender, const uint8_t *octets, uint16_t ack,
                 uint8_t window, struct wk_bytes_out *out);
/** What the other end acknowledged; its turn is over. WK_E_RANGE: a block that was never sent,
 *  or less than it acknowledged before. */
WK_MUST_USE wk_err wk_gbt_acknowledge(struct wk_gbt_sender *sender, uint16_t ack,
                                      uint8_t window);

/* ---- receiving --------------------------------------------------------------------------- */

/** Whether the block is the one due after `*number`, which then counts on. False: it came
 *  before, or one is missing; it must be left. */
bool wk_gbt_take(uint16_t *number, const struct wk_gbt_block *block);

#endif
