/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes that nothing but old meters should use. */
#include <bearssl.h>

#include "port/bearssl/bearssl.h"

void wk_bearssl_add_old_hashes(struct wk_bearssl *bearssl)
{
    bearssl->hash[WK_HAL_SHA1] = &br_sha1_vtable;
    bearssl->hash[WK_HAL_MD5] = &br_md5_vtable;
}
