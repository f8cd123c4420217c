/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lab_script.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MILLION  1000000
#define THOUSAND 1000
#define DAY_US   INT64_C(86400000000)
#define WORD     40 /* of a line, in an error text */

struct unit {
    const char *name;
    double size;
};

struct kind {
    const char *what; /* for people */
    struct unit unit[4];
};

static const struct kind k_time = {"a time such as 25ms, 1.5s, 800us, 2min",
                                   {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"min", 60e6}}};
static const struct kind k_rate = {"bits per second such as 64k or 1M",
                                   {{"", 1}, {"k", 1e3}, {"M", 1e6}}};
static const struct kind k_octets = {"octets such as 1500 or 16k", {{"", 1}, {"k", 1024}}};
static const struct kind k_share = {"a share such as 1% or 0.5%", {{"%", 1e4}}};
static const struct kind k_packets = {"a number of packets", {{"", THOUSAND}}};

static const struct rule {
    const char *name;
    const struct kind *kind;
    int64_t most;
} k_rules[WK_LAB_RULES] = {
    [WK_LAB_RATE] = {"rate", &k_rate, INT64_C(1000) * MILLION},
    [WK_LAB_DELAY] = {"delay", &k_time, INT64_C(600) * MILLION},
    [WK_LAB_JITTER] = {"jitter", &k_time, INT64_C(60) * MILLION},
    [WK_LAB_QUEUE] = {"queue", &k_octets, 1024 * INT64_C(1024)},
    [WK_LAB_OVERHEAD] = {"overhead", &k_octets, 256},
    [WK_LAB_LOSS] = {"loss", &k_share, MILLION},
    [WK_LAB_BLACK_HOLE] = {"black-hole", &k_time, DAY_US},
};

/* ---- values ------------------------------------------------------------------------------ */

static const struct unit *unit_of(const struct kind *kind, struct wk_text_span text)
{
    for (size_t i = 0; i < sizeof kind->unit / sizeof kind->unit[0]; i++) {
        if (kind->unit[i].name != NULL && text.size == strlen(kind->unit[i].name) &&
            memcmp(text.at, kind->unit[i].name, text.size) == 0) {
            return &kind->unit[i];
        }
    }
    return NULL;
}

static wk_err value_of(const struct kind *kind, struct wk_text_span text, int64_t most,
                       int64_t *value)
{
    double number;
    size_t digits = 0;
    while (digits < text.size &&
           ((text.at[digits] >= '0' && text.at[digits] <= '9') || text.at[digits] == '.')) {
        digits++;
    }
    const struct wk_text_span rest = {text.at + digits, text.size - digits};
    const struct unit *unit = unit_of(kind, rest);
    if (unit == NULL || !wk_text_number((struct wk_text_span){text.at, digits}, &number)) {
        return WK_E_FORMAT;
    }
    if (number * unit->size > (double)most) {
        return WK_E_RANGE;
    }
    *value = llround(number * unit->size);
    return WK_OK;
}

wk_err wk_lab_script_time(struct wk_text_span text, int64_t *time_us)
{
    return value_of(&k_time, text, DAY_US, time_us);
}

wk_err wk_lab_script_share(struct wk_text_span text, uint32_t *ppm)
{
    int64_t value;
    WK_TRY(value_of(&k_share, text, MILLION, &value));
    *ppm = (uint32_t)value;
    return WK_OK;
}

/* ---- a line ------------------------------------------------------------------------------ */

/* A line while it is read. */
struct reading {
    struct wk_text_span rest;
    struct wk_text_span word; /* the one taken last */
    struct wk_lab_change change[2];
    size_t count;
    char *why;
};

static bool take_word(struct reading *line)
{
    struct wk_text_span rest = wk_text_trim(line->rest);
    size_t size = 0;
    while (size < rest.size && rest.at[size] != ' ' && rest.at[size] != '\t') {
        size++;
    }
    line->word = (struct wk_text_span){rest.at, size};
    line->rest = (struct wk_text_span){rest.at + size, rest.size - size};
    return size > 0;
}

/* What is wrong with the value of `name`. */
static wk_err refuse(struct reading *line, const char *name, const char *must, wk_err err)
{
    char word[WORD];
    wk_text_copy(line->word, word, sizeof word);
    snprintf(line->why, WK_LAB_WHY, "%s \"%s\" %s%s", name, word,
             err == WK_E_RANGE ? "is too much; it must be " : "must be ", must);
    return err;
}

static wk_err take_value(struct reading *line, const char *name, const struct kind *kind,
                         int64_t most, int64_t *value)
{
    if (!take_word(line)) {
        return refuse(line, name, kind->what, WK_E_FORMAT);
    }
    const wk_err err = value_of(kind, line->word, most, value);
    return err == WK_OK ? WK_OK : refuse(line, name, kind->what, err);
}

