/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/interface.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE 256

static uint32_t number_of(const struct sockaddr *address)
{
    struct sockaddr_in in;
    if (address == NULL || address->sa_family != AF_INET) {
        return 0;
    }
    memcpy(&in, address, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

static const struct ifaddrs *choose(const struct ifaddrs *list, uint32_t wanted)
{
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        const uint32_t address = number_of(one->ifa_addr);
        const bool usual =
            (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
        if (address != 0 && (wanted != 0 ? address == wanted : usual)) {
            return one;
        }
    }
    return NULL;
}

static void read_mac(const struct ifaddrs *list, const char *name, uint8_t mac[6])
{
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        struct sockaddr_ll link;
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_PACKET &&
            strcmp(one->ifa_name, name) == 0) {
            memcpy(&link, one->ifa_addr, sizeof link);
            memcpy(mac, link.sll_addr, 6);
        }
    }
}

/* The table of routes has addresses as the processor stores those of the network. */
static uint32_t read_gateway(const char *name)
{
    char line[LINE];
    uint32_t gateway = 0;
    FILE *file = fopen("/proc/net/route", "re");
    while (file != NULL && gateway == 0 && fgets(line, sizeof line, file) != NULL) {
        char of[IF_NAMESIZE + 1];
        unsigned destination;
        unsigned via;
        if (sscanf(line, "%16s %8x %8x", of, &destination, &via) == 3 && destination == 0 &&
            strcmp(of, name) == 0) {
            gateway = ntohl((uint32_t)via);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return gateway;
}

wk_err wk_interface_read(const char *host, struct wk_interface *interface)
{
    struct ifaddrs *list = NULL;
    struct in_addr wanted = {0};
    *interface = (struct wk_interface){0};
    if (getifaddrs(&list) != 0) {
        return WK_E_IO;
    }
    if (inet_pton(AF_INET, host, &wanted) != 1) {
        wanted.s_addr = 0;
    }
    const struct ifaddrs *chosen = choose(list, ntohl(wanted.s_addr));
    if (chosen != NULL) {
        interface->address = number_of(chosen->ifa_addr);
        interface->mask = number_of(chosen->ifa_netmask);
        interface->gateway = read_gateway(chosen->ifa_name);
        read_mac(list, chosen->ifa_name, interface->mac);
    }
    freeifaddrs(list);
    return chosen != NULL ? WK_OK : WK_E_NOT_FOUND;
}
