/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/submeter_map - the register maps of port/linux/submeter, as tables. */
#ifndef WK_PORT_LINUX_SUBMETER_MAP_H
#define WK_PORT_LINUX_SUBMETER_MAP_H

#include <stddef.h>

#include "port/linux/submeter.h"

#define WK_SUBMETER_IMAGE 384 /* registers from the map's first to its last, at most */

typedef enum wk_submeter_form {
    WK_SUBMETER_INT16 = 1, /* 0x8000 = not implemented */
    WK_SUBMETER_UINT16,    /* 0xFFFF = not implemented */
    WK_SUBMETER_ACC32,     /* a counter that wraps */
    WK_SUBMETER_FLOAT32,   /* NaN = not implemented */
} wk_submeter_form;

struct wk_submeter_entry {
    wk_submeter_quantity quantity;
    uint16_t at; /* register, from the map's base */
    wk_submeter_form form;
    int8_t exponent; /* of ten, from the meter's unit to ours */
    uint16_t scale;  /* register of a further exponent; 0 = none */
};

struct wk_submeter_table {
    uint8_t function;
    uint16_t size; /* registers to be read whole; 0 = only those of the entries */
    uint16_t most; /* registers of one request */
    size_t count;  /* of entries, in the order of their registers */
    const struct wk_submeter_entry *entry;
};

/** The table of a map; of SunSpec that of a model. NULL: no meter model. */
const struct wk_submeter_table *wk_submeter_table_of(wk_submeter_map map, uint16_t model);

#endif
