/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_part.h"

#define SECOND_US INT64_C(1000000)
#define RUNG_US   (60 * SECOND_US)

static const struct {
    int64_t wait_us;
    const char *text;
} k_rungs[WK_MODEM_RUNGS] = {
    [WK_MODEM_RUNG_ATTACH] = {2 * SECOND_US,
                              "the modem detaches from the network and attaches anew"},
    [WK_MODEM_RUNG_RADIO] = {5 * SECOND_US, "the modem's radio is switched off and on"},
    [WK_MODEM_RUNG_RESET] = {3 * SECOND_US, "the modem is told to restart"},
    [WK_MODEM_RUNG_HARD] = {5 * SECOND_US, "the modem is reset by its line"},
    [WK_MODEM_RUNG_POWER] = {10 * SECOND_US, "the modem's supply is switched off and on"},
    [WK_MODEM_RUNG_REST] = {0, "nothing helped: the modem is left alone for a while"},
};

void wk_modem_ladder_climb(struct wk_modem *modem, int64_t now_us)
{
    /* who says nothing does nothing either */
    if (modem->trouble == WK_MODEM_SILENT && modem->rung < WK_MODEM_RUNG_RESET) {
        modem->rung = WK_MODEM_RUNG_RESET;
    }
    if (modem->rung >= WK_MODEM_RUNG_REST) {
        modem->rung = WK_MODEM_RUNG_REST;
        modem->counts.rungs[WK_MODEM_RUNG_REST]++;
        modem->spread = modem->rules.spread_s > 0;
        wk_modem_note(modem, k_rungs[WK_MODEM_RUNG_REST].text);
        wk_modem_happen(modem, WK_MODEM_REFUSED, now_us);
        return;
    }
    modem->counts.rungs[modem->rung]++;
    modem->step_us = now_us + k_rungs[modem->rung].wait_us;
    modem->deadline_us = modem->step_us + RUNG_US;
    wk_modem_note(modem, k_rungs[modem->rung].text);
}

void wk_modem_ladder_act(struct wk_modem *modem, int64_t now_us)
{
    while (modem->state == WK_MODEM_RECOVERING && now_us >= modem->step_us &&
           (modem->rung == WK_MODEM_RUNG_HARD || modem->rung == WK_MODEM_RUNG_POWER)) {
        const wk_modem_line line =
            modem->rung == WK_MODEM_RUNG_HARD ? WK_MODEM_LINE_RESET : WK_MODEM_LINE_POWER;
        if (modem->port.pulse(modem->port.self, line) == WK_OK) {
            wk_modem_happen(modem, WK_MODEM_RESTARTED, now_us);
            return;
        }
        modem->counts.rungs[modem->rung]--; /* there is no such line */
        modem->rung++;
        wk_modem_ladder_climb(modem, now_us);
    }
}
