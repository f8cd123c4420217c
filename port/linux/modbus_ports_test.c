/* SPDX-License-Identifier: Apache-2.0
 *
 * The Modbus ports of a meter, read by our own master (port/linux/submeter) over TCP and over a pair
 * of pseudo terminals. What it must read is the window of tests/view_meter.c. */
#include "port/linux/modbus_ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/modbus_master.h"
#include "port/linux/submeter.h"
#include "tests/view_meter.h"
#include "tests/wk_test.h"
#include "view/modbus_crc.h"

#define UNIT      5
#define OTHER     9
#define BAUD      19200
#define T35_US    2006 /* 11 bits */
#define IDLE_MS   300
#define TCP_READS 2000
#define RTU_READS 200

static struct wk_view_meter g_meter;
static uv_loop_t g_loop;
static uv_async_t g_end;
static pthread_t g_thread;
static struct wk_modbus_tcp_port *g_tcp;
static struct wk_modbus_line *g_line;
static int g_master = -1; /* our end of the line */
static char g_device[64];
static char g_uri[96];
static char g_error[WK_SOCKET_ERROR];
static unsigned g_served;

static int64_t now_us(void *self)
{
    (void)self;
    return INT64_C(1769986800000000);
}

static void served(void *self)
{
    (void)self;
    g_served++;
}

static struct wk_modbus_server_config server_config(void)
{
    return (struct wk_modbus_server_config){.table = &g_meter.module.table,
                                            .phases = 3,
                                            .unit = UNIT,
                                            .baud = BAUD,
                                            .maximum_w = 20000,
                                            .writer = WK_ROLE_MANAGEMENT};
}

static void on_end(uv_async_t *async)
{
    if (g_tcp != NULL) {
        wk_modbus_tcp_stop(g_tcp);
    }
    if (g_line != NULL) {
        wk_modbus_line_stop(g_line);
    }
    uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *context)
{
    (void)context;
    (void)uv_run(&g_loop, UV_RUN_DEFAULT);
    return NULL;
}

static bool open_line(void)
{
    struct termios settings;
    g_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (g_master < 0 || grantpt(g_master) != 0 || unlockpt(g_master) != 0 ||
        ptsname_r(g_master, g_device, sizeof g_device) != 0 ||
        tcgetattr(g_master, &settings) != 0) {
        return false;
    }
    cfmakeraw(&settings);
    return tcsetattr(g_master, TCSANOW, &settings) == 0;
}

static wk_err start(void)
{
    const struct wk_modbus_owner owner = {.now_us = now_us, .served = served};
    const struct wk_modbus_tcp_config tcp = {.loop = &g_loop,
                                             .address = "127.0.0.1",
                                             .idle_ms = IDLE_MS,
                                             .server = server_config(),
                                             .owner = owner};
    const struct wk_modbus_line_config line = {.loop = &g_loop,
                                               .device = g_device,
                                               .baud = BAUD,
                                               .framing = "8E1",
                                               .rs485 = true,
                                               .server = server_config(),
                                               .owner = owner};
    g_tcp = NULL;
    g_line = NULL;
    g_served = 0;
    if (!open_line() || uv_loop_init(&g_loop) != 0 ||
        uv_async_init(&g_loop, &g_end, on_end) != 0) {
        return WK_E_IO;
    }
    WK_TRY(wk_view_meter_init(&g_meter, 3));
    WK_TRY(wk_view_meter_step(&g_meter));
    WK_TRY(wk_modbus_tcp_start(&g_tcp, &tcp, g_error));
    WK_TRY(wk_modbus_line_start(&g_line, &line, g_error));
    (void)snprintf(g_uri, sizeof g_uri, "tcp:127.0.0.1:%u", wk_modbus_tcp_number(g_tcp));
    return pthread_create(&g_thread, NULL, run, NULL) == 0 ? WK_OK : WK_E_IO;
}

