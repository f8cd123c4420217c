/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_security_tls - the key pair of TLS of a meter by class 64: a new one, its request, its
 * certificate. */
#ifndef WK_APP_WK_SECURITY_TLS_H
#define WK_APP_WK_SECURITY_TLS_H

#include <stdbool.h>

#include "app/wk_meter.h"

/* What is wanted; NULL and false: nothing of it. */
struct wk_security_tls {
    bool renew;
    const char *csr;         /* file that the request goes to, PEM; "-": standard output */
    const char *certificate; /* file that is brought to the meter, PEM or DER */
};

bool wk_security_tls_is_wanted(const struct wk_security_tls *wanted);
/** Does it by the Security setup `obis`, in the order of the members. False, and a text on standard
 *  error: it could not be done. */
bool wk_security_tls_do(struct wk_meter *meter, const uint8_t obis[WK_OBIS_SIZE],
                        const struct wk_security_tls *wanted);

#endif
