/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_part.h"

#include <string.h>

#include "link/modem_profile.h"

#define MS_US       INT64_C(1000)
#define AGAIN_US    (1000 * MS_US)
#define EDRX_CODES  10
#define EDRX_DIGITS 4
#define SCRIPT_MOST 10
#define PIN_TRIES   2
#define SET_AT      7    /* where AT+CPIN= and AT+CPIN? differ */
#define MUST        0x1  /* an error is a failure; silence always is one */
#define PATIENT     0x2  /* ... but not here: it is asked again until the state's deadline */
#define LOOP        0x80 /* of a script: from this step on it is repeated */

typedef enum step {
    STEP_END = 0,
    STEP_ALIVE,
    STEP_ECHO,
    STEP_ERRORS,
    STEP_MAKER,
    STEP_MODEL,
    STEP_REVISION,
    STEP_SERIAL,
    STEP_ASK_PIN,
    STEP_DEFINE,
    STEP_PSM,
    STEP_EDRX_LTE,
    STEP_EDRX_NB,
    STEP_REPORT,
    STEP_CONNECTED,
    STEP_RADIO_ON,
    STEP_RADIO_OFF,
    STEP_ASK_NETWORK,
    STEP_OPERATOR,
    STEP_ASK_CONTEXT,
    STEP_ATTACH,
    STEP_DETACH,
    STEP_ACTIVATE,
    STEP_SIGNAL,
    STEP_RSSI,
    STEP_QUERY,
    STEP_QUERY_2,
    STEP_BANDS,
    STEP_RESET,
    STEPS
} step;

/* `text` NULL: it is made of rules or profile, and left out if there is nothing to say. */
static const struct {
    const char *text;
    uint16_t patience_ms;
    uint8_t flags;
} k_steps[STEPS] = {
    [STEP_END] = {"", 0, 0},
    [STEP_ALIVE] = {"AT", 1000, MUST | PATIENT},
    [STEP_ECHO] = {"ATE0", 3000, 0},
    [STEP_ERRORS] = {"AT+CMEE=1", 3000, 0},
    [STEP_MAKER] = {"AT+CGMI", 3000, 0},
    [STEP_MODEL] = {"AT+CGMM", 3000, 0},
    [STEP_REVISION] = {"AT+CGMR", 3000, 0},
    [STEP_SERIAL] = {"AT+CGSN", 3000, 0},
    [STEP_ASK_PIN] = {NULL, 5000, 0},
    [STEP_DEFINE] = {NULL, 3000, 0},
    [STEP_PSM] = {NULL, 5000, 0},
    [STEP_EDRX_LTE] = {NULL, 5000, 0},
    [STEP_EDRX_NB] = {NULL, 5000, 0},
    [STEP_REPORT] = {NULL, 3000, 0},
    [STEP_CONNECTED] = {"AT+CSCON=1", 3000, 0},
    [STEP_RADIO_ON] = {"AT+CFUN=1", 15000, MUST},
    [STEP_RADIO_OFF] = {"AT+CFUN=0", 15000, MUST},
    [STEP_ASK_NETWORK] = {"AT+CEREG?", 3000, MUST},
    [STEP_OPERATOR] = {"AT+COPS?", 5000, 0},
    [STEP_ASK_CONTEXT] = {"AT+CGACT?", 3000, MUST},
    [STEP_ATTACH] = {"AT+CGATT=1", 30000, 0},
    [STEP_DETACH] = {"AT+CGATT=0", 15000, 0},
    [STEP_ACTIVATE] = {"AT+CGACT=1,1", 30000, 0},
    [STEP_SIGNAL] = {"AT+CESQ", 3000, 0},
    [STEP_RSSI] = {"AT+CSQ", 3000, 0},
    [STEP_QUERY] = {NULL, 3000, 0},
    [STEP_QUERY_2] = {NULL, 3000, 0},
    [STEP_BANDS] = {NULL, 10000, 0},
    [STEP_RESET] = {"AT+CFUN=1,1", 5000, MUST},
};

