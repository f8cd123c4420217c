/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "port/linux/serial.h"

#define BAUD         9600
#define BACKLOG      32
#define TICK_MS      10 /* how often silences are looked for */
#define AGREED_BITS  60 /* of ACK 2 Z 2 CR LF on the line */
#define READ_AT_ONCE 4096
#define QUEUE        ((size_t)64 * 1024) /* octets that a slow reader may let pile up */
#define FRAME_ROOM   WK_HDLC_FRAME_MOST

/* Where a device with a sign-on is. Without one it always is at the last. */
typedef enum phase {
    SIGNING_ON,
    CHANGING, /* what was agreed goes out, with 7 data bits still */
    IN_HDLC,
} phase;

/* One line: a device, or an accepted connection. */
struct carrier {
    struct wk_dlms_line *port;
    uv_poll_t poll;
    int fd;
    bool is_closing;
    uint64_t heard_ms;
    phase phase;
    bool was_connected; /* since the hand-over */
    uint64_t gone_ms;   /* then what was agreed has gone out, whatever an adapter says */
    struct wk_mode_e sign_on;
    struct wk_line line;
    struct wk_line_station stations[WK_DLMS_LINE_STATIONS];
    uint8_t frame[FRAME_ROOM];
    size_t queue_first;
    size_t queue_last;
    uint8_t queue[QUEUE];
};

struct wk_dlms_line {
    struct wk_dlms_line_config config;
    struct wk_mode_e_config sign_on; /* a copy, if there is one */
    uv_tcp_t listener;
    uv_timer_t timer;
    bool listens;
    bool is_stopping;
    uint16_t port;
    uint32_t handles; /* not yet closed */
    uint64_t requests;
    uint64_t reopen_ms;
    struct carrier *carriers[WK_DLMS_LINE_CONNECTIONS];
};

static struct wk_line_time time_of(const struct wk_dlms_line *port)
{
    return (struct wk_line_time){.steady_us = (int64_t)(uv_hrtime() / 1000U),
                                 .utc_us = port->config.now_us(port->config.self)};
}

/* ---- closing ----------------------------------------------------------------------------- */

static void free_when_last(struct wk_dlms_line *port)
{
    port->handles--;
    if (port->is_stopping && port->handles == 0) {
        free(port);
    }
}

static void on_carrier_closed(uv_handle_t *handle)
{
    struct carrier *carrier = handle->data;
    struct wk_dlms_line *port = carrier->port;
    for (size_t i = 0; i < WK_DLMS_LINE_CONNECTIONS; i++) {
        if (port->carriers[i] == carrier) {
            port->carriers[i] = NULL;
        }
    }
    close(carrier->fd);
    free(carrier);
    free_when_last(port);
}

static void hang_up(struct carrier *carrier)
{
    if (carrier->is_closing) {
        return;
    }
    carrier->is_closing = true;
    carrier->port->requests += carrier->line.requests;
    carrier->line.requests = 0;
    wk_line_close(&carrier->line);
    carrier->port->reopen_ms = uv_now(carrier->port->config.loop) + WK_DLMS_LINE_REOPEN_MS;
    uv_close((uv_handle_t *)&carrier->poll, on_carrier_closed);
}

/* ---- octets out -------------------------------------------------------------------------- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct carrier *carrier)
{
    const bool waiting = carrier->queue_last > carrier->queue_first;
    const int events = UV_READABLE | UV_DISCONNECT | (waiting ? UV_WRITABLE : 0);
    if (uv_poll_start(&carrier->poll, events, on_ready) != 0) {
        hang_up(carrier);
    }
}

static void flush(struct carrier *carrier)
{
    while (carrier->queue_first < carrier->queue_last) {
        const ssize_t written = write(carrier->fd, carrier->queue + carrier->queue_first,
                                      carrier->queue_last - carrier->queue_first);
        if (written < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                hang_up(carrier);
            }
            break;
        }
        carrier->queue_first += (size_t)written;
    }
    if (carrier->queue_first == carrier->queue_last) {
        carrier->queue_first = 0;
        carrier->queue_last = 0;
    }
}

static void send_octets(void *self, const uint8_t *octets, size_t size)
{
    struct carrier *carrier = self;
    if (carrier->queue_first > 0) {
        memmove(carrier->queue, carrier->queue + carrier->queue_first,
                carrier->queue_last - carrier->queue_first);
        carrier->queue_last -= carrier->queue_first;
        carrier->queue_first = 0;
    }
    if (size > QUEUE - carrier->queue_last) {
        hang_up(carrier); /* it does not read its answers */
        return;
    }
    memcpy(carrier->queue + carrier->queue_last, octets, size);
    carrier->queue_last += size;
}

