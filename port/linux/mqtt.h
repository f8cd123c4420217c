/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/mqtt - a client of an MQTT broker (MQTT 3.1.1, OASIS), in the libuv loop of its
 * owner; the protocol by libmosquitto, the trust by port/linux/mqtt_tls.
 *
 * It connects, and after a connection has ended again, with growing pauses. Each connection is a
 * new session: nothing of an older one is sent. The library is given a message only when it has
 * none to send any more: what waits is the owner's, who says the newest when it is asked to. So a
 * slow broker gets fewer messages, never old ones.
 *
 * While it is connected, `availability`, if there is one, says "online", retained; the broker says "offline"
 * there when the connection is lost (the will), and the client when it ends. */
#ifndef WK_PORT_LINUX_MQTT_H
#define WK_PORT_LINUX_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "port/linux/mqtt_tls.h"

#define WK_MQTT_ERROR       256
#define WK_MQTT_PAYLOAD     65536 /* octets, most */
#define WK_MQTT_KEEPALIVE_S 15
#define WK_MQTT_ANSWER_MS   10000 /* for the broker to accept a connection */
#define WK_MQTT_WAIT_MS     1000  /* before the first new attempt ... */
#define WK_MQTT_WAIT_MOST   60000 /* ... and at most; up to twice as long, to spread meters */

struct wk_mqtt;

struct wk_mqtt_message {
    const char *topic;
    const void *octets;
    size_t size;
    bool confirmed; /* QoS 1; else QoS 0 */
    bool retained;
};

/* Texts are borrowed and must outlive the client. */
struct wk_mqtt_config {
    uv_loop_t *loop;
    const char *host;
    uint16_t port;
    const char *client_id;    /* 1..23 characters are taken by every broker */
    const char *user;         /* NULL: none */
    const char *password;     /* NULL: none */
    struct wk_mqtt_tls tls;   /* name NULL: without TLS */
    const char *availability; /* NULL: none, and the next two are nothing */
    const char *online;
    const char *offline;
    const char *watch; /* a topic that is subscribed to; NULL: none */
    uint32_t
        backlog; /* messages that may wait to be sent; 0: the network has taken every one */
    void *self;  /* of the functions; those that are NULL are not called */
    /** Connected, or something came of `watch`: publish the one message that is retained. Called
     *  again while it returns an error. */
    wk_err (*introduce)(void *self, struct wk_mqtt *mqtt);
    /** Once a second while connected, and nothing waits to be sent. */
    void (*tick)(void *self, struct wk_mqtt *mqtt);
    /** Connected, with `watch` asked for; or no more. */
    void (*connected)(void *self, bool connected);
    /** Something came of `watch`; `octets` last until it returns. */
    void (*message)(void *self, const char *topic, const void *octets, size_t size);
    /** What was refused as busy may be taken now. */
    void (*ready)(void *self);
    /** A connection failed or ended, for another reason than the last one; `why` is for people. */
    void (*told)(void *self, const char *why);
};

struct wk_mqtt_counts {
    uint32_t connections;
    uint32_t failures;
    uint32_t messages;
    uint32_t skipped; /* seconds in which the one before was not sent yet */
};

/** Begins to connect, or to wait for the own certificate if it is still to come. The process ignores SIGPIPE from then on. WK_E_FORMAT: a file of TLS is not
 *  what it should be, see error; WK_E_IO: no memory. */
WK_MUST_USE wk_err wk_mqtt_start(struct wk_mqtt **mqtt, const struct wk_mqtt_config *config,
                                 char error[WK_MQTT_ERROR]);
/** WK_E_CLOSED: there is no connection; WK_E_BUSY: something still waits to be sent; WK_E_RANGE:
 *  the topic or the size is none of MQTT; WK_E_IO: no memory. */
WK_MUST_USE wk_err wk_mqtt_publish(struct wk_mqtt *mqtt, const struct wk_mqtt_message *message);
struct wk_mqtt_counts wk_mqtt_counts(const struct wk_mqtt *mqtt);
/** Says offline, and closes it. The memory is freed by the loop; `mqtt` may not be used any more. */
void wk_mqtt_stop(struct wk_mqtt *mqtt);

#endif
