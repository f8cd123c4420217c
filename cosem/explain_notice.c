/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/explain_part.h"
#include "cosem/notification.h"

/* ---- initiate ---------------------------------------------------------------------------- */

static void put_conformance(struct wk_explain *explain, struct wk_bytes_in *in)
{
    static const char *const k_bits[24] = {"reserved-zero",
                                           "general-protection",
                                           "general-block-transfer",
                                           "read",
                                           "write",
                                           "unconfirmed-write",
                                           "delta-value-encoding",
                                           "reserved-seven",
                                           "attribute0-supported-with-set",
                                           "priority-mgmt-supported",
                                           "attribute0-supported-with-get",
                                           "block-transfer-with-get-or-read",
                                           "block-transfer-with-set-or-write",
                                           "block-transfer-with-action",
                                           "multiple-references",
                                           "information-report",
                                           "data-notification",
                                           "access",
                                           "parameterized-access",
                                           "get",
                                           "set",
                                           "selective-access",
                                           "event-notification",
                                           "action"};
    static const uint8_t k_head[4] = {0x5F, 0x1F, 0x04, 0x00};
    uint8_t head[4];
    wk_bytes_in_copy(in, head, sizeof head);
    if (in->fault == WK_OK && memcmp(head, k_head, sizeof head) != 0) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (in->fault != WK_OK) {
        return;
    }
    wk_explain_open(explain, in, "conformance", -1);
    const struct wk_bytes_in bits = wk_explain_octets(explain, in, "bits", 3);
    for (size_t i = 0; i < 24 && bits.size == 3; i++) {
        if ((bits.data[i / 8] & (0x80 >> i % 8)) != 0) {
            wk_explain_note(explain, NULL, k_bits[i]);
        }
    }
    wk_explain_close(explain);
}

static void put_initiate_request(struct wk_explain *explain, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != 0) {
        const struct wk_bytes_in key = wk_explain_string(explain, in, "dedicated-key");
        if (key.size == 16 || key.size == 32) {
            memcpy(explain->dedicated.octets, key.data, key.size);
            explain->dedicated.size = (uint8_t)key.size;
        }
    }
    if (wk_bytes_in_u8(in) != 0) {
        (void)wk_explain_u8(explain, in, "response-allowed", NULL);
    }
    if (wk_bytes_in_u8(in) != 0) {
        (void)wk_explain_u8(explain, in, "proposed-quality-of-service", NULL);
    }
    (void)wk_explain_u8(explain, in, "proposed-dlms-version-number", NULL);
    put_conformance(explain, in);
    (void)wk_explain_u16(explain, in, "client-max-receive-pdu-size", NULL);
}

static void put_initiate_response(struct wk_explain *explain, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != 0) {
        (void)wk_explain_u8(explain, in, "negotiated-quality-of-service", NULL);
    }
    (void)wk_explain_u8(explain, in, "negotiated-dlms-version-number", NULL);
    put_conformance(explain, in);
    (void)wk_explain_u16(explain, in, "server-max-receive-pdu-size", NULL);
    (void)wk_explain_u16(explain, in, "vaa-name", NULL);
}

/* ---- errors ------------------------------------------------------------------------------ */

static void put_confirmed_error(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u8(explain, in, "service", wk_explain_confirmed_name);
    const bool initiate = wk_explain_u8(explain, in, "service-error", NULL) == 6;
    (void)wk_explain_u8(explain, in, "value", initiate ? wk_explain_initiate_error_name : NULL);
}

static void put_exception(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u8(explain, in, "state-error", wk_explain_state_error_name);
    if (wk_explain_u8(explain, in, "service-error", wk_explain_service_error_name) ==
        WK_APDU_INVOCATION_COUNTER_ERROR) {
        (void)wk_explain_u32(explain, in, "expected-invocation-counter");
    }
}

/* ---- notifications ------------------------------------------------------------------------ */

