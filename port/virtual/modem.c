/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/modem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER      WK_VIRTUAL_MODEM_NEVER
#define MS         INT64_C(1000)
#define SECOND     INT64_C(1000000)
#define MILLION    1000000
#define WAKE_MS    900
#define POWER_MS   2000
#define OCTET_US   87 /* at 115200 bit/s */
#define STATUS_OFF 0

enum { HOME = 1, SEARCHING = 2, DENIED = 3 };

static uint32_t draw(struct wk_virtual_modem *modem, uint32_t below)
{
    uint64_t *x = &modem->seed;
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*x >> 33) * below >> 31);
}

/* ---- speaking ---------------------------------------------------------------------------- */

static void put(struct wk_virtual_modem *modem, const char *octets, size_t size, int64_t at_us)
{
    if (modem->waiting == WK_VIRTUAL_MODEM_OUT || size > WK_VIRTUAL_MODEM_PIECE || size == 0) {
        return; /* nobody listens */
    }
    struct wk_virtual_modem_piece *piece =
        &modem->out[(modem->first + modem->waiting++) % WK_VIRTUAL_MODEM_OUT];
    at_us = at_us > modem->free_us ? at_us : modem->free_us;
    modem->free_us = at_us + (int64_t)size * OCTET_US;
    piece->due_us = modem->free_us;
    piece->size = (uint8_t)size;
    memcpy(piece->octets, octets, size);
}

/* Perhaps with junk before it, with another line before it, or with a pause in its middle. */
static void say(struct wk_virtual_modem *modem, const char *text, int64_t at_us)
{
    char line[WK_VIRTUAL_MODEM_PIECE];
    const int length = snprintf(line, sizeof line, "\r\n%s\r\n", text);
    const bool noisy = draw(modem, MILLION) < modem->rules.noise_ppm;
    const uint32_t kind = noisy ? draw(modem, 4) : 4;
    if (kind == 0) {
        put(modem, "\xff\x00\x7f\x80", 4, at_us);
    } else if (kind == 1) {
        put(modem, "\r\n+CSCON: 0\r\n", 13, at_us);
    } else if (kind == 2) {
        put(modem, "\r\n+QIND: \"csq\",12", 17, at_us); /* never ends */
    } else if (kind == 3) {
        const size_t half = (size_t)length / 2;
        put(modem, line, half, at_us);
        put(modem, line + half, (size_t)length - half, at_us + 40 * MS);
        return;
    }
    put(modem, line, (size_t)length, at_us);
}

__attribute__((format(printf, 3, 4))) static void sayf(struct wk_virtual_modem *modem,
                                                       int64_t at_us, const char *format, ...)
{
    char text[WK_VIRTUAL_MODEM_PIECE - 4];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    say(modem, text, at_us);
}

/* ---- the network ------------------------------------------------------------------------- */

/* What follows the status in +CEREG: cell, technology, cause, timers - as much as <n> asks for. */
static void describe(const struct wk_virtual_modem *modem, char *to, size_t room)
{
    const bool known = modem->status == HOME && modem->report >= 2;
    const bool cause = modem->status == DENIED && modem->report == 5;
    if (known && modem->report >= 4 && modem->tau_us > 0) {
        snprintf(to, room, ",\"1A2B\",\"%08" PRIX32 "\",9,,,\"%s\",\"%s\"", modem->rules.cell,
                 modem->timers[1], modem->timers[0]);
    } else if (known) {
        snprintf(to, room, ",\"1A2B\",\"%08" PRIX32 "\",9", modem->rules.cell);
    } else if (cause) {
        snprintf(to, room, ",,,,0,%u", modem->rules.reject);
    } else {
        to[0] = '\0';
    }
}

static void set_status(struct wk_virtual_modem *modem, uint8_t status, int64_t now_us)
{
    char more[96];
    const bool changed = modem->status != status;
    modem->status = status;
    if (status != HOME) {
        modem->active = false;
    }
    if (changed && modem->report > 0 && modem->on && !modem->silent) {
        describe(modem, more, sizeof more);
        sayf(modem, now_us, "+CEREG: %u%s", status, more);
    }
}

