/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/angle.h"
#include "metrology/quality.h"

#define HALF_TURN (UINT64_C(1) << 63)
#define QUARTER   (UINT64_C(1) << 62)
#define ONE_Q16   65536
#define SNAP      ((int64_t)(HALF_TURN >> 3)) /* beyond it a crossing is a wrong one */

/* Turns by which a voltage is ahead of its accumulator, at a crossing of the oscillator that
 * lies `late` turns before the next sample; false if the voltage is too small to tell. */
static bool offset_of(const struct wk_quality *quality, int phase,
                      const struct wk_window *window, uint64_t late, int64_t *off)
{
    struct wk_window_cycle cycle;
    wk_window_last_cycle(window, WK_SAMPLE_U + phase, &cycle);
    const float v = quality->voltage[phase].v;
    if (2 * v * v * wk_window_square(&cycle) < quality->enter_v2[WK_QUALITY_INTERRUPTION]) {
        return false;
    }
    /* Whole half turns of the oscillator do not count. A cosine crosses zero at a quarter. A
     * sample is the voltage in the middle of the time it stands for. */
    const uint64_t turn = (uint64_t)(uint32_t)wk_angle_of(cycle.phasor) << 32;
    const uint64_t since = turn + QUARTER + late - quality->step / 2;
    const uint64_t more = since + quality->voltage[phase].ahead;
    *off = (int64_t)(more << 1) / 2;
    return true;
}

static void correct(struct wk_quality_voltage *voltage, int64_t off, bool may_snap,
                    uint64_t step)
{
    voltage->off = off;
    if (may_snap && (off > SNAP || off < -SNAP)) {
        const uint64_t since = HALF_TURN - voltage->ahead + (uint64_t)off;
        voltage->ahead = HALF_TURN - (since & (HALF_TURN - 1));
        voltage->off = 0;
        voltage->valid = false;
    }
    voltage->run = (size_t)(voltage->ahead / step);
}

/* The mean of a window counts when the window after it has shown that nothing had begun in it. */
static void correct_dc(struct wk_quality *quality, const struct wk_window *window)
{
    const bool calm = !quality->disturbed && !quality->doubtful;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        struct wk_quality_voltage *voltage = &quality->voltage[phase];
        const float frames = (float)window->own.frames_q16 * (1.0F / ONE_Q16);
        const float mean_v = (float)window->own.x[WK_SAMPLE_U + phase] * voltage->v / frames;
        voltage->dc_v = !voltage->dc_sound ? mean_v : calm ? voltage->dc_new_v : voltage->dc_v;
        voltage->dc_new_v = mean_v;
        voltage->dc_known = true;
        voltage->dc_sound = voltage->dc_sound || !quality->disturbed;
    }
    quality->doubtful = quality->disturbed;
    quality->disturbed = wk_quality_is_open(quality);
}

void wk_quality_align(struct wk_quality *quality, const struct wk_window *window,
                      uint64_t at_q16)
{
    if (quality->present == 0 || quality->step == 0 || window->halves < 2) {
        return;
    }
    int64_t off[WK_RECORD_PHASES]; /* filled in the loop */
    int64_t common = 0;
    bool any = false;
    const uint64_t late = (quality->step >> 16) * ((quality->at << 16) - at_q16);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const bool told = (quality->present & (1U << phase)) != 0 &&
                          offset_of(quality, phase, window, late, &off[phase]);
        common = told && !any ? off[phase] : common;
        any = any || told;
        off[phase] = told ? off[phase] : INT64_MIN;
    }
    const bool may_snap = !wk_quality_is_open(quality);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        correct(&quality->voltage[phase], off[phase] != INT64_MIN ? off[phase] : common,
                may_snap, quality->step);
    }
    if (quality->dc_blocked) {
        correct_dc(quality, window);
    }
}