/* Some meters write the date-time with the tag of an octet-string. */
static void put_tagged_time(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const size_t at = in->at;
    if (wk_bytes_in_left(in) > 1 && in->data[at] == WK_AXDR_OCTET_STRING &&
        in->data[at + 1] == WK_NOTIFICATION_TIME) {
        wk_explain_fault(explain, at, "a tag before the date-time, which has none",
                         wk_bytes_in_of(wk_bytes_in_take(in, 1), 1));
    }
    (void)wk_explain_string(explain, in, "date-time");
}

static void put_notification(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u32(explain, in, "long-invoke-id-and-priority");
    put_tagged_time(explain, in);
    wk_explain_data(explain, in, "notification-body");
}

static void put_confirm(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u32(explain, in, "long-invoke-id-and-priority");
    (void)wk_explain_string(explain, in, "date-time");
}

static void put_event(struct wk_explain *explain, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != 0) {
        (void)wk_explain_string(explain, in, "time");
    }
    wk_explain_target(explain, in, "attribute-id");
    wk_explain_data(explain, in, "attribute-value");
}

/* ---- ACCESS ------------------------------------------------------------------------------ */

static void put_specification(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const uint32_t count = wk_axdr_read_length(in);
    wk_explain_open(explain, in, "access-request-specification", count);
    for (uint32_t i = 0; i < count && in->fault == WK_OK; i++) {
        wk_explain_open(explain, in, NULL, -1);
        const uint32_t kind = wk_explain_u8(explain, in, "kind", wk_explain_access_name);
        wk_explain_target(explain, in, kind == 3 ? "method-id" : "attribute-id");
        if (kind == 4 || kind == 5) {
            (void)wk_explain_u8(explain, in, "access-selector", NULL);
            wk_explain_data(explain, in, "access-parameters");
        } else if (kind < 1 || kind > 3) {
            wk_bytes_in_fail(in, WK_E_FORMAT);
        }
        wk_explain_close(explain);
    }
    wk_explain_close(explain);
}

static void put_values(struct wk_explain *explain, struct wk_bytes_in *in, const char *name)
{
    const uint32_t count = wk_axdr_read_length(in);
    wk_explain_open(explain, in, name, count);
    for (uint32_t i = 0; i < count && in->fault == WK_OK; i++) {
        wk_explain_data(explain, in, NULL);
    }
    wk_explain_close(explain);
}

static void put_access_request(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_confirm(explain, in);
    put_specification(explain, in);
    put_values(explain, in, "access-request-list-of-data");
}

static void put_access_response(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_confirm(explain, in);
    if (wk_bytes_in_u8(in) != 0) {
        put_specification(explain, in);
    }
    put_values(explain, in, "access-response-list-of-data");
    const uint32_t count = wk_axdr_read_length(in);
    wk_explain_open(explain, in, "access-response-specification", count);
    for (uint32_t i = 0; i < count && in->fault == WK_OK; i++) {
        wk_explain_open(explain, in, NULL, -1);
        (void)wk_explain_u8(explain, in, "kind", wk_explain_access_name);
        (void)wk_explain_u8(explain, in, "result", wk_explain_result_name);
        wk_explain_close(explain);
    }
    wk_explain_close(explain);
}

bool wk_explain_notice(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag)
{
    static const struct {
        uint8_t tag;
        void (*rest)(struct wk_explain *explain, struct wk_bytes_in *in);
    } k_notices[] = {
        {WK_APDU_INITIATE_REQUEST, put_initiate_request},
        {WK_APDU_INITIATE_RESPONSE, put_initiate_response},
        {WK_APDU_CONFIRMED_SERVICE_ERROR, put_confirmed_error},
        {WK_APDU_DATA_NOTIFICATION, put_notification},
        {WK_APDU_DATA_NOTIFICATION_CONFIRM, put_confirm},
        {WK_APDU_EVENT_NOTIFICATION, put_event},
        {WK_APDU_EXCEPTION, put_exception},
        {WK_APDU_ACCESS_REQUEST, put_access_request},
        {WK_APDU_ACCESS_RESPONSE, put_access_response},
    };
    for (size_t i = 0; i < sizeof k_notices / sizeof k_notices[0]; i++) {
        if (k_notices[i].tag == tag) {
            k_notices[i].rest(explain, in);
            return true;
        }
    }
    return false;
}
