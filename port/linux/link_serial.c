/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_serial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

#include "link/line.h"
#include "link/line_modem.h"
#include "port/linux/serial_line.h"

#define NS_PER_US 1000
#define BITS      8
#define US_PER_S  INT64_C(1000000)
#define HALVES    5 /* packets, while an answer may come */
#define LOW       4 /* of the title, octets that name a meter on its line */

struct link_serial {
    struct wk_link_carrier_config config;
    struct wk_serial_line *port;
    struct wk_link_line line;
    struct wk_line_modem modem; /* of a kind that has one */
    bool carries;
    bool refused;    /* a packet, which may come again when the line is free */
    int64_t poll_us; /* when to ask for more */
    int64_t poll_wait_us;
    char how[WK_LINK_CARRIER_ERROR];
};

static int64_t steady_us(void)
{
    return (int64_t)(uv_hrtime() / NS_PER_US);
}

static wk_err draw(void *self, void *to, size_t size)
{
    (void)self;
    return getrandom(to, size, 0) == (ssize_t)size ? WK_OK : WK_E_IO;
}

/* ---- questions --------------------------------------------------------------------------- */

static wk_err ask(struct link_serial *serial, const uint8_t *packet, size_t size)
{
    uint8_t octets[WK_LINK_LINE_CODED];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(wk_link_line_ask(&serial->line, packet, size, steady_us(), &out));
    wk_serial_line_send(serial->port, octets, out.size);
    wk_serial_line_wake(serial->port);
    return WK_OK;
}

static wk_err send_packet(void *self, const uint8_t *packet, size_t length)
{
    struct link_serial *serial = self;
    const wk_err err = serial->carries ? ask(serial, packet, length) : WK_E_CLOSED;
    if (err == WK_E_BUSY) {
        serial->refused = true;
        wk_serial_line_wake(serial->port);
    } else if (err == WK_OK) {
        serial->poll_wait_us = WK_LINK_SERIAL_POLL_US;
    }
    return err;
}

static void ask_later(struct link_serial *serial, int64_t now_us)
{
    serial->poll_us = now_us + serial->poll_wait_us;
}

static void ask_for_more(struct link_serial *serial, int64_t now_us)
{
    if (serial->config.awaits(serial->config.self) && ask(serial, NULL, 0) == WK_OK &&
        serial->poll_wait_us < WK_LINK_SERIAL_POLL_MOST_US) {
        serial->poll_wait_us *= 2;
    }
    ask_later(serial, now_us);
}

/* ---- the modem --------------------------------------------------------------------------- */

/* The answer is there when a full question has been on the air, a full answer, and half of one that others had. */
static void keep_pace(struct link_serial *serial)
{
    const struct wk_link_carrier_kind *kind = serial->config.to->kind;
    const int64_t packet_us = (int64_t)(kind->most + kind->overhead) * BITS * US_PER_S /
                              (int64_t)serial->modem.status.rate_bps;
    const int64_t begin_us = packet_us * HALVES / 2 / WK_LINK_LINE_PATIENCE;
    wk_link_line_keep_pace(&serial->line,
                           begin_us > kind->begin_us ? begin_us : kind->begin_us);
}

static void on_told(void *self, struct wk_bytes_in octets, int64_t now_us)
{
    struct link_serial *serial = self;
    if (serial->config.to->kind->has_modem &&
        wk_line_modem_take(&serial->modem, octets, now_us) &&
        serial->modem.status.rate_bps > 0) {
        keep_pace(serial);
    }
}

/* Beside a question that waits for its answer nothing goes to the modem. */
static int64_t modem_due_us(const struct link_serial *serial)
{
    return serial->config.to->kind->has_modem && !serial->line.asked
               ? wk_line_modem_due_us(&serial->modem)
               : INT64_MAX;
}

static void ask_modem(struct link_serial *serial, int64_t now_us)
{
    uint8_t octets[2 * WK_LINE_MODEM_TOLD];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    if (now_us >= modem_due_us(serial)) {
        wk_line_modem_ask(&serial->modem, now_us, &out);
        wk_serial_line_send(serial->port, octets, out.size);
    }
}

static const struct wk_line_modem *line_modem(const void *self)
{
    const struct link_serial *serial = self;
    return serial->modem.is_known ? &serial->modem : NULL;
}

/* ---- answers ----------------------------------------------------------------------------- */

static void take_packets(struct link_serial *serial, struct wk_bytes_in answer)
{
    uint8_t packets
        [WK_LINK_LINE_PAYLOAD]; /* a packet that is taken may lead to the next question */
    const size_t all = answer.size;
    if (all == 0 || all > sizeof packets) {
        return;
    }
    memcpy(packets, answer.data, all);
    struct wk_bytes_in in = wk_bytes_in_of(packets, all);
    while (wk_bytes_in_left(&in) > 0) {
        const size_t size = wk_bytes_in_u16be(&in);
        if (wk_bytes_in_take(&in, size) == NULL) {
            return;
        }
        serial->config.take(serial->config.self, packets + in.at - size, size);
    }
}

