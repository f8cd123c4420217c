/* SPDX-License-Identifier: Apache-2.0 */
#include "view/homeassistant.h"

#include <string.h>

#include "view/json.h"

#define KILO            3
#define ENERGY_DECIMALS 6

/* How Home Assistant shows a quantity: the words of its sensor entity. */
struct kind {
    const char *device_class; /* NULL: it has none */
    const char *state_class;  /* NULL: likewise */
    const char *unit;         /* NULL: likewise */
    const char *shown;        /* decimals */
    int8_t exponent;          /* of ten, of the unit */
    uint8_t decimals;         /* sent */
};

static const struct kind k_energy = {"energy", "total_increasing", "kWh", "3",
                                     KILO,     ENERGY_DECIMALS};
static const struct kind k_power = {"power", "measurement", "W", "0", 0, 3};
static const struct kind k_reactive = {"reactive_power", "measurement", "var", "0", 0, 3};
static const struct kind k_apparent = {"apparent_power", "measurement", "VA", "0", 0, 3};
static const struct kind k_voltage = {"voltage", "measurement", "V", "1", 0, 3};
static const struct kind k_current = {"current", "measurement", "A", "2", 0, 3};
static const struct kind k_frequency = {"frequency", "measurement", "Hz", "2", 0, 3};
static const struct kind k_factor = {"power_factor", "measurement", NULL, "3", 0, 3};
static const struct kind k_count = {NULL, "total_increasing", NULL, "0", 0, 0};
static const struct kind k_number = {NULL, NULL, NULL, "0", 0, 0};
static const struct kind k_switch = {NULL, NULL, NULL, NULL, 0, 0}; /* a binary sensor */

struct row {
    uint8_t point;
    const struct kind *kind;
    const char *key; /* in the state, and in unique ids: it stays for ever */
    const char *name;
};

static const struct row k_rows[] = {
    {WK_POINT_IMPORT, &k_energy, "import", "Energy import"},
    {WK_POINT_EXPORT, &k_energy, "export", "Energy export"},
    {WK_POINT_IMPORT_T1, &k_energy, "import_t1", "Energy import tariff 1"},
    {WK_POINT_IMPORT_T2, &k_energy, "import_t2", "Energy import tariff 2"},
    {WK_POINT_EXPORT_T1, &k_energy, "export_t1", "Energy export tariff 1"},
    {WK_POINT_EXPORT_T2, &k_energy, "export_t2", "Energy export tariff 2"},
    {WK_POINT_IMPORT_L1, &k_energy, "import_l1", "Energy import L1"},
    {WK_POINT_IMPORT_L2, &k_energy, "import_l2", "Energy import L2"},
    {WK_POINT_IMPORT_L3, &k_energy, "import_l3", "Energy import L3"},
    {WK_POINT_EXPORT_L1, &k_energy, "export_l1", "Energy export L1"},
    {WK_POINT_EXPORT_L2, &k_energy, "export_l2", "Energy export L2"},
    {WK_POINT_EXPORT_L3, &k_energy, "export_l3", "Energy export L3"},
    {WK_POINT_P, &k_power, "power", "Power"},
    {WK_POINT_P_L1, &k_power, "power_l1", "Power L1"},
    {WK_POINT_P_L2, &k_power, "power_l2", "Power L2"},
    {WK_POINT_P_L3, &k_power, "power_l3", "Power L3"},
    {WK_POINT_Q, &k_reactive, "reactive_power", "Reactive power"},
    {WK_POINT_S, &k_apparent, "apparent_power", "Apparent power"},
    {WK_POINT_PF, &k_factor, "power_factor", "Power factor"},
    {WK_POINT_HZ, &k_frequency, "frequency", "Frequency"},
    {WK_POINT_U_L1, &k_voltage, "voltage_l1", "Voltage L1"},
    {WK_POINT_U_L2, &k_voltage, "voltage_l2", "Voltage L2"},
    {WK_POINT_U_L3, &k_voltage, "voltage_l3", "Voltage L3"},
    {WK_POINT_I_L1, &k_current, "current_l1", "Current L1"},
    {WK_POINT_I_L2, &k_current, "current_l2", "Current L2"},
    {WK_POINT_I_L3, &k_current, "current_l3", "Current L3"},
    {WK_POINT_I_N, &k_current, "current_n", "Current N"},
    {WK_POINT_FAILURES, &k_count, "power_failures", "Power failures"},
    {WK_POINT_TARIFF, &k_number, "tariff", "Tariff"},
    {WK_POINT_SUPPLY, &k_switch, "supply", "Supply"},
    {WK_POINT_RELAY_1, &k_switch, "relay_1", "Load relay 1"},
    {WK_POINT_RELAY_2, &k_switch, "relay_2", "Load relay 2"},
};

