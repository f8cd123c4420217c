/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/lanes_best - the inner loops of the spectrum that suit this processor best.
 *
 * Eight lanes where it has AVX2 and FMA, asked for when the program runs, so that the program
 * itself runs on any x86-64; four elsewhere. */
#ifndef WK_PORT_LINUX_LANES_BEST_H
#define WK_PORT_LINUX_LANES_BEST_H

#include "metrology/lanes.h"

/** Static; working memory of WK_LANES_WORK(WK_LANES_MOST) floats suffices for whatever it is,
 *  aligned to 32 bytes. */
const struct wk_lanes *wk_lanes_best(void);

#endif
