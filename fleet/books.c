/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/books.h"

#include <stdlib.h>
#include <string.h>

#include "management/billing.h"
#include "management/event.h"

#define US_PER_S     INT64_C(1000000)
#define EARLY_US     1000 /* a window that ends so close before an end ends it */
#define OUTAGE_US    (2 * US_PER_S)
#define STORM_US     (600 * US_PER_S)
#define STORM_LOGGED 16
#define WHOLE_US     250000 /* an interval of windows that need not begin with it */

wk_err wk_ledger_open(struct wk_ledger *ledger, const struct wk_almanac *almanac, int64_t days)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->almanac = almanac;
    ledger->period_s = 900;
    ledger->interval_room = (uint32_t)(days * 100 + 1000);
    ledger->period_room = (uint32_t)(days + 100);
    ledger->interval = calloc(ledger->interval_room, sizeof *ledger->interval);
    ledger->period = calloc(ledger->period_room, sizeof *ledger->period);
    if (ledger->interval == NULL || ledger->period == NULL) {
        wk_ledger_close(ledger);
        return WK_E_FULL;
    }
    return WK_OK;
}

void wk_ledger_close(struct wk_ledger *ledger)
{
    free(ledger->interval);
    free(ledger->period);
    ledger->interval = NULL;
    ledger->period = NULL;
}

/* ---- events ------------------------------------------------------------------------------ */

/* Of one event the first 16 within ten minutes are logged, the rest is counted; when the ten
 * minutes are over the count is logged, if there is one. */
void wk_ledger_event(struct wk_ledger *ledger, int code, int detail)
{
    struct wk_books *books = &ledger->now;
    struct wk_books_storm *slot = NULL;
    for (int i = 0; i < WK_BOOKS_STORMS; i++) {
        struct wk_books_storm *one = &books->storm[i];
        if (one->code == code && one->detail == detail) {
            slot = one;
            break;
        }
        slot = slot == NULL && one->code == 0 ? one : slot;
    }
    if (slot == NULL) {
        books->logged[code]++;
        return;
    }
    const bool fresh = slot->code == 0 ||
                       (books->t_us - slot->begin_us >= STORM_US && slot->seen <= STORM_LOGGED);
    if (fresh) {
        *slot = (struct wk_books_storm){code, detail, books->t_us, 0};
    }
    slot->seen++;
    books->logged[code] += slot->seen <= STORM_LOGGED ? 1 : 0;
}

static void end_storms(struct wk_books *books)
{
    for (int i = 0; i < WK_BOOKS_STORMS; i++) {
        struct wk_books_storm *slot = &books->storm[i];
        if (slot->code != 0 && books->t_us - slot->begin_us >= STORM_US) {
            books->logged[WK_EVENT_REPEATED] += slot->seen > STORM_LOGGED ? 1 : 0;
            slot->code = 0;
        }
    }
}

/* ---- intervals --------------------------------------------------------------------------- */

static void note_demand(struct wk_ledger *ledger)
{
    struct wk_books *books = &ledger->now;
    const int64_t energy_uwh = books->registers.import_uwh - books->interval_uwh;
    const int64_t off_us = llabs(books->interval_us - ledger->period_s * US_PER_S);
    const bool whole = books->status == 0 && !books->broken && off_us <= WHOLE_US;
    if (energy_uwh > books->highest_uwh) {
        books->highest_uwh = energy_uwh;
    }
    if (whole && energy_uwh > books->whole_uwh) {
        books->whole_uwh = energy_uwh;
    }
}

static void begin_interval(struct wk_books *books, int64_t end_s, uint8_t status)
{
    books->interval_s = end_s;
    books->interval_uwh = books->registers.import_uwh;
    books->interval_us = 0;
    books->broken = false;
    books->status = status;
}

