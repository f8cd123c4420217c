/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lab_line_rules.h"

#include <stdio.h>
#include <string.h>

#define VALUES   3
#define LEVEL_DB 200.0

/* What a word takes: numbers, one of them perhaps a time or a share. */
static const struct rule_kind {
    const char *word;
    const char *must;
    size_t values;
    double least;
    double most;
} k_kinds[] = {
    {"disturb", "disturb CHANNEL LEVEL SHARE", 3, -LEVEL_DB, LEVEL_DB},
    {"follow", "follow on or off", 1, 0, 1},
    {"attenuation", "attenuation DB, 0 to 200", 1, 0, LEVEL_DB},
    {"slope", "slope DB, -20 to 20", 1, -20, 20},
    {"notch", "notch KHZ DB", 2, 0, LEVEL_DB},
    {"noise", "noise DB, -50 to 200", 1, -50, LEVEL_DB},
    {"impulse", "impulse DB TIME, up to 10ms", 2, 0, LEVEL_DB},
    {"distance", "distance METRES, 1 to 100000", 1, 1, 100000},
    {"exponent", "exponent N, 1.5 to 8", 1, 1.5, 8},
    {"shadow", "shadow DB, 0 to 30", 1, 0, 30},
    {"rice", "rice DB, -100 to 100", 1, -100, 100},
};
enum {
    RULE_DISTURB,
    RULE_FOLLOW,
    RULE_ATTENUATION,
    RULE_SLOPE,
    RULE_NOTCH,
    RULE_NOISE,
    RULE_IMPULSE,
    RULE_DISTANCE,
    RULE_EXPONENT,
    RULE_SHADOW,
    RULE_RICE,
    RULES
};

/* A rule that was understood. */
struct rule {
    size_t kind;
    double value[VALUES];
    uint32_t share_ppm;
    int64_t time_us;
};

static bool take_word(struct wk_text_span *rest, struct wk_text_span *word)
{
    *rest = wk_text_trim(*rest);
    return rest->size > 0 && wk_text_field(rest, ' ', word);
}

/* The last value of these two is no plain number. */
static bool take_value(struct rule *rule, size_t at, struct wk_text_span word)
{
    if (rule->kind == RULE_DISTURB && at == 2) {
        return wk_lab_script_share(word, &rule->share_ppm) == WK_OK;
    }
    if (rule->kind == RULE_IMPULSE && at == 1) {
        return wk_lab_script_time(word, &rule->time_us) == WK_OK && rule->time_us <= 10000;
    }
    if (rule->kind == RULE_FOLLOW) {
        rule->value[at] = wk_text_is(word, "on") ? 1 : 0;
        return wk_text_is(word, "on") || wk_text_is(word, "off");
    }
    return wk_text_number(word, &rule->value[at]) &&
           rule->value[at] >= k_kinds[rule->kind].least &&
           rule->value[at] <= k_kinds[rule->kind].most;
}

/* NULL, or what it must be. */
static const char *understand_rule(struct wk_text_span line, struct rule *rule)
{
    struct wk_text_span word;
    *rule = (struct rule){.kind = RULES};
    if (!take_word(&line, &word)) {
        return "a rule";
    }
    for (size_t i = 0; i < RULES; i++) {
        rule->kind = wk_text_is(word, k_kinds[i].word) ? i : rule->kind;
    }
    if (rule->kind == RULES) {
        return "a rule: disturb, follow, attenuation, slope, notch, noise, impulse, distance, "
               "exponent, shadow or rice";
    }
    const struct rule_kind *kind = &k_kinds[rule->kind];
    for (size_t i = 0; i < kind->values; i++) {
        if (!take_word(&line, &word) || !take_value(rule, i, word)) {
            return kind->must;
        }
    }
    const bool is_channel = rule->kind != RULE_DISTURB ||
                            (rule->value[0] >= 0 && rule->value[0] < WK_VIRTUAL_CHANNELS);
    return is_channel && wk_text_trim(line).size == 0 ? NULL : kind->must;
}

