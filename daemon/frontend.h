/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/frontend - opens the front end that the configuration names. */
#ifndef WK_DAEMON_FRONTEND_H
#define WK_DAEMON_FRONTEND_H

#include "base/err.h"
#include "daemon/config.h"
#include "port/hal.h"

#define WK_FRONTEND_WHY 1024

struct wk_frontend {
    struct wk_hal_frontend port;      /* hand &port to the feed; do not move the struct */
    struct wk_hal_frontend_info info; /* what port.info points to if it is calibrated */
    void *inside;
    void (*close)(void *inside);
    char why[WK_FRONTEND_WHY];
};

/** On error frontend->why, and nothing is left open. */
WK_MUST_USE wk_err wk_frontend_open(struct wk_frontend *frontend,
                                    const struct wk_config *config);
/** Why an open front end's read failed; empty if it has nothing to say. */
const char *wk_frontend_fault(const struct wk_frontend *frontend);
void wk_frontend_close(struct wk_frontend *frontend);

#endif
