/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/record - what crosses the seam between metrology and management.
 *
 * Metrology emits a gapless sequence of records: one per 10/12-cycle window, one at once for
 * every voltage event, and, where power quality is analysed, those of its intervals. Management consumes each exactly once and keeps (epoch, seq) in the
 * same commit as what it derived. A record is plain data of fixed size, with no pointers and
 * no hole whose content matters, so that it can lie in shared memory.
 *
 * Sign convention: P + jQ = U * conj(I) of fundamental phasors, load reference arrow: P > 0 is
 * import, Q > 0 inductive import. Quadrants: I = +P +Q, II = -P +Q, III = -P -Q, IV = +P -Q
 * (IEC 62053-23 annex C). "Phase" arrays are L1, L2, L3; unused phases hold 0. */
#ifndef WK_METROLOGY_RECORD_H
#define WK_METROLOGY_RECORD_H

#include <stdint.h>

#define WK_RECORD_PHASES 3

typedef enum wk_record_kind {
    WK_RECORD_WINDOW = 1,    /* a 10-cycle (50 Hz) or 12-cycle (60 Hz) window, IEC 61000-4-30 */
    WK_RECORD_EVENT = 2,     /* the begin or the end of a disturbance, or a guard that acted */
    WK_RECORD_QUALITY = 3,   /* power quality of an interval: one per level and interval */
    WK_RECORD_SPECTRUM = 4,  /* harmonics of one channel over the interval of the QUALITY record
                                that follows */
    WK_RECORD_FREQUENCY = 5, /* the frequency of a clock interval of 10 s */
} wk_record_kind;

/* flags of a window, OR-ed; the names also appear in `wk measure --json` */
#define WK_RECORD_FLAG_LIST(X)                                                                 \
    X(WK_RECORD_SHORT, 0x0001, "short")         /* fewer cycles than 10/12: end of the feed */ \
    X(WK_RECORD_FLAGGED, 0x0002, "flagged")     /* touches a dip, swell or interruption */     \
    X(WK_RECORD_FREE_RUN, 0x0004, "free_run")   /* no voltage to track: last frequency */      \
    X(WK_RECORD_ACQUIRING, 0x0008, "acquiring") /* frequency not settled yet */                \
    X(WK_RECORD_CLIPPED, 0x0010, "clipped")     /* a channel reached the end of its range */   \
    X(WK_RECORD_FEED_GAP, 0x0020, "feed_gap")   /* samples are missing before this window */   \
    X(WK_RECORD_FEED_START, 0x0040, "feed_start") /* first window after metrology started */   \
    X(WK_RECORD_WITHHELD, 0x0080, "withheld") /* a guard acted: its energy is in `withheld` */ \
    X(WK_RECORD_OVERLAP, 0x0100, "overlap")   /* ends after the clock tick it belongs before */

#define WK_RECORD_FLAG_ENUM(name, value, text) name = (value),
enum { WK_RECORD_FLAG_LIST(WK_RECORD_FLAG_ENUM) };
#undef WK_RECORD_FLAG_ENUM

/* Energies gained within one window, per direction. Exact: what does not fill a whole unit is
 * carried into the next window. All values >= 0. */
struct wk_record_energy {
    int64_t import_uwh;  /* active, +P, harmonics included */
    int64_t export_uwh;  /* active, -P */
    int64_t import1_uwh; /* active of the fundamental alone */
    int64_t export1_uwh;
    int64_t q_uvarh[4];  /* fundamental reactive, quadrants I..IV */
    int64_t import_uvah; /* apparent, while P >= 0 */
    int64_t export_uvah; /* apparent, while P < 0 */
};

