/* SPDX-License-Identifier: Apache-2.0 */
#include "management/counts.h"

#include <string.h>

#define VERSION   1
#define US_PER_MS 1000
#define MS_PER_S  1000
#define LONG_MS   180000U /* IEC 62056-6-1 leaves it to the meter; EN 50160: 3 minutes */

int32_t wk_counts_threshold_mv(const struct wk_counts *counts, wk_counts_threshold which)
{
    const struct wk_counts_thresholds *of = &counts->thresholds;
    return (int32_t)((int64_t)of->nominal_mv * of->ppm[which] / 1000000);
}

/* ---- voltages ---------------------------------------------------------------------------- */

/* 49 days at most. */
static uint32_t ms_of(int64_t us)
{
    const int64_t ms = us / US_PER_MS;
    return (uint32_t)(ms < UINT32_MAX ? ms : UINT32_MAX);
}

static uint32_t span_ms(const struct wk_record_event *event)
{
    return ms_of(event->duration_us);
}

static bool count_voltage(struct wk_counts_voltage *of, const struct wk_record_event *event,
                          uint32_t least_ms)
{
    if (span_ms(event) < least_ms) {
        return false;
    }
    for (uint32_t phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if ((event->phases >> phase & 1U) != 0) {
            of[phase] = (struct wk_counts_voltage){of[phase].number + 1, span_ms(event),
                                                   (uint32_t)event->extreme_mv};
        }
    }
    return true;
}

/* ---- outages ----------------------------------------------------------------------------- */

#define EVERYWHERE ((1U << WK_COUNTS_PLACES) - 1)

/* places: a bit for each wk_counts_where. */
static void count_outage(struct wk_counts *counts, uint32_t places, int64_t begin_s,
                         uint32_t ms, bool ran)
{
    for (uint32_t where = 0; where < WK_COUNTS_PLACES; where++) {
        struct wk_counts_outage *outage = &counts->outage[where];
        if ((places >> where & 1U) == 0) {
            continue;
        }
        outage->number += ran ? 1 : 0;
        outage->last_s = (uint32_t)begin_s;
        if (ms >= counts->least_ms[WK_COUNTS_LEAST_LONG]) {
            outage->longs++;
            outage->last_long_s = ms / MS_PER_S;
        }
    }
}

static uint32_t places_of(uint32_t phases)
{
    const uint32_t every = (1U << WK_RECORD_PHASES) - 1;
    return (phases & every) << WK_COUNTS_L1 | 1U << WK_COUNTS_ANY;
}

static bool is_one_phase(uint32_t phases)
{
    return (phases & (phases - 1)) == 0;
}

static bool count_sag(struct wk_counts *counts, const struct wk_record_event *event,
                      int64_t utc_s)
{
    const bool outage =
        is_one_phase(event->phases) &&
        event->extreme_mv < wk_counts_threshold_mv(counts, WK_COUNTS_INTERRUPTION);
    if (outage) {
        count_outage(counts, places_of(event->phases), utc_s - span_ms(event) / MS_PER_S,
                     span_ms(event), true);
    }
    return count_voltage(counts->sag, event, counts->least_ms[WK_COUNTS_LEAST_SAG]) || outage;
}

/* ---- what is told ------------------------------------------------------------------------ */

static bool note_fault(struct wk_counts *counts, uint32_t kind)
{
    const uint32_t place = kind - WK_RECORD_SATURATION_BEGIN; /* begin, end, begin, end ... */
    const uint32_t bit = 1U << place / 2;
    counts->faults = place % 2 == 0 ? counts->faults | bit : counts->faults & ~bit;
    return true;
}

bool wk_counts_record(struct wk_counts *counts, const struct wk_record_event *event,
                      int64_t utc_s)
{
    if (event->kind >= WK_RECORD_SATURATION_BEGIN && event->kind <= WK_RECORD_NO_VALUE_END) {
        return note_fault(counts, event->kind);
    }
    if (event->nominal_mv > 0) {
        counts->thresholds.nominal_mv = event->nominal_mv;
    }
    switch (event->kind) {
    case WK_RECORD_DIP_END:
        return count_sag(counts, event, utc_s);
    case WK_RECORD_SWELL_END:
        return count_voltage(counts->swell, event, counts->least_ms[WK_COUNTS_LEAST_SWELL]);
    case WK_RECORD_INTERRUPTION_END:
        count_outage(counts, places_of(event->phases) | 1U << WK_COUNTS_ALL,
                     utc_s - span_ms(event) / MS_PER_S, span_ms(event), true);
        return true;
    default:
        return false;
    }
}

void wk_counts_away(struct wk_counts *counts, int64_t utc_s, int64_t duration_us)
{
    const uint32_t ms = ms_of(duration_us);
    count_outage(counts, EVERYWHERE, utc_s, ms, false);
    counts->away_s += ms / MS_PER_S;
    counts->faults = 0; /* metrology tells them anew */
}

void wk_counts_tamper(struct wk_counts *counts, wk_tamper_kind kind, bool begins, bool active,
                      int64_t utc_s)
{
    struct wk_counts_tamper *tamper = &counts->tamper[kind];
    if (begins) {
        tamper->number++;
        tamper->last_s = tamper->active != 0 ? tamper->last_s : (uint32_t)utc_s;
    } else if (tamper->active != 0 && !active) {
        tamper->span_s += wk_counts_tamper_now_s(counts, kind, utc_s);
    }
    tamper->active = active ? 1 : 0;
}

uint32_t wk_counts_tamper_now_s(const struct wk_counts *counts, wk_tamper_kind kind,
                                int64_t utc_s)
{
    const struct wk_counts_tamper *tamper = &counts->tamper[kind];
    const int64_t span_s = utc_s - tamper->last_s;
    return tamper->active != 0 && span_s > 0 ? (uint32_t)span_s : 0;
}

/* ---- octets ------------------------------------------------------------------------------ */

#define WORD sizeof(uint32_t)

void wk_counts_pack(const struct wk_counts *counts, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    for (size_t at = 0; at < offsetof(struct wk_counts, thresholds); at += WORD) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)counts + at, WORD);
        wk_bytes_out_u32le(out, word);
    }
}

wk_err wk_counts_unpack(struct wk_counts *counts, struct wk_bytes_in *in)
{
    struct wk_counts read = {.thresholds = counts->thresholds, .functions = counts->functions};
    const bool known = wk_bytes_in_u8(in) == VERSION;
    for (size_t at = 0; at < offsetof(struct wk_counts, thresholds); at += WORD) {
        const uint32_t word = wk_bytes_in_u32le(in);
        memcpy((uint8_t *)&read + at, &word, WORD);
    }
    if (!known || in->fault != WK_OK) {
        return WK_E_FORMAT;
    }
    *counts = read;
    return WK_OK;
}

/* ---- the module's way here ---------------------------------------------------------------- */

static const struct wk_counts_functions k_functions = {
    .record = wk_counts_record,
    .away = wk_counts_away,
    .tamper = wk_counts_tamper,
    .pack = wk_counts_pack,
    .unpack = wk_counts_unpack,
    .objects = &wk_counts_object,
};

void wk_counts_init(struct wk_counts *counts, const struct wk_counts_thresholds *thresholds)
{
    *counts = (struct wk_counts){
        .least_ms[WK_COUNTS_LEAST_LONG] = LONG_MS,
        .thresholds = *thresholds,
        .functions = &k_functions,
    };
}
