/* SPDX-License-Identifier: Apache-2.0
 *
 * The value of the supply in the store: settings by their tables, then what must outlive a power
 * cut. docs/supply.md lists the fields. */
#include "management/module_supply.h"

#include "base/crc.h"

#define VERSION 1

/* ---- latches: those that are on, as bits ------------------------------------------------------ */

enum { LATCHES = WK_PROTECTION_PHASES + 1 + WK_ROOMS_LIMITERS };

static struct wk_latch *latch_at(struct wk_rooms_control *control, int index)
{
    if (index < WK_PROTECTION_PHASES) {
        return &control->protection.voltage[index];
    }
    return index == WK_PROTECTION_PHASES
               ? &control->protection.heat
               : &control->limiter[index - WK_PROTECTION_PHASES - 1].latch;
}

static uint8_t latch_bits(const struct wk_rooms_control *control)
{
    uint32_t bits = 0;
    for (int i = 0; i < WK_PROTECTION_PHASES; i++) {
        bits |= control->protection.voltage[i].on ? 1U << i : 0U;
    }
    bits |= control->protection.heat.on ? 1U << WK_PROTECTION_PHASES : 0U;
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        bits |= control->limiter[i].latch.on ? 1U << (WK_PROTECTION_PHASES + 1 + i) : 0U;
    }
    return (uint8_t)bits;
}

static void unpack_latches(struct wk_rooms_control *control, uint8_t bits)
{
    for (int i = 0; i < LATCHES; i++) {
        *latch_at(control, i) = (struct wk_latch){.on = ((unsigned)bits >> i & 1U) != 0};
    }
}

/* ---- relays and response ----------------------------------------------------------------- */

static void pack_relay(const struct wk_relay *relay, struct wk_bytes_out *out)
{
    wk_setting_pack(&wk_relay_table, &relay->settings, out);
    wk_bytes_out_u8(out, relay->slot);
    wk_bytes_out_u8(out, (uint8_t)((relay->scheduled ? 1 : 0) | (relay->pending ? 2 : 0)));
    wk_bytes_out_u64le(out, (uint64_t)relay->due_us);
    wk_bytes_out_u64le(out, (uint64_t)relay->back_us);
}

