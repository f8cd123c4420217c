/* SPDX-License-Identifier: Apache-2.0
 *
 * port/bearssl - wk_hal_crypto by BearSSL: no heap, constant time, for microcontrollers; on
 * Linux the second implementation that the first is tested against.
 *
 * BearSSL has no source of entropy on bare metal: the owner gives one. Keys in slots are
 * refused. */
#ifndef WK_PORT_BEARSSL_BEARSSL_H
#define WK_PORT_BEARSSL_BEARSSL_H

#include "port/hal.h"

struct wk_bearssl {
    void *entropy;
    wk_err (*draw)(void *entropy, void *to, size_t size);
    struct wk_hal_crypto hal; /* give &bearssl->hal to who needs it */
};

/** `draw` fills `to` with unpredictable octets. The instance must not move afterwards. */
void wk_bearssl_init(struct wk_bearssl *bearssl, void *entropy,
                     wk_err (*draw)(void *entropy, void *to, size_t size));

#endif
