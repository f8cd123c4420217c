/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/push_decoder_part - what the files of room push_decoder say to each other. */
#ifndef WK_COSEM_PUSH_DECODER_PART_H
#define WK_COSEM_PUSH_DECODER_PART_H

#include "cosem/push_decoder.h"

/** What follows the tag of a DataNotification, up to its body. False, and a fault: malformed. A
 *  tag before the date-time, as some meters write it, is passed over. */
bool wk_push_decoder_head(struct wk_bytes_in *in, struct wk_push_decoder_head *head);

/* The attribute whose value an EventNotification has. */
struct wk_push_decoder_event {
    uint16_t class_id;
    const uint8_t
        *obis; /* 6 octets; NULL: of a DataNotification, whose body names its values */
    uint8_t attribute;
};

/** What follows the tag of an EventNotification, up to its value. False, and a fault: malformed. */
bool wk_push_decoder_event_head(struct wk_bytes_in *in, struct wk_push_decoder_head *head,
                                struct wk_push_decoder_event *event);

/** Tells the values of the body. WK_E_FORMAT, WK_E_SHORT: malformed, what came before was told;
 *  or octets are left over. */
wk_err wk_push_decoder_walk(struct wk_bytes_in *in, const struct wk_push_decoder_event *event,
                            const struct wk_push_decoder_sink *sink);

#endif
