/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/comtrade_write.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/civil.h"

#define PATH_ROOM  4096
#define MISSING_16 UINT16_C(0x8000) /* "no sample" */
#define MISSING_32 UINT32_C(0x80000000)

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

/* What is written: the values are scale * raw. */
struct job {
    const struct wk_recording *recording;
    wk_comtrade_form form;
    double *scale;
    const char *path;
    bool single; /* a .cff */
};

static void write_cfg(FILE *file, const struct job *job)
{
    static const char *const k_phases[] = {"A", "B", "C", "N"};
    const struct wk_recording *recording = job->recording;
    const double range = k_forms[job->form].range;
    fprintf(file, "Wattkeeper,meter,2013\r\n%zu,%zuA,0D\r\n", recording->channels,
            recording->channels);
    for (size_t c = 0; c < recording->channels; c++) {
        const struct wk_recording_channel *channel = &recording->channel[c];
        fprintf(file, "%zu,%s,%s,,%s,%.17g,0,%g,%.0f,%.0f,1,1,P\r\n", c + 1, channel->name,
                channel->phase <= 3 ? k_phases[channel->phase] : "",
                channel->quantity == WK_HAL_VOLTAGE ? "V" : "A", job->scale[c],
                channel->delay_ns / 1e3, range > 0 ? -range : -99999999.0,
                range > 0 ? range : 99999999.0);
    }
    fprintf(file, "%d\r\n1\r\n%.6f,%zu\r\n", recording->nominal_uhz / 1000000,
            (double)recording->rate_uhz / 1e6, recording->frames);
    write_time(file, recording->start_us);
    write_time(file, recording->trigger_us != 0 ? recording->trigger_us : recording->start_us);
    fprintf(file, "%s\r\n1\r\n0,0\r\n0,0\r\n", k_forms[job->form].name);
}

static void write_value(FILE *file, wk_comtrade_form form, double raw)
{
    uint8_t room[4];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    uint32_t bits;
    if (form == WK_COMTRADE_FLOAT32) {
        const float value = isnan(raw) ? -FLT_MAX : (float)raw;
        memcpy(&bits, &value, sizeof bits);
        wk_bytes_out_u32le(&out, bits);
    } else if (form == WK_COMTRADE_BINARY32) {
        wk_bytes_out_u32le(&out, isnan(raw) ? MISSING_32 : (uint32_t)(int32_t)lrint(raw));
    } else {
        wk_bytes_out_u16le(&out, isnan(raw) ? MISSING_16 : (uint16_t)(int16_t)lrint(raw));
    }
    fwrite(room, 1, out.size, file);
}

