/* SPDX-License-Identifier: Apache-2.0
 *
 * latency_probe STATE DLMS_PORT EK AK UDP_PORT HEADEND_PORT TIMES
 *
 * Commands a real wk-meterd over a ciphered association (HLS 5, AES-128-GCM): disconnect and
 * reconnect in turn. Meanwhile one thread watches the word of the simulated contactor in the ring of
 * the meter, and another carries the datagrams of its link to the head-end and back, with the time
 * at which the kernel got each. A line for each command, in microseconds:
 *
 *   command -> contactor driven    from before the request is sealed to the contactor's word
 *   event -> first octet           from the contactor's word, which is the event, to the first
 *                                  datagram of the link with a record */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cosem/axdr.h"
#include "port/linux/dlms_client.h"
#include "port/linux/ring.h"

#define NONE       INT64_C(0)
#define PACKET     2048
#define SETTLE_US  150000
#define WAIT_US    2000000
#define LEAST_SIZE 40 /* a report has fewer octets; a record more */

static struct wk_ring g_ring;
static atomic_int g_from; /* state of the contactor before the command */
static _Atomic int64_t g_began_us;
static _Atomic int64_t g_driven_us;
static _Atomic int64_t g_sent_us;
static int g_meter; /* sockets: to the meter, to the head-end */
static int g_headend;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Goes before all others where that is allowed: its own lateness would be in the figures. */
static void *watch_contactor(void *unused)
{
    const struct sched_param first = {.sched_priority = 1};
    (void)unused;
    (void)!pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
    for (;;) {
        const unsigned from = (unsigned)atomic_load(&g_from);
        if (atomic_load(&g_driven_us) == NONE &&
            atomic_load(&g_ring.shared->contact_open) != from) {
            atomic_store(&g_driven_us, now_us());
        }
        const struct timespec pause = {0, 20000};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* Receives with the time at which the kernel got it. */
static ssize_t receive(int socket, uint8_t *packet, struct sockaddr_in *from, int64_t *at_us)
{
    char control[256];
    struct iovec part = {.iov_base = packet, .iov_len = PACKET};
    struct msghdr message = {.msg_name = from,
                             .msg_namelen = sizeof *from,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    const ssize_t size = recvmsg(socket, &message, 0);
    *at_us = now_us();
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        struct timespec stamp;
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            *at_us = (int64_t)stamp.tv_sec * 1000000 + stamp.tv_nsec / 1000;
        }
    }
    return size;
}

static void *carry(void *unused)
{
    struct sockaddr_in meter = {0};
    uint8_t packet[PACKET];
    (void)unused;
    for (;;) {
        struct pollfd both[2] = {{.fd = g_meter, .events = POLLIN},
                                 {.fd = g_headend, .events = POLLIN}};
        int64_t at_us;
        (void)poll(both, 2, -1);
        if ((both[0].revents & POLLIN) != 0) {
            const ssize_t size = receive(g_meter, packet, &meter, &at_us);
            if (size > LEAST_SIZE && at_us >= atomic_load(&g_began_us) &&
                atomic_load(&g_sent_us) == NONE) {
                atomic_store(&g_sent_us, at_us);
            }
            (void)!send(g_headend, packet, (size_t)(size > 0 ? size : 0), 0);
        }
        if ((both[1].revents & POLLIN) != 0) {
            const ssize_t size = recv(g_headend, packet, sizeof packet, 0);
            if (size > 0) {
                (void)!sendto(g_meter, packet, (size_t)size, 0, (const struct sockaddr *)&meter,
                              sizeof meter);
            }
        }
    }
    return NULL;
}

static bool open_sockets(uint16_t own, uint16_t headend)
{
    const int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    g_meter = socket(AF_INET, SOCK_DGRAM, 0);
    g_headend = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_port = htons(own);
    if (bind(g_meter, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(g_meter, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) != 0) {
        return false;
    }
    address.sin_port = htons(headend);
    return connect(g_headend, (const struct sockaddr *)&address, sizeof address) == 0;
}

static void hex(const char *text, uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], '\0'};
        octets[i] = (uint8_t)strtoul(two, NULL, 16);
    }
}

static int64_t wait_for(_Atomic int64_t *at_us)
{
    for (int waited = 0; waited < WAIT_US && atomic_load(at_us) == NONE; waited += 1000) {
        usleep(1000);
    }
    return atomic_load(at_us);
}

/* One command; false: the meter refused it or did nothing. */
static bool command(struct wk_dlms_client *client)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const unsigned from = atomic_load(&g_ring.shared->contact_open);
    const struct wk_apdu_target target = {
        .class_id = 70, .obis = {0, 0, 96, 3, 10, 255}, .id = from == 0 ? 1 : 2};
    atomic_store(&g_from, (int)from);
    const int64_t began_us = now_us();
    atomic_store(&g_began_us, began_us);
    atomic_store(&g_sent_us, NONE);
    atomic_store(&g_driven_us, NONE);
    if (wk_dlms_client_action(client, &target, k_zero, sizeof k_zero) != WK_OK) {
        fprintf(stderr, "%s\n", wk_dlms_client_error(client));
        return false;
    }
    const int64_t driven_us = wait_for(&g_driven_us);
    const int64_t sent_us = wait_for(&g_sent_us);
    if (driven_us == NONE || sent_us == NONE) {
        fprintf(stderr, "the contactor was %s, a packet %s\n",
                driven_us ? "driven" : "not driven", sent_us ? "sent" : "not sent");
        return false;
    }
    printf("%lld %lld\n", (long long)(driven_us - began_us), (long long)(sent_us - driven_us));
    return true;
}

int main(int argc, char **argv)
{
    static struct wk_dlms_client client;
    struct wk_dlms_client_config config = {
        .host = "127.0.0.1", .client_sap = WK_DLMS_CLIENT_MANAGEMENT, .title = "WKPROBE1"};
    pthread_t thread;
    char path[512];
    if (argc != 8) {
        return 2;
    }
    snprintf(path, sizeof path, "%s/ring", argv[1]);
    config.port = (uint16_t)atoi(argv[2]);
    config.keys.ek.size = 16;
    config.keys.ak.size = 16;
    hex(argv[3], config.keys.ek.octets, 16);
    hex(argv[4], config.keys.ak.octets, 16);
    if (wk_ring_open(&g_ring, path) != WK_OK ||
        !open_sockets((uint16_t)atoi(argv[5]), (uint16_t)atoi(argv[6]))) {
        perror("latency_probe");
        return 1;
    }
    atomic_store(&g_driven_us, 1);
    if (pthread_create(&thread, NULL, carry, NULL) != 0 ||
        pthread_create(&thread, NULL, watch_contactor, NULL) != 0) {
        return 1;
    }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) { /* until the link is up */
        return 1;
    }
    if (wk_dlms_client_open(&client, &config) != WK_OK) {
        fprintf(stderr, "%s\n", wk_dlms_client_error(&client));
        return 1;
    }
    for (int n = 0; n < atoi(argv[7]); n++) {
        usleep(SETTLE_US);
        if (!command(&client)) {
            return 1;
        }
    }
    wk_dlms_client_close(&client);
    return 0;
}
