/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/optical_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "view/optical.h"

#define ANSWER_MS 2500 /* longest before an answer, and between its octets */
#define REPEATS   3
#define PAUSE_MS  300 /* before the choice, and before the rate is changed */
#define STX       0x02
#define ETX       0x03
#define ACK       "\006"
#define NAK       "\025"
#define SEVEN     0x7F

struct reader {
    int fd;
    char *error;
};

static wk_err fail(const struct reader *reader, wk_err err, const char *why)
{
    (void)snprintf(reader->error, WK_SERIAL_ERROR, "%s", why);
    return err;
}

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

static wk_err say(const struct reader *reader, const char *text)
{
    const ssize_t size = (ssize_t)strlen(text);
    return write(reader->fd, text, (size_t)size) == size
               ? WK_OK
               : fail(reader, WK_E_IO, "the serial line does not take octets");
}

/* The next octet; WK_E_TIMEOUT. */
static wk_err hear(const struct reader *reader, uint8_t *octet)
{
    struct pollfd wait = {.fd = reader->fd, .events = POLLIN};
    const int ready = poll(&wait, 1, ANSWER_MS);
    if (ready == 0) {
        return fail(reader, WK_E_TIMEOUT, "the meter does not answer");
    }
    if (ready < 0 || read(reader->fd, octet, 1) != 1) {
        return fail(reader, WK_E_IO, "the serial line is gone");
    }
    *octet &= SEVEN;
    return WK_OK;
}

/* "/" and the line behind it. What an optical head gives back of ours, "/?...", is passed over. */
static wk_err hear_identity(const struct reader *reader, char *line, size_t room)
{
    size_t size = 0;
    uint8_t octet = 0;
    while (octet != '\n' || size == 0) {
        WK_TRY(hear(reader, &octet));
        if (octet == '/') {
            line[0] = '/';
            size = 1;
        } else if (size == 1 && octet == '?') {
            size = 0;
        } else if (size > 0 && octet >= ' ' && size + 1 < room) {
            line[size++] = (char)octet;
        }
    }
    line[size] = '\0';
    return WK_OK;
}

/* STX ... ETX BCC; the check octet is right if all of them together are 0. */
static wk_err hear_block(const struct reader *reader, char *data)
{
    size_t size = 0;
    uint8_t octet = 0;
    while (octet != STX) {
        WK_TRY(hear(reader, &octet));
    }
    do {
        WK_TRY(hear(reader, &octet));
        if (size + 1 == WK_OPTICAL_READER_ROOM) {
            return fail(reader, WK_E_FULL, "the readout is too long");
        }
        data[size++] = (char)octet;
    } while (octet != ETX);
    const uint8_t wanted = wk_optical_bcc((const uint8_t *)data, size);
    WK_TRY(hear(reader, &octet));
    data[size - 1] = '\0';
    char *end = strstr(data, "!\r\n");
    if (octet != wanted || end == NULL) {
        return fail(reader, WK_E_CORRUPT, "the readout came spoiled four times");
    }
    *end = '\0';
    return WK_OK;
}

static wk_err sign_on(const struct reader *reader,
                      const struct wk_optical_reader_config *config,
                      struct wk_optical_readout *readout)
{
    char text[WK_OPTICAL_READER_IDENTITY + 8];
    char line[WK_OPTICAL_READER_IDENTITY + 1] = "";
    (void)snprintf(text, sizeof text, "/?%.40s!\r\n", config->address);
    WK_TRY(say(reader, text));
    WK_TRY(hear_identity(reader, line, sizeof line));
    uint32_t offered = strlen(line) >= 5 ? wk_optical_rate(line[4]) : 0;
    if (offered == 0) {
        return fail(reader, WK_E_FORMAT, "the meter does not speak mode C");
    }
    (void)snprintf(readout->identity, sizeof readout->identity, "%s", line + 1);
    char digit = line[4];
    while (offered > config->baud && digit > '0') {
        digit--;
        offered = wk_optical_rate(digit);
    }
    readout->baud = offered;
    pause_ms(PAUSE_MS);
    (void)snprintf(text, sizeof text, ACK "0%c0\r\n", digit);
    WK_TRY(say(reader, text));
    return wk_serial_frame(reader->fd, offered, "7E1") == WK_OK
               ? WK_OK
               : fail(reader, WK_E_IO, "the rate cannot be changed");
}

static wk_err take(const struct reader *reader, struct wk_optical_readout *readout)
{
    wk_err err = hear_block(reader, readout->data);
    while (err == WK_E_CORRUPT && readout->repeated < REPEATS) {
        readout->repeated++;
        pause_ms(PAUSE_MS);
        WK_TRY(say(reader, NAK));
        err = hear_block(reader, readout->data);
    }
    WK_TRY(err);
    pause_ms(PAUSE_MS);
    return say(reader, ACK);
}

wk_err wk_optical_reader_run(const struct wk_optical_reader_config *config,
                             struct wk_optical_readout *readout, char error[WK_SERIAL_ERROR])
{
    struct reader reader = {.fd = -1, .error = error};
    *readout = (struct wk_optical_readout){.baud = 0};
    WK_TRY(wk_serial_open(&reader.fd, config->device, WK_OPTICAL_BAUD, true, error));
    wk_err err = sign_on(&reader, config, readout);
    if (err == WK_OK) {
        err = take(&reader, readout);
    }
    close(reader.fd);
    return err;
}
