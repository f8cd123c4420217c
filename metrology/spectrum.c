/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/spectrum.h"

#include <string.h>

#include "metrology/angle.h"
#include "metrology/cycle.h"
#include "metrology/spectrum_table.h"

#define SEAM_Q16         64 /* 1/1000 sample: windows that lie so close together abut */
#define SIGNAL_LEAST_MHZ 100000
#define SIGNAL_MOST_MHZ  3000000
#define SIGNAL_NEAR_HZ   1.0F
#define TRANSFORM        (2.0F * WK_RESAMPLE_POINTS) /* what the transform multiplies by */
#define EDGE             0.44F /* of the sample rate: up to here the kernel's droop is known */

_Static_assert(sizeof(struct wk_spectrum_result) <= WK_LANES_RESULT * sizeof(float),
               "WK_LANES_RESULT is too small");
_Static_assert(WK_LANES_LINES == WK_RECORD_ORDERS + 1, "a line for each order, and one for DC");
_Static_assert(offsetof(struct wk_spectrum_result, slot) <= WK_LANES_AHEAD(1) * sizeof(float),
               "the head of a result lies ahead of the points");

float wk_spectrum_root(float square)
{
    return square > 0 ? __builtin_sqrtf(square) : 0;
}

/* ---- setting up -------------------------------------------------------------------------- */

wk_err wk_spectrum_init(struct wk_spectrum *spectrum, const struct wk_sample_map *map,
                        int64_t rate_uhz, const struct wk_spectrum_memory *memory,
                        const struct wk_spectrum_config *config)
{
    const int32_t signal_mhz = config->signal_mhz;
    if (signal_mhz != 0 && (signal_mhz < SIGNAL_LEAST_MHZ || signal_mhz > SIGNAL_MOST_MHZ)) {
        return WK_E_RANGE;
    }
    const struct wk_lanes *lanes = memory->lanes;
    float *ahead = memory->work + WK_LANES_SCRATCH(lanes->lanes);
    void *points = ahead + WK_LANES_AHEAD(lanes->lanes);
    WK_TRY(wk_resample_init(&spectrum->resample, map, rate_uhz, points, memory->history,
                            memory->frames));
    spectrum->lanes = lanes;
    spectrum->work = memory->work;
    spectrum->signal_mhz = signal_mhz;
    spectrum->map = map;
    spectrum->has_next = false;
    spectrum->present = 0;
    spectrum->result = (struct wk_spectrum_result *)(void *)ahead;
    *spectrum->result = (struct wk_spectrum_result){0};
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const struct wk_sample_slot *slot = &map->slot[s];
        if (slot->present) {
            spectrum->unit[slot->index] = wk_sample_unit(slot);
            spectrum->present |= (uint8_t)(1U << s);
        }
    }
    return WK_OK;
}

/* ---- where windows lie ------------------------------------------------------------------- */

static void begin(struct wk_spectrum *spectrum, const struct wk_chain_place *place)
{
    struct wk_resample *resample = &spectrum->resample;
    spectrum->place = *place;
    spectrum->has_next = false;
    if (wk_resample_begin(resample, place->at_q16, place->step, place->cycles)) {
        const uint64_t frames_q32 = resample->spacing_q32 * WK_RESAMPLE_POINTS;
        spectrum->end_q16 = place->at_q16 + (frames_q32 >> 16);
    }
}

/* The raw frames since the last mark are those of the window that ends. */
static void close_raw(struct wk_spectrum *spectrum)
{
    struct wk_resample *resample = &spectrum->resample;
    for (size_t c = 0; c < resample->channels; c++) {
        const float square = resample->square[c] / (float)resample->frames;
        spectrum->crest[c] =
            square > 0 ? wk_spectrum_root(resample->peak_square[c] / square) : 0;
    }
    wk_resample_mark(resample);
}

void wk_spectrum_hold(struct wk_spectrum *spectrum, uint64_t at)
{
    wk_resample_hold(&spectrum->resample, at);
}

