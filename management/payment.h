/* SPDX-License-Identifier: Apache-2.0
 *
 * management/payment - what a meter with payment has beside its module: account, token gateway,
 * and the functions by which the module and the object table reach them. A meter without payment
 * links none of it.
 *
 * The owner fills account (rules and first amounts) and tokens, calls wk_payment_init, and hands
 * the struct over with the configuration of the module. What the account and the gateway decided
 * is in the same commit as the energy that it follows from. */
#ifndef WK_MANAGEMENT_PAYMENT_H
#define WK_MANAGEMENT_PAYMENT_H

#include "base/notice.h"
#include "management/account.h"
#include "management/object.h"
#include "management/token.h"

struct wk_rooms;

/* Values of the store. */
typedef enum wk_payment_part {
    WK_PAYMENT_RULES = 0, /* what clients set */
    WK_PAYMENT_STATE,     /* amounts: with each window */
    WK_PAYMENT_GATEWAY,   /* tokens */
    WK_PAYMENT_PARTS,
} wk_payment_part;

#define WK_PAYMENT_PACKED WK_ACCOUNT_RULES_PACKED /* octets of a part, most */

/* Figures that are registers. */
typedef enum wk_payment_figure {
    WK_PAYMENT_BALANCE = 0, /* 10^-6 currency units */
    WK_PAYMENT_AVAILABLE,   /* likewise */
    WK_PAYMENT_DAYS,        /* that the available credit lasts; WK_E_BUSY: not known yet */
} wk_payment_figure;

struct wk_payment;

/* All with rooms->payment as their account. */
struct wk_payment_functions {
    /** An energy was imported, in a tariff 1..8 at management/price's price. */
    void (*use)(struct wk_rooms *rooms, int64_t energy_uwh, int32_t price_e6, struct wk_utc at);
    /** After a window or a command. */
    void (*step)(struct wk_rooms *rooms, int64_t now_us);
    /** The button: takes the next selectable credit into use. True if that gives credit. */
    bool (*press)(struct wk_rooms *rooms, int64_t now_us);
    void (*pack)(const struct wk_payment *payment, wk_payment_part part,
                 struct wk_bytes_out *out);
    wk_err (*unpack)(struct wk_payment *payment, wk_payment_part part, struct wk_bytes_in *in);
    wk_err (*figure)(const struct wk_rooms *rooms, uint32_t figure, int64_t *value);
    struct wk_object_class objects; /* classes 111, 112, 113, 115, and 1 */
};

struct wk_payment {
    struct wk_account account;
    struct wk_token_gateway gateway;
    struct wk_token_port tokens; /* verify NULL: every token is refused */
    const struct wk_payment_functions *functions;
    struct wk_notice_ring notices;  /* code: wk_event_code */
    uint32_t crc[WK_PAYMENT_PARTS]; /* of the last commit: the module's */
};

/** WK_E_RANGE: see wk_account_check. */
WK_MUST_USE wk_err wk_payment_init(struct wk_payment *payment);

/** A usual account: token credit, reserved, emergency (0 until set), two that are not used; energy
 *  at management/price's prices, a standing charge by the day, a debt on payments, two by time. */
void wk_payment_usual(struct wk_payment *payment);

/** The moment of a meter, for wk_account_step. */
struct wk_account_moment wk_payment_moment(const struct wk_rooms *rooms, int64_t now_us);

/** Somebody enters a token; what came of it is in the gateway and among the notices. */
void wk_payment_enter(struct wk_rooms *rooms, int64_t now_us, wk_token_delivery delivery,
                      const uint8_t *octets, size_t size);

/** Tells the module what happened: a code of the credit log. */
void wk_payment_tell(struct wk_payment *payment, int64_t now_us, uint16_t code, uint8_t detail,
                     int64_t value);

/** (objects_account.c, objects_charge.c, objects_token.c) */
extern const struct wk_object_class wk_objects_account; /* 111, 112 and 1 */
extern const struct wk_object_class wk_objects_charge;  /* 113 */
extern const struct wk_object_class wk_objects_token;   /* 115 */

/* Selectors of class 1. */
enum { WK_PAYMENT_EXACT = 0, WK_PAYMENT_SETTINGS };

/* ---- amounts and times of the classes ------------------------------------------------------ */

/** An amount on the wire: double-long in units of 10^scale, cut off towards minus infinity and
 *  limited to its range. */
void wk_payment_put_amount(const struct wk_account *account, struct wk_bytes_out *out,
                           int64_t amount_e6);
/** ... and back, exact. Faults of another type go to `in`. */
int64_t wk_payment_read_amount(const struct wk_account *account, struct wk_bytes_in *in);
/** An instant; 0 is a date-time without anything specified. */
void wk_payment_put_time(const struct wk_rooms *rooms, struct wk_bytes_out *out, int64_t s);
WK_MUST_USE wk_err wk_payment_read_time(const struct wk_rooms *rooms, struct wk_bytes_in *in,
                                        int64_t *s);
/** A set of bits as a bit-string whose first bit is the lowest. */
void wk_payment_put_bits(struct wk_bytes_out *out, uint8_t bits, uint8_t count);
uint8_t wk_payment_read_bits(struct wk_bytes_in *in, uint8_t count);

/** A rule of the account is to be set: checks the account as it would be, takes it over and tells
 *  who did it; `wanted` is a copy with the change. WK_E_RANGE. */
WK_MUST_USE wk_err wk_payment_take(const struct wk_object_call *call,
                                   const struct wk_account *wanted);

#endif
