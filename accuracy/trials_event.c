/* SPDX-License-Identifier: Apache-2.0
 *
 * Dips, swells and interruptions of the test set of IEC 61000-4-30 and 62586-2. The truth is the
 * extreme of Urms(1/2) over all cycles between crossings of the voltage's own fundamental, by
 * the integral of its square. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"

#define GROUP       "dips and swells"
#define UDIN_V      230.0
#define GOAL_DEPTH  0.1
#define GOAL_CYCLES 0.5
#define FROM_S      0.6
#define SECONDS     1.3
#define RATE_HZ     8000.0
#define PHASE       1

/* A dip at 90 degrees begins between two samples, so that the samples show it where it is. */
static double between_samples(double t)
{
    return (floor(t * RATE_HZ) + 0.5) / RATE_HZ;
}

/* setup: value = residual voltage, other = cycles, lag_degrees = where it begins. */
static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    const struct wk_trial_setup *setup = &trial->setup;
    wk_wave_init(wave, setup->f_hz, SECONDS);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, UDIN_V, 5, 0);
    }
    for (int channel = 0; channel < WK_WAVE_CHANNELS; channel++) {
        wave->channel[channel].tone[0].degrees += 17;
    }
    double from_s =
        wk_wave_crossing(wave, PHASE, FROM_S) + setup->lag_degrees / 360 / wave->f_hz;
    double to_s = from_s + setup->other / wave->f_hz;
    if (setup->lag_degrees != 0) {
        from_s = between_samples(from_s);
        to_s = between_samples(to_s);
    }
    wk_wave_step(wave, PHASE, from_s, to_s, setup->value);
}

static double extreme_of(const struct wk_wave *wave, bool largest)
{
    double extreme = largest ? 0 : 1e9;
    const double cycle_s = 1 / wave->f_hz;
    double t = wk_wave_crossing(wave, PHASE, 0.3);
    while (t < wave->seconds - 0.1) {
        const double square = wk_wave_integral(wave, PHASE, PHASE, t, t + cycle_s) * wave->f_hz;
        extreme = largest ? fmax(extreme, sqrt(square)) : fmin(extreme, sqrt(square));
        t = wk_wave_crossing(wave, PHASE, t + cycle_s / 4);
    }
    return extreme;
}

/* The end of the only event. */
static const struct wk_record_event *event_of(const struct wk_player *player, uint32_t kind)
{
    const struct wk_record_event *found = NULL;
    for (size_t n = 0; n < player->events; n++) {
        const struct wk_record_event *event = &player->event[n].event;
        found = event->kind == kind ? event : found;
    }
    return found;
}

static wk_err run(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    const bool swell = trial->setup.value > 1;
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    WK_TRY(wk_player_run(player));
    const double truth = extreme_of(&wave, swell);
    const bool must = swell ? truth >= 1.1 * UDIN_V : truth < 0.9 * UDIN_V;
    const struct wk_record_event *event =
        event_of(player, swell ? WK_RECORD_SWELL_END : WK_RECORD_DIP_END);
    if (!must || event == NULL) {
        wk_trial_judge(trial, must ? 1 : 0, (double)player->events, 100);
        snprintf(trial->note, sizeof trial->note, "Urms(1/2) does not pass the threshold: %s",
                 must == (player->events > 0) ? "no event, as it must be" : "a wrong event");
        return WK_OK;
    }
    const double duration_s = wave.step[0].to_s - wave.step[0].from_s;
    const double cycles = ((double)event->duration_us / 1e6 - duration_s) * wave.f_hz;
    wk_trial_judge(trial, truth, event->extreme_mv / 1e3, 100 / UDIN_V);
    trial->points = 1;
    trial->point[0] = cycles;
    trial->holds = trial->holds && fabs(cycles) <= GOAL_CYCLES;
    snprintf(trial->note, sizeof trial->note, "duration %+.3f cycles, goal 0.5", cycles);
    return WK_OK;
}

static void add(struct wk_trial_list *list, double f_hz, double residual, double cycles,
                double degrees)
{
    struct wk_trial *trial = wk_trial_add(list, GROUP, "IEC 61000-4-30, 5.4; IEC 62586-2");
    snprintf(trial->name, sizeof trial->name, "%.4g Hz, %.4g %% for %.3g cycles from %.0f deg",
             f_hz, residual * 100, cycles, degrees);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 230 V, L2; extreme Urms(1/2) in %% of Udin, and the duration");
    trial->unit = "V";
    trial->error_unit = "% Udin";
    trial->goal = GOAL_DEPTH;
    trial->class_limit = 0.2;
    trial->class_name = "A";
    trial->quick = f_hz == 50;
    trial->make = make;
    trial->run = run;
    trial->setup.f_hz = f_hz;
    trial->setup.value = residual;
    trial->setup.other = cycles;
    trial->setup.lag_degrees = degrees;
    trial->series = residual > 1 ? "swell" : "dip";
    trial->x = f_hz;
}

