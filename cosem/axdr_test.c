/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/axdr.h"

#include "cosem/cosem_test.h"
#include "cosem/datetime.h"
#include "cosem/obis.h"
#include "cosem/rows.h"
#include "tests/wk_test.h"

/* ---- A-XDR ------------------------------------------------------------------------------- */

static void values_are_written_as_the_standard_has_them(void)
{
    const struct wk_test_octets want =
        wk_test_hex("0213"
                    "00 0101 1105 0301 16FF 0FFF 10FFFE 05FFFFFFFD 14FFFFFFFFFFFFFFFC"
                    "11FF 12FFFE 06FFFFFFFD 15FFFFFFFFFFFFFFFC 17 3FC00000"
                    "0902 AB00 0A02 6869 0C02 C3BC 040A FFC0 0100 0200 0000");
    uint8_t room[256];
    const uint8_t octets[] = {0xAB, 0x00};
    const uint8_t bits[] = {0xFF, 0xC0};
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_axdr_put_structure(&out, 19);
    wk_axdr_put_null(&out);
    wk_axdr_put_array(&out, 1);
    wk_axdr_put_unsigned(&out, 5);
    wk_axdr_put_boolean(&out, true);
    wk_axdr_put_enum(&out, 255);
    wk_axdr_put_integer(&out, -1);
    wk_axdr_put_long(&out, -2);
    wk_axdr_put_double_long(&out, -3);
    wk_axdr_put_long64(&out, -4);
    wk_axdr_put_unsigned(&out, 0xFF);
    wk_axdr_put_long_unsigned(&out, 0xFFFE);
    wk_axdr_put_double_long_unsigned(&out, 0xFFFFFFFD);
    wk_axdr_put_long64_unsigned(&out, UINT64_MAX - 3);
    wk_axdr_put_float32(&out, 1.5f);
    wk_axdr_put_octet_string(&out, octets, sizeof octets);
    wk_axdr_put_visible_string(&out, "hi");
    wk_axdr_put_utf8_string(&out, "\xC3\xBC");
    wk_axdr_put_bit_string(&out, bits, 10);
    wk_axdr_put_array(&out, 0);
    wk_axdr_put_structure(&out, 0);
    wk_axdr_put_null(&out);
    wk_axdr_put_null(&out);
    EXPECT_OK(out.fault);
    EXPECT_I64(want.size, out.size);
    EXPECT_BYTES(want.data, room, want.size);
}

static void integers_of_every_size_are_read_back(void)
{
    const int64_t k_values[] = {0,         1,         -1,           127,        -128,
                                128,       32767,     -32768,       2147483647, -2147483647 - 1,
                                INT64_MAX, INT64_MIN, 1234567890123};
    for (size_t i = 0; i < sizeof k_values / sizeof k_values[0]; i++) {
        uint8_t room[16];
        const int64_t value = k_values[i];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_put_long64(&out, value);
        struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
        EXPECT_I64(value, wk_axdr_read_integer(&in, WK_AXDR_LONG64));
        EXPECT_OK(wk_bytes_in_end(&in));
        out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_put_double_long(&out, (int32_t)value);
        in = wk_bytes_in_of(room, out.size);
        EXPECT_I64((int32_t)value, wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG));
        out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_put_integer(&out, (int8_t)value);
        in = wk_bytes_in_of(room, out.size);
        EXPECT_I64((int8_t)value, wk_axdr_read_integer(&in, WK_AXDR_INTEGER));
        out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_put_long_unsigned(&out, (uint16_t)value);
        in = wk_bytes_in_of(room, out.size);
        EXPECT_I64((uint16_t)value, wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED));
    }
}

