/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/cycle.h"

#include <string.h>

#include "tests/wk_test.h"

#define SEED   UINT32_C(20261122)
#define FRAMES 40000
#define BLOCK  203 /* frames at most at a time */
#define MOST   8388607

/* Places of the channels of a frame: as most front ends have them, and u beside its i. */
static const int k_usual[WK_HAL_CHANNELS] = {0, 1, 2, 3, 4, 5, 6, 7};
static const int k_beside[WK_HAL_CHANNELS] = {0, 2, 4, 6, 1, 3, 5, 7};

static uint32_t state;
static struct wk_cycle usual;
static struct wk_cycle beside;
static int32_t counts[2][BLOCK * WK_HAL_CHANNELS];

static int32_t random_to(int32_t most)
{
    state = state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (int32_t)((uint64_t)(state >> 1) * (uint32_t)(2 * most + 1) >> 31) - most;
}

static void init(struct wk_cycle *cycle, const int place[WK_HAL_CHANNELS], int32_t offset)
{
    struct wk_hal_frontend_info info = {
        .channels = WK_HAL_CHANNELS,
        .rate_uhz = INT64_C(8000000000),
        .nominal_uhz = 50000000,
    };
    struct wk_sample_fault fault;
    struct wk_sample_map map;
    for (int c = 0; c < WK_HAL_CHANNELS; c++) {
        info.channel[place[c]] = (struct wk_hal_channel){
            .quantity = c < 4 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(c % 4),
            .gain = {.mantissa = 600000000, .exponent = -13},
            .offset = c % 2 == 0 ? offset : -offset,
            .delay_ns = c == 5 && offset == 0 ? 7000 : 0,
        };
    }
    EXPECT_OK(wk_sample_map_init(&map, &info, &fault));
    wk_cycle_init(cycle, &map, info.rate_uhz, wk_cycle_step_of(49700000, info.rate_uhz));
}

/* Now and then a block has a count that is none or too large. */
static size_t fill(int64_t x[WK_HAL_CHANNELS], int64_t xx[WK_HAL_CHANNELS], int32_t offset)
{
    const size_t frames = (size_t)(random_to(BLOCK / 2) + BLOCK / 2 + 1);
    for (size_t at = 0; at < frames * WK_HAL_CHANNELS; at++) {
        const size_t n = at / WK_HAL_CHANNELS * WK_HAL_CHANNELS;
        const int c = (int)(at % WK_HAL_CHANNELS);
        const int32_t odd = random_to(10000);
        const int32_t count = odd == 0    ? WK_HAL_NO_COUNT
                              : odd == 1  ? WK_SAMPLE_COUNTS
                              : odd < -30 ? MOST - (odd & 1)
                                          : random_to(MOST);
        const int64_t value = odd == 0 ? 0 : (int64_t)count - (c % 2 == 0 ? offset : -offset);
        counts[0][n + (size_t)k_usual[c]] = count;
        counts[1][n + (size_t)k_beside[c]] = count;
        x[c] += value;
        xx[c] += value * value;
    }
    return frames;
}

static void add(struct wk_cycle_sums *all, const struct wk_cycle_sums *sums)
{
    for (size_t i = 0; i < WK_CYCLE_SUMS; i++) {
        all->each[i] += sums->each[i];
    }
}

static void feed_both(size_t frames, struct wk_cycle_sums *all)
{
    for (size_t done = 0; done < frames;) {
        bool marked[2];
        const size_t left = frames - done;
        const size_t at = done * WK_HAL_CHANNELS;
        const size_t taken = wk_cycle_feed(&usual, counts[0] + at, left, &marked[0]);
        EXPECT_I64((int64_t)taken,
                   (int64_t)wk_cycle_feed(&beside, counts[1] + at, left, &marked[1]));
        EXPECT(marked[0] == marked[1]);
        EXPECT(memcmp(&usual.sums, &beside.sums, sizeof usual.sums) == 0);
        EXPECT(memcmp(&usual.half, &beside.half, sizeof usual.half) == 0);
        EXPECT(memcmp(&usual.now_q29, &beside.now_q29, sizeof usual.now_q29) == 0);
        if (marked[0]) {
            add(all, &usual.half);
        }
        done += taken;
    }
}

static void compare(int32_t offset)
{
    struct wk_cycle_sums all = {0};
    int64_t x[WK_HAL_CHANNELS] = {0};
    int64_t xx[WK_HAL_CHANNELS] = {0};
    init(&usual, k_usual, offset);
    init(&beside, k_beside, offset);
    for (size_t n = 0; n < FRAMES;) {
        const size_t frames = fill(x, xx, offset);
        feed_both(frames, &all);
        n += frames;
    }
    add(&all, &usual.sums);
    EXPECT_I64(usual.saturated.samples, beside.saturated.samples);
    EXPECT_I64(usual.no_value.samples, beside.no_value.samples);
    EXPECT(usual.saturated.samples > 0 && usual.no_value.samples > 0);
    for (int c = 0; c < WK_HAL_CHANNELS; c++) {
        EXPECT_I64(x[c], all.slot[c].x);
        EXPECT_I64(xx[c], all.slot[c].xx);
    }
}

static void the_order_of_channels_does_not_matter_to_any_sum(void)
{
    printf("# seed %lu\n", (unsigned long)SEED);
    state = SEED;
    compare(0);
    compare(WK_SAMPLE_OFFSET);
    compare(-WK_SAMPLE_OFFSET);
}

WK_TEST_MAIN(T(the_order_of_channels_does_not_matter_to_any_sum))
