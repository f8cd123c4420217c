/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/line_modem.h"

#include <math.h>
#include <string.h>

#include "port/virtual/draw.h"

#define ENDS          WK_VIRTUAL_LINE_MODEM_ENDS
#define NEVER_US      WK_VIRTUAL_LINE_MODEM_NEVER
#define SECOND_US     INT64_C(1000000)
#define MINUTE_US     INT64_C(60000000)
#define HOUR_MINUTES  60
#define AIR_HEAD      16 /* octets of a packet beside its own: addresses, what is heard, check sum */
#define RF_LONGEST    255 /* octets of a packet */
#define PLC_LONGEST   400
#define SLOT_US       INT64_C(4000)
#define SLOTS_DOUBLED 5
#define MOVE_TRIES    8
#define CALL_TRIES    4
#define CALL_PLACES   4               /* there, back, there, back */
#define ANSWER_US     INT64_C(100000) /* patience with the far modem, beside the time on air */
#define ALIVE_US      INT64_C(20000000) /* a leader that hears nothing calls */
#define SEEK_US       INT64_C(1000000)
#define DWELL         3 /* rounds of the leader, on each channel */
#define PERCENT       100

/* Steps of a move. */
enum { STEP_NONE, STEP_MOVING, STEP_CALLING, STEP_UNCONFIRMED };

void wk_virtual_line_modems_init(struct wk_virtual_line_modems *modems,
                                 wk_virtual_medium_kind kind,
                                 const struct wk_virtual_medium_rules *rules,
                                 uint32_t air_permille, uint64_t seed)
{
    memset(modems, 0, sizeof *modems);
    wk_virtual_medium_init(&modems->medium, kind, rules, seed);
    modems->air_permille = air_permille;
    modems->follows = true;
    modems->seed = seed + 1;
    for (unsigned i = 0; i < ENDS; i++) {
        modems->end[i].air_to_us = NEVER_US;
        modems->end[i].step_us = NEVER_US;
    }
}

/* ---- time on air ------------------------------------------------------------------------- */

int64_t wk_virtual_line_modems_air_us(const struct wk_virtual_line_modems *modems, unsigned end,
                                      int64_t now_us)
{
    int64_t sum_us = 0;
    const struct wk_virtual_line_modem *modem = &modems->end[end];
    const int64_t minute = now_us / MINUTE_US;
    for (int64_t m = minute - HOUR_MINUTES; m <= minute; m++) {
        const bool is_held =
            m >= 0 && m <= modem->minute && m > modem->minute - WK_VIRTUAL_LINE_MODEM_MINUTES;
        sum_us += is_held ? modem->air_us[m % WK_VIRTUAL_LINE_MODEM_MINUTES] : 0;
    }
    return sum_us;
}

static int64_t allowed_us(const struct wk_virtual_line_modems *modems)
{
    return modems->air_permille == 0 ? NEVER_US
                                     : (int64_t)modems->air_permille * 60 * MINUTE_US / 1000;
}

/* All of it counts in the minute in which it ends. */
static void spend(struct wk_virtual_line_modem *modem, int64_t from_us, int64_t to_us)
{
    const int64_t minute = to_us / MINUTE_US;
    if (minute - modem->minute >= WK_VIRTUAL_LINE_MODEM_MINUTES) {
        memset(modem->air_us, 0, sizeof modem->air_us);
        modem->minute = minute;
    }
    while (modem->minute < minute) {
        modem->air_us[++modem->minute % WK_VIRTUAL_LINE_MODEM_MINUTES] = 0;
    }
    modem->air_us[minute % WK_VIRTUAL_LINE_MODEM_MINUTES] += (uint32_t)(to_us - from_us);
    modem->counts.air_us += to_us - from_us;
}

/* ---- to the host ------------------------------------------------------------------------- */

