/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes every reader of cosem/ with the same octets, and checks that what was read and is
 * written again reads the same. The first octet chooses the reader. */
#include <stdlib.h>
#include <string.h>

#include "cosem/access.h"
#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/axdr.h"
#include "cosem/cipher.h"
#include "cosem/compact.h"
#include "cosem/datetime.h"
#include "cosem/gbt.h"
#include "cosem/initiate.h"
#include "cosem/notification.h"
#include "cosem/obis.h"
#include "cosem/rows.h"
#include "cosem/select.h"
#include "cosem/wrapper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 8192

static uint8_t first[ROOM];
static uint8_t second[ROOM];

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void fuzz_request(struct wk_bytes_in in)
{
    struct wk_apdu_request request;
    struct wk_apdu_request again;
    struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
    struct wk_bytes_out twice = wk_bytes_out_of(second, sizeof second);
    if (wk_apdu_read_request(&in, &request) != WK_OK) {
        return;
    }
    wk_apdu_put_request(&out, &request);
    require(out.fault == WK_OK);
    struct wk_bytes_in back = wk_bytes_in_of(first, out.size);
    require(wk_apdu_read_request(&back, &again) == WK_OK);
    wk_apdu_put_request(&twice, &again);
    require(twice.size == out.size && memcmp(first, second, out.size) == 0);
}

static void fuzz_response(struct wk_bytes_in in)
{
    struct wk_apdu_response response;
    struct wk_apdu_response again;
    struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
    struct wk_bytes_out twice = wk_bytes_out_of(second, sizeof second);
    if (wk_apdu_read_response(&in, &response) != WK_OK) {
        return;
    }
    wk_apdu_put_response(&out, &response);
    require(out.fault == WK_OK);
    struct wk_bytes_in back = wk_bytes_in_of(first, out.size);
    require(wk_apdu_read_response(&back, &again) == WK_OK);
    wk_apdu_put_response(&twice, &again);
    require(twice.size == out.size && memcmp(first, second, out.size) == 0);
}

static void fuzz_association(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_bytes_in third = in;
    struct wk_association_request request;
    struct wk_association_response response;
    struct wk_association_octets info;
    struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
    if (wk_association_read_request(&in, &request) == WK_OK) {
        wk_association_put_request(&out, &request);
        struct wk_association_request again;
        struct wk_bytes_in back = wk_bytes_in_of(first, out.size);
        require(wk_association_read_request(&back, &again) == WK_OK);
        require(again.context == request.context && again.secret.size == request.secret.size);
    }
    if (wk_association_read_response(&copy, &response) == WK_OK) {
        wk_association_put_response(&out, &response);
    }
    (void)!wk_association_read_release(&third, WK_APDU_RLRQ, &info);
}

static void fuzz_initiate(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_initiate_request request;
    struct wk_initiate_response response;
    uint8_t error;
    (void)!wk_initiate_read_request(&in, &request);
    (void)!wk_initiate_read_response(&copy, &response, &error);
}

static void fuzz_data(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_bytes_in third = in;
    struct wk_axdr_value value;
    struct wk_datetime datetime;
    struct wk_utc utc;
    struct wk_select_range range;
    wk_axdr_skip(&in);
    while (wk_bytes_in_left(&copy) > 0) {
        wk_axdr_read(&copy, &value);
    }
    (void)!wk_select_read_range(&third, &range);
    third = in;
    third.at = 0;
    third.fault = WK_OK;
    wk_datetime_read(&third, &datetime);
    if (third.fault == WK_OK && wk_datetime_to_utc(&datetime, &wk_zone_utc, &utc) == WK_OK) {
        struct wk_datetime again;
        (void)!wk_datetime_of_utc(&wk_zone_utc, utc, 0, &again);
    }
}

static wk_err take_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    uint32_t *seen = self;
    require(index == *seen && element.size > 0);
    (*seen)++;
    return WK_OK;
}

