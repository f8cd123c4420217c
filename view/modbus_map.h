/* SPDX-License-Identifier: Apache-2.0
 *
 * view/modbus_map - what stands at which register: tables over the points of the meter.
 *
 *   40000, 50000  SunSpec: common model, 201 or 203 (integers), 211 or 213 (float32), end
 *   0 ...         Eastron SDM630: input registers, float32; a few holding registers
 *   8192 ...      all that the meter has in whole numbers of 64 bits, exact
 *
 * Registers of one value are in the order of the wire, the high one first. docs/modbus.md is made
 * of these tables. */
#ifndef WK_VIEW_MODBUS_MAP_H
#define WK_VIEW_MODBUS_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "view/point.h"

#define WK_MODBUS_MAP_WORDS 16 /* registers of one row, most */

/* Where a block is served; OR-ed. */
enum { WK_MODBUS_MAP_INPUT = 1, WK_MODBUS_MAP_HOLDING = 2, WK_MODBUS_MAP_BOTH = 3 };

typedef enum wk_modbus_map_type {
    WK_MODBUS_MAP_U16 = 1, /* `value` */
    WK_MODBUS_MAP_U32,     /* `value` */
    WK_MODBUS_MAP_TEXT,    /* `words` registers, filled with zeros */
    WK_MODBUS_MAP_INT16,   /* 0x8000: the meter has none, or it does not fit */
    WK_MODBUS_MAP_UINT16,  /* 0xFFFF likewise */
    WK_MODBUS_MAP_ACC32,  /* a counter that begins anew after 2^32 - 1; 0: the meter has none */
    WK_MODBUS_MAP_FLOAT,  /* NaN: the meter has none, or none yet */
    WK_MODBUS_MAP_INT64,  /* the least value: likewise */
    WK_MODBUS_MAP_SWITCH, /* 0 open, 1 closed; may be written where that is allowed */
    WK_MODBUS_MAP_MODEL,  /* id of a SunSpec model: `value` + 2 with three phases */
    WK_MODBUS_MAP_POWER_SF,      /* the exponent of powers, see WK_MODBUS_MAP_POWER */
    WK_MODBUS_MAP_UNIT,          /* our address on the line */
    WK_MODBUS_MAP_FLOAT_UNIT,    /* ... as float32 */
    WK_MODBUS_MAP_FLOAT_BAUD,    /* code of the rate: 0 = 2400 ... 4 = 38400 */
    WK_MODBUS_MAP_FLOAT_WIRES,   /* 1 = one phase, 3 = three phases with neutral */
    WK_MODBUS_MAP_FLOAT_MINUTES, /* of a point in seconds */
    WK_MODBUS_MAP_SERIAL32,      /* the last nine digits of the serial number */
    WK_MODBUS_MAP_PHASES,
    WK_MODBUS_MAP_UTC, /* seconds since 1970, 64 bits */
} wk_modbus_map_type;

/* As exponent: the one that lets the meter's largest power into 16 bits. */
#define WK_MODBUS_MAP_POWER 127

struct wk_modbus_map_row {
    uint16_t at; /* from the begin of the block */
    uint8_t type;
    uint8_t words;
    int8_t exponent; /* of ten: the unit of the register in that of the point */
    uint8_t point;
    uint32_t value;
    const char *text; /* for people; NULL: that of the point */
};

/* Registers that no row has are filled by the four of `fill`, in turn. */
struct wk_modbus_map_block {
    const char *name;
    uint16_t base;
    uint16_t size;
    uint8_t spaces;
    uint8_t count;
    uint16_t fill[4];
    const struct wk_modbus_map_row *rows; /* ascending */
};

/** All blocks, ascending by base within each space. */
extern const struct wk_modbus_map_block wk_modbus_map_blocks[];
extern const size_t wk_modbus_map_block_count;

/** The block that has an address in a space, or NULL. */
const struct wk_modbus_map_block *wk_modbus_map_find(uint8_t space, uint16_t address);
/** The row of a block that has the register `at`, or NULL. */
const struct wk_modbus_map_row *wk_modbus_map_row_of(const struct wk_modbus_map_block *block,
                                                     uint16_t at);

#endif
