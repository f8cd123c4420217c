/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/medium.h"

#include <math.h>

#include "port/virtual/draw.h"

#define MILLION        1000000
#define CARRIERS       12
#define CARRIER_KHZ    1.5625
#define FIRST_KHZ      35.9375
#define MIDDLE_KHZ     63.0
#define STEP_KHZ       10.0
#define NOTCH_KHZ      6.0
#define NOISE_SLOPE_DB 15.0 /* a decade */
#define HALF_CYCLE_US  10000
#define PLC_LEVEL_DB   109.0 /* 120 dBuV over 12 carriers */
#define PLC_BEFORE_US  20000 /* preamble and frame control */
#define RF_LEVEL_DB    14.0  /* 25 mW */
#define RF_BEFORE_US   2000
#define FIRST_MHZ      865.1
#define CHANNEL_MHZ    0.2
#define CHANNEL_DB_HZ  53.0  /* 200 kHz */
#define FREE_SPACE_DB  27.55 /* 20 lg (MHz) + 20 lg (m) - 27.55 */
#define THERMAL_DB     (-174.0)
#define FIGURE_DB      7.0
#define COHERENCE_US   2e6
#define NO_FADING_DB   100.0
#define TAKEN_DB       (-85.0) /* of a radio channel */
#define PLC_TAKEN_DB                                                                           \
    90.0              /* a power line modem looks for its like, which is louder than noise */
#define SLICE_US 5000 /* a disturber is there or not for so long */
#define SLICES   400

static const struct wk_virtual_mode k_modes[2][WK_VIRTUAL_MODES] = {
    {{"ROBO", WK_VIRTUAL_DBPSK, WK_VIRTUAL_K7, 4, 2158},
     {"DBPSK", WK_VIRTUAL_DBPSK, WK_VIRTUAL_K7, 1, 8633},
     {"DQPSK", WK_VIRTUAL_DQPSK, WK_VIRTUAL_K7, 1, 17266}},
    {{"FSK 50 FEC", WK_VIRTUAL_FSK, WK_VIRTUAL_K4, 1, 25000},
     {"FSK 50", WK_VIRTUAL_FSK, WK_VIRTUAL_UNCODED, 1, 50000},
     {"FSK 150", WK_VIRTUAL_FSK, WK_VIRTUAL_UNCODED, 1, 150000}},
};
static const double k_symbols_hz[WK_VIRTUAL_MODES] = {50e3, 50e3, 150e3}; /* of radio */

static double power(double db)
{
    return pow(10, db / 10);
}

static double decibels(double ratio)
{
    return 10 * log10(ratio);
}

static double uniform(struct wk_virtual_medium *medium)
{
    return (wk_virtual_draw(&medium->seed, UINT32_MAX) + 0.5) / UINT32_MAX;
}

/* Box and Muller 1958. */
static double normal(struct wk_virtual_medium *medium)
{
    const double radius = sqrt(-2 * log(uniform(medium)));
    return radius * cos(2 * M_PI * uniform(medium));
}

/* ---- what it is -------------------------------------------------------------------------- */

struct wk_virtual_medium_rules wk_virtual_medium_usual(wk_virtual_medium_kind kind)
{
    return kind == WK_VIRTUAL_POWER_LINE
               ? (struct wk_virtual_medium_rules){.attenuation_db = 55,
                                                  .slope_db = 1,
                                                  .noise_db = 38,
                                                  .impulse_db = 25,
                                                  .impulse_us = 1000}
               : (struct wk_virtual_medium_rules){
                     .distance_m = 300, .exponent = 3, .rice_db = 12};
}

uint8_t wk_virtual_medium_channels(wk_virtual_medium_kind kind)
{
    return kind == WK_VIRTUAL_POWER_LINE ? WK_VIRTUAL_PLC_CHANNELS : WK_VIRTUAL_RF_CHANNELS;
}

const struct wk_virtual_mode *wk_virtual_medium_mode(wk_virtual_medium_kind kind, uint8_t mode)
{
    return &k_modes[kind == WK_VIRTUAL_RADIO][mode];
}

void wk_virtual_medium_init(struct wk_virtual_medium *medium, wk_virtual_medium_kind kind,
                            const struct wk_virtual_medium_rules *rules, uint64_t seed)
{
    *medium = (struct wk_virtual_medium){.kind = kind, .rules = *rules, .seed = seed};
    medium->shadow_db = normal(medium);
    for (uint8_t i = 0; i < WK_VIRTUAL_MODES; i++) {
        medium->needed_db[i] = decibels(wk_virtual_needed_snr(
            wk_virtual_medium_mode(kind, i), WK_VIRTUAL_MARGIN_LOSS, WK_VIRTUAL_MARGIN_OCTETS));
    }
    for (uint8_t i = 0; i < WK_VIRTUAL_CHANNELS; i++) {
        medium->fading[i][0] = normal(medium);
        medium->fading[i][1] = normal(medium);
    }
}

