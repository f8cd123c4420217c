/* SPDX-License-Identifier: Apache-2.0 */
#include "view/point.h"

#include <string.h>

#include "cosem/axdr.h"

#define VALUE_ROOM 64 /* octets of a text of WK_POINT_TEXT with its head, of a number */
#define GROUP_C    2
#define NO_ROW     UINT16_MAX
#define TEN_MOST   18 /* the largest power of ten in 64 bits */
#define CLASS_5    5
#define CLASS_8    8
#define SHIFT_TIME 6 /* its method */
#define CLASS_70   70
#define METHODS_70 2

#define ROW(name, form_, class_, attribute_, a, b, c, d, e, c2, c3, text_)                     \
    [name] = {.text = (text_),                                                                 \
              .class_id = (class_),                                                            \
              .form = WK_POINT_FORM_##form_,                                                   \
              .attribute = (attribute_),                                                       \
              .obis = {(a), (b), (c), (d), (e), 255},                                          \
              .more = {(c2), (c3)}},

const struct wk_point_row wk_point_rows[WK_POINT_COUNT] = {WK_POINT_LIST(ROW)};

void wk_points_init(struct wk_points *points, const struct wk_object_table *table, wk_role role)
{
    *points = (struct wk_points){.table = table, .role = role};
}

/* What stands for L1 in a meter of one phase. */
static wk_point alone(wk_point point)
{
    static const struct {
        uint8_t point;
        uint8_t total;
    } k_alone[] = {
        {WK_POINT_IMPORT_L1, WK_POINT_IMPORT},
        {WK_POINT_EXPORT_L1, WK_POINT_EXPORT},
        {WK_POINT_THROUGHPUT_L1, WK_POINT_THROUGHPUT},
        {WK_POINT_P_L1, WK_POINT_P},
        {WK_POINT_P_IMPORT_L1, WK_POINT_P_IMPORT},
        {WK_POINT_P_EXPORT_L1, WK_POINT_P_EXPORT},
        {WK_POINT_Q_L1, WK_POINT_Q},
        {WK_POINT_S_L1, WK_POINT_S},
        {WK_POINT_PF_L1, WK_POINT_PF},
    };
    for (size_t n = 0; n < sizeof k_alone / sizeof k_alone[0]; n++) {
        if (k_alone[n].point == (uint8_t)point) {
            return (wk_point)k_alone[n].total;
        }
    }
    return WK_POINT_NONE;
}

/* ---- objects ----------------------------------------------------------------------------- */

static const struct wk_object *object_of(struct wk_points *points, wk_point point, int number)
{
    const struct wk_point_row *row = &wk_point_rows[point];
    uint16_t *place = &points->place[point][number];
    if (*place == 0) {
        uint8_t obis[6];
        memcpy(obis, row->obis, sizeof obis);
        obis[GROUP_C] = number > 0 ? row->more[number - 1] : obis[GROUP_C];
        const struct wk_object *found = wk_object_find(points->table, row->class_id, obis);
        *place = found == NULL ? NO_ROW : (uint16_t)(found - points->table->rows + 1);
    }
    return *place == NO_ROW ? NULL : &points->table->rows[*place - 1];
}

static bool may_read(const struct wk_points *points, const struct wk_object *object,
                     uint8_t attribute)
{
    return (object->access->rights[points->role].get >> (attribute - 1) & 1U) != 0 &&
           object->access->functions != NULL && object->access->functions->get != NULL;
}

static wk_err get(const struct wk_points *points, const struct wk_object *object,
                  uint8_t attribute, struct wk_bytes_out *out)
{
    static const struct wk_object_selection k_all = {.kind = WK_OBJECT_SELECT_ALL};
    struct wk_object_cursor cursor = {.more = false};
    const struct wk_object_call call = {.meter = points->table->meter,
                                        .object = object,
                                        .now_us = points->now_us,
                                        .role = points->role};
    if (!may_read(points, object, attribute)) {
        return WK_E_DENIED;
    }
    WK_TRY(object->access->functions->get(&call, attribute, &k_all, &cursor, out));
    return out->fault;
}

/* The point that this meter has instead, if it has not this one. */
static wk_point present(struct wk_points *points, wk_point point)
{
    const wk_point total = alone(point);
    return total != WK_POINT_NONE && object_of(points, point, 0) == NULL ? total : point;
}

bool wk_point_is_there(struct wk_points *points, wk_point point)
{
    point = present(points, point);
    const struct wk_point_row *row = &wk_point_rows[point];
    const struct wk_object *object = object_of(points, point, 0);
    const bool second = row->form != WK_POINT_FORM_LESS || object_of(points, point, 1) != NULL;
    return object != NULL && second && may_read(points, object, row->attribute);
}

/* ---- numbers ----------------------------------------------------------------------------- */