static void stop(void)
{
    (void)uv_async_send(&g_end);
    (void)pthread_join(g_thread, NULL);
    (void)uv_loop_close(&g_loop);
    wk_modbus_tcp_free(g_tcp);
    wk_modbus_line_free(g_line);
    close(g_master);
}

/* ---- a client by hand -------------------------------------------------------------------- */

static int64_t steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int connect_tcp(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(wk_modbus_tcp_number(g_tcp)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval wait = {.tv_sec = 2};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

static size_t receive(int fd, uint8_t *to, size_t wanted)
{
    size_t got = 0;
    while (got < wanted) {
        const ssize_t part = read(fd, to + got, wanted - got);
        if (part <= 0) {
            break;
        }
        got += (size_t)part;
    }
    return got;
}

/* ---- tests ------------------------------------------------------------------------------- */

static wk_err bus_read(void *self, const struct wk_modbus_request *request, uint16_t *to)
{
    return wk_modbus_read(self, request, to);
}

static uint8_t bus_exception(void *self)
{
    const struct wk_modbus *modbus = self;
    return modbus->exception;
}

static bool is_read_right(const char *uri, wk_submeter_map map)
{
    struct wk_modbus modbus;
    struct wk_submeter submeter;
    const struct wk_modbus_config config = {.uri = uri, .timeout_ms = 2000};
    const struct wk_submeter_bus bus = {
        .self = &modbus, .read = bus_read, .exception = bus_exception};
    wk_submeter_init(&submeter, map, UNIT);
    wk_err err = wk_modbus_open(&modbus, &config);
    err = err == WK_OK ? wk_submeter_read(&submeter, &bus) : err;
    const int64_t *value = submeter.value;
    const bool is_right = err == WK_OK && value[WK_SUBMETER_U1] == 230100 &&
                          value[WK_SUBMETER_I3] == 7000000 && value[WK_SUBMETER_P] == 1700000 &&
                          value[WK_SUBMETER_PF] == 472 &&
                          value[WK_SUBMETER_IMPORT1] / 1000000 == 1000;
    if (!is_right) {
        printf("# %s: %s %s %s; U1 %lld I3 %lld P %lld PF %lld\n", uri, wk_err_name(err),
               modbus.why, submeter.why, (long long)value[WK_SUBMETER_U1],
               (long long)value[WK_SUBMETER_I3], (long long)value[WK_SUBMETER_P],
               (long long)value[WK_SUBMETER_PF]);
    }
    wk_modbus_close(&modbus);
    return is_right;
}

static void our_master_reads_our_meter_over_tcp(void)
{
    EXPECT_OK(start());
    const bool sunspec = is_read_right(g_uri, WK_SUBMETER_SUNSPEC);
    const bool sdm630 = is_read_right(g_uri, WK_SUBMETER_SDM630);
    stop();
    EXPECT(sunspec);
    EXPECT(sdm630);
}

static size_t ask_line(const uint8_t *request, size_t size, uint8_t *to, size_t wanted,
                       int64_t *first_us)
{
    uint8_t frame[32];
    memcpy(frame, request, size);
    const uint16_t crc = wk_modbus_crc(WK_MODBUS_CRC_BEGIN, frame, size);
    frame[size] = (uint8_t)(crc & 0xFF);
    frame[size + 1] = (uint8_t)(crc >> 8);
    const int64_t begin_us = steady_us();
    if (write(g_master, frame, size + 2) != (ssize_t)(size + 2) ||
        receive(g_master, to, 1) != 1) {
        return 0;
    }
    *first_us = steady_us() - begin_us;
    return 1 + receive(g_master, to + 1, wanted - 1);
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

static void a_line_answers_after_its_silence(void)
{
    static const uint8_t k_request[] = {UNIT, 4, 0, 0, 0, 80};
    static int64_t first_us[RTU_READS];
    uint8_t answer[256];
    bool is_right = true;
    EXPECT_OK(start());
    for (int n = 0; n < RTU_READS; n++) {
        is_right = is_right &&
                   ask_line(k_request, sizeof k_request, answer, 165, &first_us[n]) == 165 &&
                   wk_modbus_crc(WK_MODBUS_CRC_BEGIN, answer, 165) == 0;
    }
    stop();
    EXPECT(is_right);
    qsort(first_us, RTU_READS, sizeof first_us[0], compare);
    const int64_t median_us = first_us[RTU_READS / 2];
    const int64_t p95_us = first_us[RTU_READS * 95 / 100];
    WK_TEST_FIGURE("Modbus RTU: first octet of the answer after the request, median",
                   (double)median_us / 1e3, "ms", "<= t3.5 + 2 ms (4.006)",
                   median_us <= T35_US + 2000, 0);
    printf("# 95 %%: %.3f ms, least %.3f ms\n", (double)p95_us / 1e3,
           (double)first_us[0] / 1e3);
    EXPECT(first_us[0] >= T35_US);
    EXPECT(median_us <= T35_US + 2000);
}

static void what_is_written_is_told_to_the_owner(void)
{
    static const uint8_t k_write[] = {UNIT, 6, 0x23, 0x01, 0, 1};
    uint8_t answer[16];
    int64_t first_us = 0;
    EXPECT_OK(start());
    const size_t size = ask_line(k_write, sizeof k_write, answer, 8, &first_us);
    const struct wk_modbus_counts counts = wk_modbus_line_counts(g_line);
    stop();
    EXPECT_I64(8, size);
    EXPECT_BYTES(k_write, answer, sizeof k_write);
    EXPECT_I64(1, g_served);
    EXPECT_I64(1, counts.server_messages);
}

static void requests_in_one_piece_are_answered_in_turn(void)
{
    uint8_t all[1200];
    uint8_t answer[1300];
    EXPECT_OK(start());
    const int fd = connect_tcp();
    for (size_t n = 0; n < 100; n++) {
        const uint8_t request[12] = {0, (uint8_t)n, 0, 0, 0, 6, UNIT, 4, 0, 0, 0, 2};
        memcpy(all + 12 * n, request, sizeof request);
    }
    const bool is_sent = fd >= 0 && write(fd, all, sizeof all) == (ssize_t)sizeof all;
    const size_t got = receive(fd, answer, sizeof answer);
    close(fd);
    stop();
    EXPECT(is_sent);
    EXPECT_I64(sizeof answer, got);
    for (size_t n = 0; n < 100; n++) {
        EXPECT_I64(n, answer[13 * n + 1]);
    }
}

static void units_are_ours_or_have_no_path(void)
{
    static const uint8_t k_units[] = {UNIT, 0, 255, OTHER};
    uint8_t answer[16];
    size_t sizes[4];
    uint8_t codes[4];
    EXPECT_OK(start());
    const int fd = connect_tcp();
    for (size_t n = 0; n < 4; n++) {
        const uint8_t request[12] = {0, 7, 0, 0, 0, 6, k_units[n], 4, 0, 0, 0, 2};
        sizes[n] = write(fd, request, sizeof request) == (ssize_t)sizeof request
                       ? receive(fd, answer, k_units[n] == OTHER ? 9 : 13)
                       : 0;
        codes[n] = answer[8];
    }
    close(fd);
    stop();
    EXPECT_I64(13, sizes[0]);
    EXPECT_I64(13, sizes[1]);
    EXPECT_I64(13, sizes[2]);
    EXPECT_I64(9, sizes[3]);
    EXPECT_I64(WK_MODBUS_SERVER_NO_PATH, codes[3]);
}

static void connections_that_say_nothing_or_nonsense_are_closed(void)
{
    uint8_t octet;
    EXPECT_OK(start());
    const int idle = connect_tcp();
    const int strange = connect_tcp();
    const bool is_sent = write(strange, "GET / HTTP/1.1\r\n", 16) == 16;
    const ssize_t after_nonsense = read(strange, &octet, 1);
    const int64_t begin_us = steady_us();
    const ssize_t after_idleness = read(idle, &octet, 1);
    const int64_t idle_us = steady_us() - begin_us;
    close(idle);
    close(strange);
    stop();
    EXPECT(is_sent);
    EXPECT_I64(0, after_nonsense);
    EXPECT_I64(0, after_idleness);
    EXPECT(idle_us < 1900000);
}

static void one_connection_too_many_is_closed_at_once(void)
{
    int fds[WK_MODBUS_PORT_CONNECTIONS + 1];
    uint8_t octet;
    EXPECT_OK(start());
    for (size_t n = 0; n <= WK_MODBUS_PORT_CONNECTIONS; n++) {
        fds[n] = connect_tcp();
    }
    const ssize_t last = read(fds[WK_MODBUS_PORT_CONNECTIONS], &octet, 1);
    for (size_t n = 0; n <= WK_MODBUS_PORT_CONNECTIONS; n++) {
        close(fds[n]);
    }
    stop();
    EXPECT_I64(0, last);
}

static void tcp_answers_within_milliseconds(void)
{
    static const uint8_t k_request[12] = {0, 1, 0, 0, 0, 6, UNIT, 3, 0x9C, 0xB6, 0, 107};
    static int64_t took_us[TCP_READS];
    uint8_t answer[256];
    bool is_right = true;
    EXPECT_OK(start());
    const int fd = connect_tcp();
    for (int n = 0; n < TCP_READS; n++) {
        const int64_t begin_us = steady_us();
        is_right = is_right &&
                   write(fd, k_request, sizeof k_request) == (ssize_t)sizeof k_request &&
                   receive(fd, answer, 223) == 223;
        took_us[n] = steady_us() - begin_us;
    }
    close(fd);
    stop();
    EXPECT(is_right);
    qsort(took_us, TCP_READS, sizeof took_us[0], compare);
    const int64_t p99_us = took_us[TCP_READS * 99 / 100];
    WK_TEST_FIGURE("Modbus TCP: answer to a whole SunSpec model, 99 %", (double)p99_us / 1e3,
                   "ms", "< 5", p99_us < 5000, 0);
    EXPECT(p99_us < 5000);
}

static void what_cannot_be_opened_is_refused_with_the_reason(void)
{
    struct wk_modbus_line *line = NULL;
    struct wk_modbus_tcp_port *tcp = NULL;
    uv_loop_t loop;
    struct wk_modbus_line_config config = {.loop = &loop,
                                           .device = "/nowhere",
                                           .baud = BAUD,
                                           .framing = "8E1",
                                           .server = server_config()};
    struct wk_modbus_tcp_config other = {
        .loop = &loop, .address = "nowhere", .server = server_config()};
    EXPECT(uv_loop_init(&loop) == 0);
    EXPECT_ERR(WK_E_NOT_FOUND, wk_modbus_line_start(&line, &config, g_error));
    EXPECT(strstr(g_error, "/nowhere: No such file") != NULL);
    config.server.unit = 0;
    EXPECT_ERR(WK_E_ARGUMENT, wk_modbus_line_start(&line, &config, g_error));
    EXPECT_ERR(WK_E_ARGUMENT, wk_modbus_tcp_start(&tcp, &other, g_error));
    EXPECT(strstr(g_error, "no numeric IPv4 or IPv6 address") != NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT(uv_loop_close(&loop) == 0);
}

WK_TEST_MAIN(T(our_master_reads_our_meter_over_tcp), T(a_line_answers_after_its_silence),
             T(what_is_written_is_told_to_the_owner),
             T(requests_in_one_piece_are_answered_in_turn), T(units_are_ours_or_have_no_path),
             T(connections_that_say_nothing_or_nonsense_are_closed),
             T(one_connection_too_many_is_closed_at_once), T(tcp_answers_within_milliseconds),
             T(what_cannot_be_opened_is_refused_with_the_reason))
