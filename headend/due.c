/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/due.h"

#include <stdbool.h>
#include <stdlib.h>

#define NOWHERE SIZE_MAX

wk_err wk_due_init(struct wk_due *due, size_t room)
{
    *due = (struct wk_due){.heap = calloc(room + 1, sizeof *due->heap),
                           .at = calloc(room + 1, sizeof *due->at),
                           .due_at = calloc(room + 1, sizeof *due->due_at)};
    if (due->heap == NULL || due->at == NULL || due->due_at == NULL) {
        wk_due_free(due);
        return WK_E_FULL;
    }
    for (size_t i = 0; i < room; i++) {
        due->at[i] = NOWHERE;
    }
    return WK_OK;
}

void wk_due_free(struct wk_due *due)
{
    free(due->heap);
    free(due->at);
    free(due->due_at);
    *due = (struct wk_due){0};
}

static bool earlier(const struct wk_due *due, size_t a, size_t b)
{
    return due->due_at[due->heap[a]] < due->due_at[due->heap[b]];
}

static void swap(struct wk_due *due, size_t a, size_t b)
{
    const size_t number = due->heap[a];
    due->heap[a] = due->heap[b];
    due->heap[b] = number;
    due->at[due->heap[a]] = a;
    due->at[due->heap[b]] = b;
}

static void rise(struct wk_due *due, size_t at)
{
    while (at > 0 && earlier(due, at, (at - 1) / 2)) {
        swap(due, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sink(struct wk_due *due, size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < due->waiting; child++) {
            first = earlier(due, child, first) ? child : first;
        }
        if (first == at) {
            return;
        }
        swap(due, at, first);
        at = first;
    }
}

static void drop(struct wk_due *due, size_t number)
{
    const size_t at = due->at[number];
    if (at == NOWHERE) {
        return;
    }
    due->waiting--;
    if (at != due->waiting) {
        swap(due, at, due->waiting);
        rise(due, at);
        sink(due, at);
    }
    due->at[number] = NOWHERE;
}

void wk_due_set(struct wk_due *due, size_t number, int64_t at)
{
    if (due->at[number] != NOWHERE && due->due_at[number] == at) {
        return;
    }
    drop(due, number);
    due->due_at[number] = at;
    if (at != WK_DUE_NEVER) {
        due->heap[due->waiting] = number;
        due->at[number] = due->waiting;
        rise(due, due->waiting++);
    }
}

int64_t wk_due_first(const struct wk_due *due, size_t *number)
{
    if (due->waiting == 0) {
        return WK_DUE_NEVER;
    }
    *number = due->heap[0];
    return due->due_at[due->heap[0]];
}
