/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/enrol.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/config_dlms.h"
#include "management/event.h"

#define LOOK_MS   1000
#define FOLDER    "tls"
#define TOLD      "certificate-told"
#define TOLD_ROOM 48
#define DAY_S     86400
#define HOUR_S    3600
#define MINUTE_S  60

/* That of certificates: not of the meter's clock, which may be that of a recording. */
static int64_t wall_s(void)
{
    return (int64_t)time(NULL);
}

/* ---- class 64 ---------------------------------------------------------------------------- */

static wk_err generate(void *self)
{
    struct wk_meter_enrol *enrol = self;
    return wk_enrol_begin(&enrol->enrol, enrol->error);
}

static wk_err request(void *self, struct wk_bytes_in *der)
{
    const struct wk_enrol *enrol = &((struct wk_meter_enrol *)self)->enrol;
    *der = wk_bytes_in_of(enrol->request, enrol->request_size);
    return enrol->waiting != WK_ENROL_NONE ? WK_OK : WK_E_STATE;
}

static wk_err import(void *self, struct wk_bytes_in der)
{
    struct wk_meter_enrol *enrol = self;
    char before[WK_ENROL_ERROR];
    memcpy(before, enrol->enrol.refused, sizeof before);
    const wk_err err = wk_enrol_take(&enrol->enrol, der, wall_s());
    if (err == WK_E_NOT_FOUND) { /* of another kind: none of ours */
        memcpy(enrol->enrol.refused, before, sizeof before);
    }
    return err;
}

/* ---- what is told ------------------------------------------------------------------------ */

static void told_path(const struct wk_meter_enrol *enrol, char path[WK_WHOLE_FILE_PATH])
{
    (void)snprintf(path, WK_WHOLE_FILE_PATH, "%.500s/%s", enrol->config->state, TOLD);
}

/* "UNTIL LEVEL": what was told before the last start is not told again. */
static void read_told(struct wk_meter_enrol *enrol)
{
    char path[WK_WHOLE_FILE_PATH];
    char text[TOLD_ROOM] = "";
    char *rest = text;
    size_t size = 0;
    int64_t level = 0;
    told_path(enrol, path);
    if (wk_whole_file_read(path, text, sizeof text - 1, &size) != WK_OK) {
        return;
    }
    const char *until = strsep(&rest, " ");
    if (rest != NULL && wk_ini_integer(until, 0, INT64_MAX, &enrol->told_s) == WK_OK &&
        wk_ini_integer(rest, WK_ENROL_FINE, WK_ENROL_EXPIRED, &level) == WK_OK) {
        enrol->told = (wk_enrol_level)level;
    }
}

static void write_told(const struct wk_meter_enrol *enrol)
{
    char path[WK_WHOLE_FILE_PATH];
    char text[TOLD_ROOM];
    const int size =
        snprintf(text, sizeof text, "%" PRId64 " %d", enrol->told_s, (int)enrol->told);
    told_path(enrol, path);
    if (wk_whole_file_put(path, text, (size_t)size) != WK_OK) {
        fprintf(stderr, "wk-meterd: %s cannot be written\n", path); /* told again then */
    }
}

/* Each level once for each certificate. */
static void tell(struct wk_meter_enrol *enrol)
{
    const int64_t now_s = wall_s();
    const wk_enrol_level level =
        enrol->has_life ? wk_enrol_level_of(&enrol->life, now_s) : WK_ENROL_FINE;
    if (enrol->told_s != enrol->life.until_s) {
        enrol->told_s = enrol->life.until_s;
        enrol->told = WK_ENROL_FINE;
    }
    if (level <= enrol->told) {
        return;
    }
    const struct wk_event event = {
        .code = WK_EVENT_CERTIFICATE_ENDS,
        .detail = (uint8_t)level,
        .value = wk_enrol_left_percent(&enrol->life, now_s),
    };
    if (wk_module_log(enrol->module, event) == WK_OK) {
        enrol->told = level;
        write_told(enrol);
    }
    enrol->served(enrol->self);
}

static void find_life(struct wk_meter_enrol *enrol)
{
    enrol->has_life =
        enrol->is_on ? enrol->enrol.has_certificate
                     : wk_enrol_life_of(enrol->config->tls_certificate, &enrol->life) == WK_OK;
    if (enrol->is_on && enrol->has_life) {
        enrol->life = enrol->enrol.life;
    }
}

static void look(uv_timer_t *timer)
{
    struct wk_meter_enrol *enrol = timer->data;
    char error[WK_ENROL_ERROR] = "";
    wk_err err = enrol->is_on ? wk_enrol_look(&enrol->enrol, wall_s(), error) : WK_OK;
    find_life(enrol);
    if (err == WK_OK && enrol->is_on && enrol->has_life) {
        err = enrol->ready(enrol->self, error);
    }
    if (err != WK_OK && strcmp(error, enrol->error) != 0) {
        fprintf(stderr, "wk-meterd: certificate of TLS: %s\n", error);
    }
    memcpy(enrol->error, error, sizeof error);
    tell(enrol);
}

/* ---- beginning --------------------------------------------------------------------------- */

static void name_meter(struct wk_meter_enrol *enrol)
{
    const struct wk_config *config = enrol->config;
    for (size_t i = 0; i < sizeof config->system_title; i++) {
        (void)snprintf(enrol->title + 2 * i, 3, "%02X", config->system_title[i]);
    }
    const char *usual = config->tls_port != 0 ? config->dlms_host : enrol->title;
    (void)snprintf(enrol->name, sizeof enrol->name, "%s",
                   config->tls_enrol_name[0] != '\0' ? config->tls_enrol_name : usual);
}

