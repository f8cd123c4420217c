/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes every reader of cosem/ with the same octets, and checks that what was read and is
 * written again reads the same. The first octet chooses the reader. */
#include <stdlib.h>
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/axdr.h"
#include "cosem/cipher.h"
#include "cosem/datetime.h"
#include "cosem/initiate.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const k_readers[])(struct wk_bytes_in) = {
        fuzz_request, fuzz_response, fuzz_association, fuzz_initiate, fuzz_data,
        fuzz_rows,    fuzz_wrapper,  fuzz_text,        fuzz_cipher};
    if (size < 1 || size > ROOM / 2) {
        return 0;
    }
    k_readers[data[0] % (sizeof k_readers / sizeof k_readers[0])](
        wk_bytes_in_of(data + 1, size - 1));
    return 0;
}