static wk_err take_black_hole(struct reading *line)
{
    static const char k_must[] = "on, off, or from when to when, such as 8s-20s";
    struct wk_lab_change *first = &line->change[0];
    struct wk_lab_change *second = &line->change[1];
    take_word(line);
    first->value = wk_text_is(line->word, "on") ? 1 : 0;
    if (first->value == 1 || wk_text_is(line->word, "off")) {
        return WK_OK;
    }
    struct wk_text_span rest = line->word;
    struct wk_text_span from;
    struct wk_text_span to;
    *second = *first;
    first->value = 1;
    if (!wk_text_field(&rest, '-', &from) || !wk_text_field(&rest, '-', &to) ||
        rest.at != NULL || wk_lab_script_time(from, &first->at_us) != WK_OK ||
        wk_lab_script_time(to, &second->at_us) != WK_OK || second->at_us <= first->at_us) {
        return refuse(line, "black-hole", k_must, WK_E_FORMAT);
    }
    line->count = 2;
    return WK_OK;
}

/* From good to bad so often that in the long run the share is lost; parts per million. With a
 * mean burst B the line gets better at each packet with 1/B, and is bad for the share
 * p / (p + 1/B). */
static double to_bad_ppm(int64_t loss_ppm, uint32_t burst_milli)
{
    return (double)THOUSAND * MILLION * (double)loss_ppm /
           ((double)burst_milli * (double)(MILLION - loss_ppm));
}

static wk_err take_loss(struct reading *line)
{
    struct wk_lab_change *change = &line->change[0];
    int64_t burst = WK_LAB_BURST_ONE;
    WK_TRY(take_value(line, "loss", &k_share, MILLION, &change->value));
    if (take_word(line)) {
        if (!wk_text_is(line->word, "burst")) {
            return refuse(line, "what follows the loss,", "burst PACKETS", WK_E_FORMAT);
        }
        WK_TRY(take_value(line, "burst", &k_packets, MILLION, &burst));
    }
    change->burst_milli = (uint32_t)burst;
    if (burst < WK_LAB_BURST_ONE) {
        return refuse(line, "burst", "1 packet or more", WK_E_FORMAT);
    }
    if (burst > WK_LAB_BURST_ONE && change->value > 0) {
        const double often = change->value < MILLION
                                 ? to_bad_ppm(change->value, change->burst_milli)
                                 : (double)INFINITY;
        if (often > MILLION || often < 1) {
            snprintf(line->why, WK_LAB_WHY,
                     "bursts of this length are too %s for this loss: there would be %s",
                     often > 1 ? "short" : "long",
                     often > 1 ? "less than a packet between two"
                               : "more than a million packets between two");
            return WK_E_RANGE;
        }
    }
    return WK_OK;
}

static wk_err take_rule(struct reading *line)
{
    struct wk_lab_change *change = &line->change[0];
    size_t rule = 0;
    while (rule < WK_LAB_RULES && !wk_text_is(line->word, k_rules[rule].name)) {
        rule++;
    }
    change->rule = (wk_lab_rule)rule;
    if (rule == WK_LAB_RULES) {
        return refuse(line, "rule", "rate, delay, jitter, queue, overhead, loss or black-hole",
                      WK_E_FORMAT);
    }
    if (rule == WK_LAB_LOSS) {
        return take_loss(line);
    }
    if (rule == WK_LAB_BLACK_HOLE) {
        return take_black_hole(line);
    }
    return take_value(line, k_rules[rule].name, k_rules[rule].kind, k_rules[rule].most,
                      &change->value);
}

/* `at`, direction and rule. */
static wk_err take_line(struct reading *line)
{
    struct wk_lab_change *change = &line->change[0];
    take_word(line);
    if (wk_text_is(line->word, "at")) {
        WK_TRY(take_value(line, "at", &k_time, DAY_US, &change->at_us));
        take_word(line);
    }
    const bool to_left = wk_text_is(line->word, "to-left");
    if (to_left || wk_text_is(line->word, "to-right")) {
        change->directions = to_left ? WK_LAB_TO_LEFT : WK_LAB_TO_RIGHT;
        take_word(line);
    }
    WK_TRY(take_rule(line));
    if (take_word(line)) {
        return refuse(line, "what follows the rule,", "left out", WK_E_FORMAT);
    }
    return WK_OK;
}

static void insert(struct wk_lab_script *script, const struct wk_lab_change *change)
{
    size_t at = script->count++;
    while (at > 0 && script->change[at - 1].at_us > change->at_us) {
        script->change[at] = script->change[at - 1];
        at--;
    }
    script->change[at] = *change;
}

