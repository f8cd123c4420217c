/* SPDX-License-Identifier: Apache-2.0 */
#include "management/notify.h"

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "cosem/notification.h"

#define CLASS_DATA 1
#define VALUE      2
#define SECOND_US  INT64_C(1000000)

wk_err wk_notify_init(struct wk_notify *notify, const struct wk_notify_config *config)
{
    if (config->alarm == NULL || config->zone == NULL) {
        return WK_E_ARGUMENT;
    }
    *notify = (struct wk_notify){.config = *config};
    return WK_OK;
}

/* ---- when -------------------------------------------------------------------------------- */

static bool is_carried(const struct wk_alarm_destination *destination)
{
    return destination->service == WK_ALARM_TCP || destination->service == WK_ALARM_UDP;
}

bool wk_notify_begin(struct wk_notify *notify, int64_t now_us,
                     const struct wk_alarm_destination **destination)
{
    const struct wk_alarm *alarm = notify->config.alarm;
    for (uint8_t i = 0; i < WK_ALARM_DESTINATIONS && !notify->busy; i++) {
        if (!is_carried(&alarm->destination[i]) || now_us < notify->job[i].due_us ||
            !wk_alarm_pending(alarm, i, notify->bits)) {
            continue;
        }
        notify->busy = true;
        notify->number = i;
        notify->next = 0;
        notify->deadline_us = now_us + WK_NOTIFY_CARRY_US;
        *destination = &alarm->destination[i];
        return true;
    }
    return false;
}

bool wk_notify_is_busy(const struct wk_notify *notify)
{
    return notify->busy;
}

void wk_notify_failed(struct wk_notify *notify, int64_t now_us)
{
    if (!notify->busy) {
        return;
    }
    int64_t pause_us = WK_NOTIFY_PAUSE_US;
    for (uint8_t i = 0; i < notify->job[notify->number].tries; i++) {
        pause_us *= 2;
    }
    const bool grows = pause_us < WK_NOTIFY_PAUSE_MOST_US;
    if (grows) {
        notify->job[notify->number].tries++;
    }
    notify->job[notify->number].due_us = now_us + (grows ? pause_us : WK_NOTIFY_PAUSE_MOST_US);
    notify->busy = false;
}

void wk_notify_tick(struct wk_notify *notify, int64_t now_us)
{
    if (notify->busy && now_us >= notify->deadline_us) {
        wk_notify_failed(notify, now_us);
    }
}

/* ---- what -------------------------------------------------------------------------------- */

static uint8_t next_register(const struct wk_notify *notify)
{
    uint8_t reg = notify->next;
    while (reg < WK_ALARM_REGISTERS && notify->bits[reg] == 0) {
        reg++;
    }
    return reg;
}

bool wk_notify_sends(const struct wk_notify *notify)
{
    return notify->busy && next_register(notify) < WK_ALARM_REGISTERS;
}

static wk_err put_event(const struct wk_notify *notify, uint8_t reg, int64_t now_us,
                        struct wk_bytes_out *out)
{
    struct wk_notification_event event = {
        .target = {.class_id = CLASS_DATA, .obis = {0, 0, 97, 98, reg, 255}, .id = VALUE}};
    uint8_t clock[WK_DATETIME_SIZE];
    uint8_t value[5];
    struct wk_bytes_out time = wk_bytes_out_of(clock, sizeof clock);
    struct wk_bytes_out data = wk_bytes_out_of(value, sizeof value);
    struct wk_datetime now;
    WK_TRY(
        wk_datetime_of_utc(notify->config.zone, (struct wk_utc){now_us / SECOND_US}, 0, &now));
    wk_datetime_put(&time, &now);
    wk_axdr_put_double_long_unsigned(&data, notify->config.alarm->raised[reg]);
    event.time = wk_bytes_in_of(clock, time.size);
    event.value = wk_bytes_in_of(value, data.size);
    wk_notification_put_event(out, &event);
    return out->fault;
}

wk_err wk_notify_output(struct wk_notify *notify, int64_t now_us, struct wk_bytes_out *out)
{
    const uint8_t reg = next_register(notify);
    uint8_t room[WK_NOTIFY_APDU];
    struct wk_bytes_out plain = wk_bytes_out_of(room, sizeof room);
    if (!wk_notify_sends(notify)) {
        return WK_E_STATE;
    }
    WK_TRY(put_event(notify, reg, now_us, &plain));
    if (notify->config.seal != NULL) {
        WK_TRY(notify->config.seal(notify->config.self, wk_bytes_in_of(room, plain.size), out));
    } else {
        wk_bytes_out_put(out, room, plain.size);
    }
    WK_TRY(out->fault);
    notify->next = (uint8_t)(reg + 1);
    notify->deadline_us = now_us + WK_NOTIFY_CARRY_US;
    return WK_OK;
}

void wk_notify_sent(struct wk_notify *notify)
{
    if (!notify->busy || wk_notify_sends(notify)) {
        return;
    }
    for (uint8_t reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        notify->delivered += notify->bits[reg] != 0 ? 1 : 0;
    }
    wk_alarm_delivered(notify->config.alarm, notify->number, notify->bits);
    notify->job[notify->number].tries = 0;
    notify->job[notify->number].due_us = 0;
    notify->moved = true;
    notify->busy = false;
}
