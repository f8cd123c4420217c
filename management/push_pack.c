/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/crc.h"
#include "management/push_part.h"

#define FIRST_SETUPS                                                                           \
    4 /* that a firmware with fewer has, too: a fifth is written if it is used */
#define VERSION       1
#define SETUP_VERSION 2
#define SETUP_FIRST   1 /* had members, not values as they go on the wire */

/* ---- setups ------------------------------------------------------------------------------ */

void wk_push_setup_pack(const struct wk_push *push, uint8_t number, struct wk_bytes_out *out)
{
    size_t at = 0;
    uint16_t count = 0;
    wk_bytes_out_u8(out, SETUP_VERSION);
    uint8_t *place = wk_bytes_out_reserve(out, 2);
    while (at < push->size) {
        const uint8_t *head = push->values + at;
        const size_t size = WK_PUSH_VALUE_HEAD + ((size_t)head[1] | (size_t)head[2] << 8);
        if (head[0] >> 4 == number) {
            wk_bytes_out_put(out, head, size);
            count = (uint16_t)(count + size);
        }
        at += size;
    }
    if (place != NULL) {
        place[0] = (uint8_t)count;
        place[1] = (uint8_t)(count >> 8);
    }
}

/* Takes one value: checked only, or stored. */
static wk_err take_value(struct wk_push *push, uint8_t number, struct wk_bytes_in *in,
                         bool stores)
{
    struct wk_push_setup read;
    const uint8_t key = wk_bytes_in_u8(in);
    const size_t size = wk_bytes_in_u16le(in);
    const uint8_t *octets = wk_bytes_in_take(in, size);
    WK_TRY(in->fault);
    struct wk_bytes_in value = wk_bytes_in_of(octets, size);
    if (key >> 4 != number) {
        return WK_E_FORMAT;
    }
    return stores ? wk_push_store(push, number, key & 0x0FU, &value)
                  : wk_push_check(push, key & 0x0FU, &value, &read);
}

wk_err wk_push_setup_unpack(struct wk_push *push, uint8_t number, struct wk_bytes_in *in)
{
    const uint8_t version = wk_bytes_in_u8(in);
    if (version == SETUP_FIRST) {
        (void)wk_bytes_in_take(in, wk_bytes_in_left(in));
        return in->fault;
    }
    const size_t size = wk_bytes_in_u16le(in);
    const uint8_t *octets = wk_bytes_in_take(in, size);
    if (version != SETUP_VERSION || in->fault != WK_OK) {
        return WK_E_FORMAT;
    }
    struct wk_bytes_in checked = wk_bytes_in_of(octets, size);
    while (wk_bytes_in_left(&checked) > 0) {
        if (take_value(push, number, &checked, false) != WK_OK) {
            return WK_E_FORMAT;
        }
    }
    struct wk_bytes_in stored = wk_bytes_in_of(octets, size);
    wk_err err = WK_OK;
    wk_push_forget(push, number);
    while (err == WK_OK && wk_bytes_in_left(&stored) > 0) {
        err = take_value(push, number, &stored, true);
    }
    /* Setups that the owner filled in may leave less room than there was: the rest counts as not
     * set, and the meter starts. */
    return err == WK_E_STATE ? WK_OK : err;
}

/* ---- progress ---------------------------------------------------------------------------- */

/* What is sent: where a profile stands counts only for the same objects. */
static uint32_t sum_of_objects(const struct wk_push *push, uint8_t setup)
{
    const struct wk_bytes_in value = wk_push_value(push, setup, WK_PUSH_OBJECT_LIST);
    return wk_crc_32(0, value.data, value.size);
}

void wk_push_progress_pack(const struct wk_push *push, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    for (uint8_t i = 0; i < WK_PUSH_SETUPS; i++) {
        struct wk_bytes_in objects;
        const uint8_t count = wk_push_objects_of(push, i, &objects);
        if (i >= FIRST_SETUPS && count == 0) {
            continue;
        }
        wk_bytes_out_u8(out, push->jobs[i].pending ? 1 : 0);
        wk_bytes_out_u32le(out, sum_of_objects(push, i));
        wk_bytes_out_u64le(out, (uint64_t)push->progress[i].confirmed_us);
        wk_bytes_out_u8(out, count);
        for (uint8_t n = 0; n < count; n++) {
            wk_bytes_out_u64le(out, (uint64_t)push->progress[i].reached_s[n]);
        }
    }
}

wk_err wk_push_progress_unpack(struct wk_push *push, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    for (uint8_t i = 0; i < FIRST_SETUPS || (i < WK_PUSH_SETUPS && wk_bytes_in_left(in) > 0);
         i++) {
        struct wk_push_progress progress = {0};
        const bool pending = wk_bytes_in_u8(in) != 0;
        const bool same = wk_bytes_in_u32le(in) == sum_of_objects(push, i);
        progress.confirmed_us = (int64_t)wk_bytes_in_u64le(in);
        const uint8_t count = wk_bytes_in_u8(in);
        if (count > WK_PUSH_OBJECTS) {
            return WK_E_FORMAT;
        }
        for (uint8_t n = 0; n < count; n++) {
            progress.reached_s[n] = (int64_t)wk_bytes_in_u64le(in);
        }
        WK_TRY(in->fault);
        if (same) {
            push->progress[i] = progress;
            push->jobs[i] = (struct wk_push_job){.pending = pending && count > 0};
        }
    }
    return WK_OK;
}
