/* SPDX-License-Identifier: Apache-2.0
 *
 * A meter and a head-end with lines between them, in virtual time: what tests of the link share.
 * Both ends are the real ones; the lines are port/virtual/line; the head-end's database is a list of
 * what was committed, which survives what the head-end forgets. */
#ifndef WK_LINK_WORLD_TEST_H
#define WK_LINK_WORLD_TEST_H

#include <stdlib.h>
#include <string.h>

#include "link/receiver.h"
#include "link/sender.h"
#include "port/virtual/line.h"

#define WORLD_PATHS   2
#define WORLD_SOURCES 4
#define WORLD_RECORDS 400000
#define WORLD_MEMORY  4000000
#define WORLD_QUEUE   4096 /* records that wait for their commit */
#define SECOND        INT64_C(1000000)
#define MS            INT64_C(1000)

enum { WORLD_ALARM, WORLD_BILLING, WORLD_PROFILE, WORLD_BULK };

struct world_source {
    struct world *world;
    uint8_t id;
    uint64_t made;
    uint64_t oldest;
    uint32_t size;    /* octets of a record */
    uint64_t corrupt; /* this one cannot be read; 0: none */
    int64_t *made_us;
    int64_t *committed_us; /* 0: not yet */
    int64_t *announced_us; /* likewise */
    uint64_t announced_twice;
    uint64_t committed;
    uint64_t doubled;
    uint64_t gaps;
};

struct world_commit {
    uint8_t stream;
    uint64_t sequence;
    uint64_t count;
    bool gap;
    int64_t due_us;
};

struct world {
    int64_t now_us;
    uint64_t seed;
    struct wk_link_sender sender;
    struct wk_link_receiver receiver;
    struct wk_link_config config;
    struct wk_link_receiver_config far;
    struct wk_link_source sources[WORLD_SOURCES];
    struct world_source source[WORLD_SOURCES];
    struct wk_link_path_rules rules[WORLD_PATHS];
    struct wk_virtual_line up[WORLD_PATHS];
    struct wk_virtual_line down[WORLD_PATHS];
    uint8_t via[WK_LINK_SESSIONS]; /* path of a session */
    struct world_commit queue[WORLD_QUEUE];
    uint32_t first;
    uint32_t waiting;
    int64_t commit_us; /* how long a commit takes */
    bool announces;    /* alarms, before they are there */
    bool far_is_dead;
    bool wrong;          /* some record was not what it must be */
    bool asked;          /* a question reached the meter; the test answers it */
    int64_t answered_us; /* its answer came; 0: not yet */
    uint8_t echoed;      /* the last echo that was back, at the meter */
    uint8_t far_echoed;  /* ... at the head-end */
    uint64_t refused;    /* packets */
};

static inline uint32_t world_draw(struct world *world, uint32_t below)
{
    world->seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = world->seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((((z ^ (z >> 31)) >> 32) * below) >> 32);
}

static inline uint8_t world_octet(uint8_t stream, uint64_t sequence, size_t at)
{
    return (uint8_t)(stream * 31 + sequence * 7 + at);
}

/* ---- the meter --------------------------------------------------------------------------- */

static inline wk_err world_span(void *self, uint64_t *oldest, uint64_t *next)
{
    const struct world_source *source = self;
    *oldest = source->oldest;
    *next = source->made;
    return WK_OK;
}

static inline wk_err world_read(void *self, uint64_t sequence, struct wk_bytes_out *out)
{
    const struct world_source *source = self;
    if (sequence < source->oldest || sequence >= source->made) {
        return WK_E_NOT_FOUND;
    }
    if (sequence == source->corrupt && sequence != 0) {
        return WK_E_CORRUPT;
    }
    for (size_t i = 0; i < source->size; i++) {
        wk_bytes_out_u8(out, world_octet(source->id, sequence, i));
    }
    return out->fault;
}

static inline wk_err world_describe(void *self, struct wk_bytes_out *out)
{
    const struct world_source *source = self;
    for (size_t i = 0; i < 300; i++) {
        wk_bytes_out_u8(out, world_octet(source->id, 99, i));
    }
    return out->fault;
}

static inline wk_err world_random(void *self, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)world_draw(self, 256);
    }
    return WK_OK;
}

