/* SPDX-License-Identifier: Apache-2.0 */
#include "view/p1.h"

#include <string.h>

#include "view/modbus_crc.h"

#define MAKER       3
#define KILO        3
#define TYPE_MOST   99
#define CHANNEL_OF  6 /* digits of a channel's reading before the point ... */
#define CHANNEL_DEC 3 /* ... and behind it */

typedef enum form {
    FORM_VERSION, /* of the telegram */
    FORM_TIME,
    FORM_ID, /* a text, as hexadecimal digits of its octets */
    FORM_NUMBER,
    FORM_EMPTY, /* what the meter never says */
} form;

struct row {
    const char *obis;
    const char *unit; /* "": none */
    uint8_t form;
    uint8_t point;
    uint8_t digits;
    uint8_t decimals;
    int8_t exponent;
    uint8_t since; /* version; 4: both */
};

#define ENERGY(obis, point)                                                                    \
    {                                                                                          \
        obis, "kWh", FORM_NUMBER, point, 6, 3, KILO, 4                                         \
    }
#define POWER(obis, point)                                                                     \
    {                                                                                          \
        obis, "kW", FORM_NUMBER, point, 2, 3, KILO, 4                                          \
    }
#define COUNT(obis, point)                                                                     \
    {                                                                                          \
        obis, "", FORM_NUMBER, point, 5, 0, 0, 4                                               \
    }
#define VOLTAGE(obis, point)                                                                   \
    {                                                                                          \
        obis, "V", FORM_NUMBER, point, 3, 1, 0, 5                                              \
    }
#define CURRENT(obis, point)                                                                   \
    {                                                                                          \
        obis, "A", FORM_NUMBER, point, 3, 0, 0, 4                                              \
    }

static const struct row k_rows[] = {
    {"1-3:0.2.8", "", FORM_VERSION, 0, 2, 0, 0, 4},
    {"0-0:1.0.0", "", FORM_TIME, WK_POINT_CLOCK, 0, 0, 0, 4},
    {"0-0:96.1.1", "", FORM_ID, WK_POINT_SERIAL, 0, 0, 0, 4},
    ENERGY("1-0:1.8.1", WK_POINT_IMPORT_T1),
    ENERGY("1-0:1.8.2", WK_POINT_IMPORT_T2),
    ENERGY("1-0:2.8.1", WK_POINT_EXPORT_T1),
    ENERGY("1-0:2.8.2", WK_POINT_EXPORT_T2),
    ENERGY("1-0:1.8.0", WK_POINT_IMPORT),
    ENERGY("1-0:2.8.0", WK_POINT_EXPORT),
    {"0-0:96.14.0", "", FORM_NUMBER, WK_POINT_TARIFF, 4, 0, 0, 4},
    POWER("1-0:1.7.0", WK_POINT_P_IMPORT),
    POWER("1-0:2.7.0", WK_POINT_P_EXPORT),
    COUNT("0-0:96.7.21", WK_POINT_FAILURES),
    COUNT("0-0:96.7.9", WK_POINT_LONG_FAILURES),
    COUNT("1-0:32.32.0", WK_POINT_SAGS_L1),
    COUNT("1-0:52.32.0", WK_POINT_SAGS_L2),
    COUNT("1-0:72.32.0", WK_POINT_SAGS_L3),
    COUNT("1-0:32.36.0", WK_POINT_SWELLS_L1),
    COUNT("1-0:52.36.0", WK_POINT_SWELLS_L2),
    COUNT("1-0:72.36.0", WK_POINT_SWELLS_L3),
    {"0-0:96.13.0", "", FORM_EMPTY, 0, 0, 0, 0, 4},
    VOLTAGE("1-0:32.7.0", WK_POINT_U_L1),
    VOLTAGE("1-0:52.7.0", WK_POINT_U_L2),
    VOLTAGE("1-0:72.7.0", WK_POINT_U_L3),
    CURRENT("1-0:31.7.0", WK_POINT_I_L1),
    CURRENT("1-0:51.7.0", WK_POINT_I_L2),
    CURRENT("1-0:71.7.0", WK_POINT_I_L3),
    POWER("1-0:21.7.0", WK_POINT_P_IMPORT_L1),
    POWER("1-0:41.7.0", WK_POINT_P_IMPORT_L2),
    POWER("1-0:61.7.0", WK_POINT_P_IMPORT_L3),
    POWER("1-0:22.7.0", WK_POINT_P_EXPORT_L1),
    POWER("1-0:42.7.0", WK_POINT_P_EXPORT_L2),
    POWER("1-0:62.7.0", WK_POINT_P_EXPORT_L3),
};

