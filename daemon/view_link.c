/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view_link.h"

#include <stdio.h>
#include <string.h>

#include "daemon/view_line_modem.h"
#include "daemon/view_modem.h"
#include "daemon/view_wifi.h"
#include "port/linux/object_name.h"
#include "port/linux/tls_own.h"

#define CERTAIN       65535.0
#define US_PER_MS     1000.0
#define LOSSY_PERCENT 90.0
#define SLOW_US       1500000

static int64_t steady_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

const char *wk_view_link_advice(const struct wk_meter_link *link, uint8_t at,
                                char text[WK_VIEW_LINK_WORDS])
{
    const int64_t now_us = steady_us();
    const struct wk_link_path *path = &link->sender.paths[at];
    const char *why = link->paths[at].carrier.why(link->paths[at].carrier.self);
    const double delivery = path->delivery * 100 / CERTAIN;
    const struct wk_meter_modem *modem = link->paths[at].modem;
    if (modem != NULL && wk_view_modem_advice(modem, text, WK_VIEW_LINK_WORDS)) {
        return text; /* what is wrong with the path most likely comes from there */
    }
    const struct wk_line_modem *line_modem = wk_meter_link_line_modem(&link->paths[at]);
    if (line_modem != NULL && wk_view_line_modem_advice(line_modem, text, WK_VIEW_LINK_WORDS)) {
        return text;
    }
    const struct wk_wifi_status *wifi = wk_meter_link_wifi(&link->paths[at]);
    if (wifi != NULL && wk_view_wifi_advice(wifi, text, WK_VIEW_LINK_WORDS)) {
        return text;
    }
    if (why[0] != '\0' && link->config->path[at].to.kind->is_device) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "The line cannot be used (%.150s): look at its device and cable; it is looked "
                 "for again",
                 why);
    } else if (strstr(why, WK_TLS_OWN_AWAITED) != NULL) {
        snprintf(text, WK_VIEW_LINK_WORDS, "%.150s", why);
    } else if (why[0] != '\0') {
        snprintf(
            text, WK_VIEW_LINK_WORDS,
            "The network refuses (%.150s): look at cable, modem and routes, and at the name "
            "of the head-end",
            why);
    } else if (path->state == WK_LINK_DOWN && path->counts.hellos > 0) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "The head-end does not answer: is it running, does the network let %s to it "
                 "through, is the key the same, does it know this system title?",
                 link->config->path[at].to.kind->scheme);
    } else if (path->state == WK_LINK_SUSPECT) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "Nothing has come back for %.1f s: it is asked again",
                 (double)(now_us - path->heard_us) / 1e6);
    } else if (path->state == WK_LINK_UP && delivery < LOSSY_PERCENT) {
        snprintf(
            text, WK_VIEW_LINK_WORDS,
            "%.0f of 100 packets are lost or late: a better place for the antenna, another "
            "channel or another cell would help",
            100 - delivery);
    } else if (path->state == WK_LINK_UP && path->pace.empty_rtt_us > SLOW_US) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "An answer takes %.1f s: alarms are late on this path",
                 (double)path->pace.empty_rtt_us / 1e6);
    } else if (path->is_scarce) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "The time on air of this hour is nearly used: what is left is for alarms and "
                 "commands");
    } else if (!wk_link_path_has_budget(path)) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "The budget of the month is spent: only alarms and bills go here");
    } else {
        return NULL;
    }
    return text;
}

