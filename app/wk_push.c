/* SPDX-License-Identifier: Apache-2.0
 *
 * wk push-listen - prints what meters push: DataNotifications and EventNotifications over TCP,
 * UDP and CoAP, in clear or sealed, whole or by general block transfer. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/wk.h"
#include "app/wk_meter.h"
#include "app/wk_value.h"
#include "cosem/gbt.h"
#include "cosem/notification.h"
#include "port/linux/coap_server.h"

#define CONNECTIONS    32
#define APDU           8192
#define WINDOW         8 /* blocks that are taken at once */
#define FIXED          3 /* sources that are no connections */
#define COAP_PATH      "wk/push"
#define COAP_NOT_FOUND 0x84

/* One TCP connection, or all that comes over UDP (fd of the socket) or CoAP. */
struct source {
    size_t gathered;
    struct wk_wrapper_split split;
    struct sockaddr_storage from;
    socklen_t from_size;
    int fd; /* -1: free */
    struct wk_wrapper head;
    uint16_t number; /* of the last block that was taken */
    uint16_t own;
    bool is_udp;
    bool is_coap;
    uint64_t peer; /* of CoAP, who is answered */
    uint8_t in[2 * (APDU + WK_WRAPPER_SIZE)];
    uint8_t whole[APDU];
};

static const char k_usage[] =
    "usage: wk push-listen [OPTIONS] PORT\n"
    "\n"
    "Listens on TCP and UDP of 127.0.0.1 and prints what meters push, a line of JSON each.\n"
    "Sealed notifications are opened with the keys; what asks for it is confirmed.\n"
    "\n"
    "  --coap PORT        listen there on CoAP, too\n"
    "  --address ADDRESS  listen there, e.g. 0.0.0.0\n"
    "  --count N          end after N notifications\n" WK_METER_OPTIONS;

static struct source sources[CONNECTIONS];
static struct wk_coap_server *coap; /* NULL: none */
static struct wk_crypto crypto;
static struct wk_meter meter;
static uint32_t counter; /* of sealed confirmations: rises with time, also over restarts */
static long left = -1;   /* notifications still to print; -1 = no end */

/* ---- answers ----------------------------------------------------------------------------- */

static void reply(struct source *source, const uint8_t *octets, size_t size)
{
    uint8_t room[256];
    const struct wk_wrapper head = {
        .source = source->head.destination,
        .destination = source->head.source,
        .length = (uint16_t)size,
    };
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_wrapper_put(&out, &head);
    wk_bytes_out_put(&out, octets, size);
    if (out.fault != WK_OK) {
        return;
    }
    if (source->is_coap) {
        if (wk_coap_server_say(coap, source->peer, room, out.size) != WK_OK) {
            fprintf(stderr, "wk: an answer could not be sent by CoAP\n");
        }
        return;
    }
    const ssize_t sent = source->is_udp
                             ? sendto(source->fd, room, out.size, 0,
                                      (const struct sockaddr *)&source->from, source->from_size)
                             : send(source->fd, room, out.size, MSG_NOSIGNAL);
    if (sent != (ssize_t)out.size) {
        fprintf(stderr, "wk: an answer could not be sent: %s\n", strerror(errno));
    }
}

static void confirm(struct source *source, uint32_t invoke, bool sealed)
{
    uint8_t plain[32];
    uint8_t room[160];
    struct wk_bytes_out out = wk_bytes_out_of(plain, sizeof plain);
    wk_notification_put_confirm(&out, invoke, wk_bytes_in_of(NULL, 0));
    if (!sealed) {
        reply(source, plain, out.size);
        return;
    }
    struct wk_cipher_head head = {
        .tag = WK_APDU_GENERAL_GLO, .control = WK_CIPHER_BOTH, .counter = counter};
    counter++;
    struct wk_cipher_seal seal;
    struct wk_bytes_out outer = wk_bytes_out_of(room, sizeof room);
    memcpy(head.title, meter.config.title, sizeof head.title);
    wk_cipher_begin(&seal, &outer, sizeof room);
    wk_bytes_out_put(&seal.plain, plain, out.size);
    if (wk_cipher_finish(&seal, &crypto.hal, &meter.config.keys, &head) == WK_OK) {
        reply(source, room, outer.size);
    }
}

/* ---- printing ---------------------------------------------------------------------------- */

static void print_time(const struct wk_bytes_in *time)
{
    struct wk_bytes_in in = *time;
    struct wk_datetime datetime;
    char text[WK_VALUE_TEXT];
    if (time->size == 0) {
        return;
    }
    wk_datetime_read(&in, &datetime);
    if (in.fault == WK_OK) {
        wk_value_time(&datetime, text);
        printf(", \"time\": \"%s\"", text);
    }
}

static void end_line(void)
{
    printf("}\n");
    fflush(stdout);
    left -= left > 0 ? 1 : 0;
}

