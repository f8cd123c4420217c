/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/uplink.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cosem/obis.h"
#include "headend/uplink_apply.h"
#include "link/receiver.h"
#include "port/linux/crypto.h"

#define PACKETS_AT_ONCE 256
#define IDLE_MS         1000
#define NS_PER_US       1000
#define US_PER_MS       1000
#define US_PER_S        INT64_C(1000000)
#define STAND_MOST      256 /* records looked at to find where a stream stands */
#define RECEIVE_BUFFER  4194304
#define FOUND_SLOTS     65536 /* where sessions were found last; a power of two */

struct peer {
    struct wk_uplink *uplink;
    const struct wk_registry_meter *meter;
    struct wk_hal_key key;
    struct sockaddr_storage from[WK_LINK_SESSIONS];
    socklen_t from_size[WK_LINK_SESSIONS];
    struct wk_link_receiver receiver;
    /* of the thread that writes */
    struct wk_archive_link *links[WK_LINK_STREAMS]; /* owned; NULL: not yet looked at */
    bool touched;                                   /* something may be to apply */
};

typedef enum pending_kind {
    PENDING_RECORD,
    PENDING_GAP,
    PENDING_DESCRIPTION,
    PENDING_LOOK, /* a meter came: what was kept before a restart may be to apply */
} pending_kind;

struct pending {
    pending_kind kind;
    struct peer *peer;
    uint64_t epoch;
    uint8_t stream;
    uint8_t reason;
    uint8_t obis[WK_OBIS_SIZE];
    uint32_t check; /* of a description */
    uint64_t sequence;
    uint64_t count; /* of a gap */
    size_t at;      /* in octets */
    size_t size;
};

struct batch {
    size_t waiting;
    size_t used;
    struct pending pending[WK_UPLINK_PENDING];
    uint8_t octets[WK_UPLINK_OCTETS];
};

/* One thread has the socket and the receivers, and never waits for the archive: how late a report
 * is, meters take for the delay of the path. The other writes. A batch belongs to the first while it
 * fills, and to the second from `job` to `done`. */
struct wk_uplink {
    struct wk_uplink_config config;
    struct wk_crypto crypto;
    pthread_t listener;
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool job;      /* under the lock: `writing` is to be committed */
    bool ending;   /* under the lock */
    wk_err result; /* of the last commit; before `done` is signalled */
    bool busy;     /* of the listener: a batch is with the writer */
    int socket;
    int stop;
    int done;
    size_t peers;
    struct peer *peer;
    uint32_t found[FOUND_SLOTS]; /* by session: its peer counted from 1; 0: none yet */
    struct batch *filling;
    struct batch *writing;
    struct batch batches[2];
};

static int64_t steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}

/* ---- what a receiver asks ---------------------------------------------------------------- */

/* Walks over what is there without a hole, then marks what is behind it. */
struct standing {
    uint64_t next;
    uint64_t bitmap;
    bool hole;
};

static wk_err stand_on(void *context, const struct wk_archive_record *row)
{
    struct standing *standing = context;
    const uint64_t first = (uint64_t)row->seq;
    const uint64_t count = row->count > 0 ? (uint64_t)row->count : 1;
    if (!standing->hole && first <= standing->next) {
        standing->next = first + count > standing->next ? first + count : standing->next;
        return WK_OK;
    }
    standing->hole = true;
    for (uint64_t n = first; n < first + count && n - standing->next - 1 < WK_LINK_WINDOW - 1;
         n++) {
        standing->bitmap |= UINT64_C(1) << (n - standing->next - 1);
    }
    return WK_OK;
}

static wk_err put(struct peer *peer, const struct pending *what, struct wk_bytes_in octets)
{
    struct batch *batch = peer->uplink->filling;
    if (batch->waiting == WK_UPLINK_PENDING ||
        octets.size > sizeof batch->octets - batch->used) {
        return WK_E_BUSY;
    }
    struct pending *to = &batch->pending[batch->waiting++];
    *to = *what;
    to->peer = peer;
    to->epoch = peer->receiver.epoch;
    to->at = batch->used;
    to->size = octets.size;
    if (octets.size > 0) {
        memcpy(batch->octets + to->at, octets.data, octets.size);
    }
    batch->used += octets.size;
    return WK_OK;
}

