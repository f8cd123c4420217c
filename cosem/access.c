/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/access.h"

#include "cosem/axdr.h"

static struct wk_bytes_in read_time(struct wk_bytes_in *in)
{
    const uint32_t size = wk_axdr_read_length(in);
    if (size != 0 && size != WK_ACCESS_TIME) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return wk_bytes_in_of(NULL, 0);
    }
    const uint8_t *octets = wk_bytes_in_take(in, size);
    return wk_bytes_in_of(octets, octets != NULL ? size : 0);
}

static void put_head(struct wk_bytes_out *out, uint8_t tag, uint32_t invoke,
                     const struct wk_bytes_in *time)
{
    wk_bytes_out_u8(out, tag);
    wk_bytes_out_u32be(out, invoke);
    wk_axdr_put_length(out, (uint32_t)time->size);
    wk_bytes_out_put(out, time->data, time->size);
}

static void put_counted(struct wk_bytes_out *out, uint32_t count,
                        const struct wk_bytes_in *elements)
{
    wk_axdr_put_length(out, count);
    wk_bytes_out_put(out, elements->data, elements->size);
}

static void pass_target(struct wk_bytes_in *in)
{
    struct wk_apdu_target target;
    (void)wk_access_read_target(in, &target);
}

static void pass_result(struct wk_bytes_in *in)
{
    const uint8_t kind = wk_bytes_in_u8(in);
    (void)wk_bytes_in_u8(in);
    if (kind < WK_ACCESS_GET || kind > WK_ACCESS_ACTION) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

/* A count, and that many elements as one cursor. Each takes at least one octet. */
static struct wk_bytes_in read_counted(struct wk_bytes_in *in, uint32_t *count,
                                       void (*pass_over)(struct wk_bytes_in *in))
{
    *count = wk_axdr_read_length(in);
    const size_t begin = in->at;
    for (uint32_t i = 0; i < *count && in->fault == WK_OK; i++) {
        pass_over(in);
    }
    return wk_bytes_in_of(in->data + begin, in->fault == WK_OK ? in->at - begin : 0);
}

static struct wk_bytes_in read_as_many(struct wk_bytes_in *in, uint32_t count,
                                       void (*pass_over)(struct wk_bytes_in *in))
{
    uint32_t announced;
    const struct wk_bytes_in elements = read_counted(in, &announced, pass_over);
    if (announced != count) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return elements;
}

/* ---- targets ----------------------------------------------------------------------------- */

wk_access_kind wk_access_read_target(struct wk_bytes_in *in, struct wk_apdu_target *target)
{
    const uint8_t kind = wk_bytes_in_u8(in);
    if (kind < WK_ACCESS_GET || kind > WK_ACCESS_SET_SELECTED) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    wk_apdu_read_target(in, false, target);
    target->selective = kind == WK_ACCESS_GET_SELECTED || kind == WK_ACCESS_SET_SELECTED;
    if (target->selective) {
        target->selector = wk_bytes_in_u8(in);
        target->parameter = wk_axdr_take(in);
    }
    return (wk_access_kind)kind;
}

void wk_access_put_target(struct wk_bytes_out *out, wk_access_kind kind,
                          const struct wk_apdu_target *target)
{
    wk_access_kind written = kind;
    if (target->selective) {
        written = kind == WK_ACCESS_SET ? WK_ACCESS_SET_SELECTED : WK_ACCESS_GET_SELECTED;
    }
    wk_bytes_out_u8(out, (uint8_t)written);
    wk_apdu_put_target(out, false, target);
    if (target->selective) {
        wk_bytes_out_u8(out, target->selector);
        wk_bytes_out_put(out, target->parameter.data, target->parameter.size);
    }
}

/* ---- requests and responses -------------------------------------------------------------- */

void wk_access_put_request(struct wk_bytes_out *out, const struct wk_access_request *request)
{
    put_head(out, WK_APDU_ACCESS_REQUEST, request->invoke, &request->time);
    put_counted(out, request->count, &request->list);
    put_counted(out, request->count, &request->values);
}

wk_err wk_access_read_request(struct wk_bytes_in *in, struct wk_access_request *request)
{
    *request = (struct wk_access_request){0};
    if (wk_bytes_in_u8(in) != WK_APDU_ACCESS_REQUEST) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    request->invoke = wk_bytes_in_u32be(in);
    request->time = read_time(in);
    request->list = read_counted(in, &request->count, pass_target);
    request->values = read_as_many(in, request->count, wk_axdr_skip);
    return wk_bytes_in_end(in);
}

void wk_access_put_response(struct wk_bytes_out *out, const struct wk_access_response *response)
{
    put_head(out, WK_APDU_ACCESS_RESPONSE, response->invoke, &response->time);
    wk_bytes_out_u8(out, response->described ? 1 : 0);
    if (response->described) {
        put_counted(out, response->count, &response->list);
    }
    put_counted(out, response->count, &response->values);
    put_counted(out, response->count, &response->results);
}

wk_err wk_access_read_response(struct wk_bytes_in *in, struct wk_access_response *response)
{
    uint32_t described = 0;
    *response = (struct wk_access_response){0};
    if (wk_bytes_in_u8(in) != WK_APDU_ACCESS_RESPONSE) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    response->invoke = wk_bytes_in_u32be(in);
    response->time = read_time(in);
    response->described = wk_bytes_in_u8(in) != 0;
    if (response->described) {
        response->list = read_counted(in, &described, pass_target);
    }
    response->values = read_counted(in, &response->count, wk_axdr_skip);
    if (response->described && described != response->count) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    response->results = read_as_many(in, response->count, pass_result);
    return wk_bytes_in_end(in);
}
