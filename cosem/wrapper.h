/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/wrapper - the frame of COSEM on TCP and UDP (IEC 62056-4-7, 4.3.3).
 *
 * Eight octets before every APDU: version 1, source and destination wrapper port (the SAPs),
 * length. The splitter cuts a TCP stream into frames within a buffer of its owner; octets that
 * cannot begin a frame are dropped and counted, and it goes on at the next possible begin. */
#ifndef WK_COSEM_WRAPPER_H
#define WK_COSEM_WRAPPER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_WRAPPER_SIZE    8
#define WK_WRAPPER_VERSION 1
#define WK_WRAPPER_PORT    4059 /* registered TCP and UDP port of DLMS/COSEM */

struct wk_wrapper {
    uint16_t source;
    uint16_t destination;
    uint16_t length; /* octets of the APDU that follows */
};

void wk_wrapper_put(struct wk_bytes_out *out, const struct wk_wrapper *head);
/** Fault WK_E_FORMAT: the version is not 1, or the length is 0. */
void wk_wrapper_read(struct wk_bytes_in *in, struct wk_wrapper *head);

struct wk_wrapper_split {
    uint8_t *data; /* borrowed; holds at least one frame of the longest kind */
    size_t room;
    size_t first;     /* octets before it are used up */
    size_t last;      /* octets from first to last are waiting */
    uint32_t dropped; /* octets that began no frame, since init */
};

/** `room` - WK_WRAPPER_SIZE is the longest APDU that passes. */
void wk_wrapper_split_init(struct wk_wrapper_split *split, uint8_t *data, size_t room);

/** Where the next octets of the stream go; *size > 0 after wk_wrapper_split_next returned
 *  WK_E_SHORT. Invalidates what wk_wrapper_split_next gave. */
uint8_t *wk_wrapper_split_space(struct wk_wrapper_split *split, size_t *size);
/** `size` octets were written there. WK_E_ARGUMENT: more than there was room for. */
WK_MUST_USE wk_err wk_wrapper_split_received(struct wk_wrapper_split *split, size_t size);

/** The next frame; `apdu` borrows from the buffer.
 *  WK_E_SHORT: it needs more octets. WK_E_FORMAT: octets that begin no frame were dropped, or
 *  a frame longer than the buffer was announced (its head is dropped); call again. */
WK_MUST_USE wk_err wk_wrapper_split_next(struct wk_wrapper_split *split,
                                         struct wk_wrapper *head, struct wk_bytes_in *apdu);

#endif
