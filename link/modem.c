/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_part.h"

#include <string.h>

#include "link/modem_profile.h"

#define SECOND_US    INT64_C(1000000)
#define MINUTE_US    (60 * SECOND_US)
#define BOOT_US      (15 * SECOND_US)
#define SIM_US       (30 * SECOND_US)
#define REGISTER_US  (180 * SECOND_US) /* NB-IoT looks through bands and coverage classes */
#define ATTACH_US    (90 * SECOND_US)
#define WAKE_US      (10 * SECOND_US)
#define LADDER_US    (60 * SECOND_US)
#define RADIO_OFF_US (2 * SECOND_US)
#define NO_DEADLINE  WK_MODEM_NEVER_US
#define WEAK_DBM     (-110)
#define EDGE_DBM     (-120)
#define POOR_DDB     (-150)
#define WEAK_POINTS  5
#define EDGE_POINTS  10

/* ---- the table --------------------------------------------------------------------------- */

#define STAYS   0xff /* OFF is led to by nothing */
#define S(name) WK_MODEM_##name

static const uint8_t k_next[WK_MODEM_STATES][WK_MODEM_EVENTS] = {
    /* clang-format off */
    /*                     BOOTED  READY           SPREAD        REFUSED     REGISTERED   LOST            CONTEXT    RELEASED     RESTARTED    SLEPT      WOKEN      FAILED         DUE */
    [WK_MODEM_OFF] =         {STAYS,  STAYS,          STAYS,        STAYS,      STAYS,       STAYS,          STAYS,     STAYS,       STAYS,       STAYS,     STAYS,     STAYS,         S(BOOTING)},
    [WK_MODEM_BOOTING] =     {S(SIM), STAYS,          STAYS,        STAYS,      STAYS,       STAYS,          STAYS,     STAYS,       STAYS,       STAYS,     STAYS,     S(RECOVERING), STAYS},
    [WK_MODEM_SIM] =         {STAYS,  S(REGISTERING), S(SPREADING), S(WAITING), STAYS,       STAYS,          STAYS,     STAYS,       S(BOOTING),  STAYS,     STAYS,     S(RECOVERING), STAYS},
    [WK_MODEM_SPREADING] =   {STAYS,  STAYS,          STAYS,        S(WAITING), STAYS,       STAYS,          STAYS,     STAYS,       S(BOOTING),  STAYS,     STAYS,     S(RECOVERING), S(REGISTERING)},
    [WK_MODEM_REGISTERING] = {STAYS,  STAYS,          STAYS,        S(WAITING), S(ATTACHED), STAYS,          STAYS,     STAYS,       S(BOOTING),  STAYS,     STAYS,     S(RECOVERING), STAYS},
    [WK_MODEM_ATTACHED] =    {STAYS,  STAYS,          STAYS,        S(WAITING), STAYS,       S(REGISTERING), S(ACTIVE), STAYS,       S(BOOTING),  STAYS,     STAYS,     S(RECOVERING), STAYS},
    [WK_MODEM_ACTIVE] =      {STAYS,  STAYS,          STAYS,        S(WAITING), STAYS,       S(REGISTERING), STAYS,     S(ATTACHED), S(BOOTING),  S(ASLEEP), STAYS,     S(RECOVERING), STAYS},
    [WK_MODEM_ASLEEP] =      {STAYS,  STAYS,          STAYS,        STAYS,      STAYS,       STAYS,          STAYS,     STAYS,       S(WAKING),   STAYS,     S(WAKING), STAYS,         S(WAKING)},
    [WK_MODEM_WAKING] =      {STAYS,  STAYS,          STAYS,        S(WAITING), STAYS,       S(REGISTERING), S(ACTIVE), S(ATTACHED), STAYS,       STAYS,     STAYS,     S(RECOVERING), STAYS},
    [WK_MODEM_RECOVERING] =  {STAYS,  STAYS,          STAYS,        S(WAITING), STAYS,       S(REGISTERING), STAYS,     STAYS,       S(BOOTING),  STAYS,     STAYS,     STAYS,         STAYS},
    [WK_MODEM_WAITING] =     {STAYS,  STAYS,          STAYS,        STAYS,      S(ATTACHED), STAYS,          STAYS,     STAYS,       STAYS,       STAYS,     STAYS,     STAYS,         S(BOOTING)},
    /* clang-format on */
};

