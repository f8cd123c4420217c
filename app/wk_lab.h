/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_lab - what the emulators of `wk lab` share: the clock, the end by a signal. */
#ifndef WK_APP_WK_LAB_H
#define WK_APP_WK_LAB_H

#include <stdint.h>

#include "base/err.h"

/* argv[0] is "net", "serial", "modem", "plc" or "rf". Exit status as of `wk`. */
int wk_lab_net_run(int argc, char **argv);
int wk_lab_serial_run(int argc, char **argv);
int wk_lab_modem_run(int argc, char **argv);
int wk_lab_line_run(int argc, char **argv);

/** Microseconds of the monotonic clock. */
int64_t wk_lab_now_us(void);

/** A descriptor that is readable once SIGINT or SIGTERM came; from now on they end nothing by
 *  themselves. -1: the kernel refuses. */
int wk_lab_end_fd(void);

#endif
