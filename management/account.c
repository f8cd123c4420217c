/* SPDX-License-Identifier: Apache-2.0 */
#include "management/account.h"

#include "base/wide.h"
#include "cosem/axdr.h"
#include "management/schedule.h"

#define PERCENT       100
#define FRIENDLY_MOST 4

/* ---- order ------------------------------------------------------------------------------- */

/* The next credit behind one in the order of priorities, equal ones by index; from
 * WK_ACCOUNT_CREDITS the first; WK_ACCOUNT_CREDITS at the end. Those of priority 0 are left out. */
static uint8_t credit_after(const struct wk_account *account, uint8_t last)
{
    const bool begins = last == WK_ACCOUNT_CREDITS;
    const int after = begins ? 0 : account->credit[last].rules.priority * 16 + last + 1;
    uint8_t next = WK_ACCOUNT_CREDITS;
    int least = INT16_MAX;
    for (uint8_t i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        const int rank = account->credit[i].rules.priority * 16 + i;
        if (account->credit[i].rules.priority > 0 && rank >= after && rank < least) {
            least = rank;
            next = i;
        }
    }
    return next;
}

static uint8_t charge_after(const struct wk_account *account, uint8_t last)
{
    const bool begins = last == WK_ACCOUNT_CHARGES;
    const int after = begins ? 0 : account->charge[last].rules.priority * 16 + last + 1;
    uint8_t next = WK_ACCOUNT_CHARGES;
    int least = INT16_MAX;
    for (uint8_t i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        const int rank = account->charge[i].rules.priority * 16 + i;
        if (account->charge[i].rules.priority > 0 && rank >= after && rank < least) {
            least = rank;
            next = i;
        }
    }
    return next;
}

#define EACH_CREDIT(account, i)                                                                \
    (uint8_t i = credit_after((account), WK_ACCOUNT_CREDITS); i < WK_ACCOUNT_CREDITS;          \
     i = credit_after((account), i))
#define EACH_CHARGE(account, i)                                                                \
    (uint8_t i = charge_after((account), WK_ACCOUNT_CHARGES); i < WK_ACCOUNT_CHARGES;          \
     i = charge_after((account), i))

/* ---- rules ------------------------------------------------------------------------------- */

static bool is_amount(int64_t amount_e6)
{
    return amount_e6 >= -WK_CREDIT_MOST_E6 && amount_e6 <= WK_CREDIT_MOST_E6;
}

static bool shares_hold(const struct wk_account *account)
{
    const struct wk_account_rules *rules = &account->rules;
    unsigned sum = 0;
    for (uint8_t i = 0; i < rules->share_count; i++) {
        const struct wk_account_share *share = &rules->share[i];
        if (share->credit >= WK_ACCOUNT_CREDITS ||
            (account->credit[share->credit].rules.configuration & WK_CREDIT_TOKENS) == 0) {
            return false;
        }
        sum += share->percent;
    }
    return sum <= PERCENT;
}

static bool pairs_hold(const struct wk_account_rules *rules)
{
    for (uint8_t i = 0; i < rules->pair_count; i++) {
        if (rules->pair[i].credit >= WK_ACCOUNT_CREDITS ||
            rules->pair[i].charge >= WK_ACCOUNT_CHARGES || rules->pair[i].when > 7) {
            return false;
        }
    }
    return true;
}

static bool name_ends(const struct wk_account_rules *rules)
{
    for (int i = 0; i < WK_ACCOUNT_NAME; i++) {
        if (rules->name[i] == '\0') {
            return true;
        }
    }
    return false;
}

wk_err wk_account_check(const struct wk_account *account)
{
    const struct wk_account_rules *rules = &account->rules;
    const bool good =
        (rules->mode == WK_ACCOUNT_CREDIT_MODE || rules->mode == WK_ACCOUNT_PREPAYMENT) &&
        name_ends(rules) && rules->scale >= WK_ACCOUNT_SCALE && rules->scale <= 0 &&
        is_amount(rules->low_e6) && is_amount(rules->next_e6) &&
        is_amount(rules->clearance_e6) && rules->provision_e6 >= 0 &&
        is_amount(rules->provision_e6) && rules->provision_s >= 0 && rules->activate_s >= 0 &&
        rules->close_s >= 0 && rules->pair_count <= WK_ACCOUNT_PAIRS &&
        rules->share_count <= WK_ACCOUNT_SHARES && rules->friendly <= FRIENDLY_MOST &&
        pairs_hold(rules) && shares_hold(account);
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        WK_TRY(wk_credit_check(&account->credit[i].rules));
    }
    for (int i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        WK_TRY(wk_charge_check(&account->charge[i].rules));
    }
    return good ? WK_OK : WK_E_RANGE;
}