/* A host that does not read loses what does not fit. */
static void tell_host(struct wk_virtual_line_modem *modem,
                      const struct wk_link_line_frame *frame)
{
    struct wk_bytes_out out =
        wk_bytes_out_of(modem->out + modem->out_size, sizeof modem->out - modem->out_size);
    wk_link_line_write(&out, frame);
    modem->out_size += out.fault == WK_OK ? out.size : 0;
}

static int16_t tenths(double value)
{
    return (int16_t)lround(value * 10);
}

static struct wk_line_modem_heard told_of(const struct wk_virtual_heard *heard, bool is_known)
{
    return is_known
               ? (struct wk_line_modem_heard){tenths(heard->signal_db), tenths(heard->noise_db),
                                              tenths(heard->margin_db)}
               : (struct wk_line_modem_heard){WK_LINE_MODEM_UNKNOWN, WK_LINE_MODEM_UNKNOWN,
                                              WK_LINE_MODEM_UNKNOWN};
}

static struct wk_line_modem_status status_of(const struct wk_virtual_line_modems *modems,
                                             unsigned end, int64_t now_us)
{
    const struct wk_virtual_line_modem *modem = &modems->end[end];
    const wk_virtual_medium_kind kind = modems->medium.kind;
    const bool hears = modem->has_heard && now_us - modem->heard_us < WK_LINE_MODEM_HOME_US;
    const int64_t used_us = wk_virtual_line_modems_air_us(modems, end, now_us);
    const int64_t percent = used_us * PERCENT / allowed_us(modems);
    struct wk_line_modem_status status = {
        .medium = (uint8_t)kind,
        .channels = wk_virtual_medium_channels(kind),
        .modes = WK_VIRTUAL_MODES,
        .lowest_db = WK_VIRTUAL_BACKOFF_DB,
        .air_percent = modems->air_permille == 0 ? UINT8_MAX : (uint8_t)percent,
        .setting = modem->setting,
        .near = told_of(&modem->near, modem->has_near),
        .far = told_of(&modem->far, modem->has_far),
        .rate_bps = wk_virtual_medium_mode(kind, modem->setting.mode)->rate_bps,
        .heard = modem->counts.heard,
        .unsent = modem->counts.blocked + modem->counts.refused,
    };
    status.flags = (uint8_t)((hears ? WK_LINE_MODEM_FLAG_HEARD : 0) |
                             (modem->step != STEP_NONE ? WK_LINE_MODEM_FLAG_MOVES : 0) |
                             (modem->refused ? WK_LINE_MODEM_FLAG_REFUSED : 0) |
                             (percent >= PERCENT ? WK_LINE_MODEM_FLAG_SPENT : 0));
    for (uint8_t i = 0; i < status.channels; i++) {
        status.noise_db[i] = (int8_t)lround(wk_virtual_medium_noise_db(&modems->medium, i));
    }
    return status;
}

/* ---- of the host ------------------------------------------------------------------------- */

static void next_step(struct wk_virtual_line_modem *modem, uint8_t step, int64_t now_us)
{
    modem->step = step;
    modem->attempts = 0;
    modem->places = 0;
    modem->step_us = now_us;
}

/* The level is its own; channel and mode are of both. */
static void set(struct wk_virtual_line_modems *modems, unsigned end,
                const struct wk_line_modem_setting *wanted, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    const bool is_there =
        modem->setting.channel == wanted->channel && modem->setting.mode == wanted->mode;
    const bool can = wanted->channel < wk_virtual_medium_channels(modems->medium.kind) &&
                     wanted->mode < WK_VIRTUAL_MODES &&
                     wanted->level_db <= WK_VIRTUAL_BACKOFF_DB && end == 0;
    modem->refused = !can;
    if (!can || modem->step != STEP_NONE) {
        return;
    }
    modem->setting.level_db = wanted->level_db;
    if (!is_there) {
        modem->goal = *wanted;
        next_step(modem, STEP_MOVING, now_us);
    }
}

