/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/captures.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/recording.h"

#define US_PER_S   INT64_C(1000000)
#define US_UHZ     1e12 /* microseconds times micro-hertz in one sample */
#define PATH_MOST  1024
#define STAMP      19 /* "YYYYMMDDTHHMMSS.mmm" */
#define ENDING     ".cff"
#define UHZ_PER_HZ 1e6
#define NEUTRAL    3

/* ---- names ------------------------------------------------------------------------------- */

static bool is_stamp(const char *name)
{
    static const char k_form[] = "ddddddddTdddddd.ddd";
    for (int i = 0; i < STAMP; i++) {
        const bool good =
            k_form[i] == 'd' ? isdigit((unsigned char)name[i]) != 0 : name[i] == k_form[i];
        if (!good) {
            return false;
        }
    }
    return true;
}

static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool wk_captures_parse(const char *name, struct wk_captures_name *parsed)
{
    const size_t size = strnlen(name, WK_CAPTURES_NAME);
    const size_t ending = sizeof ENDING - 1;
    if (size >= WK_CAPTURES_NAME || size < STAMP + 2 + ending || !is_stamp(name) ||
        name[STAMP] != '-' || strcmp(name + size - ending, ENDING) != 0) {
        return false;
    }
    const size_t letters = size - ending - STAMP - 1;
    const char *event = name + STAMP + 1;
    for (size_t i = 0; i < letters; i++) {
        if (!islower((unsigned char)event[i]) && event[i] != '-') {
            return false;
        }
    }
    if (letters >= sizeof parsed->event) {
        return false;
    }
    struct tm utc = {
        .tm_year = digits(name, 4) - 1900,
        .tm_mon = digits(name + 4, 2) - 1,
        .tm_mday = digits(name + 6, 2),
        .tm_hour = digits(name + 9, 2),
        .tm_min = digits(name + 11, 2),
        .tm_sec = digits(name + 13, 2),
    };
    parsed->trigger_us = (int64_t)timegm(&utc) * US_PER_S + digits(name + 16, 3) * 1000;
    memcpy(parsed->event, event, letters);
    parsed->event[letters] = '\0';
    return true;
}

/* ---- files ------------------------------------------------------------------------------- */

static int is_capture(const struct dirent *entry)
{
    struct wk_captures_name parsed;
    return wk_captures_parse(entry->d_name, &parsed) ? 1 : 0;
}

static json_t *describe(const char *folder, const char *name)
{
    char path[PATH_MOST];
    struct stat status;
    struct wk_captures_name parsed;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!wk_captures_parse(name, &parsed) || lstat(path, &status) != 0 ||
        !S_ISREG(status.st_mode)) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:I, s:I}", "name", name, "event", parsed.event, "trigger_us",
                     (json_int_t)parsed.trigger_us, "size", (json_int_t)status.st_size);
}

json_t *wk_captures_list(const char *folder)
{
    struct dirent **entries = NULL;
    json_t *array = json_array();
    const int count = scandir(folder, &entries, is_capture, alphasort);
    for (int i = count - 1; i >= 0; i--) { /* names begin with the time */
        if (count - i <= WK_CAPTURES_MOST) {
            json_array_append_new(array, describe(folder, entries[i]->d_name));
        }
        free(entries[i]);
    }
    free(entries);
    return json_pack("{s:o}", "captures", array);
}

