/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/csv - waveforms as comma- or semicolon-separated text.
 *
 * The first line names the columns, each with its unit in brackets: "t [s], U1 [V], I1 [A]".
 * Time is a column "t" in s or ms with constant steps, or a comment before the header gives the
 * rate: "# rate 8000". Numbers have a decimal point; "nan",
 * "inf" and an empty field are missing values. */
#ifndef WK_PORT_LINUX_CSV_H
#define WK_PORT_LINUX_CSV_H

#include "port/linux/recording.h"

WK_MUST_USE wk_err wk_csv_read(struct wk_recording *recording, const char *path,
                               struct wk_recording_fault *fault);
/** A file in memory; the name is for messages. */
WK_MUST_USE wk_err wk_csv_parse(struct wk_recording *recording, const char *name,
                                const char *data, size_t size,
                                struct wk_recording_fault *fault);

#endif
