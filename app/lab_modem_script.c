/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lab_modem_script.h"

#include <stdio.h>
#include <string.h>

#define WORDS 4

struct words {
    struct wk_text_span word[WORDS];
    size_t count;
};

/* Blanks between words, however many; more words than there is room for count, and are not kept. */
static struct words words_of(struct wk_text_span text)
{
    struct words words = {.count = 0};
    struct wk_text_span word;
    while (wk_text_field(&text, ' ', &word)) {
        if (word.size == 0) {
            continue;
        }
        if (words.count < WORDS) {
            words.word[words.count] = word;
        }
        words.count++;
    }
    return words;
}

static bool number_of(struct wk_text_span word, int64_t least, int64_t most, int64_t *value)
{
    return wk_text_integer(word, value) && *value >= least && *value <= most;
}

static bool set_switch(struct wk_text_span word, const char *yes, const char *no, bool *value)
{
    *value = wk_text_is(word, yes);
    return *value || wk_text_is(word, no);
}

/* ---- rules ------------------------------------------------------------------------------- */

static bool do_signal(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    int64_t rsrp = 0;
    int64_t rsrq = 0;
    int64_t sinr = modem->rules.sinr_db;
    (void)now_us;
    if (words->count < 3 || !number_of(words->word[1], -140, -44, &rsrp) ||
        !number_of(words->word[2], -19, -3, &rsrq) ||
        (words->count == 4 && !number_of(words->word[3], -20, 30, &sinr))) {
        return false;
    }
    modem->rules.rsrp_dbm = (int16_t)rsrp;
    modem->rules.rsrq_ddb = (int16_t)(rsrq * 10);
    modem->rules.sinr_db = (int16_t)sinr;
    return words->count <= WORDS;
}

static bool do_number(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    int64_t number = 0;
    const bool is_cell = wk_text_is(words->word[0], "cell");
    (void)now_us;
    if (words->count != 2 || !number_of(words->word[1], 1, is_cell ? 0xfffffff : 64, &number)) {
        return false;
    }
    *(is_cell ? &modem->rules.cell : &modem->rules.band) = (uint32_t)number;
    return true;
}

static bool do_deny(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    int64_t cause = 0;
    (void)now_us;
    if (words->count != 2 || !number_of(words->word[1], 1, 255, &cause)) {
        return false;
    }
    modem->rules.reject = (uint8_t)cause;
    return true;
}

static bool do_allow(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    (void)now_us;
    modem->rules.reject = 0;
    return words->count == 1;
}

static bool do_network(struct wk_virtual_modem *modem, const struct words *words,
                       int64_t now_us)
{
    (void)now_us;
    return words->count == 2 && set_switch(words->word[1], "on", "off", &modem->rules.covered);
}

static bool do_sim(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    (void)now_us;
    return words->count == 2 && set_switch(words->word[1], "in", "out", &modem->rules.has_sim);
}

static bool do_psm(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    (void)now_us;
    return words->count == 2 &&
           set_switch(words->word[1], "on", "off", &modem->rules.grants_psm);
}

static bool do_fault(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    static const struct {
        const char *name;
        wk_virtual_modem_cure cure;
    } k_cures[] = {{"attach", WK_VIRTUAL_MODEM_ATTACH},
                   {"radio", WK_VIRTUAL_MODEM_RADIO},
                   {"soft", WK_VIRTUAL_MODEM_SOFT},
                   {"reset", WK_VIRTUAL_MODEM_HARD},
                   {"power", WK_VIRTUAL_MODEM_POWER}};
    const bool silent = wk_text_is(words->word[0], "hang");
    for (size_t i = silent ? 2 : 0; words->count == 2 && i < sizeof k_cures / sizeof k_cures[0];
         i++) {
        if (wk_text_is(words->word[1], k_cures[i].name)) {
            wk_virtual_modem_fail(modem, k_cures[i].cure, silent, now_us);
            return true;
        }
    }
    return false;
}

static bool do_restart(struct wk_virtual_modem *modem, const struct words *words,
                       int64_t now_us)
{
    wk_virtual_modem_pulse(modem, WK_VIRTUAL_MODEM_RESET, now_us);
    return words->count == 1;
}

static bool do_noise(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us)
{
    (void)now_us;
    return words->count == 2 &&
           wk_lab_script_share(words->word[1], &modem->rules.noise_ppm) == WK_OK;
}

static const struct {
    const char *name;
    const char *must;
    bool (*run)(struct wk_virtual_modem *modem, const struct words *words, int64_t now_us);
} k_rules[] = {
    {"signal", "signal RSRP RSRQ [SINR], such as signal -120 -18", do_signal},
    {"cell", "cell N", do_number},
    {"band", "band N, 1 to 64", do_number},
    {"deny", "deny CAUSE, such as deny 13", do_deny},
    {"allow", "allow", do_allow},
    {"network", "network on or network off", do_network},
    {"sim", "sim in or sim out", do_sim},
    {"psm", "psm on or psm off", do_psm},
    {"hang", "hang soft, reset or power", do_fault},
    {"stuck", "stuck attach, radio, soft, reset or power", do_fault},
    {"restart", "restart", do_restart},
    {"noise", "noise SHARE, such as noise 5%", do_noise},
};
#define RULES (sizeof k_rules / sizeof k_rules[0])

