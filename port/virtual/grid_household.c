/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "port/linux/text.h"
#include "port/virtual/grid.h"

#define TURN           6.283185307179586476925
#define MINUTE_S       60
#define ROWS_MOST      1000000
#define COLUMNS_LEAST  6
#define U_UNIT_V       50e-6 /* per count: 419 V peak fit in 23 bits and sign */
#define I_UNIT_A       10e-6 /* 83 A peak */
#define U_MOST_V       280.0
#define I_MOST_A       50.0
#define WANDER_UHZ     40000
#define WANDER_STEP    4000 /* at most, per second */
#define HARMONIC_LEAST 0.05 /* of the fundamental current */
#define HARMONIC_MOST  0.40

/* One odd order: share of the fundamental voltage and its angle, share of all harmonic current
 * and its angle; sines at the rise of the voltage through zero. The shares of current are of the
 * kind that rectifiers without correction make. */
struct order {
    int order;
    double u_share;
    double u_turn;
    double i_share;
    double i_turn;
};

static const struct order k_orders[] = {
    {3, 0.009, 0.10, 0.80, 0.55}, {5, 0.018, 0.45, 0.49, 0.02}, {7, 0.012, 0.30, 0.28, 0.60},
    {9, 0, 0, 0.17, 0.15},        {11, 0, 0, 0.10, 0.70},
};

#define ORDERS (sizeof k_orders / sizeof k_orders[0])

/* ---- minutes ----------------------------------------------------------------------------- */

static wk_err parse_row(const char *name, const struct wk_text *text, struct wk_text_span line,
                        struct wk_grid_minute *row, struct wk_recording_fault *fault)
{
    static const char *const k_names[] = {"active power", "reactive power", "voltage",
                                          "current"};
    static const double k_most[] = {I_MOST_A * U_MOST_V / 1e3, I_MOST_A * U_MOST_V / 1e3,
                                    U_MOST_V, I_MOST_A};
    double value[4];
    struct wk_text_span rest = line;
    struct wk_text_span field = {NULL, 0};
    if (wk_text_count(line, ';') < COLUMNS_LEAST) {
        return wk_recording_blame(fault, "%s: line %u: fewer than 6 fields", name, text->line);
    }
    (void)wk_text_field(&rest, ';', &field); /* date */
    (void)wk_text_field(&rest, ';', &field); /* time */
    for (int f = 0; f < 4; f++) {
        (void)wk_text_field(&rest, ';', &field);
        if (!wk_text_number(field, &value[f]) || !(fabs(value[f]) <= k_most[f])) {
            return wk_recording_blame(fault, "%s: line %u: %s: must be a number up to %g", name,
                                      text->line, k_names[f], k_most[f]);
        }
    }
    if (value[2] < 1 || value[3] < 0) {
        return wk_recording_blame(fault, "%s: line %u: voltage and current must be above 0",
                                  name, text->line);
    }
    const double s_va = hypot(value[0], value[1]) * 1e3;
    if (s_va > value[2] * I_MOST_A) {
        return wk_recording_blame(fault, "%s: line %u: active power: more than 50 A", name,
                                  text->line);
    }
    *row = (struct wk_grid_minute){value[0] * 1e3, value[1] * 1e3, value[2], value[3]};
    return WK_OK;
}

static wk_err parse_rows(struct wk_grid_minutes *minutes, const char *name,
                         struct wk_text *text, size_t room, struct wk_recording_fault *fault)
{
    struct wk_text_span line;
    while (minutes->count < room && wk_text_take_filled(text, &line)) {
        WK_TRY(parse_row(name, text, line, &minutes->row[minutes->count], fault));
        minutes->count++;
    }
    if (minutes->count == 0) {
        return wk_recording_blame(fault, "%s: line %u: there are no rows", name,
                                  text->line + 1);
    }
    return WK_OK;
}

wk_err wk_grid_minutes_parse(struct wk_grid_minutes *minutes, const char *name,
                             const char *data, size_t size, struct wk_recording_fault *fault)
{
    struct wk_text text = wk_text_of(data, size);
    struct wk_text_span line;
    *minutes = (struct wk_grid_minutes){0};
    if (!wk_text_take_filled(&text, &line) || !wk_text_begins(line, "Date;")) {
        return wk_recording_blame(fault, "%s: line 1: must begin with \"Date;\"", name);
    }
    size_t lines = 0;
    for (struct wk_text ahead = text; wk_text_take_filled(&ahead, &line);) {
        lines++;
    }
    if (lines > ROWS_MOST) {
        return wk_recording_blame(fault, "%s: more than 1,000,000 rows", name);
    }
    minutes->row = calloc(lines + 1, sizeof *minutes->row);
    if (minutes->row == NULL) {
        wk_recording_blame(fault, "%s: no memory", name);
        return WK_E_FULL;
    }
    const wk_err err = parse_rows(minutes, name, &text, lines, fault);
    if (err != WK_OK) {
        wk_grid_minutes_free(minutes);
    }
    return err;
}

