/* SPDX-License-Identifier: Apache-2.0 */
#include "management/push.h"

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/compact.h"
#include "cosem/cosem_test.h"
#include "cosem/notification.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define SECOND INT64_C(1000000)
#define NOW_US INT64_C(1790000000000000) /* 2026-09-21 14:13:20 UTC, 16:13:20 local */
#define ROWS   32

static struct wk_dlms_meter meter;
static struct wk_session_security security;
static struct wk_object rows[ROWS];
static struct wk_object_table table;
static struct wk_push push;
static uint32_t drawn;

static uint8_t sent[4096]; /* the notification that was received */
static size_t sent_size;

static uint32_t draw(void *self)
{
    (void)self;
    return drawn;
}

/* Stands for a cipher: every octet is turned, and one is put before. */
static wk_err turn(void *self, struct wk_bytes_in plain, struct wk_bytes_out *out)
{
    (void)self;
    wk_bytes_out_u8(out, WK_APDU_GENERAL_GLO);
    for (size_t i = 0; i < plain.size; i++) {
        wk_bytes_out_u8(out, plain.data[i] ^ 0xFF);
    }
    return out->fault;
}

static wk_err turn_back(void *self, struct wk_bytes_in sealed, struct wk_bytes_out *plain)
{
    (void)self;
    if (wk_bytes_in_u8(&sealed) != WK_APDU_GENERAL_GLO) {
        return WK_E_AUTH;
    }
    for (size_t i = 1; i < sealed.size; i++) {
        wk_bytes_out_u8(plain, sealed.data[i] ^ 0xFF);
    }
    return plain->fault;
}

static void begin(uint16_t max_pdu)
{
    const struct wk_push_config config = {
        .table = &table,
        .zone = &wk_zone_central_europe,
        .role = WK_ROLE_MANAGEMENT,
        .max_pdu = max_pdu,
        .draw = draw,
        .compact = wk_compact_put,
        .seal = turn,
        .open = turn_back,
    };
    drawn = 0;
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    memcpy(rows, table.rows, table.count * sizeof rows[0]);
    table.rows = rows;
    EXPECT_OK(wk_push_init(&push, &config));
}

static wk_err set(uint8_t attribute, const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&octets);
    return wk_push_set(&push, 0, attribute, &in);
}

#define NAME    "0206 120001 0906 00002A0000FF 0F02 120000 0202 1600 00 0100"
#define RELAY   "0206 120046 0906 000060030AFF 0F02 120000 0202 1600 00 0100"
#define PROFILE "0206 120007 0906 0100630100FF 0F02 120000"
#define TARGET  "0203 1600 090E 3132372E302E302E313A34303539 1600"

static void configure(const char *objects, const char *destination)
{
    EXPECT_OK(set(2, objects));
    EXPECT_OK(set(3, destination));
}

/* Sends what is due to a receiver that acknowledges blocks in windows of `window`. False: there
 * was nothing to send. */
static bool deliver(int64_t now_us, uint8_t window)
{
    const struct wk_push_setup *setup;
    uint16_t number = 0;
    uint16_t own = 0;
    sent_size = 0;
    if (!wk_push_begin(&push, now_us, &setup)) {
        return false;
    }
    while (wk_push_sends(&push)) {
        uint8_t room[2048];
        struct wk_gbt_block block;
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        if (wk_push_output(&push, now_us, &out) != WK_OK || out.size > push.config.max_pdu) {
            wk_test_failed_ = true;
            return false;
        }
        struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
        if (wk_bytes_in_peek(&in) != WK_APDU_GENERAL_BLOCK) {
            memcpy(sent, room, out.size);
            sent_size = out.size;
            continue;
        }
        if (wk_gbt_read(&in, &block) != WK_OK || !wk_gbt_take(&number, &block)) {
            wk_test_failed_ = true;
            return false;
        }
        memcpy(sent + sent_size, block.data.data, block.data.size);
        sent_size += block.data.size;
        if (!block.streaming && !block.last) {
            const struct wk_gbt_block ack = {
                .last = true, .window = window, .number = ++own, .ack = number};
            out = wk_bytes_out_of(room, sizeof room);
            wk_gbt_put(&out, &ack);
            wk_push_receive(&push, now_us, wk_bytes_in_of(room, out.size));
        }
    }
    return true;
}

