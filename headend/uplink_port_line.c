/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_port_line - packets of meters on serial lines (link/line), each link_line a device. A
 * meter asks, and is answered with all there is to say to it, each packet behind its length (16 bits). An
 * address is a line and the meter's name on it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "headend/uplink_part.h"
#include "link/line.h"
#include "port/linux/serial.h"

#define METERS     32                   /* of a line, to whom something is to be said */
#define SAYS       WK_LINK_LINE_PAYLOAD /* octets for a meter, most */
#define LENGTH     2
#define AT_ONCE    512
#define REOPEN_US  INT64_C(2000000)
#define NS_PER_US  1000
#define US_PER_S   INT64_C(1000000)
#define CLOCK_MARK UINT32_MAX

struct mailbox {
    uint32_t meter;
    size_t used;
    uint8_t octets[SAYS];
};

struct line {
    const struct wk_registry_line *of;
    int fd;         /* -1: it is not there */
    int64_t due_us; /* the answer goes, or the device is looked for; INT64_MAX: neither */
    size_t size;    /* of the answer */
    uint8_t answer[WK_LINK_LINE_CODED];
    struct wk_link_line_reader reader;
    struct mailbox mailbox[METERS];
};

struct line_port {
    struct wk_uplink_port_config config;
    int epoll;
    int clock;
    size_t lines;
    struct line line[WK_REGISTRY_LINES];
};

/* ---- devices ----------------------------------------------------------------------------- */

static bool watch(const struct line_port *port, int fd, uint32_t mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = mark}};
    return epoll_ctl(port->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void lose(struct line *line)
{
    close(line->fd);
    line->fd = -1;
    line->size = 0;
    line->due_us = wk_uplink_now_us() + REOPEN_US;
}

static wk_err open_line(const struct line_port *port, struct line *line,
                        char why[WK_SERIAL_ERROR])
{
    WK_TRY(wk_serial_open(&line->fd, line->of->device, line->of->baud, false, why));
    line->due_us = INT64_MAX;
    if (wk_serial_rs485(line->fd) != WK_OK ||
        !watch(port, line->fd, (uint32_t)(line - port->line))) {
        snprintf(why, WK_SERIAL_ERROR, "%.120s cannot be used", line->of->device);
        lose(line);
        return WK_E_IO;
    }
    return WK_OK;
}

/* ---- questions and answers --------------------------------------------------------------- */

static struct mailbox *mailbox_of(struct line *line, uint32_t meter)
{
    struct mailbox *unused = NULL;
    for (size_t i = 0; i < METERS; i++) {
        struct mailbox *mailbox = &line->mailbox[i];
        if (mailbox->used > 0 && mailbox->meter == meter) {
            return mailbox;
        }
        unused = mailbox->used == 0 ? mailbox : unused;
    }
    if (unused != NULL) {
        unused->meter = meter;
    }
    return unused;
}

static wk_err send_packet(void *self, const struct wk_uplink_address *to, const uint8_t *packet,
                          size_t length)
{
    struct line_port *port = self;
    struct wk_bytes_in address = wk_bytes_in_of(to->octets, to->size);
    struct line *line = &port->line[wk_bytes_in_u8(&address) % WK_REGISTRY_LINES];
    struct mailbox *mailbox = mailbox_of(line, wk_bytes_in_u32be(&address));
    if (mailbox == NULL || length + LENGTH > sizeof mailbox->octets - mailbox->used) {
        return WK_E_BUSY;
    }
    struct wk_bytes_out out = wk_bytes_out_of(mailbox->octets + mailbox->used,
                                              sizeof mailbox->octets - mailbox->used);
    wk_bytes_out_u16be(&out, (uint16_t)length);
    wk_bytes_out_put(&out, packet, length);
    mailbox->used += out.size;
    return WK_OK;
}

/* What the packet leads to is in the mailbox when it was taken. */
static void take_question(struct line_port *port, struct line *line,
                          const struct wk_link_line_frame *question)
{
    uint8_t packet[WK_LINK_LINE_PAYLOAD];
    struct wk_uplink_address from = {.port = port->config.number};
    struct wk_bytes_out address = wk_bytes_out_of(from.octets, sizeof from.octets);
    wk_bytes_out_u8(&address, (uint8_t)(line - port->line));
    wk_bytes_out_u32be(&address, question->meter);
    from.size = (uint8_t)address.size;
    const struct wk_link_line_frame asked = *question;
    if (asked.octets.size > 0) {
        memcpy(packet, asked.octets.data, asked.octets.size);
        port->config.take(port->config.self, &from, packet, asked.octets.size);
    }
    struct mailbox *mailbox = mailbox_of(line, asked.meter);
    const struct wk_link_line_frame answer = {
        .kind = WK_LINK_LINE_ANSWER,
        .number = asked.number,
        .meter = asked.meter,
        .octets = wk_bytes_in_of(mailbox != NULL ? mailbox->octets : NULL,
                                 mailbox != NULL ? mailbox->used : 0)};
    struct wk_bytes_out out = wk_bytes_out_of(line->answer, sizeof line->answer);
    wk_link_line_write(&out, &answer);
    line->size = out.fault == WK_OK ? out.size : 0;
    line->due_us = wk_uplink_now_us() + WK_LINK_LINE_TURN_US;
    if (mailbox != NULL) {
        mailbox->used = 0;
    }
}

static void read_line(struct line_port *port, struct line *line)
{
    uint8_t octets[AT_ONCE];
    const ssize_t size = read(line->fd, octets, sizeof octets);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        lose(line);
    }
    for (ssize_t i = 0; i < size; i++) {
        struct wk_link_line_frame frame;
        if (wk_link_line_read(&line->reader, octets[i], &frame) &&
            frame.kind == WK_LINK_LINE_ASK) {
            take_question(port, line, &frame);
        }
    }
}

