/* SPDX-License-Identifier: Apache-2.0 */
#include "link/pace.h"

#define SECOND_US         INT64_C(1000000)
#define HELD_US           25000 /* reports wait for company no longer than this */
#define QUEUE_US          10000 /* that is no queue */
#define PATIENCE_US       200000 /* beside the round trip and four of its deviations (RFC 6298) */
#define PATIENCE_FIRST_US INT64_C(1000000) /* while nothing is known */
#define CRUISE_ROUNDS     8
#define RAISE_ROUNDS      2 /* until what they did is seen */
#define DRAIN_ROUNDS      6 /* no queue of ours takes longer */
#define STALLED           3 /* rounds without growth end the start */
#define GROWTH_PERCENT    105

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t wire_us(uint32_t octets, uint32_t rate_bps)
{
    return (int64_t)octets * 8 * SECOND_US / rate_bps;
}

/* Per cent of the rate at which packets leave. */
static uint32_t gain(const struct wk_link_pace *pace)
{
    switch (pace->phase) {
    case WK_LINK_STARTING:
        return 200;
    case WK_LINK_DRAINING:
        return 85;
    case WK_LINK_RAISING:
        return pace->rate_bps > pace->phase_bps ? 150 : 106;
    case WK_LINK_CRUISING:
    default:
        return 98;
    }
}

static int64_t round_us(const struct wk_link_pace *pace)
{
    return most(pace->rtt_us, 2 * wire_us(WK_LINK_PACKET_LEAST, pace->rate_bps)) + HELD_US;
}

static void enter(struct wk_link_pace *pace, wk_link_phase phase, int64_t now_us)
{
    pace->phase = phase;
    pace->phase_bps = pace->rate_bps;
    pace->phase_until_us = now_us + round_us(pace);
    pace->rounds = 0;
}

void wk_link_pace_init(struct wk_link_pace *pace, int64_t now_us)
{
    *pace = (struct wk_link_pace){.rate_bps = WK_LINK_RATE_FIRST_BPS, .next_us = now_us};
    pace->bucket_until_us = now_us + WK_LINK_PACE_BUCKET_US;
    enter(pace, WK_LINK_STARTING, now_us);
}

uint32_t wk_link_pace_packet(const struct wk_link_pace *pace, uint32_t limit)
{
    const int64_t octets = (int64_t)pace->rate_bps * WK_LINK_SEGMENT_US / (8 * SECOND_US);
    if (pace->phase == WK_LINK_STARTING) {
        return WK_LINK_PACKET_LEAST;
    }
    return (uint32_t)least(limit, most(octets, WK_LINK_PACKET_LEAST));
}

static int64_t queue_limit_us(const struct wk_link_pace *pace)
{
    const uint32_t packet = wk_link_pace_packet(pace, UINT16_MAX);
    return QUEUE_US + least(wire_us(packet, pace->rate_bps), 3 * QUEUE_US) / 2;
}

bool wk_link_pace_is_crowded(const struct wk_link_pace *pace)
{
    return pace->queue_us > queue_limit_us(pace);
}

/* ---- delay ------------------------------------------------------------------------------- */

/* While a path starts its packets have one size, and the rate is not known: all delays hold the same
 * time on the wire. */
static int64_t without_wire(const struct wk_link_pace *pace, const struct wk_link_delay *delay)
{
    return pace->phase == WK_LINK_STARTING ? delay->us
                                           : delay->us - wire_us(delay->octets, pace->rate_bps);
}

static void end_start(struct wk_link_pace *pace, int64_t now_us)
{
    for (int i = 0; i < WK_LINK_PACE_BUCKETS; i++) {
        pace->least[i].us -= wire_us(pace->least[i].octets, pace->rate_bps);
    }
    enter(pace, WK_LINK_DRAINING, now_us);
}

