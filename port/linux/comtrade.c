/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/comtrade.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "port/linux/text.h"

#define FIELDS_MOST 16
#define RATES_MOST  64
#define YEAR_1991   1991
#define PATH_ROOM   4096

/* Where the configuration is being read. */
struct cfg {
    const char *name;
    struct wk_text text;
    struct wk_text_span line;
    struct wk_text_span field[FIELDS_MOST];
    size_t fields;
    int revision; /* 1991, 1999, 2013 */
    struct wk_recording *recording;
    struct wk_comtrade_layout *layout;
    struct wk_recording_fault *fault;
};

static wk_err blame(struct cfg *cfg, const char *what, const char *reason)
{
    return wk_recording_blame(cfg->fault, "%s: line %u: %s: %s", cfg->name, cfg->text.line,
                              what, reason);
}

/* The next line, cut into fields; `least` of them must be there. */
static wk_err take_line(struct cfg *cfg, const char *what, size_t least)
{
    if (!wk_text_take(&cfg->text, &cfg->line)) {
        cfg->text.line++;
        return blame(cfg, what, "the file ends before this line");
    }
    struct wk_text_span rest = cfg->line;
    cfg->fields = 0;
    while (cfg->fields < FIELDS_MOST && wk_text_field(&rest, ',', &cfg->field[cfg->fields])) {
        cfg->fields++;
    }
    return cfg->fields >= least ? WK_OK : blame(cfg, what, "too few fields");
}

static wk_err number(struct cfg *cfg, size_t field, const char *what, double *value)
{
    if (!wk_text_number(cfg->field[field], value)) {
        return blame(cfg, what, "not a number");
    }
    return WK_OK;
}

/* A count such as "8A": digits with a letter behind. */
static wk_err counted(struct cfg *cfg, size_t field, char letter, size_t *count)
{
    struct wk_text_span span = cfg->field[field];
    int64_t value;
    if (span.size < 2 || (span.at[span.size - 1] | 0x20) != letter) {
        return blame(cfg, "number of channels", "must be written like 8A and 2D");
    }
    span.size--;
    if (!wk_text_integer(span, &value) || value < 0 || value > 99999) {
        return blame(cfg, "number of channels", "not a number from 0 to 99999");
    }
    *count = (size_t)value;
    return WK_OK;
}

static wk_err read_station(struct cfg *cfg)
{
    WK_TRY(take_line(cfg, "station", 1));
    int64_t year = YEAR_1991;
    if (cfg->fields >= 3 && cfg->field[2].size > 0 &&
        (!wk_text_integer(cfg->field[2], &year) || year < 1991 || year > 2099)) {
        return blame(cfg, "revision year", "not a year");
    }
    cfg->revision = (int)year;
    return WK_OK;
}

static wk_err read_counts(struct cfg *cfg)
{
    struct wk_comtrade_layout *layout = cfg->layout;
    int64_t total;
    WK_TRY(take_line(cfg, "number of channels", 3));
    if (!wk_text_integer(cfg->field[0], &total)) {
        return blame(cfg, "number of channels", "not a number");
    }
    WK_TRY(counted(cfg, 1, 'a', &layout->analogs));
    WK_TRY(counted(cfg, 2, 'd', &layout->digitals));
    if ((int64_t)(layout->analogs + layout->digitals) != total) {
        return blame(cfg, "number of channels",
                     "the total is not the sum of analog and digital");
    }
    if (layout->analogs == 0 || layout->analogs > WK_RECORDING_CHANNELS) {
        return blame(cfg, "number of channels", "there must be 1 to 1000 analog channels");
    }
    layout->scale = calloc(layout->analogs, sizeof(double));
    layout->offset = calloc(layout->analogs, sizeof(double));
    if (layout->scale == NULL || layout->offset == NULL) {
        return WK_E_FULL;
    }
    return wk_recording_alloc(cfg->recording, layout->analogs);
}

