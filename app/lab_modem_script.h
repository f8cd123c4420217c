/* SPDX-License-Identifier: Apache-2.0
 *
 * app/lab_modem_script - what `wk lab modem` does to a modem and its network, as people write it:
 *
 *   [at TIME] RULE                 without `at`: at once
 *
 *   signal RSRP RSRQ [SINR]        dBm and dB: signal -120 -18
 *   cell N   band N                hands over to it
 *   deny CAUSE   allow             the network refuses, by a cause of TS 24.301
 *   network off|on                 no cell is heard
 *   sim out|in
 *   psm on|off                     whether the network grants it
 *   hang soft|reset|power          answers nothing, until +CFUN=1,1, the reset line or the supply
 *   stuck attach|radio|soft|reset|power   answers, and does not register, until that
 *   restart                        by itself
 *   noise SHARE                    of answers: junk, unsolicited lines, pauses
 *
 * All other rules are those of its line: app/lab_script. */
#ifndef WK_APP_LAB_MODEM_SCRIPT_H
#define WK_APP_LAB_MODEM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/lab_script.h"
#include "port/virtual/modem.h"

#define WK_LAB_MODEM_CHANGES 128
#define WK_LAB_MODEM_TEXT    64

struct wk_lab_modem_change {
    int64_t at_us;
    char text[WK_LAB_MODEM_TEXT];
};

/* Changes to come, soonest first. */
struct wk_lab_modem_script {
    struct wk_lab_modem_change change[WK_LAB_MODEM_CHANGES];
    size_t count;
    struct wk_lab_script line; /* of the line */
};

/** Adds what a line says. On error nothing was added and `why` says what is wrong. */
WK_MUST_USE wk_err wk_lab_modem_script_line(struct wk_lab_modem_script *script,
                                            struct wk_text_span line, int64_t now_us,
                                            char why[WK_LAB_WHY]);
WK_MUST_USE wk_err wk_lab_modem_script_text(struct wk_lab_modem_script *script,
                                            struct wk_text_span text, char why[WK_LAB_WHY]);
/** When the next change of the modem is due; WK_LAB_NEVER. */
int64_t wk_lab_modem_script_next_us(const struct wk_lab_modem_script *script);
/** Does to the modem what is due. The text of the change, valid until the next call; NULL: none was. */
const char *wk_lab_modem_script_take(struct wk_lab_modem_script *script,
                                     struct wk_virtual_modem *modem, int64_t now_us);

#endif
