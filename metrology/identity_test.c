/* SPDX-License-Identifier: Apache-2.0
 *
 * The same samples give the same registers, bit for bit, on every processor: this test runs on
 * the host and on the Cortex-M, and both must come to the one check sum written here. Samples
 * are made in integers, too. */
#include "base/bytes.h"
#include "base/crc.h"
#include "metrology/chain.h"
#include "tests/wk_test.h"

#define FRAMES   24000 /* 3 s */
#define CHANNELS 8
#define STEP     26843546 /* turns per sample, 2^32 = one: 50 Hz */
#define SEED     UINT32_C(20261121)
#define BLOCK    97 /* frames at most at a time */
#define CHECKED  UINT32_C(0xF880B094)

static uint32_t sum;
static uint32_t windows;
static struct wk_chain chain;

static void put_energy(struct wk_bytes_out *out, const struct wk_record_energy *energy)
{
    wk_bytes_out_u64le(out, (uint64_t)energy->import_uwh);
    wk_bytes_out_u64le(out, (uint64_t)energy->export_uwh);
    wk_bytes_out_u64le(out, (uint64_t)energy->import1_uwh);
    wk_bytes_out_u64le(out, (uint64_t)energy->export1_uwh);
    wk_bytes_out_u64le(out, (uint64_t)energy->import_uvah);
    wk_bytes_out_u64le(out, (uint64_t)energy->export_uvah);
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        wk_bytes_out_u64le(out, (uint64_t)energy->q_uvarh[quadrant]);
    }
}

/* Every register and every quantity of every window. */
static wk_err check(void *self, const struct wk_record *record)
{
    uint8_t octets[1024];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    (void)self;
    if (record->kind != WK_RECORD_WINDOW) {
        return WK_OK;
    }
    const struct wk_record_window *window = &record->window;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        put_energy(&out, &window->energy[phase]);
        wk_bytes_out_u32le(&out, (uint32_t)window->u_mv[phase]);
        wk_bytes_out_u64le(&out, (uint64_t)window->i_ua[phase]);
        wk_bytes_out_u64le(&out, (uint64_t)window->p_mw[phase]);
        wk_bytes_out_u64le(&out, (uint64_t)window->q1_mvar[phase]);
        wk_bytes_out_u32le(&out, (uint32_t)window->i_mdeg[phase]);
    }
    put_energy(&out, &window->total);
    wk_bytes_out_u32le(&out, (uint32_t)window->frequency_uhz);
    wk_bytes_out_u32le(&out, (uint32_t)window->u2_ppm);
    sum = wk_crc_32(sum, octets, out.size);
    windows++;
    return out.fault;
}

static struct wk_hal_frontend_info frontend(void)
{
    struct wk_hal_frontend_info info = {
        .channels = CHANNELS,
        .rate_uhz = INT64_C(8000000000),
        .start_us = INT64_C(1770000000000000) - 1234567,
        .nominal_uhz = 50000000,
        .nominal_mv = 230000,
    };
    for (int c = 0; c < CHANNELS; c++) {
        info.channel[c] = (struct wk_hal_channel){
            .quantity = c < 4 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(c % 4),
            .gain = {.mantissa = 600000000 + 1000 * c, .exponent = c < 4 ? -13 : -14},
            .delay_ns = c == 5 ? 7000 : 0,
        };
    }
    info.channel[6].curve_points = 1;
    info.channel[6].curve[0] = (struct wk_hal_curve_point){1000000, 1500, 80000};
    return info;
}

static int32_t sample_of(uint32_t n, int c, uint32_t noise)
{
    const uint32_t phase = (uint32_t)(c % 4) * UINT32_C(1431655765);
    const uint32_t lag = c < 4 ? 0 : UINT32_C(500000000) + (uint32_t)c * UINT32_C(40000000);
    int32_t cosine;
    int32_t sine;
    wk_angle_unit_q30(n * (STEP + 137) - phase - lag, &cosine, &sine);
    const int64_t peak = c % 4 == 3 ? 20000 : 5000000 - 100000 * c;
    wk_angle_unit_q30(5 * n * STEP, &sine, &cosine);
    return (int32_t)((peak * cosine + peak / 9 * sine) >> 31) + (int32_t)(noise >> 24) - 128;
}

static void registers_are_the_same_on_every_processor(void)
{
    struct wk_hal_frontend_info info = frontend();
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault fault;
    uint32_t noise = SEED;
    config.sink.emit = check;
    config.start_ua = 4000;
    config.pulse_constant = 10000;
    EXPECT_OK(wk_chain_init(&chain, &info, &config, &fault));
    for (uint32_t n = 0; n < FRAMES;) {
        static int32_t block[BLOCK * CHANNELS];
        const uint32_t frames = FRAMES - n < n % BLOCK + 1 ? FRAMES - n : n % BLOCK + 1;
        for (uint32_t at = 0; at < frames * CHANNELS; at++) {
            noise = noise * 1664525 + 1013904223;
            block[at] = sample_of(n + at / CHANNELS, (int)(at % CHANNELS), noise);
        }
        EXPECT_OK(wk_chain_feed(&chain, block, frames));
        n += frames;
    }
    EXPECT_OK(wk_chain_flush(&chain));
    EXPECT(windows >= 15);
    printf("# seed %lu, %lu windows, check sum 0x%08lX\n", (unsigned long)SEED,
           (unsigned long)windows, (unsigned long)sum);
    EXPECT_I64(CHECKED, sum);
}

WK_TEST_MAIN(T(registers_are_the_same_on_every_processor))
