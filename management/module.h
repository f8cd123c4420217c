/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module - the assembler: all rooms of one meter, their start, step and notices.
 *
 *   invariant 1   a record changes registers, profile and cursor together, or not at all
 *   invariant 2   what was committed includes the cursor of the last record that counts in it:
 *                 after any cut or kill the next record wanted is cursor + 1
 *
 * The owner feeds records in order, answers what `wanted` says, and may free records up to
 * `committed`. Context: one thread. */
#ifndef WK_MANAGEMENT_MODULE_H
#define WK_MANAGEMENT_MODULE_H

#include "management/objects.h"
#include "management/rooms.h"
#include "management/session.h"

#define WK_MODULE_COMMIT_UWH INT64_C(10000000) /* 10 Wh */

struct wk_module_config {
    struct wk_rooms_identity identity;
    struct wk_rooms_transformers transformers;
    struct wk_zone zone;
    uint16_t period_s;     /* of the load profile, 60..3600, divides an hour */
    uint8_t control_mode;  /* of the disconnect control, for a store that is new */
    uint8_t special_count; /* of `special` */
    uint8_t setup_count;   /* of `setups`, at most WK_SESSION_SETUPS - 1 */
    int32_t nominal_mv;    /* phase voltage, for thresholds of a store that is new; 0 = 230 V */
    int64_t maximum_ua;    /* Imax, likewise; 0 = 100 A */
    uint32_t seed;         /* of random offsets; another for each meter */
    /* Profiles; period_s 0: that above, a day, 15 min, 5 min, 15 min; count 0: the usual columns. A profile whose
     * rules here differ from those it was last started with is cleared. */
    struct wk_profile_rules profile[WK_ROOMS_PROFILES];
    struct wk_clock_rules clock;        /* step_us 0: wk_clock_usual */
    struct wk_tariff_calendar calendar; /* for a store that is new; season_count 0 = single
                                           tariff */
    int64_t commit_uwh; /* energy after which a commit is due; 0 = WK_MODULE_COMMIT_UWH */
    struct wk_registers_blocks blocks; /* thresholds; all 0: one block */
    struct wk_demand_rules demand;     /* part_s 0: blocks of 15 min */
    struct wk_billing_rules billing;
    struct wk_price_plan price;
    const struct wk_power_factor_table *power_factor; /* NULL: none */
    struct wk_store_layout layout;                    /* with the logs of management/rooms.h */
    const struct wk_tariff_special_day *special; /* special days, for a store that is new */
    uint8_t system_title[WK_CIPHER_TITLE];
    struct wk_cipher_keys keys; /* of the management client, Security setup 0 */
    uint8_t suite;              /* of Security setup 0 */
    struct wk_hal_key kek;      /* its master key; size 0: keys cannot be changed */
    struct wk_session_secret password[WK_ROLE_COUNT]; /* of LLS and HLS 3, 4, 6 */
    struct wk_session_setup *setups;    /* more Security setups, with their first keys */
    struct wk_session_identity *pairs;  /* for suites 1 and 2; NULL: suite 0 only */
    struct wk_setup *setup;             /* room for parameters that are set; NULL: none are */
    struct wk_counts *counts;           /* initialised; NULL: nothing is counted */
    struct wk_quantities *quantities;   /* initialised; NULL: none */
    struct wk_profile *more_profiles;   /* room for WK_ROOMS_MORE_PROFILES; NULL: none */
    const struct wk_setup_world *world; /* NULL: nobody tells */
    struct wk_parameter_monitor *parameter_monitor; /* initialised; NULL: none */
    struct wk_rooms_harmonics *harmonics;           /* NULL: not shown */
    struct wk_payment *payment; /* initialised; for a store that is new; NULL: no payment */
    struct wk_push *push; /* initialised, with first setups; what was changed comes from the
                             store; NULL: none is kept */
};

struct wk_module_ports {
    const struct wk_hal_flash *flash;
    const struct wk_hal_contactor *contactor;
    const struct wk_hal_crypto *crypto; /* for the hashes of the security log; NULL: none */
    struct wk_rooms_fittings fittings;
};

/* Who is told of an event before it is stored. Both functions are called from within the module: neither may
 * call it. */
struct wk_module_watch {
    void *self;
    /** It was appended to `log` of the store, and counts from the next commit on. */
    void (*logged)(void *self, uint8_t log, const struct wk_event *event);
    /** What the events are about is done; they are committed next. */
    void (*commits)(void *self);
};

enum { WK_MODULE_SOURCE_SESSION = 2 }; /* wk_notice.source of sessions */

/* Which record was the last that counts. seq 0: none of this epoch. */
struct wk_module_cursor {
    uint64_t epoch;
    uint64_t seq;
};

#define WK_MODULE_TAMPER_PARTS 2

struct wk_module {
    struct wk_rooms rooms;
    struct wk_session_security security;
    struct wk_object_table table;
    struct wk_module_cursor cursor;    /* in memory */
    struct wk_module_cursor committed; /* in the store */
    struct wk_notice_ring session_notices;
    int64_t committed_t_us; /* metrology's time of the last commit */
    int64_t commit_uwh;
    int64_t committed_uwh; /* registers then: import + export */
    const struct wk_hal_crypto *crypto;
    const struct wk_module_watch
        *watch;       /* the owner's to set after wk_module_init; NULL: nobody */
    uint64_t changed; /* parts that the next commit must contain, a bit per key */
    uint32_t tamper_crc[WK_MODULE_TAMPER_PARTS]; /* of those parts in the last commit */
    bool due;                  /* something must be committed at the next chance */
    uint8_t profiles_cleared;  /* at the start, a bit each: not told yet */
    uint32_t supply_crc;       /* of the part of the supply in the last commit */
    uint64_t records_consumed; /* since init */
    uint64_t records_repeated; /* offered again and ignored, since init */
};

/** Starts a meter from its store (or makes a new one). Errors: those of wk_store_mount;
 *  WK_E_FORMAT: a stored value has no form this version knows. */
WK_MUST_USE wk_err wk_module_init(struct wk_module *module,
                                  const struct wk_module_config *config,
                                  const struct wk_module_ports *ports);

/** Takes one record. A record at or before the cursor is ignored (WK_OK). Commits when it is
 *  time: an interval ended, an event was logged, 10 Wh or 60 s since the last commit. */
WK_MUST_USE wk_err wk_module_consume(struct wk_module *module, const struct wk_record *record);

/** Carries notices from objects and sessions to the event log, and commits if something is
 *  due. Call after every message a session handled. */
WK_MUST_USE wk_err wk_module_settle(struct wk_module *module);

/** Commits now. */
WK_MUST_USE wk_err wk_module_commit(struct wk_module *module);

/** Appends to the event log, now by the meter's clock; committed at the next chance. */
WK_MUST_USE wk_err wk_module_log(struct wk_module *module, struct wk_event event);

/** What a session of this meter for one more connection is made of. */
struct wk_session_config wk_module_session(struct wk_module *module,
                                           const struct wk_hal_crypto *crypto);

/** The meter's UTC now, in microseconds: that of the newest record. */
int64_t wk_module_now_us(const struct wk_module *module);

#endif
