/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet/year - one meter through a year: the real management over a simulated NOR flash, fed with
 * the windows of a house, with all that may happen to a meter; and the oracle that knows what must
 * come of it. docs/simulation.md tells the world, the windows and the checks.
 *
 * Layout: year.c the way of records, cuts and outages; year_act.c what people do; year_check.c
 * what must hold; year_pay.c what it costs; year_plan.c what happens when,
 * year_page.c the report. */
#ifndef WK_FLEET_YEAR_H
#define WK_FLEET_YEAR_H

#include "fleet/books.h"
#include "fleet/caller.h"
#include "fleet/dice.h"
#include "fleet/house.h"
#include "management/module.h"
#include "management/payment.h"
#include "port/linux/crypto.h"
#include "port/virtual/flash.h"
#include "port/virtual/panel.h"

#define WK_YEAR_DAYS_MOST 800
#define WK_YEAR_RING      8192 /* records that are not committed, most */
#define WK_YEAR_WHY       600
#define WK_YEAR_LOGS      10
#define WK_YEAR_MARKS     65536 /* events that are kept for the report */

typedef enum wk_year_kind {
    WK_YEAR_NOTHING = 0,
    WK_YEAR_MAGNET,
    WK_YEAR_TERMINAL,
    WK_YEAR_MAIN,
    WK_YEAR_MODULE_OUT,
    WK_YEAR_REVERSED,
    WK_YEAR_BYPASS,
    WK_YEAR_NO_VOLTAGE,
    WK_YEAR_SEQUENCE,
    WK_YEAR_CT,
    WK_YEAR_OVERLOAD,
    WK_YEAR_DISCONNECT,
    WK_YEAR_PASSWORDS,
    WK_YEAR_REPLAYS,
    WK_YEAR_DIPS,
    WK_YEAR_CLOCK_SET,
    WK_YEAR_CLOCK_PLAY,
    WK_YEAR_RESET,
    WK_YEAR_KINDS,
} wk_year_kind;

/* What a day brings. */
struct wk_year_day {
    wk_year_kind kind;
    int32_t at_s;        /* seconds after the day's begin at which it begins */
    int32_t session_s;   /* when the head-end calls */
    int32_t outage_at_s; /* a planned outage; 0: none */
    int32_t outage_s;
    bool away; /* the head-end cannot reach the meter */
};

typedef enum wk_year_phase { WK_YEAR_IDLE = 0, WK_YEAR_ACTIVE, WK_YEAR_FADING } wk_year_phase;

/* What is being done. */
struct wk_year_act {
    wk_year_kind kind;
    wk_year_phase phase;
    int64_t left_us; /* of the phase, in fed time */
    int64_t full_us;
    int64_t next_us; /* fed time until the next stroke */
    int32_t strokes; /* left */
    uint32_t begins; /* found before it */
    uint32_t ends;
};

/* An event that was logged, for the report. */
struct wk_year_mark {
    int64_t at_s;
    uint16_t code;
    uint8_t log;
};

struct wk_year_counts {
    uint64_t records;
    uint64_t windows_200ms; /* up to 200 ms */
    uint64_t windows_long;
    uint64_t replayed;
    uint32_t cuts[WK_FLASH_TEAR_COUNT]; /* in operations, by tear */
    uint32_t cuts_again;                /* ... during recovery */
    uint32_t cuts_erase;                /* ... in an erase */
    uint32_t restarts;                  /* of management alone */
    uint32_t outages;                   /* of power */
    int64_t outage_s;
    int64_t outage_most_s;
    uint32_t late_kept; /* cuts after which the commit under way counted */
    uint32_t steps;     /* of the clock */
    uint32_t slews;
    uint32_t sessions;
    uint32_t sessions_missed;
    uint32_t commits;
    uint32_t intervals;
    uint32_t gaps; /* explained */
    uint32_t gap_intervals;
    uint32_t twice; /* intervals that came again, the clock was set back */
    uint32_t periods;
    uint32_t acts[WK_YEAR_KINDS];
    uint32_t detected; /* acts of tampering that were told exactly once */
    uint32_t logged[WK_YEAR_LOGS];
    int64_t clock_worst_us; /* at the calls of the head-end, in quiet times */
    int64_t fed_import_uwh; /* by the house, each record once */
    int64_t fed_export_uwh;
    int64_t unexplained_uwh; /* what registers hold more or less */
    int64_t bill_registers;  /* minor units, sum of all lines */
    int64_t bill_intervals;
    uint64_t erases;
    uint64_t programmed;
};

struct wk_year_options {
    int64_t days; /* 1..WK_YEAR_DAYS_MOST */
    uint64_t seed;
    const struct wk_grid_minutes *minutes; /* borrowed */
    void (*progress)(void *self, int percent);
    void *self;
};