static inline wk_err world_up(void *self, uint8_t path, const uint8_t *packet, size_t length,
                              bool is_urgent)
{
    struct world *world = self;
    (void)is_urgent;
    return wk_virtual_line_send(&world->up[path], packet, length, world->now_us);
}

static inline void world_announce(struct world *world, uint8_t stream, uint64_t sequence)
{
    const struct world_source *source = &world->source[stream];
    uint8_t octets[WK_LINK_ANNOUNCED];
    for (size_t i = 0; i < source->size && i < sizeof octets; i++) {
        octets[i] = world_octet(stream, sequence, i);
    }
    (void)!wk_link_sender_announce(&world->sender, stream, sequence,
                                   wk_bytes_in_of(octets, source->size), world->now_us);
}

static inline void world_make(struct world *world, uint8_t stream)
{
    struct world_source *source = &world->source[stream];
    if (source->made < WORLD_RECORDS) {
        if (world->announces && stream == WORLD_ALARM) {
            world_announce(world, stream, source->made);
        }
        source->made_us[source->made++] = world->now_us;
    }
}

/* ---- the head-end ------------------------------------------------------------------------ */

/* What the database has. */
static inline wk_err world_resume(void *self, const struct wk_link_receiver *of,
                                  const struct wk_link_frame *stream,
                                  struct wk_link_stand *stand)
{
    struct world *world = self;
    const struct world_source *source = &world->source[stream->stream];
    (void)of;
    *stand = (struct wk_link_stand){.check = 1};
    while (stand->next < source->made && source->committed_us[stand->next] != 0) {
        stand->next++;
    }
    for (uint64_t n = 0; n < 63 && stand->next + 1 + n < source->made; n++) {
        stand->bitmap |= (uint64_t)(source->committed_us[stand->next + 1 + n] != 0) << n;
    }
    return WK_OK;
}

static inline wk_err world_queue(struct world *world, uint8_t stream, uint64_t sequence,
                                 uint64_t count, bool gap)
{
    if (world->waiting == WORLD_QUEUE) {
        return WK_E_BUSY;
    }
    world->queue[(world->first + world->waiting++) % WORLD_QUEUE] =
        (struct world_commit){stream, sequence, count, gap, world->now_us + world->commit_us};
    return WK_OK;
}

static inline wk_err world_record(void *self, const struct wk_link_receiver *of, uint8_t stream,
                                  uint64_t sequence, struct wk_bytes_in octets)
{
    struct world *world = self;
    (void)of;
    world->wrong = world->wrong || octets.size != world->source[stream].size;
    for (size_t i = 0; i < octets.size && !world->wrong; i++) {
        world->wrong = octets.data[i] != world_octet(stream, sequence, i);
    }
    return world_queue(world, stream, sequence, 1, false);
}

static inline void world_announced(void *self, const struct wk_link_receiver *of,
                                   uint8_t stream, uint64_t sequence, struct wk_bytes_in octets)
{
    struct world *world = self;
    struct world_source *source = &world->source[stream];
    (void)of;
    world->wrong = world->wrong || octets.size != source->size || sequence >= WORLD_RECORDS;
    for (size_t i = 0; i < octets.size && !world->wrong; i++) {
        world->wrong = octets.data[i] != world_octet(stream, sequence, i);
    }
    if (!world->wrong) {
        source->announced_twice += source->announced_us[sequence] != 0 ? 1 : 0;
        source->announced_us[sequence] = world->now_us;
    }
}

static inline wk_err world_gap(void *self, const struct wk_link_receiver *of, uint8_t stream,
                               uint64_t first, uint64_t count, uint8_t reason)
{
    (void)of;
    (void)reason;
    return world_queue(self, stream, first, count, true);
}

static inline wk_err world_described(void *self, const struct wk_link_receiver *of,
                                     uint8_t stream, struct wk_bytes_in octets)
{
    struct world *world = self;
    (void)of;
    world->wrong =
        world->wrong || octets.size != 300 || octets.data[299] != world_octet(stream, 99, 299);
    return WK_OK;
}

static inline wk_err world_down(void *self, const struct wk_link_receiver *to, uint8_t session,
                                const uint8_t *packet, size_t length)
{
    struct world *world = self;
    (void)to;
    return wk_virtual_line_send(&world->down[world->via[session]], packet, length,
                                world->now_us);
}

