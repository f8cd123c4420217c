/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_coap - the carrier coap:// of the link (port/linux/link_carrier): each packet is a
 * confirmable POST to /wk/TITLE (link/coap), what the head-end has to say comes in the response:
 * packets, each behind its length (16 bits). One without a packet asks whether there is more, while
 * the link awaits something: the head-end answers when there is. So nothing comes unasked,
 * and a NAT, or a modem that sleeps, is passed whenever the meter speaks.
 *
 * Alarms and what asks whether the path works have a request of their own, beside the one of all
 * else. A HELLO begins anew: what is on its way is given up. */
#ifndef WK_PORT_LINUX_LINK_COAP_H
#define WK_PORT_LINUX_LINK_COAP_H

#include "port/linux/link_carrier.h"

#define WK_LINK_COAP_POLL_MS 100 /* after a response, if nothing else went */

/** As wk_link_carrier_start. */
WK_MUST_USE wk_err wk_link_coap_start(struct wk_link_carrier *carrier,
                                      const struct wk_link_carrier_config *config,
                                      char error[WK_LINK_CARRIER_ERROR]);

#endif
