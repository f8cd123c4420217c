/* SPDX-License-Identifier: Apache-2.0
 *
 * wk simulate - one meter through a year, held against an oracle. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/wk.h"
#include "fleet/year.h"

#define PATH_MOST 4096
#define LOAD      "uci/household_1min_2days.txt"
#define KWH       1e9

static const char k_help[] =
    "usage: wk simulate [--days N] [--seed N] [--json] [--report FILE] [--events] [--data "
    "DIR]\n"
    "\n"
    "Runs one meter through N days (400): the real management over a simulated flash, with "
    "cuts\n"
    "of power at any flash operation, outages, a drifting clock that is set and slewed, "
    "summer\n"
    "time, another contract, billing periods, attacks, overload and a head-end that calls. An\n"
    "oracle outside of the meter computes what must come of it; docs/simulation.md tells how.\n"
    "  --days N       1 to 800\n"
    "  --seed N       another year (1)\n"
    "  --json         the result as one object of JSON\n"
    "  --report FILE  the year as a page\n"
    "  --events       every event that was logged\n"
    "  --data DIR     where uci/household_1min_2days.txt is (the data folder of the program)\n"
    "Exit status 1: meter and oracle disagree; the message says in what.\n";

struct options {
    int64_t days;
    uint64_t seed;
    bool json;
    bool events;
    const char *report;
    const char *data;
};

/* ---- options ----------------------------------------------------------------------------- */

static bool read_number(const char *text, int64_t least, int64_t most, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && *value >= least && *value <= most;
}

static bool complain(const char *option, const char *why)
{
    fprintf(stderr, "wk simulate: %s %s; see \"wk help simulate\"\n", option, why);
    return false;
}

static bool read_value(struct options *options, const char *name, const char *value)
{
    int64_t number;
    if (strcmp(name, "--days") == 0) {
        return read_number(value, 1, WK_YEAR_DAYS_MOST, &options->days) ||
               complain(name, "must be 1 to 800");
    }
    if (strcmp(name, "--seed") == 0) {
        const bool good = read_number(value, 0, INT64_MAX, &number);
        options->seed = (uint64_t)number;
        return good || complain(name, "must be a number from 0 on");
    }
    if (strcmp(name, "--report") == 0) {
        options->report = value;
        return true;
    }
    if (strcmp(name, "--data") == 0) {
        options->data = value;
        return true;
    }
    return complain(name, "is no option");
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            options->json = true;
        } else if (strcmp(argv[i], "--events") == 0) {
            options->events = true;
        } else if (i + 1 < argc) {
            if (!read_value(options, argv[i], argv[i + 1])) {
                return false;
            }
            i++;
        } else {
            return complain(argv[i], "is no option, or lacks its value");
        }
    }
    return true;
}

/* The folder "data" that lies beside "build/.../bin", or in the working directory. */
static void find_data(const struct options *options, char path[PATH_MOST])
{
    char own[PATH_MOST / 2];
    if (options->data != NULL) {
        snprintf(path, PATH_MOST, "%s/" LOAD, options->data);
        return;
    }
    snprintf(path, PATH_MOST, "data/" LOAD);
    const ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    if (access(path, R_OK) != 0 && size > 0) {
        own[size] = '\0';
        char *slash = strrchr(own, '/');
        *slash = '\0';
        snprintf(path, PATH_MOST, "%s/../../../data/" LOAD, own);
    }
}

/* ---- what is printed --------------------------------------------------------------------- */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void progress(void *self, int percent)
{
    const bool *terminal = self;
    if (*terminal) {
        fprintf(stderr, "\rwk simulate: %3d %%%s", percent, percent == 100 ? "\r\033[K" : "");
    }
}

static void print_events(const struct wk_year *year)
{
    for (uint32_t i = 0; i < year->marks; i++) {
        const struct wk_year_mark *mark = &year->mark[i];
        struct wk_civil civil;
        if (wk_civil_from_utc(&wk_zone_utc, (struct wk_utc){mark->at_s}, &civil) == WK_OK) {
            printf("%04u-%02u-%02uT%02u:%02u:%02uZ  %-13s %3u  %s\n", civil.year, civil.month,
                   civil.day, civil.hour, civil.minute, civil.second,
                   wk_event_log_name(wk_event_log_of(mark->code)), mark->code,
                   wk_event_text(mark->code));
        }
    }
}

