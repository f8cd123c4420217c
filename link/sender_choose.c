/* SPDX-License-Identifier: Apache-2.0
 *
 * The sender of the link: which path it uses. */
#include "link/sender_part.h"

#define FLIP_US INT64_C(600000000) /* chosen again and left within this: the path flaps */

bool wk_link_sender_is_usable(const struct wk_link_sender *sender, uint8_t i)
{
    return sender->paths[i].state == WK_LINK_UP;
}

static uint32_t worth_of(const struct wk_link_sender *sender, uint8_t i)
{
    const struct wk_link_path *path = &sender->paths[i];
    const uint32_t score = wk_link_sender_is_usable(sender, i) ? wk_link_path_score(path) : 0;
    const bool last_resort = path->rules.alarms_only || !wk_link_path_has_budget(path);
    return score == 0 ? 0 : last_resort ? 1 : score + 1;
}

static void use(struct wk_link_sender *sender, uint8_t path)
{
    sender->switches += sender->active != WK_LINK_NO_PATH && path != WK_LINK_NO_PATH ? 1 : 0;
    sender->active = path;
    sender->better = WK_LINK_NO_PATH;
}

static uint8_t best_of(const struct wk_link_sender *sender)
{
    uint8_t best = WK_LINK_NO_PATH;
    uint32_t most = 0;
    for (uint8_t i = 0; i < sender->config.path_count; i++) {
        if (worth_of(sender, i) > most) {
            most = worth_of(sender, i);
            best = i;
        }
    }
    return best;
}

/* The path in use is gone: another at once. If it had only just been chosen again, the next return
 * waits longer. */
static void leave(struct wk_link_sender *sender, uint8_t best, int64_t now_us)
{
    const bool flaps = sender->chosen_us != 0 && now_us - sender->chosen_us < FLIP_US;
    const int64_t twice = 2 * sender->hold_us;
    sender->hold_us = !flaps                         ? WK_LINK_HOLD_US
                      : twice < WK_LINK_HOLD_MOST_US ? twice
                                                     : WK_LINK_HOLD_MOST_US;
    sender->chosen_us = 0;
    use(sender, best);
}

void wk_link_sender_choose(struct wk_link_sender *sender, int64_t now_us)
{
    const uint8_t best = best_of(sender);
    if (best == WK_LINK_NO_PATH || best == sender->active) {
        sender->better = WK_LINK_NO_PATH;
        return;
    }
    if (sender->active == WK_LINK_NO_PATH) {
        use(sender, best);
        return;
    }
    if (!wk_link_sender_is_usable(sender, sender->active)) {
        leave(sender, best, now_us);
        return;
    }
    if (worth_of(sender, best) < worth_of(sender, sender->active) + WK_LINK_BETTER) {
        sender->better = WK_LINK_NO_PATH;
    } else if (sender->better != best) {
        sender->better = best;
        sender->better_since_us = now_us;
    } else if (now_us - sender->better_since_us >= sender->hold_us) {
        use(sender, best);
        sender->chosen_us = now_us;
    }
}
