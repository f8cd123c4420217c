/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/plan.h"

#include <stdio.h>
#include <string.h>

#include "headend/stamp.h"

#define PRICE_MAX_E6 INT64_C(1000000000) /* 1000 per kWh, or per day */

struct reader {
    struct wk_plan *plan;
    bool has_standing;
    bool has_vat;
    bool has_zone;
    struct wk_plan_season *season; /* of the section */
    struct wk_plan_special *special;
    int rate;
    uint8_t weekdays; /* of the section [day ...], bit 0 = Monday */
};

static wk_err refuse(char *reason, size_t size, const char *text, const char *value)
{
    snprintf(reason, size, "%s: '%.80s'", text, value);
    return WK_E_FORMAT;
}

static wk_err parse_rate(const char *text, int *rate)
{
    if ((text[0] != 't' && text[0] != 'T') || text[1] < '1' || text[1] > '0' + WK_TARIFFS ||
        text[2] != '\0') {
        return WK_E_FORMAT;
    }
    *rate = text[1] - '1';
    return WK_OK;
}

static wk_err parse_weekday(const char *text, size_t size, int *weekday)
{
    static const char *const k_names[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++) {
        if (size == 3 && strncmp(text, k_names[i], 3) == 0) {
            *weekday = i;
            return WK_OK;
        }
    }
    return WK_E_FORMAT;
}

/* "mon-fri" or "sat,sun" or "mon" and mixtures, to a bit mask. */
static wk_err parse_weekdays(const char *text, uint8_t *mask)
{
    *mask = 0;
    while (*text != '\0') {
        const size_t size = strcspn(text, ",");
        const char *dash = memchr(text, '-', size);
        int first;
        int last;
        const size_t head = dash != NULL ? (size_t)(dash - text) : size;
        WK_TRY(parse_weekday(text, head, &first));
        last = first;
        if (dash != NULL) {
            WK_TRY(parse_weekday(dash + 1, size - head - 1, &last));
        }
        for (int day = first; day <= last; day++) {
            *mask |= (uint8_t)(1U << day);
        }
        text += size;
        text += *text == ',' ? 1 : 0;
    }
    return *mask != 0 ? WK_OK : WK_E_FORMAT;
}

/* "00:00 t2, 06:00 t1, 22:00 t2" */
static wk_err parse_bands(const char *text, struct wk_plan_day *day)
{
    day->count = 0;
    while (*text != '\0') {
        unsigned hour;
        unsigned minute;
        char name[4];
        int used = 0;
        int rate;
        if (day->count == WK_PLAN_BANDS ||
            sscanf(text, "%2u:%2u %3[^, ]%n", &hour, &minute, name, &used) != 3 || hour > 23 ||
            minute > 59 || parse_rate(name, &rate) != WK_OK) {
            return WK_E_FORMAT;
        }
        const uint16_t begin = (uint16_t)(hour * 60 + minute);
        if (day->count == 0 ? begin != 0 : begin <= day->minute[day->count - 1]) {
            return WK_E_FORMAT;
        }
        day->minute[day->count] = begin;
        day->rate[day->count++] = (uint8_t)rate;
        text += used;
        if (*text == ',') {
            text += 1 + strspn(text + 1, " ");
            if (*text == '\0') {
                return WK_E_FORMAT;
            }
        } else if (*text != '\0') {
            return WK_E_FORMAT;
        }
    }
    return day->count > 0 ? WK_OK : WK_E_FORMAT;
}

static struct wk_plan_season *find_season(struct wk_plan *plan, const char *name, size_t size)
{
    for (int i = 0; i < plan->seasons; i++) {
        if (strlen(plan->season[i].name) == size &&
            strncmp(plan->season[i].name, name, size) == 0) {
            return &plan->season[i];
        }
    }
    return NULL;
}

