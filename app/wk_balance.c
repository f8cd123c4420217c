/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_windows.h"
#include "daemon/diagnosis.h"

#define TEXT_ROOM 160

static const char k_help[] =
    "usage: wk balance FILE... [--u CH,..] [--i CH,..] [--json]\n\n"
    "How evenly the three phases of recordings are loaded, the single-phase loads that were\n"
    "seen to switch, and which of them to move. Several FILEs are taken one after the other.\n"
    "Nothing is recommended before five minutes of recording. docs/installation.md describes\n"
    "the values.\n";

/* Recordings begin at times of their own; here they follow each other. */
struct follow {
    struct wk_balance balance;
    int64_t t_us;
};

static wk_err take_window(void *self, const struct wk_record *record)
{
    struct follow *follow = self;
    struct wk_record moved = *record;
    if (record->kind == WK_RECORD_WINDOW) {
        follow->t_us += record->span_us;
        moved.t_us = follow->t_us;
        (void)wk_balance_add(&follow->balance, &moved);
    }
    return WK_OK;
}

static void print_text(const struct wk_balance *balance)
{
    struct wk_balance_move move;
    char text[TEXT_ROOM];
    wk_balance_recommend(balance, &move);
    wk_diagnosis_say_move(balance, &move, text, sizeof text);
    printf("imbalance at the end: power %.1f %%, current %.1f %%\n",
           balance->index.power_ppm / 1e4, balance->index.current_ppm / 1e4);
    printf("mean imbalance of %u intervals of five minutes: %.1f %%\n", balance->slots,
           move.before_ppm / 1e4);
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        const struct wk_balance_load *load = &balance->load[n];
        if (load->used) {
            printf("  L%d %9.0f W %9.0f var  switched on %u times, %.0f s, %.3f kWh%s\n",
                   load->phase + 1, (double)load->p_mw / 1e3, (double)load->q_mvar / 1e3,
                   load->times, (double)load->on_us / 1e6, (double)load->energy_mwh / 1e6,
                   load->on ? ", on" : "");
        }
    }
    printf("%s\n", text);
}

static int run_files(int count, char **paths, struct wk_windows *windows, bool json)
{
    static struct follow follow;
    wk_balance_init(&follow.balance);
    follow.t_us = 0;
    windows->sink = (struct wk_chain_sink){.self = &follow, .emit = take_window};
    for (int n = 0; n < count; n++) {
        windows->path = paths[n];
        if (!wk_windows_run(windows)) {
            fprintf(stderr, "wk balance: %s\n", windows->why);
            return WK_EXIT_FAILED;
        }
    }
    if (follow.t_us == 0) {
        fputs("wk balance: there is no complete window of three phases\n", stderr);
        return WK_EXIT_FAILED;
    }
    if (!json) {
        print_text(&follow.balance);
        return WK_EXIT_OK;
    }
    json_t *value = wk_diagnosis_balance(&follow.balance);
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    printf("\n");
    json_decref(value);
    return WK_EXIT_OK;
}

int wk_balance_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"u", required_argument, NULL, 'u'},
        {"i", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct wk_windows windows = {.path = NULL};
    bool json = false;
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        case 'u':
            windows.u = optarg;
            break;
        case 'i':
            windows.i = optarg;
            break;
        case 'j':
            json = true;
            break;
        default:
            return WK_EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs("wk balance: give at least one FILE; `wk help balance` explains\n", stderr);
        return WK_EXIT_USAGE;
    }
    return run_files(argc - optind, argv + optind, &windows, json);
}
