/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/dlms_size_server.h"

#include "management/line.h"
#include "management/module.h"
#include "management/push.h"
#include "port/bearssl/bearssl.h"

#define FRAME (WK_HDLC_OVERHEAD + 128)

extern struct wk_hal_flash *volatile server_flash;
extern volatile uint8_t server_octet;
struct wk_hal_flash *volatile server_flash;
volatile uint8_t server_octet;

static struct wk_module module;
static struct wk_session_setup more[1];
static struct wk_setup setup;
static struct wk_push push;
static struct wk_line line;
static struct wk_line_station station;
static struct wk_bearssl bearssl;
static uint8_t frame[FRAME];

/* What the server of one client keeps in RAM beside its buffers: APDUs that come and go, those
 * under way in the session and the pushes, and frames. tools/report_size looks how large this is. */
#define STATION                                                                                \
    (sizeof station - sizeof station.in - sizeof station.out - sizeof station.session.plain -  \
     sizeof station.session.stage)
#define LINE    (sizeof line - sizeof line.frame_out)
#define PUSH    (sizeof push - sizeof push.body - sizeof push.apdu)
#define KEYS    (sizeof more + sizeof bearssl + sizeof(struct wk_session_security))
#define OBJECTS (sizeof setup + sizeof(struct wk_object_table))
extern volatile uint8_t server_state[STATION + LINE + PUSH + KEYS + OBJECTS];
volatile uint8_t server_state[STATION + LINE + PUSH + KEYS + OBJECTS];

static wk_err draw(void *self, void *to, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)to)[i] = server_octet;
    }
    return WK_OK;
}

static uint32_t draw_number(void *self)
{
    (void)self;
    return server_octet;
}

static void send(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++) {
        server_octet = octets[i];
    }
}

static wk_err start(const struct dlms_size_meter *meter)
{
    const struct wk_module_ports ports = {.flash = server_flash, .crypto = &bearssl.hal};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1",
                     .logical_name = "WKT0000010000001",
                     .phases = meter->phases},
        .period_s = 900,
        .setups = more,
        .setup_count = 1,
        .pairs = meter->identity,
        .setup = &setup,
        .payment = meter->payment,
    };
    wk_bearssl_init(&bearssl, NULL, draw);
    meter->add_crypto(&bearssl);
    WK_TRY(wk_module_init(&module, &config, &ports));
    const struct wk_push_config pushing = {.table = &module.table,
                                           .role = WK_ROLE_MANAGEMENT,
                                           .max_pdu = 512,
                                           .draw = draw_number,
                                           .compact = meter->compact};
    WK_TRY(wk_push_init(&push, &pushing));
    module.rooms.push = &push;
    const struct wk_line_config lines = {
        .address = {1, 17, 2},
        .limits = {128, 128, 1, 1},
        .session = wk_module_session(&module, &bearssl.hal),
        .stations = &station,
        .station_count = 1,
        .frame_in = frame,
        .frame_in_room = sizeof frame,
        .send = send,
    };
    return wk_line_init(&line, &lines);
}

static void deliver(int64_t now_us)
{
    uint8_t room[WK_PUSH_BODY + WK_PUSH_PROTECTION];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const struct wk_push_setup *to;
    wk_push_tick(&push, now_us);
    if (wk_push_begin(&push, now_us, &to) && wk_push_sends(&push) &&
        wk_push_output(&push, now_us, &out) == WK_OK) {
        send(NULL, room, out.size);
        wk_push_sent(&push, now_us);
        wk_push_receive(&push, now_us, wk_bytes_in_of(room, server_octet));
    }
}

void dlms_size_serve(const struct dlms_size_meter *meter)
{
    struct wk_line_time now = {0};
    server_state[0] = 0;
    bool on = start(meter) == WK_OK;
    while (on) {
        const uint8_t octet = server_octet;
        now.steady_us += octet;
        wk_line_receive(&line, now, &octet, 1);
        wk_line_tick(&line, now);
        deliver(now.utc_us);
        on = octet != 0;
    }
}