/* Timers of eight binary digits; the units of T3412 extended and T3324. */
static int64_t timer_us(const char *text, bool is_tau)
{
    static const uint32_t k_tau[] = {600, 3600, 36000, 2, 30, 60, 1152000, 0};
    static const uint32_t k_active[] = {2, 60, 360, 60, 60, 60, 60, 0};
    const long octet = strtol(text, NULL, 2);
    return (int64_t)(is_tau ? k_tau : k_active)[octet >> 5 & 7] * (octet & 31) * SECOND;
}

static bool may_register(const struct wk_virtual_modem *modem)
{
    const uint64_t band = UINT64_C(1) << ((modem->rules.band - 1) & 63);
    return modem->rules.covered && modem->cure == WK_VIRTUAL_MODEM_HEALTHY &&
           (modem->bands == 0 || (modem->bands & band) != 0);
}

static void begin_registration(struct wk_virtual_modem *modem, int64_t now_us)
{
    const bool can = modem->radio && modem->attached && modem->unlocked && modem->rules.has_sim;
    modem->register_us = NEVER;
    if (can && modem->status != HOME) {
        modem->counts.registrations++;
        set_status(modem, SEARCHING, now_us);
        modem->register_us = now_us + modem->rules.register_us;
    }
}

/* What the network agrees to, at each registration or update of the tracking area. */
static void grant(struct wk_virtual_modem *modem)
{
    modem->tau_us =
        modem->psm && modem->rules.grants_psm ? timer_us(modem->timers[0], true) : 0;
    modem->idle_us = timer_us(modem->timers[1], false);
}

static void end_registration(struct wk_virtual_modem *modem, int64_t now_us)
{
    modem->register_us = NEVER;
    if (modem->rules.reject != 0) {
        set_status(modem, DENIED, now_us);
    } else if (!may_register(modem)) {
        modem->register_us = now_us + modem->rules.register_us;
    } else {
        grant(modem);
        modem->traffic_us = now_us;
        modem->active = true; /* the default bearer */
        set_status(modem, HOME, now_us);
    }
}

void wk_virtual_modem_change(struct wk_virtual_modem *modem, int64_t now_us)
{
    if (!modem->on || modem->asleep) {
        return;
    }
    if (modem->status == HOME && (modem->rules.reject != 0 || !may_register(modem))) {
        set_status(modem, SEARCHING, now_us);
        modem->register_us = now_us + modem->rules.register_us;
    } else if (modem->status == HOME && modem->report >= 2 && !modem->silent) {
        char more[96];
        describe(modem, more, sizeof more);
        sayf(modem, now_us, "+CEREG: %u%s", modem->status, more);
    } else if (modem->status == DENIED && modem->rules.reject == 0) {
        begin_registration(modem, now_us);
    }
}

/* ---- its life ---------------------------------------------------------------------------- */

static void switch_on(struct wk_virtual_modem *modem, int64_t ready_us)
{
    modem->on = false;
    modem->asleep = false;
    modem->echo = true;
    modem->radio = true;
    modem->attached = true;
    modem->unlocked = modem->rules.pin[0] == '\0';
    modem->active = false;
    modem->status = STATUS_OFF;
    modem->report = 0;
    modem->tau_us = 0;
    modem->boot_us = ready_us;
    modem->register_us = NEVER;
    modem->size = 0;
    modem->waiting = 0;
    modem->free_us = ready_us;
}

void wk_virtual_modem_init(struct wk_virtual_modem *modem,
                           const struct wk_virtual_modem_rules *rules, uint64_t seed,
                           int64_t now_us)
{
    *modem = (struct wk_virtual_modem){.rules = *rules, .seed = seed};
    switch_on(modem, now_us + rules->boot_us);
}

static void cure(struct wk_virtual_modem *modem, wk_virtual_modem_cure by)
{
    if (modem->cure != WK_VIRTUAL_MODEM_HEALTHY && by >= modem->cure) {
        modem->cure = WK_VIRTUAL_MODEM_HEALTHY;
        modem->silent = false;
    }
}

void wk_virtual_modem_fail(struct wk_virtual_modem *modem, wk_virtual_modem_cure by,
                           bool silent, int64_t now_us)
{
    modem->cure = by;
    modem->silent = silent;
    if (!silent) {
        wk_virtual_modem_change(modem, now_us);
    }
}

