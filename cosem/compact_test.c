/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact arrays. The pairs marked [g] were decoded by gurux-dlms 1.0.203 to the same values. */
#include "cosem/compact.h"

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "cosem/notification.h"
#include "tests/wk_test.h"

struct pair {
    const char *plain;
    const char *compact;
};

static const struct pair k_pairs[] = {
    {"01 03 1101 1102 1103", "13 11 03 010203"}, /* [g] */
    {"01 02 0202 120001 0901AA 0202 120002 0901BB",
     "13 0202 1209 08 0001 01AA 0002 01BB"}, /* [g] */
    {"01 02 0202 1101 0102 120002 120003 0202 1104 0102 120005 120006",
     "13 0202 11 01 0002 12 0A 01 0002 0003 04 0005 0006"},
    {"01 02 0203 0301 1602 05FFFFFFFE 0203 0300 1603 0500000007",
     "13 0203 03 16 05 0C 01 02 FFFFFFFE 00 03 00000007"}, /* [g] */
    {"01 02 150000000000000001 150000000000000002",
     "13 15 10 0000000000000001 0000000000000002"},
    {"01 02 0902AABB 0901CC", "13 09 05 02 AABB 01 CC"}, /* [g] */
    /* structures in structures, null, bit-string, an empty array */
    {"01 01 0203 0201 0F80 00 040CABC0", "13 0203 0201 0F 00 04 04 80 0C ABC0"},
    {"01 02 0202 1101 0100 0202 1102 0100", "13 0202 11 01 0000 00 02 01 02"},
    /* array of arrays of structures, and a member behind it */
    {"01 01 0202 0102 0102 0201 1101 0201 1102 0102 0201 1103 0201 1104 1105",
     "13 0202 01 0002 01 0002 0201 11 11 05 01 02 03 04 05"},
};

static void arrays_become_compact_and_back(void)
{
    for (size_t i = 0; i < sizeof k_pairs / sizeof k_pairs[0]; i++) {
        const struct wk_test_octets plain = wk_test_hex(k_pairs[i].plain);
        const struct wk_test_octets compact = wk_test_hex(k_pairs[i].compact);
        uint8_t room[256];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        printf("# %s\n", k_pairs[i].compact);
        EXPECT_OK(wk_compact_put(wk_test_in(&plain), &out));
        EXPECT_I64(compact.size, out.size);
        EXPECT_BYTES(compact.data, room, compact.size);
        struct wk_bytes_in in = wk_test_in(&compact);
        struct wk_compact reader;
        EXPECT_OK(wk_compact_read(&in, &reader));
        EXPECT_OK(wk_bytes_in_end(&in));
        out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_put_array(&out, plain.data[1]);
        for (uint8_t element = 0; element < plain.data[1]; element++) {
            EXPECT_OK(wk_compact_next(&reader, &out));
        }
        EXPECT_ERR(WK_E_NOT_FOUND, wk_compact_next(&reader, &out));
        EXPECT_I64(plain.size, out.size);
        EXPECT_BYTES(plain.data, room, plain.size);
        /* and what knows nothing of compact arrays passes over it */
        in = wk_test_in(&compact);
        wk_axdr_skip(&in);
        EXPECT_OK(wk_bytes_in_end(&in));
    }
}

static void a_room_that_is_too_small_is_left_as_it_was(void)
{
    for (size_t i = 0; i < sizeof k_pairs / sizeof k_pairs[0]; i++) {
        const struct wk_test_octets plain = wk_test_hex(k_pairs[i].plain);
        const struct wk_test_octets compact = wk_test_hex(k_pairs[i].compact);
        uint8_t room[256];
        for (size_t size = 0; size < compact.size; size++) {
            struct wk_bytes_out out = wk_bytes_out_of(room, size);
            EXPECT_ERR(WK_E_FULL, wk_compact_put(wk_test_in(&plain), &out));
            EXPECT_I64(0, out.size);
            EXPECT_OK(out.fault);
        }
        for (size_t size = 0; size < plain.size; size++) {
            struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
            EXPECT(wk_compact_put(wk_bytes_in_of(plain.data, size), &out) != WK_OK);
            EXPECT_I64(0, out.size);
        }
    }
}

static void elements_of_different_types_stay_an_array(void)
{
    const char *k_mixed[] = {"01 02 1101 120001",
                             "01 02 0201 1101 0202 1101 1102",
                             "01 02 0101 1101 0102 1101 1102",
                             "01 01 0102 1101 0301",
                             "01 00",
                             "01 02 1101 00"};
    for (size_t i = 0; i < sizeof k_mixed / sizeof k_mixed[0]; i++) {
        const struct wk_test_octets mixed = wk_test_hex(k_mixed[i]);
        uint8_t room[64];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_ERR(WK_E_UNSUPPORTED, wk_compact_put(wk_test_in(&mixed), &out));
        EXPECT_I64(0, out.size);
    }
}

/* What comes out of a compact array is as deep as what went in, and must be readable. */
static void what_is_nested_too_deep_to_be_read_is_not_made(void)
{
    for (size_t depth = 1; depth <= 2 * WK_AXDR_DEPTH; depth++) {
        uint8_t octets[4 * WK_AXDR_DEPTH + 2];
        uint8_t room[sizeof octets + 16];
        struct wk_bytes_out array = wk_bytes_out_of(octets, sizeof octets);
        for (size_t i = 0; i < depth; i++) {
            wk_axdr_put_array(&array, 1);
        }
        wk_axdr_put_boolean(&array, true);
        struct wk_bytes_in value = wk_bytes_in_of(octets, array.size);
        struct wk_bytes_in whole = value;
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        wk_axdr_skip(&whole);
        EXPECT_I64(whole.fault == WK_OK, wk_compact_put(value, &out) == WK_OK);
        EXPECT_I64(depth <= WK_AXDR_DEPTH, out.size > 0);
    }
}

