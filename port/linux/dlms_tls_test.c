/* SPDX-License-Identifier: Apache-2.0
 *
 * The DLMS port with TLS in a thread of its own: the blocking client through it, and peers that
 * are slow, many, or speak something else. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/crypto.h"
#include "port/linux/dlms_client.h"
#include "port/linux/dlms_tcp.h"
#include "tests/dlms_meter.h"
#include "tests/pki.h"
#include "tests/wk_test.h"

static struct server {
    uv_loop_t loop;
    uv_async_t end;
    pthread_t thread;
    struct wk_dlms_tcp *tcp;
    struct wk_tls_context *trust;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
    struct wk_dlms_tcp_counts counts; /* when it was stopped */
    uint16_t port;
} server;

static struct wk_dlms_client client;
static struct wk_tls_context *trust; /* of the client */
static char g_folder[] = "/tmp/wk-dlms-tls-XXXXXX";
static char g_ca[64];
static char g_certificate[64];
static char g_key[64];

static bool make_credentials(void)
{
    if (g_ca[0] != '\0') {
        return true;
    }
    if (mkdtemp(g_folder) == NULL) {
        return false;
    }
    (void)snprintf(g_ca, sizeof g_ca, "%s/ca.pem", g_folder);
    (void)snprintf(g_certificate, sizeof g_certificate, "%s/own.pem", g_folder);
    (void)snprintf(g_key, sizeof g_key, "%s/own.key", g_folder);
    return wk_pki_write_credentials(g_folder, "IP:127.0.0.1,DNS:meter.example");
}

static struct wk_tls_context *make_trust(bool is_server)
{
    char error[WK_TLS_ERROR];
    struct wk_tls_context *made = NULL;
    const struct wk_tls_config config = {
        .server = is_server, .certificate = g_certificate, .key = g_key, .ca = g_ca};
    return wk_tls_context_make(&made, &config, error) == WK_OK ? made : NULL;
}

