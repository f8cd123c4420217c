/* SPDX-License-Identifier: Apache-2.0 */
#include "management/credit.h"

#define PRIORITY_MOST 99

static bool is_amount(int64_t amount_e6)
{
    return amount_e6 >= -WK_CREDIT_MOST_E6 && amount_e6 <= WK_CREDIT_MOST_E6;
}

wk_err wk_credit_check(const struct wk_credit_rules *rules)
{
    const bool good = rules->type < WK_CREDIT_TYPES && rules->priority <= PRIORITY_MOST &&
                      (rules->configuration & ~WK_CREDIT_CONFIGURATION) == 0 &&
                      is_amount(rules->warning_e6) && is_amount(rules->limit_e6) &&
                      is_amount(rules->preset_e6) && rules->preset_e6 >= 0 &&
                      is_amount(rules->available_e6);
    return good ? WK_OK : WK_E_RANGE;
}

static bool waits_for_somebody(const struct wk_credit *credit)
{
    return (credit->rules.configuration & WK_CREDIT_CONFIRM) != 0 && !credit->invoked;
}

bool wk_credit_is_open(const struct wk_credit *credit)
{
    return credit->rules.priority > 0 && !waits_for_somebody(credit);
}

int64_t wk_credit_room_e6(const struct wk_credit *credit)
{
    const int64_t room_e6 = credit->amount_e6 - credit->rules.limit_e6;
    return room_e6 > 0 ? room_e6 : 0;
}

int64_t wk_credit_owed_e6(const struct wk_credit *credit)
{
    const int64_t owed_e6 = credit->granted_e6 - credit->amount_e6;
    return owed_e6 > 0 ? owed_e6 : 0;
}

wk_err wk_credit_invoke(struct wk_credit *credit)
{
    if (credit->status != WK_CREDIT_SELECTABLE) {
        return WK_E_STATE;
    }
    const int64_t most_e6 = WK_CREDIT_MOST_E6 - credit->rules.preset_e6;
    if (credit->amount_e6 > most_e6) {
        return WK_E_STATE;
    }
    credit->amount_e6 += credit->rules.preset_e6;
    credit->granted_e6 += credit->rules.preset_e6;
    credit->invoked = true;
    return WK_OK;
}

void wk_credit_release(struct wk_credit *credit)
{
    credit->amount_e6 -= credit->granted_e6;
    credit->granted_e6 = 0;
    credit->invoked = false;
}

static wk_credit_status open_status(const struct wk_credit *credit, bool in_use)
{
    if (wk_credit_room_e6(credit) == 0) {
        return WK_CREDIT_EXHAUSTED;
    }
    if (!in_use) {
        return WK_CREDIT_IN_USE;
    }
    return credit->invoked ? WK_CREDIT_SELECTED : WK_CREDIT_ENABLED;
}

void wk_credit_update(struct wk_credit *credit, int64_t before_e6, bool in_use)
{
    const struct wk_credit_rules *rules = &credit->rules;
    if (rules->priority == 0) {
        credit->status = WK_CREDIT_ENABLED;
        return;
    }
    if (!waits_for_somebody(credit)) {
        credit->status = (uint8_t)open_status(credit, in_use);
        return;
    }
    const bool gives = rules->preset_e6 > 0 || wk_credit_room_e6(credit) > 0;
    const bool wanted = !in_use || before_e6 < rules->available_e6;
    if (!gives) {
        credit->status = WK_CREDIT_EXHAUSTED;
        return;
    }
    credit->status = wanted ? WK_CREDIT_SELECTABLE : WK_CREDIT_ENABLED;
}
