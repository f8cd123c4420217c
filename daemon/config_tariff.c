/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_tariff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KWH_UWH  1e9
#define UNIT_E6  1e6
#define KWH_MOST 1e9

/* ---- values ------------------------------------------------------------------------------ */

/* Up to `most` decimal numbers separated by commas, times `unit`; how many, 0 = they are wrong. */
static int take_list(const char *text, int most, double unit, double limit, int64_t *to)
{
    int count = 0;
    while (count < most) {
        char *end;
        const double value = strtod(text, &end);
        if (end == text || !(fabs(value) <= limit)) {
            return 0;
        }
        to[count++] = llround(value * unit);
        end += strspn(end, " ");
        if (*end == '\0') {
            return count;
        }
        if (*end != ',') {
            return 0;
        }
        text = end + 1;
    }
    return 0;
}

/* "never", "daily 00:00", "weekly 1 00:00", "monthly 1 00:00" */
static const char *take_period(struct wk_billing_rules *rules, const char *value)
{
    static const char *const k_names[WK_BILLING_SCHEDULES] = {"never", "daily", "weekly",
                                                              "monthly"};
    static const char k_must[] = "must be never, daily HH:MM, weekly DAY HH:MM (1 = Monday) or "
                                 "monthly DAY HH:MM";
    char name[8] = "";
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    int end = 0;
    int schedule = WK_BILLING_SCHEDULES;
    if (sscanf(value, "%7[a-z]%n", name, &end) != 1) {
        return k_must;
    }
    for (int i = 0; i < WK_BILLING_SCHEDULES; i++) {
        schedule = strcmp(name, k_names[i]) == 0 ? i : schedule;
    }
    const char *rest = value + end;
    const bool has_day = schedule == WK_BILLING_WEEKLY || schedule == WK_BILLING_MONTHLY;
    bool good = schedule == WK_BILLING_NEVER && *rest == '\0';
    end = 0;
    if (has_day) {
        good = sscanf(rest, " %2u %2u:%2u%n", &day, &hour, &minute, &end) == 3;
    } else if (schedule == WK_BILLING_DAILY) {
        good = sscanf(rest, " %2u:%2u%n", &hour, &minute, &end) == 2;
    }
    rules->schedule = (wk_billing_schedule)(schedule % WK_BILLING_SCHEDULES);
    rules->day = (uint8_t)day;
    rules->minute = (uint16_t)(hour * 60 + minute);
    struct wk_billing unused;
    good = good && rest[end] == '\0' && minute < 60 && wk_billing_init(&unused, rules) == WK_OK;
    return good ? NULL : k_must;
}

/* "15" or "15/3": minutes, and how many parts they slide by */
static const char *take_demand(struct wk_demand_rules *rules, const char *value)
{
    unsigned minutes = 0;
    unsigned parts = 1;
    int end = 0;
    const int fields = sscanf(value, "%3u%n/%2u%n", &minutes, &end, &parts, &end);
    struct wk_demand unused;
    const bool divides = fields >= 1 && parts >= 1 && minutes * 60 % parts == 0;
    rules->part_s = (uint16_t)(divides ? minutes * 60 / parts : 0);
    rules->parts = (uint8_t)parts;
    return divides && value[end] == '\0' && wk_demand_init(&unused, rules) == WK_OK
               ? NULL
               : "must be minutes, such as 15, or 15/3: 15 minutes that slide by 5";
}

static const char *take_blocks(struct wk_registers_blocks *blocks, const char *value)
{
    memset(blocks, 0, sizeof *blocks);
    return take_list(value, WK_REGISTERS_BLOCKS - 1, KWH_UWH, KWH_MOST,
                     blocks->threshold_uwh) == 0 ||
                   wk_registers_check_blocks(blocks) != WK_OK
               ? "must be 1 to 3 rising numbers of kWh, separated by commas"
               : NULL;
}

/* Prices of one tariff by block; the last one given goes on. */
static const char *take_prices(struct wk_price_plan *plan, int tariff, const char *value)
{
    int64_t price_e6[WK_REGISTERS_BLOCKS];
    const int count =
        take_list(value, WK_REGISTERS_BLOCKS, UNIT_E6, WK_PRICE_MOST_E6 / UNIT_E6, price_e6);
    for (int block = 0; count > 0 && block < WK_REGISTERS_BLOCKS; block++) {
        plan->price_e6[tariff][block] = (int32_t)price_e6[block < count ? block : count - 1];
    }
    return count > 0 ? NULL : "must be 1 to 4 prices per kWh by block, separated by commas";
}

static const char *take_riders(struct wk_price_plan *plan, const char *value)
{
    int64_t rider_e6[WK_PRICE_RIDERS] = {0};
    const int count =
        take_list(value, WK_PRICE_RIDERS, UNIT_E6, WK_PRICE_MOST_E6 / UNIT_E6, rider_e6);
    for (int i = 0; i < WK_PRICE_RIDERS; i++) {
        plan->rider_e6[i] = (int32_t)rider_e6[i];
    }
    return count > 0 ? NULL : "must be 1 to 6 prices per kWh, separated by commas";
}

/* ---- the section ------------------------------------------------------------------------- */

static const char *take(struct wk_config *config, const char *key, const char *value)
{
    int64_t number = 0;
    if (strcmp(key, "period") == 0) {
        return take_period(&config->billing, value);
    }
    if (strcmp(key, "lockout_s") == 0) {
        const wk_err err = wk_ini_integer(value, 0, WK_BILLING_LOCKOUT_MAX, &number);
        config->billing.lockout_s = (uint32_t)number;
        return err == WK_OK ? NULL : "must be a whole number from 0 to 86400";
    }
    if (strcmp(key, "demand_min") == 0) {
        return take_demand(&config->demand, value);
    }
    if (strcmp(key, "blocks_kwh") == 0) {
        return take_blocks(&config->blocks, value);
    }
    if (strcmp(key, "power_factor") == 0) {
        config->power_factor = strcmp(value, "cn-0.90") == 0 ? &wk_power_factor_cn_090 : NULL;
        return config->power_factor != NULL || strcmp(value, "none") == 0
                   ? NULL
                   : "must be none or cn-0.90";
    }
    if (strcmp(key, "riders") == 0) {
        return take_riders(&config->price, value);
    }
    if (strcmp(key, "cap") == 0) {
        const bool one = take_list(value, 1, UNIT_E6, 1000, &number) == 1 && number >= 0;
        config->price.cap_e6 = (int32_t)number;
        return one ? NULL : "must be a price per kWh, 0: none";
    }
    if (strncmp(key, "price_t", 7) == 0 && key[7] >= '1' && key[7] <= '8' && key[8] == '\0') {
        return take_prices(&config->price, key[7] - '1', value);
    }
    return "is not a key of [billing]";
}

wk_err wk_config_tariff_take(struct wk_config *config, const struct wk_ini_entry *entry,
                             char *reason, size_t room)
{
    if (entry->key == NULL) {
        return WK_OK;
    }
    const char *must = take(config, entry->key, entry->value);
    if (must != NULL) {
        snprintf(reason, room, "'%s' %s", entry->key, must);
    }
    return must == NULL ? WK_OK : WK_E_FORMAT;
}

const char *wk_config_tariff_check(const struct wk_config *config)
{
    return wk_price_check(&config->price) == WK_OK
               ? NULL
               : "[billing] has a price beyond 1000 per kWh";
}
