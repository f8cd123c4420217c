/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/dlms_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cosem/axdr.h"
#include "cosem/rows.h"
#include "cosem/select.h"

#define CLASS_DATA       1
#define CLASS_REGISTER   3
#define CLASS_PROFILE    7
#define CLASS_CLOCK      8
#define ATTRIBUTE_VALUE  2
#define ATTRIBUTE_SCALER 3
#define PAUSE_MS         200 /* before the second attempt; then doubled */
#define PAUSE_MOST_MS    5000

static const uint8_t k_counter_obis[WK_OBIS_SIZE] = {0, 0, 43, 1, 0, 255};
static const uint8_t k_clock_obis[WK_OBIS_SIZE] = {0, 0, 1, 0, 0, 255};

/* ---- errors ------------------------------------------------------------------------------ */

static wk_err say(struct wk_dlms_client *client, wk_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static wk_err say(struct wk_dlms_client *client, wk_err err, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(client->error, sizeof client->error, format, list);
    va_end(list);
    return err;
}

const char *wk_dlms_client_error(const struct wk_dlms_client *client)
{
    return client->error;
}

uint32_t wk_dlms_client_counter(const struct wk_dlms_client *client)
{
    return client->client.counter;
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the connection ---------------------------------------------------------------------- */

static void hang_up(struct wk_dlms_client *client)
{
    if (client->is_open) {
        wk_dlms_carrier_close(&client->carrier);
        client->is_open = false;
    }
}

static wk_err dial(struct wk_dlms_client *client)
{
    const struct wk_dlms_client_config *config = &client->config;
    struct wk_dlms_carrier_address address;
    wk_err err =
        wk_dlms_carrier_parse(config->host, config->port, &address, client->carrier.error);
    address.trust = config->tls;
    address.name = config->tls_name;
    if (err == WK_OK) {
        err = wk_dlms_carrier_open(&client->carrier, &address, config->server_sap,
                                   (int64_t)config->connect_timeout_ms * 1000);
    }
    client->is_open = err == WK_OK;
    return err == WK_OK ? WK_OK : say(client, err, "%s", client->carrier.error);
}

/* ---- one operation ----------------------------------------------------------------------- */

static wk_err send_next(struct wk_dlms_client *client)
{
    struct wk_bytes_out out = wk_dlms_carrier_begin(&client->carrier);
    const size_t head = out.size;
    WK_TRY(wk_client_output(&client->client, now_us(), &out));
    if (out.size == head && out.fault == WK_OK) {
        return WK_OK;
    }
    return wk_dlms_carrier_send(&client->carrier, client->config.client_sap, &out,
                                client->client.deadline_us);
}

static wk_err receive_next(struct wk_dlms_client *client)
{
    struct wk_bytes_in apdu;
    WK_TRY(wk_dlms_carrier_receive(&client->carrier, client->config.client_sap,
                                   client->client.deadline_us, &apdu));
    return wk_client_receive(&client->client, now_us(), apdu);
}

static wk_err explain(struct wk_dlms_client *client, wk_err err)
{
    const struct wk_client *core = &client->client;
    const char *host = client->config.host;
    if (client->carrier.error[0] != '\0') {
        return say(client, err, "%s", client->carrier.error);
    }
    if (core->exception.service_error != 0) {
        return say(client, err, "%s: the meter answered: %s", host,
                   wk_apdu_service_error_text(core->exception.service_error));
    }
    if (core->result != WK_APDU_SUCCESS) {
        return say(client, err, "%s: the meter refused: %s", host,
                   wk_apdu_access_text(core->result));
    }
    if (core->diagnostic != WK_ASSOCIATION_NO_DIAGNOSTIC &&
        core->diagnostic != WK_ASSOCIATION_AUTHENTICATION_REQUIRED) {
        return say(client, err, "%s: the meter refused the association: %s", host,
                   wk_association_diagnostic_text(core->diagnostic));
    }
    return say(client, err, "%s: %s", host, wk_err_text(err));
}

/* Runs what was started on client->client to its end. */
static wk_err run(struct wk_dlms_client *client)
{
    wk_err err = WK_OK;
    while (err == WK_OK && wk_client_busy(&client->client)) {
        err = send_next(client);
        if (err == WK_OK && wk_client_busy(&client->client) &&
            !wk_client_sends(&client->client)) {
            err = receive_next(client);
        }
    }
    if (err == WK_OK) {
        err = client->client.outcome;
    }
    if (err == WK_OK) {
        return WK_OK;
    }
    (void)explain(client, err);
    if (err != WK_E_REFUSED || client->client.broken) {
        hang_up(client);
    }
    return err;
}

/* WK_E_STATE with its text, unless open. */
static wk_err must_be_open(struct wk_dlms_client *client)
{
    return client->is_open
               ? WK_OK
               : say(client, WK_E_STATE, "%s: the connection is closed", client->config.host);
}

/* ---- opening and closing ----------------------------------------------------------------- */

static wk_association_mechanism mechanism_of(const struct wk_dlms_client_config *config)
{
    if (config->protection != NULL && config->client_sap != WK_DLMS_CLIENT_PUBLIC) {
        return config->protection->mechanism;
    }
    switch (config->client_sap) {
    case WK_DLMS_CLIENT_MANAGEMENT:
        return WK_ASSOCIATION_HLS_GMAC;
    case WK_DLMS_CLIENT_READER:
        return WK_ASSOCIATION_LLS;
    default:
        return WK_ASSOCIATION_NONE;
    }
}

static wk_err associate(struct wk_dlms_client *client, uint32_t counter)
{
    const struct wk_dlms_client_config *config = &client->config;
    const bool chosen =
        config->protection != NULL && config->client_sap != WK_DLMS_CLIENT_PUBLIC;
    struct wk_client_config core = chosen ? *config->protection : (struct wk_client_config){0};
    core.mechanism = mechanism_of(config);
    core.crypto = &client->crypto.hal;
    core.keys = config->keys;
    core.counter = counter;
    core.general_glo = config->general_glo;
    core.max_pdu = config->max_pdu;
    core.most_pdu = config->most_pdu;
    core.numbered = client->carrier.to.udp;
    if (client->carrier.to.udp && core.max_pdu > WK_DLMS_CARRIER_DATAGRAM) {
        core.max_pdu = WK_DLMS_CARRIER_DATAGRAM;
    }
    core.timeout_us = (int64_t)config->answer_timeout_ms * 1000;
    memcpy(core.title, config->title, sizeof core.title);
    if (config->password != NULL && core.mechanism != WK_ASSOCIATION_NONE) {
        core.password.data = (const uint8_t *)config->password;
        core.password.size = strlen(config->password);
    }
    WK_TRY(wk_client_init(&client->client, &core));
    WK_TRY(wk_client_open(&client->client));
    return run(client);
}

/* Whether what is sent has an invocation counter. */
static bool wants_counter(const struct wk_dlms_client_config *config)
{
    return mechanism_of(config) == WK_ASSOCIATION_HLS_GMAC ||
           (config->protection != NULL && config->protection->ciphered);
}

static wk_err release(struct wk_dlms_client *client)
{
    WK_TRY(wk_client_release(&client->client));
    return run(client);
}

/* As public client, asks which invocation counter was accepted last. */
static wk_err ask_counter(struct wk_dlms_client *client, uint32_t *counter)
{
    const uint16_t sap = client->config.client_sap;
    struct wk_apdu_target target = {.class_id = CLASS_DATA, .id = ATTRIBUTE_VALUE};
    uint8_t value[16];
    size_t size = 0;
    memcpy(target.obis, k_counter_obis, WK_OBIS_SIZE);
    client->config.client_sap = WK_DLMS_CLIENT_PUBLIC;
    wk_err err = associate(client, 0);
    if (err == WK_OK) {
        err = wk_dlms_client_get(client, &target, value, sizeof value, &size);
    }
    if (err == WK_OK && release(client) != WK_OK) {
        hang_up(client); /* the counter is there: meters that release badly can be read */
        err = dial(client);
    }
    client->config.client_sap = sap;
    WK_TRY(err);
    struct wk_bytes_in in = wk_bytes_in_of(value, size);
    const uint32_t last = (uint32_t)wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(&in));
    *counter = last + 1;
    return WK_OK;
}

static wk_err attempt(struct wk_dlms_client *client)
{
    uint32_t counter = client->config.counter;
    WK_TRY(dial(client));
    if (counter == 0 && wants_counter(&client->config)) {
        WK_TRY(ask_counter(client, &counter));
    }
    const wk_err err = associate(client, counter);
    if (err != WK_E_REPLAY) {
        return err;
    }
    counter = client->client.exception.expected_counter;
    hang_up(client);
    WK_TRY(dial(client));
    return associate(client, counter);
}

static void pause_ms(uint32_t ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&span, NULL);
}

