/* SPDX-License-Identifier: Apache-2.0 */
#include "management/line.h"

#include <string.h>

wk_err wk_line_init(struct wk_line *line, const struct wk_line_config *config)
{
    const size_t least = WK_HDLC_OVERHEAD + (size_t)config->limits.info_receive;
    if (config->stations == NULL || config->station_count == 0 || config->frame_in == NULL ||
        config->frame_in_room < least || config->send == NULL) {
        return WK_E_ARGUMENT;
    }
    line->config = *config;
    line->octet_at_us = 0;
    line->requests = 0;
    line->turned_away = 0;
    if (line->config.octet_us == 0) {
        line->config.octet_us = WK_LINE_OCTET_US;
    }
    wk_hdlc_split_init(&line->split, config->frame_in, config->frame_in_room);
    for (size_t i = 0; i < config->station_count; i++) {
        struct wk_line_station *station = &config->stations[i];
        const struct wk_hdlc_link_config link = {.local = config->address,
                                                 .limits = config->limits,
                                                 .in = station->in,
                                                 .in_room = sizeof station->in,
                                                 .out = station->out,
                                                 .out_room = sizeof station->out,
                                                 .inactive_us = config->inactive_us};
        WK_TRY(wk_hdlc_link_init(&station->link, &link));
        WK_TRY(wk_session_init(&station->session, &config->session));
    }
    return WK_OK;
}

/* ---- stations ---------------------------------------------------------------------------- */

static bool is_free(const struct wk_line_station *station)
{
    return station->link.state == WK_HDLC_DISCONNECTED;
}

/* Stands for all stations, or for whoever answers a call: it is answered as ourselves. */
static bool is_own(const struct wk_line *line, const struct wk_hdlc_address *destination)
{
    const struct wk_hdlc_address *own = &line->config.address;
    return destination->upper == own->upper &&
           (destination->octets == 1 || destination->lower == own->lower);
}

static bool is_broadcast(const struct wk_hdlc_address *destination)
{
    const bool wide = destination->octets == 4;
    const uint16_t all = wide ? WK_HDLC_ALL_STATION_2 : WK_HDLC_ALL_STATION_1;
    return destination->upper == all || (destination->octets > 1 && destination->lower == all);
}

static struct wk_line_station *find_station(struct wk_line *line,
                                            const struct wk_hdlc_frame *frame)
{
    struct wk_line_station *spare = NULL;
    for (size_t i = 0; i < line->config.station_count; i++) {
        struct wk_line_station *station = &line->config.stations[i];
        if (!is_free(station) &&
            wk_hdlc_address_equal(&station->link.config.remote, &frame->source)) {
            return station;
        }
        if (is_free(station) && spare == NULL) {
            spare = station;
        }
    }
    if (spare != NULL) {
        struct wk_hdlc_address local = line->config.address;
        local.octets = frame->destination.octets;
        spare->link.config.local =
            is_own(line, &frame->destination) ? frame->destination : local;
        spare->link.config.remote = frame->source;
    }
    return spare;
}

/* ---- what is sent ------------------------------------------------------------------------ */

static void turn_away(struct wk_line *line, const struct wk_hdlc_frame *frame)
{
    const struct wk_hdlc_frame answer = {.destination = frame->source,
                                         .source = frame->destination,
                                         .type = WK_HDLC_DM,
                                         .poll = true};
    struct wk_bytes_out out = wk_bytes_out_of(line->frame_out, sizeof line->frame_out);
    line->turned_away++;
    wk_hdlc_put(&out, &answer);
    if (out.fault == WK_OK) {
        line->config.send(line->config.self, out.data, out.size);
    }
}

/* The rest of a window of general blocks goes when the part before has arrived. */
static void go_on(struct wk_line_station *station, int64_t now_us)
{
    struct wk_hdlc_link *link = &station->link;
    if (link->state != WK_HDLC_CONNECTED || link->out_acked < link->out_size ||
        !wk_session_continues(&station->session)) {
        return;
    }
    struct wk_bytes_out out = wk_hdlc_link_begin(link);
    if (wk_session_continue(&station->session, &out) == WK_OK) {
        (void)(wk_hdlc_link_send(link, now_us, &out) ==
               WK_OK); /* it is idle: nothing can fail */
    }
}

