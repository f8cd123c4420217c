/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 111 (account) and 112 (credit; the selector is its index), and class 1: exact figures
 * { balance, available, to clear, debt, collected, paid by tokens, adjusted: long64, 10^-6; days
 * left: double-long, -1 = not known }, and settings { load management output that is on in
 * friendly time: unsigned, 0 = none; reconnection by hand: boolean }. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/objects.h"
#include "management/payment.h"

#define CLASS_ACCOUNT   111
#define CLASS_CREDIT    112
#define BITS_STATUS     8
#define BITS_CONFIGURED 5
#define BITS_WHEN       3
#define UNIT_MONETARY   2

static const uint8_t k_credit[6] = {0, 0, 19, 10, 0, 255};
static const uint8_t k_charge[6] = {0, 0, 19, 20, 0, 255};

static void put_reference(struct wk_bytes_out *out, const uint8_t first[6], uint8_t index)
{
    uint8_t obis[6];
    memcpy(obis, first, sizeof obis);
    obis[4] = index;
    wk_axdr_put_octet_string(out, obis, sizeof obis);
}

/* The index of an object; one that is none faults the input. */
static uint8_t read_reference(struct wk_bytes_in *in, const uint8_t first[6], uint8_t count)
{
    uint8_t obis[6];
    wk_axdr_read_exact(in, obis, sizeof obis);
    const uint8_t index = obis[4];
    obis[4] = first[4];
    if (in->fault == WK_OK && (index >= count || memcmp(obis, first, sizeof obis) != 0)) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
    return index;
}

static void read_structure(struct wk_bytes_in *in, uint32_t members)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != members) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

/* ---- class 111: reading ------------------------------------------------------------------ */

static void put_references(struct wk_bytes_out *out, const uint8_t first[6], uint8_t count)
{
    wk_axdr_put_array(out, count);
    for (uint8_t i = 0; i < count; i++) {
        put_reference(out, first, i);
    }
}

static void put_pairs(struct wk_bytes_out *out, const struct wk_account_rules *rules)
{
    wk_axdr_put_array(out, rules->pair_count);
    for (uint8_t i = 0; i < rules->pair_count; i++) {
        wk_axdr_put_structure(out, 3);
        put_reference(out, k_credit, rules->pair[i].credit);
        put_reference(out, k_charge, rules->pair[i].charge);
        wk_payment_put_bits(out, rules->pair[i].when, BITS_WHEN);
    }
}

static void put_shares(struct wk_bytes_out *out, const struct wk_account_rules *rules)
{
    wk_axdr_put_array(out, rules->share_count);
    for (uint8_t i = 0; i < rules->share_count; i++) {
        wk_axdr_put_structure(out, 2);
        put_reference(out, k_credit, rules->share[i].credit);
        wk_axdr_put_unsigned(out, rules->share[i].percent);
    }
}

static void put_currency(struct wk_bytes_out *out, const struct wk_account_rules *rules)
{
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_utf8_string(out, rules->name);
    wk_axdr_put_integer(out, rules->scale);
    wk_axdr_put_enum(out, UNIT_MONETARY);
}

