/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/nl80211.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_ROOM       64
#define ALIGNED(size)  (((size_t)(size) + 3U) & ~(size_t)3U)
#define MESSAGE_HEAD   sizeof(struct nlmsghdr)
#define ATTRIBUTE_HEAD sizeof(struct nlattr)
#define TYPE_BITS      0x3FFFU /* of an attribute: nested or not, in which order */
#define PERCENT        100
#define KBPS_OF_RATE   100 /* rates are told in 100 kbit/s */
#define ROUTE_LINE     256
#define ROUTE_UP       0x0001U
#define CHANNELS_ONCE  1 /* ms: less tells nothing of a channel */

/* ---- questions --------------------------------------------------------------------------- */

struct question {
    struct nlmsghdr head;
    struct genlmsghdr generic;
    uint8_t attributes[ASK_ROOM];
};

static void put(struct question *question, uint16_t type, const void *value, size_t size)
{
    const struct nlattr attribute = {.nla_len = (uint16_t)(ATTRIBUTE_HEAD + size),
                                     .nla_type = type};
    uint8_t *to = (uint8_t *)question + ALIGNED(question->head.nlmsg_len);
    memcpy(to, &attribute, sizeof attribute);
    memcpy(to + ATTRIBUTE_HEAD, value, size);
    question->head.nlmsg_len =
        (uint32_t)(ALIGNED(question->head.nlmsg_len) + ALIGNED(ATTRIBUTE_HEAD + size));
}

static wk_err ask(struct wk_nl80211 *reader, wk_nl80211_stage stage)
{
    static const uint8_t k_commands[] = {[WK_NL80211_FAMILY] = CTRL_CMD_GETFAMILY,
                                         [WK_NL80211_INTERFACE] = NL80211_CMD_GET_INTERFACE,
                                         [WK_NL80211_STATIONS] = NL80211_CMD_GET_STATION,
                                         [WK_NL80211_CHANNELS] = NL80211_CMD_GET_SURVEY};
    const bool is_dump = stage == WK_NL80211_STATIONS || stage == WK_NL80211_CHANNELS;
    struct question question = {
        .head = {.nlmsg_len = MESSAGE_HEAD + sizeof(struct genlmsghdr),
                 .nlmsg_type = stage == WK_NL80211_FAMILY ? GENL_ID_CTRL : reader->family,
                 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (is_dump ? NLM_F_DUMP : NLM_F_ACK)),
                 .nlmsg_seq = ++reader->sequence},
        .generic = {.cmd = k_commands[stage], .version = 1}};
    if (stage == WK_NL80211_FAMILY) {
        put(&question, CTRL_ATTR_FAMILY_NAME, NL80211_GENL_NAME, sizeof NL80211_GENL_NAME);
    } else {
        put(&question, NL80211_ATTR_IFINDEX, &reader->interface, sizeof reader->interface);
    }
    reader->stage = stage;
    const ssize_t sent = send(reader->fd, &question, question.head.nlmsg_len, MSG_NOSIGNAL);
    return sent == (ssize_t)question.head.nlmsg_len ? WK_OK : WK_E_IO;
}

/* ---- attributes -------------------------------------------------------------------------- */

struct attributes {
    const uint8_t *at;
    size_t left;
};

struct attribute {
    uint16_t type;
    const uint8_t *value;
    size_t size;
};

static bool next(struct attributes *from, struct attribute *attribute)
{
    struct nlattr head;
    if (from->left < sizeof head) {
        return false;
    }
    memcpy(&head, from->at, sizeof head);
    if (head.nla_len < ATTRIBUTE_HEAD || head.nla_len > from->left) {
        return false;
    }
    const size_t whole = ALIGNED(head.nla_len);
    *attribute = (struct attribute){.type = head.nla_type & TYPE_BITS,
                                    .value = from->at + ATTRIBUTE_HEAD,
                                    .size = head.nla_len - ATTRIBUTE_HEAD};
    from->at += whole < from->left ? whole : from->left;
    from->left -= whole < from->left ? whole : from->left;
    return true;
}

