/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold: the meter against the ledger. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "fleet/year.h"

#define US_PER_S   INT64_C(1000000)
#define AGREE_US   (5 * US_PER_S) /* within which the contactor follows the state */
#define E9         1000000000
#define DEMAND_UWH INT64_C(4000000) /* 200 ms of 72 kW */

static const uint8_t k_logs[WK_YEAR_LOGS] = {WK_ROOMS_LOG_EVENT,         WK_ROOMS_LOG_FRAUD,
                                             WK_ROOMS_LOG_DISCONNECT,    WK_ROOMS_LOG_QUALITY,
                                             WK_ROOMS_LOG_COMMUNICATION, WK_ROOMS_LOG_FIRMWARE,
                                             WK_ROOMS_LOG_SECURITY,      WK_ROOMS_LOG_CREDIT,
                                             WK_ROOMS_LOG_BILLING,       WK_ROOMS_LOG_PROFILE};
#define EVENT_LOGS 8

/* Events of which the ledger knows every one. */
static const uint16_t k_exact[] = {
    WK_EVENT_POWER_DOWN,
    WK_EVENT_POWER_UP,
    WK_EVENT_CLOCK_BEFORE,
    WK_EVENT_CLOCK_AFTER,
    WK_EVENT_CLOCK_SLEWED,
    WK_EVENT_CALENDAR_ACTIVATED,
    WK_EVENT_PARAMETER_CHANGED,
    WK_EVENT_BILLING_PERIOD_ENDED,
    WK_EVENT_REPEATED,
    WK_EVENT_DIP,
    WK_EVENT_VOLTAGE_NORMAL,
    WK_EVENT_LOGIN_FAILED,
    WK_EVENT_LOCKED_OUT,
    WK_EVENT_REPLAY,
    WK_EVENT_DECIPHER_FAILED,
    WK_EVENT_SUPPLY_DISCONNECTED,
    WK_EVENT_SUPPLY_CONNECTED,
    WK_EVENT_SUPPLY_READY,
    WK_EVENT_RECORDS_MISSING,
    WK_EVENT_REGISTER_REFUSED,
    WK_EVENT_CONTACTOR_DISAGREES,
    WK_EVENT_CREDIT_ADDED,
};

/* ---- registers --------------------------------------------------------------------------- */

static bool same(struct wk_year *year, const char *what, int64_t expected, int64_t found)
{
    return expected == found || wk_year_fail(year, "%s: expected %" PRId64 ", found %" PRId64,
                                             what, expected, found);
}

static bool rates_agree(struct wk_year *year)
{
    const struct wk_registers *registers = &year->module.rooms.registers;
    const struct wk_books_registers *books = &year->ledger.now.registers;
    int64_t sum_uwh = 0;
    for (int rate = 0; rate < WK_BOOKS_RATES; rate++) {
        const struct wk_registers_rate *found = &registers->rate[rate];
        const struct wk_books_rate *wanted = &books->rate[rate];
        sum_uwh += found->import_uwh;
        if (!same(year, "import of a tariff", wanted->import_uwh, found->import_uwh) ||
            !same(year, "export of a tariff", wanted->export_uwh, found->export_uwh) ||
            !same(year, "block 1 of a tariff", wanted->block_uwh[0], found->block_uwh[0]) ||
            !same(year, "block 2 of a tariff", wanted->block_uwh[1], found->block_uwh[1]) ||
            !same(year, "sum of the blocks of a tariff", found->import_uwh,
                  found->block_uwh[0] + found->block_uwh[1] + found->block_uwh[2] +
                      found->block_uwh[3])) {
            return false;
        }
        for (int i = 0; i < 4; i++) {
            if (!same(year, "reactive energy of a tariff", wanted->q_uvarh[i],
                      found->q_uvarh[i])) {
                return false;
            }
        }
    }
    return same(year, "sum of the tariffs", registers->import_uwh, sum_uwh);
}

static bool totals_agree(struct wk_year *year)
{
    const struct wk_registers *registers = &year->module.rooms.registers;
    const struct wk_books_registers *books = &year->ledger.now.registers;
    for (int i = 0; i < 4; i++) {
        if (!same(year, "reactive energy", books->q_uvarh[i], registers->q_uvarh[i])) {
            return false;
        }
    }
    for (int i = 0; i < 3; i++) {
        if (!same(year, "import of a phase", books->import_phase_uwh[i],
                  registers->import_phase_uwh[i]) ||
            !same(year, "export of a phase", books->export_phase_uwh[i],
                  registers->export_phase_uwh[i])) {
            return false;
        }
    }
    return same(year, "apparent import", books->import_uvah, registers->import_uvah) &&
           same(year, "apparent export", books->export_uvah, registers->export_uvah);
}

