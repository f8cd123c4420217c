/* SPDX-License-Identifier: Apache-2.0 */
#include "management/profile_batch.h"

#include <string.h>

#include "base/bytes.h"

#define VERSION      1
#define ROWS_AT      2 /* octet of the head */
#define WIDEST       64
#define GOLOMB_MOST  7 /* zeros before a change of the number of bits: it is 128 at most */
#define TRACE_END    0
#define TRACE_STATUS 1
#define TRACE_ABSENT 2
#define TRACE_VALUES 3

/* ---- bits, the most significant first ------------------------------------------------------ */

static wk_err put_bits(struct wk_profile_batch *batch, uint32_t *bit, uint64_t value,
                       uint32_t count)
{
    if (*bit + count > WK_PROFILE_BATCH * 8) {
        return WK_E_FULL;
    }
    while (count > 0) {
        const uint32_t room = 8 - *bit % 8;
        const uint32_t take = count < room ? count : room;
        const uint32_t part = (uint32_t)(value >> (count - take)) & ((1U << take) - 1U);
        uint8_t *octet = &batch->octets[*bit / 8];
        const uint8_t before = room == 8 ? 0 : *octet;
        *octet = (uint8_t)(before | part << (room - take));
        *bit += take;
        count -= take;
    }
    return WK_OK;
}

static wk_err get_bits(const struct wk_profile_batch *batch, uint32_t *bit, uint32_t count,
                       uint64_t *value)
{
    *value = 0;
    if (*bit + count > batch->size * 8U) {
        return WK_E_FORMAT;
    }
    while (count > 0) {
        const uint32_t room = 8 - *bit % 8;
        const uint32_t take = count < room ? count : room;
        const uint32_t part =
            (uint32_t)(batch->octets[*bit / 8] >> (room - take)) & ((1U << take) - 1U);
        *value = *value << take | part;
        *bit += take;
        count -= take;
    }
    return WK_OK;
}

/* ---- numbers ----------------------------------------------------------------------------- */

static uint8_t width_of(uint64_t value)
{
    return value != 0 ? (uint8_t)(WIDEST - __builtin_clzll(value)) : 0;
}

/* 0, -1, 1, -2, 2 ... become 0, 1, 2, 3, 4 ... */
static uint64_t fold(uint64_t difference)
{
    return difference << 1 ^ (uint64_t) - (int64_t)(difference >> 63);
}

static uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ (uint64_t) - (int64_t)(folded & 1U);
}

static wk_err put_number(struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                         uint8_t *bits, uint64_t folded)
{
    const uint8_t width = width_of(folded);
    const int change = width - *bits;
    const uint32_t coded = (uint32_t)(change < 0 ? -2 * change - 1 : 2 * change) + 1U;
    const uint32_t zeros = width_of(coded) - 1U;
    *bits = width;
    WK_TRY(put_bits(batch, &walk->bit, coded, 2 * zeros + 1));
    return width > 1
               ? put_bits(batch, &walk->bit, folded & ~(UINT64_C(1) << (width - 1)), width - 1U)
               : WK_OK;
}

static wk_err get_width(const struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                        uint8_t *bits)
{
    uint64_t part = 0;
    uint32_t zeros = 0;
    WK_TRY(get_bits(batch, &walk->bit, 1, &part));
    while (part == 0 && zeros < GOLOMB_MOST) {
        zeros++;
        WK_TRY(get_bits(batch, &walk->bit, 1, &part));
    }
    const uint64_t leading = part;
    WK_TRY(get_bits(batch, &walk->bit, zeros, &part));
    const int coded = (int)((UINT64_C(1) << zeros) + part) - 1;
    const int width = *bits + (coded % 2 != 0 ? -(coded + 1) / 2 : coded / 2);
    if (leading == 0 || width < 0 || width > WIDEST) {
        return WK_E_FORMAT;
    }
    *bits = (uint8_t)width;
    return WK_OK;
}

static wk_err get_number(const struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                         uint8_t *bits, uint64_t *folded)
{
    WK_TRY(get_width(batch, walk, bits));
    *folded = 0;
    if (*bits > 0) {
        WK_TRY(get_bits(batch, &walk->bit, *bits - 1U, folded));
        *folded |= UINT64_C(1) << (*bits - 1);
    }
    return WK_OK;
}

/* ---- predictions ------------------------------------------------------------------------- */

/* What the value of a trace should be, by the prediction that cost least of late. */
static uint64_t predict(const struct wk_profile_walk *walk, uint32_t trace)
{
    const uint16_t *cost = walk->trace[trace].cost;
    const uint64_t value = walk->trace[trace].value;
    if (cost[0] <= cost[1] && cost[0] <= cost[2]) {
        return value;
    }
    return cost[1] <= cost[2] ? value + walk->trace[trace].gain
                              : value + walk->trace[TRACE_VALUES].gain;
}

/* The costs fade by a quarter with each row. */
static void learn(struct wk_profile_walk *walk, uint32_t trace, uint64_t value)
{
    const uint64_t gain = value - walk->trace[trace].value;
    if (walk->row > 0) {
        const uint64_t left[3] = {gain, gain - walk->trace[trace].gain,
                                  gain - walk->trace[TRACE_VALUES].gain};
        for (int i = 0; i < 3; i++) {
            uint16_t *cost = &walk->trace[trace].cost[i];
            *cost = (uint16_t)(*cost - *cost / 4 + width_of(fold(left[i])));
        }
        walk->trace[trace].gain = gain;
    }
    walk->trace[trace].value = value;
}

static wk_err put_trace(struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                        uint32_t trace, uint64_t value)
{
    WK_TRY(
        put_number(batch, walk, &walk->trace[trace].bits, fold(value - predict(walk, trace))));
    learn(walk, trace, value);
    return WK_OK;
}

