/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/decode_print.h"
#include "app/decode_stream.h"
#include "app/wk.h"
#include "port/linux/crypto.h"
#include "port/linux/ini.h"

#define OCTETS  131072                       /* of one line, most */
#define CAPTURE ((size_t)1024 * 1024 * 1024) /* octets of a capture, most */
#define CHUNK   65536

typedef enum how { ANY = 0, APDU, DATA } how;

static const char k_help[] =
    "usage: wk decode [OPTIONS] [HEX | FILE]...\n"
    "Tells what octets of DLMS/COSEM say: frames of HDLC and of the wrapper, APDUs, data.\n"
    "HEX are hexadecimal digits; spaces, colons and dashes between them are passed over. FILE "
    "is a\n"
    "capture (pcap, pcapng: conversations over TCP are put together, datagrams of UDP are "
    "taken\n"
    "one by one), or lines of HEX; # begins a comment, and > or < before a line tells that "
    "client\n"
    "or meter sent it. Without either, lines come from standard input.\n"
    "What is malformed is shown with its offset and octets; the exit status is then 1.\n"
    "  --ek HEX, --ak HEX encryption and authentication key, 16 or 32 octets. Without --ak "
    "the\n"
    "                     text is opened, but not checked\n"
    "  --title HEX        system title of who sent it, 8 octets, where the octets do not tell "
    "it\n"
    "  --dedicated HEX    dedicated key, if the capture does not begin with its association\n"
    "  --kek HEX          master key, for keys that come wrapped\n"
    "  --keys FILE        the same as lines \"ek = HEX\", \"ak = HEX\", \"title = HEX\",\n"
    "                     \"dedicated = HEX\", \"kek = HEX\"\n"
    "  --apdu             HEX is an APDU, whatever it begins like\n"
    "  --data             HEX is a value of COSEM data\n"
    "  --json             JSON, one object a line\n"
    "  --help             this text\n";

static struct {
    struct wk_explain explain;
    struct wk_explain_keys keys;
    struct wk_decode_print print;
    struct wk_decode decode;
    struct wk_crypto crypto;
    how how;
    bool wants_help;
    uint8_t octets[OCTETS];
} tool;

/* ---- keys ---------------------------------------------------------------------------------- */

static struct wk_hal_key *key_named(const char *name)
{
    return strcmp(name, "ek") == 0          ? &tool.keys.global.ek
           : strcmp(name, "ak") == 0        ? &tool.keys.global.ak
           : strcmp(name, "dedicated") == 0 ? &tool.keys.dedicated
           : strcmp(name, "kek") == 0       ? &tool.keys.kek
                                            : NULL;
}

/* NULL: it was taken. */
static const char *set(const char *name, const char *value)
{
    struct wk_hal_key *key = key_named(name);
    size_t size = 0;
    if (strcmp(name, "title") == 0) {
        tool.keys.has_title = true;
        return wk_ini_hex(value, tool.keys.title, WK_CIPHER_TITLE, &size) == WK_OK &&
                       size == WK_CIPHER_TITLE
                   ? NULL
                   : "must be 16 hexadecimal digits";
    }
    if (key == NULL) {
        return "is not known: use ek, ak, title, dedicated, kek";
    }
    if (wk_ini_hex(value, key->octets, sizeof key->octets, &size) != WK_OK ||
        (size != 16 && size != 32)) {
        return "must be 32 or 64 hexadecimal digits";
    }
    key->size = (uint8_t)size;
    return NULL;
}

static wk_err take_entry(void *context, const struct wk_ini_entry *entry, char *reason,
                         size_t size)
{
    (void)context;
    const char *wrong =
        entry->key == NULL ? "sections are not used here" : set(entry->key, entry->value);
    if (wrong == NULL) {
        return WK_OK;
    }
    (void)snprintf(reason, size, "%s %s", entry->key == NULL ? "" : entry->key, wrong);
    return WK_E_FORMAT;
}

static bool read_keys(const char *path)
{
    char why[WK_INI_WHY];
    if (wk_ini_read(path, take_entry, NULL, why) != WK_OK) {
        fprintf(stderr, "wk: %s\n", why);
        return false;
    }
    return true;
}

/* ---- lines of hex --------------------------------------------------------------------------- */

/* *wrong: the character that is no digit, or NULL if all went well. */
static size_t read_hex(const char *text, const char **wrong)
{
    size_t digits = 0;
    *wrong = NULL;
    for (const char *p = text; *p != '\0' && *p != '#'; p++) {
        const bool begins = digits == 0 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
        if (isspace((unsigned char)*p) || *p == ':' || *p == '-' || *p == ',') {
            continue;
        }
        if (begins) {
            p++;
            continue;
        }
        if (!isxdigit((unsigned char)*p) || digits / 2 >= OCTETS) {
            *wrong = p;
            return 0;
        }
        const int digit = isdigit((unsigned char)*p) ? *p - '0' : tolower(*p) - 'a' + 10;
        uint8_t *octet = &tool.octets[digits / 2];
        *octet = (uint8_t)(digits % 2 == 0 ? digit << 4 : *octet | digit);
        digits++;
    }
    if (digits % 2 != 0) {
        *wrong = text + strlen(text);
    }
    return digits / 2;
}

