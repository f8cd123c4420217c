/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_master.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/serial.h"

#define TIMEOUT_MS     1000
#define TIMEOUT_MOST   60000
#define BITS_PER_OCTET 11    /* start, 8 data, parity or second stop, stop */
#define FAST_BAUD      19200 /* above it t3.5 is fixed */
#define T35_FAST_US    1750  /* (Modbus over serial line V1.02, 2.5.1.1) */
#define US_PER_S       INT64_C(1000000)
#define BLOCK          256
#define RTU_FRAME_MORE 3 /* octets of a frame beside function and data */
#define TURNAROUND_US                                                                          \
    150000 /* after a broadcast (Modbus over serial line V1.02, 2.4.1: 100 to 200 ms) */
#define GAP_LEAST_US 20000 /* USB adapters hold octets back for up to 16 ms */

static wk_err blame(struct wk_modbus *modbus, wk_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static wk_err blame(struct wk_modbus *modbus, wk_err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(modbus->why, sizeof modbus->why, format, arguments);
    va_end(arguments);
    return err;
}

static int64_t steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* ---- the URI ----------------------------------------------------------------------------- */

static bool take_framing(struct wk_modbus *modbus, const char *word)
{
    static const char *const k_framings[] = {"8N1", "8E1", "8O1", "8N2"};
    for (size_t f = 0; f < sizeof k_framings / sizeof k_framings[0]; f++) {
        if (strcmp(word, k_framings[f]) == 0) {
            memcpy(modbus->framing, word, 4);
            return true;
        }
    }
    return false;
}

static speed_t speed_of(uint32_t baud)
{
    static const struct {
        uint32_t baud;
        speed_t speed;
    } k_speeds[] = {
        {1200, B1200},   {2400, B2400},   {4800, B4800},     {9600, B9600},     {19200, B19200},
        {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400},
    };
    for (size_t s = 0; s < sizeof k_speeds / sizeof k_speeds[0]; s++) {
        if (k_speeds[s].baud == baud) {
            return k_speeds[s].speed;
        }
    }
    return B0;
}

/* "/dev/ttyUSB0,9600,8N1,rs485" */
static wk_err take_line(struct wk_modbus *modbus, char *text)
{
    char *rest = text;
    const char *path = strsep(&rest, ",");
    if (path[0] == '\0') {
        return blame(modbus, WK_E_ARGUMENT, "rtu: needs the path of a serial line");
    }
    snprintf(modbus->path, sizeof modbus->path, "%s", path);
    modbus->serial = true;
    while (rest != NULL) {
        const char *word = strsep(&rest, ",");
        const uint32_t baud = (uint32_t)strtoul(word, NULL, 10);
        if (strcmp(word, "rs485") == 0) {
            modbus->rs485 = true;
        } else if (!take_framing(modbus, word)) {
            if (speed_of(baud) == B0) {
                return blame(modbus, WK_E_ARGUMENT,
                             "\"%.32s\" is neither a baud rate nor 8N1, 8E1, 8O1, 8N2 or rs485",
                             word);
            }
            modbus->baud = baud;
        }
    }
    return WK_OK;
}

/* "HOST", "HOST:PORT" or "[ADDRESS]:PORT" */
static wk_err take_host(struct wk_modbus *modbus, char *text, const char *port)
{
    char *host = text;
    char *colon = strrchr(text, ':');
    if (text[0] == '[') {
        char *close = strchr(text, ']');
        if (close == NULL) {
            return blame(modbus, WK_E_ARGUMENT, "the address has no closing ]");
        }
        host = text + 1;
        colon = close[1] == ':' ? close + 1 : NULL;
        *close = '\0';
    }
    if (colon != NULL) {
        *colon = '\0';
        port = colon + 1;
    }
    char *end;
    const unsigned long number = strtoul(port, &end, 10);
    if (host[0] == '\0' || port[0] == '\0' || *end != '\0' || number == 0 || number > 65535) {
        return blame(modbus, WK_E_ARGUMENT, "needs a host and a port from 1 to 65535");
    }
    snprintf(modbus->path, sizeof modbus->path, "%s", host);
    snprintf(modbus->port, sizeof modbus->port, "%lu", number);
    return WK_OK;
}

static wk_err take_uri(struct wk_modbus *modbus, const char *uri)
{
    char text[WK_MODBUS_URI];
    const size_t size = strlen(uri);
    if (size >= sizeof text) {
        return blame(modbus, WK_E_ARGUMENT, "the URI is too long");
    }
    memcpy(text, uri, size + 1);
    if (strncmp(text, "rtu:", 4) == 0) {
        modbus->rtu = true;
        return take_line(modbus, text + 4);
    }
    if (strncmp(text, "rtutcp:", 7) == 0) {
        modbus->rtu = true;
        return take_host(modbus, text + 7, "");
    }
    if (strncmp(text, "tcp:", 4) == 0) {
        return take_host(modbus, text + 4, "502");
    }
    return blame(modbus, WK_E_ARGUMENT, "\"%.64s\" must begin with rtu:, rtutcp: or tcp:", uri);
}

/* ---- connections ------------------------------------------------------------------------- */

static wk_err set_line(struct wk_modbus *modbus, int file)
{
    struct termios line;
    if (tcgetattr(file, &line) != 0) {
        return blame(modbus, WK_E_IO, "%s: not a serial line: %s", modbus->path,
                     strerror(errno));
    }
    cfmakeraw(&line);
    line.c_cflag |= CLOCAL | CREAD;
    line.c_cflag &= ~(tcflag_t)(PARENB | PARODD | CSTOPB | CRTSCTS);
    line.c_cflag |= modbus->framing[1] == 'E'   ? PARENB
                    : modbus->framing[1] == 'O' ? PARENB | PARODD
                                                : 0;
    line.c_cflag |= modbus->framing[2] == '2' ? CSTOPB : 0;
    line.c_cc[VMIN] = 0;
    line.c_cc[VTIME] = 0;
    cfsetispeed(&line, speed_of(modbus->baud));
    cfsetospeed(&line, speed_of(modbus->baud));
    if (tcsetattr(file, TCSANOW, &line) != 0) {
        return blame(modbus, WK_E_IO, "%s: cannot be set to %u baud %s: %s", modbus->path,
                     modbus->baud, modbus->framing, strerror(errno));
    }
    if (modbus->rs485 && wk_serial_rs485(file) != WK_OK) {
        return blame(modbus, WK_E_IO, "%s: rs485: %s", modbus->path, strerror(errno));
    }
    return WK_OK;
}

static wk_err open_line(struct wk_modbus *modbus)
{
    const int file = open(modbus->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        return blame(modbus, WK_E_IO, "%s: %s", modbus->path, strerror(errno));
    }
    const wk_err err = set_line(modbus, file);
    if (err != WK_OK) {
        close(file);
        return err;
    }
    modbus->file = file;
    modbus->is_settled = false;
    return WK_OK;
}

static int connect_to(const struct addrinfo *to, uint32_t timeout_ms)
{
    const int on = 1;
    socklen_t size = sizeof on;
    const int file = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -1;
    }
    struct pollfd wait = {.fd = file, .events = POLLOUT};
    int fault = connect(file, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
    if (fault == EINPROGRESS) {
        fault = ETIMEDOUT;
        if (poll(&wait, 1, (int)timeout_ms) == 1) {
            (void)getsockopt(file, SOL_SOCKET, SO_ERROR, &fault, &size);
        }
    }
    if (fault != 0) {
        close(file);
        errno = fault;
        return -1;
    }
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return file;
}

static wk_err open_socket(struct wk_modbus *modbus)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    const int fault = getaddrinfo(modbus->path, modbus->port, &hints, &all);
    if (fault != 0) {
        return blame(modbus, WK_E_IO, "%s: %s", modbus->path, gai_strerror(fault));
    }
    for (const struct addrinfo *at = all; at != NULL && modbus->file < 0; at = at->ai_next) {
        modbus->file = connect_to(at, modbus->timeout_ms);
    }
    const int reason = errno;
    freeaddrinfo(all);
    return modbus->file >= 0 ? WK_OK
                             : blame(modbus, WK_E_IO, "%s:%s cannot be reached: %s",
                                     modbus->path, modbus->port, strerror(reason));
}

