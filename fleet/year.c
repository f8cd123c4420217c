/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of records: made, fed, lost with power, fed again. */
#include "fleet/year.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/layout.h"
#include "port/linux/flash_file.h"

#define US_PER_S      INT64_C(1000000)
#define PERIOD_US     (900 * US_PER_S)
#define SHORT_US      200000
#define LONG_US       (10 * US_PER_S)
#define ERASE_PERCENT 1   /* of the erases fail */
#define STARTS        200 /* in a row that may fail */
#define PPB           INT64_C(1000000000)
#define RATE_PPB      23000

/* ---- what is wrong ----------------------------------------------------------------------- */

bool wk_year_fail(struct wk_year *year, const char *format, ...)
{
    va_list list;
    if (year->failed) {
        return false;
    }
    year->failed = true;
    struct wk_civil civil;
    if (wk_civil_from_utc(&wk_zone_utc, (struct wk_utc){wk_year_true_s(year)}, &civil) !=
        WK_OK) {
        civil = (struct wk_civil){.year = 1970};
    }
    const int size =
        snprintf(year->why, sizeof year->why,
                 "seed %" PRIu64 ", record %" PRIu64 " of epoch %" PRIu64
                 ", %04u-%02u-%02u %02u:%02u:%02u UTC: ",
                 year->options.seed, year->ledger.now.seq, year->ledger.now.epoch, civil.year,
                 civil.month, civil.day, civil.hour, civil.minute, civil.second);
    va_start(list, format);
    (void)vsnprintf(year->why + size, sizeof year->why - (size_t)size, format, list);
    va_end(list);
    return false;
}

int64_t wk_year_true_s(const struct wk_year *year)
{
    return year->true_us / US_PER_S;
}

int64_t wk_year_clock_us(const struct wk_year *year)
{
    return wk_module_now_us(&year->module);
}

/* ---- flash ------------------------------------------------------------------------------- */

static wk_err flash_read(void *self, uint32_t at, void *to, uint32_t size)
{
    struct wk_year *year = self;
    return year->flash.port.read(&year->flash, at, to, size);
}

static wk_err flash_program(void *self, uint32_t at, const void *from, uint32_t size)
{
    struct wk_year *year = self;
    return year->flash.port.program(&year->flash, at, from, size);
}

/* Erases are rare among operations: power fails in one of a hundred. */
static wk_err flash_erase(void *self, uint32_t at)
{
    struct wk_year *year = self;
    if (year->armed && !year->flash.off && wk_dice_percent(&year->dice, ERASE_PERCENT)) {
        year->flash.cut_at = year->flash.operations;
        year->counts.cuts_erase++;
    }
    return year->flash.port.erase(&year->flash, at);
}

static wk_err flash_sync(void *self)
{
    struct wk_year *year = self;
    return year->flash.port.sync(&year->flash);
}

static void power_on(struct wk_year *year)
{
    struct wk_dice *dice = &year->dice;
    const int64_t most = wk_dice_percent(dice, 12) ? 60 : 60000;
    const uint64_t cut_at = year->armed ? (uint64_t)wk_dice_between(dice, 0, most) : UINT64_MAX;
    wk_flash_power_on(&year->flash, cut_at,
                      (wk_flash_tear)wk_dice_between(dice, 0, WK_FLASH_TEAR_COUNT - 1),
                      (uint32_t)wk_dice_roll(dice));
}

/* ---- starts ------------------------------------------------------------------------------ */

static wk_err boot(struct wk_year *year)
{
    const struct wk_module_ports ports = {
        .flash = &year->port,
        .contactor = &year->panel.contactor,
        .crypto = &year->crypto.hal,
        .fittings = {.relay = {&year->panel.relay[0].port, &year->panel.relay[1].port},
                     .enclosure = &year->panel.enclosure,
                     .magnet = &year->panel.magnet,
                     .thermometer = &year->panel.thermometer},
    };
    WK_TRY(wk_year_pay_start(year));
    return wk_module_init(&year->module, &year->config, &ports);
}

static bool cursor_is(const struct wk_year *year, const struct wk_books *books)
{
    const struct wk_module_cursor *cursor = &year->module.cursor;
    return cursor->epoch == books->epoch && cursor->seq == books->seq;
}