/* One identity for all of the meter's TLS. */
static void share(struct wk_config *config)
{
    const struct {
        bool is_meter;
        char *certificate;
        char *key;
    } others[] = {
        {config->link_tls.is_meter, config->link_tls.certificate, config->link_tls.key},
        {config->mqtt.is_meter, config->mqtt.certificate, config->mqtt.key},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].is_meter) {
            memcpy(others[i].certificate, config->tls_certificate, WK_CONFIG_PATH);
            memcpy(others[i].key, config->tls_key, WK_CONFIG_PATH);
        }
    }
}

wk_err wk_meter_enrol_open(struct wk_meter_enrol *enrol, struct wk_config *config,
                           struct wk_hsm *hsm)
{
    *enrol = (struct wk_meter_enrol){.config = config};
    enrol->is_on = config->tls_enrol;
    enrol->is_watched = config->tls_port != 0 || config->tls_enrol;
    enrol->port = (struct wk_session_tls){
        .self = enrol, .generate = generate, .request = request, .import = import};
    if (!enrol->is_on) {
        return WK_OK;
    }
    name_meter(enrol);
    (void)snprintf(enrol->folder, sizeof enrol->folder, "%s/%s", config->state, FOLDER);
    struct wk_enrol_config wanted = {
        .folder = enrol->folder,
        .hsm = hsm,
        .subject = {.common_name = enrol->title, .name = enrol->name},
        .ca = config->tls_ca,
        .crl = config->tls_crl[0] != '\0' ? config->tls_crl : NULL,
        .p384 = strcmp(config->tls_curve, "P-384") == 0,
        .renew_percent = (uint8_t)config->tls_renew_percent,
    };
    wk_config_dlms_slots(config, wanted.slot);
    WK_TRY(wk_enrol_open(&enrol->enrol, &wanted, enrol->error));
    if (wk_enrol_names(&wanted, config->tls_certificate, config->tls_key,
                       sizeof config->tls_key) != WK_OK) {
        (void)snprintf(enrol->error, sizeof enrol->error, "%.150s: is too long a path",
                       enrol->folder);
        return WK_E_ARGUMENT;
    }
    share(config);
    return WK_OK;
}

wk_err wk_meter_enrol_start(struct wk_meter_enrol *enrol,
                            const struct wk_meter_enrol_config *config)
{
    if (!enrol->is_watched) {
        return WK_OK;
    }
    enrol->module = config->module;
    enrol->self = config->self;
    enrol->ready = config->ready;
    enrol->served = config->served;
    enrol->timer.data = enrol;
    read_told(enrol);
    find_life(enrol);
    return uv_timer_init(config->loop, &enrol->timer) == 0 &&
                   uv_timer_start(&enrol->timer, look, 0, LOOK_MS) == 0
               ? WK_OK
               : WK_E_IO;
}

bool wk_meter_enrol_is_ready(const struct wk_meter_enrol *enrol)
{
    return !enrol->is_on || enrol->enrol.has_certificate;
}

/* ---- in words ---------------------------------------------------------------------------- */

static void put_span(int64_t span_s, char text[32])
{
    const int64_t days = span_s / DAY_S;
    if (days > 1) {
        (void)snprintf(text, 32, "%" PRId64 " days", days);
    } else if (span_s >= 2 * HOUR_S) {
        (void)snprintf(text, 32, "%" PRId64 " hours", span_s / HOUR_S);
    } else if (span_s >= 2 * MINUTE_S) {
        (void)snprintf(text, 32, "%" PRId64 " minutes", span_s / MINUTE_S);
    } else {
        (void)snprintf(text, 32, "%" PRId64 " seconds", span_s);
    }
}

static const char *next_step(const struct wk_meter_enrol *enrol, wk_enrol_level level)
{
    if (!enrol->is_on) {
        return level == WK_ENROL_FINE
                   ? ""
                   : ". Put a new one in its place, or let the meter renew it (tls_enrol)";
    }
    if (enrol->enrol.waiting == WK_ENROL_NONE) {
        return level == WK_ENROL_FINE
                   ? ""
                   : ". A new key is asked for at the next look (wk security "
                     "--renew)";
    }
    return ". A new key waits for its certificate: have its request signed (wk security --csr, "
           "wk authority sign) and bring it back (wk security --import), or let the head-end "
           "do it";
}

void wk_meter_enrol_words(const struct wk_meter_enrol *enrol, char words[WK_METER_ENROL_WORDS])
{
    char span[32];
    const int64_t now_s = wall_s();
    const wk_enrol_level level =
        enrol->has_life ? wk_enrol_level_of(&enrol->life, now_s) : WK_ENROL_FINE;
    if (!enrol->is_watched) {
        (void)snprintf(words, WK_METER_ENROL_WORDS, "The meter serves no TLS");
        return;
    }
    if (!enrol->has_life) {
        (void)snprintf(words, WK_METER_ENROL_WORDS, "There is no certificate yet: no TLS%s",
                       next_step(enrol, level));
        return;
    }
    const bool over = level == WK_ENROL_EXPIRED;
    put_span(over ? now_s - enrol->life.until_s : enrol->life.until_s - now_s, span);
    (void)snprintf(words, WK_METER_ENROL_WORDS,
                   over ? "The certificate ended %s ago: nobody trusts the meter%s"
                        : "The certificate is good for %s%s",
                   span, next_step(enrol, level));
}

bool wk_meter_enrol_needs_somebody(const struct wk_meter_enrol *enrol)
{
    return enrol->is_watched &&
           (!enrol->has_life || wk_enrol_level_of(&enrol->life, wall_s()) != WK_ENROL_FINE ||
            enrol->enrol.refused[0] != '\0' || enrol->error[0] != '\0');
}
