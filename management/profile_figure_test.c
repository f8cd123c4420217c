/* SPDX-License-Identifier: Apache-2.0
 *
 * What a profile of 13 months of quarter hours and eight channels takes on the device: with the
 * shape of a real household, of a building's supply, and with noise at the full scale of a meter. */
#include <stdio.h>
#include <stdlib.h>

#include "management/profile.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define MINUTES   WK_SOURCE_DIR "/data/uci/household_1min_2days.txt"
#define SECTOR    16384U
#define KV        8U
#define LOG       91U /* sectors: 1,490,944 octets */
#define UNIT      16U
#define ROWS      37920U /* 395 days of 96 quarter hours */
#define CHANNELS  8
#define QUARTERS  192 /* of the two days that were recorded */
#define START_S   INT64_C(1769986800)
#define US        INT64_C(1000000)
#define SEED      UINT64_C(20261121)
#define MOST      1500000
#define NOISE_UWH (UINT64_C(1) << 34) /* 17 kWh in a quarter of an hour: 69 kW, 3 x 100 A */
#define KEY       1

static uint8_t g_octets[SECTOR * (KV + 2 * LOG)];
static struct wk_flash g_flash;
static struct wk_store g_store;
static struct wk_profile g_profile;
static uint64_t g_random;
/* The household, by the quarter hour */
static struct {
    int64_t active_uwh;
    int64_t reactive_uvarh;
    int64_t u_mv;
    int64_t i_ma;
} g_house[QUARTERS];

static uint64_t draw(uint64_t below)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return g_random % below;
}

/* A value that differs by up to so many thousandths each time. */
static int64_t about(int64_t value, uint64_t permille)
{
    const int64_t most = value / 1000 * (int64_t)permille;
    return most > 0 ? value - most + (int64_t)draw(2 * (uint64_t)most) : value;
}

