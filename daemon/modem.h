/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/modem - the cellular modem of a path: link/modem on its serial device, in the libuv loop of
 * the meter, with its wake, reset and supply lines.
 *
 * A device that is not there yet (a USB modem without supply) is opened again every two seconds;
 * meanwhile the modem counts as silent. Packets do not go through here: the modem's network device
 * carries them, as the system has set it up. */
#ifndef WK_DAEMON_MODEM_H
#define WK_DAEMON_MODEM_H

#include <uv.h>

#include "daemon/config_modem.h"
#include "link/modem.h"
#include "port/linux/serial_line.h"

struct wk_meter_modem;

struct wk_meter_modem_config {
    uv_loop_t *loop;
    const struct wk_config_modem *modem; /* borrowed */
    uint32_t seed;                       /* of the spread */
    void *self;
    void (*changed)(void *self); /* whether it carries, or its signal */
};

/** Begins. WK_E_IO: no memory. */
WK_MUST_USE wk_err wk_meter_modem_start(struct wk_meter_modem **modem,
                                        const struct wk_meter_modem_config *config);
/** What it is and does. */
const struct wk_modem *wk_meter_modem_look(const struct wk_meter_modem *modem);
/** What was done last to get it going, and how long ago; "": nothing. Constant. */
const char *wk_meter_modem_action(const struct wk_meter_modem *modem, int64_t *since_us);
/** Why its serial device is not open; "": it is. */
const char *wk_meter_modem_why(const struct wk_meter_modem *modem);

/* As the functions of link/modem. */
void wk_meter_modem_traffic(struct wk_meter_modem *modem, bool came);
void wk_meter_modem_wake(struct wk_meter_modem *modem);
void wk_meter_modem_doubt(struct wk_meter_modem *modem);
void wk_meter_modem_useless(struct wk_meter_modem *modem);

/** Closes it; the loop frees it. NULL is allowed. */
void wk_meter_modem_stop(struct wk_meter_modem *modem);

#endif
