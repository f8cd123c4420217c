/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 0.2S through realistic front ends: noise, quantisation, jitter, clock error, channels
 * that differ, and current transformers whose ratio and angle depend on the current. Each front
 * end is calibrated first by the meter's own procedure (metrology/calibrate), against the signal
 * itself as the standard, and then measured at other currents, too. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "accuracy/trials.h"
#include "metrology/calibrate.h"

#define GROUP     "realistic front end"
#define IN_A      5.0
#define IMAX_A    10.0
#define POINT_S   12.0
#define MARGIN_24 4.0
#define WS_WANTED 3000.0

struct calibrated {
    pthread_once_t once;
    wk_err err;
    const char *reason;
    int refused;
    struct wk_hal_frontend_info info;
};

static struct calibrated calibrated_24 = {.once = PTHREAD_ONCE_INIT};
static struct calibrated calibrated_16 = {.once = PTHREAD_ONCE_INIT};

/* ---- calibration ------------------------------------------------------------------------- */

struct bench {
    wk_converter_kind kind;
    struct wk_player *player;
    struct wk_hal_frontend_info raw;
    struct wk_calibrate_channel u[WK_TRIAL_PHASES];
    struct wk_calibrate_channel i[WK_TRIAL_PHASES];
    struct wk_calibrate_fault fault;
    int refused; /* points of the curve */
};

static wk_err apply(const struct bench *bench, struct wk_hal_frontend_info *info)
{
    *info = bench->raw;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        WK_TRY(wk_calibrate_apply(&info->channel[phase], &bench->u[phase]));
        WK_TRY(wk_calibrate_apply(&info->channel[3 + phase], &bench->i[phase]));
    }
    return WK_OK;
}

/* What the meter reads of a point. */
static wk_err read_point(struct bench *bench, double i_a, double lag_degrees,
                         struct wk_calibrate_reading meter[WK_TRIAL_PHASES])
{
    struct wk_wave wave;
    struct wk_hal_frontend_info info;
    struct wk_calibrate_mean mean;
    wk_wave_init(&wave, 50, POINT_S);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(&wave, phase, 230, i_a, lag_degrees);
    }
    wk_player_reset(bench->player, &wave, IMAX_A);
    bench->player->converter = wk_converter_of(bench->kind, 8000, IMAX_A);
    bench->raw = wk_converter_info(&bench->player->converter, &wave);
    WK_TRY(apply(bench, &info));
    bench->player->believed = &info;
    WK_TRY(wk_player_run(bench->player));
    wk_calibrate_mean_init(&mean);
    for (size_t n = 0; n < bench->player->windows; n++) {
        (void)wk_calibrate_mean_add(&mean, &bench->player->window[n]);
    }
    return wk_calibrate_mean_take(&mean, meter, &bench->fault);
}

static double current_of(const struct wk_calibrate_step *step)
{
    return fmin(IMAX_A, IN_A * step->permille / 1000);
}

static wk_err step(struct bench *bench, const struct wk_calibrate_step *step)
{
    struct wk_calibrate_reading meter[WK_TRIAL_PHASES];
    const double i_a = current_of(step);
    const double lag = step->kind == WK_CALIBRATE_GAIN ? 0 : 60;
    const double angle = lag * WK_WAVE_TURN / 360;
    const struct wk_calibrate_reading standard = {
        .u_uv = 230000000,
        .i_ua = llrint(i_a * 1e6),
        .p_uw = llrint(230 * i_a * cos(angle) * 1e6),
        .q_uvar = llrint(230 * i_a * sin(angle) * 1e6),
    };
    WK_TRY(read_point(bench, i_a, lag, meter));
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        struct wk_calibrate_channel *u = &bench->u[phase];
        struct wk_calibrate_channel *i = &bench->i[phase];
        if (step->kind == WK_CALIBRATE_GAIN) {
            WK_TRY(wk_calibrate_gain(&meter[phase], &standard, u, i, &bench->fault));
        } else if (step->kind == WK_CALIBRATE_PHASE) {
            WK_TRY(wk_calibrate_phase(&meter[phase], &standard, 50000000, i, &bench->fault));
        }
    }
    return WK_OK;
}

