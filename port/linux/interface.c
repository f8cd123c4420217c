/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/interface.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE     256
#define MESSAGES 16384 /* octets of one answer of the kernel */
#define ANSWERS  64    /* of them, most */
#define RESOLV   "/etc/resolv.conf"
#define RESOLVED "/run/systemd/resolve/resolv.conf" /* whom the local stub asks */
#define STUB     0x7F000035                         /* 127.0.0.53, that stub */
#define WAIT_S   1

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

/* ---- DHCP -------------------------------------------------------------------------------- */

/* What the kernel is asked: all addresses of IPv4. */
struct question {
    struct nlmsghdr head;
    struct ifaddrmsg what;
};

static bool attribute_is(const struct rtattr *attribute, uint32_t address)
{
    struct in_addr in;
    if (attribute->rta_type != IFA_LOCAL || RTA_PAYLOAD(attribute) != sizeof in) {
        return false;
    }
    memcpy(&in, (const char *)attribute + RTA_LENGTH(0), sizeof in); /* RTA_DATA drops const */
    return ntohl(in.s_addr) == address;
}

/* Whether a message is about the address, and whether that will end. */
static bool look_at(struct nlmsghdr *message, uint32_t address, bool *leased)
{
    const struct ifaddrmsg *what = NLMSG_DATA(message);
    struct rtattr *attribute = IFA_RTA(NLMSG_DATA(message));
    size_t left = IFA_PAYLOAD(message);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute_is(attribute, address)) {
            *leased = (what->ifa_flags & IFA_F_PERMANENT) == 0;
            return true;
        }
    }
    return false;
}

/* False: that was the last answer, or the address is found. */
static bool look_through(void *answer, size_t size, uint32_t address, bool *leased)
{
    struct nlmsghdr *message = answer;
    for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
        if (message->nlmsg_type != RTM_NEWADDR || look_at(message, address, leased)) {
            return false;
        }
    }
    return true;
}

static bool is_leased(uint32_t address)
{
    static const struct timeval k_wait = {.tv_sec = WAIT_S};
    _Alignas(struct nlmsghdr) uint8_t answer[MESSAGES];
    const struct question question = {
        .head = {.nlmsg_len = sizeof question,
                 .nlmsg_type = RTM_GETADDR,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .what = {.ifa_family = AF_INET},
    };
    bool leased = false;
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return false;
    }
    bool goes_on = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &k_wait, sizeof k_wait) == 0 &&
                   send(fd, &question, sizeof question, 0) == (ssize_t)sizeof question;
    for (int i = 0; i < ANSWERS && goes_on; i++) {
        const ssize_t size = recv(fd, answer, sizeof answer, 0);
        goes_on = size > 0 && look_through(answer, (size_t)size, address, &leased);
    }
    (void)close(fd);
    return leased;
}

/* ---- DNS --------------------------------------------------------------------------------- */

void wk_interface_read_dns(const char *path, uint32_t dns[WK_INTERFACE_DNS])
{
    char line[LINE];
    int found = 0;
    FILE *file = fopen(path, "re");
    memset(dns, 0, WK_INTERFACE_DNS * sizeof dns[0]);
    while (file != NULL && found < WK_INTERFACE_DNS && fgets(line, sizeof line, file) != NULL) {
        char text[INET_ADDRSTRLEN];
        struct in_addr in;
        if (sscanf(line, "nameserver %15s", text) == 1 && inet_pton(AF_INET, text, &in) == 1) {
            dns[found] = ntohl(in.s_addr);
            found++;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* A stub on this machine is not what a client wants to know. */
static void read_dns(uint32_t dns[WK_INTERFACE_DNS])
{
    uint32_t behind[WK_INTERFACE_DNS];
    wk_interface_read_dns(RESOLV, dns);
    if (dns[0] != STUB) {
        return;
    }
    wk_interface_read_dns(RESOLVED, behind);
    if (behind[0] != 0) {
        memcpy(dns, behind, sizeof behind);
    }
}

/* ---- the interface ----------------------------------------------------------------------- */

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
        interface->leased = is_leased(interface->address);
        read_mac(list, chosen->ifa_name, interface->mac);
        read_dns(interface->dns);
    }
    freeifaddrs(list);
    return chosen != NULL ? WK_OK : WK_E_NOT_FOUND;
}