void wk_spectrum_place(struct wk_spectrum *spectrum, const struct wk_chain_place *place)
{
    const int64_t off_q16 = (int64_t)(place->at_q16 - spectrum->end_q16);
    const bool is_held = place->at_q16 >> 16 >= spectrum->resample.hold;
    const bool abuts =
        spectrum->resample.running && off_q16 <= SEAM_Q16 && (off_q16 >= -SEAM_Q16 || is_held);
    if (spectrum->resample.frames > 0) {
        close_raw(spectrum);
    }
    if (abuts) {
        spectrum->next = *place;
        spectrum->has_next = true;
    } else {
        begin(spectrum, place);
    }
}

/* ---- one window -------------------------------------------------------------------------- */

/* Part `part` (0 real, 1 imaginary) of a bin of a lane; where it lies: see metrology/lanes. */
static float bin_of(const struct wk_spectrum *spectrum, uint32_t at, uint32_t part, size_t lane)
{
    return spectrum->work[(2 * at + part) * spectrum->lanes->lanes + lane];
}

static uint32_t line_at(const struct wk_spectrum *spectrum,
                        const struct wk_lanes_grouping *grouping, uint32_t h)
{
    return spectrum->lanes->packed ? h : h * grouping->cycles;
}

/* The square of bin signal + k. */
static float bin_square(const struct wk_spectrum *spectrum,
                        const struct wk_lanes_grouping *grouping, uint32_t k, size_t lane)
{
    const uint32_t bin = grouping->signal + k;
    const uint32_t at = spectrum->lanes->packed ? WK_LANES_LINES + k : bin;
    const float re = bin_of(spectrum, at, 0, lane);
    const float im = bin_of(spectrum, at, 1, lane);
    return (re * re + im * im) * wk_spectrum_table_droop_at((float)bin * grouping->droop_per);
}

/* The mains signalling frequency in bins. */
static float signal_at(const struct wk_spectrum *spectrum)
{
    const float bin_hz = spectrum->result->f_hz / (float)spectrum->place.cycles;
    return (float)spectrum->signal_mhz * 1e-3F / bin_hz;
}

static float signal_square(const struct wk_spectrum *spectrum,
                           const struct wk_lanes_grouping *grouping, size_t lane)
{
    const float bin_hz = spectrum->result->f_hz / (float)grouping->cycles;
    const float at = signal_at(spectrum);
    const uint32_t nearest = (uint32_t)(at + 0.5F);
    const uint32_t last = (uint32_t)(grouping->orders + 1U) * grouping->cycles - 2;
    if (grouping->signal + WK_LANES_SIGNAL - 1U > last) {
        return 0;
    }
    const float off_hz = (at - (float)nearest) * bin_hz;
    if (off_hz <= SIGNAL_NEAR_HZ && off_hz >= -SIGNAL_NEAR_HZ) {
        return bin_square(spectrum, grouping, nearest - grouping->signal, lane);
    }
    float sum = 0;
    for (uint32_t k = 0; k < WK_LANES_SIGNAL; k++) {
        sum += bin_square(spectrum, grouping, k, lane);
    }
    return sum;
}

/* Turns a product of lines by what the delays of u and i did to it, and gives its real part. */
static float turned_back(float re, float im, float turns)
{
    int32_t cos_q30;
    int32_t sin_q30;
    if (turns == 0) {
        return re;
    }
    wk_angle_unit_q30((uint32_t)(int32_t)(turns * 0x1p32F), &cos_q30, &sin_q30);
    return (re * (float)cos_q30 + im * (float)sin_q30) * 0x1p-30F;
}

/* The first of a pair leaves its lines where the results of the second will be. */
static void keep_lines(const struct wk_spectrum *spectrum, struct wk_spectrum_channel *at,
                       const struct wk_lanes_grouping *grouping, size_t lane)
{
    for (uint32_t h = 0; h <= grouping->orders; h++) {
        at->line[h][0] = bin_of(spectrum, line_at(spectrum, grouping, h), 0, lane);
        at->line[h][1] = bin_of(spectrum, line_at(spectrum, grouping, h), 1, lane);
    }
}

/* Active power per order from the lines of the other channel of the pair. `sign`: 1 if the other
 * one is the voltage, so that the product is U * conj(I) anyway. */
