/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/tone_test.h"
#include "tests/wk_test.h"

static struct tone_bench bench;

/* A voltage and a current of one phase. */
static void two_channels(int nominal_hz, double f_hz)
{
    tone_init(&bench, 2, 8000, nominal_hz);
    tone_add(&bench.channel[0], 230, f_hz, 0);
    tone_add(&bench.channel[1], 10, f_hz, -30);
}

/* A bin of a transform of 1536 points, of a tone that is x bins away. */
static double dirichlet(double x)
{
    const double points = WK_RESAMPLE_POINTS;
    return fabs(x) < 1e-9 ? 1
                          : sin(TONE_TURN / 2 * x) / sin(TONE_TURN / 2 * x / points) / points;
}

/* Bins from .. to of one tone of 1 V rms at `at` bins; `turns`: its angle in the middle of the
 * window, half a point behind that of its points. */
static double group_of_tone(double at, double turns, int from, int to)
{
    const double angle = TONE_TURN * (turns - at / 2 / WK_RESAMPLE_POINTS);
    double sum = 0;
    for (int k = from; k <= to; k++) {
        const double plus = dirichlet(k - at);
        const double minus = dirichlet(k + at);
        const double re = (plus + minus) * cos(angle);
        const double im = (plus - minus) * sin(angle);
        sum += re * re + im * im;
    }
    return sqrt(sum);
}

#define FRAMES 2400
#define BEGIN  100

static int32_t frames[2 * FRAMES];

/* Feeds `frames` in blocks, with a window of 1600 frames that begins at BEGIN; the number of
 * results. */
static int feed_directly(int nominal_hz, size_t block)
{
    const struct wk_chain_place place = {
        .at_q16 = (uint64_t)BEGIN << 16,
        .step = wk_cycle_step_of(nominal_hz * INT64_C(1000000), INT64_C(8000000000)),
        .cycles = nominal_hz == 50 ? 10 : 12,
    };
    bool ready;
    int results = 0;
    size_t done = wk_spectrum_feed(&bench.spectrum, frames, BEGIN + 20, 0, &ready);
    wk_spectrum_place(&bench.spectrum, &place);
    while (done < FRAMES) {
        const size_t left = FRAMES - done;
        done += wk_spectrum_feed(&bench.spectrum, frames + 2 * done,
                                 left < block ? left : block, done, &ready);
        results += ready ? 1 : 0;
    }
    return results;
}

/* A tone between the orders, at `order` times the fundamental: all groups around it. */
static void expect_grouping(int nominal_hz, double order)
{
    const int n = nominal_hz == 50 ? 10 : 12;
    two_channels(nominal_hz, nominal_hz);
    for (int k = 0; k < FRAMES; k++) {
        /* the angle is 40 degrees in the middle of the window */
        const double t = (k - BEGIN - 800) / 8000.0;
        const double value = 230 * cos(TONE_TURN * nominal_hz * t) +
                             23 * cos(TONE_TURN * (order * nominal_hz * t + 40 / 360.0));
        frames[2 * k] = (int32_t)lrint(value * 1e4);
        frames[2 * k + 1] = 0;
    }
    EXPECT_OK(tone_start(&bench));
    EXPECT_I64(1, feed_directly(nominal_hz, FRAMES));
    const struct wk_spectrum_result *result = bench.spectrum.result;
    EXPECT_I64(n, result->cycles);
    const double unit = 1e4 * 6e-5 / sqrt(2.0) * 23;
    for (int h = (int)order - 1; h <= (int)order + 2 && h <= WK_RECORD_ORDERS; h++) {
        const double inter = group_of_tone(order * n, 40 / 360.0, n * h + 2, n * h + n - 2);
        EXPECT_NEAR(unit * inter, sqrt((double)result->slot[0].inter[h]), unit * 3e-4);
        if (h >= 2) {
            const double sub = group_of_tone(order * n, 40 / 360.0, n * h - 1, n * h + 1);
            EXPECT_NEAR(unit * sub, tone_rms(result, 0, h), unit * 3e-4);
        }
    }
}

