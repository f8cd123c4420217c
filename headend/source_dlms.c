/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/source_dlms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "cosem/select.h"
#include "cosem/wrapper.h"
#include "headend/rows.h"
#include "link/packet.h"
#include "port/linux/dlms_client.h"

#define CLASS_DATA        1
#define CLASS_PROFILE     7
#define CLASS_CLOCK       8
#define METHOD_SHIFT_TIME 6
#define CLASS_DISCONNECT  70
#define CLASS_SECURITY    64
#define METHOD_REQUEST    5
#define METHOD_IMPORT     6
#define TYPE_TLS          2

#define LINK_PDU          (WK_LINK_TALK - WK_WRAPPER_SIZE)
#define LINK_ANSWER_MS    15000 /* behind alarms, over a slow path */
#define CAPTURE_ROOM      2048
#define EXACT_SCALER      (-6) /* 10^-6 Wh */

static const uint8_t k_serial[WK_OBIS_SIZE] = {0, 0, 96, 1, 0, 255};
static const uint8_t k_clock[WK_OBIS_SIZE] = {0, 0, 1, 0, 0, 255};
static const uint8_t k_profile[WK_OBIS_SIZE] = {1, 0, 99, 1, 0, 255};
#define EVENT_LOG(log)                                                                         \
    {                                                                                          \
        0, 0, 99, 98, log, 255                                                                 \
    }
static const uint8_t k_security[WK_OBIS_SIZE] = {0, 0, 43, 0, 0, 255};
static const uint8_t k_disconnect[WK_OBIS_SIZE] = {0, 0, 96, 3, 10, 255};

struct dlms {
    struct wk_dlms_client client;
    bool open;
    char why[WK_DLMS_CLIENT_ERROR + 64];
    /* while rows are read */
    const struct wk_source_layout *layout;
    wk_source_reading_visit reading;
    wk_source_event_visit event;
    void *context;
    struct wk_rows_log log;
};

static wk_err failed(struct dlms *d, wk_err err, const char *what)
{
    if (err != WK_OK) {
        snprintf(d->why, sizeof d->why, "%s: %s", what, wk_dlms_client_error(&d->client));
    }
    return err;
}

static wk_err wrong(struct dlms *d, const char *what)
{
    snprintf(d->why, sizeof d->why, "%s", what);
    return WK_E_FORMAT;
}

/* ---- the form of the profile ------------------------------------------------------------ */

static wk_err factor_of(struct dlms *d, const uint8_t obis[WK_OBIS_SIZE], int channel,
                        int64_t *factor)
{
    struct wk_dlms_register reg;
    WK_TRY(failed(d, wk_dlms_client_get_register(&d->client, obis, &reg), "register"));
    if (wk_rows_factor(channel, reg.scaler, reg.unit, factor) != WK_OK) {
        snprintf(d->why, sizeof d->why,
                 "register %s has unit %u and scaler %d: not exact in 10^-6 %s",
                 wk_channel_info(channel)->name, reg.unit, reg.scaler,
                 wk_channel_info(channel)->unit);
        return WK_E_UNSUPPORTED;
    }
    return WK_OK;
}

static wk_err column_of(struct dlms *d, const struct wk_select_column *capture,
                        struct wk_source_layout *layout)
{
    int32_t channel;
    wk_rows_add_column(layout, capture, &channel);
    return channel < 0 ? WK_OK
                       : factor_of(d, capture->obis, channel,
                                   &layout->column[layout->columns - 1].factor);
}

static wk_err get_octets(struct dlms *d, const uint8_t obis[WK_OBIS_SIZE], uint8_t attribute,
                         uint8_t *octets, size_t *size)
{
    struct wk_apdu_target target = {.class_id = CLASS_PROFILE, .id = attribute};
    memcpy(target.obis, obis, WK_OBIS_SIZE);
    return failed(d, wk_dlms_client_get(&d->client, &target, octets, CAPTURE_ROOM, size),
                  "load profile");
}