static const struct {
    uint8_t step[SCRIPT_MOST];
    int64_t again_us; /* of what is repeated */
} k_scripts[WK_MODEM_STATES] = {
    [WK_MODEM_BOOTING] = {{STEP_ALIVE, STEP_ECHO, STEP_ERRORS, STEP_MAKER, STEP_MODEL,
                           STEP_REVISION, STEP_SERIAL},
                          0},
    [WK_MODEM_SIM] = {{STEP_ASK_PIN | LOOP}, 2 * AGAIN_US},
    [WK_MODEM_SPREADING] = {{STEP_RADIO_OFF}, 0},
    [WK_MODEM_REGISTERING] = {{STEP_DEFINE, STEP_PSM, STEP_EDRX_LTE, STEP_EDRX_NB, STEP_REPORT,
                               STEP_CONNECTED, STEP_BANDS, STEP_RADIO_ON,
                               STEP_ASK_NETWORK | LOOP},
                              5 * AGAIN_US},
    [WK_MODEM_ATTACHED] = {{STEP_OPERATOR, STEP_ASK_CONTEXT, STEP_ATTACH, STEP_ACTIVATE,
                            STEP_ASK_CONTEXT | LOOP},
                           5 * AGAIN_US},
    [WK_MODEM_ACTIVE] = {{STEP_ASK_NETWORK | LOOP, STEP_ASK_CONTEXT, STEP_SIGNAL, STEP_RSSI,
                          STEP_QUERY, STEP_QUERY_2, STEP_BANDS},
                         WK_MODEM_POLL_US},
    [WK_MODEM_WAKING] = {{STEP_ALIVE, STEP_ECHO, STEP_ERRORS, STEP_REPORT, STEP_ASK_NETWORK,
                          STEP_ASK_CONTEXT},
                         0},
};

static const uint8_t k_rungs[WK_MODEM_RUNGS][3] = {
    [WK_MODEM_RUNG_ATTACH] = {STEP_DETACH, STEP_ATTACH},
    [WK_MODEM_RUNG_RADIO] = {STEP_RADIO_OFF, STEP_RADIO_ON},
    [WK_MODEM_RUNG_RESET] = {STEP_RESET},
};

/* Forms of +CEREG=, the one that tells most first (TS 27.007, 10.1.22). */
static const char *const k_reports[] = {"AT+CEREG=5", "AT+CEREG=4", "AT+CEREG=2"};
#define REPORTS (sizeof k_reports / sizeof k_reports[0])

/* ---- which step -------------------------------------------------------------------------- */

static uint8_t raw_step(const struct wk_modem *modem)
{
    if (modem->state == WK_MODEM_RECOVERING) {
        return modem->step < sizeof k_rungs[0] ? k_rungs[modem->rung][modem->step] : STEP_END;
    }
    return modem->step < SCRIPT_MOST ? k_scripts[modem->state].step[modem->step] : STEP_END;
}

static step step_of(const struct wk_modem *modem)
{
    return (step)(raw_step(modem) & ~LOOP);
}

bool wk_modem_script_has_ended(const struct wk_modem *modem)
{
    return step_of(modem) == STEP_END;
}

void wk_modem_script_begin(struct wk_modem *modem, int64_t now_us)
{
    modem->step = 0;
    modem->asked = false;
    if (modem->state != WK_MODEM_RECOVERING) {
        modem->step_us = wk_modem_script_has_ended(modem) ? WK_MODEM_NEVER_US : now_us;
    }
}

/* Back to where the script loops; what has no loop ends with an event, or waits for its deadline. */
static void end_script(struct wk_modem *modem, int64_t now_us)
{
    modem->step_us = WK_MODEM_NEVER_US;
    modem->tries = 0;
    switch (modem->state) {
    case WK_MODEM_BOOTING:
        wk_modem_happen(modem, WK_MODEM_BOOTED, now_us);
        return;
    case WK_MODEM_WAKING:
        wk_modem_happen(modem, WK_MODEM_RELEASED, now_us);
        return;
    case WK_MODEM_RECOVERING:
        wk_modem_happen(modem,
                        modem->rung == WK_MODEM_RUNG_RESET ? WK_MODEM_RESTARTED : WK_MODEM_LOST,
                        now_us);
        return;
    case WK_MODEM_SIM:
    case WK_MODEM_REGISTERING:
    case WK_MODEM_ATTACHED:
    case WK_MODEM_ACTIVE:
        while (modem->step > 0 && (raw_step(modem) & LOOP) == 0) {
            modem->step--;
        }
        modem->step_us = now_us + k_scripts[modem->state].again_us;
        return;
    case WK_MODEM_OFF:
    case WK_MODEM_SPREADING:
    case WK_MODEM_ASLEEP:
    case WK_MODEM_WAITING:
    case WK_MODEM_STATES:
        return;
    }
}

