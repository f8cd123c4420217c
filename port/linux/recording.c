/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/recording.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "port/linux/comtrade.h"
#include "port/linux/csv.h"
#include "port/linux/text.h"
#include "port/linux/wav.h"

#define VALUES_MOST    ((size_t)1 << 28) /* over all channels: 2 GiB */
#define COUNTS_LARGEST 8388608.0         /* 2^23: one bit is left for the sum of noise */
#define MANTISSA_MOST  2147483647.0

wk_err wk_recording_blame(struct wk_recording_fault *fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    return WK_E_FORMAT;
}

/* ---- memory and files -------------------------------------------------------------------- */

wk_err wk_recording_alloc(struct wk_recording *recording, size_t channels)
{
    if (channels == 0 || channels > WK_RECORDING_CHANNELS) {
        return WK_E_RANGE;
    }
    recording->channel = calloc(channels, sizeof *recording->channel);
    if (recording->channel == NULL) {
        return WK_E_FULL;
    }
    recording->channels = channels;
    return WK_OK;
}

wk_err wk_recording_alloc_values(struct wk_recording *recording, size_t frames)
{
    if (frames == 0 || frames > VALUES_MOST / recording->channels) {
        return WK_E_RANGE;
    }
    for (size_t c = 0; c < recording->channels; c++) {
        recording->channel[c].value = calloc(frames, sizeof(double));
        if (recording->channel[c].value == NULL) {
            return WK_E_FULL;
        }
    }
    recording->frames = frames;
    return WK_OK;
}

void wk_recording_put(struct wk_recording *recording, size_t channel, size_t frame,
                      double value)
{
    const bool none = !isfinite(value);
    recording->channel[channel].value[frame] = none ? (double)NAN : value;
    recording->missing += none ? 1 : 0;
}

void wk_recording_free(struct wk_recording *recording)
{
    for (size_t c = 0; c < recording->channels; c++) {
        free(recording->channel[c].value);
    }
    free(recording->channel);
    *recording = (struct wk_recording){0};
}

static wk_err load_open(FILE *file, const char *path, char **data, size_t *size,
                        struct wk_recording_fault *fault)
{
    struct stat about;
    if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode)) {
        wk_recording_blame(fault, "%s: not a file that can be read", path);
        return WK_E_IO;
    }
    if (about.st_size > (off_t)WK_RECORDING_FILE) {
        wk_recording_blame(fault, "%s: larger than 1 GiB", path);
        return WK_E_RANGE;
    }
    *size = (size_t)about.st_size;
    *data = malloc(*size + 1);
    if (*data == NULL) {
        wk_recording_blame(fault, "%s: no memory for %zu octets", path, *size);
        return WK_E_FULL;
    }
    if (fread(*data, 1, *size, file) != *size) {
        free(*data);
        wk_recording_blame(fault, "%s: cannot be read to its end", path);
        return WK_E_IO;
    }
    (*data)[*size] = 0;
    return WK_OK;
}

wk_err wk_recording_load(const char *path, char **data, size_t *size,
                         struct wk_recording_fault *fault)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        const int reason = errno;
        wk_recording_blame(fault, "%s: %s", path, strerror(reason));
        return reason == ENOENT ? WK_E_NOT_FOUND : WK_E_IO;
    }
    const wk_err err = load_open(file, path, data, size, fault);
    fclose(file);
    return err;
}

wk_err wk_recording_open(struct wk_recording *recording, const char *path,
                         struct wk_recording_fault *fault)
{
    static const struct {
        const char *ending;
        wk_err (*read)(struct wk_recording *recording, const char *path,
                       struct wk_recording_fault *fault);
    } k_readers[] = {
        {".cfg", wk_comtrade_read},
        {".cff", wk_comtrade_read_cff},
        {".csv", wk_csv_read},
        {".wav", wk_wav_read},
    };
    *recording = (struct wk_recording){0};
    const char *dot = strrchr(path, '.');
    for (size_t r = 0; dot != NULL && r < sizeof k_readers / sizeof k_readers[0]; r++) {
        if (strcasecmp(dot, k_readers[r].ending) != 0) {
            continue;
        }
        const wk_err err = k_readers[r].read(recording, path, fault);
        if (err != WK_OK) {
            wk_recording_free(recording);
        }
        return err;
    }
    wk_recording_blame(fault, "%s: the name must end in .cfg, .cff, .csv or .wav", path);
    return WK_E_UNSUPPORTED;
}

/* ---- units and phases -------------------------------------------------------------------- */

