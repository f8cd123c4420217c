/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/uplink_port.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_ROOM 8

bool wk_uplink_port_is_wanted(const struct wk_registry *registry)
{
    return registry->link_port != 0 || registry->link_coap_port != 0 ||
           registry->link_tls_port != 0 || registry->link_mqtt.kind != NULL ||
           registry->link_lines != 0;
}

wk_err wk_uplink_port_open_all(struct wk_uplink_port ports[WK_UPLINK_PORTS], uint8_t *count,
                               const struct wk_uplink_port_config *config, char why[WK_INI_WHY])
{
    static const wk_uplink_port_open k_open[] = {wk_uplink_port_udp, wk_uplink_port_coap,
                                                 wk_uplink_port_tls, wk_uplink_port_mqtt,
                                                 wk_uplink_port_line};
    struct wk_uplink_port_config each = *config;
    *count = 0;
    for (size_t i = 0; i < sizeof k_open / sizeof k_open[0]; i++) {
        each.number = *count;
        const wk_err err = k_open[i](&ports[*count], &each, why);
        if (err == WK_OK) {
            (*count)++;
        } else if (err != WK_E_NOT_FOUND) {
            wk_uplink_port_close_all(ports, *count);
            *count = 0;
            return err;
        }
    }
    return WK_OK;
}

wk_err wk_uplink_port_bind(const struct wk_registry *registry, int kind, uint16_t number,
                           int *fd, char why[WK_INI_WHY])
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = kind};
    struct addrinfo *found = NULL;
    char port[PORT_ROOM];
    const int one = 1;
    snprintf(port, sizeof port, "%u", number);
    if (getaddrinfo(registry->listen, port, &hints, &found) != 0) {
        snprintf(why, WK_INI_WHY, "%s is no address to listen on", registry->listen);
        return WK_E_IO;
    }
    const int made = socket(found->ai_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* After a kill connections of before still hold the port. */
    if (made < 0 ||
        (kind == SOCK_STREAM &&
         setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0) ||
        bind(made, found->ai_addr, found->ai_addrlen) != 0) {
        snprintf(why, WK_INI_WHY, "cannot listen on %s %s port %u: %s",
                 kind == SOCK_DGRAM ? "udp" : "tcp", registry->listen, number, strerror(errno));
        if (made >= 0) {
            close(made);
        }
        freeaddrinfo(found);
        return WK_E_IO;
    }
    freeaddrinfo(found);
    *fd = made;
    return WK_OK;
}

void wk_uplink_port_close_all(struct wk_uplink_port ports[WK_UPLINK_PORTS], uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        ports[i].close(ports[i].self);
    }
}

wk_err wk_uplink_port_send(const struct wk_uplink_port ports[WK_UPLINK_PORTS],
                           const struct wk_uplink_address *to, const uint8_t *packet,
                           size_t length)
{
    const struct wk_uplink_port *port = &ports[to->port];
    return port->send(port->self, to, packet, length);
}
