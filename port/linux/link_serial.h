/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_serial - the carriers of the link for lines of octets (port/linux/link_carrier,
 * link/line): each packet is a question of the meter, what the head-end has to say comes in the answer:
 * packets, each behind its length (16 bits). One without a packet asks whether there is more, while the link
 * awaits something. A modem (plc, rf) is asked how it is beside that, and told what to try.
 *
 * Modems for power lines and radio are reached by a serial device, too; how soon an answer begins, and
 * whether others are on the line, is of the kind of the address. A device that is not there, or
 * goes away, is looked for again; until it is there the path is down. */
#ifndef WK_PORT_LINUX_LINK_SERIAL_H
#define WK_PORT_LINUX_LINK_SERIAL_H

#include "port/linux/link_carrier.h"

#define WK_LINK_SERIAL_POLL_US      INT64_C(100000) /* after an answer; doubles */
#define WK_LINK_SERIAL_POLL_MOST_US INT64_C(1600000)

/** As wk_link_carrier_start. */
WK_MUST_USE wk_err wk_link_serial_start(struct wk_link_carrier *carrier,
                                        const struct wk_link_carrier_config *config,
                                        char error[WK_LINK_CARRIER_ERROR]);

#endif
