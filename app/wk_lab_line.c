/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/lab_line_rules.h"
#include "app/lab_option.h"
#include "app/lab_pty.h"
#include "app/lab_wire.h"
#include "app/wk.h"
#include "app/wk_lab.h"
#include "port/virtual/line_modem.h"

#define ENDS      WK_VIRTUAL_LINE_MODEM_ENDS
#define SECOND_US INT64_C(1000000)
#define AT_ONCE   512
#define PERMILLE  1000
#define AIR_RADIO 10

static const char k_help[] =
    "usage: wk lab plc [OPTIONS] [RULE ...]\n"
    "       wk lab rf [OPTIONS] [RULE ...]\n"
    "Two modems on serial devices (pseudo terminals), and between them a power line (CENELEC "
    "A)\n"
    "or licence-free radio (868 MHz) as they are: attenuation, noise, fading, others.\n"
    "  --left PATH      a symbolic link to the device of the meter's modem; absent: its name "
    "is printed\n"
    "  --right PATH     ... of the head-end's\n"
    "  --air PERMILLE   of an hour that an end may be on air; 0: without limit (rf: 10)\n"
    "  --mode N         both begin in it: 0, the most robust, to 2 (0)\n"
    "  --seed N         of all that is by chance (1)\n"
    "  --for TIME       ends by itself\n"
    "  --json           a line of JSON a second in place of text\n"
    "A RULE changes the medium, also by lines on standard input: disturb 0 -75 20%,\n"
    "attenuation 70, distance 600, at 30s noise 50 ... docs/lab.md has all.\n";

struct line_lab {
    struct wk_lab_pty end[ENDS]; /* left, right */
    struct wk_virtual_line_modems modems;
    struct wk_lab_line_rules rules;
    struct wk_lab_input input;
    wk_virtual_medium_kind kind;
    int64_t now_us;
    int64_t begin_us;
    int64_t until_us;
    int64_t report_us;
    int64_t seed;
    int64_t air_permille;
    int64_t mode;
    bool json;
};

/* ---- what is printed --------------------------------------------------------------------- */

static void report_end(const struct line_lab *lab, unsigned end)
{
    const struct wk_virtual_line_modem *modem = &lab->modems.end[end];
    const struct wk_virtual_line_modem_counts *counts = &modem->counts;
    printf(
        lab->json
            ? "\"%s\":{\"channel\":%u,\"mode\":%u,\"below_db\":%u,\"signal\":%.1f,"
              "\"noise\":%.1f,\"margin_db\":%.1f,\"sent\":%" PRIu32 ",\"heard\":%" PRIu32
              ",\"lost\":%" PRIu32 ",\"blocked\":%" PRIu32 ",\"refused\":%" PRIu32
              ",\"moves\":%" PRIu32 ",\"returns\":%" PRIu32 ",\"air_s\":%.3f}"
            : "  %s: channel %u mode %u level -%u dB, signal %.1f noise %.1f margin %.1f dB, "
              "sent %" PRIu32 " heard %" PRIu32 " lost %" PRIu32 " blocked %" PRIu32
              " refused %" PRIu32 ", moves %" PRIu32 " returns %" PRIu32 ", on air %.3f s",
        end == 0 ? "left" : "right", modem->setting.channel, modem->setting.mode,
        modem->setting.level_db, modem->near.signal_db, modem->near.noise_db,
        modem->near.margin_db, counts->sent, counts->heard, counts->lost, counts->blocked,
        counts->refused, counts->moves, counts->returns, (double)counts->air_us / 1e6);
}

static void report_line(const struct line_lab *lab)
{
    printf(lab->json ? "{\"at_s\":%.3f," : "%.3f s", (double)lab->now_us / 1e6);
    report_end(lab, 0);
    printf(lab->json ? "," : "\n");
    report_end(lab, 1);
    printf(lab->json ? "}\n" : "\n");
    fflush(stdout);
}

/* ---- running ----------------------------------------------------------------------------- */

static void act_on_rules(struct line_lab *lab)
{
    const char *text;
    while ((text = wk_lab_line_rules_take(&lab->rules, &lab->modems, lab->now_us)) != NULL) {
        printf(lab->json ? "{\"at_s\":%.3f,\"change\":\"%s\"}\n" : "%.3f s  %s\n",
               (double)lab->now_us / 1e6, text);
        fflush(stdout);
    }
}

static void take_rule(void *self, struct wk_text_span line)
{
    struct line_lab *lab = self;
    char why[WK_LAB_WHY];
    if (wk_lab_line_rules_add(&lab->rules, line, lab->now_us, why) != WK_OK) {
        fprintf(stderr, "wk lab: %s\n", why);
    }
}

/* A program that does not read loses what does not fit. */
static void bring_octets(struct line_lab *lab)
{
    for (unsigned i = 0; i < ENDS; i++) {
        struct wk_virtual_line_modem *modem = &lab->modems.end[i];
        if (modem->out_size > 0 && write(lab->end[i].master, modem->out, modem->out_size) < 0) {
            fprintf(stderr, "wk lab: %s takes no more octets\n", lab->end[i].name);
        }
        modem->out_size = 0;
    }
}

static void take_octets(struct line_lab *lab, unsigned end)
{
    uint8_t octets[AT_ONCE];
    const ssize_t count = read(lab->end[end].master, octets, sizeof octets);
    if (count > 0) {
        wk_virtual_line_modems_take(&lab->modems, end, octets, (size_t)count, lab->now_us);
    }
}

