/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/mode_e.h"

#include "tests/wk_test.h"

static struct wk_mode_e mode;
static const struct wk_mode_e_config k_config = {"WKP", "WATTKEEPER", "0012345", 9600};

static void hear(int64_t now_us, const char *text)
{
    wk_mode_e_receive(&mode, now_us, (const uint8_t *)text, strlen(text));
}

static const char *said(wk_mode_e_event event)
{
    static uint8_t octets[WK_MODE_E_LINE + 1];
    struct wk_bytes_out out = wk_bytes_out_of(octets, WK_MODE_E_LINE);
    wk_mode_e_message(&mode, event, &out);
    octets[out.size] = 0;
    return (const char *)octets;
}

static void a_sign_on_is_handed_over_to_hdlc(void)
{
    EXPECT_OK(wk_mode_e_init(&mode, &k_config));
    hear(1000, "/?!\r\n");
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, 1000 + WK_MODE_E_REPLY_US - 1));
    EXPECT_I64(WK_MODE_E_IDENTIFY, wk_mode_e_tick(&mode, 1000 + WK_MODE_E_REPLY_US));
    EXPECT(strcmp(said(WK_MODE_E_IDENTIFY), "/WKp5\\2WATTKEEPER\r\n") == 0);
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, 1000000));
    hear(1100000, "\006252\r\n");
    EXPECT_I64(WK_MODE_E_HAND_OVER, wk_mode_e_tick(&mode, 1100000 + WK_MODE_E_REPLY_SLOW_US));
    EXPECT_I64(9600, mode.baud);
    EXPECT(strcmp(said(WK_MODE_E_HAND_OVER), "\006252\r\n") == 0);
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, 9000000));
}

/* Signs on, selects `select`, and tells what comes of it. */
static wk_mode_e_event outcome_of(const char *select)
{
    static int64_t now_us;
    now_us += 10000000;
    wk_mode_e_reset(&mode);
    hear(now_us, "/?!\r\n");
    now_us += WK_MODE_E_REPLY_US;
    if (wk_mode_e_tick(&mode, now_us) != WK_MODE_E_IDENTIFY) {
        return WK_MODE_E_IDENTIFY;
    }
    now_us += 1000000;
    hear(now_us, select);
    now_us += WK_MODE_E_REPLY_SLOW_US;
    return wk_mode_e_tick(&mode, now_us);
}

static void every_rate_up_to_its_own_can_be_selected_and_no_other_option(void)
{
    static const uint32_t k_bauds[] = {300, 600, 1200, 2400, 4800, 9600};
    EXPECT_OK(wk_mode_e_init(&mode, &k_config));
    for (int z = 0; z < 128; z++) {
        if (z == 0 || z == '\n' || z == '/' || z == 6) {
            continue; /* they end or begin a message */
        }
        const char select[] = {6, '2', (char)z, '2', '\r', '\n', 0};
        const bool known = z >= '0' && z <= '5';
        EXPECT_I64(known ? WK_MODE_E_HAND_OVER : WK_MODE_E_NOTHING, outcome_of(select));
        EXPECT(!known || mode.baud == k_bauds[z - '0']);
    }
    static const char *const k_others[] = {"\006050\r\n", "\006051\r\n", "\006150\r\n",
                                           "\006251\r\n", "\006052\r\n", "\0062522\r\n",
                                           "\00625\r\n",  "\025\r\n",    "252\r\n"};
    for (size_t i = 0; i < sizeof k_others / sizeof k_others[0]; i++) {
        EXPECT_I64(WK_MODE_E_NOTHING, outcome_of(k_others[i]));
        EXPECT(!mode.identified); /* back at the sign-on */
    }
}

static void only_who_is_called_answers(void)
{
    static const struct {
        const char *text;
        bool answers;
    } k_calls[] = {
        {"/?!\r\n", true},         {"/?12345!\r\n", true},
        {"/?0012345!\r\n", true},  {"/?000012345!\r\n", true},
        {"/?12346!\r\n", false},   {"/?1234!\r\n", false},
        {"/?123450!\r\n", false},  {"/?0!\r\n", false},
        {"/?\r\n", false},         {"?!\r\n", false},
        {"/!\r\n", false},         {"\r\n", false},
        {"\x7F\x55/?!\r\n", true}, {"/?/?!\r\n", true},
        {"/?!\n", false},          {"\xAF\x3F\x21\x8D\x0A", true}, /* with parity bits */
    };
    for (size_t i = 0; i < sizeof k_calls / sizeof k_calls[0]; i++) {
        EXPECT_OK(wk_mode_e_init(&mode, &k_config));
        hear(0, k_calls[i].text);
        EXPECT_I64(k_calls[i].answers ? WK_MODE_E_IDENTIFY : WK_MODE_E_NOTHING,
                   wk_mode_e_tick(&mode, WK_MODE_E_REPLY_US));
    }
}