/* uWh times 10^-6 units per kWh are 10^-15 units: the money follows from the blocks alone. */
static bool money_agrees(struct wk_year *year)
{
    const struct wk_price_spent *spent = &year->module.rooms.spent;
    int64_t whole_e6 = 0;
    int64_t rest = 0;
    for (int rate = 0; rate < WK_BOOKS_RATES; rate++) {
        for (int block = 0; block < WK_BOOKS_BLOCKS; block++) {
            const int64_t uwh = year->ledger.now.registers.rate[rate].block_uwh[block];
            const int32_t price_e6 = year->ledger.price_e6[rate][block];
            whole_e6 += uwh / E9 * price_e6;
            rest += uwh % E9 * price_e6;
        }
    }
    return same(year, "money spent, 10^-6", whole_e6 + rest / E9, spent->amount_e6) &&
           same(year, "money spent, 10^-15", rest % E9, spent->rest) &&
           wk_year_check_balance(year, whole_e6 + rest / E9, rest % E9);
}

/* ---- the supply -------------------------------------------------------------------------- */

/* The arrows of the standard's diagram, by the state they come from; bit n: control mode n. */
static bool is_arrow(wk_supply_state from, wk_supply_state to, uint8_t mode)
{
    static const uint8_t k_modes[3][3] = {
        {0, 1 << 2 | 1 << 4, 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6}, /* from disconnected */
        {0x7E, 0, 0x7E},                                         /* from connected */
        {0x7E, 0x7E, 0}};                                        /* from ready */
    return (k_modes[from][to] >> mode & 1) != 0;
}

static bool supply_is_legal(struct wk_year *year)
{
    const struct wk_rooms *rooms = &year->module.rooms;
    const wk_supply_state state = rooms->supply.state;
    if (state >= WK_SUPPLY_STATE_COUNT) {
        return wk_year_fail(year, "the supply is in state %d, which does not exist",
                            (int)state);
    }
    if (year->supply_known && state != year->supply) {
        year->fine_until_us = year->t_us + 5 * US_PER_S;
        if (!is_arrow(year->supply, state, year->mode)) {
            return wk_year_fail(year, "the supply went from state %d to %d in mode %d",
                                (int)year->supply, (int)state, year->mode);
        }
    }
    year->supply = state;
    year->supply_known = true;
    const bool agrees = year->panel.closed == (state == WK_SUPPLY_CONNECTED);
    if (agrees || year->disagree_us == 0) {
        year->disagree_us = agrees ? 0 : rooms->t_us;
        return true;
    }
    return rooms->t_us - year->disagree_us < AGREE_US ||
           wk_year_fail(year, "the contactor is %s in state %d",
                        year->panel.closed ? "closed" : "open", (int)state);
}

bool wk_year_check_record(struct wk_year *year)
{
    const struct wk_registers *registers = &year->module.rooms.registers;
    const struct wk_books_registers *books = &year->ledger.now.registers;
    return same(year, "import", books->import_uwh, registers->import_uwh) &&
           same(year, "export", books->export_uwh, registers->export_uwh) &&
           supply_is_legal(year);
}

/* ---- events ------------------------------------------------------------------------------ */

static bool read_log(struct wk_year *year, int index)
{
    struct wk_store_reader reader = {.number = year->next[index]};
    struct wk_event event;
    wk_err err = wk_event_read(&year->module.rooms.store, k_logs[index], &reader, &event);
    while (err == WK_OK) {
        year->counts.logged[index]++;
        year->found[event.code < WK_BOOKS_CODES ? event.code : 0]++;
        if (year->marks < WK_YEAR_MARKS) {
            year->mark[year->marks++] =
                (struct wk_year_mark){event.at.s, event.code, (uint8_t)index};
        }
        year->next[index] = reader.number;
        err = wk_event_read(&year->module.rooms.store, k_logs[index], &reader, &event);
    }
    return err == WK_E_NOT_FOUND ||
           wk_year_fail(year, "log %d cannot be read: %s", k_logs[index], wk_err_text(err));
}

