/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/iio_clock - finds from time alone that samples are missing.
 *
 * IIO does not tell when a buffer overran. But a block that had to be waited for found an empty
 * queue: every sample the converter made has been delivered or is lost. So what is then missing
 * against the steady clock is lost. Three such blocks in a row must agree, because one may have
 * been noticed late. The sample clock may differ from the steady one by 1000 ppm: the difference
 * is followed and is no loss. Losses below half a block are not seen. */
#ifndef WK_PORT_LINUX_IIO_CLOCK_H
#define WK_PORT_LINUX_IIO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct wk_iio_clock {
    int64_t rate_uhz;
    int64_t begin_us; /* steady time of the first sample */
    uint64_t frames;  /* delivered and lost */
    double lag;       /* frames by which delivery is usually behind the clock */
    double least;     /* least excess of the waited blocks of this round */
    unsigned waited;  /* blocks of this round */
};

/** Starts with a block of so many frames that has arrived at now_us. */
void wk_iio_clock_start(struct wk_iio_clock *clock, int64_t rate_uhz, int64_t now_us,
                        uint64_t frames);

/** A block has arrived. `waited`: it was not there when it was asked for. Returns the number of
 *  frames that were lost since, 0 if none is known to be. */
uint64_t wk_iio_clock_add(struct wk_iio_clock *clock, int64_t now_us, uint64_t frames,
                          bool waited);

/** The front end started anew and this is its first block: the frames that are missing before
 *  it. */
uint64_t wk_iio_clock_resume(struct wk_iio_clock *clock, int64_t now_us, uint64_t frames);

#endif
