/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/comtrade_write - writer of COMTRADE 2013: .cfg and .dat beside it, or a single .cff. */
#ifndef WK_PORT_LINUX_COMTRADE_WRITE_H
#define WK_PORT_LINUX_COMTRADE_WRITE_H

#include "port/linux/comtrade.h"

/** Writes the recording to `path`. If it ends in .cfg the data go beside it, if it ends in .cff
 *  all goes into it. Integer forms use the full range of 16 (BINARY), 31 (BINARY32) or 24 bits
 *  (ASCII) for the largest value of each channel. A trigger time of 0 is written as that of the
 *  first sample. On error parts of the files may exist; `fault` names the file. */
WK_MUST_USE wk_err wk_comtrade_write(const struct wk_recording *recording, const char *path,
                                     wk_comtrade_form form, struct wk_recording_fault *fault);

/* A piece of a feed, as a front end delivered it. Counts are of info->channels channels, frame
 * after frame. */
struct wk_comtrade_feed {
    const struct wk_hal_frontend_info *info;
    const int32_t *counts;
    size_t frames;
    int64_t start_us;   /* UTC of the first frame */
    int64_t trigger_us; /* ... of the one it was captured for */
};

/** Writes counts as they are (BINARY32), with the gain and the offset of each channel as its
 *  scaling. Counts without a value are marked as missing. Channels of no use are left out.
 *  WK_E_ARGUMENT: the name, or there is no channel left; WK_E_FULL: no memory; WK_E_IO. */
WK_MUST_USE wk_err wk_comtrade_write_feed(const struct wk_comtrade_feed *feed, const char *path,
                                          struct wk_recording_fault *fault);

#endif
