/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_plan.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
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

static wk_err open_again(struct wk_dlms_client *client)
{
    struct wk_dlms_client_config config = client->config;
    if (config.client_sap == WK_DLMS_CLIENT_MANAGEMENT) {
        config.counter = wk_dlms_client_counter(client);
    }
    wk_dlms_client_close(client);
    return wk_dlms_client_open(client, &config);
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
            plan->reconnects--;
            WK_TRY(open_again(client));
        } else if (err != WK_OK) {
            return err;
        }
    }
    return WK_OK;
}

/* ---- profiles ------------------------------------------------------------------------------ */

/* The time of a row; false: its column holds none. */
static bool time_of(const struct wk_dlms_range *range, struct wk_bytes_in row,
                    struct wk_utc *utc)
{
    struct wk_datetime datetime;
    const uint32_t columns = wk_axdr_read_count(&row, WK_AXDR_STRUCTURE);
    if (range->clock >= columns) {
        return false;
    }
    for (uint32_t i = 0; i < range->clock; i++) {
        wk_axdr_skip(&row);
    }
    wk_datetime_read_axdr(&row, &datetime);
    return row.fault == WK_OK && wk_datetime_to_utc(&datetime, &wk_zone_utc, utc) == WK_OK;
}

static wk_err take_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    struct wk_dlms_range *range = self;
    struct wk_utc utc = {0};
    const bool timed = time_of(range, element, &utc);
    (void)index;
    if (range->again > 0 && timed && utc.s == range->last.s) {
        range->again--;
        return WK_OK;
    }
    range->again = 0;
    WK_TRY(range->row(range->self, range->rows, element));
    range->rows++;
    range->same = timed && range->has_last && utc.s == range->last.s ? range->same + 1 : 1;
    range->has_last = timed;
    range->last = utc;
    return WK_OK;
}

wk_err wk_dlms_range_read(struct wk_dlms_range *range, struct wk_dlms_client *client)
{
    for (;;) {
        const struct wk_utc asked[2] = {range->has_last ? range->last : range->from, range->to};
        range->again = range->has_last ? range->same : 0;
        const wk_err err =
            wk_dlms_client_get_range(client, range->obis, asked, range, take_row);
        const bool resumable = range->has_last || range->rows == 0;
        if (!is_lost(err) || !resumable || range->reconnects == 0) {
            return err;
        }
        range->reconnects--;
        range->lost++;
        WK_TRY(open_again(client));
    }
}
