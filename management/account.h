/* SPDX-License-Identifier: Apache-2.0
 *
 * management/account - payment in the meter: one account (class 111 of IEC 62056-6-2), its credits
 * and its charges.
 *
 * Energy and time make charges due; step by step what is due is collected from the credits, by
 * the priorities of both. A token pays, in this order: charges on payments, what invoked credits
 * must be paid back, then the credits that take tokens, by their shares. What is collected when no
 * credit has anything left goes below the limit of the first credit that takes tokens.
 *
 *   invariant   tokens + adjustments + resets == collected + sum (amount - granted)
 * to the last 10^-6 unit, always; what does not fill one is carried by each charge.
 *
 * An account without credit asks for the supply to be off, in prepayment mode, but not in friendly
 * time; once off it stays off, also in friendly time, until what is to clear is paid. In credit
 * mode the amount of the first credit goes below 0 and nothing is cut.
 *
 * Time is an argument: UTC by the meter's clock. ROM of this room and those it is made of: see
 * build/report/size.txt, "payment". */
#ifndef WK_MANAGEMENT_ACCOUNT_H
#define WK_MANAGEMENT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "management/charge.h"
#include "management/credit.h"

#define WK_ACCOUNT_CREDITS   5
#define WK_ACCOUNT_CHARGES   5
#define WK_ACCOUNT_PAIRS     16
#define WK_ACCOUNT_SHARES    5
#define WK_ACCOUNT_NAME      9  /* of a currency, with its end */
#define WK_ACCOUNT_SCALE     -6 /* finest of a currency on a wire */
#define WK_ACCOUNT_MEAN_DAYS 7  /* of the mean that tells how long the credit lasts */

typedef enum wk_account_mode {
    WK_ACCOUNT_CREDIT_MODE = 1,
    WK_ACCOUNT_PREPAYMENT = 2,
} wk_account_mode;

typedef enum wk_account_status {
    WK_ACCOUNT_NEW = 1, /* nothing becomes due, nothing is cut */
    WK_ACCOUNT_ACTIVE = 2,
    WK_ACCOUNT_CLOSED = 3, /* likewise; tokens are refused */
} wk_account_status;

/* current_credit_status; the first bit of the bit-string is the lowest here. */
enum {
    WK_ACCOUNT_IN_CREDIT = 0x01,
    WK_ACCOUNT_LOW = 0x02,
    WK_ACCOUNT_NEXT_ENABLED = 0x04,    /* a credit behind that in use can be used */
    WK_ACCOUNT_NEXT_SELECTABLE = 0x08, /* ... if somebody invokes it */
    WK_ACCOUNT_NEXT_SELECTED = 0x10,   /* ... and somebody has */
    WK_ACCOUNT_SELECTED_IN_USE = 0x20, /* the credit in use was invoked */
    WK_ACCOUNT_OUT_OF_CREDIT = 0x40,
};

/* collection_configuration: when a pair collects at all beside the usual time. */
enum {
    WK_ACCOUNT_WHEN_DISCONNECTED = 0x01,
    WK_ACCOUNT_WHEN_LIMITED = 0x02,
    WK_ACCOUNT_WHEN_FRIENDLY = 0x04,
};

struct wk_account_pair {
    uint8_t credit; /* index */
    uint8_t charge;
    uint8_t when; /* a set of the bits above */
};

struct wk_account_share {
    uint8_t credit;
    uint8_t percent;
};

struct wk_account_rules {
    uint8_t mode;               /* wk_account_mode */
    char name[WK_ACCOUNT_NAME]; /* currency.name, such as "EUR" */
    int8_t scale;               /* currency.scale of amounts on a wire, -6..0 */
    int64_t low_e6;             /* low_credit_threshold: told when less is available */
    int64_t next_e6;            /* next_credit_available_threshold, of all credits */
    int64_t clearance_e6;       /* so much must be there before the supply comes back */
    int64_t provision_e6;       /* max_provision: most that payments are charged ... */
    int64_t provision_s;        /* ... in so many seconds; 0: no limit */
    int64_t activate_s;         /* UTC; 0: not planned */
    int64_t close_s;            /* likewise */
    uint8_t pair_count;         /* 0: every credit pays every charge, always */
    struct wk_account_pair pair[WK_ACCOUNT_PAIRS];
    uint8_t share_count; /* 0: the first credit that takes tokens gets all */
    struct wk_account_share share[WK_ACCOUNT_SHARES];
    uint8_t
        friendly; /* load management output of the calendar that is on in friendly time, 1..4;
                         0: there is none */
    bool by_hand; /* after a top-up the supply is armed and closed by hand, in any mode */
};

struct wk_account {
    struct wk_account_rules rules;
    struct wk_credit credit[WK_ACCOUNT_CREDITS];
    struct wk_charge charge[WK_ACCOUNT_CHARGES];
    uint8_t status;         /* wk_account_status */
    bool cut;               /* the supply is to be off */
    bool low;               /* told */
    int64_t topped_e6;      /* by tokens, ever */
    int64_t adjusted_e6;    /* by clients and resets, ever */
    int64_t provided_e6;    /* charged on payments in the period under way */
    int64_t provided_begin; /* its number */
    int64_t reset_s;        /* UTC up to which times of credits were looked at; 0: not begun */
    int32_t day;            /* of the mean: civil, since 1970; 0: not begun */
    int64_t day_paid_e6;    /* collected before it */
    int64_t mean_e6;        /* collected per day, or one of those below */
    uint8_t begun;          /* charges whose passive table took over, not told yet */
};
#define WK_ACCOUNT_NO_MEAN (-1) /* the first whole day is under way */
#define WK_ACCOUNT_NO_DAY  (-2) /* ... has not begun */