static void booted(struct wk_virtual_modem *modem, int64_t now_us)
{
    modem->boot_us = NEVER;
    modem->on = true;
    if (modem->silent) {
        return;
    }
    say(modem, "RDY", now_us);
    if (modem->asleep) { /* wakes: registered as before */
        modem->asleep = false;
        modem->traffic_us = now_us;
        return;
    }
    say(modem, "+CFUN: 1", now_us);
    say(modem, "APP RDY", now_us + 300 * MS);
    begin_registration(modem, now_us);
}

static void wake(struct wk_virtual_modem *modem, int64_t now_us)
{
    if (modem->asleep && modem->boot_us == NEVER) {
        modem->echo = true;
        modem->report = 0;
        modem->boot_us = now_us + WAKE_MS * MS;
    }
}

static void fall_asleep(struct wk_virtual_modem *modem, int64_t now_us)
{
    modem->counts.sleeps++;
    say(modem, "PSM POWER DOWN", now_us);
    modem->asleep = true;
    modem->wake_us = now_us + modem->tau_us;
}

static int64_t sleep_us(const struct wk_virtual_modem *modem)
{
    const bool may = modem->on && !modem->asleep && modem->status == HOME && modem->tau_us > 0;
    return may ? modem->traffic_us + modem->idle_us : NEVER;
}

static void live(struct wk_virtual_modem *modem, int64_t now_us)
{
    if (modem->boot_us <= now_us) {
        booted(modem, modem->boot_us);
    }
    if (modem->register_us <= now_us) {
        end_registration(modem, modem->register_us);
    }
    if (sleep_us(modem) <= now_us) {
        fall_asleep(modem, now_us);
    }
    if (modem->asleep && modem->boot_us == NEVER && modem->wake_us <= now_us) {
        wake(modem, now_us);
    }
}

size_t wk_virtual_modem_give(struct wk_virtual_modem *modem, void *to, size_t room,
                             int64_t now_us)
{
    char *octets = to;
    size_t given = 0;
    live(modem, now_us);
    while (modem->waiting > 0) {
        const struct wk_virtual_modem_piece *piece = &modem->out[modem->first];
        if (piece->due_us > now_us || piece->size > room - given) {
            break;
        }
        memcpy(octets + given, piece->octets, piece->size);
        given += piece->size;
        modem->first = (modem->first + 1) % WK_VIRTUAL_MODEM_OUT;
        modem->waiting--;
    }
    return given;
}

int64_t wk_virtual_modem_next_us(const struct wk_virtual_modem *modem)
{
    int64_t next = modem->boot_us;
    next = modem->register_us < next ? modem->register_us : next;
    next = sleep_us(modem) < next ? sleep_us(modem) : next;
    if (modem->asleep && modem->boot_us == NEVER && modem->wake_us < next) {
        next = modem->wake_us;
    }
    if (modem->waiting > 0 && modem->out[modem->first].due_us < next) {
        next = modem->out[modem->first].due_us;
    }
    return next;
}

void wk_virtual_modem_pulse(struct wk_virtual_modem *modem, wk_virtual_modem_line line,
                            int64_t now_us)
{
    live(modem, now_us);
    if (line == WK_VIRTUAL_MODEM_WAKE) {
        modem->counts.wakes++;
        wake(modem, now_us);
        return;
    }
    const bool supply = line == WK_VIRTUAL_MODEM_SUPPLY;
    *(supply ? &modem->counts.power_cycles : &modem->counts.hard_resets) += 1;
    cure(modem, supply ? WK_VIRTUAL_MODEM_POWER : WK_VIRTUAL_MODEM_HARD);
    switch_on(modem, now_us + modem->rules.boot_us + (supply ? POWER_MS * MS : 0));
}

bool wk_virtual_modem_carries(const struct wk_virtual_modem *modem)
{
    return modem->on && !modem->asleep && !modem->silent && modem->active;
}

void wk_virtual_modem_traffic(struct wk_virtual_modem *modem, int64_t now_us)
{
    modem->traffic_us = now_us;
}

/* ---- commands ---------------------------------------------------------------------------- */