static wk_err resume(void *self, const struct wk_link_receiver *of,
                     const struct wk_link_frame *told, struct wk_link_stand *stand)
{
    struct peer *peer = self;
    struct wk_archive *a = &peer->uplink->config.reader;
    struct wk_archive_link link = {.meter = peer->meter->id,
                                   .epoch = (int64_t)peer->receiver.epoch,
                                   .stream = told->stream};
    (void)of;
    const wk_err err = a->link_get(a->self, &link);
    WK_TRY(err == WK_E_NOT_FOUND ? WK_OK : err);
    struct standing standing = {.next = (uint64_t)link.applied};
    for (uint64_t before = standing.next - 1; !standing.hole && before != standing.next;) {
        before = standing.next;
        const struct wk_archive_record key = {.meter = link.meter,
                                              .epoch = link.epoch,
                                              .stream = link.stream,
                                              .seq = (int64_t)standing.next};
        WK_TRY(a->record_each(a->self, &key, STAND_MOST, stand_on, &standing));
    }
    stand->next = standing.next;
    stand->bitmap = standing.bitmap;
    stand->check = link.check;
    struct pending look = {.kind = PENDING_LOOK, .stream = told->stream};
    memcpy(look.obis, told->obis, sizeof look.obis);
    return put(peer, &look, wk_bytes_in_of(NULL, 0));
}

static wk_err take_record(void *self, const struct wk_link_receiver *of, uint8_t stream,
                          uint64_t sequence, struct wk_bytes_in octets)
{
    const struct pending what = {
        .kind = PENDING_RECORD, .stream = stream, .sequence = sequence};
    (void)of;
    return sequence > INT64_MAX ? WK_E_RANGE : put(self, &what, octets);
}

static wk_err take_gap(void *self, const struct wk_link_receiver *of, uint8_t stream,
                       uint64_t first, uint64_t count, uint8_t reason)
{
    const struct pending what = {.kind = PENDING_GAP,
                                 .stream = stream,
                                 .sequence = first,
                                 .count = count,
                                 .reason = reason};
    (void)of;
    return first > INT64_MAX || count > INT64_MAX - first
               ? WK_E_RANGE
               : put(self, &what, wk_bytes_in_of(NULL, 0));
}

static wk_err take_description(void *self, const struct wk_link_receiver *of, uint8_t stream,
                               struct wk_bytes_in octets)
{
    struct pending what = {
        .kind = PENDING_DESCRIPTION, .stream = stream, .check = of->streams[stream].check};
    memcpy(what.obis, of->streams[stream].obis, sizeof what.obis);
    return octets.size > WK_ARCHIVE_DESCRIPTION ? WK_E_RANGE : put(self, &what, octets);
}

static wk_err transmit(void *self, const struct wk_link_receiver *to, uint8_t session,
                       const uint8_t *packet, size_t length)
{
    const struct peer *peer = self;
    (void)to;
    const ssize_t sent =
        sendto(peer->uplink->socket, packet, length, MSG_DONTWAIT,
               (const struct sockaddr *)&peer->from[session], peer->from_size[session]);
    return sent == (ssize_t)length ? WK_OK : WK_E_IO;
}

static wk_err draw(void *self, void *to, size_t size)
{
    const struct peer *peer = self;
    const struct wk_hal_crypto *crypto = &peer->uplink->crypto.hal;
    return crypto->random(crypto->self, to, size);
}

/* ---- the thread that writes --------------------------------------------------------------- */

static wk_err find_link(const struct pending *what, struct wk_archive_link **link)
{
    struct wk_archive *a = &what->peer->uplink->config.archive;
    struct wk_archive_link **at = &what->peer->links[what->stream];
    if (*at != NULL && (*at)->epoch == (int64_t)what->epoch) {
        *link = *at;
        return WK_OK;
    }
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
    }
    if (*at == NULL) {
        return WK_E_FULL;
    }
    **at = (struct wk_archive_link){
        .meter = what->peer->meter->id, .epoch = (int64_t)what->epoch, .stream = what->stream};
    const wk_err err = a->link_get(a->self, *at);
    if (err == WK_E_NOT_FOUND) {
        char obis[WK_OBIS_TEXT];
        wk_obis_print(what->obis, obis);
        snprintf((*at)->obis, sizeof(*at)->obis, "%s", obis);
    }
    *link = *at;
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err put_description(struct wk_uplink *uplink, const struct pending *what)
{
    struct wk_archive *a = &uplink->config.archive;
    struct wk_archive_link *link;
    WK_TRY(find_link(what, &link));
    memcpy(link->description, uplink->writing->octets + what->at, what->size);
    link->size = what->size;
    link->check = what->check;
    return a->link_put(a->self, link);
}

