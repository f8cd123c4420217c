/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_part.h"

#include "link/modem_profile.h"

#define SETTLE_US INT64_C(900000000) /* the mean of the signal needs a while */
#define POOR_DDB  (-150)
#define GOOD_DBM  (-105)
#define GAIN_DDB  20 /* less is chance */
#define RESTLESS  6  /* changes of cells in an hour */

/* The place is not the reason: strong enough, and yet disturbed, or between cells. */
static bool could_be_better(const struct wk_modem *modem)
{
    const struct wk_modem_signal *signal = &modem->signal;
    if (signal->rsrp_dbm == WK_MODEM_UNKNOWN || signal->rsrp_dbm < GOOD_DBM) {
        return false;
    }
    const bool restless = modem->changes >= RESTLESS || modem->changes_before >= RESTLESS;
    return signal->mean_ddb < POOR_DDB || restless;
}

/* The first band of the rules that is not the present one; 0: none. */
static uint8_t other_band(const struct wk_modem *modem)
{
    for (size_t i = 0; i < WK_MODEM_BANDS; i++) {
        if (modem->rules.bands[i] != 0 && modem->rules.bands[i] != modem->cell.band) {
            return modem->rules.bands[i];
        }
    }
    return 0;
}

static void restore(struct wk_modem *modem, const char *why, int64_t now_us)
{
    struct wk_modem_trial *trial = &modem->trial;
    trial->restores = true;
    trial->wanted = true;
    trial->band = 0;
    trial->judged = false;
    trial->next_us = now_us + WK_MODEM_TRIAL_NEXT_US;
    wk_modem_note(modem, why);
}

static void begin(struct wk_modem *modem, uint8_t band, int64_t now_us)
{
    modem->counts.trials++;
    modem->trial = (struct wk_modem_trial){.band = band,
                                           .wanted = true,
                                           .before_ddb = modem->signal.mean_ddb,
                                           .until_us = now_us + WK_MODEM_TRIAL_US};
    wk_modem_note(modem, "the signal is disturbed: another band is tried for an hour");
}

void wk_modem_trial_look(struct wk_modem *modem, int64_t now_us)
{
    struct wk_modem_trial *trial = &modem->trial;
    if (trial->band == 0) {
        const uint8_t band = other_band(modem);
        const bool settled =
            now_us - modem->entered_us >= SETTLE_US && now_us >= trial->next_us;
        if (!trial->wanted && band != 0 && modem->cell.band != 0 && settled &&
            wk_modem_profile(modem->profile)->bands != NULL && could_be_better(modem)) {
            begin(modem, band, now_us);
        }
        return;
    }
    if (!trial->judged && now_us >= trial->until_us) {
        trial->judged = true;
        if (modem->signal.mean_ddb - trial->before_ddb < GAIN_DDB) {
            restore(modem, "the other band is no better: all bands again", now_us);
        } else {
            wk_modem_note(modem, "the other band is better, and kept");
        }
    }
}

void wk_modem_trial_lost(struct wk_modem *modem, int64_t now_us)
{
    if (modem->trial.band != 0) {
        restore(modem, "no network is found on the other band: all bands again", now_us);
    }
}
