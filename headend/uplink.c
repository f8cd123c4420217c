/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "headend/uplink_part.h"

static wk_err make_peers(struct wk_uplink *uplink)
{
    struct wk_registry *registry = uplink->config.registry;
    uint64_t instance = 0;
    const struct wk_hal_crypto *crypto = &uplink->crypto.hal;
    WK_TRY(crypto->random(crypto->self, &instance, sizeof instance));
    for (size_t i = 0; i < registry->meters; i++) {
        struct wk_registry_meter *meter = &registry->meter[i];
        if (meter->link_key_size == 0) {
            continue;
        }
        struct wk_uplink_peer *peer = &uplink->peer[uplink->peers++];
        peer->uplink = uplink;
        peer->meter = meter;
        wk_uplink_peer_init(peer, instance);
        WK_TRY(wk_uplink_talk_open(peer));
    }
    return wk_uplink_find_init(uplink);
}

/* Pauses are on the steady clock. */
static void make_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void release(struct wk_uplink *uplink)
{
    for (size_t i = 0; uplink->peer != NULL && i < uplink->peers; i++) {
        wk_uplink_talk_close(&uplink->peer[i]);
        for (int n = 0; n < WK_LINK_STREAMS; n++) {
            free(uplink->peer[i].links[n]);
        }
        free(uplink->peer[i].announced);
    }
    wk_uplink_port_close_all(uplink->ports, uplink->port_count);
    if (uplink->stop >= 0) {
        close(uplink->stop);
    }
    if (uplink->done >= 0) {
        close(uplink->done);
    }
    if (uplink->talk >= 0) {
        close(uplink->talk);
    }
    if (uplink->poke >= 0) {
        close(uplink->poke);
    }
    pthread_mutex_destroy(&uplink->turn);
    pthread_mutex_destroy(&uplink->lock);
    pthread_cond_destroy(&uplink->wake);
    wk_crypto_close(&uplink->crypto);
    wk_uplink_find_free(uplink);
    free(uplink->touched);
    free(uplink->peer);
    free(uplink);
}

static void end_writer(struct wk_uplink *uplink)
{
    pthread_mutex_lock(&uplink->lock);
    uplink->ending = true;
    pthread_cond_signal(&uplink->wake);
    pthread_mutex_unlock(&uplink->lock);
    (void)!pthread_join(uplink->writer, NULL);
}

wk_err wk_uplink_start(const struct wk_uplink_config *config, struct wk_uplink **uplink,
                       char why[WK_INI_WHY])
{
    struct wk_uplink *fresh = calloc(1, sizeof *fresh);
    snprintf(why, WK_INI_WHY, "no memory or no thread for what meters send");
    if (fresh == NULL) {
        return WK_E_FULL;
    }
    fresh->config = *config;
    fresh->stop = eventfd(0, EFD_CLOEXEC);
    fresh->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fresh->talk = epoll_create1(EPOLL_CLOEXEC);
    fresh->poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&fresh->turn, NULL);
    fresh->filling = &fresh->batches[0];
    fresh->writing = &fresh->batches[1];
    pthread_mutex_init(&fresh->lock, NULL);
    make_wake(&fresh->wake);
    fresh->pause_ms = WK_UPLINK_AGAIN_MS;
    fresh->peer = calloc(config->registry->meters + 1, sizeof *fresh->peer);
    fresh->touched =
        calloc(config->registry->meters + 1, sizeof(struct wk_uplink_peer *)); /* pointers */
    if (fresh->stop < 0 || fresh->done < 0 || fresh->talk < 0 || fresh->poke < 0 ||
        fresh->peer == NULL || fresh->touched == NULL ||
        wk_crypto_init(&fresh->crypto) != WK_OK || make_peers(fresh) != WK_OK) {
        release(fresh);
        return WK_E_FULL;
    }
    const struct wk_uplink_port_config port = {
        .registry = config->registry, .self = fresh, .take = wk_uplink_packet};
    const wk_err err = wk_uplink_port_open_all(fresh->ports, &fresh->port_count, &port, why);
    if (err != WK_OK) {
        release(fresh);
        return err;
    }
    if (pthread_create(&fresh->writer, NULL, wk_uplink_write, fresh) != 0) {
        release(fresh);
        return WK_E_IO;
    }
    if (pthread_create(&fresh->listener, NULL, wk_uplink_listen, fresh) != 0) {
        end_writer(fresh);
        release(fresh);
        return WK_E_IO;
    }
    *uplink = fresh;
    return WK_OK;
}

void wk_uplink_stop(struct wk_uplink *uplink)
{
    const uint64_t one = 1;
    if (uplink == NULL) {
        return;
    }
    if (write(uplink->stop, &one, sizeof one) == (ssize_t)sizeof one) {
        (void)!pthread_join(uplink->listener, NULL);
    }
    end_writer(uplink);
    uplink->config.archive.close(uplink->config.archive.self);
    uplink->config.reader.close(uplink->config.reader.self);
    release(uplink);
}
