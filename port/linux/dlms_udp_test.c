/* SPDX-License-Identifier: Apache-2.0
 *
 * The UDP server in a thread of its own, the blocking client against it, and between them a
 * network that loses, doubles and delays datagrams. */
#include "port/linux/dlms_udp.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cosem/axdr.h"
#include "port/linux/crypto.h"
#include "port/linux/dlms_client.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define AARE_MOST (WK_WRAPPER_SIZE + WK_ASSOCIATION_MAX)
#define IDLE_MS   1500

/* ---- the server's thread ----------------------------------------------------------------- */

static struct server {
    uv_loop_t loop;
    uv_async_t end;
    pthread_t thread;
    struct wk_dlms_udp *udp;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
    struct wk_dlms_udp_counts counts; /* when it was stopped */
    uint32_t peers;
    uint16_t port;
} server;

static struct wk_dlms_client client;

static int64_t utc_us(void *self)
{
    struct timespec now;
    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_end(uv_async_t *async)
{
    server.counts = wk_dlms_udp_counts(server.udp);
    server.peers = wk_dlms_udp_peers(server.udp);
    wk_dlms_udp_stop(server.udp);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run_server(void *self)
{
    (void)self;
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    return NULL;
}

static bool start_server(uint32_t idle_ms)
{
    char error[WK_DLMS_UDP_ERROR];
    server = (struct server){.meter = {.closed = true, .security = &server.security}};
    server.table = wk_dlms_meter_table(&server.meter);
    const struct wk_dlms_udp_config config = {
        .loop = &server.loop,
        .address = "127.0.0.1",
        .session = {.table = &server.table,
                    .security = &server.security,
                    .crypto = &server.crypto.hal,
                    .zone = &wk_zone_central_europe,
                    .max_pdu = 1024},
        .now_us = utc_us,
        .idle_ms = idle_ms,
    };
    wk_dlms_meter_secure(&server.security);
    if (wk_crypto_init(&server.crypto) != WK_OK || uv_loop_init(&server.loop) != 0 ||
        uv_async_init(&server.loop, &server.end, on_end) != 0 ||
        wk_dlms_udp_start(&server.udp, &config, error) != WK_OK) {
        return false;
    }
    server.port = wk_dlms_udp_port(server.udp);
    return pthread_create(&server.thread, NULL, run_server, NULL) == 0;
}

/* Whether it ended well: no handle left open. */
static bool stop_server(void)
{
    const bool ended =
        uv_async_send(&server.end) == 0 && pthread_join(server.thread, NULL) == 0;
    wk_crypto_close(&server.crypto);
    return ended && uv_loop_close(&server.loop) == 0;
}

/* ---- a bad network ----------------------------------------------------------------------- */

static struct network {
    pthread_t thread;
    int client_side;
    int server_side;
    struct sockaddr_in client; /* who sent last */
    uint64_t random;
    int hold[2]; /* it ends when this pipe closes */
    uint16_t port;
    uint32_t lost;
    uint32_t doubled;
} network;

static uint32_t chance(uint32_t of)
{
    network.random = network.random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(network.random >> 33) % of;
}

static void pass(int from, bool to_server)
{
    uint8_t octets[4096];
    struct sockaddr_in who;
    socklen_t size = sizeof who;
    const ssize_t got =
        recvfrom(from, octets, sizeof octets, 0, (struct sockaddr *)&who, &size);
    if (got < 0) {
        return;
    }
    if (to_server) {
        network.client = who;
    }
    uint32_t times = 1;
    if (chance(4) == 0) {
        network.lost++;
        times = 0;
    } else if (chance(4) == 0) {
        network.doubled++;
        times = 2;
    }
    for (uint32_t i = 0; i < times; i++) {
        (void)(to_server
                   ? send(network.server_side, octets, (size_t)got, 0)
                   : sendto(network.client_side, octets, (size_t)got, 0,
                            (const struct sockaddr *)&network.client, sizeof network.client));
    }
}

static void *run_network(void *self)
{
    struct pollfd ends[] = {{.fd = network.client_side, .events = POLLIN},
                            {.fd = network.server_side, .events = POLLIN},
                            {.fd = network.hold[0], .events = POLLIN}};
    (void)self;
    while (poll(ends, 3, -1) > 0 && ends[2].revents == 0) {
        if (ends[0].revents != 0) {
            pass(network.client_side, true);
        }
        if (ends[1].revents != 0) {
            pass(network.server_side, false);
        }
    }
    return NULL;
}

static int bound_socket(uint16_t to)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return -1;
    }
    address.sin_port = htons(to);
    return to == 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd
                                                                                          : -1;
}

