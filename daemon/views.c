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

#define ORIGIN_TCP 1 /* customers of the lines behind gateways; sub-meters are 0 */
#define ORIGIN_RTU 2

static wk_err start_modbus_tcp(struct wk_meter_views *views,
                               const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->modbus_tcp;
    struct wk_modbus_route route[WK_MODBUS_ROUTES];
    const struct wk_modbus_tcp_config tcp = {
        .loop = config->loop,
        .address = view->host,
        .port = view->port,
        .server = server_of(config, view),
        .owner = owner_of(config),
        .route = route,
        .routes = wk_modbus_lines_routes(config->lines, config->config, false, route),
        .origin = ORIGIN_TCP,
    };
    return wk_modbus_tcp_start(&views->modbus_tcp, &tcp, error);
}

static wk_err start_modbus_line(struct wk_meter_views *views,
                                const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->modbus_rtu;
    struct wk_modbus_route route[WK_MODBUS_ROUTES];
    struct wk_modbus_line_config line = {
        .loop = config->loop,
        .device = view->device,
        .baud = view->baud,
        .rs485 = view->rs485,
        .server = server_of(config, view),
        .owner = owner_of(config),
        .route = route,
        .routes = wk_modbus_lines_routes(config->lines, config->config, true, route),
        .origin = ORIGIN_RTU,
    };
    memcpy(line.framing, view->framing, sizeof line.framing);
    return wk_modbus_line_start(&views->modbus_line, &line, error);
}

/* ---- DL/T 645 ------------------------------------------------------------------------------ */

/* The last twelve digits of a text, as BCD, the lowest first. */
static void take_address(uint8_t address[WK_DLT645_ADDRESS], const char *text)
{
    size_t digit = 0;
    memset(address, 0, WK_DLT645_ADDRESS);
    for (size_t n = strlen(text); n > 0 && digit < 2 * (size_t)WK_DLT645_ADDRESS; n--) {
        if (text[n - 1] >= '0' && text[n - 1] <= '9') {
            address[digit / 2] |= (uint8_t)((text[n - 1] - '0') << (digit % 2 == 0 ? 0 : 4));
            digit++;
        }
    }
}

static wk_err start_dlt645(struct wk_meter_views *views,
                           const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->dlt645;
    struct wk_dlt645_port_config dlt645 = {
        .loop = config->loop,
        .device = view->device,
        .rs485 = view->rs485,
        .dlt645 = {.table = &config->module->table,
                   .baud = view->baud,
                   .clock_role = view->takes_time ? WK_ROLE_MANAGEMENT : WK_ROLE_COUNT},
        .self = config->self,
        .now_us = config->now_us,
        .served = config->served,
    };
    memcpy(dlt645.framing, view->framing, sizeof dlt645.framing);
    take_address(dlt645.dlt645.address,
                 view->address[0] != '\0' ? view->address : config->config->serial);
    return wk_dlt645_port_start(&views->dlt645, &dlt645, error);
}

/* ---- P1 ---------------------------------------------------------------------------------- */

#define MBUS_ELECTRICITY 2
#define UNIT_WH          30
#define US_PER_S         1000000

/* The import of those sub-meters that have been read. */
static size_t p1_channels(void *self, struct wk_p1_channel channels[WK_P1_CHANNELS])
{
    const struct wk_meter_views *views = self;
    const struct wk_meter_views_config *config = &views->config;
    size_t count = 0;
    for (uint8_t n = 0; n < config->submeters->running && n < WK_P1_CHANNELS; n++) {
        const struct wk_submeters_state state = wk_submeters_state_of(config->submeters, n);
        struct wk_p1_channel *channel = &channels[count];
        const struct wk_utc read = {.s = state.read_us / US_PER_S};
        *channel = (struct wk_p1_channel){
            .number = (uint8_t)(n + 1),
            .type = MBUS_ELECTRICITY,
            .value = {state.newest.value[WK_SUBMETER_IMPORT], -6, UNIT_WH},
            .exponent = 3,
            .unit = "kWh",
        };
        const char *serial = state.newest.serial;
        (void)snprintf(channel->id, sizeof channel->id, "%s",
                       serial[0] != '\0' ? serial : config->config->submeter[n].name);
        const bool is_read = (state.newest.have >> WK_SUBMETER_IMPORT & 1U) != 0;
        if (is_read && wk_datetime_of_utc(&config->module->rooms.clock.zone, read, 0,
                                          &channel->time) == WK_OK) {
            count++;
        }
    }
    return count;
}

static int64_t p1_now_us(void *self)
{
    const struct wk_meter_views *views = self;
    return views->config.now_us(views->config.self);
}

static wk_err start_p1(struct wk_meter_views *views, const struct wk_meter_views_config *config,
                       char *error)
{
    const struct wk_config_view *view = &config->config->p1;
    const struct wk_p1_port_config p1 = {
        .loop = config->loop,
        .device = view->device[0] != '\0' ? view->device : NULL,
        .baud = view->baud,
        .wants_request = view->wants_request,
        .address = view->host,
        .port = view->port,
        .p1 = {.table = &config->module->table,
               .version = (wk_p1_version)view->version,
               .maker = "WKP",
               .name = "WATTKEEPER"},
        .self = views,
        .now_us = p1_now_us,
        .channels = p1_channels,
    };
    return wk_p1_port_start(&views->p1, &p1, error);
}