static void ask_modem(struct wk_virtual_line_modems *modems, unsigned end,
                      const struct wk_link_line_frame *frame, int64_t now_us)
{
    uint8_t octets[WK_LINE_MODEM_TOLD];
    struct wk_line_modem_setting wanted;
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    if (frame->octets.size > 0 && wk_line_modem_setting_read(frame->octets, &wanted) == WK_OK) {
        set(modems, end, &wanted, now_us);
    }
    const struct wk_line_modem_status status = status_of(modems, end, now_us);
    wk_line_modem_status_write(&out, &status);
    const struct wk_link_line_frame told = {.kind = WK_LINK_LINE_MODEM_TELL,
                                            .number = frame->number,
                                            .octets = wk_bytes_in_of(octets, out.size)};
    tell_host(&modems->end[end], &told);
}

static void enqueue(struct wk_virtual_line_modem *modem, const struct wk_link_line_frame *frame)
{
    if (modem->queued == WK_VIRTUAL_LINE_MODEM_QUEUE) {
        modem->counts.blocked++;
        return;
    }
    struct wk_virtual_air *air = &modem->queue[modem->queued++];
    air->kind = WK_VIRTUAL_AIR_DATA;
    air->frame_kind = frame->kind;
    air->number = frame->number;
    air->meter = frame->meter;
    air->size = (uint16_t)frame->octets.size;
    if (air->size > 0) {
        memcpy(air->octets, frame->octets.data, air->size);
    }
}

void wk_virtual_line_modems_take(struct wk_virtual_line_modems *modems, unsigned end,
                                 const uint8_t *octets, size_t size, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    wk_virtual_line_modems_step(modems, now_us);
    modems->now_us = now_us;
    for (size_t i = 0; i < size; i++) {
        struct wk_link_line_frame frame;
        if (!wk_link_line_read(&modem->reader, octets[i], &frame)) {
            continue;
        }
        if (frame.kind == WK_LINK_LINE_MODEM_ASK) {
            ask_modem(modems, end, &frame, now_us);
        } else {
            enqueue(modem, &frame);
        }
    }
    wk_virtual_line_modems_step(modems, now_us);
}

/* ---- on the medium ----------------------------------------------------------------------- */

static bool has_to_send(const struct wk_virtual_line_modem *modem)
{
    return modem->control.kind != WK_VIRTUAL_AIR_NONE ||
           (modem->queued > 0 && modem->step == STEP_NONE);
}

static void drop(struct wk_virtual_line_modem *modem)
{
    if (modem->control.kind != WK_VIRTUAL_AIR_NONE) {
        modem->control.kind = WK_VIRTUAL_AIR_NONE;
    } else {
        modem->queued--;
        memmove(&modem->queue[0], &modem->queue[1], modem->queued * sizeof modem->queue[0]);
    }
    modem->tries = 0;
}

/* What is not of a host goes as robust as can be. */
static uint8_t mode_of(const struct wk_virtual_line_modem *modem,
                       const struct wk_virtual_air *air)
{
    return air->kind == WK_VIRTUAL_AIR_DATA ? modem->setting.mode : 0;
}

static bool is_free(struct wk_virtual_line_modems *modems, unsigned end)
{
    const struct wk_virtual_line_modem *other = &modems->end[1 - end];
    const uint8_t channel = modems->end[end].setting.channel;
    return (other->air_to_us == NEVER_US || other->setting.channel != channel) &&
           !wk_virtual_medium_is_taken(&modems->medium, channel);
}

static void wait_turn(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    if (++modem->tries > WK_VIRTUAL_LINE_MODEM_TRIES) {
        modem->counts.blocked++;
        drop(modem);
    }
    const uint32_t doubled = modem->tries < SLOTS_DOUBLED ? modem->tries : SLOTS_DOUBLED;
    modem->try_us = now_us + SLOT_US * (1 + wk_virtual_draw(&modems->seed, 2U << doubled));
}