static void see_delay(struct wk_link_pace *pace, const struct wk_link_delay *delay,
                      int64_t now_us)
{
    if (now_us >= pace->bucket_until_us) {
        pace->bucket = (uint8_t)((pace->bucket + 1) % WK_LINK_PACE_BUCKETS);
        pace->least[pace->bucket].known = false;
        pace->bucket_until_us = now_us + WK_LINK_PACE_BUCKET_US;
    }
    struct wk_link_delay *here = &pace->least[pace->bucket];
    const int64_t mine = without_wire(pace, delay);
    if (!here->known || mine < here->us) {
        *here = *delay;
        here->us = mine;
    }
    int64_t base = mine;
    for (int i = 0; i < WK_LINK_PACE_BUCKETS; i++) {
        base = pace->least[i].known ? least(base, pace->least[i].us) : base;
    }
    pace->queue_us = mine - base;
}

/* Sending less does not shorten the queue: it is none of ours, or the way is longer now. */
static void rebase(struct wk_link_pace *pace, const struct wk_link_delay *delay)
{
    for (int i = 0; i < WK_LINK_PACE_BUCKETS; i++) {
        pace->least[i].known = false;
    }
    pace->least[pace->bucket] = *delay;
    pace->least[pace->bucket].us = without_wire(pace, delay);
    pace->queue_us = 0;
    pace->crowded_us = 0;
}

static void see_rtt(struct wk_link_pace *pace, int64_t rtt_us)
{
    const int64_t empty = most(rtt_us - pace->queue_us, 0);
    if (pace->rtt_us == 0) {
        pace->rtt_us = rtt_us;
        pace->rtt_var_us = rtt_us / 2;
        pace->empty_rtt_us = empty;
        return;
    }
    const int64_t off = rtt_us - pace->rtt_us;
    pace->rtt_var_us += ((off < 0 ? -off : off) - pace->rtt_var_us) / 4;
    pace->rtt_us += off / 8;
    pace->empty_rtt_us += (empty - pace->empty_rtt_us) / 8;
}

/* The path is faster than was thought: packets were shorter on the wire. If it is slower now, those
 * before it became so were not. */
static void correct(struct wk_link_pace *pace, uint32_t before_bps)
{
    for (int i = 0; i < WK_LINK_PACE_BUCKETS; i++) {
        const uint32_t octets = pace->least[i].octets;
        pace->least[i].us += wire_us(octets, before_bps) - wire_us(octets, pace->rate_bps);
    }
}

/* ---- rate -------------------------------------------------------------------------------- */

static uint32_t sample_bps(const struct wk_link_sample *sample)
{
    if (sample->within_us <= 0) {
        return 0;
    }
    const int64_t bps = (int64_t)sample->arrived * 8 * SECOND_US / sample->within_us;
    return (uint32_t)least(most(bps, WK_LINK_RATE_LEAST_BPS), WK_LINK_RATE_MOST_BPS);
}

static void see_rate(struct wk_link_pace *pace, uint32_t bps, bool limited, int64_t now_us)
{
    if (bps == 0 || (limited && bps < pace->rate_bps)) {
        return;
    }
    if (now_us >= pace->interval_until_us) {
        pace->largest_bps[1] = pace->largest_bps[0];
        pace->largest_bps[0] = 0;
        pace->interval_until_us = now_us + (CRUISE_ROUNDS + 2) * round_us(pace);
    }
    pace->largest_bps[0] = (uint32_t)most(pace->largest_bps[0], bps);
    const uint32_t before = pace->rate_bps;
    pace->rate_bps = (uint32_t)most(pace->largest_bps[0], pace->largest_bps[1]);
    if (pace->rate_bps > before && pace->phase != WK_LINK_STARTING) {
        correct(pace, before);
    }
}

/* The queue stays though no more is sent than the estimate: what arrives now is the rate, unless
 * it only was not sent faster. One sample may be an odd one: no more than a half is believed. */
static void lower(struct wk_link_pace *pace, const struct wk_link_sample *sample,
                  int64_t now_us)
{
    const uint32_t bps = (uint32_t)most(sample_bps(sample), pace->rate_bps / 2);
    if (sample->by_path && bps < pace->rate_bps) {
        pace->largest_bps[0] = bps;
        pace->largest_bps[1] = 0;
        pace->rate_bps = bps;
    }
    pace->crowded_us = now_us;
    if (pace->phase != WK_LINK_DRAINING && pace->phase != WK_LINK_STARTING) {
        enter(pace, WK_LINK_DRAINING, now_us);
    }
}