/* Primary and secondary ratio and which of them the values are (since 1999). */
static wk_err read_ratio(struct cfg *cfg, double *factor)
{
    double primary;
    double secondary;
    *factor = 1;
    if (cfg->revision == YEAR_1991 || cfg->fields < 13) {
        return WK_OK;
    }
    const struct wk_text_span which = cfg->field[12];
    if (wk_text_is(which, "P") || which.size == 0) {
        return WK_OK;
    }
    if (!wk_text_is(which, "S")) {
        return blame(cfg, "P or S", "must be P or S");
    }
    WK_TRY(number(cfg, 10, "primary ratio", &primary));
    WK_TRY(number(cfg, 11, "secondary ratio", &secondary));
    if (!(primary > 0) || !(secondary > 0)) {
        return blame(cfg, "primary and secondary ratio", "must be above 0");
    }
    *factor = primary / secondary;
    return WK_OK;
}

static void name_channel(struct cfg *cfg, size_t index)
{
    struct wk_recording_channel *channel = &cfg->recording->channel[index];
    char phase[16];
    wk_text_copy(cfg->field[1], channel->name, sizeof channel->name);
    wk_text_copy(cfg->field[2], phase, sizeof phase);
    wk_text_copy(cfg->field[4], channel->unit, sizeof channel->unit);
    channel->phase = wk_recording_phase(phase);
    if (channel->phase == WK_RECORDING_NO_PHASE) {
        channel->phase = wk_recording_phase(channel->name);
    }
}

/* An,ch_id,ph,ccbm,uu,a,b,skew,min,max[,primary,secondary,PS] */
static wk_err read_analog(struct cfg *cfg, size_t index)
{
    struct wk_comtrade_layout *layout = cfg->layout;
    struct wk_recording_channel *channel = &cfg->recording->channel[index];
    double ratio;
    double factor;
    double skew_us = 0;
    WK_TRY(take_line(cfg, "analog channel", 10));
    name_channel(cfg, index);
    channel->quantity = wk_recording_unit(channel->unit, &factor);
    WK_TRY(number(cfg, 5, "multiplier a", &layout->scale[index]));
    WK_TRY(number(cfg, 6, "offset b", &layout->offset[index]));
    if (layout->scale[index] == 0) {
        return blame(cfg, "multiplier a", "must not be 0");
    }
    if (cfg->field[7].size > 0) {
        WK_TRY(number(cfg, 7, "skew", &skew_us));
    }
    if (fabs(skew_us) > 50) {
        return blame(cfg, "skew", "must be within +-50 us");
    }
    channel->delay_ns = (int32_t)lrint(skew_us * 1000);
    WK_TRY(read_ratio(cfg, &ratio));
    layout->scale[index] *= ratio * factor;
    layout->offset[index] *= ratio * factor;
    return WK_OK;
}

static wk_err read_frequency(struct cfg *cfg)
{
    double hz;
    WK_TRY(take_line(cfg, "line frequency", 1));
    if (cfg->field[0].size == 0) {
        return WK_OK;
    }
    WK_TRY(number(cfg, 0, "line frequency", &hz));
    if (fabs(hz - 50) < 5) {
        cfg->recording->nominal_uhz = 50000000;
    } else if (fabs(hz - 60) < 5) {
        cfg->recording->nominal_uhz = 60000000;
    }
    return WK_OK;
}

/* One line "rate,last sample". Rates may be repeated but not change. */
static wk_err read_rate(struct cfg *cfg, size_t index)
{
    double hz;
    int64_t last;
    WK_TRY(take_line(cfg, "sampling rate", 2));
    WK_TRY(number(cfg, 0, "sampling rate", &hz));
    if (!wk_text_integer(cfg->field[1], &last) || last <= (int64_t)cfg->layout->frames ||
        last > UINT32_MAX) {
        return blame(cfg, "last sample", "must be a number that grows from rate to rate");
    }
    cfg->layout->timed = hz == 0;
    if (hz < 0 || hz > 1e9) {
        return blame(cfg, "sampling rate", "must be 0 to 1,000,000,000 Hz");
    }
    const int64_t rate_uhz = llrint(hz * 1e6);
    if (index > 0 && rate_uhz != cfg->recording->rate_uhz) {
        return blame(cfg, "sampling rate", "changes within the recording");
    }
    cfg->recording->rate_uhz = rate_uhz;
    cfg->layout->frames = (size_t)last;
    return WK_OK;
}

