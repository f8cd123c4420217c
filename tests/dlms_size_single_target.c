/* SPDX-License-Identifier: Apache-2.0
 *
 * The DLMS server of a meter of one phase with the basic list of objects (model/overlays/single.txt)
 * and suite 0. */
#include "tests/dlms_size_server.h"

int main(void)
{
    const struct dlms_size_meter meter = {.phases = 1, .add_crypto = wk_bearssl_add_unwrap};
    dlms_size_serve(&meter);
    return 1;
}
