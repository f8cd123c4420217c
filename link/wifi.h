/* SPDX-License-Identifier: Apache-2.0
 *
 * link/wifi - a wireless LAN that a path goes over: how well it is heard, and what somebody could do about it.
 *
 * Whose radio it is, the system manages: the meter reads what the radio tells and judges the path by it. A signal below
 * WK_WIFI_WEAK_DBM makes the rate fall, one below WK_WIFI_EDGE_DBM is lost at times. A strong signal with many
 * packets sent again, or a channel that others fill, does not get better by an antenna: another channel
 * or band may.
 *
 * Memory: 60 octets. Context: one thread. */
#ifndef WK_LINK_WIFI_H
#define WK_LINK_WIFI_H

#include <stdbool.h>
#include <stdint.h>

#define WK_WIFI_UNKNOWN       INT16_MIN
#define WK_WIFI_SSID          33 /* octets of a name, its 0 included */
#define WK_WIFI_WEAK_DBM      (-72)
#define WK_WIFI_EDGE_DBM      (-82)
#define WK_WIFI_BUSY_PERCENT  70
#define WK_WIFI_RETRY_PERCENT 30
#define WK_WIFI_ENOUGH        50   /* packets, that a share of them tells something */
#define WK_WIFI_FAR_MHZ       3000 /* below it: the band that reaches farther */

struct wk_wifi_status {
    bool connected;
    char ssid[WK_WIFI_SSID]; /* "": not told; what does not print is '?' */
    uint16_t frequency_mhz;  /* 0: not known */
    int16_t signal_dbm;      /* of the access point, mean of some beacons; WK_WIFI_UNKNOWN */
    int16_t noise_dbm;       /* of the channel; WK_WIFI_UNKNOWN */
    uint32_t tx_kbps;        /* of the last packets; 0: not known */
    uint32_t rx_kbps;
    int16_t
        busy_percent; /* of the channel, by anybody, since the look before; WK_WIFI_UNKNOWN */
    int16_t retry_percent; /* packets that were sent again, likewise */
};

typedef enum wk_wifi_advice {
    WK_WIFI_ADVICE_NONE = 0,
    WK_WIFI_ADVICE_OFFLINE,
    WK_WIFI_ADVICE_EDGE,      /* the signal is lost at times */
    WK_WIFI_ADVICE_EDGE_BAND, /* ... on a band that another one outreaches */
    WK_WIFI_ADVICE_WEAK,
    WK_WIFI_ADVICE_WEAK_BAND,
    WK_WIFI_ADVICE_BUSY,      /* others fill the channel */
    WK_WIFI_ADVICE_DISTURBED, /* strong, and yet much is sent again */
    WK_WIFI_ADVICES
} wk_wifi_advice;

wk_wifi_advice wk_wifi_advise(const struct wk_wifi_status *status);
/** What to do, a sentence; NULL: nothing. Constant. */
const char *wk_wifi_advice_text(const struct wk_wifi_status *status);
/** Points that the path's score loses: 0, 5 for weak, busy or disturbed, 10 at the edge. */
uint8_t wk_wifi_malus(const struct wk_wifi_status *status);
/** How good the signal is: 0 (-100 dBm) to 100 (-50 dBm); WK_WIFI_UNKNOWN. */
int16_t wk_wifi_quality(const struct wk_wifi_status *status);
/** The channel of a frequency (IEEE 802.11, annex E); 0: none. */
uint16_t wk_wifi_channel(uint16_t frequency_mhz);

#endif
