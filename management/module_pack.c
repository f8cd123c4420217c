/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_pack.h"

#define CORE_VERSION     2
#define CORE_VERSION_OLD 1 /* fewer registers */
#define SECURITY_VERSION 1
#define CORE_MAX         512
#define SECURITY_MAX     128
#define RESERVE_STEP     4096 /* server invocation counters taken at a time */
#define RESERVE_LEAST    1024 /* fewer left: take more with the next commit */
#define PUTS_MAX         3

/* ---- the core ---------------------------------------------------------------------------- */

static void pack_core(const struct wk_module *module, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = &module->rooms;
    wk_bytes_out_u8(out, CORE_VERSION);
    wk_bytes_out_u64le(out, module->cursor.epoch);
    wk_bytes_out_u64le(out, module->cursor.seq);
    wk_bytes_out_u64le(out, (uint64_t)rooms->t_us);
    wk_bytes_out_u64le(out, (uint64_t)rooms->clock.shift_us);
    wk_bytes_out_u8(out, (uint8_t)rooms->supply.state);
    wk_bytes_out_u8(out, rooms->supply.mode);
    wk_bytes_out_u32le(out, rooms->power_failures);
    wk_registers_pack(&rooms->registers, out);
    wk_profile_pack(&rooms->profile, out);
}

static wk_err unpack_core(struct wk_module *module, struct wk_bytes_in *in)
{
    struct wk_rooms *rooms = &module->rooms;
    const uint16_t period_s = rooms->profile.period_s;
    const uint8_t version = wk_bytes_in_u8(in);
    if (version != CORE_VERSION && version != CORE_VERSION_OLD) {
        return WK_E_FORMAT;
    }
    module->cursor.epoch = wk_bytes_in_u64le(in);
    module->cursor.seq = wk_bytes_in_u64le(in);
    rooms->t_us = (int64_t)wk_bytes_in_u64le(in);
    rooms->clock.shift_us = (int64_t)wk_bytes_in_u64le(in);
    const uint8_t state = wk_bytes_in_u8(in);
    rooms->supply.mode = wk_bytes_in_u8(in);
    rooms->power_failures = wk_bytes_in_u32le(in);
    wk_registers_unpack(&rooms->registers, in, version == CORE_VERSION_OLD);
    wk_profile_unpack(&rooms->profile, in);
    WK_TRY(wk_bytes_in_end(in));
    if (state >= WK_SUPPLY_STATE_COUNT || rooms->supply.mode > WK_SUPPLY_MODE_MAX) {
        return WK_E_FORMAT;
    }
    rooms->supply.state = (wk_supply_state)state;
    if (rooms->profile.period_s != period_s) { /* configured anew: the open interval is void */
        rooms->profile.period_s = period_s;
        wk_profile_restart(&rooms->profile, WK_PROFILE_NOT_VALID);
    }
    return WK_OK;
}

/* ---- security ---------------------------------------------------------------------------- */

static uint32_t counters_to_reserve(const struct wk_session_security *security)
{
    const uint32_t left = security->server_reserved - security->server_next;
    const bool room = security->server_reserved <= UINT32_MAX - RESERVE_STEP;
    return left < RESERVE_LEAST && room ? security->server_reserved + RESERVE_STEP
                                        : security->server_reserved;
}

bool wk_module_counters_run_low(const struct wk_module *module)
{
    return counters_to_reserve(&module->security) != module->security.server_reserved;
}

static void pack_security(const struct wk_session_security *security, uint32_t reserved,
                          struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, SECURITY_VERSION);
    wk_bytes_out_u32le(out, reserved);
    wk_bytes_out_u32le(out, security->replays);
    wk_bytes_out_u32le(out, security->not_deciphered);
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        wk_bytes_out_u32le(out, security->client_counter[role]);
        wk_bytes_out_u32le(out, security->failed_logins[role]);
        wk_bytes_out_u8(out, security->lock[role].failures);
        wk_bytes_out_u64le(out, (uint64_t)security->lock[role].until_us);
    }
}

