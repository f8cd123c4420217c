/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "app/lab_option.h"
#include "app/lab_pty.h"
#include "app/lab_script.h"
#include "app/wk.h"
#include "app/wk_lab.h"
#include "port/virtual/serial.h"

#define ENDS        WK_VIRTUAL_SERIAL_ENDS
#define SECOND_US   INT64_C(1000000)
#define AT_ONCE     16 /* octets that a transmitter takes, as an UART's FIFO */
#define BITS_MOST   11
#define BAUD        9600
#define BAUD_MOST   4000000
#define PARITY_BITS 1

static const char k_help[] =
    "usage: wk lab serial [OPTIONS]\n"
    "Two serial devices (pseudo terminals) with a line between them, at the pace of its rate.\n"
    "  --left PATH      a symbolic link to the one device; absent: its name is printed\n"
    "  --right PATH     ... to the other\n"
    "  --baud N         of both ends, whatever the programs set (as each of them sets it)\n"
    "  --bits N         of a character, 9..11 (as the left program sets it)\n"
    "  --noise SHARE    of the data bits flip, e.g. 0.1% (0%)\n"
    "  --gap TIME       pauses of this length between characters, e.g. 5ms, ...\n"
    "  --gaps SHARE     ... before this share of them (0%)\n"
    "  --echo           each end hears itself, as at an optical head\n"
    "  --shared         what both send at a time is garbled, as on RS-485\n"
    "  --seed N         of noise and pauses (1)\n"
    "  --for TIME       ends by itself\n"
    "  --json           a line of JSON a second in place of text\n";

struct serial_lab {
    struct wk_lab_pty end[ENDS]; /* left, right */
    struct wk_virtual_serial line;
    struct wk_virtual_serial_rules rules;
    int64_t begin_us;
    int64_t until_us;
    int64_t report_us;
    int64_t seed;
    int64_t baud; /* 0: as the programs set it */
    int64_t bits; /* 0: likewise */
    bool json;
};

/* ---- the devices ------------------------------------------------------------------------- */

static int open_serial(struct serial_lab *lab)
{
    for (size_t i = 0; i < ENDS; i++) {
        struct wk_lab_pty *end = &lab->end[i];
        const char *name = end->link != NULL ? end->link : "pty";
        if (!wk_lab_pty_open(end)) {
            fprintf(stderr, "wk lab: %s: %s\n", name, strerror(errno));
            return WK_EXIT_FAILED;
        }
    }
    printf(lab->json ? "{\"left\":\"%s\",\"right\":\"%s\"}\n" : "left %s  right %s\n",
           lab->end[0].name, lab->end[1].name);
    fflush(stdout);
    return WK_EXIT_OK;
}

static void close_serial(struct serial_lab *lab)
{
    for (size_t i = 0; i < ENDS; i++) {
        wk_lab_pty_close(&lab->end[i]);
    }
}

static uint32_t rate_of(speed_t speed)
{
    static const struct {
        speed_t speed;
        uint32_t baud;
    } k_speeds[] = {{B300, 300},     {B600, 600},      {B1200, 1200},   {B2400, 2400},
                    {B4800, 4800},   {B9600, 9600},    {B19200, 19200}, {B38400, 38400},
                    {B57600, 57600}, {B115200, 115200}};
    for (size_t i = 0; i < sizeof k_speeds / sizeof k_speeds[0]; i++) {
        if (k_speeds[i].speed == speed) {
            return k_speeds[i].baud;
        }
    }
    return BAUD;
}

static uint8_t bits_of(tcflag_t flags)
{
    const bool seven = (flags & CSIZE) == CS7;
    return (uint8_t)((seven ? 9 : 10) + ((flags & PARENB) != 0 ? PARITY_BITS : 0) +
                     ((flags & CSTOPB) != 0 ? 1 : 0));
}

