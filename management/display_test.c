/* SPDX-License-Identifier: Apache-2.0 */
#include "management/display.h"

#include <stdio.h>
#include <string.h>

#include "management/objects.h"
#include "tests/wk_test.h"

#define US INT64_C(1000000)

static struct wk_rooms rooms;
static struct wk_object_table table;
static struct wk_display display;
static struct wk_display_text text;

static void begin(uint8_t phases)
{
    const struct wk_clock_rules rules = wk_clock_usual();
    memset(&rooms, 0, sizeof rooms);
    rooms.identity.phases = phases;
    EXPECT_OK(wk_clock_init(&rooms.clock, &wk_zone_central_europe, &rules));
    rooms.t_us = INT64_C(1795219331) * US; /* 2026-11-21 00:02:11 UTC */
    rooms.tariff.current = 3;
    rooms.alarm.raised[0] = 0xDEAD01;
    table = wk_objects_table(&rooms);
    wk_display_init(&display, phases);
}

static bool shows(const char *code, const char *value, const char *unit)
{
    wk_display_show(&display, &table, &text);
    const bool same = strcmp(text.code, code) == 0 && strcmp(text.value, value) == 0 &&
                      strcmp(text.unit, unit) == 0;
    if (!same) {
        printf("# shows %s %s %s\n", text.code, text.value, text.unit);
    }
    return same;
}

static wk_err only(struct wk_display_item item)
{
    struct wk_display_fault fault;
    return wk_display_set(&display, WK_DISPLAY_AUTO, &item, 1, &table, &fault);
}

static const struct wk_display_item k_import = {
    .obis = {1, 0, 1, 8, 0, 255}, .decimals = 1, .kilo = 1};

static void the_usual_list_scrolls_by_itself(void)
{
    begin(3);
    int64_t t_us = rooms.t_us;
    display.since_us = t_us;
    EXPECT(shows("0.9.2", "26-11-21", ""));
    wk_display_step(&display, t_us + 7 * US, false);
    EXPECT(shows("0.9.2", "26-11-21", ""));
    wk_display_step(&display, t_us + 8 * US, false);
    EXPECT(shows("0.9.1", "01:02:11", "")); /* civil time */
    for (int i = 2; i < 7; i++) {
        wk_display_step(&display, t_us + 8 * i * US, false);
    }
    wk_display_show(&display, &table, &text);
    EXPECT(strcmp("1.7.0", text.code) == 0 && strcmp("--------", text.value) == 0);
    wk_display_step(&display, t_us + 56 * US, false);
    EXPECT(shows("0.9.2", "26-11-21", ""));
}

static void a_press_opens_the_manual_list_and_idling_closes_it(void)
{
    begin(1);
    int64_t t_us = rooms.t_us;
    wk_display_step(&display, t_us, true);
    EXPECT(shows("8.8.8", "88888888", ""));
    wk_display_step(&display, t_us + US, true);
    EXPECT(shows("0.2.2", "T3", ""));
    wk_display_step(&display, t_us + 2 * US, true);
    EXPECT(shows("F.F", "00DEAD01", ""));
    wk_display_step(&display, t_us + 61 * US, false);
    EXPECT(shows("F.F", "00DEAD01", ""));
    wk_display_step(&display, t_us + 62 * US, false);
    EXPECT(shows("0.9.2", "26-11-21", ""));
    for (int i = 0; i < 17; i++) { /* round the list of a single-phase meter */
        wk_display_step(&display, t_us + (100 + i) * US, true);
    }
    EXPECT_I64(16, display.at);
    wk_display_step(&display, t_us + 120 * US, true);
    EXPECT(shows("8.8.8", "88888888", ""));
}

static void energies_are_cut_off_and_roll_over(void)
{
    static const struct {
        int64_t uwh;
        const char *shown;
    } k_rows[] = {
        {0, "0.0"},
        {99999999, "0.0"}, /* 99.999999 Wh */
        {100000000, "0.1"},
        {INT64_C(1234567899999999), "1234567.8"},
        {INT64_C(9999999999999999), "9999999.9"},
        {INT64_C(10000000000000000), "0.0"}, /* eight digits */
        {INT64_C(10000000100000000), "0.1"},
    };
    begin(1);
    EXPECT_OK(only(k_import));
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        rooms.registers.import_uwh = k_rows[i].uwh;
        EXPECT(shows("1.8.0", k_rows[i].shown, "kWh"));
    }
    rooms.registers.import_uwh = INT64_MAX;
    wk_display_show(&display, &table, &text);
    EXPECT(strlen(text.value) == 9);
}

static void the_test_mode_shows_more_digits_and_ends(void)
{
    begin(1);
    rooms.registers.import_uwh = INT64_C(1234567899999999);
    wk_display_test(&display, rooms.t_us, true);
    EXPECT(shows("1.8.0", "4567.8999", "kWh") && text.is_test);
    wk_display_step(&display, rooms.t_us + 14 * 60 * US, true);
    EXPECT(shows("2.8.0", "0.0000", "kWh"));
    wk_display_step(&display, rooms.t_us + 15 * 60 * US, false);
    wk_display_show(&display, &table, &text);
    EXPECT(!text.is_test);
    wk_display_test(&display, rooms.t_us, true);
    wk_display_test(&display, rooms.t_us, false);
    wk_display_show(&display, &table, &text);
    EXPECT(!text.is_test);
}

