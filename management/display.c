/* SPDX-License-Identifier: Apache-2.0 */
#include "management/display.h"

#include <string.h>

#include "management/objects.h"
#include "management/rooms.h"

#define US_PER_S     INT64_C(1000000)
#define VERSION      1
#define DECIMALS     6
#define LARGEST      INT64_C(99999999) /* what the digits hold */
#define CLASS_3      3
#define KILO_EXP     3
#define TEST_DECIMAL 4

/* ---- lists ------------------------------------------------------------------------------- */

#define ENERGY(c, e)                                                                           \
    {                                                                                          \
        .obis = {1, 0, c, 8, e, 255}, .decimals = 1, .kilo = 1                                 \
    }

static const struct wk_display_item k_auto[] = {
    {.special = WK_DISPLAY_DATE},
    {.special = WK_DISPLAY_TIME},
    ENERGY(1, 0),
    ENERGY(1, 1),
    ENERGY(1, 2),
    ENERGY(2, 0),
    {.obis = {1, 0, 1, 7, 0, 255}, .decimals = 3, .kilo = 1},
};

static const struct wk_display_item k_manual[] = {
    {.special = WK_DISPLAY_SEGMENTS},
    {.special = WK_DISPLAY_TARIFF},
    {.special = WK_DISPLAY_ALARMS},
    ENERGY(1, 0),
    ENERGY(1, 1),
    ENERGY(1, 2),
    ENERGY(1, 3),
    ENERGY(1, 4),
    ENERGY(2, 0),
    ENERGY(3, 0),
    ENERGY(4, 0),
    {.obis = {1, 0, 1, 7, 0, 255}, .decimals = 3, .kilo = 1},
    {.obis = {1, 0, 32, 7, 0, 255}, .decimals = 1},
    {.obis = {1, 0, 31, 7, 0, 255}, .decimals = 2},
    {.obis = {1, 0, 14, 7, 0, 255}, .decimals = 2},
    {.special = WK_DISPLAY_DATE},
    {.special = WK_DISPLAY_TIME},
    {.obis = {1, 0, 52, 7, 0, 255}, .decimals = 1},
    {.obis = {1, 0, 72, 7, 0, 255}, .decimals = 1},
    {.obis = {1, 0, 51, 7, 0, 255}, .decimals = 2},
    {.obis = {1, 0, 71, 7, 0, 255}, .decimals = 2},
};
#define OF_THREE_PHASES 4 /* at the end of the manual list */

static const struct wk_display_item k_test[] = {ENERGY(1, 0), ENERGY(2, 0), ENERGY(3, 0),
                                                ENERGY(4, 0)};

static void fill(struct wk_display *display, wk_display_list list,
                 const struct wk_display_item *items, size_t count)
{
    memcpy(display->item[list], items, count * sizeof *items);
    display->count[list] = (uint8_t)count;
}

void wk_display_init(struct wk_display *display, uint8_t phases)
{
    const size_t fewer = phases == 3 ? 0 : OF_THREE_PHASES;
    *display = (struct wk_display){.scroll_s = 8, .idle_s = 60, .test_min = 15};
    fill(display, WK_DISPLAY_AUTO, k_auto, sizeof k_auto / sizeof k_auto[0]);
    fill(display, WK_DISPLAY_MANUAL, k_manual, sizeof k_manual / sizeof k_manual[0] - fewer);
    fill(display, WK_DISPLAY_TEST, k_test, sizeof k_test / sizeof k_test[0]);
}

static const char *item_fault(const struct wk_display_item *item,
                              const struct wk_object_table *table)
{
    if (item->special >= WK_DISPLAY_SPECIALS) {
        return "is of no kind there is";
    }
    if (item->decimals > DECIMALS || item->kilo > 1) {
        return "has more than 6 decimals, or another prefix than kilo";
    }
    const bool missing = item->special == WK_DISPLAY_REGISTER &&
                         wk_object_find(table, CLASS_3, item->obis) == NULL;
    return missing ? "is no register of this meter" : NULL;
}

wk_err wk_display_set(struct wk_display *display, wk_display_list list,
                      const struct wk_display_item *items, uint8_t count,
                      const struct wk_object_table *table, struct wk_display_fault *fault)
{
    *fault = (struct wk_display_fault){.number = 0, .reason = "must have 1 to 24 items"};
    if ((unsigned)list >= WK_DISPLAY_LISTS || count < 1 || count > WK_DISPLAY_ITEMS) {
        return WK_E_RANGE;
    }
    for (uint8_t i = 0; i < count; i++) {
        fault->number = (uint8_t)(i + 1);
        fault->reason = item_fault(&items[i], table);
        if (fault->reason != NULL) {
            return WK_E_RANGE;
        }
    }
    fill(display, list, items, count);
    display->at = display->list == list ? 0 : display->at;
    return WK_OK;
}

/* ---- scrolling --------------------------------------------------------------------------- */

static void change(struct wk_display *display, wk_display_list list, int64_t t_us)
{
    display->list = list;
    display->at = 0;
    display->since_us = t_us;
}

