/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/comtrade - reader of COMTRADE (IEEE C37.111-1991, -1999, -2013; IEC 60255-24).
 *
 * Data files ASCII, BINARY, BINARY32 and FLOAT32, and the single file form CFF. Time comes from
 * the sample number and the sampling rate; the time column is used only when the configuration
 * gives no rate. Values become primary quantities in V and A. Digital channels are skipped.
 *
 * A malformed file is refused with the line, or the octet and the sample, and the field. */
#ifndef WK_PORT_LINUX_COMTRADE_H
#define WK_PORT_LINUX_COMTRADE_H

#include <stdbool.h>

#include "port/linux/recording.h"

typedef enum wk_comtrade_form {
    WK_COMTRADE_ASCII = 0,
    WK_COMTRADE_BINARY,
    WK_COMTRADE_BINARY32,
    WK_COMTRADE_FLOAT32,
} wk_comtrade_form;

/* What the configuration says about the data, beside the channels. */
struct wk_comtrade_layout {
    wk_comtrade_form form;
    size_t analogs;
    size_t digitals;
    size_t frames;
    double time_factor_us; /* of the time column */
    bool timed;            /* no rate is given: it comes from the time column */
    double *scale;         /* per analog channel: value = scale * raw + offset; owned */
    double *offset;
};

/** path.cfg and the path.dat beside it, in upper or lower case. */
WK_MUST_USE wk_err wk_comtrade_read(struct wk_recording *recording, const char *path,
                                    struct wk_recording_fault *fault);
WK_MUST_USE wk_err wk_comtrade_read_cff(struct wk_recording *recording, const char *path,
                                        struct wk_recording_fault *fault);

/* A file, or a part of one, in memory; the name is for messages. */
struct wk_comtrade_part {
    const char *name;
    const char *data;
    size_t size;
};

/** A configuration and its data in memory. */
WK_MUST_USE wk_err wk_comtrade_parse(struct wk_recording *recording,
                                     const struct wk_comtrade_part *cfg,
                                     const struct wk_comtrade_part *dat,
                                     struct wk_recording_fault *fault);
/** A CFF file in memory. */
WK_MUST_USE wk_err wk_comtrade_parse_cff(struct wk_recording *recording, const char *name,
                                         const char *data, size_t size,
                                         struct wk_recording_fault *fault);

/** Fills the values of the recording (comtrade_data.c). */
WK_MUST_USE wk_err wk_comtrade_data(struct wk_recording *recording,
                                    const struct wk_comtrade_layout *layout,
                                    const struct wk_comtrade_part *dat,
                                    struct wk_recording_fault *fault);

#endif
