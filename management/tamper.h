/* SPDX-License-Identifier: Apache-2.0
 *
 * management/tamper - finds fraud and faults of an installation in what the meter measures and
 * what its case tells.
 *
 * A table of detectors: each has a condition, a condition of its end (hysteresis), and how long
 * each must last. What begins and ends is told as edges; at each begin the quantities are kept.
 * Parameters can be set and are checked; docs/tamper.md tells every one.
 *
 * Energy that probably passed by the registers is estimated in registers of this room. Nothing
 * here ever touches what is billed.
 *
 * Inputs are windows (metrology/record), readings of the case and counts of notices; time is an
 * argument. On a Cortex-M4F 1.2 kB of RAM, 7.1 kB of flash. */
#ifndef WK_MANAGEMENT_TAMPER_H
#define WK_MANAGEMENT_TAMPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/latch.h"
#include "management/setting.h"
#include "metrology/record.h"

/* name, latches (3 = one per phase), text. The order is that of the parameters in the store. */
#define WK_TAMPER_LIST(X)                                                                      \
    X(WK_TAMPER_BYPASS, 1, "neutral bypass")           /* I of line and neutral differ */      \
    X(WK_TAMPER_WIRE_MISSING, 1, "wire missing")       /* current, but no voltage */           \
    X(WK_TAMPER_REVERSED, 3, "reversed current")       /* export of a site that has none */    \
    X(WK_TAMPER_VOLTAGE_MISSING, 3, "voltage missing") /* of a phase that has current */       \
    X(WK_TAMPER_CT, 3, "current transformer")          /* open or shorted */                   \
    X(WK_TAMPER_SEQUENCE, 1, "phase sequence")         /* voltages rotate the other way */     \
    X(WK_TAMPER_UNBALANCE, 1, "voltage unbalance")     /* a lost or moved neutral */           \
    X(WK_TAMPER_MAGNET, 1, "magnetic field")                                                   \
    X(WK_TAMPER_TERMINAL_COVER, 1, "terminal cover")                                           \
    X(WK_TAMPER_MAIN_COVER, 1, "main cover")                                                   \
    X(WK_TAMPER_MODULE, 1, "communication module")                                             \
    X(WK_TAMPER_AUTHENTICATION, 1, "authentication") /* refused too often */                   \
    X(WK_TAMPER_CLOCK, 1, "clock")                   /* set too often */                       \
    X(WK_TAMPER_CONFIGURATION, 1, "configuration")   /* changed too often */                   \
    X(WK_TAMPER_NO_CONSUMPTION, 1, "no consumption")                                           \
    X(WK_TAMPER_LOAD_WHILE_OPEN, 1, "load while disconnected")

#define WK_TAMPER_ENUM(name, latches, text) name,
typedef enum wk_tamper_kind { WK_TAMPER_LIST(WK_TAMPER_ENUM) WK_TAMPER_KINDS } wk_tamper_kind;
#undef WK_TAMPER_ENUM

#define WK_TAMPER_LATCHES   22 /* the sum of the second column */
#define WK_TAMPER_SNAPSHOTS 4

/* What a detector goes by. `level` and `end_level` are in per mille of what docs/tamper.md says,
 * or microtesla, or a count. */
struct wk_tamper_rule {
    uint8_t enabled;
    int32_t level;     /* begins beyond it ... */
    int32_t end_level; /* ... ends on this side of it */
    int32_t least_ma;  /* current from which on it is judged */
    uint32_t begin_s;  /* lasts so long; notices: within so long */
    uint32_t end_s;
};
extern const struct wk_setting_table wk_tamper_rule_table;

/* What the site is. */
struct wk_tamper_site {
    int32_t nominal_mv;
    int64_t maximum_ua;  /* Imax */
    uint8_t generation;  /* 1: it may export */
    uint8_t rotation;    /* 1: L1-L2-L3; 2: L1-L3-L2; 0: not judged */
    uint8_t magnet_bill; /* 1: while a magnet works, Imax is estimated */
};
extern const struct wk_setting_table wk_tamper_site_table;

struct wk_tamper_snapshot {
    int64_t utc_s; /* 0: empty */
    int64_t import_uwh;
    int32_t u_mv[WK_RECORD_PHASES];
    int32_t i_ma[WK_RECORD_PHASES + 1];
    int32_t p_w[WK_RECORD_PHASES];
    uint8_t latch; /* index: wk_tamper_kind_of */
};

/* Notices within a time. */
struct wk_tamper_counter {
    int64_t first_us;
    int64_t last_us;
    uint16_t count;
};
enum { WK_TAMPER_COUNTERS = 3 }; /* AUTHENTICATION, CLOCK, CONFIGURATION */