static wk_err read_rates(struct cfg *cfg)
{
    int64_t count;
    WK_TRY(take_line(cfg, "number of sampling rates", 1));
    if (!wk_text_integer(cfg->field[0], &count) || count < 0 || count > RATES_MOST) {
        return blame(cfg, "number of sampling rates", "must be 0 to 64");
    }
    const size_t lines = count == 0 ? 1 : (size_t)count;
    for (size_t i = 0; i < lines; i++) {
        WK_TRY(read_rate(cfg, i));
    }
    if (count == 0 && cfg->recording->rate_uhz != 0) {
        return blame(cfg, "sampling rate", "must be 0 if the number of rates is 0");
    }
    return WK_OK;
}

/* "dd/mm/yyyy,hh:mm:ss.ssssss"; the 1991 form has the month first and two digits of year. */
static bool parse_time(const struct cfg *cfg, int64_t *us)
{
    char date[24];
    char clock[32];
    int first;
    int second;
    int year;
    int hour;
    int minute;
    double s;
    wk_text_copy(cfg->field[0], date, sizeof date);
    wk_text_copy(cfg->field[1], clock, sizeof clock);
    if (sscanf(date, "%2d/%2d/%4d", &first, &second, &year) != 3 ||
        sscanf(clock, "%2d:%2d:%lf", &hour, &minute, &s) != 3) {
        return false;
    }
    const bool old = cfg->revision == YEAR_1991;
    const int day = old ? second : first;
    const int month = old ? first : second;
    year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    if (year < 1970 || year > 2105 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(s >= 0 && s < 61)) {
        return false;
    }
    const int64_t days = wk_civil_days((uint16_t)year, (uint8_t)month, (uint8_t)day);
    *us = ((days * 24 + hour) * 60 + minute) * 60000000 + llrint(s * 1e6);
    return true;
}

static wk_err read_times(struct cfg *cfg)
{
    WK_TRY(take_line(cfg, "time of the first sample", 2));
    const bool known = cfg->field[0].size > 0 || cfg->field[1].size > 0;
    if (known && !parse_time(cfg, &cfg->recording->start_us)) {
        return blame(cfg, "time of the first sample", "not dd/mm/yyyy,hh:mm:ss.ssssss");
    }
    WK_TRY(take_line(cfg, "time of the trigger", 2));
    const bool triggered = cfg->field[0].size > 0 || cfg->field[1].size > 0;
    if (triggered && !parse_time(cfg, &cfg->recording->trigger_us)) {
        return blame(cfg, "time of the trigger", "not dd/mm/yyyy,hh:mm:ss.ssssss");
    }
    return WK_OK;
}

static wk_err read_form(struct cfg *cfg)
{
    static const char *const k_forms[] = {
        [WK_COMTRADE_ASCII] = "ASCII",
        [WK_COMTRADE_BINARY] = "BINARY",
        [WK_COMTRADE_BINARY32] = "BINARY32",
        [WK_COMTRADE_FLOAT32] = "FLOAT32",
    };
    WK_TRY(take_line(cfg, "data file type", 1));
    for (size_t form = 0; form < sizeof k_forms / sizeof k_forms[0]; form++) {
        if (wk_text_is(cfg->field[0], k_forms[form])) {
            cfg->layout->form = (wk_comtrade_form)form;
            return WK_OK;
        }
    }
    return blame(cfg, "data file type", "must be ASCII, BINARY, BINARY32 or FLOAT32");
}

