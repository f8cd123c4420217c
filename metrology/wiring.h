/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/wiring - the installation check: from phasors alone, how the meter is wired.
 *
 * Every wiring with up to two faults is tried: is there a supply and are there loads, within
 * what is declared, that would show the phasors seen? The wiring with the fewest faults that
 * explains them is the verdict. If two of equal fault count do, the verdict is "cannot tell".
 *
 * That all three CTs are reversed is tried as well, as three faults. It shows the phasors of CTs
 * moved round by one with loads whose angle is off by 60 deg: unless the loads are declared
 * inductive or capacitive, that is "cannot tell"; else the other one is given as `rival`.
 *
 * A fault is one of wk_wiring_kind; CTs or voltages moved round by one are two exchanges.
 *
 * What phasors cannot tell, must be declared (struct wk_wiring_declared), because two wirings
 * then show the same phasors:
 *  - which way power flows: a reversed CT and a phase that exports look alike. WK_WIRING_EITHER
 *    leaves it open; a lone phase that runs backwards is then "cannot tell".
 *  - the range of the loads' angles. With 60 deg lag to 60 deg lead (PF 0.5 to 0.5) two wirings
 *    meet in exactly the ends: all phases at 0.5 L with one wiring are all phases at 0.5 C with
 *    the CTs moved on by one phase. Within 1 deg of both ends, exchanged CTs need a narrower
 *    range: declare inductive or capacitive loads.
 *  - that the loads of the phases are similar: their angles differ by less than 30 deg. Loads
 *    that differ more are judged too, if just one wiring explains them.
 *  - which phases export if others import, by the installation's own names, and that they do so
 *    with PF 0.98 or better. A load at 60 deg then looks like an export on the next phase, so
 *    loads are taken to be within 60 deg less that range and some
 *    margin (43 deg, PF 0.73); beyond, the
 *    verdict is "cannot tell": let the generator rest and ask again. The loads
 *    must then be declared inductive or capacitive too, where a current is missing.
 *  - that every phase has a load; a phase without one may be excepted.
 * Voltages are taken as symmetrical within 8 %. A neutral that is lost shows only if its potential
 * has moved by 8 %, and is taken to move by 60 % at most. A voltage input that shows nothing is missing, whether its lead is
 * open or on the conductor of the neutral input. Of wirings with equally many faults, one that
 * says what must be seen is preferred to one with a free size (a ratio, a lost neutral).
 *
 * On a Cortex-M4F 7.6 kB of flash (texts included), 0.1 kB of RAM to average, 1 kB of stack.
 *
 * Angles and powers here are for people: float. The billed values are not touched. */
#ifndef WK_METROLOGY_WIRING_H
#define WK_METROLOGY_WIRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrology/angle.h"
#include "metrology/record.h"

#define WK_WIRING_PHASES      3
#define WK_WIRING_FAULTS      2     /* most faults at a time that are searched for */
#define WK_WIRING_FINDINGS    6     /* faults of the wiring, then ratios */
#define WK_WIRING_TEXT        160   /* octets of the longest sentence */
#define WK_WIRING_LEAST_PPM   20000 /* of the rated current: less is no current */
#define WK_WIRING_ANGLE_MDEG  60000 /* PF 0.5 */
#define WK_WIRING_APART_MDEG  30000 /* loads' angles differ by less */
#define WK_WIRING_EXPORT_MDEG 11500 /* PF 0.98 */
#define WK_WIRING_OTHER_MDEG  10000 /* what inductive loads may lead, capacitive ones lag */
#define WK_WIRING_NONE        255   /* no input */
#define WK_WIRING_NEUTRAL     3     /* conductors: 0..2 = L1..L3 */

typedef enum wk_wiring_flow {
    WK_WIRING_IMPORT = 0,
    WK_WIRING_EXPORT,
    WK_WIRING_EITHER,
} wk_wiring_flow;

typedef enum wk_wiring_character {
    WK_WIRING_ANY = 0,
    WK_WIRING_INDUCTIVE,
    WK_WIRING_CAPACITIVE,
} wk_wiring_character;