/* RULES: it is none of the modem. */
static size_t rule_of(struct wk_text_span word)
{
    size_t rule = 0;
    while (rule < RULES && !wk_text_is(word, k_rules[rule].name)) {
        rule++;
    }
    return rule;
}

/* ---- lines ------------------------------------------------------------------------------- */

/* Cuts `at TIME` off. False: it is no time. */
static bool cut_time(struct wk_text_span *line, int64_t *at_us)
{
    struct wk_text_span rest = *line;
    struct wk_text_span word;
    if (!wk_text_field(&rest, ' ', &word) || !wk_text_is(word, "at")) {
        return true;
    }
    if (!wk_text_field(&rest, ' ', &word) || wk_lab_script_time(word, at_us) != WK_OK) {
        return false;
    }
    *line = wk_text_trim(rest);
    return true;
}

static void insert(struct wk_lab_modem_script *script, struct wk_text_span rule, int64_t at_us)
{
    size_t i = script->count++;
    while (i > 0 && script->change[i - 1].at_us > at_us) {
        script->change[i] = script->change[i - 1];
        i--;
    }
    script->change[i].at_us = at_us;
    wk_text_copy(rule, script->change[i].text, sizeof script->change[i].text);
}

wk_err wk_lab_modem_script_line(struct wk_lab_modem_script *script, struct wk_text_span line,
                                int64_t now_us, char why[WK_LAB_WHY])
{
    static struct wk_virtual_modem scratch;
    static const struct wk_virtual_modem_rules k_none;
    const char *comment = memchr(line.at, '#', line.size);
    struct wk_text_span rule = line;
    int64_t at_us = now_us;
    rule.size = comment != NULL ? (size_t)(comment - line.at) : line.size;
    rule = wk_text_trim(rule);
    if (rule.size == 0) {
        return WK_OK;
    }
    if (!cut_time(&rule, &at_us)) {
        snprintf(why, WK_LAB_WHY, "at needs a time such as 25ms or 20s");
        return WK_E_FORMAT;
    }
    const struct words words = words_of(rule);
    const size_t which = words.count > 0 ? rule_of(words.word[0]) : RULES;
    if (which == RULES) {
        return wk_lab_script_line(&script->line, line, now_us, why);
    }
    wk_virtual_modem_init(&scratch, &k_none, 1, 0);
    if (rule.size >= WK_LAB_MODEM_TEXT || !k_rules[which].run(&scratch, &words, 0)) {
        snprintf(why, WK_LAB_WHY, "must be: %s", k_rules[which].must);
        return WK_E_FORMAT;
    }
    if (script->count == WK_LAB_MODEM_CHANGES) {
        snprintf(why, WK_LAB_WHY, "there are more than %d changes", WK_LAB_MODEM_CHANGES);
        return WK_E_FULL;
    }
    insert(script, rule, at_us);
    return WK_OK;
}

wk_err wk_lab_modem_script_text(struct wk_lab_modem_script *script, struct wk_text_span text,
                                char why[WK_LAB_WHY])
{
    struct wk_text lines = wk_text_of(text.at, text.size);
    struct wk_text_span line;
    char reason[WK_LAB_WHY];
    while (wk_text_take_filled(&lines, &line)) {
        const wk_err err = wk_lab_modem_script_line(script, line, 0, reason);
        if (err != WK_OK) {
            snprintf(why, WK_LAB_WHY, "line %u: %.140s", lines.line, reason);
            return err;
        }
    }
    return WK_OK;
}

int64_t wk_lab_modem_script_next_us(const struct wk_lab_modem_script *script)
{
    return script->count > 0 ? script->change[0].at_us : WK_LAB_NEVER;
}

const char *wk_lab_modem_script_take(struct wk_lab_modem_script *script,
                                     struct wk_virtual_modem *modem, int64_t now_us)
{
    static char text[WK_LAB_MODEM_TEXT];
    if (script->count == 0 || script->change[0].at_us > now_us) {
        return NULL;
    }
    memcpy(text, script->change[0].text, sizeof text);
    script->count--;
    memmove(script->change, script->change + 1, script->count * sizeof script->change[0]);
    const struct words words = words_of((struct wk_text_span){text, strlen(text)});
    (void)k_rules[rule_of(words.word[0])].run(modem, &words, now_us); /* it was tried before */
    wk_virtual_modem_change(modem, now_us);
    return text;
}