/* Attributes that are kept; those that follow from amounts are in account_get. */
static wk_err get_rule(const struct wk_rooms *rooms, uint8_t attribute,
                       struct wk_bytes_out *out)
{
    const struct wk_account *account = &rooms->payment->account;
    const struct wk_account_rules *rules = &account->rules;
    switch (attribute) {
    case 7:
        wk_payment_put_amount(account, out, rules->clearance_e6);
        return WK_OK;
    case 9:
        put_references(out, k_credit, WK_ACCOUNT_CREDITS);
        return WK_OK;
    case 10:
        put_references(out, k_charge, WK_ACCOUNT_CHARGES);
        return WK_OK;
    case 11:
        put_pairs(out, rules);
        return WK_OK;
    case 12:
        put_shares(out, rules);
        return WK_OK;
    case 13:
        wk_payment_put_time(rooms, out, rules->activate_s);
        return WK_OK;
    case 14:
        wk_payment_put_time(rooms, out, rules->close_s);
        return WK_OK;
    case 15:
        put_currency(out, rules);
        return WK_OK;
    case 16:
        wk_payment_put_amount(account, out, rules->low_e6);
        return WK_OK;
    case 17:
        wk_payment_put_amount(account, out, rules->next_e6);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static void put_provision(struct wk_bytes_out *out, const struct wk_account *account)
{
    int64_t units = account->rules.provision_e6;
    for (int8_t scale = WK_ACCOUNT_SCALE; scale < account->rules.scale; scale++) {
        units /= 10;
    }
    wk_axdr_put_long_unsigned(out, (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX));
}

static wk_err account_get(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_account *account = &rooms->payment->account;
    const uint8_t in_use = wk_account_in_use(account);
    switch (attribute) {
    case 2:
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_enum(out, account->rules.mode);
        wk_axdr_put_enum(out, account->status);
        return WK_OK;
    case 3: /* counts from 1 in the list of references; 0: none */
        wk_axdr_put_unsigned(out, in_use < WK_ACCOUNT_CREDITS ? (uint8_t)(in_use + 1) : 0);
        return WK_OK;
    case 4:
        wk_payment_put_bits(out, wk_account_bits(account), BITS_STATUS);
        return WK_OK;
    case 5:
        wk_payment_put_amount(account, out, wk_account_available_e6(account));
        return WK_OK;
    case 6:
        wk_payment_put_amount(account, out, wk_account_to_clear_e6(account));
        return WK_OK;
    case 8:
        wk_payment_put_amount(account, out, wk_account_debt_e6(account));
        return WK_OK;
    case 18:
        put_provision(out, account);
        return WK_OK;
    case 19:
        wk_axdr_put_double_long(out, (int32_t)account->rules.provision_s);
        return WK_OK;
    default:
        return get_rule(rooms, attribute, out);
    }
}

/* ---- class 111: setting ------------------------------------------------------------------ */

static void read_mode(struct wk_bytes_in *in, struct wk_account *wanted)
{
    read_structure(in, 2);
    wanted->rules.mode = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    if (wk_axdr_read_integer(in, WK_AXDR_ENUM) != wanted->status) {
        wk_bytes_in_fail(in, WK_E_RANGE); /* the status changes by methods only */
    }
}

static void read_pairs(struct wk_bytes_in *in, struct wk_account_rules *rules)
{
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    if (count > WK_ACCOUNT_PAIRS) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return;
    }
    rules->pair_count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        struct wk_account_pair *pair = &rules->pair[i];
        read_structure(in, 3);
        pair->credit = read_reference(in, k_credit, WK_ACCOUNT_CREDITS);
        pair->charge = read_reference(in, k_charge, WK_ACCOUNT_CHARGES);
        pair->when = wk_payment_read_bits(in, BITS_WHEN);
    }
}

static void read_shares(struct wk_bytes_in *in, struct wk_account_rules *rules)
{
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    if (count > WK_ACCOUNT_SHARES) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return;
    }
    rules->share_count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        read_structure(in, 2);
        rules->share[i].credit = read_reference(in, k_credit, WK_ACCOUNT_CREDITS);
        rules->share[i].percent = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED);
    }
}

