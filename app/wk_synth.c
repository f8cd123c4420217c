/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/wk.h"
#include "port/linux/comtrade_write.h"

#define TURN           6.283185307179586476925
#define HARMONICS_MOST 32

static const char k_help[] =
    "usage: wk synth OUT.cfg [OPTION...]\n\n"
    "Writes OUT.cfg and OUT.dat with voltages U1.. and currents I1.. whose P, Q, U and I are\n"
    "known in closed form.\n\n"
    "  --form F            ascii, binary, binary32, float32 (default binary32)\n"
    "  --rate HZ           samples per second (default 8000)\n"
    "  --duration S        (default 10)\n"
    "  --f HZ              fundamental (default 50)\n"
    "  --phases 1|3        (default 3)\n"
    "  --u V --i A         rms of the fundamentals (default 230 and 5)\n"
    "  --phi DEG           by which the current lags (default 0)\n"
    "  --harmonic-u H:PERCENT:DEG   a harmonic of order H; may be repeated\n"
    "  --harmonic-i H:PERCENT:DEG   likewise of the current; DEG is of its cosine at the "
    "start\n"
    "  --dc-u V --dc-i A   constant parts\n"
    "  --dip T:SECONDS:PERCENT      from T on all voltages have PERCENT of their value\n"
    "  --noise PERCENT     white noise, of the rms of the fundamental\n"
    "  --seed N            of the noise (default 1)\n";

/* Three numbers of an option: a harmonic is order, percent, degrees; a dip is begin and length
 * in seconds, and the percentage that is left. */
struct triple {
    double first;
    double second;
    double third;
};

struct side {
    double rms;
    double dc;
    size_t harmonics;
    struct triple harmonic[HARMONICS_MOST];
};

struct synth {
    const char *path;
    wk_comtrade_form form;
    double rate_hz;
    double duration_s;
    double f_hz;
    double phases;
    double phi_deg;
    double noise_percent;
    double seed;
    bool dips;
    struct triple dip;
    struct side u;
    struct side i;
};

/* ---- the signal -------------------------------------------------------------------------- */