/* ---- several phases ---------------------------------------------------------------------- */

struct scene {
    const char *name;
    uint32_t kind;
    double from_s[3];
    double to_s[3];
    double factor[3];
    double duration_s;
    double residual;
};

static const struct scene k_scenes[] = {
    {"a dip from the first phase to the last",
     WK_RECORD_DIP_END,
     {0.5, 0, 0.6},
     {0.62, 0, 0.75},
     {0.7, 1, 0.5},
     0.25,
     0.5},
    {"an interruption of all phases, from the last to the first",
     WK_RECORD_INTERRUPTION_END,
     {0.50, 0.52, 0.60},
     {0.90, 0.85, 0.95},
     {0.01, 0.02, 0.03},
     0.25,
     0.01},
    {"two of three phases lost are a dip",
     WK_RECORD_DIP_END,
     {0.50, 0.50, 0},
     {0.80, 0.80, 0},
     {0.01, 0.02, 1},
     0.30,
     0.01},
    {"a swell of one phase beside a dip of another: the swell",
     WK_RECORD_SWELL_END,
     {0.50, 0.50, 0},
     {0.80, 0.80, 0},
     {1.3, 0.6, 1},
     0.30,
     1.3},
};

static void make_scene(const struct wk_trial *trial, struct wk_wave *wave)
{
    const struct scene *scene = &k_scenes[trial->setup.variant];
    wk_wave_init(wave, 50, SECONDS);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, UDIN_V, 5, 0);
        if (scene->to_s[phase] > 0) {
            wk_wave_step(wave, phase, scene->from_s[phase], scene->to_s[phase],
                         scene->factor[phase]);
        }
    }
}

static wk_err run_scene(struct wk_trial *trial, struct wk_player *player)
{
    const struct scene *scene = &k_scenes[trial->setup.variant];
    struct wk_wave wave;
    make_scene(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    WK_TRY(wk_player_run(player));
    const struct wk_record_event *event = event_of(player, scene->kind);
    if (event == NULL) {
        snprintf(trial->note, sizeof trial->note, "the event did not come");
        return WK_E_STATE;
    }
    const double cycles = ((double)event->duration_us / 1e6 - scene->duration_s) * wave.f_hz;
    wk_trial_judge(trial, scene->residual * UDIN_V, event->extreme_mv / 1e3, 100 / UDIN_V);
    trial->points = 1;
    trial->point[0] = cycles;
    trial->holds = trial->holds && fabs(cycles) <= GOAL_CYCLES;
    snprintf(trial->note, sizeof trial->note, "duration %+.3f cycles, goal 0.5", cycles);
    return WK_OK;
}

void wk_trials_add_event(struct wk_trial_list *list)
{
    static const double k_hz[] = {42.5, 50, 57.5, 60, 69};
    static const double k_cycles[] = {1, 1.5, 5, 10};
    static const double k_residual[] = {0.02, 0.4, 0.7, 0.85, 0.895, 1.12, 1.4};
    for (int f = 0; f < 5; f++) {
        for (int c = 0; c < 4; c++) {
            for (int k = 0; k < 7; k++) {
                add(list, k_hz[f], k_residual[k], k_cycles[c], 0);
                add(list, k_hz[f], k_residual[k], k_cycles[c], 90);
            }
        }
    }
    for (size_t k = 0; k < sizeof k_scenes / sizeof k_scenes[0]; k++) {
        struct wk_trial *trial =
            wk_trial_add(list, GROUP, "IEC 61000-4-30, 5.4, 5.5: polyphase");
        snprintf(trial->name, sizeof trial->name, "%s", k_scenes[k].name);
        snprintf(trial->conditions, sizeof trial->conditions,
                 "3 x 230 V, 50 Hz; extreme Urms(1/2) and the duration");
        trial->unit = "V";
        trial->error_unit = "% Udin";
        trial->goal = GOAL_DEPTH;
        trial->class_limit = 0.2;
        trial->class_name = "A";
        trial->quick = true;
        trial->make = make_scene;
        trial->run = run_scene;
        trial->setup.variant = (int)k;
    }
}
