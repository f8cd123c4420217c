/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "headend/uplink_part.h"

/* Meters are few that somebody looks at. */
static struct wk_uplink_peer *peer_of(struct wk_uplink *uplink,
                                      const struct wk_registry_meter *meter)
{
    for (size_t i = 0; i < uplink->peers; i++) {
        if (uplink->peer[i].meter == meter) {
            return &uplink->peer[i];
        }
    }
    return NULL;
}

/* ---- how it is heard --------------------------------------------------------------------- */

static void look_at_sessions(const struct wk_link_receiver *receiver, int64_t now_us,
                             struct wk_uplink_state *state)
{
    for (uint8_t i = 0; i < WK_LINK_SESSIONS; i++) {
        const struct wk_link_session *session = &receiver->sessions[i];
        if (session->id != 0) {
            state->session[state->sessions++] =
                (struct wk_uplink_heard){.heard_us = now_us - session->heard_us,
                                         .packets = session->packets,
                                         .octets = session->octets,
                                         .newest = receiver->newest == i};
        }
    }
}

static void look_at_streams(const struct wk_link_receiver *receiver,
                            struct wk_uplink_state *state)
{
    for (uint8_t i = 0; i < WK_LINK_STREAMS; i++) {
        const struct wk_link_inflow *inflow = &receiver->streams[i];
        if (inflow->known) {
            struct wk_uplink_stream *stream = &state->stream[state->streams++];
            *stream = (struct wk_uplink_stream){.committed = inflow->next,
                                                .made = inflow->made,
                                                .repeated = inflow->repeated,
                                                .missing = inflow->missing};
            memcpy(stream->obis, inflow->obis, sizeof stream->obis);
        }
    }
}

wk_err wk_uplink_look(struct wk_uplink *uplink, const struct wk_registry_meter *meter,
                      struct wk_uplink_state *state)
{
    struct wk_uplink_peer *peer = peer_of(uplink, meter);
    memset(state, 0, sizeof *state);
    if (peer == NULL) {
        return WK_E_NOT_FOUND;
    }
    pthread_mutex_lock(&uplink->turn);
    state->met = peer->receiver.met;
    look_at_sessions(&peer->receiver, wk_uplink_now_us(), state);
    look_at_streams(&peer->receiver, state);
    state->checked = uplink->checked == peer;
    state->check = uplink->check;
    pthread_mutex_unlock(&uplink->turn);
    return WK_OK;
}

/* ---- the test of a path ------------------------------------------------------------------ */

wk_err wk_uplink_check(struct wk_uplink *uplink, const struct wk_registry_meter *meter)
{
    const uint64_t one = 1;
    struct wk_uplink_peer *peer = peer_of(uplink, meter);
    if (peer == NULL) {
        return WK_E_NOT_FOUND;
    }
    pthread_mutex_lock(&uplink->turn);
    const uint8_t session = peer->receiver.newest;
    wk_err err = peer->receiver.met && session < WK_LINK_SESSIONS ? WK_OK : WK_E_CLOSED;
    if (err == WK_OK) {
        err = wk_link_check_begin(&uplink->check, session, wk_uplink_now_us());
    }
    if (err == WK_OK) {
        uplink->checked = peer;
    }
    pthread_mutex_unlock(&uplink->turn);
    if (err == WK_OK && write(uplink->poke, &one, sizeof one) != (ssize_t)sizeof one) {
        return WK_E_IO;
    }
    return err;
}

int64_t wk_uplink_check_tend(struct wk_uplink *uplink, int64_t now_us)
{
    uint8_t number;
    uint8_t size;
    struct wk_link_check *check = &uplink->check;
    while (wk_link_check_next(check, now_us, &number, &size)) {
        if (wk_link_receiver_echo(&uplink->checked->receiver, check->path, number, size) ==
            WK_OK) {
            wk_link_check_sent(check, number, now_us);
        }
    }
    return check->runs ? check->next_us : INT64_MAX;
}

void wk_uplink_check_back(void *self, const struct wk_link_receiver *from, uint8_t session,
                          uint8_t number)
{
    const struct wk_uplink_peer *peer = self;
    struct wk_uplink *uplink = peer->uplink;
    (void)from;
    if (uplink->checked == peer && uplink->check.path == session) {
        wk_link_check_back(&uplink->check, number, wk_uplink_now_us());
    }
}
