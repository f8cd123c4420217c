/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/modem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define US_PER_MS 1000
#define NS_PER_US 1000
#define REOPEN_MS 2000
#define OUTAGE_S                                                                               \
    300 /* the system has not run for longer: its supply, and its neighbours', came back */
#define WAIT_MOST_MS 3600000

/* How long a line is held. */
static const struct {
    char first;
    char last;
    uint32_t held_ms;
} k_pulses[WK_CONFIG_MODEM_LINES] = {
    [WK_MODEM_LINE_WAKE] = {'1', '0', 700},   /* of a power key: 0.5 to 1 s */
    [WK_MODEM_LINE_RESET] = {'1', '0', 2500}, /* 2 to 3.8 s */
    [WK_MODEM_LINE_POWER] = {'0', '1', 2000},
};

struct wk_meter_modem {
    struct wk_meter_modem_config config;
    struct wk_modem modem;
    struct wk_serial_line *line; /* NULL: not open */
    uv_timer_t timer;
    uv_timer_t reopen;
    uv_timer_t pulse[WK_CONFIG_MODEM_LINES];
    uint32_t handles;
    wk_modem_carriage carried;
    uint8_t malus;
    const char *action;
    int64_t action_us;
    char why[WK_SERIAL_ERROR];
};

static int64_t steady_us(void)
{
    return (int64_t)(uv_hrtime() / NS_PER_US);
}

