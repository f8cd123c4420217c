/* SPDX-License-Identifier: Apache-2.0 */
#include "view/dlt645_map.h"

#include <string.h>

#define BLOCK_OCTET  0xFFU
#define ENERGY       0x00U /* DI3 */
#define DEMAND       0x01U
#define ENERGY_SIZE  4
#define ENERGY_DIGIT 1 /* 10 Wh, 0.01 kWh */
#define DEMAND_SIZE  3
#define SIGN         0x80
#define SUNDAY       7
#define MINUTE_S     60
#define TURN         3600 /* tenths of a degree */
#define BCD_MOST     9    /* octets */
#define PROTOCOL     "DL/T645-2007"
#define NOTHING      0xFF

/* ---- the list ---------------------------------------------------------------------------- */

#define KINDS (sizeof k_energies / sizeof k_energies[0])

/* Energies of all phases by DI2: the total, then by tariff. */
static const uint8_t k_energies[][1 + WK_DLT645_TARIFFS] = {
    {WK_POINT_THROUGHPUT},
    {WK_POINT_IMPORT, WK_POINT_IMPORT_T1, WK_POINT_IMPORT_T2, WK_POINT_IMPORT_T3,
     WK_POINT_IMPORT_T4},
    {WK_POINT_EXPORT, WK_POINT_EXPORT_T1, WK_POINT_EXPORT_T2, WK_POINT_EXPORT_T3,
     WK_POINT_EXPORT_T4},
    {WK_POINT_VARH_IMPORT},
    {WK_POINT_VARH_EXPORT},
    {WK_POINT_VARH_Q1},
    {WK_POINT_VARH_Q2},
    {WK_POINT_VARH_Q3},
    {WK_POINT_VARH_Q4},
    {WK_POINT_VAH_IMPORT},
    {WK_POINT_VAH_EXPORT},
};

#define SIGNED(di, octets, exponent, point)                                                    \
    {                                                                                          \
        di, WK_DLT645_SIGNED, octets, exponent, point                                          \
    }

