/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the objects of a whole meter behind the session: any value of A-XDR into any attribute,
 * any parameter to any method, any selection of any buffer; and any of these through data
 * protection, sealed with the right keys. What must hold: what an attribute gives is one whole value,
 * piece by piece; what was taken can be read again; the store holds; what is sealed opens, at both
 * ends, and what was changed on its way does not. */
#include <stdlib.h>
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/compact.h"
#include "management/data_protection_layer.h"
#include "management/module.h"
#include "management/parameter_monitor.h"
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
    struct wk_data_protection protection;
    struct wk_parameter_monitor parameters;
} g_world;
static struct world g_fresh;
static struct wk_crypto g_crypto;
static uint8_t g_whole[WHOLE];
static struct wk_data_protection g_client_rooms;
static struct wk_session_security g_client; /* that of the meter, with the client's title */
static const uint8_t k_client[WK_CIPHER_TITLE] = {'C', 'L', 'T', 0, 0, 0, 0, 9};

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
        .parameter_monitor = &g_world.parameters,
    };
    wk_parameter_monitor_init(&g_world.parameters, &g_crypto.hal);
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
    wk_data_protection_init(&g_world.protection, &g_crypto.hal);
    wk_data_protection_init(&g_client_rooms, &g_crypto.hal);
    g_world.module.rooms.data_protection = &g_world.protection;
    g_world.module.security.setup[0].broadcast = k_key;
    g_world.module.security.server_next = 1;
    g_world.module.security.server_reserved = 4 * STEPS;
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

/* ---- through data protection ------------------------------------------------------------- */

#define METHOD_GET    1
#define METHOD_SET    2
#define METHOD_INVOKE 3

/* The first octet of a step says how. */
struct form {
    uint8_t method;
    bool spoiled;
    uint8_t id; /* attribute or method of the object */
    struct wk_data_protection_layers layers;
};

static struct form read_form(struct wk_bytes_in *in)
{
    static const uint8_t k_keys[] = {WK_ENVELOPE_KEY_UNICAST, WK_ENVELOPE_KEY_BROADCAST,
                                     WK_ENVELOPE_KEY_WRAPPED};
    const uint8_t how = wk_bytes_in_u8(in);
    struct form form = {.method = (uint8_t)(1 + how % 3U),
                        .spoiled = how >= 0xC0,
                        .id = wk_bytes_in_u8(in),
                        .layers = {.count = 1}};
    struct wk_data_protection_layer *layer = &form.layers.layer[0];
    layer->kind = (uint8_t)(how / 3U % 3U);
    layer->key.kind = k_keys[how / 9U % 3U];
    layer->envelope.transaction_size = WK_ENVELOPE_TRANSACTION;
    memcpy(layer->envelope.originator, k_client, WK_CIPHER_TITLE);
    memcpy(layer->envelope.recipient, g_world.module.security.title, WK_CIPHER_TITLE);
    return form;
}

static int64_t accepted(void)
{
    static const uint8_t k_counter[] = {0, 0, 43, 1, 5, 255};
    int64_t counter = 0;
    (void)wk_objects_setup_number(&g_world.module.rooms, 1, k_counter, 2, &counter);
    return counter;
}

/* The client, who has the keys of the meter and counts on from what it accepted. */
static struct wk_data_protection_desk client_desk(void)
{
    g_client = g_world.module.security;
    memcpy(g_client.title, k_client, WK_CIPHER_TITLE);
    g_client.server_next = (uint32_t)accepted() + 1;
    g_client.server_reserved = g_client.server_next + 1;
    return (struct wk_data_protection_desk){
        .protection = &g_client_rooms, .security = &g_client, .now = {NOW_US / 1000000}};
}

/* Seals what a step has left, as the values of one attribute or the parameter of a method. */
static wk_err seal(struct form *form, struct wk_bytes_in *in, struct wk_bytes_in *octets)
{
    struct wk_data_protection_desk desk = client_desk();
    struct wk_bytes_out out =
        wk_bytes_out_of(g_client_rooms.room[0], sizeof g_client_rooms.room[0]);
    if (form->method == METHOD_SET) {
        wk_axdr_put_structure(&out, 1);
    }
    wk_bytes_out_put(&out, in->data + in->at, wk_bytes_in_left(in));
    *octets = wk_bytes_in_of(out.data, out.size);
    const wk_err err = wk_data_protection_seal(&desk, &form->layers, 0, octets);
    if (err == WK_OK && form->spoiled) { /* the octets stand in the other room */
        const size_t at = octets->size / 2;
        g_client_rooms.room[1][(size_t)(octets->data - g_client_rooms.room[1]) + at] ^= 1U;
    }
    return err;
}

