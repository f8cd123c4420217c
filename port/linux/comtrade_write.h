/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/comtrade_write - writer of COMTRADE 2013 (.cfg and .dat beside it). */
#ifndef WK_PORT_LINUX_COMTRADE_WRITE_H
#define WK_PORT_LINUX_COMTRADE_WRITE_H

#include "port/linux/comtrade.h"

/** Writes the recording to `path`, which must end in .cfg, and the data beside it. Integer
 * forms use the full range of 16 (BINARY), 31 (BINARY32) or 24 bits (ASCII) for the largest
 * value of each channel. On error parts of the files may exist; `fault` names the file. */
WK_MUST_USE wk_err wk_comtrade_write(const struct wk_recording *recording, const char *path,
                                     wk_comtrade_form form, struct wk_recording_fault *fault);

#endif
