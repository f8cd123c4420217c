/* SPDX-License-Identifier: Apache-2.0
 *
 * The meter's HDLC ports in a thread of their own, and the blocking client against them: over
 * TCP, and on a serial line of two pseudo terminals whose octets pass through a third party that can
 * spoil them. */
#include "port/linux/dlms_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "port/linux/crypto.h"
#include "port/linux/dlms_client.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define SEED     20261121U
#define PHYSICAL 17

struct server {
    uv_loop_t loop;
    uv_async_t end;
    struct wk_dlms_line *tcp;
    struct wk_dlms_line *serial;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
    pthread_t thread;
};

static struct server g_server;
static struct wk_dlms_client g_client;
static char g_device[2][64]; /* the meter's and the client's */
static int g_master[2];
static atomic_uint g_spoil; /* every so many octets one is wrong; 0: none */
static atomic_bool g_cut;   /* the line is dead */
static atomic_bool g_stop;
static pthread_t g_relay;

/* ---- the line ---------------------------------------------------------------------------- */

static bool open_pair(int which)
{
    struct termios raw;
    g_master[which] = posix_openpt(O_RDWR | O_NOCTTY);
    if (g_master[which] < 0 || grantpt(g_master[which]) != 0 ||
        unlockpt(g_master[which]) != 0 ||
        ptsname_r(g_master[which], g_device[which], sizeof g_device[which]) != 0 ||
        tcgetattr(g_master[which], &raw) != 0) {
        return false;
    }
    cfmakeraw(&raw);
    return tcsetattr(g_master[which], TCSANOW, &raw) == 0;
}

static void *relay(void *self)
{
    uint64_t random = SEED;
    uint8_t octets[512];
    struct pollfd waiting[2] = {{.fd = g_master[0], .events = POLLIN},
                                {.fd = g_master[1], .events = POLLIN}};
    (void)self;
    while (!atomic_load(&g_stop)) {
        (void)poll(waiting, 2, 20);
        for (int from = 0; from < 2; from++) {
            const ssize_t size = (waiting[from].revents & POLLIN) != 0
                                     ? read(g_master[from], octets, sizeof octets)
                                     : 0;
            const unsigned spoil = atomic_load(&g_spoil);
            for (ssize_t i = 0; i < size && spoil > 0; i++) {
                octets[i] ^= wk_test_random(&random) % spoil == 0 ? 0x20U : 0U;
            }
            if (size > 0 && !atomic_load(&g_cut) &&
                write(g_master[1 - from], octets, (size_t)size) != size) {
                atomic_store(&g_stop, true);
            }
            if ((waiting[from].revents & (POLLHUP | POLLIN)) == POLLHUP) {
                const struct timespec pause = {0, 2000000}; /* nobody has opened that end */
                nanosleep(&pause, NULL);
            }
        }
    }
    return NULL;
}

/* ---- the meter --------------------------------------------------------------------------- */

static int64_t utc_us(void *self)
{
    struct timespec now;
    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_end(uv_async_t *end)
{
    wk_dlms_line_stop(g_server.tcp);
    wk_dlms_line_stop(g_server.serial);
    uv_close((uv_handle_t *)end, NULL);
}

static void *serve(void *self)
{
    (void)self;
    (void)uv_run(&g_server.loop, UV_RUN_DEFAULT);
    return NULL;
}

static struct wk_dlms_line_config line_config(void)
{
    return (struct wk_dlms_line_config){
        .loop = &g_server.loop,
        .address = "127.0.0.1",
        .station = {.lower = PHYSICAL},
        .session = {.table = &g_server.table,
                    .security = &g_server.security,
                    .crypto = &g_server.crypto.hal,
                    .zone = &wk_zone_central_europe,
                    .max_pdu = 1024},
        .now_us = utc_us,
    };
}

static bool begin(void)
{
    char error[WK_DLMS_LINE_ERROR] = "";
    g_server = (struct server){.tcp = NULL};
    atomic_store(&g_stop, false);
    atomic_store(&g_cut, false);
    atomic_store(&g_spoil, 0);
    if (!open_pair(0) || !open_pair(1) || wk_crypto_init(&g_server.crypto) != WK_OK ||
        uv_loop_init(&g_server.loop) != 0 ||
        uv_async_init(&g_server.loop, &g_server.end, on_end) != 0) {
        return false;
    }
    wk_dlms_meter_secure(&g_server.security);
    g_server.meter = (struct wk_dlms_meter){.security = &g_server.security, .closed = true};
    g_server.table = wk_dlms_meter_table(&g_server.meter);
    struct wk_dlms_line_config config = line_config();
    wk_err err = wk_dlms_line_start(&g_server.tcp, &config, error);
    config.device = g_device[0];
    err = err == WK_OK ? wk_dlms_line_start(&g_server.serial, &config, error) : err;
    if (err != WK_OK) {
        printf("# %s\n", error);
        return false;
    }
    return pthread_create(&g_relay, NULL, relay, NULL) == 0 &&
           pthread_create(&g_server.thread, NULL, serve, NULL) == 0;
}

static void end(void)
{
    (void)uv_async_send(&g_server.end);
    (void)pthread_join(g_server.thread, NULL);
    EXPECT_I64(0, uv_loop_close(&g_server.loop));
    atomic_store(&g_stop, true);
    (void)pthread_join(g_relay, NULL);
    (void)close(g_master[0]);
    (void)close(g_master[1]);
    wk_crypto_close(&g_server.crypto);
}

/* ---- the client -------------------------------------------------------------------------- */

static struct wk_dlms_client_config client_config(const char *address, uint16_t sap)
{
    struct wk_session_security security;
    wk_dlms_meter_secure(&security);
    return (struct wk_dlms_client_config){.host = address,
                                          .client_sap = sap,
                                          .password = "Wattkeeper",
                                          .keys = security.setup[0].keys,
                                          .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
                                          .answer_timeout_ms = 20000};
}

struct rows {
    uint32_t count;
    bool right;
};

/* Each row is of its own index: the registers follow a formula. */
static wk_err take_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    struct rows *rows = self;
    size_t size;
    (void)index;
    const uint32_t columns = wk_axdr_read_count(&element, WK_AXDR_STRUCTURE);
    (void)wk_axdr_read_octets(&element, &size); /* the clock */
    wk_axdr_skip(&element);                     /* the status */
    const int64_t import_uwh = wk_axdr_read_integer(&element, WK_AXDR_LONG64);
    rows->right = rows->right && columns == WK_DLMS_METER_COLUMNS && element.fault == WK_OK &&
                  import_uwh == wk_dlms_meter_import_uwh(rows->count);
    rows->count++;
    return WK_OK;
}