struct wk_record_window {
    uint32_t samples;       /* whole samples in the window, rounded */
    uint32_t cycles;        /* 10 or 12; fewer if SHORT */
    int32_t frequency_uhz;  /* fundamental, 10^-6 Hz */
    int32_t reference_mdeg; /* absolute angle (cosine) of the reference voltage at the begin of
                               the window (its first sample, if it begins on one),
                               -180,000..180,000 */
    uint8_t phases;         /* 1 or 3 */
    uint8_t reference;      /* phase whose voltage is the reference of angles, 0..2 */
    uint8_t summation;      /* wk_energy_summation in force */
    uint8_t reserved;
    int32_t u_mv[WK_RECORD_PHASES + 1]; /* true rms; [3] = neutral, 0 if not measured */
    int64_t i_ua[WK_RECORD_PHASES + 1]; /* true rms; [3] = neutral, 0 if not measured */
    int64_t p_mw[WK_RECORD_PHASES];     /* total active power, harmonics included */
    int64_t q1_mvar[WK_RECORD_PHASES];  /* fundamental reactive power */
    int64_t s_mva[WK_RECORD_PHASES];    /* u * i */
    int64_t p1_mw[WK_RECORD_PHASES];    /* fundamental active power */
    int32_t pf_e6[WK_RECORD_PHASES];    /* p / s in 10^-6; 0 when s is 0 */
    int32_t dpf_e6[WK_RECORD_PHASES];   /* displacement power factor: cos of the fundamental */
    int32_t u1_mv[WK_RECORD_PHASES];    /* fundamental rms */
    int64_t i1_ua[WK_RECORD_PHASES + 1];
    int64_t in_ua; /* neutral current computed: rms of the fundamental of i1 + i2 + i3 */
    /* Symmetrical components of the fundamental voltages and currents: zero, positive, negative;
       0 unless three phases are metered. Ratios in 10^-6 of the positive: negative, zero. */
    int32_t u_sequence_mv[3];
    int64_t i_sequence_ua[3];
    int32_t u2_ppm;
    int32_t u0_ppm;
    int32_t i2_ppm;
    int32_t i0_ppm;
    int32_t u_mdeg[WK_RECORD_PHASES]; /* fundamental angle relative to the reference */
    int32_t i_mdeg[WK_RECORD_PHASES + 1];
    struct wk_record_energy energy[WK_RECORD_PHASES]; /* per phase */
    struct wk_record_energy total;    /* all phases, by the summation mode: these are billed */
    struct wk_record_energy withheld; /* total that a guard kept out of all of the above */
    uint32_t pulses;           /* of the meter constant, for import + export of `total` */
    uint32_t withheld_samples; /* saturated or without a value in this window */
};

/* name, value, text for people, whether it is the end of one that began */
#define WK_RECORD_EVENT_LIST(X)                                                                \
    X(WK_RECORD_DIP_BEGIN, 1, "dip", false)                                                    \
    X(WK_RECORD_DIP_END, 2, "dip", true)                                                       \
    X(WK_RECORD_SWELL_BEGIN, 3, "swell", false)                                                \
    X(WK_RECORD_SWELL_END, 4, "swell", true)                                                   \
    X(WK_RECORD_INTERRUPTION_BEGIN, 5, "interruption", false)                                  \
    X(WK_RECORD_INTERRUPTION_END, 6, "interruption", true)                                     \
    X(WK_RECORD_RVC, 7, "rapid voltage change", true)     /* reported once it is over */       \
    X(WK_RECORD_TRANSIENT, 8, "transient", true)          /* reported once it is over */       \
    X(WK_RECORD_SATURATION_BEGIN, 9, "saturation", false) /* counts at the range's end */      \
    X(WK_RECORD_SATURATION_END, 10, "saturation", true)                                        \
    X(WK_RECORD_IMPLAUSIBLE_BEGIN, 11, "implausible", false) /* beyond what can be there */    \
    X(WK_RECORD_IMPLAUSIBLE_END, 12, "implausible", true)                                      \
    X(WK_RECORD_STUCK_BEGIN, 13, "stuck channel", false) /* one count for a window */          \
    X(WK_RECORD_STUCK_END, 14, "stuck channel", true)                                          \
    X(WK_RECORD_NO_VALUE_BEGIN, 15, "no value", false) /* NaN: WK_HAL_NO_COUNT */              \
    X(WK_RECORD_NO_VALUE_END, 16, "no value", true)                                            \
    X(WK_RECORD_FEED_LOST, 17, "samples lost", true)                                           \
    X(WK_RECORD_FEED_RESET, 18, "front end reset", true)                                       \
    X(WK_RECORD_FEED_RATE, 19, "sample rate changed", true)

#define WK_RECORD_EVENT_ENUM(name, value, text, ends) name = (value),
typedef enum wk_record_event_kind {
    WK_RECORD_EVENT_LIST(WK_RECORD_EVENT_ENUM)
} wk_record_event_kind;
#undef WK_RECORD_EVENT_ENUM

/* Where an event lies in the curves of immunity; bits of wk_record_event.curves. */
enum {
    WK_RECORD_ITIC_NO_DAMAGE = 0x01,  /* ITIC: below the curve: equipment may stop */
    WK_RECORD_ITIC_PROHIBITED = 0x02, /* ITIC: above the curve: equipment may be damaged */
    WK_RECORD_F47_BELOW = 0x04,       /* SEMI F47: deeper than equipment must ride through */
};