static wk_err put_raw(struct wk_uplink *uplink, const struct pending *what, int64_t now_s)
{
    struct wk_archive *a = &uplink->config.archive;
    struct wk_archive_link *link;
    what->peer->touched = true;
    if (what->kind == PENDING_LOOK) {
        return find_link(what, &link);
    }
    if (what->kind == PENDING_DESCRIPTION) {
        return put_description(uplink, what);
    }
    const struct wk_archive_record row = {.meter = what->peer->meter->id,
                                          .epoch = (int64_t)what->epoch,
                                          .stream = what->stream,
                                          .seq = (int64_t)what->sequence,
                                          .recv_s = now_s,
                                          .count = (int64_t)what->count,
                                          .reason = what->reason,
                                          .octets = uplink->writing->octets + what->at,
                                          .size = what->size};
    const wk_err err = a->record_put(a->self, &row);
    return err == WK_E_STATE ? WK_OK : err; /* it was there before */
}

static wk_err commit_raw(struct wk_uplink *uplink, int64_t now_s)
{
    struct wk_archive *a = &uplink->config.archive;
    WK_TRY(a->begin(a->self));
    wk_err err = WK_OK;
    for (size_t i = 0; i < uplink->writing->waiting && err == WK_OK; i++) {
        err = put_raw(uplink, &uplink->writing->pending[i], now_s);
    }
    err = err == WK_OK ? a->commit(a->self) : err;
    a->rollback(a->self); /* nothing to do after a commit */
    return err;
}

/* What cannot be applied now is applied later: the raw records are there. */
static void apply(struct wk_uplink *uplink, struct peer *peer, int64_t now_s)
{
    const struct wk_uplink_place place = {.archive = &uplink->config.archive,
                                          .meter = peer->meter,
                                          .stream = uplink->config.stream,
                                          .now_s = now_s};
    peer->touched = false;
    for (int i = 0; i < WK_LINK_STREAMS; i++) {
        if (peer->links[i] != NULL && wk_uplink_apply(&place, peer->links[i]) != WK_OK) {
            fprintf(stderr, "wk-headendd: %s: records of %s wait: %s\n", peer->meter->serial,
                    peer->links[i]->obis, place.archive->why(place.archive->self));
            peer->touched = true;
            return;
        }
    }
}

/* False: it is to end. */
static bool wait_for_job(struct wk_uplink *uplink)
{
    pthread_mutex_lock(&uplink->lock);
    while (!uplink->job && !uplink->ending) {
        pthread_cond_wait(&uplink->wake, &uplink->lock);
    }
    const bool is_job = uplink->job;
    uplink->job = false;
    pthread_mutex_unlock(&uplink->lock);
    return is_job;
}

/* Acknowledged is what is committed; what it means is made of it after that. */
static void *write_batches(void *self)
{
    struct wk_uplink *uplink = self;
    const uint64_t one = 1;
    while (wait_for_job(uplink)) {
        struct wk_archive *a = &uplink->config.archive;
        const int64_t now_s = time(NULL);
        const wk_err err = commit_raw(uplink, now_s);
        if (err != WK_OK) {
            fprintf(stderr, "wk-headendd: records of meters cannot be kept: %s\n",
                    a->why(a->self));
            (void)poll(NULL, 0, WK_UPLINK_AGAIN_MS);
        }
        uplink->result = err;
        if (write(uplink->done, &one, sizeof one) != (ssize_t)sizeof one) {
            break; /* cannot be: the counter has room for one */
        }
        for (size_t i = 0; i < uplink->peers && err == WK_OK; i++) {
            if (uplink->peer[i].touched) {
                apply(uplink, &uplink->peer[i], now_s);
            }
        }
    }
    return NULL;
}

/* ---- batches, as the listener sees them --------------------------------------------------- */

static void hand_over(struct wk_uplink *uplink)
{
    if (uplink->busy || uplink->filling->waiting == 0) {
        return;
    }
    struct batch *full = uplink->filling;
    uplink->filling = uplink->writing;
    uplink->writing = full;
    uplink->busy = true;
    pthread_mutex_lock(&uplink->lock);
    uplink->job = true;
    pthread_cond_signal(&uplink->wake);
    pthread_mutex_unlock(&uplink->lock);
}

