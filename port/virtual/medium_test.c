/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#include <math.h>

#include "port/virtual/draw.h"
#include "port/virtual/medium.h"

#define SEED    UINT64_C(20261122)
#define PACKETS 20000
#define OCTETS  250

static struct wk_virtual_medium medium;

static double ratio(double db)
{
    return pow(10, db / 10);
}

/* DBPSK is lost by exp(-Eb/N0) / 2, FSK without phase by exp(-Eb/2N0) / 2 (Proakis, 5.2 and 5.4). */
static void uncoded_errors_are_those_of_the_textbook(void)
{
    const struct wk_virtual_mode dbpsk = {.modulation = WK_VIRTUAL_DBPSK, .repeats = 1};
    const struct wk_virtual_mode fsk = {.modulation = WK_VIRTUAL_FSK, .repeats = 1};
    for (int db = 0; db <= 12; db += 3) {
        const double p = exp(-ratio(db)) / 2;
        const double q = exp(-ratio(db) / 2) / 2;
        EXPECT_NEAR(p, wk_virtual_pair_error(1, ratio(db)), 1e-12);
        EXPECT_NEAR(1 - pow(1 - p, 8), wk_virtual_packet_error(&dbpsk, ratio(db), 1), 1e-9);
        EXPECT_NEAR(1 - pow(1 - q, 8), wk_virtual_packet_error(&fsk, ratio(db), 1), 1e-9);
    }
}

/* Two Gaussian numbers each: the sum of squares of the wrong sequence against that of the right one, drawn. */
static void combined_symbols_err_as_drawn_ones_do(void)
{
    uint64_t seed = SEED;
    for (unsigned places = 2; places <= 10; places += 4) {
        const double gamma = 3;
        int wrong = 0;
        for (int i = 0; i < 100000; i++) {
            double sum[2] = {0, 0};
            for (unsigned k = 0; k < 4 * places; k++) {
                const double radius =
                    sqrt(-2 * log((wk_virtual_draw(&seed, UINT32_MAX) + 0.5) / 4294967296.0));
                const double noise =
                    radius *
                    cos(6.283185307179586 * wk_virtual_draw(&seed, UINT32_MAX) / 4294967296.0);
                const double mean = k < 2 * places && k % 2 == 0 ? sqrt(4 * gamma / places) : 0;
                sum[k < 2 * places ? 0 : 1] += (mean + noise) * (mean + noise);
            }
            wrong += sum[1] > sum[0] ? 1 : 0;
        }
        const double expected = wk_virtual_pair_error(places, gamma);
        EXPECT_NEAR(expected, wrong / 100000.0, 5 * sqrt(expected / 100000));
    }
}

#define WEIGHTS 19

struct code {
    unsigned memory;
    unsigned generator[2];
    unsigned most; /* weight that is compared */
    double paths[WEIGHTS];
};

/* Paths to each state, by their weight, a step later; the first step leaves the state of zeros. */
static void extend_paths(const struct code *code, bool first, double (*from)[WEIGHTS],
                         double (*to)[WEIGHTS])
{
    const unsigned states = 1U << code->memory;
    memset(to, 0, states * sizeof to[0]);
    for (unsigned i = 0; i < states * WEIGHTS * 2; i++) {
        const unsigned bit = i % 2;
        const unsigned weight = i / 2 % WEIGHTS;
        const unsigned state = i / 2 / WEIGHTS;
        const bool leaves = first && state == 0 && weight == 0 && bit == 1;
        const double count = leaves ? 1 : state == 0 ? 0 : from[state][weight];
        const unsigned all = bit << code->memory | state;
        const unsigned more = (unsigned)__builtin_parity(all & code->generator[0]) +
                              (unsigned)__builtin_parity(all & code->generator[1]);
        if (weight + more < WEIGHTS) {
            to[all >> 1][weight + more] += count;
        }
    }
}

