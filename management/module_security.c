/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_security.h"

#include <string.h>

#include "management/module_pack.h"

#define VERSION       2
#define VERSION_FIRST 1 /* had one counter for each role */
#define RESERVE_STEP  4096
#define RESERVE_LEAST 1024

static uint8_t setups_of(const struct wk_session_security *security)
{
    return (uint8_t)(1 + security->more_count);
}

static const struct wk_session_setup *setup_at(const struct wk_session_security *security,
                                               uint8_t number)
{
    return number == 0 ? &security->setup[0] : &security->more[number - 1];
}

/* ---- counters ---------------------------------------------------------------------------- */

uint32_t wk_module_security_reserve(const struct wk_session_security *security)
{
    const uint32_t left = security->server_reserved - security->server_next;
    const bool room = security->server_reserved <= UINT32_MAX - RESERVE_STEP;
    return left < RESERVE_LEAST && room ? security->server_reserved + RESERVE_STEP
                                        : security->server_reserved;
}

void wk_module_security_pack(const struct wk_module *module, uint8_t key,
                             struct wk_bytes_out *out)
{
    const struct wk_session_security *security = &module->security;
    (void)key;
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u32le(out, wk_module_security_reserve(security));
    wk_bytes_out_u32le(out, security->replays);
    wk_bytes_out_u32le(out, security->not_deciphered);
    wk_bytes_out_u8(out, setups_of(security));
    for (uint8_t i = 0; i < setups_of(security); i++) {
        for (int which = 0; which < WK_SHIELD_DEDICATED; which++) {
            wk_bytes_out_u32le(out, setup_at(security, i)->counter[which]);
        }
    }
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        wk_bytes_out_u32le(out, security->failed_logins[role]);
        wk_bytes_out_u8(out, security->lock[role].failures);
        wk_bytes_out_u64le(out, (uint64_t)security->lock[role].until_us);
    }
}

static void unpack_counters(struct wk_session_security *security, struct wk_bytes_in *in)
{
    const uint8_t count = wk_bytes_in_u8(in);
    for (uint8_t i = 0; i < count && in->fault == WK_OK; i++) {
        struct wk_session_setup *setup = wk_session_setup_of(security, i);
        for (int which = 0; which < WK_SHIELD_DEDICATED; which++) {
            const uint32_t counter = wk_bytes_in_u32le(in);
            if (setup != NULL) {
                setup->counter[which] = counter;
            }
        }
    }
}

wk_err wk_module_security_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_session_security *security = &module->security;
    (void)key;
    const uint8_t version = wk_bytes_in_u8(in);
    if (version != VERSION && version != VERSION_FIRST) {
        return WK_E_FORMAT;
    }
    security->server_reserved = wk_bytes_in_u32le(in);
    security->server_next = security->server_reserved; /* what was reserved may be used up */
    security->replays = wk_bytes_in_u32le(in);
    security->not_deciphered = wk_bytes_in_u32le(in);
    if (version == VERSION) {
        unpack_counters(security, in);
    }
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        const uint32_t counter = version == VERSION_FIRST ? wk_bytes_in_u32le(in) : 0;
        if (version == VERSION_FIRST && role == WK_ROLE_MANAGEMENT) {
            security->setup[0].counter[WK_SHIELD_UNICAST] = counter;
        }
        security->failed_logins[role] = wk_bytes_in_u32le(in);
        security->lock[role].failures = wk_bytes_in_u8(in);
        security->lock[role].until_us = (int64_t)wk_bytes_in_u64le(in);
    }
    return WK_OK;
}

/* ---- keys -------------------------------------------------------------------------------- */

static void put_key(struct wk_bytes_out *out, const struct wk_hal_key *key)
{
    wk_bytes_out_u8(out, key->size);
    wk_bytes_out_u8(out, key->slot);
    wk_bytes_out_put(out, key->octets, key->slot == 0 ? key->size : 0);
}

static void read_key(struct wk_bytes_in *in, struct wk_hal_key *key)
{
    *key = (struct wk_hal_key){.size = wk_bytes_in_u8(in)};
    key->slot = wk_bytes_in_u8(in);
    if (key->size > WK_HAL_KEY_SIZE) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    wk_bytes_in_copy(in, key->octets, key->slot == 0 ? key->size : 0);
}

void wk_module_keys_pack(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    const struct wk_session_security *security = &module->security;
    (void)key;
    wk_bytes_out_u8(out, VERSION_FIRST);
    wk_bytes_out_u8(out, setups_of(security));
    for (uint8_t i = 0; i < setups_of(security); i++) {
        const struct wk_session_setup *setup = setup_at(security, i);
        wk_bytes_out_u8(out, setup->policy);
        wk_bytes_out_u8(out, setup->suite);
        put_key(out, &setup->keys.ek);
        put_key(out, &setup->keys.ak);
        put_key(out, &setup->broadcast);
        put_key(out, &setup->kek);
    }
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        const struct wk_session_secret *secret = &security->password[role];
        wk_bytes_out_u8(out, secret->size);
        wk_bytes_out_put(out, secret->octets, secret->size);
    }
}

