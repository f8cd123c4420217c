/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/mqtt_tls - the trust of a client of a broker: TLS 1.3 only, chains end at the given
 * authorities, and the certificate names the host (subjectAltName). Brokers are not meters: their
 * keys may be RSA, too. */
#ifndef WK_PORT_LINUX_MQTT_TLS_H
#define WK_PORT_LINUX_MQTT_TLS_H

#include <openssl/types.h>

#include "base/err.h"
#include "port/linux/tls_own.h"

#define WK_MQTT_TLS_ERROR 192

struct wk_mqtt_tls {
    const char *name;      /* DNS name or address that the broker's certificate must have */
    const char *ca;        /* PEM file of authorities; NULL: those of the system */
    struct wk_tls_own own; /* certificate NULL: none */
};

/** Reads the files, as they are now. `why`, of WK_MQTT_TLS_ERROR characters, must outlive the
 *  context: it gets what is wrong with the certificate of a broker. WK_E_FORMAT: a file is not
 *  what it should be, see error, or the own certificate is still to come; WK_E_IO: no memory. Free it with SSL_CTX_free. */
WK_MUST_USE wk_err wk_mqtt_tls_make(SSL_CTX **context, const struct wk_mqtt_tls *tls, char *why,
                                    char error[WK_MQTT_TLS_ERROR]);

#endif
