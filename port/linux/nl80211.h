/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/nl80211 - what the kernel tells of a wireless interface (linux/nl80211.h over generic netlink): network,
 * access point, channel.
 *
 * A look is three questions, each answered before the next: the interface, its stations, the channels. It takes one
 * wk_nl80211_look and a wk_nl80211_take for each datagram until that says the look is over. Shares of the channel and of
 * packets are those since the look before.
 *
 * Memory: the caller's struct. Context: one thread; nothing waits. */
#ifndef WK_PORT_LINUX_NL80211_H
#define WK_PORT_LINUX_NL80211_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "link/wifi.h"

#define WK_NL80211_DATAGRAM 16384 /* octets of the kernel's, most */

typedef enum wk_nl80211_stage {
    WK_NL80211_IDLE = 0,
    WK_NL80211_FAMILY,
    WK_NL80211_INTERFACE,
    WK_NL80211_STATIONS,
    WK_NL80211_CHANNELS,
} wk_nl80211_stage;

struct wk_nl80211_counts {
    bool has;
    uint64_t packets;
    uint64_t retries;
    uint64_t active_ms;
    uint64_t busy_ms;
};

struct wk_nl80211 {
    int fd;        /* -1: not open */
    char name[16]; /* of the interface; "": `interface` stays */
    uint32_t interface;
    uint16_t family; /* 0: not asked for yet */
    uint32_t sequence;
    wk_nl80211_stage stage;
    bool is_wireless; /* as the last look has it */
    struct wk_wifi_status status;
    struct wk_wifi_status next; /* of the look under way */
    struct wk_nl80211_counts before;
    struct wk_nl80211_counts now;
};

/** The interface may come and go; at most 15 characters count. WK_E_IO: errno says why. */
WK_MUST_USE wk_err wk_nl80211_open(struct wk_nl80211 *reader, const char *interface);
/** On a socket that is open already, which speaks as the kernel does. */
void wk_nl80211_init(struct wk_nl80211 *reader, int fd, uint32_t interface);
/** Sends the first question of a look, in place of one under way. WK_E_NOT_FOUND: there is no interface of this name now;
 *  WK_E_IO. */
WK_MUST_USE wk_err wk_nl80211_look(struct wk_nl80211 *reader);
/** Takes what has come. True: the look is over; reader->is_wireless and, if it is, reader->status have what it showed. */
bool wk_nl80211_take(struct wk_nl80211 *reader);
/** Of the default route (IPv4), at most 15 characters. False: there is none. */
bool wk_nl80211_default_interface(char name[16]);
void wk_nl80211_close(struct wk_nl80211 *reader);

#endif
