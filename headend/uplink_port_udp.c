/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_port_udp - packets of meters over UDP, on link_port. An address is that of the socket. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "headend/uplink_port.h"
#include "link/packet.h"
#include "link/seal.h"

#define RECEIVE_BUFFER 4194304

_Static_assert(sizeof(struct sockaddr_in6) <= WK_UPLINK_ADDRESS, "an address of IPv6 fits");

struct udp_port {
    struct wk_uplink_port_config config;
    int socket;
};

static void serve(void *self)
{
    const struct udp_port *udp = self;
    for (int i = 0; i < WK_UPLINK_AT_ONCE; i++) {
        uint8_t packet[WK_LINK_PACKET + WK_LINK_SEAL];
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        const ssize_t length = recvfrom(udp->socket, packet, sizeof packet, MSG_DONTWAIT,
                                        (struct sockaddr *)&from, &size);
        if (length <= 0 || size > WK_UPLINK_ADDRESS) {
            return;
        }
        struct wk_uplink_address address = {.port = udp->config.number, .size = (uint8_t)size};
        memcpy(address.octets, &from, size);
        udp->config.take(udp->config.self, &address, packet, (size_t)length);
    }
}

static wk_err send_datagram(void *self, const struct wk_uplink_address *to,
                            const uint8_t *packet, size_t length)
{
    const struct udp_port *udp = self;
    struct sockaddr_storage address;
    memcpy(&address, to->octets, to->size);
    const ssize_t sent = sendto(udp->socket, packet, length, MSG_DONTWAIT,
                                (const struct sockaddr *)&address, to->size);
    return sent == (ssize_t)length ? WK_OK : WK_E_IO;
}

static void close_port(void *self)
{
    struct udp_port *udp = self;
    close(udp->socket);
    free(udp);
}

wk_err wk_uplink_port_udp(struct wk_uplink_port *port,
                          const struct wk_uplink_port_config *config, char why[WK_INI_WHY])
{
    const int size = RECEIVE_BUFFER;
    if (config->registry->link_port == 0) {
        return WK_E_NOT_FOUND;
    }
    struct udp_port *udp = calloc(1, sizeof *udp);
    if (udp == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    udp->config = *config;
    const wk_err err = wk_uplink_port_bind(config->registry, SOCK_DGRAM,
                                           config->registry->link_port, &udp->socket, why);
    if (err != WK_OK) {
        free(udp);
        return err;
    }
    /* As much as the system allows will do. */
    (void)!setsockopt(udp->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    *port = (struct wk_uplink_port){.self = udp,
                                    .fd = udp->socket,
                                    .serve = serve,
                                    .send = send_datagram,
                                    .close = close_port};
    return WK_OK;
}
