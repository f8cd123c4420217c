/* SPDX-License-Identifier: Apache-2.0 */
#include "management/event.h"

#include <string.h>

#include "base/bytes.h"

#define PACKED_SIZE  54
#define CHAINED_SIZE (PACKED_SIZE + WK_EVENT_CHAIN)
#define HASHED_SIZE  (WK_EVENT_CHAIN + 8 + PACKED_SIZE)

/* Groups, and the log of each. */
#define GROUP_LIST(X)                                                                          \
    X(power, WK_EVENT_LOG_STANDARD)                                                            \
    X(clock, WK_EVENT_LOG_STANDARD)                                                            \
    X(tariff, WK_EVENT_LOG_STANDARD)                                                           \
    X(fault, WK_EVENT_LOG_STANDARD)                                                            \
    X(fraud, WK_EVENT_LOG_FRAUD)                                                               \
    X(supply, WK_EVENT_LOG_DISCONNECT)                                                         \
    X(quality, WK_EVENT_LOG_QUALITY)                                                           \
    X(communication, WK_EVENT_LOG_COMMUNICATION)                                               \
    X(firmware, WK_EVENT_LOG_FIRMWARE)                                                         \
    X(security, WK_EVENT_LOG_SECURITY)                                                         \
    X(credit, WK_EVENT_LOG_CREDIT)

#define GROUP_ENUM(name, log) GROUP_##name,
enum { GROUP_LIST(GROUP_ENUM) };
#undef GROUP_ENUM

#define GROUP_ROW(name, log) {#name, log},
static const struct group {
    const char *name;
    uint8_t log;
} k_groups[] = {GROUP_LIST(GROUP_ROW)};
#undef GROUP_ROW

struct event_row {
    uint16_t code;
    uint8_t group;
    const char *text;
};

#define EVENT_ROW(code, name, group, text) {code, GROUP_##group, text},
static const struct event_row k_rows[] = {WK_EVENT_LIST(EVENT_ROW)};
#undef EVENT_ROW

static const struct event_row *find(uint16_t code)
{
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        if (k_rows[i].code == code) {
            return &k_rows[i];
        }
    }
    return NULL;
}

const char *wk_event_text(uint16_t code)
{
    const struct event_row *row = find(code);
    return row != NULL ? row->text : "Event";
}

const char *wk_event_group(uint16_t code)
{
    const struct event_row *row = find(code);
    return row != NULL ? k_groups[row->group].name : "other";
}

wk_event_log wk_event_log_of(uint16_t code)
{
    const struct event_row *row = find(code);
    return row != NULL ? (wk_event_log)k_groups[row->group].log : WK_EVENT_LOG_STANDARD;
}

const char *wk_event_log_name(wk_event_log log)
{
    static const char *const k_names[WK_EVENT_LOGS] = {
        [WK_EVENT_LOG_STANDARD] = "standard",           [WK_EVENT_LOG_FRAUD] = "fraud",
        [WK_EVENT_LOG_DISCONNECT] = "disconnect",       [WK_EVENT_LOG_QUALITY] = "quality",
        [WK_EVENT_LOG_COMMUNICATION] = "communication", [WK_EVENT_LOG_FIRMWARE] = "firmware",
        [WK_EVENT_LOG_SECURITY] = "security",           [WK_EVENT_LOG_CREDIT] = "credit",
    };
    return (unsigned)log < WK_EVENT_LOGS ? k_names[log] : NULL;
}

/* ---- entries ----------------------------------------------------------------------------- */

static void pack(const struct wk_event *event, struct wk_bytes_out *out)
{
    const struct wk_event_snapshot *snapshot = &event->snapshot;
    wk_bytes_out_u32le(out, (uint32_t)event->at.s);
    wk_bytes_out_u16le(out, event->code);
    wk_bytes_out_u8(out, event->detail);
    wk_bytes_out_u32le(out, (uint32_t)event->value);
    wk_bytes_out_u32le(out, (uint32_t)event->more);
    wk_bytes_out_u64le(out, (uint64_t)snapshot->import_uwh);
    for (int phase = 0; phase < 3; phase++) {
        wk_bytes_out_u32le(out, (uint32_t)snapshot->u_mv[phase]);
        wk_bytes_out_u32le(out, (uint32_t)snapshot->i_ma[phase]);
        wk_bytes_out_u16le(out, (uint16_t)snapshot->pf_e3[phase]);
    }
    wk_bytes_out_u8(out, snapshot->tariff);
}

