/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/wk.h"
#include "app/wk_calibrate.h"
#include "app/wk_windows.h"

#define POINTS       16
#define PATH_ROOM    1024
#define VERIFIED_PPM 1000 /* what a calibrated point may be off at most */

struct point {
    wk_calibrate_step_kind kind;
    const char *name; /* of the plan */
    char path[PATH_ROOM];
    struct wk_calibrate_reading standard[WK_CALIBRATE_PHASES];
    struct wk_calibrate_error before[WK_CALIBRATE_PHASES];
    struct wk_calibrate_error after[WK_CALIBRATE_PHASES];
};

struct work {
    const struct wk_calibrate_run *run;
    json_t *plan;
    struct wk_calibration calibration;
    int phases;
    int points;
    struct point point[POINTS];
    struct wk_calibrate_channel u[WK_CALIBRATE_PHASES];
    struct wk_calibrate_channel i[WK_CALIBRATE_PHASES];
};

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("wk calibrate: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    return false;
}

/* ---- the plan ---------------------------------------------------------------------------- */

static double number_of(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* {"u_v", "i_a", "p_w", "q_var"} or {"u_v", "i_a", "pf", "character"} */
static bool take_reading(const json_t *value, struct wk_calibrate_reading *to)
{
    const double u_v = number_of(value, "u_v", NAN);
    const double i_a = number_of(value, "i_a", NAN);
    const double pf = number_of(value, "pf", NAN);
    const char *character = text_of(value, "character");
    const bool leads = character != NULL && strcmp(character, "capacitive") == 0;
    double p_w = number_of(value, "p_w", NAN);
    double q_var = number_of(value, "q_var", NAN);
    if (pf >= -1 && pf <= 1) {
        p_w = u_v * i_a * pf;
        q_var = u_v * i_a * sqrt(1 - pf * pf) * (leads ? -1 : 1);
    }
    if (!(u_v > 0 && u_v < 1e6) || !(i_a > 0 && i_a < 1e6) || !isfinite(p_w) ||
        !isfinite(q_var)) {
        return false;
    }
    *to = (struct wk_calibrate_reading){llrint(u_v * 1e6), llrint(i_a * 1e6), llrint(p_w * 1e6),
                                        llrint(q_var * 1e6)};
    return true;
}

static bool take_kind(const char *text, wk_calibrate_step_kind *kind)
{
    static const char *const k_kinds[] = {"gain", "phase", "curve"};
    for (int k = 0; text != NULL && k < 3; k++) {
        if (strcmp(text, k_kinds[k]) == 0) {
            *kind = (wk_calibrate_step_kind)k;
            return true;
        }
    }
    return false;
}

/* Paths of the plan are relative to it. */
static bool take_path(const struct work *work, const char *file, char path[PATH_ROOM])
{
    const char *slash = strrchr(work->run->plan, '/');
    const int folder = slash != NULL && file[0] != '/' ? (int)(slash - work->run->plan) + 1 : 0;
    return snprintf(path, PATH_ROOM, "%.*s%s", folder, work->run->plan, file) < PATH_ROOM;
}

static bool take_point(struct work *work, const json_t *value, int number)
{
    struct point *point = &work->point[work->points];
    const char *file = text_of(value, "file");
    const json_t *reference = json_object_get(value, "reference");
    if (!take_kind(text_of(value, "step"), &point->kind)) {
        return complain("points[%d].step: must be gain, phase or curve", number);
    }
    point->name = text_of(value, "name");
    if (point->name == NULL || file == NULL || !take_path(work, file, point->path)) {
        return complain("points[%d]: needs name and file", number);
    }
    for (int k = 0; k < WK_CALIBRATE_PHASES; k++) {
        const json_t *one =
            json_is_array(reference) ? json_array_get(reference, (size_t)k) : reference;
        if (k < work->phases && !take_reading(one, &point->standard[k])) {
            return complain(
                "points[%d].reference: phase %d needs u_v, i_a and p_w, q_var (or pf "
                "within -1..1 and character)",
                number, k + 1);
        }
    }
    work->points++;
    return true;
}

static bool take_plan(struct work *work)
{
    json_error_t error;
    work->plan = json_load_file(work->run->plan, JSON_REJECT_DUPLICATES, &error);
    if (work->plan == NULL) {
        return complain("%s: line %d: %s", work->run->plan, error.line, error.text);
    }
    const json_t *points = json_object_get(work->plan, "points");
    const size_t count = json_array_size(points);
    work->phases = (int)number_of(work->plan, "phases", 3);
    if (text_of(work->plan, "meter") == NULL || text_of(work->plan, "standard") == NULL ||
        !(number_of(work->plan, "nominal_v", 0) > 0) ||
        !(number_of(work->plan, "base_a", 0) > 0)) {
        return complain("%s: needs meter, standard, nominal_v and base_a", work->run->plan);
    }
    if ((work->phases != 1 && work->phases != 3) || count == 0 || count > POINTS) {
        return complain("%s: phases must be 1 or 3, points 1 to %d", work->run->plan, POINTS);
    }
    for (size_t n = 0; n < count; n++) {
        if (!take_point(work, json_array_get(points, n), (int)n)) {
            return false;
        }
    }
    return work->point[0].kind == WK_CALIBRATE_GAIN
               ? true
               : complain("points[0]: the first point must be a gain step (PF 1)");
}

/* ---- measuring --------------------------------------------------------------------------- */

static wk_err take_window(void *self, const struct wk_record *record)
{
    (void)wk_calibrate_mean_add(self, record);
    return WK_OK;
}

/* Runs a recording under the corrections found so far. */
static bool run_file(struct work *work, const char *path, struct wk_windows *windows,
                     struct wk_calibrate_mean *mean)
{
    for (int k = 0; k < work->phases; k++) {
        if (wk_calibration_set(&work->calibration, WK_HAL_VOLTAGE, (uint8_t)k, &work->u[k]) !=
                WK_OK ||
            wk_calibration_set(&work->calibration, WK_HAL_CURRENT, (uint8_t)k, &work->i[k]) !=
                WK_OK) {
            return complain("%s", work->calibration.why);
        }
    }
    wk_calibrate_mean_init(mean);
    *windows = (struct wk_windows){
        .path = path,
        .u = text_of(work->plan, "u"),
        .i = text_of(work->plan, "i"),
        .fnom_hz = number_of(work->plan, "nominal_hz", 0),
        .calibration = &work->calibration,
        .sink = {.self = mean, .emit = take_window},
    };
    return wk_windows_run(windows) ? true : complain("%s", windows->why);
}

static bool measure(struct work *work, const struct point *point,
                    struct wk_calibrate_reading meter[], int64_t *f_uhz)
{
    struct wk_calibrate_mean mean = {0};
    struct wk_calibrate_fault fault = {.phase = -1};
    struct wk_windows windows = {0};
    if (!run_file(work, point->path, &windows, &mean)) {
        return false;
    }
    if (mean.windows > 0 && mean.phases != work->phases) {
        return complain("%s: %s: has %d phases, the plan %d", point->name, point->path,
                        mean.phases, work->phases);
    }
    if (wk_calibrate_mean_take(&mean, meter, &fault) != WK_OK) {
        return fault.phase < 0 ? complain("%s: %s: %s", point->name, point->path, fault.reason)
                               : complain("%s: %s: L%d: %s", point->name, point->path,
                                          fault.phase + 1, fault.reason);
    }
    *f_uhz = mean.windows > 0 ? mean.f_uhz / mean.windows : 0;
    return true;
}

/* Errors of all points under the corrections as they are. */
static bool measure_errors(struct work *work, bool after)
{
    for (int n = 0; n < work->points; n++) {
        struct point *point = &work->point[n];
        struct wk_calibrate_reading meter[WK_CALIBRATE_PHASES] = {{0}};
        int64_t f_uhz = 0;
        if (!measure(work, point, meter, &f_uhz)) {
            return false;
        }
        for (int k = 0; k < work->phases; k++) {
            const struct wk_calibrate_error error =
                wk_calibrate_error_of(&meter[k], &point->standard[k]);
            *(after ? &point->after[k] : &point->before[k]) = error;
            if (after && (error.p_ppm > VERIFIED_PPM || error.p_ppm < -VERIFIED_PPM)) {
                return complain("%s: L%d: after the calibration the power is still off by %d "
                                "ppm: the readings contradict each other",
                                point->name, k + 1, error.p_ppm);
            }
        }
    }
    return true;
}

/* ---- the steps --------------------------------------------------------------------------- */

static wk_err correct(struct work *work, const struct point *point, int k,
                      const struct wk_calibrate_reading *meter, int64_t f_uhz,
                      struct wk_calibrate_fault *fault)
{
    switch (point->kind) {
    case WK_CALIBRATE_GAIN:
        return wk_calibrate_gain(meter, &point->standard[k], &work->u[k], &work->i[k], fault);
    case WK_CALIBRATE_PHASE:
        return wk_calibrate_phase(meter, &point->standard[k], f_uhz, &work->i[k], fault);
    case WK_CALIBRATE_CURVE:
        return wk_calibrate_curve(meter, &point->standard[k], &work->i[k], fault);
    }
    return WK_E_ARGUMENT;
}

/* All points of one kind, under the corrections of the kinds before. */
static bool calibrate_kind(struct work *work, wk_calibrate_step_kind kind)
{
    struct wk_calibrate_reading meter[POINTS][WK_CALIBRATE_PHASES] = {{{0}}};
    int64_t f_uhz[POINTS] = {0};
    struct wk_calibrate_fault fault;
    for (int n = 0; n < work->points; n++) {
        if (work->point[n].kind == kind &&
            !measure(work, &work->point[n], meter[n], &f_uhz[n])) {
            return false;
        }
    }
    for (int n = 0; n < work->points; n++) {
        const struct point *point = &work->point[n];
        for (int k = 0; point->kind == kind && k < work->phases; k++) {
            if (correct(work, point, k, &meter[n][k], f_uhz[n], &fault) != WK_OK) {
                return complain("%s: L%d: %s", point->name, k + 1, fault.reason);
            }
        }
    }
    return true;
}

static bool one_of_each(const struct work *work)
{
    int count[3] = {0};
    for (int n = 0; n < work->points; n++) {
        count[work->point[n].kind]++;
    }
    return count[WK_CALIBRATE_GAIN] == 1 && count[WK_CALIBRATE_PHASE] <= 1
               ? true
               : complain("the plan must have one gain step and at most one phase step");
}

/* Offsets from a recording with nothing connected. */
static bool calibrate_offsets(struct work *work)
{
    const char *file = text_of(work->plan, "offset");
    struct wk_calibrate_mean mean = {0};
    struct wk_windows windows = {0};
    char path[PATH_ROOM];
    if (file == NULL) {
        return true;
    }
    if (!take_path(work, file, path) || !run_file(work, path, &windows, &mean)) {
        return false;
    }
    for (int c = 0; c < windows.info.channels; c++) {
        const struct wk_hal_channel *channel = &windows.info.channel[c];
        struct wk_calibrate_channel *to = channel->quantity == WK_HAL_VOLTAGE
                                              ? &work->u[channel->phase % 3]
                                              : &work->i[channel->phase % 3];
        struct wk_calibrate_fault fault;
        if (channel->phase < work->phases &&
            wk_calibrate_offset(channel, windows.sum[c], windows.frames, to, &fault) != WK_OK) {
            return complain("%s: %s", path, fault.reason);
        }
    }
    return true;
}

/* ---- the result -------------------------------------------------------------------------- */

static json_t *error_json(const struct wk_calibrate_error *error)
{
    return json_pack("{s:i, s:i, s:i, s:i}", "u_ppm", error->u_ppm, "i_ppm", error->i_ppm,
                     "p_ppm", error->p_ppm, "angle_udeg", error->angle_udeg);
}

static json_t *points_json(const struct work *work)
{
    json_t *array = json_array();
    for (int n = 0; n < work->points; n++) {
        const struct point *point = &work->point[n];
        for (int k = 0; k < work->phases; k++) {
            const struct wk_calibrate_reading *standard = &point->standard[k];
            const double s_va = (double)standard->u_uv * 1e-6 * (double)standard->i_ua * 1e-6;
            json_array_append_new(array, json_pack("{s:s, s:i, s:f, s:f, s:f, s:b, s:o, s:o}",
                                                   "name", point->name, "phase", k + 1, "u_v",
                                                   (double)standard->u_uv / 1e6, "i_a",
                                                   (double)standard->i_ua / 1e6, "pf",
                                                   (double)standard->p_uw * 1e-6 / s_va,
                                                   "capacitive", (int)(standard->q_uvar < 0),
                                                   "before", error_json(&point->before[k]),
                                                   "after", error_json(&point->after[k])));
        }
    }
    return array;
}

/* A sealed file is opened only with a reason, and its log goes on. */
static bool open_file(struct work *work)
{
    struct wk_calibration *calibration = &work->calibration;
    const struct wk_calibrate_run *run = work->run;
    if (access(run->out, F_OK) != 0) {
        return wk_calibration_init(calibration, text_of(work->plan, "meter")) == WK_OK
                   ? true
                   : complain("%s", calibration->why);
    }
    if (wk_calibration_read(calibration, run->out) != WK_OK) {
        return complain("%s", calibration->why);
    }
    if (!calibration->sealed) {
        return true;
    }
    if (run->break_seal == NULL) {
        return complain("%s is sealed; --break-seal REASON opens it, and is logged", run->out);
    }
    return wk_calibration_log(calibration, false, run->who, run->when, run->break_seal) == WK_OK
               ? true
               : complain("%s", calibration->why);
}

static bool store(struct work *work)
{
    static const char *const k_copied[] = {"meter", "standard", "nominal_v", "nominal_hz",
                                           "base_a"};
    struct wk_calibration *calibration = &work->calibration;
    const struct wk_calibrate_run *run = work->run;
    for (size_t k = 0; k < sizeof k_copied / sizeof k_copied[0]; k++) {
        json_t *value = json_object_get(work->plan, k_copied[k]);
        if (value != NULL) {
            json_object_set(calibration->root, k_copied[k], value);
        }
    }
    json_object_set_new(calibration->root, "who", json_string(run->who));
    json_object_set_new(calibration->root, "when", json_string(run->when));
    if (json_object_set_new(calibration->root, "points", points_json(work)) != 0) {
        return complain("no memory");
    }
    if (wk_calibration_log(calibration, true, run->who, run->when, run->reason) != WK_OK ||
        wk_calibration_write(calibration, run->out) != WK_OK) {
        return complain("%s", calibration->why);
    }
    return true;
}

static void print_result(const struct work *work)
{
    printf("%-28s %5s %24s %24s\n", "point", "phase", "before: P ppm, mdeg",
           "after: P ppm, mdeg");
    for (int n = 0; n < work->points; n++) {
        for (int k = 0; k < work->phases; k++) {
            const struct point *point = &work->point[n];
            printf("%-28.28s    L%d %13d %10.3f %13d %10.3f\n", point->name, k + 1,
                   point->before[k].p_ppm, point->before[k].angle_udeg / 1e3,
                   point->after[k].p_ppm, point->after[k].angle_udeg / 1e3);
        }
    }
    printf("sealed: %s\nhead of the log: %s\n", work->run->out, work->calibration.head);
}

static bool work_through(struct work *work)
{
    return take_plan(work) && one_of_each(work) && open_file(work) &&
           measure_errors(work, false) && calibrate_offsets(work) &&
           calibrate_kind(work, WK_CALIBRATE_GAIN) &&
           calibrate_kind(work, WK_CALIBRATE_PHASE) &&
           calibrate_kind(work, WK_CALIBRATE_CURVE) && measure_errors(work, true) &&
           store(work);
}

int wk_calibrate_run_plan(const struct wk_calibrate_run *run)
{
    static struct work work;
    memset(&work, 0, sizeof work);
    work.run = run;
    const bool done = work_through(&work);
    if (done) {
        print_result(&work);
    }
    wk_calibration_free(&work.calibration);
    json_decref(work.plan);
    return done ? WK_EXIT_OK : WK_EXIT_FAILED;
}