wk_hal_quantity wk_recording_unit(const char *unit, double *factor)
{
    static const struct {
        const char *unit;
        wk_hal_quantity quantity;
        double factor;
    } k_units[] = {
        {"V", WK_HAL_VOLTAGE, 1},       {"kV", WK_HAL_VOLTAGE, 1e3},
        {"mV", WK_HAL_VOLTAGE, 1e-3},   {"MV", WK_HAL_VOLTAGE, 1e6},
        {"uV", WK_HAL_VOLTAGE, 1e-6},   {"A", WK_HAL_CURRENT, 1},
        {"kA", WK_HAL_CURRENT, 1e3},    {"mA", WK_HAL_CURRENT, 1e-3},
        {"uA", WK_HAL_CURRENT, 1e-6},   {"volt", WK_HAL_VOLTAGE, 1},
        {"volts", WK_HAL_VOLTAGE, 1},   {"ampere", WK_HAL_CURRENT, 1},
        {"amperes", WK_HAL_CURRENT, 1}, {"amp", WK_HAL_CURRENT, 1},
        {"amps", WK_HAL_CURRENT, 1},
    };
    const size_t count = sizeof k_units / sizeof k_units[0];
    *factor = 1;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(unit, k_units[i].unit) == 0) {
            *factor = k_units[i].factor;
            return k_units[i].quantity;
        }
    }
    /* milli and mega differ by case only: anything else may be written either way */
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(unit, k_units[i].unit) == 0 && tolower((unsigned char)unit[0]) != 'm') {
            *factor = k_units[i].factor;
            return k_units[i].quantity;
        }
    }
    return WK_HAL_UNUSED;
}

uint8_t wk_recording_phase(const char *designation)
{
    static const char k_letters[] = "ABCNRST";
    static const uint8_t k_letter_phase[] = {0, 1, 2, 3, 0, 1, 2};
    const char *at = designation;
    while (*at != 0 && strchr("UVILuvil", *at) != NULL) {
        at++;
    }
    const char after = *at != 0 ? at[1] : 0;
    if (*at == 0 || isalnum((unsigned char)after)) {
        return WK_RECORDING_NO_PHASE;
    }
    if (*at >= '1' && *at <= '4') {
        return (uint8_t)(*at - '1');
    }
    const char *letter = strchr(k_letters, toupper((unsigned char)*at));
    return letter != NULL ? k_letter_phase[letter - k_letters] : WK_RECORDING_NO_PHASE;
}

/* ---- choice of channels ------------------------------------------------------------------ */

int wk_recording_find(const struct wk_recording *recording, const char *name)
{
    for (size_t c = 0; c < recording->channels; c++) {
        if (strcmp(recording->channel[c].name, name) == 0) {
            return (int)c;
        }
    }
    for (size_t c = 0; c < recording->channels; c++) {
        if (strcasecmp(recording->channel[c].name, name) == 0) {
            return (int)c;
        }
    }
    char *end;
    const long number = strtol(name, &end, 10);
    const bool is_number = *name != 0 && *end == 0;
    return is_number && number >= 1 && number <= (long)recording->channels ? (int)number - 1
                                                                           : -1;
}

struct wk_recording_choice wk_recording_choose(const struct wk_recording *recording)
{
    struct wk_recording_choice choice = {{-1, -1, -1, -1}, {-1, -1, -1, -1}};
    for (size_t c = 0; c < recording->channels; c++) {
        const struct wk_recording_channel *channel = &recording->channel[c];
        if (channel->quantity == WK_HAL_UNUSED) {
            continue;
        }
        int *slot = channel->quantity == WK_HAL_VOLTAGE ? choice.u : choice.i;
        uint8_t phase = channel->phase;
        for (uint8_t p = 0; phase == WK_RECORDING_NO_PHASE && p < 3; p++) {
            phase = slot[p] < 0 ? p : phase;
        }
        if (phase <= 3 && slot[phase] < 0) {
            slot[phase] = (int)c;
        }
    }
    return choice;
}

static wk_err pick_one(const struct wk_recording *recording, const char *name,
                       wk_hal_quantity quantity, int *index, struct wk_recording_fault *fault)
{
    *index = -1;
    if (strcmp(name, "-") == 0) {
        return WK_OK;
    }
    const int found = wk_recording_find(recording, name);
    if (found < 0) {
        wk_recording_blame(fault, "there is no channel \"%s\"", name);
        return WK_E_ARGUMENT;
    }
    if (recording->channel[found].quantity != quantity) {
        wk_recording_blame(fault, "channel \"%s\" is not a %s: its unit is \"%s\"", name,
                           quantity == WK_HAL_VOLTAGE ? "voltage" : "current",
                           recording->channel[found].unit);
        return WK_E_ARGUMENT;
    }
    *index = found;
    return WK_OK;
}

