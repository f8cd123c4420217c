/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/grid - endless feeds of samples: a recording in a loop, and a household made of
 * measured minutes.
 *
 * Both answer wk_hal_frontend. The structs hold pointers into themselves: do not copy them. */
#ifndef WK_PORT_VIRTUAL_GRID_H
#define WK_PORT_VIRTUAL_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"
#include "port/linux/recording.h"

/* ---- a recording in a loop ---------------------------------------------------------------
 *
 * The loop is the largest whole number of cycles of the recording. So that the end joins the
 * begin, the fundamental of each channel is replaced by one of exactly that many cycles, with
 * the same amplitude and with the same phase in the middle. Everything else, DC and harmonics
 * included, stays as it was recorded. */
struct wk_grid_replay {
    struct wk_hal_frontend frontend;
    struct wk_hal_frontend_info info;
    int32_t *counts; /* one loop, frame after frame; owned */
    size_t frames;   /* of the loop */
    size_t cycles;   /* of the loop */
    size_t at;
    double recorded_hz; /* fundamental as recorded; the loop's is cycles * rate / frames */
};

/** Takes what it needs of the recording. start_us: UTC of the first sample.
 *  WK_E_ARGUMENT: no voltage among the channels, or a channel of a wrong quantity.
 *  WK_E_RANGE: there is no whole cycle of 40..72 Hz. `fault` says why. */
WK_MUST_USE wk_err wk_grid_replay_init(struct wk_grid_replay *replay,
                                       const struct wk_recording *recording,
                                       const struct wk_recording_choice *choice,
                                       int64_t start_us, struct wk_recording_fault *fault);
void wk_grid_replay_free(struct wk_grid_replay *replay);

/* ---- a household -------------------------------------------------------------------------
 *
 * 8 kHz, one voltage and one current, from rows of one minute. The current's fundamental
 * follows from P, Q and U of the row, so that the energy of a row is known in closed form; odd
 * harmonics make up for the rms that the measured current has beyond that, within 5..40 % of the
 * fundamental. The voltage has a little third, fifth and seventh harmonic; the frequency wanders
 * within 40 mHz. A row ends at the zero crossing after its minute. */

/* What was measured in one minute. */
struct wk_grid_minute {
    double p_w;
    double q_var;
    double u_v;
    double i_a;
};

struct wk_grid_minutes {
    struct wk_grid_minute *row; /* owned */
    size_t count;
};

/** Reads the form of the UCI data set "individual household electric power consumption": a
 *  header, then Date;Time;kW;kvar;V;A;... On error `fault` has line and field. */
WK_MUST_USE wk_err wk_grid_minutes_read(struct wk_grid_minutes *minutes, const char *path,
                                        struct wk_recording_fault *fault);
/** The same from memory; the name is for messages. */
WK_MUST_USE wk_err wk_grid_minutes_parse(struct wk_grid_minutes *minutes, const char *name,
                                         const char *data, size_t size,
                                         struct wk_recording_fault *fault);
void wk_grid_minutes_free(struct wk_grid_minutes *minutes);

#define WK_GRID_RATE_HZ 8000
#define WK_GRID_TABLE   4096 /* values of one cycle, a power of two */

struct wk_grid_pair {
    int32_t u;
    int32_t i;
};

struct wk_grid_household {
    struct wk_hal_frontend frontend;
    struct wk_hal_frontend_info info;
    const struct wk_grid_minutes *minutes; /* borrowed */
    size_t row;
    size_t row_due;    /* frames until the minute is over */
    size_t row_late;   /* frames since then, until the zero crossing */
    size_t second_due; /* frames until the frequency changes */
    uint32_t phase;    /* 2^32 = one cycle; 0 = the voltage rises through zero */
    uint32_t step;
    uint32_t wander; /* state of the wandering frequency */
    int32_t f_uhz;
    double truth_uwh;    /* energy of the rows before */
    uint64_t row_frames; /* of the present row so far */
    struct wk_grid_pair cycle[WK_GRID_TABLE + 1];
};

/** Begins with `first_row` (modulo their number) at UTC start_us; the part of a minute that
 *  start_us is past the full minute is left out of it. The minutes must outlive it. The seed is
 *  that of the frequency. */
void wk_grid_household_init(struct wk_grid_household *household,
                            const struct wk_grid_minutes *minutes, size_t first_row,
                            int64_t start_us, uint32_t seed);

/** The active energy of all samples delivered so far, in closed form: the sum over rows of power
 *  times time. Exact at whole cycles; within one, the swing of the instantaneous power adds up
 *  to S / (4 pi f). */
double wk_grid_household_truth_uwh(const struct wk_grid_household *household);

#endif