/* The points of the curve are read before the first of them enters it. One that the procedure
 * refuses because noise makes it unsteady is left out, as a laboratory would do. */
static wk_err curve(struct bench *bench)
{
    struct wk_calibrate_reading meter[WK_CALIBRATE_STEPS][WK_TRIAL_PHASES];
    bool taken[WK_CALIBRATE_STEPS] = {false};
    for (int n = 0; n < WK_CALIBRATE_STEPS; n++) {
        const struct wk_calibrate_step *point = wk_calibrate_step_of(n);
        if (point->kind == WK_CALIBRATE_CURVE) {
            const wk_err err = read_point(bench, current_of(point), 60, meter[n]);
            taken[n] = err == WK_OK;
            bench->refused += err == WK_E_STATE ? 1 : 0;
            WK_TRY(err == WK_E_STATE ? WK_OK : err);
        }
    }
    for (int n = 0; n < WK_CALIBRATE_STEPS; n++) {
        const double i_a = current_of(wk_calibrate_step_of(n));
        const struct wk_calibrate_reading standard = {
            .u_uv = 230000000,
            .i_ua = llrint(i_a * 1e6),
            .p_uw = llrint(230 * i_a * 0.5 * 1e6),
            .q_uvar = llrint(230 * i_a * sqrt(0.75) * 1e6),
        };
        for (int phase = 0; taken[n] && phase < WK_TRIAL_PHASES; phase++) {
            WK_TRY(wk_calibrate_curve(&meter[n][phase], &standard, &bench->i[phase],
                                      &bench->fault));
        }
    }
    return WK_OK;
}

static wk_err procedure(struct bench *bench, struct wk_hal_frontend_info *info)
{
    for (int n = 0; n < WK_CALIBRATE_STEPS; n++) {
        const struct wk_calibrate_step *point = wk_calibrate_step_of(n);
        if (point->kind != WK_CALIBRATE_CURVE) {
            WK_TRY(step(bench, point));
        }
    }
    WK_TRY(curve(bench));
    return apply(bench, info);
}

static void calibrate(struct calibrated *calibrated, wk_converter_kind kind)
{
    struct bench bench = {.kind = kind, .player = calloc(1, sizeof *bench.player)};
    calibrated->err = WK_E_FULL;
    calibrated->reason = "no memory";
    if (bench.player != NULL && wk_player_open(bench.player)) {
        calibrated->err = procedure(&bench, &calibrated->info);
        calibrated->refused = bench.refused;
        calibrated->reason = bench.fault.reason != NULL ? bench.fault.reason : "calibration";
    }
    if (bench.player != NULL) {
        wk_player_close(bench.player);
    }
    free(bench.player);
}

static void calibrate_24(void)
{
    calibrate(&calibrated_24, WK_CONVERTER_24_BIT);
}

static void calibrate_16(void)
{
    calibrate(&calibrated_16, WK_CONVERTER_16_BIT);
}

static const struct calibrated *calibration_of(wk_converter_kind kind)
{
    if (kind == WK_CONVERTER_16_BIT) {
        pthread_once(&calibrated_16.once, calibrate_16);
        return &calibrated_16;
    }
    pthread_once(&calibrated_24.once, calibrate_24);
    return &calibrated_24;
}

/* ---- trials ------------------------------------------------------------------------------ */

static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    wk_trials_make_load(trial, wave);
    const double watts =
        3 * 230 * trial->setup.i_a * cos(trial->setup.lag_degrees * WK_WAVE_TURN / 360);
    wave->seconds = 1.6 + fmin(60, fmax(6, WS_WANTED / watts));
}

