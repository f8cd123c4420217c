/* SPDX-License-Identifier: Apache-2.0
 *
 * management/parameter_monitor - notices that parameters have changed (class 65 of IEC 62056-6-2,
 * version 1): which of a list did last, when, and to what.
 *
 * The list is an array of management/setup that clients set. After each message that changed
 * anything the module lets the monitor look: each attribute of the list is read and compared, by its
 * check sum, with what it was. What was noticed is not kept over a restart; what changes while
 * the meter is off is not noticed. An optional part: the module reaches it by the functions that it brings
 * along, and a meter without it serves the list alone. 0.3 kB of RAM. */
#ifndef WK_MANAGEMENT_PARAMETER_MONITOR_H
#define WK_MANAGEMENT_PARAMETER_MONITOR_H

#include "management/objects.h"
#include "port/hal.h"

#define WK_PARAMETER_MONITOR_MOST  8  /* parameters of the list, as model/objects.txt has it */
#define WK_PARAMETER_MONITOR_VALUE 64 /* octets of the value shown; a longer one is null-data */

struct wk_parameter_monitor_entry {
    uint16_t class_id;
    uint8_t obis[6];
    int8_t attribute;
    uint32_t crc; /* of its value */
};

struct wk_parameter_monitor_functions {
    /** Looks at all parameters, `now_us` by the meter's clock. */
    void (*look)(struct wk_rooms *rooms, int64_t now_us);
    const struct wk_object_class *objects;
};

/* All members are private; initialised by wk_parameter_monitor_init. */
struct wk_parameter_monitor {
    const struct wk_parameter_monitor_functions *functions;
    const struct wk_hal_crypto *crypto;
    struct wk_parameter_monitor_entry entry[WK_PARAMETER_MONITOR_MOST];
    uint8_t count;
    struct wk_parameter_monitor_entry changed; /* class_id 0: none has yet */
    struct wk_utc at;
    uint8_t size;
    uint8_t value[WK_PARAMETER_MONITOR_VALUE];
};

/** `crypto` for the digest; NULL: there is none. */
void wk_parameter_monitor_init(struct wk_parameter_monitor *monitor,
                               const struct wk_hal_crypto *crypto);

#endif
