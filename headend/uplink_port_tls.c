/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_port_tls - packets of meters over TLS 1.3, on link_tls_port. An address is the place of
 * the connection and which one it was there.
 *
 * Whoever connects has to prove itself with a certificate; which meter a packet is of says its seal alone,
 * as over every carrier. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "headend/uplink_port.h"
#include "link/receiver.h"
#include "port/linux/link_tls_flow.h"
#include "port/linux/tls.h"

#define BACKLOG    1024
#define SPARE      64 /* connections beside those of the meters */
#define HANDSHAKES 256
#define PROVE_S    10 /* from a connection to its proof, most */
#define EVENTS     64
#define ACCEPTS    16   /* in one turn */
#define READS      4    /* of one connection in one turn */
#define SLACK      8192 /* octets of answers that may wait */
#define LISTENER   UINT32_MAX
#define CLOCK      (UINT32_MAX - 1)

struct connection {
    struct tls_port *port;
    struct wk_link_tls_flow flow;
    struct wk_uplink_address address;
    uint32_t place;
    bool proven;
    bool writing;   /* waits until it can write */
    time_t heard_s; /* not proven: when it came */
};

/* One that came and has to prove itself; it may have done so, or be gone. */
struct waiting {
    struct wk_uplink_address address;
    time_t since_s;
};

struct place {
    struct connection *taken; /* NULL: free */
};

struct tls_port {
    struct wk_uplink_port_config config;
    struct wk_tls_context *trust;
    int epoll;
    int listener;
    int clock; /* once a second */
    uint32_t generation;
    uint32_t places;
    uint32_t next;       /* where a free place is looked for */
    struct place *place; /* owned: `places` of them */
    uint32_t first;      /* of those that wait */
    uint32_t waiting;
    struct waiting wait[HANDSHAKES];
};

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* ---- connections ------------------------------------------------------------------------- */

static void hang_up(struct connection *connection)
{
    struct tls_port *port = connection->port;
    port->place[connection->place].taken = NULL;
    wk_link_tls_flow_end(&connection->flow); /* the epoll forgets a socket that is closed */
    free(connection);
}

static bool watch(const struct tls_port *port, int operation, int fd, uint32_t events,
                  uint32_t place)
{
    struct epoll_event event = {.events = events, .data.u32 = place};
    return epoll_ctl(port->epoll, operation, fd, &event) == 0;
}

/* Waits until it can write, if it has to. */
static void watch_room(struct connection *connection)
{
    const uint8_t *octets;
    const bool writing = wk_tls_output(connection->flow.tls, &octets) > 0;
    if (writing != connection->writing) {
        connection->writing = writing;
        (void)!watch(connection->port, EPOLL_CTL_MOD, connection->flow.fd,
                     EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0), connection->place);
    }
}

static void take(void *self, uint8_t *packet, size_t length)
{
    struct connection *connection = self;
    const struct wk_uplink_port_config *config = &connection->port->config;
    config->take(config->self, &connection->address, packet, length);
}

static void go_on(struct connection *connection, uint32_t events)
{
    wk_err err = WK_OK;
    if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        connection->heard_s = now_s();
        err = wk_link_tls_flow_read(&connection->flow, READS);
    }
    const wk_err written = wk_link_tls_flow_write(&connection->flow);
    if (err != WK_OK || written == WK_E_IO) {
        hang_up(connection);
        return;
    }
    connection->proven = wk_tls_is_open(connection->flow.tls);
    watch_room(connection);
}

/* NULL: it is gone. */
static struct connection *find(const struct tls_port *port,
                               const struct wk_uplink_address *address)
{
    uint32_t words[2];
    memcpy(words, address->octets, sizeof words);
    struct connection *there = port->place[words[0]].taken;
    return there != NULL && memcmp(there->address.octets, address->octets, sizeof words) == 0
               ? there
               : NULL;
}

/* ---- who comes --------------------------------------------------------------------------- */

/* A place for one more; where all are taken the one not heard longest gives way. */
static uint32_t find_place(struct tls_port *port)
{
    uint32_t quiet = port->next;
    for (uint32_t i = 0; i < port->places; i++) {
        const uint32_t at = (port->next + i) % port->places;
        const struct connection *there = port->place[at].taken;
        if (there == NULL) {
            port->next = (at + 1) % port->places;
            return at;
        }
        if (there->heard_s < port->place[quiet].taken->heard_s) {
            quiet = at;
        }
    }
    hang_up(port->place[quiet].taken);
    return quiet;
}

static void name_address(struct connection *connection)
{
    struct tls_port *port = connection->port;
    const uint32_t words[] = {connection->place, ++port->generation};
    connection->address.port = port->config.number;
    connection->address.size = sizeof words;
    memcpy(connection->address.octets, words, sizeof words);
}

/* The one that has waited longest for its proof has no more time. */
static void drop_first(struct tls_port *port)
{
    struct connection *first = find(port, &port->wait[port->first].address);
    port->first = (port->first + 1) % HANDSHAKES;
    port->waiting--;
    if (first != NULL && !first->proven) {
        hang_up(first);
    }
}

