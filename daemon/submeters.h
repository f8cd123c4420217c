/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/submeters - reads the configured sub-meters, each in a thread of its own: a line that
 * does not answer holds up nobody else. Their values are shown, never billed. Those that share a
 * line ask its owner (daemon/modbus_lines), and so do the clients of a gateway. */
#ifndef WK_DAEMON_SUBMETERS_H
#define WK_DAEMON_SUBMETERS_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/config.h"
#include "daemon/modbus_lines.h"
#include "port/linux/submeter.h"

/* What is known of one; guarded by wk_submeters.lock. */
struct wk_submeters_state {
    struct wk_submeter newest; /* of the last reading that succeeded */
    int64_t read_us;           /* UTC of it; 0 = none yet */
    uint64_t readings;
    uint64_t failures;
    char fault[WK_MODBUS_WHY]; /* of the last reading; empty if it succeeded */
};

struct wk_submeters {
    const struct wk_config *config;
    const struct wk_modbus_lines *lines;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* stop has been set */
    bool stop;
    uint8_t running; /* threads */
    struct wk_submeters_worker {
        struct wk_submeters *all;
        uint8_t index;
        pthread_t thread;
        struct wk_modbus_queue *queue; /* of its line */
        uint8_t exception;             /* of the last request that was refused */
        char line_fault[WK_MODBUS_WHY];
        struct wk_submeters_state state;
    } worker[WK_CONFIG_SUBMETERS];
};

/** Starts a thread for each [submeter] of the configuration. WK_E_IO: no thread; none runs. `lines`
 *  are borrowed, and have all of theirs. */
WK_MUST_USE wk_err wk_submeters_start(struct wk_submeters *submeters,
                                      const struct wk_config *config,
                                      const struct wk_modbus_lines *lines);
/** Ends them; waits for requests under way. */
void wk_submeters_stop(struct wk_submeters *submeters);

/** What is known of one; `index` is below submeters->running. */
struct wk_submeters_state wk_submeters_state_of(struct wk_submeters *submeters, uint8_t index);
/** All of them as JSON (docs/api-meter.md); NULL: no memory. */
json_t *wk_submeters_view(struct wk_submeters *submeters);

#endif
