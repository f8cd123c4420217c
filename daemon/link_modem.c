/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/link_modem.h"

#define SECOND_US   INT64_C(1000000)
#define BESIDE_S    60 /* a probe comes this long after the agreed time at the earliest */
#define ALONE       3
#define SEED_OCTETS 4

wk_err wk_meter_link_modem_start(struct wk_meter_link_path *path, uv_loop_t *loop,
                                 void (*changed)(void *self))
{
    const struct wk_config *config = path->link->config;
    const struct wk_config_modem *modem = &config->path[path->number].modem;
    uint32_t seed = 0;
    if (modem->device[0] == '\0') {
        return WK_OK;
    }
    for (size_t i = 0; i < SEED_OCTETS; i++) { /* the number is at the end of the title */
        seed = seed << 8 | config->system_title[sizeof config->system_title - SEED_OCTETS + i];
    }
    const struct wk_meter_modem_config made = {
        .loop = loop, .modem = modem, .seed = seed, .self = path, .changed = changed};
    return wk_meter_modem_start(&path->modem, &made);
}

void wk_meter_link_modem_rules(const struct wk_config_path *path,
                               struct wk_link_path_rules *rules)
{
    const int64_t asleep_us = ((int64_t)path->modem.rules.tau_s + BESIDE_S) * SECOND_US;
    if (path->modem.rules.tau_s > 0 && rules->probe_us < asleep_us) {
        rules->probe_us = asleep_us;
    }
}

void wk_meter_link_modem_follow(struct wk_meter_link_path *path, int64_t now_us)
{
    struct wk_link_sender *sender = &path->link->sender;
    struct wk_link_path *state = &sender->paths[path->number];
    const struct wk_modem *modem = wk_meter_modem_look(path->modem);
    const wk_modem_carriage carriage = wk_modem_carries(modem);
    const bool carried = path->takes && carriage != WK_MODEM_CARRIES_NOT;
    if (carried != state->carried) {
        wk_link_sender_carry(sender, path->number, carried, now_us);
    }
    wk_link_sender_rest(sender, path->number, carriage == WK_MODEM_RESTS, now_us);
    state->malus = wk_modem_malus(modem);
}

static bool another_is_up(const struct wk_meter_link *link, uint8_t number)
{
    for (uint8_t i = 0; i < link->path_count; i++) {
        if (i != number && link->sender.paths[i].state == WK_LINK_UP) {
            return true;
        }
    }
    return false;
}

static void look_whether_dead(struct wk_meter_link_path *path, int64_t now_us)
{
    const struct wk_link_path *state = &path->link->sender.paths[path->number];
    const bool dead = state->carried && state->state == WK_LINK_DOWN;
    path->dead_us = !dead ? 0 : path->dead_us == 0 ? now_us : path->dead_us;
    const int64_t patience_us =
        (another_is_up(path->link, path->number) ? 1 : ALONE) * WK_METER_LINK_USELESS_US;
    if (dead && now_us - path->dead_us >= patience_us) {
        path->dead_us = 0;
        wk_meter_modem_useless(path->modem);
    }
}

void wk_meter_link_modem_tend(struct wk_meter_link *link, int64_t now_us)
{
    const bool is_urgent = wk_link_sender_is_urgent(&link->sender);
    for (uint8_t i = 0; i < link->path_count; i++) {
        struct wk_meter_link_path *path = &link->paths[i];
        const struct wk_link_path *state = &link->sender.paths[i];
        if (path->modem == NULL) {
            continue;
        }
        if (is_urgent && state->state == WK_LINK_RESTING) {
            wk_meter_modem_wake(path->modem);
        }
        if (path->suspected != state->counts.suspected) {
            path->suspected = state->counts.suspected;
            wk_meter_modem_doubt(path->modem);
        }
        look_whether_dead(path, now_us);
    }
}
