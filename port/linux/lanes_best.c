/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/lanes_best.h"

const struct wk_lanes *wk_lanes_best(void)
{
    return &wk_lanes_four;
}
