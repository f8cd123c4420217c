/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/uplink_announced.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "headend/test_archive.h"
#include "tests/wk_test.h"

#define EPOCH 7
#define NOW_S INT64_C(1170000000)

static struct test_archive t;
static struct wk_stream stream;
static struct wk_registry_meter meter = {.serial = "WK-1"};
static struct wk_archive_link log_link;
static struct wk_uplink_announced announced;
static struct wk_uplink_place place;

static void put_column(struct wk_bytes_out *out, uint16_t class_id, const uint8_t obis[6])
{
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_long_unsigned(out, class_id);
    wk_axdr_put_octet_string(out, obis, 6);
    wk_axdr_put_integer(out, 2);
    wk_axdr_put_long_unsigned(out, 0);
}

/* The description of a log of clock and event code: columns, units, period. */
static void describe(struct wk_archive_link *link)
{
    static const uint8_t k_clock[] = {0, 0, 1, 0, 0, 255};
    static const uint8_t k_event[] = {0, 0, 96, 11, 0, 255};
    struct wk_bytes_out out = wk_bytes_out_of(link->description, sizeof link->description);
    wk_axdr_put_structure(&out, 3);
    wk_axdr_put_array(&out, 2);
    put_column(&out, 8, k_clock);
    put_column(&out, 1, k_event);
    wk_axdr_put_array(&out, 2);
    wk_axdr_put_null(&out);
    wk_axdr_put_null(&out);
    wk_axdr_put_double_long_unsigned(&out, 0);
    link->size = out.size;
}

/* A record: an event of that code at that second. */
static struct wk_bytes_in record_of(uint8_t octets[64], int64_t at_s, uint16_t code)
{
    struct wk_bytes_out out = wk_bytes_out_of(octets, 64);
    struct wk_datetime datetime;
    wk_axdr_put_structure(&out, 2);
    if (wk_datetime_of_utc(&wk_zone_utc, (struct wk_utc){.s = at_s}, 0, &datetime) == WK_OK) {
        wk_datetime_put_axdr(&out, &datetime);
    }
    wk_axdr_put_long_unsigned(&out, code);
    return wk_bytes_in_of(octets, out.size);
}

static void begin(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(wk_stream_init(&stream));
    meter.id = t.meter;
    memset(&announced, 0, sizeof announced);
    log_link = (struct wk_archive_link){.meter = t.meter, .epoch = EPOCH, .stream = 1};
    snprintf(log_link.obis, sizeof log_link.obis, "0.0.99.98.2.255");
    describe(&log_link);
    place = (struct wk_uplink_place){
        .archive = &t.archive, .meter = &meter, .stream = &stream, .now_s = NOW_S};
}

static void end(void)
{
    wk_stream_free(&stream);
    test_archive_close(&t);
}

/* The record comes and is applied, as the thread that writes does it. */
static void come(int64_t sequence, int64_t at_s, uint16_t code)
{
    uint8_t octets[64];
    const struct wk_bytes_in in = record_of(octets, at_s, code);
    const struct wk_archive_record row = {.meter = t.meter,
                                          .epoch = EPOCH,
                                          .stream = 1,
                                          .seq = sequence,
                                          .recv_s = place.now_s,
                                          .octets = in.data,
                                          .size = in.size};
    EXPECT_OK(t.archive.begin(t.archive.self));
    EXPECT_OK(t.archive.record_put(t.archive.self, &row));
    EXPECT_OK(t.archive.commit(t.archive.self));
    EXPECT_OK(wk_uplink_apply(&place, &log_link));
    EXPECT_OK(wk_uplink_announced_settle(&announced, &place, &log_link));
}

static void announce(int64_t sequence, int64_t at_s, uint16_t code)
{
    uint8_t octets[64];
    wk_uplink_announced_take(&announced, &place, &log_link, sequence,
                             record_of(octets, at_s, code));
}

static int64_t exceptions;
static char newest[512];