/* The writer is done: what it committed is acknowledged, or everything taken is forgotten, and comes
 * again. */
static void take_back(struct wk_uplink *uplink)
{
    uint64_t count;
    struct batch *batch = uplink->writing;
    if (read(uplink->done, &count, sizeof count) != (ssize_t)sizeof count) {
        return;
    }
    for (size_t i = 0; i < batch->waiting; i++) {
        const struct pending *what = &batch->pending[i];
        struct wk_link_receiver *receiver = &what->peer->receiver;
        if (uplink->result != WK_OK) {
            wk_link_receiver_failed(receiver);
        } else if (what->kind <= PENDING_GAP && what->epoch == receiver->epoch) {
            wk_link_receiver_committed(receiver, what->stream, what->sequence,
                                       what->kind == PENDING_GAP ? what->count : 1,
                                       steady_us());
        }
    }
    batch->waiting = 0;
    batch->used = 0;
    uplink->busy = false;
}

/* ---- packets ----------------------------------------------------------------------------- */

static struct peer *peer_by_title(struct wk_uplink *uplink, const uint8_t *title)
{
    for (size_t i = 0; i < uplink->peers; i++) {
        if (memcmp(uplink->peer[i].receiver.title, title, WK_LINK_TITLE) == 0) {
            return &uplink->peer[i];
        }
    }
    return NULL;
}

static bool has_session(const struct peer *peer, uint32_t id)
{
    return wk_link_receiver_session(&peer->receiver, id) != WK_LINK_SESSIONS;
}

static struct peer *peer_by_session(struct wk_uplink *uplink, uint32_t id)
{
    uint32_t *found = &uplink->found[(id ^ id >> 16) % FOUND_SLOTS];
    if (*found != 0 && has_session(&uplink->peer[*found - 1], id)) {
        return &uplink->peer[*found - 1];
    }
    for (size_t i = 0; i < uplink->peers; i++) {
        if (has_session(&uplink->peer[i], id)) {
            *found = (uint32_t)i + 1;
            return &uplink->peer[i];
        }
    }
    return NULL;
}

static void take_packet(struct wk_uplink *uplink, uint8_t *packet, size_t length,
                        const struct sockaddr_storage *from, socklen_t from_size)
{
    struct wk_link_head head;
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_read_head(&in, &head);
    if (in.fault != WK_OK || !head.sealed) {
        return;
    }
    const uint8_t *title = wk_link_seal_title(packet, length);
    struct peer *peer =
        title != NULL ? peer_by_title(uplink, title) : peer_by_session(uplink, head.session);
    if (peer == NULL) {
        uint8_t answer[16];
        const size_t size = wk_link_receiver_reset(packet, length, answer);
        if (size > 0) {
            (void)!sendto(uplink->socket, answer, size, MSG_DONTWAIT,
                          (const struct sockaddr *)from, from_size);
        }
        return;
    }
    uint8_t session;
    if (wk_link_receiver_take(&peer->receiver, packet, length, false, steady_us(), &session) ==
        WK_OK) {
        peer->from[session] = *from;
        peer->from_size[session] = from_size;
    }
}

static void take_packets(struct wk_uplink *uplink)
{
    for (int i = 0; i < PACKETS_AT_ONCE; i++) {
        uint8_t packet[WK_LINK_PACKET + WK_LINK_SEAL];
        struct sockaddr_storage from;
        socklen_t from_size = sizeof from;
        const ssize_t length = recvfrom(uplink->socket, packet, sizeof packet, MSG_DONTWAIT,
                                        (struct sockaddr *)&from, &from_size);
        if (length <= 0) {
            return;
        }
        take_packet(uplink, packet, (size_t)length, &from, from_size);
    }
}

/* ---- the thread -------------------------------------------------------------------------- */

static int step_all(struct wk_uplink *uplink)
{
    const int64_t now_us = steady_us();
    int64_t wait_us = (int64_t)IDLE_MS * US_PER_MS;
    for (size_t i = 0; i < uplink->peers; i++) {
        struct wk_link_receiver *receiver = &uplink->peer[i].receiver;
        wk_link_receiver_step(receiver, now_us);
        const int64_t due_us = wk_link_receiver_due_us(receiver);
        if (due_us != INT64_MAX && due_us - now_us < wait_us) {
            wait_us = due_us > now_us ? due_us - now_us : 0;
        }
    }
    return (int)((wait_us + US_PER_MS - 1) / US_PER_MS);
}