static const struct wk_dlt645_item k_items[] = {
    {0x00150000, WK_DLT645_DRUM, ENERGY_SIZE, ENERGY_DIGIT, WK_POINT_IMPORT_L1},
    {0x00160000, WK_DLT645_DRUM, ENERGY_SIZE, ENERGY_DIGIT, WK_POINT_EXPORT_L1},
    {0x00290000, WK_DLT645_DRUM, ENERGY_SIZE, ENERGY_DIGIT, WK_POINT_IMPORT_L2},
    {0x002A0000, WK_DLT645_DRUM, ENERGY_SIZE, ENERGY_DIGIT, WK_POINT_EXPORT_L2},
    {0x003D0000, WK_DLT645_DRUM, ENERGY_SIZE, ENERGY_DIGIT, WK_POINT_IMPORT_L3},
    {0x003E0000, WK_DLT645_DRUM, ENERGY_SIZE, ENERGY_DIGIT, WK_POINT_EXPORT_L3},
    {0x01010000, WK_DLT645_MAXIMUM, 8, -1, WK_POINT_DEMAND_MAX},
    SIGNED(0x02010100, 2, -1, WK_POINT_U_L1),
    SIGNED(0x02010200, 2, -1, WK_POINT_U_L2),
    SIGNED(0x02010300, 2, -1, WK_POINT_U_L3),
    SIGNED(0x02020100, 3, -3, WK_POINT_I_L1),
    SIGNED(0x02020200, 3, -3, WK_POINT_I_L2),
    SIGNED(0x02020300, 3, -3, WK_POINT_I_L3),
    SIGNED(0x02030000, 3, -1, WK_POINT_P),
    SIGNED(0x02030100, 3, -1, WK_POINT_P_L1),
    SIGNED(0x02030200, 3, -1, WK_POINT_P_L2),
    SIGNED(0x02030300, 3, -1, WK_POINT_P_L3),
    SIGNED(0x02040000, 3, -1, WK_POINT_Q),
    SIGNED(0x02040100, 3, -1, WK_POINT_Q_L1),
    SIGNED(0x02040200, 3, -1, WK_POINT_Q_L2),
    SIGNED(0x02040300, 3, -1, WK_POINT_Q_L3),
    SIGNED(0x02050000, 3, -1, WK_POINT_S),
    SIGNED(0x02050100, 3, -1, WK_POINT_S_L1),
    SIGNED(0x02050200, 3, -1, WK_POINT_S_L2),
    SIGNED(0x02050300, 3, -1, WK_POINT_S_L3),
    SIGNED(0x02060000, 2, -3, WK_POINT_PF),
    SIGNED(0x02060100, 2, -3, WK_POINT_PF_L1),
    SIGNED(0x02060200, 2, -3, WK_POINT_PF_L2),
    SIGNED(0x02060300, 2, -3, WK_POINT_PF_L3),
    {0x02070100, WK_DLT645_ANGLE, 2, -1, WK_POINT_ANGLE_L1},
    {0x02070200, WK_DLT645_ANGLE, 2, -1, WK_POINT_ANGLE_L2},
    {0x02070300, WK_DLT645_ANGLE, 2, -1, WK_POINT_ANGLE_L3},
    SIGNED(0x02080100, 2, -2, WK_POINT_THD_U_L1),
    SIGNED(0x02080200, 2, -2, WK_POINT_THD_U_L2),
    SIGNED(0x02080300, 2, -2, WK_POINT_THD_U_L3),
    SIGNED(0x02090100, 2, -2, WK_POINT_THD_I_L1),
    SIGNED(0x02090200, 2, -2, WK_POINT_THD_I_L2),
    SIGNED(0x02090300, 2, -2, WK_POINT_THD_I_L3),
    SIGNED(0x02800001, 3, -3, WK_POINT_I_N),
    SIGNED(0x02800002, 2, -2, WK_POINT_HZ),
    SIGNED(0x02800004, 3, -1, WK_POINT_DEMAND_NOW),
    {0x04000101, WK_DLT645_DATE, 4, 0, WK_POINT_CLOCK},
    {0x04000102, WK_DLT645_TIME, 3, 0, WK_POINT_CLOCK},
    {0x04000103, WK_DLT645_DEMAND_MINUTES, 1, 0, WK_POINT_DEMAND_PERIOD},
    {0x04000104, WK_DLT645_SLIDE_MINUTES, 1, 0, WK_POINT_DEMAND_PERIOD},
    {0x04000204, WK_DLT645_CONSTANT, 1, WK_DLT645_TARIFFS, WK_POINT_NONE},
    {0x04000401, WK_DLT645_OWN_ADDRESS, WK_DLT645_ADDRESS, 0, WK_POINT_NONE},
    {0x04000402, WK_DLT645_OWN_ADDRESS, WK_DLT645_ADDRESS, 0, WK_POINT_NONE},
    {0x04000403, WK_DLT645_POINT_TEXT, 32, 0, WK_POINT_SERIAL},
    {0x0400040D, WK_DLT645_PROTOCOL, 16, 0, WK_POINT_NONE},
    {0x04000501, WK_DLT645_STATE_1, 2, 0, WK_POINT_P},
    {0x04000502, WK_DLT645_STATE_2, 2, 0, WK_POINT_P},
    {0x04000503, WK_DLT645_STATE_3, 2, 0, WK_POINT_SUPPLY},
    {0x04000504, WK_DLT645_ABSENT, 2, 0, WK_POINT_NONE},
    {0x04000505, WK_DLT645_ABSENT, 2, 0, WK_POINT_NONE},
    {0x04000506, WK_DLT645_ABSENT, 2, 0, WK_POINT_NONE},
    {0x04000507, WK_DLT645_ABSENT, 2, 0, WK_POINT_NONE},
    /* what the combined energies are made of: import + export, QI + QII, QIII + QIV */
    {0x04000601, WK_DLT645_CONSTANT, 1, 0x05, WK_POINT_NONE},
    {0x04000602, WK_DLT645_CONSTANT, 1, 0x05, WK_POINT_NONE},
    {0x04000603, WK_DLT645_CONSTANT, 1, 0x50, WK_POINT_NONE},
    {0x04800001, WK_DLT645_POINT_TEXT, 32, 0, WK_POINT_FIRMWARE},
};

struct wk_dlt645_item wk_dlt645_item_of(size_t n)
{
    const size_t energies = KINDS * (1 + WK_DLT645_TARIFFS);
    if (n >= energies) {
        const size_t at = n - energies;
        return at < sizeof k_items / sizeof k_items[0] ? k_items[at]
                                                       : (struct wk_dlt645_item){.form = 0};
    }
    const uint32_t kind = (uint32_t)(n / (1 + WK_DLT645_TARIFFS));
    const uint32_t tariff = (uint32_t)(n % (1 + WK_DLT645_TARIFFS));
    const uint8_t point = k_energies[kind][tariff];
    return (struct wk_dlt645_item){.di = kind << 16 | tariff << 8,
                                   .form = point != WK_POINT_NONE ? WK_DLT645_DRUM
                                                                  : WK_DLT645_ABSENT,
                                   .octets = ENERGY_SIZE,
                                   .exponent = ENERGY_DIGIT,
                                   .point = point};
}

/* ---- numbers ----------------------------------------------------------------------------- */

