/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/due - which of many is due first. Each change costs the logarithm of how many wait. */
#ifndef WK_HEADEND_DUE_H
#define WK_HEADEND_DUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_DUE_NEVER INT64_MAX

struct wk_due {
    size_t waiting;
    size_t *heap;    /* owned: numbers of those that wait, the first on top */
    size_t *at;      /* owned: of each, where it is in the heap; SIZE_MAX: it does not wait */
    int64_t *due_at; /* owned: of each, when it is due */
};

/** For the numbers 0..room-1, none of which waits. WK_E_FULL: no memory; nothing is left to free. */
WK_MUST_USE wk_err wk_due_init(struct wk_due *due, size_t room);
void wk_due_free(struct wk_due *due);
/** From now on `number` is due at this time; WK_DUE_NEVER: it does not wait. */
void wk_due_set(struct wk_due *due, size_t number, int64_t at);
/** When the first is due; WK_DUE_NEVER: none waits. */
int64_t wk_due_first(const struct wk_due *due, size_t *number);

#endif
