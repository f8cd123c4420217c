/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "accuracy/laboratory.h"
#include "accuracy/report.h"
#include "accuracy/trials.h"
#include "app/wk.h"
#include "port/linux/comtrade_write.h"

#define VERSION   "0.1.0"
#define PATH_MOST 1024
#define START_US  INT64_C(1700000000000000)

static const char k_help[] =
    "usage: wk accuracy --report DIR [--case NAME] [--quick]\n"
    "       wk accuracy --list\n"
    "       wk accuracy --export NAME OUT.cfg\n\n"
    "Plays signals whose truth is known in closed form through models of converters into the\n"
    "meter's own chain and writes DIR/accuracy.html and DIR/accuracy.json: every trial with\n"
    "its clause, conditions, expected and measured value, error, goal, limit of the class.\n\n"
    "  --report DIR   where to; made if it is not there\n"
    "  --case NAME    only trials whose group or name contains NAME\n"
    "  --quick        a selection that takes seconds\n"
    "  --list         prints group and name of all trials\n"
    "  --export NAME  writes the samples of the trial of that name as COMTRADE\n\n"
    "Exit status 0: all goals hold; 1: some do not.\n";

struct options {
    const char *folder;
    const char *wanted;
    const char *exported;
    bool quick;
    bool list;
};

static void add_all(struct wk_trial_list *list)
{
    wk_trials_add_flicker(list); /* the longest first, so that no core waits for another */
    wk_trials_add_energy(list);
    wk_trials_add_influence(list);
    wk_trials_add_frontend(list);
    wk_trials_add_reactive(list);
    wk_trials_add_quantity(list);
    wk_trials_add_spectrum(list);
    wk_trials_add_event(list);
    wk_trials_add_noise(list);
}

/* ---- running ----------------------------------------------------------------------------- */

struct progress {
    bool terminal;
    size_t failed;
};

static void tell(void *self, const struct wk_trial *trial, size_t done, size_t of)
{
    struct progress *progress = self;
    if (!trial->holds) {
        progress->failed++;
        printf("%sFAILS %s: %s: %+.4g %s, goal %.4g%s%s%s%s\n", progress->terminal ? "\r" : "",
               trial->group, trial->name, trial->error, trial->error_unit, trial->goal,
               trial->err != WK_OK ? "; " : "",
               trial->err != WK_OK ? wk_err_text(trial->err) : "",
               trial->note[0] != '\0' ? "; " : "", trial->note);
    }
    if (progress->terminal) {
        printf("\r%5zu of %zu  %-48.48s", done, of, trial->name);
        fflush(stdout);
    }
}

static void print_summary(const struct wk_trial_list *list, const bool *chosen)
{
    printf("%-24s %6s %6s  %12s  %9s  %s\n", "quantity", "trials", "hold", "worst", "limit",
           "margin");
    for (int k = 0; k <= WK_REPORT_GROUPS; k++) {
        const struct wk_report_group *group = wk_report_group_of(k);
        size_t count;
        size_t hold;
        const struct wk_trial *worst =
            wk_report_worst(list, chosen, group->group, &count, &hold);
        if (count == 0) {
            continue;
        }
        printf("%-24s %6zu %6zu", group->group, count, hold);
        if (worst != NULL) {
            printf("  %12.4g  %9.4g  %.3g x  %s, %s", fabs(worst->error), worst->goal,
                   wk_trial_margin(worst), worst->error_unit, worst->name);
        }
        putchar('\n');
    }
}

