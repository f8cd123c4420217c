/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/gate.h"

#include <stddef.h>

static void let_in(uv_async_t *wake)
{
    struct wk_gate *gate = wake->data;
    uv_mutex_lock(&gate->mutex);
    gate->open = true;
    uv_cond_broadcast(&gate->changed);
    while (gate->waiting > 0 || gate->busy) {
        uv_cond_wait(&gate->changed, &gate->mutex);
    }
    gate->open = false;
    uv_mutex_unlock(&gate->mutex);
}

wk_err wk_gate_init(struct wk_gate *gate, uv_loop_t *loop)
{
    *gate = (struct wk_gate){.closed = false};
    if (uv_mutex_init(&gate->mutex) != 0 || uv_cond_init(&gate->changed) != 0 ||
        uv_async_init(loop, &gate->wake, let_in) != 0) {
        return WK_E_IO;
    }
    gate->wake.data = gate;
    return WK_OK;
}

void wk_gate_hold(struct wk_gate *gate)
{
    uv_mutex_lock(&gate->mutex);
    gate->waiting++;
    if (!gate->closed) {
        uv_async_send(&gate->wake);
    }
    while (gate->busy || (!gate->open && !gate->closed)) {
        uv_cond_wait(&gate->changed, &gate->mutex);
    }
    gate->waiting--;
    gate->busy = true;
    uv_mutex_unlock(&gate->mutex);
}

void wk_gate_release(struct wk_gate *gate)
{
    uv_mutex_lock(&gate->mutex);
    gate->busy = false;
    uv_cond_broadcast(&gate->changed);
    uv_mutex_unlock(&gate->mutex);
}

void wk_gate_close(struct wk_gate *gate)
{
    uv_mutex_lock(&gate->mutex);
    gate->closed = true;
    uv_cond_broadcast(&gate->changed);
    uv_mutex_unlock(&gate->mutex);
    uv_close((uv_handle_t *)&gate->wake, NULL);
}
