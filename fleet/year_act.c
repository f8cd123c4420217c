/* SPDX-License-Identifier: Apache-2.0
 *
 * What people do: the head-end calls, thieves tamper, the occupant overloads and reconnects. */
#include <inttypes.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "fleet/year.h"

#define US_PER_S INT64_C(1000000)
#define DAY_S    86400
#define PRESS_US (300 * US_PER_S)
#define FREE_US  INT64_C(10800000000) /* after so long the supply must be back */
#define STEP_S   10                   /* a deviation from here on is a step */
#define SHIFT_S  900                  /* the largest shift that the standard allows */
#define HOUR_S   3600
#define ROLE     2 /* of the management client */
#define READER   1

/* ---- tricks with a begin and an end ------------------------------------------------------ */

struct trick {
    wk_house_trick trick;
    uint8_t covers;
    int32_t field_ut;
    uint16_t begin; /* codes */
    uint16_t end;
    int32_t least_s; /* it lasts */
    int32_t most_s;
    int32_t fade_s; /* until its end must be told */
};

static const struct trick k_tricks[WK_YEAR_KINDS] = {
    [WK_YEAR_MAGNET] = {0, 0, 60000, WK_EVENT_MAGNET, WK_EVENT_MAGNET_END, 4, 600, 15},
    [WK_YEAR_TERMINAL] = {0, WK_HAL_TERMINAL_COVER, 0, WK_EVENT_TERMINAL_COVER,
                          WK_EVENT_TERMINAL_COVER_END, 1, 900, 2},
    [WK_YEAR_MAIN] = {0, WK_HAL_MAIN_COVER, 0, WK_EVENT_MAIN_COVER, WK_EVENT_MAIN_COVER_END, 1,
                      900, 2},
    [WK_YEAR_MODULE_OUT] = {0, WK_HAL_MODULE, 0, WK_EVENT_MODULE_OUT, WK_EVENT_MODULE_OUT_END,
                            1, 900, 2},
    [WK_YEAR_REVERSED] = {WK_HOUSE_REVERSED, 0, 0, WK_EVENT_CURRENT_REVERSED,
                          WK_EVENT_CURRENT_REVERSED_END, 15, 900, 70},
    [WK_YEAR_BYPASS] = {WK_HOUSE_BYPASS, 0, 0, WK_EVENT_BYPASS, WK_EVENT_BYPASS_END, 35, 900,
                        70},
    [WK_YEAR_NO_VOLTAGE] = {WK_HOUSE_NO_VOLTAGE, 0, 0, WK_EVENT_VOLTAGE_MISSING,
                            WK_EVENT_VOLTAGE_MISSING_END, 70, 900, 70},
    [WK_YEAR_SEQUENCE] = {WK_HOUSE_SEQUENCE, 0, 0, WK_EVENT_PHASE_SEQUENCE,
                          WK_EVENT_PHASE_SEQUENCE_END, 70, 900, 70},
    [WK_YEAR_CT] = {WK_HOUSE_CT, 0, 0, WK_EVENT_CT_MISSING, WK_EVENT_CT_MISSING_END, 930, 1800,
                    330},
    [WK_YEAR_OVERLOAD] = {WK_HOUSE_OVERLOAD, 0, 0, WK_EVENT_LOAD_TRIPPED, 0, 40, 900, 5},
};

const char *wk_year_kind_text(wk_year_kind kind)
{
    static const char *const k_texts[WK_YEAR_KINDS] = {
        [WK_YEAR_NOTHING] = "nothing",
        [WK_YEAR_MAGNET] = "magnet",
        [WK_YEAR_TERMINAL] = "terminal cover",
        [WK_YEAR_MAIN] = "main cover",
        [WK_YEAR_MODULE_OUT] = "communication module",
        [WK_YEAR_REVERSED] = "reversed current",
        [WK_YEAR_BYPASS] = "neutral bypass",
        [WK_YEAR_NO_VOLTAGE] = "voltage missing",
        [WK_YEAR_SEQUENCE] = "phase sequence",
        [WK_YEAR_CT] = "current transformer",
        [WK_YEAR_OVERLOAD] = "overload",
        [WK_YEAR_DISCONNECT] = "remote disconnection",
        [WK_YEAR_PASSWORDS] = "wrong passwords",
        [WK_YEAR_REPLAYS] = "repeated messages",
        [WK_YEAR_DIPS] = "storm of dips",
        [WK_YEAR_CLOCK_SET] = "clock set by hand",
        [WK_YEAR_CLOCK_PLAY] = "clock tampered with",
        [WK_YEAR_RESET] = "billing reset",
    };
    return k_texts[kind];
}