static void unpack(struct wk_event *event, struct wk_bytes_in *in)
{
    struct wk_event_snapshot *snapshot = &event->snapshot;
    event->at.s = wk_bytes_in_u32le(in);
    event->code = wk_bytes_in_u16le(in);
    event->detail = wk_bytes_in_u8(in);
    event->value = (int32_t)wk_bytes_in_u32le(in);
    event->more = (int32_t)wk_bytes_in_u32le(in);
    snapshot->import_uwh = (int64_t)wk_bytes_in_u64le(in);
    for (int phase = 0; phase < 3; phase++) {
        snapshot->u_mv[phase] = (int32_t)wk_bytes_in_u32le(in);
        snapshot->i_ma[phase] = (int32_t)wk_bytes_in_u32le(in);
        snapshot->pf_e3[phase] = (int16_t)wk_bytes_in_u16le(in);
    }
    snapshot->tariff = wk_bytes_in_u8(in);
}

wk_err wk_event_append(struct wk_store *store, uint8_t log, const struct wk_event *event)
{
    uint8_t raw[PACKED_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    pack(event, &out);
    return wk_store_append(store, log, raw, PACKED_SIZE);
}

wk_err wk_event_read(const struct wk_store *store, uint8_t log, struct wk_store_reader *reader,
                     struct wk_event *event)
{
    uint8_t raw[CHAINED_SIZE];
    size_t size;
    WK_TRY(wk_store_read(store, log, reader, raw, sizeof raw, &size));
    if (size != PACKED_SIZE && size != CHAINED_SIZE) {
        return WK_E_FORMAT;
    }
    struct wk_bytes_in in = wk_bytes_in_of(raw, PACKED_SIZE);
    unpack(event, &in);
    return wk_bytes_in_end(&in);
}

/* ---- the chain --------------------------------------------------------------------------- */

/* The hash of: the hash before, the entry's number, the entry. */
static wk_err next_hash(const struct wk_hal_crypto *crypto, uint64_t number,
                        const uint8_t packed[PACKED_SIZE], uint8_t chain[WK_EVENT_CHAIN])
{
    uint8_t hashed[HASHED_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(hashed, sizeof hashed);
    if (crypto == NULL || crypto->sha256 == NULL) {
        return WK_E_UNSUPPORTED;
    }
    wk_bytes_out_put(&out, chain, WK_EVENT_CHAIN);
    wk_bytes_out_u64le(&out, number);
    wk_bytes_out_put(&out, packed, PACKED_SIZE);
    return crypto->sha256(crypto->self, hashed, sizeof hashed, chain);
}

wk_err wk_event_append_chained(struct wk_store *store, uint8_t log,
                               const struct wk_event *event, const struct wk_hal_crypto *crypto,
                               uint8_t chain[WK_EVENT_CHAIN])
{
    uint8_t raw[CHAINED_SIZE];
    uint8_t hash[WK_EVENT_CHAIN];
    uint64_t number;
    WK_TRY(wk_store_log_next(store, log, &number));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    pack(event, &out);
    wk_bytes_out_put(&out, chain, WK_EVENT_CHAIN); /* that of the entry before */
    memcpy(hash, chain, sizeof hash);
    WK_TRY(next_hash(crypto, number, raw, hash));
    WK_TRY(wk_store_append(store, log, raw, CHAINED_SIZE));
    memcpy(chain, hash, sizeof hash);
    return WK_OK;
}

wk_err wk_event_verify(const struct wk_store *store, uint8_t log,
                       const struct wk_hal_crypto *crypto, const uint8_t chain[WK_EVENT_CHAIN],
                       struct wk_event_proof *proof)
{
    uint8_t raw[CHAINED_SIZE];
    uint8_t hash[WK_EVENT_CHAIN] = {0};
    size_t size;
    WK_TRY(wk_store_log_span(store, log, &proof->oldest, &proof->next));
    proof->broken = proof->next;
    struct wk_store_reader reader = {.number = proof->oldest};
    for (uint64_t number = proof->oldest; number < proof->next; number++) {
        WK_TRY(wk_store_read(store, log, &reader, raw, sizeof raw, &size));
        /* what is no longer kept cannot be followed: the oldest entry says where it began */
        const bool known = number > proof->oldest || number == 0;
        const bool fits = size == CHAINED_SIZE &&
                          (!known || memcmp(hash, raw + PACKED_SIZE, sizeof hash) == 0);
        if (!fits) {
            proof->broken = number;
            proof->head_fits = false;
            return WK_OK;
        }
        memcpy(hash, raw + PACKED_SIZE, sizeof hash);
        WK_TRY(next_hash(crypto, number, raw, hash));
    }
    proof->head_fits = memcmp(hash, chain, sizeof hash) == 0;
    return WK_OK;
}