static void on_octets(void *self, int64_t now_us, const uint8_t *octets, size_t size)
{
    struct link_serial *serial = self;
    while (size > 0) {
        bool is_answer;
        struct wk_bytes_in answer;
        const size_t taken =
            wk_link_line_take(&serial->line, octets, size, now_us, &is_answer, &answer);
        octets += taken;
        size -= taken;
        if (is_answer) {
            wk_line_modem_count(&serial->modem, true);
            ask_later(serial, now_us);
            take_packets(serial, answer);
        }
    }
}

/* ---- time -------------------------------------------------------------------------------- */

static int64_t sooner_of(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

static int64_t line_due_us(const struct link_serial *serial)
{
    const int64_t line_us = wk_link_line_due_us(&serial->line);
    if (serial->line.asked || serial->refused) {
        return line_us;
    }
    if (!serial->config.awaits(serial->config.self)) {
        return INT64_MAX;
    }
    return line_us > serial->poll_us ? line_us : serial->poll_us;
}

/* A device that is not there is looked for by the port; here it is seen. */
static int64_t due_us(void *self)
{
    const struct link_serial *serial = self;
    const bool there = wk_serial_line_why(serial->port)[0] == '\0';
    if (there != serial->carries) {
        return 0;
    }
    return there ? sooner_of(line_due_us(serial), modem_due_us(serial)) : INT64_MAX;
}

static void tell(struct link_serial *serial)
{
    const struct wk_link_line *line = &serial->line;
    snprintf(serial->how, sizeof serial->how, "%u questions, %u answered, %u broken frames",
             (unsigned)line->questions, (unsigned)line->answers, (unsigned)line->reader.bad);
}

static void on_tick(void *self, int64_t now_us)
{
    struct link_serial *serial = self;
    const bool there = wk_serial_line_why(serial->port)[0] == '\0';
    if (there != serial->carries) {
        serial->carries = there;
        serial->config.carries(serial->config.self, there);
        return;
    }
    tell(serial);
    if (wk_link_line_tick(&serial->line, now_us)) {
        wk_line_modem_count(&serial->modem, false);
        ask_later(serial, now_us);
    }
    ask_modem(serial, now_us);
    if (serial->line.asked || now_us < wk_link_line_due_us(&serial->line)) {
        return;
    }
    if (serial->refused) {
        serial->refused = false;
        serial->config.ready(serial->config.self);
    } else if (now_us >= serial->poll_us) {
        ask_for_more(serial, now_us);
    }
}

/* ---- begin and end ----------------------------------------------------------------------- */

static const char *why(const void *self)
{
    const struct link_serial *serial = self;
    const char *gone = wk_serial_line_why(serial->port);
    return gone[0] != '\0' || serial->carries ? gone : "the line has not begun";
}

static const char *how(const void *self)
{
    const struct link_serial *serial = self;
    return serial->how;
}

static void stop(void *self)
{
    struct link_serial *serial = self;
    if (serial->port != NULL) {
        wk_serial_line_stop(serial->port);
    }
    free(serial);
}

wk_err wk_link_serial_start(struct wk_link_carrier *carrier,
                            const struct wk_link_carrier_config *config,
                            char error[WK_LINK_CARRIER_ERROR])
{
    struct link_serial *serial = calloc(1, sizeof *serial);
    const struct wk_link_carrier_kind *kind = config->to->kind;
    struct wk_bytes_in low = wk_bytes_in_of(config->title + WK_LINK_CARRIER_TITLE - LOW, LOW);
    if (serial == NULL) {
        snprintf(error, WK_LINK_CARRIER_ERROR, "no memory");
        return WK_E_IO;
    }
    serial->config = *config;
    serial->poll_wait_us = WK_LINK_SERIAL_POLL_US;
    const struct wk_link_line_config line = {.baud = config->to->baud,
                                             .meter = wk_bytes_in_u32be(&low),
                                             .is_shared = kind->is_shared,
                                             .begin_us = kind->begin_us,
                                             .self = serial,
                                             .random = draw,
                                             .told = on_told};
    const struct wk_serial_line_config port = {.loop = config->loop,
                                               .device = config->to->rest,
                                               .baud = config->to->baud,
                                               .framing = {'8', 'N', '1'},
                                               .rs485 = !kind->has_modem,
                                               .waits = true,
                                               .self = serial,
                                               .octets = on_octets,
                                               .due_us = due_us,
                                               .tick = on_tick};
    wk_line_modem_init(&serial->modem, config->line_modem, steady_us());
    wk_err err = wk_link_line_init(&serial->line, &line, steady_us());
    if (err != WK_OK) {
        snprintf(error, WK_LINK_CARRIER_ERROR, "%s: %s", config->to->rest, wk_err_text(err));
    } else {
        err = wk_serial_line_start(&serial->port, &port, error);
    }
    if (err != WK_OK) {
        stop(serial);
        return err;
    }
    wk_serial_line_wake(serial->port);
    *carrier = (struct wk_link_carrier){.self = serial,
                                        .send = send_packet,
                                        .why = why,
                                        .how = how,
                                        .line_modem = line_modem,
                                        .stop = stop};
    return WK_OK;
}
