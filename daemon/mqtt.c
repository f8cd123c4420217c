/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/mqtt.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/config_mqtt.h"

struct wk_meter_mqtt {
    struct wk_meter_mqtt_config config;
    struct wk_homeassistant ha;
    struct wk_mqtt *client;
    char id[WK_POINT_TEXT + 4];
    char topic[WK_HOMEASSISTANT_TOPICS][WK_HOMEASSISTANT_TOPIC];
};

static wk_err introduce(void *self, struct wk_mqtt *client)
{
    struct wk_meter_mqtt *mqtt = self;
    uint8_t octets[WK_HOMEASSISTANT_DESCRIPTION];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(wk_homeassistant_describe(&mqtt->ha, &out));
    const struct wk_mqtt_message message = {
        .topic = mqtt->topic[WK_HOMEASSISTANT_TOPIC_CONFIG],
        .octets = octets,
        .size = out.size,
        .confirmed = true,
        .retained = true,
    };
    return wk_mqtt_publish(client, &message);
}

/* A state that cannot be sent is left out: in a second there is a newer one. */
static void tick(void *self, struct wk_mqtt *client)
{
    struct wk_meter_mqtt *mqtt = self;
    uint8_t octets[WK_HOMEASSISTANT_STATE];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    const int64_t now_us = mqtt->config.now_us(mqtt->config.self);
    if (wk_homeassistant_state(&mqtt->ha, now_us, &out) != WK_OK) {
        return;
    }
    const struct wk_mqtt_message message = {
        .topic = mqtt->topic[WK_HOMEASSISTANT_TOPIC_STATE], .octets = octets, .size = out.size};
    (void)(wk_mqtt_publish(client, &message) == WK_OK);
}

static void told(void *self, const char *why)
{
    (void)self;
    (void)fprintf(stderr, "wk-meterd: MQTT: %s\n", why);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static struct wk_mqtt_config client_of(struct wk_meter_mqtt *mqtt)
{
    const struct wk_config_mqtt *section = &mqtt->config.config->mqtt;
    const char *name = section->name[0] != '\0' ? section->name : section->host;
    return (struct wk_mqtt_config){
        .loop = mqtt->config.loop,
        .host = section->host,
        .port = wk_config_mqtt_port(mqtt->config.config),
        .client_id = mqtt->id,
        .user = or_null(section->user),
        .password = or_null(section->password),
        .tls = {.name = section->plain ? NULL : name,
                .ca = or_null(section->ca),
                .own = {.certificate = or_null(section->certificate),
                        .key = or_null(section->key),
                        .hsm = mqtt->config.hsm,
                        .later = section->is_meter}},
        .availability = mqtt->topic[WK_HOMEASSISTANT_TOPIC_AVAILABILITY],
        .online = WK_HOMEASSISTANT_ONLINE,
        .offline = WK_HOMEASSISTANT_OFFLINE,
        .watch = mqtt->topic[WK_HOMEASSISTANT_TOPIC_STATUS],
        .self = mqtt,
        .introduce = introduce,
        .tick = tick,
        .told = told,
    };
}

wk_err wk_meter_mqtt_start(struct wk_meter_mqtt **mqtt,
                           const struct wk_meter_mqtt_config *config, char error[WK_MQTT_ERROR])
{
    struct wk_meter_mqtt *made = calloc(1, sizeof *made);
    const struct wk_homeassistant_config ha = {
        .table = config->table,
        .committed = config->committed,
        .prefix = config->config->mqtt.discovery,
    };
    wk_err err = made != NULL ? wk_homeassistant_init(&made->ha, &ha) : WK_E_FULL;
    if (err != WK_OK) {
        (void)snprintf(error, WK_MQTT_ERROR, "%s", wk_err_text(err));
        free(made);
        return err;
    }
    made->config = *config;
    (void)snprintf(made->id, sizeof made->id, "wk-%s", made->ha.id);
    for (int n = 0; n < WK_HOMEASSISTANT_TOPICS; n++) {
        wk_homeassistant_name(&made->ha, (wk_homeassistant_topic)n, made->topic[n]);
    }
    const struct wk_mqtt_config client = client_of(made);
    err = wk_mqtt_start(&made->client, &client, error);
    if (err != WK_OK) {
        free(made);
        return err;
    }
    *mqtt = made;
    return WK_OK;
}

void wk_meter_mqtt_stop(struct wk_meter_mqtt *mqtt)
{
    wk_mqtt_stop(mqtt->client);
}

void wk_meter_mqtt_free(struct wk_meter_mqtt *mqtt)
{
    free(mqtt);
}