/* All paths through the trellis that leave the state of zeros and come back, by their weight. */
static void the_weights_of_the_codes_are_those_of_their_trellis(void)
{
    static const struct code k_trellises[] = {
        {3, {015, 017}, 13, {[6] = 1, 3, 5, 11, 25, 55, 121, 267}},
        {6, {0133, 0171}, 18, {[10] = 11, 0, 38, 0, 193, 0, 1331, 0, 7275}},
    };
    static double paths[2][64][WEIGHTS];
    for (unsigned c = 0; c < 2; c++) {
        double back[WEIGHTS] = {0};
        memset(paths, 0, sizeof paths);
        for (unsigned step = 0; step < 200; step++) {
            extend_paths(&k_trellises[c], step == 0, paths[step % 2], paths[1 - step % 2]);
            for (unsigned w = 0; w < WEIGHTS; w++) {
                back[w] += paths[1 - step % 2][0][w];
            }
        }
        for (unsigned w = 0; w <= k_trellises[c].most; w++) {
            EXPECT_NEAR(k_trellises[c].paths[w], back[w], 1e-6);
        }
    }
}

/* Eb/N0 at which a packet of 250 octets is lost once in a hundred, of a soft decoder for coherent BPSK, measured: 3.9 dB
 * (K = 7) and 5.2 dB (K = 4). Without phase DBPSK of this code needs 2 to 3.5 dB more. */
static void coded_modes_need_what_decoders_need(void)
{
    const struct wk_virtual_mode *mode = wk_virtual_medium_mode(WK_VIRTUAL_POWER_LINE, 1);
    const double db = 10 * log10(wk_virtual_needed_snr(mode, 0.01, OCTETS) * 2);
    EXPECT(db > 3.9 + 2 && db < 3.9 + 3.5);
    const double robo =
        10 * log10(wk_virtual_needed_snr(wk_virtual_medium_mode(WK_VIRTUAL_POWER_LINE, 0), 0.01,
                                         OCTETS));
    /* four times the energy, less what combining without phase loses */
    EXPECT(robo < db - 3.01 - 4 && robo > db - 3.01 - 6.02);
    EXPECT_NEAR(0.01, wk_virtual_packet_error(mode, ratio(db) / 2, OCTETS), 1e-6);
}

static double lost_share(uint8_t channel, uint8_t mode, uint8_t backoff_db)
{
    int lost = 0;
    for (int i = 0; i < PACKETS; i++) {
        lost += wk_virtual_medium_arrives(&medium, channel, mode, backoff_db, OCTETS,
                                          (int64_t)i * 1000000)
                    ? 0
                    : 1;
    }
    return (double)lost / PACKETS;
}

/* On a flat, quiet line the ratio is level - attenuation - noise, and the loss that of the curve. */
static void packets_are_lost_on_the_power_line_as_the_curve_says(void)
{
    for (uint8_t mode = 0; mode < WK_VIRTUAL_MODES; mode++) {
        const struct wk_virtual_mode *way = wk_virtual_medium_mode(WK_VIRTUAL_POWER_LINE, mode);
        const double db = 10 * log10(wk_virtual_needed_snr(way, 0.1, OCTETS));
        struct wk_virtual_medium_rules rules = {.noise_db = 40};
        rules.attenuation_db = 109 - 40 - db;
        wk_virtual_medium_init(&medium, WK_VIRTUAL_POWER_LINE, &rules, SEED);
        /* the noise falls by frequency: the mean of its inverse over the carriers of the middle band */
        double colour = 0;
        for (int i = 0; i < 12; i++) {
            colour += pow((35.9375 + (12 + i) * 1.5625) / 63, 1.5) / 12;
        }
        const double expected = wk_virtual_packet_error(way, ratio(db) * colour, OCTETS);
        EXPECT_NEAR(expected, lost_share(1, mode, 0), 0.01);
    }
}

