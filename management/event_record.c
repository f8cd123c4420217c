/* SPDX-License-Identifier: Apache-2.0 */
#include "management/event_record.h"

#define US_PER_MS 1000

bool wk_event_of_record(const struct wk_record_event *record, struct wk_event *event)
{
    static const uint16_t k_codes[] = {
        [WK_RECORD_DIP_BEGIN] = WK_EVENT_DIP,
        [WK_RECORD_DIP_END] = WK_EVENT_VOLTAGE_NORMAL,
        [WK_RECORD_SWELL_BEGIN] = WK_EVENT_SWELL,
        [WK_RECORD_SWELL_END] = WK_EVENT_VOLTAGE_NORMAL,
        [WK_RECORD_INTERRUPTION_BEGIN] = WK_EVENT_INTERRUPTION,
        [WK_RECORD_INTERRUPTION_END] = WK_EVENT_VOLTAGE_NORMAL,
        [WK_RECORD_RVC] = WK_EVENT_RAPID_CHANGE,
        [WK_RECORD_TRANSIENT] = WK_EVENT_TRANSIENT,
        [WK_RECORD_SATURATION_BEGIN] = WK_EVENT_SATURATION,
        [WK_RECORD_SATURATION_END] = WK_EVENT_SAMPLES_NORMAL,
        [WK_RECORD_IMPLAUSIBLE_BEGIN] = WK_EVENT_IMPLAUSIBLE,
        [WK_RECORD_IMPLAUSIBLE_END] = WK_EVENT_SAMPLES_NORMAL,
        [WK_RECORD_STUCK_BEGIN] = WK_EVENT_STUCK,
        [WK_RECORD_STUCK_END] = WK_EVENT_SAMPLES_NORMAL,
        [WK_RECORD_NO_VALUE_BEGIN] = WK_EVENT_NO_VALUE,
        [WK_RECORD_NO_VALUE_END] = WK_EVENT_SAMPLES_NORMAL,
        [WK_RECORD_FEED_LOST] = WK_EVENT_SAMPLES_LOST,
        [WK_RECORD_FEED_RESET] = WK_EVENT_FRONT_END_RESET,
        [WK_RECORD_FEED_RATE] = WK_EVENT_RATE_CHANGED,
    };
    if (record->kind >= sizeof k_codes / sizeof k_codes[0] || k_codes[record->kind] == 0) {
        return false;
    }
    const bool is_guard = record->kind >= WK_RECORD_SATURATION_BEGIN;
    *event = (struct wk_event){
        .code = k_codes[record->kind],
        .detail = (uint8_t)(is_guard ? record->channels : record->phases),
        .value = is_guard ? record->value : record->extreme_mv,
        .more = (int32_t)(record->duration_us / US_PER_MS),
    };
    return true;
}