wk_house_trick wk_year_trick(const struct wk_year *year)
{
    return year->act.phase == WK_YEAR_ACTIVE ? k_tricks[year->act.kind].trick : WK_HOUSE_HONEST;
}

static void show(struct wk_year *year, const struct trick *trick)
{
    wk_panel_covers(&year->panel, trick->covers);
    year->panel.field_ut = trick->field_ut;
}

static void begin_trick(struct wk_year *year, const struct trick *trick)
{
    struct wk_year_act *act = &year->act;
    act->full_us = wk_dice_between(&year->dice, trick->least_s, trick->most_s) * US_PER_S;
    act->left_us = act->full_us;
    act->begins = year->found[trick->begin];
    act->ends = trick->end != 0 ? year->found[trick->end] : 0;
    show(year, trick);
}

static bool judge_trick(struct wk_year *year, const struct trick *trick)
{
    const struct wk_year_act *act = &year->act;
    const uint32_t begins = year->found[trick->begin] - act->begins;
    const uint32_t ends = trick->end != 0 ? year->found[trick->end] - act->ends : 1;
    const bool often = act->kind == WK_YEAR_OVERLOAD; /* it may trip again after an attempt */
    if (begins < 1 || (begins > 1 && !often) || ends != 1) {
        return wk_year_fail(year, "%s: expected one begin and one end, found %u and %u",
                            wk_year_kind_text(act->kind), begins, ends);
    }
    year->ledger.now.logged[trick->begin] += often ? 0 : begins;
    year->ledger.committed.logged[trick->begin] += often ? 0 : begins;
    if (trick->end != 0) {
        year->ledger.now.logged[trick->end] += ends;
        year->ledger.committed.logged[trick->end] += ends;
    }
    year->counts.detected++;
    return true;
}

static bool step_trick(struct wk_year *year)
{
    static const struct trick k_none = {0};
    struct wk_year_act *act = &year->act;
    const struct trick *trick = &k_tricks[act->kind];
    if (act->left_us > 0) {
        return true;
    }
    if (act->phase == WK_YEAR_ACTIVE) {
        act->phase = WK_YEAR_FADING;
        act->full_us = trick->fade_s * US_PER_S;
        act->left_us = act->full_us;
        show(year, &k_none);
        return true;
    }
    act->phase = WK_YEAR_IDLE;
    return judge_trick(year, trick);
}

void wk_year_act_again(struct wk_year *year)
{
    struct wk_year_act *act = &year->act;
    if (act->phase != WK_YEAR_IDLE && k_tricks[act->kind].begin != 0) {
        act->left_us = act->full_us;
    }
}

/* ---- the head-end ------------------------------------------------------------------------ */

static bool check_reading(struct wk_year *year)
{
    struct wk_bytes_in in = wk_bytes_in_of(year->caller.value, year->caller.value_size);
    struct wk_axdr_value value;
    wk_axdr_read(&in, &value);
    const int64_t wanted = year->ledger.now.registers.import_uwh;
    if (in.fault != WK_OK || value.integer != wanted) {
        return wk_year_fail(year, "a client read %lld uWh of import; expected %lld",
                            (long long)value.integer, (long long)wanted);
    }
    return true;
}

/* What was fed is committed, so that a cut in what follows leaves two possibilities only: it
 * counted, or not. */
static bool stand_firm(struct wk_year *year, bool *done)
{
    return wk_year_settle(year, wk_module_commit(&year->module), done);
}

bool wk_year_call(struct wk_year *year, wk_year_errand *what, bool *done)
{
    if (!stand_firm(year, done) || !*done) {
        return !year->failed;
    }
    wk_err err = wk_caller_open(&year->caller, &year->module, NULL);
    if (err == WK_OK) {
        err = what(year);
    }
    wk_caller_close(&year->caller);
    if (year->caller.server_again != 0) {
        return wk_year_fail(year, "the meter used an invocation counter again: %" PRId64,
                            year->caller.server_last);
    }
    return wk_year_settle(year, err, done);
}