/* ---- commands made of rules -------------------------------------------------------------- */

/* The largest cycle that both LTE-M and NB-IoT have and is not above what is wanted (TS 24.008,
 * 10.5.5.32). */
static void put_edrx(struct wk_bytes_out *out, uint32_t wanted_s)
{
    static const struct {
        uint16_t cycle_s;
        char code[EDRX_DIGITS + 1];
    } k_cycles[EDRX_CODES] = {{20, "0010"},   {40, "0011"},   {81, "0101"},   {163, "1001"},
                              {327, "1010"},  {655, "1011"},  {1310, "1100"}, {2621, "1101"},
                              {5242, "1110"}, {10485, "1111"}};
    size_t best = 0;
    for (size_t i = 0; i < EDRX_CODES; i++) {
        best = k_cycles[i].cycle_s <= wanted_s ? i : best;
    }
    wk_modem_put_text(out, k_cycles[best].code);
}

/* A card is locked by the third wrong one. */
static bool may_give_pin(const struct wk_modem *modem)
{
    return modem->rules.pin[0] != '\0' && !modem->pin_given && !modem->pin_wrong &&
           modem->pin_tries < PIN_TRIES;
}

static void put_pin(const struct wk_modem *modem, struct wk_bytes_out *out)
{
    const bool gives = may_give_pin(modem) && modem->trouble == WK_MODEM_PIN_WANTED;
    wk_modem_put_text(out, gives ? "AT+CPIN=\"" : "AT+CPIN?");
    if (gives) {
        wk_modem_put_text(out, modem->rules.pin);
        wk_modem_put_text(out, "\"");
    }
}

static void put_psm(const struct wk_modem *modem, struct wk_bytes_out *out)
{
    char timer[WK_MODEM_TIMER];
    if (modem->rules.tau_s == 0) {
        wk_modem_put_text(out, "AT+CPSMS=0");
        return;
    }
    wk_modem_put_text(out, "AT+CPSMS=1,,,\"");
    wk_modem_timer_write(WK_MODEM_T3412, modem->rules.tau_s, timer);
    wk_bytes_out_put(out, timer, sizeof timer);
    wk_modem_put_text(out, "\",\"");
    wk_modem_timer_write(WK_MODEM_T3324, modem->rules.active_s, timer);
    wk_bytes_out_put(out, timer, sizeof timer);
    wk_modem_put_text(out, "\"");
}

static void put_bands(const struct wk_modem *modem, struct wk_bytes_out *out)
{
    const struct wk_modem_trial *trial = &modem->trial;
    const bool nb_iot = modem->cell.technology == 9;
    const uint8_t one[1] = {trial->band};
    if (trial->wanted) {
        (void)!wk_modem_profile_bands(
            modem->profile, trial->restores ? modem->rules.bands : one,
            trial->restores ? WK_MODEM_BANDS : sizeof one, nb_iot, out);
    }
}

static void put_more(const struct wk_modem *modem, step which, struct wk_bytes_out *out)
{
    const struct wk_modem_query *query =
        &wk_modem_profile(modem->profile)->query[which == STEP_QUERY ? 0 : 1];
    if (query->command != NULL) {
        wk_modem_put_text(out, query->command);
    }
}