static void send(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    if (!is_free(modems, end)) {
        wait_turn(modems, end, now_us);
        return;
    }
    const bool is_control = modem->control.kind != WK_VIRTUAL_AIR_NONE;
    const struct wk_virtual_air *air = is_control ? &modem->control : &modem->queue[0];
    const int64_t lasts_us = wk_virtual_medium_airtime_us(
        modems->medium.kind, mode_of(modem, air), (size_t)air->size + AIR_HEAD);
    const int64_t used_us = wk_virtual_line_modems_air_us(modems, end, now_us + lasts_us);
    if (used_us + lasts_us > allowed_us(modems)) {
        modem->counts.refused++;
        drop(modem);
        return;
    }
    modem->on_air = *air;
    modem->air_from_us = now_us;
    modem->air_to_us = now_us + lasts_us;
    modem->counts.sent++;
    spend(modem, modem->air_from_us, modem->air_to_us);
    drop(modem);
}

/* ---- what arrives ------------------------------------------------------------------------ */

static void control(struct wk_virtual_line_modem *modem, wk_virtual_air_kind kind)
{
    modem->control = (struct wk_virtual_air){
        .kind = kind, .channel = modem->goal.channel, .mode = modem->goal.mode};
}

static void go(struct wk_virtual_line_modem *modem, uint8_t channel, uint8_t mode)
{
    modem->setting.channel = channel;
    modem->setting.mode = mode;
    modem->has_near = false;
    modem->has_far = false;
}

static void go_calling(struct wk_virtual_line_modem *modem, int64_t now_us)
{
    modem->before = modem->setting;
    go(modem, modem->goal.channel, modem->goal.mode);
    next_step(modem, STEP_CALLING, now_us);
}

static bool is_at(const struct wk_virtual_line_modem *modem,
                  const struct wk_line_modem_setting *place)
{
    return modem->setting.channel == place->channel && modem->setting.mode == place->mode;
}

/* The far one was found, where it was to go or where it was. */
static void settle(struct wk_virtual_line_modem *modem)
{
    modem->refused = !is_at(modem, &modem->goal);
    modem->counts.moves += modem->refused ? 0 : 1;
    modem->counts.returns += modem->refused ? 1 : 0;
    next_step(modem, STEP_NONE, NEVER_US);
}

static void take_control(struct wk_virtual_line_modems *modems, unsigned end,
                         const struct wk_virtual_air *air, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    switch (air->kind) {
    case WK_VIRTUAL_AIR_MOVE:
        if (modems->follows && modem->step != STEP_UNCONFIRMED) {
            modem->before = modem->setting;
            modem->goal =
                (struct wk_line_modem_setting){.channel = air->channel, .mode = air->mode};
            control(modem, WK_VIRTUAL_AIR_FOLLOWS);
        }
        break;
    case WK_VIRTUAL_AIR_FOLLOWS:
        if (modem->step == STEP_MOVING) {
            go_calling(modem, now_us);
        }
        break;
    case WK_VIRTUAL_AIR_CALL:
        if (modem->step == STEP_UNCONFIRMED) {
            next_step(modem, STEP_NONE, NEVER_US);
        }
        control(modem, WK_VIRTUAL_AIR_HERE);
        break;
    case WK_VIRTUAL_AIR_HERE:
        if (modem->step == STEP_CALLING) {
            settle(modem);
        }
        break;
    case WK_VIRTUAL_AIR_NONE:
    case WK_VIRTUAL_AIR_DATA:
        break;
    }
}

