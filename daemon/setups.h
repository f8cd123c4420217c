/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/setups - parameters of management/setup that this meter works by: TCP-UDP setup (class 41:
 * port, inactivity), HDLC setup (class 23: all), and what the system says of IPv4 and MAC address
 * (classes 42, 43), a cellular modem of its link (class 47)
 * and the link itself (daemon/setups_link).
 * The IPv4 address is the one that DLMS listens on: a client may set it to one of
 * those that the system has. All else of IPv4, IPv6 and MAC address the system manages: setting it is
 * refused (WK_E_DENIED).
 *
 * What a client has set counts from the next start on, over the configuration; what none has set is told
 * as it is in force. A value that is set to the first one of model/objects.txt counts as not set. */
#ifndef WK_DAEMON_SETUPS_H
#define WK_DAEMON_SETUPS_H

#include "cosem/hdlc.h"
#include "daemon/config.h"
#include "daemon/link.h"
#include "management/rooms.h"

/* 0: as usual. */
struct wk_meter_setups {
    struct wk_setup_world world;
    const struct wk_config *config;
    const struct wk_meter_link *link;
    uint32_t idle_s;              /* of a connection by the wrapper over TCP */
    struct wk_hdlc_limits limits; /* of HDLC lines; info_send 0: the usual */
    uint32_t octet_ms;            /* pause within a frame on a serial line */
    uint32_t inactive_s;          /* of an HDLC connection */
};

/** Makes `world`, for the configuration of the module. `link` need not have begun. */
void wk_meter_setups_init(struct wk_meter_setups *setups, const struct wk_config *config,
                          const struct wk_meter_link *link);
/** Takes what clients have set, into `config` what the configuration has, too. */
void wk_meter_setups_take(struct wk_meter_setups *setups, const struct wk_rooms *rooms,
                          struct wk_config *config);

#endif
