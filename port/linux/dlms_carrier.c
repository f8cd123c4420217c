/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_carrier.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cosem/mode_e.h"
#include "port/linux/serial.h"
#include "port/linux/sign_on.h"

#define LEAVE_US       INT64_C(1000000) /* for the answer to DISC */
#define OCTET_US       INT64_C(200000)  /* longest pause within a frame, as a tty delivers it */
#define SEALED_AT_ONCE 4096
#define AGAIN_US       INT64_C(500000) /* before a datagram is sent again; then doubled */
#define AGAIN_MOST_US  INT64_C(4000000)
#define ANSWER_US                                                                              \
    INT64_C(2000000) /* for an answer that is on its way, beside the line's time */

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- files ------------------------------------------------------------------------------- */

/* WK_E_TIMEOUT if it is not ready for `events` before the deadline. */
static wk_err wait_for(int file, short events, int64_t deadline_us)
{
    struct pollfd waiting = {.fd = file, .events = events};
    for (;;) {
        const int64_t left_ms = (deadline_us - now_us() + 999) / 1000;
        if (left_ms <= 0) {
            return WK_E_TIMEOUT;
        }
        const int ready = poll(&waiting, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0) {
            return WK_OK;
        }
        if (ready < 0 && errno != EINTR) {
            return WK_E_IO;
        }
    }
}

