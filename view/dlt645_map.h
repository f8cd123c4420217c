/* SPDX-License-Identifier: Apache-2.0
 *
 * view/dlt645_map - the data identifiers of DL/T 645-2007 (annex A) that this meter has: energies,
 * maximum demand, variables, and of the parameters dates, states, numbers and names.
 *
 * An identifier is DI3 DI2 DI1 DI0. 0xFF in DI2 or DI1, and in DI0 of parameters, asks for a block: all
 * items that differ in that octet, in the order of the list. What this meter does not have, has not
 * measured yet, or cannot show in the digits of an item is 0xFF in a block. There are no values of
 * earlier settlement days (DI0 1 to 12): these are in the billing log of DLMS.
 *
 * Numbers are packed BCD, the lowest octet first; signed ones have the sign in the highest bit. An
 * energy rolls over like a drum. Texts come with their last octet first. */
#ifndef WK_VIEW_DLT645_MAP_H
#define WK_VIEW_DLT645_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "view/point.h"

#define WK_DLT645_ADDRESS 6 /* octets of an address: 12 digits, the lowest first */
#define WK_DLT645_TARIFFS 4
#define WK_DLT645_TEXT    32

typedef enum wk_dlt645_form {
    WK_DLT645_DRUM = 1,       /* a counter */
    WK_DLT645_SIGNED,         /* magnitude, and the sign */
    WK_DLT645_ANGLE,          /* 0 to 360 degrees */
    WK_DLT645_MAXIMUM,        /* demand, and YYMMDDhhmm */
    WK_DLT645_DATE,           /* YYMMDDWW, 0 is Sunday */
    WK_DLT645_TIME,           /* hhmmss */
    WK_DLT645_DEMAND_MINUTES, /* of the whole window */
    WK_DLT645_SLIDE_MINUTES,  /* of its steps */
    WK_DLT645_CONSTANT,       /* the octet `exponent` */
    WK_DLT645_OWN_ADDRESS,
    WK_DLT645_POINT_TEXT,
    WK_DLT645_PROTOCOL, /* the name of this standard */
    WK_DLT645_STATE_1,  /* demand mode, directions */
    WK_DLT645_STATE_2,  /* directions of the phases */
    WK_DLT645_STATE_3,  /* supply */
    WK_DLT645_ABSENT,   /* of the block only */
} wk_dlt645_form;

struct wk_dlt645_item {
    uint32_t di;
    uint8_t form;
    uint8_t octets;
    int8_t exponent; /* of the number's last digit, in the point's unit */
    uint8_t point;
};

/** The item at place n; form 0 behind the last one. */
struct wk_dlt645_item wk_dlt645_item_of(size_t n);

struct wk_dlt645_map {
    struct wk_points points;
    uint8_t address[WK_DLT645_ADDRESS];
};

/** Puts the data of an identifier or a block. WK_E_NOT_FOUND: there is nothing of it; WK_E_FULL: no
 *  room in `out`. */
WK_MUST_USE wk_err wk_dlt645_map_read(struct wk_dlt645_map *map, uint32_t di,
                                      struct wk_bytes_out *out);

#endif