static void lengths_take_as_few_octets_as_they_need(void)
{
    const struct {
        uint32_t length;
        const char *hex;
    } k_cases[] = {
        {0, "00"},       {127, "7F"},       {128, "8180"},       {255, "81FF"},
        {256, "820100"}, {65535, "82FFFF"}, {65536, "83010000"}, {UINT32_MAX, "84FFFFFFFF"}};
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint8_t room[8];
        const struct wk_test_octets want = wk_test_hex(k_cases[i].hex);
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_put_length(&out, k_cases[i].length);
        EXPECT_I64(want.size, out.size);
        EXPECT_I64(want.size, wk_axdr_length_size(k_cases[i].length));
        EXPECT_BYTES(want.data, room, want.size);
        struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
        EXPECT_I64(k_cases[i].length, wk_axdr_read_length(&in));
        EXPECT_OK(wk_bytes_in_end(&in));
    }
    const char *k_wrong[] = {"80", "850000000001", "FF", "81", "8201"};
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_wrong[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        (void)wk_axdr_read_length(&in);
        EXPECT(in.fault != WK_OK);
    }
}

static void a_value_is_passed_over_exactly(void)
{
    const char *k_values[] = {
        "00",
        "0102 1101 0202 00 0901AA",
        "0203 0100 0200 0409 00FF",
        "13 12 04 00010002",             /* compact array of long-unsigned */
        "13 0202 11 01000212 03 010203", /* of structures that hold an array */
        "19 07EA0B150603110100000000",   /* date-time */
        "1A 07EA0B1506 ",                /* date */
        "1B 03110100",                   /* time */
        "18 3FF0000000000000",
        "FF",
        "0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 00",
    };
    for (size_t i = 0; i < sizeof k_values / sizeof k_values[0]; i++) {
        struct wk_test_octets octets = wk_test_hex(k_values[i]);
        const size_t size = octets.size;
        octets.data[octets.size++] = 0xEE;
        struct wk_bytes_in in = wk_test_in(&octets);
        wk_axdr_skip(&in);
        EXPECT_OK(in.fault);
        EXPECT_I64(size, in.at);
        for (size_t cut = 0; cut < size; cut++) {
            in = wk_bytes_in_of(octets.data, cut);
            wk_axdr_skip(&in);
            EXPECT_ERR(WK_E_SHORT, in.fault);
        }
    }
}

static void what_is_no_value_is_refused_in_bounded_time(void)
{
    const char *k_wrong[] = {
        "07",
        "08",
        "0B",
        "0E",
        "22",
        "80",
        "FE",
        "0184FFFFFFFF",          /* four thousand million elements, none there */
        "0184FFFFFFFF 00 00 00", /* and three there */
        "0984FFFFFFFF",          /* so many octets */
        "0484FFFFFFFF",          /* so many bits */
        "13 0284FFFFFFFF 11",    /* so many members in a type */
        "13 01FFFF 01FFFF 01FFFF",
        ("0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101"
         "00"), /* one level too deep */
    };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_wrong[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        wk_axdr_skip(&in);
        EXPECT(in.fault == WK_E_FORMAT || in.fault == WK_E_SHORT);
    }
}

