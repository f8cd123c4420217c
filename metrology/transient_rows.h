/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/transient_rows - what metrology/transient does with every sample.
 *
 * transient_rows4 does it for all voltages at once in the vector registers of PCs; transient_rows1
 * for one after the other, which a microcontroller does in a fifth of the code. The build takes one
 * of them; both give the same. */
#ifndef WK_METROLOGY_TRANSIENT_ROWS_H
#define WK_METROLOGY_TRANSIENT_ROWS_H

#include "metrology/transient.h"

#define WK_TRANSIENT_CHUNK     64    /* frames looked at together: less than any cycle's */
#define WK_TRANSIENT_KEPT_MOST 16383 /* four times the nominal peak; differences fit 16 bits */
#define WK_TRANSIENT_KEPT_BITS 32767U

/* Some frames as they are kept. */
struct wk_transient_rows {
    int16_t row[WK_TRANSIENT_CHUNK][WK_TRANSIENT_LANES];
};

/** Makes rows of at most WK_TRANSIENT_CHUNK frames. False: a voltage is larger than what can be
 *  kept, the rows are not to be used. */
bool wk_transient_rows_keep(const struct wk_transient *transient, const int32_t *counts,
                            size_t frames, struct wk_transient_rows *rows);

/** The largest distance between rows and memory, per voltage. */
void wk_transient_rows_farthest(const struct wk_transient_rows *rows, const int16_t *memory,
                                size_t frames, int16_t most[WK_TRANSIENT_LANES]);

#endif