/* The rows come out the same however the octets are cut. */
static void fuzz_rows(struct wk_bytes_in in)
{
    static struct wk_rows whole;
    static struct wk_rows cut;
    uint32_t seen_whole = 0;
    uint32_t seen_cut = 0;
    const size_t piece = (size_t)wk_bytes_in_u8(&in) % 37 + 1;
    const size_t left = wk_bytes_in_left(&in);
    const uint8_t *octets = wk_bytes_in_take(&in, left);
    if (left == 0) {
        return;
    }
    wk_rows_init(&whole, &seen_whole, take_row);
    wk_rows_init(&cut, &seen_cut, take_row);
    const wk_err err = wk_rows_feed(&whole, octets, left);
    wk_err cut_err = WK_OK;
    for (size_t at = 0; at < left && cut_err == WK_OK; at += piece) {
        const size_t size = left - at < piece ? left - at : piece;
        cut_err = wk_rows_feed(&cut, octets + at, size);
    }
    require(seen_cut == seen_whole);
    require((err == WK_OK) == (cut_err == WK_OK) || err == WK_E_FULL || cut_err == WK_E_FULL);
}

static void fuzz_wrapper(struct wk_bytes_in in)
{
    static uint8_t room[256];
    struct wk_wrapper_split split;
    struct wk_wrapper head;
    struct wk_bytes_in apdu;
    size_t given = 0;
    size_t taken = 0;
    wk_wrapper_split_init(&split, room, sizeof room);
    while (wk_bytes_in_left(&in) > 0) {
        size_t space_size;
        uint8_t *space = wk_wrapper_split_space(&split, &space_size);
        const size_t left = wk_bytes_in_left(&in);
        size_t size = left < space_size ? left : space_size;
        size = size > 13 ? 13 : size;
        require(space_size > 0);
        memcpy(space, wk_bytes_in_take(&in, size), size);
        require(wk_wrapper_split_received(&split, size) == WK_OK);
        given += size;
        wk_err err = WK_OK;
        while (err != WK_E_SHORT) {
            err = wk_wrapper_split_next(&split, &head, &apdu);
            taken += err == WK_OK ? WK_WRAPPER_SIZE + apdu.size : 0;
        }
    }
    require(given == taken + split.dropped + (split.last - split.first));
}

static void fuzz_text(struct wk_bytes_in in)
{
    char text[WK_OBIS_TEXT * 2];
    uint8_t obis[WK_OBIS_SIZE];
    uint8_t again[WK_OBIS_SIZE];
    const size_t size = in.size < sizeof text - 1 ? in.size : sizeof text - 1;
    memcpy(text, in.data, size);
    text[size] = '\0';
    if (wk_obis_parse(text, obis) == WK_OK) {
        char printed[WK_OBIS_TEXT];
        wk_obis_print(obis, printed);
        require(wk_obis_parse(printed, again) == WK_OK && wk_obis_equal(obis, again));
    }
}

static void fuzz_cipher(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_cipher_head head;
    struct wk_bytes_in text;
    struct wk_apdu_exception exception;
    (void)!wk_cipher_read_head(&in, &head, &text);
    (void)!wk_apdu_read_exception(&copy, &exception);
}

static void require_same(const struct wk_bytes_out *out, const struct wk_bytes_in *in,
                         size_t begin)
{
    require(out->fault == WK_OK);
    require(out->size <= in->size - begin);
}

static void fuzz_access(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_access_request request;
    struct wk_access_response response;
    struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
    if (wk_access_read_request(&in, &request) == WK_OK) {
        struct wk_bytes_in list = request.list;
        for (uint32_t i = 0; i < request.count; i++) {
            struct wk_apdu_target target;
            (void)wk_access_read_target(&list, &target);
        }
        require(wk_bytes_in_end(&list) == WK_OK);
        wk_access_put_request(&out, &request);
        require_same(&out, &in, 0);
    }
    out = wk_bytes_out_of(first, sizeof first);
    if (wk_access_read_response(&copy, &response) == WK_OK) {
        wk_access_put_response(&out, &response);
        require_same(&out, &copy, 0);
        struct wk_bytes_in back = wk_bytes_in_of(first, out.size);
        require(wk_access_read_response(&back, &response) == WK_OK);
    }
}

/* A sender under the acknowledgements of the input: what it sends is in its window, and the
 * blocks are those of the octets, whatever is lost. */