static inline void world_commit(struct world *world)
{
    while (world->waiting > 0 && world->queue[world->first].due_us <= world->now_us) {
        const struct world_commit *commit = &world->queue[world->first];
        struct world_source *source = &world->source[commit->stream];
        for (uint64_t n = 0; n < commit->count; n++) {
            int64_t *at = &source->committed_us[commit->sequence + n];
            source->doubled += *at != 0 && !commit->gap ? 1 : 0;
            source->committed += *at == 0 && !commit->gap ? 1 : 0;
            source->gaps += *at == 0 && commit->gap ? 1 : 0;
            *at = *at == 0 ? world->now_us : *at;
        }
        wk_link_receiver_committed(&world->receiver, commit->stream, commit->sequence,
                                   commit->count, world->now_us);
        world->first = (world->first + 1) % WORLD_QUEUE;
        world->waiting--;
    }
}

/* A question of three octets, an answer as long as there may be, in conversation 5. */
static inline void world_asked(void *self, uint8_t conversation, struct wk_bytes_in datagram)
{
    struct world *world = self;
    world->asked = true;
    world->wrong = world->wrong || conversation != 5 || datagram.size != 3 ||
                   memcmp(datagram.data, "ask", 3) != 0;
}

static inline void world_answered(void *self, const struct wk_link_receiver *from,
                                  uint8_t conversation, struct wk_bytes_in datagram)
{
    struct world *world = self;
    (void)from;
    world->answered_us = world->now_us;
    world->wrong = world->wrong || conversation != 5 || datagram.size != WK_LINK_TALK ||
                   datagram.data[WK_LINK_TALK - 1] != 'z';
}

static inline void world_echoed(void *self, uint8_t path, uint8_t number)
{
    struct world *world = self;
    (void)path;
    world->echoed = number;
    world->answered_us = world->now_us;
}

static inline void world_far_echoed(void *self, const struct wk_link_receiver *from,
                                    uint8_t session, uint8_t number)
{
    struct world *world = self;
    (void)from;
    (void)session;
    world->far_echoed = number;
    world->answered_us = world->now_us;
}

/* ---- the world --------------------------------------------------------------------------- */

static const uint8_t world_title[WK_LINK_TITLE] = "WKM00001";

static inline void world_restart_far(struct world *world)
{
    world->far.instance++;
    world->waiting = 0;
    wk_link_receiver_init(&world->receiver, &world->far, world_title);
}

static inline wk_err world_restart_meter(struct world *world)
{
    const wk_err err = wk_link_sender_init(&world->sender, &world->config, world->now_us);
    for (uint8_t i = 0; err == WK_OK && i < world->config.path_count; i++) {
        wk_link_sender_carry(&world->sender, i, true, world->now_us);
    }
    return err;
}

