/* SPDX-License-Identifier: Apache-2.0
 *
 * port/bearssl/bearssl_ec - what the curves have in common: private to this folder. */
#ifndef WK_PORT_BEARSSL_BEARSSL_EC_H
#define WK_PORT_BEARSSL_BEARSSL_EC_H

#include "port/bearssl/bearssl.h"

/** Sets the functions that work on whatever curve is there. */
void wk_bearssl_ec_use(struct wk_bearssl *bearssl);

#endif
