/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "headend/uplink_part.h"

#define IDLE_MS    1000
#define RESET_ROOM 16
#define FIXED      4 /* descriptors beside those of the ports */
#define NS_PER_US  1000
#define US_PER_MS  1000
#define US_PER_S   INT64_C(1000000)

int64_t wk_uplink_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}

/* ---- packets ----------------------------------------------------------------------------- */

struct arrival {
    const struct wk_uplink_address *from;
    uint8_t *packet;
    size_t length;
};

static bool take(struct wk_uplink_peer *peer, const struct wk_uplink_address *from,
                 uint8_t *packet, size_t length)
{
    struct wk_uplink *uplink = peer->uplink;
    uint8_t session;
    const wk_err err = wk_link_receiver_take(&peer->receiver, packet, length, false,
                                             wk_uplink_now_us(), &session);
    if (err == WK_OK) {
        peer->from[session] = *from;
        if (uplink->ports[from->port].answers_at_once) {
            wk_link_receiver_hurry(&peer->receiver, session);
            wk_link_receiver_step(&peer->receiver, wk_uplink_now_us());
        }
    }
    wk_uplink_renew(peer);
    return err == WK_OK;
}

/* Meters draw the numbers of their sessions, so two may have the same: a packet is of the one whose key
 * opens it, and opening a copy leaves it whole for the other. */
static void take_of_session(struct wk_uplink_peer *first, uint32_t id,
                            const struct arrival *arrival)
{
    struct wk_uplink *uplink = first->uplink;
    struct wk_uplink_peer *peer = first;
    for (size_t skip = 1; peer != NULL; skip++) {
        struct wk_uplink_peer *next = wk_uplink_by_session(uplink, id, skip);
        uint8_t copy[WK_LINK_PACKET + WK_LINK_SEAL];
        if (next == NULL || arrival->length > sizeof copy) {
            take(peer, arrival->from, arrival->packet, arrival->length);
            return;
        }
        memcpy(copy, arrival->packet, arrival->length);
        if (take(peer, arrival->from, copy, arrival->length)) {
            return;
        }
        peer = next;
    }
}

void wk_uplink_packet(void *self, const struct wk_uplink_address *from, uint8_t *packet,
                      size_t length)
{
    struct wk_uplink *uplink = self;
    struct wk_link_head head;
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_read_head(&in, &head);
    if (in.fault != WK_OK || !head.sealed) {
        return;
    }
    const uint8_t *title = wk_link_seal_title(packet, length);
    struct wk_uplink_peer *peer = title != NULL ? wk_uplink_by_title(uplink, title)
                                                : wk_uplink_by_session(uplink, head.session, 0);
    if (peer == NULL) {
        uint8_t answer[RESET_ROOM];
        const size_t size = wk_link_receiver_reset(packet, length, answer);
        if (size > 0) { /* one that is lost is asked for by the next packet */
            (void)!wk_uplink_port_send(uplink->ports, from, answer, size);
        }
        return;
    }
    if (title != NULL) {
        take(peer, from, packet, length);
    } else {
        take_of_session(peer, head.session, &(struct arrival){from, packet, length});
    }
}

/* ---- the thread -------------------------------------------------------------------------- */

int wk_uplink_step(struct wk_uplink *uplink)
{
    const int64_t now_us = wk_uplink_now_us();
    size_t number = 0;
    for (size_t i = 0; i < uplink->peers && wk_due_first(&uplink->due, &number) <= now_us;
         i++) {
        wk_link_receiver_step(&uplink->peer[number].receiver, now_us);
        wk_uplink_renew(&uplink->peer[number]);
    }
    const int64_t check_us = wk_uplink_check_tend(uplink, now_us);
    int64_t due_us = wk_due_first(&uplink->due, &number);
    due_us = check_us < due_us ? check_us : due_us;
    const int64_t most_us = (int64_t)IDLE_MS * US_PER_MS;
    const int64_t wait_us = due_us == WK_DUE_NEVER || due_us - now_us > most_us ? most_us
                            : due_us > now_us ? due_us - now_us
                                              : 0;
    return (int)((wait_us + US_PER_MS - 1) / US_PER_MS);
}

void *wk_uplink_listen(void *self)
{
    struct wk_uplink *uplink = self;
    struct pollfd events[FIXED + WK_UPLINK_PORTS] = {{.fd = uplink->done, .events = POLLIN},
                                                     {.fd = uplink->stop, .events = POLLIN},
                                                     {.fd = uplink->talk, .events = POLLIN},
                                                     {.fd = uplink->poke, .events = POLLIN}};
    for (uint8_t i = 0; i < uplink->port_count; i++) {
        events[FIXED + i] = (struct pollfd){.fd = uplink->ports[i].fd, .events = POLLIN};
    }
    pthread_mutex_lock(&uplink->turn);
    while ((events[1].revents & POLLIN) == 0) {
        uint64_t pokes;
        const int wait_ms = wk_uplink_step(uplink);
        pthread_mutex_unlock(&uplink->turn);
        const int ready = poll(events, FIXED + (nfds_t)uplink->port_count, wait_ms);
        pthread_mutex_lock(&uplink->turn);
        if (ready < 0 && errno != EINTR) {
            break;
        }
        if ((events[3].revents & POLLIN) != 0) {
            (void)!read(uplink->poke, &pokes, sizeof pokes);
        }
        if ((events[0].revents & POLLIN) != 0) {
            wk_uplink_take_back(uplink);
        }
        if ((events[2].revents & POLLIN) != 0) {
            wk_uplink_talk_serve(uplink);
        }
        for (uint8_t i = 0; i < uplink->port_count; i++) {
            if (events[FIXED + i].revents != 0) {
                uplink->ports[i].serve(uplink->ports[i].self);
            }
        }
        wk_uplink_hand_over(uplink);
    }
    pthread_mutex_unlock(&uplink->turn);
    return NULL;
}
