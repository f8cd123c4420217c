/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/intake - one visit of one meter: commands, its certificate, load profile, gaps, registers, events.
 *
 * The profile is read from the last reading on, a day at a time, each day one transaction, so
 * that a visit that is cut off keeps what it got and the next one goes on there. Gaps are asked
 * for by exactly their range. Days that are complete, or too old to wait for, are closed and
 * validated. All times that decide are the meter's; only pauses are the host's. */
#ifndef WK_HEADEND_INTAKE_H
#define WK_HEADEND_INTAKE_H

#include "headend/archive.h"
#include "headend/registry.h"
#include "headend/renewal.h"
#include "headend/source.h"
#include "headend/stream.h"

#define WK_INTAKE_WHY 200

typedef enum wk_intake_status {
    WK_INTAKE_NEW = 0, /* never visited since the program started */
    WK_INTAKE_OK,
    WK_INTAKE_FAILING,
} wk_intake_status;

/* What is known of a meter from its visits. */
struct wk_intake_state {
    wk_intake_status status;
    int32_t failures;       /* in a row */
    int64_t tried_s;        /* host's clock of the last visit */
    int64_t read_s;         /* host's clock of the last success; 0 = never */
    int64_t clock_s;        /* meter's clock then */
    int64_t clock_offset_s; /* meter's clock - host's clock */
    int64_t collected_s;    /* end of the newest interval */
    int64_t readings;       /* received since the program started */
    struct wk_renewal_state renewal;
    bool supply_known;
    bool supply_closed;
    char why[WK_INTAKE_WHY]; /* of the last failure */
};

struct wk_intake {
    const struct wk_registry *registry;
    struct wk_archive *archive;
    struct wk_source *source;
    struct wk_stream *stream;
};

/** Visits a meter. `layout` and `state` are kept by the caller between visits of this meter.
 *  `host_s`: UTC of this computer. On error state->why says what, and failures is counted. */
WK_MUST_USE wk_err wk_intake_visit(const struct wk_intake *intake,
                                   const struct wk_registry_meter *meter,
                                   struct wk_source_layout *layout,
                                   struct wk_intake_state *state, int64_t host_s);

/** The pause before the next visit: poll_s after a success, else retry_s doubled with every
 *  failure up to retry_max_s, give or take a quarter, the same for the same seed. */
int64_t wk_intake_pause_ms(const struct wk_registry *registry, int64_t meter, int32_t failures);

#endif