static void fill_power(struct wk_spectrum *spectrum, int slot, float factor,
                       const struct wk_lanes_grouping *grouping, size_t lane)
{
    const int phase = slot % WK_SAMPLE_I;
    const bool is_current = slot >= WK_SAMPLE_I;
    const struct wk_sample_slot *u = &spectrum->map->slot[WK_SAMPLE_U + phase];
    const struct wk_sample_slot *i = &spectrum->map->slot[WK_SAMPLE_I + phase];
    const float turns = (float)(u->delay_ns - i->delay_ns) * 1e-9F * spectrum->result->f_hz;
    const struct wk_spectrum_channel *other = &spectrum->result->slot[slot];
    float *power_w = spectrum->result->power_w[phase];
    power_w[0] = other->line[0][0] * bin_of(spectrum, 0, 0, lane) * factor;
    for (uint32_t h = 1; h <= grouping->orders; h++) {
        const uint32_t at = line_at(spectrum, grouping, h);
        const float re = bin_of(spectrum, at, 0, lane);
        const float im = bin_of(spectrum, at, 1, lane);
        const float *line = other->line[h];
        const float product_re = line[0] * re + line[1] * im;
        const float product_im = line[1] * re - line[0] * im;
        const float droop =
            wk_spectrum_table_droop_at((float)(h * grouping->cycles) * grouping->droop_per);
        power_w[h] =
            2.0F * factor * droop *
            turned_back(product_re, is_current ? product_im : -product_im, turns * (float)h);
    }
}

/* V or A per unit of the mean of the points. */
static float factor_of(const struct wk_spectrum *spectrum, uint8_t channel)
{
    return spectrum->unit[channel] / (spectrum->resample.scale[channel] * TRANSFORM);
}

/* What must be taken from the bins of a channel before they are grouped. */
static void take_bins(struct wk_spectrum *spectrum, int slot, size_t lane,
                      const struct wk_lanes_grouping *grouping, uint8_t *kept)
{
    struct wk_spectrum_result *result = spectrum->result;
    const int phase = slot % WK_SAMPLE_I;
    const uint8_t channel = spectrum->map->slot[slot].index;
    const float factor = factor_of(spectrum, channel);
    result->slot[slot].dc = bin_of(spectrum, 0, 0, lane) * factor;
    if (phase == WK_SAMPLE_N) {
        return;
    }
    if (slot < WK_SAMPLE_I && spectrum->signal_mhz != 0) {
        result->signal[phase] =
            2.0F * factor * factor * signal_square(spectrum, grouping, lane);
    }
    if (!wk_sample_is_pair(spectrum->map, phase)) {
        return;
    }
    const int partner = slot ^ WK_SAMPLE_I;
    if (((uint32_t)*kept >> phase & 1U) == 0) {
        keep_lines(spectrum, &result->slot[partner], grouping, lane);
        *kept |= (uint8_t)(1U << phase);
        return;
    }
    const uint8_t other = spectrum->map->slot[partner].index;
    fill_power(spectrum, slot, factor * factor_of(spectrum, other), grouping, lane);
}

static void take_groups(struct wk_spectrum *spectrum, int slot, size_t lane,
                        const struct wk_lanes_grouping *grouping)
{
    struct wk_spectrum_channel *out = &spectrum->result->slot[slot];
    const uint8_t channel = spectrum->map->slot[slot].index;
    const float factor = factor_of(spectrum, channel);
    const float square = 2.0F * factor * factor;
    float distortion = 0;
    float total = 0;
    float weighted = 0;
    for (uint32_t h = 0; h <= grouping->orders; h++) {
        out->subgroup[h] = bin_of(spectrum, h, 0, lane) * square;
        out->inter[h] = bin_of(spectrum, h, 1, lane) * square;
        total += h >= 1 ? out->subgroup[h] : 0;
        distortion += h >= 2 ? out->subgroup[h] : 0;
        weighted += out->subgroup[h] * (float)(h * h);
    }
    for (uint32_t h = grouping->orders + 1U; h <= WK_RECORD_ORDERS; h++) {
        out->subgroup[h] = 0;
        out->inter[h] = 0;
    }
    const float fundamental = out->subgroup[1];
    out->thd = fundamental > 0 ? wk_spectrum_root(distortion / fundamental) : 0;
    out->k_factor = total > 0 ? weighted / total : 0;
    out->crest = spectrum->crest[channel];
}