static void read_all_as(const char *address, uint16_t sap)
{
    const struct wk_dlms_client_config config = client_config(address, sap);
    const struct wk_apdu_target profile = {
        .class_id = 7, .obis = {1, 0, 99, 1, 0, 255}, .id = 2};
    static const uint8_t k_name[WK_OBIS_SIZE] = {0, 0, 42, 0, 0, 255};
    char name[32];
    struct rows rows = {.right = true};
    const wk_err err = wk_dlms_client_open(&g_client, &config);
    if (err != WK_OK) {
        WK_TEST_FAIL_("%s: %s", wk_err_name(err), wk_dlms_client_error(&g_client));
    }
    EXPECT_OK(wk_dlms_client_get_text(&g_client, k_name, name, sizeof name));
    EXPECT(strcmp(name, "WKP0000000000001") == 0);
    if (sap != WK_DLMS_CLIENT_PUBLIC) {
        const wk_err got = wk_dlms_client_get_rows(&g_client, &profile, &rows, take_row);
        if (got != WK_OK) {
            WK_TEST_FAIL_("%s: %s", wk_err_name(got), wk_dlms_client_error(&g_client));
        }
        EXPECT_I64(WK_DLMS_METER_ENTRIES, rows.count);
        EXPECT(rows.right);
    }
    wk_dlms_client_close(&g_client);
}

static const uint16_t k_saps[] = {WK_DLMS_CLIENT_PUBLIC, WK_DLMS_CLIENT_READER,
                                  WK_DLMS_CLIENT_MANAGEMENT};

static void every_client_reads_over_hdlc_on_tcp(void)
{
    char address[64];
    EXPECT(begin());
    for (int physical = 0; physical < 2; physical++) {
        (void)snprintf(address, sizeof address, "hdlc+tcp://127.0.0.1:%u%s",
                       wk_dlms_line_port(g_server.tcp), physical == 0 ? "" : "/17");
        for (int i = 0; i < 3; i++) {
            read_all_as(address, k_saps[i]);
        }
    }
    end();
}

static void every_client_reads_on_a_serial_line(void)
{
    char address[128];
    EXPECT(begin());
    (void)snprintf(address, sizeof address, "hdlc:%s?baud=115200&address=17", g_device[1]);
    for (int i = 0; i < 3; i++) {
        read_all_as(address, k_saps[i]);
    }
    end();
}

static void a_line_that_spoils_octets_delivers_every_row_right(void)
{
    char address[128];
    EXPECT(begin());
    printf("# seed %u\n", SEED);
    (void)snprintf(address, sizeof address, "hdlc:%s?baud=115200&address=17", g_device[1]);
    atomic_store(&g_spoil, 8000);
    read_all_as(address, WK_DLMS_CLIENT_READER);
    read_all_as(address, WK_DLMS_CLIENT_MANAGEMENT);
    end();
}

