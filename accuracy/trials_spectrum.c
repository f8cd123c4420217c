/* SPDX-License-Identifier: Apache-2.0
 *
 * Harmonics, interharmonics, distortion and mains signalling (IEC 61000-4-7 class I,
 * IEC 61000-4-30), through the whole chain, which finds the frequency itself. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"

#define GROUP        "harmonics"
#define GOAL         0.1
#define SECONDS      4.0
#define ORDERS       50
#define BETWEENS     6
#define BETWEEN      0.01 /* of the fundamental, as in the influence states of class A */
#define GOAL_BETWEEN 1.0  /* they move the frequency that is tracked, and with it all bins */
#define SIGNAL_HZ    316.67

typedef enum sort { HARMONICS, POWERS, INTERHARMONICS, THD, K_FACTOR, SIGNALLING } sort;

/* Between 0 and 1, the same for the same trial. */
static double random_of(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 40) / 16777216.0;
}

/* 50 harmonics of 1 to 10 % at random angles in all channels. */
static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    uint64_t seed = (uint64_t)llrint(trial->setup.f_hz * 1000);
    wk_wave_init(wave, trial->setup.f_hz, SECONDS);
    wave->nominal_hz = (int)trial->setup.other;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, 230, 5, 20);
    }
    for (int channel = 0; channel < WK_WAVE_CHANNELS; channel++) {
        if (trial->setup.variant == SIGNALLING) {
            wk_wave_add(wave, channel, channel < 3 ? 230 * trial->setup.value : 0,
                        trial->setup.u_v, 20);
            continue;
        }
        for (int h = 2; h <= ORDERS; h++) {
            const double share = 0.01 * exp(random_of(&seed) * log(10));
            wk_wave_harmonic(wave, channel, h, share, 360 * random_of(&seed));
        }
    }
}

static const double k_between[BETWEENS] = {3.5, 7.5, 12.5, 16.5, 30.5, 45.5};

static void make_between(const struct wk_trial *trial, struct wk_wave *wave)
{
    wk_wave_init(wave, trial->setup.f_hz, SECONDS);
    wave->nominal_hz = (int)trial->setup.other;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, 230, 5, 20);
        for (int k = 0; k < BETWEENS; k++) {
            wk_wave_add(wave, phase, 230 * BETWEEN, k_between[k] * wave->f_hz, 77.0 * k);
            wk_wave_add(wave, 3 + phase, 5 * BETWEEN, k_between[k] * wave->f_hz, 50.0 * k);
        }
    }
}

static wk_err play(struct wk_trial *trial, struct wk_player *player, struct wk_wave *wave)
{
    trial->make(trial, wave);
    wk_player_reset(player, wave, trial->setup.i_max_a);
    player->analyse = true;
    player->every_block = true;
    player->keep_spectra = true;
    player->signal_mhz =
        trial->setup.variant == SIGNALLING ? (int32_t)lrint(trial->setup.u_v * 1000) : 0;
    return wk_player_run(player);
}

/* The newest spectrum of a channel but one over a block: the last block may have ended with the
 * feed, before its spectrum. NULL: there is none. */
static const struct wk_record_spectrum *spectrum_of(const struct wk_player *player, int channel)
{
    const int slot = channel < 3 ? channel : channel + 1;
    int seen = 0;
    for (size_t n = player->others; n-- > 0;) {
        const struct wk_record *record = &player->other[n];
        if (record->kind == WK_RECORD_SPECTRUM &&
            record->spectrum.level == WK_RECORD_LEVEL_WINDOW && record->spectrum.slot == slot &&
            seen++ == 1) {
            return &record->spectrum;
        }
    }
    return NULL;
}

static const struct wk_record_quality *quality_of(const struct wk_player *player)
{
    int seen = 0;
    for (size_t n = player->others; n-- > 0;) {
        const struct wk_record *record = &player->other[n];
        if (record->kind == WK_RECORD_QUALITY &&
            record->quality.level == WK_RECORD_LEVEL_WINDOW && seen++ == 1) {
            return &record->quality;
        }
    }
    return NULL;
}

