/* SPDX-License-Identifier: Apache-2.0
 *
 * The attributes of class 40, version 2. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/push.h"

enum {
    OBJECT_LIST = 2,
    DESTINATION = 3,
    WINDOWS = 4,
    RANDOMISATION = 5,
    RETRIES = 6,
    REPETITION = 7,
    PORT = 8,
    CLIENT_SAP = 9,
    PROTECTION = 10,
    METHOD = 11,
    CONFIRMATION = 12,
    LAST_CONFIRMATION = 13,
};

#define SECOND_US INT64_C(1000000)

/* ---- reading ----------------------------------------------------------------------------- */

static void put_restriction(struct wk_bytes_out *out, const struct wk_push_object *object)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_enum(out, object->restriction);
    switch (object->restriction) {
    case WK_PUSH_BY_DATE:
        wk_axdr_put_structure(out, 2);
        wk_datetime_put_axdr(out, &object->from);
        wk_datetime_put_axdr(out, &object->to);
        break;
    case WK_PUSH_BY_ENTRY:
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_double_long_unsigned(out, object->entry_first);
        wk_axdr_put_double_long_unsigned(out, object->entry_last);
        break;
    default:
        wk_axdr_put_null(out);
        break;
    }
}

static void put_objects(struct wk_bytes_out *out, const struct wk_push_setup *setup)
{
    wk_axdr_put_array(out, setup->object_count);
    for (uint8_t i = 0; i < setup->object_count; i++) {
        const struct wk_push_object *object = &setup->objects[i];
        wk_axdr_put_structure(out, 6);
        wk_axdr_put_long_unsigned(out, object->what.class_id);
        wk_axdr_put_octet_string(out, object->what.obis, WK_OBIS_SIZE);
        wk_axdr_put_integer(out, object->what.attribute);
        wk_axdr_put_long_unsigned(out, object->what.data_index);
        put_restriction(out, object);
        wk_axdr_put_array(out, object->column_count);
        for (uint8_t column = 0; column < object->column_count; column++) {
            wk_select_put_column(out, &object->columns[column]);
        }
    }
}

static void put_windows(struct wk_bytes_out *out, const struct wk_push_setup *setup)
{
    wk_axdr_put_array(out, setup->window_count);
    for (uint8_t i = 0; i < setup->window_count; i++) {
        wk_axdr_put_structure(out, 2);
        wk_datetime_put_axdr(out, &setup->windows[i].begin);
        wk_datetime_put_axdr(out, &setup->windows[i].end);
    }
}

/* The parameters are those of the meter's own keys: general-glo, the peer's title not told. */
static void put_protection(struct wk_bytes_out *out, const struct wk_push_setup *setup)
{
    wk_axdr_put_array(out, setup->protect ? 1 : 0);
    if (!setup->protect) {
        return;
    }
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_enum(out, 2); /* authenticated and encrypted */
    wk_axdr_put_structure(out, 5);
    for (int i = 0; i < 4; i++) {
        wk_axdr_put_octet_string(out, NULL, 0);
    }
    wk_axdr_put_structure(out, 2); /* key-info: identified key, global unicast */
    wk_axdr_put_enum(out, 0);
    wk_axdr_put_enum(out, 0);
}

static void put_last(struct wk_bytes_out *out, const struct wk_push *push,
                     const struct wk_push_setup *setup)
{
    static const uint8_t k_never[WK_DATETIME_SIZE] = {0};
    struct wk_datetime last;
    const struct wk_utc utc = {setup->confirmed_us / SECOND_US};
    if (setup->confirmed_us == 0 ||
        wk_datetime_of_utc(push->config.zone, utc, 0, &last) != WK_OK) {
        wk_axdr_put_octet_string(out, k_never, sizeof k_never);
        return;
    }
    wk_datetime_put_axdr(out, &last);
}

