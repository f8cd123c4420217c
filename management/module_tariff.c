/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_tariff.h"

#include <string.h>

#include "management/module_pack.h"
#include "management/module_payment.h"
#include "management/module_profile.h"
#include "management/quantities.h"

#define TOLERANCE_US 1001 /* a window that ends a trifle early ends the period, too */

/* ---- start ------------------------------------------------------------------------------- */

static wk_err start_calendar(struct wk_tariff *tariff, const struct wk_module_config *config)
{
    wk_tariff_init(tariff);
    if (config->calendar.season_count == 0) {
        return WK_OK;
    }
    WK_TRY(wk_tariff_check(&config->calendar, NULL));
    if (config->special_count > WK_TARIFF_SPECIAL_DAYS) {
        return WK_E_RANGE;
    }
    tariff->active = config->calendar;
    tariff->passive = config->calendar;
    tariff->special_count = config->special_count;
    for (uint8_t i = 0; i < config->special_count; i++) {
        tariff->special[i] = config->special[i];
    }
    return wk_tariff_check_special(tariff, NULL);
}

wk_err wk_module_tariff_start(struct wk_module *module, const struct wk_module_config *config)
{
    static const struct wk_demand_rules k_quarter = {WK_DEMAND_USUAL_S, 1};
    struct wk_rooms *rooms = &module->rooms;
    const bool has_demand = config->demand.part_s != 0;
    WK_TRY(start_calendar(&rooms->tariff, config));
    WK_TRY(wk_demand_init(&rooms->demand, has_demand ? &config->demand : &k_quarter));
    WK_TRY(wk_billing_init(&rooms->billing, &config->billing));
    WK_TRY(wk_registers_check_blocks(&config->blocks));
    WK_TRY(wk_price_check(&config->price));
    rooms->blocks = config->blocks;
    rooms->price.plan = config->price;
    rooms->power_factor = config->power_factor;
    return WK_OK;
}

/* ---- billing periods --------------------------------------------------------------------- */

static wk_err end_period(struct wk_module *module, struct wk_utc now, wk_billing_reason reason)
{
    struct wk_rooms *rooms = &module->rooms;
    const struct wk_billing_books books = {&rooms->registers, &rooms->blocks, &rooms->demand,
                                           &rooms->store, WK_ROOMS_LOG_BILLING};
    WK_TRY(wk_billing_end(&rooms->billing, &rooms->clock.zone, now, reason, &books));
    wk_module_changed(module, WK_MODULE_KEY_BILLING);
    wk_module_changed(module, WK_MODULE_KEY_MAXIMA);
    return wk_module_log(module, (struct wk_event){.code = WK_EVENT_BILLING_PERIOD_ENDED,
                                                   .detail = (uint8_t)reason,
                                                   .value = (int32_t)rooms->billing.number});
}

static wk_err end_period_if_due(struct wk_module *module, int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    const struct wk_utc now = wk_clock_utc(now_us);
    const bool planned = rooms->billing.next.s != 0;
    const bool due = wk_billing_is_due(&rooms->billing, &rooms->clock.zone, now);
    if (!planned &&
        rooms->billing.next.s != 0) { /* an end within an outage must be known after it */
        wk_module_changed(module, WK_MODULE_KEY_BILLING);
    }
    return due ? end_period(module, now, WK_BILLING_SCHEDULED) : WK_OK;
}

wk_err wk_module_tariff_end_period(struct wk_module *module, wk_billing_reason reason)
{
    return end_period(module, wk_clock_utc(wk_module_now_us(module)), reason);
}

/* ---- windows ----------------------------------------------------------------------------- */

static wk_err update_tariff(struct wk_module *module, int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    /* A window belongs to the tariff in force when it ends; one that ends exactly at a
     * switching time still belongs to the tariff before. */
    const struct wk_utc at = wk_clock_utc(now_us - 1);
    const uint8_t before = rooms->tariff.current;
    const bool activated =
        wk_tariff_update(&rooms->tariff, &rooms->clock.zone, at) == WK_TARIFF_ACTIVATED;
    if (before != 0 && before != rooms->tariff.current) {
        wk_module_profile_mark(module, WK_PROFILE_TARIFF_CHANGED);
    }
    if (!activated) {
        return WK_OK;
    }
    wk_module_changed(module, WK_MODULE_KEY_TARIFF);
    WK_TRY(wk_module_log(module, (struct wk_event){.code = WK_EVENT_CALENDAR_ACTIVATED}));
    return end_period(module, at, WK_BILLING_TARIFF);
}