static void unpack_relay(struct wk_relay *relay, struct wk_bytes_in *in)
{
    wk_setting_unpack(&wk_relay_table, &relay->settings, in);
    relay->slot = wk_bytes_in_u8(in);
    const uint8_t bits = wk_bytes_in_u8(in);
    relay->scheduled = (bits & 1) != 0;
    relay->pending = (bits & 2) != 0;
    relay->due_us = (int64_t)wk_bytes_in_u64le(in);
    relay->back_us = (int64_t)wk_bytes_in_u64le(in);
    relay->on = false; /* as the relay is without power */
    if (relay->slot != WK_RELAY_NO_SLOT && relay->slot >= relay->settings.switches) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static void pack_response(const struct wk_response *response, struct wk_bytes_out *out)
{
    wk_setting_pack(&wk_response_table, &response->settings, out);
    wk_bytes_out_u8(out, response->level);
    wk_bytes_out_u8(out, response->ordered);
    wk_bytes_out_u64le(out, (uint64_t)response->begin_s);
    wk_bytes_out_u64le(out, (uint64_t)response->end_s);
}

static void unpack_response(struct wk_response *response, struct wk_bytes_in *in)
{
    wk_setting_unpack(&wk_response_table, &response->settings, in);
    response->level = wk_bytes_in_u8(in);
    response->ordered = wk_bytes_in_u8(in);
    response->begin_s = (int64_t)wk_bytes_in_u64le(in);
    response->end_s = (int64_t)wk_bytes_in_u64le(in);
    if (response->level >= WK_RESPONSE_LEVELS || response->ordered >= WK_RESPONSE_LEVELS) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

/* ---- the whole --------------------------------------------------------------------------- */

static void pack_state(const struct wk_rooms *rooms, struct wk_bytes_out *out)
{
    const struct wk_rooms_control *control = &rooms->control;
    wk_bytes_out_u8(out, (uint8_t)rooms->supply.state);
    wk_bytes_out_u8(out, rooms->supply.mode);
    wk_bytes_out_u8(out, rooms->supply.local ? 1 : 0);
    wk_bytes_out_u64le(out, (uint64_t)rooms->supply.armed_us);
    wk_bytes_out_u64le(out, (uint64_t)rooms->supply.delay_until_us);
    wk_bytes_out_u8(out, (uint8_t)control->reclose.state);
    wk_bytes_out_u8(out, control->reclose.attempts);
    wk_bytes_out_u64le(out, (uint64_t)control->reclose.tripped_us);
    wk_bytes_out_u8(out, latch_bits(control));
    wk_bytes_out_u8(out, control->emergency ? 1 : 0);
}

static void unpack_state(struct wk_rooms *rooms, struct wk_bytes_in *in)
{
    struct wk_rooms_control *control = &rooms->control;
    const uint8_t supply = wk_bytes_in_u8(in);
    rooms->supply.mode = wk_bytes_in_u8(in);
    rooms->supply.local = wk_bytes_in_u8(in) != 0;
    rooms->supply.armed_us = (int64_t)wk_bytes_in_u64le(in);
    rooms->supply.delay_until_us = (int64_t)wk_bytes_in_u64le(in);
    const uint8_t state = wk_bytes_in_u8(in);
    control->reclose.attempts = wk_bytes_in_u8(in);
    control->reclose.tripped_us = (int64_t)wk_bytes_in_u64le(in);
    unpack_latches(control, wk_bytes_in_u8(in));
    control->emergency = wk_bytes_in_u8(in) != 0;
    if (state >= WK_RECLOSE_STATES || supply >= WK_SUPPLY_STATE_COUNT ||
        rooms->supply.mode > WK_SUPPLY_MODE_MAX) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    rooms->supply.state = (wk_supply_state)supply;
    control->reclose.state = (wk_reclose_state)state;
}

void wk_module_supply_pack(const struct wk_module *module, uint8_t key,
                           struct wk_bytes_out *out)
{
    (void)key;
    const struct wk_rooms *rooms = &module->rooms;
    const struct wk_rooms_control *control = &rooms->control;
    wk_bytes_out_u8(out, VERSION);
    wk_setting_pack(&wk_supply_table, &rooms->supply.settings, out);
    wk_setting_pack(&wk_contact_table, &control->contact.settings, out);
    wk_setting_pack(&wk_protection_table, &control->protection.settings, out);
    wk_setting_pack(&wk_reclose_table, &control->reclose.settings, out);
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        wk_setting_pack(&wk_limiter_table, &control->limiter[i].settings, out);
    }
    for (int i = 0; i < WK_RELAY_COUNT; i++) {
        pack_relay(&control->relay[i], out);
    }
    pack_response(&control->response, out);
    pack_state(rooms, out);
}

wk_err wk_module_supply_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    struct wk_rooms *rooms = &module->rooms;
    struct wk_rooms_control *control = &rooms->control;
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    wk_setting_unpack(&wk_supply_table, &rooms->supply.settings, in);
    wk_setting_unpack(&wk_contact_table, &control->contact.settings, in);
    wk_setting_unpack(&wk_protection_table, &control->protection.settings, in);
    wk_setting_unpack(&wk_reclose_table, &control->reclose.settings, in);
    for (int i = 0; i < WK_ROOMS_LIMITERS; i++) {
        wk_setting_unpack(&wk_limiter_table, &control->limiter[i].settings, in);
    }
    for (int i = 0; i < WK_RELAY_COUNT; i++) {
        unpack_relay(&control->relay[i], in);
    }
    unpack_response(&control->response, in);
    unpack_state(rooms, in);
    return in->fault;
}

uint32_t wk_module_supply_crc(const struct wk_module *module)
{
    uint8_t raw[WK_MODULE_SUPPLY_ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_module_supply_pack(module, 0, &out);
    return wk_crc_32(0, raw, out.size);
}
