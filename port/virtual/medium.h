/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/medium - what two modems have between them, at its physical layer: a narrow-band power line (CENELEC
 * A) or licence-free radio (863 to 870 MHz). What arrives of a packet follows from transmit level, attenuation,
 * noise and disturbers by the curve of its mode (port/virtual/coding). The same seed and the same packets
 * at the same times give the same losses.
 *
 *   power line                                       radio
 *   channels: 3 sub-bands of 12 carriers,            8, each 200 kHz wide
 *             36 to 91 kHz
 *   attenuation at 63 kHz, more above, a notch       free space to 1 m, then by the exponent; shadowing
 *                                                    (log-normal, one draw); Rician fading
 *   noise falls by 15 dB a decade; more of it in     thermal, and the noise figure of the receiver
 *   impulses at each half cycle of the mains
 *   ROBO (DBPSK four times), DBPSK, DQPSK; K = 7     FSK of 50 ksym/s with K = 4, of 50, of 150 without
 *   levels in dBuV of a carrier                      levels in dBm
 *
 * A receiver of power line weighs each symbol by its own noise, over all carriers of the packet (interleaving): what
 * counts is the mean of their signal-to-noise ratios. Radio has no such interleaver: what a disturber
 * hits is lost by its own ratio.
 *
 * For simulated modems: double and libm. Memory: the caller's. Context: one thread. */
#ifndef WK_PORT_VIRTUAL_MEDIUM_H
#define WK_PORT_VIRTUAL_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/virtual/coding.h"

#define WK_VIRTUAL_CHANNELS      8
#define WK_VIRTUAL_PLC_CHANNELS  3
#define WK_VIRTUAL_RF_CHANNELS   8
#define WK_VIRTUAL_MODES         3
#define WK_VIRTUAL_BACKOFF_DB    30   /* the transmit level can be lowered by so much */
#define WK_VIRTUAL_MARGIN_LOSS   0.01 /* margins are above what loses so many ... */
#define WK_VIRTUAL_MARGIN_OCTETS 200  /* ... packets of this length */

typedef enum wk_virtual_medium_kind {
    WK_VIRTUAL_POWER_LINE = 1,
    WK_VIRTUAL_RADIO = 2,
} wk_virtual_medium_kind;

/* Somebody else on a channel, heard by both ends. */
struct wk_virtual_disturber {
    double level_db;    /* as a receiver has it */
    uint32_t share_ppm; /* of the time; 0: there is none */
};

struct wk_virtual_medium_rules {
    double attenuation_db; /* power line: at 63 kHz */
    double slope_db;       /* ... more for each 10 kHz above it */
    double notch_khz;      /* 0: none; 6 kHz wide */
    double notch_db;
    double noise_db;     /* ... dBuV on a carrier at 63 kHz */
    double impulse_db;   /* above the noise, while one lasts */
    uint32_t impulse_us; /* of each half cycle of 10 ms */
    double distance_m;   /* radio: 1 or more */
    double exponent;     /* of the path loss: 2 is free space */
    double shadow_db;    /* standard deviation */
    double rice_db;      /* the straight way above the others; 100: no fading */
    struct wk_virtual_disturber disturber[WK_VIRTUAL_CHANNELS];
};

struct wk_virtual_medium {
    wk_virtual_medium_kind kind;
    struct wk_virtual_medium_rules rules;
    uint64_t seed;
    double shadow_db;                      /* drawn */
    double fading[WK_VIRTUAL_CHANNELS][2]; /* of the other ways */
    int64_t faded_us[WK_VIRTUAL_CHANNELS];
    double needed_db[WK_VIRTUAL_MODES];
};

/* What a receiver has of a transmission. */
struct wk_virtual_heard {
    double signal_db;
    double noise_db;  /* disturbers included, on the mean of time */
    double margin_db; /* above what is needed */
};

/** What is usual: a power line of 55 dB, radio over 300 m in a town, nobody else there. */
struct wk_virtual_medium_rules wk_virtual_medium_usual(wk_virtual_medium_kind kind);
void wk_virtual_medium_init(struct wk_virtual_medium *medium, wk_virtual_medium_kind kind,
                            const struct wk_virtual_medium_rules *rules, uint64_t seed);

uint8_t wk_virtual_medium_channels(wk_virtual_medium_kind kind);
/** From the most robust to the fastest. */
const struct wk_virtual_mode *wk_virtual_medium_mode(wk_virtual_medium_kind kind, uint8_t mode);
/** How long a packet is on the medium, with what stands before it. */
int64_t wk_virtual_medium_airtime_us(wk_virtual_medium_kind kind, uint8_t mode, size_t octets);
/** Of a frequency in kHz on the power line. */
double wk_virtual_medium_attenuation_db(const struct wk_virtual_medium *medium, double khz);
/** Radio: without fading. */
double wk_virtual_medium_path_loss_db(const struct wk_virtual_medium *medium, uint8_t channel);

/** What the other end hears of a transmission at this time; `backoff_db` below the most that may be sent. */
struct wk_virtual_heard wk_virtual_medium_hear(struct wk_virtual_medium *medium,
                                               uint8_t channel, uint8_t mode,
                                               uint8_t backoff_db, int64_t now_us);
/** What is heard on a channel that nobody uses, on the mean of time. */
double wk_virtual_medium_noise_db(const struct wk_virtual_medium *medium, uint8_t channel);
/** Whether somebody else is heard just now, who is to be let go first. */
bool wk_virtual_medium_is_taken(struct wk_virtual_medium *medium, uint8_t channel);
/** Draws whether a packet arrives, which begins at this time. */
bool wk_virtual_medium_arrives(struct wk_virtual_medium *medium, uint8_t channel, uint8_t mode,
                               uint8_t backoff_db, size_t octets, int64_t now_us);

#endif