/* splitmix64, and the sum of twelve of its numbers as a normal variable. */
static double noise(uint64_t *state)
{
    double sum = -6;
    for (int k = 0; k < 12; k++) {
        *state += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t z = *state;
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        sum += (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
    }
    return sum;
}

static double value_of(const struct synth *synth, const struct side *side, double lag_deg,
                       int phase, double t_s)
{
    const double turns = synth->f_hz * t_s - phase / 3.0;
    double value = cos(TURN * (turns - lag_deg / 360));
    for (size_t h = 0; h < side->harmonics; h++) {
        const struct triple *harmonic = &side->harmonic[h];
        value += harmonic->second / 100 *
                 cos(TURN * (harmonic->first * turns + harmonic->third / 360));
    }
    return value * side->rms * sqrt(2);
}

static void fill_channel(const struct synth *synth, const struct side *side, double lag_deg,
                         struct wk_recording_channel *channel, size_t frames)
{
    uint64_t state = (uint64_t)synth->seed * 64 + channel->phase * 2U +
                     (channel->quantity == WK_HAL_VOLTAGE ? 0 : 1);
    const bool voltage = channel->quantity == WK_HAL_VOLTAGE;
    for (size_t n = 0; n < frames; n++) {
        const double t_s = (double)n / synth->rate_hz;
        const bool dips = voltage && synth->dips && t_s >= synth->dip.first &&
                          t_s < synth->dip.first + synth->dip.second;
        channel->value[n] = value_of(synth, side, lag_deg, channel->phase, t_s) *
                                (dips ? synth->dip.third / 100 : 1) +
                            side->dc;
        if (synth->noise_percent > 0) {
            channel->value[n] += noise(&state) * side->rms * synth->noise_percent / 100;
        }
    }
}

static wk_err fill(const struct synth *synth, struct wk_recording *recording)
{
    const size_t phases = synth->phases == 1 ? 1 : 3;
    const size_t frames = (size_t)llrint(synth->rate_hz * synth->duration_s);
    WK_TRY(wk_recording_alloc(recording, 2 * phases));
    WK_TRY(wk_recording_alloc_values(recording, frames));
    recording->rate_uhz = llrint(synth->rate_hz * 1e6);
    recording->nominal_uhz = synth->f_hz < 55 ? 50000000 : 60000000;
    for (size_t c = 0; c < 2 * phases; c++) {
        struct wk_recording_channel *channel = &recording->channel[c];
        const bool voltage = c < phases;
        channel->quantity = voltage ? WK_HAL_VOLTAGE : WK_HAL_CURRENT;
        channel->phase = (uint8_t)(c % phases);
        snprintf(channel->name, sizeof channel->name, "%c%d", voltage ? 'U' : 'I',
                 channel->phase + 1);
        fill_channel(synth, voltage ? &synth->u : &synth->i, voltage ? 0 : synth->phi_deg,
                     channel, frames);
    }
    return WK_OK;
}

/* ---- options ----------------------------------------------------------------------------- */

static bool wrong(const char *name, const char *text, const char *must)
{
    fprintf(stderr, "wk synth: --%s: must be %s, not \"%s\"\n", name, must, text);
    return false;
}

static bool take_triple(const char *name, const char *text, struct triple *triple)
{
    char end;
    if (sscanf(text, "%lf:%lf:%lf%c", &triple->first, &triple->second, &triple->third, &end) !=
            3 ||
        !isfinite(triple->first) || !isfinite(triple->second) || !isfinite(triple->third)) {
        return wrong(name, text, "three numbers like 5:10:0");
    }
    return true;
}

static bool take_harmonic(const char *name, const char *text, struct side *side)
{
    if (side->harmonics == HARMONICS_MOST) {
        return wrong(name, text, "given at most 32 times");
    }
    return take_triple(name, text, &side->harmonic[side->harmonics++]);
}

static bool take_form(const char *text, wk_comtrade_form *form)
{
    static const char *const k_names[] = {"ascii", "binary", "binary32", "float32"};
    for (size_t f = 0; f < 4; f++) {
        if (strcmp(text, k_names[f]) == 0) {
            *form = (wk_comtrade_form)f;
            return true;
        }
    }
    return wrong("form", text, "ascii, binary, binary32 or float32");
}

/* Options that are one number within a range. */
static bool take_number(struct synth *synth, const char *name, const char *text)
{
    const struct {
        const char *name;
        double *value;
        double least;
        double most;
        const char *must;
    } k_numbers[] = {
        {"rate", &synth->rate_hz, 100, 1e6, "100 to 1000000"},
        {"duration", &synth->duration_s, 0.001, 1e5, "0.001 to 100000"},
        {"f", &synth->f_hz, 1, 1e4, "1 to 10000"},
        {"phases", &synth->phases, 1, 3, "1 or 3"},
        {"u", &synth->u.rms, 0, 1e6, "0 to 1000000"},
        {"i", &synth->i.rms, 0, 1e6, "0 to 1000000"},
        {"phi", &synth->phi_deg, -360, 360, "-360 to 360"},
        {"dc-u", &synth->u.dc, -1e6, 1e6, "a number"},
        {"dc-i", &synth->i.dc, -1e6, 1e6, "a number"},
        {"noise", &synth->noise_percent, 0, 100, "0 to 100"},
        {"seed", &synth->seed, 0, 4294967295.0, "0 to 4294967295"},
    };
    for (size_t k = 0; k < sizeof k_numbers / sizeof k_numbers[0]; k++) {
        if (strcmp(name, k_numbers[k].name) != 0) {
            continue;
        }
        char *end;
        const double value = strtod(text, &end);
        const bool whole = strcmp(name, "phases") != 0 || value == 1 || value == 3;
        if (*text == 0 || *end != 0 || !whole ||
            !(value >= k_numbers[k].least && value <= k_numbers[k].most)) {
            return wrong(name, text, k_numbers[k].must);
        }
        *k_numbers[k].value = value;
    }
    return true;
}

static bool take_option(struct synth *synth, const char *name, const char *text)
{
    if (strcmp(name, "form") == 0) {
        return take_form(text, &synth->form);
    }
    if (strcmp(name, "harmonic-u") == 0) {
        return take_harmonic(name, text, &synth->u);
    }
    if (strcmp(name, "harmonic-i") == 0) {
        return take_harmonic(name, text, &synth->i);
    }
    if (strcmp(name, "dip") == 0) {
        synth->dips = true;
        return take_triple(name, text, &synth->dip);
    }
    return take_number(synth, name, text);
}

static int write_signal(const struct synth *synth)
{
    struct wk_recording recording = {0};
    struct wk_recording_fault fault = {"no memory for so many samples"};
    wk_err err = fill(synth, &recording);
    if (err == WK_OK) {
        err = wk_comtrade_write(&recording, synth->path, synth->form, &fault);
    }
    wk_recording_free(&recording);
    if (err != WK_OK) {
        fprintf(stderr, "wk synth: %s\n", fault.text);
        return WK_EXIT_FAILED;
    }
    return WK_EXIT_OK;
}

int wk_synth_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"help", no_argument, NULL, 'h'},
#define OPTION(name) {name, required_argument, NULL, 'x'}
        OPTION("form"),
        OPTION("rate"),
        OPTION("duration"),
        OPTION("f"),
        OPTION("phases"),
        OPTION("u"),
        OPTION("i"),
        OPTION("phi"),
        OPTION("harmonic-u"),
        OPTION("harmonic-i"),
        OPTION("dc-u"),
        OPTION("dc-i"),
        OPTION("dip"),
        OPTION("noise"),
        OPTION("seed"),
#undef OPTION
        {NULL, 0, NULL, 0},
    };
    struct synth synth = {
        .form = WK_COMTRADE_BINARY32,
        .rate_hz = 8000,
        .duration_s = 10,
        .f_hz = 50,
        .phases = 3,
        .seed = 1,
        .u.rms = 230,
        .i.rms = 5,
    };
    int at = 0;
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", k_options, &at)) != -1) {
        if (option == 'h') {
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        }
        if (option != 'x' || !take_option(&synth, k_options[at].name, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (optind != argc - 1) {
        fputs("wk synth: give one file OUT.cfg; `wk help synth` explains\n", stderr);
        return WK_EXIT_USAGE;
    }
    synth.path = argv[optind];
    return write_signal(&synth);
}
