/* SPDX-License-Identifier: Apache-2.0
 *
 * view/point - numbers and texts of the meter's COSEM objects, for every view that is no DLMS.
 *
 * A point names an attribute of an object by class and OBIS (view/point_list.h), or what simple
 * arithmetic makes of a few: the difference of import and export is a signed power. It is read
 * through the object table with the rights of a role; no view looks behind that table. Where an
 * object's row stands is looked up once. A meter of one phase has no objects of L1 beside those of
 * voltage and current; there the total stands for L1.
 *
 * All points that are read between two records of metrology belong to the same window; a view
 * that must be consistent reads all it needs in one go, which all callers in one thread do.
 * Scaling cuts off towards zero, so an energy that never falls in the meter never falls in a view. */
#ifndef WK_VIEW_POINT_H
#define WK_VIEW_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/datetime.h"
#include "management/object.h"
#include "view/point_list.h"

#define WK_POINT_TEXT                                                               49 /* characters of a text, most, and the zero */
#define WK_POINT_DIGITS                                                             18 /* of a number, most */

#define WK_POINT_ENUM(name, form, class_id, attribute, a, b, c, d, e, c2, c3, text) name,
/* 0 is no point. */
typedef enum wk_point {
    WK_POINT_NONE = 0,
    WK_POINT_LIST(WK_POINT_ENUM) WK_POINT_COUNT
} wk_point;
#undef WK_POINT_ENUM

typedef enum wk_point_form {
    WK_POINT_FORM_ONE = 1, /* the number of the one object */
    WK_POINT_FORM_LESS,    /* the first one's less the second one's */
    WK_POINT_FORM_SUM,     /* of those that this meter has */
    WK_POINT_FORM_MEAN,    /* likewise */
    WK_POINT_FORM_TEXT,    /* octet-string or visible-string */
    WK_POINT_FORM_TIME,    /* date-time */
} wk_point_form;

struct wk_point_row {
    const char *text; /* what it is, for people */
    uint16_t class_id;
    uint8_t form;
    uint8_t attribute;
    uint8_t obis[6];
    uint8_t more[2]; /* value group C of the second and third object; 0: none */
};
/** By wk_point; that of WK_POINT_NONE is empty. */
extern const struct wk_point_row wk_point_rows[WK_POINT_COUNT];

#define WK_POINT_OBJECTS 3 /* of one point, most */

struct wk_points {
    const struct wk_object_table *table; /* borrowed */
    wk_role role;                        /* whose rights count */
    int64_t now_us;                      /* UTC, for the clock; set it before each reading */
    uint16_t place[WK_POINT_COUNT][WK_POINT_OBJECTS]; /* 1 + row; 0: not looked up yet */
};

/* A number is `mantissa` times ten to the `scaler`, in `unit` (IEC 62056-6-2, table 4; 255:
 * none). */
struct wk_point_value {
    int64_t mantissa;
    int8_t scaler;
    uint8_t unit;
};

/** `table` must outlive it. */
void wk_points_init(struct wk_points *points, const struct wk_object_table *table,
                    wk_role role);

/** Whether this meter has the objects of a point (of sums and means: the first), and the role may read them. */
bool wk_point_is_there(struct wk_points *points, wk_point point);

/** WK_E_NOT_FOUND: this meter has no such object; WK_E_DENIED: the role may not read it; WK_E_BUSY:
 *  nothing has been measured yet; WK_E_FORMAT: it is no number; WK_E_RANGE: a sum has no room. */
WK_MUST_USE wk_err wk_point_read(struct wk_points *points, wk_point point,
                                 struct wk_point_value *value);
/** A text, cut off after WK_POINT_TEXT - 1 characters. Errors as above; WK_E_FORMAT: no text. */
WK_MUST_USE wk_err wk_point_read_text(struct wk_points *points, wk_point point,
                                      char text[WK_POINT_TEXT]);
/** The octets of a text, as they are: `out` gets as many as it has room for. */
WK_MUST_USE wk_err wk_point_read_octets(struct wk_points *points, wk_point point,
                                        struct wk_bytes_out *out);
/** Opens or closes what class 70 controls (remote_disconnect, remote_reconnect) with the rights of
 *  `role`; relays follow with the next window. WK_E_UNSUPPORTED: the point is no control; WK_E_DENIED; or what the method returns. */
WK_MUST_USE wk_err wk_point_switch(struct wk_points *points, wk_point point, wk_role role,
                                   bool closed);
/** Shifts the clock (class 8, shift_time) by so many seconds with the rights of `role`. Errors as
 *  wk_point_switch. */
WK_MUST_USE wk_err wk_point_shift_time(struct wk_points *points, wk_point point, wk_role role,
                                       int16_t shift_s);
/** A date-time. */
WK_MUST_USE wk_err wk_point_read_time(struct wk_points *points, wk_point point,
                                      struct wk_datetime *time);

/* ---- forms of a number ------------------------------------------------------------------- */

/** In units of ten to the `exponent`, cut off towards zero. WK_E_RANGE: it does not fit. */
WK_MUST_USE wk_err wk_point_scaled(const struct wk_point_value *value, int exponent,
                                   int64_t *scaled);
/** In units of ten to the `exponent`, as float32: the nearest one or its neighbour. */
float wk_point_float(const struct wk_point_value *value, int exponent);
/** As decimal text in units of ten to the `exponent` with so many decimals, 0..9, cut off; at
 *  least `digits` digits before the point: "-0.5", "000123.456". It is a number of JSON if `digits`
 *  is 1. */
void wk_point_put_decimal(struct wk_bytes_out *out, const struct wk_point_value *value,
                          int exponent, uint8_t decimals, uint8_t digits);
/** As so many octets of packed BCD, the lowest first, in units of ten to the `exponent`; a counter
 *  rolls over like a drum. WK_E_RANGE: negative, or more than WK_POINT_DIGITS / 2 octets. */
WK_MUST_USE wk_err wk_point_put_bcd(struct wk_bytes_out *out,
                                    const struct wk_point_value *value, int exponent,
                                    uint8_t octets);
/** The symbol of a unit, "Wh"; "" if it has none here. */
const char *wk_point_unit(uint8_t unit);

#endif
