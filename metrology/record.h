/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/record - what crosses the seam between metrology and management.
 *
 * Metrology emits a gapless sequence of records: one per 10/12-cycle window, and one at once
 * for every voltage event. Management consumes each exactly once and keeps (epoch, seq) in the
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
    WK_RECORD_WINDOW = 1, /* a 10-cycle (50 Hz) or 12-cycle (60 Hz) window, IEC 61000-4-30 */
    WK_RECORD_EVENT = 2,  /* the begin or the end of a dip, swell or interruption */
} wk_record_kind;

/* flags of a window, OR-ed; the names also appear in `wk measure --json` */
#define WK_RECORD_FLAG_LIST(X)                                                                 \
    X(WK_RECORD_SHORT, 0x0001, "short")         /* fewer cycles than 10/12: end of the feed */ \
    X(WK_RECORD_FLAGGED, 0x0002, "flagged")     /* touches a dip, swell or interruption */     \
    X(WK_RECORD_FREE_RUN, 0x0004, "free_run")   /* no voltage to track: last frequency */      \
    X(WK_RECORD_ACQUIRING, 0x0008, "acquiring") /* frequency not settled yet */                \
    X(WK_RECORD_CLIPPED, 0x0010, "clipped")     /* a channel reached the end of its range */   \
    X(WK_RECORD_FEED_GAP, 0x0020, "feed_gap")   /* samples are missing before this window */   \
    X(WK_RECORD_FEED_START, 0x0040, "feed_start") /* first window after metrology started */

#define WK_RECORD_FLAG_ENUM(name, value, text) name = (value),
enum { WK_RECORD_FLAG_LIST(WK_RECORD_FLAG_ENUM) };
#undef WK_RECORD_FLAG_ENUM

/* Energies gained within one window, per direction. Exact: what does not fill a whole unit is
 * carried into the next window. All values >= 0. */
struct wk_record_energy {
    int64_t import_uwh; /* active, +P */
    int64_t export_uwh; /* active, -P */
    int64_t q_uvarh[4]; /* fundamental reactive, quadrants I..IV */
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
    int32_t pf_e6[WK_RECORD_PHASES];    /* p / s in 10^-6; 0 when s is 0 */
    int32_t u_mdeg[WK_RECORD_PHASES];   /* fundamental angle relative to the reference */
    int32_t i_mdeg[WK_RECORD_PHASES + 1];
    struct wk_record_energy energy[WK_RECORD_PHASES]; /* per phase */
    struct wk_record_energy total; /* all phases, by the summation mode: these are billed */
};

typedef enum wk_record_event_kind {
    WK_RECORD_DIP_BEGIN = 1,
    WK_RECORD_DIP_END,
    WK_RECORD_SWELL_BEGIN,
    WK_RECORD_SWELL_END,
    WK_RECORD_INTERRUPTION_BEGIN,
    WK_RECORD_INTERRUPTION_END,
} wk_record_event_kind;

struct wk_record_event {
    uint32_t kind;       /* wk_record_event_kind */
    uint32_t phases;     /* bit 0..2: phases concerned */
    int64_t begin_us;    /* UTC of the begin */
    int64_t duration_us; /* so far; complete on *_END */
    int32_t extreme_mv;  /* residual voltage of a dip or interruption, maximum of a swell:
                            extreme Urms(1/2) so far */
    int32_t nominal_mv;  /* declared voltage the thresholds refer to */
};

struct wk_record {
    uint64_t seq;   /* 1, 2, 3 ... within the epoch, without a gap */
    uint64_t epoch; /* identifies one life of metrology; later lives have larger numbers */
    int64_t t_us; /* UTC, microseconds since 1970, of the end of the window / of the half cycle
                     that showed the event; never runs back */
    int64_t span_us; /* length of the window; 0 for events. Windows abut: t_us - span_us is the
                        t_us of the window before */
    uint32_t kind;   /* wk_record_kind */
    uint32_t flags;  /* WK_RECORD_* flags */
    union {
        struct wk_record_window window;
        struct wk_record_event event;
    };
};

#endif
