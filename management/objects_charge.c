/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 113 (charge); the selector is its index. The index of an element of a charge table is one
 * octet: the tariff, or 0. The commodity of energy is the import, 1-0:1.8.0; others have none. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/objects.h"
#include "management/payment.h"

#define CLASS_CHARGE    113
#define CLASS_REGISTER  3
#define BITS_CONFIGURED 2

enum { UPDATE = 1, ACTIVATE, COLLECT, ADD_REMAINING, SET_REMAINING };

static const uint8_t k_import[6] = {1, 0, 1, 8, 0, 255};
static const uint8_t k_nothing[6] = {0};

static bool is_energy(const struct wk_charge_rules *rules)
{
    return rules->type == WK_CHARGE_CONSUMPTION;
}

/* ---- tables ------------------------------------------------------------------------------ */

static void put_table(struct wk_bytes_out *out, const struct wk_charge_rules *rules,
                      const struct wk_charge_table *table)
{
    const bool energy = is_energy(rules);
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_integer(out, table->commodity_scale);
    wk_axdr_put_integer(out, table->price_scale);
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_long_unsigned(out, energy ? CLASS_REGISTER : 0);
    wk_axdr_put_octet_string(out, energy ? k_import : k_nothing, 6);
    wk_axdr_put_integer(out, energy ? 2 : 0);
    wk_axdr_put_array(out, table->count);
    for (uint8_t i = 0; i < table->count; i++) {
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_octet_string(out, &table->index[i], 1);
        wk_axdr_put_long(out, table->charge[i]);
    }
}

static void read_structure(struct wk_bytes_in *in, uint32_t members)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != members) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static void read_commodity(struct wk_bytes_in *in, const struct wk_charge_rules *rules)
{
    uint8_t obis[6];
    const bool energy = is_energy(rules);
    read_structure(in, 3);
    const int64_t class_id = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, obis, sizeof obis);
    const int64_t attribute = wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    const bool fits = class_id == (energy ? CLASS_REGISTER : 0) &&
                      memcmp(obis, energy ? k_import : k_nothing, sizeof obis) == 0 &&
                      attribute == (energy ? 2 : 0);
    if (in->fault == WK_OK && !fits) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void read_elements(struct wk_bytes_in *in, struct wk_charge_table *table)
{
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    if (count > WK_CHARGE_RATES) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return;
    }
    table->count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        read_structure(in, 2);
        wk_axdr_read_exact(in, &table->index[i], 1);
        table->charge[i] = (int16_t)wk_axdr_read_integer(in, WK_AXDR_LONG);
    }
}

static void read_table(struct wk_bytes_in *in, const struct wk_charge_rules *rules,
                       struct wk_charge_table *table)
{
    *table = (struct wk_charge_table){0};
    read_structure(in, 3);
    read_structure(in, 2);
    table->commodity_scale = (int8_t)wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    table->price_scale = (int8_t)wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    read_commodity(in, rules);
    read_elements(in, table);
}

/* ---- attributes -------------------------------------------------------------------------- */

static wk_err get_figure(const struct wk_rooms *rooms, const struct wk_charge *charge,
                         uint8_t attribute, struct wk_bytes_out *out)
{
    const struct wk_account *account = &rooms->payment->account;
    switch (attribute) {
    case 2:
        wk_payment_put_amount(account, out, charge->paid_e6);
        return WK_OK;
    case 10:
        wk_payment_put_time(rooms, out, charge->last_s);
        return WK_OK;
    case 11:
        wk_payment_put_amount(account, out, charge->last_e6);
        return WK_OK;
    case 12:
        wk_payment_put_amount(account, out, charge->remaining_e6);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err charge_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_charge *charge = &rooms->payment->account.charge[call->object->selector];
    const struct wk_charge_rules *rules = &charge->rules;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 3:
        wk_axdr_put_enum(out, rules->type);
        return WK_OK;
    case 4:
        wk_axdr_put_unsigned(out, rules->priority);
        return WK_OK;
    case 5:
        put_table(out, rules, &rules->active);
        return WK_OK;
    case 6:
        put_table(out, rules, &rules->passive);
        return WK_OK;
    case 7:
        wk_payment_put_time(rooms, out, rules->activate_s);
        return WK_OK;
    case 8:
        wk_axdr_put_double_long_unsigned(out, rules->period_s);
        return WK_OK;
    case 9:
        wk_payment_put_bits(out, rules->configuration, BITS_CONFIGURED);
        return WK_OK;
    case 13:
        wk_axdr_put_long_unsigned(out, rules->proportion_e4);
        return WK_OK;
    default:
        return get_figure(rooms, charge, attribute, out);
    }
}

