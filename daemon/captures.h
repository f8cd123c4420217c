/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/captures - the waveform captures of daemon/analysis, for the local page.
 *
 * A name is YYYYMMDDTHHMMSS.mmm-<event>.cff and nothing else: so a name from a request can lead
 * nowhere but into the folder. docs/api-meter.md describes the JSON. */
#ifndef WK_DAEMON_CAPTURES_H
#define WK_DAEMON_CAPTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

#define WK_CAPTURES_NAME   48   /* octets with the zero */
#define WK_CAPTURES_MOST   1000 /* in one list: the newest */
#define WK_CAPTURES_POINTS 2000 /* of a channel in one answer */
#define WK_CAPTURES_WHY    400

struct wk_captures_name {
    int64_t trigger_us; /* UTC */
    char event[24];     /* "dip", "rapid-change" ... */
};

/** False: this is no name of a capture. */
bool wk_captures_parse(const char *name, struct wk_captures_name *parsed);

/** The captures of a folder, newest first; an empty list if there is no folder. NULL: no
 *  memory. The caller owns it. */
json_t *wk_captures_list(const char *folder);

/** Opens a capture for reading and tells its size. WK_E_NOT_FOUND: no such name or file; WK_E_IO.
 *  The caller closes *file. */
WK_MUST_USE wk_err wk_captures_open(const char *folder, const char *name, int *file,
                                    uint64_t *size);

/* The part of a capture to show, microseconds from its first sample. */
struct wk_captures_part {
    int64_t from_us;
    int64_t to_us; /* beyond the end: until the end */
};

/** Voltages and currents between two instants, each with at most WK_CAPTURES_POINTS points: the
 *  least and the largest of equal pieces if there are more samples. The caller owns *waveform.
 *  WK_E_NOT_FOUND, WK_E_RANGE: no sample lies in the part; WK_E_FORMAT: `why` tells. */
WK_MUST_USE wk_err wk_captures_waveform(const char *folder, const char *name,
                                        const struct wk_captures_part *part, json_t **waveform,
                                        char why[WK_CAPTURES_WHY]);

#endif
