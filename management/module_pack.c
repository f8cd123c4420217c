/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_pack.h"

#include "management/counts.h"
#include "management/module_payment.h"
#include "management/module_profile.h"
#include "management/module_security.h"
#include "management/module_supply.h"
#include "management/module_tamper.h"
#include "management/payment.h"
#include "management/push.h"
#include "management/quantities.h"
#include "management/squeeze.h"

#define CORE_VERSION 4

/* ---- the core ---------------------------------------------------------------------------- */

static void pack_core(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = &module->rooms;
    (void)key;
    wk_bytes_out_u8(out, CORE_VERSION);
    wk_bytes_out_u64le(out, module->cursor.epoch);
    wk_bytes_out_u64le(out, module->cursor.seq);
    wk_bytes_out_u64le(out, (uint64_t)rooms->t_us);
    wk_bytes_out_u32le(out, rooms->power_failures);
    wk_registers_pack(&rooms->registers, out);
    for (int number = 0; number < WK_ROOMS_OWN_PROFILES; number++) {
        wk_profile_open_pack(&rooms->profile[number], &rooms->profile[0], out);
    }
}

static wk_err unpack_core(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_rooms *rooms = &module->rooms;
    (void)key;
    if (wk_bytes_in_u8(in) != CORE_VERSION) {
        return WK_E_FORMAT;
    }
    module->cursor.epoch = wk_bytes_in_u64le(in);
    module->cursor.seq = wk_bytes_in_u64le(in);
    rooms->t_us = (int64_t)wk_bytes_in_u64le(in);
    rooms->power_failures = wk_bytes_in_u32le(in);
    wk_registers_unpack(&rooms->registers, in);
    for (int number = 0; number < WK_ROOMS_OWN_PROFILES; number++) {
        wk_profile_open_unpack(&rooms->profile[number], &rooms->profile[0], in);
    }
    return WK_OK;
}

/* ---- rates, calendars, clock, supply ----------------------------------------------------- */

static void pack_rate(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    wk_registers_rate_pack(&module->rooms.registers.rate[key - WK_MODULE_KEY_RATE], out);
}

static wk_err unpack_rate(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    wk_registers_rate_unpack(&module->rooms.registers.rate[key - WK_MODULE_KEY_RATE], in);
    return WK_OK;
}

static void pack_tariff(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_tariff_pack(&module->rooms.tariff, out);
}

static wk_err unpack_tariff(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_tariff_unpack(&module->rooms.tariff, in);
}

static void pack_clock(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_clock_pack(&module->rooms.clock, out);
}

static wk_err unpack_clock(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_clock_unpack(&module->rooms.clock, in);
}

/* ---- demand, billing periods, prices ------------------------------------------------------ */

static void pack_demand(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_demand_pack(&module->rooms.demand, out);
}

static wk_err unpack_demand(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_demand_unpack(&module->rooms.demand, in);
}

static void pack_part(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_demand_part_pack(&module->rooms.demand, out);
}

static wk_err unpack_part(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_demand_part_unpack(&module->rooms.demand, in);
}

static void pack_billing(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_billing_pack(&module->rooms.billing, out);
    wk_bytes_out_u64le(out, (uint64_t)module->rooms.blocks.begin_uwh);
}

static wk_err unpack_billing(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    wk_billing_unpack(&module->rooms.billing, in);
    module->rooms.blocks.begin_uwh = (int64_t)wk_bytes_in_u64le(in);
    return module->rooms.blocks.begin_uwh >= 0 ? WK_OK : WK_E_FORMAT;
}

static void pack_price(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_price_pack(&module->rooms.price, out);
}

static wk_err unpack_price(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_price_unpack(&module->rooms.price, in);
}

static void pack_spent(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_bytes_out_u64le(out, (uint64_t)module->rooms.spent.amount_e6);
    wk_bytes_out_u64le(out, (uint64_t)module->rooms.spent.rest);
}

