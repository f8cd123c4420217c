/* SPDX-License-Identifier: Apache-2.0 */
#include "link/path.h"

#include <string.h>

#define CERTAIN     65535
#define SMOOTH      16
#define RTT_UNIT_US 20000 /* a point of the score */
#define RTT_POINTS  30

void wk_link_path_init(struct wk_link_path *path, const struct wk_link_path_rules *rules,
                       int64_t now_us)
{
    *path = (struct wk_link_path){.rules = *rules, .hello_us = WK_LINK_NEVER_US};
    path->delivery = CERTAIN;
    path->hello_wait_us = WK_LINK_HELLO_FIRST_US;
    wk_link_pace_init(&path->pace, now_us);
}

/* ---- what is on its way ------------------------------------------------------------------ */

static struct wk_link_flown *slot(struct wk_link_path *path, uint32_t number)
{
    return &path->flown[number % WK_LINK_FLIGHT];
}

static void settle(struct wk_link_path *path, struct wk_link_flown *flown)
{
    path->in_flight -= flown->octets;
    flown->octets = 0;
    while (path->first != path->next && slot(path, path->first)->octets == 0) {
        path->first++;
    }
}

static void judge(struct wk_link_path *path, bool arrived)
{
    const int32_t aim = arrived ? CERTAIN : 0;
    path->delivery = (uint16_t)(path->delivery + (aim - path->delivery) / SMOOTH);
}

static void lose(struct wk_link_path *path, struct wk_link_flown *flown, wk_link_lost lost,
                 void *owner)
{
    path->counts.lost++;
    judge(path, false);
    for (uint8_t i = 0; i < flown->items; i++) {
        lost(owner, &flown->item[i]);
    }
    settle(path, flown);
}

static void lose_all(struct wk_link_path *path, wk_link_lost lost, void *owner)
{
    for (uint32_t n = path->first; n != path->next; n++) {
        struct wk_link_flown *flown = slot(path, n);
        if (flown->octets != 0) {
            lose(path, flown, lost, owner);
        }
    }
}

bool wk_link_path_has_room(const struct wk_link_path *path)
{
    return path->next - path->first < WK_LINK_FLIGHT;
}

uint32_t wk_link_path_packet(const struct wk_link_path *path)
{
    const uint32_t by_rate = wk_link_pace_packet(&path->pace, path->rules.most);
    return by_rate > path->rules.least ? by_rate : path->rules.least;
}

int64_t wk_link_path_free_us(const struct wk_link_path *path)
{
    return path->pace.next_us > path->busy_until_us ? path->pace.next_us : path->busy_until_us;
}

struct wk_link_flown *wk_link_path_depart(struct wk_link_path *path, uint32_t octets,
                                          bool limited, int64_t now_us)
{
    struct wk_link_flown *flown = slot(path, path->next);
    *flown = (struct wk_link_flown){
        .number = path->next,
        .octets = octets + path->rules.overhead,
        .sent_us = now_us,
        .newest_sent_us = path->newest_sent_us,
        .newest_arrival_us = path->newest_arrival_us,
        .arrived = path->arrived,
        .limited = limited,
    };
    path->next++;
    path->in_flight += flown->octets;
    path->asked_us = now_us;
    path->counts.packets++;
    path->counts.octets += flown->octets;
    path->spent += flown->octets;
    wk_link_pace_sent(&path->pace, flown->octets, now_us);
    return flown;
}

/* ---- states ------------------------------------------------------------------------------ */

static void go_down(struct wk_link_path *path, wk_link_lost lost, void *owner, int64_t due_us)
{
    path->counts.went_down += path->state != WK_LINK_DOWN ? 1 : 0;
    path->state = WK_LINK_DOWN;
    lose_all(path, lost, owner);
    path->hello_us = path->carried ? due_us : WK_LINK_NEVER_US;
}

void wk_link_path_carry(struct wk_link_path *path, bool carried, wk_link_lost lost, void *owner,
                        int64_t now_us)
{
    path->carried = carried;
    path->hello_wait_us = WK_LINK_HELLO_FIRST_US;
    go_down(path, lost, owner, now_us);
}

void wk_link_path_open(struct wk_link_path *path, uint32_t session, int64_t now_us)
{
    path->session = session;
    path->next = 1;
    path->first = 1;
    path->in_flight = 0;
    path->any_arrived = false;
    path->newest_arrival_us = 0;
    path->newest_sent_us = now_us;
    path->counts.hellos++;
    path->hello_us = now_us + path->hello_wait_us;
    path->hello_wait_us *= path->hello_wait_us < path->rules.probe_us ? 2 : 1;
}

static void go_up(struct wk_link_path *path, int64_t now_us)
{
    path->state = WK_LINK_UP;
    path->probes = 0;
    path->heard_us = now_us;
}

void wk_link_path_rest(struct wk_link_path *path, bool rests, wk_link_lost lost, void *owner,
                       int64_t now_us)
{
    if (rests && (path->state == WK_LINK_UP || path->state == WK_LINK_SUSPECT)) {
        path->state = WK_LINK_RESTING;
        lose_all(path, lost, owner);
    } else if (!rests && path->state == WK_LINK_RESTING) {
        path->asked_us = now_us;
        go_up(path, now_us);
    }
}

void wk_link_path_welcomed(struct wk_link_path *path, int64_t now_us)
{
    path->hello_us = WK_LINK_NEVER_US;
    path->hello_wait_us = WK_LINK_HELLO_FIRST_US;
    if (path->state == WK_LINK_DOWN) {
        wk_link_pace_init(&path->pace, now_us);
        path->asked_us = now_us;
        go_up(path, now_us);
    }
}