static wk_err read_charge(const struct wk_rooms *rooms, uint8_t attribute,
                          struct wk_bytes_in *in, struct wk_charge_rules *rules)
{
    switch (attribute) {
    case 3:
        rules->type = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
        return WK_OK;
    case 4:
        rules->priority = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED);
        return WK_OK;
    case 6:
        read_table(in, rules, &rules->passive);
        return WK_OK;
    case 7:
        return wk_payment_read_time(rooms, in, &rules->activate_s);
    case 8:
        rules->period_s = (uint32_t)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
        return WK_OK;
    case 9:
        rules->configuration = wk_payment_read_bits(in, BITS_CONFIGURED);
        return WK_OK;
    case 13:
        rules->proportion_e4 = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err charge_set(const struct wk_object_call *call, uint8_t attribute,
                         struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_account wanted = rooms->payment->account;
    struct wk_charge *charge = &wanted.charge[call->object->selector];
    WK_TRY(read_charge(rooms, attribute, value, &charge->rules));
    WK_TRY(wk_bytes_in_end(value));
    charge->counted_s = attribute == 8 ? 0 : charge->counted_s; /* other periods begin anew */
    return wk_payment_take(call, &wanted);
}

/* ---- methods ----------------------------------------------------------------------------- */

static wk_err update_passive(const struct wk_object_call *call, struct wk_bytes_in *parameter)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_account wanted = rooms->payment->account;
    read_elements(parameter, &wanted.charge[call->object->selector].rules.passive);
    WK_TRY(wk_bytes_in_end(parameter));
    return wk_payment_take(call, &wanted);
}

static wk_err move_remaining(const struct wk_object_call *call, uint8_t method,
                             struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_account *account = &rooms->payment->account;
    struct wk_charge *charge = &account->charge[call->object->selector];
    const int64_t before_e6 = charge->remaining_e6;
    const int64_t amount_e6 = wk_payment_read_amount(account, parameter);
    WK_TRY(wk_bytes_in_end(parameter));
    const int64_t wanted_e6 = method == ADD_REMAINING ? before_e6 + amount_e6 : amount_e6;
    if (wanted_e6 < -WK_CREDIT_MOST_E6 || wanted_e6 > WK_CREDIT_MOST_E6) {
        return WK_E_RANGE;
    }
    charge->remaining_e6 = wanted_e6;
    if (method == SET_REMAINING) {
        wk_payment_put_amount(account, reply, before_e6);
    }
    wk_objects_tell(call, WK_ROOMS_PAYMENT_SET, CLASS_CHARGE);
    return WK_OK;
}

static wk_err charge_action(const struct wk_object_call *call, uint8_t method,
                            struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_payment *payment = rooms->payment;
    const uint8_t index = (uint8_t)call->object->selector;
    struct wk_charge_rules *rules = &payment->account.charge[index].rules;
    if (method == UPDATE) {
        return update_passive(call, parameter);
    }
    if (method == ADD_REMAINING || method == SET_REMAINING) {
        return move_remaining(call, method, parameter, reply);
    }
    WK_TRY(wk_objects_take_zero(parameter));
    if (method == COLLECT) {
        const struct wk_account_moment moment = wk_payment_moment(rooms, call->now_us);
        wk_account_collect(&payment->account, index, &moment);
        return WK_OK;
    }
    rules->active = rules->passive;
    rules->activate_s = 0;
    wk_objects_tell(call, WK_ROOMS_PAYMENT_SET, CLASS_CHARGE);
    wk_payment_tell(payment, call->now_us, WK_EVENT_CHARGE_ACTIVATED, index, 0);
    return WK_OK;
}

const struct wk_object_class wk_objects_charge = {
    .get = charge_get, .set = charge_set, .action = charge_action};
