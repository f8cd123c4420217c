/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/pump - the consumer's end of the ring: records into the module, exactly once.
 *
 * The cursor in the module's store decides what has been counted; the ring's tail only says
 * what may be overwritten, and moves after each commit. */
#ifndef WK_DAEMON_PUMP_H
#define WK_DAEMON_PUMP_H

#include "base/err.h"
#include "management/module.h"
#include "metrology/balance.h"
#include "port/linux/ring.h"

/* Whoever wants to see the records, too. `save` is called before the ring may overwrite what
 * was seen. */
struct wk_pump_tap {
    void *self;
    void (*take)(void *self, const struct wk_record *record);
    void (*save)(void *self);
};

struct wk_pump {
    struct wk_pump_tap tap; /* .self NULL: nobody */
    struct wk_ring *ring;
    struct wk_module *module;
    uint64_t position;         /* of the next record to read */
    struct wk_balance balance; /* of what came since the process started */
    bool finished;             /* the feed has ended and all of it is committed */
};

/** Begins at the first record that may not have been counted. */
void wk_pump_init(struct wk_pump *pump, struct wk_ring *ring, struct wk_module *module);

/** Feeds up to `most` records to the module; *taken = how many came. Errors are the store's:
 *  the process must end and start anew. */
WK_MUST_USE wk_err wk_pump_run(struct wk_pump *pump, size_t most, size_t *taken);

#endif
