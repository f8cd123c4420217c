/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/modbus_lines - the lines on which a meter asks other Modbus units: one owner for each `uri`
 * of [submeter] and [gateway], whoever asks there. */
#ifndef WK_DAEMON_MODBUS_LINES_H
#define WK_DAEMON_MODBUS_LINES_H

#include <jansson.h>

#include "base/err.h"
#include "daemon/config.h"
#include "port/linux/modbus_gateway.h"
#include "port/linux/modbus_queue.h"

#define WK_MODBUS_LINES (WK_CONFIG_SUBMETERS + WK_CONFIG_GATEWAYS)

struct wk_modbus_lines {
    uint8_t count;
    struct wk_modbus_lines_one {
        const char *uri; /* borrowed from the configuration */
        struct wk_modbus_queue *queue;
    } line[WK_MODBUS_LINES];
};

/** Starts their owners. On error none runs, and `why` says what is wrong: as wk_modbus_queue_start. */
WK_MUST_USE wk_err wk_modbus_lines_start(struct wk_modbus_lines *lines,
                                         const struct wk_config *config,
                                         char why[WK_MODBUS_WHY]);
/** The owner of the line `uri`, NULL if there is none. */
struct wk_modbus_queue *wk_modbus_lines_of(const struct wk_modbus_lines *lines,
                                           const char *uri);
/** The routes of [gateway] sections from TCP or from the serial line; returns their number. */
uint8_t wk_modbus_lines_routes(const struct wk_modbus_lines *lines,
                               const struct wk_config *config, bool from_rtu,
                               struct wk_modbus_route route[WK_MODBUS_ROUTES]);
/** All of them as JSON (docs/api-meter.md); NULL: no memory. */
json_t *wk_modbus_lines_view(const struct wk_modbus_lines *lines);
/** Ends them, after whoever asks has ended; waits for requests under way. */
void wk_modbus_lines_stop(struct wk_modbus_lines *lines);

#endif