static bool read_house(void)
{
    char line[256];
    double kw;
    double kvar;
    double v;
    double a;
    int minute = 0;
    FILE *file = fopen(MINUTES, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL && minute < QUARTERS * 15) {
        if (sscanf(line, "%*[^;];%*[^;];%lf;%lf;%lf;%lf", &kw, &kvar, &v, &a) == 4) {
            g_house[minute / 15].active_uwh += (int64_t)(kw * 1e9 / 60);
            g_house[minute / 15].reactive_uvarh += (int64_t)(kvar * 1e9 / 60);
            g_house[minute / 15].u_mv += (int64_t)(v * 1e3 / 15);
            g_house[minute / 15].i_ma += (int64_t)(a * 1e3 / 15);
            minute++;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return minute == QUARTERS * 15;
}

/* Import, export, reactive import and export, two tariffs, mean U and I. */
static void household(uint32_t row, int64_t value[CHANNELS])
{
    const uint32_t quarter = row % QUARTERS;
    const int64_t gain_uwh = about(g_house[quarter].active_uwh, 100);
    const uint32_t hour = row % 96 / 4;
    value[0] += gain_uwh;
    value[2] += about(g_house[quarter].reactive_uvarh, 100);
    value[hour >= 6 && hour < 22 ? 4 : 5] += gain_uwh;
    value[6] = about(g_house[quarter].u_mv, 10);
    value[7] = about(g_house[quarter].i_ma, 100);
}

/* A building's supply as recorded in data/keating, in W and var; busy by day on five days of
 * seven. Import, quadrants I and IV, the phases, apparent energy, mean U. */
static void building(uint32_t row, int64_t value[CHANNELS])
{
    static const int64_t k_p_w[3] = {40500, 49502, 53634};
    const uint32_t hour = row % 96 / 4;
    const bool busy = hour >= 7 && hour < 19 && row / 96 % 7 < 5;
    int64_t total_uwh = 0;
    for (int phase = 0; phase < 3; phase++) {
        const int64_t gain_uwh = about(k_p_w[phase] * 1000000 / (busy ? 4 : 12), 150);
        value[3 + phase] += gain_uwh;
        total_uwh += gain_uwh;
    }
    value[0] += total_uwh;
    value[busy ? 1 : 2] += about(total_uwh / 3, 50);
    value[6] += about(total_uwh / 20 * 21, 10);
    value[7] = about(348951, 10);
}

static void noise(uint32_t row, int64_t value[CHANNELS])
{
    (void)row;
    for (int i = 0; i < CHANNELS; i++) {
        value[i] += (int64_t)draw(NOISE_UWH);
    }
}

static wk_err begin(uint16_t sectors)
{
    struct wk_store_layout layout = {.kv_sectors = KV};
    struct wk_store_mount_report report;
    struct wk_profile_rules rules = {.period_s = 900, .count = CHANNELS + 2};
    layout.log_sectors[0] = sectors;
    g_random = SEED;
    wk_flash_init(&g_flash, g_octets, SECTOR, KV + sectors, UNIT);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    WK_TRY(wk_store_mount(&g_store, &g_flash.port, &layout, &report));
    return wk_profile_init(&g_profile, &rules, 0);
}

/* Rows as a module captures them, one commit each: clock and status are not values. */
static wk_err capture_all(void (*next)(uint32_t row, int64_t value[CHANNELS]))
{
    int64_t value[CHANNELS] = {0};
    struct wk_record record = {.kind = WK_RECORD_WINDOW, .span_us = 900 * US};
    for (uint32_t i = 0; i < ROWS; i++) {
        struct wk_profile_row row = {.absent = 0x3};
        const int64_t now_us = (START_S + ((int64_t)i + 1) * 900) * US;
        wk_profile_add(&g_profile, &wk_zone_central_europe, &record, now_us);
        next(i, value);
        memcpy(&row.value[2], value, sizeof value);
        WK_TRY(wk_profile_capture(&g_profile, &wk_zone_central_europe, &g_store, now_us + 1,
                                  &row));
        const struct wk_store_put put = {KEY, g_profile.batch.octets, g_profile.batch.size};
        WK_TRY(wk_store_commit(&g_store, &put, 1));
    }
    return WK_OK;
}

/* Octets of the sectors used so far, the newest up to where it is written. */
static uint32_t used(void)
{
    const struct wk_store_ring *ring = &g_store.log[0];
    return (ring->filled - 1U) * SECTOR + ring->at;
}

static bool all_there(void)
{
    uint64_t oldest;
    uint64_t next;
    return wk_profile_span(&g_profile, &g_store, &oldest, &next) == WK_OK && oldest == 0 &&
           next == ROWS;
}

static void a_household_of_13_months_fits_in_one_and_a_half_megabyte(void)
{
    EXPECT(read_house());
    EXPECT_OK(begin(LOG));
    EXPECT_OK(capture_all(household));
    EXPECT(all_there());
    WK_TEST_FIGURE("profile: octets per row, household", (double)used() / ROWS, "octets",
                   "<= 39.5", used() <= MOST, (long long)SEED);
    EXPECT(used() <= MOST);
}

static void a_building_of_13_months_fits_in_one_and_a_half_megabyte(void)
{
    EXPECT_OK(begin(LOG));
    EXPECT_OK(capture_all(building));
    EXPECT(all_there());
    WK_TEST_FIGURE("profile: octets per row, building", (double)used() / ROWS, "octets",
                   "<= 39.5", used() <= MOST, (long long)SEED);
    EXPECT(used() <= MOST);
}

static void noise_at_full_scale_in_every_channel_costs_little_more_than_its_bits(void)
{
    EXPECT_OK(begin(2 * LOG));
    EXPECT_OK(capture_all(noise));
    EXPECT(all_there());
    const double per_row = (double)used() / ROWS;
    WK_TEST_FIGURE("profile: octets per row, noise of 34 bits in 8 channels", per_row, "octets",
                   "<= 48", per_row <= 48, (long long)SEED);
    EXPECT(per_row <= 48);
}

static void a_range_of_13_months_is_found_in_a_few_reads(void)
{
    struct wk_profile_found found;
    uint64_t most = 0;
    EXPECT_OK(begin(LOG));
    EXPECT_OK(capture_all(household));
    for (uint32_t day = 0; day < ROWS / 96; day++) {
        const int64_t from_s = START_S + (int64_t)day * 86400 + 900;
        const struct wk_profile_range range = {{from_s}, {from_s + 86400 - 900}};
        const uint64_t before = g_flash.read;
        EXPECT_OK(wk_profile_find(&g_profile, &g_store, &range, &found));
        EXPECT_I64(day * 96, found.first);
        EXPECT_I64(96, found.count);
        most = g_flash.read - before > most ? g_flash.read - before : most;
    }
    WK_TEST_FIGURE("profile: octets read to find a day in 13 months", (double)most, "octets",
                   "<= 98304", most <= 98304, 0);
    EXPECT(most <= 98304);
}

WK_TEST_MAIN(T(a_household_of_13_months_fits_in_one_and_a_half_megabyte),
             T(a_building_of_13_months_fits_in_one_and_a_half_megabyte),
             T(noise_at_full_scale_in_every_channel_costs_little_more_than_its_bits),
             T(a_range_of_13_months_is_found_in_a_few_reads))
