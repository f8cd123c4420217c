/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/interop/suite_test_server SUITE - the meter of tests/dlms_meter on 127.0.0.1, for foreign
 * clients: the management client may use HLS 5, 6 and 7 in that suite, with the keys of
 * tests/certificates. Prints "port N" when it listens; ends when its standard input does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cosem/cosem_test.h"
#include "cosem/kdf.h"
#include "port/linux/crypto.h"
#include "port/linux/dlms_tcp.h"
#include "tests/certificates.h"
#include "tests/dlms_meter.h"

struct server {
    uv_loop_t loop;
    uv_pipe_t input;
    char unused[64];
    struct wk_dlms_tcp *tcp;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_session_identity identity;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
};

/* The management client, by whatever it can. */
static const struct wk_session_association k_associations[] = {
    {.client_sap = 16, .role = WK_ROLE_PUBLIC, .mechanisms = 1U, .contexts = 1U << 1},
    {.client_sap = 1,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << 5 | 1U << 6 | 1U << 7,
     .contexts = 1U << 3,
     .policy = WK_SESSION_SEALED},
};

/* The meter's keys and certificates for a suite. */
static wk_err equip(struct server *server, uint8_t suite)
{
    struct wk_session_security *security = &server->security;
    const struct wk_test_certificates *made = &k_certificates[suite == 2 ? 1 : 0];
    const struct wk_test_octets root = wk_test_hex(made->root);
    security->setup[0].suite = suite;
    security->setup[0].keys.ek.size = wk_kdf_key_size(suite);
    security->setup[0].keys.ak.size = wk_kdf_key_size(suite);
    security->identity = &server->identity;
    security->password[WK_ROLE_MANAGEMENT] = security->password[WK_ROLE_READER];
    WK_TRY(wk_session_trust(&server->identity, security->title, wk_test_in(&root)));
    for (int pair = 0; pair < WK_SESSION_PAIRS; pair++) {
        const struct wk_test_octets client = wk_test_hex(made->client[pair]);
        const struct wk_test_octets key = wk_test_hex(made->server_key[pair]);
        struct wk_hal_private *own = &server->identity.own[pair].key;
        WK_TRY(wk_session_trust(&server->identity, security->title, wk_test_in(&client)));
        own->size = (uint8_t)key.size;
        memcpy(own->octets, key.data, key.size);
    }
    return WK_OK;
}

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

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct server *server = stream->data;
    (void)buffer;
    if (size < 0) {
        wk_dlms_tcp_stop(server->tcp);
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static wk_err start(struct server *server)
{
    char error[WK_DLMS_TCP_ERROR];
    server->table = wk_dlms_meter_table(&server->meter);
    const struct wk_dlms_tcp_config config = {
        .loop = &server->loop,
        .address = "127.0.0.1",
        .session =
            {
                .table = &server->table,
                .security = &server->security,
                .crypto = &server->crypto.hal,
                .zone = &wk_zone_central_europe,
                .associations = k_associations,
                .association_count = 2,
                .max_pdu = 1024,
            },
        .now_us = now_us,
    };
    const wk_err err = wk_dlms_tcp_start(&server->tcp, &config, error);
    if (err != WK_OK) {
        fprintf(stderr, "suite_test_server: %s\n", error);
    }
    return err;
}

int main(int argc, char **argv)
{
    static struct server server;
    const long suite = argc > 1 ? strtol(argv[1], NULL, 10) : -1;
    if (wk_crypto_init(&server.crypto) != WK_OK || uv_loop_init(&server.loop) != 0) {
        fprintf(stderr, "suite_test_server: OpenSSL or libuv does not start\n");
        return 1;
    }
    wk_dlms_meter_secure(&server.security);
    if (suite < 0 || suite > 2 || equip(&server, (uint8_t)suite) != WK_OK) {
        fprintf(stderr, "suite_test_server: give a suite: 0, 1 or 2\n");
        return 2;
    }
    server.meter.security = &server.security;
    server.meter.closed = true;
    int status = 0;
    if (start(&server) != WK_OK) {
        status = 1;
    } else {
        printf("port %u\n", wk_dlms_tcp_port(server.tcp));
        fflush(stdout);
        server.input.data = &server;
        if (uv_pipe_init(&server.loop, &server.input, 0) != 0 ||
            uv_pipe_open(&server.input, 0) != 0 ||
            uv_read_start((uv_stream_t *)&server.input, on_space, on_input) != 0) {
            fprintf(stderr, "suite_test_server: standard input must be a pipe\n");
            status = 1;
            wk_dlms_tcp_stop(server.tcp);
        }
    }
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&server.loop);
    wk_crypto_close(&server.crypto);
    return status;
}