static bool write_report(const struct options *options, const struct wk_trial_list *list,
                         const bool *chosen, double seconds)
{
    char path[PATH_MOST];
    char made[32];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const struct wk_report_about about = {
        .version = VERSION,
        .made = made,
        .build = __VERSION__,
        .seconds = seconds,
        .quick = options->quick,
    };
    if (mkdir(options->folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "wk accuracy: %s: %s\n", options->folder, strerror(errno));
        return false;
    }
    snprintf(path, sizeof path, "%s/accuracy.json", options->folder);
    if (!wk_report_write_json(path, list, chosen, &about)) {
        fprintf(stderr, "wk accuracy: %s cannot be written\n", path);
        return false;
    }
    snprintf(path, sizeof path, "%s/accuracy.html", options->folder);
    if (!wk_report_write_html(path, list, chosen, &about)) {
        fprintf(stderr, "wk accuracy: %s cannot be written\n", path);
        return false;
    }
    printf("written: %s\n", path);
    return true;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int run(const struct options *options, struct wk_trial_list *list)
{
    struct progress progress = {.terminal = isatty(STDOUT_FILENO) != 0};
    bool *chosen = calloc(list->count + 1, sizeof *chosen);
    size_t count = 0;
    for (size_t n = 0; chosen != NULL && n < list->count; n++) {
        const struct wk_trial *trial = &list->trial[n];
        const char *wanted = options->wanted;
        chosen[n] = (!options->quick || trial->quick) &&
                    (wanted == NULL || strstr(trial->name, wanted) != NULL ||
                     strstr(trial->group, wanted) != NULL);
        count += chosen[n] ? 1 : 0;
    }
    if (count == 0) {
        fprintf(stderr, "wk accuracy: no trial is called so; see --list\n");
        free(chosen);
        return WK_EXIT_USAGE;
    }
    const double begin_s = now_s();
    bool good = wk_laboratory_run(list, chosen, tell, &progress);
    if (!good) {
        fprintf(stderr, "wk accuracy: no memory or no thread\n");
    }
    printf("%s", progress.terminal ? "\r\033[K" : "");
    print_summary(list, chosen);
    good = good && write_report(options, list, chosen, now_s() - begin_s);
    printf("%zu trials in %.1f s, %zu fail\n", count, now_s() - begin_s, progress.failed);
    free(chosen);
    return good && progress.failed == 0 ? WK_EXIT_OK : WK_EXIT_FAILED;
}

/* ---- exporting --------------------------------------------------------------------------- */

static bool export_wave(const struct wk_trial *trial, const char *path)
{
    static struct wk_wave wave;
    static struct wk_wave seen;
    static struct wk_wave_walk walk;
    struct wk_recording_fault fault = {{0}};
    double value[WK_WAVE_CHANNELS];
    double slope[WK_WAVE_CHANNELS];
    trial->make(trial, &wave);
    struct wk_converter converter =
        wk_converter_of(trial->setup.converter, 8000, trial->setup.i_max_a);
    const struct wk_hal_frontend_info info = wk_converter_info(&converter, &wave);
    wk_converter_distort(&converter, &wave, &seen);
    const size_t frames = (size_t)(wave.seconds * converter.rate_hz);
    int32_t *counts = malloc(frames * WK_WAVE_CHANNELS * sizeof *counts);
    if (counts == NULL) {
        fprintf(stderr, "wk accuracy: no memory\n");
        return false;
    }
    wk_wave_walk_init(&walk, &seen, converter.rate_hz * (1 + converter.clock_ppm * 1e-6));
    for (size_t n = 0; n < frames; n++) {
        wk_wave_next(&walk, value, slope);
        wk_converter_frame(&converter, value, slope, counts + n * WK_WAVE_CHANNELS);
    }
    const struct wk_comtrade_feed feed = {&info, counts, frames, START_US, START_US};
    const wk_err err = wk_comtrade_write_feed(&feed, path, &fault);
    free(counts);
    if (err != WK_OK) {
        fprintf(stderr, "wk accuracy: %s\n", fault.text);
    }
    return err == WK_OK;
}

static int export(const struct wk_trial_list *list, const char *name, const char *path)
{
    for (size_t n = 0; n < list->count; n++) {
        if (strcmp(list->trial[n].name, name) == 0) {
            return export_wave(&list->trial[n], path) ? WK_EXIT_OK : WK_EXIT_FAILED;
        }
    }
    fprintf(stderr, "wk accuracy: there is no trial \"%s\"; see --list\n", name);
    return WK_EXIT_USAGE;
}

/* ---- options ----------------------------------------------------------------------------- */

static bool parse(int argc, char **argv, struct options *options, bool *help)
{
    static const struct option k_options[] = {
        {"report", required_argument, NULL, 'r'},
        {"case", required_argument, NULL, 'c'},
        {"export", required_argument, NULL, 'e'},
        {"quick", no_argument, NULL, 'q'},
        {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        switch (option) {
        case 'r':
            options->folder = optarg;
            break;
        case 'c':
            options->wanted = optarg;
            break;
        case 'e':
            options->exported = optarg;
            break;
        case 'q':
            options->quick = true;
            break;
        case 'l':
            options->list = true;
            break;
        case 'h':
            *help = true;
            return true;
        default:
            return false;
        }
    }
    const bool one =
        (options->folder != NULL) + (options->exported != NULL) + options->list == 1;
    return one && argc - optind == (options->exported != NULL ? 1 : 0);
}

int wk_accuracy_run(int argc, char **argv)
{
    struct options options = {.quick = false};
    struct wk_trial_list list = {.count = 0};
    bool help = false;
    int status = WK_EXIT_OK;
    if (!parse(argc, argv, &options, &help)) {
        fputs(k_help, stderr);
        return WK_EXIT_USAGE;
    }
    if (help) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    add_all(&list);
    if (list.failed) {
        fprintf(stderr, "wk accuracy: no memory\n");
        status = WK_EXIT_FAILED;
    } else if (options.list) {
        for (size_t n = 0; n < list.count; n++) {
            printf("%s\t%s\n", list.trial[n].group, list.trial[n].name);
        }
    } else if (options.exported != NULL) {
        status = export(&list, options.exported, argv[optind]);
    } else {
        status = run(&options, &list);
    }
    wk_trial_free(&list);
    return status;
}