bool wk_year_read_events(struct wk_year *year)
{
    const struct wk_store *store = &year->module.rooms.store;
    for (int i = 0; i < EVENT_LOGS; i++) {
        const uint64_t next = store->committed[k_logs[i]];
        if (next < year->next[i]) {
            return wk_year_fail(year, "log %d lost entries: it had %" PRIu64 ", has %" PRIu64,
                                k_logs[i], year->next[i], next);
        }
        if (next != year->next[i] && !read_log(year, i)) {
            return false;
        }
    }
    return true;
}

bool wk_year_events_agree(const struct wk_year *year, const struct wk_books *books)
{
    for (size_t i = 0; i < sizeof k_exact / sizeof k_exact[0]; i++) {
        if (books->logged[k_exact[i]] != year->found[k_exact[i]]) {
            return false;
        }
    }
    return true;
}

bool wk_year_check_commit(struct wk_year *year)
{
    if (!wk_year_read_events(year)) {
        return false;
    }
    for (size_t i = 0; i < sizeof k_exact / sizeof k_exact[0]; i++) {
        const uint32_t wanted = year->ledger.now.logged[k_exact[i]];
        const uint32_t found = year->found[k_exact[i]];
        if (wanted != found) {
            return wk_year_fail(year, "events \"%s\": expected %u, found %u",
                                wk_event_text(k_exact[i]), wanted, found);
        }
    }
    return rates_agree(year) && totals_agree(year) && money_agrees(year);
}

/* Fraud is told where there was some, and nowhere else. */
bool wk_year_check_events(struct wk_year *year)
{
    for (int code = 0; code < WK_BOOKS_CODES && year->act.phase == WK_YEAR_IDLE; code++) {
        uint32_t wanted = year->ledger.now.logged[code];
        const bool often_ends =
            code == WK_EVENT_REFUSED_OFTEN_END || code == WK_EVENT_CLOCK_OFTEN_END;
        wanted = code == WK_EVENT_REFUSED_OFTEN ? year->expected_often : wanted;
        wanted = code == WK_EVENT_CLOCK_OFTEN ? year->expected_clock_often : wanted;
        if (wk_event_log_of((uint16_t)code) == WK_EVENT_LOG_FRAUD && !often_ends &&
            year->found[code] != wanted) {
            return wk_year_fail(year, "fraud \"%s\": expected %u, found %u",
                                wk_event_text((uint16_t)code), wanted, year->found[code]);
        }
    }
    return true;
}

/* ---- the load profile -------------------------------------------------------------------- */

/* What the row has of a register. */
static int64_t of_row(const struct wk_year *year, const struct wk_profile_row *row, uint8_t c,
                      uint8_t e)
{
    const struct wk_profile_rules *rules =
        &year->module.rooms.profile[WK_ROOMS_PROFILE_1].rules;
    for (uint8_t i = 0; i < rules->count; i++) {
        const uint8_t *obis = rules->column[i].obis;
        if (rules->column[i].class_id == 3 && obis[2] == c && obis[3] == 8 && obis[4] == e) {
            return row->value[i];
        }
    }
    return -1;
}

static bool entry_agrees(struct wk_year *year, const struct wk_profile_row *entry,
                         const struct wk_books_interval *wanted)
{
    const bool away = (entry->status & WK_PROFILE_POWER_DOWN) != 0;
    const bool moved = (entry->status & WK_PROFILE_CLOCK_ADJUSTED) != 0;
    for (int rate = 0; rate < 4; rate++) {
        if (!same(year, "tariff of an interval", wanted->rate_uwh[rate],
                  of_row(year, entry, 1, (uint8_t)(rate + 1)))) {
            return false;
        }
    }
    return same(year, "end of an interval", wanted->end_s, entry->end.s) &&
           same(year, "import of an interval", wanted->import_uwh, of_row(year, entry, 1, 0)) &&
           same(year, "export of an interval", wanted->export_uwh, of_row(year, entry, 2, 0)) &&
           same(year, "power was down in an interval", (wanted->status & WK_BOOKS_AWAY) != 0,
                away) &&
           same(year, "clock was adjusted in an interval",
                (wanted->status & WK_BOOKS_MOVED) != 0, moved);
}

