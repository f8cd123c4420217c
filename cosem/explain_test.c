/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told is written down as one line, "name=value" for every item, groups in brackets, and
 * compared with what the standard's syntax says of the same octets. */
#include "cosem/explain.h"

#include <stdio.h>
#include <string.h>

#include "cosem/cosem_test.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define LINE 4096

static struct wk_explain explain;
static struct wk_bearssl bearssl;
static char told[LINE];
static size_t at;

static void put(const char *text)
{
    const size_t size = strlen(text);
    if (at + size < LINE) {
        memcpy(told + at, text, size + 1);
        at += size;
    }
}

static void take_item(void *self, const struct wk_explain_item *item)
{
    char part[128];
    (void)self;
    put(item->name != NULL ? item->name : item->type != NULL ? item->type : "-");
    if (item->kind == WK_EXPLAIN_GROUP) {
        put("[");
        return;
    }
    if (item->kind == WK_EXPLAIN_NUMBER) {
        (void)snprintf(part, sizeof part, "=%lld", (long long)item->number);
        put(part);
    }
    if (item->kind == WK_EXPLAIN_FAULT) {
        (void)snprintf(part, sizeof part, "@%zu+%zu", item->offset, item->size);
        put(part);
    }
    if (item->meaning != NULL) {
        put(":");
        put(item->meaning);
    }
    put(" ");
}

static void take_end(void *self)
{
    (void)self;
    put("]");
}

static wk_err no_random(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 0, size);
    return WK_OK;
}

static void begin(void)
{
    static const struct wk_explain_sink k_sink = {.item = take_item, .end = take_end};
    wk_bearssl_init(&bearssl, NULL, no_random);
    wk_explain_init(&explain, &bearssl.hal, &k_sink);
    at = 0;
    told[0] = '\0';
}

static void tell(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    at = 0;
    told[0] = '\0';
    wk_explain_any(&explain, octets.data, octets.size);
}

static bool has(const char *what)
{
    return strstr(told, what) != NULL;
}

static void a_get_and_its_answer_are_told_field_by_field(void)
{
    begin();
    tell("C001C100080000010000FF0200");
    EXPECT(strncmp(told, "get-request[service:get-request-normal ", 39) == 0);
    EXPECT(has("class-id=8:clock instance-id attribute-id=2 access-selection=0 ]"));
    tell("C401C1010B");
    EXPECT(has("choice=1:data-access-result data-access-result=11:object-unavailable "));
    tell("C401C100020206000004D202020FFF161E");
    EXPECT(has("data[double-long-unsigned=1234 structure[integer=-1 enum=30:Wh ]]"));
    EXPECT(explain.faults == 0);
}

static void an_exception_tells_the_counter_it_expects(void)
{
    begin();
    tell("D8010600001234");
    EXPECT(has("service-error=6:invocation-counter-error expected-invocation-counter=4660 "));
}

static void what_is_cut_off_or_left_over_is_told_with_its_offset(void)
{
    begin();
    tell("C001C1000800000100");
    EXPECT(has("class-id=8:clock malformed@5+4:it ends too early ]"));
    tell("C001C100080000010000FF0200AABB");
    EXPECT(has("access-selection=0 malformed@13+2:octets are left over ]"));
}

static void a_frame_with_a_wrong_check_sum_is_told_all_the_same(void)
{
    begin();
    tell("7EA0190321326FD8E6E600C001C100080000010000FF0200601B7E");
    EXPECT(has("malformed@24+2:the frame check sum does not fit"));
    EXPECT(has("get-request-normal"));
}

static void noise_between_frames_is_told(void)
{
    begin();
    tell("7EA0070321930F017E AABB 7EA0070321930F017E");
    EXPECT(has("malformed@9+2"));
    EXPECT(strstr(strstr(told, "hdlc[") + 1, "hdlc[") != NULL);
}

static const char k_glo[] = "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B";

static void give_key(struct wk_hal_key *key, const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    memcpy(key->octets, octets.data, octets.size);
    key->size = (uint8_t)octets.size;
}

static void what_is_protected_is_opened_as_far_as_keys_are_given(void)
{
    const struct wk_test_octets title = wk_test_hex("4D4D4D0000BC614E");
    begin();
    tell(k_glo);
    EXPECT(has("invocation-counter=19088743") && has("not opened:its key was not given"));
    give_key(&explain.keys.global.ek, "000102030405060708090A0B0C0D0E0F");
    tell(k_glo);
    EXPECT(has("not opened:the sender's system title was not given"));
    memcpy(explain.keys.title, title.data, title.size);
    explain.keys.has_title = true;
    tell(k_glo);
    EXPECT(has("opened:not checked") && has("get-request-normal"));
    give_key(&explain.keys.global.ak, "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
    tell(k_glo);
    EXPECT(has("opened:authentic get-request[service:get-request-normal"));
    explain.keys.global.ak.octets[0] ^= 1;
    tell(k_glo);
    EXPECT(has("malformed@0+0:the tag does not fit") && !has("get-request-normal"));
}

static void pieces_are_told_one_by_one_and_the_whole_with_the_last(void)
{
    begin();
    tell("E0400001000006C001C1000800");
    EXPECT(has("block-number=1") && !has("get-request"));
    tell("E08000020000070000010000FF0200");
    EXPECT(has("malformed"));
    begin();
    tell("E0400001000006C001C1000800");
    tell("E080000200000700010000FF0200");
    EXPECT(has("get-request[") && has("attribute-id=2"));
    tell("C402C100000000010002 0600");
    EXPECT(!has("together"));
    tell("C402C101000000020003 0004D2");
    EXPECT(has("blocks together[data=1234 ]"));
}

static void a_compact_array_is_told_element_by_element(void)
{
    begin();
    tell("C401C100 13 02 02 12 11 06 000101 000202");
    EXPECT(has("data[structure[long-unsigned=1 unsigned=1 ]structure[long-unsigned=2 "
               "unsigned=2 ]]"));
}

static void logical_names_are_called_what_the_standard_calls_them(void)
{
    static const struct {
        uint8_t obis[6];
        const char *name;
    } k_names[] = {
        {{1, 0, 1, 8, 0, 255}, "active energy import, total"},
        {{1, 0, 2, 8, 3, 255}, "active energy export, total, tariff 3"},
        {{1, 0, 52, 7, 0, 255}, "voltage L2, instantaneous"},
        {{1, 0, 71, 7, 5, 255}, "current L3, instantaneous, harmonic 5"},
        {{1, 0, 1, 6, 1, 2}, "active power import, maximum, tariff 1, billing period 2"},
        {{0, 0, 1, 0, 0, 255}, "clock"},
        {{1, 0, 99, 1, 0, 255}, "load profile"},
        {{7, 0, 3, 0, 0, 255}, ""},
    };
    char text[WK_EXPLAIN_NAME];
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        wk_explain_obis_name(k_names[i].obis, text);
        EXPECT(strcmp(text, k_names[i].name) == 0);
    }
}

WK_TEST_MAIN(T(a_get_and_its_answer_are_told_field_by_field),
             T(an_exception_tells_the_counter_it_expects),
             T(what_is_cut_off_or_left_over_is_told_with_its_offset),
             T(a_frame_with_a_wrong_check_sum_is_told_all_the_same),
             T(noise_between_frames_is_told),
             T(what_is_protected_is_opened_as_far_as_keys_are_given),
             T(pieces_are_told_one_by_one_and_the_whole_with_the_last),
             T(a_compact_array_is_told_element_by_element),
             T(logical_names_are_called_what_the_standard_calls_them))
