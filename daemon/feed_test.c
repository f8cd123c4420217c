/* SPDX-License-Identifier: Apache-2.0
 *
 * The feed of wk-metrologyd with a front end that has troubles: what reaches the ring. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/feed.h"
#include "tests/wk_test.h"

#define RATE     8000
#define U_COUNTS 3252691.0 /* peak of 230 V at 10^-4 V per count */
#define I_COUNTS 1414214.0 /* peak of 10 A at 10^-5 A per count */
#define PI       3.14159265358979323846
#define START_US INT64_C(1770000000000000)

/* One phase, 230 V and 10 A in phase. At frame `at` of the delivery something happens. */
static struct {
    struct wk_hal_frontend_info info;
    struct wk_hal_trouble trouble;
    uint64_t at;
    uint64_t frames; /* to deliver */
    uint64_t none;   /* frames without counts, from `at` */
    uint64_t done;
    double t_s; /* of the next frame, true time */
    double rate_hz;
    bool told;
} front;

static struct wk_feed feed;
static struct wk_ring ring;
static struct wk_config config;
static char folder[] = "/tmp/wk-feed-XXXXXX";
static char path[64];
static volatile sig_atomic_t stop;

static wk_err front_read(void *self, int32_t *counts, size_t frames, size_t *got)
{
    (void)self;
    uint64_t end = front.frames;
    if (front.done < front.at) {
        end = front.at; /* the trouble lies before a read */
    } else if (front.done == front.at && front.trouble.kind != 0 && !front.told) {
        front.t_s += (double)front.trouble.frames / front.rate_hz;
        front.rate_hz =
            front.trouble.rate_uhz != 0 ? (double)front.trouble.rate_uhz / 1e6 : front.rate_hz;
    }
    const uint64_t left = end - front.done;
    *got = frames < left ? frames : (size_t)left;
    for (size_t n = 0; n < *got; n++, front.done++) {
        const double wave = cos(2 * PI * 50 * front.t_s);
        const bool none = front.done >= front.at && front.done < front.at + front.none;
        *counts++ = none ? WK_HAL_NO_COUNT : (int32_t)lrint(U_COUNTS * wave);
        *counts++ = (int32_t)lrint(I_COUNTS * wave);
        front.t_s += 1 / front.rate_hz;
    }
    return WK_OK;
}

static bool front_trouble(void *self, struct wk_hal_trouble *trouble)
{
    (void)self;
    if (front.trouble.kind == 0 || front.told || front.done <= front.at) {
        return false;
    }
    front.told = true;
    *trouble = front.trouble;
    return true;
}

/* What the ring holds afterwards. */
struct seen {
    int windows;
    int event[64];
    int gaps; /* windows with the flag of missing samples before them */
    int32_t value;
    int64_t begin_us;
    int64_t duration_us;
    int64_t last_us;
};

static void look(struct seen *seen)
{
    struct wk_record record;
    *seen = (struct seen){0};
    for (uint64_t at = wk_ring_oldest(&ring); wk_ring_get(&ring, at, &record) == WK_OK; at++) {
        if (record.kind == WK_RECORD_EVENT && record.event.kind < 64) {
            seen->event[record.event.kind]++;
            const bool feeds = record.event.kind >= WK_RECORD_FEED_LOST &&
                               record.event.kind <= WK_RECORD_FEED_RATE;
            if (feeds) {
                seen->value = record.event.value;
                seen->begin_us = record.event.begin_us;
                seen->duration_us = record.event.duration_us;
            }
        } else if (record.kind == WK_RECORD_WINDOW) {
            seen->windows++;
            seen->gaps += (record.flags & WK_RECORD_FEED_GAP) != 0;
            seen->last_us = record.t_us;
        }
    }
}