wk_err wk_lab_line_rules_add(struct wk_lab_line_rules *rules, struct wk_text_span line,
                             int64_t now_us, char why[WK_LAB_WHY])
{
    struct rule rule;
    struct wk_text_span word;
    int64_t at_us = now_us;
    struct wk_text_span rest = wk_text_trim(line);
    if (rest.size == 0 || rest.at[0] == '#') {
        return WK_OK;
    }
    if (wk_text_begins(rest, "at ") && (!take_word(&rest, &word) || !take_word(&rest, &word) ||
                                        wk_lab_script_time(word, &at_us) != WK_OK)) {
        snprintf(why, WK_LAB_WHY, "\"%.*s\" must be at TIME RULE", (int)line.size, line.at);
        return WK_E_FORMAT;
    }
    rest = wk_text_trim(rest);
    const char *must = understand_rule(rest, &rule);
    if (must == NULL && rest.size >= WK_LAB_LINE_TEXT) {
        must = "shorter";
    }
    if (must != NULL) {
        snprintf(why, WK_LAB_WHY, "\"%.*s\" must be %s", (int)(rest.size < 40 ? rest.size : 40),
                 rest.at, must);
        return WK_E_FORMAT;
    }
    if (rules->count == WK_LAB_LINE_RULES) {
        snprintf(why, WK_LAB_WHY, "there are more than %d rules to come", WK_LAB_LINE_RULES);
        return WK_E_FULL;
    }
    size_t at = rules->count++;
    for (; at > 0 && rules->rule[at - 1].at_us > at_us; at--) {
        rules->rule[at] = rules->rule[at - 1];
    }
    rules->rule[at].at_us = at_us;
    memcpy(rules->rule[at].text, rest.at, rest.size);
    rules->rule[at].text[rest.size] = '\0';
    return WK_OK;
}

int64_t wk_lab_line_rules_next_us(const struct wk_lab_line_rules *rules)
{
    return rules->count > 0 ? rules->rule[0].at_us : WK_LAB_NEVER;
}

static void apply_rule(struct wk_virtual_line_modems *modems, const struct rule *rule)
{
    struct wk_virtual_medium_rules *to = &modems->medium.rules;
    double *const k_plain[RULES] = {
        [RULE_ATTENUATION] = &to->attenuation_db,
        [RULE_SLOPE] = &to->slope_db,
        [RULE_NOISE] = &to->noise_db,
        [RULE_DISTANCE] = &to->distance_m,
        [RULE_EXPONENT] = &to->exponent,
        [RULE_SHADOW] = &to->shadow_db,
        [RULE_RICE] = &to->rice_db,
    };
    if (k_plain[rule->kind] != NULL) {
        *k_plain[rule->kind] = rule->value[0];
    } else if (rule->kind == RULE_FOLLOW) {
        modems->follows = rule->value[0] > 0;
    } else if (rule->kind == RULE_NOTCH) {
        to->notch_khz = rule->value[0];
        to->notch_db = rule->value[1];
    } else if (rule->kind == RULE_IMPULSE) {
        to->impulse_db = rule->value[0];
        to->impulse_us = (uint32_t)rule->time_us;
    } else {
        to->disturber[(size_t)rule->value[0]] =
            (struct wk_virtual_disturber){rule->value[1], rule->share_ppm};
    }
}

const char *wk_lab_line_rules_take(struct wk_lab_line_rules *rules,
                                   struct wk_virtual_line_modems *modems, int64_t now_us)
{
    static struct wk_lab_line_rule taken;
    struct rule rule;
    if (rules->count == 0 || rules->rule[0].at_us > now_us) {
        return NULL;
    }
    taken = rules->rule[0];
    rules->count--;
    memmove(&rules->rule[0], &rules->rule[1], rules->count * sizeof rules->rule[0]);
    const struct wk_text_span text = {taken.text, strlen(taken.text)};
    if (understand_rule(text, &rule) == NULL) { /* as it was when it was added */
        apply_rule(modems, &rule);
    }
    return taken.text;
}
