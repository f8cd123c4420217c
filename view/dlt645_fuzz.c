/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds a slave of DL/T 645 with octets in pieces, each with a size and a pause before it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/view_meter.h"
#include "view/dlt645.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wk_view_meter g_meter;

static void boot(struct wk_dlt645 *slave)
{
    static bool started;
    const struct wk_dlt645_config config = {.table = &g_meter.module.table,
                                            .address = {0x61, 0x01},
                                            .baud = 2400,
                                            .clock_role = WK_ROLE_COUNT};
    if (!started &&
        (wk_view_meter_init(&g_meter, 3) != WK_OK || wk_view_meter_step(&g_meter) != WK_OK)) {
        abort();
    }
    started = true;
    if (wk_dlt645_init(slave, &config) != WK_OK) {
        abort();
    }
}

/* An answer is a whole frame with its check sum. */
static void check(const uint8_t *answer, size_t size)
{
    uint8_t sum = 0;
    const size_t lead = WK_DLT645_LEAD_IN;
    if (size == 0) {
        return;
    }
    for (size_t n = lead; n < size - 2; n++) {
        sum = (uint8_t)(sum + answer[n]);
    }
    if (size != lead + WK_DLT645_HEAD + answer[lead + 9] + 2U || sum != answer[size - 2] ||
        answer[size - 1] != 0x16 || (answer[lead + 8] & 0x80) == 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wk_dlt645 slave;
    int64_t now_us = 1000000;
    boot(&slave);
    for (size_t at = 0; at + 2 <= size;) {
        const size_t left = size - at - 2;
        const size_t piece = data[at] < left ? data[at] : left;
        size_t sent = 0;
        now_us += (int64_t)data[at + 1] * data[at + 1] * 20;
        wk_dlt645_receive(&slave, now_us, data + at + 2, piece);
        now_us += WK_DLT645_REPLY_US;
        const uint8_t *answer = wk_dlt645_tick(&slave, now_us, now_us, &sent);
        check(answer, sent);
        at += 2 + piece;
    }
    return 0;
}
