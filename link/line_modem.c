/* SPDX-License-Identifier: Apache-2.0 */
#include "link/line_modem_part.h"

#include "link/line.h"

#define BEST_DDB     200 /* of a margin: quality is 100 */
#define QUALITY_BEST 100
#define MALUS_POOR   5
#define MALUS_LOST   10
#define NOISIER_DB   6 /* than another channel: it is disturbed */
#define SMOOTH       4
#define LOOKS        8  /* in a trial, least */
#define AGED         64 /* questions; then all count half */

/* ---- frames ------------------------------------------------------------------------------ */

static void put_heard(struct wk_bytes_out *out, const struct wk_line_modem_heard *heard)
{
    wk_bytes_out_u16be(out, (uint16_t)heard->signal_ddb);
    wk_bytes_out_u16be(out, (uint16_t)heard->noise_ddb);
    wk_bytes_out_u16be(out, (uint16_t)heard->margin_ddb);
}

static void get_heard(struct wk_bytes_in *in, struct wk_line_modem_heard *heard)
{
    heard->signal_ddb = (int16_t)wk_bytes_in_u16be(in);
    heard->noise_ddb = (int16_t)wk_bytes_in_u16be(in);
    heard->margin_ddb = (int16_t)wk_bytes_in_u16be(in);
}

void wk_line_modem_status_write(struct wk_bytes_out *out,
                                const struct wk_line_modem_status *status)
{
    wk_bytes_out_u8(out, WK_LINE_MODEM_VERSION);
    wk_bytes_out_u8(out, status->medium);
    wk_bytes_out_u8(out, status->setting.channel);
    wk_bytes_out_u8(out, status->channels);
    wk_bytes_out_u8(out, status->setting.mode);
    wk_bytes_out_u8(out, status->modes);
    wk_bytes_out_u8(out, status->setting.level_db);
    wk_bytes_out_u8(out, status->lowest_db);
    wk_bytes_out_u8(out, status->flags);
    wk_bytes_out_u8(out, status->air_percent);
    wk_bytes_out_u32be(out, status->rate_bps);
    put_heard(out, &status->near);
    put_heard(out, &status->far);
    wk_bytes_out_u32be(out, status->heard);
    wk_bytes_out_u32be(out, status->unsent);
    for (uint8_t i = 0; i < status->channels && i < WK_LINE_MODEM_CHANNELS; i++) {
        wk_bytes_out_u8(out, (uint8_t)status->noise_db[i]);
    }
}

wk_err wk_line_modem_status_read(struct wk_bytes_in in, struct wk_line_modem_status *status)
{
    struct wk_line_modem_status read = {0};
    const uint8_t version = wk_bytes_in_u8(&in);
    read.medium = wk_bytes_in_u8(&in);
    read.setting.channel = wk_bytes_in_u8(&in);
    read.channels = wk_bytes_in_u8(&in);
    read.setting.mode = wk_bytes_in_u8(&in);
    read.modes = wk_bytes_in_u8(&in);
    read.setting.level_db = wk_bytes_in_u8(&in);
    read.lowest_db = wk_bytes_in_u8(&in);
    read.flags = wk_bytes_in_u8(&in);
    read.air_percent = wk_bytes_in_u8(&in);
    read.rate_bps = wk_bytes_in_u32be(&in);
    get_heard(&in, &read.near);
    get_heard(&in, &read.far);
    read.heard = wk_bytes_in_u32be(&in);
    read.unsent = wk_bytes_in_u32be(&in);
    if (version != WK_LINE_MODEM_VERSION || read.setting.channel >= read.channels ||
        read.setting.mode >= read.modes || read.setting.level_db > read.lowest_db) {
        wk_bytes_in_fail(&in, WK_E_FORMAT);
    }
    for (uint8_t i = 0; i < WK_LINE_MODEM_CHANNELS; i++) {
        const bool told = in.fault == WK_OK && wk_bytes_in_left(&in) > 0 && i < read.channels;
        read.noise_db[i] = told ? (int8_t)wk_bytes_in_u8(&in) : WK_LINE_MODEM_NOISE_UNKNOWN;
    }
    WK_TRY(in.fault);
    *status = read;
    return WK_OK;
}

void wk_line_modem_setting_write(struct wk_bytes_out *out,
                                 const struct wk_line_modem_setting *setting)
{
    wk_bytes_out_u8(out, WK_LINE_MODEM_VERSION);
    wk_bytes_out_u8(out, setting->channel);
    wk_bytes_out_u8(out, setting->mode);
    wk_bytes_out_u8(out, setting->level_db);
}