/* ---- the optical port -------------------------------------------------------------------- */

static wk_err start_optical(struct wk_meter_views *views,
                            const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->optical;
    struct wk_optical_port_config optical = {
        .loop = config->loop,
        .device = view->device,
        .optical = {.table = &config->module->table,
                    .maker = "WKP",
                    .name = "WATTKEEPER",
                    .baud = view->baud,
                    .writer = view->can_switch ? WK_ROLE_MANAGEMENT : WK_ROLE_COUNT},
        .self = config->self,
        .now_us = config->now_us,
        .served = config->served,
    };
    (void)snprintf(optical.optical.address, sizeof optical.optical.address, "%s",
                   config->config->serial);
    (void)snprintf(optical.optical.password, sizeof optical.optical.password, "%s",
                   view->password);
    return wk_optical_port_start(&views->optical, &optical, error);
}

/* ---- MQTT --------------------------------------------------------------------------------- */

static wk_err start_mqtt(struct wk_meter_views *views,
                         const struct wk_meter_views_config *config, char *error)
{
    const struct wk_meter_mqtt_config mqtt = {
        .loop = config->loop,
        .config = config->config,
        .table = &config->module->table,
        .committed = &views->committed,
        .hsm = config->hsm,
        .self = config->self,
        .now_us = config->now_us,
    };
    return wk_meter_mqtt_start(&views->mqtt, &mqtt, error);
}

/* ---- the RPC of Shelly -------------------------------------------------------------------- */

static wk_err start_shelly(struct wk_meter_views *views,
                           const struct wk_meter_views_config *config, char *error)
{
    const struct wk_config_view *view = &config->config->shelly;
    struct wk_meter_shelly *shelly = &views->shelly;
    const wk_err err = wk_shelly_init(&shelly->view, &config->module->table, &views->committed);
    if (err != WK_OK) {
        (void)snprintf(error, WK_METER_SHELLY_ERROR, "%s", wk_err_text(err));
        return err;
    }
    shelly->self = config->self;
    shelly->now_us = config->now_us;
    shelly->is_there = true;
    return view->port == 0
               ? WK_OK
               : wk_meter_shelly_listen(shelly, config->loop, view->host, view->port, error);
}

/* ---- all --------------------------------------------------------------------------------- */

wk_err wk_meter_views_start(struct wk_meter_views *views,
                            const struct wk_meter_views_config *config,
                            char error[WK_METER_VIEWS_ERROR])
{
    const struct {
        const char *name;
        const bool *is_there;
        wk_err (*start)(struct wk_meter_views *views,
                        const struct wk_meter_views_config *config, char *error);
    } k_views[] = {
        {"Modbus TCP", &config->config->modbus_tcp.is_there, start_modbus_tcp},
        {"Modbus RTU", &config->config->modbus_rtu.is_there, start_modbus_line},
        {"DL/T 645", &config->config->dlt645.is_there, start_dlt645},
        {"P1", &config->config->p1.is_there, start_p1},
        {"optical port", &config->config->optical.is_there, start_optical},
        {"Shelly", &config->config->shelly.is_there, start_shelly},
        {"MQTT", &config->config->mqtt.is_there, start_mqtt},
    };
    char why[WK_MQTT_ERROR] = "";
    views->config = *config;
    wk_committed_init(&views->committed, &config->module->table);
    for (size_t n = 0; n < sizeof k_views / sizeof k_views[0]; n++) {
        const wk_err err = *k_views[n].is_there ? k_views[n].start(views, config, why) : WK_OK;
        if (err != WK_OK) {
            (void)snprintf(error, WK_METER_VIEWS_ERROR, "%s: %s", k_views[n].name, why);
            return err;
        }
    }
    return WK_OK;
}

void wk_meter_views_committed(struct wk_meter_views *views)
{
    wk_committed_take(&views->committed);
}

void wk_meter_views_stop(struct wk_meter_views *views)
{
    if (views->modbus_tcp != NULL) {
        wk_modbus_tcp_stop(views->modbus_tcp);
    }
    if (views->modbus_line != NULL) {
        wk_modbus_line_stop(views->modbus_line);
    }
    if (views->dlt645 != NULL) {
        wk_dlt645_port_stop(views->dlt645);
    }
    if (views->p1 != NULL) {
        wk_p1_port_stop(views->p1);
    }
    if (views->optical != NULL) {
        wk_optical_port_stop(views->optical);
    }
    if (views->mqtt != NULL) {
        wk_meter_mqtt_stop(views->mqtt);
    }
}

void wk_meter_views_free(struct wk_meter_views *views)
{
    wk_modbus_tcp_free(views->modbus_tcp);
    wk_modbus_line_free(views->modbus_line);
    wk_dlt645_port_free(views->dlt645);
    wk_p1_port_free(views->p1);
    wk_optical_port_free(views->optical);
    wk_meter_mqtt_free(views->mqtt);
    *views = (struct wk_meter_views){0};
}