static void confirm(int64_t now_us, uint32_t invoke, bool sealed)
{
    uint8_t plain[32];
    uint8_t room[64];
    struct wk_bytes_out out = wk_bytes_out_of(plain, sizeof plain);
    struct wk_bytes_out outer = wk_bytes_out_of(room, sizeof room);
    wk_notification_put_confirm(&out, invoke, wk_bytes_in_of(NULL, 0));
    if (sealed && turn(NULL, wk_bytes_in_of(plain, out.size), &outer) == WK_OK) {
        wk_push_receive(&push, now_us, wk_bytes_in_of(room, outer.size));
    } else {
        wk_push_receive(&push, now_us, wk_bytes_in_of(plain, out.size));
    }
}

/* ---- what is sent ------------------------------------------------------------------------ */

static void a_push_is_a_structure_of_what_the_setup_names(void)
{
    /* DataNotification 1; 2026-09-21 Monday 16:13:20, +2 h, daylight saving; name, and a lamp
     * of the relay; what may not be read or is not there is null */
    const struct wk_test_octets want =
        wk_test_hex("0F 00000001 0C07EA091501100D1400FF8880 0203 0910 574B50"
                    "30303030303030303030303031 0301 00");
    begin(1024);
    configure("0103" NAME RELAY "0204 120063 0906 000060030AFF 0F02 120000", TARGET);
    EXPECT_I64(WK_PUSH_NEVER, wk_push_due_us(&push));
    EXPECT(!deliver(NOW_US, 1));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT_I64(NOW_US, wk_push_due_us(&push));
    EXPECT(deliver(NOW_US, 1));
    EXPECT_I64(want.size, sent_size);
    EXPECT_BYTES(want.data, sent, want.size);
    EXPECT(wk_push_is_busy(&push));
    wk_push_sent(&push, NOW_US);
    EXPECT(!wk_push_is_busy(&push));
    EXPECT_I64(1, push.delivered);
    EXPECT(!deliver(NOW_US, 1));
}

static void a_role_that_may_not_read_sends_null(void)
{
    begin(1024);
    push.config.role = WK_ROLE_PUBLIC;
    configure("0102" NAME RELAY, TARGET);
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    EXPECT_I64(18 + 2 + 18 + 1, sent_size);
    EXPECT_I64(WK_AXDR_NULL, sent[sent_size - 1]);
}

/* Entries in the notification; *first is the import of the first of them. */
static uint32_t entries_in(uint32_t *clock_less)
{
    struct wk_bytes_in in = wk_bytes_in_of(sent, sent_size);
    struct wk_notification notification;
    if (wk_notification_read(&in, &notification) != WK_OK) {
        wk_test_failed_ = true;
        return 0;
    }
    (void)wk_axdr_read_count(&notification.body, WK_AXDR_STRUCTURE);
    const uint32_t count = wk_axdr_read_count(&notification.body, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < count; i++) {
        (void)wk_axdr_read_count(&notification.body, WK_AXDR_STRUCTURE);
        wk_axdr_skip(&notification.body);
        wk_axdr_skip(&notification.body);
        const int64_t import = wk_axdr_read_integer(&notification.body, WK_AXDR_LONG64);
        wk_axdr_skip(&notification.body);
        if (import != wk_dlms_meter_import_uwh(*clock_less + i)) {
            wk_test_failed_ = true;
        }
    }
    *clock_less += count;
    return count;
}

/* Every entry is sent once and in order, in as many notifications as it takes, whatever fails
 * between. */