static wk_err connect_now(struct wk_modbus *modbus)
{
    if (modbus->file >= 0) {
        return WK_OK;
    }
    return modbus->serial ? open_line(modbus) : open_socket(modbus);
}

wk_err wk_modbus_check_uri(const char *uri, char why[WK_MODBUS_WHY])
{
    struct wk_modbus modbus = {.file = -1};
    const wk_err err = take_uri(&modbus, uri);
    memcpy(why, modbus.why, WK_MODBUS_WHY);
    return err;
}

wk_err wk_modbus_open(struct wk_modbus *modbus, const struct wk_modbus_config *config)
{
    *modbus = (struct wk_modbus){.file = -1, .baud = 9600, .framing = "8N1"};
    modbus->timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_MS;
    modbus->retries = config->retries;
    if (modbus->timeout_ms > TIMEOUT_MOST) {
        return blame(modbus, WK_E_ARGUMENT, "the timeout must be at most %d ms", TIMEOUT_MOST);
    }
    WK_TRY(take_uri(modbus, config->uri));
    return connect_now(modbus);
}

void wk_modbus_close(struct wk_modbus *modbus)
{
    if (modbus->file >= 0) {
        close(modbus->file);
    }
    modbus->file = -1;
}

/* ---- a request --------------------------------------------------------------------------- */