static wk_err read_import(struct wk_year *year)
{
    static const struct wk_apdu_target k_import = {
        .class_id = 3, .obis = {1, 0, 1, 8, 0, 255}, .id = 2};
    WK_TRY(wk_caller_get(&year->caller, &year->module, &k_import));
    return check_reading(year) ? WK_OK : WK_E_CORRUPT;
}

static bool log_in(struct wk_year *year, bool *done)
{
    const struct wk_books *books = &year->ledger.now;
    *done = true;
    if (books->failures >= 5 && wk_year_clock_us(year) < books->locked_us + US_PER_S) {
        return true; /* somebody else has locked the reader out */
    }
    if (!stand_firm(year, done) || !*done) {
        return !year->failed;
    }
    wk_ledger_right_password(&year->ledger);
    const wk_err err = wk_caller_open(&year->caller, &year->module, "reader");
    wk_caller_close(&year->caller);
    return wk_year_settle(year, err, done);
}

static wk_err set_clock(struct wk_year *year, int64_t new_us)
{
    uint8_t raw[32];
    struct wk_datetime wanted;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const struct wk_apdu_target target = {.class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};
    WK_TRY(wk_datetime_of_utc(&wk_zone_utc, wk_clock_utc(new_us), 0, &wanted));
    wk_datetime_put_axdr(&out, &wanted);
    WK_TRY(out.fault);
    return wk_caller_set(&year->caller, &year->module, &target, wk_bytes_in_of(raw, out.size));
}

static wk_err shift_clock(struct wk_year *year, int64_t by_s)
{
    uint8_t raw[4];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const struct wk_apdu_target target = {.class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 6};
    wk_axdr_put_long(&out, (int16_t)by_s);
    WK_TRY(out.fault);
    return wk_caller_action(&year->caller, &year->module, &target,
                            wk_bytes_in_of(raw, out.size));
}

/* Whole seconds by the head-end's clock; it sets what is more than a quarter of an hour off. */
static wk_err correct_clock(struct wk_year *year)
{
    const int64_t before_us = wk_year_clock_us(year);
    const int64_t true_us = year->true_us + wk_dice_between(&year->dice, -20000, 20000);
    const int64_t off_us = true_us - before_us;
    const int64_t by_s = (off_us + (off_us < 0 ? -1 : 1) * US_PER_S / 2) / US_PER_S;
    const int64_t size_s = by_s < 0 ? -by_s : by_s;
    if (size_s > SHIFT_S) {
        const int64_t new_us = true_us / US_PER_S * US_PER_S;
        wk_ledger_clock(&year->ledger, before_us, new_us - before_us, ROLE);
        year->counts.steps++;
        return set_clock(year, new_us);
    }
    if (size_s >= STEP_S) {
        wk_ledger_clock(&year->ledger, before_us, by_s * US_PER_S, ROLE);
        year->counts.steps++;
    } else if (size_s > 0) {
        wk_ledger_slew(&year->ledger, ROLE);
        year->counts.slews++;
    }
    return shift_clock(year, by_s);
}

static bool discipline(struct wk_year *year, bool *done)
{
    const int64_t off_us = year->true_us - wk_year_clock_us(year);
    const int64_t size_us = off_us < 0 ? -off_us : off_us;
    const int64_t now_s = wk_year_true_s(year);
    const bool usual =
        now_s - year->synced_s < 30 * HOUR_S && year->clock_quiet_s < year->synced_s;
    if (usual && size_us > year->counts.clock_worst_us) {
        year->counts.clock_worst_us = size_us;
    }
    if (!wk_year_call(year, correct_clock, done)) {
        return false;
    }
    year->synced_s = *done ? now_s : 0;
    return true;
}

