/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_windows - a recording through the meter's metrology, record by record, for commands
 * that judge windows. */
#ifndef WK_APP_WK_WINDOWS_H
#define WK_APP_WK_WINDOWS_H

#include "daemon/calibration.h"
#include "metrology/chain.h"

#define WK_WINDOWS_WHY 512

struct wk_windows {
    /* asked for */
    const char *path;
    const char *u; /* channels as `wk measure --u`; NULL: by the file */
    const char *i;
    double nominal_v;                   /* 0: unknown */
    double fnom_hz;                     /* 0: the recording's */
    struct wk_calibration *calibration; /* NULL: none; sealed or not */
    struct wk_chain_sink sink;
    /* answered */
    struct wk_hal_frontend_info info;
    int64_t sum[WK_HAL_CHANNELS]; /* of the counts */
    uint64_t frames;
    char why[WK_WINDOWS_WHY];
};

/** Runs the whole recording. False: windows->why. */
bool wk_windows_run(struct wk_windows *windows);

#endif
