/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view_modem.h"

#include <inttypes.h>
#include <stdio.h>

#include "link/modem_advice.h"

#define TENTHS 10.0
#define MICRO  1e6
#define CELL   12

static json_t *value_of(int16_t value, double unit)
{
    return value == WK_MODEM_UNKNOWN ? json_null() : json_real(value / unit);
}

static json_t *signal_of(const struct wk_modem *modem)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "rsrp_dbm", value_of(modem->signal.rsrp_dbm, 1),
                     "rsrq_db", value_of(modem->signal.rsrq_ddb, TENTHS), "sinr_db",
                     value_of(modem->signal.sinr_ddb, TENTHS), "rssi_dbm",
                     value_of(modem->signal.rssi_dbm, 1));
}

static json_t *cell_of(const struct wk_modem *modem)
{
    char id[CELL];
    char area[CELL];
    snprintf(id, sizeof id, "%07" PRIX32, modem->cell.id);
    snprintf(area, sizeof area, "%04" PRIX32, modem->cell.tac);
    return json_pack(
        "{s:s, s:s?, s:s, s:s, s:o, s:i}", "network", modem->cell.network, "technology",
        wk_modem_technology_text(modem->cell.technology), "cell", id, "area", area, "band",
        modem->cell.band > 0 ? json_integer(modem->cell.band) : json_null(), "changes_an_hour",
        modem->changes > modem->changes_before ? modem->changes : modem->changes_before);
}

/* How often each rung was climbed. */
static json_t *rungs_of(const struct wk_modem *modem)
{
    static const char *const k_names[WK_MODEM_RUNGS] = {"attach", "radio", "restart",
                                                        "reset",  "power", "rest"};
    json_t *rungs = json_object();
    for (size_t i = 0; i < WK_MODEM_RUNGS; i++) {
        json_object_set_new(rungs, k_names[i], json_integer(modem->counts.rungs[i]));
    }
    return rungs;
}

json_t *wk_view_modem(const struct wk_meter_modem *modem)
{
    const struct wk_modem *look = wk_meter_modem_look(modem);
    int64_t since_us = 0;
    const char *action = wk_meter_modem_action(modem, &since_us);
    const bool sleeps = look->granted_active_s > 0;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s?, s:s?, s:o, s:I}",
                     "state", wk_modem_state_text(look->state), "maker", look->maker, "model",
                     look->model, "firmware", look->revision, "imei", look->serial, "signal",
                     signal_of(look), "cell", cell_of(look), "tau_s",
                     sleeps ? json_integer(look->granted_tau_s) : json_null(), "active_s",
                     sleeps ? json_integer(look->granted_active_s) : json_null(), "rungs",
                     rungs_of(look), "trouble", wk_modem_trouble_text(look->trouble), "action",
                     action[0] != '\0' ? action : NULL, "action_s",
                     action[0] != '\0' ? json_real((double)since_us / MICRO) : json_null(),
                     "wakes", (json_int_t)look->counts.wakes);
}

bool wk_view_modem_advice(const struct wk_meter_modem *modem, char *to, size_t room)
{
    const struct wk_modem *look = wk_meter_modem_look(modem);
    const char *why = wk_meter_modem_why(modem);
    const char *advice = wk_modem_advice_text(look);
    const char *cause = wk_modem_reject_text(look->cell.reject);
    if (why[0] != '\0') {
        snprintf(to, room, "The modem cannot be reached (%.160s)", why);
    } else if (look->trouble == WK_MODEM_DENIED && cause != NULL) {
        snprintf(to, room, "%s (%s)", advice, cause);
    } else if (advice != NULL) {
        snprintf(to, room, "%s", advice);
    } else if (wk_modem_carries(look) == WK_MODEM_CARRIES_NOT) {
        snprintf(to, room, "The modem is not online yet: %s", wk_modem_state_text(look->state));
    } else {
        return false;
    }
    return true;
}
