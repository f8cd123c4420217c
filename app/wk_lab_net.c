/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/lab_option.h"
#include "app/lab_script.h"
#include "app/lab_wire.h"
#include "app/wk.h"
#include "app/wk_lab.h"

#define ENDS      WK_LAB_ENDS
#define SECOND_US INT64_C(1000000)
#define INPUT     WK_LAB_INPUT

static const char k_help[] =
    "usage: wk lab net [OPTIONS] [SCRIPT]\n"
    "Two network devices, and between them a slow, lossy line each way. Needs CAP_NET_ADMIN.\n"
    "  --left END           [NAMESPACE:]DEVICE[=ADDRESS] (lab-left); IPv4, both ends or none\n"
    "  --right END          (lab-right)\n"
    "  --rate BITS          per second, e.g. 64k (as fast as it comes)\n"
    "  --delay TIME         one way, e.g. 25ms (0ms)\n"
    "  --jitter TIME        added to it, 0 up to this (0ms)\n"
    "  --queue OCTETS       in front of the transmitter, drop-tail, e.g. 16k (4 MiB)\n"
    "  --overhead OCTETS    a packet takes beside its own (0)\n"
    "  --loss SHARE         e.g. 1% (0%)\n"
    "  --burst PACKETS      lost in one go, on the mean (1)\n"
    "  --black-hole FROM-TO e.g. 8s-20s\n"
    "  --seed N             of losses and jitter (1)\n"
    "  --for TIME           ends by itself\n"
    "  --json               a line of JSON a second in place of text\n"
    "SCRIPT has lines such as `at 20s rate 40k`, `at 30s to-left loss 10% burst 5`; lines on\n"
    "standard input without `at` change the rules at once.\n";

struct lab {
    struct wk_lab_wire wire;
    struct wk_lab_script script;
    int64_t begin_us; /* of the monotonic clock; all other times count from it */
    int64_t until_us;
    int64_t report_us;
    int64_t seed;
    bool json;
    struct wk_lab_input input;
    int64_t input_us; /* when it is read */
};

enum { POLL_LEFT, POLL_RIGHT, POLL_END, POLL_INPUT, POLLS };

/* ---- what is printed --------------------------------------------------------------------- */

static void print_direction(const struct wk_lab_direction *direction, const char *name,
                            bool json, int64_t now_us)
{
    const struct wk_virtual_line_counts *counts = &direction->line.counts;
    printf(json ? ",\"%s\":{\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
                  ",\"delivered_octets\":%" PRIu64 ",\"lost\":%" PRIu64
                  ",\"overflowed\":%" PRIu64 ",\"refused\":%" PRIu64
                  ",\"waiting_octets\":%" PRIu32 "}"
                : "  %s: sent %" PRIu64 ", delivered %" PRIu64 " (%" PRIu64
                  " octets), lost %" PRIu64 ", overflowed %" PRIu64 ", refused %" PRIu64
                  ", waiting %" PRIu32 " octets",
           name, counts->sent, counts->delivered, counts->delivered_octets, counts->lost,
           counts->overflowed, direction->refused,
           wk_virtual_line_waiting(&direction->line, now_us));
}

static void print_counts(const struct lab *lab, int64_t now_us)
{
    const double now_s = (double)now_us / SECOND_US;
    printf(lab->json ? "{\"at_s\":%.3f" : "%.3f s", now_s);
    print_direction(&lab->wire.direction[0], lab->json ? "to_right" : "to-right", lab->json,
                    now_us);
    print_direction(&lab->wire.direction[1], lab->json ? "to_left" : "to-left", lab->json,
                    now_us);
    puts(lab->json ? "}" : "");
    fflush(stdout);
}

static void print_change(const struct lab *lab, const struct wk_lab_change *change,
                         int64_t now_us)
{
    char text[WK_LAB_WHY];
    wk_lab_script_print(change, text, sizeof text);
    printf(lab->json ? "{\"at_s\":%.3f,\"change\":\"%s\"}\n" : "%.3f s  %s\n",
           (double)now_us / SECOND_US, text);
    fflush(stdout);
}

