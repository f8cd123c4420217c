/* SPDX-License-Identifier: Apache-2.0 */
#include "management/payment.h"

#include "base/wide.h"
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"

#define CENT_E6         10000
#define CLASS_DATA      1
#define VALUE           2
#define MOST_CREDIT     1 /* value group E of the limits */
#define MOST_OF_A_TOKEN 2
#define CLASS_CHARGE    113
#define CLASS_TOKEN     115

/* ---- classes --------------------------------------------------------------------------------- */

static const struct wk_object_class *class_of(const struct wk_object_call *call)
{
    switch (call->object->class_id) {
    case CLASS_CHARGE:
        return &wk_objects_charge;
    case CLASS_TOKEN:
        return &wk_objects_token;
    default:
        return &wk_objects_account;
    }
}

static wk_err payment_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    return class_of(call)->get(call, attribute, selection, cursor, out);
}

static wk_err payment_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    return class_of(call)->set(call, attribute, value);
}

static wk_err payment_action(const struct wk_object_call *call, uint8_t method,
                             struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    const wk_err err = class_of(call)->action(call, method, parameter, reply);
    wk_account_update(&rooms->payment->account);
    return err;
}

/* ---- what the module asks ---------------------------------------------------------------------- */

static int32_t cents(int64_t amount_e6)
{
    const int64_t whole = amount_e6 / CENT_E6;
    return (int32_t)(whole > INT32_MAX ? INT32_MAX : whole < INT32_MIN ? INT32_MIN : whole);
}

void wk_payment_tell(struct wk_payment *payment, int64_t now_us, uint16_t code, uint8_t detail,
                     int64_t value)
{
    (void)wk_notice_drop(&payment->notices, (struct wk_notice){.t_us = now_us,
                                                               .code = code,
                                                               .detail = detail,
                                                               .value = cents(value)});
}

struct wk_account_moment wk_payment_moment(const struct wk_rooms *rooms, int64_t now_us)
{
    const struct wk_rooms_control *control = &rooms->control;
    const uint8_t friendly = rooms->payment->account.rules.friendly;
    return (struct wk_account_moment){
        .now = wk_clock_utc(now_us),
        .zone = &rooms->clock.zone,
        .timeless = (wk_clock_status(&rooms->clock, rooms->t_us) & WK_CLOCK_INVALID) != 0,
        .disconnected = rooms->supply.state != WK_SUPPLY_CONNECTED,
        .limited = control->limiter[WK_ROOMS_LIMITER].latch.on ||
                   control->limiter[WK_ROOMS_LIMITER_RESPONSE].latch.on,
        .friendly = friendly > 0 && ((unsigned)rooms->tariff.load >> (friendly - 1) & 1U) != 0,
    };
}

static void use(struct wk_rooms *rooms, int64_t energy_uwh, int32_t price_e6, struct wk_utc at)
{
    wk_account_use(&rooms->payment->account, rooms->tariff.current, energy_uwh, price_e6, at);
}

static void tell_account(struct wk_payment *payment, int64_t now_us, uint8_t found)
{
    static const struct {
        uint8_t found;
        uint16_t code;
    } k_codes[] = {
        {WK_ACCOUNT_FOUND_ACTIVE, WK_EVENT_ACCOUNT_ACTIVATED},
        {WK_ACCOUNT_FOUND_CLOSED, WK_EVENT_ACCOUNT_CLOSED},
        {WK_ACCOUNT_FOUND_LOW, WK_EVENT_CREDIT_LOW},
        {WK_ACCOUNT_FOUND_CUT, WK_EVENT_CREDIT_USED_UP},
        {WK_ACCOUNT_FOUND_BACK, WK_EVENT_CREDIT_RESTORED},
    };
    const int64_t available_e6 = wk_account_available_e6(&payment->account);
    for (size_t i = 0; i < sizeof k_codes / sizeof k_codes[0]; i++) {
        if ((found & k_codes[i].found) != 0) {
            wk_payment_tell(payment, now_us, k_codes[i].code, 0, available_e6);
        }
    }
}