static void nothing_of_a_profile_is_lost_or_sent_twice(void)
{
    const int64_t end_us =
        (WK_DLMS_METER_START_S + WK_DLMS_METER_ENTRIES * WK_DLMS_METER_SPAN_S) * SECOND;
    uint64_t chance = 20261124;
    uint32_t next = 0;
    uint32_t notifications = 0;
    printf("# seed 20261124\n");
    begin(256);
    configure("0101" PROFILE "0202 1600 00 0100", TARGET);
    EXPECT_OK(set(6, "1105"));
    EXPECT_OK(set(7, "0203 120001 120064 12000A"));
    EXPECT_OK(set(11, "1602"));
    for (int64_t now_us = NOW_US; now_us < end_us + 3600 * SECOND; now_us += 3600 * SECOND) {
        EXPECT_OK(wk_push_trigger(&push, 0, now_us));
        int64_t at_us = now_us;
        for (int i = 0; i < 400 && wk_push_due_us(&push) != WK_PUSH_NEVER; i++) {
            uint32_t counted = next;
            at_us = wk_push_due_us(&push) > at_us ? wk_push_due_us(&push) : at_us;
            EXPECT(deliver(at_us, 5));
            (void)entries_in(&counted);
            if ((wk_test_random(&chance) & 3) == 0) {
                wk_push_failed(&push, at_us);
                continue;
            }
            wk_push_sent(&push, at_us);
            EXPECT(wk_push_is_busy(&push));
            confirm(at_us, push.delivery.invoke, false);
            EXPECT(!wk_push_is_busy(&push));
            next = counted;
            notifications++;
        }
    }
    EXPECT_I64(WK_DLMS_METER_ENTRIES, next);
    EXPECT(notifications > 20);
    EXPECT(push.given_up < 20);
}

static void a_backlog_goes_out_in_full_notifications(void)
{
    const int64_t end_us =
        (WK_DLMS_METER_START_S + WK_DLMS_METER_ENTRIES * WK_DLMS_METER_SPAN_S) * SECOND;
    uint32_t next = 0;
    int notifications = 0;
    begin(2048);
    configure("0101" PROFILE "0202 1600 00 0100", TARGET);
    EXPECT_OK(wk_push_trigger(&push, 0, end_us));
    while (deliver(end_us, 1)) {
        EXPECT(entries_in(&next) > 0);
        wk_push_sent(&push, end_us);
        notifications++;
    }
    EXPECT_I64(WK_DLMS_METER_ENTRIES, next);
    EXPECT(notifications <= 2 * WK_DLMS_METER_ENTRIES * 36 / WK_PUSH_BODY + 1);
}

static void restrictions_and_columns_are_honoured(void)
{
    begin(1024);
    /* entries 2 to 3, the columns import and T1 */
    configure(
        "0101" PROFILE "0202 1602 0202 0600000002 0600000003 0102"
        "0204 120003 0906 0100010800FF 0F02 120000 0204 120003 0906 0100010801FF 0F02 120000",
        TARGET);
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    const struct wk_test_octets entries = wk_test_hex(
        "0201 0102 0202 140000001CCD7FCC95 140000000006052343 0202 140000001CDC667F16 14");
    EXPECT_BYTES(entries.data, sent + 18, entries.size);
    wk_push_sent(&push, NOW_US);
    /* by date: the first entry; then one member of the structure of scaler and unit */
    EXPECT_OK(set(2, "0102" PROFILE
                     "0202 1601 0202 090C07EA0915FF0E0A0000000000 090C07EA0915FF0E140000000000"
                     "0100 0204 120003 0906 0100010800FF 0F03 120002"));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    EXPECT_I64(18 + 2 + 2 + 36 + 2, sent_size);
    EXPECT_I64(0x1E, sent[sent_size - 1]);
    EXPECT_I64(WK_AXDR_ENUM, sent[sent_size - 2]);
}

#define CLOCK_SIZE 14
#define TOTAL_SIZE 9

