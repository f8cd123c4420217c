/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/calibration.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#define FORMAT_VERSION 1
#define DIGEST_OCTETS  32
#define PATH_ROOM      1024

static wk_err refuse(struct wk_calibration *calibration, wk_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static wk_err refuse(struct wk_calibration *calibration, wk_err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(calibration->why, sizeof calibration->why, format, arguments);
    va_end(arguments);
    return err;
}

/* ---- digests ----------------------------------------------------------------------------- */

/* SHA-256 of the value written compactly with sorted keys. */
static bool digest_of(const json_t *value, char hex[WK_CALIBRATION_DIGEST])
{
    unsigned char octets[DIGEST_OCTETS];
    unsigned size = 0;
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    const bool made = text != NULL &&
                      EVP_Digest(text, strlen(text), octets, &size, EVP_sha256(), NULL) == 1 &&
                      size == DIGEST_OCTETS;
    for (unsigned i = 0; made && i < DIGEST_OCTETS; i++) {
        snprintf(hex + 2 * (size_t)i, 3, "%02x", octets[i]);
    }
    free(text);
    return made;
}

/* All of the file but its log. */
static bool content_digest(const json_t *root, char hex[WK_CALIBRATION_DIGEST])
{
    json_t *content = json_copy((json_t *)(uintptr_t)root);
    bool made = false;
    if (content != NULL) {
        json_object_del(content, "log");
        made = digest_of(content, hex);
    }
    json_decref(content);
    return made;
}

/* An entry with all but its own digest. */
static bool entry_digest(const json_t *entry, char hex[WK_CALIBRATION_DIGEST])
{
    json_t *bare = json_copy((json_t *)(uintptr_t)entry);
    bool made = false;
    if (bare != NULL) {
        json_object_del(bare, "digest");
        made = digest_of(bare, hex);
    }
    json_decref(bare);
    return made;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static wk_err check_entry(struct wk_calibration *calibration, const json_t *entry,
                          size_t number)
{
    char digest[WK_CALIBRATION_DIGEST];
    const char *action = text_of(entry, "action");
    const bool seals = strcmp(action, "seal") == 0;
    if (!seals && strcmp(action, "unseal") != 0) {
        return refuse(calibration, WK_E_CORRUPT,
                      "the seal is broken: entry %zu of the log is neither seal nor unseal",
                      number);
    }
    if (strcmp(text_of(entry, "before"), calibration->head) != 0) {
        return refuse(calibration, WK_E_CORRUPT,
                      "the seal is broken: entry %zu of the log does not follow the one before",
                      number);
    }
    if (!entry_digest(entry, digest) || strcmp(text_of(entry, "digest"), digest) != 0) {
        return refuse(calibration, WK_E_CORRUPT,
                      "the seal is broken: entry %zu of the log was changed", number);
    }
    if (seals == calibration->sealed) {
        return refuse(calibration, WK_E_CORRUPT,
                      "the seal is broken: entry %zu of the log repeats %s", number, action);
    }
    calibration->sealed = seals;
    memcpy(calibration->head, digest, sizeof digest);
    return WK_OK;
}

static wk_err check_log(struct wk_calibration *calibration)
{
    const json_t *log = json_object_get(calibration->root, "log");
    const size_t entries = json_array_size(log);
    char digest[WK_CALIBRATION_DIGEST];
    if (!json_is_array(log) || entries > WK_CALIBRATION_LOG) {
        return refuse(calibration, WK_E_FORMAT, "log: must be an array of at most %d entries",
                      WK_CALIBRATION_LOG);
    }
    for (size_t number = 0; number < entries; number++) {
        WK_TRY(check_entry(calibration, json_array_get(log, number), number + 1));
    }
    if (!content_digest(calibration->root, digest)) {
        return refuse(calibration, WK_E_IO, "no memory");
    }
    const char *sealed =
        entries > 0 ? text_of(json_array_get(log, entries - 1), "content") : "";
    if (calibration->sealed && strcmp(sealed, digest) != 0) {
        return refuse(calibration, WK_E_CORRUPT,
                      "the seal is broken: the content was changed after it was sealed");
    }
    return WK_OK;
}

/* ---- channels ---------------------------------------------------------------------------- */

static bool whole(const json_t *object, const char *key, int64_t most, int64_t *value)
{
    const json_t *number = json_object_get(object, key);
    *value = json_integer_value(number);
    return json_is_integer(number) && *value >= -most && *value <= most;
}

static wk_err take_curve(struct wk_calibration *calibration, const json_t *points,
                         const char *path, struct wk_calibrate_channel *to)
{
    const size_t count = json_array_size(points);
    int64_t last = -1;
    if (!json_is_array(points) || count > WK_HAL_CURVE) {
        return refuse(calibration, WK_E_FORMAT,
                      "%s.curve: must be an array of at most %d points", path, WK_HAL_CURVE);
    }
    for (size_t p = 0; p < count; p++) {
        const json_t *point = json_array_get(points, p);
        int64_t i_ua;
        int64_t gain_ppm;
        int64_t phase_udeg;
        if (!whole(point, "i_ua", INT64_MAX, &i_ua) || i_ua <= last ||
            !whole(point, "gain_ppm", 100000, &gain_ppm) ||
            !whole(point, "phase_udeg", 10000000, &phase_udeg)) {
            return refuse(calibration, WK_E_FORMAT,
                          "%s.curve[%zu]: must be i_ua (rising), gain_ppm within 100000 and "
                          "phase_udeg within 10000000",
                          path, p);
        }
        last = i_ua;
        to->curve[p] = (struct wk_hal_curve_point){
            .i_ua = i_ua, .gain_ppm = (int32_t)gain_ppm, .phase_udeg = (int32_t)phase_udeg};
    }
    to->curve_points = (uint8_t)count;
    return WK_OK;
}

static wk_err take_channel(struct wk_calibration *calibration, const json_t *value, size_t at)
{
    struct wk_calibrate_channel *to = &calibration->channel[at].correction;
    const char *quantity = text_of(value, "quantity");
    char path[32];
    int64_t phase;
    int64_t gain_ppb;
    int64_t delay_ns;
    snprintf(path, sizeof path, "channels[%zu]", at);
    if (strcmp(quantity, "voltage") != 0 && strcmp(quantity, "current") != 0) {
        return refuse(calibration, WK_E_FORMAT, "%s.quantity: must be voltage or current",
                      path);
    }
    if (!whole(value, "phase", 4, &phase) || phase < 1) {
        return refuse(calibration, WK_E_FORMAT, "%s.phase: must be 1 to 4", path);
    }
    if (!whole(value, "gain_ppb", WK_CALIBRATE_GAIN_PPB, &gain_ppb)) {
        return refuse(calibration, WK_E_FORMAT, "%s.gain_ppb: must be within %d", path,
                      WK_CALIBRATE_GAIN_PPB);
    }
    if (!whole(value, "offset_micro", INT64_MAX, &to->offset_micro)) {
        return refuse(calibration, WK_E_FORMAT, "%s.offset_micro: must be a whole number",
                      path);
    }
    if (!whole(value, "delay_ns", 50000, &delay_ns)) {
        return refuse(calibration, WK_E_FORMAT, "%s.delay_ns: must be within 50000", path);
    }
    to->gain_ppb = (int32_t)gain_ppb;
    to->delay_ns = (int32_t)delay_ns;
    calibration->channel[at].phase = (uint8_t)(phase - 1);
    calibration->channel[at].quantity = quantity[0] == 'v' ? WK_HAL_VOLTAGE : WK_HAL_CURRENT;
    return take_curve(calibration, json_object_get(value, "curve"), path, to);
}

static wk_err take_channels(struct wk_calibration *calibration)
{
    const json_t *channels = json_object_get(calibration->root, "channels");
    const size_t count = json_array_size(channels);
    int64_t version;
    if (!whole(calibration->root, "wattkeeper_calibration", FORMAT_VERSION, &version) ||
        version != FORMAT_VERSION) {
        return refuse(calibration, WK_E_FORMAT,
                      "wattkeeper_calibration: must be %d: this is no calibration file",
                      FORMAT_VERSION);
    }
    if (!json_is_array(channels) || count > WK_HAL_CHANNELS) {
        return refuse(calibration, WK_E_FORMAT, "channels: must be an array of at most %d",
                      WK_HAL_CHANNELS);
    }
    for (size_t at = 0; at < count; at++) {
        WK_TRY(take_channel(calibration, json_array_get(channels, at), at));
    }
    calibration->channels = (uint8_t)count;
    return WK_OK;
}

/* ---- the file ---------------------------------------------------------------------------- */

wk_err wk_calibration_init(struct wk_calibration *calibration, const char *meter)
{
    memset(calibration, 0, sizeof *calibration);
    calibration->root = json_pack("{s:i, s:s, s:[], s:[]}", "wattkeeper_calibration",
                                  FORMAT_VERSION, "meter", meter, "channels", "log");
    return calibration->root != NULL
               ? WK_OK
               : refuse(calibration, WK_E_ARGUMENT, "the meter's name is no UTF-8 text");
}

void wk_calibration_free(struct wk_calibration *calibration)
{
    json_decref(calibration->root);
    calibration->root = NULL;
    calibration->channels = 0;
    calibration->sealed = false;
}

wk_err wk_calibration_read(struct wk_calibration *calibration, const char *path)
{
    json_error_t error;
    memset(calibration, 0, sizeof *calibration);
    calibration->root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (calibration->root == NULL) {
        return error.line < 0 ? refuse(calibration, WK_E_NOT_FOUND, "%s: %s", path, error.text)
                              : refuse(calibration, WK_E_FORMAT, "%s: line %d: %s", path,
                                       error.line, error.text);
    }
    wk_err err = take_channels(calibration);
    err = err == WK_OK ? check_log(calibration) : err;
    if (err != WK_OK) {
        char reason[WK_CALIBRATION_WHY];
        memcpy(reason, calibration->why, sizeof reason);
        wk_calibration_free(calibration);
        return refuse(calibration, err, "%.120s: %.180s", path, reason);
    }
    return WK_OK;
}

wk_err wk_calibration_write(struct wk_calibration *calibration, const char *path)
{
    char part[PATH_ROOM];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
        return refuse(calibration, WK_E_ARGUMENT, "the path is too long");
    }
    FILE *file = fopen(part, "w");
    if (file == NULL) {
        return refuse(calibration, WK_E_IO, "%s: cannot be written", part);
    }
    bool written =
        json_dumpf(calibration->root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
        fputc('\n', file) != EOF && fflush(file) == 0 && fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    if (!written || rename(part, path) != 0) {
        (void)remove(part);
        return refuse(calibration, WK_E_IO, "%s: cannot be written", path);
    }
    return WK_OK;
}

/* ---- changes ----------------------------------------------------------------------------- */

static json_t *curve_json(const struct wk_calibrate_channel *correction)
{
    json_t *curve = json_array();
    for (int p = 0; p < correction->curve_points; p++) {
        const struct wk_hal_curve_point *point = &correction->curve[p];
        json_array_append_new(
            curve, json_pack("{s:I, s:i, s:i}", "i_ua", (json_int_t)point->i_ua, "gain_ppm",
                             point->gain_ppm, "phase_udeg", point->phase_udeg));
    }
    return curve;
}

wk_err wk_calibration_set(struct wk_calibration *calibration, wk_hal_quantity quantity,
                          uint8_t phase, const struct wk_calibrate_channel *correction)
{
    int at = 0;
    if (calibration->sealed) {
        return refuse(calibration, WK_E_STATE, "the calibration is sealed");
    }
    while (at < calibration->channels && (calibration->channel[at].quantity != quantity ||
                                          calibration->channel[at].phase != phase)) {
        at++;
    }
    if (at == WK_HAL_CHANNELS) {
        return refuse(calibration, WK_E_FULL, "there are eight channels already");
    }
    json_t *value = json_pack("{s:s, s:i, s:i, s:I, s:i, s:o}", "quantity",
                              quantity == WK_HAL_VOLTAGE ? "voltage" : "current", "phase",
                              phase + 1, "gain_ppb", correction->gain_ppb, "offset_micro",
                              (json_int_t)correction->offset_micro, "delay_ns",
                              correction->delay_ns, "curve", curve_json(correction));
    json_t *channels = json_object_get(calibration->root, "channels");
    const int failed = at < calibration->channels
                           ? json_array_set_new(channels, (size_t)at, value)
                           : json_array_append_new(channels, value);
    if (failed != 0) {
        return refuse(calibration, WK_E_IO, "no memory");
    }
    calibration->channel[at].quantity = quantity;
    calibration->channel[at].phase = phase;
    calibration->channel[at].correction = *correction;
    if (at == calibration->channels) {
        calibration->channels++;
    }
    return WK_OK;
}

static bool is_time(const char *text)
{
    static const char k_form[] = "0000-00-00T00:00:00Z";
    if (strlen(text) != sizeof k_form - 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof k_form - 1; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (k_form[i] == '0' ? !digit : text[i] != k_form[i]) {
            return false;
        }
    }
    return true;
}

static bool is_text(const char *text)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= WK_CALIBRATION_TEXT;
}

wk_err wk_calibration_log(struct wk_calibration *calibration, bool seal, const char *who,
                          const char *when, const char *reason)
{
    char digest[WK_CALIBRATION_DIGEST];
    if (!is_text(who) || !is_text(reason) || when == NULL || !is_time(when)) {
        return refuse(
            calibration, WK_E_ARGUMENT,
            "who and the reason must be texts of 1 to %d characters, and the time like "
            "2026-02-01T23:00:00Z",
            WK_CALIBRATION_TEXT);
    }
    json_t *log = json_object_get(calibration->root, "log");
    if (seal == calibration->sealed || json_array_size(log) >= WK_CALIBRATION_LOG) {
        return refuse(calibration, WK_E_STATE, "the calibration is %s",
                      seal ? "sealed already" : "not sealed");
    }
    if (!content_digest(calibration->root, digest)) {
        return refuse(calibration, WK_E_IO, "no memory");
    }
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "action",
                              seal ? "seal" : "unseal", "who", who, "when", when, "reason",
                              reason, "content", digest, "before", calibration->head);
    if (entry == NULL || !entry_digest(entry, digest) ||
        json_object_set_new(entry, "digest", json_string(digest)) != 0 ||
        json_array_append(log, entry) != 0) {
        json_decref(entry);
        return refuse(calibration, WK_E_ARGUMENT, "who or the reason is no UTF-8 text");
    }
    json_decref(entry);
    calibration->sealed = seal;
    memcpy(calibration->head, digest, sizeof digest);
    return WK_OK;
}

