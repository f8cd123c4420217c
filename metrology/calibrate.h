/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/calibrate - from the readings of a standard and of the meter to corrections.
 *
 * Two points make a calibration: at the base current and PF 1 the gains, at the base current and
 * PF 0.5 inductive the angle; more points at PF 0.5 make the curve of the current sensor. The
 * source must be sinusoidal and steady: each point is averaged over WK_CALIBRATE_WINDOWS or more
 * windows, checked, and refused with the reason. 4.8 kB of flash, of which a meter that only applies links less. Everything is integer; corrections are relative
 * to what the front end says of itself, so that they also fit a front end that scales anew. */
#ifndef WK_METROLOGY_CALIBRATE_H
#define WK_METROLOGY_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/record.h"
#include "port/hal.h"

#define WK_CALIBRATE_PHASES      3
#define WK_CALIBRATE_WINDOWS     5         /* least windows of a point */
#define WK_CALIBRATE_UNSTEADY    500       /* ppm: most that U, I or S may vary over a point */
#define WK_CALIBRATE_TURNS_UDEG  20000     /* most that the angle may vary */
#define WK_CALIBRATE_GAIN_PPB    100000000 /* largest correction of a gain: 10 % */
#define WK_CALIBRATE_ANGLE_UDEG  5000000 /* largest error of an angle: beyond, wiring is wrong */
#define WK_CALIBRATE_DISTORT_PPM 5000    /* rms against the fundamental */
#define WK_CALIBRATE_PHASE_UDEG  45000000 /* least angle at which the phase is calibrated */
#define WK_CALIBRATE_BASE_PPM    50000    /* how far U and I may be off those of the step */

/* What the standard and the meter read for one phase: fundamentals. */
struct wk_calibrate_reading {
    int64_t u_uv;
    int64_t i_ua;
    int64_t p_uw;
    int64_t q_uvar; /* > 0 inductive */
};

/* Correction of one channel. */
struct wk_calibrate_channel {
    int32_t gain_ppb;     /* the gain is larger by so much, 10^-9 */
    int64_t offset_micro; /* constant part, uV or uA; subtracted */
    int32_t delay_ns;     /* sampled later by so much */
    uint8_t curve_points; /* currents */
    struct wk_hal_curve_point curve[WK_HAL_CURVE];
};

/* Error of the meter against the standard. */
struct wk_calibrate_error {
    int32_t u_ppm;
    int32_t i_ppm;
    int32_t p_ppm;      /* of the active power; of the apparent power below PF 0.1 */
    int32_t angle_udeg; /* the meter's current lags more by so much */
};

/* Why something was refused. */
struct wk_calibrate_fault {
    const char *reason; /* static text */
    int phase;          /* 0..2; -1: of no phase */
};

/* One point, window by window. */
struct wk_calibrate_mean {
    uint32_t windows;
    uint8_t phases;
    int64_t f_uhz;
    struct wk_calibrate_reading sum[WK_CALIBRATE_PHASES];   /* of mV, uA, mW, mvar */
    struct wk_calibrate_reading least[WK_CALIBRATE_PHASES]; /* mV, uA; VA and angle: */
    struct wk_calibrate_reading most[WK_CALIBRATE_PHASES];  /* p_uw = mVA, q_uvar = udeg */
    int64_t distorted_ppm[WK_CALIBRATE_PHASES];
};

typedef enum wk_calibrate_step_kind {
    WK_CALIBRATE_GAIN = 0,
    WK_CALIBRATE_PHASE,
    WK_CALIBRATE_CURVE,
} wk_calibrate_step_kind;

/* A step of the guided procedure. */
struct wk_calibrate_step {
    wk_calibrate_step_kind kind;
    uint16_t permille; /* of the base current */
    const char *text;
};
#define WK_CALIBRATE_STEPS 7

void wk_calibrate_mean_init(struct wk_calibrate_mean *mean);

/** Adds a window; false if it is of no use (short, clipped, without frequency ...). */
bool wk_calibrate_mean_add(struct wk_calibrate_mean *mean, const struct wk_record *record);

/** The means of all phases. WK_E_STATE: too few windows, or the source is not steady or not
 *  sinusoidal; `fault` says which phase and what. */
WK_MUST_USE wk_err wk_calibrate_mean_take(const struct wk_calibrate_mean *mean,
                                          struct wk_calibrate_reading reading[],
                                          struct wk_calibrate_fault *fault);

struct wk_calibrate_error wk_calibrate_error_of(const struct wk_calibrate_reading *meter,
                                                const struct wk_calibrate_reading *standard);

/** Gains of a phase from a point at PF 1. `u` and `i` hold the corrections under which the
 *  meter was read, and are changed. WK_E_RANGE: a correction beyond 10 %, a standard that reads
 *  nothing or is not near PF 1: nothing has changed. */
WK_MUST_USE wk_err wk_calibrate_gain(const struct wk_calibrate_reading *meter,
                                     const struct wk_calibrate_reading *standard,
                                     struct wk_calibrate_channel *u,
                                     struct wk_calibrate_channel *i,
                                     struct wk_calibrate_fault *fault);

/** Delay of the current channel from a point at PF 0.5. WK_E_RANGE: an angle beyond 5 deg or a
 *  delay beyond 50 us, or the standard's angle below 45 deg. */
WK_MUST_USE wk_err wk_calibrate_phase(const struct wk_calibrate_reading *meter,
                                      const struct wk_calibrate_reading *standard,
                                      int64_t f_uhz, struct wk_calibrate_channel *i,
                                      struct wk_calibrate_fault *fault);

/** Adds a point of the curve; the meter was read with gain and phase corrected and without a
 *  curve. WK_E_FULL: there are WK_HAL_CURVE already; WK_E_RANGE: an error beyond 10 % or 5 deg,
 *  or a current that is there already. */
WK_MUST_USE wk_err wk_calibrate_curve(const struct wk_calibrate_reading *meter,
                                      const struct wk_calibrate_reading *standard,
                                      struct wk_calibrate_channel *i,
                                      struct wk_calibrate_fault *fault);

/** Offset from the sum of a channel's counts over whole cycles. */
WK_MUST_USE wk_err wk_calibrate_offset(const struct wk_hal_channel *channel, int64_t sum,
                                       uint64_t frames, struct wk_calibrate_channel *to,
                                       struct wk_calibrate_fault *fault);

/** Applies a correction to what a front end says of a channel. WK_E_RANGE: the gain, the offset
 *  or the delay leaves its range; nothing has changed. */
WK_MUST_USE wk_err wk_calibrate_apply(struct wk_hal_channel *channel,
                                      const struct wk_calibrate_channel *correction);

/** Step 0..WK_CALIBRATE_STEPS - 1 of the procedure. */
const struct wk_calibrate_step *wk_calibrate_step_of(int number);

#endif