static void explain(size_t size)
{
    if (tool.how == APDU) {
        wk_explain_apdu(&tool.explain, tool.octets, size);
    } else if (tool.how == DATA) {
        wk_explain_value(&tool.explain, tool.octets, size);
    } else {
        wk_explain_any(&tool.explain, tool.octets, size);
    }
}

/* `name`: NULL, or the file the line is of. */
static bool decode_line(const char *text, const char *name, unsigned long line)
{
    char title[320];
    char context[64];
    const char *wrong;
    const char *begin = text + strspn(text, " \t");
    tool.explain.direction = *begin == '<' ? 1 : 0;
    begin += *begin == '<' || *begin == '>' ? 1 : 0;
    const size_t size = read_hex(begin, &wrong);
    if (wrong != NULL) {
        fprintf(stderr, "wk: %.255s line %lu, character %zu: %s\n", name == NULL ? "HEX" : name,
                line, (size_t)(wrong - text) + 1,
                *wrong == '\0' ? "an octet has two digits" : "no hexadecimal digit");
        return false;
    }
    if (size == 0) {
        return true;
    }
    (void)snprintf(title, sizeof title, "%.255s%s%lu: %zu octets", name == NULL ? "" : name,
                   name == NULL ? "" : ":", line, size);
    (void)snprintf(context, sizeof context, "\"line\":%lu,\"size\":%zu", line, size);
    wk_decode_print_begin(&tool.print, title, context);
    explain(size);
    wk_decode_print_end(&tool.print);
    return true;
}

static bool decode_lines(FILE *file, const char *name)
{
    char *text = NULL;
    size_t room = 0;
    bool good = true;
    for (unsigned long line = 1; getline(&text, &room, file) >= 0; line++) {
        good = decode_line(text, name, line) && good;
    }
    free(text);
    return good;
}

/* ---- captures ------------------------------------------------------------------------------ */

static void print_end(const struct wk_pcap_packet *packet, const struct wk_pcap_end *end,
                      char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(packet->version == 4 ? AF_INET : AF_INET6, end->address, address,
                    sizeof address);
    (void)snprintf(text, size, packet->version == 4 ? "%s:%u" : "[%s]:%u", address, end->port);
}

static void begin_packet(void *self, const struct wk_pcap_packet *packet, uint8_t direction)
{
    char from[64];
    char to[64];
    char title[256];
    char context[320];
    char when[32] = "";
    const time_t s = (time_t)(packet->t_us / 1000000);
    struct tm tm;
    (void)self;
    if (gmtime_r(&s, &tm) != NULL) {
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    }
    print_end(packet, &packet->from, from, sizeof from);
    print_end(packet, &packet->to, to, sizeof to);
    (void)snprintf(title, sizeof title, "packet %u, %s.%06uZ, %s %s > %s", packet->number, when,
                   (unsigned)(packet->t_us % 1000000),
                   packet->protocol == WK_PCAP_TCP ? "TCP" : "UDP", from, to);
    (void)snprintf(context, sizeof context,
                   "\"packet\":%u,\"time\":\"%s.%06uZ\",\"protocol\":\"%s\",\"from\":\"%s\","
                   "\"to\":\"%s\",\"direction\":%u",
                   packet->number, when, (unsigned)(packet->t_us % 1000000),
                   packet->protocol == WK_PCAP_TCP ? "TCP" : "UDP", from, to, direction);
    wk_decode_print_begin(&tool.print, title, context);
}

static void end_packet(void *self)
{
    (void)self;
    wk_decode_print_end(&tool.print);
}

static bool decode_capture(const uint8_t *octets, size_t size, const char *name)
{
    struct wk_pcap pcap;
    struct wk_pcap_packet packet;
    wk_err err = wk_pcap_open(&pcap, octets, size);
    tool.decode.crypto = &tool.crypto.hal;
    tool.decode.keys = tool.keys;
    tool.decode.sink = wk_decode_print_sink(&tool.print);
    tool.decode.begin = begin_packet;
    tool.decode.end = end_packet;
    while (err == WK_OK) {
        err = wk_pcap_next(&pcap, &packet);
        if (err == WK_OK) {
            err = wk_decode_packet(&tool.decode, &packet);
        }
    }
    wk_decode_close(&tool.decode);
    tool.explain.faults += tool.decode.faults;
    if (err != WK_E_NOT_FOUND) {
        fprintf(stderr, "wk: %s: at octet %zu of the capture: %s\n", name, pcap.at,
                err == WK_E_UNSUPPORTED ? "its kind of link is not known; capture on an "
                                          "interface of Ethernet or IP"
                                        : wk_err_text(err));
        return false;
    }
    return true;
}