/* ---- the sign-on ------------------------------------------------------------------------- */

static void change(struct carrier *carrier, phase next, uint32_t baud, bool even)
{
    carrier->phase = next;
    if (wk_serial_change(carrier->fd, baud, even) != WK_OK) {
        hang_up(carrier);
    }
}

/* The octets that wait, here and in the driver. */
static bool is_drained(const struct carrier *carrier)
{
    int waiting = 0;
    return carrier->queue_first == carrier->queue_last &&
           (ioctl(carrier->fd, TIOCOUTQ, &waiting) != 0 || waiting == 0);
}

static void say(struct carrier *carrier, wk_mode_e_event event)
{
    uint8_t octets[WK_MODE_E_LINE];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_mode_e_message(&carrier->sign_on, event, &out);
    send_octets(carrier, octets, out.size);
}

static void look_after_sign_on(struct carrier *carrier)
{
    struct wk_mode_e *sign_on = &carrier->sign_on;
    const wk_mode_e_event event = wk_mode_e_tick(sign_on, (int64_t)(uv_hrtime() / 1000U));
    if (event == WK_MODE_E_HAND_OVER) {
        change(carrier, CHANGING, sign_on->baud, true);
        carrier->gone_ms =
            uv_now(carrier->port->config.loop) + TICK_MS + AGREED_BITS * 1000 / sign_on->baud;
    }
    if (event != WK_MODE_E_NOTHING) {
        say(carrier, event);
    }
}

/* The next client signs on again. One that changes its role connects anew within the same. */
static void look_after_hand_over(struct carrier *carrier, uint64_t now_ms)
{
    const bool connected = wk_line_connections(&carrier->line) > 0;
    carrier->was_connected = carrier->was_connected || connected;
    const uint64_t most = carrier->was_connected ? WK_DLMS_LINE_GONE_MS : WK_DLMS_LINE_BACK_MS;
    if (!connected && now_ms - carrier->heard_ms > most && is_drained(carrier)) {
        carrier->was_connected = false;
        wk_mode_e_reset(&carrier->sign_on);
        change(carrier, SIGNING_ON, WK_MODE_E_BAUD, true);
    }
}

static void look_after_phase(struct carrier *carrier, uint64_t now_ms)
{
    if (carrier->port->config.sign_on == NULL || carrier->port->listens) {
        return;
    }
    if (carrier->phase == SIGNING_ON) {
        look_after_sign_on(carrier);
    } else if (carrier->phase == CHANGING && now_ms >= carrier->gone_ms &&
               is_drained(carrier)) {
        carrier->heard_ms = now_ms;
        change(carrier, IN_HDLC, carrier->sign_on.baud, false);
    } else if (carrier->phase == IN_HDLC) {
        look_after_hand_over(carrier, now_ms);
    }
}

/* ---- octets in --------------------------------------------------------------------------- */

