/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds both ends of a link with packets made of the input, in the middle of their work: heads fit
 * the session, so frames are looked at. */
#include "link/world_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Commits what was taken at once: what it is does not matter, forged records are expected. */
static wk_err commit_record(void *self, const struct wk_link_receiver *of, uint8_t stream,
                            uint64_t sequence, struct wk_bytes_in octets)
{
    struct world *world = self;
    (void)of;
    (void)octets;
    wk_link_receiver_committed(&world->receiver, stream, sequence, 1, world->now_us);
    return WK_OK;
}

static wk_err commit_gap(void *self, const struct wk_link_receiver *of, uint8_t stream,
                         uint64_t first, uint64_t count, uint8_t reason)
{
    struct world *world = self;
    (void)of;
    (void)reason;
    wk_link_receiver_committed(&world->receiver, stream, first, count, world->now_us);
    return WK_OK;
}

static wk_err take_description(void *self, const struct wk_link_receiver *of, uint8_t stream,
                               struct wk_bytes_in octets)
{
    (void)self;
    (void)of;
    (void)stream;
    (void)octets;
    return WK_OK;
}

static wk_err start_anew(void *self, const struct wk_link_receiver *of,
                         const struct wk_link_frame *stream, struct wk_link_stand *stand)
{
    (void)self;
    (void)of;
    *stand = (struct wk_link_stand){.check = stream->check};
    return WK_OK;
}

static void inject(struct world *world, const uint8_t *frames, size_t size, bool up)
{
    uint8_t packet[WK_LINK_PACKET];
    uint8_t session;
    const struct wk_link_path *path = &world->sender.paths[0];
    const struct wk_link_head head = {.session = path->session, .number = path->next};
    struct wk_bytes_out out = wk_bytes_out_of(packet, sizeof packet);
    wk_link_write_head(&out, &head);
    wk_bytes_out_put(&out, frames, size);
    if (out.fault != WK_OK) {
        return;
    }
    if (up) {
        (void)!wk_link_receiver_take(&world->receiver, packet, out.size, true, world->now_us,
                                     &session);
    } else {
        (void)!wk_link_sender_receive(&world->sender, 0, packet, out.size, world->now_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *world;
    const struct wk_virtual_line_rules line = {
        .rate_bps = 1000000, .delay_us = 1000, .overhead = 28};
    if (world == NULL) {
        world = world_new(1, 1, &line, NULL, NULL);
        world->far.record = commit_record;
        world->far.gap = commit_gap;
        world->far.describe = take_description;
        world->far.resume = start_anew;
    }
    if (size < 2) {
        return 0;
    }
    for (int i = 0; i < WORLD_SOURCES; i++) {
        world->source[i].made = 4;
    }
    world->up[0].used = 0;
    world->down[0].used = 0;
    world_restart_far(world);
    if (world_restart_meter(world) != WK_OK) {
        abort();
    }
    world_run(world, world->now_us + data[0] * 100);
    while (size > 2) {
        const size_t most = (size_t)data[1] + 1;
        const size_t part = most < size - 2 ? most : size - 2;
        inject(world, data + 2, part, (data[0] & 1) != 0);
        world_run(world, world->now_us + 500);
        data += part + 1;
        size -= part + 1;
    }
    world_run(world, world->now_us + 20000);
    return 0;
}
