/* SPDX-License-Identifier: Apache-2.0 */
#include "link/line_modem_part.h"

#define PERMILLE      1000U
#define HOPELESS      4   /* questions without one answer */
#define GAIN_PERMILLE 100 /* less is chance */
#define GAIN_DDB      30
#define SPARE_DDB     60 /* what must be left after less was tried */
#define SLACK         50 /* permille */
#define PATIENCE      4  /* trials long, on a path that is seldom used */
#define NOISIER_DB    6
#define CUT_OFF       3   /* questions in a row without answer */
#define BLAMELESS_DDB 100 /* with so much margin packets are lost elsewhere */

/* ---- how it goes ------------------------------------------------------------------------- */

uint16_t wk_line_modem_delivery(const struct wk_line_modem *modem)
{
    const struct wk_line_modem_measure *so_far = &modem->measure;
    const uint32_t answered = so_far->answered;
    return (uint16_t)(so_far->asked == 0 ? PERMILLE : answered * PERMILLE / so_far->asked);
}

uint8_t wk_line_modem_quietest(const struct wk_line_modem *modem, int64_t now_us)
{
    const struct wk_line_modem_status *status = &modem->status;
    uint8_t best = WK_LINE_MODEM_CHANNELS;
    for (uint8_t i = 0; i < status->channels && i < WK_LINE_MODEM_CHANNELS; i++) {
        const bool is_open = i != status->setting.channel &&
                             status->noise_db[i] != WK_LINE_MODEM_NOISE_UNKNOWN &&
                             (now_us == 0 || modem->left_us[i] <= now_us);
        if (is_open &&
            (best == WK_LINE_MODEM_CHANNELS || status->noise_db[i] < status->noise_db[best])) {
            best = i;
        }
    }
    return best;
}

static bool is_noisier(const struct wk_line_modem *modem, uint8_t than)
{
    const struct wk_line_modem_status *status = &modem->status;
    const uint8_t channel = status->setting.channel;
    return channel < WK_LINE_MODEM_CHANNELS && than < WK_LINE_MODEM_CHANNELS &&
           status->noise_db[channel] != WK_LINE_MODEM_NOISE_UNKNOWN &&
           status->noise_db[channel] - status->noise_db[than] >= NOISIER_DB;
}

/* Somebody else is on the channel, as the modem hears, and nothing comes any more: what the margin was before says
 * nothing then. */
static bool is_cut_off(const struct wk_line_modem *modem)
{
    return modem->measure.unanswered >= CUT_OFF &&
           is_noisier(modem, wk_line_modem_quietest(modem, 0));
}

bool wk_line_modem_is_poor(const struct wk_line_modem *modem)
{
    const struct wk_line_modem_measure *so_far = &modem->measure;
    const bool fails = so_far->asked >= WK_LINE_MODEM_ENOUGH &&
                       wk_line_modem_delivery(modem) < WK_LINE_MODEM_FAILS;
    const bool is_weak = so_far->has_margin && so_far->margin_ddb < WK_LINE_MODEM_POOR_DDB;
    const bool is_blameless = so_far->has_margin && so_far->margin_ddb >= BLAMELESS_DDB;
    return is_weak || is_cut_off(modem) || (fails && !is_blameless);
}

static void start_measure(struct wk_line_modem *modem, int64_t now_us)
{
    modem->measure = (struct wk_line_modem_measure){.since_us = now_us};
}

static void note(struct wk_line_modem *modem, const char *text, int64_t now_us)
{
    modem->note = text;
    modem->noted_us = now_us;
}

/* ---- a trial ends ------------------------------------------------------------------------ */

static void wait_longer(struct wk_line_modem *modem, int64_t now_us)
{
    uint8_t *hours = &modem->again[modem->trial.action];
    *hours = *hours == 0                             ? 1
             : *hours * 2 < WK_LINE_MODEM_AGAIN_MOST ? (uint8_t)(*hours * 2)
                                                     : WK_LINE_MODEM_AGAIN_MOST;
    if (modem->trial.action == WK_LINE_MODEM_CHANNEL) { /* another one may be tried at once */
        const uint8_t channel = modem->wanted.channel;
        modem->left_us[channel % WK_LINE_MODEM_CHANNELS] =
            now_us + *hours * WK_LINE_MODEM_AGAIN_US;
    } else {
        modem->again_us[modem->trial.action] = now_us + *hours * WK_LINE_MODEM_AGAIN_US;
    }
}

static void undo(struct wk_line_modem *modem, const char *why, int64_t now_us)
{
    wait_longer(modem, now_us);
    modem->wanted = modem->trial.before;
    modem->wants = true;
    modem->trial.action = WK_LINE_MODEM_NOTHING;
    note(modem, why, now_us);
}