static json_t *path_of(const struct wk_meter_link *link, uint8_t at, int64_t now_us)
{
    static const char *const k_states[] = {"down", "up", "suspect", "asleep"};
    const struct wk_link_path *path = &link->sender.paths[at];
    const struct wk_link_path_counts *counts = &path->counts;
    const struct wk_config_path *configured = &link->config->path[at];
    const struct wk_link_carrier *carrier = &link->paths[at].carrier;
    const char *how = carrier->how != NULL ? carrier->how(carrier->self) : "";
    const struct wk_line_modem *line_modem = wk_meter_link_line_modem(&link->paths[at]);
    const struct wk_wifi_status *wifi = wk_meter_link_wifi(&link->paths[at]);
    char text[WK_VIEW_LINK_WORDS];
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:i, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:o?, "
        "s:s?, s:o?, s:o, s:o}",
        "name", configured->name, "to", configured->to_text, "carrier", how, "state",
        k_states[path->state], "in_use", link->sender.active == at, "score",
        (int)wk_link_path_score(path), "rate_bps", (json_int_t)path->pace.rate_bps, "rtt_ms",
        (double)path->pace.rtt_us / US_PER_MS, "queue_ms",
        (double)path->pace.queue_us / US_PER_MS, "delivery_percent",
        path->delivery * 100 / CERTAIN, "packets", (json_int_t)counts->packets, "octets",
        (json_int_t)counts->octets, "lost", (json_int_t)counts->lost, "suspected",
        (json_int_t)counts->suspected, "went_down", (json_int_t)counts->went_down,
        "month_octets", (json_int_t)path->spent, "heard_s",
        path->heard_us == 0 ? NULL : json_real((double)(now_us - path->heard_us) / 1e6),
        "advice", wk_view_link_advice(link, at, text), "modem",
        link->paths[at].modem != NULL ? wk_view_modem(link->paths[at].modem) : json_null(),
        "line_modem", line_modem != NULL ? wk_view_line_modem(line_modem, now_us) : json_null(),
        "wifi", wifi != NULL ? wk_view_wifi(wifi) : json_null());
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

void wk_view_link_summary(const struct wk_meter_link *link, char text[WK_VIEW_LINK_WORDS])
{
    const struct wk_link_sender *sender = &link->sender;
    const uint64_t behind = wk_link_sender_behind(sender);
    if (!link->runs) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "No path is configured: the meter only answers who asks");
    } else if (sender->active == WK_LINK_NO_PATH ||
               sender->paths[sender->active].state == WK_LINK_DOWN) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "No path is up; %llu records wait in the meter, none of them is lost",
                 (unsigned long long)behind);
    } else if (behind > 0 && sender->paths[sender->active].state == WK_LINK_RESTING) {
        snprintf(text, WK_VIEW_LINK_WORDS,
                 "%llu records wait until the modem of %s wakes as agreed",
                 (unsigned long long)behind, link->config->path[sender->active].name);
    } else if (behind == 0) {
        snprintf(text, WK_VIEW_LINK_WORDS, "The head-end has everything, by %s",
                 link->config->path[sender->active].name);
    } else {
        snprintf(text, WK_VIEW_LINK_WORDS, "%llu records are on their way, by %s",
                 (unsigned long long)behind, link->config->path[sender->active].name);
    }
}

json_t *wk_view_link(const struct wk_meter_link *link)
{
    const int64_t now_us = steady_us();
    char summary[WK_VIEW_LINK_WORDS];
    wk_view_link_summary(link, summary);
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

/* ---- looking for a fault ----------------------------------------------------------------- */

static const char *path_name(const void *self, uint8_t path)
{
    const struct wk_meter_link *link = self;
    return link->config->path[path].name;
}

json_t *wk_view_link_packets(const struct wk_meter_link *link, size_t most)
{
    return wk_link_monitor_view(&link->monitor, most, path_name, link);
}

static json_t *times_of(const struct wk_link_check *check, bool longs)
{
    const struct wk_link_check_times times = wk_link_check_times(check, longs);
    return json_pack(
        "{s:i, s:f, s:f, s:f}", "octets", longs ? WK_LINK_CHECK_LONG : WK_LINK_CHECK_SHORT,
        "least_ms", (double)times.least_us / US_PER_MS, "mean_ms",
        (double)times.mean_us / US_PER_MS, "most_ms", (double)times.most_us / US_PER_MS);
}

json_t *wk_view_link_check(const struct wk_meter_link *link)
{
    const struct wk_link_check *check = &link->check;
    char words[WK_LINK_CHECK_WORDS];
    wk_link_check_words(check, words);
    return json_pack("{s:s, s:s, s:b, s:i, s:i, s:o, s:o, s:s}", "path",
                     path_name(link, check->path), "to",
                     link->config->path[check->path].to.kind->scheme, "runs", (int)check->runs,
                     "sent", check->sent, "back", check->back, "short", times_of(check, false),
                     "long", times_of(check, true), "verdict", words);
}
