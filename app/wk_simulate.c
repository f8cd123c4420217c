/* SPDX-License-Identifier: Apache-2.0
 *
 * wk simulate - one meter through a year, held against an oracle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/wk.h"
#include "fleet/year.h"

int wk_simulate_run(int argc, char **argv)
{
    static struct wk_year year;
    static struct wk_grid_minutes minutes;
    struct wk_recording_fault fault;
    if (wk_grid_minutes_read(&minutes, "data/uci/household_1min_2days.txt", &fault) != WK_OK) {
        return WK_EXIT_FAILED;
    }
    const struct wk_year_options options = {
        .days = argc > 1 ? atoll(argv[1]) : 30,
        .seed = argc > 2 ? (uint64_t)atoll(argv[2]) : 1,
        .minutes = &minutes,
    };
    const wk_err err = wk_year_run(&year, &options);
    printf("%s: %s\n", wk_err_text(err), year.why);
    const struct wk_year_counts *c = &year.counts;
    printf("records %lu short %lu long %lu replay %lu cuts %u %u %u again %u erase %u outages %u "
           "sessions %u steps %u slews %u intervals %u gaps %u twice %u periods %u detected %u "
           "late %u worst %ld bill %ld\n",
           c->records, c->windows_200ms, c->windows_long, c->replayed, c->cuts[0], c->cuts[1],
           c->cuts[2], c->cuts_again, c->cuts_erase, c->outages, c->sessions, c->steps,
           c->slews, c->intervals, c->gaps, c->twice, c->periods, c->detected, c->late_kept,
           c->clock_worst_us, c->bill_registers);
    wk_year_free(&year);
    return err == WK_OK ? WK_EXIT_OK : WK_EXIT_FAILED;
}