/* Only values have a scaler and a unit. */
static wk_err read_scale(const struct wk_points *points, const struct wk_object *object,
                         uint8_t attribute, struct wk_point_value *value)
{
    uint8_t octets[VALUE_ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    value->scaler = 0;
    value->unit = UINT8_MAX;
    if (object->class_id < 3 || object->class_id > CLASS_5 || attribute > 3) {
        return WK_OK;
    }
    WK_TRY(get(points, object, object->class_id == CLASS_5 ? 4 : 3, &out));
    struct wk_bytes_in in = wk_bytes_in_of(octets, out.size);
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    value->scaler = (int8_t)wk_axdr_read_integer(&in, WK_AXDR_INTEGER);
    value->unit = (uint8_t)wk_axdr_read_integer(&in, WK_AXDR_ENUM);
    return wk_bytes_in_end(&in);
}

static wk_err read_one(const struct wk_points *points, const struct wk_object *object,
                       uint8_t attribute, struct wk_point_value *value)
{
    uint8_t octets[VALUE_ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    struct wk_axdr_value read;
    WK_TRY(get(points, object, attribute, &out));
    struct wk_bytes_in in = wk_bytes_in_of(octets, out.size);
    wk_axdr_read(&in, &read);
    WK_TRY(wk_bytes_in_end(&in));
    if (!wk_axdr_is_integer(read.tag)) {
        return WK_E_FORMAT;
    }
    value->mantissa = read.integer;
    return read_scale(points, object, attribute, value);
}

/* One more of a sum, which has the scale of its first. */
static wk_err add(struct wk_point_value *sum, const struct wk_point_value *next, bool less)
{
    int64_t mantissa = 0;
    WK_TRY(wk_point_scaled(next, sum->scaler, &mantissa));
    const bool fits = less ? !__builtin_sub_overflow(sum->mantissa, mantissa, &sum->mantissa)
                           : !__builtin_add_overflow(sum->mantissa, mantissa, &sum->mantissa);
    return fits ? WK_OK : WK_E_RANGE;
}

wk_err wk_point_read(struct wk_points *points, wk_point point, struct wk_point_value *value)
{
    point = present(points, point);
    const struct wk_point_row *row = &wk_point_rows[point];
    const struct wk_object *object = object_of(points, point, 0);
    int64_t count = 1;
    if (object == NULL) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(read_one(points, object, row->attribute, value));
    for (int n = 1; n < WK_POINT_OBJECTS && row->more[n - 1] != 0; n++) {
        struct wk_point_value next;
        object = object_of(points, point, n);
        if (object == NULL && row->form == WK_POINT_FORM_LESS) {
            return WK_E_NOT_FOUND;
        }
        if (object != NULL) {
            WK_TRY(read_one(points, object, row->attribute, &next));
            WK_TRY(add(value, &next, row->form == WK_POINT_FORM_LESS));
            count++;
        }
    }
    value->mantissa =
        row->form == WK_POINT_FORM_MEAN ? value->mantissa / count : value->mantissa;
    return WK_OK;
}

/* ---- texts and times --------------------------------------------------------------------- */

wk_err wk_point_read_octets(struct wk_points *points, wk_point point, struct wk_bytes_out *out)
{
    uint8_t octets[VALUE_ROOM];
    struct wk_bytes_out encoded = wk_bytes_out_of(octets, sizeof octets);
    struct wk_axdr_value read;
    const struct wk_object *object = object_of(points, point, 0);
    if (object == NULL) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(get(points, object, wk_point_rows[point].attribute, &encoded));
    struct wk_bytes_in in = wk_bytes_in_of(octets, encoded.size);
    wk_axdr_read(&in, &read);
    WK_TRY(wk_bytes_in_end(&in));
    if (read.tag != WK_AXDR_OCTET_STRING && read.tag != WK_AXDR_VISIBLE_STRING &&
        read.tag != WK_AXDR_UTF8_STRING) {
        return WK_E_FORMAT;
    }
    const size_t room = wk_bytes_out_left(out);
    wk_bytes_out_put(out, read.octets, read.size < room ? read.size : room);
    return WK_OK;
}

wk_err wk_point_read_text(struct wk_points *points, wk_point point, char text[WK_POINT_TEXT])
{
    struct wk_bytes_out out = wk_bytes_out_of(text, WK_POINT_TEXT - 1);
    text[0] = '\0';
    WK_TRY(wk_point_read_octets(points, point, &out));
    text[out.size] = '\0';
    return WK_OK;
}

wk_err wk_point_read_time(struct wk_points *points, wk_point point, struct wk_datetime *time)
{
    uint8_t octets[WK_DATETIME_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(wk_point_read_octets(points, point, &out));
    struct wk_bytes_in in = wk_bytes_in_of(octets, out.size);
    wk_datetime_read(&in, time);
    return wk_bytes_in_end(&in);
}

/* ---- controls ---------------------------------------------------------------------------- */

/* A method of a point's object, with the rights of `role`. */
static wk_err act(const struct wk_points *points, const struct wk_object *object, wk_role role,
                  uint8_t method, const struct wk_bytes_out *value)
{
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0);
    struct wk_bytes_in parameter = wk_bytes_in_of(value->data, value->size);
    const struct wk_object_call call = {.meter = points->table->meter,
                                        .object = object,
                                        .now_us = points->now_us,
                                        .role = role};
    if ((unsigned)role >= WK_ROLE_COUNT ||
        (object->access->rights[role].action >> (method - 1) & 1U) == 0) {
        return WK_E_DENIED;
    }
    return object->access->functions->action(&call, method, &parameter, &reply);
}

/* WK_OK if it is of the class and does anything. */
static wk_err find(struct wk_points *points, wk_point point, uint16_t class_id,
                   const struct wk_object **object)
{
    *object = object_of(points, point, 0);
    if (*object == NULL) {
        return WK_E_NOT_FOUND;
    }
    return (*object)->class_id == class_id && (*object)->access->functions->action != NULL
               ? WK_OK
               : WK_E_UNSUPPORTED;
}

wk_err wk_point_switch(struct wk_points *points, wk_point point, wk_role role, bool closed)
{
    const struct wk_object *object;
    uint8_t octets[2];
    struct wk_bytes_out zero = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(find(points, point, CLASS_70, &object));
    wk_axdr_put_integer(&zero, 0);
    return act(points, object, role, closed ? METHODS_70 : 1, &zero);
}

wk_err wk_point_shift_time(struct wk_points *points, wk_point point, wk_role role,
                           int16_t shift_s)
{
    const struct wk_object *object;
    uint8_t octets[3];
    struct wk_bytes_out shift = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(find(points, point, CLASS_8, &object));
    wk_axdr_put_long(&shift, shift_s);
    return act(points, object, role, SHIFT_TIME, &shift);
}

/* ---- forms ------------------------------------------------------------------------------- */

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    for (int n = 0; n < exponent && n < TEN_MOST; n++) {
        power *= 10;
    }
    return power;
}

wk_err wk_point_scaled(const struct wk_point_value *value, int exponent, int64_t *scaled)
{
    const int shift = value->scaler - exponent;
    int64_t product = 0;
    if (shift <= 0) {
        *scaled = shift < -TEN_MOST ? 0 : value->mantissa / power_of_ten(-shift);
        return WK_OK;
    }
    if (value->mantissa != 0 &&
        (shift > TEN_MOST ||
         __builtin_mul_overflow(value->mantissa, power_of_ten(shift), &product))) {
        return WK_E_RANGE;
    }
    *scaled = product;
    return WK_OK;
}

float wk_point_float(const struct wk_point_value *value, int exponent)
{
    const int shift = value->scaler - exponent;
    const int64_t power = power_of_ten(shift < 0 ? -shift : shift);
    if (shift >= 0) {
        return (float)value->mantissa * (float)power;
    }
    /* The quotient apart, so that a large number is rounded once. */
    const int64_t whole = value->mantissa / power;
    const int64_t rest = value->mantissa % power;
    return (float)whole + (float)rest / (float)power;
}

void wk_point_put_decimal(struct wk_bytes_out *out, const struct wk_point_value *value,
                          int exponent, uint8_t decimals, uint8_t digits)
{
    char reversed[2 * WK_POINT_DIGITS + 2];
    int64_t scaled = 0;
    int count = 0;
    if (wk_point_scaled(value, exponent - decimals, &scaled) != WK_OK) {
        scaled = value->mantissa < 0 ? -INT64_MAX : INT64_MAX;
    }
    uint64_t rest = scaled < 0 ? 0U - (uint64_t)scaled : (uint64_t)scaled;
    const int least = decimals + (digits < WK_POINT_DIGITS ? digits : WK_POINT_DIGITS);
    while ((rest > 0 || count < least) && count < 2 * WK_POINT_DIGITS) {
        reversed[count++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (scaled < 0) {
        wk_bytes_out_u8(out, '-');
    }
    while (count > 0) {
        wk_bytes_out_u8(out, (uint8_t)reversed[--count]);
        if (count == decimals && count > 0) {
            wk_bytes_out_u8(out, '.');
        }
    }
}

wk_err wk_point_put_bcd(struct wk_bytes_out *out, const struct wk_point_value *value,
                        int exponent, uint8_t octets)
{
    int64_t scaled = 0;
    WK_TRY(wk_point_scaled(value, exponent, &scaled));
    if (scaled < 0 || octets > WK_POINT_DIGITS / 2) {
        return WK_E_RANGE;
    }
    for (uint8_t n = 0; n < octets; n++) {
        const int64_t pair = scaled % 100;
        wk_bytes_out_u8(out, (uint8_t)(pair / 10 << 4 | pair % 10));
        scaled /= 100;
    }
    return out->fault;
}

const char *wk_point_unit(uint8_t unit)
{
    static const struct {
        uint8_t unit;
        const char *symbol;
    } k_units[] = {
        {8, "deg"},   {27, "W"}, {28, "VA"}, {29, "var"}, {30, "Wh"}, {31, "VAh"},
        {32, "varh"}, {33, "A"}, {35, "V"},  {44, "Hz"},  {56, "%"},
    };
    for (size_t n = 0; n < sizeof k_units / sizeof k_units[0]; n++) {
        if (k_units[n].unit == unit) {
            return k_units[n].symbol;
        }
    }
    return "";
}
