/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/link_monitor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "link/packet.h"

#define US_PER_S INT64_C(1000000)

/* Text that grows until it is full. */
struct line {
    char *text;
    size_t room;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format,
                                                      ...)
{
    va_list more;
    va_start(more, format);
    const int size = vsnprintf(line->text + line->size, line->room - line->size, format, more);
    va_end(more);
    const size_t left = line->room - line->size - 1;
    line->size += size < 0 ? 0 : (size_t)size < left ? (size_t)size : left;
}

static void put_frame(struct line *line, const struct wk_link_frame *frame)
{
    switch (frame->kind) {
    case WK_LINK_FRAME_RECORD:
        put(line, "RECORD %u#%" PRIu64 " (%zu)", frame->stream, frame->sequence,
            frame->octets.size);
        break;
    case WK_LINK_FRAME_ANNOUNCE:
        put(line, "ANNOUNCE %u#%" PRIu64 " (%zu)", frame->stream, frame->sequence,
            frame->octets.size);
        break;
    case WK_LINK_FRAME_PIECE:
        put(line, "PIECE %u#%" PRIu64 " %" PRIu32 "+%zu/%" PRIu32, frame->stream,
            frame->sequence, frame->at, frame->octets.size, frame->total);
        break;
    case WK_LINK_FRAME_GAP:
        put(line, "GAP %u#%" PRIu64 " x%" PRIu64, frame->stream, frame->sequence, frame->count);
        break;
    case WK_LINK_FRAME_ACK:
        put(line, "ACK %u<%" PRIu64 "%s", frame->stream, frame->next,
            frame->bitmap != 0 ? "+" : "");
        break;
    case WK_LINK_FRAME_STREAM:
        put(line, "STREAM %u %" PRIu64 "..%" PRIu64, frame->stream, frame->sequence,
            frame->next);
        break;
    case WK_LINK_FRAME_HELLO:
        put(line, "HELLO");
        break;
    case WK_LINK_FRAME_WELCOME:
        put(line, "WELCOME");
        break;
    case WK_LINK_FRAME_REPORT:
        put(line, "REPORT %" PRIu32 " %08" PRIx32, frame->highest, frame->seen);
        break;
    case WK_LINK_FRAME_PROBE:
        put(line, "PROBE");
        break;
    case WK_LINK_FRAME_RESET:
        put(line, "RESET");
        break;
    case WK_LINK_FRAME_DESCRIPTION:
        put(line, "DESCRIPTION %u", frame->stream);
        break;
    case WK_LINK_FRAME_WANT:
        put(line, "WANT %u", frame->stream);
        break;
    case WK_LINK_FRAME_TALK:
        put(line, "TALK %u (%zu)", frame->stream, frame->octets.size);
        break;
    case WK_LINK_FRAME_ECHO:
        put(line, frame->stream == 0 ? "ECHO (%zu)" : "ECHO back (%zu)", frame->octets.size);
        break;
    }
}

static int64_t utc_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

void wk_link_monitor_take(struct wk_link_monitor *monitor, uint8_t path, bool to_headend,
                          const uint8_t *packet, size_t length)
{
    struct wk_link_monitor_packet *kept =
        &monitor->packets[monitor->count++ % WK_LINK_MONITOR_PACKETS];
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    struct line line = {.text = kept->text, .room = sizeof kept->text};
    struct wk_link_head head;
    wk_link_read_head(&in, &head);
    *kept = (struct wk_link_monitor_packet){.at_us = utc_us(),
                                            .path = path,
                                            .to_headend = to_headend,
                                            .octets = (uint16_t)length,
                                            .number = head.number};
    while (in.fault == WK_OK && wk_bytes_in_left(&in) > 0) {
        struct wk_link_frame frame;
        wk_link_read(&in, &frame);
        put(&line, "%s", line.size > 0 ? ", " : "");
        if (in.fault == WK_OK) {
            put_frame(&line, &frame);
        } else {
            put(&line, "not readable: %s", wk_err_text(in.fault));
        }
    }
}

json_t *wk_link_monitor_view(const struct wk_link_monitor *monitor, size_t most,
                             const char *(*name)(const void *self, uint8_t path),
                             const void *self)
{
    json_t *list = json_array();
    const uint64_t held =
        monitor->count < WK_LINK_MONITOR_PACKETS ? monitor->count : WK_LINK_MONITOR_PACKETS;
    const uint64_t shown = held < most ? held : most;
    for (uint64_t n = monitor->count - shown; n < monitor->count; n++) {
        const struct wk_link_monitor_packet *kept =
            &monitor->packets[n % WK_LINK_MONITOR_PACKETS];
        json_array_append_new(
            list, json_pack("{s:I, s:s, s:b, s:i, s:I, s:s}", "at_us", (json_int_t)kept->at_us,
                            "path", name(self, kept->path), "to_headend", (int)kept->to_headend,
                            "octets", kept->octets, "number", (json_int_t)kept->number,
                            "frames", kept->text));
    }
    return json_pack("{s:I, s:o}", "count", (json_int_t)monitor->count, "packets", list);
}
