/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_calibrate.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_windows.h"

static const char k_help[] =
    "usage: wk calibrate steps\n"
    "       wk calibrate measure RECORDING [--apply FILE] [--u CH,..] [--i CH,..]\n"
    "       wk calibrate run PLAN --out FILE --who NAME --when TIME [--reason TEXT]\n"
    "                        [--break-seal REASON]\n"
    "       wk calibrate show FILE\n"
    "       wk calibrate certificate FILE --json | --html OUT.html\n\n"
    "  steps        the guided procedure\n"
    "  measure      mean reading of a recording, if it is steady; --apply corrects it first\n"
    "  run          computes gains, delays and the sensors' curves from the recordings and "
    "the\n"
    "               standard's readings in PLAN (docs/calibration.md), verifies them with the\n"
    "               same recordings, and seals the result. A sealed FILE is left alone unless\n"
    "               --break-seal says why, which is logged\n"
    "  show         checks the seal and prints who sealed and unsealed\n"
    "  certificate  errors before and after, as JSON or as a page for printing\n"
    "TIME is UTC such as 2026-02-01T23:00:00Z.\n";

struct options {
    struct wk_calibrate_run run;
    const char *apply;
    const char *html;
    const char *u;
    const char *i;
    bool json;
};

static int usage(const char *why)
{
    fprintf(stderr, "wk calibrate: %s; `wk help calibrate` explains\n", why);
    return WK_EXIT_USAGE;
}

static int fail(const char *why)
{
    fprintf(stderr, "wk calibrate: %s\n", why);
    return WK_EXIT_FAILED;
}

static int print_steps(const char *path, const struct options *options)
{
    (void)path;
    (void)options;
    for (int n = 0; n < WK_CALIBRATE_STEPS; n++) {
        printf("%d. %s\n", n + 1, wk_calibrate_step_of(n)->text);
    }
    return WK_EXIT_OK;
}

static wk_err take_window(void *self, const struct wk_record *record)
{
    (void)wk_calibrate_mean_add(self, record);
    return WK_OK;
}

static int measure(const char *path, const struct options *options)
{
    struct wk_calibration calibration = {.root = NULL};
    struct wk_calibrate_mean mean;
    struct wk_calibrate_reading reading[WK_CALIBRATE_PHASES];
    struct wk_calibrate_fault fault;
    struct wk_windows windows = {
        .path = path,
        .u = options->u,
        .i = options->i,
        .calibration = options->apply != NULL ? &calibration : NULL,
        .sink = {.self = &mean, .emit = take_window},
    };
    if (options->apply != NULL && wk_calibration_read(&calibration, options->apply) != WK_OK) {
        return fail(calibration.why);
    }
    wk_calibrate_mean_init(&mean);
    const bool done = wk_windows_run(&windows);
    wk_calibration_free(&calibration);
    if (!done) {
        return fail(windows.why);
    }
    if (wk_calibrate_mean_take(&mean, reading, &fault) != WK_OK) {
        fprintf(stderr, "wk calibrate: %s: L%d: %s\n", path, fault.phase + 1, fault.reason);
        return WK_EXIT_FAILED;
    }
    for (int k = 0; k < mean.phases; k++) {
        printf(options->json
                   ? "{\"phase\":%d,\"u_v\":%.6f,\"i_a\":%.6f,\"p_w\":%.6f,\"q_var\":%.6f}\n"
                   : "L%d %14.6f V %14.6f A %16.6f W %16.6f var\n",
               k + 1, (double)reading[k].u_uv / 1e6, (double)reading[k].i_ua / 1e6,
               (double)reading[k].p_uw / 1e6, (double)reading[k].q_uvar / 1e6);
    }
    return WK_EXIT_OK;
}