/* A demand belongs to the tariff in which its sub-period ends, not to the one that begins then. */
static uint8_t tariff_of_part(const struct wk_rooms *rooms)
{
    struct wk_civil civil;
    const struct wk_utc last = {rooms->demand.part_end.s - 1};
    return last.s > 0 && wk_civil_from_utc(&rooms->clock.zone, last, &civil) == WK_OK
               ? wk_tariff_at(&rooms->tariff, &civil)->tariff
               : 1;
}

void wk_module_tariff_demand(struct wk_module *module, const struct wk_record *record,
                             int64_t now_us)
{
    struct wk_demand *demand = &module->rooms.demand;
    const int64_t energy_uwh = record->window.total.import_uwh;
    if ((record->flags & WK_RECORD_FEED_GAP) != 0) {
        wk_demand_spoil(demand);
    }
    wk_module_changed(module, WK_MODULE_KEY_DEMAND);
    const uint8_t tariff = tariff_of_part(&module->rooms);
    const bool ended =
        wk_demand_add(demand, energy_uwh > 0 ? energy_uwh : 0, record->span_us, now_us, tariff);
    if (ended) {
        wk_module_changed(module, WK_MODULE_KEY_MAXIMA);
    }
    if (module->rooms.quantities != NULL) {
        module->rooms.quantities->functions->demand(&module->rooms, record, now_us, tariff,
                                                    ended);
    }
}

wk_err wk_module_tariff_before(struct wk_module *module, int64_t now_us)
{
    WK_TRY(end_period_if_due(module, now_us - 1));
    return update_tariff(module, now_us);
}

/* What each block gained, at its price. */
static void spend(struct wk_module *module, const int64_t before_uwh[WK_REGISTERS_BLOCKS],
                  int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    const uint8_t tariff = rooms->tariff.current;
    const struct wk_registers_rate *rate = &rooms->registers.rate[tariff - 1];
    const struct wk_utc at = wk_clock_utc(now_us - 1);
    for (uint8_t block = 0; block < WK_REGISTERS_BLOCKS; block++) {
        bool dynamic;
        const int64_t gained_uwh = rate->block_uwh[block] - before_uwh[block];
        const int32_t price_e6 = wk_price_at(&rooms->price, at, tariff, block, &dynamic);
        if (gained_uwh > 0) {
            wk_module_payment_use(module, gained_uwh, price_e6, at);
        }
        if (gained_uwh > 0 && price_e6 != 0) {
            wk_price_spend(&rooms->spent, gained_uwh, price_e6);
            wk_module_changed(module, WK_MODULE_KEY_SPENT);
        }
    }
}

wk_err wk_module_tariff_add(struct wk_module *module, const struct wk_record *record,
                            int64_t now_us)
{
    struct wk_rooms *rooms = &module->rooms;
    const uint8_t tariff = rooms->tariff.current > 0 ? rooms->tariff.current : 1;
    int64_t before_uwh[WK_REGISTERS_BLOCKS];
    memcpy(before_uwh, rooms->registers.rate[tariff - 1].block_uwh, sizeof before_uwh);
    if (wk_registers_add(&rooms->registers, &record->window, tariff, &rooms->blocks) != WK_OK) {
        wk_module_profile_mark(module, WK_PROFILE_CRITICAL);
        return wk_module_log(module, (struct wk_event){.code = WK_EVENT_REGISTER_REFUSED});
    }
    if (rooms->quantities != NULL) {
        rooms->quantities->functions->add(rooms->quantities, &record->window, tariff);
    }
    wk_module_changed(module, (uint8_t)(WK_MODULE_KEY_RATE + tariff - 1));
    spend(module, before_uwh, now_us);
    /* Rows hold the maximum of the period that ends with them. */
    WK_TRY(wk_module_profile_capture(module, now_us + WK_PROFILE_TOLERANCE_US + 1));
    return end_period_if_due(module, now_us + TOLERANCE_US);
}

void wk_module_tariff_clock_set(struct wk_module *module)
{
    struct wk_rooms *rooms = &module->rooms;
    wk_tariff_invalidate(&rooms->tariff);
    wk_billing_replan(&rooms->billing, wk_clock_utc(wk_module_now_us(module)));
    wk_demand_spoil(&rooms->demand);
    wk_module_changed(module, WK_MODULE_KEY_BILLING);
    wk_module_changed(module, WK_MODULE_KEY_DEMAND);
}