/* How long a state may last before it counts as failed; WAITING, SPREADING and ASLEEP end by it. */
static const int64_t k_patience_us[WK_MODEM_STATES] = {
    [WK_MODEM_OFF] = 0,
    [WK_MODEM_BOOTING] = BOOT_US,
    [WK_MODEM_SIM] = SIM_US,
    [WK_MODEM_SPREADING] = 0,
    [WK_MODEM_REGISTERING] = REGISTER_US,
    [WK_MODEM_ATTACHED] = ATTACH_US,
    [WK_MODEM_ACTIVE] = NO_DEADLINE,
    [WK_MODEM_ASLEEP] = 0,
    [WK_MODEM_WAKING] = WAKE_US,
    [WK_MODEM_RECOVERING] = LADDER_US,
    [WK_MODEM_WAITING] = 0,
};

wk_modem_state wk_modem_next(wk_modem_state state, wk_modem_event event)
{
    if (state >= WK_MODEM_STATES || event >= WK_MODEM_EVENTS) {
        return state; /* there is none such */
    }
    const uint8_t next = k_next[state][event];
    return next == STAYS ? state : (wk_modem_state)next;
}

void wk_modem_note(const struct wk_modem *modem, const char *text)
{
    if (modem->port.note != NULL) {
        modem->port.note(modem->port.self, text);
    }
}

/* ---- entering ---------------------------------------------------------------------------- */

/* The same meter draws another wait each time, and no two meters the same ones. */
static int64_t spread_us(const struct wk_modem *modem)
{
    uint64_t z = ((uint64_t)modem->rules.seed << 32 | modem->counts.contexts) +
                 UINT64_C(0x9e3779b97f4a7c15) * (modem->counts.refusals + 1);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    const uint64_t share = (z ^ (z >> 31)) >> 32;
    return RADIO_OFF_US + (int64_t)(share * modem->rules.spread_s * SECOND_US >> 32);
}

static int64_t doubled(int64_t wait_us, int64_t most_us)
{
    return 2 * wait_us < most_us ? 2 * wait_us : most_us;
}

/* After a refusal it waits for the network, after the ladder for the modem. */
static int64_t waiting_us(struct wk_modem *modem)
{
    const bool is_end = modem->rung == WK_MODEM_RUNG_REST;
    int64_t *wait_us = is_end ? &modem->rest_us : &modem->refused_us;
    const int64_t now_us = *wait_us;
    *wait_us = doubled(now_us, is_end ? WK_MODEM_REST_MOST_US : WK_MODEM_REFUSED_MOST_US);
    if (is_end) {
        modem->rung = WK_MODEM_RUNG_ATTACH;
    }
    return now_us;
}

static int64_t patience_us(struct wk_modem *modem)
{
    if (modem->state == WK_MODEM_WAITING) {
        return waiting_us(modem);
    }
    if (modem->state == WK_MODEM_SPREADING) {
        return spread_us(modem);
    }
    if (modem->state == WK_MODEM_ASLEEP) {
        return modem->granted_tau_s * SECOND_US;
    }
    return k_patience_us[modem->state];
}

static void enter(struct wk_modem *modem, wk_modem_state state, int64_t now_us)
{
    modem->state = state;
    modem->tries = 0;
    modem->entered_us = now_us;
    const int64_t wait_us = patience_us(modem);
    modem->deadline_us = wait_us == NO_DEADLINE ? NO_DEADLINE : now_us + wait_us;
    if (state == WK_MODEM_BOOTING || state == WK_MODEM_WAKING) {
        wk_at_forget(&modem->at);
        modem->asked = false;
        modem->pin_given = false;
    }
    if (state != WK_MODEM_ACTIVE && state != WK_MODEM_ASLEEP && state != WK_MODEM_WAKING) {
        modem->granted_active_s = 0;
        modem->context = false;
        wk_modem_line_forget(modem);
    }
    if (state == WK_MODEM_ACTIVE) {
        modem->proven = false;
        modem->counts.contexts++;
        modem->traffic_us = now_us;
        modem->trouble = WK_MODEM_NO_TROUBLE;
    }
    if (state == WK_MODEM_SPREADING) {
        modem->spread = false;
    }
    if (state == WK_MODEM_RECOVERING) {
        wk_modem_ladder_climb(modem, now_us);
    }
    wk_modem_script_begin(modem, now_us);
}

