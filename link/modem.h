/* SPDX-License-Identifier: Apache-2.0
 *
 * link/modem - a cellular modem from power-on to an active PDP context, and back there whatever
 * happens (3GPP TS 27.007; what only one maker has lies in link/modem_profile).
 *
 *   OFF → BOOTING → SIM → (SPREADING →) REGISTERING → ATTACHED → ACTIVE ⇄ ASLEEP (PSM, by WAKING)
 *             ↑                                                    |
 *             RECOVERING ← a command or a deadline failed ←--------+      WAITING ← refused
 *
 * wk_modem_next is the whole table. In each state a script of commands runs; in REGISTERING and
 * ACTIVE it is repeated. What fails is tried WK_MODEM_TRIES times; then the ladder is climbed, a rung
 * each time it fails again before the context was up for WK_MODEM_STABLE_US:
 *
 *   rung   | what is done                    | before it waits
 *   ATTACH | +CGATT=0, +CGATT=1              |  2 s    these two not if the modem says nothing
 *   RADIO  | +CFUN=0, +CFUN=1                |  5 s
 *   RESET  | +CFUN=1,1                       |  3 s
 *   HARD   | the reset line                  |  5 s    these two not if there is no such line
 *   POWER  | supply off and on               | 10 s
 *   REST   | WAITING: 1 min, doubling, up to an hour; then all of it anew
 *
 * A refusal (denied, no SIM, wrong PIN) is no fault of the modem: it waits 1 min, doubling up to 4 h. A
 * PIN is given once; after a wrong one never again, for the third locks the card.
 *
 * The owner gives time and octets, and does what the port is asked for. Signal, cell and what is
 * wrong can be read at any time; link/modem_advice has words for them.
 *
 * Memory: 1.6 kB. Context: one thread; `now_us` never falls. */
#ifndef WK_LINK_MODEM_H
#define WK_LINK_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "link/at.h"

#define WK_MODEM_TRIES           2
#define WK_MODEM_RUNGS           6
#define WK_MODEM_BANDS           4
#define WK_MODEM_NAME            32 /* octets of a name, with its end */
#define WK_MODEM_APN             64
#define WK_MODEM_PIN             9
#define WK_MODEM_UNKNOWN         INT16_MIN /* of a measured value */
#define WK_MODEM_STABLE_US       INT64_C(300000000)
#define WK_MODEM_POLL_US         INT64_C(20000000) /* signal and state are asked this often */
#define WK_MODEM_REST_US         INT64_C(60000000) /* the first; doubles */
#define WK_MODEM_REST_MOST_US    INT64_C(3600000000)
#define WK_MODEM_REFUSED_MOST_US INT64_C(14400000000)
#define WK_MODEM_TRIAL_US        INT64_C(3600000000)  /* another band is tried for so long */
#define WK_MODEM_TRIAL_NEXT_US   INT64_C(86400000000) /* ... and not again before this */
#define WK_MODEM_NEVER_US        INT64_MAX

typedef enum wk_modem_state {
    WK_MODEM_OFF = 0,
    WK_MODEM_BOOTING,     /* it is to answer AT */
    WK_MODEM_SIM,         /* the card is to be ready */
    WK_MODEM_SPREADING,   /* radio off: after an outage not all meters register at once */
    WK_MODEM_REGISTERING, /* looks for a network */
    WK_MODEM_ATTACHED,    /* the context is to be activated */
    WK_MODEM_ACTIVE,      /* carries */
    WK_MODEM_ASLEEP,      /* in PSM, as agreed: registered, and deaf */
    WK_MODEM_WAKING,
    WK_MODEM_RECOVERING, /* a rung of the ladder */
    WK_MODEM_WAITING,    /* refused, or at the end of the ladder */
    WK_MODEM_STATES
} wk_modem_state;

typedef enum wk_modem_event {
    WK_MODEM_BOOTED = 0, /* it answers, and is set up */
    WK_MODEM_READY,      /* the card is */
    WK_MODEM_SPREAD,     /* ... and registration is to be spread */
    WK_MODEM_REFUSED,    /* by card or network; or the ladder has ended */
    WK_MODEM_REGISTERED,
    WK_MODEM_LOST, /* not registered any more; or the radio was switched off and on */
    WK_MODEM_CONTEXT,
    WK_MODEM_RELEASED,  /* the context is no longer active */
    WK_MODEM_RESTARTED, /* it began anew by itself or by a rung */
    WK_MODEM_SLEPT,
    WK_MODEM_WOKEN, /* the owner, or the agreed time, wants it awake */
    WK_MODEM_FAILED,
    WK_MODEM_DUE, /* a wait is over */
    WK_MODEM_EVENTS
} wk_modem_event;

