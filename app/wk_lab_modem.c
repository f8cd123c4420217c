/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/lab_modem_script.h"
#include "app/lab_option.h"
#include "app/lab_pty.h"
#include "app/lab_wire.h"
#include "app/wk.h"
#include "app/wk_lab.h"
#include "port/linux/ini.h"
#include "port/virtual/modem.h"

#define SECOND_US INT64_C(1000000)
#define AT_ONCE   512
#define LINES     3

static const char k_help[] =
    "usage: wk lab modem [OPTIONS] [SCRIPT]\n"
    "A cellular modem (BG95) on a pseudo terminal, and its packets between two network "
    "devices\n"
    "while its context is active. Needs CAP_NET_ADMIN.\n"
    "  --pty PATH           a symbolic link to its serial device; absent: its name is printed\n"
    "  --left END           its network device: [NAMESPACE:]DEVICE[=ADDRESS] (lab-left)\n"
    "  --right END          behind the network (lab-right)\n"
    "  --wake FILE --reset FILE --power FILE   makes FIFOs that take 1 and 0, as lines of GPIO "
    "do\n"
    "  --pin PIN            the card wants it\n"
    "  --boot TIME          (3s)\n"
    "  --register TIME      from radio on to registered (4s)\n"
    "  --rate BITS, --delay TIME   of its line (as fast as it comes, 0ms)\n"
    "  --seed N             of delays and noise (1)\n"
    "  --for TIME           ends by itself\n"
    "  --json               a line of JSON a second in place of text\n"
    "SCRIPT has lines such as `at 20s deny 13`, `at 30s hang power`, `signal -120 -18`;\n"
    "docs/lab.md has them all. Lines on standard input without `at` act at once.\n";

struct modem_lab {
    struct wk_lab_wire wire;
    struct wk_lab_pty pty;
    struct wk_lab_modem_script script;
    struct wk_virtual_modem modem;
    struct wk_virtual_modem_rules rules;
    struct wk_lab_input input;
    const char *line[LINES]; /* FIFOs, by wk_virtual_modem_line; NULL: there is none */
    int line_fd[LINES];
    uint64_t dropped; /* packets while it did not carry */
    int64_t begin_us;
    int64_t now_us;
    int64_t until_us;
    int64_t report_us;
    int64_t seed;
    bool json;
};

enum {
    POLL_LEFT,
    POLL_RIGHT,
    POLL_PTY,
    POLL_END,
    POLL_INPUT,
    POLL_LINE,
    POLLS = POLL_LINE + LINES
};

/* ---- what is printed --------------------------------------------------------------------- */

static void report_modem(const struct modem_lab *lab)
{
    const struct wk_virtual_modem *modem = &lab->modem;
    const struct wk_virtual_modem_counts *counts = &modem->counts;
    const char *state = modem->asleep                     ? "asleep"
                        : !modem->on                      ? "off"
                        : modem->silent                   ? "hung"
                        : wk_virtual_modem_carries(modem) ? "online"
                                                          : "searching";
    printf(lab->json
               ? "{\"at_s\":%.3f,\"state\":\"%s\",\"commands\":%" PRIu32
                 ",\"registrations\":%" PRIu32 ",\"detaches\":%" PRIu32
                 ",\"radio_offs\":%" PRIu32 ",\"soft_resets\":%" PRIu32
                 ",\"hard_resets\":%" PRIu32 ",\"power_cycles\":%" PRIu32 ",\"wakes\":%" PRIu32
                 ",\"sleeps\":%" PRIu32 ",\"carried\":%" PRIu64 ",\"dropped\":%" PRIu64 "}\n"
               : "%.3f s  %s: %" PRIu32 " commands, %" PRIu32 " registrations, %" PRIu32
                 " detaches, radio off %" PRIu32 ", restarts %" PRIu32 " by command %" PRIu32
                 " by line %" PRIu32 " by supply, wakes %" PRIu32 ", sleeps %" PRIu32
                 ", packets %" PRIu64 ", dropped %" PRIu64 "\n",
           (double)lab->now_us / SECOND_US, state, counts->commands, counts->registrations,
           counts->detaches, counts->radio_offs, counts->soft_resets, counts->hard_resets,
           counts->power_cycles, counts->wakes, counts->sleeps,
           lab->wire.direction[0].line.counts.sent + lab->wire.direction[1].line.counts.sent,
           lab->dropped);
    fflush(stdout);
}