/* What the programs have set: a pseudo terminal keeps it, and keeps no pace. */
static void look_at_settings(struct serial_lab *lab)
{
    struct termios settings;
    for (unsigned i = 0; i < ENDS; i++) {
        if (tcgetattr(lab->end[i].slave, &settings) != 0) {
            continue;
        }
        if (lab->baud == 0) {
            wk_virtual_serial_set_baud(&lab->line, i, rate_of(cfgetospeed(&settings)));
        }
        if (lab->bits == 0 && i == 0) {
            lab->line.rules.bits = bits_of(settings.c_cflag);
        }
    }
}

/* ---- running ----------------------------------------------------------------------------- */

/* A program that does not read loses what does not fit, as with a UART. */
static void bring(struct serial_lab *lab, int64_t now_us)
{
    uint8_t octet;
    for (unsigned i = 0; i < ENDS; i++) {
        while (wk_virtual_serial_receive(&lab->line, i, &octet, now_us) == WK_OK) {
            if (write(lab->end[i].master, &octet, 1) != 1) {
                fprintf(stderr, "wk lab: %s takes no more octets\n", lab->end[i].name);
            }
        }
    }
}

static void take(struct serial_lab *lab, unsigned end, int64_t now_us)
{
    uint8_t octets[AT_ONCE];
    const ssize_t count = read(lab->end[end].master, octets, sizeof octets);
    look_at_settings(lab);
    for (ssize_t i = 0; i < count; i++) {
        if (wk_virtual_serial_send(&lab->line, end, octets[i], now_us) != WK_OK) {
            return; /* cannot be: it is read only when there is room */
        }
    }
}

static void report_serial(const struct serial_lab *lab, int64_t now_us)
{
    const struct wk_virtual_serial_counts *counts = &lab->line.counts;
    printf(lab->json ? "{\"at_s\":%.3f,\"left_baud\":%" PRIu32 ",\"right_baud\":%" PRIu32
                       ",\"sent\":%" PRIu64 ",\"flipped_bits\":%" PRIu64 ",\"paused\":%" PRIu64
                       ",\"collided\":%" PRIu64 ",\"mismatched\":%" PRIu64 "}\n"
                     : "%.3f s  %" PRIu32 "/%" PRIu32 " bit/s, sent %" PRIu64
                       " octets, flipped %" PRIu64 " bits, paused %" PRIu64
                       ", collided %" PRIu64 ", mismatched %" PRIu64 "\n",
           (double)now_us / SECOND_US, lab->line.baud[0], lab->line.baud[1], counts->sent,
           counts->flipped, counts->paused, counts->collided, counts->mismatched);
    fflush(stdout);
}

/* A transmitter takes the next octets when it has nearly sent those before. */
static bool wants(const struct serial_lab *lab, unsigned end, int64_t now_us)
{
    const int64_t octet_ns =
        lab->line.rules.bits * SECOND_US * 1000 / (int64_t)lab->line.baud[end];
    return lab->line.free_ns[end] < now_us * 1000 + octet_ns &&
           wk_virtual_serial_room(&lab->line) >= AT_ONCE;
}

static int drive_serial(struct serial_lab *lab, int end_fd)
{
    int64_t now_us = 0;
    struct pollfd polls[ENDS + 1] = {[ENDS] = {.fd = end_fd, .events = POLLIN}};
    while (now_us < lab->until_us && polls[ENDS].revents == 0 && !ferror(stdout)) {
        int64_t next = wk_virtual_serial_next_us(&lab->line);
        next = next < lab->report_us ? next : lab->report_us;
        next = next < lab->until_us ? next : lab->until_us;
        const int64_t wait_us = next > now_us ? next - now_us : 0;
        const struct timespec wait = {.tv_sec = wait_us / SECOND_US,
                                      .tv_nsec = wait_us % SECOND_US * 1000};
        for (unsigned i = 0; i < ENDS; i++) {
            polls[i].fd = wants(lab, i, now_us) ? lab->end[i].master : -1;
            polls[i].events = POLLIN;
            polls[i].revents = 0;
        }
        if (ppoll(polls, ENDS + 1, &wait, NULL) < 0 && errno != EINTR) {
            fprintf(stderr, "wk lab: %s\n", strerror(errno));
            return WK_EXIT_FAILED;
        }
        now_us = wk_lab_now_us() - lab->begin_us;
        bring(lab, now_us);
        for (unsigned i = 0; i < ENDS; i++) {
            if ((polls[i].revents & POLLIN) != 0) {
                take(lab, i, now_us);
            }
        }
        if (now_us >= lab->report_us && now_us < lab->until_us) {
            report_serial(lab, now_us);
            lab->report_us += SECOND_US;
        }
    }
    report_serial(lab, now_us);
    return WK_EXIT_OK;
}

