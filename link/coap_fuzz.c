/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams made of the input come to a client with requests under way; numbers and tokens fit if the
 * input wants it, so that what is behind them is looked at, too. */
#include <stdlib.h>
#include <string.h>

#include "link/coap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static wk_err draw(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 0x5a, size);
    return WK_OK;
}

/* The first octet of a datagram's turn says what is put right in it. */
static void fit(const struct wk_coap *coap, uint8_t *datagram, size_t size, uint8_t how)
{
    const struct wk_coap_exchange *exchange = &coap->lane[how % WK_COAP_LANES];
    if (size < 8) {
        return;
    }
    if ((how & 0x10) != 0) {
        datagram[0] = (uint8_t)((datagram[0] & 0x30) | 0x44);
        memcpy(datagram + 4, exchange->token, sizeof exchange->token);
    }
    if ((how & 0x20) != 0) {
        datagram[2] = (uint8_t)(exchange->id >> 8);
        datagram[3] = (uint8_t)exchange->id;
    }
}

static void send_all(struct wk_coap *coap, int64_t now_us)
{
    const uint8_t *octets;
    size_t sent;
    struct wk_coap_message message;
    for (int i = 0; (octets = wk_coap_output(coap, now_us, &sent)) != NULL; i++) {
        if (i > WK_COAP_ANSWERS + WK_COAP_LANES ||
            wk_coap_read(wk_bytes_in_of(octets, sent), &message) != WK_OK) {
            abort(); /* it sends for ever, or what it sends is wrong */
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wk_coap coap;
    const struct wk_coap_config config = {
        .path = {wk_bytes_in_of("wk", 2), wk_bytes_in_of("574B500010000002", 16)},
        .random = draw};
    int64_t now_us = 0;
    if (wk_coap_init(&coap, &config, now_us) != WK_OK) {
        abort();
    }
    while (size > 2) {
        uint8_t datagram[256];
        struct wk_coap_answer answer;
        wk_coap_lane lane;
        const uint8_t how = data[0];
        const size_t part = data[1] < size - 2 ? data[1] : size - 2;
        memcpy(datagram, data + 2, part);
        (void)!wk_coap_post(&coap, (wk_coap_lane)(how % WK_COAP_LANES), data,
                            part < 200 ? part : 200, now_us);
        send_all(&coap, now_us);
        fit(&coap, datagram, part, how);
        if (wk_coap_receive(&coap, wk_bytes_in_of(datagram, part), now_us, &answer) == WK_OK &&
            answer.payload.size > part) {
            abort();
        }
        send_all(&coap, now_us);
        while (wk_coap_failed(&coap, &lane)) {
        }
        now_us += (how & 0x80) != 0 ? 3000000 : 1000;
        data += part + 2;
        size -= part + 2;
    }
    return 0;
}
