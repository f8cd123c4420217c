/* SPDX-License-Identifier: Apache-2.0 */
#include "management/event.h"

#include "base/bytes.h"

#define PACKED_SIZE 19

struct event_row {
    uint16_t code;
    const char *group;
    const char *text;
};

#define EVENT_ROW(code, name, group, text) {code, #group, text},
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
    return row != NULL ? row->group : "other";
}

wk_err wk_event_append(struct wk_store *store, uint8_t log, const struct wk_event *event)
{
    uint8_t raw[PACKED_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_bytes_out_u64le(&out, (uint64_t)event->at.s);
    wk_bytes_out_u16le(&out, event->code);
    wk_bytes_out_u8(&out, event->detail);
    wk_bytes_out_u32le(&out, (uint32_t)event->value);
    wk_bytes_out_u32le(&out, (uint32_t)event->more);
    return wk_store_append(store, log, raw, PACKED_SIZE);
}

wk_err wk_event_read(const struct wk_store *store, uint8_t log, struct wk_store_reader *reader,
                     struct wk_event *event)
{
    uint8_t raw[PACKED_SIZE];
    size_t size;
    WK_TRY(wk_store_read(store, log, reader, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    event->at.s = (int64_t)wk_bytes_in_u64le(&in);
    event->code = wk_bytes_in_u16le(&in);
    event->detail = wk_bytes_in_u8(&in);
    event->value = (int32_t)wk_bytes_in_u32le(&in);
    event->more = (int32_t)wk_bytes_in_u32le(&in);
    return wk_bytes_in_end(&in);
}