int64_t wk_virtual_medium_airtime_us(wk_virtual_medium_kind kind, uint8_t mode, size_t octets)
{
    const int64_t rate_bps = wk_virtual_medium_mode(kind, mode)->rate_bps;
    return (kind == WK_VIRTUAL_POWER_LINE ? PLC_BEFORE_US : RF_BEFORE_US) +
           ((int64_t)octets * 8 * MILLION + rate_bps - 1) / rate_bps;
}

/* ---- the power line ---------------------------------------------------------------------- */

double wk_virtual_medium_attenuation_db(const struct wk_virtual_medium *medium, double khz)
{
    const struct wk_virtual_medium_rules *rules = &medium->rules;
    const bool in_notch = rules->notch_khz > 0 && fabs(khz - rules->notch_khz) <= NOTCH_KHZ / 2;
    return rules->attenuation_db + rules->slope_db * (khz - MIDDLE_KHZ) / STEP_KHZ +
           (in_notch ? rules->notch_db : 0);
}

static double carrier_khz(uint8_t channel, unsigned carrier)
{
    return FIRST_KHZ + (channel * CARRIERS + carrier) * CARRIER_KHZ;
}

static double carrier_noise_db(const struct wk_virtual_medium *medium, double khz)
{
    return medium->rules.noise_db - NOISE_SLOPE_DB * log10(khz / MIDDLE_KHZ);
}

/* Share of the time between two instants in which there is an impulse. */
static double impulse_share(const struct wk_virtual_medium *medium, int64_t from_us,
                            int64_t to_us)
{
    const int64_t lasts_us = medium->rules.impulse_us;
    const int64_t whole = to_us / HALF_CYCLE_US - from_us / HALF_CYCLE_US;
    const int64_t before_us = from_us % HALF_CYCLE_US;
    const int64_t behind_us = to_us % HALF_CYCLE_US;
    const int64_t hit_us = whole * lasts_us + (behind_us < lasts_us ? behind_us : lasts_us) -
                           (before_us < lasts_us ? before_us : lasts_us);
    return to_us > from_us ? (double)hit_us / (double)(to_us - from_us) : 0;
}

/* Mean ratio of all carriers, in and between impulses, while a disturber is there for a share of the time. */
static double plc_snr(const struct wk_virtual_medium *medium, uint8_t channel,
                      uint8_t backoff_db, double impulses, double disturbed)
{
    double sum = 0;
    const double loud = power(medium->rules.disturber[channel].level_db);
    for (unsigned i = 0; i < CARRIERS; i++) {
        const double khz = carrier_khz(channel, i);
        const double signal =
            power(PLC_LEVEL_DB - backoff_db - wk_virtual_medium_attenuation_db(medium, khz));
        const double quiet = power(carrier_noise_db(medium, khz));
        const double burst = quiet * power(medium->rules.impulse_db);
        const double clear = (1 - impulses) / quiet + impulses / burst;
        const double hit = (1 - impulses) / (quiet + loud) + impulses / (burst + loud);
        sum += signal * ((1 - disturbed) * clear + disturbed * hit);
    }
    return sum / CARRIERS;
}

/* ---- radio ------------------------------------------------------------------------------- */

double wk_virtual_medium_path_loss_db(const struct wk_virtual_medium *medium, uint8_t channel)
{
    const double mhz = FIRST_MHZ + channel * CHANNEL_MHZ;
    return 20 * log10(mhz) - FREE_SPACE_DB +
           10 * medium->rules.exponent * log10(medium->rules.distance_m) +
           medium->rules.shadow_db * medium->shadow_db;
}

/* The ways around change slowly (Gauss and Markov); the straight one stays. */
static double fading_db(struct wk_virtual_medium *medium, uint8_t channel, int64_t now_us)
{
    if (medium->rules.rice_db >= NO_FADING_DB) {
        return 0;
    }
    double *ways = medium->fading[channel];
    const double keeps = exp(-(double)(now_us - medium->faded_us[channel]) / COHERENCE_US);
    const double ratio = power(medium->rules.rice_db);
    for (int i = 0; i < 2; i++) {
        ways[i] = keeps * ways[i] + sqrt(1 - keeps * keeps) * normal(medium);
    }
    medium->faded_us[channel] = now_us;
    const double around = sqrt(1 / (2 * (ratio + 1)));
    const double straight = sqrt(ratio / (ratio + 1)) + around * ways[0];
    return decibels(straight * straight + around * around * ways[1] * ways[1]);
}

