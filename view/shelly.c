/* SPDX-License-Identifier: Apache-2.0 */
#include "view/shelly.h"

#include <string.h>

#include "base/crc.h"
#include "view/json.h"

#define MAC_FRONT "0257" /* locally administered */
#define US_PER_S  1000000
#define KEY_ROOM  32

struct member {
    const char *key;
    uint8_t point;
    uint8_t decimals;
};

static const struct member k_em[] = {
    {"a_current", WK_POINT_I_L1, 3},    {"a_voltage", WK_POINT_U_L1, 1},
    {"a_act_power", WK_POINT_P_L1, 1},  {"a_aprt_power", WK_POINT_S_L1, 1},
    {"a_pf", WK_POINT_PF_L1, 2},        {"a_freq", WK_POINT_HZ, 2},
    {"b_current", WK_POINT_I_L2, 3},    {"b_voltage", WK_POINT_U_L2, 1},
    {"b_act_power", WK_POINT_P_L2, 1},  {"b_aprt_power", WK_POINT_S_L2, 1},
    {"b_pf", WK_POINT_PF_L2, 2},        {"b_freq", WK_POINT_HZ, 2},
    {"c_current", WK_POINT_I_L3, 3},    {"c_voltage", WK_POINT_U_L3, 1},
    {"c_act_power", WK_POINT_P_L3, 1},  {"c_aprt_power", WK_POINT_S_L3, 1},
    {"c_pf", WK_POINT_PF_L3, 2},        {"c_freq", WK_POINT_HZ, 2},
    {"n_current", WK_POINT_I_N, 3},     {"total_current", WK_POINT_I_SUM, 3},
    {"total_act_power", WK_POINT_P, 3}, {"total_aprt_power", WK_POINT_S, 3},
};

static const struct member k_em_data[] = {
    {"a_total_act_energy", WK_POINT_IMPORT_L1, 2},
    {"a_total_act_ret_energy", WK_POINT_EXPORT_L1, 2},
    {"b_total_act_energy", WK_POINT_IMPORT_L2, 2},
    {"b_total_act_ret_energy", WK_POINT_EXPORT_L2, 2},
    {"c_total_act_energy", WK_POINT_IMPORT_L3, 2},
    {"c_total_act_ret_energy", WK_POINT_EXPORT_L3, 2},
    {"total_act", WK_POINT_IMPORT, 2},
    {"total_act_ret", WK_POINT_EXPORT, 2},
};

wk_err wk_shelly_init(struct wk_shelly *shelly, const struct wk_object_table *table,
                      const struct wk_committed *committed)
{
    static const char k_digits[] = "0123456789ABCDEF";
    static const char k_kind[] = "shellypro3em-";
    *shelly = (struct wk_shelly){.committed = committed};
    wk_points_init(&shelly->points, table, WK_ROLE_READER);
    WK_TRY(wk_point_read_text(&shelly->points, WK_POINT_SERIAL, shelly->serial));
    const uint32_t number = wk_crc_32(0, shelly->serial, strlen(shelly->serial));
    memcpy(shelly->mac, MAC_FRONT, sizeof MAC_FRONT);
    for (size_t n = 0; n < 8; n++) {
        shelly->mac[sizeof MAC_FRONT - 1 + n] = k_digits[number >> (28 - 4 * n) & 0xFU];
    }
    struct wk_bytes_out id = wk_bytes_out_of(shelly->id, sizeof shelly->id - 1);
    wk_json_raw(&id, k_kind);
    for (const char *c = shelly->mac; *c != '\0'; c++) {
        wk_bytes_out_u8(&id, (uint8_t)(*c >= 'A' ? *c - 'A' + 'a' : *c));
    }
    return id.fault;
}

/* ---- members ----------------------------------------------------------------------------- */

static void put_member(struct wk_shelly *shelly, const struct member *member,
                       struct wk_bytes_out *out)
{
    const wk_point point = (wk_point)member->point;
    struct wk_point_value value;
    const wk_err err = wk_committed_has(point)
                           ? wk_committed_read(shelly->committed, point, &value)
                           : wk_point_read(&shelly->points, point, &value);
    if (err == WK_OK) {
        wk_json_number(out, member->key, &value, 0, member->decimals);
    } else {
        wk_json_literal(out, member->key, err == WK_E_NOT_FOUND ? "0" : "null");
    }
}

static void put_count(struct wk_bytes_out *out, const char *key, int64_t number)
{
    const struct wk_point_value value = {.mantissa = number};
    wk_json_number(out, key, &value, 0, 0);
}

