/* SPDX-License-Identifier: Apache-2.0
 *
 * The carrier tls:// in a loop, and a head-end made of the flow alone, turned by hand. */
#include "port/linux/link_tls.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "port/linux/link_tls_flow.h"
#include "tests/pki.h"
#include "tests/wk_test.h"

#define PACKETS   400
#define TURNS     20000
#define FILES     256
#define SMALL     4096 /* of the head-end's buffer in the system */
#define SEAL_ROOM 24   /* length, and what TLS adds to a record */

static uv_loop_t loop;
static struct wk_tls_context *server_trust;
static struct wk_tls_context *client_trust;
static int listener = -1;
static struct wk_link_carrier_url url;
static struct wk_link_carrier carrier;
static struct wk_link_tls_flow peer = {.fd = -1};
static bool peer_is_deaf;
static struct meter {
    bool carries;
    uint32_t rooms; /* how often it was told of */
    uint32_t taken;
    uint32_t wrong;
} meter;
static struct headend {
    uint32_t taken;
    uint32_t wrong;
    bool echoes;
} headend;

/* ---- packets whose content is known ------------------------------------------------------ */

static size_t fill(uint32_t number, uint8_t packet[WK_LINK_PACKET])
{
    const size_t length = 1 + number * 37 % WK_LINK_PACKET;
    for (size_t i = 0; i < length; i++) {
        packet[i] = (uint8_t)(number * 7 + i);
    }
    return length;
}

static bool is_packet(uint32_t number, const uint8_t *packet, size_t length)
{
    uint8_t wanted[WK_LINK_PACKET];
    return fill(number, wanted) == length && memcmp(wanted, packet, length) == 0;
}

/* ---- both ends --------------------------------------------------------------------------- */

static void on_carries(void *self, bool carries)
{
    ((struct meter *)self)->carries = carries;
}

static void on_room(void *self)
{
    ((struct meter *)self)->rooms++;
}

static void on_packet(void *self, uint8_t *packet, size_t length)
{
    struct meter *to = self;
    to->wrong += is_packet(to->taken, packet, length) ? 0 : 1;
    to->taken++;
}

static void on_headend_packet(void *self, uint8_t *packet, size_t length)
{
    struct headend *to = self;
    to->wrong += is_packet(to->taken, packet, length) ? 0 : 1;
    to->taken++;
    if (to->echoes && wk_link_tls_flow_send(&peer, packet, length) != WK_OK) {
        to->wrong++;
    }
}

static void turn_headend(void)
{
    if (peer.fd < 0) {
        peer.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (peer.fd < 0 || wk_tls_begin(&peer.tls, server_trust, NULL, NULL) != WK_OK) {
            return;
        }
        wk_link_tls_flow_prepare(&peer);
    }
    if (peer_is_deaf) {
        return;
    }
    if (wk_link_tls_flow_read(&peer, 4) != WK_OK || wk_link_tls_flow_write(&peer) == WK_E_IO) {
        wk_link_tls_flow_end(&peer);
    }
}

static void turn(void)
{
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    turn_headend();
}

static int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static bool turn_until_carries(bool carries, int64_t within_ms)
{
    const int64_t begun_ms = now_ms();
    while (meter.carries != carries && now_ms() - begun_ms < within_ms) {
        turn();
        (void)poll(NULL, 0, 1);
    }
    return meter.carries == carries;
}

static int listen_small(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    const int room = SMALL;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
        bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static bool make_trust(void)
{
    char folder[] = "/tmp/wk-link-tls-XXXXXX";
    char files[3][64];
    char error[WK_TLS_ERROR];
    static const char *const k_names[] = {"ca.pem", "own.pem", "own.key"};
    if (mkdtemp(folder) == NULL || !wk_pki_write_credentials(folder, "IP:127.0.0.1")) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        (void)snprintf(files[i], sizeof files[i], "%s/%s", folder, k_names[i]);
    }
    struct wk_tls_config config = {
        .server = true, .ca = files[0], .certificate = files[1], .key = files[2]};
    const bool server = wk_tls_context_make(&server_trust, &config, error) == WK_OK;
    config.server = false;
    const bool client = wk_tls_context_make(&client_trust, &config, error) == WK_OK;
    for (int i = 0; i < 3; i++) {
        (void)unlink(files[i]);
    }
    return rmdir(folder) == 0 && server && client;
}

static bool begin(void)
{
    static const uint8_t k_title[WK_LINK_CARRIER_TITLE] = "WKP00001";
    char text[32];
    char error[WK_LINK_CARRIER_ERROR];
    uint16_t port = 0;
    meter = (struct meter){0};
    headend = (struct headend){0};
    peer = (struct wk_link_tls_flow){
        .fd = -1, .slack = 1U << 20, .self = &headend, .take = on_headend_packet};
    peer_is_deaf = false;
    listener = listen_small(&port);
    (void)snprintf(text, sizeof text, "tls://127.0.0.1:%u", port);
    if (listener < 0 || !make_trust() || uv_loop_init(&loop) != 0 ||
        wk_link_carrier_parse(text, &url) != NULL) {
        return false;
    }
    const struct wk_link_carrier_config config = {.loop = &loop,
                                                  .to = &url,
                                                  .interface = "",
                                                  .title = k_title,
                                                  .name = "wired",
                                                  .trust = client_trust,
                                                  .tls_name = "",
                                                  .self = &meter,
                                                  .carries = on_carries,
                                                  .ready = on_room,
                                                  .take = on_packet};
    return wk_link_tls_start(&carrier, &config, error) == WK_OK &&
           turn_until_carries(true, 5000);
}

