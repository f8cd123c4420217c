/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/views.h"

#include <stdio.h>
#include <string.h>

#define USUAL_U_MV 230000
#define USUAL_I_UA 100000000
#define E9         INT64_C(1000000000)
#define OVERLOAD   6 / 5 /* more is implausible */

/* The largest power that can be measured. */
static int64_t maximum_w(const struct wk_config *config)
{
    const int64_t u_mv = config->nominal_mv > 0 ? config->nominal_mv : USUAL_U_MV;
    const int64_t i_ua = config->i_max_ua > 0 ? config->i_max_ua : USUAL_I_UA;
    return u_mv * i_ua / E9 * config->phases * OVERLOAD;
}

static struct wk_modbus_server_config server_of(const struct wk_meter_views_config *config,
                                                const struct wk_config_view *view)
{
    return (struct wk_modbus_server_config){
        .table = &config->module->table,
        .phases = config->config->phases,
        .unit = view->unit,
        .baud = view->baud,
        .maximum_w = maximum_w(config->config),
        .writer = view->can_switch ? WK_ROLE_MANAGEMENT : WK_ROLE_COUNT,
    };
}

static struct wk_modbus_owner owner_of(const struct wk_meter_views_config *config)
{
    return (struct wk_modbus_owner){
        .self = config->self, .now_us = config->now_us, .served = config->served};
}

static wk_err start_modbus_tcp(struct wk_meter_views *views,
                               const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->modbus_tcp;
    const struct wk_modbus_tcp_config tcp = {
        .loop = config->loop,
        .address = view->host,
        .port = view->port,
        .server = server_of(config, view),
        .owner = owner_of(config),
    };
    return wk_modbus_tcp_start(&views->modbus_tcp, &tcp, error);
}

static wk_err start_modbus_line(struct wk_meter_views *views,
                                const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->modbus_rtu;
    struct wk_modbus_line_config line = {
        .loop = config->loop,
        .device = view->device,
        .baud = view->baud,
        .rs485 = view->rs485,
        .server = server_of(config, view),
        .owner = owner_of(config),
    };
    memcpy(line.framing, view->framing, sizeof line.framing);
    return wk_modbus_line_start(&views->modbus_line, &line, error);
}

wk_err wk_meter_views_start(struct wk_meter_views *views,
                            const struct wk_meter_views_config *config,
                            char error[WK_METER_VIEWS_ERROR])
{
    const struct {
        const char *name;
        const struct wk_config_view *view;
        wk_err (*start)(struct wk_meter_views *views,
                        const struct wk_meter_views_config *config, char *error);
    } k_views[] = {
        {"Modbus TCP", &config->config->modbus_tcp, start_modbus_tcp},
        {"Modbus RTU", &config->config->modbus_rtu, start_modbus_line},
    };
    char why[WK_SOCKET_ERROR];
    for (size_t n = 0; n < sizeof k_views / sizeof k_views[0]; n++) {
        const wk_err err =
            k_views[n].view->is_there ? k_views[n].start(views, config, why) : WK_OK;
        if (err != WK_OK) {
            (void)snprintf(error, WK_METER_VIEWS_ERROR, "%s: %s", k_views[n].name, why);
            return err;
        }
    }
    return WK_OK;
}

void wk_meter_views_stop(struct wk_meter_views *views)
{
    if (views->modbus_tcp != NULL) {
        wk_modbus_tcp_stop(views->modbus_tcp);
    }
    if (views->modbus_line != NULL) {
        wk_modbus_line_stop(views->modbus_line);
    }
}

void wk_meter_views_free(struct wk_meter_views *views)
{
    wk_modbus_tcp_free(views->modbus_tcp);
    wk_modbus_line_free(views->modbus_line);
    *views = (struct wk_meter_views){0};
}