static void interharmonics_are_grouped_by_their_bins_at_50_hz(void)
{
    const double k_orders[] = {2.5, 3.2, 3.8, 3.85, 3.9, 7.5, 23.15, 40.5, 49.6};
    for (size_t k = 0; k < sizeof k_orders / sizeof k_orders[0]; k++) {
        expect_grouping(50, k_orders[k]);
    }
}

static void interharmonics_are_grouped_by_their_bins_at_60_hz(void)
{
    /* bins 9 and 10 of 12 belong to the group too */
    const double k_orders[] = {2.5, 3 + 9 / 12.0, 3 + 10 / 12.0, 3 + 10.5 / 12, 3.5, 40.5};
    for (size_t k = 0; k < sizeof k_orders / sizeof k_orders[0]; k++) {
        expect_grouping(60, k_orders[k]);
    }
}

/* Three phases: the 5th is drawn, the 7th given back. */
static void powers(int32_t u_delay_ns, int32_t i_delay_ns)
{
    tone_init(&bench, 6, 8000, 50);
    for (int at = 0; at < 6; at++) {
        const bool voltage = at < 3;
        const double angle = -120.0 * (at % 3);
        bench.info.channel[at].delay_ns = voltage ? u_delay_ns : i_delay_ns;
        tone_add(&bench.channel[at], voltage ? 230 : 10, 49.83, angle);
        tone_add(&bench.channel[at], voltage ? 11.5 : 2, 49.83 * 5, 5 * angle + 10);
        tone_add(&bench.channel[at], voltage ? 6.9 : 1.5, 49.83 * 7,
                 7 * angle + (voltage ? 0 : 180 - 40));
        tone_add(&bench.channel[at], voltage ? 4.6 : 1, 49.83 * 49, voltage ? 0 : 60);
    }
    EXPECT_OK(tone_run(&bench, 1.4));
    const struct wk_spectrum_result *result = tone_last(&bench);
    for (int phase = 0; phase < 3; phase++) {
        const float *power_w = result->power_w[phase];
        EXPECT_NEAR(2300, power_w[1], 2300 * 1e-4);
        EXPECT_NEAR(23, power_w[5], 23 * 1e-3);
        EXPECT_NEAR(6.9 * 1.5 * cos(TONE_TURN * 140 / 360), power_w[7], 8 * 1e-3);
        EXPECT_NEAR(4.6 * 0.5, power_w[49], 2.3 * 2e-3);
        EXPECT(power_w[7] < 0);
    }
}

static void harmonic_power_has_the_sign_of_its_direction(void)
{
    powers(0, 0);
}

static void delays_of_the_channels_are_corrected_at_every_order(void)
{
    powers(0, 20000);
    powers(-15000, 0);
    powers(31000, 7000);
}

static void a_turned_channel_turns_the_power(void)
{
    two_channels(50, 50);
    bench.info.channel[1].gain.mantissa = -bench.info.channel[1].gain.mantissa;
    tone_add(&bench.channel[1], 2, 250, 0);
    tone_add(&bench.channel[0], 10, 250, 60);
    EXPECT_OK(tone_run(&bench, 1.2));
    EXPECT_NEAR(10, tone_last(&bench)->power_w[0][5], 0.01);
    EXPECT_NEAR(2, tone_rms(tone_last(&bench), 4, 5), 0.002);
}

static void dc_is_order_zero_with_its_sign_and_power(void)
{
    two_channels(50, 50.11);
    bench.channel[0].dc = -4;
    bench.channel[1].dc = 1.5;
    bench.info.channel[1].offset = 7777;
    EXPECT_OK(tone_run(&bench, 1.4));
    const struct wk_spectrum_result *result = tone_last(&bench);
    EXPECT_NEAR(-4, result->slot[0].dc, 0.002);
    EXPECT_NEAR(1.5, result->slot[4].dc, 0.001);
    EXPECT_NEAR(4, tone_rms(result, 0, 0), 0.002);
    EXPECT_NEAR(-6, result->power_w[0][0], 0.006);
}