static void print_head(const char *kind, bool sealed, const uint8_t title[WK_CIPHER_TITLE])
{
    printf("{\"kind\": \"%s\", \"sealed\": %s", kind, sealed ? "true" : "false");
    if (sealed) {
        printf(", \"system_title\": \"");
        for (size_t i = 0; i < WK_CIPHER_TITLE; i++) {
            printf("%02X", title[i]);
        }
        printf("\"");
    }
}

static bool print_notification(struct source *source, struct wk_bytes_in plain, bool sealed,
                               const uint8_t title[WK_CIPHER_TITLE])
{
    struct wk_notification push;
    struct wk_notification_event event;
    struct wk_bytes_in copy = plain;
    if (wk_notification_read(&plain, &push) == WK_OK) {
        print_head("DataNotification", sealed, title);
        printf(", \"id\": %u", push.invoke & WK_NOTIFICATION_ID);
        print_time(&push.time);
        printf(", \"body\": ");
        wk_value_print(push.body);
        end_line();
        if ((push.invoke & WK_NOTIFICATION_CONFIRM) != 0) {
            confirm(source, push.invoke, sealed);
        }
        return true;
    }
    if (wk_notification_read_event(&copy, &event) == WK_OK) {
        char obis[WK_OBIS_TEXT];
        wk_obis_print(event.target.obis, obis);
        print_head("EventNotification", sealed, title);
        print_time(&event.time);
        printf(", \"class\": %u, \"name\": \"%s\", \"attribute\": %u, \"value\": ",
               event.target.class_id, obis, event.target.id);
        wk_value_print(event.value);
        end_line();
        return true;
    }
    return false;
}

/* ---- what comes -------------------------------------------------------------------------- */

static void take_whole(struct source *source, struct wk_bytes_in apdu)
{
    static uint8_t room[APDU + WK_CIPHER_RESERVE];
    struct wk_cipher_head head = {0};
    struct wk_bytes_in text;
    struct wk_bytes_out plain = wk_bytes_out_of(room, sizeof room);
    if (wk_bytes_in_peek(&apdu) != WK_APDU_GENERAL_GLO) {
        if (!print_notification(source, apdu, false, head.title)) {
            fprintf(stderr, "wk: what came is no notification\n");
        }
        return;
    }
    if (meter.config.keys.ek.size == 0) {
        fprintf(stderr, "wk: a sealed notification came: --ek and --ak, or --keys, open it\n");
        return;
    }
    if (wk_cipher_read_head(&apdu, &head, &text) != WK_OK ||
        wk_cipher_open(&crypto.hal, &meter.config.keys, &head, &text, &plain) != WK_OK) {
        fprintf(stderr, "wk: a sealed notification cannot be opened with these keys\n");
        return;
    }
    if (!print_notification(source, wk_bytes_in_of(room, plain.size), true, head.title)) {
        fprintf(stderr, "wk: what was sealed is no notification\n");
    }
}

static void take_block(struct source *source, struct wk_bytes_in apdu)
{
    struct wk_gbt_block block;
    if (wk_gbt_read(&apdu, &block) != WK_OK) {
        fprintf(stderr, "wk: a malformed block came\n");
        return;
    }
    if (block.number == 1) {
        source->number = 0;
        source->own = 0;
        source->gathered = 0;
    }
    if (wk_gbt_take(&source->number, &block) &&
        block.data.size <= sizeof source->whole - source->gathered) {
        memcpy(source->whole + source->gathered, block.data.data, block.data.size);
        source->gathered += block.data.size;
        if (block.last) {
            take_whole(source, wk_bytes_in_of(source->whole, source->gathered));
            return;
        }
    }
    if (!block.streaming) {
        uint8_t room[16];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        const struct wk_gbt_block ack = {
            .last = true, .window = WINDOW, .number = ++source->own, .ack = source->number};
        wk_gbt_put(&out, &ack);
        reply(source, room, out.size);
    }
}

static void take(struct source *source, struct wk_bytes_in apdu)
{
    if (wk_bytes_in_peek(&apdu) == WK_APDU_GENERAL_BLOCK) {
        take_block(source, apdu);
    } else {
        take_whole(source, apdu);
    }
}

static void take_frame(struct source *source, const uint8_t *frame, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(frame, size);
    wk_wrapper_read(&in, &source->head);
    const size_t behind = wk_bytes_in_left(&in);
    if (in.fault == WK_OK && behind == source->head.length) {
        take(source, wk_bytes_in_of(wk_bytes_in_take(&in, behind), behind));
    } else {
        fprintf(stderr, "wk: a datagram without a right head came\n");
    }
}

static void read_datagram(struct source *source)
{
    source->from_size = sizeof source->from;
    const ssize_t size = recvfrom(source->fd, source->in, sizeof source->in, 0,
                                  (struct sockaddr *)&source->from, &source->from_size);
    if (size > 0) {
        take_frame(source, source->in, (size_t)size);
    }
}

static uint8_t take_post(void *self, uint64_t peer, const char *path, uint8_t *payload,
                         size_t size)
{
    struct source *source = self;
    if (strcmp(path, COAP_PATH) != 0) {
        return COAP_NOT_FOUND;
    }
    source->peer = peer;
    take_frame(source, payload, size);
    return 0;
}