/* Once, or a gap or a second time that the flags explain. */
static bool follows(struct wk_year *year, const struct wk_books_interval *next)
{
    const int64_t step_s = next->end_s - year->last.end_s;
    const uint8_t flags = year->last.status | next->status;
    if (!year->has_last || step_s == year->ledger.period_s) {
        return true;
    }
    if (step_s > 0) {
        year->counts.gaps++;
        year->counts.gap_intervals += (uint32_t)(step_s / year->ledger.period_s - 1);
    } else {
        year->counts.twice++;
    }
    const bool explained = step_s > 0 ? flags != 0 : (flags & WK_BOOKS_MOVED) != 0;
    return explained || wk_year_fail(year,
                                     "after the interval that ends at %" PRId64
                                     " comes one that ends at %" PRId64,
                                     year->last.end_s, next->end_s);
}

bool wk_year_read_profile(struct wk_year *year)
{
    const struct wk_store *store = &year->module.rooms.store;
    const struct wk_profile *profile = &year->module.rooms.profile[WK_ROOMS_PROFILE_1];
    struct wk_profile_reader reader = {.number = year->profile_next};
    struct wk_profile_row entry;
    wk_err err = wk_profile_read(profile, store, &reader, &entry);
    while (err == WK_OK) {
        if (year->profile_index >= year->ledger.now.intervals) {
            return wk_year_fail(year, "an interval that ends at %" PRId64 " never was",
                                entry.end.s);
        }
        const struct wk_books_interval *wanted = &year->ledger.interval[year->profile_index];
        if (!entry_agrees(year, &entry, wanted) || !follows(year, wanted)) {
            return false;
        }
        year->interval[year->interval_count] = *wanted;
        year->interval_status[year->interval_count++] = (uint8_t)entry.status;
        year->profile_index++;
        year->profile_next = reader.number;
        year->last = *wanted;
        year->has_last = true;
        err = wk_profile_read(profile, store, &reader, &entry);
    }
    year->counts.intervals = year->interval_count;
    return err == WK_E_NOT_FOUND ||
           wk_year_fail(year, "the load profile cannot be read: %s", wk_err_text(err));
}

/* ---- billing periods and bills ----------------------------------------------------------- */

/* Maximum demand: that of the best whole quarter of an hour at least, of the best of all at most;
 * windows across its ends are divided by time, and the clock may stretch it. */
static bool demand_agrees(struct wk_year *year, const struct wk_billing_entry *entry,
                          const struct wk_books_period *wanted)
{
    const int64_t found_uwh = entry->highest.power_mw * 900 / 3600 * 1000;
    if (found_uwh >= wanted->whole_uwh - DEMAND_UWH &&
        found_uwh <= wanted->highest_uwh + DEMAND_UWH) {
        return true;
    }
    return wk_year_fail(year,
                        "maximum demand of billing period %u: expected the power of %" PRId64
                        " to %" PRId64 " uWh in 15 min, found that of %" PRId64,
                        entry->number, wanted->whole_uwh, wanted->highest_uwh, found_uwh);
}

static bool period_agrees(struct wk_year *year, const struct wk_billing_entry *entry)
{
    const struct wk_books_period *wanted = &year->ledger.period[entry->number - 1];
    for (int rate = 0; rate < WK_BOOKS_RATES; rate++) {
        if (!same(year, "tariff of a billing period", wanted->registers.rate[rate].import_uwh,
                  entry->registers.rate[rate].import_uwh)) {
            return false;
        }
    }
    return demand_agrees(year, entry, wanted) &&
           same(year, "begin of a billing period", wanted->begin_s, entry->begin.s) &&
           same(year, "end of a billing period", wanted->end_s, entry->end.s) &&
           same(year, "reason of a billing period", wanted->reason, (int64_t)entry->reason) &&
           same(year, "import of a billing period", wanted->registers.import_uwh,
                entry->registers.import_uwh);
}

/* One line of a bill: what registers and what intervals say. */
static bool bill(struct wk_year *year, int rate, int64_t by_registers_uwh,
                 int64_t by_intervals_uwh)
{
    int64_t one;
    int64_t other;
    const int32_t price_e6 = year->ledger.price_e6[rate][0];
    if (wk_money_of_energy(by_registers_uwh, price_e6, &one) != WK_OK ||
        wk_money_of_energy(by_intervals_uwh, price_e6, &other) != WK_OK) {
        return wk_year_fail(year, "a bill does not fit");
    }
    year->counts.bill_registers += one;
    year->counts.bill_intervals += other;
    return same(year, "energy of a bill by its intervals", by_registers_uwh,
                by_intervals_uwh) &&
           same(year, "line of a bill by its intervals", one, other);
}

