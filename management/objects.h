/* SPDX-License-Identifier: Apache-2.0
 *
 * management/objects - the rows of the meter's COSEM table and the classes behind them.
 *
 * model/objects.txt lists them. Energies are long64 with scaler -6: exact uWh and
 * uvarh. The context of every class function is a struct wk_rooms. */
#ifndef WK_MANAGEMENT_OBJECTS_H
#define WK_MANAGEMENT_OBJECTS_H

#include "management/object.h"
#include "management/rooms.h"

/** The table of a meter with rooms->identity.phases phases. `rooms` must outlive it. */
struct wk_object_table wk_objects_table(struct wk_rooms *rooms);
/** An entry of an event log as its buffer will have it: a structure of the columns of this meter. */
void wk_objects_put_event(const struct wk_rooms *rooms, const struct wk_event *event,
                          struct wk_bytes_out *out);
/** An object of a meter with 1 or 3 phases, or NULL. */
const struct wk_object *wk_objects_find(uint8_t phases, uint16_t class_id,
                                        const uint8_t obis[6]);

/* The classes, one file each group. */
extern const struct wk_object_class wk_objects_data;     /* class 1 */
extern const struct wk_object_class wk_objects_register; /* class 3 */
extern const struct wk_object_class wk_objects_profile;  /* class 7 */
extern const struct wk_object_class wk_objects_periods;  /* class 7: billing periods */
extern const struct wk_object_class wk_objects_snapshot; /* class 7: made when it is read */
extern const struct wk_object_class wk_objects_scalers;  /* class 7; selector: row of another */
extern const struct wk_object_class wk_objects_clock;    /* class 8 */
extern const struct wk_object_class wk_objects_special_days; /* class 11 */
#define WK_OBJECTS_GUARDS 4
extern const struct wk_object_guard wk_objects_guards[WK_OBJECTS_GUARDS];

extern const struct wk_object_class wk_objects_counter;    /* class 1: invocation counters */
extern const struct wk_object_class wk_objects_sap;        /* class 17 */
extern const struct wk_object_class wk_objects_calendar;   /* class 20 */
extern const struct wk_object_class wk_objects_disconnect; /* class 70 */
extern const struct wk_object_class wk_objects_maximum;    /* class 4 */
extern const struct wk_object_class wk_objects_events;     /* class 7 */
extern const struct wk_object_class wk_objects_alarm;      /* class 1 */
extern const struct wk_object_class wk_objects_price;      /* class 1 */
extern const struct wk_object_class wk_objects_display;    /* class 1 */
extern const struct wk_object_class wk_objects_demand;     /* class 5 */
extern const struct wk_object_class wk_objects_script;     /* class 9; selector: group E */
extern const struct wk_object_class wk_objects_monitor;    /* class 21; selector: first field */
extern const struct wk_object_class wk_objects_schedule;   /* class 22; selector: first field */
extern const struct wk_object_class wk_objects_relay;      /* class 70; selector: index */
extern const struct wk_object_class wk_objects_limiter;    /* class 71; selector: index */
extern const struct wk_object_class wk_objects_setting;    /* class 1, parameters */
extern const struct wk_object_class wk_objects_control;    /* class 1, state and orders */
extern const struct wk_object_class wk_objects_setup; /* any class; selector: first field */
extern const struct wk_object_class wk_objects_push;  /* class 40; selector: setup */

extern const struct wk_object_class wk_objects_payment;  /* 111, 112, 113, 115, class 1 */
extern const struct wk_object_class wk_objects_image;    /* class 18 */
extern const struct wk_object_class wk_objects_firmware; /* class 1, about firmware */

extern const struct wk_object_class wk_objects_activation; /* class 6 */
extern const struct wk_object_class wk_objects_compact;    /* class 62; selector: first field */
extern const struct wk_object_class wk_objects_lockout;    /* class 124; selector: wk_role */
extern const struct wk_object_class wk_objects_counts;     /* classes 1 and 3 */
extern const struct wk_object_class wk_objects_event_code; /* class 1; selector: wk_event_log */
extern const struct wk_object_class wk_objects_failures;   /* class 7 */
extern const struct wk_object_class wk_objects_harmonic;   /* class 1; its name says which */
extern const struct wk_object_class wk_objects_signals;    /* class 1 */
extern const struct wk_object_class wk_objects_status;     /* class 63 */
extern const struct wk_object_class wk_objects_parameter_monitor; /* class 65; likewise */
extern const struct wk_object_class wk_objects_data_protection;   /* class 30; likewise */
extern const struct wk_object_class wk_objects_error;             /* class 1 */
extern const struct wk_object_class wk_objects_transformer;       /* class 1 */
extern const struct wk_object_class wk_objects_tamper;            /* class 1 */
extern const struct wk_object_class wk_objects_tamper_rule;       /* class 1; selector: kind */
extern const struct wk_object_class wk_objects_tamper_energy;     /* class 3 */

