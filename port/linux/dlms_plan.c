/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_plan.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/initiate.h"

#define REQUEST 2048 /* octets of the list of a request, most */
#define AROUND  96   /* octets of a request around its list: head and protection */

/* ---- one request --------------------------------------------------------------------------- */

/* How many items go with the next request, and their list. */
static size_t put_list(const struct wk_dlms_plan *plan, const struct wk_dlms_client *client,
                       struct wk_bytes_out *list)
{
    const size_t longest = client->client.server_max_pdu;
    const size_t limit = longest == 0 || longest > REQUEST ? REQUEST
                         : longest > AROUND                ? longest - AROUND
                                                           : 0;
    size_t count = 0;
    while (plan->done + count < plan->count && count < WK_CLIENT_LIST) {
        const size_t before = list->size;
        wk_apdu_put_target(list, true, &plan->items[plan->done + count].target);
        if (list->fault != WK_OK || list->size > limit) {
            list->size = before;
            list->fault = WK_OK;
            break;
        }
        count++;
    }
    return count;
}

static wk_err take_octets(void *self, const uint8_t *octets, size_t size)
{
    struct wk_bytes_out *out = self;
    wk_bytes_out_put(out, octets, size);
    return out->fault;
}

/* One result of a list: data, or why there are none. */
static void take_result(struct wk_bytes_in *in, struct wk_dlms_plan_item *item)
{
    const uint8_t choice = wk_bytes_in_u8(in);
    item->value = wk_bytes_in_of(NULL, 0);
    item->result = WK_APDU_SUCCESS;
    if (choice == 0) {
        item->value = wk_axdr_take(in);
    } else if (choice == 1) {
        item->result = wk_bytes_in_u8(in);
    } else {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static wk_err read_list(struct wk_dlms_plan *plan, struct wk_dlms_client *client)
{
    uint8_t room[REQUEST];
    struct wk_bytes_out list = wk_bytes_out_of(room, sizeof room);
    struct wk_bytes_out out = wk_bytes_out_of(plan->room + plan->used, plan->size - plan->used);
    const struct wk_client_sink sink = {.self = &out, .take = take_octets};
    const size_t count = put_list(plan, client, &list);
    if (count == 0) {
        return WK_E_UNSUPPORTED;
    }
    plan->requests++;
    WK_TRY(wk_dlms_client_get_list(client, (uint32_t)count, wk_bytes_in_of(room, list.size),
                                   sink));
    struct wk_bytes_in in = wk_bytes_in_of(out.data, out.size);
    if (wk_axdr_read_length(&in) != count) {
        return WK_E_FORMAT;
    }
    for (size_t i = 0; i < count; i++) {
        take_result(&in, &plan->items[plan->done + i]);
    }
    WK_TRY(wk_bytes_in_end(&in));
    plan->done += count;
    plan->used += out.size;
    return WK_OK;
}

static wk_err read_one(struct wk_dlms_plan *plan, struct wk_dlms_client *client)
{
    struct wk_dlms_plan_item *item = &plan->items[plan->done];
    size_t size = 0;
    plan->requests++;
    const wk_err err = wk_dlms_client_get(client, &item->target, plan->room + plan->used,
                                          plan->size - plan->used, &size);
    if (err != WK_OK && (err != WK_E_REFUSED || client->client.broken)) {
        return err;
    }
    item->result = err == WK_OK ? WK_APDU_SUCCESS : client->client.result;
    item->value = wk_bytes_in_of(plan->room + plan->used, size);
    plan->done++;
    plan->used += size;
    return WK_OK;
}

/* ---- all of them --------------------------------------------------------------------------- */

static bool is_lost(wk_err err)
{
    return err == WK_E_IO || err == WK_E_TIMEOUT || err == WK_E_CLOSED;
}

static wk_err read_next(struct wk_dlms_plan *plan, struct wk_dlms_client *client)
{
    const bool lists = (client->client.conformance & WK_CONFORMANCE_LISTS) != 0;
    if (!lists || plan->count - plan->done == 1) {
        return read_one(plan, client);
    }
    const wk_err err = read_list(plan, client);
    /* A meter may refuse a list as a whole and still give its parts. */
    return (err == WK_E_REFUSED && !client->client.broken) || err == WK_E_UNSUPPORTED
               ? read_one(plan, client)
               : err;
}

wk_err wk_dlms_plan_read(struct wk_dlms_plan *plan, struct wk_dlms_client *client)
{
    while (plan->done < plan->count) {
        const wk_err err = read_next(plan, client);
        if (is_lost(err) && plan->reconnects > 0) {
            struct wk_dlms_client_config config = client->config;
            config.counter = config.client_sap == WK_DLMS_CLIENT_MANAGEMENT
                                 ? wk_dlms_client_counter(client)
                                 : config.counter;
            plan->reconnects--;
            WK_TRY(wk_dlms_client_open(client, &config));
        } else if (err != WK_OK) {
            return err;
        }
    }
    return WK_OK;
}
