/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc.h"
#include "port/linux/link_reach.h"
#include "port/linux/link_tls_flow.h"

#define READS    8 /* of the socket in one turn of the loop */
#define HOW_ROOM 96

typedef enum stage {
    STAGE_NONE,       /* no socket */
    STAGE_CONNECTING, /* TCP */
    STAGE_PROVING,    /* TLS */
    STAGE_OPEN,
} stage;

struct wk_link_tls {
    struct wk_link_carrier_config config;
    struct wk_link_reach reach;
    struct wk_link_tls_flow flow;
    uv_poll_t *poll; /* of the socket; freed when closed */
    stage stage;
    wk_err broken; /* what sending met; WK_OK: nothing */
    int code;      /* ... errno of it */
    bool refused;  /* a packet, for want of room */
    uint32_t pause_ms;
    uint32_t failures;
    uint32_t connections;
    uint32_t resumed;
    char peer[WK_TLS_NAME]; /* what tickets are kept under */
    char why[WK_LINK_CARRIER_ERROR];
    char how[HOW_ROOM];
};

/* ---- the end of a connection ------------------------------------------------------------- */

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static void drop(struct wk_link_tls *tls)
{
    if (tls->poll != NULL) {
        (void)uv_poll_stop(tls->poll);
        uv_close((uv_handle_t *)tls->poll, free_poll);
        tls->poll = NULL;
    }
    if (tls->flow.tls != NULL) {
        wk_link_tls_flow_end(&tls->flow);
    } else if (tls->stage != STAGE_NONE) {
        (void)close(tls->flow.fd);
    }
    tls->stage = STAGE_NONE;
    tls->broken = WK_OK;
    tls->refused = false;
}

/* The way the head-end goes is told; it is tried again later. */
static void give_up(struct wk_link_tls *tls, const char *text)
{
    const bool carried = tls->stage == STAGE_OPEN;
    (void)snprintf(tls->why, sizeof tls->why, "%s: %.120s", tls->config.to->host, text);
    drop(tls);
    tls->failures++;
    const uint32_t chance =
        wk_crc_32(tls->failures, tls->config.title, WK_LINK_CARRIER_TITLE) % tls->pause_ms;
    wk_link_reach_again(&tls->reach, tls->pause_ms + chance);
    tls->pause_ms =
        tls->pause_ms < WK_LINK_TLS_AGAIN_MOST / 2 ? 2 * tls->pause_ms : WK_LINK_TLS_AGAIN_MOST;
    if (carried) {
        tls->config.carries(tls->config.self, false);
    }
}

static void on_failed(void *self, const char *text)
{
    give_up(self, text);
}

/* The meter has no certificate yet: it goes nowhere without. */
static bool on_waits(void *self)
{
    struct wk_link_tls *tls = self;
    if (tls->stage != STAGE_NONE || wk_tls_is_ready(tls->config.trust)) {
        return false;
    }
    (void)snprintf(tls->why, sizeof tls->why, "%s: %s", tls->config.to->host,
                   WK_TLS_OWN_AWAITED);
    return true;
}

/* ---- a connection ------------------------------------------------------------------------ */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct wk_link_tls *tls)
{
    const bool wants = tls->stage == STAGE_CONNECTING || tls->refused || tls->broken != WK_OK ||
                       (tls->flow.tls != NULL && wk_link_tls_flow_is_busy(&tls->flow));
    if (uv_poll_start(tls->poll, UV_READABLE | (wants ? UV_WRITABLE : 0), on_poll) != 0) {
        give_up(tls, "the loop refuses the socket");
    }
}

static void open_path(struct wk_link_tls *tls)
{
    const bool resumed = wk_tls_is_resumed(tls->flow.tls);
    tls->stage = STAGE_OPEN;
    tls->why[0] = '\0';
    tls->connections++;
    tls->resumed += resumed ? 1 : 0;
    (void)snprintf(tls->how, sizeof tls->how, "TLS 1.3, %s; %u of %u connections were resumed",
                   resumed ? "resumed" : "with certificates", tls->resumed, tls->connections);
    wk_link_reach_rest(&tls->reach);
    tls->config.carries(tls->config.self, true);
}

/* Only now it is certain that the head-end believes the meter: a client is done before its server has looked
 * at the certificate. */
static void take_packet(void *self, uint8_t *packet, size_t length)
{
    struct wk_link_tls *tls = self;
    tls->pause_ms = WK_LINK_TLS_AGAIN_MS;
    tls->config.take(tls->config.self, packet, length);
}

/* Connected, or not. */
static wk_err begin_tls(struct wk_link_tls *tls)
{
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(tls->flow.fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0) {
        errno = code != 0 ? code : errno;
        return WK_E_IO;
    }
    const char *name =
        tls->config.tls_name[0] != '\0' ? tls->config.tls_name : tls->config.to->host;
    WK_TRY(wk_tls_begin(&tls->flow.tls, tls->config.trust, name, tls->peer));
    tls->stage = STAGE_PROVING;
    const wk_err err = wk_tls_handshake(tls->flow.tls);
    return err == WK_E_SHORT ? WK_OK : err;
}

static wk_err go_on(struct wk_link_tls *tls, int events)
{
    if (tls->broken != WK_OK) {
        errno = tls->code;
        return tls->broken;
    }
    if (tls->stage == STAGE_CONNECTING) {
        WK_TRY(begin_tls(tls));
    } else if ((events & UV_READABLE) != 0) {
        WK_TRY(wk_link_tls_flow_read(&tls->flow, READS));
    }
    const wk_err err = wk_link_tls_flow_write(&tls->flow);
    return err == WK_E_BUSY ? WK_OK : err;
}

