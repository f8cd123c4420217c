/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/registry.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/archive_open.h"
#include "headend/stamp.h"

struct reader {
    struct wk_registry *registry;
    const char *path;
    size_t room;                     /* of the meters */
    struct wk_registry_meter *meter; /* of the section */
    bool plan_missing;               /* a [plan] section whose file did not come yet */
};

static wk_err refuse(char *reason, size_t size, const char *text, const char *value)
{
    snprintf(reason, size, "%s: '%.80s'", text, value);
    return WK_E_FORMAT;
}

/* A path relative to the directory of the configuration file. */
static wk_err beside(const char *config, const char *value, char *out, size_t room)
{
    const char *slash = strrchr(config, '/');
    const int head = value[0] == '/' || slash == NULL ? 0 : (int)(slash - config + 1);
    const int size = snprintf(out, room, "%.*s%s", head, config, value);
    return *value == '\0' || size < 0 || (size_t)size >= room ? WK_E_RANGE : WK_OK;
}

static wk_err take_archive(const struct reader *reader, const char *value)
{
    struct wk_registry *r = reader->registry;
    return wk_archive_is_database(value)
               ? wk_ini_text(value, r->archive, sizeof r->archive)
               : beside(reader->path, value, r->archive, sizeof r->archive);
}

/* The files of TLS: true if it is one. */
static bool take_file(const struct reader *reader, const struct wk_ini_entry *e, wk_err *err)
{
    struct wk_registry *r = reader->registry;
    const struct {
        const char *key;
        char *path;
    } files[] = {{"tls_ca", r->tls_ca},
                 {"tls_certificate", r->tls_certificate},
                 {"tls_key", r->tls_key},
                 {"tls_crl", r->tls_crl},
                 {"authority", r->authority}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(files[i].key, e->key) == 0) {
            *err = beside(reader->path, e->value, files[i].path, sizeof r->tls_ca);
            return true;
        }
    }
    return false;
}

/* ---- [headend] -------------------------------------------------------------------------- */

struct number_key {
    const char *key;
    size_t offset;
    int64_t min;
    int64_t max;
};

static const struct number_key k_numbers[] = {
    {"poll_s", offsetof(struct wk_registry, poll_s), 1, 86400},
    {"retry_s", offsetof(struct wk_registry, retry_s), 1, 86400},
    {"retry_max_s", offsetof(struct wk_registry, retry_max_s), 1, 7 * 86400},
    {"open_days", offsetof(struct wk_registry, open_days), 0, 60},
    {"gap_tries", offsetof(struct wk_registry, gap_tries), 1, 1000},
    {"history_days", offsetof(struct wk_registry, history_days), 1, 1000},
    {"clock_limit_s", offsetof(struct wk_registry, clock_limit_s), 0, 900},
    {"certificate_life_s", offsetof(struct wk_registry, certificate_life_s), 2,
     INT64_C(7300) * 86400},
    {"seed", offsetof(struct wk_registry, seed), 0, INT64_MAX},
};

static wk_err take_number(struct wk_registry *registry, const struct wk_ini_entry *e,
                          char *reason, size_t size)
{
    int64_t number;
    for (size_t i = 0; i < sizeof k_numbers / sizeof k_numbers[0]; i++) {
        const struct number_key *key = &k_numbers[i];
        if (strcmp(key->key, e->key) != 0) {
            continue;
        }
        if (wk_ini_integer(e->value, key->min, key->max, &number) != WK_OK) {
            snprintf(reason, size, "%s must be a whole number %lld..%lld, not '%.60s'", e->key,
                     (long long)key->min, (long long)key->max, e->value);
            return WK_E_RANGE;
        }
        memcpy((char *)registry + key->offset, &number, sizeof number);
        return WK_OK;
    }
    return refuse(reason, size, "unknown key in [headend]", e->key);
}