static void end_interval(struct wk_ledger *ledger)
{
    note_demand(ledger);
    struct wk_books *books = &ledger->now;
    const struct wk_books_registers *registers = &books->registers;
    if (books->intervals < ledger->interval_room) {
        ledger->interval[books->intervals] = (struct wk_books_interval){
            .end_s = books->interval_s,
            .import_uwh = registers->import_uwh,
            .export_uwh = registers->export_uwh,
            .rate_uwh = {registers->rate[0].import_uwh, registers->rate[1].import_uwh,
                         registers->rate[2].import_uwh, registers->rate[3].import_uwh},
            .status = books->status,
        };
        books->intervals++;
    }
    begin_interval(books, 0, 0);
}

/* The end of the interval that contains an instant; an end belongs to what it ends. */
static int64_t interval_of(const struct wk_ledger *ledger, int64_t clock_us)
{
    const int64_t period_us = ledger->period_s * US_PER_S;
    return (clock_us + period_us - 1) / period_us * ledger->period_s;
}

/* Time is left out up to that instant: both intervals concerned are marked. */
static void leave_out(struct wk_ledger *ledger, int64_t until_us, uint8_t status)
{
    struct wk_books *books = &ledger->now;
    books->status |= status;
    if (books->interval_s != 0 && until_us > books->interval_s * US_PER_S) {
        end_interval(ledger);
        books->interval_s = interval_of(ledger, until_us);
        books->status |= status;
    }
}

/* The interval that a window belongs to is the one in which it ends. */
static void enter_interval(struct wk_ledger *ledger, int64_t clock_us)
{
    struct wk_books *books = &ledger->now;
    const int64_t end_s = interval_of(ledger, clock_us);
    if (books->interval_s != 0 && end_s > books->interval_s) {
        end_interval(ledger);
    } else if (books->interval_s != 0 && end_s < books->interval_s) {
        books->dropped++;
        begin_interval(books, end_s, WK_BOOKS_MOVED);
    }
    books->interval_s = end_s;
}

static void leave_interval(struct wk_ledger *ledger, int64_t clock_us)
{
    if (clock_us + EARLY_US >= ledger->now.interval_s * US_PER_S) {
        end_interval(ledger);
        ledger->now.interval_s = interval_of(ledger, clock_us + EARLY_US + 1);
    }
}

/* ---- billing periods --------------------------------------------------------------------- */

static void end_period(struct wk_ledger *ledger, int64_t clock_s, int reason)
{
    struct wk_books *books = &ledger->now;
    const int64_t end_s = reason == WK_BILLING_SCHEDULED ? books->next_s : clock_s;
    if (books->periods < ledger->period_room) {
        ledger->period[books->periods] = (struct wk_books_period){
            .begin_s = books->begin_s,
            .end_s = end_s,
            .reason = reason,
            .intervals = books->intervals,
            .highest_uwh = books->highest_uwh,
            .whole_uwh = books->whole_uwh,
            .registers = books->registers,
        };
        books->periods++;
    }
    books->highest_uwh = 0;
    books->whole_uwh = 0;
    books->begin_s = end_s;
    books->begin_uwh = books->registers.import_uwh;
    books->next_s = wk_almanac_month_after(ledger->almanac, clock_s);
    wk_ledger_event(ledger, WK_EVENT_BILLING_PERIOD_ENDED, reason);
}

static void end_period_if_due(struct wk_ledger *ledger, int64_t clock_us)
{
    struct wk_books *books = &ledger->now;
    const int64_t clock_s = clock_us / US_PER_S;
    if (books->next_s == 0) {
        books->next_s = wk_almanac_month_after(ledger->almanac, clock_s);
    }
    if (clock_s >= books->next_s) {
        end_period(ledger, clock_s, WK_BILLING_SCHEDULED);
    }
}

void wk_ledger_reset(struct wk_ledger *ledger, int64_t clock_us)
{
    end_period(ledger, clock_us / US_PER_S, WK_BILLING_COMMANDED);
}

/* ---- registers and money ----------------------------------------------------------------- */

