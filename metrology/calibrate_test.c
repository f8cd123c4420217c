/* SPDX-License-Identifier: Apache-2.0
 *
 * A converter whose gains, delays and sensor curves are known is calibrated through the whole
 * chain; what the room finds must be what was put in, and what the meter reads afterwards must
 * be true. */
#include "metrology/calibrate.h"

#include "metrology/signal_test.h"
#include "tests/wk_test.h"

#define VOLTS   230.0
#define BASE_A  5.0
#define SECONDS 1.5

/* What is wrong with the converter, per phase. */
static const double k_u_gain[3] = {1.0123, 0.9971, 1.0004};
static const double k_i_gain[3] = {0.9875, 1.0333, 0.9999};
static const int k_delay_ns[3] = {1850, -7333, 23};

/* A current transformer: error of ratio and of angle at one current, as a smooth function. */
static double sensor_gain(double amps)
{
    return 1 - 0.002 / (1 + amps);
}

static double sensor_degrees(double amps)
{
    return -0.12 / (1 + 2 * amps); /* leads */
}

struct bench {
    struct wk_calibrate_channel u[3];
    struct wk_calibrate_channel i[3];
    bool sensor;
};

static struct wk_calibrate_reading truth(double amps, double lag)
{
    const double radians = lag * SIGNAL_TURN / 360;
    return (struct wk_calibrate_reading){
        .u_uv = (int64_t)(VOLTS * 1e6 + 0.5),
        .i_ua = (int64_t)(amps * 1e6 + 0.5),
        .p_uw = (int64_t)floor(VOLTS * amps * cos(radians) * 1e6 + 0.5),
        .q_uvar = (int64_t)floor(VOLTS * amps * sin(radians) * 1e6 + 0.5),
    };
}

/* The meter believes `believed`; the world is `signal`. */
static wk_err measure(const struct bench *bench, double amps, double lag,
                      struct wk_calibrate_reading reading[3])
{
    static struct wk_chain chain;
    static struct signal_sink sink;
    struct signal signal = signal_of(3, 8000, 50);
    struct wk_hal_frontend_info believed = signal.info;
    for (int k = 0; k < 3; k++) {
        const double i_error = bench->sensor ? sensor_gain(amps) : 1;
        const double lag_error = bench->sensor ? sensor_degrees(amps) : 0;
        signal_load(&signal, k, VOLTS * k_u_gain[k], amps * k_i_gain[k] * i_error,
                    lag + lag_error);
        signal.info.channel[3 + k].delay_ns = k_delay_ns[k];
        WK_TRY(wk_calibrate_apply(&believed.channel[k], &bench->u[k]));
        WK_TRY(wk_calibrate_apply(&believed.channel[3 + k], &bench->i[k]));
    }
    sink = (struct signal_sink){.windows = 0};
    const struct wk_chain_config config = signal_config(&sink);
    struct wk_sample_fault fault;
    struct wk_calibrate_mean mean;
    struct wk_calibrate_fault why;
    WK_TRY(wk_chain_init(&chain, &believed, &config, &fault));
    WK_TRY(signal_feed(&signal, &chain, 0, (size_t)(SECONDS * 8000), SIGNAL_BLOCK));
    wk_calibrate_mean_init(&mean);
    for (size_t n = 0; n < sink.windows; n++) {
        (void)wk_calibrate_mean_add(&mean, &sink.window[n]);
    }
    return wk_calibrate_mean_take(&mean, reading, &why);
}

static wk_err two_points(struct bench *bench)
{
    struct wk_calibrate_reading meter[3];
    struct wk_calibrate_fault fault;
    struct wk_calibrate_reading standard = truth(BASE_A, 0);
    WK_TRY(measure(bench, BASE_A, 0, meter));
    for (int k = 0; k < 3; k++) {
        WK_TRY(wk_calibrate_gain(&meter[k], &standard, &bench->u[k], &bench->i[k], &fault));
    }
    standard = truth(BASE_A, 60);
    WK_TRY(measure(bench, BASE_A, 60, meter));
    for (int k = 0; k < 3; k++) {
        WK_TRY(wk_calibrate_phase(&meter[k], &standard, 50000000, &bench->i[k], &fault));
    }
    return WK_OK;
}

