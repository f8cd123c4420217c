/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/serial_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define READ_AT_ONCE 1024
#define US_PER_S     1000000
#define NS_PER_US    1000

struct wk_serial_line {
    struct wk_serial_line_config config;
    int fd;    /* -1: the device is not there */
    int timer; /* a timerfd */
    uv_poll_t poll;
    uv_poll_t alarm;
    uv_timer_t reopen;
    bool has_poll; /* `poll` is of the loop */
    bool is_stopping;
    uint32_t handles; /* not yet closed */
    char why[WK_SERIAL_ERROR];
    size_t queued;
    uint8_t queue[WK_SERIAL_LINE_QUEUE];
};

static int64_t now_us(void)
{
    return (int64_t)(uv_hrtime() / NS_PER_US);
}

static void free_when_last(uv_handle_t *handle)
{
    struct wk_serial_line *line = handle->data;
    line->handles--;
    if (line->is_stopping && line->handles == 0) {
        close(line->timer);
        free(line);
    }
}

/* ---- the device -------------------------------------------------------------------------- */

static void on_poll_closed(uv_handle_t *handle)
{
    struct wk_serial_line *line = handle->data;
    line->has_poll = false;
    free_when_last(handle);
}

static void on_reopen(uv_timer_t *timer);
static void arm(struct wk_serial_line *line);

static void lose(struct wk_serial_line *line)
{
    if (line->fd < 0) {
        return;
    }
    (void)uv_poll_stop(&line->poll);
    close(line->fd);
    line->fd = -1;
    line->queued = 0;
    (void)snprintf(line->why, sizeof line->why, "%.120s is gone", line->config.device);
    uv_close((uv_handle_t *)&line->poll, on_poll_closed);
    if (!line->is_stopping) {
        (void)uv_timer_start(&line->reopen, on_reopen, WK_SERIAL_LINE_REOPEN_MS, 0);
        arm(line);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct wk_serial_line *line)
{
    const int events = UV_READABLE | UV_DISCONNECT | (line->queued > 0 ? UV_WRITABLE : 0);
    if (line->fd >= 0 && uv_poll_start(&line->poll, events, on_ready) != 0) {
        lose(line);
    }
}

static wk_err open_device(struct wk_serial_line *line, char error[WK_SERIAL_ERROR])
{
    int fd = -1;
    const struct wk_serial_line_config *config = &line->config;
    WK_TRY(wk_serial_open(&fd, config->device, config->baud, false, error));
    wk_err err = wk_serial_frame(fd, config->baud, config->framing);
    if (err == WK_OK && config->rs485) {
        err = wk_serial_rs485(fd);
    }
    if (err == WK_OK && uv_poll_init(config->loop, &line->poll, fd) != 0) {
        err = WK_E_IO;
    }
    if (err != WK_OK) {
        close(fd);
        (void)snprintf(error, WK_SERIAL_ERROR, "%.120s cannot be set to %u baud %.3s%s",
                       config->device, (unsigned)config->baud, config->framing,
                       config->rs485 ? " and RS-485" : "");
        return err;
    }
    line->fd = fd;
    line->why[0] = '\0';
    line->poll.data = line;
    line->has_poll = true;
    line->handles++;
    watch(line);
    return WK_OK;
}

static void on_reopen(uv_timer_t *timer)
{
    struct wk_serial_line *line = timer->data;
    if (line->has_poll || open_device(line, line->why) != WK_OK) {
        (void)uv_timer_start(&line->reopen, on_reopen, WK_SERIAL_LINE_REOPEN_MS, 0);
    }
    arm(line);
}

/* ---- time -------------------------------------------------------------------------------- */

static void arm(struct wk_serial_line *line)
{
    struct itimerspec when = {.it_value = {0, 0}};
    const int64_t due_us = line->config.due_us(line->config.self);
    if (due_us != INT64_MAX) {
        /* 0 would mean: never */
        const int64_t left_us = due_us - now_us();
        const int64_t wait_us = left_us > 1 ? left_us : 1;
        when.it_value.tv_sec = wait_us / US_PER_S;
        when.it_value.tv_nsec = wait_us % US_PER_S * NS_PER_US;
    }
    (void)timerfd_settime(line->timer, 0, &when, NULL); /* cannot fail with such times */
}

static void on_alarm(uv_poll_t *alarm, int status, int events)
{
    struct wk_serial_line *line = alarm->data;
    uint64_t times;
    (void)events;
    if (status == 0 && read(line->timer, &times, sizeof times) > 0) {
        line->config.tick(line->config.self, now_us());
        arm(line);
    }
}

void wk_serial_line_wake(struct wk_serial_line *line)
{
    arm(line);
}

/* ---- octets ------------------------------------------------------------------------------ */

static void flush(struct wk_serial_line *line)
{
    const ssize_t written = line->queued > 0 ? write(line->fd, line->queue, line->queued) : 0;
    if (written > 0) {
        line->queued -= (size_t)written;
        memmove(line->queue, line->queue + written, line->queued);
    } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
        lose(line);
    }
}