wk_err wk_lab_script_line(struct wk_lab_script *script, struct wk_text_span line,
                          int64_t now_us, char why[WK_LAB_WHY])
{
    const char *comment = line.size > 0 ? memchr(line.at, '#', line.size) : NULL;
    const struct wk_text_span said = {line.at, comment != NULL ? (size_t)(comment - line.at)
                                                               : line.size};
    struct reading reading = {
        .rest = said,
        .change[0] = {.at_us = now_us, .directions = WK_LAB_TO_BOTH},
        .count = 1,
        .why = why,
    };
    if (wk_text_trim(said).size == 0) {
        return WK_OK;
    }
    WK_TRY(take_line(&reading));
    if (reading.count > WK_LAB_CHANGES - script->count) {
        snprintf(why, WK_LAB_WHY, "more than %d changes wait", WK_LAB_CHANGES);
        return WK_E_FULL;
    }
    for (size_t i = 0; i < reading.count; i++) {
        insert(script, &reading.change[i]);
    }
    return WK_OK;
}

wk_err wk_lab_script_text(struct wk_lab_script *script, const char *text, size_t size,
                          char why[WK_LAB_WHY])
{
    struct wk_text lines = wk_text_of(text, size);
    struct wk_text_span line;
    while (wk_text_take(&lines, &line)) {
        char reason[WK_LAB_WHY];
        const wk_err err = wk_lab_script_line(script, line, 0, reason);
        if (err != WK_OK) {
            snprintf(why, WK_LAB_WHY, "line %u: %.*s", lines.line, WK_LAB_WHY - 20, reason);
            return err;
        }
    }
    return WK_OK;
}

/* ---- changes ----------------------------------------------------------------------------- */

int64_t wk_lab_script_next_us(const struct wk_lab_script *script)
{
    return script->count > 0 ? script->change[0].at_us : WK_LAB_NEVER;
}

bool wk_lab_script_take(struct wk_lab_script *script, int64_t now_us,
                        struct wk_lab_change *change)
{
    if (wk_lab_script_next_us(script) > now_us) {
        return false;
    }
    *change = script->change[0];
    script->count--;
    memmove(&script->change[0], &script->change[1], script->count * sizeof script->change[0]);
    return true;
}

static void apply_loss(const struct wk_lab_change *change, struct wk_virtual_line_rules *rules)
{
    const bool bursts = change->burst_milli > WK_LAB_BURST_ONE && change->value > 0;
    rules->loss_good_ppm = bursts ? 0 : (uint32_t)change->value;
    rules->loss_bad_ppm = bursts ? MILLION : (uint32_t)change->value;
    rules->to_good_ppm =
        bursts ? (uint32_t)lround((double)THOUSAND * MILLION / change->burst_milli) : MILLION;
    rules->to_bad_ppm =
        bursts ? (uint32_t)lround(to_bad_ppm(change->value, change->burst_milli)) : 0;
}

void wk_lab_script_apply(const struct wk_lab_change *change,
                         struct wk_virtual_line_rules *rules)
{
    switch (change->rule) {
    case WK_LAB_RATE:
        rules->rate_bps = (uint32_t)change->value;
        break;
    case WK_LAB_DELAY:
        rules->delay_us = change->value;
        break;
    case WK_LAB_JITTER:
        rules->jitter_us = change->value;
        break;
    case WK_LAB_QUEUE:
        rules->queue_octets = (uint32_t)change->value;
        break;
    case WK_LAB_OVERHEAD:
        rules->overhead = (uint32_t)change->value;
        break;
    case WK_LAB_LOSS:
        apply_loss(change, rules);
        break;
    case WK_LAB_BLACK_HOLE:
        rules->black_hole = change->value != 0;
        break;
    case WK_LAB_RULES:
        break;
    }
}

void wk_lab_script_print(const struct wk_lab_change *change, char *to, size_t room)
{
    static const char *const k_direction[] = {
        [WK_LAB_TO_RIGHT] = "to-right ", [WK_LAB_TO_LEFT] = "to-left ", [WK_LAB_TO_BOTH] = ""};
    const char *direction = k_direction[change->directions];
    const char *name = k_rules[change->rule].name;
    if (change->rule == WK_LAB_BLACK_HOLE) {
        snprintf(to, room, "%s%s %s", direction, name, change->value != 0 ? "on" : "off");
    } else if (change->rule == WK_LAB_LOSS) {
        snprintf(to, room, "%s%s %g%% burst %g", direction, name, (double)change->value / 1e4,
                 (double)change->burst_milli / THOUSAND);
    } else {
        snprintf(to, room, "%s%s %" PRId64 "%s", direction, name, change->value,
                 k_rules[change->rule].kind == &k_time ? "us" : "");
    }
}
