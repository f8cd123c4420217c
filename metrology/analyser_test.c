/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/crc.h"
#include "metrology/analyser.h"
#include "metrology/signal_test.h"
#include "tests/wk_test.h"

#define RATE_HZ  8000
#define TICK_US  INT64_C(1769997600000000) /* two full hours of UTC */
#define RECORDS  2048
#define CAPTURES 4

static struct {
    struct wk_record quality[RECORDS]; /* QUALITY, in order */
    size_t qualities;
    struct wk_record spectrum; /* the newest of L1's voltage, level 3 s */
    size_t spectra[WK_RECORD_LEVELS];
    struct wk_record event[64];
    size_t events;
    size_t frequencies;
    struct wk_record frequency;
    uint64_t seq;
    bool gap_in_seq;
    size_t captures;
    struct wk_capture_done capture[CAPTURES];
    int32_t first_count;
} got;

static struct wk_chain chain;
static struct wk_analyser analyser;
static _Alignas(8) float work[WK_LANES_WORK(1)];
static float history[WK_ANALYSER_HISTORY(RATE_HZ)][WK_HAL_CHANNELS];
static int16_t transients[WK_TRANSIENT_ENTRIES(RATE_HZ)];
static int32_t waveform[2 * 60 * 200 * WK_HAL_CHANNELS];
static struct wk_aggregate_lines lines[4];

static wk_err take(void *self, const struct wk_record *record)
{
    (void)self;
    got.gap_in_seq = got.gap_in_seq || record->seq != got.seq + 1;
    got.seq = record->seq;
    switch (record->kind) {
    case WK_RECORD_QUALITY:
        got.quality[got.qualities++ % RECORDS] = *record;
        break;
    case WK_RECORD_SPECTRUM:
        got.spectra[record->spectrum.level]++;
        if (record->spectrum.level == WK_RECORD_LEVEL_3_S && record->spectrum.slot == 0) {
            got.spectrum = *record;
        }
        break;
    case WK_RECORD_EVENT:
        got.event[got.events++ % 64] = *record;
        break;
    case WK_RECORD_FREQUENCY:
        got.frequency = *record;
        got.frequencies++;
        break;
    default:
        break;
    }
    return WK_OK;
}

static uint32_t window_sum;

static wk_err sum_windows(void *self, const struct wk_record *record)
{
    (void)self;
    if (record->kind == WK_RECORD_WINDOW) {
        window_sum = wk_crc_32(window_sum, &record->window, sizeof record->window);
        window_sum = wk_crc_32(window_sum, &record->t_us, sizeof record->t_us);
    }
    return WK_OK;
}

static wk_err take_capture(void *self, const struct wk_capture *capture,
                           const struct wk_capture_done *done)
{
    int32_t frame[WK_HAL_CHANNELS];
    (void)self;
    WK_TRY(wk_capture_copy(capture, done->trigger, 1, frame));
    got.first_count = frame[0];
    got.capture[got.captures++ % CAPTURES] = *done;
    return WK_OK;
}

static wk_err begin(const struct signal *signal, bool emit_blocks)
{
    struct wk_chain_config config = wk_chain_usual();
    struct wk_analyser_config quality = wk_analyser_usual();
    struct wk_sample_fault fault;
    const struct wk_analyser_memory memory = {
        .spectrum = {.lanes = &wk_lanes_one,
                     .work = work,
                     .history = history,
                     .frames = WK_ANALYSER_HISTORY(RATE_HZ)},
        .transient = transients,
        .transients = WK_TRANSIENT_ENTRIES(RATE_HZ),
        .capture = waveform,
        .captures = sizeof waveform / sizeof waveform[0],
        .three_s = {&lines[0], &lines[1]},
        .ten_min = &lines[2],
        .two_h = &lines[3],
    };
    memset(&got, 0, sizeof got);
    quality.emit_blocks = emit_blocks;
    quality.capture_before = 1600;
    quality.capture_after = 4000;
    quality.captures = (struct wk_capture_sink){.self = &got, .take = take_capture};
    WK_TRY(wk_analyser_init(&analyser, &chain, &signal->info, &quality, &memory, &fault));
    config.observer = wk_analyser_observer(&analyser);
    config.sink.emit = take;
    return wk_chain_init(&chain, &signal->info, &config, &fault);
}

