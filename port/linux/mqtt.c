/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/mqtt.h"

#include <linux/sockios.h>
#include <mosquitto.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/crc.h"

#define TICK_MS    1000
#define PORT_ROOM  8
#define ONE        1 /* packet at a time */
#define NOT_YET    (-1)
#define STALLED_MS 20000

struct wk_mqtt {
    struct wk_mqtt_config config;
    struct mosquitto *client; /* NULL: there is no connection, nor an attempt */
    uv_poll_t *poll;          /* of its socket; freed when closed */
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    bool looking;
    bool stopping;
    bool timer_closed;
    bool open;        /* the broker has accepted */
    bool wanted;      /* a message was refused as busy */
    uint32_t waiting; /* messages given since nothing waited */
    enum {
        SAID,
        SAY_ALL,    /* the owner's retained messages are to be said ... */
        SAY_ONLINE, /* ... then that the client is there */
    } stage;
    int accepted;    /* what the broker answered; NOT_YET */
    uint32_t age_ms; /* of an attempt */
    uint32_t wait_ms;
    uint32_t pause_ms;               /* the next one */
    char refused[WK_MQTT_TLS_ERROR]; /* why, of TLS */
    char why[WK_MQTT_ERROR];         /* told last */
    struct wk_mqtt_counts counts;
};

static void release(struct wk_mqtt *mqtt)
{
    if (mqtt->stopping && mqtt->timer_closed && !mqtt->looking) {
        free(mqtt);
    }
}

/* ---- the end of a connection ------------------------------------------------------------- */

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static void end_poll(struct wk_mqtt *mqtt)
{
    if (mqtt->poll != NULL) {
        (void)uv_poll_stop(mqtt->poll);
        uv_close((uv_handle_t *)mqtt->poll, free_poll);
    }
    mqtt->poll = NULL;
}

static void drop(struct wk_mqtt *mqtt)
{
    end_poll(mqtt);
    mosquitto_destroy(mqtt->client);
    mqtt->client = NULL;
    mqtt->open = false;
    mqtt->wanted = false;
    mqtt->waiting = 0;
}

/* Each reason once. */
static void tell(struct wk_mqtt *mqtt, const char *why)
{
    char text[WK_MQTT_ERROR];
    (void)snprintf(text, sizeof text, "%.60s:%u: %.180s", mqtt->config.host,
                   (unsigned)mqtt->config.port, why);
    if (strcmp(text, mqtt->why) != 0) {
        memcpy(mqtt->why, text, sizeof text);
        mqtt->config.told(mqtt->config.self, mqtt->why);
    }
}

/* Tells why, and tries again later. Meters of one street do not come back in step. */
static void give_up(struct wk_mqtt *mqtt, const char *why)
{
    const bool was_open = mqtt->open;
    drop(mqtt);
    mqtt->counts.failures++;
    const uint32_t seed = wk_crc_32(mqtt->counts.failures, mqtt->config.client_id,
                                    strlen(mqtt->config.client_id));
    mqtt->wait_ms = mqtt->pause_ms + seed % mqtt->pause_ms;
    mqtt->pause_ms =
        mqtt->pause_ms < WK_MQTT_WAIT_MOST / 2 ? mqtt->pause_ms * 2 : WK_MQTT_WAIT_MOST;
    tell(mqtt, mqtt->refused[0] != '\0' ? mqtt->refused : why);
    if (was_open && mqtt->config.connected != NULL) {
        mqtt->config.connected(mqtt->config.self, false);
    }
}

/* ---- a connection ------------------------------------------------------------------------ */

static void on_connect(struct mosquitto *client, void *self, int code)
{
    struct wk_mqtt *mqtt = self;
    (void)client;
    mqtt->accepted = code;
}

