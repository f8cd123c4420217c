/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/iio_clock.h"

#include <float.h>
#include <math.h>

#define DRIFT  0.001 /* of the sample clock against the steady clock */
#define ROUNDS 3     /* waited blocks that must agree */

/* Frames that time says are due and that have not come. */
static double behind(const struct wk_iio_clock *clock, int64_t now_us)
{
    const double due = (double)(now_us - clock->begin_us) * (double)clock->rate_uhz / 1e12;
    return due - (double)clock->frames;
}

static void begin_round(struct wk_iio_clock *clock)
{
    clock->waited = 0;
    clock->least = DBL_MAX;
}

void wk_iio_clock_start(struct wk_iio_clock *clock, int64_t rate_uhz, int64_t now_us,
                        uint64_t frames)
{
    const double length_us = (double)frames * 1e12 / (double)rate_uhz;
    *clock = (struct wk_iio_clock){
        .rate_uhz = rate_uhz, .begin_us = now_us - llrint(length_us), .frames = frames};
    begin_round(clock);
}

uint64_t wk_iio_clock_add(struct wk_iio_clock *clock, int64_t now_us, uint64_t frames,
                          bool waited)
{
    clock->frames += frames;
    const double excess = behind(clock, now_us) - clock->lag;
    if (excess < 0) {
        clock->lag += excess;
    } else if (excess < (double)frames / 2) {
        clock->lag += fmin(excess, DRIFT * (double)frames);
    }
    if (!waited) {
        return 0;
    }
    clock->least = fmin(clock->least, excess);
    if (++clock->waited < ROUNDS) {
        return 0;
    }
    const double least = clock->least;
    begin_round(clock);
    if (least < (double)frames / 2) {
        return 0;
    }
    const uint64_t lost = (uint64_t)llrint(least);
    clock->frames += lost;
    return lost;
}

uint64_t wk_iio_clock_resume(struct wk_iio_clock *clock, int64_t now_us, uint64_t frames)
{
    clock->frames += frames;
    const double excess = behind(clock, now_us) - clock->lag;
    const uint64_t lost = excess > 0 ? (uint64_t)llrint(excess) : 0;
    clock->frames += lost;
    begin_round(clock);
    return lost;
}
