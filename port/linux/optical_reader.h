/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/optical_reader - the handheld's side of IEC 62056-21, mode C: signs on at an optical head
 * with 300 baud, changes the rate, and takes the readout of any maker's meter. Blocks. */
#ifndef WK_PORT_LINUX_OPTICAL_READER_H
#define WK_PORT_LINUX_OPTICAL_READER_H

#include <stdint.h>

#include "base/err.h"
#include "port/linux/serial.h"

#define WK_OPTICAL_READER_IDENTITY 48
#define WK_OPTICAL_READER_ROOM     8192 /* octets of a readout, most */

struct wk_optical_reader_config {
    const char *device;
    const char *address; /* of the meter; "": whichever is there */
    uint32_t baud;       /* the highest rate that is taken */
};

struct wk_optical_readout {
    char identity[WK_OPTICAL_READER_IDENTITY]; /* from behind "/", without CR LF */
    uint32_t baud;                             /* of the readout */
    uint32_t repeated;                         /* times that it came spoiled */
    char data[WK_OPTICAL_READER_ROOM];         /* its lines, without "!" */
};

/** Takes a readout. WK_E_TIMEOUT: nobody answers; WK_E_FORMAT: what answers is no meter of mode C;
 *  WK_E_CORRUPT: its check octet was wrong four times; errors of wk_serial_open. In all cases
 *  `error`. */
WK_MUST_USE wk_err wk_optical_reader_run(const struct wk_optical_reader_config *config,
                                         struct wk_optical_readout *readout,
                                         char error[WK_SERIAL_ERROR]);

#endif
