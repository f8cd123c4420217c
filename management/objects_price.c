/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 1 (data): 0-0:128.4.1, the price in force { 10^-6 per kWh: double-long, half-hourly:
 * boolean, spent since the meter was made, 10^-6: long64 }; 0-0:128.4.2, half-hourly prices { begin,
 * UTC s: double-long-unsigned, prices 10^-6 per kWh: array of double-long }: reading gives the
 * newest ones, writing takes a day more; 0-0:128.4.3, mean power factor of import of the billing
 * period under way and of the one before, each with what the contract's table makes of it: { per
 * cent: unsigned, adjustment 10^-4: long } twice. */
#include "cosem/axdr.h"
#include "management/objects.h"

static void put_now(const struct wk_object_call *call, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    bool dynamic;
    const uint8_t tariff = rooms->tariff.current > 0 ? rooms->tariff.current : 1;
    const uint8_t block = wk_registers_block(&rooms->registers, &rooms->blocks);
    const int32_t price_e6 =
        wk_price_at(&rooms->price, wk_clock_utc(call->now_us), tariff, block, &dynamic);
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_double_long(out, price_e6);
    wk_axdr_put_boolean(out, dynamic);
    wk_axdr_put_long64(out, rooms->spent.amount_e6);
}

static void put_newest(const struct wk_price_day *day, struct wk_bytes_out *out)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_double_long_unsigned(out, (uint32_t)day->begin.s);
    wk_axdr_put_array(out, day->count);
    for (uint8_t i = 0; i < day->count; i++) {
        wk_axdr_put_double_long(out, day->price_e6[i]);
    }
}

/* The registers at the end of the billing period so many before: nothing before the first one. */
static wk_err registers_at(const struct wk_rooms *rooms, uint64_t back,
                           struct wk_billing_entry *entry)
{
    struct wk_store_reader reader = {0};
    uint64_t oldest = 0;
    uint64_t next = 0;
    *entry = (struct wk_billing_entry){0};
    WK_TRY(wk_store_log_span(&rooms->store, WK_ROOMS_LOG_BILLING, &oldest, &next));
    if (next < oldest + back) {
        return WK_OK;
    }
    reader.number = next - back;
    return wk_billing_read(&rooms->store, WK_ROOMS_LOG_BILLING, &reader, entry);
}

/* Import flows in the quadrants I and IV. */
static void put_mean(const struct wk_rooms *rooms, const struct wk_registers *from,
                     const struct wk_registers *to, struct wk_bytes_out *out)
{
    const int64_t active_uwh = to->import_uwh - from->import_uwh;
    const int64_t reactive_uvarh =
        to->q_uvarh[0] - from->q_uvarh[0] + to->q_uvarh[3] - from->q_uvarh[3];
    const uint8_t percent = wk_power_factor_percent(active_uwh, reactive_uvarh);
    wk_axdr_put_unsigned(out, percent);
    wk_axdr_put_long(out, rooms->power_factor == NULL ? 0
                                                      : (int16_t)wk_power_factor_adjust_e4(
                                                            rooms->power_factor, percent));
}

static wk_err put_power_factor(const struct wk_rooms *rooms, struct wk_bytes_out *out)
{
    struct wk_billing_entry last;
    struct wk_billing_entry before;
    WK_TRY(registers_at(rooms, 1, &last));
    WK_TRY(registers_at(rooms, 2, &before));
    wk_axdr_put_structure(out, 4);
    put_mean(rooms, &last.registers, &rooms->registers, out);
    put_mean(rooms, &before.registers, &last.registers, out);
    return WK_OK;
}

static wk_err price_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (call->object->selector == WK_OBJECTS_POWER_FACTOR) {
        return put_power_factor(rooms, out);
    }
    if (call->object->selector == WK_OBJECTS_PRICE_NOW) {
        put_now(call, out);
    } else {
        put_newest(&rooms->price.day[WK_PRICE_DAYS - 1], out);
    }
    return WK_OK;
}

static wk_err price_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_price_day day = {.count = 0};
    (void)attribute;
    if (call->object->selector != WK_OBJECTS_PRICE_DAY) {
        return WK_E_UNSUPPORTED;
    }
    if (wk_axdr_read_count(value, WK_AXDR_STRUCTURE) != 2) {
        return WK_E_FORMAT;
    }
    day.begin.s = wk_axdr_read_integer(value, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    const uint32_t count = wk_axdr_read_count(value, WK_AXDR_ARRAY);
    if (count > WK_PRICE_SLOTS) {
        return WK_E_RANGE;
    }
    day.count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        day.price_e6[i] = (int32_t)wk_axdr_read_integer(value, WK_AXDR_DOUBLE_LONG);
    }
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_price_take(&rooms->price, &day));
    wk_objects_tell(call, WK_ROOMS_PRICE_SET, (int32_t)count);
    return WK_OK;
}

const struct wk_object_class wk_objects_price = {.get = price_get, .set = price_set};
