/* SPDX-License-Identifier: Apache-2.0
 *
 * management/rooms - the state of one meter, room by room: what the object table looks at.
 * The assembler (management/module) fills and moves it; objects read it and, for what a client
 * may set, call the rooms. */
#ifndef WK_MANAGEMENT_ROOMS_H
#define WK_MANAGEMENT_ROOMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/notice.h"
#include "management/alarm.h"
#include "management/billing.h"
#include "management/clock.h"
#include "management/contact.h"
#include "management/demand.h"
#include "management/display.h"
#include "management/event.h"
#include "management/event_storm.h"
#include "management/limiter.h"
#include "management/power_factor.h"
#include "management/price.h"
#include "management/profile.h"
#include "management/protection.h"
#include "management/reclose.h"
#include "management/registers.h"
#include "management/relay.h"
#include "management/response.h"
#include "management/setup.h"
#include "management/shown.h"
#include "management/store.h"
#include "management/supply.h"
#include "management/tamper.h"
#include "management/tariff.h"
#include "metrology/record.h"
#include "port/hal.h"

#define WK_ROOMS_TEXT 33

/* Transformers before the terminals: rated values of each side, as 200 and 5; all 0: none. */
struct wk_rooms_transformers {
    uint16_t ct_primary;
    uint16_t ct_secondary;
    uint16_t vt_primary;
    uint16_t vt_secondary;
    bool applied; /* objects tell what the network has, not what the terminals see */
};

/* What is fixed when a meter is made or installed. */
struct wk_rooms_identity {
    char serial[WK_ROOMS_TEXT];    /* e.g. "WK10000001" */
    char logical_name[17];         /* COSEM logical device name, 16 characters */
    char firmware[WK_ROOMS_TEXT];  /* of management */
    char metrology[WK_ROOMS_TEXT]; /* of the legally relevant part */
    uint8_t phases;                /* 1 or 3 */
};

/* Logs of the store. */
enum {
    WK_ROOMS_LOG_PROFILE = 0,
    WK_ROOMS_LOG_EVENT = 1, /* the standard event log, and every other that is not there */
    WK_ROOMS_LOG_BILLING = 2,
    WK_ROOMS_LOG_FRAUD = 3,
    WK_ROOMS_LOG_DISCONNECT = 4,
    WK_ROOMS_LOG_QUALITY = 5,
    WK_ROOMS_LOG_COMMUNICATION = 6,
    WK_ROOMS_LOG_FIRMWARE = 7,
    WK_ROOMS_LOG_SECURITY = 8,
    WK_ROOMS_LOG_CREDIT = 9,
    WK_ROOMS_LOG_PROFILE_2 = 10,
    WK_ROOMS_LOG_PROFILE_3 = 11,
    WK_ROOMS_LOG_PROFILE_4 = 12,
    WK_ROOMS_LOG_PROFILE_5 = 13,
};

/* Profiles. One whose log the store does not have is not there. */
enum {
    WK_ROOMS_PROFILE_1 = 0, /* 1.0.99.1.0.255: load profile */
    WK_ROOMS_PROFILE_2 = 1, /* 1.0.99.2.0.255: load profile 2, daily unless set otherwise */
    WK_ROOMS_PROFILE_3 = 2, /* 1.0.99.14.0.255: power quality */
    WK_ROOMS_PROFILE_4 =
        3, /* 1.0.99.1.1.255: load profile of five minutes, unless set otherwise */
    WK_ROOMS_PROFILE_5 = 4, /* 1.0.99.3.0.255: what is there when an interval ends */
};
#define WK_ROOMS_PROFILES      5
#define WK_ROOMS_OWN_PROFILES  3 /* that every meter has; the others lie elsewhere */
#define WK_ROOMS_MORE_PROFILES (WK_ROOMS_PROFILES - WK_ROOMS_OWN_PROFILES)

/* Notices that objects drop for the assembler: what a client changed. `detail` = role. */
enum {
    WK_ROOMS_CLOCK_SET = 1,    /* value: seconds it moved */
    WK_ROOMS_CLOCK_SLEWED,     /* value: seconds it will have moved; 0: it was right */
    WK_ROOMS_TARIFF_SET,       /* calendar or special days */
    WK_ROOMS_SUPPLY_COMMANDED, /* value: wk_supply_command */
    WK_ROOMS_MODE_SET,         /* value: control mode */
    WK_ROOMS_CONTROL_SET,      /* a parameter of the supply; value: selector of the object */
    WK_ROOMS_LOAD_RELEASED,    /* a lock-out was released remotely */
    WK_ROOMS_PERIOD_ENDED,     /* the billing period is to end */
    WK_ROOMS_DISPLAY_SET,      /* a list; value: which */
    WK_ROOMS_PRICE_SET,        /* half-hourly prices came; value: how many */
    WK_ROOMS_ALARM_SET,        /* a register was cleared, a filter or destination set */
    WK_ROOMS_SERVICE_ORDERED,  /* covers may be open */
    WK_ROOMS_PROFILE_SET,      /* capture objects or period; value: which profile */
    WK_ROOMS_PROFILE_CLEARED,  /* likewise */
    WK_ROOMS_SETUP_SET,        /* a parameter of management/setup; value: class */
    WK_ROOMS_PAYMENT_SET,      /* a parameter of payment; value: class */
    WK_ROOMS_IMAGE_ENABLED,    /* image transfer; value: whether */
    WK_ROOMS_LOCK_RESET,       /* a lock-out was ended; value: role */
    WK_ROOMS_ALARM_TOLD,       /* a destination has heard: nothing is logged */
    WK_ROOMS_COUNTS_SET,       /* a least duration of management/counts */
};
#define WK_ROOMS_SOURCE 1 /* wk_notice.source of these */

