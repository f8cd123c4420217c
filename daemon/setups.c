/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/setups.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cosem/axdr.h"
#include "daemon/setups_link.h"
#include "daemon/setups_modem.h"
#include "management/objects.h"
#include "port/linux/dlms_tcp.h"
#include "port/linux/interface.h"

#define USUAL_BAUD  9600
#define WINDOW_MOST 7

/* Classes, and attributes that the meter works by. */
enum {
    CLASS_DATA = 1,
    CLASS_HDLC = 23,
    CLASS_TCP = 41,
    CLASS_IPV4 = 42,
    CLASS_MAC = 43,
    CLASS_IPV6 = 48,
};
enum { TCP_PORT = 2, TCP_INACTIVITY = 6 };
enum {
    HDLC_SPEED = 2,
    HDLC_WINDOW_SEND,
    HDLC_WINDOW_RECEIVE,
    HDLC_INFO_SEND,
    HDLC_INFO_RECEIVE,
    HDLC_OCTET,
    HDLC_INACTIVITY,
    HDLC_ADDRESS,
};
enum {
    IPV4_ADDRESS = 3,
    IPV4_MASK = 6,
    IPV4_GATEWAY = 7,
    IPV4_DHCP = 8,
    IPV4_DNS = 9,
    IPV4_DNS_2 = 10,
    MAC_ADDRESS = 2,
};

static const uint8_t k_hdlc[6] = {0, 0, 22, 0, 0, 255};
static const uint8_t k_tcp[6] = {0, 0, 25, 0, 0, 255};
static const uint8_t k_ipv4[6] = {0, 0, 25, 1, 0, 255};
#define NETWORK 25 /* value group C of ports and networks */
/* comm_speed */
static const uint32_t k_bauds[] = {300,  600,   1200,  2400,  4800,
                                   9600, 19200, 38400, 57600, 115200};
#define BAUDS (sizeof k_bauds / sizeof k_bauds[0])

/* ---- what is told ------------------------------------------------------------------------ */

static bool tell_tcp(const struct wk_meter_setups *setups, uint8_t attribute,
                     struct wk_bytes_out *out)
{
    if (attribute == TCP_PORT) {
        wk_axdr_put_long_unsigned(out, setups->config->dlms_port);
        return true;
    }
    if (attribute == TCP_INACTIVITY) {
        wk_axdr_put_long_unsigned(out, WK_DLMS_TCP_IDLE_MS / 1000);
        return true;
    }
    return false;
}

static bool tell_hdlc(const struct wk_meter_setups *setups, uint8_t attribute,
                      struct wk_bytes_out *out)
{
    const struct wk_config *config = setups->config;
    const uint32_t baud = config->serial_baud != 0 ? config->serial_baud : USUAL_BAUD;
    switch (attribute) {
    case HDLC_SPEED:
        for (size_t i = 0; i < BAUDS; i++) {
            if (k_bauds[i] == baud) {
                wk_axdr_put_enum(out, (uint8_t)i);
                return true;
            }
        }
        return false;
    case HDLC_WINDOW_SEND:
    case HDLC_WINDOW_RECEIVE:
        wk_axdr_put_unsigned(out, WINDOW_MOST);
        return true;
    case HDLC_INFO_SEND:
    case HDLC_INFO_RECEIVE:
        wk_axdr_put_long_unsigned(out, WK_HDLC_INFO_MOST);
        return true;
    case HDLC_ADDRESS:
        wk_axdr_put_long_unsigned(out, config->hdlc_address);
        return true;
    default:
        return false;
    }
}

static bool tell_ipv4(const struct wk_meter_setups *setups, uint8_t attribute,
                      struct wk_bytes_out *out)
{
    struct wk_interface interface;
    const bool known =
        attribute == IPV4_ADDRESS || (attribute >= IPV4_MASK && attribute <= IPV4_DNS_2);
    if (!known || wk_interface_read(setups->config->dlms_host, &interface) != WK_OK) {
        return false;
    }
    const uint32_t addresses[] = {[IPV4_ADDRESS] = interface.address,
                                  [IPV4_MASK] = interface.mask,
                                  [IPV4_GATEWAY] = interface.gateway,
                                  [IPV4_DNS] = interface.dns[0],
                                  [IPV4_DNS_2] = interface.dns[1]};
    if (attribute == IPV4_DHCP) {
        wk_axdr_put_boolean(out, interface.leased);
    } else {
        wk_axdr_put_double_long_unsigned(out, addresses[attribute]);
    }
    return true;
}

static bool tell_mac(const struct wk_meter_setups *setups, uint8_t attribute,
                     struct wk_bytes_out *out)
{
    struct wk_interface interface;
    if (attribute != MAC_ADDRESS ||
        wk_interface_read(setups->config->dlms_host, &interface) != WK_OK) {
        return false;
    }
    wk_axdr_put_octet_string(out, interface.mac, sizeof interface.mac);
    return true;
}

/* Of the first path that has a modem. */
static bool tell_gsm(const struct wk_meter_setups *setups, uint8_t attribute,
                     struct wk_bytes_out *out)
{
    for (uint8_t i = 0; i < setups->link->path_count; i++) {
        const struct wk_meter_modem *modem = setups->link->paths[i].modem;
        if (modem != NULL) {
            return wk_setups_tell_gsm(wk_meter_modem_look(modem), attribute, out);
        }
    }
    return false;
}