/* ---- time -------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

/* Tells the owner what has changed, and when to go on. */
static void settle(struct wk_meter_modem *modem)
{
    const wk_modem_carriage carried = wk_modem_carries(&modem->modem);
    const uint8_t malus = wk_modem_malus(&modem->modem);
    const int64_t wait_us = wk_modem_due_us(&modem->modem) - steady_us();
    const int64_t wait_ms = (wait_us + US_PER_MS - 1) / US_PER_MS;
    uv_update_time(modem->config.loop);
    (void)uv_timer_start(&modem->timer, on_timer,
                         (uint64_t)(wait_us <= 0             ? 0
                                    : wait_ms < WAIT_MOST_MS ? wait_ms
                                                             : WAIT_MOST_MS),
                         0);
    if (carried != modem->carried || malus != modem->malus) {
        modem->carried = carried;
        modem->malus = malus;
        modem->config.changed(modem->config.self);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct wk_meter_modem *modem = timer->data;
    wk_modem_step(&modem->modem, steady_us());
    settle(modem);
}

/* ---- the serial device ------------------------------------------------------------------- */

static void on_octets(void *self, int64_t now_us, const uint8_t *octets, size_t size)
{
    struct wk_meter_modem *modem = self;
    wk_modem_take(&modem->modem, octets, size, now_us);
    wk_modem_step(&modem->modem, now_us);
    settle(modem);
}

static int64_t no_tick(void *self)
{
    (void)self;
    return INT64_MAX;
}

static void on_tick(void *self, int64_t now_us)
{
    (void)self;
    (void)now_us;
}

static void on_reopen(uv_timer_t *timer)
{
    struct wk_meter_modem *modem = timer->data;
    const struct wk_serial_line_config config = {.loop = modem->config.loop,
                                                 .device = modem->config.modem->device,
                                                 .baud = modem->config.modem->baud,
                                                 .framing = "8N1",
                                                 .self = modem,
                                                 .octets = on_octets,
                                                 .due_us = no_tick,
                                                 .tick = on_tick};
    if (wk_serial_line_start(&modem->line, &config, modem->why) == WK_OK) {
        modem->why[0] = '\0';
        return;
    }
    modem->line = NULL;
    (void)uv_timer_start(timer, on_reopen, REOPEN_MS, 0);
}

static void on_send(void *self, const char *octets, size_t size)
{
    struct wk_meter_modem *modem = self;
    if (modem->line != NULL) {
        wk_serial_line_send(modem->line, (const uint8_t *)octets, size);
    }
}

/* ---- lines ------------------------------------------------------------------------------- */

static wk_err set_line(const struct wk_meter_modem *modem, size_t line, char value)
{
    const int fd = open(modem->config.modem->line[line], O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const char text[2] = {value, '\n'};
    if (fd < 0) {
        fprintf(stderr, "wk-meterd: modem: %s: %s\n", modem->config.modem->line[line],
                strerror(errno));
        return WK_E_IO;
    }
    const bool good = write(fd, text, sizeof text) == (ssize_t)sizeof text;
    close(fd);
    return good ? WK_OK : WK_E_IO;
}

static void on_held(uv_timer_t *timer)
{
    const struct wk_meter_modem *modem = timer->data;
    const size_t line = (size_t)(timer - modem->pulse);
    (void)!set_line(modem, line, k_pulses[line].last); /* it is said there */
}

static wk_err on_pulse(void *self, wk_modem_line line)
{
    struct wk_meter_modem *modem = self;
    if (modem->config.modem->line[line][0] == '\0') {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(set_line(modem, line, k_pulses[line].first));
    uv_update_time(modem->config.loop);
    (void)uv_timer_start(&modem->pulse[line], on_held, k_pulses[line].held_ms, 0);
    return WK_OK;
}

static void on_note(void *self, const char *text)
{
    struct wk_meter_modem *modem = self;
    modem->action = text;
    modem->action_us = steady_us();
    fprintf(stderr, "wk-meterd: %s: %s\n", modem->config.modem->device, text);
}

/* ---- the owner --------------------------------------------------------------------------- */

const struct wk_modem *wk_meter_modem_look(const struct wk_meter_modem *modem)
{
    return &modem->modem;
}

const char *wk_meter_modem_action(const struct wk_meter_modem *modem, int64_t *since_us)
{
    *since_us = steady_us() - modem->action_us;
    return modem->action;
}

const char *wk_meter_modem_why(const struct wk_meter_modem *modem)
{
    return modem->why;
}

void wk_meter_modem_traffic(struct wk_meter_modem *modem, bool came)
{
    wk_modem_traffic(&modem->modem, came, steady_us());
}

void wk_meter_modem_wake(struct wk_meter_modem *modem)
{
    wk_modem_wake(&modem->modem, steady_us());
    settle(modem);
}

void wk_meter_modem_doubt(struct wk_meter_modem *modem)
{
    wk_modem_doubt(&modem->modem, steady_us());
    settle(modem);
}

void wk_meter_modem_useless(struct wk_meter_modem *modem)
{
    wk_modem_useless(&modem->modem, steady_us());
    settle(modem);
}

static void on_closed(uv_handle_t *handle)
{
    struct wk_meter_modem *modem = handle->data;
    if (--modem->handles == 0) {
        free(modem);
    }
}

void wk_meter_modem_stop(struct wk_meter_modem *modem)
{
    if (modem == NULL) {
        return;
    }
    if (modem->line != NULL) {
        wk_serial_line_stop(modem->line);
    }
    uv_close((uv_handle_t *)&modem->timer, on_closed);
    uv_close((uv_handle_t *)&modem->reopen, on_closed);
    for (size_t i = 0; i < WK_CONFIG_MODEM_LINES; i++) {
        uv_close((uv_handle_t *)&modem->pulse[i], on_closed);
    }
}

static void add_timer(struct wk_meter_modem *modem, uv_timer_t *timer)
{
    (void)uv_timer_init(modem->config.loop, timer); /* cannot fail */
    timer->data = modem;
    modem->handles++;
}

wk_err wk_meter_modem_start(struct wk_meter_modem **modem,
                            const struct wk_meter_modem_config *config)
{
    struct wk_meter_modem *made = calloc(1, sizeof *made);
    struct wk_modem_rules rules = config->modem->rules;
    struct sysinfo system;
    if (made == NULL) {
        return WK_E_IO;
    }
    made->config = *config;
    made->action = "";
    rules.seed = config->seed;
    rules.after_outage = sysinfo(&system) == 0 && system.uptime < OUTAGE_S;
    const struct wk_modem_port port = {
        .self = made, .send = on_send, .pulse = on_pulse, .note = on_note};
    wk_modem_init(&made->modem, &rules, &port, steady_us());
    add_timer(made, &made->timer);
    add_timer(made, &made->reopen);
    for (size_t i = 0; i < WK_CONFIG_MODEM_LINES; i++) {
        add_timer(made, &made->pulse[i]);
    }
    on_reopen(&made->reopen);
    settle(made);
    *modem = made;
    return WK_OK;
}