void wk_serial_line_send(struct wk_serial_line *line, const uint8_t *octets, size_t size)
{
    if (line->fd < 0 || size > sizeof line->queue - line->queued) {
        return;
    }
    memcpy(line->queue + line->queued, octets, size);
    line->queued += size;
    flush(line);
    watch(line);
}

bool wk_serial_line_is_drained(const struct wk_serial_line *line)
{
    int waiting = 0;
    return line->fd < 0 ||
           (line->queued == 0 && (ioctl(line->fd, TIOCOUTQ, &waiting) != 0 || waiting == 0));
}

bool wk_serial_line_is_clear(const struct wk_serial_line *line)
{
    int lines = 0;
    return line->fd >= 0 && ioctl(line->fd, TIOCMGET, &lines) == 0 && (lines & TIOCM_CTS) != 0;
}

const char *wk_serial_line_why(const struct wk_serial_line *line)
{
    return line->why;
}

void wk_serial_line_change(struct wk_serial_line *line, uint32_t baud, const char framing[4])
{
    line->config.baud = baud;
    memcpy(line->config.framing, framing, sizeof line->config.framing);
    if (line->fd >= 0 && wk_serial_frame(line->fd, baud, framing) != WK_OK) {
        lose(line);
    }
}

static void read_octets(struct wk_serial_line *line)
{
    uint8_t octets[READ_AT_ONCE];
    const ssize_t size = read(line->fd, octets, sizeof octets);
    if (size > 0) {
        line->config.octets(line->config.self, now_us(), octets, (size_t)size);
        arm(line);
    } else if (size < 0 && errno != EAGAIN && errno != EINTR) {
        lose(line);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct wk_serial_line *line = poll->data;
    if (status < 0) {
        lose(line);
        return;
    }
    if ((events & UV_READABLE) != 0) {
        read_octets(line);
    } else if ((events & UV_DISCONNECT) != 0) {
        lose(line);
    }
    if (line->fd >= 0) {
        flush(line);
        watch(line);
    }
}

/* ---- starting and stopping --------------------------------------------------------------- */

void wk_serial_line_stop(struct wk_serial_line *line)
{
    line->is_stopping = true;
    lose(line);
    uv_close((uv_handle_t *)&line->alarm, free_when_last);
    uv_close((uv_handle_t *)&line->reopen, free_when_last);
}

wk_err wk_serial_line_start(struct wk_serial_line **line,
                            const struct wk_serial_line_config *config,
                            char error[WK_SERIAL_ERROR])
{
    struct wk_serial_line *made = calloc(1, sizeof *made);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (made == NULL || timer < 0 || uv_poll_init(config->loop, &made->alarm, timer) != 0) {
        (void)snprintf(error, WK_SERIAL_ERROR, "%.120s: no memory or no timer", config->device);
        free(made);
        if (timer >= 0) {
            close(timer);
        }
        return WK_E_IO;
    }
    made->config = *config;
    made->fd = -1;
    made->timer = timer;
    made->alarm.data = made;
    made->reopen.data = made;
    made->handles = 2;
    (void)uv_timer_init(config->loop, &made->reopen); /* cannot fail */
    (void)uv_poll_start(&made->alarm, UV_READABLE, on_alarm);
    const wk_err err = open_device(made, made->why);
    if (err != WK_OK && (!config->waits || err == WK_E_ARGUMENT)) {
        (void)snprintf(error, WK_SERIAL_ERROR, "%s", made->why);
        wk_serial_line_stop(made);
        return err;
    }
    if (err != WK_OK) {
        (void)uv_timer_start(&made->reopen, on_reopen, WK_SERIAL_LINE_REOPEN_MS, 0);
    }
    *line = made;
    return WK_OK;
}