static void use_defaults(struct wk_dlms_client_config *config)
{
    config->port = config->port != 0 ? config->port : WK_WRAPPER_PORT;
    config->server_sap = config->server_sap != 0 ? config->server_sap : 1;
    config->max_pdu = config->max_pdu != 0 ? config->max_pdu : 2048;
    config->attempts = config->attempts != 0 ? config->attempts : 1;
    if (config->connect_timeout_ms == 0) {
        config->connect_timeout_ms = 3000;
    }
    if (config->answer_timeout_ms == 0) {
        config->answer_timeout_ms = 5000;
    }
}

wk_err wk_dlms_client_open(struct wk_dlms_client *client,
                           const struct wk_dlms_client_config *config)
{
    client->config = *config;
    client->is_open = false;
    client->error[0] = '\0';
    client->client = (struct wk_client){0};
    use_defaults(&client->config);
    if (wk_crypto_init(&client->crypto) != WK_OK) {
        return say(client, WK_E_IO, "OpenSSL offers no AES-GCM");
    }
    wk_err err = WK_E_IO;
    uint32_t pause = PAUSE_MS;
    for (uint8_t i = 0; i < client->config.attempts; i++) {
        if (i > 0) {
            pause_ms(pause);
            pause = pause * 2 < PAUSE_MOST_MS ? pause * 2 : PAUSE_MOST_MS;
        }
        err = attempt(client);
        if (err != WK_E_IO && err != WK_E_TIMEOUT && err != WK_E_CLOSED) {
            break;
        }
        hang_up(client);
    }
    if (err != WK_OK) {
        hang_up(client);
        wk_crypto_close(&client->crypto);
    }
    return err;
}