static void read_octets(struct carrier *carrier)
{
    uint8_t octets[READ_AT_ONCE];
    const ssize_t size = read(carrier->fd, octets, sizeof octets);
    if (size > 0) {
        carrier->heard_ms = uv_now(carrier->port->config.loop);
        if (carrier->phase == SIGNING_ON) {
            wk_mode_e_receive(&carrier->sign_on, (int64_t)(uv_hrtime() / 1000U), octets,
                              (size_t)size);
            return;
        }
        wk_line_receive(&carrier->line, time_of(carrier->port), octets, (size_t)size);
    } else if (size == 0 && carrier->port->listens) {
        hang_up(carrier);
    } else if (size < 0 && errno != EAGAIN && errno != EINTR) {
        hang_up(carrier);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct carrier *carrier = poll->data;
    if (status < 0) {
        hang_up(carrier);
        return;
    }
    if ((events & UV_READABLE) != 0) {
        read_octets(carrier);
    } else if ((events & UV_DISCONNECT) != 0) {
        hang_up(carrier);
    }
    if (!carrier->is_closing) {
        flush(carrier);
    }
    if (!carrier->is_closing) {
        watch(carrier);
    }
}

static void served(void *self)
{
    const struct wk_dlms_line_config *config = &((struct carrier *)self)->port->config;
    if (config->served != NULL) {
        config->served(config->self);
    }
}

/* ---- carriers ---------------------------------------------------------------------------- */

static wk_err begin_line(struct wk_dlms_line *port, struct carrier *carrier)
{
    const struct wk_dlms_line_config *config = &port->config;
    carrier->phase = IN_HDLC;
    if (config->sign_on != NULL && !port->listens) {
        carrier->phase = SIGNING_ON;
        WK_TRY(wk_mode_e_init(&carrier->sign_on, config->sign_on));
    }
    const struct wk_line_config line = {
        .address = config->station,
        .limits = config->limits,
        .octet_us = port->listens ? WK_DLMS_LINE_NETWORK_US : config->octet_us,
        .inactive_us = config->inactive_us,
        .session = config->session,
        .stations = carrier->stations,
        .station_count = WK_DLMS_LINE_STATIONS,
        .frame_in = carrier->frame,
        .frame_in_room = sizeof carrier->frame,
        .self = carrier,
        .send = send_octets,
        .served = served,
    };
    return wk_line_init(&carrier->line, &line);
}

/* Takes over `fd`, also on error. */
static wk_err attach(struct wk_dlms_line *port, int fd)
{
    size_t place = 0;
    while (place < WK_DLMS_LINE_CONNECTIONS && port->carriers[place] != NULL) {
        place++;
    }
    struct carrier *carrier =
        place < WK_DLMS_LINE_CONNECTIONS ? calloc(1, sizeof *carrier) : NULL;
    if (carrier == NULL || begin_line(port, carrier) != WK_OK ||
        uv_poll_init(port->config.loop, &carrier->poll, fd) != 0) {
        free(carrier);
        close(fd);
        return WK_E_FULL;
    }
    carrier->port = port;
    carrier->fd = fd;
    carrier->heard_ms = uv_now(port->config.loop);
    carrier->poll.data = carrier;
    port->carriers[place] = carrier;
    port->handles++;
    watch(carrier);
    return WK_OK;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct wk_dlms_line *port = listener->data;
    uv_tcp_t *accepted = status == 0 ? calloc(1, sizeof *accepted) : NULL;
    if (accepted == NULL) {
        return;
    }
    uv_os_fd_t fd;
    int own = -1;
    if (uv_tcp_init(port->config.loop, accepted) == 0) {
        if (uv_accept(listener, (uv_stream_t *)accepted) == 0 &&
            uv_fileno((uv_handle_t *)accepted, &fd) == 0) {
            own = dup(fd);
        }
        uv_close((uv_handle_t *)accepted, (uv_close_cb)free);
    } else {
        free(accepted);
    }
    if (own >= 0) {
        const int one = 1;
        (void)setsockopt(own, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        (void)(attach(port, own) == WK_OK); /* one too many is closed at once */
    }
}

static wk_err open_device(struct wk_dlms_line *port, char error[WK_DLMS_LINE_ERROR])
{
    int fd = -1;
    _Static_assert(WK_DLMS_LINE_ERROR == WK_SERIAL_ERROR, "one text serves both");
    const bool signs_on = port->config.sign_on != NULL;
    WK_TRY(wk_serial_open(&fd, port->config.device,
                          signs_on ? WK_MODE_E_BAUD : port->config.baud, signs_on, error));
    const wk_err err = attach(port, fd);
    if (err != WK_OK) {
        (void)snprintf(error, WK_DLMS_LINE_ERROR, "%.120s: no memory", port->config.device);
    }
    return err;
}

/* ---- time -------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct wk_dlms_line *port = timer->data;
    const uint64_t now_ms = uv_now(port->config.loop);
    bool any = false;
    for (size_t i = 0; i < WK_DLMS_LINE_CONNECTIONS; i++) {
        struct carrier *carrier = port->carriers[i];
        if (carrier == NULL || carrier->is_closing) {
            any = any || carrier != NULL;
            continue;
        }
        any = true;
        wk_line_tick(&carrier->line, time_of(port));
        look_after_phase(carrier, now_ms);
        flush(carrier);
        if (port->listens && now_ms - carrier->heard_ms > WK_DLMS_LINE_IDLE_MS) {
            hang_up(carrier);
        } else if (!carrier->is_closing) {
            watch(carrier);
        }
    }
    if (!port->listens && !any && now_ms >= port->reopen_ms) {
        char error[WK_DLMS_LINE_ERROR];
        port->reopen_ms = now_ms + WK_DLMS_LINE_REOPEN_MS;
        (void)(open_device(port, error) == WK_OK); /* again in a while */
    }
}

