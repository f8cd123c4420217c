/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/link_monitor - the last packets of the link, in words, for who looks for a fault.
 *
 * A packet is kept as its head and what its frames are: whose records, which numbers, what the
 * head-end reported and acknowledged. No value of a record is kept. */
#ifndef WK_DAEMON_LINK_MONITOR_H
#define WK_DAEMON_LINK_MONITOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WK_LINK_MONITOR_PACKETS 256 /* kept, a power of two */
#define WK_LINK_MONITOR_TEXT    160

struct wk_link_monitor_packet {
    int64_t at_us; /* UTC by the clock of this machine */
    uint8_t path;
    bool to_headend;
    uint16_t octets; /* in clear, without what the carrier adds */
    uint32_t number;
    char text[WK_LINK_MONITOR_TEXT];
};

struct wk_link_monitor {
    uint64_t count; /* packets ever seen */
    struct wk_link_monitor_packet packets[WK_LINK_MONITOR_PACKETS];
};

/** Enters a packet in clear. */
void wk_link_monitor_take(struct wk_link_monitor *monitor, uint8_t path, bool to_headend,
                          const uint8_t *packet, size_t length);
/** The newest `most`, oldest first, as JSON; `names` are those of the paths. NULL: no memory. */
json_t *wk_link_monitor_view(const struct wk_link_monitor *monitor, size_t most,
                             const char *(*name)(const void *self, uint8_t path),
                             const void *self);

#endif