static void begin(struct tls_port *port, int fd)
{
    struct connection *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL || wk_tls_begin(&fresh->flow.tls, port->trust, NULL, NULL) != WK_OK) {
        free(fresh);
        close(fd);
        return;
    }
    if (port->waiting == HANDSHAKES) {
        drop_first(port);
    }
    fresh->port = port;
    fresh->place = find_place(port);
    fresh->heard_s = now_s();
    fresh->flow.fd = fd;
    fresh->flow.slack = SLACK;
    fresh->flow.self = fresh;
    fresh->flow.take = take;
    name_address(fresh);
    wk_link_tls_flow_prepare(&fresh->flow);
    port->place[fresh->place].taken = fresh;
    port->wait[(port->first + port->waiting++) % HANDSHAKES] =
        (struct waiting){.address = fresh->address, .since_s = fresh->heard_s};
    if (!watch(port, EPOLL_CTL_ADD, fd, EPOLLIN, fresh->place)) {
        hang_up(fresh);
    }
}

static void accept_some(struct tls_port *port)
{
    for (int i = 0; i < ACCEPTS; i++) {
        const int fd = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        begin(port, fd);
    }
}

static void end_slow(struct tls_port *port)
{
    uint64_t ticks;
    const time_t now = now_s();
    (void)!read(port->clock, &ticks, sizeof ticks);
    while (port->waiting > 0 && now - port->wait[port->first].since_s > PROVE_S) {
        drop_first(port);
    }
}

/* ---- the port ---------------------------------------------------------------------------- */

static void serve(void *self)
{
    struct tls_port *port = self;
    struct epoll_event events[EVENTS];
    const int count = epoll_wait(port->epoll, events, EVENTS, 0);
    for (int i = 0; i < count; i++) {
        const uint32_t place = events[i].data.u32;
        if (place == LISTENER) {
            accept_some(port);
        } else if (place == CLOCK) {
            end_slow(port);
        } else if (port->place[place].taken != NULL) { /* another may have made it give way */
            go_on(port->place[place].taken, events[i].events);
        }
    }
}

/* A connection that broke is found when it is read. */
static wk_err send_packet(void *self, const struct wk_uplink_address *to, const uint8_t *packet,
                          size_t length)
{
    const struct tls_port *port = self;
    struct connection *connection = find(port, to);
    if (connection == NULL) {
        return WK_E_CLOSED;
    }
    const wk_err err = wk_link_tls_flow_send(&connection->flow, packet, length);
    watch_room(connection);
    return err;
}

static void close_port(void *self)
{
    struct tls_port *port = self;
    for (uint32_t i = 0; port->place != NULL && i < port->places; i++) {
        if (port->place[i].taken != NULL) {
            hang_up(port->place[i].taken);
        }
    }
    const int files[] = {port->epoll, port->listener, port->clock};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] >= 0) {
            close(files[i]);
        }
    }
    wk_tls_context_free(port->trust);
    free(port->place);
    free(port);
}

static wk_err listen_for(struct tls_port *port, char why[WK_INI_WHY])
{
    const struct wk_registry *registry = port->config.registry;
    const struct itimerspec second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    WK_TRY(wk_uplink_port_bind(registry, SOCK_STREAM, registry->link_tls_port, &port->listener,
                               why));
    port->epoll = epoll_create1(EPOLL_CLOEXEC);
    port->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    port->place = calloc(port->places, sizeof *port->place);
    if (port->epoll < 0 || port->clock < 0 || port->place == NULL ||
        listen(port->listener, BACKLOG) != 0 ||
        timerfd_settime(port->clock, 0, &second, NULL) != 0 ||
        !watch(port, EPOLL_CTL_ADD, port->listener, EPOLLIN, LISTENER) ||
        !watch(port, EPOLL_CTL_ADD, port->clock, EPOLLIN, CLOCK)) {
        snprintf(why, WK_INI_WHY, "cannot listen on link_tls_port: %s", strerror(errno));
        return WK_E_IO;
    }
    return WK_OK;
}

wk_err wk_uplink_port_tls(struct wk_uplink_port *port,
                          const struct wk_uplink_port_config *config, char why[WK_INI_WHY])
{
    const struct wk_registry *r = config->registry;
    const struct wk_tls_config tls = {.server = true,
                                      .certificate = r->tls_certificate,
                                      .key = r->tls_key,
                                      .ca = r->tls_ca,
                                      .crl = r->tls_crl[0] != '\0' ? r->tls_crl : NULL};
    if (r->link_tls_port == 0) {
        return WK_E_NOT_FOUND;
    }
    struct tls_port *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    made->config = *config;
    made->epoll = -1;
    made->listener = -1;
    made->clock = -1;
    made->places = (uint32_t)r->meters * WK_LINK_SESSIONS + SPARE;
    wk_err err = wk_tls_context_make(&made->trust, &tls, why);
    err = err == WK_OK ? listen_for(made, why) : err;
    if (err != WK_OK) {
        close_port(made);
        return err == WK_E_NOT_FOUND ? WK_E_FORMAT : err;
    }
    *port = (struct wk_uplink_port){.self = made,
                                    .fd = made->epoll,
                                    .serve = serve,
                                    .send = send_packet,
                                    .close = close_port};
    return WK_OK;
}
