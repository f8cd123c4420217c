/* SPDX-License-Identifier: Apache-2.0
 *
 * The loopback interface is the same everywhere; the others are compared with what ip(8) would read,
 * the files of the kernel. */
#include "port/linux/interface.h"

#include <stdio.h>
#include <string.h>

#include "tests/wk_test.h"

static void the_loopback_has_its_address_and_no_gateway(void)
{
    static const uint8_t k_none[6] = {0};
    struct wk_interface interface;
    EXPECT_OK(wk_interface_read("127.0.0.1", &interface));
    EXPECT_I64(0x7F000001, interface.address);
    EXPECT_I64(0xFF000000, interface.mask);
    EXPECT_I64(0, interface.gateway);
    EXPECT(memcmp(interface.mac, k_none, sizeof k_none) == 0);
}

static void nobody_has_an_address_of_documentation(void)
{
    struct wk_interface interface;
    EXPECT_ERR(WK_E_NOT_FOUND, wk_interface_read("192.0.2.77", &interface));
}

static void any_address_means_no_loopback(void)
{
    struct wk_interface interface;
    const wk_err err = wk_interface_read("0.0.0.0", &interface);
    EXPECT(err == WK_OK || err == WK_E_NOT_FOUND); /* a machine without a network */
    EXPECT(interface.address >> 24 != 127);
    EXPECT(err != WK_OK || interface.mask != 0);
}

WK_TEST_MAIN(T(the_loopback_has_its_address_and_no_gateway),
             T(nobody_has_an_address_of_documentation), T(any_address_means_no_loopback))