typedef enum wk_modem_rung {
    WK_MODEM_RUNG_ATTACH = 0,
    WK_MODEM_RUNG_RADIO,
    WK_MODEM_RUNG_RESET,
    WK_MODEM_RUNG_HARD,
    WK_MODEM_RUNG_POWER,
    WK_MODEM_RUNG_REST,
} wk_modem_rung;

/* What went wrong last. */
typedef enum wk_modem_trouble {
    WK_MODEM_NO_TROUBLE = 0,
    WK_MODEM_SILENT,  /* no answer to a command */
    WK_MODEM_REFUSES, /* a command that must work does not */
    WK_MODEM_NO_SIM,
    WK_MODEM_SIM_FAILED,
    WK_MODEM_PIN_WANTED, /* and none is configured */
    WK_MODEM_PIN_WRONG,
    WK_MODEM_PUK_WANTED,
    WK_MODEM_DENIED, /* by the network; `reject` has its cause */
    WK_MODEM_NO_NETWORK,
    WK_MODEM_NO_CONTEXT,
    WK_MODEM_NO_DATA, /* it says that all is well, and no packet comes */
    WK_MODEM_TROUBLES
} wk_modem_trouble;

typedef enum wk_modem_carriage {
    WK_MODEM_CARRIES_NOT = 0,
    WK_MODEM_CARRIES,
    WK_MODEM_RESTS, /* asleep or waking: sessions stay, nothing is sent */
} wk_modem_carriage;

typedef enum wk_modem_line {
    WK_MODEM_LINE_WAKE = 0, /* PWRKEY, or DTR */
    WK_MODEM_LINE_RESET,
    WK_MODEM_LINE_POWER,
} wk_modem_line;

struct wk_modem_rules {
    char apn[WK_MODEM_APN];        /* "": the network's own */
    char pin[WK_MODEM_PIN];        /* "": the card has none */
    uint32_t tau_s;                /* PSM: asked for T3412; 0: no PSM */
    uint32_t active_s;             /* PSM: asked for T3324 */
    uint32_t edrx_s;               /* 0: no eDRX */
    uint8_t bands[WK_MODEM_BANDS]; /* another one may be tried out of these; 0: none */
    uint32_t seed;                 /* of the spread: the serial number */
    uint32_t spread_s; /* registration after an outage waits 0 up to this; 3600 at most */
    bool after_outage; /* the meter has just begun, and so have its neighbours */
};

struct wk_modem_port {
    void *self; /* of the functions */
    void (*send)(void *self, const char *octets, size_t size);
    /** Pulses a line of the modem; it need not wait for its end. WK_E_UNSUPPORTED: there is none;
     *  every error lets the ladder go on to its next rung. */
    wk_err (*pulse)(void *self, wk_modem_line line);
    /** Something is worth a line in a log. `text` is constant; may be NULL. */
    void (*note)(void *self, const char *text);
};

struct wk_modem_signal {
    int16_t rsrp_dbm;
    int16_t rsrq_ddb; /* tenths of a dB */
    int16_t rssi_dbm;
    int16_t sinr_ddb;
    int16_t mean_ddb; /* RSRQ, smoothed over 16 */
};

struct wk_modem_cell {
    uint32_t id; /* E-UTRAN cell identifier; 0: none */
    uint32_t tac;
    int16_t technology; /* <AcT> of TS 27.007: 7 LTE or LTE-M, 9 NB-IoT; -1 */
    int16_t band;       /* 0: not known */
    int16_t status;     /* <stat> of +CEREG; -1 */
    int16_t reject;     /* cause of TS 24.301; 0: none */
    char network[WK_MODEM_NAME];
};

/* A band that is tried, for an hour. */
struct wk_modem_trial {
    uint8_t band; /* locked to it; 0: all */
    bool judged;  /* it was better: kept */
    bool wanted;  /* a command for the band is to go */
    bool restores;
    int16_t before_ddb;
    int64_t until_us;
    int64_t next_us;
};