static struct wk_plan_season *add_season(struct wk_plan *plan, const char *name, size_t size)
{
    if (plan->seasons == WK_PLAN_SEASONS || size == 0 || size >= WK_PLAN_NAME) {
        return NULL;
    }
    struct wk_plan_season *season = &plan->season[plan->seasons++];
    memcpy(season->name, name, size);
    season->month = 1;
    season->day = 1;
    return season;
}

static wk_err begin_day(struct reader *reader, const char *name, char *reason, size_t size)
{
    const size_t head = strcspn(name, " ");
    reader->season = find_season(reader->plan, name, head);
    if (reader->season == NULL && head == 3 && strncmp(name, "all", 3) == 0 &&
        reader->plan->seasons == 0) {
        reader->season = add_season(reader->plan, name, head);
    }
    if (reader->season == NULL) {
        return refuse(reason, size, "no season of this name above", name);
    }
    const char *days = name + head + strspn(name + head, " ");
    if (parse_weekdays(days, &reader->weekdays) != WK_OK) {
        return refuse(reason, size, "weekdays must look like mon-fri or sat,sun", days);
    }
    return WK_OK;
}

static wk_err begin_special(struct reader *reader, const char *name, char *reason, size_t size)
{
    struct wk_civil date;
    if (wk_stamp_parse_date(name, &date) != WK_OK) {
        return refuse(reason, size, "a special day needs a date such as 2007-12-25", name);
    }
    if (reader->plan->specials == WK_PLAN_SPECIALS) {
        return refuse(reason, size, "too many special days", name);
    }
    reader->special = &reader->plan->special[reader->plan->specials++];
    *reader->special = (struct wk_plan_special){
        .year = date.year, .month = date.month, .day = date.day, .weekday = 7};
    return WK_OK;
}

static wk_err begin_section(struct reader *reader, const struct wk_ini_entry *entry,
                            char *reason, size_t size)
{
    if (strcmp(entry->kind, "plan") == 0 && *entry->name == '\0') {
        return WK_OK;
    }
    if (strcmp(entry->kind, "rate") == 0) {
        if (parse_rate(entry->name, &reader->rate) != WK_OK) {
            return refuse(reason, size, "a rate is t1, t2, t3 or t4", entry->name);
        }
        return WK_OK;
    }
    if (strcmp(entry->kind, "season") == 0) {
        const size_t length = strlen(entry->name);
        if (find_season(reader->plan, entry->name, length) != NULL) {
            return refuse(reason, size, "this season is there already", entry->name);
        }
        reader->season = add_season(reader->plan, entry->name, length);
        return reader->season != NULL
                   ? WK_OK
                   : refuse(reason, size, "too many seasons, or no name", entry->name);
    }
    if (strcmp(entry->kind, "day") == 0) {
        return begin_day(reader, entry->name, reason, size);
    }
    if (strcmp(entry->kind, "special") == 0) {
        return begin_special(reader, entry->name, reason, size);
    }
    return refuse(reason, size, "unknown section", entry->kind);
}

static bool is_currency(const char *text)
{
    for (int i = 0; i < 3; i++) {
        if (text[i] < 'A' || text[i] > 'Z') {
            return false;
        }
    }
    return text[3] == '\0';
}

static wk_err take_plan(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                        size_t size)
{
    struct wk_plan *plan = reader->plan;
    wk_err err = WK_OK;
    if (strcmp(e->key, "name") == 0) {
        err = wk_ini_text(e->value, plan->name, sizeof plan->name);
    } else if (strcmp(e->key, "currency") == 0) {
        err = is_currency(e->value) ? wk_ini_text(e->value, plan->currency, 4) : WK_E_FORMAT;
    } else if (strcmp(e->key, "zone") == 0) {
        reader->has_zone = true;
        err = wk_stamp_parse_zone(e->value, &plan->zone);
    } else if (strcmp(e->key, "standing_per_day") == 0) {
        reader->has_standing = true;
        err = wk_ini_decimal(e->value, 6, &plan->standing_e6_per_day);
        err = err == WK_OK && (plan->standing_e6_per_day < 0 ||
                               plan->standing_e6_per_day > PRICE_MAX_E6)
                  ? WK_E_RANGE
                  : err;
    } else if (strcmp(e->key, "vat_percent") == 0) {
        reader->has_vat = true;
        err = wk_ini_decimal(e->value, 4, &plan->vat_e6);
        err = err == WK_OK && (plan->vat_e6 < 0 || plan->vat_e6 > 1000000) ? WK_E_RANGE : err;
    } else {
        return refuse(reason, size, "unknown key", e->key);
    }
    return err == WK_OK ? WK_OK : refuse(reason, size, "bad value", e->value);
}