static void two_points_find_gains_and_delays(void)
{
    struct bench bench = {.sensor = false};
    double worst_ppm = 0;
    double worst_ns = 0;
    EXPECT_OK(two_points(&bench));
    for (int k = 0; k < 3; k++) {
        const double u_ppm = fabs((1 + bench.u[k].gain_ppb / 1e9) * k_u_gain[k] - 1) * 1e6;
        const double i_ppm = fabs((1 + bench.i[k].gain_ppb / 1e9) * k_i_gain[k] - 1) * 1e6;
        const double ns = fabs((double)bench.i[k].delay_ns - k_delay_ns[k]);
        worst_ppm = fmax(worst_ppm, fmax(u_ppm, i_ppm));
        worst_ns = fmax(worst_ns, ns);
    }
    WK_TEST_FIGURE("calibration: error of the gains found", worst_ppm, "ppm", "<= 10",
                   worst_ppm <= 10, 0);
    WK_TEST_FIGURE("calibration: error of the angles found", worst_ns * 360 * 50e-9, "deg",
                   "<= 0.001", worst_ns * 360 * 50e-9 <= 0.001, 0);
    EXPECT(worst_ppm <= 10);
    EXPECT(worst_ns * 360 * 50e-9 <= 0.001);
}

static double power_error(const struct bench *bench, double amps, double lag)
{
    struct wk_calibrate_reading meter[3];
    double worst = 0;
    if (measure(bench, amps, lag, meter) != WK_OK) {
        return 1;
    }
    for (int k = 0; k < 3; k++) {
        const struct wk_calibrate_reading standard = truth(amps, lag);
        worst =
            fmax(worst, fabs((double)(meter[k].p_uw - standard.p_uw)) / (double)standard.p_uw);
    }
    return worst;
}

static void the_curve_takes_the_sensor_out_at_every_current(void)
{
    static const double k_points[] = {0.05, 0.25, 1, 5, 50};
    static const double k_checks[] = {0.05, 0.25, 0.5, 1, 5, 20, 50};
    struct bench bench = {.sensor = true};
    EXPECT_OK(two_points(&bench));
    const struct bench flat = bench;
    struct bench curved = bench;
    struct wk_calibrate_fault fault;
    for (size_t p = 0; p < sizeof k_points / sizeof k_points[0]; p++) {
        struct wk_calibrate_reading meter[3];
        const struct wk_calibrate_reading standard = truth(k_points[p], 60);
        EXPECT_OK(measure(&flat, k_points[p], 60, meter));
        for (int k = 0; k < 3; k++) {
            EXPECT_OK(wk_calibrate_curve(&meter[k], &standard, &curved.i[k], &fault));
        }
    }
    double before = 0;
    double at_points = 0;
    double between = 0;
    for (size_t c = 0; c < sizeof k_checks / sizeof k_checks[0]; c++) {
        before = fmax(before, power_error(&flat, k_checks[c], 60));
        const double after = power_error(&curved, k_checks[c], 60);
        const bool point = c != 2 && c != 5;
        at_points = point ? fmax(at_points, after) : at_points;
        between = point ? between : fmax(between, after);
    }
    WK_TEST_FIGURE("calibration: PF 0.5, 1 % to 10 Ib, two points only", before * 100, "%",
                   "shown", true, 0);
    WK_TEST_FIGURE("calibration: PF 0.5 at the points of the curve", at_points * 100, "%",
                   "<= 0.01", at_points <= 1e-4, 0);
    WK_TEST_FIGURE("calibration: PF 0.5 between the points of the curve", between * 100, "%",
                   "<= 0.05", between <= 5e-4, 0);
    EXPECT(before > 1e-3);
    EXPECT(at_points <= 1e-4);
    EXPECT(between <= 5e-4);
}

static void what_cannot_be_is_refused_with_the_reason(void)
{
    struct wk_calibrate_channel u = {0};
    struct wk_calibrate_channel i = {0};
    struct wk_calibrate_fault fault;
    const struct wk_calibrate_reading one = truth(BASE_A, 0);
    const struct wk_calibrate_reading half = truth(BASE_A, 60);
    struct wk_calibrate_reading off = truth(BASE_A * 1.2, 0);
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_gain(&off, &one, &u, &i, &fault));
    EXPECT(strcmp(fault.reason, "the currents differ by more than 10 %") == 0);
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_gain(&half, &half, &u, &i, &fault));
    EXPECT(strcmp(fault.reason, "the standard is not near PF 1") == 0);
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_phase(&one, &one, 50000000, &i, &fault));
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_phase(&one, &half, 50000000, &i, &fault));
    EXPECT(strstr(fault.reason, "more than 5 deg") != NULL);
    off = (struct wk_calibrate_reading){0};
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_gain(&one, &off, &u, &i, &fault));
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_gain(&off, &one, &u, &i, &fault));
    EXPECT(u.gain_ppb == 0 && i.gain_ppb == 0 && i.delay_ns == 0);
    EXPECT_OK(wk_calibrate_curve(&half, &half, &i, &fault));
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_curve(&half, &half, &i, &fault));
}

static struct wk_record steady_window(void)
{
    struct wk_record record = {.kind = WK_RECORD_WINDOW};
    record.window.phases = 1;
    record.window.frequency_uhz = 50000000;
    record.window.u_mv[0] = record.window.u1_mv[0] = 230000;
    record.window.i_ua[0] = record.window.i1_ua[0] = 5000000;
    record.window.p1_mw[0] = 1150000;
    return record;
}

