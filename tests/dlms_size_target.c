/* SPDX-License-Identifier: Apache-2.0
 *
 * The DLMS server of a meter with the full list of objects, suites 0 and 1 and payment. */
#include "cosem/compact.h"
#include "tests/dlms_size_server.h"

static struct wk_session_identity identity;
static struct wk_payment payment;

static void add_crypto(struct wk_bearssl *with)
{
    wk_bearssl_add_wrap(with);
    wk_bearssl_add_p256(with);
}

int main(void)
{
    const struct dlms_size_meter meter = {
        .phases = 3,
        .identity = &identity,
        .payment = &payment,
        .add_crypto = add_crypto,
        .compact = wk_compact_put,
    };
    wk_payment_usual(&payment);
    if (wk_payment_init(&payment) == WK_OK) {
        dlms_size_serve(&meter);
    }
    return 1;
}