static void another_type_than_expected_is_a_fault(void)
{
    const struct wk_test_octets octets = wk_test_hex("1105");
    struct wk_bytes_in in = wk_test_in(&octets);
    size_t size;
    uint8_t to[4] = {9, 9, 9, 9};
    EXPECT_I64(0, wk_axdr_read_integer(&in, WK_AXDR_ENUM));
    EXPECT_ERR(WK_E_FORMAT, in.fault);
    EXPECT_I64(0, in.fault_at);
    in = wk_test_in(&octets);
    EXPECT_I64(0, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_ERR(WK_E_FORMAT, in.fault);
    in = wk_test_in(&octets);
    EXPECT(wk_axdr_read_octets(&in, &size) == NULL);
    EXPECT_ERR(WK_E_FORMAT, in.fault);
    const struct wk_test_octets string = wk_test_hex("0903010203");
    in = wk_test_in(&string);
    wk_axdr_read_exact(&in, to, 4);
    EXPECT_ERR(WK_E_FORMAT, in.fault);
    EXPECT_I64(0, to[0]);
    in = wk_bytes_in_of(NULL, 0);
    EXPECT_I64(0, wk_axdr_read_integer(&in, WK_AXDR_ENUM));
    EXPECT_ERR(WK_E_SHORT, in.fault);
}

static void floats_are_read_back(void)
{
    uint8_t room[8];
    struct wk_axdr_value value;
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_axdr_put_float32(&out, -230.25f);
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    wk_axdr_read(&in, &value);
    EXPECT(wk_axdr_float32(&value) == -230.25f);
}

/* ---- date-time --------------------------------------------------------------------------- */

static void date_times_agree_with_known_instants(void)
{
    const struct {
        const char *hex;
        int64_t utc_s;
    } k_cases[] = {
        /* 2026-11-21 06:03:17 at deviation 0 */
        {"07EA0B15 06 060311 00 0000 00", 1795240997},
        /* the same instant shown an hour ahead of UTC: deviation -60 */
        {"07EA0B15 06 070311 00 FFC4 00", 1795240997},
        /* deviation not specified: the zone given, central Europe, standard time */
        {"07EA0B15 06 070311 FF 8000 FF", 1795240997},
        /* daylight saving: 2026-07-01 12:00:00 +02:00 */
        {"07EA0701 03 0C0000 00 FF88 80", 1782900000},
        {"07EA0701 FF 0C0000 FF 8000 80", 1782900000},
        /* the hour that comes twice: first with, then without daylight saving */
        {"07EA0A19 07 021E00 00 8000 80", 1792888200},
        {"07EA0A19 07 021E00 00 8000 00", 1792891800},
        {"07B20101 04 000000 00 0000 00", 0},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_cases[i].hex);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_datetime datetime;
        struct wk_utc utc;
        wk_datetime_read(&in, &datetime);
        EXPECT_OK(wk_bytes_in_end(&in));
        EXPECT_OK(wk_datetime_to_utc(&datetime, &wk_zone_central_europe, &utc));
        EXPECT_I64(k_cases[i].utc_s, utc.s);
        uint8_t room[WK_DATETIME_SIZE];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        wk_datetime_put(&out, &datetime);
        EXPECT_BYTES(octets.data, room, WK_DATETIME_SIZE);
    }
}

static void wildcards_are_read_but_are_no_instant(void)
{
    const char *k_wild[] = {"FFFF FFFF FF FFFFFF FF 8000 FF", "FFFF0B15 FF 060311 00 0000 00",
                            "07EAFF15 FF 060311 00 0000 00",  "07EAFE15 FF 060311 00 0000 00",
                            "07EA0BFE FF 060311 00 0000 00",  "07EA0BFD FF 060311 00 0000 00",
                            "07EA0B15 FF FF0311 00 0000 00",  "07EA0B15 FF 06FF11 00 0000 00"};
    for (size_t i = 0; i < sizeof k_wild / sizeof k_wild[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_wild[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_datetime datetime;
        struct wk_utc utc;
        wk_datetime_read(&in, &datetime);
        EXPECT_OK(wk_bytes_in_end(&in));
        EXPECT_ERR(WK_E_RANGE, wk_datetime_to_utc(&datetime, &wk_zone_utc, &utc));
    }
    const char *k_wrong[] = {"07EA0D15 FF 060311 00 0000 00", "07EA0020 FF 060311 00 0000 00",
                             "07EA0B15 08 060311 00 0000 00", "07EA0B15 FF 180311 00 0000 00",
                             "07EA0B15 FF 063C11 00 0000 00", "07EA0B15 FF 06033C 00 0000 00",
                             "07EA0B15 FF 060311 64 0000 00", "07EA0B15 FF 060311 00 0400 00"};
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_wrong[i]);
        struct wk_bytes_in in = wk_test_in(&octets);
        struct wk_datetime datetime;
        wk_datetime_read(&in, &datetime);
        EXPECT_ERR(WK_E_RANGE, in.fault);
    }
}