/* Selectors of class 1. */
enum {
    WK_OBJECTS_LOGICAL_NAME = 1,
    WK_OBJECTS_SERIAL,
    WK_OBJECTS_FIRMWARE,
    WK_OBJECTS_METROLOGY,
    WK_OBJECTS_ACTIVE_TARIFF,
    WK_OBJECTS_PROFILE_STATUS,   /* low octet of the status of an interval */
    WK_OBJECTS_PROFILE_STATUS_2, /* high octet */
    WK_OBJECTS_EVENT_CODE,
    WK_OBJECTS_EVENT_DETAIL,
    WK_OBJECTS_EVENT_VALUE,
    WK_OBJECTS_EVENT_MORE,
    WK_OBJECTS_POWER_FAILURES,
    WK_OBJECTS_PERIODS,       /* billing periods that ended */
    WK_OBJECTS_PERIOD_REASON, /* why one ended: wk_billing_reason */
    WK_OBJECTS_PERIOD_TIME,   /* when the last one ended */
};

/* Selectors of class 3: a quantity, plus a phase (0..2) or an index times 256. */
enum {
    WK_OBJECTS_IMPORT = 1, /* energies */
    WK_OBJECTS_EXPORT,
    WK_OBJECTS_REACTIVE_IMPORT,
    WK_OBJECTS_REACTIVE_EXPORT,
    WK_OBJECTS_QUADRANT,      /* index 0..3 */
    WK_OBJECTS_IMPORT_TARIFF, /* index 0..7 */
    WK_OBJECTS_EXPORT_TARIFF,
    WK_OBJECTS_QUADRANT_TARIFF, /* index 8 * quadrant + tariff */
    WK_OBJECTS_BLOCK,           /* index 4 * tariff + block */
    WK_OBJECTS_CUMULATIVE,      /* demand; index 0 = of all tariffs, 1..8 */
    WK_OBJECTS_IMPORT_PHASE,
    WK_OBJECTS_EXPORT_PHASE,
    WK_OBJECTS_IMPORT1, /* of the fundamental */
    WK_OBJECTS_EXPORT1,
    WK_OBJECTS_APPARENT_IMPORT,
    WK_OBJECTS_APPARENT_EXPORT,
    WK_OBJECTS_WITHHELD_IMPORT, /* kept out of the registers by a guard */
    WK_OBJECTS_WITHHELD_EXPORT,
    WK_OBJECTS_P_IMPORT, /* instantaneous, sums over phases */
    WK_OBJECTS_P_EXPORT,
    WK_OBJECTS_Q_IMPORT,
    WK_OBJECTS_Q_EXPORT,
    WK_OBJECTS_S,
    WK_OBJECTS_PF,
    WK_OBJECTS_FREQUENCY,
    WK_OBJECTS_U, /* instantaneous, per phase */
    WK_OBJECTS_I,
    WK_OBJECTS_I_NEUTRAL,
    WK_OBJECTS_P_PHASE, /* signed */
    WK_OBJECTS_Q_PHASE, /* signed */
    WK_OBJECTS_PF_PHASE,
    WK_OBJECTS_ANGLE,  /* index: group E of 1.0.81.7: tens, of what; ones, against which U */
    WK_OBJECTS_U_MEAN, /* of the capture period under way */
    WK_OBJECTS_I_MEAN,
    WK_OBJECTS_U_THD, /* of the last 150/180 cycles, per phase */
    WK_OBJECTS_I_THD,
    WK_OBJECTS_PST, /* of the last full ten minutes */
    WK_OBJECTS_UNBALANCE,
    WK_OBJECTS_I_MOST, /* largest phase current */
    WK_OBJECTS_P_NET,  /* magnitude of the sum over phases */
    WK_OBJECTS_S_PHASE,
    WK_OBJECTS_P_IMPORT_PHASE,
    WK_OBJECTS_P_EXPORT_PHASE,
    WK_OBJECTS_Q_EXPORT_PHASE,
    WK_OBJECTS_S_EXPORT_PHASE,  /* 0 while active power is imported */
    WK_OBJECTS_REACTIVE_TARIFF, /* index 0..7: import; 8..15: export */
    WK_OBJECTS_I_SUM,           /* of the phase currents */
    WK_OBJECTS_APPARENT_TARIFF, /* management/quantities; index 8 * way + tariff */
    WK_OBJECTS_REACTIVE_PHASE,  /* likewise, index 3 * way + phase */
    WK_OBJECTS_APPARENT_PHASE,
    WK_OBJECTS_CREDIT, /* payment; index: wk_payment_figure */
    WK_OBJECTS_CREDIT_DAYS,
};
#define WK_OBJECTS_OF(quantity, index) ((quantity) | ((uint32_t)(index) << 8))