/* Clock and T1 of a row of clock, status, import, T1; named the wrong way round. */
static void columns_need_not_stand_side_by_side(void)
{
    static const char k_clock[] = "0204 120008 0906 0000010000FF 0F02 120000";
    static const char k_t1[] = "0204 120003 0906 0100010801FF 0F02 120000";
    uint8_t whole[18 + 6 + 36];
    char objects[200];
    begin(1024);
    configure("0101" PROFILE "0202 1602 0202 0600000002 0600000002 0100", TARGET);
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    EXPECT_I64(18 + 4 + 36, sent_size);
    memcpy(whole, sent, sent_size);
    wk_push_sent(&push, NOW_US);
    (void)snprintf(objects, sizeof objects,
                   "0101" PROFILE "0202 1602 0202 0600000002 0600000002 0102 %s %s", k_t1,
                   k_clock);
    EXPECT_OK(set(2, objects));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    EXPECT_I64(18 + 4 + 2 + CLOCK_SIZE + TOTAL_SIZE, sent_size);
    EXPECT_I64(2, sent[18 + 5]);
    EXPECT_BYTES(whole + 18 + 6, sent + 18 + 6, CLOCK_SIZE);
    EXPECT_BYTES(whole + 18 + 4 + 36 - TOTAL_SIZE, sent + 18 + 6 + CLOCK_SIZE, TOTAL_SIZE);
    wk_push_sent(&push, NOW_US);
    /* what was not delivered: as much as fits, and no column of it twice */
    (void)snprintf(objects, sizeof objects, "0101" PROFILE "0202 1600 00 0102 %s %s", k_clock,
                   k_t1);
    EXPECT_OK(set(2, objects));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    EXPECT_I64(2, sent[18 + 5]);
}

static void arrays_go_compact_where_it_is_asked_for(void)
{
    size_t plain_size = 0;
    for (int compact = 0; compact < 2; compact++) {
        begin(2048);
        configure("0101" PROFILE "0202 1602 0202 0600000001 0600000014 0100",
                  compact == 1 ? "0203 1601 0903 613A31 1680" : "0203 1601 0903 613A31 1600");
        EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
        EXPECT(deliver(NOW_US, 1));
        struct wk_bytes_in in = wk_bytes_in_of(sent, sent_size);
        struct wk_notification notification;
        EXPECT_OK(wk_notification_read(&in, &notification));
        EXPECT_I64(compact == 1 ? WK_AXDR_COMPACT_ARRAY : WK_AXDR_ARRAY,
                   notification.body.data[2]);
        if (compact == 0) {
            plain_size = sent_size;
            continue;
        }
        EXPECT(sent_size < plain_size - 20 * 4); /* four tags an entry, and the structure's */
        EXPECT_I64(2, wk_axdr_read_count(&notification.body, WK_AXDR_STRUCTURE) + 1);
        struct wk_compact reader;
        EXPECT_OK(wk_compact_read(&notification.body, &reader));
        uint8_t room[64];
        for (int i = 0; i < 20; i++) {
            struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
            EXPECT_OK(wk_compact_next(&reader, &out));
            EXPECT_I64(36, out.size);
        }
    }
}

static void without_compact_arrays_nobody_can_ask_for_them(void)
{
    begin(2048);
    push.config.compact = NULL;
    EXPECT_ERR(WK_E_RANGE, set(3, "0203 1601 0903 613A31 1680"));
    EXPECT_OK(set(3, "0203 1601 0903 613A31 1600"));
}

/* All setups together; a value that does not fit leaves everything as it was. */
static void values_share_their_room_and_none_is_cut(void)
{
    uint8_t before[WK_PUSH_ROOM];
    char list[9 * 160] = "0108";
    begin(2048);
    for (int i = 0; i < 8; i++) {
        strcat(list, PROFILE "0202 1601 0202 090C07EA0B15FF00000000000000"
                             "090C07EA0B16FF00000000000000 0100");
    }
    wk_err err = WK_OK;
    uint8_t setup = 0;
    while (err == WK_OK && setup < WK_PUSH_SETUPS) {
        const struct wk_test_octets octets = wk_test_hex(list);
        struct wk_bytes_in in = wk_test_in(&octets);
        memcpy(before, push.values, sizeof before);
        err = wk_push_set(&push, setup, 2, &in);
        setup++;
    }
    const size_t kept = push.size;
    EXPECT_ERR(WK_E_STATE, err);
    EXPECT_I64(3, setup);
    EXPECT_BYTES(before, push.values, kept);
    uint8_t room[512];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    EXPECT_OK(wk_push_get(&push, 2, 2, &out));
    EXPECT_I64(2, out.size); /* the first value: nothing is sent */
    const struct wk_test_octets nothing = wk_test_hex("0100");
    struct wk_bytes_in in = wk_test_in(&nothing);
    EXPECT_OK(wk_push_set(&push, 0, 2, &in));
    EXPECT(push.size < kept);
}

