/* SPDX-License-Identifier: Apache-2.0
 *
 * The attributes of class 40, version 2. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/push_part.h"

#define SECOND_US INT64_C(1000000)

/* What attributes 2 to 12 are before somebody sets them. */
static const uint8_t k_first_values[] = {
    1,  0,                                                               /* nothing is sent */
    2,  3, 22, 0,  9, 0,  22, 0,                                         /* nowhere */
    1,  0,                                                               /* always */
    18, 0, 0,                                                            /* at once */
    17, 0,                                                               /* once */
    2,  3, 18, 0,  0, 18, 0,  0, 18, 0, 0,                               /* ... */
    9,  6, 0,  0,  0, 0,  0,  0,                                         /* by no port */
    15, 0,                                                               /* for no client */
    1,  0,                                                               /* in clear */
    22, 0,                                                               /* unconfirmed */
    2,  2, 9,  12, 0, 0,  0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, /* confirmation */
};

/* The parameters of protection are those of the meter's own keys: authenticated and encrypted,
 * general-glo, the peer's title not told, the identified key global unicast. */
static const uint8_t k_protection[] = {1, 1, 2, 2, 22, 2, 2, 5,  9, 0,  9,
                                       0, 9, 0, 9, 0,  2, 2, 22, 0, 22, 0};

/* ---- where values are -------------------------------------------------------------------- */

static size_t size_at(const struct wk_push *push, size_t at)
{
    return WK_PUSH_VALUE_HEAD +
           ((size_t)push->values[at + 1] | (size_t)push->values[at + 2] << 8);
}

/* Where the value of a key is, push->size if it is not there. */
static size_t find(const struct wk_push *push, uint8_t key)
{
    size_t at = 0;
    while (at < push->size && push->values[at] != key) {
        at += size_at(push, at);
    }
    return at;
}

static void remove_at(struct wk_push *push, size_t at)
{
    if (at < push->size) {
        const size_t size = size_at(push, at);
        memmove(push->values + at, push->values + at + size, push->size - at - size);
        push->size = (uint16_t)(push->size - size);
    }
}

struct wk_bytes_in wk_push_value(const struct wk_push *push, uint8_t setup, uint8_t attribute)
{
    const size_t at = find(push, WK_PUSH_KEY(setup, attribute));
    if (at < push->size) {
        return wk_bytes_in_of(push->values + at + WK_PUSH_VALUE_HEAD,
                              size_at(push, at) - WK_PUSH_VALUE_HEAD);
    }
    struct wk_bytes_in in = wk_bytes_in_of(k_first_values, sizeof k_first_values);
    for (uint8_t i = WK_PUSH_OBJECT_LIST; i < attribute; i++) {
        wk_axdr_skip(&in);
    }
    return wk_axdr_take(&in);
}

void wk_push_forget(struct wk_push *push, uint8_t setup)
{
    for (int i = WK_PUSH_OBJECT_LIST; i < WK_PUSH_LAST_CONFIRM; i++) {
        remove_at(push, find(push, WK_PUSH_KEY(setup, i)));
    }
}

/* ---- what they say ----------------------------------------------------------------------- */

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
void wk_push_read_object(struct wk_bytes_in *in, struct wk_push_object *object)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    *object = (struct wk_push_object){0};
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

uint8_t wk_push_objects_of(const struct wk_push *push, uint8_t setup, struct wk_bytes_in *in)
{
    *in = wk_push_value(push, setup, WK_PUSH_OBJECT_LIST);
    return read_array(in, WK_PUSH_OBJECTS);
}