static int64_t wire_us(const struct wk_modbus *modbus, size_t octets)
{
    return modbus->serial ? (int64_t)octets * BITS_PER_OCTET * US_PER_S / modbus->baud : 0;
}

/* Octets within `wait_us`: their number, 0 = none came. -1: the connection is gone. */
static int receive(struct wk_modbus *modbus, uint8_t *to, size_t room, int64_t wait_us)
{
    struct pollfd wait = {.fd = modbus->file, .events = POLLIN};
    const struct timespec most = {wait_us / US_PER_S, (long)(wait_us % US_PER_S) * 1000};
    const int ready = ppoll(&wait, 1, &most, NULL);
    if (ready <= 0) {
        return 0;
    }
    const ssize_t got = read(modbus->file, to, room);
    if (got > 0) {
        return (int)got;
    }
    const bool none = got < 0 && (errno == EAGAIN || errno == EINTR);
    if (none) {
        return 0;
    }
    if (got == 0) {
        errno = ECONNRESET;
    }
    return -1;
}

static wk_err lose(struct wk_modbus *modbus)
{
    const int reason = errno;
    wk_modbus_close(modbus);
    return blame(modbus, WK_E_IO, "%s: the connection is lost: %s", modbus->path,
                 strerror(reason));
}

static int64_t t35_of(const struct wk_modbus *modbus)
{
    return modbus->baud > FAST_BAUD ? T35_FAST_US : 7 * wire_us(modbus, 1) / 2;
}

/* Waits until the line has been silent for long enough; what comes is of no use. On TCP nothing is
 * waited for, but it is seen whether the other end has closed. */