static void a_protected_push_wants_a_protected_confirmation(void)
{
    begin(64);
    configure("0102" NAME RELAY, TARGET);
    EXPECT_OK(set(10, "0101 00"));
    EXPECT_OK(set(11, "1602"));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 3));
    EXPECT_I64(WK_APDU_GENERAL_GLO, sent[0]);
    EXPECT_I64(WK_APDU_DATA_NOTIFICATION ^ 0xFF, sent[1]);
    EXPECT_I64(0x40 ^ 0xFF, sent[2]);
    wk_push_sent(&push, NOW_US);
    confirm(NOW_US, push.delivery.invoke, false);
    EXPECT(wk_push_is_busy(&push));
    confirm(NOW_US, push.delivery.invoke + 1, true);
    EXPECT(wk_push_is_busy(&push));
    confirm(NOW_US, push.delivery.invoke, true);
    EXPECT(!wk_push_is_busy(&push));
    push.config.seal = NULL;
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(!deliver(NOW_US, 3)); /* nothing leaves in clear */
}

/* ---- when -------------------------------------------------------------------------------- */

static void tries_are_repeated_with_growing_pauses(void)
{
    begin(1024);
    configure("0101" NAME, TARGET);
    EXPECT_OK(set(6, "1104"));
    EXPECT_OK(set(7, "0203 12000A 1200C8 120019")); /* 10 s, doubled, 25 s at most */
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    static const int64_t k_pauses_s[] = {10, 20, 25, 25};
    int64_t now_us = NOW_US;
    for (int i = 0; i < 4; i++) {
        EXPECT(deliver(now_us, 1));
        wk_push_failed(&push, now_us);
        EXPECT_I64(now_us + k_pauses_s[i] * SECOND, wk_push_due_us(&push));
        EXPECT(!deliver(now_us + k_pauses_s[i] * SECOND - 1, 1));
        now_us += k_pauses_s[i] * SECOND;
    }
    EXPECT(deliver(now_us, 1));
    wk_push_failed(&push, now_us);
    EXPECT_I64(WK_PUSH_NEVER, wk_push_due_us(&push));
    EXPECT_I64(1, push.given_up);
}

static void a_confirmation_that_does_not_come_is_a_failure(void)
{
    begin(1024);
    configure("0101" NAME, TARGET);
    EXPECT_OK(set(6, "1101"));
    EXPECT_OK(set(7, "12003C")); /* as in version 0: 60 s */
    EXPECT_OK(set(11, "1602"));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(deliver(NOW_US, 1));
    wk_push_sent(&push, NOW_US);
    wk_push_tick(&push, NOW_US + WK_PUSH_CONFIRM_US - 1);
    EXPECT(wk_push_is_busy(&push));
    wk_push_tick(&push, NOW_US + WK_PUSH_CONFIRM_US);
    EXPECT(!wk_push_is_busy(&push));
    EXPECT_I64(NOW_US + WK_PUSH_CONFIRM_US + 60 * SECOND, wk_push_due_us(&push));
}

static void a_push_waits_for_its_window_and_for_chance(void)
{
    begin(1024);
    configure("0101" NAME, TARGET);
    /* every day from 22:00 to 04:00; now it is 16:13:20 */
    EXPECT_OK(set(4, "0101 0202 090CFFFFFFFFFF16000000800000 090CFFFFFFFFFF04000000800000"));
    EXPECT_OK(set(5, "12003C"));
    drawn = 30000;
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT_I64(NOW_US + 30 * SECOND, wk_push_due_us(&push));
    int64_t now_us = wk_push_due_us(&push);
    while (!deliver(now_us, 1) && now_us < NOW_US + 86400 * SECOND) {
        now_us = wk_push_due_us(&push);
    }
    const int64_t opens_us = NOW_US + (int64_t)(5 * 3600 + 46 * 60 + 40) * SECOND;
    EXPECT(now_us >= opens_us && now_us < opens_us + WK_PUSH_WINDOW_US);
    wk_push_sent(&push, now_us);
    /* one that is over for ever */
    EXPECT_OK(set(4, "0101 0202 090C07EA0101FF00000000000000 090C07EA0201FF00000000000000"));
    EXPECT_OK(wk_push_trigger(&push, 0, NOW_US));
    EXPECT(!deliver(NOW_US + 60 * SECOND, 1));
    wk_push_reset(&push, 0);
    EXPECT_I64(WK_PUSH_NEVER, wk_push_due_us(&push));
}

