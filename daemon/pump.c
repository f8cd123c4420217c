/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pump.h"

#include <string.h>

void wk_pump_init(struct wk_pump *pump, struct wk_ring *ring, struct wk_module *module)
{
    memset(pump, 0, sizeof *pump);
    pump->ring = ring;
    pump->module = module;
    const uint64_t oldest = wk_ring_oldest(ring);
    const uint64_t tail = atomic_load(&ring->shared->tail);
    pump->position = tail > oldest ? tail : oldest;
}

/* Frees what the module has committed: everything read so far, if its last commit came with
 * the newest record. */
static void free_committed(struct wk_pump *pump)
{
    const struct wk_module_cursor *cursor = &pump->module->cursor;
    const struct wk_module_cursor *committed = &pump->module->committed;
    if (cursor->epoch == committed->epoch && cursor->seq == committed->seq) {
        if (pump->tap.self != NULL) {
            pump->tap.save(pump->tap.self);
        }
        wk_ring_free_to(pump->ring, pump->position);
    }
}

wk_err wk_pump_run(struct wk_pump *pump, size_t most, size_t *taken)
{
    struct wk_record record;
    for (*taken = 0; *taken < most; (*taken)++) {
        const wk_err err = wk_ring_get(pump->ring, pump->position, &record);
        if (err == WK_E_NOT_FOUND) {
            break;
        }
        if (err == WK_E_OVERRUN) {
            pump->position = wk_ring_oldest(pump->ring);
            continue;
        }
        WK_TRY(err);
        WK_TRY(wk_module_consume(pump->module, &record));
        if (pump->tap.self != NULL) {
            pump->tap.take(pump->tap.self, &record);
        }
        (void)wk_balance_add(&pump->balance, &record);
        pump->position++;
        free_committed(pump);
    }
    if (*taken == 0 && !pump->finished && atomic_load(&pump->ring->shared->finished) != 0 &&
        wk_ring_get(pump->ring, pump->position, &record) == WK_E_NOT_FOUND) {
        WK_TRY(wk_module_commit(pump->module));
        free_committed(pump);
        pump->finished = true;
    }
    return WK_OK;
}