/* Each says whether the final result code is OK; NULL of `name`: the end. */
struct verb {
    const char *name; /* after AT */
    bool (*run)(struct wk_virtual_modem *modem, const char *rest, int64_t at_us);
};

static bool do_echo(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)at_us;
    modem->echo = rest[0] == '1';
    return true;
}

static bool do_accept(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)modem;
    (void)rest;
    (void)at_us;
    return true;
}

static bool do_maker(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    say(modem, "Quectel", at_us);
    return true;
}

static bool do_model(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    say(modem, "BG95-M3", at_us);
    return true;
}

static bool do_revision(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    say(modem, "BG95M3LAR02A03", at_us);
    return true;
}

static bool do_imei(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    say(modem, "867123450000018", at_us);
    return true;
}

static bool refuse(struct wk_virtual_modem *modem, int code, int64_t at_us)
{
    sayf(modem, at_us, "+CME ERROR: %d", code);
    modem->refused = true;
    return false;
}

static bool do_pin(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    const size_t size = strlen(modem->rules.pin);
    if (!modem->rules.has_sim) {
        return refuse(modem, 10, at_us);
    }
    if (rest[0] == '?') {
        say(modem, modem->unlocked ? "+CPIN: READY" : "+CPIN: SIM PIN", at_us);
        return true;
    }
    if (strncmp(rest, "=\"", 2) != 0 || strncmp(rest + 2, modem->rules.pin, size) != 0 ||
        rest[2 + size] != '"') {
        modem->counts.wrong_pins++;
        return refuse(modem, 16, at_us);
    }
    modem->unlocked = true;
    begin_registration(modem, at_us);
    return true;
}

/* =1,,,"tau","active" */
static bool do_psm(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    modem->psm =
        sscanf(rest, "=1,,,\"%8[01]\",\"%8[01]\"", modem->timers[0], modem->timers[1]) == 2;
    if (modem->status == HOME) {
        grant(modem);
        modem->traffic_us = at_us;
        wk_virtual_modem_change(modem, at_us);
    }
    return true;
}

static bool do_register(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    char more[96];
    if (rest[0] == '=') {
        modem->report = (uint8_t)atoi(rest + 1);
        return true;
    }
    describe(modem, more, sizeof more);
    sayf(modem, at_us, "+CEREG: %u,%u%s", modem->report, modem->status, more);
    return true;
}

static bool do_function(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    if (strcmp(rest, "=0") == 0) {
        modem->counts.radio_offs += modem->radio ? 1 : 0;
        modem->radio = false;
        cure(modem, WK_VIRTUAL_MODEM_RADIO);
        modem->register_us = NEVER;
        set_status(modem, STATUS_OFF, at_us);
    } else if (!modem->radio) {
        modem->radio = true;
        begin_registration(modem, at_us);
    }
    return true;
}

static bool do_attach(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    const bool wanted = rest[1] == '1';
    if (!wanted && modem->attached) {
        modem->counts.detaches++;
        cure(modem, WK_VIRTUAL_MODEM_ATTACH);
        modem->register_us = NEVER;
        set_status(modem, STATUS_OFF, at_us);
    }
    const bool again = wanted && !modem->attached;
    modem->attached = wanted;
    if (again) {
        begin_registration(modem, at_us);
    }
    return true;
}

static bool do_context(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    if (rest[0] == '?') {
        sayf(modem, at_us, "+CGACT: 1,%d", modem->active ? 1 : 0);
        return true;
    }
    if (modem->status != HOME) {
        return refuse(modem, 30, at_us);
    }
    modem->active = true;
    return true;
}

static bool do_operator(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    say(modem, modem->status == HOME ? "+COPS: 0,0,\"Wattkeeper Lab\",9" : "+COPS: 0", at_us);
    return true;
}

static bool do_signal(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    if (modem->status != HOME) {
        say(modem, "+CESQ: 99,99,255,255,255,255", at_us);
        return true;
    }
    sayf(modem, at_us, "+CESQ: 99,99,255,255,%d,%d", (modem->rules.rsrq_ddb + 200) / 5,
         modem->rules.rsrp_dbm + 141);
    return true;
}

