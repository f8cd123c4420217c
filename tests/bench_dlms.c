/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/bench_dlms - how many GET of the clock one session serves a second: without a network
 * (client and server together, in one process), and one after another over a TCP connection on loopback;
 * plain, and ciphered with AES-128-GCM. Beside them the bounds of the machine: the same octets
 * echoed over TCP by a process that does nothing else, and the same octets through OpenSSL's GCM
 * alone. One JSON object a line. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "cosem/client.h"
#include "cosem/wrapper.h"
#include "port/linux/crypto.h"
#include "port/linux/dlms_tcp.h"
#include "tests/dlms_meter.h"

#define INSIDE               400000 /* requests without a network */
#define OUTSIDE              40000  /* requests over TCP */
#define GOAL_OF_BOUND        0.8
#define GOAL_SEALED_OF_BOUND 0.65 /* 40,000 where the echo does 61,000 */
#define GOAL_OF_GCM          2.0
#define KEPT                 2000 /* requests that are replayed to the session alone */
#define ROUNDS               101
#define REQUEST              64 /* octets of a ciphered GET, most */

/* One meter and one client of it, in this process. */
struct pair {
    struct wk_crypto server_crypto;
    struct wk_crypto client_crypto;
    struct wk_session_security security;
    struct wk_dlms_meter meter;
    struct wk_object_table table;
    struct wk_session session;
    struct wk_client client;
    int socket; /* -1: the session in this process answers */
    uint16_t sap;
    uint8_t out[WK_WRAPPER_SIZE + WK_CLIENT_PDU + 64];
    uint8_t reply[WK_WRAPPER_SIZE + WK_SESSION_REPLY];
};

static struct pair pair;

