/* SPDX-License-Identifier: Apache-2.0
 *
 * management/push_part - what the files of room push say to each other. */
#ifndef WK_MANAGEMENT_PUSH_PART_H
#define WK_MANAGEMENT_PUSH_PART_H

#include "management/push.h"

/** Writes the notification of the delivery under way to push->body, and notes in the delivery
 *  how far profiles are in it. */
WK_MUST_USE wk_err wk_push_collect(struct wk_push *push, int64_t now_us, size_t *size);

#endif
