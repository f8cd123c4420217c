/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_carrier.h"

#include <string.h>

#include "tests/wk_test.h"

static struct wk_link_carrier_url url;

static void an_address_is_taken_apart(void)
{
    EXPECT(wk_link_carrier_parse("udp://headend.example:8484", &url) == NULL);
    EXPECT(strcmp(url.kind->scheme, "udp") == 0);
    EXPECT(strcmp(url.host, "headend.example") == 0);
    EXPECT_I64(8484, url.port);
    EXPECT(strcmp(url.rest, "") == 0);
    EXPECT(wk_link_carrier_parse("udp://[2001:db8::1]:1/", &url) == NULL);
    EXPECT(strcmp(url.host, "2001:db8::1") == 0);
    EXPECT_I64(1, url.port);
    EXPECT(wk_link_carrier_parse("mqtts://broker:8883/meters/city", &url) == NULL);
    EXPECT(strcmp(url.rest, "/meters/city") == 0);
    EXPECT(wk_link_carrier_parse("rs485:///dev/ttyUSB0?baud=19200", &url) == NULL);
    EXPECT(strcmp(url.rest, "/dev/ttyUSB0") == 0);
    EXPECT_I64(19200, url.baud);
    EXPECT(wk_link_carrier_parse("plc:///dev/ttyS1", &url) == NULL);
    EXPECT_I64(9600, url.baud);
}

static void what_is_no_address_is_refused(void)
{
    static const char *const k_wrong[] = {
        "",
        "headend.example:8484",
        "ftp://headend.example:8484",
        "udp:headend.example:8484",
        "udp://",
        "udp://headend.example",
        "udp://:8484",
        "udp://headend.example:",
        "udp://headend.example:0",
        "udp://headend.example:65536",
        "udp://headend.example:8484x",
        "udp://headend.example:84840000",
        "udp://headend.example/:8484",
        "udp://headend.example:8484/more",
        "mqtts://broker:8883",
        "mqtts://broker:8883/",
        "serial://dev/ttyUSB0",
        "serial:///dev/ttyUSB0?baud=",
        "serial:///dev/ttyUSB0?rate=9600",
        "rf:///",
        "udp://a-name-of-more-than-sixty-three-characters-is-longer-than-may-be.example:1",
    };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const char *must = wk_link_carrier_parse(k_wrong[i], &url);
        EXPECT(must != NULL);
        if (must == NULL) {
            printf("# '%s' was taken\n", k_wrong[i]);
        }
    }
}

WK_TEST_MAIN(T(an_address_is_taken_apart), T(what_is_no_address_is_refused))
