/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_advice.h"

#include <stddef.h>

#define WEAK_DBM  (-110)
#define EDGE_DBM  (-120)
#define POOR_DDB  (-150)
#define NOISE_DDB 0
#define RESTLESS  6 /* changes of cells in an hour */

static const char *const k_states[WK_MODEM_STATES] = {
    [WK_MODEM_OFF] = "off",
    [WK_MODEM_BOOTING] = "booting",
    [WK_MODEM_SIM] = "waiting for the SIM",
    [WK_MODEM_SPREADING] = "waiting its turn after an outage",
    [WK_MODEM_REGISTERING] = "registering",
    [WK_MODEM_ATTACHED] = "registered",
    [WK_MODEM_ACTIVE] = "online",
    [WK_MODEM_ASLEEP] = "asleep",
    [WK_MODEM_WAKING] = "waking",
    [WK_MODEM_RECOVERING] = "recovering",
    [WK_MODEM_WAITING] = "waiting",
};

static const char *const k_troubles[WK_MODEM_TROUBLES] = {
    [WK_MODEM_SILENT] = "The modem does not answer: look at its supply and its serial line",
    [WK_MODEM_REFUSES] = "The modem refuses a command that it must know: look at its firmware",
    [WK_MODEM_NO_SIM] = "There is no SIM: put one in, the right way round",
    [WK_MODEM_SIM_FAILED] = "The SIM cannot be read: clean its contacts, or try another one",
    [WK_MODEM_PIN_WANTED] = "The SIM wants a PIN, and none is configured: set pin in [path]",
    [WK_MODEM_PIN_WRONG] =
        "The PIN is wrong and is not tried again: correct pin in [path], the "
        "third wrong one locks the SIM",
    [WK_MODEM_PUK_WANTED] = "The SIM is locked: its PUK is needed, or another SIM",
    [WK_MODEM_DENIED] = "The network denies access: ask the operator whether SIM and plan are "
                        "active and allow this kind of network here",
    [WK_MODEM_NO_NETWORK] =
        "No network is found: look at the antenna and its cable, and whether "
        "the operator covers this place and band",
    [WK_MODEM_NO_CONTEXT] =
        "The network gives no data connection: look at apn in [path], and ask "
        "the operator about the plan",
    [WK_MODEM_NO_DATA] =
        "The modem says it is online, and nothing came back for long: it is restarted "
        "step by step; look at apn, and ask the operator",
};

static const char *const k_advices[WK_MODEM_ADVICES] = {
    [WK_MODEM_ADVICE_ANTENNA] =
        "The signal is weak but clean: a better antenna or a higher place "
        "for it would help",
    [WK_MODEM_ADVICE_EDGE] = "The signal is at the edge of what works: an antenna outside, or "
                             "another operator, would help",
    [WK_MODEM_ADVICE_BAND] =
        "The signal is strong but disturbed: another cell or band would help "
        "(bands in [path]), or a place with more distance to machines",
    [WK_MODEM_ADVICE_CELLS] =
        "The modem changes between cells all the time: a directed antenna, or "
        "one band only (bands in [path]), would help",
    [WK_MODEM_ADVICE_TRIES] =
        "Another band is being tried for an hour, and kept if it is better",
};

static const struct {
    int16_t cause;
    const char *text;
} k_rejects[] = {
    {2, "the SIM is not known to the network"},
    {3, "the SIM is barred"},
    {6, "this device is barred"},
    {7, "data service is not allowed for this SIM"},
    {8, "neither calls nor data are allowed for this SIM"},
    {11, "this operator is not allowed for this SIM"},
    {12, "this area is not allowed"},
    {13, "roaming is not allowed here"},
    {14, "data service is not allowed with this operator"},
    {15, "no suitable cell in this area"},
    {22, "the network is congested"},
};

static const char *const k_technologies[] = {
    "GSM", "GSM compact", "UMTS", "EDGE", "HSDPA", "HSUPA", "HSPA", "LTE", "EC-GSM", "NB-IoT"};

const char *wk_modem_state_text(wk_modem_state state)
{
    return k_states[state < WK_MODEM_STATES ? state : WK_MODEM_OFF];
}

const char *wk_modem_trouble_text(wk_modem_trouble trouble)
{
    return trouble < WK_MODEM_TROUBLES ? k_troubles[trouble] : NULL;
}

const char *wk_modem_reject_text(int16_t cause)
{
    for (size_t i = 0; i < sizeof k_rejects / sizeof k_rejects[0]; i++) {
        if (k_rejects[i].cause == cause) {
            return k_rejects[i].text;
        }
    }
    return NULL;
}

const char *wk_modem_technology_text(int16_t technology)
{
    const size_t count = sizeof k_technologies / sizeof k_technologies[0];
    return technology >= 0 && (size_t)technology < count ? k_technologies[technology] : NULL;
}

wk_modem_advice wk_modem_advise(const struct wk_modem *modem)
{
    const struct wk_modem_signal *signal = &modem->signal;
    if (modem->trouble != WK_MODEM_NO_TROUBLE) {
        return WK_MODEM_ADVICE_TROUBLE;
    }
    if (signal->rsrp_dbm == WK_MODEM_UNKNOWN || modem->state != WK_MODEM_ACTIVE) {
        return WK_MODEM_ADVICE_NONE;
    }
    const bool disturbed =
        signal->rsrq_ddb < POOR_DDB ||
        (signal->sinr_ddb != WK_MODEM_UNKNOWN && signal->sinr_ddb < NOISE_DDB);
    if (modem->trial.band != 0 && !modem->trial.judged) {
        return WK_MODEM_ADVICE_TRIES;
    }
    if (signal->rsrp_dbm < WEAK_DBM) {
        return disturbed || signal->rsrp_dbm < EDGE_DBM ? WK_MODEM_ADVICE_EDGE
                                                        : WK_MODEM_ADVICE_ANTENNA;
    }
    if (disturbed) {
        return WK_MODEM_ADVICE_BAND;
    }
    return modem->changes >= RESTLESS || modem->changes_before >= RESTLESS
               ? WK_MODEM_ADVICE_CELLS
               : WK_MODEM_ADVICE_NONE;
}

const char *wk_modem_advice_text(const struct wk_modem *modem)
{
    const wk_modem_advice advice = wk_modem_advise(modem);
    return advice == WK_MODEM_ADVICE_TROUBLE ? wk_modem_trouble_text(modem->trouble)
                                             : k_advices[advice];
}