/* What the rest of the meter says at a step. */
struct wk_account_moment {
    struct wk_utc now;
    const struct wk_zone *zone;
    bool timeless;     /* the clock is not set: nothing becomes due for time */
    bool disconnected; /* the supply is off */
    bool limited;      /* a limiter holds it back */
    bool friendly;     /* friendly time */
};

/* What a step found: bits, of credits and charges one each. */
struct wk_account_found {
    uint8_t account; /* a set of those below */
    uint8_t warned;  /* credits that fell to their warning threshold */
    uint8_t begun;   /* charges whose passive table took over */
};
enum {
    WK_ACCOUNT_FOUND_LOW = 0x01,
    WK_ACCOUNT_FOUND_CUT = 0x02,
    WK_ACCOUNT_FOUND_BACK = 0x04,
    WK_ACCOUNT_FOUND_ACTIVE = 0x08,
    WK_ACCOUNT_FOUND_CLOSED = 0x10,
};

/** WK_E_RANGE: an index, scale, amount, share or time is none of those above; shares are above
 *  100 per cent together, or for a credit that takes no tokens. */
WK_MUST_USE wk_err wk_account_check(const struct wk_account *account);

/** An energy was imported in a tariff 1..8, at management/price's price; tables whose time has
 *  come take over before. */
void wk_account_use(struct wk_account *account, uint8_t tariff, int64_t energy_uwh,
                    int32_t price_e6, struct wk_utc at);

/** Time went on: activates and closes, resets credits by their times, makes periods due,
 *  collects, and decides whether the supply is to be off. */
struct wk_account_found wk_account_step(struct wk_account *account,
                                        const struct wk_account_moment *moment);

/** A token paid so much, more than 0. WK_E_STATE: the account is closed; WK_E_FULL: a credit would
 *  be beyond WK_CREDIT_MOST_E6. Nothing changed then. */
WK_MUST_USE wk_err wk_account_top_up(struct wk_account *account, int64_t amount_e6,
                                     const struct wk_account_moment *moment);

/** Somebody takes a selectable credit into use. WK_E_RANGE: no such credit; WK_E_STATE. */
WK_MUST_USE wk_err wk_account_invoke(struct wk_account *account, uint8_t credit);
/** The same of the first that is selectable. WK_E_NOT_FOUND: none is. */
WK_MUST_USE wk_err wk_account_invoke_next(struct wk_account *account, uint8_t *credit);

/** A client adds to a credit, or takes from it. WK_E_FULL: beyond WK_CREDIT_MOST_E6. */
WK_MUST_USE wk_err wk_account_adjust(struct wk_account *account, uint8_t credit,
                                     int64_t amount_e6);

/** Collects what is due of a charge now, as a step would. */
void wk_account_collect(struct wk_account *account, uint8_t charge,
                        const struct wk_account_moment *moment);

/** Activates or closes by hand. WK_E_STATE: it is not new, or is closed already. */
WK_MUST_USE wk_err wk_account_activate(struct wk_account *account);
WK_MUST_USE wk_err wk_account_close(struct wk_account *account);

/** Of rules: new, or active at once if no time is planned; nothing paid, nothing due. */
void wk_account_init(struct wk_account *account);

/** Status of all credits, from amounts and what was invoked. After anything was set. */
void wk_account_update(struct wk_account *account);

/** Index of the credit in use; WK_ACCOUNT_CREDITS: none is. */
uint8_t wk_account_in_use(const struct wk_account *account);
/** What open credits can give together: available_credit. */
int64_t wk_account_available_e6(const struct wk_account *account);
/** What must be paid before everything is as it was: amount_to_clear. */
int64_t wk_account_to_clear_e6(const struct wk_account *account);
/** Debts that are still to be collected: aggregated_debt. */
int64_t wk_account_debt_e6(const struct wk_account *account);
/** Sum of amounts less what was given: what belongs to the customer, or is owed (below 0). */
int64_t wk_account_balance_e6(const struct wk_account *account);
int64_t wk_account_collected_e6(const struct wk_account *account);
/** current_credit_status. */
uint8_t wk_account_bits(const struct wk_account *account);
/** Days the available credit lasts at the mean of the last days, cut off; -1: not known. */
int32_t wk_account_days_left(const struct wk_account *account);

/** (account_pack.c) Octets for the store: what clients set, and what moves. Unpacking checks
 *  everything: WK_E_FORMAT, WK_E_RANGE; the account is not to be used then. */
#define WK_ACCOUNT_RULES_PACKED 1024
#define WK_ACCOUNT_STATE_PACKED 512
void wk_account_rules_pack(const struct wk_account *account, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_account_rules_unpack(struct wk_account *account, struct wk_bytes_in *in);
void wk_account_state_pack(const struct wk_account *account, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_account_state_unpack(struct wk_account *account, struct wk_bytes_in *in);

#endif