static void step(struct wk_rooms *rooms, int64_t now_us)
{
    struct wk_payment *payment = rooms->payment;
    const struct wk_account_moment moment = wk_payment_moment(rooms, now_us);
    const struct wk_account_found found = wk_account_step(&payment->account, &moment);
    tell_account(payment, now_us, found.account);
    for (uint8_t i = 0; i < WK_ACCOUNT_CREDITS; i++) {
        if (((unsigned)found.warned >> i & 1U) != 0) {
            wk_payment_tell(payment, now_us, WK_EVENT_CREDIT_WARNING, i,
                            payment->account.credit[i].amount_e6);
        }
    }
    for (uint8_t i = 0; i < WK_ACCOUNT_CHARGES; i++) {
        if (((unsigned)found.begun >> i & 1U) != 0) {
            wk_payment_tell(payment, now_us, WK_EVENT_CHARGE_ACTIVATED, i, 0);
        }
    }
}

static bool press(struct wk_rooms *rooms, int64_t now_us)
{
    struct wk_payment *payment = rooms->payment;
    uint8_t credit;
    if (!payment->account.cut || wk_account_invoke_next(&payment->account, &credit) != WK_OK) {
        return false;
    }
    wk_payment_tell(payment, now_us, WK_EVENT_CREDIT_SELECTED, credit,
                    payment->account.credit[credit].amount_e6);
    step(rooms, now_us);
    return !payment->account.cut;
}

static void pack(const struct wk_payment *payment, wk_payment_part part,
                 struct wk_bytes_out *out)
{
    switch (part) {
    case WK_PAYMENT_RULES:
        wk_account_rules_pack(&payment->account, out);
        break;
    case WK_PAYMENT_STATE:
        wk_account_state_pack(&payment->account, out);
        break;
    case WK_PAYMENT_GATEWAY:
    case WK_PAYMENT_PARTS:
    default:
        wk_token_pack(&payment->gateway, out);
        break;
    }
}

static wk_err unpack(struct wk_payment *payment, wk_payment_part part, struct wk_bytes_in *in)
{
    switch (part) {
    case WK_PAYMENT_RULES:
        return wk_account_rules_unpack(&payment->account, in);
    case WK_PAYMENT_STATE:
        return wk_account_state_unpack(&payment->account, in);
    case WK_PAYMENT_GATEWAY:
    case WK_PAYMENT_PARTS:
    default:
        return wk_token_unpack(&payment->gateway, in);
    }
}

static wk_err figure(const struct wk_rooms *rooms, uint32_t which, int64_t *value)
{
    const struct wk_account *account = &rooms->payment->account;
    switch (which) {
    case WK_PAYMENT_BALANCE:
        *value = wk_account_balance_e6(account);
        return WK_OK;
    case WK_PAYMENT_AVAILABLE:
        *value = wk_account_available_e6(account);
        return WK_OK;
    default:
        *value = wk_account_days_left(account);
        return *value >= 0 ? WK_OK : WK_E_BUSY;
    }
}

static const struct wk_payment_functions k_functions = {
    .use = use,
    .step = step,
    .press = press,
    .pack = pack,
    .unpack = unpack,
    .figure = figure,
    .objects = {.get = payment_get, .set = payment_set, .action = payment_action},
};

wk_err wk_payment_init(struct wk_payment *payment)
{
    WK_TRY(wk_account_check(&payment->account));
    payment->functions = &k_functions;
    wk_account_init(&payment->account);
    return WK_OK;
}

/* ---- tokens ---------------------------------------------------------------------------------------- */

static int64_t unit_of(const struct wk_account *account)
{
    int64_t unit_e6 = 1;
    for (int8_t scale = WK_ACCOUNT_SCALE; scale < account->rules.scale; scale++) {
        unit_e6 *= 10;
    }
    return unit_e6;
}

/* What clients limit, 0.0.19.50.e.255: 0, and what none has set, is no limit. */
static int64_t limit_e6(const struct wk_rooms *rooms, uint8_t e)
{
    const uint8_t obis[6] = {0, 0, 19, 50, e, 255};
    int64_t units = 0;
    const bool set = wk_objects_setup_number(rooms, CLASS_DATA, obis, VALUE, &units);
    return set && units > 0 ? units * unit_of(&rooms->payment->account) : INT64_MAX;
}

