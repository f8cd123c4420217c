/* SPDX-License-Identifier: Apache-2.0
 *
 * link/modem_advice - what a modem does and what somebody could do about it, in words.
 *
 * Thresholds lie in the ranges of TS 36.133 (RSRP -140..-44 dBm, RSRQ -19.5..-3 dB): RSRP below -110
 * dBm is weak, below -120 dBm at the edge; RSRQ below -15 dB, or SINR below 0 dB, is disturbed. Weak
 * and clean asks for a better place of the antenna; strong and disturbed does not get better by
 * that: another cell or band may. */
#ifndef WK_LINK_MODEM_ADVICE_H
#define WK_LINK_MODEM_ADVICE_H

#include "link/modem.h"

typedef enum wk_modem_advice {
    WK_MODEM_ADVICE_NONE = 0,
    WK_MODEM_ADVICE_TROUBLE, /* wk_modem_trouble_text says it */
    WK_MODEM_ADVICE_ANTENNA, /* weak, not disturbed */
    WK_MODEM_ADVICE_EDGE,    /* weak and disturbed */
    WK_MODEM_ADVICE_BAND,    /* disturbed */
    WK_MODEM_ADVICE_CELLS,   /* between cells */
    WK_MODEM_ADVICE_TRIES,   /* another band is on trial */
    WK_MODEM_ADVICES
} wk_modem_advice;

wk_modem_advice wk_modem_advise(const struct wk_modem *modem);
/** What to do, a sentence; NULL: nothing. Constant. */
const char *wk_modem_advice_text(const struct wk_modem *modem);
/** What is wrong and what to do; NULL: nothing is. Constant. */
const char *wk_modem_trouble_text(wk_modem_trouble trouble);
/** One word or two: "registering". Constant. */
const char *wk_modem_state_text(wk_modem_state state);
/** What a cause of refusal means (TS 24.301, 9.9.3.9); NULL: not known. Constant. */
const char *wk_modem_reject_text(int16_t cause);
/** "LTE-M", "NB-IoT", "GSM" ... of <AcT>; NULL: not known. Constant. */
const char *wk_modem_technology_text(int16_t technology);

#endif