static void advance(struct wk_display *display, int64_t t_us)
{
    const uint8_t count = display->count[display->list];
    display->at = (uint8_t)(display->at + 1 < count ? display->at + 1 : 0);
    display->since_us = t_us;
}

void wk_display_step(struct wk_display *display, int64_t t_us, bool pressed)
{
    const int64_t shown_us = t_us - display->since_us;
    if (display->list == WK_DISPLAY_TEST && t_us >= display->test_us) {
        change(display, WK_DISPLAY_AUTO, t_us);
    } else if (pressed && display->list == WK_DISPLAY_AUTO) {
        change(display, WK_DISPLAY_MANUAL, t_us);
    } else if (pressed) {
        advance(display, t_us);
    } else if (display->list == WK_DISPLAY_MANUAL && shown_us >= display->idle_s * US_PER_S) {
        change(display, WK_DISPLAY_AUTO, t_us);
    } else if (display->list == WK_DISPLAY_AUTO && shown_us >= display->scroll_s * US_PER_S) {
        advance(display, t_us);
    }
}

void wk_display_test(struct wk_display *display, int64_t t_us, bool on)
{
    if (on || display->list == WK_DISPLAY_TEST) {
        change(display, on ? WK_DISPLAY_TEST : WK_DISPLAY_AUTO, t_us);
    }
    display->test_us = t_us + display->test_min * 60 * US_PER_S;
}

/* ---- text -------------------------------------------------------------------------------- */

static void put(char *text, size_t room, size_t *at, char c)
{
    if (*at + 1 < room) {
        text[(*at)++] = c;
        text[*at] = '\0';
    }
}

static void put_number(char *text, size_t room, size_t *at, uint64_t value, int digits)
{
    char reversed[20];
    int count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || count < digits);
    while (count > 0) {
        put(text, room, at, reversed[--count]);
    }
}

static void put_code(struct wk_display_text *text, uint8_t c, uint8_t d, uint8_t e)
{
    size_t at = 0;
    put_number(text->code, sizeof text->code, &at, c, 1);
    put(text->code, sizeof text->code, &at, '.');
    put_number(text->code, sizeof text->code, &at, d, 1);
    put(text->code, sizeof text->code, &at, '.');
    put_number(text->code, sizeof text->code, &at, e, 1);
}

static void put_text(char *to, size_t room, const char *from)
{
    size_t at = 0;
    to[0] = '\0';
    for (; *from != '\0'; from++) {
        put(to, room, &at, *from);
    }
}

/* Three pairs with a separator: a time, a date. */
static void put_pairs(struct wk_display_text *text, const uint8_t pair[3], char separator)
{
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        put_number(text->value, sizeof text->value, &at, pair[i], 2);
        if (i < 2) {
            put(text->value, sizeof text->value, &at, separator);
        }
    }
}

