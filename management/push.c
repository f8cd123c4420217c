/* SPDX-License-Identifier: Apache-2.0 */
#include "management/push.h"

#include <string.h>

#include "cosem/apdu.h"
#include "cosem/notification.h"
#include "management/push_part.h"

#define SECOND_US INT64_C(1000000)
#define WINDOW    1 /* blocks that are taken at once from the receiver: it sends no data */

/* ---- life -------------------------------------------------------------------------------- */

wk_err wk_push_init(struct wk_push *push, const struct wk_push_config *config)
{
    if (config->table == NULL || config->zone == NULL || config->draw == NULL ||
        config->role >= WK_ROLE_COUNT || config->max_pdu < WK_PUSH_PDU_LEAST) {
        return WK_E_ARGUMENT;
    }
    *push = (struct wk_push){.config = *config};
    return WK_OK;
}

/* ---- when -------------------------------------------------------------------------------- */

static bool fits(uint8_t pattern, uint8_t value)
{
    return pattern == WK_DATETIME_ANY || pattern == value;
}

static bool is_on_date(const struct wk_datetime *pattern, const struct wk_datetime *now)
{
    const bool year = pattern->year == WK_DATETIME_ANY_YEAR || pattern->year == now->year;
    return year && fits(pattern->month, now->month) && fits(pattern->day, now->day) &&
           fits(pattern->weekday, now->weekday);
}

static bool has_date(const struct wk_datetime *datetime)
{
    return datetime->year != WK_DATETIME_ANY_YEAR && datetime->month != WK_DATETIME_ANY &&
           datetime->day != WK_DATETIME_ANY;
}

static int32_t second_of_day(const struct wk_datetime *datetime)
{
    const int32_t hour = datetime->hour == WK_DATETIME_ANY ? 0 : datetime->hour;
    const int32_t minute = datetime->minute == WK_DATETIME_ANY ? 0 : datetime->minute;
    const int32_t second = datetime->second == WK_DATETIME_ANY ? 0 : datetime->second;
    return (hour * 60 + minute) * 60 + second;
}

static bool is_within(const struct wk_push *push, const struct wk_push_window *window,
                      struct wk_utc utc)
{
    struct wk_utc begin;
    struct wk_utc end;
    struct wk_datetime now;
    if (has_date(&window->begin) && has_date(&window->end)) {
        return wk_datetime_to_utc(&window->begin, push->config.zone, &begin) == WK_OK &&
               wk_datetime_to_utc(&window->end, push->config.zone, &end) == WK_OK &&
               utc.s >= begin.s && utc.s < end.s;
    }
    if (wk_datetime_of_utc(push->config.zone, utc, 0, &now) != WK_OK ||
        !is_on_date(&window->begin, &now)) {
        return false;
    }
    const int32_t from_s = second_of_day(&window->begin);
    const int32_t to_s = second_of_day(&window->end);
    const int32_t now_s = second_of_day(&now);
    /* A window that ends before it begins goes on over midnight. */
    return from_s < to_s ? now_s >= from_s && now_s < to_s : now_s >= from_s || now_s < to_s;
}

static bool is_open(const struct wk_push *push, const struct wk_push_setup *setup,
                    int64_t now_us)
{
    const struct wk_utc utc = {now_us / SECOND_US};
    bool open = setup->window_count == 0;
    for (uint8_t i = 0; i < setup->window_count && !open; i++) {
        open = is_within(push, &setup->windows[i], utc);
    }
    return open;
}

/* The pause before the next try, of which `tries` have failed. */
static int64_t delay_us(const struct wk_push_setup *setup, uint8_t tries)
{
    uint64_t delay_ms = setup->delay_least_s * UINT64_C(1000);
    const uint64_t most_ms = setup->delay_most_s * UINT64_C(1000);
    for (uint8_t i = 1; i < tries && delay_ms < most_ms; i++) {
        delay_ms = delay_ms * setup->delay_exponent / 100;
    }
    delay_ms = most_ms > 0 && delay_ms > most_ms ? most_ms : delay_ms;
    return (int64_t)delay_ms * 1000;
}

