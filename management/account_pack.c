/* SPDX-License-Identifier: Apache-2.0
 *
 * Two values of the store: what clients set, which changes seldom, and what moves with every
 * window. docs/on-flash.md lists the fields. */
#include "management/account.h"

#define VERSION 1

static void put_i64(struct wk_bytes_out *out, int64_t value)
{
    wk_bytes_out_u64le(out, (uint64_t)value);
}

static int64_t get_i64(struct wk_bytes_in *in)
{
    return (int64_t)wk_bytes_in_u64le(in);
}

/* ---- what is set ------------------------------------------------------------------------- */

static void pack_table(const struct wk_charge_table *table, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, (uint8_t)table->commodity_scale);
    wk_bytes_out_u8(out, (uint8_t)table->price_scale);
    wk_bytes_out_u8(out, table->count);
    for (uint8_t i = 0; i < table->count; i++) {
        wk_bytes_out_u8(out, table->index[i]);
        wk_bytes_out_u16le(out, (uint16_t)table->charge[i]);
    }
}

static void unpack_table(struct wk_charge_table *table, struct wk_bytes_in *in)
{
    *table = (struct wk_charge_table){.commodity_scale = (int8_t)wk_bytes_in_u8(in)};
    table->price_scale = (int8_t)wk_bytes_in_u8(in);
    table->count = wk_bytes_in_u8(in);
    if (table->count > WK_CHARGE_RATES) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        table->count = 0;
    }
    for (uint8_t i = 0; i < table->count; i++) {
        table->index[i] = wk_bytes_in_u8(in);
        table->charge[i] = (int16_t)wk_bytes_in_u16le(in);
    }
}

static void pack_credit(const struct wk_credit_rules *rules, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, rules->type);
    wk_bytes_out_u8(out, rules->priority);
    wk_bytes_out_u8(out, rules->configuration);
    put_i64(out, rules->warning_e6);
    put_i64(out, rules->limit_e6);
    put_i64(out, rules->preset_e6);
    put_i64(out, rules->available_e6);
    wk_bytes_out_put(out, rules->date, sizeof rules->date);
    wk_bytes_out_put(out, rules->time, sizeof rules->time);
}

static void unpack_credit(struct wk_credit_rules *rules, struct wk_bytes_in *in)
{
    rules->type = wk_bytes_in_u8(in);
    rules->priority = wk_bytes_in_u8(in);
    rules->configuration = wk_bytes_in_u8(in);
    rules->warning_e6 = get_i64(in);
    rules->limit_e6 = get_i64(in);
    rules->preset_e6 = get_i64(in);
    rules->available_e6 = get_i64(in);
    wk_bytes_in_copy(in, rules->date, sizeof rules->date);
    wk_bytes_in_copy(in, rules->time, sizeof rules->time);
}

static void pack_charge(const struct wk_charge_rules *rules, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, rules->type);
    wk_bytes_out_u8(out, rules->priority);
    wk_bytes_out_u8(out, rules->configuration);
    wk_bytes_out_u16le(out, rules->proportion_e4);
    wk_bytes_out_u32le(out, rules->period_s);
    pack_table(&rules->active, out);
    pack_table(&rules->passive, out);
    put_i64(out, rules->activate_s);
}

static void unpack_charge(struct wk_charge_rules *rules, struct wk_bytes_in *in)
{
    rules->type = wk_bytes_in_u8(in);
    rules->priority = wk_bytes_in_u8(in);
    rules->configuration = wk_bytes_in_u8(in);
    rules->proportion_e4 = wk_bytes_in_u16le(in);
    rules->period_s = wk_bytes_in_u32le(in);
    unpack_table(&rules->active, in);
    unpack_table(&rules->passive, in);
    rules->activate_s = get_i64(in);
}

static void pack_lists(const struct wk_account_rules *rules, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, rules->pair_count);
    for (uint8_t i = 0; i < rules->pair_count; i++) {
        wk_bytes_out_u8(out, rules->pair[i].credit);
        wk_bytes_out_u8(out, rules->pair[i].charge);
        wk_bytes_out_u8(out, rules->pair[i].when);
    }
    wk_bytes_out_u8(out, rules->share_count);
    for (uint8_t i = 0; i < rules->share_count; i++) {
        wk_bytes_out_u8(out, rules->share[i].credit);
        wk_bytes_out_u8(out, rules->share[i].percent);
    }
}

/* A count; one beyond `most` faults the input. */
static uint8_t get_count(struct wk_bytes_in *in, uint8_t most)
{
    const uint8_t count = wk_bytes_in_u8(in);
    if (count > most) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return 0;
    }
    return count;
}

static void unpack_lists(struct wk_account_rules *rules, struct wk_bytes_in *in)
{
    rules->pair_count = get_count(in, WK_ACCOUNT_PAIRS);
    for (uint8_t i = 0; i < rules->pair_count; i++) {
        rules->pair[i].credit = wk_bytes_in_u8(in);
        rules->pair[i].charge = wk_bytes_in_u8(in);
        rules->pair[i].when = wk_bytes_in_u8(in);
    }
    rules->share_count = get_count(in, WK_ACCOUNT_SHARES);
    for (uint8_t i = 0; i < rules->share_count; i++) {
        rules->share[i].credit = wk_bytes_in_u8(in);
        rules->share[i].percent = wk_bytes_in_u8(in);
    }
}