static void momentary_values_have_their_sign_and_unit(void)
{
    begin(3);
    rooms.live.kind = WK_RECORD_WINDOW;
    rooms.shown.record.kind = WK_RECORD_WINDOW; /* the newest one holds an impulse */
    rooms.shown.record.window.p_mw[1] = -1234567;
    rooms.shown.record.window.u_mv[0] = 230449;
    rooms.shown.record.window.frequency_uhz = 49987654;
    EXPECT_OK(only(
        (struct wk_display_item){.obis = {1, 0, 56, 7, 0, 255}, .decimals = 3, .kilo = 1}));
    EXPECT(shows("56.7.0", "-1.234", "kW"));
    EXPECT_OK(only((struct wk_display_item){.obis = {1, 0, 32, 7, 0, 255}, .decimals = 1}));
    EXPECT(shows("32.7.0", "230.4", "V"));
    EXPECT_OK(only((struct wk_display_item){.obis = {1, 0, 14, 7, 0, 255}, .decimals = 2}));
    EXPECT(shows("14.7.0", "49.98", "Hz"));
}

static void lists_that_cannot_be_shown_are_refused_and_nothing_changes(void)
{
    struct wk_display_fault fault;
    struct wk_display_item items[WK_DISPLAY_ITEMS + 1];
    begin(1);
    for (int i = 0; i <= WK_DISPLAY_ITEMS; i++) {
        items[i] = k_import;
    }
    const struct wk_display before = display;
    EXPECT_ERR(WK_E_RANGE, wk_display_set(&display, WK_DISPLAY_AUTO, items,
                                          WK_DISPLAY_ITEMS + 1, &table, &fault));
    EXPECT_I64(0, fault.number);
    EXPECT_ERR(WK_E_RANGE, wk_display_set(&display, WK_DISPLAY_AUTO, items, 0, &table, &fault));
    items[2].obis[2] = 52; /* U of L2: not in a single-phase meter */
    items[2].obis[3] = 7;
    EXPECT_ERR(WK_E_RANGE, wk_display_set(&display, WK_DISPLAY_AUTO, items, 5, &table, &fault));
    EXPECT_I64(3, fault.number);
    EXPECT(strcmp("is no register of this meter", fault.reason) == 0);
    items[2] = k_import;
    items[4].decimals = 7;
    EXPECT_ERR(WK_E_RANGE, wk_display_set(&display, WK_DISPLAY_AUTO, items, 5, &table, &fault));
    EXPECT_I64(5, fault.number);
    items[4] = (struct wk_display_item){.special = WK_DISPLAY_SPECIALS};
    EXPECT_ERR(WK_E_RANGE, wk_display_set(&display, WK_DISPLAY_AUTO, items, 5, &table, &fault));
    EXPECT(memcmp(&before, &display, sizeof before) == 0);
}

static void every_usual_item_is_on_the_table(void)
{
    for (uint8_t phases = 1; phases <= 3; phases = (uint8_t)(phases + 2)) {
        begin(phases);
        for (int list = 0; list < WK_DISPLAY_LISTS; list++) {
            struct wk_display_fault fault;
            EXPECT_OK(wk_display_set(&display, (wk_display_list)list, display.item[list],
                                     display.count[list], &table, &fault));
        }
    }
}

static void lists_return_from_the_store(void)
{
    uint8_t raw[WK_DISPLAY_PACKED_MAX];
    begin(3);
    EXPECT_OK(only(k_import));
    display.scroll_s = 5;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_display_pack(&display, &out);
    EXPECT_OK(out.fault);
    wk_display_init(&display, 3);
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_display_unpack(&display, &in));
    EXPECT(display.count[WK_DISPLAY_AUTO] == 1 && display.scroll_s == 5);
    rooms.registers.import_uwh = 5000000000;
    EXPECT(shows("1.8.0", "5.0", "kWh"));
    for (size_t size = 0; size < out.size; size++) {
        in = wk_bytes_in_of(raw, size);
        EXPECT(wk_display_unpack(&display, &in) != WK_OK);
    }
    raw[4] = WK_DISPLAY_ITEMS + 1;
    in = wk_bytes_in_of(raw, out.size);
    EXPECT_ERR(WK_E_FORMAT, wk_display_unpack(&display, &in));
}

WK_TEST_MAIN(T(the_usual_list_scrolls_by_itself),
             T(a_press_opens_the_manual_list_and_idling_closes_it),
             T(energies_are_cut_off_and_roll_over), T(the_test_mode_shows_more_digits_and_ends),
             T(momentary_values_have_their_sign_and_unit),
             T(lists_that_cannot_be_shown_are_refused_and_nothing_changes),
             T(every_usual_item_is_on_the_table), T(lists_return_from_the_store))