/* Over whole half cycles the ratio falls by the share of the time in which there are impulses. */
static void impulses_take_their_share_of_the_half_cycle(void)
{
    const struct wk_virtual_mode *way = wk_virtual_medium_mode(WK_VIRTUAL_POWER_LINE, 0);
    struct wk_virtual_medium_rules rules = {.noise_db = 40, .attenuation_db = 60};
    wk_virtual_medium_init(&medium, WK_VIRTUAL_POWER_LINE, &rules, SEED);
    const double clear_db = wk_virtual_medium_hear(&medium, 1, 0, 0, 0).margin_db;
    rules.impulse_db = 60;
    rules.impulse_us = 5000;
    wk_virtual_medium_init(&medium, WK_VIRTUAL_POWER_LINE, &rules, SEED);
    EXPECT_NEAR(clear_db - 3.01, wk_virtual_medium_hear(&medium, 1, 0, 0, 0).margin_db, 0.01);
    EXPECT(way->repeats == 4);
}

static void a_notch_and_the_slope_are_where_they_are_said_to_be(void)
{
    const struct wk_virtual_medium_rules rules = {
        .attenuation_db = 50, .slope_db = 2, .notch_khz = 45, .notch_db = 30};
    wk_virtual_medium_init(&medium, WK_VIRTUAL_POWER_LINE, &rules, SEED);
    EXPECT_NEAR(50, wk_virtual_medium_attenuation_db(&medium, 63), 1e-9);
    EXPECT_NEAR(54, wk_virtual_medium_attenuation_db(&medium, 83), 1e-9);
    EXPECT_NEAR(50 - 3.6 + 30, wk_virtual_medium_attenuation_db(&medium, 45), 1e-9);
    EXPECT_NEAR(50 - 3, wk_virtual_medium_attenuation_db(&medium, 48.1), 0.1);
}

/* 14 dBm, 865.1 MHz: free space takes 31.19 dB to 1 m (Friis), 30 dB for each factor of ten by an exponent of 3. */
static void signal_strength_is_what_path_loss_says(void)
{
    struct wk_virtual_medium_rules rules = {.distance_m = 1, .exponent = 2, .rice_db = 100};
    wk_virtual_medium_init(&medium, WK_VIRTUAL_RADIO, &rules, SEED);
    const double wave_m = 299.792458 / 865.1;
    EXPECT_NEAR(20 * log10(4 * 3.141592653589793 / wave_m),
                wk_virtual_medium_path_loss_db(&medium, 0), 0.01);
    rules.distance_m = 1000;
    rules.exponent = 3;
    wk_virtual_medium_init(&medium, WK_VIRTUAL_RADIO, &rules, SEED);
    EXPECT_NEAR(14 - 31.19 - 90, wk_virtual_medium_hear(&medium, 0, 0, 0, 0).signal_db, 0.02);
    EXPECT_NEAR(14 - 31.19 - 96, wk_virtual_medium_hear(&medium, 0, 0, 6, 0).signal_db, 0.02);
    /* kTB of 200 kHz and a noise figure of 7 dB */
    EXPECT_NEAR(-174 + 53.0103 + 7, wk_virtual_medium_hear(&medium, 0, 0, 0, 0).noise_db, 0.02);
}

static void packets_are_lost_on_radio_as_the_curve_says(void)
{
    static const double k_symbols[] = {50e3, 50e3, 150e3};
    for (uint8_t mode = 0; mode < WK_VIRTUAL_MODES; mode++) {
        const struct wk_virtual_mode *way = wk_virtual_medium_mode(WK_VIRTUAL_RADIO, mode);
        const double db = 10 * log10(wk_virtual_needed_snr(way, 0.1, OCTETS));
        const double signal_db = db + 10 * log10(k_symbols[mode]) - 167;
        struct wk_virtual_medium_rules rules = {.exponent = 3, .rice_db = 100};
        rules.distance_m = pow(10, (14 - 31.1924 - signal_db) / 30);
        wk_virtual_medium_init(&medium, WK_VIRTUAL_RADIO, &rules, SEED);
        EXPECT_NEAR(0.1, lost_share(0, mode, 0), 0.015);
    }
}

