/* SPDX-License-Identifier: Apache-2.0 */
#include <bearssl.h>

#include "port/bearssl/bearssl_ec.h"

void wk_bearssl_add_p256(struct wk_bearssl *bearssl)
{
    wk_bearssl_add_sha256(bearssl);
    bearssl->p256 = &br_ec_p256_m31;
    wk_bearssl_ec_use(bearssl);
}
