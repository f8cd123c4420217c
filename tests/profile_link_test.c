/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of a slow link carries the load profile of 13 months, quarters of an hour of eight
 * channels: client and meter in one process, and between them a line whose clock is made of the
 * octets that cross it. */
#include <stdlib.h>

#include "cosem/axdr.h"
#include "cosem/client.h"
#include "cosem/datetime.h"
#include "cosem/hdlc_link.h"
#include "cosem/rows.h"
#include "cosem/select.h"
#include "cosem/wrapper.h"
#include "management/line.h"
#include "port/linux/crypto.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define CHANNELS 8
#define ROWS     37920 /* 395 days */
#define ENTRIES  40000
#define FIRST    1000 /* entry of the first row that is asked for */
#define START_S  WK_DLMS_METER_START_S
#define GOAL     0.7
#define SECOND   INT64_C(1000000)
#define READER   2

/* What a segment of TCP carries beside its octets, and how many of them: no options. */
#define TCP_IP      40
#define TCP_SEGMENT 1460

static struct wk_crypto crypto;
static struct wk_session_security security;
static struct wk_object_table table;
static struct wk_session session;
static struct wk_client client;
static struct wk_rows rows;
static size_t payload; /* octets of the value that the client has handed on */
static int64_t now_us;

/* ---- the meter --------------------------------------------------------------------------- */

static int64_t channel_uwh(uint32_t entry, uint32_t channel)
{
    return INT64_C(123456789012) * channel + (int64_t)entry * INT64_C(250000001);
}

static void put_row(struct wk_bytes_out *out, uint32_t entry)
{
    struct wk_datetime end;
    const struct wk_utc utc = {START_S + (int64_t)entry * WK_DLMS_METER_SPAN_S};
    if (wk_datetime_of_utc(&wk_zone_central_europe, utc, 0, &end) != WK_OK) {
        abort();
    }
    wk_axdr_put_structure(out, 2 + CHANNELS);
    wk_datetime_put_axdr(out, &end);
    wk_axdr_put_unsigned(out, 0);
    for (uint32_t channel = 0; channel < CHANNELS; channel++) {
        wk_axdr_put_long64(out, channel_uwh(entry, channel));
    }
}

/* Only a range is asked for, and both of its ends are entries. */
static wk_err profile_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    (void)call;
    (void)attribute;
    if (!cursor->started) {
        cursor->next = (uint64_t)((selection->from.s - START_S) / WK_DLMS_METER_SPAN_S);
        cursor->end = (uint64_t)((selection->to.s - START_S) / WK_DLMS_METER_SPAN_S) + 1;
        wk_axdr_put_array(out, (uint32_t)(cursor->end - cursor->next));
        cursor->started = true;
    }
    for (; cursor->next < cursor->end; cursor->next++) {
        const struct wk_bytes_out before = *out;
        put_row(out, (uint32_t)cursor->next);
        if (out->fault != WK_OK) {
            *out = before;
            cursor->more = true;
            return out->size > 0 ? WK_OK : WK_E_FULL;
        }
    }
    return out->fault;
}

static const struct wk_object_class k_profile = {.get = profile_get};
static const struct wk_object_rights k_rights[WK_ROLE_COUNT] = {
    {0xFF, 0, 0}, {0xFF, 0, 0}, {0xFF, 0, 0}};
static const struct wk_object_access k_of_session = {k_rights, NULL};
static const struct wk_object_access k_of_profile = {k_rights, &k_profile};
static const struct wk_object k_rows[] = {
    {15, 3, {0, 0, 40, 0, 0, 255}, 11, 6, WK_SESSION_CURRENT, &k_of_session},
    {7, 1, {1, 0, 99, 1, 0, 255}, 8, 2, 0, &k_of_profile},
};

static struct wk_session_config session_config(void)
{
    wk_dlms_meter_secure(&security);
    table = (struct wk_object_table){.rows = k_rows, .count = 2, .meter = &table};
    return (struct wk_session_config){.table = &table,
                                      .security = &security,
                                      .crypto = &crypto.hal,
                                      .zone = &wk_zone_central_europe,
                                      .max_pdu = WK_SESSION_PDU};
}

/* ---- the reader -------------------------------------------------------------------------- */