static void next_round(struct wk_link_pace *pace, int64_t now_us)
{
    pace->rounds++;
    pace->phase_until_us = now_us + round_us(pace);
}

static bool grew(const struct wk_link_pace *pace)
{
    return (uint64_t)pace->rate_bps * 100 > (uint64_t)pace->phase_bps * GROWTH_PERCENT;
}

/* A round of the start, or of a probe, is over. */
static void judge_growth(struct wk_link_pace *pace, int64_t now_us)
{
    const bool is_start = pace->phase == WK_LINK_STARTING;
    if (grew(pace)) {
        enter(pace, pace->phase, now_us);
    } else if (pace->rounds + 1 < (is_start ? STALLED : RAISE_ROUNDS)) {
        next_round(pace, now_us);
    } else if (is_start) {
        end_start(pace, now_us);
    } else {
        enter(pace, WK_LINK_DRAINING, now_us);
    }
}

static void next_phase(struct wk_link_pace *pace, const struct wk_link_delay *delay,
                       int64_t now_us)
{
    const bool is_crowded = wk_link_pace_is_crowded(pace);
    const bool is_over = now_us >= pace->phase_until_us;
    if (pace->phase == WK_LINK_STARTING && is_crowded) {
        end_start(pace, now_us);
    } else if (pace->phase == WK_LINK_RAISING && is_crowded) {
        enter(pace, WK_LINK_DRAINING, now_us);
    } else if (!is_over) {
        return;
    } else if (pace->phase == WK_LINK_DRAINING) {
        if (pace->rounds >= DRAIN_ROUNDS) {
            rebase(pace, delay);
        }
        if (pace->queue_us <= QUEUE_US) {
            enter(pace, WK_LINK_CRUISING, now_us);
        } else {
            next_round(pace, now_us);
        }
    } else if (pace->phase == WK_LINK_CRUISING) {
        next_round(pace, now_us);
        if (pace->rounds >= CRUISE_ROUNDS) {
            enter(pace, WK_LINK_RAISING, now_us);
        }
    } else {
        judge_growth(pace, now_us);
    }
}

void wk_link_pace_report(struct wk_link_pace *pace, const struct wk_link_sample *sample,
                         int64_t now_us)
{
    const struct wk_link_delay delay = {
        .us = sample->one_way_us, .octets = sample->octets, .known = true};
    const uint32_t bps = sample_bps(sample);
    see_rate(pace, bps, sample->limited, now_us);
    see_delay(pace, &delay, now_us);
    see_rtt(pace, sample->rtt_us);
    if (!wk_link_pace_is_crowded(pace)) {
        pace->crowded_us = 0;
    } else if (pace->crowded_us == 0) {
        pace->crowded_us = now_us;
    } else if (now_us - pace->crowded_us > round_us(pace)) {
        lower(pace, sample, now_us);
    }
    if (!sample->limited || pace->phase != WK_LINK_RAISING) {
        next_phase(pace, &delay, now_us);
    }
}

void wk_link_pace_sent(struct wk_link_pace *pace, uint32_t octets, int64_t now_us)
{
    const uint64_t paced = (uint64_t)pace->rate_bps * gain(pace) / 100;
    pace->next_us =
        most(pace->next_us, now_us) + (int64_t)octets * 8 * SECOND_US / (int64_t)paced;
}

uint32_t wk_link_pace_room(const struct wk_link_pace *pace)
{
    const uint32_t packet = wk_link_pace_packet(pace, UINT16_MAX);
    const int64_t way_us = (pace->rtt_us == 0 ? PATIENCE_US : pace->empty_rtt_us) + HELD_US;
    const int64_t carried = way_us * pace->rate_bps / (8 * SECOND_US);
    const uint32_t more = pace->phase == WK_LINK_STARTING ? 2u : 1u;
    return (uint32_t)least(carried * more, UINT32_MAX / 2) + 2 * packet;
}

int64_t wk_link_pace_patience_us(const struct wk_link_pace *pace)
{
    if (pace->rtt_us == 0) {
        return PATIENCE_FIRST_US;
    }
    return pace->rtt_us + 4 * pace->rtt_var_us + PATIENCE_US;
}
