/* SPDX-License-Identifier: Apache-2.0 */
#include "management/rooms.h"

#include "management/counts.h"

bool wk_rooms_has_profile(const struct wk_rooms *rooms, uint8_t number)
{
    return number < WK_ROOMS_PROFILES &&
           rooms->store.log[rooms->profile[number].log].sectors > 0;
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
