/* SPDX-License-Identifier: Apache-2.0 */
#include "management/contact.h"

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_contact_settings, field, kind, least, most)
static const struct wk_setting k_settings[] = {
    SETTING(breaking_ua, WK_SETTING_I64, 1000000, INT64_C(10000000000)),
    SETTING(leak_ua, WK_SETTING_I64, 10000, INT64_C(100000000)),
    SETTING(close_most_mv, WK_SETTING_I32, 50000, 1000000),
};
const struct wk_setting_table wk_contact_table = {k_settings,
                                                  sizeof k_settings / sizeof k_settings[0]};

/* What a step sees. */
typedef enum sight {
    AGREES = 0, /* the contact is where it should be */
    FREE,       /* it is not, and may be told */
    BLOCKED,    /* it is not, and must not be told */
    COUNT_OF_SIGHTS,
} sight;

typedef enum timing {
    EARLY = 0, /* the time of the phase has not passed */
    LATE,
    SPENT, /* it has, and there are no tries left */
    COUNT_OF_TIMINGS,
} timing;

enum { STAY = 0, MOVE = 1, HOLD = 2, FAIL = 3, REST = 4 };

static const uint8_t k_moves[WK_CONTACT_PHASES][COUNT_OF_SIGHTS][COUNT_OF_TIMINGS] = {
    [WK_CONTACT_RESTING] = {{REST, REST, REST}, {MOVE, MOVE, MOVE}, {HOLD, HOLD, HOLD}},
    [WK_CONTACT_HELD] = {{REST, REST, REST}, {MOVE, MOVE, MOVE}, {STAY, STAY, STAY}},
    [WK_CONTACT_MOVING] = {{REST, REST, REST}, {STAY, MOVE, FAIL}, {STAY, HOLD, FAIL}},
    [WK_CONTACT_FAILED] = {{REST, REST, REST}, {STAY, MOVE, MOVE}, {STAY, STAY, STAY}},
};

static const int64_t k_limit_us[WK_CONTACT_PHASES] = {
    [WK_CONTACT_HELD] = WK_CONTACT_HOLD_US,
    [WK_CONTACT_MOVING] = WK_CONTACT_FOLLOW_US,
    [WK_CONTACT_FAILED] = WK_CONTACT_RETRY_US,
};

void wk_contact_init(struct wk_contact *contact, int64_t maximum_ua, int32_t nominal_mv)
{
    *contact = (struct wk_contact){
        .settings = {.breaking_ua = maximum_ua + maximum_ua / 4,
                     .leak_ua = 100000,
                     .close_most_mv = nominal_mv / 20 * 23}, /* 1.15 Un */
    };
}

wk_err wk_contact_set(struct wk_contact *contact, const struct wk_contact_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_contact_table, settings));
    contact->settings = *settings;
    return WK_OK;
}

static bool agrees(const struct wk_contact *contact, const struct wk_contact_input *input)
{
    if (input->known) {
        return input->reported == input->wanted;
    }
    return contact->operations > 0 && contact->told == input->wanted;
}

static sight look(const struct wk_contact *contact, const struct wk_contact_input *input)
{
    if (agrees(contact, input)) {
        return AGREES;
    }
    const struct wk_contact_settings *settings = &contact->settings;
    const bool blocked = input->wanted ? input->u_mv > settings->close_most_mv
                                       : input->beyond || input->i_ua > settings->breaking_ua;
    return blocked ? BLOCKED : FREE;
}

static timing time_of(const struct wk_contact *contact, int64_t t_us)
{
    if (t_us - contact->since_us < k_limit_us[contact->phase]) {
        return EARLY;
    }
    return contact->tries < WK_CONTACT_TRIES ? LATE : SPENT;
}

static void enter(struct wk_contact *contact, wk_contact_phase phase, int64_t t_us)
{
    contact->phase = phase;
    contact->since_us = t_us;
}

static void tell(struct wk_contact *contact, const struct wk_contact_input *input,
                 struct wk_contact_order *order)
{
    order->action = input->wanted ? WK_CONTACT_CLOSE : WK_CONTACT_OPEN;
    contact->told = input->wanted;
    contact->operations++;
    contact->tries =
        (uint8_t)(contact->tries < WK_CONTACT_TRIES ? contact->tries + 1 : WK_CONTACT_TRIES);
    enter(contact, WK_CONTACT_MOVING, input->t_us);
}

static void rest(struct wk_contact *contact, struct wk_contact_order *order, int64_t t_us)
{
    order->events |= contact->fault_reported ? WK_CONTACT_FOLLOWS : 0;
    contact->fault_reported = false;
    contact->hold_reported = false;
    contact->tries = 0;
    enter(contact, WK_CONTACT_RESTING, t_us);
}

static void fail(struct wk_contact *contact, const struct wk_contact_input *input,
                 struct wk_contact_order *order)
{
    if (!contact->fault_reported) {
        order->events |= input->wanted ? WK_CONTACT_NOT_CLOSING : WK_CONTACT_WELDED;
    }
    contact->fault_reported = true;
    enter(contact, WK_CONTACT_FAILED, input->t_us);
}

static void report_hold(struct wk_contact *contact, const struct wk_contact_input *input,
                        struct wk_contact_order *order)
{
    if (contact->phase == WK_CONTACT_HELD && !contact->hold_reported &&
        input->t_us - contact->since_us >= WK_CONTACT_HOLD_US) {
        contact->hold_reported = true;
        order->events |= input->wanted ? WK_CONTACT_CLOSING_HELD : WK_CONTACT_OPENING_HELD;
    }
}

static void move(struct wk_contact *contact, const struct wk_contact_input *input,
                 struct wk_contact_order *order)
{
    const sight seen = look(contact, input);
    switch (k_moves[contact->phase][seen][time_of(contact, input->t_us)]) {
    case MOVE:
        tell(contact, input, order);
        break;
    case HOLD:
        enter(contact, WK_CONTACT_HELD, input->t_us);
        break;
    case FAIL:
        fail(contact, input, order);
        break;
    case REST:
        rest(contact, order, input->t_us);
        break;
    case STAY:
    default:
        report_hold(contact, input, order);
        break;
    }
}

static void watch_leak(struct wk_contact *contact, const struct wk_contact_input *input,
                       struct wk_contact_order *order)
{
    static const struct wk_latch_time k_time = {WK_CONTACT_LEAK_US, WK_CONTACT_LEAK_US};
    const bool open = !input->wanted && contact->phase == WK_CONTACT_RESTING;
    const bool flows = input->i_ua > contact->settings.leak_ua;
    const bool gone = !open || input->i_ua <= contact->settings.leak_ua / 2;
    const wk_latch_edge edge =
        wk_latch_step(&contact->leak, open && flows, gone, &k_time, input->span_us);
    order->events |= edge == WK_LATCH_BEGINS ? WK_CONTACT_LEAK_BEGIN : 0;
    order->events |= edge == WK_LATCH_ENDS ? WK_CONTACT_LEAK_END : 0;
}

struct wk_contact_order wk_contact_step(struct wk_contact *contact,
                                        const struct wk_contact_input *input)
{
    struct wk_contact_order order = {WK_CONTACT_NOTHING, 0};
    if (input->wanted !=
        contact->wanted) { /* a new order: its tries and its hold are its own */
        contact->wanted = input->wanted;
        contact->tries = 0;
        contact->hold_reported = false;
        enter(contact, WK_CONTACT_RESTING, input->t_us);
    }
    move(contact, input, &order);
    watch_leak(contact, input, &order);
    return order;
}
