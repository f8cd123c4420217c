/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions that metrology takes on the Cortex-M4F, and the memory it needs. Runs in QEMU with
 * -icount shift=0: an instruction is a nanosecond of the board's clock, so the count is the same
 * on every run. SysTick counts at 25 MHz: 40 instructions a tick. */
#include "metrology/analyser.h"
#include "metrology/chain.h"
#include "tests/wk_test.h"

#define CHANNELS        8
#define RATE_HZ         8000
#define PERIOD          160 /* frames of one cycle of 50 Hz */
#define SETTLE          16000
#define COUNTED         40000
#define PER_TICK        40U
#define SYSTICK_CONTROL (*(volatile uint32_t *)UINT32_C(0xE000E010))
#define SYSTICK_RELOAD  (*(volatile uint32_t *)UINT32_C(0xE000E014))
#define SYSTICK_VALUE   (*(volatile uint32_t *)UINT32_C(0xE000E018))
#define SYSTICK_MOST    UINT32_C(0x00FFFFFF)

static int32_t cycle[PERIOD * CHANNELS];

/* All that metrology and power quality keep on the target, for 8 channels at 8 kHz with all of
 * class A: the chain, the analyser, and what the analyser borrows. Not counted is the stack, which
 * is measured apart, and what this program feeds. */
static struct {
    struct wk_chain chain;
    struct wk_analyser analyser;
    _Alignas(8) float work[WK_LANES_WORK(1)];
    float history[WK_RESAMPLE_FRAMES_8][WK_HAL_CHANNELS];
    int16_t transient[WK_TRANSIENT_ENTRIES(RATE_HZ)];
    struct wk_aggregate_lines ten_min;
} meter;

#define PAINTED 16384 /* octets of stack */
#define PAINT   UINT32_C(0xA5A5A5A5)

/* Paints what lies below the caller's frame, where nothing is kept: no interrupts here. */
static volatile uint32_t *__attribute__((noinline)) paint(const void *frame)
{
    volatile uint32_t *row = (volatile uint32_t *)((uintptr_t)frame / 8 * 8 - PAINTED);
    for (size_t n = 0; n < PAINTED / 4 - 64; n++) {
        row[n] = PAINT;
    }
    return row;
}

/* Octets of it that were used since. */
static uint32_t used_of(const volatile uint32_t *row)
{
    uint32_t words = 0;
    while (words < PAINTED / 4 && row[words] == PAINT) {
        words++;
    }
    return PAINTED - 4 * words;
}

static wk_err take(void *self, const struct wk_record *record)
{
    (void)self;
    (void)record;
    return WK_OK;
}

static void fill(void)
{
    for (uint32_t n = 0; n < PERIOD; n++) {
        for (uint32_t c = 0; c < CHANNELS; c++) {
            int32_t cosine;
            int32_t sine;
            const uint32_t turn = n * (UINT32_MAX / PERIOD) - c % 4 * UINT32_C(1431655765);
            wk_angle_unit_q30(turn - (c < 4 ? 0 : UINT32_C(300000000)), &cosine, &sine);
            cycle[n * CHANNELS + c] = cosine >> (c % 4 == 3 ? 15 : 8);
        }
    }
}

static struct wk_hal_frontend_info frontend(void)
{
    struct wk_hal_frontend_info info = {
        .channels = CHANNELS,
        .rate_uhz = RATE_HZ * INT64_C(1000000),
        .start_us = INT64_C(1770000001000000),
        .nominal_uhz = 50000000,
        .nominal_mv = 200000,
    };
    for (int c = 0; c < CHANNELS; c++) {
        info.channel[c] = (struct wk_hal_channel){
            .quantity = c < 4 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(c % 4),
            .gain = {.mantissa = 700000000, .exponent = c < 4 ? -13 : -14},
        };
    }
    return info;
}

static wk_err feed(uint32_t frames)
{
    for (uint32_t n = 0; n < frames; n += PERIOD / 4) {
        WK_TRY(wk_chain_feed(&meter.chain, cycle + n % PERIOD * CHANNELS, PERIOD / 4));
    }
    return WK_OK;
}

