/* SPDX-License-Identifier: Apache-2.0
 *
 * The optical port of a meter that has seen one window (tests/view_meter.c), read as IEC 62056-21 has
 * it. Expected octets and check octets are written down or computed here. */
#include "view/optical.h"

#include "tests/view_meter.h"
#include "tests/wk_test.h"

static struct wk_view_meter g_meter;
static struct wk_optical g_optical;
static int64_t g_now_us;
static char g_said[WK_OPTICAL_MESSAGE + 1];
static size_t g_size;
static uint32_t g_baud;

static wk_err boot(wk_role writer)
{
    const struct wk_optical_config config = {.table = &g_meter.module.table,
                                             .maker = "WKP",
                                             .name = "WATTKEEPER",
                                             .address = "00123",
                                             .baud = 9600,
                                             .password = "secret",
                                             .writer = writer};
    g_now_us = 1000000;
    WK_TRY(wk_view_meter_init(&g_meter, 3));
    WK_TRY(wk_view_meter_step(&g_meter));
    return wk_optical_init(&g_optical, &config);
}

/* Goes on until the meter says something, but not for longer than `most_us`. */
static void listen(int64_t most_us)
{
    const int64_t end_us = g_now_us + most_us;
    g_size = 0;
    while (g_size == 0 && wk_optical_due_us(&g_optical) <= end_us) {
        const int64_t due_us = wk_optical_due_us(&g_optical);
        g_now_us = due_us > g_now_us ? due_us : g_now_us;
        const uint8_t *octets =
            wk_optical_tick(&g_optical, g_now_us, INT64_C(1769986800000000), &g_size, &g_baud);
        if (octets != NULL) {
            memcpy(g_said, octets, g_size);
        }
    }
    g_now_us = g_size > 0 ? g_now_us : end_us;
    g_said[g_size] = '\0';
}

static void say(const char *octets, size_t size)
{
    wk_optical_receive(&g_optical, g_now_us, INT64_C(1769986800000000), (const uint8_t *)octets,
                       size);
    listen(1000000);
}
#define SAY(text) say(text, sizeof(text) - 1)

/* A block of programming mode with its check octet. */
static void command(const char *text)
{
    char block[96];
    const size_t size = strlen(text);
    uint8_t bcc = 3;
    block[0] = 1;
    for (size_t n = 0; n < size; n++) {
        block[1 + n] = text[n];
        bcc ^= (uint8_t)text[n];
    }
    block[1 + size] = 3;
    block[2 + size] = (char)bcc;
    say(block, size + 3);
}

static bool is_block(char first)
{
    uint8_t bcc = 0;
    for (size_t n = 1; n + 1 < g_size; n++) {
        bcc ^= (uint8_t)g_said[n];
    }
    return g_size > 3 && g_said[0] == first && g_said[g_size - 2] == 3 &&
           (uint8_t)g_said[g_size - 1] == bcc;
}

static void a_sign_on_is_answered_with_the_identification(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("\0\0\0/?!\r\n");
    EXPECT(strcmp(g_said, "/WKp5WATTKEEPER\r\n") == 0);
    EXPECT_I64(300, g_baud);
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?123!\r\n");
    EXPECT_I64(17, g_size);
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?124!\r\n");
    EXPECT_I64(0, g_size);
}

static void a_readout_comes_with_the_rate_agreed(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?!\r\n");
    SAY("\006050\r\n");
    EXPECT_I64(9600, g_baud);
    EXPECT(is_block(2));
    EXPECT(strstr(g_said, "0.0.0(" WK_VIEW_METER_SERIAL ")\r\n") != NULL);
    EXPECT(strstr(g_said, "0.9.2(260202)\r\n") != NULL);
    EXPECT(strstr(g_said, "1.8.0(001234.567*kWh)\r\n") != NULL);
    EXPECT(strstr(g_said, "32.7.0(230.1*V)\r\n") != NULL);
    EXPECT(strstr(g_said, "\r\n!\r\n\003") != NULL);
    const size_t size = g_size;
    SAY("\025"); /* again */
    EXPECT_I64(size, g_size);
    SAY("\006");
    EXPECT_I64(0, g_size);
    EXPECT_I64(300, g_optical.baud);
    SAY("/?!\r\n");
    EXPECT_I64(17, g_size);
}

