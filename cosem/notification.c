/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/notification.h"

#include "cosem/axdr.h"

static struct wk_bytes_in read_time(struct wk_bytes_in *in)
{
    const uint32_t size = wk_axdr_read_length(in);
    if (size != 0 && size != WK_NOTIFICATION_TIME) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return wk_bytes_in_of(NULL, 0);
    }
    const uint8_t *octets = wk_bytes_in_take(in, size);
    return wk_bytes_in_of(octets, octets != NULL ? size : 0);
}

static void put_time(struct wk_bytes_out *out, const struct wk_bytes_in *time)
{
    wk_axdr_put_length(out, (uint32_t)time->size);
    wk_bytes_out_put(out, time->data, time->size);
}

static void put_head(struct wk_bytes_out *out, uint8_t tag, uint32_t invoke,
                     const struct wk_bytes_in *time)
{
    wk_bytes_out_u8(out, tag);
    wk_bytes_out_u32be(out, invoke);
    put_time(out, time);
}

static void read_tag(struct wk_bytes_in *in, uint8_t tag)
{
    if (wk_bytes_in_left(in) > 0 && wk_bytes_in_peek(in) != tag) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    (void)wk_bytes_in_u8(in);
}

/* ---- DataNotification -------------------------------------------------------------------- */

void wk_notification_put_head(struct wk_bytes_out *out, uint32_t invoke,
                              struct wk_bytes_in time)
{
    put_head(out, WK_APDU_DATA_NOTIFICATION, invoke, &time);
}

wk_err wk_notification_read(struct wk_bytes_in *in, struct wk_notification *notification)
{
    *notification = (struct wk_notification){0};
    read_tag(in, WK_APDU_DATA_NOTIFICATION);
    notification->invoke = wk_bytes_in_u32be(in);
    notification->time = read_time(in);
    notification->body = wk_axdr_take(in);
    return wk_bytes_in_end(in);
}

void wk_notification_put_confirm(struct wk_bytes_out *out, uint32_t invoke,
                                 struct wk_bytes_in time)
{
    put_head(out, WK_APDU_DATA_NOTIFICATION_CONFIRM, invoke, &time);
}

wk_err wk_notification_read_confirm(struct wk_bytes_in *in, uint32_t *invoke)
{
    read_tag(in, WK_APDU_DATA_NOTIFICATION_CONFIRM);
    *invoke = wk_bytes_in_u32be(in);
    (void)read_time(in);
    return wk_bytes_in_end(in);
}

/* ---- EventNotification ------------------------------------------------------------------- */

void wk_notification_put_event(struct wk_bytes_out *out,
                               const struct wk_notification_event *event)
{
    wk_bytes_out_u8(out, WK_APDU_EVENT_NOTIFICATION);
    wk_bytes_out_u8(out, event->time.size > 0 ? 1 : 0);
    if (event->time.size > 0) {
        put_time(out, &event->time);
    }
    wk_apdu_put_target(out, false, &event->target);
    wk_bytes_out_put(out, event->value.data, event->value.size);
}

wk_err wk_notification_read_event(struct wk_bytes_in *in, struct wk_notification_event *event)
{
    *event = (struct wk_notification_event){0};
    read_tag(in, WK_APDU_EVENT_NOTIFICATION);
    if (wk_bytes_in_u8(in) != 0) {
        event->time = read_time(in);
    }
    wk_apdu_read_target(in, false, &event->target);
    event->value = wk_axdr_take(in);
    return wk_bytes_in_end(in);
}