/* Says so when a packet that was refused would be taken now. */
static void tell_of_room(struct wk_link_tls *tls)
{
    if (tls->refused && !wk_link_tls_flow_is_busy(&tls->flow)) {
        tls->refused = false;
        tls->config.ready(tls->config.self);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wk_link_tls *tls = poll->data;
    (void)status; /* reading and writing find out what is wrong */
    const wk_err err = go_on(tls, events);
    if (err != WK_OK) {
        give_up(tls, tls->flow.tls == NULL ? strerror(errno)
                                           : wk_link_tls_flow_why(&tls->flow, err));
        return;
    }
    if (tls->stage == STAGE_PROVING && wk_tls_is_open(tls->flow.tls)) {
        open_path(tls);
    }
    tell_of_room(tls);
    watch(tls);
}

/* False: errno says why. */
static bool connect_to(struct wk_link_tls *tls, const struct sockaddr *to)
{
    const socklen_t size =
        to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    tls->flow.fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (tls->flow.fd < 0) {
        return false;
    }
    tls->stage = STAGE_CONNECTING;
    wk_link_tls_flow_prepare(&tls->flow);
    return wk_link_reach_tie(&tls->reach, tls->flow.fd) &&
           (connect(tls->flow.fd, to, size) == 0 || errno == EINPROGRESS);
}

static void on_address(void *self, const struct sockaddr *to)
{
    struct wk_link_tls *tls = self;
    if (tls->stage != STAGE_NONE) { /* asked again because nothing came of the one before */
        give_up(tls, tls->stage == STAGE_CONNECTING ? "no connection within 10 s"
                                                    : "no answer of TLS within 10 s");
        return;
    }
    if (!connect_to(tls, to)) {
        give_up(tls, strerror(errno));
        return;
    }
    tls->poll = calloc(1, sizeof *tls->poll);
    if (tls->poll == NULL || uv_poll_init(tls->config.loop, tls->poll, tls->flow.fd) != 0) {
        free(tls->poll);
        tls->poll = NULL;
        give_up(tls, "no memory");
        return;
    }
    tls->poll->data = tls;
    wk_link_reach_again(&tls->reach, WK_LINK_TLS_ANSWER_MS);
    watch(tls);
}

/* ---- the carrier ------------------------------------------------------------------------- */

/* A connection that broke is ended in the loop, not under who sends. */
static wk_err send_packet(void *self, const uint8_t *packet, size_t length)
{
    struct wk_link_tls *tls = self;
    if (tls->stage != STAGE_OPEN || tls->broken != WK_OK) {
        return WK_E_CLOSED;
    }
    wk_err err = wk_link_tls_flow_send(&tls->flow, packet, length);
    tls->refused = tls->refused || err == WK_E_BUSY;
    if (err != WK_OK && err != WK_E_BUSY) {
        tls->broken = err;
        tls->code = errno;
        err = WK_E_CLOSED;
    }
    if (uv_poll_start(
            tls->poll,
            UV_READABLE |
                (err != WK_OK || wk_link_tls_flow_is_busy(&tls->flow) ? UV_WRITABLE : 0),
            on_poll) != 0) {
        tls->broken = WK_E_CLOSED;
    }
    return err;
}

static const char *why(const void *self)
{
    const struct wk_link_tls *tls = self;
    return tls->why;
}

static const char *how(const void *self)
{
    const struct wk_link_tls *tls = self;
    return tls->how;
}

static void stop(void *self)
{
    struct wk_link_tls *tls = self;
    drop(tls);
    wk_link_reach_stop(&tls->reach);
}

wk_err wk_link_tls_start(struct wk_link_carrier *carrier,
                         const struct wk_link_carrier_config *config,
                         char error[WK_LINK_CARRIER_ERROR])
{
    if (config->trust == NULL) {
        (void)snprintf(
            error, WK_LINK_CARRIER_ERROR,
            "%s://: [link] needs tls_ca, and identity = meter or tls_certificate and tls_key",
            config->to->kind->scheme);
        return WK_E_FORMAT;
    }
    struct wk_link_tls *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        (void)snprintf(error, WK_LINK_CARRIER_ERROR, "no memory");
        return WK_E_IO;
    }
    fresh->config = *config;
    fresh->pause_ms = WK_LINK_TLS_AGAIN_MS;
    fresh->flow.self = fresh;
    fresh->flow.take = take_packet;
    (void)snprintf(fresh->peer, sizeof fresh->peer, "%.31s %.63s:%u", config->name,
                   config->to->host, config->to->port);
    fresh->reach = (struct wk_link_reach){.config = &fresh->config,
                                          .kind = SOCK_STREAM,
                                          .self = fresh,
                                          .found = on_address,
                                          .failed = on_failed,
                                          .waits = on_waits,
                                          .ended = free};
    if (wk_link_reach_start(&fresh->reach) != WK_OK) {
        free(fresh);
        (void)snprintf(error, WK_LINK_CARRIER_ERROR, "the loop refuses a timer");
        return WK_E_IO;
    }
    *carrier = (struct wk_link_carrier){
        .self = fresh, .send = send_packet, .why = why, .how = how, .stop = stop};
    return WK_OK;
}