static struct signal three_phases(double f_hz, double before_tick_s)
{
    struct signal signal = signal_of(3, RATE_HZ, f_hz);
    signal.info.nominal_mv = 230000;
    signal.info.start_us = TICK_US - (int64_t)(before_tick_s * 1e6);
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230, 10, 20);
        signal.channel[phase].part[1] = (struct signal_part){11.5, 5, 30.0 * phase};
        signal.channel[3 + phase].part[1] = (struct signal_part){2, 5, 40};
    }
    return signal;
}

static wk_err run(const struct signal *signal, double seconds)
{
    WK_TRY(signal_feed(signal, &chain, 0, (size_t)(seconds * RATE_HZ), SIGNAL_BLOCK));
    WK_TRY(wk_chain_flush(&chain));
    return wk_analyser_flush(&analyser);
}

static size_t count_level(wk_record_level level)
{
    size_t count = 0;
    for (size_t n = 0; n < got.qualities; n++) {
        count += got.quality[n].quality.level == level ? 1 : 0;
    }
    return count;
}

static const struct wk_record *last_of(wk_record_level level)
{
    const struct wk_record *last = NULL;
    for (size_t n = 0; n < got.qualities; n++) {
        last = got.quality[n].quality.level == level ? &got.quality[n] : last;
    }
    return last;
}

static bool near(float value, double truth, double share)
{
    return fabs((double)value / truth - 1) <= share;
}

static void three_seconds_have_the_values_of_their_blocks(void)
{
    const struct signal signal = three_phases(50.02, 4);
    EXPECT_OK(begin(&signal, false));
    EXPECT_OK(run(&signal, 3.9));
    EXPECT_I64(1, count_level(WK_RECORD_LEVEL_3_S));
    const struct wk_record_quality *quality = &last_of(WK_RECORD_LEVEL_3_S)->quality;
    const double u = sqrt(230 * 230 + 11.5 * 11.5);
    EXPECT_I64(15, quality->windows);
    EXPECT_I64(0, quality->flagged);
    EXPECT(near(quality->u_v[1], u, 1e-5));
    EXPECT(near(quality->i_a[2], sqrt(104), 1e-4));
    EXPECT(near(quality->u_thd[0], 0.05, 1e-3));
    EXPECT(near(quality->i_thd[0], 0.2, 1e-3));
    EXPECT(near(quality->k_factor[0], (100 + 25 * 4) / 104.0, 1e-3));
    EXPECT(near(quality->over[0], (u - 230) / 230, 2e-2));
    EXPECT(quality->u2 < 1e-4F);
    EXPECT(near(quality->f_hz, 50.02, 1e-6));
    EXPECT_I64(6, got.spectra[WK_RECORD_LEVEL_3_S]);
    EXPECT_I64(50, got.spectrum.spectrum.orders);
    EXPECT(near(got.spectrum.spectrum.subgroup[5], 11.5, 1e-3));
    EXPECT(near(got.spectrum.spectrum.subgroup[1], 230, 1e-4));
    EXPECT(!got.gap_in_seq);
}