/* The newest intervals of power quality; windows 0 = there was none yet. Not kept over a
 * restart. */
struct wk_rooms_quality {
    struct wk_record_quality three_s;
    struct wk_record_quality ten_min;
};

#define WK_ROOMS_HARMONICS 40
/* Harmonics of the newest 150/180 cycles: mV and mA rms, order h in [h - 1]; not kept over a
 * restart. `known`: a bit for each channel that was measured. */
struct wk_rooms_harmonics {
    uint32_t u_mv[WK_RECORD_PHASES][WK_ROOMS_HARMONICS];
    uint32_t i_ma[WK_RECORD_PHASES][WK_ROOMS_HARMONICS];
    uint8_t known; /* bit 0..2: u, 3..5: i */
};

/* What the case of this meter has; NULL: not there. */
struct wk_rooms_fittings {
    const struct wk_hal_relay *relay[WK_RELAY_COUNT];
    const struct wk_hal_case *enclosure;
    const struct wk_hal_magnet *magnet;
    const struct wk_hal_thermometer *thermometer;
};

enum { WK_ROOMS_LIMITER = 0, WK_ROOMS_LIMITER_RESPONSE = 1, WK_ROOMS_LIMITERS };

/* What asks the supply to open or close. None of these rooms knows another: the assembler
 * carries what they find. */
struct wk_rooms_control {
    struct wk_contact contact;
    struct wk_protection protection;
    struct wk_reclose reclose;
    struct wk_limiter limiter[WK_ROOMS_LIMITERS]; /* of the contract, of demand response */
    struct wk_response response;
    struct wk_relay relay[WK_RELAY_COUNT];
    uint8_t reasons; /* WK_SUPPLY_LOAD ...: why the meter keeps the supply open */
    bool emergency;  /* of the limiter of the contract, told */
    bool heat_known;
    int32_t heat_mdegc;
    uint32_t seed; /* of random offsets */
};

struct wk_counts;
struct wk_data_protection;
struct wk_quantities;
struct wk_parameter_monitor;
struct wk_push;
struct wk_session_security;
struct wk_payment;
struct wk_image;

/* Pointers stand where alignment leaves room for one. */
struct wk_rooms {
    struct wk_rooms_identity identity;
    struct wk_rooms_transformers transformers;
    struct wk_store store;
    struct wk_clock clock;
    struct wk_tariff tariff;
    struct wk_registers registers;
    struct wk_registers_blocks blocks;
    struct wk_demand demand;
    struct wk_billing billing;
    struct wk_price price;
    struct wk_price_spent spent;                      /* on import, since the meter was made */
    const struct wk_power_factor_table *power_factor; /* NULL: the contract has none */
    struct wk_parameter_monitor *parameter_monitor;   /* borrowed; NULL: none */
    struct wk_profile profile[WK_ROOMS_OWN_PROFILES];
    struct wk_supply supply;
    struct wk_rooms_control control;
    struct wk_rooms_fittings fittings;
    struct wk_tamper tamper;
    const struct wk_hal_contactor *contactor;
    struct wk_rooms_harmonics *harmonics; /* borrowed; NULL: not shown */
    struct wk_record live;                /* the newest window; kind 0 = none yet */
    struct wk_shown shown; /* ... and the newest without an impulse: what people look at */
    struct wk_rooms_quality quality;
    int64_t t_us; /* metrology's time of the newest record */
    uint32_t power_failures;
    struct wk_session_security *security; /* borrowed; NULL: lock-outs are not shown */
    struct wk_event_storm storm;
    struct wk_alarm alarm;
    uint8_t chain[WK_EVENT_CHAIN]; /* newest hash of the security log */
    struct wk_display display;
    struct wk_setup *setup;           /* borrowed; NULL: parameters keep their first values */
    struct wk_counts *counts;         /* borrowed; NULL: nothing is counted */
    struct wk_quantities *quantities; /* borrowed; NULL: there is none of these */
    struct wk_profile *more_profiles; /* borrowed, WK_ROOMS_MORE_PROFILES; NULL: none */
    struct wk_push *push;             /* borrowed; NULL: the meter pushes nothing */
    struct wk_payment *payment;       /* borrowed; NULL: the meter has no account */
    struct wk_image *image;           /* borrowed; NULL: the meter takes no firmware */
    struct wk_data_protection *data_protection; /* borrowed; NULL: there is no class 30 */
    struct wk_notice_ring notices;
};

/** Power failures: those in which metrology did not run, and outages that it saw. `where`:
 *  wk_counts_where. */
uint32_t wk_rooms_failures(const struct wk_rooms *rooms, uint8_t where);

/** A profile, NULL if this meter has no such. */
struct wk_profile *wk_rooms_profile(struct wk_rooms *rooms, uint8_t number);

/** Whether there is such a profile, and the store has room for it. */
bool wk_rooms_has_profile(const struct wk_rooms *rooms, uint8_t number);

/** The log of the store that holds an event log; WK_ROOMS_LOG_EVENT if it has none of its own. */
uint8_t wk_rooms_log_of(const struct wk_rooms *rooms, wk_event_log log);

#endif
