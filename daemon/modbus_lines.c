/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/modbus_lines.h"

#include <string.h>

static wk_err start_one(struct wk_modbus_lines *lines, const char *uri, char why[WK_MODBUS_WHY])
{
    struct wk_modbus_lines_one *line = &lines->line[lines->count];
    if (wk_modbus_lines_of(lines, uri) != NULL) {
        return WK_OK;
    }
    WK_TRY(wk_modbus_queue_start(&line->queue, uri, why));
    line->uri = uri;
    lines->count++;
    return WK_OK;
}

wk_err wk_modbus_lines_start(struct wk_modbus_lines *lines, const struct wk_config *config,
                             char why[WK_MODBUS_WHY])
{
    wk_err err = WK_OK;
    lines->count = 0;
    for (uint8_t n = 0; n < config->submeter_count && err == WK_OK; n++) {
        err = start_one(lines, config->submeter[n].uri, why);
    }
    for (uint8_t n = 0; n < config->gateway_count && err == WK_OK; n++) {
        err = start_one(lines, config->gateway[n].uri, why);
    }
    if (err != WK_OK) {
        wk_modbus_lines_stop(lines);
    }
    return err;
}

struct wk_modbus_queue *wk_modbus_lines_of(const struct wk_modbus_lines *lines, const char *uri)
{
    for (uint8_t n = 0; n < lines->count; n++) {
        if (strcmp(lines->line[n].uri, uri) == 0) {
            return lines->line[n].queue;
        }
    }
    return NULL;
}

uint8_t wk_modbus_lines_routes(const struct wk_modbus_lines *lines,
                               const struct wk_config *config, bool from_rtu,
                               struct wk_modbus_route route[WK_MODBUS_ROUTES])
{
    uint8_t count = 0;
    for (uint8_t n = 0; n < config->gateway_count; n++) {
        const struct wk_config_gateway *gateway = &config->gateway[n];
        if (gateway->from_rtu == from_rtu) {
            route[count] =
                (struct wk_modbus_route){.queue = wk_modbus_lines_of(lines, gateway->uri),
                                         .timeout_ms = gateway->timeout_ms,
                                         .retries = gateway->retries,
                                         .writes = gateway->writes,
                                         .broadcast = gateway->broadcast};
            memcpy(route[count++].units, gateway->units, sizeof gateway->units);
        }
    }
    return count;
}

static json_t *view_line(const struct wk_modbus_lines_one *line)
{
    const struct wk_modbus_queue_counts counts = wk_modbus_queue_counts(line->queue);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}}", "uri", line->uri,
                     "requests", (json_int_t)counts.asked, "repeated",
                     (json_int_t)counts.repeated, "junk", (json_int_t)counts.junk, "refused",
                     (json_int_t)counts.refused, "submeters", "jobs",
                     (json_int_t)counts.jobs[WK_MODBUS_OWN], "line_us",
                     (json_int_t)counts.line_us[WK_MODBUS_OWN], "clients", "jobs",
                     (json_int_t)counts.jobs[WK_MODBUS_CLIENT], "line_us",
                     (json_int_t)counts.line_us[WK_MODBUS_CLIENT]);
}

json_t *wk_modbus_lines_view(const struct wk_modbus_lines *lines)
{
    json_t *all = json_array();
    for (uint8_t n = 0; all != NULL && n < lines->count; n++) {
        json_array_append_new(all, view_line(&lines->line[n]));
    }
    return all;
}

void wk_modbus_lines_stop(struct wk_modbus_lines *lines)
{
    for (uint8_t n = 0; n < lines->count; n++) {
        wk_modbus_queue_stop(lines->line[n].queue);
    }
    lines->count = 0;
}
