/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/channel - what is collected of a meter, one cumulative register per channel.
 *
 * A channel's number is stored in archives: numbers are never reused or changed. Values are
 * 10^-6 Wh (active) or 10^-6 varh (reactive), exact. */
#ifndef WK_HEADEND_CHANNEL_H
#define WK_HEADEND_CHANNEL_H

#include <stdint.h>

#include "base/err.h"

typedef enum wk_channel {
    WK_CHANNEL_IMPORT = 0,
    WK_CHANNEL_EXPORT = 1,
    WK_CHANNEL_Q_IMPORT = 2,
    WK_CHANNEL_Q_EXPORT = 3,
    WK_CHANNEL_T1 = 4, /* import by tariff, T1..T4 */
    WK_CHANNEL_T2 = 5,
    WK_CHANNEL_T3 = 6,
    WK_CHANNEL_T4 = 7,
} wk_channel;

#define WK_CHANNELS 8
#define WK_TARIFFS  4

struct wk_channel_info {
    const char *name; /* as in the API: "import", "t1" ... */
    const char *unit; /* "Wh" or "varh" */
    uint8_t obis[6];  /* logical name of the register */
};

/** The row of a channel; channel < WK_CHANNELS. */
const struct wk_channel_info *wk_channel_info(int channel);
/** WK_E_NOT_FOUND: no channel of that name / with that logical name. */
WK_MUST_USE wk_err wk_channel_by_name(const char *name, int *channel);
WK_MUST_USE wk_err wk_channel_by_obis(const uint8_t obis[6], int *channel);

#endif
