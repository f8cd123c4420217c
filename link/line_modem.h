/* SPDX-License-Identifier: Apache-2.0
 *
 * link/line_modem - a modem for power lines or radio between a meter and its line (link/line): how well it
 * hears and is heard, what somebody could do about it, and what the meter does about it by itself.
 *
 * The modem carries frames of the kinds ASK and ANSWER as they are. Frames of the kind MODEM_ASK are for
 * itself, and it answers each with MODEM_TELL of the same number; neither goes on the medium.
 *
 *   MODEM_ASK   nothing: how is it? or version 1 (1), channel (1), mode (1), level (1): be so
 *   MODEM_TELL  version 1 (1), medium (1), channel (1), channels (1), mode (1), modes (1),
 *               level (1), lowest level (1), flags (1), time on air (1), rate in bit/s (4),
 *               signal, noise, margin (2 each) as it hears the far end, the same as the far end
 *               hears it, packets heard (4), packets not sent (4), noise of each channel (1 each)
 *
 * Levels count down from the most that the modem may send, in dB. Signal, noise and margin are tenths, signed, -32768:
 * not known; of a power line dBuV on a carrier, of radio dBm. The margin is what the signal has above what
 * the mode needs. Noise of a channel is in whole dBuV or dBm, -128: not known.
 *
 * Both modems are on one channel, in one mode. The meter's leads: it asks the far one to follow, goes back if it does not
 * hear it there within seconds, and both go to channel 0, mode 0, when they have not heard each other for a minute
 * (WK_LINE_MODEM_HOME_US). A modem that may not follow - others are on its channel - says so: REFUSED.
 *
 * One thing is tried at a time, for rules.trial_us, then kept if it is better and undone if not:
 *
 *   trouble, the channel is noisier than another   the quietest channel
 *   trouble, and the level is not the highest      6 dB more
 *   trouble, and the mode is not the most robust   a more robust one
 *   trouble, whatever the noise says               another channel
 *   WK_LINE_MODEM_RESERVE_DDB left for long        a faster mode, then 6 dB less: what needs less
 *                                                  time and power disturbs others less
 *
 * Trouble is a fifth of questions without answer, or a margin below WK_LINE_MODEM_POOR_DDB, or on a channel noisier
 * than another some questions in a row without answer. What was undone is not tried
 * again for an hour, then two, up to a day.
 *
 * Memory: 350 octets. Context: one thread. Time: microseconds of a clock that is never set. */
#ifndef WK_LINK_LINE_MODEM_H
#define WK_LINK_LINE_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_LINE_MODEM_VERSION       1
#define WK_LINE_MODEM_CHANNELS      16 /* that noise is told of, most */
#define WK_LINE_MODEM_UNKNOWN       INT16_MIN
#define WK_LINE_MODEM_NOISE_UNKNOWN INT8_MIN
#define WK_LINE_MODEM_SET           4  /* octets of MODEM_ASK that sets */
#define WK_LINE_MODEM_TOLD          50 /* octets of MODEM_TELL, most */
#define WK_LINE_MODEM_LOOK_US       INT64_C(5000000)
#define WK_LINE_MODEM_HOME_US       INT64_C(60000000)
#define WK_LINE_MODEM_TRIAL_US      INT64_C(120000000) /* as a rule */
#define WK_LINE_MODEM_AGAIN_US      INT64_C(3600000000)
#define WK_LINE_MODEM_AGAIN_MOST    24 /* times that */
#define WK_LINE_MODEM_CALM          5 /* trials long without trouble, before what is good is changed */
#define WK_LINE_MODEM_SILENT        3 /* questions in a row: it does not tell */
#define WK_LINE_MODEM_STEP_DB       6
#define WK_LINE_MODEM_POOR_DDB      30
#define WK_LINE_MODEM_RESERVE_DDB   200
#define WK_LINE_MODEM_SCARCE                                                                   \
    80 /* percent of the time on air: the rest is for alarms and commands */

/* Flags of MODEM_TELL. */
#define WK_LINE_MODEM_FLAG_HEARD   0x01 /* the far end, within the last minute */
#define WK_LINE_MODEM_FLAG_MOVES   0x02 /* it goes to another channel or mode */
#define WK_LINE_MODEM_FLAG_REFUSED 0x04 /* the far end did not follow the last time */
#define WK_LINE_MODEM_FLAG_SPENT   0x08 /* the time on air that the rules allow is spent */

typedef enum wk_line_modem_medium {
    WK_LINE_MODEM_POWER_LINE = 1,
    WK_LINE_MODEM_RADIO = 2,
} wk_line_modem_medium;

struct wk_line_modem_setting {
    uint8_t channel;
    uint8_t mode;
    uint8_t level_db; /* below the most */
};

struct wk_line_modem_heard {
    int16_t signal_ddb;
    int16_t noise_ddb;
    int16_t margin_ddb;
};

struct wk_line_modem_status {
    uint8_t medium; /* wk_line_modem_medium */
    uint8_t channels;
    uint8_t modes; /* from the most robust to the fastest */
    uint8_t lowest_db;
    uint8_t flags;
    uint8_t
        air_percent; /* of the time on air that the rules allow; 255: there is no such rule */
    struct wk_line_modem_setting setting;
    struct wk_line_modem_heard near; /* by this modem */
    struct wk_line_modem_heard far;  /* by that of the head-end */
    uint32_t rate_bps;
    uint32_t heard;
    uint32_t unsent; /* others were on the channel, or the time was spent */
    int8_t noise_db[WK_LINE_MODEM_CHANNELS];
};

