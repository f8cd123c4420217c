/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "port/linux/comtrade.h"
#include "port/linux/text.h"

#define MISSING_16 INT16_MIN /* "no sample" in BINARY and BINARY32 */
#define MISSING_32 INT32_MIN
#define CTRL_Z     0x1A

/* Where the data are being read. */
struct dat {
    const char *name;
    struct wk_recording *recording;
    const struct wk_comtrade_layout *layout;
    struct wk_recording_fault *fault;
    int64_t first_number; /* of the first sample */
    double time_first;    /* of the time column, raw */
    double time_last;
};

static wk_err check_number(struct dat *dat, size_t frame, int64_t number, const char *where,
                           size_t position)
{
    if (frame == 0) {
        dat->first_number = number;
    }
    if (number - dat->first_number != (int64_t)frame) {
        return wk_recording_blame(
            dat->fault, "%s: %s %zu: sample number %lld where %lld was due", dat->name, where,
            position, (long long)number, (long long)dat->first_number + (long long)frame);
    }
    return WK_OK;
}

static void put(struct dat *dat, size_t channel, size_t frame, double raw)
{
    wk_recording_put(dat->recording, channel, frame,
                     dat->layout->scale[channel] * raw + dat->layout->offset[channel]);
}

/* ---- ASCII ------------------------------------------------------------------------------- */

static wk_err blame_line(struct dat *dat, const struct wk_text *text, size_t field,
                         const char *reason)
{
    return wk_recording_blame(dat->fault, "%s: line %u: field %zu: %s", dat->name, text->line,
                              field, reason);
}

static wk_err read_text_time(struct dat *dat, const struct wk_text *text, size_t frame,
                             struct wk_text_span field)
{
    double time = 0;
    if (!dat->layout->timed && field.size == 0) {
        return WK_OK;
    }
    if (!wk_text_number(field, &time)) {
        return blame_line(dat, text, 2, "the time is not a number");
    }
    dat->time_first = frame == 0 ? time : dat->time_first;
    dat->time_last = time;
    return WK_OK;
}

static wk_err read_text_line(struct dat *dat, const struct wk_text *text,
                             struct wk_text_span line, size_t frame)
{
    const size_t wanted = 2 + dat->layout->analogs + dat->layout->digitals;
    struct wk_text_span rest = line;
    struct wk_text_span field = {NULL, 0};
    int64_t number;
    if (wk_text_count(line, ',') != wanted) {
        return wk_recording_blame(dat->fault, "%s: line %u: %zu fields where %zu were due",
                                  dat->name, text->line, wk_text_count(line, ','), wanted);
    }
    if (!wk_text_field(&rest, ',', &field) || !wk_text_integer(field, &number)) {
        return blame_line(dat, text, 1, "the sample number is not a number");
    }
    WK_TRY(check_number(dat, frame, number, "line", text->line));
    if (wk_text_field(&rest, ',', &field)) {
        WK_TRY(read_text_time(dat, text, frame, field));
    }
    for (size_t c = 0; c < dat->layout->analogs && wk_text_field(&rest, ',', &field); c++) {
        double raw = (double)NAN; /* an empty field: the value is missing */
        if (field.size != 0 && !wk_text_number(field, &raw)) {
            return blame_line(dat, text, c + 3, "the value is not a number");
        }
        put(dat, c, frame, raw);
    }
    for (size_t d = 0; d < dat->layout->digitals && wk_text_field(&rest, ',', &field); d++) {
        if (field.size != 1 || (field.at[0] != '0' && field.at[0] != '1')) {
            return blame_line(dat, text, dat->layout->analogs + d + 3,
                              "a digital value must be 0 or 1");
        }
    }
    return WK_OK;
}

static wk_err read_text(struct dat *dat, const char *data, size_t size)
{
    struct wk_text text = wk_text_of(data, size);
    struct wk_text_span line;
    for (size_t frame = 0; frame < dat->layout->frames; frame++) {
        if (!wk_text_take_filled(&text, &line)) {
            return wk_recording_blame(dat->fault,
                                      "%s: line %u: the file ends after %zu of %zu samples",
                                      dat->name, text.line + 1, frame, dat->layout->frames);
        }
        WK_TRY(read_text_line(dat, &text, line, frame));
    }
    if (wk_text_take_filled(&text, &line)) {
        return wk_recording_blame(dat->fault,
                                  "%s: line %u: more than the %zu samples announced", dat->name,
                                  text.line, dat->layout->frames);
    }
    return WK_OK;
}

/* ---- binary ------------------------------------------------------------------------------ */