static void activate_if_due(struct wk_ledger *ledger, int64_t clock_s)
{
    struct wk_books *books = &ledger->now;
    if (books->activate_s == 0 || clock_s < books->activate_s) {
        return;
    }
    books->activate_s = 0;
    books->contract = 1;
    wk_ledger_event(ledger, WK_EVENT_CALENDAR_ACTIVATED, 0);
    end_period(ledger, clock_s, WK_BILLING_TARIFF);
}

static void add_blocks(struct wk_ledger *ledger, int rate, int64_t import_uwh)
{
    struct wk_books *books = &ledger->now;
    const int64_t used_uwh = books->registers.import_uwh - books->begin_uwh;
    const int64_t left_uwh = ledger->block_uwh > used_uwh ? ledger->block_uwh - used_uwh : 0;
    const int64_t first_uwh = import_uwh < left_uwh ? import_uwh : left_uwh;
    const int64_t part_uwh[WK_BOOKS_BLOCKS] = {first_uwh, import_uwh - first_uwh};
    for (int block = 0; block < WK_BOOKS_BLOCKS; block++) {
        books->registers.rate[rate].block_uwh[block] += part_uwh[block];
    }
}

static void add_window(struct wk_ledger *ledger, const struct wk_record_window *window,
                       int rate)
{
    struct wk_books_registers *registers = &ledger->now.registers;
    struct wk_books_rate *of_rate = &registers->rate[rate];
    add_blocks(ledger, rate, window->total.import_uwh);
    registers->import_uwh += window->total.import_uwh;
    registers->export_uwh += window->total.export_uwh;
    registers->import_uvah += window->total.import_uvah;
    registers->export_uvah += window->total.export_uvah;
    of_rate->import_uwh += window->total.import_uwh;
    of_rate->export_uwh += window->total.export_uwh;
    for (int i = 0; i < 4; i++) {
        registers->q_uvarh[i] += window->total.q_uvarh[i];
        of_rate->q_uvarh[i] += window->total.q_uvarh[i];
    }
    for (int i = 0; i < 3; i++) {
        registers->import_phase_uwh[i] += window->energy[i].import_uwh;
        registers->export_phase_uwh[i] += window->energy[i].export_uwh;
    }
}

/* ---- records ----------------------------------------------------------------------------- */

/* Clock minus metrology's time is the same before the window as at its end, but for drift and
 * slewing of at most 0.07 % of it. */
static void note_outage(struct wk_ledger *ledger, const struct wk_record *record,
                        int64_t clock_us)
{
    struct wk_books *books = &ledger->now;
    const int64_t away_us = record->t_us - record->span_us - books->t_us;
    books->broken = true;
    if (books->epoch == 0) {
        wk_ledger_event(ledger, WK_EVENT_POWER_UP, 0);
        return;
    }
    if (away_us < OUTAGE_US) {
        return;
    }
    books->outages++;
    wk_ledger_event(ledger, WK_EVENT_POWER_DOWN, 0);
    wk_ledger_event(ledger, WK_EVENT_POWER_UP, 0);
    leave_out(ledger, clock_us - record->span_us, WK_BOOKS_AWAY);
}

static void take_event(struct wk_ledger *ledger, const struct wk_record_event *event)
{
    const bool ends =
        event->kind == WK_RECORD_DIP_END || event->kind == WK_RECORD_INTERRUPTION_END;
    const int code =
        ends ? WK_EVENT_VOLTAGE_NORMAL
             : (event->kind == WK_RECORD_DIP_BEGIN ? WK_EVENT_DIP : WK_EVENT_INTERRUPTION);
    wk_ledger_event(ledger, code, (int)event->phases);
}