/* What is known of the installation. */
struct wk_wiring_declared {
    uint8_t phases;     /* 1 or 3 */
    uint8_t loaded;     /* bit 0..2: L1..L3 have a load now */
    int32_t nominal_mv; /* phase voltage */
    bool transformers;  /* voltages come from transformers, whose ratio may be wrong */
    int64_t rated_ua;   /* rated current; below 2 % of it nothing is judged */
    int64_t i_least_ua; /* expected range of the currents; 0: not known */
    int64_t i_most_ua;  /* 0: not known */
    wk_wiring_flow flow[WK_WIRING_PHASES]; /* of L1..L3, by the installation's names */
    int32_t lag_most_mdeg;                 /* currents lag by so much at most, 0..90,000 */
    int32_t lead_most_mdeg;                /* ... lead, 0..90,000 */
    int32_t apart_most_mdeg;               /* angles of the loads differ by less */
    int32_t export_most_mdeg; /* |angle| of a phase that exports while others import */
};

/* Name, sentence, remedy. @ and # stand for the numbers of the phases. */
#define WK_WIRING_KIND_LIST(X)                                                                 \
    X(WK_WIRING_CT_REVERSED, "the CT of L@ is reversed",                                       \
      "turn the CT of L@ round, or exchange its two leads")                                    \
    X(WK_WIRING_CT_EXCHANGED, "the CTs of L@ and L# are exchanged",                            \
      "exchange the CTs of L@ and L#")                                                         \
    X(WK_WIRING_CT_ROTATED, "the CTs are moved round: the input of L1 measures L@",            \
      "move each CT to the input of the phase it is on")                                       \
    X(WK_WIRING_CT_ALL_REVERSED, "all CTs are reversed",                                       \
      "turn every CT round, or exchange the leads of each; or declare that the site exports")  \
    X(WK_WIRING_I_MISSING, "no current arrives from the CT of L@",                             \
      "look for an open or shorted lead of the CT of L@, or declare L@ to be without load")    \
    X(WK_WIRING_U_EXCHANGED, "the voltages of L@ and L# are exchanged",                        \
      "exchange the voltage leads of L@ and L#")                                               \
    X(WK_WIRING_U_MISSING, "the voltage of L@ is missing",                                     \
      "look at the fuse and the voltage lead of L@")                                           \
    X(WK_WIRING_U_SAME, "the voltage input of L@ is on the same phase as that of L#",          \
      "put the voltage lead of L@ on its own phase")                                           \
    X(WK_WIRING_U_RATIO, "the voltage of L@ has an implausible ratio",                         \
      "check the voltage transformer and the configured ratio of L@")                          \
    X(WK_WIRING_NEUTRAL_LOST, "the neutral is lost: its potential floats",                     \
      "look for the break in the neutral before anything else")                                \
    X(WK_WIRING_NEUTRAL_EXCHANGED, "the neutral and L@ are exchanged at the voltage inputs",   \
      "exchange the neutral lead and the voltage lead of L@")                                  \
    X(WK_WIRING_ROTATION, "the phases rotate L1-L3-L2",                                        \
      "metering is right; exchange two phases of the supply if machines must turn right")      \
    X(WK_WIRING_I_RATIO, "the current of L@ is outside the expected range",                    \
      "check the CT of L@ and its configured ratio")                                           \
    X(WK_WIRING_U_ALL_RATIO, "no voltage is near the nominal one",                             \
      "check the nominal voltage and the configured ratio of the voltage transformers")

#define WK_WIRING_KIND_ENUM(name, text, remedy) name,
typedef enum wk_wiring_kind {
    WK_WIRING_KIND_LIST(WK_WIRING_KIND_ENUM) WK_WIRING_KINDS
} wk_wiring_kind;
#undef WK_WIRING_KIND_ENUM

struct wk_wiring_finding {
    wk_wiring_kind kind;
    uint8_t a; /* phases, 0..2 */
    uint8_t b;
};