/** A value of what the terminals see as objects tell it: times the ratios of the transformers that
 *  are applied to its unit (IEC 62056-6-2, table 4), to the nearest. Nothing else applies them:
 *  registers, bills and what decides about the supply are of the terminals. */
int64_t wk_objects_primary(const struct wk_rooms *rooms, uint8_t unit, int64_t value);

/** The value of a class 3 selector as it goes on the wire (see its scaler). WK_E_NOT_FOUND: no
 *  such selector; WK_E_BUSY: nothing has been measured yet. */
WK_MUST_USE wk_err wk_objects_value(const struct wk_rooms *rooms, uint32_t selector,
                                    int64_t *value);

/** The same, with the quantities of another window than the newest. */
WK_MUST_USE wk_err wk_objects_value_in(const struct wk_rooms *rooms,
                                       const struct wk_record *window, uint32_t selector,
                                       int64_t *value);

/** Scaler and unit (IEC 62056-6-2, table 4) of a class 3 selector. WK_E_NOT_FOUND. */
WK_MUST_USE wk_err wk_objects_scale(uint32_t selector, int8_t *scaler, uint8_t *unit);

/** The value as it goes on the wire, with its type. */
void wk_objects_put_value(uint32_t selector, int64_t value, struct wk_bytes_out *out);

/* Selectors of class 7 are numbers of profiles (rooms.h) and of event logs (wk_event_log). */

/* Selectors of wk_objects_price. */
enum { WK_OBJECTS_PRICE_NOW = 1, WK_OBJECTS_PRICE_DAY, WK_OBJECTS_POWER_FACTOR };

/* Selectors of wk_objects_alarm; number of the register or destination times 256. */
enum {
    WK_OBJECTS_ALARM_REGISTER = 1,
    WK_OBJECTS_ALARM_FILTER,
    WK_OBJECTS_ALARM_DESTINATION,
    WK_OBJECTS_ALARM_DESCRIPTOR,
};

/* Selectors of wk_objects_setting and wk_objects_control. */
enum {
    WK_OBJECTS_SET_SUPPLY = 1,
    WK_OBJECTS_SET_CONTACT,
    WK_OBJECTS_SET_PROTECTION,
    WK_OBJECTS_SET_RECLOSE,
    WK_OBJECTS_SET_RESPONSE,
    WK_OBJECTS_SET_RELAY_1,
    WK_OBJECTS_SET_RELAY_2,
    WK_OBJECTS_SUPPLY_STATE,
    WK_OBJECTS_RESPONSE_ORDER,
};

/* Selectors of wk_objects_tamper. */
enum {
    WK_OBJECTS_TAMPER_ACTIVE = 1,
    WK_OBJECTS_TAMPER_SNAPSHOTS,
    WK_OBJECTS_TAMPER_SITE,
    WK_OBJECTS_TAMPER_SERVICE,
};

/* Selectors of wk_objects_activation. */
enum { WK_OBJECTS_ACTIVATION_ENERGY = 1, WK_OBJECTS_ACTIVATION_DEMAND };

/* Selectors of wk_objects_counts, with an index times 256: a phase 0..2, wk_counts_where,
 * wk_counts_threshold, wk_counts_least or wk_tamper_kind. The order counts: voltages, outages, tampers. */
enum {
    WK_OBJECTS_SAG_NUMBER = 1,
    WK_OBJECTS_SAG_DURATION,
    WK_OBJECTS_SAG_MAGNITUDE,
    WK_OBJECTS_SWELL_NUMBER,
    WK_OBJECTS_SWELL_DURATION,
    WK_OBJECTS_SWELL_MAGNITUDE,
    WK_OBJECTS_OUTAGE_NUMBER,
    WK_OBJECTS_OUTAGE_LONGS,
    WK_OBJECTS_OUTAGE_TIME,
    WK_OBJECTS_OUTAGE_LONG,
    WK_OBJECTS_TAMPER_NUMBER,
    WK_OBJECTS_TAMPER_TIME,
    WK_OBJECTS_TAMPER_NOW,
    WK_OBJECTS_TAMPER_SPAN,
    WK_OBJECTS_THRESHOLD,
    WK_OBJECTS_LEAST,
    WK_OBJECTS_AWAY,    /* minutes in which metrology did not run */
    WK_OBJECTS_RUNNING, /* minutes in which it did */
    WK_OBJECTS_TAMPERS, /* all kinds */
    WK_OBJECTS_CHANGES, /* of parameters */
    WK_OBJECTS_CHANGE_TIME,
};