void wk_account_init(struct wk_account *account)
{
    account->status = account->rules.activate_s == 0 ? WK_ACCOUNT_ACTIVE : WK_ACCOUNT_NEW;
    account->mean_e6 = WK_ACCOUNT_NO_DAY;
    wk_account_update(account);
}

/* ---- figures ----------------------------------------------------------------------------- */

uint8_t wk_account_in_use(const struct wk_account *account)
{
    for
        EACH_CREDIT(account, i)
        {
            if (account->credit[i].status == WK_CREDIT_IN_USE) {
                return i;
            }
        }
    return WK_ACCOUNT_CREDITS;
}

int64_t wk_account_available_e6(const struct wk_account *account)
{
    int64_t sum_e6 = 0;
    for
        EACH_CREDIT(account, i)
        {
            sum_e6 += wk_credit_is_open(&account->credit[i])
                          ? wk_credit_room_e6(&account->credit[i])
                          : 0;
        }
    return sum_e6;
}

int64_t wk_account_to_clear_e6(const struct wk_account *account)
{
    int64_t sum_e6 = account->cut ? account->rules.clearance_e6 : 0;
    for
        EACH_CREDIT(account, i)
        {
            sum_e6 += wk_credit_owed_e6(&account->credit[i]);
        }
    return sum_e6;
}

int64_t wk_account_debt_e6(const struct wk_account *account)
{
    int64_t sum_e6 = 0;
    for
        EACH_CHARGE(account, i)
        {
            const struct wk_charge *charge = &account->charge[i];
            const bool debt = (charge->rules.configuration & WK_CHARGE_CONTINUOUS) == 0;
            sum_e6 += debt && charge->remaining_e6 > 0 ? charge->remaining_e6 : 0;
        }
    return sum_e6;
}

int64_t wk_account_balance_e6(const struct wk_account *account)
{
    int64_t sum_e6 = 0;
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        sum_e6 += account->credit[i].amount_e6 - account->credit[i].granted_e6;
    }
    return sum_e6;
}

int64_t wk_account_collected_e6(const struct wk_account *account)
{
    int64_t sum_e6 = 0;
    for (int i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        sum_e6 += account->charge[i].paid_e6;
    }
    return sum_e6;
}

static uint8_t bits_behind(const struct wk_account *account, uint8_t in_use)
{
    uint8_t bits = 0;
    for (uint8_t i = credit_after(account, in_use); i < WK_ACCOUNT_CREDITS;
         i = credit_after(account, i)) {
        const uint8_t status = account->credit[i].status;
        const bool has = wk_credit_room_e6(&account->credit[i]) > 0;
        bits |= status == WK_CREDIT_ENABLED && has ? WK_ACCOUNT_NEXT_ENABLED : 0;
        bits |= status == WK_CREDIT_SELECTABLE ? WK_ACCOUNT_NEXT_SELECTABLE : 0;
        bits |= status == WK_CREDIT_SELECTED ? WK_ACCOUNT_NEXT_SELECTED : 0;
    }
    return bits;
}

uint8_t wk_account_bits(const struct wk_account *account)
{
    const uint8_t in_use = wk_account_in_use(account);
    const bool has = in_use < WK_ACCOUNT_CREDITS;
    const bool low = wk_account_available_e6(account) < account->rules.low_e6;
    uint8_t bits = bits_behind(account, in_use);
    bits |= has ? WK_ACCOUNT_IN_CREDIT : WK_ACCOUNT_OUT_OF_CREDIT;
    bits |= low ? WK_ACCOUNT_LOW : 0;
    bits |= has && account->credit[in_use].invoked ? WK_ACCOUNT_SELECTED_IN_USE : 0;
    return bits;
}