/* The second contract, three weeks ahead. */
static bool order_contract(struct wk_year *year, bool *done)
{
    struct wk_rooms *rooms = &year->module.rooms;
    const struct wk_utc now = wk_clock_utc(wk_year_clock_us(year));
    const bool early = year->activate_s - now.s > 21 * DAY_S;
    *done = true;
    if (year->planned || early || year->activate_s - now.s < DAY_S / 2) {
        return true;
    }
    if (!stand_firm(year, done) || !*done) {
        return !year->failed;
    }
    rooms->tariff.passive = wk_almanac_calendar(1);
    wk_err err = wk_tariff_plan(&rooms->tariff, (struct wk_utc){year->activate_s}, now, NULL);
    const struct wk_notice notice = {.t_us = now.s * US_PER_S,
                                     .code = WK_ROOMS_TARIFF_SET,
                                     .source = WK_ROOMS_SOURCE,
                                     .detail = ROLE};
    if (err == WK_OK && wk_notice_drop(&rooms->notices, notice)) {
        year->ledger.now.activate_s = year->activate_s;
        wk_ledger_event(&year->ledger, WK_EVENT_PARAMETER_CHANGED, ROLE);
        err = wk_module_settle(&year->module);
    }
    const bool good = wk_year_settle(year, err, done);
    year->planned = good && *done;
    return good;
}

static bool session(struct wk_year *year, int64_t day)
{
    bool done;
    if (year->day[day].away) {
        year->counts.sessions_missed++;
        year->called_day = day;
        return true;
    }
    const bool good =
        log_in(year, &done) && (!done || wk_year_call(year, read_import, &done)) &&
        (!done || wk_year_pay(year, day, &done)) && (!done || order_contract(year, &done)) &&
        (!done || discipline(year, &done));
    if (!good || !done) {
        return good; /* a cut in between: it calls again */
    }
    year->counts.sessions++;
    year->called_day = day;
    return wk_year_read_profile(year) && wk_year_check_events(year);
}

/* ---- the supply -------------------------------------------------------------------------- */

static wk_err order_supply(struct wk_year *year, uint8_t method)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const struct wk_apdu_target target = {
        .class_id = 70, .obis = {0, 0, 96, 3, 10, 255}, .id = method};
    return wk_caller_action(&year->caller, &year->module, &target,
                            wk_bytes_in_of(k_zero, sizeof k_zero));
}

static wk_err order_off(struct wk_year *year)
{
    wk_ledger_event(&year->ledger, WK_EVENT_SUPPLY_DISCONNECTED, ROLE);
    return order_supply(year, 1);
}

static wk_err order_on(struct wk_year *year)
{
    const bool by_hand = year->mode == 5 || year->mode == 6;
    wk_ledger_event(&year->ledger, by_hand ? WK_EVENT_SUPPLY_READY : WK_EVENT_SUPPLY_CONNECTED,
                    ROLE);
    return order_supply(year, 2);
}

static bool step_disconnect(struct wk_year *year)
{
    struct wk_year_act *act = &year->act;
    bool done;
    if (act->left_us > 0) {
        return true;
    }
    if (act->phase == WK_YEAR_FADING) {
        act->phase = WK_YEAR_IDLE;
        return year->module.rooms.supply.state == WK_SUPPLY_CONNECTED ||
               wk_year_fail(year, "the supply is not back after a remote disconnection");
    }
    if (!wk_year_call(year, act->strokes == 2 ? order_off : order_on, &done) || !done) {
        return !year->failed;
    }
    act->left_us = wk_dice_between(&year->dice, 600, 3600) * US_PER_S;
    act->strokes--;
    act->phase = act->strokes == 0 ? WK_YEAR_FADING : WK_YEAR_ACTIVE;
    return true;
}

/* The occupant presses the button now and then until there is light. */
static bool reconnect(struct wk_year *year, int64_t span_us)
{
    const wk_supply_state state = year->module.rooms.supply.state;
    if (state != WK_SUPPLY_READY || wk_year_trick(year) == WK_HOUSE_OVERLOAD) {
        year->reconnect_us = 0;
        return true;
    }
    year->reconnect_us += span_us;
    if (year->reconnect_us / PRESS_US != (year->reconnect_us - span_us) / PRESS_US) {
        wk_panel_press(&year->panel, WK_HAL_BUTTON_RECONNECT);
    }
    return year->reconnect_us < FREE_US ||
           wk_year_fail(year, "the occupant cannot reconnect the supply");
}

/* ---- strokes: what is done again and again ----------------------------------------------- */