static wk_err keep_silence(struct wk_modbus *modbus)
{
    uint8_t waste[BLOCK];
    const int64_t t35_us = t35_of(modbus);
    const int64_t least_us = modbus->is_settled || !modbus->rtu ? 0 : t35_us;
    const int64_t silent_us = modbus->silent_us > least_us ? modbus->silent_us : least_us;
    const int64_t begin_us = steady_us();
    const int64_t most_us = 2 * (int64_t)modbus->timeout_ms * 1000 + silent_us;
    for (;;) {
        const int got = receive(modbus, waste, sizeof waste, silent_us);
        if (got < 0) {
            return lose(modbus);
        }
        if (got == 0) {
            modbus->silent_us = 0;
            modbus->is_settled = true;
            return WK_OK;
        }
        modbus->junk += (uint64_t)got;
        modbus->is_settled = false;
        if (steady_us() - begin_us > most_us) {
            return blame(modbus, WK_E_BUSY, "%s: the line is never silent", modbus->path);
        }
    }
}

static wk_err send_all(struct wk_modbus *modbus, const uint8_t *octets, size_t size)
{
    const ssize_t sent = modbus->serial ? write(modbus->file, octets, size)
                                        : send(modbus->file, octets, size, MSG_NOSIGNAL);
    if (sent != (ssize_t)size) {
        errno = sent >= 0 ? EAGAIN : errno;
        return lose(modbus);
    }
    modbus->asked++;
    return WK_OK;
}

/* Connects, and waits until the line is free. A connection that the other end has closed meanwhile
 * is made anew: nothing was sent on it. */
wk_err wk_modbus_settle(struct wk_modbus *modbus)
{
    const bool was_open = modbus->file >= 0;
    WK_TRY(connect_now(modbus));
    wk_err err = keep_silence(modbus);
    if (err == WK_E_IO && was_open) {
        WK_TRY(connect_now(modbus));
        err = keep_silence(modbus);
    }
    return err;
}

static wk_err conclude(struct wk_modbus *modbus, const struct wk_modbus_hunt *hunt,
                       wk_modbus_found found)
{
    const unsigned unit = hunt->request.unit;
    modbus->junk += hunt->junk;
    modbus->echo = hunt->echo;
    if (found == WK_MODBUS_ANSWER) {
        return WK_OK;
    }
    if (found == WK_MODBUS_EXCEPTION) {
        modbus->exception = hunt->answer.pdu[1];
        return blame(modbus, WK_E_REFUSED, "unit %u refuses function %u: %s", unit,
                     hunt->request.pdu[0], wk_modbus_frame_exception(modbus->exception));
    }
    if (found == WK_MODBUS_BROKEN) {
        wk_modbus_close(modbus);
        return blame(modbus, WK_E_FORMAT, "%s: the answer is not Modbus", modbus->path);
    }
    modbus->silent_us = modbus->rtu ? (int64_t)modbus->timeout_ms * 1000 : 0;
    modbus->junk += hunt->size;
    if (wk_modbus_hunt_spoilt(hunt)) {
        return blame(modbus, WK_E_CORRUPT, "unit %u: the check sum of the answer is wrong",
                     unit);
    }
    return hunt->size == 0
               ? blame(modbus, WK_E_TIMEOUT, "unit %u does not answer", unit)
               : blame(modbus, WK_E_TIMEOUT,
                       "unit %u: %zu octets came and were no answer: wrong baud rate, "
                       "parity or unit?",
                       unit, hunt->size);
}

static wk_err send_request(struct wk_modbus *modbus, const struct wk_modbus_message *request,
                           struct wk_modbus_hunt *hunt)
{
    uint8_t frame[WK_MODBUS_TCP_MOST];
    size_t size;
    if (modbus->rtu) {
        wk_modbus_hunt_rtu(hunt, request, modbus->echo);
        size = wk_modbus_frame_rtu(request, frame);
    } else {
        wk_modbus_hunt_tcp(hunt, request, ++modbus->transaction);
        size = wk_modbus_frame_tcp(request, modbus->transaction, frame);
    }
    modbus->is_settled = false;
    return send_all(modbus, frame, size);
}