wk_err wk_recording_pick(const struct wk_recording *recording, const char *list,
                         wk_hal_quantity quantity, int index[4],
                         struct wk_recording_fault *fault)
{
    int picked[4] = {-1, -1, -1, -1};
    struct wk_text_span rest = {list, strlen(list)};
    struct wk_text_span field = {NULL, 0};
    for (int count = 0; wk_text_field(&rest, ',', &field); count++) {
        char name[WK_RECORDING_NAME];
        if (count == 4) {
            wk_recording_blame(fault, "\"%s\": at most L1,L2,L3,N can be given", list);
            return WK_E_ARGUMENT;
        }
        wk_text_copy(field, name, sizeof name);
        WK_TRY(pick_one(recording, name, quantity, &picked[count], fault));
    }
    memcpy(index, picked, sizeof picked);
    return WK_OK;
}

/* ---- front end --------------------------------------------------------------------------- */

struct wk_hal_gain wk_recording_gain(double largest)
{
    if (!(largest > 0)) {
        return (struct wk_hal_gain){.mantissa = 1000000000, .exponent = -9};
    }
    const double gain = largest / COUNTS_LARGEST;
    int exponent = (int)floor(log10(MANTISSA_MOST / gain));
    exponent = exponent > 24 ? 24 : exponent;
    const double mantissa = ceil(gain * pow(10, exponent));
    return (struct wk_hal_gain){
        .mantissa = mantissa >= 1 ? (int32_t)fmin(mantissa, MANTISSA_MOST) : 1,
        .exponent = (int8_t)-exponent,
    };
}

static wk_err source_read(void *self, int32_t *counts, size_t frames, size_t *got)
{
    struct wk_recording_source *source = self;
    const size_t left = source->recording->frames - source->at;
    *got = frames < left ? frames : left;
    for (size_t n = 0; n < *got; n++) {
        for (uint8_t c = 0; c < source->info.channels; c++) {
            const double value =
                source->recording->channel[source->index[c]].value[source->at + n];
            *counts++ =
                isnan(value) ? WK_HAL_NO_COUNT : (int32_t)lrint(value / source->gain[c]);
        }
    }
    source->at += *got;
    return WK_OK;
}

static wk_err add_channel(struct wk_recording_source *source, int index,
                          wk_hal_quantity quantity, uint8_t phase)
{
    if (index < 0) {
        return WK_OK;
    }
    const struct wk_recording_channel *channel = &source->recording->channel[index];
    if (channel->quantity != quantity) {
        return WK_E_ARGUMENT;
    }
    double largest = 0;
    for (size_t n = 0; n < source->recording->frames; n++) {
        largest = fmax(largest, fabs(channel->value[n]));
    }
    const uint8_t at = source->info.channels++;
    struct wk_hal_channel *info = &source->info.channel[at];
    *info = (struct wk_hal_channel){
        .quantity = quantity,
        .phase = phase,
        .gain = wk_recording_gain(largest),
        .delay_ns = channel->delay_ns,
    };
    snprintf(info->name, sizeof info->name, "%.15s", channel->name);
    source->index[at] = index;
    source->gain[at] = info->gain.mantissa * pow(10, info->gain.exponent);
    return WK_OK;
}

wk_err wk_recording_source_init(struct wk_recording_source *source,
                                const struct wk_recording *recording,
                                const struct wk_recording_choice *choice)
{
    *source = (struct wk_recording_source){.recording = recording};
    source->info.rate_uhz = recording->rate_uhz;
    source->info.start_us = recording->start_us;
    source->info.nominal_uhz = recording->nominal_uhz;
    for (uint8_t phase = 0; phase < 4; phase++) {
        WK_TRY(add_channel(source, choice->u[phase], WK_HAL_VOLTAGE, phase));
    }
    for (uint8_t phase = 0; phase < 4; phase++) {
        WK_TRY(add_channel(source, choice->i[phase], WK_HAL_CURRENT, phase));
    }
    source->frontend = (struct wk_hal_frontend){
        .self = source,
        .info = &source->info,
        .read = source_read,
    };
    return source->info.channels > 0 ? WK_OK : WK_E_ARGUMENT;
}