wk_err wk_push_trigger(struct wk_push *push, uint8_t setup, int64_t now_us)
{
    struct wk_push_setup of;
    struct wk_bytes_in objects;
    WK_TRY(wk_push_setup_of(push, setup, &of));
    struct wk_push_job *job = &push->jobs[setup];
    if (wk_push_objects_of(push, setup, &objects) == 0 || of.destination_size == 0) {
        return WK_E_STATE;
    }
    if (job->pending) {
        return WK_OK;
    }
    const uint32_t random_ms =
        of.random_s > 0 ? push->config.draw(push->config.self) % (of.random_s * 1000U + 1) : 0;
    *job = (struct wk_push_job){
        .pending = true,
        .due_us = now_us + (int64_t)random_ms * 1000,
    };
    push->moved = true;
    return WK_OK;
}

void wk_push_reset(struct wk_push *push, uint8_t setup)
{
    if (setup >= WK_PUSH_SETUPS) {
        return;
    }
    push->jobs[setup] = (struct wk_push_job){0};
    push->moved = true;
    if (push->delivery.busy && push->delivery.setup == setup) {
        push->delivery = (struct wk_push_delivery){0};
    }
}

int64_t wk_push_due_us(const struct wk_push *push)
{
    int64_t due_us = WK_PUSH_NEVER;
    if (push->delivery.busy) {
        return push->delivery.deadline_us;
    }
    for (uint8_t i = 0; i < WK_PUSH_SETUPS; i++) {
        const struct wk_push_job *job = &push->jobs[i];
        due_us = job->pending && job->due_us < due_us ? job->due_us : due_us;
    }
    return due_us;
}

/* ---- a delivery -------------------------------------------------------------------------- */

bool wk_push_is_busy(const struct wk_push *push)
{
    return push->delivery.busy;
}

static void finish(struct wk_push *push, int64_t now_us)
{
    struct wk_push_delivery *delivery = &push->delivery;
    struct wk_push_progress *progress = &push->progress[delivery->setup];
    const bool more = delivery->more;
    memcpy(progress->reached_s, delivery->reach_s, sizeof progress->reached_s);
    progress->confirmed_us = now_us;
    push->jobs[delivery->setup] = (struct wk_push_job){.pending = more, .due_us = now_us};
    push->delivered++;
    push->moved = true;
    delivery->busy = false;
}

void wk_push_failed(struct wk_push *push, int64_t now_us)
{
    struct wk_push_delivery *delivery = &push->delivery;
    if (!delivery->busy) {
        return;
    }
    const struct wk_push_setup *setup = &delivery->of;
    struct wk_push_job *job = &push->jobs[delivery->setup];
    delivery->busy = false;
    job->tries++;
    if (job->tries > setup->retries) {
        *job = (struct wk_push_job){0};
        push->moved = true;
        push->given_up++;
        return;
    }
    job->due_us = now_us + delay_us(setup, job->tries);
}

void wk_push_tick(struct wk_push *push, int64_t now_us)
{
    if (push->delivery.busy && now_us >= push->delivery.deadline_us) {
        wk_push_failed(push, now_us);
    }
}

/* Protects the notification in the body, or copies it. */
static wk_err prepare(struct wk_push *push, size_t size)
{
    const struct wk_push_setup *setup = &push->delivery.of;
    const struct wk_bytes_in plain = wk_bytes_in_of(push->body, size);
    struct wk_bytes_out out = wk_bytes_out_of(push->apdu, sizeof push->apdu);
    if (setup->protect && push->config.seal == NULL) {
        return WK_E_UNSUPPORTED;
    }
    if (setup->protect) {
        WK_TRY(push->config.seal(push->config.self, plain, &out));
    } else {
        wk_bytes_out_put(&out, push->body, size);
    }
    WK_TRY(out.fault);
    push->delivery.size = out.size;
    push->delivery.by_blocks = out.size > push->config.max_pdu;
    if (push->delivery.by_blocks) {
        wk_gbt_send(&push->delivery.sender, 0, push->config.max_pdu - WK_GBT_HEAD, 1);
        return wk_gbt_load(&push->delivery.sender, out.size, true);
    }
    return WK_OK;
}

/* The setup is in the delivery already. */
static wk_err begin(struct wk_push *push, uint8_t index, int64_t now_us)
{
    struct wk_push_delivery *delivery = &push->delivery;
    const bool confirmed = delivery->of.method == WK_PUSH_CONFIRMED;
    size_t size;
    delivery->busy = true;
    delivery->setup = index;
    delivery->deadline_us = now_us + WK_PUSH_CONFIRM_US;
    push->invoke = (push->invoke + 1) & WK_NOTIFICATION_ID;
    push->delivery.invoke = push->invoke | (confirmed ? WK_NOTIFICATION_CONFIRM : 0);
    WK_TRY(wk_push_collect(push, now_us, &size));
    return prepare(push, size);
}