static bool stroke_password(struct wk_year *year, bool *done)
{
    wk_ledger_wrong_password(&year->ledger, wk_year_clock_us(year), READER);
    const wk_err err = wk_caller_open(&year->caller, &year->module, "guess");
    wk_caller_close(&year->caller);
    const bool opened = err == WK_OK;
    return opened ? wk_year_fail(year, "a wrong password opened an association")
                  : wk_year_settle(year, err == WK_E_IO ? err : WK_OK, done);
}

static bool stroke_replay(struct wk_year *year, bool *done)
{
    wk_ledger_event(&year->ledger, WK_EVENT_REPLAY, ROLE);
    return wk_year_settle(year, wk_caller_replay(&year->caller, &year->module), done);
}

static bool stroke_dip(struct wk_year *year, bool *done)
{
    struct wk_record record = {.kind = WK_RECORD_EVENT};
    record.event = (struct wk_record_event){
        .kind = year->act.strokes % 2 == 0 ? WK_RECORD_DIP_BEGIN : WK_RECORD_DIP_END,
        .phases = 5,
        .begin_us = year->t_us,
        .duration_us = 120000,
        .extreme_mv = 161000,
        .nominal_mv = WK_HOUSE_NOMINAL_MV,
    };
    *done = true;
    wk_year_emit(year, &record);
    return !year->failed && wk_year_feed(year);
}

/* By hand to about the right second or minute; a thief by up to two hours. */
static wk_err turn_clock(struct wk_year *year)
{
    const bool thief = year->act.kind == WK_YEAR_CLOCK_PLAY;
    const int64_t by_s = thief ? wk_dice_between(&year->dice, 300, 7200)
                               : wk_dice_between(&year->dice, -150, 150);
    const int64_t before_us = wk_year_clock_us(year);
    const int64_t sign = thief && year->act.strokes % 2 == 0 ? -1 : 1;
    const int64_t new_us = (year->true_us / US_PER_S + sign * by_s) * US_PER_S;
    year->clock_quiet_s = wk_year_true_s(year);
    wk_ledger_clock(&year->ledger, before_us, new_us - before_us, ROLE);
    WK_TRY(set_clock(year, new_us));
    const int64_t shows_us = wk_year_clock_us(year);
    if (shows_us != new_us) {
        (void)wk_year_fail(year, "the clock was set and is off by %lld us",
                           (long long)(shows_us - new_us));
    }
    return WK_OK;
}

static bool stroke_clock(struct wk_year *year, bool *done)
{
    year->counts.steps++;
    return wk_year_call(year, turn_clock, done);
}

static wk_err order_reset(struct wk_year *year)
{
    static const uint8_t k_script[] = {WK_AXDR_LONG_UNSIGNED, 0, 1};
    static const struct wk_apdu_target k_target = {
        .class_id = 9, .obis = {0, 0, 10, 0, 1, 255}, .id = 1};
    const struct wk_ledger *ledger = &year->ledger;
    const int64_t clock_us = wk_year_clock_us(year);
    if (clock_us / US_PER_S - ledger->now.begin_s < 3600) {
        return WK_OK; /* locked out so soon after the last one */
    }
    wk_ledger_reset(&year->ledger, clock_us);
    return wk_caller_action(&year->caller, &year->module, &k_target,
                            wk_bytes_in_of(k_script, sizeof k_script));
}

static bool stroke_reset(struct wk_year *year, bool *done)
{
    return wk_year_call(year, order_reset, done);
}

struct strokes {
    bool (*stroke)(struct wk_year *year, bool *done);
    int32_t least; /* how many */
    int32_t most;
    int32_t every_s;
    int32_t enough; /* from so many on it counts as fraud; 0: never */
};

static const struct strokes k_strokes[WK_YEAR_KINDS] = {
    [WK_YEAR_PASSWORDS] = {stroke_password, 8, 40, 7, 5},
    [WK_YEAR_REPLAYS] = {stroke_replay, 10, 60, 5, 5},
    [WK_YEAR_DIPS] = {stroke_dip, 10, 120, 4, 0},
    [WK_YEAR_CLOCK_SET] = {stroke_clock, 1, 1, 1, 0},
    [WK_YEAR_CLOCK_PLAY] = {stroke_clock, 4, 4, 600, 3},
    [WK_YEAR_RESET] = {stroke_reset, 1, 1, 1, 0},
};