static uint8_t execute(struct wk_rooms *rooms, int64_t now_us)
{
    struct wk_payment *payment = rooms->payment;
    const struct wk_account_moment moment = wk_payment_moment(rooms, now_us);
    const int64_t amount_e6 = payment->gateway.token.amount_e6;
    const int64_t before_e6 = wk_account_available_e6(&payment->account);
    if (amount_e6 > limit_e6(rooms, MOST_OF_A_TOKEN) ||
        before_e6 > limit_e6(rooms, MOST_CREDIT) - amount_e6) {
        return WK_TOKEN_TOO_MUCH;
    }
    const wk_err err = wk_account_top_up(&payment->account, amount_e6, &moment);
    if (err == WK_OK) {
        return 0;
    }
    return err == WK_E_STATE ? WK_TOKEN_CLOSED : WK_TOKEN_TOO_MUCH;
}

void wk_payment_enter(struct wk_rooms *rooms, int64_t now_us, wk_token_delivery delivery,
                      const uint8_t *octets, size_t size)
{
    struct wk_payment *payment = rooms->payment;
    struct wk_token_gateway *gateway = &payment->gateway;
    const bool was_locked = wk_token_is_locked(gateway, rooms->t_us);
    if (wk_token_enter(gateway, &payment->tokens, octets, size, delivery, rooms->t_us)) {
        wk_token_done(gateway, execute(rooms, now_us));
    }
    gateway->time_s = wk_clock_utc(now_us).s;
    const bool good = gateway->status == WK_TOKEN_EXECUTION_OK;
    wk_payment_tell(payment, now_us, good ? WK_EVENT_CREDIT_ADDED : WK_EVENT_TOKEN_REFUSED,
                    good ? (uint8_t)delivery : gateway->why, gateway->token.amount_e6);
    if (!was_locked && wk_token_is_locked(gateway, rooms->t_us)) {
        wk_payment_tell(payment, now_us, WK_EVENT_TOKENS_LOCKED_OUT, gateway->failures, 0);
    }
}

/* ---- a usual account --------------------------------------------------------------------------- */

static struct wk_credit_rules credit_of(uint8_t type, uint8_t priority, uint8_t configuration)
{
    return (struct wk_credit_rules){
        .type = type,
        .priority = priority,
        .configuration = configuration,
        .date = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
        .time = {0xFF, 0xFF, 0xFF, 0xFF},
    };
}

static struct wk_charge_rules charge_of(uint8_t type, uint8_t priority, uint8_t configuration,
                                        uint32_t period_s)
{
    const bool energy = type == WK_CHARGE_CONSUMPTION;
    const struct wk_charge_table table = {.commodity_scale = energy ? 3 : 0,
                                          .price_scale = energy ? -4 : -2};
    return (struct wk_charge_rules){
        .type = type,
        .priority = priority,
        .configuration = configuration,
        .period_s = period_s,
        .active = table,
        .passive = table,
    };
}