typedef enum wk_wiring_reason {
    WK_WIRING_TOLD = 0,
    WK_WIRING_NO_WINDOW,      /* nothing was averaged */
    WK_WIRING_NO_VOLTAGE,     /* no voltage reaches half of the nominal one */
    WK_WIRING_LITTLE_CURRENT, /* none reaches 2 %: findings are those of the voltages */
    WK_WIRING_NO_FIT,         /* no wiring with up to two faults explains the phasors */
    WK_WIRING_AMBIGUOUS,      /* `rival` explains them as well as `layout` */
} wk_wiring_reason;

/* How the inputs are connected. */
struct wk_wiring_layout {
    int8_t rotation;             /* of the supply: 1 = L1-L2-L3, -1 = L1-L3-L2 */
    uint8_t u[WK_WIRING_PHASES]; /* conductor at each voltage input: 0..2, NEUTRAL */
    uint8_t neutral;             /* conductor at the neutral input, likewise */
    uint8_t open;                /* bits: voltage inputs without voltage */
    bool neutral_lost;           /* the neutral conductor floats */
    uint8_t i[WK_WIRING_PHASES]; /* phase whose current each CT input measures */
    uint8_t reversed;            /* bits: CT inputs */
    uint8_t dead;                /* bits: CT inputs without current */
    uint8_t off_ratio;           /* bits: voltage inputs */
    uint8_t faults;
    struct wk_wiring_finding fault[WK_WIRING_FAULTS];
};

/* The powers that a pair of U and I makes. */
struct wk_wiring_power {
    float u_v;
    float i_a;
    float angle_deg; /* by which I lags */
    float p_w;
    float q_var;
    float pf; /* cos of the angle */
};

/* What to take instead of what is connected: phase by phase. */
struct wk_wiring_correction {
    uint8_t u_from[WK_WIRING_PHASES]; /* voltage input; NONE: the voltage is reconstructed */
    uint8_t i_from[WK_WIRING_PHASES]; /* current input; NONE: there is no current */
    int8_t i_sign[WK_WIRING_PHASES];  /* 1 or -1 */
    struct wk_wiring_power before[WK_WIRING_PHASES]; /* as connected, per input */
    struct wk_wiring_power after[WK_WIRING_PHASES];  /* as corrected, per phase */
};

struct wk_wiring_verdict {
    bool told; /* else `reason` says why not */
    wk_wiring_reason reason;
    bool exports; /* EITHER: explained by a phase that exports */
    uint8_t findings;
    struct wk_wiring_finding finding[WK_WIRING_FINDINGS];
    struct wk_wiring_layout layout; /* what `finding` describes */
    bool has_rival;                 /* another wiring explains it: as well (AMBIGUOUS), or */
    struct wk_wiring_layout rival;  /* with more faults */
    struct wk_wiring_correction correction;
};

/* Phasors averaged over windows. */
struct wk_wiring {
    uint32_t windows;
    uint8_t reference;
    struct wk_angle_vector u[WK_WIRING_PHASES]; /* sums: mV, uA */
    struct wk_angle_vector i[WK_WIRING_PHASES];
};

/** All phases loaded and importing, PF 0.5 L to 0.5 C. */
struct wk_wiring_declared wk_wiring_usual(uint8_t phases, int32_t nominal_mv, int64_t rated_ua);

/** Narrows the range of angles. */
void wk_wiring_declare(struct wk_wiring_declared *declared, wk_wiring_character character);

void wk_wiring_init(struct wk_wiring *wiring);

/** Adds a window; false if it is of no use: another kind of record, or one that is short, has
 *  no frequency, or is clipped. */
bool wk_wiring_add(struct wk_wiring *wiring, const struct wk_record *record);

void wk_wiring_judge(const struct wk_wiring *wiring, const struct wk_wiring_declared *declared,
                     struct wk_wiring_verdict *verdict);

/** The sentence (or the remedy) for a finding, zero-terminated, cut to `room` octets. */
void wk_wiring_say(const struct wk_wiring_finding *finding, bool remedy, char *text,
                   size_t room);

/** Why nothing can be told, or that all is right or not. Static. */
const char *wk_wiring_summary(const struct wk_wiring_verdict *verdict);

#endif
