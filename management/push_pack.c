/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/crc.h"
#include "management/push.h"

#define VERSION       1
#define OBJECT_PACKED 128

/* ---- setups ------------------------------------------------------------------------------ */

static void put_column(struct wk_bytes_out *out, const struct wk_select_column *column)
{
    wk_bytes_out_u16le(out, column->class_id);
    wk_bytes_out_put(out, column->obis, sizeof column->obis);
    wk_bytes_out_u8(out, (uint8_t)column->attribute);
    wk_bytes_out_u16le(out, column->data_index);
}

static void read_column(struct wk_bytes_in *in, struct wk_select_column *column)
{
    column->class_id = wk_bytes_in_u16le(in);
    wk_bytes_in_copy(in, column->obis, sizeof column->obis);
    column->attribute = (int8_t)wk_bytes_in_u8(in);
    column->data_index = wk_bytes_in_u16le(in);
}

static void put_object(struct wk_bytes_out *out, const struct wk_push_object *object)
{
    put_column(out, &object->what);
    wk_bytes_out_u8(out, object->restriction);
    if (object->restriction == WK_PUSH_BY_DATE) {
        wk_datetime_put(out, &object->from);
        wk_datetime_put(out, &object->to);
    } else if (object->restriction == WK_PUSH_BY_ENTRY) {
        wk_bytes_out_u32le(out, object->entry_first);
        wk_bytes_out_u32le(out, object->entry_last);
    }
    wk_bytes_out_u8(out, object->column_count);
    for (uint8_t i = 0; i < object->column_count; i++) {
        put_column(out, &object->columns[i]);
    }
}

static void read_object(struct wk_bytes_in *in, struct wk_push_object *object)
{
    read_column(in, &object->what);
    object->restriction = wk_bytes_in_u8(in);
    if (object->restriction == WK_PUSH_BY_DATE) {
        wk_datetime_read(in, &object->from);
        wk_datetime_read(in, &object->to);
    } else if (object->restriction == WK_PUSH_BY_ENTRY) {
        object->entry_first = wk_bytes_in_u32le(in);
        object->entry_last = wk_bytes_in_u32le(in);
    } else if (object->restriction != WK_PUSH_ALL) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    object->column_count = wk_bytes_in_u8(in);
    if (object->column_count > WK_PUSH_COLUMNS) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        object->column_count = 0;
    }
    for (uint8_t i = 0; i < object->column_count; i++) {
        read_column(in, &object->columns[i]);
    }
}

static void put_objects(struct wk_bytes_out *out, const struct wk_push_setup *setup)
{
    wk_bytes_out_u8(out, setup->object_count);
    for (uint8_t i = 0; i < setup->object_count; i++) {
        put_object(out, &setup->objects[i]);
    }
}

void wk_push_setup_pack(const struct wk_push *push, uint8_t number, struct wk_bytes_out *out)
{
    const struct wk_push_setup *setup = &push->setups[number];
    wk_bytes_out_u8(out, VERSION);
    put_objects(out, setup);
    wk_bytes_out_u8(out, setup->service);
    wk_bytes_out_u8(out, setup->message);
    wk_bytes_out_u8(out, setup->destination_size);
    wk_bytes_out_put(out, setup->destination, setup->destination_size);
    wk_bytes_out_u8(out, setup->window_count);
    for (uint8_t i = 0; i < setup->window_count; i++) {
        wk_datetime_put(out, &setup->windows[i].begin);
        wk_datetime_put(out, &setup->windows[i].end);
    }
    wk_bytes_out_u16le(out, setup->random_s);
    wk_bytes_out_u8(out, setup->retries);
    wk_bytes_out_u16le(out, setup->delay_least_s);
    wk_bytes_out_u16le(out, setup->delay_exponent);
    wk_bytes_out_u16le(out, setup->delay_most_s);
    wk_bytes_out_put(out, setup->port, sizeof setup->port);
    wk_bytes_out_u8(out, (uint8_t)setup->client_sap);
    wk_bytes_out_u8(out, setup->method);
    const bool starts = setup->confirm_start.month != 0; /* else it was never set */
    wk_bytes_out_u8(out, starts ? 1 : 0);
    if (starts) {
        wk_datetime_put(out, &setup->confirm_start);
    }
    wk_bytes_out_u32le(out, setup->confirm_interval_s);
    wk_bytes_out_u8(out, setup->protect ? 1 : 0);
}