static bool start_network(uint64_t seed)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    network = (struct network){.random = seed};
    network.client_side = bound_socket(0);
    network.server_side = bound_socket(server.port);
    if (pipe(network.hold) != 0 || network.client_side < 0 || network.server_side < 0 ||
        getsockname(network.client_side, (struct sockaddr *)&address, &size) != 0) {
        return false;
    }
    network.port = ntohs(address.sin_port);
    return pthread_create(&network.thread, NULL, run_network, NULL) == 0;
}

static void stop_network(void)
{
    (void)close(network.hold[1]);
    (void)pthread_join(network.thread, NULL);
    (void)close(network.hold[0]);
    (void)close(network.client_side);
    (void)close(network.server_side);
}

/* ---- clients ----------------------------------------------------------------------------- */

static char host[64];

static struct wk_dlms_client_config client_config(uint16_t sap, uint16_t port)
{
    struct wk_session_security security;
    wk_dlms_meter_secure(&security);
    (void)snprintf(host, sizeof host, "udp://127.0.0.1:%u", port);
    return (struct wk_dlms_client_config){
        .host = host,
        .client_sap = sap,
        .password = "Wattkeeper",
        .keys = security.setup[0].keys,
        .title = {'T', 'E', 'S', 'T', 0, 0, 0, 1},
        .answer_timeout_ms = 60000,
    };
}

static const uint8_t k_aarq[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00, 0x1F, 0x60, 0x1D,
                                 0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
                                 0x01, 0xBE, 0x10, 0x04, 0x0E, 0x01, 0x00, 0x00, 0x00, 0x06,
                                 0x5F, 0x1F, 0x04, 0x00, 0x00, 0x7E, 0x1F, 0xFF, 0xFF};
static const uint8_t k_get_clock[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00,
                                      0x0D, 0xC0, 0x01, 0xC1, 0x00, 0x08, 0x00,
                                      0x00, 0x01, 0x00, 0x00, 0xFF, 0x02, 0x00};
/* object_list of the association that asks */
static const uint8_t k_get_objects[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00,
                                        0x0D, 0xC0, 0x01, 0xC1, 0x00, 0x0F, 0x00,
                                        0x00, 0x28, 0x00, 0x00, 0xFF, 0x02, 0x00};

/* Octets of the answer; -1: none came. */
static ssize_t ask(int fd, const uint8_t *octets, size_t size, uint8_t answer[4096])
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (send(fd, octets, size, 0) != (ssize_t)size || poll(&waiting, 1, 300) <= 0) {
        return -1;
    }
    return recv(fd, answer, 4096, 0);
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

static void every_role_reads_over_udp(void)
{
    static const uint16_t k_saps[] = {WK_DLMS_CLIENT_PUBLIC, WK_DLMS_CLIENT_READER,
                                      WK_DLMS_CLIENT_MANAGEMENT};
    static const uint8_t k_profile[] = {1, 0, 99, 1, 0, 255};
    EXPECT(start_server(0));
    for (size_t i = 0; i < 3; i++) {
        const struct wk_dlms_client_config config = client_config(k_saps[i], server.port);
        const struct wk_apdu_target profile = {
            .class_id = 7, .obis = {1, 0, 99, 1, 0, 255}, .id = 2};
        struct wk_datetime shown;
        struct wk_utc utc;
        EXPECT_OK(wk_dlms_client_open(&client, &config));
        EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
        const int64_t late_s = utc_us(NULL) / 1000000 - utc.s;
        EXPECT(late_s >= 0 && late_s <= 2);
        if (i > 0) {
            rows = 0;
            EXPECT(memcmp(profile.obis, k_profile, sizeof k_profile) == 0);
            EXPECT_OK(wk_dlms_client_get_rows(&client, &profile, NULL, count_row));
            EXPECT_I64(WK_DLMS_METER_ENTRIES, rows);
        }
        wk_dlms_client_close(&client);
    }
    EXPECT(stop_server());
    EXPECT_I64(0, server.counts.repeated);
}

static void what_is_lost_or_comes_twice_is_done_once(void)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    static const uint64_t k_seed = 20261121;
    const uint32_t actions = 20;
    struct wk_datetime shown;
    struct wk_utc utc;
    struct wk_apdu_target contactor = {.class_id = 70, .obis = {0, 0, 96, 3, 10, 255}};
    printf("# seed %" PRIu64 "\n", k_seed);
    EXPECT(start_server(0));
    EXPECT(start_network(k_seed));
    const struct wk_dlms_client_config config =
        client_config(WK_DLMS_CLIENT_MANAGEMENT, network.port);
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    for (uint32_t i = 0; i < actions; i++) {
        contactor.id = i % 2 == 0 ? 1 : 2;
        EXPECT_OK(wk_dlms_client_action(&client, &contactor, k_zero, sizeof k_zero));
    }
    wk_dlms_client_close(&client);
    const struct wk_dlms_client_config public_config =
        client_config(WK_DLMS_CLIENT_PUBLIC, network.port);
    EXPECT_OK(wk_dlms_client_open(&client, &public_config));
    for (int i = 0; i < 6; i++) {
        EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
    }
    wk_dlms_client_close(&client);
    stop_network();
    EXPECT(stop_server());
    printf("# lost %u, doubled %u, recognised as repeated %" PRIu64 "\n", network.lost,
           network.doubled, server.counts.repeated);
    EXPECT(network.lost > 8 && network.doubled > 4 && server.counts.repeated > 4);
    EXPECT_I64(actions, server.meter.changes);
    EXPECT_I64(0, server.security.replays);
}