static void judge_worst(struct wk_trial *trial, double truth, double got, double scale,
                        double *worst)
{
    if (fabs(got - truth) * scale > *worst) {
        *worst = fabs(got - truth) * scale;
        wk_trial_judge(trial, truth, got, scale);
    }
}

static wk_err run_harmonics(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    double worst = -1;
    WK_TRY(play(trial, player, &wave));
    trial->points = ORDERS + 1;
    for (int channel = 0; channel < WK_WAVE_CHANNELS; channel++) {
        const struct wk_record_spectrum *got = spectrum_of(player, channel);
        if (got == NULL || got->orders < ORDERS) {
            return WK_E_STATE;
        }
        for (int h = 1; h <= ORDERS; h++) {
            const double truth = wave.channel[channel].tone[h - 1].rms;
            const double off = 100 * fabs((double)got->subgroup[h] / truth - 1);
            trial->point[h] = fmax(trial->point[h], off);
            judge_worst(trial, truth, (double)got->subgroup[h], 100 / truth, &worst);
        }
    }
    return WK_OK;
}

/* In percent of the apparent power of the order. */
static wk_err run_powers(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    double worst = -1;
    WK_TRY(play(trial, player, &wave));
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        const struct wk_record_spectrum *got = spectrum_of(player, 3 + phase);
        if (got == NULL) {
            return WK_E_STATE;
        }
        for (int h = 1; h <= ORDERS; h++) {
            const struct wk_wave_tone *u = &wave.channel[phase].tone[h - 1];
            const struct wk_wave_tone *i = &wave.channel[3 + phase].tone[h - 1];
            const double s = u->rms * i->rms;
            const double truth = s * cos((u->degrees - i->degrees) * WK_WAVE_TURN / 360);
            judge_worst(trial, truth, (double)got->power_w[h], 100 / s, &worst);
        }
    }
    return WK_OK;
}

static wk_err run_between(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    double worst = -1;
    WK_TRY(play(trial, player, &wave));
    for (int channel = 0; channel < WK_WAVE_CHANNELS; channel++) {
        const struct wk_record_spectrum *got = spectrum_of(player, channel);
        if (got == NULL) {
            return WK_E_STATE;
        }
        for (int k = 0; k < BETWEENS; k++) {
            const double truth = wave.channel[channel].tone[1 + k].rms;
            judge_worst(trial, truth, (double)got->inter[(int)k_between[k]], 100 / truth,
                        &worst);
        }
    }
    return WK_OK;
}

static double thd_of(const struct wk_wave_channel *channel)
{
    double sum = 0;
    for (int h = 2; h <= ORDERS; h++) {
        sum += channel->tone[h - 1].rms * channel->tone[h - 1].rms;
    }
    return sqrt(sum) / channel->tone[0].rms;
}

static double k_factor_of(const struct wk_wave_channel *channel)
{
    double sum = 0;
    double all = 0;
    for (int h = 1; h <= ORDERS; h++) {
        const double square = channel->tone[h - 1].rms * channel->tone[h - 1].rms;
        sum += h * h * square;
        all += square;
    }
    return sum / all;
}

static wk_err run_factor(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    double worst = -1;
    WK_TRY(play(trial, player, &wave));
    const struct wk_record_quality *got = quality_of(player);
    if (got == NULL) {
        return WK_E_STATE;
    }
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        double truth = k_factor_of(&wave.channel[3 + phase]);
        double value = (double)got->k_factor[phase];
        if (trial->setup.variant == THD) {
            truth = thd_of(&wave.channel[phase]);
            value = (double)got->u_thd[phase];
        } else if (trial->setup.variant == SIGNALLING) {
            truth = wave.channel[phase].tone[1].rms;
            value = (double)got->signal_v[phase];
        }
        judge_worst(trial, truth, value, 100 / truth, &worst);
    }
    return WK_OK;
}