int32_t wk_account_days_left(const struct wk_account *account)
{
    if (account->mean_e6 <= 0) {
        return -1;
    }
    const int64_t days = wk_account_available_e6(account) / account->mean_e6;
    return days < INT32_MAX ? (int32_t)days : INT32_MAX;
}

/* ---- state ------------------------------------------------------------------------------- */

void wk_account_update(struct wk_account *account)
{
    int64_t before_e6 = 0;
    bool in_use = false;
    for
        EACH_CREDIT(account, i)
        {
            struct wk_credit *credit = &account->credit[i];
            const bool next = before_e6 < account->rules.next_e6;
            wk_credit_update(credit, next ? INT64_MIN : before_e6, in_use);
            in_use = in_use || credit->status == WK_CREDIT_IN_USE;
            before_e6 += wk_credit_is_open(credit) ? wk_credit_room_e6(credit) : 0;
        }
}

/* Invoked credits that owe nothing and are not wanted any more. */
static void release_repaid(struct wk_account *account)
{
    int64_t before_e6 = 0;
    for
        EACH_CREDIT(account, i)
        {
            struct wk_credit *credit = &account->credit[i];
            const bool must = (credit->rules.configuration & WK_CREDIT_PAY_BACK) != 0;
            const bool wanted = before_e6 <= 0 || before_e6 < credit->rules.available_e6 ||
                                before_e6 < account->rules.next_e6;
            if (credit->invoked && !wanted && (!must || wk_credit_owed_e6(credit) == 0)) {
                wk_credit_release(credit);
            }
            before_e6 += wk_credit_is_open(credit) ? wk_credit_room_e6(credit) : 0;
        }
}

wk_err wk_account_invoke(struct wk_account *account, uint8_t credit)
{
    if (credit >= WK_ACCOUNT_CREDITS) {
        return WK_E_RANGE;
    }
    WK_TRY(wk_credit_invoke(&account->credit[credit]));
    wk_account_update(account);
    return WK_OK;
}

wk_err wk_account_invoke_next(struct wk_account *account, uint8_t *credit)
{
    for
        EACH_CREDIT(account, i)
        {
            if (account->credit[i].status == WK_CREDIT_SELECTABLE) {
                *credit = i;
                return wk_account_invoke(account, i);
            }
        }
    return WK_E_NOT_FOUND;
}

wk_err wk_account_adjust(struct wk_account *account, uint8_t credit, int64_t amount_e6)
{
    int64_t *to_e6 = &account->credit[credit % WK_ACCOUNT_CREDITS].amount_e6;
    if (!is_amount(amount_e6) || !is_amount(*to_e6 + amount_e6)) {
        return WK_E_FULL;
    }
    *to_e6 += amount_e6;
    account->adjusted_e6 += amount_e6;
    release_repaid(account);
    wk_account_update(account);
    return WK_OK;
}

wk_err wk_account_activate(struct wk_account *account)
{
    if (account->status != WK_ACCOUNT_NEW) {
        return WK_E_STATE;
    }
    account->status = WK_ACCOUNT_ACTIVE;
    account->rules.activate_s = 0;
    return WK_OK;
}

wk_err wk_account_close(struct wk_account *account)
{
    if (account->status == WK_ACCOUNT_CLOSED) {
        return WK_E_STATE;
    }
    account->status = WK_ACCOUNT_CLOSED;
    account->rules.close_s = 0;
    return WK_OK;
}

/* ---- tokens ------------------------------------------------------------------------------ */

/* The credit that gets what no rule gives away, and that what is collected beyond all credits is
 * taken from. */
static uint8_t first_for_tokens(const struct wk_account *account)
{
    for
        EACH_CREDIT(account, i)
        {
            if ((account->credit[i].rules.configuration & WK_CREDIT_TOKENS) != 0) {
                return i;
            }
        }
    return 0;
}

