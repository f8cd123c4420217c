/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlms_carrier - what carries a client's APDUs to a meter and back, waiting for each.
 *
 *   HOST                      wrapper over TCP, on the port given beside it
 *   tcp://HOST[:PORT]         the same (port 4059)
 *   tls://HOST:PORT           wrapper over TLS 1.3 (port/linux/tls)
 *   udp://HOST[:PORT]         wrapper over UDP; what is not answered is sent again until the time
 *                             for the answer is over (port/linux/dlms_udp answers it only once)
 *   hdlc+tcp://HOST:PORT[/PHYSICAL]     HDLC over TCP
 *   hdlc:DEVICE[?baud=N][&address=N]    HDLC on a serial device: hdlc:/dev/ttyUSB0?baud=9600
 *   modee:DEVICE[?baud=N][&address=N]   the same after the sign-on of IEC 62056-21, mode E; `baud`
 *                             is the highest rate wanted (cosem/mode_e)
 *
 * PHYSICAL or `address` is the physical device on the line, 1..125; without it the address has
 * one octet, that of the logical device. One thread per instance. */
#ifndef WK_PORT_LINUX_DLMS_CARRIER_H
#define WK_PORT_LINUX_DLMS_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "cosem/client.h"
#include "cosem/hdlc_link.h"
#include "cosem/wrapper.h"
#include "port/linux/tls.h"

#define WK_DLMS_CARRIER_ERROR 192
#define WK_DLMS_CARRIER_HEAD  WK_WRAPPER_SIZE /* most octets before an APDU */
#define WK_DLMS_CARRIER_DATAGRAM                                                               \
    1200 /* longest APDU that UDP carries everywhere without fragments */

struct wk_dlms_carrier_address {
    char host[128]; /* or device */
    uint16_t port;
    bool hdlc;
    bool serial;
    bool signs_on; /* mode E; `baud` 0: as fast as the meter can */
    bool udp;
    bool tls;
    uint32_t baud;
    uint16_t physical;            /* 0: an address of one octet */
    struct wk_tls_context *trust; /* TLS: of a client, set by the caller; borrowed */
    const char *name; /* TLS: what the meter's certificate must name; NULL: host. Borrowed */
};

struct wk_dlms_carrier {
    struct wk_dlms_carrier_address to;
    int file; /* -1 = closed */
    struct wk_tls *tls;
    uint16_t server_sap;
    struct wk_wrapper_split wrapped;
    struct wk_hdlc_split frames;
    struct wk_hdlc_link link;
    int64_t octet_us; /* the last octet came */
    size_t sent;      /* UDP: octets of the last datagram, in `out` ... */
    bool opens;       /* ... which asks for an association */
    size_t taken;     /* octets of the last one that was received, in `apdu` */
    uint8_t in[WK_CLIENT_PDU + WK_WRAPPER_SIZE];
    uint8_t out[WK_CLIENT_PDU + WK_DLMS_CARRIER_HEAD + 1024];
    /* HDLC: put together from segments; UDP: the last datagram, to know its repetition */
    uint8_t apdu[WK_CLIENT_PDU + WK_WRAPPER_SIZE];
    uint8_t frame[WK_HDLC_FRAME_MOST];
    char error[WK_DLMS_CARRIER_ERROR];
};

/** Takes an address apart; `port` counts where the text has none. WK_E_FORMAT: `error` tells. */
WK_MUST_USE wk_err wk_dlms_carrier_parse(const char *text, uint16_t port,
                                         struct wk_dlms_carrier_address *address,
                                         char error[WK_DLMS_CARRIER_ERROR]);

/** Connects within `timeout_us`; HDLC connects with the first APDU. Errors: WK_E_IO, WK_E_TIMEOUT,
 *  WK_E_NOT_FOUND, WK_E_DENIED, WK_E_BUSY, WK_E_AUTH a certificate was refused, WK_E_STATE TLS
 *  without `trust`; carrier->error tells. */
WK_MUST_USE wk_err wk_dlms_carrier_open(struct wk_dlms_carrier *carrier,
                                        const struct wk_dlms_carrier_address *address,
                                        uint16_t server_sap, int64_t timeout_us);
/** Right also when it is not open. An HDLC connection is closed in words. */
void wk_dlms_carrier_close(struct wk_dlms_carrier *carrier);

/** Where the next APDU is written: behind `.size` octets that belong to the carrier. */
struct wk_bytes_out wk_dlms_carrier_begin(struct wk_dlms_carrier *carrier);
/** Sends it as client `client_sap`. `deadline_us`: of the steady clock. WK_E_TIMEOUT, WK_E_CLOSED,
 *  WK_E_FULL: the APDU is too long. */
WK_MUST_USE wk_err wk_dlms_carrier_send(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                                        struct wk_bytes_out *apdu, int64_t deadline_us);
/** The next APDU for `client_sap`; borrowed until the next call. */
WK_MUST_USE wk_err wk_dlms_carrier_receive(struct wk_dlms_carrier *carrier, uint16_t client_sap,
                                           int64_t deadline_us, struct wk_bytes_in *apdu);

#endif
