/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_modem - the keys of [path NAME] that are about its cellular modem:
 *
 *   modem = /dev/ttyUSB2   its serial device for AT commands; interface is its network device
 *   modem_baud = 115200
 *   apn = iot.example      absent: the network's own
 *   pin = 1234             of the SIM; is given once
 *   psm = 4h/20s           asks for sleep: periodic update (T3412) / active time (T3324)
 *   edrx = 80s             asks for cycles of listening
 *   bands = 8 20           of which another one may be tried, where the signal is disturbed
 *   spread = 10min         after an outage registration waits 0 up to this
 *   wake, reset, power     files that take 1 and 0, such as /sys/class/gpio/gpio17/value: 1 presses
 *                          the power key, holds the reset line, gives the supply */
#ifndef WK_DAEMON_CONFIG_MODEM_H
#define WK_DAEMON_CONFIG_MODEM_H

#include <stdbool.h>
#include <stdint.h>

#include "link/modem.h"
#include "port/linux/ini.h"

#define WK_CONFIG_MODEM_FILE  96
#define WK_CONFIG_MODEM_LINES 3

struct wk_config_modem {
    char device[WK_CONFIG_MODEM_FILE]; /* "": no modem */
    uint32_t baud;
    char line[WK_CONFIG_MODEM_LINES]
             [WK_CONFIG_MODEM_FILE]; /* by wk_modem_line; "": there is none */
    struct wk_modem_rules rules;
};

/** Takes one entry. False: it is no key of a modem. True: *must is NULL, or what it must be. */
bool wk_config_modem_take(struct wk_config_modem *modem, const struct wk_ini_entry *entry,
                          const char **must);
/** NULL, or what is missing. */
const char *wk_config_modem_check(const struct wk_config_modem *modem, const char *interface);

#endif