/* A device and its rate. */
static wk_err take_line(struct wk_registry *registry, const char *value)
{
    int64_t baud = 0;
    const char *space = strrchr(value, ' ');
    if (registry->link_lines == WK_REGISTRY_LINES) {
        return WK_E_FULL;
    }
    struct wk_registry_line *line = &registry->link_line[registry->link_lines];
    const size_t size = space != NULL ? (size_t)(space - value) : 0;
    if (size == 0 || size >= sizeof line->device) {
        return WK_E_FORMAT;
    }
    WK_TRY(wk_ini_integer(space + 1, 300, 4000000, &baud));
    memcpy(line->device, value, size);
    line->device[size] = '\0';
    line->baud = (uint32_t)baud;
    registry->link_lines++;
    return WK_OK;
}

/* A broker; its address has to name TLS or none. */
static wk_err take_broker(struct wk_registry *r, const char *value)
{
    const char *must = wk_link_carrier_parse(value, &r->link_mqtt);
    const bool is_mqtt =
        must == NULL && strncmp(r->link_mqtt.kind->scheme, "mqtt", strlen("mqtt")) == 0;
    return is_mqtt && strpbrk(r->link_mqtt.rest, "+#") == NULL ? WK_OK : WK_E_FORMAT;
}

/* Where meters send to: true if it is one of these. */
static bool take_link(struct wk_registry *r, const struct wk_ini_entry *e, wk_err *err)
{
    const struct {
        const char *key;
        uint16_t *port;
        char *text; /* of 64 characters */
    } keys[] = {{"link_port", &r->link_port, NULL},
                {"link_coap_port", &r->link_coap_port, NULL},
                {"link_tls_port", &r->link_tls_port, NULL},
                {"link_mqtt_user", NULL, r->link_mqtt_user},
                {"link_mqtt_password", NULL, r->link_mqtt_password},
                {"link_mqtt_name", NULL, r->link_mqtt_name}};
    if (strcmp(e->key, "link_mqtt") == 0) {
        *err = take_broker(r, e->value);
        return true;
    }
    if (strcmp(e->key, "link_line") == 0) {
        *err = take_line(r, e->value);
        return true;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t number = 0;
        if (strcmp(e->key, keys[i].key) != 0) {
            continue;
        }
        *err = keys[i].port != NULL
                   ? wk_ini_integer(e->value, 1, UINT16_MAX, &number)
                   : wk_ini_text(e->value, keys[i].text, sizeof r->link_mqtt_user);
        if (keys[i].port != NULL) {
            *keys[i].port = (uint16_t)number;
        }
        return true;
    }
    return false;
}

static wk_err take_headend(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                           size_t size)
{
    struct wk_registry *r = reader->registry;
    int64_t number = 0;
    wk_err err = WK_OK;
    if (take_file(reader, e, &err) || take_link(r, e, &err)) {
        /* it is one of these */
    } else if (strcmp(e->key, "archive") == 0) {
        err = take_archive(reader, e->value);
    } else if (strcmp(e->key, "listen") == 0) {
        err = wk_ini_text(e->value, r->listen, sizeof r->listen);
    } else if (strcmp(e->key, "token") == 0) {
        err = strlen(e->value) < 8 ? WK_E_RANGE
                                   : wk_ini_text(e->value, r->token, sizeof r->token);
    } else if (strcmp(e->key, "port") == 0) {
        err = wk_ini_integer(e->value, 0, 65535, &number);
        r->port = (uint16_t)number;
    } else if (strcmp(e->key, "workers") == 0) {
        err = wk_ini_integer(e->value, 1, 64, &number);
        r->workers = (int)number;
    } else {
        return take_number(r, e, reason, size);
    }
    if (err == WK_OK) {
        return WK_OK;
    }
    if (strcmp(e->key, "token") == 0) { /* a secret does not go into an error text */
        snprintf(reason, size, "token must have 8..127 characters");
        return err;
    }
    if (strcmp(e->key, "link_mqtt_password") == 0) { /* likewise */
        snprintf(reason, size, "link_mqtt_password must have 1..63 characters");
        return err;
    }
    if (strcmp(e->key, "link_mqtt") == 0) {
        snprintf(reason, size,
                 "link_mqtt must be mqtts://HOST:PORT/PREFIX or mqtt://HOST:PORT/PREFIX");
        return err;
    }
    if (strcmp(e->key, "archive") == 0) { /* nor does an address, which may have one in it */
        snprintf(reason, size, "archive must have 1..%zu characters", sizeof r->archive - 1);
        return err;
    }
    snprintf(reason, size, "bad value for %s: '%.80s'", e->key, e->value);
    return err;
}