static wk_err read_layout(struct dlms *d, struct wk_source_layout *layout)
{
    uint8_t octets[CAPTURE_ROOM];
    size_t size;
    struct wk_axdr_value period;
    struct wk_source_layout fresh = {0};
    WK_TRY(get_octets(d, k_profile, 4, octets, &size));
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    wk_axdr_read(&in, &period);
    if (wk_bytes_in_end(&in) != WK_OK || !wk_axdr_is_integer(period.tag) ||
        period.integer < 60 || period.integer > WK_DAY_S || WK_DAY_S % period.integer != 0) {
        return wrong(d, "the capture period of the load profile does not divide a day");
    }
    fresh.period_s = (int32_t)period.integer;
    WK_TRY(get_octets(d, k_profile, 3, octets, &size));
    in = wk_bytes_in_of(octets, size);
    const uint32_t columns = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < columns && in.fault == WK_OK; i++) {
        struct wk_select_column capture;
        wk_select_read_column(&in, &capture);
        if (in.fault == WK_OK && fresh.columns < WK_SOURCE_COLUMNS) {
            WK_TRY(column_of(d, &capture, &fresh));
        }
    }
    if (wk_bytes_in_end(&in) != WK_OK || columns > WK_SOURCE_COLUMNS) {
        return wrong(d, "the capture objects of the load profile are malformed or too many");
    }
    const char *why;
    if (wk_rows_check(&fresh, &why) != WK_OK) {
        return wrong(d, why);
    }
    fresh.known = true;
    *layout = fresh;
    return WK_OK;
}

/* ---- opening ---------------------------------------------------------------------------- */

static void copy_key(struct wk_hal_key *key, const uint8_t octets[WK_REGISTRY_KEY])
{
    *key = (struct wk_hal_key){.size = WK_REGISTRY_KEY};
    memcpy(key->octets, octets, WK_REGISTRY_KEY);
}

static void dlms_close(void *self)
{
    struct dlms *d = self;
    if (d->open) {
        wk_dlms_client_close(&d->client);
        d->open = false;
    }
}

/* Its link carries datagrams of WK_LINK_TALK octets, wrapper included. */
static wk_err talk_by_link(struct dlms *d, const struct wk_registry_meter *meter,
                           struct wk_dlms_client_config *config)
{
    config->host = "udp://127.0.0.1";
    config->port = atomic_load(&meter->talk_port);
    config->max_pdu = LINK_PDU;
    config->most_pdu = LINK_PDU;
    config->answer_timeout_ms = LINK_ANSWER_MS;
    if (config->port == 0) {
        snprintf(d->why, sizeof d->why,
                 "host = link, but the head-end takes nothing from links: set link_port, and "
                 "meter_title and link_key of the meter");
        return WK_E_CLOSED;
    }
    return WK_OK;
}

static wk_err dlms_open(void *self, const struct wk_registry_meter *meter, uint32_t counter,
                        struct wk_source_layout *layout)
{
    static const uint16_t k_saps[] = {
        [WK_REGISTRY_PUBLIC] = WK_DLMS_CLIENT_PUBLIC,
        [WK_REGISTRY_READER] = WK_DLMS_CLIENT_READER,
        [WK_REGISTRY_MANAGEMENT] = WK_DLMS_CLIENT_MANAGEMENT,
    };
    struct dlms *d = self;
    struct wk_dlms_client_config config = {
        .host = meter->host,
        .port = meter->port,
        .client_sap = k_saps[meter->role],
        .password = meter->password,
        .counter = counter,
        .tls = meter->tls,
        .tls_name = meter->tls_name[0] != '\0' ? meter->tls_name : NULL,
    };
    if (strcmp(meter->host, WK_REGISTRY_LINK) == 0) {
        WK_TRY(talk_by_link(d, meter, &config));
    }
    copy_key(&config.keys.ek, meter->ek);
    copy_key(&config.keys.ak, meter->ak);
    memcpy(config.title, meter->title, sizeof config.title);
    d->log.columns = 0;
    WK_TRY(failed(d, wk_dlms_client_open(&d->client, &config), "connecting"));
    d->open = true;
    return layout->known ? WK_OK : read_layout(d, layout);
}

static uint32_t dlms_counter(void *self)
{
    struct dlms *d = self;
    return d->open && d->client.config.client_sap == WK_DLMS_CLIENT_MANAGEMENT
               ? wk_dlms_client_counter(&d->client)
               : 0;
}

static const char *dlms_why(void *self)
{
    return ((struct dlms *)self)->why;
}

static void dlms_destroy(void *self)
{
    dlms_close(self);
    free(self);
}

/* ---- single values ---------------------------------------------------------------------- */

static wk_err read_serial(void *self, char *serial, size_t room)
{
    struct dlms *d = self;
    return failed(d, wk_dlms_client_get_text(&d->client, k_serial, serial, room),
                  "serial number");
}

