/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/csv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "port/linux/text.h"

#define STEP_TOLERANCE 0.01 /* of a step that a time may be off its place */
#define HEAD_ROOM      (WK_RECORDING_NAME + 24)

struct csv {
    const char *name;
    struct wk_text text;
    struct wk_recording *recording;
    struct wk_recording_fault *fault;
    char separator;
    bool timed;         /* the first column is the time */
    double time_factor; /* to s */
    double rate_hz;     /* 0 = from the time column */
    double first_s;
    double last_s;
    double factor[WK_RECORDING_CHANNELS];
};

static wk_err blame(struct csv *csv, const char *what, const char *reason)
{
    return wk_recording_blame(csv->fault, "%s: line %u: %s: %s", csv->name, csv->text.line,
                              what, reason);
}

/* "# rate 8000" before the header; other comments are skipped. */
static wk_err read_comment(struct csv *csv, struct wk_text_span line)
{
    struct wk_text_span rest = wk_text_trim((struct wk_text_span){line.at + 1, line.size - 1});
    if (!wk_text_begins(rest, "rate")) {
        return WK_OK;
    }
    rest = wk_text_trim((struct wk_text_span){rest.at + 4, rest.size - 4});
    if (!wk_text_number(rest, &csv->rate_hz) || !(csv->rate_hz > 0) || csv->rate_hz > 1e9) {
        return blame(csv, "rate", "not a number of samples per second");
    }
    return WK_OK;
}

/* "U1 [V]" or "U1 (V)" into its name and unit; without a unit, the name's letter tells. */
static void split_head(struct wk_text_span field, char *name, size_t name_room, char *unit,
                       size_t unit_room)
{
    char text[HEAD_ROOM];
    wk_text_copy(field, text, sizeof text);
    char *open = strpbrk(text, "[(");
    unit[0] = 0;
    if (open != NULL) {
        const size_t size = strcspn(open + 1, "])");
        const struct wk_text_span inside = {open + 1, size};
        wk_text_copy(wk_text_trim(inside), unit, unit_room);
        *open = 0;
    }
    const struct wk_text_span whole = {text, strlen(text)};
    wk_text_copy(wk_text_trim(whole), name, name_room);
    if (unit[0] == 0 && text[0] != 0) {
        const bool voltage = strchr("UVuv", text[0]) != NULL;
        const bool current = strchr("Ii", text[0]) != NULL;
        unit[0] = voltage ? 'V' : current ? 'A' : 0;
        unit[1] = 0;
    }
}

static wk_err read_time_head(struct csv *csv, struct wk_text_span field)
{
    char name[WK_RECORDING_NAME];
    char unit[16];
    split_head(field, name, sizeof name, unit, sizeof unit);
    csv->timed = strcmp(name, "t") == 0 || strcmp(name, "time") == 0;
    if (!csv->timed) {
        return WK_OK;
    }
    csv->time_factor = unit[0] == 0 || strcmp(unit, "s") == 0 ? 1
                       : strcmp(unit, "ms") == 0              ? 1e-3
                       : strcmp(unit, "us") == 0              ? 1e-6
                                                              : 0;
    return csv->time_factor != 0 ? WK_OK : blame(csv, "t", "the unit must be s, ms or us");
}

static wk_err read_heads(struct csv *csv, struct wk_text_span line)
{
    struct wk_text_span rest = line;
    struct wk_text_span field = {NULL, 0};
    csv->separator = memchr(line.at, ';', line.size) != NULL ? ';' : ',';
    const size_t columns = wk_text_count(line, csv->separator);
    struct wk_text_span peek = line;
    if (wk_text_field(&peek, csv->separator, &field)) {
        WK_TRY(read_time_head(csv, field));
    }
    rest = csv->timed ? peek : line;
    if (wk_recording_alloc(csv->recording, columns - (csv->timed ? 1 : 0)) != WK_OK) {
        return blame(csv, "header", "there must be 1 to 1000 columns of values");
    }
    for (size_t c = 0; wk_text_field(&rest, csv->separator, &field); c++) {
        struct wk_recording_channel *channel = &csv->recording->channel[c];
        split_head(field, channel->name, sizeof channel->name, channel->unit,
                   sizeof channel->unit);
        channel->quantity = wk_recording_unit(channel->unit, &csv->factor[c]);
        channel->phase = wk_recording_phase(channel->name);
    }
    if (!csv->timed && csv->rate_hz == 0) {
        return blame(csv, "header",
                     "neither a column t nor a comment \"# rate ...\" before it");
    }
    return WK_OK;
}

static wk_err read_header(struct csv *csv)
{
    struct wk_text_span line;
    while (wk_text_take_filled(&csv->text, &line)) {
        line = wk_text_trim(line);
        if (line.at[0] != '#') {
            return read_heads(csv, line);
        }
        WK_TRY(read_comment(csv, line));
    }
    csv->text.line++;
    return blame(csv, "header", "the file ends before it");
}

