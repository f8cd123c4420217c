/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/collector - many meters, a bounded number at a time.
 *
 * Worker threads take whichever meter is due next, visit it with a source and an archive of
 * their own, and put it back with its pause. A meter is never visited by two at once. */
#ifndef WK_HEADEND_COLLECTOR_H
#define WK_HEADEND_COLLECTOR_H

#include "headend/intake.h"

/* Makes what each worker needs. */
struct wk_collector_maker {
    void *self;
    wk_err (*source)(void *self, struct wk_source *source);
    wk_err (*archive)(void *self, struct wk_archive *archive, char why[WK_INI_WHY]);
};

struct wk_collector;

/** Gives every meter its number in the archive and starts the workers. `registry`, `stream`
 *  and what `maker` refers to must stay until wk_collector_stop. */
WK_MUST_USE wk_err wk_collector_start(struct wk_registry *registry, struct wk_stream *stream,
                                      const struct wk_collector_maker *maker,
                                      struct wk_collector **collector, char why[WK_INI_WHY]);
/** Waits for the visits under way and frees everything. NULL is right. */
void wk_collector_stop(struct wk_collector *collector);

/** What is known of the meter with this index in the registry. */
void wk_collector_state(struct wk_collector *collector, size_t index,
                        struct wk_intake_state *state);
/** Visits a meter as soon as a worker is free. */
void wk_collector_kick(struct wk_collector *collector, size_t index);

#endif