static void put_step(const struct wk_modem *modem, step which, struct wk_bytes_out *out)
{
    const struct wk_modem_rules *rules = &modem->rules;
    if (k_steps[which].text != NULL) {
        wk_modem_put_text(out, k_steps[which].text);
    } else if (which == STEP_ASK_PIN) {
        put_pin(modem, out);
    } else if (which == STEP_DEFINE) {
        wk_modem_put_text(out, "AT+CGDCONT=1,\"IP\"");
        if (rules->apn[0] != '\0') {
            wk_modem_put_text(out, ",\"");
            wk_modem_put_text(out, rules->apn);
            wk_modem_put_text(out, "\"");
        }
    } else if (which == STEP_PSM) {
        put_psm(modem, out);
    } else if (which == STEP_REPORT) {
        wk_modem_put_text(out, k_reports[modem->report]);
    } else if (which == STEP_BANDS) {
        put_bands(modem, out);
    } else if (which == STEP_QUERY || which == STEP_QUERY_2) {
        put_more(modem, which, out);
    } else if (rules->edrx_s > 0) {
        wk_modem_put_text(out,
                          which == STEP_EDRX_LTE ? "AT+CEDRXS=2,4,\"" : "AT+CEDRXS=2,5,\"");
        put_edrx(out, rules->edrx_s);
        wk_modem_put_text(out, "\"");
    }
}

char *wk_modem_script_name(struct wk_modem *modem)
{
    const step which = step_of(modem);
    return !modem->asked            ? NULL
           : which == STEP_MAKER    ? modem->maker
           : which == STEP_MODEL    ? modem->model
           : which == STEP_REVISION ? modem->revision
           : which == STEP_SERIAL   ? modem->serial
                                    : NULL;
}

/* ---- going ------------------------------------------------------------------------------- */

static void advance(struct wk_modem *modem, int64_t now_us)
{
    modem->step++;
    modem->step_us = now_us;
    if (wk_modem_script_has_ended(modem)) {
        end_script(modem, now_us);
    }
}

void wk_modem_script_step(struct wk_modem *modem, int64_t now_us)
{
    for (int steps = 0; steps < SCRIPT_MOST; steps++) {
        char text[WK_AT_COMMAND + 1];
        struct wk_bytes_out out = wk_bytes_out_of(text, WK_AT_COMMAND);
        const step which = step_of(modem);
        if (modem->asked || now_us < modem->step_us || which == STEP_END ||
            !wk_at_is_free(&modem->at, now_us)) {
            return;
        }
        put_step(modem, which, &out);
        text[out.size] = '\0';
        if (out.size == 0 || out.fault != WK_OK) {
            advance(modem, now_us);
            continue;
        }
        if (which == STEP_ASK_CONTEXT) {
            modem->context = false;
        } else if (which == STEP_BANDS) {
            modem->trial.wanted = false;
        }
        if (which == STEP_ASK_PIN && text[SET_AT] == '=') {
            modem->pin_given = true;
            modem->pin_tries++;
        }
        modem->asked =
            wk_at_send(&modem->at, text, k_steps[which].patience_ms * MS_US, now_us) == WK_OK;
        if (!modem->asked) {
            advance(modem, now_us); /* a name that no command can have */
        }
    }
}

/* ---- answers ----------------------------------------------------------------------------- */

/* TS 27.007, 9.2.1 and 9.2.2: what will not change by asking again soon. */
static wk_modem_trouble trouble_of(int32_t code)
{
    switch (code) {
    case 10:
        return WK_MODEM_NO_SIM;
    case 12:
    case 18:
        return WK_MODEM_PUK_WANTED;
    case 16:
        return WK_MODEM_PIN_WRONG;
    case 13:
    case 15:
        return WK_MODEM_SIM_FAILED;
    case 103: /* illegal MS */
    case 106: /* illegal ME */
    case 107: /* GPRS services not allowed */
    case 111: /* PLMN, */
    case 112: /* location area, */
    case 113: /* roaming not allowed */
    case 132: /* service option not supported, */
    case 133: /* not subscribed */
        return WK_MODEM_DENIED;
    default:
        return WK_MODEM_NO_TROUBLE;
    }
}

