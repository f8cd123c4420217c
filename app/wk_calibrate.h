/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_calibrate - what the parts of `wk calibrate` share. */
#ifndef WK_APP_WK_CALIBRATE_H
#define WK_APP_WK_CALIBRATE_H

#include "daemon/calibration.h"

/** `wk calibrate run`: a plan of recordings and readings of the standard to a sealed file. */
struct wk_calibrate_run {
    const char *plan;
    const char *out;
    const char *who;
    const char *when;
    const char *reason;     /* of the sealing */
    const char *break_seal; /* reason; NULL: a sealed file is not touched */
};

/** Returns the exit status; what was done goes to standard output. */
int wk_calibrate_run_plan(const struct wk_calibrate_run *run);

/** Writes the certificate of a sealed file as a page for printing. False: it cannot be written. */
bool wk_calibrate_certificate(const struct wk_calibration *calibration, const char *path);

#endif
