/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds a modem's owner with whatever: lines in any state, answers to any command, at any time. */
#include <stdlib.h>

#include "link/modem_advice.h"

#define MS INT64_C(1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *self, const char *octets, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++) {
        if ((octets[i] < ' ' && octets[i] != '\r') || octets[i] > '~') {
            abort(); /* a command has text only */
        }
    }
}

static wk_err pulse(void *self, wk_modem_line line)
{
    const uint8_t *first = self;
    return (*first >> line & 1) != 0 ? WK_OK : WK_E_UNSUPPORTED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wk_modem modem;
    uint8_t first = 0;
    const struct wk_modem_port port = {.self = &first, .send = ignore, .pulse = pulse};
    struct wk_modem_rules rules = {
        .apn = "iot", .pin = "1234", .edrx_s = 80, .bands = {8, 20}, .seed = 1};
    int64_t now_us = 0;
    if (size < 2) {
        return 0;
    }
    first = data[0];
    rules.tau_s = (first & 0x10) != 0 ? 3600 : 0;
    rules.active_s = 10;
    wk_modem_init(&modem, &rules, &port, 0);
    for (size_t i = 1; i + 1 < size;) {
        const size_t most = (size_t)(data[i] & 0x3f) + 1;
        const size_t part = most < size - i - 1 ? most : size - i - 1;
        now_us += (int64_t)(data[i] >> 6) * 700 * MS;
        wk_modem_take(&modem, data + i + 1, part, now_us);
        wk_modem_step(&modem, now_us);
        if (wk_modem_due_us(&modem) <= now_us) {
            wk_modem_step(&modem, now_us);
        }
        if (modem.state >= WK_MODEM_STATES || modem.rung >= WK_MODEM_RUNGS) {
            abort();
        }
        (void)wk_modem_advice_text(&modem);
        (void)wk_modem_malus(&modem);
        i += part + 1;
    }
    return 0;
}