static void print_rule(const struct modem_lab *lab, const char *text)
{
    printf(lab->json ? "{\"at_s\":%.3f,\"change\":\"%s\"}\n" : "%.3f s  %s\n",
           (double)lab->now_us / SECOND_US, text);
    fflush(stdout);
}

/* ---- what goes on ------------------------------------------------------------------------ */

static void act(struct modem_lab *lab)
{
    struct wk_lab_change change;
    const char *text;
    while ((text = wk_lab_modem_script_take(&lab->script, &lab->modem, lab->now_us)) != NULL) {
        print_rule(lab, text);
    }
    while (wk_lab_script_take(&lab->script.line, lab->now_us, &change)) {
        char rule[WK_LAB_WHY];
        wk_lab_wire_change(&lab->wire, &change);
        wk_lab_script_print(&change, rule, sizeof rule);
        print_rule(lab, rule);
    }
}

static void take_rule_line(void *self, struct wk_text_span line)
{
    struct modem_lab *lab = self;
    char why[WK_LAB_WHY];
    if (wk_lab_modem_script_line(&lab->script, line, lab->now_us, why) != WK_OK) {
        fprintf(stderr, "wk lab: %s\n", why);
    }
}

static void take_pulse(struct modem_lab *lab, size_t line)
{
    char octets[16];
    const ssize_t count = read(lab->line_fd[line], octets, sizeof octets);
    if (count > 0 && memchr(octets, '1', (size_t)count) != NULL) {
        wk_virtual_modem_pulse(&lab->modem, (wk_virtual_modem_line)line, lab->now_us);
    }
}

static void talk(struct modem_lab *lab, bool is_asked)
{
    char octets[AT_ONCE];
    const ssize_t count = is_asked ? read(lab->pty.master, octets, sizeof octets) : 0;
    if (count > 0) {
        wk_virtual_modem_take(&lab->modem, octets, (size_t)count, lab->now_us);
    }
    size_t size;
    while ((size = wk_virtual_modem_give(&lab->modem, octets, sizeof octets, lab->now_us)) >
           0) {
        if (write(lab->pty.master, octets, size) != (ssize_t)size) {
            fputs("wk lab: the serial device takes no more octets\n", stderr);
        }
    }
}