/* Selectors of wk_objects_signals. */
enum {
    WK_OBJECTS_SIGNALS_IN = 1, /* bits: terminal cover, meter cover, module out, magnet */
    WK_OBJECTS_SIGNALS_OUT,    /* bits: contactor as it reports, load relays 1 and 2 */
    WK_OBJECTS_SIGNALS_WANTED, /* the same as they are wanted */
    WK_OBJECTS_SIGNALS_LOAD,   /* bit n: output n + 1 of load management of the calendar */
};

/* Selectors of wk_objects_transformer. */
enum {
    WK_OBJECTS_CT_PRIMARY = 1,
    WK_OBJECTS_CT_SECONDARY,
    WK_OBJECTS_VT_PRIMARY,
    WK_OBJECTS_VT_SECONDARY,
    WK_OBJECTS_APPLIED,
};

/* Selectors of wk_objects_firmware. */
enum { WK_OBJECTS_FIRMWARE_DIGEST = 1, WK_OBJECTS_FIRMWARE_STATE };

/** A parameter of management/setup that is a number. False: no client has set it. */
bool wk_objects_setup_number(const struct wk_rooms *rooms, uint16_t class_id,
                             const uint8_t obis[6], uint8_t attribute, int64_t *number);

/** Maximum and average of a demand as they go on the wire (classes 4 and 5; the selector is a tariff,
 *  0 = of all, and value group C times 256, 0 = active import). WK_E_NOT_FOUND: this meter has none. */
WK_MUST_USE wk_err wk_objects_maximum_of(const struct wk_rooms *rooms, uint32_t selector,
                                         struct wk_demand_maximum *maximum);
WK_MUST_USE wk_err wk_objects_average_of(const struct wk_rooms *rooms, uint32_t selector,
                                         bool last, int64_t *power_mw);

/** A date-time; of an instant of 0, which was none, nothing is specified. */
WK_MUST_USE wk_err wk_objects_put_time(const struct wk_rooms *rooms, struct wk_utc at,
                                       struct wk_bytes_out *out);

/** The whole value of an attribute that can be read: null-data if call->role may not, or if it is
 *  not there yet. WK_E_FULL: it does not fit, or goes on. */
WK_MUST_USE wk_err wk_objects_put_attribute(const struct wk_object_call *call,
                                            const struct wk_object *object, uint8_t attribute,
                                            struct wk_bytes_out *out);
/** Looks for an attribute that can be read: not one of a profile or compact data, nor the buffer
 *  of data protection, which are long or may name themselves. WK_E_RANGE: there is none. */
WK_MUST_USE wk_err wk_objects_find_attribute(const struct wk_rooms *rooms, uint16_t class_id,
                                             const uint8_t obis[6], int64_t attribute,
                                             const struct wk_object **object);

/** The parameters of a table as a structure, in its order; reading takes any integer types.
 *  WK_E_FORMAT: not that many integers; WK_E_RANGE: one is outside of its range. */
void wk_objects_put_settings(struct wk_bytes_out *out, const struct wk_setting_table *table,
                             const void *settings);
WK_MUST_USE wk_err wk_objects_read_settings(struct wk_bytes_in *in,
                                            const struct wk_setting_table *table,
                                            void *settings);

/** The parameter of a method that needs none: integer(0) by the standard, and nothing, which
 *  older clients send. WK_E_FORMAT: something else. */
WK_MUST_USE wk_err wk_objects_take_zero(struct wk_bytes_in *parameter);

/** Whether the script of a class 22 object, call->object, came due after `from` and not after
 *  call->now_us. */
bool wk_objects_schedule_is_due(const struct wk_object_call *call, struct wk_utc from);
/** Executes it. Errors: those of wk_objects_run_script. */
WK_MUST_USE wk_err wk_objects_schedule_execute(const struct wk_object_call *call);

/** Compares the register of a class 21 object, call->object, the meter's monitor `number`, with its
 *  thresholds, and executes the script of each that it crossed since the last call. Whether what
 *  is to be kept of it changed. */
bool wk_objects_monitor_run(const struct wk_object_call *call, uint8_t number);

/** Executes a script: a structure of the name of a script table and a number. WK_E_FORMAT: it is
 *  none; WK_E_RANGE: no such table or script; or what the script's method returns. */
WK_MUST_USE wk_err wk_objects_run_script(const struct wk_object_call *call,
                                         struct wk_bytes_in script);

/** Keeps the harmonics of 150/180 cycles in rooms->harmonics, if the meter has that. */
void wk_objects_harmonics_take(struct wk_rooms *rooms,
                               const struct wk_record_spectrum *spectrum);

/** Tells the assembler what a client changed. */
void wk_objects_tell(const struct wk_object_call *call, uint16_t code, int32_t value);

#endif