/* A telegram while it is written. */
struct writing {
    struct wk_p1 *p1;
    const struct wk_p1_sink *sink;
    uint16_t crc;
    uint8_t line[WK_P1_LINE];
    struct wk_bytes_out out;
};

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '/' || *text == '!') {
            return false;
        }
    }
    return true;
}

wk_err wk_p1_init(struct wk_p1 *p1, const struct wk_p1_config *config)
{
    if ((config->version != WK_P1_VERSION_4 && config->version != WK_P1_VERSION_5) ||
        strlen(config->maker) != MAKER || !is_printable(config->maker) ||
        !is_printable(config->name)) {
        return WK_E_ARGUMENT;
    }
    *p1 = (struct wk_p1){.config = *config};
    wk_points_init(&p1->points, config->table, WK_ROLE_READER);
    return WK_OK;
}

uint32_t wk_p1_period_s(const struct wk_p1 *p1)
{
    return p1->config.version == WK_P1_VERSION_5 ? 1 : 10;
}

/* ---- lines ------------------------------------------------------------------------------- */

static void begin(struct writing *writing)
{
    writing->out = wk_bytes_out_of(writing->line, sizeof writing->line);
}

static void put_text(struct writing *writing, const char *text)
{
    wk_bytes_out_put(&writing->out, text, strlen(text));
}

static void put_number(struct writing *writing, int64_t number, uint8_t digits)
{
    const struct wk_point_value value = {.mantissa = number};
    wk_point_put_decimal(&writing->out, &value, 0, 0, digits);
}

static void put_hex(struct writing *writing, uint8_t octet)
{
    static const char k_digits[] = "0123456789ABCDEF";
    wk_bytes_out_u8(&writing->out, (uint8_t)k_digits[octet >> 4]);
    wk_bytes_out_u8(&writing->out, (uint8_t)k_digits[octet & 0xF]);
}

static void send(struct writing *writing)
{
    writing->crc = wk_modbus_crc(writing->crc, writing->line, writing->out.size);
    writing->sink->put(writing->sink->self, writing->line, writing->out.size);
}

/* A line that has no room, as none of the table has, is left out whole. */
static void end(struct writing *writing)
{
    put_text(writing, "\r\n");
    if (writing->out.fault == WK_OK) {
        send(writing);
    }
}

/* ---- values ------------------------------------------------------------------------------ */

static void put_id(struct writing *writing, const char *text)
{
    for (; *text != '\0'; text++) {
        put_hex(writing, (uint8_t)*text);
    }
}

/* YYMMDDhhmmss and S in summer, W in winter. */
static void put_time(struct writing *writing, const struct wk_datetime *time)
{
    const uint8_t pairs[] = {(uint8_t)(time->year % 100),
                             time->month,
                             time->day,
                             time->hour,
                             time->minute,
                             time->second};
    for (size_t n = 0; n < sizeof pairs; n++) {
        put_number(writing, pairs[n], 2);
    }
    put_text(writing,
             (time->status & WK_DATETIME_DST) != 0 && time->status != WK_DATETIME_NO_STATUS
                 ? "S"
                 : "W");
}