wk_err wk_grid_minutes_read(struct wk_grid_minutes *minutes, const char *path,
                            struct wk_recording_fault *fault)
{
    char *data;
    size_t size;
    *minutes = (struct wk_grid_minutes){0};
    WK_TRY(wk_recording_load(path, &data, &size, fault));
    const wk_err err = wk_grid_minutes_parse(minutes, path, data, size, fault);
    free(data);
    return err;
}

void wk_grid_minutes_free(struct wk_grid_minutes *minutes)
{
    free(minutes->row);
    *minutes = (struct wk_grid_minutes){0};
}

/* ---- one cycle of a row ------------------------------------------------------------------ */

/* A sine that is added to a table by turning, without a sine per value. */
struct sine {
    double re;
    double im;
    double step_re;
    double step_im;
};

static struct sine sine_of(double amplitude, double turn, int order)
{
    const double step = TURN * order / WK_GRID_TABLE;
    return (struct sine){amplitude * cos(TURN * turn), amplitude * sin(TURN * turn), cos(step),
                         sin(step)};
}

static double sine_next(struct sine *sine)
{
    const double value = sine->im;
    const double re = sine->re * sine->step_re - sine->im * sine->step_im;
    sine->im = sine->im * sine->step_re + sine->re * sine->step_im;
    sine->re = re;
    return value;
}

/* Peak values in counts. */
struct spectrum {
    struct sine u[1 + ORDERS];
    struct sine i[1 + ORDERS];
};

static struct spectrum spectrum_of(const struct wk_grid_minute *row)
{
    const double root2 = sqrt(2);
    double share = 1;
    double p_harmonic_w = 0;
    struct spectrum spectrum;
    for (size_t k = 0; k < ORDERS; k++) {
        share += k_orders[k].u_share * k_orders[k].u_share;
    }
    const double u1_v = row->u_v / sqrt(share);
    const double i1_a = hypot(row->p_w, row->q_var) / u1_v;
    const double beyond = row->i_a * row->i_a - i1_a * i1_a;
    const double harmonic_a =
        fmin(fmax(sqrt(fmax(beyond, 0)), HARMONIC_LEAST * i1_a), HARMONIC_MOST * i1_a);
    for (size_t k = 0; k < ORDERS; k++) {
        const struct order *o = &k_orders[k];
        const double u_v = u1_v * o->u_share;
        const double i_a = harmonic_a * o->i_share;
        spectrum.u[1 + k] = sine_of(u_v * root2 / U_UNIT_V, o->u_turn, o->order);
        spectrum.i[1 + k] = sine_of(i_a * root2 / I_UNIT_A, o->i_turn, o->order);
        p_harmonic_w += u_v * i_a * cos(TURN * (o->u_turn - o->i_turn));
    }
    /* the fundamental carries what the harmonics do not, so that all together is the row's P */
    const double p1_w = row->p_w - p_harmonic_w;
    const double i_peak = hypot(p1_w, row->q_var) / u1_v * root2;
    const double lag = atan2(row->q_var, p1_w) / TURN;
    spectrum.u[0] = sine_of(u1_v * root2 / U_UNIT_V, 0, 1);
    spectrum.i[0] = sine_of(i_peak / I_UNIT_A, -lag, 1);
    return spectrum;
}

static void begin_row(struct wk_grid_household *household, size_t frames)
{
    struct spectrum spectrum = spectrum_of(&household->minutes->row[household->row]);
    for (size_t n = 0; n <= WK_GRID_TABLE; n++) {
        double u = 0;
        double i = 0;
        for (size_t k = 0; k <= ORDERS; k++) {
            u += sine_next(&spectrum.u[k]);
            i += sine_next(&spectrum.i[k]);
        }
        household->cycle[n] = (struct wk_grid_pair){(int32_t)lrint(u), (int32_t)lrint(i)};
    }
    household->row_due = frames;
    household->row_late = 0;
    household->row_frames = 0;
}

/* ---- samples ----------------------------------------------------------------------------- */