/* What payments may still be charged in the period under way. */
static int64_t provision_left_e6(struct wk_account *account, struct wk_utc now)
{
    const struct wk_account_rules *rules = &account->rules;
    if (rules->provision_s == 0 || rules->provision_e6 == 0) {
        return WK_CREDIT_MOST_E6;
    }
    const int64_t number = now.s / rules->provision_s;
    if (number != account->provided_begin) {
        account->provided_begin = number;
        account->provided_e6 = 0;
    }
    const int64_t left_e6 = rules->provision_e6 - account->provided_e6;
    return left_e6 > 0 ? left_e6 : 0;
}

static int64_t charge_payment(struct wk_account *account, int64_t paid_e6, struct wk_utc now)
{
    int64_t left_e6 = paid_e6;
    for
        EACH_CHARGE(account, i)
        {
            const int64_t wanted_e6 = wk_charge_share_e6(&account->charge[i], paid_e6);
            const int64_t may_e6 = provision_left_e6(account, now);
            int64_t part_e6 = wanted_e6 < may_e6 ? wanted_e6 : may_e6;
            part_e6 = part_e6 < left_e6 ? part_e6 : left_e6;
            wk_charge_collected(&account->charge[i], part_e6, now);
            account->provided_e6 += part_e6;
            left_e6 -= part_e6;
        }
    return left_e6;
}

static int64_t pay_back(struct wk_account *account, int64_t left_e6)
{
    for
        EACH_CREDIT(account, i)
        {
            struct wk_credit *credit = &account->credit[i];
            const bool must = (credit->rules.configuration & WK_CREDIT_PAY_BACK) != 0;
            const int64_t owed_e6 = must ? wk_credit_owed_e6(credit) : 0;
            const int64_t part_e6 = owed_e6 < left_e6 ? owed_e6 : left_e6;
            credit->amount_e6 += part_e6;
            left_e6 -= part_e6;
        }
    return left_e6;
}

static void share_out(struct wk_account *account, int64_t amount_e6)
{
    const struct wk_account_rules *rules = &account->rules;
    int64_t left_e6 = amount_e6;
    for (uint8_t i = 0; i < rules->share_count; i++) {
        const struct wk_account_share *share = &rules->share[i];
        const int64_t part_e6 = wk_i128_ratio(amount_e6, share->percent, 0, PERCENT);
        account->credit[share->credit].amount_e6 += part_e6;
        left_e6 -= part_e6;
    }
    account->credit[first_for_tokens(account)].amount_e6 += left_e6;
}

static bool has_room(const struct wk_account *account, int64_t amount_e6)
{
    for (int i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        if (account->credit[i].amount_e6 > WK_CREDIT_MOST_E6 - amount_e6) {
            return false;
        }
    }
    return true;
}

wk_err wk_account_top_up(struct wk_account *account, int64_t amount_e6,
                         const struct wk_account_moment *moment)
{
    if (account->status == WK_ACCOUNT_CLOSED) {
        return WK_E_STATE;
    }
    if (amount_e6 <= 0 || amount_e6 > WK_CREDIT_MOST_E6 || !has_room(account, amount_e6)) {
        return WK_E_FULL;
    }
    account->topped_e6 += amount_e6;
    const int64_t after_e6 = charge_payment(account, amount_e6, moment->now);
    share_out(account, pay_back(account, after_e6));
    release_repaid(account);
    wk_account_update(account);
    return WK_OK;
}

/* ---- collection -------------------------------------------------------------------------- */

/* Whether a pair exists and collects at this moment. */
static bool collects_from(const struct wk_account *account, uint8_t credit, uint8_t charge,
                          const struct wk_account_moment *moment)
{
    const struct wk_account_rules *rules = &account->rules;
    unsigned now = 0;
    now |= moment->disconnected ? WK_ACCOUNT_WHEN_DISCONNECTED : 0U;
    now |= moment->limited ? WK_ACCOUNT_WHEN_LIMITED : 0U;
    now |= moment->friendly ? WK_ACCOUNT_WHEN_FRIENDLY : 0U;
    const bool only_energy =
        account->credit[credit].rules.type == WK_CREDIT_CONSUMPTION_BASED &&
        account->charge[charge].rules.type != WK_CHARGE_CONSUMPTION;
    if (rules->pair_count == 0 || only_energy) {
        return !only_energy;
    }
    for (uint8_t i = 0; i < rules->pair_count; i++) {
        const struct wk_account_pair *pair = &rules->pair[i];
        if (pair->credit == credit && pair->charge == charge) {
            return (now & ~(unsigned)pair->when) == 0;
        }
    }
    return false;
}