wk_err wk_push_get(const struct wk_push *push, uint8_t setup, uint8_t attribute,
                   struct wk_bytes_out *out)
{
    if (setup >= WK_PUSH_SETUPS) {
        return WK_E_ARGUMENT;
    }
    const struct wk_push_setup *of = &push->setups[setup];
    switch (attribute) {
    case OBJECT_LIST:
        put_objects(out, of);
        break;
    case DESTINATION:
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_enum(out, of->service);
        wk_axdr_put_octet_string(out, of->destination, of->destination_size);
        wk_axdr_put_enum(out, of->message);
        break;
    case WINDOWS:
        put_windows(out, of);
        break;
    case RANDOMISATION:
        wk_axdr_put_long_unsigned(out, of->random_s);
        break;
    case RETRIES:
        wk_axdr_put_unsigned(out, of->retries);
        break;
    case REPETITION:
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_long_unsigned(out, of->delay_least_s);
        wk_axdr_put_long_unsigned(out, of->delay_exponent);
        wk_axdr_put_long_unsigned(out, of->delay_most_s);
        break;
    case PORT:
        wk_axdr_put_octet_string(out, of->port, sizeof of->port);
        break;
    case CLIENT_SAP:
        wk_axdr_put_integer(out, of->client_sap);
        break;
    case PROTECTION:
        put_protection(out, of);
        break;
    case METHOD:
        wk_axdr_put_enum(out, of->method);
        break;
    case CONFIRMATION:
        wk_axdr_put_structure(out, 2);
        wk_datetime_put_axdr(out, &of->confirm_start);
        wk_axdr_put_double_long_unsigned(out, of->confirm_interval_s);
        break;
    case LAST_CONFIRMATION:
        put_last(out, push, of);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return out->fault;
}

/* ---- writing ----------------------------------------------------------------------------- */

static void read_structure(struct wk_bytes_in *in, uint32_t members)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != members) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

/* At most `most` elements. */
static uint8_t read_array(struct wk_bytes_in *in, uint8_t most)
{
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    if (count > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    return (uint8_t)count;
}

static void read_restriction(struct wk_bytes_in *in, struct wk_push_object *object)
{
    read_structure(in, 2);
    object->restriction = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    switch (object->restriction) {
    case WK_PUSH_ALL:
        wk_axdr_skip(in);
        break;
    case WK_PUSH_BY_DATE:
        read_structure(in, 2);
        wk_datetime_read_axdr(in, &object->from);
        wk_datetime_read_axdr(in, &object->to);
        break;
    case WK_PUSH_BY_ENTRY:
        read_structure(in, 2);
        object->entry_first = (uint32_t)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
        object->entry_last = (uint32_t)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
        if (object->entry_first == 0) {
            wk_bytes_in_fail(in, WK_E_RANGE);
        }
        break;
    default:
        wk_bytes_in_fail(in, WK_E_RANGE);
        break;
    }
}

/* Four members as in version 0, or six. */
static void read_object(struct wk_bytes_in *in, struct wk_push_object *object)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    if (members != 4 && members != 6) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    object->what.class_id = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, object->what.obis, WK_OBIS_SIZE);
    object->what.attribute = (int8_t)wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    object->what.data_index = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    if (members != 6) {
        return;
    }
    read_restriction(in, object);
    object->column_count = read_array(in, WK_PUSH_COLUMNS);
    for (uint8_t i = 0; i < object->column_count; i++) {
        wk_select_read_column(in, &object->columns[i]);
    }
}

/* What was delivered of a profile counts on only if it stays at its place. */
static void read_objects(struct wk_bytes_in *in, struct wk_push_setup *setup)
{
    const uint8_t count = read_array(in, WK_PUSH_OBJECTS);
    for (uint8_t i = 0; i < count; i++) {
        struct wk_push_object object = {0};
        read_object(in, &object);
        const bool same = i < setup->object_count &&
                          setup->objects[i].what.class_id == object.what.class_id &&
                          wk_obis_equal(setup->objects[i].what.obis, object.what.obis);
        setup->reached_s[i] = same ? setup->reached_s[i] : 0;
        setup->objects[i] = object;
    }
    setup->object_count = count;
}

