/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/apdu.h"

#include "cosem/axdr.h"

/* ---- targets ----------------------------------------------------------------------------- */

void wk_apdu_put_target(struct wk_bytes_out *out, bool selectable,
                        const struct wk_apdu_target *target)
{
    wk_bytes_out_u16be(out, target->class_id);
    wk_bytes_out_put(out, target->obis, WK_OBIS_SIZE);
    wk_bytes_out_u8(out, target->id);
    if (!selectable) {
        return;
    }
    wk_bytes_out_u8(out, target->selective ? 1 : 0);
    if (target->selective) {
        wk_bytes_out_u8(out, target->selector);
        wk_bytes_out_put(out, target->parameter.data, target->parameter.size);
    }
}

/* An OPTIONAL or BOOLEAN octet: 0 or not. */
static bool read_flag(struct wk_bytes_in *in)
{
    return wk_bytes_in_u8(in) != 0;
}

void wk_apdu_read_target(struct wk_bytes_in *in, bool selectable, struct wk_apdu_target *target)
{
    *target = (struct wk_apdu_target){.class_id = wk_bytes_in_u16be(in)};
    wk_bytes_in_copy(in, target->obis, WK_OBIS_SIZE);
    target->id = wk_bytes_in_u8(in);
    if (!selectable) {
        return;
    }
    target->selective = read_flag(in);
    if (target->selective) {
        target->selector = wk_bytes_in_u8(in);
        target->parameter = wk_axdr_take(in);
    }
}

/* ---- raw blocks -------------------------------------------------------------------------- */

static void put_raw(struct wk_bytes_out *out, const struct wk_bytes_in *data)
{
    wk_axdr_put_length(out, (uint32_t)data->size);
    wk_bytes_out_put(out, data->data, data->size);
}

static struct wk_bytes_in read_raw(struct wk_bytes_in *in)
{
    const uint32_t size = wk_axdr_read_length(in);
    const uint8_t *octets = wk_bytes_in_take(in, size);
    return wk_bytes_in_of(octets, octets != NULL ? size : 0);
}

/* `count` elements, as one cursor over them all. Each takes at least one octet. */
static struct wk_bytes_in read_many(struct wk_bytes_in *in, uint32_t count,
                                    void (*pass_over)(struct wk_bytes_in *in))
{
    const size_t begin = in->at;
    for (uint32_t i = 0; i < count && in->fault == WK_OK; i++) {
        pass_over(in);
    }
    return wk_bytes_in_of(in->data + begin, in->fault == WK_OK ? in->at - begin : 0);
}

static void pass_attribute(struct wk_bytes_in *in)
{
    struct wk_apdu_target target;
    wk_apdu_read_target(in, true, &target);
}