struct wk_record_event {
    uint32_t kind;       /* wk_record_event_kind */
    uint32_t phases;     /* bit 0..2: phases concerned */
    uint32_t channels;   /* guards: bit 0..7, slots U1 U2 U3 UN I1 I2 I3 IN */
    uint32_t curves;     /* WK_RECORD_ITIC_*, WK_RECORD_F47_*; on *_END */
    int64_t begin_us;    /* UTC of the begin */
    int64_t duration_us; /* so far; complete on *_END */
    int32_t extreme_mv;  /* residual voltage of a dip or interruption, maximum of a swell:
                            extreme Urms(1/2) so far; RVC: dUmax; transient: largest departure
                            from the cycle before */
    int32_t steady_mv;   /* RVC: dUss, difference of the steady states */
    int32_t nominal_mv;  /* declared voltage the thresholds refer to */
    int32_t value; /* guards: samples concerned; FEED_LOST: frames; FEED_RATE: mHz; RVC and
                           transient: how many a storm left out before it */
};

/* ---- power quality ----------------------------------------------------------------------- */

typedef enum wk_record_level {
    WK_RECORD_LEVEL_WINDOW = 0, /* 10/12 cycles */
    WK_RECORD_LEVEL_3_S,        /* 150/180 cycles */
    WK_RECORD_LEVEL_10_MIN,     /* by the clock */
    WK_RECORD_LEVEL_2_H,        /* by the clock */
} wk_record_level;
#define WK_RECORD_LEVELS 4

/* Values of an interval (IEC 61000-4-30, 4.5: root of the mean of the squares). Not billed:
 * float, in SI units. A value that was not measured is 0. Ratios are of 1. */
struct wk_record_quality {
    uint8_t level; /* wk_record_level */
    uint8_t phases;
    uint8_t reserved[2];
    uint32_t windows; /* 10/12-cycle values in it */
    uint32_t flagged; /* ... of them flagged */
    float f_hz;       /* mean */
    float u_v[WK_RECORD_PHASES];
    float u_min_v[WK_RECORD_PHASES]; /* least and largest 10/12-cycle value */
    float u_max_v[WK_RECORD_PHASES];
    float under[WK_RECORD_PHASES]; /* under- and overdeviation, of the declared voltage */
    float over[WK_RECORD_PHASES];
    float i_a[WK_RECORD_PHASES + 1];
    float u2; /* unbalance, negative and zero sequence */
    float u0;
    float i2;
    float i0;
    float u_thd[WK_RECORD_PHASES]; /* subgroups 2..50 (THDS, IEC 61000-4-7) */
    float i_thd[WK_RECORD_PHASES + 1];
    float u_crest[WK_RECORD_PHASES];
    float i_crest[WK_RECORD_PHASES + 1];
    float k_factor[WK_RECORD_PHASES + 1]; /* of the currents */
    float signal_v[WK_RECORD_PHASES];     /* mains signalling voltage */
    float pinst_max[WK_RECORD_PHASES];    /* largest instantaneous flicker; WINDOW, 3_S */
    float pst[WK_RECORD_PHASES];          /* 10_MIN; 0 while the meter has not settled */
    float plt[WK_RECORD_PHASES];          /* 2_H */
};

#define WK_RECORD_ORDERS 50

/* Harmonics of one channel, V or A rms. */
struct wk_record_spectrum {
    uint8_t level;  /* wk_record_level */
    uint8_t slot;   /* U1 U2 U3 UN I1 I2 I3 IN */
    uint8_t orders; /* how many are valid: fewer than 50 at low sample rates */
    uint8_t reserved;
    float subgroup[WK_RECORD_ORDERS + 1]; /* order 0 = DC, 1..50 */
    float inter[WK_RECORD_ORDERS + 1];    /* centred subgroup between h and h + 1 */
    float power_w[WK_RECORD_ORDERS + 1];  /* slot I1..I3: harmonic active power, with sign */
};

struct wk_record_frequency {
    int32_t f_uhz; /* whole cycles within the interval over their duration */
    uint32_t cycles;
};

struct wk_record {
    uint64_t seq;   /* 1, 2, 3 ... within the epoch, without a gap */
    uint64_t epoch; /* identifies one life of metrology; later lives have larger numbers */
    int64_t t_us; /* UTC, microseconds since 1970, of the end of the window / of the half cycle
                     that showed the event; never runs back among windows and events. Quality,
                     spectrum and frequency: the end of their interval, which may lie before
                     the t_us of the record before */
    int64_t span_us; /* length of the window or interval; 0 for events. Windows abut: t_us -
                        span_us is the t_us of the window before */
    uint32_t kind;   /* wk_record_kind */
    uint32_t flags;  /* WK_RECORD_* flags */
    union {
        struct wk_record_window window;
        struct wk_record_event event;
        struct wk_record_quality quality;
        struct wk_record_spectrum spectrum;
        struct wk_record_frequency frequency;
    };
};

#endif