static void a_readout_is_repeated_three_times(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?!\r\n");
    SAY("\006000\r\n");
    EXPECT_I64(300, g_baud);
    for (int n = 0; n < 3; n++) {
        SAY("\025");
        EXPECT(is_block(2));
    }
    SAY("\025");
    EXPECT_I64(0, g_size);
    EXPECT_I64(WK_OPTICAL_IDLE, g_optical.state);
}

static void a_reader_that_says_nothing_gets_the_readout_slowly(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?!\r\n");
    listen(3000000);
    EXPECT(is_block(2));
    EXPECT_I64(300, g_baud);
}

static void choices_that_are_none_end_the_dialogue(void)
{
    static const char *const k_choices[] = {"\006060\r\n", "\006052\r\n", "\006150\r\n",
                                            "\00605\r\n", "\006090\r\n"};
    for (size_t n = 0; n < 5; n++) {
        EXPECT_OK(boot(WK_ROLE_COUNT));
        SAY("/?!\r\n");
        say(k_choices[n], strlen(k_choices[n]));
        EXPECT_I64(0, g_size);
        EXPECT_I64(WK_OPTICAL_IDLE, g_optical.state);
    }
}

static void log_in(const char *password)
{
    SAY("/?!\r\n");
    SAY("\006051\r\n");
    command(password);
}

static void programming_mode_reads_what_is_asked_for(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?!\r\n");
    SAY("\006051\r\n");
    EXPECT(memcmp(g_said, "\001P0\002()\003`", 8) == 0);
    command("P1\002(secret)");
    EXPECT(strcmp(g_said, "\006") == 0);
    command("R1\0021.8.0()");
    EXPECT(is_block(2));
    EXPECT(strncmp(g_said + 1, "1.8.0(001234.567*kWh)", 21) == 0);
    command("R5\0021-0:32.7.0*255()");
    EXPECT(strncmp(g_said + 1, "32.7.0(230.1*V)", 15) == 0);
    SAY("\025");
    EXPECT(strncmp(g_said + 1, "32.7.0(230.1*V)", 15) == 0);
    command("R1\0029.9.9()");
    EXPECT(strncmp(g_said + 1, "(ERR02)", 7) == 0);
    command("W1\0020-1:96.3.10(1)");
    EXPECT(strncmp(g_said + 1, "(ERR04)", 7) == 0);
    command("X1\0021.8.0()");
    EXPECT(strncmp(g_said + 1, "(ERR05)", 7) == 0);
    command("R1\0021.8.0");
    EXPECT(strncmp(g_said + 1, "(ERR05)", 7) == 0);
    command("B0");
    EXPECT_I64(0, g_size);
    EXPECT_I64(300, g_optical.baud);
}

static void three_wrong_passwords_end_the_dialogue(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    log_in("P1\002(wrong)");
    EXPECT(strncmp(g_said + 1, "(ERR01)", 7) == 0);
    command("R1\0021.8.0()"); /* nothing is read without */
    EXPECT(strncmp(g_said + 1, "(ERR01)", 7) == 0);
    command("P1\002(secre)");
    EXPECT(is_block(1));
    EXPECT(strncmp(g_said + 1, "B0", 2) == 0);
    EXPECT_I64(WK_OPTICAL_IDLE, g_optical.state);
}

static void what_is_spoiled_is_asked_for_again(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    log_in("P1\002(secret)");
    SAY("\001R1\0021.8.0()\003\001");
    EXPECT(strcmp(g_said, "\025") == 0);
    command("R1\0021.8.0()");
    EXPECT(is_block(2));
}