static void *listen_to_meters(void *self)
{
    struct wk_uplink *uplink = self;
    struct pollfd events[] = {{.fd = uplink->socket, .events = POLLIN},
                              {.fd = uplink->done, .events = POLLIN},
                              {.fd = uplink->stop, .events = POLLIN}};
    while ((events[2].revents & POLLIN) == 0) {
        const int wait_ms = step_all(uplink);
        if (poll(events, 3, wait_ms) < 0 && errno != EINTR) {
            break;
        }
        if ((events[1].revents & POLLIN) != 0) {
            take_back(uplink);
        }
        if ((events[0].revents & POLLIN) != 0) {
            take_packets(uplink);
        }
        hand_over(uplink);
    }
    return NULL;
}

/* ---- begin and end ----------------------------------------------------------------------- */

static int listen_at(const struct wk_registry *registry, char why[WK_INI_WHY])
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    char port[8];
    const int size = RECEIVE_BUFFER;
    snprintf(port, sizeof port, "%u", registry->link_port);
    if (getaddrinfo(registry->listen, port, &hints, &found) != 0) {
        snprintf(why, WK_INI_WHY, "%s is no address to listen on", registry->listen);
        return -1;
    }
    const int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
        snprintf(why, WK_INI_WHY, "cannot listen on udp %s port %u: %s", registry->listen,
                 registry->link_port, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        freeaddrinfo(found);
        return -1;
    }
    /* As much as the system allows will do. */
    (void)!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    freeaddrinfo(found);
    return fd;
}

static wk_err make_peers(struct wk_uplink *uplink)
{
    const struct wk_registry *registry = uplink->config.registry;
    uint64_t instance = 0;
    const struct wk_hal_crypto *crypto = &uplink->crypto.hal;
    WK_TRY(crypto->random(crypto->self, &instance, sizeof instance));
    for (size_t i = 0; i < registry->meters; i++) {
        const struct wk_registry_meter *meter = &registry->meter[i];
        if (meter->link_key_size == 0) {
            continue;
        }
        struct peer *peer = &uplink->peer[uplink->peers++];
        peer->uplink = uplink;
        peer->meter = meter;
        peer->key.size = meter->link_key_size;
        memcpy(peer->key.octets, meter->link_key, meter->link_key_size);
        const struct wk_link_receiver_config config = {.self = peer,
                                                       .instance = instance,
                                                       .crypto = crypto,
                                                       .key = &peer->key,
                                                       .resume = resume,
                                                       .record = take_record,
                                                       .gap = take_gap,
                                                       .describe = take_description,
                                                       .transmit = transmit,
                                                       .random = draw};
        wk_link_receiver_init(&peer->receiver, &config, meter->meter_title);
    }
    return WK_OK;
}

static void release(struct wk_uplink *uplink)
{
    for (size_t i = 0; uplink->peer != NULL && i < uplink->peers; i++) {
        for (int n = 0; n < WK_LINK_STREAMS; n++) {
            free(uplink->peer[i].links[n]);
        }
    }
    if (uplink->socket >= 0) {
        close(uplink->socket);
    }
    if (uplink->stop >= 0) {
        close(uplink->stop);
    }
    if (uplink->done >= 0) {
        close(uplink->done);
    }
    pthread_mutex_destroy(&uplink->lock);
    pthread_cond_destroy(&uplink->wake);
    wk_crypto_close(&uplink->crypto);
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
    fresh->socket = -1;
    fresh->stop = eventfd(0, EFD_CLOEXEC);
    fresh->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fresh->filling = &fresh->batches[0];
    fresh->writing = &fresh->batches[1];
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_cond_init(&fresh->wake, NULL);
    fresh->peer = calloc(config->registry->meters + 1, sizeof *fresh->peer);
    if (fresh->stop < 0 || fresh->done < 0 || fresh->peer == NULL ||
        wk_crypto_init(&fresh->crypto) != WK_OK || make_peers(fresh) != WK_OK) {
        release(fresh);
        return WK_E_FULL;
    }
    fresh->socket = listen_at(config->registry, why);
    if (fresh->socket < 0) {
        release(fresh);
        return WK_E_IO;
    }
    if (pthread_create(&fresh->writer, NULL, write_batches, fresh) != 0) {
        release(fresh);
        return WK_E_IO;
    }
    if (pthread_create(&fresh->listener, NULL, listen_to_meters, fresh) != 0) {
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