static void keep(struct wk_line_modem *modem, int64_t now_us)
{
    modem->kept++;
    modem->again[modem->trial.action] = 0;
    if (modem->trial.action == WK_LINE_MODEM_CHANNEL) {
        modem->left_us[modem->trial.before.channel % WK_LINE_MODEM_CHANNELS] =
            now_us + WK_LINE_MODEM_AGAIN_US;
    }
    modem->trial.action = WK_LINE_MODEM_NOTHING;
    note(modem, "what was tried is better, and kept", now_us);
}

static bool is_better(const struct wk_line_modem *modem)
{
    const struct wk_line_modem_trial *trial = &modem->trial;
    const struct wk_line_modem_measure *so_far = &modem->measure;
    const bool tells = so_far->asked >= HOPELESS;
    const int32_t now =
        tells ? (int32_t)wk_line_modem_delivery(modem) : (int32_t)trial->delivery_permille;
    const bool no_worse = now >= trial->delivery_permille - SLACK;
    if (trial->action == WK_LINE_MODEM_FASTER || trial->action == WK_LINE_MODEM_SOFTER) {
        return no_worse && so_far->has_margin && so_far->margin_ddb >= SPARE_DDB;
    }
    return now >= trial->delivery_permille + GAIN_PERMILLE ||
           (no_worse && so_far->has_margin &&
            so_far->margin_ddb >= trial->margin_ddb + GAIN_DDB);
}

static void judge(struct wk_line_modem *modem, int64_t now_us)
{
    const struct wk_line_modem_measure *so_far = &modem->measure;
    const int64_t lasts_us = now_us - so_far->since_us;
    const bool hopeless = so_far->asked >= HOPELESS && so_far->answered == 0;
    const bool enough =
        so_far->asked >= WK_LINE_MODEM_ENOUGH || lasts_us >= PATIENCE * modem->rules.trial_us;
    if (hopeless) {
        undo(modem, "nothing came with what was tried: it is undone", now_us);
    } else if (lasts_us >= modem->rules.trial_us && enough) {
        if (is_better(modem)) {
            keep(modem, now_us);
        } else {
            undo(modem, "what was tried is no better: it is undone", now_us);
        }
    }
}

/* ---- a trial begins ---------------------------------------------------------------------- */

static void begin(struct wk_line_modem *modem, wk_line_modem_action action,
                  const struct wk_line_modem_setting *setting, int64_t now_us)
{
    static const char *const k_notes[WK_LINE_MODEM_ACTIONS] = {
        [WK_LINE_MODEM_CHANNEL] = "another channel is tried",
        [WK_LINE_MODEM_LOUDER] = "a higher level is tried",
        [WK_LINE_MODEM_ROBUST] = "a more robust mode is tried",
        [WK_LINE_MODEM_FASTER] = "there is reserve: a faster mode is tried",
        [WK_LINE_MODEM_SOFTER] = "there is reserve: a lower level is tried",
    };
    modem->trials++;
    modem->trial = (struct wk_line_modem_trial){
        .action = action,
        .before = modem->status.setting,
        .delivery_permille = is_cut_off(modem) ? 0 : wk_line_modem_delivery(modem),
        .margin_ddb = modem->measure.margin_ddb};
    modem->wanted = *setting;
    modem->wants = true;
    start_measure(modem, now_us);
    note(modem, k_notes[action], now_us);
}

static bool may(const struct wk_line_modem *modem, wk_line_modem_action action, int64_t now_us)
{
    return modem->again_us[action] <= now_us;
}

/* The quietest; without noise to compare the next one that may be tried. */
static uint8_t next_channel(const struct wk_line_modem *modem, int64_t now_us)
{
    const struct wk_line_modem_status *status = &modem->status;
    const uint8_t quiet = wk_line_modem_quietest(modem, now_us);
    for (uint8_t i = 1; quiet == WK_LINE_MODEM_CHANNELS && i < status->channels; i++) {
        const uint8_t channel = (uint8_t)((status->setting.channel + i) % status->channels);
        if (channel < WK_LINE_MODEM_CHANNELS && modem->left_us[channel] <= now_us) {
            return channel;
        }
    }
    return quiet;
}

