/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of modems are facts of public manuals and logs: Quectel BG96, SIMCom SIM7000, u-blox SARA-R5. */
#include "tests/wk_test.h"

#include <stdlib.h>

#include "link/at.h"

#define LINES 32

static struct {
    char sent[1024];
    char line[LINES][WK_AT_LINE + 1];
    int lines;
    int done;
    wk_at_result result;
    int32_t code;
} g_seen;

static void see_send(void *self, const char *octets, size_t size)
{
    (void)self;
    strncat(g_seen.sent, octets, size);
}

static void see_line(void *self, const char *line, size_t size, int64_t now_us)
{
    (void)self;
    (void)now_us;
    if (g_seen.lines < LINES) {
        memcpy(g_seen.line[g_seen.lines], line, size);
        g_seen.line[g_seen.lines][size] = '\0';
    }
    g_seen.lines++;
}

static void see_done(void *self, wk_at_result result, int32_t code, int64_t now_us)
{
    (void)self;
    (void)now_us;
    g_seen.done++;
    g_seen.result = result;
    g_seen.code = code;
}

static void begin(struct wk_at *at)
{
    static const struct wk_at_config k_config = {
        .send = see_send, .line = see_line, .done = see_done};
    memset(&g_seen, 0, sizeof g_seen);
    wk_at_init(at, &k_config);
}

static void hear(struct wk_at *at, const char *text, int64_t now_us)
{
    wk_at_take(at, (const uint8_t *)text, strlen(text), now_us);
}

static void a_command_has_its_lines_and_one_end(void)
{
    struct wk_at at;
    begin(&at);
    EXPECT_OK(wk_at_send(&at, "AT+CSQ", 1000, 0));
    EXPECT(strcmp(g_seen.sent, "AT+CSQ\r") == 0);
    EXPECT_ERR(WK_E_BUSY, wk_at_send(&at, "AT", 1000, 0));
    hear(&at, "AT+CSQ\r\r\n+CSQ: 23,99\r\n\r\nOK\r\n", 10);
    EXPECT_I64(1, g_seen.lines);
    EXPECT(strcmp(g_seen.line[0], "+CSQ: 23,99") == 0);
    EXPECT_I64(1, g_seen.done);
    EXPECT_I64(WK_AT_OK, g_seen.result);
    EXPECT(wk_at_is_free(&at, 10));
    EXPECT_I64(WK_AT_NEVER_US, wk_at_due_us(&at));
}

static void each_final_result_code_ends_a_command(void)
{
    static const struct {
        const char *text;
        wk_at_result result;
        int32_t code;
    } k_ends[] = {
        {"OK", WK_AT_OK, -1},
        {"ERROR", WK_AT_ERROR, -1},
        {"+CME ERROR: 10", WK_AT_CME_ERROR, 10},
        {"+CME ERROR: SIM not inserted", WK_AT_CME_ERROR, -1},
        {"+CMS ERROR: 500", WK_AT_CMS_ERROR, 500},
        {"NO CARRIER", WK_AT_NO_CARRIER, -1},
        {"CONNECT 150000000", WK_AT_CONNECT, -1},
        {"ABORTED", WK_AT_ERROR, -1},
    };
    for (size_t i = 0; i < sizeof k_ends / sizeof k_ends[0]; i++) {
        struct wk_at at;
        begin(&at);
        EXPECT_OK(wk_at_send(&at, "AT+X", 1000, 0));
        hear(&at, "\r\n", 1);
        hear(&at, k_ends[i].text, 1);
        EXPECT_I64(0, g_seen.done);
        hear(&at, "\r\n", 1);
        EXPECT_I64(1, g_seen.done);
        EXPECT_I64(k_ends[i].result, g_seen.result);
        EXPECT_I64(k_ends[i].code, g_seen.code);
    }
}

static void unsolicited_lines_come_at_any_time(void)
{
    struct wk_at at;
    begin(&at);
    hear(&at, "\r\nRDY\r\n\r\nAPP RDY\r\n", 0);
    EXPECT_I64(2, g_seen.lines);
    EXPECT_OK(wk_at_send(&at, "AT+COPS?", 1000, 0));
    hear(&at, "\r\n+CEREG: 5,\"2AFA\",\"3152C80\",9\r\n\r\n+COPS: 0,0,\"Telia\",9\r\n", 1);
    hear(&at, "\r\n+QIND: \"csq\",21,99\r\n\r\nOK\r\n\r\n+CSCON: 0\r\n", 2);
    EXPECT_I64(6, g_seen.lines);
    EXPECT_I64(1, g_seen.done);
    EXPECT(strcmp(g_seen.line[5], "+CSCON: 0") == 0);
}

static void after_junk_the_next_line_is_found(void)
{
    struct wk_at at;
    begin(&at);
    EXPECT_OK(wk_at_send(&at, "AT", 1000, 0));
    hear(&at, "\x80\xff\x01OK\r\nAT\r\r\nO", 1); /* junk before OK: not believed */
    EXPECT_I64(0, g_seen.done);
    hear(&at, "K\r\n", 2);
    EXPECT_I64(1, g_seen.done);
    EXPECT_I64(2, at.counts.junk); /* and the echo */
    char longer[WK_AT_LINE + 20];
    memset(longer, 'x', sizeof longer);
    wk_at_take(&at, (const uint8_t *)longer, sizeof longer, 3);
    hear(&at, "\r\n+CSQ: 1,99\r\n", 3);
    EXPECT_I64(1, g_seen.lines);
    EXPECT(strcmp(g_seen.line[0], "+CSQ: 1,99") == 0);
}

