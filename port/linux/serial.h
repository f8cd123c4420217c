/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/serial - opening a serial device raw, as meters use it. */
#ifndef WK_PORT_LINUX_SERIAL_H
#define WK_PORT_LINUX_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_SERIAL_ERROR 192

/** Opens `device` without blocking and without becoming its terminal: 8N1, or 7E1 if `even`
 *  (IEC 62056-21 before the hand-over). `baud` 300, 600, 1200 ... 115200. *fd is the caller's.
 *  WK_E_NOT_FOUND no such device, WK_E_DENIED, WK_E_BUSY someone else has it, WK_E_ARGUMENT no such
 *  rate, WK_E_IO otherwise; `error` says it in words. */
WK_MUST_USE wk_err wk_serial_open(int *fd, const char *device, uint32_t baud, bool even,
                                  char error[WK_SERIAL_ERROR]);
/** Changes the rate and the format once all that was written has gone out. */
WK_MUST_USE wk_err wk_serial_change(int fd, uint32_t baud, bool even);
/** The same with "8N1", "8E1", "8O1", "8N2" or "7E1". WK_E_ARGUMENT: another, or no such rate. */
WK_MUST_USE wk_err wk_serial_frame(int fd, uint32_t baud, const char framing[4]);
/** Lets the driver turn the direction of an RS-485 line; WK_OK also if it cannot: then the adapter
 *  does it. WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_serial_rs485(int fd);

#endif