static struct attributes within(const struct attribute *attribute)
{
    return (struct attributes){attribute->value, attribute->size};
}

/* Of the host's order, as netlink has them; what is cut short is 0. */
static uint64_t number(const struct attribute *attribute)
{
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    switch (attribute->size) {
    case sizeof(uint8_t):
        return attribute->value[0];
    case sizeof u16:
        memcpy(&u16, attribute->value, sizeof u16);
        return u16;
    case sizeof u32:
        memcpy(&u32, attribute->value, sizeof u32);
        return u32;
    case sizeof u64:
        memcpy(&u64, attribute->value, sizeof u64);
        return u64;
    default:
        return 0;
    }
}

static int16_t level(const struct attribute *attribute)
{
    return attribute->size == 1 ? (int8_t)attribute->value[0] : WK_WIFI_UNKNOWN;
}

/* ---- what is told ------------------------------------------------------------------------ */

static void take_family(struct wk_nl80211 *reader, struct attributes from)
{
    struct attribute attribute;
    while (next(&from, &attribute)) {
        if (attribute.type == CTRL_ATTR_FAMILY_ID) {
            reader->family = (uint16_t)number(&attribute);
        }
    }
}

static void take_name(struct wk_wifi_status *status, const struct attribute *name)
{
    size_t size = 0;
    while (size < name->size && size < WK_WIFI_SSID - 1) {
        const uint8_t letter = name->value[size];
        status->ssid[size++] = (char)(letter >= ' ' && letter < 0x7F ? letter : '?');
    }
    status->ssid[size] = '\0';
}

static void take_interface(struct wk_nl80211 *reader, struct attributes from)
{
    struct attribute attribute;
    reader->is_wireless = true;
    while (next(&from, &attribute)) {
        if (attribute.type == NL80211_ATTR_SSID) {
            take_name(&reader->next, &attribute);
        } else if (attribute.type == NL80211_ATTR_WIPHY_FREQ) {
            reader->next.frequency_mhz = (uint16_t)number(&attribute);
        }
    }
}

static uint32_t rate_kbps(struct attributes from)
{
    struct attribute attribute;
    uint64_t rate = 0;
    while (next(&from, &attribute)) {
        const bool is_wide = attribute.type == NL80211_RATE_INFO_BITRATE32;
        if (is_wide || (attribute.type == NL80211_RATE_INFO_BITRATE && rate == 0)) {
            rate = number(&attribute);
        }
    }
    return rate <= UINT32_MAX / KBPS_OF_RATE ? (uint32_t)(rate * KBPS_OF_RATE) : 0;
}

/* A station of a client is its access point. */
static void take_station(struct wk_nl80211 *reader, struct attributes from)
{
    struct wk_wifi_status *status = &reader->next;
    struct attribute attribute;
    status->connected = true;
    reader->now.has = true;
    while (next(&from, &attribute)) {
        switch (attribute.type) {
        case NL80211_STA_INFO_SIGNAL:
            status->signal_dbm =
                status->signal_dbm == WK_WIFI_UNKNOWN ? level(&attribute) : status->signal_dbm;
            break;
        case NL80211_STA_INFO_SIGNAL_AVG:
            status->signal_dbm = level(&attribute);
            break;
        case NL80211_STA_INFO_TX_BITRATE:
            status->tx_kbps = rate_kbps(within(&attribute));
            break;
        case NL80211_STA_INFO_RX_BITRATE:
            status->rx_kbps = rate_kbps(within(&attribute));
            break;
        case NL80211_STA_INFO_TX_PACKETS:
            reader->now.packets = number(&attribute);
            break;
        case NL80211_STA_INFO_TX_RETRIES:
            reader->now.retries = number(&attribute);
            break;
        default:
            break;
        }
    }
}

