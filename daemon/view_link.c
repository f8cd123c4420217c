/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view_link.h"

#include <stdio.h>

#include "port/linux/object_name.h"

#define CERTAIN       65535.0
#define US_PER_MS     1000.0
#define LOSSY_PERCENT 90.0
#define SLOW_US       1500000
#define ADVICE        256

/* What a technician should do about a path, in words; NULL: nothing. */
static const char *advice_of(const struct wk_meter_link *link, uint8_t at, int64_t now_us,
                             char text[ADVICE])
{
    const struct wk_link_path *path = &link->sender.paths[at];
    const char *why = wk_link_udp_why(link->paths[at].udp);
    const double delivery = path->delivery * 100 / CERTAIN;
    if (why[0] != '\0') {
        snprintf(
            text, ADVICE,
            "The network refuses (%.150s): look at cable, modem and routes, and at the name "
            "of the head-end",
            why);
    } else if (path->state == WK_LINK_DOWN && path->counts.hellos > 0) {
        snprintf(
            text, ADVICE,
            "The head-end does not answer: is it running, is UDP to it allowed, is the key "
            "the same, does it know this system title?");
    } else if (path->state == WK_LINK_SUSPECT) {
        snprintf(text, ADVICE, "Nothing has come back for %.1f s: it is asked again",
                 (double)(now_us - path->heard_us) / 1e6);
    } else if (path->state == WK_LINK_UP && delivery < LOSSY_PERCENT) {
        snprintf(
            text, ADVICE,
            "%.0f of 100 packets are lost or late: a better place for the antenna, another "
            "channel or another cell would help",
            100 - delivery);
    } else if (path->state == WK_LINK_UP && path->pace.empty_rtt_us > SLOW_US) {
        snprintf(text, ADVICE, "An answer takes %.1f s: alarms are late on this path",
                 (double)path->pace.empty_rtt_us / 1e6);
    } else if (!wk_link_path_has_budget(path)) {
        snprintf(text, ADVICE,
                 "The budget of the month is spent: only alarms and bills go here");
    } else {
        return NULL;
    }
    return text;
}

static json_t *path_of(const struct wk_meter_link *link, uint8_t at, int64_t now_us)
{
    static const char *const k_states[] = {"down", "up", "suspect"};
    const struct wk_link_path *path = &link->sender.paths[at];
    const struct wk_link_path_counts *counts = &path->counts;
    const struct wk_config_path *configured = &link->config->path[at];
    char to[WK_CONFIG_TEXT + 16];
    char text[ADVICE];
    snprintf(to, sizeof to, "%s:%u", configured->host, configured->port);
    return json_pack(
        "{s:s, s:s, s:s, s:b, s:i, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:o?, "
        "s:s?}",
        "name", configured->name, "to", to, "state", k_states[path->state], "in_use",
        link->sender.active == at, "score", (int)wk_link_path_score(path), "rate_bps",
        (json_int_t)path->pace.rate_bps, "rtt_ms", (double)path->pace.rtt_us / US_PER_MS,
        "queue_ms", (double)path->pace.queue_us / US_PER_MS, "delivery_percent",
        path->delivery * 100 / CERTAIN, "packets", (json_int_t)counts->packets, "octets",
        (json_int_t)counts->octets, "lost", (json_int_t)counts->lost, "suspected",
        (json_int_t)counts->suspected, "went_down", (json_int_t)counts->went_down,
        "month_octets", (json_int_t)path->spent, "heard_s",
        path->heard_us == 0 ? NULL : json_real((double)(now_us - path->heard_us) / 1e6),
        "advice", advice_of(link, at, now_us, text));
}

static json_t *stream_of(const struct wk_meter_link *link, uint8_t at)
{
    static const char *const k_classes[] = {"alarm", "command", "billing", "profile", "bulk"};
    const struct wk_link_stream *stream = &link->sender.streams[at];
    const struct wk_link_source *source = &link->sources[at];
    const char *name = wk_object_name(source->obis);
    char obis[WK_OBIS_TEXT];
    wk_obis_print(source->obis, obis);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "obis", obis, "name",
                     name != NULL ? name : obis, "class", k_classes[source->worth], "next",
                     (json_int_t)stream->next, "acknowledged", (json_int_t)stream->base,
                     "waiting", (json_int_t)wk_link_stream_behind(stream), "repeated",
                     (json_int_t)stream->repeated, "missing", (json_int_t)stream->missing);
}

/* One sentence for people. */
static void summarise(const struct wk_meter_link *link, char text[ADVICE])
{
    const struct wk_link_sender *sender = &link->sender;
    const uint64_t behind = wk_link_sender_behind(sender);
    if (!link->runs) {
        snprintf(text, ADVICE, "No path is configured: the meter only answers who asks");
    } else if (sender->active == WK_LINK_NO_PATH ||
               sender->paths[sender->active].state == WK_LINK_DOWN) {
        snprintf(text, ADVICE,
                 "No path is up; %llu records wait in the meter, none of them is lost",
                 (unsigned long long)behind);
    } else if (behind == 0) {
        snprintf(text, ADVICE, "The head-end has everything, by %s",
                 link->config->path[sender->active].name);
    } else {
        snprintf(text, ADVICE, "%llu records are on their way, by %s",
                 (unsigned long long)behind, link->config->path[sender->active].name);
    }
}

json_t *wk_view_link(const struct wk_meter_link *link)
{
    const int64_t now_us = (int64_t)(uv_hrtime() / 1000);
    char summary[ADVICE];
    summarise(link, summary);
    json_t *paths = json_array();
    json_t *streams = json_array();
    for (uint8_t i = 0; i < link->path_count; i++) {
        json_array_append_new(paths, path_of(link, i, now_us));
    }
    for (uint8_t i = 0; link->runs && i < link->stream_count; i++) {
        json_array_append_new(streams, stream_of(link, i));
    }
    return json_pack(
        "{s:s, s:b, s:I, s:I, s:o, s:o}", "summary", summary, "configured", link->runs,
        "waiting", (json_int_t)(link->runs ? wk_link_sender_behind(&link->sender) : 0),
        "switches", (json_int_t)link->sender.switches, "paths", paths, "streams", streams);
}
