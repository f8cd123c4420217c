/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds a token gateway with anything; the first octet chooses from whom. A GMAC that fits is beyond
 * chance: a token that is executed ends the run, and so does a state that does not come back from
 * its octets. */
#include <stdlib.h>
#include <string.h>

#include "management/token.h"
#include "port/linux/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wk_crypto crypto;
static struct wk_token_transfer transfer;

static void start(void)
{
    if (transfer.crypto != NULL) {
        return;
    }
    if (wk_crypto_init(&crypto) != WK_OK) {
        abort();
    }
    transfer = (struct wk_token_transfer){.crypto = &crypto.hal,
                                          .key = {.octets = {9, 8, 7}, .size = 16},
                                          .has_point = true,
                                          .point = {4, 5, 6},
                                          .name = "WKP0000000000001"};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wk_token_gateway gateway = {0};
    struct wk_token_gateway again;
    uint8_t packed[WK_TOKEN_PACKED];
    start();
    if (size == 0) {
        return 0;
    }
    const struct wk_token_port port = wk_token_transfer_port(&transfer);
    const wk_token_delivery from = (wk_token_delivery)(data[0] % WK_TOKEN_DELIVERIES);
    if (wk_token_enter(&gateway, &port, data + 1, size - 1, from, 0)) {
        abort();
    }
    struct wk_bytes_out out = wk_bytes_out_of(packed, sizeof packed);
    wk_token_pack(&gateway, &out);
    struct wk_bytes_in in = wk_bytes_in_of(packed, out.size);
    if (out.fault != WK_OK || wk_token_unpack(&again, &in) != WK_OK ||
        again.status != gateway.status) {
        abort();
    }
    in = wk_bytes_in_of(data, size);
    (void)(wk_token_unpack(&again, &in) == WK_OK);
    return 0;
}
