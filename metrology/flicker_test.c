/* SPDX-License-Identifier: Apache-2.0
 *
 * The flickermeter against the tables of IEC 61000-4-15 Ed. 2: every row, both lamps at both
 * frequencies, ten minutes each. */
#include "metrology/flicker.h"
#include "metrology/signal_test.h"
#include "tests/wk_test.h"

#define ROWS     7
#define COLUMNS  4
#define SETTLE_S 31
#define PST_S    600
#define PEAK     5e6 /* counts */

/* A voltage with a modulation: factor 1 +- depth / 2. */
struct lit {
    double depth; /* dV/V, peak to peak */
    double hz;    /* of the modulation */
    bool sine;
};

static const double k_changes[ROWS] = {1, 2, 7, 39, 110, 1620, 4000};

static const struct {
    wk_flicker_lamp lamp;
    double f_hz;
    double percent[ROWS];
    double last_changes;
} k_columns[COLUMNS] = {
    {WK_FLICKER_LAMP_230_V, 50, {2.715, 2.191, 1.450, 0.894, 0.722, 0.407, 2.343}, 4000},
    {WK_FLICKER_LAMP_120_V, 60, {3.181, 2.564, 1.694, 1.040, 0.844, 0.548, 4.837}, 4800},
    {WK_FLICKER_LAMP_230_V, 60, {2.719, 2.194, 1.450, 0.895, 0.723, 0.409, 3.263}, 4800},
    {WK_FLICKER_LAMP_120_V, 50, {3.178, 2.561, 1.694, 1.045, 0.844, 0.545, 3.426}, 4000},
};

static struct wk_flicker flicker;
static int rows_run;
static double worst_pst;

static bool init(double rate_hz, wk_flicker_lamp lamp, double f_hz)
{
    const struct signal signal = signal_of(3, rate_hz, f_hz);
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    return wk_sample_map_init(&map, &signal.info, &fault) == WK_OK &&
           wk_flicker_init(&flicker, &map, signal.info.rate_uhz, lamp,
                           signal.info.nominal_uhz) == WK_OK;
}

/* Integral of a square wave of +-1 over turns. */
static double triangle(double turns)
{
    const double part = turns - floor(turns);
    return part < 0.5 ? part : 1 - part;
}

/* The mean of the modulation over the time of a sample, as an anti-alias filter passes it on. */
static double swing_of(const struct lit *lit, double t, double rate)
{
    const double turns = lit->hz * t + 0.13;
    const double width = lit->hz / rate;
    return lit->sine ? sin(SIGNAL_TURN * turns)
                     : (triangle(turns + width / 2) - triangle(turns - width / 2)) / width;
}

/* Feeds whole seconds; the carrier repeats every second, so that a table serves. */
static void feed(const struct lit lit[3], int rate, double f_hz, int from_s, int seconds)
{
    static double wave[32000][3];
    static int32_t block[80 * 6];
    for (int n = 0; n < rate; n++) {
        for (int phase = 0; phase < 3; phase++) {
            wave[n][phase] = PEAK * cos(SIGNAL_TURN * (f_hz * n / rate - phase / 3.0));
        }
    }
    int filled = 0;
    for (int s = from_s; s < from_s + seconds; s++) {
        for (int n = 0; n < rate; n++) {
            const double t = s + (double)n / rate;
            for (int phase = 0; phase < 3; phase++) {
                const double swing = swing_of(&lit[phase], t, rate);
                block[filled * 6 + phase] =
                    (int32_t)(wave[n][phase] * (1 + lit[phase].depth / 2 * swing));
            }
            if (++filled == 80) {
                wk_flicker_feed(&flicker, block, 80);
                filled = 0;
            }
        }
    }
    wk_flicker_feed(&flicker, block, (size_t)filled);
}

static struct lit row_of(int column, int row)
{
    const double changes = row == ROWS - 1 ? k_columns[column].last_changes : k_changes[row];
    return (struct lit){.depth = k_columns[column].percent[row] / 100, .hz = changes / 120};
}

static void note(int column, int row, double pst)
{
    worst_pst = fmax(worst_pst, fabs(pst - 1) * 100);
    rows_run++;
    printf("# column %d, row %d: Pst %.4f\n", column, row, pst);
}

