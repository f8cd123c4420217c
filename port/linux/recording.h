/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/recording - waveforms from a file, and the front end that replays them.
 *
 * COMTRADE (port/linux/comtrade), CSV and WAV all become the same table of physical values.
 * Values are primary quantities in V and A. A front end is then made of chosen channels. */
#ifndef WK_PORT_LINUX_RECORDING_H
#define WK_PORT_LINUX_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"

#define WK_RECORDING_CHANNELS 1000
#define WK_RECORDING_NAME     65
#define WK_RECORDING_FILE     (1U << 30) /* octets; larger files are refused */
#define WK_RECORDING_NO_PHASE 255

/* What is wrong with a file: its name, the line or the octet, the field, the reason. */
struct wk_recording_fault {
    char text[320];
};

struct wk_recording_channel {
    char name[WK_RECORDING_NAME];
    char unit[16];
    wk_hal_quantity quantity; /* WK_HAL_UNUSED: neither a voltage nor a current */
    uint8_t phase;            /* 0..2, 3 = neutral, WK_RECORDING_NO_PHASE */
    int32_t delay_ns;
    double *value; /* frames values in V or A, NaN = none was recorded; owned */
};

struct wk_recording {
    size_t channels;
    size_t frames;
    int64_t rate_uhz;
    int64_t start_us;    /* UTC, 0 = unknown */
    int64_t trigger_us;  /* UTC of what the recording was made for, 0 = unknown */
    int32_t nominal_uhz; /* 50 or 60 MHz (10^-6 Hz), 0 = unknown */
    size_t missing;      /* values that are NaN, over all channels */
    struct wk_recording_channel *channel;
};

/** Reads a file by its name's ending: .cfg (with its .dat beside it), .cff, .csv, .wav.
 *  On error the recording is empty and `fault` says why. */
WK_MUST_USE wk_err wk_recording_open(struct wk_recording *recording, const char *path,
                                     struct wk_recording_fault *fault);
void wk_recording_free(struct wk_recording *recording);

/** For the readers: rows of values for so many channels. WK_E_RANGE: more than the limits. */
WK_MUST_USE wk_err wk_recording_alloc(struct wk_recording *recording, size_t channels);
WK_MUST_USE wk_err wk_recording_alloc_values(struct wk_recording *recording, size_t frames);
/** Stores a value; what is not finite becomes NaN and counts as missing. */
void wk_recording_put(struct wk_recording *recording, size_t channel, size_t frame,
                      double value);
/** Fills fault->text and returns WK_E_FORMAT. */
wk_err wk_recording_blame(struct wk_recording_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The whole file in memory (malloc), with a zero octet behind it. */
WK_MUST_USE wk_err wk_recording_load(const char *path, char **data, size_t *size,
                                     struct wk_recording_fault *fault);
/** The quantity and the factor to V or A of a unit ("kV", "ampere"); WK_HAL_UNUSED if other. */
wk_hal_quantity wk_recording_unit(const char *unit, double *factor);
/** The phase that a designation such as "A", "L1", "U2", "VB_G1", "IN" speaks of. */
uint8_t wk_recording_phase(const char *designation);

/** Index of the channel with this name, or with this number from 1; -1 if there is none. */
int wk_recording_find(const struct wk_recording *recording, const char *name);

/* Which channels make up a meter: indices, -1 = none. [3] = neutral. */
struct wk_recording_choice {
    int u[4];
    int i[4];
};

/** Indices of a list such as "U1,U2,U3": L1,L2,L3[,N] by name or number, "-" leaves one out.
 *  WK_E_ARGUMENT: fault->text names the channel that is unknown or of another quantity. */
WK_MUST_USE wk_err wk_recording_pick(const struct wk_recording *recording, const char *list,
                                     wk_hal_quantity quantity, int index[4],
                                     struct wk_recording_fault *fault);

/** The first voltage and current of each phase. */
struct wk_recording_choice wk_recording_choose(const struct wk_recording *recording);

/* A front end over a recording, which must outlive it. */
struct wk_recording_source {
    struct wk_hal_frontend frontend;
    struct wk_hal_frontend_info info;
    const struct wk_recording *recording;
    int index[WK_HAL_CHANNELS];
    double gain[WK_HAL_CHANNELS];
    size_t at;
};

/** Counts have up to 23 bits and sign, and the gain that fits the largest value; a missing value
 *  is delivered as WK_HAL_NO_COUNT.
 *  WK_E_ARGUMENT: no channel is chosen, or one is neither voltage nor current. */
WK_MUST_USE wk_err wk_recording_source_init(struct wk_recording_source *source,
                                            const struct wk_recording *recording,
                                            const struct wk_recording_choice *choice);

/** The gain that brings `largest` to at most 2^23 counts. */
struct wk_hal_gain wk_recording_gain(double largest);

#endif