/* ---- starting and stopping --------------------------------------------------------------- */

static void on_own_handle_closed(uv_handle_t *handle)
{
    free_when_last(handle->data);
}

void wk_dlms_line_stop(struct wk_dlms_line *line)
{
    line->is_stopping = true;
    for (size_t i = 0; i < WK_DLMS_LINE_CONNECTIONS; i++) {
        if (line->carriers[i] != NULL) {
            hang_up(line->carriers[i]);
        }
    }
    uv_close((uv_handle_t *)&line->listener, on_own_handle_closed);
    uv_close((uv_handle_t *)&line->timer, on_own_handle_closed);
}

static int listen_on(struct wk_dlms_line *port)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    const struct wk_dlms_line_config *config = &port->config;
    int failure = uv_ip4_addr(config->address, config->port, (struct sockaddr_in *)&address);
    if (failure != 0) {
        failure = uv_ip6_addr(config->address, config->port, (struct sockaddr_in6 *)&address);
    }
    if (failure == 0) {
        failure = uv_tcp_bind(&port->listener, (const struct sockaddr *)&address, 0);
    }
    if (failure == 0) {
        failure = uv_listen((uv_stream_t *)&port->listener, BACKLOG, on_connection);
    }
    if (failure == 0) {
        failure = uv_tcp_getsockname(&port->listener, (struct sockaddr *)&address, &size);
        port->port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    }
    return failure;
}

static wk_err explain(const struct wk_dlms_line_config *config, int failure,
                      char error[WK_DLMS_LINE_ERROR])
{
    (void)snprintf(error, WK_DLMS_LINE_ERROR, "cannot listen for HDLC on %.60s port %u: %s",
                   config->address, config->port, uv_strerror(failure));
    return failure == UV_EADDRINUSE ? WK_E_BUSY
           : failure == UV_EACCES   ? WK_E_DENIED
           : failure == UV_EINVAL   ? WK_E_ARGUMENT
                                    : WK_E_IO;
}

static void complete(struct wk_dlms_line_config *config)
{
    const struct wk_hdlc_limits usual = {WK_HDLC_INFO_MOST, WK_HDLC_INFO_MOST, 7, 7};
    config->baud = config->baud != 0 ? config->baud : BAUD;
    config->limits = config->limits.info_send != 0 ? config->limits : usual;
    if (config->station.upper == 0) {
        config->station.upper = WK_SESSION_SERVER_SAP;
    }
    config->station.octets = 2;
}

wk_err wk_dlms_line_start(struct wk_dlms_line **line, const struct wk_dlms_line_config *config,
                          char error[WK_DLMS_LINE_ERROR])
{
    struct wk_dlms_line *made = calloc(1, sizeof *made);
    if (made == NULL || uv_tcp_init(config->loop, &made->listener) != 0) {
        free(made);
        (void)snprintf(error, WK_DLMS_LINE_ERROR, "HDLC: no memory");
        return WK_E_FULL;
    }
    made->config = *config;
    complete(&made->config);
    if (config->sign_on != NULL) {
        made->sign_on = *config->sign_on;
        made->config.sign_on = &made->sign_on;
    }
    made->listens = config->device == NULL;
    (void)uv_timer_init(config->loop, &made->timer); /* cannot fail */
    made->listener.data = made;
    made->timer.data = made;
    made->handles = 2;
    wk_err err = WK_OK;
    if (made->listens) {
        const int failure = listen_on(made);
        err = failure == 0 ? WK_OK : explain(config, failure, error);
    } else {
        err = open_device(made, error);
    }
    if (err == WK_OK && uv_timer_start(&made->timer, on_timer, TICK_MS, TICK_MS) != 0) {
        err = explain(config, UV_ENOMEM, error);
    }
    if (err != WK_OK) {
        wk_dlms_line_stop(made);
        return err;
    }
    *line = made;
    return WK_OK;
}

uint16_t wk_dlms_line_port(const struct wk_dlms_line *line)
{
    return line->port;
}

uint64_t wk_dlms_line_requests(const struct wk_dlms_line *line)
{
    uint64_t requests = line->requests;
    for (size_t i = 0; i < WK_DLMS_LINE_CONNECTIONS; i++) {
        requests += line->carriers[i] != NULL ? line->carriers[i]->line.requests : 0;
    }
    return requests;
}