static bool collects_now(const struct wk_account *account, uint8_t charge,
                         const struct wk_account_moment *moment)
{
    for
        EACH_CREDIT(account, i)
        {
            if (collects_from(account, i, charge, moment)) {
                return true;
            }
        }
    return false;
}

/* Takes from open credits in their order; what they do not have from the first for tokens. */
static void take(struct wk_account *account, uint8_t charge, int64_t amount_e6,
                 const struct wk_account_moment *moment)
{
    int64_t left_e6 = amount_e6;
    for
        EACH_CREDIT(account, i)
        {
            struct wk_credit *credit = &account->credit[i];
            const bool pays = wk_credit_is_open(credit) &&
                              collects_from(account, i, charge, moment) && left_e6 > 0;
            const int64_t room_e6 = pays ? wk_credit_room_e6(credit) : 0;
            const int64_t part_e6 = room_e6 < left_e6 ? room_e6 : left_e6;
            credit->amount_e6 -= pays ? part_e6 : 0;
            left_e6 -= pays ? part_e6 : 0;
        }
    account->credit[first_for_tokens(account)].amount_e6 -= left_e6;
}

void wk_account_collect(struct wk_account *account, uint8_t charge,
                        const struct wk_account_moment *moment)
{
    struct wk_charge *of = &account->charge[charge];
    const int64_t due_e6 = wk_charge_due_e6(of);
    if (due_e6 == 0 || account->status != WK_ACCOUNT_ACTIVE ||
        !collects_now(account, charge, moment)) {
        return;
    }
    take(account, charge, due_e6, moment);
    of->due.amount_e6 -= due_e6;
    wk_charge_collected(of, due_e6, moment->now);
}

void wk_account_use(struct wk_account *account, uint8_t tariff, int64_t energy_uwh,
                    int32_t price_e6, struct wk_utc at)
{
    if (account->status != WK_ACCOUNT_ACTIVE) {
        return;
    }
    for
        EACH_CHARGE(account, i)
        {
            const unsigned bit = wk_charge_activate(&account->charge[i], at) ? 1U << i : 0U;
            account->begun = (uint8_t)(account->begun | bit);
            wk_charge_use(&account->charge[i], tariff, energy_uwh, price_e6);
        }
}

/* ---- the step ---------------------------------------------------------------------------- */

static uint8_t follow_plan(struct wk_account *account, struct wk_utc now)
{
    const struct wk_account_rules *rules = &account->rules;
    uint8_t found = 0;
    if (rules->activate_s != 0 && now.s >= rules->activate_s &&
        wk_account_activate(account) == WK_OK) {
        found |= WK_ACCOUNT_FOUND_ACTIVE;
    }
    if (rules->close_s != 0 && now.s >= rules->close_s && wk_account_close(account) == WK_OK) {
        found |= WK_ACCOUNT_FOUND_CLOSED;
    }
    return found;
}

/* Whether a time of a credit lies behind `from` and not behind `now`. */
static bool is_due(const struct wk_credit_rules *rules, const struct wk_zone *zone,
                   struct wk_utc from, struct wk_utc now)
{
    uint8_t raw[24];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_axdr_put_array(&out, 1);
    wk_axdr_put_structure(&out, 2);
    wk_axdr_put_octet_string(&out, rules->time, sizeof rules->time);
    wk_axdr_put_octet_string(&out, rules->date, sizeof rules->date);
    return out.fault == WK_OK &&
           wk_schedule_is_due(wk_bytes_in_of(raw, out.size), zone, from, now);
}

static void reset_credits(struct wk_account *account, const struct wk_account_moment *moment)
{
    const struct wk_utc from = {account->reset_s};
    if (from.s == 0 || moment->now.s < from.s - WK_DAY_S) {
        account->reset_s = moment->now.s; /* begins, or the clock was wrong */
        return;
    }
    if (moment->now.s <= from.s) {
        return;
    }
    account->reset_s = moment->now.s;
    for
        EACH_CREDIT(account, i)
        {
            struct wk_credit *credit = &account->credit[i];
            if (credit->rules.type >= WK_CREDIT_TIME_BASED &&
                is_due(&credit->rules, moment->zone, from, moment->now)) {
                account->adjusted_e6 += credit->rules.preset_e6 - credit->amount_e6;
                credit->amount_e6 = credit->rules.preset_e6;
            }
        }
}