static void help(struct wk_line_modem *modem, int64_t now_us)
{
    struct wk_line_modem_setting setting = modem->status.setting;
    const uint8_t quiet = wk_line_modem_quietest(modem, now_us);
    const uint8_t next = next_channel(modem, now_us);
    wk_line_modem_action action = WK_LINE_MODEM_NOTHING;
    if (is_noisier(modem, quiet) && may(modem, WK_LINE_MODEM_CHANNEL, now_us)) {
        action = WK_LINE_MODEM_CHANNEL;
        setting.channel = quiet;
    } else if (setting.level_db > 0 && may(modem, WK_LINE_MODEM_LOUDER, now_us)) {
        action = WK_LINE_MODEM_LOUDER;
        setting.level_db = setting.level_db > WK_LINE_MODEM_STEP_DB
                               ? (uint8_t)(setting.level_db - WK_LINE_MODEM_STEP_DB)
                               : 0;
    } else if (setting.mode > 0 && may(modem, WK_LINE_MODEM_ROBUST, now_us)) {
        action = WK_LINE_MODEM_ROBUST;
        setting.mode--;
    } else if (next < WK_LINE_MODEM_CHANNELS && may(modem, WK_LINE_MODEM_CHANNEL, now_us)) {
        action = WK_LINE_MODEM_CHANNEL;
        setting.channel = next;
    }
    if (action != WK_LINE_MODEM_NOTHING) {
        begin(modem, action, &setting, now_us);
    }
}

static void save(struct wk_line_modem *modem, int64_t now_us)
{
    struct wk_line_modem_setting setting = modem->status.setting;
    const bool is_calm =
        now_us - modem->troubled_us >= WK_LINE_MODEM_CALM * modem->rules.trial_us;
    if (!is_calm || !modem->measure.has_margin ||
        modem->measure.margin_ddb < WK_LINE_MODEM_RESERVE_DDB) {
        return;
    }
    if (setting.mode + 1 < modem->status.modes && may(modem, WK_LINE_MODEM_FASTER, now_us)) {
        setting.mode++;
        begin(modem, WK_LINE_MODEM_FASTER, &setting, now_us);
    } else if (setting.level_db + WK_LINE_MODEM_STEP_DB <= modem->status.lowest_db &&
               may(modem, WK_LINE_MODEM_SOFTER, now_us)) {
        setting.level_db = (uint8_t)(setting.level_db + WK_LINE_MODEM_STEP_DB);
        begin(modem, WK_LINE_MODEM_SOFTER, &setting, now_us);
    }
}

/* ---- after each status ------------------------------------------------------------------- */

static bool is_same(const struct wk_line_modem_setting *a,
                    const struct wk_line_modem_setting *b)
{
    return a->channel == b->channel && a->mode == b->mode && a->level_db == b->level_db;
}

/* The modem is on its way to what is wanted, or is there, or cannot. */
static void follow(struct wk_line_modem *modem, int64_t now_us)
{
    const uint8_t flags = modem->status.flags;
    if (is_same(&modem->status.setting, &modem->wanted)) {
        modem->wants = false;
        start_measure(modem, now_us);
    } else if ((flags & WK_LINE_MODEM_FLAG_REFUSED) != 0) {
        modem->wants = false;
        modem->again_us[modem->trial.action] =
            now_us + WK_LINE_MODEM_CALM * modem->rules.trial_us;
        modem->trial.action = WK_LINE_MODEM_NOTHING;
        start_measure(modem, now_us);
        note(modem, "the far modem does not follow: all stays as it is", now_us);
    }
}

/* Gone home, or to where the far end was found: what was tried is over. */
static bool has_strayed(const struct wk_line_modem *modem)
{
    const struct wk_line_modem_setting *is = &modem->status.setting;
    return modem->trial.action != WK_LINE_MODEM_NOTHING &&
           (is->channel != modem->wanted.channel || is->mode != modem->wanted.mode);
}

void wk_line_modem_look(struct wk_line_modem *modem, int64_t now_us)
{
    const uint8_t flags = modem->status.flags;
    if (wk_line_modem_is_poor(modem)) {
        modem->troubled_us = now_us;
    }
    if (modem->wants) {
        follow(modem, now_us);
        return;
    }
    if (!modem->rules.adapts || (flags & WK_LINE_MODEM_FLAG_MOVES) != 0) {
        return;
    }
    if (has_strayed(modem)) {
        wait_longer(modem, now_us);
        modem->trial.action = WK_LINE_MODEM_NOTHING;
        start_measure(modem, now_us);
        note(modem, "the modems lost each other with what was tried, and went back", now_us);
        return;
    }
    if (modem->trial.action != WK_LINE_MODEM_NOTHING) {
        judge(modem, now_us);
        return;
    }
    const bool is_settled = now_us - modem->measure.since_us >= modem->rules.trial_us;
    if (!is_settled || (flags & WK_LINE_MODEM_FLAG_HEARD) == 0) {
        return;
    }
    if (wk_line_modem_is_poor(modem)) {
        help(modem, now_us);
    } else {
        save(modem, now_us);
    }
}
