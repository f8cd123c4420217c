/* SPDX-License-Identifier: Apache-2.0
 *
 * What interference does: noise, fast transients, currents above half the sample rate. Energy is
 * never filtered or corrected; what cannot have been measured is withheld and reported. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"
#include "management/shown.h"

#define GROUP       "noise and interference"
#define SECONDS     12.0
#define RATE_HZ     8000
#define IMPULSE_AT  4033 /* frame of each second */
#define IMAX_A      20.0
#define I_A         10.0
#define BURST_EVERY 2400 /* frames: 300 ms */
#define BURST_LONG  120  /* ... 15 ms */
#define IMPULSE_V   400.0
#define BURST_V     400.0
#define BURST_APART 8000 /* frames: one burst a second */
#define PULSE_VS    1e-4 /* of an impulse: 2 kV of 50 ns */

typedef enum disturbance {
    NOISE = 0,
    FAST_FILTERED,
    FAST_RAW,
    SUPRA,
    SUPRA_RMS,
    IMPULSES,
    BURSTS,
} disturbance;

static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    const struct wk_trial_setup *setup = &trial->setup;
    wk_wave_init(wave, 50, SECONDS);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, 230, I_A, 30);
        if (setup->value > 0) {
            wk_wave_add(wave, phase, 230 * 0.02, setup->value, 40.0 * phase);
            wk_wave_add(wave, 3 + phase, I_A * 0.2, setup->value, 40.0 * phase);
        }
    }
}

/* What of a signal lies below half the sample rate. */
static void keep_low(struct wk_wave *wave)
{
    for (int channel = 0; channel < WK_WAVE_CHANNELS; channel++) {
        struct wk_wave_channel *list = &wave->channel[channel];
        int kept = 0;
        for (int k = 0; k < list->tones; k++) {
            if (list->tone[k].hz < RATE_HZ / 2.0) {
                list->tone[kept++] = list->tone[k];
            }
        }
        list->tones = kept;
    }
}

/* ---- disturbances ------------------------------------------------------------------------ */

struct spikes {
    int32_t size;   /* counts, on all voltages */
    bool single;    /* one a second, on L1, instead of bursts */
    unsigned every; /* frames from burst to burst */
    uint64_t seed;
    unsigned hits;
};

/* IEC 61000-4-4: bursts of 15 ms every 300 ms, 5 kHz: five impulses in eight samples. */
static void add_spikes(void *self, int32_t *counts, size_t frames, uint64_t at)
{
    struct spikes *spikes = self;
    for (size_t n = 0; n < frames; n++) {
        const uint64_t frame = at + n;
        if (spikes->single) {
            const bool hit = frame % RATE_HZ == IMPULSE_AT && frame > 3 * RATE_HZ;
            counts[n * WK_WAVE_CHANNELS] += hit ? spikes->size : 0;
            spikes->hits += hit ? 1 : 0;
            continue;
        }
        if (frame % spikes->every >= BURST_LONG || frame * 5 % 8 >= 5 || frame < 2 * RATE_HZ) {
            continue;
        }
        for (int c = 0; c < 3; c++) {
            const double jitter = 1 + 0.2 * wk_converter_noise(&spikes->seed);
            const double sum = counts[n * WK_WAVE_CHANNELS + (size_t)c] + spikes->size * jitter;
            counts[n * WK_WAVE_CHANNELS + (size_t)c] =
                (int32_t)fmax(-8388608, fmin(8388607, sum));
        }
        spikes->hits++;
    }
}

static unsigned count_events(const struct wk_player *player, uint32_t kind)
{
    unsigned count = 0;
    for (size_t n = 0; n < player->events; n++) {
        count += player->event[n].event.kind == kind ? 1 : 0;
    }
    return count;
}

/* ---- energy ------------------------------------------------------------------------------ */

static double truth_wh(const struct wk_wave *wave, double from_s, double to_s)
{
    double joule = 0;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        joule += wk_wave_integral(wave, phase, 3 + phase, from_s, to_s);
    }
    return joule / 3600;
}

/* What the impulses themselves carry: their voltage times the current of their sample. */
static double impulses_wh(const struct wk_wave *wave, double from_s, double to_s)
{
    const struct wk_wave_tone *i = &wave->channel[3].tone[0];
    double joule = 0;
    for (unsigned s = 3; s < SECONDS; s++) {
        const double t = s + IMPULSE_AT / (double)RATE_HZ;
        if (t >= from_s && t < to_s) {
            joule += IMPULSE_V * i->rms * sqrt(2.0) *
                     cos(WK_WAVE_TURN * (i->hz * t + i->degrees / 360)) / RATE_HZ;
        }
    }
    return joule / 3600;
}