static wk_err count(void *context, const struct wk_archive_exception *row)
{
    (void)context;
    exceptions++;
    snprintf(newest, sizeof newest, "%s: %s", row->kind, row->text);
    return WK_OK;
}

static int64_t count_exceptions(void)
{
    exceptions = 0;
    return t.archive.exception_each(t.archive.self, t.meter, count, NULL) == WK_OK ? exceptions
                                                                                   : -1;
}

static void what_is_announced_is_told_at_once_and_forgotten_when_it_comes(void)
{
    struct wk_stream_message message;
    begin();
    announce(0, NOW_S - 1, 62);
    EXPECT(wk_uplink_announced_waits(&announced));
    EXPECT_OK(wk_stream_wait(&stream, 0, 0, &message));
    EXPECT(strcmp(message.data,
                  "{\"serial\":\"WK-1\",\"at\":1169999999,\"code\":62,\"announced\":true}") ==
           0);
    EXPECT_OK(wk_uplink_announced_settle(&announced, &place, &log_link));
    EXPECT(wk_uplink_announced_waits(&announced)); /* it did not come yet */
    come(0, NOW_S - 1, 62);
    EXPECT(!wk_uplink_announced_waits(&announced));
    EXPECT_I64(0, count_exceptions());
    announce(0, NOW_S - 1, 62); /* by the slower path */
    EXPECT(!wk_uplink_announced_waits(&announced));
    end();
}

static void an_announcement_that_does_not_come_true_is_an_exception(void)
{
    begin();
    announce(0, NOW_S - 5, 62);
    come(0, NOW_S + 30, 2); /* after its supply was back the meter gave the number to another */
    EXPECT(!wk_uplink_announced_waits(&announced));
    EXPECT_I64(1, count_exceptions());
    EXPECT(strstr(newest, "announced: 0.0.99.98.2.255, record 0, event 62: ") == newest);
    announce(1, NOW_S, 63);
    place.now_s += WK_UPLINK_ANNOUNCED_S - 1;
    EXPECT_OK(wk_uplink_announced_settle(&announced, &place, &log_link));
    EXPECT(wk_uplink_announced_waits(&announced));
    place.now_s++;
    EXPECT_OK(wk_uplink_announced_settle(&announced, &place, &log_link));
    EXPECT(!wk_uplink_announced_waits(&announced));
    EXPECT_I64(2, count_exceptions());
    end();
}

static void what_cannot_be_read_or_kept_is_left_alone(void)
{
    begin();
    wk_uplink_announced_take(&announced, &place, &log_link, 0, wk_bytes_in_of("\x02\x01", 2));
    EXPECT(!wk_uplink_announced_waits(&announced));
    snprintf(log_link.obis, sizeof log_link.obis, "1.0.98.1.0.255");
    announce(0, NOW_S, 62);
    EXPECT(!wk_uplink_announced_waits(&announced)); /* no event log */
    snprintf(log_link.obis, sizeof log_link.obis, "0.0.99.98.2.255");
    const size_t size = log_link.size;
    log_link.size = 0;
    announce(0, NOW_S, 62);
    EXPECT(!wk_uplink_announced_waits(&announced)); /* not described yet */
    log_link.size = size;
    for (int i = 0; i < WK_UPLINK_ANNOUNCED + 3; i++) {
        announce(i, NOW_S, 62);
    }
    EXPECT_I64(WK_UPLINK_ANNOUNCED + 3, wk_stream_last(&stream)); /* told all the same */
    for (int i = 0; i < WK_UPLINK_ANNOUNCED + 3; i++) {
        come(i, NOW_S, 62);
    }
    EXPECT(!wk_uplink_announced_waits(&announced));
    EXPECT_I64(0, count_exceptions());
    end();
}

WK_TEST_MAIN(T(what_is_announced_is_told_at_once_and_forgotten_when_it_comes),
             T(an_announcement_that_does_not_come_true_is_an_exception),
             T(what_cannot_be_read_or_kept_is_left_alone))