static bool tell(void *self, const struct wk_setup_key *key, struct wk_bytes_out *out)
{
    const struct wk_meter_setups *setups = self;
    switch (key->class_id) {
    case CLASS_TCP:
        return tell_tcp(setups, key->attribute, out);
    case CLASS_HDLC:
        return tell_hdlc(setups, key->attribute, out);
    case CLASS_IPV4:
        return tell_ipv4(setups, key->attribute, out);
    case CLASS_MAC:
        return tell_mac(setups, key->attribute, out);
    case CLASS_DATA:
        return wk_setups_tell_link(setups->link, key->obis, out);
    case WK_SETUPS_CLASS_GSM:
        return tell_gsm(setups, key->attribute, out);
    default:
        return false;
    }
}

/* ---- what may be set --------------------------------------------------------------------- */

static void print_address(uint32_t address, char text[INET_ADDRSTRLEN])
{
    const struct in_addr in = {htonl(address)};
    (void)inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

/* Only what the system has can be listened on; 0 is the address of the configuration again. */
static bool is_here(uint32_t address)
{
    char text[INET_ADDRSTRLEN];
    struct wk_interface interface;
    print_address(address, text);
    return wk_interface_read(text, &interface) == WK_OK;
}

/* A value of another type is refused by its type. */
static wk_err allow_address(struct wk_bytes_in value)
{
    const int64_t address = wk_axdr_read_integer(&value, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    const bool one = wk_bytes_in_end(&value) == WK_OK && address != 0;
    return !one || is_here((uint32_t)address) ? WK_OK : WK_E_RANGE;
}

/* Of networks only the address is the meter's to choose: the system manages the others. A value that
 * has not even the right type is told so by whoever keeps it. */
static wk_err allow(void *self, const struct wk_setup_key *key, struct wk_bytes_in value)
{
    (void)self;
    if (key->obis[2] != NETWORK || (key->class_id != CLASS_IPV4 && key->class_id != CLASS_MAC &&
                                    key->class_id != CLASS_IPV6)) {
        return WK_OK;
    }
    return key->class_id == CLASS_IPV4 && key->attribute == IPV4_ADDRESS ? allow_address(value)
                                                                         : WK_E_DENIED;
}

void wk_meter_setups_init(struct wk_meter_setups *setups, const struct wk_config *config,
                          const struct wk_meter_link *link)
{
    *setups = (struct wk_meter_setups){.world = {.self = setups, .tell = tell, .allow = allow},
                                       .config = config,
                                       .link = link};
}

/* ---- what is taken ----------------------------------------------------------------------- */

static int64_t number_of(const struct wk_rooms *rooms, uint16_t class_id, const uint8_t obis[6],
                         uint8_t attribute, int64_t otherwise)
{
    int64_t number = 0;
    return wk_objects_setup_number(rooms, class_id, obis, attribute, &number) ? number
                                                                              : otherwise;
}

static int64_t hdlc(const struct wk_rooms *rooms, uint8_t attribute, int64_t otherwise)
{
    return number_of(rooms, CLASS_HDLC, k_hdlc, attribute, otherwise);
}

void wk_meter_setups_take(struct wk_meter_setups *setups, const struct wk_rooms *rooms,
                          struct wk_config *config)
{
    const int64_t speed = hdlc(rooms, HDLC_SPEED, -1);
    const int64_t address = number_of(rooms, CLASS_IPV4, k_ipv4, IPV4_ADDRESS, 0);
    if (address != 0 && is_here((uint32_t)address)) { /* it may have been taken away since */
        char text[INET_ADDRSTRLEN];
        print_address((uint32_t)address, text);
        (void)snprintf(config->dlms_host, sizeof config->dlms_host, "%s", text);
    }
    config->dlms_port =
        (uint16_t)number_of(rooms, CLASS_TCP, k_tcp, TCP_PORT, config->dlms_port);
    setups->idle_s = (uint32_t)number_of(rooms, CLASS_TCP, k_tcp, TCP_INACTIVITY, 0);
    setups->limits = (struct wk_hdlc_limits){
        .info_send = (uint16_t)hdlc(rooms, HDLC_INFO_SEND, WK_HDLC_INFO_MOST),
        .info_receive = (uint16_t)hdlc(rooms, HDLC_INFO_RECEIVE, WK_HDLC_INFO_MOST),
        .window_send = (uint8_t)hdlc(rooms, HDLC_WINDOW_SEND, WINDOW_MOST),
        .window_receive = (uint8_t)hdlc(rooms, HDLC_WINDOW_RECEIVE, WINDOW_MOST),
    };
    setups->octet_ms = (uint32_t)hdlc(rooms, HDLC_OCTET, 0);
    setups->inactive_s = (uint32_t)hdlc(rooms, HDLC_INACTIVITY, 0);
    config->hdlc_address = (uint16_t)hdlc(rooms, HDLC_ADDRESS, config->hdlc_address);
    if (speed >= 0 && (size_t)speed < BAUDS) {
        config->serial_baud = k_bauds[speed];
    }
}