wk_err wk_module_keys_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_session_security *security = &module->security;
    (void)key;
    if (wk_bytes_in_u8(in) != VERSION_FIRST) {
        return WK_E_FORMAT;
    }
    const uint8_t count = wk_bytes_in_u8(in);
    for (uint8_t i = 0; i < count && in->fault == WK_OK; i++) {
        struct wk_session_setup gone = {0}; /* of a configuration that had more of them */
        struct wk_session_setup *there = wk_session_setup_of(security, i);
        struct wk_session_setup *setup = there != NULL ? there : &gone;
        setup->policy = wk_bytes_in_u8(in);
        setup->suite = wk_bytes_in_u8(in);
        read_key(in, &setup->keys.ek);
        read_key(in, &setup->keys.ak);
        read_key(in, &setup->broadcast);
        read_key(in, &setup->kek);
    }
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        struct wk_session_secret secret = {.size = wk_bytes_in_u8(in)};
        if (secret.size > WK_SESSION_PASSWORD) {
            return WK_E_FORMAT;
        }
        wk_bytes_in_copy(in, secret.octets, secret.size);
        security->password[role] = secret;
    }
    return in->fault;
}

/* ---- key pairs and certificates ---------------------------------------------------------- */

void wk_module_identity_pack(const struct wk_module *module, uint8_t key,
                             struct wk_bytes_out *out)
{
    const struct wk_session_identity *identity = module->security.identity;
    (void)key;
    wk_bytes_out_u8(out, VERSION_FIRST);
    if (identity != NULL) {
        wk_session_pairs_pack(identity, out);
    }
}

wk_err wk_module_identity_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_session_identity *identity = module->security.identity;
    (void)key;
    if (wk_bytes_in_u8(in) != VERSION_FIRST) {
        return WK_E_FORMAT;
    }
    if (identity == NULL || wk_bytes_in_left(in) == 0) { /* then or now there was none */
        (void)wk_bytes_in_take(in, wk_bytes_in_left(in));
        return WK_OK;
    }
    wk_session_pairs_unpack(identity, in);
    return in->fault;
}

void wk_module_certificate_pack(const struct wk_module *module, uint8_t key,
                                struct wk_bytes_out *out)
{
    const struct wk_session_identity *identity = module->security.identity;
    if (identity != NULL) {
        const struct wk_session_certificate *held =
            &identity->certificate[key - WK_MODULE_KEY_CERTIFICATE];
        wk_bytes_out_put(out, held->der, held->size);
    }
}

wk_err wk_module_certificate_unpack(struct wk_module *module, uint8_t key,
                                    struct wk_bytes_in *in)
{
    struct wk_session_identity *identity = module->security.identity;
    const size_t size = wk_bytes_in_left(in);
    const uint8_t *der = wk_bytes_in_take(in, size);
    if (size > WK_CERTIFICATE_DER) {
        return WK_E_FORMAT;
    }
    if (identity != NULL && size > 0) {
        struct wk_session_certificate *held =
            &identity->certificate[key - WK_MODULE_KEY_CERTIFICATE];
        memcpy(held->der, der, size);
        held->size = (uint16_t)size;
    }
    return WK_OK;
}

/* ---- what changed ------------------------------------------------------------------------ */

void wk_module_security_mark(struct wk_module *module)
{
    const struct wk_session_security *security = &module->security;
    const struct wk_session_identity *identity = security->identity;
    if (security->dirty || security->keys_dirty ||
        wk_module_security_reserve(security) != security->server_reserved) {
        wk_module_changed(module, WK_MODULE_KEY_SECURITY);
    }
    if (security->keys_dirty) {
        wk_module_changed(module, WK_MODULE_KEY_KEYS);
    }
    if (identity == NULL) {
        return;
    }
    if ((identity->changed & WK_SESSION_PAIRS_CHANGED) != 0) {
        wk_module_changed(module, WK_MODULE_KEY_IDENTITY);
    }
    for (uint8_t i = 0; i < WK_SESSION_CERTIFICATES; i++) {
        if ((identity->changed & 1U << i) != 0) {
            wk_module_changed(module, (uint8_t)(WK_MODULE_KEY_CERTIFICATE + i));
        }
    }
}

void wk_module_security_committed(struct wk_module *module, uint32_t reserved)
{
    struct wk_session_security *security = &module->security;
    security->server_reserved = reserved; /* usable only now that it is committed */
    security->dirty = false;
    security->keys_dirty = false;
    if (security->identity != NULL) {
        security->identity->changed = 0;
    }
}