static wk_err take_rate(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                        size_t size)
{
    struct wk_plan_rate *rate = &reader->plan->rate[reader->rate];
    if (strcmp(e->key, "name") == 0) {
        return wk_ini_text(e->value, rate->name, sizeof rate->name) == WK_OK
                   ? WK_OK
                   : refuse(reason, size, "bad name", e->value);
    }
    if (strcmp(e->key, "price_per_kwh") != 0) {
        return refuse(reason, size, "unknown key", e->key);
    }
    rate->used = true;
    if (wk_ini_decimal(e->value, 6, &rate->price_e6_per_kwh) != WK_OK ||
        rate->price_e6_per_kwh < -PRICE_MAX_E6 || rate->price_e6_per_kwh > PRICE_MAX_E6) {
        return refuse(reason, size, "a price is a decimal with at most 6 decimals", e->value);
    }
    return WK_OK;
}

static wk_err take_season(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                          size_t size)
{
    char date[16];
    struct wk_civil civil;
    if (strcmp(e->key, "from") != 0) {
        return refuse(reason, size, "unknown key", e->key);
    }
    snprintf(date, sizeof date, "2004-%.8s", e->value); /* a leap year */
    if (wk_stamp_parse_date(date, &civil) != WK_OK) {
        return refuse(reason, size, "a season begins at MM-DD", e->value);
    }
    reader->season->month = civil.month;
    reader->season->day = civil.day;
    return WK_OK;
}

static wk_err take_day(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                       size_t size)
{
    struct wk_plan_day day = {0};
    if (strcmp(e->key, "bands") != 0) {
        return refuse(reason, size, "unknown key", e->key);
    }
    if (parse_bands(e->value, &day) != WK_OK) {
        return refuse(reason, size, "bands must look like 00:00 t2, 06:00 t1", e->value);
    }
    for (int i = 0; i < 7; i++) {
        if (((unsigned)reader->weekdays >> i & 1U) == 0) {
            continue;
        }
        if (reader->season->week[i].count != 0) {
            return refuse(reason, size, "a weekday has bands already in season",
                          reader->season->name);
        }
        reader->season->week[i] = day;
    }
    return WK_OK;
}

static wk_err take_special(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                           size_t size)
{
    int weekday;
    if (strcmp(e->key, "as") != 0) {
        return refuse(reason, size, "unknown key", e->key);
    }
    if (parse_weekday(e->value, strlen(e->value), &weekday) != WK_OK) {
        return refuse(reason, size, "a special day is billed as mon .. sun", e->value);
    }
    reader->special->weekday = (uint8_t)(weekday + 1);
    return WK_OK;
}

static wk_err take(void *context, const struct wk_ini_entry *e, char *reason, size_t size)
{
    struct reader *reader = context;
    if (e->key == NULL) {
        return begin_section(reader, e, reason, size);
    }
    if (strcmp(e->kind, "plan") == 0) {
        return take_plan(reader, e, reason, size);
    }
    if (strcmp(e->kind, "special") == 0) {
        return take_special(reader, e, reason, size);
    }
    if (strcmp(e->kind, "rate") == 0) {
        return take_rate(reader, e, reason, size);
    }
    if (strcmp(e->kind, "season") == 0) {
        return take_season(reader, e, reason, size);
    }
    if (strcmp(e->kind, "day") == 0) {
        return take_day(reader, e, reason, size);
    }
    return refuse(reason, size, "a key outside of a section", e->key);
}