/* ---- attributes -------------------------------------------------------------------------- */

static void attributes_are_read_as_they_were_written(void)
{
    static const struct {
        uint8_t attribute;
        const char *value;
    } k_values[] = {
        {2, "0102" NAME PROFILE "0202 1602 0202 0600000002 0600000003 0101"
            "0204 120003 0906 0100010800FF 0F02 120000"},
        {3, TARGET},
        {4, "0101 0202 090CFFFFFFFFFF16000000800000 090CFFFFFFFFFF04000000800000"},
        {5, "12003C"},
        {6, "1103"},
        {7, "0203 12000A 1200C8 120019"},
        {8, "0906 0000190000FF"},
        {9, "0F66"},
        {11, "1602"},
        {12, "0202 090C07EA0101FF000000000000FF 0600000E10"},
    };
    begin(1024);
    for (size_t i = 0; i < sizeof k_values / sizeof k_values[0]; i++) {
        const struct wk_test_octets want = wk_test_hex(k_values[i].value);
        uint8_t room[256];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(set(k_values[i].attribute, k_values[i].value));
        EXPECT_OK(wk_push_get(&push, 0, k_values[i].attribute, &out));
        printf("# attribute %u\n", k_values[i].attribute);
        EXPECT_I64(want.size, out.size);
        EXPECT_BYTES(want.data, room, want.size);
        for (size_t cut = 0; cut < want.size; cut++) {
            struct wk_bytes_in in = wk_bytes_in_of(want.data, cut);
            EXPECT(wk_push_set(&push, 0, k_values[i].attribute, &in) != WK_OK);
            out = wk_bytes_out_of(room, sizeof room);
            EXPECT_OK(wk_push_get(&push, 0, k_values[i].attribute, &out));
            EXPECT_I64(want.size, out.size);
            EXPECT_BYTES(want.data, room, want.size);
        }
    }
    EXPECT_ERR(WK_E_RANGE, set(3, "0203 1602 0900 1600"));
    EXPECT_ERR(WK_E_RANGE, set(3, "0203 1600 0900 1601"));
    EXPECT_ERR(WK_E_RANGE, set(11, "1603"));
    EXPECT_ERR(WK_E_RANGE, set(2, "0109"));
    EXPECT_ERR(WK_E_UNSUPPORTED, set(13, "00"));
    EXPECT_ERR(WK_E_ARGUMENT, wk_push_trigger(&push, WK_PUSH_SETUPS, 0));
    EXPECT_ERR(WK_E_STATE, wk_push_trigger(&push, 1, 0));
}

WK_TEST_MAIN(
    T(a_push_is_a_structure_of_what_the_setup_names), T(a_role_that_may_not_read_sends_null),
    T(nothing_of_a_profile_is_lost_or_sent_twice), T(a_backlog_goes_out_in_full_notifications),
    T(without_compact_arrays_nobody_can_ask_for_them),
    T(values_share_their_room_and_none_is_cut), T(restrictions_and_columns_are_honoured),
    T(columns_need_not_stand_side_by_side), T(arrays_go_compact_where_it_is_asked_for),
    T(a_protected_push_wants_a_protected_confirmation),
    T(tries_are_repeated_with_growing_pauses),
    T(a_confirmation_that_does_not_come_is_a_failure),
    T(a_push_waits_for_its_window_and_for_chance), T(attributes_are_read_as_they_were_written))
