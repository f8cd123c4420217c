/* SPDX-License-Identifier: Apache-2.0
 *
 * management/contact - moves the contactor to where the disconnect control wants it, and
 * watches whether it follows.
 *
 *   invariant 1   it is never told to open while a current above its rated breaking current,
 *                 or one beyond the range of the meter, flows: the fuse must clear that
 *   invariant 2   it is never told to close onto a voltage above `close_most_mv`
 *
 * An order that must wait is held as long as it takes; after WK_CONTACT_HOLD_US it is told. The
 * auxiliary contact must agree WK_CONTACT_FOLLOW_US after an order; the order is given
 * WK_CONTACT_TRIES times, then once every WK_CONTACT_RETRY_US. A contactor without an auxiliary
 * contact is believed. Time is metrology's, in microseconds. */
#ifndef WK_MANAGEMENT_CONTACT_H
#define WK_MANAGEMENT_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "management/latch.h"
#include "management/setting.h"

#define WK_CONTACT_HOLD_US   INT64_C(10000000)
#define WK_CONTACT_FOLLOW_US INT64_C(2000000)
#define WK_CONTACT_RETRY_US  INT64_C(3600000000)
#define WK_CONTACT_LEAK_US                                                                     \
    INT64_C(10000000) /* current through the open contact lasts so long */
#define WK_CONTACT_TRIES 3

typedef enum wk_contact_phase {
    WK_CONTACT_RESTING = 0, /* it is where it should be */
    WK_CONTACT_HELD,        /* the order waits for current or voltage */
    WK_CONTACT_MOVING,      /* told, the auxiliary contact has not agreed yet */
    WK_CONTACT_FAILED,      /* it does not follow */
    WK_CONTACT_PHASES,
} wk_contact_phase;

struct wk_contact_settings {
    int64_t breaking_ua;   /* rated breaking current */
    int64_t leak_ua;       /* more through the open contact is a fault */
    int32_t close_most_mv; /* highest phase voltage onto which it closes */
};

extern const struct wk_setting_table wk_contact_table;

/* What a step found; bits of wk_contact_order.events. */
enum {
    WK_CONTACT_OPENING_HELD = 0x01, /* for longer than WK_CONTACT_HOLD_US */
    WK_CONTACT_CLOSING_HELD = 0x02,
    WK_CONTACT_WELDED = 0x04,      /* told to open, reports closed */
    WK_CONTACT_NOT_CLOSING = 0x08, /* told to close, reports open */
    WK_CONTACT_FOLLOWS = 0x10,     /* after one of the two above */
    WK_CONTACT_LEAK_BEGIN = 0x20,  /* current while open */
    WK_CONTACT_LEAK_END = 0x40,
};

typedef enum wk_contact_action {
    WK_CONTACT_NOTHING = 0,
    WK_CONTACT_OPEN,
    WK_CONTACT_CLOSE,
} wk_contact_action;

struct wk_contact_input {
    int64_t t_us;
    int64_t span_us; /* of the window; 0: the same window again */
    int64_t i_ua;    /* largest phase current */
    int32_t u_mv;    /* largest phase voltage */
    bool beyond;     /* a channel reached the end of its range */
    bool wanted;     /* closed? */
    bool known;      /* there is an auxiliary contact */
    bool reported;   /* closed? */
};

struct wk_contact_order {
    wk_contact_action action; /* for the contactor, now */
    uint8_t events;
};

struct wk_contact {
    struct wk_contact_settings settings;
    wk_contact_phase phase;
    bool wanted;        /* by the last step */
    bool told;          /* closed? by the last order; valid once operations > 0 */
    bool hold_reported; /* of the order that waits */
    bool fault_reported;
    uint8_t tries;
    int64_t since_us; /* the phase began */
    struct wk_latch leak;
    uint32_t operations; /* orders given since the start */
};

/** Settings for a meter of that largest current and nominal phase voltage. */
void wk_contact_init(struct wk_contact *contact, int64_t maximum_ua, int32_t nominal_mv);

/** WK_E_RANGE: see wk_contact_table; nothing changed. */
WK_MUST_USE wk_err wk_contact_set(struct wk_contact *contact,
                                  const struct wk_contact_settings *settings);

/** One window. The caller gives the order to the contactor. */
struct wk_contact_order wk_contact_step(struct wk_contact *contact,
                                        const struct wk_contact_input *input);

#endif