static void silence_and_floods_bring_it_back_to_the_sign_on(void)
{
    EXPECT_OK(wk_mode_e_init(&mode, &k_config));
    hear(0, "/?");
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, WK_MODE_E_PAUSE_US + 1));
    hear(WK_MODE_E_PAUSE_US + 2, "!\r\n"); /* too late */
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, 2 * WK_MODE_E_PAUSE_US));
    for (int i = 0; i < 1000; i++) {
        hear(10000000, "0123456789");
    }
    hear(10000000, "\r\n/?!\r\n");
    EXPECT_I64(WK_MODE_E_IDENTIFY, wk_mode_e_tick(&mode, 10000000 + WK_MODE_E_REPLY_US));
    /* an ACK that is too late selects nothing */
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, 20000000));
    hear(20000000, "\006252\r\n");
    EXPECT_I64(WK_MODE_E_NOTHING, wk_mode_e_tick(&mode, 20000000 + WK_MODE_E_REPLY_SLOW_US));
}

static void chance_never_hands_over_without_a_sign_on(void)
{
    uint64_t random = 20261121;
    EXPECT_OK(wk_mode_e_init(&mode, &k_config));
    printf("# seed 20261121\n");
    for (int64_t i = 0; i < 200000; i++) {
        static const uint8_t k_some[] = {6, '2', '5', '/', '?', '!', '\r', '\n'};
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        const uint8_t octet = k_some[random >> 61];
        const bool identified = mode.identified;
        wk_mode_e_receive(&mode, i * 1000, &octet, 1);
        const wk_mode_e_event event = wk_mode_e_tick(&mode, i * 1000);
        EXPECT(event != WK_MODE_E_HAND_OVER || identified);
        EXPECT(mode.size <= sizeof mode.line);
    }
}

static void identities_of_other_makers_are_read(void)
{
    static const struct {
        const char *line;
        struct wk_mode_e_meter meter;
    } k_lines[] = {
        {"/WKp5\\2WATTKEEPER", {9600, true, true}},
        {"/ISk5\\2MT382-1000", {9600, true, true}},
        {"/LGZ4\\2ZMD3104407.B32", {4800, true, false}},
        {"/KFM5KAIFA-METER", {9600, false, false}},
        {"/ENe6\\@\\2X", {19200, true, true}},
        {"/ABC0", {300, false, false}},
    };
    static const char *const k_wrong[] = {"",      "/",      "/AB",    "/AB15",
                                          "/abc5", "/ABC7X", "/ABCAX", "ABC5X"};
    struct wk_mode_e_meter meter;
    for (size_t i = 0; i < sizeof k_lines / sizeof k_lines[0]; i++) {
        EXPECT_OK(wk_mode_e_read_identity(k_lines[i].line, strlen(k_lines[i].line), &meter));
        EXPECT_I64(k_lines[i].meter.baud, meter.baud);
        EXPECT(k_lines[i].meter.hdlc == meter.hdlc &&
               k_lines[i].meter.is_quick == meter.is_quick);
    }
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        EXPECT_ERR(WK_E_FORMAT,
                   wk_mode_e_read_identity(k_wrong[i], strlen(k_wrong[i]), &meter));
    }
    static const struct wk_mode_e_config k_bad[] = {{"Wkp", "X", "", 9600},
                                                    {"WKP", "A/B", "", 9600},
                                                    {"WKP", "X", "1!2", 9600},
                                                    {"WKP", "X", "", 9601}};
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_ARGUMENT, wk_mode_e_init(&mode, &k_bad[i]));
    }
}

WK_TEST_MAIN(T(a_sign_on_is_handed_over_to_hdlc),
             T(every_rate_up_to_its_own_can_be_selected_and_no_other_option),
             T(only_who_is_called_answers), T(silence_and_floods_bring_it_back_to_the_sign_on),
             T(chance_never_hands_over_without_a_sign_on),
             T(identities_of_other_makers_are_read))
