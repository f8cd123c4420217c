/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/explain_part.h"

/* ---- parts ------------------------------------------------------------------------------- */

/* A data value, or the octet that says there is none. */
static void put_optional_data(struct wk_explain *explain, struct wk_bytes_in *in,
                              const char *name)
{
    if (wk_explain_u8(explain, in, "present", NULL) != 0) {
        wk_explain_data(explain, in, name);
    }
}

void wk_explain_target(struct wk_explain *explain, struct wk_bytes_in *in, const char *id)
{
    (void)wk_explain_u16(explain, in, "class-id", wk_explain_class_name);
    wk_explain_obis(explain, in, "instance-id");
    (void)wk_explain_u8(explain, in, id, NULL);
}

static void put_attribute(struct wk_explain *explain, struct wk_bytes_in *in)
{
    wk_explain_target(explain, in, "attribute-id");
    if (wk_explain_u8(explain, in, "access-selection", NULL) != 0) {
        (void)wk_explain_u8(explain, in, "access-selector", NULL);
        wk_explain_data(explain, in, "access-parameters");
    }
}

static void put_method(struct wk_explain *explain, struct wk_bytes_in *in)
{
    wk_explain_target(explain, in, "method-id");
}

static void put_data(struct wk_explain *explain, struct wk_bytes_in *in)
{
    wk_explain_data(explain, in, "data");
}

static void put_result(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u8(explain, in, "result", wk_explain_result_name);
}