static wk_err unpack_spent(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_price_spent *spent = &module->rooms.spent;
    (void)key;
    spent->amount_e6 = (int64_t)wk_bytes_in_u64le(in);
    spent->rest = (int64_t)wk_bytes_in_u64le(in);
    return spent->rest >= 0 ? WK_OK : WK_E_FORMAT;
}

/* ---- events and alarms ------------------------------------------------------------------- */

static void pack_chain(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_bytes_out_put(out, module->rooms.chain, WK_EVENT_CHAIN);
}

static wk_err unpack_chain(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    wk_bytes_in_copy(in, module->rooms.chain, WK_EVENT_CHAIN);
    return WK_OK;
}

static void pack_alarm(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_alarm_pack(&module->rooms.alarm, out);
}

static wk_err unpack_alarm(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_alarm_unpack(&module->rooms.alarm, in);
}

/* ---- display ----------------------------------------------------------------------------- */

static void pack_display(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_display_pack(&module->rooms.display, out);
}

static wk_err unpack_display(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_display_unpack(&module->rooms.display, in);
}

/* ---- parameters that the meter keeps ------------------------------------------------------ */

static void pack_setup(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_setup_pack(module->rooms.setup, out);
}

static wk_err unpack_setup(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_setup_unpack(module->rooms.setup, in);
}

/* ---- pushes ------------------------------------------------------------------------------ */

/* There were four when the keys behind the fourth were given away. */
static uint8_t push_of(uint8_t key)
{
    return (uint8_t)(key == WK_MODULE_KEY_PUSH_5 ? WK_PUSH_SETUPS - 1
                                                 : key - WK_MODULE_KEY_PUSH);
}

static void pack_push(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    wk_push_setup_pack(module->rooms.push, push_of(key), out);
}

static wk_err unpack_push(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    return wk_push_setup_unpack(module->rooms.push, push_of(key), in);
}

static void pack_pushed(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    wk_push_progress_pack(module->rooms.push, out);
}

static wk_err unpack_pushed(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return wk_push_progress_unpack(module->rooms.push, in);
}

static void mark_push(struct wk_module *module)
{
    const struct wk_push *push = module->rooms.push;
    for (uint8_t i = 0; push != NULL && i < WK_PUSH_SETUPS; i++) {
        if ((push->changed & 1U << i) != 0) {
            wk_module_changed(module, (uint8_t)(i < WK_PUSH_SETUPS - 1 ? WK_MODULE_KEY_PUSH + i
                                                                       : WK_MODULE_KEY_PUSH_5));
        }
    }
    if (push != NULL && push->moved) {
        wk_module_changed(module, WK_MODULE_KEY_PUSHED);
    }
}

static void push_committed(struct wk_push *push)
{
    if (push != NULL) {
        push->changed = 0;
        push->moved = false;
    }
}

/* ---- counts ------------------------------------------------------------------------------- */

static void pack_counts(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out)
{
    (void)key;
    module->rooms.counts->functions->pack(module->rooms.counts, out);
}

static wk_err unpack_counts(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    (void)key;
    return module->rooms.counts->functions->unpack(module->rooms.counts, in);
}

/* ---- quantities of industrial meters ------------------------------------------------------- */

static void pack_quantities(const struct wk_module *module, uint8_t key,
                            struct wk_bytes_out *out)
{
    const struct wk_quantities *quantities = module->rooms.quantities;
    quantities->functions->pack(quantities, (uint8_t)(key - WK_MODULE_KEY_QUANTITIES), out);
}

static wk_err unpack_quantities(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_quantities *quantities = module->rooms.quantities;
    return quantities->functions->unpack(quantities, (uint8_t)(key - WK_MODULE_KEY_QUANTITIES),
                                         in);
}