static void take_window(struct wk_ledger *ledger, const struct wk_record *record,
                        int64_t clock_us)
{
    struct wk_books *books = &ledger->now;
    /* A window that ends at an instant lies before it. */
    const int64_t last_us = clock_us - 1;
    enter_interval(ledger, clock_us);
    end_period_if_due(ledger, last_us);
    activate_if_due(ledger, last_us / US_PER_S);
    books->t_us = record->t_us;
    books->clock_us = clock_us;
    books->clock_told = false;
    const int rate =
        wk_almanac_tariff(ledger->almanac, books->contract, last_us / US_PER_S) - 1;
    if (rate >= 0) {
        add_window(ledger, &record->window, rate);
    }
    books->interval_us += record->span_us;
    leave_interval(ledger, clock_us);
    end_period_if_due(ledger, clock_us + EARLY_US + 1);
}

void wk_ledger_take(struct wk_ledger *ledger, const struct wk_record *record, int64_t clock_us)
{
    struct wk_books *books = &ledger->now;
    if (record->epoch != books->epoch) {
        note_outage(ledger, record, clock_us);
    }
    if (record->kind == WK_RECORD_WINDOW) {
        take_window(ledger, record, clock_us);
    } else {
        take_event(ledger, &record->event);
    }
    end_storms(books);
    books->epoch = record->epoch;
    books->seq = record->seq;
}

void wk_ledger_commit(struct wk_ledger *ledger)
{
    ledger->committed = ledger->now;
}

void wk_ledger_back(struct wk_ledger *ledger)
{
    ledger->now = ledger->committed;
}

void wk_ledger_start(struct wk_ledger *ledger)
{
    memset(ledger->now.storm, 0, sizeof ledger->now.storm);
    memset(ledger->committed.storm, 0, sizeof ledger->committed.storm);
}

/* ---- what comes from outside ------------------------------------------------------------- */

void wk_ledger_clock(struct wk_ledger *ledger, int64_t clock_us, int64_t by_us, int detail)
{
    struct wk_books *books = &ledger->now;
    const int64_t new_s = (clock_us + by_us) / US_PER_S;
    wk_ledger_event(ledger, WK_EVENT_CLOCK_BEFORE, detail);
    wk_ledger_event(ledger, WK_EVENT_CLOCK_AFTER, detail);
    leave_out(ledger, clock_us + by_us + 1, WK_BOOKS_MOVED);
    books->clock_told = true;
    if (books->next_s != 0 && new_s < books->next_s) {
        books->next_s = 0; /* planned anew; an end that was passed by stays due */
    }
}

void wk_ledger_slew(struct wk_ledger *ledger, int detail)
{
    wk_ledger_event(ledger, WK_EVENT_CLOCK_SLEWED, detail);
    ledger->now.status |= WK_BOOKS_MOVED;
}

void wk_ledger_wrong_password(struct wk_ledger *ledger, int64_t clock_us, int role)
{
    struct wk_books *books = &ledger->now;
    int64_t lock_s = 1;
    if (books->failures >= 5 && clock_us < books->locked_us) {
        return; /* refused without a look */
    }
    books->failures++;
    wk_ledger_event(ledger, WK_EVENT_LOGIN_FAILED, role);
    for (uint32_t i = 5; i < books->failures && lock_s < 900; i++) {
        lock_s *= 2;
    }
    if (books->failures >= 5) {
        books->locked_us = clock_us + (lock_s < 900 ? lock_s : 900) * US_PER_S;
    }
    if (books->failures == 5) {
        wk_ledger_event(ledger, WK_EVENT_LOCKED_OUT, role);
    }
}

void wk_ledger_right_password(struct wk_ledger *ledger)
{
    ledger->now.failures = 0;
}

void wk_ledger_pay(struct wk_ledger *ledger, int64_t amount_e6)
{
    struct wk_books *books = &ledger->now;
    const int64_t left_e6 = WK_BOOKS_DEBT_E6 - books->debt_paid_e6;
    const int64_t fifth_e6 = amount_e6 / 5;
    books->tokens++;
    books->topped_e6 += amount_e6;
    books->debt_paid_e6 += fifth_e6 < left_e6 ? fifth_e6 : left_e6;
    wk_ledger_event(ledger, WK_EVENT_CREDIT_ADDED, 0);
}
