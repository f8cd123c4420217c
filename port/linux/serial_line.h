/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/serial_line - a serial device in the libuv loop of its owner, for protocols that live by
 * the time between octets: what comes is brought with the time it was read at, and the owner is
 * called at the microsecond it asks for, as well as the kernel can.
 *
 * A device that goes away is opened again every two seconds. */
#ifndef WK_PORT_LINUX_SERIAL_LINE_H
#define WK_PORT_LINUX_SERIAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "port/linux/serial.h"

#define WK_SERIAL_LINE_REOPEN_MS 2000
#define WK_SERIAL_LINE_QUEUE     ((size_t)16 * 1024) /* octets that wait to go out */

struct wk_serial_line;

struct wk_serial_line_config {
    uv_loop_t *loop;
    const char *device; /* borrowed */
    uint32_t baud;
    char framing[4]; /* "8N1", "8E1", "8O1", "8N2" or "7E1" */
    bool rs485;      /* the driver turns the direction, if it can */
    bool waits;      /* for a device that is not there at the start */
    void *self;      /* of the functions */
    /** Octets that came, the last of them at about `now_us` (uv_hrtime). */
    void (*octets)(void *self, int64_t now_us, const uint8_t *octets, size_t size);
    /** When `tick` is to be called; INT64_MAX: not before something comes. Asked after each of the
     *  other functions and after wk_serial_line_wake. */
    int64_t (*due_us)(void *self);
    void (*tick)(void *self, int64_t now_us);
};

/** Opens the device. Errors as wk_serial_open, and nothing is left open then, unless config->waits: then one
 *  that cannot be opened is tried again as one that goes away, and only a rate that there is not
 *  (WK_E_ARGUMENT), or want of memory (WK_E_IO), is an error. */
WK_MUST_USE wk_err wk_serial_line_start(struct wk_serial_line **line,
                                        const struct wk_serial_line_config *config,
                                        char error[WK_SERIAL_ERROR]);
/** Sends. Octets for which there is no room, or no device, are lost. */
void wk_serial_line_send(struct wk_serial_line *line, const uint8_t *octets, size_t size);
/** Why the device is not open; "": it is. */
const char *wk_serial_line_why(const struct wk_serial_line *line);
/** True once all that was sent has left the driver. */
bool wk_serial_line_is_drained(const struct wk_serial_line *line);
/** True if the other side has set the line CTS; false also where there is none. */
bool wk_serial_line_is_clear(const struct wk_serial_line *line);
/** Changes rate and format, once what was sent has gone out. */
void wk_serial_line_change(struct wk_serial_line *line, uint32_t baud, const char framing[4]);
/** Asks `due_us` again. */
void wk_serial_line_wake(struct wk_serial_line *line);
/** Closes it. The memory is freed by the loop; `line` may not be used any more. */
void wk_serial_line_stop(struct wk_serial_line *line);

#endif
