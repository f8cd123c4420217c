/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/tun - a network device whose packets (IP, no link layer) a program reads and writes
 * (Documentation/networking/tuntap.rst). It exists until it is closed.
 *
 * Needs CAP_NET_ADMIN in the network namespace of the device, and CAP_SYS_ADMIN to get into a named
 * one. */
#ifndef WK_PORT_LINUX_TUN_H
#define WK_PORT_LINUX_TUN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_TUN_ERROR 224 /* room for an error text */
#define WK_TUN_MTU   1500

struct wk_tun_config {
    const char *namespace; /* as `ip netns` names it; NULL: the own one */
    const char *device;    /* at most 15 characters */
    const char *address;   /* IPv4 of the device; NULL: somebody else gives it addresses */
    const char *peer;      /* IPv4 of the other end; only with `address` */
};

/** Makes the device and brings it up. *fd does not block and is the caller's. WK_E_ARGUMENT: no such
 *  namespace, or a name or an address that cannot be; WK_E_DENIED: without the privilege;
 *  WK_E_NOT_FOUND: the kernel has no TUN; WK_E_BUSY: there is such a device; WK_E_IO otherwise. `error`
 *  says it in words. The calling thread is in its own namespace again, whatever came. */
WK_MUST_USE wk_err wk_tun_open(int *fd, const struct wk_tun_config *config,
                               char error[WK_TUN_ERROR]);

/** Takes a packet. WK_E_NOT_FOUND: none is there; WK_E_IO: the device is gone or down. */
WK_MUST_USE wk_err wk_tun_read(int fd, void *packet, size_t room, size_t *length);

/** Gives a packet to the kernel. WK_E_IO: it takes none, or not this one. */
WK_MUST_USE wk_err wk_tun_write(int fd, const void *packet, size_t length);

#endif