static int64_t wait_of(const struct line_lab *lab)
{
    const int64_t dues_us[] = {wk_virtual_line_modems_next_us(&lab->modems),
                               wk_lab_line_rules_next_us(&lab->rules), lab->report_us};
    int64_t next_us = lab->until_us;
    for (size_t i = 0; i < sizeof dues_us / sizeof dues_us[0]; i++) {
        next_us = dues_us[i] < next_us ? dues_us[i] : next_us;
    }
    return next_us > lab->now_us ? next_us - lab->now_us : 0;
}

static int drive_line(struct line_lab *lab, int end_fd)
{
    struct pollfd polls[ENDS + 2] = {{.fd = lab->end[0].master, .events = POLLIN},
                                     {.fd = lab->end[1].master, .events = POLLIN},
                                     {.fd = end_fd, .events = POLLIN},
                                     {.events = POLLIN}};
    while (lab->now_us < lab->until_us && polls[ENDS].revents == 0 && !ferror(stdout)) {
        const int64_t wait_us = wait_of(lab);
        const struct timespec wait = {.tv_sec = wait_us / SECOND_US,
                                      .tv_nsec = wait_us % SECOND_US * 1000};
        polls[ENDS + 1].fd = lab->input.fd;
        if (ppoll(polls, ENDS + 2, &wait, NULL) < 0 && errno != EINTR) {
            fprintf(stderr, "wk lab: %s\n", strerror(errno));
            return WK_EXIT_FAILED;
        }
        lab->now_us = wk_lab_now_us() - lab->begin_us;
        wk_virtual_line_modems_step(&lab->modems, lab->now_us);
        if (polls[ENDS + 1].revents != 0) {
            wk_lab_input_read(&lab->input, take_rule, lab);
        }
        act_on_rules(lab);
        for (unsigned i = 0; i < ENDS; i++) {
            if ((polls[i].revents & POLLIN) != 0) {
                take_octets(lab, i);
            }
        }
        bring_octets(lab);
        if (lab->now_us >= lab->report_us && lab->now_us < lab->until_us) {
            report_line(lab);
            lab->report_us += SECOND_US;
        }
    }
    report_line(lab);
    return WK_EXIT_OK;
}

static bool open_ptys(struct line_lab *lab)
{
    for (size_t i = 0; i < ENDS; i++) {
        if (!wk_lab_pty_open(&lab->end[i])) {
            fprintf(stderr, "wk lab: %s: %s\n",
                    lab->end[i].link != NULL ? lab->end[i].link : "pty", strerror(errno));
            return false;
        }
    }
    printf(lab->json ? "{\"left\":\"%s\",\"right\":\"%s\"}\n" : "left %s  right %s\n",
           lab->end[0].name, lab->end[1].name);
    fflush(stdout);
    return true;
}

static int run_line(struct line_lab *lab)
{
    const struct wk_virtual_medium_rules usual = wk_virtual_medium_usual(lab->kind);
    const int end_fd = wk_lab_end_fd();
    int status = WK_EXIT_FAILED;
    if (end_fd < 0) {
        fprintf(stderr, "wk lab: %s\n", strerror(errno));
        return status;
    }
    wk_virtual_line_modems_init(&lab->modems, lab->kind, &usual, (uint32_t)lab->air_permille,
                                (uint64_t)lab->seed);
    for (size_t i = 0; i < ENDS; i++) {
        lab->modems.end[i].setting.mode = (uint8_t)lab->mode;
    }
    if (open_ptys(lab)) {
        lab->begin_us = wk_lab_now_us();
        lab->report_us = SECOND_US;
        status = drive_line(lab, end_fd);
    }
    for (size_t i = 0; i < ENDS; i++) {
        wk_lab_pty_close(&lab->end[i]);
    }
    close(end_fd);
    return status;
}

/* ---- the command line -------------------------------------------------------------------- */

static bool take_line_option(struct line_lab *lab, int option, const char *value)
{
    switch (option) {
    case 'l':
        lab->end[0].link = value;
        return true;
    case 'r':
        lab->end[1].link = value;
        return true;
    case 'a':
        return wk_lab_take_integer("air", value, 0, PERMILLE, &lab->air_permille);
    case 'm':
        return wk_lab_take_integer("mode", value, 0, WK_VIRTUAL_MODES - 1, &lab->mode);
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

static bool take_rules(struct line_lab *lab, int argc, char **argv)
{
    char why[WK_LAB_WHY];
    for (int i = optind; i < argc; i++) {
        const struct wk_text_span rule = {argv[i], strlen(argv[i])};
        if (wk_lab_line_rules_add(&lab->rules, rule, 0, why) != WK_OK) {
            fprintf(stderr, "wk lab: %s\n", why);
            return false;
        }
    }
    return true;
}

int wk_lab_line_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"left", required_argument, NULL, 'l'},
        {"right", required_argument, NULL, 'r'},
        {"air", required_argument, NULL, 'a'},
        {"seed", required_argument, NULL, 's'},
        {"for", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"mode", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static struct line_lab lab; /* packets on their way are many */
    lab.kind = strcmp(argv[0], "rf") == 0 ? WK_VIRTUAL_RADIO : WK_VIRTUAL_POWER_LINE;
    lab.air_permille = lab.kind == WK_VIRTUAL_RADIO ? AIR_RADIO : 0;
    lab.until_us = WK_VIRTUAL_LINE_MODEM_NEVER;
    lab.seed = 1;
    lab.input.fd = STDIN_FILENO;
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
        good = take_line_option(&lab, option, optarg);
    }
    return good && take_rules(&lab, argc, argv) ? run_line(&lab) : WK_EXIT_USAGE;
}