static void put_em_status(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    wk_json_raw(out, "{\"id\":0");
    for (size_t n = 0; n < sizeof k_em / sizeof k_em[0]; n++) {
        put_member(shelly, &k_em[n], out);
    }
    wk_json_literal(out, "user_calibrated_phase", "[]");
    wk_json_raw(out, "}");
}

static void put_em_data_status(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    wk_json_raw(out, "{\"id\":0");
    for (size_t n = 0; n < sizeof k_em_data / sizeof k_em_data[0]; n++) {
        put_member(shelly, &k_em_data[n], out);
    }
    wk_json_raw(out, "}");
}

static void put_em_config(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    (void)shelly;
    wk_json_raw(out, "{\"id\":0,\"name\":null,\"blink_mode_selector\":\"active_energy\","
                     "\"phase_selector\":\"all\",\"monitor_phase_sequence\":false,"
                     "\"reverse\":{},\"ct_type\":\"120A\"}");
}

static void put_time(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    struct wk_datetime time;
    char text[] = "00:00";
    if (wk_point_read_time(&shelly->points, WK_POINT_CLOCK, &time) != WK_OK) {
        wk_json_literal(out, "time", "null");
        return;
    }
    text[0] = (char)('0' + time.hour / 10);
    text[1] = (char)('0' + time.hour % 10);
    text[3] = (char)('0' + time.minute / 10);
    text[4] = (char)('0' + time.minute % 10);
    wk_json_member(out, "time", text);
}

static void put_sys_status(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    wk_json_raw(out, "{");
    wk_json_member(out, "mac", shelly->mac);
    wk_json_literal(out, "restart_required", "false");
    put_time(shelly, out);
    put_count(out, "unixtime", shelly->points.now_us / US_PER_S);
    wk_json_literal(out, "cfg_rev", "0");
    wk_json_literal(out, "available_updates", "{}");
    wk_json_raw(out, "}");
}

static void put_device_info(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    char text[WK_POINT_TEXT + KEY_ROOM] = "";
    struct wk_bytes_out name = wk_bytes_out_of(text, sizeof text - 1);
    wk_json_raw(&name, "Wattkeeper ");
    wk_json_raw(&name, shelly->serial);
    wk_json_raw(&name, " (compatible)");
    wk_json_raw(out, "{");
    wk_json_member(out, "name", text);
    wk_json_member(out, "id", shelly->id);
    wk_json_member(out, "mac", shelly->mac);
    wk_json_raw(out, ",\"slot\":0,\"model\":\"SPEM-003CEBEU\",\"gen\":2,"
                     "\"fw_id\":\"wattkeeper-compatible\",\"ver\":\"1.0.0\",\"app\":\"Pro3EM\","
                     "\"auth_en\":false,\"auth_domain\":null,\"profile\":\"triphase\"}");
}

static void put_status(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    wk_json_raw(out, "{\"em:0\":");
    put_em_status(shelly, out);
    wk_json_key(out, "emdata:0");
    put_em_data_status(shelly, out);
    wk_json_key(out, "sys");
    put_sys_status(shelly, out);
    wk_json_literal(out, "cloud", "{\"connected\":false}");
    wk_json_literal(out, "mqtt", "{\"connected\":false}");
    wk_json_raw(out, "}");
}

/* ---- methods ----------------------------------------------------------------------------- */

static void put_methods(struct wk_shelly *shelly, struct wk_bytes_out *out);

static const struct {
    const char *name;
    void (*put)(struct wk_shelly *shelly, struct wk_bytes_out *out);
} k_methods[] = {
    {"Shelly.GetDeviceInfo", put_device_info}, {"Shelly.GetStatus", put_status},
    {"Shelly.ListMethods", put_methods},       {"Sys.GetStatus", put_sys_status},
    {"EM.GetStatus", put_em_status},           {"EM.GetConfig", put_em_config},
    {"EMData.GetStatus", put_em_data_status},
};

#define METHODS (sizeof k_methods / sizeof k_methods[0])

static void put_methods(struct wk_shelly *shelly, struct wk_bytes_out *out)
{
    (void)shelly;
    wk_json_raw(out, "{\"methods\":[");
    for (size_t n = 0; n < METHODS; n++) {
        wk_json_raw(out, n > 0 ? "," : "");
        wk_json_text(out, k_methods[n].name);
    }
    wk_json_raw(out, "]}");
}

wk_err wk_shelly_call(struct wk_shelly *shelly, const char *method, int64_t now_us,
                      struct wk_bytes_out *out)
{
    for (size_t n = 0; n < METHODS; n++) {
        if (strcmp(k_methods[n].name, method) == 0) {
            shelly->points.now_us = now_us;
            k_methods[n].put(shelly, out);
            return out->fault;
        }
    }
    return WK_E_NOT_FOUND;
}
