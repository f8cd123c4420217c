/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_port_mqtt - packets of meters from a broker of MQTT, link_mqtt: all that comes to
 * PREFIX/+/up; answers go to PREFIX/TITLE/down. An address is the title in the topic: whose a packet is says its
 * seal, the title only where to answer.
 *
 * The client (port/linux/mqtt) lives in a loop of its own, which is turned when its descriptor or its clock
 * says so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/crc.h"
#include "headend/uplink_port.h"
#include "link/packet.h"
#include "link/seal.h"
#include "port/linux/link_mqtt.h"
#include "port/linux/mqtt.h"

#define BACKLOG   256 /* answers that may wait for the broker */
#define CLIENT_ID 24
#define MS_PER_S  1000
#define NS_PER_MS 1000000
#define TURNS     64 /* of the loop, while packets come */

struct mqtt_port {
    struct wk_uplink_port_config config;
    struct wk_mqtt *mqtt;
    uv_loop_t loop;
    bool has_loop;
    int epoll; /* of the loop and of the clock */
    int clock;
    uint32_t taken; /* packets */
    char client_id[CLIENT_ID];
    char watch[WK_LINK_MQTT_TOPIC];
};

/* ---- what the client tells --------------------------------------------------------------- */

static void on_message(void *self, const char *topic, const void *octets, size_t size)
{
    struct mqtt_port *port = self;
    const struct wk_link_carrier_url *url = &port->config.registry->link_mqtt;
    uint8_t packet[WK_LINK_PACKET + WK_LINK_SEAL];
    struct wk_uplink_address from = {.port = port->config.number,
                                     .size = WK_LINK_CARRIER_TITLE};
    if (size == 0 || size > sizeof packet ||
        !wk_link_mqtt_title(url->rest, topic, from.octets)) {
        return;
    }
    port->taken++;
    memcpy(packet, octets, size);
    port->config.take(port->config.self, &from, packet, size);
}

static void on_told(void *self, const char *why)
{
    (void)self;
    (void)fprintf(stderr, "wk-headendd: link_mqtt: %s\n", why);
}

/* ---- the loop ---------------------------------------------------------------------------- */

/* When the loop wants to be turned, if nothing comes before. */
static void set_clock(const struct mqtt_port *port)
{
    const int wait_ms = uv_backend_timeout(&port->loop);
    struct itimerspec when = {0};
    when.it_value.tv_sec = wait_ms > 0 ? wait_ms / MS_PER_S : 0;
    when.it_value.tv_nsec = wait_ms > 0 ? (long)(wait_ms % MS_PER_S) * NS_PER_MS : 1;
    if (wait_ms >= 0) {
        (void)timerfd_settime(port->clock, 0, &when, NULL);
    }
}

static void serve(void *self)
{
    struct mqtt_port *port = self;
    uint64_t ticks;
    uint32_t before;
    int turns = 0;
    (void)!read(port->clock, &ticks, sizeof ticks);
    do {
        before = port->taken;
        (void)uv_run(&port->loop, UV_RUN_NOWAIT);
    } while (port->taken != before && ++turns < TURNS);
    set_clock(port);
}

/* ---- the port ---------------------------------------------------------------------------- */

/* The loop is turned at once: only then it knows what to wait for next. */
static wk_err send_packet(void *self, const struct wk_uplink_address *to, const uint8_t *packet,
                          size_t length)
{
    const struct mqtt_port *port = self;
    const struct itimerspec now = {.it_value = {.tv_nsec = 1}};
    char topic[WK_LINK_MQTT_TOPIC];
    wk_link_mqtt_topic(port->config.registry->link_mqtt.rest, to->octets, "down", topic);
    const struct wk_mqtt_message message = {.topic = topic, .octets = packet, .size = length};
    const wk_err err = wk_mqtt_publish(port->mqtt, &message);
    (void)timerfd_settime(port->clock, 0, &now, NULL);
    return err;
}

static void close_port(void *self)
{
    struct mqtt_port *port = self;
    if (port->mqtt != NULL) {
        wk_mqtt_stop(port->mqtt);
    }
    if (port->has_loop) {
        (void)uv_run(&port->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&port->loop);
    }
    if (port->clock >= 0) {
        close(port->clock);
    }
    if (port->epoll >= 0) {
        close(port->epoll);
    }
    free(port);
}

static wk_err make_loop(struct mqtt_port *port, char why[WK_INI_WHY])
{
    port->has_loop = uv_loop_init(&port->loop) == 0;
    port->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    port->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (!port->has_loop || port->clock < 0 || port->epoll < 0 ||
        epoll_ctl(port->epoll, EPOLL_CTL_ADD, uv_backend_fd(&port->loop), &event) != 0 ||
        epoll_ctl(port->epoll, EPOLL_CTL_ADD, port->clock, &event) != 0) {
        snprintf(why, WK_INI_WHY, "link_mqtt: %s", strerror(errno));
        return WK_E_IO;
    }
    return WK_OK;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static wk_err start_client(struct mqtt_port *port, char why[WK_INI_WHY])
{
    const struct wk_registry *r = port->config.registry;
    const struct wk_link_carrier_url *to = &r->link_mqtt;
    char error[WK_MQTT_ERROR];
    struct wk_mqtt_config client = {.loop = &port->loop,
                                    .host = to->host,
                                    .port = to->port,
                                    .client_id = port->client_id,
                                    .user = or_null(r->link_mqtt_user),
                                    .password = or_null(r->link_mqtt_password),
                                    .watch = port->watch,
                                    .backlog = BACKLOG,
                                    .self = port,
                                    .message = on_message,
                                    .told = on_told};
    if (strcmp(to->kind->scheme, "mqtts") == 0) {
        client.tls = (struct wk_mqtt_tls){
            .name = r->link_mqtt_name[0] != '\0' ? r->link_mqtt_name : to->host,
            .ca = or_null(r->tls_ca),
            .own = {.certificate = or_null(r->tls_certificate), .key = or_null(r->tls_key)}};
    }
    const wk_err err = wk_mqtt_start(&port->mqtt, &client, error);
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "link_mqtt: %s", error);
    }
    return err;
}

wk_err wk_uplink_port_mqtt(struct wk_uplink_port *port,
                           const struct wk_uplink_port_config *config, char why[WK_INI_WHY])
{
    const struct wk_link_carrier_url *to = &config->registry->link_mqtt;
    if (to->kind == NULL) {
        return WK_E_NOT_FOUND;
    }
    struct mqtt_port *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    made->config = *config;
    made->clock = -1;
    made->epoll = -1;
    /* Of one name there is one client: one that is left from before is put out. */
    (void)snprintf(made->client_id, sizeof made->client_id, "wk-headend-%08x",
                   (unsigned)wk_crc_32(0, to->rest, strlen(to->rest)));
    (void)snprintf(made->watch, sizeof made->watch, "%s/+/up", to->rest + 1);
    wk_err err = make_loop(made, why);
    err = err == WK_OK ? start_client(made, why) : err;
    if (err != WK_OK) {
        close_port(made);
        return err;
    }
    set_clock(made);
    *port = (struct wk_uplink_port){.self = made,
                                    .fd = made->epoll,
                                    .serve = serve,
                                    .send = send_packet,
                                    .close = close_port};
    return WK_OK;
}
