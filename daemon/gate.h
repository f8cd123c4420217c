/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/gate - lets other threads look at what a libuv loop owns.
 *
 * The loop's thread works without locks. A thread that wants to look asks; the loop stops at
 * its next turn and lets the askers in, one after the other. */
#ifndef WK_DAEMON_GATE_H
#define WK_DAEMON_GATE_H

#include <stdbool.h>

#include <uv.h>

#include "base/err.h"

struct wk_gate {
    uv_async_t wake;
    uv_mutex_t mutex;
    uv_cond_t changed;
    int waiting;
    bool open;   /* the loop stands still */
    bool busy;   /* somebody is inside */
    bool closed; /* the loop will not run again: no need to ask it */
};

WK_MUST_USE wk_err wk_gate_init(struct wk_gate *gate, uv_loop_t *loop);
/** From any thread but the loop's: in, and out again. */
void wk_gate_hold(struct wk_gate *gate);
void wk_gate_release(struct wk_gate *gate);
/** From the loop's thread, when it ends: who asks from now on is let in at once. */
void wk_gate_close(struct wk_gate *gate);

#endif