static wk_err read_clock(void *self, int64_t *utc_s)
{
    struct dlms *d = self;
    struct wk_datetime datetime;
    struct wk_utc utc;
    WK_TRY(failed(d, wk_dlms_client_get_clock(&d->client, &datetime, &utc), "clock"));
    *utc_s = utc.s;
    return WK_OK;
}

static wk_err read_registers(void *self, struct wk_source_registers *registers)
{
    struct dlms *d = self;
    for (int channel = 0; channel < WK_CHANNELS; channel++) {
        struct wk_dlms_register reg;
        const wk_err err =
            wk_dlms_client_get_register(&d->client, wk_channel_info(channel)->obis, &reg);
        if (err == WK_E_REFUSED) {
            continue; /* this meter has no such register */
        }
        WK_TRY(failed(d, err, "register"));
        for (int i = EXACT_SCALER; i < reg.scaler; i++) {
            if (__builtin_mul_overflow(reg.value, 10, &reg.value)) {
                return wrong(d, "a register does not fit in 10^-6 Wh");
            }
        }
        if (reg.scaler < EXACT_SCALER) {
            return wrong(d, "a register is finer than 10^-6 Wh");
        }
        registers->present |= 1U << channel;
        registers->reg[channel] = reg.value;
    }
    return WK_OK;
}

static wk_err read_control(struct dlms *d, uint8_t attribute, int64_t *value)
{
    uint8_t octets[16];
    size_t size;
    struct wk_axdr_value axdr;
    struct wk_apdu_target target = {.class_id = CLASS_DISCONNECT, .id = attribute};
    memcpy(target.obis, k_disconnect, WK_OBIS_SIZE);
    WK_TRY(failed(d, wk_dlms_client_get(&d->client, &target, octets, sizeof octets, &size),
                  "disconnect control"));
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    wk_axdr_read(&in, &axdr);
    if (wk_bytes_in_end(&in) != WK_OK || !wk_axdr_is_integer(axdr.tag)) {
        return wrong(d, "disconnect control: not a number");
    }
    *value = axdr.integer;
    return WK_OK;
}

static wk_err read_supply(void *self, struct wk_source_supply *supply)
{
    int64_t output;
    int64_t state;
    WK_TRY(read_control(self, 2, &output));
    WK_TRY(read_control(self, 3, &state));
    supply->output = output != 0;
    supply->control_state = (uint8_t)state;
    return WK_OK;
}

static wk_err switch_supply(void *self, bool connect)
{
    static const uint8_t k_zero[2] = {WK_AXDR_INTEGER, 0};
    struct dlms *d = self;
    struct wk_apdu_target target = {.class_id = CLASS_DISCONNECT, .id = connect ? 2 : 1};
    memcpy(target.obis, k_disconnect, WK_OBIS_SIZE);
    return failed(d, wk_dlms_client_action(&d->client, &target, k_zero, sizeof k_zero),
                  connect ? "reconnect" : "disconnect");
}

static wk_err shift_clock(void *self, int64_t shift_s)
{
    struct dlms *d = self;
    uint8_t raw[3];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_apdu_target target = {.class_id = CLASS_CLOCK, .id = METHOD_SHIFT_TIME};
    if (shift_s < -WK_SOURCE_SHIFT_MOST_S || shift_s > WK_SOURCE_SHIFT_MOST_S) {
        return wrong(d, "a clock is shifted by 900 s at most");
    }
    memcpy(target.obis, k_clock, WK_OBIS_SIZE);
    wk_axdr_put_long(&out, (int16_t)shift_s);
    return failed(d, wk_dlms_client_action(&d->client, &target, raw, out.size), "shift_time");
}

/* ---- the certificate of TLS ------------------------------------------------------------- */

