/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/link.h"

#include <string.h>
#include <time.h>

#include "cosem/axdr.h"
#include "daemon/link_announce.h"
#include "daemon/link_modem.h"
#include "management/module_pack.h"
#include "port/linux/link_coap.h"
#include "port/linux/link_mqtt.h"
#include "port/linux/link_serial.h"
#include "port/linux/link_tls.h"
#include "port/linux/link_udp.h"

#define CLASS_PROFILE   7
#define BUFFER          2
#define CAPTURE_OBJECTS 3
#define CAPTURE_PERIOD  4
#define SCALER_UNIT     3
#define CLASS_REGISTER  3
#define CLASS_EXTENDED  4
#define US_PER_MS       1000
#define COLUMN_ROOM     1400

/* What a stream is made of. */
static const struct {
    uint8_t obis[6];
    uint8_t worth;
    uint8_t log;
    uint8_t profile;
} k_streams[] = {
    {{0, 0, 99, 98, 1, 255}, WK_LINK_ALARM, WK_ROOMS_LOG_FRAUD, WK_ROOMS_PROFILES},
    {{0, 0, 99, 98, 2, 255}, WK_LINK_ALARM, WK_ROOMS_LOG_DISCONNECT, WK_ROOMS_PROFILES},
    {{1, 0, 98, 1, 0, 255}, WK_LINK_BILLING, WK_ROOMS_LOG_BILLING, WK_ROOMS_PROFILES},
    {{1, 0, 99, 1, 0, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_PROFILE, WK_ROOMS_PROFILE_1},
    {{1, 0, 99, 2, 0, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_PROFILE_2, WK_ROOMS_PROFILE_2},
    {{0, 0, 99, 98, 0, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_EVENT, WK_ROOMS_PROFILES},
    {{0, 0, 99, 98, 4, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_QUALITY, WK_ROOMS_PROFILES},
    {{0, 0, 99, 98, 5, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_COMMUNICATION, WK_ROOMS_PROFILES},
    {{0, 0, 99, 98, 6, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_FIRMWARE, WK_ROOMS_PROFILES},
    {{0, 0, 99, 98, 7, 255}, WK_LINK_PROFILE, WK_ROOMS_LOG_SECURITY, WK_ROOMS_PROFILES},
    {{1, 0, 99, 14, 0, 255}, WK_LINK_BULK, WK_ROOMS_LOG_PROFILE_3, WK_ROOMS_PROFILE_3},
};

static int64_t steady_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

/* ---- streams ----------------------------------------------------------------------------- */

static wk_err span(void *self, uint64_t *oldest, uint64_t *next)
{
    const struct wk_meter_link_stream *stream = self;
    *oldest = stream->oldest;
    *next = stream->next;
    return WK_OK;
}

/* Looked at once for each commit: profiles find their ends by bisection. */
static void look_at(struct wk_meter_link_stream *stream)
{
    const struct wk_rooms *rooms = &stream->link->module->rooms;
    uint64_t oldest;
    uint64_t next;
    const wk_err err =
        stream->profile < WK_ROOMS_OWN_PROFILES
            ? wk_profile_span(&rooms->profile[stream->profile], &rooms->store, &oldest, &next)
            : wk_store_log_span(&rooms->store, stream->log, &oldest, &next);
    if (err == WK_OK) {
        stream->oldest = oldest;
        stream->next = next;
    }
}

static wk_err get(const struct wk_meter_link *link, const struct wk_object *object,
                  uint8_t attribute, const struct wk_object_selection *selection,
                  struct wk_bytes_out *out)
{
    const struct wk_object_call call = {.meter = link->module->table.meter,
                                        .object = object,
                                        .now_us = wk_module_now_us(link->module),
                                        .role = WK_ROLE_MANAGEMENT};
    struct wk_object_cursor cursor = {0};
    WK_TRY(object->access->functions->get(&call, attribute, selection, &cursor, out));
    WK_TRY(out->fault);
    return cursor.more ? WK_E_FULL : WK_OK;
}

/* The entry of the buffer, without the array around it. */
static wk_err read_record(void *self, uint64_t sequence, struct wk_bytes_out *out)
{
    const struct wk_meter_link_stream *stream = self;
    uint8_t octets[WK_LINK_RECORD + 8];
    struct wk_bytes_out row = wk_bytes_out_of(octets, sizeof octets);
    if (sequence < stream->oldest || sequence >= stream->next) {
        return WK_E_NOT_FOUND;
    }
    const uint64_t entry = sequence - stream->oldest + 1;
    const struct wk_object_selection selection = {.kind = WK_OBJECT_SELECT_ENTRY,
                                                  .entry_first = (uint32_t)entry,
                                                  .entry_last = (uint32_t)entry};
    WK_TRY(get(stream->link, stream->object, BUFFER, &selection, &row));
    struct wk_bytes_in in = wk_bytes_in_of(octets, row.size);
    if (wk_axdr_read_count(&in, WK_AXDR_ARRAY) != 1 || in.fault != WK_OK) {
        return WK_E_NOT_FOUND;
    }
    const size_t size = wk_bytes_in_left(&in);
    wk_bytes_out_put(out, wk_bytes_in_take(&in, size), size);
    return out->fault;
}

/* Scaler and unit of a captured register, null-data of all else. */
static void put_unit(const struct wk_meter_link *link, struct wk_bytes_in *columns,
                     struct wk_bytes_out *out)
{
    static const struct wk_object_selection k_all = {.kind = WK_OBJECT_SELECT_ALL};
    struct wk_select_column column;
    wk_select_read_column(columns, &column);
    const struct wk_object *object =
        wk_object_find(&link->module->table, column.class_id, column.obis);
    const size_t before = out->size;
    const bool has_unit =
        (column.class_id == CLASS_REGISTER || column.class_id == CLASS_EXTENDED) &&
        column.attribute == BUFFER && object != NULL && object->access->functions != NULL &&
        object->access->functions->get != NULL;
    if (!has_unit || get(link, object, SCALER_UNIT, &k_all, out) != WK_OK) {
        out->size = before;
        wk_bytes_out_u8(out, WK_AXDR_NULL);
    }
}

/* A structure of the capture objects, the units of each, and the capture period. */
static wk_err describe(void *self, struct wk_bytes_out *out)
{
    static const struct wk_object_selection k_all = {.kind = WK_OBJECT_SELECT_ALL};
    const struct wk_meter_link_stream *stream = self;
    uint8_t octets[COLUMN_ROOM];
    struct wk_bytes_out columns = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(get(stream->link, stream->object, CAPTURE_OBJECTS, &k_all, &columns));
    wk_bytes_out_u8(out, WK_AXDR_STRUCTURE);
    wk_bytes_out_u8(out, 3);
    wk_bytes_out_put(out, octets, columns.size);
    struct wk_bytes_in in = wk_bytes_in_of(octets, columns.size);
    const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    wk_bytes_out_u8(out, WK_AXDR_ARRAY);
    wk_bytes_out_u8(out, (uint8_t)count);
    for (uint32_t i = 0; i < count && in.fault == WK_OK; i++) {
        put_unit(stream->link, &in, out);
    }
    WK_TRY(get(stream->link, stream->object, CAPTURE_PERIOD, &k_all, out));
    return out->fault;
}

static void add_stream(struct wk_meter_link *link, size_t row)
{
    const struct wk_object *object =
        wk_object_find(&link->module->table, CLASS_PROFILE, k_streams[row].obis);
    const bool has_log = link->module->rooms.store.log[k_streams[row].log].sectors != 0;
    if (object == NULL || !has_log) {
        return;
    }
    struct wk_meter_link_stream *stream = &link->streams[link->stream_count];
    struct wk_link_source *source = &link->sources[link->stream_count++];
    *stream = (struct wk_meter_link_stream){.link = link,
                                            .object = object,
                                            .log = k_streams[row].log,
                                            .profile = k_streams[row].profile};
    *source = (struct wk_link_source){.self = stream,
                                      .span = span,
                                      .read = read_record,
                                      .describe = describe,
                                      .id = (uint8_t)row,
                                      .worth = k_streams[row].worth};
    memcpy(source->obis, k_streams[row].obis, sizeof source->obis);
    look_at(stream);
}

const struct wk_line_modem *wk_meter_link_line_modem(const struct wk_meter_link_path *path)
{
    return path->carrier.line_modem != NULL ? path->carrier.line_modem(path->carrier.self)
                                            : NULL;
}

const struct wk_wifi_status *wk_meter_link_wifi(const struct wk_meter_link_path *path)
{
    return path->wifi != NULL ? wk_meter_wifi_look(path->wifi) : NULL;
}

/* ---- paths ------------------------------------------------------------------------------- */

static wk_err transmit(void *self, uint8_t path, const uint8_t *packet, size_t length,
                       bool is_urgent)
{
    const struct wk_meter_link *link = self;
    const struct wk_link_carrier *carrier = &link->paths[path].carrier;
    if (link->paths[path].modem != NULL) {
        wk_meter_modem_traffic(link->paths[path].modem, false);
    }
    return is_urgent && carrier->send_urgent != NULL
               ? carrier->send_urgent(carrier->self, packet, length)
               : carrier->send(carrier->self, packet, length);
}

static wk_err draw(void *self, void *to, size_t size)
{
    const struct wk_meter_link *link = self;
    return link->crypto->random(link->crypto->self, to, size);
}

static void step(struct wk_meter_link *link);

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

/* Echoes of a test that cannot go are not counted as lost. */
static void tend_check(struct wk_meter_link *link, int64_t now_us)
{
    uint8_t number;
    uint8_t size;
    while (wk_link_check_next(&link->check, now_us, &number, &size)) {
        if (wk_link_sender_echo(&link->sender, link->check.path, number, size, now_us) ==
            WK_OK) {
            wk_link_check_sent(&link->check, number, now_us);
        }
    }
}

static int64_t due_us_of(const struct wk_meter_link *link)
{
    const int64_t due_us = wk_link_sender_due_us(&link->sender);
    return link->check.runs && link->check.next_us < due_us ? link->check.next_us : due_us;
}

/* A weak or disturbed signal costs its path points (of a cellular modem daemon/link_modem sees it), and time on air is
 * kept for alarms. */
static void look_at_signals(struct wk_meter_link *link)
{
    for (uint8_t i = 0; i < link->path_count; i++) {
        const struct wk_line_modem *modem = wk_meter_link_line_modem(&link->paths[i]);
        if (modem != NULL) {
            link->sender.paths[i].malus = wk_line_modem_malus(modem);
            link->sender.paths[i].is_scarce = wk_line_modem_is_scarce(modem);
        } else if (link->paths[i].wifi != NULL) {
            const struct wk_wifi_status *wifi = wk_meter_link_wifi(&link->paths[i]);
            link->sender.paths[i].malus = wifi != NULL ? wk_wifi_malus(wifi) : 0;
        }
    }
}

/* The loop knows milliseconds: a packet that is due within half of one goes now. */
static void step(struct wk_meter_link *link)
{
    const int64_t now_us = steady_us();
    wk_link_sender_step(&link->sender, now_us);
    wk_meter_link_modem_tend(link, now_us);
    look_at_signals(link);
    tend_check(link, now_us);
    const int64_t due_us = due_us_of(link);
    if (due_us == WK_LINK_NEVER_US) {
        uv_timer_stop(&link->timer);
        return;
    }
    const int64_t wait_us = due_us > now_us ? due_us - now_us : 0;
    uv_update_time(link->timer.loop);
    uv_timer_start(&link->timer, on_timer, (uint64_t)((wait_us + US_PER_MS - 1) / US_PER_MS),
                   0);
}

static void echoed(void *self, uint8_t path, uint8_t number)
{
    struct wk_meter_link *link = self;
    if (path == link->check.path) {
        wk_link_check_back(&link->check, number, steady_us());
    }
}

static void watch(void *self, uint8_t path, bool to_headend, const uint8_t *packet,
                  size_t length)
{
    struct wk_meter_link *link = self;
    wk_link_monitor_take(&link->monitor, path, to_headend, packet, length);
}

wk_err wk_meter_link_check(struct wk_meter_link *link, uint8_t path)
{
    if (!link->runs || path >= link->path_count) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(wk_link_check_begin(&link->check, path, steady_us()));
    step(link);
    return WK_OK;
}

static void ready(void *self)
{
    const struct wk_meter_link_path *path = self;
    wk_link_sender_ready(&path->link->sender, path->number);
    step(path->link);
}

static bool awaits(const void *self)
{
    const struct wk_meter_link_path *path = self;
    return wk_link_sender_awaits(&path->link->sender);
}

static void carries(void *self, bool yes)
{
    struct wk_meter_link_path *path = self;
    path->takes = yes;
    if (path->modem == NULL) {
        wk_link_sender_carry(&path->link->sender, path->number, yes, steady_us());
    } else {
        wk_meter_link_modem_follow(path, steady_us());
    }
    step(path->link);
}

static void modem_changed(void *self)
{
    struct wk_meter_link_path *path = self;
    wk_meter_link_modem_follow(path, steady_us());
    step(path->link);
}

/* ---- conversations ----------------------------------------------------------------------- */

/* One that finds no room is lost, and asked again. */
static void hear(void *self, uint8_t conversation, struct wk_bytes_in datagram)
{
    struct wk_meter_link *link = self;
    if (link->heard_count == WK_LINK_SAID || link->server == NULL) {
        return;
    }
    struct wk_link_said *heard = &link->heard[link->heard_count++];
    heard->conversation = conversation;
    heard->size = (uint8_t)datagram.size;
    memcpy(heard->octets, datagram.data, datagram.size);
}

/* A conversation is a port of nobody's address. */
static void answer_heard(struct wk_meter_link *link)
{
    for (uint8_t i = 0; i < link->heard_count; i++) {
        const struct wk_link_said *heard = &link->heard[i];
        const struct sockaddr_in from = {.sin_family = AF_INET,
                                         .sin_port = heard->conversation};
        wk_dlms_udp_take(link->server, (const struct sockaddr *)&from, heard->octets,
                         heard->size);
    }
    link->heard_count = 0;
}

void wk_meter_link_say(struct wk_meter_link *link, const struct sockaddr *to,
                       const uint8_t *octets, size_t size)
{
    const struct sockaddr_in *address = (const struct sockaddr_in *)to;
    if (link->runs) { /* one that is lost is asked again */
        (void)!wk_link_sender_say(&link->sender, (uint8_t)address->sin_port,
                                  wk_bytes_in_of(octets, size));
        step(link);
    }
}

wk_err wk_meter_link_serve(struct wk_meter_link *link, const struct wk_dlms_udp_config *config,
                           char error[WK_DLMS_UDP_ERROR])
{
    return link->runs && link->config->link_talk
               ? wk_dlms_udp_start(&link->server, config, error)
               : WK_OK;
}

/* A packet that is none for us says nothing; the counts of the path tell of it. */
static void take(void *self, uint8_t *packet, size_t length)
{
    const struct wk_meter_link_path *path = self;
    if (path->modem != NULL) {
        wk_meter_modem_traffic(path->modem, true);
    }
    (void)!wk_link_sender_receive(&path->link->sender, path->number, packet, length,
                                  steady_us());
    answer_heard(path->link);
    step(path->link);
}

/* ---- begin and end ----------------------------------------------------------------------- */

/* Drawn once for each store. */
static wk_err find_epoch(struct wk_meter_link *link, uint64_t *epoch)
{
    struct wk_store *store = &link->module->rooms.store;
    size_t size = 0;
    const wk_err err = wk_store_get(store, WK_MODULE_KEY_LINK, epoch, sizeof *epoch, &size);
    if (err == WK_OK && size == sizeof *epoch) {
        return WK_OK;
    }
    if (err != WK_E_NOT_FOUND) {
        return err == WK_OK ? WK_E_CORRUPT : err;
    }
    WK_TRY(draw(link, epoch, sizeof *epoch));
    const struct wk_store_put put = {
        .key = WK_MODULE_KEY_LINK, .data = epoch, .size = sizeof *epoch};
    return wk_store_commit(store, &put, 1);
}

static struct wk_link_path_rules rules_of(const struct wk_config_path *path)
{
    struct wk_link_path_rules rules = {.overhead = path->to.kind->overhead,
                                       .most = path->to.kind->most,
                                       .least = path->to.kind->least,
                                       .cost = path->cost,
                                       .probe_us = (int64_t)path->probe_s * 1000000,
                                       .budget = path->budget,
                                       .alarms_only = path->alarms_only};
    wk_meter_link_modem_rules(path, &rules);
    return rules;
}

static wk_link_carrier_start starter_of(const char *scheme)
{
    static const struct {
        const char *scheme;
        wk_link_carrier_start start;
    } k_carriers[] = {{"udp", wk_link_udp_start},      {"coap", wk_link_coap_start},
                      {"tls", wk_link_tls_start},      {"mqtts", wk_link_mqtt_start},
                      {"mqtt", wk_link_mqtt_start},    {"serial", wk_link_serial_start},
                      {"rs485", wk_link_serial_start}, {"plc", wk_link_serial_start},
                      {"rf", wk_link_serial_start}};
    size_t i = 0;
    while (strcmp(k_carriers[i].scheme, scheme) != 0) { /* the configuration knows no other */
        i++;
    }
    return k_carriers[i].start;
}

static wk_err start_path(struct wk_meter_link *link, uv_loop_t *loop,
                         const struct wk_config_path *path, uint8_t number)
{
    link->paths[number] = (struct wk_meter_link_path){.link = link, .number = number};
    const struct wk_link_carrier_config config = {.loop = loop,
                                                  .to = &path->to,
                                                  .interface = path->interface,
                                                  .title = link->config->system_title,
                                                  .name = path->name,
                                                  .trust = link->trust,
                                                  .files = &link->files,
                                                  .user = path->user,
                                                  .password = path->password,
                                                  .line_modem = &path->line_modem,
                                                  .tls_name = path->tls_name,
                                                  .self = &link->paths[number],
                                                  .carries = carries,
                                                  .ready = ready,
                                                  .awaits = awaits,
                                                  .take = take};
    WK_TRY(
        starter_of(path->to.kind->scheme)(&link->paths[number].carrier, &config, link->error));
    WK_TRY(wk_meter_link_modem_start(&link->paths[number], loop, modem_changed));
    if (link->paths[number].modem == NULL && !path->to.kind->is_device) {
        /* without it the path is only not judged by its radio */
        (void)!wk_meter_wifi_start(&link->paths[number].wifi, loop, path->interface);
    }
    return WK_OK;
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* One for all paths: what the head-end gave to come back with is kept in it. */
static wk_err make_trust(struct wk_meter_link *link, struct wk_hsm *hsm)
{
    const struct wk_config_trust *from = &link->config->link_tls;
    link->files = (struct wk_tls_config){.certificate = given(from->certificate),
                                         .key = given(from->key),
                                         .ca = given(from->ca),
                                         .crl = given(from->crl),
                                         .hsm = hsm,
                                         .later = from->is_meter};
    _Static_assert(WK_TLS_ERROR == WK_LINK_CARRIER_ERROR, "one room for both");
    return link->files.certificate == NULL || link->files.ca == NULL
               ? WK_OK
               : wk_tls_context_make(&link->trust, &link->files, link->error);
}

wk_err wk_meter_link_start(struct wk_meter_link *link, uv_loop_t *loop,
                           const struct wk_config *config, struct wk_module *module,
                           const struct wk_hal_crypto *crypto, struct wk_hsm *hsm)
{
    *link = (struct wk_meter_link){.config = config, .module = module, .crypto = crypto};
    if (config->path_count == 0) {
        return WK_OK;
    }
    for (size_t i = 0; i < sizeof k_streams / sizeof k_streams[0]; i++) {
        add_stream(link, i);
    }
    struct wk_link_config sender = {.sources = link->sources,
                                    .source_count = link->stream_count,
                                    .paths = link->rules,
                                    .path_count = config->path_count,
                                    .crypto = crypto,
                                    .key = &config->link_key,
                                    .self = link,
                                    .transmit = transmit,
                                    .random = draw,
                                    .talk = hear,
                                    .echoed = echoed,
                                    .watch = watch};
    memcpy(sender.title, config->system_title, sizeof sender.title);
    for (uint8_t i = 0; i < config->path_count; i++) {
        link->rules[i] = rules_of(&config->path[i]);
        sender.seal[i] = true;
    }
    WK_TRY(make_trust(link, hsm));
    WK_TRY(find_epoch(link, &sender.epoch));
    WK_TRY(wk_link_sender_init(&link->sender, &sender, steady_us()));
    if (uv_timer_init(loop, &link->timer) != 0) {
        return WK_E_IO;
    }
    link->timer.data = link;
    link->runs = true;
    wk_meter_link_announce_start(link);
    for (; link->path_count < config->path_count; link->path_count++) {
        WK_TRY(start_path(link, loop, &config->path[link->path_count], link->path_count));
    }
    return WK_OK;
}

/* Budgets are of the calendar month, by the meter's clock. */
static void look_at_month(struct wk_meter_link *link)
{
    const time_t now_s = (time_t)(wk_module_now_us(link->module) / 1000000);
    struct tm civil;
    if (gmtime_r(&now_s, &civil) == NULL || civil.tm_mon == link->month) {
        return;
    }
    link->month = civil.tm_mon;
    for (uint8_t i = 0; i < link->path_count; i++) {
        link->sender.paths[i].spent = 0;
    }
}

/* Whether there is something new among the alarms, or among all else. */
static bool look_at_some(struct wk_meter_link *link, bool alarms)
{
    bool fresh = false;
    for (uint8_t i = 0; i < link->stream_count; i++) {
        if ((link->sources[i].worth == WK_LINK_ALARM) == alarms) {
            const uint64_t before = link->streams[i].next;
            look_at(&link->streams[i]);
            fresh = fresh || link->streams[i].next != before;
        }
    }
    return fresh;
}

/* Alarms go before anybody has looked for the ends of profiles, which takes longer than the rest. */
void wk_meter_link_look(struct wk_meter_link *link)
{
    if (!link->runs) {
        return;
    }
    if (look_at_some(link, true)) {
        step(link);
    }
    look_at_month(link);
    if (look_at_some(link, false)) {
        step(link);
    }
}

void wk_meter_link_stop(struct wk_meter_link *link)
{
    if (link->runs) {
        link->module->watch = NULL;
    }
    for (uint8_t i = 0; i < link->path_count; i++) {
        wk_meter_modem_stop(link->paths[i].modem);
        link->paths[i].modem = NULL;
        wk_meter_wifi_stop(link->paths[i].wifi);
        link->paths[i].wifi = NULL;
        link->paths[i].carrier.stop(link->paths[i].carrier.self);
        link->paths[i].carrier = (struct wk_link_carrier){0};
    }
    if (link->server != NULL) {
        wk_dlms_udp_stop(link->server);
    }
    link->server = NULL;
    link->path_count = 0;
    link->runs = false;
}

void wk_meter_link_free(struct wk_meter_link *link)
{
    wk_tls_context_free(link->trust);
    link->trust = NULL;
}