wk_err wk_line_modem_setting_read(struct wk_bytes_in in, struct wk_line_modem_setting *setting)
{
    const uint8_t version = wk_bytes_in_u8(&in);
    const struct wk_line_modem_setting read = {.channel = wk_bytes_in_u8(&in),
                                               .mode = wk_bytes_in_u8(&in),
                                               .level_db = wk_bytes_in_u8(&in)};
    if (version != WK_LINE_MODEM_VERSION) {
        wk_bytes_in_fail(&in, WK_E_FORMAT);
    }
    WK_TRY(wk_bytes_in_end(&in));
    *setting = read;
    return WK_OK;
}

/* ---- the modem --------------------------------------------------------------------------- */

void wk_line_modem_init(struct wk_line_modem *modem, const struct wk_line_modem_rules *rules,
                        int64_t now_us)
{
    *modem = (struct wk_line_modem){.rules = *rules, .look_us = now_us, .troubled_us = now_us};
    modem->measure.since_us = now_us;
    if (modem->rules.trial_us == 0) {
        modem->rules.trial_us = WK_LINE_MODEM_TRIAL_US;
    }
}

int64_t wk_line_modem_due_us(const struct wk_line_modem *modem)
{
    return modem->look_us;
}

/* One that does not tell is asked ever more seldom. */
void wk_line_modem_ask(struct wk_line_modem *modem, int64_t now_us, struct wk_bytes_out *out)
{
    uint8_t octets[WK_LINE_MODEM_SET];
    struct wk_bytes_out set = wk_bytes_out_of(octets, sizeof octets);
    if (modem->wants) {
        wk_line_modem_setting_write(&set, &modem->wanted);
    }
    const struct wk_link_line_frame frame = {.kind = WK_LINK_LINE_MODEM_ASK,
                                             .number = ++modem->number,
                                             .octets = wk_bytes_in_of(octets, set.size)};
    wk_link_line_write(out, &frame);
    if (modem->silent < WK_LINE_MODEM_SILENT) {
        modem->silent++;
    } else {
        modem->is_known = false;
    }
    const bool is_silent = modem->silent == WK_LINE_MODEM_SILENT;
    const int64_t often_us = modem->rules.trial_us / LOOKS;
    const int64_t look_us = often_us < WK_LINE_MODEM_LOOK_US ? often_us : WK_LINE_MODEM_LOOK_US;
    modem->look_us = now_us + (is_silent ? WK_LINE_MODEM_HOME_US : look_us);
}

/* The poorer one of both ways. */
static int16_t margin_of(const struct wk_line_modem_status *status)
{
    const int16_t near = status->near.margin_ddb;
    const int16_t far = status->far.margin_ddb;
    if (near == WK_LINE_MODEM_UNKNOWN || far == WK_LINE_MODEM_UNKNOWN) {
        return near == WK_LINE_MODEM_UNKNOWN ? far : near;
    }
    return near < far ? near : far;
}

static void measure(struct wk_line_modem *modem)
{
    struct wk_line_modem_measure *so_far = &modem->measure;
    const int16_t margin = margin_of(&modem->status);
    const bool is_heard = (modem->status.flags & WK_LINE_MODEM_FLAG_HEARD) != 0;
    if (margin == WK_LINE_MODEM_UNKNOWN || !is_heard) {
        return;
    }
    so_far->margin_ddb = so_far->has_margin
                             ? so_far->margin_ddb + (margin - so_far->margin_ddb) / SMOOTH
                             : margin;
    so_far->has_margin = true;
}

void wk_line_modem_count(struct wk_line_modem *modem, bool answered)
{
    struct wk_line_modem_measure *so_far = &modem->measure;
    if (so_far->asked == AGED) {
        so_far->asked /= 2;
        so_far->answered /= 2;
    }
    so_far->asked++;
    so_far->answered = (uint16_t)(so_far->answered + (answered ? 1 : 0));
    so_far->unanswered = answered                         ? 0
                         : so_far->unanswered < UINT8_MAX ? so_far->unanswered + 1
                                                          : UINT8_MAX;
}

bool wk_line_modem_take(struct wk_line_modem *modem, struct wk_bytes_in told, int64_t now_us)
{
    if (wk_line_modem_status_read(told, &modem->status) != WK_OK) {
        return false;
    }
    modem->is_known = true;
    modem->silent = 0;
    measure(modem);
    wk_line_modem_look(modem, now_us);
    return true;
}

/* ---- what it is worth, and advice -------------------------------------------------------- */

int16_t wk_line_modem_quality(const struct wk_line_modem *modem)
{
    const int32_t margin = modem->measure.margin_ddb;
    if (!modem->is_known || !modem->measure.has_margin) {
        return -1;
    }
    return (int16_t)(margin <= 0          ? 0
                     : margin >= BEST_DDB ? QUALITY_BEST
                                          : margin * QUALITY_BEST / BEST_DDB);
}

bool wk_line_modem_is_scarce(const struct wk_line_modem *modem)
{
    const uint8_t percent = modem->status.air_percent;
    return modem->is_known && percent != UINT8_MAX && percent >= WK_LINE_MODEM_SCARCE;
}