/* ---- the rows ---------------------------------------------------------------------------- */

static struct wk_trial *add(struct wk_trial_list *list, sort what, const char *name,
                            const char *clause, double f_hz, int nominal_hz)
{
    struct wk_trial *trial = wk_trial_add(list, GROUP, clause);
    snprintf(trial->name, sizeof trial->name, "%s, %.5g Hz, nominal %d Hz", name, f_hz,
             nominal_hz);
    snprintf(
        trial->conditions, sizeof trial->conditions,
        "8 kHz; 50 harmonics of 1 to 10 %% at random angles in six channels; worst of all");
    trial->goal = GOAL;
    trial->class_name = "I";
    trial->class_limit = 5;
    trial->quick = what == HARMONICS && nominal_hz == 50;
    trial->make = make;
    trial->setup.variant = (int)what;
    trial->setup.f_hz = f_hz;
    trial->setup.other = nominal_hz;
    trial->setup.i_max_a = 20;
    return trial;
}

static void add_at(struct wk_trial_list *list, double f_hz, int nominal_hz)
{
    struct wk_trial *trial =
        add(list, HARMONICS, "harmonics 1 to 50", "IEC 61000-4-7 class I", f_hz, nominal_hz);
    trial->run = run_harmonics;
    trial->unit = "V or A";
    trial->series = "harmonics";
    trial->x = f_hz;
    trial = add(list, POWERS, "harmonic active powers with sign", "IEC 61000-4-7 class I", f_hz,
                nominal_hz);
    trial->run = run_powers;
    trial->unit = "W";
    trial->error_unit = "% of S";
    trial->class_limit = 1;
    trial = add(list, INTERHARMONICS, "centred interharmonic subgroups",
                "IEC 61000-4-7 class I", f_hz, nominal_hz);
    trial->run = run_between;
    trial->make = make_between;
    trial->goal = GOAL_BETWEEN;
    trial->unit = "V or A";
    snprintf(
        trial->conditions, sizeof trial->conditions,
        "8 kHz; tones of 1 %% at 3.5, 7.5, 12.5, 16.5, 30.5 and 45.5 times the fundamental");
    trial = add(list, THD, "THDS of the voltages", "IEC 61000-4-7", f_hz, nominal_hz);
    trial->run = run_factor;
    trial = add(list, K_FACTOR, "K-factor of the currents", "IEEE C57.110", f_hz, nominal_hz);
    trial->run = run_factor;
    trial->class_limit = -1;
    trial->class_name = "";
}

static void add_signalling(struct wk_trial_list *list, double hz, double share)
{
    struct wk_trial *trial = wk_trial_add(list, GROUP, "IEC 61000-4-30, 5.10");
    snprintf(trial->name, sizeof trial->name, "mains signalling %.5g Hz, %.3g %%", hz,
             share * 100);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 230 V, 50 Hz; the class allows 5 %% of the reading");
    trial->unit = "V";
    trial->goal = 5;
    trial->class_limit = 5;
    trial->class_name = "A";
    trial->make = make;
    trial->run = run_factor;
    trial->setup.variant = SIGNALLING;
    trial->setup.u_v = hz;
    trial->setup.value = share;
    trial->setup.other = 50;
}

void wk_trials_add_spectrum(struct wk_trial_list *list)
{
    static const double k_50[] = {42.5, 45, 47.5, 49.37, 50, 50.63, 52.5, 55, 57.5};
    static const double k_60[] = {51, 55, 60, 63.3, 69};
    for (size_t k = 0; k < sizeof k_50 / sizeof k_50[0]; k++) {
        add_at(list, k_50[k], 50);
    }
    for (size_t k = 0; k < sizeof k_60 / sizeof k_60[0]; k++) {
        add_at(list, k_60[k], 60);
    }
    add_signalling(list, SIGNAL_HZ, 0.03);
    add_signalling(list, SIGNAL_HZ, 0.15);
    add_signalling(list, 1060, 0.05);
}