static void leave(struct wk_modem *modem, wk_modem_event event, int64_t now_us)
{
    const bool was_active = modem->state == WK_MODEM_ACTIVE;
    if (was_active && modem->proven && now_us - modem->entered_us >= WK_MODEM_STABLE_US) {
        modem->rung = WK_MODEM_RUNG_ATTACH;
        modem->rest_us = WK_MODEM_REST_US;
        modem->refused_us = WK_MODEM_REST_US;
    }
    if (modem->state == WK_MODEM_RECOVERING && event != WK_MODEM_REFUSED) {
        modem->rung++; /* if it fails again, the next one */
    }
}

void wk_modem_happen(struct wk_modem *modem, wk_modem_event event, int64_t now_us)
{
    const wk_modem_state next = wk_modem_next(modem->state, event);
    if (next == modem->state) {
        return;
    }
    leave(modem, event, now_us);
    if (event == WK_MODEM_WOKEN || (event == WK_MODEM_DUE && modem->state == WK_MODEM_ASLEEP)) {
        modem->counts.wakes++;
        (void)!modem->port.pulse(modem->port.self,
                                 WK_MODEM_LINE_WAKE); /* else it fails to answer */
    }
    enter(modem, next, now_us);
}

void wk_modem_fail(struct wk_modem *modem, wk_modem_trouble trouble, int64_t now_us)
{
    modem->trouble = trouble;
    if (modem->state == WK_MODEM_REGISTERING) {
        wk_modem_trial_lost(modem, now_us);
    }
    if (++modem->tries < WK_MODEM_TRIES && now_us < modem->deadline_us) {
        wk_modem_script_begin(modem, now_us);
        return;
    }
    wk_modem_happen(modem, WK_MODEM_FAILED, now_us);
}

void wk_modem_refuse(struct wk_modem *modem, wk_modem_trouble trouble, int64_t now_us)
{
    modem->trouble = trouble;
    modem->counts.refusals++;
    modem->spread = true; /* the radio is switched off once: some ask no more after a refusal */
    wk_modem_happen(modem, WK_MODEM_REFUSED, now_us);
}

/* ---- the owner --------------------------------------------------------------------------- */

static void on_line(void *self, const char *line, size_t size, int64_t now_us)
{
    wk_modem_line_take(self, line, size, now_us);
}

static void on_done(void *self, wk_at_result result, int32_t code, int64_t now_us)
{
    wk_modem_script_done(self, result, code, now_us);
}

static void on_send(void *self, const char *octets, size_t size)
{
    const struct wk_modem *modem = self;
    modem->port.send(modem->port.self, octets, size);
}

void wk_modem_init(struct wk_modem *modem, const struct wk_modem_rules *rules,
                   const struct wk_modem_port *port, int64_t now_us)
{
    *modem = (struct wk_modem){.rules = *rules,
                               .port = *port,
                               .error = -1,
                               .rest_us = WK_MODEM_REST_US,
                               .refused_us = WK_MODEM_REST_US,
                               .deadline_us = now_us,
                               .step_us = now_us,
                               .changes_us = now_us,
                               .spread = rules->after_outage && rules->spread_s > 0};
    const struct wk_at_config at = {
        .self = modem, .send = on_send, .line = on_line, .done = on_done};
    wk_at_init(&modem->at, &at);
    wk_modem_line_forget(modem);
    modem->cell.status = -1;
}

void wk_modem_take(struct wk_modem *modem, const uint8_t *octets, size_t size, int64_t now_us)
{
    wk_at_take(&modem->at, octets, size, now_us);
}

/* Idle for the agreed time: from now on it may not hear. */
static bool is_drowsy(const struct wk_modem *modem, int64_t now_us)
{
    return modem->state == WK_MODEM_ACTIVE && modem->granted_active_s > 0 && !modem->asked &&
           now_us - modem->traffic_us >= modem->granted_active_s * SECOND_US;
}

