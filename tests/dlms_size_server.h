/* SPDX-License-Identifier: Apache-2.0
 *
 * A meter's DLMS server with an HDLC line and pushes, as programs that are linked and not run: their
 * maps tell what COSEM brings into flash (tools/report_size). */
#ifndef WK_TESTS_DLMS_SIZE_SERVER_H
#define WK_TESTS_DLMS_SIZE_SERVER_H

#include "base/bytes.h"
#include "management/payment.h"
#include "management/session_security.h"
#include "port/bearssl/bearssl.h"

struct dlms_size_meter {
    uint8_t phases;
    struct wk_session_identity *identity;        /* NULL: suite 0 only */
    struct wk_payment *payment;                  /* initialised, or NULL */
    void (*add_crypto)(struct wk_bearssl *with); /* beside AES-GCM */
    wk_err (*compact)(struct wk_bytes_in array,
                      struct wk_bytes_out *out); /* of pushes, or NULL */
};

void dlms_size_serve(const struct dlms_size_meter *meter);

#endif