static void hear(struct wk_virtual_line_modems *modems, unsigned end,
                 const struct wk_virtual_line_modem *from, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    const struct wk_virtual_air *air = &from->on_air;
    modem->near =
        wk_virtual_medium_hear(&modems->medium, from->setting.channel, from->setting.mode,
                               from->setting.level_db, from->air_from_us);
    modem->has_near = true;
    modem->far = from->near;
    modem->has_far = from->has_near;
    modem->has_heard = true;
    modem->heard_us = now_us;
    modem->is_seeking = false;
    modem->counts.heard++;
    if (air->kind == WK_VIRTUAL_AIR_DATA) {
        const struct wk_link_line_frame frame = {.kind = air->frame_kind,
                                                 .number = air->number,
                                                 .meter = air->meter,
                                                 .octets =
                                                     wk_bytes_in_of(air->octets, air->size)};
        tell_host(modem, &frame);
    } else {
        take_control(modems, end, air, now_us);
    }
}

/* The far modem may have a packet on the air, the longest there is. */
static int64_t patience_us(const struct wk_virtual_line_modems *modems, uint8_t mode)
{
    const wk_virtual_medium_kind kind = modems->medium.kind;
    const size_t longest = kind == WK_VIRTUAL_RADIO ? RF_LONGEST : PLC_LONGEST;
    return ANSWER_US + wk_virtual_medium_airtime_us(kind, mode, longest) +
           2 * wk_virtual_medium_airtime_us(kind, 0, AIR_HEAD);
}

/* A modem that sends hears nothing, nor does one that is elsewhere. */
static void land(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *from = &modems->end[end];
    struct wk_virtual_line_modem *to = &modems->end[1 - end];
    const bool listens = to->setting.channel == from->setting.channel &&
                         (to->air_to_us == NEVER_US || to->air_from_us >= from->air_to_us);
    const size_t octets = (size_t)from->on_air.size + AIR_HEAD;
    if (listens && wk_virtual_medium_arrives(
                       &modems->medium, from->setting.channel, mode_of(from, &from->on_air),
                       from->setting.level_db, octets, from->air_from_us)) {
        hear(modems, 1 - end, from, now_us);
    } else {
        to->counts.lost++;
    }
    from->air_to_us = NEVER_US;
    from->try_us = now_us + SLOT_US;
    if (from->on_air.kind == WK_VIRTUAL_AIR_FOLLOWS) {
        const int64_t unconfirmed_us =
            (MOVE_TRIES + CALL_TRIES) * patience_us(modems, from->setting.mode);
        go(from, from->goal.channel, from->goal.mode);
        next_step(from, STEP_UNCONFIRMED, now_us + unconfirmed_us);
    }
}

/* ---- moves ------------------------------------------------------------------------------- */

static void give_up(struct wk_virtual_line_modem *modem)
{
    go(modem, modem->before.channel, modem->before.mode);
    settle(modem);
}

/* Whether the far one went, or came back, the last answer may be lost: it is called in both places in turn. */
static void call_elsewhere(struct wk_virtual_line_modem *modem)
{
    const struct wk_line_modem_setting *place =
        is_at(modem, &modem->goal) ? &modem->before : &modem->goal;
    modem->places++;
    modem->attempts = 0;
    go(modem, place->channel, place->mode);
}

/* The step has lasted for as long as it may. */
static void go_on(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    if (modem->step == STEP_MOVING && modem->attempts == MOVE_TRIES) {
        go_calling(modem, now_us); /* it may have heard, and its answer was lost */
    }
    if (modem->step == STEP_UNCONFIRMED) {
        give_up(modem);
        return;
    }
    if (modem->step == STEP_CALLING && modem->attempts == CALL_TRIES) {
        if (modem->places + 1 == CALL_PLACES) {
            give_up(modem);
            return;
        }
        call_elsewhere(modem);
    }
    const bool moves = modem->step == STEP_MOVING;
    modem->attempts++;
    control(modem, moves ? WK_VIRTUAL_AIR_MOVE : WK_VIRTUAL_AIR_CALL);
    modem->step_us = now_us + patience_us(modems, modem->setting.mode);
}

/* ---- silence ----------------------------------------------------------------------------- */

static int64_t silent_since_us(const struct wk_virtual_line_modem *modem)
{
    return modem->home_us > modem->heard_us ? modem->home_us : modem->heard_us;
}

