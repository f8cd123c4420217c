/* SPDX-License-Identifier: Apache-2.0 */
#include "management/rooms.h"

#include "management/counts.h"

struct wk_profile *wk_rooms_profile(struct wk_rooms *rooms, uint8_t number)
{
    if (number < WK_ROOMS_OWN_PROFILES) {
        return &rooms->profile[number];
    }
    return number < WK_ROOMS_PROFILES && rooms->more_profiles != NULL
               ? &rooms->more_profiles[number - WK_ROOMS_OWN_PROFILES]
               : NULL;
}

bool wk_rooms_has_profile(const struct wk_rooms *rooms, uint8_t number)
{
    static const uint8_t k_logs[WK_ROOMS_PROFILES] = {
        WK_ROOMS_LOG_PROFILE, WK_ROOMS_LOG_PROFILE_2, WK_ROOMS_LOG_PROFILE_3,
        WK_ROOMS_LOG_PROFILE_4, WK_ROOMS_LOG_PROFILE_5};
    return number < WK_ROOMS_PROFILES &&
           (number < WK_ROOMS_OWN_PROFILES || rooms->more_profiles != NULL) &&
           rooms->store.log[k_logs[number]].sectors > 0;
}

uint8_t wk_rooms_log_of(const struct wk_rooms *rooms, wk_event_log log)
{
    static const uint8_t k_logs[WK_EVENT_LOGS] = {
        [WK_EVENT_LOG_STANDARD] = WK_ROOMS_LOG_EVENT,
        [WK_EVENT_LOG_FRAUD] = WK_ROOMS_LOG_FRAUD,
        [WK_EVENT_LOG_DISCONNECT] = WK_ROOMS_LOG_DISCONNECT,
        [WK_EVENT_LOG_QUALITY] = WK_ROOMS_LOG_QUALITY,
        [WK_EVENT_LOG_COMMUNICATION] = WK_ROOMS_LOG_COMMUNICATION,
        [WK_EVENT_LOG_FIRMWARE] = WK_ROOMS_LOG_FIRMWARE,
        [WK_EVENT_LOG_SECURITY] = WK_ROOMS_LOG_SECURITY,
        [WK_EVENT_LOG_CREDIT] = WK_ROOMS_LOG_CREDIT,
    };
    uint64_t oldest;
    uint64_t next;
    const uint8_t own = (unsigned)log < WK_EVENT_LOGS ? k_logs[log] : 0;
    const bool has = own != 0 && wk_store_log_span(&rooms->store, own, &oldest, &next) == WK_OK;
    return has ? own : WK_ROOMS_LOG_EVENT;
}

uint32_t wk_rooms_failures(const struct wk_rooms *rooms, uint8_t where)
{
    return rooms->power_failures +
           (rooms->counts != NULL ? rooms->counts->outage[where].number : 0);
}