/* One row per phase, or one row in all: then the mean of the three counts. */
static void rows_show_pst_one(int rate, int column, const int rows[3])
{
    struct lit lit[3];
    float pst[3];
    for (int i = 0; i < 3; i++) {
        lit[i] = row_of(column, rows[i]);
    }
    EXPECT(init(rate, k_columns[column].lamp, k_columns[column].f_hz));
    feed(lit, rate, k_columns[column].f_hz, 0, SETTLE_S);
    EXPECT(wk_flicker_is_settled(&flicker));
    wk_flicker_take_pst(&flicker, pst);
    feed(lit, rate, k_columns[column].f_hz, SETTLE_S, PST_S);
    EXPECT(wk_flicker_take_pst(&flicker, pst));
    if (rows[0] == rows[1]) {
        note(column, rows[0], ((double)pst[0] + (double)pst[1] + (double)pst[2]) / 3);
        return;
    }
    for (int i = 0; i < 3; i++) {
        note(column, rows[i], (double)pst[i]);
    }
}

/* In the last row the third harmonic of the modulation is twice the mains frequency: the rms
 * value depends on the angle between them, by 1 %. The mean of three phases does not. */
static void every_row_and_column_shows_pst_one(void)
{
    static const int k_rows[3][3] = {{0, 1, 2}, {3, 4, 5}, {6, 6, 6}};
    worst_pst = 0;
    rows_run = 0;
    for (int column = 0; column < COLUMNS; column++) {
        for (int i = 0; i < 3; i++) {
            rows_show_pst_one(8000, column, k_rows[i]);
        }
    }
    EXPECT_I64(ROWS * COLUMNS, rows_run);
    WK_TEST_FIGURE("flicker_pst_error", worst_pst, "%", "<= 1", worst_pst <= 1, 0);
    EXPECT_NEAR(0, worst_pst, 1);
}

static void other_rates_show_it_too(void)
{
    static const int k_rows[3] = {2, 4, 5};
    static const int k_last[3] = {6, 6, 6};
    static const int k_rates[3] = {6400, 32000, 1600};
    worst_pst = 0;
    for (int i = 0; i < 3; i++) {
        rows_show_pst_one(k_rates[i], i, k_rows);
        rows_show_pst_one(k_rates[i], i, k_last);
    }
    EXPECT_NEAR(0, worst_pst, 1);
}

static void just_perceived_modulations_show_pinst_one(void)
{
    /* 8.8 Hz: sine and rectangle of each lamp; 8 % are allowed */
    static const double k_sine[COLUMNS] = {0.250, 0.321, 0.250, 0.321};
    static const double k_rectangle[COLUMNS] = {0.199, 0.252, 0.199, 0.252};
    double worst_sine = 0;
    double worst = 0;
    for (int column = 0; column < COLUMNS; column++) {
        const double f_hz = k_columns[column].f_hz;
        const struct lit lit[3] = {{k_sine[column] / 100, 8.8, true},
                                   {k_rectangle[column] / 100, 8.8, false},
                                   {0, 1, false}};
        float pinst[3];
        EXPECT(init(8000, k_columns[column].lamp, f_hz));
        feed(lit, 8000, f_hz, 0, 60);
        wk_flicker_take_pinst(&flicker, pinst);
        feed(lit, 8000, f_hz, 60, 60);
        wk_flicker_take_pinst(&flicker, pinst);
        worst_sine = fmax(worst_sine, fabs((double)pinst[0] - 1) * 100);
        worst = fmax(worst, fabs((double)pinst[1] - 1) * 100);
        EXPECT((double)pinst[2] < 0.001);
    }
    worst = fmax(worst, worst_sine);
    WK_TEST_FIGURE("flicker_pinst_sine_error", worst_sine, "%", "<= 8", worst_sine <= 8, 0);
    WK_TEST_FIGURE("flicker_pinst_error", worst, "%", "<= 8", worst <= 8, 0);
    EXPECT_NEAR(0, worst, 8);
}

static void pst_grows_with_the_modulation(void)
{
    struct lit lit[3];
    float pst[3];
    for (int i = 0; i < 3; i++) {
        static const double k_factor[3] = {0.25, 3, 10};
        lit[i] = row_of(0, 3);
        lit[i].depth *= k_factor[i];
    }
    EXPECT(init(8000, WK_FLICKER_LAMP_230_V, 50));
    feed(lit, 8000, 50, 0, SETTLE_S);
    feed(lit, 8000, 50, SETTLE_S, 120);
    EXPECT(wk_flicker_take_pst(&flicker, pst));
    EXPECT_NEAR(0.25, pst[0], 0.0125);
    EXPECT_NEAR(3, pst[1], 0.15);
    EXPECT_NEAR(10, pst[2], 0.5);
}