static wk_err unpack_security(struct wk_session_security *security, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != SECURITY_VERSION) {
        return WK_E_FORMAT;
    }
    security->server_reserved = wk_bytes_in_u32le(in);
    security->server_next = security->server_reserved; /* what was reserved may be used up */
    security->replays = wk_bytes_in_u32le(in);
    security->not_deciphered = wk_bytes_in_u32le(in);
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        security->client_counter[role] = wk_bytes_in_u32le(in);
        security->failed_logins[role] = wk_bytes_in_u32le(in);
        security->lock[role].failures = wk_bytes_in_u8(in);
        security->lock[role].until_us = (int64_t)wk_bytes_in_u64le(in);
    }
    return wk_bytes_in_end(in);
}

/* ---- commit and restore ------------------------------------------------------------------ */

wk_err wk_module_store(struct wk_module *module)
{
    uint8_t core[CORE_MAX];
    uint8_t tariff[WK_TARIFF_PACKED_MAX];
    uint8_t secure[SECURITY_MAX];
    struct wk_session_security *security = &module->security;
    const uint32_t reserved = counters_to_reserve(security);
    struct wk_store_put puts[PUTS_MAX];
    size_t count = 0;

    struct wk_bytes_out out = wk_bytes_out_of(core, sizeof core);
    pack_core(module, &out);
    WK_TRY(out.fault);
    puts[count++] = (struct wk_store_put){WK_MODULE_KEY_CORE, core, (uint16_t)out.size};
    if (module->tariff_changed) {
        out = wk_bytes_out_of(tariff, sizeof tariff);
        wk_tariff_pack(&module->rooms.tariff, &out);
        WK_TRY(out.fault);
        puts[count++] = (struct wk_store_put){WK_MODULE_KEY_TARIFF, tariff, (uint16_t)out.size};
    }
    if (security->dirty || reserved != security->server_reserved) {
        out = wk_bytes_out_of(secure, sizeof secure);
        pack_security(security, reserved, &out);
        WK_TRY(out.fault);
        puts[count++] =
            (struct wk_store_put){WK_MODULE_KEY_SECURITY, secure, (uint16_t)out.size};
    }
    WK_TRY(wk_store_commit(&module->rooms.store, puts, count));
    security->server_reserved = reserved; /* usable only now that it is committed */
    security->dirty = false;
    return WK_OK;
}

static wk_err restore_key(const struct wk_module *module, uint8_t key, uint8_t *to, size_t room,
                          struct wk_bytes_in *in)
{
    size_t size = 0;
    const wk_err err = wk_store_get(&module->rooms.store, key, to, room, &size);
    *in = wk_bytes_in_of(to, size);
    return err;
}

wk_err wk_module_restore(struct wk_module *module)
{
    uint8_t raw[WK_TARIFF_PACKED_MAX];
    struct wk_bytes_in in;
    wk_err err = restore_key(module, WK_MODULE_KEY_CORE, raw, sizeof raw, &in);
    if (err == WK_OK) {
        err = unpack_core(module, &in);
    }
    if (err != WK_OK && err != WK_E_NOT_FOUND) {
        return err;
    }
    err = restore_key(module, WK_MODULE_KEY_TARIFF, raw, sizeof raw, &in);
    if (err == WK_OK) {
        err = wk_tariff_unpack(&module->rooms.tariff, &in);
    } else if (err == WK_E_NOT_FOUND) {
        module->tariff_changed = true;
        err = WK_OK;
    }
    WK_TRY(err);
    err = restore_key(module, WK_MODULE_KEY_SECURITY, raw, sizeof raw, &in);
    if (err == WK_E_NOT_FOUND) {
        return WK_OK;
    }
    WK_TRY(err);
    return unpack_security(&module->security, &in);
}