static void mark_quantities(struct wk_module *module)
{
    struct wk_quantities *quantities = module->rooms.quantities;
    if (quantities != NULL) {
        module->changed |= (uint64_t)quantities->changed << WK_MODULE_KEY_QUANTITIES;
        quantities->changed = 0;
    }
}

/* ---- transformers -------------------------------------------------------------------------- */

#define TRANSFORMERS_VERSION 1
#define TRANSFORMERS_PACKED  10

static void pack_transformers(const struct wk_module *module, uint8_t key,
                              struct wk_bytes_out *out)
{
    const struct wk_rooms_transformers *of = &module->rooms.transformers;
    (void)key;
    wk_bytes_out_u8(out, TRANSFORMERS_VERSION);
    wk_bytes_out_u16le(out, of->ct_primary);
    wk_bytes_out_u16le(out, of->ct_secondary);
    wk_bytes_out_u16le(out, of->vt_primary);
    wk_bytes_out_u16le(out, of->vt_secondary);
    wk_bytes_out_u8(out, of->applied ? 1 : 0);
}

static wk_err unpack_transformers(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_rooms_transformers *of = &module->rooms.transformers;
    (void)key;
    const bool known = wk_bytes_in_u8(in) == TRANSFORMERS_VERSION;
    of->ct_primary = wk_bytes_in_u16le(in);
    of->ct_secondary = wk_bytes_in_u16le(in);
    of->vt_primary = wk_bytes_in_u16le(in);
    of->vt_secondary = wk_bytes_in_u16le(in);
    of->applied = wk_bytes_in_u8(in) != 0;
    return known ? in->fault : WK_E_FORMAT;
}

/* ---- security ---------------------------------------------------------------------------- */

bool wk_module_counters_run_low(const struct wk_module *module)
{
    return wk_module_security_reserve(&module->security) != module->security.server_reserved;
}

/* ---- the parts --------------------------------------------------------------------------- */

/* What a meter may be without. */
enum needs {
    NEEDS_NOTHING = 0,
    NEEDS_SETUP,
    NEEDS_PUSH,
    NEEDS_COUNTS,
    NEEDS_PAYMENT,
    NEEDS_QUANTITIES,
    NEEDS_PROFILES
};

struct part {
    uint8_t key;
    uint8_t count : 4; /* keys from `key` on, of the same form */
    uint8_t needs : 4;
    uint16_t room; /* octets, most */
    void (*pack)(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out);
    wk_err (*unpack)(struct wk_module *module, uint8_t key, struct wk_bytes_in *in);
};

#define CORE_ROOM    (176 + WK_ROOMS_OWN_PROFILES * WK_PROFILE_OPEN_PACKED)
#define OPEN_ROOM    (WK_ROOMS_MORE_PROFILES * WK_PROFILE_OPEN_PACKED)
#define BILLING_ROOM (WK_BILLING_PACKED + 8)
#define SPENT_ROOM   16

