/* SPDX-License-Identifier: Apache-2.0 */
#include "management/clock.h"

#define US_PER_S INT64_C(1000000)
#define PPM      1000000
#define PPB      INT64_C(1000000000)
#define LATEST_S INT64_C(4291747200)    /* 2106-01-01 */
#define FAR_US   INT64_C(1000000000000) /* 11 days off is no question of a rate */
#define STEP_US  INT64_C(3600000000)    /* most that can be slewed */

struct wk_clock_rules wk_clock_usual(void)
{
    return (struct wk_clock_rules){
        .step_us = 10 * US_PER_S,
        .slew_ppm = 500,
        .free_ppb = 6000,
        .doubtful_us = 10 * US_PER_S,
        .ignore_us = 5000,
    };
}

wk_err wk_clock_init(struct wk_clock *clock, const struct wk_zone *zone,
                     const struct wk_clock_rules *rules)
{
    const bool good = rules->step_us > 0 && rules->step_us <= STEP_US && rules->slew_ppm >= 1 &&
                      rules->slew_ppm <= WK_CLOCK_SLEW_MOST_PPM && rules->free_ppb >= 0 &&
                      rules->free_ppb <= WK_CLOCK_RATE_MOST_PPB && rules->doubtful_us > 0 &&
                      rules->ignore_us >= 0 && rules->ignore_us < rules->step_us;
    if (!good) {
        return WK_E_RANGE;
    }
    *clock = (struct wk_clock){.zone = *zone, .rules = *rules, .source = WK_CLOCK_FROM_BASE};
    return WK_OK;
}

struct wk_utc wk_clock_utc(int64_t us)
{
    const int64_t whole = us / US_PER_S;
    return (struct wk_utc){us % US_PER_S < 0 ? whole - 1 : whole};
}

static bool is_possible(int64_t us)
{
    return us >= 0 && us < LATEST_S * US_PER_S;
}

/* A share of a span, without overflow for spans of centuries. */
static int64_t share(int64_t span_us, int64_t numerator, int64_t denominator)
{
    return span_us / denominator * numerator + span_us % denominator * numerator / denominator;
}

static int64_t span_of(const struct wk_clock *clock, int64_t t_us)
{
    return t_us > clock->anchor_us ? t_us - clock->anchor_us : 0;
}

int64_t wk_clock_slew_left_us(const struct wk_clock *clock, int64_t t_us)
{
    const int64_t most = share(span_of(clock, t_us), clock->rules.slew_ppm, PPM);
    if (clock->slew_us >= 0) {
        return clock->slew_us > most ? clock->slew_us - most : 0;
    }
    return clock->slew_us < -most ? clock->slew_us + most : 0;
}

int64_t wk_clock_now_us(const struct wk_clock *clock, int64_t t_us)
{
    const int64_t drift_us = share(span_of(clock, t_us), clock->rate_ppb, PPB);
    const int64_t slewed_us = clock->slew_us - wk_clock_slew_left_us(clock, t_us);
    return t_us + clock->shift_us + drift_us + slewed_us;
}

/* The same clock with its terms as of `t_us`. */
static void move_anchor(struct wk_clock *clock, int64_t t_us)
{
    const int64_t now_us = wk_clock_now_us(clock, t_us);
    const int64_t left_us = wk_clock_slew_left_us(clock, t_us);
    clock->anchor_us = t_us > clock->anchor_us ? t_us : clock->anchor_us;
    clock->shift_us = now_us - t_us;
    clock->slew_us = left_us;
}

static void step(struct wk_clock *clock, int64_t by_us)
{
    clock->shift_us += by_us;
    clock->slew_us = 0;
    clock->adjusted_us = by_us;
}

wk_err wk_clock_set(struct wk_clock *clock, int64_t t_us, int64_t new_us,
                    wk_clock_source source)
{
    if (!is_possible(new_us)) {
        return WK_E_RANGE;
    }
    move_anchor(clock, t_us);
    step(clock, new_us - wk_clock_now_us(clock, t_us));
    clock->synced_us = t_us;
    clock->error_us = US_PER_S;
    clock->source = source;
    return WK_OK;
}

/* ---- discipline -------------------------------------------------------------------------- */

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* The time base against the reference between a mark and a reading, if both are known well enough
 * for that. Setting the clock has no part in it. */
static bool rate_since(const struct wk_clock_mark *mark, const struct wk_clock_mark *now,
                       int32_t *rate_ppb)
{
    const int64_t span_ms = (now->t_us - mark->t_us) / 1000;
    if (span_ms <= 0) {
        return false;
    }
    const int64_t error_ppb = (mark->error_us + now->error_us) * PPM / span_ms;
    const int64_t off_us = now->ahead_us - mark->ahead_us;
    const int64_t rate = magnitude(off_us) < FAR_US ? off_us * PPM / span_ms : PPB;
    *rate_ppb = magnitude(rate) <= WK_CLOCK_RATE_MOST_PPB ? (int32_t)rate : 0;
    return error_ppb <= WK_CLOCK_TRUST_PPB && magnitude(rate) <= WK_CLOCK_RATE_MOST_PPB;
}

static void measure_rate(struct wk_clock *clock, const struct wk_clock_mark *now)
{
    struct wk_clock_mark *mark = clock->mark;
    const int64_t jump_us = magnitude(now->ahead_us - mark[0].ahead_us);
    const int64_t most_us =
        share(now->t_us - mark[0].t_us, WK_CLOCK_RATE_MOST_PPB, PPB) + clock->rules.step_us;
    if (!clock->marked || now->t_us < mark[0].t_us || jump_us > most_us) {
        mark[0] = *now;
        mark[1] = *now;
        clock->marked = true;
        return;
    }
    int32_t rate_ppb;
    if (rate_since(&mark[0], now, &rate_ppb)) {
        clock->rate_ppb = rate_ppb;
    }
    if (mark[1].t_us == mark[0].t_us && now->t_us - mark[0].t_us >= WK_CLOCK_BASE_US) {
        mark[1] = *now;
    } else if (now->t_us - mark[1].t_us >= WK_CLOCK_BASE_US) {
        mark[0] = mark[1];
        mark[1] = *now;
    }
}

