/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/push_decoder - for those who only listen: octets of a meter's push in, values out.
 *
 * A consumer at the local port of a meter (P1, HAN, CII) or behind its pushes over IP gives the
 * octets as they come; frames are found by themselves:
 *
 *   HDLC       I and UI frames, segmented or not, with or without LLC octets (Norway, Sweden,
 *              Switzerland, Vienna)
 *   M-Bus      long frames with segments (EN 13757-2, -3: Lower Austria, Tyrol, Salzburg)
 *   wrapper    TCP, UDP
 *   bare       general-glo-ciphering or DataNotification without a frame (Luxembourg)
 *
 * What is sealed with the global key is opened; what was opened once is not taken again. A
 * DataNotification or EventNotification is walked through: a value gets the logical name before it, or that which a
 * list of captured objects at the begin gives to its place, and the scaler and unit behind it.
 * A text in place of it (a telegram of IEC 62056-21, "/...!") is handed over as it is.
 *
 * Buffers are the owner's. For pushes of n octets: `frame` n + 32 with HDLC in one frame or
 * without frames, else the longest frame; `apdu` n; `plain` n + WK_CIPHER_RESERVE. What goes
 * beyond is dropped and counted; general block transfer and keys other than the global one
 * are not known here. Linked on a Cortex-M4 with all it needs of this library: at most 12 kB of
 * code, without AES-GCM (tools/report_size.py). */
#ifndef WK_COSEM_PUSH_DECODER_H
#define WK_COSEM_PUSH_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cosem/axdr.h"
#include "cosem/cipher.h"

#define WK_PUSH_DECODER_OBJECTS 64  /* of a list of captured objects, most */
#define WK_PUSH_DECODER_NO_UNIT 255 /* of a value whose unit was not sent */

/* What stands before the values. */
struct wk_push_decoder_head {
    bool is_event;       /* an EventNotification: one value with its name */
    uint32_t invoke;     /* long-invoke-id-and-priority; 0 of an EventNotification */
    const uint8_t *time; /* 12 octets for cosem/datetime, or NULL */
    bool sealed;         /* it was ciphered, and these count: */
    bool authentic;      /* its tag was checked */
    uint32_t counter;
    uint8_t title[WK_CIPHER_TITLE];
};

struct wk_push_decoder_value {
    uint16_t place;      /* of the element of the outermost structure it is in, from 0 */
    const uint8_t *obis; /* 6 octets, or NULL: only its place tells what it is */
    uint16_t class_id;   /* 0: not told */
    uint8_t attribute;   /* 0: not told */
    struct wk_axdr_value value;
    int8_t scaler; /* value.integer times 10^scaler is in `unit` */
    uint8_t unit;  /* or WK_PUSH_DECODER_NO_UNIT */
};

/* What is told; pointers hold during the call. NULL: not wanted. */
struct wk_push_decoder_sink {
    void *self;
    void (*head)(void *self, const struct wk_push_decoder_head *head);
    void (*value)(void *self, const struct wk_push_decoder_value *value);
    /** All values of a push were told; `err`: WK_OK, or why it ends before. */
    void (*end)(void *self, wk_err err);
    void (*text)(void *self, const struct wk_push_decoder_head *head, const uint8_t *text,
                 size_t size);
};

struct wk_push_decoder_config {
    const struct wk_hal_crypto *crypto; /* only gcm_open is used; NULL: nothing is opened */
    struct wk_cipher_keys keys;         /* ak of size 0: opened, but not checked */
    struct wk_push_decoder_sink sink;
    uint8_t *frame;
    size_t frame_room;
    uint8_t *apdu;
    size_t apdu_room;
    uint8_t *plain;
    size_t plain_room;
};

struct wk_push_decoder_counts {
    uint32_t pushes;   /* told */
    uint32_t dropped;  /* octets that belonged to no frame */
    uint32_t broken;   /* frames with a wrong check sum, and pieces without their begin */
    uint32_t sealed;   /* APDUs that could not be opened: no or wrong key */
    uint32_t repeated; /* sealed APDUs whose counter was not above the last one's */
    uint32_t others;   /* APDUs that are no notification, malformed or too long */
};

/* All members but `counts` are private. */
struct wk_push_decoder {
    struct wk_push_decoder_config config;
    struct wk_push_decoder_counts counts;
    size_t frame_size;
    size_t apdu_size;
    bool lost;       /* octets were dropped: what has no check sum is not looked for */
    bool joining;    /* segments are awaited */
    uint8_t segment; /* M-Bus: number of the next one */
    bool has_counter;
    uint32_t counter;
    uint8_t title[WK_CIPHER_TITLE]; /* whose counter it is */
};

/** WK_E_ARGUMENT: a buffer is missing. */
WK_MUST_USE wk_err wk_push_decoder_init(struct wk_push_decoder *decoder,
                                        const struct wk_push_decoder_config *config);
/** The next octets of the stream, any number of them. The sink is called from here. */
void wk_push_decoder_take(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size);
/** Nothing came for a while (10 ms on a line, the end of a connection or datagram): what has
 *  begun will not be completed. Frames without a check sum, the wrapper's and bare APDUs, are
 *  taken at the begin, behind each other and after a pause only: elsewhere they could be the
 *  inside of a frame whose check sum is wrong. */
void wk_push_decoder_pause(struct wk_push_decoder *decoder);

#endif