/* ---- [plan] ----------------------------------------------------------------------------- */

static int find_plan(const struct wk_registry *registry, const char *name)
{
    for (int i = 0; i < registry->plans; i++) {
        if (strcmp(registry->plan_name[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static wk_err begin_plan(struct reader *reader, const char *name, char *reason, size_t size)
{
    struct wk_registry *r = reader->registry;
    if (r->plans == WK_REGISTRY_PLANS || find_plan(r, name) >= 0 ||
        wk_ini_text(name, r->plan_name[r->plans], WK_PLAN_NAME) != WK_OK) {
        return refuse(reason, size, "a plan needs a new name, and there may be 16", name);
    }
    r->plans++;
    reader->plan_missing = true;
    return WK_OK;
}

static wk_err take_plan(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                        size_t size)
{
    char path[512];
    char why[WK_INI_WHY];
    if (strcmp(e->key, "file") != 0) {
        return refuse(reason, size, "unknown key in [plan]", e->key);
    }
    if (beside(reader->path, e->value, path, sizeof path) != WK_OK) {
        return refuse(reason, size, "bad file name", e->value);
    }
    struct wk_registry *r = reader->registry;
    const wk_err err = wk_plan_read(path, &r->plan[r->plans - 1], why);
    reader->plan_missing = err != WK_OK;
    if (err != WK_OK) {
        snprintf(reason, size, "the plan is not right: %.200s", why);
    }
    return err;
}

/* ---- [meter] ---------------------------------------------------------------------------- */

static wk_err begin_meter(struct reader *reader, const char *serial, char *reason, size_t size)
{
    struct wk_registry *r = reader->registry;
    if (wk_registry_find(r, serial) != NULL) {
        return refuse(reason, size, "this meter is there already", serial);
    }
    if (r->meters == WK_REGISTRY_METERS) {
        return refuse(reason, size, "too many meters", serial);
    }
    if (r->meters == reader->room) {
        reader->room = reader->room == 0 ? 16 : reader->room * 2;
        struct wk_registry_meter *more = realloc(r->meter, sizeof *more * reader->room);
        if (more == NULL) {
            snprintf(reason, size, "no memory");
            return WK_E_FULL;
        }
        r->meter = more;
    }
    reader->meter = &r->meter[r->meters];
    *reader->meter = (struct wk_registry_meter){
        .port = 4059, .phases = 1, .plan = -1, .installed_s = -1, .role = WK_REGISTRY_READER};
    for (const char *c = serial; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '/' || *c == '%' || *c == '"') {
            return refuse(reason, size, "a serial number has letters, digits and - . _ only",
                          serial);
        }
    }
    if (wk_ini_text(serial, reader->meter->serial, sizeof reader->meter->serial) != WK_OK) {
        return refuse(reason, size, "a meter needs a serial number of at most 31 characters",
                      serial);
    }
    memcpy(reader->meter->name, reader->meter->serial, sizeof reader->meter->serial);
    memcpy(reader->meter->tenant, "default", 8);
    r->meters++;
    return WK_OK;
}

static wk_err take_role(const char *value, wk_registry_role *role)
{
    static const char *const k_roles[] = {"public", "reader", "management"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(value, k_roles[i]) == 0) {
            *role = (wk_registry_role)i;
            return WK_OK;
        }
    }
    return WK_E_FORMAT;
}

static wk_err take_octets(const char *value, uint8_t *out, size_t wanted, bool *has)
{
    size_t size;
    WK_TRY(wk_ini_hex(value, out, wanted, &size));
    *has = size == wanted;
    return size == wanted ? WK_OK : WK_E_RANGE;
}

static wk_err take_secret(struct wk_registry_meter *m, const struct wk_ini_entry *e,
                          bool *known)
{
    *known = true;
    if (strcmp(e->key, "password") == 0) {
        return wk_ini_text(e->value, m->password, sizeof m->password);
    }
    if (strcmp(e->key, "ek") == 0) {
        return take_octets(e->value, m->ek, sizeof m->ek, &m->has_ek);
    }
    if (strcmp(e->key, "ak") == 0) {
        return take_octets(e->value, m->ak, sizeof m->ak, &m->has_ak);
    }
    if (strcmp(e->key, "link_key") == 0) {
        size_t octets;
        WK_TRY(wk_ini_hex(e->value, m->link_key, sizeof m->link_key, &octets));
        m->link_key_size = (uint8_t)octets;
        return octets == WK_REGISTRY_KEY || octets == WK_REGISTRY_LINK_KEY ? WK_OK : WK_E_RANGE;
    }
    *known = false;
    return WK_OK;
}

static wk_err take_plain(struct reader *reader, const struct wk_ini_entry *e, bool *known)
{
    struct wk_registry_meter *m = reader->meter;
    int64_t number = 0;
    wk_err err;
    *known = true;
    if (strcmp(e->key, "host") == 0) {
        err = wk_ini_text(e->value, m->host, sizeof m->host);
    } else if (strcmp(e->key, "tls_name") == 0) {
        err = wk_ini_text(e->value, m->tls_name, sizeof m->tls_name);
    } else if (strcmp(e->key, "name") == 0) {
        err = wk_ini_text(e->value, m->name, sizeof m->name);
    } else if (strcmp(e->key, "tenant") == 0) {
        err = wk_ini_text(e->value, m->tenant, sizeof m->tenant);
    } else if (strcmp(e->key, "port") == 0) {
        err = wk_ini_integer(e->value, 1, 65535, &number);
        m->port = (uint16_t)number;
    } else if (strcmp(e->key, "phases") == 0) {
        err = wk_ini_integer(e->value, 1, 3, &number);
        err = err == WK_OK && number == 2 ? WK_E_RANGE : err;
        m->phases = (uint8_t)number;
    } else if (strcmp(e->key, "plan") == 0) {
        m->plan = find_plan(reader->registry, e->value);
        err = m->plan < 0 ? WK_E_NOT_FOUND : WK_OK;
    } else if (strcmp(e->key, "installed") == 0) {
        err = wk_stamp_parse(e->value, &m->installed_s);
    } else if (strcmp(e->key, "role") == 0) {
        err = take_role(e->value, &m->role);
    } else if (strcmp(e->key, "meter_title") == 0) {
        err = take_octets(e->value, m->meter_title, sizeof m->meter_title, &m->has_meter_title);
    } else if (strcmp(e->key, "title") == 0) {
        err = take_octets(e->value, m->title, sizeof m->title, &m->has_title);
    } else {
        *known = false;
        return WK_OK;
    }
    return err;
}

static wk_err take_meter(struct reader *reader, const struct wk_ini_entry *e, char *reason,
                         size_t size)
{
    bool known;
    wk_err err = take_secret(reader->meter, e, &known);
    if (known) {
        if (err != WK_OK) {
            snprintf(reason, size, "bad value for %s (not shown: it is a secret)", e->key);
        }
        return err;
    }
    err = take_plain(reader, e, &known);
    if (!known) {
        return refuse(reason, size, "unknown key in [meter]", e->key);
    }
    if (err != WK_OK) {
        snprintf(reason, size, "bad value for %s: '%.80s'%s", e->key, e->value,
                 err == WK_E_NOT_FOUND ? " (no such [plan] above)" : "");
    }
    return err;
}

/* ---- the file --------------------------------------------------------------------------- */

static wk_err end_section(struct reader *reader, char *reason, size_t size)
{
    const struct wk_registry_meter *m = reader->meter;
    reader->meter = NULL;
    if (reader->plan_missing) {
        return refuse(reason, size, "the section before lacks a key", "file");
    }
    if (m == NULL) {
        return WK_OK;
    }
    if (m->host[0] == '\0' || m->plan < 0) {
        return refuse(reason, size, "this meter needs host and plan", m->serial);
    }
    if (strncmp(m->host, "tls://", 6) == 0 && reader->registry->tls_ca[0] == '\0') {
        return refuse(reason, size, "tls:// needs tls_ca in [headend] above: meter", m->serial);
    }
    if (m->has_meter_title != (m->link_key_size != 0)) {
        return refuse(reason, size, "meter_title and link_key belong together: meter",
                      m->serial);
    }
    if (m->role == WK_REGISTRY_READER && m->password[0] == '\0') {
        return refuse(reason, size, "the reader's role needs a password: meter", m->serial);
    }
    if (m->role == WK_REGISTRY_MANAGEMENT && (!m->has_ek || !m->has_ak || !m->has_title)) {
        return refuse(reason, size, "the management role needs ek, ak and title: meter",
                      m->serial);
    }
    return WK_OK;
}

static wk_err take(void *context, const struct wk_ini_entry *e, char *reason, size_t size)
{
    struct reader *reader = context;
    if (e->key != NULL) {
        if (strcmp(e->kind, "headend") == 0) {
            return take_headend(reader, e, reason, size);
        }
        if (strcmp(e->kind, "plan") == 0) {
            return take_plan(reader, e, reason, size);
        }
        if (strcmp(e->kind, "meter") == 0) {
            return take_meter(reader, e, reason, size);
        }
        return refuse(reason, size, "a key outside of a section", e->key);
    }
    WK_TRY(end_section(reader, reason, size));
    if (strcmp(e->kind, "headend") == 0) {
        return WK_OK;
    }
    if (strcmp(e->kind, "plan") == 0) {
        return begin_plan(reader, e->name, reason, size);
    }
    if (strcmp(e->kind, "meter") == 0) {
        return begin_meter(reader, e->name, reason, size);
    }
    return refuse(reason, size, "unknown section", e->kind);
}

static wk_err check_end(struct reader *reader, char why[WK_INI_WHY])
{
    char reason[256];
    wk_err err = end_section(reader, reason, sizeof reason);
    if (err == WK_OK && reader->registry->archive[0] == '\0') {
        snprintf(reason, sizeof reason, "[headend] needs archive");
        err = WK_E_FORMAT;
    }
    const struct wk_registry *r = reader->registry;
    if (err == WK_OK && r->link_tls_port != 0 &&
        (r->tls_ca[0] == '\0' || r->tls_certificate[0] == '\0' || r->tls_key[0] == '\0')) {
        snprintf(reason, sizeof reason,
                 "link_tls_port needs tls_ca, tls_certificate and tls_key");
        err = WK_E_FORMAT;
    }
    if (err == WK_OK && reader->registry->meters == 0) {
        snprintf(reason, sizeof reason, "there is no [meter SERIAL]");
        err = WK_E_FORMAT;
    }
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "%.200s: at the end of the file: %.250s", reader->path,
                 reason);
    }
    return err;
}

wk_err wk_registry_read(const char *path, struct wk_registry *registry, char why[WK_INI_WHY])
{
    *registry = (struct wk_registry){.listen = "127.0.0.1",
                                     .port = 8480,
                                     .workers = 4,
                                     .poll_s = 60,
                                     .retry_s = 5,
                                     .retry_max_s = 900,
                                     .open_days = 2,
                                     .gap_tries = 5,
                                     .history_days = 40,
                                     .certificate_life_s = INT64_C(365) * 86400,
                                     .seed = 1};
    struct reader reader = {.registry = registry, .path = path};
    registry->plan = calloc(WK_REGISTRY_PLANS, sizeof *registry->plan);
    if (registry->plan == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    wk_err err = wk_ini_read(path, take, &reader, why);
    if (err == WK_OK) {
        err = check_end(&reader, why);
    }
    if (err != WK_OK) {
        wk_registry_free(registry);
    }
    return err;
}

void wk_registry_free(struct wk_registry *registry)
{
    free(registry->plan);
    if (registry->meter != NULL) { /* keys do not stay in memory */
        explicit_bzero(registry->meter, sizeof *registry->meter * registry->meters);
    }
    free(registry->meter);
    registry->plan = NULL;
    registry->meter = NULL;
    registry->meters = 0;
}

struct wk_registry_meter *wk_registry_find(const struct wk_registry *registry,
                                           const char *serial)
{
    for (size_t i = 0; i < registry->meters; i++) {
        if (strcmp(registry->meter[i].serial, serial) == 0) {
            return &registry->meter[i];
        }
    }
    return NULL;
}
