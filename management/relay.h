/* SPDX-License-Identifier: Apache-2.0
 *
 * management/relay - an auxiliary relay: a daily schedule, an output of the tariff calendar,
 * orders, and reasons to be off.
 *
 * By itself a relay is on while its schedule or the load management output of the calendar that
 * has its number says so.
 * A switch of the schedule takes place up to `offset_most_s` late, by a number drawn for each
 * switch, and so does the return when the last reason to be off has gone: loads of a street do
 * not come at once. Orders and reasons act at once. Minutes are those of the local day. */
#ifndef WK_MANAGEMENT_RELAY_H
#define WK_MANAGEMENT_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "management/setting.h"

#define WK_RELAY_COUNT    2 /* of a meter */
#define WK_RELAY_SWITCHES 8 /* a day */
#define WK_RELAY_NO_SLOT  255

typedef enum wk_relay_order {
    WK_RELAY_AUTO = 0, /* by schedule and calendar */
    WK_RELAY_ON,
    WK_RELAY_OFF,
    WK_RELAY_ORDERS,
} wk_relay_order;

/* Reasons to be off. */
enum { WK_RELAY_LIMITER = 1, WK_RELAY_RESPONSE = 2, WK_RELAY_RESPONSE_LIMITER = 4 };

struct wk_relay_settings {
    uint8_t order;    /* wk_relay_order */
    uint8_t switches; /* of the schedule; 0: off */
    uint8_t on[WK_RELAY_SWITCHES];
    uint16_t minute[WK_RELAY_SWITCHES]; /* rising */
    uint16_t offset_most_s;             /* 0..1799 */
};

extern const struct wk_setting_table wk_relay_table;

struct wk_relay {
    struct wk_relay_settings settings;
    uint8_t slot;     /* switch of the schedule that was last, offset passed or not */
    uint8_t calendar; /* the output that was last, 0 or 1; WK_RELAY_NO_SLOT: not known */
    bool scheduled;   /* what both say, offset passed */
    bool pending;     /* a switch waits for its offset */
    int64_t due_us;   /* when it has passed; metrology's time */
    int64_t back_us;  /* not on before: return after a reason to be off */
    uint8_t off;      /* reasons */
    bool on;
};

/** Off, no schedule, offset up to 1799 s. */
void wk_relay_init(struct wk_relay *relay);

/** WK_E_RANGE: outside of wk_relay_table, or minutes that do not rise; nothing changed. */
WK_MUST_USE wk_err wk_relay_set(struct wk_relay *relay,
                                const struct wk_relay_settings *settings);

struct wk_relay_input {
    int64_t t_us;
    uint16_t minute; /* of the local day, 0..1439 */
    bool calendar;   /* output of the tariff calendar */
    uint8_t off;     /* reasons */
    uint32_t random; /* the owner's, anew in every step */
};

/** True if the relay is to be switched to relay->on. */
bool wk_relay_step(struct wk_relay *relay, const struct wk_relay_input *input);

#endif