wk_err wk_clock_discipline(struct wk_clock *clock, int64_t t_us,
                           const struct wk_clock_reading *reading, wk_clock_result *result)
{
    if (!is_possible(reading->utc_us) || reading->error_us < 0 ||
        reading->error_us >= clock->rules.step_us) {
        return WK_E_RANGE;
    }
    const struct wk_clock_mark now = {t_us, reading->utc_us - t_us, reading->error_us};
    move_anchor(clock, t_us);
    measure_rate(clock, &now);
    const int64_t off_us = reading->utc_us - wk_clock_now_us(clock, t_us);
    const int64_t known_us =
        reading->error_us > clock->rules.ignore_us ? reading->error_us : clock->rules.ignore_us;
    const bool was_set = clock->source != WK_CLOCK_FROM_NOTHING;
    *result = WK_CLOCK_KEPT;
    if (magnitude(off_us) >= clock->rules.step_us || !was_set) {
        step(clock, off_us);
        *result = WK_CLOCK_STEPPED;
    } else if (magnitude(off_us) > known_us) {
        clock->slew_us = off_us;
        clock->adjusted_us = off_us;
        *result = WK_CLOCK_SLEWING;
    }
    clock->synced_us = t_us;
    clock->error_us = reading->error_us + magnitude(clock->slew_us);
    clock->source = reading->source;
    return WK_OK;
}

void wk_clock_lose(struct wk_clock *clock)
{
    clock->source = WK_CLOCK_FROM_NOTHING;
}

/* ---- what it is worth -------------------------------------------------------------------- */

int64_t wk_clock_error_us(const struct wk_clock *clock, int64_t t_us)
{
    const int64_t since_us = t_us > clock->synced_us ? t_us - clock->synced_us : 0;
    const int64_t corrected_us =
        magnitude(clock->slew_us) - magnitude(wk_clock_slew_left_us(clock, t_us));
    const int64_t left_us = clock->error_us > corrected_us ? clock->error_us - corrected_us : 0;
    return left_us + share(since_us, clock->rules.free_ppb, PPB);
}

uint8_t wk_clock_status(const struct wk_clock *clock, int64_t t_us)
{
    if (clock->source == WK_CLOCK_FROM_NOTHING) {
        return WK_CLOCK_INVALID;
    }
    /* The owner of a base that nothing disciplines answers for it. */
    const bool is_own = clock->source == WK_CLOCK_FROM_BASE;
    const bool doubtful = wk_clock_error_us(clock, t_us) > clock->rules.doubtful_us;
    return !is_own && doubtful ? WK_CLOCK_DOUBTFUL : 0;
}

/* ---- octets for the store ---------------------------------------------------------------- */

void wk_clock_pack(const struct wk_clock *clock, struct wk_bytes_out *out)
{
    wk_bytes_out_u64le(out, (uint64_t)clock->anchor_us);
    wk_bytes_out_u64le(out, (uint64_t)clock->shift_us);
    wk_bytes_out_u32le(out, (uint32_t)clock->rate_ppb);
    wk_bytes_out_u64le(out, (uint64_t)clock->slew_us);
    wk_bytes_out_u64le(out, (uint64_t)clock->synced_us);
    wk_bytes_out_u64le(out, (uint64_t)clock->error_us);
    wk_bytes_out_u8(out, (uint8_t)clock->source);
    wk_bytes_out_u8(out, clock->marked ? 1 : 0);
    for (int i = 0; i < 2; i++) {
        wk_bytes_out_u64le(out, (uint64_t)clock->mark[i].t_us);
        wk_bytes_out_u64le(out, (uint64_t)clock->mark[i].ahead_us);
        wk_bytes_out_u64le(out, (uint64_t)clock->mark[i].error_us);
    }
}

wk_err wk_clock_unpack(struct wk_clock *clock, struct wk_bytes_in *in)
{
    struct wk_clock read = *clock;
    read.anchor_us = (int64_t)wk_bytes_in_u64le(in);
    read.shift_us = (int64_t)wk_bytes_in_u64le(in);
    read.rate_ppb = (int32_t)wk_bytes_in_u32le(in);
    read.slew_us = (int64_t)wk_bytes_in_u64le(in);
    read.synced_us = (int64_t)wk_bytes_in_u64le(in);
    read.error_us = (int64_t)wk_bytes_in_u64le(in);
    const uint8_t source = wk_bytes_in_u8(in);
    read.marked = wk_bytes_in_u8(in) != 0;
    for (int i = 0; i < 2; i++) {
        read.mark[i].t_us = (int64_t)wk_bytes_in_u64le(in);
        read.mark[i].ahead_us = (int64_t)wk_bytes_in_u64le(in);
        read.mark[i].error_us = (int64_t)wk_bytes_in_u64le(in);
    }
    const bool good = read.rate_ppb >= -WK_CLOCK_RATE_MOST_PPB &&
                      read.rate_ppb <= WK_CLOCK_RATE_MOST_PPB && read.error_us >= 0 &&
                      magnitude(read.slew_us) <= clock->rules.step_us &&
                      source < WK_CLOCK_SOURCES;
    WK_TRY(in->fault);
    if (!good) {
        return WK_E_FORMAT;
    }
    read.source = (wk_clock_source)source;
    *clock = read;
    return WK_OK;
}
