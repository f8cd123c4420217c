/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/interop/dlms_test_server [PORT [DEVICE]] - the meter of tests/dlms_meter on 127.0.0.1, for
 * foreign clients: wrapper on TCP and UDP, HDLC over TCP, and HDLC on a serial device if one is
 * given. Prints "port N hdlc M udp K" when it listens; ends when its standard input does. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "port/linux/crypto.h"
#include "port/linux/dlms_line.h"
#include "port/linux/dlms_tcp.h"
#include "port/linux/dlms_udp.h"
#include "tests/dlms_meter.h"

struct server {
    uv_loop_t loop;
    uv_pipe_t input;
    char unused[64];
    struct wk_dlms_tcp *tcp;
    struct wk_dlms_udp *udp;
    struct wk_dlms_line *hdlc;
    struct wk_dlms_line *device;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
};

static int64_t now_us(void *self)
{
    struct timespec now;
    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct server *server = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(server->unused, sizeof server->unused);
}

static void stop(struct server *server)
{
    wk_dlms_tcp_stop(server->tcp);
    wk_dlms_udp_stop(server->udp);
    wk_dlms_line_stop(server->hdlc);
    if (server->device != NULL) {
        wk_dlms_line_stop(server->device);
    }
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct server *server = stream->data;
    (void)buffer;
    if (size < 0) {
        stop(server);
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static wk_err complain(wk_err err, const char *error)
{
    if (err != WK_OK) {
        fprintf(stderr, "dlms_test_server: %s\n", error);
    }
    return err;
}

static wk_err start(struct server *server, uint16_t port, const char *device)
{
    char error[WK_DLMS_TCP_ERROR];
    server->table = wk_dlms_meter_table(&server->meter);
    const struct wk_session_config session = {
        .table = &server->table,
        .security = &server->security,
        .crypto = &server->crypto.hal,
        .zone = &wk_zone_central_europe,
        .max_pdu = 1024,
    };
    const struct wk_dlms_tcp_config config = {
        .loop = &server->loop,
        .address = "127.0.0.1",
        .port = port,
        .session = session,
        .now_us = now_us,
    };
    const struct wk_dlms_udp_config udp = {
        .loop = &server->loop,
        .address = "127.0.0.1",
        .session = session,
        .now_us = now_us,
    };
    struct wk_dlms_line_config hdlc = {
        .loop = &server->loop,
        .address = "127.0.0.1",
        .station = {.lower = 17},
        .session = session,
        .now_us = now_us,
    };
    WK_TRY(complain(wk_dlms_tcp_start(&server->tcp, &config, error), error));
    WK_TRY(complain(wk_dlms_udp_start(&server->udp, &udp, error), error));
    WK_TRY(complain(wk_dlms_line_start(&server->hdlc, &hdlc, error), error));
    if (device != NULL) {
        hdlc.device = device;
        WK_TRY(complain(wk_dlms_line_start(&server->device, &hdlc, error), error));
    }
    return WK_OK;
}

int main(int argc, char **argv)
{
    static struct server server;
    const long port = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    if (port < 0 || port > UINT16_MAX) {
        fprintf(stderr, "dlms_test_server: \"%s\" is no port\n", argv[1]);
        return 2;
    }
    if (wk_crypto_init(&server.crypto) != WK_OK || uv_loop_init(&server.loop) != 0) {
        fprintf(stderr, "dlms_test_server: OpenSSL or libuv does not start\n");
        return 1;
    }
    wk_dlms_meter_secure(&server.security);
    server.meter.security = &server.security;
    server.meter.closed = true;
    int status = 0;
    if (start(&server, (uint16_t)port, argc > 2 ? argv[2] : NULL) != WK_OK) {
        return 1;
    } else {
        printf("port %u hdlc %u udp %u\n", wk_dlms_tcp_port(server.tcp),
               wk_dlms_line_port(server.hdlc), wk_dlms_udp_port(server.udp));
        fflush(stdout);
        server.input.data = &server;
        if (uv_pipe_init(&server.loop, &server.input, 0) != 0 ||
            uv_pipe_open(&server.input, 0) != 0 ||
            uv_read_start((uv_stream_t *)&server.input, on_space, on_input) != 0) {
            fprintf(stderr, "dlms_test_server: standard input must be a pipe\n");
            status = 1;
            stop(&server);
        }
    }
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&server.loop);
    wk_crypto_close(&server.crypto);
    return status;
}