/* The slot of a channel, or -1. */
static int slot_at(const struct wk_sample_map *map, size_t channel)
{
    for (int a = 0; a < map->active; a++) {
        const int slot = map->slot_of[a];
        if (map->slot[slot].index == channel) {
            return slot;
        }
    }
    return -1;
}

static struct wk_lanes_grouping grouping_of(const struct wk_spectrum *spectrum)
{
    const struct wk_resample *resample = &spectrum->resample;
    const float spacing = (float)resample->spacing_q32 * 0x1p-32F;
    const float window =
        spacing * (float)WK_RESAMPLE_POINTS; /* samples, and its inverse a bin */
    const float cycles = (float)spectrum->place.cycles;
    const float last = EDGE * window / cycles / resample->stretch - 0.9F;
    return (struct wk_lanes_grouping){
        .cycles = spectrum->place.cycles,
        .orders = last < WK_RECORD_ORDERS ? (uint8_t)last : WK_RECORD_ORDERS,
        .signal = spectrum->signal_mhz != 0 ? (uint16_t)((uint32_t)signal_at(spectrum) - 1U)
                                            : UINT16_MAX,
        .droop_per = resample->stretch / window * WK_SPECTRUM_TABLE_DROOP_PER,
    };
}

static void analyse(struct wk_spectrum *spectrum)
{
    struct wk_spectrum_result *result = spectrum->result;
    const struct wk_lanes *lanes = spectrum->lanes;
    const int32_t f_uhz =
        wk_cycle_frequency_uhz(spectrum->place.step, spectrum->resample.rate_uhz);
    result->f_hz = (float)f_uhz * 1e-6F;
    const struct wk_lanes_grouping grouping = grouping_of(spectrum);
    result->begin_q16 = spectrum->place.at_q16;
    result->end_q16 = spectrum->end_q16;
    result->present = spectrum->present;
    result->cycles = grouping.cycles;
    result->orders = grouping.orders;
    uint8_t kept = 0;
    for (size_t first = 0; first < spectrum->map->channels; first += lanes->lanes) {
        lanes->transform(spectrum->resample.points, (uint8_t)first, &grouping, spectrum->work);
        if (first == 0 && lanes->packed) {
            /* these lie where the points just transformed were */
            memset((uint8_t *)result + offsetof(struct wk_spectrum_result, slot), 0,
                   sizeof *result - offsetof(struct wk_spectrum_result, slot));
        }
        for (size_t lane = 0; lane < lanes->lanes; lane++) {
            const int slot = slot_at(spectrum->map, first + lane);
            if (slot >= 0) {
                take_bins(spectrum, slot, lane, &grouping, &kept);
            }
        }
        lanes->group(spectrum->work, &grouping);
        for (size_t lane = 0; lane < lanes->lanes; lane++) {
            const int slot = slot_at(spectrum->map, first + lane);
            if (slot >= 0) {
                take_groups(spectrum, slot, lane, &grouping);
            }
        }
    }
}

/* ---- the whole --------------------------------------------------------------------------- */

size_t wk_spectrum_feed(struct wk_spectrum *spectrum, const int32_t *counts, size_t frames,
                        uint64_t at, bool *ready)
{
    struct wk_resample *resample = &spectrum->resample;
    *ready = false;
    if (at != resample->first + resample->fill) {
        wk_resample_clear(resample, at);
    }
    const size_t taken = wk_resample_feed(resample, spectrum->lanes, counts, frames);
    if (resample->running && resample->count == WK_RESAMPLE_POINTS) {
        analyse(spectrum);
        *ready = true;
        resample->running = false;
        if (spectrum->has_next) {
            begin(spectrum, &spectrum->next);
        }
    }
    return taken;
}