static bool end(void)
{
    carrier.stop(carrier.self);
    const bool over = uv_run(&loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&loop) == 0;
    if (peer.fd >= 0) {
        wk_link_tls_flow_end(&peer);
    }
    (void)close(listener);
    wk_tls_context_free(server_trust);
    wk_tls_context_free(client_trust);
    return over;
}

/* The socket of the carrier: its address is that of the head-end's peer. */
static int carrier_socket(void)
{
    struct sockaddr_in wanted = {0};
    struct sockaddr_in there = {0};
    socklen_t size = sizeof wanted;
    (void)getpeername(peer.fd, (struct sockaddr *)&wanted, &size);
    for (int fd = 3; fd < FILES; fd++) {
        size = sizeof there;
        if (getsockname(fd, (struct sockaddr *)&there, &size) == 0 &&
            there.sin_family == AF_INET && there.sin_port == wanted.sin_port) {
            return fd;
        }
    }
    return -1;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void packets_go_both_ways_whole_and_in_order(void)
{
    uint8_t packet[WK_LINK_PACKET];
    EXPECT(begin());
    EXPECT(strcmp(carrier.why(carrier.self), "") == 0);
    headend.echoes = true;
    uint32_t sent = 0;
    for (int i = 0; i < TURNS && meter.taken < PACKETS; i++) {
        const wk_err err =
            sent < PACKETS ? carrier.send(carrier.self, packet, fill(sent, packet)) : WK_E_BUSY;
        EXPECT(err == WK_OK || err == WK_E_BUSY);
        sent += err == WK_OK ? 1 : 0;
        turn();
    }
    EXPECT_I64(PACKETS, headend.taken);
    EXPECT_I64(PACKETS, meter.taken);
    EXPECT_I64(0, headend.wrong + meter.wrong);
    EXPECT_ERR(WK_E_CLOSED, carrier.send(carrier.self, packet, WK_LINK_TLS_PACKET + 1));
    EXPECT(end());
}

static void a_packet_waits_for_one_at_most_however_little_the_network_takes(void)
{
    uint8_t packet[WK_LINK_PACKET];
    uint32_t sent = 0;
    EXPECT(begin());
    peer_is_deaf = true;
    const int fd = carrier_socket();
    EXPECT(fd >= 0);
    size_t last = 0;
    for (int i = 0; i < TURNS; i++) {
        const size_t length = fill(sent, packet);
        const wk_err err = carrier.send(carrier.self, packet, length);
        int unsent = 0;
        EXPECT(ioctl(fd, SIOCOUTQNSD, &unsent) == 0);
        sent += err == WK_OK ? 1 : 0;
        last = err == WK_OK ? length : last;
        EXPECT((size_t)unsent <= last + SEAL_ROOM);
        turn();
    }
    EXPECT(sent > 0 && sent < TURNS / 10);
    EXPECT_ERR(WK_E_BUSY, carrier.send(carrier.self, packet, 1));
    const uint32_t rooms = meter.rooms;
    peer_is_deaf = false;
    const int64_t begun_ms = now_ms();
    while ((headend.taken < sent || meter.rooms == rooms) && now_ms() - begun_ms < 5000) {
        turn();
    }
    EXPECT_I64(sent, headend.taken);
    EXPECT_I64(0, headend.wrong);
    EXPECT_I64(rooms + 1, meter.rooms);
    EXPECT_OK(carrier.send(carrier.self, packet, fill(sent, packet)));
    EXPECT(end());
}

static void a_connection_that_was_cut_is_resumed(void)
{
    EXPECT(begin());
    EXPECT(strstr(carrier.how(carrier.self), "with certificates") != NULL);
    for (int i = 0; i < 20; i++) { /* the ticket comes behind the handshake */
        turn();
    }
    (void)shutdown(peer.fd, SHUT_RDWR);
    wk_tls_free(peer.tls);
    (void)close(peer.fd);
    peer.fd = -1;
    EXPECT(turn_until_carries(false, 2000));
    EXPECT(strstr(carrier.why(carrier.self), "cut off") != NULL);
    EXPECT(turn_until_carries(true, 2 * WK_LINK_TLS_AGAIN_MS + 2000));
    EXPECT(strcmp(carrier.how(carrier.self),
                  "TLS 1.3, resumed; 1 of 2 connections were resumed") == 0);
    EXPECT(end());
}

WK_TEST_MAIN(T(packets_go_both_ways_whole_and_in_order),
             T(a_packet_waits_for_one_at_most_however_little_the_network_takes),
             T(a_connection_that_was_cut_is_resumed))