static wk_err run(struct wk_hal_trouble trouble, uint64_t none)
{
    static const struct wk_hal_channel k_u = {
        .name = "U", .quantity = WK_HAL_VOLTAGE, .gain = {1000000000, -13}};
    static const struct wk_hal_channel k_i = {
        .name = "I", .quantity = WK_HAL_CURRENT, .gain = {1000000000, -14}};
    front.info = (struct wk_hal_frontend_info){.channels = 2,
                                               .rate_uhz = RATE * INT64_C(1000000),
                                               .nominal_uhz = 50000000,
                                               .nominal_mv = 230000,
                                               .channel = {k_u, k_i}};
    front.trouble = trouble;
    front.at = 5 * RATE;
    front.frames = 10 * RATE;
    front.none = none;
    front.done = 0;
    front.t_s = 0;
    front.rate_hz = RATE;
    front.told = false;
    config = (struct wk_config){.frontend = WK_CONFIG_REPLAY,
                                .file = "front",
                                .pace = WK_CONFIG_FULL_SPEED,
                                .start_us = START_US};
    if (path[0] == '\0' && mkdtemp(folder) != NULL) {
        snprintf(path, sizeof path, "%s/ring", folder);
    }
    unlink(path);
    const struct wk_hal_frontend port = {
        .self = &front, .info = &front.info, .read = front_read, .trouble = front_trouble};
    WK_TRY(wk_ring_open(&ring, path));
    wk_err err = wk_feed_init(&feed, &config, &ring, &port, &stop);
    err = err == WK_OK ? wk_feed_run(&feed) : err;
    wk_feed_close(&feed);
    return err;
}

static void end(void)
{
    wk_ring_close(&ring);
    unlink(path);
}

static void a_feed_without_trouble_has_none(void)
{
    struct seen seen;
    EXPECT_OK(run((struct wk_hal_trouble){0}, 0));
    look(&seen);
    EXPECT(seen.windows >= 48);
    EXPECT_I64(0, seen.gaps);
    EXPECT_I64(0, seen.event[WK_RECORD_FEED_LOST] + seen.event[WK_RECORD_FEED_RESET] +
                      seen.event[WK_RECORD_FEED_RATE]);
    EXPECT_NEAR(START_US + 10000000, seen.last_us, 210000);
    end();
}

static void lost_frames_and_a_reset_are_events_and_time_goes_on(void)
{
    static const wk_hal_trouble_kind k_kinds[] = {WK_HAL_FEED_LOST, WK_HAL_FEED_RESET};
    static const int k_events[] = {WK_RECORD_FEED_LOST, WK_RECORD_FEED_RESET};
    for (int k = 0; k < 2; k++) {
        struct seen seen;
        EXPECT_OK(run((struct wk_hal_trouble){.kind = k_kinds[k], .frames = 12345}, 0));
        look(&seen);
        EXPECT_I64(1, seen.event[k_events[k]]);
        EXPECT_I64(12345, seen.value);
        EXPECT_NEAR(START_US + 5000000, seen.begin_us, 100);
        EXPECT_NEAR(12345 * 125, seen.duration_us, 1);
        EXPECT(seen.gaps >= 1);
        EXPECT_NEAR(START_US + 10000000 + 12345 * 125, seen.last_us, 210000);
        EXPECT_I64(10 * RATE + 12345, feed.frames);
        end();
    }
}

static void another_rate_is_an_event_and_time_goes_on_with_it(void)
{
    struct seen seen;
    EXPECT_OK(run(
        (struct wk_hal_trouble){.kind = WK_HAL_FEED_RATE, .rate_uhz = INT64_C(4000000000)}, 0));
    look(&seen);
    EXPECT_I64(1, seen.event[WK_RECORD_FEED_RATE]);
    EXPECT_I64(4000000, seen.value);
    /* 5 s at 8 kHz, then as many frames at 4 kHz: 10 s */
    EXPECT_NEAR(START_US + 15000000, seen.last_us, 210000);
    EXPECT_I64(INT64_C(4000000000), feed.info.rate_uhz);
    EXPECT_I64(5 * RATE, feed.frames);
    EXPECT_NEAR(START_US + 5000000, feed.info.start_us, 1);
    end();
}

static void counts_that_are_none_are_an_event_with_an_end(void)
{
    struct seen seen;
    EXPECT_OK(run((struct wk_hal_trouble){0}, RATE));
    look(&seen);
    EXPECT_I64(1, seen.event[WK_RECORD_NO_VALUE_BEGIN]);
    EXPECT_I64(1, seen.event[WK_RECORD_NO_VALUE_BEGIN + 1]);
    end();
    rmdir(folder);
}

WK_TEST_MAIN(T(a_feed_without_trouble_has_none),
             T(lost_frames_and_a_reset_are_events_and_time_goes_on),
             T(another_rate_is_an_event_and_time_goes_on_with_it),
             T(counts_that_are_none_are_an_event_with_an_end))