/* Only the channel in use counts. */
static void take_channel(struct wk_nl80211 *reader, struct attributes from)
{
    struct attribute attribute;
    struct wk_nl80211_counts counts = reader->now;
    int16_t noise_dbm = WK_WIFI_UNKNOWN;
    bool is_used = false;
    while (next(&from, &attribute)) {
        switch (attribute.type) {
        case NL80211_SURVEY_INFO_IN_USE:
            is_used = true;
            break;
        case NL80211_SURVEY_INFO_NOISE:
            noise_dbm = level(&attribute);
            break;
        case NL80211_SURVEY_INFO_TIME:
            counts.active_ms = number(&attribute);
            break;
        case NL80211_SURVEY_INFO_TIME_BUSY:
            counts.busy_ms = number(&attribute);
            break;
        default:
            break;
        }
    }
    if (is_used) {
        reader->now = counts;
        reader->next.noise_dbm = noise_dbm;
    }
}

static void take_nested(struct wk_nl80211 *reader, struct attributes from, uint16_t type,
                        void (*take)(struct wk_nl80211 *, struct attributes))
{
    struct attribute attribute;
    while (next(&from, &attribute)) {
        if (attribute.type == type) {
            take(reader, within(&attribute));
        }
    }
}

static void take_answer(struct wk_nl80211 *reader, struct attributes from)
{
    switch (reader->stage) {
    case WK_NL80211_FAMILY:
        take_family(reader, from);
        break;
    case WK_NL80211_INTERFACE:
        take_interface(reader, from);
        break;
    case WK_NL80211_STATIONS:
        take_nested(reader, from, NL80211_ATTR_STA_INFO, take_station);
        break;
    case WK_NL80211_CHANNELS:
        take_nested(reader, from, NL80211_ATTR_SURVEY_INFO, take_channel);
        break;
    case WK_NL80211_IDLE:
    default:
        break;
    }
}

/* ---- a look ------------------------------------------------------------------------------ */

static int16_t share(uint64_t part, uint64_t part_before, uint64_t whole, uint64_t whole_before,
                     uint64_t least)
{
    const bool counted_on = part >= part_before && whole >= whole_before + least;
    const uint64_t of = whole - whole_before;
    const uint64_t percent = counted_on ? (part - part_before) * PERCENT / of : 0;
    return counted_on ? (int16_t)(percent < PERCENT ? percent : PERCENT) : WK_WIFI_UNKNOWN;
}

static bool finish(struct wk_nl80211 *reader)
{
    const struct wk_nl80211_counts *before = &reader->before;
    const struct wk_nl80211_counts *now = &reader->now;
    if (before->has && now->has) {
        reader->next.retry_percent =
            share(now->retries, before->retries, now->packets, before->packets, WK_WIFI_ENOUGH);
        reader->next.busy_percent = share(now->busy_ms, before->busy_ms, now->active_ms,
                                          before->active_ms, CHANNELS_ONCE);
    }
    reader->before = reader->now;
    reader->status = reader->next;
    reader->stage = WK_NL80211_IDLE;
    return true;
}

/* The answer to the question under way is whole. True: the look is over. */
static bool go_on(struct wk_nl80211 *reader, bool refused)
{
    const wk_nl80211_stage stage = reader->stage;
    const bool is_lost = refused && stage < WK_NL80211_STATIONS;
    if (is_lost || stage == WK_NL80211_CHANNELS ||
        (stage == WK_NL80211_FAMILY && reader->family == 0) ||
        ask(reader, (wk_nl80211_stage)(stage + 1)) != WK_OK) {
        reader->is_wireless = reader->is_wireless && !is_lost;
        return finish(reader);
    }
    return false;
}