static void thd_k_factor_and_crest_follow_their_definitions(void)
{
    two_channels(50, 50);
    tone_add(&bench.channel[1], 4, 150, -90);
    tone_add(&bench.channel[1], 2, 350, -30 * 7);
    EXPECT_OK(tone_run(&bench, 1.2));
    const struct wk_spectrum_channel *i = &tone_last(&bench)->slot[4];
    EXPECT_NEAR(sqrt(0.16 + 0.04), i->thd, 1e-4);
    EXPECT_NEAR((100 + 9 * 16 + 49 * 4) / 120.0, i->k_factor, 1e-3);
    EXPECT_NEAR(sqrt(2.0), tone_last(&bench)->slot[0].crest, 1e-3);
    /* all peaks fall together */
    EXPECT_NEAR(16 * sqrt(2.0) / sqrt(120.0), i->crest, 0.02);
}

static void a_signalling_voltage_is_found_between_and_on_the_bins(void)
{
    two_channels(50, 50);
    tone_add(&bench.channel[0], 5, 316.67, 0);
    bench.config.signal_mhz = 316670;
    EXPECT_OK(tone_run(&bench, 1.2));
    /* the four nearest bins hold most of it: 91 % of the power or more */
    EXPECT_NEAR(5, sqrt((double)tone_last(&bench)->signal[0]), 0.25);
    two_channels(50, 50);
    tone_add(&bench.channel[0], 5, 175, 0);
    bench.config.signal_mhz = 175400;
    EXPECT_OK(tone_run(&bench, 1.2));
    EXPECT_NEAR(5, sqrt((double)tone_last(&bench)->signal[0]), 0.005);
}

static void fill_channels(int channels, int nominal_hz, int32_t signal_mhz)
{
    const double f_hz = nominal_hz + 0.4;
    tone_init(&bench, channels, 8000, nominal_hz);
    bench.config.signal_mhz = signal_mhz;
    for (int at = 0; at < channels; at++) {
        const bool voltage = at < channels / 2;
        tone_add(&bench.channel[at], voltage ? 230 : 5, f_hz, -120.0 * at);
        tone_add(&bench.channel[at], voltage ? 3 : 0.1, signal_mhz / 1e3 + 0.7, 0);
        bench.channel[at].dc = voltage ? 0.5 : -0.02;
        for (int h = 2; h < 51; h += 3) {
            tone_add(&bench.channel[at], (voltage ? 10.0 : 1.0) / h, f_hz * h, 31.0 * at * h);
        }
    }
}

static void expect_the_same(int channels, int nominal_hz, int32_t signal_mhz)
{
    static struct wk_spectrum_result four;
    fill_channels(channels, nominal_hz, signal_mhz);
    EXPECT_OK(tone_run(&bench, 1));
    four = *tone_last(&bench);
    fill_channels(channels, nominal_hz, signal_mhz);
    bench.lanes = &wk_lanes_one;
    EXPECT_OK(tone_run(&bench, 1));
    const struct wk_spectrum_result *one = tone_last(&bench);
    EXPECT_I64(four.begin_q16, one->begin_q16);
    EXPECT_I64(four.present, one->present);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const double most = tone_rms(one, s, 1);
        for (int h = 0; h <= WK_RECORD_ORDERS; h++) {
            EXPECT_NEAR(tone_rms(one, s, h), tone_rms(&four, s, h), most * 1e-5);
            EXPECT_NEAR(sqrt((double)one->slot[s].inter[h]),
                        sqrt((double)four.slot[s].inter[h]), most * 1e-5);
        }
        EXPECT_NEAR(one->slot[s].crest, four.slot[s].crest, 1e-5);
        EXPECT_NEAR(one->slot[s].dc, four.slot[s].dc, most * 1e-5);
        EXPECT_NEAR(one->slot[s].thd, four.slot[s].thd, 1e-5);
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        for (int h = 0; h <= WK_RECORD_ORDERS; h++) {
            EXPECT_NEAR(one->power_w[phase][h], four.power_w[phase][h], 0.02);
        }
        EXPECT_NEAR(sqrt((double)one->signal[phase]), sqrt((double)four.signal[phase]), 0.002);
    }
}