void wk_line_modem_status_write(struct wk_bytes_out *out,
                                const struct wk_line_modem_status *status);
/** WK_E_FORMAT: another version, no channel or mode, or one that there is not; WK_E_SHORT. */
WK_MUST_USE wk_err wk_line_modem_status_read(struct wk_bytes_in in,
                                             struct wk_line_modem_status *status);
void wk_line_modem_setting_write(struct wk_bytes_out *out,
                                 const struct wk_line_modem_setting *setting);
/** WK_E_FORMAT: another version, or it is too long; WK_E_SHORT. */
WK_MUST_USE wk_err wk_line_modem_setting_read(struct wk_bytes_in in,
                                              struct wk_line_modem_setting *setting);

/* ---- what the meter does about it -------------------------------------------------------- */

typedef enum wk_line_modem_action {
    WK_LINE_MODEM_NOTHING = 0,
    WK_LINE_MODEM_CHANNEL,
    WK_LINE_MODEM_LOUDER,
    WK_LINE_MODEM_ROBUST,
    WK_LINE_MODEM_FASTER,
    WK_LINE_MODEM_SOFTER,
    WK_LINE_MODEM_ACTIONS
} wk_line_modem_action;

typedef enum wk_line_modem_advice {
    WK_LINE_MODEM_ADVICE_NONE = 0,
    WK_LINE_MODEM_ADVICE_TRIES,
    WK_LINE_MODEM_ADVICE_LOST,      /* the far end is not heard */
    WK_LINE_MODEM_ADVICE_SPENT,     /* the time on air */
    WK_LINE_MODEM_ADVICE_DISTURBED, /* this channel, another is quieter */
    WK_LINE_MODEM_ADVICE_NOISY,     /* all of them */
    WK_LINE_MODEM_ADVICE_LEVEL,     /* weak, and more could be sent */
    WK_LINE_MODEM_ADVICE_WEAK,
    WK_LINE_MODEM_ADVICES
} wk_line_modem_advice;

struct wk_line_modem_rules {
    bool adapts;      /* channel, level and mode may be changed */
    int64_t trial_us; /* how long something is tried; 0: WK_LINE_MODEM_TRIAL_US */
};

/* How it goes, since something was changed. */
struct wk_line_modem_measure {
    int64_t since_us;
    uint16_t asked;
    uint16_t answered;
    uint8_t unanswered; /* in a row */
    int32_t margin_ddb; /* the poorer one of both ends, smoothed */
    bool has_margin;
};

struct wk_line_modem_trial {
    wk_line_modem_action action; /* WK_LINE_MODEM_NOTHING: none */
    struct wk_line_modem_setting before;
    uint16_t delivery_permille;
    int32_t margin_ddb;
};

struct wk_line_modem {
    struct wk_line_modem_rules rules;
    struct wk_line_modem_status status;
    bool is_known; /* the modem tells */
    uint8_t silent;
    uint8_t number;
    int64_t look_us; /* when it is asked again */
    bool wants;      /* `wanted` is to be told to the modem */
    struct wk_line_modem_setting wanted;
    struct wk_line_modem_measure measure;
    struct wk_line_modem_trial trial;
    int64_t again_us[WK_LINE_MODEM_ACTIONS]; /* not before */
    uint8_t again[WK_LINE_MODEM_ACTIONS];    /* hours of waiting, the last time */
    int64_t left_us[WK_LINE_MODEM_CHANNELS]; /* when a channel may be tried again */
    int64_t troubled_us;                     /* the last trouble */
    const char *note;                        /* what was done last, constant; NULL: nothing */
    int64_t noted_us;
    uint32_t trials;
    uint32_t kept;
};

void wk_line_modem_init(struct wk_line_modem *modem, const struct wk_line_modem_rules *rules,
                        int64_t now_us);
/** When wk_line_modem_ask has something. */
int64_t wk_line_modem_due_us(const struct wk_line_modem *modem);
/** Appends a frame for the modem; it is called when it is due. Faults of `out`. */
void wk_line_modem_ask(struct wk_line_modem *modem, int64_t now_us, struct wk_bytes_out *out);
/** What the modem told. False: it is not readable, and changes nothing. */
bool wk_line_modem_take(struct wk_line_modem *modem, struct wk_bytes_in told, int64_t now_us);
/** A question on the line was answered, or was not. */
void wk_line_modem_count(struct wk_line_modem *modem, bool answered);

/** How good the signal is, 0 (the packets are lost) to 100 (20 dB more than needed); -1: not known. */
int16_t wk_line_modem_quality(const struct wk_line_modem *modem);
/** Whether the time on air is used up to WK_LINE_MODEM_SCARCE. */
bool wk_line_modem_is_scarce(const struct wk_line_modem *modem);
/** Points that the path's score loses for a weak or disturbed signal: 0, 5 or 10. */
uint8_t wk_line_modem_malus(const struct wk_line_modem *modem);
wk_line_modem_advice wk_line_modem_advise(const struct wk_line_modem *modem);
/** What to do, a sentence; NULL: nothing. Constant. */
const char *wk_line_modem_advice_text(const struct wk_line_modem *modem);

#endif