static void hang_up(struct source *source)
{
    (void)close(source->fd);
    source->fd = -1;
}

static void read_stream(struct source *source)
{
    size_t room;
    struct wk_bytes_in apdu;
    wk_err err = WK_OK;
    uint8_t *space = wk_wrapper_split_space(&source->split, &room);
    const ssize_t size = recv(source->fd, space, room, 0);
    if (size <= 0 || wk_wrapper_split_received(&source->split, (size_t)size) != WK_OK) {
        hang_up(source);
        return;
    }
    while (err != WK_E_SHORT && left != 0) {
        err = wk_wrapper_split_next(&source->split, &source->head, &apdu);
        if (err == WK_OK) {
            take(source, apdu);
        }
    }
}

static void accept_one(int listener)
{
    const int fd = accept(listener, NULL, NULL);
    for (int i = FIXED; i < CONNECTIONS && fd >= 0; i++) {
        struct source *source = &sources[i];
        if (source->fd < 0) {
            memset(source, 0, sizeof *source);
            source->fd = fd;
            wk_wrapper_split_init(&source->split, source->in, sizeof source->in);
            return;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* sources[0] listens on TCP, sources[1] is UDP, sources[2] CoAP. */
static void serve(void)
{
    while (left != 0) {
        struct pollfd polled[CONNECTIONS];
        for (int i = 0; i < CONNECTIONS; i++) {
            polled[i] = (struct pollfd){.fd = sources[i].fd, .events = POLLIN};
        }
        if (poll(polled, CONNECTIONS, -1) < 0 && errno != EINTR) {
            return;
        }
        for (int i = 0; i < CONNECTIONS && left != 0; i++) {
            if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) {
                continue;
            }
            if (i == 0) {
                accept_one(sources[0].fd);
            } else if (i == 1) {
                read_datagram(&sources[1]);
            } else if (i == 2) {
                wk_coap_server_serve(coap);
            } else {
                read_stream(&sources[i]);
            }
        }
    }
}

/* ---- starting ---------------------------------------------------------------------------- */

static bool listen_on(const char *address, uint16_t port, int kind, struct source *source)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int on = 1;
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
        fprintf(stderr, "wk: --address: \"%s\" is no IPv4 address\n", address);
        return false;
    }
    source->fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    source->is_udp = kind == SOCK_DGRAM;
    if (source->fd < 0 ||
        setsockopt(source->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(source->fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        (kind == SOCK_STREAM && listen(source->fd, CONNECTIONS) != 0)) {
        fprintf(stderr, "wk: port %u: %s\n", port, strerror(errno));
        return false;
    }
    return true;
}

static bool listen_on_coap(const char *address, uint16_t port, struct source *source)
{
    char error[WK_COAP_SERVER_ERROR];
    const struct wk_coap_server_config config = {
        .address = address, .port = port, .self = source, .posted = take_post};
    if (wk_coap_server_open(&coap, &config, error) != WK_OK) {
        fprintf(stderr, "wk: %s\n", error);
        return false;
    }
    source->is_coap = true;
    source->fd = wk_coap_server_fd(coap);
    return true;
}

static bool read_number(const char *text, long least, long most, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= least && *number <= most;
}

int wk_push_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"address", required_argument, NULL, 'a'},
        {"coap", required_argument, NULL, 'C'},
        {"count", required_argument, NULL, 'c'},
        WK_METER_LONG_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    const char *address = "127.0.0.1";
    long port;
    long coap_port = 0;
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_MANAGEMENT);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'a') {
            address = optarg;
        } else if (option == 'C') {
            if (!read_number(optarg, 1, UINT16_MAX, &coap_port)) {
                fprintf(stderr, "wk: --coap: \"%s\" is no port\n", optarg);
                return WK_EXIT_USAGE;
            }
        } else if (option == 'c') {
            if (!read_number(optarg, 1, 1000000000, &left)) {
                fprintf(stderr, "wk: --count: \"%s\" is no count\n", optarg);
                return WK_EXIT_USAGE;
            }
        } else if (!wk_meter_option(&meter, option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        fputs(k_usage, stdout);
        return WK_EXIT_OK;
    }
    if (argc - optind != 1 || !read_number(argv[optind], 1, UINT16_MAX, &port)) {
        fputs(k_usage, stderr);
        return WK_EXIT_USAGE;
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        sources[i].fd = -1;
    }
    counter = (uint32_t)time(NULL);
    if (wk_crypto_init(&crypto) != WK_OK ||
        !listen_on(address, (uint16_t)port, SOCK_STREAM, &sources[0]) ||
        !listen_on(address, (uint16_t)port, SOCK_DGRAM, &sources[1]) ||
        (coap_port != 0 && !listen_on_coap(address, (uint16_t)coap_port, &sources[2]))) {
        return WK_EXIT_FAILED;
    }
    serve();
    wk_coap_server_close(coap);
    wk_crypto_close(&crypto);
    return WK_EXIT_OK;
}