/* "-5h30" or "+1": hours and minutes that local time is ahead of UTC; "x" = not applicable. */
static wk_err read_zone(struct cfg *cfg)
{
    char code[12];
    int hours;
    int minutes = 0;
    WK_TRY(take_line(cfg, "time code", 1));
    wk_text_copy(cfg->field[0], code, sizeof code);
    if (code[0] == 0 || wk_text_is(cfg->field[0], "x")) {
        return WK_OK;
    }
    const int got = sscanf(code, "%3dh%2d", &hours, &minutes);
    if (got < 1 || hours < -24 || hours > 24 || minutes < 0 || minutes > 59) {
        return blame(cfg, "time code", "not like -5h30");
    }
    const int64_t ahead_min = hours * 60 + (code[0] == '-' ? -minutes : minutes);
    if (cfg->recording->start_us != 0) {
        cfg->recording->start_us -= ahead_min * 60000000;
    }
    if (cfg->recording->trigger_us != 0) {
        cfg->recording->trigger_us -= ahead_min * 60000000;
    }
    return WK_OK;
}

/* What came with later revisions, as far as it is there. */
static wk_err read_tail(struct cfg *cfg)
{
    cfg->layout->time_factor_us = 1;
    if (cfg->revision == YEAR_1991 || cfg->text.at >= cfg->text.size) {
        return WK_OK;
    }
    WK_TRY(take_line(cfg, "time multiplier", 1));
    if (cfg->field[0].size > 0) {
        WK_TRY(number(cfg, 0, "time multiplier", &cfg->layout->time_factor_us));
        if (!(cfg->layout->time_factor_us > 0)) {
            return blame(cfg, "time multiplier", "must be above 0");
        }
    }
    if (cfg->revision < 2013 || cfg->text.at >= cfg->text.size) {
        return WK_OK;
    }
    return read_zone(cfg);
}

static wk_err read_cfg(struct cfg *cfg)
{
    WK_TRY(read_station(cfg));
    WK_TRY(read_counts(cfg));
    for (size_t i = 0; i < cfg->layout->analogs; i++) {
        WK_TRY(read_analog(cfg, i));
    }
    for (size_t i = 0; i < cfg->layout->digitals; i++) {
        WK_TRY(take_line(cfg, "digital channel", 2));
    }
    WK_TRY(read_frequency(cfg));
    WK_TRY(read_rates(cfg));
    WK_TRY(read_times(cfg));
    WK_TRY(read_form(cfg));
    return read_tail(cfg);
}

wk_err wk_comtrade_parse(struct wk_recording *recording, const struct wk_comtrade_part *cfg,
                         const struct wk_comtrade_part *dat, struct wk_recording_fault *fault)
{
    struct wk_comtrade_layout layout = {0};
    struct cfg reader = {
        .name = cfg->name,
        .text = wk_text_of(cfg->data, cfg->size),
        .recording = recording,
        .layout = &layout,
        .fault = fault,
    };
    *recording = (struct wk_recording){0};
    wk_recording_blame(fault, "%s: no memory", cfg->name);
    wk_err err = read_cfg(&reader);
    if (err == WK_OK) {
        err = wk_comtrade_data(recording, &layout, dat, fault);
    }
    free(layout.scale);
    free(layout.offset);
    if (err != WK_OK) {
        wk_recording_free(recording);
    }
    return err;
}

/* ---- files ------------------------------------------------------------------------------- */

/* The data file has the name of the configuration, and an ending in the same case or not. */
static wk_err load_dat(const char *path, char name[PATH_ROOM], char **dat, size_t *size,
                       struct wk_recording_fault *fault)
{
    static const char *const k_endings[] = {"dat", "DAT", "Dat"};
    const int stem = (int)(strrchr(path, '.') - path);
    const int first = path[stem + 1] == 'C' ? 1 : 0;
    wk_err err = WK_E_NOT_FOUND;
    for (int i = 0; i < 3 && err == WK_E_NOT_FOUND; i++) {
        snprintf(name, PATH_ROOM, "%.*s.%s", stem, path, k_endings[(first + i) % 3]);
        err = wk_recording_load(name, dat, size, fault);
    }
    return err;
}

