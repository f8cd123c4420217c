/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_pack - the module's state as values of the store. docs/on-flash.md lists
 * the fields. Private to the module. */
#ifndef WK_MANAGEMENT_MODULE_PACK_H
#define WK_MANAGEMENT_MODULE_PACK_H

#include "management/module.h"

/* Keys of the store. */
enum {
    WK_MODULE_KEY_CORE = 1,           /* cursor, totals, open interval: in every commit */
    WK_MODULE_KEY_TARIFF = 2,         /* calendars and special days */
    WK_MODULE_KEY_SECURITY = 3,       /* invocation counters, lock-outs */
    WK_MODULE_KEY_CLOCK = 4,          /* shift, rate, correction under way */
    WK_MODULE_KEY_SUPPLY = 5,         /* control state, limits, relays: module_supply */
    WK_MODULE_KEY_DEMAND = 6,         /* the sub-period under way */
    WK_MODULE_KEY_BILLING = 7,        /* begin and end of the billing period, blocks */
    WK_MODULE_KEY_RATE = 8,           /* .. 15: what tariff 1..8 gained */
    WK_MODULE_KEY_PRICE = 16,         /* plan and half-hourly prices */
    WK_MODULE_KEY_SPENT = 17,         /* what was spent */
    WK_MODULE_KEY_MAXIMA = 18,        /* maximum and cumulative demand */
    WK_MODULE_KEY_CHAIN = 19,         /* newest hash of the security log */
    WK_MODULE_KEY_DISPLAY = 23,       /* lists of the display */
    WK_MODULE_KEY_KEYS = 24,          /* policies, keys and passwords, once changed */
    WK_MODULE_KEY_IDENTITY = 25,      /* key pairs */
    WK_MODULE_KEY_CERTIFICATE = 26,   /* .. 31 */
    WK_MODULE_KEY_MORE_PROFILES = 32, /* .. 33: rules of profiles 4 and 5 */
    WK_MODULE_KEY_MORE_ROWS = 34,     /* .. 35: their newest rows */
    WK_MODULE_KEY_MORE_OPEN = 58,     /* their intervals under way */
    WK_MODULE_KEY_QUANTITIES = 36, /* .. 39: maxima, and what moves of management/quantities */
    WK_MODULE_KEY_PROFILE = 40,    /* .. 42: rules of profiles, and what was cleared */
    WK_MODULE_KEY_ROWS = 44,       /* .. 46: their newest rows */
    WK_MODULE_KEY_SETUP = 47,      /* parameters that were set */
    WK_MODULE_KEY_PUSH = 48,       /* .. 51: push setups, once changed */
    WK_MODULE_KEY_PUSH_5 = 43,     /* the fifth of them */
    WK_MODULE_KEY_PUSHED = 55,     /* what of them is due and was delivered */
    WK_MODULE_KEY_PAYMENT = 52,    /* .. 54: wk_payment_part */
    WK_MODULE_KEY_COUNTS = 56,     /* management/counts */
    WK_MODULE_KEY_LINK = 62, /* epoch of the link's streams: its owner's, not the module's */
    WK_MODULE_KEY_TRANSFORMERS = 57, /* those of the last start */
    WK_MODULE_KEY_ALARM = 20,        /* registers, filters, destinations */
    WK_MODULE_KEY_TAMPER = 21, /* rules and snapshots; 22: what moves of it: module_tamper */
};

/** The part with that key goes into the next commit. The core always does. */
void wk_module_changed(struct wk_module *module, uint8_t key);

/** Commits the core, and the other parts that changed, together with appended log entries. */
WK_MUST_USE wk_err wk_module_store(struct wk_module *module);

/** A part as it was packed; for tools that look at a store. Errors: those of wk_store_get and
 *  wk_squeeze_unpack. */
WK_MUST_USE wk_err wk_module_value(const struct wk_store *store, uint8_t key, void *to,
                                   size_t room, size_t *size);

/** Few invocation counters are left: commit soon to have more. */
bool wk_module_counters_run_low(const struct wk_module *module);

/** Reads all parts; those that are not there leave the rooms as they were started.
 *  WK_E_FORMAT: a value has no form this version knows, or registers do not agree. */
WK_MUST_USE wk_err wk_module_restore(struct wk_module *module);

#endif