static void on_message(struct mosquitto *client, void *self,
                       const struct mosquitto_message *message)
{
    struct wk_mqtt *mqtt = self;
    (void)client;
    mqtt->stage = SAY_ALL;
    if (mqtt->config.message != NULL && message->payloadlen >= 0) {
        mqtt->config.message(mqtt->config.self, message->topic, message->payload,
                             (size_t)message->payloadlen);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Looks for what the library waits for now. */
static bool watch_again(const struct wk_mqtt *mqtt)
{
    const bool writes = mosquitto_want_write(mqtt->client) || mqtt->wanted;
    const int events = UV_READABLE | UV_DISCONNECT | (writes ? UV_WRITABLE : 0);
    return mqtt->poll == NULL || uv_poll_start(mqtt->poll, events, on_poll) == 0;
}

static void watch(struct wk_mqtt *mqtt)
{
    if (!watch_again(mqtt)) {
        give_up(mqtt, "the loop refuses the socket");
    }
}

/* Nothing waits, or less than may. Without a backlog what the system holds unsent counts, too. */
static bool is_free(struct wk_mqtt *mqtt)
{
    int unsent = 0;
    if (mosquitto_want_write(mqtt->client)) {
        return mqtt->waiting < mqtt->config.backlog;
    }
    mqtt->waiting = 0;
    return mqtt->config.backlog > 0 ||
           ioctl(mosquitto_socket(mqtt->client), SIOCOUTQNSD, &unsent) != 0 || unsent == 0;
}

static void tell_ready(struct wk_mqtt *mqtt)
{
    if (mqtt->open && mqtt->wanted && is_free(mqtt)) {
        mqtt->wanted = false;
        if (mqtt->config.ready != NULL) {
            mqtt->config.ready(mqtt->config.self);
        }
    }
}

/* The system holds one message unsent at most, and gives a broker up that takes nothing. */
static void prepare(const struct wk_mqtt *mqtt)
{
    const int fd = mosquitto_socket(mqtt->client);
    const int lowat = 1;
    const int stalled_ms = STALLED_MS;
    if (mqtt->config.backlog == 0) {
        (void)!setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
    }
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stalled_ms, sizeof stalled_ms);
}

static void accept_connection(struct wk_mqtt *mqtt)
{
    mqtt->open = true;
    mqtt->stage = SAY_ALL;
    mqtt->pause_ms = WK_MQTT_WAIT_MS;
    mqtt->why[0] = '\0';
    mqtt->counts.connections++;
    if (mqtt->config.watch != NULL &&
        mosquitto_subscribe(mqtt->client, NULL, mqtt->config.watch, 1) != MOSQ_ERR_SUCCESS) {
        give_up(mqtt, "cannot subscribe");
        return;
    }
    if (mqtt->config.connected != NULL) {
        mqtt->config.connected(mqtt->config.self, true);
    }
}

/* One message at a time: the next look at the socket goes on where this one stopped. */
static void introduce(struct wk_mqtt *mqtt)
{
    const struct wk_mqtt_config *config = &mqtt->config;
    if (mqtt->open && mqtt->stage == SAY_ALL && is_free(mqtt) &&
        (config->introduce == NULL || config->introduce(config->self, mqtt) == WK_OK)) {
        mqtt->stage = config->availability != NULL ? SAY_ONLINE : SAID;
    }
    if (!mqtt->open || mqtt->stage != SAY_ONLINE) {
        return;
    }
    const struct wk_mqtt_message online = {
        .topic = config->availability,
        .octets = config->online,
        .size = strlen(config->online),
        .confirmed = true,
        .retained = true,
    };
    if (wk_mqtt_publish(mqtt, &online) == WK_OK) {
        mqtt->stage = SAID;
    }
}

/* Lets the library read and write; false: the connection has ended. */
static bool step(struct wk_mqtt *mqtt)
{
    int code = mosquitto_loop_read(mqtt->client, ONE);
    if (code == MOSQ_ERR_SUCCESS && mosquitto_want_write(mqtt->client)) {
        code = mosquitto_loop_write(mqtt->client, ONE);
    }
    if (code == MOSQ_ERR_SUCCESS) {
        code = mosquitto_loop_misc(mqtt->client);
    }
    if (mqtt->accepted > 0) {
        give_up(mqtt, mosquitto_connack_string(mqtt->accepted));
        return false;
    }
    if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(mqtt->client) < 0) {
        give_up(mqtt, code == MOSQ_ERR_SUCCESS || code == MOSQ_ERR_ERRNO
                          ? "the connection was lost"
                          : mosquitto_strerror(code));
        return false;
    }
    if (mqtt->accepted == 0 && !mqtt->open) {
        accept_connection(mqtt);
    }
    return mqtt->client != NULL;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wk_mqtt *mqtt = poll->data;
    (void)status; /* the library finds what is wrong with its socket */
    (void)events;
    if (step(mqtt)) {
        introduce(mqtt);
        tell_ready(mqtt);
    }
    if (mqtt->client != NULL) {
        watch(mqtt);
    }
}