static void set_up(const struct wk_trial *trial, struct wk_player *player,
                   struct spikes *spikes)
{
    const double volt = ldexp(1, 23) / player->converter.u_peak_v;
    switch ((disturbance)trial->setup.variant) {
    case NOISE:
        player->converter.noise = trial->setup.other;
        break;
    case FAST_FILTERED:
        spikes->size = (int32_t)(PULSE_VS * RATE_HZ * volt);
        player->disturb = add_spikes;
        break;
    case FAST_RAW:
        spikes->size = 8388607;
        player->disturb = add_spikes;
        break;
    case IMPULSES:
        spikes->size = (int32_t)(IMPULSE_V * volt);
        spikes->single = true;
        player->disturb = add_spikes;
        player->analyse = true;
        break;
    case BURSTS:
        spikes->size = (int32_t)(BURST_V * volt);
        spikes->every = BURST_APART;
        player->disturb = add_spikes;
        break;
    case SUPRA:
    case SUPRA_RMS:
        player->converter.rc_hz = trial->setup.other;
        player->converter.sinc3 = trial->setup.other > 0;
        break;
    }
    player->disturber = spikes;
}

static wk_err run(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    struct spikes spikes = {.seed = 7, .every = BURST_EVERY};
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    set_up(trial, player, &spikes);
    WK_TRY(wk_player_run(player));
    keep_low(&wave);
    const struct wk_player_energy got = wk_player_energy_of(player);
    const unsigned transients = count_events(player, WK_RECORD_TRANSIENT);
    const double own_wh =
        trial->setup.variant == IMPULSES ? impulses_wh(&wave, got.from_s, got.to_s) : 0;
    wk_trial_judge_percent(trial, truth_wh(&wave, got.from_s, got.to_s) + own_wh,
                           got.import_wh);
    snprintf(trial->note, sizeof trial->note, "flags%s%s%s; %u transients, %u saturations",
             got.flags == 0 ? " none" : "",
             (got.flags & WK_RECORD_CLIPPED) != 0 ? " clipped" : "",
             (got.flags & WK_RECORD_WITHHELD) != 0 ? " withheld" : "", transients,
             count_events(player, WK_RECORD_SATURATION_BEGIN));
    if (trial->setup.variant == IMPULSES) {
        trial->holds = trial->holds && transients == spikes.hits;
    }
    return WK_OK;
}

/* Saturated windows must not enter the registers: what did is that of the others. */
static wk_err run_saturated(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    struct spikes spikes = {.seed = 7, .every = BURST_EVERY};
    double truth = 0;
    double got = 0;
    double kept_out = 0;
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    set_up(trial, player, &spikes);
    WK_TRY(wk_player_run(player));
    for (size_t n = (size_t)player->settle; n + 1 < player->windows; n++) {
        const struct wk_record *record = &player->window[n];
        const double to_s = (double)record->t_us / 1e6;
        if ((record->flags & WK_RECORD_CLIPPED) == 0 &&
            (record->flags & WK_RECORD_WITHHELD) == 0) {
            truth += truth_wh(&wave, to_s - (double)record->span_us / 1e6, to_s);
        }
        got += (double)record->window.total.import_uwh / 1e6;
        kept_out += (double)record->window.withheld.import_uwh / 1e6;
    }
    const double all = truth_wh(&wave, 0, wave.seconds);
    wk_trial_judge(trial, truth, got, 100 / all);
    const unsigned begun = count_events(player, WK_RECORD_SATURATION_BEGIN);
    trial->holds = trial->holds && begun > 0;
    snprintf(trial->note, sizeof trial->note,
             "%u saturation events; %.4g Wh withheld and reported beside the registers", begun,
             kept_out);
    return WK_OK;
}

/* The displayed rms; nothing is taken off it but by the front end's filter. */
static wk_err run_rms(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    struct spikes spikes = {.seed = 7, .every = BURST_EVERY};
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    set_up(trial, player, &spikes);
    WK_TRY(wk_player_run(player));
    keep_low(&wave);
    if (player->windows < 2) {
        return WK_E_STATE;
    }
    const struct wk_record_window *last = &player->window[player->windows - 2].window;
    wk_trial_judge_percent(trial, wk_wave_rms(&wave, 3), (double)last->i_ua[0] / 1e6);
    return WK_OK;
}

/* What people see of it, and that the windows themselves are as they were measured. */
static wk_err run_shown(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    struct spikes spikes = {.seed = 7};
    struct wk_shown shown = {.count = 0};
    double worst_shown = 230;
    double worst_window = 230;
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    set_up(trial, player, &spikes);
    WK_TRY(wk_player_run(player));
    for (size_t n = 0; n + 1 < player->windows; n++) {
        wk_shown_take(&shown, &player->window[n]);
        const bool counts = n >= (size_t)player->settle;
        for (int phase = 0; phase < WK_TRIAL_PHASES && counts; phase++) {
            const double window_v = player->window[n].window.u_mv[phase] / 1e3;
            const double shown_v = shown.record.window.u_mv[phase] / 1e3;
            worst_window = fmax(worst_window, window_v);
            worst_shown = fmax(worst_shown, shown_v);
        }
    }
    wk_trial_judge_percent(trial, 230, worst_shown);
    trial->holds = trial->holds && spikes.hits > 0 && worst_window > 230 * 1.02;
    snprintf(trial->note, sizeof trial->note,
             "the windows themselves, for registers and records, reach %.1f V", worst_window);
    return WK_OK;
}