/* Data, or why there are none. */
static void put_get_result(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const uint32_t choice = wk_explain_u8(explain, in, "choice", wk_explain_choice_name);
    if (choice == 0) {
        put_data(explain, in);
    } else if (choice == 1) {
        (void)wk_explain_u8(explain, in, "data-access-result", wk_explain_result_name);
    } else {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static void put_action_result(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_result(explain, in);
    if (wk_explain_u8(explain, in, "present", NULL) != 0) {
        put_get_result(explain, in);
    }
}

typedef void part(struct wk_explain *explain, struct wk_bytes_in *in);

static void put_list(struct wk_explain *explain, struct wk_bytes_in *in, const char *name,
                     part *one)
{
    struct wk_bytes_in at = *in;
    const uint32_t count = wk_axdr_read_length(in);
    wk_explain_open(explain, &at, name, count);
    for (uint32_t i = 0; i < count && in->fault == WK_OK; i++) {
        wk_explain_open(explain, in, NULL, -1);
        one(explain, in);
        wk_explain_close(explain);
    }
    wk_explain_close(explain);
}

/* ---- blocks ------------------------------------------------------------------------------ */

/* The octets of blocks, put together, when the last one has come. */
static void gather(struct wk_explain *explain, struct wk_bytes_in raw, uint32_t number,
                   bool last, part *whole)
{
    struct wk_explain_flow *flow = &explain->flows[explain->direction];
    if (number <= 1) {
        flow->data_size = 0;
    }
    if (raw.size == 0 || raw.size > sizeof flow->data - flow->data_size) {
        return;
    }
    memcpy(flow->data + flow->data_size, raw.data, raw.size);
    flow->data_size += raw.size;
    if (last && number > 1) {
        struct wk_bytes_in in = wk_bytes_in_of(flow->data, flow->data_size);
        wk_explain_open(explain, &in, "blocks together", -1);
        whole(explain, &in);
        wk_explain_finish(explain, &in);
        wk_explain_close(explain);
    }
}

static void put_block(struct wk_explain *explain, struct wk_bytes_in *in, part *whole)
{
    const bool last = wk_explain_u8(explain, in, "last-block", NULL) != 0;
    const uint32_t number = wk_explain_u32(explain, in, "block-number");
    const struct wk_bytes_in raw = wk_explain_string(explain, in, "raw-data");
    if (in->fault == WK_OK) {
        gather(explain, raw, number, last, whole);
    }
}

static void put_raw(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_octets(explain, in, "octets", wk_bytes_in_left(in));
}

/* ---- services ---------------------------------------------------------------------------- */

static void put_get_block(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const bool last = wk_explain_u8(explain, in, "last-block", NULL) != 0;
    const uint32_t number = wk_explain_u32(explain, in, "block-number");
    const uint32_t choice = wk_explain_u8(explain, in, "choice", wk_explain_choice_name);
    if (choice == 0) {
        const struct wk_bytes_in raw = wk_explain_string(explain, in, "raw-data");
        if (in->fault == WK_OK) {
            gather(explain, raw, number, last, put_data);
        }
    } else {
        (void)wk_explain_u8(explain, in, "data-access-result", wk_explain_result_name);
    }
}

static void put_next(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u32(explain, in, "block-number");
}

static void put_get_list(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_list(explain, in, "attributes", put_attribute);
}

static void put_get_results(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_list(explain, in, "results", put_get_result);
}

static void put_set(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_attribute(explain, in);
    put_data(explain, in);
}

static void put_set_first(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_attribute(explain, in);
    put_block(explain, in, put_data);
}

static void put_set_block(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_block(explain, in, put_raw);
}

static void put_set_list(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_get_list(explain, in);
    put_list(explain, in, "values", put_data);
}

static void put_set_list_first(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_get_list(explain, in);
    put_block(explain, in, put_raw);
}

static void put_set_last(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_result(explain, in);
    put_next(explain, in);
}

static void put_set_results(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_list(explain, in, "results", put_result);
}

static void put_set_last_list(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_set_results(explain, in);
    put_next(explain, in);
}

static void put_action(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_method(explain, in);
    put_optional_data(explain, in, "parameters");
}

static void put_action_list(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_list(explain, in, "methods", put_method);
    put_list(explain, in, "parameters", put_data);
}

static void put_action_first(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_method(explain, in);
    put_block(explain, in, put_data);
}

static void put_action_list_first(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_list(explain, in, "methods", put_method);
    put_block(explain, in, put_raw);
}

static void put_action_results(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_list(explain, in, "results", put_action_result);
}

static void put_action_reply_block(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_block(explain, in, put_raw);
}

static const struct {
    uint16_t service; /* wk_apdu_service */
    const char *name;
    part *rest; /* behind invoke-id-and-priority */
} k_services[] = {
    {WK_APDU_GET, "get-request-normal", put_attribute},
    {WK_APDU_GET_NEXT, "get-request-next", put_next},
    {WK_APDU_GET_LIST, "get-request-with-list", put_get_list},
    {WK_APDU_SET, "set-request-normal", put_set},
    {WK_APDU_SET_FIRST_BLOCK, "set-request-with-first-datablock", put_set_first},
    {WK_APDU_SET_BLOCK, "set-request-with-datablock", put_set_block},
    {WK_APDU_SET_LIST, "set-request-with-list", put_set_list},
    {WK_APDU_SET_LIST_FIRST_BLOCK, "set-request-with-list-and-first-datablock",
     put_set_list_first},
    {WK_APDU_ACTION, "action-request-normal", put_action},
    {WK_APDU_ACTION_NEXT, "action-request-next-pblock", put_next},
    {WK_APDU_ACTION_LIST, "action-request-with-list", put_action_list},
    {WK_APDU_ACTION_FIRST_BLOCK, "action-request-with-first-pblock", put_action_first},
    {WK_APDU_ACTION_LIST_FIRST_BLOCK, "action-request-with-list-and-first-pblock",
     put_action_list_first},
    {WK_APDU_ACTION_BLOCK, "action-request-with-pblock", put_set_block},
    {WK_APDU_GET_REPLY, "get-response-normal", put_get_result},
    {WK_APDU_GET_REPLY_BLOCK, "get-response-with-datablock", put_get_block},
    {WK_APDU_GET_REPLY_LIST, "get-response-with-list", put_get_results},
    {WK_APDU_SET_REPLY, "set-response-normal", put_result},
    {WK_APDU_SET_REPLY_BLOCK, "set-response-datablock", put_next},
    {WK_APDU_SET_REPLY_LAST, "set-response-last-datablock", put_set_last},
    {WK_APDU_SET_REPLY_LAST_LIST, "set-response-last-datablock-with-list", put_set_last_list},
    {WK_APDU_SET_REPLY_LIST, "set-response-with-list", put_set_results},
    {WK_APDU_ACTION_REPLY, "action-response-normal", put_action_result},
    {WK_APDU_ACTION_REPLY_BLOCK, "action-response-with-pblock", put_action_reply_block},
    {WK_APDU_ACTION_REPLY_LIST, "action-response-with-list", put_action_results},
    {WK_APDU_ACTION_REPLY_NEXT, "action-response-next-pblock", put_next},
};

bool wk_explain_service(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag)
{
    const uint16_t service = (uint16_t)(tag << 8 | wk_bytes_in_peek(in));
    bool known = false;
    for (size_t i = 0; i < sizeof k_services / sizeof k_services[0]; i++) {
        known = known || k_services[i].service >> 8 == tag;
        if (k_services[i].service == service && wk_bytes_in_left(in) > 0) {
            (void)wk_bytes_in_u8(in);
            wk_explain_note(explain, "service", k_services[i].name);
            wk_explain_open(explain, in, "invoke-id-and-priority", -1);
            const uint8_t invoke = wk_bytes_in_peek(in);
            (void)wk_explain_u8(explain, in, "octet", NULL);
            wk_explain_note(explain, "service-class",
                            (invoke & WK_APDU_INVOKE_CONFIRM) != 0 ? "confirmed"
                                                                   : "unconfirmed");
            wk_explain_note(explain, "priority",
                            (invoke & WK_APDU_INVOKE_PRIORITY) != 0 ? "high" : "normal");
            wk_explain_close(explain);
            k_services[i].rest(explain, in);
            return true;
        }
    }
    if (known) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return known;
}