static void fuzz_gbt(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_gbt_block block;
    struct wk_gbt_sender sender;
    uint16_t taken = 0;
    size_t sent = 0;
    (void)!wk_gbt_read(&copy, &block);
    const size_t length = wk_bytes_in_u16be(&in) % 2048U;
    wk_gbt_send(&sender, 0, (size_t)wk_bytes_in_u8(&in) + 1, wk_bytes_in_u8(&in));
    for (size_t i = 0; i < length; i++) {
        second[i] = (uint8_t)(i * 7);
    }
    require(wk_gbt_load(&sender, length, true) == WK_OK);
    while (wk_bytes_in_left(&in) > 0 && !sender.done) {
        const uint8_t what = wk_bytes_in_u8(&in);
        if (wk_gbt_may_send(&sender)) {
            struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
            wk_gbt_next(&sender, second + sent, 0, 1, &out);
            struct wk_bytes_in back = wk_bytes_in_of(first, out.size);
            require(wk_gbt_read(&back, &block) == WK_OK);
            const size_t at = (size_t)(block.number - 1) * sender.block;
            require(at + block.data.size <= length);
            require(memcmp(block.data.data, second + at, block.data.size) == 0);
            require(block.last == (at + block.data.size == length));
            if ((what & 3) != 0) {
                (void)wk_gbt_take(&taken, &block);
            }
            continue;
        }
        const uint16_t ack = (what & 0x80) != 0 ? wk_bytes_in_u16be(&in) : taken;
        if (wk_gbt_acknowledge(&sender, ack, what & 0x3F) != WK_OK) {
            break;
        }
        if (wk_gbt_wants(&sender)) {
            sent += sender.size;
            require(sent <= length && wk_gbt_load(&sender, length - sent, true) == WK_OK);
        }
    }
}

static void fuzz_notification(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_bytes_in third = in;
    struct wk_notification push;
    struct wk_notification_event event;
    struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
    uint32_t invoke;
    (void)!wk_notification_read_confirm(&third, &invoke);
    if (wk_notification_read(&in, &push) == WK_OK) {
        wk_notification_put_head(&out, push.invoke, push.time);
        wk_bytes_out_put(&out, push.body.data, push.body.size);
        require_same(&out, &in, 0);
    }
    out = wk_bytes_out_of(first, sizeof first);
    if (wk_notification_read_event(&copy, &event) == WK_OK) {
        wk_notification_put_event(&out, &event);
        require_same(&out, &copy, 0);
    }
}

/* What can be made compact is the same when it is expanded again. */
static void fuzz_compact(struct wk_bytes_in in)
{
    struct wk_bytes_in copy = in;
    struct wk_compact compact;
    struct wk_bytes_out out = wk_bytes_out_of(first, sizeof first);
    if (wk_compact_read(&copy, &compact) == WK_OK) {
        struct wk_bytes_out rows = wk_bytes_out_of(second, sizeof second);
        for (int i = 0; i < 4096 && wk_compact_next(&compact, &rows) == WK_OK; i++) {
        }
    }
    if (wk_compact_put(in, &out) != WK_OK) {
        require(out.size == 0);
        return;
    }
    struct wk_bytes_in made = wk_bytes_in_of(first, out.size);
    struct wk_bytes_out again = wk_bytes_out_of(second, sizeof second);
    require(wk_compact_read(&made, &compact) == WK_OK);
    const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    wk_axdr_put_array(&again, count);
    const size_t head = again.size;
    for (uint32_t i = 0; i < count && compact.contents.size > 0; i++) {
        require(wk_compact_next(&compact, &again) == WK_OK);
    }
    require(compact.contents.size == 0 || again.size - head <= in.size);
    struct wk_bytes_in value = wk_bytes_in_of(second, again.size);
    if (compact.contents.size > 0) {
        wk_axdr_skip(&value);
        require(wk_bytes_in_end(&value) == WK_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const k_readers[])(struct wk_bytes_in) = {
        fuzz_request, fuzz_response,     fuzz_association, fuzz_initiate, fuzz_data,
        fuzz_rows,    fuzz_wrapper,      fuzz_text,        fuzz_cipher,   fuzz_access,
        fuzz_gbt,     fuzz_notification, fuzz_compact};
    if (size < 1 || size > ROOM / 2) {
        return 0;
    }
    k_readers[data[0] % (sizeof k_readers / sizeof k_readers[0])](
        wk_bytes_in_of(data + 1, size - 1));
    return 0;
}