static wk_err take(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    payload += size;
    return wk_rows_feed(&rows, octets, size);
}

static wk_err compare(void *self, uint32_t index, struct wk_bytes_in element)
{
    uint8_t room[256];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    (void)self;
    put_row(&out, FIRST + index);
    return element.size == out.size && memcmp(element.data, room, out.size) == 0 ? WK_OK
                                                                                 : WK_E_CORRUPT;
}

static wk_err open_client(uint16_t max_pdu, uint8_t window)
{
    const struct wk_client_config config = {
        .mechanism = WK_ASSOCIATION_LLS,
        .password = {(const uint8_t *)"Wattkeeper", 10},
        .max_pdu = max_pdu,
        .timeout_us = 60 * SECOND,
        .window = window,
    };
    now_us = SECOND;
    WK_TRY(wk_client_init(&client, &config));
    return wk_client_open(&client);
}

static wk_err ask_range(void)
{
    static uint8_t raw[WK_SELECT_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const struct wk_utc first = {START_S + INT64_C(900) * FIRST};
    const struct wk_utc last = {START_S + INT64_C(900) * (FIRST + ROWS - 1)};
    struct wk_apdu_target target = {.class_id = 7, .obis = {1, 0, 99, 1, 0, 255}, .id = 2};
    WK_TRY(wk_select_put_range(&out, first, last));
    target.selective = true;
    target.selector = WK_SELECT_RANGE;
    target.parameter = wk_bytes_in_of(raw, out.size);
    payload = 0;
    wk_rows_init(&rows, NULL, compare);
    return wk_client_get(&client, &target, (struct wk_client_sink){NULL, take});
}

/* ---- a line with a clock ----------------------------------------------------------------- */

enum { UP, DOWN };

struct way {
    int64_t octet_ns;
    int64_t delay_us; /* after the last octet has left */
    bool shared;      /* one direction at a time */
    int64_t free_ns[2];
};

/* When the last octet of `size`, ready at `from_us`, is at the other end. */
static int64_t cross_us(struct way *way, int direction, int64_t from_us, size_t size)
{
    int64_t begin = from_us * 1000;
    const int64_t is_free = way->free_ns[way->shared ? UP : direction];
    begin = begin > is_free ? begin : is_free;
    const int64_t end = begin + (int64_t)size * way->octet_ns;
    way->free_ns[way->shared ? UP : direction] = end;
    return (end + 999) / 1000 + way->delay_us;
}

/* The share of what the link could have carried since `begin_us`. */
static double share_of(const struct way *way, int64_t begin_us)
{
    return (double)payload * (double)way->octet_ns / 1000.0 / (double)(now_us - begin_us);
}

/* ---- wrapper on TCP ---------------------------------------------------------------------- */

static size_t on_tcp(size_t apdu)
{
    const size_t size = WK_WRAPPER_SIZE + apdu;
    return size + (size + TCP_SEGMENT - 1) / TCP_SEGMENT * TCP_IP;
}

/* One request and all that answers it. */
static wk_err exchange_tcp(struct way *way)
{
    static uint8_t request[WK_CLIENT_PDU];
    static uint8_t room[WK_SESSION_REPLY];
    struct wk_bytes_out out = wk_bytes_out_of(request, sizeof request);
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    WK_TRY(wk_client_output(&client, now_us, &out));
    const int64_t there_us = cross_us(way, UP, now_us, on_tcp(out.size));
    WK_TRY(wk_session_receive(&session, there_us,
                              (struct wk_session_link){READER, WK_SESSION_SERVER_SAP},
                              wk_bytes_in_of(request, out.size), &reply));
    while (true) {
        now_us = cross_us(way, DOWN, there_us, on_tcp(reply.size));
        WK_TRY(wk_client_receive(&client, now_us, wk_bytes_in_of(room, reply.size)));
        if (!wk_session_continues(&session)) {
            return WK_OK;
        }
        reply = wk_bytes_out_of(room, sizeof room);
        WK_TRY(wk_session_continue(&session, &reply));
    }
}

static wk_err run_tcp(struct way *way)
{
    while (wk_client_busy(&client)) {
        WK_TRY(exchange_tcp(way));
    }
    return client.outcome;
}

static void read_over_tcp(uint8_t window, const char *figure)
{
    struct way way = {.octet_ns = 125000, .delay_us = 25000};
    const struct wk_session_config config = session_config();
    EXPECT_OK(wk_session_init(&session, &config));
    EXPECT_OK(open_client(WK_SESSION_PDU, window));
    EXPECT_OK(run_tcp(&way));
    const int64_t begin_us = now_us;
    EXPECT_OK(ask_range());
    EXPECT_OK(run_tcp(&way));
    EXPECT_OK(wk_rows_end(&rows));
    EXPECT_I64(ROWS, rows.index);
    const double share = share_of(&way, begin_us);
    printf("# %zu octets in %lld s\n", payload, (long long)((now_us - begin_us) / SECOND));
    WK_TEST_FIGURE(figure, share * 100.0, "%", ">= 70", share >= GOAL, 0);
    EXPECT(share >= GOAL);
}

static void thirteen_months_fill_64_kbit_by_blocks_of_get(void)
{
    read_over_tcp(0, "payload of 64 kbit/s and 50 ms, 37,920 rows by blocks of GET");
}

static void thirteen_months_fill_64_kbit_by_windows_of_general_blocks(void)
{
    read_over_tcp(8, "payload of 64 kbit/s and 50 ms, 37,920 rows by general blocks");
}

/* ---- HDLC at 9600 baud ------------------------------------------------------------------- */

#define INFO    2030
#define QUEUE   16
#define BAUD    9600
#define TURN_US 5000 /* from the last octet to the first of the answer */

struct serial {
    struct way way;
    struct wk_line line;
    struct wk_hdlc_link link; /* of the reader */
    size_t count;             /* frames on their way to it */
    struct {
        int64_t at_us;
        size_t size;
        uint8_t octets[WK_HDLC_FRAME_MOST];
    } frame[QUEUE];
    int64_t there_us; /* at the meter's end */
};

static struct serial serial;
static struct wk_line_station station;

static void to_reader(void *self, const uint8_t *octets, size_t size)
{
    struct serial *s = self;
    if (s->count == QUEUE || size > WK_HDLC_FRAME_MOST) {
        abort();
    }
    s->frame[s->count].at_us = cross_us(&s->way, DOWN, s->there_us, size);
    s->frame[s->count].size = size;
    memcpy(s->frame[s->count].octets, octets, size);
    s->count++;
}

static wk_err init_serial(uint16_t info, uint8_t window)
{
    static uint8_t room[WK_HDLC_FRAME_MOST];
    static uint8_t in[WK_HDLC_LLC + WK_CLIENT_PDU];
    static uint8_t out[WK_HDLC_LLC + WK_CLIENT_PDU];
    const struct wk_hdlc_limits limits = {info, info, window, window};
    const struct wk_line_config line = {.address = {1, 17, 2},
                                        .limits = limits,
                                        .session = session_config(),
                                        .stations = &station,
                                        .station_count = 1,
                                        .frame_in = room,
                                        .frame_in_room = sizeof room,
                                        .self = &serial,
                                        .send = to_reader};
    const struct wk_hdlc_link_config link = {.primary = true,
                                             .local = {READER, 0, 1},
                                             .remote = {1, 17, 2},
                                             .limits = limits,
                                             .in = in,
                                             .in_room = sizeof in,
                                             .out = out,
                                             .out_room = sizeof out,
                                             .answer_us = 60 * SECOND};
    serial = (struct serial){
        .way = {.octet_ns = INT64_C(10000000000) / BAUD, .delay_us = TURN_US, .shared = true}};
    WK_TRY(wk_line_init(&serial.line, &line));
    return wk_hdlc_link_init(&serial.link, &link);
}

/* An APDU of the client, if it has one to send. */
static wk_err hand_down(void)
{
    if (!wk_client_sends(&client)) {
        return WK_OK;
    }
    struct wk_bytes_out out = wk_hdlc_link_begin(&serial.link);
    WK_TRY(wk_client_output(&client, now_us, &out));
    return wk_hdlc_link_send(&serial.link, now_us, &out);
}

/* What the meter said, frame by frame. */
static wk_err hear(void)
{
    for (size_t i = 0; i < serial.count; i++) {
        struct wk_hdlc_frame frame;
        now_us = serial.frame[i].at_us;
        WK_TRY(wk_hdlc_read(serial.frame[i].octets, serial.frame[i].size, &frame));
        if (wk_hdlc_link_receive(&serial.link, now_us, &frame) == WK_HDLC_APDU) {
            WK_TRY(wk_client_receive(&client, now_us, wk_hdlc_link_apdu(&serial.link)));
            WK_TRY(hand_down());
        }
    }
    serial.count = 0;
    return WK_OK;
}

/* One turn of each side. */
static wk_err turn(void)
{
    static uint8_t raw[WK_HDLC_FRAME_MOST];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    bool sent = false;
    while (wk_hdlc_link_output(&serial.link, now_us, &out)) {
        serial.there_us = cross_us(&serial.way, UP, now_us, out.size);
        wk_line_receive(&serial.line, (struct wk_line_time){serial.there_us, serial.there_us},
                        raw, out.size);
        out = wk_bytes_out_of(raw, sizeof raw);
        sent = true;
    }
    return sent ? hear() : WK_E_TIMEOUT;
}

static wk_err run_serial(void)
{
    WK_TRY(hand_down());
    while (wk_client_busy(&client)) {
        WK_TRY(turn());
    }
    return client.outcome;
}

static void read_over_hdlc(uint16_t info, uint16_t max_pdu, const char *figure)
{
    EXPECT_OK(init_serial(info, 1));
    EXPECT_OK(open_client(max_pdu, 0));
    EXPECT_OK(wk_hdlc_link_connect(&serial.link, now_us));
    EXPECT_OK(turn());
    EXPECT_OK(run_serial());
    const int64_t begin_us = now_us;
    EXPECT_OK(ask_range());
    EXPECT_OK(run_serial());
    EXPECT_OK(wk_rows_end(&rows));
    EXPECT_I64(ROWS, rows.index);
    EXPECT_I64(0, serial.link.counts.repeated);
    const double share = share_of(&serial.way, begin_us);
    printf("# %zu octets in %lld s\n", payload, (long long)((now_us - begin_us) / SECOND));
    WK_TEST_FIGURE(figure, share * 100.0, "%", ">= 70", share >= GOAL, 0);
    EXPECT(share >= GOAL);
}

static void thirteen_months_fill_9600_baud_by_blocks_of_get(void)
{
    /* the longest APDU that fits in one frame: no short second segment */
    read_over_hdlc(INFO, INFO - WK_HDLC_LLC,
                   "payload of HDLC at 9600 baud, 37,920 rows by blocks of GET");
}

static void even_in_frames_of_128_octets(void)
{
    read_over_hdlc(128, WK_SESSION_PDU,
                   "payload of HDLC at 9600 baud, 37,920 rows in frames of 128 octets");
}

/* All that either end holds, whatever the length of the profile: 3.4 MB went through it. */
static void neither_end_holds_the_profile(void)
{
    const size_t meter =
        sizeof(struct wk_line_station) + sizeof(struct wk_line) + WK_HDLC_FRAME_MOST;
    const size_t reader =
        sizeof client + sizeof rows + sizeof serial.link + 2 * (WK_HDLC_LLC + WK_CLIENT_PDU);
    EXPECT(payload > 3000000);
    WK_TEST_FIGURE("memory of a meter's end of a long read over HDLC", meter, "octets",
                   "<= 24576", meter <= 24576, 0);
    WK_TEST_FIGURE("memory of a reader's end of a long read over HDLC", reader, "octets",
                   "<= 24576", reader <= 24576, 0);
    EXPECT(meter <= 24576 && reader <= 24576);
}

static void the_crypto_of_both_ends_starts(void)
{
    EXPECT_OK(wk_crypto_init(&crypto));
}

static void the_crypto_of_both_ends_ends(void)
{
    wk_crypto_close(&crypto);
}

WK_TEST_MAIN(T(the_crypto_of_both_ends_starts),
             T(thirteen_months_fill_64_kbit_by_blocks_of_get),
             T(thirteen_months_fill_64_kbit_by_windows_of_general_blocks),
             T(thirteen_months_fill_9600_baud_by_blocks_of_get),
             T(even_in_frames_of_128_octets), T(neither_end_holds_the_profile),
             T(the_crypto_of_both_ends_ends))