static inline struct world *world_new(uint64_t seed, uint8_t paths,
                                      const struct wk_virtual_line_rules *line,
                                      const struct wk_hal_crypto *crypto,
                                      const struct wk_hal_key *key)
{
    static const uint8_t worth[WORLD_SOURCES] = {WK_LINK_ALARM, WK_LINK_BILLING,
                                                 WK_LINK_PROFILE, WK_LINK_BULK};
    static const uint32_t size[WORLD_SOURCES] = {40, 120, 64, 1024};
    struct world *world = calloc(1, sizeof *world);
    world->seed = seed;
    world->now_us = 1000 * SECOND;
    world->commit_us = 5 * MS;
    for (uint8_t i = 0; i < WORLD_SOURCES; i++) {
        struct world_source *source = &world->source[i];
        source->world = world;
        source->id = i;
        source->size = size[i];
        source->made_us = calloc(WORLD_RECORDS, sizeof *source->made_us);
        source->committed_us = calloc(WORLD_RECORDS, sizeof *source->committed_us);
        source->announced_us = calloc(WORLD_RECORDS, sizeof *source->announced_us);
        world->sources[i] = (struct wk_link_source){.self = source,
                                                    .span = world_span,
                                                    .read = world_read,
                                                    .describe = world_describe,
                                                    .id = i,
                                                    .worth = worth[i]};
    }
    for (uint8_t i = 0; i < paths; i++) {
        world->rules[i] =
            (struct wk_link_path_rules){.overhead = 28, .most = 1400, .probe_us = 5 * SECOND};
        if (wk_virtual_line_init(&world->up[i], &line[i], malloc(WORLD_MEMORY), WORLD_MEMORY,
                                 seed + i) != WK_OK ||
            wk_virtual_line_init(&world->down[i], &line[i], malloc(WORLD_MEMORY), WORLD_MEMORY,
                                 seed + 10 + i) != WK_OK) {
            abort();
        }
    }
    world->config = (struct wk_link_config){.sources = world->sources,
                                            .source_count = WORLD_SOURCES,
                                            .paths = world->rules,
                                            .path_count = paths,
                                            .epoch = 7,
                                            .crypto = crypto,
                                            .key = key,
                                            .seal = {crypto != NULL, crypto != NULL},
                                            .self = world,
                                            .transmit = world_up,
                                            .random = world_random,
                                            .talk = world_asked,
                                            .echoed = world_echoed};
    memcpy(world->config.title, world_title, sizeof world_title);
    world->far = (struct wk_link_receiver_config){.self = world,
                                                  .instance = 1,
                                                  .crypto = crypto,
                                                  .key = key,
                                                  .resume = world_resume,
                                                  .record = world_record,
                                                  .gap = world_gap,
                                                  .announced = world_announced,
                                                  .describe = world_described,
                                                  .transmit = world_down,
                                                  .random = world_random,
                                                  .talk = world_answered,
                                                  .echoed = world_far_echoed};
    world_restart_far(world);
    if (world_restart_meter(world) != WK_OK) {
        abort();
    }
    return world;
}

static inline void world_free(struct world *world)
{
    for (uint8_t i = 0; i < WORLD_SOURCES; i++) {
        free(world->source[i].made_us);
        free(world->source[i].committed_us);
        free(world->source[i].announced_us);
    }
    for (uint8_t i = 0; i < world->config.path_count; i++) {
        free(world->up[i].memory);
        free(world->down[i].memory);
    }
    free(world);
}

static inline void world_deliver(struct world *world, uint8_t path)
{
    uint8_t packet[WK_VIRTUAL_LINE_PACKET];
    size_t length;
    while (wk_virtual_line_receive(&world->up[path], packet, sizeof packet, &length,
                                   world->now_us) == WK_OK) {
        uint8_t session;
        uint8_t answer[16];
        if (world->far_is_dead) {
            continue;
        }
        const size_t reset = wk_link_receiver_reset(packet, length, answer);
        const wk_err err =
            wk_link_receiver_take(&world->receiver, packet, length,
                                  world->config.crypto == NULL, world->now_us, &session);
        if (err == WK_OK) {
            world->via[session] = path;
        } else if (err == WK_E_NOT_FOUND && reset > 0) {
            (void)!wk_virtual_line_send(&world->down[path], answer, reset, world->now_us);
        }
        world->refused += err != WK_OK ? 1 : 0;
    }
    while (wk_virtual_line_receive(&world->down[path], packet, sizeof packet, &length,
                                   world->now_us) == WK_OK) {
        world->refused += wk_link_sender_receive(&world->sender, path, packet, length,
                                                 world->now_us) != WK_OK;
    }
}

static inline int64_t world_sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Lets things happen until `until_us`. */
static inline void world_run(struct world *world, int64_t until_us)
{
    while (world->now_us < until_us) {
        for (uint8_t i = 0; i < world->config.path_count; i++) {
            world_deliver(world, i);
        }
        world_commit(world);
        if (!world->far_is_dead) {
            wk_link_receiver_step(&world->receiver, world->now_us);
        }
        wk_link_sender_step(&world->sender, world->now_us);
        int64_t next = world_sooner(until_us, wk_link_sender_due_us(&world->sender));
        if (!world->far_is_dead) {
            next = world_sooner(next, wk_link_receiver_due_us(&world->receiver));
        }
        for (uint8_t i = 0; i < world->config.path_count; i++) {
            next = world_sooner(next, wk_virtual_line_next_us(&world->up[i]));
            next = world_sooner(next, wk_virtual_line_next_us(&world->down[i]));
        }
        if (world->waiting > 0) {
            next = world_sooner(next, world->queue[world->first].due_us);
        }
        world->now_us = next > world->now_us ? next : world->now_us + 100;
    }
}

#endif