static int64_t utc_us(void *self)
{
    struct timespec now;
    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_end(uv_async_t *async)
{
    server.counts = wk_dlms_tcp_counts(server.tcp);
    wk_dlms_tcp_stop(server.tcp);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run_server(void *self)
{
    (void)self;
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    return NULL;
}

static bool start_server(void)
{
    char error[WK_DLMS_TCP_ERROR];
    if (!make_credentials()) {
        return false;
    }
    server = (struct server){.meter = {.closed = true, .security = &server.security}};
    server.table = wk_dlms_meter_table(&server.meter);
    server.trust = make_trust(true);
    trust = make_trust(false);
    const struct wk_dlms_tcp_config config = {
        .loop = &server.loop,
        .address = "127.0.0.1",
        .session = {.table = &server.table,
                    .security = &server.security,
                    .crypto = &server.crypto.hal,
                    .zone = &wk_zone_central_europe,
                    .max_pdu = 1024},
        .now_us = utc_us,
        .tls = server.trust,
    };
    wk_dlms_meter_secure(&server.security);
    if (server.trust == NULL || trust == NULL || wk_crypto_init(&server.crypto) != WK_OK ||
        uv_loop_init(&server.loop) != 0 ||
        uv_async_init(&server.loop, &server.end, on_end) != 0 ||
        wk_dlms_tcp_start(&server.tcp, &config, error) != WK_OK) {
        return false;
    }
    server.port = wk_dlms_tcp_port(server.tcp);
    return pthread_create(&server.thread, NULL, run_server, NULL) == 0;
}

static bool stop_server(void)
{
    const bool ended =
        uv_async_send(&server.end) == 0 && pthread_join(server.thread, NULL) == 0;
    wk_crypto_close(&server.crypto);
    wk_tls_context_free(server.trust);
    wk_tls_context_free(trust);
    return ended && uv_loop_close(&server.loop) == 0;
}

static struct wk_dlms_client_config client_config(uint16_t sap)
{
    static char host[64];
    struct wk_session_security security;
    wk_dlms_meter_secure(&security);
    (void)snprintf(host, sizeof host, "tls://127.0.0.1:%u", server.port);
    return (struct wk_dlms_client_config){
        .host = host,
        .client_sap = sap,
        .password = "Wattkeeper",
        .keys = security.setup[0].keys,
        .title = {'T', 'E', 'S', 'T', 0, 0, 0, 1},
        .tls = trust,
    };
}

static int dial(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server.port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int64_t now_ms(void)
{
    return utc_us(NULL) / 1000;
}

/* Whether the server closes within the time. */
static bool is_closed(int fd, int wait_ms)
{
    uint8_t octets[256];
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    while (poll(&waiting, 1, wait_ms) > 0) {
        if (recv(fd, octets, sizeof octets, 0) <= 0) {
            return true;
        }
    }
    return false;
}

static uint32_t rows;

static wk_err count_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    (void)index;
    (void)element;
    rows++;
    return WK_OK;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void every_role_reads_over_tls(void)
{
    static const uint16_t k_saps[] = {WK_DLMS_CLIENT_PUBLIC, WK_DLMS_CLIENT_READER,
                                      WK_DLMS_CLIENT_MANAGEMENT};
    const struct wk_apdu_target profile = {
        .class_id = 7, .obis = {1, 0, 99, 1, 0, 255}, .id = 2};
    EXPECT(start_server());
    for (size_t i = 0; i < 3; i++) {
        const struct wk_dlms_client_config config = client_config(k_saps[i]);
        struct wk_datetime shown;
        struct wk_utc utc;
        EXPECT_OK(wk_dlms_client_open(&client, &config));
        EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
        rows = 0;
        EXPECT_ERR(i == 0 ? WK_E_REFUSED : WK_OK,
                   wk_dlms_client_get_rows(&client, &profile, NULL, count_row));
        EXPECT_I64(i == 0 ? 0 : WK_DLMS_METER_ENTRIES, rows);
        wk_dlms_client_close(&client);
    }
    EXPECT(stop_server());
    EXPECT_I64(3, server.counts.tls_opened);
    EXPECT_I64(2, server.counts.tls_resumed);
    EXPECT_I64(0, server.counts.tls_refused);
}

static void a_meter_of_another_name_is_not_asked(void)
{
    EXPECT(start_server());
    struct wk_dlms_client_config config = client_config(WK_DLMS_CLIENT_READER);
    config.tls_name = "other.example";
    EXPECT_ERR(WK_E_AUTH, wk_dlms_client_open(&client, &config));
    EXPECT(strstr(wk_dlms_client_error(&client), "certificate of the server") != NULL);
    config.tls_name = "meter.example";
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    wk_dlms_client_close(&client);
    config.tls = NULL;
    EXPECT_ERR(WK_E_STATE, wk_dlms_client_open(&client, &config));
    EXPECT(stop_server());
}

static void who_speaks_without_tls_is_closed_and_nothing_is_served(void)
{
    static const uint8_t k_aarq[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00, 0x1F, 0x60, 0x1D,
                                     0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
                                     0x01, 0xBE, 0x10, 0x04, 0x0E, 0x01, 0x00, 0x00, 0x00, 0x06,
                                     0x5F, 0x1F, 0x04, 0x00, 0x00, 0x7E, 0x1F, 0xFF, 0xFF};
    EXPECT(start_server());
    const int fd = dial();
    EXPECT(fd >= 0);
    EXPECT(send(fd, k_aarq, sizeof k_aarq, MSG_NOSIGNAL) == (ssize_t)sizeof k_aarq);
    EXPECT(is_closed(fd, 2000));
    (void)close(fd);
    EXPECT(stop_server());
    EXPECT_I64(0, server.counts.requests);
    EXPECT_I64(1, server.counts.tls_refused);
}

static void slow_handshakes_starve_nobody_and_have_an_end(void)
{
    int slow[2 * WK_DLMS_TCP_HANDSHAKES];
    struct wk_datetime shown;
    struct wk_utc utc;
    EXPECT(start_server());
    const int64_t begun_ms = now_ms();
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        slow[i] = dial(); /* more than may be under way, and silent */
        EXPECT(slow[i] >= 0);
    }
    const struct wk_dlms_client_config config = client_config(WK_DLMS_CLIENT_READER);
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
    EXPECT(now_ms() - begun_ms < 2000);
    wk_dlms_client_close(&client);
    EXPECT(is_closed(slow[0], 1000)); /* it had to give its place */
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        EXPECT(is_closed(slow[i], WK_DLMS_TCP_HANDSHAKE_MS + 2000));
        (void)close(slow[i]);
    }
    EXPECT(now_ms() - begun_ms < WK_DLMS_TCP_HANDSHAKE_MS + 3000);
    EXPECT(stop_server());
    EXPECT_I64(sizeof slow / sizeof slow[0], server.counts.tls_refused);
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", g_folder);
    (void)(system(command) == 0);
}

WK_TEST_MAIN(T(every_role_reads_over_tls), T(a_meter_of_another_name_is_not_asked),
             T(who_speaks_without_tls_is_closed_and_nothing_is_served),
             T(slow_handshakes_starve_nobody_and_have_an_end))
