/* SPDX-License-Identifier: Apache-2.0
 *
 * Who hears of which alarm, what goes out, and when it is tried again. */
#include "management/notify.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "cosem/notification.h"
#include "management/event.h"
#include "tests/wk_test.h"

#define US     INT64_C(1000000)
#define NOW_US (INT64_C(1790000000) * US) /* 2026-09-21 14:13:20 UTC, a Monday */

static struct wk_alarm g_alarm;
static struct wk_notify g_notify;
static const struct wk_alarm_destination *g_to;

static void begin(void)
{
    const struct wk_notify_config config = {.alarm = &g_alarm, .zone = &wk_zone_utc};
    wk_alarm_init(&g_alarm);
    EXPECT_OK(wk_notify_init(&g_notify, &config));
}

static void direct(uint8_t number, wk_alarm_service service, uint32_t first, uint32_t second)
{
    const struct wk_alarm_destination destination = {
        .service = (uint8_t)service, .address = "192.0.2.1:4059", .mask = {first, second}};
    EXPECT_OK(wk_alarm_direct(&g_alarm, number, &destination));
}

/* The next notification is exactly these octets. */
static bool says(int64_t now_us, const char *hexadecimal)
{
    uint8_t room[WK_NOTIFY_APDU];
    char text[2 * WK_NOTIFY_APDU + 1] = "";
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    if (wk_notify_output(&g_notify, now_us, &out) != WK_OK) {
        return false;
    }
    for (size_t i = 0; i < out.size; i++) {
        snprintf(text + 2 * i, 3, "%02X", room[i]);
    }
    if (strcmp(text, hexadecimal) != 0) {
        printf("# %s\n", text);
    }
    return strcmp(text, hexadecimal) == 0;
}

static void a_destination_hears_what_its_mask_has(void)
{
    begin();
    direct(0, WK_ALARM_TCP, 0, 1U << 3); /* dips alone */
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_SWELL));
    EXPECT(!wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_DIP));
    EXPECT(wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT(g_to == &g_alarm.destination[0]);
    /* tag, time, class 1, 0.0.97.98.1.255, attribute 2, double-long-unsigned: bits 3 and 4 */
    EXPECT(says(NOW_US, "C2010C07EA0915010E0D140000000000010000616201FF020600000018"));
    EXPECT(!wk_notify_sends(&g_notify));
    wk_notify_sent(&g_notify);
    EXPECT(g_notify.moved && !wk_notify_is_busy(&g_notify));
    EXPECT(!wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT_I64(1, g_notify.delivered);
}

static void both_registers_and_all_destinations_are_told(void)
{
    begin();
    direct(1, WK_ALARM_UDP, UINT32_MAX, UINT32_MAX);
    direct(3, WK_ALARM_TCP, 1U << 14, 0);
    direct(2, WK_ALARM_HDLC, UINT32_MAX, UINT32_MAX); /* nothing carries that */
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_LOGIN_FAILED));
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_DIP));
    EXPECT(wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT(g_to == &g_alarm.destination[1]);
    EXPECT(says(NOW_US, "C2010C07EA0915010E0D140000000000010000616200FF020600004000"));
    EXPECT(wk_notify_sends(&g_notify));
    wk_notify_sent(&g_notify); /* there is more to say */
    EXPECT(wk_notify_is_busy(&g_notify));
    EXPECT(says(NOW_US, "C2010C07EA0915010E0D140000000000010000616201FF020600000008"));
    wk_notify_sent(&g_notify);
    EXPECT(wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT(g_to == &g_alarm.destination[3]);
    EXPECT(says(NOW_US, "C2010C07EA0915010E0D140000000000010000616200FF020600004000"));
    wk_notify_sent(&g_notify);
    EXPECT_I64(3, g_notify.delivered);
    EXPECT(!wk_notify_begin(&g_notify, NOW_US, &g_to));
}

static void what_no_carrier_took_is_tried_again_after_growing_pauses(void)
{
    int64_t at_us = NOW_US;
    int64_t pause_us = WK_NOTIFY_PAUSE_US;
    begin();
    direct(0, WK_ALARM_TCP, UINT32_MAX, UINT32_MAX);
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_DIP));
    for (int i = 0; i < 300; i++) {
        EXPECT(wk_notify_begin(&g_notify, at_us, &g_to));
        if (i % 2 == 0) {
            wk_notify_failed(&g_notify, at_us);
        } else {
            wk_notify_tick(&g_notify, at_us + WK_NOTIFY_CARRY_US - 1);
            EXPECT(wk_notify_is_busy(&g_notify));
            at_us += WK_NOTIFY_CARRY_US;
            wk_notify_tick(&g_notify, at_us);
        }
        EXPECT(!wk_notify_is_busy(&g_notify));
        EXPECT(!wk_notify_begin(&g_notify, at_us + pause_us - 1, &g_to));
        at_us += pause_us;
        pause_us =
            pause_us * 2 < WK_NOTIFY_PAUSE_MOST_US ? pause_us * 2 : WK_NOTIFY_PAUSE_MOST_US;
    }
    EXPECT_I64(WK_NOTIFY_PAUSE_MOST_US, pause_us);
    EXPECT(wk_notify_begin(&g_notify, at_us, &g_to));
    uint8_t room[WK_NOTIFY_APDU];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    EXPECT_OK(wk_notify_output(&g_notify, at_us, &out));
    EXPECT_ERR(WK_E_STATE, wk_notify_output(&g_notify, at_us, &out));
    wk_notify_sent(&g_notify);
    EXPECT_I64(1, g_notify.delivered);
}

static void what_was_raised_while_it_was_told_is_told_next(void)
{
    begin();
    direct(0, WK_ALARM_TCP, UINT32_MAX, UINT32_MAX);
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_DIP));
    EXPECT(wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT(says(NOW_US, "C2010C07EA0915010E0D140000000000010000616201FF020600000008"));
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_SWELL));
    wk_notify_sent(&g_notify);
    EXPECT(wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT(says(NOW_US, "C2010C07EA0915010E0D140000000000010000616201FF020600000018"));
}

static wk_err refuse(void *self, struct wk_bytes_in plain, struct wk_bytes_out *out)
{
    (void)self;
    (void)plain;
    (void)out;
    return WK_E_STATE;
}

static void what_cannot_be_sealed_does_not_go_in_clear(void)
{
    uint8_t room[WK_NOTIFY_APDU];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    begin();
    g_notify.config.seal = refuse;
    direct(0, WK_ALARM_TCP, UINT32_MAX, UINT32_MAX);
    EXPECT(wk_alarm_raise(&g_alarm, WK_EVENT_DIP));
    EXPECT(wk_notify_begin(&g_notify, NOW_US, &g_to));
    EXPECT_ERR(WK_E_STATE, wk_notify_output(&g_notify, NOW_US, &out));
    EXPECT_I64(0, out.size);
    wk_notify_failed(&g_notify, NOW_US);
    EXPECT(wk_notify_begin(&g_notify, NOW_US + WK_NOTIFY_PAUSE_US, &g_to));
    const struct wk_notify_config none = {.alarm = &g_alarm};
    EXPECT_ERR(WK_E_ARGUMENT, wk_notify_init(&g_notify, &none));
}

WK_TEST_MAIN(T(a_destination_hears_what_its_mask_has),
             T(both_registers_and_all_destinations_are_told),
             T(what_no_carrier_took_is_tried_again_after_growing_pauses),
             T(what_was_raised_while_it_was_told_is_told_next),
             T(what_cannot_be_sealed_does_not_go_in_clear))