static void relays_are_written_where_it_is_allowed(void)
{
    EXPECT_OK(boot(WK_ROLE_MANAGEMENT));
    log_in("P1\002(secret)");
    command("W1\0020-1:96.3.10(1)");
    EXPECT(strcmp(g_said, "\006") == 0);
    EXPECT(wk_optical_take_written(&g_optical));
    EXPECT(!wk_optical_take_written(&g_optical));
    EXPECT_OK(wk_view_meter_step(&g_meter));
    command("R1\0020-1:96.3.10()");
    EXPECT(strncmp(g_said + 1, "0-1:96.3.10(1)", 14) == 0);
    command("W1\0021.8.0(1)");
    EXPECT(strncmp(g_said + 1, "(ERR04)", 7) == 0);
    command("W1\0020-1:96.3.10(7)");
    EXPECT(strncmp(g_said + 1, "(ERR04)", 7) == 0);
}

static void what_a_head_gives_back_is_passed_over(void)
{
    char echo[WK_OPTICAL_MESSAGE];
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?!\r\n");
    memcpy(echo, g_said, g_size);
    const size_t size = g_size;
    wk_optical_receive(&g_optical, g_now_us, 0, (const uint8_t *)echo, size);
    SAY("\006050\r\n");
    EXPECT(is_block(2));
    memcpy(echo, g_said, g_size);
    say(echo, g_size);
    EXPECT_I64(0, g_size);
    SAY("\025");
    EXPECT(is_block(2));
}

static void a_sign_on_may_begin_again(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    SAY("/?!\r\n");
    SAY("/?!\r\n");
    EXPECT(strcmp(g_said, "/WKp5WATTKEEPER\r\n") == 0);
}

static void silence_ends_the_dialogue(void)
{
    EXPECT_OK(boot(WK_ROLE_COUNT));
    log_in("P1\002(secret)");
    listen(2 * WK_OPTICAL_INACTIVE_US);
    EXPECT_I64(0, g_size);
    EXPECT_I64(WK_OPTICAL_IDLE, g_optical.state);
    EXPECT_I64(300, g_optical.baud);
}

static void every_octet_at_every_place_does_no_harm(void)
{
    static const char *const k_starts[] = {"", "/?!\r\n", "/?!\r\n|\006050\r\n",
                                           "/?!\r\n|\006051\r\n"};
    for (size_t start = 0; start < 4; start++) {
        for (int octet = 0; octet < 256; octet++) {
            const char one = (char)octet;
            EXPECT_OK(wk_optical_init(&g_optical, &g_optical.config));
            for (const char *at = k_starts[start]; *at != '\0'; at++) {
                if (*at == '|') {
                    listen(100000);
                } else {
                    wk_optical_receive(&g_optical, g_now_us, 0, (const uint8_t *)at, 1);
                }
            }
            listen(100000);
            for (int n = 0; n < 300; n++) {
                wk_optical_receive(&g_optical, g_now_us, 0, (const uint8_t *)&one, 1);
                listen(100);
            }
            EXPECT(g_optical.size <= WK_OPTICAL_LINE);
        }
    }
}

static void names_that_cannot_be_are_refused(void)
{
    struct wk_optical_config config = g_optical.config;
    config.baud = 1000;
    EXPECT_ERR(WK_E_ARGUMENT, wk_optical_init(&g_optical, &config));
    config.baud = 9600;
    strcpy(config.password, "a)b");
    EXPECT_ERR(WK_E_ARGUMENT, wk_optical_init(&g_optical, &config));
    strcpy(config.password, "");
    strcpy(config.name, "A/B");
    EXPECT_ERR(WK_E_ARGUMENT, wk_optical_init(&g_optical, &config));
    EXPECT_I64(19200, wk_optical_rate('6'));
    EXPECT_I64(0, wk_optical_rate('7'));
}

WK_TEST_MAIN(T(a_sign_on_is_answered_with_the_identification),
             T(a_readout_comes_with_the_rate_agreed), T(a_readout_is_repeated_three_times),
             T(a_reader_that_says_nothing_gets_the_readout_slowly),
             T(choices_that_are_none_end_the_dialogue),
             T(programming_mode_reads_what_is_asked_for),
             T(three_wrong_passwords_end_the_dialogue), T(what_is_spoiled_is_asked_for_again),
             T(relays_are_written_where_it_is_allowed),
             T(what_a_head_gives_back_is_passed_over), T(a_sign_on_may_begin_again),
             T(silence_ends_the_dialogue), T(every_octet_at_every_place_does_no_harm),
             T(names_that_cannot_be_are_refused))
