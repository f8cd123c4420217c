/* SPDX-License-Identifier: Apache-2.0
 *
 * app/lab_line_rules - what `wk lab plc` and `wk lab rf` do to the medium between two modems, as people write it:
 *
 *   [at TIME] RULE                without `at`: at once; the time counts from the start
 *
 *   disturb CHANNEL LEVEL SHARE   somebody else there, dBuV on a carrier or dBm, 20% of the time; 0%: nobody
 *   follow on|off                 whether the right modem may go to another channel
 *   attenuation DB                power line: at 63 kHz; slope DB: more for each 10 kHz above it
 *   notch KHZ DB                  6 kHz wide
 *   noise DB                      dBuV on a carrier at 63 kHz
 *   impulse DB TIME               above the noise, for so long of each half cycle of 10 ms
 *   distance METRES               radio; exponent N: of the path loss
 *   shadow DB                     standard deviation; one draw, by the seed
 *   rice DB                       the straight way above the others; 100: no fading
 *
 * Memory: the caller's. Context: one thread. */
#ifndef WK_APP_LAB_LINE_RULES_H
#define WK_APP_LAB_LINE_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "app/lab_script.h"
#include "port/linux/text.h"
#include "port/virtual/line_modem.h"

#define WK_LAB_LINE_RULES 64 /* to come, most */
#define WK_LAB_LINE_TEXT  64

struct wk_lab_line_rule {
    int64_t at_us;
    char text[WK_LAB_LINE_TEXT];
};

struct wk_lab_line_rules {
    struct wk_lab_line_rule rule[WK_LAB_LINE_RULES]; /* soonest first */
    size_t count;
};

/** Adds a rule. WK_E_FORMAT: `why` says what it must be; WK_E_FULL. */
WK_MUST_USE wk_err wk_lab_line_rules_add(struct wk_lab_line_rules *rules,
                                         struct wk_text_span line, int64_t now_us,
                                         char why[WK_LAB_WHY]);
/** When the next is due; WK_LAB_NEVER. */
int64_t wk_lab_line_rules_next_us(const struct wk_lab_line_rules *rules);
/** Does what is due. The text of the rule, valid until the next call; NULL: none was. */
const char *wk_lab_line_rules_take(struct wk_lab_line_rules *rules,
                                   struct wk_virtual_line_modems *modems, int64_t now_us);

#endif