/* Ticks while so many frames are fed, added up in parts that fit SysTick. */
static wk_err count(uint32_t frames, uint64_t *instructions)
{
    uint64_t ticks = 0;
    SYSTICK_RELOAD = SYSTICK_MOST;
    SYSTICK_CONTROL = 5;
    for (uint32_t done = 0; done < frames; done += RATE_HZ) {
        const uint32_t before = SYSTICK_VALUE;
        WK_TRY(feed(RATE_HZ));
        ticks += (before - SYSTICK_VALUE) & SYSTICK_MOST;
    }
    *instructions = ticks * PER_TICK;
    return WK_OK;
}

static void metering_is_cheap(void)
{
    struct wk_hal_frontend_info info = frontend();
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault fault;
    uint64_t instructions = 0;
    config.sink.emit = take;
    fill();
    EXPECT_OK(wk_chain_init(&meter.chain, &info, &config, &fault));
    EXPECT_OK(feed(SETTLE));
    EXPECT_OK(count(COUNTED, &instructions));
    const uint32_t per_frame = (uint32_t)(instructions / COUNTED);
    WK_TEST_FIGURE("cortexm_metering_per_8_channel_sample", per_frame, "instructions", "<= 600",
                   per_frame <= 600, 0);
    EXPECT(per_frame > 0 && per_frame <= 600);
}

static void all_of_class_a_fits_the_processor(void)
{
    struct wk_hal_frontend_info info = frontend();
    struct wk_chain_config config = wk_chain_usual();
    const struct wk_analyser_config quality = wk_analyser_usual();
    struct wk_sample_fault fault;
    uint64_t instructions = 0;
    const struct wk_analyser_memory memory = {
        .spectrum = {.lanes = &wk_lanes_one,
                     .work = meter.work,
                     .history = meter.history,
                     .frames = WK_RESAMPLE_FRAMES_8},
        .transient = meter.transient,
        .transients = WK_TRANSIENT_ENTRIES(RATE_HZ),
        .ten_min = &meter.ten_min,
    };
    config.sink.emit = take;
    fill();
    EXPECT_OK(
        wk_analyser_init(&meter.analyser, &meter.chain, &info, &quality, &memory, &fault));
    config.observer = wk_analyser_observer(&meter.analyser);
    EXPECT_OK(wk_chain_init(&meter.chain, &info, &config, &fault));
    EXPECT_OK(feed(SETTLE));
    const volatile uint32_t *painted = paint(&instructions);
    EXPECT_OK(count(COUNTED, &instructions));
    const uint32_t stack = used_of(painted);
    const uint32_t per_second = (uint32_t)(instructions / (COUNTED / RATE_HZ));
    WK_TEST_FIGURE("cortexm_class_a_chain_8_channels_8_khz", per_second, "instructions/s",
                   "<= 20000000", per_second <= 20000000, 0);
    EXPECT(per_second <= 20000000);
    WK_TEST_FIGURE("cortexm_stack_of_metrology_and_quality", stack, "octets", "<= 8192",
                   stack <= 8192, 0);
    EXPECT(stack > 0 && stack <= 8192);
    printf("# chain %u, analyser %u (spectrum %u, flicker %u, change %u, aggregate %u)\n",
           (unsigned)sizeof meter.chain, (unsigned)sizeof meter.analyser,
           (unsigned)sizeof meter.analyser.spectrum, (unsigned)sizeof meter.analyser.flicker,
           (unsigned)sizeof meter.analyser.change, (unsigned)sizeof meter.analyser.aggregate);
    WK_TEST_FIGURE("cortexm_ram_of_metrology_and_quality", sizeof meter, "octets", "<= 49152",
                   sizeof meter <= 49152, 0);
    EXPECT(sizeof meter <= 49152);
}

WK_TEST_MAIN(T(metering_is_cheap), T(all_of_class_a_fits_the_processor))