/* A period whose end was no end of an interval is billed with the next one. */
static bool bill_period(struct wk_year *year, const struct wk_billing_entry *entry,
                        uint32_t *first, int64_t before_uwh[4])
{
    const uint32_t end = year->ledger.period[entry->number - 1].intervals;
    if (end == 0 || end > year->interval_count ||
        year->interval[end - 1].import_uwh != entry->registers.import_uwh) {
        return true;
    }
    for (int rate = 0; rate < 4; rate++) {
        int64_t sum_uwh = 0;
        for (uint32_t i = *first; i < end; i++) {
            sum_uwh += year->interval[i].rate_uwh[rate] -
                       (i > 0 ? year->interval[i - 1].rate_uwh[rate] : 0);
        }
        const int64_t now_uwh = entry->registers.rate[rate].import_uwh;
        if (!bill(year, rate, now_uwh - before_uwh[rate], sum_uwh)) {
            return false;
        }
        before_uwh[rate] = now_uwh;
    }
    *first = end;
    return true;
}

static bool check_periods(struct wk_year *year)
{
    struct wk_billing_entry entry;
    struct wk_store_reader reader = {0};
    const struct wk_store *store = &year->module.rooms.store;
    uint64_t oldest = 0;
    uint64_t next = 0;
    uint32_t first = 0;
    int64_t before_uwh[4] = {0};
    wk_err err = wk_store_log_span(store, WK_ROOMS_LOG_BILLING, &oldest, &next);
    const uint32_t all = year->ledger.now.periods;
    year->counts.periods = all;
    if (err != WK_OK || next - oldest < (all < WK_BILLING_KEPT ? all : WK_BILLING_KEPT)) {
        return wk_year_fail(year, "of %u billing periods %" PRIu64 " are kept", all,
                            next - oldest);
    }
    reader.number = oldest;
    uint32_t number = (uint32_t)(all - (next - oldest));
    while ((err = wk_billing_read(store, WK_ROOMS_LOG_BILLING, &reader, &entry)) == WK_OK) {
        if (!same(year, "number of a billing period", ++number, entry.number) ||
            !period_agrees(year, &entry) || !bill_period(year, &entry, &first, before_uwh)) {
            return false;
        }
    }
    if (err != WK_E_NOT_FOUND) {
        return wk_year_fail(year, "the billing periods cannot be read: %s", wk_err_text(err));
    }
    return same(year, "newest billing period", all, number);
}

/* ---- the end ----------------------------------------------------------------------------- */

static bool check_chain(struct wk_year *year)
{
    struct wk_event_proof proof;
    const struct wk_rooms *rooms = &year->module.rooms;
    const wk_err err = wk_event_verify(&rooms->store, WK_ROOMS_LOG_SECURITY, &year->crypto.hal,
                                       rooms->chain, &proof);
    if (err != WK_OK || proof.broken != proof.next || !proof.head_fits) {
        return wk_year_fail(year, "the security log does not verify: %s, entry %" PRIu64,
                            wk_err_text(err), err == WK_OK ? proof.broken : 0);
    }
    return true;
}

/* The house knows what it drew, whatever records became of it. */
static bool balance(struct wk_year *year)
{
    const struct wk_registers *registers = &year->module.rooms.registers;
    struct wk_year_counts *counts = &year->counts;
    const int64_t import_uwh = registers->import_uwh - counts->fed_import_uwh;
    const int64_t export_uwh = registers->export_uwh - counts->fed_export_uwh;
    counts->unexplained_uwh = llabs(import_uwh) + llabs(export_uwh);
    return same(year, "import of the year", counts->fed_import_uwh, registers->import_uwh) &&
           same(year, "export of the year", counts->fed_export_uwh, registers->export_uwh);
}

bool wk_year_check_end(struct wk_year *year)
{
    if (!wk_year_restart(year)) {
        return false;
    }
    year->counts.erases = year->flash.erases;
    year->counts.programmed = year->flash.programmed;
    return same(year, "programs of units that were not erased", 0, year->flash.violations) &&
           balance(year) && wk_year_check_events(year) && wk_year_read_profile(year) &&
           same(year, "intervals", year->ledger.now.intervals, year->profile_index) &&
           check_periods(year) && check_chain(year);
}