static wk_err lacks(char why[WK_INI_WHY], const char *path, const char *what, const char *name)
{
    snprintf(why, WK_INI_WHY, "%.200s: %s%.100s", path, what, name);
    return WK_E_FORMAT;
}

static wk_err check_season(const struct wk_plan *plan, const struct wk_plan_season *season,
                           const char *path, char why[WK_INI_WHY])
{
    for (int i = 0; i < 7; i++) {
        const struct wk_plan_day *day = &season->week[i];
        if (day->count == 0) {
            return lacks(why, path, "not all weekdays have bands in season ", season->name);
        }
        for (int k = 0; k < day->count; k++) {
            if (!plan->rate[day->rate[k]].used) {
                return lacks(why, path, "a band uses a rate without a price in season ",
                             season->name);
            }
        }
    }
    return WK_OK;
}

static wk_err check(const struct reader *reader, const char *path, char why[WK_INI_WHY])
{
    const struct wk_plan *plan = reader->plan;
    if (plan->currency[0] == '\0' || !reader->has_zone || !reader->has_standing ||
        !reader->has_vat) {
        return lacks(why, path, "[plan] needs name, currency, zone, standing_per_day and ",
                     "vat_percent");
    }
    if (plan->seasons == 0) {
        return lacks(why, path, "there is no [day ...] section", "");
    }
    for (int i = 0; i < WK_TARIFFS; i++) {
        if (plan->rate[i].used && plan->rate[i].name[0] == '\0') {
            return lacks(why, path, "a rate has no name", "");
        }
    }
    for (int i = 0; i < plan->seasons; i++) {
        WK_TRY(check_season(plan, &plan->season[i], path, why));
    }
    return WK_OK;
}

wk_err wk_plan_read(const char *path, struct wk_plan *plan, char why[WK_INI_WHY])
{
    struct wk_plan fresh = {0};
    struct reader reader = {.plan = &fresh};
    WK_TRY(wk_ini_read(path, take, &reader, why));
    WK_TRY(check(&reader, path, why));
    *plan = fresh;
    return WK_OK;
}

/* The season that began last before the date; before the first of the year it is the one that
 * began last in the year before. */
static const struct wk_plan_season *season_of(const struct wk_plan *plan,
                                              const struct wk_civil *date)
{
    const int today = date->month * 100 + date->day;
    const struct wk_plan_season *latest = NULL;
    const struct wk_plan_season *begun = NULL;
    int latest_at = -1;
    int begun_at = -1;
    for (int i = 0; i < plan->seasons; i++) {
        const int at = plan->season[i].month * 100 + plan->season[i].day;
        if (at > latest_at) {
            latest_at = at;
            latest = &plan->season[i];
        }
        if (at <= today && at > begun_at) {
            begun_at = at;
            begun = &plan->season[i];
        }
    }
    return begun != NULL ? begun : latest;
}

static int weekday_of(const struct wk_plan *plan, const struct wk_civil *date)
{
    for (int i = 0; i < plan->specials; i++) {
        const struct wk_plan_special *special = &plan->special[i];
        if (special->year == date->year && special->month == date->month &&
            special->day == date->day) {
            return special->weekday;
        }
    }
    return date->weekday;
}

wk_err wk_plan_rate_at(const struct wk_plan *plan, int64_t utc_s, int *rate)
{
    struct wk_civil civil;
    WK_TRY(wk_civil_from_utc(&plan->zone, (struct wk_utc){utc_s}, &civil));
    const struct wk_plan_day *day =
        &season_of(plan, &civil)->week[weekday_of(plan, &civil) - 1];
    const int minute = civil.hour * 60 + civil.minute;
    int band = 0;
    while (band + 1 < day->count && day->minute[band + 1] <= minute) {
        band++;
    }
    *rate = day->rate[band];
    return WK_OK;
}