static void write_frame(FILE *file, const struct job *job, size_t n)
{
    const struct wk_recording *recording = job->recording;
    const double us = (double)n / ((double)recording->rate_uhz / 1e12);
    /* the time column has 32 bits: it wraps, readers go by the sample number */
    const uint32_t time = (uint32_t)(uint64_t)llrint(us);
    if (job->form == WK_COMTRADE_ASCII) {
        fprintf(file, "%zu,%u", n + 1, time);
        for (size_t c = 0; c < recording->channels; c++) {
            const double value = recording->channel[c].value[n];
            fputc(',', file);
            if (!isnan(value)) {
                fprintf(file, "%ld", lrint(value / job->scale[c]));
            }
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
        write_value(file, job->form, recording->channel[c].value[n] / job->scale[c]);
    }
}

static void write_frames(FILE *file, const struct job *job)
{
    for (size_t n = 0; n < job->recording->frames; n++) {
        write_frame(file, job, n);
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

/* IEEE C37.111-2013, annex on CFF: the parts in this order, the binary data last and with their
 * size in octets. */
static wk_err write_single(const struct job *job, struct wk_recording_fault *fault)
{
    const char *const form = k_forms[job->form].name;
    const size_t width = job->form == WK_COMTRADE_BINARY ? 2 : 4;
    FILE *file = open_file(job->path, fault);
    if (file == NULL) {
        return WK_E_IO;
    }
    fputs("--- file type: CFG ---\r\n", file);
    write_cfg(file, job);
    fputs("--- file type: INF ---\r\n--- file type: HDR ---\r\n", file);
    if (job->form == WK_COMTRADE_ASCII) {
        fprintf(file, "--- file type: DAT %s ---\r\n", form);
    } else {
        const size_t size = job->recording->frames * (8 + job->recording->channels * width);
        fprintf(file, "--- file type: DAT %s: %zu ---\r\n", form, size);
    }
    write_frames(file, job);
    return close_file(file, job->path, fault);
}

static wk_err write_pair(const struct job *job, struct wk_recording_fault *fault)
{
    char dat[PATH_ROOM];
    snprintf(dat, sizeof dat, "%.*s.dat", (int)(strlen(job->path) - 4), job->path);
    FILE *file = open_file(job->path, fault);
    if (file == NULL) {
        return WK_E_IO;
    }
    write_cfg(file, job);
    WK_TRY(close_file(file, job->path, fault));
    file = open_file(dat, fault);
    if (file == NULL) {
        return WK_E_IO;
    }
    write_frames(file, job);
    return close_file(file, dat, fault);
}

/* Sets up the job but for its scale, which is allocated. */
static wk_err begin_job(struct job *job, const struct wk_recording *recording, const char *path,
                        wk_comtrade_form form, struct wk_recording_fault *fault)
{
    const size_t length = strlen(path);
    const char *const ending = length < 5 || length >= PATH_ROOM ? "" : path + length - 4;
    *job = (struct job){
        .recording = recording,
        .form = form,
        .path = path,
        .single = strcmp(ending, ".cff") == 0,
    };
    if (!job->single && strcmp(ending, ".cfg") != 0) {
        wk_recording_blame(fault, "%s: the name must end in .cfg or .cff", path);
        return WK_E_ARGUMENT;
    }
    job->scale = calloc(recording->channels > 0 ? recording->channels : 1, sizeof *job->scale);
    if (job->scale == NULL) {
        wk_recording_blame(fault, "%s: no memory", path);
        return WK_E_FULL;
    }
    return WK_OK;
}

static wk_err run_job(struct job *job, struct wk_recording_fault *fault)
{
    const wk_err err = job->single ? write_single(job, fault) : write_pair(job, fault);
    free(job->scale);
    return err;
}

wk_err wk_comtrade_write(const struct wk_recording *recording, const char *path,
                         wk_comtrade_form form, struct wk_recording_fault *fault)
{
    struct job job;
    WK_TRY(begin_job(&job, recording, path, form, fault));
    for (size_t c = 0; c < recording->channels; c++) {
        const double largest = largest_of(recording, c);
        const bool plain = k_forms[form].range == 0 || largest == 0;
        job.scale[c] = plain ? 1 : largest / k_forms[form].range;
    }
    return run_job(&job, fault);
}

/* ---- counts of a front end --------------------------------------------------------------- */

static double gain_of(const struct wk_hal_channel *channel)
{
    return channel->gain.mantissa * pow(10, channel->gain.exponent);
}

static void fill_channel(struct wk_recording *recording, size_t c,
                         const struct wk_comtrade_feed *feed, size_t from)
{
    const struct wk_hal_channel *info = &feed->info->channel[from];
    struct wk_recording_channel *channel = &recording->channel[c];
    const double gain = gain_of(info);
    snprintf(channel->name, sizeof channel->name, "%.*s", WK_HAL_NAME, info->name);
    if (channel->name[0] == 0) {
        snprintf(channel->name, sizeof channel->name, "%c%c",
                 info->quantity == WK_HAL_VOLTAGE ? 'U' : 'I',
                 info->phase < 3 ? '1' + info->phase : 'N');
    }
    channel->quantity = info->quantity;
    channel->phase = info->phase;
    channel->delay_ns = info->delay_ns;
    for (size_t n = 0; n < feed->frames; n++) {
        const int32_t count = feed->counts[n * feed->info->channels + from];
        channel->value[n] =
            count == WK_HAL_NO_COUNT ? (double)NAN : ((double)count - info->offset) * gain;
    }
}

static size_t used_channels(const struct wk_hal_frontend_info *info)
{
    size_t used = 0;
    for (size_t c = 0; c < info->channels; c++) {
        used += info->channel[c].quantity != WK_HAL_UNUSED ? 1 : 0;
    }
    return used;
}

static wk_err write_filled(const struct wk_comtrade_feed *feed, struct wk_recording *recording,
                           const char *path, struct wk_recording_fault *fault)
{
    struct job job;
    size_t c = 0;
    WK_TRY(begin_job(&job, recording, path, WK_COMTRADE_BINARY32, fault));
    for (size_t from = 0; from < feed->info->channels; from++) {
        if (feed->info->channel[from].quantity != WK_HAL_UNUSED) {
            fill_channel(recording, c, feed, from);
            job.scale[c] = gain_of(&feed->info->channel[from]);
            c++;
        }
    }
    return run_job(&job, fault);
}

wk_err wk_comtrade_write_feed(const struct wk_comtrade_feed *feed, const char *path,
                              struct wk_recording_fault *fault)
{
    struct wk_recording recording = {0};
    const size_t used = used_channels(feed->info);
    if (used == 0 || feed->frames == 0) {
        wk_recording_blame(fault, "%s: there is nothing to write", path);
        return WK_E_ARGUMENT;
    }
    wk_err err = wk_recording_alloc(&recording, used);
    err = err == WK_OK ? wk_recording_alloc_values(&recording, feed->frames) : err;
    if (err == WK_OK) {
        recording.rate_uhz = feed->info->rate_uhz;
        recording.nominal_uhz = feed->info->nominal_uhz;
        recording.start_us = feed->start_us;
        recording.trigger_us = feed->trigger_us;
        err = write_filled(feed, &recording, path, fault);
    } else {
        wk_recording_blame(fault, "%s: no memory for %zu samples", path, feed->frames);
    }
    wk_recording_free(&recording);
    return err;
}