/* ---- files --------------------------------------------------------------------------------- */

/* The rest of a file in memory of its own; NULL: it cannot be read, and standard error says why. */
static uint8_t *load(FILE *file, const char *name, size_t *size)
{
    uint8_t *octets = NULL;
    size_t got = 1;
    *size = 0;
    while (got > 0) {
        uint8_t *more = *size + CHUNK <= CAPTURE ? realloc(octets, *size + CHUNK) : NULL;
        if (more == NULL) {
            fprintf(stderr, "wk: %s: longer than can be held\n", name);
            free(octets);
            return NULL;
        }
        octets = more;
        got = fread(octets + *size, 1, CHUNK, file);
        *size += got;
    }
    if (ferror(file)) {
        fprintf(stderr, "wk: %s: %s\n", name, strerror(errno));
        free(octets);
        return NULL;
    }
    return octets;
}

static bool decode_file(FILE *file, const char *name)
{
    size_t size;
    bool good = false;
    uint8_t *octets = load(file, name, &size);
    if (octets == NULL) {
        return false;
    }
    if (wk_pcap_is(octets, size)) {
        good = decode_capture(octets, size, name);
    } else if (size > 0) {
        FILE *lines = fmemopen(octets, size, "r");
        good = lines != NULL && decode_lines(lines, name);
        if (lines != NULL) {
            (void)fclose(lines);
        }
    } else {
        good = true;
    }
    free(octets);
    return good;
}

static bool decode_argument(const char *text, unsigned long number)
{
    FILE *file = fopen(text, "rb");
    if (file == NULL) {
        const char *wrong;
        if (strpbrk(text, "/.") != NULL || (read_hex(text, &wrong) == 0 && wrong != NULL)) {
            fprintf(stderr, "wk: \"%s\" is neither a file (%s) nor octets in hexadecimal\n",
                    text, strerror(errno));
            return false;
        }
        return decode_line(text, NULL, number);
    }
    const bool good = decode_file(file, text);
    (void)fclose(file);
    return good;
}

static bool take_option(int option, const char *value)
{
    static const char *const k_names[] = {"ek", "ak", "title", "dedicated", "kek"};
    switch (option) {
    case 'k':
        return read_keys(value);
    case 'p':
        tool.how = APDU;
        return true;
    case 'd':
        tool.how = DATA;
        return true;
    case 'j':
        tool.print.json = true;
        return true;
    case 'h':
        tool.wants_help = true;
        return true;
    default:
        break;
    }
    if (option < 1 || option > 5) {
        return false;
    }
    const char *wrong = set(k_names[option - 1], value);
    if (wrong != NULL) {
        fprintf(stderr, "wk: --%s %s\n", k_names[option - 1], wrong);
    }
    return wrong == NULL;
}

int wk_decode_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"ek", required_argument, NULL, 1},
                                              {"ak", required_argument, NULL, 2},
                                              {"title", required_argument, NULL, 3},
                                              {"dedicated", required_argument, NULL, 4},
                                              {"kek", required_argument, NULL, 5},
                                              {"keys", required_argument, NULL, 'k'},
                                              {"apdu", no_argument, NULL, 'p'},
                                              {"data", no_argument, NULL, 'd'},
                                              {"json", no_argument, NULL, 'j'},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};
    int option;
    bool good = true;
    tool.print.to = stdout;
    while ((option = getopt_long(argc, argv, "h", k_options, NULL)) != -1) {
        if (!take_option(option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (tool.wants_help) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (wk_crypto_init(&tool.crypto) != WK_OK) {
        fputs("wk: cryptography cannot be had\n", stderr);
        return WK_EXIT_FAILED;
    }
    const struct wk_explain_sink sink = wk_decode_print_sink(&tool.print);
    wk_explain_init(&tool.explain, &tool.crypto.hal, &sink);
    tool.explain.keys = tool.keys;
    if (optind >= argc) {
        good = decode_file(stdin, "standard input");
    }
    for (int i = optind; i < argc; i++) {
        good = (strcmp(argv[i], "-") == 0
                    ? decode_file(stdin, "standard input")
                    : decode_argument(argv[i], (unsigned long)(i - optind) + 1)) &&
               good;
    }
    wk_crypto_close(&tool.crypto);
    return good && tool.explain.faults == 0 ? WK_EXIT_OK : WK_EXIT_FAILED;
}