wk_err wk_captures_open(const char *folder, const char *name, int *file, uint64_t *size)
{
    char path[PATH_MOST];
    struct stat status;
    struct wk_captures_name parsed;
    if (!wk_captures_parse(name, &parsed)) {
        return WK_E_NOT_FOUND;
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*file < 0) {
        return errno == ENOENT || errno == ELOOP ? WK_E_NOT_FOUND : WK_E_IO;
    }
    if (fstat(*file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(*file);
        return WK_E_NOT_FOUND;
    }
    *size = (uint64_t)status.st_size;
    return WK_OK;
}

/* ---- waveforms --------------------------------------------------------------------------- */

struct span {
    size_t first;
    size_t end;  /* the frame behind the last */
    size_t step; /* frames in a piece */
};

/* Six digits; a missing sample is null. */
static json_t *point(double value)
{
    char text[32];
    if (!isfinite(value)) {
        return json_null();
    }
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

/* Least and largest of a piece, in the order in which they came. */
static void add_piece(json_t *array, const double *value, size_t first, size_t end)
{
    size_t least = first;
    size_t most = first;
    for (size_t n = first; n < end; n++) {
        if (!isfinite(value[n])) {
            least = n;
            most = n;
            break;
        }
        least = value[n] < value[least] ? n : least;
        most = value[n] > value[most] ? n : most;
    }
    json_array_append_new(array, point(value[least < most ? least : most]));
    json_array_append_new(array, point(value[least < most ? most : least]));
}

static json_t *points(const double *value, const struct span *span)
{
    json_t *array = json_array();
    for (size_t n = span->first; n < span->end; n += span->step) {
        const size_t end = n + span->step < span->end ? n + span->step : span->end;
        if (span->step == 1) {
            json_array_append_new(array, point(value[n]));
        } else {
            add_piece(array, value, n, end);
        }
    }
    return array;
}

static json_t *channels(const struct wk_recording *recording, const struct span *span)
{
    json_t *array = json_array();
    for (size_t c = 0; c < recording->channels; c++) {
        const struct wk_recording_channel *channel = &recording->channel[c];
        if (channel->quantity == WK_HAL_UNUSED) {
            continue;
        }
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:o, s:o}", "name", channel->name, "unit",
                             channel->quantity == WK_HAL_VOLTAGE ? "V" : "A", "phase",
                             channel->phase <= NEUTRAL ? json_integer(channel->phase + 1)
                                                       : json_null(),
                             "points", points(channel->value, span)));
    }
    return array;
}

static double frame_at(const struct wk_recording *recording, int64_t at_us)
{
    return (double)at_us * (double)recording->rate_uhz / US_UHZ;
}

static int64_t time_of_us(const struct wk_recording *recording, size_t frame)
{
    return llround((double)frame * US_UHZ / (double)recording->rate_uhz);
}

static bool choose(const struct wk_recording *recording, const struct wk_captures_part *part,
                   struct span *span)
{
    const double frames = (double)recording->frames;
    const double first = fmax(0, ceil(frame_at(recording, part->from_us)));
    const double end = fmin(frames, floor(frame_at(recording, part->to_us)) + 1);
    if (!(first < end)) {
        return false;
    }
    span->first = (size_t)first;
    span->end = (size_t)end;
    const size_t count = span->end - span->first;
    const size_t pieces = WK_CAPTURES_POINTS / 2;
    span->step = count <= WK_CAPTURES_POINTS ? 1 : (count + pieces - 1) / pieces;
    return true;
}

static json_t *waveform_of(const struct wk_recording *recording, const char *name,
                           const struct span *span)
{
    struct wk_captures_name parsed = {0};
    (void)wk_captures_parse(name, &parsed);
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:i, s:o}", "name", name,
                     "event", parsed.event, "start_us", (json_int_t)recording->start_us,
                     "trigger_us", (json_int_t)(recording->trigger_us - recording->start_us),
                     "length_us", (json_int_t)time_of_us(recording, recording->frames),
                     "from_us", (json_int_t)time_of_us(recording, span->first), "to_us",
                     (json_int_t)time_of_us(recording, span->end), "rate_hz",
                     (double)recording->rate_uhz / UHZ_PER_HZ, "frames_per_piece",
                     (int)span->step, "channels", channels(recording, span));
}

wk_err wk_captures_waveform(const char *folder, const char *name,
                            const struct wk_captures_part *part, json_t **waveform,
                            char why[WK_CAPTURES_WHY])
{
    char path[PATH_MOST];
    int file;
    uint64_t size;
    struct wk_recording recording;
    struct wk_recording_fault fault = {{0}};
    struct span span;
    snprintf(why, WK_CAPTURES_WHY, "there is no capture of this name");
    WK_TRY(wk_captures_open(folder, name, &file, &size));
    close(file);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const wk_err err = wk_recording_open(&recording, path, &fault);
    if (err != WK_OK) {
        snprintf(why, WK_CAPTURES_WHY, "%s", fault.text);
        return err;
    }
    const bool good = choose(&recording, part, &span);
    *waveform = good ? waveform_of(&recording, name, &span) : NULL;
    wk_recording_free(&recording);
    snprintf(why, WK_CAPTURES_WHY, "%s", good ? "" : "no sample lies between these instants");
    return good ? WK_OK : WK_E_RANGE;
}