static void plt_is_the_cubic_mean_of_its_pst(void)
{
    struct lit lit[3] = {row_of(0, 3), row_of(0, 3), row_of(0, 3)};
    double cubes[3] = {0};
    float pst[3];
    float plt[3];
    EXPECT(init(8000, WK_FLICKER_LAMP_230_V, 50));
    EXPECT(!wk_flicker_take_plt(&flicker, plt));
    EXPECT(plt[0] == 0);
    feed(lit, 8000, 50, 0, SETTLE_S);
    for (int i = 0; i < 3; i++) {
        lit[1].depth *= 2;
        feed(lit, 8000, 50, SETTLE_S + 60 * i, 60);
        EXPECT(wk_flicker_take_pst(&flicker, pst));
        for (int phase = 0; phase < 3; phase++) {
            cubes[phase] += pow((double)pst[phase], 3);
        }
    }
    EXPECT(wk_flicker_take_plt(&flicker, plt));
    for (int phase = 0; phase < 3; phase++) {
        EXPECT_NEAR(cbrt(cubes[phase] / 3), plt[phase], 1e-5);
    }
    EXPECT(!wk_flicker_take_plt(&flicker, plt));
}

/* Harmonics fold to where the averages have their zeros; at 50.4 Hz not quite. */
static void a_steady_distorted_voltage_shows_no_flicker(void)
{
    int32_t frame[6] = {0};
    float pst[3];
    EXPECT(init(8000, WK_FLICKER_LAMP_230_V, 50));
    for (int n = 0; n < 8000 * 90; n++) {
        const double turns = 50.4 * n / 8000;
        const double wave = cos(SIGNAL_TURN * turns) + 0.05 * cos(SIGNAL_TURN * 19 * turns) +
                            0.05 * cos(SIGNAL_TURN * (21 * turns + 0.2));
        frame[0] = (int32_t)lrint(PEAK * wave);
        frame[1] = (int32_t)lrint(PEAK * cos(SIGNAL_TURN * turns));
        frame[2] = 0;
        wk_flicker_feed(&flicker, frame, 1);
    }
    EXPECT(wk_flicker_take_pst(&flicker, pst));
    EXPECT_NEAR(0, pst[0], 0.07);
    EXPECT_NEAR(0, pst[1], 0.07);
    EXPECT_NEAR(0, pst[2], 0.07);
}

static void a_gap_settles_anew_and_counts_nothing(void)
{
    const struct lit lit[3] = {row_of(0, 3), row_of(0, 3), row_of(0, 3)};
    float pst[3];
    float pinst[3];
    EXPECT(init(8000, WK_FLICKER_LAMP_230_V, 50));
    EXPECT(!wk_flicker_is_settled(&flicker));
    feed(lit, 8000, 50, 0, 20);
    wk_flicker_take_pinst(&flicker, pinst);
    EXPECT(pinst[0] == 0);
    EXPECT(!wk_flicker_take_pst(&flicker, pst));
    EXPECT(pst[0] == 0);
    feed(lit, 8000, 50, 20, 11 + 120);
    wk_flicker_gap(&flicker);
    EXPECT(!wk_flicker_is_settled(&flicker));
    feed(lit, 8000, 50, 151, 130);
    EXPECT(wk_flicker_is_settled(&flicker));
    EXPECT(wk_flicker_take_pst(&flicker, pst));
    EXPECT_NEAR(1, pst[2], 0.02);
}

static void rates_outside_the_range_are_refused(void)
{
    const struct wk_sample_map map = {.channels = 1};
    EXPECT_ERR(WK_E_RANGE, wk_flicker_init(&flicker, &map, INT64_C(999999999),
                                           WK_FLICKER_LAMP_230_V, 50000000));
    EXPECT_ERR(WK_E_RANGE, wk_flicker_init(&flicker, &map, INT64_C(50000000001),
                                           WK_FLICKER_LAMP_230_V, 50000000));
}

WK_TEST_MAIN(T(every_row_and_column_shows_pst_one), T(other_rates_show_it_too),
             T(just_perceived_modulations_show_pinst_one), T(pst_grows_with_the_modulation),
             T(plt_is_the_cubic_mean_of_its_pst),
             T(a_steady_distorted_voltage_shows_no_flicker),
             T(a_gap_settles_anew_and_counts_nothing), T(rates_outside_the_range_are_refused))