/* Rayleigh: the power is distributed by 1 - exp(-x); the share below a tenth of its mean is 9.5 %. */
static void fading_has_the_distribution_of_its_name(void)
{
    struct wk_virtual_medium_rules rules = {.distance_m = 300, .exponent = 3, .rice_db = -100};
    int below = 0;
    double sum = 0;
    wk_virtual_medium_init(&medium, WK_VIRTUAL_RADIO, &rules, SEED);
    const double mean_db = 14 - wk_virtual_medium_path_loss_db(&medium, 0);
    for (int i = 0; i < PACKETS; i++) {
        const double db =
            wk_virtual_medium_hear(&medium, 0, 0, 0, (int64_t)i * 10000000).signal_db;
        below += db < mean_db - 10 ? 1 : 0;
        sum += ratio(db - mean_db) / PACKETS;
    }
    EXPECT_NEAR(1, sum, 0.03);
    EXPECT_NEAR(0.0952, (double)below / PACKETS, 0.008);
    for (int i = 1; i < 200; i++) { /* and does not jump within milliseconds */
        const int64_t at_us = (int64_t)PACKETS * 10000000 + (int64_t)i * 100;
        const double before = wk_virtual_medium_hear(&medium, 0, 0, 0, at_us).signal_db;
        const double after = wk_virtual_medium_hear(&medium, 0, 0, 0, at_us + 10).signal_db;
        EXPECT(fabs(after - before) < 3);
    }
}

/* What is hit is lost: (1 - share)^slices of it arrives, with slices of 5 ms. */
static void a_disturber_hits_its_share(void)
{
    struct wk_virtual_medium_rules rules = {.distance_m = 100, .exponent = 3, .rice_db = 100};
    rules.disturber[3] = (struct wk_virtual_disturber){-40, 50000};
    wk_virtual_medium_init(&medium, WK_VIRTUAL_RADIO, &rules, SEED);
    const int64_t lasts_us = wk_virtual_medium_airtime_us(WK_VIRTUAL_RADIO, 0, OCTETS);
    EXPECT_I64(2000 + 80000, lasts_us);
    EXPECT_NEAR(1 - pow(0.95, 17), lost_share(3, 0, 0), 0.015);
    EXPECT_NEAR(0, lost_share(4, 0, 0), 0.001);
    EXPECT(wk_virtual_medium_noise_db(&medium, 3) >
           wk_virtual_medium_noise_db(&medium, 4) + 50);
}

static void the_same_seed_gives_the_same_losses(void)
{
    struct wk_virtual_medium_rules rules = wk_virtual_medium_usual(WK_VIRTUAL_RADIO);
    static bool arrived[2][1000];
    rules.distance_m = 1200;
    for (int run = 0; run < 2; run++) {
        wk_virtual_medium_init(&medium, WK_VIRTUAL_RADIO, &rules, SEED);
        for (int i = 0; i < 1000; i++) {
            arrived[run][i] =
                wk_virtual_medium_arrives(&medium, 0, 1, 0, OCTETS, (int64_t)i * 300000);
        }
    }
    EXPECT(memcmp(arrived[0], arrived[1], sizeof arrived[0]) == 0);
    EXPECT(memchr(arrived[0], 0, sizeof arrived[0]) != NULL &&
           memchr(arrived[0], 1, sizeof arrived[0]) != NULL);
}

WK_TEST_MAIN(T(uncoded_errors_are_those_of_the_textbook),
             T(combined_symbols_err_as_drawn_ones_do),
             T(the_weights_of_the_codes_are_those_of_their_trellis),
             T(coded_modes_need_what_decoders_need),
             T(packets_are_lost_on_the_power_line_as_the_curve_says),
             T(impulses_take_their_share_of_the_half_cycle),
             T(a_notch_and_the_slope_are_where_they_are_said_to_be),
             T(signal_strength_is_what_path_loss_says),
             T(packets_are_lost_on_radio_as_the_curve_says),
             T(fading_has_the_distribution_of_its_name), T(a_disturber_hits_its_share),
             T(the_same_seed_gives_the_same_losses))
