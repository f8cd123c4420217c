/* SPDX-License-Identifier: Apache-2.0
 *
 * What Home Assistant would be told of a meter that has seen one window (tests/view_meter.c). Its own rules are
 * checked at a running meter and a broker in tests/chain/test_mqtt.py. */
#include "view/homeassistant.h"

#include <stdio.h>

#include "tests/view_meter.h"
#include "tests/wk_test.h"
#include "view/json.h"

static struct wk_view_meter g_meter;
static struct wk_committed g_committed;
static struct wk_homeassistant g_ha;
static char g_text[WK_HOMEASSISTANT_DESCRIPTION + 1];

static wk_err boot(uint8_t phases, const char *prefix)
{
    const struct wk_homeassistant_config config = {
        .table = &g_meter.module.table, .committed = &g_committed, .prefix = prefix};
    WK_TRY(wk_view_meter_init(&g_meter, phases));
    wk_committed_init(&g_committed, &g_meter.module.table);
    return wk_homeassistant_init(&g_ha, &config);
}

static struct wk_bytes_out text_of(size_t room)
{
    memset(g_text, 0, sizeof g_text);
    return wk_bytes_out_of(g_text, room);
}

static bool state_has(const char *part)
{
    struct wk_bytes_out out = text_of(WK_HOMEASSISTANT_STATE);
    const bool good = wk_homeassistant_state(&g_ha, 0, &out) == WK_OK;
    if (!good || strstr(g_text, part) == NULL) {
        printf("# %s is not in %s\n", part, g_text);
        return false;
    }
    return true;
}

static void energies_are_those_of_the_last_commit(void)
{
    EXPECT_OK(boot(3, "homeassistant"));
    EXPECT_OK(wk_view_meter_step(&g_meter));
    EXPECT(state_has("{\"import\":0.000000,\"export\":0.000000,"));
    wk_committed_take(&g_committed);
    EXPECT(state_has("{\"import\":1234.567"));
    EXPECT(state_has("\"export\":0.987"));
    EXPECT_OK(wk_view_meter_step(&g_meter));
    EXPECT(state_has("{\"import\":1234.567"));
}

static void the_rest_is_of_now_and_null_before_it_is_measured(void)
{
    EXPECT_OK(boot(3, "homeassistant"));
    EXPECT(state_has("\"power\":null,"));
    EXPECT_OK(wk_view_meter_step(&g_meter));
    EXPECT(state_has("\"power\":1700.000,\"power_l1\":1100.125,"));
    EXPECT(state_has("\"voltage_l1\":230.1"));
    EXPECT(state_has("\"supply\":1,"));
}

static void the_description_fits_and_has_what_the_meter_has(void)
{
    EXPECT_OK(boot(3, "homeassistant"));
    struct wk_bytes_out out = text_of(WK_HOMEASSISTANT_DESCRIPTION);
    EXPECT_OK(wk_homeassistant_describe(&g_ha, &out));
    printf("# three phases: %zu octets\n", out.size);
    EXPECT(strstr(g_text,
                  "\"import_l3\":{\"platform\":\"sensor\",\"name\":\"Energy import L3\","
                  "\"unique_id\":\"wattkeeper_WK10000001_import_l3\","
                  "\"value_template\":\"{{ value_json.import_l3 }}\","
                  "\"device_class\":\"energy\",\"state_class\":\"total_increasing\","
                  "\"unit_of_measurement\":\"kWh\","
                  "\"suggested_display_precision\":3}") != NULL);
    EXPECT_OK(boot(1, "homeassistant"));
    out = text_of(WK_HOMEASSISTANT_DESCRIPTION);
    EXPECT_OK(wk_homeassistant_describe(&g_ha, &out));
    EXPECT(strstr(g_text, "import_l2") == NULL);
    out = text_of(100);
    EXPECT_ERR(WK_E_FULL, wk_homeassistant_describe(&g_ha, &out));
}

static void topics_are_named_after_the_serial_number(void)
{
    char topic[WK_HOMEASSISTANT_TOPIC];
    EXPECT_OK(boot(1, "ha"));
    wk_homeassistant_name(&g_ha, WK_HOMEASSISTANT_TOPIC_CONFIG, topic);
    EXPECT(strcmp(topic, "ha/device/wattkeeper_WK10000001/config") == 0);
    wk_homeassistant_name(&g_ha, WK_HOMEASSISTANT_TOPIC_STATE, topic);
    EXPECT(strcmp(topic, "wattkeeper/WK10000001/state") == 0);
    wk_homeassistant_name(&g_ha, WK_HOMEASSISTANT_TOPIC_AVAILABILITY, topic);
    EXPECT(strcmp(topic, "wattkeeper/WK10000001/availability") == 0);
    wk_homeassistant_name(&g_ha, WK_HOMEASSISTANT_TOPIC_STATUS, topic);
    EXPECT(strcmp(topic, "ha/status") == 0);
    EXPECT_ERR(WK_E_ARGUMENT, boot(1, ""));
    EXPECT_ERR(WK_E_ARGUMENT, boot(1, "a/#"));
}

static void texts_of_json_are_escaped(void)
{
    struct wk_bytes_out out = text_of(64);
    wk_json_raw(&out, "{");
    wk_json_member(&out, "a", "x\"y\\z\n\xC3\xA4");
    wk_json_literal(&out, "b", "[]");
    wk_json_raw(&out, "}");
    EXPECT(strcmp(g_text, "{\"a\":\"x\\\"y\\\\z???\",\"b\":[]}") == 0);
}

WK_TEST_MAIN(T(energies_are_those_of_the_last_commit),
             T(the_rest_is_of_now_and_null_before_it_is_measured),
             T(the_description_fits_and_has_what_the_meter_has),
             T(topics_are_named_after_the_serial_number), T(texts_of_json_are_escaped))