static wk_modem_trouble late_trouble(const struct wk_modem *modem)
{
    switch (modem->state) {
    case WK_MODEM_REGISTERING:
        return WK_MODEM_NO_NETWORK;
    case WK_MODEM_ATTACHED:
        return WK_MODEM_NO_CONTEXT;
    case WK_MODEM_SIM:
        return WK_MODEM_SIM_FAILED;
    case WK_MODEM_OFF:
    case WK_MODEM_BOOTING:
    case WK_MODEM_SPREADING:
    case WK_MODEM_ACTIVE:
    case WK_MODEM_ASLEEP:
    case WK_MODEM_WAKING:
    case WK_MODEM_RECOVERING:
    case WK_MODEM_WAITING:
    case WK_MODEM_STATES:
        break;
    }
    return WK_MODEM_SILENT;
}

static void look_at_deadline(struct wk_modem *modem, int64_t now_us)
{
    if (now_us < modem->deadline_us) {
        return;
    }
    if (k_patience_us[modem->state] == 0) {
        wk_modem_happen(modem, WK_MODEM_DUE, now_us);
    } else if (modem->state == WK_MODEM_RECOVERING) {
        modem->rung++; /* this one did not even end */
        wk_modem_ladder_climb(modem, now_us);
        wk_modem_script_begin(modem, now_us);
    } else {
        wk_modem_fail(modem, late_trouble(modem), now_us);
    }
}

void wk_modem_step(struct wk_modem *modem, int64_t now_us)
{
    wk_at_tick(&modem->at, now_us);
    look_at_deadline(modem, now_us);
    if (is_drowsy(modem, now_us)) {
        wk_modem_happen(modem, WK_MODEM_SLEPT, now_us);
    }
    if (modem->state == WK_MODEM_ACTIVE) {
        wk_modem_trial_look(modem, now_us);
    }
    if (modem->state == WK_MODEM_RECOVERING) {
        wk_modem_ladder_act(modem, now_us);
    }
    wk_modem_script_step(modem, now_us);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t wk_modem_due_us(const struct wk_modem *modem)
{
    int64_t due =
        sooner(modem->at.busy ? modem->at.deadline_us : WK_MODEM_NEVER_US, modem->deadline_us);
    if (!modem->asked && !modem->at.busy) {
        const int64_t quiet_us = modem->at.settle ? modem->at.quiet_us : modem->step_us;
        due = sooner(due, modem->step_us > quiet_us ? modem->step_us : quiet_us);
    }
    if (modem->state == WK_MODEM_ACTIVE && modem->granted_active_s > 0) {
        due = sooner(due, modem->traffic_us + modem->granted_active_s * SECOND_US);
    }
    return due;
}

wk_modem_carriage wk_modem_carries(const struct wk_modem *modem)
{
    return modem->state == WK_MODEM_ACTIVE ? WK_MODEM_CARRIES
           : modem->state == WK_MODEM_ASLEEP || modem->state == WK_MODEM_WAKING
               ? WK_MODEM_RESTS
               : WK_MODEM_CARRIES_NOT;
}

void wk_modem_traffic(struct wk_modem *modem, bool came, int64_t now_us)
{
    modem->traffic_us = now_us;
    modem->proven = modem->proven || came;
}

void wk_modem_wake(struct wk_modem *modem, int64_t now_us)
{
    wk_modem_happen(modem, WK_MODEM_WOKEN, now_us);
}

void wk_modem_doubt(struct wk_modem *modem, int64_t now_us)
{
    if (modem->state == WK_MODEM_ACTIVE && !modem->asked) {
        wk_modem_script_begin(modem, now_us);
    }
}

void wk_modem_useless(struct wk_modem *modem, int64_t now_us)
{
    if (modem->state == WK_MODEM_ACTIVE) {
        modem->trouble = WK_MODEM_NO_DATA;
        wk_modem_happen(modem, WK_MODEM_FAILED, now_us);
    }
}

uint8_t wk_modem_malus(const struct wk_modem *modem)
{
    const struct wk_modem_signal *signal = &modem->signal;
    const bool known = signal->rsrp_dbm != WK_MODEM_UNKNOWN;
    if (known && signal->rsrp_dbm < EDGE_DBM) {
        return EDGE_POINTS;
    }
    const bool noisy = signal->rsrq_ddb != WK_MODEM_UNKNOWN && signal->rsrq_ddb < POOR_DDB;
    return noisy || (known && signal->rsrp_dbm < WEAK_DBM) ? WEAK_POINTS : 0;
}