static void one_lane_and_four_give_the_same(void)
{
    expect_the_same(6, 50, 317000);
    expect_the_same(8, 60, 1042000);
    expect_the_same(4, 50, 2999000);
    expect_the_same(2, 60, 100000);
}

/* The chain cuts at its marks; what goes to the spectrum may come in any size. */
static void blocks_of_any_size_give_the_same_to_the_bit(void)
{
    static struct wk_spectrum_result whole;
    static const size_t k_blocks[] = {FRAMES, 1, 7, 160};
    for (int n = 0; n < FRAMES; n++) {
        frames[2 * n] = (int32_t)(4e6 * cos(TONE_TURN * 50 * n / 8000));
        frames[2 * n + 1] = (int32_t)(1e5 * cos(TONE_TURN * 450 * n / 8000));
    }
    for (size_t k = 0; k < sizeof k_blocks / sizeof k_blocks[0]; k++) {
        two_channels(50, 50);
        EXPECT_OK(tone_start(&bench));
        EXPECT_I64(1, feed_directly(50, k_blocks[k]));
        if (k == 0) {
            whole = *bench.spectrum.result;
        }
        EXPECT_BYTES(whole.slot[4].subgroup, bench.spectrum.result->slot[4].subgroup,
                     sizeof whole.slot[4].subgroup);
        EXPECT_BYTES(whole.power_w, bench.spectrum.result->power_w, sizeof whole.power_w);
    }
}

static void a_window_with_missing_frames_has_no_result(void)
{
    two_channels(50, 50);
    EXPECT_OK(tone_run(&bench, 1.01));
    const int before = bench.results;
    /* the last four of five windows: the first began before it was listened to */
    EXPECT_I64(4, before);
    EXPECT_OK(wk_chain_gap(&bench.chain, 4321));
    EXPECT_OK(tone_feed(&bench, 1605));
    EXPECT_I64(before, bench.results);
    EXPECT_OK(wk_chain_gap(&bench.chain, 1));
    EXPECT_OK(tone_feed(&bench, 8000));
    EXPECT(bench.results >= before + 3);
    EXPECT_NEAR(230, tone_rms(tone_last(&bench), 0, 1), 0.01);
}

static void counts_that_are_none_or_too_large_do_no_lasting_harm(void)
{
    static int32_t wild[2 * 160];
    two_channels(50, 50);
    EXPECT_OK(tone_run(&bench, 1));
    for (int n = 0; n < 160; n++) {
        wild[2 * n] = n % 3 == 0 ? WK_HAL_NO_COUNT : n % 3 == 1 ? INT32_MAX : -20000000;
        wild[2 * n + 1] = INT32_MIN + 1;
    }
    EXPECT_OK(wk_chain_feed(&bench.chain, wild, 160));
    EXPECT_OK(tone_feed(&bench, 1640));
    for (int h = 0; h <= WK_RECORD_ORDERS; h++) {
        const float square = tone_last(&bench)->slot[0].subgroup[h];
        EXPECT(square >= 0 && square < 1e8F);
    }
    EXPECT_OK(tone_feed(&bench, 16000));
    EXPECT_NEAR(230, tone_rms(tone_last(&bench), 0, 1), 0.01);
    EXPECT(tone_last(&bench)->slot[0].thd < 1e-4F);
}