uint8_t wk_line_modem_malus(const struct wk_line_modem *modem)
{
    if (!modem->is_known || !modem->measure.has_margin) {
        return 0;
    }
    const int32_t margin = modem->measure.margin_ddb;
    return margin < 0 ? MALUS_LOST : margin < WK_LINE_MODEM_POOR_DDB ? MALUS_POOR : 0;
}

static const char *const k_texts[WK_LINE_MODEM_ADVICES] = {
    [WK_LINE_MODEM_ADVICE_TRIES] =
        "Another channel, level or mode is being tried, and kept if it is better",
    [WK_LINE_MODEM_ADVICE_LOST] =
        "The modem does not hear that of the head-end: look whether that runs, at couplers or "
        "antennas, and whether both may use the same channels",
    [WK_LINE_MODEM_ADVICE_SPENT] =
        "The time on air that the rules allow is spent: less often, or a "
        "faster mode, or another band would help",
    [WK_LINE_MODEM_ADVICE_DISTURBED] =
        "The channel is disturbed, and another one is quieter: let the meter change it (adapt "
        "in [path]), or find what disturbs",
    [WK_LINE_MODEM_ADVICE_LEVEL] =
        "The signal is weak, and the modem may send more: let the meter raise its level (adapt "
        "in [path])",
};

static const char *const k_media[][2] = {
    {"All channels are noisy: a filter at what disturbs, another phase, or a repeater would "
     "help",
     "The signal is weak: another phase, a better coupler, or a repeater would help"},
    {"All channels are noisy: a directed antenna, or a place with more distance to machines, "
     "would help",
     "The signal is weak: a higher place for the antenna, an antenna outside, or a repeater "
     "would help"},
};

static wk_line_modem_advice advise_poor(const struct wk_line_modem *modem)
{
    const struct wk_line_modem_status *status = &modem->status;
    const int8_t noise = status->setting.channel < WK_LINE_MODEM_CHANNELS
                             ? status->noise_db[status->setting.channel]
                             : WK_LINE_MODEM_NOISE_UNKNOWN;
    const uint8_t quiet = wk_line_modem_quietest(modem, 0);
    if (noise != WK_LINE_MODEM_NOISE_UNKNOWN && quiet < WK_LINE_MODEM_CHANNELS &&
        noise - status->noise_db[quiet] >= NOISIER_DB) {
        return WK_LINE_MODEM_ADVICE_DISTURBED;
    }
    if (status->setting.level_db > 0) {
        return WK_LINE_MODEM_ADVICE_LEVEL;
    }
    const int16_t signal = status->near.signal_ddb;
    const int16_t noisy_ddb = status->medium == WK_LINE_MODEM_RADIO ? -1000 : 500;
    return signal != WK_LINE_MODEM_UNKNOWN && status->near.noise_ddb > noisy_ddb
               ? WK_LINE_MODEM_ADVICE_NOISY
               : WK_LINE_MODEM_ADVICE_WEAK;
}

wk_line_modem_advice wk_line_modem_advise(const struct wk_line_modem *modem)
{
    if (!modem->is_known) {
        return WK_LINE_MODEM_ADVICE_NONE;
    }
    if ((modem->status.flags & WK_LINE_MODEM_FLAG_SPENT) != 0) {
        return WK_LINE_MODEM_ADVICE_SPENT;
    }
    if (modem->trial.action != WK_LINE_MODEM_NOTHING) {
        return WK_LINE_MODEM_ADVICE_TRIES;
    }
    if ((modem->status.flags & WK_LINE_MODEM_FLAG_HEARD) == 0) {
        return WK_LINE_MODEM_ADVICE_LOST;
    }
    return wk_line_modem_is_poor(modem) ? advise_poor(modem) : WK_LINE_MODEM_ADVICE_NONE;
}

const char *wk_line_modem_advice_text(const struct wk_line_modem *modem)
{
    const wk_line_modem_advice advice = wk_line_modem_advise(modem);
    const size_t medium = modem->status.medium == WK_LINE_MODEM_RADIO ? 1 : 0;
    switch (advice) {
    case WK_LINE_MODEM_ADVICE_NOISY:
        return k_media[medium][0];
    case WK_LINE_MODEM_ADVICE_WEAK:
        return k_media[medium][1];
    case WK_LINE_MODEM_ADVICE_NONE:
    case WK_LINE_MODEM_ADVICE_TRIES:
    case WK_LINE_MODEM_ADVICE_LOST:
    case WK_LINE_MODEM_ADVICE_SPENT:
    case WK_LINE_MODEM_ADVICE_DISTURBED:
    case WK_LINE_MODEM_ADVICE_LEVEL:
    case WK_LINE_MODEM_ADVICES:
        break;
    }
    return advice < WK_LINE_MODEM_ADVICES ? k_texts[advice] : NULL;
}
