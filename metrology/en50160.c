/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/en50160.h"

#define MONDAY_US   (INT64_C(4) * 86400000000) /* 1970-01-05 was a Monday */
#define US_PER_MS   1000
#define SLOT_PHASES 3
#define MOST        65535

enum {
    AT_FREQUENCY = 0,
    AT_U,
    AT_PLT = AT_U + WK_RECORD_PHASES,
    AT_THD = AT_PLT + WK_RECORD_PHASES,
    AT_UNBALANCE = AT_THD + WK_RECORD_PHASES,
    AT_HARMONIC,
};

/* Percent of the fundamental, orders 2..25. */
static const float k_harmonic_percent[WK_EN50160_ORDERS - 1] = {
    2.0F, 5.0F, 1.0F, 6.0F, 0.5F, 5.0F, 0.5F, 1.5F, 0.5F, 3.5F, 0.5F, 3.0F,
    0.5F, 0.5F, 0.5F, 2.0F, 0.5F, 1.5F, 0.5F, 0.5F, 0.5F, 1.5F, 0.5F, 1.5F,
};

struct wk_en50160_limit wk_en50160_limit_of(wk_en50160_kind kind, int order)
{
    static const struct wk_en50160_limit k_limits[WK_EN50160_KINDS] = {
        [WK_EN50160_FREQUENCY] = {0.01F, 99.5F, 0.06F},
        [WK_EN50160_U] = {0.10F, 95.0F, 0.15F},
        [WK_EN50160_PLT] = {1.0F, 95.0F, 0.0F},
        [WK_EN50160_UNBALANCE] = {0.02F, 95.0F, 0.0F},
        [WK_EN50160_THD] = {0.08F, 95.0F, 0.0F},
        [WK_EN50160_HARMONIC] = {0.0F, 95.0F, 0.0F},
    };
    struct wk_en50160_limit limit = k_limits[kind];
    if (kind == WK_EN50160_HARMONIC && order >= 2 && order <= WK_EN50160_ORDERS) {
        limit.usual = k_harmonic_percent[order - 2] / 100.0F;
    }
    return limit;
}

static int index_of(wk_en50160_kind kind, int phase, int order)
{
    switch (kind) {
    case WK_EN50160_FREQUENCY:
        return AT_FREQUENCY;
    case WK_EN50160_U:
        return AT_U + phase;
    case WK_EN50160_PLT:
        return AT_PLT + phase;
    case WK_EN50160_UNBALANCE:
        return AT_UNBALANCE;
    case WK_EN50160_THD:
        return AT_THD + phase;
    case WK_EN50160_HARMONIC:
    case WK_EN50160_KINDS:
    default:
        return AT_HARMONIC + phase * (WK_EN50160_ORDERS - 1) + order - 2;
    }
}

const struct wk_en50160_track *wk_en50160_track_of(const struct wk_en50160 *week,
                                                   wk_en50160_kind kind, int phase, int order)
{
    return &week->track[index_of(kind, phase, order)];
}

void wk_en50160_init(struct wk_en50160 *week, int32_t nominal_mv, int32_t nominal_uhz,
                     uint8_t phases)
{
    *week = (struct wk_en50160){
        .nominal_mv = nominal_mv,
        .nominal_uhz = nominal_uhz,
        .phases = phases,
    };
}

static int64_t week_of(int64_t t_us)
{
    return (t_us - MONDAY_US) / WK_EN50160_WEEK_US * WK_EN50160_WEEK_US + MONDAY_US;
}

bool wk_en50160_is_over(const struct wk_en50160 *week, const struct wk_record *record)
{
    /* An interval that ends with the week belongs to it. */
    return week->begin_us != 0 && record->t_us > week->begin_us + WK_EN50160_WEEK_US;
}

/* ---- statistics -------------------------------------------------------------------------- */

static float size_of(float value)
{
    return value < 0 ? -value : value;
}

/* `value` with its sign: the limit of all the time may differ up and down. */
static void note(struct wk_en50160_track *track, const struct wk_en50160_limit *limit,
                 float value, bool beyond_always)
{
    const float size = size_of(value);
    const float place = size / limit->usual * WK_EN50160_TO_LIMIT;
    const int at = place < WK_EN50160_CLASSES - 1 ? (int)place : WK_EN50160_CLASSES - 1;
    track->values++;
    track->within += size <= limit->usual ? 1 : 0;
    track->outside += beyond_always ? 1 : 0;
    track->largest = size > track->largest ? size : track->largest;
    track->count[at] = (uint16_t)(track->count[at] < MOST ? track->count[at] + 1 : MOST);
}

static void note_value(struct wk_en50160 *week, wk_en50160_kind kind, int phase, int order,
                       float value)
{
    const struct wk_en50160_limit limit = wk_en50160_limit_of(kind, order);
    const bool is_u = kind == WK_EN50160_U;
    const bool is_f = kind == WK_EN50160_FREQUENCY;
    const float up = is_u ? 0.10F : is_f ? 0.04F : limit.always;
    const bool beyond = limit.always > 0 && (value > up || value < -limit.always);
    note(&week->track[index_of(kind, phase, order)], &limit, value, beyond);
}

bool wk_en50160_is_met(const struct wk_en50160_track *track,
                       const struct wk_en50160_limit *limit)
{
    const float share = track->values > 0 ? (float)track->within / (float)track->values : 1;
    return share * 100 >= limit->percent && track->outside == 0;
}