/* Packed BCD, the lowest octet first. */
static wk_err put_bcd(struct wk_bytes_out *out, int64_t value, uint8_t octets)
{
    uint8_t bcd[BCD_MOST];
    for (uint8_t n = 0; n < octets; n++) {
        bcd[n] = (uint8_t)(value % 10 | value / 10 % 10 << 4);
        value /= 100;
    }
    if (value != 0) {
        return WK_E_RANGE;
    }
    wk_bytes_out_put(out, bcd, octets);
    return WK_OK;
}

static wk_err scaled(struct wk_dlt645_map *map, wk_point point, int exponent, int64_t *value)
{
    struct wk_point_value read;
    WK_TRY(wk_point_read(&map->points, point, &read));
    return wk_point_scaled(&read, exponent, value);
}

/* Signed: the digits leave the highest bit to the sign. */
static wk_err put_signed(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                         struct wk_bytes_out *out)
{
    int64_t value = 0;
    WK_TRY(scaled(map, (wk_point)item->point, item->exponent, &value));
    const bool is_negative = value < 0;
    const int64_t size = is_negative ? -value : value;
    uint8_t octets[BCD_MOST];
    struct wk_bytes_out magnitude = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(put_bcd(&magnitude, size, item->octets));
    if (octets[item->octets - 1] >= SIGN) {
        return WK_E_RANGE;
    }
    octets[item->octets - 1] |= is_negative ? SIGN : 0;
    wk_bytes_out_put(out, octets, item->octets);
    return WK_OK;
}

static wk_err put_angle(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                        struct wk_bytes_out *out)
{
    int64_t tenths = 0;
    WK_TRY(scaled(map, (wk_point)item->point, item->exponent, &tenths));
    return put_bcd(out, (tenths % TURN + TURN) % TURN, item->octets);
}

static wk_err put_maximum(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                          struct wk_bytes_out *out)
{
    struct wk_datetime at;
    struct wk_dlt645_item power = *item;
    power.octets = DEMAND_SIZE;
    WK_TRY(put_signed(map, &power, out));
    const bool has_time =
        wk_point_read_time(&map->points, WK_POINT_DEMAND_MAX_TIME, &at) == WK_OK &&
        at.year != WK_DATETIME_ANY_YEAR;
    if (!has_time) {
        at = (struct wk_datetime){.year = 0};
    }
    const uint8_t fields[] = {at.minute, at.hour, at.day, at.month, (uint8_t)(at.year % 100)};
    for (size_t n = 0; n < sizeof fields; n++) {
        WK_TRY(put_bcd(out, fields[n], 1));
    }
    return WK_OK;
}

/* ---- parameters -------------------------------------------------------------------------- */

static wk_err put_clock(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                        struct wk_bytes_out *out)
{
    struct wk_datetime now;
    WK_TRY(wk_point_read_time(&map->points, WK_POINT_CLOCK, &now));
    const bool is_date = item->form == WK_DLT645_DATE;
    const uint8_t date[] = {now.weekday == SUNDAY ? 0 : now.weekday, now.day, now.month,
                            (uint8_t)(now.year % 100)};
    const uint8_t time[] = {now.second, now.minute, now.hour};
    const uint8_t *fields = is_date ? date : time;
    const size_t count = is_date ? sizeof date : sizeof time;
    for (size_t n = 0; n < count; n++) {
        WK_TRY(put_bcd(out, fields[n], 1));
    }
    return WK_OK;
}

static wk_err put_minutes(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                          struct wk_bytes_out *out)
{
    int64_t period_s = 0;
    int64_t periods = 1;
    WK_TRY(scaled(map, WK_POINT_DEMAND_PERIOD, 0, &period_s));
    if (item->form == WK_DLT645_DEMAND_MINUTES) {
        WK_TRY(scaled(map, WK_POINT_DEMAND_PERIODS, 0, &periods));
    }
    return put_bcd(out, period_s * periods / MINUTE_S, item->octets);
}

/* The last octet first; what the text leaves is zero. */
static void put_text(struct wk_bytes_out *out, const char *text, uint8_t octets)
{
    const size_t size = strlen(text);
    for (size_t n = octets; n > 0; n--) {
        wk_bytes_out_u8(out, n <= size ? (uint8_t)text[n - 1] : 0);
    }
}

static wk_err put_point_text(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                             struct wk_bytes_out *out)
{
    char text[WK_POINT_TEXT];
    WK_TRY(wk_point_read_text(&map->points, (wk_point)item->point, text));
    put_text(out, text, item->octets);
    return WK_OK;
}

/* 1 if a number is negative; 0 also if there is none. */
static unsigned is_reverse(struct wk_dlt645_map *map, wk_point point)
{
    int64_t value = 0;
    return scaled(map, point, -3, &value) == WK_OK && value < 0 ? 1 : 0;
}