#define ROWS (sizeof k_rows / sizeof k_rows[0])

/* ---- names ------------------------------------------------------------------------------- */

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_';
}

static bool is_topic(const char *text)
{
    const size_t size = strlen(text);
    return size > 0 && size < WK_HOMEASSISTANT_PREFIX && strpbrk(text, "+#\"\\ ") == NULL;
}

wk_err wk_homeassistant_init(struct wk_homeassistant *ha,
                             const struct wk_homeassistant_config *config)
{
    *ha = (struct wk_homeassistant){.committed = config->committed};
    if (!is_topic(config->prefix)) {
        return WK_E_ARGUMENT;
    }
    memcpy(ha->prefix, config->prefix, strlen(config->prefix));
    wk_points_init(&ha->points, config->table, WK_ROLE_READER);
    WK_TRY(wk_point_read_text(&ha->points, WK_POINT_SERIAL, ha->serial));
    for (size_t n = 0; ha->serial[n] != '\0'; n++) {
        ha->id[n] = is_plain(ha->serial[n]) ? ha->serial[n] : '_';
    }
    return WK_OK;
}

/* A topic, or an id: three texts one behind the other. */
static void join(char *to, size_t room, const char *a, const char *b, const char *c)
{
    struct wk_bytes_out out = wk_bytes_out_of(to, room - 1);
    wk_json_raw(&out, a);
    wk_json_raw(&out, b);
    wk_json_raw(&out, c);
    to[out.size] = '\0';
}

void wk_homeassistant_name(const struct wk_homeassistant *ha, wk_homeassistant_topic topic,
                           char text[WK_HOMEASSISTANT_TOPIC])
{
    char front[WK_HOMEASSISTANT_TOPIC];
    switch (topic) {
    case WK_HOMEASSISTANT_TOPIC_CONFIG:
        join(front, sizeof front, ha->prefix, "/device/wattkeeper_", ha->id);
        join(text, WK_HOMEASSISTANT_TOPIC, front, "/config", "");
        return;
    case WK_HOMEASSISTANT_TOPIC_AVAILABILITY:
        join(text, WK_HOMEASSISTANT_TOPIC, "wattkeeper/", ha->id, "/availability");
        return;
    case WK_HOMEASSISTANT_TOPIC_STATUS:
        join(text, WK_HOMEASSISTANT_TOPIC, ha->prefix, "/status", "");
        return;
    case WK_HOMEASSISTANT_TOPIC_STATE:
    case WK_HOMEASSISTANT_TOPICS:
    default:
        join(text, WK_HOMEASSISTANT_TOPIC, "wattkeeper/", ha->id, "/state");
        return;
    }
}

/* ---- the description --------------------------------------------------------------------- */

static void put_device(struct wk_homeassistant *ha, struct wk_bytes_out *out)
{
    char text[WK_HOMEASSISTANT_TOPIC];
    char firmware[WK_POINT_TEXT];
    join(text, sizeof text, "wattkeeper_", ha->id, "");
    wk_json_key(out, "device");
    wk_json_raw(out, "{\"identifiers\":[");
    wk_json_text(out, text);
    wk_json_raw(out, "]");
    join(text, sizeof text, "Wattkeeper ", ha->serial, "");
    wk_json_member(out, "name", text);
    wk_json_member(out, "manufacturer", "Wattkeeper");
    wk_json_member(out, "model", "electricity meter");
    wk_json_member(out, "serial_number", ha->serial);
    const bool known = wk_point_read_text(&ha->points, WK_POINT_FIRMWARE, firmware) == WK_OK;
    if (known) {
        wk_json_member(out, "sw_version", firmware);
    }
    wk_json_raw(out, "}");
    wk_json_key(out, "origin");
    wk_json_raw(out, "{\"name\":\"Wattkeeper\"");
    if (known) {
        wk_json_member(out, "sw_version", firmware);
    }
    wk_json_raw(out, "}");
}