static void an_instant_survives_the_way_through_a_date_time(void)
{
    for (int64_t s = 0; s < INT64_C(4200000000); s += 7654321) {
        uint8_t room[16];
        struct wk_datetime datetime;
        struct wk_utc utc;
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(
            wk_datetime_of_utc(&wk_zone_central_europe, (struct wk_utc){s}, 0, &datetime));
        wk_datetime_put_axdr(&out, &datetime);
        EXPECT_I64(14, out.size);
        struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
        wk_datetime_read_axdr(&in, &datetime);
        EXPECT_OK(wk_bytes_in_end(&in));
        EXPECT_OK(wk_datetime_to_utc(&datetime, &wk_zone_utc, &utc));
        EXPECT_I64(s, utc.s);
        datetime.deviation_min = WK_DATETIME_ANY_OFFSET;
        EXPECT_OK(wk_datetime_to_utc(&datetime, &wk_zone_central_europe, &utc));
        EXPECT_I64(s, utc.s);
    }
}

/* ---- OBIS -------------------------------------------------------------------------------- */

static void obis_names_are_read_in_every_usual_form(void)
{
    const struct {
        const char *text;
        const char *printed; /* NULL: refused */
    } k_cases[] = {
        {"1.0.1.8.0.255", "1.0.1.8.0.255"},
        {"1-0:1.8.0*255", "1.0.1.8.0.255"},
        {"1-0:1.8.0", "1.0.1.8.0.255"},
        {"1.0.1.8.0", "1.0.1.8.0.255"},
        {"0.0.96.3.10.255", "0.0.96.3.10.255"},
        {"255.255.255.255.255.255", "255.255.255.255.255.255"},
        {"1-0:1.8.0*1", "1.0.1.8.0.1"},
        {"", NULL},
        {"1.0.1.8", NULL},
        {"1.0.1.8.0.255.1", NULL},
        {"1.0.1.8.0.256", NULL},
        {"1.0.1.8..255", NULL},
        {"1.0.1.8.0.", NULL},
        {"a.0.1.8.0.255", NULL},
        {"1:0-1.8.0", NULL},
        {" 1.0.1.8.0", NULL},
        {"1.0.1.8.0 ", NULL},
        {"1.0.1.8.0.99999999999999999999", NULL},
        {"-1.0.1.8.0", NULL},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint8_t obis[WK_OBIS_SIZE] = {9, 9, 9, 9, 9, 9};
        char text[WK_OBIS_TEXT];
        const wk_err err = wk_obis_parse(k_cases[i].text, obis);
        EXPECT((err == WK_OK) == (k_cases[i].printed != NULL));
        EXPECT(err == WK_OK || obis[0] == 9);
        if (err == WK_OK) {
            wk_obis_print(obis, text);
            EXPECT(strcmp(text, k_cases[i].printed) == 0);
        }
    }
}

/* ---- rows -------------------------------------------------------------------------------- */

static uint32_t rows_taken;
static uint64_t rows_sum;

static wk_err take_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    if (index != rows_taken || wk_axdr_read_count(&element, WK_AXDR_STRUCTURE) != 2) {
        return WK_E_CORRUPT;
    }
    rows_sum += (uint64_t)wk_axdr_read_integer(&element, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    size_t size;
    (void)wk_axdr_read_octets(&element, &size);
    rows_taken++;
    return wk_bytes_in_end(&element);
}

static size_t make_rows(uint8_t *room, size_t room_size, uint32_t count)
{
    static const uint8_t k_zeros[40];
    struct wk_bytes_out out = wk_bytes_out_of(room, room_size);
    wk_axdr_put_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        wk_axdr_put_structure(&out, 2);
        wk_axdr_put_double_long_unsigned(&out, i);
        wk_axdr_put_octet_string(&out, k_zeros, i % sizeof k_zeros);
    }
    return out.fault == WK_OK ? out.size : 0;
}