static const struct part k_parts[] = {
    {WK_MODULE_KEY_CORE, 1, NEEDS_NOTHING, CORE_ROOM, pack_core, unpack_core},
    {WK_MODULE_KEY_RATE, WK_TARIFF_COUNT, NEEDS_NOTHING, WK_REGISTERS_RATE_PACKED, pack_rate,
     unpack_rate},
    {WK_MODULE_KEY_TARIFF, 1, NEEDS_NOTHING, WK_TARIFF_PACKED_MAX, pack_tariff, unpack_tariff},
    {WK_MODULE_KEY_SECURITY, 1, NEEDS_NOTHING, WK_MODULE_SECURITY_ROOM, wk_module_security_pack,
     wk_module_security_unpack},
    {WK_MODULE_KEY_KEYS, 1, NEEDS_NOTHING, WK_MODULE_KEYS_ROOM, wk_module_keys_pack,
     wk_module_keys_unpack},
    {WK_MODULE_KEY_IDENTITY, 1, NEEDS_NOTHING, WK_MODULE_IDENTITY_ROOM, wk_module_identity_pack,
     wk_module_identity_unpack},
    {WK_MODULE_KEY_CERTIFICATE, WK_SESSION_CERTIFICATES, NEEDS_NOTHING,
     WK_MODULE_CERTIFICATE_ROOM, wk_module_certificate_pack, wk_module_certificate_unpack},
    {WK_MODULE_KEY_CLOCK, 1, NEEDS_NOTHING, WK_CLOCK_PACKED, pack_clock, unpack_clock},
    {WK_MODULE_KEY_SUPPLY, 1, NEEDS_NOTHING, WK_MODULE_SUPPLY_ROOM, wk_module_supply_pack,
     wk_module_supply_unpack},
    {WK_MODULE_KEY_MAXIMA, 1, NEEDS_NOTHING, WK_DEMAND_PACKED, pack_demand, unpack_demand},
    {WK_MODULE_KEY_DEMAND, 1, NEEDS_NOTHING, WK_DEMAND_PART_PACKED, pack_part, unpack_part},
    {WK_MODULE_KEY_BILLING, 1, NEEDS_NOTHING, BILLING_ROOM, pack_billing, unpack_billing},
    {WK_MODULE_KEY_PRICE, 1, NEEDS_NOTHING, WK_PRICE_PACKED_MAX, pack_price, unpack_price},
    {WK_MODULE_KEY_SPENT, 1, NEEDS_NOTHING, SPENT_ROOM, pack_spent, unpack_spent},
    {WK_MODULE_KEY_CHAIN, 1, NEEDS_NOTHING, WK_EVENT_CHAIN, pack_chain, unpack_chain},
    {WK_MODULE_KEY_ALARM, 1, NEEDS_NOTHING, WK_ALARM_PACKED, pack_alarm, unpack_alarm},
    {WK_MODULE_KEY_DISPLAY, 1, NEEDS_NOTHING, WK_DISPLAY_PACKED_MAX, pack_display,
     unpack_display},
    {WK_MODULE_KEY_PROFILE, WK_ROOMS_OWN_PROFILES, NEEDS_NOTHING, WK_PROFILE_RULES_PACKED,
     wk_module_profile_pack, wk_module_profile_unpack},
    {WK_MODULE_KEY_MORE_PROFILES, WK_ROOMS_MORE_PROFILES, NEEDS_PROFILES,
     WK_PROFILE_RULES_PACKED, wk_module_profile_pack, wk_module_profile_unpack},
    {WK_MODULE_KEY_MORE_OPEN, 1, NEEDS_PROFILES, OPEN_ROOM, wk_module_profile_open_pack,
     wk_module_profile_open_unpack},
    {WK_MODULE_KEY_TRANSFORMERS, 1, NEEDS_NOTHING, TRANSFORMERS_PACKED, pack_transformers,
     unpack_transformers},
    {WK_MODULE_KEY_COUNTS, 1, NEEDS_COUNTS, WK_COUNTS_PACKED, pack_counts, unpack_counts},
    {WK_MODULE_KEY_QUANTITIES, WK_QUANTITIES_PARTS, NEEDS_QUANTITIES, WK_QUANTITIES_PACKED,
     pack_quantities, unpack_quantities},
    {WK_MODULE_KEY_SETUP, 1, NEEDS_SETUP, WK_SETUP_PACKED, pack_setup, unpack_setup},
    {WK_MODULE_KEY_PUSH, WK_PUSH_SETUPS - 1, NEEDS_PUSH, WK_PUSH_SETUP_PACKED, pack_push,
     unpack_push},
    {WK_MODULE_KEY_PUSH_5, 1, NEEDS_PUSH, WK_PUSH_SETUP_PACKED, pack_push, unpack_push},
    {WK_MODULE_KEY_PUSHED, 1, NEEDS_PUSH, WK_PUSH_PROGRESS_PACKED, pack_pushed, unpack_pushed},
    {WK_MODULE_KEY_PAYMENT, WK_PAYMENT_PARTS, NEEDS_PAYMENT, WK_MODULE_PAYMENT_ROOM,
     wk_module_payment_pack, wk_module_payment_unpack},
    {WK_MODULE_KEY_TAMPER, WK_MODULE_TAMPER_PARTS, NEEDS_NOTHING, WK_MODULE_TAMPER_ROOM,
     wk_module_tamper_pack, wk_module_tamper_unpack},
};

