/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/comtrade_write.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/civil.h"

#define PATH_ROOM 4096

static const struct {
    const char *name;
    double range; /* of the integers; 0 = the values themselves */
} k_forms[] = {
    [WK_COMTRADE_ASCII] = {"ASCII", 8388607},
    [WK_COMTRADE_BINARY] = {"BINARY", 32767},
    [WK_COMTRADE_BINARY32] = {"BINARY32", 1073741823},
    [WK_COMTRADE_FLOAT32] = {"FLOAT32", 0},
};

static double largest_of(const struct wk_recording *recording, size_t channel)
{
    double largest = 0;
    for (size_t n = 0; n < recording->frames; n++) {
        largest = fmax(largest, fabs(recording->channel[channel].value[n]));
    }
    return largest;
}

static void write_time(FILE *file, int64_t us)
{
    struct wk_civil civil;
    const struct wk_utc utc = {us / 1000000};
    if (wk_civil_from_utc(&wk_zone_utc, utc, &civil) != WK_OK) {
        civil = (struct wk_civil){.year = 1970, .month = 1, .day = 1};
    }
    fprintf(file, "%02u/%02u/%04u,%02u:%02u:%02u.%06d\r\n", civil.day, civil.month, civil.year,
            civil.hour, civil.minute, civil.second, (int)(us % 1000000));
}

static void write_cfg(FILE *file, const struct wk_recording *recording, wk_comtrade_form form,
                      const double *scale)
{
    static const char *const k_phases[] = {"A", "B", "C", "N"};
    const double range = k_forms[form].range;
    fprintf(file, "Wattkeeper,synth,2013\r\n%zu,%zuA,0D\r\n", recording->channels,
            recording->channels);
    for (size_t c = 0; c < recording->channels; c++) {
        const struct wk_recording_channel *channel = &recording->channel[c];
        fprintf(file, "%zu,%s,%s,,%s,%.17g,0,%g,%.0f,%.0f,1,1,P\r\n", c + 1, channel->name,
                channel->phase <= 3 ? k_phases[channel->phase] : "",
                channel->quantity == WK_HAL_VOLTAGE ? "V" : "A", scale[c],
                channel->delay_ns / 1e3, range > 0 ? -range : -99999999.0,
                range > 0 ? range : 99999999.0);
    }
    fprintf(file, "%d\r\n1\r\n%.6f,%zu\r\n", recording->nominal_uhz / 1000000,
            (double)recording->rate_uhz / 1e6, recording->frames);
    write_time(file, recording->start_us);
    write_time(file, recording->start_us);
    fprintf(file, "%s\r\n1\r\n0,0\r\n0,0\r\n", k_forms[form].name);
}

static void write_value(FILE *file, wk_comtrade_form form, double raw)
{
    uint8_t room[4];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    uint32_t bits;
    if (form == WK_COMTRADE_FLOAT32) {
        const float value = (float)raw;
        memcpy(&bits, &value, sizeof bits);
        wk_bytes_out_u32le(&out, bits);
    } else if (form == WK_COMTRADE_BINARY32) {
        wk_bytes_out_u32le(&out, (uint32_t)(int32_t)lrint(raw));
    } else {
        wk_bytes_out_u16le(&out, (uint16_t)(int16_t)lrint(raw));
    }
    fwrite(room, 1, out.size, file);
}

static void write_frame(FILE *file, const struct wk_recording *recording, wk_comtrade_form form,
                        const double *scale, size_t n)
{
    const double us = (double)n / ((double)recording->rate_uhz / 1e12);
    /* the time column has 32 bits: it wraps, readers go by the sample number */
    const uint32_t time = (uint32_t)(uint64_t)llrint(us);
    if (form == WK_COMTRADE_ASCII) {
        fprintf(file, "%zu,%u", n + 1, time);
        for (size_t c = 0; c < recording->channels; c++) {
            fprintf(file, ",%ld", lrint(recording->channel[c].value[n] / scale[c]));
        }
        fputs("\r\n", file);
        return;
    }
    uint8_t room[8];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_bytes_out_u32le(&out, (uint32_t)(n + 1));
    wk_bytes_out_u32le(&out, time);
    fwrite(room, 1, out.size, file);
    for (size_t c = 0; c < recording->channels; c++) {
        write_value(file, form, recording->channel[c].value[n] / scale[c]);
    }
}

static FILE *open_file(const char *path, struct wk_recording_fault *fault)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        wk_recording_blame(fault, "%s: %s", path, strerror(errno));
    }
    return file;
}

static wk_err close_file(FILE *file, const char *path, struct wk_recording_fault *fault)
{
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) {
        wk_recording_blame(fault, "%s: cannot be written: %s", path, strerror(errno));
        return WK_E_IO;
    }
    return WK_OK;
}

static wk_err write_both(const struct wk_recording *recording, const char *path,
                         wk_comtrade_form form, const double *scale,
                         struct wk_recording_fault *fault)
{
    char dat[PATH_ROOM];
    snprintf(dat, sizeof dat, "%.*s.dat", (int)(strlen(path) - 4), path);
    FILE *file = open_file(path, fault);
    if (file == NULL) {
        return WK_E_IO;
    }
    write_cfg(file, recording, form, scale);
    WK_TRY(close_file(file, path, fault));
    file = open_file(dat, fault);
    if (file == NULL) {
        return WK_E_IO;
    }
    for (size_t n = 0; n < recording->frames; n++) {
        write_frame(file, recording, form, scale, n);
    }
    return close_file(file, dat, fault);
}

wk_err wk_comtrade_write(const struct wk_recording *recording, const char *path,
                         wk_comtrade_form form, struct wk_recording_fault *fault)
{
    const size_t length = strlen(path);
    if (length < 5 || length >= PATH_ROOM || strcmp(path + length - 4, ".cfg") != 0) {
        wk_recording_blame(fault, "%s: the name must end in .cfg", path);
        return WK_E_ARGUMENT;
    }
    double *scale = calloc(recording->channels, sizeof *scale);
    if (scale == NULL) {
        wk_recording_blame(fault, "%s: no memory", path);
        return WK_E_FULL;
    }
    for (size_t c = 0; c < recording->channels; c++) {
        const double largest = largest_of(recording, c);
        const bool plain = k_forms[form].range == 0 || largest == 0;
        scale[c] = plain ? 1 : largest / k_forms[form].range;
    }
    const wk_err err = write_both(recording, path, form, scale, fault);
    free(scale);
    return err;
}