/* Connects to one address; returns the socket or -1 with errno set. */
static int connect_to(const struct addrinfo *address, int64_t deadline_us)
{
    const int file =
        socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -1;
    }
    int failure = connect(file, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (failure == EINPROGRESS) {
        socklen_t size = sizeof failure;
        if (wait_for(file, POLLOUT, deadline_us) != WK_OK) {
            failure = ETIMEDOUT;
        } else if (getsockopt(file, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
            failure = errno;
        }
    }
    if (failure != 0) {
        (void)close(file);
        errno = failure;
        return -1;
    }
    const int on = 1;
    (void)setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return file;
}

static wk_err dial(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = carrier->to.udp ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    (void)snprintf(port, sizeof port, "%u", carrier->to.port);
    const int failure = getaddrinfo(carrier->to.host, port, &hints, &found);
    if (failure != 0) {
        (void)snprintf(carrier->error, sizeof carrier->error, "%.120s: %s", carrier->to.host,
                       gai_strerror(failure));
        return WK_E_IO;
    }
    errno = 0;
    for (const struct addrinfo *at = found; at != NULL && carrier->file < 0; at = at->ai_next) {
        carrier->file = connect_to(at, deadline_us);
    }
    const int reason = errno;
    freeaddrinfo(found);
    if (carrier->file >= 0) {
        return WK_OK;
    }
    (void)snprintf(carrier->error, sizeof carrier->error, "%.120s port %s: %s",
                   carrier->to.host, port, strerror(reason));
    return reason == ETIMEDOUT ? WK_E_TIMEOUT : WK_E_IO;
}

static wk_err send_plain(const struct wk_dlms_carrier *carrier, const uint8_t *octets,
                         size_t size, int64_t deadline_us)
{
    size_t sent = 0;
    while (sent < size) {
        const ssize_t part =
            carrier->to.serial ? write(carrier->file, octets + sent, size - sent)
                               : send(carrier->file, octets + sent, size - sent, MSG_NOSIGNAL);
        if (part >= 0) {
            sent += (size_t)part;
        } else if (errno == EAGAIN) {
            WK_TRY(wait_for(carrier->file, POLLOUT, deadline_us));
        } else if (errno != EINTR) {
            return WK_E_CLOSED;
        }
    }
    return WK_OK;
}

/* Reads what is there, at least one octet. */
static wk_err read_plain(const struct wk_dlms_carrier *carrier, uint8_t *space, size_t room,
                         int64_t deadline_us, size_t *size)
{
    for (;;) {
        const ssize_t got = read(carrier->file, space, room);
        if (got > 0) {
            *size = (size_t)got;
            return WK_OK;
        }
        if (got == 0 && !carrier->to.serial) {
            return WK_E_CLOSED;
        }
        if (got == 0 || errno == EAGAIN) {
            WK_TRY(wait_for(carrier->file, POLLIN, deadline_us));
        } else if (errno != EINTR) {
            return WK_E_CLOSED;
        }
    }
}

/* ---- TLS --------------------------------------------------------------------------------- */

static wk_err send_sealed(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    const uint8_t *octets;
    const size_t size = wk_tls_output(carrier->tls, &octets);
    const wk_err err = size > 0 ? send_plain(carrier, octets, size, deadline_us) : WK_OK;
    wk_tls_sent(carrier->tls, size);
    return err;
}

/* The next octets of the network, or its end. */
static wk_err take_sealed(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    uint8_t octets[SEALED_AT_ONCE];
    size_t size = 0;
    const wk_err err = read_plain(carrier, octets, sizeof octets, deadline_us, &size);
    if (err == WK_E_CLOSED) {
        wk_tls_take_end(carrier->tls);
        return WK_OK;
    }
    WK_TRY(err);
    return wk_tls_take(carrier->tls, octets, size);
}

/* A refusal with its reason. */
static wk_err refuse_tls(struct wk_dlms_carrier *carrier, wk_err err)
{
    (void)snprintf(carrier->error, sizeof carrier->error, "%.60s: %.120s", carrier->to.host,
                   wk_tls_error(carrier->tls));
    return err;
}

static wk_err read_sealed(struct wk_dlms_carrier *carrier, uint8_t *space, size_t room,
                          int64_t deadline_us, size_t *size)
{
    wk_err err = WK_E_SHORT;
    while (err == WK_E_SHORT) {
        err = wk_tls_read(carrier->tls, space, room, size);
        const wk_err sent = send_sealed(carrier, deadline_us);
        if (err == WK_E_SHORT) {
            WK_TRY(sent);
            WK_TRY(take_sealed(carrier, deadline_us));
        }
    }
    return err == WK_OK ? WK_OK : refuse_tls(carrier, err);
}

static wk_err shake_hands(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    wk_err err = WK_E_SHORT;
    while (err == WK_E_SHORT) {
        err = wk_tls_handshake(carrier->tls);
        const wk_err sent = send_sealed(carrier, deadline_us);
        if (err == WK_E_SHORT) {
            WK_TRY(sent);
            WK_TRY(take_sealed(carrier, deadline_us));
        }
    }
    return err == WK_OK ? WK_OK : refuse_tls(carrier, err);
}

static wk_err begin_tls(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    char peer[WK_TLS_NAME];
    const struct wk_dlms_carrier_address *to = &carrier->to;
    const char *name = to->name != NULL ? to->name : to->host;
    (void)snprintf(peer, sizeof peer, "%.60s:%u %.50s", to->host, to->port, name);
    if (to->trust == NULL) {
        (void)snprintf(carrier->error, sizeof carrier->error,
                       "%.60s: TLS needs authorities, a certificate and its key", to->host);
        return WK_E_STATE;
    }
    WK_TRY(wk_tls_begin(&carrier->tls, to->trust, name, peer));
    return shake_hands(carrier, deadline_us);
}

static wk_err send_all(struct wk_dlms_carrier *carrier, const uint8_t *octets, size_t size,
                       int64_t deadline_us)
{
    if (carrier->tls == NULL) {
        return send_plain(carrier, octets, size, deadline_us);
    }
    WK_TRY(wk_tls_write(carrier->tls, octets, size));
    return send_sealed(carrier, deadline_us);
}

/* Reads what is there, at least one octet. */
static wk_err read_some(struct wk_dlms_carrier *carrier, uint8_t *space, size_t room,
                        int64_t deadline_us, size_t *size)
{
    return carrier->tls == NULL ? read_plain(carrier, space, room, deadline_us, size)
                                : read_sealed(carrier, space, room, deadline_us, size);
}

/* ---- HDLC -------------------------------------------------------------------------------- */

/* One octet takes so long on the line. */
static int64_t octet_us_of(const struct wk_dlms_carrier *carrier)
{
    return carrier->to.serial ? INT64_C(10000000) / carrier->to.baud : 0;
}

static wk_err link_init(struct wk_dlms_carrier *carrier, uint16_t client_sap)
{
    const bool single = carrier->to.physical == 0;
    const struct wk_hdlc_link_config config = {
        .primary = true,
        .local = {client_sap, 0, 1},
        .remote = {carrier->server_sap, carrier->to.physical, single ? 1 : 2},
        .limits = {WK_HDLC_INFO_MOST, WK_HDLC_INFO_MOST, 1, 7},
        .in = carrier->apdu,
        .in_room = sizeof carrier->apdu,
        .out = carrier->out,
        .out_room = sizeof carrier->out,
        .answer_us = ANSWER_US + 7 * WK_HDLC_FRAME_MOST * octet_us_of(carrier),
    };
    return wk_hdlc_link_init(&carrier->link, &config);
}

static wk_err send_frames(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    struct wk_bytes_out out = wk_bytes_out_of(carrier->frame, sizeof carrier->frame);
    while (wk_hdlc_link_output(&carrier->link, now_us(), &out)) {
        WK_TRY(out.fault);
        WK_TRY(send_all(carrier, out.data, out.size, deadline_us));
        out = wk_bytes_out_of(carrier->frame, sizeof carrier->frame);
    }
    return WK_OK;
}

/* Waits for octets, but not longer than the link can wait. */
static wk_err read_octets(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    size_t room;
    size_t size = 0;
    const int64_t now = now_us();
    uint8_t *space = wk_hdlc_split_space(&carrier->frames, &room);
    int64_t until_us = now + OCTET_US;
    until_us = until_us < deadline_us ? until_us : deadline_us;
    const int64_t due_us = carrier->link.due_us;
    until_us = due_us != 0 && due_us < until_us ? due_us : until_us;
    const wk_err err =
        read_some(carrier, space, room, until_us > now ? until_us : now + 1000, &size);
    if (err == WK_E_TIMEOUT) {
        if (wk_hdlc_split_waits(&carrier->frames) && now_us() - carrier->octet_us >= OCTET_US) {
            wk_hdlc_split_pause(&carrier->frames);
        }
        return now_us() >= deadline_us ? WK_E_TIMEOUT : WK_OK;
    }
    WK_TRY(err);
    carrier->octet_us = now_us();
    return wk_hdlc_split_received(&carrier->frames, size);
}

/* Exchanges frames until something other than nothing comes of it. */
static wk_err pump(struct wk_dlms_carrier *carrier, int64_t deadline_us, wk_hdlc_event *event)
{
    struct wk_hdlc_frame frame;
    *event = WK_HDLC_NOTHING;
    while (*event == WK_HDLC_NOTHING || *event == WK_HDLC_NOTE) {
        WK_TRY(send_frames(carrier, deadline_us));
        const wk_err err = wk_hdlc_split_next(&carrier->frames, &frame);
        if (err == WK_E_SHORT) {
            WK_TRY(read_octets(carrier, deadline_us));
            *event = wk_hdlc_link_tick(&carrier->link, now_us());
            continue;
        }
        WK_TRY(err);
        const struct wk_hdlc_link_config *config = &carrier->link.config;
        if (wk_hdlc_address_equal(&frame.destination, &config->local) &&
            frame.source.upper == config->remote.upper) {
            *event = wk_hdlc_link_receive(&carrier->link, now_us(), &frame);
        }
    }
    return WK_OK;
}

/* An HDLC connection belongs to one client: another client needs another one. */
static wk_err connect_link(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                           int64_t deadline_us)
{
    wk_hdlc_event event;
    if (carrier->link.state == WK_HDLC_CONNECTED &&
        carrier->link.config.local.upper == client_sap) {
        return WK_OK;
    }
    if (carrier->link.state != WK_HDLC_DISCONNECTED) {
        wk_hdlc_link_disconnect(&carrier->link, now_us());
        WK_TRY(pump(carrier, now_us() + LEAVE_US, &event));
    }
    WK_TRY(link_init(carrier, client_sap));
    WK_TRY(wk_hdlc_link_connect(&carrier->link, now_us()));
    WK_TRY(pump(carrier, deadline_us, &event));
    return event == WK_HDLC_OPENED ? WK_OK : WK_E_CLOSED;
}

static wk_err send_by_hdlc(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                           const struct wk_bytes_out *apdu, int64_t deadline_us)
{
    WK_TRY(connect_link(carrier, client_sap, deadline_us));
    WK_TRY(wk_hdlc_link_send(&carrier->link, now_us(), apdu));
    return send_frames(carrier, deadline_us);
}

static wk_err receive_by_hdlc(struct wk_dlms_carrier *carrier, int64_t deadline_us,
                              struct wk_bytes_in *apdu)
{
    wk_hdlc_event event;
    WK_TRY(pump(carrier, deadline_us, &event));
    if (event != WK_HDLC_APDU) {
        return WK_E_CLOSED;
    }
    *apdu = wk_hdlc_link_apdu(&carrier->link);
    return WK_OK;
}

/* ---- the wrapper ------------------------------------------------------------------------- */

static wk_err send_by_wrapper(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                              const struct wk_bytes_out *apdu, int64_t deadline_us)
{
    const struct wk_wrapper head = {.source = client_sap,
                                    .destination = carrier->server_sap,
                                    .length = (uint16_t)(apdu->size - WK_WRAPPER_SIZE)};
    struct wk_bytes_out front = wk_bytes_out_of(carrier->out, WK_WRAPPER_SIZE);
    wk_wrapper_put(&front, &head);
    return send_all(carrier, apdu->data, apdu->size, deadline_us);
}

static wk_err receive_by_wrapper(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                                 int64_t deadline_us, struct wk_bytes_in *apdu)
{
    struct wk_wrapper head = {.source = 0};
    for (;;) {
        const wk_err err = wk_wrapper_split_next(&carrier->wrapped, &head, apdu);
        if (err == WK_E_SHORT) {
            size_t room;
            size_t size = 0;
            uint8_t *space = wk_wrapper_split_space(&carrier->wrapped, &room);
            WK_TRY(read_some(carrier, space, room, deadline_us, &size));
            WK_TRY(wk_wrapper_split_received(&carrier->wrapped, size));
            continue;
        }
        WK_TRY(err);
        if (head.source == carrier->server_sap && head.destination == client_sap) {
            return WK_OK;
        }
    }
}

/* ---- datagrams ---------------------------------------------------------------------------- */

static wk_err send_by_datagram(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                               const struct wk_bytes_out *apdu, int64_t deadline_us)
{
    carrier->sent = apdu->size;
    carrier->opens = apdu->data[WK_WRAPPER_SIZE] == WK_APDU_AARQ;
    return send_by_wrapper(carrier, client_sap, apdu, deadline_us);
}

/* Whether a datagram is the answer that is waited for, as far as can be seen from here. */
static bool is_awaited(const struct wk_dlms_carrier *carrier, uint16_t client_sap, size_t size,
                       struct wk_bytes_in *apdu)
{
    struct wk_wrapper head;
    struct wk_bytes_in in = wk_bytes_in_of(carrier->in, size);
    wk_wrapper_read(&in, &head);
    if (in.fault != WK_OK || wk_bytes_in_left(&in) != head.length ||
        head.source != carrier->server_sap || head.destination != client_sap) {
        return false;
    }
    const uint8_t tag = wk_bytes_in_peek(&in);
    const bool repeats =
        size == carrier->taken && memcmp(carrier->in, carrier->apdu, size) == 0;
    *apdu = wk_bytes_in_of(carrier->in + WK_WRAPPER_SIZE, head.length);
    return carrier->opens ? tag == WK_APDU_AARE || tag == WK_APDU_EXCEPTION : !repeats;
}

static wk_err receive_by_datagram(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                                  int64_t deadline_us, struct wk_bytes_in *apdu)
{
    int64_t pause_us = AGAIN_US;
    int64_t again_us = now_us() + pause_us;
    for (;;) {
        size_t size = 0;
        const int64_t until_us = again_us < deadline_us ? again_us : deadline_us;
        const wk_err err = read_some(carrier, carrier->in, sizeof carrier->in, until_us, &size);
        if (err == WK_E_TIMEOUT && until_us < deadline_us) {
            WK_TRY(send_all(carrier, carrier->out, carrier->sent, deadline_us));
            pause_us = pause_us < AGAIN_MOST_US ? 2 * pause_us : AGAIN_MOST_US;
            again_us = now_us() + pause_us;
            continue;
        }
        WK_TRY(err);
        if (is_awaited(carrier, client_sap, size, apdu)) {
            memcpy(carrier->apdu, carrier->in, size);
            carrier->taken = size;
            return WK_OK;
        }
    }
}

/* ---- the carrier ------------------------------------------------------------------------- */

static wk_err connect_host(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    WK_TRY(dial(carrier, deadline_us));
    const wk_err err = carrier->to.tls ? begin_tls(carrier, deadline_us) : WK_OK;
    if (err != WK_OK) {
        if (carrier->error[0] == '\0') {
            (void)snprintf(carrier->error, sizeof carrier->error, "%.60s: TLS: %s",
                           carrier->to.host, wk_err_text(err));
        }
        wk_dlms_carrier_close(carrier);
    }
    return err;
}

static wk_err open_device(struct wk_dlms_carrier *carrier, int64_t deadline_us)
{
    struct wk_dlms_carrier_address *to = &carrier->to;
    WK_TRY(wk_serial_open(&carrier->file, to->host, to->signs_on ? WK_MODE_E_BAUD : to->baud,
                          to->signs_on, carrier->error));
    if (!to->signs_on) {
        return WK_OK;
    }
    const wk_err err = wk_sign_on(carrier->file, &to->baud, deadline_us, carrier->error);
    if (err != WK_OK) {
        wk_dlms_carrier_close(carrier);
    }
    return err;
}

wk_err wk_dlms_carrier_open(struct wk_dlms_carrier *carrier,
                            const struct wk_dlms_carrier_address *address, uint16_t server_sap,
                            int64_t timeout_us)
{
    _Static_assert(WK_DLMS_CARRIER_ERROR == WK_SERIAL_ERROR &&
                       WK_DLMS_CARRIER_ERROR == WK_SIGN_ON_ERROR,
                   "one text serves all");
    carrier->to = *address;
    carrier->file = -1;
    carrier->tls = NULL;
    carrier->server_sap = server_sap;
    carrier->link = (struct wk_hdlc_link){.state = WK_HDLC_DISCONNECTED};
    carrier->octet_us = now_us();
    carrier->taken = 0;
    carrier->error[0] = '\0';
    wk_wrapper_split_init(&carrier->wrapped, carrier->in, sizeof carrier->in);
    wk_hdlc_split_init(&carrier->frames, carrier->in, WK_HDLC_FRAME_MOST);
    const int64_t deadline_us = now_us() + timeout_us;
    return address->serial ? open_device(carrier, deadline_us)
                           : connect_host(carrier, deadline_us);
}

void wk_dlms_carrier_close(struct wk_dlms_carrier *carrier)
{
    if (carrier->file < 0) {
        return;
    }
    if (carrier->to.hdlc && carrier->link.state == WK_HDLC_CONNECTED) {
        wk_hdlc_event event;
        wk_hdlc_link_disconnect(&carrier->link, now_us());
        (void)(pump(carrier, now_us() + LEAVE_US, &event) == WK_OK); /* it was a courtesy */
    }
    if (carrier->tls != NULL) {
        wk_tls_end(carrier->tls);
        (void)(send_sealed(carrier, now_us() + LEAVE_US) == WK_OK); /* it was a courtesy */
        wk_tls_free(carrier->tls);
        carrier->tls = NULL;
    }
    (void)close(carrier->file);
    carrier->file = -1;
}

struct wk_bytes_out wk_dlms_carrier_begin(struct wk_dlms_carrier *carrier)
{
    if (carrier->to.hdlc) {
        carrier->link.config.primary = true;
        carrier->link.config.out = carrier->out;
        carrier->link.config.out_room = sizeof carrier->out;
        return wk_hdlc_link_begin(&carrier->link);
    }
    struct wk_bytes_out out = wk_bytes_out_of(carrier->out, sizeof carrier->out);
    (void)wk_bytes_out_reserve(&out, WK_WRAPPER_SIZE);
    return out;
}

wk_err wk_dlms_carrier_send(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                            struct wk_bytes_out *apdu, int64_t deadline_us)
{
    if (apdu->fault != WK_OK) {
        return WK_E_FULL;
    }
    if (carrier->to.hdlc) {
        return send_by_hdlc(carrier, client_sap, apdu, deadline_us);
    }
    return carrier->to.udp ? send_by_datagram(carrier, client_sap, apdu, deadline_us)
                           : send_by_wrapper(carrier, client_sap, apdu, deadline_us);
}

wk_err wk_dlms_carrier_receive(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                               int64_t deadline_us, struct wk_bytes_in *apdu)
{
    if (carrier->to.hdlc) {
        return receive_by_hdlc(carrier, deadline_us, apdu);
    }
    return carrier->to.udp ? receive_by_datagram(carrier, client_sap, deadline_us, apdu)
                           : receive_by_wrapper(carrier, client_sap, deadline_us, apdu);
}
