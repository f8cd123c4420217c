/* SPDX-License-Identifier: Apache-2.0 */
#include "management/event_storm.h"

#include <stddef.h>

static bool is_over(const struct wk_event_storm_slot *slot, int64_t t_us)
{
    return t_us < slot->begin_us || t_us - slot->begin_us >= WK_EVENT_STORM_US;
}

static struct wk_event_storm_slot *find(struct wk_event_storm *storm, uint16_t code,
                                        uint8_t detail)
{
    for (int i = 0; i < WK_EVENT_STORM_SLOTS; i++) {
        struct wk_event_storm_slot *slot = &storm->slot[i];
        if (slot->code == code && slot->detail == detail) {
            return slot;
        }
    }
    return NULL;
}

/* A slot that holds no count: a free one, or that of the event longest ago. */
static struct wk_event_storm_slot *room(struct wk_event_storm *storm)
{
    struct wk_event_storm_slot *oldest = NULL;
    for (int i = 0; i < WK_EVENT_STORM_SLOTS; i++) {
        struct wk_event_storm_slot *slot = &storm->slot[i];
        if (slot->code == 0) {
            return slot;
        }
        const bool older = oldest == NULL || slot->begin_us < oldest->begin_us;
        oldest = slot->dropped == 0 && older ? slot : oldest;
    }
    return oldest;
}

bool wk_event_storm_admit(struct wk_event_storm *storm, uint16_t code, uint8_t detail,
                          int64_t t_us)
{
    struct wk_event_storm_slot *slot = find(storm, code, detail);
    if (slot == NULL || (is_over(slot, t_us) && slot->dropped == 0)) {
        slot = slot != NULL ? slot : room(storm);
        if (slot != NULL) {
            *slot = (struct wk_event_storm_slot){code, detail, 1, 0, t_us};
        }
        return true;
    }
    if (slot->logged < WK_EVENT_STORM_MOST) {
        slot->logged++;
        return true;
    }
    slot->dropped++;
    return false;
}

bool wk_event_storm_end(struct wk_event_storm *storm, int64_t t_us,
                        struct wk_event_storm_count *count)
{
    for (int i = 0; i < WK_EVENT_STORM_SLOTS; i++) {
        struct wk_event_storm_slot *slot = &storm->slot[i];
        if (slot->code == 0 || !is_over(slot, t_us)) {
            continue;
        }
        *count = (struct wk_event_storm_count){slot->code, slot->detail, slot->dropped};
        slot->code = 0;
        if (count->dropped > 0) {
            return true;
        }
    }
    return false;
}