/* The answer to +CPIN, whose line said what is wanted. */
static void judge_pin(struct wk_modem *modem, wk_at_result result, int32_t code, int64_t now_us)
{
    if (result == WK_AT_OK && modem->trouble != WK_MODEM_PIN_WANTED) {
        advance(modem, now_us);
        return;
    }
    if (result == WK_AT_OK && may_give_pin(modem)) {
        modem->step_us = now_us; /* gives it */
        return;
    }
    const wk_modem_trouble trouble = trouble_of(code);
    if (trouble == WK_MODEM_NO_SIM || trouble == WK_MODEM_PUK_WANTED) {
        wk_modem_refuse(modem, trouble, now_us);
    } else if (trouble == WK_MODEM_PIN_WRONG || modem->pin_wrong) {
        modem->pin_wrong = true;
        wk_modem_refuse(modem, WK_MODEM_PIN_WRONG, now_us);
    } else if (result == WK_AT_OK && modem->rules.pin[0] == '\0') {
        wk_modem_refuse(modem, WK_MODEM_PIN_WANTED, now_us);
    } else {
        advance(modem, now_us); /* busy yet: the deadline ends it */
    }
}

static void judge_context(struct wk_modem *modem, int64_t now_us)
{
    if (modem->context) {
        wk_modem_happen(modem, WK_MODEM_CONTEXT, now_us);
    } else if (modem->state == WK_MODEM_ACTIVE) {
        wk_modem_happen(modem, WK_MODEM_RELEASED, now_us);
    }
}

static void judge_report(struct wk_modem *modem, wk_at_result result, int64_t now_us)
{
    if (result != WK_AT_OK && modem->report + 1U < REPORTS) {
        modem->report++;
        modem->step_us = now_us;
        return;
    }
    advance(modem, now_us);
}

static void fail_step(struct wk_modem *modem, wk_modem_trouble trouble, int64_t now_us)
{
    if (modem->state == WK_MODEM_RECOVERING) {
        modem->trouble = trouble;
        modem->rung++;
        wk_modem_ladder_climb(modem, now_us);
        wk_modem_script_begin(modem, now_us);
        return;
    }
    wk_modem_fail(modem, trouble, now_us);
}

/* What happens beside going on to the next step. True: that was it. */
static bool judge(struct wk_modem *modem, step which, wk_at_result result, int32_t code,
                  int64_t now_us)
{
    const wk_modem_state before = modem->state;
    if (which == STEP_ASK_PIN) {
        judge_pin(modem, result, code, now_us);
        return true;
    }
    if (which == STEP_REPORT) {
        judge_report(modem, result, now_us);
        return true;
    }
    if (which == STEP_BANDS && result == WK_AT_OK) {
        if (wk_modem_profile(modem->profile)->bands_reset) {
            modem->rung = WK_MODEM_RUNG_RESET;
            wk_modem_happen(modem, WK_MODEM_FAILED, now_us);
        }
    } else if (which == STEP_ASK_CONTEXT && result == WK_AT_OK) {
        judge_context(modem, now_us);
    } else if ((which == STEP_ATTACH || which == STEP_ACTIVATE) &&
               trouble_of(code) == WK_MODEM_DENIED && before != WK_MODEM_RECOVERING) {
        wk_modem_refuse(modem, WK_MODEM_DENIED, now_us);
    }
    return modem->state != before;
}

void wk_modem_script_done(struct wk_modem *modem, wk_at_result result, int32_t code,
                          int64_t now_us)
{
    const step which = step_of(modem);
    if (!modem->asked) {
        return; /* of a script that was left */
    }
    modem->asked = false;
    modem->error = result == WK_AT_CME_ERROR ? code : modem->error;
    if (result == WK_AT_SILENT && (k_steps[which].flags & PATIENT) != 0) {
        modem->step_us = now_us;
    } else if (result == WK_AT_SILENT) {
        fail_step(modem, WK_MODEM_SILENT, now_us);
    } else if (result != WK_AT_OK && (k_steps[which].flags & MUST) != 0) {
        fail_step(modem, WK_MODEM_REFUSES, now_us);
    } else if (!judge(modem, which, result, code, now_us)) {
        advance(modem, now_us);
    }
    wk_modem_script_step(modem, now_us);
}