static size_t count_rows(struct wk_text text)
{
    struct wk_text_span line;
    size_t rows = 0;
    while (wk_text_take_filled(&text, &line)) {
        rows++;
    }
    return rows;
}

/* A number, or one of the ways in which programs write that there is none. */
static bool take_value(struct wk_text_span field, double *value)
{
    static const char *const k_none[] = {"", "nan", "-nan", "inf", "-inf", "+inf"};
    for (size_t i = 0; i < sizeof k_none / sizeof k_none[0]; i++) {
        if (wk_text_is(field, k_none[i])) {
            *value = (double)NAN;
            return true;
        }
    }
    return wk_text_number(field, value);
}

static wk_err read_row(struct csv *csv, struct wk_text_span line, size_t row)
{
    struct wk_text_span rest = line;
    struct wk_text_span field = {NULL, 0};
    const size_t due = csv->recording->channels + (csv->timed ? 1 : 0);
    if (wk_text_count(line, csv->separator) != due) {
        return blame(csv, "row", "not as many fields as the header");
    }
    if (csv->timed) {
        double t;
        if (!wk_text_field(&rest, csv->separator, &field) || !wk_text_number(field, &t)) {
            return blame(csv, "t", "not a number");
        }
        csv->last_s = t * csv->time_factor;
        csv->first_s = row == 0 ? csv->last_s : csv->first_s;
    }
    for (size_t c = 0; wk_text_field(&rest, csv->separator, &field); c++) {
        double value;
        if (!take_value(field, &value)) {
            return blame(csv, csv->recording->channel[c].name, "not a number");
        }
        wk_recording_put(csv->recording, c, row, value * csv->factor[c]);
    }
    return WK_OK;
}

/* The times must be where the rate puts them. */
static wk_err check_times(struct csv *csv, struct wk_text text)
{
    const size_t rows = csv->recording->frames;
    const double step_s = (csv->last_s - csv->first_s) / (double)(rows - 1);
    struct wk_text_span rest;
    for (size_t row = 0; row < rows && wk_text_take_filled(&text, &rest); row++) {
        struct wk_text_span field = {NULL, 0};
        double t = 0;
        csv->text.line = text.line;
        if (!wk_text_field(&rest, csv->separator, &field) || !wk_text_number(field, &t)) {
            return blame(csv, "t", "not a number");
        }
        const double due_s = csv->first_s + (double)row * step_s;
        if (!(fabs(t * csv->time_factor - due_s) <= STEP_TOLERANCE * step_s)) {
            return blame(csv, "t", "the steps are not constant");
        }
    }
    csv->rate_hz = 1 / step_s;
    return WK_OK;
}

static wk_err read_all(struct csv *csv)
{
    struct wk_text_span line;
    WK_TRY(read_header(csv));
    const struct wk_text rows_at = csv->text;
    const size_t rows = count_rows(rows_at);
    if (rows == 0 || wk_recording_alloc_values(csv->recording, rows) != WK_OK) {
        return blame(csv, "rows", rows == 0 ? "there are none" : "there are too many");
    }
    for (size_t row = 0; row < rows && wk_text_take_filled(&csv->text, &line); row++) {
        WK_TRY(read_row(csv, line, row));
    }
    if (csv->rate_hz == 0) {
        if (rows < 2 || !(csv->last_s > csv->first_s)) {
            return blame(csv, "t", "does not grow");
        }
        WK_TRY(check_times(csv, rows_at));
    }
    if (!(csv->rate_hz <= 1e9)) {
        return blame(csv, "t", "grows too slowly");
    }
    csv->recording->rate_uhz = llrint(csv->rate_hz * 1e6);
    return WK_OK;
}

wk_err wk_csv_parse(struct wk_recording *recording, const char *name, const char *data,
                    size_t size, struct wk_recording_fault *fault)
{
    *recording = (struct wk_recording){0};
    struct csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL) {
        wk_recording_blame(fault, "%s: no memory", name);
        return WK_E_FULL;
    }
    csv->name = name;
    csv->text = wk_text_of(data, size);
    csv->recording = recording;
    csv->fault = fault;
    const wk_err err = read_all(csv);
    free(csv);
    if (err != WK_OK) {
        wk_recording_free(recording);
    }
    return err;
}

wk_err wk_csv_read(struct wk_recording *recording, const char *path,
                   struct wk_recording_fault *fault)
{
    char *data;
    size_t size;
    WK_TRY(wk_recording_load(path, &data, &size, fault));
    const wk_err err = wk_csv_parse(recording, path, data, size, fault);
    free(data);
    return err;
}