/* False: a device is gone. */
static bool carry(struct modem_lab *lab, const struct pollfd polls[POLLS])
{
    for (size_t i = 0; i < WK_LAB_ENDS; i++) {
        struct wk_lab_direction *direction = &lab->wire.direction[i];
        const bool carries = wk_virtual_modem_carries(&lab->modem);
        const int taken = polls[POLL_LEFT + i].revents != 0
                              ? wk_lab_direction_take(direction, carries, lab->now_us)
                              : 0;
        if (taken < 0) {
            return false;
        }
        if (taken > 0 && carries) {
            wk_virtual_modem_traffic(&lab->modem, lab->now_us);
        }
        lab->dropped += carries ? 0 : (uint64_t)taken;
        wk_lab_direction_deliver(direction, lab->now_us);
    }
    return true;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_of(const struct modem_lab *lab)
{
    int64_t next = sooner(lab->until_us, lab->report_us);
    next = sooner(next, wk_lab_modem_script_next_us(&lab->script));
    next = sooner(next, wk_lab_script_next_us(&lab->script.line));
    next = sooner(next, wk_virtual_modem_next_us(&lab->modem));
    for (size_t i = 0; i < WK_LAB_ENDS; i++) {
        next = sooner(next, wk_virtual_line_next_us(&lab->wire.direction[i].line));
    }
    return next;
}

static bool go_on(struct modem_lab *lab, const struct pollfd polls[POLLS])
{
    act(lab);
    if (polls[POLL_INPUT].revents != 0) {
        wk_lab_input_read(&lab->input, take_rule_line, lab);
        act(lab);
    }
    for (size_t i = 0; i < LINES; i++) {
        if (polls[POLL_LINE + i].revents != 0) {
            take_pulse(lab, i);
        }
    }
    talk(lab, (polls[POLL_PTY].revents & POLLIN) != 0);
    if (!carry(lab, polls)) {
        fputs("wk lab: a device is gone or down\n", stderr);
        return false;
    }
    if (lab->now_us >= lab->report_us && lab->now_us < lab->until_us) {
        report_modem(lab);
        lab->report_us += SECOND_US;
    }
    return true;
}

static int drive_modem(struct modem_lab *lab, int end_fd)
{
    struct pollfd polls[POLLS] = {
        [POLL_LEFT] = {.fd = lab->wire.end[0].fd, .events = POLLIN},
        [POLL_RIGHT] = {.fd = lab->wire.end[1].fd, .events = POLLIN},
        [POLL_PTY] = {.fd = lab->pty.master, .events = POLLIN},
        [POLL_END] = {.fd = end_fd, .events = POLLIN},
        [POLL_INPUT] = {.events = POLLIN},
    };
    for (size_t i = 0; i < LINES; i++) {
        polls[POLL_LINE + i] = (struct pollfd){.fd = lab->line_fd[i], .events = POLLIN};
    }
    while (lab->now_us < lab->until_us && polls[POLL_END].revents == 0 && !ferror(stdout)) {
        const int64_t wait_us = next_of(lab) - lab->now_us;
        const struct timespec wait = {
            .tv_sec = wait_us > 0 ? wait_us / SECOND_US : 0,
            .tv_nsec = wait_us > 0 ? wait_us % SECOND_US * 1000 : 0,
        };
        polls[POLL_INPUT].fd = lab->input.fd;
        if (ppoll(polls, POLLS, &wait, NULL) < 0 && errno != EINTR) {
            fprintf(stderr, "wk lab: %s\n", strerror(errno));
            return WK_EXIT_FAILED;
        }
        lab->now_us = wk_lab_now_us() - lab->begin_us;
        if (!go_on(lab, polls)) {
            return WK_EXIT_FAILED;
        }
    }
    report_modem(lab);
    return WK_EXIT_OK;
}

/* ---- begin and end ----------------------------------------------------------------------- */

/* Read and written, so that it never ends. */
static bool open_fifos(struct modem_lab *lab)
{
    for (size_t i = 0; i < LINES; i++) {
        if (lab->line[i] == NULL) {
            continue;
        }
        if (mkfifo(lab->line[i], 0600) == 0) {
            lab->line_fd[i] = open(lab->line[i], O_RDWR | O_NONBLOCK | O_CLOEXEC);
        }
        if (lab->line_fd[i] < 0) {
            fprintf(stderr, "wk lab: %s: %s\n", lab->line[i], strerror(errno));
            lab->line[i] = NULL; /* what is there is not ours */
            return false;
        }
    }
    return true;
}

static void close_fifos(struct modem_lab *lab)
{
    for (size_t i = 0; i < LINES; i++) {
        if (lab->line_fd[i] >= 0) {
            close(lab->line_fd[i]);
            unlink(lab->line[i]);
        }
    }
}

static bool open_modem(struct modem_lab *lab)
{
    if (!open_fifos(lab)) {
        return false;
    }
    const char *name = lab->pty.link != NULL ? lab->pty.link : "pty";
    if (!wk_lab_pty_open(&lab->pty)) {
        fprintf(stderr, "wk lab: %s: %s\n", name, strerror(errno));
        return false;
    }
    printf(lab->json ? "{\"pty\":\"%s\"}\n" : "modem %s\n", lab->pty.name);
    fflush(stdout);
    return true;
}

static int run_modem(struct modem_lab *lab)
{
    const int end_fd = wk_lab_end_fd();
    int status = WK_EXIT_FAILED;
    if (end_fd < 0) {
        fprintf(stderr, "wk lab: %s\n", strerror(errno));
        return status;
    }
    status = wk_lab_wire_open(&lab->wire, lab->seed);
    if (status == WK_EXIT_OK) {
        status = open_modem(lab) ? WK_EXIT_OK : WK_EXIT_FAILED;
    }
    if (status == WK_EXIT_OK) {
        lab->begin_us = wk_lab_now_us();
        lab->report_us = SECOND_US;
        wk_virtual_modem_init(&lab->modem, &lab->rules, (uint64_t)lab->seed, 0);
        status = drive_modem(lab, end_fd);
    }
    wk_lab_pty_close(&lab->pty);
    close_fifos(lab);
    wk_lab_wire_close(&lab->wire);
    close(end_fd);
    return status;
}

/* ---- the command line -------------------------------------------------------------------- */

static bool take_pin(struct modem_lab *lab, const char *value)
{
    if (wk_ini_text(value, lab->rules.pin, sizeof lab->rules.pin) == WK_OK) {
        return true;
    }
    fputs("wk lab: --pin must be 1 to 8 digits\n", stderr);
    return false;
}

/* A rule of its line, as in a script. */
static bool take_line_rule(struct modem_lab *lab, const char *name, const char *value)
{
    char rule[WK_LAB_INPUT];
    char why[WK_LAB_WHY];
    snprintf(rule, sizeof rule, "%s %s", name, value);
    if (wk_lab_modem_script_line(&lab->script, (struct wk_text_span){rule, strlen(rule)}, 0,
                                 why) == WK_OK) {
        return true;
    }
    fprintf(stderr, "wk lab: %s\n", why);
    return false;
}

static bool take_modem_option(struct modem_lab *lab, int option, const char *value)
{
    switch (option) {
    case 'y':
        lab->pty.link = value;
        return true;
    case 'l':
        return wk_lab_end_take(&lab->wire.end[0], value);
    case 'r':
        return wk_lab_end_take(&lab->wire.end[1], value);
    case 'W':
        lab->line[WK_VIRTUAL_MODEM_WAKE] = value;
        return true;
    case 'R':
        lab->line[WK_VIRTUAL_MODEM_RESET] = value;
        return true;
    case 'P':
        lab->line[WK_VIRTUAL_MODEM_SUPPLY] = value;
        return true;
    case 'p':
        return take_pin(lab, value);
    case 'b':
        return wk_lab_take_time("boot", value, &lab->rules.boot_us);
    case 'g':
        return wk_lab_take_time("register", value, &lab->rules.register_us);
    case 's':
        return wk_lab_take_integer("seed", value, 0, INT32_MAX, &lab->seed);
    case 'f':
        return wk_lab_take_time("for", value, &lab->until_us);
    case 'j':
        lab->json = true;
        return true;
    default:
        return false;
    }
}

static bool take_modem_options(struct modem_lab *lab, int argc, char **argv)
{
    static const struct option k_options[] = {
        {"pty", required_argument, NULL, 'y'},
        {"left", required_argument, NULL, 'l'},
        {"right", required_argument, NULL, 'r'},
        {"wake", required_argument, NULL, 'W'},
        {"reset", required_argument, NULL, 'R'},
        {"power", required_argument, NULL, 'P'},
        {"pin", required_argument, NULL, 'p'},
        {"boot", required_argument, NULL, 'b'},
        {"rate", required_argument, NULL, 'L'},
        {"register", required_argument, NULL, 'g'},
        {"delay", required_argument, NULL, 'L'},
        {"seed", required_argument, NULL, 's'},
        {"for", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option;
    int which = 0;
    bool good = true;
    optind = 0;
    while (good && (option = getopt_long(argc, argv, "", k_options, &which)) != -1) {
        good = option == 'L' ? take_line_rule(lab, k_options[which].name, optarg)
                             : take_modem_option(lab, option, optarg);
    }
    return good;
}

static bool take_modem_script(struct modem_lab *lab, const char *path)
{
    struct wk_text_span text;
    char why[WK_LAB_WHY];
    if (!wk_lab_script_file(path, &text)) {
        return false;
    }
    if (wk_lab_modem_script_text(&lab->script, text, why) != WK_OK) {
        fprintf(stderr, "wk lab: %s: %s\n", path, why);
        return false;
    }
    return true;
}

int wk_lab_modem_run(int argc, char **argv)
{
    static struct modem_lab lab; /* changes to come are many */
    lab.until_us = WK_VIRTUAL_MODEM_NEVER;
    lab.seed = 1;
    lab.input.fd = STDIN_FILENO;
    lab.pty = (struct wk_lab_pty){.master = -1, .slave = -1};
    lab.wire.end[0] = (struct wk_lab_end){.config.device = "lab-left", .fd = -1};
    lab.wire.end[1] = (struct wk_lab_end){.config.device = "lab-right", .fd = -1};
    lab.rules = (struct wk_virtual_modem_rules){.boot_us = 3 * SECOND_US,
                                                .register_us = 4 * SECOND_US,
                                                .answer_us = 20000,
                                                .rsrp_dbm = -95,
                                                .rsrq_ddb = -105,
                                                .sinr_db = 9,
                                                .cell = 0x1A2D001,
                                                .band = 20,
                                                .covered = true,
                                                .has_sim = true,
                                                .grants_psm = true};
    for (size_t i = 0; i < LINES; i++) {
        lab.line_fd[i] = -1;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (!take_modem_options(&lab, argc, argv) ||
        (optind < argc && !take_modem_script(&lab, argv[optind]))) {
        return WK_EXIT_USAGE;
    }
    if (optind < argc - 1 || !wk_lab_wire_pair(&lab.wire)) {
        fputs("wk lab: give one script at most, and an address to both ends or to none\n",
              stderr);
        return WK_EXIT_USAGE;
    }
    return run_modem(&lab);
}
