/* SPDX-License-Identifier: Apache-2.0
 *
 * base/bytes - cursors through which all bytes enter and leave.
 *
 * A cursor has a sticky fault: after the first read past the end (or write past the room), it
 * stays faulty, reads give zeros, writes do nothing, and `fault_at` keeps the offset of the
 * first offence. A parser therefore reads like a schema and checks once at its end.
 * "be" = most significant octet first (wires), "le" = least significant first (our flash). */
#ifndef WK_BASE_BYTES_H
#define WK_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct wk_bytes_in {
    const uint8_t *data; /* borrowed */
    size_t size;
    size_t at;       /* offset of the next octet */
    size_t fault_at; /* valid while fault != WK_OK */
    wk_err fault;    /* WK_E_SHORT on overrun, or what wk_bytes_in_fail was told */
};

struct wk_bytes_in wk_bytes_in_of(const void *data, size_t size);
size_t wk_bytes_in_left(const struct wk_bytes_in *in);
/** Marks the input as bad at the present offset; the first mark stays. */
void wk_bytes_in_fail(struct wk_bytes_in *in, wk_err err);
/** WK_OK if no fault and nothing is left over; WK_E_FORMAT for left-over octets. */
WK_MUST_USE wk_err wk_bytes_in_end(const struct wk_bytes_in *in);
uint8_t wk_bytes_in_u8(struct wk_bytes_in *in);
uint8_t wk_bytes_in_peek(const struct wk_bytes_in *in); /* 0 at the end; no fault */
uint16_t wk_bytes_in_u16be(struct wk_bytes_in *in);
uint32_t wk_bytes_in_u32be(struct wk_bytes_in *in);
uint64_t wk_bytes_in_u64be(struct wk_bytes_in *in);
uint16_t wk_bytes_in_u16le(struct wk_bytes_in *in);
uint32_t wk_bytes_in_u32le(struct wk_bytes_in *in);
uint64_t wk_bytes_in_u64le(struct wk_bytes_in *in);
/** Borrows the next `size` octets; NULL (and fault) if there are fewer. */
const uint8_t *wk_bytes_in_take(struct wk_bytes_in *in, size_t size);
/** Copies the next `size` octets; fills with zeros on fault. */
void wk_bytes_in_copy(struct wk_bytes_in *in, void *to, size_t size);

struct wk_bytes_out {
    uint8_t *data; /* borrowed */
    size_t room;
    size_t size;  /* octets written so far */
    wk_err fault; /* WK_E_FULL on overrun */
};

struct wk_bytes_out wk_bytes_out_of(void *data, size_t room);
size_t wk_bytes_out_left(const struct wk_bytes_out *out);
void wk_bytes_out_u8(struct wk_bytes_out *out, uint8_t value);
void wk_bytes_out_u16be(struct wk_bytes_out *out, uint16_t value);
void wk_bytes_out_u32be(struct wk_bytes_out *out, uint32_t value);
void wk_bytes_out_u64be(struct wk_bytes_out *out, uint64_t value);
void wk_bytes_out_u16le(struct wk_bytes_out *out, uint16_t value);
void wk_bytes_out_u32le(struct wk_bytes_out *out, uint32_t value);
void wk_bytes_out_u64le(struct wk_bytes_out *out, uint64_t value);
void wk_bytes_out_put(struct wk_bytes_out *out, const void *data, size_t size);
/** Reserves `size` octets for the caller to fill; NULL (and fault) if there is no room. */
uint8_t *wk_bytes_out_reserve(struct wk_bytes_out *out, size_t size);
/** Overwrites an octet already written. Outside of what is written: fault WK_E_ARGUMENT. */
void wk_bytes_out_patch_u8(struct wk_bytes_out *out, size_t at, uint8_t value);
void wk_bytes_out_patch_u16be(struct wk_bytes_out *out, size_t at, uint16_t value);

/** Compares in time that depends on `size` only. */
bool wk_bytes_equal_secret(const void *a, const void *b, size_t size);

#endif