static void rows_come_out_whole_however_they_are_cut(void)
{
    static uint8_t room[8192];
    static struct wk_rows rows;
    const size_t size = make_rows(room, sizeof room, 200);
    EXPECT(size > 0);
    for (size_t piece = 1; piece <= 300; piece++) {
        wk_rows_init(&rows, NULL, take_row);
        rows_taken = 0;
        rows_sum = 0;
        for (size_t at = 0; at < size; at += piece) {
            EXPECT_ERR(WK_E_SHORT, wk_rows_end(&rows));
            EXPECT_OK(wk_rows_feed(&rows, room + at, size - at < piece ? size - at : piece));
        }
        EXPECT_OK(wk_rows_end(&rows));
        EXPECT_I64(200, rows_taken);
        EXPECT_I64(199 * 200 / 2, rows_sum);
        EXPECT_I64(size, rows.offset);
    }
}

static wk_err refuse_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    (void)element;
    return index == 3 ? WK_E_IO : WK_OK;
}

static wk_err take_any_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    (void)self;
    return index == 0 && element.size > 0 ? WK_OK : WK_E_RANGE;
}

static void rows_that_are_none_are_refused(void)
{
    static uint8_t room[8192];
    static struct wk_rows rows;
    const size_t size = make_rows(room, sizeof room, 10);
    wk_rows_init(&rows, NULL, refuse_row);
    EXPECT_ERR(WK_E_IO, wk_rows_feed(&rows, room, size));
    wk_rows_init(&rows, NULL, take_row);
    rows_taken = 0;
    room[size] = 0;
    EXPECT_ERR(WK_E_FORMAT, wk_rows_feed(&rows, room, size + 1)); /* more than announced */
    wk_rows_init(&rows, NULL, take_row);
    EXPECT_ERR(WK_E_FORMAT, wk_rows_feed(&rows, room + 2, size - 2)); /* no array */
    static uint8_t long_row[WK_ROWS_ELEMENT + 8];
    struct wk_bytes_out out = wk_bytes_out_of(long_row, sizeof long_row);
    wk_axdr_put_array(&out, 1);
    wk_bytes_out_u8(&out, WK_AXDR_OCTET_STRING);
    wk_axdr_put_length(&out, 60000);
    wk_rows_init(&rows, NULL, take_row);
    wk_err err = wk_rows_feed(&rows, long_row, out.size);
    for (int i = 0; i < 100 && err == WK_OK; i++) {
        err = wk_rows_feed(&rows, room, 100);
    }
    EXPECT_ERR(WK_E_FULL, err);
    for (size_t over = 0; over < 2; over++) { /* the same if all of it is there at once */
        static uint8_t whole[WK_ROWS_ELEMENT + 8];
        out = wk_bytes_out_of(whole, sizeof whole);
        wk_axdr_put_array(&out, 1);
        wk_axdr_put_octet_string(&out, long_row, WK_ROWS_ELEMENT - 4 + over);
        EXPECT_OK(out.fault);
        wk_rows_init(&rows, NULL, take_any_row);
        EXPECT_ERR(over == 0 ? WK_OK : WK_E_FULL, wk_rows_feed(&rows, whole, out.size));
    }
}

WK_TEST_MAIN(T(values_are_written_as_the_standard_has_them),
             T(integers_of_every_size_are_read_back),
             T(lengths_take_as_few_octets_as_they_need), T(a_value_is_passed_over_exactly),
             T(what_is_no_value_is_refused_in_bounded_time),
             T(another_type_than_expected_is_a_fault), T(floats_are_read_back),
             T(date_times_agree_with_known_instants), T(wildcards_are_read_but_are_no_instant),
             T(an_instant_survives_the_way_through_a_date_time),
             T(obis_names_are_read_in_every_usual_form),
             T(rows_come_out_whole_however_they_are_cut), T(rows_that_are_none_are_refused))
