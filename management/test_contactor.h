/* SPDX-License-Identifier: Apache-2.0
 *
 * management/test_contactor - a contactor that does what it is told, for tests of what switches it. */
#ifndef WK_MANAGEMENT_TEST_CONTACTOR_H
#define WK_MANAGEMENT_TEST_CONTACTOR_H

#include "port/hal.h"

static bool g_closed;

static wk_err contactor_set(void *self, bool closed)
{
    (void)self;
    g_closed = closed;
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    (void)self;
    *closed = g_closed;
    return WK_OK;
}

static const struct wk_hal_contactor k_contactor = {.set = contactor_set,
                                                    .is_closed = contactor_is_closed};

#endif