/* ---- the rows ---------------------------------------------------------------------------- */

static wk_trial_run run_of(disturbance variant)
{
    switch (variant) {
    case SUPRA_RMS:
        return run_rms;
    case FAST_RAW:
        return run_saturated;
    case BURSTS:
        return run_shown;
    case NOISE:
    case FAST_FILTERED:
    case SUPRA:
    case IMPULSES:
        break;
    }
    return run;
}

static struct wk_trial *add(struct wk_trial_list *list, disturbance variant, const char *name,
                            const char *clause, double goal)
{
    struct wk_trial *trial = wk_trial_add(list, GROUP, clause);
    snprintf(trial->name, sizeof trial->name, "%s", name);
    trial->unit = variant == SUPRA_RMS ? "A" : variant == BURSTS ? "V" : "Wh";
    trial->goal = goal;
    trial->make = make;
    trial->run = run_of(variant);
    trial->setup.variant = (int)variant;
    trial->setup.i_max_a = IMAX_A;
    trial->quick = variant == FAST_RAW || variant == IMPULSES || variant == BURSTS;
    return trial;
}

static void add_supra(struct wk_trial_list *list, double hz, bool filtered)
{
    const char *front = filtered ? "with" : "without";
    char name[72];
    snprintf(name, sizeof name, "%.5g kHz, %s anti-alias filter: energy", hz / 1e3, front);
    struct wk_trial *trial =
        add(list, SUPRA, name, "IEC 61000-4-19, 2 to 150 kHz", filtered ? 0.005 : -1);
    snprintf(
        trial->conditions, sizeof trial->conditions,
        "U 2 %%, I 20 %% at %.5g kHz, sampled at 8 kHz; %s; against the energy below 4 kHz",
        hz / 1e3,
        filtered ? "RC of 12 kHz, sinc3 and half-band decimation" : "no filter: it folds");
    trial->setup.value = hz;
    trial->setup.other = filtered ? 12000 : 0;
    snprintf(name, sizeof name, "%.5g kHz, %s anti-alias filter: displayed I", hz / 1e3, front);
    struct wk_trial *rms =
        add(list, SUPRA_RMS, name, "IEC 61000-4-19, 2 to 150 kHz", filtered ? 0.005 : -1);
    snprintf(rms->conditions, sizeof rms->conditions,
             "as before; rms of the current below 4 kHz");
    rms->setup.value = hz;
    rms->setup.other = filtered ? 12000 : 0;
}

void wk_trials_add_noise(struct wk_trial_list *list)
{
    static const double k_supra[] = {2500, 3700, 8050, 16049.9, 21000, 65000, 150000};
    struct wk_trial *trial =
        add(list, NOISE, "white noise of 60 dB on all channels", "", 0.005);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 230 V, 10 A, PF 0.87; noise 0.1 %% of full scale: 0.23 %% of I");
    trial->setup.other = 1e-3;
    trial = add(list, FAST_FILTERED, "fast transients after the anti-alias filter",
                "IEC 61000-4-4", 0.005);
    snprintf(trial->conditions, sizeof trial->conditions,
             "2 kV x 50 ns, 5 kHz, 15 ms every 300 ms, on all voltages; a sample takes 0.8 V");
    trial = add(list, FAST_RAW, "fast transients that saturate the converter", "IEC 61000-4-4",
                0.005);
    snprintf(trial->conditions, sizeof trial->conditions,
             "the same without a filter: samples at full scale; what enters the registers "
             "against the energy of the windows without saturation, %% of all");
    trial = add(list, IMPULSES, "an impulse of 400 V once a second",
                "IEC 61000-4-30, A.4: transients", 0.005);
    snprintf(trial->conditions, sizeof trial->conditions,
             "one sample of L1; every one must become a TRANSIENT event, energy stays");
    trial = add(list, BURSTS, "bursts of impulses: the voltage that is shown", "IEC 61000-4-4",
                1.0);
    snprintf(trial->conditions, sizeof trial->conditions,
             "400 V, 5 kHz, 15 ms once a second on all voltages; the worst value shown; the "
             "windows keep what they measured");
    for (size_t k = 0; k < sizeof k_supra / sizeof k_supra[0]; k++) {
        add_supra(list, k_supra[k], true);
        if (k_supra[k] > RATE_HZ / 2.0) {
            add_supra(list, k_supra[k], false);
        }
    }
}