static void fail(const char *what)
{
    fprintf(stderr, "bench_dlms: %s\n", what);
    exit(2);
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int64_t utc_us(void *self)
{
    struct timespec now;
    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* `goal`: the least value, or the negative of the most; 0: there is none. */
static void report(const char *figure, double value, const char *unit, double goal)
{
    char text[32] = "";
    const bool holds = goal >= 0 ? value >= goal : value <= -goal;
    if (goal != 0) {
        (void)snprintf(text, sizeof text, "%s %.7g",
                       goal > 0 ? ">=" : "<=", goal > 0 ? goal : -goal);
    }
    printf("{\"figure\":\"%s\",\"value\":%.4g,\"unit\":\"%s\",\"goal\":\"%s\",\"holds\":%s}\n",
           figure, value, unit, text, holds ? "true" : "false");
}

/* ---- one exchange ------------------------------------------------------------------------ */

static size_t ask_inside(size_t size)
{
    const struct wk_session_link from = {pair.sap, WK_SESSION_SERVER_SAP};
    struct wk_bytes_out reply = wk_bytes_out_of(pair.reply, sizeof pair.reply);
    if (wk_session_receive(&pair.session, utc_us(NULL), from,
                           wk_bytes_in_of(pair.out + WK_WRAPPER_SIZE, size), &reply) != WK_OK) {
        fail("the session refuses to receive");
    }
    return reply.size;
}

static size_t ask_outside(size_t size)
{
    const struct wk_wrapper head = {pair.sap, WK_SESSION_SERVER_SAP, (uint16_t)size};
    struct wk_bytes_out out = wk_bytes_out_of(pair.out, WK_WRAPPER_SIZE);
    wk_wrapper_put(&out, &head);
    if (send(pair.socket, pair.out, WK_WRAPPER_SIZE + size, MSG_NOSIGNAL) < 0) {
        fail("the server closed");
    }
    const ssize_t got = recv(pair.socket, pair.reply, sizeof pair.reply, 0);
    if (got < WK_WRAPPER_SIZE) {
        fail("no whole reply came");
    }
    const size_t reply = (size_t)got - WK_WRAPPER_SIZE;
    memmove(pair.reply, pair.reply + WK_WRAPPER_SIZE, reply);
    return reply;
}

/* Runs the client's operation to its end. */
static void run(void)
{
    while (wk_client_busy(&pair.client)) {
        struct wk_bytes_out out =
            wk_bytes_out_of(pair.out + WK_WRAPPER_SIZE, sizeof pair.out - WK_WRAPPER_SIZE);
        if (wk_client_output(&pair.client, 0, &out) != WK_OK) {
            fail("the client does not go on");
        }
        const size_t size = pair.socket < 0 ? ask_inside(out.size) : ask_outside(out.size);
        if (wk_client_receive(&pair.client, 0, wk_bytes_in_of(pair.reply, size)) != WK_OK) {
            fail("the client does not expect an answer");
        }
    }
    if (pair.client.outcome != WK_OK) {
        fail(wk_err_text(pair.client.outcome));
    }
}

static wk_err take(void *self, const uint8_t *octets, size_t size)
{
    uint64_t *sum = self;
    *sum += octets[0] + size;
    return WK_OK;
}

static void get_clock(uint64_t *sum)
{
    static const struct wk_apdu_target k_clock = {
        .class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};
    const struct wk_client_sink sink = {sum, take};
    if (wk_client_get(&pair.client, &k_clock, sink) != WK_OK) {
        fail("no association");
    }
    run();
}

static void open_client(bool sealed)
{
    struct wk_client_config config = {
        .mechanism = sealed ? WK_ASSOCIATION_HLS_GMAC : WK_ASSOCIATION_NONE,
        .crypto = &pair.client_crypto.hal,
        .keys = pair.security.setup[0].keys,
        .title = {'B', 'E', 'N', 'C', 'H'},
        .counter = 1,
        .max_pdu = 1024,
        .timeout_us = INT64_MAX / 2,
    };
    pair.sap = sealed ? 1 : 16;
    if (wk_client_init(&pair.client, &config) != WK_OK ||
        wk_client_open(&pair.client) != WK_OK) {
        fail("the client does not start");
    }
    run();
}

/* GET a second. */
static double rate(int requests)
{
    uint64_t sum = 0;
    for (int i = 0; i < requests / 10; i++) {
        get_clock(&sum); /* warm */
    }
    const double begin = now_s();
    for (int i = 0; i < requests; i++) {
        get_clock(&sum);
    }
    return requests / (now_s() - begin);
}

/* ---- the other process ------------------------------------------------------------------- */

static struct wk_session_config session_config(void)
{
    pair.table = wk_dlms_meter_table(&pair.meter);
    return (struct wk_session_config){
        .table = &pair.table,
        .security = &pair.security,
        .crypto = &pair.server_crypto.hal,
        .zone = &wk_zone_central_europe,
        .max_pdu = 1024,
    };
}

static void serve(int told)
{
    static uv_loop_t loop;
    char error[WK_DLMS_TCP_ERROR];
    struct wk_dlms_tcp *tcp;
    const struct wk_dlms_tcp_config config = {
        .loop = &loop,
        .address = "127.0.0.1",
        .session = session_config(),
        .now_us = utc_us,
    };
    if (uv_loop_init(&loop) != 0 || wk_dlms_tcp_start(&tcp, &config, error) != WK_OK) {
        fail("the server does not start");
    }
    const uint16_t port = wk_dlms_tcp_port(tcp);
    if (write(told, &port, sizeof port) != (ssize_t)sizeof port) {
        fail("the port is not told");
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

/* Sends every message back as it is: what the machine can do at most. */
static void echo(int told)
{
    static uint8_t octets[4096];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    const int on = 1;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        fail("the echo does not start");
    }
    const uint16_t port = ntohs(address.sin_port);
    if (write(told, &port, sizeof port) != (ssize_t)sizeof port) {
        fail("the port is not told");
    }
    const int fd = accept(listener, NULL, NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ssize_t got;
    while ((got = recv(fd, octets, sizeof octets, 0)) > 0) {
        if (send(fd, octets, (size_t)got, MSG_NOSIGNAL) < 0) {
            break;
        }
    }
}

/* Starts `other` in a process of its own and connects to it. */
static pid_t start(void (*other)(int told))
{
    int told[2];
    uint16_t port = 0;
    const int on = 1;
    (void)fflush(stdout);
    if (pipe(told) != 0) {
        fail("no pipe");
    }
    const pid_t child = fork();
    if (child == 0) {
        other(told[1]);
        _exit(0);
    }
    if (child < 0 || read(told[0], &port, sizeof port) != (ssize_t)sizeof port) {
        fail("the other process does not start");
    }
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    pair.socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(pair.socket, (const struct sockaddr *)&address, sizeof address) != 0) {
        fail("no connection");
    }
    (void)setsockopt(pair.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return child;
}

static void stop(pid_t child)
{
    (void)close(pair.socket);
    pair.socket = -1;
    (void)kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
}

/* Exchanges a second of as many octets as an answer has, without DLMS. */
static double echo_rate(void)
{
    const pid_t child = start(echo);
    const double begin = now_s();
    for (int i = 0; i < OUTSIDE; i++) {
        if (send(pair.socket, pair.out, 26, MSG_NOSIGNAL) != 26 ||
            recv(pair.socket, pair.reply, sizeof pair.reply, 0) != 26) {
            fail("the echo is lost");
        }
    }
    const double result = OUTSIDE / (now_s() - begin);
    stop(child);
    return result;
}

static double outside_rate(bool sealed)
{
    const pid_t child = start(serve);
    open_client(sealed);
    const double result = rate(OUTSIDE);
    stop(child);
    return result;
}

/* ---- the server alone -------------------------------------------------------------------- */

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Ciphered GETs of one association, and what the session was before the first of them. */
static struct {
    struct wk_session session;
    struct wk_session_security security;
    uint8_t request[KEPT][REQUEST];
    size_t request_size[KEPT];
    size_t reply_size;
} kept;

static void keep_requests(void)
{
    static const struct wk_apdu_target k_clock = {
        .class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};
    uint64_t sum = 0;
    const struct wk_client_sink sink = {&sum, take};
    kept.session = pair.session;
    kept.security = pair.security;
    for (int i = 0; i < KEPT; i++) {
        struct wk_bytes_out out =
            wk_bytes_out_of(pair.out + WK_WRAPPER_SIZE, sizeof pair.out - WK_WRAPPER_SIZE);
        if (wk_client_get(&pair.client, &k_clock, sink) != WK_OK ||
            wk_client_output(&pair.client, 0, &out) != WK_OK || out.size > REQUEST) {
            fail("the client does not ask");
        }
        kept.request_size[i] = out.size;
        memcpy(kept.request[i], out.data, out.size);
        kept.reply_size = ask_inside(out.size);
        if (wk_client_receive(&pair.client, 0, wk_bytes_in_of(pair.reply, kept.reply_size)) !=
                WK_OK ||
            pair.client.outcome != WK_OK) {
            fail("the session does not answer");
        }
    }
}

/* Seconds of processor time for all requests, the session starting where it was. */
static double replay(void)
{
    const struct wk_session_link from = {pair.sap, WK_SESSION_SERVER_SAP};
    pair.session = kept.session;
    pair.security = kept.security;
    const int64_t now_us = utc_us(NULL);
    const double begin = cpu_s();
    for (int i = 0; i < KEPT; i++) {
        struct wk_bytes_out reply = wk_bytes_out_of(pair.reply, sizeof pair.reply);
        if (wk_session_receive(&pair.session, now_us, from,
                               wk_bytes_in_of(kept.request[i], kept.request_size[i]),
                               &reply) != WK_OK ||
            reply.size != kept.reply_size) {
            fail("the session answers otherwise");
        }
    }
    return cpu_s() - begin;
}

/* One message through OpenSSL as a program does that has nothing else to do: the key is set. */
static void gcm_once(EVP_CIPHER_CTX *context, uint8_t *octets, size_t head, size_t size,
                     int sealing)
{
    static const uint8_t k_aad[17] = {0x30};
    uint8_t iv[12] = {0};
    uint8_t tag[12] = {0};
    int done = 0;
    memcpy(iv + 8, octets, 4);
    (void)EVP_CipherInit_ex(context, NULL, NULL, NULL, iv, sealing);
    (void)EVP_CipherUpdate(context, NULL, &done, k_aad, sizeof k_aad);
    (void)EVP_CipherUpdate(context, octets + head, &done, octets + head, (int)size);
    if (sealing == 0) {
        (void)EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag);
    }
    (void)EVP_CipherFinal_ex(context, tag, &done);
    if (sealing != 0) {
        (void)EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag);
        octets[head] ^= tag[0];
    }
}

/* Seconds of processor time to open as many requests and seal as many replies of that size. */
static double gcm_alone(void)
{
    const size_t around = 2 + 5 + 12; /* tag and length, control and counter, tag of GCM */
    const struct wk_hal_key *key = &pair.security.setup[0].keys.ek;
    EVP_CIPHER_CTX *opening = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX *sealing = EVP_CIPHER_CTX_new();
    uint8_t octets[REQUEST] = {0};
    if (opening == NULL || sealing == NULL ||
        EVP_CipherInit_ex(opening, EVP_aes_128_gcm(), NULL, key->octets, octets, 0) != 1 ||
        EVP_CipherInit_ex(sealing, EVP_aes_128_gcm(), NULL, key->octets, octets, 1) != 1) {
        fail("OpenSSL does not start");
    }
    const double begin = cpu_s();
    for (int i = 0; i < KEPT; i++) {
        memcpy(octets, kept.request[i] + 2, REQUEST - 2);
        gcm_once(opening, octets, 7, kept.request_size[i] - around, 0);
        gcm_once(sealing, octets, 7, kept.reply_size - around, 1);
    }
    const double result = cpu_s() - begin;
    EVP_CIPHER_CTX_free(opening);
    EVP_CIPHER_CTX_free(sealing);
    return result;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median ratio of many short rounds, both sides side by side. */
static double cpu_of_gcm(void)
{
    double ratio[ROUNDS];
    keep_requests();
    for (int i = 0; i < ROUNDS; i++) {
        const double gcm = gcm_alone();
        ratio[i] = replay() / gcm;
    }
    qsort(ratio, ROUNDS, sizeof ratio[0], compare);
    return ratio[ROUNDS / 2];
}

int main(void)
{
    if (wk_crypto_init(&pair.server_crypto) != WK_OK ||
        wk_crypto_init(&pair.client_crypto) != WK_OK) {
        fail("OpenSSL does not start");
    }
    pair.socket = -1;
    wk_dlms_meter_secure(&pair.security);
    pair.meter.security = &pair.security;
    const struct wk_session_config config = session_config();
    if (wk_session_init(&pair.session, &config) != WK_OK) {
        fail("the session does not start");
    }
    const double bound = echo_rate();
    const double plain = outside_rate(false);
    const double sealed = outside_rate(true);
    open_client(false);
    report("dlms.get.inside", rate(INSIDE), "GET/s", 0);
    open_client(true);
    report("dlms.get.inside.gcm", rate(INSIDE), "GET/s", 0);
    report("dlms.get.gcm.cpu of OpenSSL's GCM", cpu_of_gcm(), "ratio", -GOAL_OF_GCM);
    report("tcp.echo", bound, "exchanges/s", 0);
    report("dlms.get.tcp", plain, "GET/s", 0);
    report("dlms.get.tcp.gcm", sealed, "GET/s", 0);
    report("dlms.get.tcp of the bound", plain / bound, "ratio", GOAL_OF_BOUND);
    report("dlms.get.tcp.gcm of the bound", sealed / bound, "ratio", GOAL_SEALED_OF_BOUND);
    wk_crypto_close(&pair.server_crypto);
    wk_crypto_close(&pair.client_crypto);
    return 0;
}