static void ten_minutes_end_with_the_clock_and_blocks_overlap_there(void)
{
    const struct signal signal = three_phases(49.97, 22.345);
    EXPECT_OK(begin(&signal, true));
    EXPECT_OK(run(&signal, 22.345 + 4));
    EXPECT_I64(1, count_level(WK_RECORD_LEVEL_10_MIN));
    EXPECT_I64(1, count_level(WK_RECORD_LEVEL_2_H));
    const struct wk_record *ten = last_of(WK_RECORD_LEVEL_10_MIN);
    EXPECT_I64(TICK_US, ten->t_us);
    size_t before = 0;
    size_t with_lines = 0;
    int64_t first_after_us = 0;
    int64_t last_before_us = 0;
    for (size_t n = 0; n < got.qualities; n++) {
        const struct wk_record *record = &got.quality[n];
        if (record->quality.level != WK_RECORD_LEVEL_WINDOW) {
            continue;
        }
        const int64_t begin_us = record->t_us - record->span_us;
        with_lines += record->quality.u_thd[0] > 0 ? 1 : 0;
        EXPECT(record->quality.u_thd[0] == 0 || near(record->quality.u_thd[0], 0.05, 2e-3));
        EXPECT(labs((long)(record->span_us - 200120)) < 400 || n < 3);
        if (begin_us < TICK_US) {
            before++;
            last_before_us = record->t_us;
        } else if (first_after_us == 0) {
            first_after_us = begin_us;
        }
    }
    EXPECT_I64(before, ten->quality.windows);
    /* the new block begins with the first cycle after the tick, the old one is completed */
    EXPECT(first_after_us - TICK_US >= 0 && first_after_us - TICK_US <= 20020);
    EXPECT(last_before_us > first_after_us);
    /* every block but the first two has its spectrum, the overlapping one too */
    EXPECT(with_lines + 2 >= count_level(WK_RECORD_LEVEL_WINDOW));
    EXPECT(near(ten->quality.u_v[0], sqrt(230 * 230 + 11.5 * 11.5), 1e-5));
    EXPECT(near(ten->quality.u_thd[2], 0.05, 1e-3));
    EXPECT_I64(2, got.frequencies);
    EXPECT(labs(got.frequency.frequency.f_uhz - 49970000) < 100);
}

static void a_dip_flags_its_intervals_and_is_captured(void)
{
    struct signal signal = three_phases(50, 60);
    signal.scale_from_s = 3.1;
    signal.scale_to_s = 3.2;
    signal.scale[1] = 0.6;
    EXPECT_OK(begin(&signal, true));
    EXPECT_OK(run(&signal, 5));
    size_t flagged = 0;
    for (size_t n = 0; n < got.qualities; n++) {
        flagged += got.quality[n].quality.level == WK_RECORD_LEVEL_WINDOW &&
                           (got.quality[n].flags & WK_RECORD_FLAGGED) != 0
                       ? 1
                       : 0;
    }
    EXPECT(flagged >= 1 && flagged <= 2);
    EXPECT_I64(2, got.events); /* begin and end; no rapid change, no transient */
    EXPECT_I64(WK_RECORD_DIP_BEGIN, got.event[0].event.kind);
    EXPECT_I64(WK_RECORD_DIP_END, got.event[1].event.kind);
    EXPECT_I64(1, got.captures);
    const struct wk_capture_done *done = &got.capture[0];
    EXPECT(done->trigger >= 24640 && done->trigger <= 24960); /* 3.1 s, within a cycle */
    EXPECT_I64(1600, done->trigger - done->first);
    EXPECT(done->frames >= 5600);
}

static void a_small_step_is_a_rapid_change(void)
{
    struct signal signal = three_phases(50, 60);
    signal.scale_from_s = 5;
    signal.scale_to_s = 100;
    signal.scale[0] = 0.95;
    signal.scale[1] = 0.95;
    signal.scale[2] = 0.95;
    EXPECT_OK(begin(&signal, false));
    EXPECT_OK(run(&signal, 9));
    EXPECT_I64(1, got.events);
    const struct wk_record_event *event = &got.event[0].event;
    EXPECT_I64(WK_RECORD_RVC, event->kind);
    EXPECT(labs(event->steady_mv - 11514) < 60 || labs(event->steady_mv + 11514) < 60);
}