#define PARTS   (sizeof k_parts / sizeof k_parts[0])
#define LARGEST WK_TARIFF_PACKED_MAX

void wk_module_changed(struct wk_module *module, uint8_t key)
{
    module->changed |= UINT64_C(1) << key;
}

/* What a firmware with room for it stored stays as it is if this meter has none. */
static bool has(const struct wk_rooms *rooms, uint8_t needs)
{
    switch (needs) {
    case NEEDS_SETUP:
        return rooms->setup != NULL;
    case NEEDS_PUSH:
        return rooms->push != NULL;
    case NEEDS_COUNTS:
        return rooms->counts != NULL;
    case NEEDS_PAYMENT:
        return rooms->payment != NULL;
    case NEEDS_QUANTITIES:
        return rooms->quantities != NULL;
    case NEEDS_PROFILES:
        return rooms->more_profiles != NULL;
    default:
        return true;
    }
}

/* Keys and push setups that nobody changed are those of the configuration: they are not stored. */
static bool is_optional(const struct part *part)
{
    return part->needs == NEEDS_PUSH ||
           (part->key >= WK_MODULE_KEY_KEYS && part->key <= WK_MODULE_KEY_CERTIFICATE);
}

static bool is_changed(const struct wk_module *module, uint8_t key)
{
    return key == WK_MODULE_KEY_CORE || (module->changed >> key & 1U) != 0;
}

/* ---- commit and restore ------------------------------------------------------------------ */

/* The parts of a commit, packed one after the other into the same room: first to know their
 * sizes, then to be written. */
struct parcel {
    const struct wk_module *module;
    const struct part *part[WK_STORE_KEYS];
    struct wk_store_put put[WK_STORE_KEYS];
    size_t count;
    uint8_t octets[WK_SQUEEZE_MOST(LARGEST)];
};

static wk_err squeeze_part(struct parcel *parcel, size_t i, size_t *size)
{
    const struct part *part = parcel->part[i];
    uint8_t *raw = parcel->octets + WK_SQUEEZE_AHEAD(part->room); /* squeezed in place */
    struct wk_bytes_out out = wk_bytes_out_of(raw, part->room);
    part->pack(parcel->module, parcel->put[i].key, &out);
    WK_TRY(out.fault);
    *size = wk_squeeze_pack(raw, out.size, parcel->octets);
    return WK_OK;
}

static wk_err add_part(struct parcel *parcel, const struct part *part, uint8_t key)
{
    const size_t i = parcel->count;
    size_t size;
    parcel->part[i] = part;
    parcel->put[i].key = key;
    WK_TRY(squeeze_part(parcel, i, &size));
    parcel->put[i].size = (uint16_t)size;
    parcel->count++;
    return WK_OK;
}

/* The same octets as when they were counted: nothing has changed since. */
static const void *fetch_part(void *self, size_t i)
{
    struct parcel *parcel = self;
    size_t size;
    if (parcel->part[i] == NULL) {
        return parcel->put[i].data;
    }
    const wk_err err = squeeze_part(parcel, i, &size);
    (void)err;
    return parcel->octets;
}