static wk_err put_value(struct writing *writing, const struct row *row)
{
    struct wk_points *points = &writing->p1->points;
    struct wk_datetime time;
    struct wk_point_value value;
    char text[WK_POINT_TEXT];
    switch (row->form) {
    case FORM_VERSION:
        put_text(writing, writing->p1->config.version == WK_P1_VERSION_5 ? "50" : "42");
        return WK_OK;
    case FORM_TIME:
        WK_TRY(wk_point_read_time(points, (wk_point)row->point, &time));
        put_time(writing, &time);
        return WK_OK;
    case FORM_ID:
        WK_TRY(wk_point_read_text(points, (wk_point)row->point, text));
        put_id(writing, text);
        return WK_OK;
    case FORM_NUMBER:
        WK_TRY(wk_point_read(points, (wk_point)row->point, &value));
        wk_point_put_decimal(&writing->out, &value, row->exponent, row->decimals, row->digits);
        put_text(writing, row->unit[0] != '\0' ? "*" : "");
        put_text(writing, row->unit);
        return WK_OK;
    default: /* FORM_EMPTY */
        return WK_OK;
    }
}

static void put_row(struct writing *writing, const struct row *row)
{
    begin(writing);
    put_text(writing, row->obis);
    put_text(writing, "(");
    if (put_value(writing, row) == WK_OK) {
        put_text(writing, ")");
        end(writing);
    }
}

static void put_channel_obis(struct writing *writing, uint8_t number, const char *rest)
{
    begin(writing);
    put_text(writing, "0-");
    put_number(writing, number, 1);
    put_text(writing, rest);
}

static void put_channel(struct writing *writing, const struct wk_p1_channel *channel)
{
    if (channel->number < 1 || channel->number > WK_P1_CHANNELS || channel->type > TYPE_MOST) {
        return;
    }
    put_channel_obis(writing, channel->number, ":24.1.0(");
    put_number(writing, channel->type, 3);
    put_text(writing, ")");
    end(writing);
    put_channel_obis(writing, channel->number, ":96.1.0(");
    put_id(writing, channel->id);
    put_text(writing, ")");
    end(writing);
    put_channel_obis(writing, channel->number, ":24.2.1(");
    put_time(writing, &channel->time);
    put_text(writing, ")(");
    wk_point_put_decimal(&writing->out, &channel->value, channel->exponent, CHANNEL_DEC,
                         CHANNEL_OF);
    put_text(writing, "*");
    put_text(writing, channel->unit);
    put_text(writing, ")");
    end(writing);
}

/* ---- telegrams --------------------------------------------------------------------------- */

static void put_head(struct writing *writing)
{
    begin(writing);
    put_text(writing, "/");
    put_text(writing, writing->p1->config.maker);
    put_text(writing, "5\\2");
    put_text(writing, writing->p1->config.name);
    put_text(writing, "\r\n");
    end(writing);
}

static void put_check(struct writing *writing)
{
    begin(writing);
    put_text(writing, "!");
    const uint16_t crc = wk_modbus_crc(writing->crc, writing->line, writing->out.size);
    put_hex(writing, (uint8_t)(crc >> 8));
    put_hex(writing, (uint8_t)crc);
    end(writing);
}

void wk_p1_write(struct wk_p1 *p1, int64_t now_us, const struct wk_p1_channel *channels,
                 size_t count, const struct wk_p1_sink *sink)
{
    struct writing writing = {.p1 = p1, .sink = sink};
    p1->points.now_us = now_us;
    put_head(&writing);
    for (size_t n = 0; n < sizeof k_rows / sizeof k_rows[0]; n++) {
        if (k_rows[n].since <= (uint8_t)p1->config.version) {
            put_row(&writing, &k_rows[n]);
        }
    }
    for (size_t n = 0; n < count && n < WK_P1_CHANNELS; n++) {
        put_channel(&writing, &channels[n]);
    }
    put_check(&writing);
}