static void note_day(struct wk_account *account, const struct wk_account_moment *moment)
{
    struct wk_civil civil;
    if (wk_civil_from_utc(moment->zone, moment->now, &civil) != WK_OK) {
        return;
    }
    const int32_t day = wk_civil_days(civil.year, civil.month, civil.day);
    const int64_t collected_e6 = wk_account_collected_e6(account);
    if (day == account->day) {
        return;
    }
    if (account->day != 0 && day > account->day && account->mean_e6 != WK_ACCOUNT_NO_DAY) {
        const int64_t daily_e6 = (collected_e6 - account->day_paid_e6) / (day - account->day);
        account->mean_e6 += account->mean_e6 == WK_ACCOUNT_NO_MEAN
                                ? daily_e6 - WK_ACCOUNT_NO_MEAN
                                : (daily_e6 - account->mean_e6) / WK_ACCOUNT_MEAN_DAYS;
        account->mean_e6 = account->mean_e6 > 0 ? account->mean_e6 : 0;
    } else if (account->day != 0 && account->mean_e6 == WK_ACCOUNT_NO_DAY) {
        account->mean_e6 = WK_ACCOUNT_NO_MEAN; /* the day that ended was none from its begin */
    }
    account->day = day;
    account->day_paid_e6 = collected_e6;
}

static bool is_prepaid(const struct wk_account *account)
{
    return account->rules.mode == WK_ACCOUNT_PREPAYMENT && account->status == WK_ACCOUNT_ACTIVE;
}

static uint8_t note_warnings(struct wk_account *account)
{
    unsigned found = 0;
    for
        EACH_CREDIT(account, i)
        {
            struct wk_credit *credit = &account->credit[i];
            const bool below =
                wk_credit_is_open(credit) && credit->amount_e6 <= credit->rules.warning_e6;
            found |= below && !credit->warned ? 1U << i : 0U;
            credit->warned = below;
        }
    return (uint8_t)found;
}

/* What stops the supply, and what lets it come back. */
static uint8_t decide(struct wk_account *account, const struct wk_account_moment *moment)
{
    const bool rules = is_prepaid(account);
    const bool out = wk_account_in_use(account) == WK_ACCOUNT_CREDITS;
    const int64_t available_e6 = wk_account_available_e6(account);
    const bool low = rules && available_e6 < account->rules.low_e6;
    const bool was_cut = account->cut;
    uint8_t found = low && !account->low ? WK_ACCOUNT_FOUND_LOW : 0;
    account->low = low;
    if (was_cut) {
        account->cut = rules && (out || available_e6 < account->rules.clearance_e6);
        return account->cut ? found : found | WK_ACCOUNT_FOUND_BACK;
    }
    account->cut = rules && out && !moment->friendly;
    return account->cut ? found | WK_ACCOUNT_FOUND_CUT : found;
}

static uint8_t go_on(struct wk_account *account, const struct wk_account_moment *moment)
{
    const uint8_t found = follow_plan(account, moment->now);
    if (account->status != WK_ACCOUNT_ACTIVE) {
        return found;
    }
    reset_credits(account, moment);
    for
        EACH_CHARGE(account, i)
        {
            wk_charge_elapse(&account->charge[i], moment->zone, moment->now,
                             collects_now(account, i, moment));
        }
    note_day(account, moment);
    return found;
}

struct wk_account_found wk_account_step(struct wk_account *account,
                                        const struct wk_account_moment *moment)
{
    struct wk_account_found found = {0};
    if (!moment->timeless) {
        found.account = go_on(account, moment);
    }
    for
        EACH_CHARGE(account, i)
        {
            wk_account_collect(account, i, moment);
        }
    wk_account_update(account);
    found.warned = is_prepaid(account) ? note_warnings(account) : 0;
    found.account |= decide(account, moment);
    found.begun = account->begun;
    account->begun = 0;
    return found;
}
