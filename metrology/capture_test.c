/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/capture.h"

#include "tests/wk_test.h"

#define CHANNELS 3
#define ROOM     100

static int32_t memory[ROOM * CHANNELS];
static struct wk_capture capture;
static struct wk_capture_done done;
static int captures;
static bool whole; /* every frame of it was what was fed */
static wk_err answer;

static int32_t count_of(uint64_t frame, int channel)
{
    return (int32_t)(frame * 10) + channel;
}

static wk_err take(void *self, const struct wk_capture *from, const struct wk_capture_done *got)
{
    int32_t copy[ROOM * CHANNELS];
    (void)self;
    done = *got;
    captures++;
    whole = wk_capture_copy(from, got->first, (size_t)got->frames, copy) == WK_OK;
    for (uint64_t n = 0; whole && n < got->frames; n++) {
        for (int c = 0; c < CHANNELS; c++) {
            whole = whole && copy[n * CHANNELS + (uint64_t)c] == count_of(got->first + n, c);
        }
    }
    return answer;
}

static void begin(uint64_t before, uint64_t after)
{
    const struct wk_capture_sink sink = {.take = take};
    EXPECT_OK(wk_capture_init(&capture, CHANNELS, memory, ROOM * CHANNELS, before, after));
    wk_capture_deliver_to(&capture, &sink);
    captures = 0;
    answer = WK_OK;
}

static wk_err feed(uint64_t frames, uint64_t block)
{
    int32_t counts[64 * CHANNELS];
    while (frames > 0) {
        const uint64_t now = frames < block ? frames : block;
        for (uint64_t n = 0; n < now; n++) {
            for (int c = 0; c < CHANNELS; c++) {
                counts[n * CHANNELS + (uint64_t)c] = count_of(capture.at + n, c);
            }
        }
        WK_TRY(wk_capture_feed(&capture, counts, (size_t)now));
        frames -= now;
    }
    return WK_OK;
}

static void a_capture_holds_what_was_before_and_after_its_trigger(void)
{
    static const uint64_t k_blocks[] = {1, 7, 64};
    for (int i = 0; i < 3; i++) {
        begin(20, 50);
        EXPECT_OK(feed(333, k_blocks[i]));
        wk_capture_trigger(&capture, 330, 9);
        EXPECT_OK(feed(46, k_blocks[i]));
        EXPECT_I64(0, captures);
        EXPECT_OK(feed(30, k_blocks[i]));
        EXPECT_I64(1, captures);
        EXPECT_I64(310, done.first);
        EXPECT_I64(70, done.frames);
        EXPECT_I64(330, done.trigger);
        EXPECT_I64(9, done.reason);
        EXPECT(whole);
    }
}

static void another_trigger_extends_it_as_far_as_memory_goes(void)
{
    begin(20, 50);
    EXPECT_OK(feed(200, 64));
    wk_capture_trigger(&capture, 200, 1);
    EXPECT_OK(feed(20, 64));
    wk_capture_trigger(&capture, 220, 2);
    wk_capture_trigger(&capture, 210, 3); /* earlier: nothing to extend */
    EXPECT_OK(feed(60, 64));
    EXPECT_I64(1, captures);
    EXPECT_I64(90, done.frames);
    EXPECT_I64(1, done.reason);
    EXPECT_I64(3, done.triggers);
    EXPECT(whole);
    wk_capture_trigger(&capture, 280, 1);
    EXPECT_OK(feed(49, 64));
    wk_capture_trigger(&capture, 329, 2);
    EXPECT_OK(feed(60, 64));
    EXPECT_I64(2, captures);
    EXPECT_I64(260, done.first);
    EXPECT_I64(ROOM, done.frames);
    EXPECT(whole);
}

static void a_trigger_looks_back_only_as_far_as_there_is(void)
{
    begin(20, 50);
    EXPECT_OK(feed(5, 5));
    wk_capture_trigger(&capture, 3, 0);
    EXPECT_OK(feed(60, 64));
    EXPECT_I64(0, done.first);
    EXPECT_I64(53, done.frames);
    EXPECT(whole);
    EXPECT_OK(feed(500, 64));
    wk_capture_trigger(&capture, 100, 0); /* long gone: nothing of it is left */
    EXPECT_OK(feed(1, 1));
    EXPECT_I64(1, captures);
    wk_capture_trigger(&capture, 600, 0); /* still to come */
    EXPECT_OK(feed(200, 64));
    EXPECT_I64(2, captures);
    EXPECT_I64(580, done.first);
    EXPECT_I64(70, done.frames);
    EXPECT(whole);
}

static void a_gap_is_never_bridged(void)
{
    begin(20, 50);
    EXPECT_OK(feed(200, 64));
    wk_capture_trigger(&capture, 195, 0);
    EXPECT_OK(wk_capture_gap(&capture, 1000));
    EXPECT_I64(1, captures);
    EXPECT_I64(25, done.frames);
    EXPECT(whole);
    EXPECT_OK(feed(10, 64));
    wk_capture_trigger(&capture, 1205, 0);
    EXPECT_OK(feed(80, 64));
    EXPECT_I64(1200, done.first);
    EXPECT_I64(55, done.frames);
    EXPECT(whole);
}

static void flushing_delivers_what_there_is_and_errors_are_passed_on(void)
{
    begin(20, 50);
    EXPECT_OK(wk_capture_flush(&capture));
    EXPECT_OK(feed(100, 64));
    wk_capture_trigger(&capture, 99, 0);
    EXPECT_OK(wk_capture_flush(&capture));
    EXPECT_I64(21, done.frames);
    wk_capture_trigger(&capture, 100, 0);
    answer = WK_E_IO;
    EXPECT_ERR(WK_E_IO, feed(60, 60));
    int32_t one[CHANNELS];
    EXPECT_ERR(WK_E_RANGE, wk_capture_copy(&capture, capture.at, 1, one));
    EXPECT_ERR(WK_E_RANGE, wk_capture_copy(&capture, capture.at - ROOM - 1, 1, one));
    EXPECT_OK(wk_capture_copy(&capture, capture.at - ROOM, 1, one));
}

static void too_little_memory_is_refused(void)
{
    EXPECT_ERR(WK_E_FULL, wk_capture_init(&capture, 3, memory, 299, 50, 50));
    EXPECT_ERR(WK_E_FULL, wk_capture_init(&capture, 3, memory, 300, 50, 0));
    EXPECT_ERR(WK_E_FULL, wk_capture_init(&capture, 3, memory, 300, UINT64_MAX, 2));
    EXPECT_ERR(WK_E_ARGUMENT, wk_capture_init(&capture, 0, memory, 300, 50, 50));
    EXPECT_ERR(WK_E_ARGUMENT, wk_capture_init(&capture, 9, memory, 300, 1, 1));
    EXPECT_OK(wk_capture_init(&capture, 3, memory, 300, 50, 50));
}

WK_TEST_MAIN(T(a_capture_holds_what_was_before_and_after_its_trigger),
             T(another_trigger_extends_it_as_far_as_memory_goes),
             T(a_trigger_looks_back_only_as_far_as_there_is), T(a_gap_is_never_bridged),
             T(flushing_delivers_what_there_is_and_errors_are_passed_on),
             T(too_little_memory_is_refused))