static void descriptions_that_lie_are_refused(void)
{
    const char *k_wrong[] = {
        "13 0202 11 02 0102",          /* a member's description is missing */
        "13 01 0002",                  /* an array of nothing */
        "13 02 84FFFFFFFF 11 02 0102", /* more members than octets */
        "13 11 03 0102",               /* contents cut */
        "13 11 84FFFFFFFF 01",         /* ... and long */
        "13 13 11 01 01",              /* a compact array in one */
        "13 07 01 01",                 /* no such type */
        "13 09 02 0501",               /* a string longer than the contents */
        "13 0202 1111 03 010203",      /* half an element */
        "13 01 FFFF 00 01 00",         /* nothing but nulls */
        /* too deep */
        "13 02010201020102010201020102010201020102010201020102010201020102010201 11 01 01",
    };
    static uint8_t room[1024];
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_test_octets wrong = wk_test_hex(k_wrong[i]);
        struct wk_bytes_in in = wk_test_in(&wrong);
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        struct wk_compact reader;
        wk_err err = wk_compact_read(&in, &reader);
        for (int element = 0; element < 8 && err == WK_OK; element++) {
            err = wk_compact_next(&reader, &out);
        }
        printf("# %s: %s\n", k_wrong[i], wk_err_name(err));
        EXPECT(err == WK_E_FORMAT || err == WK_E_SHORT || err == WK_E_FULL);
    }
}

/* ---- notifications ----------------------------------------------------------------------- */

static void the_push_of_another_meter_is_read(void)
{
    /* tests/vectors/dlms.txt [07], deciphered, and [23], from a meter in the field */
    const struct wk_test_octets first =
        wk_test_hex("0F000001DB00 "
                    "0922125A8591360000000049000000110000000A5A8513D014800000000D0000000A0100");
    const struct wk_test_octets second =
        wk_test_hex("0F400000000C07E7090401103400FF800000 0202 1101 120203");
    struct wk_bytes_in in = wk_test_in(&first);
    struct wk_notification push;
    EXPECT_OK(wk_notification_read(&in, &push));
    EXPECT_I64(0x1DB, push.invoke & WK_NOTIFICATION_ID);
    EXPECT_I64(0, push.time.size);
    EXPECT_I64(36, push.body.size);
    in = wk_test_in(&second);
    EXPECT_OK(wk_notification_read(&in, &push));
    EXPECT((push.invoke & WK_NOTIFICATION_CONFIRM) != 0);
    EXPECT_I64(12, push.time.size);
    EXPECT_I64(7, push.body.size);
    uint8_t room[64];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_notification_put_head(&out, push.invoke, push.time);
    wk_bytes_out_put(&out, push.body.data, push.body.size);
    EXPECT_I64(second.size, out.size);
    EXPECT_BYTES(second.data, room, second.size);
    for (size_t cut = 0; cut < second.size; cut++) {
        in = wk_bytes_in_of(second.data, cut);
        EXPECT(wk_notification_read(&in, &push) != WK_OK);
    }
}

static void confirmations_and_events_are_written_and_read(void)
{
    const struct wk_test_octets confirm = wk_test_hex("10 400001DB 00");
    const struct wk_test_octets event =
        wk_test_hex("C2 01 0C07E7090401103400FF800000 0001 0000616200FF 02 0600000004");
    const struct wk_test_octets timeless = wk_test_hex("C2 00 0001 0000616200FF 02 0600000004");
    uint8_t room[64];
    uint32_t invoke;
    struct wk_bytes_in in = wk_test_in(&confirm);
    EXPECT_OK(wk_notification_read_confirm(&in, &invoke));
    EXPECT_I64(0x400001DB, invoke);
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_notification_put_confirm(&out, invoke, wk_bytes_in_of(NULL, 0));
    EXPECT_I64(confirm.size, out.size);
    EXPECT_BYTES(confirm.data, room, confirm.size);
    for (int i = 0; i < 2; i++) {
        const struct wk_test_octets *octets = i == 0 ? &event : &timeless;
        struct wk_notification_event read;
        in = wk_test_in(octets);
        EXPECT_OK(wk_notification_read_event(&in, &read));
        EXPECT_I64(1, read.target.class_id);
        EXPECT_I64(2, read.target.id);
        EXPECT_I64(5, read.value.size);
        out = wk_bytes_out_of(room, sizeof room);
        wk_notification_put_event(&out, &read);
        EXPECT_I64(octets->size, out.size);
        EXPECT_BYTES(octets->data, room, octets->size);
    }
}

WK_TEST_MAIN(T(arrays_become_compact_and_back), T(a_room_that_is_too_small_is_left_as_it_was),
             T(elements_of_different_types_stay_an_array), T(descriptions_that_lie_are_refused),
             T(what_is_nested_too_deep_to_be_read_is_not_made),
             T(the_push_of_another_meter_is_read),
             T(confirmations_and_events_are_written_and_read))