static bool set_up(struct wk_mqtt *mqtt)
{
    const struct wk_mqtt_config *config = &mqtt->config;
    SSL_CTX *context = NULL;
    char error[WK_MQTT_TLS_ERROR];
    struct mosquitto *client = mqtt->client;
    bool good =
        mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311) == 0 &&
        mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1) == 0 &&
        mosquitto_username_pw_set(client, config->user, config->password) == 0 &&
        (config->availability == NULL ||
         mosquitto_will_set(client, config->availability, (int)strlen(config->offline),
                            config->offline, 1, true) == 0);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_message_callback_set(client, on_message);
    if (!good || config->tls.name == NULL) {
        return good;
    }
    if (wk_mqtt_tls_make(&context, &config->tls, mqtt->refused, error) != WK_OK) {
        memcpy(mqtt->refused, error, sizeof error);
        return false;
    }
    good = mosquitto_int_option(client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == 0 &&
           mosquitto_void_option(client, MOSQ_OPT_SSL_CTX, context) == 0;
    SSL_CTX_free(context); /* the client has its own reference */
    return good;
}

/* `address` is numeric: the library's own search would hold the loop. */
static void connect_to(struct wk_mqtt *mqtt, const char *address)
{
    mqtt->client = mosquitto_new(mqtt->config.client_id, true, mqtt);
    mqtt->accepted = NOT_YET;
    mqtt->age_ms = 0;
    mqtt->refused[0] = '\0';
    if (mqtt->client == NULL || !set_up(mqtt)) {
        give_up(mqtt, "no memory");
        return;
    }
    const int code =
        mosquitto_connect_async(mqtt->client, address, mqtt->config.port, WK_MQTT_KEEPALIVE_S);
    if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(mqtt->client) < 0) {
        give_up(mqtt, code == MOSQ_ERR_ERRNO ? "no connection" : mosquitto_strerror(code));
        return;
    }
    prepare(mqtt);
    mqtt->poll = calloc(1, sizeof *mqtt->poll);
    if (mqtt->poll == NULL ||
        uv_poll_init(mqtt->config.loop, mqtt->poll, mosquitto_socket(mqtt->client)) != 0) {
        free(mqtt->poll);
        mqtt->poll = NULL;
        give_up(mqtt, "no memory");
        return;
    }
    mqtt->poll->data = mqtt;
    watch(mqtt);
}

static void on_address(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct wk_mqtt *mqtt = lookup->data;
    char address[NI_MAXHOST];
    mqtt->looking = false;
    if (mqtt->stopping) {
        release(mqtt);
    } else if (status != 0 || getnameinfo(found->ai_addr, found->ai_addrlen, address,
                                          sizeof address, NULL, 0, NI_NUMERICHOST) != 0) {
        mqtt->refused[0] = '\0';
        give_up(mqtt, "there is no address of this name");
    } else {
        connect_to(mqtt, address);
    }
    uv_freeaddrinfo(found);
}

static void look_up(struct wk_mqtt *mqtt)
{
    char port[PORT_ROOM];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    (void)snprintf(port, sizeof port, "%u", (unsigned)mqtt->config.port);
    mqtt->lookup.data = mqtt;
    mqtt->looking = uv_getaddrinfo(mqtt->config.loop, &mqtt->lookup, on_address,
                                   mqtt->config.host, port, &hints) == 0;
    if (!mqtt->looking) {
        give_up(mqtt, "its name cannot be looked up");
    }
}

/* ---- time -------------------------------------------------------------------------------- */