/* Whether the meter remembers what these books say. */
static bool remembers(const struct wk_year *year, const struct wk_books *books)
{
    return cursor_is(year, books) && wk_year_events_agree(year, books) &&
           year->module.security.lock[WK_ROLE_READER].failures == books->failures;
}

/* Records after the cursor come again, as from a ring. */
static void rewind_ring(struct wk_year *year)
{
    const struct wk_module_cursor *cursor = &year->module.cursor;
    const uint32_t fed = year->ring_fed;
    year->ring_fed = 0;
    while (year->ring_fed < year->ring_count &&
           (year->ring[year->ring_fed].epoch < cursor->epoch ||
            (year->ring[year->ring_fed].epoch == cursor->epoch &&
             year->ring[year->ring_fed].seq <= cursor->seq))) {
        year->ring_fed++;
    }
    year->counts.replayed += fed > year->ring_fed ? fed - year->ring_fed : 0;
}

static bool start_again(struct wk_year *year)
{
    wk_err err = WK_E_IO;
    for (int i = 0; i < STARTS && err == WK_E_IO; i++) {
        power_on(year);
        err = boot(year);
        if (err != WK_OK && !year->flash.off) {
            return wk_year_fail(year, "the meter does not start: %s", wk_err_text(err));
        }
        year->counts.cuts_again += year->flash.off ? 1 : 0;
    }
    if (err != WK_OK) {
        return wk_year_fail(year, "%d starts in a row were cut", STARTS);
    }
    year->supply_known = false;
    year->disagree_us = 0;
    year->fine_until_us = year->t_us + 5 * US_PER_S;
    wk_year_act_again(year);
    return wk_year_read_events(year);
}

/* After a start: which of the books does the meter remember? */
static bool find_books(struct wk_year *year, bool *done)
{
    struct wk_ledger *ledger = &year->ledger;
    const bool newer = remembers(year, &ledger->now);
    if (!newer && !remembers(year, &ledger->committed)) {
        return wk_year_fail(year,
                            "after a cut the meter stands at record %" PRIu64
                            " of epoch %" PRIu64
                            " or has other events; expected record %" PRIu64 " or %" PRIu64,
                            year->module.cursor.seq, year->module.cursor.epoch,
                            ledger->committed.seq, ledger->now.seq);
    }
    if (newer) {
        wk_ledger_commit(ledger);
        year->counts.late_kept++;
    } else {
        wk_ledger_back(ledger);
    }
    *done = newer;
    wk_ledger_start(ledger);
    rewind_ring(year);
    year->transaction = year->module.rooms.store.transaction;
    return wk_year_check_record(year) && wk_year_check_commit(year);
}

/* Most outages are short; the sum of the long ones stays below a tenth of the year. */
static int64_t draw_outage_us(struct wk_dice *dice)
{
    const int64_t which = wk_dice_between(dice, 0, 999);
    if (which < 700) {
        return wk_dice_between(dice, 300000, 60 * US_PER_S);
    }
    if (which < 950) {
        return wk_dice_between(dice, 60, 3600) * US_PER_S;
    }
    return wk_dice_between(dice, 3600, which < 998 ? 43200 : 3 * 86400) * US_PER_S;
}

static bool recover(struct wk_year *year, bool *done)
{
    year->counts.cuts[year->flash.tear]++;
    if (!start_again(year) || !find_books(year, done)) {
        return false;
    }
    if (wk_dice_percent(&year->dice, 65)) {
        year->away_us += draw_outage_us(&year->dice);
    } else {
        year->counts.restarts++;
    }
    return true;
}

bool wk_year_settle(struct wk_year *year, wk_err err, bool *done)
{
    *done = true;
    if (year->flash.off) {
        return recover(year, done);
    }
    if (err != WK_OK) {
        return wk_year_fail(year, "the meter refused: %s", wk_err_text(err));
    }
    if (year->module.rooms.store.transaction == year->transaction) {
        return true;
    }
    year->transaction = year->module.rooms.store.transaction;
    year->counts.commits++;
    wk_ledger_commit(&year->ledger);
    return wk_year_check_commit(year);
}