static wk_err run(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    const struct calibrated *calibrated = calibration_of(trial->setup.converter);
    if (calibrated->err != WK_OK) {
        snprintf(trial->note, sizeof trial->note, "not calibrated: %s", calibrated->reason);
        return calibrated->err;
    }
    make(trial, &wave);
    wk_player_reset(player, &wave, IMAX_A);
    player->converter = wk_converter_of(trial->setup.converter, 8000, IMAX_A);
    player->converter.seed += (uint64_t)(trial->setup.i_a * 1e6);
    player->believed = &calibrated->info;
    WK_TRY(wk_player_run(player));
    const struct wk_player_energy got = wk_player_energy_of(player);
    double joule = 0;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        joule += wk_wave_power(&wave, phase) * (got.to_s - got.from_s);
    }
    /* the meter's seconds are shorter than the true ones by what its clock is fast */
    joule /= 1 + player->converter.clock_ppm * 1e-6;
    wk_trial_judge_percent(trial, joule / 3600, got.import_wh);
    if (calibrated->refused > 0) {
        snprintf(trial->note, sizeof trial->note,
                 "calibrated without %d point of the curve, refused as unsteady",
                 calibrated->refused);
    }
    return WK_OK;
}

struct point {
    const char *pf;
    double lag_degrees;
    double share;
    double limit;
};

static void add(struct wk_trial_list *list, wk_converter_kind kind, const struct point *point)
{
    const bool wide = kind == WK_CONVERTER_24_BIT;
    struct wk_trial *trial = wk_trial_add(list, GROUP, "IEC 62053-22: limits of error");
    snprintf(trial->name, sizeof trial->name, "%s, PF %s, %.4g In", wide ? "24 bit" : "16 bit",
             point->pf, point->share);
    snprintf(trial->conditions, sizeof trial->conditions,
             "5(10) A, %s, 5 ns jitter, clock +4 ppm, CT of -0.2 to -0.4 %% and 0.1 to 0.3 deg "
             "over the current, calibrated at %d points",
             wide ? "24-bit sigma-delta of 101 dB" : "16-bit sigma-delta of 88 dB",
             WK_CALIBRATE_STEPS);
    trial->unit = "Wh";
    trial->goal = wide ? point->limit / MARGIN_24 : point->limit;
    trial->class_limit = point->limit;
    trial->class_name = "0.2S";
    trial->quick = point->share == 1;
    trial->make = make;
    trial->run = run;
    trial->setup.converter = kind;
    trial->setup.i_a = IN_A * point->share;
    trial->setup.lag_degrees = point->lag_degrees;
    trial->series = point->pf;
    trial->x = point->share;
}

void wk_trials_add_frontend(struct wk_trial_list *list)
{
    static const double k_shares[] = {0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15,
                                      0.2,  0.35, 0.5,  0.7,  1,    1.4, 2};
    static const double k_degrees[] = {0, 60, -36.86989764584402, 75.52248781407008, -60};
    static const char *const k_pf[] = {"1", "0.5 L", "0.8 C", "0.25 L", "0.5 C"};
    static const double k_low[] = {0.4, 0.5, 0.5, -1, -1};
    static const double k_high[] = {0.2, 0.3, 0.3, 0.5, 0.5};
    for (int kind = WK_CONVERTER_24_BIT; kind <= WK_CONVERTER_16_BIT; kind++) {
        for (int pf = 0; pf < 5; pf++) {
            for (size_t k = 0; k < sizeof k_shares / sizeof k_shares[0]; k++) {
                const double share = k_shares[k];
                const bool low = share < (pf == 0 ? 0.05 : 0.1);
                const double limit = low ? k_low[pf] : k_high[pf];
                const struct point point = {k_pf[pf], k_degrees[pf], share, limit};
                if (limit > 0 && (pf == 0 || share >= 0.02)) {
                    add(list, (wk_converter_kind)kind, &point);
                }
            }
        }
    }
}