static void pass_method(struct wk_bytes_in *in)
{
    struct wk_apdu_target target;
    wk_apdu_read_target(in, false, &target);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void put_head(struct wk_bytes_out *out, wk_apdu_service service, uint8_t invoke)
{
    wk_bytes_out_u16be(out, (uint16_t)service);
    wk_bytes_out_u8(out, invoke);
}

static void put_block(struct wk_bytes_out *out, const struct wk_apdu_request *request)
{
    wk_bytes_out_u8(out, request->last_block ? 1 : 0);
    wk_bytes_out_u32be(out, request->block);
    put_raw(out, &request->data);
}

static void put_list(struct wk_bytes_out *out, const struct wk_apdu_request *request)
{
    wk_axdr_put_length(out, request->count);
    wk_bytes_out_put(out, request->list.data, request->list.size);
}

static void put_list_and_values(struct wk_bytes_out *out, const struct wk_apdu_request *request)
{
    put_list(out, request);
    wk_axdr_put_length(out, request->count);
    wk_bytes_out_put(out, request->data.data, request->data.size);
}

void wk_apdu_put_request(struct wk_bytes_out *out, const struct wk_apdu_request *request)
{
    put_head(out, request->service, request->invoke);
    switch ((int)request->service) {
    case WK_APDU_GET:
        wk_apdu_put_target(out, true, &request->target);
        break;
    case WK_APDU_GET_NEXT:
    case WK_APDU_ACTION_NEXT:
        wk_bytes_out_u32be(out, request->block);
        break;
    case WK_APDU_GET_LIST:
        put_list(out, request);
        break;
    case WK_APDU_SET:
        wk_apdu_put_target(out, true, &request->target);
        wk_bytes_out_put(out, request->data.data, request->data.size);
        break;
    case WK_APDU_SET_FIRST_BLOCK:
    case WK_APDU_ACTION_FIRST_BLOCK:
        wk_apdu_put_target(out, request->service == WK_APDU_SET_FIRST_BLOCK, &request->target);
        put_block(out, request);
        break;
    case WK_APDU_SET_BLOCK:
    case WK_APDU_ACTION_BLOCK:
        put_block(out, request);
        break;
    case WK_APDU_SET_LIST:
    case WK_APDU_ACTION_LIST:
        put_list_and_values(out, request);
        break;
    case WK_APDU_SET_LIST_FIRST_BLOCK:
    case WK_APDU_ACTION_LIST_FIRST_BLOCK:
        put_list(out, request);
        put_block(out, request);
        break;
    case WK_APDU_ACTION:
        wk_apdu_put_target(out, false, &request->target);
        wk_bytes_out_u8(out, request->data.size > 0 ? 1 : 0);
        wk_bytes_out_put(out, request->data.data, request->data.size);
        break;
    default:
        out->fault = out->fault != WK_OK ? out->fault : WK_E_ARGUMENT;
        break;
    }
}

static void read_block_head(struct wk_bytes_in *in, struct wk_apdu_request *request)
{
    request->last_block = read_flag(in);
    request->block = wk_bytes_in_u32be(in);
    request->data = read_raw(in);
}

static void read_list(struct wk_bytes_in *in, bool attributes, struct wk_apdu_request *request)
{
    request->count = wk_axdr_read_length(in);
    request->list = read_many(in, request->count, attributes ? pass_attribute : pass_method);
}

static void read_list_and_values(struct wk_bytes_in *in, bool attributes,
                                 struct wk_apdu_request *request)
{
    read_list(in, attributes, request);
    if (wk_axdr_read_length(in) != request->count) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    request->data = read_many(in, request->count, wk_axdr_skip);
}

static void read_action(struct wk_bytes_in *in, struct wk_apdu_request *request)
{
    wk_apdu_read_target(in, false, &request->target);
    if (read_flag(in)) {
        request->data = wk_axdr_take(in);
    }
}

wk_err wk_apdu_read_request(struct wk_bytes_in *in, struct wk_apdu_request *request)
{
    *request = (struct wk_apdu_request){.service = (wk_apdu_service)wk_bytes_in_u16be(in)};
    request->invoke = wk_bytes_in_u8(in);
    if (in->fault != WK_OK) {
        return in->fault;
    }
    switch ((int)request->service) {
    case WK_APDU_GET:
        wk_apdu_read_target(in, true, &request->target);
        break;
    case WK_APDU_GET_NEXT:
    case WK_APDU_ACTION_NEXT:
        request->block = wk_bytes_in_u32be(in);
        break;
    case WK_APDU_GET_LIST:
        read_list(in, true, request);
        break;
    case WK_APDU_SET:
        wk_apdu_read_target(in, true, &request->target);
        request->data = wk_axdr_take(in);
        break;
    case WK_APDU_SET_FIRST_BLOCK:
    case WK_APDU_ACTION_FIRST_BLOCK:
        wk_apdu_read_target(in, request->service == WK_APDU_SET_FIRST_BLOCK, &request->target);
        read_block_head(in, request);
        break;
    case WK_APDU_SET_BLOCK:
    case WK_APDU_ACTION_BLOCK:
        read_block_head(in, request);
        break;
    case WK_APDU_SET_LIST:
    case WK_APDU_ACTION_LIST:
        read_list_and_values(in, request->service == WK_APDU_SET_LIST, request);
        break;
    case WK_APDU_SET_LIST_FIRST_BLOCK:
    case WK_APDU_ACTION_LIST_FIRST_BLOCK:
        read_list(in, request->service == WK_APDU_SET_LIST_FIRST_BLOCK, request);
        read_block_head(in, request);
        break;
    case WK_APDU_ACTION:
        read_action(in, request);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return wk_bytes_in_end(in);
}

/* ---- responses --------------------------------------------------------------------------- */

/* The choice between data ([0]) and a data-access-result ([1]). */
static void put_choice(struct wk_bytes_out *out, uint8_t result, const struct wk_bytes_in *data)
{
    wk_bytes_out_u8(out, result == WK_APDU_SUCCESS ? 0 : 1);
    if (result == WK_APDU_SUCCESS) {
        wk_bytes_out_put(out, data->data, data->size);
    } else {
        wk_bytes_out_u8(out, result);
    }
}

static void put_get_block(struct wk_bytes_out *out, const struct wk_apdu_response *response)
{
    wk_bytes_out_u8(out, response->last_block ? 1 : 0);
    wk_bytes_out_u32be(out, response->block);
    wk_bytes_out_u8(out, response->result == WK_APDU_SUCCESS ? 0 : 1);
    if (response->result == WK_APDU_SUCCESS) {
        put_raw(out, &response->data);
    } else {
        wk_bytes_out_u8(out, response->result);
    }
}

void wk_apdu_put_action_result(struct wk_bytes_out *out, uint8_t result, uint8_t data_result,
                               const struct wk_bytes_in *data)
{
    wk_bytes_out_u8(out, result);
    wk_bytes_out_u8(out, data != NULL ? 1 : 0);
    if (data != NULL) {
        put_choice(out, data_result, data);
    }
}

static void put_action_block(struct wk_bytes_out *out, const struct wk_apdu_response *response)
{
    wk_bytes_out_u8(out, response->last_block ? 1 : 0);
    wk_bytes_out_u32be(out, response->block);
    put_raw(out, &response->data);
}

static void put_results(struct wk_bytes_out *out, const struct wk_apdu_response *response)
{
    wk_axdr_put_length(out, response->count);
    wk_bytes_out_put(out, response->data.data, response->data.size);
}

void wk_apdu_put_response(struct wk_bytes_out *out, const struct wk_apdu_response *response)
{
    put_head(out, response->service, response->invoke);
    switch ((int)response->service) {
    case WK_APDU_GET_REPLY:
        put_choice(out, response->result, &response->data);
        break;
    case WK_APDU_GET_REPLY_BLOCK:
        put_get_block(out, response);
        break;
    case WK_APDU_GET_REPLY_LIST:
    case WK_APDU_SET_REPLY_LIST:
    case WK_APDU_ACTION_REPLY_LIST:
        put_results(out, response);
        break;
    case WK_APDU_SET_REPLY:
        wk_bytes_out_u8(out, response->result);
        break;
    case WK_APDU_SET_REPLY_BLOCK:
    case WK_APDU_ACTION_REPLY_NEXT:
        wk_bytes_out_u32be(out, response->block);
        break;
    case WK_APDU_SET_REPLY_LAST:
        wk_bytes_out_u8(out, response->result);
        wk_bytes_out_u32be(out, response->block);
        break;
    case WK_APDU_SET_REPLY_LAST_LIST:
        put_results(out, response);
        wk_bytes_out_u32be(out, response->block);
        break;
    case WK_APDU_ACTION_REPLY:
        wk_apdu_put_action_result(out, response->result, response->data_result,
                                  response->has_data ? &response->data : NULL);
        break;
    case WK_APDU_ACTION_REPLY_BLOCK:
        put_action_block(out, response);
        break;
    default:
        out->fault = out->fault != WK_OK ? out->fault : WK_E_ARGUMENT;
        break;
    }
}

/* Reads the choice octet, 0 or 1, and the result after a 1. */
static uint8_t read_choice(struct wk_bytes_in *in)
{
    const uint8_t choice = wk_bytes_in_u8(in);
    if (choice == 0) {
        return WK_APDU_SUCCESS;
    }
    const uint8_t result = wk_bytes_in_u8(in);
    if (choice != 1 || result == WK_APDU_SUCCESS) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return result;
}

static void read_get_reply(struct wk_bytes_in *in, struct wk_apdu_response *response)
{
    response->result = read_choice(in);
    if (response->result == WK_APDU_SUCCESS) {
        response->data = wk_axdr_take(in);
    }
}

static void read_get_block(struct wk_bytes_in *in, struct wk_apdu_response *response)
{
    response->last_block = read_flag(in);
    response->block = wk_bytes_in_u32be(in);
    response->result = read_choice(in);
    if (response->result == WK_APDU_SUCCESS) {
        response->data = read_raw(in);
    }
}

static void pass_get_result(struct wk_bytes_in *in)
{
    if (read_choice(in) == WK_APDU_SUCCESS) {
        wk_axdr_skip(in);
    }
}

static void pass_action_result(struct wk_bytes_in *in)
{
    (void)wk_bytes_in_u8(in);
    if (read_flag(in)) {
        pass_get_result(in);
    }
}

static void read_results(struct wk_bytes_in *in, struct wk_apdu_response *response,
                         void (*pass_over)(struct wk_bytes_in *in))
{
    response->count = wk_axdr_read_length(in);
    response->data = read_many(in, response->count, pass_over);
}

static void read_set_results(struct wk_bytes_in *in, struct wk_apdu_response *response)
{
    response->count = wk_axdr_read_length(in);
    const uint8_t *results = wk_bytes_in_take(in, response->count);
    response->data = wk_bytes_in_of(results, results != NULL ? response->count : 0);
}

static void read_action_block(struct wk_bytes_in *in, struct wk_apdu_response *response)
{
    response->last_block = read_flag(in);
    response->block = wk_bytes_in_u32be(in);
    response->data = read_raw(in);
}

static void read_action_reply(struct wk_bytes_in *in, struct wk_apdu_response *response)
{
    response->result = wk_bytes_in_u8(in);
    response->has_data = read_flag(in);
    if (response->has_data) {
        response->data_result = read_choice(in);
        if (response->data_result == WK_APDU_SUCCESS) {
            response->data = wk_axdr_take(in);
        }
    }
}

wk_err wk_apdu_read_response(struct wk_bytes_in *in, struct wk_apdu_response *response)
{
    *response = (struct wk_apdu_response){.service = (wk_apdu_service)wk_bytes_in_u16be(in)};
    response->invoke = wk_bytes_in_u8(in);
    if (in->fault != WK_OK) {
        return in->fault;
    }
    switch ((int)response->service) {
    case WK_APDU_GET_REPLY:
        read_get_reply(in, response);
        break;
    case WK_APDU_GET_REPLY_BLOCK:
        read_get_block(in, response);
        break;
    case WK_APDU_GET_REPLY_LIST:
        read_results(in, response, pass_get_result);
        break;
    case WK_APDU_SET_REPLY:
        response->result = wk_bytes_in_u8(in);
        break;
    case WK_APDU_SET_REPLY_BLOCK:
    case WK_APDU_ACTION_REPLY_NEXT:
        response->block = wk_bytes_in_u32be(in);
        break;
    case WK_APDU_SET_REPLY_LAST:
        response->result = wk_bytes_in_u8(in);
        response->block = wk_bytes_in_u32be(in);
        break;
    case WK_APDU_SET_REPLY_LAST_LIST:
        read_set_results(in, response);
        response->block = wk_bytes_in_u32be(in);
        break;
    case WK_APDU_SET_REPLY_LIST:
        read_set_results(in, response);
        break;
    case WK_APDU_ACTION_REPLY:
        read_action_reply(in, response);
        break;
    case WK_APDU_ACTION_REPLY_BLOCK:
        read_action_block(in, response);
        break;
    case WK_APDU_ACTION_REPLY_LIST:
        read_results(in, response, pass_action_result);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return wk_bytes_in_end(in);
}

/* ---- exception-response ------------------------------------------------------------------ */

void wk_apdu_put_exception(struct wk_bytes_out *out, const struct wk_apdu_exception *exception)
{
    wk_bytes_out_u8(out, WK_APDU_EXCEPTION);
    wk_bytes_out_u8(out, exception->state_error);
    wk_bytes_out_u8(out, exception->service_error);
    if (exception->service_error == WK_APDU_INVOCATION_COUNTER_ERROR) {
        wk_bytes_out_u32be(out, exception->expected_counter);
    }
}

wk_err wk_apdu_read_exception(struct wk_bytes_in *in, struct wk_apdu_exception *exception)
{
    *exception = (struct wk_apdu_exception){0};
    if (wk_bytes_in_u8(in) != WK_APDU_EXCEPTION) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    exception->state_error = wk_bytes_in_u8(in);
    exception->service_error = wk_bytes_in_u8(in);
    if (exception->service_error == WK_APDU_INVOCATION_COUNTER_ERROR) {
        exception->expected_counter = wk_bytes_in_u32be(in);
    }
    return wk_bytes_in_end(in);
}

/* ---- texts ------------------------------------------------------------------------------- */

const char *wk_apdu_access_text(uint8_t result)
{
    switch (result) {
    case WK_APDU_SUCCESS:
        return "success";
    case WK_APDU_HARDWARE_FAULT:
        return "hardware fault";
    case WK_APDU_TEMPORARY_FAILURE:
        return "temporary failure";
    case WK_APDU_READ_WRITE_DENIED:
        return "access denied";
    case WK_APDU_OBJECT_UNDEFINED:
        return "no such object";
    case WK_APDU_CLASS_INCONSISTENT:
        return "the object has another class";
    case WK_APDU_OBJECT_UNAVAILABLE:
        return "not available";
    case WK_APDU_TYPE_UNMATCHED:
        return "wrong data type";
    case WK_APDU_SCOPE_VIOLATED:
        return "outside the scope of access";
    case WK_APDU_BLOCK_UNAVAILABLE:
        return "data block unavailable";
    case WK_APDU_LONG_GET_ABORTED:
        return "long get aborted";
    case WK_APDU_NO_LONG_GET:
        return "no long get in progress";
    case WK_APDU_LONG_SET_ABORTED:
        return "long set aborted";
    case WK_APDU_NO_LONG_SET:
        return "no long set in progress";
    case WK_APDU_BLOCK_NUMBER_INVALID:
        return "wrong block number";
    default:
        return "other reason";
    }
}

const char *wk_apdu_service_error_text(uint8_t service_error)
{
    switch (service_error) {
    case WK_APDU_OPERATION_NOT_POSSIBLE:
        return "operation not possible";
    case WK_APDU_SERVICE_NOT_SUPPORTED:
        return "service not supported";
    case WK_APDU_PDU_TOO_LONG:
        return "request too long";
    case WK_APDU_DECIPHERING_ERROR:
        return "the meter could not decipher the request (wrong key or system title)";
    case WK_APDU_INVOCATION_COUNTER_ERROR:
        return "invocation counter too low";
    default:
        return "other reason";
    }
}
