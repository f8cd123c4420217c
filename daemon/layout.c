/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/layout.h"

#include <stddef.h>

#include "management/module_pack.h"
#include "management/quantities.h"
#include "management/rooms.h"

#define KV_SECTORS      8
#define PROFILE_SECTORS 128 /* of 16 KiB: 13 months of quarter hours and more */
#define DAY_SECTORS     8   /* years of days */
#define QUALITY_SECTORS 64
#define MORE_SECTORS    48 /* each of those that came later: six weeks of five minutes */
#define EVENT_SECTORS   5  /* of 16 KiB: more than 600 entries */
#define BILLING_SECTORS 8

static const struct wk_layout_name k_keys[] = {
    {WK_MODULE_KEY_CORE, WK_MODULE_KEY_CORE, "cursor, totals, open interval"},
    {WK_MODULE_KEY_TARIFF, WK_MODULE_KEY_TARIFF, "calendars"},
    {WK_MODULE_KEY_SECURITY, WK_MODULE_KEY_SECURITY, "invocation counters, lock-outs"},
    {WK_MODULE_KEY_CLOCK, WK_MODULE_KEY_CLOCK, "clock"},
    {WK_MODULE_KEY_SUPPLY, WK_MODULE_KEY_SUPPLY, "supply"},
    {WK_MODULE_KEY_DEMAND, WK_MODULE_KEY_DEMAND, "demand under way"},
    {WK_MODULE_KEY_BILLING, WK_MODULE_KEY_BILLING, "billing period under way"},
    {WK_MODULE_KEY_RATE, WK_MODULE_KEY_RATE + WK_TARIFF_COUNT - 1, "registers of a tariff"},
    {WK_MODULE_KEY_PRICE, WK_MODULE_KEY_PRICE, "prices"},
    {WK_MODULE_KEY_SPENT, WK_MODULE_KEY_SPENT, "what was spent"},
    {WK_MODULE_KEY_MAXIMA, WK_MODULE_KEY_MAXIMA, "maximum demand"},
    {WK_MODULE_KEY_CHAIN, WK_MODULE_KEY_CHAIN, "newest hash of the security log"},
    {WK_MODULE_KEY_ALARM, WK_MODULE_KEY_ALARM, "alarms and their destinations"},
    {WK_MODULE_KEY_DISPLAY, WK_MODULE_KEY_DISPLAY, "lists of the display"},
    {WK_MODULE_KEY_PROFILE, WK_MODULE_KEY_PROFILE + WK_ROOMS_OWN_PROFILES - 1,
     "rules of a profile"},
    {WK_MODULE_KEY_ROWS, WK_MODULE_KEY_ROWS + WK_ROOMS_OWN_PROFILES - 1,
     "newest rows of a profile"},
    {WK_MODULE_KEY_MORE_PROFILES, WK_MODULE_KEY_MORE_PROFILES + WK_ROOMS_MORE_PROFILES - 1,
     "rules of a profile"},
    {WK_MODULE_KEY_MORE_ROWS, WK_MODULE_KEY_MORE_ROWS + WK_ROOMS_MORE_PROFILES - 1,
     "newest rows of a profile"},
    {WK_MODULE_KEY_MORE_OPEN, WK_MODULE_KEY_MORE_OPEN, "intervals under way"},
    {WK_MODULE_KEY_QUANTITIES, WK_MODULE_KEY_QUANTITIES + WK_QUANTITIES_PARTS - 1,
     "demand and energy of more quantities"},
};

static const struct wk_layout_name k_logs[] = {
    {WK_ROOMS_LOG_PROFILE, WK_ROOMS_LOG_PROFILE, "load profile"},
    {WK_ROOMS_LOG_EVENT, WK_ROOMS_LOG_EVENT, "standard events"},
    {WK_ROOMS_LOG_BILLING, WK_ROOMS_LOG_BILLING, "billing periods"},
    {WK_ROOMS_LOG_FRAUD, WK_ROOMS_LOG_FRAUD, "fraud events"},
    {WK_ROOMS_LOG_DISCONNECT, WK_ROOMS_LOG_DISCONNECT, "supply events"},
    {WK_ROOMS_LOG_QUALITY, WK_ROOMS_LOG_QUALITY, "quality events"},
    {WK_ROOMS_LOG_COMMUNICATION, WK_ROOMS_LOG_COMMUNICATION, "communication events"},
    {WK_ROOMS_LOG_FIRMWARE, WK_ROOMS_LOG_FIRMWARE, "firmware events"},
    {WK_ROOMS_LOG_SECURITY, WK_ROOMS_LOG_SECURITY, "security events"},
    {WK_ROOMS_LOG_CREDIT, WK_ROOMS_LOG_CREDIT, "credit events"},
    {WK_ROOMS_LOG_PROFILE_2, WK_ROOMS_LOG_PROFILE_2, "load profile 2"},
    {WK_ROOMS_LOG_PROFILE_3, WK_ROOMS_LOG_PROFILE_3, "power quality profile"},
    {WK_ROOMS_LOG_PROFILE_4, WK_ROOMS_LOG_PROFILE_4, "load profile of five minutes"},
    {WK_ROOMS_LOG_PROFILE_5, WK_ROOMS_LOG_PROFILE_5, "profile of instantaneous values"},
};

struct wk_store_layout wk_layout_first(void)
{
    struct wk_store_layout layout = {.kv_sectors = KV_SECTORS};
    layout.log_sectors[WK_ROOMS_LOG_PROFILE] = PROFILE_SECTORS;
    layout.log_sectors[WK_ROOMS_LOG_EVENT] = EVENT_SECTORS;
    for (int log = WK_ROOMS_LOG_FRAUD; log <= WK_ROOMS_LOG_CREDIT; log++) {
        layout.log_sectors[log] = EVENT_SECTORS;
    }
    layout.log_sectors[WK_ROOMS_LOG_BILLING] = BILLING_SECTORS;
    layout.log_sectors[WK_ROOMS_LOG_PROFILE_2] = DAY_SECTORS;
    layout.log_sectors[WK_ROOMS_LOG_PROFILE_3] = QUALITY_SECTORS;
    return layout;
}

struct wk_store_layout wk_layout_meter(void)
{
    struct wk_store_layout layout = wk_layout_first();
    layout.log_sectors[WK_ROOMS_LOG_PROFILE_4] = MORE_SECTORS;
    layout.log_sectors[WK_ROOMS_LOG_PROFILE_5] = MORE_SECTORS;
    return layout;
}

uint32_t wk_layout_sectors(const struct wk_store_layout *layout)
{
    uint32_t sectors = layout->kv_sectors;
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        sectors += layout->log_sectors[log];
    }
    return sectors;
}

static const char *find(const struct wk_layout_name *names, size_t count, uint8_t wanted,
                        const char *none)
{
    for (size_t i = 0; i < count; i++) {
        if (wanted >= names[i].first && wanted <= names[i].last) {
            return names[i].text;
        }
    }
    return none;
}

const char *wk_layout_key_name(uint8_t key)
{
    return find(k_keys, sizeof k_keys / sizeof k_keys[0], key, "key");
}

bool wk_layout_is_event(uint8_t log)
{
    return log == WK_ROOMS_LOG_EVENT ||
           (log >= WK_ROOMS_LOG_FRAUD && log <= WK_ROOMS_LOG_CREDIT);
}

const char *wk_layout_log_name(uint8_t log)
{
    return find(k_logs, sizeof k_logs / sizeof k_logs[0], log, "log");
}