bool wk_year_restart(struct wk_year *year)
{
    bool done;
    const wk_err err = wk_module_commit(&year->module);
    if (!wk_year_settle(year, err, &done)) {
        return false;
    }
    return start_again(year) && find_books(year, &done);
}

/* ---- records ----------------------------------------------------------------------------- */

bool wk_year_feed(struct wk_year *year)
{
    const struct wk_record *record = &year->ring[year->ring_fed];
    const int64_t clock_us = wk_clock_now_us(&year->module.rooms.clock, record->t_us);
    const struct wk_books *books = &year->ledger.now;
    const int64_t span_us = record->t_us - books->t_us;
    const int64_t off_us = clock_us - books->clock_us - span_us;
    const bool same_clock = !books->clock_told && books->clock_us != 0;
    if (same_clock && (off_us > span_us / 1250 + 5 || off_us < -span_us / 1250 - 5)) {
        return wk_year_fail(year, "the clock moved by %" PRId64 " us that nobody asked for",
                            off_us);
    }
    const wk_err err = wk_module_consume(&year->module, record);
    bool done;
    wk_ledger_take(&year->ledger, record, clock_us);
    year->ring_fed++;
    year->counts.records++;
    if (!wk_year_settle(year, err, &done)) {
        return false;
    }
    if (year->ring_fed == year->ring_count && cursor_is(year, &year->ledger.committed)) {
        year->ring_fed = 0;
        year->ring_count = 0;
    }
    return !done || wk_year_check_record(year);
}

void wk_year_emit(struct wk_year *year, const struct wk_record *record)
{
    if (year->ring_count == WK_YEAR_RING) {
        (void)wk_year_fail(year, "%d records wait for a commit", WK_YEAR_RING);
        return;
    }
    struct wk_record *own = &year->ring[year->ring_count++];
    *own = *record;
    own->epoch = year->epoch;
    own->seq = ++year->seq;
    own->t_us = year->t_us;
}

/* Short windows wherever something happens: ends of intervals, starts, acts, switching. */
static int64_t choose_span_us(const struct wk_year *year)
{
    const int64_t in_us = wk_year_clock_us(year) % PERIOD_US;
    const int64_t left_us = PERIOD_US - in_us;
    const bool busy = year->act.phase != WK_YEAR_IDLE && year->act.kind != WK_YEAR_CT &&
                      year->act.left_us < 20 * US_PER_S;
    if (busy || year->t_us < year->fine_until_us || in_us < US_PER_S ||
        left_us <= 2 * US_PER_S) {
        return SHORT_US;
    }
    const int64_t most_us = year->act.phase != WK_YEAR_IDLE ? US_PER_S : LONG_US;
    const int64_t free_us = (left_us - 2 * US_PER_S) / SHORT_US * SHORT_US;
    const int64_t span_us = free_us < most_us ? free_us : most_us;
    return span_us > SHORT_US ? span_us : SHORT_US;
}

static void advance(struct wk_year *year, int64_t span_us)
{
    const int64_t drift = span_us * year->rate_ppb + year->drift_rest;
    year->drift_rest = drift % PPB;
    year->t_us += span_us;
    year->true_us += span_us - drift / PPB;
}

static int64_t make_window(struct wk_year *year)
{
    struct wk_record record = {.kind = WK_RECORD_WINDOW, .span_us = choose_span_us(year)};
    advance(year, record.span_us);
    record.flags = year->feed_starts ? WK_RECORD_FEED_START : 0;
    record.flags |= year->act.kind == WK_YEAR_DIPS && year->act.phase == WK_YEAR_ACTIVE
                        ? WK_RECORD_FLAGGED
                        : 0;
    year->feed_starts = false;
    wk_house_window(&year->house, wk_year_true_s(year), year->panel.closed, wk_year_trick(year),
                    &record);
    year->counts.fed_import_uwh += record.window.total.import_uwh;
    year->counts.fed_export_uwh += record.window.total.export_uwh;
    year->counts.windows_200ms += record.span_us <= SHORT_US ? 1 : 0;
    year->counts.windows_long += record.span_us > SHORT_US ? 1 : 0;
    wk_year_emit(year, &record);
    return record.span_us;
}