/* ---- packets and changes ----------------------------------------------------------------- */

static void change_rules(struct lab *lab, int64_t now_us)
{
    struct wk_lab_change change;
    while (wk_lab_script_take(&lab->script, now_us, &change)) {
        wk_lab_wire_change(&lab->wire, &change);
        print_change(lab, &change, now_us);
    }
}

/* A line on standard input; what it has wrong is said, and nothing else happens. */
static void take_line(void *self, struct wk_text_span line)
{
    struct lab *lab = self;
    char why[WK_LAB_WHY];
    if (wk_lab_script_line(&lab->script, line, lab->input_us, why) != WK_OK) {
        fprintf(stderr, "wk lab: %s\n", why);
    }
}

/* ---- running ----------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_us(const struct lab *lab)
{
    int64_t next = sooner(lab->until_us, lab->report_us);
    next = sooner(next, wk_lab_script_next_us(&lab->script));
    for (size_t i = 0; i < ENDS; i++) {
        next = sooner(next, wk_virtual_line_next_us(&lab->wire.direction[i].line));
    }
    return next;
}

static void step(struct lab *lab, const struct pollfd polls[POLLS], int64_t now_us)
{
    change_rules(lab, now_us);
    if (polls[POLL_INPUT].revents != 0) {
        lab->input_us = now_us;
        wk_lab_input_read(&lab->input, take_line, lab);
        change_rules(lab, now_us);
    }
    for (size_t i = 0; i < ENDS; i++) {
        if (polls[POLL_LEFT + i].revents != 0) {
            (void)wk_lab_direction_take(&lab->wire.direction[i], true, now_us);
        }
        wk_lab_direction_deliver(&lab->wire.direction[i], now_us);
    }
    if (now_us >= lab->report_us && now_us < lab->until_us) {
        print_counts(lab, now_us);
        lab->report_us += SECOND_US;
    }
}

static int drive(struct lab *lab, int end_fd)
{
    int64_t now_us = 0;
    struct pollfd polls[POLLS] = {
        [POLL_LEFT] = {.fd = lab->wire.end[0].fd, .events = POLLIN},
        [POLL_RIGHT] = {.fd = lab->wire.end[1].fd, .events = POLLIN},
        [POLL_END] = {.fd = end_fd, .events = POLLIN},
        [POLL_INPUT] = {.events = POLLIN},
    };
    while (now_us < lab->until_us && polls[POLL_END].revents == 0 && !ferror(stdout)) {
        const int64_t wait_us = next_us(lab) - now_us;
        const struct timespec wait = {
            .tv_sec = wait_us > 0 ? wait_us / SECOND_US : 0,
            .tv_nsec = wait_us > 0 ? wait_us % SECOND_US * 1000 : 0,
        };
        polls[POLL_INPUT].fd = lab->input.fd;
        if (ppoll(polls, POLLS, &wait, NULL) < 0 && errno != EINTR) {
            fprintf(stderr, "wk lab: %s\n", strerror(errno));
            return WK_EXIT_FAILED;
        }
        if (((polls[POLL_LEFT].revents | polls[POLL_RIGHT].revents) & POLLERR) != 0) {
            fputs("wk lab: a device is gone or down\n", stderr);
            return WK_EXIT_FAILED;
        }
        now_us = wk_lab_now_us() - lab->begin_us;
        step(lab, polls, now_us);
    }
    print_counts(lab, now_us);
    return WK_EXIT_OK;
}

static int run(struct lab *lab)
{
    const int end_fd = wk_lab_end_fd();
    int status = WK_EXIT_FAILED;
    if (end_fd < 0) {
        fprintf(stderr, "wk lab: %s\n", strerror(errno));
    } else {
        status = wk_lab_wire_open(&lab->wire, lab->seed);
    }
    if (status == WK_EXIT_OK) {
        lab->begin_us = wk_lab_now_us();
        lab->report_us = SECOND_US;
        status = drive(lab, end_fd);
    }
    wk_lab_wire_close(&lab->wire);
    return status;
}

/* ---- the command line -------------------------------------------------------------------- */