static bool step_strokes(struct wk_year *year, int64_t span_us)
{
    struct wk_year_act *act = &year->act;
    const struct strokes *strokes = &k_strokes[act->kind];
    bool done;
    act->next_us -= span_us;
    if (act->next_us > 0) {
        return true;
    }
    if (act->strokes == 0) {
        act->phase = WK_YEAR_IDLE;
        year->counts.detected += strokes->enough > 0 ? 1 : 0;
        return wk_year_check_events(year);
    }
    if (!stand_firm(year, &done) || !done) {
        return !year->failed;
    }
    if (!strokes->stroke(year, &done)) {
        return false;
    }
    if (done) {
        act->strokes--;
        act->next_us = strokes->every_s * US_PER_S;
    }
    return !year->failed;
}

/* ---- what is due ------------------------------------------------------------------------- */

static bool may_begin(const struct wk_year *year, wk_year_kind kind)
{
    const bool closed =
        year->panel.closed && year->module.rooms.supply.state == WK_SUPPLY_CONNECTED;
    const bool known = year->caller.recorded_size > 0 || kind != WK_YEAR_REPLAYS;
    const bool fresh = year->ledger.now.failures == 0 || kind != WK_YEAR_PASSWORDS;
    return closed && known && fresh && year->module.rooms.tamper.habit.known;
}

static void begin_act(struct wk_year *year, wk_year_kind kind)
{
    const struct strokes *strokes = &k_strokes[kind];
    year->act = (struct wk_year_act){.kind = kind, .phase = WK_YEAR_ACTIVE};
    year->counts.acts[kind]++;
    year->fine_until_us = year->t_us + 5 * US_PER_S;
    if (k_tricks[kind].begin != 0) {
        begin_trick(year, &k_tricks[kind]);
    } else if (kind == WK_YEAR_DISCONNECT) {
        year->act.strokes = 2;
    } else {
        year->act.strokes =
            (int32_t)wk_dice_between(&year->dice, strokes->least, strokes->most);
        year->expected_often += strokes->enough > 0 && kind != WK_YEAR_CLOCK_PLAY ? 1 : 0;
        year->expected_clock_often += kind == WK_YEAR_CLOCK_PLAY ? 1 : 0;
    }
}

static bool step_act(struct wk_year *year, int64_t span_us)
{
    struct wk_year_act *act = &year->act;
    act->left_us -= span_us;
    if (k_tricks[act->kind].begin != 0) {
        return step_trick(year);
    }
    return act->kind == WK_YEAR_DISCONNECT ? step_disconnect(year)
                                           : step_strokes(year, span_us);
}

/* Since when the site may export; set again if a cut came before the commit. */
static bool declare_site(struct wk_year *year)
{
    struct wk_tamper *tamper = &year->module.rooms.tamper;
    bool done;
    if (wk_year_true_s(year) < year->sun_s - DAY_S || tamper->site.generation != 0) {
        return true;
    }
    struct wk_tamper_site site = tamper->site;
    site.generation = 1;
    wk_err err = wk_tamper_set_site(tamper, &site);
    err = err == WK_OK ? wk_module_commit(&year->module) : err;
    return wk_year_settle(year, err, &done);
}

static bool is_waiting(const struct wk_year *year)
{
    return year->away_us > 0 || year->ring_fed < year->ring_count;
}

bool wk_year_act(struct wk_year *year, int64_t span_us)
{
    const int64_t at_s = wk_year_true_s(year) - year->begin_s;
    const int64_t day = at_s / DAY_S;
    struct wk_year_day *plan = &year->day[day];
    if (is_waiting(year)) {
        return true;
    }
    if (!declare_site(year) || !reconnect(year, span_us)) {
        return false;
    }
    if (is_waiting(year)) {
        return true;
    }
    if (year->act.phase != WK_YEAR_IDLE) {
        return step_act(year, span_us);
    }
    if (day > year->called_day && at_s % DAY_S >= plan->session_s) {
        return session(year, day);
    }
    if (plan->kind != WK_YEAR_NOTHING && at_s % DAY_S >= plan->at_s &&
        may_begin(year, plan->kind)) {
        begin_act(year, plan->kind);
        plan->kind = WK_YEAR_NOTHING;
    }
    return true;
}
