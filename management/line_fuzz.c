/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes a meter's HDLC line with sessions behind it: frames with good check sums from several
 * clients in any order, octets as they are, and time. What must hold: what the meter sends are
 * good frames to a client, and nobody without management's authentication changes anything. */
#include <stdlib.h>
#include <string.h>

#include "management/line.h"
#include "port/linux/crypto.h"
#include "tests/dlms_meter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS    64
#define STATIONS 3
#define NOW_US   INT64_C(1790000000000000)

static struct wk_crypto g_crypto;
static struct wk_session_security g_fresh;
static struct wk_session_security g_security;
static struct wk_dlms_meter g_meter;
static struct wk_object_table g_table;
static struct wk_line g_line;
static struct wk_line_station g_stations[STATIONS];
static uint8_t g_frame[WK_HDLC_FRAME_MOST];
static struct wk_line_time g_now;
static uint8_t g_ns[4]; /* what each client would send next */
static uint8_t g_nr[4];

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static size_t client_of(const struct wk_hdlc_address *address)
{
    return address->upper == 16 ? 0 : address->upper == 2 ? 1 : address->upper == 1 ? 2 : 3;
}

/* What the meter sends; an I frame moves the client's numbers on, so that dialogues go on. */
static void hear(void *self, const uint8_t *octets, size_t size)
{
    struct wk_hdlc_frame frame;
    (void)self;
    require(wk_hdlc_read(octets, size, &frame) == WK_OK);
    require(frame.destination.octets == 1);
    const size_t client = client_of(&frame.destination);
    if (frame.type == WK_HDLC_UA) {
        g_ns[client] = 0;
        g_nr[client] = 0;
    } else if (frame.type == WK_HDLC_I) {
        g_nr[client] = (uint8_t)((frame.ns + 1) & 7);
    }
}

static void send_frame(uint8_t how, uint8_t control, const uint8_t *octets, size_t size)
{
    static const uint16_t k_saps[] = {16, 2, 1, 99};
    static const uint8_t k_llc[WK_HDLC_LLC] = {0xE6, 0xE6, 0x00};
    static uint8_t info[300];
    static uint8_t raw[WK_HDLC_FRAME_MOST];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const size_t client = how & 3;
    struct wk_hdlc_frame frame = {.destination = {1, 17, 2},
                                  .source = {k_saps[client], 0, 1},
                                  .segmented = (how & 0x10) != 0};
    const size_t head = (how & 0x08) != 0 ? WK_HDLC_LLC : 0;
    memcpy(info, k_llc, head);
    memcpy(info + head, octets, size);
    frame.info = info;
    frame.info_size = head + size;
    wk_hdlc_read_control(&frame, control);
    if ((how & 0x20) != 0) { /* numbers as an honest client has them */
        frame.type = WK_HDLC_I;
        frame.poll = true;
        frame.ns = g_ns[client];
        frame.nr = g_nr[client];
        g_ns[client] = (uint8_t)((g_ns[client] + 1) & 7);
    }
    if ((how & 0x40) != 0) {
        frame.type = WK_HDLC_SNRM;
        frame.poll = true;
        frame.info_size = 0;
    }
    wk_hdlc_put(&out, &frame);
    if (out.fault == WK_OK) {
        wk_line_receive(&g_line, g_now, raw, out.size);
    }
}

static void begin(void)
{
    if (g_crypto.hal.self == NULL) {
        require(wk_crypto_init(&g_crypto) == WK_OK);
        wk_dlms_meter_secure(&g_fresh);
    }
    g_security = g_fresh;
    g_meter = (struct wk_dlms_meter){.security = &g_security, .closed = true};
    g_table = wk_dlms_meter_table(&g_meter);
    g_now = (struct wk_line_time){0, NOW_US};
    memset(g_ns, 0, sizeof g_ns);
    memset(g_nr, 0, sizeof g_nr);
    const struct wk_line_config config = {
        .address = {1, 17, 2},
        .limits = {128, 128, 2, 3},
        .session = {.table = &g_table,
                    .security = &g_security,
                    .crypto = &g_crypto.hal,
                    .zone = &wk_zone_central_europe,
                    .max_pdu = 512},
        .stations = g_stations,
        .station_count = STATIONS,
        .frame_in = g_frame,
        .frame_in_room = sizeof g_frame,
        .send = hear,
    };
    require(wk_line_init(&g_line, &config) == WK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(data, size);
    begin();
    for (int i = 0; i < STEPS && wk_bytes_in_left(&in) >= 3; i++) {
        const uint8_t how = wk_bytes_in_u8(&in);
        const uint8_t control = wk_bytes_in_u8(&in);
        const size_t announced = wk_bytes_in_u8(&in);
        const size_t left = wk_bytes_in_left(&in);
        const size_t length = announced < left ? announced : left;
        const uint8_t *octets = wk_bytes_in_take(&in, length);
        const int64_t pause_us = (how & 0x07) == 7 ? (int64_t)control * 1000000 : 1000;
        g_now.steady_us += pause_us;
        g_now.utc_us += pause_us;
        if ((how & 0x80) != 0) {
            wk_line_receive(&g_line, g_now, octets, length);
        } else {
            send_frame(how, control, octets, length);
        }
        wk_line_tick(&g_line, g_now);
        require(g_meter.changes == 0); /* nobody here knows a key */
        require(wk_line_connections(&g_line) <= STATIONS);
    }
    wk_line_close(&g_line);
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        require(g_security.open[role] == 0);
    }
    return 0;
}