static void a_dead_line_and_a_wrong_address_are_told(void)
{
    char address[128];
    EXPECT(begin());
    (void)snprintf(address, sizeof address, "hdlc:%s?baud=115200&address=17", g_device[1]);
    atomic_store(&g_cut, true);
    struct wk_dlms_client_config config = client_config(address, WK_DLMS_CLIENT_PUBLIC);
    config.answer_timeout_ms = 1000;
    EXPECT_ERR(WK_E_TIMEOUT, wk_dlms_client_open(&g_client, &config));
    EXPECT(strstr(wk_dlms_client_error(&g_client), g_device[1]) != NULL);
    atomic_store(&g_cut, false);
    (void)snprintf(address, sizeof address, "hdlc:%s?baud=115200&address=18", g_device[1]);
    EXPECT_ERR(WK_E_TIMEOUT, wk_dlms_client_open(&g_client, &config)); /* nobody has it */
    config.host = "hdlc:/dev/nothing";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_dlms_client_open(&g_client, &config));
    end();
}

static void a_port_that_cannot_be_opened_is_a_text(void)
{
    char error[WK_DLMS_LINE_ERROR];
    struct wk_dlms_line *line = NULL;
    EXPECT(begin());
    struct wk_dlms_line_config config = line_config();
    uv_loop_t loop;
    EXPECT_I64(0, uv_loop_init(&loop));
    config.loop = &loop;
    config.device = "/dev/nothing";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_dlms_line_start(&line, &config, error));
    EXPECT(strstr(error, "/dev/nothing") != NULL);
    config.device = g_device[1];
    config.baud = 9601;
    EXPECT_ERR(WK_E_ARGUMENT, wk_dlms_line_start(&line, &config, error));
    EXPECT(strstr(error, "9601 baud") != NULL);
    config.device = NULL;
    config.port = wk_dlms_line_port(g_server.tcp);
    EXPECT_ERR(WK_E_BUSY, wk_dlms_line_start(&line, &config, error));
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(0, uv_loop_close(&loop));
    end();
}

static void addresses_are_taken_apart_or_refused_with_the_reason(void)
{
    static const struct {
        const char *text;
        wk_err err;
        struct wk_dlms_carrier_address address;
    } k_cases[] = {
        {"meter.example", WK_OK, {.host = "meter.example", .port = 4059}},
        {"::1", WK_OK, {.host = "::1", .port = 4059}},
        {"tcp://10.0.0.1", WK_OK, {.host = "10.0.0.1", .port = 4059}},
        {"tcp://[fe80::1]:99", WK_OK, {.host = "fe80::1", .port = 99}},
        {"hdlc+tcp://h:1000/17",
         WK_OK,
         {.host = "h", .port = 1000, .hdlc = true, .physical = 17}},
        {"hdlc:/dev/ttyS0",
         WK_OK,
         {.host = "/dev/ttyS0", .port = 4059, .hdlc = true, .serial = true, .baud = 9600}},
        {"hdlc:/dev/ttyS0?address=3&baud=300",
         WK_OK,
         {.host = "/dev/ttyS0",
          .port = 4059,
          .hdlc = true,
          .serial = true,
          .baud = 300,
          .physical = 3}},
        {"hdlc:", WK_E_FORMAT, {.port = 0}},
        {"hdlc:/dev/ttyS0?speed=3", WK_E_FORMAT, {.port = 0}},
        {"hdlc:/dev/ttyS0?address=126", WK_E_FORMAT, {.port = 0}},
        {"hdlc+tcp://h:0", WK_E_FORMAT, {.port = 0}},
        {"hdlc+tcp://h:5x", WK_E_FORMAT, {.port = 0}},
        {"tcp://h/17", WK_E_FORMAT, {.port = 0}},
        {"tcp://:17", WK_E_FORMAT, {.port = 0}},
        {"carrier-pigeon://h", WK_E_FORMAT, {.port = 0}},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct wk_dlms_carrier_address address;
        char error[WK_DLMS_CARRIER_ERROR] = "";
        const wk_err err = wk_dlms_carrier_parse(k_cases[i].text, 4059, &address, error);
        if (err != k_cases[i].err) {
            WK_TEST_FAIL_("%s gave %s", k_cases[i].text, wk_err_name(err));
        }
        const struct wk_dlms_carrier_address *wanted = &k_cases[i].address;
        EXPECT(err != WK_OK ||
               (strcmp(wanted->host, address.host) == 0 && wanted->port == address.port &&
                wanted->hdlc == address.hdlc && wanted->serial == address.serial &&
                wanted->baud == address.baud && wanted->physical == address.physical));
        EXPECT(err == WK_OK || strstr(error, k_cases[i].text) != NULL);
    }
}

WK_TEST_MAIN(T(every_client_reads_over_hdlc_on_tcp), T(every_client_reads_on_a_serial_line),
             T(a_line_that_spoils_octets_delivers_every_row_right),
             T(a_dead_line_and_a_wrong_address_are_told),
             T(a_port_that_cannot_be_opened_is_a_text),
             T(addresses_are_taken_apart_or_refused_with_the_reason))
