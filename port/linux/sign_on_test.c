/* SPDX-License-Identifier: Apache-2.0
 *
 * The meter's optical port in a thread of its own, and the blocking client against it, over two
 * pseudo terminals. These know no parity, and no rate but as a setting, so the line between them does: it
 * looks at the rates of both ends, gives every octet the time it takes, and spoils it when they
 * differ. */
#include "port/linux/sign_on.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/crypto.h"
#include "port/linux/dlms_client.h"
#include "port/linux/dlms_line.h"
#include "port/linux/serial.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define PHYSICAL 17
#define BITS     10 /* of an octet on the line, 7E1 and 8N1 alike */
#define SPEEDS   7

static struct server {
    uv_loop_t loop;
    uv_async_t end;
    struct wk_dlms_line *serial;
    struct wk_crypto crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
    pthread_t thread;
} g_server;

static struct wk_dlms_client g_client;
static char g_device[2][64]; /* the meter's and the client's */
static int g_master[2];
static atomic_bool g_stop;
static atomic_bool g_echo; /* the optical head gives back what the client sends */
static atomic_uint g_spoiled;
static atomic_uint g_slow; /* octets that passed at 300 baud ... */
static atomic_uint g_fast; /* ... and faster */
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

static unsigned baud_of(speed_t speed)
{
    static const struct {
        speed_t speed;
        unsigned baud;
    } k_speeds[SPEEDS] = {{B300, 300},   {B600, 600},   {B1200, 1200},  {B2400, 2400},
                          {B4800, 4800}, {B9600, 9600}, {B19200, 19200}};
    for (size_t i = 0; i < SPEEDS; i++) {
        if (k_speeds[i].speed == speed) {
            return k_speeds[i].baud;
        }
    }
    return 38400;
}

/* Whether both ends would understand each other now, and at which rate. */
static bool agree(unsigned *baud)
{
    struct termios end[2];
    for (int i = 0; i < 2; i++) {
        if (tcgetattr(g_master[i], &end[i]) != 0) {
            return false;
        }
    }
    *baud = baud_of(cfgetospeed(&end[0]));
    return cfgetospeed(&end[0]) == cfgetospeed(&end[1]);
}

static void pass(int from)
{
    uint8_t octet;
    unsigned baud = 9600;
    if (read(g_master[from], &octet, 1) != 1) {
        return;
    }
    const bool good = agree(&baud);
    const struct timespec span = {0, BITS * 1000000000L / (long)baud};
    (void)nanosleep(&span, NULL);
    octet = good ? octet : (uint8_t)~octet;
    atomic_fetch_add(!good ? &g_spoiled : baud == 300 ? &g_slow : &g_fast, 1);
    if (from == 1 && atomic_load(&g_echo) && write(g_master[1], &octet, 1) != 1) {
        atomic_store(&g_stop, true);
    }
    if (write(g_master[1 - from], &octet, 1) != 1) {
        atomic_store(&g_stop, true);
    }
}

