/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/setups.h"

#include <string.h>

#include "cosem/axdr.h"
#include "management/objects.h"
#include "port/linux/dlms_tcp.h"
#include "port/linux/interface.h"

#define USUAL_BAUD  9600
#define WINDOW_MOST 7

/* Classes, and attributes that the meter works by. */
enum { CLASS_HDLC = 23, CLASS_TCP = 41, CLASS_IPV4 = 42, CLASS_MAC = 43 };
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
enum { IPV4_ADDRESS = 3, IPV4_MASK = 6, IPV4_GATEWAY = 7, MAC_ADDRESS = 2 };

static const uint8_t k_hdlc[6] = {0, 0, 22, 0, 0, 255};
static const uint8_t k_tcp[6] = {0, 0, 25, 0, 0, 255};
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
        attribute == IPV4_ADDRESS || attribute == IPV4_MASK || attribute == IPV4_GATEWAY;
    if (!known || wk_interface_read(setups->config->dlms_host, &interface) != WK_OK) {
        return false;
    }
    wk_axdr_put_double_long_unsigned(out, attribute == IPV4_ADDRESS ? interface.address
                                          : attribute == IPV4_MASK  ? interface.mask
                                                                    : interface.gateway);
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
    default:
        return false;
    }
}

void wk_meter_setups_init(struct wk_meter_setups *setups, const struct wk_config *config)
{
    *setups =
        (struct wk_meter_setups){.world = {.self = setups, .tell = tell}, .config = config};
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
