/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_apply - readings and events of the records of a stream, in its order.
 *
 * The load profile becomes readings, event logs become events, gaps and rows that cannot be read
 * become exceptions that a person looks at; of other streams the records stay as they came. */
#ifndef WK_HEADEND_UPLINK_APPLY_H
#define WK_HEADEND_UPLINK_APPLY_H

#include "headend/archive.h"
#include "headend/registry.h"
#include "headend/source.h"
#include "headend/stream.h"

struct wk_uplink_place {
    struct wk_archive *archive;
    const struct wk_registry_meter *meter;
    struct wk_stream *stream; /* where to tell of it */
    int64_t now_s;
};

/** Applies what is there behind link->applied without a hole, and moves it. Errors of the archive:
 *  nothing, or a part of it, is applied. */
WK_MUST_USE wk_err wk_uplink_apply(const struct wk_uplink_place *place,
                                   struct wk_archive_link *link);

/** What a record of an event log says. WK_E_FORMAT: nothing that can be read, or the stream is no event
 *  log. */
WK_MUST_USE wk_err wk_uplink_read_event(const struct wk_archive_link *link,
                                        struct wk_bytes_in record,
                                        struct wk_source_event *event);

#endif