static wk_err read_request(void *self, struct wk_source_request *request)
{
    static const uint8_t k_tls[2] = {WK_AXDR_ENUM, TYPE_TLS};
    struct dlms *d = self;
    uint8_t value[WK_SOURCE_REQUEST + 8];
    size_t size = 0;
    struct wk_apdu_target target = {.class_id = CLASS_SECURITY, .id = METHOD_REQUEST};
    memcpy(target.obis, k_security, WK_OBIS_SIZE);
    WK_TRY(failed(d,
                  wk_dlms_client_call(&d->client, &target, wk_bytes_in_of(k_tls, sizeof k_tls),
                                      value, sizeof value, &size),
                  "request for a certificate"));
    struct wk_bytes_in in = wk_bytes_in_of(value, size);
    const uint8_t *der = wk_axdr_read_octets(&in, &size);
    if (wk_bytes_in_end(&in) != WK_OK || der == NULL || size > sizeof request->der) {
        return wrong(d, "request for a certificate: something else came");
    }
    memcpy(request->der, der, size);
    request->size = size;
    for (size_t i = 0; i < sizeof d->client.client.server_title; i++) {
        snprintf(request->title + 2 * i, 3, "%02X", d->client.client.server_title[i]);
    }
    return WK_OK;
}

static wk_err give_certificate(void *self, struct wk_bytes_in der)
{
    struct dlms *d = self;
    uint8_t raw[CAPTURE_ROOM + 8];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_apdu_target target = {.class_id = CLASS_SECURITY, .id = METHOD_IMPORT};
    memcpy(target.obis, k_security, WK_OBIS_SIZE);
    wk_axdr_put_octet_string(&out, der.data, der.size);
    WK_TRY(out.fault);
    return failed(d, wk_dlms_client_action(&d->client, &target, raw, out.size), "certificate");
}

/* ---- rows ------------------------------------------------------------------------------- */

static wk_err profile_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    struct dlms *d = self;
    struct wk_reading reading;
    const char *why;
    (void)index;
    return wk_rows_reading(d->layout, element, &reading, &why) == WK_OK
               ? d->reading(d->context, &reading)
               : wrong(d, why);
}

static wk_err read_range(struct dlms *d, const uint8_t obis[WK_OBIS_SIZE], int64_t from_s,
                         int64_t to_s,
                         wk_err (*row)(void *self, uint32_t index, struct wk_bytes_in element))
{
    const struct wk_utc range[2] = {{from_s}, {to_s}};
    d->why[0] = '\0';
    const wk_err err = wk_dlms_client_get_range(&d->client, obis, range, d, row);
    if (err != WK_OK && d->why[0] == '\0') {
        return failed(d, err, "reading a range");
    }
    return err;
}

static wk_err read_profile(void *self, const struct wk_source_layout *layout, int64_t from_s,
                           int64_t to_s, wk_source_reading_visit visit, void *context)
{
    struct dlms *d = self;
    d->layout = layout;
    d->reading = visit;
    d->context = context;
    return read_range(d, k_profile, from_s, to_s, profile_row);
}

static wk_err find_event_columns(struct dlms *d, const uint8_t obis[WK_OBIS_SIZE])
{
    uint8_t octets[CAPTURE_ROOM];
    size_t size;
    WK_TRY(get_octets(d, obis, 3, octets, &size));
    const char *why;
    return wk_rows_log_read(wk_bytes_in_of(octets, size), &d->log, &why) == WK_OK
               ? WK_OK
               : wrong(d, why);
}

static wk_err event_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    struct dlms *d = self;
    struct wk_source_event event;
    const char *why;
    (void)index;
    return wk_rows_event(&d->log, element, &event, &why) == WK_OK ? d->event(d->context, &event)
                                                                  : wrong(d, why);
}

static wk_err read_events(void *self, uint8_t log, struct wk_source_span span,
                          wk_source_event_visit visit, void *context)
{
    struct dlms *d = self;
    const uint8_t obis[WK_OBIS_SIZE] = EVENT_LOG(log);
    d->event = visit;
    d->context = context;
    if (d->log.columns == 0) { /* the same in all of them */
        WK_TRY(find_event_columns(d, obis));
    }
    return read_range(d, obis, span.from_s, span.to_s, event_row);
}

wk_err wk_source_dlms_make(void *unused, struct wk_source *source)
{
    (void)unused;
    struct dlms *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return WK_E_FULL;
    }
    *source = (struct wk_source){
        .self = d,
        .open = dlms_open,
        .read_serial = read_serial,
        .read_clock = read_clock,
        .read_registers = read_registers,
        .read_profile = read_profile,
        .read_events = read_events,
        .read_supply = read_supply,
        .switch_supply = switch_supply,
        .shift_clock = shift_clock,
        .read_request = read_request,
        .give_certificate = give_certificate,
        .counter = dlms_counter,
        .close = dlms_close,
        .why = dlms_why,
        .destroy = dlms_destroy,
    };
    return WK_OK;
}