static bool take_message(struct wk_nl80211 *reader, const struct nlmsghdr *head,
                         const uint8_t *body, size_t size)
{
    int32_t code = 0;
    if (head->nlmsg_seq != reader->sequence || reader->stage == WK_NL80211_IDLE) {
        return false;
    }
    if (head->nlmsg_type == NLMSG_ERROR) {
        memcpy(&code, body, size < sizeof code ? size : sizeof code);
        return go_on(reader, code != 0);
    }
    if (head->nlmsg_type == NLMSG_DONE) {
        return go_on(reader, false);
    }
    if (head->nlmsg_type >= NLMSG_MIN_TYPE && size >= sizeof(struct genlmsghdr)) {
        take_answer(reader, (struct attributes){body + sizeof(struct genlmsghdr),
                                                size - sizeof(struct genlmsghdr)});
    }
    return false;
}

static bool take_datagram(struct wk_nl80211 *reader, const uint8_t *octets, size_t size)
{
    struct nlmsghdr head;
    bool over = false;
    while (!over && size >= sizeof head) {
        memcpy(&head, octets, sizeof head);
        if (head.nlmsg_len < MESSAGE_HEAD || head.nlmsg_len > size) {
            return false;
        }
        over =
            take_message(reader, &head, octets + MESSAGE_HEAD, head.nlmsg_len - MESSAGE_HEAD);
        const size_t whole = ALIGNED(head.nlmsg_len);
        octets += whole < size ? whole : size;
        size -= whole < size ? whole : size;
    }
    return over;
}

bool wk_nl80211_take(struct wk_nl80211 *reader)
{
    uint8_t octets[WK_NL80211_DATAGRAM];
    const ssize_t size = recv(reader->fd, octets, sizeof octets, MSG_DONTWAIT);
    return size > 0 && take_datagram(reader, octets, (size_t)size);
}

wk_err wk_nl80211_look(struct wk_nl80211 *reader)
{
    reader->next = (struct wk_wifi_status){.signal_dbm = WK_WIFI_UNKNOWN,
                                           .noise_dbm = WK_WIFI_UNKNOWN,
                                           .busy_percent = WK_WIFI_UNKNOWN,
                                           .retry_percent = WK_WIFI_UNKNOWN};
    reader->now = (struct wk_nl80211_counts){0};
    reader->is_wireless = false;
    if (reader->name[0] != '\0') {
        reader->interface = if_nametoindex(reader->name);
    }
    if (reader->interface == 0) {
        reader->stage = WK_NL80211_IDLE;
        return WK_E_NOT_FOUND;
    }
    return ask(reader, reader->family == 0 ? WK_NL80211_FAMILY : WK_NL80211_INTERFACE);
}

/* ---- begin and end ----------------------------------------------------------------------- */

void wk_nl80211_init(struct wk_nl80211 *reader, int fd, uint32_t interface)
{
    *reader = (struct wk_nl80211){.fd = fd, .interface = interface};
}

wk_err wk_nl80211_open(struct wk_nl80211 *reader, const char *interface)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    wk_nl80211_init(reader, -1, 0);
    (void)snprintf(reader->name, sizeof reader->name, "%s", interface);
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&kernel, sizeof kernel) != 0) {
        const int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        errno = why;
        return WK_E_IO;
    }
    reader->fd = fd;
    return WK_OK;
}

void wk_nl80211_close(struct wk_nl80211 *reader)
{
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    reader->fd = -1;
}

bool wk_nl80211_default_interface(char name[16])
{
    FILE *routes = fopen("/proc/net/route", "re");
    char line[ROUTE_LINE];
    bool found = false;
    while (routes != NULL && !found && fgets(line, sizeof line, routes) != NULL) {
        unsigned long target;
        unsigned flags;
        found = sscanf(line, "%15s %lx %*x %x", name, &target, &flags) == 3 && target == 0 &&
                (flags & ROUTE_UP) != 0;
    }
    if (routes != NULL) {
        (void)fclose(routes);
    }
    return found;
}