/* Waits for the answer: its begin for the timeout, all of it for as long as the line needs besides. */
static wk_err await_answer(struct wk_modbus *modbus, struct wk_modbus_hunt *hunt)
{
    uint8_t block[BLOCK];
    const int64_t t35_us = t35_of(modbus);
    const int64_t gap_us = t35_us > GAP_LEAST_US ? t35_us : GAP_LEAST_US;
    const bool by_gap = modbus->rtu && !wk_modbus_hunt_is_sized(hunt);
    const int64_t begun_us = steady_us() + (int64_t)modbus->timeout_ms * 1000 +
                             wire_us(modbus, RTU_FRAME_MORE + hunt->request.size);
    const int64_t whole_us = begun_us + wire_us(modbus, WK_MODBUS_RTU_MOST);
    wk_modbus_found found = WK_MODBUS_NOTHING;
    for (int64_t now_us = steady_us(); found == WK_MODBUS_NOTHING; now_us = steady_us()) {
        const int64_t left_us = (hunt->size > 0 ? whole_us : begun_us) - now_us;
        if (left_us <= 0) {
            found = wk_modbus_hunt_end(hunt);
            break;
        }
        const bool may_end = by_gap && hunt->size > 0 && gap_us < left_us;
        const int got = receive(modbus, block, sizeof block, may_end ? gap_us : left_us);
        if (got < 0) {
            return lose(modbus);
        }
        found = got == 0 && may_end ? wk_modbus_hunt_silence(hunt)
                                    : wk_modbus_hunt_take(hunt, block, (size_t)got);
    }
    return conclude(modbus, hunt, found);
}

static wk_err attempt(struct wk_modbus *modbus, const struct wk_modbus_message *request,
                      struct wk_modbus_hunt *hunt)
{
    WK_TRY(wk_modbus_settle(modbus));
    WK_TRY(send_request(modbus, request, hunt));
    if (modbus->rtu && request->unit == 0) {
        modbus->silent_us = TURNAROUND_US + wire_us(modbus, RTU_FRAME_MORE + request->size);
        return WK_OK;
    }
    return await_answer(modbus, hunt);
}

wk_err wk_modbus_exchange(struct wk_modbus *modbus, const struct wk_modbus_message *request,
                          struct wk_modbus_message *answer)
{
    struct wk_modbus_hunt hunt = {.size = 0};
    wk_err err = WK_E_TIMEOUT;
    if (request->size == 0 || request->size > WK_MODBUS_ADU_PDU) {
        return blame(modbus, WK_E_ARGUMENT, "a request has 1 to %d octets", WK_MODBUS_ADU_PDU);
    }
    for (uint32_t n = 0; n <= modbus->retries; n++) {
        modbus->repeated += n > 0 ? 1 : 0;
        err = attempt(modbus, request, &hunt);
        if (err == WK_OK || err == WK_E_REFUSED) {
            break;
        }
    }
    *answer = hunt.answer;
    return err;
}

wk_err wk_modbus_read(struct wk_modbus *modbus, const struct wk_modbus_request *request,
                      uint16_t *to)
{
    struct wk_modbus_message ask;
    struct wk_modbus_message answer;
    if (request->count == 0 || request->count > WK_MODBUS_REGISTERS ||
        request->address + request->count > 65536) {
        return blame(modbus, WK_E_ARGUMENT, "there are no such registers");
    }
    wk_modbus_message_of(&ask, request);
    const wk_err err = wk_modbus_exchange(modbus, &ask, &answer);
    if (err == WK_E_REFUSED) {
        return blame(modbus, err, "unit %u refuses registers %u..%u: %s", request->unit,
                     request->address, request->address + request->count - 1U,
                     wk_modbus_frame_exception(modbus->exception));
    }
    WK_TRY(err);
    return wk_modbus_registers_of(&answer, request->count, to)
               ? WK_OK
               : blame(modbus, WK_E_FORMAT, "unit %u answers other registers", request->unit);
}