/* Every form has a mark for a sample that is missing. */
static void read_binary_value(struct dat *dat, struct wk_bytes_in *in, size_t frame,
                              size_t channel)
{
    if (dat->layout->form == WK_COMTRADE_BINARY) {
        const int16_t raw = (int16_t)wk_bytes_in_u16le(in);
        put(dat, channel, frame, raw != MISSING_16 ? raw : (double)NAN);
        return;
    }
    const uint32_t bits = wk_bytes_in_u32le(in);
    if (dat->layout->form == WK_COMTRADE_BINARY32) {
        put(dat, channel, frame, (int32_t)bits != MISSING_32 ? (int32_t)bits : (double)NAN);
        return;
    }
    float raw;
    memcpy(&raw, &bits, sizeof raw);
    put(dat, channel, frame, raw > -FLT_MAX ? (double)raw : (double)NAN);
}

static wk_err read_binary_frame(struct dat *dat, struct wk_bytes_in *in, size_t frame)
{
    const size_t at = in->at;
    const int64_t number = wk_bytes_in_u32le(in);
    const double time = wk_bytes_in_u32le(in);
    WK_TRY(check_number(dat, frame, number, "octet", at));
    dat->time_first = frame == 0 ? time : dat->time_first;
    dat->time_last = time;
    for (size_t c = 0; c < dat->layout->analogs; c++) {
        read_binary_value(dat, in, frame, c);
    }
    (void)wk_bytes_in_take(in, (dat->layout->digitals + 15) / 16 * 2);
    return WK_OK;
}

static wk_err read_binary(struct dat *dat, const char *data, size_t size)
{
    const struct wk_comtrade_layout *layout = dat->layout;
    const size_t width = layout->form == WK_COMTRADE_BINARY ? 2 : 4;
    const size_t frame_size = 8 + layout->analogs * width + (layout->digitals + 15) / 16 * 2;
    const size_t due = frame_size * layout->frames;
    if (size < due) {
        return wk_recording_blame(dat->fault,
                                  "%s: octet %zu: the file ends after %zu of %zu samples",
                                  dat->name, size, size / frame_size, layout->frames);
    }
    const bool marked_end = size == due + 1 && (uint8_t)data[due] == CTRL_Z;
    const bool line_end = size == due + 2 && data[due] == '\r' && data[due + 1] == '\n';
    if (size > due && !marked_end && !line_end) {
        return wk_recording_blame(dat->fault,
                                  "%s: octet %zu: more than the %zu samples announced",
                                  dat->name, due, layout->frames);
    }
    struct wk_bytes_in in = wk_bytes_in_of(data, due);
    for (size_t frame = 0; frame < layout->frames; frame++) {
        WK_TRY(read_binary_frame(dat, &in, frame));
    }
    return wk_bytes_in_end(&in);
}

/* ---- both -------------------------------------------------------------------------------- */

/* Before memory is taken: so many samples cannot be in so short a file. */
static wk_err check_size(struct dat *dat, size_t size)
{
    const struct wk_comtrade_layout *layout = dat->layout;
    const size_t least = layout->form == WK_COMTRADE_ASCII
                             ? 2 * (layout->analogs + layout->digitals) + 2
                             : 8 + 2 * layout->analogs;
    if (layout->frames > size / least + 1) {
        return wk_recording_blame(
            dat->fault, "%s: octet %zu: the file is too short for the %zu samples announced",
            dat->name, size, layout->frames);
    }
    return WK_OK;
}

static wk_err rate_from_time(struct dat *dat)
{
    const double span_us = (dat->time_last - dat->time_first) * dat->layout->time_factor_us;
    if (dat->layout->frames < 2 || !(span_us > 0)) {
        return wk_recording_blame(
            dat->fault, "%s: no sampling rate is given and the time column does not grow",
            dat->name);
    }
    const double rate_uhz = (double)(dat->layout->frames - 1) / span_us * 1e12;
    if (rate_uhz > 1e15) {
        return wk_recording_blame(dat->fault, "%s: the time column grows too slowly",
                                  dat->name);
    }
    dat->recording->rate_uhz = llrint(rate_uhz);
    return WK_OK;
}

wk_err wk_comtrade_data(struct wk_recording *recording, const struct wk_comtrade_layout *layout,
                        const struct wk_comtrade_part *dat, struct wk_recording_fault *fault)
{
    struct dat reader = {
        .name = dat->name,
        .recording = recording,
        .layout = layout,
        .fault = fault,
    };
    WK_TRY(check_size(&reader, dat->size));
    const wk_err err = wk_recording_alloc_values(recording, layout->frames);
    if (err != WK_OK) {
        wk_recording_blame(fault, "%s: %zu samples of %zu channels are too many", dat->name,
                           layout->frames, layout->analogs);
        return err;
    }
    WK_TRY(layout->form == WK_COMTRADE_ASCII ? read_text(&reader, dat->data, dat->size)
                                             : read_binary(&reader, dat->data, dat->size));
    return layout->timed ? rate_from_time(&reader) : WK_OK;
}
