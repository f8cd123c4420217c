/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/channel.h"

#include <string.h>

static const struct wk_channel_info k_channels[WK_CHANNELS] = {
    [WK_CHANNEL_IMPORT] = {"import", "Wh", {1, 0, 1, 8, 0, 255}},
    [WK_CHANNEL_EXPORT] = {"export", "Wh", {1, 0, 2, 8, 0, 255}},
    [WK_CHANNEL_Q_IMPORT] = {"q_import", "varh", {1, 0, 3, 8, 0, 255}},
    [WK_CHANNEL_Q_EXPORT] = {"q_export", "varh", {1, 0, 4, 8, 0, 255}},
    [WK_CHANNEL_T1] = {"t1", "Wh", {1, 0, 1, 8, 1, 255}},
    [WK_CHANNEL_T2] = {"t2", "Wh", {1, 0, 1, 8, 2, 255}},
    [WK_CHANNEL_T3] = {"t3", "Wh", {1, 0, 1, 8, 3, 255}},
    [WK_CHANNEL_T4] = {"t4", "Wh", {1, 0, 1, 8, 4, 255}},
};

const struct wk_channel_info *wk_channel_info(int channel)
{
    return &k_channels[channel];
}

wk_err wk_channel_by_name(const char *name, int *channel)
{
    for (int i = 0; i < WK_CHANNELS; i++) {
        if (strcmp(k_channels[i].name, name) == 0) {
            *channel = i;
            return WK_OK;
        }
    }
    return WK_E_NOT_FOUND;
}

wk_err wk_channel_by_obis(const uint8_t obis[6], int *channel)
{
    for (int i = 0; i < WK_CHANNELS; i++) {
        if (memcmp(k_channels[i].obis, obis, 6) == 0) {
            *channel = i;
            return WK_OK;
        }
    }
    return WK_E_NOT_FOUND;
}