struct wk_year {
    struct wk_year_options options;
    int64_t begin_s;
    struct wk_dice dice;
    struct wk_almanac almanac;
    struct wk_ledger ledger;
    struct wk_house house;
    struct wk_year_day *day; /* owned */
    int64_t sun_s;           /* photovoltaics from here on */
    int64_t activate_s;      /* second contract */
    uint8_t mode;            /* of the disconnect control */
    /* the meter */
    struct wk_module_config config;
    struct wk_module module;
    struct wk_payment payment;
    struct wk_token_transfer transfer;
    struct wk_flash flash;
    struct wk_hal_flash port; /* the flash, and power that fails while it erases */
    uint8_t *octets;
    uint8_t *touched;
    struct wk_panel panel;
    struct wk_crypto crypto;
    struct wk_caller caller;
    /* metrology */
    int64_t t_us;
    int64_t true_us;
    int64_t drift_rest;
    int32_t rate_ppb; /* its time base is so much too fast */
    uint64_t epoch;
    uint64_t seq;
    bool feed_starts;
    int64_t fine_until_us;  /* metrology's time */
    int64_t away_us;        /* an outage that begins once the ring is empty */
    struct wk_record *ring; /* owned */
    uint32_t ring_fed;
    uint32_t ring_count;
    uint64_t transaction;
    /* people */
    struct wk_year_act act;
    int64_t reconnect_us; /* fed time until the occupant presses the button; 0: nothing to do */
    int64_t called_day;
    bool planned;          /* the second contract was ordered */
    bool armed;            /* power may fail */
    int64_t synced_s;      /* true time of the last correction by the head-end; 0: lost */
    int64_t clock_quiet_s; /* true time since when nobody set the clock */
    /* what was found */
    uint32_t found[WK_BOOKS_CODES];
    uint64_t next[WK_YEAR_LOGS];
    uint64_t profile_next;
    uint32_t profile_index;        /* of the ledger's */
    struct wk_books_interval last; /* interval that was read */
    bool has_last;
    uint32_t expected_often; /* REFUSED_OFTEN, CLOCK_OFTEN */
    uint32_t expected_clock_often;
    wk_supply_state supply;
    bool supply_known;
    int64_t disagree_us;                /* contactor and state */
    struct wk_books_interval *interval; /* as read from the meter; owned */
    uint8_t *interval_status;           /* owned */
    uint32_t interval_count;
    struct wk_year_mark *mark; /* owned */
    uint32_t marks;
    struct wk_year_counts counts;
    bool failed;
    char why[WK_YEAR_WHY];
};

/** Runs it. WK_E_FULL: no memory. WK_E_CORRUPT: meter and oracle disagree, year->why says in
 *  what. The struct is large: not on the stack. wk_year_free in any case. */
WK_MUST_USE wk_err wk_year_run(struct wk_year *year, const struct wk_year_options *options);
void wk_year_free(struct wk_year *year);

const char *wk_year_kind_text(wk_year_kind kind);

/** Writes the year as one page that loads nothing. False: the file cannot be written. */
bool wk_year_page(const struct wk_year *year, const char *path, double wall_s);

/* ---- between the files ------------------------------------------------------------------- */

/** Notes what is wrong, with seed, record and instant; the first one stays. False. */
bool wk_year_fail(struct wk_year *year, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int64_t wk_year_true_s(const struct wk_year *year);
int64_t wk_year_clock_us(const struct wk_year *year);

wk_err wk_year_plan(struct wk_year *year);

/** After an operation that returned `err`: commits the ledger if the meter has committed; if power
 *  failed, starts the meter again and finds out whether it counted. False: failed. *done: it
 *  counted. */
bool wk_year_settle(struct wk_year *year, wk_err err, bool *done);
bool wk_year_restart(struct wk_year *year);
void wk_year_emit(struct wk_year *year, const struct wk_record *record);
/** A record that is filled but for its number and time. */
bool wk_year_feed(struct wk_year *year);

/** One thing that the head-end does over an association; the meter has committed before. False:
 *  failed. *done: it counted. */
typedef wk_err wk_year_errand(struct wk_year *year);
bool wk_year_call(struct wk_year *year, wk_year_errand *what, bool *done);

/** The account before a start of the meter. */
WK_MUST_USE wk_err wk_year_pay_start(struct wk_year *year);
/** What the head-end pays in a night. */
bool wk_year_pay(struct wk_year *year, int64_t day, bool *done);
/** Balance and debt; energy cost so much so far, and so many 10^-15 units. */
bool wk_year_check_balance(struct wk_year *year, int64_t spent_e6, int64_t rest);

wk_house_trick wk_year_trick(const struct wk_year *year);
/** What people do between two windows; `span_us` was fed since the last time. */
bool wk_year_act(struct wk_year *year, int64_t span_us);
/** A cut: what was to last begins anew. */
void wk_year_act_again(struct wk_year *year);

bool wk_year_check_record(struct wk_year *year);
bool wk_year_check_commit(struct wk_year *year);
bool wk_year_read_events(struct wk_year *year);
bool wk_year_events_agree(const struct wk_year *year, const struct wk_books *books);
bool wk_year_check_events(struct wk_year *year);
bool wk_year_read_profile(struct wk_year *year);
bool wk_year_check_end(struct wk_year *year);

#endif
