/* SPDX-License-Identifier: Apache-2.0 */
#include <bearssl.h>

#include "port/bearssl/bearssl_ec.h"

void wk_bearssl_add_p384(struct wk_bearssl *bearssl)
{
    bearssl->p384 = &br_ec_prime_i31;
    bearssl->hash[WK_HAL_SHA384] = &br_sha384_vtable;
    wk_bearssl_ec_use(bearssl);
}
