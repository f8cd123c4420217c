/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_report.h"
#include "metrology/chain.h"
#include "port/linux/recording.h"

#define BLOCK_FRAMES 1024

static const char k_help[] =
    "usage: wk measure FILE [--u CH,CH,CH] [--i CH,CH,CH] [--nominal V] [--fnom 50|60]\n"
    "                  [--dc block|keep] [--json]\n\n"
    "Runs a recording through the meter's own metrology and prints every 10/12-cycle\n"
    "window, voltage events, and the energies of the whole.\n\n"
    "  FILE          .cfg (with its .dat), .cff, .csv, or .wav\n"
    "  --u, --i      voltages and currents of L1,L2,L3[,N] by name or by number from 1;\n"
    "                \"-\" leaves one out. Default: the first of each phase.\n"
    "  --nominal V   phase voltage; switches on dips (< 90 %), swells (> 110 %) and\n"
    "                interruptions (< 5 %, all phases)\n"
    "  --fnom HZ     nominal frequency; default: the recording's, else found out\n"
    "  --dc block    (default) the mean of each channel over a window is an offset of the\n"
    "                recorder and leaves rms and P: an I with 10.9 A of offset on 151.4 A\n"
    "                reads 151.4 A\n"
    "  --dc keep     the mean is metered: the same channel reads 151.8 A\n"
    "  --json        one object per line:\n"
    "    "
    "{\"t_s\",\"f_hz\",\"u_v\":[],\"i_a\":[],\"p_w\":[],\"q1_var\":[],\"s_va\":[],\"pf\":[],\n"
    "     \"u_deg\":[],\"i_deg\":[],\"flags\":[]}     a window; t_s is its begin\n"
    "    "
    "{\"event\",\"phase\":[],\"start_s\",\"duration_s\",\"residual_v\"|\"maximum_v\",\"open\"}"
    "\n"
    "    {\"totals\":{\"duration_s\",\"wh_import\":[],\"wh_export\":[],\"varh_q1\":[], ...}}\n"
    "    Times are seconds from the first sample. Arrays have one value per phase, null if\n"
    "    it is not measured. u_deg, i_deg: angles of the fundamental (cosine) at the begin\n"
    "    of the window, -180..180. q1_var: reactive power of the fundamental, > 0 inductive\n"
    "    import. flags: short, flagged (touches an event), free_run (no voltage to follow),\n"
    "    acquiring (frequency not settled), clipped, feed_gap, feed_start.\n";

struct options {
    const char *path;
    const char *u;
    const char *i;
    double nominal_v;
    double fnom_hz;
    bool json;
    wk_quantity_dc dc;
};

static int run_chain(struct wk_recording_source *source, const struct options *options)
{
    static struct wk_chain chain;
    struct wk_report report = {.json = options->json, .start_us = source->info.start_us};
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault fault;
    int32_t counts[BLOCK_FRAMES * WK_HAL_CHANNELS];
    size_t got;
    config.dc = options->dc;
    config.sink = (struct wk_chain_sink){.self = &report, .emit = wk_report_take};
    wk_err err = wk_chain_init(&chain, &source->info, &config, &fault);
    if (err != WK_OK) {
        fprintf(stderr, "wk measure: %s: %s%s%s\n", options->path,
                fault.channel >= 0 ? source->info.channel[fault.channel].name : "",
                fault.channel >= 0 ? ": " : "", wk_refusal_text(fault.reason));
        return WK_EXIT_FAILED;
    }
    report.map = &chain.cycle.map;
    report.end_us = report.start_us;
    do {
        err = source->frontend.read(source->frontend.self, counts, BLOCK_FRAMES, &got);
        err = err == WK_OK ? wk_chain_feed(&chain, counts, got) : err;
    } while (err == WK_OK && got > 0);
    err = err == WK_OK ? wk_chain_flush(&chain) : err;
    if (err != WK_OK) {
        fprintf(stderr, "wk measure: %s: %s\n", options->path, wk_err_text(err));
        return WK_EXIT_FAILED;
    }
    wk_report_open_events(&report, &chain);
    wk_report_totals(&report);
    return WK_EXIT_OK;
}

static bool choose(const struct wk_recording *recording, const struct options *options,
                   struct wk_recording_choice *choice)
{
    struct wk_recording_fault fault;
    *choice = wk_recording_choose(recording);
    if (options->u != NULL &&
        wk_recording_pick(recording, options->u, WK_HAL_VOLTAGE, choice->u, &fault) != WK_OK) {
        fprintf(stderr, "wk measure: --u: %s\n", fault.text);
        return false;
    }
    if (options->i != NULL &&
        wk_recording_pick(recording, options->i, WK_HAL_CURRENT, choice->i, &fault) != WK_OK) {
        fprintf(stderr, "wk measure: --i: %s\n", fault.text);
        return false;
    }
    return true;
}

static int measure(const struct options *options)
{
    struct wk_recording recording;
    struct wk_recording_fault fault;
    struct wk_recording_source source;
    if (wk_recording_open(&recording, options->path, &fault) != WK_OK) {
        fprintf(stderr, "wk measure: %s\n", fault.text);
        return WK_EXIT_FAILED;
    }
    struct wk_recording_choice choice;
    int status = WK_EXIT_USAGE;
    if (choose(&recording, options, &choice)) {
        status = WK_EXIT_FAILED;
        if (wk_recording_source_init(&source, &recording, &choice) == WK_OK) {
            source.info.nominal_mv = (int32_t)lrint(options->nominal_v * 1e3);
            source.info.nominal_uhz = options->fnom_hz > 0
                                          ? (int32_t)lrint(options->fnom_hz * 1e6)
                                          : source.info.nominal_uhz;
            status = run_chain(&source, options);
        } else {
            fprintf(stderr, "wk measure: %s: no channel is in V or A\n", options->path);
        }
    }
    wk_recording_free(&recording);
    return status;
}

static bool take_number(const char *option, const char *text, double least, double most,
                        double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (*text == 0 || *end != 0 || !(*value >= least && *value <= most)) {
        fprintf(stderr, "wk measure: %s: must be a number from %g to %g, not \"%s\"\n", option,
                least, most, text);
        return false;
    }
    return true;
}

static bool take_option(struct options *options, int option)
{
    switch (option) {
    case 'u':
        options->u = optarg;
        return true;
    case 'i':
        options->i = optarg;
        return true;
    case 'n':
        return take_number("--nominal", optarg, 1, 2e6, &options->nominal_v);
    case 'f':
        return take_number("--fnom", optarg, 50, 60, &options->fnom_hz);
    case 'j':
        options->json = true;
        return true;
    case 'd':
        options->dc = strcmp(optarg, "keep") == 0 ? WK_QUANTITY_DC_KEEP : WK_QUANTITY_DC_BLOCK;
        if (strcmp(optarg, "keep") != 0 && strcmp(optarg, "block") != 0) {
            fprintf(stderr, "wk measure: --dc: must be block or keep, not \"%s\"\n", optarg);
            return false;
        }
        return true;
    default:
        return false;
    }
}

int wk_measure_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"u", required_argument, NULL, 'u'},       {"i", required_argument, NULL, 'i'},
        {"nominal", required_argument, NULL, 'n'}, {"fnom", required_argument, NULL, 'f'},
        {"dc", required_argument, NULL, 'd'},      {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
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
    if (optind != argc - 1) {
        fputs("wk measure: give one FILE; `wk help measure` explains\n", stderr);
        return WK_EXIT_USAGE;
    }
    options.path = argv[optind];
    return measure(&options);
}