/* An inrush: the scale of the points is halved on the way, again and again. */
static void a_current_may_jump_by_any_factor(void)
{
    static int32_t counts[2 * 8000];
    const double gain_a = 6e-6;
    for (int n = 0; n < 8000; n++) {
        const double turn = TONE_TURN * 50 * n / 8000;
        const double peak_a = n < 4400 ? 0.01 : 90;
        counts[2 * n] = (int32_t)(5e6 * cos(turn));
        counts[2 * n + 1] = (int32_t)(peak_a / gain_a * cos(turn));
    }
    two_channels(50, 50);
    EXPECT_OK(tone_start(&bench));
    double largest = 0;
    for (int n = 0; n < 8000; n += 80) {
        EXPECT_OK(wk_chain_feed(&bench.chain, &counts[2 * n], 80));
        largest = fmax(largest, (double)bench.spectrum.result->slot[4].crest);
    }
    /* the window of the jump: 400 frames of 0.01 A and 1200 of 90 A */
    const struct wk_spectrum_result *at = &bench.result[(bench.results - 3) % TONE_RESULTS];
    EXPECT_NEAR(90 / sqrt(2.0) * 0.25, tone_rms(at, 4, 1), 90);
    EXPECT_NEAR(90 / sqrt(2.0), tone_rms(tone_last(&bench), 4, 1), 0.01);
    EXPECT(largest > 1.6);
}

static void what_cannot_work_is_refused(void)
{
    static struct wk_spectrum spectrum;
    static _Alignas(16) float work[WK_LANES_WORK(1)];
    static float history[WK_RESAMPLE_FRAMES][WK_HAL_CHANNELS];
    two_channels(50, 50);
    EXPECT_OK(tone_start(&bench));
    const struct wk_sample_map *map = &bench.chain.cycle.map;
    struct wk_spectrum_memory memory = {&wk_lanes_one, work, history, WK_RESAMPLE_FRAMES_8};
    struct wk_spectrum_config config = {0};
    EXPECT_OK(wk_spectrum_init(&spectrum, map, INT64_C(8000000000), &memory, &config));
    EXPECT_ERR(WK_E_FULL,
               wk_spectrum_init(&spectrum, map, INT64_C(50000000000), &memory, &config));
    memory.frames = WK_RESAMPLE_FRAMES;
    EXPECT_OK(wk_spectrum_init(&spectrum, map, INT64_C(50000000000), &memory, &config));
    EXPECT_OK(wk_spectrum_init(&spectrum, map, INT64_C(1000000000), &memory, &config));
    config.signal_mhz = 99999;
    EXPECT_ERR(WK_E_RANGE,
               wk_spectrum_init(&spectrum, map, INT64_C(8000000000), &memory, &config));
    config.signal_mhz = 3000001;
    EXPECT_ERR(WK_E_RANGE,
               wk_spectrum_init(&spectrum, map, INT64_C(8000000000), &memory, &config));
}

static void it_fits_a_small_memory(void)
{
    const size_t lent = sizeof(float) * (WK_LANES_WORK(1) + WK_RESAMPLE_FRAMES_8 * 8);
    WK_TEST_FIGURE("struct wk_spectrum", sizeof(struct wk_spectrum), "octets", "<= 1024",
                   sizeof(struct wk_spectrum) <= 1024, 0);
    WK_TEST_FIGURE("memory lent to a spectrum of one lane at 8 kHz", lent, "octets", "<= 30720",
                   lent <= 30720, 0);
    EXPECT(sizeof(struct wk_spectrum) <= 1024);
    EXPECT(lent <= 30720);
}

WK_TEST_MAIN(T(interharmonics_are_grouped_by_their_bins_at_50_hz),
             T(interharmonics_are_grouped_by_their_bins_at_60_hz),
             T(harmonic_power_has_the_sign_of_its_direction),
             T(delays_of_the_channels_are_corrected_at_every_order),
             T(a_turned_channel_turns_the_power), T(dc_is_order_zero_with_its_sign_and_power),
             T(thd_k_factor_and_crest_follow_their_definitions),
             T(a_signalling_voltage_is_found_between_and_on_the_bins),
             T(one_lane_and_four_give_the_same), T(blocks_of_any_size_give_the_same_to_the_bit),
             T(a_window_with_missing_frames_has_no_result),
             T(counts_that_are_none_or_too_large_do_no_lasting_harm),
             T(a_current_may_jump_by_any_factor), T(what_cannot_work_is_refused),
             T(it_fits_a_small_memory))
