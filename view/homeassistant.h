/* SPDX-License-Identifier: Apache-2.0
 *
 * view/homeassistant - what a meter says over MQTT so that Home Assistant finds it by itself: one
 * description of the device with all its entities (device discovery, since release 2024.11), and
 * one state, a JSON object, for all of them.
 *
 *   PREFIX/device/wattkeeper_SERIAL/config   the description, retained
 *   wattkeeper/SERIAL/availability           "online" or "offline", retained
 *   wattkeeper/SERIAL/state                  {"import":1234.567891,...}
 *   PREFIX/status                            Home Assistant says "online" when it starts
 *
 * Energies are those of the last commit (view/committed): a sensor of state class total_increasing
 * takes a smaller value for a new meter, and counts all of it again. Import and export are totals of
 * their own. Powers are positive for import. What this meter has not is not described; what it has
 * not measured yet is null.
 *
 * In SERIAL, what is no letter, digit, '-' or '_' is '_': topics and ids have no room for it. */
#ifndef WK_VIEW_HOMEASSISTANT_H
#define WK_VIEW_HOMEASSISTANT_H

#include "view/committed.h"
#include "view/point.h"

#define WK_HOMEASSISTANT_DESCRIPTION 12288 /* octets, most */
#define WK_HOMEASSISTANT_STATE       2048  /* octets, most */
#define WK_HOMEASSISTANT_TOPIC       160   /* characters, most, and the zero */
#define WK_HOMEASSISTANT_PREFIX      64    /* characters, most, and the zero */

#define WK_HOMEASSISTANT_ONLINE      "online"
#define WK_HOMEASSISTANT_OFFLINE     "offline"

typedef enum wk_homeassistant_topic {
    WK_HOMEASSISTANT_TOPIC_CONFIG,
    WK_HOMEASSISTANT_TOPIC_AVAILABILITY,
    WK_HOMEASSISTANT_TOPIC_STATE,
    WK_HOMEASSISTANT_TOPIC_STATUS,
    WK_HOMEASSISTANT_TOPICS
} wk_homeassistant_topic;

struct wk_homeassistant_config {
    const struct wk_object_table *table;  /* borrowed, as the next */
    const struct wk_committed *committed; /* of the same meter */
    const char *prefix; /* of discovery, "homeassistant"; a topic without wildcards */
};

struct wk_homeassistant {
    const struct wk_committed *committed;
    struct wk_points points;
    char prefix[WK_HOMEASSISTANT_PREFIX];
    char serial[WK_POINT_TEXT];
    char id[WK_POINT_TEXT]; /* the serial number as topics have it */
};

/** WK_E_ARGUMENT: the prefix is empty, too long or no topic to publish to; or as
 *  wk_point_read_text of the serial number. */
WK_MUST_USE wk_err wk_homeassistant_init(struct wk_homeassistant *ha,
                                         const struct wk_homeassistant_config *config);
void wk_homeassistant_name(const struct wk_homeassistant *ha, wk_homeassistant_topic topic,
                           char text[WK_HOMEASSISTANT_TOPIC]);
/** Writes the description: WK_HOMEASSISTANT_DESCRIPTION octets at most. WK_E_FULL. */
WK_MUST_USE wk_err wk_homeassistant_describe(struct wk_homeassistant *ha,
                                             struct wk_bytes_out *out);
/** Writes the state of the moment `now_us` (UTC): WK_HOMEASSISTANT_STATE octets at most.
 *  WK_E_FULL. */
WK_MUST_USE wk_err wk_homeassistant_state(struct wk_homeassistant *ha, int64_t now_us,
                                          struct wk_bytes_out *out);

#endif