static int run_serial(struct serial_lab *lab)
{
    const int end_fd = wk_lab_end_fd();
    int status = WK_EXIT_FAILED;
    if (end_fd < 0) {
        fprintf(stderr, "wk lab: %s\n", strerror(errno));
        return status;
    }
    lab->rules.bits = (uint8_t)(lab->bits != 0 ? lab->bits : 10);
    wk_virtual_serial_init(&lab->line, &lab->rules,
                           (uint32_t)(lab->baud != 0 ? lab->baud : BAUD), (uint64_t)lab->seed);
    status = open_serial(lab);
    if (status == WK_EXIT_OK) {
        lab->begin_us = wk_lab_now_us();
        lab->report_us = SECOND_US;
        status = drive_serial(lab, end_fd);
    }
    close_serial(lab);
    close(end_fd);
    return status;
}

/* ---- the command line -------------------------------------------------------------------- */

static bool take_share(const char *name, const char *value, uint32_t *ppm)
{
    if (wk_lab_script_share((struct wk_text_span){value, strlen(value)}, ppm) == WK_OK) {
        return true;
    }
    fprintf(stderr, "wk lab: --%s must be a share such as 0.1%%\n", name);
    return false;
}

static bool take_option(struct serial_lab *lab, int option, const char *value)
{
    switch (option) {
    case 'l':
        lab->end[0].link = value;
        return true;
    case 'r':
        lab->end[1].link = value;
        return true;
    case 'b':
        return wk_lab_take_integer("baud", value, 50, BAUD_MOST, &lab->baud);
    case 'c':
        return wk_lab_take_integer("bits", value, 9, BITS_MOST, &lab->bits);
    case 'n':
        return take_share("noise", value, &lab->rules.noise_ppm);
    case 'g':
        return wk_lab_take_time("gap", value, &lab->rules.gap_us);
    case 'G':
        return take_share("gaps", value, &lab->rules.gap_ppm);
    case 's':
        return wk_lab_take_integer("seed", value, 0, INT32_MAX, &lab->seed);
    case 'f':
        return wk_lab_take_time("for", value, &lab->until_us);
    case 'e':
        lab->rules.echo = true;
        return true;
    case 'S':
        lab->rules.shared = true;
        return true;
    case 'j':
        lab->json = true;
        return true;
    default:
        return false;
    }
}

int wk_lab_serial_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"left", required_argument, NULL, 'l'},  {"right", required_argument, NULL, 'r'},
        {"baud", required_argument, NULL, 'b'},  {"bits", required_argument, NULL, 'c'},
        {"noise", required_argument, NULL, 'n'}, {"gap", required_argument, NULL, 'g'},
        {"gaps", required_argument, NULL, 'G'},  {"seed", required_argument, NULL, 's'},
        {"for", required_argument, NULL, 'f'},   {"echo", no_argument, NULL, 'e'},
        {"shared", no_argument, NULL, 'S'},      {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    static struct serial_lab lab;
    lab.until_us = WK_VIRTUAL_SERIAL_NEVER;
    lab.seed = 1;
    for (size_t i = 0; i < ENDS; i++) {
        lab.end[i] = (struct wk_lab_pty){.master = -1, .slave = -1};
    }
    int option;
    bool good = true;
    optind = 0;
    while (good && (option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        }
        good = take_option(&lab, option, optarg);
    }
    if (good && optind < argc) {
        fprintf(stderr, "wk lab: what is \"%s\"? `wk lab serial --help` explains\n",
                argv[optind]);
        good = false;
    }
    return good ? run_serial(&lab) : WK_EXIT_USAGE;
}