static void strangers_get_no_answer_and_the_unproven_only_short_ones(void)
{
    uint8_t answer[4096];
    uint8_t junk[64];
    EXPECT(start_server(0));
    const int fd = bound_socket(server.port);
    EXPECT_I64(-1, ask(fd, k_get_clock, sizeof k_get_clock, answer)); /* no AARQ before it */
    memcpy(junk, k_aarq, sizeof k_aarq);
    junk[7]++; /* a length that is not the datagram's */
    EXPECT_I64(-1, ask(fd, junk, sizeof k_aarq, answer));
    memcpy(junk, k_aarq, sizeof k_aarq);
    junk[5] = 9; /* another server */
    EXPECT_I64(-1, ask(fd, junk, sizeof k_aarq, answer));
    EXPECT_I64(-1, ask(fd, k_aarq, WK_WRAPPER_SIZE, answer));
    ssize_t size = ask(fd, k_aarq, sizeof k_aarq, answer);
    EXPECT(size > 0 && size <= AARE_MOST);
    size = ask(fd, k_get_objects, sizeof k_get_objects, answer);
    EXPECT(size > AARE_MOST / 2 && size <= AARE_MOST); /* a block of it */
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    EXPECT_I64(0, poll(&waiting, 1, 300)); /* and nothing behind it */
    EXPECT(ask(fd, k_get_clock, sizeof k_get_clock, answer) > 0);
    (void)close(fd);
    EXPECT(stop_server());
    EXPECT_I64(4, server.counts.dropped);
}

static void a_crowd_of_the_unproven_pushes_nobody_out_who_is_proven(void)
{
    uint8_t answer[4096];
    struct wk_datetime shown;
    struct wk_utc utc;
    EXPECT(start_server(0));
    const struct wk_dlms_client_config config =
        client_config(WK_DLMS_CLIENT_MANAGEMENT, server.port);
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    for (int i = 0; i < 3 * WK_DLMS_UDP_PEERS; i++) {
        const int fd = bound_socket(server.port);
        EXPECT(ask(fd, k_aarq, sizeof k_aarq, answer) > 0);
        (void)close(fd);
    }
    EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
    wk_dlms_client_close(&client);
    EXPECT(stop_server());
    EXPECT_I64(WK_DLMS_UDP_PEERS, server.peers);
    EXPECT_I64(0, server.counts.refused);
}

static void a_peer_that_is_idle_is_forgotten(void)
{
    struct wk_datetime shown;
    struct wk_utc utc;
    EXPECT(start_server(IDLE_MS));
    struct wk_dlms_client_config config = client_config(WK_DLMS_CLIENT_READER, server.port);
    config.answer_timeout_ms = 1000;
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
    (void)usleep((IDLE_MS + 1000) * 1000);
    EXPECT_ERR(WK_E_TIMEOUT, wk_dlms_client_get_clock(&client, &shown, &utc));
    wk_dlms_client_close(&client);
    EXPECT(stop_server());
    EXPECT_I64(1, server.counts.timed_out);
    EXPECT_I64(0, server.security.open[WK_ROLE_READER]);
}

static void a_port_that_is_taken_or_wrong_is_told(void)
{
    char error[WK_DLMS_UDP_ERROR] = "";
    struct wk_dlms_udp *second = NULL;
    EXPECT(start_server(0));
    uv_loop_t loop;
    EXPECT_I64(0, uv_loop_init(&loop));
    struct wk_dlms_udp_config config = {
        .loop = &loop, .address = "127.0.0.1", .port = server.port, .now_us = utc_us};
    EXPECT_ERR(WK_E_BUSY, wk_dlms_udp_start(&second, &config, error));
    EXPECT(strstr(error, "in use") != NULL);
    config.address = "meter.local";
    EXPECT_ERR(WK_E_ARGUMENT, wk_dlms_udp_start(&second, &config, error));
    EXPECT(strstr(error, "meter.local") != NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(0, uv_loop_close(&loop));
    EXPECT(stop_server());
}

WK_TEST_MAIN(T(every_role_reads_over_udp), T(what_is_lost_or_comes_twice_is_done_once),
             T(strangers_get_no_answer_and_the_unproven_only_short_ones),
             T(a_crowd_of_the_unproven_pushes_nobody_out_who_is_proven),
             T(a_peer_that_is_idle_is_forgotten), T(a_port_that_is_taken_or_wrong_is_told))