static void begin_second(struct wk_grid_household *household)
{
    household->wander = household->wander * 1664525U + 1013904223U;
    const int32_t by = (int32_t)(household->wander >> 16) % (2 * WANDER_STEP + 1) - WANDER_STEP;
    const int32_t f_uhz = household->f_uhz + by;
    const bool within = f_uhz <= 50000000 + WANDER_UHZ && f_uhz >= 50000000 - WANDER_UHZ;
    household->f_uhz = within ? f_uhz : household->f_uhz - by;
    household->step =
        (uint32_t)(((uint64_t)household->f_uhz << 32) / (WK_GRID_RATE_HZ * UINT64_C(1000000)));
    household->second_due = WK_GRID_RATE_HZ;
}

static int32_t between(int32_t a, int32_t b, uint32_t part_q16)
{
    return a + (int32_t)(((int64_t)(b - a) * part_q16) >> 16);
}

static void generate(struct wk_grid_household *household, int32_t *counts, size_t frames)
{
    const struct wk_grid_pair *cycle = household->cycle;
    const uint32_t step = household->step;
    uint32_t phase = household->phase;
    for (size_t n = 0; n < frames; n++) {
        const struct wk_grid_pair *at = &cycle[phase / (UINT32_MAX / WK_GRID_TABLE + 1)];
        const uint32_t part_q16 = phase % (UINT32_MAX / WK_GRID_TABLE + 1) >> 4;
        counts[2 * n] = between(at[0].u, at[1].u, part_q16);
        counts[2 * n + 1] = between(at[0].i, at[1].i, part_q16);
        phase += step;
    }
    household->phase = phase;
}

/* Frames until the phase has come round: the first one of the next cycle. */
static size_t to_crossing(const struct wk_grid_household *household)
{
    const uint64_t left = (UINT64_C(1) << 32) - household->phase;
    return (size_t)((left + household->step - 1) / household->step);
}

static void end_row(struct wk_grid_household *household)
{
    household->truth_uwh = wk_grid_household_truth_uwh(household);
    household->row = (household->row + 1) % household->minutes->count;
    /* the crossing came after the minute: the next row is that much shorter */
    begin_row(household, MINUTE_S * WK_GRID_RATE_HZ - household->row_late);
}

static wk_err household_read(void *self, int32_t *counts, size_t frames, size_t *got)
{
    struct wk_grid_household *household = self;
    *got = frames;
    while (frames > 0) {
        const bool over = household->row_due == 0;
        const size_t due = over ? to_crossing(household) : household->row_due;
        size_t now = frames < due ? frames : due;
        now = now < household->second_due ? now : household->second_due;
        generate(household, counts, now);
        counts += 2 * now;
        frames -= now;
        household->row_frames += now;
        household->row_due -= over ? 0 : now;
        household->row_late += over ? now : 0;
        household->second_due -= now;
        if (over && now == due) {
            end_row(household);
        }
        if (household->second_due == 0) {
            begin_second(household);
        }
    }
    return WK_OK;
}

double wk_grid_household_truth_uwh(const struct wk_grid_household *household)
{
    const double seconds = (double)household->row_frames / WK_GRID_RATE_HZ;
    const double p_w = household->minutes->row[household->row].p_w;
    return household->truth_uwh + p_w * seconds / 3600 * 1e6;
}

void wk_grid_household_init(struct wk_grid_household *household,
                            const struct wk_grid_minutes *minutes, size_t first_row,
                            int64_t start_us, uint32_t seed)
{
    *household = (struct wk_grid_household){
        .minutes = minutes,
        .row = first_row % minutes->count,
        .wander = seed,
        .f_uhz = 50000000,
    };
    household->info = (struct wk_hal_frontend_info){
        .channels = 2,
        .rate_uhz = WK_GRID_RATE_HZ * INT64_C(1000000),
        .start_us = start_us,
        .nominal_uhz = 50000000,
        .nominal_mv = 230000,
        .channel = {{.name = "U",
                     .quantity = WK_HAL_VOLTAGE,
                     .gain = {.mantissa = 500000000, .exponent = -13}},
                    {.name = "I",
                     .quantity = WK_HAL_CURRENT,
                     .gain = {.mantissa = 1000000000, .exponent = -14}}},
    };
    household->frontend = (struct wk_hal_frontend){
        .self = household,
        .info = &household->info,
        .read = household_read,
    };
    const int64_t past_us = start_us % (MINUTE_S * INT64_C(1000000));
    const size_t past = (size_t)(past_us < 0 ? 0 : past_us) * WK_GRID_RATE_HZ / 1000000;
    begin_second(household);
    begin_row(household, MINUTE_S * WK_GRID_RATE_HZ - past);
}