static void read_destination(struct wk_bytes_in *in, struct wk_push_setup *setup)
{
    size_t size;
    read_structure(in, 3);
    setup->service = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    const uint8_t *octets = wk_axdr_read_octets(in, &size);
    setup->message = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    if ((setup->service > WK_PUSH_UDP && setup->service != WK_PUSH_COAP) ||
        size > WK_PUSH_DESTINATION) {
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

/* Kept for the client: nothing here goes by it. */
static void read_confirmation(struct wk_bytes_in *in)
{
    struct wk_datetime start;
    read_structure(in, 2);
    wk_datetime_read_axdr(in, &start);
    (void)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
}

static void read_objects(struct wk_bytes_in *in)
{
    struct wk_push_object object;
    const uint8_t count = read_array(in, WK_PUSH_OBJECTS);
    for (uint8_t i = 0; i < count && in->fault == WK_OK; i++) {
        wk_push_read_object(in, &object);
    }
}

static wk_err read_attribute(struct wk_bytes_in *value, uint8_t attribute,
                             struct wk_push_setup *setup)
{
    uint8_t port[WK_OBIS_SIZE];
    switch (attribute) {
    case WK_PUSH_OBJECT_LIST:
        read_objects(value);
        break;
    case WK_PUSH_SEND_TO:
        read_destination(value, setup);
        break;
    case WK_PUSH_WHEN:
        read_windows(value, setup);
        break;
    case WK_PUSH_RANDOMISATION:
        setup->random_s = (uint16_t)wk_axdr_read_integer(value, WK_AXDR_LONG_UNSIGNED);
        break;
    case WK_PUSH_RETRIES:
        setup->retries = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_UNSIGNED);
        break;
    case WK_PUSH_REPETITION:
        read_repetition(value, setup);
        break;
    case WK_PUSH_PORT:
        wk_axdr_read_exact(value, port, sizeof port);
        break;
    case WK_PUSH_CLIENT_SAP:
        setup->client_sap = (int8_t)wk_axdr_read_integer(value, WK_AXDR_INTEGER);
        break;
    case WK_PUSH_PROTECT:
        /* Whether, not how: the keys are the meter's. */
        setup->protect = read_array(value, 1) > 0;
        if (setup->protect) {
            wk_axdr_skip(value);
        }
        break;
    case WK_PUSH_METHOD:
        setup->method = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_ENUM);
        if (setup->method > WK_PUSH_CONFIRMED) {
            wk_bytes_in_fail(value, WK_E_RANGE);
        }
        break;
    case WK_PUSH_CONFIRM:
        read_confirmation(value);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return wk_bytes_in_end(value);
}

wk_err wk_push_setup_of(const struct wk_push *push, uint8_t number, struct wk_push_setup *setup)
{
    *setup = (struct wk_push_setup){0};
    if (number >= WK_PUSH_SETUPS) {
        return WK_E_ARGUMENT;
    }
    for (int i = WK_PUSH_SEND_TO; i <= WK_PUSH_METHOD; i++) {
        struct wk_bytes_in in = wk_push_value(push, number, (uint8_t)i);
        WK_TRY(read_attribute(&in, (uint8_t)i, setup));
    }
    return WK_OK;
}

/* ---- reading ----------------------------------------------------------------------------- */

static void put_last(struct wk_bytes_out *out, const struct wk_push *push, uint8_t setup)
{
    static const uint8_t k_never[WK_DATETIME_SIZE] = {0};
    const int64_t confirmed_us = push->progress[setup].confirmed_us;
    struct wk_datetime last;
    const struct wk_utc utc = {confirmed_us / SECOND_US};
    if (confirmed_us == 0 || wk_datetime_of_utc(push->config.zone, utc, 0, &last) != WK_OK) {
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
    if (attribute < WK_PUSH_OBJECT_LIST || attribute > WK_PUSH_LAST_CONFIRM) {
        return WK_E_UNSUPPORTED;
    }
    if (attribute == WK_PUSH_LAST_CONFIRM) {
        put_last(out, push, setup);
    } else {
        const struct wk_bytes_in value = wk_push_value(push, setup, attribute);
        wk_bytes_out_put(out, value.data, value.size);
    }
    return out->fault;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* Objects of four members get the others: nothing restricted, all columns. */
static void put_objects(struct wk_bytes_out *out, struct wk_bytes_in in)
{
    static const uint8_t k_others[] = {2, 2, 22, 0, 0, 1, 0};
    const uint8_t count = read_array(&in, WK_PUSH_OBJECTS);
    wk_axdr_put_array(out, count);
    for (uint8_t i = 0; i < count; i++) {
        const uint32_t members = wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
        wk_axdr_put_structure(out, 6);
        for (uint32_t n = 0; n < members; n++) {
            const struct wk_bytes_in member = wk_axdr_take(&in);
            wk_bytes_out_put(out, member.data, member.size);
        }
        if (members == 4) {
            wk_bytes_out_put(out, k_others, sizeof k_others);
        }
    }
}

/* The value as it will be read. */
static void put_attribute(struct wk_bytes_out *out, uint8_t attribute, struct wk_bytes_in value,
                          const struct wk_push_setup *setup)
{
    if (attribute == WK_PUSH_OBJECT_LIST) {
        put_objects(out, value);
    } else if (attribute == WK_PUSH_PROTECT && setup->protect) {
        wk_bytes_out_put(out, k_protection, sizeof k_protection);
    } else if (attribute == WK_PUSH_REPETITION) {
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_long_unsigned(out, setup->delay_least_s);
        wk_axdr_put_long_unsigned(out, setup->delay_exponent);
        wk_axdr_put_long_unsigned(out, setup->delay_most_s);
    } else {
        wk_bytes_out_put(out, value.data + value.at, value.size - value.at);
    }
}

/* What was delivered of a profile counts on only if it stays at its place. */
static void keep_reached(struct wk_push *push, uint8_t setup, struct wk_bytes_in value)
{
    struct wk_bytes_in old;
    struct wk_push_object before;
    struct wk_push_object after;
    const uint8_t had = wk_push_objects_of(push, setup, &old);
    const uint8_t count = read_array(&value, WK_PUSH_OBJECTS);
    for (uint8_t i = 0; i < WK_PUSH_OBJECTS; i++) {
        bool same = i < had && i < count;
        if (same) {
            wk_push_read_object(&old, &before);
            wk_push_read_object(&value, &after);
            same = before.what.class_id == after.what.class_id &&
                   wk_obis_equal(before.what.obis, after.what.obis);
        }
        int64_t *reached_s = &push->progress[setup].reached_s[i];
        *reached_s = same ? *reached_s : 0;
    }
}

wk_err wk_push_check(const struct wk_push *push, uint8_t attribute, struct wk_bytes_in *value,
                     struct wk_push_setup *read)
{
    *read = (struct wk_push_setup){0};
    WK_TRY(read_attribute(value, attribute, read));
    const bool compact =
        read->message == WK_PUSH_MESSAGE_COMPACT && push->config.compact != NULL;
    return read->message == WK_PUSH_MESSAGE_AXDR || compact ? WK_OK : WK_E_RANGE;
}

wk_err wk_push_store(struct wk_push *push, uint8_t setup, uint8_t attribute,
                     struct wk_bytes_in *value)
{
    struct wk_push_setup read;
    const struct wk_bytes_in whole = *value;
    const size_t left = sizeof push->values - push->size;
    WK_TRY(wk_push_check(push, attribute, value, &read));
    if (left < WK_PUSH_VALUE_HEAD) {
        return WK_E_STATE;
    }
    uint8_t *head = push->values + push->size;
    struct wk_bytes_out out =
        wk_bytes_out_of(head + WK_PUSH_VALUE_HEAD, left - WK_PUSH_VALUE_HEAD);
    put_attribute(&out, attribute, whole, &read);
    if (out.fault != WK_OK) {
        return WK_E_STATE;
    }
    if (attribute == WK_PUSH_OBJECT_LIST) {
        keep_reached(push, setup, whole);
    }
    const uint8_t key = WK_PUSH_KEY(setup, attribute);
    const size_t old = find(push, key);
    head[0] = key;
    head[1] = (uint8_t)out.size;
    head[2] = (uint8_t)(out.size >> 8);
    const bool replaces = old < push->size;
    push->size = (uint16_t)(push->size + WK_PUSH_VALUE_HEAD + out.size);
    if (replaces) {
        remove_at(push, old);
    }
    return WK_OK;
}

wk_err wk_push_set(struct wk_push *push, uint8_t setup, uint8_t attribute,
                   struct wk_bytes_in *value)
{
    if (setup >= WK_PUSH_SETUPS) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(wk_push_store(push, setup, attribute, value));
    push->changed |= (uint8_t)(1U << setup);
    push->moved = true;
    return WK_OK;
}