/* When a modem that hears nothing does something about it. */
static int64_t restless_us(const struct wk_virtual_line_modem *modem, unsigned end)
{
    if (modem->step != STEP_NONE) {
        return NEVER_US;
    }
    const int64_t patient_us = silent_since_us(modem) + WK_LINE_MODEM_HOME_US;
    const int64_t heard_us = modem->has_heard ? modem->heard_us + ALIVE_US : 0;
    const int64_t call_us = modem->seek_us > heard_us ? modem->seek_us : heard_us;
    const int64_t alive_us = end == 0 ? call_us : NEVER_US;
    return modem->is_seeking ? modem->seek_us : patient_us < alive_us ? patient_us : alive_us;
}

static void seek(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    const uint8_t channels = wk_virtual_medium_channels(modems->medium.kind);
    go(modem, (uint8_t)((modem->setting.channel + 1) % channels), 0);
    modem->seek_us = now_us + SEEK_US;
    if (end == 0) {
        control(modem, WK_VIRTUAL_AIR_CALL);
    } else {
        modem->seek_us = now_us + DWELL * channels * SEEK_US;
    }
}

static bool is_home(const struct wk_virtual_line_modem *modem)
{
    return modem->setting.channel == 0 && modem->setting.mode == 0 &&
           modem->setting.level_db == 0;
}

static void be_restless(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    const bool is_lost = now_us - silent_since_us(modem) >= WK_LINE_MODEM_HOME_US;
    if (modem->is_seeking) {
        seek(modems, end, now_us);
    } else if (is_lost && !is_home(modem)) {
        go(modem, 0, 0);
        modem->setting.level_db = 0;
        modem->home_us = now_us;
        modem->seek_us = now_us + ALIVE_US;
    } else if (is_lost) {
        modem->is_seeking = true;
        seek(modems, end, now_us);
    } else {
        control(modem, WK_VIRTUAL_AIR_CALL);
        modem->seek_us = now_us + ALIVE_US;
    }
}

/* ---- time -------------------------------------------------------------------------------- */

static int64_t next_of(const struct wk_virtual_line_modem *modem, unsigned end)
{
    int64_t next_us = modem->air_to_us;
    if (modem->air_to_us == NEVER_US) {
        const int64_t try_us = has_to_send(modem) ? modem->try_us : NEVER_US;
        const int64_t calm_us = restless_us(modem, end);
        next_us = try_us < modem->step_us ? try_us : modem->step_us;
        next_us = next_us < calm_us ? next_us : calm_us;
    }
    return next_us;
}

int64_t wk_virtual_line_modems_next_us(const struct wk_virtual_line_modems *modems)
{
    const int64_t a_us = next_of(&modems->end[0], 0);
    const int64_t b_us = next_of(&modems->end[1], 1);
    return a_us < b_us ? a_us : b_us;
}

static void step_end(struct wk_virtual_line_modems *modems, unsigned end, int64_t now_us)
{
    struct wk_virtual_line_modem *modem = &modems->end[end];
    if (modem->air_to_us != NEVER_US) {
        land(modems, end, modem->air_to_us);
        return;
    }
    if (modem->step_us <= now_us) {
        go_on(modems, end, now_us);
    } else if (restless_us(modem, end) <= now_us) {
        be_restless(modems, end, now_us);
    } else {
        send(modems, end, now_us);
    }
}

void wk_virtual_line_modems_step(struct wk_virtual_line_modems *modems, int64_t now_us)
{
    while (wk_virtual_line_modems_next_us(modems) <= now_us) {
        const int64_t a_us = next_of(&modems->end[0], 0);
        const int64_t b_us = next_of(&modems->end[1], 1);
        const int64_t next_us = a_us <= b_us ? a_us : b_us;
        modems->now_us = next_us > modems->now_us ? next_us : modems->now_us;
        step_end(modems, a_us <= b_us ? 0 : 1, modems->now_us);
    }
}