/* ---- use --------------------------------------------------------------------------------- */

static int find_channel(const struct wk_hal_frontend_info *info, wk_hal_quantity quantity,
                        uint8_t phase)
{
    for (int c = 0; c < info->channels; c++) {
        if (info->channel[c].quantity == quantity && info->channel[c].phase == phase) {
            return c;
        }
    }
    return -1;
}

wk_err wk_calibration_apply(struct wk_calibration *calibration, bool unsealed_too,
                            struct wk_hal_frontend_info *info)
{
    struct wk_hal_frontend_info corrected = *info;
    if (!calibration->sealed && !unsealed_too) {
        return refuse(calibration, WK_E_STATE, "the calibration is not sealed");
    }
    for (int at = 0; at < calibration->channels; at++) {
        const wk_hal_quantity quantity = calibration->channel[at].quantity;
        const uint8_t phase = calibration->channel[at].phase;
        const int c = find_channel(info, quantity, phase);
        const char *name = quantity == WK_HAL_VOLTAGE ? "voltage" : "current";
        if (c < 0) {
            return refuse(calibration, WK_E_NOT_FOUND,
                          "channels[%d]: the front end has no %s of phase %d", at, name,
                          phase + 1);
        }
        if (wk_calibrate_apply(&corrected.channel[c], &calibration->channel[at].correction) !=
            WK_OK) {
            return refuse(calibration, WK_E_RANGE,
                          "channels[%d]: the %s of phase %d cannot be corrected so far", at,
                          name, phase + 1);
        }
    }
    *info = corrected;
    return WK_OK;
}
