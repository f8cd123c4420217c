/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_talk - the clients of a meter that can be reached by its link only. To a client it is a
 * meter on UDP: what he sends goes down the link as it is, and answers come back so. Both may be lost;
 * he asks again, and the meter knows a request that came before. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "headend/uplink_part.h"

#define AT_ONCE 64

/* Only who is on this machine can ask. */
static int open_socket(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (bind(fd, (const struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

wk_err wk_uplink_talk_open(struct wk_uplink_peer *peer)
{
    uint16_t port = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    peer->talk = -1;
    if (strcmp(peer->meter->host, WK_REGISTRY_LINK) != 0) {
        return WK_OK;
    }
    peer->talk = open_socket(&port);
    if (peer->talk < 0 ||
        epoll_ctl(peer->uplink->talk, EPOLL_CTL_ADD, peer->talk, &event) != 0) {
        return WK_E_IO;
    }
    atomic_store(&peer->meter->talk_port, port);
    return WK_OK;
}

void wk_uplink_talk_close(struct wk_uplink_peer *peer)
{
    if (peer->talk >= 0) {
        atomic_store(&peer->meter->talk_port, 0);
        close(peer->talk);
    }
    peer->talk = -1;
}

/* A client keeps his conversation as long as he talks. */
static uint8_t conversation_of(struct wk_uplink_peer *peer, uint16_t port)
{
    uint8_t oldest = 0;
    for (uint8_t i = 0; i < WK_UPLINK_TALKS; i++) {
        if (peer->clients[i].port == port) {
            return i;
        }
        if (peer->clients[i].heard_us < peer->clients[oldest].heard_us) {
            oldest = i;
        }
    }
    peer->clients[oldest].port = port;
    return oldest;
}

static void carry(struct wk_uplink_peer *peer)
{
    for (int i = 0; i < AT_ONCE; i++) {
        uint8_t datagram[WK_LINK_TALK + 1]; /* one octet more shows what is too long */
        struct sockaddr_in from = {.sin_port = 0};
        socklen_t size = sizeof from;
        const ssize_t length = recvfrom(peer->talk, datagram, sizeof datagram, MSG_DONTWAIT,
                                        (struct sockaddr *)&from, &size);
        if (length <= 0) {
            return;
        }
        const uint8_t conversation = conversation_of(peer, from.sin_port);
        peer->clients[conversation].heard_us = wk_uplink_now_us();
        /* What does not go is lost: he asks again. */
        (void)!wk_link_receiver_say(&peer->receiver, conversation,
                                    wk_bytes_in_of(datagram, (size_t)length));
    }
}

void wk_uplink_talk_serve(struct wk_uplink *uplink)
{
    struct epoll_event events[AT_ONCE];
    const int count = epoll_wait(uplink->talk, events, AT_ONCE, 0);
    for (int i = 0; i < count; i++) {
        carry(events[i].data.ptr);
        wk_uplink_renew(events[i].data.ptr);
    }
}

void wk_uplink_talk_answer(void *self, const struct wk_link_receiver *from,
                           uint8_t conversation, struct wk_bytes_in datagram)
{
    const struct wk_uplink_peer *peer = self;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = peer->clients[conversation].port,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)from;
    if (peer->talk >= 0 && to.sin_port != 0) {
        (void)!sendto(peer->talk, datagram.data, datagram.size, MSG_DONTWAIT,
                      (const struct sockaddr *)&to, sizeof to);
    }
}
