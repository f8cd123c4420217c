/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the objects of a whole meter behind the session: any value of A-XDR into any attribute,
 * any parameter to any method, any selection of any buffer. What must hold: what an attribute
 * gives is one whole value, piece by piece; what was taken can be read again; the store holds. */
#include <stdlib.h>
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/compact.h"
#include "management/module.h"
#include "management/push.h"
#include "management/test_contactor.h"
#include "port/linux/crypto.h"
#include "port/virtual/flash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS   24
#define SECTOR  4096
#define SECTORS 44
#define PIECE   512
#define WHOLE   60000
#define NOW_US  INT64_C(1790000000000000)

/* Everything that a run changes. */
static struct world {
    uint8_t octets[SECTOR * SECTORS];
    struct wk_flash flash;
    struct wk_module module;
    struct wk_session_setup more[1];
    struct wk_session_identity identity;
    struct wk_push push;
    struct wk_setup setup;
} g_world;
static struct world g_fresh;
static struct wk_crypto g_crypto;
static uint8_t g_whole[WHOLE];

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint32_t draw_number(void *self)
{
    (void)self;
    return 1;
}

static void make_world(void)
{
    static const struct wk_hal_key k_key = {.octets = {1, 2, 3}, .size = 16};
    require(wk_crypto_init(&g_crypto) == WK_OK);
    const struct wk_module_ports ports = {
        .flash = &g_world.flash.port, .contactor = &k_contactor, .crypto = &g_crypto.hal};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 3},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = 4,
        .layout = {.kv_sectors = 4, .log_sectors = {4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}},
        .system_title = {'W', 'K', 'P', 0, 0, 0, 0, 1},
        .keys = {.ek = k_key, .ak = k_key},
        .kek = k_key,
        .password[WK_ROLE_READER] = {.octets = {'p', 'w'}, .size = 2},
        .setups = g_world.more,
        .setup_count = 1,
        .pairs = &g_world.identity,
        .setup = &g_world.setup,
    };
    g_world.more[0] = (struct wk_session_setup){.keys = {.ek = k_key, .ak = k_key}};
    wk_flash_init(&g_world.flash, g_world.octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_world.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    require(wk_module_init(&g_world.module, &config, &ports) == WK_OK);
    const struct wk_push_config push = {.table = &g_world.module.table,
                                        .zone = &wk_zone_central_europe,
                                        .role = WK_ROLE_MANAGEMENT,
                                        .max_pdu = 1024,
                                        .draw = draw_number,
                                        .compact = wk_compact_put};
    require(wk_push_init(&g_world.push, &push) == WK_OK);
    g_world.module.rooms.push = &g_world.push;
    g_fresh = g_world;
}

static bool is_one_value(const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    wk_axdr_skip(&in);
    return wk_bytes_in_end(&in) == WK_OK;
}

/* Reads an attribute as a session does, by pieces. */
static void get(const struct wk_object_call *call, uint8_t attribute,
                const struct wk_object_selection *selection)
{
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out whole = wk_bytes_out_of(g_whole, sizeof g_whole);
    if (call->object->access->functions == NULL ||
        call->object->access->functions->get == NULL) {
        return;
    }
    do {
        uint8_t room[PIECE];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        cursor.more = false;
        const wk_err err =
            call->object->access->functions->get(call, attribute, selection, &cursor, &out);
        if (err != WK_OK || out.fault != WK_OK) {
            return; /* not there, or longer than this room */
        }
        require(out.size > 0);
        wk_bytes_out_put(&whole, room, out.size);
    } while (cursor.more && whole.fault == WK_OK);
    require(whole.fault != WK_OK || is_one_value(g_whole, whole.size));
}

static void read_all(const struct wk_object_call *call)
{
    static const struct wk_object_selection k_all = {.kind = WK_OBJECT_SELECT_ALL};
    for (uint8_t attribute = 2; attribute <= call->object->attributes; attribute++) {
        get(call, attribute, &k_all);
    }
}

static void set(const struct wk_object_call *call, uint8_t attribute, const uint8_t *octets,
                size_t size)
{
    const struct wk_object_class *functions = call->object->access->functions;
    if (functions == NULL || functions->set == NULL || !is_one_value(octets, size)) {
        return;
    }
    struct wk_bytes_in value = wk_bytes_in_of(octets, size);
    const wk_err err = functions->set(call, attribute, &value);
    require(wk_module_settle(&g_world.module) == WK_OK);
    if (err == WK_OK) {
        read_all(call);
    }
}

static void act(const struct wk_object_call *call, uint8_t method, const uint8_t *octets,
                size_t size)
{
    uint8_t room[PIECE];
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    struct wk_bytes_in parameter = wk_bytes_in_of(octets, size);
    const struct wk_object_class *functions = call->object->access->functions;
    if (functions == NULL || functions->action == NULL ||
        (size > 0 && !is_one_value(octets, size))) {
        return;
    }
    const wk_err err = functions->action(call, method, &parameter, &reply);
    require(wk_module_settle(&g_world.module) == WK_OK);
    if (err == WK_OK && reply.fault == WK_OK) {
        require(reply.size == 0 || is_one_value(room, reply.size));
        read_all(call);
    }
}

static void select_and_get(const struct wk_object_call *call, uint8_t attribute,
                           const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_object_selection selection = {.kind = wk_bytes_in_u8(&in) % 4U};
    selection.from.s = NOW_US / 1000000 - (int32_t)wk_bytes_in_u32be(&in);
    selection.to.s = selection.from.s + (int32_t)wk_bytes_in_u32be(&in);
    selection.value_from = selection.from.s;
    selection.value_to = selection.to.s;
    selection.entry_first = wk_bytes_in_u32be(&in);
    selection.entry_last = wk_bytes_in_u32be(&in);
    selection.column_first = wk_bytes_in_u8(&in);
    selection.column_last = wk_bytes_in_u8(&in);
    selection.restricting = wk_bytes_in_u8(&in);
    get(call, attribute, &selection);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (g_crypto.hal.self == NULL) {
        make_world();
    } else {
        g_world = g_fresh;
    }
    g_closed = true;
    struct wk_bytes_in in = wk_bytes_in_of(data, size);
    for (int i = 0; i < STEPS && wk_bytes_in_left(&in) >= 4; i++) {
        const uint16_t which = wk_bytes_in_u16be(&in);
        const uint8_t how = wk_bytes_in_u8(&in);
        const size_t announced = wk_bytes_in_u8(&in);
        const size_t left = wk_bytes_in_left(&in);
        const size_t length = announced < left ? announced : left;
        const uint8_t *octets = wk_bytes_in_take(&in, length);
        const struct wk_object_table *table = &g_world.module.table;
        const struct wk_object_call call = {.meter = table->meter,
                                            .object = &table->rows[which % table->count],
                                            .now_us = NOW_US + i * INT64_C(1000000),
                                            .role = WK_ROLE_MANAGEMENT};
        const uint8_t id = (uint8_t)(1 + how % 16U);
        if (how >> 4 < 6 && id <= call.object->attributes && id > 1) {
            set(&call, id, octets, length);
        } else if (how >> 4 < 11 && id <= call.object->methods) {
            act(&call, id, octets, length);
        } else if (id <= call.object->attributes && id > 1) {
            select_and_get(&call, id, octets, length);
        }
    }
    return 0;
}