static int run_plan(const char *path, const struct options *options)
{
    struct wk_calibrate_run run = options->run;
    run.plan = path;
    run.reason = run.reason != NULL ? run.reason : "calibration";
    if (run.out == NULL || run.who == NULL || run.when == NULL) {
        return usage("run needs --out, --who and --when");
    }
    return wk_calibrate_run_plan(&run);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static int show(const char *path, const struct options *options)
{
    struct wk_calibration calibration;
    (void)options;
    if (wk_calibration_read(&calibration, path) != WK_OK) {
        return fail(calibration.why);
    }
    const json_t *log = json_object_get(calibration.root, "log");
    for (size_t n = 0; n < json_array_size(log); n++) {
        const json_t *entry = json_array_get(log, n);
        printf("%s  %-6s  %s: %s\n", text_of(entry, "when"), text_of(entry, "action"),
               text_of(entry, "who"), text_of(entry, "reason"));
    }
    for (int c = 0; c < calibration.channels; c++) {
        const struct wk_calibrate_channel *channel = &calibration.channel[c].correction;
        printf("%s of L%d: gain %+.7f %%, offset %lld u%s, delay %d ns, %d points of a curve\n",
               calibration.channel[c].quantity == WK_HAL_VOLTAGE ? "voltage" : "current",
               calibration.channel[c].phase + 1, channel->gain_ppb / 1e7,
               (long long)channel->offset_micro,
               calibration.channel[c].quantity == WK_HAL_VOLTAGE ? "V" : "A", channel->delay_ns,
               channel->curve_points);
    }
    printf("%s\nhead of the log: %s\n", calibration.sealed ? "the seal is whole" : "not sealed",
           calibration.head);
    wk_calibration_free(&calibration);
    return WK_EXIT_OK;
}

static int certificate(const char *path, const struct options *options)
{
    struct wk_calibration calibration;
    if (options->html == NULL && !options->json) {
        return usage("certificate needs --json or --html OUT.html");
    }
    if (wk_calibration_read(&calibration, path) != WK_OK) {
        return fail(calibration.why);
    }
    int status = WK_EXIT_OK;
    if (!calibration.sealed) {
        status = fail("the calibration is not sealed: there is nothing to certify");
    } else if (options->html != NULL &&
               !wk_calibrate_certificate(&calibration, options->html)) {
        status = fail("the certificate cannot be written");
    } else if (options->json) {
        json_object_set_new(calibration.root, "head", json_string(calibration.head));
        json_dumpf(calibration.root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        printf("\n");
    }
    wk_calibration_free(&calibration);
    return status;
}

static bool take_option(struct options *options, int option)
{
    const char **const k_texts[] = {
        ['o'] = &options->run.out,
        ['w'] = &options->run.who,
        ['t'] = &options->run.when,
        ['r'] = &options->run.reason,
        ['b'] = &options->run.break_seal,
        ['a'] = &options->apply,
        ['m'] = &options->html,
        ['u'] = &options->u,
        ['i'] = &options->i,
    };
    if (option == 'j') {
        options->json = true;
        return true;
    }
    if (option < 0 || (size_t)option >= sizeof k_texts / sizeof k_texts[0] ||
        k_texts[option] == NULL) {
        return false;
    }
    *k_texts[option] = optarg;
    return true;
}

int wk_calibrate_run(int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
        int (*act)(const char *path, const struct options *options);
    } k_acts[] = {
        {"steps", 1, print_steps}, {"measure", 2, measure},         {"run", 2, run_plan},
        {"show", 2, show},         {"certificate", 2, certificate},
    };
    static const struct option k_options[] = {
        {"out", required_argument, NULL, 'o'},
        {"who", required_argument, NULL, 'w'},
        {"when", required_argument, NULL, 't'},
        {"reason", required_argument, NULL, 'r'},
        {"break-seal", required_argument, NULL, 'b'},
        {"apply", required_argument, NULL, 'a'},
        {"html", required_argument, NULL, 'm'},
        {"u", required_argument, NULL, 'u'},
        {"i", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {0};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        }
        if (!take_option(&options, option)) {
            return WK_EXIT_USAGE;
        }
    }
    for (size_t a = 0; optind < argc && a < sizeof k_acts / sizeof k_acts[0]; a++) {
        if (strcmp(argv[optind], k_acts[a].name) == 0) {
            return argc - optind == k_acts[a].arguments
                       ? k_acts[a].act(argv[optind + 1], &options)
                       : usage("too few or too many arguments");
        }
    }
    return usage("say steps, measure, run, show or certificate");
}