static double rf_signal_db(struct wk_virtual_medium *medium, uint8_t channel,
                           uint8_t backoff_db, int64_t now_us)
{
    return RF_LEVEL_DB - backoff_db - wk_virtual_medium_path_loss_db(medium, channel) +
           fading_db(medium, channel, now_us);
}

/* Of a symbol, while a disturber is there for a share of the time. */
static double rf_snr(const struct wk_virtual_medium *medium, uint8_t channel, uint8_t mode,
                     double signal_db, double disturbed)
{
    const double density =
        power(THERMAL_DB + FIGURE_DB) +
        disturbed * power(medium->rules.disturber[channel].level_db - CHANNEL_DB_HZ);
    return power(signal_db) / k_symbols_hz[mode] / density;
}

/* ---- what is heard ----------------------------------------------------------------------- */

static double mean_share(const struct wk_virtual_medium *medium, uint8_t channel)
{
    return (double)medium->rules.disturber[channel].share_ppm / MILLION;
}

double wk_virtual_medium_noise_db(const struct wk_virtual_medium *medium, uint8_t channel)
{
    const struct wk_virtual_disturber *disturber = &medium->rules.disturber[channel];
    const double quiet_db = medium->kind == WK_VIRTUAL_POWER_LINE
                                ? carrier_noise_db(medium, carrier_khz(channel, CARRIERS / 2))
                                : THERMAL_DB + FIGURE_DB + CHANNEL_DB_HZ;
    return decibels(power(quiet_db) + mean_share(medium, channel) * power(disturber->level_db));
}

struct wk_virtual_heard wk_virtual_medium_hear(struct wk_virtual_medium *medium,
                                               uint8_t channel, uint8_t mode,
                                               uint8_t backoff_db, int64_t now_us)
{
    struct wk_virtual_heard heard = {.noise_db = wk_virtual_medium_noise_db(medium, channel)};
    const double disturbed = mean_share(medium, channel);
    double snr = 0;
    if (medium->kind == WK_VIRTUAL_POWER_LINE) {
        heard.signal_db =
            PLC_LEVEL_DB - backoff_db -
            wk_virtual_medium_attenuation_db(medium, carrier_khz(channel, CARRIERS / 2));
        snr = plc_snr(medium, channel, backoff_db,
                      (double)medium->rules.impulse_us / HALF_CYCLE_US, disturbed);
    } else {
        heard.signal_db = rf_signal_db(medium, channel, backoff_db, now_us);
        snr = rf_snr(medium, channel, mode, heard.signal_db, disturbed);
    }
    heard.margin_db = decibels(snr) - medium->needed_db[mode];
    return heard;
}

static bool is_on(struct wk_virtual_medium *medium, uint8_t channel)
{
    return wk_virtual_draw(&medium->seed, MILLION) < medium->rules.disturber[channel].share_ppm;
}

bool wk_virtual_medium_is_taken(struct wk_virtual_medium *medium, uint8_t channel)
{
    const double taken_db = medium->kind == WK_VIRTUAL_RADIO ? TAKEN_DB : PLC_TAKEN_DB;
    return medium->rules.disturber[channel].level_db >= taken_db && is_on(medium, channel);
}

bool wk_virtual_medium_arrives(struct wk_virtual_medium *medium, uint8_t channel, uint8_t mode,
                               uint8_t backoff_db, size_t octets, int64_t now_us)
{
    const struct wk_virtual_mode *way = wk_virtual_medium_mode(medium->kind, mode);
    const int64_t lasts_us = wk_virtual_medium_airtime_us(medium->kind, mode, octets);
    const int64_t wanted = (lasts_us + SLICE_US - 1) / SLICE_US;
    const int64_t slices = wanted < SLICES ? wanted : SLICES;
    int64_t hits = 0;
    for (int64_t i = 0; i < slices; i++) {
        hits += is_on(medium, channel) ? 1 : 0;
    }
    const double disturbed = (double)hits / (double)slices;
    double arrives = 0;
    if (medium->kind == WK_VIRTUAL_POWER_LINE) {
        const double impulses = impulse_share(medium, now_us, now_us + lasts_us);
        const double snr = plc_snr(medium, channel, backoff_db, impulses, disturbed);
        arrives = 1 - wk_virtual_packet_error(way, snr, octets);
    } else {
        const double signal_db = rf_signal_db(medium, channel, backoff_db, now_us);
        const double clear =
            wk_virtual_packet_error(way, rf_snr(medium, channel, mode, signal_db, 0), octets);
        const double hit =
            wk_virtual_packet_error(way, rf_snr(medium, channel, mode, signal_db, 1), octets);
        arrives = pow(1 - clear, 1 - disturbed) * pow(1 - hit, disturbed);
    }
    return uniform(medium) < arrives;
}