static void tick_client(struct wk_mqtt *mqtt)
{
    if (!step(mqtt)) {
        return;
    }
    mqtt->age_ms += TICK_MS;
    if (!mqtt->open && mqtt->age_ms >= WK_MQTT_ANSWER_MS) {
        give_up(mqtt, "the broker does not answer");
        return;
    }
    introduce(mqtt);
    tell_ready(mqtt);
    if (mqtt->open && mqtt->stage == SAID && is_free(mqtt)) {
        if (mqtt->config.tick != NULL) {
            mqtt->config.tick(mqtt->config.self, mqtt);
        }
    } else if (mqtt->open) {
        mqtt->counts.skipped++;
    }
    if (mqtt->client != NULL) {
        watch(mqtt);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct wk_mqtt *mqtt = timer->data;
    if (mqtt->client != NULL) {
        tick_client(mqtt);
    } else if (mqtt->wait_ms > TICK_MS) {
        mqtt->wait_ms -= TICK_MS;
    } else if (wk_tls_own_is_awaited(&mqtt->config.tls.own)) {
        tell(mqtt, WK_TLS_OWN_AWAITED);
    } else if (!mqtt->looking) {
        mqtt->wait_ms = 0;
        look_up(mqtt);
    }
}

/* ---- the owner's ------------------------------------------------------------------------- */

static wk_err check_tls(const struct wk_mqtt_config *config, char error[WK_MQTT_ERROR])
{
    SSL_CTX *context = NULL;
    char why[WK_MQTT_TLS_ERROR];
    struct wk_mqtt_tls tls = config->tls;
    if (tls.name == NULL) {
        return WK_OK;
    }
    if (tls.own.later) {
        tls.own.certificate = NULL; /* what is wrong with it is told at each attempt */
    }
    WK_TRY(wk_mqtt_tls_make(&context, &tls, why, error));
    SSL_CTX_free(context);
    return WK_OK;
}

wk_err wk_mqtt_start(struct wk_mqtt **mqtt, const struct wk_mqtt_config *config,
                     char error[WK_MQTT_ERROR])
{
    WK_TRY(check_tls(config, error));
    struct wk_mqtt *made = calloc(1, sizeof *made);
    if (made == NULL || mosquitto_lib_init() != MOSQ_ERR_SUCCESS ||
        uv_timer_init(config->loop, &made->timer) != 0) {
        free(made);
        (void)snprintf(error, WK_MQTT_ERROR, "no memory");
        return WK_E_IO;
    }
    made->config = *config;
    made->pause_ms = WK_MQTT_WAIT_MS;
    made->timer.data = made;
    signal(SIGPIPE, SIG_IGN);
    (void)uv_timer_start(&made->timer, on_timer, 0, TICK_MS);
    *mqtt = made;
    return WK_OK;
}

/* The library has closed its socket. That is told in the loop, not under who publishes; the loop must not
 * look at it any more. */
static void end_soon(struct wk_mqtt *mqtt)
{
    end_poll(mqtt);
    (void)uv_timer_start(&mqtt->timer, on_timer, 0, TICK_MS);
}

wk_err wk_mqtt_publish(struct wk_mqtt *mqtt, const struct wk_mqtt_message *message)
{
    if (!mqtt->open || mosquitto_socket(mqtt->client) < 0) {
        return WK_E_CLOSED;
    }
    if (!is_free(mqtt)) {
        mqtt->wanted = true;
        return watch_again(mqtt) ? WK_E_BUSY : WK_E_CLOSED;
    }
    if (message->size > WK_MQTT_PAYLOAD) {
        return WK_E_RANGE;
    }
    const int code =
        mosquitto_publish(mqtt->client, NULL, message->topic, (int)message->size,
                          message->octets, message->confirmed ? 1 : 0, message->retained);
    if (code == MOSQ_ERR_NOMEM) {
        return WK_E_IO;
    }
    if (code == MOSQ_ERR_INVAL || code == MOSQ_ERR_MALFORMED_UTF8) {
        return WK_E_RANGE;
    }
    if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(mqtt->client) < 0) {
        end_soon(mqtt);
        return WK_E_CLOSED;
    }
    mqtt->counts.messages++;
    mqtt->waiting++;
    return watch_again(mqtt) ? WK_OK : WK_E_CLOSED;
}

struct wk_mqtt_counts wk_mqtt_counts(const struct wk_mqtt *mqtt)
{
    return mqtt->counts;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct wk_mqtt *mqtt = handle->data;
    mqtt->timer_closed = true;
    mosquitto_lib_cleanup();
    release(mqtt);
}

/* What cannot be sent at once the broker says by the will. */
static void say_offline(struct wk_mqtt *mqtt)
{
    const struct wk_mqtt_message offline = {
        .topic = mqtt->config.availability,
        .octets = mqtt->config.offline,
        .size = strlen(mqtt->config.offline),
        .retained = true,
    };
    if (wk_mqtt_publish(mqtt, &offline) == WK_OK && !mosquitto_want_write(mqtt->client)) {
        (void)mosquitto_disconnect(mqtt->client);
    }
}

void wk_mqtt_stop(struct wk_mqtt *mqtt)
{
    mqtt->stopping = true;
    if (mqtt->client != NULL && mqtt->config.availability != NULL) {
        say_offline(mqtt);
    } else if (mqtt->client != NULL) {
        (void)mosquitto_disconnect(mqtt->client);
    }
    drop(mqtt);
    if (mqtt->looking) {
        (void)uv_cancel((uv_req_t *)&mqtt->lookup);
    }
    uv_close((uv_handle_t *)&mqtt->timer, on_timer_closed);
}