static void put_target(struct wk_bytes_out *out, const struct wk_object *object,
                       const struct form *form)
{
    const bool invokes = form->method == METHOD_INVOKE;
    if (!invokes) {
        wk_axdr_put_array(out, 1);
    }
    wk_axdr_put_structure(out, invokes ? 3 : 5);
    wk_axdr_put_long_unsigned(out, object->class_id);
    wk_axdr_put_octet_string(out, object->obis, sizeof object->obis);
    wk_axdr_put_integer(out, (int8_t)form->id);
    if (!invokes) {
        wk_axdr_put_long_unsigned(out, 0);
        wk_axdr_put_null(out);
    }
}

/* What comes back opens at the client, and is one value. */
static void check_reply(const uint8_t *octets, size_t size)
{
    struct wk_data_protection_desk desk = client_desk();
    struct wk_data_protection_layers layers;
    struct wk_bytes_in plain;
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    size_t sealed_size = 0;
    uint8_t at;
    require(wk_axdr_read_count(&in, WK_AXDR_STRUCTURE) == 2);
    require(wk_data_protection_read_layers(&in, &layers) == WK_OK);
    const uint8_t *sealed = wk_axdr_read_octets(&in, &sealed_size);
    require(wk_bytes_in_end(&in) == WK_OK);
    require(wk_data_protection_open(&desk, &layers, wk_bytes_in_of(sealed, sealed_size), &at,
                                    &plain) == WK_OK);
    require(is_one_value(plain.data, plain.size));
}

/* The same object, by way of class 30. */
static void protect(const struct wk_object_call *call, struct wk_bytes_in in)
{
    static const uint8_t k_protection[] = {0, 0, 43, 2, 0, 255};
    static uint8_t request[WK_DATA_PROTECTION_ROOM];
    uint8_t room[2 * PIECE];
    const struct wk_session_security *security = &g_world.module.security;
    const int64_t before = accepted();
    const uint32_t refused = security->not_deciphered + security->replays;
    struct wk_object_call own = *call;
    struct wk_bytes_in octets = wk_bytes_in_of(NULL, 0);
    struct wk_bytes_out out = wk_bytes_out_of(request, sizeof request);
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    struct form form = read_form(&in);
    if (in.fault != WK_OK ||
        (form.method != METHOD_GET && seal(&form, &in, &octets) != WK_OK)) {
        return;
    }
    own.object = wk_objects_find(3, 30, k_protection);
    wk_axdr_put_structure(&out, form.method == METHOD_GET ? 2 : 3);
    put_target(&out, call->object, &form);
    wk_data_protection_put_layers(&out, &form.layers);
    if (form.method != METHOD_GET) {
        wk_axdr_put_octet_string(&out, octets.data, octets.size);
    }
    struct wk_bytes_in parameter = wk_bytes_in_of(request, out.size);
    const wk_err err =
        own.object->access->functions->action(&own, form.method, &parameter, &reply);
    const bool tagged = form.layers.layer[0].kind != WK_DATA_PROTECTION_ENCRYPTED;
    const bool spoiled = form.spoiled && form.method != METHOD_GET;
    if (spoiled && tagged) {
        require(err != WK_OK && accepted() == before);
    } else if (!spoiled) {
        require(security->not_deciphered + security->replays == refused);
        require(err != WK_OK || !tagged || form.method == METHOD_GET || accepted() > before);
    }
    require(wk_module_settle(&g_world.module) == WK_OK);
    if (err == WK_OK && reply.fault == WK_OK && reply.size > 0) {
        check_reply(room, reply.size);
    }
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
        if (how == 0xF0) {
            protect(&call, wk_bytes_in_of(octets, length));
        } else if (how >> 4 < 6 && id <= call.object->attributes && id > 1) {
            set(&call, id, octets, length);
        } else if (how >> 4 < 11 && id <= call.object->methods) {
            act(&call, id, octets, length);
        } else if (id <= call.object->attributes && id > 1) {
            select_and_get(&call, id, octets, length);
        }
    }
    return 0;
}
