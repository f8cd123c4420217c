/* SPDX-License-Identifier: Apache-2.0
 *
 * The loopback interface is the same everywhere; the others are compared with what ip(8) would read,
 * the files of the kernel. */
#include "port/linux/interface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/wk_test.h"

static void the_loopback_has_its_address_and_no_gateway(void)
{
    static const uint8_t k_none[6] = {0};
    struct wk_interface interface;
    EXPECT_OK(wk_interface_read("127.0.0.1", &interface));
    EXPECT_I64(0x7F000001, interface.address);
    EXPECT_I64(0xFF000000, interface.mask);
    EXPECT_I64(0, interface.gateway);
    EXPECT(!interface.leased);
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

static void servers_of_names_are_those_of_the_file(void)
{
    char path[] = "/tmp/wk-resolv-XXXXXX";
    uint32_t dns[WK_INTERFACE_DNS];
    const int fd = mkstemp(path);
    static const char k_text[] =
        "# nameserver 192.0.2.9\nsearch example\nnameserver 2001:db8::1\n"
        "nameserver 192.0.2.1\nnameserver   198.51.100.2\n"
        "nameserver 203.0.113.3\n";
    EXPECT(fd >= 0 && write(fd, k_text, sizeof k_text - 1) == (ssize_t)sizeof k_text - 1);
    (void)close(fd);
    wk_interface_read_dns(path, dns);
    (void)unlink(path);
    EXPECT_I64(0xC0000201, dns[0]);
    EXPECT_I64(0xC6336402, dns[1]);
    wk_interface_read_dns(path, dns); /* it is gone */
    EXPECT_I64(0, dns[0]);
    EXPECT_I64(0, dns[1]);
}

WK_TEST_MAIN(T(servers_of_names_are_those_of_the_file),
             T(the_loopback_has_its_address_and_no_gateway),
             T(nobody_has_an_address_of_documentation), T(any_address_means_no_loopback))