/* name in JSON, text for people, value */
struct row {
    const char *name;
    const char *text;
    int64_t value;
};

static const char *const k_logs[] = {"standard",      "fraud",    "disconnect", "quality",
                                     "communication", "firmware", "security",   "credit"};
#define LOGS (sizeof k_logs / sizeof k_logs[0])

#define ROWS 36
static size_t rows_of(const struct wk_year *year, struct row rows[ROWS])
{
    const struct wk_year_counts *c = &year->counts;
    const struct row all[] = {
        {"days", "days", year->options.days},
        {"seed", "seed", (int64_t)year->options.seed},
        {"records", "records consumed", (int64_t)c->records},
        {"windows_200ms", "  windows of 200 ms", (int64_t)c->windows_200ms},
        {"windows_long", "  windows of up to 10 s", (int64_t)c->windows_long},
        {"replayed", "  fed again after a cut", (int64_t)c->replayed},
        {"commits", "commits of the store", c->commits},
        {"cuts", "cuts of power in a flash operation",
         (int64_t)c->cuts[0] + c->cuts[1] + c->cuts[2]},
        {"cuts_nothing", "  that did not begin", c->cuts[WK_FLASH_TEAR_NOTHING]},
        {"cuts_whole", "  that completed", c->cuts[WK_FLASH_TEAR_WHOLE]},
        {"cuts_garbage", "  that was torn", c->cuts[WK_FLASH_TEAR_GARBAGE]},
        {"cuts_erase", "  in an erase", c->cuts_erase},
        {"cuts_again", "  and again during recovery", c->cuts_again},
        {"cuts_kept", "  after which what was under way counted", c->late_kept},
        {"restarts", "restarts of management alone", c->restarts},
        {"outages", "outages", c->outages},
        {"outage_s", "  seconds, all", c->outage_s},
        {"outage_most_s", "  seconds, the longest", c->outage_most_s},
        {"clock_steps", "steps of the clock", c->steps},
        {"clock_slews", "slow corrections of the clock", c->slews},
        {"clock_worst_us", "largest deviation a day after a correction, us", c->clock_worst_us},
        {"sessions", "calls of the head-end", c->sessions},
        {"sessions_missed", "  that did not get through", c->sessions_missed},
        {"sealed_answers", "  sealed answers, no counter twice",
         (int64_t)year->caller.server_seen},
        {"intervals", "intervals of the profile", c->intervals},
        {"gaps", "  gaps, explained by outages and steps", c->gaps},
        {"gap_intervals", "  intervals that are missing there", c->gap_intervals},
        {"twice", "  came twice, the clock was set back", c->twice},
        {"periods", "billing periods", c->periods},
        {"tamper_detected", "acts of tampering and overload, all told", c->detected},
        {"tokens", "tokens that counted, once each", year->ledger.committed.tokens},
        {"balance_e6", "balance of the account, as the oracle has it, 10^-6",
         wk_account_balance_e6(&year->payment.account)},
        {"bill_registers_minor", "bill from registers, cent", c->bill_registers},
        {"bill_intervals_minor", "bill from intervals, cent", c->bill_intervals},
    };
    memcpy(rows, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static void print_table(const struct wk_year *year, double wall_s)
{
    struct row rows[ROWS];
    const struct wk_year_counts *c = &year->counts;
    const size_t count = rows_of(year, rows);
    for (size_t i = 0; i < count; i++) {
        printf("%-48s %14" PRId64 "\n", rows[i].text, rows[i].value);
    }
    for (size_t i = 0; i < LOGS; i++) {
        printf("%s%-13s %35s %14u\n", i == 0 ? "events, " : "        ", k_logs[i], "",
               c->logged[i]);
    }
    for (int kind = WK_YEAR_NOTHING + 1; kind < WK_YEAR_KINDS; kind++) {
        printf("%s%-30s %18s %14u\n", kind == WK_YEAR_NOTHING + 1 ? "acts, " : "      ",
               wk_year_kind_text((wk_year_kind)kind), "", c->acts[kind]);
    }
    printf("import fed %.6f kWh, export fed %.6f kWh\n", (double)c->fed_import_uwh / KWH,
           (double)c->fed_export_uwh / KWH);
    printf("%" PRId64 " uWh unexplained\n", c->unexplained_uwh);
    printf("%.1f s (%.1f s of processor), %.1f s for 365 days\n", wall_s,
           (double)clock() / CLOCKS_PER_SEC, wall_s * 365 / (double)year->options.days);
}

static void print_json(const struct wk_year *year, double wall_s)
{
    struct row rows[ROWS];
    const size_t count = rows_of(year, rows);
    printf("{");
    for (size_t i = 0; i < count; i++) {
        printf("\"%s\":%" PRId64 ",", rows[i].name, rows[i].value);
    }
    printf("\"events\":{");
    for (size_t i = 0; i < LOGS; i++) {
        printf("%s\"%s\":%u", i > 0 ? "," : "", k_logs[i], year->counts.logged[i]);
    }
    printf("},\"acts\":{");
    for (int kind = WK_YEAR_NOTHING + 1; kind < WK_YEAR_KINDS; kind++) {
        printf("%s\"%s\":%u", kind > WK_YEAR_NOTHING + 1 ? "," : "",
               wk_year_kind_text((wk_year_kind)kind), year->counts.acts[kind]);
    }
    printf("},\"fed_import_uwh\":%" PRId64 ",\"fed_export_uwh\":%" PRId64
           ",\"unexplained_uwh\":%" PRId64 ",\"wall_s\":%.3f,\"cpu_s\":%.3f,\"agrees\":%s}\n",
           year->counts.fed_import_uwh, year->counts.fed_export_uwh,
           year->counts.unexplained_uwh, wall_s, (double)clock() / CLOCKS_PER_SEC,
           year->failed ? "false" : "true");
}

/* ---- the command ------------------------------------------------------------------------- */

static int tell(const struct wk_year *year, const struct options *options, wk_err err,
                double wall_s)
{
    if (options->events) {
        print_events(year);
    }
    if (options->json) {
        print_json(year, wall_s);
    } else {
        print_table(year, wall_s);
    }
    if (err != WK_OK) {
        fprintf(stderr, "wk simulate: %s\n", year->failed ? year->why : wk_err_text(err));
    }
    if (options->report != NULL && !wk_year_page(year, options->report, wall_s)) {
        fprintf(stderr, "wk simulate: %s: %s\n", options->report, strerror(errno));
        return WK_EXIT_FAILED;
    }
    return err == WK_OK ? WK_EXIT_OK : WK_EXIT_FAILED;
}

int wk_simulate_run(int argc, char **argv)
{
    static struct wk_year year;
    struct options options = {.days = 400, .seed = 1};
    struct wk_grid_minutes minutes;
    struct wk_recording_fault fault;
    char path[PATH_MOST];
    bool terminal = isatty(STDERR_FILENO) != 0;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (!read_options(argc, argv, &options)) {
        return WK_EXIT_USAGE;
    }
    find_data(&options, path);
    if (wk_grid_minutes_read(&minutes, path, &fault) != WK_OK || minutes.count < 1440) {
        fprintf(stderr, "wk simulate: %s: no whole day of minutes can be read\n", path);
        return WK_EXIT_FAILED;
    }
    const struct wk_year_options what = {.days = options.days,
                                         .seed = options.seed,
                                         .minutes = &minutes,
                                         .progress = progress,
                                         .self = &terminal};
    const double begin_s = now_s();
    const wk_err err = wk_year_run(&year, &what);
    const int status = err == WK_OK || year.failed
                           ? tell(&year, &options, err, now_s() - begin_s)
                           : WK_EXIT_FAILED;
    if (err != WK_OK && !year.failed) {
        fprintf(stderr, "wk simulate: the year cannot begin: %s\n", wk_err_text(err));
    }
    wk_year_free(&year);
    wk_grid_minutes_free(&minutes);
    return status;
}