bool wk_push_begin(struct wk_push *push, int64_t now_us, const struct wk_push_setup **setup)
{
    for (uint8_t i = 0; i < WK_PUSH_SETUPS && !push->delivery.busy; i++) {
        struct wk_push_job *job = &push->jobs[i];
        if (!job->pending || now_us < job->due_us) {
            continue;
        }
        push->delivery = (struct wk_push_delivery){0};
        *setup = &push->delivery.of;
        if (wk_push_setup_of(push, i, &push->delivery.of) != WK_OK ||
            !is_open(push, *setup, now_us)) {
            job->due_us = now_us + WK_PUSH_WINDOW_US;
            continue;
        }
        if (begin(push, i, now_us) == WK_OK) {
            return true;
        }
        wk_push_failed(push, now_us);
    }
    return false;
}

bool wk_push_sends(const struct wk_push *push)
{
    const struct wk_push_delivery *delivery = &push->delivery;
    if (!delivery->busy) {
        return false;
    }
    return delivery->by_blocks ? wk_gbt_may_send(&delivery->sender) : !delivery->begun;
}

wk_err wk_push_output(struct wk_push *push, int64_t now_us, struct wk_bytes_out *out)
{
    struct wk_push_delivery *delivery = &push->delivery;
    if (!wk_push_sends(push)) {
        return WK_E_STATE;
    }
    delivery->begun = true;
    delivery->deadline_us = now_us + WK_PUSH_CONFIRM_US;
    if (delivery->by_blocks) {
        wk_gbt_next(&delivery->sender, push->apdu + delivery->at, delivery->peer, WINDOW, out);
    } else {
        wk_bytes_out_put(out, push->apdu, delivery->size);
    }
    return out->fault;
}

/* The last block has gone: the receiver need not acknowledge it. */
static bool is_all_sent(const struct wk_push_delivery *delivery)
{
    return delivery->begun && (!delivery->by_blocks || delivery->sender.last) &&
           (!delivery->by_blocks || !wk_gbt_may_send(&delivery->sender));
}

void wk_push_sent(struct wk_push *push, int64_t now_us)
{
    struct wk_push_delivery *delivery = &push->delivery;
    if (!delivery->busy || !is_all_sent(delivery)) {
        return;
    }
    if (delivery->of.method == WK_PUSH_CONFIRMED) {
        delivery->waits = true;
    } else {
        finish(push, now_us);
    }
}

static void take_acknowledgement(struct wk_push *push, int64_t now_us, struct wk_bytes_in *apdu)
{
    struct wk_push_delivery *delivery = &push->delivery;
    struct wk_gbt_block block;
    if (!delivery->by_blocks || wk_gbt_read(apdu, &block) != WK_OK || block.data.size > 0 ||
        wk_gbt_acknowledge(&delivery->sender, block.ack, block.window) != WK_OK) {
        return;
    }
    delivery->peer = block.number;
    delivery->deadline_us = now_us + WK_PUSH_CONFIRM_US;
    if (wk_gbt_wants(&delivery->sender)) {
        delivery->at += delivery->sender.size;
        if (wk_gbt_load(&delivery->sender, delivery->size - delivery->at, true) != WK_OK) {
            wk_push_failed(push, now_us);
        }
    }
}

void wk_push_receive(struct wk_push *push, int64_t now_us, struct wk_bytes_in apdu)
{
    const struct wk_push_delivery *delivery = &push->delivery;
    uint8_t room[WK_PUSH_CONFIRMATION];
    struct wk_bytes_out plain = wk_bytes_out_of(room, sizeof room);
    uint32_t invoke;
    if (!delivery->busy) {
        return;
    }
    if (wk_bytes_in_peek(&apdu) == WK_APDU_GENERAL_BLOCK) {
        take_acknowledgement(push, now_us, &apdu);
        return;
    }
    if (delivery->of.protect) {
        /* A confirmation in clear proves nothing. */
        if (push->config.open == NULL ||
            push->config.open(push->config.self, apdu, &plain) != WK_OK) {
            return;
        }
        apdu = wk_bytes_in_of(room, plain.size);
    }
    if (wk_notification_read_confirm(&apdu, &invoke) == WK_OK && is_all_sent(delivery) &&
        ((invoke ^ delivery->invoke) & WK_NOTIFICATION_ID) == 0) {
        finish(push, now_us);
    }
}