/* ---- outages ----------------------------------------------------------------------------- */

static void power_returns(struct wk_year *year)
{
    const int64_t away_us = year->away_us;
    year->away_us = 0;
    for (int64_t left_us = away_us; left_us > 0; left_us -= LONG_US * 1000) {
        advance(year, left_us < LONG_US * 1000 ? left_us : LONG_US * 1000);
    }
    year->epoch++;
    year->seq = 0;
    year->feed_starts = true;
    year->fine_until_us = year->t_us + 5 * US_PER_S;
    year->rate_ppb = RATE_PPB + (int32_t)wk_dice_between(&year->dice, -1500, 1500);
    year->counts.outages++;
    year->counts.outage_s += away_us / US_PER_S;
    if (away_us / US_PER_S > year->counts.outage_most_s) {
        year->counts.outage_most_s = away_us / US_PER_S;
    }
}

/* An outage that was planned comes with a warning: the commit that needs no erase. */
static bool begin_outage(struct wk_year *year, struct wk_year_day *day)
{
    const int64_t away_us = day->outage_s * US_PER_S;
    day->outage_s = 0;
    if (!wk_year_restart(year)) {
        return false;
    }
    year->away_us += away_us;
    return true;
}

/* ---- the year ---------------------------------------------------------------------------- */

static bool step(struct wk_year *year)
{
    if (year->ring_fed < year->ring_count) {
        return wk_year_feed(year);
    }
    if (year->away_us > 0) {
        power_returns(year);
        return true;
    }
    const int64_t at_s = wk_year_true_s(year) - year->begin_s;
    struct wk_year_day *day = &year->day[at_s / 86400];
    if (day->outage_s > 0 && at_s % 86400 >= day->outage_at_s) {
        return begin_outage(year, day);
    }
    const int64_t span_us = make_window(year);
    return !year->failed && wk_year_feed(year) && wk_year_act(year, span_us);
}

static void configure(struct wk_year *year)
{
    static const int32_t k_price_e6[3][2] = {
        {312000, 355000}, {214500, 214500}, {468700, 521300}};
    struct wk_module_config *config = &year->config;
    *config = (struct wk_module_config){
        .identity = {.serial = "WK10000042",
                     .logical_name = "WKT0000010000042",
                     .firmware = "simulation",
                     .metrology = "simulation",
                     .phases = 3},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = year->mode,
        .calendar = wk_almanac_calendar(0),
        .blocks = {{INT64_C(250000000000), 0, 0}, 0},
        .billing = {WK_BILLING_MONTHLY, 1, 0, 3600},
        .price = {.rider_e6 = {21000, 4100}},
        .layout = wk_layout_meter(),
        .special = wk_almanac_special,
        .special_count = WK_ALMANAC_SPECIAL,
        .system_title = {'W', 'K', 'P', 0, 0, 0, 0, 42},
        .keys = {.ek = {.octets = {1, 2, 3, 4, 5, 6, 7, 8}, .size = 16},
                 .ak = {.octets = {8, 7, 6, 5, 4, 3, 2, 1}, .size = 16}},
        .password[WK_ROLE_READER] = {.octets = {'r', 'e', 'a', 'd', 'e', 'r'}, .size = 6},
        .payment = &year->payment,
        .maximum_ua = WK_HOUSE_MAXIMUM_UA,
        .seed = (uint32_t)year->options.seed,
    };
    year->ledger.block_uwh = config->blocks.threshold_uwh[0];
    for (int rate = 0; rate < 4; rate++) {
        for (int block = 0; block < 2; block++) {
            config->price.price_e6[rate][block] =
                k_price_e6[rate % 3][block] - (rate == 3 ? 100000 : 0);
            year->ledger.price_e6[rate][block] =
                config->price.price_e6[rate][block] + 21000 + 4100;
        }
    }
}