void wk_link_path_forgotten(struct wk_link_path *path, wk_link_lost lost, void *owner,
                            int64_t now_us)
{
    if (path->state != WK_LINK_DOWN) {
        go_down(path, lost, owner, now_us);
    }
}

/* ---- reports ----------------------------------------------------------------------------- */

static bool is_told(const struct wk_link_frame *report, uint32_t highest, uint32_t number)
{
    const uint32_t before = highest - number;
    return before == 0 || (before <= WK_LINK_SEEN && (report->seen >> (before - 1) & 1) != 0);
}

/* What the newest packet that arrived tells of rate and delay. */
static void sample(struct wk_link_path *path, const struct wk_link_flown *flown,
                   const struct wk_link_frame *report, int64_t now_us)
{
    const bool first = !path->any_arrived;
    path->newest_arrival_us += first
                                   ? (int64_t)report->arrival_us
                                   : (int64_t)(int32_t)(report->arrival_us - path->arrival_low);
    path->arrival_low = report->arrival_us;
    path->any_arrived = true;
    path->newest = flown->number;
    path->newest_sent_us = flown->sent_us;
    const int64_t received_us = path->newest_arrival_us - flown->newest_arrival_us;
    const int64_t sent_us = flown->sent_us - flown->newest_sent_us;
    const bool is_known = flown->newest_arrival_us != 0;
    const int64_t rtt_us = now_us - flown->sent_us - report->held_us;
    const struct wk_link_sample seen = {
        .rtt_us = rtt_us > 0 ? rtt_us : 1,
        .one_way_us = path->newest_arrival_us - flown->sent_us,
        .octets = flown->octets,
        .arrived = path->arrived - flown->arrived,
        .within_us = !is_known               ? 0
                     : received_us > sent_us ? received_us
                                             : sent_us,
        .limited = flown->limited,
        .by_path = is_known && received_us >= sent_us,
    };
    wk_link_pace_report(&path->pace, &seen, now_us);
}

void wk_link_path_report(struct wk_link_path *path, const struct wk_link_frame *report,
                         wk_link_lost lost, void *owner, int64_t now_us)
{
    const uint32_t highest = wk_link_number(report->highest, path->next);
    if (highest - path->first >= path->next - path->first) {
        return; /* nothing new, or not of this session */
    }
    struct wk_link_flown newest = *slot(path, highest);
    for (uint32_t n = path->first; n != highest + 1; n++) {
        struct wk_link_flown *flown = slot(path, n);
        if (flown->octets == 0) {
            continue;
        }
        if (is_told(report, highest, n)) {
            path->arrived += flown->octets;
            path->counts.reported++;
            judge(path, true);
            settle(path, flown);
        } else if (highest - n >= WK_LINK_REORDER) {
            lose(path, flown, lost, owner);
        }
    }
    path->heard_us = now_us;
    if (newest.octets != 0 && newest.number == highest) {
        sample(path, &newest, report, now_us);
    }
    if (path->state == WK_LINK_SUSPECT) {
        go_up(path, now_us);
    }
}

/* ---- time -------------------------------------------------------------------------------- */

static int64_t overdue_us(const struct wk_link_path *path)
{
    if (path->first == path->next) {
        return WK_LINK_NEVER_US;
    }
    return path->flown[path->first % WK_LINK_FLIGHT].sent_us +
           wk_link_pace_patience_us(&path->pace);
}

bool wk_link_path_tick(struct wk_link_path *path, wk_link_lost lost, void *owner,
                       int64_t now_us)
{
    if (path->state == WK_LINK_UP && now_us >= overdue_us(path)) {
        path->state = WK_LINK_SUSPECT;
        path->counts.suspected++;
        path->probes = 1;
        path->probe_wait_us = WK_LINK_PROBE_FIRST_US;
        path->probe_us = now_us + path->probe_wait_us;
        lose_all(path, lost, owner);
        return true;
    }
    if (path->state == WK_LINK_SUSPECT && now_us >= path->probe_us) {
        lose_all(path, lost, owner);
        if (path->probes >= WK_LINK_PROBES) {
            go_down(path, lost, owner, now_us);
            return false;
        }
        path->probes++;
        path->probe_wait_us *= 2;
        path->probe_us = now_us + path->probe_wait_us;
        return true;
    }
    return path->state == WK_LINK_UP && now_us - path->asked_us >= path->rules.probe_us;
}

int64_t wk_link_path_due_us(const struct wk_link_path *path)
{
    if (path->state == WK_LINK_SUSPECT) {
        return path->probe_us;
    }
    if (path->state == WK_LINK_RESTING) {
        return WK_LINK_NEVER_US;
    }
    if (path->state == WK_LINK_DOWN) {
        return path->hello_us;
    }
    const int64_t idle_us = path->asked_us + path->rules.probe_us;
    const int64_t late_us = overdue_us(path);
    const int64_t due_us = late_us < idle_us ? late_us : idle_us;
    return due_us > path->busy_until_us ? due_us : path->busy_until_us;
}

/* ---- worth ------------------------------------------------------------------------------- */

uint32_t wk_link_path_score(const struct wk_link_path *path)
{
    if (path->state != WK_LINK_UP) {
        return 0;
    }
    const int64_t slow = path->pace.empty_rtt_us / RTT_UNIT_US;
    const int64_t score = (int64_t)path->delivery * 100 / CERTAIN -
                          (slow < RTT_POINTS ? slow : RTT_POINTS) - path->rules.cost -
                          path->malus;
    return score > 1 ? (uint32_t)score : 1;
}

bool wk_link_path_has_budget(const struct wk_link_path *path)
{
    return !path->is_scarce && (path->rules.budget == 0 || path->spent < path->rules.budget);
}