static void read_currency(struct wk_bytes_in *in, struct wk_account_rules *rules)
{
    struct wk_axdr_value name;
    read_structure(in, 3);
    wk_axdr_read(in, &name);
    const bool text = name.tag == WK_AXDR_UTF8_STRING || name.tag == WK_AXDR_VISIBLE_STRING;
    if (in->fault != WK_OK || !text || name.size >= WK_ACCOUNT_NAME) {
        wk_bytes_in_fail(in, text ? WK_E_RANGE : WK_E_FORMAT);
        return;
    }
    memset(rules->name, 0, sizeof rules->name);
    memcpy(rules->name, name.octets, name.size);
    rules->scale = (int8_t)wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    if (wk_axdr_read_integer(in, WK_AXDR_ENUM) != UNIT_MONETARY) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void read_provision(struct wk_bytes_in *in, struct wk_account *wanted)
{
    int64_t amount_e6 = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    for (int8_t scale = WK_ACCOUNT_SCALE; scale < wanted->rules.scale; scale++) {
        amount_e6 *= 10;
    }
    wanted->rules.provision_e6 = amount_e6;
}

static wk_err read_account(const struct wk_rooms *rooms, uint8_t attribute,
                           struct wk_bytes_in *in, struct wk_account *wanted)
{
    struct wk_account_rules *rules = &wanted->rules;
    switch (attribute) {
    case 2:
        read_mode(in, wanted);
        return WK_OK;
    case 7:
        rules->clearance_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 11:
        read_pairs(in, rules);
        return WK_OK;
    case 12:
        read_shares(in, rules);
        return WK_OK;
    case 13:
        return wk_payment_read_time(rooms, in, &rules->activate_s);
    case 14:
        return wk_payment_read_time(rooms, in, &rules->close_s);
    case 15:
        read_currency(in, rules);
        return WK_OK;
    case 16:
        rules->low_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 17:
        rules->next_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 18:
        read_provision(in, wanted);
        return WK_OK;
    case 19:
        rules->provision_s = wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

/* A closed account begins anew: what is left goes back to nobody but the books. */
static wk_err reset_account(struct wk_account *account)
{
    if (account->status != WK_ACCOUNT_CLOSED) {
        return WK_E_STATE;
    }
    for (uint8_t i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        wk_credit_release(&account->credit[i]);
        WK_TRY(wk_account_adjust(account, i, -account->credit[i].amount_e6));
    }
    account->status = WK_ACCOUNT_NEW;
    return WK_OK;
}

static wk_err account_action(const struct wk_object_call *call, uint8_t method)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_payment *payment = rooms->payment;
    switch (method) {
    case 1:
        WK_TRY(wk_account_activate(&payment->account));
        wk_payment_tell(payment, call->now_us, WK_EVENT_ACCOUNT_ACTIVATED, 0, 0);
        return WK_OK;
    case 2:
        WK_TRY(wk_account_close(&payment->account));
        wk_payment_tell(payment, call->now_us, WK_EVENT_ACCOUNT_CLOSED, 0, 0);
        return WK_OK;
    case 3:
        WK_TRY(reset_account(&payment->account));
        wk_objects_tell(call, WK_ROOMS_PAYMENT_SET, CLASS_ACCOUNT);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

/* ---- class 112 --------------------------------------------------------------------------- */

static void put_period(struct wk_bytes_out *out, const struct wk_credit_rules *rules)
{
    uint8_t octets[12] = {0};
    memcpy(octets, rules->date, sizeof rules->date);
    memcpy(octets + sizeof rules->date, rules->time, sizeof rules->time);
    octets[9] = 0x80; /* deviation and status are not specified */
    octets[11] = 0xFF;
    wk_axdr_put_octet_string(out, octets, sizeof octets);
}

static void read_period(struct wk_bytes_in *in, struct wk_credit_rules *rules)
{
    uint8_t octets[12];
    wk_axdr_read_exact(in, octets, sizeof octets);
    memcpy(rules->date, octets, sizeof rules->date);
    memcpy(rules->time, octets + sizeof rules->date, sizeof rules->time);
}

static wk_err credit_get(const struct wk_object_call *call, uint8_t attribute,
                         struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_account *account = &rooms->payment->account;
    const struct wk_credit *credit = &account->credit[call->object->selector];
    switch (attribute) {
    case 2:
        wk_payment_put_amount(account, out, credit->amount_e6);
        return WK_OK;
    case 3:
        wk_axdr_put_enum(out, credit->rules.type);
        return WK_OK;
    case 4:
        wk_axdr_put_unsigned(out, credit->rules.priority);
        return WK_OK;
    case 5:
        wk_payment_put_amount(account, out, credit->rules.warning_e6);
        return WK_OK;
    case 6:
        wk_payment_put_amount(account, out, credit->rules.limit_e6);
        return WK_OK;
    case 7:
        wk_payment_put_bits(out, credit->rules.configuration, BITS_CONFIGURED);
        return WK_OK;
    case 8:
        wk_axdr_put_enum(out, credit->status);
        return WK_OK;
    case 9:
        wk_payment_put_amount(account, out, credit->rules.preset_e6);
        return WK_OK;
    case 10:
        wk_payment_put_amount(account, out, credit->rules.available_e6);
        return WK_OK;
    case 11:
        put_period(out, &credit->rules);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err read_credit(uint8_t attribute, struct wk_bytes_in *in, struct wk_account *wanted,
                          struct wk_credit_rules *rules)
{
    switch (attribute) {
    case 3:
        rules->type = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
        return WK_OK;
    case 4:
        rules->priority = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED);
        return WK_OK;
    case 5:
        rules->warning_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 6:
        rules->limit_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 7:
        rules->configuration = wk_payment_read_bits(in, BITS_CONFIGURED);
        return WK_OK;
    case 9:
        rules->preset_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 10:
        rules->available_e6 = wk_payment_read_amount(wanted, in);
        return WK_OK;
    case 11:
        read_period(in, rules);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

/* update_amount adds, set_amount_to_value tells what there was. */
static wk_err move_amount(const struct wk_object_call *call, uint8_t method,
                          struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_payment *payment = rooms->payment;
    struct wk_account *account = &payment->account;
    const uint8_t index = (uint8_t)call->object->selector;
    const struct wk_credit *credit = &account->credit[index];
    const int64_t before_e6 = credit->amount_e6;
    int64_t by_e6 = wk_payment_read_amount(account, parameter);
    WK_TRY(wk_bytes_in_end(parameter));
    if (method == 2 && (credit->rules.configuration & WK_CREDIT_RESETTABLE) == 0) {
        return WK_E_STATE;
    }
    by_e6 -= method == 2 ? before_e6 : 0;
    WK_TRY(wk_account_adjust(account, index, by_e6));
    if (method == 2) {
        wk_payment_put_amount(account, reply, before_e6);
    }
    wk_payment_tell(payment, call->now_us, WK_EVENT_CREDIT_ADJUSTED, index, by_e6);
    return WK_OK;
}

static wk_err credit_action(const struct wk_object_call *call, uint8_t method,
                            struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_payment *payment = rooms->payment;
    const uint8_t index = (uint8_t)call->object->selector;
    if (method != 3) {
        return move_amount(call, method, parameter, reply);
    }
    WK_TRY(wk_objects_take_zero(parameter));
    WK_TRY(wk_account_invoke(&payment->account, index));
    wk_payment_tell(payment, call->now_us, WK_EVENT_CREDIT_SELECTED, index,
                    payment->account.credit[index].amount_e6);
    return WK_OK;
}

/* ---- class 1 ----------------------------------------------------------------------------- */

static void put_exact(struct wk_bytes_out *out, const struct wk_account *account)
{
    wk_axdr_put_structure(out, 8);
    wk_axdr_put_long64(out, wk_account_balance_e6(account));
    wk_axdr_put_long64(out, wk_account_available_e6(account));
    wk_axdr_put_long64(out, wk_account_to_clear_e6(account));
    wk_axdr_put_long64(out, wk_account_debt_e6(account));
    wk_axdr_put_long64(out, wk_account_collected_e6(account));
    wk_axdr_put_long64(out, account->topped_e6);
    wk_axdr_put_long64(out, account->adjusted_e6);
    wk_axdr_put_double_long(out, wk_account_days_left(account));
}

static void put_settings(struct wk_bytes_out *out, const struct wk_account_rules *rules)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_unsigned(out, rules->friendly);
    wk_axdr_put_boolean(out, rules->by_hand);
}

static wk_err read_settings(const struct wk_object_call *call, struct wk_bytes_in *in,
                            struct wk_account_rules *rules)
{
    if (call->object->selector != WK_PAYMENT_SETTINGS) {
        return WK_E_UNSUPPORTED;
    }
    read_structure(in, 2);
    rules->friendly = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED);
    rules->by_hand = wk_axdr_read_integer(in, WK_AXDR_BOOLEAN) != 0;
    return WK_OK;
}

/* ---- all of them ------------------------------------------------------------------------- */

static wk_err any_get(const struct wk_object_call *call, uint8_t attribute,
                      const struct wk_object_selection *selection,
                      struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_account *account = &rooms->payment->account;
    (void)selection;
    (void)cursor;
    switch (call->object->class_id) {
    case CLASS_ACCOUNT:
        return account_get(call, attribute, out);
    case CLASS_CREDIT:
        return credit_get(call, attribute, out);
    default:
        if (call->object->selector == WK_PAYMENT_EXACT) {
            put_exact(out, account);
        } else {
            put_settings(out, &account->rules);
        }
        return WK_OK;
    }
}

static wk_err any_set(const struct wk_object_call *call, uint8_t attribute,
                      struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_account wanted = rooms->payment->account;
    switch (call->object->class_id) {
    case CLASS_ACCOUNT:
        WK_TRY(read_account(rooms, attribute, value, &wanted));
        break;
    case CLASS_CREDIT:
        WK_TRY(read_credit(attribute, value, &wanted,
                           &wanted.credit[call->object->selector].rules));
        break;
    default:
        WK_TRY(read_settings(call, value, &wanted.rules));
        break;
    }
    WK_TRY(wk_bytes_in_end(value));
    return wk_payment_take(call, &wanted);
}

static wk_err any_action(const struct wk_object_call *call, uint8_t method,
                         struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    if (call->object->class_id == CLASS_CREDIT) {
        return credit_action(call, method, parameter, reply);
    }
    WK_TRY(wk_objects_take_zero(parameter));
    return account_action(call, method);
}

const struct wk_object_class wk_objects_account = {
    .get = any_get, .set = any_set, .action = any_action};