static void an_impulse_is_a_transient(void)
{
    const struct signal signal = three_phases(50, 60);
    EXPECT_OK(begin(&signal, false));
    for (size_t n = 0; n < 24000; n++) {
        int32_t counts[WK_HAL_CHANNELS];
        for (int at = 0; at < signal.info.channels; at++) {
            counts[at] = signal_count(&signal, at, (double)n / RATE_HZ);
        }
        counts[0] += n == 16000 || n == 16001 ? 2500000 : 0; /* 150 V */
        EXPECT_OK(wk_chain_feed(&chain, counts, 1));
    }
    EXPECT_OK(wk_analyser_flush(&analyser));
    EXPECT_I64(1, got.events);
    EXPECT_I64(WK_RECORD_TRANSIENT, got.event[0].event.kind);
    EXPECT_I64(1, got.event[0].event.phases);
    EXPECT(labs(got.event[0].event.extreme_mv - 150000) < 5000);
    EXPECT_I64(1, got.captures);
}

static void a_gap_ends_the_intervals_that_count_cycles(void)
{
    const struct signal signal = three_phases(50, 60);
    const struct wk_hal_trouble lost = {.kind = WK_HAL_FEED_LOST, .frames = 777};
    EXPECT_OK(begin(&signal, false));
    EXPECT_OK(signal_feed(&signal, &chain, 0, 20000, SIGNAL_BLOCK));
    EXPECT_OK(wk_chain_trouble(&chain, &lost, &signal.info));
    EXPECT_OK(signal_feed(&signal, &chain, 20777, 32000, SIGNAL_BLOCK));
    EXPECT_I64(1, count_level(WK_RECORD_LEVEL_3_S)); /* 2.5 s were not enough, 4 s were */
    const struct wk_record *three = last_of(WK_RECORD_LEVEL_3_S);
    EXPECT(three->t_us - three->span_us >= signal.info.start_us + INT64_C(20777) * 125 - 2);
    EXPECT_I64(15, three->quality.windows);
    EXPECT(!got.gap_in_seq);
}

static void a_new_sample_rate_is_taken_up(void)
{
    struct signal signal = three_phases(50, 60);
    const struct wk_hal_trouble rate = {.kind = WK_HAL_FEED_RATE,
                                        .rate_uhz = INT64_C(6400000000)};
    EXPECT_OK(begin(&signal, false));
    EXPECT_OK(signal_feed(&signal, &chain, 0, 8000, SIGNAL_BLOCK));
    EXPECT_OK(wk_chain_trouble(&chain, &rate, &signal.info));
    signal.info.rate_uhz = rate.rate_uhz;
    EXPECT_OK(signal_feed(&signal, &chain, 6400, 25600, SIGNAL_BLOCK));
    EXPECT_I64(1, count_level(WK_RECORD_LEVEL_3_S));
    EXPECT(near(last_of(WK_RECORD_LEVEL_3_S)->quality.u_thd[0], 0.05, 5e-3));
}

/* Check sum of the windows of a run. */
static uint32_t windows_of(const struct signal *signal, bool analysed)
{
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault fault;
    window_sum = 0;
    if (begin(signal, false) != WK_OK) {
        return 0;
    }
    config.observer = analysed ? wk_analyser_observer(&analyser) : config.observer;
    config.sink.emit = sum_windows;
    if (wk_chain_init(&chain, &signal->info, &config, &fault) != WK_OK ||
        signal_feed(signal, &chain, 0, 24000, SIGNAL_BLOCK) != WK_OK ||
        wk_chain_flush(&chain) != WK_OK) {
        return 0;
    }
    return window_sum;
}

static void metering_is_the_same_with_it_and_without(void)
{
    struct signal signal = three_phases(50.3, 2.1);
    signal.scale_from_s = 1;
    signal.scale_to_s = 1.1;
    signal.scale[2] = 0.3;
    const uint32_t alone = windows_of(&signal, false);
    EXPECT(alone != 0);
    EXPECT_I64(alone, windows_of(&signal, true));
}

WK_TEST_MAIN(T(metering_is_the_same_with_it_and_without),
             T(three_seconds_have_the_values_of_their_blocks),
             T(ten_minutes_end_with_the_clock_and_blocks_overlap_there),
             T(a_dip_flags_its_intervals_and_is_captured), T(a_small_step_is_a_rapid_change),
             T(an_impulse_is_a_transient), T(a_gap_ends_the_intervals_that_count_cycles),
             T(a_new_sample_rate_is_taken_up))