struct wk_modem_counts {
    uint32_t rungs[WK_MODEM_RUNGS];
    uint32_t restarts; /* of its own */
    uint32_t refusals;
    uint32_t contexts; /* activated */
    uint32_t wakes;
    uint32_t trials;
    uint32_t cell_changes;
};

struct wk_modem {
    struct wk_modem_rules rules;
    struct wk_modem_port port;
    struct wk_modem_counts counts;
    struct wk_at at;
    wk_modem_state state;
    wk_modem_trouble trouble;
    wk_modem_rung rung; /* the next one; while RECOVERING: this one */
    uint8_t profile;
    uint8_t tries;
    uint8_t step;   /* of the script */
    uint8_t report; /* which form of +CEREG= it takes */
    bool asked;     /* the step is in flight */
    bool pin_given; /* since it booted */
    bool pin_wrong;
    uint8_t pin_tries;   /* of which nobody knows what came of them */
    bool context;        /* the answer to +CGACT? says active */
    bool spread;         /* registration is to be spread */
    bool proven;         /* a packet came since the context is active */
    int32_t error;       /* the number of the last +CME ERROR; -1 */
    int64_t step_us;     /* the step may go */
    int64_t deadline_us; /* of the state */
    int64_t entered_us;
    int64_t traffic_us;        /* last packet */
    int64_t rest_us;           /* the next REST; 0: the first */
    int64_t refused_us;        /* the next wait after a refusal */
    uint32_t granted_active_s; /* T3324 and T3412 as agreed; 0: no PSM */
    uint32_t granted_tau_s;
    uint8_t changes; /* of cells in this hour and the last */
    uint8_t changes_before;
    int64_t changes_us;
    struct wk_modem_signal signal;
    struct wk_modem_cell cell;
    struct wk_modem_trial trial;
    char maker[WK_MODEM_NAME];
    char model[WK_MODEM_NAME];
    char revision[WK_MODEM_NAME];
    char serial[WK_MODEM_NAME]; /* IMEI */
};

/** Where an event leads; `state` itself: nowhere. */
wk_modem_state wk_modem_next(wk_modem_state state, wk_modem_event event);

void wk_modem_init(struct wk_modem *modem, const struct wk_modem_rules *rules,
                   const struct wk_modem_port *port, int64_t now_us);
/** Octets came from the modem. */
void wk_modem_take(struct wk_modem *modem, const uint8_t *octets, size_t size, int64_t now_us);
void wk_modem_step(struct wk_modem *modem, int64_t now_us);
/** When wk_modem_step may have something to do. */
int64_t wk_modem_due_us(const struct wk_modem *modem);

wk_modem_carriage wk_modem_carries(const struct wk_modem *modem);
/** A packet went, or came: the active time begins anew. Only what comes proves that it works. */
void wk_modem_traffic(struct wk_modem *modem, bool came, int64_t now_us);
/** Something cannot wait until the agreed time: wakes it. Nothing, if it does not sleep. */
void wk_modem_wake(struct wk_modem *modem, int64_t now_us);
/** Nothing comes back on its path: it is asked at once whether all is well. */
void wk_modem_doubt(struct wk_modem *modem, int64_t now_us);

/** Its path has been dead for long though it carries: the ladder. Nothing, if it does not carry. */
void wk_modem_useless(struct wk_modem *modem, int64_t now_us);

/** Points that its signal takes off the score of its path: 0, 5 where it is weak, 10 at its edge. */
uint8_t wk_modem_malus(const struct wk_modem *modem);

/* Timers of TS 24.008 as eight binary digits: 10.5.7.4 (T3324) and 10.5.7.4a (T3412 extended). */
typedef enum wk_modem_timer { WK_MODEM_T3324 = 0, WK_MODEM_T3412 } wk_modem_timer;
#define WK_MODEM_TIMER 8

/** The least that can be said and is not below `seconds`, or the most there is. */
void wk_modem_timer_write(wk_modem_timer timer, uint32_t seconds, char text[WK_MODEM_TIMER]);
/** 0: deactivated, or no such text. */
uint32_t wk_modem_timer_read(wk_modem_timer timer, const char *text, size_t size);

#endif