static bool do_strength(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    const int step = (modem->rules.rsrp_dbm + 20 + 113) / 2;
    (void)rest;
    sayf(modem, at_us, "+CSQ: %d,99", step < 0 ? 0 : step > 31 ? 31 : step);
    return true;
}

static bool do_quality(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    sayf(modem, at_us, "+QCSQ: \"NBIoT\",%d,%d,%d,%d", modem->rules.rsrp_dbm + 20,
         modem->rules.rsrp_dbm, (modem->rules.sinr_db + 20) * 5, modem->rules.rsrq_ddb / 10);
    return true;
}

static bool do_network(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    (void)rest;
    sayf(modem, at_us, "+QNWINFO: \"NBIoT\",\"26201\",\"LTE BAND %" PRIu32 "\",6252",
         modem->rules.band);
    return true;
}

static bool do_bands(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    uint64_t emtc = 0;
    if (sscanf(rest, "=\"band\",0,%" SCNx64 ",", &emtc) != 1) {
        return false;
    }
    modem->bands = emtc;
    set_status(modem, SEARCHING, at_us);
    modem->register_us = at_us + modem->rules.register_us;
    return true;
}

static const struct verb k_verbs[] = {
    {"E", do_echo},         {"+CMEE", do_accept},     {"+CGMI", do_maker},
    {"+CGMM", do_model},    {"+CGMR", do_revision},   {"+CGSN", do_imei},
    {"+CPIN", do_pin},      {"+CGDCONT", do_accept},  {"+CPSMS", do_psm},
    {"+CEDRXS", do_accept}, {"+CEREG", do_register},  {"+CSCON", do_accept},
    {"+CFUN", do_function}, {"+CGATT", do_attach},    {"+CGACT", do_context},
    {"+COPS", do_operator}, {"+CESQ", do_signal},     {"+CSQ", do_strength},
    {"+QCSQ", do_quality},  {"+QNWINFO", do_network}, {"+QCFG", do_bands},
};

/* True: OK; false and nothing said yet: ERROR. */
static bool run_verb(struct wk_virtual_modem *modem, const char *rest, int64_t at_us)
{
    for (size_t i = 0; i < sizeof k_verbs / sizeof k_verbs[0]; i++) {
        const size_t size = strlen(k_verbs[i].name);
        const bool ends = rest[0] == 'E' || strchr("=?", rest[size]) != NULL;
        if (strncmp(rest, k_verbs[i].name, size) == 0 && ends) {
            return k_verbs[i].run(modem, rest + size, at_us);
        }
    }
    return rest[0] == '\0';
}

static void run_command(struct wk_virtual_modem *modem, int64_t now_us)
{
    const char *command = modem->command;
    const int64_t at_us =
        now_us + modem->rules.answer_us +
        draw(modem, (uint32_t)(modem->rules.answer_us > 0 ? modem->rules.answer_us : 1));
    if (strncmp(command, "AT", 2) != 0) {
        return;
    }
    modem->counts.commands++;
    if (strcmp(command, "AT+CFUN=1,1") == 0 && modem->cure <= WK_VIRTUAL_MODEM_SOFT) {
        modem->counts.soft_resets++;
        cure(modem, WK_VIRTUAL_MODEM_SOFT);
        switch_on(modem, now_us + modem->rules.boot_us);
        modem->free_us = now_us;
        say(modem, "OK", at_us);
        return;
    }
    if (modem->silent) {
        return;
    }
    if (modem->echo) {
        put(modem, command, strlen(command), now_us);
        put(modem, "\r", 1, now_us);
    }
    modem->refused = false;
    const bool good = run_verb(modem, command + 2, at_us);
    if (!modem->refused) {
        say(modem, good ? "OK" : "ERROR", at_us);
    }
}

void wk_virtual_modem_take(struct wk_virtual_modem *modem, const void *octets, size_t size,
                           int64_t now_us)
{
    const char *text = octets;
    live(modem, now_us);
    for (size_t i = 0; i < size && modem->on && !modem->asleep; i++) {
        if (text[i] == '\r') {
            modem->command[modem->size] = '\0';
            modem->size = 0;
            run_command(modem, now_us);
        } else if (text[i] != '\n' && modem->size + 1 < WK_VIRTUAL_MODEM_COMMAND) {
            modem->command[modem->size++] = text[i];
        }
    }
}