/* A count that fits, or a fault and 0. */
static uint8_t read_count(struct wk_bytes_in *in, uint8_t most)
{
    const uint8_t count = wk_bytes_in_u8(in);
    if (count > most) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return in->fault == WK_OK ? count : 0;
}

wk_err wk_push_setup_unpack(struct wk_push *push, uint8_t number, struct wk_bytes_in *in)
{
    struct wk_push_setup setup = {0};
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    setup.object_count = read_count(in, WK_PUSH_OBJECTS);
    for (uint8_t i = 0; i < setup.object_count; i++) {
        read_object(in, &setup.objects[i]);
    }
    setup.service = wk_bytes_in_u8(in);
    setup.message = wk_bytes_in_u8(in);
    setup.destination_size = read_count(in, WK_PUSH_DESTINATION);
    wk_bytes_in_copy(in, setup.destination, setup.destination_size);
    setup.window_count = read_count(in, WK_PUSH_WINDOWS);
    for (uint8_t i = 0; i < setup.window_count; i++) {
        wk_datetime_read(in, &setup.windows[i].begin);
        wk_datetime_read(in, &setup.windows[i].end);
    }
    setup.random_s = wk_bytes_in_u16le(in);
    setup.retries = wk_bytes_in_u8(in);
    setup.delay_least_s = wk_bytes_in_u16le(in);
    setup.delay_exponent = wk_bytes_in_u16le(in);
    setup.delay_most_s = wk_bytes_in_u16le(in);
    wk_bytes_in_copy(in, setup.port, sizeof setup.port);
    setup.client_sap = (int8_t)wk_bytes_in_u8(in);
    setup.method = wk_bytes_in_u8(in);
    if (wk_bytes_in_u8(in) != 0) {
        wk_datetime_read(in, &setup.confirm_start);
    }
    setup.confirm_interval_s = wk_bytes_in_u32le(in);
    setup.protect = wk_bytes_in_u8(in) != 0;
    WK_TRY(in->fault);
    if (setup.service > WK_PUSH_UDP || setup.method > WK_PUSH_CONFIRMED) {
        return WK_E_FORMAT;
    }
    push->setups[number] = setup;
    return WK_OK;
}

/* ---- progress ---------------------------------------------------------------------------- */

/* What is sent: where a profile stands counts only for the same objects. */
static uint32_t sum_of_objects(const struct wk_push_setup *setup)
{
    uint32_t sum = 0;
    for (uint8_t i = 0; i < setup->object_count; i++) {
        uint8_t room[OBJECT_PACKED];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        put_object(&out, &setup->objects[i]);
        sum = wk_crc_32(sum, room, out.size);
    }
    return sum;
}

void wk_push_progress_pack(const struct wk_push *push, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    for (uint8_t i = 0; i < WK_PUSH_SETUPS; i++) {
        const struct wk_push_setup *setup = &push->setups[i];
        wk_bytes_out_u8(out, push->jobs[i].pending ? 1 : 0);
        wk_bytes_out_u32le(out, sum_of_objects(setup));
        wk_bytes_out_u64le(out, (uint64_t)setup->confirmed_us);
        wk_bytes_out_u8(out, setup->object_count);
        for (uint8_t n = 0; n < setup->object_count; n++) {
            wk_bytes_out_u64le(out, (uint64_t)setup->reached_s[n]);
        }
    }
}

wk_err wk_push_progress_unpack(struct wk_push *push, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    for (uint8_t i = 0; i < WK_PUSH_SETUPS; i++) {
        struct wk_push_setup *setup = &push->setups[i];
        int64_t reached_s[WK_PUSH_OBJECTS] = {0};
        const bool pending = wk_bytes_in_u8(in) != 0;
        const bool same = wk_bytes_in_u32le(in) == sum_of_objects(setup);
        const int64_t confirmed_us = (int64_t)wk_bytes_in_u64le(in);
        const uint8_t count = read_count(in, WK_PUSH_OBJECTS);
        for (uint8_t n = 0; n < count; n++) {
            reached_s[n] = (int64_t)wk_bytes_in_u64le(in);
        }
        WK_TRY(in->fault);
        if (same) {
            setup->confirmed_us = confirmed_us;
            memcpy(setup->reached_s, reached_s, sizeof reached_s);
            push->jobs[i] = (struct wk_push_job){.pending = pending && setup->object_count > 0};
        }
    }
    return WK_OK;
}