static const char *unit_text(uint8_t unit, bool kilo)
{
    static const struct {
        uint8_t unit;
        const char *plain;
        const char *kilo;
    } k_units[] = {
        {8, "deg", ""},    {27, "W", "kW"},     {28, "VA", "kVA"},     {29, "var", "kvar"},
        {30, "Wh", "kWh"}, {31, "VAh", "kVAh"}, {32, "varh", "kvarh"}, {33, "A", "kA"},
        {35, "V", "kV"},   {44, "Hz", "kHz"},   {56, "%", ""},
    };
    for (size_t i = 0; i < sizeof k_units / sizeof k_units[0]; i++) {
        if (k_units[i].unit == unit) {
            return kilo ? k_units[i].kilo : k_units[i].plain;
        }
    }
    return "";
}

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    for (int i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

/* value * 10^scaler in the unit wanted, cut off after `decimals`, as so many digits as there is
 * room for: a counter rolls over like a drum. */
static void put_value(struct wk_display_text *text, int64_t value, int scaler, uint8_t decimals)
{
    size_t at = 0;
    const bool negative = value < 0;
    uint64_t size = negative ? 0U - (uint64_t)value : (uint64_t)value;
    const int shift = scaler + decimals;
    size = shift < 0 ? size / (uint64_t)power_of_ten(-shift)
                     : size * (uint64_t)power_of_ten(shift);
    size %= (uint64_t)(LARGEST + 1);
    const uint64_t point = (uint64_t)power_of_ten(decimals);
    if (negative) {
        put(text->value, sizeof text->value, &at, '-');
    }
    put_number(text->value, sizeof text->value, &at, size / point, 1);
    if (decimals > 0) {
        put(text->value, sizeof text->value, &at, '.');
        put_number(text->value, sizeof text->value, &at, size % point, decimals);
    }
}

static void show_register(const struct wk_display_item *item,
                          const struct wk_object_table *table, bool is_test,
                          struct wk_display_text *text)
{
    const struct wk_object *object = wk_object_find(table, CLASS_3, item->obis);
    const struct wk_rooms *rooms = table->meter;
    int64_t value = 0;
    int8_t scaler = 0;
    uint8_t unit = 0;
    put_code(text, item->obis[2], item->obis[3], item->obis[4]);
    if (object == NULL || wk_objects_scale(object->selector, &scaler, &unit) != WK_OK ||
        wk_objects_value_in(rooms, &rooms->shown.record, object->selector, &value) != WK_OK) {
        put_text(text->value, sizeof text->value, "--------");
        return;
    }
    const uint8_t decimals =
        is_test && item->decimals < TEST_DECIMAL ? TEST_DECIMAL : item->decimals;
    put_value(text, value, scaler - (item->kilo != 0 ? KILO_EXP : 0), decimals);
    put_text(text->unit, sizeof text->unit, unit_text(unit, item->kilo != 0));
}

static void show_clock(const struct wk_rooms *rooms, bool is_time, struct wk_display_text *text)
{
    struct wk_civil civil;
    const int64_t now_us = wk_clock_now_us(&rooms->clock, rooms->t_us);
    put_code(text, 0, 9, is_time ? 1 : 2);
    if (wk_civil_from_utc(&rooms->clock.zone, wk_clock_utc(now_us), &civil) != WK_OK) {
        put_text(text->value, sizeof text->value, "--------");
        return;
    }
    const uint8_t time[3] = {civil.hour, civil.minute, civil.second};
    const uint8_t date[3] = {(uint8_t)(civil.year % 100), civil.month, civil.day};
    put_pairs(text, is_time ? time : date, is_time ? ':' : '-');
}

static void show_alarms(const struct wk_rooms *rooms, struct wk_display_text *text)
{
    size_t at = 0;
    put_text(text->code, sizeof text->code, "F.F");
    for (int shift = 28; shift >= 0; shift -= 4) {
        put(text->value, sizeof text->value, &at,
            "0123456789ABCDEF"[rooms->alarm.raised[0] >> shift & 0xFU]);
    }
}

void wk_display_show(const struct wk_display *display, const struct wk_object_table *table,
                     struct wk_display_text *text)
{
    const struct wk_rooms *rooms = table->meter;
    const struct wk_display_item *item = &display->item[display->list][display->at];
    *text = (struct wk_display_text){.is_test = display->list == WK_DISPLAY_TEST};
    size_t at = 0;
    switch ((wk_display_special)item->special) {
    case WK_DISPLAY_SEGMENTS:
        put_text(text->code, sizeof text->code, "8.8.8");
        put_text(text->value, sizeof text->value, "88888888");
        break;
    case WK_DISPLAY_TIME:
    case WK_DISPLAY_DATE:
        show_clock(rooms, item->special == WK_DISPLAY_TIME, text);
        break;
    case WK_DISPLAY_TARIFF:
        put_code(text, 0, 2, 2);
        put(text->value, sizeof text->value, &at, 'T');
        put_number(text->value, sizeof text->value, &at, rooms->tariff.current, 1);
        break;
    case WK_DISPLAY_ALARMS:
        show_alarms(rooms, text);
        break;
    case WK_DISPLAY_REGISTER:
    case WK_DISPLAY_SPECIALS:
    default:
        show_register(item, table, text->is_test, text);
        break;
    }
}

/* ---- octets for the store ---------------------------------------------------------------- */

void wk_display_pack(const struct wk_display *display, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u8(out, display->scroll_s);
    wk_bytes_out_u8(out, display->idle_s);
    wk_bytes_out_u8(out, display->test_min);
    for (int list = 0; list < WK_DISPLAY_LISTS; list++) {
        wk_bytes_out_u8(out, display->count[list]);
        for (uint8_t i = 0; i < display->count[list]; i++) {
            const struct wk_display_item *item = &display->item[list][i];
            wk_bytes_out_u8(out, item->special);
            wk_bytes_out_put(out, item->obis, sizeof item->obis);
            wk_bytes_out_u8(out, item->decimals);
            wk_bytes_out_u8(out, item->kilo);
        }
    }
}

wk_err wk_display_unpack(struct wk_display *display, struct wk_bytes_in *in)
{
    struct wk_display read = {.list = WK_DISPLAY_AUTO};
    bool sound = wk_bytes_in_u8(in) == VERSION;
    read.scroll_s = wk_bytes_in_u8(in);
    read.idle_s = wk_bytes_in_u8(in);
    read.test_min = wk_bytes_in_u8(in);
    for (int list = 0; list < WK_DISPLAY_LISTS; list++) {
        read.count[list] = wk_bytes_in_u8(in);
        if (read.count[list] < 1 || read.count[list] > WK_DISPLAY_ITEMS) {
            return WK_E_FORMAT;
        }
        for (uint8_t i = 0; i < read.count[list]; i++) {
            struct wk_display_item *item = &read.item[list][i];
            item->special = wk_bytes_in_u8(in);
            wk_bytes_in_copy(in, item->obis, sizeof item->obis);
            item->decimals = wk_bytes_in_u8(in);
            item->kilo = wk_bytes_in_u8(in);
            sound = sound && item->special < WK_DISPLAY_SPECIALS &&
                    item->decimals <= DECIMALS && item->kilo <= 1;
        }
    }
    WK_TRY(in->fault);
    if (!sound) {
        return WK_E_FORMAT;
    }
    *display = read;
    return WK_OK;
}
