/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/interface - what the system says of the network interface that has an address. */
#ifndef WK_PORT_LINUX_INTERFACE_H
#define WK_PORT_LINUX_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_INTERFACE_DNS 2 /* servers that are told */

/* Addresses of IPv4 as numbers, the first octet the highest; 0: there is none. */
struct wk_interface {
    uint32_t address;
    uint32_t mask;
    uint32_t gateway; /* of the default route through it */
    bool leased;      /* the address has an end of its life: it was given, by DHCP usually */
    uint32_t dns[WK_INTERFACE_DNS]; /* of the system, in its order */
    uint8_t mac[6];
};

/** The interface that has the IPv4 address `host`; of "0.0.0.0" or another text that is none, the
 *  first that is up and no loopback. WK_E_NOT_FOUND: there is no such; WK_E_IO. */
WK_MUST_USE wk_err wk_interface_read(const char *host, struct wk_interface *interface);

/** The first servers of IPv4 that a file like resolv.conf(5) names; 0: there is none. */
void wk_interface_read_dns(const char *path, uint32_t dns[WK_INTERFACE_DNS]);

#endif