static void read_destination(struct wk_bytes_in *in, struct wk_push_setup *setup)
{
    size_t size;
    read_structure(in, 3);
    setup->service = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    const uint8_t *octets = wk_axdr_read_octets(in, &size);
    setup->message = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    const bool message =
        setup->message == WK_PUSH_MESSAGE_AXDR || setup->message == WK_PUSH_MESSAGE_COMPACT;
    if (setup->service > WK_PUSH_UDP || !message || size > WK_PUSH_DESTINATION) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
    if (in->fault == WK_OK) {
        memcpy(setup->destination, octets, size);
        setup->destination_size = (uint8_t)size;
    }
}

static void read_windows(struct wk_bytes_in *in, struct wk_push_setup *setup)
{
    setup->window_count = read_array(in, WK_PUSH_WINDOWS);
    for (uint8_t i = 0; i < setup->window_count; i++) {
        read_structure(in, 2);
        wk_datetime_read_axdr(in, &setup->windows[i].begin);
        wk_datetime_read_axdr(in, &setup->windows[i].end);
    }
}

static void read_repetition(struct wk_bytes_in *in, struct wk_push_setup *setup)
{
    if (wk_bytes_in_peek(in) == WK_AXDR_LONG_UNSIGNED) { /* as in version 0 */
        setup->delay_least_s = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
        setup->delay_exponent = 100;
        setup->delay_most_s = setup->delay_least_s;
        return;
    }
    read_structure(in, 3);
    setup->delay_least_s = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    setup->delay_exponent = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    setup->delay_most_s = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
}

static void read_confirmation(struct wk_bytes_in *in, struct wk_push_setup *setup)
{
    read_structure(in, 2);
    wk_datetime_read_axdr(in, &setup->confirm_start);
    setup->confirm_interval_s =
        (uint32_t)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
}

static wk_err read_attribute(struct wk_bytes_in *value, uint8_t attribute,
                             struct wk_push_setup *setup)
{
    switch (attribute) {
    case OBJECT_LIST:
        read_objects(value, setup);
        break;
    case DESTINATION:
        read_destination(value, setup);
        break;
    case WINDOWS:
        read_windows(value, setup);
        break;
    case RANDOMISATION:
        setup->random_s = (uint16_t)wk_axdr_read_integer(value, WK_AXDR_LONG_UNSIGNED);
        break;
    case RETRIES:
        setup->retries = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_UNSIGNED);
        break;
    case REPETITION:
        read_repetition(value, setup);
        break;
    case PORT:
        wk_axdr_read_exact(value, setup->port, sizeof setup->port);
        break;
    case CLIENT_SAP:
        setup->client_sap = (int8_t)wk_axdr_read_integer(value, WK_AXDR_INTEGER);
        break;
    case PROTECTION:
        /* Whether, not how: the keys are the meter's. */
        setup->protect = read_array(value, 1) > 0;
        if (setup->protect) {
            wk_axdr_skip(value);
        }
        break;
    case METHOD:
        setup->method = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_ENUM);
        if (setup->method > WK_PUSH_CONFIRMED) {
            wk_bytes_in_fail(value, WK_E_RANGE);
        }
        break;
    case CONFIRMATION:
        read_confirmation(value, setup);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return wk_bytes_in_end(value);
}

wk_err wk_push_set(struct wk_push *push, uint8_t setup, uint8_t attribute,
                   struct wk_bytes_in *value)
{
    if (setup >= WK_PUSH_SETUPS) {
        return WK_E_ARGUMENT;
    }
    struct wk_push_setup changed = push->setups[setup];
    WK_TRY(read_attribute(value, attribute, &changed));
    push->setups[setup] = changed;
    push->changed |= (uint8_t)(1U << setup);
    push->moved = true;
    return WK_OK;
}