/* A rule among the options is a line of the script. */
static bool take_rule(struct lab *lab, const char *rule)
{
    char why[WK_LAB_WHY];
    if (wk_lab_script_line(&lab->script, (struct wk_text_span){rule, strlen(rule)}, 0, why) ==
        WK_OK) {
        return true;
    }
    fprintf(stderr, "wk lab: %s\n", why);
    return false;
}

static bool take_script(struct lab *lab, const char *path)
{
    struct wk_text_span text;
    char why[WK_LAB_WHY];
    if (!wk_lab_script_file(path, &text)) {
        return false;
    }
    if (wk_lab_script_text(&lab->script, text.at, text.size, why) != WK_OK) {
        fprintf(stderr, "wk lab: %s: %s\n", path, why);
        return false;
    }
    return true;
}

/* What is not a rule of the line. */
static bool take_other(struct lab *lab, int option, const char *value)
{
    switch (option) {
    case 'l':
        return wk_lab_end_take(&lab->wire.end[0], value);
    case 'r':
        return wk_lab_end_take(&lab->wire.end[1], value);
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

/* The options of loss and burst are one rule. */
static bool take_options(struct lab *lab, int argc, char **argv)
{
    static const struct option k_options[] = {
        {"left", required_argument, NULL, 'l'},   {"right", required_argument, NULL, 'r'},
        {"rate", required_argument, NULL, 'R'},   {"delay", required_argument, NULL, 'R'},
        {"jitter", required_argument, NULL, 'R'}, {"queue", required_argument, NULL, 'R'},
        {"loss", required_argument, NULL, 'L'},   {"burst", required_argument, NULL, 'B'},
        {"seed", required_argument, NULL, 's'},   {"overhead", required_argument, NULL, 'R'},
        {"for", required_argument, NULL, 'f'},    {"black-hole", required_argument, NULL, 'R'},
        {"json", no_argument, NULL, 'j'},         {NULL, 0, NULL, 0},
    };
    char rule[INPUT];
    const char *loss = NULL;
    const char *burst = "1";
    int option;
    int which;
    bool good = true;
    optind = 0;
    while (good && (option = getopt_long(argc, argv, "", k_options, &which)) != -1) {
        if (option == 'L') {
            loss = optarg;
        } else if (option == 'B') {
            burst = optarg;
        } else if (option == 'R') {
            snprintf(rule, sizeof rule, "%s %s", k_options[which].name, optarg);
            good = take_rule(lab, rule);
        } else {
            good = take_other(lab, option, optarg);
        }
    }
    if (good && loss != NULL) {
        snprintf(rule, sizeof rule, "loss %s burst %s", loss, burst);
        good = take_rule(lab, rule);
    }
    return good;
}

int wk_lab_net_run(int argc, char **argv)
{
    static struct lab lab; /* changes to come are many */
    lab.until_us = WK_VIRTUAL_LINE_NEVER;
    lab.seed = 1;
    lab.input.fd = STDIN_FILENO;
    lab.wire.end[0] = (struct wk_lab_end){.config.device = "lab-left", .fd = -1};
    lab.wire.end[1] = (struct wk_lab_end){.config.device = "lab-right", .fd = -1};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (!take_options(&lab, argc, argv) ||
        (optind < argc && !take_script(&lab, argv[optind]))) {
        return WK_EXIT_USAGE;
    }
    if (optind < argc - 1 || !wk_lab_wire_pair(&lab.wire)) {
        fputs("wk lab: give one script at most, and an address to both ends or to none\n",
              stderr);
        return WK_EXIT_USAGE;
    }
    return run(&lab);
}