static void put_word(struct wk_bytes_out *out, const char *key, const char *word)
{
    if (word != NULL) {
        wk_json_member(out, key, word);
    }
}

static void put_component(const struct wk_homeassistant *ha, struct wk_bytes_out *out,
                          const struct row *row)
{
    char text[WK_HOMEASSISTANT_TOPIC];
    char id[WK_HOMEASSISTANT_TOPIC];
    const struct kind *kind = row->kind;
    const bool binary = kind == &k_switch;
    wk_json_key(out, row->key);
    wk_json_raw(out, "{");
    wk_json_member(out, "platform", binary ? "binary_sensor" : "sensor");
    wk_json_member(out, "name", row->name);
    join(id, sizeof id, "wattkeeper_", ha->id, "_");
    join(text, sizeof text, id, row->key, "");
    wk_json_member(out, "unique_id", text);
    join(text, sizeof text, "{{ value_json.", row->key, " }}");
    wk_json_member(out, "value_template", text);
    put_word(out, "device_class", kind->device_class);
    put_word(out, "state_class", kind->state_class);
    put_word(out, "unit_of_measurement", kind->unit);
    if (binary) {
        wk_json_member(out, "payload_on", "1");
        wk_json_member(out, "payload_off", "0");
    } else {
        wk_json_literal(out, "suggested_display_precision", kind->shown);
    }
    wk_json_raw(out, "}");
}

wk_err wk_homeassistant_describe(struct wk_homeassistant *ha, struct wk_bytes_out *out)
{
    char text[WK_HOMEASSISTANT_TOPIC];
    wk_json_raw(out, "{");
    put_device(ha, out);
    wk_homeassistant_name(ha, WK_HOMEASSISTANT_TOPIC_STATE, text);
    wk_json_member(out, "state_topic", text);
    wk_homeassistant_name(ha, WK_HOMEASSISTANT_TOPIC_AVAILABILITY, text);
    wk_json_member(out, "availability_topic", text);
    wk_json_member(out, "payload_available", WK_HOMEASSISTANT_ONLINE);
    wk_json_member(out, "payload_not_available", WK_HOMEASSISTANT_OFFLINE);
    wk_json_key(out, "components");
    wk_json_raw(out, "{");
    for (size_t n = 0; n < ROWS; n++) {
        if (wk_point_is_there(&ha->points, (wk_point)k_rows[n].point)) {
            put_component(ha, out, &k_rows[n]);
        }
    }
    wk_json_raw(out, "}}");
    return out->fault;
}

/* ---- the state --------------------------------------------------------------------------- */

static wk_err read_row(struct wk_homeassistant *ha, const struct row *row,
                       struct wk_point_value *value)
{
    const wk_point point = (wk_point)row->point;
    return wk_committed_has(point) ? wk_committed_read(ha->committed, point, value)
                                   : wk_point_read(&ha->points, point, value);
}

wk_err wk_homeassistant_state(struct wk_homeassistant *ha, int64_t now_us,
                              struct wk_bytes_out *out)
{
    struct wk_point_value value;
    ha->points.now_us = now_us;
    wk_json_raw(out, "{");
    for (size_t n = 0; n < ROWS; n++) {
        const struct row *row = &k_rows[n];
        if (!wk_point_is_there(&ha->points, (wk_point)row->point)) {
            continue;
        }
        if (read_row(ha, row, &value) == WK_OK) {
            wk_json_number(out, row->key, &value, row->kind->exponent, row->kind->decimals);
        } else {
            wk_json_literal(out, row->key, "null");
        }
    }
    wk_json_raw(out, "}");
    return out->fault;
}
