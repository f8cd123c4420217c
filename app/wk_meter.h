/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_meter - what the commands that talk to a meter share: which meter, as whom. */
#ifndef WK_APP_WK_METER_H
#define WK_APP_WK_METER_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/wk_suite.h"
#include "app/wk_trust.h"
#include "port/linux/dlms_client.h"

#define WK_METER_HOST 256
#define WK_METER_OPTIONS                                                                       \
    "  --role public|reader|management   who asks (default: what the command needs)\n"         \
    "  --password TEXT    password of the reader\n"                                            \
    "  --ek HEX, --ak HEX encryption and authentication key, 16 or (suite 2) 32 octets\n"      \
    "  --title HEX        this client's system title, 8 octets\n"                              \
    "  --keys FILE        the same as lines \"password = TEXT\", \"ek = HEX\", \"ak = "        \
    "HEX\",\n"                                                                                 \
    "                     \"title = HEX\", which keeps secrets off the command "               \
    "line\n" WK_SUITE_OPTIONS                                                                  \
    "  HOST may also be tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT,\n"                  \
    "                     hdlc+tcp://HOST:PORT/PHYSICAL, hdlc:/dev/ttyUSB0?baud=9600 or\n"     \
    "                     modee:/dev/ttyUSB0 (optical head: sign-on by IEC "                   \
    "62056-21)\n" WK_TRUST_OPTIONS                                                             \
    "  --timeout SECONDS  for connecting and for each answer (default 5)\n"                    \
    "  --json             one JSON object instead of text\n"                                   \
    "  --help             this text\n"

struct wk_meter {
    struct wk_dlms_client_config config;
    struct wk_dlms_client client;
    char host[WK_METER_HOST];
    char password[64];
    struct wk_suite suite;
    struct wk_trust trust;
    bool json;
    bool wants_help;
};

/* getopt values of the common options; commands use their own below 1000. */
enum {
    WK_METER_ROLE = 1000,
    WK_METER_PASSWORD,
    WK_METER_EK,
    WK_METER_AK,
    WK_METER_TITLE,
    WK_METER_KEYS,
    WK_METER_TIMEOUT,
    WK_METER_JSON,
    WK_METER_HELP,
};

#define WK_METER_LONG_OPTIONS                                                                  \
    {"role", required_argument, NULL, WK_METER_ROLE},                                          \
        {"password", required_argument, NULL, WK_METER_PASSWORD},                              \
        {"ek", required_argument, NULL, WK_METER_EK},                                          \
        {"ak", required_argument, NULL, WK_METER_AK},                                          \
        {"title", required_argument, NULL, WK_METER_TITLE},                                    \
        {"keys", required_argument, NULL, WK_METER_KEYS},                                      \
        {"timeout", required_argument, NULL, WK_METER_TIMEOUT}, WK_SUITE_LONG_OPTIONS,         \
        WK_TRUST_LONG_OPTIONS, {"json", no_argument, NULL, WK_METER_JSON},                     \
    {                                                                                          \
        "help", no_argument, NULL, WK_METER_HELP                                               \
    }

/** A meter with defaults; `client_sap` is the role unless --role says otherwise. */
void wk_meter_init(struct wk_meter *meter, uint16_t client_sap);
/** Takes one common option. False, and a text on standard error: its value is wrong, or it is
 *  none of them. */
bool wk_meter_option(struct wk_meter *meter, int option, const char *value);
/** "HOST", "HOST:PORT" or "[IPV6]:PORT". False, and a text on standard error: it is none. */
bool wk_meter_address(struct wk_meter *meter, const char *text);
/** "2026-11-21" or "2026-11-21T05:15:00Z", UTC. */
bool wk_meter_time(const char *text, struct wk_utc *utc);
/** Opens the association; on failure tells why on standard error. */
bool wk_meter_open(struct wk_meter *meter);

#endif
