/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/line.h"

#include <string.h>

#include "port/virtual/draw.h"

#define MILLION       UINT32_C(1000000)
#define BITS_PER_BYTE 8

/* In front of each packet in the ring. */
struct slip {
    int64_t start_us; /* the transmitter begins with it */
    int64_t arrival_us;
    uint32_t length;
    bool lost;
};

static void ring_put(struct wk_virtual_line *line, const void *from, size_t size)
{
    const uint8_t *octets = from;
    size_t at = (line->first + line->used) % line->size;
    const size_t head = size < line->size - at ? size : line->size - at;
    memcpy(line->memory + at, octets, head);
    memcpy(line->memory, octets + head, size - head);
    line->used += size;
}

static void ring_look(const struct wk_virtual_line *line, size_t offset, void *to, size_t size)
{
    uint8_t *octets = to;
    const size_t at = (line->first + offset) % line->size;
    const size_t head = size < line->size - at ? size : line->size - at;
    memcpy(octets, line->memory + at, head);
    memcpy(octets + head, line->memory, size - head);
}

wk_err wk_virtual_line_init(struct wk_virtual_line *line,
                            const struct wk_virtual_line_rules *rules, void *memory,
                            size_t size, uint64_t seed)
{
    if (memory == NULL || size < sizeof(struct slip) + WK_VIRTUAL_LINE_PACKET) {
        return WK_E_ARGUMENT;
    }
    *line =
        (struct wk_virtual_line){.rules = *rules, .memory = memory, .size = size, .seed = seed};
    line->free_us = INT64_MIN;
    line->arrived_us = INT64_MIN;
    return WK_OK;
}

void wk_virtual_line_set(struct wk_virtual_line *line,
                         const struct wk_virtual_line_rules *rules)
{
    line->rules = *rules;
}

uint32_t wk_virtual_line_waiting(const struct wk_virtual_line *line, int64_t now_us)
{
    struct slip slip;
    uint32_t waiting = 0;
    for (size_t at = 0; at < line->used; at += sizeof slip + slip.length) {
        ring_look(line, at, &slip, sizeof slip);
        waiting += slip.start_us > now_us ? slip.length + line->rules.overhead : 0;
    }
    return waiting;
}

static bool is_lost(struct wk_virtual_line *line)
{
    const struct wk_virtual_line_rules *rules = &line->rules;
    if (wk_virtual_draw(&line->seed, MILLION) <
        (line->bad ? rules->to_good_ppm : rules->to_bad_ppm)) {
        line->bad = !line->bad;
    }
    return wk_virtual_draw(&line->seed, MILLION) <
           (line->bad ? rules->loss_bad_ppm : rules->loss_good_ppm);
}

wk_err wk_virtual_line_send(struct wk_virtual_line *line, const void *packet, size_t length,
                            int64_t now_us)
{
    const struct wk_virtual_line_rules *rules = &line->rules;
    if (length == 0 || length > WK_VIRTUAL_LINE_PACKET) {
        return WK_E_ARGUMENT;
    }
    struct slip slip = {.length = (uint32_t)length};
    const uint32_t octets = (uint32_t)length + rules->overhead;
    line->counts.sent++;
    slip.lost = is_lost(line);
    if (rules->black_hole) {
        line->counts.lost++;
        return WK_OK;
    }
    const bool overflows = rules->queue_octets != 0 &&
                           wk_virtual_line_waiting(line, now_us) + octets > rules->queue_octets;
    if (overflows || sizeof slip + length > line->size - line->used) {
        line->counts.overflowed++;
        return WK_OK;
    }
    slip.start_us = now_us > line->free_us ? now_us : line->free_us;
    line->free_us = slip.start_us;
    if (rules->rate_bps != 0) {
        line->free_us +=
            ((int64_t)octets * BITS_PER_BYTE * MILLION + rules->rate_bps - 1) / rules->rate_bps;
    }
    slip.arrival_us = line->free_us + rules->delay_us;
    if (rules->jitter_us > 0) {
        slip.arrival_us += wk_virtual_draw(&line->seed, (uint32_t)rules->jitter_us + 1);
    }
    if (slip.arrival_us < line->arrived_us) {
        slip.arrival_us = line->arrived_us;
    }
    line->arrived_us = slip.arrival_us;
    ring_put(line, &slip, sizeof slip);
    ring_put(line, packet, length);
    return WK_OK;
}

int64_t wk_virtual_line_next_us(const struct wk_virtual_line *line)
{
    struct slip slip;
    if (line->used == 0) {
        return WK_VIRTUAL_LINE_NEVER;
    }
    ring_look(line, 0, &slip, sizeof slip);
    return slip.arrival_us;
}

wk_err wk_virtual_line_receive(struct wk_virtual_line *line, void *packet, size_t room,
                               size_t *length, int64_t now_us)
{
    bool found = false;
    while (!found && wk_virtual_line_next_us(line) <= now_us && line->used > 0) {
        struct slip slip;
        ring_look(line, 0, &slip, sizeof slip);
        found = !slip.lost && !line->rules.black_hole;
        if (found && slip.length > room) {
            return WK_E_FULL;
        }
        if (found) {
            ring_look(line, sizeof slip, packet, slip.length);
            *length = slip.length;
            line->counts.delivered++;
            line->counts.delivered_octets += slip.length;
        } else {
            line->counts.lost++;
        }
        line->first = (line->first + sizeof slip + slip.length) % line->size;
        line->used -= sizeof slip + slip.length;
    }
    return found ? WK_OK : WK_E_NOT_FOUND;
}
