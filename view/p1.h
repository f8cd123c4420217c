/* SPDX-License-Identifier: Apache-2.0
 *
 * view/p1 - telegrams of the consumer's port P1 (DSMR 5.0.2, and 4.2 for what asks for it).
 *
 *   /WKP5\2WATTKEEPER, an empty line, lines OBIS(value*unit), ! and four hexadecimal digits of CRC-16
 *
 * A telegram is a table over the points of the meter: what this meter has not, or has not measured
 * yet, is left out. It is written line by line to whoever wants it, in one go: all of it belongs to
 * one moment. Other meters, read by their owner, follow as channels of the M-Bus.
 *
 * DSMR counts tariff 1 as the low one; the tariffs are those of the meter's calendar. */
#ifndef WK_VIEW_P1_H
#define WK_VIEW_P1_H

#include <stddef.h>
#include <stdint.h>

#include "cosem/datetime.h"
#include "view/point.h"

#define WK_P1_LINE     128  /* octets, most */
#define WK_P1_TELEGRAM 2048 /* octets, most */
#define WK_P1_CHANNELS 4
#define WK_P1_ID       48 /* characters of an identifier, most */

typedef enum wk_p1_version {
    WK_P1_VERSION_4 = 4, /* a telegram every ten seconds */
    WK_P1_VERSION_5 = 5, /* ... every second */
} wk_p1_version;

struct wk_p1_config {
    const struct wk_object_table *table; /* borrowed */
    wk_p1_version version;
    char maker[4]; /* three letters */
    char name[17]; /* printable */
};

struct wk_p1 {
    struct wk_p1_config config;
    struct wk_points points;
};

/* Another meter. */
struct wk_p1_channel {
    uint8_t number;          /* 1..WK_P1_CHANNELS */
    uint8_t type;            /* of the M-Bus: 2 electricity, 3 gas, 4 heat, 7 water */
    char id[WK_P1_ID + 1];   /* printable */
    struct wk_datetime time; /* of the reading */
    struct wk_point_value value;
    int8_t exponent;  /* of ten: the unit shown, in that of the value */
    const char *unit; /* shown: "kWh", "m3" */
};

struct wk_p1_sink {
    void *self;
    void (*put)(void *self, const uint8_t *octets, size_t size);
};

/** WK_E_ARGUMENT: version, maker or name. `table` must outlive it. */
WK_MUST_USE wk_err wk_p1_init(struct wk_p1 *p1, const struct wk_p1_config *config);
/** Seconds between telegrams. */
uint32_t wk_p1_period_s(const struct wk_p1 *p1);
/** Writes a telegram of the moment `now_us` (UTC), WK_P1_TELEGRAM octets at most. */
void wk_p1_write(struct wk_p1 *p1, int64_t now_us, const struct wk_p1_channel *channels,
                 size_t count, const struct wk_p1_sink *sink);

#endif