void wk_dlms_client_close(struct wk_dlms_client *client)
{
    if (client->is_open) {
        (void)release(client);
        hang_up(client);
    }
    wk_crypto_close(&client->crypto);
}

/* ---- services ---------------------------------------------------------------------------- */

static wk_err take_into(void *self, const uint8_t *octets, size_t size)
{
    struct wk_bytes_out *out = self;
    wk_bytes_out_put(out, octets, size);
    return out->fault;
}

wk_err wk_dlms_client_get(struct wk_dlms_client *client, const struct wk_apdu_target *target,
                          void *value, size_t room, size_t *size)
{
    struct wk_bytes_out out = wk_bytes_out_of(value, room);
    const struct wk_client_sink sink = {.self = &out, .take = take_into};
    WK_TRY(must_be_open(client));
    WK_TRY(wk_client_get(&client->client, target, sink));
    WK_TRY(run(client));
    *size = out.size;
    return WK_OK;
}

wk_err wk_dlms_client_get_list(struct wk_dlms_client *client, uint32_t count,
                               struct wk_bytes_in list, struct wk_client_sink sink)
{
    WK_TRY(must_be_open(client));
    WK_TRY(wk_client_get_list(&client->client, count, list, sink));
    return run(client);
}

static wk_err take_rows(void *self, const uint8_t *octets, size_t size)
{
    return wk_rows_feed(self, octets, size);
}

wk_err wk_dlms_client_get_rows(struct wk_dlms_client *client,
                               const struct wk_apdu_target *target, void *self,
                               wk_err (*row)(void *self, uint32_t index,
                                             struct wk_bytes_in element))
{
    struct wk_rows rows;
    wk_rows_init(&rows, self, row);
    const struct wk_client_sink sink = {.self = &rows, .take = take_rows};
    WK_TRY(must_be_open(client));
    WK_TRY(wk_client_get(&client->client, target, sink));
    WK_TRY(run(client));
    if (wk_rows_end(&rows) != WK_OK) {
        hang_up(client);
        return say(client, WK_E_SHORT, "%s: the array ends after %u of %u elements",
                   client->config.host, rows.index, rows.count);
    }
    return WK_OK;
}

wk_err wk_dlms_client_set(struct wk_dlms_client *client, const struct wk_apdu_target *target,
                          const void *value, size_t size)
{
    WK_TRY(must_be_open(client));
    WK_TRY(wk_client_set(&client->client, target, wk_bytes_in_of(value, size)));
    return run(client);
}

static wk_err take_nothing(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)octets;
    (void)size;
    return WK_OK;
}

wk_err wk_dlms_client_action(struct wk_dlms_client *client, const struct wk_apdu_target *target,
                             const void *parameter, size_t size)
{
    const struct wk_client_sink sink = {.self = NULL, .take = take_nothing};
    WK_TRY(must_be_open(client));
    WK_TRY(wk_client_action(&client->client, target, wk_bytes_in_of(parameter, size), sink));
    return run(client);
}

wk_err wk_dlms_client_call(struct wk_dlms_client *client, const struct wk_apdu_target *target,
                           struct wk_bytes_in parameter, uint8_t *value, size_t room,
                           size_t *size)
{
    struct wk_bytes_out out = wk_bytes_out_of(value, room);
    const struct wk_client_sink sink = {.self = &out, .take = take_into};
    WK_TRY(must_be_open(client));
    WK_TRY(wk_client_action(&client->client, target, parameter, sink));
    WK_TRY(run(client));
    *size = out.size;
    return WK_OK;
}

