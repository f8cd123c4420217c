/* SPDX-License-Identifier: Apache-2.0
 *
 * A line brings the input to a meter that awaits an answer, then the input in a frame of its own, which
 * must come through whatever was before. A modem that tells the input changes the meter's mind at most. */
#include <stdlib.h>
#include <string.h>

#include "link/line.h"
#include "link/line_modem.h"

#define METER      0x10000002
#define TOLD_TIMES 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static wk_err draw(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 0x5a, size);
    return WK_OK;
}

static bool bring(struct wk_link_line *line, const uint8_t *octets, size_t size,
                  struct wk_bytes_in *answer)
{
    bool any = false;
    while (size > 0) {
        bool is_answer;
        const size_t taken = wk_link_line_take(line, octets, size, 0, &is_answer, answer);
        if (taken == 0 || taken > size) {
            abort();
        }
        octets += taken;
        size -= taken;
        any = any || is_answer;
    }
    return any;
}

/* Whatever is told, what the meter wants next is a channel, mode and level that there are. */
static void tell_modem(const uint8_t *data, size_t size)
{
    static struct wk_line_modem modem;
    const struct wk_line_modem_rules rules = {.adapts = true, .trial_us = 1};
    wk_line_modem_init(&modem, &rules, 0);
    for (int64_t now_us = 1; now_us < TOLD_TIMES; now_us++) {
        wk_line_modem_count(&modem, (now_us & 3) == 0);
        const bool told = wk_line_modem_take(&modem, wk_bytes_in_of(data, size), now_us);
        const struct wk_line_modem_status *status = &modem.status;
        if (told && modem.wants &&
            (modem.wanted.channel >= status->channels || modem.wanted.mode >= status->modes ||
             modem.wanted.level_db > status->lowest_db)) {
            abort();
        }
    }
    (void)wk_line_modem_advice_text(&modem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wk_link_line line;
    static uint8_t octets[WK_LINK_LINE_CODED];
    const struct wk_link_line_config config = {.baud = 9600, .meter = METER, .random = draw};
    struct wk_bytes_in answer = {0};
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    const size_t part = size < WK_LINK_LINE_PAYLOAD ? size : WK_LINK_LINE_PAYLOAD;
    tell_modem(data, size);
    if (wk_link_line_init(&line, &config, 0) != WK_OK ||
        wk_link_line_ask(&line, data, part, WK_LINK_LINE_BEGIN_US, &out) != WK_OK) {
        abort();
    }
    if (bring(&line, data, size, &answer)) {
        return 0; /* the input is the answer */
    }
    out.size = 0;
    const struct wk_link_line_frame frame = {.kind = WK_LINK_LINE_ANSWER,
                                             .number = line.number,
                                             .meter = METER,
                                             .octets = wk_bytes_in_of(data, part)};
    wk_link_line_write(&out, &frame);
    if (out.fault != WK_OK || !bring(&line, octets, out.size, &answer) || answer.size != part ||
        (part > 0 && memcmp(answer.data, data, part) != 0)) {
        abort();
    }
    return 0;
}