wk_err wk_comtrade_read(struct wk_recording *recording, const char *path,
                        struct wk_recording_fault *fault)
{
    char *cfg;
    size_t cfg_size;
    char *dat;
    size_t dat_size;
    char dat_name[PATH_ROOM];
    WK_TRY(wk_recording_load(path, &cfg, &cfg_size, fault));
    wk_err err = load_dat(path, dat_name, &dat, &dat_size, fault);
    if (err == WK_OK) {
        const struct wk_comtrade_part cfg_part = {path, cfg, cfg_size};
        const struct wk_comtrade_part dat_part = {dat_name, dat, dat_size};
        err = wk_comtrade_parse(recording, &cfg_part, &dat_part, fault);
        free(dat);
    }
    free(cfg);
    return err;
}

/* "--- file type: DAT BINARY: 702 ---": what follows "file type:", or nothing. */
static bool is_section(struct wk_text_span line, struct wk_text_span *title)
{
    line = wk_text_trim(line);
    if (!wk_text_begins(line, "---") || line.size < 6) {
        return false;
    }
    struct wk_text_span rest = wk_text_trim((struct wk_text_span){line.at + 3, line.size - 3});
    if (!wk_text_begins(rest, "file type:")) {
        return false;
    }
    rest = (struct wk_text_span){rest.at + 10, rest.size - 10};
    while (rest.size > 0 && (rest.at[rest.size - 1] == '-' || rest.at[rest.size - 1] == ' ')) {
        rest.size--;
    }
    *title = wk_text_trim(rest);
    return true;
}

/* Where the CFG and the DAT part lie. A binary DAT is the last part: it may hold anything. */
static void find_sections(const char *data, size_t size, struct wk_comtrade_part *cfg,
                          struct wk_comtrade_part *dat)
{
    struct wk_text text = {.data = data, .size = size};
    struct wk_text_span line;
    struct wk_text_span title;
    struct wk_comtrade_part *open = NULL;
    while (dat->data == NULL) {
        const size_t before = text.at;
        if (!wk_text_take(&text, &line)) {
            break;
        }
        if (!is_section(line, &title)) {
            continue;
        }
        if (open != NULL) {
            open->size = (size_t)(data + before - open->data);
        }
        open = wk_text_begins(title, "CFG") ? cfg : wk_text_begins(title, "DAT") ? dat : NULL;
        if (open != NULL) {
            *open = (struct wk_comtrade_part){NULL, data + text.at, size - text.at};
        }
    }
}

wk_err wk_comtrade_parse_cff(struct wk_recording *recording, const char *name, const char *data,
                             size_t size, struct wk_recording_fault *fault)
{
    struct wk_comtrade_part cfg = {0};
    struct wk_comtrade_part dat = {0};
    *recording = (struct wk_recording){0};
    find_sections(data, size, &cfg, &dat);
    if (cfg.data == NULL || dat.data == NULL) {
        return wk_recording_blame(fault, "%s: there is no \"--- file type: %s ---\" part", name,
                                  cfg.data == NULL ? "CFG" : "DAT ...");
    }
    char cfg_name[PATH_ROOM];
    char dat_name[PATH_ROOM];
    snprintf(cfg_name, sizeof cfg_name, "%.*s, CFG part", PATH_ROOM - 16, name);
    snprintf(dat_name, sizeof dat_name, "%.*s, DAT part", PATH_ROOM - 16, name);
    cfg.name = cfg_name;
    dat.name = dat_name;
    return wk_comtrade_parse(recording, &cfg, &dat, fault);
}

wk_err wk_comtrade_read_cff(struct wk_recording *recording, const char *path,
                            struct wk_recording_fault *fault)
{
    char *data;
    size_t size;
    WK_TRY(wk_recording_load(path, &data, &size, fault));
    const wk_err err = wk_comtrade_parse_cff(recording, path, data, size, fault);
    free(data);
    return err;
}