static void send_frames(struct wk_line *line, struct wk_line_station *station, int64_t now_us)
{
    struct wk_bytes_out out = wk_bytes_out_of(line->frame_out, sizeof line->frame_out);
    go_on(station, now_us);
    while (wk_hdlc_link_output(&station->link, now_us, &out)) {
        if (out.fault == WK_OK) {
            line->config.send(line->config.self, out.data, out.size);
        }
        out = wk_bytes_out_of(line->frame_out, sizeof line->frame_out);
    }
}

/* ---- what comes -------------------------------------------------------------------------- */

static void serve(struct wk_line *line, struct wk_line_station *station,
                  struct wk_line_time now, bool confirmed)
{
    const struct wk_session_link link = {
        .client_sap = station->link.config.remote.upper,
        .server_sap = line->config.address.upper,
    };
    struct wk_bytes_out reply = wk_hdlc_link_begin(&station->link);
    const wk_err err = wk_session_receive(&station->session, now.utc_us, link,
                                          wk_hdlc_link_apdu(&station->link), &reply);
    line->requests++;
    if (line->config.served != NULL) {
        line->config.served(line->config.self);
    }
    if (err != WK_OK) {
        reply.size = 0;
    }
    if (confirmed) {
        (void)(wk_hdlc_link_send(&station->link, now.steady_us, &reply) == WK_OK);
    }
}

static void take_frame(struct wk_line *line, struct wk_line_time now,
                       const struct wk_hdlc_frame *frame)
{
    if (!wk_hdlc_is_for(&line->config.address, &frame->destination)) {
        return;
    }
    const bool broadcast = is_broadcast(&frame->destination);
    if (broadcast && frame->type != WK_HDLC_UI) {
        return; /* who would answer? */
    }
    struct wk_line_station *station = find_station(line, frame);
    if (station == NULL) {
        if (frame->poll && !broadcast) {
            turn_away(line, frame);
        }
        return;
    }
    switch (wk_hdlc_link_receive(&station->link, now.steady_us, frame)) {
    case WK_HDLC_OPENED:
    case WK_HDLC_CLOSED:
    case WK_HDLC_FAILED:
        wk_session_close(&station->session);
        break;
    case WK_HDLC_APDU:
        serve(line, station, now, true);
        break;
    case WK_HDLC_NOTE:
        serve(line, station, now, false);
        break;
    case WK_HDLC_NOTHING:
    default:
        break;
    }
    if (!broadcast) {
        send_frames(line, station, now.steady_us);
    }
}

static void take_frames(struct wk_line *line, struct wk_line_time now)
{
    struct wk_hdlc_frame frame;
    while (wk_hdlc_split_next(&line->split, &frame) == WK_OK) {
        take_frame(line, now, &frame);
    }
}

void wk_line_receive(struct wk_line *line, struct wk_line_time now, const uint8_t *octets,
                     size_t size)
{
    while (size > 0) {
        size_t room;
        uint8_t *space = wk_hdlc_split_space(&line->split, &room);
        const size_t taken = size < room ? size : room;
        memcpy(space, octets, taken);
        if (taken == 0 || wk_hdlc_split_received(&line->split, taken) != WK_OK) {
            return; /* the splitter always leaves room */
        }
        octets += taken;
        size -= taken;
        line->octet_at_us = now.steady_us;
        take_frames(line, now);
    }
}

void wk_line_tick(struct wk_line *line, struct wk_line_time now)
{
    while (wk_hdlc_split_waits(&line->split) &&
           now.steady_us - line->octet_at_us >= line->config.octet_us) {
        wk_hdlc_split_pause(&line->split);
        take_frames(line, now);
    }
    for (size_t i = 0; i < line->config.station_count; i++) {
        struct wk_line_station *station = &line->config.stations[i];
        if (wk_hdlc_link_tick(&station->link, now.steady_us) == WK_HDLC_CLOSED) {
            wk_session_close(&station->session);
        }
    }
}

void wk_line_close(struct wk_line *line)
{
    for (size_t i = 0; i < line->config.station_count; i++) {
        wk_hdlc_link_disconnect(&line->config.stations[i].link, 0);
        wk_session_close(&line->config.stations[i].session);
    }
}

size_t wk_line_connections(const struct wk_line *line)
{
    size_t count = 0;
    for (size_t i = 0; i < line->config.station_count; i++) {
        count += is_free(&line->config.stations[i]) ? 0 : 1;
    }
    return count;
}

bool wk_line_is_associated(const struct wk_line *line)
{
    for (size_t i = 0; i < line->config.station_count; i++) {
        if (wk_session_role(&line->config.stations[i].session) != WK_ROLE_COUNT) {
            return true;
        }
    }
    return false;
}
