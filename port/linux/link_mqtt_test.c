/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_mqtt.h"

#include "tests/wk_test.h"

static const uint8_t k_title[] = {0x57, 0x4b, 0x50, 0x00, 0x10, 0x00, 0x00, 0x02};

static void a_topic_has_the_prefix_and_the_title(void)
{
    char topic[WK_LINK_MQTT_TOPIC];
    uint8_t title[sizeof k_title];
    wk_link_mqtt_topic("/meters/city", k_title, "up", topic);
    EXPECT(strcmp(topic, "meters/city/574B500010000002/up") == 0);
    EXPECT(wk_link_mqtt_title("/meters/city", topic, title));
    EXPECT_BYTES(k_title, title, sizeof k_title);
}

static void a_topic_of_somebody_else_has_no_title(void)
{
    static const char *const k_wrong[] = {
        "",
        "meters",
        "meters/city",
        "meters/city/",
        "meters/city/574B500010000002",
        "meters/city/574B5000100000/up",
        "meters/city/574B50001000000233/up",
        "meters/city/574B50001000000G/up",
        "meters/town/574B500010000002/up",
        "meters/city/574b500010000002/up",
        "meters/city/574B500010000002/down",
        "meters/city2/574B500010000002/up",
    };
    uint8_t title[sizeof k_title];
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        if (wk_link_mqtt_title("/meters/city", k_wrong[i], title)) {
            printf("# '%s' was taken\n", k_wrong[i]);
        }
        EXPECT(!wk_link_mqtt_title("/meters/city", k_wrong[i], title));
    }
}

WK_TEST_MAIN(T(a_topic_has_the_prefix_and_the_title), T(a_topic_of_somebody_else_has_no_title))