float wk_en50160_percentile(const struct wk_en50160_track *track,
                            const struct wk_en50160_limit *limit, float percent)
{
    const float wanted = (float)track->values * percent / 100;
    float below = 0;
    if (track->values == 0) {
        return 0;
    }
    for (int at = 0; at < WK_EN50160_CLASSES - 1; at++) {
        const float count = (float)track->count[at];
        if (count > 0 && below + count >= wanted) {
            const float part = (wanted - below) / count;
            const float value = ((float)at + part) * limit->usual / (float)WK_EN50160_TO_LIMIT;
            return value < track->largest ? value : track->largest;
        }
        below += count;
    }
    return track->largest;
}

/* ---- records ----------------------------------------------------------------------------- */

static void take_ten_min(struct wk_en50160 *week, const struct wk_record_quality *quality)
{
    const float nominal_v = (float)week->nominal_mv / 1e3F;
    for (int phase = 0; phase < week->phases; phase++) {
        if (nominal_v > 0) {
            note_value(week, WK_EN50160_U, phase, 0,
                       (quality->u_v[phase] - nominal_v) / nominal_v);
        }
        note_value(week, WK_EN50160_THD, phase, 0, quality->u_thd[phase]);
    }
    if (week->phases == WK_RECORD_PHASES) {
        note_value(week, WK_EN50160_UNBALANCE, 0, 0, quality->u2);
    }
}

static void take_quality(struct wk_en50160 *week, const struct wk_record *record)
{
    const struct wk_record_quality *quality = &record->quality;
    const bool is_flagged = quality->flagged > 0;
    if (quality->level == WK_RECORD_LEVEL_10_MIN) {
        week->flagged += is_flagged ? 1 : 0;
        if (!is_flagged) {
            take_ten_min(week, quality);
        }
    }
    for (int phase = 0; phase < week->phases; phase++) {
        if (quality->level == WK_RECORD_LEVEL_2_H && !is_flagged && quality->plt[phase] > 0) {
            note_value(week, WK_EN50160_PLT, phase, 0, quality->plt[phase]);
        }
    }
}

static void take_spectrum(struct wk_en50160 *week, const struct wk_record *record)
{
    const struct wk_record_spectrum *spectrum = &record->spectrum;
    const float fundamental = spectrum->subgroup[1];
    const int last =
        spectrum->orders < WK_EN50160_ORDERS ? spectrum->orders : WK_EN50160_ORDERS;
    if (spectrum->level != WK_RECORD_LEVEL_10_MIN || spectrum->slot >= SLOT_PHASES ||
        (record->flags & WK_RECORD_FLAGGED) != 0 || !(fundamental > 0)) {
        return;
    }
    for (int order = 2; order <= last; order++) {
        note_value(week, WK_EN50160_HARMONIC, spectrum->slot, order,
                   spectrum->subgroup[order] / fundamental);
    }
}

static int class_of(int64_t value, const int32_t *edges, int count)
{
    int at = 0;
    while (at < count && value > edges[at]) {
        at++;
    }
    return at;
}

static void count_one(uint16_t *cell)
{
    *cell = (uint16_t)(*cell < MOST ? *cell + 1 : MOST);
}

static void take_event(struct wk_en50160 *week, const struct wk_record_event *event)
{
    static const int32_t k_dip_ms[] = {200, 500, 1000, 5000, 60000};
    static const int32_t k_swell_ms[] = {500, 5000, 60000};
    const int64_t ms = event->duration_us / US_PER_MS;
    const int64_t permille =
        event->nominal_mv > 0 ? (int64_t)event->extreme_mv * 1000 / event->nominal_mv : 0;
    const int dip_row = permille >= 800   ? 0
                        : permille >= 700 ? 1
                        : permille >= 400 ? 2
                        : permille >= 50  ? 3
                                          : 4;
    switch (event->kind) {
    case WK_RECORD_DIP_END:
        count_one(&week->dips[dip_row][class_of(ms, k_dip_ms, 5)]);
        break;
    case WK_RECORD_SWELL_END:
        count_one(&week->swells[permille >= 1200 ? 0 : 1][class_of(ms, k_swell_ms, 3)]);
        break;
    case WK_RECORD_INTERRUPTION_END:
        count_one(&week->interruptions[ms > 180000 ? 1 : 0]);
        break;
    case WK_RECORD_RVC:
        week->rvcs++;
        break;
    case WK_RECORD_TRANSIENT:
        week->transients++;
        break;
    default:
        break;
    }
}

void wk_en50160_take(struct wk_en50160 *week, const struct wk_record *record)
{
    if (record->kind == WK_RECORD_WINDOW) {
        return;
    }
    if (week->begin_us == 0) {
        week->begin_us = week_of(record->t_us - 1);
    }
    const float nominal_hz = (float)week->nominal_uhz / 1e6F;
    switch (record->kind) {
    case WK_RECORD_QUALITY:
        take_quality(week, record);
        break;
    case WK_RECORD_SPECTRUM:
        take_spectrum(week, record);
        break;
    case WK_RECORD_FREQUENCY:
        if (nominal_hz > 0) {
            const float off_hz = (float)(record->frequency.f_uhz - week->nominal_uhz) / 1e6F;
            note_value(week, WK_EN50160_FREQUENCY, 0, 0, off_hz / nominal_hz);
        }
        break;
    case WK_RECORD_EVENT:
        take_event(week, &record->event);
        break;
    default:
        break;
    }
}
