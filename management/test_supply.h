/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole management on flash and panel in memory, for the tests of the supply: windows,
 * commands, buttons and outages in, positions of the contactor out. One per program. */
#ifndef WK_MANAGEMENT_TEST_SUPPLY_H
#define WK_MANAGEMENT_TEST_SUPPLY_H

#include "cosem/axdr.h"
#include "management/module.h"
#include "management/module_pack.h"
#include "management/module_supply.h"
#include "port/virtual/flash.h"
#include "port/virtual/panel.h"
#include "tests/wk_test.h"

/* The events since the last look, in order. */
#define EXPECT_TOLD(wanted)                                                                    \
    do {                                                                                       \
        const char *const told_ = told();                                                      \
        if (strcmp(told_, (wanted)) != 0) {                                                    \
            WK_TEST_FAIL_("told %s, not %s", told_, (wanted));                                 \
        }                                                                                      \
    } while (0)

#define SECTOR  4096U
#define SECTORS 18U
#define US      INT64_C(1000000)
#define SPAN    (US / 5)
#define START   (INT64_C(1769986800) * US)

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_panel g_panel;
static struct wk_hal_contactor g_contactor; /* the panel's, watched */
static uint64_t g_seq;
static uint64_t g_epoch;
static int64_t g_t_us;
static uint8_t g_mode;

/* What the next windows show. */
static int32_t g_u_mv;
static int64_t g_i_ua;
static uint32_t g_flags;
static int32_t g_more_mv[3]; /* of single phases */
static int64_t g_more_ua[3];
static uint64_t g_told; /* events before this one are forgotten */

static int g_bad_closings;
static int g_bad_openings;
static int g_unasked;

static inline wk_err watch_set(void *self, bool closed)
{
    const struct wk_rooms *rooms = &g_module.rooms;
    (void)self;
    g_unasked += (rooms->supply.state == WK_SUPPLY_CONNECTED) != closed ? 1 : 0;
    g_bad_closings +=
        closed && (rooms->control.reasons != 0 ? rooms->supply.mode != 0 : false) ? 1 : 0;
    g_bad_closings += closed && g_u_mv > 264500 ? 1 : 0;
    g_bad_openings +=
        !closed && (g_i_ua > 125 * US || (g_flags & WK_RECORD_CLIPPED) != 0) ? 1 : 0;
    return g_panel.contactor.set(g_panel.contactor.self, closed);
}

static inline wk_err watch_is_closed(void *self, bool *closed)
{
    (void)self;
    return g_panel.contactor.is_closed(g_panel.contactor.self, closed);
}

static inline wk_err boot(void)
{
    const struct wk_module_config config = {
        .identity = {.serial = "WK10000001", .phases = 3},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = g_mode,
        .layout = {.kv_sectors = 4, .log_sectors = {4, 4, 4}},
        .seed = 4711,
    };
    g_contactor = (struct wk_hal_contactor){.set = watch_set, .is_closed = watch_is_closed};
    const struct wk_module_ports ports = {
        .flash = &g_flash.port,
        .contactor = &g_contactor,
        .fittings = {.relay = {&g_panel.relay[0].port, &g_panel.relay[1].port},
                     .enclosure = &g_panel.enclosure,
                     .magnet = &g_panel.magnet,
                     .thermometer = &g_panel.thermometer}};
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    g_epoch++;
    g_seq = 0;
    return wk_module_init(&g_module, &config, &ports);
}

static inline wk_err window(void)
{
    g_t_us += SPAN;
    struct wk_record record = {.seq = ++g_seq,
                               .epoch = g_epoch,
                               .t_us = g_t_us,
                               .span_us = SPAN,
                               .kind = WK_RECORD_WINDOW,
                               .flags = g_flags};
    record.window.phases = 3;
    for (int phase = 0; phase < 3; phase++) {
        const int64_t i_ua = g_panel.closed ? g_i_ua : 0;
        record.window.u_mv[phase] = g_u_mv + g_more_mv[phase];
        record.window.i_ua[phase] = i_ua + g_more_ua[phase];
        record.window.p_mw[phase] = i_ua / 1000 * g_u_mv / 1000;
    }
    return wk_module_consume(&g_module, &record);
}

static inline wk_err run_s(int64_t seconds)
{
    for (int64_t n = 0; n < seconds * 5; n++) {
        WK_TRY(window());
    }
    return WK_OK;
}

static inline wk_err start(uint8_t mode)
{
    g_mode = mode;
    g_u_mv = 230000;
    g_i_ua = 5 * US;
    g_flags = 0;
    memset(g_more_mv, 0, sizeof g_more_mv);
    memset(g_more_ua, 0, sizeof g_more_ua);
    g_told = 0;
    g_t_us = START;
    g_bad_closings = 0;
    g_bad_openings = 0;
    g_unasked = 0;
    wk_panel_init(&g_panel);
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    WK_TRY(boot());
    return run_s(1);
}

static inline struct wk_object_call call_of(uint16_t class_id, const uint8_t obis[6])
{
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, class_id, obis),
                                   .now_us = wk_module_now_us(&g_module),
                                   .role = WK_ROLE_MANAGEMENT};
}

static inline wk_err act(const uint8_t obis[6], uint8_t method)
{
    struct wk_bytes_in none = wk_bytes_in_of(NULL, 0);
    uint8_t room[16];
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    const struct wk_object_call call = call_of(70, obis);
    const wk_err err = call.object->access->functions->action(&call, method, &none, &reply);
    WK_TRY(wk_module_settle(&g_module));
    return err;
}

static const uint8_t k_supply[6] = {0, 0, 96, 3, 10, 255};
static const uint8_t k_limiter[6] = {0, 0, 17, 0, 0, 255};
static const uint8_t k_response_limiter[6] = {0, 0, 17, 0, 1, 255};

static inline wk_err set(uint16_t class_id, const uint8_t obis[6], uint8_t attribute,
                         const struct wk_bytes_out *value)
{
    struct wk_bytes_in in = wk_bytes_in_of(value->data, value->size);
    const struct wk_object_call call = call_of(class_id, obis);
    const wk_err err = call.object->access->functions->set(&call, attribute, &in);
    WK_TRY(wk_module_settle(&g_module));
    return err;
}

static inline wk_err set_long64(const uint8_t obis[6], uint8_t attribute, int64_t number)
{
    uint8_t raw[16];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_axdr_put_long64(&out, number);
    return set(71, obis, attribute, &out);
}

static inline int count_events(uint16_t code)
{
    struct wk_store_reader reader = {0};
    struct wk_event event;
    uint64_t next = 0;
    int count = 0;
    if (wk_store_log_span(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader.number, &next) !=
        WK_OK) {
        return -1;
    }
    while (wk_event_read(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader, &event) == WK_OK) {
        count += event.code == code ? 1 : 0;
    }
    return count;
}

/* The events of the supply since the last call, as "code/detail/value ". */
static inline const char *told(void)
{
    static char text[1024];
    struct wk_store_reader reader = {.number = g_told};
    struct wk_event event;
    size_t size = 0;
    uint64_t oldest = 0;
    text[0] = 0;
    if (wk_store_log_span(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &oldest, &g_told) !=
        WK_OK) {
        return "no span";
    }
    while (wk_event_read(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader, &event) == WK_OK &&
           size < sizeof text) {
        if (strcmp(wk_event_group(event.code), "supply") != 0) {
            continue;
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "%u/%u/%" PRId32 " ",
                                 (unsigned)event.code, (unsigned)event.detail, event.value);
    }
    return text;
}

static inline wk_supply_state state(void)
{
    return g_module.rooms.supply.state;
}

#endif
