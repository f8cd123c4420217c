/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/wifi.h"

#include <stdlib.h>

#include "port/linux/nl80211.h"

#define HANDLES 2

struct wk_meter_wifi {
    struct wk_nl80211 reader;
    bool follows; /* the default route */
    bool is_known;
    struct wk_wifi_status status;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles;
};

static void on_answer(uv_poll_t *poll, int status, int events)
{
    struct wk_meter_wifi *wifi = poll->data;
    (void)status;
    (void)events;
    if (wk_nl80211_take(&wifi->reader)) {
        wifi->is_known = wifi->reader.is_wireless;
        wifi->status = wifi->reader.status;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct wk_meter_wifi *wifi = timer->data;
    if (wifi->follows && !wk_nl80211_default_interface(wifi->reader.name)) {
        wifi->is_known = false;
    } else if (wk_nl80211_look(&wifi->reader) != WK_OK) {
        wifi->is_known = false;
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct wk_meter_wifi *wifi = handle->data;
    if (--wifi->handles == 0) {
        wk_nl80211_close(&wifi->reader);
        free(wifi);
    }
}

wk_err wk_meter_wifi_start(struct wk_meter_wifi **wifi, uv_loop_t *loop, const char *interface)
{
    struct wk_meter_wifi *made = calloc(1, sizeof *made);
    const char *name = interface != NULL ? interface : "";
    if (made == NULL || wk_nl80211_open(&made->reader, name) != WK_OK) {
        free(made);
        return WK_E_IO;
    }
    made->follows = name[0] == '\0';
    made->handles = HANDLES;
    (void)uv_poll_init(loop, &made->poll, made->reader.fd);
    (void)uv_timer_init(loop, &made->timer);
    made->poll.data = made;
    made->timer.data = made;
    (void)uv_poll_start(&made->poll, UV_READABLE, on_answer);
    (void)uv_timer_start(&made->timer, on_timer, 0, WK_METER_WIFI_LOOK_MS);
    *wifi = made;
    return WK_OK;
}

const struct wk_wifi_status *wk_meter_wifi_look(const struct wk_meter_wifi *wifi)
{
    return wifi->is_known ? &wifi->status : NULL;
}

void wk_meter_wifi_stop(struct wk_meter_wifi *wifi)
{
    if (wifi != NULL) {
        uv_close((uv_handle_t *)&wifi->poll, on_closed);
        uv_close((uv_handle_t *)&wifi->timer, on_closed);
    }
}