/* ---- what is read most ------------------------------------------------------------------- */

static struct wk_apdu_target target_of(uint16_t class_id, const uint8_t obis[WK_OBIS_SIZE],
                                       uint8_t attribute)
{
    struct wk_apdu_target target = {.class_id = class_id, .id = attribute};
    memcpy(target.obis, obis, WK_OBIS_SIZE);
    return target;
}

/* The value came, but is not what it should be. */
static wk_err wrong_value(struct wk_dlms_client *client, const uint8_t obis[WK_OBIS_SIZE],
                          wk_err err)
{
    char name[WK_OBIS_TEXT];
    wk_obis_print(obis, name);
    return say(client, err, "%s: %s has a value of another type than expected",
               client->config.host, name);
}

wk_err wk_dlms_client_get_register(struct wk_dlms_client *client,
                                   const uint8_t obis[WK_OBIS_SIZE],
                                   struct wk_dlms_register *result)
{
    uint8_t raw[32];
    size_t size;
    struct wk_apdu_target target = target_of(CLASS_REGISTER, obis, ATTRIBUTE_VALUE);
    WK_TRY(wk_dlms_client_get(client, &target, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    struct wk_axdr_value value;
    wk_axdr_read(&in, &value);
    if (wk_bytes_in_end(&in) != WK_OK || !wk_axdr_is_integer(value.tag)) {
        return wrong_value(client, obis, WK_E_FORMAT);
    }
    target.id = ATTRIBUTE_SCALER;
    WK_TRY(wk_dlms_client_get(client, &target, raw, sizeof raw, &size));
    in = wk_bytes_in_of(raw, size);
    const uint32_t members = wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    const int8_t scaler = (int8_t)wk_axdr_read_integer(&in, WK_AXDR_INTEGER);
    const uint8_t unit = (uint8_t)wk_axdr_read_integer(&in, WK_AXDR_ENUM);
    if (wk_bytes_in_end(&in) != WK_OK || members != 2) {
        return wrong_value(client, obis, WK_E_FORMAT);
    }
    *result = (struct wk_dlms_register){.value = value.integer, .scaler = scaler, .unit = unit};
    return WK_OK;
}

wk_err wk_dlms_client_get_clock(struct wk_dlms_client *client, struct wk_datetime *datetime,
                                struct wk_utc *utc)
{
    uint8_t raw[32];
    size_t size;
    const struct wk_apdu_target target = target_of(CLASS_CLOCK, k_clock_obis, ATTRIBUTE_VALUE);
    WK_TRY(wk_dlms_client_get(client, &target, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    wk_datetime_read_axdr(&in, datetime);
    if (wk_bytes_in_end(&in) != WK_OK ||
        wk_datetime_to_utc(datetime, &wk_zone_utc, utc) != WK_OK) {
        return wrong_value(client, k_clock_obis, WK_E_FORMAT);
    }
    return WK_OK;
}

wk_err wk_dlms_client_get_text(struct wk_dlms_client *client, const uint8_t obis[WK_OBIS_SIZE],
                               char *text, size_t room)
{
    uint8_t raw[256];
    size_t size;
    const struct wk_apdu_target target = target_of(CLASS_DATA, obis, ATTRIBUTE_VALUE);
    WK_TRY(wk_dlms_client_get(client, &target, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    struct wk_axdr_value value;
    wk_axdr_read(&in, &value);
    const bool is_text =
        value.tag == WK_AXDR_OCTET_STRING || value.tag == WK_AXDR_VISIBLE_STRING;
    if (wk_bytes_in_end(&in) != WK_OK || !is_text) {
        return wrong_value(client, obis, WK_E_FORMAT);
    }
    if (value.size >= room) {
        return say(client, WK_E_FULL, "%s: a text is too long", client->config.host);
    }
    for (size_t i = 0; i < value.size; i++) {
        const uint8_t c = value.octets[i];
        text[i] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    text[value.size] = '\0';
    return WK_OK;
}

wk_err wk_dlms_client_get_range(struct wk_dlms_client *client, const uint8_t obis[WK_OBIS_SIZE],
                                const struct wk_utc range[2], void *self,
                                wk_err (*row)(void *self, uint32_t index,
                                              struct wk_bytes_in element))
{
    uint8_t raw[WK_SELECT_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_apdu_target target = target_of(CLASS_PROFILE, obis, ATTRIBUTE_VALUE);
    WK_TRY(wk_select_put_range(&out, range[0], range[1]));
    target.selective = true;
    target.selector = WK_SELECT_RANGE;
    target.parameter = wk_bytes_in_of(raw, out.size);
    return wk_dlms_client_get_rows(client, &target, self, row);
}
