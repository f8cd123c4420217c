/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/sign_on.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cosem/mode_e.h"
#include "port/linux/serial.h"

#define OCTET_BITS 10
#define ADAPTER_US INT64_C(50000)
#define CONFIRM_US INT64_C(1000000) /* for the meter's ACK; not every meter sends it */

static const char k_request[] = "/?!\r\n";

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_us(int64_t us)
{
    const struct timespec span = {.tv_sec = us / 1000000, .tv_nsec = (us % 1000000) * 1000};
    (void)nanosleep(&span, NULL);
}

static wk_err send_all(int file, const void *octets, size_t size)
{
    const uint8_t *from = octets;
    while (size > 0) {
        const ssize_t part = write(file, from, size);
        if (part < 0 && errno != EINTR && errno != EAGAIN) {
            return WK_E_IO;
        }
        if (part < 0) {
            pause_us(1000);
            continue;
        }
        from += part;
        size -= (size_t)part;
    }
    return WK_OK;
}

static wk_err read_octet(int file, int64_t deadline_us, char *octet)
{
    for (;;) {
        uint8_t got;
        const ssize_t size = read(file, &got, 1);
        if (size == 1) {
            *octet = (char)(got & 0x7FU);
            return WK_OK;
        }
        if (size < 0 && errno != EAGAIN && errno != EINTR) {
            return WK_E_IO;
        }
        const int64_t left_ms = (deadline_us - now_us() + 999) / 1000;
        struct pollfd waiting = {.fd = file, .events = POLLIN};
        if (left_ms <= 0 || poll(&waiting, 1, left_ms > 1000 ? 1000 : (int)left_ms) < 0) {
            return left_ms <= 0 ? WK_E_TIMEOUT : WK_E_IO;
        }
    }
}

/* The next line that begins with `first`, without its end. */
static wk_err read_line(int file, char first, int64_t deadline_us, char line[WK_MODE_E_LINE],
                        size_t *size)
{
    *size = 0;
    for (;;) {
        char octet = '\0';
        WK_TRY(read_octet(file, deadline_us, &octet));
        if (octet == first) {
            *size = 0;
        }
        if (octet == '\n' && *size > 1 && line[0] == first && line[*size - 1] == '\r') {
            (*size)--;
            return WK_OK;
        }
        if (*size == WK_MODE_E_LINE) {
            *size = 0; /* no message is so long */
        }
        line[(*size)++] = octet;
    }
}

/* An optical head may give back what it was given. */
static wk_err read_identity(int file, int64_t deadline_us, struct wk_mode_e_meter *meter)
{
    char line[WK_MODE_E_LINE];
    size_t size = 1;
    do {
        WK_TRY(read_line(file, '/', deadline_us, line, &size));
    } while (size > 1 && line[1] == '?');
    return wk_mode_e_read_identity(line, size, meter);
}

static wk_err select_hdlc(int file, const struct wk_mode_e_meter *meter, uint32_t baud)
{
    uint8_t octets[8];
    char line[WK_MODE_E_LINE];
    size_t size;
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_mode_e_put_select(&out, baud);
    pause_us(meter->is_quick ? WK_MODE_E_REPLY_US : WK_MODE_E_REPLY_SLOW_US);
    WK_TRY(send_all(file, octets, out.size));
    /* adapters say that all has gone out while they still have it */
    pause_us((int64_t)out.size * OCTET_BITS * 1000000 / WK_MODE_E_BAUD + ADAPTER_US);
    WK_TRY(wk_serial_change(file, baud, true));
    /* without it HDLC shows whether the meter took it */
    (void)(read_line(file, '\006', now_us() + CONFIRM_US, line, &size) == WK_OK);
    return wk_serial_change(file, baud, false);
}

static wk_err sign_on(int file, uint32_t *baud, int64_t deadline_us)
{
    struct wk_mode_e_meter meter = {.hdlc = false};
    WK_TRY(send_all(file, k_request, sizeof k_request - 1));
    WK_TRY(read_identity(file, deadline_us, &meter));
    if (!meter.hdlc) {
        return WK_E_UNSUPPORTED;
    }
    *baud = *baud == 0 || *baud > meter.baud ? meter.baud : *baud;
    return select_hdlc(file, &meter, *baud);
}

wk_err wk_sign_on(int file, uint32_t *baud, int64_t deadline_us, char error[WK_SIGN_ON_ERROR])
{
    const wk_err err = sign_on(file, baud, deadline_us);
    const char *why = err == WK_E_TIMEOUT ? "no meter answers the sign-on with 300 baud"
                      : err == WK_E_UNSUPPORTED
                          ? "the meter does not offer HDLC (mode E of IEC 62056-21)"
                      : err == WK_E_FORMAT ? "the answer to the sign-on is no identification"
                                           : wk_err_text(err);
    if (err != WK_OK) {
        (void)snprintf(error, WK_SIGN_ON_ERROR, "sign-on: %s", why);
    }
    return err;
}
