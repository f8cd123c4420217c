/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_carrier.h"

#include <stdio.h>
#include <string.h>

#include "port/linux/ini.h"

#define IPV4_UDP   28
#define MOST       1372 /* with the seal of HELLO it fits any path of 1,500 octets */
#define IPV4_TLS   76   /* of IPv4, TCP with time stamps, the record of TLS and the length */
#define MQTT_TLS   124  /* ... and what MQTT has before it, with a prefix of 16 characters */
#define MQTT       102
#define PORT_ROOM  8
#define COAP       32 /* head, token, path and format of a request */
#define MOST_COAP  1340
#define LEAST_COAP 512
#define LINE       16 /* zeros, head, check sum and what COBS adds */
#define MOST_LINE  512
#define BAUD       9600
#define BAUD_KEY   "?baud="

static const struct wk_link_carrier_kind k_kinds[] = {
    {.scheme = "udp", .must = "must be udp://HOST:PORT", .overhead = IPV4_UDP, .most = MOST},
    {.scheme = "coap",
     .must = "must be coap://HOST:PORT",
     .overhead = IPV4_UDP + COAP,
     .most = MOST_COAP,
     .least = LEAST_COAP},
    {.scheme = "tls", .must = "must be tls://HOST:PORT", .overhead = IPV4_TLS, .most = MOST},
    {.scheme = "mqtts",
     .must = "must be mqtts://HOST:PORT/PREFIX",
     .has_rest = true,
     .overhead = MQTT_TLS,
     .most = MOST},
    {.scheme = "mqtt",
     .must = "must be mqtt://HOST:PORT/PREFIX",
     .has_rest = true,
     .overhead = MQTT,
     .most = MOST},
    {.scheme = "serial",
     .must = "must be serial:///DEVICE?baud=N",
     .is_device = true,
     .begin_us = 60000,
     .overhead = LINE,
     .most = MOST_LINE},
    {.scheme = "rs485",
     .must = "must be rs485:///DEVICE?baud=N",
     .is_device = true,
     .is_shared = true,
     .begin_us = 60000,
     .overhead = LINE,
     .most = MOST_LINE},
    {.scheme = "plc", /* a packet of G3-PLC has 400 octets at most */
     .must = "must be plc:///DEVICE?baud=N",
     .is_device = true,
     .is_shared = true,
     .has_modem = true,
     .begin_us = 400000,
     .overhead = LINE,
     .most = 360},
    {.scheme = "rf", /* ... of the modules for license-free radio 255 */
     .must = "must be rf:///DEVICE?baud=N",
     .is_device = true,
     .is_shared = true,
     .has_modem = true,
     .begin_us = 200000,
     .overhead = LINE,
     .most = 224},
};

static const struct wk_link_carrier_kind *find_kind(const char *text, size_t scheme)
{
    for (size_t i = 0; i < sizeof k_kinds / sizeof k_kinds[0]; i++) {
        if (strlen(k_kinds[i].scheme) == scheme &&
            strncmp(k_kinds[i].scheme, text, scheme) == 0) {
            return &k_kinds[i];
        }
    }
    return NULL;
}

/* Host and port, up to `size` octets; a host with colons is in brackets. */
static bool take_host(const char *text, size_t size, struct wk_link_carrier_url *url)
{
    char port[PORT_ROOM];
    int64_t number = 0;
    size_t colon = size;
    while (colon > 0 && text[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 || size - colon >= sizeof port) { /* `colon` is the place behind it */
        return false;
    }
    (void)snprintf(port, sizeof port, "%.*s", (int)(size - colon), text + colon);
    const size_t host = colon - 1;
    const bool in_brackets = host > 2 && text[0] == '[' && text[host - 1] == ']';
    const size_t edge = in_brackets ? 1 : 0;
    const size_t length = host - 2 * edge;
    if (length >= sizeof url->host || wk_ini_integer(port, 1, UINT16_MAX, &number) != WK_OK) {
        return false;
    }
    memcpy(url->host, text + edge, length);
    url->host[length] = '\0';
    url->port = (uint16_t)number;
    return true;
}

/* DEVICE?baud=N; without a rate 9600. */
static bool take_device(const char *text, struct wk_link_carrier_url *url)
{
    int64_t baud = BAUD;
    const char *query = strchr(text, '?');
    const size_t size = query != NULL ? (size_t)(query - text) : strlen(text);
    if (text[0] != '/' || size < 2 || size >= sizeof url->rest) {
        return false;
    }
    if (query != NULL &&
        (strncmp(query, BAUD_KEY, strlen(BAUD_KEY)) != 0 ||
         wk_ini_integer(query + strlen(BAUD_KEY), 300, 4000000, &baud) != WK_OK)) {
        return false;
    }
    memcpy(url->rest, text, size);
    url->rest[size] = '\0';
    url->baud = (uint32_t)baud;
    return true;
}

const char *wk_link_carrier_parse(const char *text, struct wk_link_carrier_url *url)
{
    const char *at = strstr(text, "://");
    *url = (struct wk_link_carrier_url){0};
    url->kind = at != NULL ? find_kind(text, (size_t)(at - text)) : NULL;
    if (url->kind == NULL) {
        return "must begin with udp://, coap://, tls://, mqtts://, mqtt://, serial://, "
               "rs485://, "
               "plc:// or rf://";
    }
    at += strlen("://");
    if (url->kind->is_device) {
        return take_device(at, url) ? NULL : url->kind->must;
    }
    const size_t host = strcspn(at, "/");
    const size_t rest = strlen(at + host);
    if (!take_host(at, host, url) || rest >= sizeof url->rest ||
        (rest > 1) != url->kind->has_rest) {
        return url->kind->must;
    }
    memcpy(url->rest, at + host, rest);
    return NULL;
}