static wk_err open_meter(struct wk_year *year)
{
    const struct wk_store_layout layout = wk_layout_meter();
    const uint32_t sectors = wk_layout_sectors(&layout);
    const size_t size = (size_t)sectors * WK_FLASH_FILE_SECTOR;
    year->octets = malloc(size);
    year->touched = calloc(1, WK_FLASH_TOUCHED(size, WK_FLASH_FILE_UNIT));
    year->ring = malloc(sizeof *year->ring * WK_YEAR_RING);
    year->mark = malloc(sizeof *year->mark * WK_YEAR_MARKS);
    year->interval = malloc(sizeof *year->interval * year->ledger.interval_room);
    year->interval_status = malloc(year->ledger.interval_room);
    if (year->octets == NULL || year->touched == NULL || year->ring == NULL ||
        year->mark == NULL || year->interval == NULL || year->interval_status == NULL) {
        return WK_E_FULL;
    }
    wk_flash_init(&year->flash, year->octets, WK_FLASH_FILE_SECTOR, sectors,
                  WK_FLASH_FILE_UNIT);
    wk_flash_watch(&year->flash, year->touched);
    year->port = year->flash.port;
    year->port.self = year;
    year->port.read = flash_read;
    year->port.program = flash_program;
    year->port.erase = flash_erase;
    year->port.sync = flash_sync;
    wk_panel_init(&year->panel);
    WK_TRY(wk_crypto_init(&year->crypto));
    configure(year);
    power_on(year);
    WK_TRY(boot(year));
    wk_caller_init(&year->caller, &year->crypto.hal, &year->config.keys);
    struct wk_limiter_settings limit =
        year->module.rooms.control.limiter[WK_ROOMS_LIMITER].settings;
    limit.normal = INT64_C(15000000);
    WK_TRY(wk_limiter_set(&year->module.rooms.control.limiter[WK_ROOMS_LIMITER], &limit));
    WK_TRY(wk_module_commit(&year->module));
    year->transaction = year->module.rooms.store.transaction;
    wk_ledger_commit(&year->ledger);
    return WK_OK;
}

static wk_err prepare(struct wk_year *year, const struct wk_year_options *options)
{
    memset(year, 0, sizeof *year);
    year->options = *options;
    year->dice = wk_dice_of(options->seed, 1);
    /* from the autumn of 2023 on, so that there are a leap day and both changes of time */
    year->begin_s = INT64_C(1698796800) + (int64_t)(options->seed % 7) * 29 * 86400;
    year->true_us = year->begin_s * US_PER_S;
    year->t_us = year->true_us;
    year->rate_ppb = RATE_PPB;
    year->epoch = 1;
    year->called_day = -1;
    WK_TRY(wk_almanac_make(&year->almanac, year->begin_s, options->days));
    WK_TRY(wk_ledger_open(&year->ledger, &year->almanac, options->days));
    WK_TRY(wk_year_plan(year));
    wk_house_init(&year->house, options->minutes, options->seed, year->sun_s);
    WK_TRY(open_meter(year));
    year->armed = true;
    power_on(year);
    return WK_OK;
}

wk_err wk_year_run(struct wk_year *year, const struct wk_year_options *options)
{
    WK_TRY(prepare(year, options));
    const int64_t end_s = year->begin_s + options->days * 86400;
    int told = -1;
    while (!year->failed && wk_year_true_s(year) < end_s) {
        const int64_t done_s = wk_year_true_s(year) - year->begin_s;
        const int percent = (int)(done_s * 100 / (end_s - year->begin_s));
        if (percent != told && options->progress != NULL) {
            options->progress(options->self, percent);
        }
        told = percent;
        if (!step(year)) {
            break;
        }
    }
    year->armed = false;
    power_on(year);
    while (!year->failed && year->ring_fed < year->ring_count && wk_year_feed(year)) {
    }
    if (options->progress != NULL) {
        options->progress(options->self, 100);
    }
    return !year->failed && wk_year_check_end(year) ? WK_OK : WK_E_CORRUPT;
}

void wk_year_free(struct wk_year *year)
{
    wk_almanac_free(&year->almanac);
    wk_ledger_close(&year->ledger);
    wk_crypto_close(&year->crypto);
    free(year->day);
    free(year->octets);
    free(year->touched);
    free(year->ring);
    free(year->mark);
    free(year->interval);
    free(year->interval_status);
}