static void *relay(void *self)
{
    struct pollfd waiting[2] = {{.fd = g_master[0], .events = POLLIN},
                                {.fd = g_master[1], .events = POLLIN}};
    (void)self;
    while (!atomic_load(&g_stop)) {
        (void)poll(waiting, 2, 20);
        for (int from = 0; from < 2; from++) {
            if ((waiting[from].revents & POLLIN) != 0) {
                pass(from);
            } else if ((waiting[from].revents & POLLHUP) != 0) {
                const struct timespec pause = {0, 2000000}; /* nobody has opened that end */
                (void)nanosleep(&pause, NULL);
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
    wk_dlms_line_stop(g_server.serial);
    uv_close((uv_handle_t *)end, NULL);
}

static void *serve(void *self)
{
    (void)self;
    (void)uv_run(&g_server.loop, UV_RUN_DEFAULT);
    return NULL;
}

static bool begin(void)
{
    char error[WK_DLMS_LINE_ERROR] = "";
    static const struct wk_mode_e_config k_sign_on = {"WKP", "WATTKEEPER", "17", 9600};
    g_server = (struct server){.serial = NULL};
    atomic_store(&g_stop, false);
    atomic_store(&g_echo, false);
    atomic_store(&g_spoiled, 0);
    atomic_store(&g_slow, 0);
    atomic_store(&g_fast, 0);
    if (!open_pair(0) || !open_pair(1) || wk_crypto_init(&g_server.crypto) != WK_OK ||
        uv_loop_init(&g_server.loop) != 0 ||
        uv_async_init(&g_server.loop, &g_server.end, on_end) != 0) {
        return false;
    }
    wk_dlms_meter_secure(&g_server.security);
    g_server.meter = (struct wk_dlms_meter){.security = &g_server.security, .closed = true};
    g_server.table = wk_dlms_meter_table(&g_server.meter);
    const struct wk_dlms_line_config config = {
        .loop = &g_server.loop,
        .device = g_device[0],
        .sign_on = &k_sign_on,
        .station = {.lower = PHYSICAL},
        .session = {.table = &g_server.table,
                    .security = &g_server.security,
                    .crypto = &g_server.crypto.hal,
                    .zone = &wk_zone_central_europe,
                    .max_pdu = 1024},
        .now_us = utc_us,
    };
    return wk_dlms_line_start(&g_server.serial, &config, error) == WK_OK &&
           pthread_create(&g_relay, NULL, relay, NULL) == 0 &&
           pthread_create(&g_server.thread, NULL, serve, NULL) == 0;
}

static bool end(void)
{
    (void)uv_async_send(&g_server.end);
    (void)pthread_join(g_server.thread, NULL);
    const int left = uv_loop_close(&g_server.loop);
    atomic_store(&g_stop, true);
    (void)pthread_join(g_relay, NULL);
    (void)close(g_master[0]);
    (void)close(g_master[1]);
    wk_crypto_close(&g_server.crypto);
    return left == 0;
}

static wk_err read_clock(uint16_t sap, const char *options)
{
    static char host[128];
    struct wk_session_security security;
    struct wk_datetime shown;
    struct wk_utc utc;
    wk_dlms_meter_secure(&security);
    (void)snprintf(host, sizeof host, "modee:%s?address=%d%s", g_device[1], PHYSICAL, options);
    const struct wk_dlms_client_config config = {
        .host = host,
        .client_sap = sap,
        .password = "Wattkeeper",
        .keys = security.setup[0].keys,
        .title = {'T', 'E', 'S', 'T', 0, 0, 0, 1},
        .connect_timeout_ms = 6000,
        .answer_timeout_ms = 10000,
    };
    WK_TRY(wk_dlms_client_open(&g_client, &config));
    const wk_err err = wk_dlms_client_get_clock(&g_client, &shown, &utc);
    wk_dlms_client_close(&g_client);
    return err;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void every_client_reads_after_the_sign_on_on_a_line_with_rates(void)
{
    static const uint16_t k_saps[] = {WK_DLMS_CLIENT_PUBLIC, WK_DLMS_CLIENT_READER,
                                      WK_DLMS_CLIENT_MANAGEMENT};
    EXPECT(begin());
    for (size_t i = 0; i < 3; i++) { /* each signs on anew */
        const wk_err err = read_clock(k_saps[i], "");
        if (err != WK_OK) {
            printf("# %s; slow %u, fast %u, spoiled %u\n", wk_dlms_client_error(&g_client),
                   atomic_load(&g_slow), atomic_load(&g_fast), atomic_load(&g_spoiled));
        }
        EXPECT_OK(err);
        (void)usleep(1500000); /* the meter notices that the client has gone */
    }
    printf("# octets at 300 baud %u, faster %u, spoiled %u\n", atomic_load(&g_slow),
           atomic_load(&g_fast), atomic_load(&g_spoiled));
    EXPECT(atomic_load(&g_slow) >= 3 * 30 && atomic_load(&g_fast) > 500);
    EXPECT_I64(0, atomic_load(&g_spoiled));
    EXPECT(end());
}

static void an_optical_head_that_gives_back_and_a_low_rate_do_no_harm(void)
{
    EXPECT(begin());
    EXPECT_OK(read_clock(WK_DLMS_CLIENT_PUBLIC, "&baud=2400"));
    (void)usleep(1500000);
    atomic_store(&g_echo, true); /* the sign-on passes it over */
    char error[WK_SIGN_ON_ERROR] = "";
    int file = -1;
    uint32_t baud = 0;
    EXPECT_OK(wk_serial_open(&file, g_device[1], WK_MODE_E_BAUD, true, error));
    EXPECT_OK(wk_sign_on(file, &baud, utc_us(NULL) + INT64_C(1000000000000), error));
    EXPECT_I64(9600, baud);
    (void)close(file);
    EXPECT(end());
}

static void without_a_meter_and_without_mode_e_the_client_says_so(void)
{
    char error[WK_SIGN_ON_ERROR] = "";
    int file = -1;
    uint32_t baud = 0;
    struct timespec now;
    EXPECT(open_pair(0));
    EXPECT_OK(wk_serial_open(&file, g_device[0], WK_MODE_E_BAUD, true, error));
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t now_us = (int64_t)now.tv_sec * 1000000;
    EXPECT_ERR(WK_E_TIMEOUT, wk_sign_on(file, &baud, now_us + 1500000, error));
    EXPECT(strstr(error, "no meter answers") != NULL);
    EXPECT(write(g_master[0], "/ABC5METER\r\n", 12) == 12);
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_sign_on(file, &baud, now_us + 9000000, error));
    EXPECT(strstr(error, "mode E") != NULL);
    EXPECT(write(g_master[0], "/what?\r\n", 8) == 8);
    EXPECT_ERR(WK_E_FORMAT, wk_sign_on(file, &baud, now_us + 9000000, error));
    (void)close(file);
    (void)close(g_master[0]);
}

WK_TEST_MAIN(T(every_client_reads_after_the_sign_on_on_a_line_with_rates),
             T(an_optical_head_that_gives_back_and_a_low_rate_do_no_harm),
             T(without_a_meter_and_without_mode_e_the_client_says_so))
