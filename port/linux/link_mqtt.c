/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_mqtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "link/packet.h"
#include "link/seal.h"
#include "port/linux/ini.h"
#include "port/linux/mqtt.h"
#include "port/linux/tls.h"

#define CLIENT_ID 24 /* what every broker takes, with the end */

struct wk_link_mqtt {
    struct wk_link_carrier_config config;
    struct wk_mqtt *mqtt;
    bool connected;
    char client_id[CLIENT_ID];
    char up[WK_LINK_MQTT_TOPIC];
    char down[WK_LINK_MQTT_TOPIC];
    char why[WK_LINK_CARRIER_ERROR];
};

/* ---- topics ------------------------------------------------------------------------------ */

static void print_title(const uint8_t title[WK_LINK_CARRIER_TITLE],
                        char text[WK_LINK_MQTT_TITLE])
{
    for (size_t i = 0; i < WK_LINK_CARRIER_TITLE; i++) {
        (void)snprintf(text + 2 * i, WK_LINK_MQTT_TITLE - 2 * i, "%02X", title[i]);
    }
}

void wk_link_mqtt_topic(const char *rest, const uint8_t title[WK_LINK_CARRIER_TITLE],
                        const char *way, char topic[WK_LINK_MQTT_TOPIC])
{
    char text[WK_LINK_MQTT_TITLE];
    print_title(title, text);
    (void)snprintf(topic, WK_LINK_MQTT_TOPIC, "%.*s/%s/%.6s", WK_LINK_CARRIER_REST - 2,
                   rest + 1, text, way);
}

bool wk_link_mqtt_title(const char *rest, const char *topic,
                        uint8_t title[WK_LINK_CARRIER_TITLE])
{
    char text[WK_LINK_MQTT_TITLE];
    char wanted[WK_LINK_MQTT_TOPIC];
    size_t size = 0;
    const size_t prefix = strlen(rest); /* with the slash in front, here behind */
    if (strlen(topic) < prefix + WK_LINK_MQTT_TITLE - 1) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%s", topic + prefix);
    if (wk_ini_hex(text, title, WK_LINK_CARRIER_TITLE, &size) != WK_OK ||
        size != WK_LINK_CARRIER_TITLE) {
        return false;
    }
    wk_link_mqtt_topic(rest, title, "up", wanted);
    return strcmp(topic, wanted) == 0;
}

/* ---- what the client tells --------------------------------------------------------------- */

static void on_connected(void *self, bool connected)
{
    struct wk_link_mqtt *mqtt = self;
    mqtt->connected = connected;
    if (connected) {
        mqtt->why[0] = '\0';
    }
    mqtt->config.carries(mqtt->config.self, connected);
}

static void on_message(void *self, const char *topic, const void *octets, size_t size)
{
    const struct wk_link_mqtt *mqtt = self;
    uint8_t packet[WK_LINK_PACKET + WK_LINK_SEAL];
    (void)topic;
    if (size > 0 && size <= sizeof packet) {
        memcpy(packet, octets, size);
        mqtt->config.take(mqtt->config.self, packet, size);
    }
}

static void on_ready(void *self)
{
    const struct wk_link_mqtt *mqtt = self;
    mqtt->config.ready(mqtt->config.self);
}

static void on_told(void *self, const char *text)
{
    struct wk_link_mqtt *mqtt = self;
    (void)snprintf(mqtt->why, sizeof mqtt->why, "%.*s", WK_LINK_CARRIER_ERROR - 1, text);
}

/* ---- the carrier ------------------------------------------------------------------------- */

static wk_err send_packet(void *self, const uint8_t *packet, size_t length)
{
    const struct wk_link_mqtt *mqtt = self;
    const struct wk_mqtt_message message = {
        .topic = mqtt->up, .octets = packet, .size = length};
    return wk_mqtt_publish(mqtt->mqtt, &message);
}

static const char *why(const void *self)
{
    const struct wk_link_mqtt *mqtt = self;
    return mqtt->connected ? "" : mqtt->why;
}

static void stop(void *self)
{
    struct wk_link_mqtt *mqtt = self;
    wk_mqtt_stop(mqtt->mqtt); /* it calls nothing any more */
    free(mqtt);
}

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* NULL: it can be done. */
static const char *refuse(const struct wk_link_carrier_config *config)
{
    if (or_null(config->interface) != NULL) {
        return "a path over MQTT cannot be tied to an interface";
    }
    if (strpbrk(config->to->rest, "+#") != NULL) {
        return "the prefix of topics must have no wildcards";
    }
    return NULL;
}

static wk_err start_client(struct wk_link_mqtt *mqtt, char error[WK_LINK_CARRIER_ERROR])
{
    const struct wk_link_carrier_config *config = &mqtt->config;
    const bool is_tls = strcmp(config->to->kind->scheme, "mqtts") == 0;
    const char *name = or_null(config->tls_name);
    char text[WK_MQTT_ERROR];
    struct wk_mqtt_config client = {.loop = config->loop,
                                    .host = config->to->host,
                                    .port = config->to->port,
                                    .client_id = mqtt->client_id,
                                    .user = or_null(config->user),
                                    .password = or_null(config->password),
                                    .watch = mqtt->down,
                                    .self = mqtt,
                                    .connected = on_connected,
                                    .message = on_message,
                                    .ready = on_ready,
                                    .told = on_told};
    if (is_tls) {
        client.tls = (struct wk_mqtt_tls){.name = name != NULL ? name : config->to->host,
                                          .ca = config->files->ca,
                                          .own = {.certificate = config->files->certificate,
                                                  .key = config->files->key,
                                                  .hsm = config->files->hsm,
                                                  .later = config->files->later}};
    }
    const wk_err err = wk_mqtt_start(&mqtt->mqtt, &client, text);
    if (err != WK_OK) {
        (void)snprintf(error, WK_LINK_CARRIER_ERROR, "%.*s", WK_LINK_CARRIER_ERROR - 1, text);
    }
    return err;
}

/* Two paths of a meter to one broker are two clients: each has an end of its own in the name. */
static void name_client(struct wk_link_mqtt *mqtt)
{
    char title[WK_LINK_MQTT_TITLE];
    const char *path = mqtt->config.name;
    print_title(mqtt->config.title, title);
    (void)snprintf(mqtt->client_id, sizeof mqtt->client_id, "wk%s%04x", title,
                   (unsigned)(wk_crc_32(0, path, strlen(path)) & UINT16_MAX));
}

wk_err wk_link_mqtt_start(struct wk_link_carrier *carrier,
                          const struct wk_link_carrier_config *config,
                          char error[WK_LINK_CARRIER_ERROR])
{
    const char *text = refuse(config);
    if (text != NULL) {
        (void)snprintf(error, WK_LINK_CARRIER_ERROR, "[path %.31s]: %s", config->name, text);
        return WK_E_FORMAT;
    }
    struct wk_link_mqtt *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        (void)snprintf(error, WK_LINK_CARRIER_ERROR, "no memory");
        return WK_E_IO;
    }
    fresh->config = *config;
    name_client(fresh);
    wk_link_mqtt_topic(config->to->rest, config->title, "up", fresh->up);
    wk_link_mqtt_topic(config->to->rest, config->title, "down", fresh->down);
    const wk_err err = start_client(fresh, error);
    if (err != WK_OK) {
        free(fresh);
        return err;
    }
    *carrier =
        (struct wk_link_carrier){.self = fresh, .send = send_packet, .why = why, .stop = stop};
    return WK_OK;
}
