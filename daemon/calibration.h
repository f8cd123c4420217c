/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/calibration - the calibration file: corrections, how they were found, and its seal.
 *
 * JSON, described in docs/calibration.md. Every sealing and unsealing is an entry of a log;
 * each entry holds the SHA-256 of the content it speaks of and of the entry before. Reading
 * checks the whole chain: a value that was changed, or an entry that was changed, left out or
 * moved, is refused. There is no secret in it: whoever rewrites the whole file makes a new
 * chain. Its head (wk_calibration.head) is therefore shown and noted elsewhere: on the
 * certificate. */
#ifndef WK_DAEMON_CALIBRATION_H
#define WK_DAEMON_CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "metrology/calibrate.h"
#include "port/hal.h"

#define WK_CALIBRATION_WHY    320
#define WK_CALIBRATION_DIGEST 65
#define WK_CALIBRATION_TEXT   128  /* most characters of a name */
#define WK_CALIBRATION_LOG    1000 /* most entries */

struct wk_calibration {
    json_t *root; /* the file; owned */
    uint8_t channels;
    struct {
        wk_hal_quantity quantity;
        uint8_t phase;
        struct wk_calibrate_channel correction;
    } channel[WK_HAL_CHANNELS];
    bool sealed;
    char head[WK_CALIBRATION_DIGEST]; /* of the log's last entry; "" if there is none */
    char why[WK_CALIBRATION_WHY];
};

/** An empty, unsealed calibration of a meter. */
WK_MUST_USE wk_err wk_calibration_init(struct wk_calibration *calibration, const char *meter);
void wk_calibration_free(struct wk_calibration *calibration);

/** Reads and checks a file. WK_E_NOT_FOUND, WK_E_FORMAT, WK_E_CORRUPT (the seal is broken):
 *  calibration->why names the place and the reason, and the calibration is empty. */
WK_MUST_USE wk_err wk_calibration_read(struct wk_calibration *calibration, const char *path);

/** Replaces the file at once or not at all. WK_E_IO: why. */
WK_MUST_USE wk_err wk_calibration_write(struct wk_calibration *calibration, const char *path);

/** Puts the correction of a channel into the file. WK_E_STATE: it is sealed. */
WK_MUST_USE wk_err wk_calibration_set(struct wk_calibration *calibration,
                                      wk_hal_quantity quantity, uint8_t phase,
                                      const struct wk_calibrate_channel *correction);

/** Adds "seal" or "unseal" to the log. `when` is UTC such as 2026-02-01T23:00:00Z. WK_E_STATE:
 *  it is sealed (not sealed) already; WK_E_ARGUMENT: a text is missing or `when` is no time. */
WK_MUST_USE wk_err wk_calibration_log(struct wk_calibration *calibration, bool seal,
                                      const char *who, const char *when, const char *reason);

/** Corrects what a front end says of its channels; those that the file does not name stay.
 *  WK_E_STATE: it is not sealed; WK_E_NOT_FOUND: it names a channel that is not there;
 *  WK_E_RANGE: see wk_calibrate_apply. Nothing has changed then. */
WK_MUST_USE wk_err wk_calibration_apply(struct wk_calibration *calibration, bool unsealed_too,
                                        struct wk_hal_frontend_info *info);

#endif
