/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/linux/dlms_carrier.h"

#define BAUD          9600
#define PHYSICAL_MOST 125

static wk_err refuse(const char *text, const char *why, char error[WK_DLMS_CARRIER_ERROR])
{
    (void)snprintf(error, WK_DLMS_CARRIER_ERROR, "%.90s: %s", text, why);
    return WK_E_FORMAT;
}

static bool number_of(const char *text, long most, long *number)
{
    char *end;
    *number = strtol(text, &end, 10);
    return end != text && *end == '\0' && *number >= 1 && *number <= most;
}

/* hdlc:DEVICE[?baud=N][&address=N], modee: alike */
static wk_err parse_device(const char *text, struct wk_dlms_carrier_address *address,
                           char error[WK_DLMS_CARRIER_ERROR])
{
    char rest[128];
    char *next = NULL;
    long number;
    (void)snprintf(rest, sizeof rest, "%s", strchr(text, ':') + 1);
    const char *device = strtok_r(rest, "?", &next);
    address->hdlc = true;
    address->serial = true;
    address->signs_on = text[0] == 'm';
    address->baud = address->signs_on ? 0 : BAUD;
    if (device == NULL) {
        return refuse(text, "names no device, as in hdlc:/dev/ttyUSB0", error);
    }
    (void)snprintf(address->host, sizeof address->host, "%s", device);
    for (char *option = strtok_r(NULL, "&", &next); option != NULL;
         option = strtok_r(NULL, "&", &next)) {
        if (strncmp(option, "baud=", 5) == 0 && number_of(option + 5, 115200, &number)) {
            address->baud = (uint32_t)number;
        } else if (strncmp(option, "address=", 8) == 0 &&
                   number_of(option + 8, PHYSICAL_MOST, &number)) {
            address->physical = (uint16_t)number;
        } else {
            return refuse(text, "takes baud=300..115200 and address=1..125", error);
        }
    }
    return WK_OK;
}

/* HOST[:PORT][/PHYSICAL]; an IPv6 address in brackets. */
static wk_err parse_host(const char *whole, const char *text,
                         struct wk_dlms_carrier_address *address,
                         char error[WK_DLMS_CARRIER_ERROR])
{
    char rest[128];
    long number;
    (void)snprintf(rest, sizeof rest, "%s", text);
    char *slash = strchr(rest, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (!address->hdlc || !number_of(slash + 1, PHYSICAL_MOST, &number)) {
            return refuse(whole, "a physical address is 1..125, of HDLC only", error);
        }
        address->physical = (uint16_t)number;
    }
    char *bracket = rest[0] == '[' ? strchr(rest, ']') : NULL;
    char *colon = strchr(bracket != NULL ? bracket : rest, ':');
    if (colon != NULL) {
        *colon = '\0';
        if (!number_of(colon + 1, UINT16_MAX, &number)) {
            return refuse(whole, "a port is 1..65535", error);
        }
        address->port = (uint16_t)number;
    }
    if (bracket != NULL) {
        *bracket = '\0';
    }
    const char *host = bracket != NULL ? rest + 1 : rest;
    (void)snprintf(address->host, sizeof address->host, "%s", host);
    return host[0] != '\0' ? WK_OK : refuse(whole, "names no host", error);
}

wk_err wk_dlms_carrier_parse(const char *text, uint16_t port,
                             struct wk_dlms_carrier_address *address,
                             char error[WK_DLMS_CARRIER_ERROR])
{
    *address = (struct wk_dlms_carrier_address){.port = port};
    if (strlen(text) >= sizeof address->host) {
        return refuse(text, "is too long", error);
    }
    if (strncmp(text, "hdlc+tcp://", 11) == 0) {
        address->hdlc = true;
        return parse_host(text, text + 11, address, error);
    }
    if (strncmp(text, "tcp://", 6) == 0) {
        return parse_host(text, text + 6, address, error);
    }
    if (strncmp(text, "tls://", 6) == 0) {
        address->tls = true;
        return parse_host(text, text + 6, address, error);
    }
    if (strncmp(text, "udp://", 6) == 0) {
        address->udp = true;
        return parse_host(text, text + 6, address, error);
    }
    if (strncmp(text, "hdlc:", 5) == 0 || strncmp(text, "modee:", 6) == 0) {
        return parse_device(text, address, error);
    }
    if (strstr(text, "://") != NULL) {
        return refuse(
            text, "is none of tcp://, tls://, udp://, hdlc+tcp://, hdlc:DEVICE, modee:DEVICE",
            error);
    }
    (void)snprintf(address->host, sizeof address->host, "%s", text);
    return WK_OK;
}
