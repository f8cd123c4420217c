/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_tls - the carrier tls:// of the link (port/linux/link_carrier): packets over TLS 1.3
 * on TCP, with certificates on both sides (port/linux/tls, port/linux/link_tls_flow).
 *
 * A connection that ended is made anew after WK_LINK_TLS_AGAIN_MS, then after ever longer, up to twice as long
 * by chance, so that the meters of a head-end that was away do not come in step. What the head-end gave is
 * kept of each path: a connection after the first is resumed, in one round trip and without
 * certificates, for as long as port/linux/tls says. */
#ifndef WK_PORT_LINUX_LINK_TLS_H
#define WK_PORT_LINUX_LINK_TLS_H

#include "port/linux/link_carrier.h"

#define WK_LINK_TLS_AGAIN_MS   500
#define WK_LINK_TLS_AGAIN_MOST 60000
#define WK_LINK_TLS_ANSWER_MS  10000 /* for a connection to be proven */

/** As wk_link_carrier_start. WK_E_FORMAT: config->trust is missing. */
WK_MUST_USE wk_err wk_link_tls_start(struct wk_link_carrier *carrier,
                                     const struct wk_link_carrier_config *config,
                                     char error[WK_LINK_CARRIER_ERROR]);

#endif
