/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_udp - the carrier udp:// of the link (port/linux/link_carrier): finds the address of
 * the head-end, sends datagrams, gives what comes back.
 *
 * A path may be tied to an interface, so that it stays the path it is meant to be whatever the
 * routes say (needs CAP_NET_RAW). Where the name is not known, or the network refuses, it is tried again
 * after WK_LINK_UDP_AGAIN_MS. */
#ifndef WK_PORT_LINUX_LINK_UDP_H
#define WK_PORT_LINUX_LINK_UDP_H

#include "port/linux/link_carrier.h"

#define WK_LINK_UDP_AGAIN_MS 3000
#define WK_LINK_UDP_PACKET   2048

/** As wk_link_carrier_start. */
WK_MUST_USE wk_err wk_link_udp_start(struct wk_link_carrier *carrier,
                                     const struct wk_link_carrier_config *config,
                                     char error[WK_LINK_CARRIER_ERROR]);

#endif