void wk_account_rules_pack(const struct wk_account *account, struct wk_bytes_out *out)
{
    const struct wk_account_rules *rules = &account->rules;
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u8(out, rules->mode);
    wk_bytes_out_put(out, rules->name, sizeof rules->name);
    wk_bytes_out_u8(out, (uint8_t)rules->scale);
    put_i64(out, rules->low_e6);
    put_i64(out, rules->next_e6);
    put_i64(out, rules->clearance_e6);
    put_i64(out, rules->provision_e6);
    put_i64(out, rules->provision_s);
    put_i64(out, rules->activate_s);
    put_i64(out, rules->close_s);
    pack_lists(rules, out);
    wk_bytes_out_u8(out, rules->friendly);
    wk_bytes_out_u8(out, rules->by_hand ? 1 : 0);
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        pack_credit(&account->credit[i].rules, out);
    }
    for (int i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        pack_charge(&account->charge[i].rules, out);
    }
}

wk_err wk_account_rules_unpack(struct wk_account *account, struct wk_bytes_in *in)
{
    struct wk_account_rules *rules = &account->rules;
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    rules->mode = wk_bytes_in_u8(in);
    wk_bytes_in_copy(in, rules->name, sizeof rules->name);
    rules->scale = (int8_t)wk_bytes_in_u8(in);
    rules->low_e6 = get_i64(in);
    rules->next_e6 = get_i64(in);
    rules->clearance_e6 = get_i64(in);
    rules->provision_e6 = get_i64(in);
    rules->provision_s = get_i64(in);
    rules->activate_s = get_i64(in);
    rules->close_s = get_i64(in);
    unpack_lists(rules, in);
    rules->friendly = wk_bytes_in_u8(in);
    rules->by_hand = wk_bytes_in_u8(in) != 0;
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        unpack_credit(&account->credit[i].rules, in);
    }
    for (int i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        unpack_charge(&account->charge[i].rules, in);
    }
    WK_TRY(in->fault);
    return wk_account_check(account);
}

/* ---- what moves -------------------------------------------------------------------------- */

enum { INVOKED = 0x01, WARNED = 0x02, CUT = 0x01, LOW = 0x02 };

void wk_account_state_pack(const struct wk_account *account, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u8(out, account->status);
    wk_bytes_out_u8(out, (uint8_t)((account->cut ? CUT : 0) | (account->low ? LOW : 0)));
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        const struct wk_credit *credit = &account->credit[i];
        wk_bytes_out_u8(
            out, (uint8_t)((credit->invoked ? INVOKED : 0) | (credit->warned ? WARNED : 0)));
        put_i64(out, credit->amount_e6);
        put_i64(out, credit->granted_e6);
    }
    for (int i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        const struct wk_charge *charge = &account->charge[i];
        put_i64(out, charge->paid_e6);
        put_i64(out, charge->remaining_e6);
        put_i64(out, charge->due.amount_e6);
        wk_bytes_out_u32le(out, (uint32_t)charge->due.rest); /* below 10^9 */
        wk_bytes_out_u32le(out, (uint32_t)charge->counted_s);
        wk_bytes_out_u32le(out, (uint32_t)charge->last_s);
        put_i64(out, charge->last_e6);
    }
    put_i64(out, account->topped_e6);
    put_i64(out, account->adjusted_e6);
    put_i64(out, account->provided_e6);
    put_i64(out, account->provided_begin);
    wk_bytes_out_u32le(out, (uint32_t)account->reset_s);
    wk_bytes_out_u32le(out, (uint32_t)account->day);
    put_i64(out, account->day_paid_e6);
    put_i64(out, account->mean_e6);
}

static void unpack_credit_state(struct wk_credit *credit, struct wk_bytes_in *in)
{
    const uint8_t bits = wk_bytes_in_u8(in);
    credit->invoked = (bits & INVOKED) != 0;
    credit->warned = (bits & WARNED) != 0;
    credit->amount_e6 = get_i64(in);
    credit->granted_e6 = get_i64(in);
}

static void unpack_charge_state(struct wk_charge *charge, struct wk_bytes_in *in)
{
    charge->paid_e6 = get_i64(in);
    charge->remaining_e6 = get_i64(in);
    charge->due.amount_e6 = get_i64(in);
    charge->due.rest = wk_bytes_in_u32le(in);
    charge->counted_s = wk_bytes_in_u32le(in);
    charge->last_s = wk_bytes_in_u32le(in);
    charge->last_e6 = get_i64(in);
}

wk_err wk_account_state_unpack(struct wk_account *account, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    account->status = wk_bytes_in_u8(in);
    const uint8_t bits = wk_bytes_in_u8(in);
    account->cut = (bits & CUT) != 0;
    account->low = (bits & LOW) != 0;
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        unpack_credit_state(&account->credit[i], in);
    }
    for (int i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        unpack_charge_state(&account->charge[i], in);
    }
    account->topped_e6 = get_i64(in);
    account->adjusted_e6 = get_i64(in);
    account->provided_e6 = get_i64(in);
    account->provided_begin = get_i64(in);
    account->reset_s = wk_bytes_in_u32le(in);
    account->day = (int32_t)wk_bytes_in_u32le(in);
    account->day_paid_e6 = get_i64(in);
    account->mean_e6 = get_i64(in);
    WK_TRY(in->fault);
    const bool known =
        account->status >= WK_ACCOUNT_NEW && account->status <= WK_ACCOUNT_CLOSED;
    const int64_t kept_e6 = wk_account_balance_e6(account) + wk_account_collected_e6(account);
    if (!known || account->topped_e6 + account->adjusted_e6 != kept_e6) {
        return WK_E_FORMAT;
    }
    wk_account_update(account);
    return WK_OK;
}
