/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ports.h"

#include <stdio.h>

#define SIGN_ON_BAUD 9600
#define MS_PER_S     1000
#define US_PER_MS    INT64_C(1000)
#define US_PER_S     INT64_C(1000000)

_Static_assert(WK_METER_PORTS_ERROR >= WK_DLMS_TCP_ERROR &&
                   WK_METER_PORTS_ERROR >= WK_DLMS_LINE_ERROR &&
                   WK_METER_PORTS_ERROR >= WK_DLMS_UDP_ERROR &&
                   WK_METER_PORTS_ERROR >= WK_TLS_ERROR,
               "one text serves all");

static struct wk_dlms_tcp_config tcp_config(const struct wk_meter_ports_config *config)
{
    return (struct wk_dlms_tcp_config){
        .loop = config->loop,
        .address = config->config->dlms_host,
        .port = config->config->dlms_port,
        .session = config->session,
        .self = config->self,
        .now_us = config->now_us,
        .served = config->served,
        .idle_ms = config->setups->idle_s * MS_PER_S,
    };
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

wk_err wk_meter_ports_start_tls(struct wk_meter_ports *ports,
                                const struct wk_meter_ports_config *config,
                                char error[WK_METER_PORTS_ERROR])
{
    const struct wk_config *file = config->config;
    const struct wk_tls_config tls = {
        .server = true,
        .certificate = file->tls_certificate,
        .key = file->tls_key,
        .ca = file->tls_ca,
        .crl = given(file->tls_crl),
        .name = given(file->tls_client),
        .hsm = config->hsm,
    };
    struct wk_dlms_tcp_config tcp = tcp_config(config);
    wk_tls_context_free(ports->trust); /* of a start that failed */
    ports->trust = NULL;
    WK_TRY(wk_tls_context_make(&ports->trust, &tls, error));
    tcp.port = file->tls_port;
    tcp.tls = ports->trust;
    return wk_dlms_tcp_start(&ports->tls, &tcp, error);
}

static wk_err start_udp(struct wk_meter_ports *ports,
                        const struct wk_meter_ports_config *config, char *error)
{
    const struct wk_dlms_udp_config udp = {
        .loop = config->loop,
        .address = config->config->dlms_host,
        .port = config->config->udp_port,
        .session = config->session,
        .self = config->self,
        .now_us = config->now_us,
        .served = config->served,
    };
    return wk_dlms_udp_start(&ports->udp, &udp, error);
}

static struct wk_mode_e_config sign_on_of(const struct wk_config *file)
{
    struct wk_mode_e_config sign_on = {
        .maker = "WKP",
        .name = "WATTKEEPER",
        .baud = file->serial_baud != 0 ? file->serial_baud : SIGN_ON_BAUD,
    };
    (void)snprintf(sign_on.address, sizeof sign_on.address, "%s", file->serial);
    return sign_on;
}

/* HDLC over TCP and on a serial line. */
static wk_err start_lines(struct wk_meter_ports *ports,
                          const struct wk_meter_ports_config *config, char *error)
{
    const struct wk_config *file = config->config;
    struct wk_dlms_line_config line = {
        .loop = config->loop,
        .address = file->dlms_host,
        .port = file->hdlc_port,
        .station = {.lower = file->hdlc_address},
        .limits = config->setups->limits,
        .octet_us = config->setups->octet_ms * US_PER_MS,
        .inactive_us = config->setups->inactive_s * US_PER_S,
        .session = config->session,
        .self = config->self,
        .now_us = config->now_us,
        .served = config->served,
    };
    if (file->hdlc_port != 0) {
        WK_TRY(wk_dlms_line_start(&ports->hdlc, &line, error));
    }
    const struct wk_mode_e_config sign_on = sign_on_of(file);
    if (file->serial_device[0] != '\0') {
        line.sign_on = file->serial_mode_e ? &sign_on : NULL;
        line.device = file->serial_device;
        line.baud = file->serial_baud;
        WK_TRY(wk_dlms_line_start(&ports->serial, &line, error));
    }
    return WK_OK;
}

wk_err wk_meter_ports_start(struct wk_meter_ports *ports,
                            const struct wk_meter_ports_config *config,
                            char error[WK_METER_PORTS_ERROR])
{
    const struct wk_dlms_tcp_config tcp = tcp_config(config);
    WK_TRY(wk_dlms_tcp_start(&ports->tcp, &tcp, error));
    if (config->config->tls_port != 0 && config->tls_is_ready) {
        WK_TRY(wk_meter_ports_start_tls(ports, config, error));
    }
    if (config->config->udp_port != 0) {
        WK_TRY(start_udp(ports, config, error));
    }
    return start_lines(ports, config, error);
}

void wk_meter_ports_stop(struct wk_meter_ports *ports)
{
    if (ports->tcp != NULL) {
        wk_dlms_tcp_stop(ports->tcp);
    }
    if (ports->tls != NULL) {
        wk_dlms_tcp_stop(ports->tls);
    }
    if (ports->udp != NULL) {
        wk_dlms_udp_stop(ports->udp);
    }
    if (ports->hdlc != NULL) {
        wk_dlms_line_stop(ports->hdlc);
    }
    if (ports->serial != NULL) {
        wk_dlms_line_stop(ports->serial);
    }
}

void wk_meter_ports_free(struct wk_meter_ports *ports)
{
    wk_tls_context_free(ports->trust);
    *ports = (struct wk_meter_ports){0};
}