/* The state words of annex C. */
static wk_err put_state(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                        struct wk_bytes_out *out)
{
    unsigned state = 0;
    int64_t number = 0;
    if (item->form == WK_DLT645_STATE_1) {
        WK_TRY(scaled(map, WK_POINT_DEMAND_PERIODS, 0, &number));
        state = (number == 1 ? 1U << 1 : 0) | is_reverse(map, WK_POINT_P) << 4 |
                is_reverse(map, WK_POINT_Q) << 5;
    } else if (item->form == WK_DLT645_STATE_2) {
        state = is_reverse(map, WK_POINT_P_L1) | is_reverse(map, WK_POINT_P_L2) << 1 |
                is_reverse(map, WK_POINT_P_L3) << 2 | is_reverse(map, WK_POINT_Q_L1) << 4 |
                is_reverse(map, WK_POINT_Q_L2) << 5 | is_reverse(map, WK_POINT_Q_L3) << 6;
    } else {
        WK_TRY(scaled(map, WK_POINT_SUPPLY, 0, &number));
        state = number == 0 ? 1U << 4 : 0;
    }
    wk_bytes_out_u8(out, (uint8_t)state);
    wk_bytes_out_u8(out, 0);
    return WK_OK;
}

/* ---- items ------------------------------------------------------------------------------- */

static wk_err put_item(struct wk_dlt645_map *map, const struct wk_dlt645_item *item,
                       struct wk_bytes_out *out)
{
    struct wk_point_value value;
    switch ((wk_dlt645_form)item->form) {
    case WK_DLT645_DRUM:
        WK_TRY(wk_point_read(&map->points, (wk_point)item->point, &value));
        return wk_point_put_bcd(out, &value, item->exponent, item->octets);
    case WK_DLT645_SIGNED:
        return put_signed(map, item, out);
    case WK_DLT645_ANGLE:
        return put_angle(map, item, out);
    case WK_DLT645_MAXIMUM:
        return put_maximum(map, item, out);
    case WK_DLT645_DATE:
    case WK_DLT645_TIME:
        return put_clock(map, item, out);
    case WK_DLT645_DEMAND_MINUTES:
    case WK_DLT645_SLIDE_MINUTES:
        return put_minutes(map, item, out);
    case WK_DLT645_CONSTANT:
        wk_bytes_out_u8(out, (uint8_t)item->exponent);
        return WK_OK;
    case WK_DLT645_OWN_ADDRESS:
        wk_bytes_out_put(out, map->address, sizeof map->address);
        return WK_OK;
    case WK_DLT645_POINT_TEXT:
        return put_point_text(map, item, out);
    case WK_DLT645_PROTOCOL:
        put_text(out, PROTOCOL, item->octets);
        return WK_OK;
    case WK_DLT645_STATE_1:
    case WK_DLT645_STATE_2:
    case WK_DLT645_STATE_3:
        return put_state(map, item, out);
    case WK_DLT645_ABSENT:
    default:
        return WK_E_NOT_FOUND;
    }
}

/* Whether an item is what `di` asks for, or of its block. */
static bool is_asked(uint32_t di, const struct wk_dlt645_item *item)
{
    for (unsigned shift = 0; shift < 32; shift += 8) {
        const uint32_t asked = di >> shift & BLOCK_OCTET;
        const bool is_block = asked == BLOCK_OCTET && shift != 24;
        if (!is_block && asked != (item->di >> shift & BLOCK_OCTET)) {
            return false;
        }
    }
    return true;
}

/* Blocks of settlement days: there is but the present one. */
static bool asks_for_past(uint32_t di)
{
    const uint32_t kind = di >> 24;
    return (kind == ENERGY || kind == DEMAND) && (di & BLOCK_OCTET) != 0;
}

wk_err wk_dlt645_map_read(struct wk_dlt645_map *map, uint32_t di, struct wk_bytes_out *out)
{
    bool is_there = false;
    if (asks_for_past(di)) {
        return WK_E_NOT_FOUND;
    }
    for (size_t n = 0;; n++) {
        const struct wk_dlt645_item item = wk_dlt645_item_of(n);
        if (item.form == 0) {
            break;
        }
        if (!is_asked(di, &item)) {
            continue;
        }
        const size_t begin = out->size;
        if (put_item(map, &item, out) == WK_OK) {
            is_there = true;
            continue;
        }
        out->size = begin;
        for (uint8_t octet = 0; octet < item.octets; octet++) {
            wk_bytes_out_u8(out, NOTHING);
        }
    }
    return !is_there ? WK_E_NOT_FOUND : out->fault;
}