static void silence_ends_a_command_and_its_late_answer_ends_no_other(void)
{
    struct wk_at at;
    begin(&at);
    EXPECT_OK(wk_at_send(&at, "AT+CGATT=1", 5000000, 0));
    wk_at_tick(&at, 4999999);
    EXPECT_I64(0, g_seen.done);
    EXPECT_I64(5000000, wk_at_due_us(&at));
    wk_at_tick(&at, 5000000);
    EXPECT_I64(1, g_seen.done);
    EXPECT_I64(WK_AT_SILENT, g_seen.result);
    EXPECT_ERR(WK_E_BUSY, wk_at_send(&at, "AT", 1000, 5000000));
    hear(&at, "\r\nOK\r\n", 5200000); /* late: silence is waited for anew */
    EXPECT_I64(1, g_seen.done);
    EXPECT(!wk_at_is_free(&at, 5400000));
    EXPECT(wk_at_is_free(&at, 5200000 + WK_AT_QUIET_US));
    for (int64_t now = 5300000; now < 9000000; now += 100000) {
        hear(&at, "noise\r\n", now);
    }
    EXPECT(wk_at_is_free(&at, 5000000 + WK_AT_QUIET_MOST_US));
    g_seen.sent[0] = '\0';
    EXPECT_OK(wk_at_send(&at, "AT", 1000, 9000000));
    EXPECT(strcmp(g_seen.sent, "\rAT\r") == 0); /* ends what the modem may hold */
}

static void commands_that_cannot_be_are_refused(void)
{
    char longer[WK_AT_COMMAND + 2];
    struct wk_at at;
    begin(&at);
    memset(longer, 'A', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    EXPECT_ERR(WK_E_ARGUMENT, wk_at_send(&at, "", 1, 0));
    EXPECT_ERR(WK_E_ARGUMENT, wk_at_send(&at, "AT\rATD1", 1, 0));
    EXPECT_ERR(WK_E_ARGUMENT, wk_at_send(&at, longer, 1, 0));
    longer[WK_AT_COMMAND] = '\0';
    EXPECT_OK(wk_at_send(&at, longer, 1, 0));
}

static size_t cut(const char *line, const char *name, struct wk_at_field fields[WK_AT_FIELDS])
{
    return wk_at_fields(line, strlen(line), name, fields);
}

static bool is_field(const struct wk_at_field *field, const char *text)
{
    return field->size == strlen(text) && memcmp(field->text, text, field->size) == 0;
}

static void fields_of_real_lines_are_found(void)
{
    struct wk_at_field f[WK_AT_FIELDS];
    EXPECT_I64(14,
               cut("+CPSI: LTE NB-IOT,Online,440-20,0x1182,10171378,293,EUTRAN-BAND8,3740,0,0,"
                   "-12,-75,-63,13",
                   "+CPSI", f));
    EXPECT(is_field(&f[0], "LTE NB-IOT") && is_field(&f[6], "EUTRAN-BAND8"));
    int32_t value;
    uint32_t hex;
    EXPECT_OK(wk_at_integer(&f[11], &value));
    EXPECT_I64(-75, value);
    EXPECT_OK(wk_at_hex(&f[3], &hex));
    EXPECT_I64(0x1182, hex);
    EXPECT_I64(5, cut("+QCSQ: \"eMTC\",-84,-91,165,-6", "+QCSQ", f));
    EXPECT(f[0].quoted && is_field(&f[0], "eMTC"));
    EXPECT_I64(5, cut("+CPSMS: 1,,,\"00011000\",\"00011110\"", "+CPSMS", f));
    EXPECT(f[1].size == 0 && f[2].size == 0 && is_field(&f[4], "00011110"));
    EXPECT_I64(4, cut("+COPS: 0,0,\"A, B & C\",7", "+COPS", f));
    EXPECT(is_field(&f[2], "A, B & C"));
    EXPECT_I64(0, cut("+CSQN: 1", "+CSQ", f));
    EXPECT_I64(0, cut("+COPS: 0,0,\"no end", "+COPS", f));
    EXPECT_I64(2, cut("+X: 1,", "+X", f));
    EXPECT(f[1].size == 0);
    EXPECT_I64(1, cut("+X:", "+X", f));
}

static void numbers_are_whole_or_none(void)
{
    static const char *const k_wrong[] = {"", "-", "1a", "--1", "1 2", "+1"};
    int32_t value = 7;
    uint32_t hex = 7;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        const struct wk_at_field field = {.text = k_wrong[i],
                                          .size = (uint8_t)strlen(k_wrong[i])};
        EXPECT_ERR(WK_E_FORMAT, wk_at_integer(&field, &value));
    }
    const struct wk_at_field large = {.text = "2147483648", .size = 10};
    EXPECT_ERR(WK_E_RANGE, wk_at_integer(&large, &value));
    const struct wk_at_field nine = {.text = "123456789", .size = 9};
    EXPECT_ERR(WK_E_FORMAT, wk_at_hex(&nine, &hex));
    const struct wk_at_field none = {.text = "0x", .size = 2};
    EXPECT_ERR(WK_E_FORMAT, wk_at_hex(&none, &hex));
    EXPECT_I64(7, value);
    EXPECT_I64(7, hex);
}

WK_TEST_MAIN(T(a_command_has_its_lines_and_one_end), T(each_final_result_code_ends_a_command),
             T(unsolicited_lines_come_at_any_time), T(after_junk_the_next_line_is_found),
             T(silence_ends_a_command_and_its_late_answer_ends_no_other),
             T(commands_that_cannot_be_are_refused), T(fields_of_real_lines_are_found),
             T(numbers_are_whole_or_none))
