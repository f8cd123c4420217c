/* SPDX-License-Identifier: Apache-2.0
 *
 * The calendars as octets for the store (docs/on-flash.md). */
#include "management/tariff.h"

#define PACK_VERSION     2
#define PACK_VERSION_OLD 1 /* without load management outputs */

static void pack_day(const struct wk_tariff_day *day, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, day->action_count);
    for (uint8_t i = 0; i < day->action_count; i++) {
        wk_bytes_out_u16le(out, day->action[i].minute);
        wk_bytes_out_u8(out, day->action[i].tariff);
        wk_bytes_out_u8(out, day->action[i].load);
    }
}

static void pack_calendar(const struct wk_tariff_calendar *calendar, struct wk_bytes_out *out)
{
    wk_bytes_out_put(out, calendar->name, WK_TARIFF_NAME);
    wk_bytes_out_u8(out, calendar->season_count);
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        wk_bytes_out_u8(out, calendar->season[i].month);
        wk_bytes_out_u8(out, calendar->season[i].day);
        wk_bytes_out_u8(out, calendar->season[i].week);
    }
    wk_bytes_out_u8(out, calendar->week_count);
    wk_bytes_out_put(out, calendar->week_day, (size_t)calendar->week_count * 7);
    wk_bytes_out_u8(out, calendar->day_count);
    for (uint8_t i = 0; i < calendar->day_count; i++) {
        pack_day(&calendar->day[i], out);
    }
}

void wk_tariff_pack(const struct wk_tariff *tariff, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, PACK_VERSION);
    pack_calendar(&tariff->active, out);
    pack_calendar(&tariff->passive, out);
    wk_bytes_out_u64le(out, (uint64_t)tariff->activate_at.s);
    wk_bytes_out_u8(out, tariff->special_count);
    for (uint8_t i = 0; i < tariff->special_count; i++) {
        wk_bytes_out_u16le(out, tariff->special[i].year);
        wk_bytes_out_u8(out, tariff->special[i].month);
        wk_bytes_out_u8(out, tariff->special[i].day_of_month);
        wk_bytes_out_u8(out, tariff->special[i].day);
    }
}

static uint8_t read_count(struct wk_bytes_in *in, uint8_t most)
{
    const uint8_t count = wk_bytes_in_u8(in);
    if (count > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    return count;
}

static void unpack_calendar(struct wk_tariff_calendar *calendar, bool is_old,
                            struct wk_bytes_in *in)
{
    wk_bytes_in_copy(in, calendar->name, WK_TARIFF_NAME);
    calendar->season_count = read_count(in, WK_TARIFF_SEASONS);
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        calendar->season[i].month = wk_bytes_in_u8(in);
        calendar->season[i].day = wk_bytes_in_u8(in);
        calendar->season[i].week = wk_bytes_in_u8(in);
    }
    calendar->week_count = read_count(in, WK_TARIFF_WEEKS);
    wk_bytes_in_copy(in, calendar->week_day, (size_t)calendar->week_count * 7);
    calendar->day_count = read_count(in, WK_TARIFF_DAYS);
    for (uint8_t i = 0; i < calendar->day_count; i++) {
        struct wk_tariff_day *day = &calendar->day[i];
        day->action_count = read_count(in, WK_TARIFF_ACTIONS);
        for (uint8_t j = 0; j < day->action_count; j++) {
            day->action[j].minute = wk_bytes_in_u16le(in);
            day->action[j].tariff = wk_bytes_in_u8(in);
            day->action[j].load = is_old ? 0 : wk_bytes_in_u8(in);
        }
    }
}

wk_err wk_tariff_unpack(struct wk_tariff *tariff, struct wk_bytes_in *in)
{
    struct wk_tariff read = {0};
    const uint8_t version = wk_bytes_in_u8(in);
    if (version != PACK_VERSION && version != PACK_VERSION_OLD) {
        return WK_E_FORMAT;
    }
    unpack_calendar(&read.active, version == PACK_VERSION_OLD, in);
    unpack_calendar(&read.passive, version == PACK_VERSION_OLD, in);
    read.activate_at.s = (int64_t)wk_bytes_in_u64le(in);
    read.special_count = read_count(in, WK_TARIFF_SPECIAL_DAYS);
    for (uint8_t i = 0; i < read.special_count; i++) {
        read.special[i].year = wk_bytes_in_u16le(in);
        read.special[i].month = wk_bytes_in_u8(in);
        read.special[i].day_of_month = wk_bytes_in_u8(in);
        read.special[i].day = wk_bytes_in_u8(in);
    }
    WK_TRY(wk_bytes_in_end(in));
    WK_TRY(wk_tariff_check(&read.active, NULL));
    WK_TRY(wk_tariff_check_special(&read, NULL));
    *tariff = read;
    return WK_OK;
}
