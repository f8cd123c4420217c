/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/layout - how the store of a meter on Linux lies in its file: sectors of the rings, and
 * the names of keys and logs for people. */
#ifndef WK_DAEMON_LAYOUT_H
#define WK_DAEMON_LAYOUT_H

#include "management/store.h"

struct wk_layout_name {
    uint8_t first; /* keys or logs first..last */
    uint8_t last;
    const char *text;
};

/** The rings. */
struct wk_store_layout wk_layout_meter(void);
/** What stores had before there were profiles 4 and 5, whose sectors lie behind all others. */
struct wk_store_layout wk_layout_first(void);

/** Sectors of all rings together: what the file holds. */
uint32_t wk_layout_sectors(const struct wk_store_layout *layout);

/** What a key or a log holds; "key" or "log" for one that has no name. */
const char *wk_layout_key_name(uint8_t key);
const char *wk_layout_log_name(uint8_t log);

/** Whether a log holds events (management/event). */
bool wk_layout_is_event(uint8_t log);

#endif
