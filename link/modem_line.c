/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_part.h"

#include <string.h>

#include "link/modem_profile.h"

#define HOUR_US     INT64_C(3600000000)
#define SMOOTH      16
#define CHANGES     250
#define CODE_NONE   99  /* <rssi> of +CSQ */
#define CODE_NONE_2 255 /* of +CESQ */
#define FIFTHS      5
#define TENTHS      10
#define SINR_LEAST  (-20)

/* <stat> of +CEREG (TS 27.007, 10.1.22) */
enum { HOME = 1, DENIED = 3, ROAMING = 5, HOME_NO_CSFB = 9, ROAMING_NO_CSFB = 10 };

void wk_modem_line_forget(struct wk_modem *modem)
{
    modem->signal =
        (struct wk_modem_signal){WK_MODEM_UNKNOWN, WK_MODEM_UNKNOWN, WK_MODEM_UNKNOWN,
                                 WK_MODEM_UNKNOWN, WK_MODEM_UNKNOWN};
    modem->cell.band = 0;
    modem->cell.technology = -1;
    modem->cell.reject = 0;
}

/* What printable text there is room for. */
static void copy(char to[WK_MODEM_NAME], const char *from, size_t size)
{
    const size_t length = size < WK_MODEM_NAME ? size : WK_MODEM_NAME - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static bool number_in(const struct wk_at_field *fields, size_t count, size_t at, int32_t *value)
{
    return at < count && wk_at_integer(&fields[at], value) == WK_OK;
}

/* ---- the network ------------------------------------------------------------------------- */

static void take_cell(struct wk_modem *modem, uint32_t id, uint32_t tac, int64_t now_us)
{
    struct wk_modem_cell *cell = &modem->cell;
    if (now_us - modem->changes_us >= HOUR_US) {
        modem->changes_before = now_us - modem->changes_us < 2 * HOUR_US ? modem->changes : 0;
        modem->changes = 0;
        modem->changes_us = now_us;
    }
    if (cell->id != 0 && id != 0 && cell->id != id) {
        modem->counts.cell_changes++;
        modem->changes = (uint8_t)(modem->changes + (modem->changes < CHANGES ? 1 : 0));
    }
    cell->id = id != 0 ? id : cell->id;
    cell->tac = tac;
}

/* What the network has agreed to, if it was asked. */
static void take_timers(struct wk_modem *modem, const struct wk_at_field *fields, size_t count,
                        size_t at)
{
    const bool both = at + 1 < count && modem->rules.tau_s > 0;
    const uint32_t active_s =
        both ? wk_modem_timer_read(WK_MODEM_T3324, fields[at].text, fields[at].size) : 0;
    const uint32_t tau_s =
        both ? wk_modem_timer_read(WK_MODEM_T3412, fields[at + 1].text, fields[at + 1].size)
             : 0;
    modem->granted_active_s = tau_s > 0 ? active_s : 0;
    modem->granted_tau_s = tau_s;
}

static void judge_status(struct wk_modem *modem, int32_t status, int64_t now_us)
{
    modem->cell.status = (int16_t)status;
    if (status == HOME || status == ROAMING || status == HOME_NO_CSFB ||
        status == ROAMING_NO_CSFB) {
        modem->cell.reject = 0;
        wk_modem_happen(modem, WK_MODEM_REGISTERED, now_us);
    } else if (status == DENIED && modem->state != WK_MODEM_RECOVERING &&
               wk_modem_next(modem->state, WK_MODEM_REFUSED) != modem->state) {
        wk_modem_refuse(modem, WK_MODEM_DENIED, now_us);
    } else if (status != DENIED && modem->state != WK_MODEM_RECOVERING) {
        wk_modem_happen(modem, WK_MODEM_LOST, now_us);
    }
}

/* +CEREG: [<n>,]<stat>[,<tac>,<ci>,<AcT>[,<cause type>,<cause>[,<active>,<tau>]]], with <n> only if
 * it was asked for. */
static void take_registration(struct wk_modem *modem, const struct wk_at_field *fields,
                              size_t count, int64_t now_us)
{
    int32_t status = 0;
    int32_t value = 0;
    uint32_t tac = 0;
    uint32_t id = 0;
    const bool answers =
        count > 1 && !fields[1].quoted && fields[1].size >= 1 && fields[1].size <= 2;
    const size_t at = answers ? 1 : 0;
    if (!number_in(fields, count, at, &status) || status < 0 || status > ROAMING_NO_CSFB) {
        return;
    }
    if (at + 2 < count && wk_at_hex(&fields[at + 1], &tac) == WK_OK &&
        wk_at_hex(&fields[at + 2], &id) == WK_OK) {
        take_cell(modem, id, tac, now_us);
    }
    if (number_in(fields, count, at + 3, &value)) {
        modem->cell.technology = (int16_t)(value & 0xf);
    }
    const bool has_cause = number_in(fields, count, at + 5, &value);
    take_timers(modem, fields, count, at + 6);
    judge_status(modem, status, now_us);
    if (has_cause && status == DENIED) {
        modem->cell.reject = (int16_t)(value & 0xff);
    }
}

static void take_operator(struct wk_modem *modem, const struct wk_at_field *fields,
                          size_t count)
{
    int32_t technology = 0;
    if (count > 2) {
        copy(modem->cell.network, fields[2].text, fields[2].size);
    }
    if (number_in(fields, count, 3, &technology)) {
        modem->cell.technology = (int16_t)(technology & 0xf);
    }
}

/* ---- the signal -------------------------------------------------------------------------- */

/* +CESQ: <rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp> (TS 27.007, 8.69): the lower ends of the steps */
static void take_quality(struct wk_modem *modem, const struct wk_at_field *fields, size_t count)
{
    struct wk_modem_signal *signal = &modem->signal;
    int32_t rsrq = CODE_NONE_2;
    int32_t rsrp = CODE_NONE_2;
    if (!number_in(fields, count, 4, &rsrq) || !number_in(fields, count, 5, &rsrp)) {
        return;
    }
    const bool known = rsrq >= 0 && rsrq <= 34 && rsrp >= 0 && rsrp <= 97;
    signal->rsrp_dbm = (int16_t)(known ? rsrp - 141 : WK_MODEM_UNKNOWN);
    signal->rsrq_ddb = (int16_t)(known ? rsrq * 5 - 200 : WK_MODEM_UNKNOWN);
    if (known && signal->mean_ddb == WK_MODEM_UNKNOWN) {
        signal->mean_ddb = signal->rsrq_ddb;
    } else if (known) {
        signal->mean_ddb =
            (int16_t)(signal->mean_ddb + (signal->rsrq_ddb - signal->mean_ddb) / SMOOTH);
    }
}

static void take_strength(struct wk_modem *modem, const struct wk_at_field *fields,
                          size_t count)
{
    int32_t rssi = CODE_NONE;
    if (number_in(fields, count, 0, &rssi)) {
        modem->signal.rssi_dbm =
            (int16_t)(rssi >= 0 && rssi <= 31 ? 2 * rssi - 113 : WK_MODEM_UNKNOWN);
    }
}

/* The digits at the end: of "LTE BAND 20", "EUTRAN-BAND20". */
static int16_t number_at_end(const struct wk_at_field *field)
{
    int32_t number = 0;
    int32_t weight = 1;
    for (size_t i = field->size; i > 0 && weight <= 100; i--, weight *= 10) {
        const char c = field->text[i - 1];
        if (c < '0' || c > '9') {
            break;
        }
        number += weight * (c - '0');
    }
    return (int16_t)number;
}

static void take_more(struct wk_modem *modem, const struct wk_modem_query *query,
                      const struct wk_at_field *fields, size_t count)
{
    int32_t sinr = 0;
    if (number_in(fields, count, query->sinr, &sinr) && sinr >= INT8_MIN && sinr <= 250) {
        modem->signal.sinr_ddb =
            (int16_t)(query->sinr_fifths != 0 ? sinr * TENTHS / FIFTHS + SINR_LEAST * TENTHS
                                              : sinr * TENTHS);
    }
    if (query->band < count) {
        modem->cell.band = number_at_end(&fields[query->band]);
    }
}

/* ---- all lines --------------------------------------------------------------------------- */

static void take_card(struct wk_modem *modem, const struct wk_at_field *field, int64_t now_us)
{
    if (wk_at_is(field->text, field->size, "READY")) {
        modem->pin_tries = 0;
        modem->pin_wrong = false;
        modem->trouble =
            modem->trouble == WK_MODEM_PIN_WANTED ? WK_MODEM_NO_TROUBLE : modem->trouble;
        wk_modem_happen(modem, modem->spread ? WK_MODEM_SPREAD : WK_MODEM_READY, now_us);
    } else if (modem->state != WK_MODEM_SIM) {
        return;
    } else if (wk_at_is(field->text, field->size, "SIM PIN")) {
        modem->trouble = WK_MODEM_PIN_WANTED;
    } else if (wk_at_is(field->text, field->size, "SIM PUK")) {
        wk_modem_refuse(modem, WK_MODEM_PUK_WANTED, now_us);
    } else if (wk_at_is(field->text, field->size, "NOT INSERTED")) {
        wk_modem_refuse(modem, WK_MODEM_NO_SIM, now_us);
    }
}

/* +CGEV: NW PDN DEACT 1, ME DETACH ... (TS 27.007, 10.1.19) */
static void take_packet_event(struct wk_modem *modem, const struct wk_at_field *field,
                              int64_t now_us)
{
    static const char *const k_detach[] = {"NW DETACH", "ME DETACH"};
    static const char *const k_released[] = {"NW PDN DEACT 1", "ME PDN DEACT 1", "NW DEACT 1",
                                             "ME DEACT 1"};
    for (size_t i = 0; i < sizeof k_detach / sizeof k_detach[0]; i++) {
        if (wk_at_is(field->text, field->size, k_detach[i])) {
            wk_modem_happen(modem, WK_MODEM_LOST, now_us);
        }
    }
    for (size_t i = 0; i < sizeof k_released / sizeof k_released[0]; i++) {
        if (wk_at_is(field->text, field->size, k_released[i])) {
            wk_modem_happen(modem, WK_MODEM_RELEASED, now_us);
        }
    }
}

static void take_contexts(struct wk_modem *modem, const struct wk_at_field *fields,
                          size_t count)
{
    int32_t id = 0;
    int32_t active = 0;
    if (number_in(fields, count, 0, &id) && number_in(fields, count, 1, &active) && id == 1) {
        modem->context = active == 1;
    }
}

/* Lines with a name. True: it was one. */
static bool take_named(struct wk_modem *modem, const char *line, size_t size, int64_t now_us)
{
    struct wk_at_field fields[WK_AT_FIELDS];
    size_t count;
    if ((count = wk_at_fields(line, size, "+CEREG", fields)) > 0) {
        take_registration(modem, fields, count, now_us);
    } else if ((count = wk_at_fields(line, size, "+CESQ", fields)) > 0) {
        take_quality(modem, fields, count);
    } else if ((count = wk_at_fields(line, size, "+CSQ", fields)) > 0) {
        take_strength(modem, fields, count);
    } else if ((count = wk_at_fields(line, size, "+COPS", fields)) > 0) {
        take_operator(modem, fields, count);
    } else if (wk_at_fields(line, size, "+CPIN", fields) > 0) {
        take_card(modem, &fields[0], now_us);
    } else if ((count = wk_at_fields(line, size, "+CGACT", fields)) > 0) {
        take_contexts(modem, fields, count);
    } else if (wk_at_fields(line, size, "+CGEV", fields) > 0) {
        take_packet_event(modem, &fields[0], now_us);
    } else if (wk_at_fields(line, size, "+CSCON", fields) > 0) {
        modem->traffic_us = now_us; /* the radio was, or is, in use */
    } else {
        return false;
    }
    return true;
}

static bool take_own(struct wk_modem *modem, const char *line, size_t size, int64_t now_us)
{
    const struct wk_modem_profile *profile = wk_modem_profile(modem->profile);
    struct wk_at_field fields[WK_AT_FIELDS];
    if (profile->slept != NULL && wk_at_is(line, size, profile->slept)) {
        if (modem->granted_active_s > 0) {
            wk_modem_happen(modem, WK_MODEM_SLEPT, now_us);
        }
        return true;
    }
    for (size_t i = 0; i < WK_MODEM_QUERIES; i++) {
        const struct wk_modem_query *query = &profile->query[i];
        const size_t count =
            query->name != NULL ? wk_at_fields(line, size, query->name, fields) : 0;
        if (count > 0) {
            take_more(modem, query, fields, count);
            return true;
        }
    }
    return false;
}

void wk_modem_line_take(struct wk_modem *modem, const char *line, size_t size, int64_t now_us)
{
    if (wk_at_is(line, size, "RDY")) {
        modem->counts.restarts++;
        wk_modem_happen(modem, WK_MODEM_RESTARTED, now_us);
        return;
    }
    if (take_own(modem, line, size, now_us) || take_named(modem, line, size, now_us) ||
        line[0] == '+') {
        return;
    }
    char *name = wk_modem_script_name(modem);
    if (name != NULL) {
        copy(name, line, size);
        if (name == modem->maker) {
            modem->profile = wk_modem_profile_find(line, size);
        }
    }
}
