/* SPDX-License-Identifier: Apache-2.0
 *
 * management/push_part - what the files of room push say to each other. */
#ifndef WK_MANAGEMENT_PUSH_PART_H
#define WK_MANAGEMENT_PUSH_PART_H

#include "management/push.h"

/* Attributes of class 40. */
enum {
    WK_PUSH_OBJECT_LIST = 2,
    WK_PUSH_SEND_TO = 3,
    WK_PUSH_WHEN = 4,
    WK_PUSH_RANDOMISATION = 5,
    WK_PUSH_RETRIES = 6,
    WK_PUSH_REPETITION = 7,
    WK_PUSH_PORT = 8,
    WK_PUSH_CLIENT_SAP = 9,
    WK_PUSH_PROTECT = 10,
    WK_PUSH_METHOD = 11,
    WK_PUSH_CONFIRM = 12,
    WK_PUSH_LAST_CONFIRM = 13,
};

/* Of a value in push->values: setup and attribute, octets (u16le). */
#define WK_PUSH_VALUE_HEAD            3
#define WK_PUSH_KEY(setup, attribute) ((uint8_t)((setup) << 4 | (attribute)))

/** The value of an attribute, 2..12, as it is now. */
struct wk_bytes_in wk_push_value(const struct wk_push *push, uint8_t setup, uint8_t attribute);
/** What one whole value says, in *read. WK_E_FORMAT, WK_E_RANGE. */
WK_MUST_USE wk_err wk_push_check(const struct wk_push *push, uint8_t attribute,
                                 struct wk_bytes_in *value, struct wk_push_setup *read);
/** As wk_push_set, but the owner need not be told. */
WK_MUST_USE wk_err wk_push_store(struct wk_push *push, uint8_t setup, uint8_t attribute,
                                 struct wk_bytes_in *value);
/** All attributes of a setup have their first values again. */
void wk_push_forget(struct wk_push *push, uint8_t setup);
/** The objects that a setup sends: how many, and each for wk_push_read_object. */
uint8_t wk_push_objects_of(const struct wk_push *push, uint8_t setup, struct wk_bytes_in *in);
void wk_push_read_object(struct wk_bytes_in *in, struct wk_push_object *object);

/** Writes the notification of the delivery under way to push->body, and notes in the delivery
 *  how far profiles are in it. */
WK_MUST_USE wk_err wk_push_collect(struct wk_push *push, int64_t now_us, size_t *size);

#endif
