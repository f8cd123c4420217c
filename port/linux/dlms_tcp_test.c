/* SPDX-License-Identifier: Apache-2.0
 *
 * The TCP server in a process of its own, and the blocking client against it: what they promise
 * about many, slow, silent and confused peers. */
#include "port/linux/dlms_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cosem/axdr.h"
#include "port/linux/crypto.h"
#include "port/linux/dlms_client.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define IDLE_MS 12000

/* ---- the server's process ---------------------------------------------------------------- */

struct server {
    uv_loop_t loop;
    uv_pipe_t end;
    char unused[16];
    struct wk_dlms_tcp *tcp;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
};

static struct server server;
static struct wk_dlms_client client;
static pid_t child;
static int hold; /* the server ends when this pipe closes */
static uint16_t port;

static int64_t utc_us(void *self)
{
    struct timespec now;
    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(server.unused, sizeof server.unused);
}

static void on_end(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void)buffer;
    if (size < 0) {
        wk_dlms_tcp_stop(server.tcp);
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static struct wk_dlms_tcp_config server_config(uint16_t wanted)
{
    server.table = wk_dlms_meter_table(&server.meter);
    return (struct wk_dlms_tcp_config){
        .loop = &server.loop,
        .address = "127.0.0.1",
        .port = wanted,
        .session =
            {
                .table = &server.table,
                .security = &server.security,
                .crypto = &server.crypto.hal,
                .zone = &wk_zone_central_europe,
                .max_pdu = 1024,
            },
        .now_us = utc_us,
        .idle_ms = IDLE_MS,
    };
}

/* Serves until `input` closes; tells its port on `output`. */
static int serve(int input, int output)
{
    char error[WK_DLMS_TCP_ERROR];
    const struct wk_dlms_tcp_config config = server_config(0);
    if (wk_crypto_init(&server.crypto) != WK_OK || uv_loop_init(&server.loop) != 0) {
        return 1;
    }
    wk_dlms_meter_secure(&server.security);
    server.meter.security = &server.security;
    server.meter.closed = true;
    if (wk_dlms_tcp_start(&server.tcp, &config, error) != WK_OK ||
        uv_pipe_init(&server.loop, &server.end, 0) != 0 ||
        uv_pipe_open(&server.end, input) != 0 ||
        uv_read_start((uv_stream_t *)&server.end, on_space, on_end) != 0) {
        return 1;
    }
    const uint16_t own = wk_dlms_tcp_port(server.tcp);
    if (write(output, &own, sizeof own) != (ssize_t)sizeof own) {
        return 1;
    }
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    const int left = uv_loop_close(&server.loop);
    wk_crypto_close(&server.crypto);
    return left == 0 ? 0 : 1;
}

static bool start_server(void)
{
    int ends[2];
    int told[2];
    if (pipe(ends) != 0 || pipe(told) != 0) {
        return false;
    }
    (void)fflush(stdout); /* or the child prints it again */
    child = fork();
    if (child == 0) {
        (void)close(ends[1]);
        (void)close(told[0]);
        exit(serve(ends[0], told[1]));
    }
    (void)close(ends[0]);
    (void)close(told[1]);
    hold = ends[1];
    const bool is_told = read(told[0], &port, sizeof port) == (ssize_t)sizeof port;
    (void)close(told[0]);
    return child > 0 && is_told;
}

/* Whether it ended well: no leak, no handle left open. */
static bool stop_server(void)
{
    int status = 1;
    (void)close(hold);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- clients ----------------------------------------------------------------------------- */

static struct wk_dlms_client_config client_config(uint16_t sap)
{
    struct wk_session_security security;
    wk_dlms_meter_secure(&security);
    return (struct wk_dlms_client_config){
        .host = "127.0.0.1",
        .port = port,
        .client_sap = sap,
        .password = "Wattkeeper",
        .keys = security.setup[0].keys,
        .title = {'T', 'E', 'S', 'T', 0, 0, 0, 1},
        .answer_timeout_ms = 10000,
    };
}

static int dial(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool put(int fd, const void *octets, size_t size)
{
    return send(fd, octets, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Octets that came within the time; 0 = the server closed; -1 = nothing came. */
static ssize_t get(int fd, uint8_t *octets, size_t room, int wait_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (poll(&poll_fd, 1, wait_ms) <= 0) {
        return -1;
    }
    const ssize_t got = recv(fd, octets, room, 0);
    return got < 0 ? 0 : got; /* a reset closes, too */
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const uint8_t k_aarq[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00, 0x1F, 0x60, 0x1D,
                                 0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
                                 0x01, 0xBE, 0x10, 0x04, 0x0E, 0x01, 0x00, 0x00, 0x00, 0x06,
                                 0x5F, 0x1F, 0x04, 0x00, 0x00, 0x7E, 0x1F, 0xFF, 0xFF};
static const uint8_t k_get_clock[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00,
                                      0x0D, 0xC0, 0x01, 0xC1, 0x00, 0x08, 0x00,
                                      0x00, 0x01, 0x00, 0x00, 0xFF, 0x02, 0x00};
#define AARE_SIZE  (8 + 43)
#define CLOCK_SIZE (8 + 18)

/* Reads exactly `size` octets, or fails. */
static bool get_all(int fd, uint8_t *octets, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const ssize_t got = get(fd, octets + at, size - at, 5000);
        if (got <= 0) {
            return false;
        }
        at += (size_t)got;
    }
    return true;
}

/* ---- tests ------------------------------------------------------------------------------- */

static uint32_t rows;

static wk_err count_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    (void)index;
    (void)element;
    rows++;
    return WK_OK;
}

static void every_role_reads_over_tcp(void)
{
    static const uint16_t k_saps[] = {WK_DLMS_CLIENT_PUBLIC, WK_DLMS_CLIENT_READER,
                                      WK_DLMS_CLIENT_MANAGEMENT};
    static const uint8_t k_import[] = {1, 0, 1, 8, 0, 255};
    static const uint8_t k_profile[] = {1, 0, 99, 1, 0, 255};
    static const uint8_t k_name[] = {0, 0, 42, 0, 0, 255};
    EXPECT(start_server());
    for (size_t i = 0; i < 3; i++) {
        const struct wk_dlms_client_config config = client_config(k_saps[i]);
        struct wk_dlms_register import;
        struct wk_datetime shown;
        struct wk_utc utc;
        char name[32];
        EXPECT_OK(wk_dlms_client_open(&client, &config));
        EXPECT_OK(wk_dlms_client_get_clock(&client, &shown, &utc));
        const int64_t late_s = utc_us(NULL) / 1000000 - utc.s;
        EXPECT(late_s >= 0 && late_s <= 2);
        EXPECT_OK(wk_dlms_client_get_text(&client, k_name, name, sizeof name));
        EXPECT(strcmp(name, "WKP0000000000001") == 0);
        EXPECT_ERR(WK_E_FULL, wk_dlms_client_get_text(&client, k_name, name, 16));
        EXPECT_ERR(i == 0 ? WK_E_REFUSED : WK_OK,
                   wk_dlms_client_get_register(&client, k_import, &import));
        if (i > 0) {
            const struct wk_utc range[2] = {{WK_DLMS_METER_START_S},
                                            {WK_DLMS_METER_START_S + 99 * 900}};
            EXPECT_I64(wk_dlms_meter_import_uwh(WK_DLMS_METER_ENTRIES - 1), import.value);
            EXPECT_I64(-6, import.scaler);
            EXPECT_I64(30, import.unit);
            rows = 0;
            EXPECT_OK(wk_dlms_client_get_range(&client, k_profile, range, NULL, count_row));
            EXPECT_I64(100, rows);
        } else {
            EXPECT(strstr(wk_dlms_client_error(&client), "no such object") != NULL);
        }
        wk_dlms_client_close(&client);
    }
    EXPECT(stop_server());
}

static void management_sets_and_acts_over_tcp(void)
{
    static uint8_t note[2 + 2 + 1200];
    struct wk_bytes_out out = wk_bytes_out_of(note, sizeof note);
    const struct wk_apdu_target text = {.class_id = 1, .obis = {0, 0, 96, 1, 9, 255}, .id = 2};
    const struct wk_apdu_target disconnect = {
        .class_id = 70, .obis = {0, 0, 96, 3, 10, 255}, .id = 1};
    const uint8_t zero[] = {WK_AXDR_INTEGER, 0};
    uint8_t back[sizeof note];
    size_t size;
    EXPECT(start_server());
    struct wk_dlms_client_config config = client_config(WK_DLMS_CLIENT_MANAGEMENT);
    config.general_glo = true;
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    wk_bytes_out_u8(&out, WK_AXDR_OCTET_STRING);
    wk_axdr_put_length(&out, 1200);
    memset(wk_bytes_out_reserve(&out, 1200), 0x5A, 1200);
    EXPECT_OK(wk_dlms_client_set(&client, &text, note, out.size));
    EXPECT_OK(wk_dlms_client_get(&client, &text, back, sizeof back, &size));
    EXPECT_I64(out.size, size);
    EXPECT_BYTES(note, back, size);
    EXPECT_OK(wk_dlms_client_action(&client, &disconnect, zero, sizeof zero));
    const uint32_t counter = wk_dlms_client_counter(&client);
    wk_dlms_client_close(&client);
    config.counter = counter; /* goes on where it stopped */
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    EXPECT_ERR(WK_E_FULL, wk_dlms_client_get(&client, &text, back, 100, &size));
    EXPECT_ERR(WK_E_STATE, wk_dlms_client_get(&client, &text, back, sizeof back, &size));
    wk_dlms_client_close(&client);
    config.counter = 2; /* far too low: corrected from the meter's answer */
    EXPECT_OK(wk_dlms_client_open(&client, &config));
    wk_dlms_client_close(&client);
    config.keys.ek.octets[0] ^= 1;
    config.counter = 0;
    EXPECT_ERR(WK_E_AUTH, wk_dlms_client_open(&client, &config));
    EXPECT(strstr(wk_dlms_client_error(&client), "wrong password or key") != NULL);
    EXPECT(stop_server());
}

static void a_meter_that_is_not_there_is_told_so(void)
{
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    EXPECT(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    EXPECT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    port = ntohs(address.sin_port);
    struct wk_dlms_client_config config = client_config(WK_DLMS_CLIENT_PUBLIC);
    config.attempts = 2;
    EXPECT_ERR(WK_E_IO, wk_dlms_client_open(&client, &config));
    EXPECT(strstr(wk_dlms_client_error(&client), "refused") != NULL);
    EXPECT(listen(listener, 4) == 0); /* it accepts, but never answers */
    config.attempts = 1;
    config.answer_timeout_ms = 200;
    const int64_t begin_ms = now_ms();
    EXPECT_ERR(WK_E_TIMEOUT, wk_dlms_client_open(&client, &config));
    EXPECT_NEAR(200, now_ms() - begin_ms, 150);
    (void)close(listener);
    config.host = "no-such-meter.invalid";
    EXPECT_ERR(WK_E_IO, wk_dlms_client_open(&client, &config));
    EXPECT(strstr(wk_dlms_client_error(&client), "no-such-meter.invalid") != NULL);
}

static void frames_are_served_however_they_arrive(void)
{
    uint8_t reply[256];
    uint8_t all[sizeof k_aarq + 3 * sizeof k_get_clock + 5];
    EXPECT(start_server());
    const int fd = dial();
    EXPECT(fd >= 0);
    for (size_t i = 0; i < sizeof k_aarq; i++) { /* octet by octet */
        EXPECT(put(fd, k_aarq + i, 1));
        (void)usleep(200);
    }
    EXPECT(get_all(fd, reply, AARE_SIZE));
    EXPECT_I64(0x61, reply[8]);
    struct wk_bytes_out out = wk_bytes_out_of(all, sizeof all); /* many at once, with junk */
    wk_bytes_out_put(&out, k_get_clock, sizeof k_get_clock);
    wk_bytes_out_put(&out, "junk!", 5);
    wk_bytes_out_put(&out, k_get_clock, sizeof k_get_clock);
    wk_bytes_out_put(&out, k_get_clock, sizeof k_get_clock);
    EXPECT(put(fd, all, out.size));
    for (int i = 0; i < 3; i++) {
        EXPECT(get_all(fd, reply, CLOCK_SIZE));
        EXPECT_I64(0xC4, reply[8]);
        EXPECT_I64(16, reply[5]); /* back to the client's port */
    }
    (void)close(fd);
    EXPECT(stop_server());
}

static void one_connection_too_many_is_closed_and_the_others_go_on(void)
{
    int fds[WK_DLMS_TCP_CONNECTIONS];
    uint8_t reply[256];
    EXPECT(start_server());
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        fds[i] = dial();
        EXPECT(fds[i] >= 0);
        EXPECT(put(fds[i], k_aarq, sizeof k_aarq));
        EXPECT(get_all(fds[i], reply, AARE_SIZE));
    }
    const int more = dial();
    EXPECT(more >= 0);
    EXPECT_I64(0, get(more, reply, sizeof reply, 5000));
    (void)close(more);
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        EXPECT(put(fds[i], k_get_clock, sizeof k_get_clock));
        EXPECT(get_all(fds[i], reply, CLOCK_SIZE));
    }
    (void)close(fds[0]); /* its place is free again */
    (void)usleep(100000);
    fds[0] = dial();
    EXPECT(put(fds[0], k_aarq, sizeof k_aarq));
    EXPECT(get_all(fds[0], reply, AARE_SIZE));
    for (size_t i = 0; i < WK_DLMS_TCP_CONNECTIONS; i++) {
        (void)close(fds[i]);
    }
    EXPECT(stop_server());
}

static void peers_that_are_slow_silent_or_talk_junk_are_closed(void)
{
    uint8_t reply[256];
    static uint8_t junk[WK_DLMS_TCP_JUNK + 100];
    EXPECT(start_server());
    const int slow = dial();
    const int silent = dial();
    const int idle = dial();
    const int noisy = dial();
    const int64_t begin_ms = now_ms();
    memset(junk, 0xEE, sizeof junk);
    EXPECT(put(idle, k_aarq, sizeof k_aarq));
    EXPECT(get_all(idle, reply, AARE_SIZE));
    EXPECT(put(noisy, junk, sizeof junk));
    EXPECT_I64(0, get(noisy, reply, sizeof reply, 2000));
    for (size_t i = 0; i < 40 && get(slow, reply, sizeof reply, 200) < 0; i++) {
        (void)put(slow, k_aarq + i % 8, 1); /* an octet now and then: never a whole frame */
    }
    const int64_t slow_ms = now_ms() - begin_ms;
    EXPECT(slow_ms >= WK_DLMS_TCP_FRAME_MS && slow_ms < WK_DLMS_TCP_FRAME_MS + 2000);
    EXPECT_I64(0, get(silent, reply, sizeof reply, WK_DLMS_TCP_PROVE_MS + 2000));
    const int64_t silent_ms = now_ms() - begin_ms;
    EXPECT(silent_ms >= WK_DLMS_TCP_PROVE_MS && silent_ms < WK_DLMS_TCP_PROVE_MS + 2000);
    EXPECT_I64(0, get(idle, reply, sizeof reply, IDLE_MS + 2000));
    const int64_t idle_ms = now_ms() - begin_ms;
    EXPECT(idle_ms >= IDLE_MS && idle_ms < IDLE_MS + 2000);
    const int fds[] = {slow, silent, idle, noisy};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        (void)close(fds[i]);
    }
    EXPECT(stop_server());
}

static void a_peer_that_does_not_read_is_closed_and_costs_little(void)
{
    uint8_t reply[256];
    EXPECT(start_server());
    const int fd = dial();
    const struct timeval patience = {.tv_sec = 5};
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
    EXPECT(put(fd, k_aarq, sizeof k_aarq));
    EXPECT(get_all(fd, reply, AARE_SIZE));
    bool is_open = true;
    for (int i = 0; i < 2000000 && is_open; i++) {
        is_open = put(fd, k_get_clock, sizeof k_get_clock);
    }
    EXPECT(!is_open);
    (void)close(fd);
    const int other = dial(); /* the server is as well as ever */
    EXPECT(put(other, k_aarq, sizeof k_aarq));
    EXPECT(get_all(other, reply, AARE_SIZE));
    (void)close(other);
    EXPECT(stop_server());
}

static void a_port_that_is_taken_or_wrong_is_told_with_what_to_do(void)
{
    char error[WK_DLMS_TCP_ERROR];
    struct wk_dlms_tcp *tcp = NULL;
    EXPECT(start_server());
    EXPECT(uv_loop_init(&server.loop) == 0);
    struct wk_dlms_tcp_config config = server_config(port);
    EXPECT_ERR(WK_E_BUSY, wk_dlms_tcp_start(&tcp, &config, error));
    EXPECT(strstr(error, "in use") != NULL && strstr(error, "another port") != NULL);
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    config.address = "meter.local";
    EXPECT_ERR(WK_E_ARGUMENT, wk_dlms_tcp_start(&tcp, &config, error));
    EXPECT(strstr(error, "\"meter.local\"") != NULL);
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    EXPECT(tcp == NULL);
    EXPECT_I64(0, uv_loop_close(&server.loop));
    EXPECT(stop_server());
}

WK_TEST_MAIN(T(every_role_reads_over_tcp), T(management_sets_and_acts_over_tcp),
             T(a_meter_that_is_not_there_is_told_so), T(frames_are_served_however_they_arrive),
             T(one_connection_too_many_is_closed_and_the_others_go_on),
             T(peers_that_are_slow_silent_or_talk_junk_are_closed),
             T(a_peer_that_does_not_read_is_closed_and_costs_little),
             T(a_port_that_is_taken_or_wrong_is_told_with_what_to_do))
