/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "headend/uplink_part.h"

#define ENTRIES_PER_SESSION 4
#define GOLDEN              UINT64_C(0x9E3779B97F4A7C15) /* 2^64 by the golden ratio spreads any numbers */

/* ---- titles ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b, void *context)
{
    const struct wk_uplink *uplink = context;
    return memcmp(uplink->peer[*(const uint32_t *)a].receiver.title,
                  uplink->peer[*(const uint32_t *)b].receiver.title, WK_LINK_TITLE);
}

struct wk_uplink_peer *wk_uplink_by_title(const struct wk_uplink *uplink, const uint8_t *title)
{
    size_t from = 0;
    size_t to = uplink->peers;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        struct wk_uplink_peer *peer = &uplink->peer[uplink->titles[middle]];
        const int order = memcmp(title, peer->receiver.title, WK_LINK_TITLE);
        if (order == 0) {
            return peer;
        }
        from = order > 0 ? middle + 1 : from;
        to = order < 0 ? middle : to;
    }
    return NULL;
}

/* ---- sessions ---------------------------------------------------------------------------- */

static size_t home(const struct wk_uplink *uplink, uint32_t id)
{
    return (size_t)(id * GOLDEN >> 32) & (uplink->session_room - 1);
}

static size_t next(const struct wk_uplink *uplink, size_t at)
{
    return (at + 1) & (uplink->session_room - 1);
}

struct wk_uplink_peer *wk_uplink_by_session(const struct wk_uplink *uplink, uint32_t id,
                                            size_t skip)
{
    for (size_t at = home(uplink, id); uplink->sessions[at].peer != 0; at = next(uplink, at)) {
        const struct wk_uplink_session *entry = &uplink->sessions[at];
        if (entry->id == id && skip-- == 0) {
            return &uplink->peer[entry->peer - 1];
        }
    }
    return NULL;
}

static void list(struct wk_uplink *uplink, uint32_t id, uint32_t peer)
{
    size_t at = home(uplink, id);
    while (uplink->sessions[at].peer != 0) {
        at = next(uplink, at);
    }
    uplink->sessions[at] = (struct wk_uplink_session){.id = id, .peer = peer};
}

/* What follows without a hole moves up, so that it is found from where it belongs. */
static void unlist(struct wk_uplink *uplink, uint32_t id, uint32_t peer)
{
    size_t hole = home(uplink, id);
    while (uplink->sessions[hole].id != id || uplink->sessions[hole].peer != peer) {
        hole = next(uplink, hole);
    }
    for (size_t at = next(uplink, hole); uplink->sessions[at].peer != 0;
         at = next(uplink, at)) {
        const size_t wanted = home(uplink, uplink->sessions[at].id);
        const size_t mask = uplink->session_room - 1;
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            uplink->sessions[hole] = uplink->sessions[at];
            hole = at;
        }
    }
    uplink->sessions[hole] = (struct wk_uplink_session){0};
}

void wk_uplink_renew(struct wk_uplink_peer *peer)
{
    struct wk_uplink *uplink = peer->uplink;
    const size_t number = (size_t)(peer - uplink->peer);
    for (int i = 0; i < WK_LINK_SESSIONS; i++) {
        const uint32_t id = peer->receiver.sessions[i].id;
        if (peer->listed[i] == id) {
            continue;
        }
        if (peer->listed[i] != 0) {
            unlist(uplink, peer->listed[i], (uint32_t)number + 1);
        }
        if (id != 0) {
            list(uplink, id, (uint32_t)number + 1);
        }
        peer->listed[i] = id;
    }
    wk_due_set(&uplink->due, number, wk_link_receiver_due_us(&peer->receiver));
}

/* ---- memory ------------------------------------------------------------------------------ */

wk_err wk_uplink_find_init(struct wk_uplink *uplink)
{
    uplink->session_room = ENTRIES_PER_SESSION;
    while (uplink->session_room < uplink->peers * WK_LINK_SESSIONS * ENTRIES_PER_SESSION) {
        uplink->session_room *= 2;
    }
    uplink->sessions = calloc(uplink->session_room, sizeof *uplink->sessions);
    uplink->titles = calloc(uplink->peers + 1, sizeof *uplink->titles);
    if (uplink->sessions == NULL || uplink->titles == NULL) {
        return WK_E_FULL;
    }
    for (size_t i = 0; i < uplink->peers; i++) {
        uplink->titles[i] = (uint32_t)i;
    }
    qsort_r(uplink->titles, uplink->peers, sizeof *uplink->titles, compare, uplink);
    return wk_due_init(&uplink->due, uplink->peers);
}

void wk_uplink_find_free(struct wk_uplink *uplink)
{
    free(uplink->sessions);
    free(uplink->titles);
    wk_due_free(&uplink->due);
}
