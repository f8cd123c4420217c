/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/gbt.h"

#include "cosem/apdu.h"
#include "cosem/axdr.h"

#define LAST      0x80
#define STREAMING 0x40
#define WINDOW    0x3F

void wk_gbt_put(struct wk_bytes_out *out, const struct wk_gbt_block *block)
{
    wk_bytes_out_u8(out, WK_APDU_GENERAL_BLOCK);
    wk_bytes_out_u8(out,
                    (uint8_t)((block->last ? LAST : 0) | (block->streaming ? STREAMING : 0) |
                              (block->window & WINDOW)));
    wk_bytes_out_u16be(out, block->number);
    wk_bytes_out_u16be(out, block->ack);
    wk_axdr_put_length(out, (uint32_t)block->data.size);
    wk_bytes_out_put(out, block->data.data, block->data.size);
}

wk_err wk_gbt_read(struct wk_bytes_in *in, struct wk_gbt_block *block)
{
    *block = (struct wk_gbt_block){0};
    if (wk_bytes_in_u8(in) != WK_APDU_GENERAL_BLOCK) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const uint8_t control = wk_bytes_in_u8(in);
    block->last = (control & LAST) != 0;
    block->streaming = (control & STREAMING) != 0;
    block->window = control & WINDOW;
    block->number = wk_bytes_in_u16be(in);
    block->ack = wk_bytes_in_u16be(in);
    const uint32_t size = wk_axdr_read_length(in);
    const uint8_t *octets = wk_bytes_in_take(in, size);
    block->data = wk_bytes_in_of(octets, octets != NULL ? size : 0);
    return wk_bytes_in_end(in);
}

/* ---- sending ----------------------------------------------------------------------------- */

static uint8_t window_of(uint8_t told)
{
    return told == 0 ? 1 : told;
}

static uint16_t blocks_of(const struct wk_gbt_sender *sender)
{
    return (uint16_t)((sender->size - sender->at + sender->block - 1) / sender->block);
}

static void begin_turn(struct wk_gbt_sender *sender)
{
    const uint16_t blocks = blocks_of(sender);
    sender->sent = 0;
    sender->turn = blocks < sender->window ? blocks : sender->window;
}

void wk_gbt_send(struct wk_gbt_sender *sender, uint16_t number, size_t block, uint8_t window)
{
    *sender = (struct wk_gbt_sender){
        .block = block,
        .base = number,
        .window = window_of(window),
    };
}

wk_err wk_gbt_load(struct wk_gbt_sender *sender, size_t size, bool ends)
{
    const size_t most = sender->window * sender->block;
    sender->at = 0;
    sender->size = size < most ? size : most;
    sender->last = ends && sender->size == size;
    sender->most = 0;
    begin_turn(sender);
    return sender->turn <= WK_GBT_BLOCKS - sender->base ? WK_OK : WK_E_FULL;
}

bool wk_gbt_wants(const struct wk_gbt_sender *sender)
{
    return !sender->done && sender->at == sender->size;
}

bool wk_gbt_may_send(const struct wk_gbt_sender *sender)
{
    return sender->sent < sender->turn;
}

void wk_gbt_next(struct wk_gbt_sender *sender, const uint8_t *octets, uint16_t ack,
                 uint8_t window, struct wk_bytes_out *out)
{
    const size_t at = sender->at + sender->sent * sender->block;
    const size_t left = sender->size - at;
    const size_t size = left < sender->block ? left : sender->block;
    sender->sent++;
    sender->most = sender->sent > sender->most ? sender->sent : sender->most;
    const struct wk_gbt_block block = {
        .last = sender->last && size == left,
        .streaming = sender->sent < sender->turn,
        .window = window,
        .number = (uint16_t)(sender->base + sender->sent),
        .ack = ack,
        .data = wk_bytes_in_of(octets + at, size),
    };
    wk_gbt_put(out, &block);
}

wk_err wk_gbt_acknowledge(struct wk_gbt_sender *sender, uint16_t ack, uint8_t window)
{
    if (ack < sender->base || ack - sender->base > sender->most) {
        return WK_E_RANGE;
    }
    const uint16_t taken = (uint16_t)(ack - sender->base);
    const size_t octets = taken * sender->block;
    const size_t left = sender->size - sender->at;
    sender->at += octets < left ? octets : left;
    sender->base = ack;
    sender->most = (uint16_t)(sender->most - taken);
    sender->window = window_of(window);
    sender->done = sender->last && sender->at == sender->size;
    begin_turn(sender);
    return WK_OK;
}

/* ---- receiving --------------------------------------------------------------------------- */

bool wk_gbt_take(uint16_t *number, const struct wk_gbt_block *block)
{
    if (*number == WK_GBT_BLOCKS || block->number != *number + 1) {
        return false;
    }
    *number = block->number;
    return true;
}