static void an_unsteady_or_distorted_source_is_refused(void)
{
    struct wk_calibrate_mean mean;
    struct wk_calibrate_reading reading[3];
    struct wk_calibrate_fault fault;
    struct wk_record record = steady_window();
    wk_calibrate_mean_init(&mean);
    EXPECT_ERR(WK_E_STATE, wk_calibrate_mean_take(&mean, reading, &fault));
    for (int n = 0; n < WK_CALIBRATE_WINDOWS; n++) {
        EXPECT(wk_calibrate_mean_add(&mean, &record));
    }
    EXPECT_OK(wk_calibrate_mean_take(&mean, reading, &fault));
    EXPECT_I64(230000000, reading[0].u_uv);
    EXPECT_I64(1150000000, reading[0].p_uw);
    struct wk_calibrate_mean other = mean;
    record.window.i1_ua[0] = 5003000;
    EXPECT(wk_calibrate_mean_add(&other, &record));
    EXPECT_ERR(WK_E_STATE, wk_calibrate_mean_take(&other, reading, &fault));
    EXPECT(fault.phase == 0 && strstr(fault.reason, "current varies") != NULL);
    record = steady_window();
    record.window.q1_mvar[0] = 500; /* 0.025 deg */
    other = mean;
    EXPECT(wk_calibrate_mean_add(&other, &record));
    EXPECT_ERR(WK_E_STATE, wk_calibrate_mean_take(&other, reading, &fault));
    EXPECT(strstr(fault.reason, "angle varies") != NULL);
    record = steady_window();
    record.window.u_mv[0] = 232000;
    other = mean;
    EXPECT(wk_calibrate_mean_add(&other, &record));
    EXPECT_ERR(WK_E_STATE, wk_calibrate_mean_take(&other, reading, &fault));
    EXPECT(strstr(fault.reason, "not sinusoidal") != NULL);
    record.flags = WK_RECORD_FLAGGED;
    EXPECT(!wk_calibrate_mean_add(&other, &record));
}

static void corrections_change_the_front_end_by_what_they_say(void)
{
    struct wk_hal_channel channel = {
        .gain = {.mantissa = 2147000000, .exponent = -13}, .offset = 7, .delay_ns = 100};
    struct wk_calibrate_channel correction = {
        .gain_ppb = 50000000, .offset_micro = 21470, .delay_ns = -60};
    EXPECT_OK(wk_calibrate_apply(&channel, &correction));
    EXPECT_NEAR(2147e-7 * 1.05, channel.gain.mantissa * pow(10, channel.gain.exponent), 1e-12);
    EXPECT_I64(7 + 100, channel.offset); /* 21,470 uV at 214.7 uV a count */
    EXPECT_I64(40, channel.delay_ns);
    const struct wk_hal_channel before = channel;
    correction.delay_ns = 60000;
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_apply(&channel, &correction));
    EXPECT(memcmp(&before, &channel, sizeof before) == 0);
}

static void an_offset_is_the_mean_of_the_counts(void)
{
    const struct wk_hal_channel channel = {.gain = {.mantissa = -600000000, .exponent = -13}};
    struct wk_calibrate_channel correction = {0};
    struct wk_calibrate_fault fault;
    struct wk_hal_channel corrected = channel;
    EXPECT_OK(wk_calibrate_offset(&channel, INT64_C(123) * 8000, 8000, &correction, &fault));
    EXPECT_I64(-7380, correction.offset_micro);
    EXPECT_OK(wk_calibrate_apply(&corrected, &correction));
    EXPECT_I64(123, corrected.offset);
    EXPECT_ERR(WK_E_RANGE, wk_calibrate_offset(&channel, 1, 0, &correction, &fault));
}

static void the_procedure_begins_with_the_two_points(void)
{
    EXPECT(wk_calibrate_step_of(0)->kind == WK_CALIBRATE_GAIN);
    EXPECT(wk_calibrate_step_of(1)->kind == WK_CALIBRATE_PHASE);
    EXPECT(wk_calibrate_step_of(WK_CALIBRATE_STEPS - 1)->kind == WK_CALIBRATE_CURVE);
    EXPECT(wk_calibrate_step_of(WK_CALIBRATE_STEPS) == NULL);
}

WK_TEST_MAIN(T(two_points_find_gains_and_delays),
             T(the_curve_takes_the_sensor_out_at_every_current),
             T(what_cannot_be_is_refused_with_the_reason),
             T(an_unsteady_or_distorted_source_is_refused),
             T(corrections_change_the_front_end_by_what_they_say),
             T(an_offset_is_the_mean_of_the_counts),
             T(the_procedure_begins_with_the_two_points))