static wk_err get_trace(const struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                        uint32_t trace, uint64_t *value)
{
    uint64_t folded;
    WK_TRY(get_number(batch, walk, &walk->trace[trace].bits, &folded));
    *value = predict(walk, trace) + unfold(folded);
    learn(walk, trace, *value);
    return WK_OK;
}

/* ---- batches ----------------------------------------------------------------------------- */

void wk_profile_batch_begin(struct wk_profile_batch *batch,
                            const struct wk_profile_batch_head *head)
{
    memset(batch, 0, sizeof *batch);
    struct wk_bytes_out out = wk_bytes_out_of(batch->octets, sizeof batch->octets);
    wk_bytes_out_u8(&out, VERSION);
    wk_bytes_out_u8(&out, head->columns);
    wk_bytes_out_u8(&out, 0);
    wk_bytes_out_u32le(&out, head->turn);
    wk_bytes_out_u32le(&out, (uint32_t)head->number);
    wk_bytes_out_u8(&out, (uint8_t)(head->number >> 32));
    batch->size = (uint16_t)out.size;
}

wk_err wk_profile_batch_head(const struct wk_profile_batch *batch,
                             struct wk_profile_batch_head *head)
{
    struct wk_bytes_in in = wk_bytes_in_of(batch->octets, batch->size);
    const uint8_t version = wk_bytes_in_u8(&in);
    head->columns = wk_bytes_in_u8(&in);
    head->rows = wk_bytes_in_u8(&in);
    head->turn = wk_bytes_in_u32le(&in);
    const uint32_t low = wk_bytes_in_u32le(&in);
    head->number = (uint64_t)wk_bytes_in_u8(&in) << 32 | low;
    return in.fault == WK_OK && version == VERSION && head->columns <= WK_PROFILE_COLUMNS
               ? WK_OK
               : WK_E_FORMAT;
}

void wk_profile_batch_walk(struct wk_profile_walk *walk)
{
    memset(walk, 0, sizeof *walk);
    walk->bit = WK_PROFILE_BATCH_HEAD * 8;
}

/* Behind the last row: nothing but zeros up to the octet's end. */
static wk_err check_end(const struct wk_profile_batch *batch,
                        const struct wk_profile_walk *walk)
{
    uint32_t bit = walk->bit;
    uint64_t padding = 0;
    if ((bit + 7) / 8 != batch->size) {
        return WK_E_FORMAT;
    }
    WK_TRY(get_bits(batch, &bit, batch->size * 8U - bit, &padding));
    return padding == 0 ? WK_E_NOT_FOUND : WK_E_FORMAT;
}

wk_err wk_profile_batch_read(const struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                             struct wk_profile_row *row)
{
    struct wk_profile_batch_head head;
    uint64_t value = 0;
    WK_TRY(wk_profile_batch_head(batch, &head));
    if (walk->row >= head.rows) {
        return check_end(batch, walk);
    }
    memset(row, 0, sizeof *row);
    WK_TRY(get_trace(batch, walk, TRACE_END, &value));
    row->end.s = (int64_t)value;
    WK_TRY(get_trace(batch, walk, TRACE_STATUS, &value));
    row->status = (uint16_t)value;
    WK_TRY(value <= UINT16_MAX ? WK_OK : WK_E_FORMAT);
    WK_TRY(get_trace(batch, walk, TRACE_ABSENT, &value));
    row->absent = (uint32_t)value;
    WK_TRY(value >> head.columns == 0 ? WK_OK : WK_E_FORMAT);
    for (uint32_t i = 0; i < head.columns; i++) {
        if ((row->absent >> i & 1U) == 0) {
            WK_TRY(get_trace(batch, walk, TRACE_VALUES + i, &value));
            row->value[i] = (int64_t)value;
        }
    }
    walk->row++;
    return WK_OK;
}

static wk_err put_row(struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                      const struct wk_profile_row *row, uint8_t columns)
{
    WK_TRY(put_trace(batch, walk, TRACE_END, (uint64_t)row->end.s));
    WK_TRY(put_trace(batch, walk, TRACE_STATUS, row->status));
    WK_TRY(put_trace(batch, walk, TRACE_ABSENT, row->absent & ((UINT64_C(1) << columns) - 1U)));
    for (uint32_t i = 0; i < columns; i++) {
        if ((row->absent >> i & 1U) == 0) {
            WK_TRY(put_trace(batch, walk, TRACE_VALUES + i, (uint64_t)row->value[i]));
        }
    }
    return WK_OK;
}

wk_err wk_profile_batch_push(struct wk_profile_batch *batch, struct wk_profile_walk *walk,
                             const struct wk_profile_row *row)
{
    struct wk_profile_batch_head head;
    WK_TRY(wk_profile_batch_head(batch, &head));
    const uint8_t shared = batch->octets[batch->size - 1]; /* its last bits may be free */
    if (head.rows == WK_PROFILE_BATCH_ROWS ||
        put_row(batch, walk, row, head.columns) != WK_OK) {
        batch->octets[batch->size - 1] = shared;
        return WK_E_FULL;
    }
    walk->row++;
    batch->octets[ROWS_AT]++;
    batch->size = (uint16_t)((walk->bit + 7) / 8);
    return WK_OK;
}

wk_err wk_profile_batch_append(struct wk_profile_batch *batch, const struct wk_profile_row *row)
{
    struct wk_profile_walk walk;
    struct wk_profile_row passed;
    wk_err err;
    wk_profile_batch_walk(&walk);
    do {
        err = wk_profile_batch_read(batch, &walk, &passed);
    } while (err == WK_OK);
    return err == WK_E_NOT_FOUND ? wk_profile_batch_push(batch, &walk, row) : err;
}