/* The line has turned: the answer goes. One that does not fit the driver is broken, and asked for again. */
static void go_on(struct line_port *port, struct line *line)
{
    char why[WK_SERIAL_ERROR];
    line->due_us = INT64_MAX;
    if (line->fd < 0) {
        if (open_line(port, line, why) != WK_OK) {
            line->due_us = wk_uplink_now_us() + REOPEN_US;
        }
        return;
    }
    if (write(line->fd, line->answer, line->size) < 0 && errno != EAGAIN) {
        lose(line);
    }
    line->size = 0;
}

static void arm(const struct line_port *port)
{
    struct itimerspec when = {.it_value = {0, 0}};
    int64_t due_us = INT64_MAX;
    for (size_t i = 0; i < port->lines; i++) {
        due_us = port->line[i].due_us < due_us ? port->line[i].due_us : due_us;
    }
    if (due_us != INT64_MAX) {
        when.it_value.tv_sec = due_us / US_PER_S;
        when.it_value.tv_nsec = due_us % US_PER_S * NS_PER_US;
    }
    (void)timerfd_settime(port->clock, TFD_TIMER_ABSTIME, &when, NULL); /* cannot fail */
}

static void serve(void *self)
{
    struct line_port *port = self;
    struct epoll_event events[WK_REGISTRY_LINES + 1];
    uint64_t times;
    const int count = epoll_wait(port->epoll, events, WK_REGISTRY_LINES + 1, 0);
    for (int i = 0; i < count; i++) {
        const uint32_t mark = events[i].data.u32;
        if (mark == CLOCK_MARK) {
            (void)!read(port->clock, &times, sizeof times);
        } else if (port->line[mark].fd >= 0) {
            read_line(port, &port->line[mark]);
        }
    }
    const int64_t now_us = wk_uplink_now_us();
    for (size_t i = 0; i < port->lines; i++) {
        if (now_us >= port->line[i].due_us) {
            go_on(port, &port->line[i]);
        }
    }
    arm(port);
}

/* ---- begin and end ----------------------------------------------------------------------- */

static void close_port(void *self)
{
    struct line_port *port = self;
    for (size_t i = 0; i < port->lines; i++) {
        if (port->line[i].fd >= 0) {
            close(port->line[i].fd);
        }
    }
    if (port->clock >= 0) {
        close(port->clock);
    }
    if (port->epoll >= 0) {
        close(port->epoll);
    }
    free(port);
}

static wk_err open_all(struct line_port *port, char why[WK_INI_WHY])
{
    char error[WK_SERIAL_ERROR];
    const struct wk_registry *registry = port->config.registry;
    port->epoll = epoll_create1(EPOLL_CLOEXEC);
    port->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (port->epoll < 0 || port->clock < 0 || !watch(port, port->clock, CLOCK_MARK)) {
        snprintf(why, WK_INI_WHY, "link_line: %s", strerror(errno));
        return WK_E_IO;
    }
    for (; port->lines < registry->link_lines; port->lines++) {
        struct line *line = &port->line[port->lines];
        line->of = &registry->link_line[port->lines];
        line->fd = -1;
        if (open_line(port, line, error) != WK_OK) {
            snprintf(why, WK_INI_WHY, "link_line: %s", error);
            return WK_E_IO;
        }
    }
    return WK_OK;
}

wk_err wk_uplink_port_line(struct wk_uplink_port *to,
                           const struct wk_uplink_port_config *config, char why[WK_INI_WHY])
{
    if (config->registry->link_lines == 0) {
        return WK_E_NOT_FOUND;
    }
    struct line_port *port = calloc(1, sizeof *port);
    if (port == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    port->config = *config;
    const wk_err err = open_all(port, why);
    if (err != WK_OK) {
        close_port(port);
        return err;
    }
    *to = (struct wk_uplink_port){.self = port,
                                  .fd = port->epoll,
                                  .answers_at_once = true,
                                  .serve = serve,
                                  .send = send_packet,
                                  .close = close_port};
    return WK_OK;
}