/* What a phase carries at least: the least mean of 15 minutes of the last day. */
struct wk_tamper_habit {
    int64_t sum_ua_ms[WK_RECORD_PHASES]; /* of the 15 minutes under way */
    int64_t span_us;
    int64_t least_ua[WK_RECORD_PHASES]; /* of the day under way */
    int64_t floor_ua[WK_RECORD_PHASES]; /* of the day before */
    uint8_t blocks;
    bool known;
};

struct wk_tamper_energy {
    int64_t bypass_uwh;  /* by the larger current */
    int64_t voltage_uwh; /* at the nominal voltage, for what was missing of it */
    int64_t magnet_uwh;  /* at Imax */
    int64_t rest[3];     /* mW us that do not fill a uWh */
};

struct wk_tamper {
    struct wk_tamper_rule rule[WK_TAMPER_KINDS];
    struct wk_tamper_site site;
    struct wk_latch latch[WK_TAMPER_LATCHES];
    struct wk_tamper_counter counter[WK_TAMPER_COUNTERS];
    struct wk_tamper_habit habit;
    struct wk_tamper_energy energy;
    struct wk_tamper_snapshot snapshot[WK_TAMPER_SNAPSHOTS]; /* [newest], older before it */
    uint8_t newest;
    bool neutral_seen;     /* a neutral current was measured once: the sensor is there */
    int64_t service_end_s; /* UTC: covers may be open until then; 0: no order */
    uint8_t service_seen;  /* covers that were open during the order */
};

struct wk_tamper_input {
    const struct wk_record *record; /* a window */
    int64_t utc_s;                  /* the meter's clock */
    int64_t import_uwh;             /* register */
    bool open;                      /* the contactor rests open */
    uint8_t covers;                 /* WK_HAL_COVERS: open now or since the last step */
    int64_t first_opened_s;         /* UTC; 0: not known */
    int32_t field_ut;               /* 0: none, or no sensor */
};

/* What a step found; bits: latches. */
struct wk_tamper_edges {
    uint32_t begins;
    uint32_t ends;
};

/** The rule of a kind where nothing else is set, for that Imax. */
struct wk_tamper_rule wk_tamper_usual(wk_tamper_kind kind, int64_t maximum_ua);

/** Defaults for that site. */
void wk_tamper_init(struct wk_tamper *tamper, int32_t nominal_mv, int64_t maximum_ua);

/** WK_E_RANGE: outside of the table, or an end level on the wrong side of the level; nothing
 *  changed. WK_E_ARGUMENT: no such kind. */
WK_MUST_USE wk_err wk_tamper_set_rule(struct wk_tamper *tamper, uint8_t kind,
                                      const struct wk_tamper_rule *rule);
WK_MUST_USE wk_err wk_tamper_set_site(struct wk_tamper *tamper,
                                      const struct wk_tamper_site *site);

/** A service order: covers and the module may be open until then. WK_E_RANGE: more than 7 days
 *  ahead. A time in the past ends it. */
WK_MUST_USE wk_err wk_tamper_service(struct wk_tamper *tamper, int64_t utc_s, int64_t end_s);

/** A notice of AUTHENTICATION, CLOCK or CONFIGURATION; others are ignored. */
void wk_tamper_count(struct wk_tamper *tamper, wk_tamper_kind kind, int64_t t_us);

struct wk_tamper_edges wk_tamper_step(struct wk_tamper *tamper,
                                      const struct wk_tamper_input *input);

/** The kind and the phase (0 where there is one latch) of a latch; the first latch of a kind. */
wk_tamper_kind wk_tamper_kind_of(uint8_t latch, uint8_t *phase);
uint8_t wk_tamper_latch_of(wk_tamper_kind kind);
const char *wk_tamper_text(wk_tamper_kind kind);
/** Latches that are on, as bits. */
uint32_t wk_tamper_active(const struct wk_tamper *tamper);

/* All that must outlive a power cut, in two parts. */
#define WK_TAMPER_PACKED 640 /* octets of either part, most */
/** What is set otherwise than usual, and the snapshots. */
void wk_tamper_pack(const struct wk_tamper *tamper, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_tamper_unpack(struct wk_tamper *tamper, struct wk_bytes_in *in);
/** What moves: active detectors, counts, habit, estimated energies. */
void wk_tamper_pack_state(const struct wk_tamper *tamper, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_tamper_unpack_state(struct wk_tamper *tamper, struct wk_bytes_in *in);

#endif
