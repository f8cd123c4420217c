/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's end is played here on a pair of sockets, message by message as linux/nl80211.h has them; and the real
 * kernel is asked about an interface that is not wireless. */
#include "port/linux/nl80211.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/virtual/draw.h"
#include "tests/wk_test.h"

#define FAMILY    0x1C
#define INTERFACE 3
#define SEED      UINT64_C(20261125)

/* ---- the kernel's end -------------------------------------------------------------------- */

static struct wk_nl80211 reader;
static int kernel;
static uint8_t message[2048];
static size_t at;
static uint32_t sequence; /* of the question */

static void begin(void)
{
    int ends[2];
    EXPECT_I64(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
    wk_nl80211_init(&reader, ends[0], INTERFACE);
    kernel = ends[1];
}

static void end(void)
{
    wk_nl80211_close(&reader);
    close(kernel);
}

/* The next question is this one. */
static void asked(uint8_t command, uint16_t family, bool is_dump)
{
    struct {
        struct nlmsghdr head;
        struct genlmsghdr generic;
        uint8_t more[256];
    } question;
    const ssize_t size = recv(kernel, &question, sizeof question, MSG_DONTWAIT);
    EXPECT(size > 0);
    EXPECT_I64(size, question.head.nlmsg_len);
    EXPECT_I64(family, question.head.nlmsg_type);
    EXPECT_I64(command, question.generic.cmd);
    EXPECT((question.head.nlmsg_flags & NLM_F_REQUEST) != 0);
    EXPECT_I64(is_dump, (question.head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP);
    sequence = question.head.nlmsg_seq;
}

static void head(uint16_t type, uint8_t command)
{
    const struct nlmsghdr nl = {.nlmsg_type = type, .nlmsg_seq = sequence};
    const struct genlmsghdr generic = {.cmd = command};
    memcpy(message, &nl, sizeof nl);
    memcpy(message + sizeof(struct nlmsghdr), &generic, sizeof generic);
    at = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr);
}

static size_t open_nest(uint16_t type)
{
    const struct nlattr nest = {.nla_type = type | NLA_F_NESTED};
    memcpy(message + at, &nest, sizeof nest);
    at += sizeof(struct nlattr);
    return at - sizeof(struct nlattr);
}

static void close_nest(size_t nest)
{
    const uint16_t size = (uint16_t)(at - nest);
    memcpy(message + nest, &size, sizeof size);
}

static void attribute(uint16_t type, const void *value, size_t size)
{
    const size_t nest = open_nest(type);
    memcpy(message + at, value, size);
    at += size;
    close_nest(nest);
    at = (at + 3U) & ~(size_t)3U;
}

static void u32(uint16_t type, uint32_t value)
{
    attribute(type, &value, sizeof value);
}

static void u8(uint16_t type, int value)
{
    const uint8_t octet = (uint8_t)value;
    attribute(type, &octet, sizeof octet);
}

/* The message goes, and ends the look or does not. */
static void deliver(bool over)
{
    const uint32_t size = (uint32_t)at;
    memcpy(message, &size, sizeof size);
    EXPECT_I64(size, send(kernel, message, size, 0));
    EXPECT_I64(over, wk_nl80211_take(&reader));
}

/* An acknowledgement, a refusal, or the end of a list. */
static void say_end(uint16_t type, int32_t code, bool over)
{
    const struct nlmsghdr nl = {.nlmsg_type = type, .nlmsg_seq = sequence};
    memcpy(message, &nl, sizeof nl);
    memcpy(message + sizeof(struct nlmsghdr), &code, sizeof code);
    at = sizeof(struct nlmsghdr) + sizeof code;
    deliver(over);
}

static void tell_family(void)
{
    asked(CTRL_CMD_GETFAMILY, GENL_ID_CTRL, false);
    const uint16_t family = FAMILY;
    head(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
    attribute(CTRL_ATTR_FAMILY_NAME, NL80211_GENL_NAME, sizeof NL80211_GENL_NAME);
    attribute(CTRL_ATTR_FAMILY_ID, &family, sizeof family);
    deliver(false);
    say_end(NLMSG_ERROR, 0, false);
}

static void tell_interface(const char *ssid, uint32_t mhz)
{
    asked(NL80211_CMD_GET_INTERFACE, FAMILY, false);
    head(FAMILY, NL80211_CMD_NEW_INTERFACE);
    u32(NL80211_ATTR_IFINDEX, INTERFACE);
    attribute(NL80211_ATTR_SSID, ssid, strlen(ssid));
    u32(NL80211_ATTR_WIPHY_FREQ, mhz);
    deliver(false);
    say_end(NLMSG_ERROR, 0, false);
}

static void tell_station(int signal_dbm, uint32_t packets, uint32_t retries)
{
    asked(NL80211_CMD_GET_STATION, FAMILY, true);
    head(FAMILY, NL80211_CMD_NEW_STATION);
    const size_t station = open_nest(NL80211_ATTR_STA_INFO);
    u8(NL80211_STA_INFO_SIGNAL_AVG, signal_dbm);
    u8(NL80211_STA_INFO_SIGNAL, signal_dbm - 9); /* of the last packet alone */
    const size_t rate = open_nest(NL80211_STA_INFO_TX_BITRATE);
    const uint16_t narrow = 0;
    attribute(NL80211_RATE_INFO_BITRATE, &narrow, sizeof narrow);
    u32(NL80211_RATE_INFO_BITRATE32, 866);
    close_nest(rate);
    u32(NL80211_STA_INFO_TX_PACKETS, packets);
    u32(NL80211_STA_INFO_TX_RETRIES, retries);
    close_nest(station);
    deliver(false);
    say_end(NLMSG_DONE, 0, false);
}

static void tell_channel(bool is_used, int noise_dbm, uint64_t active_ms, uint64_t busy_ms)
{
    head(FAMILY, NL80211_CMD_NEW_SURVEY_RESULTS);
    const size_t survey = open_nest(NL80211_ATTR_SURVEY_INFO);
    u32(NL80211_SURVEY_INFO_FREQUENCY, 5180);
    u8(NL80211_SURVEY_INFO_NOISE, noise_dbm);
    attribute(NL80211_SURVEY_INFO_TIME, &active_ms, sizeof active_ms);
    attribute(NL80211_SURVEY_INFO_TIME_BUSY, &busy_ms, sizeof busy_ms);
    if (is_used) {
        attribute(NL80211_SURVEY_INFO_IN_USE, "", 0);
    }
    close_nest(survey);
    deliver(false);
}

static void ask_channels(void)
{
    asked(NL80211_CMD_GET_SURVEY, FAMILY, true);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void a_look_shows_network_station_and_channel(void)
{
    begin();
    EXPECT_OK(wk_nl80211_look(&reader));
    tell_family();
    tell_interface("Caf\xC3\xA9 7", 5180);
    tell_station(-67, 1000, 100);
    ask_channels();
    tell_channel(false, -101, 5000, 4999); /* others were looked at, too */
    tell_channel(true, -95, 10000, 1000);
    tell_channel(false, -88, 5000, 0);
    say_end(NLMSG_DONE, 0, true);
    EXPECT(reader.is_wireless && reader.status.connected);
    EXPECT(strcmp("Caf?? 7", reader.status.ssid) == 0);
    EXPECT_I64(5180, reader.status.frequency_mhz);
    EXPECT_I64(-67, reader.status.signal_dbm);
    EXPECT_I64(-95, reader.status.noise_dbm);
    EXPECT_I64(86600, reader.status.tx_kbps);
    EXPECT_I64(0, reader.status.rx_kbps);
    EXPECT_I64(WK_WIFI_UNKNOWN, reader.status.busy_percent); /* there was no look before */
    EXPECT_OK(wk_nl80211_look(&reader));
    tell_interface("Cafe 7", 5180);
    tell_station(-67, 1200, 180);
    ask_channels();
    tell_channel(true, -95, 15000, 5000);
    say_end(NLMSG_DONE, 0, true);
    EXPECT_I64(80, reader.status.busy_percent);  /* 4000 of 5000 ms */
    EXPECT_I64(40, reader.status.retry_percent); /* 80 of 200 */
    EXPECT_OK(wk_nl80211_look(&reader));
    tell_interface("Cafe 7", 5180);
    tell_station(-67, 10, 0); /* counts began anew, and the driver tells of no channel */
    ask_channels();
    say_end(NLMSG_ERROR, -EOPNOTSUPP, true);
    EXPECT(reader.status.connected);
    EXPECT_I64(WK_WIFI_UNKNOWN, reader.status.retry_percent);
    EXPECT_I64(WK_WIFI_UNKNOWN, reader.status.noise_dbm);
    end();
}

static void without_an_access_point_it_is_not_connected(void)
{
    begin();
    EXPECT_OK(wk_nl80211_look(&reader));
    tell_family();
    tell_interface("", 0);
    asked(NL80211_CMD_GET_STATION, FAMILY, true);
    say_end(NLMSG_DONE, 0, false);
    ask_channels();
    say_end(NLMSG_DONE, 0, true);
    EXPECT(reader.is_wireless && !reader.status.connected);
    end();
}

static void what_is_not_wireless_is_none(void)
{
    begin();
    EXPECT_OK(wk_nl80211_look(&reader)); /* a kernel without it */
    asked(CTRL_CMD_GETFAMILY, GENL_ID_CTRL, false);
    say_end(NLMSG_ERROR, -ENOENT, true);
    EXPECT(!reader.is_wireless);
    EXPECT_OK(wk_nl80211_look(&reader)); /* another interface */
    tell_family();
    asked(NL80211_CMD_GET_INTERFACE, FAMILY, false);
    say_end(NLMSG_ERROR, -ENODEV, true);
    EXPECT(!reader.is_wireless);
    EXPECT_I64(WK_NL80211_IDLE, reader.stage);
    end();
}

static void the_kernel_here_answers(void)
{
    EXPECT_OK(wk_nl80211_open(&reader, "no such"));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_nl80211_look(&reader));
    wk_nl80211_close(&reader);
    EXPECT_OK(wk_nl80211_open(&reader, "lo"));
    EXPECT_OK(wk_nl80211_look(&reader));
    struct pollfd polled = {.fd = reader.fd, .events = POLLIN};
    bool over = false;
    for (int i = 0; i < 10 && !over; i++) {
        EXPECT_I64(1, poll(&polled, 1, 2000));
        over = wk_nl80211_take(&reader);
    }
    EXPECT(over && !reader.is_wireless);
    wk_nl80211_close(&reader);
}

/* Cut anywhere, with any octet changed: nothing is read that is not there (sanitizers look on). */
static void what_is_malformed_is_passed_over(void)
{
    uint64_t chance = SEED;
    printf("# seed %" PRIu64 "\n", SEED);
    for (int i = 0; i < 20000; i++) {
        begin();
        reader.family = FAMILY;
        reader.stage = (wk_nl80211_stage)(WK_NL80211_INTERFACE + wk_virtual_draw(&chance, 3));
        reader.sequence = sequence = 1;
        head(FAMILY, NL80211_CMD_NEW_STATION);
        attribute(NL80211_ATTR_SSID, "0123456789012345678901234567890123456789", 40);
        const size_t outer =
            open_nest(reader.stage == WK_NL80211_STATIONS ? NL80211_ATTR_STA_INFO
                                                          : NL80211_ATTR_SURVEY_INFO);
        u8(NL80211_STA_INFO_SIGNAL, -60);
        u32(NL80211_STA_INFO_TX_PACKETS, 7);
        close_nest(outer);
        const uint32_t whole = (uint32_t)at;
        memcpy(message, &whole, sizeof whole);
        for (uint32_t change = wk_virtual_draw(&chance, 4); change > 0; change--) {
            message[wk_virtual_draw(&chance, whole)] = (uint8_t)wk_virtual_draw(&chance, 256);
        }
        const size_t size = 1 + wk_virtual_draw(&chance, whole);
        EXPECT_I64((int64_t)size, send(kernel, message, size, 0));
        (void)wk_nl80211_take(&reader);
        EXPECT(memchr(reader.next.ssid, 0, sizeof reader.next.ssid) != NULL);
        end();
    }
}

WK_TEST_MAIN(T(a_look_shows_network_station_and_channel),
             T(without_an_access_point_it_is_not_connected), T(what_is_not_wireless_is_none),
             T(the_kernel_here_answers), T(what_is_malformed_is_passed_over))