void wk_payment_usual(struct wk_payment *payment)
{
    const uint8_t helps = WK_CREDIT_CONFIRM | WK_CREDIT_PAY_BACK | WK_CREDIT_VISUAL;
    struct wk_account *account = &payment->account;
    *payment = (struct wk_payment){0};
    account->rules =
        (struct wk_account_rules){.mode = WK_ACCOUNT_CREDIT_MODE, .name = "EUR", .scale = -2};
    account->credit[0].rules =
        credit_of(WK_CREDIT_TOKEN, 1, WK_CREDIT_TOKENS | WK_CREDIT_RESETTABLE);
    account->credit[1].rules =
        credit_of(WK_CREDIT_RESERVED, 2, WK_CREDIT_CONFIRM | WK_CREDIT_TOKENS);
    account->credit[2].rules = credit_of(WK_CREDIT_EMERGENCY, 3, helps);
    account->credit[3].rules = credit_of(WK_CREDIT_TIME_BASED, 0, WK_CREDIT_RESETTABLE);
    account->credit[4].rules = credit_of(WK_CREDIT_CONSUMPTION_BASED, 0, WK_CREDIT_RESETTABLE);
    account->charge[0].rules = charge_of(WK_CHARGE_CONSUMPTION, 1, WK_CHARGE_CONTINUOUS, 0);
    account->charge[1].rules = charge_of(WK_CHARGE_TIME, 2, WK_CHARGE_CONTINUOUS, WK_DAY_S);
    account->charge[2].rules = charge_of(WK_CHARGE_PAYMENT, 3, WK_CHARGE_PERCENTAGE, 0);
    account->charge[3].rules = charge_of(WK_CHARGE_TIME, 4, 0, WK_DAY_S);
    account->charge[4].rules = charge_of(WK_CHARGE_TIME, 5, 0, 7 * WK_DAY_S);
}

/* ---- amounts and times of the classes ------------------------------------------------------ */

void wk_payment_put_amount(const struct wk_account *account, struct wk_bytes_out *out,
                           int64_t amount_e6)
{
    const int64_t units = wk_i128_ratio(amount_e6, 1, 0, unit_of(account));
    wk_axdr_put_double_long(out, (int32_t)(units > INT32_MAX   ? INT32_MAX
                                           : units < INT32_MIN ? INT32_MIN
                                                               : units));
}

int64_t wk_payment_read_amount(const struct wk_account *account, struct wk_bytes_in *in)
{
    return wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG) * unit_of(account);
}

void wk_payment_put_time(const struct wk_rooms *rooms, struct wk_bytes_out *out, int64_t s)
{
    static const uint8_t k_nothing[WK_DATETIME_SIZE] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                        0xFF, 0xFF, 0xFF, 0x80, 0x00, 0xFF};
    const struct wk_utc utc = {s};
    struct wk_datetime at;
    if (s == 0 || wk_datetime_of_utc(&rooms->clock.zone, utc, 0, &at) != WK_OK) {
        wk_axdr_put_octet_string(out, k_nothing, sizeof k_nothing);
        return;
    }
    wk_datetime_put_axdr(out, &at);
}

wk_err wk_payment_read_time(const struct wk_rooms *rooms, struct wk_bytes_in *in, int64_t *s)
{
    struct wk_datetime at;
    struct wk_utc utc;
    wk_datetime_read_axdr(in, &at);
    WK_TRY(in->fault);
    if (at.year == WK_DATETIME_ANY_YEAR && at.month == WK_DATETIME_ANY &&
        at.day == WK_DATETIME_ANY) {
        *s = 0;
        return WK_OK;
    }
    WK_TRY(wk_datetime_to_utc(&at, &rooms->clock.zone, &utc));
    *s = utc.s;
    return WK_OK;
}

static uint8_t turned(uint8_t bits)
{
    unsigned other = 0;
    for (int i = 0; i < 8; i++) {
        other |= ((unsigned)bits >> i & 1U) != 0 ? 0x80U >> i : 0U;
    }
    return (uint8_t)other;
}

void wk_payment_put_bits(struct wk_bytes_out *out, uint8_t bits, uint8_t count)
{
    const uint8_t octet = turned(bits);
    wk_axdr_put_bit_string(out, &octet, count);
}

uint8_t wk_payment_read_bits(struct wk_bytes_in *in, uint8_t count)
{
    struct wk_axdr_value value;
    wk_axdr_read(in, &value);
    if (value.tag != WK_AXDR_BIT_STRING || value.count != count || value.size < 1) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return 0;
    }
    return turned(value.octets[0]);
}

wk_err wk_payment_take(const struct wk_object_call *call, const struct wk_account *wanted)
{
    const struct wk_rooms *rooms = call->meter;
    WK_TRY(wk_account_check(wanted));
    rooms->payment->account = *wanted;
    wk_account_update(&rooms->payment->account);
    wk_objects_tell(call, WK_ROOMS_PAYMENT_SET, call->object->class_id);
    return WK_OK;
}