/* Rows are packed already: they go as they are. */
static void add_rows(struct parcel *parcel, struct wk_module *module)
{
    for (uint8_t number = 0; number < WK_ROOMS_PROFILES; number++) {
        const uint8_t key = wk_module_profile_rows_key(number);
        const struct wk_profile *profile = wk_rooms_profile(&module->rooms, number);
        if (profile != NULL && is_changed(module, key)) {
            const struct wk_profile_batch *batch = &profile->batch;
            parcel->part[parcel->count] = NULL;
            parcel->put[parcel->count++] =
                (struct wk_store_put){key, batch->octets, batch->size};
        }
    }
}

wk_err wk_module_store(struct wk_module *module)
{
    struct parcel parcel;
    parcel.module = module;
    parcel.count = 0;
    const uint32_t reserved = wk_module_security_reserve(&module->security);
    wk_module_security_mark(module);
    wk_module_tamper_mark(module);
    wk_module_payment_mark(module);
    mark_push(module);
    mark_quantities(module);
    const uint32_t supply_crc = wk_module_supply_crc(module);
    if (supply_crc != module->supply_crc) {
        wk_module_changed(module, WK_MODULE_KEY_SUPPLY);
    }
    for (size_t i = 0; i < PARTS; i++) {
        const bool there = has(&module->rooms, k_parts[i].needs);
        for (uint8_t n = 0; there && n < k_parts[i].count; n++) {
            const uint8_t key = (uint8_t)(k_parts[i].key + n);
            if (is_changed(module, key)) {
                WK_TRY(add_part(&parcel, &k_parts[i], key));
            }
        }
    }
    add_rows(&parcel, module);
    WK_TRY(wk_store_commit_fetched(&module->rooms.store, parcel.put, parcel.count, fetch_part,
                                   &parcel));
    wk_module_security_committed(module, reserved);
    push_committed(module->rooms.push);
    module->supply_crc = supply_crc;
    module->changed = 0;
    return WK_OK;
}

wk_err wk_module_value(const struct wk_store *store, uint8_t key, void *to, size_t room,
                       size_t *size)
{
    uint8_t squeezed[WK_SQUEEZE_MOST(LARGEST)];
    WK_TRY(wk_store_get(store, key, squeezed, sizeof squeezed, size));
    return wk_squeeze_unpack(squeezed, *size, to, room, size);
}

static wk_err restore_part(struct wk_module *module, const struct part *part, uint8_t key)
{
    uint8_t raw[LARGEST];
    size_t size = 0;
    const wk_err err = wk_module_value(&module->rooms.store, key, raw, sizeof raw, &size);
    if (err == WK_E_NOT_FOUND) {
        if (!is_optional(part)) {
            wk_module_changed(module, key);
        }
        return WK_OK;
    }
    WK_TRY(err);
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    WK_TRY(part->unpack(module, key, &in));
    return wk_bytes_in_end(&in);
}

static wk_err restore_rows(struct wk_module *module, uint8_t number)
{
    const uint8_t key = wk_module_profile_rows_key(number);
    uint8_t raw[WK_PROFILE_BATCH];
    size_t size = 0;
    const wk_err err = wk_store_get(&module->rooms.store, key, raw, sizeof raw, &size);
    if (err == WK_E_NOT_FOUND) {
        wk_module_changed(module, key);
        return WK_OK;
    }
    WK_TRY(err);
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    return wk_module_profile_restore(module, number, &in);
}

wk_err wk_module_restore(struct wk_module *module)
{
    for (size_t i = 0; i < PARTS; i++) {
        const bool there = has(&module->rooms, k_parts[i].needs);
        for (uint8_t n = 0; there && n < k_parts[i].count; n++) {
            WK_TRY(restore_part(module, &k_parts[i], (uint8_t)(k_parts[i].key + n)));
        }
    }
    for (uint8_t number = 0;
         number < WK_ROOMS_PROFILES && wk_rooms_profile(&module->rooms, number) != NULL;
         number++) {
        WK_TRY(restore_rows(module, number));
    }
    return wk_registers_agree(&module->rooms.registers) ? WK_OK : WK_E_FORMAT;
}
